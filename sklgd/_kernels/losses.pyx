# The compiled twins of sklgd/losses: same formulas, which the docstrings there state.
#
# Loops are branch-free where the formula is cheap, so that the compiler vectorises them; a square
# is written x * relu(x), since relu(x) * relu(x) is compiled to a branch.
# Comparisons are written so that NaN comes through: a diverged model must look like one.
from libc.math cimport copysign, exp, expm1, fabs, log, log1p, pow
from libc.stdint cimport uintptr_t

from .base cimport LossKernel
from .simd cimport simd, simd_init

import numpy as np

simd_init()

cdef double INF = float("inf")
cdef double LOG_2 = 0.6931471805599453
cdef double EPS = 2.220446049250313e-16


cdef inline double least(double a, double top) noexcept nogil:
    return top if a > top else a


cdef inline double relu(double x) noexcept nogil:
    return 0.0 if x < 0.0 else x


cdef inline double sign(double x) noexcept nogil:
    return (1.0 if x > 0.0 else 0.0) - (1.0 if x < 0.0 else 0.0)


# log(1 + e) for 0 <= e <= 1, to 1e-13: a third of log1p's time
cdef inline double log1p_unit(double e) noexcept nogil:
    if e < 1e-3:
        return e * (1.0 - e * (1.0 / 2.0 - e * (1.0 / 3.0 - e * (0.25 - e * (0.2 - e / 6.0)))))
    return log(1.0 + e)


cdef inline double softplus(double x) noexcept nogil:
    return relu(x) + log1p_unit(exp(-fabs(x)))


cdef inline double sigmoid_slope(double x) noexcept nogil:
    cdef double e = exp(-fabs(x))
    return e / ((1.0 + e) * (1.0 + e))


cdef inline double expit(double x) noexcept nogil:
    cdef double e = exp(-fabs(x))
    return (1.0 if x > 0.0 else e) / (1.0 + e)


cdef inline double clipped(double x, double low, double high) noexcept nogil:
    return low if x < low else high if x > high else x


# Regression


cdef inline double squared_error(double y, double raw, double* value) noexcept nogil:
    cdef double r = raw - y
    value[0] = 0.5 * r * r
    return r


cdef class SquaredErrorKernel(LossKernel):
    def __cinit__(self):
        self.in_numbers = self.proximal = self.flows = True

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(m):
            grad[i] = squared_error(y[i], raw[i], &value[i])
        return 0

    cdef double slope(self, double y, double raw, double* value) noexcept nogil:
        return squared_error(y, raw, value)

    cdef double proximal_slope(self, double y, double center, double step) noexcept nogil:
        return (center - y) / (1.0 + step)

    cdef double flow_slope(self, double y, double raw, double time) noexcept nogil:
        return (raw - y) * -expm1(-time) / time

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(m):
            bend[i] = 1.0
        return 0


cdef inline double absolute_error(double y, double raw, double* value) noexcept nogil:
    cdef double r = raw - y
    value[0] = fabs(r)
    return sign(r)


cdef class AbsoluteErrorKernel(LossKernel):
    def __cinit__(self):
        self.in_numbers = self.proximal = self.flows = True

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(m):
            grad[i] = absolute_error(y[i], raw[i], &value[i])
        return 0

    cdef double slope(self, double y, double raw, double* value) noexcept nogil:
        return absolute_error(y, raw, value)

    cdef double proximal_slope(self, double y, double center, double step) noexcept nogil:
        return clipped((center - y) / step, -1.0, 1.0)

    # down a straight slope both come to the same point
    cdef double flow_slope(self, double y, double raw, double time) noexcept nogil:
        return self.proximal_slope(y, raw, time)


cdef inline double huber(double delta, double y, double raw, double* value) noexcept nogil:
    cdef double r = raw - y
    cdef double near = least(fabs(r), delta)
    value[0] = near * (fabs(r) - 0.5 * near)
    return copysign(near, r)


