"""The kinks of a problem, with the variables of an interior point: see `InteriorPoint`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from .._kernels import interior
from .._kernels.cholesky import factored, solved
from ..coordinates import Coordinates
from ..objective import Problem
from ..second_order import SecondOrder
from ._row_system import RowSystem, Solver

#: what slopes are multiplied by at the start, at the least
LEAST_SLOPE = 1e-3
#: the share of its bound up to which the slope of a weight is not near it
NEAR_BOUND = 0.99


class Kinks:
    """The kinks of the rows' losses, and those of weights under an L1 norm.

    Parameters
    ----------
    problem : Problem
    space : Coordinates
    u : ndarray of shape (n_raw, q)
        The point to start at.
    above : ndarray of shape (n_raw, n_kinks, n_rows)
        What its raw predictions are above the kinks.
    distance : ndarray of shape (n_raw, 1, 1)
        How far from the kinks the variables start.
    bounds : tuple of two ndarrays of above's shape
        The slopes below and above the kinks, times the rows' weights.
    row_system : RowSystem or None
        What solves the systems of steps, if not the features' second derivatives.
    is_near : bool
        Whether the point is near the minimum.
    """

    # ``_rows`` and ``_weights`` are variables, as `sklgd._kernels.interior` describes them; the
    # latter are None without an L1 norm.  ``_penalised`` are the features that it is of.

    def __init__(
        self,
        problem: Problem,
        space: Coordinates,
        u: np.ndarray,
        above: np.ndarray,
        distance: np.ndarray,
        bounds: tuple[np.ndarray, np.ndarray],
        row_system: RowSystem | None,
        *,
        is_near: bool,
    ) -> None:
        self._row_system = row_system
        self._space, self._weight_sum = space, problem.weight_sum
        self._rows = _variables(*bounds, above, distance, is_near=is_near)
        if problem.has_intercept:
            _balance(self._rows[interior.THETA])
        self._weights = None
        l1 = problem.rest_bounds[0]
        if l1.any():
            self._penalised = np.flatnonzero(l1)
            slope = (problem.weight_sum * l1 / space.scale)[self._penalised]
            slope = np.broadcast_to(slope, (len(u), 1, len(slope)))
            off = u[:, None, self._penalised]
            self._weights = _variables(-slope, slope, off, distance + np.abs(off), is_near=is_near)
        # the sums of the roots of high - low
        self._roots = sum(
            np.sqrt(w[interior.HIGH] - w[interior.LOW]).sum(axis=(1, 2)) for w in self._parts()
        )

    @property
    def has_zeros(self) -> bool:
        """Whether there is an L1 norm, which makes weights zero."""
        return self._weights is not None

    def products(self, lengths: np.ndarray | None = None) -> np.ndarray:
        """Return the sum of the products of each column, after steps of so many lengths."""
        products = interior.products(self._rows, lengths)
        if self._weights is not None:
            products += interior.products(self._weights, lengths)
        return products

    def gradients(self, second: SecondOrder, done: np.ndarray) -> np.ndarray:
        """Return the right sides of a step's systems, shape (n_raw, q); zero for those ``done``."""
        slopes = [_weigh(work, done)[0] for work in self._parts()]
        return self._with_weights(second.weighted(slopes[0])[0], slopes)

    def systems(
        self, second: SecondOrder, done: np.ndarray
    ) -> tuple[np.ndarray, list[Solver | None]]:
        """Return `gradients` and what solves the system of each column, None for those ``done``."""
        parts = [_weigh(work, done, with_bends=True) for work in self._parts()]
        slopes, bends = zip(*parts, strict=True)
        grad, hess = second.weighted(slopes[0], bends[0] if self._row_system is None else None)
        p, penalty = len(self._space.scale), None
        if self._weights is not None:
            penalty = np.zeros((len(done), p))
            penalty[:, self._penalised] = bends[1].T / self._weight_sum

        def by_features(c: int) -> Solver:
            matrix = (second.weighted(slopes[0], bends[0])[1] if hess is None else hess)[c]
            if penalty is not None:
                np.einsum("jj->j", matrix)[:p] += penalty[c]
            return partial(solved, *factored(matrix))

        def solver(c: int) -> Solver:
            if self._row_system is None:
                return by_features(c)
            whole = second.ridge if penalty is None else penalty + second.ridge
            whole = np.broadcast_to(whole, (len(done), p))[c]
            return self._row_system.solver(bends[0][:, c], whole, partial(by_features, c))

        solvers = [None if over else solver(c) for c, over in enumerate(done)]
        return self._with_weights(grad, slopes), solvers

    def gradient(self, second: SecondOrder) -> np.ndarray:
        """Return the gradient of the dual variables, shape (n_raw, q)."""
        slopes = [np.ascontiguousarray(w[interior.THETA].sum(axis=1).T) for w in self._parts()]
        return self._with_weights(second.weighted(slopes[0])[0], slopes)

    def follow(self, second: SecondOrder, step: np.ndarray) -> np.ndarray:
        """Turn a step, shape (n_raw, q), into directions; return how far each column can go."""
        lengths = interior.follow(self._rows, second.raw(self._space.flat(step)))
        if self._weights is not None:
            change = np.ascontiguousarray(step[:, self._penalised].T)
            lengths = np.minimum(lengths, interior.follow(self._weights, change))
        return lengths

    def aim(self, products: np.ndarray, columns: np.ndarray, *, corrected: bool) -> None:
        """Aim at these sums of products in some columns, perhaps correct for what directions bend.

        A kink's are in proportion to the root of ``high - low``, which is between rows of a weight
        being alike and being so many rows each.
        """
        for work in self._parts():
            interior.aim(work, products / (2.0 * self._roots), columns, corrected)

    def move(self, lengths: np.ndarray) -> float:
        """Go along the directions; return the sum of the rows' losses."""
        losses = interior.move(self._rows, lengths)
        if self._weights is not None:
            interior.move(self._weights, lengths)
        return float(losses.sum())

    def less_zeros(self, u: np.ndarray) -> np.ndarray:
        """Return a point less the weights that the penalty seems to hold at zero.

        Slopes of these are inside their bounds, and those of others at one: a weight is zero where
        it is less, as a share of the largest, than its slope is off the bound.  All of a column are
        where no slope is near its bound: the largest is rounding then.
        """
        sparse = u.copy()
        weights = sparse[:, self._penalised]
        largest = np.abs(weights).max(axis=1, initial=0.0, keepdims=True)
        theta, high = self._weights[interior.THETA, :, 0], self._weights[interior.HIGH, :, 0]
        none = (np.abs(theta) <= NEAR_BOUND * high).all(axis=1, keepdims=True)
        weights[none | (np.abs(weights) * high <= largest * (high - np.abs(theta)))] = 0.0
        sparse[:, self._penalised] = weights
        return sparse

    def _with_weights(self, grad: np.ndarray, slopes: Sequence[np.ndarray]) -> np.ndarray:
        # The rows' gradient by columns, with the slopes of the weights, which come second.
        grad = self._space.columns(grad)
        if self._weights is not None:
            grad[:, self._penalised] += slopes[1].T / self._weight_sum
        return grad

    def _parts(self) -> list[np.ndarray]:
        return [self._rows] if self._weights is None else [self._rows, self._weights]


