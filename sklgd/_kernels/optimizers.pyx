"""The compiled twins of the step rules in ``sklgd.optimizers``, which hold the formulas."""
import numpy as np

from libc.math cimport fmax, sqrt
from libc.stdint cimport int64_t

from .base cimport OptimizerKernel


cdef class SGDKernel(OptimizerKernel):
    cdef double momentum
    cdef bint nesterov

    def __init__(self, learning_rate=None, momentum=0.0, nesterov=False):
        self.momentum = momentum
        self.nesterov = nesterov
        self.linear = momentum == 0.0

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double velocity
        if self.linear:
            for j in range(p):
                params[j] -= lr * grad[j]
        elif self.nesterov:
            for j in range(p):
                velocity = self.momentum * state[j] + grad[j]
                state[j] = velocity
                params[j] -= lr * (grad[j] + self.momentum * velocity)
        else:
            for j in range(p):
                velocity = self.momentum * state[j] + grad[j]
                state[j] = velocity
                params[j] -= lr * velocity
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        sizes[0] = lr / (1.0 - self.momentum)
        return 0


cdef class AdamKernel(OptimizerKernel):
    cdef double beta_1
    cdef double beta_2
    cdef double epsilon
    cdef bint amsgrad
    cdef bint bias_correction

    def __init__(self, learning_rate=None, beta_1=0.9, beta_2=0.999, epsilon=1e-8, amsgrad=False,
                 bias_correction=True):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self.bias_correction = bias_correction

    # the factors of 1 / (1 - beta^t): of the step, and of the root of the second moment
    cdef inline double first_correction(self, int64_t t) noexcept nogil:
        return 1.0 / (1.0 - self.beta_1 ** t) if self.bias_correction else 1.0

    cdef inline double second_correction(self, int64_t t) noexcept nogil:
        return 1.0 / sqrt(1.0 - self.beta_2 ** t) if self.bias_correction else 1.0

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double b1 = self.beta_1, b2 = self.beta_2, eps = self.epsilon, g
        cdef double rate = lr * self.first_correction(t)
        cdef double root = self.second_correction(t)
        cdef double* m = state
        cdef double* v = state + p
        cdef double* largest = state + 2 * p
        if self.amsgrad:
            for j in range(p):
                g = grad[j]
                m[j] = b1 * m[j] + (1.0 - b1) * g
                v[j] = b2 * v[j] + (1.0 - b2) * g * g
                largest[j] = fmax(largest[j], v[j])
                params[j] -= rate * m[j] / (sqrt(largest[j]) * root + eps)
        else:
            for j in range(p):
                g = grad[j]
                m[j] = b1 * m[j] + (1.0 - b1) * g
                v[j] = b2 * v[j] + (1.0 - b2) * g * g
                params[j] -= rate * m[j] / (sqrt(v[j]) * root + eps)
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        cdef Py_ssize_t j
        cdef double root = self.second_correction(t)
        cdef const double* v = state + (2 * p if self.amsgrad else p)
        for j in range(p):
            sizes[j] = lr / (sqrt(v[j]) * root + self.epsilon)
        return 1


def step(OptimizerKernel kernel, double[::1] params, const double[::1] grad, state, double lr,
         int64_t t):
    """Take one step of a kernel in place, as ``Optimizer.step`` does; for full-batch use and tests."""
    cdef double[:, ::1] slots = state
    cdef double* slots_data = &slots[0, 0] if slots.shape[0] > 0 else NULL
    kernel.step(params.shape[0], &params[0], &grad[0], slots_data, lr, t)


def step_sizes(OptimizerKernel kernel, state, double lr, int64_t t):
    """Return the step sizes of a kernel after step t: a float, or an array of one per parameter."""
    cdef double[:, ::1] slots = state
    cdef double* slots_data = &slots[0, 0] if slots.shape[0] > 0 else NULL
    cdef double[::1] sizes = np.empty(max(slots.shape[1], 1))
    if kernel.step_sizes(slots.shape[1], slots_data, lr, t, &sizes[0]):
        return np.asarray(sizes)
    return sizes[0]