cdef class HuberKernel(LossKernel):
    cdef double delta

    def __init__(self, delta):
        self.delta = delta
        self.in_numbers = self.proximal = True

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double delta = self.delta
        for i in range(m):
            grad[i] = huber(delta, y[i], raw[i], &value[i])
        return 0

    cdef double slope(self, double y, double raw, double* value) noexcept nogil:
        return huber(self.delta, y, raw, value)

    cdef double proximal_slope(self, double y, double center, double step) noexcept nogil:
        return clipped((center - y) / (1.0 + step), -self.delta, self.delta)

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double delta = self.delta
        for i in range(m):
            bend[i] = 1.0 if fabs(raw[i] - y[i]) <= delta else 0.0
        return 0


cdef class EpsilonInsensitiveKernel(LossKernel):
    cdef double epsilon

    def __init__(self, epsilon):
        self.epsilon = epsilon
        self.proximal = self.flows = True

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double r, epsilon = self.epsilon
        for i in range(m):
            r = raw[i] - y[i]
            value[i] = relu(fabs(r) - epsilon)
            grad[i] = (1.0 if r > epsilon else 0.0) - (1.0 if r < -epsilon else 0.0)
        return 0

    cdef double proximal_slope(self, double y, double center, double step) noexcept nogil:
        cdef double r = center - y
        return copysign(clipped((fabs(r) - self.epsilon) / step, 0.0, 1.0), r)

    # down a straight slope both come to the same point
    cdef double flow_slope(self, double y, double raw, double time) noexcept nogil:
        return self.proximal_slope(y, raw, time)


cdef class SquaredEpsilonInsensitiveKernel(LossKernel):
    cdef double epsilon

    def __init__(self, epsilon):
        self.epsilon = epsilon

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double r, out, epsilon = self.epsilon
        for i in range(m):
            r = raw[i] - y[i]
            out = fabs(r) - epsilon
            value[i] = out * relu(out)
            grad[i] = 2.0 * copysign(relu(out), r)
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double epsilon = self.epsilon
        for i in range(m):
            bend[i] = 2.0 if fabs(raw[i] - y[i]) > epsilon else 0.0
        return 0


cdef class QuantileKernel(LossKernel):
    cdef double quantile

    def __init__(self, quantile):
        self.quantile = quantile
        self.proximal = self.flows = True

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double r, slope, under = self.quantile, over = 1.0 - self.quantile
        for i in range(m):
            r = raw[i] - y[i]
            slope = over * (1.0 if r > 0.0 else 0.0) - under * (1.0 if r < 0.0 else 0.0)
            value[i] = slope * r
            grad[i] = slope
        return 0

    cdef double proximal_slope(self, double y, double center, double step) noexcept nogil:
        return clipped((center - y) / step, -self.quantile, 1.0 - self.quantile)

    # down a straight slope both come to the same point
    cdef double flow_slope(self, double y, double raw, double time) noexcept nogil:
        return self.proximal_slope(y, raw, time)


cdef class ExpectileKernel(LossKernel):
    cdef double expectile

    def __init__(self, expectile):
        self.expectile = expectile

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double r, pull, under = self.expectile, over = 1.0 - self.expectile
        for i in range(m):
            r = raw[i] - y[i]
            pull = r * (over if r > 0.0 else under)
            value[i] = pull * r
            grad[i] = 2.0 * pull
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double under = self.expectile, over = 1.0 - self.expectile
        for i in range(m):
            bend[i] = 2.0 * (over if raw[i] > y[i] else under)
        return 0


cdef class LogCoshKernel(LossKernel):
    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double r, far, fall, rest
        for i in range(m):
            r = raw[i] - y[i]
            far = fabs(r)
            fall = -expm1(-far)
            rest = 1.0 - fall
            if far < 1.0:
                value[i] = log1p(0.5 * fall * fall / rest)
            else:
                value[i] = log1p(rest * rest) + (far - LOG_2)
            # tanh, from the exponential that is there already
            grad[i] = copysign(fall * (2.0 - fall) / (1.0 + rest * rest), r)
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double fall
        for i in range(m):
            fall = exp(-2.0 * fabs(raw[i] - y[i]))
            bend[i] = 4.0 * fall / ((1.0 + fall) * (1.0 + fall))
        return 0


