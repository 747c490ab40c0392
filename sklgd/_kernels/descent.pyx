"""Coordinate descent on a quadratic model, an L1 norm and bounds.

`descend` works on a matrix of second derivatives, for `sklgd.optimizers.Newton`, and
`ColumnDescent` on the columns of X, for `sklgd.optimizers.CoordinateNewton`.
"""
cimport cython

import numpy as np
import scipy.sparse as sp

from libc.math cimport fabs
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memcpy

from .base cimport Batch, address_of, batch_row
from .objective cimport Objective
from .simd cimport simd, simd_init

simd_init()

ctypedef fused real:
    float
    double

ctypedef fused index:
    int32_t
    int64_t

# Rows whose losses are evaluated together.
cdef Py_ssize_t SOME_ROWS = 128
# Sweeps that tell where more of them would lead, and what is small in the matrix of their changes.
cdef enum:
    SEEN = 5
cdef double RIDGE = 1e-10


# The minimum of slope v + h v^2 / 2 around u, with an L1 norm and bounds, over one number v: it is
# exactly zero, or exactly a bound, where it lies there.  Where nothing bends an L1 norm may still
# pull to zero, and else there is nothing to go by.
cdef inline double best_entry(double h, double slope, double u, double l1, double low,
                              double high) noexcept nogil:
    cdef double pull = h * u - slope, v = 0.0
    if h <= 0.0:
        v = 0.0 if fabs(slope) <= l1 and l1 > 0.0 else u
    elif fabs(pull) > l1:
        v = (pull - l1 if pull > 0.0 else pull + l1) / h
    if v < low:
        return low
    return high if v > high else v


def descend(const double[:, ::1] hess, double[::1] slope, double[::1] u, const double[::1] l1,
            const double[::1] low, const double[::1] high, double tol, Py_ssize_t max_sweeps):
    """Minimise ``slope'd + d'Hd / 2 + sum_j l1_j |v_j|`` over ``v = u + d`` within the bounds.

    By coordinate descent, in place: ``u`` becomes v, and ``slope`` the quadratic's there.  Between
    full sweeps only coordinates are visited that are neither zero nor at a bound.  It ends where
    a full sweep gains less than ``tol`` of what all have gained; returns whether it did.
    """
    cdef Py_ssize_t j, sweep, q = u.shape[0]
    cdef double gained = 0.0, step, now
    cdef bint whole = True, done = False
    with nogil:
        for sweep in range(max_sweeps):
            now = 0.0
            for j in range(q):
                if not (whole or (u[j] != 0.0 and low[j] < u[j] < high[j])):
                    continue
                step = best_entry(hess[j, j], slope[j], u[j], l1[j], low[j], high[j]) - u[j]
                if step != 0.0:
                    u[j] += step
                    now += 0.5 * hess[j, j] * step * step
                    simd.update_d(q, step, &hess[j, 0], 1.0, &slope[0])
            gained += now
            if whole and now <= tol * gained:
                done = True
                break
            whole = now <= tol * gained
    return done


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


# The weighted sums over a column's entries: slopes times x, bends times x, bends times x squared.
cdef inline void sum_entries(const real* x, const index* at, Py_ssize_t size, const double* slopes,
                             const double* bends, double* out) noexcept nogil:
    cdef Py_ssize_t i, r
    cdef double g = 0.0, m = 0.0, h = 0.0, bent
    for i in range(size):
        r = i if at == NULL else at[i]
        bent = x[i] * bends[r]
        g += x[i] * slopes[r]
        m += bent
        h += x[i] * bent
    out[0], out[1], out[2] = g, m, h


cdef inline double dot_entries(const real* x, const index* at, Py_ssize_t size,
                               const double* v) noexcept nogil:
    cdef Py_ssize_t i
    cdef double total = 0.0
    if at == NULL:
        return simd.dot_f(size, x, v) if real is float else simd.dot_d(size, x, v)
    for i in range(size):
        total += x[i] * v[at[i]]
    return total


