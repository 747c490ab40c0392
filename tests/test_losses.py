"""Every loss against independent definitions, in NumPy and compiled."""

import doctest
import functools
import importlib
import math
import pickle

import mpmath as mp
import numpy as np
import pytest
import scipy.special
import sklearn.metrics as metrics
from mpmath import mpf
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError

import sklgd.losses
from sklgd._kernels import adapters
from sklgd._kernels import losses as kernels
from sklgd._strategy import compose_kernel, resolve
from sklgd.losses import (
    LOSSES,
    AbsoluteError,
    AbsolutePercentageError,
    Cauchy,
    EpsilonInsensitive,
    Expectile,
    Exponential,
    Focal,
    Gamma,
    Hinge,
    Huber,
    Interval,
    LogCosh,
    LogLoss,
    Loss,
    ModifiedHuber,
    MulticlassHinge,
    NegativeBinomial,
    Perceptron,
    Poisson,
    Quantile,
    SmoothedAbsolute,
    SmoothedMargin,
    SmoothedPercentage,
    SmoothHinge,
    SmoothMulticlassHinge,
    SoftLogLoss,
    SquaredEpsilonInsensitive,
    SquaredError,
    SquaredHinge,
    SquaredLogError,
    Tweedie,
)
from sklgd.testing import check_loss

# a double as small as 1e-308 beside one of order 1 must not get lost
mp.mp.dps = 350

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


# The definitions, in mpmath.  Arguments are exact, so the oracle is free of rounding.


def softplus(x):
    return mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))


def xlogy(x, y):
    return x * mp.log(y) if x else mpf(0)


def margin(of):
    return lambda loss, y, raw: of(loss, (2 * y - 1) * raw)


def smoothed_ramp(x, width):
    if abs(x) < width:
        return (x + width) ** 2 / (4 * width)
    return max(x, mpf(0))


def tweedie(p, y, raw):
    p = mpf(p)
    if p == 1:
        return mp.exp(raw) - y * raw + xlogy(y, y) - y
    if p == 2:
        return y * mp.exp(-raw) + raw - mp.log(y) - 1
    left = mp.power(y, 2 - p) / ((1 - p) * (2 - p)) if y else mpf(0)
    return left - y * mp.exp((1 - p) * raw) / (1 - p) + mp.exp((2 - p) * raw) / (2 - p)


def negative_binomial(loss, y, raw):
    alpha = mpf(loss.dispersion)
    ratio = (1 + alpha * y) / (1 + alpha * mp.exp(raw))
    return xlogy(y, y) - y * raw - (y + 1 / alpha) * mp.log(ratio)


def log_loss(loss, y, raw):
    y = y * (1 - mpf(loss.label_smoothing)) + mpf(loss.label_smoothing) / 2
    return y * softplus(-raw) + (1 - y) * softplus(raw)


def percentage(y):
    return max(abs(y), mpf(2) ** -52)


def smoothed_absolute(loss, y, raw):
    over = smoothed_ramp(raw - y - loss.epsilon, mpf(loss.width))
    under = smoothed_ramp(y - raw - loss.epsilon, mpf(loss.width))
    return loss.over * over + loss.under * under


def smoothed_percentage(loss, y, raw):
    width = mpf(loss.width)
    return (smoothed_ramp(raw - y, width) + smoothed_ramp(y - raw, width)) / percentage(y)


def huber(loss, y, raw):
    delta, far = mpf(loss.delta), abs(raw - y)
    return far**2 / 2 if far <= delta else delta * far - delta**2 / 2


def smooth_hinge(loss, z):
    gamma = mpf(loss.gamma)
    if z >= 1:
        return mpf(0)
    return (1 - z) ** 2 / (2 * gamma) if z > 1 - gamma else 1 - z - gamma / 2


def modified_huber(loss, z):
    return max(0, 1 - z) ** 2 if z >= -1 else -4 * z