cdef class CauchyKernel(LossKernel):
    cdef double scale

    def __init__(self, scale):
        self.scale = scale

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double z, scale = self.scale, half = 0.5 * self.scale * self.scale
        for i in range(m):
            z = (raw[i] - y[i]) / scale
            if fabs(z) > 1e8:
                value[i] = half * (2.0 * log(fabs(z)))
                grad[i] = scale / z
            else:
                value[i] = half * log1p(z * z)
                grad[i] = scale * z / (1.0 + z * z)
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double far, scale = self.scale
        for i in range(m):
            far = least(fabs(raw[i] - y[i]) / scale, 1e8)
            bend[i] = (1.0 - far * far) / ((1.0 + far * far) * (1.0 + far * far))
        return 0


cdef class SquaredLogErrorKernel(LossKernel):
    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double r
        for i in range(m):
            r = raw[i] - log1p(y[i])
            value[i] = 0.5 * r * r
            grad[i] = r
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(m):
            bend[i] = 1.0
        return 0


cdef class AbsolutePercentageErrorKernel(LossKernel):
    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double r, size
        for i in range(m):
            r = raw[i] - y[i]
            size = EPS if fabs(y[i]) < EPS else fabs(y[i])
            value[i] = fabs(r) / size
            grad[i] = sign(r) / size
        return 0


cdef inline double ramp(double x, double width, double* slope) noexcept nogil:
    cdef double above = relu(x + width)
    cdef double bent = least(above, 2.0 * width)
    slope[0] = bent / (2.0 * width)
    return bent * (above - 0.5 * bent) / (2.0 * width)


cdef inline double ramp_bend(double x, double width) noexcept nogil:
    return 0.5 / width if fabs(x) < width else 0.0


cdef class SmoothedAbsoluteKernel(LossKernel):
    cdef double under, over, epsilon, width

    def __init__(self, under, over, epsilon, width):
        self.under = under
        self.over = over
        self.epsilon = epsilon
        self.width = width

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double r, high, low, up, down
        cdef double under = self.under, over = self.over, epsilon = self.epsilon, width = self.width
        for i in range(m):
            r = raw[i] - y[i]
            high = ramp(r - epsilon, width, &up)
            low = ramp(-r - epsilon, width, &down)
            value[i] = over * high + under * low
            grad[i] = over * up - under * down
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double r, under = self.under, over = self.over, epsilon = self.epsilon, width = self.width
        for i in range(m):
            r = raw[i] - y[i]
            bend[i] = (over * ramp_bend(r - epsilon, width)
                       + under * ramp_bend(-r - epsilon, width))
        return 0


cdef class SmoothedPercentageKernel(LossKernel):
    cdef double width

    def __init__(self, width):
        self.width = width

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double r, size, up, down, width = self.width
        for i in range(m):
            size = EPS if fabs(y[i]) < EPS else fabs(y[i])
            r = raw[i] - y[i]
            value[i] = (ramp(r, width, &up) + ramp(-r, width, &down)) / size
            grad[i] = (up - down) / size
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double size, width = self.width
        for i in range(m):
            size = EPS if fabs(y[i]) < EPS else fabs(y[i])
            bend[i] = 2.0 * ramp_bend(raw[i] - y[i], width) / size
        return 0


# Log link


cdef class PoissonKernel(LossKernel):
    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double mean, d
        simd.exp(m, raw, grad)
        for i in range(m):
            mean = grad[i]
            grad[i] = mean - y[i]
            value[i] = mean
            if y[i] > 0.0:
                d = raw[i] - log(y[i])
                if fabs(d) < 1.0:
                    value[i] = y[i] * relu(expm1(d) - d)
                else:
                    value[i] = mean - y[i] * (d + 1.0)
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        simd.exp(m, raw, bend)
        return 0


cdef class GammaKernel(LossKernel):
    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double d, e
        for i in range(m):
            d = log(y[i]) - raw[i]
            e = expm1(d)
            value[i] = relu(e - d)
            grad[i] = -e
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(m):
            bend[i] = exp(log(y[i]) - raw[i])
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
                if lower == -INF:
                    value[i] = INF
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double small, one, alpha = self.dispersion
        for i in range(m):
            small = exp(-fabs(raw[i]))
            one = small + alpha if raw[i] > 0.0 else 1.0 + alpha * small
            bend[i] = small * (1.0 + alpha * y[i]) / (one * one)
        return 0


