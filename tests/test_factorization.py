"""Factorization machines: the formula, its kernel, and what they find."""

import itertools
import pickle
import time
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score, root_mean_squared_error
from sklearn.preprocessing import scale
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklgd._kernels.objective import Objective, predict_raw

from sklgd import GDClassifier, GDRegressor
from sklgd._kernels import adapters
from sklgd._kernels.rows import make_rows
from sklgd._strategy import compose_kernel
from sklgd.losses import LogLoss, SquaredError
from sklgd.models import FactorizationMachine
from sklgd.objective import Block, Problem, Targets
from sklgd.optimizers import (
    FISTA,
    FTRL,
    LBFGS,
    SGD,
    AdaGrad,
    Adam,
    Clipped,
    GradientDescent,
    PolyakSGD,
    lr_range_test,
)
from sklgd.penalties import L1, L2, MCP, Box, ElasticNet, GroupLasso
from sklgd.testing import check_model
from sklgd.training import FitState, StepDriver

N, P = 40, 6
FORMS = pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def rows(dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, P)).astype(dtype)
    X[rng.random(X.shape) < 0.5] = 0.0
    X[3] = 0.0
    return X


def start(n_factors, n_raw, fit_intercept=True):
    size = n_raw * (P * (1 + n_factors) + fit_intercept)
    return np.random.default_rng(1).normal(size=size)


@pytest.mark.parametrize("n_raw", [1, 3])
@pytest.mark.parametrize("n_factors", [1, 2, 5])
def test_the_formula_pair_by_pair(n_factors, n_raw):
    X, params = rows(), start(n_factors, n_raw)
    model = FactorizationMachine(n_factors)
    parts = model.unpack(params, P, n_raw)
    weights = parts["weights_"].reshape(n_raw, P)
    factors = parts["factors_"].reshape(n_raw, n_factors, P)
    expected = np.zeros((N, n_raw))
    for i, c in itertools.product(range(N), range(n_raw)):
        expected[i, c] = parts["intercept_"][c] + weights[c] @ X[i]
        for j, k in itertools.combinations(range(P), 2):
            expected[i, c] += factors[c, :, j] @ factors[c, :, k] * X[i, j] * X[i, k]
    assert_allclose(model.forward(X, params, n_raw), expected, rtol=1e-12, atol=1e-12)


