"""The loss against the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ..estimators.axes import last_step
from .base import axes_of, log_where_wide

#: what tells lines of one colour apart
STYLE = ("linestyle", "marker", "markersize", "markerfacecolor")
#: letters of a legend above the axes, side by side
WIDTH = 80


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
        name = type(last_step(estimator)).__name__ if name is None else name
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
        models = {name: last_step(estimator) for name, estimator in estimators.items()}
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
        self.ax_ = axes_of(self, ax)
        self.figure_, self.lines_ = self.ax_.figure, []
        single = len(self.histories) == 1
        for number, (name, history) in enumerate(self.histories.items()):
            self._plot_losses(number, name, history, single)
        rates = [np.asarray(history["learning_rate"]) for history in self.histories.values()]
        if learning_rate is None:
            learning_rate = single and np.unique(rates[0]).size > 1
        self.rate_ax_ = self._plot_rates(rates) if learning_rate else None
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        self.ax_.set(xlabel="epoch", ylabel="mean loss")
        log_where_wide(self.ax_)
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
        log_where_wide(ax)
        return ax
