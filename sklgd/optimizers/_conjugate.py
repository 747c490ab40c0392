"""Conjugate gradients, which find what there is to gain where an objective hardly bends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import coordinates
from ..objective import Problem
from ._points import Point

#: length of the step over which the change of the gradient gives a curvature, relative to the point
DIFFERENCE = 1e-6
#: in units of ``enough``: the first gain up to which there is nothing to find, and the sum of gains
#: from which there is much; gains fall where the second is less than this share of the first
LITTLE, MUCH, FALLING = 0.02, 15.0, 0.8
#: steps at the most until it is known whether there is much to gain, and until that is gained
TELLING, MOST = 12, 100
#: the share of all gains below which the last two no longer pay
LAST = 0.02


def conjugate_step(
    problem: Problem,
    space: coordinates.Coordinates,
    point: Point,
    steepest: np.ndarray,
    free: np.ndarray | None,
    precondition: Callable[[np.ndarray, np.ndarray | None], np.ndarray],
    enough: float,
    thorough: bool,
) -> np.ndarray | None:
    """Return a step that promises far more than ``enough``, or None where there seems to be none.

    A quasi-Newton matrix of a few pairs knows the directions in which the objective bends most.
    Where features are correlated it hardly bends in the others, in which most of what there is to
    gain may lie: conjugate gradients with that matrix as their preconditioner find them next [1]_.
    Each of their steps costs a pass.  Mostly the first one or two show that nothing is left.

    Parameters
    ----------
    problem, space, point
        The problem, the coordinates and the point in them.
    steepest : ndarray of shape (p,)
        The smallest subgradient at the point.
    free : ndarray of shape (p,) or None
        One for parameters that may move and zero for others; None where all may.
    precondition : callable
        Applies the quasi-Newton matrix to a vector, in place, given ``free``.
    enough : float
        What may be left to gain.
    thorough : bool
        Whether it is known already that there is much to gain.

    References
    ----------
    .. [1] Morales and Nocedal (2000). Automatic preconditioning by limited memory quasi-Newton
       updating. SIAM Journal on Optimization 10, 1079-1096.
    """
    residual, step, gains = steepest.copy(), np.zeros_like(steepest), [0.0]
    pull = precondition(residual.copy(), free)
    way, square = -pull, float(np.sum(residual * pull))
    length = DIFFERENCE * max(1.0, float(np.sqrt(np.sum(point.u**2))))
    while len(gains) <= MOST and square > 0.0:
        size = length / float(np.sqrt(np.sum(way**2)))
        bent = Point.at(problem, space, point.u + size * way).grad - point.grad
        bent = bent / size if free is None else bent * free / size
        bend = float(np.sum(way * bent))
        if not 0.0 < bend < np.inf:
            break
        step += square / bend * way
        residual += square / bend * bent
        gains.append(0.5 * square**2 / bend)
        if not _is_worth_more(gains, enough, thorough):
            break
        pull = precondition(residual.copy(), free)
        before, square = square, float(np.sum(residual * pull))
        way = square / before * way - pull
    return step if sum(gains) > MUCH * enough else None


def _is_worth_more(gains: list[float], enough: float, thorough: bool) -> bool:
    """Whether conjugate gradients should go on after these gains, the first of which is zero."""
    total, last = sum(gains), gains[-1] + gains[-2]
    if thorough or total > MUCH * enough:
        return len(gains) <= TELLING or last > LAST * total
    if len(gains) == 2:
        return gains[1] > LITTLE * enough
    if len(gains) == 3:
        return gains[2] > FALLING * gains[1]
    if len(gains) == 4:
        return True
    if len(gains) > TELLING:
        return False
    earlier = gains[-3] + gains[-4]
    # pairs of gains that fall as a geometric series
    return last >= earlier or total + last**2 / (earlier - last) > MUCH * enough
