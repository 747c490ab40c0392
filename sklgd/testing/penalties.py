"""Checks that a strategy of one's own keeps the contract of its axis."""

from __future__ import annotations

import copy
import math
import pickle
from numbers import Real

import numpy as np
from sklearn.base import clone

from .._strategy import _same
from ..penalties import Penalty


def check_penalty(penalty: Penalty, *, n_features: int = 6, random_state: int = 0) -> None:
    """Raise ``AssertionError`` where a penalty does not do what training relies on.

    Checked are the value, ``split``, the gradient against finite differences where it is
    defined, the proximal step against other points where it is defined, that nothing but the
    output is written to, and that the penalty can be cloned and pickled.

    Parameters
    ----------
    penalty : Penalty
        The object to check.
    n_features : int, default=6
        Number of features to check it with; one that has parameters for each feature needs
        theirs.
    random_state : int, default=0
        Seed of the points that are tried.

    Examples
    --------
    >>> from sklgd.penalties import MCP
    >>> from sklgd.testing import check_penalty
    >>> check_penalty(MCP(alpha=0.5))
    """
    name = type(penalty).__name__
    if not isinstance(penalty, Penalty):
        raise AssertionError(f"expected an instance of sklgd.penalties.Penalty, found {name}.")
    rng = np.random.default_rng(random_state)
    penalty.validate()
    before = copy.deepcopy(vars(penalty))
    points = [
        size * rng.standard_normal(shape)
        for shape in ((n_features,), (1, n_features), (3, n_features))
        for size in (0.1, 1.0, 10.0)
    ]
    points.append(np.zeros((2, n_features)))
    for w in points:
        _check_penalty_value(penalty, w)
        if _penalty_defines(penalty, "prox"):
            _check_penalty_prox(penalty, w, rng)
            feasible = w.copy()
            penalty.prox(feasible, 1e-3)
            _check_penalty_value(penalty, feasible)
        if _penalty_defines(penalty, "add_gradient") and w.any():
            _check_penalty_gradient(penalty, w, rng)
        _check_penalty_split(penalty, w)
    rows = points[3]
    if not _penalty_close(penalty.value(rows), penalty.value(rows[0])):
        raise AssertionError(
            f"{name}.value of one row is {penalty.value(rows)!r} for shape {rows.shape}, expected "
            f"{penalty.value(rows[0])!r} as for shape {rows[0].shape}."
        )
    _check_penalty_state(penalty, before, points)


def _check_penalty_value(penalty, w):
    name = type(penalty).__name__
    value = penalty.value(_penalty_locked(w))
    if not isinstance(value, Real) or math.isnan(value):
        raise AssertionError(f"{name}.value must return a float, found {value!r} at w = {w}.")
    again = penalty.value(_penalty_locked(w))
    if again != value:
        raise AssertionError(
            f"{name}.value depends on more than w: found {again!r}, expected {value!r} as the "
            f"first time, at w = {w}."
        )


def _check_penalty_split(penalty, w):
    name = type(penalty).__name__
    parts = penalty.split()
    if not isinstance(parts, tuple) or len(parts) != 2:
        raise AssertionError(f"{name}.split must return a pair, found {parts!r}.")
    total = 0.0
    for part, method in zip(parts, ("add_gradient", "prox"), strict=True):
        if part is None:
            continue
        if not isinstance(part, Penalty) or not _penalty_defines(part, method):
            raise AssertionError(
                f"{name}.split found {part!r}, expected None or a Penalty that defines {method}."
            )
        total += part.value(_penalty_locked(w))
    if not _penalty_close(total, penalty.value(_penalty_locked(w))):
        raise AssertionError(
            f"the parts of {name}.split() sum to {total!r}, expected value(w) = "
            f"{penalty.value(_penalty_locked(w))!r} at w = {w}."
        )


