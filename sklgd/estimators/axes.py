"""The string-or-object rule: from the estimator's parameters to strategy objects."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils._repr_html.estimator import _VisualBlock

from .._strategy import Strategy, lookup, resolve
from ..losses import LOSSES, Loss
from ..models import MODELS, Model
from ..optimizers import OPTIMIZERS, Optimizer
from ..optimizers.base import RATE_PARAMS
from ..penalties import PENALTIES, Penalty
from ..schedules import SCHEDULES, Schedule

#: axis -> (names, base class)
AXES: dict[str, tuple[dict[str, type], type[Strategy]]] = {
    "loss": (LOSSES, Loss),
    "optimizer": (OPTIMIZERS, Optimizer),
    "penalty": (PENALTIES, Penalty),
    "model": (MODELS, Model),
}
#: parameters that strings take anything from
TAKEN = ("alpha", "l1_ratio", "epsilon", *RATE_PARAMS)
#: what objects take
NOTHING: Mapping[str, Any] = MappingProxyType({})
#: values of ``learning_rate`` that name a rule of their own, for one loss of each task
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
    value, cls = getattr(estimator, axis), type(estimator)
    if axis == "penalty" and value is None:
        return None
    if axis == "learning_rate":
        return _schedule_of(estimator)
    if not isinstance(value, str):  # only strings take anything from other parameters
        return _resolved(cls, axis, value)
    if axis == "optimizer" and value in ("auto", "sgd"):
        variant = estimator.learning_rate
        if isinstance(variant, str) and variant in PASSIVE_AGGRESSIVE:
            _check_passive_aggressive(estimator, variant)
            value = "passive_aggressive"
    taken = [getattr(estimator, name) for name in TAKEN]
    # objects of the user's own may change in place, which nothing would tell
    plain = all(part is None or isinstance(part, (str, float, int)) for part in taken)
    return (_shared if plain else _named)(cls, axis, value, *taken)


def _schedule_of(estimator: BaseEstimator) -> Schedule:
    """Return the schedule that ``learning_rate`` names, filled from the estimator."""
    params = {name: getattr(estimator, name) for name in TAKEN}
    if estimator.optimizer in ("auto", "sgd"):
        params |= _missing_in_sgd(type(estimator), params)
    owner, name = type(estimator).__name__, estimator.learning_rate
    cls = lookup(name, SCHEDULES, parameter="learning_rate", owner=owner)
    return cls.from_estimator(params).validate()


def _missing_in_sgd(cls: type[BaseEstimator], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return scikit-learn's defaults of what describes a learning rate and is not given."""
    return {name: cls._sgd_defaults[name] for name in RATE_PARAMS if params[name] is None}


def _named(cls: type[BaseEstimator], axis: str, name: str, *taken: Any) -> Strategy:
    """Return what a string stands for, where the estimator's parameters `TAKEN` are these."""
    params = dict(zip(TAKEN, taken, strict=True))
    if axis == "penalty" and name == "elasticnet" and params["l1_ratio"] is None:
        raise ValueError(
            "l1_ratio must be set when penalty is 'elasticnet': a number in [0, 1]. Got None."
        )
    if axis == "optimizer":
        if name == "auto" and any(params[part] is not None for part in RATE_PARAMS):
            name = "sgd"
        rate = params["learning_rate"]
        if name == "sgd" and (rate is None or isinstance(rate, str)):
            params |= _missing_in_sgd(cls, params)
    return _resolved(cls, axis, name, params)


#: strategies are values that nothing writes to: many estimators may use the same ones
_shared = functools.lru_cache(maxsize=256, typed=True)(_named)


def _resolved(
    cls: type[BaseEstimator], axis: str, value: Any, params: Mapping[str, Any] = NOTHING
) -> Strategy:
    """Return a validated object for what the user gave on one axis."""
    known, base = _known(cls, axis), AXES[axis][1]
    strategy = resolve(value, known, base, parameter=axis, owner=cls.__name__, params=params)
    if axis == "loss" and not cls._can_train(type(strategy)):
        raise InvalidParameterError(
            f"The 'loss' parameter of {cls.__name__} must be a regression loss, or one of your "
            f"own. Got the classification loss {strategy!r}; use GDClassifier."
        )
    return strategy


def _known(cls: type[BaseEstimator], axis: str) -> dict[str, type[Strategy]]:
    """Return the names that estimators of a class know on one axis."""
    known = AXES[axis][0]
    if axis != "loss":
        return known
    return {name: loss for name, loss in known.items() if cls._can_train(loss)}


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
    return Strategies(*(strategy_of(estimator, axis) for axis in Strategies._fields))


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
        named = {key.partition("__")[0] for key in nested}
        for axis in [axis for axis in ("learning_rate", *AXES) if axis in named]:  # rates first:
            value = getattr(self, axis)  # the object of an optimizer has them
            if isinstance(value, str):
                strategy = clone(strategy_of(self, axis))
                prefix = f"{axis}__"
                own = {k.removeprefix(prefix): v for k, v in nested.items() if k.startswith(prefix)}
                strategy.set_params(**own)  # before it is ours: an error leaves the string
                setattr(self, axis, strategy)
            elif not hasattr(value, "set_params"):
                raise ValueError(
                    f"{axis} is {value!r}, which has no parameters; set {axis} to a name or an "
                    "object."
                )
        return super().set_params(**nested)


def last_step(estimator: BaseEstimator) -> BaseEstimator:
    """Return the estimator, or that in which a pipeline ends; raise where it has no strategies."""
    model = estimator[-1] if hasattr(estimator, "steps") else estimator
    if not isinstance(model, StrategyParams):
        raise InvalidParameterError(
            "The 'estimator' parameter must be a GDRegressor, a GDClassifier or a pipeline that "
            f"ends in one. Got {model!r} instead."
        )
    return model
