# Steps on the entries that a sparse batch touches: touched.pxd has the theory.
import numpy as np

from libc.math cimport INFINITY, copysign, fabs, fmax
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from .base cimport (
    Batch, Mark, ModelKernel, OptimizerKernel, PenaltyKernel, RowsKernel, Tape, Touch, lazy_soft,
)
from .simd cimport simd, simd_init

simd_init()

# Features that are brought up to date at a time.
cdef Py_ssize_t SETTLED_AT_ONCE = 2048
#: numbers that a `Lag` has of each step
NUMBERS = COLUMNS
cdef Py_ssize_t few_times = 4
#: rows have few of the features where so many times as many entries are fewer than these
FEW_TIMES = few_times
# Numbers in a cache line.
cdef Py_ssize_t LINE = 8


cdef class TouchedRows(RowsKernel):
    """Sparse rows as a model sees them that knows a batch's features alone."""

    def __init__(self, RowsKernel rows):
        self.rows = rows
        self.sparse = True
        self.n_rows = rows.n_rows

    cdef void dot(self, const Batch* batch, Py_ssize_t k, const double* w,
                  double* raw) noexcept nogil:
        self.rows.touched_dot(batch, self.touch, k, w, raw)

    cdef void tdot(self, const Batch* batch, Py_ssize_t k, const double* draw, double shrink,
                   double* w) noexcept nogil:     # shrink is 1
        self.rows.touched_tdot(batch, self.touch, k, draw, w)

    cdef void cross_dot(self, const Batch* batch, Py_ssize_t k, Py_ssize_t f, const double* w,
                        double* sums, double* raw) noexcept nogil:
        self.rows.touched_cross_dot(batch, self.touch, k, f, w, sums, raw)

    cdef void cross_tdot(self, const Batch* batch, Py_ssize_t k, Py_ssize_t f, const double* draw,
                         const double* sums, const double* w, double* grad) noexcept nogil:
        self.rows.touched_cross_tdot(batch, self.touch, k, f, draw, sums, w, grad)


