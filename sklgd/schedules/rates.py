"""What may be given as a learning rate: numbers, names, functions, and a warm-up of any."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import InvalidParameterError

from .._strategy import lookup, registry
from .base import STEPS, Rate, Schedule
from .decay import (
    CosineDecay,
    ExponentialDecay,
    OneCycle,
    PiecewiseConstant,
    PolynomialDecay,
    TimeDecay,
)
from .sgd import Adaptive, Constant, InvScaling, Optimal


class LinearWarmup(Schedule):
    r"""A linear rise from near 0 that leads into another schedule.

    .. math:: \eta_t = \min\left(\frac{t}{s}, 1\right) \, \eta'_{\max(t - s + 1, 1)}

    The rate of step ``steps`` is the inner schedule's first rate, and the inner schedule's clock
    starts there: it sees ``t - steps + 1``, so that warming up takes nothing from its decay.

    Parameters
    ----------
    schedule : float, str, Schedule or callable, default=0.01
        The inner schedule.
    steps : int, default=1000
        Number of steps of the rise (s).

    References
    ----------
    Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017.

    Examples
    --------
    >>> from sklgd.schedules import InvScaling, LinearWarmup
    >>> LinearWarmup(InvScaling(0.1, power_t=0.5), steps=2)([1, 2, 5])
    array([0.05, 0.1 , 0.05])
    """

    _parameter_constraints = {
        "schedule": [Real, str, Schedule, callable],
        "steps": [STEPS],
    }
    _from_estimator = {"schedule": "eta0"}

    def __init__(self, schedule: Rate = 0.01, steps: int = 1000) -> None:
        self.schedule = schedule
        self.steps = steps

    def __call__(self, t: ArrayLike) -> float | np.ndarray:
        t = np.asarray(t)
        inner = self._inner()(np.maximum(t - self.steps + 1, 1)[()])
        rate = np.minimum(t / self.steps, 1.0) * inner
        return float(rate) if rate.ndim == 0 else rate

    @property
    def least_patience(self) -> int:
        return self._inner().least_patience

    def on_plateau(self, scale: float) -> float | None:
        return self._inner().on_plateau(scale)

    def validate(self) -> Self:
        super().validate()
        self._inner()
        return self

    def _inner(self) -> Schedule:
        return as_schedule(self.schedule, parameter="schedule", owner="LinearWarmup")


class CallableSchedule(Schedule):
    """A plain function of the step as a schedule.

    The function need not be vectorised: whether it is, is tried on two steps, and if not
    it is called step by step, with whole numbers.

    Parameters
    ----------
    function : callable
        Takes ``t`` = 1, 2, ... and returns the rate.  A fitted estimator pickles only with a
        function that pickles, which a lambda does not.

    Examples
    --------
    >>> from sklgd.schedules import CallableSchedule
    >>> CallableSchedule(lambda t: 0.1 if t <= 2 else 0.01)([1, 2, 3])
    array([0.1 , 0.1 , 0.01])
    """

    _parameter_constraints = {"function": [callable]}

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __call__(self, t: ArrayLike) -> float | np.ndarray:
        if np.ndim(t) == 0:
            return self._one(t)
        t = np.asarray(t)
        for kind in (np.float64, np.int64):  # a function may look its rates up
            if self._vectorised(kind):
                return np.array(self.function(t.astype(kind)), dtype=np.float64)
        rates = [self._one(step) for step in t.ravel().tolist()]
        return np.array(rates, dtype=np.float64).reshape(t.shape)

    def _one(self, t: Any) -> float:
        rate = self.function(int(t))
        try:
            return float(rate)
        except (TypeError, ValueError):
            raise TypeError(
                f"The learning rate {self.function!r} must return a number for each step. Got "
                f"{rate!r} at step {int(t)}."
            ) from None

    def _vectorised(self, kind: type) -> bool:
        # A function of one step may fail on two in any way, or mix them up.
        try:
            both = np.asarray(self.function(np.array([1, 2], dtype=kind)), dtype=np.float64)
        except Exception:
            return False
        return both.shape == (2,) and np.array_equal(both, [self._one(1), self._one(2)])


#: names that stand for a schedule
SCHEDULES = registry(
    Constant,
    Optimal,
    Adaptive,
    TimeDecay,
    ExponentialDecay,
    PiecewiseConstant,
    PolynomialDecay,
    CosineDecay,
    LinearWarmup,
    OneCycle,
    invscaling=InvScaling,
)


def as_schedule(
    value: Rate, *, parameter: str = "learning_rate", owner: str = "an optimizer"
) -> Schedule:
    """Turn what an optimizer takes as its learning rate into a validated schedule.

    Parameters
    ----------
    value : float, str, Schedule or callable
        A constant rate, a name in ``SCHEDULES``, a schedule, or a function of t.
    parameter, owner : str
        What error messages call the parameter and the object that has it.

    Returns
    -------
    Schedule

    Examples
    --------
    >>> from sklgd.schedules import as_schedule
    >>> as_schedule(0.1)
    Constant(eta0=0.1)
    """
    if isinstance(value, str):
        return lookup(value, SCHEDULES, parameter=parameter, owner=owner)().validate()
    if isinstance(value, Schedule):
        return value.validate()
    if (
        isinstance(value, Real)
        and not isinstance(value, (bool, np.bool_))
        and 0 <= value < math.inf
    ):
        return Constant(float(value))
    if callable(value) and not isinstance(value, type):
        return CallableSchedule(value)
    hint = ""
    if isinstance(value, type) and issubclass(value, Schedule):
        hint = f" Pass an object: {value.__name__}()."
    raise InvalidParameterError(
        f"The {parameter!r} parameter of {owner} must be a finite float that is not negative, a "
        f"Schedule, a callable of the step t, or a str among {sorted(SCHEDULES)}. Got {value!r} "
        f"instead.{hint}"
    )
