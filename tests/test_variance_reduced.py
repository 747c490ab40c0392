"""SAGA and SVRG: their formulas, their loop, their rates and draws, and where they end."""

import copy
import functools
import itertools
import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, Ridge
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler, scale

from loss_cases import random_targets
from sklgd import GDClassifier, GDRegressor
from sklgd.callbacks import Checkpoint, load_checkpoint
from sklgd.losses import LOSSES, Hinge, Huber, Loss, Poisson, SquaredError
from sklgd.models import MLP, Linear
from sklgd.objective import Block, Problem, Targets
from sklgd.optimizers import LBFGS, OPTIMIZERS, SAGA, SVRG
from sklgd.penalties import L1, L2, MCP, PENALTIES, SCAD, Box, ElasticNet, GroupLasso
from sklgd.schedules import Adaptive, InvScaling
from sklgd.training import FitState
from sklgd.training.variance_reduced import VarianceReducedDriver, rest_of

N, P = 23, 6
targets = functools.partial(random_targets, N)
RATE = InvScaling(0.03, power_t=0.3)
RULES = [SAGA(RATE), SVRG(RATE), SVRG(RATE, snapshot_every=1)]
REGULARIZERS = [
    None,
    L2(0.2),
    L2(0.2, weights=np.arange(6.0)),
    L1(0.05),
    L1(0.05, weights=np.arange(6.0) / 2),
    ElasticNet(0.2, 0.4),
    ElasticNet(40.0, 0.01),
    GroupLasso(0.05, groups=[[0, 1], [2, 3], [4, 5]]),
    MCP(0.05, 3.0),
    SCAD(0.05, 3.7),
    Box(-0.05, 0.05),
]
SMOOTH = [name for name, cls in LOSSES.items() if cls().smooth]
WEIGHTS = np.random.default_rng(1).uniform(0.2, 3.0, N)

each_rule = pytest.mark.parametrize("rule", RULES, ids=repr)
each = pytest.mark.parametrize("optimizer", [SAGA(), SVRG()], ids=repr)


def test_the_tables_are_complete():
    family = {cls for cls in OPTIMIZERS.values() if cls.variance_reduced}
    assert family == {SAGA, SVRG} == {type(rule) for rule in RULES}
    assert set(PENALTIES.values()) == {type(p) for p in REGULARIZERS if p is not None}


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return rng.standard_normal((N, P)) * (rng.random((N, P)) < 0.5)


# -- the compiled loop ---------------------------------------------------------------------


class PlainLoop:
    """The loop by the book: the optimizer's estimate in NumPy, then the step, then the prox."""

    def __init__(self, problem, rule, order, shares, average, batch_size):
        self.problem, self.rule, self.order, self.batch_size = problem, rule, order, batch_size
        self.shares, self.average, self.iterates, self.t = shares, average, [], 0
        self.X = np.asarray(problem.block.X)
        self.params, self.state = np.zeros(problem.n_params), {}

    def slopes_of(self, rows):
        """Return the function that gives the slopes of rows at given parameters."""
        block, k = self.problem.block, self.problem.n_raw
        y, s = block.targets.y[rows], np.ones(len(rows))
        s = s if block.weights is None else block.weights[rows]
        if block.targets.one_vs_rest is not None:
            y = np.eye(max(k, 2))[y.astype(int)][:, -k:]
        elif not block.targets.joint:
            y = y.reshape(len(rows), -1)

        def slopes(params):
            raw = self.X[rows] @ params[: k * P].reshape(k, P).T + params[k * P :]
            return block.loss.gradient(y, raw) * s[:, None]

        return slopes

    def epoch(self, order):
        """Take the steps of a pass over rows in this order."""
        problem, params = self.problem, self.params
        if isinstance(self.rule, SAGA) and not self.state:
            slopes = self.slopes_of(np.arange(N))(params)
            self.state = {"slopes": slopes, "gradient": np.zeros_like(params)}
            Linear().backward(self.X, params, slopes / N, self.state["gradient"])
        if isinstance(self.rule, SVRG):
            self.rule.begin_pass(problem, params, self.state)
        for start in range(0, N, self.batch_size):
            self.t += 1
            rows = order[start : start + self.batch_size]
            slopes, shares = self.slopes_of(rows), self.shares[rows][:, None]
            grad = self.rule.estimate(
                Linear(), self.X[rows], rows, params, slopes, shares, self.state
            )
            lr = float(self.rule.schedule()(self.t))
            weights, before = problem.weights(params), problem.weights(params).copy()
            if problem.smooth is not None:
                problem.smooth.add_gradient(weights, problem.weights(grad))
            params -= lr * grad
            if isinstance(problem.penalty, ElasticNet) and lr * problem.penalty.alpha > 1:
                # the ridge shrinks a weight to zero, and no further
                loss_grad = problem.weights(grad) - problem.smooth.alpha * before
                weights[...] = max(0.0, 1 - lr * problem.smooth.alpha) * before - lr * loss_grad
            problem.prox(params, lr)
            if self.average and self.t >= self.average:
                self.iterates.append(params.copy())

    @property
    def result(self):
        return np.mean(self.iterates, axis=0) if self.iterates else self.params