cdef class Touched:
    """The parameters of a linear or local model on sparse rows, of which a step sees some.

    Writes to ``params``, ``state`` and ``total``, which hold true values after `settle`.

    Parameters
    ----------
    rows, optimizer : kernels
    smooth, proximal : PenaltyKernel or None
        As of `Epoch`; for these ``suits`` must hold.
    model : ModelKernel
    linear : bool
        Whether the model is the linear one.
    params, state : float64 arrays
    mean : float64 array or None
        While steps are taken, the sum instead of the mean.
    average_from : int
    n_entries : float
        Of all rows.
    lag : Lag or None
        What weights are behind by, and shall be after the steps, too.
    """

    def __init__(self, RowsKernel rows, OptimizerKernel optimizer, PenaltyKernel smooth,
                 PenaltyKernel proximal, ModelKernel model, bint linear, double[::1] params,
                 double[:, ::1] state, double[::1] mean, int64_t average_from, double n_entries,
                 lag=None):
        self.rows, self.optimizer = rows, optimizer
        self.smooth, self.proximal = smooth, proximal
        self.model = None if linear else model
        self.few = TouchedRows(rows)
        self.few.touch = &self.touch
        self.k, self.p = model.weight_rows, rows.n_features
        self.n_all = params.shape[0]
        self.n_intercepts = self.n_all - self.k * self.p
        self.n_slots = state.shape[0]
        self.n_vectors = self.n_slots - optimizer.n_scalars
        self.all_params = &params[0]
        self.all_state = &state[0, 0] if self.n_slots else NULL
        self.total = NULL if mean is None else &mean[0]
        self.average_from = average_from
        if proximal is not None:
            self.pieces, self.n_pieces = proximal.pieces, proximal.n_pieces
        if smooth is not None:      # the step of a ridge's gradient, and after it the lasso's
            self.pieces[0].floor, self.pieces[0].top = 0.0, INFINITY
            self.pieces[0].l1 = self.pieces[0].l1 if proximal is not None else 0.0
            self.pieces[0].l2 = smooth.pieces[0].l2
            self.n_pieces = 1
            self.missed.gradient = True
        self.lag = lag
        self.stays = lag is not None or few_times * n_entries < self.p
        if self.stays:
            self.marks = np.empty((self.p, 2), dtype=np.int32) if lag is None else lag.marks
            self.touch.marks = <char*> &self.marks[0, 0]
            self.touch.stride = sizeof(Mark)
        else:
            self.make_home()
        self.room(SETTLED_AT_ONCE, SETTLED_AT_ONCE)
        self.table = np.empty((1, COLUMNS))

    # A place where what belongs to a feature lies side by side.
    cdef make_home(self):
        self.width = 1 + self.k * (1 + self.n_vectors)
        while self.width < LINE and LINE % self.width:  # none lies across two cache lines
            self.width += 1
        room = np.empty(self.p * self.width + LINE)
        first = -room.ctypes.data // room.itemsize % LINE
        self.home = room[first : first + self.p * self.width].reshape(self.p, self.width)
        self.touch.marks = <char*> &self.home[0, 0]
        self.touch.stride = self.width * sizeof(double)

    @staticmethod
    def suits(OptimizerKernel optimizer, PenaltyKernel smooth, PenaltyKernel proximal):
        """Whether a rule leaves what it does not touch to these penalties, and they can wait."""
        if not optimizer.local or (proximal is not None and proximal.n_pieces == 0):
            return False
        if smooth is None:
            return True
        return optimizer.linear and smooth.shrinks and (
            proximal is None or (proximal.n_pieces == 1 and proximal.pieces[0].l2 == 0.0))

    @staticmethod
    def may_wait(OptimizerKernel optimizer, PenaltyKernel smooth, PenaltyKernel proximal):
        """Whether weights can be behind from call to call, whatever learning rates these have."""
        if not Touched.suits(optimizer, smooth, proximal):
            return False
        return (optimizer.paced or (smooth is None and proximal is None)) and not (
            proximal is not None and proximal.bounded)

    cdef bint fits(self, bint steady):
        # whether all closed forms that are needed exist, where learning rates are steady or not
        cdef int i
        if self.n_pieces == 0 or (steady and self.optimizer.steady):
            return True
        if not (steady or self.optimizer.paced):
            return False
        if self.total != NULL:
            for i in range(self.n_pieces):
                if self.pieces[i].l2 != 0.0:
                    return False
        return True

    def room(self, Py_ssize_t entries, Py_ssize_t features):
        """Make the buffers fit batches with so many entries of so many features."""
        n = self.k * features + self.n_intercepts
        self.where = np.empty(entries, dtype=np.int32)
        self.features = np.empty(features, dtype=np.int32)
        self.since = np.zeros(features + LINE, dtype=np.int32)  # read in vectors, beyond its end
        self.grad, self.sizes = np.empty((2, n))
        self.numbers = np.empty((1 + self.n_slots) * n)
        if self.optimizer.needs_rows:
            self.seen = np.zeros((3, n))
        self.touch.where = &self.where[0]
        self.touch.features = &self.features[0]
        self.touch.since = &self.since[0]

    cdef int make_room(self, Py_ssize_t entries) except -1 nogil:
        if entries > self.where.shape[0]:
            with gil:
                self.room(2 * entries, min(2 * entries, max(self.p, SETTLED_AT_ONCE)))
        return 0

    # Once before steps, with the GIL and without.
    cdef prepare(self, Py_ssize_t n_steps):
        if self.lag is not None:
            self.table = self.lag.room(n_steps)
            self.missed.steps, self.missed.longest = self.lag.steps, self.lag.longest
            self.missed.steady, self.lr = self.lag.steady, self.lag.lr
        elif self.table.shape[0] <= n_steps:
            self.table = np.empty((n_steps + 1, COLUMNS))
        self.missed.table = &self.table[0, 0]

    cdef void begin(self, int64_t t) noexcept nogil:
        if self.lag is None:
            missed_begin(&self.missed)
            self.lr = 1.0
        self.t = t
        self.averages = self.total != NULL and t >= self.average_from
        self.waits = self.n_pieces or self.averages
        self.defers = self.n_pieces and self.smooth is None and not (
            self.averages or self.proximal.bounded)
        self.move(True)

    # Find a batch's features and what is kept of them; bring their weights up to date.
    cdef int open(self, const Batch* batch) except -1 nogil:
        cdef Py_ssize_t i
        self.make_room(self.rows.n_entries(batch))
        self.touch.now = <int32_t> self.missed.steps + 1
        self.rows.touch(batch, &self.touch)
        cdef bint marked = self.touch.in_order
        if self.touch.count == 0:   # a step of the intercept alone: some feature, for form's sake
            self.features[0] = 0
            self.touch.count = marked = 1
        self.m = self.few.n_features = self.touch.count
        if self.touch.in_order and self.model is not None:
            for i in range(self.m):
                self.where[i] = <int32_t> i
        self.gather(marked)
        self.catch_up()
        if self.optimizer.needs_rows:
            self.observe(batch)
        return 0

    cdef int forward(self, const Batch* batch, Tape* tape, double* raw) except -1 nogil:
        cdef Py_ssize_t i, c, k = self.k
        cdef const double* intercept = self.params + k * self.m
        if self.model is not None:
            return self.model.forward(self.few, batch, self.params, tape, raw)
        self.rows.touched_dot(batch, &self.touch, k, self.params, raw)
        if self.n_intercepts:
            for i in range(batch.size):
                for c in range(k):
                    raw[i * k + c] += intercept[c]
        return 0

    # The step, for draw the loss's gradient with respect to the raw predictions.
    cdef int step(self, const Batch* batch, Tape* tape, const double* draw, double lr,
                  double loss) except -1 nogil:
        cdef Py_ssize_t i, c, k = self.k
        cdef double* grad = &self.grad[0]
        cdef double* sizes = &self.sizes[0]
        cdef bint per_entry
        memset(grad, 0, self.n * sizeof(double))
        if self.model is not None:
            self.model.backward(self.few, batch, self.params, tape, draw, grad)
        else:
            self.rows.touched_tdot(batch, &self.touch, k, draw, grad)
            if self.n_intercepts:
                for i in range(batch.size):
                    for c in range(k):
                        grad[k * self.m + c] += draw[i * k + c]
        if self.smooth is not None:
            self.smooth.shrink(k, self.m, self.params, lr, &self.features[0])
        self.optimizer.loss = loss
        self.optimizer.step(self.n, self.params, grad, self.state, lr, self.t)
        self.lr = lr if lr > 0.0 else self.lr
        sizes[0] = lr
        if self.n_pieces:
            per_entry = self.optimizer.step_sizes(
                1 if self.defers else self.n, self.state, lr, self.t, sizes)
            if self.proximal is not None and not self.defers:
                self.proximal.prox(k, self.m, self.params, sizes[0], sizes if per_entry else NULL,
                                   &self.features[0])
            if per_entry:
                sizes[0] = self.optimizer.pace(self.n, self.state, lr, self.t)
        missed_record(&self.missed, sizes[0])
        self.scatter(self.missed.steps - self.defers)
        if self.averages:
            self.add(self.params)
        self.t += 1
        if self.total != NULL and not self.averages and self.t >= self.average_from:
            self.settle()
            self.begin(self.t)
        return 0

    # Bring all weights up to date.
    cdef int settle(self) except -1 nogil:
        cdef Py_ssize_t start = 0
        if not self.is_home:    # a user's code has raised in the first step
            return 0
        if self.is_open:        # ... or before this one
            self.scatter(self.missed.steps)
        while start < self.p and self.waits:
            self.m = 0
            while start < self.p and self.m < SETTLED_AT_ONCE:
                if not (self.stays and self.rests(start)):
                    self.features[self.m] = <int32_t> start
                    self.m += 1
                start += 1
            if self.m:
                self.gather(True)
                self.catch_up()
                self.scatter(self.missed.steps)
        self.move(False)
        return 0

    # Or leave them behind.
    cdef leave(self):
        if self.is_open:    # a user's code has raised
            self.scatter(self.missed.steps)
        self.lag.steps, self.lag.longest = self.missed.steps, self.missed.longest
        self.lag.steady, self.lag.lr = bool(self.missed.steady), self.lr

    def caught_up(self, const int32_t[::1] features, int64_t t):
        """Return the weights of features as they are after step t, shape (k, features)."""
        cdef Py_ssize_t start, c, i
        cdef double[:, ::1] out = np.empty((self.k, features.shape[0]))
        self.prepare(0)
        self.begin(t + 1)
        for start in range(0, features.shape[0], SETTLED_AT_ONCE):
            self.m = min(SETTLED_AT_ONCE, features.shape[0] - start)
            for i in range(self.m):
                self.features[i] = features[start + i]
            self.gather(True)
            self.catch_up()
            for c in range(self.k):
                for i in range(self.m):
                    out[c, start + i] = self.params[c * self.m + i]
        self.is_open = False
        return np.asarray(out)

    # Whether the weights of a feature are all zero, where penalties leave them.
    cdef inline bint rests(self, Py_ssize_t feature) noexcept nogil:
        cdef Py_ssize_t c
        for c in range(self.k):
            if self.all_params[c * self.p + feature] != 0.0:
                return False
        return True

    # Undo the rounding that takes a mean out of bounds which all its terms keep.
    cdef void bound(self, double* mean) noexcept nogil:
        cdef Py_ssize_t c
        if mean != NULL and self.averages and self.proximal is not None and self.proximal.bounded:
            for c in range(self.k):
                self.proximal.bound(self.p, mean + c * self.p, 0, NULL)

    # All parameters and their state to where those of a feature lie side by side, or back.
    cdef void move(self, bint into) noexcept nogil:
        cdef Py_ssize_t c, j, slot, k = self.k
        cdef double* home
        cdef double* all
        self.is_home = into
        if self.stays:
            if into and self.lag is None:
                memset(self.touch.marks, 0, self.p * sizeof(Mark))
            return
        for j in range(self.p):
            home = &self.home[j, 0]
            if into:
                (<Mark*> home).since = (<Mark*> home).place = 0
            for slot in range(-1, self.n_vectors):
                home += 1 if slot < 0 else k
                all = (self.all_params if slot < 0 else self.all_state + slot * self.n_all) + j
                for c in range(k):
                    if into:
                        home[c] = all[c * self.p]
                    else:
                        all[c * self.p] = home[c]

    # From there to the parameters of the features in the list, with their marks, and back.
    # Intercepts and scalars have stayed where they were.
    cdef void gather(self, bint marked) noexcept nogil:
        cdef Py_ssize_t slot, c, i, few = self.k * self.m, all = self.k * self.p
        cdef const double* at
        cdef double* to
        self.n = few + self.n_intercepts
        self.params = &self.numbers[0]
        self.state = self.params + self.n
        touch_take(&self.touch, self.m, self.k, 0 if self.stays else 1 + self.n_vectors, self.n,
                   self.params, &self.since[0] if marked else NULL)
        for slot in range(-1, self.n_vectors if self.stays else -1):
            at = self.all_params if slot < 0 else self.all_state + slot * self.n_all
            to = self.params + (slot + 1) * self.n
            for c in range(self.k):
                for i in range(self.m):
                    to[c * self.m + i] = at[c * self.p + self.touch.features[i]]
        for c in range(self.n_intercepts):
            self.params[few + c] = self.all_params[all + c]
            for slot in range(self.n_vectors):
                self.state[slot * self.n + few + c] = self.all_state[slot * self.n_all + all + c]
        for slot in range(self.n_vectors, self.n_slots):
            self.state[slot * self.n] = self.all_state[slot * self.n_all]
        self.is_open = True

    # The weights have had the penalties of so many steps.
    cdef void scatter(self, Py_ssize_t steps) noexcept nogil:
        cdef Py_ssize_t slot, c, i, few = self.k * self.m, all = self.k * self.p
        cdef const double* of
        cdef double* at
        touch_give(&self.touch, self.m, self.k, 0 if self.stays else 1 + self.n_vectors, self.n,
                   self.params, <int32_t> steps)
        for slot in range(-1, self.n_vectors if self.stays else -1):
            at = self.all_params if slot < 0 else self.all_state + slot * self.n_all
            of = self.params + (slot + 1) * self.n
            for c in range(self.k):
                for i in range(self.m):
                    at[c * self.p + self.touch.features[i]] = of[c * self.m + i]
        for c in range(self.n_intercepts):
            self.all_params[all + c] = self.params[few + c]
            for slot in range(self.n_vectors):
                self.all_state[slot * self.n_all + all + c] = self.state[slot * self.n + few + c]
        for slot in range(self.n_vectors, self.n_slots):
            self.all_state[slot * self.n_all] = self.state[slot * self.n]
        self.is_open = False

    cdef void add(self, const double* few) noexcept nogil:
        cdef Py_ssize_t c, i, m = self.m
        cdef const int32_t* at = &self.features[0]
        for c in range(self.k):
            for i in range(m):
                self.total[c * self.p + at[i]] += few[c * m + i]
        for c in range(self.n_intercepts):
            self.total[self.k * self.p + c] += few[self.k * m + c]

    # Show the optimizer the features of a batch; the entries of a row that name one feature add up.
    cdef int observe(self, const Batch* batch) except -1 nogil:
        cdef Py_ssize_t i, j, m = self.m, size
        cdef double* row = &self.seen[0, 0]
        cdef double* largest = &self.seen[1, 0]
        cdef double* square = &self.seen[2, 0]
        cdef double one_draw = 1.0, x
        cdef Py_ssize_t at
        cdef Batch one = batch[0]
        cdef Touch touch = self.touch
        one.size = 1
        memset(largest, 0, m * sizeof(double))
        memset(square, 0, m * sizeof(double))
        for i in range(batch.size):
            one.start = batch.start + i
            size = self.rows.n_entries(&one)
            self.rows.touched_tdot(&one, &touch, 1, &one_draw, row)
            for j in range(size):
                at = j if touch.in_order else touch.where[j]
                x = row[at]
                row[at] = 0.0
                largest[at] = fmax(largest[at], fabs(x))
                square[at] += x * x / batch.size
            touch.where += size
        for j in range(m, self.k * m):
            largest[j] = largest[j - m]
            square[j] = square[j - m]
        for j in range(self.k * m, self.n):
            largest[j] = square[j] = 1.0
        return self.optimizer.observe(self.n, self.params, self.state, largest, square, self.k)

    # Take the steps that the weights in the list missed.
    cdef int catch_up(self) except -1 nogil:
        cdef bint bounded = self.proximal is not None and self.proximal.bounded
        cdef bint per_entry = False, plain = (
            self.n_pieces == 1 and (self.pieces[0].l1 == 0.0 or self.smooth is None)
            and self.pieces[0].l2 >= 0.0    # a concave penalty ends somewhere
            and self.missed.steady and not self.averages and not bounded)
        cdef double pace = 1.0
        if self.missed.steps == 0 or not self.waits:
            return 0
        if self.n_pieces:
            per_entry = self.optimizer.step_sizes(
                self.n, self.state, self.lr, self.t - 1, &self.sizes[0])
            if per_entry:
                pace = self.optimizer.pace(self.n, self.state, self.lr, self.t - 1)
        if plain:
            self.catch_up_plainly(pace, per_entry)
            return 0
        if bounded:
            self.look_ahead()
        return self.catch_up_singly(pace, per_entry, &self.grad[0] if bounded else NULL)

    # Where all have one closed form, in vectors.
    cdef void catch_up_plainly(self, double pace, bint per_entry) noexcept nogil:
        cdef Py_ssize_t i, c, m = self.m
        cdef const int32_t* at = &self.features[0]
        cdef const double* factors = (
            self.proximal.factors if self.smooth is None else self.smooth.factors)
        cdef double* sizes = &self.sizes[0]
        cdef double* w = self.params
        for c in range(self.k):
            if not per_entry:
                for i in range(m):
                    sizes[i] = 1.0
            if factors != NULL:
                for i in range(m):
                    sizes[i] *= factors[at[i]]
            if self.pieces[0].l2 != 0.0:
                self.shrink(pace, sizes, w)
            else:
                self.cut(pace, sizes, w)
            sizes += m
            w += m

    # How far each weight may go on its side of zero, in `grad`.
    cdef void look_ahead(self) noexcept nogil:
        cdef Py_ssize_t i, c
        cdef double* ends = &self.grad[0]
        for i in range(self.k * self.m):
            ends[i] = -INFINITY if self.params[i] > 0.0 else INFINITY
        for c in range(self.k):
            self.proximal.bound(self.m, ends + c * self.m, 0, &self.features[0])

    # One by one, with the ends of `look_ahead` or NULL where there are none.
    cdef int catch_up_singly(self, double pace, bint per_entry, const double* ends) except -1 nogil:
        cdef Py_ssize_t i, c, m = self.m, steps
        cdef const int32_t* at = &self.features[0]
        cdef const double* shrunk = self.smooth.factors if self.smooth is not None else NULL
        cdef const double* cut = self.proximal.factors if self.proximal is not None else NULL
        cdef const double* sizes = &self.sizes[0]
        cdef double* w = self.params
        cdef double gone, size, end, q, q1, q2
        for c in range(self.k):
            for i in range(m):
                steps = self.missed.steps - self.since[i]
                size = fabs(w[i])
                if steps <= 0 or size == 0.0:
                    continue
                gone = 0.0
                if self.n_pieces == 0:
                    gone = steps * size
                else:
                    q = sizes[c * m + i] / pace if per_entry else 1.0
                    q1 = q if cut == NULL else q * cut[at[i]]
                    q2 = q1 if self.smooth is None else q if shrunk == NULL else q * shrunk[at[i]]
                    if q2 * self.pieces[0].l2 * self.missed.longest <= -1.0:
                        size = self.replay(size, at[i], q, self.since[i], &gone)
                    else:
                        end = 0.0 if ends == NULL else fmax(
                            0.0, copysign(ends[c * m + i], w[i] * ends[c * m + i]))
                        size = missed_size(
                            &self.missed, self.pieces, self.n_pieces, end, q1, q2, size,
                            self.since[i], steps, &gone if self.averages else NULL)
                if self.averages:
                    self.total[c * self.p + at[i]] += copysign(gone, w[i])
                w[i] = copysign(size, w[i]) + 0.0   # no -0.0
            w += m
        return 0

    # Of `catch_up_plainly`: under a ridge, with a lasso of the same factors or none.  Weights whose
    # steps are too long for vectors follow one by one.
    cdef void shrink(self, double pace, double* sizes, double* w) noexcept nogil:
        cdef Py_ssize_t i
        cdef int32_t steps = <int32_t> self.missed.steps
        cdef const Piece* piece = self.pieces
        cdef double unit = piece.l2 / pace * self.missed.longest
        unit = -unit if self.missed.gradient else unit
        if simd.shrink(self.m, unit, piece.l1 / piece.l2, sizes, steps, &self.since[0], w):
            for i in range(self.m):
                if self.since[i] < steps and not -0.25 <= unit * sizes[i] <= 1.0:
                    w[i] = copysign(missed_size(
                        &self.missed, piece, 1, 0.0, sizes[i] / pace, sizes[i] / pace, fabs(w[i]),
                        self.since[i], steps - self.since[i], NULL), w[i]) + 0.0

    # ... and under a lasso alone: the thresholds add up.
    cdef void cut(self, double pace, const double* sizes, double* w) noexcept nogil:
        cdef Py_ssize_t i
        cdef int32_t steps = <int32_t> self.missed.steps
        cdef double unit = self.pieces[0].l1 / pace * self.missed.longest
        for i in range(self.m):
            # + 0.0: no -0.0
            w[i] = lazy_soft(w[i], unit * sizes[i] * <double> (steps - self.since[i])) + 0.0

    # Of `catch_up_singly`: step by step, where these are too long for a concave penalty's bend.
    cdef double replay(self, double size, int32_t feature, double q, Py_ssize_t since,
                       double* gone) except? -1.0 nogil:
        cdef Py_ssize_t i
        cdef double before
        for i in range(since + 1, self.missed.steps + 1):
            before = size
            self.proximal.prox(1, 1, &size, q * self.table[i, 0], NULL, &feature)
            gone[0] += size
            if size == before and (size == 0.0 or self.missed.steady):  # so it stays
                gone[0] += (self.missed.steps - i) * size
                break
        return size
