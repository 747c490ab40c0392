"""Coefficients against the strength of the penalty."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning

from ..estimators.axes import last_step, strategy_of
from ..estimators.fitted import problem_on
from ..optimizers.base import RATE_PARAMS
from .base import axes_of

#: lines of a path that are named; the rest is grey
NAMED = 10
#: how accurately a path is trained: what is left of ``tol`` would be seen as steps
PATH_TOL = 1e-6


class CoefficientPathDisplay:
    """The coefficients against the strength of the penalty.

    Parameters
    ----------
    alphas : ndarray of shape (n_alphas,)
        The strengths of the penalty.
    coefs : ndarray of shape (n_alphas, n_outputs, n_features)
        The coefficients at each.
    feature_names : list of str, default=None
        The names of the features; ``x0``, ``x1``, ... if None.
    output_names : list of str, default=None
        The labels of classes; None for outputs of a regressor, which have numbers.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Line2D
        A line for each feature.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklgd import GDRegressor
    >>> from sklgd.displays import CoefficientPathDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> display = CoefficientPathDisplay.compute(GDRegressor(penalty="l1"), X, y)
    >>> display.coefs.shape, bool((display.coefs[-1] == 0).all())
    ((30, 1, 10), True)
    >>> display.plot().ax_.get_xlabel()  # doctest: +SKIP
    'alpha'
    """

    def __init__(
        self,
        alphas: np.ndarray,
        coefs: np.ndarray,
        feature_names: list[str] | None = None,
        output_names: list[str] | None = None,
    ) -> None:
        self.alphas = alphas
        self.coefs = coefs
        self.feature_names = feature_names
        self.output_names = output_names

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: Any,
        y: Any,
        *,
        alphas: Any = None,
        output: int = 0,
        ax: Any = None,
    ) -> Self:
        """Train the path and plot it.

        Parameters
        ----------
        estimator : GDRegressor, GDClassifier or a pipeline that ends in one
            What is trained; it is not changed.
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        alphas : array-like of shape (n_alphas,), default=None
            The strengths of the penalty. None: 30 of them, up to the smallest for which L1 sets
            all weights to zero, and down to a thousandth of that.
        output : int, default=0
            The output or class that is plotted, where there are several.
        ax : matplotlib Axes, default=None
            Where to draw; new axes if None.

        Returns
        -------
        CoefficientPathDisplay
        """
        return cls.compute(estimator, X, y, alphas=alphas).plot(ax, output=output)

    @classmethod
    def compute(cls, estimator: BaseEstimator, X: Any, y: Any, *, alphas: Any = None) -> Self:
        """Train the path, without a picture.

        Each model starts where the one with the next stronger penalty has ended, and is trained
        to a ``tol`` of 1e-6 at least.

        Parameters
        ----------
        estimator : GDRegressor, GDClassifier or a pipeline that ends in one
            What is trained; it is not changed.
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        alphas : array-like of shape (n_alphas,), default=None
            The strengths of the penalty, as in `from_estimator`.

        Returns
        -------
        CoefficientPathDisplay
        """
        estimator, names = clone(estimator), None
        if hasattr(estimator, "steps") and len(estimator) > 1:
            before = estimator[:-1]
            rows = before.fit_transform(X, y)
            names = before.get_feature_names_out() if hasattr(X, "columns") else None
            X = rows
        model = last_step(estimator)
        tol = None if model.tol is None else min(model.tol, PATH_TOL)
        model.set_params(warm_start=True, tol=tol)
        name = _strength(model)
        alphas = _default_alphas(model, X, y) if alphas is None else np.sort(alphas)
        if not len(alphas):
            raise ValueError("alphas must have at least one strength. Got none.")
        coefs = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            for alpha in alphas[::-1]:
                model.set_params(**{name: alpha}).fit(X, y)
                coefs.append(np.atleast_2d(model._dense_coef()).copy())
        names = getattr(model, "feature_names_in_", names)
        outputs = getattr(model, "classes_", None)
        named = outputs is not None and len(outputs) == len(coefs[0])
        return cls(
            alphas,
            np.array(coefs[::-1]),
            None if names is None else [str(name) for name in names],
            [str(label) for label in outputs] if named else None,
        )

    def plot(self, ax: Any = None, *, output: int = 0) -> Self:
        """Draw the path of one output; the features with the largest weights are named.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; new axes if None.
        output : int, default=0
            The output or class, where there are several.

        Returns
        -------
        CoefficientPathDisplay
        """
        self.ax_ = axes_of(self, ax)
        self.figure_, self.lines_ = self.ax_.figure, []
        path = self.coefs[:, output]
        names = self.feature_names or [f"x{number}" for number in range(path.shape[1])]
        largest = np.argsort(-np.abs(path).max(axis=0), kind="stable")[:NAMED]
        for feature in range(path.shape[1]):
            style = {"color": "0.8", "linewidth": 0.8, "zorder": 1}
            if feature in largest:
                # in the legend's order, a colour each
                style = {"color": f"C{list(largest).index(feature)}", "label": names[feature]}
            self.lines_ += self.ax_.plot(self.alphas, path[:, feature], **style)
        self.ax_.axhline(0.0, color="black", linewidth=0.8, zorder=0)
        self.ax_.set(xscale="log", xlabel="alpha", ylabel="coefficient")
        if self.coefs.shape[1] > 1:
            names = self.output_names
            self.ax_.set_title(f"class {names[output]}" if names else f"output {output}")
        self.ax_.grid(alpha=0.3)
        handles = [self.lines_[feature] for feature in largest]
        title = None if len(largest) == path.shape[1] else f"largest {NAMED} of {path.shape[1]}"
        # beside the axes: paths fill them
        self.ax_.legend(handles=handles, title=title, loc="center left", bbox_to_anchor=(1.0, 0.5))
        return self


def _strength(model: BaseEstimator) -> str:
    # The parameter that says how strong the penalty is.
    if not strategy_of(model, "model").linear:
        raise ValueError(
            "CoefficientPathDisplay needs a linear model, which has a coefficient for each "
            f"feature. Got model={model.model!r}."
        )
    if model.penalty is not None:
        name = "alpha" if isinstance(model.penalty, str) else "penalty__alpha"
        if "alpha" in strategy_of(model, "penalty").get_params():
            return name
    raise ValueError(
        "CoefficientPathDisplay needs a penalty with a strength alpha, such as penalty='l1'. Got "
        f"penalty={model.penalty!r}."
    )


def _default_alphas(model: BaseEstimator, X: Any, y: Any) -> np.ndarray:
    # Up to the largest slope of the loss where there are intercepts only: L1 keeps zeros there.
    unset = dict.fromkeys(RATE_PARAMS)  # and an optimizer that takes L1
    null = clone(model).set_params(optimizer="auto", penalty="l1", alpha=1e30, **unset).fit(X, y)
    problem, params = problem_on(null, X, y)
    slope = np.abs(problem.weights(problem.loss_and_gradient(params)[1])).max()
    share = strategy_of(model, "penalty").get_params().get("l1_ratio") or 1.0
    return np.geomspace(1e-3, 1.0, 30) * (1.001 * slope / share)
