"""The compiled twins of `sklgd.optimizers.parameter_free`."""
from libc.math cimport fabs, fmax, fmin, sqrt
from libc.stdint cimport int64_t

from ..base cimport OptimizerKernel


cdef inline double dot(Py_ssize_t p, const double* a, const double* b) noexcept nogil:
    cdef Py_ssize_t j
    cdef double total = 0.0
    for j in range(p):
        total += a[j] * b[j]
    return total


cdef class DoGKernel(OptimizerKernel):
    cdef double initial_distance
    cdef double epsilon

    def __init__(self, learning_rate=None, initial_distance=1e-6, epsilon=1e-8):
        self.initial_distance = initial_distance
        self.epsilon = epsilon

    cdef inline double rate(self, const double* state, Py_ssize_t p, double lr) noexcept nogil:
        return lr * state[p] / sqrt(state[2 * p] + self.epsilon)

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double total = 0.0, rate
        if t == 1:
            for j in range(p):
                state[j] = params[j]
            state[p] = self.initial_distance * (1.0 + sqrt(dot(p, params, params)))
        else:
            for j in range(p):
                total += (params[j] - state[j]) * (params[j] - state[j])
            state[p] = fmax(state[p], sqrt(total))
        state[2 * p] += dot(p, grad, grad)
        rate = self.rate(state, p, lr)
        for j in range(p):
            params[j] -= rate * grad[j]
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        sizes[0] = self.rate(state, p, lr)
        return 0


cdef class ProdigyKernel(OptimizerKernel):
    cdef double beta_1
    cdef double beta_2
    cdef double beta_3
    cdef double epsilon
    cdef double weight_decay
    cdef double d0
    cdef double d_coef
    cdef double growth_rate
    cdef bint bias_correction
    cdef bint safeguard_warmup

    def __init__(self, learning_rate=None, beta_1=0.9, beta_2=0.999, beta_3=None, epsilon=1e-8,
                 weight_decay=0.0, d0=1e-6, d_coef=1.0, growth_rate=float("inf"),
                 bias_correction=False, safeguard_warmup=False):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.beta_3 = sqrt(self.beta_2) if beta_3 is None else beta_3
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.d0 = d0
        self.d_coef = d_coef
        self.growth_rate = growth_rate
        self.bias_correction = bias_correction
        self.safeguard_warmup = safeguard_warmup

    cdef inline double corrected(self, double lr, int64_t t) noexcept nogil:
        if self.bias_correction:
            lr *= sqrt(1.0 - self.beta_2 ** t) / (1.0 - self.beta_1 ** t)
        return lr

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double b1 = self.beta_1, b2 = self.beta_2, b3 = self.beta_3
        cdef double d, rate, g, weight, gained = 0.0, distance = 0.0, estimate
        cdef double* m = state
        cdef double* v = state + p
        cdef double* s = state + 2 * p
        cdef double* anchor = state + 3 * p
        cdef double* d_slot = state + 4 * p
        cdef double* d_max = state + 5 * p
        cdef double* numerator = state + 6 * p
        if t == 1:
            for j in range(p):
                anchor[j] = params[j]
            d_slot[0] = d_max[0] = self.d0
        if lr == 0.0:
            return 0
        d = d_slot[0]
        rate = d * self.corrected(lr, t)
        weight = d / self.d0 * (d if self.safeguard_warmup else rate)
        for j in range(p):
            g = grad[j]
            gained += g * (anchor[j] - params[j])
            m[j] = b1 * m[j] + (1.0 - b1) * d * g
            v[j] = b2 * v[j] + (1.0 - b2) * d * d * g * g
            s[j] = b3 * s[j] + weight * g
            distance += fabs(s[j])
        if distance == 0.0:
            return 0
        numerator[0] = b3 * numerator[0] + d / self.d0 * rate * gained
        estimate = self.d_coef * numerator[0] / distance
        if d == self.d0:
            d = fmax(d, estimate)
        d_max[0] = fmax(d_max[0], estimate)
        d = fmin(d_max[0], d * self.growth_rate)
        d_slot[0] = d
        for j in range(p):
            params[j] -= rate * (
                self.weight_decay * params[j] + m[j] / (sqrt(v[j]) + d * self.epsilon))
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        cdef Py_ssize_t j
        cdef double d = state[4 * p]
        for j in range(p):
            sizes[j] = self.corrected(lr, t) * d * d / (sqrt(state[p + j]) + d * self.epsilon)
        return 1


cdef class PolyakSGDKernel(OptimizerKernel):
    cdef double minimum

    def __init__(self, learning_rate=None, minimum=0.0):
        self.minimum = minimum
        self.local = True
        self.steady = False
        self.n_scalars = 1

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double square = dot(p, grad, grad), gap = fmax(self.loss - self.minimum, 0.0)
        cdef double rate = gap / square if gap < lr * square else lr
        state[0] = rate
        for j in range(p):
            params[j] -= rate * grad[j]
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        sizes[0] = state[0]
        return 0


cdef class PassiveAggressiveKernel(OptimizerKernel):
    cdef double limit
    cdef double slack

    def __init__(self, C=1.0, variant="pa1"):
        self.limit = C if variant == "pa1" else float("inf")
        self.slack = 0.5 / C if variant == "pa2" else 0.0
        self.local = True
        self.steady = False
        self.n_scalars = 1

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double square = dot(p, grad, grad), rate = 0.0
        if square > 0.0 and self.loss > 0.0:
            rate = fmin(self.limit, self.loss / (square + self.slack))
        state[0] = rate
        for j in range(p):
            params[j] -= rate * grad[j]
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        sizes[0] = state[0]
        return 0
