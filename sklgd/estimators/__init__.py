"""The estimators: scikit-learn's contract around the training loop."""

from .classifier import GDClassifier
from .regressor import GDRegressor

__all__ = ["GDClassifier", "GDRegressor"]
