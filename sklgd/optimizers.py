"""Optimizers: how parameters move, given gradients.

Contract.  An optimizer is stateless; its state is an array of shape ``(n_slots, p)``, zeros at
the start, that the fit owns.

- ``step(params, grad, state, lr, t)`` moves the p parameters in place; t = 1, 2, ... counts
  steps, ``lr`` is a number: the loop has resolved schedules.
- ``step_sizes(state, lr, t)`` says how far the rule moves a parameter whose gradient keeps the
  value one: a float, or one number for each parameter.  A penalty's proximal step is taken in
  this metric, since with any other the fixed point would not be the minimum.

`FullBatchOptimizer` sees the objective itself instead: ``iterate(problem, params, state, lr,
t)``, where ``problem.value_and_gradient(params)`` costs one pass over the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval

from . import schedules
from ._kernels import optimizers as _kernels
from ._strategy import Strategy, registry
from .schedules import Schedule

__all__ = ["OPTIMIZERS", "SGD", "Adam", "FullBatchOptimizer", "GradientDescent", "Optimizer"]

Rate = float | Schedule | Callable[[Any], Any]
_RATE = [Interval(Real, 0, None, closed="left"), Schedule, str, callable]
_DECAY = [Interval(Real, 0, 1, closed="left")]


def _rate_from_estimator(params: Mapping[str, Any]) -> Rate | None:
    # What the estimator's learning_rate, eta0 and power_t say together; None when all are unset.
    rate = params.get("learning_rate")
    if isinstance(rate, str):
        return schedules.SCHEDULES[rate].from_estimator(params)
    return params.get("eta0") if rate is None else rate


class Optimizer(Strategy):
    """Base class of step rules; see the module's docstring for the contract.

    A subclass defines ``__init__`` with a ``learning_rate`` and `step`; the number of slots is a
    class attribute, or a property where it depends on the parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd import GDRegressor
    >>> from sklgd.optimizers import Optimizer
    >>> class SignDescent(Optimizer):
    ...     def __init__(self, learning_rate=0.01):
    ...         self.learning_rate = learning_rate
    ...
    ...     def step(self, params, grad, state, lr, t):
    ...         params -= lr * np.sign(grad)
    >>> X = np.arange(6.0).reshape(-1, 1)
    >>> GDRegressor(optimizer=SignDescent(), max_iter=200).fit(X, 2 * X[:, 0]).score(X, 2 * X[:, 0]) > 0.9
    True
    """

    #: rows of the state array
    n_slots: int = 0
    #: whether one pass is one step that sees all rows; such rules have no ``partial_fit``
    full_batch: ClassVar[bool] = False

    @classmethod
    def from_estimator(cls, params: Mapping[str, Any]) -> Self:
        """Build the rule that a string stands for; a learning rate of the estimator's goes to it."""
        rate = _rate_from_estimator(params)
        return cls() if rate is None else cls(learning_rate=rate)

    def schedule(self) -> Schedule:
        """Return the learning rate as a schedule."""
        return schedules.as_schedule(self.learning_rate).validate()

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place, given their gradient."""
        raise NotImplementedError(f"{type(self).__name__} must define step")

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> float | np.ndarray:
        """Return the step sizes after step t: here the learning rate."""
        return lr

    def auto_batch_size(self, n_samples: int, n_features: int, row_nonzeros: float) -> int:
        """Return the number of rows a step under ``batch_size="auto"``.

        A step moves every parameter, at a cost of ``n_features`` beside the ``row_nonzeros`` of
        each row: at least 32 rows, and on sparse data enough for the rows to cost a quarter of
        that.
        """
        amortised = int(np.ceil(n_features / (4.0 * max(row_nonzeros, 1.0))))
        return max(1, min(max(32, amortised), 4096, n_samples))


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
        "learning_rate": _RATE,
        "momentum": _DECAY,
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
        "learning_rate": _RATE,
        "beta_1": _DECAY,
        "beta_2": _DECAY,
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


class FullBatchOptimizer(Optimizer):
    """Base class of optimizers that see the objective itself, once an epoch or more.

    A subclass defines `iterate`, and `init_state` where it keeps anything between iterations.

    Examples
    --------
    >>> from sklgd.optimizers import FullBatchOptimizer, GradientDescent
    >>> issubclass(GradientDescent, FullBatchOptimizer)
    True
    """

    full_batch = True

    def init_state(self, params: np.ndarray) -> Any:
        """Return the state of a new fit; it must be picklable."""
        return None

    def iterate(self, problem: Any, params: np.ndarray, state: Any, lr: float, t: int) -> float:
        """Move ``params`` in place by one iteration; return the loss (no penalty) at its start.

        Parameters
        ----------
        problem : object
            ``value_and_gradient(params)`` returns the mean loss, and the gradient of it and of
            the smooth part of the penalty; ``prox(params, sizes)`` takes the proximal step of the
            rest in place; ``smooth_penalty(params)`` and ``rest(params)`` are the two parts.
        params : ndarray of shape (p,)
        state : object
            What `init_state` returned, written in place.
        lr : float
        t : int
        """
        raise NotImplementedError(f"{type(self).__name__} must define iterate")


class GradientDescent(FullBatchOptimizer):
    r"""Gradient descent: one step an epoch, along the gradient of the whole objective.

    .. math:: \theta \leftarrow \mathrm{prox}_{\eta}(\theta - \eta \nabla F(\theta))

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.01
        The step size, or how it depends on the step's number.

    References
    ----------
    .. [1] Cauchy (1847). Methode generale pour la resolution des systemes d'equations
       simultanees. Comptes rendus 25, 536-538.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd import GDRegressor
    >>> from sklgd.optimizers import GradientDescent
    >>> X = np.array([[-1.0], [1.0]])
    >>> model = GDRegressor(optimizer=GradientDescent(0.1), penalty=None, max_iter=200)
    >>> model.fit(X, [-2.0, 4.0]).coef_.round(3), model.intercept_.round(3)
    (array([3.]), array([1.]))
    """

    _parameter_constraints: ClassVar[dict] = {"learning_rate": _RATE}

    def __init__(self, learning_rate: Rate = 0.01) -> None:
        self.learning_rate = learning_rate

    def iterate(self, problem: Any, params: np.ndarray, state: Any, lr: float, t: int) -> float:
        """Take one step; return the loss before it."""
        loss, grad = problem.value_and_gradient(params)
        params -= lr * grad
        problem.prox(params, lr)
        return loss


OPTIMIZERS = registry(SGD, Adam, GradientDescent)
