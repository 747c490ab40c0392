"""Schedules that fall by a formula, by steps or along a cosine, and one that rises before."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Self

import numpy as np
from sklearn.utils._param_validation import Interval, InvalidParameterError

from .base import POSITIVE, RATE, STEPS, Schedule


class TimeDecay(Schedule):
    r"""Decay by the inverse of the step, or a power of it.

    .. math:: \eta_t = \frac{\eta_0}{(1 + d (t - 1))^q}

    Step 1 has the rate ``eta0``, as in Keras, which counts steps from 0 (``InverseTimeDecay`` with
    ``decay_steps=1``).

    Parameters
    ----------
    eta0 : float, default=0.01
        The first rate.
    decay : float, default=1e-3
        d; after ``1 / decay`` steps the rate is half the first, with ``power=1``.
    power : float, default=1.0
        q; with 0.5 the rate is nearly constant for ``1 / decay`` steps, and falls as their inverse
        root later.

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

    _parameter_constraints = {"eta0": [RATE], "decay": [RATE], "power": [RATE]}
    _from_estimator = {"eta0": "eta0"}

    def __init__(self, eta0: float = 0.01, decay: float = 1e-3, power: float = 1.0) -> None:
        self.eta0 = eta0
        self.decay = decay
        self.power = power

    def _rate(self, t: np.ndarray) -> np.ndarray:
        return self.eta0 / (1 + self.decay * (t - 1)) ** self.power


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
        "eta0": [RATE],
        "decay_rate": [POSITIVE],
        "decay_steps": [STEPS],
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
        "eta0": [RATE],
        "end": [RATE],
        "steps": [STEPS],
        "power": [POSITIVE],
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
        "eta0": [RATE],
        "steps": [STEPS],
        "end": [RATE],
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
        return cosine(self.eta0, self.end, done)

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
        "max_rate": [RATE],
        "steps": [STEPS],
        "pct_start": [Interval(Real, 0, 1, closed="neither")],
        "div_factor": [POSITIVE],
        "final_div_factor": [POSITIVE],
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
        rate = cosine(self.max_rate, first / self.final_div_factor, fall)
        if top == 0:
            return rate
        return np.where(elapsed <= top, cosine(first, self.max_rate, elapsed / top), rate)


def cosine(start: float, end: float, done: np.ndarray) -> np.ndarray:
    return end + (start - end) / 2 * (1 + np.cos(np.pi * done))
