"""The compiled twins of `sklgd.optimizers.adagrad`."""
from libc.math cimport INFINITY, fmax, sqrt
from libc.stdint cimport int64_t

from ..base cimport Aim, OptimizerKernel
from ..simd cimport simd, simd_init

simd_init()


cdef inline double clip(double x, double limit) noexcept nogil:
    x = limit if x > limit else x
    return -limit if x < -limit else x


cdef class AdaGradKernel(OptimizerKernel):
    cdef double initial_accumulator
    cdef double epsilon

    def __init__(self, learning_rate=None, initial_accumulator=0.0, epsilon=1e-10):
        self.initial_accumulator = initial_accumulator
        self.epsilon = epsilon
        self.local = True

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* total,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        if t == 1:
            for j in range(p):
                total[j] += self.initial_accumulator
        simd.adagrad(p, params, grad, total, lr, self.epsilon)
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* total, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        simd.root_sizes(p, total, lr, self.epsilon, sizes)
        return 1


cdef class AdaDeltaKernel(OptimizerKernel):
    cdef double rho
    cdef double epsilon

    def __init__(self, learning_rate=None, rho=0.9, epsilon=1e-6):
        self.rho = rho
        self.epsilon = epsilon

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double rho = self.rho, eps = self.epsilon, move
        cdef double* v = state
        cdef double* moved = state + p
        for j in range(p):
            v[j] = rho * v[j] + (1.0 - rho) * grad[j] * grad[j]
            move = sqrt(moved[j] + eps) / sqrt(v[j] + eps) * grad[j]
            moved[j] = rho * moved[j] + (1.0 - rho) * move * move
            params[j] -= lr * move
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        cdef Py_ssize_t j
        for j in range(p):
            sizes[j] = lr * sqrt(state[p + j] + self.epsilon) / sqrt(state[j] + self.epsilon)
        return 1


cdef class RMSpropKernel(OptimizerKernel):
    cdef double rho
    cdef double momentum
    cdef bint centered
    cdef double epsilon

    def __init__(self, learning_rate=None, rho=0.9, momentum=0.0, centered=False, epsilon=1e-8):
        self.rho = rho
        self.momentum = momentum
        self.centered = centered
        self.epsilon = epsilon

    # slots: second moment, then the mean where centered, then the velocity where there is one
    cdef inline double root(self, const double* state, Py_ssize_t p, Py_ssize_t j) noexcept nogil:
        cdef double v = state[j]
        if self.centered:
            v = fmax(v - state[p + j] * state[p + j], 0.0)
        return sqrt(v) + self.epsilon

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double rho = self.rho, move
        cdef double* mean = state + p
        cdef double* velocity = state + (2 * p if self.centered else p)
        for j in range(p):
            state[j] = rho * state[j] + (1.0 - rho) * grad[j] * grad[j]
            if self.centered:
                mean[j] = rho * mean[j] + (1.0 - rho) * grad[j]
            move = grad[j] / self.root(state, p, j)
            if self.momentum > 0.0:
                velocity[j] = move = self.momentum * velocity[j] + move
            params[j] -= lr * move
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        cdef Py_ssize_t j
        for j in range(p):
            sizes[j] = lr / (1.0 - self.momentum) / self.root(state, p, j)
        return 1


cdef class FTRLKernel(OptimizerKernel):
    cdef double l1
    cdef double l2
    cdef double beta
    cdef double initial_accumulator

    def __init__(self, learning_rate=None, l1=0.0, l2=0.0, beta=0.0, initial_accumulator=0.1):
        self.l1 = l1
        self.l2 = l2
        self.beta = beta
        self.initial_accumulator = initial_accumulator
        self.local = True
        self.paced = l2 == 0.0

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef Py_ssize_t j
        cdef double l1 = self.l1, epsilon = self.beta + 2.0 * self.l2 * lr
        cdef double curvature, sign, moved, sum
        cdef double* n = state
        cdef double* z = state + p
        if t == 1:
            for j in range(p):
                n[j] = self.initial_accumulator
        if lr == 0.0:
            return 0
        if l1 == 0.0:
            simd.adagrad(p, params, grad, n, lr, epsilon)
            return 0
        for j in range(p):
            n[j] += grad[j] * grad[j]
            curvature = (sqrt(n[j]) + epsilon) / lr
            sign = <double> (params[j] > 0.0) - <double> (params[j] < 0.0)
            moved = params[j] - grad[j] / curvature
            sum = clip(z[j], l1) if sign == 0.0 else -l1 * sign - curvature * params[j]
            z[j] = sum + grad[j]
            params[j] = moved if sign * moved > 0.0 else (clip(z[j], l1) - z[j]) / curvature + 0.0
        return 0

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        simd.root_sizes(p, state, lr, self.beta + 2.0 * self.l2 * lr, sizes)
        return 1


