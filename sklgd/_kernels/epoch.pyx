"""The loop of step rules over batches."""
cimport cython

import numpy as np

from libc.math cimport NAN, fabs, fmax, isfinite, isnan
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memset

from .base cimport (
    Batch, Lazy, ModelKernel, OptimizerKernel, PenaltyKernel, Tape, add_rows, add_to_rows,
)
from .lazy cimport lazy_cut, lazy_settle, lazy_shrink
from .loop cimport Loop
from .objective cimport Objective, begin_tape
from .simd cimport simd, simd_init
from .touched cimport Touched

from .base import aligned_empty

simd_init()

# So many steps pay for a copy of the optimizer's state; doubles in a cache line.
cdef Py_ssize_t MANY_STEPS = 100
cdef Py_ssize_t LINE_DOUBLES = 8


# The least number from n on that is of whole cache lines, of floats or doubles.
cdef Py_ssize_t whole_lines(Py_ssize_t n) noexcept nogil:
    return (n + 15) // 16 * 16


cdef void narrow(Py_ssize_t n, const double* wide, float* out) noexcept nogil:
    cdef Py_ssize_t e
    for e in range(n):
        out[e] = <float> wide[e]


cdef void widen(Py_ssize_t n, const float* narrow, double* out) noexcept nogil:
    cdef Py_ssize_t e
    for e in range(n):
        out[e] = narrow[e]


