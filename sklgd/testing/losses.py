"""The check of a loss of one's own; it raises ``AssertionError``: what is wrong, and where.

A check tests the contract that the training loop relies on, not whether the loss is wise.
"""

from __future__ import annotations

import numpy as np

from ..losses import Loss
from ._common import Untouched, check_copies, check_instance, evaluate
from ._loss_options import check_options

#: where jumps of a slope are looked for: about so many targets, so far from them, in how many
#: pieces, which are halved so often; and the share of the largest slope that is one
SOME_TARGETS, REACH, CUTS, HALVINGS, JUMP = 6, 5.0, 101, 36, 1e-3


def check_loss(loss: Loss, *, n_classes: int = 4, random_state: int = 0) -> None:
    """Check that a loss keeps the contract of `sklgd.losses.Loss`.

    Targets are drawn from its domain (0 and 1 if it classifies), raw predictions at random.
    Checked are: shapes, finite values, each entry independent of the others, the gradient against
    finite differences of the value (any subgradient will do at a kink), that its slope does not
    jump unless ``smooth`` is false, the stated curvature, no NaN at ``raw = +-1000``, `predict` and
    `predict_proba`, what is said besides (`hessian`, `kinks`, `smoothed`), and that the loss is
    stateless, leaves its inputs alone, and survives `sklearn.base.clone` and `pickle`.

    Parameters
    ----------
    loss : Loss
        The loss to check.
    n_classes : int, default=4
        Number of columns to check a joint loss with.
    random_state : int, default=0
        Seed of the draws.

    Raises
    ------
    AssertionError
        Says what was found, what was expected, and where.

    Examples
    --------
    >>> from sklgd.losses import Loss
    >>> from sklgd.testing import check_loss
    >>> class Wrong(Loss):
    ...     def value(self, y, raw):
    ...         return (raw - y) ** 2
    ...     def gradient(self, y, raw):
    ...         return raw - y
    >>> check_loss(Wrong())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    AssertionError: Wrong().gradient is ... at y = ..., raw = ...; ...
    """
    check_instance(loss, Loss, "a loss")
    check_copies(loss)
    untouched = Untouched(loss)
    rng = np.random.default_rng(random_state)
    # a loss with two columns for two classes has no elementwise form
    if not (loss.joint and loss.n_raw(2) > 1):
        y = _draw_targets(loss, rng, 60)
        raw = 1.5 * rng.standard_normal(60)
        _check_calls(loss, y, raw)
        if not loss.soft_targets:
            _check_matrix(loss, y, raw)
        _check_slopes(loss, y, raw)
        if loss.smooth:
            _check_smooth(loss, y)
        check_options(loss, y, raw)
        _check_extremes(loss, y[:10])
    if loss.joint:
        raw = 1.5 * rng.standard_normal((20, n_classes))
        y = (
            rng.dirichlet(np.ones(n_classes), 20)
            if loss.soft_targets
            else rng.integers(0, n_classes, 20)
        )
        _check_calls(loss, y, raw)
        _check_slopes(loss, y, raw)
        check_options(loss, y, raw)
    _check_predictions(loss, rng, n_classes)
    untouched.check()


def _draw_targets(loss, rng, size):
    """Draw valid targets, the ends of the domain included where they belong to it."""
    domain = loss.domain
    if loss.task == "classification":
        return rng.integers(0, 2, size).astype(np.float64)
    low, high = np.isfinite(domain.low), np.isfinite(domain.high)
    if low and high:
        y = rng.uniform(domain.low, domain.high, size)
    elif low:
        y = domain.low + rng.gamma(1.5, 1.0, size)
    elif high:
        y = domain.high - rng.gamma(1.5, 1.0, size)
    else:
        y = 1.5 * rng.standard_normal(size)
    if low and domain.low_inclusive:
        y[::10] = domain.low
    if high and domain.high_inclusive:
        y[5::10] = domain.high
    loss.check_targets(y)
    return y


def _place(y, raw, row, column=None):
    place = f"y = {y[row]}, raw = {raw[row]}"
    return place if column is None else f"{place}, column {column}"


def _check_calls(loss, y, raw):
    for method in ("value", "gradient"):
        out = evaluate(loss, method, y, raw)
        bad = np.argwhere(~np.isfinite(out))
        if bad.size:
            at = tuple(bad[0].tolist())
            raise AssertionError(
                f"{loss!r}.{method} is {out[at]} at {_place(y, raw, *at)}; it must be finite"
            )
        again = evaluate(loss, method, y, raw)
        assert np.array_equal(out, again), (
            f"{loss!r}.{method} is not stateless: it gave two results for the same inputs"
        )
        part = evaluate(loss, method, y[:3], raw[:3])
        assert np.allclose(out[:3], part, rtol=1e-12, atol=1e-12), (
            f"{loss!r}.{method} must treat rows alone, without a mean: it gave {out[:3].tolist()} "
            f"for the first three rows among {len(raw)}, and {part.tolist()} for them alone"
        )


