"""Weights that a sparse step leaves behind in time, at O(nonzeros) a step.

The dense step on every weight is ``w <- soft(shrink_t * w + update, cut_t)``.  A weight that
gets no update for a while sees only shrinking and cutting, which compose: with
``scale = prod shrink`` and ``threshold = sum cut_t / scale_t`` it is

    w = scale * soft(v, threshold - seen),    seen = the threshold at its last update,

because a weight that a cut has taken to zero stays there; where features have factors, the
threshold of feature j is ``factors[j]`` times that.  v and seen lie side by side, so that a row
fetches one place for both.  So a step moves two numbers, and a
weight is brought up to date when a row touches it, and all are before anyone reads them
(`lazy_settle`).  The mean of L2-shrunken weights is kept the same way: between updates a
weight's sum grows by ``v * sum scale``, so ``sum w = area * v + total`` where ``total`` takes
``-area * change`` at each change of v (Xu, arXiv:1107.2490, section 5).
"""
from .base cimport Lazy


# v cut towards zero, without a branch; NaN stays NaN.
cdef inline double lazy_soft(double v, double cut) noexcept nogil:
    cdef double taken = v if v < cut else cut
    return v - (taken if taken > -cut else -cut)


# v of feature j as it is now.
cdef inline double lazy_now(const Lazy* w, const double* pair, Py_ssize_t j) noexcept nogil:
    cdef double cut = w.threshold - pair[1]
    return lazy_soft(pair[0], cut if w.factors == NULL else cut * w.factors[j])


# Bring every weight up to date; afterwards scale is 1 and nothing is left to cut.
cdef inline void lazy_settle(Lazy* w) noexcept nogil:
    cdef Py_ssize_t c, j, e, m = w.k * w.p
    if w.pairs != NULL:
        for c in range(w.k):
            for j in range(w.p):
                e = c * w.p + j
                w.pairs[2 * e] = w.scale * lazy_now(w, w.pairs + 2 * e, j)
                w.pairs[2 * e + 1] = 0.0
    else:
        if w.total != NULL:
            for e in range(m):
                w.total[e] += w.area * w.v[e]
        if w.scale != 1.0:
            for e in range(m):
                w.v[e] *= w.scale
    w.scale = 1.0
    w.threshold = w.area = 0.0


# Between settled weights and pairs.
cdef inline void lazy_to_pairs(Lazy* w) noexcept nogil:
    cdef Py_ssize_t e
    for e in range(w.k * w.p):
        w.pairs[2 * e] = w.v[e]
        w.pairs[2 * e + 1] = 0.0


cdef inline void lazy_from_pairs(Lazy* w) noexcept nogil:
    cdef Py_ssize_t e
    for e in range(w.k * w.p):
        w.v[e] = w.pairs[2 * e]


cdef inline void lazy_shrink(Lazy* w, double shrink) noexcept nogil:
    if shrink == 1.0:
        return
    w.scale *= shrink
    if w.scale < 1e-9:  # before 1 / scale loses digits; also where shrink is 0
        lazy_settle(w)


cdef inline void lazy_cut(Lazy* w, double cut) noexcept nogil:
    w.threshold += cut / w.scale
