"""The compiled twin of `sklgd.models.MLP`: rows in, raw predictions out, between them network.c."""
import numpy as np

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

from ..base cimport Batch, ModelKernel, RowsKernel, Tape
from ..simd cimport simd, simd_init

simd_init()

cdef extern from "models/network.h" nogil:
    ctypedef struct Network:
        Py_ssize_t n_layers
        Py_ssize_t n_params
        Py_ssize_t n_weights
        const Py_ssize_t* size
        const Py_ssize_t* weights
        const Py_ssize_t* bias
        const Py_ssize_t* gain
        const Py_ssize_t* kept
        const int* activation
        const double* dropout
        int normalization
        const Py_ssize_t* z
        const Py_ssize_t* a
        const Py_ssize_t* hat
        const Py_ssize_t* mask
        const Py_ssize_t* out
        Py_ssize_t row
        Py_ssize_t widest
        Py_ssize_t largest
        const double* out_shift
        const double* out_scale
    ctypedef struct network_table:
        void (*forward)(const Network* net, Py_ssize_t n, const void** rows, const void* params,
                        void* work, double* kept, uint64_t seed, int64_t t,
                        double* raw) noexcept nogil
        const void* (*backward)(const Network* net, Py_ssize_t n, const void** rows,
                                const void* params, void* work, int64_t t, const double* draw,
                                void* grad, int add) noexcept nogil
    Py_ssize_t NETWORK_AHEAD
    Py_ssize_t network_work(const Network* net, Py_ssize_t n)
    const network_table* network_functions(int single)

#: the activations by their numbers in network.h
ACTIVATIONS = (
    "identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus",
)
NORMALIZATIONS = (None, "batch", "layer")


cdef const Py_ssize_t* _whole(dict owned, str name, numbers) except NULL:
    # A C array of whole numbers, which `owned` keeps alive.
    cdef Py_ssize_t[::1] view = np.array([*numbers, 0], dtype=np.intp)
    owned[name] = view
    return &view[0]


cdef const double* _real(dict owned, str name, numbers) except NULL:
    cdef double[::1] view = np.array([*numbers, 0.0], dtype=np.float64)
    owned[name] = view
    return &view[0]


