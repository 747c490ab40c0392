"""The check of a penalty of one's own."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np

from ..penalties import Penalty
from ._common import Untouched, call, call_in_place, check_copies, check_instance, locked, slopes_at


def check_penalty(penalty: Penalty, *, n_features: int = 6, random_state: int = 0) -> None:
    """Raise ``AssertionError`` where a penalty does not do what training relies on.

    Checked are the value, ``split``, the gradient against finite differences where it is
    defined, the proximal step against other points where it is defined, `residual` and `bounds`
    against these where they are, that nothing but the output is written to, and that the penalty
    can be cloned and pickled.

    Parameters
    ----------
    penalty : Penalty
        The object to check.
    n_features : int, default=6
        Number of features to check it with; one that has parameters for each feature needs
        theirs.
    random_state : int, default=0
        Seed of the points that are tried.

    Raises
    ------
    AssertionError
        Says what was found, what was expected, and where.

    Examples
    --------
    >>> from sklgd.penalties import MCP
    >>> from sklgd.testing import check_penalty
    >>> check_penalty(MCP(alpha=0.5))
    """
    check_instance(penalty, Penalty, "a penalty")
    name = type(penalty).__name__
    check_copies(penalty)
    untouched = Untouched(penalty)
    rng = np.random.default_rng(random_state)
    points = [
        size * rng.standard_normal(shape)
        for shape in ((n_features,), (1, n_features), (3, n_features))
        for size in (0.1, 1.0, 10.0)
    ]
    points.append(np.zeros((2, n_features)))
    for w in points:
        _check_value(penalty, w)
        if _defines(penalty, "prox"):
            _check_prox(penalty, w, rng)
            feasible = w.copy()
            penalty.prox(feasible, 1e-3)
            _check_value(penalty, feasible)
        if _defines(penalty, "add_gradient") and w.any():
            _check_gradient(penalty, w, rng)
        if _defines(penalty, "residual") and _defines(penalty, "prox"):
            _check_residual(penalty, w, rng)
        _check_split(penalty, w)
    _check_bounds(penalty, points[:3])
    rows = points[3]
    if not _close(penalty.value(rows), penalty.value(rows[0])):
        raise AssertionError(
            f"{name}.value of one row is {penalty.value(rows)!r} for shape {rows.shape}, expected "
            f"{penalty.value(rows[0])!r} as for shape {rows[0].shape}."
        )
    untouched.check()


def _check_value(penalty, w):
    name = type(penalty).__name__
    value = call(penalty, "value", locked(w))
    if not isinstance(value, Real) or math.isnan(value):
        raise AssertionError(f"{name}.value must return a float, found {value!r} at w = {w}.")
    again = penalty.value(locked(w))
    if again != value:
        raise AssertionError(
            f"{name}.value depends on more than w: found {again!r}, expected {value!r} as the "
            f"first time, at w = {w}."
        )


def _check_split(penalty, w):
    name = type(penalty).__name__
    parts = penalty.split()
    if not isinstance(parts, tuple) or len(parts) != 2:
        raise AssertionError(f"{name}.split must return a pair, found {parts!r}.")
    total = 0.0
    for part, method in zip(parts, ("add_gradient", "prox"), strict=True):
        if part is None:
            continue
        if not isinstance(part, Penalty) or not _defines(part, method):
            raise AssertionError(
                f"{name}.split found {part!r}, expected None or a Penalty that defines {method}."
            )
        total += part.value(locked(w))
    if not _close(total, penalty.value(locked(w))):
        raise AssertionError(
            f"the parts of {name}.split() sum to {total!r}, expected value(w) = "
            f"{penalty.value(locked(w))!r} at w = {w}."
        )


def _check_gradient(penalty, w, rng):
    name = type(penalty).__name__
    start = rng.standard_normal(w.shape)
    found, zero = start.copy(), np.zeros_like(w)
    call_in_place(penalty, "add_gradient", locked(w), found)
    call_in_place(penalty, "add_gradient", locked(w), zero)
    if not np.allclose(found - start, zero, rtol=1e-9, atol=1e-9 * (1 + np.abs(zero).max())):
        raise AssertionError(
            f"{name}.add_gradient must add to grad: it added {found - start} to {start}, expected "
            f"{zero}, which it added to zeros, at w = {w}."
        )
    here = penalty.value(w)
    if not math.isfinite(here):
        return  # out of bounds, where no gradient is asked for, as below
    for at in np.ndindex(w.shape):
        sides, slack = slopes_at(penalty.value, w, here, at)
        if not np.isfinite(sides).all():
            continue
        if not min(sides) - slack <= zero[at] <= max(sides) + slack:
            raise AssertionError(
                f"{name}.add_gradient added {zero[at]:.10g} at entry {at}, expected "
                f"{sum(sides) / 2:.10g} by finite differences of value, at w = {w}."
            )


def _check_prox(penalty, w, rng):
    name = type(penalty).__name__
    for lr in (1e-3, 0.3, 1.0, 10.0, rng.uniform(0.1, 5.0, w.shape)):
        given = lr if np.ndim(lr) == 0 else locked(lr)
        v = w.copy()
        call_in_place(penalty, "prox", v, given)
        again = w.copy()
        penalty.prox(again, given)
        if not np.array_equal(v, again):
            raise AssertionError(
                f"{name}.prox depends on more than w and lr: found {again}, expected {v} as the "
                f"first time, at w = {w}, lr = {lr}."
            )
        if np.ndim(lr) == 0:
            penalty.prox(again := w.copy(), np.full(w.shape, lr))
            if not np.allclose(v, again, rtol=1e-8, atol=1e-10):
                raise AssertionError(
                    f"{name}.prox with an array of equal steps gives {again}, expected {v} as with "
                    f"lr = {lr}, at w = {w}."
                )
        _check_minimum(penalty, w, lr, v, rng)


def _check_minimum(penalty, w, lr, v, rng):
    name = type(penalty).__name__
    # times the largest step, so that a penalty of 1 and the distance stay of one order
    scale = np.max(lr)

    def objective(x):
        return float(np.sum((x - w) ** 2 * (scale / lr)) / 2 + scale * penalty.value(x))

    found = objective(v)
    if not math.isfinite(found):
        raise AssertionError(
            f"{name}.prox went to {v}, where value is {penalty.value(v)!r}, expected a point of "
            f"finite value, at w = {w}, lr = {lr}."
        )
    size = 1.0 + np.abs(w).max()
    others = [w.copy(), np.zeros_like(w), (v + w) / 2, 0.9 * v, 1.1 * v]
    for row in np.ndindex(w.shape):
        for value in (0.0, w[row], v[row] + 1e-3 * size, v[row] - 1e-3 * size):
            others.append(v.copy())
            others[-1][row] = value
    for reach in (1e-4, 1e-2, 1e-1, 1.0):
        for _ in range(8):
            others.append(v + reach * size * rng.standard_normal(w.shape))
    for other in others:
        value = objective(other)
        if value < found - 1e-10 * (1 + abs(found)):
            raise AssertionError(
                f"{name}.prox does not minimise |v - w|^2 / 2 + lr * value(v): it found {v} with "
                f"{found / scale!r} (in units of 1 / lr), expected at most {value / scale!r}, "
                f"which {other} has, at w = {w}, lr = {lr}."
            )


def _check_residual(penalty, w, rng):
    at, grad = w.copy(), rng.standard_normal(w.shape)
    penalty.prox(at, 0.3)  # where weights may be zero, or at a bound
    for weights in (at, np.zeros_like(w)):
        if not math.isfinite(penalty.value(weights)):
            continue
        found = call(penalty, "residual", locked(weights), locked(grad))
        expected = Penalty.residual(penalty, weights, grad)
        if np.shape(found) != w.shape or not np.allclose(found, expected, rtol=1e-4, atol=1e-4):
            raise AssertionError(
                f"{type(penalty).__name__}.residual is {found}, expected {expected} by a tiny "
                f"proximal step, at w = {weights}, grad = {grad}."
            )


def _check_bounds(penalty, points):
    name, n_features = type(penalty).__name__, points[0].size
    rest = penalty.split()[1]
    bounds = None if rest is None else rest.bounds(n_features)
    if bounds is None:
        return
    shapes = [np.shape(part) for part in bounds]
    if shapes != [(n_features,)] * 3:
        raise AssertionError(f"{name}.bounds found shapes {shapes}, expected 3 of {n_features}.")
    l1, low, high = bounds
    for w in points:
        w = np.clip(w, low, high)
        expected = float(np.sum(l1 * np.abs(w)))
        if not _close(rest.value(w), expected):
            raise AssertionError(
                f"{name}.bounds is {bounds}, by which value is {expected!r} at w = {w}; found "
                f"{rest.value(w)!r}."
            )


def _defines(penalty, method):
    return getattr(type(penalty), method) is not getattr(Penalty, method)


def _close(a, b):
    return a == b or abs(a - b) <= 1e-9 * (1 + abs(b))
