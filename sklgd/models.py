"""Models: from rows and one flat parameter vector to raw predictions.

Contract (n rows of a batch, k raw columns).  The parameters are one flat float64 vector,
weights first, intercepts last; penalties see the weights only.

- ``init_params(n_features, n_raw, rng, fit_intercept=True)`` returns the starting vector.
- ``compose(n_features, n_raw, fit_intercept)`` returns the compiled model, which trains.
- ``unpack(params, n_features, n_raw)`` returns views of the parameters under the names of the
  fitted attributes.

A model of one's own would need a compiled one; there is no adapter for models.  `Linear` is the
only model; its ``forward`` and ``backward`` say in NumPy what its compiled one does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._kernels import models as _kernels
from ._strategy import Strategy, registry

__all__ = ["MODELS", "Linear", "Model"]


class Model(Strategy):
    """Base class of models.

    Examples
    --------
    >>> from sklgd.models import Linear, Model
    >>> isinstance(Linear(), Model)
    True
    """

    #: whether rows can move the weights directly, and ``coef_`` exists
    linear = False

    def init_params(
        self,
        n_features: int,
        n_raw: int,
        rng: np.random.RandomState,
        fit_intercept: bool = True,
    ) -> np.ndarray:
        """Return the flat parameter vector that training starts from.

        Parameters
        ----------
        n_features, n_raw : int
            Columns of X and of the raw predictions.
        rng : RandomState
            Source of chance.
        fit_intercept : bool, default=True
            Whether there are intercepts.

        Returns
        -------
        ndarray of shape (p,)
        """
        raise NotImplementedError(f"{type(self).__name__} must define init_params")

    def compose(self, n_features: int, n_raw: int, fit_intercept: bool) -> Any:
        """Return the compiled model for data of a shape.

        Parameters
        ----------
        n_features, n_raw : int
            Columns of X and of the raw predictions.
        fit_intercept : bool
            Whether there are intercepts.

        Returns
        -------
        object
            A kernel; private to sklgd.
        """
        raise NotImplementedError(f"{type(self).__name__} must define compose")

    def unpack(self, params: np.ndarray, n_features: int, n_raw: int) -> dict[str, np.ndarray]:
        """Return the fitted attributes as views of the parameters.

        Parameters
        ----------
        params : ndarray of shape (p,)
            The parameters.
        n_features, n_raw : int
            Columns of X and of the raw predictions.

        Returns
        -------
        dict of ndarray
            By the names of the attributes.
        """
        raise NotImplementedError(f"{type(self).__name__} must define unpack")


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

    linear = True

    def init_params(
        self,
        n_features: int,
        n_raw: int,
        rng: np.random.RandomState | None = None,
        fit_intercept: bool = True,
    ) -> np.ndarray:
        """Return zeros: the loss of a linear model has no symmetry to break."""
        return np.zeros(n_raw * (n_features + fit_intercept))

    def compose(self, n_features: int, n_raw: int, fit_intercept: bool) -> Any:
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

    def unpack(self, params: np.ndarray, n_features: int, n_raw: int) -> dict[str, np.ndarray]:
        """Return ``coef_`` (1-D for one raw column) and ``intercept_`` as views of ``params``."""
        n_weights = n_raw * n_features
        weights, intercept = params[:n_weights], params[n_weights:]
        return {
            "coef_": weights if n_raw == 1 else weights.reshape(n_raw, n_features),
            "intercept_": intercept if intercept.size else np.zeros(n_raw),
        }


MODELS = registry(Linear)
