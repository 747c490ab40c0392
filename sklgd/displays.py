"""Displays: what training has done, as pictures, in scikit-learn's ``Display`` convention.

``from_estimator`` computes and plots; the object keeps the numbers, so that ``plot`` draws them
again, and has the axes, the figure and the lines as ``ax_``, ``figure_`` and ``lines_``.  They
need matplotlib: ``pip install sklgd[plot]``.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from .estimators.axes import strategy_of
from .estimators.data import check_X_y
from .objective import Block, Problem
from .range_test import RangeTest, lr_range_test

__all__ = ["CoefficientPathDisplay", "LearningRateDisplay", "LossCurveDisplay"]

#: a quantity that spans more than this many times is drawn on a logarithmic axis
WIDE = 50.0
#: lines of a path that are named; the rest is grey
NAMED = 10
#: what tells lines of one colour apart
STYLE = ("linestyle", "marker", "markersize", "markerfacecolor")
#: letters of a legend above the axes, side by side
WIDTH = 80
#: how accurately a path is trained: what is left of ``tol`` would be seen as steps
PATH_TOL = 1e-6


class LossCurveDisplay:
    """The loss of every epoch, in training and in validation.

    It is the mean loss, without the penalty, so that both can be compared.  The best epoch, the
    one that early stopping restores, is marked.  A learning rate that varies has an axis of its
    own.

    Parameters
    ----------
    histories : dict of str to dict
        The ``history_`` of each model, by the name in the legend.
    best_iters : dict of str to int, default=None
        The ``best_iter_`` of each model; one that is missing is not marked.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the losses.
    rate_ax_ : matplotlib Axes or None
        The axes of the learning rates.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Line2D
        All lines, in the order of the legend.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores against the number of rows.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklgd import GDRegressor
    >>> from sklgd.displays import LossCurveDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = GDRegressor(optimizer="adam", max_iter=30, tol=None, early_stopping=True)
    >>> display = LossCurveDisplay({"adam": model.fit(X, y).history_})
    >>> display.plot().ax_.get_ylabel()  # doctest: +SKIP
    'mean loss'
    """

    def __init__(
        self,
        histories: Mapping[str, Mapping[str, Any]],
        best_iters: Mapping[str, int] | None = None,
    ) -> None:
        self.histories = histories
        self.best_iters = best_iters

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        name: str | None = None,
        ax: Any = None,
        learning_rate: bool | None = None,
    ) -> Self:
        """Plot the history of a fitted estimator.

        Parameters
        ----------
        estimator : GDRegressor, GDClassifier or a pipeline that ends in one
            The fitted estimator.
        name : str, default=None
            Its name in the legend; the class's if None.
        ax : matplotlib Axes, default=None
            Where to draw; new axes if None.
        learning_rate : bool, default=None
            Whether the learning rate has an axis of its own. None: where it varies.

        Returns
        -------
        LossCurveDisplay
        """
        name = type(_last_step(estimator)).__name__ if name is None else name
        return cls.from_estimators({name: estimator}, ax=ax, learning_rate=learning_rate)

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[str, BaseEstimator],
        *,
        ax: Any = None,
        learning_rate: bool | None = None,
    ) -> Self:
        """Plot the histories of several fitted estimators in one picture.

        Parameters
        ----------
        estimators : dict of str to GDRegressor, GDClassifier or a pipeline that ends in one
            The fitted estimators, by their names in the legend.
        ax : matplotlib Axes, default=None
            Where to draw; new axes if None.
        learning_rate : bool, default=None
            Whether the learning rates have an axis of their own. None: where there is one
            estimator, and its rate varies.

        Returns
        -------
        LossCurveDisplay
        """
        models = {name: _last_step(estimator) for name, estimator in estimators.items()}
        for model in models.values():
            check_is_fitted(model)
        histories = {name: model.history_ for name, model in models.items()}
        best = {
            name: model.best_iter_
            for name, model in models.items()  # of a stream, the history is that of all calls
            if model.best_iter_ and len(model.loss_curve_) == model.n_iter_
        }
        return cls(histories, best).plot(ax, learning_rate=learning_rate)

    def plot(self, ax: Any = None, *, learning_rate: bool | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; new axes if None.
        learning_rate : bool, default=None
            Whether the learning rates have an axis of their own. None: where there is one model,
            and its rate varies.

        Returns
        -------
        LossCurveDisplay
        """
        self.ax_ = _axes(self, ax)
        self.figure_, self.lines_ = self.ax_.figure, []
        single = len(self.histories) == 1
        for number, (name, history) in enumerate(self.histories.items()):
            self._plot_losses(number, name, history, single)
        rates = [np.asarray(history["learning_rate"]) for history in self.histories.values()]
        if learning_rate is None:
            learning_rate = single and np.ptp(rates[0]) > 0
        self.rate_ax_ = self._plot_rates(rates) if learning_rate else None
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        self.ax_.set(xlabel="epoch", ylabel="mean loss")
        _log_where_wide(self.ax_)
        self.ax_.grid(alpha=0.3)
        handles = self.lines_ if single else self._handles()
        # above the axes: on two axes there is no corner that is free
        longest = max(len(line.get_label()) for line in handles)
        columns = min(len(handles), max(1, WIDTH // (longest + 5)))
        above = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0)}
        self.ax_.legend(handles=handles, ncols=columns, **above)
        return self

    def _handles(self) -> list:
        # Of several models: a colour for each, and what the styles of lines mean.
        from matplotlib.lines import Line2D

        handles = [line for line in self.lines_ if line.get_label() in self.histories]
        for meaning in ("validation", "best epoch", "learning rate"):
            for line in self.lines_:
                if f", {meaning}" in line.get_label():
                    style = {name: line.properties()[name] for name in STYLE}
                    handles.append(Line2D([], [], color="0.4", label=meaning, **style))
                    break
        return handles

    def _plot_losses(self, number: int, name: str, history: Any, single: bool) -> None:
        colors = [f"C{number}"] * 2 if not single else ["C0", "C1"]
        label = "training" if single else name
        self._line(history["loss"], label, color=colors[0])
        followed = history["loss"]
        if "val_loss" in history:
            followed = history["val_loss"]
            label = "validation" if single else f"{name}, validation"
            self._line(followed, label, color=colors[1], linestyle="--")
        best = (self.best_iters or {}).get(name)
        if best:
            mark = {"marker": "o", "markersize": 8, "linestyle": "none", "markerfacecolor": "none"}
            label = f"best epoch: {best}" if single else f"{name}, best epoch: {best}"
            color = "black" if single else colors[0]
            (line,) = self.ax_.plot([best], [followed[best - 1]], color=color, label=label, **mark)
            self.lines_.append(line)

    def _line(self, values: Any, label: str, ax: Any = None, **style: Any) -> None:
        epochs = np.arange(1, len(values) + 1)
        style["marker"] = "." if len(values) <= 20 else None  # a single epoch is no line
        (line,) = (ax or self.ax_).plot(epochs, values, label=label, **style)
        self.lines_.append(line)

    def _plot_rates(self, rates: list[np.ndarray]) -> Any:
        ax = self.ax_.twinx()
        for number, (name, values) in enumerate(zip(self.histories, rates, strict=True)):
            single = len(rates) == 1
            color = "0.5" if single else f"C{number}"
            label = "learning rate" if single else f"{name}, learning rate"
            self._line(values, label, ax, color=color, linestyle=":")
        ax.set_ylabel("learning rate")
        _log_where_wide(ax)
        return ax


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
        model = _last_step(estimator)
        tol = None if model.tol is None else min(model.tol, PATH_TOL)
        model.set_params(warm_start=True, tol=tol)
        name = _strength(model)
        alphas = _default_alphas(model, name, X, y) if alphas is None else np.sort(alphas)
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
        self.ax_ = _axes(self, ax)
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
        estimator : GDRegressor or GDClassifier
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
        self.ax_ = _axes(self, ax)
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


