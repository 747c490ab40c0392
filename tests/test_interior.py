"""The interior point method, and the kinks it is made for."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import QuantileRegressor
from sklearn.preprocessing import scale
from sklearn.svm import LinearSVC, LinearSVR

from sklgd import GDClassifier, GDRegressor
from sklgd.coordinates import Coordinates
from sklgd.losses import LOSSES, AbsoluteError, EpsilonInsensitive, Hinge, Loss, Quantile
from sklgd.models import Linear
from sklgd.objective import BLOCK_ROWS, Block, Problem, Targets
from sklgd.optimizers import Columnwise, Continuation, InteriorPoint, Newton
from sklgd.penalties import L2, Box

KINKED = [loss for loss in (cls() for cls in LOSSES.values()) if loss.has_kinks]
VARIANTS = [EpsilonInsensitive(0.0), EpsilonInsensitive(2.0), Quantile(0.9)]
REGRESSION = [AbsoluteError(), EpsilonInsensitive(0.1), Quantile(0.9)]
EXACT = {"optimizer": InteriorPoint(), "tol": 1e-9}


def test_these_losses_have_kinks():
    names = {"AbsoluteError", "AbsolutePercentageError", "EpsilonInsensitive", "Quantile", "Hinge"}
    assert {type(loss).__name__ for loss in KINKED} == names


@pytest.mark.parametrize("shape", [(30,), (10, 3)])
@pytest.mark.parametrize("loss", [*KINKED, *VARIANTS], ids=repr)
def test_a_loss_is_the_sum_of_its_kinks(loss, shape):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, shape).astype(float) if loss == Hinge() else rng.normal(size=shape)
    at, low, high = loss.kinks(y)
    assert at.shape == low.shape == high.shape == (len(at), *shape) and np.all(low < high)
    for raw in (at[0], at[-1], y, 3.0 * rng.normal(size=shape)):
        parts = np.maximum(low * (raw - at), high * (raw - at))
        assert_allclose(parts.sum(axis=0), loss.value(y, raw), atol=1e-14)


def test_a_subclass_with_another_gradient_has_no_kinks():
    class Doubled(Hinge):
        def gradient(self, y, raw):
            return 2.0 * super().gradient(y, raw)

    assert not Doubled().has_kinks and not Loss.has_kinks.fget(Loss())


# -- passes over the rows with given derivatives ------------------------------------------------


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_weighted_sums_equal_numpy(form, k, intercept):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(301, 21)) * (rng.random((301, 21)) < 0.6)
    order = np.sort(rng.permutation(301)[:200]).astype(np.uint32)
    shift = rng.normal(size=21) if form is np.asarray and intercept else None
    space = Coordinates(rng.uniform(0.5, 2.0, 21), shift, k)
    targets = Targets(rng.normal(size=(301, k)), k)
    block = Block(form(X), targets, None, Hinge(), Linear(), intercept)
    second = Problem(block, L2(0.3), order).second_order(space)
    slopes, bends = rng.normal(size=(200, k)), rng.random((200, k))
    bends[::3] = 0.0
    Z = (X[order] - (0.0 if shift is None else shift)) / space.scale
    Z = np.c_[Z, np.ones(200)] if intercept else Z
    grad, hess = second.weighted(slopes, bends)
    assert_allclose(space.columns(grad), slopes.T @ Z / 200, atol=1e-13)
    assert_array_equal(second.weighted(slopes)[0], grad)
    ridge = np.zeros(Z.shape[1])
    ridge[:21] = 0.3 / space.scale**2
    for c in range(k):
        known = (Z * bends[:, c, None]).T @ Z / 200 + np.diag(ridge)
        assert_allclose(hess[c], known, atol=1e-12)
    columns = rng.normal(size=(k, Z.shape[1]))
    assert_allclose(second.raw(space.flat(columns)), Z @ columns.T, atol=1e-12)


# -- minima --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X * np.logspace(-3, 3, 10), y


def objective(model, X, y, weights=None):
    """Return that of a fitted model, in plain NumPy."""
    coef, raw = np.atleast_2d(model.coef_), X @ np.atleast_2d(model.coef_).T + model.intercept_
    if hasattr(model, "classes_"):
        if len(coef) > 1:
            y = (y[:, None] == model.classes_).astype(float)
        else:
            y = (y == model.classes_[1]).astype(float)
    losses = model.loss_.value(y.reshape(raw.shape), raw).sum(axis=1)
    ridge = 0.0 if model.penalty_ is None else 0.5 * model.penalty_.alpha * np.sum(coef**2)
    return np.average(losses, weights=weights) + ridge


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantiles_are_those_of_linear_programming(diabetes, quantile):
    X, y = diabetes
    known = QuantileRegressor(quantile=quantile, alpha=0.0, solver="highs").fit(X, y)
    mine = GDRegressor(Quantile(quantile), penalty=None, **EXACT).fit(X, y)
    assert mine.stop_reason_ == "tol" and mine.n_iter_ <= 40
    assert_allclose(mine.predict(X), known.predict(X), atol=1e-4)


@pytest.mark.parametrize("noise", ["normal", "standard_cauchy"])
@pytest.mark.parametrize("quantile", [0.5, 0.95])
def test_outer_quantiles_take_as_few_iterations(quantile, noise):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 30)) * 10.0 ** rng.uniform(-3.0, 3.0, 30)
    y = X @ (rng.normal(size=30) / X.std(axis=0)) + getattr(rng, noise)(800)
    model = GDRegressor(Quantile(quantile), optimizer=InteriorPoint()).fit(X, y)
    assert model.stop_reason_ == "tol" and model.n_iter_ <= 16  # from the best constant: 20


def test_svc():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    known = LinearSVC(loss="hinge", C=0.1, fit_intercept=False, tol=1e-10, max_iter=100_000)
    mine = GDClassifier("hinge", alpha=1 / (0.1 * len(y)), fit_intercept=False, **EXACT)
    assert_allclose(mine.fit(X, y).coef_, known.fit(X, y).coef_, atol=1e-4)


def test_svr(diabetes):
    X, y = scale(diabetes[0]), diabetes[1]
    known = LinearSVR(epsilon=10.0, C=0.1, fit_intercept=False, tol=1e-10, max_iter=100_000)
    mine = GDRegressor(EpsilonInsensitive(10.0), alpha=1 / (0.1 * len(y)), **EXACT)
    mine.set_params(fit_intercept=False).fit(X, y)
    assert_allclose(mine.coef_, known.fit(X, y).coef_, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("alpha", [0.0, 1e-6, 1e-2])
@pytest.mark.parametrize("factor", [1.0, 1e-3, 1e3])
@pytest.mark.parametrize("loss", REGRESSION, ids=repr)
def test_the_default_in_any_units(diabetes, loss, factor, alpha):
    """Within tol of the way from the best constant, and in few iterations."""
    X, y = diabetes[0], factor * diabetes[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GDRegressor(loss, alpha=alpha).fit(X, y)
        exact = GDRegressor(loss, alpha=alpha, **EXACT).fit(X, y)
    assert model.optimizer_ == InteriorPoint() and model.n_iter_ <= 15
    best = objective(exact, X, y)
    smooth = GDRegressor(loss, alpha=alpha, optimizer=Continuation(Newton()), tol=1e-6)
    assert best <= objective(smooth.set_params(max_iter=5000).fit(X, y), X, y) * (1.0 + 1e-9)
    constants = [loss.value(y, np.full_like(y, c)).mean() for c in np.unique(y)]
    assert objective(model, X, y) - best <= 1e-3 * (min(constants) - best)


@pytest.mark.parametrize("alpha", [0.0, 1e-6, 1e-2])
@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_the_default_with_classes(load, alpha):
    """Also where a hyperplane separates them and nothing holds it."""
    X, y = load(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GDClassifier("hinge", alpha=alpha).fit(X, y)
        exact = GDClassifier("hinge", alpha=alpha, **EXACT).fit(X, y)
    assert model.optimizer_ == InteriorPoint() and model.n_iter_ <= 40
    best = objective(exact, X, y)
    rule = Columnwise(Continuation(Newton()))
    smooth = GDClassifier("hinge", alpha=alpha, optimizer=rule, tol=1e-6, max_iter=5000).fit(X, y)
    assert best <= objective(smooth, X, y) * (1.0 + 1e-9) + 1e-12
    shares = np.bincount(y) / len(y) if load is load_iris else np.array([np.mean(y == 0)])
    assert objective(model, X, y) - best <= 1e-3 * (2.0 * shares.sum() - best)


def test_targets_that_nothing_is_lost_on():
    """The tube is wider than they spread: there is nothing to fall from."""
    X, y = load_diabetes(return_X_y=True)
    model = GDRegressor("epsilon_insensitive", epsilon=0.1).fit(X, 1e-4 * y)
    assert model.n_iter_ <= 30 and objective(model, X, 1e-4 * y) <= 1e-10


@pytest.mark.parametrize("n, seed", [(600, 2), (3000, 0)])
def test_rare_classes(n, seed):
    """One against the rest, with slopes that all start far from their bounds."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(30, n, p=np.r_[0.5, 0.3, np.full(28, 0.2 / 28)])
    X = np.hstack([np.eye(30)[codes], 100.0 * rng.normal(size=(n, 5))])
    score = X[:, 30] / 100.0 + 0.3 * rng.normal(size=n) + (codes > 15)
    y = np.digitize(score, [1.2, 2.6, 3.0])
    model = GDClassifier("hinge", alpha=1e-8, optimizer=InteriorPoint()).fit(X, y)
    assert model.stop_reason_ == "tol"
    constant = 2.0 * (np.bincount(y) / n)  # of each class but the first
    constant[0] = 2.0 - constant[0]
    smooth = GDClassifier("hinge", alpha=1e-8, optimizer=Continuation(Newton()), max_iter=5000)
    best = smooth.fit(X, y).history_["objective"][-1]
    fall = constant.sum() - best
    assert model.history_["objective"][-1] - best <= 1e-3 * fall


