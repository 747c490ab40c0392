"""The defaults on problems unlike each other: minima that scipy finds, too, and no warning.

What is left to gain is small beside what the objective has fallen by since the best constant
prediction, which is known in closed form: ``tol`` promises that.
"""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from scipy.optimize import linprog, minimize
from scipy.special import logsumexp, xlogy
from sklearn.exceptions import ConvergenceWarning

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import LOSSES, Expectile
from sklgd.objective import Problem
from sklgd.optimizers import LBFGS, Continuation, Newton, RowSpace

#: what may be left, as a share of the fall: ten times the default ``tol``
LEFT = 1e-2
ALPHA = 1e-4


def minimum(value_and_slope, X, start, ordinary=slice(None)):
    """The least mean loss plus ridge of raw predictions ``X W + b``, by scipy's L-BFGS."""
    n, p = X.shape
    center, scale = X[ordinary].mean(axis=0), X[ordinary].std(axis=0)
    Z = (X - center) / scale

    def objective(flat):
        u = flat.reshape(p + 1, -1)
        weights = u[:p] / scale[:, None]
        values, slopes = value_and_slope(Z @ u[:p] + u[p])
        grad = np.vstack([Z.T @ slopes / n + ALPHA * weights / scale[:, None], slopes.mean(axis=0)])
        return values.mean() + 0.5 * ALPHA * np.sum(weights**2), grad.ravel()

    options = {"maxiter": 20_000, "maxfun": 40_000, "ftol": 1e-15, "gtol": 1e-10}
    start = np.vstack([np.zeros((p, len(start))), start])
    return minimize(objective, start.ravel(), jac=True, method="L-BFGS-B", options=options).fun


def log_loss(y):
    """Of class indices, as a softmax."""

    def value_and_slope(raw):
        raw = np.column_stack([np.zeros(len(raw)), raw])  # of the first class: zero
        logs = raw - logsumexp(raw, axis=1, keepdims=True)
        rows = np.arange(len(y))
        slopes = np.exp(logs)
        slopes[rows, y] -= 1.0
        return -logs[rows, y], slopes[:, 1:]

    return value_and_slope


def poisson(y):
    def value_and_slope(raw):
        mean = np.exp(raw[:, 0])
        return mean - y + xlogy(y, y) - y * raw[:, 0], (mean - y)[:, None]

    return value_and_slope


@pytest.mark.parametrize("wide", [False, True])
def test_a_rare_class(wide):
    """The fall is from the share of the class, which a thousand of the rows do not tell."""
    rng = np.random.default_rng(0)
    n, p = (4_000, 550) if wide else (40_000, 6)
    X = rng.normal(size=(n, p))
    score = X @ rng.normal(size=p) + rng.normal(size=n)
    y = (score > np.sort(score)[-9]).astype(int)
    model = GDClassifier(alpha=ALPHA).fit(X, y)
    log_odds = np.log(8 / (n - 8))
    at_constant = -(8 * np.log(8 / n) + (n - 8) * np.log1p(-8 / n)) / n
    best = minimum(log_loss(y), X, [log_odds])
    assert model.loss_curve_[-1] - best <= LEFT * (at_constant - best)


def test_rare_classes_beside_a_common_one():
    rng = np.random.default_rng(1)
    n = 20_000
    X = rng.normal(size=(n, 5))
    score = X @ rng.normal(size=5) + rng.normal(size=n)
    low, high = np.sort(score)[[9, -10]]
    y = np.digitize(score, [low, high])
    share = np.bincount(y) / n
    model = GDClassifier(alpha=ALPHA).fit(X, y)
    # the softmax of the test has one class less; the ridge of three columns is another
    raw = X @ model.coef_.T + model.intercept_
    loss = np.mean(logsumexp(raw, axis=1) - raw[np.arange(n), y])
    without = GDClassifier(alpha=ALPHA, tol=1e-12).fit(X, y)
    raw = X @ without.coef_.T + without.intercept_
    best = np.mean(logsumexp(raw, axis=1) - raw[np.arange(n), y])
    assert abs(loss - best) <= LEFT * (-np.sum(share * np.log(share)) - best)


