"""The compiled twins of `sklgd.optimizers.schedule_free`."""
from libc.math cimport fmax, pow, sqrt
from libc.stdint cimport int64_t

from ..base cimport OptimizerKernel


cdef class ScheduleFreeKernel(OptimizerKernel):
    """Base of the two rules; a step is y and z moved along a direction.

    Slots: z, y as it was left, sum of weights, largest rate, the last weight's share, and then
    what a rule itself keeps.
    """
    cdef double beta
    cdef double r
    cdef double weight_lr_power
    cdef double weight_decay

    # shift z by what has moved y since the last step; return the new iterate's share of the mean
    cdef double begin(self, Py_ssize_t p, double* params, double* state, double lr,
                      int64_t t) noexcept nogil:
        cdef Py_ssize_t j
        cdef double* z = state
        cdef double* left = state + p
        cdef double* total = state + 2 * p
        cdef double* largest = state + 3 * p
        cdef double* share = state + 4 * p
        cdef double weight, factor
        if t == 1:
            for j in range(p):
                z[j] = params[j]
        else:
            factor = 1.0 / self.reach(share[0])
            for j in range(p):
                z[j] += factor * (params[j] - left[j])
        largest[0] = fmax(largest[0], lr)
        weight = pow(t, self.r) * pow(largest[0], self.weight_lr_power)
        total[0] += weight
        share[0] = weight / total[0] if total[0] > 0.0 else 0.0
        return share[0]

    # how far y goes along with a step of z
    cdef inline double reach(self, double share) noexcept nogil:
        return 1.0 - self.beta * (1.0 - share)


cdef class ScheduleFreeSGDKernel(ScheduleFreeKernel):

    def __init__(self, learning_rate=None, momentum=0.9, weight_decay=0.0, r=0.0,
                 weight_lr_power=2.0):
        self.beta = momentum
        self.weight_decay = weight_decay
        self.r = r
        self.weight_lr_power = weight_lr_power

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double share = self.begin(p, params, state, lr, t), g
        cdef double reach = self.reach(share)
        cdef double* z = state
        cdef double* left = state + p
        for j in range(p):
            g = grad[j] + self.weight_decay * params[j]
            params[j] += share * (z[j] - params[j]) - lr * reach * g
            z[j] -= lr * g
            left[j] = params[j]
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        sizes[0] = lr * self.reach(state[4 * p])
        return 0


cdef class ScheduleFreeAdamWKernel(ScheduleFreeKernel):
    cdef double beta_2
    cdef double epsilon

    def __init__(self, learning_rate=None, beta_1=0.9, beta_2=0.999, epsilon=1e-8,
                 weight_decay=0.0, r=0.0, weight_lr_power=2.0):
        self.beta = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.r = r
        self.weight_lr_power = weight_lr_power

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double share = self.begin(p, params, state, lr, t), g
        cdef double reach = self.reach(share), b2 = self.beta_2, correction = 1.0 / (1.0 - b2 ** t)
        cdef double* z = state
        cdef double* left = state + p
        cdef double* v = state + 5 * p
        for j in range(p):
            v[j] = b2 * v[j] + (1.0 - b2) * grad[j] * grad[j]
            g = grad[j] / (sqrt(v[j] * correction) + self.epsilon) + self.weight_decay * params[j]
            params[j] += share * (z[j] - params[j]) - lr * reach * g
            z[j] -= lr * g
            left[j] = params[j]
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        cdef Py_ssize_t j
        cdef double rate = lr * self.reach(state[4 * p])
        cdef double correction = 1.0 / (1.0 - self.beta_2 ** t)
        for j in range(p):
            sizes[j] = rate / (sqrt(state[5 * p + j] * correction) + self.epsilon)
        return 1
