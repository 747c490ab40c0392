"""What the user gives: rows, targets and starting values, checked, in the form training takes."""

from __future__ import annotations

from math import isfinite
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from .._kernels.rows import has_valid_indices

#: how `validate_data` checks rows
ROWS: dict[str, Any] = {
    "accept_sparse": "csr",
    "accept_large_sparse": True,
    "dtype": [np.float64, np.float32],
}
#: types of sparse rows, and of numbers, that are used as they are
SPARSE = (sp.csr_array, sp.csr_matrix)
PLAIN = (np.dtype(np.float64), np.dtype(np.float32))


class ValidationData(NamedTuple):
    """What the user gave to validate on."""

    X: Any = None
    y: Any = None
    sample_weight: Any = None


class Init(NamedTuple):
    """Where the user wants training to start."""

    coef: Any = None
    intercept: Any = None


def check_X_y(estimator: BaseEstimator, X: Any, y: Any, *, reset: bool) -> tuple[Any, np.ndarray]:
    """Return training rows and targets, validated; sets ``n_features_in_`` with ``reset``."""
    if is_plain(estimator, X, reset=reset) and is_plain_column(y, X.shape[0]):
        if reset:
            estimator.n_features_in_ = X.shape[1]
        return mend(X), y
    refuse_dask(X, y)
    X, y = validate_data(
        estimator, X, y, reset=reset, order="C", multi_output=True, y_numeric=False, **ROWS
    )
    y = y.toarray() if sp.issparse(y) else y
    return mend(X), as_column(y)


def check_X(estimator: BaseEstimator, X: Any) -> Any:
    """Return rows to predict for, validated."""
    check_is_fitted(estimator)
    if is_plain(estimator, X, reset=False):
        return X
    refuse_dask(X)
    return validate_data(estimator, X, reset=False, **ROWS)


def is_plain(estimator: BaseEstimator, X: Any, *, reset: bool) -> bool:
    """Whether `validate_data` would return X as it is; it takes longer than a small batch."""
    if type(X) in SPARSE:
        numbers, lies_well = X.data, X.data.size == X.indices.size
    else:
        numbers = X
        lies_well = type(X) is np.ndarray and X.flags.c_contiguous and X.flags.aligned
    return (
        lies_well
        and X.ndim == 2
        and X.dtype in PLAIN
        and min(X.shape) > 0
        and "feature_names_in_" not in estimator.__dict__
        and (reset or X.shape[1] == getattr(estimator, "n_features_in_", None))
        and is_finite(numbers)  # where the sum overflows, scikit-learn looks again
    )


def is_finite(array: np.ndarray) -> bool:
    """Whether the sum of an array is finite; no BLAS, whose threads wait for a busy core."""
    with np.errstate(over="ignore", invalid="ignore"):
        return isfinite(np.add.reduce(array, axis=None))


def is_plain_column(y: Any, n_rows: int) -> bool:
    """Whether y is a vector of finite numbers, one a row."""
    return (
        type(y) is np.ndarray
        and y.shape == (n_rows,)
        and (y.dtype.kind in "iu" or (y.dtype in PLAIN and is_finite(y)))
    )


def as_column(y: np.ndarray) -> np.ndarray:
    """Return a single column of targets as a vector."""
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def used_rows(weights: np.ndarray) -> np.ndarray | None:
    """Return the rows of positive weight; None where that is all of them."""
    return None if weights.all() else np.flatnonzero(weights).astype(np.uint32)


def refuse_dask(*arrays: Any) -> None:
    """Raise for Dask collections: converting one would silently pull it into memory."""
    for array in arrays:
        if type(array).__module__.partition(".")[0] == "dask":
            raise TypeError(
                f"Got a Dask collection ({type(array).__name__}), which this estimator would have "
                "to load into memory whole. Call .compute() on it first, or feed its blocks to "
                "partial_fit."
            )


def mend(X: Any) -> Any:
    """Return X with what compiled code needs: aligned data, indices of one type.  Rarely a copy."""
    if isinstance(X, np.ndarray):
        return np.require(X, requirements=["C", "A"])
    parts = [np.require(part, requirements=["C", "A"]) for part in (X.data, X.indices, X.indptr)]
    wide = np.int64 if np.int64 in (parts[1].dtype, parts[2].dtype) else np.int32
    parts[1:] = [part.astype(wide, copy=False) for part in parts[1:]]
    if not has_valid_indices(parts[1], parts[2], X.shape[1]):
        raise ValueError(
            f"X is no valid CSR matrix of shape {X.shape}: it has indices outside of its columns, "
            "or rows outside of its data. X.check_format() tells more."
        )
    if all(a is b for a, b in zip(parts, (X.data, X.indices, X.indptr), strict=True)):
        return X
    mended = type(X)(X.shape, dtype=X.dtype)
    mended.data, mended.indices, mended.indptr = parts
    return mended