cdef class MLPKernel(ModelKernel):
    """A feedforward network.

    Parameters
    ----------
    layout : sklgd.models.layout.Layout
        Where in the parameters is what.
    activations, dropout : sequences of str and of float, one for each hidden layer
    normalization : {None, "batch", "layer"}
    units : Units or None
    """
    cdef Network net
    cdef const network_table* double_
    cdef const network_table* single
    cdef const double* shift
    cdef const double* factor
    cdef dict owned

    def __init__(self, layout, activations, dropout, normalization, units=None):
        cdef int[::1] codes = np.array(
            [*map(ACTIVATIONS.index, activations), 0], dtype=np.intc)
        cdef dict owned = {"codes": codes}
        cdef Network* net = &self.net
        self.owned = owned
        size = layout.sizes
        self.n_raw, self.n_weights = size[len(size) - 1], layout.n_weights
        self.n_params, self.n_kept = layout.n_params, layout.n_kept
        net.n_layers, net.n_params = len(size) - 1, layout.n_params
        net.n_weights = layout.n_weights
        self.writes = True
        net.size = _whole(owned, "size", size)
        net.weights = _whole(owned, "weights", layout.weights)
        net.bias = _whole(owned, "bias", layout.bias or [-1] * (len(size) - 1))
        net.gain = _whole(owned, "gain", layout.gain or [-1] * (len(size) - 1))
        net.kept = _whole(owned, "kept", layout.kept or [0] * (len(size) - 1))
        net.activation = &codes[0]
        net.dropout = _real(owned, "dropout", dropout)
        net.normalization = NORMALIZATIONS.index(normalization)
        self.place_buffers(size, activations, dropout, normalization)
        self.double_, self.single = network_functions(0), network_functions(1)
        if units is not None:
            if units.shift is not None:
                self.shift = _real(owned, "shift", units.shift)
            self.factor = _real(owned, "factor", units.factor)
            net.out_shift = _real(owned, "out_shift", units.out_shift)
            net.out_scale = _real(owned, "out_scale", units.out_scale)

    cdef int place_buffers(self, size, activations, dropout, normalization) except -1:
        # Where the numbers of a layer stand in the work; what can share a place does.
        at = {name: [] for name in ("z", "a", "hat", "mask", "out")}
        row = 0
        for width, activation, rate in zip(size[1:], activations, dropout):
            apart = {"z"}
            if activation in ("gelu", "silu"):  # their derivatives need z itself
                apart.add("a")
            if normalization is not None:
                apart.add("hat")
            if rate > 0.0:
                apart |= {"mask", "out"}
            here = {}
            for name, places in at.items():
                shared = {"z": None, "a": "z", "hat": "z", "mask": "a", "out": "a"}[name]
                here[name] = row if name in apart else here[shared]
                row += width * (name in apart)
                places.append(here[name])
        self.net.z = _whole(self.owned, "z", at["z"])
        self.net.a = _whole(self.owned, "a", at["a"])
        self.net.hat = _whole(self.owned, "hat", at["hat"])
        self.net.mask = _whole(self.owned, "mask", at["mask"])
        self.net.out = _whole(self.owned, "out", at["out"])
        self.net.row = row
        self.net.widest = max(size[1:])
        self.net.largest = max([a * b for a, b in zip(size[1:], size[2:])], default=0)
        return 0

    cdef Py_ssize_t work_size(self, RowsKernel X, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t size = network_work(&self.net, n)
        if X.sparse:
            return size + self.net.size[1]
        size += self.rows_size(n)
        return size + self.n_params if self.trains_single(X) else size  # two more float32 vectors

    cdef int forward(self, RowsKernel X, const Batch* batch, const double* params, Tape* tape,
                     double* raw) except -1 nogil:
        cdef Py_ssize_t j, n = batch.size
        cdef const void** rows = NULL
        cdef float* copy
        if self.in_single(X, tape):
            copy = self.params_in(X, n, tape)
            for j in range(self.n_params):
                copy[j] = <float> params[j]
            self.forward_single(X, batch, copy, tape, raw)
            return 0
        if X.sparse:
            X.mix(batch, self.net.size[1], self.factor, params, tape.work + self.sums_at(n))
            if self.shift != NULL:
                self.move_sums(n, params, tape)
        else:
            rows = self.gather(X, batch, tape, False)
        self.double_.forward(
            &self.net, n, rows, params, tape.work, tape.kept, tape.seed, tape.t, raw)
        return 0

    cdef int backward(self, RowsKernel X, const Batch* batch, const double* params, Tape* tape,
                      const double* draw, double* grad) except -1 nogil:
        cdef const double* first
        cdef float* copy
        cdef Py_ssize_t j
        if self.in_single(X, tape):
            copy = self.params_in(X, batch.size, tape)
            self.backward_single(X, batch, copy, tape, draw, copy + self.n_params)
            for j in range(self.n_params):
                grad[j] = copy[self.n_params + j] + (0.0 if tape.fresh else grad[j])
            return 0
        first = <const double*> self.double_.backward(
            &self.net, batch.size, NULL if X.sparse else self.rows(batch.size, tape), params,
            tape.work, tape.t, draw, grad, not tape.fresh)
        if X.sparse:
            if tape.fresh:
                memset(grad, 0, self.net.size[0] * self.net.size[1] * sizeof(double))
            X.tmix(batch, self.net.size[1], self.factor, first, grad)
            if self.shift != NULL:
                self.move_gradient(batch.size, first, tape, grad)
        return 0

    # Rows that are to stay sparse are not shifted: the first layer's sums are, by what the shift
    # amounts to in each.  (Units are those of dense rows then.)
    cdef void move_sums(self, Py_ssize_t n, const double* params, Tape* tape) noexcept nogil:
        cdef Py_ssize_t i, j, p = self.net.size[0], h = self.net.size[1]
        cdef double* offset = tape.work + network_work(&self.net, n)
        cdef double* sums = tape.work + self.sums_at(n)
        memset(offset, 0, h * sizeof(double))
        for j in range(p):
            simd.update_d(h, -self.shift[j] * self.factor[j], params + j * h, 1.0, offset)
        for i in range(n):
            simd.update_d(h, 1.0, offset, 1.0, sums + i * h)

    cdef void move_gradient(self, Py_ssize_t n, const double* draw, Tape* tape,
                            double* grad) noexcept nogil:
        cdef Py_ssize_t i, j, p = self.net.size[0], h = self.net.size[1]
        cdef double* total = tape.work + network_work(&self.net, n)
        memset(total, 0, h * sizeof(double))
        for i in range(n):
            simd.update_d(h, 1.0, draw + i * h, 1.0, total)
        for j in range(p):
            simd.update_d(h, -self.shift[j] * self.factor[j], total, 1.0, grad + j * h)

    # float32 rows are trained on in float32; sums over all rows and predictions are double
    cdef bint trains_single(self, RowsKernel X) noexcept nogil:
        return X.single and not X.sparse

    cdef inline bint in_single(self, RowsKernel X, const Tape* tape) noexcept nogil:
        return self.trains_single(X) and tape.t > 0

    # where in the work the parameters stand in float32, and behind them the gradient
    cdef inline float* params_in(self, RowsKernel X, Py_ssize_t n, Tape* tape) noexcept nogil:
        return <float*> (tape.work + network_work(&self.net, n) + self.rows_size(n))

    # The addresses of the rows stand behind the network's work, and room for copies behind them.
    cdef inline Py_ssize_t rows_size(self, Py_ssize_t n) noexcept nogil:
        return n + NETWORK_AHEAD + n * self.net.size[0]

    cdef inline const void** rows(self, Py_ssize_t n, Tape* tape) noexcept nogil:
        return <const void**> (tape.work + network_work(&self.net, n))

    cdef inline const void** gather(self, RowsKernel X, const Batch* batch, Tape* tape,
                                    bint single) noexcept nogil:
        cdef const void** rows = self.rows(batch.size, tape)
        X.gather(batch, self.shift, self.factor, rows + batch.size + NETWORK_AHEAD, single,
                 NETWORK_AHEAD, rows)
        return rows

    # the sums of the first layer: its z, or the output where it is the last
    cdef inline Py_ssize_t sums_at(self, Py_ssize_t n) noexcept nogil:
        return n * (self.net.z[0] if self.net.n_layers > 1 else self.net.row)

    cdef void forward_single(self, RowsKernel X, const Batch* batch, const float* params,
                             Tape* tape, double* raw) noexcept nogil:
        self.single.forward(
            &self.net, batch.size, self.gather(X, batch, tape, True), params, tape.work, tape.kept,
            tape.seed, tape.t, raw)

    cdef void backward_single(self, RowsKernel X, const Batch* batch, const float* params,
                              Tape* tape, const double* draw, float* grad) noexcept nogil:
        self.single.backward(
            &self.net, batch.size, self.rows(batch.size, tape), params, tape.work, tape.t, draw,
            grad, False)


def trip(RowsKernel rows, ModelKernel model, double[::1] params, const double[:, ::1] draw, *,
         uint64_t seed=0, int64_t t=0):
    """Return the raw predictions of all rows as one batch and the gradient of sum(draw * raw).

    With ``t > 0`` as in that step of training: what the model keeps is written to ``params``.
    """
    cdef double[:, ::1] raw = np.empty((rows.n_rows, model.n_raw))
    cdef double[::1] grad = np.zeros(model.n_params)
    cdef double[::1] work = np.empty(model.work_size(rows, rows.n_rows) + 1)
    cdef Batch batch
    cdef Tape tape
    batch.order = NULL
    batch.start, batch.size, batch.end = 0, rows.n_rows, rows.n_rows
    tape.work, tape.kept = &work[0], &params[0] + model.n_params
    tape.seed, tape.t, tape.fresh = seed, t, False
    with nogil:
        model.forward(rows, &batch, &params[0], &tape, &raw[0, 0])
        model.backward(rows, &batch, &params[0], &tape, &draw[0, 0], &grad[0])
    return np.asarray(raw), np.asarray(grad)
