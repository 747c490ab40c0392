"""The interior point method with an L1 norm: linear programs, and what is exactly zero."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linprog
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import QuantileRegressor
from sklearn.preprocessing import scale

from sklgd import GDClassifier, GDRegressor
from sklgd.coordinates import standardizing
from sklgd.losses import AbsoluteError, EpsilonInsensitive, Quantile
from sklgd.models import Linear
from sklgd.objective import Block, Problem, Targets
from sklgd.optimizers import Continuation, InteriorPoint, Newton
from sklgd.optimizers._row_system import RowSystem
from sklgd.penalties import L1, L2, ElasticNet

EXACT = {"optimizer": InteriorPoint(), "tol": 1e-9}


def least_hinge(X, y, prices):
    """Return the least mean hinge plus |w| at these prices, and the weights: a linear program."""
    n, p = X.shape
    sign = (2.0 * y - 1.0)[:, None]
    margins = -np.hstack([sign * X, -sign * X, sign, -sign, np.eye(n)])
    costs = np.concatenate([prices, prices, np.zeros(2), np.full(n, 1.0 / n)])
    found = linprog(costs, A_ub=margins, b_ub=-np.ones(n), method="highs")
    return found.fun, found.x[:p] - found.x[p : 2 * p]


def classes(seed):
    """A few hundred rows or a few, features alike or not, most of no use."""
    rng = np.random.default_rng(seed)
    n, p = rng.integers(6, 200), rng.integers(2, 50)
    X = rng.normal(size=(n, p)) * 10.0 ** rng.uniform(-2, 2, p) ** (seed % 2)
    score = (X / X.std(axis=0))[:, :3].sum(axis=1) + rng.normal(size=n)
    return X, (score > np.median(score)).astype(int), 10.0 ** rng.uniform(-4, -1)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("alpha", [1e-3, 0.05, 0.3])
def test_quantile_regressor(quantile, alpha, form):
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), scale(y)
    known = QuantileRegressor(quantile=quantile, alpha=alpha, solver="highs").fit(X, y)
    mine = GDRegressor(Quantile(quantile), penalty="l1", alpha=alpha, **EXACT).fit(form(X), y)
    assert mine.stop_reason_ == "tol"
    assert_allclose(mine.coef_, known.coef_, atol=1e-5)
    assert_array_equal(mine.coef_ == 0.0, known.coef_ == 0.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("tol", [1e-3, 1e-8])
@pytest.mark.parametrize("seed", range(20))
def test_hinges_are_linear_programs(seed, tol):
    X, y, alpha = classes(seed)
    best, _ = least_hinge(X, y, np.full(X.shape[1], alpha))
    model = GDClassifier("hinge", penalty="l1", alpha=alpha, tol=tol).fit(X, y)
    assert model.optimizer_ == InteriorPoint() and model.stop_reason_ == "tol"
    constant = 2.0 * min(y.mean(), 1.0 - y.mean())
    assert -1e-12 <= model.loss_curve_[-1] - best <= tol * (constant - best) + 1e-12


def test_zeros_are_exact_and_no_others():
    data = load_breast_cancer()
    X, y = scale(data.data), data.target
    for alpha in (0.003, 0.03):
        _, known = least_hinge(X, y, np.full(30, alpha))
        found = GDClassifier("hinge", penalty="l1", alpha=alpha, **EXACT).fit(X, y).coef_[0]
        assert_array_equal(found == 0.0, known == 0.0)
        assert_allclose(found, known, atol=1e-5)


def test_prices_of_single_features():
    """One that is free, and one that is dear."""
    X, y, alpha = classes(1)
    prices = np.ones(X.shape[1])
    prices[:2] = 0.0, 100.0
    best, known = least_hinge(X, y, alpha * prices)
    penalty = L1(alpha=alpha, weights=prices)
    model = GDClassifier("hinge", penalty=penalty, **EXACT).fit(X, y)
    assert model.loss_curve_[-1] == pytest.approx(best, rel=1e-7)
    assert_array_equal(model.coef_[0] == 0.0, known == 0.0)


@pytest.mark.parametrize("weights", [None, np.linspace(0.0, 2.0, 10)], ids=["alike", "weights"])
@pytest.mark.parametrize("loss", [AbsoluteError(), Quantile(0.9), EpsilonInsensitive(10.0)])
def test_elastic_nets(loss, weights):
    """As the limit of smooth problems."""
    X, y = load_diabetes(return_X_y=True)
    penalty = ElasticNet(alpha=1.0, l1_ratio=0.5, weights=weights)
    model = GDRegressor(loss, penalty=penalty, **EXACT).fit(scale(X), y)
    other = Continuation(Newton())
    known = GDRegressor(loss, penalty=penalty, optimizer=other, tol=1e-7, max_iter=5000)
    known.fit(scale(X), y)
    assert model.loss_curve_[-1] <= known.loss_curve_[-1] * (1.0 + 1e-9)
    assert_allclose(model.coef_, known.coef_, atol=0.02)


def test_a_ridge_of_single_features():
    """Weights of a ridge are features in other units."""
    X, y = load_diabetes(return_X_y=True)
    X, weights = scale(X), np.linspace(0.25, 2.0, 10)
    model = GDRegressor(AbsoluteError(), penalty=L2(alpha=0.1, weights=weights), **EXACT).fit(X, y)
    other = GDRegressor(AbsoluteError(), alpha=0.1, **EXACT).fit(X / np.sqrt(weights), y)
    assert_allclose(model.coef_, other.coef_ / np.sqrt(weights), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("loss", [AbsoluteError(), EpsilonInsensitive(0.1), Quantile(0.9)])
def test_the_default_in_any_units(loss, factor):
    X, y = load_diabetes(return_X_y=True)
    y = factor * y
    model = GDRegressor(loss, penalty="l1", alpha=1e-3).fit(X, y)
    exact = GDRegressor(loss, penalty="l1", alpha=1e-3, **EXACT).fit(X, y)
    assert model.optimizer_ == InteriorPoint() and model.n_iter_ <= 15
    start = min(loss.value(y, np.full_like(y, c)).mean() for c in np.unique(y))
    assert model.loss_curve_[-1] - exact.loss_curve_[-1] <= 1e-3 * (start - exact.loss_curve_[-1])


@pytest.mark.parametrize("model", [GDRegressor("absolute_error"), GDClassifier("hinge")])
def test_a_penalty_that_leaves_nothing(model):
    """All weights are zero, and the intercept is the best constant's."""
    X, y = load_breast_cancer(return_X_y=True)
    y = X[:, 0] if isinstance(model, GDRegressor) else y
    model = model.set_params(penalty="l1", alpha=1e4).fit(scale(X), y)
    assert model.optimizer_ == InteriorPoint()
    assert_array_equal(model.coef_, np.zeros_like(model.coef_))
    best = 2.0 * np.mean(y == 0) if model.loss == "hinge" else np.abs(y - np.median(y)).mean()
    assert model.loss_curve_[-1] == pytest.approx(best, rel=1e-9)


