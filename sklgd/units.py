"""Units of features and targets in which a model that is not linear trains.

A linear model can change its variables after the fact (`sklgd.coordinates`).  A network starts
from random weights, which suit features of mean zero and variance one and targets of the same
kind; so it sees its rows, and its output is read, in such units:

    raw = out_shift + out_scale * model(factor * (x - shift))

The objective then is ``loss + unit * penalty``: the loss stays in the user's units, and the
penalty weighs as much whatever these are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Units:
    """The units that a fit trains in.

    Attributes
    ----------
    shift : float64 ndarray of shape (n_features,) or None
        What is taken off the features; None on sparse data.
    factor : float64 ndarray of shape (n_features,)
        What they are multiplied by then.
    out_shift, out_scale : float64 ndarray of shape (n_raw,)
        From the model's output to raw predictions.
    unit : float
        The size of the loss's gradient with respect to that output.
    """

    shift: np.ndarray | None
    factor: np.ndarray
    out_shift: np.ndarray
    out_scale: np.ndarray
    unit: float = 1.0


def units_of(
    strategies: Any, X: Any, targets: Any, weights: np.ndarray | None, rows: np.ndarray | None
) -> Units | None:
    """Return the units to train in; None where the model takes features and targets as they are."""
    if not strategies.model.standardize:
        return None
    raise NotImplementedError
