"""Kernels called from Python, for tests: values, slopes and second derivatives."""
import numpy as np

from libc.stdint cimport uintptr_t

from ..base cimport LossKernel


def evaluate(LossKernel kernel not None, y, raw):
    """Return the values and gradients that ``kernel`` computes: the tests' way in.

    Shapes are those of the NumPy losses: ``y`` like ``raw``, or class numbers of shape (n,) with
    ``raw`` of shape (n, k).
    """
    y = np.array(y, dtype=np.float64, order="C")
    raw = np.array(raw, dtype=np.float64, order="C")
    if y.shape == raw.shape:
        return _run(kernel, y, raw, 0)
    if y.ndim != 1 or raw.ndim != 2 or len(y) != len(raw):
        raise ValueError(f"y of shape {y.shape} and raw of shape {raw.shape} do not match")
    if len(y) and not (0 <= y.min() and y.max() < raw.shape[1]):
        raise ValueError(f"y must hold class numbers below {raw.shape[1]}")
    return _run(kernel, y, raw, raw.shape[1])


def proximal_slope(LossKernel kernel not None, const double[::1] y, const double[::1] center,
                   double step):
    """Return the proximal slopes that ``kernel`` computes: the tests' way in."""
    cdef Py_ssize_t i
    cdef double[::1] slopes = np.empty(y.shape[0])
    for i in range(y.shape[0]):
        slopes[i] = kernel.proximal_slope(y[i], center[i], step)
    return np.asarray(slopes)


def proximal_slope_joint(LossKernel kernel not None, const double[::1] y,
                         const double[:, ::1] center, double step):
    """Return the same of the joint form, a row of slopes for each target."""
    cdef Py_ssize_t i, k = center.shape[1]
    cdef double[:, ::1] slopes = np.empty((y.shape[0], k))
    for i in range(y.shape[0]):
        kernel.proximal_slope_joint(k, y[i], &center[i, 0], step, &slopes[i, 0])
    return np.asarray(slopes)


def flow_slope(LossKernel kernel not None, const double[::1] y, const double[::1] raw, double time):
    """Return the slopes along the flow that ``kernel`` computes: the tests' way in."""
    cdef Py_ssize_t i
    cdef double[::1] slopes = np.empty(y.shape[0])
    for i in range(y.shape[0]):
        slopes[i] = kernel.flow_slope(y[i], raw[i], time)
    return np.asarray(slopes)


def evaluate_soft(LossKernel kernel not None, y, raw):
    """Return what the joint form computes where ``y`` is an (n, k) matrix like ``raw``."""
    y = np.array(y, dtype=np.float64, order="C")
    raw = np.array(raw, dtype=np.float64, order="C")
    if y.shape != raw.shape or raw.ndim != 2:
        raise ValueError(f"y of shape {y.shape} and raw of shape {raw.shape} do not match")
    return _run(kernel, y, raw, raw.shape[1])


cdef _run(LossKernel kernel, y, raw, Py_ssize_t k):
    value = np.empty(len(raw) if k else raw.shape)
    grad = np.empty(raw.shape)
    cdef Py_ssize_t size = value.size
    cdef const double* targets = <const double*> <uintptr_t> y.ctypes.data
    cdef const double* scores = <const double*> <uintptr_t> raw.ctypes.data
    cdef double* values = <double*> <uintptr_t> value.ctypes.data
    cdef double* grads = <double*> <uintptr_t> grad.ctypes.data
    with nogil:
        if k:
            kernel.evaluate_joint(size, k, targets, scores, values, grads)
        else:
            kernel.evaluate(size, targets, scores, values, grads)
    return value, grad


def hessian(LossKernel kernel not None, y, raw):
    """Return the second derivatives that ``kernel`` computes: the tests' way in, as `evaluate`."""
    y = np.array(y, dtype=np.float64, order="C")
    raw = np.array(raw, dtype=np.float64, order="C")
    return _run_hessian(kernel, y, raw, 0 if y.shape == raw.shape else raw.shape[1])


def hessian_soft(LossKernel kernel not None, y, raw):
    """Return what the joint form computes where ``y`` is an (n, k) matrix like ``raw``."""
    y = np.array(y, dtype=np.float64, order="C")
    raw = np.array(raw, dtype=np.float64, order="C")
    return _run_hessian(kernel, y, raw, raw.shape[1])


cdef _run_hessian(LossKernel kernel, y, raw, Py_ssize_t k):
    bend = np.empty((len(raw), k, k) if k else raw.shape)
    cdef Py_ssize_t size = len(raw) if k else raw.size
    cdef const double* targets = <const double*> <uintptr_t> y.ctypes.data
    cdef const double* scores = <const double*> <uintptr_t> raw.ctypes.data
    cdef double* bends = <double*> <uintptr_t> bend.ctypes.data
    with nogil:
        if k:
            kernel.hessian_joint(size, k, targets, scores, bends)
        else:
            kernel.hessian(size, targets, scores, bends)
    return bend
