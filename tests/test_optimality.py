"""`optimality_`, and the smallest subgradients of penalties that it is made of."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.preprocessing import scale

from sklgd import GDClassifier, GDRegressor
from sklgd.penalties import L1, L2, MCP, SCAD, Box, ElasticNet, GroupLasso, Penalty

Q = np.array([1.0, 0.0, 2.0, 0.5, 1.0, 3.0])
PENALTIES = [
    L1(0.3),
    L1(0.3, weights=Q),
    L2(0.3),
    L2(0.3, weights=Q),
    ElasticNet(0.4, l1_ratio=0.7),
    MCP(0.3),
    SCAD(0.3, weights=Q),
    Box(),
    Box(-0.5, 1.0, l1=0.2, l2=0.3),
    Box(-0.5, 1.0, l1=0.2, weights=Q),
    Box([0, 0, -1, -1, 0, 2], [0, 1, 1, 1, 1, 2]),
    GroupLasso(0.3, groups=[[0, 1], [2, 4]]),
]
#: weights at kinks, on bounds and between them
POINTS = [
    np.zeros(6),
    np.array([0.0, 0.0, 0.5, 0.0, -0.2, 2.0]),
    np.array([0.0, 1.0, 1.0, -0.5, 0.0, 2.0]),
    np.array([0.05, -0.4, 0.9, 0.0, 0.0, 0.0]),
]


class Mine(Penalty):
    """An L1 of a user's own, known by its prox only."""

    def value(self, w):
        return 0.3 * np.abs(w).sum()

    def prox(self, w, lr):
        w[...] = np.sign(w) * np.maximum(np.abs(w) - 0.3 * lr, 0.0)


def smallest_by_prox(penalty, w, grad, lr=1e-6):
    """The gradient mapping, whose limit for small steps is the smallest subgradient."""
    moved = w - lr * grad
    penalty.prox(moved, lr)
    return (w - moved) / lr


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("rows", [1, 3])
def test_residual_is_the_limit_of_the_gradient_mapping(penalty, rows):
    rng = np.random.default_rng(0)
    for w in POINTS:
        if rows > 1:
            w = np.stack([w] * rows)
        if not np.isfinite(penalty.value(w)):
            continue
        grad = rng.normal(scale=0.5, size=w.shape)
        expected = smallest_by_prox(penalty, w, grad)
        assert_allclose(penalty.residual(w, grad), expected, atol=1e-5)


def test_residual_of_groups_over_outputs():
    penalty = GroupLasso(0.5, groups="features")
    w = np.array([[0.0, 1.0], [0.0, -2.0]])
    grad = np.array([[0.3, 0.1], [0.4, 0.2]])
    assert_allclose(penalty.residual(w, grad), smallest_by_prox(penalty, w, grad), atol=1e-5)
    assert_allclose(penalty.residual(w, grad)[:, 0], 0.0)  # 0.5 < 0.5 * sqrt(2)


def test_residual_of_ones_own_penalty():
    w, grad = np.array([0.0, 0.0, 2.0, -3.0]), np.array([0.2, -0.5, 1.0, 0.3])
    assert_allclose(Mine().residual(w, grad), [0.0, -0.2, 1.3, 0.0], atol=1e-7)
    assert_allclose(Mine().residual(w, grad), L1(0.3).residual(w, grad), atol=1e-7)


def test_a_subclass_with_another_prox_does_not_inherit_the_formula():
    class Half(L1):
        def prox(self, w, lr):
            w[...] = np.sign(w) * np.maximum(np.abs(w) - 0.5 * lr, 0.0)

    grad = np.array([0.4, 0.7])
    assert_allclose(Half(alpha=1.0).residual(np.zeros(2), grad), [0.0, 0.2], atol=1e-7)


@pytest.fixture(scope="module")
def data():
    X, y = load_diabetes(return_X_y=True)
    return scale(X), y


def test_least_squares_by_hand(data):
    X, y = data
    model = GDRegressor(max_iter=3, tol=0.0, alpha=0.1).fit(X, y)
    error = X @ model.coef_ + model.intercept_ - y
    grad = np.append(X.T @ error / len(y) + 0.1 * model.coef_, error.mean())
    start = np.append(X.T @ -y / len(y), -y.mean())
    expected = np.linalg.norm(grad) / np.linalg.norm(start)
    assert_allclose(model.optimality_, expected, rtol=1e-6, atol=1e-15)