def as_targets(loss, y):
    """Return targets as training codes them."""
    if loss.task != "classification":
        return Targets(y, 1 if y.ndim == 1 else y.shape[1])
    n_classes = y.max() + 1
    y = y.astype(np.float64)
    if n_classes == 2:
        return Targets(y, 1)
    if loss.joint:
        return Targets(y, n_classes, joint=True)
    return Targets(y, n_classes, one_vs_rest=(0.0, 1.0))


def check(
    X, loss, rule, penalty, *, batch_size, n_columns, weights=None, average=0, shuffle=True,
    may_be_zero=False,
):  # fmt: skip
    coded = as_targets(loss, targets(loss, n_columns))
    s = None if weights is None else weights / weights.mean()
    for form in (np.asarray, sp.csr_array):
        problem = Problem(Block(form(X), coded, s, loss, Linear(), True), penalty)
        params = np.zeros(problem.n_params)
        mean = np.zeros_like(params) if average else None
        state = FitState(params, {}, mean=mean, average_from=average, seed=3)
        arguments = {"batch_size": batch_size, "shuffle": shuffle}
        driver = VarianceReducedDriver(problem, rule, state, **arguments)
        dense = Problem(Block(X, coded, s, loss, Linear(), True), penalty)
        shares = np.ones(N) if driver.shares is None else driver.shares
        loop = PlainLoop(dense, rule, None, shares, average, batch_size)
        for _ in range(4):
            driver.epoch()
            loop.epoch(driver.order if shuffle else np.arange(N))
        assert may_be_zero or np.abs(loop.result).max() > 1e-7
        assert state.t == loop.t
        assert_allclose(state.result, loop.result, rtol=1e-9, atol=1e-12)
        kept = {SAGA: {"slopes", "gradient"}, SVRG: {"snapshot", "gradient"}}[type(rule)]
        assert kept <= state.slots.keys()
        for name in kept:
            assert_allclose(state.slots[name], loop.state[name], rtol=1e-9, atol=1e-12)


@each_rule
@pytest.mark.parametrize("name", SMOOTH)
def test_every_loss(X, name, rule):
    """With weights and without, at batch sizes that divide the rows and that do not."""
    for batch_size, n_columns, weights in ((1, 1, None), (5, 1, WEIGHTS), (1, 3, WEIGHTS)):
        arguments = {"batch_size": batch_size, "n_columns": n_columns, "weights": weights}
        check(X, LOSSES[name](), rule, L2(0.1), **arguments)


@each_rule
@pytest.mark.parametrize("penalty", REGULARIZERS, ids=repr)
def test_every_penalty(X, penalty, rule):
    for batch_size, n_columns, shuffle in itertools.product((1, 7), (1, 3), (False, True)):
        arguments = {"batch_size": batch_size, "n_columns": n_columns, "shuffle": shuffle}
        arguments["may_be_zero"] = penalty == ElasticNet(40.0, 0.01)
        check(X, SquaredError(), rule, penalty, weights=WEIGHTS, **arguments)


