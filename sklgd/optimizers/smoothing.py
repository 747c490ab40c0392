"""Full-batch training on losses that are not smooth."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval

from .full_batch import FullBatchOptimizer, _scale

#: the sharpest that a smooth version becomes: beyond, its curvature drowns in rounding
SHARPEST = 1e-9
#: how often in a row an optimizer must believe that it is done, where the curvature varies so much
PATIENCE = 5
#: what holds of the next smooth problem too
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
    Continuation(optimizer=LBFGS(standardize=True))
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

    def resume(self, state: dict) -> None:
        """Start again from the widest: the data may be other."""
        state.clear()

    def iterate(self, problem: Any, params: np.ndarray, state: dict, lr: float, t: int) -> float:
        """Take one step on the current smooth problem; return the loss itself after it."""
        if not state:
            state.update(width=self.width, inner={"patience": PATIENCE}, unit=_unit(problem))
        inner, width = state["inner"], state["width"]
        smooth = problem.with_loss(problem.block.loss.smoothed(width * state["unit"]))
        # no more accurate than the smooth problem is itself
        smooth.tol = max(problem.tol or 0.0, 0.1 * width)
        smooth_loss = self.optimizer.iterate(smooth, params, inner, lr, t)
        loss = problem.loss(params)
        if inner.get("converged"):
            total = loss + problem.penalty_value(params)
            wanted = _scale(problem.tol, total, inner.get("first", total))
            sharp = width <= SHARPEST
            close = smooth.tol == problem.tol and abs(loss - smooth_loss) <= wanted
            state["converged"] = sharp or close
            if not sharp:
                state["width"] = max(self.factor * width, SHARPEST)
                state["inner"] = {name: inner[name] for name in KEPT if name in inner}
        return loss


def _unit(problem: Any) -> float:
    # The scale of raw predictions: that of the targets where they are numbers, else one.
    if problem.block.loss.task == "classification":
        return 1.0
    y = problem.block.targets.y
    unit = float(np.mean(np.abs(y - np.median(y, axis=0))))
    return unit or 1.0