VALUES = {
    SquaredError: lambda loss, y, raw: (raw - y) ** 2 / 2,
    AbsoluteError: lambda loss, y, raw: abs(raw - y),
    Huber: huber,
    EpsilonInsensitive: lambda loss, y, raw: max(0, abs(raw - y) - loss.epsilon),
    SquaredEpsilonInsensitive: lambda loss, y, raw: max(0, abs(raw - y) - loss.epsilon) ** 2,
    Quantile: lambda loss, y, raw: max(loss.quantile * (y - raw), (1 - loss.quantile) * (raw - y)),
    Expectile: lambda loss, y, raw: abs(mpf(loss.expectile) - (y < raw)) * (raw - y) ** 2,
    LogCosh: lambda loss, y, raw: mp.log(mp.cosh(raw - y)),
    Cauchy: lambda loss, y, raw: mpf(loss.scale) ** 2 / 2 * mp.log1p(((raw - y) / loss.scale) ** 2),
    SquaredLogError: lambda loss, y, raw: (raw - mp.log1p(y)) ** 2 / 2,
    AbsolutePercentageError: lambda loss, y, raw: abs(raw - y) / percentage(y),
    Poisson: lambda loss, y, raw: tweedie(1, y, raw),
    Gamma: lambda loss, y, raw: tweedie(2, y, raw),
    Tweedie: lambda loss, y, raw: tweedie(loss.power, y, raw),
    NegativeBinomial: negative_binomial,
    LogLoss: log_loss,
    SoftLogLoss: log_loss,
    Hinge: margin(lambda loss, z: max(0, 1 - z)),
    SquaredHinge: margin(lambda loss, z: max(0, 1 - z) ** 2),
    SmoothHinge: margin(smooth_hinge),
    ModifiedHuber: margin(modified_huber),
    Perceptron: margin(lambda loss, z: max(0, -z)),
    Exponential: margin(lambda loss, z: mp.exp(-z)),
    Focal: margin(lambda loss, z: (1 + mp.exp(z)) ** -mpf(loss.gamma) * softplus(-z)),
    MulticlassHinge: margin(lambda loss, z: max(0, 1 - z)),
    SmoothedAbsolute: smoothed_absolute,
    SmoothedPercentage: smoothed_percentage,
    SmoothedMargin: margin(lambda loss, z: smoothed_ramp(mpf(loss.margin) - z, mpf(loss.width))),
    SmoothMulticlassHinge: margin(lambda loss, z: loss.width * softplus((1 - z) / loss.width)),
}


def entropy(y, raw):
    """-log softmax(raw)[y], as log(1 + the other classes)."""
    return mp.log1p(mp.fsum(mp.exp(r - raw[y]) for j, r in enumerate(raw) if j != y))


def smoothed_entropy(loss, y, raw):
    s, k = mpf(loss.label_smoothing), len(raw)
    if not loss.soft_targets:
        y = [mpf(j == y) for j in range(k)]
    return mp.fsum(((1 - s) * y[j] + s / k) * entropy(j, raw) for j in range(k))


def focal(loss, y, raw):
    value = entropy(y, raw)
    return (-mp.expm1(-value)) ** mpf(loss.gamma) * value


def demanding(loss, y, raw):
    scores = [(r + (j != y)) / mpf(loss.width) for j, r in enumerate(raw)]
    return loss.width * entropy(y, scores)


JOINT_VALUES = {
    LogLoss: smoothed_entropy,
    SoftLogLoss: smoothed_entropy,
    Focal: focal,
    MulticlassHinge: lambda loss, y, raw: max(
        0, 1 + max(r for j, r in enumerate(raw) if j != y) - raw[y]
    ),
    SmoothMulticlassHinge: demanding,
}


def test_oracles_cover_the_registry():
    assert set(LOSSES.values()) <= set(VALUES)
    assert {type(loss) for loss in CASES} == set(VALUES)
    assert {type(loss) for loss in JOINT} == set(JOINT_VALUES)
    public = {getattr(sklgd.losses, name) for name in sklgd.losses.__all__ if name != "LOSSES"}
    assert public == {*VALUES, Loss, Interval}


# Points

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


def numpy_hessian(loss, y, raw):
    return loss.hessian(y, raw)


def kernel_hessian(loss, y, raw):
    kernel = compose_kernel(loss, adapters.PyLoss)
    soft = loss.soft_targets and raw.ndim == 2
    return (kernels.hessian_soft if soft else kernels.hessian)(kernel, y, raw)


both_hessians = pytest.mark.parametrize("form", [numpy_hessian, kernel_hessian])


@functools.cache
def oracle(case):
    """Return exact values and gradients at the points of the grid."""
    loss = CASES[case]
    of = VALUES[type(loss)]
    points = [(mpf(t), mpf(r)) for t, r in zip(*grid(loss), strict=True)]
    values = [of(loss, t, r) for t, r in points]
    return values, [mp.diff(lambda r, t=t: of(loss, t, r), r) for t, r in points]


@functools.cache
def joint_oracle(case):
    loss = CASES[case]
    of = JOINT_VALUES[type(loss)]
    y, raw = scores(loss)
    targets = [[mpf(p) for p in row] for row in y] if loss.soft_targets else y.astype(int).tolist()
    rows = [[mpf(r) for r in row] for row in raw]
    values = [of(loss, t, row) for t, row in zip(targets, rows, strict=True)]

    def slope(t, row, j):
        return mp.diff(lambda r: of(loss, t, [*row[:j], r, *row[j + 1 :]]), row[j])

    pairs = zip(targets, rows, strict=True)
    return values, [slope(t, row, j) for t, row in pairs for j in range(len(row))]


def assert_exact(got, exact, rtol, where, atol=0):
    """Compare floats with mpmath numbers; overflow must be overflow."""
    for found, true, *place in zip(got, exact, *where, strict=True):
        if abs(true) > mpf(np.finfo(float).max):
            assert found == math.copysign(math.inf, true), place
        else:
            # below the normal range, precision is absolute
            slack = rtol * abs(true) + atol + mpf(2.3e-308)
            assert abs(mpf(float(found)) - true) <= slack, (float(found), float(true), place)