@pytest.mark.parametrize(
    "penalty", [None, L2(0.01), L1(1.0), ElasticNet(1.0, 0.5), Box()], ids=repr
)
@pytest.mark.parametrize("loss", ["squared_error", "huber"])
def test_it_vanishes_at_a_minimum(data, penalty, loss):
    X, y = data
    loose = GDRegressor(loss, penalty=penalty, epsilon=20.0, tol=0.1).fit(X, y)
    tight = GDRegressor(loss, penalty=penalty, epsilon=20.0, tol=1e-12, max_iter=10_000).fit(X, y)
    assert tight.optimality_ < 1e-5
    # the one step of Newton's method on a squared error is exact whatever tol says
    assert loose.optimality_ > tight.optimality_ or loose.optimality_ < 1e-13
    assert type(tight.optimality_) is float


def test_of_a_classifier_with_weights():
    X, y = load_breast_cancer(return_X_y=True)
    X, s = scale(X), np.random.default_rng(0).uniform(0.0, 2.0, len(y))
    alpha = 0.01
    model = GDClassifier(alpha=alpha, class_weight={0: 3.0}, tol=1e-3).fit(X, y, s)
    s = s * np.where(y == 0, 3.0, 1.0)

    def gradient(w, b):
        draw = s * (1 / (1 + np.exp(-(X @ w + b))) - y) / s.sum()
        return np.append(X.T @ draw + alpha * w, draw.sum())

    start = np.linalg.norm(gradient(np.zeros(X.shape[1]), 0.0))
    here = np.linalg.norm(gradient(model.coef_[0], model.intercept_[0]))
    assert_allclose(model.optimality_, here / start, rtol=1e-6)


def test_step_rules_look_at_all_rows_in_the_end_and_at_some_after_few_epochs():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 3))
    y = X @ [1.0, 2.0, 3.0] + rng.normal(size=20_000)
    for epochs, rtol in [(1, 1.0), (32, 1e-9)]:
        model = GDRegressor(optimizer="sgd", penalty=None, max_iter=epochs, tol=None).fit(X, y)
        error = X @ model.coef_ + model.intercept_ - y
        grad = np.append(X.T @ error, error.sum())
        start = np.append(X.T @ y, y.sum())
        expected = np.linalg.norm(grad) / np.linalg.norm(start)
        noise = 1.0 / np.sqrt(1024)
        assert_allclose(model.optimality_, expected, rtol=rtol, atol=noise if epochs == 1 else 0.0)


def test_rows_that_do_not_train_do_not_count(data):
    X, y = data
    weights = np.ones(len(y))
    weights[::3] = 0.0
    model = GDRegressor(tol=0.1).fit(X, y, weights)
    same = GDRegressor(tol=0.1).fit(X[weights > 0], y[weights > 0])
    assert_allclose(model.optimality_, same.optimality_, rtol=1e-6)


def test_where_zero_is_the_minimum(data):
    X, y = data
    model = GDRegressor(penalty=L1(1e6), fit_intercept=False).fit(X, y)
    assert not model.coef_.any()
    assert model.optimality_ == 0.0


def test_bounds_that_zero_does_not_keep(data):
    X, y = data
    model = GDRegressor(penalty=Box(1.3, 20.3), tol=1e-12, max_iter=10_000).fit(X, y)
    assert model.coef_.min() == 1.3
    assert model.coef_.max() == 20.3
    assert model.optimality_ < 1e-5

    def value(w):
        error = (X - X.mean(0)) @ w - (y - y.mean())
        return error @ error / (2 * len(y)), (X - X.mean(0)).T @ error / len(y)

    known = minimize(value, np.full(X.shape[1], 2.0), jac=True, bounds=[(1.3, 20.3)] * X.shape[1])
    assert_allclose(model.coef_, known.x, atol=0.01)


def test_partial_fit_has_none(data):
    X, y = data
    model = GDRegressor(optimizer="sgd", max_iter=2, tol=None).fit(X, y)
    assert model.optimality_ > 0.0
    assert not hasattr(model.partial_fit(X, y), "optimality_")


def test_targets_of_which_few_rows_tell():
    """Where a look at some of the rows finds no gradient at zero, all of them are looked at."""
    X, y = np.random.default_rng(0).normal(size=(100_000, 3)), np.zeros(100_000)
    y[4] = 1.0
    model = GDRegressor(fit_intercept=False, tol=1e-10).fit(X, y)
    assert model.optimality_ < 1e-6
