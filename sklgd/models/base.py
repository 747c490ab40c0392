"""What models have in common; the docstring of `Model` is the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils import assert_all_finite

from .._kernels import adapters
from .._kernels.rows import make_rows
from .._strategy import Strategy, ask, names_of
from ..units import Units

#: fitted attributes that are not a model's to define
RESERVED = frozenset(
    [
        "best_iter_",
        "classes_",
        "feature_names_in_",
        "history_",
        "loss_",
        "loss_curve_",
        "model_",
        "n_features_in_",
        "n_iter_",
        "optimality_",
        "optimizer_",
        "penalty_",
        "stop_reason_",
        "t_",
        "validation_scores_",
    ]
)


class Model(Strategy):
    """Base class of models.

    The parameters of a model are one flat float64 vector: weights first, which penalties see,
    then intercepts, which they do not.  A subclass defines

    - ``init_params(n_features, n_raw, rng)``, the vector that training starts from; its size may
      depend on the shape alone, not on ``rng``;
    - ``forward(X, params)``, the raw predictions of a batch of rows, of shape (n, n_raw);
    - ``backward(X, params, draw, grad)``, which adds the derivative of ``sum(draw * raw)`` with
      respect to the parameters to ``grad``, in place;
    - ``unpack(params)``, a dict of the fitted attributes, whose names end in an underscore, as
      views of the parameters.  What is called ``intercept_`` or ``intercepts_`` stands last in
      ``params`` and is not penalised.

    Each of them gets ``n_features``, ``n_raw`` and ``fit_intercept`` too where its signature names
    them; without the latter in ``init_params`` the model has its intercepts or none, and
    ``fit_intercept=False`` is an error.  X is an ndarray or a `scipy.sparse.csr_array`, float64 or
    float32; neither it nor ``params`` may be written to.  A row's raw predictions depend on that
    row alone.

    Where the last axis of all weights is that of the features, penalties see a matrix with one
    column a feature, otherwise a vector.

    Compiled models define ``compose`` beside these, and may keep numbers behind their parameters,
    such as running means, that no optimizer moves.  A subclass of one that overrides ``forward``
    or ``backward`` trains with these.

    Examples
    --------
    Growth that levels off:

    >>> import numpy as np
    >>> from sklgd import GDRegressor
    >>> from sklgd.models import Model
    >>> class Saturation(Model):
    ...     def init_params(self, n_features, n_raw, rng):
    ...         return np.array([1.0, 1.0])
    ...
    ...     def forward(self, X, params):
    ...         return params[0] * -np.expm1(-params[1] * X)
    ...
    ...     def backward(self, X, params, draw, grad):
    ...         left = np.exp(-params[1] * X)
    ...         grad[0] += np.sum(draw * (1 - left))
    ...         grad[1] += np.sum(draw * params[0] * X * left)
    ...
    ...     def unpack(self, params):
    ...         return {"limit_": params[:1], "rate_": params[1:]}
    >>> X = np.linspace(0.0, 5.0, 50).reshape(-1, 1)
    >>> y = 3.0 * (1 - np.exp(-0.7 * X[:, 0]))
    >>> model = GDRegressor(model=Saturation(), optimizer="lbfgs", penalty=None, tol=1e-9)
    >>> model.fit(X, y).limit_.round(3), model.rate_.round(3)
    (array([3.]), array([0.7]))
    """

    #: whether rows can move the weights directly, and ``coef_`` exists
    linear: ClassVar[bool] = False
    #: whether predictions stay what they are where a feature is multiplied by a number and its
    #: weights, a column of the weight matrix, are divided by it
    scalable: ClassVar[bool] = False
    #: whether raw predictions are smooth in the parameters, so that "auto" may use all rows at once
    smooth: ClassVar[bool] = False
    #: whether training draws at random or looks at a batch as a whole, so that no function of the
    #: parameters alone is minimised
    stochastic: bool = False
    #: how many rows a batch has to have in training
    least_batch: int = 1
    #: whether it takes features and targets in units of their own (`sklgd.units`)
    standardize: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """See to it that a subclass trains with the methods it overrides, not with a kernel."""
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "compose" not in own and ("forward" in own or "backward" in own):
            cls.compose = Model.compose
            cls.linear, cls.scalable = own.get("linear", False), own.get("scalable", False)

    def weight_sizes(self, n_raw: int, size: float) -> np.ndarray:
        """Return how large the weights of each row are where raw predictions are ``size`` large.

        Parameters
        ----------
        n_raw : int
            Columns of the raw predictions.
        size : float
            One where they are as large as those of the model's initial weights.

        Returns
        -------
        ndarray of shape (1,) or (weight_rows,)
        """
        return np.full(1, size)

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
        if units is not None:
            raise ValueError(
                f"{type(self).__name__} trains in NumPy, where features and targets stay as they "
                "are; set standardize=False."
            )
        shape = {"n_features": n_features, "n_raw": n_raw, "fit_intercept": fit_intercept}
        params = start_of(self, n_features, n_raw, np.random.RandomState(0), fit_intercept)
        parts = parts_of(self, params, n_features, n_raw)
        weights = [
            view
            for name, part in parts.items()
            if name not in ("intercept_", "intercepts_")
            for view in _views(part, params)
        ]
        free = sum(
            view.size
            for name in ("intercept_", "intercepts_")
            for view in _views(parts.get(name), params)
        )
        n_weights = params.size - free
        by_feature = sum(view.size for view in weights) == n_weights and all(
            view.shape[-1:] == (n_features,) for view in weights
        )
        rows = n_weights // n_features if by_feature else 1
        return adapters.PyModel(self, params.size, n_weights, max(rows, 1), shape)

    def forward(self, X: Any, params: np.ndarray) -> np.ndarray:
        """Return raw predictions.

        Parameters
        ----------
        X : {ndarray, csr_array} of shape (n, n_features)
            Rows.
        params : ndarray of shape (p,)
            The parameters.

        Returns
        -------
        ndarray of shape (n, n_raw)
        """
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def backward(self, X: Any, params: np.ndarray, draw: np.ndarray, grad: np.ndarray) -> None:
        """Add the derivative of ``sum(draw * raw)`` to a gradient, in place.

        Parameters
        ----------
        X : {ndarray, csr_array} of shape (n, n_features)
            Rows.
        params : ndarray of shape (p,)
            The parameters.
        draw : ndarray of shape (n, n_raw)
            Derivative of the loss with respect to the raw predictions.
        grad : ndarray of shape (p,)
            The gradient, which is added to.
        """
        raise NotImplementedError(f"{type(self).__name__} must define backward")

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
        given = dict(coef) if isinstance(coef, Mapping) else {"coef_": coef}
        given |= {} if intercept is None else {"intercept_": intercept}
        given = {name: value for name, value in given.items() if value is not None}
        parts = parts_of(self, params, n_features, n_raw, units) if given else {}
        unknown = sorted(given.keys() - parts.keys())
        if unknown:
            raise ValueError(
                f"{type(self).__name__} has no {unknown[0]} to start from. coef_init may be a dict "
                f"of fitted attributes, with any of {sorted(parts)}."
            )
        for name, value in given.items():
            if not (name == "intercept_" and not fit_intercept):
                _write(name, parts[name], value, params)


def is_compiled(model: Model) -> bool:
    """Whether a model trains in compiled code: a subclass that has a pass of its own does not."""
    return type(model).compose is not Model.compose


def start_of(
    model: Model, n_features: int, n_raw: int, rng: np.random.RandomState, fit_intercept: bool
) -> np.ndarray:
    """Return the parameters that training starts from, in an array of their own."""
    name = type(model).__name__
    if not fit_intercept and "fit_intercept" not in names_of(model.init_params):
        raise ValueError(
            f"fit_intercept=False has no meaning for {name}, whose init_params does not take "
            "fit_intercept; leave it at True."
        )
    found = ask(model.init_params, n_features, n_raw, rng, fit_intercept=fit_intercept)
    params = np.array(found, dtype=np.float64)
    if params.ndim != 1 or not params.size or not np.isfinite(params).all():
        raise ValueError(
            f"{name}.init_params must return a vector of finite numbers. Got {found!r} instead."
        )
    return params


def parts_of(
    model: Model, params: np.ndarray, n_features: int, n_raw: int, units: Units | None = None
) -> dict[str, Any]:
    """Return the fitted attributes at given parameters."""
    parts = ask(model.unpack, params, n_features=n_features, n_raw=n_raw, units=units)
    if not isinstance(parts, dict) or not all(map(_is_attribute, parts)):
        raise ValueError(
            f"{type(model).__name__}.unpack must return a dict of fitted attributes, whose names "
            f"end in an underscore. Got {parts!r} instead."
        )
    taken = RESERVED.intersection(parts)
    if taken:
        raise ValueError(
            f"{type(model).__name__}.unpack must not name fitted attributes that every estimator "
            f"has, and names {sorted(taken)}; use other names, such as 'weights_'."
        )
    return parts


def shapes_of(model: Model, n_features: int, n_raw: int, fit_intercept: bool) -> dict[str, Any]:
    """Return the shapes of the fitted arrays, lists of them where there are lists."""
    params = np.zeros(model.compose(n_features, n_raw, fit_intercept).n_params)
    parts = parts_of(model, params, n_features, n_raw)
    shapes = {
        name: list(map(np.shape, part)) if isinstance(part, (list, tuple)) else np.shape(part)
        for name, part in parts.items()
    }
    return {name: shape for name, shape in shapes.items() if shape}


def rows_of(model: Model, X: Any) -> Any:
    """Return the compiled rows that a model reads.

    A linear model takes a sparse row that has two entries for one feature as it is; others would
    take them for two features, so that these entries are added first.
    """
    if sp.issparse(X) and not model.linear and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return make_rows(X)


def _is_attribute(name: Any) -> bool:
    return isinstance(name, str) and name.isidentifier() and name[-1] == "_" != name[0]


def _views(part: Any, params: np.ndarray) -> list[np.ndarray]:
    # The arrays in a fitted attribute that are views of the parameters.
    parts = part if isinstance(part, (list, tuple)) else [part]
    arrays = [entry for entry in parts if isinstance(entry, np.ndarray)]
    return [array for array in arrays if np.may_share_memory(array, params)]


def _write(name: str, part: Any, value: Any, params: np.ndarray) -> None:
    # Write the value of a fitted attribute into the parameters that it is a view of.
    if isinstance(part, (list, tuple)) and len(part) == len(value):
        for entry, new in zip(part, value, strict=True):
            _write(name, entry, new, params)
        return
    new = np.asarray(value, dtype=np.float64)
    assert_all_finite(new, input_name=name)
    if new.size != np.size(part):
        raise ValueError(
            f"Provided {name} does not match dataset: it has shape {new.shape}, need "
            f"{np.shape(part)}."
        )
    if _views(part, params):
        part[...] = new.reshape(part.shape)
    elif not np.array_equal(np.ravel(part).astype(np.asarray(value).dtype), np.ravel(value)):
        raise ValueError(
            f"{name} cannot be set: unpack gives it as a copy, not as a view of the parameters."
        )
