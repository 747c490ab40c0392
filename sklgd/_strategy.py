"""What losses, optimizers, schedules, penalties and models have in common.

A strategy is a stateless value: its parameters say everything about it.  It can be
cloned, pickled, compared and shared, and nothing that trains ever writes to it.  Its
compiled twin (kernel) is composed for one fit and thrown away with it.
"""

from __future__ import annotations

import copy
import difflib
import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import (
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)

#: what other libraries and papers call it -> its name here
OTHER_NAMES = {
    # losses
    "mse": "squared_error",
    "mean_squared_error": "squared_error",
    "least_squares": "squared_error",
    "mae": "absolute_error",
    "mean_absolute_error": "absolute_error",
    "mape": "absolute_percentage_error",
    "mean_absolute_percentage_error": "absolute_percentage_error",
    "msle": "squared_log_error",
    "mean_squared_logarithmic_error": "squared_log_error",
    "smooth_l1": "huber",
    "pinball": "quantile",
    "bce": "log_loss",
    "nll": "log_loss",
    "deviance": "log_loss",
    "cross_entropy": "log_loss",
    "binary_crossentropy": "log_loss",
    "categorical_crossentropy": "log_loss",
    "sparse_categorical_crossentropy": "log_loss",
    # optimizers
    "gd": "gradient_descent",
    "momentum": "sgd",
    "sag": "saga",
    "newton_cg": "newton",
    "newton_cholesky": "newton",
    # schedules
    "step": "piecewise_constant",
    "cosine": "cosine_decay",
    "cosine_annealing": "cosine_decay",
    # activations
    "sigmoid": "logistic",
    "linear": "identity",
    "swish": "silu",
    # penalties
    "lasso": "l1",
    "ridge": "l2",
    "none": None,
}


class Parameters:
    """Mixin: reads a class's signature once, and checks no parameter that is left at its default.

    scikit-learn does both at each call, which costs more than a small fit.
    """

    @classmethod
    @functools.cache
    def _param_defaults(cls) -> dict[str, Any]:
        known = inspect.signature(cls.__init__).parameters
        return {name: known[name].default for name in super()._get_param_names()}

    @classmethod
    def _get_param_names(cls) -> list[str]:
        return list(cls._param_defaults())

    def _validate_params(self) -> None:
        defaults = self._param_defaults()
        given = {name: getattr(self, name) for name in defaults}
        given = {name: value for name, value in given.items() if value is not defaults[name]}
        try:
            validate_parameter_constraints(
                self._parameter_constraints, given, caller_name=type(self).__name__
            )
        except InvalidParameterError as error:
            raise InvalidParameterError(f"{error}{self._hint(given, str(error))}") from None

    def _hint(self, given: Mapping[str, Any], message: str) -> str:
        # For the string that an error is about, the name that was meant, if there is one.
        for name, value in given.items():
            if message.startswith(f"The {name!r} parameter "):
                rules = self._parameter_constraints[name]
                known = [rule.options for rule in rules if isinstance(rule, StrOptions)]
                return did_you_mean(value, set().union(*known))
        return ""


class Strategy(Parameters, BaseEstimator):
    """Base of every strategy object.

    A subclass lists its parameters in ``__init__`` as any scikit-learn estimator does, and
    may add ``_parameter_constraints`` in scikit-learn's form.
    """

    _parameter_constraints: ClassVar[dict] = {}
    #: own parameter -> the estimator's parameter that fills it when a string is given
    _from_estimator: ClassVar[dict[str, str]] = {}
    #: the compiled twin; looked up on the class itself, never inherited (see `compose_kernel`)
    _kernel: ClassVar[type | None] = None

    @classmethod
    def from_estimator(cls, params: Mapping[str, Any]) -> Self:
        """Build the strategy that a string stands for, from the estimator's parameters."""
        taken = {own: params[theirs] for own, theirs in cls._from_estimator.items()}
        return cls(**{name: value for name, value in taken.items() if value is not None})

    def validate(self) -> Self:
        """Raise ``InvalidParameterError`` where a parameter is out of range; return self."""
        self._validate_params()
        return self

    def __deepcopy__(self, memo: dict) -> Self:
        memo[id(self)] = copied = type(self).__new__(type(self))
        for name, value in self.__dict__.items():
            plain = value is None or type(value) in (bool, int, float, str)
            copied.__dict__[name] = value if plain else copy.deepcopy(value, memo)
        return copied

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        names = self._get_param_names()
        return all(same(getattr(self, name), getattr(other, name)) for name in names)

    def __hash__(self) -> int:
        return hash((type(self), tuple(sorted(self.get_params(deep=False)))))


