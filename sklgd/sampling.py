"""Rows, and samples of them: which ones, and where to start with many: at the minimum for some.

Parameters that fit a sample of m rows miss the minimum by about (number of parameters) / m of the
loss: most of the way, at a fraction of the cost of the same iterations on all rows.  The second
derivatives there are nearly those of all rows, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from .coordinates import largest_sizes
from .costs import WORTH_SAMPLING, hessian_work

if TYPE_CHECKING:
    from .objective import Problem

#: whose multiples, up to whole numbers, are spread evenly over the unit interval, however many
GOLDEN = 0.5 * (5.0**0.5 - 1.0)
#: the sample has one row of so many
ONE_IN = 8
#: rows of a sample for each parameter, and in all, at the least
ROWS_EACH, LEAST = 20, 1000
#: a sample is solved until what is left is so many times what it misses the minimum by
ENOUGH = 10.0
#: iterations on a sample, at the most
MOST = 30
#: dense entries that are looked at, and rows at the least
LOOKED_ENTRIES, LEAST_LOOKED = 2**19, 64


def evenly(n_rows: int, step: int) -> np.ndarray:
    """Return the number of one row of each ``step``.

    Not the same of each, since every step-th row is a biased sample of rows that repeat, such as
    those of hours.
    """
    blocks = np.arange(n_rows // step, dtype=np.float64)
    places = blocks * GOLDEN
    places -= np.floor(places)
    return (step * (blocks + places)).astype(np.uint32)


def enough_rows(X: Any, most: int) -> int:
    """Return how many rows tell of all: up to ``most``, fewer of dense ones with many features."""
    if sp.issparse(X):
        return most
    return min(most, max(LOOKED_ENTRIES // X.shape[1], LEAST_LOOKED))


class Rows(NamedTuple):
    """Some rows, with their targets and weights.

    Attributes
    ----------
    X : {ndarray, CSR matrix} of shape (n, n_features)
    y : ndarray of shape (n,) or (n, width)
    weights : ndarray of shape (n,) or None
    """

    X: Any
    y: np.ndarray
    weights: np.ndarray | None

    @classmethod
    def joined(cls, parts: tuple[Rows, ...]) -> Rows:
        """Return several together; sparse if one of them is."""
        Xs, ys, weights = zip(*parts, strict=True)
        X = sp.vstack(Xs, format="csr") if any(map(sp.issparse, Xs)) else np.concatenate(Xs)
        if all(part is None for part in weights):
            return cls(X, np.concatenate(ys), None)
        pairs = zip(ys, weights, strict=True)
        ones = [np.ones(len(y)) if part is None else part for y, part in pairs]
        return cls(X, np.concatenate(ys), np.concatenate(ones))

    def at(self, rows: np.ndarray) -> Rows:
        """Return copies of given rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Rows(self.X[rows], self.y[rows], weights)


class Held:
    """The smooth part of a sample's penalty, and a ridge that holds what is rare in the sample.

    The ridge is what one more row for each feature would add, in which this feature alone is not
    zero.

    Parameters
    ----------
    smooth : Penalty or None
    squares : ndarray of shape (n_features,)
        What these rows add to the mean squares of the features.
    curvature : float
        The curvature of the loss in them, in units of the penalty.
    """

    def __init__(self, smooth: Any, squares: np.ndarray, curvature: float) -> None:
        self.smooth, self.sizes = smooth, curvature * squares

    def value(self, w: np.ndarray) -> float:
        """Return the sum of both."""
        own = 0.0 if self.smooth is None else float(self.smooth.value(w))
        return own + 0.5 * float(np.sum(self.sizes * w**2))

    def add_gradient(self, w: np.ndarray, grad: np.ndarray) -> None:
        """Add the gradient in place."""
        if self.smooth is not None:
            self.smooth.add_gradient(w, grad)
        grad += self.sizes * w


class Solved(NamedTuple):
    """A sample's problem, with a ridge, nearly its minimum, and what the ridge stands for.

    Attributes
    ----------
    problem : Problem
    params : ndarray
    squares : ndarray of shape (n_features,)
        What the rows that the ridge stands for add to the mean squares of the features.
    """

    problem: Problem
    params: np.ndarray
    squares: np.ndarray


def solved_sample(
    optimizer: Any, problem: Problem, params: np.ndarray, curvature: float, state: dict
) -> Solved | None:
    """Return the problem of a sample of the rows, spread evenly, and nearly its minimum.

    None where there are too few rows, where the weights are not all zero, which are a start
    already, and for a model that is not linear.  The minimum may be worse than ``params`` for all
    rows, if the sample does not represent them.

    Parameters
    ----------
    optimizer : FullBatchOptimizer
        What solves it.
    problem : Problem
        The problem of all rows.
    params : ndarray
        Where to start.
    curvature : float
        The curvature of the loss with respect to raw predictions.
    state : dict
        The optimizer's state at the start; written to, and at the end that at the minimum.
    """
    if not problem.block.model.linear or params[: problem.n_weights].any():
        return None
    size = problem.n_features * (problem.n_raw if problem.block.targets.joint else 1)
    few = problem.n_rows // ONE_IN
    if few < max(ROWS_EACH * size, LEAST) or hessian_work(problem) < WORTH_SAMPLING:
        return None
    sample = problem.thinned(few)
    sample.tol = max(problem.tol or 0.0, ENOUGH * size / sample.n_rows)
    # a feature that hardly any row of the sample has would get any weight
    squares = _largest(sample) ** 2 / sample.n_rows
    sample.smooth = Held(problem.smooth, squares, curvature / problem.unit)
    found = params.copy()
    for t in range(1, MOST + 1):
        optimizer.iterate(sample, found, state, 1.0, t)
        if state.get("converged"):
            break
    return Solved(sample, found, squares)


def _largest(problem: Problem) -> np.ndarray:
    # The largest size of each feature, less its mean where an intercept can take that up.
    centred = problem.has_intercept and not sp.issparse(problem.block.X)
    return largest_sizes(problem.block.X, problem.order, problem.moments[0] if centred else 0.0)
