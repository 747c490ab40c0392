"""Factorization machines: the formula, its kernel, and what they find."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import root_mean_squared_error
from sklgd._kernels.epoch import Objective, predict_raw
from sklgd._kernels.rows import make_rows

from sklgd import GDRegressor
from sklgd._kernels import adapters
from sklgd._strategy import compose_kernel
from sklgd.losses import LogLoss, SquaredError
from sklgd.models import FactorizationMachine
from sklgd.objective import Block, Problem, Targets
from sklgd.optimizers import SGD, AdaGrad, Adam
from sklgd.penalties import L2
from sklgd.testing import check_model

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


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_entries_of_one_feature_are_added(scale):
    X, y = rows(), np.random.default_rng(0).normal(size=N)
    entries = sp.coo_array(X)
    twice = sp.csr_array((N, P))
    twice.data = np.repeat(entries.data / 2, 2) * scale
    twice.indices = np.repeat(entries.col, 2).astype(np.int32)
    twice.indptr = (2 * sp.csr_array(X).indptr).astype(np.int32)
    before = twice.data.copy()
    model = GDRegressor(model=FactorizationMachine(2), optimizer=Adam(), max_iter=2, tol=None)
    model.set_params(random_state=0)
    expected = clone(model).fit(sp.csr_array(X * scale), y)
    assert_allclose(model.fit(twice, y).factors_, expected.factors_, rtol=1e-10)
    assert_allclose(model.predict(twice), expected.predict(X * scale), rtol=1e-10)
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


@pytest.mark.parametrize("optimizer", ["auto", Adam(0.01), AdaGrad(0.1), SGD(0.1)], ids=str)
def test_ratings_from_known_factors(optimizer):
    """The test error is that of the truth, and the factors are found up to a rotation."""
    X, y, X_test, y_test, signal, truth = simulate()
    noise = root_mean_squared_error(y_test, signal)
    linear = GDRegressor().fit(X, y)
    assert root_mean_squared_error(y_test, linear.predict(X_test)) > 3 * noise
    machine = GDRegressor(
        model=FactorizationMachine(n_factors=3), optimizer=optimizer, random_state=0
    ).fit(X, y)
    assert root_mean_squared_error(y_test, machine.predict(X_test)) < 1.15 * noise
    users, items = np.split(machine.factors_, [len(truth)], axis=1)
    found = users.T @ items
    assert np.corrcoef(found.ravel(), truth.ravel())[0, 1] > 0.95
