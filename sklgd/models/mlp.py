"""Feedforward networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy.special import erf, expit
from sklearn.utils import assert_all_finite
from sklearn.utils._param_validation import Interval, InvalidParameterError, StrOptions

from .._kernels.models import mlp as _kernels
from .._strategy import did_you_mean
from ..units import Units
from .base import Model, is_compiled
from .layout import Layout

#: slope of leaky_relu below zero
LEAK = 0.01
#: added to variances by normalizations
NORM_EPSILON = 1e-5


def _elu(z: np.ndarray) -> np.ndarray:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0.0)))


def _normal_cdf(z: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 + erf(z / np.sqrt(2.0)))


def _normal_pdf(z: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)


class Activation(NamedTuple):
    """A function of the sums of a layer, its derivative, and the ``init`` that suits it."""

    function: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]
    init: str


#: by the names that ``activation`` takes
ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(lambda z: z, np.ones_like, "glorot"),
    "logistic": Activation(expit, lambda z: expit(z) * expit(-z), "glorot"),
    "tanh": Activation(np.tanh, lambda z: 1.0 - np.tanh(z) ** 2, "glorot"),
    "relu": Activation(lambda z: np.maximum(z, 0.0), lambda z: (z > 0) * 1.0, "he"),
    "leaky_relu": Activation(
        lambda z: np.where(z > 0, z, LEAK * z),
        lambda z: np.where(z > 0, 1.0, LEAK),
        "he",
    ),
    "elu": Activation(_elu, lambda z: np.where(z > 0, 1.0, np.exp(np.minimum(z, 0.0))), "lecun"),
    "gelu": Activation(
        lambda z: z * _normal_cdf(z),
        lambda z: _normal_cdf(z) + z * _normal_pdf(z),
        "he",
    ),
    "silu": Activation(
        lambda z: z * expit(z),
        lambda z: expit(z) * (1.0 + z * expit(-z)),
        "he",
    ),
    "softplus": Activation(lambda z: np.logaddexp(0.0, z), expit, "glorot"),
}
#: name -> variance of a weight, by the layer's inputs and outputs
INITS: dict[str, Any] = {
    "he": lambda fan_in, fan_out: 2.0 / fan_in,
    "glorot": lambda fan_in, fan_out: 2.0 / (fan_in + fan_out),
    "lecun": lambda fan_in, fan_out: 1.0 / fan_in,
}


class MLP(Model):
    r"""Multilayer perceptron: layers of weights with an activation after each but the last.

    .. math::
        h_0 = x, \qquad h_l = \phi_l(h_{l-1} W_l + b_l), \qquad
        \mathrm{raw} = h_{L-1} W_L + b_L

    trained by backpropagation [1]_ with any loss and any step rule, or, without dropout and batch
    normalization, any full-batch optimizer.  Penalties see the weights of all layers; intercepts
    are free.  There is no ``coef_``: the fitted attributes are ``coefs_`` and ``intercepts_``, a
    list each with an entry a layer, and ``n_layers_``, as in
    `sklearn.neural_network.MLPRegressor`.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(64, 64)
        Units of each hidden layer.
    activation : str or tuple of str, default="relu"
        After each hidden layer, or one for each: "identity", "logistic", "tanh", "relu",
        "leaky_relu" (slope 0.01), "elu", "gelu" (the exact one), "silu" or "softplus".
    dropout : float or tuple of float, default=0.0
        Share of the units of a hidden layer, or one for each, that a training step leaves out; the
        others are scaled up to make up for them [2]_.  Predictions use all.
    normalization : {"batch", "layer"} or None, default=None
        Normalization before the activation, with a gain and a shift for each unit: over the
        batch, and in predictions by running moments [3]_, or over the units of a row [4]_.
    init : {"auto", "he", "glorot", "lecun"}, default="auto"
        Variance of the initial weights: 2 / inputs [5]_, 2 / (inputs + outputs) [6]_ or
        1 / inputs.  Auto is He for relu, leaky_relu, gelu and silu, LeCun for elu, Glorot else and
        for the output.  Intercepts start at zero.
    standardize : bool or "auto", default="auto"
        Whether features, and the targets of regression, are brought to mean zero and variance one
        inside of the fit.  Auto does where the optimizer is "auto" too.  Sparse features are
        scaled only, where their scale is far from one: under it ``X`` and ``X.toarray()`` train
        networks that are not the same.  Without ``fit_intercept`` nothing is shifted.

    References
    ----------
    .. [1] Rumelhart, Hinton and Williams (1986). Learning representations by back-propagating
       errors. Nature 323, 533-536.
    .. [2] Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014). Dropout: a simple
       way to prevent neural networks from overfitting. JMLR 15, 1929-1958.
    .. [3] Ioffe and Szegedy (2015). Batch normalization: accelerating deep network training by
       reducing internal covariate shift. ICML.
    .. [4] Ba, Kiros and Hinton (2016). Layer normalization. arXiv:1607.06450.
    .. [5] He, Zhang, Ren and Sun (2015). Delving deep into rectifiers. ICCV.
    .. [6] Glorot and Bengio (2010). Understanding the difficulty of training deep feedforward
       neural networks. AISTATS.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklgd import GDClassifier
    >>> from sklgd.models import MLP
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> network = GDClassifier(model=MLP((16, 16)), random_state=0).fit(X, y)
    >>> network.score(X, y) > 0.95
    True
    >>> [weights.shape for weights in network.coefs_]
    [(30, 16), (16, 16), (16, 1)]
    """

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS)), "array-like"],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "normalization": [StrOptions({"batch", "layer"}), None],
        "init": [StrOptions({"auto", *INITS})],
        "standardize": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (64, 64),
        activation: str | Sequence[str] = "relu",
        dropout: float | Sequence[float] = 0.0,
        normalization: str | None = None,
        init: str = "auto",
        standardize: bool | str = "auto",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.normalization = normalization
        self.init = init
        self.standardize = standardize

    @property
    def stochastic(self) -> bool:
        """Whether there is dropout or batch normalization."""
        return any(self._each("dropout")) or self.normalization == "batch"

    @property
    def least_batch(self) -> int:
        """How many rows a batch has to have in training: the moments of one are its own."""
        return 2 if self.normalization == "batch" and self._hidden() else 1

    def validate(self) -> Self:
        """Raise ``InvalidParameterError`` where a parameter is out of range; return self."""
        super().validate()
        sizes = self._hidden()
        if any(not isinstance(size, Integral) or size < 1 for size in sizes):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {self.hidden_layer_sizes}.")
        for name, allowed in (("activation", ACTIVATIONS), ("dropout", None)):
            values = self._each(name)
            if len(values) != len(sizes):
                raise InvalidParameterError(
                    f"The {name!r} parameter of MLP must have one entry for each of the "
                    f"{len(sizes)} hidden layers. Got {getattr(self, name)!r} instead."
                )
            for value in values:
                if allowed is None and not (isinstance(value, Real) and 0.0 <= value < 1.0):
                    raise InvalidParameterError(
                        f"The {name!r} parameter of MLP must lie in [0, 1). Got {value!r} instead."
                    )
                if allowed is not None and value not in allowed:
                    raise InvalidParameterError(
                        f"The {name!r} parameter of MLP must be a str among {sorted(allowed)}. "
                        f"Got {value!r} instead.{did_you_mean(value, allowed)}"
                    )
        return self

    def choose(self, *, auto: bool) -> Model:
        """Return the network with ``standardize`` settled.

        Raise where a subclass has a pass of its own, which goes through `forward` alone, and what
        that leaves out is asked for.
        """
        if self.stochastic and not is_compiled(self):
            name = type(self).__name__
            raise InvalidParameterError(
                f"{name} has a forward or backward of its own, and trains through these: there is "
                f"no dropout and no normalization='batch'. Got {self!r}; leave dropout at 0.0 and "
                "normalization at None or 'layer', or override neither."
            )
        if isinstance(self.standardize, str):
            auto = auto and is_compiled(self)  # NumPy sees rows as they are
            return type(self)(**self.get_params(deep=False) | {"standardize": auto})
        return self

    def auto_batch_size(self, n_samples: int) -> int:
        """Return a quarter of the rows, at least 32 and at most 128 of them."""
        return min(128, max(32, n_samples // 4))

    def _hidden(self) -> list:
        sizes = self.hidden_layer_sizes
        return [sizes] if isinstance(sizes, Integral) else list(sizes)

    def _each(self, name: str) -> list:
        value = getattr(self, name)
        if isinstance(value, (str, Real)):
            return [value] * len(self._hidden())
        return list(value)

    def layout(self, n_features: int, n_raw: int, fit_intercept: bool = True) -> Layout:
        """Return where in the parameters is what.

        Parameters
        ----------
        n_features, n_raw : int
            Columns of X and of the raw predictions.
        fit_intercept : bool, default=True
            Whether there are intercepts.

        Returns
        -------
        Layout
        """
        sizes = (int(n_features), *map(int, self._hidden()), int(n_raw))
        return Layout(sizes, bool(fit_intercept), self.normalization)

    def _layout_of(self, params: np.ndarray, n_features: int, n_raw: int) -> Layout:
        layout = self.layout(n_features, n_raw)
        if params.size == layout.n_params + layout.n_kept:
            return layout
        return self.layout(n_features, n_raw, False)

    def init_params(
        self,
        n_features: int,
        n_raw: int,
        rng: np.random.RandomState,
        fit_intercept: bool = True,
    ) -> np.ndarray:
        """Return uniform random weights of the variance that ``init`` names, and zeros."""
        layout = self.layout(n_features, n_raw, fit_intercept)
        params = np.zeros(layout.n_params + layout.n_kept)
        rules = [ACTIVATIONS[name].init for name in self._each("activation")] + ["glorot"]
        for layer, rule in enumerate(rules):
            weights = layout.weights_of(params, layer)
            variance = INITS[rule if self.init == "auto" else self.init](*weights.shape)
            bound = np.sqrt(3.0 * variance)
            weights[...] = rng.uniform(-bound, bound, weights.shape)
        if self.normalization is not None:
            for layer in range(len(rules) - 1):
                norm = layout.norm_of(params, layer)
                norm[0][:] = 1.0
                if self.normalization == "batch":
                    norm[3][:] = 1.0
        return params

    def compose(
        self, n_features: int, n_raw: int, fit_intercept: bool, units: Units | None = None
    ) -> Any:
        """Return the compiled network for data of this shape."""
        return _kernels.MLPKernel(
            self.layout(n_features, n_raw, fit_intercept),
            self._each("activation"),
            self._each("dropout"),
            self.normalization,
            units,
        )

    def forward(self, X: Any, params: np.ndarray, n_raw: int = 1) -> np.ndarray:
        """Return raw predictions, without dropout and by the running moments.

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
        return self._trip(X, params, n_raw)[-1][0]

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
        layout = self._layout_of(params, X.shape[1], draw.shape[1])
        passed = self._trip(X, params, draw.shape[1])
        derivatives = [ACTIVATIONS[name].derivative for name in self._each("activation")]
        d = draw
        for layer in reversed(range(len(passed))):
            entered = X if layer == 0 else passed[layer - 1][0]
            layout.weights_of(grad, layer)[...] += np.asarray(entered.T @ d)
            if layout.fit_intercept:
                layout.bias_of(grad, layer)[...] += d.sum(axis=0)
            if layer == 0:
                break
            _, z, hat, root = passed[layer - 1]
            d = (d @ layout.weights_of(params, layer).T) * derivatives[layer - 1](z)
            if self.normalization is not None:
                gain, shift, *_ = layout.norm_of(grad, layer - 1)
                gain += (d * hat).sum(axis=0)
                shift += d.sum(axis=0)
                d = d * layout.norm_of(params, layer - 1)[0]
                if self.normalization == "layer":
                    along = (d * hat).mean(axis=1, keepdims=True)
                    d = d - d.mean(axis=1, keepdims=True) - hat * along
                d = d / root

    def _trip(self, X: Any, params: np.ndarray, n_raw: int) -> list[tuple]:
        # Of each layer its output; of hidden ones what entered the activation, and the normalized
        # sums with what they were divided by.
        layout = self._layout_of(params, X.shape[1], n_raw)
        passed, out = [], X
        for layer in range(len(layout.sizes) - 1):
            z = np.asarray(out @ layout.weights_of(params, layer)) + layout.bias_of(params, layer)
            if layer == len(layout.sizes) - 2:
                return [*passed, (z,)]
            hat = root = None
            if self.normalization is not None:
                gain, shift, *moments = layout.norm_of(params, layer)
                if self.normalization == "layer":
                    moments = [z.mean(axis=1, keepdims=True), z.var(axis=1, keepdims=True)]
                root = np.sqrt(moments[1] + NORM_EPSILON)
                hat = (z - moments[0]) / root
                z = gain * hat + shift
            out = ACTIVATIONS[self._each("activation")[layer]].function(z)
            passed.append((out, z, hat, root))
        return passed

    def unpack(
        self, params: np.ndarray, n_features: int, n_raw: int, units: Units | None = None
    ) -> dict[str, Any]:
        """Return ``coefs_``, ``intercepts_`` and ``n_layers_``, in the user's units."""
        layout = self._layout_of(params, n_features, n_raw)
        layers = range(len(layout.sizes) - 1)
        coefs = [layout.weights_of(params, layer) for layer in layers]
        intercepts = [layout.bias_of(params, layer) for layer in layers]
        if units is not None:
            coefs, intercepts = ([part.copy() for part in parts] for parts in (coefs, intercepts))
            coefs[0] *= units.factor[:, None]
            if units.shift is not None:
                intercepts[0] -= units.shift @ coefs[0]
            coefs[-1] *= units.out_scale
            intercepts[-1] = intercepts[-1] * units.out_scale + units.out_shift
        parts = {"coefs_": coefs, "intercepts_": intercepts, "n_layers_": len(coefs) + 1}
        if self.normalization is not None:
            norms = [layout.norm_of(params, layer) for layer in layers[:-1]]
            parts |= {"gains_": [norm[0] for norm in norms]}
            parts |= {"shifts_": [norm[1] for norm in norms]}
        return parts

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
        """Write fitted attributes, lists with an array a layer, into the parameters.

        As lists of weights and of intercepts, or as a dict of ``coefs_``, ``intercepts_``,
        ``gains_`` and ``shifts_``.
        """
        given = dict(coef) if isinstance(coef, Mapping) else {"coefs_": coef}
        given |= {} if intercept is None else {"intercepts_": intercept}
        if all(value is None for value in given.values()):
            return
        layout = self.layout(n_features, n_raw, fit_intercept)
        before = self.unpack(params, n_features, n_raw, units)
        unknown = sorted(given.keys() - before.keys())
        if unknown:
            raise ValueError(
                f"{type(self).__name__} has no {unknown[0]} to start from. coef_init may be a list "
                f"of weights, or a dict of fitted attributes, with any of {sorted(before)}."
            )
        parts = {name: _checked(name, given.get(name), before[name]) for name in before}
        coefs, intercepts = parts["coefs_"], parts["intercepts_"]
        if units is not None:
            coefs[-1] = coefs[-1] / units.out_scale
            intercepts[-1] = (intercepts[-1] - units.out_shift) / units.out_scale
            if units.shift is not None:
                intercepts[0] = intercepts[0] + units.shift @ coefs[0]
            coefs[0] = coefs[0] / units.factor[:, None]
        for layer in range(len(coefs)):
            layout.weights_of(params, layer)[...] = coefs[layer]
            if fit_intercept:
                layout.bias_of(params, layer)[...] = intercepts[layer]
        for name, which in (("gains_", 0), ("shifts_", 1)):
            for layer, values in enumerate(parts.get(name, ())):
                layout.norm_of(params, layer)[which][:] = values


#: what the arguments of `fit` are called that stand for a fitted attribute
ARGUMENTS = {"coefs_": "coef_init", "intercepts_": "intercept_init"}


def _checked(name: str, given: Any, before: Any) -> Any:
    # What the user gave as arrays of the right shapes; what was there before where it is None.
    if given is None or not isinstance(before, list):
        return before
    arrays = [np.asarray(entry, dtype=np.float64) for entry in given]
    found, shapes = [array.shape for array in arrays], [array.shape for array in before]
    name = ARGUMENTS.get(name, name)
    if found != shapes:
        raise ValueError(
            f"Provided {name} does not match dataset and network: its arrays have the shapes "
            f"{found}, need {shapes}."
        )
    for array in arrays:
        assert_all_finite(array, input_name=name)
    return arrays
