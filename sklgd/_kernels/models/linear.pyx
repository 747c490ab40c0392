"""The compiled twin of `sklgd.models.Linear`."""
from libc.math cimport fabs

from ..base cimport Batch, ModelKernel, RowsKernel, Tape, add_to_rows


# A sum that is smaller beside its terms is none: some rules would make a full step of it.
cdef double ROUNDING = 1e-15


cdef class LinearKernel(ModelKernel):
    """raw = X W.T + b, with params = W in C order, then b where the intercept is fitted."""

    def __init__(self, Py_ssize_t n_features, Py_ssize_t n_raw, bint fit_intercept):
        self.n_raw = self.weight_rows = n_raw
        self.n_weights = n_raw * n_features
        self.n_params = self.n_weights + (n_raw if fit_intercept else 0)

    cdef int forward(self, RowsKernel X, const Batch* batch, const double* params, Tape* tape,
                     double* raw) except -1 nogil:
        X.dot(batch, self.n_raw, params, raw)
        if self.n_params > self.n_weights:
            add_to_rows(batch.size, self.n_raw, params + self.n_weights, raw)
        return 0

    cdef int backward(self, RowsKernel X, const Batch* batch, const double* params, Tape* tape,
                      const double* draw, double* grad) except -1 nogil:
        cdef Py_ssize_t i, c
        cdef double* intercept = grad + self.n_weights
        cdef double total, size
        X.tdot(batch, self.n_raw, draw, 1.0, grad)
        if self.n_params == self.n_weights:
            return 0
        for c in range(self.n_raw):
            total = size = 0.0
            for i in range(batch.size):
                total += draw[i * self.n_raw + c]
                size += fabs(draw[i * self.n_raw + c])
            if fabs(total) > ROUNDING * size:
                intercept[c] += total
        return 0