# Margins


cdef inline double hinge(double y, double raw, double* value) noexcept nogil:
    cdef double t = 2.0 * y - 1.0
    cdef double z = t * raw
    value[0] = relu(1.0 - z)
    return -t if z <= 1.0 else 0.0


cdef class HingeKernel(LossKernel):
    def __cinit__(self):
        self.in_numbers = self.proximal = self.flows = True

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(m):
            grad[i] = hinge(y[i], raw[i], &value[i])
        return 0

    cdef double slope(self, double y, double raw, double* value) noexcept nogil:
        return hinge(y, raw, value)

    cdef double proximal_slope(self, double y, double center, double step) noexcept nogil:
        cdef double t = 2.0 * y - 1.0
        return -t * clipped((1.0 - t * center) / step, 0.0, 1.0)

    # down a straight slope both come to the same point
    cdef double flow_slope(self, double y, double raw, double time) noexcept nogil:
        return self.proximal_slope(y, raw, time)


cdef inline double squared_hinge(double y, double raw, double* value) noexcept nogil:
    cdef double t = 2.0 * y - 1.0
    cdef double short_by = 1.0 - t * raw
    value[0] = short_by * relu(short_by)
    return -2.0 * t * relu(short_by)


cdef class SquaredHingeKernel(LossKernel):
    def __cinit__(self):
        self.in_numbers = self.proximal = self.flows = True

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(m):
            grad[i] = squared_hinge(y[i], raw[i], &value[i])
        return 0

    cdef double slope(self, double y, double raw, double* value) noexcept nogil:
        return squared_hinge(y, raw, value)

    cdef double proximal_slope(self, double y, double center, double step) noexcept nogil:
        cdef double t = 2.0 * y - 1.0
        return -2.0 * t * relu((1.0 - t * center) / (1.0 + 2.0 * step))

    cdef double flow_slope(self, double y, double raw, double time) noexcept nogil:
        cdef double value
        return squared_hinge(y, raw, &value) * -expm1(-2.0 * time) / (2.0 * time)

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(m):
            bend[i] = 2.0 if (2.0 * y[i] - 1.0) * raw[i] < 1.0 else 0.0
        return 0


cdef class SmoothHingeKernel(LossKernel):
    cdef double gamma

    def __init__(self, gamma):
        self.gamma = gamma
        self.proximal = True

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double t, short_by, bent, gamma = self.gamma
        for i in range(m):
            t = 2.0 * y[i] - 1.0
            short_by = relu(1.0 - t * raw[i])
            bent = least(short_by, gamma)
            value[i] = bent * (short_by - 0.5 * bent) / gamma
            grad[i] = -t * bent / gamma
        return 0

    cdef double proximal_slope(self, double y, double center, double step) noexcept nogil:
        cdef double t = 2.0 * y - 1.0
        return -t * clipped((1.0 - t * center) / (self.gamma + step), 0.0, 1.0)

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double short_by, gamma = self.gamma
        for i in range(m):
            short_by = 1.0 - (2.0 * y[i] - 1.0) * raw[i]
            bend[i] = 1.0 / gamma if 0.0 < short_by < gamma else 0.0
        return 0


cdef class ModifiedHuberKernel(LossKernel):
    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double t, short_by, bent
        for i in range(m):
            t = 2.0 * y[i] - 1.0
            short_by = 1.0 - t * raw[i]
            bent = least(relu(short_by), 2.0)
            value[i] = bent * (2.0 * short_by - bent)
            grad[i] = -2.0 * t * bent
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(m):
            bend[i] = 2.0 if fabs(raw[i]) < 1.0 else 0.0
        return 0


cdef class PerceptronKernel(LossKernel):
    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double t, z
        for i in range(m):
            t = 2.0 * y[i] - 1.0
            z = t * raw[i]
            value[i] = relu(-z)
            grad[i] = -t if z <= 0.0 else 0.0
        return 0