@each_rule
@pytest.mark.parametrize("average", [1, 30])
@pytest.mark.parametrize("penalty", [None, L2(0.2), L1(0.05)], ids=repr)
def test_averages(X, penalty, average, rule):
    check(X, SquaredError(), rule, penalty, batch_size=1, n_columns=2, average=average)


@each
def test_weights_that_cross_zero(optimizer):
    """Rare features that drift across zero between their rows, under L1 alone and with L2."""
    rng = np.random.default_rng(1)
    X = sp.random_array((400, 300), density=0.005, format="csr", rng=rng)
    y = rng.standard_normal(400)
    for penalty, alpha in (("l1", 3e-4), ("elasticnet", 1e-3), ("l2", 1e-3)):
        model = GDRegressor(penalty=penalty, alpha=alpha, l1_ratio=0.4, random_state=0)
        model.set_params(optimizer=clone(optimizer).set_params(learning_rate=0.1), tol=None)
        sparse, dense = clone(model).set_params(max_iter=9).fit(X, y), model.set_params(max_iter=9)
        dense.fit(X.toarray(), y)
        assert_allclose(sparse.coef_, dense.coef_, rtol=1e-9, atol=1e-12)
        assert_array_equal(sparse.coef_ == 0, dense.coef_ == 0)
        assert penalty == "l2" or 10 < np.sum(dense.coef_ == 0) < 290
        assert_allclose(sparse.loss_curve_, dense.loss_curve_, rtol=1e-9)


@each
def test_more_steps_than_are_handed_over_at_once(optimizer):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((70_000, 3)), rng.standard_normal(70_000)
    for penalty in ("l1", "l2"):
        model = GDRegressor(optimizer=optimizer, penalty=penalty, alpha=0.01, max_iter=1, tol=None)
        model.set_params(random_state=0)
        dense, sparse = clone(model).fit(X, y), clone(model).fit(sp.csr_array(X), y)
        assert dense.t_ == sparse.t_ == 70_001
        assert_allclose(sparse.coef_, dense.coef_, rtol=1e-9, atol=1e-12)


# -- rates and draws -----------------------------------------------------------------------


def driver_of(optimizer, X, y, *, weights=None, penalty=None, loss=None, fit_intercept=True):
    loss = SquaredError() if loss is None else loss
    problem = Problem(
        Block(X, as_targets(loss, y), weights, loss, Linear(), fit_intercept), penalty
    )
    state = FitState(np.zeros(problem.n_params), {})
    return VarianceReducedDriver(problem, optimizer, state, batch_size=1, shuffle=True)


@each
def test_rate_of_rows_that_are_alike(optimizer):
    """1 / (2 L + min(2 n mu, L)) with L = c (|x|^2 + 1) + alpha."""
    rng = np.random.default_rng(0)
    X, y = rng.choice([-1.0, 1.0], (50, 3)), rng.integers(0, 2, 50)
    for alpha, loss, curvature in ((0.1, SquaredError(), 1), (1e-4, LOSSES["log_loss"](), 0.25)):
        top = curvature * 4 + alpha
        expected = 1 / (2 * top + min(2 * 50 * alpha, top))
        driver = driver_of(optimizer, X, y, penalty=L2(alpha), loss=loss)
        assert driver.ends is None and driver.rate() == pytest.approx(expected, rel=1e-12)
        net = driver_of(optimizer, X, y, penalty=ElasticNet(2 * alpha, 0.5), loss=loss)
        assert net.rate() == pytest.approx(expected, rel=1e-12)
        none = driver_of(optimizer, X, y, loss=loss, fit_intercept=False)
        assert none.rate() == pytest.approx(1 / (2 * curvature * 3), rel=1e-12)


