"""Every registered model: what its parameters are, its gradients, and both ways through them."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklgd._kernels.models.mlp import trip

from sklgd import GDClassifier, GDRegressor
from sklgd._kernels.rows import make_rows
from sklgd.models import MODELS

N, P = 17, 5


def rows(rng):
    X = rng.randn(N, P)
    X[rng.rand(N, P) < 0.4] = 0.0
    return X


def params_of(model, n_raw, fit_intercept, rng):
    params = model.init_params(P, n_raw, rng, fit_intercept)
    return params + 0.1 * rng.randn(params.size)


CASES = pytest.mark.parametrize(
    ("name", "n_raw", "fit_intercept"),
    [(name, k, fit) for name in MODELS for k in (1, 3) for fit in (True, False)],
)


@CASES
def test_kernel_is_its_twin(name, n_raw, fit_intercept, rng):
    model, X = MODELS[name](), rows(rng)
    params = params_of(model, n_raw, fit_intercept, rng)
    kernel = model.compose(P, n_raw, fit_intercept)
    draw = rng.randn(N, n_raw)
    for form in (X, sp.csr_array(X), X.astype(np.float32), sp.csr_array(X.astype(np.float32))):
        exact, expected = form.astype(np.float64), np.zeros(params.size)
        raw, grad = trip(make_rows(form), kernel, params.copy(), draw)
        assert_allclose(raw, model.forward(exact, params, n_raw), rtol=1e-12, atol=1e-12)
        model.backward(exact, params, draw, expected)
        assert_allclose(grad, expected[: kernel.n_params], rtol=1e-12, atol=1e-12)


@CASES
def test_gradient(name, n_raw, fit_intercept, rng):
    model, X = MODELS[name](), make_rows(rows(rng))
    params = params_of(model, n_raw, fit_intercept, rng)
    kernel = model.compose(P, n_raw, fit_intercept)
    draw = rng.randn(N, n_raw)
    grad = trip(X, kernel, params.copy(), draw)[1]
    for j in rng.permutation(kernel.n_params)[:40]:
        step = np.zeros(params.size)
        step[j] = 1e-6
        ends = [np.sum(draw * trip(X, kernel, params + s * step, draw)[0]) for s in (1, -1)]
        slope = (ends[0] - ends[1]) / 2e-6
        assert_allclose(grad[j], slope, rtol=1e-5, atol=1e-6, err_msg=f"parameter {j}")


@CASES
def test_backward_adds(name, n_raw, fit_intercept, rng):
    model, X = MODELS[name](), rows(rng)
    params = params_of(model, n_raw, fit_intercept, rng)
    draw, once, twice = rng.randn(N, n_raw), np.zeros(params.size), np.zeros(params.size)
    model.backward(X, params, draw, once)
    for _ in range(2):
        model.backward(X, params, draw, twice)
    assert_allclose(twice, 2 * once, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_weights_first(name, rng):
    """The penalised head does not depend on whether there are intercepts; they come behind it."""
    model = MODELS[name]()
    kernels = [model.compose(P, 2, fit_intercept) for fit_intercept in (True, False)]
    assert kernels[0].n_weights == kernels[1].n_weights <= kernels[1].n_params
    assert kernels[0].n_params >= kernels[1].n_params + 2
    assert kernels[0].n_weights % kernels[0].weight_rows == 0
    for kernel, fit_intercept in zip(kernels, (True, False), strict=True):
        size = model.init_params(P, 2, rng, fit_intercept).size
        assert size == kernel.n_params + kernel.n_kept


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", MODELS)
def test_strings_objects_and_copies(name, rng):
    X, model = rows(rng), MODELS[name]()
    y = X[:, 0] - X[:, 1] * X[:, 2]
    assert clone(model) == pickle.loads(pickle.dumps(model)) == model
    by_name = GDRegressor(model=name, random_state=0, max_iter=20).fit(X, y)
    by_object = GDRegressor(model=model, random_state=0, max_iter=20).fit(X, y)
    assert isinstance(by_name.model_, MODELS[name])
    assert_array_equal(by_name.predict(X), by_object.predict(X))
    again = pickle.loads(pickle.dumps(by_name))
    assert_array_equal(again.predict(X), by_name.predict(X))
    assert model == MODELS[name](), "fitting writes to no strategy"
    labels = np.digitize(y, np.quantile(y, [0.3, 0.6]))
    classifier = GDClassifier(model=name, random_state=0, max_iter=200).fit(X, labels)
    assert classifier.score(X, labels) > 0.4
    assert classifier.decision_function(X).shape == (N, 3)
