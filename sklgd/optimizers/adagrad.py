"""Rules that scale each parameter by its past gradients: AdaGrad and its kin."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from .._kernels.optimizers import adagrad as _kernels
from .base import DECAY, NOT_NEGATIVE, POSITIVE, RATE, Optimizer, Rate, decay_towards


class AdaGrad(Optimizer):
    r"""AdaGrad: a parameter's step shrinks with the gradients it has had.

    .. math::
        v \leftarrow v + g^2, \qquad \theta \leftarrow \theta - \eta g / (\sqrt v + \epsilon)

    as in Duchi, Hazan and Singer [1]_ and torch.optim.Adagrad, whose defaults these are.
    Penalties, a ridge too, are proximal steps of size :math:`\eta / (\sqrt v + \epsilon)`, the
    composite steps of that paper: v is about the loss alone, and rests where a feature is absent.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.01
        The step size, or how it depends on the step's number.
    initial_accumulator : float, default=0.0
        What v starts at.
    epsilon : float, default=1e-10
        Added to the root of v.

    References
    ----------
    .. [1] Duchi, Hazan and Singer (2011). Adaptive subgradient methods for online learning and
       stochastic optimization. JMLR 12, 2121-2159.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import AdaGrad
    >>> params, state = np.array([1.0, 2.0]), np.zeros((1, 2))
    >>> AdaGrad().step(params, np.array([10.0, 0.0]), state, lr=0.1, t=1)
    >>> params.round(6)
    array([0.9, 2. ])
    """

    n_slots = 1
    composite = True
    local = True
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "initial_accumulator": NOT_NEGATIVE,
        "epsilon": POSITIVE,
    }
    _kernel = _kernels.AdaGradKernel

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        initial_accumulator: float = 0.0,
        epsilon: float = 1e-10,
    ) -> None:
        self.learning_rate = learning_rate
        self.initial_accumulator = initial_accumulator
        self.epsilon = epsilon

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        total = state[0]
        if t == 1:
            total += self.initial_accumulator
        total += grad**2
        params -= self.step_sizes(state, lr, t) * grad

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> np.ndarray:
        """Return lr over the root of the summed squares, for each parameter."""
        return lr / (np.sqrt(state[0]) + self.epsilon)


class AdaDelta(Optimizer):
    r"""AdaDelta: steps in the units of the parameter, from the steps before.

    .. math::
        v \leftarrow \rho v + (1 - \rho) g^2, \qquad
        \delta = \frac{\sqrt{u + \epsilon}}{\sqrt{v + \epsilon}} g, \qquad
        u \leftarrow \rho u + (1 - \rho) \delta^2, \qquad
        \theta \leftarrow \theta - \eta \delta

    as in Zeiler [1]_ and torch.optim.Adadelta, whose defaults these are.

    Parameters
    ----------
    learning_rate : float or Schedule, default=1.0
        The step size, or how it depends on the step's number.
    rho : float, default=0.9
        Decay of both moments, in [0, 1).
    epsilon : float, default=1e-6
        Added to both moments: the square of a first step, where gradients are large.

    References
    ----------
    .. [1] Zeiler (2012). ADADELTA: an adaptive learning rate method. arXiv:1212.5701.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import AdaDelta
    >>> params, state = np.array([1.0, 2.0]), np.zeros((2, 2))
    >>> AdaDelta().step(params, np.array([10.0, 0.0]), state, lr=1.0, t=1)
    >>> params.round(6)
    array([0.996838, 2.      ])
    """

    n_slots = 2
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "rho": DECAY,
        "epsilon": POSITIVE,
    }
    _kernel = _kernels.AdaDeltaKernel

    def __init__(
        self,
        learning_rate: Rate = 1.0,
        rho: float = 0.9,
        epsilon: float = 1e-6,
    ) -> None:
        self.learning_rate = learning_rate
        self.rho = rho
        self.epsilon = epsilon

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        second, moved = state[0], state[1]
        decay_towards(second, self.rho, grad**2)
        move = self.step_sizes(state, 1.0, t) * grad
        decay_towards(moved, self.rho, move**2)
        params -= lr * move

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> np.ndarray:
        """Return lr times the ratio of the two roots, for each parameter."""
        return lr * np.sqrt(state[1] + self.epsilon) / np.sqrt(state[0] + self.epsilon)


class RMSprop(Optimizer):
    r"""RMSprop: steps scaled by the running second moment of the gradient.

    .. math::
        v \leftarrow \rho v + (1 - \rho) g^2, \qquad
        b \leftarrow \mu b + \frac{g}{\sqrt{v - \bar g^2} + \epsilon}, \qquad
        \theta \leftarrow \theta - \eta b

    where :math:`\bar g` is the running mean of g if ``centered``, else 0.  The rule is Tieleman and
    Hinton's [1]_; the momentum and the place of :math:`\epsilon` are those of torch.optim.RMSprop,
    the learning rate and :math:`\rho` those of Keras (0.01 and 0.99 in torch).

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.001
        The step size, or how it depends on the step's number.
    rho : float, default=0.9
        Decay of the moments, in [0, 1).
    momentum : float, default=0.0
        Share of the last step that is kept, in [0, 1).
    centered : bool, default=False
        Whether to take the variance of the gradient instead of its second moment.
    epsilon : float, default=1e-8
        Added to the root.

    References
    ----------
    .. [1] Tieleman and Hinton (2012). Lecture 6.5: RMSprop. Neural networks for machine learning,
       Coursera.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import RMSprop
    >>> params, state = np.array([1.0, 2.0]), np.zeros((1, 2))
    >>> RMSprop().step(params, np.array([10.0, 0.0]), state, lr=0.1, t=1)
    >>> params.round(6)
    array([0.683772, 2.      ])
    """

    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "rho": DECAY,
        "momentum": DECAY,
        "centered": ["boolean"],
        "epsilon": POSITIVE,
    }
    _kernel = _kernels.RMSpropKernel

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        centered: bool = False,
        epsilon: float = 1e-8,
    ) -> None:
        self.learning_rate = learning_rate
        self.rho = rho
        self.momentum = momentum
        self.centered = centered
        self.epsilon = epsilon

    @property
    def n_slots(self) -> int:
        """The second moment, and the mean and the velocity where there are such."""
        return 1 + self.centered + (self.momentum > 0.0)

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        decay_towards(state[0], self.rho, grad**2)
        if self.centered:
            decay_towards(state[1], self.rho, grad)
        move = grad / self._root(state)
        if self.momentum > 0.0:
            velocity = state[-1]
            velocity *= self.momentum
            velocity += move
            move = velocity
        params -= lr * move

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> np.ndarray:
        """Return lr / (1 - momentum) over the root, for each parameter."""
        return lr / (1.0 - self.momentum) / self._root(state)

    def _root(self, state: np.ndarray) -> np.ndarray:
        second = np.maximum(state[0] - state[1] ** 2, 0.0) if self.centered else state[0]
        return np.sqrt(second) + self.epsilon


class FTRL(Optimizer):
    r"""FTRL-proximal: AdaGrad's steps with an l1 penalty that does give zeros, one by one.

    With the curvature :math:`Q = (\beta + \sqrt n) / \eta`,

    .. math::
        n \leftarrow n + g^2, \qquad
        z \leftarrow z + g - (Q_t - Q_{t-1}) \theta, \qquad
        \theta \leftarrow \frac{\mathrm{clip}(z, -\lambda_1, \lambda_1) - z}{Q_t + 2 \lambda_2}

    as in McMahan et al. [1]_ and keras.optimizers.Ftrl, whose defaults these are but for the
    learning rate (0.001 there, with which training hardly starts).  ``l1`` and ``l2`` stand against
    the sum of all gradients, not their mean, so they fade as training goes on, unlike the
    estimator's penalty, which can be used instead or beside.  Where learning rates vary, Q does.

    Where a parameter is not zero it says what z is, :math:`-(Q_{t-1} + 2 \lambda_2) \theta -
    \lambda_1 \mathrm{sign}(\theta)`, whoever moved it, and the update is a step of size
    :math:`1 / (Q_t + 2 \lambda_2)` that stops at zero; so z is kept for :math:`\lambda_1 > 0`
    alone.  The estimator's penalty, a ridge too, is a proximal step of that size.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.1
        The step size, or how it depends on the step's number.
    l1, l2 : float, default=0.0
        Strength of the rule's own penalties, intercepts included.
    beta : float, default=0.0
        Added to the root of n.
    initial_accumulator : float, default=0.1
        What n starts at; this or beta must be positive.

    References
    ----------
    .. [1] McMahan et al. (2013). Ad click prediction: a view from the trenches. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import FTRL
    >>> params, state = np.array([1.0, 2.0]), np.zeros((2, 2))
    >>> FTRL(l1=1.0).step(params, np.array([10.0, 0.0]), state, lr=0.1, t=1)
    >>> params.round(6)
    array([0.90005, 2.     ])
    """

    composite = True
    local = True
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "l1": NOT_NEGATIVE,
        "l2": NOT_NEGATIVE,
        "beta": NOT_NEGATIVE,
        "initial_accumulator": NOT_NEGATIVE,
    }
    _kernel = _kernels.FTRLKernel

    def __init__(
        self,
        learning_rate: Rate = 0.1,
        l1: float = 0.0,
        l2: float = 0.0,
        beta: float = 0.0,
        initial_accumulator: float = 0.1,
    ) -> None:
        self.learning_rate = learning_rate
        self.l1 = l1
        self.l2 = l2
        self.beta = beta
        self.initial_accumulator = initial_accumulator

    @property
    def n_slots(self) -> int:
        """The summed squares, and z where there is an l1."""
        return 1 + (self.l1 > 0.0)

    def validate(self) -> Self:
        """Raise where a parameter is out of range, or a first step would have no bound."""
        super().validate()
        if self.beta == 0.0 and self.initial_accumulator == 0.0:
            raise ValueError(
                "FTRL needs beta > 0 or initial_accumulator > 0. Got 0 for both; pass e.g. beta=1."
            )
        return self

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        n = state[0]
        if t == 1:
            n += self.initial_accumulator
        if lr == 0.0:
            return
        n += grad**2
        size, sign, zero = self.step_sizes(state, lr, t), np.sign(params), params == 0.0
        moved = params - size * grad
        if self.l1 > 0.0:
            z, l1 = state[1], self.l1
            z[:] = np.where(zero, np.clip(z, -l1, l1), -l1 * sign - params / size) + grad
            moved = np.where(sign * moved > 0.0, moved, size * (np.clip(z, -l1, l1) - z))
        params[:] = moved

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> np.ndarray:
        """Return 1 / (Q + 2 l2), for each parameter."""
        return lr / (self.beta + np.sqrt(state[0]) + 2.0 * self.l2 * lr)


class NormalizedAdaGrad(Optimizer):
    r"""AdaGrad on features whose scales are learnt on the way: raw data, online.

    With :math:`s_j` the largest :math:`|x_j|` so far, before the prediction of each row

    .. math::
        \theta_j \leftarrow \theta_j s_j / |x_j|, \quad s_j \leftarrow |x_j|
        \quad \text{where } |x_j| > s_j > 0, \qquad
        N \leftarrow N + \sum_j x_j^2 / s_j^2,

    and then

    .. math::
        v \leftarrow v + g^2, \qquad
        \theta \leftarrow \theta - \eta \sqrt{t / N} \; \frac{g}{s \sqrt v}

    as algorithm 2 of Ross, Mineiro and Langford [1]_, which Vowpal Wabbit's default rule follows;
    its learning rate is this one's.  Predictions do not depend on the units of the features.  With
    several rows a step, s is their largest and the sum in N their mean.  An intercept is a feature
    that is one.  Penalties, a ridge too, are proximal steps in this metric.

    With ``importance_aware=True`` a step of one row of weight h follows its loss, as in [2]_ and in
    Vowpal Wabbit: with :math:`\eta_j` the step sizes above, of the row's whole gradient, the raw
    prediction r moves as endless small steps would move it,

    .. math::
        \frac{\mathrm{d} r}{\mathrm{d} u} = -\ell'(y, r), \qquad
        0 \le u \le h \sum_j \eta_j x_j^2,

    and the parameters with it.  So a large weight or a large learning rate takes the prediction to
    the target, and never beyond.  `SquaredError`, `AbsoluteError`, `Quantile`,
    `EpsilonInsensitive`, `Hinge`, `SquaredHinge` and `LogLoss`, its multinomial form excepted, are
    followed exactly; steps of other losses are the plain ones.  It needs ``batch_size=1``, which is
    what ``"auto"`` is then.

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.5
        The step size, or how it depends on the step's number.
    importance_aware : bool, default=False
        Whether steps follow the loss, instead of going along its gradient at their start.

    References
    ----------
    .. [1] Ross, Mineiro and Langford (2013). Normalized online learning. UAI; arXiv:1305.6646.
    .. [2] Karampatziakis and Langford (2011). Online importance weight aware updates. UAI;
       arXiv:1011.1576.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd import GDRegressor
    >>> from sklgd.optimizers import NormalizedAdaGrad
    >>> X = np.random.default_rng(0).standard_normal((200, 2)) * [1e-6, 1e6]
    >>> model = GDRegressor(optimizer=NormalizedAdaGrad(), penalty=None, random_state=0)
    >>> round(model.fit(X, X @ [1e6, 2e-6]).score(X, X @ [1e6, 2e-6]), 3)
    1.0
    """

    n_slots = 3
    composite = True
    local = True
    needs_rows = True
    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": RATE,
        "importance_aware": ["boolean"],
    }
    _kernel = _kernels.NormalizedAdaGradKernel

    def __init__(self, learning_rate: Rate = 0.5, importance_aware: bool = False) -> None:
        self.learning_rate = learning_rate
        self.importance_aware = importance_aware

    @property
    def follows(self) -> bool:
        """Whether steps are of one row and follow its loss."""
        return self.importance_aware

    def auto_batch_size(self, n_samples: int, n_features: int, row_nonzeros: float) -> int:
        """Return 1 where steps follow the loss of one row."""
        own = super().auto_batch_size(n_samples, n_features, row_nonzeros)
        return 1 if self.follows else own

    def observe(
        self,
        params: np.ndarray,
        state: np.ndarray,
        largest: np.ndarray,
        mean_square: np.ndarray,
        n_raw: int,
    ) -> None:
        """Learn the scales, and keep what the parameters do to features of their scale."""
        scale, _, norm = state
        grown = (largest > scale) & (scale > 0.0)
        params[grown] *= scale[grown] / largest[grown]
        np.maximum(scale, largest, out=scale)
        known = scale > 0.0
        norm[0] += np.sum(mean_square[known] / scale[known] ** 2) / n_raw

    def take_over(
        self,
        state: np.ndarray,
        largest: np.ndarray,
        mean_square: np.ndarray,
        gradient: float,
        rows: float,
        batch_size: int,
    ) -> None:
        """Make the state that of so many rows, of features and a derivative of such sizes.

        The first step has added the square of its gradient, and the others half as much each: of
        batches that is more than their noise, and keeps a stream from leaving what a fit has found.
        """
        state[0] = largest
        rate = float(self.schedule()(1))
        state[1] = (1.0 + 0.5 * rows / batch_size) * mean_square * (rate * gradient) ** 2

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place."""
        state[1] += grad**2
        params -= self.step_sizes(state, lr, t) * grad

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> np.ndarray:
        """Return the step size in each parameter's unit; lr where nothing is known of it."""
        scale, total, norm = state
        unit = np.where(scale > 0.0, scale, 1.0) * np.sqrt(total)
        rate = lr * np.sqrt(t / norm[0]) if norm[0] > 0.0 else lr
        return rate / np.where(unit > 0.0, unit, 1.0)