cdef class NormalizedAdaGradKernel(OptimizerKernel):

    def __init__(self, learning_rate=None, importance_aware=False):
        self.follows = importance_aware
        self.needs_rows = True
        self.local = True
        self.steady = False
        self.n_scalars = 1

    cdef int observe(self, Py_ssize_t p, double* params, double* state, const double* largest,
                     const double* mean_square, Py_ssize_t k) except -1 nogil:
        cdef Py_ssize_t j
        cdef double norm = 0.0
        for j in range(p):
            if largest[j] > state[j]:
                if state[j] > 0.0:
                    params[j] *= state[j] / largest[j]
                state[j] = largest[j]
            if state[j] > 0.0:
                norm += mean_square[j] / (state[j] * state[j])
        state[2 * p] += norm / k
        return 0

    cdef inline double rate(self, Py_ssize_t p, const double* state, double lr,
                            int64_t t) noexcept nogil:
        cdef double norm = state[2 * p]
        return lr * sqrt(t / norm) if norm > 0.0 else lr

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        cdef double rate = self.rate(p, state, lr, t)
        if self.flow is not None:
            return self.follow(p, params, grad, state, rate)
        self.learn(0, p, p, grad, state, rate)
        self.move(0, p, p, params, grad, state, rate)
        return 0

    # The same, as far as the loss's flow goes: moving the raw prediction for as long as the sum of
    # steps and squares is, instead of by its slope at the start.
    cdef int follow(self, Py_ssize_t p, double* params, const double* grad, double* state,
                    double rate) except -1 nogil:
        cdef Aim* aim = &self.aim
        cdef Py_ssize_t c, m = (p - aim.n_intercepts) // aim.k
        cdef Py_ssize_t last = p - aim.n_intercepts
        cdef double reach, draw, share
        for c in range(aim.k):
            draw = aim.draw[c]
            if draw == 0.0:
                continue
            reach = self.learn(c * m, m, p, grad, state, rate)
            if aim.n_intercepts:
                reach += self.learn(last + c, 1, p, grad, state, rate)
            share = 1.0
            reach *= aim.weight / (draw * draw)
            if 0.0 < reach < INFINITY:
                share = self.flow.flow_slope(aim.targets[c], aim.raw[c], reach) * aim.weight / draw
            self.move(c * m, m, p, params, grad, state, share * rate)
            if aim.n_intercepts:
                self.move(last + c, 1, p, params, grad, state, share * rate)
        return 0

    cdef inline double unit(self, Py_ssize_t p, Py_ssize_t j, const double* state) noexcept nogil:
        return (state[j] if state[j] > 0.0 else 1.0) * sqrt(state[p + j])

    # Of m parameters: add the squares, and return the sum of step sizes times squares.
    cdef double learn(self, Py_ssize_t start, Py_ssize_t m, Py_ssize_t p, const double* grad,
                      double* state, double rate) noexcept nogil:
        cdef Py_ssize_t j
        cdef double reach = 0.0, unit
        for j in range(start, start + m):
            if grad[j] != 0.0:
                state[p + j] += grad[j] * grad[j]
                unit = self.unit(p, j, state)
                if unit > 0.0:
                    reach += rate / unit * (grad[j] * grad[j])
        return reach

    cdef void move(self, Py_ssize_t start, Py_ssize_t m, Py_ssize_t p, double* params,
                   const double* grad, const double* state, double rate) noexcept nogil:
        cdef Py_ssize_t j
        cdef double unit
        for j in range(start, start + m):
            if grad[j] != 0.0:
                unit = self.unit(p, j, state)
                if unit > 0.0:
                    params[j] -= rate / unit * grad[j]

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        cdef Py_ssize_t j
        cdef double rate = self.rate(p, state, lr, t), unit
        for j in range(p):
            unit = self.unit(p, j, state)
            sizes[j] = rate / unit if unit > 0.0 else rate
        return 1

    cdef double pace(self, Py_ssize_t p, const double* state, double lr, int64_t t) noexcept nogil:
        return self.rate(p, state, lr, t)