# Values and gradients


@each
@both_forms
@pytest.mark.filterwarnings("error")
def test_value_and_gradient_are_exact(loss, form):
    y, raw = grid(loss)
    value, gradient = form(loss, y, raw)
    exact, slopes = oracle(CASES.index(loss))
    assert_exact(value, exact, 1e-12, (y, raw))
    assert_exact(gradient, slopes, 1e-12, (y, raw))


@each_joint
@both_forms
@pytest.mark.filterwarnings("error")
def test_joint_value_and_gradient_are_exact(loss, form):
    y, raw = scores(loss)
    value, gradient = form(loss, y, raw)
    exact, slopes = joint_oracle(CASES.index(loss))
    assert_exact(value, exact, 1e-12, (y,))
    # smoothing and soft targets subtract numbers of the size of the target
    soft = getattr(loss, "label_smoothing", 0) or loss.soft_targets
    assert_exact(gradient.ravel(), slopes, 1e-12, (np.arange(raw.size),), 1e-15 if soft else 0)


@each
def test_kernel_equals_numpy(loss):
    raws = [-1000, -700, -30, -2, -1, -0.5, -0.1, 0, 0.1, 0.5, 1, 2, 3, 30, 700, 1000]
    y, raw = grid(loss, raws)
    for mine, compiled in zip(numpy_form(loss, y, raw), kernel_form(loss, y, raw), strict=True):
        with np.errstate(invalid="ignore"):
            gap = np.abs(mine - compiled) / np.maximum(1, np.abs(mine))
        same = (mine == compiled) | (gap <= 1e-12)
        assert same.all(), (y[~same], raw[~same], mine[~same], compiled[~same])


@each_joint
def test_joint_kernel_equals_numpy(loss):
    y, raw = scores(loss)
    raw[0], raw[1] = 0.0, [700.0, 700.0, -700.0, 0.0]
    for mine, compiled in zip(numpy_form(loss, y, raw), kernel_form(loss, y, raw), strict=True):
        np.testing.assert_allclose(compiled, mine, rtol=1e-12, atol=1e-12)


SMOOTH = [loss for loss in CASES if loss.smooth]
each_smooth = pytest.mark.parametrize("loss", SMOOTH, ids=repr)


@each
def test_every_smooth_loss_has_a_hessian(loss):
    assert loss.has_hessian == loss.smooth
    if not loss.smooth:
        with pytest.raises(NotImplementedError, match="has no hessian"):
            loss.hessian(*grid(loss))


@each_smooth
@both_hessians
@pytest.mark.filterwarnings("error")
def test_hessian_is_exact(loss, form):
    y, raw = grid(loss, [raw for raw in RAWS if abs(raw) < 100])
    exact = second_derivatives(CASES.index(loss), tuple(zip(y.tolist(), raw.tolist(), strict=True)))
    # terms of both signs, where the loss is not convex
    atol = 1e-15 if isinstance(loss, Cauchy | Focal | Tweedie) else 1e-60
    assert_exact(form(loss, y, raw), exact, 1e-11, (y, raw), atol)


@functools.cache
def second_derivatives(case, points):
    loss = CASES[case]
    of = VALUES[type(loss)]
    with mp.workdps(80):
        return [mp.diff(lambda r, t=t: of(loss, mpf(t), r), mpf(r), 2) for t, r in points]


@pytest.mark.parametrize("loss", [loss for loss in JOINT if loss.smooth], ids=repr)
@both_hessians
def test_joint_hessian_is_the_slope_of_the_gradient(loss, form):
    y, raw = scores(loss)
    raw = np.clip(raw, -4.0, 4.0) * getattr(loss, "width", 1.0)
    h, k = 1e-6 * getattr(loss, "width", 1.0), raw.shape[1]
    columns = [loss.gradient(y, raw + h * e) - loss.gradient(y, raw - h * e) for e in np.eye(k)]
    slopes = np.stack(columns, axis=-1) / (2 * h)
    found = form(loss, y, raw)
    np.testing.assert_allclose(found, slopes, rtol=1e-6, atol=1e-8 / getattr(loss, "width", 1.0))
    np.testing.assert_allclose(found.sum(axis=2), 0, atol=1e-12 / getattr(loss, "width", 1.0))


@each_smooth
@pytest.mark.filterwarnings("ignore:overflow|invalid value:RuntimeWarning")
def test_kernel_hessian_equals_numpy(loss):
    raws = [-1000, -700, -30, -2, -1, -0.5, -0.1, 0, 0.1, 0.5, 1, 2, 3, 30, 700, 1000]
    cases = [grid(loss, raws)]
    if loss.joint:
        y, raw = scores(loss)
        raw[0], raw[1] = 0.0, [700.0, 700.0, -700.0, 0.0]
        cases.append((y, raw))
    for y, raw in cases:
        mine, compiled = numpy_hessian(loss, y, raw), kernel_hessian(loss, y, raw)
        assert not np.isnan(mine).any()
        np.testing.assert_allclose(compiled, mine, rtol=1e-12, atol=1e-12 * (loss.curvature or 1))


