"""Learning-rate schedules: the step size as a function of the step.

The clock is ``t = 1, 2, ...``, one per batch.  A schedule is a pure function of it: ``schedule(t)``
of an int is a float, of an array an array of its shape, and of one ``t`` always the same number.
Step 1 gets the schedule's first rate: where a library counts elapsed steps from 0, its rate
after ``t - 1`` of them is the rate of step t here.

What is not a function of t is left to the training loop: it multiplies every rate by a scale
that starts at 1, and asks ``on_plateau(scale)`` when training has stopped improving.
"""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval, InvalidParameterError

from ._strategy import Strategy, lookup, registry


class Schedule(Strategy):
    """Base of every schedule; a subclass defines ``__call__``.

    Examples
    --------
    A complete schedule of one's own:

    >>> import numpy as np
    >>> from sklgd.schedules import Schedule
    >>> class Logarithmic(Schedule):
    ...     def __init__(self, eta0=0.1):
    ...         self.eta0 = eta0
    ...     def __call__(self, t):
    ...         return self.eta0 / (1 + np.log(t))
    >>> Logarithmic()(np.array([1, 10, 100])).round(4)
    array([0.1   , 0.0303, 0.0178])
    """

    def __call__(self, t):
        """Return the rate of step ``t``.

        Parameters
        ----------
        t : int or ndarray of int
            The step, from 1.

        Returns
        -------
        float or ndarray of t's shape
        """
        rate = self._rate(np.asarray(t, dtype=np.float64))
        return float(rate) if np.ndim(rate) == 0 else rate

    def _rate(self, t):
        """The same of a float64 array, possibly 0-d."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(t).")

    def on_plateau(self, scale):
        """Return the scale to go on with when training has stopped improving; None to stop.

        Parameters
        ----------
        scale : float
            What rates are multiplied by now; 1 at the start.

        Returns
        -------
        float or None
        """
        return None


_RATE = Interval(Real, 0, None, closed="left")
_FINITE = Interval(Real, None, None, closed="neither")
_POSITIVE = Interval(Real, 0, None, closed="neither")


class Constant(Schedule):
    r"""The same rate at every step.

    .. math:: \eta_t = \eta_0

    Parameters
    ----------
    eta0 : float, default=0.01
        The rate.

    Examples
    --------
    >>> from sklgd.schedules import Constant
    >>> Constant(0.1)(5)
    0.1
    """

    _parameter_constraints = {"eta0": [_RATE]}
    _from_estimator = {"eta0": "eta0"}

    def __init__(self, eta0=0.01):
        self.eta0 = eta0

    def _rate(self, t):
        return np.full(t.shape, self.eta0, dtype=np.float64)


class InvScaling(Schedule):
    r"""Decay by a power of the step, ``SGDRegressor``'s default.

    .. math:: \eta_t = \eta_0 / t^{p}

    Step 1 has the rate ``eta0``, as in scikit-learn.

    Parameters
    ----------
    eta0 : float, default=0.01
        The first rate.
    power_t : float, default=0.25
        The power p.

    Examples
    --------
    >>> from sklgd.schedules import InvScaling
    >>> InvScaling(0.1, power_t=0.5)(4)
    0.05
    """

    _parameter_constraints = {"eta0": [_RATE], "power_t": [_FINITE]}
    _from_estimator = {"eta0": "eta0", "power_t": "power_t"}

    def __init__(self, eta0=0.01, power_t=0.25):
        self.eta0 = eta0
        self.power_t = power_t

    def _rate(self, t):
        return self.eta0 / t**self.power_t


class Optimal(Schedule):
    r"""Bottou's schedule for a problem with ridge ``alpha``, ``SGDClassifier``'s default.

    .. math:: \eta_t = \frac{1}{\alpha (t_0 + t - 1)},
        \qquad t_0 = \frac{1}{\alpha \sqrt{1 / \sqrt{\alpha}}}

    t0 makes the first step no longer than the weights are expected to be; this is
    scikit-learn's t0 for every loss whose slope at raw predictions of that size is at most 1.

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength of the penalty; not 0.

    References
    ----------
    Bottou, "Stochastic Gradient Descent Tricks", in Neural Networks: Tricks of the Trade, 2012.

    Examples
    --------
    >>> from sklgd.schedules import Optimal
    >>> Optimal(alpha=1e-4)(1)
    10.0
    """

    _parameter_constraints = {"alpha": [_RATE]}
    _from_estimator = {"alpha": "alpha"}

    def __init__(self, alpha=1e-4):
        self.alpha = alpha

    def _rate(self, t):
        self._require_alpha()
        first = math.sqrt(1 / math.sqrt(self.alpha))
        return 1 / (1 / first + self.alpha * (t - 1))

    def validate(self):
        super().validate()
        self._require_alpha()
        return self

    def _require_alpha(self):
        if self.alpha == 0:
            raise InvalidParameterError(
                "alpha must be > 0 since learning_rate is 'optimal'. alpha is used to compute "
                "the optimal learning rate."
            )


class Adaptive(Schedule):
    r"""A constant rate, divided whenever training stops improving.

    .. math:: \eta_t = \eta_0 \cdot s, \qquad s \leftarrow s / \mathrm{factor}

    at every plateau, until the rate is at ``min_rate`` or below and training stops.

    Parameters
    ----------
    eta0 : float, default=0.01
        The first rate.
    factor : float, default=5
        What the rate is divided by; above 1.
    min_rate : float, default=1e-6
        The rate from which a plateau ends training.

    Examples
    --------
    >>> from sklgd.schedules import Adaptive
    >>> schedule = Adaptive(0.01)
    >>> schedule.on_plateau(1.0)
    0.2
    >>> schedule.on_plateau(1e-5)
    """

    _parameter_constraints = {
        "eta0": [_RATE],
        "factor": [Interval(Real, 1, None, closed="neither")],
        "min_rate": [_RATE],
    }
    _from_estimator = {"eta0": "eta0"}

    def __init__(self, eta0=0.01, factor=5, min_rate=1e-6):
        self.eta0 = eta0
        self.factor = factor
        self.min_rate = min_rate

    def _rate(self, t):
        return np.full(t.shape, self.eta0, dtype=np.float64)

    def on_plateau(self, scale):
        return scale / self.factor if self.eta0 * scale > self.min_rate else None


class CallableSchedule(Schedule):
    """A plain function of the step as a schedule.

    The function need not be vectorised: whether it is, is tried on two steps, and if not
    it is called step by step.

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

    def __init__(self, function):
        self.function = function

    def __call__(self, t):
        if np.ndim(t) == 0:
            return self._one(t)
        t = np.asarray(t)
        if self._vectorised():
            return np.array(self.function(t), dtype=np.float64)
        rates = [self._one(step) for step in t.ravel().tolist()]
        return np.array(rates, dtype=np.float64).reshape(t.shape)

    def _one(self, t):
        rate = self.function(t)
        try:
            return float(rate)
        except (TypeError, ValueError):
            raise TypeError(
                f"The learning rate {self.function!r} must return a number for each step. Got "
                f"{rate!r} at step {t}."
            ) from None

    def _vectorised(self):
        # A function of one step may fail on two in any way, or mix them up.
        try:
            both = np.asarray(self.function(np.array([1, 2])), dtype=np.float64)
        except Exception:
            return False
        return both.shape == (2,) and np.array_equal(both, [self._one(1), self._one(2)])


#: names that stand for a schedule
SCHEDULES = registry(Constant, Optimal, Adaptive, invscaling=InvScaling)


def as_schedule(value, *, parameter="learning_rate", owner="an optimizer"):
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