def test_columns_are_problems_of_their_own():
    X, y = load_iris(return_X_y=True)
    together = GDClassifier("hinge", alpha=0.01, **EXACT).fit(X, y)
    for c in range(3):
        alone = GDClassifier("hinge", alpha=0.01, **EXACT).fit(X, y == c)
        assert_allclose(together.coef_[c], alone.coef_[0], atol=1e-5)
        assert_allclose(together.intercept_[c], alone.intercept_[0], atol=1e-5)


@pytest.mark.parametrize("intercept", [True, False])
def test_weights_are_repetitions(diabetes, intercept):
    X, y = diabetes
    times = np.random.default_rng(0).integers(0, 4, len(y))
    model = GDRegressor(Quantile(0.7), alpha=0.01, fit_intercept=intercept, **EXACT)
    weighted = model.fit(X, y, times).predict(X)
    repeated = model.fit(np.repeat(X, times, axis=0), np.repeat(y, times)).predict(X)
    assert_allclose(weighted, repeated, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_is_dense(dtype):
    X, y = load_iris(return_X_y=True)
    X = np.where(X > 1.0, X, 0.0).astype(dtype)
    dense, sparse = (
        GDClassifier("hinge", alpha=0.01, **EXACT).fit(Z, y) for Z in (X, sp.csr_array(X))
    )
    assert_allclose(dense.coef_, sparse.coef_, atol=1e-4)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_any_number_of_threads_gives_the_same_bits(form, eager_threads):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3 * BLOCK_ROWS + 17, 5))
    y = X[:, 0] + rng.normal(size=len(X))
    fits = [
        GDRegressor("absolute_error", n_jobs=jobs, optimizer=InteriorPoint()).fit(form(X), y)
        for jobs in (1, 2, 3)
    ]
    for other in fits[1:]:
        assert_array_equal(other.coef_, fits[0].coef_)
        assert_array_equal(other.intercept_, fits[0].intercept_)
    assert eager_threads


