"""Stochastic dual coordinate ascent: with an L2 penalty every loss is a problem of its slopes."""

from __future__ import annotations

import zlib
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from .._kernels import adapters
from .._kernels.base import permute
from .._kernels.dual import DualPass
from .._strategy import compose_kernel
from ..objective import Problem, fallen
from ..penalties.base import ridge_of
from .continuation import unit_of
from .full_batch import FullBatchOptimizer

#: rows that tell what the gap is at the end, where these are alike in weight, or this share of them
#: for each sweep, if more: all of them cost little then
MEASURED, MEASURED_SHARE = 4096, 1 / 32
#: arrays of the state that passes write
ARRAYS = ("slopes", "conjugates", "values", "squares", "still", "paces")
#: what is kept for another fit with the same targets
OF_TARGETS = ("checksum", "sweeps", "paces")
#: slopes that have stayed for as many visits are visited in sweeps that are multiples of these, and
#: those that have stayed for longer in multiples of the last
EVERY = (1, 1, 2, 8, 16)
#: slopes that do not rest are visited in up to so many sweeps in a row
MOST_SWEEPS = 4
#: a visit of a row's k columns takes as long as (1 + k * this) of one of them
COLUMN = 0.5


class SDCA(FullBatchOptimizer):
    r"""Stochastic dual coordinate ascent, for L2 penalties and losses of any smoothness.

    The dual variables are slopes :math:`\theta_i` of the rows' losses; with
    :math:`S = \sum_i s_i` the weights are what the slopes make of them,

    .. math:: w = -\frac{1}{\alpha S} \sum_i s_i \theta_i x_i ,

    and a visit of row i moves its slope to where the dual objective is largest along it: to the
    slope of the loss at :math:`\mathrm{argmin}_r\, \ell(y_i, r) + (r - z)^2 / (2 q)` with
    :math:`q = s_i \lVert x_i \rVert^2 / (\alpha S)` and :math:`z = x_i \cdot w + b + q \theta_i`
    [1]_.  An iteration visits the rows once, in random order, so it costs about two passes at
    most; rows whose slope stays are only read.  Where a loss has kinks they rest for a while if it
    has stayed for several visits, and an iteration visits the others up to four times if they are
    few, and column by column if of several columns' slopes few are left.  Training stops where the
    duality gap, summed up during the visits and then at their end, is small beside ``tol`` times
    what the objective has fallen by.

    A joint loss moves the slopes of a row's columns together: those of `MulticlassHinge` to the
    nearest point of a simplex [3]_, those of `LogLoss` to where one number is found by Newton's
    method, the logarithm of the sum that a softmax divides by.

    The intercept is not penalised.  Its share of q is that of a penalty
    :math:`\rho (b - b')^2 / 2` around its last value :math:`b'`, which vanishes as it converges:
    the method of multipliers for the condition that slopes sum to zero [2]_.  Its steps become
    longer while that sum hardly falls.

    It is fast where :math:`\alpha n` is not small beside the squared norms of the rows, as with
    text, and where features are many.  It starts from slopes of zero, or with ``warm_start``
    from those of the last fit, and so from no weights that are given.

    Parameters
    ----------
    intercept_ridge : float, default=0.01
        :math:`\rho` in units of the loss's curvature: small values take long steps.

    References
    ----------
    .. [1] Shalev-Shwartz and Zhang (2013). Stochastic dual coordinate ascent methods for
       regularized loss minimization. Journal of Machine Learning Research 14, 567-599.
    .. [2] Rockafellar (1976). Augmented Lagrangians and applications of the proximal point
       algorithm in convex programming. Mathematics of Operations Research 1, 97-116.
    .. [3] Keerthi et al. (2008). A sequential dual method for large scale multi-class linear SVMs.
       KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd import GDClassifier
    >>> from sklgd.optimizers import SDCA
    >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> model = GDClassifier("hinge", optimizer=SDCA(), alpha=0.1, tol=1e-6, random_state=0)
    >>> model.fit(X, [0, 0, 1, 1]).coef_.round(3)
    array([[1.]])
    """

    # The state:
    # - y: the targets;
    # - scales: how far weights and intercepts move for a slope;
    # - sweeps: the number of the next sweep, from one;
    # - left: what may be left to gain, as the last sweep saw it;
    # - those in ARRAYS: as `_kernels.dual` describes them;
    # - converged: as for `iterate`.
    knows_when = True
    _parameter_constraints: ClassVar[dict] = {
        "intercept_ridge": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, intercept_ridge: float = 0.01) -> None:
        self.intercept_ridge = intercept_ridge

    @staticmethod
    def suits(loss: Any, penalty: Any, model: Any, *, joint: bool = False) -> bool:
        """Whether the dual problem is one of these: any linear model with a ridge penalty."""
        # a loss of one's own has none that is compiled
        kernel = compose_kernel(loss, adapters.PyLoss)
        known = kernel.proximal_joint if joint else kernel.proximal
        return model.linear and known and bool(ridge_of(penalty))

    def forget(self, state: dict) -> None:
        """Keep the slopes: with other data, too, they are a place to start from.

        With the same targets the next sweeps are in another order than the first ones, and the
        intercepts, whose pace one sweep alone does not find, keep theirs.
        """
        kept = {name: state[name] for name in ("slopes", *OF_TARGETS) if name in state}
        state.clear()
        state.update(kept)

    def remaining(self, state: dict) -> float:
        """Return the gap, and what the intercepts' steps promise, where that is more."""
        return state.get("left", np.inf)

    def iterate(
        self, problem: Problem, params: np.ndarray, state: dict, lr: float, t: int
    ) -> float:
        """Visit the rows that are due; return the mean loss, each row's before its last visit."""
        if "scales" not in state:
            self._begin(problem, params, state)
        block, arrays = problem.block, [state[name] for name in ARRAYS]
        kernel = compose_kernel(block.loss, adapters.PyLoss)
        sums = _sums_of(problem, state["slopes"])
        visits = DualPass(
            problem.objective.rows, kernel, state["y"], block.weights, params, *arrays,
            sums, state["scales"], joint=block.targets.joint,
        )  # fmt: skip
        sweeps, parts = self._due(problem, state)
        seed = _seed(problem, state)
        runs = [visits.run(rows, seed, sweeps=sweeps, column=column) for column, rows in parts]
        gap, pull = np.sum(runs, axis=0)
        total = visits.total()
        state["sweeps"] += sweeps
        state["left"] = float(max(gap, pull)) / problem.weight_sum
        if problem.tol is None:
            return total / problem.weight_sum
        enough = self._enough(problem, params, total)
        promise = _promise(problem, state, sums)
        if not max(gap, pull) <= enough or promise > enough:  # not: NaN
            return total / problem.weight_sum
        # that was on the way, where each row had just been seen to, or was about to be, or rested
        some = np.empty(problem.n_rows, dtype=np.uint32)
        permute(some, problem.order, _seed(problem, state))
        most = max(MEASURED, int(MEASURED_SHARE * state["sweeps"] * problem.n_rows))
        some = some[:most] if block.weights is None else some
        gap = visits.measure(some) * problem.n_rows / len(some)
        total = visits.total()
        # what the intercepts have to gain is none of the gap's
        state["converged"] = max(gap + promise, pull) <= self._enough(problem, params, total)
        state["still"][:] = 0
        return total / problem.weight_sum

    def _due(self, problem: Problem, state: dict) -> tuple[int, list[tuple[int, np.ndarray]]]:
        """Return how many sweeps to make, of which rows in which columns: -1 stands for all.

        Where a loss has kinks many slopes stay at a bound.
        """
        rows, still, t = problem.order, state["still"], state["sweeps"]
        if problem.block.loss.smooth:
            rows = np.arange(problem.n_rows, dtype=np.uint32) if rows is None else rows.copy()
            return 1, [(-1, rows)]
        still = still if rows is None else still[rows]
        due = still <= _rests_at(t)
        either = due[:, 0] if due.shape[1] == 1 else due.any(axis=1)
        parts, n_visits = [(-1, either)], np.count_nonzero(either)
        alone = np.count_nonzero(due) / (1.0 + COLUMN * due.shape[1])
        if alone < n_visits and not problem.block.targets.joint:
            parts, n_visits = list(enumerate(due.T)), alone
        sweeps = max(1, min(MOST_SWEEPS - t % MOST_SWEEPS, int(len(due) // max(n_visits, 1))))
        numbers = ((column, np.flatnonzero(part).astype(np.uint32)) for column, part in parts)
        return sweeps, [(c, part if rows is None else rows[part]) for c, part in numbers]

    def _enough(self, problem: Problem, params: np.ndarray, total: float) -> float:
        # ``tol`` as a sum over the rows.
        objective = total / problem.weight_sum + problem.penalty_value(params)
        return problem.weight_sum * problem.tol * fallen(problem.reference, objective)

    def _begin(self, problem: Problem, params: np.ndarray, state: dict) -> None:
        block, loss = problem.block, problem.block.loss
        targets = block.targets
        suits = self.suits(loss, problem.penalty, block.model, joint=targets.joint)
        if targets.soft or not suits:
            raise ValueError(
                "SDCA needs a linear model, a plain L2 penalty with alpha > 0, and a loss of sklgd "
                "that has a proximal_slope, a joint one where it takes its columns together. "
                f"Got {loss!r} with {problem.penalty!r}; use optimizer='lbfgs' or optimizer='auto'."
            )
        y = targets.y[:, None] if targets.joint else targets.columns()
        slopes = state.get("slopes")
        shape = (len(y), targets.n_raw)
        if slopes is None or slopes.shape != shape or not np.isfinite(slopes).all():
            slopes = np.zeros(shape)
        checksum = zlib.crc32(np.ascontiguousarray(y))
        if state.get("checksum") != checksum:
            for name in OF_TARGETS:
                state.pop(name, None)
        alpha = ridge_of(problem.penalty)
        ridge = self.intercept_ridge * (loss.curvature or 1.0 / unit_of(problem))
        state["scales"] = tuple(
            1.0 / (strength * problem.weight_sum) if strength else 0.0
            for strength in (alpha, ridge if problem.has_intercept else 0.0)
        )
        params[: problem.n_weights] = self._weights(problem, slopes, state["scales"][0])
        params[:] = problem.constant_start(params)
        state["y"], state["slopes"] = y, slopes
        state["conjugates"], state["values"] = np.full(y.shape, np.nan), np.zeros(y.shape)
        state["squares"] = np.full(len(y), np.nan)
        state["still"] = np.zeros(y.shape, dtype=np.uint8)
        state["checksum"] = checksum
        state.setdefault("sweeps", 1)
        state.setdefault("paces", np.outer((1.0, 0.0, np.inf, np.nan), np.ones(targets.n_raw)))

    def _weights(self, problem: Problem, slopes: np.ndarray, scale: float) -> np.ndarray:
        # What the weights are at these slopes.
        if not slopes.any():
            return np.zeros(problem.n_weights)
        used = np.zeros(len(slopes))
        used[problem.rows] = scale
        if problem.block.weights is not None:
            used *= problem.block.weights
        return -np.asarray((slopes * used[:, None]).T @ problem.block.X).ravel()


def _promise(problem: Problem, state: dict, sums: np.ndarray) -> float:
    """Return what the objective falls by as the intercepts go to where slopes sum to zero, about.

    A slope follows an intercept as its row's weights let it; with kinks, if it is at no bound.
    """
    if not state["scales"][1]:
        return 0.0
    weights, used = problem.row_weights, problem.rows
    s = np.ones(problem.n_rows) if weights is None else weights
    give = s * state["squares"][used] * state["scales"][0]
    loss = problem.block.loss
    if loss.smooth:
        give += 1.0 / (loss.curvature or 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        follow = np.where(give > 0.0, s / give, 0.0)
        if loss.smooth:
            bends = np.full(len(sums), follow.sum())
        else:
            bends = np.broadcast_to(follow @ (state["still"][used] == 0), sums.shape)
        gains = np.where(bends > 0.0, sums**2 / bends, 0.0)
    return 0.5 * float(gains.sum())


def _sums_of(problem: Problem, slopes: np.ndarray) -> np.ndarray:
    """Return the weighted sum of each column of slopes, over the rows of the fit."""
    slopes, weights = slopes[problem.rows], problem.row_weights
    return slopes.sum(axis=0) if weights is None else weights @ slopes


def _rests_at(t: int) -> int:
    """Return for how many visits slopes have stayed, at the most, that are visited in a sweep."""
    longest = sum(t % each == 0 for each in EVERY)
    return longest - 1 if longest < len(EVERY) else 255


def _seed(problem: Problem, state: dict) -> int:
    """Return what decides the order of the next sweeps."""
    return problem.seed + (state["sweeps"] << 32)
