"""Data of a given shape, made at once."""

import numpy as np
from scipy import sparse


def dense_data(n, p, dtype=np.float64, seed=0):
    """Rows of standard normals and a noisy linear target."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p), dtype=dtype)
    y = X @ rng.standard_normal(p, dtype=dtype) / np.sqrt(p) + 0.1 * rng.standard_normal(n)
    return X, y.astype(dtype)


def csr_data(n, p, nonzeros, seed=0):
    """Rows of ``nonzeros`` entries, one at random in each of as many slices of the columns."""
    rng = np.random.default_rng(seed)
    width = p // nonzeros
    columns = rng.integers(0, width, size=(n, nonzeros), dtype=np.int32)
    columns += np.arange(nonzeros, dtype=np.int32) * width
    values = rng.standard_normal(n * nonzeros)
    starts = np.arange(0, n * nonzeros + 1, nonzeros, dtype=np.int32)
    X = sparse.csr_matrix((values, columns.ravel(), starts), shape=(n, p))
    y = X @ rng.standard_normal(p) + rng.standard_normal(n) > 0
    return X, y.astype(np.int64)


def image_data(n, p, classes, seed=0):
    """Rows in [0, 1) and the class of the largest noisy score."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, p))
    scores = (X - 0.5) @ rng.standard_normal((p, classes))
    return X, np.argmax(scores + rng.standard_normal((n, classes)), axis=1)
