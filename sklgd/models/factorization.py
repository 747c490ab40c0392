"""Factorization machines."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

from .._kernels.models import factorization as _kernels
from ..units import Units
from .base import Model


class FactorizationMachine(Model):
    r"""Factorization machine: a linear model, and every pair of features by its factors.

    .. math::

        r = b + \sum_j w_j x_j + \sum_{j < l} \langle v_j, v_l \rangle x_j x_l
          = b + w^\top x + \frac{1}{2} \sum_f \left[ (v_f^\top x)^2 - (v_f^2)^\top x^2 \right]

    The weight of a pair is the product of two short vectors, so that pairs are learnt which no
    row has shown: what a user thinks of a film, from what others thought of it and what the user
    thought of others.  Made for one-hot rows; on these a raw prediction costs as much as a linear
    one times ``n_factors + 1``.  Each raw column has weights and factors of its own.

    Penalties see a matrix with one column a feature, its weights and its factors, so that feature
    weights, bounds and groups of features mean what they do for a linear model: with
    ``GroupLasso()`` a feature is used with all its factors or not at all.

    On sparse rows a step of SGD without momentum, AdaGrad, FTRL or PolyakSGD costs what its batch
    has nonzeros, times ``n_factors + 1``, however many features there are.

    Parameters
    ----------
    n_factors : int, default=8
        Length of each feature's vector :math:`v_j`.
    init_scale : float, default=0.1
        Standard deviation of the factors that training starts from; weights and intercepts start
        at zero.  Not zero: there the factors have no gradient.

    Notes
    -----
    Fitted attributes:

    - ``weights_``, :math:`w`, of shape (n_features,) or (n_raw, n_features);
    - ``factors_``, :math:`v`, of shape (n_factors, n_features) or (n_raw, n_factors, n_features);
    - ``intercept_``, :math:`b`, of shape (n_raw,).

    ``factors_.T @ factors_`` has the weights of all pairs of features, above its diagonal; the
    factors themselves are determined up to a rotation.  There is no ``coef_``, since ``X @ coef_``
    would not be the prediction.

    The objective is smooth where the loss is, but has several minima.  A feature that no
    row has keeps the factors it started with, unless a penalty pulls them to zero.

    References
    ----------
    Rendle, "Factorization Machines", ICDM 2010.

    Examples
    --------
    The product of two features, which no linear model has:

    >>> import numpy as np
    >>> from sklgd import GDRegressor
    >>> from sklgd.models import FactorizationMachine
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> y = 1.0 + X[:, 0] * X[:, 1]
    >>> model = GDRegressor(model=FactorizationMachine(n_factors=2), random_state=0).fit(X, y)
    >>> pairs = model.factors_.T @ model.factors_
    >>> round(float(pairs[0, 1]), 1), abs(round(float(pairs[0, 2]), 1))
    (1.0, 0.0)
    """

    _parameter_constraints = {
        "n_factors": [Interval(Integral, 1, None, closed="left")],
        "init_scale": [Interval(Real, 0, None, closed="neither")],
    }

    smooth = scalable = True

    def __init__(self, n_factors: int = 8, init_scale: float = 0.1) -> None:
        self.n_factors = n_factors
        self.init_scale = init_scale

    def weight_sizes(self, n_raw: int, size: float) -> np.ndarray:
        """Return ``size`` for the weights, and its root for factors, of which pairs multiply.

        Parameters
        ----------
        n_raw : int
            Columns of the raw predictions.
        size : float
            How large they are.

        Returns
        -------
        ndarray of shape (n_raw * (1 + n_factors),)
        """
        return np.repeat([size, size**0.5], [n_raw, n_raw * self.n_factors])

    def init_params(
        self,
        n_features: int,
        n_raw: int,
        rng: np.random.RandomState,
        fit_intercept: bool = True,
    ) -> np.ndarray:
        """Return zeros, and normal deviates for the factors."""
        factors = rng.normal(scale=self.init_scale, size=n_raw * self.n_factors * n_features)
        return np.concatenate(
            (np.zeros(n_raw * n_features), factors, np.zeros(n_raw * fit_intercept))
        )

    def compose(
        self, n_features: int, n_raw: int, fit_intercept: bool, units: Units | None = None
    ) -> Any:
        """Return the compiled model for data of this shape."""
        return _kernels.FactorizationKernel(n_features, n_raw, fit_intercept, self.n_factors)

    def forward(self, X: Any, params: np.ndarray, n_raw: int = 1) -> np.ndarray:
        """Return raw predictions.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n, n_features)
            Rows.
        params : ndarray of shape (p,)
            The parameters.
        n_raw : int, default=1
            Columns of the raw predictions.

        Returns
        -------
        ndarray of shape (n, n_raw)
        """
        w, v, b = self._split(params, X.shape[1], n_raw)
        return X @ w.T + self._pairs(X, v) + (b if b.size else 0.0)

    def backward(self, X: Any, params: np.ndarray, draw: np.ndarray, grad: np.ndarray) -> None:
        """Add the derivative of ``sum(draw * raw)`` to a gradient, in place.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n, n_features)
            Rows.
        params : ndarray of shape (p,)
            The parameters.
        draw : ndarray of shape (n, n_raw)
            Derivative of the loss with respect to the raw predictions.
        grad : ndarray of shape (p,)
            The gradient, which is added to.
        """
        n_raw = draw.shape[1]
        _, v, _ = self._split(params, X.shape[1], n_raw)
        grad_w, grad_v, grad_b = self._split(grad, X.shape[1], n_raw)
        grad_w += (X.T @ draw).T
        for c in range(n_raw):
            sums = X @ v[c].T
            grad_v[c] += (X.T @ (draw[:, [c]] * sums)).T - (_squared(X).T @ draw[:, c]) * v[c]
        if grad_b.size:
            grad_b += draw.sum(axis=0)

    @staticmethod
    def _pairs(X: Any, v: np.ndarray) -> np.ndarray:
        square = _squared(X)
        each = [((X @ vc.T) ** 2 - square @ (vc**2).T).sum(axis=1) / 2 for vc in v]
        return np.stack(each, axis=1)

    def _split(
        self, params: np.ndarray, n_features: int, n_raw: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # Views of the weights, the factors and the intercepts.
        n_linear = n_raw * n_features
        n_weights = n_linear * (1 + self.n_factors)
        return (
            params[:n_linear].reshape(n_raw, n_features),
            params[n_linear:n_weights].reshape(n_raw, self.n_factors, n_features),
            params[n_weights:],
        )

    def unpack(
        self, params: np.ndarray, n_features: int, n_raw: int, units: Units | None = None
    ) -> dict[str, Any]:
        """Return ``weights_``, ``factors_`` and ``intercept_`` as views of ``params``."""
        w, v, b = self._split(params, n_features, n_raw)
        return {
            "weights_": w[0] if n_raw == 1 else w,
            "factors_": v[0] if n_raw == 1 else v,
            "intercept_": b if b.size else np.zeros(n_raw),
        }


def _squared(X: Any) -> Any:
    return X**2 if isinstance(X, np.ndarray) else X.multiply(X)
