"""Optimizers: how parameters move, given gradients.

Step rules (`Optimizer`) move after every batch.  Full-batch optimizers (`FullBatchOptimizer`) see
the objective itself, once an epoch or more.  `Auto` chooses.
"""

from .._strategy import registry
from .adagrad import FTRL, AdaDelta, AdaGrad, NormalizedAdaGrad, RMSprop
from .adam import AdaBelief, Adam, Adamax, AdamW, NAdam, RAdam
from .auto import Auto
from .base import Optimizer
from .clipped import Clipped
from .full_batch import FISTA, LBFGS, FullBatchOptimizer, GradientDescent
from .parameter_free import DoG, PassiveAggressive, PolyakSGD, Prodigy
from .range_test import RangeTest, lr_range_test
from .schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from .sgd import SGD, Lion

__all__ = [
    "FISTA",
    "FTRL",
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "AdaBelief",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Auto",
    "Clipped",
    "DoG",
    "FullBatchOptimizer",
    "GradientDescent",
    "Lion",
    "NAdam",
    "NormalizedAdaGrad",
    "Optimizer",
    "PassiveAggressive",
    "PolyakSGD",
    "Prodigy",
    "RAdam",
    "RMSprop",
    "RangeTest",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
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
    schedule_free_adamw=ScheduleFreeAdamW,
    schedule_free_sgd=ScheduleFreeSGD,
)
