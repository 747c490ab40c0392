"""The loop of variance-reduced optimizers on a linear model.

A row's part of the loss's gradient is its slope times the row.  Each step moves along

    mean + sum_i share_i (slope_i - old_i) x_i / batch size,

where ``old_i`` is what the row's slope was, ``mean`` the mean over all rows of ``old_i x_i``, and
``share_i`` one over how often the row is drawn in a pass.  SAGA keeps ``old`` in a table and
renews it, SVRG computes it at a snapshot of the parameters.

The mean is dense where rows are sparse.  Weights that only it and a ridge move need no look at
each step: with ``w = scale * v - behind * mean``, a step on (scale, behind) is

    scale <- shrink * scale,    behind <- shrink * behind + lr,

and what a row adds to w and to the mean goes to v and to the mean alone.  So a step reads and
writes the row's features only, and dense rows take the same path.  Under a soft threshold,
features are brought up to date when a row has them (drift.h).  All other penalties and averages
take whole steps on all weights.
"""
cimport cython

import numpy as np

from libc.math cimport fmax, isnan
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcpy, memset

from .base cimport (
    Batch, Drift, DriftWeight, PenaltyKernel, RowsKernel, add_to_rows, batch_row, drift_settle,
)
from .loop cimport Loop
from .objective cimport Objective
from .simd cimport simd, simd_init, simd_prefetch_line

simd_init()

# Below, 1 / scale loses digits.
cdef double SMALLEST_SCALE = 1e-9
# How many steps ahead a row's memory is asked for.
cdef Py_ssize_t STEPS_AHEAD = 8


