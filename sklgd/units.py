"""Units of features and targets in which a model that is not linear trains.

A linear model can change its variables after the fact (`sklgd.coordinates`).  A network starts
from random weights, which suit features of mean zero and variance one and targets of the same
kind; so it sees its rows, and its output is read, in such units:

    raw = out_shift + out_scale * model(factor * (x - shift))

The objective then is ``loss + unit * penalty``: the loss stays in the user's units, and the
penalty weighs as much whatever these are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from ._kernels.moments import sparse_moments
from .coordinates import far_scale, moments


@dataclass(frozen=True, eq=False)
class Units:
    """The units that a fit trains in.

    Attributes
    ----------
    shift : float64 ndarray of shape (n_features,) or None
        What is taken off the features; None on sparse data, and without intercepts.
    factor : float64 ndarray of shape (n_features,)
        What they are multiplied by then.
    out_shift, out_scale : float64 ndarray of shape (n_raw,)
        From the model's output to raw predictions.
    unit : float
        The size of the loss's gradient with respect to that output.
    """

    shift: np.ndarray | None
    factor: np.ndarray
    out_shift: np.ndarray
    out_scale: np.ndarray
    unit: float = 1.0


def units_of(
    strategies: Any,
    X: Any,
    targets: Any,
    weights: np.ndarray | None,
    rows: np.ndarray | None,
    fit_intercept: bool,
) -> Units | None:
    """Return the units to train in; None where the model takes features and targets as they are.

    Parameters
    ----------
    strategies : Strategies
        Loss and model.
    X : {ndarray, CSR matrix} of shape (n, n_features)
        Rows.
    targets : Targets
        Their targets.
    weights : ndarray of shape (n,) or None
        Their weights.
    rows : uint32 ndarray or None
        The training rows; None for all.
    fit_intercept : bool
        Whether there are intercepts; without them features and targets are scaled only, by their
        root mean squares, since a shift would be one.

    Returns
    -------
    Units or None
    """
    if not strategies.model.standardize:
        return None
    if sp.issparse(X):
        shift, factor = None, 1.0 / far_scale(X, rows)
    else:
        shift, scale = moments(X, rows, weights)
        if not fit_intercept:
            scale, shift = np.hypot(scale, shift), np.zeros_like(shift)
        scale[scale <= 1e-12 * np.abs(shift)] = 1.0  # constant, up to rounding
        factor = 1.0 / scale
        if not (np.isfinite(shift).all() and np.isfinite(scale).all()):
            raise ValueError(
                "The variance of a feature is not finite. The input data may contain large values "
                "and need to be preprocessed."
            )
    y = targets.y if rows is None else targets.y[rows]
    weights = weights if weights is None or rows is None else weights[rows]
    return Units(
        shift if fit_intercept else None,
        factor,
        *_of_targets(strategies.loss, targets, y, weights, fit_intercept),
    )


#: so many rows of a stream are kept, until outliers can be told from the rest
EARLY = 32
#: how far a target may be: in median absolute deviations among early ones, later in spreads
FAR_EARLY, FAR = 8.0, 5.0


class Spread(NamedTuple):
    """How far the targets of a stream have spread so far, but for outliers.

    Those are moved in: in the first rows to a multiple of the median absolute deviation from the
    median, later to a multiple of the spread from the mean.

    Attributes
    ----------
    weight : float
        The sum of the rows' weights.
    mean, squares : float ndarray of shape (n_outputs,)
        The weighted mean of the targets, and the weighted sum of the squared deviations from it.
    early : tuple of (ndarray, ndarray) or None
        Targets and weights of all rows, while they are few.
    """

    weight: float = 0.0
    mean: np.ndarray | float = 0.0
    squares: np.ndarray | float = 0.0
    early: tuple[np.ndarray, np.ndarray] | None = None

    def with_rows(self, y: np.ndarray, weights: np.ndarray | None) -> Spread:
        """Return the spread with more rows, of weights that are not all zero."""
        y = y.reshape(len(y), -1).astype(np.float64, copy=False)
        weights = np.ones(len(y)) if weights is None else weights
        if self.weight > 0.0 and self.early is None:
            far = FAR * self._sizes
            return self._with(np.clip(y, self.mean - far, self.mean + far), weights)
        y, weights = y[weights > 0.0], weights[weights > 0.0]
        if self.early is not None:
            y, weights = np.concatenate((self.early[0], y)), np.append(self.early[1], weights)
        if not len(y):
            return self
        centre = np.median(y, axis=0)
        far = FAR_EARLY * np.median(np.abs(y - centre), axis=0)
        far[far == 0.0] = np.inf  # at least half of them are the same
        spread = Spread()._with(np.clip(y, centre - far, centre + far), weights)
        return spread if len(y) >= EARLY else spread._replace(early=(y, weights))

    def _with(self, y: np.ndarray, weights: np.ndarray) -> Spread:
        weight = float(weights.sum())
        mean = weights @ y / weight
        total, apart = self.weight + weight, mean - self.mean
        squares = weights @ (y - mean) ** 2 + apart**2 * (self.weight * weight / total)
        return Spread(total, self.mean + apart * (weight / total), self.squares + squares)

    @property
    def _sizes(self) -> np.ndarray:
        # `size`, of each output.
        level = np.square(self.mean)
        variance = self.squares / self.weight
        return np.sqrt(np.where(variance > 1e-24 * level, variance, np.where(level, level, 1.0)))

    @property
    def size(self) -> float:
        """The standard deviation, or where there is none the absolute mean, or one.

        Of several outputs the root mean square: they are to be of similar units.
        """
        if self.weight == 0.0:
            return 1.0
        level = float(np.mean(np.square(self.mean)))
        variance = float(np.mean(self.squares)) / self.weight
        return math.sqrt(variance if variance > 1e-24 * level else level or 1.0)


def spread_of(
    strategies: Any,
    targets: Any,
    weights: np.ndarray | None,
    rows: np.ndarray | slice,
    before: Spread,
) -> Spread:
    """Return the spread of targets, those ``before`` included: what steps are in proportion to.

    Steps of a linear model that do not depend on the gradient's size have to be as large as the
    targets, where these are numbers.  For classes, and behind a link, they have no spread (after a
    fit that of its raw predictions stands in for it).
    """
    if not _are_numbers(strategies.loss, targets):
        return before
    return before.with_rows(targets.y[rows], None if weights is None else weights[rows])


def size_of_gradients(loss: Any, targets: Any, spread: Spread) -> float:
    """Return the size of the loss's derivative where the prediction is off by the spread."""
    if targets.joint:
        return 1.0 - 1.0 / targets.n_raw
    y, raw = 1.0, 0.0
    if spread.weight and _are_numbers(loss, targets):
        raw = float(np.mean(spread.mean))
        y = raw + spread.size
    return abs(float(loss.gradient(np.array([y]), np.array([raw]))[0])) or 1.0


