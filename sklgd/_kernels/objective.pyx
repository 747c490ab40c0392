"""What training and scoring have in common: the data, the loss and the model of one fit.

Weights are ``s_i`` divided by their mean, so that the gradient of any batch estimates that of the
objective (`sklgd.objective`).
"""
import numpy as np

from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from .base cimport Aim, Batch, LossKernel, ModelKernel, RowsKernel, Tape, batch_row

from .adapters import PyLoss, PyModel
from .base import aligned_empty

# Rows that are summed at a time: their raw predictions stay in the cache.  Dense rows themselves are
# to stay in the nearest one until their gradient is summed; a call into Python costs more.
cdef Py_ssize_t SUM_ROWS = 128, DENSE_ROWS = 32, PYTHON_ROWS = 1024


# Four sums hide the latency of the additions.
cdef inline double sum_of(Py_ssize_t m, const double* values) noexcept nogil:
    cdef double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0
    cdef Py_ssize_t i = 0
    while i + 4 <= m:
        s0 += values[i]
        s1 += values[i + 1]
        s2 += values[i + 2]
        s3 += values[i + 3]
        i += 4
    while i < m:
        s0 += values[i]
        i += 1
    return (s0 + s1) + (s2 + s3)


cdef class Objective:
    """The weighted loss of a model on given rows.

    Parameters
    ----------
    rows : RowsKernel
    y : float64 array of shape (n,) or (n, y_width)
        Targets; class indices where the loss is joint or ``one_vs_rest`` is given.
    weights : float64 array of shape (n,) or None
    loss, model : kernels
    joint : bool
        Whether the loss takes all raw columns of a row together.
    one_vs_rest : (float, float) or None
        Expand class indices to one column a class: the target off the class, and on it.
    """
    def __init__(self, RowsKernel rows, y, weights, LossKernel loss, ModelKernel model, *,
                 bint joint=False, one_vs_rest=None):
        flat = np.ascontiguousarray(y, dtype=np.float64).reshape(-1)
        cdef const double[::1] y_flat = flat
        cdef const double[::1] w_flat
        self.rows, self.loss, self.model = rows, loss, model
        self.joint = joint
        self.at_a_time = SUM_ROWS if rows.sparse or not model.local else DENSE_ROWS
        if isinstance(loss, PyLoss) or isinstance(model, PyModel):
            self.at_a_time = PYTHON_ROWS
        self.y_width = 1 if y.ndim == 1 else y.shape[1]
        self.y = &y_flat[0]
        if weights is not None:
            w_flat = weights
            self.weights = &w_flat[0]
        self.owned = (flat, weights)    # the very arrays that the pointers point into
        self.expand = one_vs_rest is not None
        if flat.size != rows.n_rows * self.y_width or (
            weights is not None and weights.size != rows.n_rows
        ):
            raise ValueError(f"{rows.n_rows} rows need as many targets and weights, got {y.shape}")
        if not joint and self.y_width != (1 if self.expand else model.n_raw):
            raise ValueError(
                f"An elementwise loss needs a target for each raw column: got {self.y_width} and "
                f"n_raw={model.n_raw}."
            )
        if self.expand:
            self.off, self.on = one_vs_rest

    cdef Py_ssize_t target_width(self) noexcept nogil:
        # targets of a row as the loss sees them
        return self.model.n_raw if self.expand else self.y_width

    cdef void gather(self, const Batch* batch, double* targets) noexcept nogil:
        cdef Py_ssize_t i, c, row, k = self.model.n_raw, width = self.y_width
        if batch.order == NULL and not self.expand:
            memcpy(targets, self.y + batch.start * width, batch.size * width * sizeof(double))
            return
        for i in range(batch.size):
            row = batch_row(batch, i)
            if self.expand:
                for c in range(k):
                    targets[i * k + c] = self.off
                targets[i * k + <Py_ssize_t> self.y[row]] = self.on
            elif width == 1:
                targets[i] = self.y[row]
            else:
                for c in range(width):
                    targets[i * width + c] = self.y[row * width + c]

    # What a rule that follows the loss of the batch's first row goes by.
    cdef void take_aim(self, const Batch* batch, Aim* aim, const double* raw, const double* draw,
                       double* targets) noexcept nogil:
        cdef double weight = 1.0 if self.weights == NULL else self.weights[batch_row(batch, 0)]
        self.gather(batch, targets)
        aim.k = self.model.n_raw
        aim.n_intercepts = self.model.n_params - self.model.n_weights
        aim.weight = weight
        aim.targets, aim.raw, aim.draw = targets, raw, draw

    # Loss of a batch from its raw predictions: returns the weighted sum in total[0], and leaves
    # the weighted gradient times factor in draw.
    cdef int evaluate(self, const Batch* batch, const double* raw, double* targets, double* value,
                      double* draw, double factor, double* total) except -1 nogil:
        cdef Py_ssize_t i, c, k = self.model.n_raw, width
        cdef double s, row_sum, loss_sum = 0.0
        if k == 1 and batch.size == 1:
            return self.evaluate_row(batch, raw[0], factor, draw, total)
        self.gather(batch, targets)
        if self.joint:
            width = 1
            self.loss.evaluate_joint(batch.size, k, targets, raw, value, draw)
        else:
            width = k
            self.loss.evaluate(batch.size * k, targets, raw, value, draw)
        if self.weights == NULL:
            total[0] += sum_of(batch.size * width, value)
            if factor != 1.0:
                for i in range(batch.size * k):
                    draw[i] *= factor
            return 0
        for i in range(batch.size):
            s = self.weights[batch_row(batch, i)]
            row_sum = 0.0
            for c in range(width):
                row_sum += value[i * width + c]
            loss_sum += s * row_sum
            s *= factor
            for c in range(k):
                draw[i * k + c] *= s
        total[0] += loss_sum
        return 0

    def sums(self, const double[::1] params, double[::1] grad=None, const uint32_t[::1] order=None,
             Py_ssize_t start=0, stop=None):
        """Return the weighted loss summed over positions; add its gradient to ``grad``."""
        cdef double[::1] raw = np.empty(self.at_a_time * self.model.n_raw)
        return self.sum_rows(
            raw, &params[0], NULL if grad is None else &grad[0], order, start,
            self.n_positions(order) if stop is None else stop)

    def constant_sum(self, const double[::1] constant, const uint32_t[::1] order=None):
        """Return the weighted loss summed over rows whose raw prediction is ``constant``."""
        cdef Py_ssize_t i, k = constant.shape[0]
        cdef double[::1] raw = np.empty(self.at_a_time * k)
        for i in range(raw.shape[0]):
            raw[i] = constant[i % k]
        return self.sum_rows(raw, NULL, NULL, order, 0, self.n_positions(order))

    cdef Py_ssize_t n_positions(self, const uint32_t[::1] order):
        return self.rows.n_rows if order is None else order.shape[0]

    # The weighted loss over positions; raw holds the predictions where there are no params.
    cdef double sum_rows(self, double[::1] raw, const double* params, double* grad,
                         const uint32_t[::1] order, Py_ssize_t start, Py_ssize_t stop) except? -1.0:
        cdef Py_ssize_t k = self.model.n_raw
        cdef Batch batch
        cdef double total = 0.0
        cdef Py_ssize_t m = self.at_a_time
        cdef double[::1] draw = np.empty(m * k)
        cdef double[::1] value = np.empty(m * k)
        cdef double[::1] targets = np.empty(m * self.target_width())
        cdef double[::1] work = aligned_empty(self.model.work_size(self.rows, m) + 1)
        cdef Tape tape
        begin_tape(&tape, self.model, &work[0], <double*> params)
        batch.order = NULL if order is None else &order[0]
        batch.start, batch.end = start, stop
        with nogil:
            while batch.start < batch.end:
                batch.size = min(m, batch.end - batch.start)
                if params != NULL:
                    self.model.forward(self.rows, &batch, params, &tape, &raw[0])
                self.evaluate(&batch, &raw[0], &targets[0], &value[0], &draw[0], 1.0, &total)
                if grad != NULL:
                    self.model.backward(self.rows, &batch, params, &tape, &draw[0], grad)
                batch.start += batch.size
        return total


def predict_raw(RowsKernel rows, ModelKernel model, const double[::1] params):
    """Return the raw predictions of all rows, shape (n, n_raw)."""
    cdef double[:, ::1] raw = np.empty((rows.n_rows, model.n_raw))
    cdef double[::1] work = aligned_empty(model.work_size(rows, SUM_ROWS) + 1)
    cdef Tape tape
    cdef Batch batch
    begin_tape(&tape, model, &work[0], <double*> &params[0])
    batch.order = NULL
    batch.start, batch.end = 0, rows.n_rows
    with nogil:
        while batch.start < batch.end:
            batch.size = min(SUM_ROWS, batch.end - batch.start)
            model.forward(rows, &batch, &params[0], &tape, &raw[batch.start, 0])
            batch.start += batch.size
    return np.asarray(raw)
