"""A classifier's targets: the classes they name, and how losses take them.

``y`` is one column of labels, an indicator matrix of labels that are on or off, or a matrix of
class probabilities.  The loss decides about the numbers: margin losses take 0.0 and 1.0,
regression losses -1.0 and 1.0, joint losses class indices or rows of probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from ..losses import Loss
from ..objective import Targets

#: kinds of dtypes of whole numbers
WHOLE = "biu"


@dataclass(frozen=True)
class Labels:
    """The classes of a fit.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Class labels, sorted; for an indicator matrix the numbers of its columns.
    multilabel : bool
        Whether ``y`` is an indicator matrix, of labels that do not exclude each other.
    """

    classes: np.ndarray
    multilabel: bool = False

    @classmethod
    def of(cls, y: np.ndarray, loss: Loss, before: np.ndarray | None = None) -> Labels:
        """Return the labels that targets name; ``before`` are classes to go on with."""
        if holds_probabilities(y, loss):
            known = before is not None and len(before) == y.shape[1]
            return cls(before if known else np.arange(y.shape[1]))
        classes, multilabel = _classes_of_column(y), False
        if classes is None:
            check_classification_targets(y)
            multilabel = type_of_target(y) == "multilabel-indicator"
            classes = np.arange(y.shape[1]) if multilabel else np.unique(y)
        if y.ndim == 2 and not multilabel:
            raise ValueError(
                f"Multioutput-multiclass targets are not supported: y has shape {y.shape}. Pass "
                "one column of labels, or an indicator matrix of zeros and ones."
            )
        labels = cls(classes, multilabel)
        if before is not None and not np.array_equal(before, labels.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {before}, `y` has {labels.classes}."
            )
        return labels

    @classmethod
    def named(cls, classes: np.ndarray, y: np.ndarray, loss: Loss) -> Labels:
        """Return the labels of a stream that starts with ``y`` and has the classes it names."""
        # an indicator matrix has classes 0, 1, ...; those of other names are probabilities
        multilabel = (
            y.ndim == 2
            and np.array_equal(classes, np.arange(y.shape[1]))
            and not holds_probabilities(y, loss)
        )
        return cls(classes, multilabel)

    @property
    def alone(self) -> bool:
        """Whether there is one class only, which every row belongs to."""
        return len(self.classes) < 2 and not self.multilabel

    def check_several(self) -> None:
        """Raise where one class only is named, as scikit-learn's linear classifiers do."""
        if self.alone:
            raise ValueError(
                f"The number of classes has to be greater than one; got {len(self.classes)} class"
                f": {self.classes}"
            )

    def index(self, y: np.ndarray) -> np.ndarray:
        """Return the number of each label's class."""
        kinds = y.dtype.kind + self.classes.dtype.kind
        if len(self.classes) == 2 and set(kinds) <= set(WHOLE):  # no need to search
            index = (y == self.classes[1]).astype(np.intp)
        else:
            index = np.searchsorted(self.classes, y)
            index[index == len(self.classes)] = 0
        unseen = np.flatnonzero(self.classes[index] != y)
        if len(unseen):
            raise ValueError(
                f"y contains labels that are not in classes_: {np.unique(y[unseen])[:5]} (first in "
                f"row {unseen[0]}). The classes are {self.classes}; name all of them in the first "
                "call of partial_fit."
            )
        return index

    def encode(self, y: np.ndarray, loss: Loss) -> Targets:
        """Return targets as the loss takes them."""
        n_classes = len(self.classes)
        off, on = (-1.0, 1.0) if loss.task == "regression" else (0.0, 1.0)
        if self.alone:
            loss.check_targets(np.array([off, on]))
            return Targets(np.full(len(self.index(y)), on), 1)
        if y.ndim == 2 and y.dtype.kind == "f" and not self.multilabel:
            return self._encode_probabilities(y, loss)
        if loss.soft_targets:  # labels are certain
            return self._encode_probabilities(np.eye(n_classes)[self.index(y)], loss)
        if self.multilabel:
            self._check_indicators(y)
            coded = np.where(np.ascontiguousarray(y) > 0, on, off)
            return Targets(coded if n_classes > 1 else coded.ravel(), n_classes)
        if y.ndim != 1:
            raise ValueError(f"y must be one column of labels, as before; got shape {y.shape}.")
        index = self.index(y)
        n_raw = loss.n_raw(n_classes) if loss.joint else n_classes
        if loss.joint and n_raw > 1:
            return Targets(index.astype(np.float64), n_raw, joint=True)
        loss.check_targets(np.array([off, on]))
        if n_classes == 2:
            return Targets(np.where(index == 1, on, off), 1)
        return Targets(index.astype(np.float64), n_classes, one_vs_rest=(off, on))

    def _encode_probabilities(self, y: np.ndarray, loss: Loss) -> Targets:
        n_classes = len(self.classes)
        if not (loss.soft_targets or hasattr(loss, "soft")):
            raise ValueError(
                f"y holds probabilities, which the loss {loss!r} does not take as targets; use "
                "loss='log_loss', or pass one column of labels."
            )
        check_probabilities(y, self.classes)
        y = np.require(y, dtype=np.float64, requirements=["C", "A"])
        if n_classes == 2:
            return Targets(y[:, 1].copy(), 1)
        return Targets(y, n_classes, joint=loss.joint, soft=loss.joint)

    def _check_indicators(self, y: np.ndarray) -> None:
        if y.ndim != 2 or y.shape[1] != len(self.classes):
            raise ValueError(
                f"y must be an indicator matrix of {len(self.classes)} labels, as before; got "
                f"shape {y.shape}."
            )
        if not np.isin(y, (0, 1)).all():
            raise ValueError(
                "An indicator matrix y must hold zeros and ones only. Got the values "
                f"{np.unique(y)[:5]}."
            )

    def decode(self, raw: np.ndarray) -> np.ndarray:
        """Return the labels that raw predictions stand for, or an indicator matrix."""
        if self.multilabel:
            return (raw > 0).astype(int)
        if raw.ndim == 1:
            return self.classes[np.minimum(raw > 0, len(self.classes) - 1)]
        return self.classes[raw.argmax(axis=1)]

    def most_probable(self, y: Any) -> Any:
        """Return the labels of the most probable classes where ``y`` holds probabilities."""
        if np.ndim(y) == 2 and not self.multilabel:
            y = np.asarray(y)
            return self.classes[y.argmax(axis=1)] if y.shape[1] > 1 else y
        return y

    def class_counts(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """Return the sum of the weights of each class's rows, shape (n_classes,)."""
        return np.bincount(self.index(y), weights, len(self.classes)).astype(np.float64)

    def class_weights(self, class_weight: dict | str, counts: np.ndarray) -> np.ndarray:
        """Return what the weights of each class's rows are multiplied by, shape (n_classes,).

        ``"balanced"`` makes the classes weigh the same that occur in ``counts``.
        """
        if isinstance(class_weight, str):
            occur = counts > 0
            balanced = np.zeros_like(counts)
            balanced[occur] = counts.sum() / (np.count_nonzero(occur) * counts[occur])
            return balanced
        # of all classes: a part of a stream may lack some
        by_class = compute_class_weight(class_weight, classes=self.classes, y=self.classes)
        if not (np.isfinite(by_class) & (by_class >= 0)).all():
            raise ValueError(
                f"class_weight must not be negative, infinite or NaN. Got {class_weight}."
            )
        return by_class


def _classes_of_column(y: np.ndarray) -> np.ndarray | None:
    # The classes of a column of whole numbers; None where scikit-learn has more to say, which takes
    # it longer than a small fit.
    if y.ndim != 1 or y.dtype.kind not in WHOLE or not len(y):
        return None
    low, high = int(y.min()), int(y.max())
    if high - low < len(y) and np.can_cast(y.dtype, np.intp):  # counted, in an eighth of the time
        counts = np.bincount(y.astype(np.intp) - low)
        classes = (np.flatnonzero(counts) + low).astype(y.dtype)
    else:
        classes = np.unique(y)
    return classes if 2 * len(classes) <= len(y) else None


def holds_probabilities(y: np.ndarray, loss: Loss) -> bool:
    """Whether a matrix is one of class probabilities, not of labels that are on or off."""
    if y.ndim != 2 or y.dtype.kind != "f":
        return False
    return loss.soft_targets or not np.isin(y, (0.0, 1.0)).all()


def check_probabilities(y: np.ndarray, classes: np.ndarray) -> None:
    """Raise at the first row of ``y`` that is not a distribution over the classes."""
    if y.shape[1] != len(classes):
        raise ValueError(
            f"y must have one column of probabilities for each of the {len(classes)} classes "
            f"{classes}. Got shape {y.shape}."
        )
    wrong = np.flatnonzero((y < 0.0).any(axis=1) | (np.abs(y.sum(axis=1) - 1.0) > 1e-5))
    if wrong.size:
        raise ValueError(
            "A matrix y of floats holds class probabilities: not negative, with rows that sum to "
            f"one. Row {wrong[0]} is {y[wrong[0]]}. Labels that are on or off are zeros and ones."
        )
