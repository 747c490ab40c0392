"""Passes of stochastic dual coordinate ascent: see `sklgd.optimizers.SDCA`, which states the maths.

Each row's dual variables are the slopes of its loss; weights are kept equal to what the slopes
make of them, ``-sum_i s_i slope_i x_i / (alpha sum s)``, and each visit moves a row's slopes to
where the objective's dual is largest along them.
"""
cimport cython

import numpy as np

from libc.math cimport isnan
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memset

from .base cimport Batch, LossKernel, RowsKernel, batch_row
from .simd cimport simd_prefetch_line

# How many visits ahead what is kept of a row is asked for.
cdef Py_ssize_t VISITS_AHEAD = 8


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
    still : uint8 array of shape (n,)
        For how many visits up to the last one, at most 255, a row's slopes have stayed.
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
    cdef uint8_t[::1] still
    cdef double[::1] raw
    cdef double[::1] draw
    cdef double[::1] spare
    cdef double[:, ::1] by_feature      # the weights of several columns of sparse rows, (p, k)
    cdef bint joint

    def __init__(self, RowsKernel rows, LossKernel loss, y, weights, params,
                 slopes, conjugates, values, squares, still, *, joint=False):
        if not (loss.proximal_joint if joint else loss.proximal):
            raise ValueError("this loss has no proximal slope")
        self.joint = joint
        self.by_feature = None
        if rows.sparse and slopes.shape[1] > 1:
            n_weights = rows.n_features * slopes.shape[1]
            self.by_feature = params[:n_weights].reshape(-1, rows.n_features).T.copy()
        self.rows, self.loss = rows, loss
        self.y, self.weights = y, weights
        self.params, self.slopes = params, slopes
        self.conjugates, self.values = conjugates, values
        self.squares, self.still = squares, still
        self.raw, self.draw, self.spare = np.empty((3, slopes.shape[1]))

    # The raw predictions of the batch's row.
    cdef inline void predict(self, const Batch* batch) noexcept nogil:
        cdef Py_ssize_t c, k = self.slopes.shape[1], first = k * self.rows.n_features
        if k == 1:
            self.raw[0] = self.rows.row_dot(batch, &self.params[0])
        elif self.by_feature is not None:
            self.rows.mix(batch, k, NULL, &self.by_feature[0, 0], &self.raw[0])
        else:
            self.rows.dot(batch, k, &self.params[0], &self.raw[0])
        if self.params.shape[0] > first:
            for c in range(k):
                self.raw[c] += self.params[first + c]

    def run(self, const uint32_t[::1] order, double weight_scale, double intercept_scale):
        """Visit the rows in this order.

        Parameters
        ----------
        order : uint32 array
        weight_scale : float
            1 / (alpha * sum of weights): how far weights move for a slope.
        intercept_scale : float
            The same of intercepts.

        Returns
        -------
        gap : float
            How far these rows' slopes were from those of the loss: the sum of loss + conjugate -
            slope * raw; NaN in a first pass.
        """
        cdef Batch batch
        cdef Py_ssize_t c, i, k = self.slopes.shape[1], p = self.rows.n_features
        cdef double gap = 0.0, s, step
        cdef double* params = &self.params[0]
        cdef double* intercepts = params + k * p if self.params.shape[0] > k * p else NULL
        cdef bint moves
        if order.shape[0] == 0:     # all of them rest
            return 0.0
        batch.order = &order[0]
        batch.size = 1
        batch.end = order.shape[0]
        with nogil:
            for batch.start in range(order.shape[0]):
                i = batch_row(&batch, 0)
                if batch.start + VISITS_AHEAD < batch.end:
                    self.fetch(order[batch.start + VISITS_AHEAD])
                s = 1.0 if self.weights is None else self.weights[i]
                self.predict(&batch)
                if isnan(self.squares[i]):
                    self.squares[i] = self.rows.row_square(&batch)
                step = s * (weight_scale * self.squares[i] + intercept_scale)
                if self.joint:
                    self.ascend_joint(i, s, step, &gap)
                else:
                    for c in range(k):
                        self.draw[c] = self.ascend(i, c, s, step, &gap)
                moves = False
                for c in range(k):
                    moves = moves or self.draw[c] != 0.0
                    if intercepts != NULL:
                        intercepts[c] -= s * intercept_scale * self.draw[c]
                    self.draw[c] *= -s * weight_scale
                if not moves:
                    self.still[i] += self.still[i] < 255
                    continue
                self.still[i] = 0
                if k == 1:
                    self.rows.row_tdot(&batch, self.draw[0], 1.0, params)
                elif self.by_feature is not None:
                    self.rows.tmix(&batch, k, NULL, &self.draw[0], &self.by_feature[0, 0])
                else:
                    self.rows.tdot(&batch, k, &self.draw[0], 1.0, params)
        if self.by_feature is not None:
            np.asarray(self.params)[:k * p] = np.asarray(self.by_feature).T.ravel()
        return gap

    # Ask for what is kept of a row.
    cdef inline void fetch(self, Py_ssize_t i) noexcept nogil:
        simd_prefetch_line(&self.y[i, 0])
        simd_prefetch_line(&self.slopes[i, 0])
        simd_prefetch_line(&self.conjugates[i, 0])
        simd_prefetch_line(&self.values[i, 0])
        simd_prefetch_line(&self.squares[i])
        simd_prefetch_line(&self.still[i])

    # Move a row's slope of one column, and return what it changed by.
    cdef inline double ascend(self, Py_ssize_t i, Py_ssize_t c, double s, double step,
                              double* gap) except? -1.0 nogil:
        cdef double value, unused, new, old = self.slopes[i, c]
        self.loss.evaluate(1, &self.y[i, c], &self.raw[c], &value, &unused)
        self.values[i, c] = value
        if step <= 0.0:     # an empty row moves nothing
            return 0.0
        gap[0] += s * (value + self.conjugates[i, c] - old * self.raw[c])
        new = self.loss.proximal_slope(self.y[i, c], self.raw[c] + step * old, step)
        if new == old and not isnan(self.conjugates[i, c]):
            return 0.0
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
            return 0
        for c in range(k):
            pull += slopes[c] * self.raw[c]
            self.raw[c] += step * slopes[c]
        gap[0] += s * (value + self.conjugates[i, 0] - pull)
        self.loss.proximal_slope_joint(k, self.y[i, 0], &self.raw[0], step, &self.spare[0])
        pull = 0.0
        for c in range(k):
            moves = moves or self.spare[c] != slopes[c]
            self.draw[c] = self.spare[c] - slopes[c]
            slopes[c] = self.spare[c]
            self.raw[c] -= step * slopes[c]
            pull += slopes[c] * self.raw[c]
        if moves:
            self.loss.evaluate_joint(1, k, &self.y[i, 0], &self.raw[0], &value, &self.spare[0])
            self.conjugates[i, 0] = pull - value
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
        with nogil:
            for batch.start in range(order.shape[0]):
                i = batch_row(&batch, 0)
                s = 1.0 if self.weights is None else self.weights[i]
                self.predict(&batch)
                if self.joint:
                    self.measure_joint(i, s, &gap)
                    continue
                for c in range(k):
                    self.loss.evaluate(1, &self.y[i, c], &self.raw[c], &value, &unused)
                    self.values[i, c] = value
                    if not isnan(self.conjugates[i, c]):    # an empty row has none
                        gap += s * (value + self.conjugates[i, c] - self.slopes[i, c] * self.raw[c])
        return gap

    cdef inline int measure_joint(self, Py_ssize_t i, double s, double* gap) except -1 nogil:
        cdef Py_ssize_t c, k = self.slopes.shape[1]
        cdef double pull = 0.0
        self.loss.evaluate_joint(
            1, k, &self.y[i, 0], &self.raw[0], &self.values[i, 0], &self.draw[0])
        for c in range(k):
            pull += self.slopes[i, c] * self.raw[c]
        if not isnan(self.conjugates[i, 0]):    # an empty row has none
            gap[0] += s * (self.values[i, 0] + self.conjugates[i, 0] - pull)
        return 0
