"""Rules without a schedule: gradients are taken between the iterate and its mean.

Three sequences: z takes the steps, x is the weighted mean of z and the result, and gradients are
taken at y = (1 - beta) z + beta x.  ``params`` is y while training runs; x follows from y and z.
What else moves y between two steps (a proximal step) is a step of z too, whose share in x is
that of every step of z; step sizes are chosen so that this is the proximal step of z's own rate.
"""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from .._kernels.optimizers import schedule_free as _kernels
from .base import DECAY, NOT_NEGATIVE, POSITIVE, RATE, Optimizer, Rate, decay_towards

#: the share of a parameter that rounding takes up: that of many steps against a bound adds up
ROUNDING = 1e-12
SHARE = [Interval(Real, 0, 1, closed="neither")]


class _ScheduleFree(Optimizer):
    """What both rules share; slots: z, y as it was left, sum of weights, largest rate, share."""

    _beta: float

    def _begin(self, params: np.ndarray, state: np.ndarray, lr: float, t: int) -> float:
        # Shift z by what has moved y since the last step; return the new iterate's share of x.
        z, left, total, largest, share = state[:5]
        if t == 1:
            z[:] = params
        else:
            z += (params - left) / self._reach(share[0])
        largest[0] = max(largest[0], lr)
        weight = float(t) ** self.r * largest[0] ** self.weight_lr_power
        total[0] += weight
        share[0] = weight / total[0] if total[0] > 0.0 else 0.0
        return share[0]

    def _reach(self, share: float) -> float:
        # How far y goes along with a step of z.
        return 1.0 - self._beta * (1.0 - share)

    def _move(self, params: np.ndarray, direction: np.ndarray, state: np.ndarray, lr: float):
        z, left, share = state[0], state[1], state[4, 0]
        params += share * (z - params) - lr * self._reach(share) * direction
        z -= lr * direction
        left[:] = params

    def result(self, params: np.ndarray, state: np.ndarray) -> np.ndarray:
        """Return x, the mean of the iterates; y where that is the same or zero.

        A proximal step may hold y at zero or at a bound.
        """
        z = state[0] + (params - state[1]) / self._reach(state[4, 0])
        x = z + (params - z) / self._beta
        alike = np.abs(x - params) <= ROUNDING / self._beta * np.maximum(np.abs(params), np.abs(z))
        return np.where((params == 0.0) | alike, params, x)

    def restart(self, params: np.ndarray, state: np.ndarray) -> None:
        """Let all three sequences go on from ``params``."""
        state[:2] = params


class ScheduleFreeSGD(_ScheduleFree):
    r"""Gradient descent that averages its iterates while it trains, and needs no schedule.

    .. math::
        z \leftarrow z - \eta g(y), \qquad
        x \leftarrow (1 - c) x + c z, \qquad
        y = (1 - \beta) z + \beta x

    where the share c is :math:`w_t / \sum_{s \le t} w_s` with
    :math:`w_t = t^r \max_{s \le t} \eta_s^p`, as in Defazio et al. [1]_ and their package
    schedulefree, whose defaults these are.  The model's parameters are x.

    Parameters
    ----------
    learning_rate : float or Schedule, default=1.0
        The step size, usually constant or :class:`~sklgd.schedules.LinearWarmup`.
    momentum : float, default=0.9
        The :math:`\beta` above, in (0, 1).
    weight_decay : float, default=0.0
        Added to the gradient, times y, for every parameter, intercepts included.
    r : float, default=0.0
        Power of the step's number in its weight.
    weight_lr_power : float, default=2.0
        The p above: power of the largest rate in a step's weight.

    References
    ----------
    .. [1] Defazio et al. (2024). The road less scheduled. NeurIPS; arXiv:2405.15682.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import ScheduleFreeSGD
    >>> rule, params, state = ScheduleFreeSGD(), np.array([1.0]), np.zeros((5, 1))
    >>> for t in range(1, 51):
    ...     rule.step(params, 2 * params, state, lr=0.5, t=t)
    >>> rule.result(params, state).round(3) + 0.0
    array([0.])
    """

    n_slots = 5
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "momentum": SHARE,
        "weight_decay": NOT_NEGATIVE,
        "r": NOT_NEGATIVE,
        "weight_lr_power": NOT_NEGATIVE,
    }
    _kernel = _kernels.ScheduleFreeSGDKernel

    def __init__(
        self,
        learning_rate: Rate = 1.0,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        r: float = 0.0,
        weight_lr_power: float = 2.0,
    ) -> None:
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.r = r
        self.weight_lr_power = weight_lr_power

    @property
    def _beta(self) -> float:
        return self.momentum

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        self._begin(params, state, lr, t)
        self._move(params, grad + self.weight_decay * params, state, lr)

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> float:
        """Return y's share of a step of z."""
        return float(lr * self._reach(state[4, 0]))


class ScheduleFreeAdamW(_ScheduleFree):
    r"""`ScheduleFreeSGD` with the second moment of Adam for its steps.

    .. math::
        v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \qquad
        z \leftarrow z - \eta \left( g / (\sqrt{\hat v} + \epsilon) + \lambda y \right)

    and x and y as there, with :math:`\beta_1` for :math:`\beta`, as in Defazio et al. [1]_ and
    their package schedulefree, whose defaults these are.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.0025
        The step size, usually constant or :class:`~sklgd.schedules.LinearWarmup`.
    beta_1 : float, default=0.9
        Where between z and x gradients are taken, in (0, 1).
    beta_2 : float, default=0.999
        Decay of the second moment, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root of the second moment.
    weight_decay : float, default=0.0
        Share of y that a step takes off, times the learning rate, intercepts included.
    r : float, default=0.0
        Power of the step's number in its weight.
    weight_lr_power : float, default=2.0
        Power of the largest rate in a step's weight.

    References
    ----------
    .. [1] Defazio et al. (2024). The road less scheduled. NeurIPS; arXiv:2405.15682.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import ScheduleFreeAdamW
    >>> rule, params, state = ScheduleFreeAdamW(), np.array([1.0]), np.zeros((6, 1))
    >>> rule.step(params, np.array([10.0]), state, lr=0.1, t=1)
    >>> rule.result(params, state).round(6)
    array([0.9])
    """

    n_slots = 6
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "beta_1": SHARE,
        "beta_2": DECAY,
        "epsilon": POSITIVE,
        "weight_decay": NOT_NEGATIVE,
        "r": NOT_NEGATIVE,
        "weight_lr_power": NOT_NEGATIVE,
    }
    _kernel = _kernels.ScheduleFreeAdamWKernel

    def __init__(
        self,
        learning_rate: Rate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        r: float = 0.0,
        weight_lr_power: float = 2.0,
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.r = r
        self.weight_lr_power = weight_lr_power

    @property
    def _beta(self) -> float:
        return self.beta_1

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        self._begin(params, state, lr, t)
        decay_towards(state[5], self.beta_2, grad**2)
        self._move(params, grad / self._root(state, t) + self.weight_decay * params, state, lr)

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> np.ndarray:
        """Return y's share of a step of z, for each parameter."""
        return lr * self._reach(state[4, 0]) / self._root(state, t)

    def _root(self, state: np.ndarray, t: int) -> np.ndarray:
        return np.sqrt(state[5] / (1.0 - self.beta_2**t)) + self.epsilon
