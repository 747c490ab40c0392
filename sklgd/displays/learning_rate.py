"""The loss against a learning rate that grows."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._optional_dependencies import check_matplotlib_support

from ..range_test import RangeTest, lr_range_test
from .base import axes_of


class LearningRateDisplay:
    """The learning-rate range test: the loss against a rate that grows from step to step.

    Parameters
    ----------
    range_test : RangeTest
        What `sklgd.optimizers.lr_range_test` returns.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Line2D
        The loss, and the suggestion where there is one.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sklgd import GDClassifier
    >>> from sklgd.displays import LearningRateDisplay
    >>> from sklgd.optimizers import lr_range_test
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> found = lr_range_test(GDClassifier(optimizer="adam"), scale(X), y, random_state=0)
    >>> LearningRateDisplay(found).plot().ax_.get_xlabel()  # doctest: +SKIP
    'learning rate'
    """

    def __init__(self, range_test: RangeTest) -> None:
        self.range_test = range_test

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, X: Any, y: Any, *, ax: Any = None, **options: Any
    ) -> Self:
        """Run the range test and plot it.

        Parameters
        ----------
        estimator : GDRegressor, GDClassifier or a pipeline that ends in one
            With a step rule that has a learning rate; it is not changed.
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        ax : matplotlib Axes, default=None
            Where to draw; new axes if None.
        **options : dict
            What `sklgd.optimizers.lr_range_test` takes: ``min_rate``, ``max_rate``, ``n_steps``,
            ``batch_size`` and ``random_state``.

        Returns
        -------
        LearningRateDisplay
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        return cls(lr_range_test(estimator, X, y, **options)).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the loss against the rate, and mark the suggestion.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; new axes if None.

        Returns
        -------
        LearningRateDisplay
        """
        self.ax_ = axes_of(self, ax)
        self.figure_ = self.ax_.figure
        test = self.range_test
        self.lines_ = self.ax_.plot(test.rates, test.losses)
        if np.isfinite(test.suggestion):
            label = f"suggestion: {test.suggestion:.2g}"
            style = {"color": "black", "linestyle": "--", "linewidth": 1.0}
            self.lines_.append(self.ax_.axvline(test.suggestion, label=label, **style))
            self.ax_.legend(handles=self.lines_[1:])
        self.ax_.set(xscale="log", xlabel="learning rate", ylabel="loss")
        self.ax_.grid(alpha=0.3)
        return self
