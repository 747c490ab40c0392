"""Training: the loop over epochs, what runs one, and what a fit carries on."""

from .drivers import FullBatchDriver, StepDriver
from .lag import FEW, distinct, lagging, undone
from .loop import Report, Stopping, TrainingLoop, Validation
from .state import FitState
from .streams import after_fit, size_of_gradients
from .variance_reduced import VarianceReducedDriver

__all__ = [
    "FEW",
    "FitState",
    "FullBatchDriver",
    "Report",
    "StepDriver",
    "Stopping",
    "TrainingLoop",
    "Validation",
    "VarianceReducedDriver",
    "after_fit",
    "distinct",
    "lagging",
    "size_of_gradients",
    "undone",
]
