"""Packed rows, by packed.c; call ``packed_init()`` when a module is loaded."""
from libc.stdint cimport uint32_t


cdef extern from "packed.h" nogil:
    Py_ssize_t PACKED_PAD

    ctypedef struct packed_table:
        void (*pack_d)(Py_ssize_t n, Py_ssize_t p, const void* x, Py_ssize_t bytes,
                       const uint32_t* order, const double* shift, const double* factor,
                       Py_ssize_t stride, double* out) noexcept nogil
        void (*pack_f)(Py_ssize_t n, Py_ssize_t p, const void* x, Py_ssize_t bytes,
                       const uint32_t* order, const double* shift, const double* factor,
                       Py_ssize_t stride, double* out) noexcept nogil
        void (*dot)(Py_ssize_t n, Py_ssize_t stride, const double* rows, const double* w,
                    Py_ssize_t step, double* out) noexcept nogil
        void (*tdot)(Py_ssize_t n, Py_ssize_t stride, const double* rows, const double* a,
                     Py_ssize_t step, double* sums) noexcept nogil
        Py_ssize_t (*scale)(Py_ssize_t n, Py_ssize_t stride, const double* rows, const double* a,
                            Py_ssize_t step, double* kept, double* scaled) noexcept nogil
        void (*gram)(Py_ssize_t n, Py_ssize_t q, Py_ssize_t stride, const double* a,
                     const double* b, double* h) noexcept nogil

    packed_table packed
    void packed_init()
