"""The optimizer that chooses."""

from __future__ import annotations

import math
from typing import Any

from ..schedules import InvScaling
from .adam import Adam
from .base import Optimizer
from .continuation import Continuation
from .full_batch import FISTA, LBFGS


class Auto(Optimizer):
    """Chooses an optimizer that needs no learning rate, by the problem; ``optimizer_`` says which.

    - `LBFGS` in standardised coordinates where loss and penalty are smooth: a few dozen passes,
      whatever the units of the features.
    - `FISTA` in standardised coordinates where the penalty is not smooth (l1, elastic net, ...).
    - `Continuation` of one of the two where the loss is not smooth (hinge, absolute error, ...) or
      has sharp bends (huber): on a smooth loss that is made ever sharper.
    - `Adam`, with a decaying rate, for ``partial_fit`` and for losses that are neither smooth nor
      can be smoothed: its steps do not depend on the units of the gradient.

    It has no parameters; to set a learning rate, use ``optimizer="sgd"`` or an optimizer object.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklgd import GDRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> GDRegressor().fit(X, y).optimizer_
    LBFGS(standardize=True)
    >>> GDRegressor(penalty="l1").fit(X, y).optimizer_
    FISTA(standardize=True)
    """

    def choose(
        self, loss: Any, penalty: Any, *, model: Any, sparse: bool, incremental: bool
    ) -> Optimizer:
        """Return the optimizer for this problem."""
        if not model.linear:
            return Adam()
        if incremental:
            return Adam(learning_rate=InvScaling(0.3, power_t=0.5))
        rest = None if penalty is None else penalty.split()[1]
        has_bends = loss.smoothed(math.inf) is not None
        if loss.smooth and not has_bends:
            return LBFGS(standardize=True) if rest is None else FISTA(standardize=True)
        if has_bends:
            # sharp bends take a longer memory
            lbfgs = LBFGS(history_size=30, standardize=True)
            return Continuation(lbfgs if rest is None else FISTA(standardize=True))
        return Adam(learning_rate=InvScaling(0.05, power_t=0.5))

    def set_params(self, **params: Any) -> Auto:
        """Raise for any parameter: there is none."""
        try:
            return super().set_params(**params)
        except ValueError as error:
            raise ValueError(
                f"{error} optimizer='auto' finds its own step sizes; to set them, pass "
                "optimizer='sgd', or an object such as SGD() or Adam()."
            ) from None
