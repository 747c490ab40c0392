"""The quadratic model whose minimum Newton's method goes to, and how it is damped."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._kernels.cholesky import factored, solved
from .._kernels.descent import descend
from ..coordinates import Coordinates

#: accuracy and length of coordinate descent on the model
SWEEP_TOL, SWEEPS = 1e-8, 1000
#: where that was too short and features are few, how often the free parameters are solved for
#: together, and how many sweeps follow each time
SOLVED_ENTRIES, MOST_SOLVES, SWEEPS_BETWEEN = 5_000_000, 20, 10
#: the share of a model's curvature along a step from which the objective bends upwards there
UPWARDS = 1e-10
#: the least pivot of a scaled matrix that is not called singular
PIVOT = 1e-5
#: damping is added to the diagonal of second derivatives where a step failed or was cut short, as a
#: share of the loss's largest: the first, what it is multiplied by then and after a full step, and
#: the largest
DAMPING, DAMPING_UP, DAMPING_DOWN, DAMPING_MOST = 1e-3, 10.0, 0.1, 1e4


class QuadraticModel:
    """The second derivatives of an objective, one matrix for each group of parameters.

    Groups are the rows of ``columns``: a raw column each, or all of a joint loss.
    """

    def __init__(self, hess: np.ndarray, space: Coordinates) -> None:
        self.hess, self.space = hess, space
        self.solves = min(SOLVED_ENTRIES // hess.shape[1] ** 3, MOST_SOLVES)
        self.damping = 0.0
        self._factors: list[tuple] | None = None

    def damp(self, damping: float, bends: Callable[[], np.ndarray]) -> None:
        """Add so many times ``bends()``, a flat vector, to the diagonal, which shortens steps."""
        if damping != self.damping:
            at = np.arange(self.hess.shape[1])
            self.hess[:, at, at] += (damping - self.damping) * self.columns(bends())
            self.damping, self._factors = damping, None

    def resize(self, sizes: np.ndarray, ridge: np.ndarray, more: np.ndarray) -> None:
        """Multiply rows and columns by ``sizes``, but for a ridge, and add to the diagonal.

        All are flat vectors.
        """
        at, sizes, ridge = np.arange(self.hess.shape[1]), self.columns(sizes), self.columns(ridge)
        self.hess[:, at, at] -= ridge
        self.hess *= sizes[:, :, None] * sizes[:, None, :]
        self.hess[:, at, at] += ridge + self.columns(more)
        self._factors = None

    def learn(self, step: np.ndarray, bent: np.ndarray) -> None:
        """Take in how the gradient has changed along a step: the update of BFGS."""
        for hess, s, y in zip(self.hess, self.columns(step), self.columns(bent), strict=True):
            along, pulled = float(y @ s), hess @ s
            if along > UPWARDS * float(pulled @ s):
                hess += np.outer(y, y / along) - np.outer(pulled, pulled / float(pulled @ s))
        self._factors = None

    def columns(self, vector: np.ndarray) -> np.ndarray:
        """Return a flat vector as one row for each matrix."""
        return self.space.columns(vector).reshape(len(self.hess), -1)

    def flat(self, columns: np.ndarray) -> np.ndarray:
        """Return what `columns` was made of."""
        return self.space.flat(columns.reshape(self.space.n_raw, -1))

    def newton(self, grad: np.ndarray) -> np.ndarray:
        """Return the minimum of the model without a rest."""
        if self._factors is None:
            self._factors = [factored(hess) for hess in self.hess]
        columns = self.columns(-grad)
        steps = [solved(*f, column) for f, column in zip(self._factors, columns, strict=True)]
        direction = self.flat(np.array(steps))
        if len(self.hess) < self.space.n_raw:  # of a softmax: the same for all classes is nothing
            intercepts = direction[self.space.n_raw * len(self.space.scale) :]
            intercepts -= intercepts.sum() / max(intercepts.size, 1)
        return direction

    def descend(self, u: np.ndarray, grad: np.ndarray, rest: tuple) -> tuple[np.ndarray, float]:
        """Return the minimum of the model and ``rest``, and the model's change up to there."""
        target, slope = self.columns(u), self.columns(grad)
        bounds = [self.columns(part) for part in rest]
        for row, hess in enumerate(self.hess):
            own = [np.ascontiguousarray(part[row]) for part in bounds]
            self._descend(hess, slope[row], target[row], *own)
        target = self.flat(target)
        return target, 0.5 * float((target - u) @ (grad + self.flat(slope)))

    def _descend(
        self, hess: np.ndarray, slope: np.ndarray, target: np.ndarray, *rest: np.ndarray
    ) -> None:
        done = descend(hess, slope, target, *rest, SWEEP_TOL, SWEEPS)
        for _ in range(self.solves):
            if done:
                break
            share = 0.5
            while 0.0 < share < 1.0:  # what has come to its end stays there meanwhile
                share = _solve_free(hess, slope, target, *rest)
            if share == 0.0:
                break
            done = descend(hess, slope, target, *rest, SWEEP_TOL, SWEEPS_BETWEEN)


def _solve_free(
    hess: np.ndarray,
    slope: np.ndarray,
    target: np.ndarray,
    l1: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> float:
    """Move parameters that are neither zero nor at a bound to their common minimum.

    Or as far that way as the first of them comes to zero or a bound.  Returns the share of the way,
    and zero where there is no such minimum.
    """
    free = np.flatnonzero(((target != 0.0) | (l1 == 0.0)) & (low < target) & (target < high))
    factor, scale = factored(hess[np.ix_(free, free)])
    if not free.size or np.diagonal(factor).min() < PIVOT:
        return 0.0
    sign = np.sign(target[free])
    step = solved(factor, scale, -(slope[free] + l1[free] * sign))
    end = np.where(step > 0.0, high[free], low[free])
    end = np.where((l1[free] > 0.0) & (step * sign < 0.0), 0.0, end)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(step == 0.0, np.inf, (end - target[free]) / step)
    size = min(1.0, float(reach.min()))
    new = np.where(reach <= size, end, target[free] + size * step)
    slope += hess[:, free] @ (new - target[free])
    target[free] = new
    return size


def damped(damping: float, size: float) -> float:
    """Return the next damping: more where a model promised too much, less where it was right.

    ``size`` is the share of the step to the model's minimum that was taken.
    """
    if size < 0.3:
        return max(DAMPING_UP * damping, DAMPING)
    if size < 1.0:
        return damping
    return DAMPING_DOWN * damping if damping > 1e-3 * DAMPING else 0.0