def _check_matrix(loss, y, raw):
    """Several targets are several columns, entry by entry."""
    for method in ("value", "gradient"):
        flat = evaluate(loss, method, y, raw)
        matrix = evaluate(loss, method, y.reshape(-1, 5), raw.reshape(-1, 5))
        assert np.allclose(flat, matrix.ravel(), rtol=1e-12, atol=1e-12), (
            f"{loss!r}.{method} must work entry by entry: y and raw of shape {matrix.shape} give "
            "other numbers than the same entries in one row"
        )


def _check_slopes(loss, y, raw):
    """Compare the gradient with finite differences, and its own slope with the curvature."""
    value, gradient = evaluate(loss, "value", y, raw), evaluate(loss, "gradient", y, raw)
    columns = range(raw.shape[1]) if raw.ndim == 2 else [None]
    bound = loss.curvature if raw.ndim == 1 else loss.joint_curvature
    h = 1e-5
    for column in columns:
        at = np.s_[:] if column is None else np.s_[:, column]
        shift = np.zeros_like(raw)
        shift[at] = h
        up, down = evaluate(loss, "value", y, raw + shift), evaluate(loss, "value", y, raw - shift)
        ahead, behind, found = (up - value) / h, (value - down) / h, gradient[at]
        middle = (up - down) / (2 * h)
        slack = 1e-5 * np.maximum(1, np.abs(middle)) + 1e-10 * np.abs(value) / h
        # at a kink, whatever lies between the two slopes is a subgradient
        low, high = np.minimum(ahead, behind), np.maximum(ahead, behind)
        wrong = (np.abs(found - middle) > slack) & ~((low <= found) & (found <= high))
        if wrong.any():
            row = int(np.argmax(wrong))
            place = _place(y, raw, row, column)
            raise AssertionError(
                f"{loss!r}.gradient is {found[row]:.8g} at {place}; finite differences of value "
                f"give {middle[row]:.8g}"
            )
        if bound is None:
            continue
        rise = evaluate(loss, "gradient", y, raw + shift)[at]
        fall = evaluate(loss, "gradient", y, raw - shift)[at]
        bend = np.abs(rise - fall) / (2 * h)
        steep = bend > bound * (1 + 1e-6) + 1e-6
        if steep.any():
            row = int(np.argmax(steep))
            place = _place(y, raw, row, column)
            name = "curvature" if raw.ndim == 1 else "joint_curvature"
            raise AssertionError(
                f"{loss!r}.{name} is {bound:.8g}, but the second derivative is {bend[row]:.8g} "
                f"at {place}"
            )


def _check_smooth(loss, y):
    """Look for a jump of the slope: in which half of an interval is more of its rise?"""
    for target in np.unique(y)[:SOME_TARGETS]:
        ends = target + np.linspace(-REACH, REACH, CUTS)
        slopes = evaluate(loss, "gradient", np.full(CUTS, target), ends)
        low, high, left, right = ends[:-1], ends[1:], slopes[:-1], slopes[1:]
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            between = evaluate(loss, "gradient", np.full(len(middle), target), middle)
            first = np.abs(between - left) > np.abs(right - between)
            low, left = np.where(first, low, middle), np.where(first, left, between)
            high, right = np.where(first, middle, high), np.where(first, between, right)
        jumps = np.abs(right - left) > JUMP * np.maximum(1.0, np.abs(slopes).max())
        if jumps.any():
            at = int(np.argmax(jumps))
            raise AssertionError(
                f"{loss!r}.gradient jumps from {left[at]:.8g} to {right[at]:.8g} at y = {target}, "
                f"raw = {high[at]:.8g}; a loss that has such kinks must say smooth = False"
            )


def _check_extremes(loss, y):
    for far in (-1000.0, 1000.0):
        raw = np.full(y.shape, far)
        for method in ("value", "gradient"):
            with np.errstate(all="ignore"):
                out = evaluate(loss, method, y, raw)
            bad = np.flatnonzero(np.isnan(out))
            assert not bad.size, (
                f"{loss!r}.{method} is NaN at y = {y[bad[0]]}, raw = {far:g}; it must be a number "
                "or an infinity"
            )


def _check_predictions(loss, rng, n_classes):
    raw = rng.standard_normal(20)
    found = np.shape(loss.predict(raw))
    assert found == raw.shape, (
        f"{loss!r}.predict must return shape {raw.shape} for raw of that shape, but returned shape "
        f"{found}"
    )
    if not hasattr(loss, "predict_proba"):
        return
    shapes = [((20,), (20, 2))] if loss.n_raw(2) == 1 else []
    if loss.n_raw(n_classes) == n_classes:
        shapes.append(((20, n_classes), (20, n_classes)))
    for given, expected in shapes:
        for scale in (1.0, 1000.0):
            proba = np.asarray(loss.predict_proba(scale * rng.standard_normal(given)))
            assert proba.shape == expected, (
                f"{loss!r}.predict_proba must return shape {expected} for raw of shape {given}, "
                f"but returned shape {proba.shape}"
            )
            total = proba.sum(axis=1)
            assert np.allclose(total, 1, rtol=0, atol=1e-9) and proba.min() >= 0, (
                f"{loss!r}.predict_proba must return probabilities, rows that sum to one, but the "
                f"sums lie between {total.min()} and {total.max()}, and the least entry is "
                f"{proba.min()}"
            )
