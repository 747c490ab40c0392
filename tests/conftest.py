"""Fixtures that test files share."""

import numpy as np
import pytest

from sklgd import reduction


@pytest.fixture
def rng():
    return np.random.RandomState(0)


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
