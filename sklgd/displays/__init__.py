"""Displays: what training has done, as pictures, in scikit-learn's ``Display`` convention.

``from_estimator`` computes and plots; the object keeps the numbers, so that ``plot`` draws them
again, and has the axes, the figure and the lines as ``ax_``, ``figure_`` and ``lines_``.  They
need matplotlib: ``pip install sklgd[plot]``.
"""

from .coefficient_path import CoefficientPathDisplay
from .learning_rate import LearningRateDisplay
from .loss_curve import LossCurveDisplay

__all__ = ["CoefficientPathDisplay", "LearningRateDisplay", "LossCurveDisplay"]
