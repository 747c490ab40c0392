"""Fitting and predicting copy no data."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

from sklgd import GDRegressor
from sklgd.penalties import L2


def peak_of(call):
    """Return the bytes that a call has allocated at most."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def large():
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((65_000, 100))  # 52 MB
    # rows of 125 entries, 12 bytes each: 52 MB too
    indices = rng.integers(0, 500, (34_000, 125)).astype(np.int32)
    indices.sort(axis=1)
    parts = rng.standard_normal(indices.size), indices.ravel(), 125 * np.arange(34_001)
    sparse = sp.csr_array(parts, shape=(34_000, 500))
    sparse.indptr = sparse.indptr.astype(np.int32)
    return {"dense": (dense, dense.nbytes), "csr": (sparse, sparse.data.nbytes * 3 // 2)}


MEMORY = {
    "sgd": {"optimizer": "sgd", "max_iter": 1},
    "adam": {"optimizer": "adam", "max_iter": 1},
    "saga": {"optimizer": "saga", "max_iter": 1},
    "svrg": {"optimizer": "svrg", "max_iter": 1},
    "auto": {"max_iter": 2},
    "auto, l1": {"max_iter": 2, "penalty": "l1"},
    "early stopping": {"optimizer": "sgd", "max_iter": 1, "early_stopping": True},
}


@pytest.mark.parametrize("form", ["dense", "csr"])
@pytest.mark.parametrize("name", MEMORY)
def test_fit_does_not_copy(large, name, form):
    X, size = large[form]
    y = np.linspace(-1, 1, X.shape[0])
    model = GDRegressor(tol=None, random_state=0, **MEMORY[name])
    assert peak_of(lambda: model.fit(X, y)) < 0.1 * size


@pytest.mark.parametrize("form", ["dense", "csr"])
def test_predict_does_not_copy(large, form):
    """coef_.T was copied at each predict (scikit-learn 6186)."""
    X, size = large[form]
    model = GDRegressor(penalty=L2(1.0), optimizer="sgd", max_iter=1, tol=None)
    model.fit(X[:100], np.linspace(-1, 1, 100))
    assert peak_of(lambda: model.predict(X)) < 0.1 * size
