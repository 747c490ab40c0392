"""Training in the space that the rows span, against minima found otherwise."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import PredefinedSplit
from sklearn.svm import SVC

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import SquaredError
from sklgd.models import Linear
from sklgd.objective import Block, Problem, Targets
from sklgd.optimizers import (
    LBFGS,
    Columnwise,
    Continuation,
    DualFirst,
    InteriorPoint,
    Newton,
    RowSpace,
)
from sklgd.penalties import L2
from sklgd.row_basis import row_basis

FAR = 10.0 ** np.linspace(-7.0, 7.0, 240)
FORMS = [np.asarray, np.float32, sp.csr_matrix, sp.csr_array]


def make(n=40, p=240, seed=0, units=1.0):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, p))
    y = Z[:, :4].sum(axis=1) + 0.3 * rng.normal(size=n)
    return (Z + rng.normal(size=p)) * units, y


def problem_of(X, *, intercept=True, order=None, alpha=0.01, k=1):
    y = np.random.default_rng(1).normal(size=(X.shape[0], k))
    block = Block(X, Targets(y, k), None, SquaredError(), Linear(), intercept)
    return Problem(block, L2(alpha), order)


# -- the basis -------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [1.0, FAR], ids=["alike", "far"])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_predictions_and_norms_are_the_same_in_the_basis(form, intercept, k, units):
    X = form(make(units=units)[0])
    order = np.random.default_rng(2).permutation(40)[:30].astype(np.uint32)
    problem = problem_of(X, intercept=intercept, order=order, k=k)
    basis = row_basis(problem)
    rank = basis.features.shape[1]
    assert rank == 30 - intercept
    u = np.random.default_rng(3).normal(size=k * rank + intercept * k)
    params = basis.to_params(problem, u)
    weights, parts = params[: 240 * k].reshape(k, 240), u[: rank * k].reshape(k, rank)
    X = np.asarray(X.toarray() if sp.issparse(X) else X, dtype=np.float64)
    raw, known = X[order] @ weights.T, basis.features @ parts.T
    size = np.abs(X[order]) @ np.abs(weights.T)
    if intercept:
        raw, known = raw + params[240 * k :], known + u[rank * k :]
        size += np.abs(params[240 * k :])
    assert np.all(np.abs(raw - known) <= 1e-9 * size + 1e-9)
    assert_allclose(np.linalg.norm(weights, axis=1), np.linalg.norm(parts, axis=1), rtol=1e-6)
    assert_allclose(basis.from_params(problem, params), u, atol=1e-6)


def test_a_full_feature_far_from_zero_among_sparse_ones():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 240)) * (rng.random((40, 240)) < 0.1)
    y = X.sum(axis=1)
    X[:, 7] = 1e9 + 10.0 * rng.normal(size=40)
    model = GDRegressor(optimizer=RowSpace(Newton()), alpha=0.01).fit(sp.csr_matrix(X), y)
    X[:, 7] -= 1e9
    assert_allclose(model.coef_, Ridge(alpha=0.4, solver="svd").fit(X, y).coef_, atol=1e-6)


def test_entries_that_name_a_feature_twice_add_up():
    X, y = make()
    halves = sp.csr_matrix(X / 2.0)
    twice = sp.csr_matrix(
        (np.repeat(halves.data, 2), np.repeat(halves.indices, 2), 2 * halves.indptr), X.shape
    )
    model = GDRegressor(optimizer=RowSpace(Newton()), alpha=0.01)
    assert_allclose(model.fit(twice, y).coef_, model.fit(X, y).coef_, atol=1e-9)


@pytest.mark.parametrize("units", [1.0, FAR], ids=["alike", "far"])
def test_rows_that_repeat_add_nothing_to_the_basis(units):
    X = make(n=20, units=units)[0]
    problem = problem_of(np.vstack([X, X, X[:5]]))
    assert problem.row_basis.features.shape == (45, 19)


def test_features_without_variance_leave_the_constant():
    X, y = np.full((20, 80), 3.0), np.arange(20.0)
    model = GDRegressor(optimizer=RowSpace(Newton()), alpha=0.1).fit(X, y)
    assert_allclose(model.predict(X), 9.5)
    assert_array_equal(model.coef_, 0.0)


# -- the minima ------------------------------------------------------------------------------------


def test_squared_error_is_exact_in_one_step():
    X, y = make()
    model = GDRegressor(optimizer=RowSpace(Newton()), alpha=0.01).fit(X, y)
    known = Ridge(alpha=0.01 * len(y), solver="svd").fit(X, y)
    assert model.n_iter_ == 1 and model.stop_reason_ == "tol" and model.optimality_ < 1e-9
    assert_allclose(model.coef_, known.coef_, atol=1e-10)
    assert_allclose(model.intercept_, known.intercept_, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("intercept", [True, False])
def test_weighted_rows_of_several_targets(form, intercept):
    X, y = make()
    Y, weights = np.stack([y, -2.0 * y + X[:, 7]], axis=1), np.linspace(0.0, 2.0, 40)
    given = {"alpha": 0.01, "fit_intercept": intercept}
    model = GDRegressor(optimizer=RowSpace(Newton()), **given).fit(form(X), Y, weights)
    given["alpha"] *= weights.sum()
    known = Ridge(solver="svd", **given).fit(X, Y, weights)
    assert_allclose(model.coef_, known.coef_, atol=1e-5 if form is np.float32 else 1e-9)


def test_units_far_apart_keep_their_digits():
    # by the normal equations in units alike: the penalty of a feature is that of its unit
    X, y = make(units=FAR)
    model = GDRegressor(alpha=1e-4).fit(X, y)
    assert model.optimizer_ == RowSpace(Newton())
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    hess = Z.T @ Z / len(y) + np.diag(1e-4 / X.var(axis=0))
    known = np.linalg.solve(hess, Z.T @ (y - y.mean()) / len(y))
    raw = Z @ known + y.mean()
    value = 0.5 * np.mean((y - raw) ** 2) + 0.5e-4 * np.sum((known / X.std(axis=0)) ** 2)
    assert model.history_["objective"][-1] < value * (1.0 + 1e-6) + 1e-12


@pytest.mark.parametrize("far", [1e4, 1e6, 1e7])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize("intercept", [True, False])
def test_rows_that_differ_by_little_beside_what_they_have_in_common(intercept, form, far):
    # a mean without an intercept; with one, a direction in which they are far apart
    X, y = make()
    rng = np.random.default_rng(1)
    X += far * np.outer(rng.normal(size=40) if intercept else np.ones(40), rng.normal(size=240))
    model = GDRegressor(optimizer=RowSpace(Newton()), alpha=1e-4, fit_intercept=intercept)
    known = Ridge(alpha=1e-4 * 40, fit_intercept=intercept, solver="svd").fit(X, y)
    assert_allclose(model.fit(form(X), y).coef_, known.coef_, atol=1e-5)


def test_log_loss_is_that_of_logistic_regression():
    X, y = make(n=60)
    y = (y > 0.3).astype(int)
    model = GDClassifier(optimizer=RowSpace(Newton()), alpha=0.01, tol=1e-13).fit(X, y)
    known = LogisticRegression(C=1.0 / (0.01 * 60), tol=1e-10, max_iter=10_000).fit(X, y)
    assert_allclose(model.coef_, known.coef_, atol=1e-5)


def test_hinge_is_that_of_a_support_vector_machine():
    X, y = make(n=60)
    y = (y > 0.3).astype(int)
    model = GDClassifier("hinge", optimizer=RowSpace(InteriorPoint()), alpha=0.01, tol=1e-9)
    known = SVC(kernel="linear", C=1.0 / (0.01 * 60), tol=1e-10).fit(X, y)
    assert_allclose(model.fit(X, y).coef_, known.coef_, atol=1e-5)


def test_softmax_is_the_minimum_that_scipy_finds():
    X, y = make(n=30)
    y = np.digitize(y, [-1.0, 1.0])

    def value(theta):
        W, b = theta[:720].reshape(3, 240), theta[720:]
        raw = X @ W.T + b
        raw = raw - raw.max(axis=1, keepdims=True)
        logs = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
        draw = (np.exp(logs) - np.eye(3)[y]) / 30
        grad = np.concatenate([(draw.T @ X + 0.01 * W).ravel(), draw.sum(axis=0)])
        return -logs[np.arange(30), y].mean() + 0.005 * (W**2).sum(), grad

    options = {"gtol": 1e-9, "ftol": 0.0, "maxiter": 10_000}
    known = minimize(value, np.zeros(723), jac=True, method="L-BFGS-B", options=options)
    model = GDClassifier(optimizer=RowSpace(Newton()), alpha=0.01, tol=1e-13).fit(X, y)
    assert_allclose(model.coef_.ravel(), known.x[:720], atol=1e-5)


@pytest.mark.parametrize("units", [1.0, FAR], ids=["alike", "far"])
@pytest.mark.parametrize("loss", ["absolute_error", "huber", "epsilon_insensitive"])
def test_losses_with_kinks_end_where_training_on_the_features_does(loss, units):
    X, y = make(units=units)
    given = {"loss": loss, "alpha": 1e-3, "tol": 1e-7, "max_iter": 20_000}
    model = GDRegressor(**given).fit(X, y)
    assert isinstance(model.optimizer_, RowSpace)
    known = GDRegressor(**given, optimizer=Continuation(LBFGS(30, standardize=True)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # which far units take for ever
        known = known.fit(X, y).history_["objective"][-1]
    fall = np.abs(y - np.median(y)).mean()  # that of the best constant, and more
    assert model.history_["objective"][-1] - known <= 1e-7 * fall


# -- what a fit is asked for -----------------------------------------------------------------------


def test_parameters_to_start_from_are_a_start():
    X, y = make(n=60)
    y = (y > 0.0).astype(int)
    model = GDClassifier(optimizer=RowSpace(Newton()), alpha=0.01, warm_start=True)
    first = model.fit(X, y).n_iter_
    assert first > 1 and model.fit(X, y).n_iter_ == 1
    again = GDClassifier(optimizer=RowSpace(LBFGS()), alpha=0.01)
    again.fit(X, y, coef_init=model.coef_, intercept_init=model.intercept_)
    assert again.history_["objective"][0] <= model.history_["objective"][-1] * (1.0 + 1e-9)


def test_rows_kept_for_validation_are_not_trained_on():
    X, y = make(n=60)
    kept = PredefinedSplit([-1] * 50 + [0] * 10)
    given = {"early_stopping": True, "validation_fraction": kept, "alpha": 0.01}
    model = GDRegressor(optimizer=RowSpace(Newton()), **given).fit(X, y)
    known = Ridge(alpha=0.01 * 50, solver="svd").fit(X[:50], y[:50])
    assert_allclose(model.coef_, known.coef_, atol=1e-10)


def test_a_fitted_model_is_pickled_without_the_rows():
    X, y = make(n=100, p=1000)
    model = GDRegressor().fit(X, y)
    assert model.optimizer_ == RowSpace(Newton())
    packed = pickle.dumps(model)
    assert len(packed) < X.nbytes / 4
    assert_array_equal(pickle.loads(packed).predict(X), model.predict(X))


@pytest.mark.parametrize(
    "change",
    [{"penalty": "l1"}, {"penalty": None}, {"alpha": 0.0}, {"model": "mlp"}],
    ids=str,
)
def test_where_the_minimum_may_be_elsewhere_it_is_refused(change):
    X, y = make()
    model = GDRegressor(optimizer=RowSpace(LBFGS())).set_params(**change)
    with pytest.raises(ValueError, match="RowSpace needs a linear model and a plain L2 penalty"):
        model.fit(X, y)


def test_what_it_is_made_of_is_checked():
    with pytest.raises(ValueError, match=r"optimizer.*RowSpace"):
        GDRegressor(optimizer=RowSpace("newton")).fit(*make())


@pytest.mark.parametrize(
    ("n", "p", "change", "expected"),
    [
        (100, 900, {}, RowSpace(Newton())),
        (300, 900, {}, LBFGS(standardize=True)),
        (200, 900, {"loss": "absolute_error"}, RowSpace(InteriorPoint())),
        (300, 900, {"loss": "absolute_error"}, DualFirst(RowSpace(InteriorPoint()))),
        (100, 900, {"loss": "huber"}, RowSpace(Continuation(Newton()))),
        (100, 180, {}, Newton()),
        (100, 900, {"alpha": 0.0}, LBFGS(standardize=True)),
    ],
)
def test_auto_chooses_it_for_few_rows(n, p, change, expected):
    X, y = make(n, p)
    assert GDRegressor(**change).fit(X, y).optimizer_ == expected


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_auto_of_sparse_rows(loss):
    X, y = make(300, 900)
    sparse = GDRegressor(loss, tol=1e-9).fit(sp.csr_matrix(X), y)
    assert isinstance(sparse.optimizer_, RowSpace | DualFirst)
    dense = GDRegressor(loss, tol=1e-9, optimizer=sparse.optimizer_).fit(X, y)
    assert_allclose(sparse.coef_, dense.coef_, atol=1e-5)


def test_auto_of_unlike_targets():
    X, y = make(60, 600)
    model = GDRegressor("absolute_error").fit(X, np.stack([y, 1e4 * y], axis=1))
    assert model.optimizer_ == RowSpace(Columnwise(InteriorPoint()))
    alone = GDRegressor("absolute_error").fit(X, y)
    assert_allclose(model.coef_[0], alone.coef_, atol=1e-6)