@each
@both_forms
def test_nan_comes_through(loss, form):
    # a model that has diverged must not look perfect
    y = np.array(targets(loss))
    value, _ = form(loss, y, np.full(y.shape, np.nan))
    assert np.isnan(value).all()


@each
def test_gradient_is_the_slope_of_the_value(loss):
    y, raw = grid(loss, [-3.7, -1.3, -0.6, 0.17, 0.77, 2.43])
    h = 1e-6
    slope = (loss.value(y, raw + h) - loss.value(y, raw - h)) / (2 * h)
    size = np.maximum(1, np.abs(loss.value(y, raw)))
    assert np.all(np.abs(slope - loss.gradient(y, raw)) <= 1e-8 * size * np.maximum(1, abs(slope)))


@each
def test_shapes_follow_the_inputs(loss):
    y, raw = grid(loss)
    y, raw = y[: 2 * (len(y) // 2)], raw[: 2 * (len(raw) // 2)]
    value, gradient = numpy_form(loss, y, raw)
    assert value.shape == gradient.shape == raw.shape
    assert loss.predict(raw).shape == raw.shape
    if not loss.soft_targets:
        pair = numpy_form(loss, y.reshape(-1, 2), raw.reshape(-1, 2))
        np.testing.assert_array_equal(pair, np.reshape([value, gradient], (2, -1, 2)))


def metric_of_rows(metric, y, prediction, **options):
    return [metric([t], [p], **options) for t, p in zip(y, prediction, strict=True)]


METRICS = [
    (SquaredError(), metrics.mean_squared_error, {}, 0.5),
    (AbsoluteError(), metrics.mean_absolute_error, {}, 1),
    (Quantile(quantile=0.8), metrics.mean_pinball_loss, {"alpha": 0.8}, 1),
    (SquaredLogError(), metrics.mean_squared_log_error, {}, 0.5),
    (AbsolutePercentageError(), metrics.mean_absolute_percentage_error, {}, 1),
    (Poisson(), metrics.mean_poisson_deviance, {}, 0.5),
    (Gamma(), metrics.mean_gamma_deviance, {}, 0.5),
    (Tweedie(power=1.3), metrics.mean_tweedie_deviance, {"power": 1.3}, 0.5),
    (Tweedie(power=3), metrics.mean_tweedie_deviance, {"power": 3}, 0.5),
]


@pytest.mark.parametrize("loss, metric, options, share", METRICS, ids=lambda x: repr(x)[:30])
def test_value_is_the_metric_of_the_prediction(loss, metric, options, share):
    y, raw = np.array([0.5, 1.0, 3.0, 7.0]), np.array([0.3, 0.01, 1.5, 1.8])
    expected = share * np.array(metric_of_rows(metric, y, loss.predict(raw), **options))
    np.testing.assert_allclose(loss.value(y, raw), expected, rtol=1e-11, atol=1e-13)


def test_joint_losses_match_the_metrics_of_scikit_learn():
    y, raw = scores(LogLoss())
    raw = raw[:, :3] / np.abs(raw).max()
    y = y % 3
    np.testing.assert_allclose(
        LogLoss().value(y, raw).mean(),
        metrics.log_loss(y, scipy.special.softmax(raw, axis=1), labels=[0, 1, 2]),
    )
    np.testing.assert_allclose(
        MulticlassHinge().value(y, raw).mean(), metrics.hinge_loss(y, raw, labels=[0, 1, 2])
    )


@pytest.mark.parametrize(
    "loss, y",
    [
        (Poisson(), 1e6),
        (Gamma(), 1e-3),
        (Tweedie(power=1.5), 1e6),
        (Tweedie(power=1.0001), 12.0),
        (NegativeBinomial(dispersion=2.0), 1e6),
        (NegativeBinomial(dispersion=1e-6), 3.0),
    ],
    ids=repr,
)
@both_forms
def test_deviances_do_not_cancel_near_the_optimum(loss, y, form):
    best = math.log(y)
    raw = best + np.array([-0.1, -1e-4, 0.0, 1e-4, 0.1])
    value, gradient = form(loss, np.full(5, y), raw)
    of = VALUES[type(loss)]
    exact = np.array([float(of(loss, mpf(y), mpf(r))) for r in raw])
    assert (value >= 0).all()
    assert (gradient[:2] < 0).all() and (gradient[3:] > 0).all()
    np.testing.assert_allclose(value, exact, rtol=1e-9, atol=1e-25 * y)


def test_special_cases_are_equal():
    y, raw = np.array([0.5, 1.0, 3.0]), np.array([-0.3, 2.0, 1.0])
    for one, other in [
        (Expectile(expectile=0.5), SquaredError()),
        (Tweedie(power=1), Poisson()),
        (Tweedie(power=2), Gamma()),
        (SmoothedAbsolute(width=1e-9), AbsoluteError()),
        (Focal(gamma=0), LogLoss()),
    ]:
        if one.task == "classification":
            y = np.array([0.0, 1.0, 1.0])
        pairs = zip(numpy_form(one, y, raw), numpy_form(other, y, raw), strict=True)
        for left, right in pairs:
            np.testing.assert_allclose(left, right, rtol=1e-13)


# loss, y, raw, value, gradient
KINKS = [
    (AbsoluteError(), 2, 2, 0, 0),
    (Huber(delta=1.0), 0, 1, 0.5, 1),
    (Huber(delta=1.0), 0, -1, 0.5, -1),
    (EpsilonInsensitive(epsilon=0.5), 0, 0.5, 0, 0),
    (EpsilonInsensitive(epsilon=0.5), 0, -0.5, 0, 0),
    (EpsilonInsensitive(epsilon=0.0), 1, 1, 0, 0),
    (SquaredEpsilonInsensitive(epsilon=0.5), 0, 0.5, 0, 0),
    (Quantile(quantile=0.7), 1, 1, 0, 0),
    (Expectile(expectile=0.7), 1, 1, 0, 0),
    (AbsolutePercentageError(), 2, 2, 0, 0),
    (AbsolutePercentageError(), 0, 0, 0, 0),
    (Hinge(), 1, 1, 0, -1),
    (Hinge(), 0, -1, 0, 1),
    (MulticlassHinge(), 1, 1, 0, -1),
    (SquaredHinge(), 1, 1, 0, 0),
    (SmoothHinge(gamma=0.5), 1, 1, 0, 0),
    (SmoothHinge(gamma=0.5), 1, 0.5, 0.25, -1),
    (ModifiedHuber(), 1, -1, 4, -4),
    (ModifiedHuber(), 0, -1, 0, 0),
    (Perceptron(), 1, 0, 0, -1),
    (Perceptron(), 0, 0, 0, 1),
    (SmoothedMargin(width=0.5, margin=0.0), 1, 0.5, 0, 0),
    (SmoothedMargin(width=0.5), 1, 0.5, 0.5, -1),
]


@pytest.mark.parametrize("loss, y, raw, value, gradient", KINKS, ids=str)
@both_forms
def test_subgradients_at_kinks(loss, y, raw, value, gradient, form):
    found = form(loss, np.array([y], dtype=float), np.array([raw], dtype=float))
    assert (found[0][0], found[1][0]) == (value, gradient)


@both_forms
def test_multiclass_hinge_at_its_kinks(form):
    y = np.array([0.0, 1.0, 2.0])
    raw = np.array([[1.0, 0.0, -3.0], [2.0, 0.0, 2.0], [0.0, 0.0, 1.5]])
    value, gradient = form(MulticlassHinge(), y, raw)
    np.testing.assert_array_equal(value, [0, 3, 0])
    np.testing.assert_array_equal(gradient, [[-1, 1, 0], [1, -1, 0], [0, 0, 0]])


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_label_smoothing_mixes_the_target_with_the_uniform(n_classes):
    smoothing = 0.15
    loss = LogLoss(label_smoothing=smoothing)
    rng = np.random.default_rng(0)
    raw, y = rng.standard_normal((8, n_classes)), rng.integers(0, n_classes, 8)
    target = (1 - smoothing) * np.eye(n_classes)[y] + smoothing / n_classes
    logs = scipy.special.log_softmax(raw, axis=1)
    np.testing.assert_allclose(loss.value(y, raw), -(target * logs).sum(axis=1))
    np.testing.assert_allclose(loss.gradient(y, raw), np.exp(logs) - target, atol=1e-15)
    np.testing.assert_allclose(loss.soft().value(np.eye(n_classes)[y], raw), loss.value(y, raw))
    if n_classes == 2:
        # the binary form is the softmax of (0, raw)
        np.testing.assert_allclose(
            loss.value(y.astype(float), raw[:, 1] - raw[:, 0]), loss.value(y, raw)
        )


# Domains and predictions


@each
def test_check_targets_at_the_ends_of_the_domain(loss):
    domain = loss.domain
    inside = np.nextafter(domain.low, np.inf), np.nextafter(domain.high, -np.inf)
    loss.check_targets(np.array([0.5, *np.clip(inside, -1e300, 1e300)]))
    for end, inclusive in [
        (domain.low, domain.low_inclusive),
        (domain.high, domain.high_inclusive),
    ]:
        if inclusive:
            loss.check_targets(np.array([0.5, end]))
        else:
            with pytest.raises(ValueError, match="out of the valid range"):
                loss.check_targets(np.array([0.5, end]))
    with pytest.raises(ValueError, match="in row 1"):
        loss.check_targets(np.array([0.5, np.nan]))


def test_check_targets_says_what_where_and_what_is_allowed():
    with pytest.raises(ValueError) as error:
        Poisson().check_targets(np.array([[0.0, 1.0], [2.0, -3.5], [-1.0, 0.0]]))
    message = str(error.value)
    for part in ("Poisson()", "[0, inf)", "-3.5", "row 1"):
        assert part in message
    with pytest.raises(ValueError, match=r"Tweedie\(power=2\).*\(0, inf\).*0\.0 in row 2"):
        Tweedie(power=2).check_targets(np.array([1.0, 2.0, 0.0]))


@pytest.mark.parametrize(
    "interval, text",
    [
        (Interval(), "(-inf, inf)"),
        (Interval(0, low_inclusive=True), "[0, inf)"),
        (Interval(-1.5, 2, high_inclusive=True), "(-1.5, 2]"),
    ],
)
def test_interval(interval, text):
    assert str(interval) == text
    ends = interval.includes([interval.low, interval.high, np.nan])
    assert ends.tolist() == [interval.low_inclusive, interval.high_inclusive, False]


@pytest.mark.filterwarnings("error")
def test_predict_inverts_the_link():
    raw = np.array([-1000.0, 0.0, 2.0, 1000.0])
    for loss in CASES:
        expected = raw
        if loss.domain.low == 0 and loss.task == "regression":
            expected = [0.0, 1.0, math.exp(2), np.inf]
        elif isinstance(loss, SquaredLogError):
            expected = [-1.0, 0.0, math.expm1(2), np.inf]
        np.testing.assert_allclose(loss.predict(raw), expected, rtol=1e-15)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "loss", [loss for loss in CASES if hasattr(loss, "predict_proba")], ids=repr
)
def test_predict_proba(loss):
    rng = np.random.default_rng(0)
    for scale in (1.0, 30.0, 2000.0):
        raw = scale * rng.standard_normal(50)
        proba = loss.predict_proba(raw)
        assert proba.shape == (50, 2)
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-15)
        assert np.array_equal(proba[:, 1] > 0.5, raw > 0)
        np.testing.assert_array_equal(loss.predict_proba(raw[:, None]), proba)
        raw = scale * rng.standard_normal((50, 4))
        proba = loss.predict_proba(raw)
        assert proba.shape == raw.shape
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-14)
        top = np.take_along_axis(proba, raw.argmax(axis=1)[:, None], axis=1)
        assert np.array_equal(top[:, 0], proba.max(axis=1))


