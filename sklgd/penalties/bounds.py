"""Bounds on weights."""

from __future__ import annotations

import math
from numbers import Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, InvalidParameterError

from .._kernels import penalties as _kernels
from .._strategy import has_kernel
from .base import Penalty
from .norms import L2, LassoAndRidge


class Box(LassoAndRidge):
    r"""Bounds on weights, alone or with lasso and ridge.

    .. math:: \sum_j q_j \left(\lambda_1 |w_j| + \frac{\lambda_2}{2} w_j^2\right)
        \ \text{within}\ l_j \le w_j \le u_j, \ \infty\ \text{elsewhere}

    The proximal step is the elastic net's, clipped to the bounds, which is exact.  The default
    keeps weights from being negative.

    Parameters
    ----------
    lower, upper : float or array-like of shape (n_features,), default=0.0, inf
        Bounds, which weights may attain.
    l1, l2 : float, default=0.0
        Strengths of the lasso and the ridge that go with the bounds.
    weights : array-like of shape (n_features,), default=None
        Multiplies each feature's lasso and ridge (q); 0 leaves a feature alone, bounds
        included. None is all ones.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.penalties import Box
    >>> w = np.array([-1.0, 0.5, 3.0])
    >>> Box(upper=1.0).value(w)
    inf
    >>> Box(upper=1.0, l1=0.2).prox(w, 1.0)
    >>> w
    array([0. , 0.3, 1. ])
    >>> Box(l2=0.5).split()
    (L2(alpha=0.5), Box())
    """

    _parameter_constraints = {
        "lower": [Real, "array-like"],
        "upper": [Real, "array-like"],
        "l1": [Interval(Real, 0, None, closed="left")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "weights": ["array-like", None],
    }
    _from_estimator = {}
    _kernel = _kernels.BoxKernel

    def __init__(
        self,
        lower: float | ArrayLike = 0.0,
        upper: float | ArrayLike = np.inf,
        *,
        l1: float = 0.0,
        l2: float = 0.0,
        weights: ArrayLike | None = None,
    ) -> None:
        self.lower = lower
        self.upper = upper
        self.l1 = l1
        self.l2 = l2
        self.weights = weights

    def value(self, w: np.ndarray) -> float:
        lower, upper = self._bounds(w)
        return math.inf if np.any((w < lower) | (w > upper)) else super().value(w)

    def prox(self, w: np.ndarray, lr: float | np.ndarray) -> None:
        super().prox(w, lr)
        np.clip(w, *self._bounds(w), out=w)
        w += 0.0  # -0.0 becomes 0.0

    def residual(self, w: np.ndarray, grad: np.ndarray) -> np.ndarray:
        """As of the lasso and ridge, less what pushes against a bound that is attained."""
        residual = super().residual(w, grad)
        if not has_kernel(self):
            return residual
        lower, upper = self._bounds(w)
        factors = self._factors(w)
        below, above = self._one_sided(w, grad, factors)
        residual = np.where(w <= lower, np.minimum(above, 0.0), residual)
        residual = np.where(w >= upper, np.maximum(below, 0.0), residual)
        return np.where(lower == upper, 0.0, residual)

    def _one_sided(
        self, w: np.ndarray, grad: np.ndarray, factors: float | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The slopes of the objective to the left and to the right of w."""
        slope = grad + factors * self._slopes(w)
        kink = np.where(w == 0, factors * self.l1, 0.0)
        return slope - kink, slope + kink

    def bounds(self, n_features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        if self.l2 or not has_kernel(self):
            return None
        w = np.zeros(n_features)
        lower, upper = self._bounds(w)
        return w + self.l1 * self._factors(w), w + lower, w + upper

    def split(self) -> tuple[Penalty | None, Penalty | None]:
        if self._redefines(Box) or self.l2 == 0:
            return super().split()
        rest = Box(self.lower, self.upper, l1=self.l1, weights=self.weights)
        return L2(self.l2, weights=self.weights), rest

    def validate(self) -> Self:
        super().validate()
        owner = type(self).__name__
        lower, upper = (np.asarray(bound, dtype=np.float64) for bound in (self.lower, self.upper))
        for name, bound in (("lower", lower), ("upper", upper)):
            if bound.ndim > 1:
                raise InvalidParameterError(
                    f"The {name!r} parameter of {owner} must be a float or 1-D, one bound for each "
                    f"feature. Got an array of shape {bound.shape} instead."
                )
        if lower.ndim == upper.ndim == 1 and lower.size != upper.size:
            raise InvalidParameterError(
                f"The 'lower' and 'upper' parameters of {owner} must have one length. Got "
                f"{lower.size} and {upper.size} instead."
            )
        if not np.all((lower <= upper) & (lower < np.inf) & (upper > -np.inf)):
            raise InvalidParameterError(
                f"The 'lower' parameter of {owner} must not be above 'upper'. Got "
                f"lower={self.lower!r} and upper={self.upper!r} instead."
            )
        return self

    @property
    def _strengths(self) -> tuple[float, float]:
        return self.l1, self.l2

    def _bounds(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        bounds = [np.asarray(bound, dtype=np.float64) for bound in (self.lower, self.upper)]
        for name, bound in zip(("lower", "upper"), bounds, strict=True):
            if bound.ndim and bound.shape != w.shape[-1:]:
                raise ValueError(
                    f"{name} of {type(self).__name__} has shape {bound.shape}, but there are "
                    f"{w.shape[-1]} features; one bound for each is wanted."
                )
        free = np.equal(self._factors(w), 0)
        return np.where(free, -np.inf, bounds[0]), np.where(free, np.inf, bounds[1])