def test_rare_counts():
    rng = np.random.default_rng(2)
    n = 20_000
    X = rng.normal(size=(n, 6))
    y = rng.poisson(1e-3 * np.exp(0.5 * X @ rng.normal(size=6))).astype(float)
    model = GDRegressor("poisson", alpha=ALPHA).fit(X, y)
    mean = y.mean()
    at_constant = np.mean(mean - y + xlogy(y, y / mean))
    best = minimum(poisson(y), X, [np.log(mean)])
    assert model.loss_curve_[-1] - best <= LEFT * (at_constant - best)


def test_targets_whose_logarithms_lie_far_from_them():
    """Of a squared log error the best constant is a mean of logarithms."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(1_000, 550))
    noise = rng.normal(size=1_000)
    y = np.exp(8.0 + 0.05 * (X @ rng.normal(size=550)) / 5.0 + 0.1 * noise)

    def squared(raw):
        error = raw - np.log1p(y)[:, None]
        return 0.5 * error[:, 0] ** 2, error

    model = GDRegressor("squared_log_error", alpha=ALPHA).fit(X, y)
    best = minimum(squared, X, [np.log1p(y).mean()])
    at_constant = 0.5 * np.log1p(y).var()
    assert model.loss_curve_[-1] - best <= LEFT * (at_constant - best)


def outliers(n, p):
    """Rows of which five are in other units: nearly all of the variance is theirs."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(n, p))
    score = X @ rng.normal(size=p) + rng.normal(size=n)
    X[:5] *= 1e6
    return X, score


def cauchy(y):
    def value_and_slope(raw):
        error = raw[:, 0] - y
        return 0.5 * np.log1p(error**2), (error / (1.0 + error**2))[:, None]

    return value_and_slope


@pytest.mark.parametrize("loss", ["log_loss", "exponential", "cauchy"])
def test_rows_in_other_units(loss):
    """Their curvature hides what the other rows have to gain, and fades as they are fitted."""
    X, score = outliers(1_000, 6)
    y = (score > 0).astype(int)
    sign = 2.0 * y - 1.0

    def exponential(raw):
        values = np.exp(np.minimum(-sign * raw[:, 0], 500.0))
        return values, (-sign * values)[:, None]

    known = {"log_loss": log_loss(y), "exponential": exponential, "cauchy": cauchy(score)}[loss]
    if loss == "cauchy":
        model = GDRegressor(loss, alpha=ALPHA).fit(X, score)
    else:
        model = GDClassifier(loss, alpha=ALPHA).fit(X, y)
    best = minimum(known, X, [0.0], ordinary=slice(5, None))
    at_zero = known(np.zeros((len(y), 1)))[0].mean()
    assert model.loss_curve_[-1] - best <= LEFT * (at_zero - best)


def squared_hinge(y):
    sign = 2.0 * y - 1.0

    def value_and_slope(raw):
        short = np.maximum(1.0 - sign * raw[:, 0], 0.0)
        return short**2, (-2.0 * sign * short)[:, None]

    return value_and_slope


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("n, factor", [(50, 1e4), (90, 1e6), (100, 1e4)])
def test_one_of_few_rows_in_other_units(n, factor, form):
    """It can be no more than the root of n spreads from the mean."""
    for seed in range(28, 34):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, 25))
        y = (X @ rng.normal(size=25) + 0.5 * rng.normal(size=n) > 0).astype(int)
        X[-1] *= factor
        model = GDClassifier(alpha=ALPHA).fit(form(X), y)
        best = minimum(log_loss(y), X, [0.0], ordinary=slice(-1))
        assert model.loss_curve_[-1] - best <= LEFT * (np.log(2.0) - best)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("n, loss", [(100, "log_loss"), (1000, "log_loss"), (100, "squared_hinge")])