cdef class SmoothedMarginKernel(LossKernel):
    cdef double width, margin

    def __init__(self, width, margin):
        self.width = width
        self.margin = margin

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double t, slope, width = self.width
        for i in range(m):
            t = 2.0 * y[i] - 1.0
            value[i] = ramp(self.margin - t * raw[i], width, &slope)
            grad[i] = -t * slope
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double width = self.width
        for i in range(m):
            bend[i] = ramp_bend(self.margin - (2.0 * y[i] - 1.0) * raw[i], width)
        return 0


cdef class ExponentialKernel(LossKernel):
    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(m):
            value[i] = (1.0 - 2.0 * y[i]) * raw[i]
        simd.exp(m, value, value)
        for i in range(m):
            grad[i] = (1.0 - 2.0 * y[i]) * value[i]
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(m):
            bend[i] = exp(-(2.0 * y[i] - 1.0) * raw[i])
        return 0


# Cross-entropy and what is joint


cdef inline double binary_entropy(double y, double raw, double* slope) noexcept nogil:
    # (1 - y) sigmoid(raw) - y sigmoid(-raw), as one quotient; the sign, which cannot be guessed,
    # is a factor and no branch
    cdef double size = fabs(raw), other = 1.0 - y
    cdef double e = 0.0 if size > 746.0 else exp(-size)     # underflow costs libm ten times as much
    cdef double up = <double> (raw > 0.0), down = 1.0 - up
    slope[0] = (other * (up + down * e) - y * (up * e + down)) / (1.0 + e)
    return size * (other * up + y * down) + log1p_unit(e)


cdef void sigmoid_slopes(Py_ssize_t m, const double* raw, double* slope) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(m):
        slope[i] = -fabs(raw[i])
    simd.exp(m, slope, slope)
    for i in range(m):
        slope[i] /= (1.0 + slope[i]) * (1.0 + slope[i])


# The same of an array: all exponentials at once, which end up in grad on the way.
cdef void binary_entropies(Py_ssize_t m, double keep, double spread, const double* y,
                           const double* raw, double* value, double* grad) noexcept nogil:
    cdef Py_ssize_t i
    cdef double e, other, own, up, down
    for i in range(m):
        grad[i] = -fabs(raw[i])
    simd.exp(m, grad, grad)
    simd.log1p_unit(m, grad, value)
    for i in range(m):
        e = grad[i]
        own = keep * y[i] + spread
        other = 1.0 - own
        up = <double> (raw[i] > 0.0)
        down = 1.0 - up
        grad[i] = (other * (up + down * e) - own * (up * e + down)) / (1.0 + e)
        value[i] += fabs(raw[i]) * (other * up + own * down)


# Values and gradients of log(sum(exp(raw))) - raw[own] of n rows of k entries; raw may be grad.
cdef void cross_entropies(Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                          double* value, double* grad) noexcept nogil:
    cdef Py_ssize_t i, j, own
    cdef double top, mass, others, scale
    cdef const double* row
    cdef double* out
    for i in range(n):
        row, out = raw + i * k, grad + i * k
        top = row[0]
        for j in range(1, k):
            top = row[j] if row[j] > top else top
        value[i] = row[<Py_ssize_t> y[i]] - top
        for j in range(k):
            out[j] = row[j] - top
    simd.exp(n * k, grad, grad)
    for i in range(n):
        out, own = grad + i * k, <Py_ssize_t> y[i]
        mass = out[own]
        out[own] = 0.0      # instead of subtracted from the sum, of which it may be nearly all
        others = 0.0
        for j in range(k):
            others += out[j]
        scale = 1.0 / (mass + others)
        for j in range(k):
            out[j] *= scale
        out[own] = -others * scale
        value[i] = log1p(others) if value[i] == 0.0 else log(mass + others) - value[i]


