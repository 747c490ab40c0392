"""sklgd: gradient descent behind scikit-learn's API.

`GDRegressor` and `GDClassifier` take the loss, the optimizer, the penalty and the model as
strings or as objects, and train them in one compiled loop on dense and sparse data.
"""

from importlib import import_module
from typing import Any

# Here rather than first from deeper inside: nested one module deeper, its imports happen to take
# Python 3.11 0.1 s longer (frames at the edge of a stack chunk, which is mapped at each call).
import sklearn.base  # noqa: F401

from . import losses, models, optimizers, penalties, schedules
from .estimators import GDClassifier, GDRegressor

__all__ = [
    "GDClassifier",
    "GDRegressor",
    "callbacks",
    "displays",
    "losses",
    "models",
    "optimizers",
    "penalties",
    "schedules",
    "testing",
]


#: modules that no fit needs: imported when they are first asked for
_LATER = ("callbacks", "displays", "testing")


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return import_module(f".{name}", __name__)
    # Written once, in meson.build.  Reading the metadata takes milliseconds.
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
