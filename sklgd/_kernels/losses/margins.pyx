"""The compiled twins of `sklgd.losses.margins`, but for what is smoothed by a softmax."""
from libc.math cimport INFINITY, exp, expm1, fabs

from ..base cimport LossKernel
from ..simd cimport simd, simd_init
from .numbers cimport clipped, least, ramp, ramp_bend, relu

simd_init()


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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(m):
            bend[i] = exp(-(2.0 * y[i] - 1.0) * raw[i])
        return 0


cdef class MulticlassHingeKernel(HingeKernel):
    def __cinit__(self):
        self.proximal_joint = True

    # The slopes are a point of the simplex less the vertex of the true class: a projection, whose
    # level is found by Newton's method from below.
    cdef void proximal_slope_joint(self, Py_ssize_t k, double y, const double* center, double step,
                                   double* slopes) noexcept nogil:
        cdef Py_ssize_t j, own = <Py_ssize_t> y, count = k + 1, before = k + 2
        cdef double most = -INFINITY, level = -1.0, total
        for j in range(k):
            slopes[j] = (center[j] + (j != own)) / step + (j == own)
            most = slopes[j] if slopes[j] > most else most
        for j in range(k):
            slopes[j] -= most   # far from zero, what is added would be lost
        while count < before:   # where two are level, rounding may let one come back
            before, count, total = count, 0, -1.0
            for j in range(k):
                if slopes[j] > level:
                    total += slopes[j]
                    count += 1
            if count > 0:   # not where predictions are not numbers
                level = total / count
        for j in range(k):
            slopes[j] = relu(slopes[j] - level)
        slopes[own] -= 1.0

    cdef int evaluate_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                            double* value, double* grad) except -1 nogil:
        cdef Py_ssize_t i, j, own, rival
        cdef double best, short_by
        for i in range(n):
            own = <Py_ssize_t> y[i]
            rival = own
            best = -INFINITY
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
