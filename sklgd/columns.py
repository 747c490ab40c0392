"""Rows by columns, for coordinate descent."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from ._kernels.descent import Columns
from .coordinates import is_constant

#: the share of nonzeros from which columns are quicker with their zeros than without
FILLED = 0.2
#: how many times its deviation a mean may be before sums of squares lose too many digits
FAR = 1e3


def by_columns(X: Any, *, centred: bool) -> tuple[Columns, np.ndarray]:
    """Return the columns of X, and what was taken off them.

    They are a copy, unless X is dense, in Fortran's order, and nothing is taken off.  Entries of a
    row that name one feature are added up.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, n_features)
    centred : bool
        Whether there is an intercept that can take it up where columns far from zero are taken
        less their mean; those of a sparse X if they have no zeros.

    Returns
    -------
    columns : Columns
    shift : float64 ndarray of shape (n_features,)
        Zero where nothing was taken off.
    """
    shift = np.zeros(X.shape[1])
    if sp.issparse(X) or np.count_nonzero(X) < FILLED * X.size:
        X = sp.csc_array(X)
        X.sum_duplicates()
        for j in np.flatnonzero(np.diff(X.indptr) == X.shape[0]) if centred else ():
            column = X.data[X.indptr[j] : X.indptr[j + 1]]
            column[...], shift[j] = _less_mean(column)
    elif centred:
        some = X[:: max(1, len(X) // 64)]
        sizes, spreads = np.abs(some).max(axis=0), np.ptp(some, axis=0)
        far = np.flatnonzero(sizes > FAR * spreads)  # or maybe
        X = X.copy(order="F") if far.size else X
        for j in far:
            X[:, j], shift[j] = _less_mean(X[:, j])
    return Columns(X), shift


def _less_mean(column: np.ndarray) -> tuple[np.ndarray, float]:
    # A column less its mean, and this, where it is far from zero.
    mean = float(column.dtype.type(column.mean(dtype=np.float64)))  # which the column can hold
    apart = column - mean
    deviation = float(np.sqrt(np.mean(apart**2, dtype=np.float64)))
    if abs(mean) <= FAR * deviation:
        return column, 0.0
    return (0.0 * apart if is_constant(deviation, mean) else apart), mean
