"""The bridge between the training loop and scikit-learn's callbacks (`sklearn.callback`).

A fit is one task, its epochs are the subtasks, ``max_iter`` at most.  Callbacks are told of the
beginning and the end of each, with the data as the user gave it, and may ask for the estimator as
if training had stopped there.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..training import FitState
from .validation import RowSplit

if TYPE_CHECKING:
    from .base import BaseGD

#: what scikit-learn keeps on an estimator while callbacks are at work
KEPT = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")


class Paused(NamedTuple):
    """A training between two epochs: all that going on with it to the bit takes."""

    state: FitState
    progress: dict[str, Any]
    split: RowSplit
    n_rows: int


class Hooks:
    """Tells the callbacks of an estimator what its training does.

    Parameters
    ----------
    estimator : BaseGD
    X, y, sample_weight : object
        What `fit` was given.
    """

    def __init__(self, estimator: BaseGD, X: Any, y: Any, sample_weight: Any) -> None:
        self.estimator = estimator
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self.about = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self.context = estimator._init_callback_context(max_subtasks=estimator.max_iter)
        #: publishes the training's present state on an estimator
        self.publish: Callable[[BaseGD], None] | None = None
        self.context.call_on_fit_task_begin(**self.about)

    def begin_epoch(self) -> None:
        """Tell of an epoch that begins."""
        self.epoch = self.context.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(**self.about, reconstruction_attributes=self._attributes)

    def end_epoch(self) -> bool:
        """Tell of an epoch that has ended; return whether a callback wants training to stop."""
        return self.epoch.call_on_fit_task_end(
            **self.about, reconstruction_attributes=self._attributes
        )

    def end(self) -> None:
        """Tell of the end of the fit."""
        self.context.call_on_fit_task_end(**self.about, reconstruction_attributes={})

    def _attributes(self) -> dict[str, Any]:
        """Return the attributes of the estimator as if training had stopped now."""
        seen = copy.copy(self.estimator)
        self.publish(seen)
        before = vars(self.estimator)
        return {name: value for name, value in vars(seen).items() if before.get(name) is not value}
