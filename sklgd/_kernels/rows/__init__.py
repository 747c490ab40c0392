"""X, dense or CSR, float32 or float64, int32 or int64 indices: the one place that knows.

Nothing is copied: the kernels hold pointers into the caller's arrays, which they keep alive.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .centred import CentredRows
from .dense import DenseRows, instruction_set
from .sparse import CSRRows, has_valid_indices

__all__ = ["CentredRows", "has_valid_indices", "instruction_set", "make_rows"]


def make_rows(X: Any) -> DenseRows | CSRRows:
    """Return the rows kernel of a validated X: an ndarray or a CSR matrix or array."""
    return DenseRows(X) if isinstance(X, np.ndarray) else CSRRows(X)
