"""Adam and its kin: steps scaled by decaying moments of the gradient."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .._kernels.optimizers import adam as _kernels
from .base import DECAY, NOT_NEGATIVE, POSITIVE, RATE, Optimizer, Rate, decay_towards


class Adam(Optimizer):
    r"""Adam: steps scaled by running moments of the gradient.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \qquad
        \theta \leftarrow \theta - \eta \hat m / (\sqrt{\hat v} + \epsilon)

    with :math:`\hat m = m / (1 - \beta_1^t)` and :math:`\hat v = v / (1 - \beta_2^t)` [1]_, or
    m and v themselves without ``bias_correction``.  Defaults as in the paper and torch.optim.Adam,
    whose AMSGrad this is too (the largest v so far, before the correction) [2]_.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.001
        The step size, or how it depends on the step's number.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the first and of the second moment, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root of the second moment.
    amsgrad : bool, default=False
        Whether the second moment may never shrink.
    bias_correction : bool, default=True
        Whether the moments are corrected for having started at zero.

    References
    ----------
    .. [1] Kingma and Ba (2015). Adam: a method for stochastic optimization. ICLR.
    .. [2] Reddi, Kale and Kumar (2018). On the convergence of Adam and beyond. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import Adam
    >>> params, state = np.array([1.0, 2.0]), np.zeros((2, 2))
    >>> Adam().step(params, np.array([10.0, 0.0]), state, lr=0.1, t=1)
    >>> params.round(6)
    array([0.9, 2. ])
    """

    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "beta_1": DECAY,
        "beta_2": DECAY,
        "epsilon": NOT_NEGATIVE,
        "amsgrad": ["boolean"],
        "bias_correction": ["boolean"],
    }
    _kernel = _kernels.AdamKernel

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        bias_correction: bool = True,
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self.bias_correction = bias_correction

    @property
    def n_slots(self) -> int:
        """Two moments, and with AMSGrad the largest second moment."""
        return 3 if self.amsgrad else 2

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        first, second = state[0], state[1]
        decay_towards(first, self.beta_1, grad)
        decay_towards(second, self.beta_2, grad**2)
        if self.amsgrad:
            np.maximum(state[2], second, out=state[2])
        rate = lr / (1.0 - self.beta_1**t) if self.bias_correction else lr
        params -= rate * first / self._root(state, t)

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> np.ndarray:
        """Return lr over the root of the second moment, for each parameter."""
        return lr / self._root(state, t)

    def _root(self, state: np.ndarray, t: int) -> np.ndarray:
        root = np.sqrt(state[2] if self.amsgrad else state[1])
        if self.bias_correction:
            root = root / np.sqrt(1.0 - self.beta_2**t)
        return root + self.epsilon


class AdamW(Adam):
    r"""Adam with weight decay beside the gradient instead of in it.

    .. math:: \theta \leftarrow (1 - \eta \lambda) \, \theta, \qquad \text{then Adam's step}

    as in Loshchilov and Hutter [1]_, scaled by the learning rate and with the defaults of
    torch.optim.AdamW.  The decay is a part of the rule, not of the objective: it takes every
    parameter, intercepts included, and nothing of it shows in ``history_``.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.001
        The step size, or how it depends on the step's number.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the first and of the second moment, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root of the second moment.
    amsgrad : bool, default=False
        Whether the second moment may never shrink.
    bias_correction : bool, default=True
        Whether the moments are corrected for having started at zero.
    weight_decay : float, default=0.01
        Share of every parameter that a step takes off, times the learning rate.

    References
    ----------
    .. [1] Loshchilov and Hutter (2019). Decoupled weight decay regularization. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import AdamW
    >>> params, state = np.array([1.0, 2.0]), np.zeros((2, 2))
    >>> AdamW(weight_decay=0.5).step(params, np.array([10.0, 0.0]), state, lr=0.1, t=1)
    >>> params.round(6)
    array([0.85, 1.9 ])
    """

    _parameter_constraints: ClassVar[dict] = Adam._parameter_constraints | {
        "weight_decay": NOT_NEGATIVE
    }
    _kernel = _kernels.AdamWKernel

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        bias_correction: bool = True,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, bias_correction)
        self.weight_decay = weight_decay

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        params *= 1.0 - lr * self.weight_decay
        super().step(params, grad, state, lr, t)


class NAdam(Optimizer):
    r"""NAdam: Adam with Nesterov's look-ahead.

    With a momentum that grows, :math:`\mu_t = \beta_1 (1 - 0.96^{t \psi} / 2)`, and Adam's moments
    m and :math:`\hat v = v / (1 - \beta_2^t)`,

    .. math::
        \theta \leftarrow \theta - \frac{\eta}{\sqrt{\hat v} + \epsilon} \left(
        \frac{1 - \mu_t}{1 - \prod_{s \le t} \mu_s} g
        + \frac{\mu_{t+1}}{1 - \prod_{s \le t+1} \mu_s} m \right)

    as in Dozat [1]_ and torch.optim.NAdam, whose defaults these are.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.002
        The step size, or how it depends on the step's number.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the first and of the second moment, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root of the second moment.
    momentum_decay : float, default=0.004
        The :math:`\psi` above.

    References
    ----------
    .. [1] Dozat (2016). Incorporating Nesterov momentum into Adam. ICLR workshop.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import NAdam
    >>> params, state = np.array([1.0, 2.0]), np.zeros((3, 2))
    >>> NAdam().step(params, np.array([10.0, 0.0]), state, lr=0.1, t=1)
    >>> params.round(6)
    array([0.894355, 2.      ])
    """

    n_slots = 3
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "beta_1": DECAY,
        "beta_2": DECAY,
        "epsilon": POSITIVE,
        "momentum_decay": NOT_NEGATIVE,
    }
    _kernel = _kernels.NAdamKernel

    def __init__(
        self,
        learning_rate: Rate = 0.002,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        momentum_decay: float = 0.004,
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.momentum_decay = momentum_decay

    def _momentum(self, t: int) -> float:
        return self.beta_1 * (1.0 - 0.5 * 0.96 ** (t * self.momentum_decay))

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        first, second, product = state[0], state[1], state[2]
        now, ahead = self._momentum(t), self._momentum(t + 1)
        product[0] = now if t == 1 else product[0] * now
        decay_towards(first, self.beta_1, grad)
        decay_towards(second, self.beta_2, grad**2)
        share = (1.0 - now) / (1.0 - product[0])
        look = ahead / (1.0 - product[0] * ahead)
        params -= self.step_sizes(state, lr, t) * (share * grad + look * first)

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> np.ndarray:
        """Return lr over the root of the second moment, for each parameter."""
        return lr / (np.sqrt(state[1] / (1.0 - self.beta_2**t)) + self.epsilon)


class RAdam(Optimizer):
    r"""RAdam: Adam whose early steps are shortened by how little is known of the second moment.

    With :math:`\rho_\infty = 2 / (1 - \beta_2) - 1` and
    :math:`\rho_t = \rho_\infty - 2 t \beta_2^t / (1 - \beta_2^t)`, Adam's step is taken times

    .. math::
        r_t = \sqrt{\frac{(\rho_t - 4) (\rho_t - 2) \rho_\infty}
        {(\rho_\infty - 4) (\rho_\infty - 2) \rho_t}}

    where :math:`\rho_t > 5`, and a step :math:`\eta \hat m` before that, as in Liu et al. [1]_ and
    torch.optim.RAdam, whose defaults these are; :math:`\epsilon` is added to :math:`\sqrt v` before
    its correction.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.001
        The step size, or how it depends on the step's number.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the first and of the second moment, in [0, 1).
    epsilon : float, default=1e-8
        Added to the root of the second moment, before the correction.

    References
    ----------
    .. [1] Liu et al. (2020). On the variance of the adaptive learning rate and beyond. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import RAdam
    >>> params, state = np.array([1.0, 2.0]), np.zeros((2, 2))
    >>> RAdam().step(params, np.array([10.0, 0.0]), state, lr=0.1, t=1)
    >>> params.round(6)
    array([0., 2.])
    """

    n_slots = 2
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "beta_1": DECAY,
        "beta_2": DECAY,
        "epsilon": POSITIVE,
    }
    _kernel = _kernels.RAdamKernel

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def _rectified(self, lr: float, t: int) -> float | None:
        # The step for each unit of m / (sqrt(v) + epsilon); None where v is not to be trusted.
        decayed = self.beta_2**t
        limit = 2.0 / (1.0 - self.beta_2) - 1.0
        length = limit - 2.0 * t * decayed / (1.0 - decayed)
        if length <= 5.0:
            return None
        ratio = (length - 4.0) * (length - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * length)
        return lr * np.sqrt((1.0 - decayed) * ratio)

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        first, second = state[0], state[1]
        decay_towards(first, self.beta_1, grad)
        decay_towards(second, self.beta_2, grad**2)
        params -= self.step_sizes(state, lr, t) * first / (1.0 - self.beta_1**t)

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> float | np.ndarray:
        """Return lr at first, later the rectified lr over the root of the second moment."""
        rate = self._rectified(lr, t)
        return lr if rate is None else rate / (np.sqrt(state[1]) + self.epsilon)


class Adamax(Optimizer):
    r"""Adamax: Adam with the largest gradient of late in place of the second moment.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
        u \leftarrow \max(\beta_2 u, |g| + \epsilon), \qquad
        \theta \leftarrow \theta - \frac{\eta}{1 - \beta_1^t} \frac{m}{u}

    as in Kingma and Ba [1]_ and torch.optim.Adamax, whose defaults these are.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.002
        The step size, or how it depends on the step's number.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the first and of the second moment, in [0, 1).
    epsilon : float, default=1e-8
        Added to the size of each gradient.

    References
    ----------
    .. [1] Kingma and Ba (2015). Adam: a method for stochastic optimization. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import Adamax
    >>> params, state = np.array([1.0, 2.0]), np.zeros((2, 2))
    >>> Adamax().step(params, np.array([10.0, 0.0]), state, lr=0.1, t=1)
    >>> params.round(6)
    array([0.9, 2. ])
    """

    n_slots = 2
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "beta_1": DECAY,
        "beta_2": DECAY,
        "epsilon": POSITIVE,
    }
    _kernel = _kernels.AdamaxKernel

    def __init__(
        self,
        learning_rate: Rate = 0.002,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        first, largest = state[0], state[1]
        decay_towards(first, self.beta_1, grad)
        largest *= self.beta_2
        np.maximum(largest, np.abs(grad) + self.epsilon, out=largest)
        params -= lr / (1.0 - self.beta_1**t) * first / largest

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> np.ndarray:
        """Return lr over the largest gradient, for each parameter."""
        return lr / state[1]


class AdaBelief(Optimizer):
    r"""AdaBelief: Adam that scales by how far gradients are from their mean.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2) (g - m)^2 + \epsilon_r, \qquad
        \theta \leftarrow \theta - \eta \hat m / (\sqrt{\hat v} + \epsilon)

    as in Zhuang et al. [1]_ and optax.adabelief, whose decay and epsilons these are; the learning
    rate is the paper's.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.001
        The step size, or how it depends on the step's number.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the first and of the second moment, in [0, 1).
    epsilon : float, default=1e-16
        Added to the root of the second moment.
    epsilon_root : float, default=1e-16
        Added to the second moment, in every step.

    References
    ----------
    .. [1] Zhuang et al. (2020). AdaBelief optimizer: adapting stepsizes by the belief in observed
       gradients. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import AdaBelief
    >>> params, state = np.array([1.0, 2.0]), np.zeros((2, 2))
    >>> AdaBelief().step(params, np.array([10.0, 0.0]), state, lr=0.1, t=1)
    >>> params.round(6)
    array([0.888889, 2.      ])
    """

    n_slots = 2
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "beta_1": DECAY,
        "beta_2": DECAY,
        "epsilon": POSITIVE,
        "epsilon_root": NOT_NEGATIVE,
    }
    _kernel = _kernels.AdaBeliefKernel

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-16,
        epsilon_root: float = 1e-16,
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.epsilon_root = epsilon_root

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        first, second = state[0], state[1]
        decay_towards(first, self.beta_1, grad)
        decay_towards(second, self.beta_2, (grad - first) ** 2)
        second += self.epsilon_root
        params -= self.step_sizes(state, lr, t) * first / (1.0 - self.beta_1**t)

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> np.ndarray:
        """Return lr over the root of the second moment, for each parameter."""
        return lr / (np.sqrt(state[1] / (1.0 - self.beta_2**t)) + self.epsilon)
