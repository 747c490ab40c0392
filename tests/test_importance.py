"""Importance-aware steps: along the loss, not along its gradient at the start."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import solve_ivp
from sklearn.base import clone

from loss_cases import kernel_of
from sklgd import GDClassifier, GDRegressor
from sklgd._kernels import adapters
from sklgd._kernels import losses as kernels
from sklgd._strategy import compose_kernel
from sklgd.losses import (
    LOSSES,
    AbsoluteError,
    EpsilonInsensitive,
    Hinge,
    Huber,
    LogLoss,
    MulticlassHinge,
    Quantile,
    SquaredError,
    SquaredHinge,
)
from sklgd.optimizers import Adam, Clipped, NormalizedAdaGrad, lr_range_test

FOLLOWED = [loss for loss in (cls() for cls in LOSSES.values()) if kernel_of(loss).flows]
VARIANTS = [EpsilonInsensitive(0.5), Quantile(0.9), LogLoss(label_smoothing=0.1)]
TIMES = 1e-9, 1e-3, 0.3, 1.0, 50.0, 1e6
each_loss = pytest.mark.parametrize("loss", [*FOLLOWED, *VARIANTS], ids=repr)


def points(loss):
    """Targets and raw predictions, some of them far out."""
    rng = np.random.default_rng(0)
    classifies = loss.task == "classification"
    y = rng.integers(0, 2, 60).astype(float) if classifies else rng.standard_normal(60)
    raw = 3.0 * rng.standard_normal(60)
    raw[-8:] = -40.0, -40.0, -5.0, -5.0, 5.0, 5.0, 40.0, 40.0
    return y, raw


def test_these_losses_are_followed():
    assert {type(loss) for loss in FOLLOWED} == {
        *(SquaredError, AbsoluteError, Quantile, EpsilonInsensitive),
        *(Hinge, SquaredHinge, MulticlassHinge, LogLoss),
    }


def test_soft_targets_are_followed_too():
    y, raw = np.linspace(0.01, 0.99, 60), points(LogLoss())[1]
    for time in (0.1, 3.0):
        found = LogLoss().flow_slope(y, raw, time)
        assert_allclose(raw - time * found, end_of_flow(LogLoss(), y, raw, time), atol=1e-8)


def end_of_flow(loss, y, raw, time):
    """Integrate dr/dt = -slope: a solver of high order where it is smooth, else tiny steps."""
    if loss.smooth:
        options = {"method": "LSODA", "rtol": 1e-11, "atol": 1e-12}
        rows = zip(y, raw, strict=True)
        ends = [
            solve_ivp(lambda _, r, t=t: -loss.gradient(np.array([t]), r), (0, time), [r], **options)
            for t, r in rows
        ]
        return np.array([end.y[0, -1] for end in ends])
    raw, n_steps = raw.copy(), 20_000
    for _ in range(n_steps):
        raw -= time / n_steps * loss.gradient(y, raw)
    return raw


@each_loss
@pytest.mark.parametrize("time", [0.01, 0.5, 4.0])
def test_flow_slope_is_that_of_endless_small_steps(loss, time):
    y, raw = points(loss)
    found = raw - time * loss.flow_slope(y, raw, time)
    tolerance = 1e-8 if loss.smooth else 2 * time / 20_000
    assert_allclose(found, end_of_flow(loss, y, raw, time), rtol=0, atol=tolerance)


@each_loss
def test_flow_never_passes_the_minimum(loss):
    y, raw = points(loss)
    before = loss.gradient(y, raw)
    for time in TIMES:
        slope = loss.flow_slope(y, raw, time)
        # at the minimum itself the sign is rounding's
        after = loss.gradient(y, raw - time * slope * (1 - 1e-12))
        assert np.all(after * before >= -1e-12)
        assert np.all(np.abs(slope) <= np.abs(before) * (1 + 1e-12))


@each_loss
def test_flow_starts_with_the_gradient(loss):
    y, raw = points(loss)
    assert_allclose(loss.flow_slope(y, raw, 1e-9), loss.gradient(y, raw), rtol=1e-7, atol=1e-300)


@each_loss
def test_kernel_equals_numpy(loss):
    y, raw = points(loss)
    kernel = compose_kernel(loss, adapters.PyLoss)
    for time in TIMES:
        found = kernels.flow_slope(kernel, y, raw, time)
        assert_allclose(found, loss.flow_slope(y, raw, time), rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("raw", [-1000.0, 1000.0])
def test_logistic_flow_far_out(raw):
    """A slope of 1 until the target's side is reached, where nothing is left to do."""
    kernel = kernel_of(LogLoss())
    for y in (0.0, 1.0):
        sure = (raw > 0) == (y == 1.0)
        for time in (1e-3, 1e3):
            expected = 0.0 if sure else 1.0 - 2.0 * y
            y_, raw_ = np.array([y]), np.array([raw])
            assert_allclose(kernels.flow_slope(kernel, y_, raw_, time), expected, rtol=1e-2)
            assert_allclose(LogLoss().flow_slope(y_, raw_, time), expected, rtol=1e-2)


def test_a_subclass_with_another_gradient_is_not_followed():
    class Doubled(SquaredError):
        def gradient(self, y, raw):
            return 2.0 * super().gradient(y, raw)

    assert kernel_of(SquaredError()).flows and not kernel_of(Doubled()).flows


# -- training ------------------------------------------------------------------------------

N, P = 25, 4
RULE = NormalizedAdaGrad(0.7, importance_aware=True)


