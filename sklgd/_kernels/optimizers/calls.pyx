"""Kernels called from Python, for tests: one step, and its step sizes."""
import numpy as np

from libc.stdint cimport int64_t

from ..base cimport OptimizerKernel


def step(OptimizerKernel kernel, double[::1] params, const double[::1] grad, state, double lr,
         int64_t t, double loss=0.0, *, double ridge=0.0, Py_ssize_t n_ridge=0):
    """Take one step of a kernel in place, as ``Optimizer.step`` does.

    The gradient of a ridge on the first ``n_ridge`` parameters is added by a rule that can.
    """
    cdef double[:, ::1] slots = state
    cdef double* slots_data = &slots[0, 0] if slots.shape[0] > 0 else NULL
    kernel.loss = loss
    kernel.ridge, kernel.n_ridge = ridge, n_ridge
    if ridge != 0.0 and not kernel.adds_ridge:
        raise ValueError("the rule leaves a ridge to its caller")
    kernel.step(params.shape[0], &params[0], &grad[0], slots_data, lr, t)


def step_single(OptimizerKernel kernel, float[::1] params, const float[::1] grad,
                float[:, ::1] state, double lr, int64_t t, *, double ridge=0.0,
                Py_ssize_t n_ridge=0):
    """Take the same step in float32, where the rule can."""
    kernel.ridge, kernel.n_ridge = ridge, n_ridge
    if not kernel.single or (ridge != 0.0 and not kernel.adds_ridge):
        raise ValueError("the rule has no such step in float32")
    kernel.step_single(params.shape[0], &params[0], &grad[0], &state[0, 0], lr, t)


def observe(OptimizerKernel kernel, double[::1] params, double[:, ::1] state,
            const double[::1] largest, const double[::1] mean_square, Py_ssize_t k):
    """Show a kernel the features of a batch, as ``Optimizer.observe`` does."""
    kernel.observe(params.shape[0], &params[0], &state[0, 0], &largest[0], &mean_square[0], k)


def step_sizes(OptimizerKernel kernel, state, double lr, int64_t t):
    """Return the step sizes of a kernel after step t: a float, or an array of one per parameter."""
    cdef double[:, ::1] slots = state
    cdef double* slots_data = &slots[0, 0] if slots.shape[0] > 0 else NULL
    cdef double[::1] sizes = np.empty(max(slots.shape[1], 1))
    if kernel.step_sizes(slots.shape[1], slots_data, lr, t, &sizes[0]):
        return np.asarray(sizes)
    return sizes[0]