def test_only_losses_with_a_probability_predict_one():
    having = {name for name, cls in LOSSES.items() if hasattr(cls, "predict_proba")}
    assert having == {"log_loss", "focal", "modified_huber", "exponential"}


def test_probabilities_are_those_of_the_link():
    raw = np.array([-0.5, 0.25])
    up = np.exp(raw) / (1 + np.exp(raw))
    np.testing.assert_allclose(LogLoss().predict_proba(raw)[:, 1], up)
    np.testing.assert_allclose(Focal().predict_proba(raw)[:, 1], up)
    np.testing.assert_allclose(ModifiedHuber().predict_proba(raw)[:, 1], [0.25, 0.625])
    # the minimiser of the expected exponential loss is log(p / (1 - p)) / 2
    p = Exponential().predict_proba(raw)[:, 1]
    np.testing.assert_allclose(np.log(p / (1 - p)) / 2, raw)
    # one versus rest, far from every class: still a distribution
    far = np.array([[-1000.0, -1001.0, -3000.0]])
    odds = LogLoss(multi_class="ovr").predict_proba(far)
    np.testing.assert_allclose(odds, scipy.special.softmax(far, axis=1))
    np.testing.assert_allclose(ModifiedHuber().predict_proba(far), 1 / 3)


def test_n_raw():
    for loss in CASES:
        expected = [1, 1, 3] if loss.task == "classification" else [1, 2, 3]
        assert [loss.n_raw(n) for n in (1, 2, 3)] == expected


