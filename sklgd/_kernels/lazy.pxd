"""Weights that a sparse step leaves behind in time, at O(nonzeros) a step.

The dense step on every weight is ``w <- soft(shrink_t * w + update, cut_t)``.  A weight that
gets no update for a while sees only shrinking and cutting, which compose: with
``scale = prod shrink`` and ``threshold = sum cut_t / scale_t``,

    w = scale * soft(v, threshold) = scale * sign(v) * max(|v| - threshold, 0),

because a weight that a cut has taken to zero stays there; where features have factors, the
threshold of feature j is ``factors[j]`` times that.  So a step moves two numbers.  An
update to a weight x is stored as ``v = x + sign(x) * threshold``: cut from the present on, as all
others are.  All weights are brought up to date before anyone reads them (`lazy_settle`).

The mean of weights that only shrink is kept the same way: between updates a weight's sum grows
by ``v * sum scale``, so ``sum w = area * v + total`` where ``total`` takes ``-area * change`` at
each change of v (Xu, arXiv:1107.2490, section 5).
"""
from .base cimport Lazy, lazy_soft


# Bring every weight up to date; afterwards scale is 1 and nothing is left to cut.
cdef inline void lazy_settle(Lazy* w) noexcept nogil:
    cdef Py_ssize_t e, m = w.k * w.p
    cdef double factor
    if w.total != NULL:
        for e in range(m):
            w.total[e] += w.area * w.v[e]
    if w.cuts:
        for e in range(m):
            factor = 1.0 if w.factors == NULL else w.factors[e % w.p]
            w.v[e] = w.scale * lazy_soft(w.v[e], w.threshold * factor) + 0.0    # no -0.0
    elif w.scale != 1.0:
        for e in range(m):
            w.v[e] *= w.scale
    w.scale = 1.0
    w.threshold = w.area = 0.0


cdef inline void lazy_shrink(Lazy* w, double shrink) noexcept nogil:
    if shrink == 1.0:
        return
    w.scale *= shrink
    # before 1 / scale loses digits, or a sum's two parts cancel; also where shrink is 0
    if w.scale < (1e-9 if w.total == NULL else 1e-3):
        lazy_settle(w)


cdef inline void lazy_cut(Lazy* w, double cut) noexcept nogil:
    w.threshold += cut / w.scale
