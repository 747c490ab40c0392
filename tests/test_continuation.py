"""Continuation on ever sharper losses, and columns that are trained apart."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import EpsilonInsensitive, Hinge, Quantile, SmoothedMargin
from sklgd.models import MLP, FactorizationMachine, Linear
from sklgd.objective import Block, Problem, Targets
from sklgd.optimizers import (
    FISTA,
    LBFGS,
    Columnwise,
    Continuation,
    DualFirst,
    GradientDescent,
    InteriorPoint,
    Newton,
    RowSpace,
)
from sklgd.penalties import L2, Box, GroupLasso


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_a_rounded_kink_lies_even_about_the_kink(margin):
    loss, z = SmoothedMargin(0.5, margin=margin), np.linspace(-3.0, 3.0, 61)
    sharp = np.maximum(margin - z, 0.0)
    excess = loss.value(np.ones(61), z) - sharp
    assert np.all(excess >= -1e-15) and excess.max() == pytest.approx(0.5 / 4)
    mirrored = loss.value(np.ones(61), 2.0 * margin - z) - np.maximum(z - margin, 0.0)
    assert_allclose(excess, mirrored, atol=1e-12)


REGRESSION = ["absolute_error", "epsilon_insensitive", Quantile(0.9)]


@pytest.mark.parametrize("factor", [1.0, 1e-3, 1e3])
@pytest.mark.parametrize("loss", REGRESSION, ids=repr)
def test_few_iterations_on_raw_features(loss, factor):
    """Within 1e-3 of the way from the best constant, in whatever units the targets are."""
    X, y = load_diabetes(return_X_y=True)
    X, y = X * np.logspace(-3, 3, 10), factor * y
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GDRegressor(loss, alpha=1e-8, optimizer=Continuation(Newton())).fit(X, y)
    best = GDRegressor(loss, alpha=1e-8, optimizer=Continuation(Newton()), tol=1e-8, max_iter=5000)
    best = best.fit(X, y).loss_curve_[-1]
    constants = [model.loss_.value(y, np.full_like(y, c)).mean() for c in np.unique(y)]
    assert model.loss_curve_[-1] - best <= 2e-3 * (min(constants) - best)
    assert model.n_iter_ <= 40


def test_a_column_far_from_zero_beside_categories():
    """Sparse rows are not centred; a year is 60 times as far from zero as it spreads."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        hot, year = np.eye(20)[rng.integers(0, 20, 2000)], rng.integers(1990, 2024, 2000)
        y = hot @ rng.normal(size=20) + (year - 2007) / 10 + rng.normal(size=2000) > 0
        X = np.column_stack([hot, year]).astype(float)
        dense, sparse = (GDClassifier("hinge").fit(Z, y) for Z in (X, sp.csr_array(X)))
        # the year is 20,000 times as large as what it weighs: 1e-3 of the fall, and no more
        assert sparse.loss_curve_[-1] <= dense.loss_curve_[-1] + 2e-3
        assert sparse.n_iter_ <= 60


