"""Where in the flat parameters of a network is what."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Layout:
    """Where in the flat parameters is what: the weights of all layers, intercepts, gains, shifts.

    Behind the parameters stand the running means and variances of batch normalization.

    Attributes
    ----------
    sizes : tuple of int
        Features, hidden units of each layer, raw columns.
    fit_intercept : bool
        Whether there are intercepts.
    normalization : {"batch", "layer"} or None
        Normalization of the hidden layers.
    """

    sizes: tuple[int, ...]
    fit_intercept: bool
    normalization: str | None

    @property
    def weights(self) -> list[int]:
        """Where the weights of each layer begin."""
        ends = np.cumsum([0, *(a * b for a, b in pairwise(self.sizes))])
        return ends[:-1].tolist()

    @property
    def n_weights(self) -> int:
        """How many weights there are."""
        return sum(a * b for a, b in pairwise(self.sizes))

    @property
    def bias(self) -> list[int]:
        """Where the intercepts of each layer begin; empty where there are none."""
        if not self.fit_intercept:
            return []
        return (self.n_weights + np.cumsum([0, *self.sizes[1:-1]])).tolist()

    @property
    def gain(self) -> list[int]:
        """Where the gains of each hidden layer begin, its shifts right behind; maybe empty."""
        if self.normalization is None:
            return []
        start = self.n_weights + sum(self.sizes[1:]) * self.fit_intercept
        return (start + 2 * np.cumsum([0, *self.sizes[1:-1]])[:-1]).tolist()

    @property
    def n_params(self) -> int:
        """How many parameters there are."""
        free = sum(self.sizes[1:]) * self.fit_intercept
        if self.normalization is not None:
            free += 2 * sum(self.sizes[1:-1])
        return self.n_weights + free

    @property
    def kept(self) -> list[int]:
        """Where, behind the parameters, the running means of each layer begin, then variances."""
        if self.normalization != "batch":
            return []
        return (2 * np.cumsum([0, *self.sizes[1:-1]])[:-1]).tolist()

    @property
    def n_kept(self) -> int:
        """How many numbers are kept behind the parameters."""
        return 2 * sum(self.sizes[1:-1]) if self.normalization == "batch" else 0

    def weights_of(self, params: np.ndarray, layer: int) -> np.ndarray:
        """Return the weights of a layer, (inputs, outputs), as a view."""
        shape = self.sizes[layer], self.sizes[layer + 1]
        start = self.weights[layer]
        return params[start : start + shape[0] * shape[1]].reshape(shape)

    def bias_of(self, params: np.ndarray, layer: int) -> np.ndarray:
        """Return the intercepts of a layer as a view; zeros where there are none."""
        size = self.sizes[layer + 1]
        if not self.fit_intercept:
            return np.zeros(size)
        return params[self.bias[layer] :][:size]

    def norm_of(self, params: np.ndarray, layer: int) -> tuple[np.ndarray, ...]:
        """Return gain and shift of a hidden layer, and with "batch" running mean and variance."""
        size = self.sizes[layer + 1]
        starts = [self.gain[layer], self.gain[layer] + size]
        if self.normalization == "batch":
            first = self.n_params + self.kept[layer]
            starts += [first, first + size]
        return tuple(params[start : start + size] for start in starts)
