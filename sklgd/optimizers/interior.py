"""A primal-dual interior point method for losses made of straight pieces."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .. import coordinates
from .._kernels import interior
from .._kernels.cholesky import factored, solved
from ..objective import Problem, fallen
from ..penalties.norms import is_lasso_and_ridge
from ..second_order import SecondOrder
from ._kinks import Kinks
from ._row_system import RowSystem
from ._stopping import asked, fell_back, look_for_outliers
from .full_batch import FullBatchOptimizer

#: the share of what is asked for that may be left
LEFT = 0.9
#: distance from the kinks at the start, in units of the mean distance there: from the best constant
#: on, and from the least squares fit
DISTANCE, CLOSE = 8.0, 0.5
#: the share of the way to where a variable would be zero that a step takes
REACH = 0.995
#: a gap that is rounding, as a share of that at the start
GAP_ROUNDING = 1e-12
#: iterations in a row without gain after which rounding allows no more
PATIENCE = 5
#: the share of what the objective has fallen by that may be left then
STUCK = 0.01
#: what that which may be left is multiplied by where it is not clear which weights are zero
CLEARER = 0.1
#: a corrected step this much shorter than the one that it corrects is made without the correction
SHORTER = 0.2


class InteriorPoint(FullBatchOptimizer):
    r"""Primal-dual interior point method for hinges, absolute errors and their like.

    For losses that are made of straight pieces, with an L2 or L1 penalty, both or none, and up to
    several hundred features or a few hundred rows.  Such a loss is a sum of kinks: with :math:`t`
    the place of one and :math:`l < h` the slopes on its sides, each adds

    .. math:: \max(l z, h z) = \max_{l \le \theta \le h} \theta z = h p - l q, \qquad
        z = x \cdot w + b - t = p - q, \quad p, q \ge 0 .

    At the minimum the products :math:`p (h - \theta)` and :math:`q (\theta - l)` vanish.  An
    iteration takes a Newton step towards small products that are alike, by predictor and corrector
    [1]_: with :math:`D = p / (h - \theta) + q / (\theta - l)` it is a least squares problem of
    weights :math:`1 / D`, so it costs a pass as `Newton` does and a few cheap ones [2]_.  A dozen
    or two suffice, whatever the units of the features.  An L1 norm is a sum of kinks as well, of
    weights in place of raw predictions.  Training stops where the duality gap, the sum of the
    products, is small beside ``tol`` times what the objective has fallen by; weights that an L1
    norm holds at zero become zero then.

    Targets that are numbers start from their least squares fit, classes from the best constant.
    Raw columns share the passes and have their own steps.  Where penalised features outnumber the
    rows, up to a few thousand of them, the systems are made of the rows' products instead, in an
    order of :math:`n^2 p`, and numbers, too, start from the best constant.

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
    # - kinks: those of the rows and of the weights, with their variables;
    # - residual: the gradient, which is to be zero;
    # - products, left, gap, least: the sums of the products, what is left to gain, in each column
    #   and together, and by rounding;
    # - done, stale, off: which columns are done, for how many steps nothing was gained, and the
    #   largest of the residual, where it is what is left;
    # - share: of what is asked for that may be left;
    # - first, ordinary, converged: as for `asked` and `iterate`.
    knows_when = True

    @staticmethod
    def suits(loss: Any, penalty: Any, model: Any, n_features: int) -> bool:
        """Whether it is for this problem: straight pieces, a linear model, a lasso and a ridge."""
        return model.linear and loss.has_kinks and is_lasso_and_ridge(penalty, n_features)

    def forget(self, state: dict) -> None:
        """Forget everything: it depends on the data."""
        state.clear()

    def remaining(self, state: dict) -> float:
        """Return the duality gap."""
        return state["gap"]

    def iterate(
        self, problem: Problem, params: np.ndarray, state: dict, lr: float, t: int
    ) -> float:
        """Take one step of each column that is not done; return the loss after it."""
        if "kinks" not in state:
            self._start(problem, params, state)
        space, kinks, done, u = state["space"], state["kinks"], state["done"], state["u"]
        step, lengths = self._corrected_step(problem.second_order(space), state)
        lengths *= REACH * (done == 0)
        loss = kinks.move(lengths) / problem.weight_sum
        pulls = interior.move_parameters(lengths, step, state["ridge"], u, state["residual"])
        if not np.isfinite(loss):  # as far as rounding allows
            state["converged"] = self._is_close(problem, state, problem.total(params))
            return problem.loss(params)
        params[:] = space.to_params(space.flat(u))
        total = loss + problem.penalty_value(params)
        self._look(problem, state, pulls, total)
        if state["converged"] and kinks.has_zeros:
            loss, total = self._sparsify(problem, params, state, loss, total)
        if state["converged"] and fell_back(problem, params, total):
            loss = problem.loss(params)
        return loss

    def _start(self, problem: Problem, params: np.ndarray, state: dict) -> None:
        """Choose coordinates, and variables that are not near their bounds."""
        _check(problem)
        block, weights = problem.block, problem.row_weights
        weights = 1.0 if weights is None else weights
        places = block.loss.kinks(block.targets.columns(problem.rows))
        at, low, high = (part.transpose(2, 0, 1) for part in places)  # (k, n_kinks, n)
        space = coordinates.standardizing(problem, problem.look())
        second = problem.second_order(space)
        # numbers start from their least squares fit: a start given may be too close to their kinks;
        # more features than rows fit them far too well
        of_numbers = block.loss.task == "regression"
        row_system = RowSystem(problem, space) if RowSystem.suits(problem) else None
        is_near = of_numbers and row_system is None
        start = np.zeros_like(params) if of_numbers else params
        u = space.columns(space.from_params(problem.constant_start(start)))
        ridge = np.zeros_like(u)
        ridge[:, : problem.n_features] = second.ridge
        state.update(space=space, u=u, ridge=ridge, stale=0, share=LEFT)
        if is_near:
            u += self._to_least_squares(state, second, at.mean(axis=1).T, weights)
        above = second.raw(space.flat(u)).T[:, None] - at
        distance = (CLOSE if is_near else DISTANCE) * np.abs(above).mean(axis=(1, 2), keepdims=True)
        distance[distance == 0.0] = 1.0
        bounds = weights * low, weights * high
        kinks = state["kinks"] = Kinks(
            problem, space, u, above, distance, bounds, row_system, is_near=is_near
        )
        state["residual"] = kinks.gradient(second) + ridge * u
        state["off"] = float(np.abs(state["residual"]).max())
        state["done"] = np.zeros(problem.n_raw, dtype=np.uint8)
        state["products"] = kinks.products()
        state["left"] = state["products"] / problem.weight_sum
        state["gap"] = float(state["left"].sum())
        state["least"] = GAP_ROUNDING * state["left"]
        state["first"] = problem.reference
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
        solvers = [partial(solved, *factored(h)) for h in hess]
        step = self._step(state, solvers, state["space"].columns(grad))
        return step if np.isfinite(step).all() else np.zeros_like(step)

    def _corrected_step(self, second: SecondOrder, state: dict) -> tuple[np.ndarray, np.ndarray]:
        """Return a step towards products that are alike, and how far each column can go."""
        kinks, done, before = state["kinks"], state["done"], state["products"]
        going = done == 0
        grad, solvers = kinks.systems(second, done)
        ahead = kinks.follow(second, self._step(state, solvers, grad))
        aim = (kinks.products(ahead) / before) ** 3 * before

        def aimed(columns: np.ndarray, *, corrected: bool) -> tuple[np.ndarray, np.ndarray]:
            kinks.aim(aim, columns, corrected=corrected)
            step = self._step(state, solvers, kinks.gradients(second, done))
            return step, kinks.follow(second, step)

        step, lengths = aimed(going, corrected=True)
        short = lengths < SHORTER * ahead
        if not short.any():
            return step, lengths
        return aimed(short.any(axis=0) & going, corrected=False)

    def _step(self, state: dict, solvers: list, grad: np.ndarray) -> np.ndarray:
        """Return the solution of each column's system; zero where it is done."""
        step = -grad - state["ridge"] * state["u"]
        for c, solve in enumerate(solvers):
            step[c] = 0.0 if solve is None else solve(step[c])
        return step

    def _look(self, problem: Problem, state: dict, pulls: np.ndarray, total: float) -> None:
        """See which columns are done."""
        done, before = state["done"], state["gap"]
        state["products"] = state["kinks"].products()
        left = state["products"] / problem.weight_sum + pulls
        if done.any():
            left = np.where(done, state["left"], left)
        gap = float(left.sum())
        off = float(np.abs(state["residual"]).max()) if pulls.sum() > 0.1 * gap else 0.0
        falls = gap < 0.99 * before or off < 0.99 * state["off"]
        state.update(left=left, gap=gap, off=off, stale=0 if falls else state["stale"] + 1)
        enough = state["share"] * asked(problem, state, total) / len(left)
        done |= left <= np.maximum(enough, state["least"])
        stale = state["stale"] >= PATIENCE and self._is_close(problem, state, total)
        state["converged"] = stale or bool(done.all())

    def _is_close(self, problem: Problem, state: dict, total: float) -> bool:
        """Whether no more than a useful share of the fall is left: else training goes on."""
        return self.remaining(state) <= STUCK * fallen(state["first"], total)

    def _sparsify(
        self, problem: Problem, params: np.ndarray, state: dict, loss: float, total: float
    ) -> tuple[float, float]:
        """Make weights zero that the penalty holds there; return the loss and the objective.

        Where that leaves more than is asked for, training goes on: what is zero becomes clearer.
        """
        space = state["space"]
        sparse = space.to_params(space.flat(state["kinks"].less_zeros(state["u"])))
        sparse_loss = problem.loss(sparse)
        sparse_total = sparse_loss + problem.penalty_value(sparse)
        left = sparse_total - total + self.remaining(state)
        if sparse_total <= total or left <= asked(problem, state, total):
            params[:] = sparse
            return sparse_loss, sparse_total
        if state["stale"] < PATIENCE:
            state["share"] *= CLEARER
            state["least"] *= CLEARER
            state["done"][:] = state["converged"] = False
        return loss, total


def _check(problem: Problem) -> None:
    """Raise where the method does not apply."""
    loss, model = problem.block.loss, problem.block.model
    suits = InteriorPoint.suits(loss, problem.penalty, model, problem.n_features)
    if problem.block.targets.joint or not suits:
        raise ValueError(
            "InteriorPoint needs a linear model, a penalty that is L1, L2, an elastic net or None, "
            "and a loss that has kinks(y) and takes its columns apart. Got "
            f"{loss!r} with {problem.penalty!r}; use optimizer='auto', or optimizer='newton' where "
            "the loss is smooth."
        )
