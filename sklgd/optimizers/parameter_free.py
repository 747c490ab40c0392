"""Rules that find their step sizes as they go: DoG, Prodigy and Polyak's."""

from __future__ import annotations

import math
from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from .._kernels.optimizers import parameter_free as _kernels
from .base import DECAY, NOT_NEGATIVE, POSITIVE, RATE, Optimizer, Rate, decay_towards


class DoG(Optimizer):
    r"""DoG: the step size is the distance moved over the root of the summed squared gradients.

    .. math::
        \bar r = \max_{s \le t} \lVert \theta_s - \theta_1 \rVert, \qquad
        \theta \leftarrow \theta
        - \frac{\eta \, \bar r}{\sqrt{\sum_{s \le t} \lVert g_s \rVert^2 + \epsilon}} \, g

    where :math:`\bar r` is at least :math:`r_\epsilon (1 + \lVert \theta_1 \rVert)`, as in Ivgi,
    Hinder and Carmon [1]_ and their package dog-optimizer, whose defaults these are.  Steps shrink
    only as gradients add up, so the paper wants iterates averaged: ``average`` of the estimator.

    Parameters
    ----------
    learning_rate : float or Schedule, default=1.0
        A factor for each step; the paper's c.
    initial_distance : float, default=1e-6
        The :math:`r_\epsilon` above: a first step, so small that it does no harm.
    epsilon : float, default=1e-8
        Added to the summed squares.

    References
    ----------
    .. [1] Ivgi, Hinder and Carmon (2023). DoG is SGD's best friend: a parameter-free dynamic step
       size schedule. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import DoG
    >>> params, state = np.array([0.0, 0.0]), np.zeros((3, 2))
    >>> DoG(initial_distance=0.1).step(params, np.array([3.0, 4.0]), state, lr=1.0, t=1)
    >>> params.round(6)
    array([-0.06, -0.08])
    """

    n_slots = 3
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "initial_distance": POSITIVE,
        "epsilon": POSITIVE,
    }
    _kernel = _kernels.DoGKernel

    def __init__(
        self,
        learning_rate: Rate = 1.0,
        initial_distance: float = 1e-6,
        epsilon: float = 1e-8,
    ) -> None:
        self.learning_rate = learning_rate
        self.initial_distance = initial_distance
        self.epsilon = epsilon

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        anchor, distance, total = state
        if t == 1:
            anchor[:] = params
            distance[0] = self.initial_distance * (1.0 + np.linalg.norm(params))
        else:
            distance[0] = max(distance[0], np.linalg.norm(params - anchor))
        total[0] += grad @ grad
        params -= self.step_sizes(state, lr, t) * grad

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> float:
        """Return the step size."""
        return float(lr * state[1, 0] / np.sqrt(state[2, 0] + self.epsilon))