@cython.final
cdef class VarianceReduced(Loop):
    """Steps of SAGA, given a ``table``, or of SVRG, given a ``snapshot``.

    Writes in place: ``params``, ``gradient``, ``table``, ``losses`` and, with averaging, ``mean``.
    What `run` returns is, of SVRG, what the weighted loss exceeds that of the snapshot by, summed
    over the rows.

    Parameters
    ----------
    objective : Objective
        Of a linear model.
    smooth, proximal : PenaltyKernel or None
        The part of the penalty that enters the gradient, and the part applied as a proximal step.
    params, gradient : float64 arrays of shape (n_params,)
        The iterate; the mean gradient of the loss in memory.
    table : float64 array of shape (n, n_raw) or None
        Slopes of all rows.
    losses : float64 array of shape (n,) or None
        The loss of each row where its slope was taken.
    snapshot : float64 array of shape (n_params,) or None
        The parameters that the gradient is of.
    shares : float64 array of shape (n,) or None
        One over the number of times that a pass draws each row, on average; None for once.
    n_rows : int
        Rows that the gradient is the mean of.
    mean : float64 array of shape (n_params,) or None
        Running mean of the iterates.
    average_from : int
        The step from which it is taken (counted from 1).
    batch_size : int
    """
    cdef double* gradient
    cdef double* table
    cdef double* losses
    cdef const double* snapshot
    cdef const double* shares
    cdef double n_rows
    cdef Py_ssize_t k
    cdef Py_ssize_t n_weights
    cdef bint has_intercept
    cdef double ridge
    cdef readonly bint direct   # weights are kept as scale * v - behind * mean gradient
    cdef readonly bint lazy     # weights are kept as scale * v, behind in time
    cdef double scale
    cdef double behind
    cdef Drift drift
    cdef double[::1] pairs      # v and the mean gradient, as `pairs_dot` wants them
    cdef double[:, ::1] weights # of the drift
    cdef double[::1] sums
    cdef double[::1] grad
    cdef double[::1] dots
    cdef double[::1] raw
    cdef double[::1] old_raw
    cdef double[::1] slope
    cdef double[::1] old
    cdef double[::1] change
    cdef double[::1] moves
    cdef double[::1] value
    cdef double[::1] targets

    def __init__(self, Objective objective, PenaltyKernel smooth, PenaltyKernel proximal,
                 double[::1] params, double[::1] gradient, *, table=None, losses=None,
                 snapshot=None, shares=None, Py_ssize_t n_rows, mean=None, int64_t average_from=0,
                 Py_ssize_t batch_size=1):
        cdef double[:, ::1] table_view
        cdef double[::1] view
        cdef const double[::1] const_view
        cdef Py_ssize_t k = objective.model.n_raw
        self.objective, self.rows = objective, objective.rows
        self.smooth, self.proximal = smooth, proximal
        self.params, self.gradient = &params[0], &gradient[0]
        if table is not None:
            table_view, view = table, losses
            self.table, self.losses = &table_view[0, 0], &view[0]
        if snapshot is not None:
            const_view = snapshot
            self.snapshot = &const_view[0]
        if shares is not None:
            const_view = shares
            self.shares = &const_view[0]
        if mean is not None:
            view = mean
            self.mean = &view[0]
        self.owned = (params, gradient, table, losses, snapshot, shares, mean)
        self.n_rows, self.average_from, self.batch_size = n_rows, average_from, batch_size
        self.k, self.n_weights = k, objective.model.n_weights
        self.has_intercept = objective.model.n_params > self.n_weights
        self.ridge = 0.0 if smooth is None else smooth.ridge
        self.direct = proximal is None and not isnan(self.ridge) and mean is None
        self.lazy = (proximal is not None and not isnan(proximal.threshold)
                     and not isnan(self.ridge) and mean is None and self.rows.sparse)
        if self.lazy:
            self.weights = np.empty((self.n_weights, 4))
            self.prox(0.0)  # moves nothing, and checks that the penalty fits the features
        elif self.direct:
            self.pairs = np.empty(2 * self.n_weights)
        else:
            self.grad = np.empty(params.shape[0])
        self.dots = np.empty(2 * k * batch_size)
        self.moves = np.empty(2 * k * batch_size)
        self.raw, self.old_raw, self.slope, self.old = np.empty((4, k * batch_size))
        self.change = np.zeros(k * batch_size)  # SVRG's stays zero
        self.value = np.empty(k * batch_size)
        self.targets = np.empty(batch_size * objective.target_width())

    def fill(self, const uint32_t[::1] order):
        """Fill table, losses and gradient at ``params``, from rows ``order`` (None: all)."""
        cdef Batch batch
        batch.order = NULL if order is None else &order[0]
        batch.start, batch.end = 0, self.rows.n_rows if order is None else order.shape[0]
        memset(self.gradient, 0, self.objective.model.n_params * sizeof(double))
        memset(self.table, 0, self.rows.n_rows * self.k * sizeof(double))
        with nogil:
            while batch.start < batch.end:
                batch.size = min(self.batch_size, batch.end - batch.start)
                self.rows.dot(&batch, self.k, self.params, &self.raw[0])
                self.add_intercept(&batch, self.params, &self.raw[0])
                self.differences(&batch, NULL)
                self.rows.tdot(&batch, self.k, &self.change[0], 1.0, self.gradient)
                self.move_intercept(&batch, 0.0)
                batch.start += batch.size

    cdef int take(self, Batch* batch, const double* rate, Py_ssize_t stride,
                  double* total) except -1 nogil:
        if self.lazy:
            return self.run_lazy(batch, rate, stride, total)
        if self.direct:
            return self.run_direct(batch, rate, stride, total)
        return self.run_general(batch, rate, stride, total)

    cdef inline int prox(self, double lr) except -1 nogil:
        return self.proximal.prox(self.k, self.n_weights // self.k, self.params, lr, NULL, NULL)

    cdef inline void add_intercept(self, const Batch* batch, const double* params,
                                   double* raw) noexcept nogil:
        if self.has_intercept:
            add_to_rows(batch.size, self.k, params + self.n_weights, raw)

    # From the raw predictions: slope = share * (slope - old) / batch size, and for SAGA
    # change = (slope - old) / n_rows, with the new slopes and losses remembered.
    cdef int differences(self, const Batch* batch, double* total) except -1 nogil:
        cdef Py_ssize_t i, c, row, k = self.k, ahead
        cdef double loss, old_loss, share
        cdef double* slope
        cdef double* old
        cdef Batch one = batch[0]
        one.size = 1
        for i in range(batch.size):
            one.start = batch.start + i
            row = batch_row(&one, 0)
            share = (1.0 if self.shares == NULL else self.shares[row]) / batch.size
            slope = &self.slope[i * k]
            loss = old_loss = 0.0
            self.objective.evaluate(
                &one, &self.raw[i * k], &self.targets[0], &self.value[0], slope, 1.0, &loss)
            if self.table != NULL:
                old = &self.table[row * k]
                ahead = one.start + STEPS_AHEAD
                if batch.order != NULL and ahead < batch.end:
                    simd_prefetch_line(&self.table[batch.order[ahead] * k])
                    simd_prefetch_line(&self.losses[batch.order[ahead]])
                self.losses[row] = loss
                for c in range(k):
                    self.change[i * k + c] = slope[c]
            else:
                old = &self.old[0]
                self.objective.evaluate(
                    &one, &self.old_raw[i * k], &self.targets[0], &self.value[0], old, 1.0,
                    &old_loss)
                total[0] += share * batch.size * (loss - old_loss)
            for c in range(k):
                slope[c] = share * (slope[c] - old[c])
        if self.table != NULL:
            # a row that a batch holds twice has changed once
            for i in range(batch.size):
                row = batch_row(batch, i)
                for c in range(k):
                    slope = &self.change[i * k + c]
                    loss = slope[0]
                    slope[0] = (loss - self.table[row * k + c]) / self.n_rows
                    self.table[row * k + c] = loss
        return 0

    # The step of the intercepts, and the change of their mean gradient.
    cdef inline void move_intercept(self, const Batch* batch, double lr) noexcept nogil:
        cdef Py_ssize_t i, c, k = self.k
        cdef double* intercept = self.params + self.n_weights
        cdef double* gradient = self.gradient + self.n_weights
        if self.has_intercept:
            for c in range(k):
                intercept[c] -= lr * gradient[c]
                for i in range(batch.size):
                    intercept[c] -= lr * self.slope[i * k + c]
                    gradient[c] += self.change[i * k + c]

    # Raw predictions of a batch at the snapshot.
    cdef inline void look_back(self, const Batch* batch) noexcept nogil:
        if self.snapshot != NULL:
            self.rows.dot(batch, self.k, self.snapshot, &self.old_raw[0])
            self.add_intercept(batch, self.snapshot, &self.old_raw[0])

    # Rows move v, which the mean gradient moves in words only.
    cdef int run_direct(self, Batch* batch, const double* rate, Py_ssize_t stride,
                        double* total) except -1 nogil:
        cdef Py_ssize_t at, k = self.k
        cdef double lr, shrink
        cdef double* dots = &self.dots[0]
        cdef double* moves = &self.moves[0]
        while batch.start < batch.end:
            batch.size = min(self.batch_size, batch.end - batch.start)
            lr = rate[0]
            self.rows.pairs_dot(batch, k, &self.pairs[0], dots)
            for at in range(batch.size * k):
                self.raw[at] = self.scale * dots[2 * at] - self.behind * dots[2 * at + 1]
            self.add_intercept(batch, self.params, &self.raw[0])
            self.look_back(batch)
            self.differences(batch, total)
            shrink = fmax(0.0, 1.0 - lr * self.ridge)
            self.scale *= shrink
            self.behind = shrink * self.behind + lr
            if self.scale < SMALLEST_SCALE:
                self.rescale()
            for at in range(batch.size * k):
                moves[2 * at] = (
                    self.behind * self.change[at] - lr * self.slope[at]) / self.scale
                moves[2 * at + 1] = self.change[at]
            self.rows.pairs_tdot(batch, k, moves, &self.pairs[0])
            self.move_intercept(batch, lr)
            batch.start += batch.size
            rate += stride
            self.t += 1
        return 0

    # Sparse rows under a soft threshold: features are brought up to date when a row has them.
    cdef int run_lazy(self, Batch* batch, const double* rate, Py_ssize_t stride,
                      double* total) except -1 nogil:
        cdef Py_ssize_t at, k = self.k
        cdef double lr, size, shrink
        cdef double* moves = &self.moves[0]
        cdef Drift* w = &self.drift
        while batch.start < batch.end:
            batch.size = min(self.batch_size, batch.end - batch.start)
            lr = rate[0]
            self.rows.drift_dot(batch, w, &self.raw[0])
            for at in range(batch.size * k):
                self.raw[at] *= self.scale
            self.add_intercept(batch, self.params, &self.raw[0])
            self.look_back(batch)
            self.differences(batch, total)
            shrink = fmax(0.0, 1.0 - lr * self.ridge)
            if self.scale * shrink < SMALLEST_SCALE:
                self.settle(shrink)
            else:
                self.scale *= shrink
            size = lr / self.scale
            for at in range(batch.size * k):
                # the step on the mean as it was is still to be taken, on the mean as it will be
                moves[2 * at] = size * (self.change[at] - self.slope[at])
                moves[2 * at + 1] = self.change[at]
            self.rows.drift_tdot(batch, moves, w)
            w.n += 1
            self.sums[w.n] = self.sums[w.n - 1] + size
            self.move_intercept(batch, lr)
            batch.start += batch.size
            rate += stride
            self.t += 1
        return 0

    # Any penalty, on all weights at each step.
    cdef int run_general(self, Batch* batch, const double* rate, Py_ssize_t stride,
                         double* total) except -1 nogil:
        cdef Py_ssize_t j, k = self.k, n_params = self.objective.model.n_params
        cdef double lr, shrink
        cdef double* grad = &self.grad[0]
        while batch.start < batch.end:
            batch.size = min(self.batch_size, batch.end - batch.start)
            lr = rate[0]
            self.rows.dot(batch, k, self.params, &self.raw[0])
            self.add_intercept(batch, self.params, &self.raw[0])
            self.look_back(batch)
            self.differences(batch, total)
            memcpy(grad, self.gradient, n_params * sizeof(double))
            self.rows.tdot(batch, k, &self.slope[0], 1.0, grad)
            shrink = 1.0
            if not isnan(self.ridge):
                shrink = fmax(0.0, 1.0 - lr * self.ridge)
            else:
                self.smooth.add_gradient(k, self.n_weights // k, self.params, grad)
            for j in range(self.n_weights):
                self.params[j] = shrink * self.params[j] - lr * grad[j]
            self.move_intercept(batch, lr)
            if self.proximal is not None:
                self.prox(lr)
            if self.table != NULL:
                self.rows.tdot(batch, k, &self.change[0], 1.0, self.gradient)
            if self.mean != NULL and self.t >= self.average_from:
                simd.average(
                    n_params, 1.0 / (self.t - self.average_from + 1), self.params, self.mean)
            batch.start += batch.size
            rate += stride
            self.t += 1
        return 0

    # Where v and the mean gradient of weight number e are in `pairs`.
    cdef inline Py_ssize_t pair(self, Py_ssize_t e, bint second) noexcept nogil:
        cdef Py_ssize_t p = self.n_weights // self.k
        if self.rows.sparse:
            return 2 * e + second
        return e + (e // p + second) * p

    cdef void rescale(self) noexcept nogil:
        # scale = 1 again; what is behind stays
        cdef Py_ssize_t e
        for e in range(self.n_weights):
            self.pairs[self.pair(e, 0)] *= self.scale
        self.scale = 1.0

    cdef void settle(self, double shrink) noexcept nogil:
        # bring all weights up to date and shrink them; the sums start again at zero
        cdef Py_ssize_t e
        cdef DriftWeight* weight = self.drift.weights
        cdef double now = self.drift.sums[self.drift.n]
        for e in range(self.n_weights):
            weight[e].v = shrink * (self.scale * drift_settle(&self.drift, now, &weight[e]))
            weight[e].last = 0.0
        self.scale = 1.0
        self.drift.n = 0

    cdef begin(self, Py_ssize_t steps, bint steady):
        cdef Py_ssize_t e
        cdef Drift* w = &self.drift
        self.scale, self.behind = 1.0, 0.0
        if self.lazy:
            if self.sums is None or self.sums.shape[0] <= steps:
                self.sums = np.empty(steps + 1)
            w.k, w.p = self.k, self.n_weights // self.k
            w.weights, w.sums, w.n = <DriftWeight*> &self.weights[0, 0], &self.sums[0], 0
            self.sums[0] = 0.0
            for e in range(self.n_weights):
                w.weights[e].v, w.weights[e].g = self.params[e], self.gradient[e]
                w.weights[e].last, w.weights[e].cut = 0.0, self.proximal.threshold
                if self.proximal.factors != NULL:
                    w.weights[e].cut *= self.proximal.factors[e % w.p]
        elif self.direct:
            for e in range(self.n_weights):
                self.pairs[self.pair(e, 0)] = self.params[e]
                self.pairs[self.pair(e, 1)] = self.gradient[e]

    cdef end(self):
        cdef Py_ssize_t e
        cdef double v, g
        if self.lazy:
            self.settle(1.0)
            for e in range(self.n_weights):
                self.params[e], self.gradient[e] = self.drift.weights[e].v, self.drift.weights[e].g
        elif self.direct:
            for e in range(self.n_weights):
                v, g = self.pairs[self.pair(e, 0)], self.pairs[self.pair(e, 1)]
                self.params[e], self.gradient[e] = self.scale * v - self.behind * g, g


def survey(RowsKernel rows, const double[::1] code, const uint32_t[::1] order=None):
    """Return the product of each row with ``code``, and its sum of squares."""
    cdef Py_ssize_t i, n = rows.n_rows if order is None else order.shape[0]
    cdef double[::1] products = np.empty(n)
    cdef double[::1] squares = np.empty(n)
    cdef Batch one
    one.order = NULL if order is None else &order[0]
    one.size, one.end = 1, n
    with nogil:
        for i in range(n):
            one.start = i
            products[i] = rows.row_dot(&one, &code[0])
            squares[i] = rows.row_square(&one)
    return np.asarray(products), np.asarray(squares)
