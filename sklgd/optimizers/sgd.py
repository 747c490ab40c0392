"""Step rules without a second moment: plain gradient descent, with momentum, and its sign."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from .._kernels.optimizers import sgd as _kernels
from .base import DECAY, NOT_NEGATIVE, RATE, Optimizer, Rate


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


class Lion(Optimizer):
    r"""Lion: steps of one size, along the sign of a momentum.

    .. math::
        \theta \leftarrow \theta - \eta \, (\mathrm{sign}(\beta_1 m + (1 - \beta_1) g)
        + \lambda \theta), \qquad m \leftarrow \beta_2 m + (1 - \beta_2) g

    as in Chen et al. [1]_ and optax.lion, whose defaults these are but for the weight decay (0.001
    there).  A step does not tell the size of the gradient; its proximal steps are taken as if it
    were a gradient step of size :math:`\eta / |m|`, which is what it comes to where m is steady.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.0001
        How far each parameter moves in a step, or how that depends on the step's number.
    beta_1, beta_2 : float, default=0.9 and 0.99
        The momentum's share in the direction, and its decay, in [0, 1).
    weight_decay : float, default=0.0
        Share of every parameter, intercepts included, that is taken off, times the learning rate.

    References
    ----------
    .. [1] Chen et al. (2023). Symbolic discovery of optimization algorithms. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import Lion
    >>> params, state = np.array([1.0, 2.0]), np.zeros((1, 2))
    >>> Lion().step(params, np.array([10.0, -0.1]), state, lr=0.1, t=1)
    >>> params
    array([0.9, 2.1])
    """

    n_slots = 1
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "beta_1": DECAY,
        "beta_2": DECAY,
        "weight_decay": NOT_NEGATIVE,
    }
    _kernel = _kernels.LionKernel

    def __init__(
        self,
        learning_rate: Rate = 0.0001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float = 0.0,
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.weight_decay = weight_decay

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        momentum = state[0]
        direction = np.sign(self.beta_1 * momentum + (1.0 - self.beta_1) * grad)
        momentum *= self.beta_2
        momentum += (1.0 - self.beta_2) * grad
        params *= 1.0 - lr * self.weight_decay
        params -= lr * direction

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> np.ndarray:
        """Return lr over the momentum's size, for each parameter."""
        return lr / (np.abs(state[0]) + 1e-12)
