"""Newton steps by coordinate descent on the columns of X."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer, make_regression
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, QuantileRegressor
from sklearn.preprocessing import scale
from sklgd._kernels.descent import ColumnDescent, Columns, bent_rows

from sklgd import GDClassifier, GDRegressor
from sklgd.columns import by_columns
from sklgd.losses import LOSSES, LogLoss, Poisson, Quantile
from sklgd.models import Linear
from sklgd.objective import Block, Problem, Targets
from sklgd.optimizers import LBFGS, Columnwise, Continuation, CoordinateNewton, Newton
from sklgd.penalties import L1, Box

EXACT = {"optimizer": CoordinateNewton(), "tol": 1e-10}


@pytest.fixture(scope="module")
def wide():
    """Rows fewer than features, in many units, most entries zero."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 200)) * (rng.random((80, 200)) < 0.3) * np.logspace(-2, 2, 200)
    return X, X[:, 100] - X[:, 110] / 2.0 + 3.0 + 0.1 * rng.normal(size=80)


# -- kernels -------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", [LogLoss(), Poisson(), LOSSES["cauchy"]()], ids=repr)
def test_bent_rows_equal_numpy(loss, weighted):
    rng = np.random.default_rng(0)
    y, raw = rng.integers(0, 2, 301).astype(float), rng.normal(size=301)
    weights = rng.random(301) if weighted else None
    for order in (None, np.arange(0, 301, 3, dtype=np.uint32), np.arange(1, dtype=np.uint32)):
        rows = slice(None) if order is None else order
        block = Block(np.zeros((301, 1)), Targets(y, 1), weights, loss, Linear(), True)
        s = np.ones(301)[rows] if weights is None else weights[rows]
        slopes, bends = np.empty((2, len(s)))
        total = bent_rows(block.compose(), raw[rows].copy(), order, slopes, bends)
        assert total == pytest.approx(s @ loss.value(y[rows], raw[rows]), rel=1e-12)
        assert_allclose(slopes, s * loss.gradient(y[rows], raw[rows]), atol=1e-12)
        known = s * np.maximum(loss.hessian(y[rows], raw[rows]), 0.0)
        assert_allclose(bends, known, atol=1e-12)


def columns_of(X, kind):
    """The same columns, dense or sparse; these with short or long indices."""
    if kind == "dense":
        return Columns(X)
    X = sp.csc_array(X)
    X.indices, X.indptr = X.indices.astype(kind), X.indptr.astype(kind)
    return Columns(X)


each_kind = pytest.mark.parametrize("kind", ["dense", np.int32, np.int64])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each_kind
def test_column_sums_equal_numpy(wide, dtype, kind):
    X = wide[0].astype(dtype)
    slopes, bends = np.random.default_rng(0).random((2, 80))
    dense = X.astype(np.float64)
    for form in (X, np.asfortranarray(X)):
        columns = columns_of(form, kind)
        found = columns.sums(slopes, bends)
        known = [slopes @ dense, bends @ dense, bends @ dense**2]
        assert_allclose(found, known, rtol=1e-12, atol=1e-12)
        assert_allclose(columns.pulls(slopes), slopes @ dense, rtol=1e-12, atol=1e-12)


@each_kind
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("l1", [0.0, 0.5])
@pytest.mark.parametrize("low, high", [(-np.inf, np.inf), (0.0, np.inf), (-0.2, 0.3)])
def test_descent_meets_the_conditions_of_a_minimum(kind, dtype, l1, low, high):
    """Of a quadratic in which an intercept is where it is least."""
    rng = np.random.default_rng(0)
    X, g, h = rng.normal(size=(40, 12)) + 1.0, rng.normal(size=40), rng.random(40)
    X = X.astype(dtype)
    start, ridge = np.clip(0.1 * rng.normal(size=12), low, high), rng.random(12)
    means = h @ X / h.sum()
    Z = X - means
    target, change = start.copy(), np.zeros(40)
    slope, bounds = g @ Z, [np.full(12, part) for part in (l1, low, high)]
    active = np.arange(12)
    descent = ColumnDescent(
        columns_of(X, kind), h, slope, h @ Z**2 + ridge, means, h.sum(), ridge, start, *bounds,
        target, change,
    )  # fmt: skip
    assert 1 < descent.run(active, 1e-14, 10_000) < 10_000
    assert_allclose(change, X @ (target - start), atol=1e-10)
    assert descent.pull == pytest.approx(h @ change, abs=1e-9)
    slope = slope + (Z.T * h) @ Z @ (target - start) + ridge * (target - start)
    free = (target != 0.0) & (low < target) & (target < high)
    assert_allclose(slope[free], -l1 * np.sign(target[free]), atol=1e-6)
    assert np.all(np.abs(slope[target == 0.0]) <= l1 + 1e-6) or low == 0.0
    assert np.all(slope[(target == low) & (target != 0.0)] >= l1 - 1e-6)
    assert np.all(slope[(target == high) & (target != 0.0)] <= -l1 + 1e-6)