def _variables(
    low: np.ndarray, high: np.ndarray, above: np.ndarray, distance: np.ndarray, *, is_near: bool
) -> np.ndarray:
    """Return variables of kinks of these slopes, off their bounds, for what is so far above them.

    Near the minimum slopes are chosen such that both products of a kink are alike.  Far from it
    that would take those of a rare class to a bound.
    """
    work = np.zeros((interior.N_PLANES, *above.shape))
    work[interior.LOW], work[interior.HIGH] = low, high
    above, below = np.maximum(above, 0.0) + distance, np.maximum(-above, 0.0) + distance
    share = above / (above + below) if is_near else 0.5
    work[interior.THETA] = share * work[interior.HIGH] + (1.0 - share) * work[interior.LOW]
    work[interior.ABOVE], work[interior.BELOW] = above, below
    return work


def _balance(theta: np.ndarray) -> None:
    # Make slopes of shape (k, n_kinks, n) sum to zero in each column: those of the sign that
    # prevails are made less, in place.
    sums = theta.sum(axis=(1, 2), keepdims=True)
    prevail = theta * sums > 0.0
    shares = np.sum(theta, axis=(1, 2), where=prevail, keepdims=True)
    with np.errstate(invalid="ignore"):
        factor = np.where(sums == 0.0, 1.0, 1.0 - sums / shares)
    theta *= np.where(prevail, np.maximum(factor, LEAST_SLOPE), 1.0)


def _weigh(
    work: np.ndarray, done: np.ndarray, *, with_bends: bool = False
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return slopes and second derivatives of the system that a step solves, shape (n, n_raw)."""
    slopes = np.empty((work.shape[3], work.shape[1]))
    bends = np.empty_like(slopes) if with_bends else None
    interior.weigh(work, done, slopes, bends)
    return slopes, bends
