"""What the checks of the axes share: read-only calls, slopes, copies, statelessness."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone

from .._strategy import Strategy, ask, same
from ..losses import Loss


def check_instance(strategy: Any, base: type[Strategy], noun: str) -> None:
    """Raise where ``strategy`` is no valid instance of ``base``."""
    assert isinstance(strategy, base), (
        f"{noun} must be an instance of {base.__module__.removesuffix('.base')}.{base.__name__}, "
        f"got {strategy!r}"
        + ("; pass an instance, not the class" if isinstance(strategy, type) else "")
    )
    strategy.validate()


def locked(array: Any) -> np.ndarray:
    """Return a read-only copy: what the training loop hands out for reading."""
    array = np.array(array)
    array.flags.writeable = False
    return array


def call(strategy: Strategy, method: str, *args: Any, **known: Any) -> Any:
    """Call a method as `ask` does; say so where it writes to an argument that is locked.

    What it raises itself tells in a note what it was given.
    """
    name = f"{type(strategy).__name__}.{method}"
    try:
        return ask(getattr(strategy, method), *args, **known)
    except Exception as error:
        if isinstance(error, ValueError) and "read-only" in str(error):
            raise AssertionError(f"{name} writes to an argument that it may only read") from error
        shapes = " and ".join(str(np.shape(array)) for array in args)
        error.add_note(f"{name} was given arguments of shape {shapes}")
        raise


def evaluate(loss: Loss, method: str, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """Call a loss on read-only copies: that is what the training loop hands out."""
    out = call(loss, method, locked(y), locked(raw))
    rows_only = raw.ndim == np.ndim(y) + 1 or (loss.soft_targets and raw.ndim == 2)
    shape = {"value": raw.shape[:1], "hessian": (*raw.shape, raw.shape[-1])}.get(method, raw.shape)
    shape = shape if rows_only else raw.shape
    found = np.shape(out)
    assert found == shape, (
        f"{loss!r}.{method} must return shape {shape} for y of shape {np.shape(y)} and raw of "
        f"shape {raw.shape}, but returned shape {found}"
    )
    return np.asarray(out, dtype=np.float64)


def call_in_place(strategy: Strategy, method: str, *args: Any, **known: Any) -> None:
    """Call a method that works in place, and see that it returns None."""
    found = call(strategy, method, *args, **known)
    assert found is None, (
        f"{type(strategy).__name__}.{method} must work in place and return None, found {found!r}"
    )


def slopes_at(
    function: Callable[[np.ndarray], float], x: np.ndarray, here: float, at: Any
) -> tuple[tuple[float, float], float]:
    """Return the slopes of a function on both sides of ``x``, and how far they may be off.

    Along entry ``at``, by finite differences; ``here`` is the value at ``x``.  At a kink whatever
    lies between the two is a subgradient.
    """
    h = 1e-6 * max(1.0, abs(x[at]))
    up, down = x.copy(), x.copy()
    up[at] += h
    down[at] -= h
    sides = (function(up) - here) / h, (here - function(down)) / h
    return sides, 1e-5 * (1 + abs(sides[0]) + abs(sides[1])) + 4e-16 * abs(here) / h


def check_copies(strategy: Strategy) -> None:
    """Raise where a strategy does not survive `sklearn.base.clone` and `pickle`."""
    name = type(strategy).__name__
    try:
        twin = clone(strategy)
    except Exception as error:
        raise AssertionError(f"{name} cannot be cloned: {error}") from error
    assert twin == strategy, (
        f"clone of {strategy!r} gave {twin!r}: __init__ must store its parameters as is"
    )
    try:
        twin = pickle.loads(pickle.dumps(strategy))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        # a class defined in a function has no name to be pickled by: that is no fault of its own
        cls = type(strategy)
        if getattr(sys.modules.get(cls.__module__), cls.__qualname__, None) is cls:
            raise AssertionError(f"{strategy!r} cannot be pickled: {error}") from error
    else:
        assert twin == strategy, f"{strategy!r} became {twin!r} after pickling"


class Untouched:
    """What a strategy held before its methods were called; `check` compares."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy
        self.held, self.before = dict(vars(strategy)), copy.deepcopy(vars(strategy))

    def check(self) -> None:
        """Raise where a method has written to the strategy."""
        after = vars(self.strategy)
        changed = [
            name
            for name in sorted(self.held | after)
            if self.held.get(name) is not after.get(name) or self._mutated(name, after[name])
        ]
        assert not changed, (
            f"{self.strategy!r} is not stateless: its methods changed the attributes {changed}"
        )

    def _mutated(self, name: str, value: Any) -> bool:
        return isinstance(value, (np.ndarray, list, dict, set)) and not same(
            self.before[name], value
        )
