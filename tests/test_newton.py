"""Newton's method: its second derivatives, its linear algebra, and where it ends."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.linear_model import ElasticNet as SkElasticNet
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.preprocessing import scale
from sklgd._kernels.cholesky import factored, solved
from sklgd._kernels.curvature import Curvature
from sklgd._kernels.descent import descend

from sklgd import GDClassifier, GDRegressor
from sklgd.coordinates import Coordinates
from sklgd.losses import LOSSES, LogLoss, Loss, SoftLogLoss, SquaredError
from sklgd.models import Linear
from sklgd.objective import BLOCK_ROWS, Block, Problem, Targets
from sklgd.optimizers import FISTA, LBFGS, CoordinateNewton, Newton
from sklgd.optimizers._quadratic import QuadraticModel
from sklgd.penalties import L1, L2, MCP, Box, ElasticNet, GroupLasso, Penalty
from sklgd.second_order import SecondOrder

CONVEX = [name for name, cls in LOSSES.items() if cls.smooth and name not in ("cauchy", "focal")]


# -- second derivatives of the objective -----------------------------------------------------


def problem_of(X, k, loss, *, weights=None, order=None, intercept=True, penalty=None, threads=1):
    rng = np.random.default_rng(1)
    n = X.shape[0]
    joint, soft = loss.joint and k > 1, loss.soft_targets and k > 1
    if soft:
        y = rng.dirichlet(np.ones(k), n)
    elif joint:
        y = rng.integers(0, k, n).astype(float)
    else:
        y = rng.integers(0, 2, (n, k) if k > 1 else n).astype(float)
    targets = Targets(y, k, joint=joint, soft=soft)
    return Problem(Block(X, targets, weights, loss, Linear(), intercept), penalty, order, threads)


def by_numpy(problem, u, space):
    """Return the second derivatives in standardised coordinates, from the NumPy definitions."""
    block, k = problem.block, problem.n_raw
    X = block.X.toarray() if sparse.issparse(block.X) else block.X.astype(float)
    rows = slice(None) if problem.order is None else problem.order
    Z = (X[rows] - (0.0 if space.shift is None else space.shift)) / space.scale
    Z = np.c_[Z, np.ones(len(Z))] if problem.n_params > problem.n_weights else Z
    s = np.ones(len(Z)) if block.weights is None else block.weights[rows]
    p = problem.n_features
    U = np.c_[u[: k * p].reshape(k, p), u[k * p :].reshape(k, -1)]
    raw, y = Z @ U.T, block.targets.y[rows]
    bend = block.loss.hessian(y, raw if raw.ndim == y.ndim or block.targets.joint else raw[:, 0])
    ridge = np.zeros(Z.shape[1])
    ridge[:p] = problem.smooth_curvature.reshape(k, p)[0] / space.scale**2
    if block.targets.joint:
        whole = np.einsum("i,ice,ij,il->cjel", s, bend, Z, Z) / s.sum()
        size = k * Z.shape[1]
        return whole.reshape(1, size, size) + np.diag(np.tile(ridge, k))
    bend = bend.reshape(len(Z), k)
    return np.einsum("i,ic,ij,il->cjl", s, bend, Z, Z) / s.sum() + np.diag(ridge)


@pytest.mark.parametrize("form", ["f8", "f4", "csr", "csr4"])
@pytest.mark.parametrize(
    "k, loss",
    [
        (1, LogLoss()),
        (3, LogLoss()),
        (3, SoftLogLoss()),
        (3, SquaredError()),
        (2, LogLoss(multi_class="ovr")),
    ],
)
@pytest.mark.parametrize("intercept", [True, False])
def test_second_derivatives(form, k, loss, intercept):
    rng = np.random.default_rng(0)
    X = rng.normal(3.0, 2.0, (301, 21)) * (rng.random((301, 21)) < 0.4)
    X = X.astype(np.float32 if "4" in form else np.float64)
    X = sparse.csr_matrix(X) if "csr" in form else X
    shift = rng.normal(size=21) if "f" in form else None
    space = Coordinates(rng.uniform(0.5, 2.0, 21), shift, k)
    if not intercept:
        space.shift = None
    weights = rng.uniform(0.0, 2.0, 301) * (rng.random(301) < 0.9)
    for order in (None, np.sort(rng.permutation(301)[:200]).astype(np.uint32)):
        problem = problem_of(X, k, loss, weights=weights, order=order, intercept=intercept,
                             penalty=L2(0.3))  # fmt: skip
        u = 0.1 * rng.normal(size=problem.n_params)
        params = space.to_params(u)
        found = problem.second_order(space).at(params, u)
        expected = by_numpy(problem, u, space)
        assert len(found.hess) == (1 if loss.quadratic else len(expected))  # which all share
        found_hess = np.broadcast_to(found.hess, expected.shape)
        assert_allclose(found_hess, expected, rtol=1e-10, atol=1e-12)
        loss_there, grad = problem.value_and_gradient(params)
        assert found.loss == pytest.approx(loss_there, rel=1e-12)
        assert_allclose(found.grad, space.gradient(grad), rtol=1e-9, atol=1e-12)


def test_entries_of_sparse_rows_may_stand_in_any_order_and_twice():
    rng = np.random.default_rng(0)
    indices = rng.integers(0, 5, 60)
    X = sparse.csr_matrix((rng.normal(size=60), indices, np.arange(0, 61, 6)), shape=(10, 5))
    assert not X.has_canonical_format
    space = Coordinates(np.ones(5), None, 1)
    found, expected = (
        problem_of(form, 1, LogLoss()).second_order(space).at(np.ones(6), np.ones(6))
        for form in (X, X.toarray())
    )
    assert_allclose(found.hess, expected.hess, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("k", [1, 3])
def test_sparse_rows_in_centred_coordinates(k):
    """As dense ones in the same coordinates, a softmax, too."""
    rng = np.random.default_rng(0)
    shift = np.array([0.0, 30.0, -7.0, 0.0])
    X = rng.normal(size=(60, 4)) + shift
    space = Coordinates(np.array([1.0, 2.0, 0.5, 3.0]), shift, k)
    u = rng.normal(size=5 * k)
    found, expected = (
        problem_of(form, k, LogLoss()).second_order(space).at(space.to_params(u), u)
        for form in (sparse.csr_matrix(X), X)
    )
    assert found.loss == pytest.approx(expected.loss, rel=1e-12)
    assert_allclose(found.grad, expected.grad, rtol=1e-10, atol=1e-13)
    assert_allclose(found.hess, expected.hess, rtol=1e-10, atol=1e-12)


def test_an_ill_conditioned_model_with_a_lasso_is_solved():
    """By coordinate descent alone it would take millions of sweeps."""
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(18, 18)))[0]
    hess = (basis * np.geomspace(1e-8, 1.0, 18)) @ basis.T
    slope, l1 = hess @ (10.0 * rng.normal(size=18)), np.full(18, 1e-4)
    model = QuadraticModel(hess[None], Coordinates(np.ones(17), None, 1), np.zeros((1, 17)))
    target, change = model.descend(np.zeros(18), slope, (l1, np.full(18, -np.inf), l1 + np.inf))
    rest = hess @ target + slope
    at_zero = target == 0.0
    assert 0 < at_zero.sum() < 18
    assert_allclose(rest[~at_zero], -l1[0] * np.sign(target[~at_zero]), rtol=1e-4)
    assert np.abs(rest[at_zero]).max() <= l1[0] * (1 + 1e-4)
    assert change == pytest.approx(slope @ target + 0.5 * target @ hess @ target, rel=1e-6)


def test_a_threshold_pulls_to_zero_what_nothing_else_holds():
    """A feature that is zero everywhere has no curvature: its weight may be of another fit."""
    X = np.random.default_rng(0).normal(size=(50, 3))
    X[:, 1] = 0.0
    for optimizer in (Newton(), CoordinateNewton()):
        model = GDRegressor(penalty="l1", alpha=1e-3, optimizer=optimizer, tol=1e-8)
        model.fit(X, X[:, 0], coef_init=[0.0, 2.0, 0.0])
        assert model.coef_[1] == 0.0 and model.coef_[0] > 0.9


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_any_number_of_threads_gives_the_same_bits(form, eager_threads):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5 * BLOCK_ROWS + 17, 6))
    space = Coordinates(np.ones(6), None, 1)
    u = rng.normal(size=7)
    first = problem_of(form(X), 1, LogLoss()).second_order(space).at(u, u)
    for threads in (2, 3):
        other = problem_of(form(X), 1, LogLoss(), threads=threads).second_order(space).at(u, u)
        assert other.loss == first.loss
        assert_array_equal(other.grad, first.grad)
        assert_array_equal(other.hess, first.hess)
    assert eager_threads


def test_rows_without_curvature_are_left_out():
    """In the kernel; the result is the same."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 9)), rng.normal(size=200)
    problem = Problem(Block(X, Targets(y, 1), None, LOSSES["huber"](0.2), Linear(), True), None)
    space = Coordinates(np.ones(9), None, 1)
    near = np.abs(y) <= 0.2
    assert 10 < near.sum() < 100
    Z = np.c_[X, np.ones(200)][near]
    found = problem.second_order(space).at(np.zeros(10), np.zeros(10)).hess[0]
    assert_allclose(found, Z.T @ Z / 200, rtol=1e-12, atol=1e-14)