@DTYPES
@FORMS
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_raw", [1, 3])
@pytest.mark.parametrize("n_factors", [1, 3, 8])
def test_equals_its_kernel(n_factors, n_raw, fit_intercept, index, form, dtype):
    X = form(rows(dtype))
    if sp.issparse(X):
        X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    model, params = FactorizationMachine(n_factors), start(n_factors, n_raw, fit_intercept)
    kernel = model.compose(P, n_raw, fit_intercept)
    raw = model.forward(X.astype(np.float64), params, n_raw)
    assert_allclose(predict_raw(make_rows(X), kernel, params), raw, rtol=1e-12, atol=1e-12)
    y = np.random.default_rng(2).normal(size=(N, n_raw))
    loss = compose_kernel(SquaredError(), adapters.PyLoss)
    order = np.random.default_rng(3).permutation(N).astype(np.uint32)[: N - 5]
    found, expected = np.zeros_like(params), np.zeros_like(params)
    Objective(make_rows(X), y, None, loss, kernel).sums(params, found, order)
    taken = X[order].astype(np.float64)
    model.backward(taken, params, raw[order] - y[order], expected)
    assert_allclose(found, expected, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("n_raw", [1, 3])
@pytest.mark.parametrize("n_factors", [1, 4])
def test_passes_the_check(n_factors, n_raw):
    check_model(FactorizationMachine(n_factors), n_raw=n_raw)


@FORMS
@pytest.mark.parametrize("loss, n_raw", [(SquaredError(), 2), (LogLoss(), 3)], ids=str)
def test_gradient_of_the_objective(loss, n_raw, form):
    rng = np.random.default_rng(4)
    joint = isinstance(loss, LogLoss)
    y = rng.integers(0, 3, N).astype(float) if joint else rng.normal(size=(N, n_raw))
    model, params = FactorizationMachine(3), start(3, n_raw)
    block = Block(form(rows()), Targets(y, n_raw, joint=joint), None, loss, model, True)
    problem = Problem(block, L2(0.1))

    def value(params):
        return problem.loss(params) + problem.smooth_value(params)

    gradient = problem.value_and_gradient(params)[1]
    for at in range(params.size):
        h = np.zeros_like(params)
        h[at] = 1e-6
        difference = (value(params + h) - value(params - h)) / 2e-6
        assert_allclose(gradient[at], difference, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_entries_of_one_feature_are_added(factor):
    X, y = rows(), np.random.default_rng(0).normal(size=N)
    entries = sp.coo_array(X)
    twice = sp.csr_array((N, P))
    twice.data = np.repeat(entries.data / 2, 2) * factor
    twice.indices = np.repeat(entries.col, 2).astype(np.int32)
    twice.indptr = (2 * sp.csr_array(X).indptr).astype(np.int32)
    before = twice.data.copy()
    model = GDRegressor(model=FactorizationMachine(2), optimizer=Adam(), max_iter=2, tol=None)
    model.set_params(random_state=0)
    expected = clone(model).fit(sp.csr_array(X * factor), y)
    assert_allclose(model.fit(twice, y).factors_, expected.factors_, rtol=1e-10)
    assert_allclose(model.predict(twice), expected.predict(X * factor), rtol=1e-10)
    assert_array_equal(twice.data, before)


def simulate(n_users=120, n_items=80, n_factors=3, noise=0.3, seed=0):
    """Ratings by biases and factors; seven tenths of all pairs train, the rest test."""
    rng = np.random.default_rng(seed)
    users = rng.normal(size=(n_users, n_factors))
    items = 0.6 * rng.normal(size=(n_items, n_factors))
    biases = 0.5 * rng.normal(size=n_users + n_items)
    user, item = np.divmod(rng.permutation(n_users * n_items), n_items)
    signal = 3.5 + biases[user] + biases[n_users + item]
    signal += np.sum(users[user] * items[item], axis=1)
    n = user.size
    X = sp.csr_array(
        (
            np.ones(2 * n),
            np.stack((user, n_users + item), axis=1).ravel(),
            np.arange(0, 2 * n + 1, 2),
        ),
        shape=(n, n_users + n_items),
    )
    y = signal + noise * rng.normal(size=n)
    n_train = 7 * n // 10
    return X[:n_train], y[:n_train], X[n_train:], y[n_train:], signal[n_train:], users @ items.T


def centred(pairs):
    """Without what depends on the row or the column alone, which biases can take up."""
    rows = pairs - pairs.mean(axis=0)
    return rows - rows.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ratings_from_known_factors(seed):
    """The linear model is far off; the machine is as good as estimates of its parameters can be.

    The oracle knows the noise, and that p estimated parameters cost noise^2 p / n in the mean.
    """
    X, y, X_test, y_test, signal, truth = simulate(seed=seed)
    noise = root_mean_squared_error(y_test, signal)
    n_parameters = 1 + 4 * (X.shape[1] - 2) - 9  # factors up to a linear map
    oracle = noise * np.sqrt(1 + n_parameters / len(y))
    linear = GDRegressor().fit(X, y)
    machine = GDRegressor(model=FactorizationMachine(n_factors=3), random_state=0).fit(X, y)
    assert machine.optimizer_ == LBFGS(standardize=True)
    assert root_mean_squared_error(y_test, linear.predict(X_test)) > 3 * noise
    assert root_mean_squared_error(y_test, machine.predict(X_test)) < 1.02 * oracle
    users, items = np.split(machine.factors_, [len(truth)], axis=1)
    found = users.T @ items
    assert np.corrcoef(found.ravel(), truth.ravel())[0, 1] > 0.97
    assert np.corrcoef(centred(found).ravel(), centred(truth).ravel())[0, 1] > 0.99


def test_three_fields_of_very_different_sizes():
    """Popular users, items and days; ratings, and clicks with their true odds as the oracle."""
    rng = np.random.default_rng(0)
    sizes, n = (200, 100, 10), 20_000
    fields = [rng.choice(k, n, p=(w := np.arange(1, k + 1) ** -0.7) / w.sum()) for k in sizes]
    active = np.stack(fields, axis=1) + np.cumsum((0, *sizes[:-1]))
    factors, biases = 0.6 * rng.normal(size=(sum(sizes), 3)), 0.4 * rng.normal(size=sum(sizes))
    signal = biases[active].sum(axis=1)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        signal += np.sum(factors[active[:, a]] * factors[active[:, b]], axis=1)
    X = sp.csr_array((np.ones(3 * n), active.ravel(), np.arange(0, 3 * n + 1, 3)))
    ratings = 3.0 + signal + 0.5 * rng.normal(size=n)
    clicks = rng.random(n) < 1.0 / (1.0 + np.exp(-signal))
    seen, new = slice(0, 16_000), slice(16_000, n)
    machine = GDRegressor(model=FactorizationMachine(n_factors=3), random_state=0)
    machine.fit(X[seen], ratings[seen])
    linear = GDRegressor().fit(X[seen], ratings[seen])
    assert root_mean_squared_error(ratings[new], machine.predict(X[new])) < 1.1 * 0.5
    assert root_mean_squared_error(ratings[new], linear.predict(X[new])) > 2.0 * 0.5
    machine = GDClassifier(model=FactorizationMachine(n_factors=3), random_state=0)
    scores = machine.fit(X[seen], clicks[seen]).decision_function(X[new])
    linear = GDClassifier().fit(X[seen], clicks[seen]).decision_function(X[new])
    oracle = roc_auc_score(clicks[new], signal[new])
    assert roc_auc_score(clicks[new], scores) > oracle - 0.05
    assert roc_auc_score(clicks[new], linear) < oracle - 0.08


@pytest.mark.parametrize("optimizer", [Adam(0.01), AdaGrad(0.1), SGD(0.1), FISTA()], ids=str)
def test_ratings_by_other_rules(optimizer):
    X, y, X_test, y_test, signal, truth = simulate()
    machine = GDRegressor(
        model=FactorizationMachine(n_factors=3), optimizer=optimizer, random_state=0
    ).fit(X, y)
    noise = root_mean_squared_error(y_test, signal)
    assert root_mean_squared_error(y_test, machine.predict(X_test)) < 1.25 * noise
    users, items = np.split(machine.factors_, [len(truth)], axis=1)
    assert np.corrcoef(centred(users.T @ items).ravel(), centred(truth).ravel())[0, 1] > 0.98


def test_ratings_from_a_stream():
    X, y, X_test, y_test, signal, _ = simulate()
    machine = GDRegressor(model=FactorizationMachine(n_factors=3), random_state=0)
    for _ in range(20):
        for start in range(0, len(y), 500):
            machine.partial_fit(X[start : start + 500], y[start : start + 500])
    noise = root_mean_squared_error(y_test, signal)
    assert root_mean_squared_error(y_test, machine.predict(X_test)) < 1.3 * noise


def test_a_stream_after_a_fit_spoils_nothing():
    X, y, X_test, y_test, _, _ = simulate()
    machine = GDRegressor(model=FactorizationMachine(n_factors=3), random_state=0)
    half = len(y) // 2
    before = root_mean_squared_error(y_test, machine.fit(X[:half], y[:half]).predict(X_test))
    for start in range(half, len(y), 500):
        machine.partial_fit(X[start : start + 500], y[start : start + 500])
        assert root_mean_squared_error(y_test, machine.predict(X_test)) < 1.03 * before


@FORMS
def test_classes_that_are_products(form):
    """Exclusive or, which no line separates; and three classes by a product's size."""
    X = np.random.default_rng(0).normal(size=(400, 3))
    product = X[:, 0] * X[:, 1]
    for y in (product > 0, np.digitize(product, [-0.5, 0.5])):
        for loss in ("log_loss", "hinge"):
            linear = GDClassifier(loss).fit(form(X), y)
            machine = GDClassifier(loss, model=FactorizationMachine(3), random_state=0)
            machine.fit(form(X), y)
            assert linear.score(X, y) < 0.7 and machine.score(X, y) > 0.95
            if loss == "log_loss":
                assert_allclose(machine.predict_proba(form(X)).sum(axis=1), 1.0)
    assert machine.weights_.shape == (3, 3) and machine.factors_.shape == (3, 3, 3)


@pytest.mark.parametrize("optimizer", [SGD(0.01), Adam(0.01), AdaGrad(0.1), LBFGS()], ids=repr)
@pytest.mark.parametrize("penalty", [None, L2(0.01), L1(0.01), ElasticNet(0.01), GroupLasso(0.01)])
def test_dense_equals_sparse(optimizer, penalty):
    if isinstance(optimizer, LBFGS) and not isinstance(penalty, L2):
        penalty = None
    Y = np.random.default_rng(0).normal(size=(N, 2))
    model = GDRegressor(model=FactorizationMachine(3), optimizer=optimizer, penalty=penalty)
    model.set_params(max_iter=4, tol=None, random_state=0)
    for y in (Y[:, 0], Y):
        dense, sparse = (clone(model).fit(form(rows()), y) for form in (np.asarray, sp.csr_array))
        assert_allclose(dense.factors_, sparse.factors_, rtol=1e-8, atol=1e-11)
        assert_allclose(dense.weights_, sparse.weights_, rtol=1e-8, atol=1e-11)
        assert_allclose(dense.history_["objective"], sparse.history_["objective"], rtol=1e-9)


NARROW = [SGD(0.05), AdaGrad(0.1), FTRL(0.1, l2=0.01), Clipped(AdaGrad(0.1), 0.5), PolyakSGD(0.1)]


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("n_raw", [1, 2])
@pytest.mark.parametrize(
    "penalty",
    [
        None,
        L2(0.1),
        L1(0.01),
        ElasticNet(0.05, 0.5),
        L2(0.1, weights=np.arange(70.0)),
        MCP(0.02),
        Box(-0.2, 0.2),
    ],
    ids=lambda penalty: type(penalty).__name__,
)
@pytest.mark.parametrize("optimizer", NARROW, ids=repr)
def test_steps_on_few_features_equal_those_on_all(optimizer, penalty, n_raw, average):
    """Rows that touch few of many features cost their nonzeros, and give the dense steps."""
    X, y, *_ = simulate(n_users=40, n_items=30)
    X, y = X[:300], np.column_stack((y, -y))[:300, :n_raw]
    X.data[:] = np.random.default_rng(0).uniform(0.5, 2.0, X.nnz)
    model = GDRegressor(model=FactorizationMachine(3), optimizer=optimizer, penalty=penalty)
    model.set_params(batch_size=4, max_iter=3, tol=None, random_state=0, average=average)
    dense, sparse = (clone(model).fit(form, y.squeeze()) for form in (X.toarray(), X))
    assert np.isfinite(dense.factors_).all()
    for name in ("weights_", "factors_", "intercept_"):
        assert_allclose(getattr(sparse, name), getattr(dense, name), rtol=1e-8, atol=1e-11)
    assert_allclose(sparse.history_["objective"], dense.history_["objective"], rtol=1e-9)


def driver_of(X, y, optimizer, penalty, batch_size):
    model = FactorizationMachine(3)
    block = Block(X, Targets(y, 1), None, SquaredError(), model, True)
    params = model.init_params(X.shape[1], 1, np.random.RandomState(0))
    state = FitState(params, optimizer.init_state(params))
    problem = Problem(block, penalty)
    return StepDriver(problem, optimizer, state, batch_size=batch_size, shuffle=True)


def costs_nonzeros(X, optimizer, penalty):
    driver = driver_of(X, np.zeros(X.shape[0]), optimizer, penalty, batch_size=4)
    return driver.epoch_kernel.is_lazy()


@pytest.mark.parametrize("penalty", [None, L2(0.1), L1(0.1), ElasticNet(0.1), MCP(0.1)], ids=repr)
def test_which_steps_cost_their_nonzeros(penalty):
    X = simulate(n_users=40, n_items=30)[0]
    for optimizer in NARROW:
        assert costs_nonzeros(X, optimizer, penalty)
        assert not costs_nonzeros(X.toarray(), optimizer, penalty)
        assert not costs_nonzeros(X, optimizer, GroupLasso(0.1))
    for optimizer in (Adam(), SGD(0.1, momentum=0.9)):
        assert not costs_nonzeros(X, optimizer, penalty)


@pytest.mark.parametrize("optimizer", [SGD(0.01), AdaGrad(0.1)], ids=repr)
def test_a_step_does_not_cost_what_there_are_features(optimizer):
    """The same entries among 100 times as many features: a step on all takes 50 times as long."""
    rng = np.random.default_rng(0)
    n, p = 30_000, 2_000
    columns, y = rng.integers(0, p, 10 * n), rng.normal(size=n)
    seconds = []
    for factor in (1, 100):
        start = np.arange(0, 10 * n + 1, 10)
        X = sp.csr_array((np.ones(10 * n), factor * columns, start), shape=(n, factor * p))
        driver = driver_of(X, y, optimizer, L2(1e-3), batch_size=1)
        times = []
        for _ in range(3):
            began = time.perf_counter()
            driver.epoch()
            times.append(time.perf_counter() - began)
        seconds.append(min(times))
    assert seconds[1] < 10 * seconds[0]


@pytest.mark.parametrize("optimizer", ["auto", AdaGrad(0.3)], ids=str)
def test_a_group_is_a_feature_with_its_factors(optimizer):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 6))
    y = X[:, 0] + 2.0 * X[:, 1] * X[:, 2]
    model = GDRegressor(model=FactorizationMachine(2), penalty=GroupLasso(0.05), random_state=0)
    model.set_params(optimizer=optimizer, max_iter=500, tol=1e-5).fit(X, y)
    used = np.vstack((model.weights_, model.factors_)).any(axis=0)
    assert_array_equal(used, [True, True, True, False, False, False])


