"""Fitting and predicting copy no data, and keep none."""

import gc
import tracemalloc
import warnings
import weakref

import numpy as np
import pytest
import scipy.sparse as sp

from sklgd import GDClassifier, GDRegressor
from sklgd.objective import Problem
from sklgd.optimizers import (
    OPTIMIZERS,
    Columnwise,
    Continuation,
    CoordinateNewton,
    InteriorPoint,
    Newton,
    RowSpace,
)
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
    model.fit(X[:100], y[:100])  # imports what it needs
    assert peak_of(lambda: model.fit(X, y)) < 0.1 * size


@pytest.mark.parametrize("form", ["dense", "csr"])
def test_predict_does_not_copy(large, form):
    """coef_.T was copied at each predict (scikit-learn 6186)."""
    X, size = large[form]
    model = GDRegressor(penalty=L2(1.0), optimizer="sgd", max_iter=1, tol=None)
    model.fit(X[:100], np.linspace(-1, 1, 100))
    assert peak_of(lambda: model.predict(X)) < 0.1 * size


OTHERS = [InteriorPoint(), Continuation(Newton()), Columnwise(Continuation(Newton()))]


@pytest.mark.parametrize(
    "optimizer", [*OPTIMIZERS, CoordinateNewton(), RowSpace(Newton()), *OTHERS], ids=repr
)
def test_a_fit_leaves_nothing_to_the_garbage_collector(optimizer, monkeypatch):
    """A copy of X that an objective in a cycle holds would be freed some time later."""
    made, begin = [], Problem.__init__

    def watched(problem, *args):
        made.append(weakref.ref(problem))
        begin(problem, *args)

    monkeypatch.setattr(Problem, "__init__", watched)
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((200, 5)), rng.integers(0, 2, 200)
    loss = "hinge" if optimizer in OTHERS else "log_loss"
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            GDClassifier(loss, optimizer=optimizer, max_iter=5).fit(X, y)
        assert made and not [problem for problem in made if problem() is not None]
    finally:
        gc.enable()
