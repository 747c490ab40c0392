"""The learning-rate range test: its rates, what it watches, when it ends, what it suggests."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils._param_validation import InvalidParameterError

from sklgd import GDClassifier, GDRegressor, optimizers
from sklgd.optimizers import LBFGS, SGD, Adam, Clipped, PassiveAggressive, RangeTest, lr_range_test


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return scale(X), scale(y)


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), np.array(["no", "yes"])[y]


def test_rates_grow_and_losses_are_those_of_a_walk(diabetes):
    """Whole batches: the walk is gradient descent, here written down."""
    X, y = diabetes
    model = GDRegressor(optimizer=SGD(), batch_size=len(y), penalty=None, fit_intercept=False)
    found = lr_range_test(model, X, y, min_rate=1e-4, max_rate=1e-1, n_steps=7)
    assert_allclose(found.rates, np.geomspace(1e-4, 1e-1, 7))
    w = np.zeros(10)
    for rate, loss in zip(found.rates, found.losses, strict=True):
        w -= rate * X.T @ (X @ w - y) / len(y)
        assert loss == pytest.approx(np.mean((X @ w - y) ** 2) / 2, rel=1e-9)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", Clipped(SGD()), Adam(0.7)], ids=str)
def test_suggestion_trains(diabetes, cancer, optimizer):
    for model, (X, y) in ((GDRegressor(), diabetes), (GDClassifier(), cancer)):
        model.set_params(optimizer=optimizer, random_state=0)
        before = clone(model)
        found = lr_range_test(model, X, y, random_state=0)
        assert repr(model) == repr(before) and not hasattr(model, "coef_")
        assert 1e-4 < found.suggestion < 10 and found.losses.min() < 0.8 * found.losses[0]
        name = "optimizer__" * (1 + isinstance(optimizer, Clipped)) + "learning_rate"
        trained = clone(model).set_params(batch_size=32, max_iter=20, tol=None)
        trained.set_params(**{name: found.suggestion}).fit(X, y)
        assert trained.stop_reason_ == "max_iter"
        assert trained.loss_curve_[-1] < 0.7 * found.losses[0]


def test_ends_where_the_loss_is_far_above_its_start(diabetes):
    found = lr_range_test(GDRegressor(optimizer=SGD()), *diabetes, random_state=0)
    assert len(found.losses) < 100 and np.isfinite(found.losses).all()
    assert found.rates[-1] < 10 and found.rates[0] == pytest.approx(1e-6)
    whole = lr_range_test(GDRegressor(optimizer=SGD()), *diabetes, max_rate=0.01, random_state=0)
    assert len(whole.rates) == len(whole.losses) == 100


def test_random_state_and_forms(diabetes):
    X, y = diabetes
    model = GDRegressor(optimizer=Adam())
    found = lr_range_test(model, X, y, random_state=3)
    assert_array_equal(found.losses, lr_range_test(model, X, y, random_state=3).losses)
    sparse = lr_range_test(model, sp.csr_array(X), y, random_state=3)
    assert_allclose(sparse.losses, found.losses, rtol=1e-9)
    several = lr_range_test(model, X, np.c_[y, -y], random_state=3)
    assert_allclose(several.losses, 2 * found.losses, rtol=1e-6)
    labels = (np.c_[y, -y] > 0).astype(int)
    assert lr_range_test(GDClassifier(optimizer=Adam()), X, labels).losses[0] < 3


def test_suggestion_is_nan_where_nothing_falls():
    assert np.isnan(RangeTest(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])).suggestion)


@pytest.mark.parametrize("optimizer", ["auto", LBFGS(), PassiveAggressive()], ids=str)
def test_refuses_what_has_no_learning_rate(diabetes, optimizer):
    with pytest.raises(InvalidParameterError, match="needs a step rule with a learning rate"):
        lr_range_test(GDRegressor(optimizer=optimizer), *diabetes)


def test_a_pipeline_transforms_the_rows(diabetes):
    X, y = load_diabetes(return_X_y=True, scaled=False)
    model = GDRegressor(optimizer=Adam())
    for rows in (X, pytest.importorskip("pandas").DataFrame(X)):
        found = lr_range_test(make_pipeline(StandardScaler(), model), rows, y, random_state=3)
        expected = lr_range_test(model, scale(X), y, random_state=3)
        assert_allclose(found.losses, expected.losses, rtol=1e-9)
    assert_array_equal(
        lr_range_test(make_pipeline(model), *diabetes, random_state=3).losses,
        lr_range_test(model, *diabetes, random_state=3).losses,
    )


@pytest.mark.parametrize("estimator", [SGDRegressor(), make_pipeline(StandardScaler()), SGD()])
def test_refuses_other_estimators(diabetes, estimator):
    with pytest.raises(InvalidParameterError, match="must be a GDRegressor, a GDClassifier or a"):
        lr_range_test(estimator, *diabetes)


def test_bad_parameters(diabetes):
    with pytest.raises(ValueError, match="min_rate must be below max_rate"):
        lr_range_test(GDRegressor(optimizer=SGD()), *diabetes, min_rate=1, max_rate=0.1)
    with pytest.raises(InvalidParameterError, match="'n_steps'"):
        lr_range_test(GDRegressor(optimizer=SGD()), *diabetes, n_steps=1)


def test_names_are_found_when_asked_for():
    assert {"lr_range_test", "RangeTest"} <= set(dir(optimizers))
    with pytest.raises(AttributeError, match="no attribute 'range'"):
        optimizers.range  # noqa: B018


def test_plot(diabetes):
    pytest.importorskip("matplotlib").use("Agg")
    found = lr_range_test(GDRegressor(optimizer=SGD()), *diabetes, random_state=0)
    ax = found.plot()
    assert found.plot(ax) is ax
    assert ax.get_xscale() == "log" and ax.get_ylabel() == "loss"
    assert_array_equal(ax.lines[0].get_xdata(), found.rates)