def test_weights_of_features_hold_for_their_factors():
    X = np.random.default_rng(0).normal(size=(200, 4))
    y = X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3]
    penalty = L2(0.1, weights=[0.0, 0.0, 1e4, 1e4])
    model = GDRegressor(model=FactorizationMachine(3), penalty=penalty, random_state=0).fit(X, y)
    pairs = model.factors_.T @ model.factors_
    assert abs(pairs[0, 1] - 1.0) < 0.05 and np.abs(pairs[2:, 2:]).max() < 1e-3


def test_full_batch_reaches_a_minimum():
    X, y, *_ = simulate(n_users=40, n_items=30)
    for optimizer in (LBFGS(), GradientDescent(1.0)):
        model = GDRegressor(
            model=FactorizationMachine(2), optimizer=optimizer, alpha=0.01, tol=1e-9, max_iter=20000
        )
        assert model.set_params(random_state=0).fit(X, y).optimality_ < 1e-3
    history = model.history_["objective"]
    assert (np.diff(history) < 1e-12).all()


FAR = np.array([1e4, 1e-5, 300.0, 1.0, 1e6, 50.0])


@FORMS
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_auto_scales_features_that_are_far_from_one(form, loss):
    """As if the user had done so, and had divided the weights and the factors by it in turn."""
    X, noise = rows(), np.random.default_rng(0).normal(size=N)
    y = X[:, 0] + X[:, 1] * X[:, 2] - X[:, 4] + 0.1 * noise
    largest = np.abs(X * FAR).max(axis=0)
    largest[3] = 1.0  # near one, as it is
    model = GDRegressor(loss, model=FactorizationMachine(2), penalty=None, random_state=0)
    model.set_params(max_iter=8, tol=None)
    raw, scaled = clone(model).fit(form(X * FAR), y), clone(model).fit(X * FAR / largest, y)
    for name in ("weights_", "factors_"):
        assert_allclose(getattr(raw, name) * largest, getattr(scaled, name), rtol=1e-6, atol=1e-8)
    assert_allclose(raw.predict(form(X * FAR)), scaled.predict(X * FAR / largest), rtol=1e-6)