@each
def test_heavy_rows_are_drawn_more_often(optimizer):
    """On average as often as a row's bound asks for, and never but the integers around it."""
    X = np.ones((40, 1))
    X[:3] = 3.0
    weights = np.ones(40)
    weights[3] = 5.0
    driver = driver_of(optimizer, X, np.zeros(40), weights=weights)
    bounds = weights * (X[:, 0] ** 2 + 1)
    expected = (bounds / bounds.mean() + 0.5) / 1.5
    assert_allclose(driver.ends, np.cumsum(expected), rtol=1e-12)
    assert_allclose(driver.shares * expected, 1.0, rtol=1e-12)
    assert driver.rate() == pytest.approx(0.5 / np.max(bounds / expected), rel=1e-12)
    counts = np.zeros((400, 40))
    for epoch in range(400):
        driver._draw(epoch)
        counts[epoch] = np.bincount(driver.order, minlength=40)
    assert_array_equal(counts.sum(axis=1), 40)
    assert np.all((counts >= np.floor(expected)) & (counts <= np.ceil(expected)))
    assert_allclose(counts.mean(axis=0), expected, atol=0.12)


@each
def test_rows_that_are_alike_are_drawn_once(optimizer):
    driver = driver_of(optimizer, np.ones((40, 2)), np.zeros(40))
    driver.epoch()
    assert_array_equal(np.sort(driver.order), np.arange(40))
    assert not np.array_equal(driver.order, np.arange(40))


@each
def test_weights_that_differ_widely_train_well(optimizer):
    """One row in a hundred carries most of the weight (scikit-learn 31536)."""
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), scale(y)
    weights = np.where(np.arange(len(y)) % 100 == 0, 300.0, 1.0)
    model = GDRegressor(optimizer=optimizer, alpha=0.01, max_iter=200, tol=None, random_state=0)
    model.fit(X, y, sample_weight=weights)
    exact = Ridge(alpha=0.01 * weights.sum()).fit(X, y, sample_weight=weights)
    assert_allclose(model.coef_, exact.coef_, atol=1e-6)


@each
def test_stops_where_the_gradient_promises_little(optimizer):
    """Closer for a smaller tol, in any units of y; a schedule that waits for plateaus gets them."""
    model, X, y = PROBLEMS["squared error"]
    model, gaps = clone(model).set_params(optimizer=optimizer, random_state=0), []
    exact = objective(solved(model, X, y), X, y)
    for tol in (1e-2, 1e-4, 1e-8, 1e-12):
        model.set_params(tol=tol).fit(X, y)
        assert model.stop_reason_ == "tol" and model.n_iter_ < 200
        gaps.append(objective(model, X, y) - exact)
        n_iter = model.n_iter_
        assert clone(model).fit(X, 1e5 * y).n_iter_ == n_iter
    assert np.all(np.array(gaps) < [1e-2, 1e-3, 1e-7, 1e-11])
    adaptive = clone(optimizer).set_params(learning_rate=Adaptive(0.01))
    rates = model.set_params(optimizer=adaptive, tol=1e-5).fit(X, y).history_["learning_rate"]
    assert rates[0] == 0.01 and rates[-1] < 1e-5


def solved(model, X, y):
    """Return an estimator of the same problem at its minimum."""
    return clone(model).set_params(optimizer=LBFGS(), tol=1e-15, max_iter=3000).fit(X, y)


@each
def test_an_explicit_rate_is_used(X, optimizer):
    y = targets(SquaredError(), 1)
    for rate, expected in ((0.02, 0.02), (InvScaling(0.03, power_t=0.5), 0.03 / N**0.5)):
        rule = clone(optimizer).set_params(learning_rate=rate)
        model = GDRegressor(optimizer=rule, max_iter=1, tol=None).fit(X, y)
        assert model.history_["learning_rate"] == pytest.approx(expected)


# -- where they end ------------------------------------------------------------------------


def problems():
    """Yield estimators with data: logistic, Huber and squared error; two classes and three."""
    X, y = load_breast_cancer(return_X_y=True)
    yield "logistic", GDClassifier(alpha=0.01), scale(X), y
    X, y = load_wine(return_X_y=True)
    yield "multinomial", GDClassifier(alpha=0.01), scale(X), y
    X, y = load_diabetes(return_X_y=True)
    yield "squared error", GDRegressor(alpha=0.01), scale(X), scale(y)
    yield "huber", GDRegressor(Huber(0.5), alpha=0.01), scale(X), scale(y)


PROBLEMS = {name: rest for name, *rest in problems()}


