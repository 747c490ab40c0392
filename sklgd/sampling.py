"""Where to start with many rows: at the minimum for some of them.

Parameters that fit a sample of m rows miss the minimum by about (number of parameters) / m of the
loss, most of the way, at a fraction of the cost of the same iterations on all rows.  The second
derivatives there are nearly those of all rows, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from .coordinates import largest_sizes, moments

#: one row in so many
SHARE = 8
#: rows of a sample for each parameter, and in all, at the least
ROWS_EACH, LEAST = 20, 1000
#: multiply-adds of a second-order pass from which a sample saves time, and how much slower those
#: of sparse rows are
WORTH, SPARSE = 4e6, 8.0
#: entries of a row from which its second derivatives take longer than all else
EQUAL = 25.0
#: a sample is solved to this share of what it is expected to miss the minimum by
ENOUGH = 10.0
#: iterations on a sample, at the most
MOST = 30


class Held:
    """The smooth part of a penalty, and rows beside it that hold one weight each.

    Parameters
    ----------
    smooth : Penalty or None
    squares : ndarray of shape (n_features,)
        What the rows add to the mean squares of the features.
    bend : float
        The curvature of the loss there, in units of the penalty.
    """

    def __init__(self, smooth: Any, squares: np.ndarray, bend: float) -> None:
        self.smooth, self.squares, self.sizes = smooth, squares, bend * squares

    def value(self, w: np.ndarray) -> float:
        """Return the sum of both."""
        own = 0.0 if self.smooth is None else float(self.smooth.value(w))
        return own + 0.5 * float(np.sum(self.sizes * w**2))

    def add_gradient(self, w: np.ndarray, grad: np.ndarray) -> None:
        """Add the gradient in place."""
        if self.smooth is not None:
            self.smooth.add_gradient(w, grad)
        grad += self.sizes * w


def solved_sample(
    optimizer: Any, problem: Any, params: np.ndarray, bend: float, state: dict
) -> tuple[Any, np.ndarray]:
    """Return the problem of a sample of the rows, spread evenly, and about its minimum.

    It is (None, params) where there are too few rows, where weights are not zero, which then are a
    start already, or for a model that is not linear.  Of rows in a bad order the minimum may be
    worse than ``params``.

    Parameters
    ----------
    optimizer : FullBatchOptimizer
        What solves it.
    problem : Problem
        The problem of all rows.
    params : ndarray
        Where to start.
    bend : float
        The curvature of the loss with respect to raw predictions.
    state : dict
        The optimizer's state, for it to begin with; at the end that of the sample's minimum.
    """
    if not problem.block.model.linear or params[: problem.n_weights].any():
        return None, params
    size = problem.n_features * (problem.n_raw if problem.block.targets.joint else 1)
    few = problem.n_rows // SHARE
    if few < max(ROWS_EACH * size, LEAST) or _work(problem) < WORTH:
        return None, params
    sample = problem.thinned(few)
    sample.tol = max(problem.tol or 0.0, ENOUGH * size / sample.n_rows)
    # what is rare in the sample would get any weight: it is held by a row that has all of it
    squares = _largest(sample) ** 2 / sample.n_rows
    sample.smooth = Held(problem.smooth, squares, bend / problem.unit)
    found = params.copy()
    for t in range(1, MOST + 1):
        optimizer.iterate(sample, found, state, 1.0, t)
        if state.get("converged"):
            break
    return sample, found


def _work(problem: Any) -> float:
    # The multiply-adds of a second-order pass, of each group of parameters.
    return problem.n_rows * _entries(problem) ** 2


def _entries(problem: Any) -> float:
    # Of a row: as many dense ones as take a second-order pass as long.
    X = problem.block.X
    return X.nnz / X.shape[0] * SPARSE**0.5 if sp.issparse(X) else X.shape[1]


def worth_of_bends(problem: Any) -> float:
    """Return how many passes for the gradient alone take as long as one with second derivatives.

    About: with ten features it is not twice as long, with a hundred five times.
    """
    groups = problem.n_raw if problem.block.targets.joint else 1
    return 1.0 + groups * _entries(problem) / EQUAL


def _largest(problem: Any) -> np.ndarray:
    # The largest size of each feature, less its mean where there is an intercept to take that up.
    X, order, mean = problem.block.X, problem.order, 0.0
    if problem.n_params > problem.n_weights and not sp.issparse(X):
        mean = moments(X, order, None)[0]
    return largest_sizes(X, order, mean)