cdef double logistic_slope(double y, double center, double step) noexcept nogil:
    # sigmoid(r) - y at the root of r - center + step * (sigmoid(r) - y), which is increasing: Newton
    # steps, kept between bounds of the root
    cdef double low = center - step * (1.0 - y), high = center + step * y
    cdef double r = clipped(0.0, low, high), miss, p, move
    cdef int turn
    for turn in range(60):
        p = expit(r)
        miss = r - center + step * (p - y)
        if miss > 0.0:
            high = r
        else:
            low = r
        move = miss / (1.0 + step * p * (1.0 - p))
        if not (low <= r - move <= high):
            move = r - 0.5 * (low + high)
        r -= move
        if fabs(move) <= 1e-9 * (1.0 + fabs(r)):
            break
    return expit(r) - y


cdef bint rise_takes_less(double time, double y, double raw, double way) noexcept nogil:
    # whether dr/dt = y - sigmoid(r), y < 1, goes such a way up from raw in less than time
    cdef double grown, odds = (1.0 - y) * exp(raw)
    grown = odds * expm1(way) if way < 1.0 else (1.0 - y) * exp(raw + way) - odds
    return way / y - (1.0 / y + 1.0 / (1.0 - y)) * log1p(-grown / (y - odds)) < time


cdef double rise(double raw, double time) noexcept nogil:
    # the way up of dr/dt = 1 - sigmoid(r): w + e^raw (e^w - 1) = time, by Newton steps from above
    cdef double a = exp(-raw) if raw > 0.0 else 1.0, b = 1.0 if raw > 0.0 else exp(raw)
    cdef double way = least(log1p(time * exp(-raw)), time * a / (a + b)), grown, move
    cdef int turn
    for turn in range(60):
        grown = b * expm1(way) if way < 1.0 else exp(least(raw, 0.0) + way) - b
        move = (a * (way - time) + grown) / (a + b + grown)
        way -= move
        if fabs(move) <= 1e-16 * way:
            break
    return way


cdef double logistic_flow(double y, double raw, double time) noexcept nogil:
    # the mean of sigmoid(r) - y on the way: how far it goes is halved until nothing is left to halve
    cdef double low = 0.0, high, middle, slope
    cdef int turn
    if expit(raw) > y or y == 0.0:
        return -logistic_flow(1.0 - y, -raw, time)
    if y == 1.0:
        return -rise(raw, time) / time
    binary_entropy(y, raw, &slope)
    high = least(-time * slope, log(y / (1.0 - y)) - raw)
    for turn in range(100):
        middle = 0.5 * (low + high)
        if middle == low or middle == high:
            break
        if rise_takes_less(time, y, raw, middle):
            low = middle
        else:
            high = middle
    return -low / time


cdef void softmax_slopes(Py_ssize_t k, double factor, const double* raw,
                         double* block) noexcept nogil:
    # block = factor * (diag(p) - p p'), p being the softmax of raw, which may be block's last row.
    # Rows sum to zero, so that a diagonal entry is a sum of terms of one sign.
    cdef Py_ssize_t j, l
    cdef double top = raw[0], mass = 0.0, off
    cdef double* p = block + (k - 1) * k
    for j in range(1, k):
        top = raw[j] if raw[j] > top else top
    for j in range(k):
        p[j] = raw[j] - top
    simd.exp(k, p, p)
    for j in range(k):
        mass += p[j]
    for j in range(k):
        p[j] /= mass
    for j in range(k - 1):
        for l in range(k):
            block[j * k + l] = -factor * p[j] * p[l]
    mass = -factor * p[k - 1]
    for l in range(k):
        p[l] *= mass
    for j in range(k):
        off = 0.0
        for l in range(k):
            off += block[j * k + l] if l != j else 0.0
        block[j * k + j] = -off


