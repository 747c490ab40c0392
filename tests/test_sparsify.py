"""`sparsify` and `densify`."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.datasets import load_diabetes, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import scale

from sklgd import GDClassifier, GDRegressor

X, Y = load_diabetes(return_X_y=True)
X = scale(X)
X_WINE, Y_WINE = load_wine(return_X_y=True)
X_WINE = scale(X_WINE)

CASES = {
    "regressor": (GDRegressor(penalty="l1", alpha=5.0), X, Y),
    "two outputs": (GDRegressor(penalty="l1", alpha=5.0), X, np.stack([Y, -Y], axis=1)),
    "two classes": (GDClassifier(penalty="l1", alpha=0.05), X, Y > 150),
    "three classes": (GDClassifier(penalty="l1", alpha=0.05), X_WINE, Y_WINE),
    "labels": (GDClassifier(penalty="l1", alpha=0.05), X_WINE, np.eye(3, dtype=int)[Y_WINE]),
}


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", CASES)
def test_predictions_stay(case, form, dtype):
    model, x, y = CASES[case]
    x = x.astype(dtype)
    model = model.fit(form(x), y)
    coef, expected = model.coef_.copy(), model.predict(form(x))
    assert (coef == 0).any()
    assert model.sparsify() is model
    assert sparse.issparse(model.coef_)
    assert model.coef_.nnz == np.count_nonzero(coef)
    assert model.coef_.dtype == dtype
    assert_allclose(model.predict(form(x)), expected, rtol=1e-6)
    again = pickle.loads(pickle.dumps(model)).sparsify()
    assert_allclose(again.predict(form(x)), expected, rtol=1e-6)
    for dense in (again.densify(), model.densify().densify()):
        assert np.array_equal(dense.coef_, coef)


@pytest.mark.parametrize("case", CASES)
def test_training_goes_on(case):
    model, x, y = CASES[case]
    model = copy.deepcopy(model).set_params(optimizer="sgd", random_state=0)
    if case == "labels":
        model.partial_fit(x, y, classes=[0, 1, 2])
    elif isinstance(model, GDClassifier):
        model.partial_fit(x, y, classes=np.unique(y))
    else:
        model.partial_fit(x, y)
    other = copy.deepcopy(model).sparsify()
    assert np.array_equal(other.partial_fit(x, y).coef_, model.partial_fit(x, y).coef_)


@pytest.mark.parametrize("warm_start", [False, True])
def test_fit_resets(warm_start):
    model = GDRegressor(penalty="l1", alpha=5.0, warm_start=warm_start).fit(X, Y).sparsify()
    assert model.fit(X, Y).coef_.shape == (X.shape[1],)
    model.sparsify().set_params(penalty="l2")  # another problem starts from the coefficients
    assert isinstance(model.fit(X, Y).coef_, np.ndarray)


@pytest.mark.parametrize("method", ["sparsify", "densify"])
def test_not_fitted(method):
    with pytest.raises(NotFittedError):
        getattr(GDRegressor(), method)()
