"""What other compiled modules may ask of an objective: see epoch.pyx."""
cimport cython

from libc.stdint cimport uint32_t

from .base cimport Aim, Batch, LossKernel, ModelKernel, RowsKernel


@cython.final
cdef class Objective:
    cdef readonly RowsKernel rows
    cdef readonly LossKernel loss
    cdef readonly ModelKernel model
    cdef readonly object owned          # keeps the arrays alive
    cdef const double* y
    cdef const double* weights          # NULL where all are one
    cdef Py_ssize_t y_width
    cdef readonly bint joint
    cdef bint expand
    cdef double off
    cdef double on

    cdef Py_ssize_t target_width(self) noexcept nogil
    cdef void gather(self, const Batch* batch, double* targets) noexcept nogil
    cdef int evaluate_row(self, const Batch* batch, double raw, double factor,
                          double* draw, double* total) except -1 nogil
    cdef void take_aim(self, const Batch* batch, Aim* aim, const double* raw, const double* draw,
                       double* targets) noexcept nogil
    cdef int evaluate(self, const Batch* batch, const double* raw, double* targets, double* value,
                      double* draw, double factor, double* total) except -1 nogil
    cdef Py_ssize_t n_positions(self, const uint32_t[::1] order)
    cdef double sum_rows(self, double[::1] raw, const double* params, double* grad,
                         const uint32_t[::1] order, Py_ssize_t start, Py_ssize_t stop) except? -1.0
