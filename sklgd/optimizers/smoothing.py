"""Full-batch training on losses that are not smooth."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from .full_batch import FullBatchOptimizer


class Continuation(FullBatchOptimizer):
    """Minimises ever sharper smooth versions of a loss that is not smooth.

    The loss is replaced by ``loss.smoothed(width)``, which is within O(width) of it, and the
    problem solved for a falling sequence of widths, each from the last one's solution [1]_.

    Parameters
    ----------
    optimizer : FullBatchOptimizer
        What solves the smooth problems.
    widths : tuple of float, default=(1.0, 0.1, 0.01, 0.001)
        The widths, in units of the raw predictions' scale: 1 for classification, the mean
        absolute deviation of the targets for regression.

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
        "widths": [tuple, list],
    }

    def __init__(
        self,
        optimizer: FullBatchOptimizer,
        widths: tuple[float, ...] = (1.0, 0.1, 0.01, 0.001),
    ) -> None:
        self.optimizer = optimizer
        self.widths = widths

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
        if "stage" not in state:
            state.update(stage=0, inner={}, unit=_unit(problem))
        width = self.widths[state["stage"]] * state["unit"]
        smooth = problem.with_loss(problem.block.loss.smoothed(width))
        self.optimizer.iterate(smooth, params, state["inner"], lr, t)
        if state["inner"].get("converged"):
            last = state["stage"] == len(self.widths) - 1
            state["converged"] = last
            if not last:
                space = state["inner"].get("space")
                state["stage"] += 1
                state["inner"] = {} if space is None else {"space": space}
        return problem.loss(params)


def _unit(problem: Any) -> float:
    # The scale of raw predictions: that of the targets where they are numbers, else one.
    if problem.block.loss.task == "classification":
        return 1.0
    y = problem.block.targets.y
    unit = float(np.mean(np.abs(y - np.median(y, axis=0))))
    return unit or 1.0
