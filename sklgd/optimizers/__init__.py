"""Optimizers: how parameters move, given gradients.

Step rules (`Optimizer`) move after every batch.  Full-batch optimizers (`FullBatchOptimizer`) see
the objective itself, once an epoch or more.  `Auto` chooses.
"""

from .._strategy import registry
from .auto import Auto
from .base import Optimizer
from .full_batch import FISTA, LBFGS, FullBatchOptimizer, GradientDescent
from .steps import SGD, Adam

__all__ = [
    "FISTA",
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "Auto",
    "FullBatchOptimizer",
    "GradientDescent",
    "Optimizer",
]

OPTIMIZERS = registry(Auto, SGD, Adam, GradientDescent, FISTA, LBFGS)
