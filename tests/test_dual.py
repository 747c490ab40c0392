"""Stochastic dual coordinate ascent, and the proximal slopes it is made of."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import LinearConstraint, minimize, minimize_scalar
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import scale
from sklearn.svm import SVC, LinearSVC, LinearSVR

from loss_cases import kernel_of
from sklgd import GDClassifier, GDRegressor
from sklgd._kernels import adapters
from sklgd._kernels import losses as kernels
from sklgd._strategy import compose_kernel
from sklgd.losses import (
    LOSSES,
    EpsilonInsensitive,
    Hinge,
    Huber,
    LogLoss,
    MulticlassHinge,
    Quantile,
    SmoothHinge,
)
from sklgd.models import Linear
from sklgd.optimizers import SDCA, Columnwise, DualFirst, InteriorPoint, Newton, RowSpace
from sklgd.penalties import L2

PROXIMAL = [loss for loss in (cls() for cls in LOSSES.values()) if kernel_of(loss).proximal]
VARIANTS = [Huber(0.3), EpsilonInsensitive(0.5), Quantile(0.9), SmoothHinge(0.2), LogLoss(0.1)]
EXACT = {"tol": 1e-9, "max_iter": 20_000, "random_state": 0}
each_loss = pytest.mark.parametrize("loss", [*PROXIMAL, *VARIANTS], ids=repr)


def points(loss):
    """Targets, centers and step sizes."""
    rng = np.random.default_rng(0)
    classifies = loss.task == "classification"
    y = rng.integers(0, 2, 40).astype(float) if classifies else rng.standard_normal(40)
    return y, 3.0 * rng.standard_normal(40), (1e-3, 0.3, 1.0, 50.0)


def test_these_losses_have_a_proximal_slope():
    assert {type(loss).__name__ for loss in PROXIMAL} == {
        *("SquaredError", "AbsoluteError", "Huber", "EpsilonInsensitive", "Quantile"),
        *("Hinge", "SquaredHinge", "SmoothHinge", "MulticlassHinge", "LogLoss"),
    }


@each_loss
def test_proximal_slope_is_that_of_the_nearest_low_point(loss):
    y, center, steps = points(loss)
    for step in steps:
        slope = loss.proximal_slope(y, center, step)
        for target, middle, found in zip(y, center, center - step * slope, strict=True):

            def cost(r, target=target, middle=middle, step=step):
                value = loss.value(np.array([target]), np.array([r]))[0]
                return value + (r - middle) ** 2 / (2.0 * step)

            width = 1.0 + step
            bounds = (middle - 40 * width, middle + 40 * width)
            known = minimize_scalar(cost, bounds=bounds, method="bounded")
            assert cost(found) <= known.fun + 1e-12
            assert abs(found - known.x) <= 1e-3 * width


@each_loss
def test_kernel_equals_numpy(loss):
    y, center, steps = points(loss)
    kernel = compose_kernel(loss, adapters.PyLoss)
    for step in steps:
        found = kernels.proximal_slope(kernel, y, center, step)
        assert_allclose(found, loss.proximal_slope(y, center, step), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("raw", [-700.0, 700.0])
def test_logistic_slope_far_out(raw):
    for y in (0.0, 1.0):
        y, center = np.array([y]), np.array([raw])
        kernel = kernel_of(LogLoss())
        for step in (1e-3, 1e3):
            found = kernels.proximal_slope(kernel, y, center, step)
            assert_allclose(found, LogLoss().proximal_slope(y, center, step), atol=1e-9)


@pytest.mark.parametrize("step", [1e-20, 1e-3, 0.3, 1.0, 50.0, 1e6])
@pytest.mark.parametrize("loss", [MulticlassHinge(), LogLoss(), LogLoss(0.1)], ids=repr)
def test_joint_proximal_slope_is_that_of_the_nearest_low_point(loss, step):
    """The slope is a subgradient at the point to which it leads, so that this is the minimum."""
    rng = np.random.default_rng(0)
    y, center = rng.integers(0, 5, 40).astype(float), 3.0 * rng.standard_normal((40, 5))
    slope = loss.joint_proximal_slope(y, center, step)
    found = kernels.proximal_slope_joint(compose_kernel(loss, adapters.PyLoss), y, center, step)
    assert_allclose(found, slope, rtol=1e-8, atol=1e-12)
    raw = center - step * slope
    for other in (*np.eye(5)[:, None], *rng.standard_normal((20, 40, 5))):
        rise = loss.value(y, raw + other) - loss.value(y, raw)
        assert np.all(rise >= np.sum(slope * other, axis=1) - 1e-12 * (1.0 + step))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1e3])
@pytest.mark.parametrize("step", [1e-6, 1.0, 1e5])
def test_joint_proximal_slope_of_the_softmax_far_out(scale, step):
    rng = np.random.default_rng(0)
    y, center = rng.integers(0, 20, 50).astype(float), scale * rng.standard_normal((50, 20))
    kernel = kernel_of(LogLoss())
    found = kernels.proximal_slope_joint(kernel, y, center, step)
    proba = found + np.eye(20)[y.astype(int)]
    assert np.all(proba >= -1e-11) and np.all(proba <= 1.0 + 1e-11)
    assert_allclose(found.sum(axis=1), 0.0, atol=1e-12)
    raw = center - step * found
    assert_allclose(softmax(raw, axis=1), proba, atol=1e-9 * (1.0 + scale + step * 1e-4))


def test_losses_with_a_joint_proximal_slope():
    joint = {name for name, loss in LOSSES.items() if kernel_of(loss()).proximal_joint}
    assert joint == {"multiclass_hinge", "log_loss"}
    with pytest.raises(NotImplementedError, match="Hinge has no joint_proximal_slope"):
        Hinge().joint_proximal_slope(np.zeros(1), np.zeros((1, 2)), 1.0)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_softmax(make):
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    known = LogisticRegression(C=1 / (0.01 * len(y)), tol=1e-10, max_iter=10_000).fit(X, y)
    mine = GDClassifier(optimizer=SDCA(), alpha=0.01).set_params(**EXACT).fit(make(X), y)
    assert mine.stop_reason_ == "tol"
    assert_allclose(mine.coef_, known.coef_, atol=2e-4)
    assert_allclose(mine.predict_proba(X), known.predict_proba(X), atol=1e-4)


def test_a_subclass_with_another_gradient_has_no_proximal_slope():
    class Doubled(Hinge):
        def gradient(self, y, raw):
            return 2.0 * super().gradient(y, raw)

    class Own(Doubled):
        def proximal_slope(self, y, center, step):
            return 2.0 * super().proximal_slope(y, center, 2.0 * step)

    assert kernel_of(Hinge()).proximal
    assert not kernel_of(Doubled()).proximal and not kernel_of(Own()).proximal
    assert SDCA.suits(Hinge(), L2(0.1), Linear())
    assert not SDCA.suits(Own(), L2(0.1), Linear())  # which is not compiled


# -- minima --------------------------------------------------------------------------------


def test_svc(cancer):
    X, y = cancer
    known = LinearSVC(loss="hinge", C=0.1, fit_intercept=False, tol=1e-10, max_iter=100_000)
    mine = GDClassifier("hinge", optimizer=SDCA(), alpha=1 / (0.1 * len(y)), fit_intercept=False)
    mine.set_params(**EXACT).fit(X, y)
    assert mine.stop_reason_ == "tol"
    assert_allclose(mine.coef_, known.fit(X, y).coef_, atol=1e-4)


def test_svr(diabetes):
    X, y = diabetes
    known = LinearSVR(epsilon=10.0, C=0.1, fit_intercept=False, tol=1e-10, max_iter=100_000)
    mine = GDRegressor(EpsilonInsensitive(10.0), optimizer=SDCA(), alpha=1 / (0.1 * len(y)))
    mine.set_params(fit_intercept=False, **EXACT).fit(X, y)
    assert_allclose(mine.coef_, known.fit(X, y).coef_, rtol=1e-3, atol=1e-3)


def test_ridge_with_weights(diabetes):
    X, y = diabetes
    weights = np.random.default_rng(0).uniform(0.1, 2.0, len(y))
    known = Ridge(alpha=0.1 * weights.sum()).fit(X, y, weights)
    mine = GDRegressor(optimizer=SDCA(), alpha=0.1, **EXACT).fit(X, y, weights)
    assert_allclose(mine.coef_, known.coef_, rtol=1e-4, atol=1e-4)
    assert mine.intercept_ == pytest.approx(known.intercept_, rel=1e-5)


def test_logistic_regression(cancer):
    X, y = cancer
    known = LogisticRegression(C=1 / (0.01 * len(y)), tol=1e-10, max_iter=10_000).fit(X, y)
    mine = GDClassifier(optimizer=SDCA(), alpha=0.01, **EXACT).fit(X, y)
    assert_allclose(mine.coef_, known.coef_, atol=1e-4)
    assert_allclose(mine.intercept_, known.intercept_, atol=1e-4)


@pytest.mark.parametrize("loss", [Hinge(), LogLoss(multi_class="ovr")], ids=repr)
def test_classes_are_columns_of_their_own(loss):
    X, y = load_iris(return_X_y=True)
    exact = {**EXACT, "tol": 1e-8 if loss == Hinge() else 1e-10}
    together = GDClassifier(loss, optimizer=SDCA(), alpha=0.1, **exact).fit(X, y)
    for c in range(3):
        alone = GDClassifier(loss, optimizer=SDCA(), alpha=0.1, **exact).fit(X, y == c)
        assert_allclose(together.coef_[c], alone.coef_[0], atol=1e-3)
        assert_allclose(together.intercept_[c], alone.intercept_[0], atol=3e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_is_dense(cancer, dtype):
    X, y = cancer
    X = np.where(X > 0.5, X, 0.0).astype(dtype)
    dense, sparse = (
        GDClassifier("hinge", optimizer=SDCA(), alpha=0.01, random_state=0).fit(Z, y)
        for Z in (X, sp.csr_array(X))
    )
    assert dense.n_iter_ == sparse.n_iter_
    assert_allclose(dense.coef_, sparse.coef_, rtol=1e-4, atol=1e-6)


def test_the_intercept_is_not_penalised():
    X, y = load_diabetes(return_X_y=True)
    mine = GDRegressor("absolute_error", optimizer=SDCA(), alpha=1e3, **EXACT).fit(scale(X), y)
    assert mine.intercept_ == pytest.approx(np.median(y), abs=1.0)


def test_tol_bounds_the_distance(cancer):
    X, y = cancer
    for loss in ("hinge", "log_loss"):
        best = GDClassifier(loss, alpha=1e-2, tol=1e-10).fit(X, y).loss_curve_[-1]
        for tol in (1e-2, 1e-4):
            model = GDClassifier(loss, optimizer=SDCA(), alpha=1e-2, tol=tol, random_state=0)
            model.set_params(max_iter=5000).fit(X, y)
            assert model.stop_reason_ == "tol"
            raw = model.decision_function(X)
            value = model.loss_.value(y.astype(float), raw).mean() + 5e-3 * np.sum(model.coef_**2)
            assert value - best <= tol


# -- states --------------------------------------------------------------------------------


def test_a_warm_start_goes_on(cancer):
    X, y = cancer
    model = GDClassifier("hinge", optimizer=SDCA(), alpha=1e-2, max_iter=1, tol=None)
    model.set_params(warm_start=True, random_state=0)
    objectives = [model.fit(X, y).loss_curve_[-1] for _ in range(30)]
    whole = GDClassifier("hinge", optimizer=SDCA(), alpha=1e-2, random_state=0).fit(X, y)
    assert objectives[-1] <= whole.loss_curve_[-1] * 1.05
    other = model.fit(X[::2], y[::2])  # other data, other slopes
    assert np.isfinite(other.coef_).all()


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_crammer_singer(make):
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    known = LinearSVC(
        multi_class="crammer_singer", C=0.1, fit_intercept=False, tol=1e-10, max_iter=100_000
    )
    mine = GDClassifier("multiclass_hinge", optimizer=SDCA(), alpha=1 / (0.1 * len(y)))
    mine.set_params(fit_intercept=False, **EXACT).fit(make(X), y)
    assert mine.stop_reason_ == "tol"
    assert_allclose(mine.coef_, known.fit(X, y).coef_, atol=1e-4)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_crammer_singer_with_weights_and_intercepts(make):
    """The quadratic program, with a slack for each row."""
    X, y = load_iris(return_X_y=True)
    X, y = scale(X)[::5], y[::5]
    n, p, k, alpha = *X.shape, 3, 0.05
    weights = np.random.default_rng(0).integers(0, 4, n).astype(float)
    rows = []
    for i in range(n):
        for c in range(k):
            lead, intercept = np.zeros((k, p)), np.zeros(k)
            lead[y[i]] += X[i]
            lead[c] -= X[i]
            intercept[y[i]] += 1.0
            intercept[c] -= 1.0
            rows.append([*lead.ravel(), *intercept, *np.eye(n)[i]])
    leads = LinearConstraint(np.array(rows), (np.arange(k) != y[:, None]).ravel(), np.inf)
    share = weights / weights.sum()

    def objective(v):
        return alpha / 2 * v[: k * p] @ v[: k * p] + share @ v[k * p + k :]

    def slope(v):
        return np.concatenate([alpha * v[: k * p], np.zeros(k), share])

    start = np.concatenate([np.zeros(k * p + k), np.ones(n)])
    known = minimize(objective, start, jac=slope, constraints=leads, method="SLSQP", tol=1e-12)
    assert known.success
    mine = GDClassifier("multiclass_hinge", optimizer=SDCA(), alpha=alpha, **EXACT)
    mine.fit(make(X), y, weights)
    assert mine.history_["objective"][-1] == pytest.approx(known.fun, rel=1e-6)
    assert_allclose(mine.coef_.ravel(), known.x[: k * p], atol=1e-3)


@pytest.mark.parametrize(
    "optimizer", [SDCA(), DualFirst(Newton()), Columnwise(SDCA()), RowSpace(SDCA())], ids=repr
)
def test_random_state(cancer, optimizer):
    """Also of the problems that others pose."""
    X, y = cancer
    fits = [
        GDClassifier("hinge", optimizer=optimizer, random_state=seed, max_iter=3, tol=None).fit(
            X[:100], y[:100]
        )
        for seed in (0, 0, 1)
    ]
    assert_array_equal(fits[0].coef_, fits[1].coef_)
    assert not np.array_equal(fits[0].coef_, fits[2].coef_)


def test_rows_without_entries():
    X = sp.csr_array(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 0.0]]))
    model = GDClassifier("hinge", optimizer=SDCA(), fit_intercept=False, alpha=0.1, **EXACT)
    assert_allclose(model.fit(X, [0, 1, 0, 1]).coef_, [[1.0, 1.0]], atol=1e-6)
    assert model.stop_reason_ == "tol"


@pytest.mark.parametrize(
    "change",
    [
        {"penalty": "l1"},
        {"penalty": None},
        {"alpha": 0.0},
        {"loss": "focal"},
        {"loss": "modified_huber"},
    ],
    ids=str,
)
def test_refuses(change):
    X, y = load_iris(return_X_y=True)
    model = GDClassifier("hinge", optimizer=SDCA()).set_params(**change)
    with pytest.raises(ValueError, match=r"SDCA needs a linear model, an? .*|a plain L2 penalty"):
        model.fit(X, y)


def test_auto_takes_it_for_text():
    rng = np.random.default_rng(0)
    X = sp.random_array((300, 2000), density=0.01, format="csr", rng=rng)
    X = sp.csr_array(X / np.sqrt(X.power(2).sum(axis=1))[:, None])
    y = (X @ rng.standard_normal(2000) > 0).astype(int)
    for loss in ("hinge", "squared_hinge", "multiclass_hinge"):
        for labels in (y, np.arange(300) % 4):
            assert isinstance(GDClassifier(loss).fit(X, labels).optimizer_, DualFirst)
    assert isinstance(GDClassifier("log_loss").fit(X, y).optimizer_, DualFirst)
    for loss in ("hinge", "log_loss", "multiclass_hinge"):
        for no in ({"penalty": "l1"}, {"alpha": 0.0}, {"penalty": None}):
            model = GDClassifier(loss, max_iter=2, tol=None).set_params(**no).fit(X, y)
            assert not isinstance(model.optimizer_, SDCA | DualFirst)


@pytest.mark.parametrize("seed", range(6))
def test_tol_holds_for_few_rows_with_many_features(seed):
    """Where visits move the raw predictions of all rows, the gap at the end is another."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((195, 1200)) * np.geomspace(0.05, 0.5, 6)[seed]
    raw = X @ rng.standard_normal(1200)
    y = raw + raw.std() * rng.standard_normal(195) > np.quantile(raw, 0.97)
    alpha = 0.01

    def objective(weights, intercept):
        margins = np.where(y, 1.0, -1.0) * (X @ weights.ravel() + intercept)
        return np.maximum(1.0 - margins, 0.0).mean() + alpha / 2 * np.sum(weights**2)

    exact = SVC(kernel="linear", C=1.0 / (alpha * len(y)), tol=1e-8).fit(X, y)
    least = objective(exact.coef_, exact.intercept_)
    constant = objective(np.zeros(1200), 1.0 if y.mean() > 0.5 else -1.0)
    model = GDClassifier("hinge", optimizer=SDCA(), alpha=alpha, random_state=0).fit(X, y)
    assert objective(model.coef_, model.intercept_) - least <= 1e-3 * (constant - least)
    assert model.history_["objective"][-1] == pytest.approx(
        objective(model.coef_, model.intercept_), rel=1e-9
    )