def test_curvature_says_how_its_sums_are_laid_out():
    problem = problem_of(np.ones((3, 5)), 3, LogLoss())
    kernel = Curvature(problem.objective, np.zeros(5), np.ones(5))
    assert (kernel.q, kernel.n_grams) == (6, 6)


# -- linear algebra --------------------------------------------------------------------------


@pytest.mark.parametrize("q", [1, 7, 8, 32, 40, 133])
def test_scaled_cholesky(q):
    rng = np.random.default_rng(q)
    A = rng.normal(size=(2 * q, q))
    A = A.T @ A
    units = 10.0 ** rng.integers(-9, 9, q)
    A, b = units[:, None] * A * units, units * rng.normal(size=q)
    U, scale = factored(A)
    assert_allclose(scale, 1.0 / np.sqrt(np.diagonal(A)), rtol=1e-14)
    factor = np.triu(U)[:q, :q]
    assert_allclose(factor, np.linalg.cholesky(scale[:, None] * A * scale).T, atol=1e-10)
    assert_allclose(A @ solved(U, scale, b) / units, b / units, atol=1e-9)
    with pytest.raises(ValueError, match="square"):
        factored(np.ones((q, q + 1)))
    with pytest.raises(ValueError, match="as many entries"):
        solved(U, scale, np.ones(q + 1))


