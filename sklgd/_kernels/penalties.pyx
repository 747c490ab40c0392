# The twins of sklgd.penalties.  They keep no scratch and write to nothing but their
# arguments, so that threads may share them.
#
# An elementwise penalty is two loops over a stretch of one output's features: `slope`
# (grad += weight * derivative) and `cut` (the proximal step).  The walk over outputs, step
# sizes and feature weights is `_Elementwise`'s, and the only place that tells those cases apart.
from libc.math cimport INFINITY, fabs, sqrt
from libc.stdint cimport int32_t

import numpy as np

from .base cimport PenaltyKernel, Piece

from .._groups import check_groups, parse_groups

cdef enum:
    BLOCK = 256     # step sizes of one stretch: 2 kB of stack


cdef inline double soft(double w, double t) noexcept nogil:
    # w less its part within [-t, t]: NaN passes through, and what is cut is +0.0
    cdef double inside = -t if -t > w else w
    inside = t if t < inside else inside
    return w - inside


cdef inline double clip(double w, double low, double high) noexcept nogil:
    w = low if low > w else w
    return (high if high < w else w) + 0.0      # -0.0 becomes 0.0


cdef inline double sign(double w) noexcept nogil:
    return <double> (w > 0.0) - <double> (w < 0.0)


cdef int _wrong_length(str name, Py_ssize_t given, Py_ssize_t p) except -1 with gil:
    raise ValueError(f"{name} has {given} entries, but there are {p} features.")


cdef inline Piece piece(double floor, double top, double l1, double l2) noexcept nogil:
    cdef Piece p
    p.floor, p.top, p.l1, p.l2 = floor, top, l1, l2
    return p


