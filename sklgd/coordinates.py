"""A change of variables that mends the conditioning of raw features.

With ``w_j = u_j / scale_j`` and ``b = c - sum_j shift_j w_j`` a linear model sees features that
are centred and scaled, while the objective, the penalty included, stays a function of (w, b) in
the user's units.  X is not touched: gradients with respect to u are those of w, transformed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

#: rows that are looked at together: a block of them is copied
STAT_ROWS = 1024


@dataclass
class Coordinates:
    """``params = to_params(u)``; ``shift`` is None where nothing is centred.

    Parameters
    ----------
    scale : float64 ndarray of shape (n_features,)
    shift : float64 ndarray of shape (n_features,) or None
    n_raw : int
    """

    scale: np.ndarray
    shift: np.ndarray | None
    n_raw: int

    @property
    def trivial(self) -> bool:
        """Whether parameters are their own coordinates."""
        return self.shift is None and bool(np.all(self.scale == 1.0))

    def _split(self, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n_weights = self.n_raw * len(self.scale)
        return vector[:n_weights].reshape(self.n_raw, -1), vector[n_weights:]

    def to_params(self, u: np.ndarray) -> np.ndarray:
        """Return the parameters at ``u``."""
        params = u.copy()
        weights, intercept = self._split(params)
        weights /= self.scale
        if self.shift is not None:
            intercept -= weights @ self.shift
        return params

    def from_params(self, params: np.ndarray) -> np.ndarray:
        """Return the point whose parameters these are."""
        u = params.copy()
        weights, intercept = self._split(u)
        if self.shift is not None:
            intercept += weights @ self.shift
        weights *= self.scale
        return u

    def gradient(self, grad: np.ndarray) -> np.ndarray:
        """Turn a gradient with respect to the parameters into one with respect to u, in place."""
        weights, intercept = self._split(grad)
        if self.shift is not None:
            weights -= np.outer(intercept, self.shift)
        weights /= self.scale
        return grad

    def user_gradient(self, grad: np.ndarray) -> np.ndarray:
        """Return the gradient with respect to the parameters: the way back from `gradient`."""
        grad = grad.copy()
        weights, intercept = self._split(grad)
        weights *= self.scale
        if self.shift is not None:
            weights += np.outer(intercept, self.shift)
        return grad

    def sizes(self, step: float, n_params: int) -> np.ndarray:
        """Return the step sizes of the parameters for a step size in u."""
        sizes = np.full(n_params, step)
        weights, _ = self._split(sizes)
        weights /= self.scale**2
        return sizes


def identity(problem: Any) -> Coordinates:
    """Return coordinates that change nothing."""
    rows = problem.weight_rows
    return Coordinates(np.ones(problem.n_weights // rows), None, rows)


def standardizing(problem: Any) -> Coordinates:
    """Return coordinates in which features have unit scale, and mean zero if X is dense.

    Sparse features are not centred, and only those of a scale far from one are scaled: the
    inverse document frequencies in text, say, are information.
    """
    X, order, weights = problem.block.X, problem.order, problem.block.weights
    if sp.issparse(X):
        return Coordinates(sparse_scale(X, order), None, problem.n_raw)
    mean, scale = moments(X, order, weights)
    if problem.n_params == problem.n_weights:  # no intercept to take the shift up
        scale, mean = np.sqrt(scale**2 + mean**2), None
    scale[scale <= 1e-12 * np.abs(0.0 if mean is None else mean)] = 0.0
    scale = np.sqrt(scale**2 + _ridge(problem))
    scale[scale == 0.0] = 1.0
    return Coordinates(scale, mean, problem.n_raw)


def mean_squares(problem: Any, space: Coordinates) -> np.ndarray:
    """Return the mean squares of the features in ``space``, over all rows: about one each.

    Far from it where a feature is rare and the rows that ``space`` was made from had little of it.
    """
    X, order, weights = problem.block.X, problem.order, problem.block.weights
    if sp.issparse(X):
        squares, total = np.zeros(X.shape[1]), 0.0
        for rows in _blocks(X, order):
            block = X[rows]
            w = np.ones(block.shape[0]) if weights is None else weights[rows]
            each = np.repeat(w, np.diff(block.indptr)) * np.square(block.data, dtype=np.float64)
            squares += np.bincount(block.indices, each, minlength=X.shape[1])
            total += w.sum()
        squares /= total
    else:
        mean, deviation = moments(X, order, weights)
        squares = deviation**2 + (mean if space.shift is None else mean - space.shift) ** 2
    return squares / space.scale**2


def sparse_scale(X: Any, order: np.ndarray | None) -> np.ndarray:
    """Return the largest sizes of sparse features, one where they are near one."""
    largest = np.zeros(X.shape[1])
    for rows in _blocks(X, order):
        block = X[rows]
        np.maximum.at(largest, block.indices, np.abs(block.data))
    far = (largest > 10.0) | ((largest < 0.01) & (largest > 0.0))
    return np.where(far, largest, 1.0)


def moments(
    X: np.ndarray, order: np.ndarray | None, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return means and standard deviations of dense features over given rows, None for all."""
    total, first, second = 0.0, np.zeros(X.shape[1]), np.zeros(X.shape[1])
    origin = X[0 if order is None else order[0]].astype(np.float64)
    for rows in _blocks(X, order):
        block = X[rows] - origin  # a shift of the origin keeps large means from cancelling
        w = np.ones(len(block)) if weights is None else weights[rows]
        total += w.sum()
        first += w @ block
        second += np.einsum("i,ij,ij->j", w, block, block)
    first /= total
    return origin + first, np.sqrt(np.maximum(second / total - first**2, 0.0))


def _ridge(problem: Any) -> np.ndarray:
    # The penalty's curvature for each feature, in units of the loss's: it bends the objective
    # as a variance does, and more than that of a feature in small units.
    bend = np.atleast_2d(problem.smooth_curvature).mean(axis=0)
    return bend / (problem.block.loss.curvature or 1.0)


def _blocks(X: Any, order: np.ndarray | None) -> Iterator[slice | np.ndarray]:
    # The training rows, a few at a time.
    n_rows = X.shape[0] if order is None else len(order)
    for start in range(0, n_rows, STAT_ROWS):
        rows = slice(start, min(start + STAT_ROWS, n_rows))
        yield rows if order is None else order[rows]
