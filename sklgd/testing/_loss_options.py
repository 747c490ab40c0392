"""What a loss may say beside its value and gradient, checked against these two."""

from __future__ import annotations

import numpy as np

from ..losses import Loss
from ._common import call, evaluate, locked

#: finite differences of gradients
STEP = 1e-5
#: widths of smoothing that are tried, and how many of them values may be off, in units of slopes
WIDTHS, MOST_OFF = (1e-1, 1e-3), 10.0


def check_options(loss: Loss, y: np.ndarray, raw: np.ndarray) -> None:
    """Check `hessian`, `kinks` and `smoothed`, where they are given.

    Parameters
    ----------
    loss : Loss
    y, raw : ndarray of shape (n,), or of the joint form
        Targets and raw predictions.
    """
    if loss.has_hessian:
        _check_hessian(loss, y, raw)
    if raw.ndim == 2:
        return
    if loss.has_kinks:
        _check_kinks(loss, y, raw)
    for width in WIDTHS:
        near = loss.rounded(width)
        if near is not None:
            _check_near(loss, near, width, y, raw)


def _check_hessian(loss, y, raw):
    found, here = evaluate(loss, "hessian", y, raw), evaluate(loss, "gradient", y, raw)
    if raw.ndim == 1:
        return _compare(loss, found, here, STEP, (y, raw))
    for column, shift in enumerate(STEP * np.eye(raw.shape[1])):
        _compare(loss, found[:, :, column], here, shift, (y, raw, column))


def _compare(loss, found, slopes, shift, inputs):
    # At a kink of the gradient whatever lies between the slopes on its sides will do.
    y, raw, *columns = inputs
    ahead = (evaluate(loss, "gradient", y, raw + shift) - slopes) / STEP
    behind = (slopes - evaluate(loss, "gradient", y, raw - shift)) / STEP
    middle = 0.5 * (ahead + behind)
    slack = 1e-4 * np.maximum(1.0, np.abs(middle)) + 1e-10 * np.abs(slopes) / STEP
    low, high = np.minimum(ahead, behind) - slack, np.maximum(ahead, behind) + slack
    wrong = np.argwhere(~((low <= found) & (found <= high)))
    if wrong.size:
        at = tuple(wrong[0].tolist())
        columns = f", columns {(*at[1:], *columns)}" if columns else ""
        raise AssertionError(
            f"{loss!r}.hessian is {found[at]:.8g} at y = {y[at[0]]}, raw = {raw[at[0]]}{columns}; "
            f"finite differences of gradient give {middle[at]:.8g}"
        )


def _check_kinks(loss, y, raw):
    at, low, high = call(loss, "kinks", locked(y))
    shapes = {np.shape(part) for part in (at, low, high)}
    assert len(shapes) == 1 and np.shape(at)[1:] == y.shape, (
        f"{loss!r}.kinks must return three arrays of one shape (n_kinks, {len(y)}) for y of shape "
        f"{y.shape}, but returned shapes {', '.join(map(str, map(np.shape, (at, low, high))))}"
    )
    assert np.all(np.less(low, high)), (
        f"{loss!r}.kinks must return slopes that are less below each kink than above it"
    )
    value = evaluate(loss, "value", y, raw)
    found = np.maximum(low * (raw - at), high * (raw - at)).sum(axis=0)
    wrong = np.flatnonzero(np.abs(found - value) > 1e-9 * (1.0 + np.abs(value)))
    if wrong.size:
        row = wrong[0]
        raise AssertionError(
            f"the pieces of {loss!r}.kinks sum to {found[row]:.8g} at y = {y[row]}, raw = "
            f"{raw[row]}, but value is {value[row]:.8g}"
        )


def _check_near(loss, near, width, y, raw):
    assert isinstance(near, Loss), (
        f"{loss!r}.smoothed({width}) must return a Loss or None, but returned {near!r}"
    )
    value = evaluate(loss, "value", y, raw)
    found = evaluate(near, "value", y, raw)
    most = MOST_OFF * width * (1.0 + np.abs(evaluate(loss, "gradient", y, raw)))
    wrong = np.flatnonzero(~(np.abs(found - value) <= most))
    if wrong.size:
        row = wrong[0]
        raise AssertionError(
            f"{loss!r}.smoothed({width}) has the value {found[row]:.8g} at y = {y[row]}, raw = "
            f"{raw[row]}, where the loss has {value[row]:.8g}; they must differ by O(width)"
        )