def objective(model, X, y):
    """Return the objective of a fitted model from its definition."""
    loss, raw = model.loss_, X @ np.atleast_2d(model.coef_).T + model.intercept_
    value = loss.value(y, raw if raw.shape[1] > 1 else raw.ravel())
    return value.mean() + model.penalty_.value(model.coef_)


@each
@pytest.mark.parametrize("name", PROBLEMS)
def test_reaches_the_minimum(name, optimizer):
    """1e-8 of it, and on sparse data too."""
    model, X, y = PROBLEMS[name]
    best = solved(model, X, y)
    model = clone(model).set_params(optimizer=optimizer, tol=None, max_iter=300, random_state=0)
    for form in (np.asarray, sp.csr_array):
        found = objective(model.fit(form(X), y), X, y)
        assert found - objective(best, X, y) < 1e-8 * objective(best, X, y)
        assert model.loss_curve_[-1] == pytest.approx(found, rel=1e-7)


@each
def test_defaults_come_near(optimizer):
    for name in ("logistic", "squared error"):
        model, X, y = PROBLEMS[name]
        model = clone(model).set_params(alpha=1e-3, optimizer=optimizer, random_state=0)
        best = solved(model, X, y)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.set_params(tol=1e-6).fit(X, y)
        assert model.stop_reason_ == "tol"
        found, minimum = objective(model, X, y), objective(best, X, y)
        assert found - minimum < 1e-3 * (objective_at_zero(model, y) - minimum)


def objective_at_zero(model, y):
    return model.loss_.value(np.asarray(y, dtype=float), np.zeros(len(y))).mean()


@each
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
def test_reaches_the_lasso(form, optimizer):
    _, X, y = PROBLEMS["squared error"]
    exact = Lasso(alpha=0.05, tol=1e-12).fit(X, y)
    model = GDRegressor(optimizer=optimizer, penalty="l1", alpha=0.05, tol=None, max_iter=300)
    model.set_params(random_state=0).fit(form(X), y)
    assert_allclose(model.coef_, exact.coef_, atol=1e-6)
    assert_array_equal(model.coef_ == 0, exact.coef_ == 0)
    assert 0 < np.sum(model.coef_ == 0) < 10


@each
def test_larger_batches_reach_it_too(optimizer):
    model, X, y = PROBLEMS["squared error"]
    exact = Ridge(alpha=0.01 * len(y)).fit(X, y)
    model = clone(model).set_params(optimizer=optimizer, tol=None, batch_size=8, max_iter=2000)
    assert_allclose(model.fit(X, y).coef_, exact.coef_, atol=1e-5)


# -- what goes on --------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", ["l2", "l1"])
@pytest.mark.parametrize("n_columns", [1, 2])
@each
def test_calls_go_on_exactly(X, optimizer, n_columns, penalty):
    """k calls of partial_fit, or of fit with warm_start, are one fit; pickles change nothing."""
    y = targets(SquaredError(), n_columns)
    for form, average in itertools.product((np.asarray, sp.csr_array), (False, 30)):
        whole = GDRegressor(optimizer=optimizer, penalty=penalty, average=average, max_iter=5)
        whole.set_params(random_state=0, tol=None, alpha=0.01).fit(form(X), y)
        parts, warm = clone(whole), clone(whole).set_params(max_iter=1, warm_start=True)
        for _ in range(5):
            parts = pickle.loads(pickle.dumps(parts.partial_fit(form(X), y)))
            warm = pickle.loads(pickle.dumps(warm.fit(form(X), y)))
        for model in (parts, warm):
            assert_array_equal(model.coef_, whole.coef_)
            assert_array_equal(model.intercept_, whole.intercept_)
            assert model.t_ == whole.t_
        assert_array_equal(parts.loss_curve_, whole.loss_curve_)