@cython.final
cdef class Epoch(Loop):
    """A step rule on batches; `run` returns the weighted loss summed over rows, before each step.

    Writes in place: ``params``, ``state`` and, with averaging, ``mean``.

    Parameters
    ----------
    objective : Objective
    optimizer : OptimizerKernel
    smooth, proximal : PenaltyKernel or None
        The part of the penalty that enters the gradient, and the part applied as a proximal step.
    params, state, mean : float64 arrays; mean is None without averaging
    average_from : int
        The step from which the parameters are averaged (counted from 1).
    batch_size : int
    linear_model : bool
        Whether the model is linear, so that rows can update weights directly.
    seed : int
        Of what the model draws at random.
    unit : float
        What the loss is divided by in the optimizer's eyes (`sklgd.units`); 1 for linear models.
    lag : Lag or None
        What the weights of a linear model are behind by, and shall be after the steps, too.
    """
    cdef ModelKernel model
    cdef OptimizerKernel optimizer
    cdef double* state
    cdef double unit
    cdef readonly bint direct       # rows update the weights, without a gradient vector
    cdef readonly bint lazy         # ... which are kept behind in time
    cdef Lazy w
    cdef Touched touched            # what takes steps on the entries that batches touch, or None
    cdef bint touches               # ... and whether it does for now
    cdef bint lags                  # ... and leaves the other weights behind after its steps
    cdef readonly bint single       # whether parameters, gradient and state are float32 in steps
    cdef float[:, ::1] singles
    cdef bint apart                 # whether long runs are on a copy of the state, in `slots`, ...
    cdef double[:, ::1] slots       # whose rows begin with cache lines
    cdef bint sums                  # whether the mean is a sum for now
    cdef Tape tape
    cdef double[::1] work
    cdef double[::1] raw
    cdef double[::1] draw
    cdef double[::1] value
    cdef double[::1] targets
    cdef double[::1] grad
    cdef double[::1] sizes
    cdef bint sees
    cdef double[:, ::1] seen        # a row; the batch's largest sizes and mean squares

    def __init__(self, Objective objective, OptimizerKernel optimizer, PenaltyKernel smooth,
                 PenaltyKernel proximal, double[::1] params, double[:, ::1] state, mean,
                 int64_t average_from, Py_ssize_t batch_size, bint linear_model, *,
                 uint64_t seed=0, double unit=1.0, lag=None):
        cdef Py_ssize_t k = objective.model.n_raw
        cdef bint local = linear_model or objective.model.local
        cdef double[::1] mean_view
        self.objective, self.rows, self.model = objective, objective.rows, objective.model
        self.optimizer = optimizer
        self.smooth, self.proximal = smooth, proximal
        self.params = &params[0]
        self.state = &state[0, 0] if state.shape[0] else NULL
        if mean is not None:
            mean_view = mean
            self.mean = &mean_view[0]
        self.owned = (params, state, mean)
        self.average_from = average_from
        self.batch_size = batch_size
        self.unit = unit
        self.work = aligned_empty(self.model.work_size(self.rows, batch_size) + 1)
        begin_tape(&self.tape, self.model, &self.work[0], self.params)
        self.tape.seed = seed
        self.direct = linear_model and optimizer.linear and (smooth is None or smooth.shrinks)
        self.lazy = lag is None and self.direct and objective.rows.sparse and (
            smooth is None or not isnan(smooth.ridge)) and (
            proximal is None or (not isnan(proximal.threshold) and mean is None))
        self.raw = np.empty(batch_size * k)
        self.draw = np.empty(batch_size * k)
        self.value = np.empty(batch_size * k)
        self.targets = np.empty(batch_size * objective.target_width())
        if not self.direct and lag is None:
            self.tape.fresh = self.model.writes
            self.prepare_general(state.shape[0])
        self.prepare_rule(linear_model)
        if proximal is not None and lag is None:
            self.sizes = np.empty(self.model.n_params)
        else:
            self.sizes = np.empty(1)
        if self.lazy and proximal is not None:
            # a step of length 0 moves nothing, and checks that the penalty fits the features
            self.prox(0.0, NULL)
        if lag is not None or (
            local and objective.rows.sparse and not self.lazy and self.n_entries() < (
                objective.rows.n_features // 2) and Touched.suits(optimizer, smooth, proximal)):
            self.touched = Touched(
                objective.rows, optimizer, smooth, proximal, self.model, linear_model, params,
                state, mean, average_from,
                self.n_entries() / batch_size * objective.rows.n_rows, lag)
        self.lags = lag is not None

    # What a rule wants beyond gradients: the features of rows, or the flow of their loss.
    cdef prepare_rule(self, bint linear_model):
        if self.optimizer.needs_rows:
            if not linear_model:
                raise ValueError(
                    "This optimizer scales each parameter by its feature, which only a linear "
                    "model has; use another optimizer, such as AdaGrad() or Adam()."
                )
        if self.optimizer.follows and self.batch_size > 1:
            raise ValueError(
                "importance_aware=True takes steps of single rows. Use batch_size=1 or 'auto' with "
                f"it, or importance_aware=False. Got batch_size={self.batch_size}."
            )
        flows = self.optimizer.follows and self.objective.loss.flows and not self.objective.joint
        self.optimizer.flow = self.objective.loss if flows else None

    # What `run_general` needs; or `run_single` in its place, for rules and models that can.
    cdef prepare_general(self, Py_ssize_t n_slots):
        cdef bint plain = self.smooth is None or not isnan(self.smooth.ridge)
        self.grad = aligned_empty(self.model.n_params)
        if plain and self.optimizer.adds_ridge:
            self.optimizer.ridge, self.optimizer.n_ridge = self.ridge(), self.model.n_weights
        self.single = (
            plain and (self.smooth is None or self.optimizer.adds_ridge) and self.proximal is None
            and self.mean == NULL and self.optimizer.single and self.model.trains_single(self.rows))
        if self.single:
            self.singles = aligned_empty(
                (2 + n_slots, whole_lines(self.model.n_params)), np.float32)
        elif self.optimizer.single and self.model.n_params % LINE_DOUBLES:
            self.apart = True
            self.slots = aligned_empty((n_slots, whole_lines(self.model.n_params)))

    # Entries of a batch, in the mean.
    cdef double n_entries(self) noexcept nogil:
        cdef Batch rows
        rows.order = NULL
        rows.start = 0
        rows.size = rows.end = self.rows.n_rows
        return <double> self.batch_size * self.rows.n_entries(&rows) / rows.size

    def caught_up(self, features, int64_t t):
        """Return the weights of features, which are left behind, as they are after step t."""
        return self.touched.caught_up(features, t)

    def is_lazy(self, bint steady=True):
        """Whether steps cost O(nonzeros), where the learning rates are steady or not."""
        return self.lazy or (self.touched is not None and self.touched.fits(steady))

    cdef begin(self, Py_ssize_t steps, bint steady):
        self.touches = self.touched is not None and (self.lags or self.touched.fits(steady))
        if self.lazy:
            self.begin_lazy()
        elif self.touches:
            self.touched.prepare(steps)

    cdef int take(self, Batch* batch, const double* rate, Py_ssize_t stride,
                  double* total) except -1 nogil:
        cdef bint one = self.batch_size == 1 and self.model.n_raw == 1
        if self.lazy and one:
            return self.run_lazy_rows(batch, rate, stride, total)
        if self.lazy:
            return self.run_lazy(batch, rate, stride, total)
        if self.touches:
            return self.run_touched(batch, rate, stride, total)
        if self.direct and one and (self.smooth is None or not isnan(self.smooth.ridge)):
            return self.run_rows(batch, rate, stride, total)
        return self.run_all(batch, rate, stride, total)

    cdef end(self):
        if self.lazy:
            self.end_lazy()
        elif self.lags:
            self.touched.leave()
        elif self.touches:
            self.touched.settle()
            self.divide_mean(self.model.n_params)
            self.touched.bound(self.mean)

    cdef inline double ridge(self) noexcept nogil:
        return self.smooth.ridge if self.smooth is not None else 0.0

    cdef inline int prox(self, double lr, const double* sizes) except -1 nogil:
        cdef Py_ssize_t k = self.model.weight_rows
        return self.proximal.prox(k, self.model.n_weights // k, self.params, lr, sizes, NULL)

    # The loss of a batch at its raw predictions; draw becomes factor * its gradient.
    cdef inline int evaluate(self, const Batch* batch, double factor,
                             double* total) except -1 nogil:
        return self.objective.evaluate(batch, &self.raw[0], &self.targets[0], &self.value[0],
                                       &self.draw[0], factor, total)

    cdef inline void take_aim(self, const Batch* batch) noexcept nogil:
        if self.optimizer.flow is not None:
            self.objective.take_aim(
                batch, &self.optimizer.aim, &self.raw[0], &self.draw[0], &self.targets[0])

    cdef inline void average(self, double* values, Py_ssize_t first) noexcept nogil:
        # the running mean of the parameters from number `first` on
        cdef Py_ssize_t n = self.model.n_params + self.model.n_kept - first
        if self.mean != NULL and self.t >= self.average_from:
            simd.average(
                n, 1.0 / (self.t - self.average_from + 1), values + first, self.mean + first)

    cdef inline void move_intercept(self, const Batch* batch) noexcept nogil:
        if self.model.n_params > self.model.n_weights:
            add_rows(batch.size, self.model.n_raw, &self.draw[0],
                     self.params + self.model.n_weights)

    # Show the optimizer the features of a batch.
    cdef int observe(self, const Batch* batch) except -1 nogil:
        cdef Py_ssize_t i, j, k = self.model.n_raw, p = self.model.n_weights // self.model.n_raw
        cdef double* row
        cdef double* largest
        cdef double* square
        cdef Batch one = batch[0]
        if not self.sees:   # where steps are on few entries none may come here
            with gil:
                self.seen = np.zeros((3, self.model.n_params))
            self.sees = True
        row, largest, square = &self.seen[0, 0], &self.seen[1, 0], &self.seen[2, 0]
        one.size = 1
        memset(largest, 0, p * sizeof(double))
        memset(square, 0, p * sizeof(double))
        for i in range(batch.size):
            one.start = batch.start + i
            self.rows.row_tdot(&one, 1.0, 0.0, row)
            for j in range(p):
                largest[j] = fmax(largest[j], fabs(row[j]))
                square[j] += row[j] * row[j] / batch.size
        for j in range(p, k * p):
            largest[j] = largest[j - p]
            square[j] = square[j - p]
        for j in range(self.model.n_weights, self.model.n_params):
            largest[j] = square[j] = 1.0
        return self.optimizer.observe(
            self.model.n_params, self.params, self.state, largest, square, k)

    # Steps on all parameters.
    cdef int run_all(self, Batch* batch, const double* rate, Py_ssize_t stride,
                     double* total) except -1 nogil:
        if self.direct:
            return self.run_direct(batch, rate, stride, total)
        if self.single:
            return self.run_single(batch, rate, stride, total)
        if self.apart and batch.end - batch.start >= MANY_STEPS * self.batch_size:
            return self.run_apart(batch, rate, stride, total)
        return self.run_general(batch, rate, stride, total)

    # The same on a copy of the state, where all slots begin with a cache line.
    cdef int run_apart(self, Batch* batch, const double* rate, Py_ssize_t stride,
                       double* total) except -1 nogil:
        cdef Py_ssize_t i, n = self.model.n_params
        cdef double* state = self.state
        for i in range(self.slots.shape[0]):
            memcpy(&self.slots[i, 0], state + i * n, n * sizeof(double))
        self.state, self.optimizer.slot = &self.slots[0, 0], self.slots.shape[1]
        try:
            return self.run_general(batch, rate, stride, total)
        finally:
            self.state, self.optimizer.slot = state, 0
            for i in range(self.slots.shape[0]):
                memcpy(state + i * n, &self.slots[i, 0], n * sizeof(double))

    # Any rule, any model, any penalty: the gradient of the batch, then the step, then the prox.
    cdef int run_general(self, Batch* batch, const double* rate, Py_ssize_t stride,
                         double* total) except -1 nogil:
        cdef Py_ssize_t k = self.model.weight_rows, p = self.model.n_weights // k
        cdef bint per_entry
        cdef double loss
        while batch.start < batch.end:
            batch.size = min(self.batch_size, batch.end - batch.start)
            if self.optimizer.needs_rows:
                self.observe(batch)
            self.tape.t = self.t
            self.model.forward(self.rows, batch, self.params, &self.tape, &self.raw[0])
            loss = 0.0
            self.evaluate(batch, 1.0 / (batch.size * self.unit), &loss)
            total[0] += loss
            self.optimizer.loss = loss / (batch.size * self.unit)
            self.take_aim(batch)
            if not self.tape.fresh:
                memset(&self.grad[0], 0, self.model.n_params * sizeof(double))
            self.model.backward(
                self.rows, batch, self.params, &self.tape, &self.draw[0], &self.grad[0])
            if self.smooth is not None and isnan(self.smooth.ridge):
                self.smooth.add_gradient(k, p, self.params, &self.grad[0])
            elif self.smooth is not None and not self.optimizer.adds_ridge:
                simd.update_d(k * p, self.smooth.ridge, self.params, 1.0, &self.grad[0])
            self.optimizer.step(
                self.model.n_params, self.params, &self.grad[0], self.state, rate[0], self.t)
            if self.proximal is not None:
                per_entry = self.optimizer.step_sizes(
                    self.model.n_params, self.state, rate[0], self.t, &self.sizes[0])
                self.prox(self.sizes[0], &self.sizes[0] if per_entry else NULL)
            self.average(self.params, 0)
            batch.start += batch.size
            rate += stride
            self.t += 1
        return 0

    # The same in float32, with a ridge or nothing as penalty: four times as fast, since half the
    # memory is moved and roots and divisions take half the time.  Its numbers are those of the
    # parameters and the state between calls, too: every float32 is a double.
    cdef int run_single(self, Batch* batch, const double* rate, Py_ssize_t stride,
                        double* total) except -1 nogil:
        cdef Py_ssize_t i, n = self.model.n_params
        cdef float* params = &self.singles[0, 0]
        cdef float* grad = &self.singles[1, 0]
        cdef float* state = grad + self.singles.shape[1]
        cdef double scale, loss
        narrow(n, self.params, params)
        for i in range(self.singles.shape[0] - 2):
            narrow(n, self.state + i * n, &self.singles[2 + i, 0])
        self.optimizer.slot = self.singles.shape[1]
        try:
            while batch.start < batch.end:
                batch.size = min(self.batch_size, batch.end - batch.start)
                self.tape.t = self.t
                self.model.forward_single(self.rows, batch, params, &self.tape, &self.raw[0])
                scale = batch.size * self.unit
                loss = 0.0
                self.evaluate(batch, 1.0 / scale, &loss)
                total[0] += loss
                self.optimizer.loss = loss / scale
                self.model.backward_single(
                    self.rows, batch, params, &self.tape, &self.draw[0], grad)
                self.optimizer.step_single(n, params, grad, state, rate[0], self.t)
                batch.start += batch.size
                rate += stride
                self.t += 1
        finally:
            widen(n, params, self.params)
            for i in range(self.singles.shape[0] - 2):
                widen(n, &self.singles[2 + i, 0], self.state + i * n)
        return 0

    # Plain gradient steps of a linear model: the rows move the weights themselves.
    cdef int run_direct(self, Batch* batch, const double* rate, Py_ssize_t stride,
                        double* total) except -1 nogil:
        cdef Py_ssize_t k = self.model.n_raw, p = self.model.n_weights // self.model.n_raw
        cdef double ridge = self.ridge(), shrink = 1.0
        cdef bint weighted = self.smooth is not None and isnan(self.smooth.ridge)
        while batch.start < batch.end:
            batch.size = min(self.batch_size, batch.end - batch.start)
            self.model.forward(self.rows, batch, self.params, &self.tape, &self.raw[0])
            self.evaluate(batch, -rate[0] / batch.size, total)
            if weighted:
                self.smooth.shrink(k, p, self.params, rate[0], NULL)
            else:
                shrink = fmax(0.0, 1.0 - rate[0] * ridge)
            self.rows.tdot(batch, k, &self.draw[0], shrink, self.params)
            self.move_intercept(batch)
            if self.proximal is not None:
                self.prox(rate[0], NULL)
            self.average(self.params, 0)
            batch.start += batch.size
            rate += stride
            self.t += 1
        return 0

    # The same with one row a step and one raw column, where a step is a chain of a few dozen
    # nanoseconds: what is one number stays out of buffers.
    cdef int run_rows(self, Batch* batch, const double* rate, Py_ssize_t stride,
                      double* total) except -1 nogil:
        cdef double ridge = self.ridge(), loss_sum = 0.0, raw, move, shrink
        cdef double* intercept = self.params + self.model.n_weights
        cdef bint has_intercept = self.model.n_params > self.model.n_weights
        if self.rows.advances and self.proximal is None:
            return self.run_rows_ahead(batch, rate, stride, total)
        batch.size = 1
        while batch.start < batch.end:
            raw = self.rows.row_dot(batch, self.params)
            if has_intercept:
                raw += intercept[0]
            self.objective.evaluate_row(batch, raw, -rate[0], &move, &loss_sum)
            shrink = 1.0 - rate[0] * ridge
            self.rows.row_tdot(batch, move, shrink if shrink > 0.0 else 0.0, self.params)
            if has_intercept:
                intercept[0] += move
            if self.proximal is not None:
                self.prox(rate[0], NULL)
            self.average(self.params, 0)
            batch.start += 1
            rate += stride
            self.t += 1
        total[0] += loss_sum
        return 0

    # The same without waiting for the weights.  What a step makes of the next row's prediction is
    # what this was before the step, shrunk, and the step's length times the product of the two
    # rows: both are found while the step before that is under way.  The product may overflow where
    # no prediction does: then it is taken from the weights after all, as in the second step.
    cdef int run_rows_ahead(self, Batch* batch, const double* rate, Py_ssize_t stride,
                            double* total) except -1 nogil:
        cdef double ridge = self.ridge(), loss_sum = 0.0, move, shrink, dot
        cdef double after = NAN, cross = 0.0, intercept = 0.0
        cdef bint has_intercept = self.model.n_params > self.model.n_weights
        if has_intercept:
            intercept = self.params[self.model.n_weights]
        batch.size = 1
        dot = self.rows.row_dot(batch, self.params) if batch.start < batch.end else 0.0
        while batch.start < batch.end:
            self.objective.evaluate_row(batch, dot + intercept, -rate[0], &move, &loss_sum)
            shrink = 1.0 - rate[0] * ridge
            shrink = shrink if shrink > 0.0 else 0.0
            dot = shrink * after + move * cross
            if batch.start + 2 < batch.end:
                after = self.rows.row_advance(batch, move, shrink, self.params, &cross)
            else:
                self.rows.row_tdot(batch, move, shrink, self.params)
            if has_intercept:
                intercept += move
                self.params[self.model.n_weights] = intercept
            self.average(self.params, 0)
            batch.start += 1
            if not isfinite(dot) and batch.start < batch.end:
                dot = self.rows.row_dot(batch, self.params)
            rate += stride
            self.t += 1
        total[0] += loss_sum
        return 0

    # The same on sparse rows, at O(nonzeros) a step.
    cdef int run_lazy(self, Batch* batch, const double* rate, Py_ssize_t stride,
                      double* total) except -1 nogil:
        cdef double ridge = self.ridge()
        cdef double cut = self.proximal.threshold if self.proximal is not None else 0.0
        cdef Lazy* w = &self.w
        while batch.start < batch.end:
            batch.size = min(self.batch_size, batch.end - batch.start)
            self.rows.lazy_dot(batch, w, &self.raw[0])
            if self.model.n_params > self.model.n_weights:
                add_to_rows(batch.size, self.model.n_raw, self.params + self.model.n_weights,
                            &self.raw[0])
            self.evaluate(batch, -rate[0] / batch.size, total)
            lazy_shrink(w, fmax(0.0, 1.0 - rate[0] * ridge))
            self.rows.lazy_tdot(batch, &self.draw[0], w)
            self.move_intercept(batch)
            if cut != 0.0:
                lazy_cut(w, rate[0] * cut)
            if self.mean != NULL and self.t >= self.average_from:
                w.area += w.scale
                self.average(self.params, self.model.n_weights)
            batch.start += batch.size
            rate += stride
            self.t += 1
        return 0

    # The same with one row a step and one raw column, in numbers as in run_rows.
    cdef int run_lazy_rows(self, Batch* batch, const double* rate, Py_ssize_t stride,
                           double* total) except -1 nogil:
        cdef double ridge = self.ridge(), loss_sum = 0.0, raw, move
        cdef double cut = self.proximal.threshold if self.proximal is not None else 0.0
        cdef double* intercept = self.params + self.model.n_weights
        cdef bint has_intercept = self.model.n_params > self.model.n_weights
        cdef Lazy* w = &self.w
        batch.size = 1
        while batch.start < batch.end:
            self.rows.lazy_dot(batch, w, &raw)
            if has_intercept:
                raw += intercept[0]
            self.objective.evaluate_row(batch, raw, -rate[0], &move, &loss_sum)
            lazy_shrink(w, fmax(0.0, 1.0 - rate[0] * ridge))
            if move != 0.0:
                self.rows.lazy_tdot(batch, &move, w)
                if has_intercept:
                    intercept[0] += move
            if cut != 0.0:
                lazy_cut(w, rate[0] * cut)
            if self.mean != NULL and self.t >= self.average_from:
                w.area += w.scale
                self.average(self.params, self.model.n_weights)
            batch.start += 1
            rate += stride
            self.t += 1
        total[0] += loss_sum
        return 0

    # Any local rule on sparse rows, at O(nonzeros) a step.  A rule's first step is one on all
    # entries, which sets up its state; and where a penalty has bounds, so is that of each pass,
    # which leaves the weights within them.
    cdef int run_touched(self, Batch* batch, const double* rate, Py_ssize_t stride,
                         double* total) except -1 nogil:
        cdef Batch first = batch[0]
        cdef double loss
        if self.t == 1 or (self.proximal is not None and self.proximal.bounded):
            first.end = min(batch.end, batch.start + self.batch_size)
            self.run_all(&first, rate, stride, total)
            batch.start = first.end
            rate += stride
            if batch.start == batch.end:
                return 0
        self.multiply_mean(self.model.n_params)
        self.touched.begin(self.t)
        while batch.start < batch.end:
            batch.size = min(self.batch_size, batch.end - batch.start)
            self.touched.open(batch)
            self.touched.forward(batch, &self.tape, &self.raw[0])
            loss = 0.0
            self.evaluate(batch, 1.0 / batch.size, &loss)
            total[0] += loss
            self.take_aim(batch)
            self.touched.step(batch, &self.tape, &self.draw[0], rate[0], loss / batch.size)
            batch.start += batch.size
            rate += stride
            self.t += 1
        return 0

    # The mean's first n entries become the sum of the averaged steps, and back.
    cdef void multiply_mean(self, Py_ssize_t n) noexcept nogil:
        cdef int64_t averaged = self.t - self.average_from
        cdef Py_ssize_t e
        self.sums = self.mean != NULL
        if self.sums:
            for e in range(n):
                self.mean[e] *= averaged if averaged > 0 else 0

    cdef void divide_mean(self, Py_ssize_t n) noexcept nogil:
        cdef int64_t averaged = self.t - self.average_from
        cdef Py_ssize_t e
        if self.sums and averaged > 0:
            for e in range(n):
                self.mean[e] /= averaged
        self.sums = False

    cdef void begin_lazy(self) noexcept nogil:
        cdef Lazy* w = &self.w
        w.k = self.model.n_raw
        w.p = self.model.n_weights // w.k
        w.v = self.params
        w.cuts = self.proximal is not None
        w.factors = self.proximal.factors if self.proximal is not None else NULL
        w.total = self.mean
        w.scale = 1.0
        w.threshold = w.area = 0.0
        self.multiply_mean(self.model.n_weights)

    cdef void end_lazy(self) noexcept nogil:
        lazy_settle(&self.w)
        self.divide_mean(self.model.n_weights)