def test_what_has_no_cholesky_factor_gets_one_of_something_near():
    ones = np.ones((3, 3))
    U, scale = factored(ones)  # singular: the diagonal gains next to nothing
    assert_allclose(np.triu(U)[:3, :3].T @ np.triu(U)[:3, :3], ones, atol=1e-10)
    U, scale = factored(np.diag([1.0, -0.5, 4.0]))  # not definite: it gains what it needs
    assert np.all(np.diagonal(U) > 0.0)
    for wrong in (np.nan, np.inf):
        U, scale = factored(np.diag([wrong, 1.0]))
        assert np.isfinite(solved(U, scale, np.ones(2))).all()


@pytest.mark.parametrize("l1", [0.0, 0.5])
@pytest.mark.parametrize("low, high", [(-np.inf, np.inf), (0.0, np.inf), (-0.2, 0.3)])
def test_coordinate_descent_meets_the_conditions_of_a_minimum(l1, low, high):
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(40, 12)), rng.normal(size=12)
    H, u, slope = A.T @ A / 40, np.full(12, 0.1), None
    slope = H @ u - b
    bounds = (np.full(12, value) for value in (l1, low, high))
    descend(H, slope, u, *bounds, 1e-15, 10_000)
    assert_allclose(slope, H @ u - b, atol=1e-12)
    up, down = slope + np.where(u < 0, -l1, l1), slope - np.where(u > 0, -l1, l1)
    assert (up >= -1e-6)[u < high].all() and (down <= 1e-6)[u > low].all()
    if l1:
        assert (u == 0).any()
    if high < 1:
        assert (u == high).any() and (u == low).any()


# -- where it ends ---------------------------------------------------------------------------


def gradient_by_numpy(model, X, y):
    """Return the gradient of the whole objective, in plain NumPy."""
    raw = X @ model.coef_.ravel() + model.intercept_
    draw = model.loss_.gradient(y, raw) / len(y)
    return np.append(X.T @ draw + model.penalty_.alpha * model.coef_.ravel(), draw.sum())


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("name", CONVEX)
def test_reaches_the_minimum_of_every_convex_smooth_loss(name, form):
    loss = LOSSES[name]()
    if loss.task == "classification":
        X, y = load_breast_cancer(return_X_y=True)
        X, model = scale(X), GDClassifier(loss)
    else:
        X, y = load_diabetes(return_X_y=True)
        y = y / 100
        X, model = scale(X), GDRegressor(loss)
    model.set_params(optimizer=Newton(), alpha=1e-2, tol=1e-13).fit(form(X), y)
    size = np.linalg.norm(gradient_by_numpy(model, X, y))
    model.coef_, model.intercept_ = 0.0 * model.coef_, 0.0 * model.intercept_
    assert size <= 2e-6 * np.linalg.norm(gradient_by_numpy(model, X, y))
    assert model.n_iter_ <= 20 and model.stop_reason_ == "tol"


@pytest.mark.parametrize("name", ["cauchy", "focal"])
def test_descends_losses_that_are_not_convex(name):
    X, y = (load_diabetes if name == "cauchy" else load_breast_cancer)(return_X_y=True)
    model = (GDRegressor if name == "cauchy" else GDClassifier)(name, optimizer=Newton())
    model.set_params(alpha=1e-3, tol=1e-10, max_iter=300)
    model.fit(scale(X), y / 100 if name == "cauchy" else y)
    assert model.stop_reason_ == "tol" and model.optimality_ < 1e-3
    assert (np.diff(model.history_["objective"]) <= 0).all()


