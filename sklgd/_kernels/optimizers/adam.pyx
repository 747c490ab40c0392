"""The compiled twins of `sklgd.optimizers.adam`."""
from libc.math cimport fabs, fmax, pow, sqrt
from libc.stdint cimport int64_t

from ..base cimport OptimizerKernel
from ..simd cimport simd, simd_adam, simd_init

simd_init()


cdef class AdamKernel(OptimizerKernel):
    cdef double beta_1
    cdef double beta_2
    cdef double epsilon
    cdef bint amsgrad
    cdef bint bias_correction

    def __init__(self, learning_rate=None, beta_1=0.9, beta_2=0.999, epsilon=1e-8, amsgrad=False,
                 bias_correction=True):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self.bias_correction = bias_correction
        self.single = self.adds_ridge = not amsgrad

    # the factors of 1 / (1 - beta^t): of the step, and of the root of the second moment
    cdef inline double first_correction(self, int64_t t) noexcept nogil:
        return 1.0 / (1.0 - self.beta_1 ** t) if self.bias_correction else 1.0

    cdef inline double second_correction(self, int64_t t) noexcept nogil:
        return 1.0 / sqrt(1.0 - self.beta_2 ** t) if self.bias_correction else 1.0

    cdef inline Py_ssize_t apart(self, Py_ssize_t p) noexcept nogil:
        return self.slot if self.slot else p

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double b1 = self.beta_1, b2 = self.beta_2, eps = self.epsilon, g
        cdef double rate = lr * self.first_correction(t)
        cdef double root = self.second_correction(t)
        cdef double* m = state
        cdef double* v = state + self.apart(p)
        cdef double* largest = state + 2 * p
        cdef simd_adam rule
        cdef Py_ssize_t n = self.n_ridge if self.ridge != 0.0 else 0
        if self.amsgrad:
            for j in range(p):
                g = grad[j]
                m[j] = b1 * m[j] + (1.0 - b1) * g
                v[j] = b2 * v[j] + (1.0 - b2) * g * g
                largest[j] = fmax(largest[j], v[j])
                params[j] -= rate * m[j] / (sqrt(largest[j]) * root + eps)
        else:
            self.rule(&rule, lr, t)
            simd.adam_d(n, params, grad, m, v, &rule)
            rule.ridge = 0.0
            simd.adam_d(p - n, params + n, grad + n, m + n, v + n, &rule)
        return 0

    cdef void step_single(self, Py_ssize_t p, float* params, const float* grad, float* state,
                          double lr, int64_t t) noexcept nogil:
        cdef simd_adam rule
        cdef Py_ssize_t n = self.n_ridge if self.ridge != 0.0 else 0
        cdef float* v = state + self.apart(p)
        self.rule(&rule, lr, t)
        simd.adam_f(n, params, grad, state, v, &rule)
        rule.ridge = 0.0
        simd.adam_f(p - n, params + n, grad + n, state + n, v + n, &rule)

    cdef inline void rule(self, simd_adam* rule, double lr, int64_t t) noexcept nogil:
        cdef double root = self.second_correction(t)
        rule.beta_1, rule.beta_2, rule.ridge = self.beta_1, self.beta_2, self.ridge
        rule.rate, rule.epsilon = lr * self.first_correction(t) / root, self.epsilon / root

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        cdef double root = self.second_correction(t)
        cdef const double* second = state + (2 * p if self.amsgrad else self.apart(p))
        simd.root_sizes(p, second, lr / root, self.epsilon / root, sizes)
        return 1


cdef class AdamWKernel(AdamKernel):
    cdef double weight_decay

    def __init__(self, learning_rate=None, beta_1=0.9, beta_2=0.999, epsilon=1e-8, amsgrad=False,
                 bias_correction=True, weight_decay=0.01):
        AdamKernel.__init__(self, learning_rate, beta_1, beta_2, epsilon, amsgrad, bias_correction)
        self.weight_decay = weight_decay
        self.adds_ridge = False     # its gradient is that of the weights before their decay

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double decay = 1.0 - lr * self.weight_decay
        for j in range(p):
            params[j] *= decay
        return AdamKernel.step(self, p, params, grad, state, lr, t)

    cdef void step_single(self, Py_ssize_t p, float* params, const float* grad, float* state,
                          double lr, int64_t t) noexcept nogil:
        cdef Py_ssize_t j
        cdef float decay = <float> (1.0 - lr * self.weight_decay)
        for j in range(p):
            params[j] *= decay
        AdamKernel.step_single(self, p, params, grad, state, lr, t)