def same(a: Any, b: Any) -> bool:
    """Whether two parameters are equal: arrays entry by entry, plain objects by what they hold."""
    if a is b:
        return True
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, functools.partial) and isinstance(b, functools.partial):
        return all(
            same(getattr(a, part), getattr(b, part)) for part in ("func", "args", "keywords")
        )
    if type(a) is type(b) and _is_plain(type(a)):
        return vars(a).keys() == vars(b).keys() and all(
            same(vars(a)[k], vars(b)[k]) for k in vars(a)
        )
    return bool(a == b)


def _is_plain(kind: type) -> bool:
    # Whether objects of a user's class, callables say, are told apart by being other objects only:
    # copies of one, as cloning makes them, are the same strategy.
    by_identity = kind.__eq__ is object.__eq__ and kind.__module__ != "builtins"
    return by_identity and "__dict__" in dir(kind)


def snake_case(name: str) -> str:
    """``"SquaredError"`` -> ``"squared_error"``, ``"AdaGrad"`` -> ``"ada_grad"``."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def registry(*classes: type[Strategy], **named: type[Strategy]) -> dict[str, type[Strategy]]:
    """Map names to classes: snake case, or the keyword where the field writes it otherwise."""
    return {snake_case(cls.__name__): cls for cls in classes} | named


def lookup(name: str, known: Mapping[str, type], *, parameter: str, owner: str) -> type:
    """Return the class that ``name`` stands for, or raise with the names that are allowed."""
    if name in known:
        return known[name]
    nullable = [None] if parameter == "penalty" else []  # "none" is scikit-learn's name of old
    raise InvalidParameterError(
        f"The {parameter!r} parameter of {owner} must be a str among {sorted(known)} or an "
        f"object. Got {name!r} instead.{did_you_mean(name, [*known, *nullable])}"
    )


def did_you_mean(name: Any, known: Iterable[str | None]) -> str:
    """Return the end of an error that names what ``name`` is called here, or what it is close to.

    It is empty where nothing comes close, or where no name was given.
    """
    known = set(known)
    if not isinstance(name, str):
        return ""
    plain = name.lower().replace("-", "_").replace(" ", "_")
    if OTHER_NAMES.get(plain, plain) in known:
        return f" Did you mean {OTHER_NAMES.get(plain, plain)!r}?"
    close = difflib.get_close_matches(plain, known - {None}, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def resolve(
    value: Any,
    known: Mapping[str, type],
    base: type[Strategy],
    *,
    parameter: str,
    owner: str,
    params: Mapping[str, Any],
) -> Strategy:
    """Turn what the user gave on one axis into a validated strategy object.

    A string takes its hyper-parameters from ``params``, the estimator's; an object carries its
    own.
    """
    if isinstance(value, str):
        cls = lookup(value, known, parameter=parameter, owner=owner)
        value = cls.from_estimator(params)
    if isinstance(value, type) and issubclass(value, base):
        raise InvalidParameterError(
            f"The {parameter!r} parameter of {owner} must be an object. Got the class "
            f"{value.__name__} instead; pass {value.__name__}()."
        )
    if not isinstance(value, base):
        raise InvalidParameterError(
            f"The {parameter!r} parameter of {owner} must be a str among {sorted(known)} or an "
            f"instance of {base.__name__}. Got {value!r} instead."
        )
    return value.validate()


def ask(method: Callable, *args: Any, **known: Any) -> Any:
    """Call a method with ``args``, and with those of ``known`` that its signature names."""
    named = names_of(method)
    return method(*args, **{name: value for name, value in known.items() if name in named})


def in_place(returned: Any, owner: Any, method: str) -> None:
    """Raise where a method returned what it was to write in place: it would change nothing."""
    if returned is not None:
        raise ValueError(
            f"{type(owner).__name__}.{method} must work in place and return None. Got "
            f"{type(returned).__name__} instead."
        )


def names_of(method: Callable) -> frozenset[str]:
    """Return the names of a method's parameters."""
    return _names(getattr(method, "__func__", method))


@functools.lru_cache(maxsize=256)
def _names(function: Callable) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def has_kernel(strategy: Strategy) -> bool:
    """Whether a strategy is of a class of this library, which has a compiled twin.

    A user's subclass has none, since it may mean something else.
    """
    return "_kernel" in vars(type(strategy))


def compose_kernel(strategy: Strategy, adapter: type) -> Any:
    """Return the compiled twin of ``strategy``, or ``adapter(strategy)`` where it has none.

    The twin is looked up on the class's own ``__dict__``: a user's subclass that overrides a
    method must train with what it overrides, so it never inherits the twin.
    """
    kernel = type(strategy).__dict__.get("_kernel")
    if kernel is None:
        return adapter(strategy)
    return kernel(**strategy.get_params(deep=False))