def raw_data(n=3000, seed=0):
    """Features of very different sizes and means, and one that is constant."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 8)) @ rng.normal(size=(8, 8))
    X = X * 10.0 ** np.arange(-4, 4) + 10.0 ** np.arange(-3, 5)
    return np.c_[X, np.full(n, 7.0)], X @ 10.0 ** -np.arange(-4.0, 4.0) + rng.normal(size=n)


@pytest.mark.parametrize("alpha", [0.0, 1e-4, 1.0])
def test_squared_error_takes_one_step(alpha):
    X, y = raw_data()
    model = GDRegressor(optimizer=Newton(), alpha=alpha).fit(X, y)
    assert model.n_iter_ == 1 and model.stop_reason_ == "tol"
    centred, target = X - X.mean(axis=0), y - y.mean()
    exact = Ridge(alpha=alpha * len(y), solver="svd", fit_intercept=False).fit(centred, target)
    assert_allclose(model.coef_[:8], exact.coef_[:8], rtol=1e-6, atol=1e-10)
    assert_allclose(model.predict(X), y.mean() + centred @ exact.coef_, rtol=1e-8)


def test_units_do_not_matter():
    X, y = raw_data()
    y = (y > np.median(y)).astype(int)
    raw = GDClassifier(optimizer=Newton(), penalty=None, tol=1e-9).fit(X, y)
    scaled = GDClassifier(optimizer=Newton(), penalty=None, tol=1e-9).fit(scale(X), y)
    assert abs(raw.n_iter_ - scaled.n_iter_) <= 1
    assert raw.history_["loss"][-1] == pytest.approx(scaled.history_["loss"][-1], rel=1e-8)


@pytest.mark.parametrize("optimizer", [Newton(), LBFGS(), LBFGS(standardize=True)], ids=repr)
@pytest.mark.parametrize("name", ["log_loss", "huber", "squared_hinge", "log_cosh"])
def test_the_objective_never_rises(name, optimizer):
    loss = LOSSES[name]
    classify = loss.task == "classification"
    X, y = (load_breast_cancer if classify else load_diabetes)(return_X_y=True)
    model = (GDClassifier if classify else GDRegressor)(name, optimizer=optimizer, tol=1e-12)
    model.set_params(max_iter=2000, epsilon=10.0)
    objective = model.fit(scale(X), y).history_["objective"]
    assert (np.diff(objective) <= 0).all()
    best = clone(model).set_params(optimizer="auto", tol=1e-14, max_iter=5000).fit(scale(X), y)
    best = min(best.history_["objective"][-1], objective[-1])
    assert objective[-1] - best <= 1e-8 * best


def test_multinomial():
    X, y = load_wine(return_X_y=True)
    X = scale(X)
    ours = GDClassifier(optimizer=Newton(), alpha=0.01, tol=1e-12).fit(X, y)
    theirs = LogisticRegression(C=1 / (0.01 * len(y)), tol=1e-10, max_iter=5000).fit(X, y)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    centred = ours.intercept_ - ours.intercept_.mean()
    assert_allclose(centred, theirs.intercept_ - theirs.intercept_.mean(), atol=1e-6)
    assert ours.n_iter_ < 16


def test_many_targets_are_one_problem_each():
    X, y = load_diabetes(return_X_y=True)
    Y = np.c_[y, np.sqrt(y), y[::-1]]
    for name in ("squared_error", "log_cosh"):
        whole = GDRegressor(name, optimizer=Newton(), tol=1e-12).fit(X, Y)
        for column, coef in zip(Y.T, whole.coef_, strict=True):
            alone = GDRegressor(name, optimizer=Newton(), tol=1e-12).fit(X, column)
            assert_allclose(coef, alone.coef_, rtol=1e-5, atol=1e-6)


SECOND_ORDER = [Newton(), LBFGS(), LBFGS(standardize=True)]


@pytest.mark.parametrize("optimizer", SECOND_ORDER, ids=repr)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.7])
def test_lasso_and_elastic_net(form, optimizer, l1_ratio):
    X, y = load_diabetes(return_X_y=True)
    X = scale(X) * np.linspace(0.5, 2.0, 10)
    model = GDRegressor(optimizer=optimizer, penalty=ElasticNet(5.0, l1_ratio), tol=1e-14)
    model.set_params(max_iter=5000).fit(form(X), y)
    exact = SkElasticNet(alpha=5.0, l1_ratio=l1_ratio, tol=1e-14, max_iter=1_000_000).fit(X, y)
    assert_allclose(model.coef_, exact.coef_, rtol=1e-6, atol=1e-6)
    assert_array_equal(model.coef_ == 0, exact.coef_ == 0)
    assert (model.coef_ == 0).any() and model.optimality_ < 1e-6


def test_lasso_of_raw_features():
    X, y = load_diabetes(return_X_y=True)
    X = X * 10.0 ** np.arange(-2, 8)
    model = GDRegressor(optimizer=Newton(), penalty=L1(0.5), tol=1e-12).fit(X, y)
    exact = Lasso(alpha=0.5, tol=1e-14, max_iter=1_000_000).fit(X, y)
    assert_allclose(model.coef_, exact.coef_, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("optimizer", SECOND_ORDER, ids=repr)
def test_l1_logistic(optimizer):
    X, y = load_breast_cancer(return_X_y=True)
    X, alpha = scale(X), 0.01
    model = GDClassifier(optimizer=optimizer, penalty="l1", alpha=alpha, tol=1e-14).fit(X, y)
    assert (np.diff(model.history_["objective"]) <= 0).all()
    theirs = LogisticRegression(C=1 / (alpha * len(y)), l1_ratio=1.0, solver="saga", tol=1e-10)
    theirs.set_params(max_iter=100_000).fit(X, y)
    assert_allclose(model.coef_, theirs.coef_, atol=1e-6)
    assert_array_equal(model.coef_ == 0, theirs.coef_ == 0)


@pytest.mark.parametrize(
    "penalty",
    [
        Box(0.0),
        Box(-0.2, 0.3, l1=0.02, l2=0.1),
        Box([-0.1] * 30, l1=0.01),
        ElasticNet(0.05, 0.5),
    ],
    ids=repr,
)
def test_penalties_with_kinks_and_bounds(penalty):
    X, y = load_breast_cancer(return_X_y=True)
    model = GDClassifier(optimizer=Newton(), penalty=penalty, tol=1e-12).fit(X, y)
    other = GDClassifier(optimizer="fista", penalty=penalty, tol=1e-12, max_iter=20_000)
    X = X / X.std(axis=0)
    model.fit(X, y), other.fit(X - X.mean(axis=0), y)
    assert_allclose(model.coef_, other.coef_, atol=2e-4)
    assert model.history_["objective"][-1] <= other.history_["objective"][-1] * (1 + 1e-9)
    assert np.isfinite(model.history_["objective"]).all() and model.optimality_ < 1e-5


def test_bounds_by_scipy():
    X, y = load_diabetes(return_X_y=True)
    X = scale(X)
    model = GDRegressor(optimizer=Newton(), penalty=Box(1.3, 20.3), tol=1e-12).fit(X, y)
    assert (model.coef_.min(), model.coef_.max()) == (1.3, 20.3)

    def value(w):
        error = X @ w - (y - y.mean())
        return error @ error / (2 * len(y)), X.T @ error / len(y)

    known = minimize(value, np.full(10, 2.0), jac=True, bounds=[(1.3, 20.3)] * 10, tol=1e-12)
    assert_allclose(model.coef_, known.x, atol=1e-3)


def test_classes_that_can_be_told_apart_exactly():
    """Without a penalty there is no minimum; it stops all the same, with finite parameters."""
    X = np.arange(-10.0, 10.0)[:, None] + 0.5
    model = GDClassifier(optimizer=Newton(), penalty=None).fit(X, X[:, 0] > 0)
    assert model.score(X, X[:, 0] > 0) == 1.0 and np.isfinite(model.coef_).all()


def test_features_that_are_equal_or_empty():
    X, y = load_diabetes(return_X_y=True)
    X = np.c_[X, X[:, :3], np.zeros(len(X)), np.ones(len(X))]
    for name in ("squared_error", "log_cosh", "huber"):
        model = GDRegressor(name, optimizer=Newton(), penalty=None, tol=1e-9).fit(X, y)
        plain = GDRegressor(name, optimizer=Newton(), penalty=None, tol=1e-9).fit(X[:, :10], y)
        found, exact = (m.history_["loss"][-1] for m in (model, plain))
        assert found == pytest.approx(exact, rel=1e-7)


def test_counts_far_from_one():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3))
    y = rng.poisson(1e4 * np.exp(X @ [0.5, -0.3, 0.1])).astype(float)
    model = GDRegressor("poisson", optimizer=Newton(), tol=1e-10, penalty=None).fit(X, y)
    assert model.n_iter_ <= 6
    assert_allclose(model.coef_, [0.5, -0.3, 0.1], atol=2e-3)


@pytest.mark.parametrize("penalty", ["l1", "elasticnet", Box(-0.1, 0.1)], ids=repr)
def test_a_constant_more_in_the_targets_moves_the_intercept_alone(penalty):
    """... and so does a start that is far away not matter."""
    X, _ = load_breast_cancer(return_X_y=True)
    X, y = X[:, 1:], X[:, 0]
    model = GDRegressor(penalty=penalty, alpha=1e-2, l1_ratio=0.5, optimizer=Newton())
    near = clone(model).fit(X, y).loss_curve_[-1]
    for far in (
        clone(model).fit(X, y + 1e4),
        clone(model).fit(X, y, coef_init=np.full(29, 1e4)),
        clone(model).set_params(warm_start=True).fit(X, 1e4 * y).fit(X, y),
    ):
        assert far.loss_curve_[-1] == pytest.approx(near, abs=1e-3 * 0.5 * y.var())


@pytest.mark.parametrize(("loss", "factors"), [("gamma", (1e6, 1e9)), ("poisson", (1e-6, 1e9))])
def test_units_of_targets_with_a_log_link(loss, factors):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 4))
    mean = np.exp(X @ [0.5, -0.3, 0.3, 0.1])
    y = rng.gamma(2.0, mean) + 1e-9 if loss == "gamma" else rng.poisson(mean).astype(float)
    coef = GDRegressor(loss, alpha=0.0).fit(X, y).coef_
    for factor in factors:
        model = GDRegressor(loss, alpha=0.0).fit(X, factor * y)
        assert_allclose(model.coef_, coef, atol=2e-3)
        assert model.optimizer_ == Newton()


def test_auto_knows_no_second_derivative_of_a_penalty_of_ones_own():
    class Quartic(Penalty):
        def value(self, w):
            return float(np.sum(w**4))

        def add_gradient(self, w, grad):
            grad += 4.0 * w**3

    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), y - y.mean()
    model = GDRegressor(penalty=Quartic()).fit(X, y)
    assert isinstance(model.optimizer_, LBFGS)

    def objective(w):
        return 0.5 * np.mean((X @ w - y) ** 2) + np.sum(w**4)

    best = minimize(objective, np.zeros(10), tol=1e-10).fun
    assert objective(model.coef_) == pytest.approx(best, rel=1e-4)


def test_goes_on_from_a_warm_start():
    X, y = load_breast_cancer(return_X_y=True)
    model = GDClassifier(optimizer=Newton(), warm_start=True, tol=1e-9).fit(X, y)
    assert model.n_iter_ > 3
    before = model.history_["objective"][-1]
    model.fit(X, y)
    assert model.n_iter_ <= 2 and model.history_["objective"][-1] <= before * (1 + 1e-12)
    assert not hasattr(model, "partial_fit")


class Quartic(SquaredError):
    """One that has no second derivative of its own."""

    def gradient(self, y, raw):
        return 1.0 * (raw - y)


@pytest.mark.parametrize("optimizer", [LBFGS(), FISTA()], ids=repr)
def test_first_order_methods_refuse_kinks(optimizer):
    X, y = load_breast_cancer(return_X_y=True)
    message = r"needs a smooth loss, and Hinge\(\) is not.*Continuation\("
    with pytest.raises(ValueError, match=message):
        GDClassifier("hinge", optimizer=optimizer).fit(X, y)
    for penalty in (Box(), GroupLasso(0.1), MCP(0.1)):
        with pytest.raises(ValueError, match=r"LBFGS needs a smooth objective.*'fista'"):
            GDClassifier(optimizer=LBFGS(), penalty=penalty).fit(X, y)


@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge", "poisson"])
def test_a_start_that_is_the_minimum(loss):
    """A feature that tells nothing: the best constant, where training starts, is all there is."""
    y = np.repeat([0, 1, 2], [3, 5, 9])
    X = np.ones((len(y), 1))
    if loss == "poisson":
        model = GDRegressor(loss, optimizer=Newton(), tol=1e-9).fit(X, y)
        assert_allclose(model.predict(X), y.mean(), rtol=1e-6)
    else:
        model = GDClassifier(loss, optimizer=Newton(), tol=1e-9).fit(X, y)
        # of a squared hinge 2 s - 1 for a share s; a softmax adds up to zero
        share = np.bincount(y) / len(y)
        logs = np.log(share) - np.log(share).mean()
        expected = logs if loss == "log_loss" else 2.0 * share - 1.0
        assert_allclose(model.decision_function(X[:1])[0], expected, rtol=1e-5)
    assert model.optimality_ < 1e-5


@pytest.mark.parametrize(
    "params, message",
    [
        ({"loss": "hinge"}, r"Newton needs the second derivative.*Hinge\(\).*optimizer='auto'"),
        ({"penalty": MCP(0.1)}, r"Newton takes penalties.*MCP.*optimizer='fista'"),
        ({"penalty": GroupLasso(0.1)}, r"Newton takes penalties.*GroupLasso"),
    ],
    ids=str,
)
def test_refuses_what_it_cannot(params, message):
    X, y = load_breast_cancer(return_X_y=True)
    with pytest.raises(ValueError, match=message):
        GDClassifier(optimizer=Newton(), **params).fit(X, y)


def test_refuses_a_loss_whose_gradient_is_not_that_of_its_hessian():
    assert not Quartic().has_hessian
    with pytest.raises(ValueError, match=r"Quartic\(\) has no hessian"):
        GDRegressor(Quartic(), optimizer=Newton()).fit(np.ones((3, 1)), np.arange(3.0))


def test_takes_a_loss_of_ones_own():
    class Curved(Quartic):
        def hessian(self, y, raw):
            return np.ones_like(raw)

    X, y = load_diabetes(return_X_y=True)
    ours = GDRegressor(Curved(), optimizer=Newton()).fit(X, y)
    assert_allclose(ours.coef_, GDRegressor(optimizer=Newton()).fit(X, y).coef_, rtol=1e-8)


def test_refuses_too_many_features():
    with pytest.raises(ValueError, match=r"2001 times 2001.*optimizer='lbfgs'"):
        GDRegressor(optimizer=Newton()).fit(np.ones((3, 2001)), np.arange(3.0))


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_steps_are_longer_where_the_loss_levels_off(load, form, monkeypatch):
    """Classes that can be told apart: the quadratic model ends far short of the minimum."""
    X, y = load(return_X_y=True)
    X = scale(X)
    model = GDClassifier(optimizer="newton", alpha=1e-6, tol=1e-6)
    few = clone(model).fit(form(X), y)
    assert np.all(np.diff(few.history_["objective"]) < 0.0)
    monkeypatch.setattr("sklgd.optimizers.newton.STEEP", np.inf)  # never: the slope is negative
    many = clone(model).fit(form(X), y)
    assert few.n_iter_ <= 0.7 * many.n_iter_
    assert_allclose(few.history_["objective"][-1], many.history_["objective"][-1], rtol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_length_is_where_the_slope_is_level(weighted):
    """Against the objective's own slope along the step, by finite differences."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 3))
    y = (X[:, 0] + 0.1 * rng.standard_normal(50) > 0).astype(int)
    weights = rng.uniform(0.5, 3.0, 50) if weighted else None
    found = []
    length = SecondOrder.length

    def kept(self, u, step, level, longest):
        found.append((self, u, step, length(self, u, step, level, longest)))
        return found[-1][-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SecondOrder, "length", kept)
        GDClassifier(optimizer="newton", alpha=1e-5).fit(X, y, weights)
    assert len(found) > 1
    for second, u, step, size in found:
        problem, space = second.problem, second.space

        def slope(at, problem=problem, space=space, u=u, step=step):
            ends = [space.to_params(u + (at + h) * step) for h in (-1e-5, 1e-5)]
            low, high = (problem.loss(end) + problem.penalty_value(end) for end in ends)
            return (high - low) / 2e-5

        assert size >= 1.0
        if size > 1.0:
            assert slope(size / 2.0) < 0.0 or slope(1.0) < 0.0
            assert abs(slope(size)) < 0.3 * abs(slope(0.0)) or size == 64.0


