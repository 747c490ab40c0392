"""Gram matrices, by gram.c; call ``gram_init()`` when a module is loaded."""


cdef extern from "gram.h" nogil:
    Py_ssize_t GRAM_PAD
    void (*gram)(Py_ssize_t n, Py_ssize_t q, Py_ssize_t stride, const double* a, const double* b,
                 double* h) noexcept nogil
    void gram_init()
