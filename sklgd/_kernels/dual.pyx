"""Passes of stochastic dual coordinate ascent: see `sklgd.optimizers.SDCA`, which states the maths.

Each row's dual variables are the slopes of its loss; weights are kept equal to what the slopes
make of them, ``-sum_i s_i slope_i x_i / (alpha sum s)``, and each visit moves a row's slopes to
where the objective's dual is largest along them.
"""
cimport cython

import numpy as np

from libc.math cimport fabs, isnan
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from .base cimport Batch, LossKernel, RowsKernel, batch_row, shuffle
from .simd cimport simd_prefetch_line

# How many visits ahead what is kept of a row is asked for.
cdef Py_ssize_t VISITS_AHEAD = 8
# How well slopes are known, times a row's step what that leaves of a gap; those of a joint loss.
cdef double ROUNDING = 1e-15, ROUNDING_JOINT = 1e-12
# Where the sum of the slopes has not fallen below a share of what it was (STEADY), the next step of
# the multipliers is longer (FASTER, up to LONGEST); where its sign has changed, or the gap has
# RISEN to so many times what it was, that was too long: from then on steps are shorter (SLOWER) and
# become longer slowly (AGAIN).
cdef double RISEN = 3.0, STEADY = 0.7, FASTER = 2.0, LONGEST = 1000.0, SLOWER = 0.3, AGAIN = 1.05