@pytest.mark.parametrize("penalty", [None, L2(1e-4)], ids=repr)
def test_raw_features_train_as_scaled_ones_do(penalty):
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 1.5, (400, 4)) * [1e4, 1e-3, 50.0, 1.0]
    unit = X / [1e4, 1e-3, 50.0, 1.0]
    y = 1.0 + unit[:, 0] * unit[:, 1] - 2.0 * unit[:, 2] * unit[:, 3] + unit[:, 0]
    model = GDRegressor(model=FactorizationMachine(3), penalty=penalty, random_state=0)
    model.set_params(max_iter=3000, tol=1e-6)
    assert model.fit(X, y).score(X, y) > 0.98


def test_range_test_and_early_stopping():
    X, y, X_test, y_test, *_ = simulate()
    model = GDRegressor(model=FactorizationMachine(3), optimizer=Adam(), random_state=0)
    found = lr_range_test(model, X, y, random_state=0)
    assert 1e-3 < found.suggestion < 10
    model.set_params(early_stopping=True, optimizer=Adam(0.01), penalty=None)
    model.fit(X, y, X_val=X_test, y_val=y_test)
    assert model.stop_reason_ == "no_improvement"
    losses = model.history_["val_loss"]
    assert_allclose(2 * losses.min(), np.mean((model.predict(X_test) - y_test) ** 2))


