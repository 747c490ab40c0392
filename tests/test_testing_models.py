"""`check_model`: sound models pass, and each kind of fault is named."""

import doctest

import numpy as np
import pytest
import scipy.sparse as sp

import sklgd.testing.models
from sklgd.losses import SquaredError
from sklgd.models import MLP, FactorizationMachine, Linear, Model
from sklgd.testing import check_model


class Own(Model):
    """A sound linear model of one's own."""

    def init_params(self, n_features, n_raw, rng, fit_intercept):
        return 0.1 * rng.normal(size=n_raw * (n_features + fit_intercept))

    def forward(self, X, params, n_raw):
        weights, intercept = self.split(params, X.shape[1], n_raw)
        return X @ weights.T + (0.0 if intercept is None else intercept)

    def backward(self, X, params, draw, grad):
        weights, intercept = self.split(grad, X.shape[1], draw.shape[1])
        weights += (X.T @ draw).T
        if intercept is not None:
            intercept += draw.sum(axis=0)

    def unpack(self, params, n_features, n_raw):
        weights, intercept = self.split(params, n_features, n_raw)
        return {"slopes_": weights} | ({} if intercept is None else {"intercept_": intercept})

    def split(self, params, n_features, n_raw):
        n_weights = n_raw * n_features
        intercept = params[n_weights:] if params.size > n_weights else None
        return params[:n_weights].reshape(n_raw, n_features), intercept


class Relu(Own):
    """With a kink, and a list of arrays as an attribute."""

    def forward(self, X, params, n_raw):
        return np.maximum(super().forward(X, params, n_raw), 0.0)

    def backward(self, X, params, draw, grad):
        on = super().forward(X, params, draw.shape[1]) > 0
        super().backward(X, params, draw * on, grad)

    def unpack(self, params, n_features, n_raw):
        return {"rows_": list(super().unpack(params, n_features, n_raw)["slopes_"])}


class Scaled(MLP):
    """A network with a pass of its own."""

    def forward(self, X, params, n_raw):
        return 2.0 * super().forward(X, params, n_raw)

    def backward(self, X, params, draw, grad):
        super().backward(X, params, 2.0 * draw, grad)


GOOD = [
    Own(),
    Relu(),
    Linear(),
    FactorizationMachine(n_factors=2),
    MLP((3,)),
    MLP((3, 2), "tanh", normalization="layer"),
    Scaled((3,), "tanh"),
]


@pytest.mark.parametrize("n_raw", [1, 3])
@pytest.mark.parametrize("model", GOOD, ids=repr)
def test_sound_models_pass(model, n_raw):
    check_model(model, n_raw=n_raw)
    check_model(model, n_raw=n_raw, n_features=2, random_state=3)
    check_model(model, n_raw=n_raw, X=np.random.default_rng(0).normal(size=(9, 5)))


def test_example():
    assert doctest.testmod(sklgd.testing.models).failed == 0


class ForgetsIntercept(Own):
    def backward(self, X, params, draw, grad):
        super().backward(X, params, draw, grad[: -draw.shape[1]])


class WrongFactor(Own):
    def backward(self, X, params, draw, grad):
        super().backward(X, params, 1.01 * draw, grad)


class Overwrites(Own):
    def backward(self, X, params, draw, grad):
        grad[:] = 0.0
        super().backward(X, params, draw, grad)


class ReturnsGradient(Own):
    def backward(self, X, params, draw, grad):
        super().backward(X, params, draw, grad)
        return grad


class WritesDraw(Own):
    def backward(self, X, params, draw, grad):
        draw *= 1.0
        super().backward(X, params, draw, grad)


class WritesRows(Own):
    def forward(self, X, params, n_raw):
        X -= 0.0
        return super().forward(X, params, n_raw)


class WritesParams(Own):
    def forward(self, X, params, n_raw):
        params *= 1.0
        return super().forward(X, params, n_raw)


class Transposed(Own):
    def forward(self, X, params, n_raw):
        return super().forward(X, params, n_raw).T


class ReturnsList(Own):
    def forward(self, X, params, n_raw):
        return super().forward(X, params, n_raw).tolist()


class Centres(Own):
    def forward(self, X, params, n_raw):
        raw = super().forward(X, params, n_raw)
        return raw - raw.mean(axis=0)


class Noisy(Own):
    def forward(self, X, params, n_raw):
        return super().forward(X, params, n_raw) + np.random.default_rng().normal()


class Infinite(Own):
    def forward(self, X, params, n_raw):
        return super().forward(X, params, n_raw) / 0.0


class Counts(Own):
    def forward(self, X, params, n_raw):
        self.calls_ = getattr(self, "calls_", 0) + 1
        return super().forward(X, params, n_raw)


class DenseOnly(Own):
    def forward(self, X, params, n_raw):
        if sp.issparse(X):
            return np.zeros((X.shape[0], n_raw))
        return super().forward(X, params, n_raw)