# Smoothness


@each
def test_curvature_bounds_the_second_derivative(loss):
    if loss.curvature is None:
        return
    assert loss.smooth
    raw = np.linspace(-3, 3, 4001)
    y = np.repeat(targets(loss), len(raw)).reshape(-1, len(raw))
    bend = np.array([np.diff(loss.gradient(row, raw)) for row in y]) / np.diff(raw)
    assert np.abs(bend).max() <= loss.curvature * (1 + 1e-9)
    # and is not idle
    assert np.abs(bend).max() >= 0.9 * loss.curvature


@each_joint
def test_joint_curvature_bounds_the_hessian(loss):
    if loss.joint_curvature is None:
        return
    y, raw = scores(loss)
    raw[:] = 0.0
    raw[:, 2:] = -9.0 * getattr(loss, "width", 1.0)
    h, k = 1e-5, raw.shape[1]
    columns = [loss.gradient(y, raw + h * e) - loss.gradient(y, raw - h * e) for e in np.eye(k)]
    hessian = np.stack(columns, axis=-1) / (2 * h)
    largest = np.linalg.eigvalsh(hessian).max()
    assert largest <= loss.joint_curvature * (1 + 1e-6)


@each
def test_smoothed_converges(loss):
    close = loss.smoothed(0.5)
    if close is None:
        assert loss.smooth
        return
    raw = np.linspace(-3, 3, 1201)
    for width in (0.5, 1e-2, 1e-4):
        close = loss.smoothed(width)
        if close is None:  # it bends no sooner than that itself
            assert loss.smooth
            return
        close.validate()
        assert close.smooth
        assert close.task == loss.task and close.joint == loss.joint
        for y in targets(loss):
            y = np.full_like(raw, y)
            exact = loss.value(y, raw)
            gap = np.abs(close.value(y, raw) - exact)
            size = np.abs(y) if isinstance(close, SmoothedPercentage) else 1.0
            assert np.all(gap * np.maximum(size, np.finfo(float).eps) <= width + 1e-12 * exact)
    if loss.joint:
        y, raw = scores(loss)
        gap = loss.smoothed(1e-3).value(y, raw) - loss.value(y, raw)
        assert np.all((gap >= -1e-12) & (gap <= 1e-3 * math.log(raw.shape[1]) + 1e-12))