def test_rows_whose_slopes_stay_rest(cancer, monkeypatch):
    """Most rows of a hinge end at a bound of their slopes; the minimum is that of all rows."""
    X, y = cancer
    due, of_all = [], SDCA._due

    def counted(self, *args):
        due.append(of_all(self, *args))
        return due[-1]

    monkeypatch.setattr(SDCA, "_due", counted)
    model = GDClassifier("hinge", optimizer=SDCA(), alpha=0.1, **EXACT).fit(X, y)
    rows = [rows for _, [(_, rows)] in due]
    assert len(rows[0]) == len(rows[1]) == len(X)
    assert np.mean([len(each) for each in rows]) < 0.7 * len(X)
    assert all(len(np.unique(each)) == len(each) for each in rows)
    reference = SVC(kernel="linear", C=10.0 / len(X), tol=1e-9).fit(X, y)
    assert_allclose(model.coef_, reference.coef_, atol=1e-4)


def test_scores_that_end_level_up_to_rounding():
    """Where most rows are empty, those of several classes stay level: no search may go round."""
    rng = np.random.default_rng(0)
    X = sp.random_array((30, 600), density=1 / 600, format="csr", rng=rng)
    X.data[:] = 10.0
    model = GDClassifier("multiclass_hinge", random_state=0).fit(X, rng.integers(0, 3, 30))
    assert model.stop_reason_ == "tol"


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_an_intercept_that_few_rows_can_follow(loss):
    """Where rows make up for any intercept their slopes' sum hardly tells how far it is off."""
    X = sp.csr_array(np.diag(np.r_[[2.0**0.5] * 2, [316.0] * 998]))
    y = np.r_[[1.0] * 2, [0.0] * 998]
    model = GDRegressor(loss, optimizer=SDCA(), random_state=0).fit(X, y)
    assert model.stop_reason_ == "tol" and model.intercept_[0] > 0.5


