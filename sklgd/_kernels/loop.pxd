"""What loops over batches have in common."""
from libc.stdint cimport int64_t

from .base cimport Batch, PenaltyKernel, RowsKernel
from .objective cimport Objective


cdef class Loop:
    cdef Objective objective
    cdef RowsKernel rows
    cdef PenaltyKernel smooth
    cdef PenaltyKernel proximal
    cdef readonly object owned      # keeps the arrays alive that the pointers point into
    cdef double* params
    cdef double* mean               # NULL without averaging
    cdef int64_t average_from
    cdef Py_ssize_t batch_size
    cdef readonly int64_t t         # the next step

    # before and after the steps of `take`: afterwards all arrays hold true values
    cdef begin(self, Py_ssize_t steps, bint steady)
    cdef int take(self, Batch* batch, const double* rate, Py_ssize_t stride,
                  double* total) except -1 nogil
    cdef end(self)
