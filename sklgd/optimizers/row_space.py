"""Few rows, many features: training in the space that the rows span."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..objective import Problem
from ..penalties.base import ridge_of
from .full_batch import AroundOptimizer


class RowSpace(AroundOptimizer):
    r"""Trains no more weights than there are rows, where features are many more.

    With a ridge as penalty the weights at the minimum are sums of multiples of the rows [1]_, so
    no others need to be looked at.  In an orthonormal basis of the space that the rows span, less
    their mean :math:`m` where there is an intercept, the penalty is what it was, and the features
    are the columns of a lower triangle L, found by a Cholesky decomposition with pivots:

    .. math:: L L^T = (X - 1 m^T) (X - 1 m^T)^T, \qquad
        w = (X - 1 m^T)^T L^{-T} u, \quad \lVert w \rVert = \lVert u \rVert .

    ``optimizer`` minimises over u.  For some hundred rows it can be one that is not for thousands
    of features, such as `Newton` or `InteriorPoint`.  An iteration is one of that and the sum of
    rows that makes up the weights.

    The products of rows lose features whose units are a million times smaller than others'.  Where
    there are such, the basis is from a QR decomposition, which takes a copy of the rows.

    Parameters
    ----------
    optimizer : FullBatchOptimizer
        What minimises over u.

    References
    ----------
    .. [1] Schoelkopf, Herbrich and Smola (2001). A generalized representer theorem. COLT.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd import GDRegressor
    >>> from sklgd.optimizers import Newton, RowSpace
    >>> X = np.eye(3, 1000)
    >>> model = GDRegressor(optimizer=RowSpace(Newton()), alpha=1e-6).fit(X, [1.0, 2.0, 3.0])
    >>> model.predict(X).round(3), model.n_iter_
    (array([1., 2., 3.]), 1)
    """

    @staticmethod
    def suits(penalty: Any, model: Any) -> bool:
        """Whether the minimum is in the space of the rows: a linear model with a ridge."""
        return model.linear and bool(ridge_of(penalty))

    def iterate(
        self, problem: Problem, params: np.ndarray, state: dict, lr: float, t: int
    ) -> float:
        """Take a step of the optimizer; return the loss that it returns."""
        if not state:
            _check(problem)
            state.update(inner={}, u=problem.row_basis.from_params(problem, params))
        u = state["u"]
        loss, state["converged"] = self._go_on(problem.in_row_space, u, state["inner"], lr, t)
        params[:] = problem.row_basis.to_params(problem, u)
        return loss


def _check(problem: Problem) -> None:
    """Raise where the minimum is somewhere else."""
    if not RowSpace.suits(problem.penalty, problem.block.model):
        raise ValueError(
            "RowSpace needs a linear model and a plain L2 penalty with alpha > 0. Got "
            f"{problem.block.model!r} with {problem.penalty!r}; use optimizer='auto'."
        )