@each
def test_other_rows_make_a_new_memory(X, optimizer):
    """Nothing that was remembered of other rows is used, and nothing is lost of the same."""
    y = targets(SquaredError(), 1)
    model = GDRegressor(optimizer=optimizer, random_state=0).partial_fit(X, y)
    others = [X[::-1].copy(), X[:, ::-1].copy(), X + 0.5, X[:-3], X.astype(np.float32) / 3]
    for other, same in [*((other, False) for other in others), (X.copy(), True)]:
        going_on, without = copy.deepcopy(model), copy.deepcopy(model)
        without._state.slots.clear()
        for estimator in (going_on, without):
            estimator.partial_fit(other, y[: len(other)])
        assert np.array_equal(going_on.coef_, without.coef_) is not same
    for changed in (-y, y):
        going_on = copy.deepcopy(model)
        for _ in range(300):
            going_on.partial_fit(X, changed)
        exact = Ridge(alpha=1e-4 * N).fit(X, changed)
        assert_allclose(going_on.coef_, exact.coef_, atol=1e-6)


@each
def test_a_checkpoint_stops_where_the_fit_does(optimizer, tmp_path):
    model, X, y = PROBLEMS["squared error"]
    model = clone(model).set_params(optimizer=optimizer, tol=1e-6, random_state=0)
    whole = clone(model).fit(X, y)
    assert whole.stop_reason_ == "tol" and whole.n_iter_ > 5
    checkpoint = Checkpoint(tmp_path / "model.pkl", every=whole.n_iter_ - 1)
    clone(model).set_callbacks(checkpoint).fit(X, y)
    again = load_checkpoint(tmp_path / "model.pkl").fit(X, y)
    assert again.n_iter_ == whole.n_iter_ and again.stop_reason_ == "tol"
    assert_array_equal(again.coef_, whole.coef_)


@each
def test_any_number_of_threads(optimizer, eager_threads):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((9000, 4)), rng.standard_normal(9000)
    model = GDRegressor(optimizer=optimizer, max_iter=3, tol=None, random_state=0)
    one, two = clone(model).set_params(n_jobs=1).fit(X, y), model.set_params(n_jobs=2).fit(X, y)
    assert_array_equal(one.coef_, two.coef_)
    assert bool(eager_threads) == isinstance(optimizer, SVRG)  # SAGA has no pass over all rows


@each
def test_the_best_parameters_are_restored(X, optimizer):
    y = targets(SquaredError(), 1)
    model = GDRegressor(optimizer=optimizer, early_stopping=True, random_state=0, max_iter=40)
    model.set_params(tol=None, alpha=0.0)
    model.fit(X[:18], y[:18], X_val=X[18:], y_val=y[18:])
    score = np.mean((model.predict(X[18:]) - y[18:]) ** 2) / 2
    assert score == pytest.approx(model.history_["val_loss"].min(), rel=1e-9)


@pytest.mark.filterwarnings("ignore:overflow|invalid value:RuntimeWarning")
@each
def test_goes_on_after_rows_beyond_all_measure(X, optimizer):
    y = targets(SquaredError(), 1)
    model = GDRegressor(optimizer=optimizer, random_state=0).partial_fit(X, y)
    explicit = GDRegressor(optimizer=clone(optimizer).set_params(learning_rate=0.01))
    explicit.partial_fit(X, y)
    before = explicit.coef_.copy()
    with pytest.warns(ConvergenceWarning, match="diverged"):
        explicit.partial_fit(1e200 * X, y)
    assert_allclose(explicit.coef_, before, rtol=1e-12)
    model.partial_fit(1e100 * X, y)  # its rate is as small as they are large
    for estimator in (model, explicit):
        for _ in range(3):
            estimator.partial_fit(X, y)
        assert np.isfinite(estimator.coef_).all()


# -- what is refused -----------------------------------------------------------------------


class Quartic(Loss):
    """A loss of one's own, whose curvature has no bound."""

    task = "regression"

    def value(self, y, raw):
        return (raw - y) ** 4 / 4

    def gradient(self, y, raw):
        return (raw - y) ** 3


class Bounded(Quartic):
    """One that says how much it bends."""

    curvature = 2.0

    def value(self, y, raw):
        return (raw - y) ** 2

    def gradient(self, y, raw):
        return 2 * (raw - y)