@pytest.mark.parametrize("model", [MLP((6,), activation="tanh"), FactorizationMachine(2)], ids=repr)
def test_models_that_are_not_linear(model):
    """Their free parameters are not the intercepts of a constant."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    y = X[:, 0] * X[:, 1] > 0
    network = GDClassifier("hinge", model=model, optimizer=Continuation(LBFGS()), random_state=0)
    assert network.set_params(max_iter=300, tol=None).fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("around", [Continuation, Columnwise, RowSpace, DualFirst])
def test_refuses_an_optimizer_that_does_not_know_when(around):
    """Nobody would tell it to stop, and its learning rate would not be read."""
    optimizer = around(GradientDescent(0.1))
    with pytest.raises(ValueError, match=rf"{around.__name__} needs an optimizer that knows when"):
        GDRegressor("absolute_error", optimizer=optimizer).fit([[1.0], [2.0]], [1.0, 2.0])


def test_refuses_another_continuation():
    optimizer = Continuation(Continuation(Newton()))
    with pytest.raises(ValueError, match="needs an optimizer of smooth problems"):
        GDRegressor("absolute_error", optimizer=optimizer).fit([[1.0], [2.0]], [1.0, 2.0])


def test_hinge_in_few_iterations():
    X, y = load_breast_cancer(return_X_y=True)
    model = GDClassifier("hinge", optimizer=Continuation(Newton())).fit(X, y)
    assert model.n_iter_ <= 60 and model.stop_reason_ == "tol"
    assert model.score(X, y) > 0.97


def test_a_feature_too_rare_for_a_quick_look():
    """Five rows of 20,000 have it: damping by what a sample knows of it would stop every step."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 4)) * [1.0, 10.0, 1.0, 1.0]
    X[[13, 1013, 5013, 9013, 17_013], 3] = 64.0
    X[:, 3] -= X[:, 3].mean()
    y = 1e5 * (X @ [1.0, 0.1, 0.0, 0.02] + rng.standard_t(2, size=20_000))
    X[:, 2] = np.arange(20_000) == 7
    model = GDRegressor("huber", epsilon=5e4).fit(X, y)
    exact = GDRegressor("huber", epsilon=5e4, tol=1e-9, max_iter=3000).fit(X, y)
    assert model.n_iter_ <= 25
    fallen = model.loss_.value(y, np.full_like(y, np.median(y))).mean() - exact.loss_curve_[-1]
    assert model.loss_curve_[-1] - exact.loss_curve_[-1] <= 1e-3 * fallen


@pytest.mark.parametrize("unit", [1e4, 1e10])
def test_bends_far_below_the_units_of_targets(unit):
    """There log cosh is an absolute error, and no row has any curvature at the start."""
    X, y = load_diabetes(return_X_y=True)
    exact = GDRegressor("absolute_error", alpha=0.0, optimizer=InteriorPoint(), tol=1e-9).fit(X, y)
    model = GDRegressor("log_cosh", alpha=0.0).fit(X, unit * y)
    least, constant = exact.loss_curve_[-1], np.abs(y - np.median(y)).mean()
    found = np.abs(model.predict(X) / unit - y).mean()
    assert (found - least) / (constant - least) <= 1e-3


@pytest.mark.parametrize("inner", [LBFGS(standardize=True), FISTA(standardize=True)], ids=repr)
def test_optimizers_that_do_not_say_what_is_left(inner):
    X, y = load_diabetes(return_X_y=True)
    exact = GDRegressor("absolute_error", alpha=1e-6, optimizer=InteriorPoint(), tol=1e-9)
    exact.fit(X, y)
    model = GDRegressor("absolute_error", alpha=1e-6, optimizer=Continuation(inner), tol=1e-4)
    model.set_params(max_iter=20_000).fit(X, y)
    assert model.loss_curve_[-1] <= exact.loss_curve_[-1] * (1.0 + 1e-3)


def test_constant_start_is_the_quantile():
    X, y = load_diabetes(return_X_y=True)
    problem = Problem(Block(X, Targets(y, 1), None, Quantile(0.9), Linear(), True), L2())
    start = problem.constant_start(np.zeros(11))
    assert start[-1] == pytest.approx(np.quantile(y, 0.9), abs=2.0) and not start[:-1].any()


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_columns_are_problems_of_their_own(loss):
    X, y = load_iris(return_X_y=True)
    rule = Continuation(Newton()) if loss == "hinge" else Newton()
    exact = {"tol": 1e-6, "max_iter": 3000, "alpha": 0.01}
    together = GDClassifier(loss, optimizer=Columnwise(rule), **exact).fit(X, y)
    for c in range(3):
        alone = GDClassifier(loss, optimizer=rule, **exact).fit(X, y == c)
        assert_allclose(together.coef_[c], alone.coef_[0], rtol=1e-8, atol=1e-10)
        assert_allclose(together.intercept_[c], alone.intercept_[0], rtol=1e-8)