def test_equal_and_constant_features():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3))
    X = np.c_[X, X, np.zeros(100), np.full(100, 7.0)]
    y = X[:, 0] + rng.standard_t(2, size=100)
    model = GDRegressor("absolute_error", penalty=None, **EXACT).fit(X, y)
    known = QuantileRegressor(alpha=0.0, solver="highs").fit(X[:, :3], y)
    assert_allclose(model.predict(X), known.predict(X[:, :3]), atol=1e-5)


# -- states --------------------------------------------------------------------------------


def test_without_tol_it_goes_as_far_as_rounding_allows(diabetes):
    X, y = diabetes
    model = GDRegressor("absolute_error", optimizer=InteriorPoint(), tol=None).fit(X, y)
    exact = GDRegressor("absolute_error", **EXACT).fit(X, y)
    assert model.n_iter_ <= 100
    assert objective(model, X, y) == pytest.approx(objective(exact, X, y), rel=1e-8)


def test_a_warm_start_is_a_start(diabetes):
    X, y = diabetes
    model = GDRegressor("absolute_error", warm_start=True, **EXACT).fit(X, y)
    before = objective(model, X, y)
    assert objective(model.fit(X, y), X, y) == pytest.approx(before, rel=1e-8)
    again = pickle.loads(pickle.dumps(model)).fit(X[::2], y[::2])
    whole = GDRegressor("absolute_error", **EXACT).fit(X[::2], y[::2])
    assert_allclose(again.predict(X), whole.predict(X), atol=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        {"loss": "log_loss"},
        {"penalty": Box(0, 1)},
        {"loss": "multiclass_hinge"},
        {"loss": "perceptron"},
    ],
    ids=str,
)
def test_refuses(change):
    X, y = load_iris(return_X_y=True)
    model = GDClassifier("hinge", optimizer=InteriorPoint()).set_params(**change)
    with pytest.raises(ValueError, match="InteriorPoint needs a linear model"):
        model.fit(X, y)


