"""The compiled twins of `sklgd.optimizers.sgd`."""
from libc.math cimport fabs
from libc.stdint cimport int64_t

from ..base cimport OptimizerKernel


cdef class SGDKernel(OptimizerKernel):
    cdef double momentum
    cdef bint nesterov

    def __init__(self, learning_rate=None, momentum=0.0, nesterov=False):
        self.momentum = momentum
        self.nesterov = nesterov
        self.linear = self.local = momentum == 0.0

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


cdef class LionKernel(OptimizerKernel):
    cdef double beta_1
    cdef double beta_2
    cdef double weight_decay

    def __init__(self, learning_rate=None, beta_1=0.9, beta_2=0.99, weight_decay=0.0):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.weight_decay = weight_decay

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* m,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double b1 = self.beta_1, b2 = self.beta_2, decay = 1.0 - lr * self.weight_decay, c
        for j in range(p):
            c = b1 * m[j] + (1.0 - b1) * grad[j]
            m[j] = b2 * m[j] + (1.0 - b2) * grad[j]
            params[j] = decay * params[j] - lr * ((c > 0.0) - (c < 0.0))
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* m, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        cdef Py_ssize_t j
        for j in range(p):
            sizes[j] = lr / (fabs(m[j]) + 1e-12)
        return 1
