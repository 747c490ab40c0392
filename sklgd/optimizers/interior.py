"""A primal-dual interior point method for losses made of straight pieces."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import coordinates
from .._kernels import interior
from .._kernels.cholesky import factored, solved
from ..objective import Problem
from ..penalties.base import ridge_of
from ..second_order import SecondOrder
from .full_batch import FullBatchOptimizer, asked, look_for_outliers

#: the share of what is asked for that may be left
LEFT = 0.9
#: distance from the kinks at the start, in units of the mean distance there: from the best constant
#: on, and from the least squares fit
DISTANCE, CLOSE = 8.0, 0.5
#: the share of the way to where a variable would be zero that a step takes
REACH = 0.995
#: what slopes are multiplied by at the start, at the least
LEAST_SLOPE = 1e-3
#: a gap that is rounding, as a share of that at the start
ROUNDING = 1e-12
#: iterations in a row without gain after which rounding allows no more
PATIENCE = 5


class InteriorPoint(FullBatchOptimizer):
    r"""Primal-dual interior point method for hinges, absolute errors and their like.

    For losses that are made of straight pieces, with an L2 penalty or none, and up to several
    hundred features.  Such a loss is a sum of kinks: with :math:`t` the place of one and
    :math:`l < h` the slopes on its sides, each adds

    .. math:: \max(l z, h z) = \max_{l \le \theta \le h} \theta z = h p - l q, \qquad
        z = x \cdot w + b - t = p - q, \quad p, q \ge 0 .

    At the minimum the products :math:`p (h - \theta)` and :math:`q (\theta - l)` vanish.  An
    iteration takes a Newton step towards small products that are alike, by predictor and corrector
    [1]_: with :math:`D = p / (h - \theta) + q / (\theta - l)` it is a least squares problem of
    weights :math:`1 / D`, so it costs a pass as `Newton` does and a few cheap ones [2]_.  A dozen
    or two suffice, whatever the units of the features.  Training stops where the duality gap, the
    sum of the products, is small beside ``tol`` times what the objective has fallen by.

    Targets that are numbers start from their least squares fit, classes from the best constant.
    Raw columns share the passes and have their own steps.

    References
    ----------
    .. [1] Mehrotra (1992). On the implementation of a primal-dual interior point method. SIAM
       Journal on Optimization 2, 575-601.
    .. [2] Ferris and Munson (2002). Interior-point methods for massive support vector machines.
       SIAM Journal on Optimization 13, 783-804.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd import GDRegressor
    >>> from sklgd.optimizers import InteriorPoint
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    >>> model = GDRegressor("absolute_error", optimizer=InteriorPoint(), penalty=None, tol=1e-8)
    >>> model.fit(X, [1.0, 3.0, 5.0, 7.0, 100.0]).coef_.round(3)
    array([2.])
    """

    # The state:
    # - space, u, ridge: the coordinates, where the fit is in them, and the penalty's curvature;
    # - work: the variables, as `_kernels.interior` describes them;
    # - residual: the gradient, which is to be zero;
    # - products, left, least: the sums of the products, what is left to gain, and by rounding;
    # - done, stale, off: which columns are done, for how many steps nothing was gained, and the
    #   largest of the residual, where it is what is left;
    # - first, ordinary, converged: as for `asked` and `iterate`.
    knows_when = True

    @staticmethod
    def suits(loss: Any, penalty: Any, model: Any) -> bool:
        """Whether it is for this problem: straight pieces, a linear model and no more than L2."""
        return model.linear and loss.has_kinks and ridge_of(penalty) is not None

    def forget(self, state: dict) -> None:
        """Forget everything: it depends on the data."""
        state.clear()

    def remaining(self, state: dict) -> float:
        """Return the duality gap."""
        return float(np.sum(state["left"]))

    def iterate(
        self, problem: Problem, params: np.ndarray, state: dict, lr: float, t: int
    ) -> float:
        """Take one step of each column that is not done; return the loss after it."""
        if "work" not in state:
            self._start(problem, params, state)
        space, work, done = state["space"], state["work"], state["done"]
        second = problem.second_order(space)
        slopes, bends = np.empty((2, problem.n_rows, problem.n_raw))
        before = state["products"]
        interior.weigh(work, done, slopes, bends)
        grad, hess = second.weighted(slopes, bends)
        factors = [None if over else factored(h) for h, over in zip(hess, done, strict=True)]
        step = self._step(state, factors, grad)
        lengths = interior.follow(work, second.raw(space.flat(step)))
        after = interior.products(work, lengths)
        interior.aim(work, (after / before) ** 3 * before / (2.0 * work[0, 0].size))
        interior.weigh(work, done, slopes)
        step = self._step(state, factors, second.weighted(slopes)[0])
        lengths = interior.follow(work, second.raw(space.flat(step)))
        lengths *= np.where(done, 0.0, REACH)
        u = state["u"]
        pulls, losses = interior.move(work, lengths, step, state["ridge"], u, state["residual"])
        loss = float(losses.sum()) / problem.weight_sum
        if not np.isfinite(loss):  # as far as rounding allows
            state["converged"] = True
            return problem.loss(params)
        params[:] = space.to_params(space.flat(u))
        self._look(problem, state, pulls, loss + problem.penalty_value(params))
        return loss

    def _start(self, problem: Problem, params: np.ndarray, state: dict) -> None:
        """Choose coordinates, and variables that are not near their bounds."""
        _check(problem)
        block, weights = problem.block, problem.row_weights
        weights = 1.0 if weights is None else weights
        kinks = block.loss.kinks(block.targets.columns(problem.rows))
        at, low, high = (np.moveaxis(part, -1, 0) for part in kinks)  # (k, n_kinks, n)
        space = coordinates.standardizing(problem.look())
        second = problem.second_order(space)
        is_near = block.loss.task == "regression"
        # numbers start from their least squares fit: a start given may be too close to their kinks
        start = np.zeros_like(params) if is_near else params
        u = space.columns(space.from_params(problem.constant_start(start)))
        ridge = np.zeros_like(u)
        ridge[:, : problem.n_features] = second.ridge
        state.update(space=space, u=u, ridge=ridge, stale=0)
        work = state["work"] = np.zeros((interior.N_PLANES, *at.shape))
        work[interior.LOW], work[interior.HIGH] = weights * low, weights * high
        if is_near:
            u += self._to_least_squares(state, second, at.mean(axis=1).T, weights)
        _go_inside(work, second.raw(space.flat(u)).T[:, None] - at, is_near=is_near)
        if problem.n_params > problem.n_weights:
            _balance(work[interior.THETA])
        slopes = np.ascontiguousarray(work[interior.THETA].sum(axis=1).T)
        state["residual"] = space.columns(second.weighted(slopes)[0]) + ridge * u
        state["off"] = float(np.abs(state["residual"]).max())
        state["done"] = np.zeros(problem.n_raw, dtype=np.uint8)
        state["products"] = interior.products(work)
        state["left"] = state["products"] / problem.weight_sum
        state["least"] = ROUNDING * state["left"]
        state["first"] = problem.at_constant
        look_for_outliers(problem, state, space)

    def _to_least_squares(
        self, state: dict, second: SecondOrder, targets: np.ndarray, weights: Any
    ) -> np.ndarray:
        """Return the step to where squares are least; none where that cannot be found."""
        off = second.raw(state["space"].flat(state["u"])) - targets
        size = np.abs(off).mean(axis=0)
        size[size == 0.0] = 1.0
        bends = np.full(off.shape, 1.0 / size) * np.reshape(weights, (-1, 1))
        grad, hess = second.weighted(bends * off, bends)
        step = self._step(state, [factored(h) for h in hess], grad)
        return step if np.isfinite(step).all() else np.zeros_like(step)

    def _step(self, state: dict, factors: list, grad: np.ndarray) -> np.ndarray:
        """Return the solution of each column's system; zero where it is done."""
        step = -state["space"].columns(grad) - state["ridge"] * state["u"]
        for c, factor in enumerate(factors):
            step[c] = 0.0 if factor is None else solved(*factor, step[c])
        return step

    def _look(self, problem: Problem, state: dict, pulls: np.ndarray, total: float) -> None:
        """See which columns are done."""
        state["products"] = interior.products(state["work"])
        left = state["products"] / problem.weight_sum + pulls
        left = np.where(state["done"], state["left"], left)
        off = float(np.abs(state["residual"]).max()) if pulls.sum() > 0.1 * left.sum() else 0.0
        falls = left.sum() < 0.99 * state["left"].sum() or off < 0.99 * state["off"]
        state.update(left=left, off=off, stale=0 if falls else state["stale"] + 1)
        enough = LEFT * asked(problem, state, total) / len(left)
        state["done"] |= left <= np.maximum(enough, state["least"])
        state["converged"] = bool(state["done"].all()) or state["stale"] >= PATIENCE