@pytest.mark.parametrize("loss", [AbsoluteError(), Quantile(0.9), Hinge()], ids=repr)
def test_a_start_that_all_but_interpolates(loss):
    """It is close to the kinks, and far from the minimum of a larger penalty."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 90))
    score = X @ rng.normal(size=90)
    model, y = (GDClassifier, score > 0) if isinstance(loss, Hinge) else (GDRegressor, score)
    rule = {"optimizer": InteriorPoint()}
    near = model(loss, alpha=1e-4, warm_start=True, **rule).fit(X, y)
    start = {"coef_init": near.coef_, "intercept_init": near.intercept_}
    for alpha in (1e-2, 1e-1, 1.0):
        best = model(loss, alpha=alpha, tol=1e-9, **rule).fit(X, y).loss_curve_[-1]
        found = model(loss, alpha=alpha, **rule).fit(X, y, **start).loss_curve_[-1]
        at_zero = loss.value(np.asarray(y, float), np.zeros(100)).mean()
        assert found - best <= 1e-3 * (at_zero - best)
        assert near.set_params(alpha=alpha).fit(X, y).loss_curve_[-1] - best <= 1e-3 * at_zero


def test_auto_takes_it_for_few_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12_000, 2))
    y = X[:, 0] + rng.normal(size=12_000)
    many = Continuation(Newton())
    for n, expected in ((1000, InteriorPoint()), (12_000, many)):
        assert GDRegressor("absolute_error").fit(X[:n], y[:n]).optimizer_ == expected
    for change in ({"penalty": Box(0.0, 1.0)}, {"loss": "huber"}):
        model = GDRegressor("absolute_error").set_params(**change)
        assert model.fit(X[:500], y[:500]).optimizer_ == many


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("tol", [1e-4, 1e-12, None])
def test_no_noise_and_no_tube(tol):
    """Two kinks at one place, at which all rows end: as far as rounding allows is far enough."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(300, 20)) * 10.0 ** rng.uniform(-3, 3, 20)
        y = (X / X.std(axis=0)) @ rng.normal(size=(20, 3))
        model = GDRegressor(EpsilonInsensitive(0.0), alpha=1e-8, tol=tol, max_iter=100)
        model.fit(X, y, sample_weight=rng.random(300))
        assert model.stop_reason_ != "diverged" and model.score(X, y) > 0.999