def test_a_group_of_rows_far_from_the_others(n, loss, form):
    """Rows of zeros, as where nothing was measured, among features far from zero."""
    known, zeros = {"log_loss": log_loss, "squared_hinge": squared_hinge}[loss], n // 3
    for seed in range(4, 9):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, 15)) + 1e5 * rng.random(15)
        score = (X - X.mean(axis=0)) @ rng.normal(size=15) + 0.5 * rng.normal(size=n)
        y = (score > 0).astype(int)
        X[:zeros], y[:zeros] = 0.0, 0
        model = GDClassifier(loss, alpha=ALPHA).fit(form(X), y)
        best = minimum(known(y), X, [0.0], ordinary=slice(zeros, None))
        assert model.loss_curve_[-1] - best <= LEFT * (known(y)(np.zeros((n, 1)))[0].mean() - best)


@pytest.mark.filterwarnings("error")
def test_rare_features_in_any_units_are_no_outliers():
    """And an objective of next to nothing is soon left alone: it can't be less than zero."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(260, 900)) * (rng.random((260, 900)) < 0.05)
    X *= 10.0 ** rng.uniform(-8, 8, 900)
    y = (rng.random(260) < 0.5).astype(int)
    model = GDClassifier(alpha=1e-3).fit(X, y)
    assert model.n_iter_ < 200 and model.loss_curve_[-1] <= 1e-3 * np.log(2.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge"])
def test_features_far_from_zero_are_no_outliers(loss, form):
    """All rows are: none hides what others have to gain, whether there is an intercept or not."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 10)) + 1e5 * rng.random(10)
    y = (X - X.mean(axis=0)) @ rng.normal(size=10) + rng.normal(size=200) > 0
    for intercept in (True, False):
        model = GDClassifier(loss, alpha=ALPHA, fit_intercept=intercept).fit(form(X), y)
        assert model.n_iter_ < 30


