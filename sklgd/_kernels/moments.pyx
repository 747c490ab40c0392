"""Sums over rows, column by column: where features lie, how far they spread, how rare they are."""
import numpy as np

from libc.math cimport fabs
from libc.stdint cimport int32_t, int64_t, uint32_t

ctypedef fused real:
    float
    double

ctypedef fused index:
    int32_t
    int64_t


def dense_moments(const real[:, ::1] X, const uint32_t[::1] order, const double[::1] weights):
    """Return means and variances of the columns of given rows, each counted by its weight.

    Parameters
    ----------
    X : float32 or float64 ndarray of shape (n, p)
    order : uint32 ndarray or None
        The rows; None for all.
    weights : float64 ndarray of shape (n,) or None

    Returns
    -------
    mean, variance : float64 ndarray of shape (p,)
    """
    cdef Py_ssize_t n = X.shape[0] if order is None else order.shape[0], p = X.shape[1]
    cdef Py_ssize_t i, r
    cdef double w, total = 0.0
    # a shift of the origin keeps large means from cancelling
    cdef double[::1] origin = np.array(X[0 if order is None else order[0]], dtype=np.float64)
    cdef double[::1] first = np.zeros(p), second = np.zeros(p)
    with nogil:
        for i in range(n):
            r = i if order is None else order[i]
            w = 1.0 if weights is None else weights[r]
            total += w
            add_row(p, &X[r, 0], &origin[0], w, &first[0], &second[0])
    mean, square = np.asarray(first) / total, np.asarray(second) / total
    return np.asarray(origin) + mean, np.maximum(square - mean**2, 0.0)


cdef inline void add_row(Py_ssize_t p, const real* row, const double* origin, double w,
                         double* first, double* second) noexcept nogil:
    cdef Py_ssize_t j
    cdef double d
    for j in range(p):
        d = row[j] - origin[j]
        first[j] += w * d
        second[j] += w * d * d


def dense_range(const real[:, ::1] X, const uint32_t[::1] order):
    """Return the least and the largest entries of the columns of given rows.

    Parameters
    ----------
    X : float32 or float64 ndarray of shape (n, p)
    order : uint32 ndarray or None
        The rows; None for all.

    Returns
    -------
    low, high : float64 ndarray of shape (p,)
    """
    cdef Py_ssize_t n = X.shape[0] if order is None else order.shape[0], p = X.shape[1]
    cdef Py_ssize_t i
    cdef double[::1] low = np.full(p, np.inf), high = np.full(p, -np.inf)
    with nogil:
        for i in range(n):
            widen(p, &X[i if order is None else order[i], 0], &low[0], &high[0])
    return np.asarray(low), np.asarray(high)


cdef inline void widen(Py_ssize_t p, const real* row, double* low, double* high) noexcept nogil:
    cdef Py_ssize_t j
    cdef double x
    for j in range(p):
        x = row[j]
        low[j] = x if x < low[j] else low[j]
        high[j] = x if x > high[j] else high[j]


def sparse_moments(const real[::1] data, const index[::1] indices, const index[::1] indptr,
                   Py_ssize_t p, const uint32_t[::1] order, const double[::1] weights):
    """Return mean squares, shares of nonzeros and largest sizes of the columns of given rows.

    Parameters
    ----------
    data, indices, indptr : ndarray
        A CSR matrix with n rows.
    p : int
        Its columns.
    order : uint32 ndarray or None
        The rows; None for all.
    weights : float64 ndarray of shape (n,) or None

    Returns
    -------
    square, share, largest : float64 ndarray of shape (p,)
    """
    cdef Py_ssize_t n = indptr.shape[0] - 1 if order is None else order.shape[0]
    cdef Py_ssize_t i, j, r
    cdef double w, x, total = 0.0
    cdef double[::1] square = np.zeros(p), share = np.zeros(p), largest = np.zeros(p)
    with nogil:
        for i in range(n):
            r = i if order is None else order[i]
            w = 1.0 if weights is None else weights[r]
            total += w
            for j in range(indptr[r], indptr[r + 1]):
                x = fabs(data[j])
                if x == 0.0:
                    continue
                square[indices[j]] += w * x * x
                share[indices[j]] += w
                if x > largest[indices[j]]:
                    largest[indices[j]] = x
    found = np.asarray(square), np.asarray(share), np.asarray(largest)
    for mean in found[:2]:
        mean /= total   # in place: rows may have far more features than there are rows
    return found
