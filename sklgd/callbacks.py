"""Callbacks: what scikit-learn's own do not do.

`GDRegressor` and `GDClassifier` support scikit-learn's callbacks: ``set_callbacks`` takes
`sklearn.callback.ProgressBar`, `sklearn.callback.ScoringMonitor`, and any object with the methods
of `sklearn.callback.FitCallback`.  `fit` is the task they are told of, and each epoch a subtask
of the name ``"epoch"``; one whose ``on_fit_task_end`` returns True ends the training, with
``stop_reason_ = "callback"``.  `partial_fit` calls none.
"""

from __future__ import annotations

import copy
import os
import pickle
from numbers import Integral
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, validate_params

from .estimators.base import BaseGD
from .estimators.hooks import KEPT

__all__ = ["Checkpoint", "load_checkpoint"]


class Checkpoint:
    """Callback that writes an estimator in training to a file every so many epochs.

    The file holds the estimator as if training had stopped there, and what going on takes:
    `load_checkpoint` reads it, and the `fit` that follows, on the same data, goes on to the
    parameters that the uninterrupted one would have reached, to the bit.  A file is replaced only
    once the next is written, so that there is a whole one at any time.

    Parameters
    ----------
    path : str or path-like
        The file; a later checkpoint takes the place of an earlier one.  Estimators that train at
        the same time need a callback with a file each.
    every : int, default=10
        The number of epochs between two checkpoints.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> from sklearn.datasets import load_diabetes
    >>> from sklgd import GDRegressor
    >>> from sklgd.callbacks import Checkpoint, load_checkpoint
    >>> X, y = load_diabetes(return_X_y=True)
    >>> path = Path(mkdtemp()) / "model.pkl"
    >>> model = GDRegressor(optimizer="adam", max_iter=25, tol=None, random_state=0)
    >>> model = model.set_callbacks(Checkpoint(path)).fit(X, y)
    >>> again = load_checkpoint(path)
    >>> again.n_iter_
    20
    >>> bool((again.fit(X, y).coef_ == model.coef_).all()), again.n_iter_
    (True, 25)
    """

    @validate_params(
        {"path": [str, os.PathLike], "every": [Interval(Integral, 1, None, closed="left")]},
        prefer_skip_nested_validation=True,
    )
    def __init__(self, path: str | os.PathLike, every: int = 10) -> None:
        self.path = path
        self.every = every

    def __repr__(self) -> str:
        return f"Checkpoint({os.fspath(self.path)!r}, every={self.every})"

    def setup(self, estimator: BaseEstimator, context: Any) -> None:
        """Check that there is something to write, and somewhere; called when `fit` begins."""
        if not isinstance(estimator, BaseGD):
            raise TypeError(
                "Checkpoint writes GDRegressor and GDClassifier. Got "
                f"{type(estimator).__name__}; call set_callbacks of the estimator itself."
            )
        folder = Path(self.path).parent
        if not folder.is_dir():  # rather now than after epochs that would be lost
            raise FileNotFoundError(f"There is no directory {os.fspath(folder)!r} for {self!r}.")

    def teardown(self, estimator: BaseEstimator, context: Any) -> None:
        """Do nothing; called when `fit` has ended."""

    def on_fit_task_begin(self, estimator: BaseEstimator, context: Any) -> None:
        """Do nothing; called when `fit` or an epoch begins."""

    def on_fit_task_end(
        self, estimator: BaseEstimator, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Write the estimator if it is time to; called when an epoch or `fit` has ended."""
        if context.task_name == "epoch" and fitted_estimator.n_iter_ % self.every == 0:
            path = Path(self.path)
            beside = path.with_name(path.name + ".part")
            beside.write_bytes(pickle.dumps(_without_callbacks(fitted_estimator)))
            os.replace(beside, path)


def load_checkpoint(path: str | os.PathLike) -> BaseEstimator:
    """Return the estimator that `Checkpoint` wrote, ready to predict or to go on.

    Its next `fit`, on the same data, goes on where the interrupted one was, and counts its epochs
    on; ``max_iter`` may be set anew before.  `sklearn.base.clone` gives an estimator that
    starts anew.  Callbacks are not in the file: set them again.

    Parameters
    ----------
    path : str or path-like
        The file.  It is a pickle: load none that you do not trust.

    Returns
    -------
    GDRegressor or GDClassifier

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If no `Checkpoint` has written it.

    Examples
    --------
    >>> from sklgd.callbacks import load_checkpoint
    >>> load_checkpoint("no_such_file")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'no_such_file'
    """
    model = pickle.loads(Path(path).read_bytes())
    if not hasattr(model, "_paused"):
        raise ValueError(
            f"{os.fspath(path)!r} holds a {type(model).__name__} that no Checkpoint has written."
        )
    model._to_resume = model.__dict__.pop("_paused")
    return model


def _without_callbacks(estimator: BaseGD) -> BaseGD:
    # A copy that is not tied to the fit at hand.
    model = copy.copy(estimator)
    for name in (*KEPT, "_skl_callbacks", "_parent_callback_ctx"):
        model.__dict__.pop(name, None)
    return model