# Strategies


@each
def test_a_loss_is_a_value(loss):
    copies = clone(loss), pickle.loads(pickle.dumps(loss))
    for twin in copies:
        assert twin == loss and twin is not loss and hash(twin) == hash(loss)
    assert repr(loss).startswith(type(loss).__name__ + "(")
    assert loss.validate() is loss
    for name in loss.get_params():
        if isinstance(getattr(loss, name), float):
            assert clone(loss).set_params(**{name: getattr(loss, name) / 2 + 0.01}) != loss


@pytest.mark.parametrize(
    "loss",
    [
        Huber(delta=0),
        EpsilonInsensitive(epsilon=-0.1),
        Quantile(quantile=1.0),
        Expectile(expectile=0),
        Cauchy(scale=0),
        Tweedie(power=0.5),
        Tweedie(power=3.5),
        NegativeBinomial(dispersion=0),
        LogLoss(label_smoothing=1.0),
        LogLoss(multi_class="softmax"),
        SmoothHinge(gamma=0),
        Focal(gamma=-1),
        SmoothedAbsolute(width=0),
    ],
    ids=repr,
)
def test_parameters_are_validated(loss):
    with pytest.raises(InvalidParameterError, match=type(loss).__name__):
        loss.validate()


@pytest.mark.parametrize("name", LOSSES)
def test_a_string_takes_its_parameters_from_the_estimator(name):
    filled = {
        "huber": Huber(delta=0.25),
        "epsilon_insensitive": EpsilonInsensitive(epsilon=0.25),
        "squared_epsilon_insensitive": SquaredEpsilonInsensitive(epsilon=0.25),
    }
    params = {"epsilon": 0.25}
    loss = resolve(name, LOSSES, Loss, parameter="loss", owner="an estimator", params=params)
    assert loss == filled.get(name, LOSSES[name]())


def test_an_overriding_subclass_does_not_inherit_the_kernel():
    class Halved(Huber):
        def gradient(self, y, raw):
            return 0.5 * super().gradient(y, raw)

    def adapter(loss):
        return "adapter", loss

    loss = Halved(delta=2.0)
    assert compose_kernel(loss, adapter) == ("adapter", loss)
    assert compose_kernel(Huber(), adapter).__class__.__name__ == "HuberKernel"


@each
def test_docstrings_say_what_a_reader_needs(loss):
    text = type(loss).__doc__
    for part in (".. math::", "References\n", "Examples\n", "arget"):
        assert part in text, part
    if loss.get_params():
        assert "Parameters\n" in text
    if not loss.smooth:
        assert "subgradient" in text


@pytest.mark.parametrize(
    "name",
    [
        "losses.base",
        "losses.entropy",
        "losses.margins",
        "losses.positive",
        "losses.regression",
        "testing.losses",
    ],
)
def test_examples_run(name):
    module = importlib.import_module(f"sklgd.{name}")
    failed, tried = doctest.testmod(module)
    assert tried and not failed


# The public checker


@each
@pytest.mark.filterwarnings("error")
def test_every_loss_passes_the_checker(loss):
    check_loss(loss)


class Quartic(Loss):
    def __init__(self, scale=1.0):
        self.scale = scale

    def value(self, y, raw):
        return self.scale * (raw - y) ** 4 / 4

    def gradient(self, y, raw):
        return self.scale * (raw - y) ** 3