# v += step x, and what that does to v times the bends
cdef inline void add_entries(const real* x, const index* at, Py_ssize_t size, double step,
                             const double* bends, double* v, double* bent) noexcept nogil:
    cdef Py_ssize_t i, r
    cdef double change
    if at == NULL:
        for i in range(size):
            change = step * x[i]
            v[i] += change
            bent[i] += change * bends[i]
        return
    for i in range(size):
        r = at[i]
        change = step * x[i]
        v[r] += change
        bent[r] += change * bends[r]


@cython.final
cdef class Columns:
    """The columns of a CSC matrix, or of a dense one whose columns are contiguous."""
    cdef readonly Py_ssize_t n_rows
    cdef readonly Py_ssize_t n_features
    cdef readonly bint dense
    cdef bint single
    cdef bint wide
    cdef const char* data
    cdef const char* indices
    cdef const int64_t[::1] indptr
    cdef readonly object kept       # the arrays that the pointers point into

    def __init__(self, X):
        self.n_rows, self.n_features = X.shape
        self.dense = not sp.issparse(X)
        data = X.ravel(order="F") if self.dense else X.data
        self.single = data.dtype == np.float32
        self.data = <const char*> address_of(data, np.float32 if self.single else np.float64)
        if self.dense:
            indices, indptr = None, np.arange(X.shape[1] + 1) * X.shape[0]
        else:
            indices, indptr = X.indices, X.indptr
            self.wide = indices.dtype == np.int64
            self.indices = <const char*> address_of(indices, np.int64 if self.wide else np.int32)
        self.indptr = indptr.astype(np.int64)
        self.kept = data, indices

    cdef void sum(self, Py_ssize_t j, const double* slopes, const double* bends,
                  double* out) noexcept nogil:
        cdef Py_ssize_t start = self.indptr[j], size = self.indptr[j + 1] - start
        if self.single:
            if self.wide:
                sum_entries(<const float*> self.data + start, self.wide_at(start), size, slopes,
                            bends, out)
            else:
                sum_entries(<const float*> self.data + start, self.at(start), size, slopes,
                            bends, out)
        elif self.wide:
            sum_entries(<const double*> self.data + start, self.wide_at(start), size, slopes,
                        bends, out)
        else:
            sum_entries(<const double*> self.data + start, self.at(start), size, slopes, bends, out)

    cdef double dot(self, Py_ssize_t j, const double* v) noexcept nogil:
        cdef Py_ssize_t start = self.indptr[j], size = self.indptr[j + 1] - start
        if self.single:
            if self.wide:
                return dot_entries(<const float*> self.data + start, self.wide_at(start), size, v)
            return dot_entries(<const float*> self.data + start, self.at(start), size, v)
        if self.wide:
            return dot_entries(<const double*> self.data + start, self.wide_at(start), size, v)
        return dot_entries(<const double*> self.data + start, self.at(start), size, v)

    cdef void add(self, Py_ssize_t j, double step, const double* bends, double* v,
                  double* bent) noexcept nogil:
        cdef Py_ssize_t start = self.indptr[j], size = self.indptr[j + 1] - start
        if self.single:
            if self.wide:
                add_entries(<const float*> self.data + start, self.wide_at(start), size, step,
                            bends, v, bent)
            else:
                add_entries(<const float*> self.data + start, self.at(start), size, step, bends,
                            v, bent)
        elif self.wide:
            add_entries(<const double*> self.data + start, self.wide_at(start), size, step, bends,
                        v, bent)
        else:
            add_entries(<const double*> self.data + start, self.at(start), size, step, bends,
                        v, bent)

    cdef inline const int32_t* at(self, Py_ssize_t start) noexcept nogil:
        return NULL if self.dense else <const int32_t*> self.indices + start

    cdef inline const int64_t* wide_at(self, Py_ssize_t start) noexcept nogil:
        return <const int64_t*> self.indices + start

    def sums(self, const double[::1] slopes, const double[::1] bends):
        """Return the sums over rows of slope times x, bend times x, and bend times x squared."""
        cdef Py_ssize_t j
        cdef double[:, ::1] out = np.empty((self.n_features, 3))
        with nogil:
            for j in range(self.n_features):
                self.sum(j, &slopes[0], &bends[0], &out[j, 0])
        return np.asarray(out).T.copy()

    def pulls(self, const double[::1] slopes):
        """Return the sums over rows of slope times x alone."""
        cdef Py_ssize_t j
        cdef double[::1] out = np.empty(self.n_features)
        with nogil:
            for j in range(self.n_features):
                out[j] = self.dot(j, &slopes[0])
        return np.asarray(out)


