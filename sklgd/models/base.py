"""What models have in common; the docstring of `Model` is the contract."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .._strategy import Strategy
from ..units import Units


class Model(Strategy):
    """Base class of models.

    The parameters of a model are one flat float64 vector: weights first, which penalties see,
    then what is free, such as intercepts.  Behind them may stand numbers that the model keeps in
    training, such as running means, which no optimizer moves.  A subclass defines

    - ``init_params(n_features, n_raw, rng, fit_intercept=True)``, the vector that training starts
      from, with what is kept behind the parameters;
    - ``compose(n_features, n_raw, fit_intercept, units=None)``, the compiled model, which trains
      and predicts;
    - ``unpack(params, n_features, n_raw, units=None)``, the parameters under the names of the
      fitted attributes;
    - ``place(params, coef, intercept, ...)``, if parameters can be given from outside: the way
      back from `unpack`.

    Examples
    --------
    >>> from sklgd.models import Linear, Model
    >>> isinstance(Linear(), Model)
    True
    """

    #: whether rows can move the weights directly, and ``coef_`` exists
    linear: ClassVar[bool] = False
    #: whether training draws at random or looks at a batch as a whole, so that no function of the
    #: parameters alone is minimised
    stochastic: bool = False
    #: whether it takes features and targets in units of their own (`sklgd.units`)
    standardize: bool = False

    def choose(self, *, auto: bool) -> Model:
        """Return the model to use: itself, unless something is left to choose.

        Parameters
        ----------
        auto : bool
            Whether the optimizer is chosen too, and so may be given units of our own.

        Returns
        -------
        Model
        """
        return self

    def auto_batch_size(self, n_samples: int) -> int | None:
        """Return the number of rows of a step under ``batch_size="auto"``.

        Parameters
        ----------
        n_samples : int
            Training rows.

        Returns
        -------
        int or None
            None leaves it to the optimizer.
        """
        return None

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

    def compose(
        self, n_features: int, n_raw: int, fit_intercept: bool, units: Units | None = None
    ) -> Any:
        """Return the compiled model for data of a shape.

        Parameters
        ----------
        n_features, n_raw : int
            Columns of X and of the raw predictions.
        fit_intercept : bool
            Whether there are intercepts.
        units : Units, default=None
            The units of features and targets; given only where ``standardize`` is true.

        Returns
        -------
        object
            A kernel; private to sklgd.
        """
        raise NotImplementedError(f"{type(self).__name__} must define compose")

    def unpack(
        self, params: np.ndarray, n_features: int, n_raw: int, units: Units | None = None
    ) -> dict[str, Any]:
        """Return the fitted attributes, in the user's units.

        Parameters
        ----------
        params : ndarray of shape (p,)
            The parameters.
        n_features, n_raw : int
            Columns of X and of the raw predictions.
        units : Units, default=None
            The units that the parameters are in.

        Returns
        -------
        dict
            Arrays, lists of arrays and numbers, by the names of the attributes.
        """
        raise NotImplementedError(f"{type(self).__name__} must define unpack")

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
        """Write coefficients and intercepts that the user gave into the parameters, in place.

        Parameters
        ----------
        params : ndarray of shape (p,)
            The parameters, written to.
        coef, intercept : object
            What the user gave as ``coef_init`` and ``intercept_init``, in the form of the fitted
            attributes; None for what stays as it is.
        n_features, n_raw : int
            Columns of X and of the raw predictions.
        fit_intercept : bool
            Whether there are intercepts.
        units : Units, default=None
            The units that the parameters are in.
        """
        if coef is not None or intercept is not None:
            raise ValueError(
                f"{type(self).__name__} takes no coef_init and no intercept_init; leave both at "
                "None."
            )
