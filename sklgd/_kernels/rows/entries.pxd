"""What rows do with their entries, by the types of these: the functions of csr.c and cross.c."""
from libc.stdint cimport int32_t

from ..base cimport Drift, Lazy, Touch
from ..simd cimport simd


cdef extern from "csr.h" nogil:
    ctypedef struct csr_table:
        Py_ssize_t data_bytes
        Py_ssize_t index_bytes
        void (*dot)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t k,
                    Py_ssize_t p, const double* w, double* raw) noexcept nogil
        void (*tdot)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t k,
                     Py_ssize_t p, const double* draw, double* w) noexcept nogil
        void (*outer)(const void* data, const void* indices, Py_ssize_t size, double bend,
                      Py_ssize_t q, double* h) noexcept nogil
        void (*lazy_dot)(const void* data, const void* indices, Py_ssize_t size, const Lazy* w,
                         double* raw) noexcept nogil
        void (*lazy_tdot)(const void* data, const void* indices, Py_ssize_t size,
                          const double* draw, Lazy* w) noexcept nogil
        void (*pairs_dot)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t k,
                          Py_ssize_t p, const double* w, double* raw) noexcept nogil
        void (*pairs_tdot)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t k,
                           Py_ssize_t p, const double* draw, double* w) noexcept nogil
        void (*drift_dot)(const void* data, const void* indices, Py_ssize_t size, const Drift* w,
                          double* raw) noexcept nogil
        void (*drift_tdot)(const void* data, const void* indices, Py_ssize_t size,
                           const double* draw, const Drift* w) noexcept nogil
        void (*mix)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t k,
                    const double* factor, const double* w, double* raw) noexcept nogil
        void (*tmix)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t k,
                     const double* factor, const double* draw, double* w) noexcept nogil
        int (*in_order)(const void* indices, Py_ssize_t size, int32_t* features) noexcept nogil
        void (*fetch)(const void* indices, Py_ssize_t size, const Touch* touch) noexcept nogil
        void (*touch)(const void* indices, Py_ssize_t size, Touch* touch,
                      int32_t* where) noexcept nogil
    const csr_table* csr_functions(int single, int wide)


cdef extern from "cross.h" nogil:
    ctypedef struct cross_table:
        double (*dot)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t f,
                      Py_ssize_t p, const double* v, double* sums) noexcept nogil
        void (*tdot)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t f,
                     Py_ssize_t p, double draw, const double* sums, const double* v,
                     double* grad) noexcept nogil
    const cross_table* cross_functions(int single, int sparse, int wide)


cdef inline double square(const char* row, Py_ssize_t n, bint single) noexcept nogil:
    # |x|^2 of contiguous entries
    cdef Py_ssize_t j
    cdef double total = 0.0
    if not single:
        return simd.dot_d(n, <const double*> row, <const double*> row)
    for j in range(n):
        total += (<const float*> row)[j] * <double> (<const float*> row)[j]
    return total
