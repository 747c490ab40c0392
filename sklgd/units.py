"""Units of features and targets in which a model that is not linear trains.

A linear model can change its variables after the fact (`sklgd.coordinates`).  A network starts
from random weights, which suit features of mean zero and variance one and targets of the same
kind; so it sees its rows, and its output is read, in such units:

    raw = out_shift + out_scale * model(factor * (x - shift))

The objective then is ``loss + unit * penalty``: the loss stays in the user's units, and the
penalty weighs as much whatever these are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from .baseline import (
    SOME_ROWS,
    best_constant,
    is_square,
    raw_size,
    slopes_of,
    some_columns,
    spread_of,
    that_fit,
)
from .coordinates import check_finite, far_scale, is_constant, moments
from .sampling import Rows

if TYPE_CHECKING:
    from .objective import Targets

#: standard deviations of what is normal in a median absolute deviation
NORMAL = 1.4826
#: rows of a stream that tell its units
FIRST_ROWS = 30


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


def units_of_stream(
    before: tuple,
    strategies: Any,
    X: Any,
    targets: Targets,
    weights: np.ndarray | None,
    rows: np.ndarray | None,
    fit_intercept: bool,
) -> tuple[Units | None, tuple | None]:
    """Return the units of a stream that begins, and its rows so far while these are few.

    Parameters
    ----------
    before : tuple of Rows
        Those of earlier calls, as they were returned.
    strategies, X, targets, weights, rows, fit_intercept
        As in `units_of`, of this call.

    Returns
    -------
    units : Units or None
    so_far : tuple of Rows, or None
        None once there are enough of them.
    """
    n_rows = X.shape[0] if rows is None else len(rows)
    if not strategies.model.standardize or (not before and n_rows >= FIRST_ROWS):
        return units_of(strategies, X, targets, weights, rows, fit_intercept), None
    used = np.arange(n_rows) if rows is None else rows
    so_far = (*before, Rows(X, targets.y, weights).at(used))  # a copy: callers go on with theirs
    X, y, weights = Rows.joined(so_far)
    units = units_of(strategies, X, replace(targets, y=y), weights, None, fit_intercept)
    return units, so_far if X.shape[0] < FIRST_ROWS else None


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
        check_finite(scale)
        if not fit_intercept:
            scale, shift = np.hypot(scale, shift), np.zeros_like(shift)
        scale[is_constant(scale, shift)] = 1.0
        factor = 1.0 / scale
    y = targets.y if rows is None else targets.y[rows]
    weights = weights if weights is None or rows is None else weights[rows]
    return Units(
        shift if fit_intercept else None,
        factor,
        *_of_targets(strategies.loss, targets, y, weights, fit_intercept),
    )


def start_scale(
    strategies: Any, X: Any, targets: Any, weights: np.ndarray | None, rows: np.ndarray | None
) -> np.ndarray | None:
    """Return what random weights at the start are divided by.

    Parameters
    ----------
    strategies : Strategies
        Loss, optimizer and model.
    X : {ndarray, CSR matrix} of shape (n, n_features)
        Rows.
    targets : Targets
        Their targets.
    weights : ndarray of shape (n,) or None
        Their weights.
    rows : uint32 ndarray or None
        The training rows; None for all.

    Returns
    -------
    ndarray of shape (1 or weight_rows, n_features), or None
        None where weights start as they are.
    """
    loss, model = strategies.loss, strategies.model
    if not strategies.optimizer.standardize or not model.scalable or model.linear:
        return None
    y = targets.y if rows is None else targets.y[rows]
    weights = weights if weights is None or rows is None else weights[rows]
    sizes = model.weight_sizes(targets.n_raw, raw_size(loss, y, weights))
    return far_scale(X, rows) / sizes[:, None]


def _of_targets(
    loss: Any, targets: Any, y: np.ndarray, weights: np.ndarray | None, fit_intercept: bool
) -> tuple[np.ndarray, np.ndarray, float]:
    # Shift and scale of the raw predictions, and the unit.
    shift, scale = np.zeros(targets.n_raw), np.ones(targets.n_raw)
    if loss.task == "classification" or targets.joint or targets.one_vs_rest is not None:
        return shift, scale, 1.0
    y = y.reshape(len(y), -1)
    if loss.identity_link or is_square(loss):
        fits = y if loss.identity_link else that_fit(loss, y)
        mean = np.average(fits, axis=0, weights=weights)
        if loss.identity_link and _is_robust(loss, mean):
            # targets far from the others have no say in what a network of such a loss learns
            shift, scale = _of_most(loss, fits, weights, fit_intercept)
        else:
            shift = mean if fit_intercept else shift
            scale = np.sqrt(np.average((fits - shift) ** 2, axis=0, weights=weights))
        size = np.abs(mean)  # of what is constant, up to rounding
        small = np.where(size > 0.0, np.minimum(size, 1.0), 1.0)
        scale = np.where(is_constant(scale, shift), small, scale)
    elif fit_intercept:
        shift = _constant_behind_link(loss, y, weights)
    slope = np.abs(slopes_of(loss, y.ravel(), np.tile(shift, len(y)))).reshape(y.shape)
    unit = float(np.mean(scale * np.average(slope, axis=0, weights=weights)))
    return shift, scale, unit if 0.0 < unit < np.inf else 1.0


def _is_robust(loss: Any, y: np.ndarray) -> bool:
    # Whether slopes do not grow with the distance from the target, on either side.
    size = np.maximum(np.abs(y), 1.0)
    far = [np.abs(slopes_of(loss, y, y + size * times)) for times in (1e3, 1e6, -1e3, -1e6)]
    return bool(np.all(far[1] <= 2.0 * far[0]) and np.all(far[3] <= 2.0 * far[2]))


def _of_most(
    loss: Any, y: np.ndarray, weights: np.ndarray | None, fit_intercept: bool
) -> tuple[np.ndarray, np.ndarray]:
    # Shift and scale by the best constant and by median deviations, as some of the rows tell.
    y, weights = some_columns(y, weights)
    shift = best_constant(loss, y, weights) if fit_intercept else np.zeros(y.shape[1])
    return shift, NORMAL * spread_of(y, weights, None if fit_intercept else shift)


def _constant_behind_link(loss: Any, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    # The best constant, nearly: behind a log link it is that of the mean.
    mean = np.average(y, axis=0, weights=weights)
    if np.allclose(loss.predict(np.array([0.0, 1.0])), [1.0, np.e]):
        return np.log(mean) if (mean > 0.0).all() else np.zeros_like(mean)
    some = slice(None, None, max(1, len(y) // SOME_ROWS))
    return best_constant(loss, y[some], None if weights is None else weights[some])