def test_columns_are_problems_of_their_own():
    X, y = load_iris(return_X_y=True)
    rule = {"penalty": "elasticnet", "alpha": 0.01, **EXACT}
    together = GDClassifier("hinge", **rule).fit(X, y)
    for c in range(3):
        alone = GDClassifier("hinge", **rule).fit(X, y == c)
        assert_allclose(together.coef_[c], alone.coef_[0], atol=1e-5)
        assert_array_equal(together.coef_[c] == 0.0, alone.coef_[0] == 0.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("p", [120, 900])
def test_features_outnumber_the_rows(p, intercept, form):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, p)) * (rng.random((60, p)) < (0.05 if form is sp.csr_array else 1.0))
    X[:, 0] = 100.0 + rng.normal(size=60)
    y = X[:, :3].sum(axis=1) + 0.1 * rng.normal(size=60)
    rule = {"alpha": 0.05, "fit_intercept": intercept}
    known = QuantileRegressor(solver="highs", **rule).fit(X, y)
    rule = {"alpha": 0.1, "fit_intercept": intercept, "penalty": "l1"}
    model = GDRegressor("absolute_error", tol=1e-9, **rule).fit(form(X), y)
    assert model.optimizer_ == InteriorPoint()
    assert_allclose(model.coef_, known.coef_, atol=1e-5)
    assert_array_equal(model.coef_ == 0.0, known.coef_ == 0.0)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_systems_of_rows_are_those_of_features(form):
    """Also where what is tiny makes digits cancel: then those of features are solved."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 50)) * (rng.random((30, 50)) < 0.08)
    X[:, 1] = 1e3 + rng.normal(size=30)
    block = Block(form(X), Targets(X[:, 0], 1), None, AbsoluteError(), Linear(), True)
    problem = Problem(block, L1(0.1))
    space = standardizing(problem)
    Z = np.column_stack([(X - space.shift) / space.scale, np.ones(30)])
    bends, penalty = rng.random(30), rng.random(50)
    b = rng.normal(size=51)
    matrix = Z.T @ (bends[:, None] * Z) / 30.0 + np.diag(np.append(penalty, 0.0))
    solve = RowSystem(problem, space).solver(bends, penalty, otherwise=None)
    assert_allclose(solve(b), np.linalg.solve(matrix, b), rtol=1e-8)
    tiny = RowSystem(problem, space).solver(bends, 1e-25 * penalty, lambda: lambda b: b + 1.0)
    assert_array_equal(tiny(b), b + 1.0)


def test_weights_are_repetitions():
    X, y = load_diabetes(return_X_y=True)
    times = np.random.default_rng(0).integers(0, 4, len(y))
    model = GDRegressor(Quantile(0.7), penalty="l1", alpha=0.01, **EXACT)
    weighted = model.fit(X, y, times).predict(X)
    repeated = model.fit(np.repeat(X, times, axis=0), np.repeat(y, times)).predict(X)
    assert_allclose(weighted, repeated, atol=1e-4)


def test_auto_takes_it_for_few_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4_000, 300))
    y = X[:, 0] + rng.normal(size=4_000)
    for penalty in ("l1", "elasticnet"):
        model = GDRegressor("absolute_error", penalty=penalty)
        assert model.fit(X[:1000], y[:1000]).optimizer_ == InteriorPoint()
    assert isinstance(model.fit(X, y).optimizer_, Continuation)


def test_a_warm_start_is_a_start():
    X, y = load_breast_cancer(return_X_y=True)
    model = GDClassifier("hinge", penalty="l1", alpha=0.01, warm_start=True, **EXACT).fit(X, y)
    before = model.loss_curve_[-1]
    assert model.fit(X, y).loss_curve_[-1] == pytest.approx(before, rel=1e-8)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("penalty", ["l1", "elasticnet"])
def test_a_sparse_feature_that_is_constant(penalty):
    """Far from zero it is the intercept again, up to rounding, which must not pull at it."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(200, 5)), np.full(200, 1e6)])
    y = X[:, 0] + rng.standard_t(2, size=200)
    rule = {"penalty": penalty, "alpha": 1e-9, "tol": 1e-6}
    for model, target in ((GDRegressor("absolute_error"), y), (GDClassifier("hinge"), y > 0)):
        known = model.set_params(**rule).fit(X[:, :5], target).loss_curve_[-1]
        model.fit(sp.csr_array(X), target)
        assert model.optimizer_ == InteriorPoint() and model.n_iter_ <= 30
        assert model.loss_curve_[-1] == pytest.approx(known, rel=1e-5)


@pytest.mark.filterwarnings("error")
def test_rows_of_unlike_weights():
    """By ten orders of magnitude."""
    rng = np.random.default_rng(3)
    X = (rng.random((500, 60)) < 0.5).astype(float)
    y = X @ rng.normal(size=60) + 0.1 * rng.normal(size=500)
    weights = 10.0 ** rng.uniform(-5, 5, 500)
    rule = {"penalty": "elasticnet", "alpha": 1e-5}
    model = GDRegressor(Quantile(0.1), **rule).fit(X, y, weights)
    best = GDRegressor(Quantile(0.1), **rule, tol=1e-9).fit(X, y, weights).loss_curve_[-1]
    assert model.optimizer_ == InteriorPoint() and model.n_iter_ <= 40
    assert model.loss_curve_[-1] - best <= 1e-3 * np.average(np.abs(y - y.mean()), weights=weights)


@pytest.mark.filterwarnings("error")
def test_no_rows_tell_of_outliers():
    """Of features without any entry."""
    X, y = sp.csr_array((20, 3)), np.arange(20) < 6
    model = GDClassifier("hinge", penalty="l1").fit(X, y)
    assert_array_equal(model.coef_, np.zeros((1, 3)))