@pytest.mark.parametrize("form", [np.asarray, np.asfortranarray])
@pytest.mark.parametrize("far", [100.0, 1e3])
def test_a_lasso_of_features_far_from_zero_without_an_intercept(far, form):
    """They are all but the same: it is found, or said not to be."""
    rng = np.random.default_rng(0)
    for p in (60, 300):
        X = rng.normal(size=(100 + p // 3, p)) + far * rng.normal(size=p)
        y = X[:, 0] - X[:, 0].mean() + 0.5 * rng.normal(size=len(X)) > 0
        rule = {"alpha": 1e-4, "fit_intercept": False}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = GDClassifier(penalty="l1", **rule).fit(form(X), y)
        ridge = GDClassifier(alpha=1e-9, fit_intercept=False).fit(X, y).coef_[0]
        sign = np.where(y, 1.0, -1.0)
        bound = np.logaddexp(0.0, -sign * (X @ ridge)).mean() + 1e-4 * np.abs(ridge).sum()
        reached = model.loss_curve_[-1] - bound <= LEFT * (np.log(2.0) - bound)
        assert reached if p == 60 else (reached or model.stop_reason_ == "max_iter")
        assert bool(caught) == (model.stop_reason_ == "max_iter")


@pytest.mark.parametrize("ratio", [100.0, 1e4, 1e5])
@pytest.mark.parametrize("penalty", ["l2", "l1"])
@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
def test_sparse_features_far_from_zero(loss, penalty, ratio):
    """As years are beside one-hot codes: the same fit as with the same numbers near zero."""
    rng = np.random.default_rng(0)
    for p, filled in ((5, 1.0), (600, 0.02)):
        X = rng.normal(size=(300, p)) * (rng.random((300, p)) < filled)
        X[:, :3] = rng.normal(size=(300, 3))
        y = X[:, :3].sum(axis=1) + 0.3 * rng.normal(size=300)
        far = X.copy()
        far[:, :3] += ratio * np.arange(1, 4)
        near, found = (
            GDRegressor(loss, penalty=penalty, alpha=1e-3).fit(sp.csr_array(data), y)
            for data in (X, far)
        )
        assert found.stop_reason_ == "tol"
        fall = near.loss_curve_[0] + abs(near.loss_curve_[-1])
        assert found.loss_curve_[-1] <= near.loss_curve_[-1] + 2.0 * LEFT * fall


@pytest.mark.filterwarnings("error")
def test_a_row_in_other_units_that_few_rows_do_not_show():
    """Without an intercept, too: the mean square of all rows tells of it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(700, 8))
    y = X @ rng.normal(size=8) + 0.1 * rng.normal(size=700) > 0
    X[0] *= 1e5
    model = GDClassifier(alpha=ALPHA, fit_intercept=False).fit(X, y)
    best = GDClassifier(alpha=ALPHA, fit_intercept=False, tol=1e-9).fit(X, y).loss_curve_[-1]
    assert model.loss_curve_[-1] - best <= LEFT * (np.log(2.0) - best)


def test_hinge_with_a_lasso_on_classes_far_apart():
    """A linear program, of which nearly all is penalty: the loss is flat where it is zero."""
    X = np.array([[0.3, -1.5, 0.8], [0.5, -2.0, 1.4], [0.7, 0.7, -0.1], [-0.8, 1.4, 0.5]])
    X = np.vstack([X, [[0.6, -0.1, 1.0], [0.3, 1.3, -0.5]]])
    y = np.array([1, 1, 0, 1, 1, 1])
    sign, alpha = (2.0 * y - 1.0)[:, None], 1e-4
    margins = -np.hstack([sign * X, -sign * X, sign, -sign, np.eye(6)])
    costs = np.concatenate([np.full(6, alpha), np.zeros(2), np.full(6, 1 / 6)])
    best = linprog(costs, A_ub=margins, b_ub=-np.ones(6)).fun
    for optimizer in ("auto", Continuation(Newton())):
        model = GDClassifier("hinge", penalty="l1", alpha=alpha, optimizer=optimizer).fit(X, y)
        assert model.loss_curve_[-1] - best <= LEFT * (2.0 / 6.0 - best)


@pytest.mark.parametrize("penalty", ["l1", "elasticnet"])
def test_never_above_the_best_constant(penalty):
    rng = np.random.default_rng(0)
    X = (rng.random((3000, 9)) < 0.05).astype(float)
    y = np.arange(3000) == 0
    model = GDClassifier("hinge", penalty=penalty, alpha=0.3).fit(X, y)
    assert model.loss_curve_[-1] <= 2.0 / 3000.0 * (1.0 + 1e-12)
    y = rng.integers(0, 3, 3000)  # nothing to learn
    model = GDClassifier("multiclass_hinge", penalty=penalty, alpha=1e-2).fit(X, y)
    assert model.loss_curve_[-1] <= 1.0 + 1e-12
    assert_allclose(model.coef_, 0.0, atol=1e-12)


@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_rows_in_other_units_of_many_features(penalty):
    """What takes too many iterations is said to."""
    X, score = outliers(600, 510)
    y = (score > 0).astype(int)
    with pytest.warns(ConvergenceWarning, match="Maximum number of iteration"):
        optimizer = LBFGS(standardize=True) if penalty == "l2" else "auto"
        GDClassifier(penalty=penalty, alpha=0.01, max_iter=20, optimizer=optimizer).fit(X, y)


def test_rare_features_are_no_outliers():
    """A feature that is nearly always zero has no ordinary rows."""
    rng = np.random.default_rng(5)
    X = np.column_stack([rng.normal(size=1_000), np.arange(1_000) % 200 == 0])
    y = X[:, 0] + X[:, 1] + rng.normal(size=1_000) > 0
    assert GDClassifier().fit(X, y).n_iter_ < 7


@pytest.mark.parametrize("tol", [0.0, None])
def test_no_more_is_asked_than_rounding_leaves(tol):
    rng = np.random.default_rng(6)
    X = rng.normal(size=(300, 5))
    y = (X[:, 0] + rng.normal(size=300) > 0).astype(int)
    model = GDClassifier(optimizer="lbfgs", tol=tol, max_iter=1000).fit(X, y)
    assert (model.stop_reason_, model.n_iter_ < 60) == ("tol", True)
    best = minimum(log_loss(y), X, [0.0])
    assert model.loss_curve_[-1] == pytest.approx(best, rel=1e-12)


def test_the_first_step_is_found_in_few_evaluations(monkeypatch):
    """Its length is that of no step before: two slopes tell about where the minimum lies."""
    rng = np.random.default_rng(7)
    X = 100.0 * rng.normal(size=(300, 550))
    y = 1e-3 * X @ rng.normal(size=550)
    looks = []
    loss_and_gradient = Problem.loss_and_gradient

    def counted(problem, params):
        looks.append(params)
        return loss_and_gradient(problem, params)

    monkeypatch.setattr(Problem, "loss_and_gradient", counted)
    GDRegressor(optimizer=LBFGS(standardize=True), max_iter=1, tol=None).fit(X, y)
    assert len(looks) <= 5  # the start, a first guess, the minimum, and what `optimality_` takes


@pytest.mark.parametrize(
    "loss", ["poisson", "log_cosh", "squared_epsilon_insensitive", "gamma", "absolute_error"]
)
@pytest.mark.parametrize("p", [5, 520])
def test_targets_of_unlike_units(loss, p):
    """Each is fitted as well as alone; the largest would decide for all when to stop."""
    rng = np.random.default_rng(8)
    X = rng.normal(size=(600, p))
    raw = 0.3 * X[:, :5] @ rng.normal(size=(5, 3)) + 0.1 * rng.normal(size=(600, 3))
    units = np.array([1e-2, 1.0, 1e3])
    if loss == "poisson":
        Y = rng.poisson(np.exp(raw) * units).astype(float)
    else:
        Y = np.exp(raw) * units if loss == "gamma" else raw * units
    model = GDRegressor(loss, alpha=ALPHA).fit(X, Y)

    def objective(model, weights, intercept, y):
        value = model.loss_.value(y, X @ weights + intercept).mean()
        return value + 0.5 * ALPHA * np.sum(weights**2)

    for column, y in enumerate(Y.T):
        alone = GDRegressor(loss, alpha=ALPHA, tol=1e-9, max_iter=5000).fit(X, y)
        best = objective(alone, alone.coef_, alone.intercept_, y)
        found = objective(alone, model.coef_[column], model.intercept_[column], y)
        middle = np.median(y) if loss == "absolute_error" else y.mean()
        middle = np.log(y.mean()) if loss in ("poisson", "gamma") else middle
        at_constant = objective(alone, np.zeros(p), middle, y)
        assert found - best <= LEFT * (at_constant - best)


def few_dimensions(n, p, rng):
    """Rows near eight dimensions; what they have beside these is small, and tells classes apart."""
    return rng.normal(size=(n, 8)) @ rng.normal(size=(8, p)) + 0.02 * rng.normal(size=(n, p))


@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge", "smooth_hinge"])
def test_correlated_features_of_whom_most_hardly_vary(loss):
    """Rows are few enough to be told apart, by directions that a few steps know nothing of."""
    rng = np.random.default_rng(0)
    X = few_dimensions(300, 600, rng)
    y = np.arange(300) % 2
    held = GDClassifier(loss, alpha=10.0).fit(X, y)  # a ridge bends all directions
    assert held.optimizer_ != Newton() and held.n_iter_ <= 40
    model = GDClassifier(loss, alpha=1e-8).fit(X, y)
    assert model.optimizer_ == Newton() and model.n_iter_ <= 40
    # weights that tell all rows apart by a margin of ten cost next to nothing
    assert model.loss_curve_[-1] <= LEFT * model.loss_.value(np.ones(1), np.zeros(1))[0]


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_quasi_newton_steps_go_on_where_pairs_know_little(form):
    rng = np.random.default_rng(1)
    X = few_dimensions(300, 600, rng)
    y = np.arange(300) % 2
    model = GDClassifier(alpha=1e-8, optimizer=LBFGS(standardize=True))
    assert model.fit(form(X), y).loss_curve_[-1] <= 0.1 * np.log(2.0)


@pytest.mark.parametrize("optimizer", ["auto", "lbfgs"])
@pytest.mark.parametrize("loss", ["gamma", "poisson", "negative_binomial"])
def test_groups_without_an_intercept_get_their_means(loss, optimizer):
    """Behind a link zeros predict ones, from where nearly all of the fall is to any constant."""
    rng = np.random.default_rng(0)
    X = np.eye(4)[rng.integers(0, 4, 2000)]
    y = X @ [2e3, 5e3, 1e4, 4e4] * rng.gamma(4.0, 0.25, 2000)
    model = GDRegressor(loss, optimizer=optimizer, penalty=None, fit_intercept=False).fit(X, y)
    means = [y[group == 1.0].mean() for group in X.T]
    assert_allclose(np.exp(model.coef_), means, rtol=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_a_smoothed_hinge_with_an_elastic_net_on_many_features(seed):
    """It is straight where training starts: second derivatives have nothing to say there."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((60, 150))
    y = (X[:, 0] > 0.0).astype(float)
    model = GDClassifier("smooth_hinge", penalty="elasticnet", alpha=1e-4).fit(X, y)
    objective = model.loss_.value(y, model.decision_function(X)).mean()
    objective += model.penalty_.value(model.coef_)
    # points that a line separates cost next to nothing, and 0.5 at zero
    assert objective < 1e-3


def test_an_expectile_of_a_column_of_ones():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(500), rng.standard_normal(500)])
    y = 2000.0 + 15.0 * rng.standard_normal(500) + X[:, 1]
    alone = GDRegressor(Expectile(0.9), penalty=None, fit_intercept=False).fit(X, y)
    beside = GDRegressor(Expectile(0.9), penalty=None).fit(X[:, 1:], y)
    loss, beside_loss = (
        Expectile(0.9).value(y, model.predict(part)).mean()
        for model, part in ((alone, X), (beside, X[:, 1:]))
    )
    assert loss <= 1.01 * beside_loss


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie", "squared_hinge"])
def test_an_elastic_net_in_raw_units_of_many_features(loss, seed):
    """A ridge that outweighs features in small units makes no outliers of their rows."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((60, 300)) * 10.0 ** rng.uniform(-4.0, 5.0, 300)
    y = rng.poisson(np.exp(rng.standard_normal(60))) + 1.0
    if loss == "squared_hinge":
        model = GDClassifier(loss, penalty="elasticnet", alpha=1e-2).fit(X, y > 2.0)
    else:
        model = GDRegressor(loss, penalty="elasticnet", alpha=1e-2).fit(X, y)
    assert model.n_iter_ < 100


# -- nothing to learn --------------------------------------------------------------------------

REGRESSION = [name for name, cls in LOSSES.items() if cls.task == "regression"]


@pytest.mark.parametrize("target", [1e-12, 5.0, 1e12])
@pytest.mark.parametrize("loss", REGRESSION)
def test_targets_that_are_all_the_same(loss, target):
    X = np.random.default_rng(0).normal(size=(60, 5))
    model = GDRegressor(loss).fit(X, np.full(60, target))
    assert model.stop_reason_ == "tol" and model.n_iter_ <= 10
    # anything within epsilon is as good, if the loss has one
    assert_allclose(model.predict(X), target, rtol=1e-5, atol=getattr(model.loss_, "epsilon", 0.0))


def test_several_targets_take_one_matrix_of_more_features():
    """A squared error's is the same for all of them; with few rows it is that of their products."""
    rng = np.random.default_rng(0)
    for shape, n_targets, kind in (
        ((600, 450), 1, LBFGS),
        ((600, 450), 5, Newton),
        ((300, 900), 1, LBFGS),
        ((300, 900), 5, RowSpace),
    ):
        X = rng.normal(size=shape)
        Y = X @ rng.normal(size=(shape[1], n_targets)) + rng.normal(size=(shape[0], n_targets))
        model = GDRegressor().fit(X, Y[:, 0] if n_targets == 1 else Y)
        assert isinstance(model.optimizer_, kind)
        Z, centred = X - X.mean(axis=0), Y - Y.mean(axis=0)
        ridge = ALPHA * len(X) * np.eye(len(X))
        expected = Z.T @ np.linalg.solve(Z @ Z.T + ridge, centred)
        left = np.sum((Z @ (model.coef_.T.reshape(expected.shape) - expected)) ** 2)
        assert left <= 1e-2 * np.sum(centred**2)