@pytest.mark.parametrize("loss", [LogLoss(0.1), "multiclass_hinge"])
def test_steps_that_rounding_spoils_are_no_end(loss):
    rng = np.random.default_rng(0)
    X = 1e6 * sp.random_array((100, 1000), density=0.02, format="csr", rng=rng)
    y = rng.integers(0, 3, 100)
    found = GDClassifier(loss).fit(X, y).history_["objective"][-1]
    known = GDClassifier(loss, alpha=1e-16).fit(X / 1e6, y)
    assert found == pytest.approx(known.history_["objective"][-1], abs=1e-3)


def test_all_rows_of_uneven_weight_are_measured():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((9000, 40)), rng.integers(0, 2, 9000)
    weights = rng.pareto(0.7, 9000)
    given = {"alpha": 0.1, "random_state": 0}
    model = GDClassifier("hinge", optimizer=SDCA(), **given).fit(X, y, weights)
    exact = GDClassifier("hinge", optimizer=InteriorPoint(), tol=1e-9, **given).fit(X, y, weights)
    shares = weights[:, None] * (y[:, None] == [0, 1]) / weights.sum()
    constant = 2.0 * shares.sum(axis=0).min()
    least = exact.history_["objective"][-1]
    margins = np.where(y, 1.0, -1.0) * model.decision_function(X)
    found = np.average(np.maximum(1.0 - margins, 0.0), weights=weights)
    found += 0.05 * np.sum(model.coef_**2)
    assert found - least <= 1e-3 * (constant - least)


