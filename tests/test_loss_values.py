"""Values and derivatives of every loss against definitions in mpmath, in NumPy and compiled."""

import functools
import math

import mpmath as mp
import numpy as np
import pytest
from mpmath import mpf

import sklgd.losses
from loss_cases import (
    CASES,
    JOINT,
    RAWS,
    both_forms,
    each,
    each_joint,
    grid,
    kernel_form,
    numpy_form,
    scores,
    targets,
)
from sklgd._kernels import adapters
from sklgd._kernels import losses as kernels
from sklgd._strategy import compose_kernel
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

# a double as small as 1e-308 beside one of order 1 must not get lost
mp.mp.dps = 350


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
