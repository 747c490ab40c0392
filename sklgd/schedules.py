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
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, InvalidParameterError

from ._strategy import Strategy, lookup, registry

__all__ = [
    "SCHEDULES",
    "Adaptive",
    "CallableSchedule",
    "Constant",
    "CosineDecay",
    "ExponentialDecay",
    "InvScaling",
    "LinearWarmup",
    "OneCycle",
    "Optimal",
    "PiecewiseConstant",
    "PolynomialDecay",
    "Schedule",
    "TimeDecay",
    "as_schedule",
]


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

    #: whether every step has the same rate, but for what plateaus do
    constant = False

    def __call__(self, t: ArrayLike) -> float | np.ndarray:
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

    def _rate(self, t: np.ndarray) -> np.ndarray:
        """The same of a float64 array, possibly 0-d."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(t).")

    def on_plateau(self, scale: float) -> float | None:
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


Rate = float | str | Schedule | Callable[[Any], Any]
_RATE = Interval(Real, 0, None, closed="left")
_FINITE = Interval(Real, None, None, closed="neither")
_STEPS = Interval(Integral, 1, None, closed="left")
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

    constant = True
    _parameter_constraints = {"eta0": [_RATE]}
    _from_estimator = {"eta0": "eta0"}

    def __init__(self, eta0: float = 0.01) -> None:
        self.eta0 = eta0

    def _rate(self, t: np.ndarray) -> np.ndarray:
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

    def __init__(self, eta0: float = 0.01, power_t: float = 0.25) -> None:
        self.eta0 = eta0
        self.power_t = power_t

    def _rate(self, t: np.ndarray) -> np.ndarray:
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

    def __init__(self, alpha: float = 1e-4) -> None:
        self.alpha = alpha

    def _rate(self, t: np.ndarray) -> np.ndarray:
        self._require_alpha()
        first = math.sqrt(1 / math.sqrt(self.alpha))
        return 1 / (1 / first + self.alpha * (t - 1))

    def validate(self) -> Self:
        super().validate()
        self._require_alpha()
        return self

    def _require_alpha(self) -> None:
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

    constant = True
    _parameter_constraints = {
        "eta0": [_RATE],
        "factor": [Interval(Real, 1, None, closed="neither")],
        "min_rate": [_RATE],
    }
    _from_estimator = {"eta0": "eta0"}

    def __init__(self, eta0: float = 0.01, factor: float = 5, min_rate: float = 1e-6) -> None:
        self.eta0 = eta0
        self.factor = factor
        self.min_rate = min_rate

    def _rate(self, t: np.ndarray) -> np.ndarray:
        return np.full(t.shape, self.eta0, dtype=np.float64)

    def on_plateau(self, scale: float) -> float | None:
        return scale / self.factor if self.eta0 * scale > self.min_rate else None


class TimeDecay(Schedule):
    r"""Decay by the inverse of the step.

    .. math:: \eta_t = \frac{\eta_0}{1 + d (t - 1)}

    Step 1 has the rate ``eta0``, as in Keras, which counts steps from 0 (``InverseTimeDecay`` with
    ``decay_steps=1``).

    Parameters
    ----------
    eta0 : float, default=0.01
        The first rate.
    decay : float, default=1e-3
        d; after ``1 / decay`` steps the rate is half the first.

    References
    ----------
    Robbins and Monro, "A Stochastic Approximation Method", Annals of Mathematical Statistics
    22, 1951.

    Examples
    --------
    >>> from sklgd.schedules import TimeDecay
    >>> TimeDecay(0.1, decay=0.5)([1, 2, 3]).round(4)
    array([0.1   , 0.0667, 0.05  ])
    """

    _parameter_constraints = {"eta0": [_RATE], "decay": [_RATE]}
    _from_estimator = {"eta0": "eta0"}

    def __init__(self, eta0: float = 0.01, decay: float = 1e-3) -> None:
        self.eta0 = eta0
        self.decay = decay

    def _rate(self, t: np.ndarray) -> np.ndarray:
        return self.eta0 / (1 + self.decay * (t - 1))


class ExponentialDecay(Schedule):
    r"""Decay by a constant factor.

    .. math:: \eta_t = \eta_0 \, r^{(t - 1) / s}

    with r ``decay_rate`` and s ``decay_steps``; with ``staircase`` the exponent is rounded down.
    Step 1 has the rate ``eta0``, as in Keras, which counts steps from 0.

    Parameters
    ----------
    eta0 : float, default=0.01
        The first rate.
    decay_rate : float, default=0.96
        What the rate is multiplied by over ``decay_steps`` steps.
    decay_steps : int, default=1000
        Number of steps.
    staircase : bool, default=False
        Whether the rate falls once every ``decay_steps`` steps rather than at each.

    Examples
    --------
    >>> from sklgd.schedules import ExponentialDecay
    >>> ExponentialDecay(0.1, decay_rate=0.5, decay_steps=2)([1, 3, 5])
    array([0.1  , 0.05 , 0.025])
    """

    _parameter_constraints = {
        "eta0": [_RATE],
        "decay_rate": [_POSITIVE],
        "decay_steps": [_STEPS],
        "staircase": ["boolean"],
    }
    _from_estimator = {"eta0": "eta0"}

    def __init__(
        self,
        eta0: float = 0.01,
        decay_rate: float = 0.96,
        decay_steps: int = 1000,
        staircase: bool = False,
    ) -> None:
        self.eta0 = eta0
        self.decay_rate = decay_rate
        self.decay_steps = decay_steps
        self.staircase = staircase

    def _rate(self, t: np.ndarray) -> np.ndarray:
        elapsed = (t - 1) / self.decay_steps
        return self.eta0 * self.decay_rate ** (np.floor(elapsed) if self.staircase else elapsed)


class PiecewiseConstant(Schedule):
    r"""A constant rate between boundaries.

    .. math:: \eta_t = v_i \quad \text{where} \quad b_{i-1} < t \le b_i

    so the first ``boundaries[0]`` steps have the rate ``values[0]``, as with torch's
    ``MultiStepLR`` and optax; Keras changes one step later.

    Parameters
    ----------
    boundaries : sequence of int, default=(10_000, 100_000)
        The last step of each rate but the last one; increasing.
    values : sequence of float, default=(0.01, 0.001, 0.0001)
        The rates, one more than boundaries.

    Examples
    --------
    >>> from sklgd.schedules import PiecewiseConstant
    >>> PiecewiseConstant([2, 3], [0.1, 0.01, 0.001])([1, 2, 3, 4])
    array([0.1  , 0.1  , 0.01 , 0.001])
    """

    _parameter_constraints = {"boundaries": ["array-like"], "values": ["array-like"]}

    def __init__(
        self,
        boundaries: Sequence[int] = (10_000, 100_000),
        values: Sequence[float] = (0.01, 0.001, 0.0001),
    ) -> None:
        self.boundaries = boundaries
        self.values = values

    def _rate(self, t: np.ndarray) -> np.ndarray:
        values = np.asarray(self.values, dtype=np.float64)
        return values[np.searchsorted(np.asarray(self.boundaries), t, side="left")]

    def validate(self) -> Self:
        super().validate()
        boundaries = np.asarray(self.boundaries, dtype=np.float64)
        values = np.asarray(self.values, dtype=np.float64)
        if boundaries.ndim != 1 or values.ndim != 1 or values.size != boundaries.size + 1:
            raise InvalidParameterError(
                "The 'values' parameter of PiecewiseConstant must have one entry more than "
                f"'boundaries'. Got {self.values!r} and {self.boundaries!r} instead."
            )
        if not np.all(np.diff(boundaries, prepend=0) > 0):
            raise InvalidParameterError(
                "The 'boundaries' parameter of PiecewiseConstant must be positive and increasing. "
                f"Got {self.boundaries!r} instead."
            )
        if not np.all(np.isfinite(values) & (values >= 0)):
            raise InvalidParameterError(
                "The 'values' parameter of PiecewiseConstant must be finite and not negative. Got "
                f"{self.values!r} instead."
            )
        return self


class PolynomialDecay(Schedule):
    r"""Decay to an end rate along a polynomial.

    .. math:: \eta_t = \eta_{end} + (\eta_0 - \eta_{end}) (1 - u)^p,
        \qquad u = \min\left(\frac{t - 1}{s}, 1\right)

    Step 1 has the rate ``eta0``, as in Keras, which counts steps from 0; from step ``steps + 1`` on
    the rate is ``end``.

    Parameters
    ----------
    eta0 : float, default=0.01
        The first rate.
    end : float, default=1e-4
        The last rate.
    steps : int, default=10_000
        Number of steps (s) that the decay takes.
    power : float, default=1.0
        The power p; 1 is a straight line.

    Examples
    --------
    >>> from sklgd.schedules import PolynomialDecay
    >>> PolynomialDecay(0.5, end=0.0, steps=4)([1, 3, 5, 7])
    array([0.5 , 0.25, 0.  , 0.  ])
    """

    _parameter_constraints = {
        "eta0": [_RATE],
        "end": [_RATE],
        "steps": [_STEPS],
        "power": [_POSITIVE],
    }
    _from_estimator = {"eta0": "eta0"}

    def __init__(
        self, eta0: float = 0.01, end: float = 1e-4, steps: int = 10_000, power: float = 1.0
    ) -> None:
        self.eta0 = eta0
        self.end = end
        self.steps = steps
        self.power = power

    def _rate(self, t: np.ndarray) -> np.ndarray:
        left = 1 - np.minimum((t - 1) / self.steps, 1.0)
        return self.end + (self.eta0 - self.end) * left**self.power


class CosineDecay(Schedule):
    r"""Decay to an end rate along half a cosine, once or with warm restarts (SGDR).

    .. math:: \eta_t = \eta_{end} + \frac{\eta_0 - \eta_{end}}{2} (1 + \cos \pi u)

    where u goes from 0 at step 1 to 1 at step ``steps + 1``, as in torch and Keras, which count
    steps from 0.  After that the rate stays at ``end``, or with ``restarts`` the cosine starts
    again from ``eta0``, each cycle ``cycle_mult`` times as long as the one before.

    Parameters
    ----------
    eta0 : float, default=0.01
        The first rate.
    steps : int, default=10_000
        Number of steps of the decay, or of the first cycle.
    end : float, default=0.0
        The last rate, of a cycle too.
    restarts : bool, default=False
        Whether to start again.
    cycle_mult : float, default=1.0
        By what each cycle is longer than the one before; at least 1.

    References
    ----------
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017.

    Examples
    --------
    >>> from sklgd.schedules import CosineDecay
    >>> CosineDecay(0.5, steps=4)([1, 3, 5, 6]).round(3)
    array([0.5 , 0.25, 0.  , 0.  ])
    >>> CosineDecay(0.5, steps=4, restarts=True)([1, 3, 5, 7]).round(3)
    array([0.5 , 0.25, 0.5 , 0.25])
    """

    _parameter_constraints = {
        "eta0": [_RATE],
        "steps": [_STEPS],
        "end": [_RATE],
        "restarts": ["boolean"],
        "cycle_mult": [Interval(Real, 1, None, closed="left")],
    }
    _from_estimator = {"eta0": "eta0"}

    def __init__(
        self,
        eta0: float = 0.01,
        steps: int = 10_000,
        end: float = 0.0,
        restarts: bool = False,
        cycle_mult: float = 1.0,
    ) -> None:
        self.eta0 = eta0
        self.steps = steps
        self.end = end
        self.restarts = restarts
        self.cycle_mult = cycle_mult

    def _rate(self, t: np.ndarray) -> np.ndarray:
        done = self._cycle(t - 1) if self.restarts else np.minimum((t - 1) / self.steps, 1.0)
        return _cosine(self.eta0, self.end, done)

    def _cycle(self, elapsed: np.ndarray) -> np.ndarray:
        """Which part of its cycle is done after that many steps, in [0, 1)."""
        mult = self.cycle_mult
        if mult == 1:
            return elapsed % self.steps / self.steps

        def start(cycle):
            return self.steps * (mult**cycle - 1) / (mult - 1)

        cycle = np.floor(np.log1p(elapsed * (mult - 1) / self.steps) / np.log(mult))
        # the logarithm may round to the wrong side of a boundary
        cycle = cycle + (elapsed >= start(cycle + 1))
        cycle = cycle - (elapsed < start(cycle))
        return (elapsed - start(cycle)) / (self.steps * mult**cycle)


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
        "steps": [_STEPS],
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

    def on_plateau(self, scale: float) -> float | None:
        return self._inner().on_plateau(scale)

    def validate(self) -> Self:
        super().validate()
        self._inner()
        return self

    def _inner(self) -> Schedule:
        return as_schedule(self.schedule, parameter="schedule", owner="LinearWarmup")


class OneCycle(Schedule):
    r"""One rise to a large rate and one fall to nearly nothing, each half a cosine.

    .. math:: \eta_t = \begin{cases}
        c(\eta_{max} / d, \ \eta_{max}, \ (t - 1) / a) & t - 1 \le a \\
        c(\eta_{max}, \ \eta_{max} / (d f), \ (t - 1 - a) / (s - 1 - a)) & \text{otherwise}
        \end{cases}, \qquad c(x, y, u) = y + \frac{x - y}{2} (1 + \cos \pi u)

    with a = ``pct_start * steps - 1``, d ``div_factor`` and f ``final_div_factor``: torch's
    ``OneCycleLR``, whose step 0 is step 1 here.  The last rate is reached at step ``steps`` and
    kept from there on.

    Parameters
    ----------
    max_rate : float, default=0.01
        The largest rate.
    steps : int, default=10_000
        Number of steps of the whole cycle.
    pct_start : float, default=0.3
        Share of the steps that rise.
    div_factor : float, default=25.0
        The first rate is ``max_rate / div_factor``.
    final_div_factor : float, default=1e4
        The last rate is the first one divided by this.

    References
    ----------
    Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large
    Learning Rates", 2018.

    Examples
    --------
    >>> from sklgd.schedules import OneCycle
    >>> OneCycle(1.0, steps=10, pct_start=0.5)([1, 3, 5, 10]).round(3)
    array([0.04, 0.52, 1.  , 0.  ])
    """

    _parameter_constraints = {
        "max_rate": [_RATE],
        "steps": [_STEPS],
        "pct_start": [Interval(Real, 0, 1, closed="neither")],
        "div_factor": [_POSITIVE],
        "final_div_factor": [_POSITIVE],
    }
    _from_estimator = {"max_rate": "eta0"}

    def __init__(
        self,
        max_rate: float = 0.01,
        steps: int = 10_000,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        self.max_rate = max_rate
        self.steps = steps
        self.pct_start = pct_start
        self.div_factor = div_factor
        self.final_div_factor = final_div_factor

    def _rate(self, t: np.ndarray) -> np.ndarray:
        first = self.max_rate / self.div_factor
        elapsed = t - 1
        top = max(self.pct_start * self.steps - 1, 0.0)
        fall = np.clip((elapsed - top) / (self.steps - 1 - top or 1.0), 0.0, 1.0)
        rate = _cosine(self.max_rate, first / self.final_div_factor, fall)
        if top == 0:
            return rate
        return np.where(elapsed <= top, _cosine(first, self.max_rate, elapsed / top), rate)


def _cosine(start: float, end: float, done: np.ndarray) -> np.ndarray:
    return end + (start - end) / 2 * (1 + np.cos(np.pi * done))


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

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __call__(self, t: ArrayLike) -> float | np.ndarray:
        if np.ndim(t) == 0:
            return self._one(t)
        t = np.asarray(t)
        if self._vectorised():
            return np.array(self.function(t), dtype=np.float64)
        rates = [self._one(step) for step in t.ravel().tolist()]
        return np.array(rates, dtype=np.float64).reshape(t.shape)

    def _one(self, t: Any) -> float:
        rate = self.function(t)
        try:
            return float(rate)
        except (TypeError, ValueError):
            raise TypeError(
                f"The learning rate {self.function!r} must return a number for each step. Got "
                f"{rate!r} at step {t}."
            ) from None

    def _vectorised(self) -> bool:
        # A function of one step may fail on two in any way, or mix them up.
        try:
            both = np.asarray(self.function(np.array([1, 2])), dtype=np.float64)
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