@pytest.mark.parametrize("seed", [7, 23])
def test_a_promise_of_damped_steps_is_doubted(seed):
    """Columns share the damping that one of them needs, and with it all promise little."""
    rng = np.random.default_rng(seed)
    q = rng.uniform(-3, 3, 64)
    X = np.exp(2.0 * q[:, None] ** np.arange(1, 4) / 9.0)
    y = np.digitize(np.round(3.0 * q + 15.0 * rng.standard_normal(64)), [-20, -10, 0, 10, 20])
    model = GDClassifier("modified_huber", penalty=None, optimizer=Newton()).fit(X, y)
    exact = {"penalty": None, "optimizer": Newton(), "tol": 1e-12, "max_iter": 5000}
    alone = [
        GDClassifier("modified_huber", **exact).fit(X, y == c).loss_curve_[-1] for c in range(6)
    ]
    shares = np.bincount(y) / len(y)
    at_constant = np.sum(4.0 * shares * (1.0 - shares))
    assert model.loss_curve_[-1] - sum(alone) <= 1e-2 * (at_constant - sum(alone))


# -- several columns -------------------------------------------------------------------------


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("penalty", [None, L2(0.01), L1(0.01), Box(-0.5, 0.5)], ids=repr)
def test_targets_that_share_second_derivatives_end_where_each_would(form, penalty):
    rng = np.random.default_rng(0)
    X, weights = rng.normal(2.0, 1.0, (80, 6)), rng.uniform(0.0, 2.0, 80)
    Y = X @ rng.normal(size=(6, 4)) + rng.normal(size=(80, 4)) + [0.0, 1.0, 10.0, -3.0]
    model = GDRegressor(penalty=penalty, optimizer=Newton(), tol=1e-12)
    together = model.fit(form(X), Y, sample_weight=weights)
    coef, intercept = together.coef_.copy(), together.intercept_.copy()
    for c in range(4):
        alone = clone(model).fit(form(X), Y[:, c], sample_weight=weights)
        assert_allclose(coef[c], alone.coef_, atol=1e-5)
        assert intercept[c] == pytest.approx(alone.intercept_[0], abs=1e-4)


