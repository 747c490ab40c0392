"""Training: the loop over epochs, what runs one, and what a fit carries on."""

from .drivers import FullBatchDriver, StepDriver
from .far_rows import Kept, begin_in_new_units, fit_weights, sort_rows
from .lag import distinct, has_few_features, lagging, undone
from .loop import Report, Stopping, TrainingLoop, Validation
from .state import FitState
from .streams import after_fit, size_of_gradients
from .variance_reduced import VarianceReducedDriver

__all__ = [
    "FitState",
    "FullBatchDriver",
    "Kept",
    "Report",
    "StepDriver",
    "Stopping",
    "TrainingLoop",
    "Validation",
    "VarianceReducedDriver",
    "after_fit",
    "begin_in_new_units",
    "distinct",
    "fit_weights",
    "has_few_features",
    "lagging",
    "size_of_gradients",
    "sort_rows",
    "undone",
]
