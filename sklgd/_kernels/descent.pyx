"""Coordinate descent on the columns of X: see `sklgd.optimizers.CoordinateNewton`.

Columns come as data, indices and indptr of a CSC matrix.
"""
cimport cython

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint32_t

from .base cimport Batch, batch_row
from .entry cimport best_entry
from .objective cimport Objective

ctypedef fused real:
    float
    double

ctypedef fused index:
    int32_t
    int64_t

# Rows whose losses are evaluated together.
cdef Py_ssize_t SOME_ROWS = 128


def bent_rows(Objective objective, double[::1] raw, const uint32_t[::1] order,
              double[::1] slopes, double[::1] bends=None):
    """Return the weighted loss summed over positions with these raw predictions, of one column.

    Writes the weighted slopes and second derivatives: of a loss that is not convex the positive
    part of these.
    """
    cdef double[::1] work = np.empty(2 * SOME_ROWS)
    cdef double* targets = &work[0]
    cdef double* value = targets + SOME_ROWS
    cdef double total = 0.0
    cdef Py_ssize_t i
    cdef Batch batch
    batch.order = NULL if order is None else &order[0]
    batch.start, batch.end = 0, raw.shape[0]
    with nogil:
        while batch.start < batch.end:
            batch.size = min(SOME_ROWS, batch.end - batch.start)
            objective.evaluate(&batch, &raw[batch.start], targets, value, &slopes[batch.start],
                               1.0, &total)
            if bends is not None:
                objective.gather(&batch, targets)
                objective.loss.hessian(batch.size, targets, &raw[batch.start], &bends[batch.start])
                for i in range(batch.start, batch.start + batch.size):
                    bends[i] = bends[i] if bends[i] > 0.0 else 0.0
                    if objective.weights != NULL:
                        bends[i] *= objective.weights[batch_row(&batch, i - batch.start)]
            batch.start += batch.size
    return total


@cython.boundscheck(False)
@cython.wraparound(False)
def column_sums(const real[::1] data, const index[::1] indices, const index[::1] indptr,
                const double[::1] slopes, const double[::1] bends):
    """Return the sums over rows of slope times x, bend times x, and bend times x squared."""
    cdef Py_ssize_t i, j, p = indptr.shape[0] - 1
    cdef double g, m, h, x, b
    cdef double[:, ::1] out = np.empty((3, p))
    with nogil:
        for j in range(p):
            g = m = h = 0.0
            for i in range(indptr[j], indptr[j + 1]):
                x = data[i]
                b = bends[indices[i]]
                g += x * slopes[indices[i]]
                m += x * b
                h += x * x * b
            out[0, j], out[1, j], out[2, j] = g, m, h
    return np.asarray(out)


@cython.boundscheck(False)
@cython.wraparound(False)
def descend_columns(const real[::1] data, const index[::1] indices, const index[::1] indptr,
                    const double[::1] bends, const double[::1] grad, const double[::1] diagonal,
                    const double[::1] means, double total, const double[::1] ridge,
                    const double[::1] start, const double[::1] l1, const double[::1] low,
                    const double[::1] high, const int64_t[::1] active, double[::1] target,
                    double[::1] change, double tol, Py_ssize_t max_sweeps):
    """Minimise the quadratic model and the penalty over the weights in ``active``.

    ``grad`` and ``diagonal``, which includes ``ridge``, are those at ``start`` of columns less
    their ``means`` by the ``bends``, whose sum is ``total``: wherever the weights are, an
    intercept is where the model is least.  ``target`` begins at ``start`` and becomes the minimum;
    ``change`` begins at zero and becomes what raw predictions change by, but for the intercept.
    Between full sweeps only weights are visited that are neither zero nor at a bound.  It ends
    where a full sweep gains less than ``tol`` of what all have gained.  Returns the sum of
    ``change`` times ``bends``.
    """
    cdef Py_ssize_t a, i, j, r, sweep
    cdef double slope, step, h, now, gained = 0.0, pull = 0.0
    cdef double[::1] pulls = np.zeros(bends.shape[0])     # change times bends
    cdef bint whole = True
    with nogil:
        for sweep in range(max_sweeps):
            now = 0.0
            for a in range(active.shape[0]):
                j = active[a]
                h = diagonal[j]
                if h <= 0.0 or not (whole or (target[j] != 0.0 and low[j] < target[j] < high[j])):
                    continue
                slope = grad[j] + ridge[j] * (target[j] - start[j]) - means[j] * pull
                for i in range(indptr[j], indptr[j + 1]):
                    slope += data[i] * pulls[indices[i]]
                step = best_entry(h, slope, target[j], l1[j], low[j], high[j]) - target[j]
                if step == 0.0:
                    continue
                target[j] += step
                now += 0.5 * h * step * step
                pull += step * means[j] * total
                for i in range(indptr[j], indptr[j + 1]):
                    r = indices[i]
                    change[r] += step * data[i]
                    pulls[r] += step * data[i] * bends[r]
            gained += now
            if whole and now <= tol * gained:
                break
            whole = now <= tol * gained
    return pull
