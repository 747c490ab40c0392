"""Second derivatives of a fit's objective, in the coordinates that an optimizer works in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ._kernels.curvature import Curvature
from .baseline import is_square
from .coordinates import Coordinates
from .costs import hessian_passes

if TYPE_CHECKING:
    from .objective import Problem


class Curved(NamedTuple):
    """The mean loss, and the derivatives of its sum with the penalty's smooth part.

    These are with respect to standardised parameters; ``hess`` has a matrix for each raw column,
    one that they share (`Parts`), or one for all columns of a joint loss.
    """

    loss: float
    grad: np.ndarray
    hess: np.ndarray


class Parts(NamedTuple):
    """What `SecondOrder` is made of, once for a space: it knows nothing of the problem.

    Attributes
    ----------
    space : Coordinates
    kernel : Curvature
        The compiled sums over the problem's rows in these coordinates.
    ridge : ndarray of shape (1 or n_raw, n_features)
        The second derivatives of the penalty's smooth part.
    work : float
        Multiply-adds of a row in a pass with second derivatives, about.
    shared : bool
        Whether raw columns have one matrix in common: that of a squared error and one ridge.
    """

    space: Coordinates
    kernel: Curvature
    ridge: np.ndarray
    work: float
    shared: bool

    @classmethod
    def of(cls, problem: Problem, space: Coordinates) -> Parts:
        """Return those of a problem."""
        shift = np.zeros(problem.n_features) if space.shift is None else space.shift
        ridge = np.atleast_2d(problem.smooth_curvature) / space.scale**2
        shared = problem.n_raw > 1 and is_square(problem.block.loss)
        shared = shared and bool(np.all(ridge == ridge[0]))
        kernel = Curvature(problem.objective, shift, space.factor, shared)
        work = problem.row_work * hessian_passes(problem, shared=shared)
        return cls(space, kernel, ridge[:1] if shared else ridge, work, shared)


class SecondOrder:
    """What a pass over the rows of a linear model's problem tells, in given coordinates.

    `Problem.second_order` makes it.

    Parameters
    ----------
    problem : Problem
    parts : Parts
        With ``space``, ``ridge`` and ``shared``, which are attributes here, too.
    """

    def __init__(self, problem: Problem, parts: Parts) -> None:
        self.problem = problem
        self.space, self._kernel, self.ridge, self._work, self.shared = parts
        self._sparse = problem.objective.rows.sparse

    def at(self, params: np.ndarray, u: np.ndarray) -> Curved:
        """Return loss, gradient and second derivatives at a point, in one pass.

        Parameters
        ----------
        params : ndarray of shape (p,)
            The parameters.
        u : ndarray of shape (p,)
            The same in ``space``.
        """
        problem, kernel = self.problem, self._kernel
        at = params if self._sparse else u

        def leaf(start: int, stop: int) -> tuple[float, np.ndarray]:
            return kernel.sums(at, problem.order, start, stop, problem.block_rows)

        loss, sums = problem.reduce(leaf, self._work, takes_branches=True)
        grad, hess = self._gradient(sums), self._matrices(sums)
        if problem.smooth is not None:
            smooth = np.zeros(problem.n_params)
            problem.smooth.add_gradient(problem.weights(params), problem.weights(smooth))
            smooth *= problem.unit
            grad += self.space.gradient(smooth)
        if problem.remembers:
            problem.remember(params, grad, self.space)
        return Curved(loss, grad, hess)

    def weighted(
        self, slopes: np.ndarray, bends: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return mean gradient and second derivatives for given derivatives of the rows' losses.

        Parameters
        ----------
        slopes, bends : ndarray of shape (n_rows, n_raw)
            First and second derivatives with respect to the raw predictions, times the rows'
            weights, in the order of the problem.

        Returns
        -------
        grad : ndarray of shape (p,)
            Without the penalty's.
        hess : ndarray of shape (n_raw, q, q) or None
            With the penalty's; None without ``bends``.
        """
        problem, kernel = self.problem, self._kernel

        def leaf(start: int, stop: int) -> tuple[float, np.ndarray]:
            return kernel.weighted(slopes, bends, problem.order, start, stop, problem.block_rows)

        sums = problem.reduce(leaf, None if bends is None else self._work, takes_branches=True)[1]
        return self._gradient(sums), None if bends is None else self._matrices(sums)

    def raw(self, u: np.ndarray) -> np.ndarray:
        """Return the raw predictions of the rows, shape (n_rows, n_raw)."""
        problem, kernel = self.problem, self._kernel
        at = self.space.to_params(u) if self._sparse else u
        out = np.empty((problem.n_rows, problem.n_raw))

        def leaf(start: int, stop: int) -> tuple[float, None]:
            kernel.raw(at, problem.order, start, stop, out)
            return 0.0, None

        problem.reduce(leaf, takes_branches=True)
        return out

    def length(self, u: np.ndarray, step: np.ndarray, level: float, longest: float) -> float:
        """Return how long a step the objective falls along, of one at least, by doubling.

        Parameters
        ----------
        u, step : ndarray of shape (p,)
            A point and a direction in the space.
        level : float
            The share of the slope at the point at which a length is good enough.
        longest : float
            The longest one that is tried.

        Notes
        -----
        It takes one pass over the rows, whose raw predictions are kept and tell the slope at any
        length: there should not be many.  The penalty counts as a ridge.
        """
        problem, space = self.problem, self.space
        weights, ways = problem.weights(u), problem.weights(step)
        bent = self.ridge * ways * problem.weight_sum
        at = (space.to_params(u), space.to_params(step)) if self._sparse else (u, step)
        return self._kernel.length(
            *at, (bent * weights).sum(), (bent * ways).sum(), level, longest,
            problem.order, problem.n_rows,
        )  # fmt: skip

    def _gradient(self, sums: np.ndarray) -> np.ndarray:
        """Return the gradient in sums over the rows."""
        grad = sums[: self.problem.n_params] / self.problem.weight_sum
        return self.space.gradient(grad) if self._sparse else grad

    def _matrices(self, sums: np.ndarray) -> np.ndarray:
        """Return the second derivatives in sums over the rows, with the penalty's."""
        problem = self.problem
        hess = self._kernel.matrices(sums, problem.weight_sum)
        if self._sparse:
            self._standardize(hess)
        diagonal = hess.reshape(len(hess), -1)[:, :: hess.shape[1] + 1].reshape(-1, self._kernel.q)
        diagonal[:, : problem.n_features] += self.ridge
        return hess

    def _standardize(self, hess: np.ndarray) -> None:
        """Turn second derivatives with respect to sparse rows' own weights into those in u."""
        p, q = self.problem.n_features, self._kernel.q
        scales = np.ones((hess.shape[0] * hess.shape[1] // q, q))
        scales[:, :p] = self.space.scale
        if self.space.shift is not None:
            for half in (hess, hess.swapaxes(1, 2)):
                rows = half.reshape(len(hess), -1, q, hess.shape[2])
                rows[:, :, :p] -= self.space.shift[:, None] * rows[:, :, p:]
        if self.space.still is not None:
            scales[:, self.space.still] = np.inf
        scales = scales.reshape(len(hess), -1)
        hess /= scales[:, :, None] * scales[:, None, :]


def bend_of(problem: Problem) -> float:
    """Return the curvature of the loss that others are measured by: its bound, if there is one.

    Else that at the targets, where these are raw predictions, or behind a link at the best
    constant.
    """
    loss, targets = problem.block.loss, problem.block.targets
    if loss.curvature or loss.task == "classification":
        return loss.curvature or 1.0
    y = raw = targets.columns(problem.look().rows)
    if not loss.identity_link:
        raw, free = np.zeros(y.shape), slice(problem.n_weights, problem.n_params)
        constant = problem.constant_start(np.zeros(problem.n_params))[free]
        raw += constant if constant.size else 0.0
    return float(np.mean(loss.hessian(y, raw))) or 1.0
