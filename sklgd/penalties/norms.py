"""Norms: ridge, lasso and the two together."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from .._kernels import penalties as _kernels
from .._strategy import has_kernel
from .base import Elementwise, Penalty, has_thresholds, soft


class LassoAndRidge(Elementwise):
    """Base of penalties that are a lasso and a ridge, of the strengths ``_strengths``."""

    @property
    def _strengths(self) -> tuple[float, float]:
        raise NotImplementedError

    @property
    def _kink(self) -> float:
        return self._strengths[0]

    def _values(self, w: np.ndarray) -> np.ndarray:
        l1, l2 = self._strengths
        return l1 * np.abs(w) + l2 / 2 * w**2

    def _slopes(self, w: np.ndarray) -> np.ndarray:
        l1, l2 = self._strengths
        return l1 * np.sign(w) + l2 * w

    def _cut(self, w: np.ndarray, step: float | np.ndarray) -> np.ndarray:
        l1, l2 = self._strengths
        return soft(w, step * l1) / (1 + step * l2)


class L2(Elementwise):
    r"""Ridge penalty, which shrinks weights.

    .. math:: \frac{\alpha}{2} \sum_j q_j w_j^2,
        \qquad \mathrm{prox}(w)_j = \frac{w_j}{1 + \eta \alpha q_j}

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength.
    weights : array-like of shape (n_features,), default=None
        Multiplies each feature's penalty (q); 0 leaves a feature alone. None is all ones.

    References
    ----------
    Hoerl and Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems",
    Technometrics 12, 1970.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.penalties import L2
    >>> w = np.array([3.0, -1.0])
    >>> L2(alpha=1.0).value(w)
    5.0
    >>> L2(alpha=1.0).prox(w, 0.5)
    >>> w
    array([ 2.        , -0.66666667])
    """

    _kernel = _kernels.L2Kernel

    def __init__(self, alpha: float = 1e-4, *, weights: ArrayLike | None = None) -> None:
        self.alpha = alpha
        self.weights = weights

    def _values(self, w: np.ndarray) -> np.ndarray:
        return self.alpha / 2 * w**2

    def _slopes(self, w: np.ndarray) -> np.ndarray:
        return self.alpha * w

    def _cut(self, w: np.ndarray, step: float | np.ndarray) -> np.ndarray:
        return w / (1 + step * self.alpha)

    def split(self) -> tuple[Penalty | None, Penalty | None]:
        if self._redefines(L2):
            return super().split()
        return self, None


class L1(Elementwise):
    r"""Lasso penalty, which shrinks weights and makes small ones exactly zero.

    .. math:: \alpha \sum_j q_j |w_j|,
        \qquad \mathrm{prox}(w)_j = \mathrm{sign}(w_j) \max(|w_j| - \eta \alpha q_j, 0)

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength.
    weights : array-like of shape (n_features,), default=None
        Multiplies each feature's penalty (q); 0 leaves a feature alone. None is all ones.

    References
    ----------
    Tibshirani, "Regression Shrinkage and Selection via the Lasso", J. R. Stat. Soc. B 58, 1996.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.penalties import L1
    >>> w = np.array([3.0, -1.0, 0.2])
    >>> L1(alpha=1.0).prox(w, 0.5)
    >>> w
    array([ 2.5, -0.5,  0. ])
    """

    _kernel = _kernels.L1Kernel

    def __init__(self, alpha: float = 1e-4, *, weights: ArrayLike | None = None) -> None:
        self.alpha = alpha
        self.weights = weights

    @property
    def _kink(self) -> float:
        return self.alpha

    def _values(self, w: np.ndarray) -> np.ndarray:
        return self.alpha * np.abs(w)

    def _slopes(self, w: np.ndarray) -> np.ndarray:
        return self.alpha * np.sign(w)

    def _cut(self, w: np.ndarray, step: float | np.ndarray) -> np.ndarray:
        return soft(w, step * self.alpha)

    def split(self) -> tuple[Penalty | None, Penalty | None]:
        if self.alpha == 0 and not self._redefines(L1):
            return None, None
        return super().split()

    def bounds(self, n_features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        if not has_kernel(self):
            return None
        w = np.zeros(n_features)
        return w + self.alpha * self._factors(w), w - np.inf, w + np.inf


class ElasticNet(LassoAndRidge):
    r"""Elastic net: lasso and ridge together, as in scikit-learn.

    .. math:: \alpha \sum_j q_j \left(\rho |w_j| + \frac{1 - \rho}{2} w_j^2\right),
        \qquad \mathrm{prox}(w)_j = \frac{\mathrm{sign}(w_j) \max(|w_j| - \eta \alpha \rho q_j, 0)}
        {1 + \eta \alpha (1 - \rho) q_j}

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength.
    l1_ratio : float, default=0.15
        Share of the lasso (rho), in [0, 1]: 1 is L1 and 0 is L2.
    weights : array-like of shape (n_features,), default=None
        Multiplies each feature's penalty (q); 0 leaves a feature alone. None is all ones.

    References
    ----------
    Zou and Hastie, "Regularization and Variable Selection via the Elastic Net",
    J. R. Stat. Soc. B 67, 2005.

    Examples
    --------
    >>> from sklgd.penalties import ElasticNet
    >>> ElasticNet(alpha=1.0, l1_ratio=0.25).split()
    (L2(alpha=0.75), L1(alpha=0.25))
    >>> ElasticNet(alpha=1.0, l1_ratio=1.0).split()
    (None, L1(alpha=1.0))
    """

    _parameter_constraints = {
        **Elementwise._parameter_constraints,
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    }
    _from_estimator = {"alpha": "alpha", "l1_ratio": "l1_ratio"}
    _kernel = _kernels.ElasticNetKernel

    def __init__(
        self, alpha: float = 1e-4, l1_ratio: float = 0.15, *, weights: ArrayLike | None = None
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.weights = weights

    @property
    def _strengths(self) -> tuple[float, float]:
        return self.alpha * self.l1_ratio, self.alpha * (1 - self.l1_ratio)

    def split(self) -> tuple[Penalty | None, Penalty | None]:
        if self._redefines(ElasticNet):
            return super().split()
        l1, l2 = self._strengths
        return (
            L2(l2, weights=self.weights) if l2 > 0 else None,
            L1(l1, weights=self.weights) if l1 > 0 else None,
        )


def is_lasso_and_ridge(penalty: Penalty | None, n_features: int) -> bool:
    """Return whether a penalty is an L1 norm, a ridge, the two together or none."""
    smooth, rest = (None, None) if penalty is None else penalty.split()
    is_ridge = smooth is None or (isinstance(smooth, L2) and has_kernel(smooth))
    return is_ridge and (rest is None or has_thresholds(rest, n_features))
