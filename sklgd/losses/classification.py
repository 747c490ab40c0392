"""What losses that classify have in common.

Elementwise, targets are 0.0 and 1.0 and ``raw`` is the score of class 1: a margin loss is a
function of ``z = t * raw`` with ``t = 2 y - 1``.  Joint, targets are class numbers and
``raw`` has one column per class.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit, softmax

from .base import Interval, Loss


class Classification(Loss):
    task = "classification"
    domain = Interval(0, 1, low_inclusive=True, high_inclusive=True)

    def n_raw(self, n_targets: int) -> int:
        """Return 1 for two classes, else one column per class."""
        return 1 if n_targets <= 2 else n_targets


def sign(y: np.ndarray) -> np.ndarray:
    """Return the targets 0 and 1 as -1 and 1."""
    return 2 * np.asarray(y) - 1


def is_joint(y: np.ndarray, raw: np.ndarray) -> bool:
    """Return whether ``raw`` has a column for each class that ``y`` numbers."""
    return np.ndim(raw) == np.ndim(y) + 1


def own_class(y: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where in ``raw``, of shape (n, k), the score of each row's class ``y`` is."""
    return np.arange(len(raw)), np.asarray(y).astype(np.intp)


def binary_columns(raw: np.ndarray) -> np.ndarray | None:
    """Return a binary score as 1-D array, or None if ``raw`` has a column per class."""
    raw = np.asarray(raw)
    return raw.ravel() if raw.ndim == 1 or raw.shape[1] == 1 else None


def sigmoid_proba(raw: np.ndarray) -> np.ndarray:
    """Return class probabilities of scores whose sigmoid is a probability, one versus rest."""
    score = binary_columns(raw)
    if score is not None:
        return np.column_stack([expit(-score), expit(score)])
    # the sigmoids divided by their sum, in logarithms: it cannot be 0 / 0
    return softmax(log_expit(raw), axis=1)


def softmax_proba(raw: np.ndarray) -> np.ndarray:
    """Return class probabilities of the columns of one softmax."""
    return sigmoid_proba(raw) if binary_columns(raw) is not None else softmax(raw, axis=1)
