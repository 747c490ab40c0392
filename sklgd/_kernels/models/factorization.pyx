"""The compiled twin of `sklgd.models.FactorizationMachine`."""
from ..base cimport Batch, ModelKernel, RowsKernel, Tape, add_rows, add_to_rows


cdef class FactorizationKernel(ModelKernel):
    """raw[c] = x . w_c + sum over factors of the products of pairs + b_c.

    The parameters are W (k, p), V (k, f, p) and b (k): a matrix of k (1 + f) rows, one column a
    feature, and the intercepts.  The tape's work is x . v of each factor.
    """
    cdef Py_ssize_t n_factors

    def __init__(self, Py_ssize_t n_features, Py_ssize_t n_raw, bint fit_intercept,
                 Py_ssize_t n_factors):
        self.n_raw = n_raw
        self.local = True
        self.n_factors = n_factors
        self.weight_rows = n_raw * (1 + n_factors)
        self.n_weights = self.weight_rows * n_features
        self.n_params = self.n_weights + (n_raw if fit_intercept else 0)

    cdef Py_ssize_t work_size(self, RowsKernel X, Py_ssize_t n) noexcept nogil:
        return n * self.n_raw * self.n_factors

    cdef int forward(self, RowsKernel X, const Batch* batch, const double* params, Tape* tape,
                     double* raw) except -1 nogil:
        cdef Py_ssize_t k = self.n_raw
        X.dot(batch, k, params, raw)
        X.cross_dot(batch, k, self.n_factors, params + k * X.n_features, tape.work, raw)
        if self.n_params > self.n_weights:
            add_to_rows(batch.size, k, params + self.weight_rows * X.n_features, raw)
        return 0

    cdef int backward(self, RowsKernel X, const Batch* batch, const double* params, Tape* tape,
                      const double* draw, double* grad) except -1 nogil:
        cdef Py_ssize_t k = self.n_raw, factors = k * X.n_features
        X.tdot(batch, k, draw, 1.0, grad)
        X.cross_tdot(batch, k, self.n_factors, draw, tape.work, params + factors, grad + factors)
        if self.n_params > self.n_weights:
            add_rows(batch.size, k, draw, grad + self.weight_rows * X.n_features)
        return 0
