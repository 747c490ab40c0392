"""Rows less a centre, which is taken off their products."""
from libc.math cimport fabs

from ..base cimport Batch, RowsKernel, address_of
from ..simd cimport simd, simd_init

simd_init()

# What is smaller, beside the numbers that it is a difference of, is none.
cdef double ROUNDING = 1e-12


cdef class CentredRows(RowsKernel):
    """Rows of a linear model, dense or sparse, with a centre taken off; as dense ones.

    Parameters
    ----------
    rows : RowsKernel
    centre : float64 array of shape (n_features,)
    """
    cdef RowsKernel rows
    cdef object owned
    cdef const double* centre

    def __init__(self, RowsKernel rows, centre):
        self.rows, self.owned = rows, centre
        self.centre = <const double*> address_of(centre, float)
        self.n_rows, self.n_features = rows.n_rows, rows.n_features

    cdef object take(self, const Batch* batch):
        rows = self.rows.take(batch)
        rows = (rows.toarray() if self.rows.sparse else rows) - self.owned
        rows.flags.writeable = False
        return rows

    cdef void dot(self, const Batch* batch, Py_ssize_t k, const double* w,
                  double* raw) noexcept nogil:
        cdef Py_ssize_t i, c
        cdef double at_centre
        self.rows.dot(batch, k, w, raw)
        for c in range(k):
            at_centre = simd.dot_d(self.n_features, self.centre, w + c * self.n_features)
            for i in range(batch.size):
                raw[i * k + c] -= at_centre

    cdef void tdot(self, const Batch* batch, Py_ssize_t k, const double* draw, double shrink,
                   double* w) noexcept nogil:
        cdef Py_ssize_t i, j, c
        cdef double total, size
        self.rows.tdot(batch, k, draw, shrink, w)
        for c in range(k):
            total = size = 0.0
            for i in range(batch.size):
                total += draw[i * k + c]
                size += fabs(draw[i * k + c])
            for j in range(self.n_features):
                w[j] -= total * self.centre[j]
                if fabs(w[j]) <= ROUNDING * size * fabs(self.centre[j]):    # as of a constant
                    w[j] = 0.0
            w += self.n_features