def _go_inside(work: np.ndarray, above: np.ndarray, *, is_near: bool) -> None:
    """Write variables, away from their bounds, for raw predictions so far above the kinks.

    Near the minimum slopes are chosen such that both products of a kink are alike.  Far from it
    that would take those of a rare class to a bound.
    """
    distance = (CLOSE if is_near else DISTANCE) * np.abs(above).mean(axis=(1, 2), keepdims=True)
    distance[distance == 0.0] = 1.0
    above, below = np.maximum(above, 0.0) + distance, np.maximum(-above, 0.0) + distance
    share = above / (above + below) if is_near else 0.5
    work[interior.THETA] = share * work[interior.HIGH] + (1.0 - share) * work[interior.LOW]
    work[interior.ABOVE], work[interior.BELOW] = above, below


def _balance(theta: np.ndarray) -> None:
    # Make slopes of shape (k, n_kinks, n) sum to zero in each column: those of the sign that
    # prevails are made less, in place.
    sums = theta.sum(axis=(1, 2), keepdims=True)
    prevail = theta * sums > 0.0
    shares = np.sum(theta, axis=(1, 2), where=prevail, keepdims=True)
    with np.errstate(invalid="ignore"):
        factor = np.where(sums == 0.0, 1.0, 1.0 - sums / shares)
    theta *= np.where(prevail, np.maximum(factor, LEAST_SLOPE), 1.0)


def _check(problem: Problem) -> None:
    """Raise where the method does not apply."""
    loss, model = problem.block.loss, problem.block.model
    if problem.block.targets.joint or not InteriorPoint.suits(loss, problem.penalty, model):
        raise ValueError(
            "InteriorPoint needs a linear model, a plain L2 penalty or none, and a loss that has "
            f"kinks(y) and takes its columns apart. Got {loss!r} with {problem.penalty!r}; use "
            "optimizer='auto', or optimizer='newton' where the loss is smooth."
        )
