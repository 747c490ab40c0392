"""Conjugate gradients, which find what there is to gain where an objective hardly bends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import coordinates
from .full_batch import Point

#: the length of a step whose change of the gradient tells a curvature, relative to the point
DIFFERENCE = 1e-6
#: gains, in units of what is little, up to which there is nothing to find and from which there is;
#: the share of the first gain up to which the second one falls
LITTLE, MUCH, FALLING = 0.02, 15.0, 0.8
#: steps that tell whether there is much to gain, and that gain it, at the most
TELLING, MOST = 12, 100
#: the share of all gains at which steps no longer pay
LAST = 0.02


def conjugate_step(
    problem: Any,
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
    Where features are correlated it hardly bends in others, and most of what there is to gain may
    be there: conjugate gradients, with that matrix as their preconditioner, come to them next
    [1]_.  A step costs a pass.  Mostly the first one or two show that nothing is left.

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