def _check_penalty_gradient(penalty, w, rng):
    name = type(penalty).__name__
    start = rng.standard_normal(w.shape)
    found, zero = start.copy(), np.zeros_like(w)
    _penalty_in_place(penalty, "add_gradient", _penalty_locked(w), found)
    _penalty_in_place(penalty, "add_gradient", _penalty_locked(w), zero)
    if not np.allclose(found - start, zero, rtol=1e-9, atol=1e-9 * (1 + np.abs(zero).max())):
        raise AssertionError(
            f"{name}.add_gradient must add to grad: it added {found - start} to {start}, expected "
            f"{zero}, which it added to zeros, at w = {w}."
        )
    for at in np.ndindex(w.shape):
        h = 1e-6 * max(1.0, abs(w[at]))
        up, down = w.copy(), w.copy()
        up[at] += h
        down[at] -= h
        above, here, below = penalty.value(up), penalty.value(w), penalty.value(down)
        if not np.all(np.isfinite([above, here, below])):
            continue  # out of bounds, where no gradient is asked for
        sides = ((above - here) / h, (here - below) / h)
        slack = 1e-5 * (1 + abs(sides[0]) + abs(sides[1])) + 4e-16 * abs(here) / h
        # at a kink anything between the slopes of its sides is a subgradient
        if not min(sides) - slack <= zero[at] <= max(sides) + slack:
            raise AssertionError(
                f"{name}.add_gradient added {zero[at]:.10g} at entry {at}, expected "
                f"{(sides[0] + sides[1]) / 2:.10g} by finite differences of value, at w = {w}."
            )


def _check_penalty_prox(penalty, w, rng):
    name = type(penalty).__name__
    for lr in (1e-3, 0.3, 1.0, 10.0, rng.uniform(0.1, 5.0, w.shape)):
        given = lr if np.ndim(lr) == 0 else _penalty_locked(lr)
        v = w.copy()
        _penalty_in_place(penalty, "prox", v, given)
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
        _check_penalty_minimum(penalty, w, lr, v, rng)


def _check_penalty_minimum(penalty, w, lr, v, rng):
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


def _check_penalty_state(penalty, before, points):
    name = type(penalty).__name__
    after = vars(penalty)
    changed = [
        key
        for key in sorted(set(before) | set(after))
        if key not in before
        or key not in after
        or not _penalty_same_content(before[key], after[key])
    ]
    if changed:
        raise AssertionError(
            f"{name} must not be written to: attribute {changed[0]!r} was "
            f"{before.get(changed[0], 'absent')!r} and is {after.get(changed[0], 'absent')!r}."
        )
    for how, make in (("clone", clone), ("pickle", lambda x: pickle.loads(pickle.dumps(x)))):
        try:
            twin = make(penalty)
        except Exception as error:
            raise AssertionError(f"{name} cannot go through {how}: {error}") from error
        for w in points:
            if not _penalty_close(twin.value(w), penalty.value(w)):
                raise AssertionError(
                    f"the value of {name} changed by {how}: found {twin.value(w)!r}, expected "
                    f"{penalty.value(w)!r} at w = {w}."
                )


def _penalty_defines(penalty, method):
    return getattr(type(penalty), method) is not getattr(Penalty, method)


def _penalty_in_place(penalty, method, first, second):
    """Call a method that works in place, and see that it returns None."""
    name = f"{type(penalty).__name__}.{method}"
    shape = np.shape(first)
    try:
        found = getattr(penalty, method)(first, second)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise AssertionError(f"{name} writes to an argument that it may only read.") from error
    if found is not None:
        raise AssertionError(
            f"{name} must work in place and return None, found {found!r} for shape {shape}."
        )


def _penalty_locked(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def _penalty_close(a, b):
    return a == b or abs(a - b) <= 1e-9 * (1 + abs(b))


def _penalty_same_content(a, b):
    return _same(a, b) or pickle.dumps(a) == pickle.dumps(b)
