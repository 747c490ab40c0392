# The twins of sklgd.penalties.  They keep no scratch and write to nothing but their
# arguments, so that threads may share them.
#
# An elementwise penalty is two loops over a stretch of one output's features: `slope`
# (grad += weight * derivative) and `cut` (the proximal step).  The walk over outputs, step
# sizes and feature weights is `_Elementwise`'s, and the only place that tells those cases apart.
from libc.math cimport INFINITY, fabs, sqrt

import numpy as np

from .base cimport PenaltyKernel

cdef enum:
    BLOCK = 256     # step sizes of one stretch: 2 kB of stack


cdef inline double soft(double w, double t) noexcept nogil:
    # w less its part within [-t, t]: NaN passes through, and what is cut is +0.0
    cdef double inside = -t if -t > w else w
    inside = t if t < inside else inside
    return w - inside


cdef inline double sign(double w) noexcept nogil:
    return <double> (w > 0.0) - <double> (w < 0.0)


cdef int _wrong_length(str name, Py_ssize_t given, Py_ssize_t p) except -1 with gil:
    raise ValueError(f"{name} has {given} entries, but there are {p} features.")


cdef class _Elementwise(PenaltyKernel):
    cdef readonly double alpha
    cdef const double[::1] weights      # None where all weights are 1

    def __init__(self, *, alpha, weights=None):
        self.alpha = alpha
        self.weights = None if weights is None else np.array(weights, dtype=np.float64)

    cdef void slope(self, Py_ssize_t start, Py_ssize_t m, const double* w, const double* factor,
                    double* grad) noexcept nogil:
        pass

    cdef void cut(self, Py_ssize_t start, Py_ssize_t m, double* w, const double* step) noexcept nogil:
        pass

    cdef int check(self, Py_ssize_t p) except -1 nogil:
        if self.weights is not None and self.weights.shape[0] != p:
            return _wrong_length("weights", self.weights.shape[0], p)
        return 0

    cdef void fill(self, Py_ssize_t start, Py_ssize_t m, double lr, const double* sizes,
                   double* step) noexcept nogil:
        # step = (sizes or lr) * (weights or 1)
        cdef Py_ssize_t i
        cdef const double* weights
        if sizes == NULL:
            for i in range(m):
                step[i] = lr
        else:
            for i in range(m):
                step[i] = sizes[i]
        if self.weights is not None:
            weights = &self.weights[start]
            for i in range(m):
                step[i] *= weights[i]

    cdef int add_gradient(self, Py_ssize_t k, Py_ssize_t p, const double* w, double* grad) except -1 nogil:
        cdef double[BLOCK] factor
        cdef Py_ssize_t c, b, start, m
        self.check(p)
        for b in range((p + BLOCK - 1) // BLOCK):
            start = b * BLOCK
            m = min(<Py_ssize_t> BLOCK, p - start)
            self.fill(start, m, 1.0, NULL, factor)
            for c in range(k):
                self.slope(start, m, w + c * p + start, factor, grad + c * p + start)
        return 0

    cdef int prox(self, Py_ssize_t k, Py_ssize_t p, double* w, double lr, const double* sizes) except -1 nogil:
        cdef double[BLOCK] step
        cdef Py_ssize_t c, b, start, m
        self.check(p)
        for b in range((p + BLOCK - 1) // BLOCK):
            start = b * BLOCK
            m = min(<Py_ssize_t> BLOCK, p - start)
            if sizes == NULL:
                self.fill(start, m, lr, NULL, step)
            for c in range(k):
                if sizes != NULL:
                    self.fill(start, m, lr, sizes + c * p + start, step)
                self.cut(start, m, w + c * p + start, step)
        return 0


cdef class L2Kernel(_Elementwise):
    def __init__(self, *, alpha, weights=None):
        _Elementwise.__init__(self, alpha=alpha, weights=weights)
        if weights is None:
            self.ridge = alpha

    cdef void slope(self, Py_ssize_t start, Py_ssize_t m, const double* w, const double* factor,
                    double* grad) noexcept nogil:
        cdef double alpha = self.alpha
        cdef Py_ssize_t i
        for i in range(m):
            grad[i] += factor[i] * (alpha * w[i])

    cdef void cut(self, Py_ssize_t start, Py_ssize_t m, double* w, const double* step) noexcept nogil:
        cdef double alpha = self.alpha
        cdef Py_ssize_t i
        for i in range(m):
            w[i] /= 1.0 + step[i] * alpha


cdef class L1Kernel(_Elementwise):
    def __init__(self, *, alpha, weights=None):
        _Elementwise.__init__(self, alpha=alpha, weights=weights)
        if weights is None:
            self.threshold = alpha

    cdef void slope(self, Py_ssize_t start, Py_ssize_t m, const double* w, const double* factor,
                    double* grad) noexcept nogil:
        cdef double alpha = self.alpha
        cdef Py_ssize_t i
        for i in range(m):
            grad[i] += factor[i] * (alpha * sign(w[i]))

    cdef void cut(self, Py_ssize_t start, Py_ssize_t m, double* w, const double* step) noexcept nogil:
        cdef double alpha = self.alpha
        cdef Py_ssize_t i
        for i in range(m):
            w[i] = soft(w[i], step[i] * alpha)


cdef class ElasticNetKernel(_Elementwise):
    cdef double l1
    cdef double l2

    def __init__(self, *, alpha, l1_ratio, weights=None):
        _Elementwise.__init__(self, alpha=alpha, weights=weights)
        self.l1 = alpha * l1_ratio
        self.l2 = alpha * (1.0 - l1_ratio)

    cdef void slope(self, Py_ssize_t start, Py_ssize_t m, const double* w, const double* factor,
                    double* grad) noexcept nogil:
        cdef double l1 = self.l1, l2 = self.l2
        cdef Py_ssize_t i
        for i in range(m):
            grad[i] += factor[i] * (l1 * sign(w[i]) + l2 * w[i])

    cdef void cut(self, Py_ssize_t start, Py_ssize_t m, double* w, const double* step) noexcept nogil:
        cdef double l1 = self.l1, l2 = self.l2
        cdef Py_ssize_t i
        for i in range(m):
            w[i] = soft(w[i], step[i] * l1) / (1.0 + step[i] * l2)


cdef _shape(w):
    if not w.flags.c_contiguous or not 1 <= w.ndim <= 2:
        raise ValueError("the kernels want C-contiguous arrays of shape (p,) or (k, p).")
    return w.shape if w.ndim == 2 else (1, w.shape[0])


def add_gradient(PenaltyKernel kernel, w, grad):
    """``grad += gradient at w``; C-contiguous float64 of shape (p,) or (k, p)."""
    k, p = _shape(w)
    if grad.shape != w.shape:
        raise ValueError(f"grad has shape {grad.shape}, but w has shape {w.shape}.")
    cdef const double[::1] at = w.reshape(-1)
    cdef double[::1] out = grad.reshape(-1)
    if at.shape[0]:
        kernel.add_gradient(k, p, &at[0], &out[0])


def prox(PenaltyKernel kernel, w, double lr, sizes=None):
    """Proximal step in place; ``sizes``, of w's shape, takes the place of ``lr``."""
    k, p = _shape(w)
    cdef double[::1] at = w.reshape(-1)
    cdef const double[::1] size
    cdef const double* each = NULL
    if not at.shape[0]:
        return
    if sizes is not None:
        if sizes.shape != w.shape:
            raise ValueError(f"sizes has shape {sizes.shape}, but w has shape {w.shape}.")
        size = sizes.reshape(-1)
        each = &size[0]
    kernel.prox(k, p, &at[0], lr, each)