def data(loss, n_targets=1):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((N, P)) * [1.0, 10.0, 0.1, 1.0]
    X *= rng.random((N, P)) < 0.7
    y = X @ rng.standard_normal((P, n_targets)) * 0.3 + rng.standard_normal((N, n_targets))
    y = (y > 0).astype(int) if loss.task == "classification" else y
    return X, y[:, 0] if n_targets == 1 else y, rng.random(N) * 5


def walk(loss, X, y, weights, lr):
    """One pass over the rows, with each row's step as an ODE of all parameters."""
    y = y.reshape(N, -1).astype(float)
    k = y.shape[1]
    params, state = np.zeros(k * P + k), np.zeros((3, k * P + k))
    weights = weights / weights.mean()
    for i in range(N):
        size = np.r_[np.tile(np.abs(X[i]), k), np.ones(k)]
        RULE.observe(params, state, size, size**2, k)

        def slopes(params, i=i):
            raw = params[: k * P].reshape(k, P) @ X[i] + params[k * P :]
            draw = weights[i] * loss.gradient(y[i], raw)
            return np.r_[np.outer(draw, X[i]).ravel(), draw]

        state[1] += slopes(params) ** 2
        sizes = RULE.step_sizes(state, lr, i + 1)
        if loss.smooth:
            options = {"method": "LSODA", "rtol": 1e-10, "atol": 1e-12}
            way = solve_ivp(lambda _, p: -sizes * slopes(p), (0, 1), params, **options)  # noqa: B023
            params = way.y[:, -1]
        else:
            for _ in range(4000):
                params = params - sizes * slopes(params) / 4000
    return params


@pytest.mark.parametrize("loss", FOLLOWED, ids=repr)
@pytest.mark.parametrize("n_targets", [1, 2])
def test_training_is_repeated_tiny_steps(loss, n_targets):
    X, y, weights = data(loss, n_targets)
    estimator = GDClassifier if loss.task == "classification" else GDRegressor
    model = estimator(loss, optimizer=RULE, penalty=None, shuffle=False, tol=None, max_iter=1)
    expected = walk(loss, X, y, weights, 0.7)
    for rows in (X, sp.csr_array(X)):
        model.fit(rows, y, sample_weight=weights)
        found = np.r_[model.coef_.ravel(), np.ravel(model.intercept_)]
        assert_allclose(found, expected, rtol=1e-6 if loss.smooth else 0.02, atol=2e-3)
        if loss.smooth:
            assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("penalty", [None, "l1", "l2"])
def test_wide_csr_equals_dense(penalty):
    """Where a sparse step sees a row's features alone."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 60)) * (rng.random((80, 60)) < 0.05)
    y = X @ rng.standard_normal(60)
    model = GDRegressor(optimizer=RULE, penalty=penalty, max_iter=3, tol=None, random_state=0)
    dense, sparse = clone(model).fit(X, y), model.fit(sp.csr_array(X), y)
    assert_allclose(sparse.coef_, dense.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "hinge", "log_loss"])
@pytest.mark.parametrize("stretch", [1.0, 1e3, 1e9])
def test_a_step_never_overshoots(loss, stretch):
    """Whatever the rate: the row's prediction stops at the target, or does not reach it."""
    rng = np.random.default_rng(0)
    X, y = rng.choice([-1.0, 1.0], (40, 3)), rng.standard_normal(40)  # of scales that stay
    classifies = loss in ("hinge", "log_loss")
    y = np.arange(40) % 2 if classifies else y
    model = (GDClassifier if classifies else GDRegressor)(loss, optimizer=RULE, penalty=None)
    given = {"classes": [0, 1]} if classifies else {}
    model = clone(model).set_params(optimizer__learning_rate=5.0 * stretch)
    score = getattr(model, "decision_function" if classifies else "predict")
    model.partial_fit(X[:1], y[:1], **given)
    # where the loss is least, and on which side of it
    goal = {"hinge": 2.0 * y - 1.0, "log_loss": np.where(y, np.inf, -np.inf)}.get(loss, y)
    for i in range(1, 40):
        row = X[i : i + 1]
        before = score(row)[0]
        model.partial_fit(row, y[i : i + 1])
        after = score(row)[0]
        if loss == "hinge" and goal[i] * before > 1.0:
            assert after == before
        else:
            assert min(before, goal[i]) - 1e-9 <= after <= max(before, goal[i]) + 1e-9


@pytest.mark.parametrize("loss", [Huber(), LogLoss()], ids=repr)
def test_other_losses_take_the_plain_step(loss):
    """Such as a multinomial one."""
    X, y, weights = data(Huber())
    estimator = GDRegressor
    if loss.task == "classification":
        estimator, y = GDClassifier, np.arange(N) % 3
    model = estimator(loss, optimizer=RULE, max_iter=2, tol=None, batch_size=1, random_state=0)
    plain = clone(model).set_params(optimizer__importance_aware=False)
    found, expected = model.fit(X, y, weights), plain.fit(X, y, weights)
    assert_array_equal(found.coef_, expected.coef_)


def test_refusals():
    X, y, _ = data(Huber())
    with pytest.raises(ValueError, match=r"steps of single rows\. Use batch_size=1 or 'auto'"):
        GDRegressor(optimizer=RULE, batch_size=8).fit(X, y)
    with pytest.raises(ValueError, match="Use importance_aware=False within Clipped"):
        GDRegressor(optimizer=Clipped(RULE)).fit(X, y)
    assert not Adam().follows


def test_range_test_takes_single_rows():
    X, y, _ = data(Huber())
    found = lr_range_test(GDRegressor(optimizer=RULE), X, y, n_steps=30, random_state=0)
    assert np.isfinite(found.suggestion)