cdef class LogLossKernel(LossKernel):
    cdef double smoothing

    def __init__(self, label_smoothing, multi_class):
        self.smoothing = label_smoothing
        self.in_numbers = self.proximal = self.flows = True

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        binary_entropies(m, 1.0 - self.smoothing, 0.5 * self.smoothing, y, raw, value, grad)
        return 0

    cdef double slope(self, double y, double raw, double* value) noexcept nogil:
        cdef double slope
        value[0] = binary_entropy((1.0 - self.smoothing) * y + 0.5 * self.smoothing, raw, &slope)
        return slope

    cdef int evaluate_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                            double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i, j, own
        cdef double lead, smoothing = self.smoothing
        cross_entropies(n, k, y, raw, value, grad)
        if smoothing == 0.0:
            return 0
        for i in range(n):
            own = <Py_ssize_t> y[i]
            lead = 0.0
            for j in range(k):
                lead += raw[own] - raw[j]
                grad[j] -= smoothing / k
            value[i] += smoothing * (lead / k)
            grad[own] += smoothing
            raw += k
            grad += k
        return 0

    cdef double proximal_slope(self, double y, double center, double step) noexcept nogil:
        return logistic_slope((1.0 - self.smoothing) * y + 0.5 * self.smoothing, center, step)

    cdef double flow_slope(self, double y, double raw, double time) noexcept nogil:
        return logistic_flow((1.0 - self.smoothing) * y + 0.5 * self.smoothing, raw, time)

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        sigmoid_slopes(m, raw, bend)
        return 0

    cdef int hessian_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                           double* blocks) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(n):
            softmax_slopes(k, 1.0, raw + i * k, blocks + i * k * k)
        return 0


cdef class SoftLogLossKernel(LossKernel):
    cdef double smoothing

    def __init__(self, label_smoothing):
        self.smoothing = label_smoothing

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        binary_entropies(m, 1.0 - self.smoothing, 0.5 * self.smoothing, y, raw, value, grad)
        return 0

    # here y has n * k entries
    cdef int evaluate_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                            double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i, j, top
        cdef double keep = 1.0 - self.smoothing, spread = self.smoothing / k
        cdef double target, total, linear, rest, others
        for i in range(n):
            top = 0
            for j in range(1, k):
                if raw[j] > raw[top]:
                    top = j
            total = linear = rest = 0.0
            for j in range(k):
                target = keep * y[j] + spread
                total += target
                linear += target * (raw[top] - raw[j])
                grad[j] = exp(raw[j] - raw[top])
                if j != top:
                    rest += grad[j]
            value[i] = linear + total * log1p(rest)
            for j in range(k):
                target = keep * y[j] + spread
                others = rest if j == top else (1.0 + rest) - grad[j]
                grad[j] = (grad[j] * (total - target) - target * others) / (1.0 + rest)
            y += k
            raw += k
            grad += k
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        sigmoid_slopes(m, raw, bend)
        return 0

    cdef int hessian_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                           double* blocks) except -1 nogil:
        cdef Py_ssize_t i, j
        cdef double total, keep = 1.0 - self.smoothing
        for i in range(n):
            total = self.smoothing
            for j in range(k):
                total += keep * y[i * k + j]
            softmax_slopes(k, total, raw + i * k, blocks + i * k * k)
        return 0


cdef inline double focus(double gamma, double entropy, double miss, double* factor) noexcept nogil:
    # the focal loss, and what it multiplies the gradient of the cross-entropy by
    cdef double weight = pow(miss, gamma)
    cdef double ratio = entropy / miss if miss != 0.0 else 1.0
    factor[0] = weight * (1.0 + gamma * (1.0 - miss) * ratio)
    return weight * entropy