def test_a_loss_of_ones_own_may_bend_by_the_column():
    """So its targets share nothing, even if it calls itself quadratic."""

    class Weighted(SquaredError):
        quadratic, has_hessian = True, True

        def value(self, y, raw):
            return np.where(y > 0.0, 9.0, 1.0) * super().value(y, raw)

        def gradient(self, y, raw):
            return np.where(y > 0.0, 9.0, 1.0) * super().gradient(y, raw)

        def hessian(self, y, raw):
            return np.where(y > 0.0, 9.0, 1.0)

    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(60, 3)), rng.normal(size=(60, 2))
    Y[:, 1] -= 1.0
    model = GDRegressor(Weighted(), alpha=0.1, optimizer=Newton()).fit(X, Y)
    Z = np.c_[X, np.ones(60)]
    for c in range(2):
        s = np.where(Y[:, c] > 0.0, 9.0, 1.0)[:, None]
        system = Z.T @ (s * Z) / 60 + 0.1 * np.diag([1.0, 1.0, 1.0, 0.0])
        expected = np.linalg.solve(system, Z.T @ (s[:, 0] * Y[:, c]) / 60)
        assert_allclose(np.append(model.coef_[c], model.intercept_[c]), expected, rtol=1e-8)


@pytest.mark.parametrize("loss", ["log_loss", "focal", "multiclass_hinge"])
@pytest.mark.parametrize("scale, shift, penalty", [(1, 1e6, None), (1e6, 1e3, "l2")])
def test_classes_have_nothing_in_common(loss, scale, shift, penalty):
    """The mean over classes of a softmax's weights is nothing that rows tell."""
    X, y = load_diabetes(return_X_y=True)
    X, y = (X / X.std(axis=0) + shift) * scale, np.digitize(y, [100, 180])
    model = GDClassifier(loss, penalty=penalty).fit(X, y)
    assert np.abs(model.coef_.mean(axis=0)).max() <= 1e-9 * np.abs(model.coef_).max()
    assert model.score(X, y) > 0.57


