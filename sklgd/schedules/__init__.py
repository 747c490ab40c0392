"""Learning-rate schedules: the step size as a function of the step.

The clock is ``t = 1, 2, ...``, one per batch.  A schedule is a pure function of it: ``schedule(t)``
of an int is a float, of an array an array of its shape, and of one ``t`` always the same number.
Step 1 gets the schedule's first rate: where a library counts elapsed steps from 0, its rate
after ``t - 1`` of them is the rate of step t here.

What is not a function of t is left to the training loop: it multiplies every rate by a scale
that starts at 1, and asks ``on_plateau(scale)`` when training has stopped improving.
"""

from .base import Schedule
from .decay import (
    CosineDecay,
    ExponentialDecay,
    OneCycle,
    PiecewiseConstant,
    PolynomialDecay,
    TimeDecay,
)
from .rates import SCHEDULES, CallableSchedule, LinearWarmup, as_schedule
from .sgd import Adaptive, Constant, InvScaling, Optimal

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
