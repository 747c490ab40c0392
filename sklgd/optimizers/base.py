"""What optimizers have in common; the docstring of `Optimizer` is the contract."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval, InvalidParameterError

from .. import schedules
from .._strategy import Strategy, lookup
from ..schedules import Schedule
from ..schedules.base import Rate

#: parameters with which estimators describe their learning rate
RATE_PARAMS = ("learning_rate", "eta0", "power_t")
RATE = [Interval(Real, 0, None, closed="left"), Schedule, str, callable]
DECAY = [Interval(Real, 0, 1, closed="left")]
NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
POSITIVE = [Interval(Real, 0, None, closed="neither")]


def decay_towards(moment: np.ndarray, decay: float, value: np.ndarray) -> None:
    """Move a running mean in place: ``decay`` of it stays."""
    moment *= decay
    moment += (1.0 - decay) * value


def _rate_from_estimator(params: Mapping[str, Any], given: list[str]) -> Rate:
    # What those of RATE_PARAMS that are given say together; an object carries its own.
    rate = params.get("learning_rate")
    if isinstance(rate, str):
        cls = lookup(rate, schedules.SCHEDULES, parameter="learning_rate", owner="the estimator")
        return cls.from_estimator(params)
    read = "eta0" if rate is None else "learning_rate"
    if given != [read] and (rate is None or isinstance(rate, Real)):
        unread = " and ".join(name for name in given if name != read)
        raise InvalidParameterError(
            f"{unread} would have no effect with learning_rate={rate!r}. Leave it at None, or name "
            "a schedule that reads it, such as learning_rate='invscaling'."
        )
    return params[read]


class Optimizer(Strategy):
    """Base class of step rules.

    An optimizer is stateless; its state is an array of shape ``(n_slots, p)``, zeros at the start,
    that the fit owns.  A scalar that a rule keeps is the first entry of a slot of its own, and what
    must not start at zero is set in step ``t == 1``.  A subclass defines ``__init__`` with a
    ``learning_rate``, the number of slots as a class attribute, or as a property where it depends
    on the parameters, and:

    - ``step(params, grad, state, lr, t)``, which moves the p parameters in place; t = 1, 2, ...
      counts steps and ``lr`` is a number: the loop has resolved schedules.  A rule with
      ``needs_loss = True`` gets the batch's mean loss (before the step) as a sixth argument.
    - ``step_sizes(state, lr, t)``, if it is not the learning rate: how far the rule moves a
      parameter whose gradient keeps the value one, as a float or one number for each.  A
      penalty's proximal step is taken in this metric, since with any other the fixed point would
      not be the minimum.
    - ``composite = True``, where a ridge, too, is to be a proximal step instead of a part of the
      gradient: then the state is about gradients of the loss alone.
    - ``observe(params, state, largest, mean_square, n_raw)``, with ``needs_rows = True``, is called
      before the raw predictions of each step: for each parameter the largest size and the
      mean square, over the batch's rows, of the feature that it multiplies (one for an
      intercept), and the number of raw columns.  It may move ``params``, too.
    - ``result(params, state)``, if a rule takes gradients elsewhere than at its result: what the
      model's parameters are whenever training looks at them or ends; and then
      ``restart(params, state)``, which makes ``params`` the result and goes on from there.

    Between two steps others may move ``params`` (a proximal step, the user); a rule whose state
    determines its parameters has to notice.

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
    #: whether `step` takes the batch's mean loss after t
    needs_loss: bool = False
    #: whether the rule itself tells that it has reached the minimum, instead of the loop watching
    knows_when: ClassVar[bool] = False
    #: whether `observe` is shown the features of each batch; only linear models have such
    needs_rows: bool = False
    #: whether a parameter without a gradient stays as it is, so that a sparse step is a cheap one
    local: bool = False
    #: whether steps are of one row and follow its loss, of which the compiled rule takes care
    follows: bool = False
    #: whether penalties are proximal steps as a whole, so that the state knows of the loss alone
    composite: bool = False
    #: whether one pass is one step that sees all rows; such rules have no ``partial_fit``
    full_batch: ClassVar[bool] = False
    #: whether features are centred and scaled on the way, which random weights then are for
    standardize: bool = False
    #: whether steps on rows are corrected by what is remembered of all rows (SAGA, SVRG)
    variance_reduced: ClassVar[bool] = False

    @classmethod
    def from_estimator(cls, params: Mapping[str, Any]) -> Self:
        """Build the rule that a string stands for, with the estimator's learning rate if set."""
        given = [name for name in RATE_PARAMS if params.get(name) is not None]
        if not given:
            return cls()
        if "learning_rate" not in cls._get_param_names():
            raise InvalidParameterError(
                f"{cls.__name__} has no learning rate, but learning_rate, eta0 or power_t was set. "
                "Leave all three at None, or use a step rule such as optimizer='sgd'."
            )
        return cls(learning_rate=_rate_from_estimator(params, given))

    def choose(
        self,
        loss: Any,
        penalty: Any,
        *,
        model: Any,
        X: Any,
        targets: Any,
        incremental: bool,
        fit_intercept: bool = True,
    ) -> Optimizer:
        """Return the optimizer to use for a problem: itself, unless it chooses among others.

        Parameters
        ----------
        loss : Loss
            The loss.
        penalty : Penalty or None
            The penalty.
        model : Model
            The model.
        X : {ndarray, CSR matrix} of shape (n_samples, n_features)
            The validated data.
        targets : sklgd.objective.Targets
            The targets as the loss takes them; ``targets.n_raw`` columns of raw predictions.
        incremental : bool
            Whether ``partial_fit`` asks.
        fit_intercept : bool, default=True
            Whether there is an intercept.

        Returns
        -------
        Optimizer
        """
        return self

    def set_params(self, **params: Any) -> Self:
        """Set parameters, and those of the schedule as ``learning_rate__parameter``.

        The name of a schedule is replaced by the schedule first.

        Parameters
        ----------
        **params : dict
            Parameters of the optimizer, nested ones with two underscores.

        Returns
        -------
        self : Optimizer
        """
        nested = {name: value for name, value in params.items() if "__" in name}
        super().set_params(**{name: params[name] for name in params.keys() - nested.keys()})
        if any(name.startswith("learning_rate__") for name in nested):
            rate = getattr(self, "learning_rate", None)
            if isinstance(rate, str):
                self.learning_rate = schedules.as_schedule(rate)
            elif isinstance(rate, Real):
                raise ValueError(
                    f"learning_rate is {rate!r}, which has no parameters; set learning_rate to a "
                    "schedule or the name of one."
                )
        return super().set_params(**nested)

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
        """Return the learning rate as a schedule; the constant 1 where the rule has none."""
        return schedules.as_schedule(getattr(self, "learning_rate", 1.0)).validate()

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

    def observe(
        self,
        params: np.ndarray,
        state: np.ndarray,
        largest: np.ndarray,
        mean_square: np.ndarray,
        n_raw: int,
    ) -> None:
        """Take in the features of a batch; here they are of no interest."""

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

    def forget(self, state: Any) -> None:
        """Drop from the state, in place, what is of no use with other data; here nothing."""

    def result(self, params: np.ndarray, state: np.ndarray) -> np.ndarray:
        """Return the model's parameters; here ``params`` as they are."""
        return params

    def restart(self, params: np.ndarray, state: np.ndarray) -> None:
        """Go on from ``params``, which were set from outside; here there is nothing to do."""

    def auto_batch_size(self, n_samples: int, n_features: int, row_nonzeros: float) -> int:
        """Return the number of rows of a step under ``batch_size="auto"``.

        A step moves every parameter, at a cost of ``n_features`` beside the ``row_nonzeros`` of
        each row: at least 32 rows, and on sparse data enough for the rows to cost a quarter of
        that.  Where that is more, a rule that leaves absent features alone (``local``) takes 1:
        rows so sparse have few features in common, so it would save nothing.

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
        if self.local and amortised > 32:
            return 1
        return max(1, min(max(32, amortised), 4096, n_samples))