class Rates(Loss):
    """Targets in a half-open interval of its own, with a kink at raw == y."""

    domain = Interval(-2, 5, low_inclusive=True)

    def value(self, y, raw):
        return np.log(y + 3) * np.abs(raw - y)

    def gradient(self, y, raw):
        return np.log(y + 3) * np.sign(raw - y)


class Brier(Loss):
    """Joint only: no form for one score."""

    joint = True

    def value(self, y, raw):
        return ((raw - np.eye(raw.shape[1])[y]) ** 2).sum(axis=1)

    def gradient(self, y, raw):
        return 2 * (raw - np.eye(raw.shape[1])[y])


@pytest.mark.parametrize("loss", [Quartic(), Quartic(scale=3.0), Rates(), Brier()], ids=repr)
def test_the_checker_accepts_a_sound_loss_of_ones_own(loss):
    check_loss(loss)


class WrongFactor(Quartic):
    def gradient(self, y, raw):
        return 4 * self.scale * (raw - y) ** 3


class WrongOnOneSide(Huber):
    def gradient(self, y, raw):
        return np.where(raw - y > self.delta, 1.01, 1) * super().gradient(y, raw)


class WrongColumn(Brier):
    def gradient(self, y, raw):
        gradient = super().gradient(y, raw)
        gradient[:, 2] = 0
        return gradient


class Mean(Quartic):
    def value(self, y, raw):
        return np.mean(super().value(y, raw))


class DividedByRows(Quartic):
    def value(self, y, raw):
        return super().value(y, raw) / len(raw)

    def gradient(self, y, raw):
        return super().gradient(y, raw) / len(raw)


class FlatOnly(Quartic):
    def value(self, y, raw):
        return super().value(y, raw) * np.where(np.ndim(raw) == 2, 2, 1)


class Infinite(SquaredError):
    def value(self, y, raw):
        return np.where(raw > 1, np.inf, super().value(y, raw))


class OverflowsToNaN(LogLoss):
    def value(self, y, raw):
        return np.log(1 + np.exp(raw)) - y * raw

    def gradient(self, y, raw):
        return np.exp(raw) / (1 + np.exp(raw)) - y

    joint = False


class InPlace(Quartic):
    def gradient(self, y, raw):
        raw -= y
        return self.scale * raw**3


class Remembers(Quartic):
    def value(self, y, raw):
        self.last_ = raw
        return super().value(y, raw)


class Counts(Quartic):
    def __init__(self, scale=1.0):
        self.scale = scale
        self.calls = []

    def gradient(self, y, raw):
        self.calls.append(len(raw))
        return super().gradient(y, raw)


class Noisy(Quartic):
    def value(self, y, raw):
        return super().value(y, raw) + np.random.default_rng().random(raw.shape)


class ChangesParameter(Quartic):
    def __init__(self, scale=1.0):
        self.scale = 2 * scale


class Unpicklable(Quartic):
    def __reduce__(self):
        raise TypeError("no")


class TooFlat(SquaredError):
    curvature = 0.5


class OneColumn(LogLoss):
    def predict_proba(self, raw):
        return scipy.special.expit(raw)


class Unnormalised(LogLoss):
    def predict_proba(self, raw):
        return 0.9 * super().predict_proba(raw)


@pytest.mark.parametrize(
    "loss, message",
    [
        (Huber, r"pass an instance, not the class"),
        ("huber", r"must be an instance of sklgd.losses.Loss, got 'huber'"),
        (WrongFactor(), r"WrongFactor\(\).gradient is .* at y = .*, raw = .*differences .* give"),
        (WrongOnOneSide(delta=0.5), r"WrongOnOneSide\(delta=0.5\).gradient is 0.505 .* give 0.5"),
        (WrongColumn(), r"gradient is 0 .* column 2"),
        (Mean(), r"value must return shape \(60,\) .* returned shape \(\)"),
        (DividedByRows(), r"value must treat rows alone, without a mean"),
        (FlatOnly(), r"value must work entry by entry"),
        (Infinite(), r"value is inf at y = .*, raw = .*; it must be finite"),
        (OverflowsToNaN(), r"gradient is NaN at y = .*, raw = 1000"),
        (InPlace(), r"InPlace.gradient writes to an argument that it may only read"),
        (Remembers(), r"not stateless: .*\['last_'\]"),
        (Counts(), r"not stateless: .*\['calls'\]"),
        (Noisy(), r"two results for the same inputs"),
        (TooFlat(), r"curvature is 0.5, but the second derivative is 1"),
        (Unpicklable(), r"cannot be pickled: no"),
        (OneColumn(), r"predict_proba must return shape \(20, 2\)"),
        (Unnormalised(), r"rows that sum to one, but the sums lie between 0.8999"),
    ],
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_the_checker_says_what_is_wrong(loss, message):
    with pytest.raises(AssertionError, match=message):
        check_loss(loss)


def test_the_checker_finds_a_constructor_that_changes_its_parameters():
    with pytest.raises(AssertionError, match=r"ChangesParameter cannot be cloned"):
        check_loss(ChangesParameter())
