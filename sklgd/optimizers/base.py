"""What optimizers have in common; the docstring of `Optimizer` is the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval

from .. import schedules
from .._strategy import Strategy
from ..schedules import Schedule

Rate = float | Schedule | Callable[[Any], Any]
RATE = [Interval(Real, 0, None, closed="left"), Schedule, str, callable]
DECAY = [Interval(Real, 0, 1, closed="left")]


def _rate_from_estimator(params: Mapping[str, Any]) -> Rate | None:
    # What the estimator's learning_rate, eta0 and power_t say together; None when all are unset.
    rate = params.get("learning_rate")
    if isinstance(rate, str):
        return schedules.SCHEDULES[rate].from_estimator(params)
    return params.get("eta0") if rate is None else rate


class Optimizer(Strategy):
    """Base class of step rules.

    An optimizer is stateless; its state is an array of shape ``(n_slots, p)``, zeros at the start,
    that the fit owns.  A subclass defines ``__init__`` with a ``learning_rate``, the number of
    slots as a class attribute, or as a property where it depends on the parameters, and:

    - ``step(params, grad, state, lr, t)``, which moves the p parameters in place; t = 1, 2, ...
      counts steps and ``lr`` is a number: the loop has resolved schedules.
    - ``step_sizes(state, lr, t)``, if it is not the learning rate: how far the rule moves a
      parameter whose gradient keeps the value one, as a float or one number for each.  A
      penalty's proximal step is taken in this metric, since with any other the fixed point would
      not be the minimum.

    `FullBatchOptimizer` is the base of those that see the objective itself.

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
    >>> GDRegressor(optimizer=SignDescent()).fit(X, 2 * X[:, 0]).score(X, 2 * X[:, 0]) > 0.9
    True
    """

    #: rows of the state array
    n_slots: int = 0
    #: whether one pass is one step that sees all rows; such rules have no ``partial_fit``
    full_batch: ClassVar[bool] = False

    @classmethod
    def from_estimator(cls, params: Mapping[str, Any]) -> Self:
        """Build the rule that a string stands for, with the estimator's learning rate if set."""
        rate = _rate_from_estimator(params)
        return cls() if rate is None else cls(learning_rate=rate)

    def choose(self, loss: Any, penalty: Any, *, sparse: bool, incremental: bool) -> Optimizer:
        """Return the optimizer to use for a problem: itself, unless it chooses among others.

        Parameters
        ----------
        loss : Loss
            The loss.
        penalty : Penalty or None
            The penalty.
        sparse : bool
            Whether X is sparse.
        incremental : bool
            Whether ``partial_fit`` asks.

        Returns
        -------
        Optimizer
        """
        return self

    def init_state(self, params: np.ndarray) -> Any:
        """Return the state of a new fit.

        Parameters
        ----------
        params : ndarray of shape (p,)
            The parameters that training starts from.

        Returns
        -------
        ndarray of shape (n_slots, p)
            Zeros.
        """
        return np.zeros((self.n_slots, params.size))

    def schedule(self) -> Schedule:
        """Return the learning rate as a schedule."""
        return schedules.as_schedule(self.learning_rate).validate()

    def step(
        self, params: np.ndarray, grad: np.ndarray, state: np.ndarray, lr: float, t: int
    ) -> None:
        """Move ``params`` in place, given their gradient.

        Parameters
        ----------
        params : ndarray of shape (p,)
            Weights first, intercepts last; written to.
        grad : ndarray of shape (p,)
            The gradient of the batch's mean loss and of the smooth part of the penalty.
        state : ndarray of shape (n_slots, p)
            What the rule remembers; written to.
        lr : float
            The learning rate of this step.
        t : int
            The number of this step, from 1.
        """
        raise NotImplementedError(f"{type(self).__name__} must define step")

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> float | np.ndarray:
        """Return how far the rule moves a parameter whose gradient keeps the value one.

        Parameters
        ----------
        state : ndarray of shape (n_slots, p)
            What the rule remembers after step t.
        lr : float
            The learning rate of step t.
        t : int
            The number of the step.

        Returns
        -------
        float or ndarray of shape (p,)
            Here the learning rate.
        """
        return lr

    def auto_batch_size(self, n_samples: int, n_features: int, row_nonzeros: float) -> int:
        """Return the number of rows of a step under ``batch_size="auto"``.

        A step moves every parameter, at a cost of ``n_features`` beside the ``row_nonzeros`` of
        each row: at least 32 rows, and on sparse data enough for the rows to cost a quarter of
        that.

        Parameters
        ----------
        n_samples, n_features : int
            The shape of X.
        row_nonzeros : float
            Mean number of stored entries of a row.

        Returns
        -------
        int
        """
        amortised = int(np.ceil(n_features / (4.0 * max(row_nonzeros, 1.0))))
        return max(1, min(max(32, amortised), 4096, n_samples))
