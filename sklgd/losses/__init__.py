"""Losses: pointwise functions of targets and raw predictions.

NumPy is the definition; each loss has a compiled twin in ``sklgd._kernels.losses``.
"""

from .._strategy import registry
from .base import Interval, Loss
from .entropy import Focal, LogLoss, SoftLogLoss
from .margins import (
    Exponential,
    Hinge,
    ModifiedHuber,
    MulticlassHinge,
    Perceptron,
    SmoothHinge,
    SquaredHinge,
)
from .positive import Gamma, NegativeBinomial, Poisson, Tweedie
from .regression import (
    AbsoluteError,
    AbsolutePercentageError,
    Cauchy,
    EpsilonInsensitive,
    Expectile,
    Huber,
    LogCosh,
    Quantile,
    SquaredEpsilonInsensitive,
    SquaredError,
    SquaredLogError,
)
from .smoothed import (
    SmoothedAbsolute,
    SmoothedMargin,
    SmoothedPercentage,
    SmoothMulticlassHinge,
)

#: what a string stands for
LOSSES = registry(
    SquaredError,
    AbsoluteError,
    Huber,
    EpsilonInsensitive,
    SquaredEpsilonInsensitive,
    Quantile,
    Expectile,
    LogCosh,
    Cauchy,
    SquaredLogError,
    AbsolutePercentageError,
    Poisson,
    Gamma,
    Tweedie,
    NegativeBinomial,
    LogLoss,
    Hinge,
    SquaredHinge,
    SmoothHinge,
    ModifiedHuber,
    Perceptron,
    Exponential,
    Focal,
    MulticlassHinge,
)

#: the losses that others turn into: `Loss.smoothed` and `LogLoss.soft`
_DERIVED = registry(
    SoftLogLoss, SmoothedAbsolute, SmoothedPercentage, SmoothedMargin, SmoothMulticlassHinge
)

__all__ = [
    "LOSSES",
    "Interval",
    "Loss",
    *sorted(cls.__name__ for cls in (LOSSES | _DERIVED).values()),
]