def _are_numbers(loss: Any, targets: Any) -> bool:
    # Whether raw predictions are in the units of the targets.
    link = loss.predict(np.array([0.0, 1.0]))
    return loss.task != "classification" and np.array_equal(link, [0.0, 1.0])


def evenly(rows: np.ndarray | None, n_rows: int) -> np.ndarray | slice:
    """Return about a thousand of the rows (None: of all), spread evenly."""
    if rows is None:
        return slice(None, None, max(n_rows // 1024, 1))
    return rows[:: max(len(rows) // 1024, 1)]


def reach_of(X: Any) -> np.ndarray:
    """Return the largest absolute value and the mean square of each feature."""
    if sp.issparse(X):
        squares, _, largest = sparse_moments(X.data, X.indices, X.indptr, X.shape[1], None, None)
        return np.stack((largest, squares))
    largest = np.maximum(X.max(axis=0), -X.min(axis=0))
    return np.stack((largest, np.square(X, dtype=np.float64).mean(axis=0)))


def _of_targets(
    loss: Any, targets: Any, y: np.ndarray, weights: np.ndarray | None, fit_intercept: bool
) -> tuple[np.ndarray, np.ndarray, float]:
    # Shift and scale of the raw predictions, and the unit.
    shift, scale = np.zeros(targets.n_raw), np.ones(targets.n_raw)
    if loss.task == "classification" or targets.joint or targets.one_vs_rest is not None:
        return shift, scale, 1.0
    y = y.reshape(len(y), -1)
    mean = np.average(y, axis=0, weights=weights)
    link = loss.predict(np.array([0.0, 1.0]))
    if np.array_equal(link, [0.0, 1.0]):
        shift = mean if fit_intercept else shift
        scale = np.sqrt(np.average((y - shift) ** 2, axis=0, weights=weights))
        scale[scale <= 1e-12 * np.abs(shift)] = 1.0
    elif fit_intercept and np.allclose(link, [1.0, np.e]) and (mean > 0.0).all():
        shift = np.log(mean)
    slope = np.abs(loss.gradient(y.ravel(), np.tile(shift, len(y)))).reshape(y.shape)
    unit = float(np.mean(scale * np.average(slope, axis=0, weights=weights)))
    return shift, scale, unit if 0.0 < unit < np.inf else 1.0
