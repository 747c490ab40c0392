"""Models of one's own, in NumPy: each trains at once and equals what it imitates."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import Huber, Loss
from sklgd.models import MLP, FactorizationMachine, Linear, Model
from sklgd.optimizers import FISTA, LBFGS, SGD, AdaGrad, Adam, GradientDescent, lr_range_test
from sklgd.penalties import L1, L2, Box, GroupLasso, Penalty
from sklgd.testing import check_model


class MyLinear(Model):
    """By the four methods alone, with their shortest signatures but for `unpack`."""

    def init_params(self, n_features, n_raw, rng):
        return np.zeros(n_raw * (n_features + 1))

    def forward(self, X, params):
        weights, intercept = self.split(params, X.shape[1])
        return X @ weights.T + intercept

    def backward(self, X, params, draw, grad):
        weights, intercept = self.split(grad, X.shape[1])
        weights += (X.T @ draw).T
        intercept += draw.sum(axis=0)

    def unpack(self, params, n_features):
        weights, intercept = self.split(params, n_features)
        return {"slopes_": weights, "intercept_": intercept}

    def split(self, params, n_features):
        n_raw = params.size // (n_features + 1)
        n_weights = n_raw * n_features
        return params[:n_weights].reshape(n_raw, n_features), params[n_weights:]


class Saturation(Model):
    """limit * (1 - exp(-rate * x)) of one feature, without an intercept."""

    def __init__(self, rate=1.0):
        self.rate = rate

    def init_params(self, n_features, n_raw, rng):
        return np.array([1.0, self.rate])

    def forward(self, X, params):
        return params[0] * -np.expm1(-params[1] * self.dense(X))

    def backward(self, X, params, draw, grad):
        X = self.dense(X)
        left = np.exp(-params[1] * X)
        grad[0] += np.sum(draw * (1 - left))
        grad[1] += np.sum(draw * params[0] * X * left)

    def unpack(self, params):
        return {"limit_": params[:1], "rate_": params[1:]}

    def dense(self, X):
        return X.toarray() if sp.issparse(X) else X


class MyFactorization(FactorizationMachine):
    """A subclass that overrides a method trains with it, in NumPy."""

    def forward(self, X, params, n_raw=1):
        return super().forward(X, params, n_raw)


class Doubled(Linear):
    """Another model than the one it derives from."""

    def forward(self, X, params, n_raw=1):
        return 2.0 * super().forward(X, params, n_raw)

    def backward(self, X, params, draw, grad):
        super().backward(X, params, 2.0 * draw, grad)


@pytest.fixture(scope="module")
def data():
    """Rows, three targets and three classes."""
    rng = np.random.default_rng(0)
    X, labels = make_classification(
        60, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0
    )
    X[np.abs(X) < 0.4] = 0.0
    Y = X @ rng.normal(size=(5, 3)) + [1.0, 2.0, 3.0] + 0.1 * rng.normal(size=(60, 3))
    return X, Y, labels


class MyAbsolute(Loss):
    smooth = False

    def value(self, y, raw):
        return np.abs(raw - y)

    def gradient(self, y, raw):
        return np.sign(raw - y)


class MyRidge(Penalty):
    def value(self, w):
        return float(0.05 * np.sum(w**2))

    def add_gradient(self, w, grad):
        grad += 0.1 * w


OPTIMIZERS = [
    SGD(0.01),
    SGD(0.01, momentum=0.9),
    Adam(0.02),
    AdaGrad(0.1),
    GradientDescent(0.05),
    LBFGS(),
    FISTA(),
]
PENALTIES = [None, L2(0.01), L1(0.02), Box(0.0), GroupLasso(0.02), MyRidge()]
FORMS = pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])


@pytest.mark.parametrize("model", [MyLinear(), Doubled(), Saturation(0.5)], ids=repr)
def test_models_pass_the_check(model):
    check_model(model, n_features=1 if isinstance(model, Saturation) else 4)
    if not isinstance(model, Saturation):
        check_model(model, n_raw=3)


@FORMS
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_equals_the_linear_model(data, optimizer, penalty, form):
    X, Y, _ = data
    if isinstance(optimizer, LBFGS) and not isinstance(penalty, L2 | MyRidge | None):
        model = GDRegressor(optimizer=optimizer, penalty=penalty, model=MyLinear())
        with pytest.raises(ValueError, match="but for the L1 norm of a linear model"):
            model.fit(form(X), Y)
        return
    for y in (Y[:, 0], Y):
        theirs = GDRegressor(
            optimizer=optimizer, penalty=penalty, batch_size=7, max_iter=3, tol=None, random_state=0
        )
        mine = clone(theirs).set_params(model=MyLinear()).fit(form(X), y)
        theirs.fit(form(X), y)
        assert_allclose(mine.slopes_, np.atleast_2d(theirs.coef_), rtol=1e-9, atol=1e-12)
        assert_allclose(mine.intercept_, theirs.intercept_, rtol=1e-9, atol=1e-12)
        assert_allclose(mine.predict(form(X)), theirs.predict(form(X)), rtol=1e-9, atol=1e-12)
        assert not hasattr(mine, "coef_")


@FORMS
@pytest.mark.parametrize("loss", ["log_loss", "hinge", "multiclass_hinge", "squared_error"])
def test_a_classifier_equals_the_linear_model(data, loss, form):
    X, _, labels = data
    for y in (labels, labels == 1):
        theirs = GDClassifier(loss, optimizer=Adam(0.05), max_iter=5, tol=None, random_state=0)
        mine = clone(theirs).set_params(model=MyLinear()).fit(form(X), y)
        theirs.fit(form(X), y)
        raw = theirs.decision_function(form(X))
        assert_allclose(mine.decision_function(form(X)), raw, rtol=1e-9, atol=1e-12)
        assert_array_equal(mine.predict(X), theirs.predict(X))
        assert mine.slopes_.shape == np.atleast_2d(theirs.coef_).shape


@pytest.mark.parametrize("loss", [Huber(0.5), MyAbsolute()], ids=repr)
def test_other_losses(data, loss):
    X, Y, _ = data
    theirs = GDRegressor(loss, optimizer="adam", max_iter=3, tol=None, random_state=0)
    mine = clone(theirs).set_params(model=MyLinear()).fit(X, Y[:, 0])
    assert_allclose(mine.slopes_[0], theirs.fit(X, Y[:, 0]).coef_, rtol=1e-9, atol=1e-12)


@FORMS
def test_a_subclass_trains_with_what_it_overrides(data, form):
    X, Y, _ = data
    params = {"optimizer": LBFGS(), "penalty": None, "tol": 1e-12}
    theirs = GDRegressor(**params).fit(form(X), Y)
    mine = GDRegressor(model=Doubled(), **params).fit(form(X), Y)
    assert_allclose(mine.predict(form(X)), theirs.predict(form(X)), rtol=1e-6, atol=1e-6)
    assert_allclose(2.0 * mine.coef_, theirs.coef_, rtol=1e-5, atol=1e-6)
    assert not mine.model_.linear


@FORMS
@pytest.mark.parametrize("optimizer", [SGD(0.01), Adam(0.01), LBFGS()], ids=repr)
@pytest.mark.parametrize("penalty", [L2(0.01), GroupLasso(0.01)], ids=repr)
def test_a_subclass_of_a_compiled_model(data, optimizer, penalty, form):
    X, Y, _ = data
    if isinstance(optimizer, LBFGS):
        penalty = L2(0.01)
    fits = [
        GDRegressor(
            model=model, optimizer=optimizer, penalty=penalty, max_iter=4, tol=None, random_state=0
        ).fit(form(X), Y[:, :2])
        for model in (FactorizationMachine(2), MyFactorization(2))
    ]
    assert_allclose(fits[0].factors_, fits[1].factors_, rtol=1e-7, atol=1e-9)


def test_a_curve_that_is_not_linear():
    X = np.linspace(0.0, 5.0, 50).reshape(-1, 1)
    y = 3.0 * (1 - np.exp(-0.7 * X[:, 0]))
    for optimizer in (LBFGS(), Adam(0.05)):
        model = GDRegressor(
            model=Saturation(), optimizer=optimizer, penalty=None, tol=1e-10, random_state=0
        )
        model.fit(X, y)
        assert_allclose([*model.limit_, *model.rate_], [3.0, 0.7], rtol=1e-3)
    found = lr_range_test(GDRegressor(model=Saturation(), optimizer="adam"), X, y, random_state=0)
    assert 1e-3 < found.suggestion < 10


def test_partial_fit_pickle_and_clone(data):
    X, Y, _ = data
    whole = GDRegressor(model=MyLinear(), optimizer="adam", shuffle=False, random_state=0)
    parts = clone(whole)
    for _ in range(3):
        whole.partial_fit(X, Y)
        parts = pickle.loads(pickle.dumps(parts)).partial_fit(X, Y)
    assert_array_equal(whole.slopes_, parts.slopes_)
    assert_array_equal(whole.predict(X), parts.predict(X))
    assert clone(parts).model == MyLinear()


def test_attributes_may_be_set(data):
    X, Y, _ = data
    model = GDRegressor(model=MyLinear(), optimizer=SGD(0.0), max_iter=1, tol=None).fit(X, Y)
    model.slopes_ = np.ones((3, 5))
    model.intercept_ = np.array([1.0, 2.0, 3.0])
    expected = X.sum(axis=1)[:, None] + [1.0, 2.0, 3.0]
    assert_allclose(model.predict(X), expected)
    assert_allclose(model.partial_fit(X, Y).slopes_, 1.0)
    model.slopes_ = np.ones((3, 4))
    with pytest.raises(ValueError, match=r"slopes_ .* has shape \(3, 4\), need \(3, 5\)"):
        model.predict(X)


def test_starting_values(data):
    X, Y, _ = data
    model = GDRegressor(model=MyLinear(), optimizer=SGD(0.0), max_iter=1, tol=None)
    model.fit(X, Y, coef_init={"slopes_": np.full((3, 5), 2.0)}, intercept_init=[1.0, 2.0, 3.0])
    assert_allclose(model.slopes_, 2.0)
    assert_allclose(model.intercept_, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"MyLinear has no coef_ to start from.*'slopes_'"):
        model.fit(X, Y, coef_init=np.ones((3, 5)))
    with pytest.raises(ValueError, match="slopes_ contains NaN"):
        model.fit(X, Y, coef_init={"slopes_": np.full((3, 5), np.nan)})


def test_warm_start_goes_on(data):
    X, Y, _ = data
    params = {"model": MyLinear(), "optimizer": Adam(), "tol": None, "random_state": 0}
    model = GDRegressor(max_iter=2, warm_start=True, **params).fit(X, Y).fit(X, Y)
    assert_array_equal(model.slopes_, GDRegressor(max_iter=4, **params).fit(X, Y).slopes_)


def test_a_grid_over_its_parameters():
    X = np.linspace(0.0, 5.0, 60).reshape(-1, 1)
    y = 3.0 * (1 - np.exp(-0.7 * X[:, 0]))
    model = GDRegressor(model=Saturation(), optimizer=SGD(0.0), max_iter=1, tol=None)
    search = GridSearchCV(model, {"model__rate": [0.1, 0.7, 5.0]}, scoring="r2").fit(X, y)
    assert search.best_estimator_.rate_ == search.best_params_["model__rate"]


class Watching(MyLinear):
    """Keeps what it is given."""

    seen: list = []

    def forward(self, X, params):
        self.seen.append((X, params))
        return super().forward(X, params)


@FORMS
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_forward_is_given(data, form, dtype):
    X, Y, _ = data
    X = form(X.astype(dtype))
    Watching.seen.clear()
    model = GDRegressor(model=Watching(), optimizer="sgd", batch_size=25, shuffle=False, max_iter=1)
    model.set_params(tol=None).partial_fit(X, Y)
    for start, (rows, params) in zip((0, 25, 50), Watching.seen[:3], strict=True):
        expected = X[start : start + 25]
        assert type(rows) is type(expected) and rows.dtype == dtype
        dense = (part.toarray() if sp.issparse(part) else part for part in (rows, expected))
        assert_array_equal(*dense)
        if not sp.issparse(X):
            assert np.shares_memory(rows, X), "rows in order are not copied"
        written = rows.data if sp.issparse(X) else rows
        assert not written.flags.writeable and not params.flags.writeable


class Ouch(Exception):
    pass


class RaisingForward(MyLinear):
    def forward(self, X, params):
        raise Ouch


class RaisingBackward(MyLinear):
    def backward(self, X, params, draw, grad):
        raise Ouch


class RaisingUnpack(MyLinear):
    def unpack(self, params):
        raise Ouch


class RaisingInit(MyLinear):
    def init_params(self, n_features, n_raw, rng):
        raise Ouch


@FORMS
@pytest.mark.parametrize("optimizer", [SGD(0.01), Adam(), LBFGS()], ids=repr)
@pytest.mark.parametrize(
    "model", [RaisingForward(), RaisingBackward(), RaisingUnpack(), RaisingInit()], ids=repr
)
def test_an_exception_reaches_the_caller_as_it_is(data, model, optimizer, form, eager_threads):
    X, Y, _ = data
    estimator = GDRegressor(model=model, optimizer=optimizer, n_jobs=2)
    before = vars(estimator).copy()
    with pytest.raises(Ouch):
        estimator.fit(form(np.tile(X, (100, 1))), np.tile(Y, (100, 1)))
    assert vars(estimator) == before


class Transposed(MyLinear):
    def forward(self, X, params):
        return super().forward(X, params).T


class MatrixStart(MyLinear):
    def init_params(self, n_features, n_raw, rng):
        return np.zeros((n_raw, n_features + 1))


class NoDict(MyLinear):
    def unpack(self, params):
        return params


class NoUnderscore(MyLinear):
    def unpack(self, params):
        return {"alpha": params}


class WritesRows(MyLinear):
    def forward(self, X, params):
        X *= 2.0
        return super().forward(X, params)


class NoForward(Model):
    init_params, unpack = MyLinear.init_params, MyLinear.unpack
    split = MyLinear.split


class Taken(MyLinear):
    def unpack(self, params, n_features):
        return {"loss_": super().unpack(params, n_features)["slopes_"]}


@pytest.mark.parametrize(
    "model, error, message",
    [
        (Taken(), ValueError, r"Taken.unpack must not name .* that every estimator has.*'loss_'"),
        (Transposed(), ValueError, r"Transposed.forward must return an array of shape \(30, 3\)"),
        (MatrixStart(), ValueError, "MatrixStart.init_params must return a vector of finite"),
        (NoDict(), ValueError, "NoDict.unpack must return a dict of fitted attributes"),
        (NoUnderscore(), ValueError, "names end in an underscore. Got {'alpha'"),
        (WritesRows(), ValueError, "read-only"),
        (NoForward(), NotImplementedError, "NoForward must define forward"),
        (Model(), NotImplementedError, "Model must define init_params"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_wrong_is_named(data, model, error, message):
    X, Y, _ = data
    before = X.copy()
    with pytest.raises(error, match=message):
        GDRegressor(model=model, optimizer="sgd", batch_size=30).fit(X, Y)
    assert_array_equal(X, before)


class Exponential(MyLinear):
    """Zero parameters predict one."""

    def forward(self, X, params):
        return np.exp(super().forward(X, params))

    def backward(self, X, params, draw, grad):
        super().backward(X, params, draw * self.forward(X, params), grad)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("optimizer", [Adam(0.01), SGD(0.01), LBFGS()], ids=repr)
def test_zero_parameters_need_not_predict_zero(optimizer):
    """An objective that falls from its start has not diverged, however small that of zero is."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = 0.01 * np.exp(0.5 * X[:, 0])
    model = GDRegressor(model=Exponential(), penalty=None, optimizer=optimizer, random_state=0)
    model.set_params(max_iter=3, tol=None).fit(X, y)
    assert model.stop_reason_ == "max_iter" and model.loss_curve_[-1] < model.loss_curve_[0]
    assert GDRegressor(model=Exponential()).partial_fit(X, y).stop_reason_ == "max_iter"


def test_an_intercept_that_cannot_be_left_out(data):
    X, Y, _ = data
    with pytest.raises(ValueError, match="fit_intercept=False has no meaning for MyLinear"):
        GDRegressor(model=MyLinear(), fit_intercept=False).fit(X, Y)


@pytest.mark.parametrize("model", [MyLinear(), FactorizationMachine(2)], ids=repr)
def test_rules_that_need_features_say_so(data, model):
    X, Y, _ = data
    with pytest.raises(ValueError, match="only a linear model has"):
        GDRegressor(model=model, optimizer="normalized_adagrad").fit(X, Y)


@pytest.mark.parametrize("params", [{"dropout": 0.5}, {"normalization": "batch"}])
def test_a_pass_of_ones_own_has_neither_dropout_nor_moments(params):
    class Plain(MLP):
        def forward(self, X, params, n_raw=1):
            return super().forward(X, params, n_raw)

    X, y = np.eye(4), np.arange(4.0)
    with pytest.raises(ValueError, match=r"Plain has a forward or backward of its own.*Got Plain"):
        GDRegressor(model=Plain((3,), **params), optimizer="adam").fit(X, y)
    GDRegressor(model=Plain((3,), normalization="layer"), optimizer="adam", max_iter=1).fit(X, y)
