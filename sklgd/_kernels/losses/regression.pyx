"""The compiled twins of `sklgd.losses.regression`."""
from libc.math cimport copysign, expm1, fabs, log, log1p

from ..base cimport LossKernel
from ..simd cimport simd, simd_init
from .numbers cimport clipped, least, ramp, ramp_bend, relu, sign

simd_init()

cdef double EPS = 2.220446049250313e-16


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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double under = self.expectile, over = 1.0 - self.expectile
        for i in range(m):
            bend[i] = 2.0 * (over if raw[i] > y[i] else under)
        return 0


cdef class LogCoshKernel(LossKernel):
    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        simd.log_cosh(m, NULL, y, raw, value, grad)
        return 0

    # tanh is a logistic function of twice as much
    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(m):
            bend[i] = 2.0 * (raw[i] - y[i])
        simd.sigmoid_slope(m, bend, bend)
        for i in range(m):
            bend[i] *= 4.0
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
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


cdef class SmoothedAbsoluteKernel(LossKernel):
    cdef double[4] line     # under, over, epsilon, width

    def __init__(self, under, over, epsilon, width):
        self.line = [under, over, epsilon, width]

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        simd.rounded(m, self.line, y, raw, value, grad)
        return 0

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double r, under = self.line[0], over = self.line[1]
        cdef double epsilon = self.line[2], width = self.line[3]
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double size, width = self.width
        for i in range(m):
            size = EPS if fabs(y[i]) < EPS else fabs(y[i])
            bend[i] = 2.0 * ramp_bend(raw[i] - y[i], width) / size
        return 0
