"""The string-or-object rule: from the estimator's parameters to strategy objects."""

from __future__ import annotations

import functools
import warnings
from operator import is_
from typing import Any, NamedTuple

from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils._repr_html.estimator import _VisualBlock

from .._strategy import Strategy, resolve
from ..losses import LOSSES, Loss
from ..models import MODELS, Model
from ..optimizers import OPTIMIZERS, Optimizer
from ..penalties import PENALTIES, Penalty

#: axis -> (names, base class)
AXES: dict[str, tuple[dict[str, type], type[Strategy]]] = {
    "loss": (LOSSES, Loss),
    "optimizer": (OPTIMIZERS, Optimizer),
    "penalty": (PENALTIES, Penalty),
    "model": (MODELS, Model),
}
#: parameters with which `SGDRegressor` describes its learning rate
SGD_RATE = ("learning_rate", "eta0", "power_t")
#: ... among them those that name a rule of their own, for one loss of each task
PASSIVE_AGGRESSIVE = ("pa1", "pa2")
PASSIVE_AGGRESSIVE_LOSS = {True: "hinge", False: "epsilon_insensitive"}  # of classifiers or not


class Strategies(NamedTuple):
    """The objects that a fit uses, one an axis."""

    loss: Loss
    optimizer: Optimizer
    penalty: Penalty | None
    model: Model


def strategy_of(estimator: BaseEstimator, axis: str) -> Strategy | None:
    """Return the object of one axis: the estimator's own, or the one its string stands for."""
    if (known := _resolved(estimator)) is not None:
        return getattr(known, axis)
    value = getattr(estimator, axis)
    if axis == "penalty" and value is None:
        return None
    # only strings take anything from the estimator's other parameters
    params = _parameters(estimator) if isinstance(value, str) else {}
    if axis == "penalty" and value == "elasticnet" and params["l1_ratio"] is None:
        raise ValueError("l1_ratio must be set when penalty is 'elasticnet'")
    if axis == "optimizer" and isinstance(value, str):
        rate_is_set = any(params[name] is not None for name in SGD_RATE)
        if value == "auto" and rate_is_set:
            value = "sgd"
        if value == "sgd":
            defaults = estimator._sgd_defaults
            params |= {name: defaults[name] for name in SGD_RATE if params[name] is None}
            if params["learning_rate"] in PASSIVE_AGGRESSIVE:
                _check_passive_aggressive(estimator, params["learning_rate"])
                value = "passive_aggressive"
    known, owner = _known(estimator, axis), type(estimator).__name__
    strategy = resolve(value, known, AXES[axis][1], parameter=axis, owner=owner, params=params)
    if axis == "loss" and not estimator._can_train(type(strategy)):
        raise InvalidParameterError(
            f"The 'loss' parameter of {type(estimator).__name__} must be a regression loss, or "
            f"one of your own. Got the classification loss {strategy!r}; use GDClassifier."
        )
    return strategy


def _parameters(estimator: BaseEstimator) -> dict[str, Any]:
    """Return all parameters, those too that the constructor of a subclass does not take."""
    return {name: getattr(estimator, name) for name in _parameter_names(type(estimator))}


@functools.cache
def _parameter_names(cls: type[BaseEstimator]) -> tuple[str, ...]:
    bases = (base for base in cls.__mro__ if issubclass(base, StrategyParams))
    own = (base for base in bases if "__init__" in vars(base))
    return tuple(dict.fromkeys(name for base in own for name in base._get_param_names()))


def _known(estimator: BaseEstimator, axis: str) -> dict[str, type[Strategy]]:
    """Return the names that an estimator knows on one axis."""
    known = AXES[axis][0]
    if axis != "loss":
        return known
    return {name: loss for name, loss in known.items() if estimator._can_train(loss)}


def _check_passive_aggressive(estimator: BaseEstimator, variant: str) -> None:
    wanted = PASSIVE_AGGRESSIVE_LOSS[is_classifier(estimator)]
    loss = strategy_of(estimator, "loss")
    if type(loss) is not LOSSES[wanted]:
        raise ValueError(
            f"Learning rate {variant!r} only works with loss {wanted!r}. Got {loss!r}; for others "
            f"pass optimizer=PassiveAggressive(variant={variant!r})."
        )


def strategies_of(estimator: BaseEstimator) -> Strategies:
    """Return the objects of all axes."""
    if estimator.power_t is not None and estimator.power_t < 0:
        warnings.warn(
            "Negative values for `power_t` are deprecated, as in SGDRegressor and SGDClassifier: "
            f"with power_t={estimator.power_t} the learning rate grows. Use 0 or more, or pass "
            "learning_rate=InvScaling(...) for a rate that shall grow.",
            FutureWarning,
            stacklevel=5,  # where fit was called
        )
    if (known := _resolved(estimator)) is not None:
        return known
    strategies = Strategies(*(strategy_of(estimator, axis) for axis in Strategies._fields))
    named = (*(getattr(estimator, axis) for axis in AXES), estimator.learning_rate)
    if all(value is None or isinstance(value, (str, float, int)) for value in named):
        # objects of the user's own may change in place, which nothing would tell
        estimator._named = tuple(_parameters(estimator).values()), strategies
    return strategies


def _resolved(estimator: BaseEstimator) -> Strategies | None:
    """Return what the last call made of strings, if no parameter has been set since."""
    params, strategies = estimator.__dict__.get("_named", (None, None))
    if params is None:
        return None
    unchanged = all(map(is_, params, _parameters(estimator).values()))
    return strategies if unchanged else None


class StrategyParams:
    """Mixin: ``set_params(optimizer__learning_rate=0.1)`` works where ``optimizer`` is a string."""

    def _sk_visual_block_(self) -> _VisualBlock:
        """Return the HTML diagram: the strategies beside each other, below the estimator."""
        fitted = hasattr(self, "loss_")
        used = {
            axis: getattr(self, f"{axis}_") if fitted else strategy_of(self, axis) for axis in AXES
        }
        used = {axis: strategy for axis, strategy in used.items() if strategy is not None}
        return _VisualBlock(
            "parallel",
            list(used.values()),
            names=[f"{axis}: {type(strategy).__name__}" for axis, strategy in used.items()],
            name_details=[str(strategy) for strategy in used.values()],
        )

    def set_params(self, **params: Any):
        """Set parameters of the estimator and of its strategies.

        A nested parameter of an axis that holds a string first replaces the string by the object
        it stands for, filled from the estimator.

        Parameters
        ----------
        **params : dict
            Parameters, nested ones as ``axis__parameter``.

        Returns
        -------
        self : object
        """
        super().set_params(**{k: v for k, v in params.items() if "__" not in k})
        nested = {k: v for k, v in params.items() if "__" in k}
        for axis in {key.partition("__")[0] for key in nested} & AXES.keys():
            if isinstance(getattr(self, axis), str):
                strategy = clone(strategy_of(self, axis))
                prefix = f"{axis}__"
                own = {k.removeprefix(prefix): v for k, v in nested.items() if k.startswith(prefix)}
                strategy.set_params(**own)  # before it is ours: an error leaves the string
                setattr(self, axis, strategy)
            elif getattr(self, axis) is None:
                raise ValueError(
                    f"{axis} is None, which has no parameters; set {axis} to a name or an object."
                )
        return super().set_params(**nested)
