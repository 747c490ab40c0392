"""The quadratic model whose minimum Newton's method goes to, and how it is damped."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from .._kernels.cholesky import factored, solved
from .._kernels.descent import descend
from ..coordinates import Coordinates

#: accuracy and length of coordinate descent on the model
SWEEP_TOL, SWEEPS = 1e-8, 1000
#: where that was too short and features are few, how often the free parameters are solved for
#: together, and how many sweeps follow each time
SOLVED_ENTRIES, MOST_SOLVES, SWEEPS_BETWEEN = 5_000_000, 20, 10
#: the share of its curvature below which a change that all classes have in common has none
IN_COMMON = 1e-9
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

    Parameters
    ----------
    hess : ndarray of shape (n_groups, size, size)
        With the ridge; of shape (1, size, size) where all raw columns share it.
    space : Coordinates
    ridge : ndarray of shape (1 or n_raw, n_features)
        The penalty's part of the diagonal.
    shared : bool
        Whether raw columns have one matrix in common.
    invariant : bool
        Whether a joint loss is known to be the same where all scores of a row are raised alike; one
        of one's own may have a slope where it does not bend.
    """

    def __init__(
        self,
        hess: np.ndarray,
        space: Coordinates,
        ridge: np.ndarray,
        *,
        shared: bool = False,
        invariant: bool = True,
    ) -> None:
        self.hess, self.space, self._ridge = hess, space, ridge
        self.groups = space.n_raw if shared else len(hess)
        self._in_common = None
        if self.groups < space.n_raw:
            self._in_common = _in_common(hess[0], ridge, space.n_raw)
            self._levels = None if invariant else _own_bends(hess[0], space.n_raw).max(axis=0)
        self.solves = min(SOLVED_ENTRIES // hess.shape[1] ** 3, MOST_SOLVES)
        self.damping = 0.0
        self._factors: list[tuple] | None = None

    def damp(self, damping: float, bends: Callable[[], np.ndarray]) -> None:
        """Add so many times ``bends()``, a flat vector, to the diagonal, which shortens steps."""
        if damping != self.damping:
            at = np.arange(self.hess.shape[1])
            own = self.columns(bends())[: len(self.hess)]  # alike in groups that share a matrix
            self.hess[:, at, at] += (damping - self.damping) * own
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
        return self.space.columns(vector).reshape(self.groups, -1)

    def flat(self, columns: np.ndarray) -> np.ndarray:
        """Return what `columns` was made of."""
        return self.space.flat(columns.reshape(self.space.n_raw, -1))

    def newton(self, u: np.ndarray, grad: np.ndarray) -> np.ndarray:
        """Return the step from ``u`` to the minimum of the model without a rest."""
        if self._factors is None:
            self._factors = [factored(hess) for hess in self.hess]
        columns = self.columns(-grad)
        factors = self._for_groups(self._factors)
        steps = [solved(*f, column) for f, column in zip(factors, columns, strict=True)]
        direction = self.flat(np.array(steps))
        if self._in_common is None:
            return direction
        # a softmax says nothing of what all classes have in common, and the solution rounding
        free, penalised = self._in_common
        steps, at = self.space.columns(direction), self.space.columns(u)
        if self._levels is not None:
            slope = self.space.columns(grad)
            slope[:, : self._ridge.shape[1]] -= self._ridge * at[:, : self._ridge.shape[1]]
            free = free & (np.abs(slope.sum(axis=0)) <= IN_COMMON * self._levels)
        to_zero = np.where(penalised, -at.mean(axis=0), 0.0)
        steps[:, free] += (to_zero - steps.mean(axis=0))[free]
        return self.space.flat(steps)

    def descend(self, u: np.ndarray, grad: np.ndarray, rest: tuple) -> tuple[np.ndarray, float]:
        """Return the minimum of the model and ``rest``, and the model's change up to there."""
        target, slope = self.columns(u), self.columns(grad)
        bounds = [self.columns(part) for part in rest]
        for row, hess in enumerate(self._for_groups(self.hess)):
            own = [np.ascontiguousarray(part[row]) for part in bounds]
            self._descend(hess, slope[row], target[row], *own)
        target = self.flat(target)
        return target, 0.5 * float((target - u) @ (grad + self.flat(slope)))

    def _for_groups(self, matrices: Sequence) -> Iterable:
        return itertools.repeat(matrices[0], self.groups) if len(matrices) == 1 else matrices

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


def _in_common(hess: np.ndarray, ridge: np.ndarray, n_raw: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for which features a change common to all classes changes nothing but the penalty.

    And of these, which are penalised; both with the intercept, if there is one.
    """
    blocks = hess.reshape(n_raw, -1, n_raw, hess.shape[0] // n_raw)
    bent = np.einsum("cjej->cj", blocks)
    bent[:, : ridge.shape[1]] -= ridge
    own, alike = _own_bends(hess, n_raw), np.ones(blocks.shape[1], dtype=bool)
    alike[: ridge.shape[1]] = (ridge == ridge[0]).all(axis=0)
    penalised = np.zeros(len(alike), dtype=bool)
    penalised[: ridge.shape[1]] = ridge[0] > 0.0
    return alike & (np.abs(bent) <= IN_COMMON * own).all(axis=0), penalised


def _own_bends(hess: np.ndarray, n_raw: int) -> np.ndarray:
    # The diagonal, class by class.
    return np.diagonal(hess).reshape(n_raw, -1)


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