@cython.final
cdef class DualPass:
    """Passes over the rows of one fit; writes ``params`` and what it is given of the rows.

    Parameters
    ----------
    rows : RowsKernel
    loss : LossKernel
        One with a proximal slope, of the joint form where that is asked for.
    y : float64 array of shape (n, k), or (n, 1) where joint
    weights : float64 array of shape (n,) or None
    params : float64 array
        Weights of shape (k, p), then k intercepts where they are fitted.
    slopes : float64 array of shape (n, k)
        The dual variables.
    conjugates : float64 array of y's shape
        The loss's conjugate at them; NaN where it is not known yet.
    values : float64 array of y's shape
        The losses before the last visit; zeros where there was none.
    squares : float64 array of shape (n,)
        The rows' squared norms; NaN where they are not known yet.
    still : uint8 array of y's shape
        For how many visits up to the last one, at most 255, slopes have stayed.
    paces : float64 array of shape (4, k)
        By what the last steps of the multipliers were multiplied, the sums of the slopes then, by
        what steps are multiplied at the most, and the gap of the last sweep.
    sums : float64 array of shape (k,)
        The weighted sums of the slopes over the rows of the fit.
    scales : tuple of float
        1 / (alpha * sum of weights), how far weights move for a slope, and the same of intercepts.
    joint : bool
        Whether the loss takes all k columns of a row together.
    """
    cdef RowsKernel rows
    cdef LossKernel loss
    cdef const double[:, ::1] y
    cdef const double[::1] weights
    cdef double[::1] params
    cdef double[:, ::1] slopes
    cdef double[:, ::1] conjugates
    cdef double[:, ::1] values
    cdef double[::1] squares
    cdef uint8_t[:, ::1] still
    cdef double[::1] sums
    cdef double[:, ::1] paces
    cdef double weight_scale, intercept_scale
    cdef double* intercepts             # NULL where there are none
    cdef double[::1] raw
    cdef double[::1] draw
    cdef double[::1] spare
    cdef double[:, ::1] by_feature      # the weights of several columns of sparse rows, (p, k)
    cdef bint joint

    def __init__(self, RowsKernel rows, LossKernel loss, y, weights, params,
                 slopes, conjugates, values, squares, still, paces, sums, scales, *, joint=False):
        if not (loss.proximal_joint if joint else loss.proximal):
            raise ValueError("this loss has no proximal slope")
        cdef Py_ssize_t n_weights = rows.n_features * slopes.shape[1]
        self.joint = joint
        self.by_feature = None
        self.rows, self.loss = rows, loss
        self.y, self.weights = y, weights
        self.params, self.slopes = params, slopes
        self.conjugates, self.values = conjugates, values
        self.squares, self.still, self.paces, self.sums = squares, still, paces, sums
        self.weight_scale, self.intercept_scale = scales
        has_intercepts = self.params.shape[0] > n_weights
        self.intercepts = &self.params[n_weights] if has_intercepts else NULL
        self.raw, self.draw, self.spare = np.empty((3, slopes.shape[1]))

    # Of several columns of sparse rows, have the weights of a feature side by side.
    cdef gather(self):
        cdef Py_ssize_t p = self.rows.n_features, k = self.slopes.shape[1]
        if self.rows.sparse and k > 1:
            self.by_feature = np.asarray(self.params)[:p * k].reshape(k, p).T.copy()

    cdef scatter(self):
        if self.by_feature is not None:
            np.asarray(self.params)[:self.by_feature.size] = np.asarray(self.by_feature).T.ravel()
            self.by_feature = None

    # The raw predictions of the batch's row, in columns from `first` to `last`.
    cdef inline void predict(self, const Batch* batch, Py_ssize_t first,
                             Py_ssize_t last) noexcept nogil:
        cdef Py_ssize_t c, k = self.slopes.shape[1]
        if last - first == 1:
            self.raw[first] = self.rows.row_dot(
                batch, &self.params[0] + first * self.rows.n_features)
        elif self.by_feature is not None:
            self.rows.mix(batch, k, NULL, &self.by_feature[0, 0], &self.raw[0])
        else:
            self.rows.dot(batch, k, &self.params[0], &self.raw[0])
        if self.intercepts != NULL:
            for c in range(first, last):
                self.raw[c] += self.intercepts[c]

    def run(self, uint32_t[::1] order, uint64_t seed, *, Py_ssize_t sweeps=1,
            Py_ssize_t column=-1):
        """Visit some rows in random order, and after each sweep move the intercepts.

        Parameters
        ----------
        order : uint32 array
            The rows; they are shuffled in place.
        seed : int
        sweeps : int
            How often.
        column : int
            The column whose slopes move; those of all of them if negative.

        Returns
        -------
        gap : float
            How far these rows' slopes were from those of the loss, in the last sweep: the sum of
            loss + conjugate - slope * raw; NaN in a first pass.
        pull : float
            What the objective would change by along the intercepts' last step, were it linear.
        """
        cdef Py_ssize_t c, sweep, first = max(column, 0), n = order.shape[0]
        cdef Py_ssize_t last = first + 1 if column >= 0 else self.slopes.shape[1]
        cdef uint32_t* at = &order[0] if n else NULL    # none: all of them rest
        cdef double gap = 0.0, pull = 0.0
        if column < 0:
            self.gather()
        with nogil:
            for sweep in range(sweeps):
                shuffle(at, n, seed + (<uint64_t> sweep << 32))
                gap = self.sweep(at, n, first, last)
                pull = 0.0
                if self.intercepts != NULL:
                    for c in range(first, last):
                        pull += self.move_intercept(c, gap)
        self.scatter()
        return gap, pull

    # Take a step of the multipliers; return what the objective would change by, were it linear.
    cdef inline double move_intercept(self, Py_ssize_t c, double gap) noexcept nogil:
        cdef double s = self.sums[c], before = self.paces[1, c], step
        cdef double* pace = &self.paces[0, c]
        cdef double* most = &self.paces[2, c]
        if s * before < 0.0 or gap > RISEN * self.paces[3, c]:
            pace[0] = most[0] = max(1.0, SLOWER * pace[0])
        elif fabs(s) > STEADY * fabs(before):
            most[0] *= AGAIN
            pace[0] = min(LONGEST, min(most[0], FASTER * pace[0]))
        self.paces[1, c] = s
        self.paces[3, c] = gap
        step = pace[0] * self.intercept_scale * s
        self.intercepts[c] -= step
        return step * s

    # Visit the rows in their order; return the gap.
    cdef double sweep(self, const uint32_t* order, Py_ssize_t n, Py_ssize_t first,
                      Py_ssize_t last) except? -1.0 nogil:
        cdef Batch batch
        cdef Py_ssize_t c, i
        cdef double gap = 0.0, s, step
        cdef bint moves
        batch.order = order
        batch.size = 1
        batch.end = n
        for batch.start in range(n):
            i = batch_row(&batch, 0)
            if batch.start + VISITS_AHEAD < n:
                self.fetch(order[batch.start + VISITS_AHEAD], first)
            s = 1.0 if self.weights is None else self.weights[i]
            self.predict(&batch, first, last)
            if isnan(self.squares[i]):
                self.squares[i] = self.rows.row_square(&batch)
            step = self.step(i, s)
            if self.joint:
                self.ascend_joint(i, s, step, &gap)
            else:
                for c in range(first, last):
                    self.draw[c] = self.ascend(i, c, s, step, &gap)
            moves = False
            for c in range(first, last):
                moves = moves or self.draw[c] != 0.0
                self.sums[c] += s * self.draw[c]
                if self.intercepts != NULL:
                    self.intercepts[c] -= s * self.intercept_scale * self.draw[c]
                self.draw[c] *= -s * self.weight_scale
            if moves:
                self.move(&batch, first, last)
        return gap

    # Move the weights.
    cdef inline void move(self, const Batch* batch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
        cdef Py_ssize_t k = self.slopes.shape[1]
        if last - first == 1:
            self.rows.row_tdot(
                batch, self.draw[first], 1.0, &self.params[0] + first * self.rows.n_features)
        elif self.by_feature is not None:
            self.rows.tmix(batch, k, NULL, &self.draw[0], &self.by_feature[0, 0])
        else:
            self.rows.tdot(batch, k, &self.draw[0], 1.0, &self.params[0])

    # Ask for what is kept of a row.
    cdef inline void fetch(self, Py_ssize_t i, Py_ssize_t c) noexcept nogil:
        simd_prefetch_line(&self.slopes[i, c])
        simd_prefetch_line(&self.squares[i])
        c = 0 if self.joint else c
        simd_prefetch_line(&self.y[i, c])
        simd_prefetch_line(&self.conjugates[i, c])
        simd_prefetch_line(&self.values[i, c])
        simd_prefetch_line(&self.still[i, c])

    # How far the raw predictions of a row move for a slope of its own.
    cdef inline double step(self, Py_ssize_t i, double s) noexcept nogil:
        return s * (self.weight_scale * self.squares[i] + self.intercept_scale)

    # Move a row's slope of one column, and return what it changed by.
    cdef inline double ascend(self, Py_ssize_t i, Py_ssize_t c, double s, double step,
                              double* gap) except? -1.0 nogil:
        cdef double value, unused, new, old = self.slopes[i, c]
        self.loss.evaluate(1, &self.y[i, c], &self.raw[c], &value, &unused)
        self.values[i, c] = value
        if step <= 0.0:     # an empty row moves nothing
            self.still[i, c] = 255
            return 0.0
        gap[0] += s * (value + self.conjugates[i, c] - old * self.raw[c] + ROUNDING * step)
        new = self.loss.proximal_slope(self.y[i, c], self.raw[c] + step * old, step)
        if new == old and not isnan(self.conjugates[i, c]):
            self.still[i, c] += self.still[i, c] < 255
            return 0.0
        self.still[i, c] = 0
        self.slopes[i, c] = new
        self.raw[c] -= step * (new - old)
        self.loss.evaluate(1, &self.y[i, c], &self.raw[c], &value, &unused)
        self.conjugates[i, c] = new * self.raw[c] - value
        return new - old

    # Move a row's slopes of all columns together; `draw` becomes what they changed by.
    cdef inline int ascend_joint(self, Py_ssize_t i, double s, double step,
                                 double* gap) except -1 nogil:
        cdef Py_ssize_t c, k = self.slopes.shape[1]
        cdef double value = 0.0, pull = 0.0
        cdef double* slopes = &self.slopes[i, 0]
        cdef bint moves = isnan(self.conjugates[i, 0])
        self.loss.evaluate_joint(1, k, &self.y[i, 0], &self.raw[0], &value, &self.draw[0])
        self.values[i, 0] = value
        memset(&self.draw[0], 0, k * sizeof(double))
        if step <= 0.0:     # an empty row moves nothing
            self.still[i, 0] = 255
            return 0
        for c in range(k):
            pull += slopes[c] * self.raw[c]
            self.raw[c] += step * slopes[c]
        gap[0] += s * (value + self.conjugates[i, 0] - pull + ROUNDING_JOINT * step)
        self.loss.proximal_slope_joint(k, self.y[i, 0], &self.raw[0], step, &self.spare[0])
        pull = 0.0
        for c in range(k):
            moves = moves or self.spare[c] != slopes[c]
            self.draw[c] = self.spare[c] - slopes[c]
            slopes[c] = self.spare[c]
            self.raw[c] -= step * slopes[c]
            pull += slopes[c] * self.raw[c]
        if moves:
            self.still[i, 0] = 0
            self.loss.evaluate_joint(1, k, &self.y[i, 0], &self.raw[0], &value, &self.spare[0])
            self.conjugates[i, 0] = pull - value
        else:
            self.still[i, 0] += self.still[i, 0] < 255
        return 0

    def total(self):
        """Return the weighted sum of the losses, each of before the last visit."""
        values = np.asarray(self.values)
        return float(np.sum(values if self.weights is None else np.asarray(self.weights) @ values))

    def measure(self, const uint32_t[::1] order):
        """See what the losses of these rows are, and return the gap of `run`, without a visit."""
        cdef Batch batch
        cdef Py_ssize_t c, i, k = self.slopes.shape[1]
        cdef double gap = 0.0, s, value, unused
        batch.order = &order[0]
        batch.size = 1
        batch.end = order.shape[0]
        self.gather()
        with nogil:
            for batch.start in range(order.shape[0]):
                i = batch_row(&batch, 0)
                s = 1.0 if self.weights is None else self.weights[i]
                self.predict(&batch, 0, k)
                if self.joint:
                    self.measure_joint(i, s, &gap)
                    continue
                for c in range(k):
                    self.loss.evaluate(1, &self.y[i, c], &self.raw[c], &value, &unused)
                    self.values[i, c] = value
                    if not isnan(self.conjugates[i, c]):    # an empty row has none
                        gap += s * (value + self.conjugates[i, c] - self.slopes[i, c] * self.raw[c]
                                    + ROUNDING * self.step(i, s))
        self.by_feature = None
        return gap

    cdef inline int measure_joint(self, Py_ssize_t i, double s, double* gap) except -1 nogil:
        cdef Py_ssize_t c, k = self.slopes.shape[1]
        cdef double pull = 0.0
        self.loss.evaluate_joint(
            1, k, &self.y[i, 0], &self.raw[0], &self.values[i, 0], &self.draw[0])
        for c in range(k):
            pull += self.slopes[i, c] * self.raw[c]
        if not isnan(self.conjugates[i, 0]):    # an empty row has none
            gap[0] += s * (self.values[i, 0] + self.conjugates[i, 0] - pull
                           + ROUNDING_JOINT * self.step(i, s))
        return 0