@pytest.mark.parametrize("optimizer", ["auto", Adam(0.01), SGD(0.01, momentum=0.9)], ids=str)
@pytest.mark.parametrize("average", [False, True])
def test_goes_on_from_a_pickle(optimizer, average):
    X, y, *_ = simulate(n_users=20, n_items=15)
    whole = GDRegressor(model=FactorizationMachine(2), optimizer=optimizer, average=average)
    whole.set_params(shuffle=False, random_state=0)
    parts = clone(whole)
    for _ in range(3):
        whole.partial_fit(X, y)
        parts = pickle.loads(pickle.dumps(parts)).partial_fit(X, y)
    assert_array_equal(whole.factors_, parts.factors_)
    assert_array_equal(whole.predict(X), parts.predict(X))


def test_fitted_attributes():
    X, y = rows(), np.random.default_rng(0).normal(size=N)
    for fit_intercept in (True, False):
        model = GDRegressor(model=FactorizationMachine(3), fit_intercept=fit_intercept)
        model.set_params(random_state=0).fit(X, y)
        assert model.weights_.shape == (P,) and model.factors_.shape == (3, P)
        assert model.intercept_.shape == (1,) and bool(model.intercept_[0]) == fit_intercept
        assert not hasattr(model, "coef_")
    model.set_params(model="linear").fit(X, y)
    assert not hasattr(model, "factors_") and model.coef_.shape == (P,)


