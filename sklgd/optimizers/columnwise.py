"""Raw columns that have nothing to do with each other, each trained for itself."""

from __future__ import annotations

import numpy as np

from ..objective import Problem
from .full_batch import AroundOptimizer


class Columnwise(AroundOptimizer):
    """Trains each raw column as a problem of its own, with its own steps.

    The columns of classes one against the rest, and of several targets, share the data and
    nothing else: where one needs short steps, or is done, the others need not wait [1]_.  Joint
    losses, and penalties of several columns together, are refused.

    Parameters
    ----------
    optimizer : FullBatchOptimizer
        What trains a column.

    References
    ----------
    .. [1] Rifkin and Klautau (2004). In defense of one-vs-all classification. Journal of Machine
       Learning Research 5, 101-141.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklgd import GDClassifier
    >>> from sklgd.optimizers import Columnwise, LBFGS
    >>> X, y = load_iris(return_X_y=True)
    >>> model = GDClassifier("squared_hinge", optimizer=Columnwise(LBFGS())).fit(X, y)
    >>> model.coef_.shape
    (3, 4)
    """

    def forget(self, state: dict) -> None:
        """Let each column forget."""
        for column in state.get("columns", ()):
            self.optimizer.forget(column.get("inner", {}))
            column["done"] = False

    def iterate(
        self, problem: Problem, params: np.ndarray, state: dict, lr: float, t: int
    ) -> float:
        """Take a step of each column that is not done; return the loss after it."""
        if "columns" not in state:
            _check_apart(problem)
        columns = state.setdefault("columns", [{} for _ in range(problem.n_raw)])
        for c, column in enumerate(columns):
            if column.get("done"):
                continue
            at = problem.column_params(c)
            own = params[at]
            inner = column.setdefault("inner", {})
            column["loss"], column["done"] = self._go_on(problem.column(c), own, inner, lr, t)
            params[at] = own
        state["converged"] = all(column["done"] for column in columns)
        return sum(column["loss"] for column in columns)


def _check_apart(problem: Problem) -> None:
    # Raise where columns share weights, or the penalty of all is not the sum of theirs: some tell.
    if not problem.block.model.linear:
        raise ValueError(
            "Columnwise trains each raw column for itself, and the columns of "
            f"{problem.block.model!r} share weights. Use its optimizer without Columnwise."
        )
    penalty = problem.penalty
    if penalty is None or problem.n_raw == 1:
        return
    weights = np.random.default_rng(0).normal(size=(problem.n_raw, problem.n_features))
    whole, parts = penalty.value(weights), sum(penalty.value(row) for row in weights)
    if not np.isclose(whole, parts, rtol=1e-9):
        raise ValueError(
            f"Columnwise trains each raw column for itself, and {penalty!r} is about several "
            "together. Use its optimizer without Columnwise, such as FISTA()."
        )