# -- minima --------------------------------------------------------------------------------


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_lasso(wide, form, intercept):
    X, y = wide
    known = Lasso(alpha=0.1, fit_intercept=intercept, tol=1e-12, max_iter=100_000).fit(X, y)
    mine = GDRegressor(penalty="l1", alpha=0.1, fit_intercept=intercept, **EXACT).fit(form(X), y)
    assert mine.stop_reason_ == "tol"
    assert_allclose(mine.coef_, known.coef_, atol=1e-4)
    assert_allclose(mine.intercept_, known.intercept_, atol=1e-4)
    assert_array_equal(mine.coef_ == 0.0, known.coef_ == 0.0)


def test_elastic_net_with_weights(wide):
    X, y = wide
    weights = np.random.default_rng(0).uniform(0.1, 2.0, len(y))
    known = ElasticNet(alpha=0.1, l1_ratio=0.5, tol=1e-12, max_iter=100_000).fit(X, y, weights)
    mine = GDRegressor(penalty="elasticnet", alpha=0.1, l1_ratio=0.5, **EXACT)
    assert_allclose(mine.fit(X, y, weights).coef_, known.coef_, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logistic_regression(dtype):
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X).astype(dtype)
    C = 1 / (0.01 * len(y))
    known = LogisticRegression(C=C, l1_ratio=1.0, solver="saga", tol=1e-9, max_iter=100_000)
    mine = GDClassifier(penalty="l1", alpha=0.01, **EXACT).fit(X, y)
    assert mine.n_iter_ <= 20
    assert_allclose(mine.coef_, known.fit(X.astype(float), y).coef_, atol=1e-4)
    assert_allclose(mine.intercept_, known.intercept_, atol=1e-4)


def test_bounds(wide):
    X, y = wide
    mine = GDRegressor(penalty=Box(0.0, 0.7), **EXACT).fit(X, y)
    known = GDRegressor(penalty=Box(0.0, 0.7), optimizer=Newton(), tol=1e-12).fit(X, y)
    assert mine.coef_.min() == 0.0 and mine.coef_.max() == 0.7
    assert mine.loss_curve_[-1] == pytest.approx(known.loss_curve_[-1], rel=1e-8)


