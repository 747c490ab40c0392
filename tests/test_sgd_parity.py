"""Drop-in: the same coefficients as `SGDRegressor` and `SGDClassifier`, step by step."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import SGDClassifier, SGDRegressor

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import LogLoss
from sklgd.schedules import SCHEDULES

REGRESSION = ["squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"]
CLASSIFICATION = ["log_loss", "hinge", "squared_hinge", "modified_huber", "perceptron"]
#: name -> parameters with which 3 epochs neither stand still nor blow up
RATES = {
    "constant": {"eta0": 0.005},
    "invscaling": {"eta0": 0.02, "power_t": 0.3},
    "optimal": {"alpha": 20.0},
    "adaptive": {"eta0": 0.005},
}
PENALTIES = ["l2", None]
AVERAGES = [False, True, 100]
N = 150


@pytest.fixture(scope="module")
def regression():
    X, y = make_regression(N, 6, noise=3.0, random_state=0)
    return X, y / y.std() + 0.5


@pytest.fixture(scope="module")
def binary():
    X, y = make_classification(N, 6, class_sep=0.7, flip_y=0.1, random_state=1)
    return X, np.array(["no", "yes"])[y]


@pytest.fixture(scope="module")
def three_classes():
    return make_classification(N, 6, n_informative=4, n_classes=3, random_state=2)


def in_order(**params):
    """Return the parameters of a fit that takes every row in turn, a fixed number of times."""
    return {"shuffle": False, "tol": None, "alpha": 0.01} | params


def check_same(reference, model, X, y, *, rtol=1e-7, **fit_params):
    reference.fit(X, y, **fit_params)
    model.fit(X, y, **fit_params)
    check_equal(reference, model, rtol=rtol)
    assert model.n_iter_ == reference.n_iter_
    return model


def check_equal(reference, model, *, rtol=1e-7):
    assert model.coef_.shape == reference.coef_.shape
    assert model.intercept_.shape == reference.intercept_.shape
    assert np.abs(reference.coef_).max() > 1e-3, "a comparison of nothing with nothing"
    for name in ("coef_", "intercept_"):
        expected = getattr(reference, name)
        atol = 1e-9 * np.abs(expected).max()  # an entry that happens to be near zero
        assert_allclose(getattr(model, name), expected, rtol=rtol, atol=atol, err_msg=name)
    assert model.t_ == reference.t_


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("loss", REGRESSION)
def test_regressor(regression, loss, rate, penalty, average):
    params = in_order(loss=loss, learning_rate=rate, penalty=penalty, average=average)
    for max_iter in (1, 3):
        params |= RATES[rate] | {"max_iter": max_iter}
        check_same(SGDRegressor(**params), GDRegressor(**params), *regression)


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("loss", CLASSIFICATION + REGRESSION)
def test_classifier(binary, loss, rate, penalty, average):
    params = in_order(loss=loss, learning_rate=rate, penalty=penalty, average=average)
    for max_iter in (1, 3):
        params |= RATES[rate] | {"max_iter": max_iter}
        model = check_same(SGDClassifier(**params), GDClassifier(**params), *binary)
        assert list(model.classes_) == ["no", "yes"]


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge", "squared_error", LogLoss])
def test_one_against_rest(three_classes, loss, average):
    params = in_order(learning_rate="constant", eta0=0.01, max_iter=3, average=average)
    ours = LogLoss(multi_class="ovr") if loss is LogLoss else loss
    theirs = "log_loss" if loss is LogLoss else loss
    reference, model = SGDClassifier(theirs, **params), GDClassifier(ours, **params)
    check_same(reference, model, *three_classes)


def pair_of(loss):
    """Return the two estimators for a loss."""
    return (SGDRegressor, GDRegressor) if loss == "squared_error" else (SGDClassifier, GDClassifier)


def data_of(loss, request):
    return request.getfixturevalue("regression" if loss == "squared_error" else "binary")


VARIATIONS = {
    "no intercept": {"fit_intercept": False},
    "no intercept, averaged": {"fit_intercept": False, "average": True},
    "large eta0 * alpha": {"alpha": 300.0, "eta0": 0.005},
    "average never reached": {"average": 10**6},
    "average from the last step": {"average": 3 * N},
    "tiny rate": {"eta0": 1e-4},
}


@pytest.mark.parametrize("name", VARIATIONS)
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_variations(request, loss, name):
    params = in_order(loss=loss, learning_rate="constant", eta0=0.01, max_iter=3)
    params |= VARIATIONS[name]
    check_same(*(cls(**params) for cls in pair_of(loss)), *data_of(loss, request))


@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_weights_of_mean_one(request, loss):
    # scikit-learn multiplies steps by weights, sklgd by weights over their mean
    X, y = data_of(loss, request)
    weights = np.random.default_rng(0).uniform(0.5, 2.0, N)
    weights /= weights.mean()
    params = in_order(loss=loss, learning_rate="constant", eta0=0.01, max_iter=2)
    reference, model = (cls(**params) for cls in pair_of(loss))
    check_same(reference, model, X, y, sample_weight=weights)


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_partial_fit(request, loss, average):
    X, y = data_of(loss, request)
    params = in_order(loss=loss, learning_rate="invscaling", eta0=0.05, average=average)
    # with averages SGDClassifier forgets its own intercept between calls (1.9.1)
    params["fit_intercept"] = loss == "squared_error" or not average
    reference, model = (cls(**params) for cls in pair_of(loss))
    first = {} if loss == "squared_error" else {"classes": np.unique(y)}
    for start in range(0, N, 50):
        rows = slice(start, start + 50)
        reference.partial_fit(X[rows], y[rows], **first)
        model.partial_fit(X[rows], y[rows], **first)
        check_equal(reference, model)
        first = {}


@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_starting_point(request, loss):
    X, y = data_of(loss, request)
    params = in_order(loss=loss, learning_rate="constant", eta0=0.01, max_iter=1)
    reference, model = (cls(**params) for cls in pair_of(loss))
    start = {"coef_init": np.linspace(-1, 1, 6), "intercept_init": np.array([0.3])}
    model.fit(X, y, **start)  # first, since scikit-learn writes to the arrays
    np.testing.assert_array_equal(start["coef_init"], np.linspace(-1, 1, 6))
    assert start["intercept_init"] == 0.3
    check_equal(reference.fit(X, y, **start), model)


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_warm_start(request, loss, average):
    X, y = data_of(loss, request)
    params = in_order(loss=loss, learning_rate="constant", eta0=0.01, max_iter=1, average=average)
    reference, model = (cls(warm_start=True, **params) for cls in pair_of(loss))
    if not average:  # scikit-learn starts anew from its own averages; sklgd goes on exactly
        for _ in range(3):
            reference.fit(X, y)
            model.fit(X, y)
            assert_allclose(model.coef_, reference.coef_, rtol=1e-7)
        return
    for _ in range(3):
        model.fit(X, y)
    whole = clone(model).set_params(max_iter=3).fit(X, y)
    np.testing.assert_array_equal(model.coef_, whole.coef_)


@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_float32(request, loss):
    # scikit-learn keeps float32 weights too, sklgd only reads float32 rows
    X, y = data_of(loss, request)
    params = in_order(loss=loss, learning_rate="constant", eta0=0.01, max_iter=3)
    reference, model = (cls(**params) for cls in pair_of(loss))
    reference.fit(X.astype(np.float32), y)
    model.fit(X.astype(np.float32), y)
    assert model.coef_.dtype == np.float32
    assert_allclose(model.coef_, reference.coef_, rtol=1e-3, atol=1e-4)
    assert_allclose(model.intercept_, reference.intercept_, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("loss", ["squared_error", "hinge"])
def test_defaults_of_sgd(request, loss):
    """optimizer="sgd" alone has the defaults of the estimator that it stands in for."""
    X, y = data_of(loss, request)
    theirs, ours = pair_of(loss)
    params = {"loss": loss, "shuffle": False, "tol": None, "max_iter": 2}
    check_same(theirs(**params), ours(optimizer="sgd", **params), X, y)


@pytest.mark.parametrize("loss", ["squared_error", "hinge"])
@pytest.mark.parametrize(
    "given",
    [
        {"learning_rate": "constant"},
        {"eta0": 0.02},
        {"power_t": 0.1},
        {"learning_rate": "constant", "eta0": 1e-3},
    ],
    ids=str,
)
def test_one_rate_parameter_is_enough(request, loss, given):
    """Any of the three alone means SGD; the other two have their defaults there."""
    X, y = data_of(loss, request)
    theirs, ours = pair_of(loss)
    params = {"loss": loss, "shuffle": False, "tol": None, "max_iter": 2} | given
    check_same(theirs(**params), ours(**params), X, y)


@pytest.mark.parametrize("theirs, ours", [pair_of("squared_error"), pair_of("hinge")])
def test_parameters_have_the_same_names(theirs, ours):
    names = set(inspect.signature(theirs).parameters)
    assert names <= set(inspect.signature(ours).parameters)
    reference, model = theirs(), ours()
    same = names - {"loss", "learning_rate", "eta0", "power_t"}
    for name in same:
        assert getattr(model, name) == getattr(reference, name), name
    assert set(RATES) <= set(SCHEDULES)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_of_all_lengths(dtype):
    """Vectors are cut into pieces, and the next row's prediction is made of products of rows."""
    rng = np.random.default_rng(0)
    for p in (*range(1, 71), 255, 256, 257, 512, 513):
        X = (rng.standard_normal((rng.integers(2, 8), p)) / np.sqrt(p)).astype(dtype)
        y = X.astype(float).sum(axis=1) + rng.standard_normal(len(X)) + 1.0
        params = in_order(learning_rate="constant", eta0=0.05, max_iter=2, average=p % 2 == 0)
        reference = SGDRegressor(**params).fit(X.astype(float), y)
        model = GDRegressor(**params).fit(X, y)
        check_equal(reference, model, rtol=1e-7 if dtype == np.float64 else 1e-6)


@pytest.mark.parametrize("average", [False, True])
def test_pieces_of_few_rows(regression, average):
    """Steps that are taken ahead end where the rows of a call do."""
    X, y = regression
    params = in_order(learning_rate="invscaling", eta0=0.02, power_t=0.3, average=average)
    reference, model = SGDRegressor(**params), GDRegressor(**params)
    for start, stop in ((0, 1), (1, 3), (3, 6), (6, 7), (7, 11), (11, 13), (13, 40)):
        reference.partial_fit(X[start:stop], y[start:stop])
        model.partial_fit(X[start:stop], y[start:stop])
        check_equal(reference, model)


@pytest.mark.parametrize("size", [1e155, 1e300])
def test_products_of_rows_that_overflow(size):
    """No prediction is that large, and all but two rows are as they should be."""
    X = [[1, 0], [size, 1], [size, 2], [1, 1], [2, 1], [1, 3], [-size, 1], [-size, 2], [1, 2]]
    y = [1, 1, 1, 1, 1, 1, 0, 0, 1]
    params = in_order(loss="hinge", learning_rate="constant", eta0=1e-3, max_iter=3)
    check_same(SGDClassifier(**params), GDClassifier(**params), X, y)
