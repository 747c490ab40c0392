"""When there is a `partial_fit`."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper, wraps
from types import MethodType
from typing import TYPE_CHECKING, Any

from .axes import strategy_of

if TYPE_CHECKING:
    from .base import BaseGD


class NoPartialFit(AttributeError, ValueError):
    """There is no `partial_fit` with these parameters.

    The method is absent, as `hasattr` says; who calls it, and expects scikit-learn's `ValueError`,
    gets one.
    """


class incremental:
    """Decorator of `partial_fit`: a method where the strategies can learn from a stream."""

    def __init__(self, method: Callable) -> None:
        self.method = method
        update_wrapper(self, method)

    def __get__(self, estimator: BaseGD | None, owner: type | None = None) -> Callable:
        """Return the method of an estimator, or of the class."""
        if estimator is not None:
            _check_partial_fit(estimator)
            return MethodType(self.method, estimator)

        @wraps(self.method)
        def unbound(estimator: BaseGD, *args: Any, **kwargs: Any) -> Any:
            return self.__get__(estimator)(*args, **kwargs)

        return unbound


def _check_partial_fit(estimator: BaseGD) -> None:
    if estimator.early_stopping:
        raise NoPartialFit(
            "partial_fit does not support early_stopping=True, since it makes one pass: "
            "early_stopping should be False with partial_fit."
        )
    try:
        optimizer = strategy_of(estimator, "optimizer")
    except Exception as error:
        raise NoPartialFit(str(error)) from error
    if optimizer.full_batch:
        raise NoPartialFit(
            f"{optimizer!r} needs all data at once and has no partial_fit; use a step rule, such "
            "as optimizer='sgd', optimizer='adam' or optimizer='auto'."
        )
