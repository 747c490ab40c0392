"""Optimizers: how parameters move, given gradients.

Step rules (`Optimizer`) move after every batch; so do variance-reduced ones (`VarianceReduced`),
which correct a batch's gradient by what they remember of all rows.  Full-batch optimizers
(`FullBatchOptimizer`) see the objective itself, once an epoch or more.  `Auto` chooses.
`lr_range_test` finds a learning rate for a step rule.
"""

from typing import Any

from .._strategy import registry
from .adagrad import FTRL, AdaDelta, AdaGrad, NormalizedAdaGrad, RMSprop
from .adam import AdaBelief, Adam, Adamax, AdamW, NAdam, RAdam
from .auto import Auto
from .base import Optimizer
from .clipped import Clipped
from .columnwise import Columnwise
from .continuation import Continuation
from .coordinate_newton import CoordinateNewton
from .dual import SDCA
from .dual_first import DualFirst
from .full_batch import FullBatchOptimizer
from .gradient_descent import FISTA, GradientDescent
from .interior import InteriorPoint
from .lbfgs import LBFGS
from .newton import Newton
from .parameter_free import DoG, PolyakSGD, Prodigy
from .passive_aggressive import PassiveAggressive
from .row_space import RowSpace
from .schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from .sgd import SGD, Lion
from .variance_reduced import SAGA, SVRG, VarianceReduced

__all__ = [
    "FISTA",
    "FTRL",
    "LBFGS",
    "OPTIMIZERS",
    "SAGA",
    "SDCA",
    "SGD",
    "SVRG",
    "AdaBelief",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Auto",
    "Clipped",
    "Columnwise",
    "Continuation",
    "CoordinateNewton",
    "DoG",
    "DualFirst",
    "FullBatchOptimizer",
    "GradientDescent",
    "InteriorPoint",
    "Lion",
    "NAdam",
    "Newton",
    "NormalizedAdaGrad",
    "Optimizer",
    "PassiveAggressive",
    "PolyakSGD",
    "Prodigy",
    "RAdam",
    "RMSprop",
    "RangeTest",
    "RowSpace",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
    "VarianceReduced",
    "lr_range_test",
]

OPTIMIZERS = registry(
    Auto,
    SGD,
    Adam,
    Adamax,
    Lion,
    PassiveAggressive,
    Prodigy,
    GradientDescent,
    FISTA,
    LBFGS,
    Newton,
    sdca=SDCA,
    adabelief=AdaBelief,
    adadelta=AdaDelta,
    adagrad=AdaGrad,
    adamw=AdamW,
    dog=DoG,
    ftrl=FTRL,
    nadam=NAdam,
    normalized_adagrad=NormalizedAdaGrad,
    polyak_sgd=PolyakSGD,
    radam=RAdam,
    rmsprop=RMSprop,
    saga=SAGA,
    svrg=SVRG,
    schedule_free_adamw=ScheduleFreeAdamW,
    schedule_free_sgd=ScheduleFreeSGD,
)


def __getattr__(name: str) -> Any:
    # The range test uses the estimators, which use this module: its names are found when asked for.
    if name in ("RangeTest", "lr_range_test"):
        from .. import range_test

        return getattr(range_test, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
