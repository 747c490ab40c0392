"""Full-batch training on losses that are not smooth."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval

from ..baseline import scale_of_targets
from ..objective import Problem, fallen
from ..sampling import solved_sample
from ._stopping import fell_back, is_next_to_nothing
from .full_batch import AroundOptimizer, FullBatchOptimizer

#: the least width: the curvature of a sharper version drowns in rounding
SHARPEST = 1e-9
#: a smooth problem is solved until what is left is this share of how far it is from the loss
SOLVED = 0.03
#: a problem was sharp enough where the next one lowers the objective by this share of what ``tol``
#: allows, or for a smaller ``tol`` than EXACT, where it is no farther from the loss
FALL, EXACT = 0.1, 1e-5
#: what damped steps may promise, and fresh starts have gained, at the end where thresholds pull
#: weights to zero along which the loss hardly bends, as a share of that
TIMID = 0.1
#: the least ``tol`` of a smooth problem, in units of its width
ACCURACY = 1e-6
#: the first width after a sample, in units of how far off its raw predictions are expected to be
CLOSE = 0.5


class Continuation(AroundOptimizer):
    """Minimises ever sharper smooth versions of a loss that is not smooth.

    The loss is replaced by ``loss.rounded(width)``, which is within O(width) of it, and the
    problem solved for a falling sequence of widths, each from the last one's solution [1]_ and as
    exactly as the smooth loss is the loss.  Training stops where a sharper problem lowers the
    objective by no more than ``tol`` times what it has fallen by since the best constant.  With
    many rows it starts at the minimum for a sample of them.

    Parameters
    ----------
    optimizer : FullBatchOptimizer
        What solves the smooth problems.
    width : float, default=1.0
        The first width, in units of the raw predictions' scale: 1 for classification, the median
        absolute deviation of the targets for regression.
    factor : float, default=0.1
        What a width is multiplied by to give the next, between 0 and 1.

    References
    ----------
    .. [1] Nesterov (2005). Smooth minimization of non-smooth functions. Mathematical Programming
       103, 127-152.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklgd import GDRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> GDRegressor("huber").fit(X, y).optimizer_
    Continuation(optimizer=Newton())
    """

    # The state:
    # - width, inner: of the current smooth problem, and the state of its optimizer;
    # - unit: what widths are relative to;
    # - loose: the tol that is enough for the smooth problem, since it is so far from the loss;
    # - total, restarted: the objective at the end of the last problem, and where this one was
    #   started afresh;
    # - converged: as for `iterate`.
    _parameter_constraints: ClassVar[dict] = {
        **AroundOptimizer._parameter_constraints,
        "width": [Interval(Real, 0, None, closed="neither")],
        "factor": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self, optimizer: FullBatchOptimizer, width: float = 1.0, factor: float = 0.1
    ) -> None:
        super().__init__(optimizer)
        self.width = width
        self.factor = factor

    def validate(self) -> Self:
        """Raise where a parameter is out of range."""
        super().validate()
        if isinstance(self.optimizer, Continuation):
            raise ValueError(
                "Continuation needs an optimizer of smooth problems, such as Newton(), LBFGS() or "
                f"FISTA(). Got {self.optimizer!r}."
            )
        return self

    def iterate(
        self, problem: Problem, params: np.ndarray, state: dict, lr: float, t: int
    ) -> float:
        """Take one step on the current smooth problem; return the loss itself after it."""
        if not state:
            self._start(problem, params, state)
        if "width" not in state:
            return problem.loss(params)
        width = state["width"]
        rounded = problem.block.loss.rounded(width * state["unit"])
        if rounded is None:  # the loss itself is as smooth as that
            loss, state["converged"] = self._go_on(problem, params, state["inner"], lr, t)
            return loss
        smooth = problem.with_loss(rounded)
        smooth.tol = max(problem.tol or 0.0, ACCURACY * width, state["loose"])
        smooth_loss, solved = self._go_on(smooth, params, state["inner"], lr, t)
        loss = problem.loss(params)
        left = self.optimizer.remaining(state["inner"])
        gap = abs(loss - smooth_loss)
        if solved and left == np.inf:
            left = 0.0
        # damped steps promise too little
        timid = self.optimizer.is_damped(state["inner"])
        total = loss + problem.penalty_value(params)
        state["loose"] = SOLVED * gap / (fallen(state["inner"]["first"], total) or 1.0)
        if solved or (left <= SOLVED * gap and not timid):
            self._sharpen(problem, state, total, gap, left)
        if is_next_to_nothing(problem, state["inner"], total):
            state["converged"] = True
        elif state.get("converged") and self._shrink(problem, params, state, total):
            state["converged"], loss = False, problem.loss(params)
        elif state.get("converged") and fell_back(problem, params, total):
            loss = problem.loss(params)
        return loss

    def _start(self, problem: Problem, params: np.ndarray, state: dict) -> None:
        """Begin at the best constant, which progress is measured from, or near the minimum.

        With many rows that is the minimum for a sample of them.
        """
        params[:] = problem.constant_start(params)
        first = problem.falls_from(params)
        inner = {"first": first, "restarts": True}
        self.optimizer.begin_near(inner)
        # a constant that cannot be bettered, within all tubes, say; smooth problems would leave it
        if first == 0.0 and not problem.residual(params).any():
            state["converged"] = True
            return
        unit, width = unit_of(problem), self.width
        bend = problem.block.loss.curvature or 1.0 / unit
        solved = solved_sample(self, problem, params, bend, {})
        if solved is not None and problem.total(solved.params) < first:
            params[:] = solved.params
            width = min(width, CLOSE * (problem.n_features / solved.problem.n_rows) ** 0.5)
        state.update(width=width, inner=inner, unit=unit, total=first, loose=0.0)
        state["restarted"] = np.inf

    def _shrink(self, problem: Problem, params: np.ndarray, state: dict, total: float) -> bool:
        """Halve the parameters as long as that lowers the objective by enough; say whether it did.

        Where classes are told apart with more than the margin, losses are flat, and models of them
        know of no way down along which an L1 norm falls and scores keep their signs.
        """
        block, rest = problem.block, problem.rest_value(params)
        if block.loss.task != "classification" or not block.model.linear or 2.0 * rest <= total:
            return False
        least, best = total, params
        while (value := problem.total(0.5 * best)) < least:
            least, best = value, 0.5 * best
        if total - least <= _enough(problem, state, total):
            return False
        params[:] = best
        state["total"] = least
        return True

    def _sharpen(
        self, problem: Problem, state: dict, total: float, gap: float, left: float
    ) -> None:
        """Go on with a sharper problem, or stop where that would not lower the objective."""
        tol, inner, enough = problem.tol, state["inner"], _enough(problem, state, total)
        kept = ("restarts", *self.optimizer.kept)
        state["inner"] = {name: inner[name] for name in kept if name in inner}
        exact = _is_exact(problem)
        gained = gap if exact else abs(state["total"] - total)
        done = max(min(gained, gap), left) <= enough
        timid = self.optimizer.is_damped(inner)
        if timid and problem.rest is not None:
            enough *= TIMID
            done = done and left <= enough
        if exact or timid:
            # damped steps promise too little: a fresh start on the same problem tells what is left
            before, state["restarted"] = state["restarted"], total
            if before - total > 0.1 * enough:
                return
            state["restarted"] = np.inf
        state["converged"] = tol is not None and (done or state["width"] <= SHARPEST)
        state["total"] = total
        state["width"] = max(self.factor * state["width"], SHARPEST)


def _enough(problem: Problem, state: dict, total: float) -> float:
    # By how much a sharper problem has to lower an objective to be worth it; 0 without ``tol``.
    return FALL * problem.tol * fallen(state["inner"]["first"], total) if problem.tol else 0.0


def _is_exact(problem: Problem) -> bool:
    # Whether so much is asked for that no smooth problem will do.
    return problem.tol is None or problem.tol < EXACT


def unit_of(problem: Problem) -> float:
    """Return the scale of raw predictions in a problem: see `scale_of_targets`."""
    block = problem.block
    return scale_of_targets(block.loss, block.targets.y[problem.rows], problem.row_weights)