def test_what_classes_have_in_common_at_the_start_is_forgotten_with_a_ridge():
    X, y = load_iris(return_X_y=True)
    model = GDClassifier(alpha=1e-3, optimizer=Newton(), tol=1e-10)
    expected = model.fit(X, y).coef_.copy()
    assert_allclose(model.fit(X, y, coef_init=expected + 3.0).coef_, expected, atol=1e-4)


# -- features that say nothing ---------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("loss", ["squared_error", "huber", "log_cosh", "cauchy", "absolute_error"])
@pytest.mark.parametrize("constant", [0.1, 1e6, 1e9])
def test_a_constant_feature_is_left_to_the_intercept(loss, constant, form, dtype):
    X, y = load_diabetes(return_X_y=True)
    X = (X / X.std(axis=0)).astype(dtype)
    without = GDRegressor(loss, penalty=None).fit(form(X), y)
    Z = form(np.c_[X, np.full(len(X), constant, dtype)])
    model = GDRegressor(loss, penalty=None).fit(Z, y)
    assert model.coef_[-1] == 0.0
    assert model.score(Z, y) == pytest.approx(without.score(form(X), y), abs=2e-3)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_a_feature_that_is_constant_in_most_rows_is_no_constant(form):
    """Even if it is in all of those that tell its scale."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40_000, 3))
    X[:, 1] = 1.0
    X[[7, 123], 1] = [3.0, -40.0]
    model = GDRegressor("huber", alpha=1e-9).fit(form(X), X[:, 0] + 0.5 * X[:, 1])
    assert_allclose(model.coef_, [1.0, 0.5, 0.0], atol=0.01)


def test_bounds_that_leave_out_zero_hold_for_a_constant_feature():
    rng = np.random.default_rng(0)
    X = np.c_[rng.normal(size=(50, 2)), np.full(50, 7.0)]
    model = GDRegressor(penalty=Box(0.5, 2.0), optimizer=Newton()).fit(X, X[:, 0])
    assert (model.coef_ >= 0.5).all() and model.score(X, X[:, 0]) > 0.7


# -- penalties and losses of other kinds -----------------------------------------------------


class Raised(Loss):
    """A softmax that also pulls the mean of a row's scores to 3, with a slope far from there."""

    task, joint = "classification", True

    def value(self, y, raw):
        far = np.abs(raw.mean(axis=1) - 3.0)
        own = logsumexp(raw, axis=1) - raw[np.arange(len(y)), y]
        return own + np.where(far < 1.0, 0.5 * far**2, far - 0.5)

    def gradient(self, y, raw):
        share = softmax(raw, axis=1) - np.eye(raw.shape[1])[y]
        return share + (np.clip(raw.mean(axis=1) - 3.0, -1.0, 1.0) / raw.shape[1])[:, None]

    def hessian(self, y, raw):
        k, p = raw.shape[1], softmax(raw, axis=1)
        near = np.abs(raw.mean(axis=1) - 3.0) < 1.0
        own = p[:, :, None] * np.eye(k) - p[:, :, None] * p[:, None, :]
        return own + (near / k**2)[:, None, None]


