"""The schedules of scikit-learn's SGD."""

from __future__ import annotations

import math
from numbers import Real
from typing import Self

import numpy as np
from sklearn.utils._param_validation import Interval, InvalidParameterError

from .base import FINITE, RATE, STEPS, Schedule


class Constant(Schedule):
    r"""The same rate at every step.

    .. math:: \eta_t = \eta_0

    Parameters
    ----------
    eta0 : float, default=0.01
        The rate.

    Examples
    --------
    >>> from sklgd.schedules import Constant
    >>> Constant(0.1)(5)
    0.1
    """

    constant = True
    _parameter_constraints = {"eta0": [RATE]}
    _from_estimator = {"eta0": "eta0"}

    def __init__(self, eta0: float = 0.01) -> None:
        self.eta0 = eta0

    def _rate(self, t: np.ndarray) -> np.ndarray:
        return np.full(t.shape, self.eta0, dtype=np.float64)


class InvScaling(Schedule):
    r"""Decay by a power of the step, ``SGDRegressor``'s default.

    .. math:: \eta_t = \eta_0 / t^{p}

    Step 1 has the rate ``eta0``, as in scikit-learn.

    Parameters
    ----------
    eta0 : float, default=0.01
        The first rate.
    power_t : float, default=0.25
        The power p.

    Examples
    --------
    >>> from sklgd.schedules import InvScaling
    >>> InvScaling(0.1, power_t=0.5)(4)
    0.05
    """

    _parameter_constraints = {"eta0": [RATE], "power_t": [FINITE]}
    _from_estimator = {"eta0": "eta0", "power_t": "power_t"}

    def __init__(self, eta0: float = 0.01, power_t: float = 0.25) -> None:
        self.eta0 = eta0
        self.power_t = power_t

    def _rate(self, t: np.ndarray) -> np.ndarray:
        return self.eta0 / t**self.power_t


class Optimal(Schedule):
    r"""Bottou's schedule for a problem with ridge ``alpha``, ``SGDClassifier``'s default.

    .. math:: \eta_t = \frac{1}{\alpha (t_0 + t - 1)},
        \qquad t_0 = \frac{1}{\alpha \sqrt{1 / \sqrt{\alpha}}}

    t0 makes the first step no longer than the weights are expected to be; this is
    scikit-learn's t0 for every loss whose slope at raw predictions of that size is at most 1.

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength of the penalty; not 0.

    References
    ----------
    Bottou, "Stochastic Gradient Descent Tricks", in Neural Networks: Tricks of the Trade, 2012.

    Examples
    --------
    >>> from sklgd.schedules import Optimal
    >>> Optimal(alpha=1e-4)(1)
    10.0
    """

    _parameter_constraints = {"alpha": [RATE]}
    _from_estimator = {"alpha": "alpha"}

    def __init__(self, alpha: float = 1e-4) -> None:
        self.alpha = alpha

    def _rate(self, t: np.ndarray) -> np.ndarray:
        self._require_alpha()
        first = math.sqrt(1 / math.sqrt(self.alpha))
        return 1 / (1 / first + self.alpha * (t - 1))

    def validate(self) -> Self:
        super().validate()
        self._require_alpha()
        return self

    def _require_alpha(self) -> None:
        if self.alpha == 0:
            raise InvalidParameterError(
                "alpha must be > 0 since learning_rate is 'optimal'. alpha is used to compute "
                "the optimal learning rate."
            )


class Adaptive(Schedule):
    r"""A constant rate, divided whenever training stops improving.

    .. math:: \eta_t = \eta_0 \cdot s, \qquad s \leftarrow s / \mathrm{factor}

    at every plateau, until the rate is at ``min_rate`` or below and training stops.

    Parameters
    ----------
    eta0 : float, default=0.01
        The first rate.
    factor : float, default=5
        What the rate is divided by; above 1.
    min_rate : float, default=1e-6
        The rate from which a plateau ends training.
    patience : int, default=1
        Epochs without improvement that make a plateau, where ``n_iter_no_change`` is fewer.

    Examples
    --------
    >>> from sklgd.schedules import Adaptive
    >>> schedule = Adaptive(0.01)
    >>> schedule.on_plateau(1.0)
    0.2
    >>> schedule.on_plateau(1e-5)
    """

    constant = True
    _parameter_constraints = {
        "eta0": [RATE],
        "factor": [Interval(Real, 1, None, closed="neither")],
        "min_rate": [RATE],
        "patience": [STEPS],
    }
    _from_estimator = {"eta0": "eta0"}

    def __init__(
        self, eta0: float = 0.01, factor: float = 5, min_rate: float = 1e-6, patience: int = 1
    ) -> None:
        self.eta0 = eta0
        self.factor = factor
        self.min_rate = min_rate
        self.patience = patience

    @property
    def least_patience(self) -> int:
        return self.patience

    def _rate(self, t: np.ndarray) -> np.ndarray:
        return np.full(t.shape, self.eta0, dtype=np.float64)

    def on_plateau(self, scale: float) -> float | None:
        return scale / self.factor if self.eta0 * scale > self.min_rate else None
