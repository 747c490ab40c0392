"""Sums over rows, column by column: where features lie, how far they spread, how rare they are."""
import numpy as np

from libc.math cimport fabs, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from .simd cimport simd, simd_init, simd_prefetch

simd_init()

# Rows that are asked for ahead: the processor does not see through four at a time.
cdef Py_ssize_t AHEAD = 16

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
    cdef Py_ssize_t i = 0, c
    cdef double total = 0.0
    cdef double[4] w
    cdef const real* rows[4]
    # a shift of the origin keeps large means from cancelling
    cdef double[::1] origin = np.array(X[0 if order is None else order[0]], dtype=np.float64)
    cdef double[::1] first = np.zeros(p), second = np.zeros(p)
    with nogil:
        while i < n:
            # the last row stands in for those that are missing, without weight
            for c in range(4):
                take_row(X, order, weights, min(i + c, n - 1), &rows[c], &w[c])
                w[c] = w[c] if i + c < n else 0.0
                total += w[c]
            if order is None and i + AHEAD + 4 <= n:
                simd_prefetch(&X[i + AHEAD, 0], 4 * p * sizeof(real))
            if real is float:
                simd.rows4_moments_f(p, w, rows, &origin[0], &first[0], &second[0])
            else:
                simd.rows4_moments_d(p, w, rows, &origin[0], &first[0], &second[0])
            i += 4
    mean, square = np.asarray(first) / total, np.asarray(second) / total
    return np.asarray(origin) + mean, np.maximum(square - mean**2, 0.0)


cdef inline void take_row(const real[:, ::1] X, const uint32_t[::1] order,
                          const double[::1] weights, Py_ssize_t i, const real** row,
                          double* weight) noexcept nogil:
    row[0] = &X[weighted_row(order, weights, i, weight), 0]


# The number of the i-th row, and its weight.
cdef inline Py_ssize_t weighted_row(const uint32_t[::1] order, const double[::1] weights,
                                    Py_ssize_t i, double* weight) noexcept nogil:
    cdef Py_ssize_t r = i if order is None else order[i]
    weight[0] = 1.0 if weights is None else weights[r]
    return r


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


def dense_distances(const real[:, ::1] X, const uint32_t[::1] order, const double[::1] centre,
                    const double[::1] scale, double some, double far, bint any_far):
    """Return how far given rows are: 1 beyond ``some`` scales, 2 beyond ``far``, else 0.

    Parameters
    ----------
    X : float32 or float64 ndarray of shape (n, p)
    order : uint32 ndarray or None
        The rows; None for all.
    centre : float64 ndarray of shape (p,) or None
        What is zero; None for zeros.
    scale : float64 ndarray of shape (p,)
        Columns of scale zero are left out.
    some, far : float
        One entry of a row is enough for ``some``.
    any_far : bool
        Whether one entry is enough for ``far``, too; else it is the mean of the roots of all
        entries, squared, that counts: one entry far from all before says little where columns are
        rare.

    Returns
    -------
    distances : uint8 ndarray of shape (n,)
    """
    cdef Py_ssize_t n = X.shape[0] if order is None else order.shape[0], p = X.shape[1]
    cdef Py_ssize_t i, j
    cdef const real* row
    cdef Entries seen
    cdef double[::1] zero = np.zeros(p) if centre is None else np.array(centre)
    cdef double[::1] limit = np.where(scale, np.multiply(scale, some), np.inf)
    cdef uint8_t[::1] distances = np.zeros(n, dtype=np.uint8)
    with nogil:
        for i in range(n):
            row = &X[i if order is None else order[i], 0]
            if not goes_beyond(p, row, &zero[0], &limit[0]):  # as nearly all do
                continue
            seen = Entries(0, 0.0, 0.0)
            for j in range(p):
                see(row[j] - zero[j], scale[j], any_far, &seen)
            distances[i] = distance(&seen, some, far, any_far)
    return np.asarray(distances)


# Whether an entry of a row does.
cdef inline bint goes_beyond(Py_ssize_t p, const real* row, const double* zero,
                             const double* limit) noexcept nogil:
    cdef Py_ssize_t j
    cdef bint beyond = False
    for j in range(p):
        beyond |= fabs(row[j] - zero[j]) > limit[j]
    return beyond


def sparse_distances(const real[::1] data, const index[::1] indices, const index[::1] indptr,
                     const uint32_t[::1] order, const double[::1] centre, const double[::1] scale,
                     double some, double far, bint any_far):
    """Return the same of rows of a CSR matrix, by what they store.

    Parameters
    ----------
    data, indices, indptr : ndarray
        A CSR matrix with n rows.
    order, centre, scale, some, far, any_far
        As for `dense_distances`.

    Returns
    -------
    distances : uint8 ndarray of shape (n,)
    """
    cdef Py_ssize_t n = indptr.shape[0] - 1 if order is None else order.shape[0]
    cdef Py_ssize_t i, j, r, c
    cdef Entries seen
    cdef uint8_t[::1] distances = np.empty(n, dtype=np.uint8)
    with nogil:
        for i in range(n):
            r = i if order is None else order[i]
            seen = Entries(0, 0.0, 0.0)
            for j in range(indptr[r], indptr[r + 1]):
                c = indices[j]
                see(data[j] - (0.0 if centre is None else centre[c]), scale[c], any_far, &seen)
            distances[i] = distance(&seen, some, far, any_far)
    return np.asarray(distances)


# How many entries of a row there are, the largest of them, and the sum of their roots, in scales.
cdef struct Entries:
    Py_ssize_t all
    double largest, roots


cdef inline void see(double x, double scale, bint any_far, Entries* seen) noexcept nogil:
    x = fabs(x)
    if scale > 0.0 and x > 0.0:
        if x > seen.largest * scale:
            seen.largest = x / scale
        if not any_far:
            seen.all += 1
            seen.roots += sqrt(x / scale)


cdef inline uint8_t distance(const Entries* seen, double some, double far,
                             bint any_far) noexcept nogil:
    cdef double reach = seen.largest
    if not any_far:
        reach = (seen.roots / max(seen.all, 1)) ** 2
    return 2 if reach > far else seen.largest > some


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
            r = weighted_row(order, weights, i, &w)
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


def sparse_spread(const real[::1] data, const index[::1] indices, const index[::1] indptr,
                  Py_ssize_t p, const uint32_t[::1] order, const double[::1] weights):
    """Return means and variances of the columns of given rows, zeros included.

    Parameters are those of `sparse_moments`; entries of a row that name one column are taken for
    entries of different rows.

    Returns
    -------
    mean, variance : float64 ndarray of shape (p,)
    """
    cdef Py_ssize_t n = indptr.shape[0] - 1 if order is None else order.shape[0]
    cdef Py_ssize_t i, j, r, c, turn
    cdef double w, x, total = 0.0
    cdef double[::1] mean = np.zeros(p), square = np.zeros(p), zeros
    # two passes, so that large means do not cancel
    for turn in range(2):
        total = 0.0
        zeros = np.zeros(p)
        with nogil:
            for i in range(n):
                r = weighted_row(order, weights, i, &w)
                total += w
                for j in range(indptr[r], indptr[r + 1]):
                    c = indices[j]
                    x = data[j] - mean[c]
                    square[c] += w * (x if turn == 0 else x * x)
                    zeros[c] -= w
        if turn == 0:
            mean, square = np.asarray(square) / total, np.zeros(p)
    variance = np.asarray(square) + (np.asarray(zeros) + total) * np.square(mean)
    return np.asarray(mean), np.maximum(variance / total, 0.0)