@each
def test_losses_that_cannot_work(X, optimizer):
    name = type(optimizer).__name__
    for loss in ("absolute_error", "quantile", "epsilon_insensitive"):
        with pytest.raises(ValueError, match=f"{name} needs a smooth loss.*use optimizer='auto'"):
            GDRegressor(loss, optimizer=optimizer).fit(X, targets(SquaredError(), 1))
    with pytest.raises(ValueError, match=rf"{name} needs a smooth loss and Hinge\(\) is not"):
        GDClassifier("hinge", optimizer=optimizer).fit(X, targets(Hinge(), 1))
    for loss in (Poisson(), Quartic()):
        model = GDRegressor(loss, optimizer=clone(optimizer), max_iter=5, tol=None)
        with pytest.raises(ValueError, match=r"no known bound.*lbfgs.*learning_rate=0.01"):
            model.fit(X, targets(Poisson(), 1))
        assert not hasattr(model, "coef_")
        model.set_params(optimizer__learning_rate=0.001).fit(X, targets(Poisson(), 1))
        assert model.loss_curve_[-1] < model.loss_curve_[0]
    found = GDRegressor(Bounded(), optimizer=optimizer, random_state=0, max_iter=9, tol=None)
    found.fit(X, targets(SquaredError(), 1))
    assert found.history_["learning_rate"][-1] > 0.01


@each
def test_models_that_are_not_linear(X, optimizer):
    name = type(optimizer).__name__
    model = GDRegressor(optimizer=optimizer, model=MLP((4,)))
    with pytest.raises(ValueError, match=f"{name} needs raw predictions that are linear.*adam"):
        model.fit(X, targets(SquaredError(), 1))
    assert not hasattr(model, "n_iter_")


def test_a_subclass_does_not_train_with_its_parents_loop(X):
    class Mine(SAGA):
        pass

    with pytest.raises(ValueError, match="Mine has no compiled loop"):
        GDRegressor(optimizer=Mine()).fit(X, targets(SquaredError(), 1))


def test_names_of_rates():
    with pytest.raises(ValueError, match="learning_rate"):
        SAGA("fast").schedule()
    assert SAGA("invscaling").schedule() == InvScaling()
    assert SAGA().schedule()(7) == 1.0


@pytest.mark.parametrize("power", [1.6, 2.0, 3.0, 6.0])
def test_what_is_left_of_gains_that_fall_like_a_power(power):
    gains = np.arange(1.0, 401.0) ** -power
    left = np.sum(np.arange(401.0, 4e6) ** -power) + (4e6) ** (1 - power) / (power - 1)
    assert rest_of(tuple(gains)) == pytest.approx(left, rel=0.05)


@pytest.mark.parametrize("share, k", [(0.3, 20), (0.3, 300), (0.9, 30), (0.9, 300), (0.99, 300)])
def test_what_is_left_of_gains_that_fall_geometrically(share, k):
    """Never less than that, and not many times as much."""
    left = share ** (k + 1) / (1.0 - share)
    assert left <= rest_of(tuple(share ** np.arange(1.0, k + 1))) <= 4.0 * left + share**k


def test_what_is_left_of_nothing():
    assert rest_of((1.0, 0.0)) == 0.0
    assert rest_of((0.1,)) == pytest.approx(0.2)


@pytest.mark.parametrize("rule", [SAGA(), SVRG()], ids=repr)
@pytest.mark.parametrize("tol", [1e-2, 1e-3])
def test_what_is_left_at_the_end_is_what_tol_asks_for(rule, tol):
    """On a problem where an epoch gains little long before the minimum."""
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = GDClassifier(optimizer=rule, alpha=1e-5, tol=tol, max_iter=10_000, random_state=0)
    found = model.fit(X, y)
    best = GDClassifier(optimizer=LBFGS(), alpha=1e-5, tol=1e-12, max_iter=10_000).fit(X, y)
    objective = [log_loss(y, m.predict_proba(X)) + 5e-6 * (m.coef_**2).sum() for m in (found, best)]
    assert found.stop_reason_ == "tol"
    scale = max(objective[0], tol * np.log(3.0))
    assert 0.0 <= objective[0] - objective[1] <= 2.0 * tol * scale