cdef class MomentsKernel(OptimizerKernel):
    """Base of the rules with two decaying moments and an epsilon."""
    cdef double beta_1
    cdef double beta_2
    cdef double epsilon

    def __init__(self, learning_rate=None, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    # lr over the bias-corrected roots of the second moments
    cdef int moment_sizes(self, Py_ssize_t p, const double* v, double lr, int64_t t,
                          double* sizes) noexcept nogil:
        cdef Py_ssize_t j
        cdef double correction = 1.0 / (1.0 - self.beta_2 ** t)
        for j in range(p):
            sizes[j] = lr / (sqrt(v[j] * correction) + self.epsilon)
        return 1


cdef class NAdamKernel(MomentsKernel):
    cdef double momentum_decay

    def __init__(self, learning_rate=None, beta_1=0.9, beta_2=0.999, epsilon=1e-8,
                 momentum_decay=0.004):
        MomentsKernel.__init__(self, learning_rate, beta_1, beta_2, epsilon)
        self.momentum_decay = momentum_decay

    cdef inline double momentum(self, int64_t t) noexcept nogil:
        return self.beta_1 * (1.0 - 0.5 * pow(0.96, t * self.momentum_decay))

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double b1 = self.beta_1, b2 = self.beta_2, eps = self.epsilon, g
        cdef double now = self.momentum(t), ahead = self.momentum(t + 1)
        cdef double correction = 1.0 / (1.0 - b2 ** t), share, look
        cdef double* m = state
        cdef double* v = state + p
        cdef double* product = state + 2 * p
        product[0] = now if t == 1 else product[0] * now
        share = lr * (1.0 - now) / (1.0 - product[0])
        look = lr * ahead / (1.0 - product[0] * ahead)
        for j in range(p):
            g = grad[j]
            m[j] = b1 * m[j] + (1.0 - b1) * g
            v[j] = b2 * v[j] + (1.0 - b2) * g * g
            params[j] -= (share * g + look * m[j]) / (sqrt(v[j] * correction) + eps)
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        return self.moment_sizes(p, state + p, lr, t, sizes)


cdef class RAdamKernel(MomentsKernel):

    # the rectified step for each unit of m / (sqrt(v) + eps), or -1 where v is not to be trusted
    cdef double rectified(self, double lr, int64_t t) noexcept nogil:
        cdef double decayed = self.beta_2 ** t
        cdef double limit = 2.0 / (1.0 - self.beta_2) - 1.0
        cdef double length = limit - 2.0 * t * decayed / (1.0 - decayed)
        if length <= 5.0:
            return -1.0
        return lr * sqrt((1.0 - decayed) * (length - 4.0) * (length - 2.0) * limit
                         / ((limit - 4.0) * (limit - 2.0) * length))

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double b1 = self.beta_1, b2 = self.beta_2, eps = self.epsilon, g
        cdef double correction = 1.0 / (1.0 - b1 ** t), rate = self.rectified(lr, t)
        cdef bint plain = rate < 0.0
        cdef double* m = state
        cdef double* v = state + p
        rate = correction * (lr if plain else rate)
        for j in range(p):
            g = grad[j]
            m[j] = b1 * m[j] + (1.0 - b1) * g
            v[j] = b2 * v[j] + (1.0 - b2) * g * g
            params[j] -= rate * (m[j] if plain else m[j] / (sqrt(v[j]) + eps))
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        cdef Py_ssize_t j
        cdef double rate = self.rectified(lr, t)
        if rate < 0.0:
            sizes[0] = lr
            return 0
        for j in range(p):
            sizes[j] = rate / (sqrt(state[p + j]) + self.epsilon)
        return 1


cdef class AdamaxKernel(MomentsKernel):

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double b1 = self.beta_1, b2 = self.beta_2, eps = self.epsilon
        cdef double rate = lr / (1.0 - b1 ** t)
        cdef double* m = state
        cdef double* u = state + p
        for j in range(p):
            m[j] = b1 * m[j] + (1.0 - b1) * grad[j]
            u[j] = fmax(b2 * u[j], fabs(grad[j]) + eps)
            params[j] -= rate * m[j] / u[j]
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        cdef Py_ssize_t j
        for j in range(p):
            sizes[j] = lr / state[p + j]
        return 1


cdef class AdaBeliefKernel(MomentsKernel):
    cdef double epsilon_root

    def __init__(self, learning_rate=None, beta_1=0.9, beta_2=0.999, epsilon=1e-16,
                 epsilon_root=1e-16):
        MomentsKernel.__init__(self, learning_rate, beta_1, beta_2, epsilon)
        self.epsilon_root = epsilon_root

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double b1 = self.beta_1, b2 = self.beta_2, surprise
        cdef double rate = lr / (1.0 - b1 ** t), correction = 1.0 / (1.0 - b2 ** t)
        cdef double* m = state
        cdef double* v = state + p
        for j in range(p):
            m[j] = b1 * m[j] + (1.0 - b1) * grad[j]
            surprise = grad[j] - m[j]
            v[j] = b2 * v[j] + (1.0 - b2) * surprise * surprise + self.epsilon_root
            params[j] -= rate * m[j] / (sqrt(v[j] * correction) + self.epsilon)
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        return self.moment_sizes(p, state + p, lr, t, sizes)
