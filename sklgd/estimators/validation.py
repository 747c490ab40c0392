"""Which rows train and which validate, and how parameters are scored on the latter."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from inspect import signature
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.base import is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_consistent_length,
    validate_data,
)

from ..objective import Block, Problem
from ..training import Validation
from .data import ROWS, ValidationData, as_column, mend, refuse_dask, used_rows

if TYPE_CHECKING:
    from .base import BaseGD


class RowSplit(NamedTuple):
    """Training and validation rows as uint32 numbers; None for all and for none."""

    train: np.ndarray | None
    validation: np.ndarray | None


def split_rows(
    estimator: BaseGD, y: np.ndarray, weights: np.ndarray | None, given: ValidationData
) -> RowSplit:
    """Drop rows of weight zero, then set the validation rows aside (stratified by class)."""
    rows = None if weights is None else used_rows(weights)
    if not estimator.early_stopping or given.X is not None:
        return RowSplit(rows, None)
    # what few fits need is imported by those: it takes longer than all of sklgd
    from sklearn.model_selection import (
        PredefinedSplit,
        ShuffleSplit,
        StratifiedShuffleSplit,
        check_cv,
    )

    every = np.arange(len(y))
    rows = every if rows is None else rows
    fraction, classifier = estimator.validation_fraction, is_classifier(estimator)
    if isinstance(fraction, Real) and not isinstance(fraction, Integral):
        stratify = classifier and type_of_target(y) in ("binary", "multiclass")
        splitter = (StratifiedShuffleSplit if stratify else ShuffleSplit)(
            test_size=fraction, random_state=check_random_state(estimator.random_state)
        )
    else:
        splitter = check_cv(fraction, y[rows], classifier=classifier)
    # rows that are named are those of X; others are drawn from those that count
    named = isinstance(splitter, PredefinedSplit) or isinstance(fraction, Iterable)
    pool = every if named else rows
    split = next(splitter.split(np.zeros((len(pool), 1)), y[pool]), None)
    if split is None:
        raise ValueError(
            "validation_fraction has no split. Pass a list of a pair, (train, validation): a "
            "generator gives its splits only once."
        )
    counts = np.zeros(len(y), dtype=bool)
    counts[rows] = True
    # numbers or masks; shuffle=False keeps the order of rows
    try:
        parts = [np.sort(pool[np.asarray(part)]) for part in split]
    except IndexError as error:
        raise ValueError(
            f"validation_fraction must name rows of X, which has {len(pool)}, by numbers or by "
            f"masks: {error}."
        ) from error
    train, validation = (part[counts[part]] for part in parts)
    if len(train) == 0 or len(validation) == 0:
        raise ValueError(
            f"Splitting {len(rows)} samples into a train set and a validation set with "
            f"validation_fraction={fraction!r} led to an empty set ({len(train)} and "
            f"{len(validation)} samples). Please either change validation_fraction, increase the "
            "number of samples, or disable early_stopping."
        )
    return RowSplit(train.astype(np.uint32), validation.astype(np.uint32))


def make_validation(
    estimator: BaseGD, problem: Problem, split: RowSplit, given: ValidationData, X: Any, y: Any
) -> Validation | None:
    """Return the scoring of validation rows, given or set aside; None where there are none."""
    block = problem.block
    scorer = None if estimator.scoring == "loss" else _scorer_of(estimator)
    if given.X is None and not (given.y is None and given.sample_weight is None):
        name = "sample_weight_val" if given.y is None else "y_val"
        raise ValueError(f"{name} was given without X_val; pass X_val and y_val, or neither.")
    if given.X is not None:
        X, y, weights = _check_given(estimator, given, X, y)
        try:
            targets = estimator._encode(y, block.loss)
        except ValueError as error:
            raise ValueError(str(error).replace(" of y ", " of y_val ", 1)) from error
        held_out = Problem(block._replace(X=X, targets=targets, weights=weights), None)
    elif split.validation is not None:
        held_out = Problem(block, None, split.validation)
        weights = block.weights
        if scorer is not None:  # it wants the rows themselves
            rows = split.validation
            if len(rows) < 2:  # as scikit-learn's networks; R^2 is not defined then
                raise ValueError(
                    f"The validation set is too small: it has {len(rows)} row, and "
                    f"scoring={estimator.scoring!r} needs 2. Increase 'validation_fraction' or the "
                    "size of your dataset, or leave scoring at 'loss'."
                )
            X, y = X[rows], y[rows]
            weights = None if weights is None else weights[rows]
    else:
        return None
    if scorer is None:
        return Validation(held_out.loss)
    return Validation(held_out.loss, _score_with(scorer, estimator, block, X, y, weights))


def _scorer_of(estimator: BaseGD) -> Callable:
    """Return what ``scoring`` stands for; raise, rows to validate on or not, if it is unknown."""
    from sklearn.metrics import check_scoring

    return check_scoring(estimator, scoring=estimator.scoring)


def _check_given(
    estimator: BaseGD, given: ValidationData, X: Any, y: np.ndarray
) -> tuple[Any, np.ndarray, np.ndarray | None]:
    # Validate X_val, y_val and their weights against the training data.
    if given.y is None:
        raise ValueError("X_val was given without y_val; pass both or neither.")
    refuse_dask(given.X, given.y)
    try:
        X_val = validate_data(estimator, given.X, reset=False, order="C", **ROWS)
    except ValueError as error:
        raise ValueError(str(error).replace("X ", "X_val ", 1)) from error
    y_val = given.y.toarray() if sp.issparse(given.y) else given.y
    y_val = check_array(y_val, ensure_2d=False, dtype=None, input_name="y_val")
    check_consistent_length(X_val, y_val)
    y_val = as_column(y_val)
    # class probabilities and labels mix: they are coded alike
    mixed = is_classifier(estimator) and "f" in (y.dtype.kind * (y.ndim > 1), y_val.dtype.kind)
    if y_val.shape[1:] != y.shape[1:] and not mixed:
        raise ValueError(f"y_val has shape {y_val.shape}, which does not fit y of shape {y.shape}.")
    if is_classifier(estimator) and y_val.ndim == 1:
        unseen = np.setdiff1d(y_val, estimator.classes_)
        if len(unseen):
            raise ValueError(
                f"y_val contains labels that are not in y: {unseen[:5]}. The classes are "
                f"{estimator.classes_}."
            )
    weights = given.sample_weight
    if weights is not None:
        weights = _check_sample_weight(weights, X_val, dtype=np.float64, ensure_non_negative=True)
    return mend(X_val), y_val, estimator._class_weights(y_val, weights, learn=False)


def _score_with(
    scorer: Callable,
    estimator: BaseGD,
    block: Block,
    X: Any,
    y: Any,
    weights: np.ndarray | None,
) -> Callable[[np.ndarray], float]:
    # The scorer sees a copy of the estimator that has the parameters at hand.
    seen = copy.copy(estimator)
    seen.__dict__.pop("feature_names_in_", None)  # the rows are a plain array by now
    seen.loss_, seen.model_ = block.loss, block.model
    # a metric or a function of the user's own that takes no weights does without
    asked = getattr(scorer, "_accept_sample_weight", None)
    takes_weights = asked() if asked else "sample_weight" in signature(scorer).parameters
    kwargs = {"sample_weight": weights} if weights is not None and takes_weights else {}
    y = estimator._most_probable(y)
    shape = (block.X.shape[1], block.targets.n_raw, block.fit_intercept)

    def score(params: np.ndarray) -> float:
        seen._dtype = block.X.dtype
        seen._set_params(block.model, params, shape, block.units)
        value = scorer(seen, X, y, **kwargs)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ValueError(
                f"scoring must return a number, got {value!r} ({type(value)}) instead. "
                f"(scorer={scorer!r})"
            ) from None

    return score
