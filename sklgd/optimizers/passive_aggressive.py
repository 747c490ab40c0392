"""Passive-aggressive steps: no longer than what a row's loss asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import StrOptions

from .._kernels.optimizers import parameter_free as _kernels
from .base import POSITIVE, Optimizer


class PassiveAggressive(Optimizer):
    r"""Passive-aggressive: each step is as long as its row's loss asks for.

    .. math::
        \theta \leftarrow \theta - \tau g, \qquad
        \tau = \frac{\ell}{\lVert g \rVert^2}, \quad
        \min \left( C, \frac{\ell}{\lVert g \rVert^2} \right) \quad \text{or} \quad
        \frac{\ell}{\lVert g \rVert^2 + 1 / (2 C)}

    for the variants ``"pa"``, ``"pa1"`` and ``"pa2"`` of Crammer et al. [1]_.  With one row a step
    (``batch_size="auto"``) and a hinge or epsilon-insensitive loss, whose gradient is the row
    itself up to its sign, that is their rule: an intercept is a feature that is one, and several
    columns share one :math:`\tau`.  It is an online rule and does not go to the minimum of the
    objective: with ``"pa1"`` and rows that cannot be fitted, C is a constant step size.  Penalties,
    a ridge too, are proximal steps of size :math:`\tau`.

    Parameters
    ----------
    C : float, default=1.0
        The longest step of ``"pa1"``; how little ``"pa2"`` is damped.
    variant : {"pa", "pa1", "pa2"}, default="pa1"
        How steps are kept from being too long for rows with noise.

    References
    ----------
    .. [1] Crammer, Dekel, Keshet, Shalev-Shwartz and Singer (2006). Online passive-aggressive
       algorithms. JMLR 7, 551-585.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sklgd import GDClassifier
    >>> from sklgd.optimizers import PassiveAggressive
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = GDClassifier("hinge", optimizer=PassiveAggressive(C=0.01), random_state=0)
    >>> model.fit(scale(X), y).score(scale(X), y) > 0.97
    True
    """

    needs_loss = True
    n_slots = 1
    composite = True
    _parameter_constraints: ClassVar[dict] = {
        "C": POSITIVE,
        "variant": [StrOptions({"pa", "pa1", "pa2"})],
    }
    _kernel = _kernels.PassiveAggressiveKernel

    def __init__(self, C: float = 1.0, variant: str = "pa1") -> None:
        self.C = C
        self.variant = variant

    @classmethod
    def from_estimator(cls, params: Mapping[str, Any]) -> Self:
        """Build the rule that scikit-learn's ``"pa1"`` and ``"pa2"`` stand for, with eta0 as C."""
        variant, C = params.get("learning_rate"), params.get("eta0")
        if variant in ("pa1", "pa2"):
            return cls(variant=variant) if C is None else cls(C, variant)
        return super().from_estimator(params)

    def step(
        self,
        params: np.ndarray,
        grad: np.ndarray,
        state: np.ndarray,
        lr: float,
        t: int,
        loss: float,
    ) -> None:
        """Move ``params`` in place, given the batch's mean loss too."""
        square = grad @ grad
        tau = 0.0
        if square > 0.0 and loss > 0.0:
            tau = loss / (square + (0.5 / self.C if self.variant == "pa2" else 0.0))
        state[0, 0] = min(tau, self.C) if self.variant == "pa1" else tau
        params -= state[0, 0] * grad

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> float:
        """Return the size of the last step."""
        return float(state[0, 0])

    def auto_batch_size(self, n_samples: int, n_features: int, row_nonzeros: float) -> int:
        """Return 1: the rule is about single rows."""
        return 1
