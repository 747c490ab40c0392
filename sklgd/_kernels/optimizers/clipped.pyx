"""The compiled twin of `sklgd.optimizers.clipped`."""
import numpy as np

from libc.math cimport fmin, sqrt
from libc.stdint cimport int64_t

from ..base cimport OptimizerKernel

from ..._strategy import compose_kernel
from ..adapters import PyOptimizer


cdef class ClippedKernel(OptimizerKernel):
    cdef OptimizerKernel inner
    cdef double max_norm
    cdef Py_ssize_t n_slots         # of the rule inside
    cdef double[::1] clipped

    def __init__(self, optimizer, max_norm=1.0):
        self.inner = compose_kernel(optimizer, PyOptimizer)
        self.n_slots = optimizer.n_slots
        self.needs_rows = self.inner.needs_rows
        self.local, self.paced = self.inner.local, self.inner.paced
        self.n_scalars = self.inner.n_scalars + 1
        self.steady = False
        self.max_norm = max_norm

    cdef int observe(self, Py_ssize_t p, double* params, double* state, const double* largest,
                     const double* mean_square, Py_ssize_t k) except -1 nogil:
        return self.inner.observe(p, params, state, largest, mean_square, k)

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double total = 0.0, share
        if self.clipped is None or self.clipped.shape[0] < p:
            with gil:
                self.clipped = np.empty(p)
        for j in range(p):
            total += grad[j] * grad[j]
        share = fmin(1.0, self.max_norm / (sqrt(total) + 1e-6))
        state[self.n_slots * p] = share
        for j in range(p):
            self.clipped[j] = share * grad[j]
        self.inner.loss = self.loss
        return self.inner.step(p, params, &self.clipped[0], state, lr, t)

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        cdef Py_ssize_t j
        cdef double share = state[self.n_slots * p]
        cdef int per_entry = self.inner.step_sizes(p, state, lr, t, sizes)
        for j in range(p if per_entry else 1):
            sizes[j] *= share
        return per_entry

    cdef double pace(self, Py_ssize_t p, const double* state, double lr, int64_t t) noexcept nogil:
        return self.inner.pace(p, state, lr, t) * state[self.n_slots * p]