def test_the_random_state_is_where_factors_start():
    X, y = rows(), np.random.default_rng(0).normal(size=N)
    fits = [
        GDRegressor(model="factorization_machine", random_state=seed).fit(X, y)
        for seed in (0, 0, 1)
    ]
    assert_array_equal(fits[0].factors_, fits[1].factors_)
    assert not np.array_equal(fits[0].factors_, fits[2].factors_)
    assert fits[0].model_ == FactorizationMachine(n_factors=8)


def test_nested_parameters():
    model = GDRegressor(model="factorization_machine").set_params(model__n_factors=3)
    assert model.model == FactorizationMachine(n_factors=3)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"n_factors": 0}, "'n_factors' parameter of FactorizationMachine must be an int"),
        ({"n_factors": 2.5}, "'n_factors' parameter of FactorizationMachine must be an int"),
        ({"init_scale": 0.0}, "'init_scale' parameter of FactorizationMachine must be a float"),
    ],
    ids=str,
)
def test_parameters_are_checked(params, message):
    with pytest.raises(InvalidParameterError, match=message):
        GDRegressor(model=FactorizationMachine(**params)).fit(rows(), np.arange(N))


def test_raw_features():
    """Features of any scale do not make it diverge, and scaled ones serve it well."""
    X, y = load_breast_cancer(return_X_y=True)
    model = GDClassifier(model=FactorizationMachine(4), random_state=0)
    assert clone(model).fit(X, y).score(X, y) > 0.9
    assert clone(model).fit(scale(X), y).score(scale(X), y) > 0.98


MACHINES = [
    GDClassifier(model=FactorizationMachine(), random_state=0),
    GDClassifier(model=FactorizationMachine(2), optimizer=Adam(0.01), max_iter=100),
    GDRegressor(model=FactorizationMachine(2), alpha=0.1, tol=1e-12, random_state=0),
]


@parametrize_with_checks(MACHINES)
def test_sklearn_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        check(estimator)


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1e3, 1e6])
def test_targets_in_any_units(size):
    """Without a penalty, whose share depends on the units, the predictions are the same."""
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), scale(y)
    model = GDRegressor(model="factorization_machine", penalty=None, random_state=0)
    score = model.fit(X, y).score(X, y)
    assert score > 0.57
    assert model.fit(X, size * y).score(X, size * y) == pytest.approx(score, abs=0.02)
    assert model.stop_reason_ == "tol"