class SparseGradient(Own):
    def backward(self, X, params, draw, grad):
        super().backward(X, params, draw * (1 + sp.issparse(X)), grad)


class Single(Own):
    def forward(self, X, params, n_raw):
        wrong = X.dtype == np.float32
        return super().forward(X, params, n_raw) + wrong


class MatrixStart(Own):
    def init_params(self, n_features, n_raw, rng, fit_intercept):
        return np.zeros((n_raw, n_features + fit_intercept))


class NanStart(Own):
    def init_params(self, n_features, n_raw, rng, fit_intercept):
        return np.full(n_features + 1, np.nan)


class OwnChance(Own):
    def init_params(self, n_features, n_raw, rng, fit_intercept):
        return np.random.default_rng().normal(size=n_raw * (n_features + fit_intercept))


class RandomSize(Own):
    def init_params(self, n_features, n_raw, rng, fit_intercept):
        return np.zeros(5 + int(rng.randint(1000)))


class Copies(Own):
    def unpack(self, params, n_features, n_raw):
        return super().unpack(params.copy(), n_features, n_raw)


class NoDict(Own):
    def unpack(self, params, n_features, n_raw):
        return params


class NoUnderscore(Own):
    def unpack(self, params, n_features, n_raw):
        return {"alpha": params}


class InterceptFirst(Own):
    def unpack(self, params, n_features, n_raw):
        return {"intercept_": params[:n_raw], "slopes_": params[n_raw:]}


class UnpackWrites(Own):
    def unpack(self, params, n_features, n_raw):
        params *= 2.0
        return super().unpack(params, n_features, n_raw)


class Rounds(Own):
    def __init__(self, rate=0.1):
        self.rate = float(rate) + 0.0


class Unpicklable(Own):
    def __reduce__(self):
        raise TypeError("no")


BROKEN = [
    (Own, r"must be an instance of sklgd.models.Model, got .*not the class"),
    (SquaredError(), r"must be an instance of sklgd.models.Model"),
    (ForgetsIntercept(), r"backward added 0 for parameter 4 \(intercept_\); differences give"),
    (WrongFactor(), r"WrongFactor.backward added .* for parameter 0 \(slopes_\); differences"),
    (Overwrites(), r"Overwrites.backward must add to grad: it added"),
    (ReturnsGradient(), r"ReturnsGradient.backward must work in place and return None, found"),
    (WritesDraw(), r"WritesDraw.backward writes to an argument that it may only read"),
    (WritesRows(), r"WritesRows.forward writes to an argument that it may only read"),
    (WritesParams(), r"WritesParams.forward writes to an argument that it may only read"),
    (Transposed(), r"Transposed.forward must return an array of shape \(7, 1\), found shape"),
    (ReturnsList(), r"ReturnsList.forward must return an array of shape \(7, 1\), found \[\["),
    (Centres(), r"Centres.forward must give each row by itself"),
    (Noisy(), r"Noisy.forward depends on more than its arguments"),
    (Infinite(), r"Infinite.forward gave .*inf"),
    (Counts(), r"Counts\(\) is not stateless: .*\['calls_'\]"),
    (DenseOnly(), r"DenseOnly.forward gives .* on sparse rows, expected"),
    (SparseGradient(), r"SparseGradient.backward gives .* on sparse rows, expected"),
    (Single(), r"Single.forward gives .* on float32 rows, expected"),
    (MatrixStart(), r"MatrixStart.init_params must return a vector of finite numbers"),
    (NanStart(), r"NanStart.init_params must return a vector of finite numbers"),
    (OwnChance(), r"OwnChance.init_params must draw from rng alone"),
    (RandomSize(), r"RandomSize.init_params must give as many parameters for every rng"),
    (Copies(), r"Copies.unpack must give views of params, found a copy as slopes_"),
    (NoDict(), r"NoDict.unpack must return a dict of fitted attributes"),
    (NoUnderscore(), r"NoUnderscore.unpack .* names end in an underscore. Got {'alpha'"),
    (InterceptFirst(), r"InterceptFirst: intercepts must stand last .* found them at \[0\] of 5"),
    (UnpackWrites(), r"UnpackWrites.unpack writes to params"),
    (Rounds(0.1), r"Rounds cannot be cloned"),
    (Unpicklable(), r"Unpicklable\(\) cannot be pickled: no"),
]


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("model, message", BROKEN, ids=[repr(model) for model, _ in BROKEN])
def test_the_fault_is_named(model, message):
    with pytest.raises(AssertionError, match=message):
        check_model(model)


@pytest.mark.parametrize("method", ["init_params", "forward", "backward", "unpack"])
def test_a_model_without_a_method_says_so(method):
    missing = type("Missing", (Own,), {method: getattr(Model, method)})
    with pytest.raises(NotImplementedError, match=f"Missing must define {method}"):
        check_model(missing())
