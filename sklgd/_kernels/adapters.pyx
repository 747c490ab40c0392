"""A user's NumPy strategy seen as a kernel: the only compiled code that takes the GIL.

The arrays handed to the user are views of the loop's buffers for the length of the call.  What
the user returns is checked for its shape; what the user raises reaches the caller as it is.
"""
import threading

import numpy as np

from libc.stdint cimport int32_t, int64_t

from .base cimport (
    Batch, LossKernel, ModelKernel, OptimizerKernel, PenaltyKernel, RowsKernel, Tape,
)
from .._strategy import ask, in_place


cdef object _view(const double* data, Py_ssize_t rows, Py_ssize_t columns, bint writeable):
    # A NumPy view of a buffer: (rows,) where columns is 0, else (rows, columns).
    cdef double[:, ::1] matrix = <double[:rows, :max(columns, 1)]> <double*> data
    array = np.asarray(matrix)
    array.flags.writeable = writeable
    return array if columns > 0 else array[:, 0]


cdef int _fill(double* out, Py_ssize_t size, tuple shape, returned, owner, str method) except -1:
    # Copy what a user's method returned to the loop's buffer.
    array = np.asarray(returned, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(
            f"{type(owner).__name__}.{method} must return an array of shape {shape}, one entry "
            f"for each of its inputs. Got shape {array.shape} instead."
        )
    np.asarray(<double[:size]> out)[:] = array.ravel()
    return 0


cdef class PyLoss(LossKernel):
    cdef object loss

    def __init__(self, loss):
        self.loss = loss

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        if m == 0:
            return 0
        with gil:
            y_view, raw_view = _view(y, m, 0, False), _view(raw, m, 0, False)
            _fill(value, m, (m,), self.loss.value(y_view, raw_view), self.loss, "value")
            _fill(grad, m, (m,), self.loss.gradient(y_view, raw_view), self.loss, "gradient")
        return 0

    # the targets of a joint loss
    cdef object classes(self, Py_ssize_t n, Py_ssize_t k, const double* y):
        if self.loss.soft_targets:
            return _view(y, n, k, False)
        return _view(y, n, 0, False).astype(np.intp)

    cdef int evaluate_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                            double* value, double* grad) except -1 nogil:
        if n == 0:
            return 0
        with gil:
            classes = self.classes(n, k, y)
            raw_view = _view(raw, n, k, False)
            _fill(value, n, (n,), self.loss.value(classes, raw_view), self.loss, "value")
            _fill(grad, n * k, (n, k), self.loss.gradient(classes, raw_view), self.loss, "gradient")
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        if m == 0:
            return 0
        with gil:
            bends = self.loss.hessian(_view(y, m, 0, False), _view(raw, m, 0, False))
            _fill(bend, m, (m,), bends, self.loss, "hessian")
        return 0

    cdef int hessian_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                           double* blocks) except -1 nogil:
        if n == 0:
            return 0
        with gil:
            bends = self.loss.hessian(self.classes(n, k, y), _view(raw, n, k, False))
            _fill(blocks, n * k * k, (n, k, k), bends, self.loss, "hessian")
        return 0


cdef class PyOptimizer(OptimizerKernel):
    cdef object optimizer
    cdef Py_ssize_t n_slots
    cdef bint needs_loss

    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.needs_loss = optimizer.needs_loss
        self.needs_rows = optimizer.needs_rows
        self.n_slots = optimizer.n_slots

    cdef object slots(self, const double* state, Py_ssize_t p):
        return _view(state, self.n_slots, p, True) if self.n_slots else np.empty((0, p))

    cdef int observe(self, Py_ssize_t p, double* params, double* state, const double* largest,
                     const double* mean_square, Py_ssize_t k) except -1 nogil:
        with gil:
            self.optimizer.observe(
                _view(params, p, 0, True), self.slots(state, p), _view(largest, p, 0, False),
                _view(mean_square, p, 0, False), k,
            )
        return 0

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        with gil:
            loss = (self.loss,) if self.needs_loss else ()
            found = self.optimizer.step(
                _view(params, p, 0, True), _view(grad, p, 0, True), self.slots(state, p), lr, t,
                *loss,
            )
            in_place(found, self.optimizer, "step")
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        with gil:
            steps = self.optimizer.step_sizes(self.slots(state, p), lr, t)
            if np.ndim(steps) == 0:
                sizes[0] = steps
                return 0
            _fill(sizes, p, (p,), steps, self.optimizer, "step_sizes")
        return 1


cdef class PyPenalty(PenaltyKernel):
    cdef object penalty

    def __init__(self, penalty):
        self.penalty = penalty

    cdef int add_gradient(self, Py_ssize_t k, Py_ssize_t p, const double* w,
                          double* grad) except -1 nogil:
        cdef Py_ssize_t rows = p if k == 1 else k, columns = 0 if k == 1 else p
        with gil:
            found = self.penalty.add_gradient(
                _view(w, rows, columns, False), _view(grad, rows, columns, True)
            )
            in_place(found, self.penalty, "add_gradient")
        return 0

    cdef int prox(self, Py_ssize_t k, Py_ssize_t p, double* w, double lr, const double* sizes,
                  const int32_t* at) except -1 nogil:
        cdef Py_ssize_t rows = p if k == 1 else k, columns = 0 if k == 1 else p
        with gil:
            rates = lr if sizes == NULL else _view(sizes, rows, columns, False)
            in_place(self.penalty.prox(_view(w, rows, columns, True), rates), self.penalty, "prox")
        return 0


cdef class PyModel(ModelKernel):
    cdef object model
    cdef object known       # what a method may ask for by name
    cdef object held        # the rows that forward has taken, for backward; a thread's own

    def __init__(self, model, Py_ssize_t n_params, Py_ssize_t n_weights, Py_ssize_t weight_rows,
                 dict known):
        self.model = model
        self.n_raw = known["n_raw"]
        self.n_params = n_params
        self.n_weights = n_weights
        self.weight_rows = weight_rows
        self.known = known
        self.held = threading.local()

    cdef int forward(self, RowsKernel X, const Batch* batch, const double* params, Tape* tape,
                     double* raw) except -1 nogil:
        cdef Py_ssize_t n = batch.size, k = self.n_raw
        if n == 0:
            return 0
        with gil:
            self.held.rows = rows = X.take(batch)
            found = _view(params, self.n_params, 0, False)
            found = ask(self.model.forward, rows, found, **self.known)
            if k == 1 and np.shape(found) == (n,):
                found = np.reshape(found, (n, 1))
            _fill(raw, n * k, (n, k), found, self.model, "forward")
        return 0

    cdef int backward(self, RowsKernel X, const Batch* batch, const double* params, Tape* tape,
                      const double* draw, double* grad) except -1 nogil:
        if batch.size == 0:
            return 0
        with gil:
            rows, self.held.rows = self.held.rows, None
            found = ask(
                self.model.backward, rows, _view(params, self.n_params, 0, False),
                _view(draw, batch.size, self.n_raw, False), _view(grad, self.n_params, 0, True),
                **self.known,
            )
            in_place(found, self.model, "backward")
        return 0
