"""A change of variables that mends the conditioning of raw features.

With ``w_j = u_j / scale_j`` and ``b = c - sum_j shift_j w_j`` a linear model sees features that
are centred and scaled, while the objective, the penalty included, stays a function of (w, b) in
the user's units.  X is not touched: gradients with respect to u are those of w, transformed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from ._kernels.moments import dense_moments, dense_range, sparse_moments, sparse_spread

if TYPE_CHECKING:
    from .objective import Problem

#: the power of a sparse feature's share of nonzeros that its scale is in proportion to
RARITY = 1 / 3
#: the share of nonzeros from which a sparse feature may be far from zero, and how far that is, in
#: standard deviations
COMMON, FAR_FROM_ZERO = 0.9, 10.0
#: standard deviations from zero beyond which features are nearly the same without an intercept
FAR = 5.0
#: the spread of a constant feature by rounding, relative to its size
CONSTANT = 1e-12


@dataclass
class Coordinates:
    """``params = to_params(u)``; ``shift`` is None where nothing is centred.

    Parameters
    ----------
    scale : float64 ndarray of shape (n_features,)
        Of a model that is not linear (1, n_features) or (weight_rows, n_features).
    shift : float64 ndarray of shape (n_features,) or None
    n_raw : int
    still : int ndarray or None
        Features that are constant up to rounding, for which the intercept stands: their weights are
        zero, and what rounding leaves of them is none of an optimizer's business.
    """

    scale: np.ndarray
    shift: np.ndarray | None
    n_raw: int
    still: np.ndarray | None = None

    @property
    def trivial(self) -> bool:
        """Whether parameters are their own coordinates."""
        return self.shift is None and bool(np.all(self.scale == 1.0))

    @property
    def factor(self) -> np.ndarray:
        """What features of a linear model, less their shift, are multiplied by."""
        factor = 1.0 / self.scale
        if self.still is not None:
            factor[self.still] = 0.0
        return factor

    def _split(self, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n_weights = self.n_raw * self.scale.shape[-1]
        return vector[:n_weights].reshape(self.n_raw, -1), vector[n_weights:]

    def columns(self, vector: np.ndarray) -> np.ndarray:
        """Return a flat vector as one row for each raw column: its weights, then its intercept."""
        if self.n_raw == 1:
            return vector[None].copy()
        weights, intercept = self._split(vector)
        return np.concatenate([weights, intercept.reshape(self.n_raw, -1)], axis=1)

    def flat(self, columns: np.ndarray) -> np.ndarray:
        """Return the vector that `columns` was made of."""
        if self.n_raw == 1:
            return columns[0]
        p = self.scale.shape[-1]
        return np.concatenate([columns[:, :p].ravel(), columns[:, p:].ravel()])

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
        if self.still is not None:
            weights[:, self.still] = 0.0
        return u

    def gradient(self, grad: np.ndarray) -> np.ndarray:
        """Turn a gradient with respect to the parameters into one with respect to u, in place."""
        weights, intercept = self._split(grad)
        if self.shift is not None:
            weights -= intercept[:, None] * self.shift
        weights /= self.scale
        if self.still is not None:
            weights[:, self.still] = 0.0
        return grad

    def user_gradient(self, grad: np.ndarray) -> np.ndarray:
        """Return the gradient with respect to the parameters: the way back from `gradient`."""
        grad = grad.copy()
        weights, intercept = self._split(grad)
        weights *= self.scale
        if self.shift is not None:
            weights += intercept[:, None] * self.shift
        return grad

    def sizes(self, step: float, n_params: int) -> float | np.ndarray:
        """Return the step sizes of the parameters for one in u: a number if it is that of all."""
        if self.trivial:
            return step
        sizes = np.full(n_params, step)
        weights, _ = self._split(sizes)
        weights /= self.scale**2
        return sizes


def identity(problem: Problem) -> Coordinates:
    """Return coordinates that change nothing."""
    rows = problem.weight_rows
    return Coordinates(np.ones(problem.n_weights // rows), None, rows)


def standardizing(problem: Problem, some: Problem | None = None) -> Coordinates:
    """Return coordinates in which features have unit scale, and mean zero if X is dense.

    The problem of ``some`` of the rows tells, by default that of all.

    Sparse features are not centred, but for those that are far from zero in nearly all rows, and
    rare ones get less than unit scale: where a feature is zero in all but a share s of the rows,
    s^(1/3) times its usual size is between treating every feature alike, s^(1/2), and every entry,
    s^0.  On counts and tf-idf of words, L-BFGS took the fewest passes in these.  The features of a
    model that is not linear are divided by their largest sizes, where these are far from one: its
    products know no shift.  Its weights are in the proportions that its targets ask for.
    """
    whole, problem = problem, some or problem
    X, order, weights = problem.block.X, problem.order, problem.block.weights
    if not problem.block.model.linear:
        block, size = problem.block, problem.raw_size
        sizes = block.model.weight_sizes(problem.n_raw, size)
        return Coordinates(far_scale(X, order) * (size / sizes[:, None]), None, problem.weight_rows)
    if sp.issparse(X):
        square, share, _ = sparse_moments(X.data, X.indices, X.indptr, X.shape[1], order, weights)
        check_finite(square)
        shift, variance = _far_means(problem, share)
        still = None
        if shift is not None:
            square = np.where(shift == 0.0, square, variance)
            share[shift != 0.0] = 1.0
            still = _still(whole, shift, variance == shift**2)
        share[share == 0.0] = 1.0
        scale = np.sqrt(square + _ridge(problem)) * share ** (RARITY - 0.5)
        scale[scale == 0.0] = 1.0
        return Coordinates(scale, shift, problem.n_raw, still)
    mean, scale = problem.moments
    check_finite(scale)
    if not problem.has_intercept:  # nothing takes the shift up
        scale, mean = np.sqrt(scale**2 + mean**2), None
    constant = is_constant(scale, 0.0 if mean is None else mean)
    scale = np.sqrt(np.where(constant, 0.0, scale) ** 2 + _ridge(problem))
    scale[scale == 0.0] = 1.0
    still = None if mean is None else _still(whole, mean, constant)
    return Coordinates(scale, mean, problem.n_raw, still)


def _still(problem: Problem, mean: np.ndarray, constant: np.ndarray) -> np.ndarray | None:
    """Return the numbers of features that are constant, not zero, in all rows; None without any.

    ``constant`` says it of the rows that were looked at.  Where a penalty's bounds leave out zero,
    or are not known, none is still.
    """
    constant = constant & (mean != 0.0)
    if not constant.any() or problem.rest_bounds is None:
        return None
    _, low, high = (np.atleast_2d(bound) for bound in problem.rest_bounds)
    numbers = np.flatnonzero(constant & ((low <= 0.0) & (high >= 0.0)).all(axis=0))
    X, order = problem.block.X[:, numbers], problem.order
    if sp.issparse(X):
        X = X.toarray()
    low, high = dense_range(np.ascontiguousarray(X), order)
    still = numbers[is_constant(high - low, mean[numbers])]
    return still if still.size else None


def _far_means(
    problem: Problem, share: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
    """Return means of sparse features, zero where they are not far from zero, and variances.

    Features far from zero and the intercept are nearly the same to an optimizer.  Nones where there
    is no such feature, or no intercept that could take the shift up.
    """
    X = problem.block.X
    if not problem.has_intercept or not (share >= COMMON).any():
        return None, None
    weights = problem.block.weights
    mean, variance = sparse_spread(X.data, X.indices, X.indptr, X.shape[1], problem.order, weights)
    far = mean**2 > FAR_FROM_ZERO**2 * variance
    if not far.any():
        return None, None
    constant = is_constant(np.sqrt(variance), mean)
    variance[constant] = mean[constant] ** 2  # so large that what rounding leaves of it is nothing
    return np.where(far, mean, 0.0), variance


def is_constant(deviation: np.ndarray, mean: np.ndarray | float) -> np.ndarray:
    """Return whether features are constant up to rounding, by their means and deviations."""
    return deviation <= CONSTANT * np.abs(mean)


def are_far(mean: np.ndarray | float, deviation: np.ndarray) -> bool:
    """Return whether several features that vary are far from zero: alike without an intercept."""
    far = np.abs(mean) > FAR * deviation
    return int(np.sum(far & ~is_constant(deviation, mean))) > 1


def mean_squares(problem: Problem, space: Coordinates) -> np.ndarray:
    """Return the mean squares of the features in ``space``, over all rows.

    Far from one where a feature is rare and the rows that ``space`` was made from had little of it.
    """
    mean, deviation = problem.moments
    shift = 0.0 if space.shift is None else space.shift
    if sp.issparse(problem.block.X):  # where there is a shift, the scale is the deviation from it
        return np.where(shift == 0.0, deviation / space.scale, 1.0) ** 2
    return (deviation**2 + (mean - shift) ** 2) / space.scale**2


def largest_sizes(X: Any, order: np.ndarray | None, shift: np.ndarray | float = 0.0) -> np.ndarray:
    """Return the largest sizes of features over given rows, of dense ones less a shift."""
    if sp.issparse(X):
        return sparse_moments(X.data, X.indices, X.indptr, X.shape[1], order, None)[2]
    low, high = dense_range(X, order)
    return np.maximum(high - shift, shift - low)


def far_scale(X: Any, order: np.ndarray | None) -> np.ndarray:
    """Return the largest sizes of features, one where they are near one."""
    largest = largest_sizes(X, order)
    far = (largest > 10.0) | ((largest < 0.01) & (largest > 0.0))
    return np.where(far, largest, 1.0)


def moments(
    X: Any, order: np.ndarray | None, weights: np.ndarray | None
) -> tuple[np.ndarray | float, np.ndarray]:
    """Return means and standard deviations of features over given rows, None for all.

    Sparse ones are not centred: 0.0 and root mean squares.
    """
    if sp.issparse(X):
        square = sparse_moments(X.data, X.indices, X.indptr, X.shape[1], order, weights)[0]
        return 0.0, np.sqrt(square)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, variance = dense_moments(X, order, weights)
    return mean, np.sqrt(variance)


def check_finite(spread: np.ndarray) -> None:
    """Raise where the squares of a feature overflow, so that its scale is unknown."""
    finite = np.isfinite(spread)
    if not finite.all():
        raise ValueError(
            f"The variance of feature {finite.argmin()} is not finite. The input data may contain "
            "large values and need to be preprocessed."
        )


def _ridge(problem: Problem) -> np.ndarray:
    # The penalty's curvature for each feature, in units of the loss's: it bends the objective
    # as a variance does, and more than that of a feature in small units.
    bend = problem.smooth_curvature
    bend = bend if bend.ndim == 1 else bend.mean(axis=0)
    return bend / (problem.block.loss.curvature or 1.0)
