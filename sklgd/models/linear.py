"""The linear model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite

from .._kernels.models import linear as _kernels
from ..units import Units
from .base import Model


class Linear(Model):
    """Linear model: ``raw = X @ coef_.T + intercept_``.

    The parameters are the weights of shape (n_raw, n_features) in C order, then one intercept
    for each raw column where the intercept is fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.models import Linear
    >>> Linear().forward(np.array([[1.0, 2.0]]), np.array([3.0, 4.0, 0.5]), n_raw=1)
    array([[11.5]])
    """

    linear = scalable = True

    def init_params(
        self,
        n_features: int,
        n_raw: int,
        rng: np.random.RandomState | None = None,
        fit_intercept: bool = True,
    ) -> np.ndarray:
        """Return zeros: the loss of a linear model has no symmetry to break."""
        return np.zeros(n_raw * (n_features + fit_intercept))

    def compose(
        self, n_features: int, n_raw: int, fit_intercept: bool, units: Units | None = None
    ) -> Any:
        """Return the compiled model for data of this shape."""
        return _kernels.LinearKernel(n_features, n_raw, fit_intercept)

    def forward(self, X, params: np.ndarray, n_raw: int = 1) -> np.ndarray:
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
        parts = self.unpack(params, X.shape[1], n_raw)
        return np.asarray(X @ np.atleast_2d(parts["coef_"]).T) + parts["intercept_"]

    def backward(self, X, params: np.ndarray, draw: np.ndarray, grad: np.ndarray) -> None:
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
        n_weights = draw.shape[1] * X.shape[1]
        grad[:n_weights] += np.asarray(X.T @ draw).T.ravel()
        if grad.size > n_weights:
            grad[n_weights:] += draw.sum(axis=0)

    def unpack(
        self, params: np.ndarray, n_features: int, n_raw: int, units: Units | None = None
    ) -> dict[str, Any]:
        """Return ``coef_`` (1-D for one raw column) and ``intercept_`` as views of ``params``."""
        n_weights = n_raw * n_features
        weights, intercept = params[:n_weights], params[n_weights:]
        return {
            "coef_": weights if n_raw == 1 else weights.reshape(n_raw, n_features),
            "intercept_": intercept if intercept.size else np.zeros(n_raw),
        }

    def place(
        self,
        params: np.ndarray,
        coef: Any,
        intercept: Any,
        n_features: int,
        n_raw: int,
        fit_intercept: bool,
        units: Units | None = None,
    ) -> None:
        """Write ``coef_init`` and ``intercept_init`` into the flat parameters, in place."""
        n_weights = n_raw * n_features
        if isinstance(coef, Mapping):
            raise ValueError(
                "coef_init of a linear model must be an array of the shape of coef_, and "
                f"intercept_init one of intercept_'s. Got a dict of {sorted(coef)}."
            )
        if coef is not None:
            coef = np.asarray(coef, dtype=np.float64)
            assert_all_finite(coef, input_name="coef_init")
            if coef.size != n_weights or coef.shape[-1:] != (n_features,):
                raise ValueError(
                    f"Provided coef_init does not match dataset: it has shape {coef.shape}, need "
                    f"{(n_features,) if n_raw == 1 else (n_raw, n_features)}."
                )
            params[:n_weights] = coef.ravel()
        if intercept is not None and fit_intercept:
            intercept = np.asarray(intercept, dtype=np.float64)
            assert_all_finite(intercept, input_name="intercept_init")
            if intercept.size != n_raw:
                raise ValueError(
                    f"Provided intercept_init does not match dataset: it has shape "
                    f"{intercept.shape}, need {(n_raw,)}."
                )
            params[n_weights:] = intercept.ravel()