@pytest.mark.parametrize("intercept", [True, False])
def test_a_joint_loss_of_ones_own_may_tell_what_classes_have_in_common(intercept):
    X, y = load_iris(return_X_y=True)
    model = GDClassifier(Raised(), alpha=0.01, fit_intercept=intercept, tol=1e-8)
    expected = model.set_params(optimizer="lbfgs", max_iter=2000).fit(X, y).loss_curve_[-1]
    found = model.set_params(optimizer=Newton()).fit(X, y).loss_curve_[-1]
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "loss", ["squared_error", "huber", "absolute_error", "log_cosh", "poisson"]
)
@pytest.mark.parametrize("bounds", [(1e-3, 10.0), (0.5, 2.5), (-3.0, -0.1)])
def test_bounds_that_leave_out_zero(loss, bounds):
    """The objective of a constant is infinite then: falls are measured from what is next to it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = X @ [1.0, 2.0, 3.0] + 0.1 * rng.normal(size=200)
    y = np.exp(y / 4) if loss == "poisson" else y
    model = GDRegressor(loss, penalty=Box(*bounds), tol=1e-6, max_iter=3000).fit(X, y)
    assert model.stop_reason_ == "tol"

    def mean_loss(params):
        return model.loss_.value(y, X @ params[:3] + params[3]).mean()

    found = np.append(model.coef_, model.intercept_)
    box = [bounds] * 3 + [(None, None)]
    start = np.append(np.clip(model.coef_ + 0.1, *bounds), model.intercept_ + 0.1)
    best = minimize(mean_loss, start, bounds=box, method="Powell", options={"ftol": 1e-12})
    assert mean_loss(found) <= best.fun + 1e-4
    constant = np.append(np.clip(np.zeros(3), *bounds), 0.0)
    assert mean_loss(found) < mean_loss(constant)