def test_columns_of_several_targets():
    X, y = load_diabetes(return_X_y=True)
    Y = np.column_stack([y, -2.0 * y + 1.0])
    apart = GDRegressor(optimizer=Columnwise(Newton()), alpha=0.1, tol=1e-8).fit(X, Y)
    whole = GDRegressor(optimizer=Newton(), alpha=0.1, tol=1e-8).fit(X, Y)
    assert_allclose(apart.coef_, whole.coef_, rtol=1e-5)
    assert apart.loss_curve_[-1] == pytest.approx(whole.loss_curve_[-1], rel=1e-8)


def test_columns_of_a_joint_loss_go_together():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=r"columns of the joint loss .* go together"):
        GDClassifier(optimizer=Columnwise(Newton())).fit(X, y)
    with pytest.raises(ValueError, match=r"GroupLasso\(\) is about several together"):
        GDClassifier("squared_hinge", penalty=GroupLasso(), optimizer=Columnwise(FISTA())).fit(X, y)


def test_auto_takes_columns_apart():
    X, y = load_iris(return_X_y=True)
    apart = Columnwise(Continuation(Newton()))
    assert GDClassifier(Hinge(), penalty=Box(-1.0, 1.0)).fit(X, y).optimizer_ == apart
    assert GDClassifier().fit(X, y).optimizer_ == Newton()


@pytest.mark.parametrize("factor", [1e-6, 1e3, 1e6])
def test_percentages_do_not_depend_on_the_units_of_the_targets(factor):
    """Nor does what a loss without a bound on its curvature bends by."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = 5.0 + X @ [1.0, 0.5, -0.7, 0.2] + 0.2 * rng.normal(size=300)
    model = GDRegressor("absolute_percentage_error", penalty=None)
    one = model.fit(X, y).history_["objective"][-1]
    assert one < 0.3 * np.mean(np.abs(1.0 - np.median(y) / y))
    assert model.fit(X, factor * y).history_["objective"][-1] == pytest.approx(one, rel=1e-6)


@pytest.mark.parametrize("n", [100, 5000])
def test_nothing_to_gain(n):
    """Where a constant is within all tubes, it is the minimum, and stays the model."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 14)) * np.exp(3 * rng.standard_normal(14))
    y = 5.0 + 1e-3 * rng.standard_normal(n)
    loss = EpsilonInsensitive(epsilon=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GDRegressor(loss, alpha=1e-5, optimizer=Continuation(Newton())).fit(X, y)
    assert model.n_iter_ == 1
    assert not model.coef_.any() and abs(model.intercept_ - 5.0) < 0.01
    assert model.history_["objective"][-1] == 0.0


def test_no_row_bends_where_the_constant_should_move():
    """A penalty leaves the intercept alone, and classes are as good as even: slopes are small."""
    rng = np.random.default_rng(0)
    y = np.arange(2000) % 81 < 41
    model = GDClassifier("hinge", penalty="elasticnet", alpha=100.0)
    model.fit(300.0 * rng.normal(size=(2000, 2)), y)
    at_constant = 2.0 * (1.0 - y.mean())
    assert model.loss_curve_[-1] <= at_constant + 1e-3 * at_constant


def test_asking_for_more_gives_no_less():
    """Problems that are smooth by far are solved no better than they are near to the loss."""
    rng = np.random.default_rng(1)
    n = 3000
    columns = np.c_[
        rng.integers(0, 100, n), 100 + rng.zipf(1.5, n) % 100, 200 + rng.integers(0, 100, n)
    ]
    ones, starts = np.ones(3 * n), np.arange(0, 3 * n + 1, 3)
    X = sp.csr_matrix((ones, columns.ravel(), starts), shape=(n, 300))
    scores = X @ (rng.normal(size=300) * (rng.random(300) < 0.2))
    scores = (scores - scores.mean()) / scores.std() + 0.5 * rng.normal(size=n)
    y = np.digitize(scores, [-1, 0, 1])
    model = GDClassifier("multiclass_hinge", penalty="l1", alpha=1e-5)
    model.fit(X, y)
    assert model.stop_reason_ == "tol"
    minimum = 0.635976  # of the linear program, by HiGHS
    assert model.loss_curve_[-1] - minimum <= 2e-3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        more = clone(model).set_params(tol=1e-5).fit(X, y)
    assert more.loss_curve_[-1] - minimum <= 1e-3