def _last_step(estimator: BaseEstimator) -> BaseEstimator:
    return estimator[-1] if hasattr(estimator, "steps") else estimator


def _axes(display: Any, ax: Any) -> Any:
    check_matplotlib_support(f"{type(display).__name__}.plot")
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(layout="constrained")[1]
    return ax


def _log_where_wide(ax: Any) -> None:
    # A logarithmic axis where values are positive and of several magnitudes.
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.lines])
    values = values[np.isfinite(values)]
    if values.size and values.min() > 0 and values.max() > WIDE * values.min():
        ax.set_yscale("log")


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


def _default_alphas(model: BaseEstimator, name: str, X: Any, y: Any) -> np.ndarray:
    # Up to the largest slope of the loss where there are intercepts only: L1 keeps zeros there.
    null = clone(model).set_params(penalty="l1", alpha=1e30).fit(X, y)
    X, y = check_X_y(null, X, y, reset=False)
    targets = null._encode(y, null.loss_)
    block = Block(X, targets, None, null.loss_, null.model_, null.fit_intercept)
    problem = Problem(block, None)
    slope = np.abs(problem.weights(problem.loss_and_gradient(null._state.result)[1])).max()
    share = strategy_of(model, "penalty").get_params().get("l1_ratio") or 1.0
    return np.geomspace(1e-3, 1.0, 30) * (1.001 * slope / share)