cdef class _Elementwise(PenaltyKernel):
    cdef const double[::1] weights      # None where all weights are 1

    def __init__(self, weights, *pieces):
        self.weights = None if weights is None else np.array(weights, dtype=np.float64)
        if weights is not None and self.weights.shape[0]:
            self.factors = &self.weights[0]
        for floor, top, l1, l2 in pieces:
            self.pieces[self.n_pieces] = piece(floor, top, l1, l2)
            self.n_pieces += 1

    cdef void slope(self, Py_ssize_t m, const double* w, const double* factor,
                    double* grad) noexcept nogil:
        pass

    cdef void cut(self, Py_ssize_t m, double* w, const double* step) noexcept nogil:
        pass

    cdef int check(self, Py_ssize_t p) except -1 nogil:
        if self.weights is not None and self.weights.shape[0] != p:
            return _wrong_length("weights", self.weights.shape[0], p)
        return 0

    cdef void fill(self, Py_ssize_t start, Py_ssize_t m, double lr, const double* sizes,
                   double* step, const int32_t* at) noexcept nogil:
        # step = (sizes or lr) * (weights or 1)
        cdef Py_ssize_t i
        if sizes == NULL:
            for i in range(m):
                step[i] = lr
        else:
            for i in range(m):
                step[i] = sizes[i]
        if self.weights is None:
            return
        if at == NULL:
            for i in range(m):
                step[i] *= self.factors[start + i]
        else:
            for i in range(m):
                step[i] *= self.factors[at[start + i]]

    cdef int add_gradient(self, Py_ssize_t k, Py_ssize_t p, const double* w,
                          double* grad) except -1 nogil:
        cdef double[BLOCK] factor
        cdef Py_ssize_t c, b, start, m
        self.check(p)
        for b in range((p + BLOCK - 1) // BLOCK):
            start = b * BLOCK
            m = min(<Py_ssize_t> BLOCK, p - start)
            self.fill(start, m, 1.0, NULL, factor, NULL)
            for c in range(k):
                self.slope(m, w + c * p + start, factor, grad + c * p + start)
        return 0

    cdef int prox(self, Py_ssize_t k, Py_ssize_t p, double* w, double lr, const double* sizes,
                  const int32_t* at) except -1 nogil:
        cdef double[BLOCK] step
        cdef double* stretch
        cdef Py_ssize_t c, b, start, m
        if at == NULL:
            self.check(p)
        for b in range((p + BLOCK - 1) // BLOCK):
            start = b * BLOCK
            m = min(<Py_ssize_t> BLOCK, p - start)
            if sizes == NULL:
                self.fill(start, m, lr, NULL, step, at)
            for c in range(k):
                if sizes != NULL:
                    self.fill(start, m, lr, sizes + c * p + start, step, at)
                stretch = w + c * p + start
                self.cut(m, stretch, step)
                self.bound(m, stretch, start, at if at == NULL else at + start)
        return 0


cdef class L2Kernel(_Elementwise):
    cdef double alpha

    def __init__(self, *, alpha, weights=None):
        _Elementwise.__init__(self, weights, (0.0, INFINITY, 0.0, alpha))
        self.alpha = alpha
        self.shrinks = True
        if weights is None:
            self.ridge = alpha

    cdef void slope(self, Py_ssize_t m, const double* w, const double* factor,
                    double* grad) noexcept nogil:
        cdef double alpha = self.alpha
        cdef Py_ssize_t i
        for i in range(m):
            grad[i] += factor[i] * (alpha * w[i])

    cdef int shrink(self, Py_ssize_t k, Py_ssize_t p, double* w, double lr,
                    const int32_t* at) except -1 nogil:
        cdef double alpha = lr * self.alpha, share = 1.0 - alpha
        cdef Py_ssize_t c, i
        if at == NULL:
            self.check(p)
        for c in range(k):
            for i in range(p):
                if self.weights is not None:
                    share = 1.0 - alpha * self.factors[i if at == NULL else at[i]]
                w[c * p + i] *= share if share > 0.0 else 0.0
        return 0

    cdef void cut(self, Py_ssize_t m, double* w, const double* step) noexcept nogil:
        cdef double alpha = self.alpha
        cdef Py_ssize_t i
        for i in range(m):
            w[i] /= 1.0 + step[i] * alpha


cdef class L1Kernel(_Elementwise):
    cdef double alpha

    def __init__(self, *, alpha, weights=None):
        _Elementwise.__init__(self, weights, (0.0, INFINITY, alpha, 0.0))
        self.alpha = self.threshold = alpha

    cdef void slope(self, Py_ssize_t m, const double* w, const double* factor,
                    double* grad) noexcept nogil:
        cdef double alpha = self.alpha
        cdef Py_ssize_t i
        for i in range(m):
            grad[i] += factor[i] * (alpha * sign(w[i]))

    cdef void cut(self, Py_ssize_t m, double* w, const double* step) noexcept nogil:
        cdef double alpha = self.alpha
        cdef Py_ssize_t i
        for i in range(m):
            w[i] = soft(w[i], step[i] * alpha)


cdef class ElasticNetKernel(_Elementwise):
    cdef double l1
    cdef double l2

    def __init__(self, *, alpha, l1_ratio, weights=None):
        self.l1 = alpha * l1_ratio
        self.l2 = alpha * (1.0 - l1_ratio)
        _Elementwise.__init__(self, weights, (0.0, INFINITY, self.l1, self.l2))

    cdef void slope(self, Py_ssize_t m, const double* w, const double* factor,
                    double* grad) noexcept nogil:
        cdef double l1 = self.l1, l2 = self.l2
        cdef Py_ssize_t i
        for i in range(m):
            grad[i] += factor[i] * (l1 * sign(w[i]) + l2 * w[i])

    cdef void cut(self, Py_ssize_t m, double* w, const double* step) noexcept nogil:
        cdef double l1 = self.l1, l2 = self.l2
        cdef Py_ssize_t i
        for i in range(m):
            w[i] = soft(w[i], step[i] * l1) / (1.0 + step[i] * l2)


cdef class MCPKernel(_Elementwise):
    cdef double alpha
    cdef double gamma

    def __init__(self, *, alpha, gamma, weights=None):
        _Elementwise.__init__(self, weights, (0.0, gamma * alpha, alpha, -1.0 / gamma))
        self.alpha = alpha
        self.gamma = gamma

    cdef void slope(self, Py_ssize_t m, const double* w, const double* factor,
                    double* grad) noexcept nogil:
        cdef double alpha = self.alpha, gamma = self.gamma, size
        cdef Py_ssize_t i
        for i in range(m):
            size = alpha - fabs(w[i]) / gamma
            grad[i] += factor[i] * sign(w[i]) * (size if size > 0.0 else 0.0)

    cdef void cut(self, Py_ssize_t m, double* w, const double* step) noexcept nogil:
        cdef double alpha = self.alpha, gamma = self.gamma, tau, shrink, limit, inner
        cdef Py_ssize_t i
        for i in range(m):
            tau = step[i]
            shrink = 1.0 - tau / gamma
            limit = alpha * (gamma if tau < gamma else sqrt(gamma * tau))
            inner = soft(w[i], tau * alpha) / shrink if shrink > 0.0 else 0.0
            w[i] = inner if fabs(w[i]) <= limit else w[i]


cdef class SCADKernel(_Elementwise):
    cdef double alpha
    cdef double gamma

    def __init__(self, *, alpha, gamma, weights=None):
        top = gamma * alpha
        _Elementwise.__init__(
            self, weights, (alpha, top, top / (gamma - 1.0), -1.0 / (gamma - 1.0)),
            (0.0, alpha, alpha, 0.0))
        self.alpha = alpha
        self.gamma = gamma

    cdef void slope(self, Py_ssize_t m, const double* w, const double* factor,
                    double* grad) noexcept nogil:
        cdef double alpha = self.alpha, gamma = self.gamma, size
        cdef Py_ssize_t i
        for i in range(m):
            size = (gamma * alpha - fabs(w[i])) / (gamma - 1.0)
            size = size if size > 0.0 else 0.0
            grad[i] += factor[i] * sign(w[i]) * (size if size < alpha else alpha)

    cdef void cut(self, Py_ssize_t m, double* w, const double* step) noexcept nogil:
        cdef double alpha = self.alpha, gamma = self.gamma, tau, shrink, limit, knee, size, at
        cdef Py_ssize_t i
        for i in range(m):
            tau = step[i]
            at = w[i]
            size = fabs(at)
            shrink = 1.0 - tau / (gamma - 1.0)
            limit = alpha * (gamma if tau < gamma - 1.0 else
                             0.5 * (gamma + 1.0 + tau) if tau < gamma + 1.0 else
                             sqrt(tau * (gamma + 1.0)))
            knee = alpha * (1.0 + tau)
            knee = limit if limit < knee else knee
            w[i] = (soft(at, tau * alpha) if size <= knee else
                    soft(at, tau * gamma * alpha / (gamma - 1.0)) / shrink if size <= limit else at)


# An elastic net, within bounds.
cdef class BoxKernel(ElasticNetKernel):
    cdef double low
    cdef double high
    cdef const double[::1] lows         # one bound for each feature; None where one does for all
    cdef const double[::1] highs

    def __init__(self, *, lower, upper, l1=0.0, l2=0.0, weights=None):
        _Elementwise.__init__(self, weights, (0.0, INFINITY, l1, l2))
        self.l1 = l1
        self.l2 = l2
        self.bounded = True
        lower, upper = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
        self.lows = self.highs = None           # unset, a memoryview is not None
        if weights is None and lower.ndim == upper.ndim == 0:
            self.low, self.high = lower, upper
            return
        # a weight of 0 frees its feature from the bounds too
        bound = True if weights is None else np.asarray(weights) > 0
        bound, lower, upper = np.broadcast_arrays(bound, lower, upper)
        self.lows = np.where(bound, lower, -np.inf)
        self.highs = np.where(bound, upper, np.inf)

    cdef int check(self, Py_ssize_t p) except -1 nogil:
        if self.lows is not None and self.lows.shape[0] != p:
            return _wrong_length("lower, upper or weights", self.lows.shape[0], p)
        return 0

    cdef void bound(self, Py_ssize_t m, double* w, Py_ssize_t first,
                    const int32_t* at) noexcept nogil:
        cdef Py_ssize_t i, feature
        if self.lows is None:
            for i in range(m):
                w[i] = clip(w[i], self.low, self.high)
            return
        for i in range(m):
            feature = first + i if at == NULL else at[i]
            w[i] = clip(w[i], self.lows[feature], self.highs[feature])


cdef struct Group:
    # entry i of a group is at[i], or i * stride without at
    const Py_ssize_t* at
    Py_ssize_t stride
    Py_ssize_t size
    double strength         # alpha * sqrt(size)


cdef inline Py_ssize_t entry(const Group* g, Py_ssize_t i) noexcept nogil:
    return i * g.stride if g.at == NULL else g.at[i]


cdef inline double group_norm(const Group* g, const double* w) noexcept nogil:
    cdef double total = 0.0, value
    cdef Py_ssize_t i
    for i in range(g.size):
        value = w[entry(g, i)]
        total += value * value
    return sqrt(total)


cdef double group_radius(const Group* g, const double* w, const double* sizes) noexcept nogil:
    # The norm of the proximal point, see GroupLasso; Newton's method from below.
    cdef double radius, longest = 0.0, least = 0.0, phi, slope, cut, ratio, change
    cdef Py_ssize_t i, j, turn
    for i in range(g.size):
        j = entry(g, i)
        cut = g.strength * sizes[j]
        longest = cut if cut > longest else longest
        least = fabs(w[j]) - cut if fabs(w[j]) - cut > least else least
    radius = group_norm(g, w) - longest
    radius = least if radius < least else radius
    for turn in range(100):
        phi = slope = 0.0
        for i in range(g.size):
            j = entry(g, i)
            if w[j] != 0.0:
                cut = radius + g.strength * sizes[j]
                ratio = w[j] / cut
                phi += ratio * ratio
                slope += ratio * ratio / cut
        if radius == 0.0 and phi <= 1.0:
            return 0.0
        change = phi * (sqrt(phi) - 1.0) / slope
        radius += change if change > 0.0 else 0.0
        if not change > 4e-16 * radius:
            break
    return radius


cdef class GroupLassoKernel(PenaltyKernel):
    cdef double alpha
    cdef const Py_ssize_t[::1] members  # None where the groups are each feature's weights
    cdef const Py_ssize_t[::1] starts
    cdef object n_labels
    cdef Py_ssize_t fewest              # numbers of features that these can be groups of
    cdef Py_ssize_t most

    def __init__(self, *, alpha, groups):
        self.alpha = alpha
        self.members = self.starts = None       # unset, a memoryview is not None
        if isinstance(groups, str) and groups == "features":
            return
        members, self.starts, self.n_labels = parse_groups(groups, owner="GroupLasso")
        self.members = members
        self.fewest = members.max(initial=-1) + 1 if self.n_labels is None else self.n_labels
        self.most = np.iinfo(np.intp).max if self.n_labels is None else self.n_labels

    cdef int check(self, Py_ssize_t p) except -1 nogil:
        if not self.fewest <= p <= self.most:
            with gil:
                check_groups(np.asarray(self.members), self.n_labels, p, owner="GroupLasso")
        return 0

    cdef Py_ssize_t count(self, Py_ssize_t p) except -1 nogil:
        # the groups of one row, or of all rows where a group is a column
        if self.members is None:
            return p
        self.check(p)
        return self.starts.shape[0] - 1

    cdef Group group(self, Py_ssize_t k, Py_ssize_t p, Py_ssize_t number) noexcept nogil:
        cdef Group g
        if self.members is None:
            g.at = NULL
            g.stride = p
            g.size = k
        else:
            g.at = &self.members[self.starts[number]]
            g.stride = 1
            g.size = self.starts[number + 1] - self.starts[number]
        g.strength = self.alpha * sqrt(<double> g.size)
        return g

    cdef int add_gradient(self, Py_ssize_t k, Py_ssize_t p, const double* w,
                          double* grad) except -1 nogil:
        cdef Py_ssize_t number, i, c, at, rows = 1 if self.members is None else k
        cdef double norm
        cdef Group g
        for number in range(self.count(p)):
            g = self.group(k, p, number)
            for c in range(rows):
                at = number if self.members is None else c * p
                norm = group_norm(&g, w + at)
                if norm != 0.0:
                    for i in range(g.size):
                        grad[at + entry(&g, i)] += g.strength * (w[at + entry(&g, i)] / norm)
        return 0

    cdef int prox(self, Py_ssize_t k, Py_ssize_t p, double* w, double lr, const double* sizes,
                  const int32_t* at_features) except -1 nogil:
        cdef Py_ssize_t number, i, j, c, at, rows = 1 if self.members is None else k
        cdef double radius, cut
        cdef Group g
        for number in range(self.count(p)):
            g = self.group(k, p, number)
            for c in range(rows):
                at = number if self.members is None else c * p
                if sizes == NULL:
                    radius = group_norm(&g, w + at) - lr * g.strength
                    radius = 0.0 if radius < 0.0 else radius
                else:
                    radius = group_radius(&g, w + at, sizes + at)
                for i in range(g.size):
                    j = at + entry(&g, i)
                    cut = g.strength * (lr if sizes == NULL else sizes[j])
                    if cut != 0.0:
                        w[j] = w[j] * (radius / (radius + cut)) + 0.0
        return 0


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
    kernel.prox(k, p, &at[0], lr, each, NULL)