@cython.final
cdef class ColumnDescent:
    """The minimum of a quadratic model and a penalty over some of the weights.

    Parameters
    ----------
    columns : Columns
    bends : float64 array of shape (n,)
        Second derivatives of the rows.
    grad, diagonal : float64 arrays of shape (p,)
        First derivatives at ``start`` and second ones, which include ``ridge``, of columns less
        their ``means`` by the ``bends``: wherever the weights are, an intercept is where the model
        is least.
    means, ridge : float64 arrays of shape (p,)
    total : float
        The sum of the bends.
    start : float64 array of shape (p,) or more
    l1, low, high : float64 arrays of shape (p,)
        The penalty's thresholds and bounds.
    target : float64 array like ``start``
        Begins at ``start`` and becomes the minimum.
    change : float64 array of shape (n,)
        Begins at zero and becomes what raw predictions change by, but for the intercept.
    """
    cdef Columns columns
    cdef const double[::1] bends, grad, diagonal, means, ridge, start, l1, low, high
    cdef double total
    cdef double[::1] target, change
    cdef double[::1] pulls          # change times bends
    cdef readonly double pull       # the sum of these
    cdef double[:, ::1] points      # targets after the last sweeps, and changes
    cdef double[:, ::1] changes

    def __init__(self, Columns columns, bends, grad, diagonal, means, double total, ridge, start,
                 l1, low, high, target, change):
        self.columns, self.bends, self.grad, self.diagonal = columns, bends, grad, diagonal
        self.means, self.total, self.ridge, self.start = means, total, ridge, start
        self.l1, self.low, self.high = l1, low, high
        self.target, self.change = target, change
        self.pulls = np.zeros(len(bends))

    def run(self, const int64_t[::1] active, double tol, Py_ssize_t max_sweeps):
        """Sweep over the weights in ``active``.

        Between full sweeps only weights are visited that are neither zero nor at a bound; after a
        few of these they go on to where such sweeps would lead.  It ends where a full sweep gains
        less than ``tol`` of what all have gained.  Returns how many there were.
        """
        cdef Py_ssize_t sweep = 0, seen = 0
        cdef double now, gained = 0.0
        cdef bint whole = True
        self.points = np.empty((SEEN + 2, active.shape[0]))
        self.changes = np.empty((SEEN + 2, self.change.shape[0]))
        with nogil:
            for sweep in range(max_sweeps):
                now = self.sweep(active, whole)
                gained += now
                if whole and now <= tol * gained:
                    break
                whole = now <= tol * gained
                self.keep(active, seen)
                seen += 1
                if seen == SEEN + 1:
                    gained += self.extrapolate(active)
                    seen = 0
        return sweep + 1

    cdef inline double slope(self, Py_ssize_t j) noexcept nogil:
        cdef double slope = self.grad[j] + self.ridge[j] * (self.target[j] - self.start[j])
        return slope - self.means[j] * self.pull + self.columns.dot(j, &self.pulls[0])

    # Visit the weights once; return by how much the model and the penalty fall.
    cdef double sweep(self, const int64_t[::1] active, bint whole) noexcept nogil:
        cdef Py_ssize_t a, j
        cdef double h, now, step, gained = 0.0
        for a in range(active.shape[0]):
            j = active[a]
            h, now = self.diagonal[j], self.target[j]
            if not (whole or (now != 0.0 and self.low[j] < now < self.high[j])):
                continue
            step = best_entry(h, self.slope(j), now, self.l1[j], self.low[j], self.high[j]) - now
            if step == 0.0:
                continue
            self.target[j] += step
            gained += 0.5 * h * step * step
            self.pull += step * self.means[j] * self.total
            self.columns.add(j, step, &self.bends[0], &self.change[0], &self.pulls[0])
        return gained

    cdef void keep(self, const int64_t[::1] active, Py_ssize_t place) noexcept nogil:
        cdef Py_ssize_t a
        for a in range(active.shape[0]):
            self.points[place, a] = self.target[active[a]]
        memcpy(&self.changes[place, 0], &self.change[0], self.change.shape[0] * sizeof(double))

    # Go to the affine combination of the last points whose changes are least, in the units of the
    # diagonal, if the model and the penalty fall; return by how much.
    cdef double extrapolate(self, const int64_t[::1] active) noexcept nogil:
        cdef double[SEEN][SEEN] gram
        cdef double[SEEN] share
        cdef Py_ssize_t a, e, i, j, n = self.change.shape[0]
        cdef double* new = &self.points[SEEN + 1, 0]
        cdef double* moved = &self.changes[SEEN + 1, 0]
        cdef double gain, total = 0.0
        for i in range(SEEN):
            share[i] = 1.0
            for e in range(i + 1):
                gram[i][e] = 0.0
                for a in range(active.shape[0]):
                    gram[i][e] += (
                        self.diagonal[active[a]]
                        * (self.points[i + 1, a] - self.points[i, a])
                        * (self.points[e + 1, a] - self.points[e, a]))
                gram[e][i] = gram[i][e]
            total += gram[i][i]
        if not total > 0.0:
            return 0.0
        for i in range(SEEN):
            gram[i][i] += RIDGE * total
        solve(gram, share)
        total = 0.0
        for i in range(SEEN):
            total += share[i]
        for a in range(active.shape[0]):
            new[a] = 0.0
            for i in range(SEEN):
                new[a] += share[i] / total * self.points[i + 1, a]
            if not self.low[active[a]] <= new[a] <= self.high[active[a]]:
                return 0.0
        for j in range(n):
            moved[j] = 0.0
        for i in range(SEEN):
            for j in range(n):
                moved[j] += share[i] / total * self.changes[i + 1, j]
        gain = self.value(active, &self.points[SEEN, 0], &self.changes[SEEN, 0])
        gain -= self.value(active, new, moved)
        if not gain > 0.0:
            return 0.0
        for a in range(active.shape[0]):
            self.target[active[a]] = new[a]
        self.pull = 0.0
        for j in range(n):
            self.change[j] = moved[j]
            self.pulls[j] = moved[j] * self.bends[j]
            self.pull += self.pulls[j]
        return gain

    # What the model and the penalty are, but for a constant, at weights in the order of `active`
    # and the change of raw predictions that they make.
    cdef double value(self, const int64_t[::1] active, const double* point,
                      const double* change) noexcept nogil:
        cdef Py_ssize_t a, i, j
        cdef double step, bent, mean = 0.0, pull = 0.0, total = 0.0
        for a in range(active.shape[0]):
            j = active[a]
            step = point[a] - self.start[j]
            total += (self.grad[j] + 0.5 * self.ridge[j] * step) * step
            total += self.l1[j] * fabs(point[a])
            mean += self.means[j] * step
        for i in range(self.change.shape[0]):
            bent = self.bends[i] * change[i]
            pull += bent
            total += 0.5 * bent * change[i]
        return total - 0.5 * mean * pull


# gram becomes its triangle and share the solution of gram share = share.
cdef void solve(double[SEEN][SEEN] gram, double[SEEN] share) noexcept nogil:
    cdef Py_ssize_t i, e, l
    cdef double factor
    for i in range(SEEN):
        for e in range(i + 1, SEEN):
            factor = gram[e][i] / gram[i][i]
            share[e] -= factor * share[i]
            for l in range(i, SEEN):
                gram[e][l] -= factor * gram[i][l]
    for i in range(SEEN - 1, -1, -1):
        for e in range(i + 1, SEEN):
            share[i] -= gram[i][e] * share[e]
        share[i] /= gram[i][i]
