"""Fixtures that test files share."""

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.preprocessing import scale

from sklgd import reduction


@pytest.fixture
def rng():
    return np.random.RandomState(0)


@pytest.fixture(scope="session")
def diabetes():
    """Standardised features, and the disease's progression."""
    X, y = load_diabetes(return_X_y=True)
    return scale(X), y


@pytest.fixture(scope="session")
def cancer():
    """Standardised features, and two classes."""
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


@pytest.fixture
def routing():
    """Metadata is routed."""
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def eager_threads(monkeypatch):
    """Let threads share passes that are too small to be worth it; return the pools they made."""
    pools = []

    class Threads(reduction.ThreadPoolExecutor):
        def __init__(self, n_threads):
            super().__init__(n_threads)
            pools.append(self)

    monkeypatch.setattr(reduction, "WORTH_THREADS", 0.0)
    monkeypatch.setattr(reduction, "ThreadPoolExecutor", Threads)
    return pools
