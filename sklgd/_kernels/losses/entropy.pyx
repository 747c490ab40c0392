"""The compiled twins of `sklgd.losses.entropy`, and of what a softmax smooths."""
from libc.math cimport INFINITY, exp, expm1, fabs, log, log1p, pow

from ..base cimport LossKernel
from ..simd cimport simd, simd_init
from .numbers cimport clipped, expit, least, log1p_unit, softplus

simd_init()


cdef inline double binary_entropy(double y, double raw, double* slope) noexcept nogil:
    # (1 - y) sigmoid(raw) - y sigmoid(-raw), as one quotient; the sign, which cannot be guessed,
    # is a factor and no branch
    cdef double size = fabs(raw), other = 1.0 - y
    cdef double e = 0.0 if size > 746.0 else exp(-size)     # underflow costs libm ten times as much
    cdef double up = <double> (raw > 0.0), down = 1.0 - up
    slope[0] = (other * (up + down * e) - y * (up * e + down)) / (1.0 + e)
    return size * (other * up + y * down) + log1p_unit(e)


# The same of an array.
cdef void binary_entropies(Py_ssize_t m, double smoothing, const double* y, const double* raw,
                           double* value, double* grad) noexcept nogil:
    cdef double[2] line
    line[0], line[1] = 1.0 - smoothing, 0.5 * smoothing
    simd.logistic(m, line, y, raw, value, grad)


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
    # sigmoid(r) - y at the root of r - center + step * (sigmoid(r) - y), which is increasing:
    # Newton steps, kept between bounds of the root
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


cdef inline double sharper_omega(double w, double x) noexcept nogil:
    # a step of fourth order towards the root of w + log(w) = x, by Fritsch, Shafer and Crowley
    # (1973); far out the root itself
    cdef double miss, q
    if x < -36.0:
        return exp(x)
    miss = x - log(w) - w
    q = 2.0 * (1.0 + w) * (1.0 + w + 2.0 / 3.0 * miss)
    return w * (1.0 + miss / (1.0 + w) * (q - miss) / (q - 2.0 * miss))


cdef inline double wright_omega(double x) noexcept nogil:
    # that root, from Winitzki's approximation (2003)
    cdef double w, size = log1p(exp(x)) if x < 36.0 else x
    w = size * (1.0 - log1p(size) / (2.0 + size))
    return sharper_omega(sharper_omega(w, x), x)


cdef void softmax_proximal_slopes(Py_ssize_t k, Py_ssize_t own, double smoothing,
                                  const double* center, double step, double* slopes) noexcept nogil:
    # With t the target and l = log(sum(exp(r))) the probabilities at the end of the step are those
    # with log(p) + step * p = center + step * t - l.  Their sum is convex in l: Newton's method
    # from above it, which is from below after one step.
    cdef Py_ssize_t j
    cdef double keep = step * (1.0 - smoothing), size = log(step)
    cdef double top = -INFINITY, level = 0.0, move = INFINITY, total, bend, x, w, others = 0.0
    cdef int turn
    for j in range(k):
        x = center[j] + (keep if j == own else 0.0)
        top = x if x > top else top
    for j in range(k):
        level += exp(center[j] + (keep if j == own else 0.0) - top)
    level = log(level) + top    # less what is spread over all classes
    for turn in range(100):
        total, bend = -1.0, 0.0
        for j in range(k):
            x = size + (center[j] + (keep if j == own else 0.0) - level)
            w = slopes[j] = sharper_omega(slopes[j], x) if fabs(move) < 1.0 else wright_omega(x)
            total += w / step
            bend += w / (step * (1.0 + w))
        move = total / bend
        if not fabs(total) > 1e-12 or level + move == level:    # not: NaN ends it
            break
        level += move
    for j in range(k):
        slopes[j] = slopes[j] / step - smoothing / k
        if j != own:
            others += slopes[j]
    slopes[own] = -others


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
    # the mean of sigmoid(r) - y on the way: how far it goes is halved until there is no half
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
        self.in_numbers = self.proximal = self.proximal_joint = self.flows = True

    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        binary_entropies(m, self.smoothing, y, raw, value, grad)
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

    cdef void proximal_slope_joint(self, Py_ssize_t k, double y, const double* center, double step,
                                   double* slopes) noexcept nogil:
        softmax_proximal_slopes(k, <Py_ssize_t> y, self.smoothing, center, step, slopes)

    cdef double flow_slope(self, double y, double raw, double time) noexcept nogil:
        return logistic_flow((1.0 - self.smoothing) * y + 0.5 * self.smoothing, raw, time)

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        simd.sigmoid_slope(m, raw, bend)
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
        binary_entropies(m, self.smoothing, y, raw, value, grad)
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        simd.sigmoid_slope(m, raw, bend)
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
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

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        cdef Py_ssize_t i
        cdef double width = self.width
        for i in range(m):
            bend[i] = (1.0 - (2.0 * y[i] - 1.0) * raw[i]) / width
        simd.sigmoid_slope(m, bend, bend)
        for i in range(m):
            bend[i] /= width
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
