"""The compiled twins of `sklgd.losses.positive`."""
from libc.math cimport INFINITY, exp, expm1, fabs, log, log1p

from ..base cimport LossKernel
from ..simd cimport simd, simd_init
from .numbers cimport relu, softplus

simd_init()


cdef class PoissonKernel(LossKernel):
    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        simd.poisson(m, NULL, y, raw, value, grad)
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        simd.exp(m, raw, bend)
        return 0


cdef class GammaKernel(LossKernel):
    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        simd.gamma(m, NULL, y, raw, value, grad)
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        cdef Py_ssize_t i
        simd.log(m, y, bend)
        for i in range(m):
            bend[i] -= raw[i]
        simd.exp(m, bend, bend)
        return 0


cdef inline double scaled_phi(double a, double d, double log_scale, double scale) noexcept nogil:
    if a == 0.0:
        return scale * d
    if fabs(a * d) < 1.0:
        return scale * expm1(a * d) / a
    return (exp(log_scale + a * d) - scale) / a


cdef class TweedieKernel(LossKernel):
    cdef double power

    def __init__(self, power):
        self.power = power

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double log_y, d, scale, lower, high = 2.0 - self.power, low = 1.0 - self.power
        for i in range(m):
            if y[i] > 0.0:
                log_y = log(y[i])
                d = raw[i] - log_y
                scale = exp(high * log_y)
                lower = scaled_phi(low, d, high * log_y, scale)
                if lower == -INFINITY:
                    value[i] = INFINITY
                else:
                    value[i] = relu(scaled_phi(high, d, high * log_y, scale) - lower)
                if d > 0.0:
                    grad[i] = exp(high * raw[i]) * -expm1(-d)
                else:
                    grad[i] = exp(log_y + low * raw[i]) * expm1(d)
            else:
                grad[i] = exp(high * raw[i])
                value[i] = grad[i] / high
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double log_y, d, high = 2.0 - self.power, low = 1.0 - self.power
        for i in range(m):
            if y[i] > 0.0:
                log_y = log(y[i])
                d = raw[i] - log_y
                if d > 0.0:
                    bend[i] = exp(high * raw[i]) * (high - low * exp(-d))
                else:
                    bend[i] = exp(log_y + low * raw[i]) * (high * exp(d) - low)
            else:
                bend[i] = high * exp(high * raw[i])
        return 0


cdef class NegativeBinomialKernel(LossKernel):
    cdef double dispersion

    def __init__(self, dispersion):
        self.dispersion = dispersion

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double alpha = self.dispersion, log_alpha = log(self.dispersion)
        cdef double small, share, rest, u, s, gap, over
        for i in range(m):
            grad[i] = -fabs(raw[i])
        simd.exp(m, grad, grad)
        for i in range(m):
            small = grad[i]
            if raw[i] > 0.0:
                grad[i] = (1.0 - y[i] * small) / (alpha + small)
            else:
                grad[i] = (small - y[i]) / (1.0 + alpha * small)
            if y[i] > 0.0:
                rest = 1.0 / (1.0 + alpha * y[i])
                share = alpha * y[i] * rest
                s = raw[i] - log(y[i])
                u = share
                if share > rest:
                    s = -s
                    u = rest
                if s > 37.0:
                    gap = softplus(log(u) + s) - u * s
                else:
                    if fabs(s) < 0.5 or fabs(raw[i]) > 500.0:
                        over = expm1(s)
                    else:  # exp(raw) is there already
                        over = small * y[i] if raw[i] > 0.0 else y[i] / small
                        over = (over if share > rest else 1.0 / over) - 1.0
                    gap = log1p(u * over) - u * s
                value[i] = (y[i] + 1.0 / alpha) * relu(gap)
            else:
                value[i] = softplus(raw[i] + log_alpha) / alpha
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double small, one, alpha = self.dispersion
        for i in range(m):
            small = exp(-fabs(raw[i]))
            one = small + alpha if raw[i] > 0.0 else 1.0 + alpha * small
            bend[i] = small * (1.0 + alpha * y[i]) / (one * one)
        return 0
