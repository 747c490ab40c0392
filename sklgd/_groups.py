"""Groups of features, as the parameters of strategies describe them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import InvalidParameterError


def parse_groups(
    groups: ArrayLike | Sequence[ArrayLike], *, owner: str
) -> tuple[np.ndarray, np.ndarray, int | None]:
    """Turn index arrays or labels into one list of features, group after group.

    Parameters
    ----------
    groups : array-like of shape (n_features,), or sequence of array-likes of int
        A label for each feature, of which the integer -1 stands for no group; or the features
        of each group.  Groups may not overlap.
    owner : str
        Whose parameter it is, for error messages.

    Returns
    -------
    members : ndarray of intp
        The features of group g are ``members[starts[g] : starts[g + 1]]``.
    starts : ndarray of intp of shape (n_groups + 1,)
    n_features : int or None
        The number of labels; None where the groups are index arrays.
    """
    entries = [] if isinstance(groups, str) or not np.iterable(groups) else list(groups)
    if not entries:
        raise _error(owner, f"Got {groups!r} instead.")
    if all(np.ndim(entry) == 0 for entry in entries):
        labels = np.asarray(entries)
        inside = (
            np.flatnonzero(labels != -1) if labels.dtype.kind in "if" else np.arange(labels.size)
        )
        names, codes = np.unique(labels[inside], return_inverse=True)
        members = inside[np.argsort(codes, kind="stable")]
        sizes = np.bincount(codes, minlength=names.size)
        return members.astype(np.intp), _starts(sizes), labels.size
    arrays = [np.asarray(entry) for entry in entries]
    for g, array in enumerate(arrays):
        if array.ndim != 1 or not array.size or array.dtype.kind not in "iu" or array.min() < 0:
            raise _error(owner, f"Group {g} is {entries[g]!r}.")
    members = np.concatenate(arrays).astype(np.intp)
    features, counts = np.unique(members, return_counts=True)
    if counts.max() > 1:
        raise _error(owner, f"Feature {features[counts.argmax()]} is listed {counts.max()} times.")
    return members, _starts([array.size for array in arrays]), None


def check_groups(members: np.ndarray, n_labels: int | None, n_features: int, *, owner: str) -> None:
    """Raise where groups that were parsed are not groups of ``n_features`` features."""
    if n_labels is not None and n_labels != n_features:
        raise ValueError(
            f"groups of {owner} has {n_labels} labels, but there are {n_features} features; one "
            "label for each is wanted."
        )
    if members.size and members.max() >= n_features:
        raise ValueError(
            f"groups of {owner} has feature {members.max()}, but there are {n_features} features."
        )


def _starts(sizes: ArrayLike) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)


def _error(owner: str, got: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"The 'groups' parameter of {owner} must be 'features', an array of one label for each "
        "feature, or a list of 1-D arrays of feature indices that are not empty and do not "
        f"overlap. {got}"
    )
