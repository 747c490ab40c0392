"""What a fit leaves behind: the fitted attributes."""

from __future__ import annotations

import copy
import functools
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from sklearn.utils._optional_dependencies import check_pandas_support
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..models import Model
from ..models.base import parts_of
from ..objective import Block, Problem
from ..training import FitState, Report, TrainingLoop
from ..units import Units
from .axes import Strategies, strategy_of
from .data import check_X_y
from .hooks import Paused
from .validation import RowSplit


def _has_coef(estimator: Any) -> bool:
    model = strategy_of(estimator, "model")
    if not model.linear:
        raise AttributeError(f"{model!r} has no coef_ that could be converted.")
    return True


#: what an epoch saw, in lists with an entry an epoch
History = dict[str, list[float]]
#: what is there even where no epoch came to an end with finite parameters
EPOCH = ("objective", "loss", "penalty", "learning_rate", "time")


class Fitted(NamedTuple):
    """What a model that is not linear predicts from."""

    params: np.ndarray
    shape: tuple[int, int, bool]
    units: Units | None


class WhenRead:
    """An attribute that is made of the state when it is read: calls on few rows need not write it.

    What is published, or set, goes before.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, estimator: Any, owner: type | None = None) -> Any:
        if estimator is None:
            return self
        if self.name not in vars(estimator).get("_unread", ()):
            raise AttributeError(
                f"{type(estimator).__name__!r} object has no attribute {self.name!r}"
            )
        model, state = estimator.model_, estimator._state
        parts = parts_of(model, state.result, *state.shape[:2], state.units)
        shown = estimator._shown(model, {self.name: parts[self.name]})
        return vars(estimator).setdefault(self.name, shown[self.name])


class FittedAttributes:
    """Mixin: publishes what a fit has found, and what can be done with it.

    Sets in `_publish`: ``coef_``, ``intercept_`` or what else the model's parameters are, the
    strategies that were used, ``n_iter_``, ``best_iter_``, ``stop_reason_``, ``t_``, and the state
    and history from which later calls go on.  After a call of `partial_fit` that goes on with a
    linear model, ``coef_`` and ``intercept_`` are made when they are read.
    """

    coef_ = WhenRead()
    intercept_ = WhenRead()

    def _publish(
        self,
        strategies: Strategies,
        state: FitState,
        report: Report,
        dtype: Any,
        *,
        before: tuple[History, ...] = (),
        unread: bool = False,
    ) -> None:
        state.is_lent, state.trial = False, None
        self._state, self._histories = state, appended(before, report.history)
        for axis, used in zip(strategies._fields, strategies, strict=True):
            # a copy: the user's object may get other parameters before the next call
            if getattr(self, f"{axis}_", None) != used or not hasattr(self, f"{axis}_"):
                setattr(self, f"{axis}_", copy.deepcopy(used))
        state.optimizer = self.optimizer_
        self.optimizer_.forget(state.slots)
        self._dtype = dtype
        if unread and strategies.model.linear:
            self._leave_unread()
        else:
            self._set_params(strategies.model, state.result.copy(), state.shape, state.units)
        self.n_iter_ = report.n_iter
        self.best_iter_ = report.best_iter
        self.stop_reason_ = report.stop_reason
        self.t_ = state.t + 1.0

    def _publish_paused(self, strategies: Strategies, loop: TrainingLoop, split: RowSplit) -> None:
        """Publish a training between two epochs, with what going on with it takes."""
        X, progress = loop.problem.block.X, loop.progress()
        self._publish(strategies, loop.state.copy(), progress["report"], X.dtype)
        self._paused = Paused(loop.state.copy(), loop.progress(), split, X.shape[0])

    def _set_params(
        self,
        model: Model,
        params: np.ndarray,
        shape: tuple[int, int, bool],
        units: Units | None,
    ) -> None:
        """Publish parameters in place of those before, which may be another model's."""
        for name in self.__dict__.pop("_published", ()):
            self.__dict__.pop(name, None)
        self._unread = ()
        parts = parts_of(model, params, *shape[:2], units)
        if not model.linear:
            self._fitted = Fitted(params, shape, units)
        self._published = (*parts, "_fitted")
        vars(self).update(self._shown(model, parts))
        if model.linear:
            self._coef_shape = self.coef_.shape

    def _leave_unread(self) -> None:
        """Publish parameters that are as many as those before, once they are read."""
        self._unread = tuple(name for name in self._published if name != "_fitted")
        for name in self._unread:
            self.__dict__.pop(name, None)

    def _is_unread(self) -> bool:
        """Whether nobody has seen the parameters that the last call has left."""
        unread = self.__dict__.get("_unread", ())
        return bool(unread) and not any(name in self.__dict__ for name in unread)

    def _shown(self, model: Model, parts: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters as copies of X's type: the state goes on without them."""
        return {name: as_type(value, self._dtype) for name, value in parts.items()}

    def __copy__(self) -> Self:
        """Return an estimator with the same attributes, whose calls go on by themselves."""
        copied = type(self).__new__(type(self))
        vars(copied).update(vars(self))
        if "_state" in vars(self):  # which calls on few rows write to
            copied._state = self._state.copy()
        return copied

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """What training saw: arrays with one entry an epoch.

        ``"objective"``, ``"loss"`` and ``"penalty"``, ``"learning_rate"`` (that of the epoch's last
        step), ``"time"`` (seconds since the call began), and with validation data ``"val_loss"``
        and, where ``scoring`` is not ``"loss"``, ``"val_score"``.  Calls of ``partial_fit`` add
        to it.
        """
        if not hasattr(self, "_histories"):
            raise AttributeError(f"{type(self).__name__} has no history_ before it is fitted.")
        history = functools.reduce(joined, self._histories) or dict.fromkeys(EPOCH, ())
        return {name: np.asarray(values) for name, values in history.items()}

    @property
    def loss_curve_(self) -> np.ndarray:
        """The objective of each epoch: ``history_["objective"]``."""
        return self.history_["objective"]

    @property
    def validation_scores_(self) -> np.ndarray | None:
        """The score of each epoch on validation data, None without; larger is better.

        ``history_["val_score"]``, or with ``scoring="loss"`` minus ``history_["val_loss"]``.
        """
        history = self.history_
        if "val_score" in history:
            return history["val_score"]
        return -history["val_loss"] if "val_loss" in history else None

    def history_frame(self) -> Any:
        """Return ``history_`` as a `pandas.DataFrame`, indexed by the number of the epoch.

        Returns
        -------
        frame : DataFrame of shape (n_epochs, n_quantities)
        """
        pd = check_pandas_support(f"{type(self).__name__}.history_frame")
        history = self.history_
        epochs = pd.RangeIndex(1, len(self.loss_curve_) + 1, name="epoch")
        return pd.DataFrame(history, index=epochs)

    # -- sparse coefficients -----------------------------------------------------------------

    @available_if(_has_coef)
    def sparsify(self) -> Self:
        """Convert ``coef_`` to a CSR array, which saves memory where most weights are zero.

        Predictions stay the same; any later fit, ``partial_fit`` too, makes ``coef_`` dense again.
        ``coef_`` of one target has shape (1, n_features) meanwhile.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        check_is_fitted(self)
        if not sp.issparse(self.coef_):
            self.coef_ = sp.csr_array(np.atleast_2d(self.coef_))
        return self

    @available_if(_has_coef)
    def densify(self) -> Self:
        """Convert ``coef_`` back to an ndarray of the shape it had.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        check_is_fitted(self)
        self.coef_ = self._dense_coef()
        return self

    def _dense_coef(self) -> np.ndarray:
        if not sp.issparse(self.coef_):
            return self.coef_
        return self.coef_.toarray().reshape(getattr(self, "_coef_shape", self.coef_.shape))


def problem_on(estimator: Any, X: Any, y: Any) -> tuple[Problem, np.ndarray]:
    """Return the mean loss of a fitted estimator on other rows, and the parameters it has found."""
    X, y = check_X_y(estimator, X, y, reset=False)
    loss, state = estimator.loss_, estimator._state
    targets = estimator._encode(y, loss)
    block = Block(X, targets, None, loss, estimator.model_, estimator.fit_intercept, state.units)
    return Problem(block, None), state.result


def as_type(value: Any, dtype: Any) -> Any:
    """Return a copy of an array, or of the arrays in a list, as another type if that holds it."""
    if isinstance(value, list):
        return [as_type(entry, dtype) for entry in value]
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype == dtype:  # nothing that could overflow
        return value.copy()
    with np.errstate(over="ignore"):
        cast = np.array(value, dtype=dtype, order="C")
    overflows = cast.dtype.kind == "f" and np.isinf(cast).any() and np.isfinite(value).all()
    return value.copy() if overflows else cast


def is_same(found: Any, value: Any) -> bool:
    """Whether an attribute holds a value still, up to `as_type` and its shape."""
    if isinstance(value, list):
        return len(found) == len(value) and all(map(is_same, found, value))
    found = np.ravel(found)
    dtype = found.dtype if found.dtype.kind == "f" else np.float64
    return np.array_equal(found, np.ravel(value).astype(dtype))


def joined(before: History, new: History) -> History:
    """Return a history with the epochs of a later call behind it; what one lacks is NaN."""
    n_before, n_new = _length(before), _length(new)
    return {
        name: before.get(name, [np.nan] * n_before) + new.get(name, [np.nan] * n_new)
        for name in {**before, **new}
    }


def appended(before: tuple[History, ...], new: History) -> tuple[History, ...]:
    """Return the histories of successive calls, ever shorter ones, with a later call's behind them.

    A history is joined to one that is no longer, so that n calls copy n log(n) numbers, not n**2.
    """
    while before and _length(before[-1]) <= _length(new):
        before, new = before[:-1], joined(before[-1], new)
    return (*before, new)


def _length(history: History) -> int:
    return len(history.get("objective", ()))