class Prodigy(Optimizer):
    r"""Prodigy: Adam with an estimate of the distance to the solution for its step size.

    With :math:`d` the estimate, :math:`\theta_1` the start and :math:`\eta_t = d \eta`,

    .. math::
        m &\leftarrow \beta_1 m + (1 - \beta_1) d g, \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2) d^2 g^2 \\
        r &\leftarrow \beta_3 r + \tfrac{d}{d_0} \eta_t \, g^\top (\theta_1 - \theta), \qquad
        s \leftarrow \beta_3 s + \tfrac{d}{d_0} \eta_t \, g \\
        d &\leftarrow \max(d, c \, r / \lVert s \rVert_1), \qquad
        \theta \leftarrow \theta - \eta_t (m / (\sqrt v + d \epsilon) + \lambda \theta)

    where d is d_0 at first, as in Mishchenko and Defazio [1]_ and their package prodigyopt, whose
    defaults these are.

    Parameters
    ----------
    learning_rate : float or Schedule, default=1.0
        A factor for each step, such as a schedule that decays from 1.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the first and of the second moment, in [0, 1).
    beta_3 : float, default=None
        Decay of r and s; the root of ``beta_2`` if None.
    epsilon : float, default=1e-8
        Added, times d, to the root of the second moment.
    weight_decay : float, default=0.0
        The :math:`\lambda` above; it takes every parameter, intercepts included.
    d0 : float, default=1e-6
        The first estimate of the distance.
    d_coef : float, default=1.0
        The c above: a factor for each estimate.
    growth_rate : float, default=inf
        By what factor the estimate may grow in a step.
    bias_correction : bool, default=False
        Whether steps are corrected for moments that started at zero, as in Adam.
    safeguard_warmup : bool, default=False
        Whether s leaves the learning rate out, for schedules that start at tiny rates.

    References
    ----------
    .. [1] Mishchenko and Defazio (2024). Prodigy: an expeditiously adaptive parameter-free learner.
       ICML; arXiv:2306.06101.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import Prodigy
    >>> params, state = np.array([1.0, 2.0]), np.zeros((7, 2))
    >>> Prodigy(d0=0.1).step(params, np.array([10.0, 0.0]), state, lr=1.0, t=1)
    >>> params.round(6)
    array([0.683772, 2.      ])
    """

    n_slots = 7
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "beta_1": DECAY,
        "beta_2": DECAY,
        "beta_3": [*DECAY, None],
        "epsilon": POSITIVE,
        "weight_decay": NOT_NEGATIVE,
        "d0": POSITIVE,
        "d_coef": POSITIVE,
        "growth_rate": [Interval(Real, 1, None, closed="both")],
        "bias_correction": ["boolean"],
        "safeguard_warmup": ["boolean"],
    }
    _kernel = _kernels.ProdigyKernel

    def __init__(
        self,
        learning_rate: Rate = 1.0,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        beta_3: float | None = None,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        d0: float = 1e-6,
        d_coef: float = 1.0,
        growth_rate: float = math.inf,
        bias_correction: bool = False,
        safeguard_warmup: bool = False,
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.beta_3 = beta_3
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.d0 = d0
        self.d_coef = d_coef
        self.growth_rate = growth_rate
        self.bias_correction = bias_correction
        self.safeguard_warmup = safeguard_warmup

    def _corrected(self, lr: float, t: int) -> float:
        if not self.bias_correction:
            return lr
        return lr * np.sqrt(1.0 - self.beta_2**t) / (1.0 - self.beta_1**t)

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        first, second, s, anchor, d_slot, d_max, numerator = state
        beta_3 = np.sqrt(self.beta_2) if self.beta_3 is None else self.beta_3
        if t == 1:
            anchor[:] = params
            d_slot[0] = d_max[0] = self.d0
        if lr == 0.0:
            return
        d = d_slot[0]
        rate = d * self._corrected(lr, t)
        decay_towards(first, self.beta_1, d * grad)
        decay_towards(second, self.beta_2, (d * grad) ** 2)
        s *= beta_3
        s += d / self.d0 * (d if self.safeguard_warmup else rate) * grad
        distance = np.abs(s).sum()
        if distance == 0.0:
            return
        numerator[0] = beta_3 * numerator[0] + d / self.d0 * rate * (grad @ (anchor - params))
        estimate = self.d_coef * numerator[0] / distance
        if d == self.d0:
            d = max(d, estimate)
        d_max[0] = max(d_max[0], estimate)
        d_slot[0] = d = min(d_max[0], d * self.growth_rate)
        move = first / (np.sqrt(second) + d * self.epsilon)
        params -= rate * (self.weight_decay * params + move)

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> np.ndarray:
        """Return the step size over the root of the second moment, for each parameter."""
        d = state[4, 0]
        return self._corrected(lr, t) * d**2 / (np.sqrt(state[1]) + d * self.epsilon)


class PolyakSGD(Optimizer):
    r"""Gradient descent with Polyak's step size, from the loss and a bound of it.

    .. math::
        \theta \leftarrow \theta
        - \min \left( \eta, \frac{\ell - \ell^*}{\lVert g \rVert^2} \right) g

    where :math:`\ell` is the batch's mean loss, without penalty, as in Loizou et al. [1]_ and
    optax.polyak_sgd (its variant ``"sps+"``), whose defaults these are.  With a model that can fit
    every row the learning rate is only a bound; otherwise steps are too long near the minimum
    unless it decays, and then this is plain gradient descent there.  Penalties, a ridge too, are
    proximal steps of the same size.

    Parameters
    ----------
    learning_rate : float or Schedule, default=1.0
        The largest step size, or how it depends on the step's number.
    minimum : float, default=0.0
        The :math:`\ell^*` above: a bound of the loss from below.

    References
    ----------
    .. [1] Loizou, Vaswani, Laradji and Lacoste-Julien (2021). Stochastic Polyak step-size for SGD:
       an adaptive learning rate for fast convergence. AISTATS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import PolyakSGD
    >>> params, state = np.array([1.0, 2.0]), np.zeros((1, 2))
    >>> PolyakSGD().step(params, np.array([2.0, 0.0]), state, lr=1.0, t=1, loss=1.0)
    >>> params
    array([0.5, 2. ])
    """

    needs_loss = True
    n_slots = 1
    composite = True
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "minimum": [Interval(Real, None, None, closed="neither")],
    }
    _kernel = _kernels.PolyakSGDKernel

    def __init__(self, learning_rate: Rate = 1.0, minimum: float = 0.0) -> None:
        self.learning_rate = learning_rate
        self.minimum = minimum

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
        square, gap = grad @ grad, max(loss - self.minimum, 0.0)
        state[0, 0] = gap / square if gap < lr * square else lr
        params -= state[0, 0] * grad

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> float:
        """Return the size of the last step."""
        return float(state[0, 0])
