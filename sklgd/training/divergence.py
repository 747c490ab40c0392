"""Whether training has diverged, and the way back."""

from __future__ import annotations

import numpy as np

from ..models.base import is_compiled
from ..objective import Problem

#: an objective that ends above its start by this many times its size there has diverged; by this
#: many, it is worth a warning
FAR, ABOVE = 10.0, 1.0
#: parameters are useless from so many times its size above the objective of the best constant
USELESS = 0.1
#: factor by which a step back is shorter than the one before
SHRINK = 0.25
#: rows of the quick look that raises the suspicion
LOOK_ROWS = 4096


def seen_at_end(problem: Problem, end: np.ndarray) -> float:
    """Return the objective at the end, as some rows tell: running values are of all before."""
    return problem.thinned(LOOK_ROWS).total(end)


def suspicious(problem: Problem, last: float, far: float) -> bool:
    """Whether the objective may have ended far above its start, wherever that was.

    A running objective holds its steps' transients, so it only raises the suspicion.  A quick look
    at some rows comes first.

    Parameters
    ----------
    problem : Problem
    last : float
        The objective of the last epoch, or what is known of that at the end.
    far : float
        As for `far_above`.
    """
    if last <= abs(problem.thinned(LOOK_ROWS).loss_at_zero()):
        return False
    # `far_above` is no lower
    return not last <= (far - 1.0) * abs(problem.loss_at_zero())


def far_above(problem: Problem, start: np.ndarray, far: float) -> float:
    """Return the objective that is far above where training started, by so many times its size.

    There is no scale to compare with, and infinity is returned, where the objective is zero at the
    start, and for the perceptron's loss: it is zero where scores are, and as small as they are
    nearby.
    """
    at_zero, model = problem.loss_at_zero(), problem.block.model
    # parameters that are zero predict zero, unless a model of one's own does not
    loss_at_start = problem.loss(start) if start.any() or not is_compiled(model) else at_zero
    at_start = loss_at_start + problem.penalty_value(start)
    scale = max(abs(at_start), abs(at_zero))
    if at_zero == 0.0 and problem.block.loss.task == "classification":
        scale = 0.0
    return at_start + far * scale if scale > 0.0 else np.inf


def is_beyond(problem: Problem, end: np.ndarray, last: float, limit: float) -> bool:
    """Whether the objective is above a limit: it decides itself where ``last`` leaves that open."""
    if last <= limit or limit == np.inf:
        return False
    return not problem.total(end) <= limit  # not: NaN has diverged


def pulled_back(
    problem: Problem, start: np.ndarray, params: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the point between ``start`` and ``params`` where the objective is lowest, and it.

    Steps that were too long leave parameters that are far too large, in a direction that is
    often good: a classifier's labels, say, do not depend on the size of its weights.  A convex
    objective falls along the way back until it rises again.
    """
    way = params - start
    lowest, best = problem.total(params), params
    share = SHRINK
    while share > 1e-30:
        point = start + share * way
        value = problem.total(point)
        if value < lowest or not np.isfinite(lowest):
            lowest, best = value, point
        elif value > lowest:
            break
        share *= SHRINK
    at_start = problem.total(start)
    return (best, lowest) if lowest < at_start else (start, at_start)
