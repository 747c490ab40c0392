"""Step rules: plain and adaptive stochastic gradient descent."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval

from .._kernels import optimizers as _kernels
from .base import DECAY, RATE, Optimizer, Rate


class SGD(Optimizer):
    r"""Stochastic gradient descent, with momentum or without.

    With :math:`\mu` the momentum,

    .. math:: v \leftarrow \mu v + g, \qquad \theta \leftarrow \theta - \eta v,

    or :math:`\theta \leftarrow \theta - \eta (g + \mu v)` with Nesterov's look-ahead, as in
    Sutskever et al. [1]_ and torch.optim.SGD.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.01
        The step size, or how it depends on the step's number.
    momentum : float, default=0.0
        Share of the last step that is kept, in [0, 1).
    nesterov : bool, default=False
        Whether to take the gradient's look-ahead; needs a momentum.

    References
    ----------
    .. [1] Sutskever, Martens, Dahl and Hinton (2013). On the importance of initialization and
       momentum in deep learning. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import SGD
    >>> params = np.array([1.0, 2.0])
    >>> SGD().step(params, np.array([10.0, 0.0]), np.empty((0, 2)), lr=0.01, t=1)
    >>> params
    array([0.9, 2. ])
    """

    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "momentum": DECAY,
        "nesterov": ["boolean"],
    }
    _kernel = _kernels.SGDKernel

    def __init__(
        self, learning_rate: Rate = 0.01, momentum: float = 0.0, nesterov: bool = False
    ) -> None:
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.nesterov = nesterov

    @property
    def n_slots(self) -> int:
        """One for the momentum, where there is one."""
        return int(self.momentum > 0.0)

    def validate(self) -> Self:
        """Raise where a parameter is out of range, or Nesterov's rule has no momentum."""
        super().validate()
        if self.nesterov and self.momentum == 0.0:
            raise ValueError(
                "nesterov=True needs a momentum > 0. Got momentum=0.0; pass e.g. momentum=0.9."
            )
        return self

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        if self.n_slots == 0:
            params -= lr * grad
            return
        velocity = state[0]
        velocity *= self.momentum
        velocity += grad
        params -= lr * (grad + self.momentum * velocity if self.nesterov else velocity)

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> float:
        """Return lr / (1 - momentum): where a constant gradient's steps end up."""
        return lr / (1.0 - self.momentum)

    def auto_batch_size(self, n_samples: int, n_features: int, row_nonzeros: float) -> int:
        """Return 1 without momentum, where a step costs no more than its row."""
        if self.momentum == 0.0:
            return 1
        return super().auto_batch_size(n_samples, n_features, row_nonzeros)


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
        "epsilon": [Interval(Real, 0, None, closed="left")],
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
        first *= self.beta_1
        first += (1.0 - self.beta_1) * grad
        second *= self.beta_2
        second += (1.0 - self.beta_2) * grad**2
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