cdef class FocalKernel(LossKernel):
    cdef double gamma

    def __init__(self, gamma):
        self.gamma = gamma

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double t, z, miss, factor = 0.0, gamma = self.gamma
        for i in range(m):
            t = 2.0 * y[i] - 1.0
            z = t * raw[i]
            miss = expit(-z)
            value[i] = focus(gamma, softplus(-z), miss, &factor)
            grad[i] = -t * miss * factor
        return 0

    cdef int evaluate_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                            double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i, j, own
        cdef double factor = 0.0, gamma = self.gamma
        cross_entropies(n, k, y, raw, value, grad)
        for i in range(n):
            own = <Py_ssize_t> y[i]
            value[i] = focus(gamma, value[i], -grad[own], &factor)
            for j in range(k):
                grad[j] *= factor
            grad += k
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double z, entropy, hit, miss, gamma = self.gamma
        for i in range(m):
            z = (2.0 * y[i] - 1.0) * raw[i]
            entropy = softplus(-z)
            hit = expit(z)
            miss = expit(-z)
            bend[i] = pow(miss, gamma) * hit * (
                gamma * (gamma * hit - miss) * entropy + (2.0 * gamma + 1.0) * miss)
        return 0

    cdef int hessian_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                           double* blocks) except -1 nogil:
        cdef Py_ssize_t i, j, l, own
        cdef double miss, hit, outer, slope, share, bend, others, entropy = 0.0, factor = 0.0
        cdef double gamma = self.gamma
        cdef double* grad
        for i in range(n):
            own = <Py_ssize_t> y[i]
            grad = blocks       # that of the cross-entropy; it stands in the row that is made last
            cross_entropies(1, k, y + i, raw, &entropy, grad)
            miss = -grad[own]
            hit = 1.0 - miss
            focus(gamma, entropy, miss, &factor)
            outer = 0.0
            if miss != 0.0:
                outer = gamma * hit * (2.0 - entropy + (gamma - 1.0) * hit * (entropy / miss))
                outer *= pow(miss, gamma - 1.0)
            for j in range(k - 1, -1, -1):
                slope = grad[j]
                share = factor * (hit if j == own else slope)
                others = 0.0
                for l in range(k):
                    bend = outer * slope * grad[l]
                    if l != j:
                        others += hit if l == own else grad[l]
                        bend -= share * (hit if l == own else grad[l])
                    blocks[j * k + l] = bend
                blocks[j * k + j] += share * others
            raw += k
            blocks += k * k
        return 0


cdef class MulticlassHingeKernel(HingeKernel):
    cdef int evaluate_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                            double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i, j, own, rival
        cdef double best, short_by
        for i in range(n):
            own = <Py_ssize_t> y[i]
            rival = own
            best = -INF
            for j in range(k):
                grad[j] = 0.0
                if j != own and (raw[j] > best or raw[j] != raw[j]):
                    best = raw[j]
                    rival = j
            short_by = 1.0 + best - raw[own]
            value[i] = relu(short_by)
            if short_by >= 0.0:
                grad[rival] = 1.0
                grad[own] = -1.0
            raw += k
            grad += k
        return 0


cdef class SmoothMulticlassHingeKernel(LossKernel):
    cdef double width

    def __init__(self, width):
        self.width = width

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i
        cdef double t, short_by, width = self.width
        for i in range(m):
            t = 2.0 * y[i] - 1.0
            short_by = (1.0 - t * raw[i]) / width
            value[i] = width * softplus(short_by)
            grad[i] = -t * expit(short_by)
        return 0

    cdef int evaluate_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                            double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i, j, own
        cdef double width = self.width
        for i in range(n):
            own = <Py_ssize_t> y[i]
            for j in range(k):
                grad[i * k + j] = (raw[i * k + j] + (1.0 if j != own else 0.0)) / width
        cross_entropies(n, k, y, grad, value, grad)
        for i in range(n):
            value[i] *= width
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw, double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double width = self.width
        for i in range(m):
            bend[i] = sigmoid_slope((1.0 - (2.0 * y[i] - 1.0) * raw[i]) / width) / width
        return 0

    cdef int hessian_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                           double* blocks) except -1 nogil:
        cdef Py_ssize_t i, j, own
        cdef double width = self.width
        for i in range(n):
            own = <Py_ssize_t> y[i]
            # the scores stand in the block's last row, which is written last
            for j in range(k):
                blocks[(k - 1) * k + j] = (raw[j] + (1.0 if j != own else 0.0)) / width
            softmax_slopes(k, 1.0 / width, blocks + (k - 1) * k, blocks)
            raw += k
            blocks += k * k
        return 0


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


def proximal_slope(LossKernel kernel not None, const double[::1] y, const double[::1] center, double step):
    """Return the proximal slopes that ``kernel`` computes: the tests' way in."""
    cdef Py_ssize_t i
    cdef double[::1] slopes = np.empty(y.shape[0])
    for i in range(y.shape[0]):
        slopes[i] = kernel.proximal_slope(y[i], center[i], step)
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
