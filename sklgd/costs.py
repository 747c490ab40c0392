"""What passes over the rows take, in multiply-adds of dense entries, as measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import scipy.sparse as sp

if TYPE_CHECKING:
    from .objective import Problem

#: what a sparse entry takes in a pass for the gradient, and a product of two of them in one with
#: second derivatives
SPARSE_ENTRY, SPARSE_PRODUCT = 4.0, 8.0
#: what a row takes beside its entries
ROW = 30.0
#: dense entries of a row whose second derivatives take as long as all else of a pass
EQUAL_ENTRIES = 25.0
#: a pass from which threads save time, to start which takes as long as two million; and one with
#: second derivatives from which a sample of the rows does
WORTH_THREADS, WORTH_SAMPLING = 3e6, 4e6


def row_entries(X: Any) -> float:
    """Return the mean number of entries of a row: of sparse ones, those that are stored."""
    return X.nnz / max(X.shape[0], 1) if sp.issparse(X) else X.shape[1]


def row_work(X: Any, n_params: int) -> float:
    """Return about what a row takes in a pass for the gradient, beside `ROW`."""
    entry = SPARSE_ENTRY if sp.issparse(X) else 1.0
    return float(entry * row_entries(X) * n_params / X.shape[1])


def hessian_work(problem: Problem) -> float:
    """Return about what second derivatives of all rows take, for each group of parameters."""
    return problem.n_rows * _entries(problem) ** 2


def hessian_passes(problem: Problem, *, shared: bool = False) -> float:
    """Return about how many passes for gradients take as long as one with second derivatives.

    With ten features it is not twice as long, with a hundred it is five times.  It is shorter where
    raw columns share second derivatives.
    """
    groups = problem.n_raw if problem.block.targets.joint else 1
    groups = 1.0 / problem.n_raw if shared else groups
    return 1.0 + groups * _entries(problem) / EQUAL_ENTRIES


def _entries(problem: Problem) -> float:
    # The entries of a row; for sparse ones as many dense ones as make a second-order pass as long.
    X = problem.block.X
    return row_entries(X) * (SPARSE_PRODUCT**0.5 if sp.issparse(X) else 1.0)
