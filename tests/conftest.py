"""Fixtures that test files share."""

import numpy as np
import pytest

from sklgd import reduction


@pytest.fixture
def rng():
    return np.random.RandomState(0)


@pytest.fixture
def eager_threads(monkeypatch):
    """Let threads share passes that are too small to be worth it."""
    monkeypatch.setattr(reduction, "WORTH", 0.0)