@pytest.mark.parametrize("alpha", [1e-2, 1e-4])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_the_default_on_raw_features(wide, loss, alpha):
    """Within 1e-3 of the way, and in few iterations."""
    X, y = wide[0], np.exp(0.3 * scale(wide[1]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GDRegressor(loss, penalty=L1(alpha)).fit(sp.csr_array(X), y)
    assert model.optimizer_ == CoordinateNewton() and model.n_iter_ <= 60
    exact = GDRegressor(loss, penalty=L1(alpha), optimizer=CoordinateNewton(), tol=1e-8)
    exact.set_params(max_iter=5000).fit(X, y)
    other = GDRegressor(loss, penalty=L1(alpha), optimizer=LBFGS(standardize=True), tol=1e-8)
    assert exact.loss_curve_[-1] <= other.set_params(max_iter=5000).fit(X, y).loss_curve_[-1] + 1e-7
    constant = np.mean(y) if loss == "squared_error" else np.log(np.mean(y))
    first = model.loss_.value(y, np.full_like(y, constant)).mean()
    fallen = first - exact.loss_curve_[-1]
    assert model.loss_curve_[-1] - exact.loss_curve_[-1] <= 1e-3 * fallen


def test_constant_and_empty_columns():
    X, y = make_regression(60, 5, noise=5.0, random_state=0)
    Z = np.c_[X, np.full(60, 1e3), np.zeros(60)]
    mine = GDRegressor(penalty="l1", alpha=0.5, **EXACT).fit(Z, y)
    known = Lasso(alpha=0.5, tol=1e-12).fit(X, y)
    assert_allclose(mine.coef_, [*known.coef_, 0.0, 0.0], atol=1e-5)


def test_early_stopping_sees_the_training_rows(wide):
    X, y = wide
    model = GDRegressor(penalty="l1", alpha=0.1, early_stopping=True, random_state=0, **EXACT)
    assert np.isfinite(model.fit(sp.csr_array(X), y).coef_).all()
    assert len(model.history_["val_loss"]) == model.n_iter_


def test_optimality_is_that_of_the_end(wide):
    X, y = wide
    model = GDRegressor(penalty="l1", alpha=0.1, **EXACT).fit(X, y)
    targets = Targets(y, 1)
    problem = Problem(Block(X, targets, None, model.loss_, Linear(), True), model.penalty_)
    params = np.concatenate([model.coef_, model.intercept_])
    assert model.optimality_ == pytest.approx(problem.optimality(params, np.zeros(201)), rel=1e-3)


@pytest.mark.parametrize(
    "change",
    [{"loss": "hinge"}, {"loss": "log_loss"}, {"penalty": "l1", "loss": "perceptron"}],
    ids=str,
)
def test_refuses(change):
    X, y = np.eye(6), np.arange(6) % 3
    model = GDClassifier("squared_hinge", optimizer=CoordinateNewton(), penalty="l1")
    with pytest.raises(ValueError, match="CoordinateNewton needs a linear model and a loss with"):
        model.set_params(**change).fit(X, y)


def test_refuses_a_penalty_of_groups():
    model = GDRegressor(penalty="group_lasso", optimizer=CoordinateNewton())
    with pytest.raises(ValueError, match="CoordinateNewton takes penalties of the kind of L1"):
        model.set_params(penalty__groups=[[0, 1], [2]]).fit(np.eye(3), [1.0, 2.0, 3.0])


# -- when it is chosen ------------------------------------------------------------------------


def test_auto_takes_it_for_l1_on_many_features(wide):
    X, y = wide
    for penalty in ("l1", "elasticnet", Box(0.0, 1.0)):
        model = GDRegressor(penalty=penalty, alpha=0.1).fit(X, y)
        wanted = Newton() if penalty == Box(0.0, 1.0) else CoordinateNewton()
        assert model.optimizer_ == wanted
    for change in ({"penalty": "l2"}, {"loss": "log_cosh"}):
        model = GDRegressor(penalty="l1", alpha=0.1).set_params(**change)
        assert model.fit(X, y).optimizer_ != CoordinateNewton()
    several = GDRegressor(penalty="l1", alpha=0.1).fit(X, np.c_[y, -y])
    assert several.optimizer_ != CoordinateNewton()


@pytest.mark.parametrize("loss", [cls() for cls in LOSSES.values()], ids=repr)
def test_self_concordant_losses_are(loss):
    """The second derivative changes by no more than itself, by differences."""
    if not loss.self_concordant:
        return
    y = np.array([0.0, 1.0])[:, None]
    raw = np.linspace(-30.0, 30.0, 241)
    bend = loss.hessian(np.repeat(y, 241, axis=1), np.tile(raw, (2, 1)))
    assert np.all(np.abs(np.diff(np.log(bend), axis=1)) <= 1.01 * np.diff(raw))


def test_descent_goes_where_sweeps_would_lead():
    """Features that are nearly the same take sweeps without end, or a few extrapolations."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 1)) + 0.05 * rng.normal(size=(60, 6))
    hess, slope, zeros = X.T @ X, X.T @ rng.normal(size=60), np.zeros(6)
    beyond, target = np.full(6, np.inf), np.zeros(6)
    descent = ColumnDescent(
        Columns(X), np.ones(60), slope, np.diagonal(hess).copy(), zeros, 60.0, zeros, zeros, zeros,
        -beyond, beyond, target, np.zeros(60),
    )  # fmt: skip
    swept = descent.run(np.arange(6), 1e-12, 10_000)
    known = np.linalg.solve(hess, -slope)
    assert_allclose(target, known, rtol=1e-3)
    plain, now = 0, np.zeros(6)
    while np.abs(now - known).max() > 1e-3 * np.abs(known).max():
        plain += 1
        for j in range(6):
            now[j] -= (slope + hess @ now)[j] / hess[j, j]
    assert swept < 0.2 * plain


@pytest.mark.parametrize("penalty, l1_ratio", [("l1", 1.0), ("elasticnet", 0.5)])
@pytest.mark.parametrize("n, p", [(150, 1000), (400, 300)])
def test_the_default_on_correlated_features(n, p, penalty, l1_ratio):
    """Neighbours of correlation 0.98; scikit-learn's minimum, sought for long."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    for j in range(1, p):
        X[:, j] = 0.98 * X[:, j - 1] + 0.2 * X[:, j]
    y = X[:, ::100].sum(axis=1) + rng.normal(size=n)

    def objective(coef, intercept):
        losses = 0.5 * (X @ coef + intercept - y) ** 2
        ridge = 0.5 * (1.0 - l1_ratio) * np.sum(coef**2)
        return losses.mean() + 0.002 * (l1_ratio * np.abs(coef).sum() + ridge)

    known = ElasticNet(alpha=0.002, l1_ratio=l1_ratio, tol=1e-7, max_iter=100_000).fit(X, y)
    mine = GDRegressor(penalty=penalty, alpha=0.002, l1_ratio=l1_ratio).fit(X, y)
    least = objective(known.coef_, known.intercept_)
    assert mine.optimizer_ == CoordinateNewton()
    first = objective(np.zeros(p), y.mean())
    assert objective(mine.coef_, mine.intercept_[0]) - least <= 1e-3 * (first - least)


def test_auto_copies_more_where_features_are_correlated_or_many(monkeypatch):
    rng = np.random.default_rng(0)
    monkeypatch.setattr("sklgd.optimizers.auto.MOST_COPIED", 0)
    alike = rng.normal(size=(900, 5)) @ rng.normal(size=(5, 600)) + 0.1 * rng.normal(
        size=(900, 600)
    )
    apart = rng.normal(size=(900, 600))
    for X, wanted in ((alike, True), (apart, False), (apart[:300], True)):
        model = GDRegressor(penalty="l1", alpha=0.1).fit(X, X[:, 0])
        assert (model.optimizer_ == CoordinateNewton()) == wanted
    assert GDRegressor(penalty="l1").fit(sp.csr_array(alike), alike[:, 0]).optimizer_ != (
        CoordinateNewton()
    )


@pytest.mark.parametrize("quantile", [0.5, 0.95])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("repeated", [False, True])
def test_quantiles_with_l1_are_those_of_linear_programming(form, quantile, repeated):
    """Of more features than rows, some of which are there again or zero."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 600)) * (rng.random((80, 600)) < 0.3)
    y = X[:, :5] @ rng.normal(size=5) + 0.3 * rng.standard_t(3, size=80)
    if repeated:
        again = rng.integers(0, 30, 80)
        X, y = X[again], y[again]
        X[::7] = 0.0
    for alpha in (1e-3, 1e-2):
        known = QuantileRegressor(quantile=quantile, alpha=alpha).fit(X, y)
        rule = {"penalty": "l1", "alpha": alpha, "optimizer": Continuation(CoordinateNewton())}
        model = GDRegressor(Quantile(quantile), **rule).fit(form(X), y)

        def objective(found, alpha=alpha):
            loss = Quantile(quantile).value(y, found.predict(X)).mean()
            return loss + alpha * np.abs(found.coef_).sum()

        at_constant = Quantile(quantile).value(y, np.full(80, np.quantile(y, quantile))).mean()
        best = objective(known)
        assert objective(model) - best <= 2e-3 * (at_constant - best)


def test_auto_takes_columns_apart():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 600))
    y = rng.poisson(np.exp(0.3 * X[:, :3]))
    model = GDRegressor("poisson", penalty="l1", alpha=0.1, tol=1e-8).fit(X, y)
    assert model.optimizer_ == Columnwise(CoordinateNewton())
    for output, column in enumerate(y.T):
        alone = GDRegressor("poisson", penalty="l1", alpha=0.1, tol=1e-8).fit(X, column)
        assert_allclose(model.coef_[output], alone.coef_, atol=1e-3)
    X, y = np.tile(X, (9, 1)), np.tile(y[:, 0], 9)
    model = GDClassifier("hinge", penalty="l1").fit(X, y > 0)
    assert model.optimizer_ == Continuation(LBFGS(30, standardize=True))
    model = GDRegressor("absolute_error", penalty="l1").fit(sp.csr_array(X), y)
    assert model.optimizer_ == Continuation(CoordinateNewton())


@pytest.mark.parametrize("form", [np.asarray, np.asfortranarray, sp.csr_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_features_far_from_zero(form, dtype):
    """Even where a sum of squares has lost all digits of the variance."""
    far = 1e9 if dtype is np.float64 else 1e5
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(40, 60)) + far * (np.arange(60) % 3)).astype(dtype)
    X[:, 1] = far  # a constant has no variance at all
    y = (X[:, 2] - X[:, 2].mean()) + 0.1 * rng.normal(size=40)
    model = GDRegressor(penalty="l1", alpha=0.01, optimizer=CoordinateNewton(), tol=1e-6)
    model.fit(form(X), y)
    lasso = Lasso(alpha=0.01, tol=1e-8, max_iter=100_000)
    centred = X.astype(float) - X.astype(float).mean(axis=0)
    lasso.fit(centred, y)
    best = 0.5 * np.mean((lasso.predict(centred) - y) ** 2) + 0.01 * np.abs(lasso.coef_).sum()
    assert model.loss_curve_[-1] == pytest.approx(best, rel=1e-3)
    assert model.coef_[1] == 0.0


def test_columns_are_a_copy_only_where_they_have_to_be():
    X = np.asfortranarray(np.random.default_rng(0).normal(size=(100, 4)))
    assert np.shares_memory(np.asarray(by_columns(X, centred=True)[0].kept[0]), X)
    X[:, 2] += 1e6
    before = X.copy()
    columns, shift = by_columns(X, centred=True)
    assert_array_equal(X, before)
    assert_allclose(shift, [0.0, 0.0, X[:, 2].mean(), 0.0])
    assert_allclose(columns.pulls(np.ones(100))[2], 0.0, atol=1e-6)
    assert_array_equal(by_columns(X, centred=False)[1], 0.0)
