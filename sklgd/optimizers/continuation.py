"""Full-batch training on losses that are not smooth."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval

from .full_batch import FullBatchOptimizer, _scale

#: the sharpest that a smooth version becomes: beyond, its curvature drowns in rounding
SHARPEST = 1e-9
#: a smooth problem is solved to this times its width: the next one starts near its minimum
ACCURACY = 1e-6
#: how often in a row an optimizer must believe that it is done, where the curvature varies so much
PATIENCE = 5
#: what an optimizer may remember when it starts afresh
KEPT = ("space", "lipschitz", "patience")


class Continuation(FullBatchOptimizer):
    """Minimises ever sharper smooth versions of a loss that is not smooth.

    The loss is replaced by ``loss.smoothed(width)``, which is within O(width) of it, and the
    problem solved for a falling sequence of widths, each from the last one's solution [1]_, until
    loss and smooth loss differ by less than ``tol`` times the objective.

    Parameters
    ----------
    optimizer : FullBatchOptimizer
        What solves the smooth problems.
    width : float, default=1.0
        The first width, in units of the raw predictions' scale: 1 for classification, the mean
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
    >>> GDRegressor("absolute_error").fit(X, y).optimizer_
    Continuation(optimizer=LBFGS(history_size=30, standardize=True))
    """

    knows_when = True
    _parameter_constraints: ClassVar[dict] = {
        "optimizer": [FullBatchOptimizer],
        "width": [Interval(Real, 0, None, closed="neither")],
        "factor": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self, optimizer: FullBatchOptimizer, width: float = 1.0, factor: float = 0.1
    ) -> None:
        self.optimizer = optimizer
        self.width = width
        self.factor = factor

    def validate(self) -> Self:
        """Raise where a parameter is out of range."""
        super().validate()
        self.optimizer.validate()
        return self

    def forget(self, state: dict) -> None:
        """Start again from the widest: the data may be other."""
        state.clear()

    def iterate(self, problem: Any, params: np.ndarray, state: dict, lr: float, t: int) -> float:
        """Take one step on the current smooth problem; return the loss itself after it."""
        if not state:
            inner = {"patience": PATIENCE}
            state.update(width=self.width, inner=inner, unit=unit_of(problem), total=np.inf)
        width = state["width"]
        rounded = problem.block.loss.smoothed(width * state["unit"])
        if rounded is None:  # the loss itself is as smooth as that
            state["inner"].pop("patience", None)
            loss = self.optimizer.iterate(problem, params, state["inner"], lr, t)
            state["converged"] = state["inner"].get("converged", False)
            return loss
        smooth = problem.with_loss(rounded)
        smooth.tol = max(problem.tol or 0.0, ACCURACY * width)
        smooth_loss = self.optimizer.iterate(smooth, params, state["inner"], lr, t)
        loss = problem.loss(params)
        if state["inner"].get("converged"):
            total = smooth_loss + problem.penalty_value(params)
            self._go_on(state, total, abs(loss - smooth_loss), smooth.tol, problem.tol)
        return loss

    def _go_on(
        self, state: dict, total: float, gap: float, smooth_tol: float, tol: float | None
    ) -> None:
        """Start afresh on the same smooth problem; where that has not helped, on a sharper one."""
        inner = state["inner"]
        first = inner.get("first", total)
        done = state["total"] - total <= _scale(smooth_tol, total, first)
        state["total"] = total
        if done:
            close = smooth_tol == tol and gap <= _scale(tol, total, first)
            state["converged"] = close or state["width"] <= SHARPEST
            state["width"] = max(self.factor * state["width"], SHARPEST)
            state["total"] = np.inf
        state["inner"] = {name: inner[name] for name in KEPT if name in inner}


def unit_of(problem: Any) -> float:
    """Return the scale of raw predictions: that of the targets where they are numbers, else one."""
    if problem.block.loss.task == "classification":
        return 1.0
    y, weights = problem.block.targets.y, problem.block.weights
    if problem.order is not None:
        y, weights = y[problem.order], None if weights is None else weights[problem.order]
    mean = np.average(y, axis=0, weights=weights)
    unit = float(np.mean(np.average(np.abs(y - mean), axis=0, weights=weights)))
    return unit or 1.0
