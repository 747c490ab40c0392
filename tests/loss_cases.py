"""The losses that tests run over, in both forms, and points at which they are compared."""

import numpy as np
import pytest

from sklgd._kernels import adapters
from sklgd._kernels import losses as kernels
from sklgd._strategy import compose_kernel
from sklgd.losses import (
    LOSSES,
    Cauchy,
    EpsilonInsensitive,
    Expectile,
    Focal,
    Huber,
    LogLoss,
    NegativeBinomial,
    Quantile,
    SmoothedAbsolute,
    SmoothedMargin,
    SmoothedPercentage,
    SmoothHinge,
    SmoothMulticlassHinge,
    SoftLogLoss,
    Tweedie,
)


def kernel_of(loss):
    """Return the compiled twin of a loss, or what calls the loss itself."""
    return compose_kernel(loss, adapters.PyLoss)


CASES = [
    *(cls() for cls in LOSSES.values()),
    SoftLogLoss(),
    SmoothedAbsolute(),
    SmoothedPercentage(),
    SmoothedMargin(),
    SmoothMulticlassHinge(),
    # away from the defaults, where the formulas have special cases and limits
    Huber(delta=0.3),
    EpsilonInsensitive(epsilon=0.0),
    Quantile(quantile=0.9),
    Expectile(expectile=0.1),
    Cauchy(scale=3.0),
    Tweedie(power=1),
    Tweedie(power=1.0001),
    Tweedie(power=1.9),
    Tweedie(power=2),
    Tweedie(power=2.5),
    Tweedie(power=3),
    NegativeBinomial(dispersion=1e-3),
    NegativeBinomial(dispersion=20.0),
    LogLoss(label_smoothing=0.1),
    LogLoss(multi_class="ovr"),
    SoftLogLoss(label_smoothing=0.1),
    SmoothHinge(gamma=0.3),
    Focal(gamma=0),
    Focal(gamma=0.5),
    SmoothedAbsolute(under=0.9, over=0.1, epsilon=0.2, width=0.5),
    SmoothMulticlassHinge(width=1.0),
]
JOINT = [loss for loss in CASES if loss.joint]
each = pytest.mark.parametrize("loss", CASES, ids=repr)
each_joint = pytest.mark.parametrize("loss", JOINT, ids=repr)


# no kinks here, and no two entries that cancel each other
RAWS = [-1000.25, -700.5, -37.7, -3.7, -1.3, -0.6, 0.0123, 0.77, 1.9, 2.43, 38.1, 700.75, 1000.5]
TARGETS = [-40.25, -2.5, -0.75, 0.0, 1e-3, 0.5, 1.0, 3.0, 1234.5]


def targets(loss):
    if isinstance(loss, LogLoss | SoftLogLoss):
        return [0.0, 0.25, 1.0]
    if loss.task == "classification":
        return [0.0, 1.0]
    return [y for y in TARGETS if loss.domain.includes(y)]


def grid(loss, raws=RAWS):
    y, raw = np.meshgrid(targets(loss), raws)
    return y.ravel(), raw.ravel()


def random_targets(n_rows, loss, n_columns):
    """Return targets as an estimator takes them, for a model with so many raw columns.

    For classification there is one class more than columns, and all classes occur.
    """
    rng = np.random.default_rng(2)
    if loss.task == "classification":
        rest = rng.integers(0, n_columns + 1, n_rows - n_columns - 1)
        return np.r_[np.arange(n_columns + 1), rest]
    y = rng.standard_normal((n_rows, n_columns))
    y = loss.domain.low + np.exp(y / 2) if np.isfinite(loss.domain.low) else y
    return y.ravel() if n_columns == 1 else y


def scores(loss, n_classes=4):
    """Rows of raw predictions from tiny to saturated, with targets."""
    rng = np.random.default_rng(7)
    scale = 10.0 ** rng.integers(-2, 4, size=(24, 1))
    raw = scale * rng.standard_normal((24, n_classes))
    if not loss.soft_targets:
        return rng.integers(0, n_classes, 24).astype(np.float64), raw
    y = rng.dirichlet(np.ones(n_classes), 24)
    y[:10] = np.eye(n_classes)[rng.integers(0, n_classes, 10)]
    return y, raw


def numpy_form(loss, y, raw):
    return loss.value(y, raw), loss.gradient(y, raw)


def kernel_form(loss, y, raw):
    kernel = compose_kernel(loss, adapter=None)
    run = kernels.evaluate_soft if loss.soft_targets and raw.ndim == 2 else kernels.evaluate
    return run(kernel, y, raw)


both_forms = pytest.mark.parametrize("form", [numpy_form, kernel_form])