def test_slopes_that_are_no_numbers_are_no_start(cancer):
    X, y = cancer
    model = GDClassifier("hinge", optimizer=SDCA(), alpha=0.1, warm_start=True, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(X * 1e160, y)
    assert model.fit(X, y).stop_reason_ == "tol"


def test_all_rows_may_rest():
    """Without ``tol`` nothing ends that, and nothing moves."""
    X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), [0, 0, 1, 1]
    weights = np.array([1.0, 2.0, 2.0, 1.0])
    model = GDClassifier("hinge", optimizer=SDCA(), alpha=4.0, tol=None, max_iter=60)
    model.set_params(fit_intercept=False, random_state=0).fit(X, y, weights)
    # no margin reaches one, so all slopes are at a bound, and w is the mean of y x / alpha
    assert_allclose(model.coef_, [[8.0 / 6.0 / 4.0]])
    assert_allclose(model.history_["loss"][-1], 1.0 - 8.0 / 6.0 / 3.0)


@pytest.mark.parametrize("make", [sp.csr_matrix, lambda X: X.toarray()], ids=["sparse", "dense"])
@pytest.mark.parametrize("loss, form", [("hinge", "ovr"), ("multiclass_hinge", "crammer_singer")])
def test_auto_takes_it_for_weak_ridges_of_kinks_where_features_outnumber_rows(loss, form, make):
    rng = np.random.default_rng(0)
    X = make(sp.random_array((400, 2000), density=0.02, format="csr", rng=rng))
    y = (X @ rng.standard_normal((2000, 5)) + 0.5 * rng.gumbel(size=(400, 5))).argmax(axis=1)
    alpha = 1e-5
    model = GDClassifier(loss, alpha=alpha, fit_intercept=False, random_state=0).fit(X, y)
    assert isinstance(model.optimizer_, DualFirst) and model.n_iter_ < 50
    few = GDClassifier(loss, alpha=alpha, max_iter=2, tol=None).fit(X[:, :390], y)
    assert not isinstance(few.optimizer_, DualFirst)

    def objective(coef):
        raw, own = X @ coef.T, np.arange(5) == y[:, None]
        if loss == "hinge":
            losses = np.maximum(1.0 - np.where(own, raw, -raw), 0.0).sum(axis=1)
        else:
            losses = np.max(raw + ~own, axis=1) - raw[own]
        return losses.mean() + alpha / 2.0 * np.sum(coef**2)

    exact = LinearSVC(
        loss="hinge", C=1 / (alpha * 400), multi_class=form, fit_intercept=False, tol=1e-7,
        max_iter=100_000, random_state=0,
    )  # fmt: skip
    least = objective(exact.fit(X, y).coef_)
    constant = objective(np.zeros((5, 2000)))
    assert objective(model.coef_) - least <= 1e-3 * (constant - least)


@pytest.mark.parametrize("each", [1, 2, 5])
@pytest.mark.parametrize("alpha", [1.0, 0.01])
def test_warm_starts_of_few_iterations_end_where_many_do(alpha, each):
    X, y = load_diabetes(return_X_y=True)
    X = X / X.std(axis=0)
    model = GDRegressor(optimizer="sdca", alpha=alpha, max_iter=100, tol=None, random_state=0)
    expected = model.fit(X, y).coef_.copy()
    again = clone(model).set_params(warm_start=True, max_iter=each)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(100 // each):
            again.fit(X, y)
    assert_allclose(again.coef_, expected, rtol=1e-4, atol=1e-3)


def test_a_warm_start_with_other_targets_finds_another_pace():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = X @ [1.0, 2.0, 3.0] + 0.1 * rng.normal(size=60)
    model = GDRegressor("huber", optimizer="sdca", alpha=1.0, tol=1e-6, warm_start=True)
    model.set_params(random_state=0, max_iter=3000)
    anew = clone(model).fit(X, y + 1e3).n_iter_
    assert model.fit(X, y).fit(X, y + 1e3).n_iter_ <= 4 * anew
