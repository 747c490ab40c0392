"""What a fit carries on: partial_fit, warm_start and pickles go on exactly where they were."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_classification, make_regression
from sklearn.linear_model import LogisticRegression, SGDRegressor

from sklgd import GDClassifier, GDRegressor
from sklgd.models import MLP
from sklgd.optimizers import (
    FISTA,
    LBFGS,
    OPTIMIZERS,
    SAGA,
    SGD,
    SVRG,
    Adam,
    GradientDescent,
    Newton,
)
from sklgd.schedules import Adaptive, InvScaling, LinearWarmup, PiecewiseConstant

N = 60
RULES = [
    SGD(0.01),
    SGD(InvScaling(0.05), momentum=0.9),
    SGD(0.01, momentum=0.9, nesterov=True),
    Adam(0.01),
    Adam(LinearWarmup(0.02, steps=100), amsgrad=True),
    SAGA(),
    SVRG(InvScaling(0.05)),
]
AVERAGES = [False, True, 100]


@pytest.fixture(scope="module")
def regression():
    X, y = make_regression(N, 5, noise=10.0, random_state=0)
    return X, y / y.std() + 0.3


@pytest.fixture(scope="module")
def classes():
    return make_classification(N, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0)


def assert_identical(a, b, *, report=False):
    assert_array_equal(a.coef_, b.coef_)
    assert_array_equal(a.intercept_, b.intercept_)
    assert a.t_ == b.t_
    if report:
        assert_array_equal(a.loss_curve_, b.loss_curve_)
        assert a.n_iter_ == b.n_iter_


def incremental(optimizer, **params):
    """Return a regressor whose fit takes the steps of partial_fit."""
    return GDRegressor(optimizer=optimizer, tol=None, random_state=0, **params)


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("optimizer", RULES, ids=repr)
@pytest.mark.parametrize("shuffle", [False, True])
def test_k_partial_fits_are_one_fit(regression, optimizer, average, shuffle):
    X, y = regression
    for params in ({"batch_size": 1}, {"batch_size": 7, "penalty": "l1"}, {"batch_size": "auto"}):
        whole = incremental(optimizer, max_iter=4, average=average, shuffle=shuffle, **params)
        for form in (np.asarray, sp.csr_array):
            parts = clone(whole)
            whole.fit(form(X), y)
            for _ in range(4):
                parts.partial_fit(form(X), y)
                assert parts.n_iter_ == 1
            assert_identical(parts, whole)
            assert_array_equal(parts.loss_curve_, whole.loss_curve_)


@pytest.mark.parametrize("optimizer", RULES, ids=repr)
def test_k_partial_fits_of_a_classifier(classes, optimizer):
    X, y = classes
    whole = GDClassifier(optimizer=optimizer, tol=None, random_state=0)
    whole.set_params(max_iter=3, average=50).fit(X, y)
    parts = clone(whole)
    for _ in range(3):
        parts.partial_fit(X, y, classes=[0, 1, 2])
    assert_identical(parts, whole)


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("optimizer", RULES, ids=repr)
def test_warm_start_goes_on_exactly(regression, optimizer, average):
    """The optimizer's state, the clock and the averages live on (scikit-learn 6091, 16812)."""
    X, y = regression
    whole = incremental(optimizer, average=average, max_iter=6).fit(X, y)
    parts = clone(whole).set_params(warm_start=True, max_iter=2)
    for _ in range(3):
        parts.fit(X, y)
        assert parts.n_iter_ == 2 and len(parts.loss_curve_) == 2
    assert_identical(parts, whole)
    assert_array_equal(parts.loss_curve_, whole.loss_curve_[-2:])


@pytest.mark.parametrize("optimizer", [GradientDescent(0.1), LBFGS(), FISTA(), "auto"], ids=repr)
def test_warm_start_of_full_batch(regression, optimizer):
    X, y = regression
    model = GDRegressor(optimizer=optimizer, warm_start=True, max_iter=3, tol=None)
    first = model.fit(X, y).loss_curve_[-1]
    assert model.fit(X, y).loss_curve_[0] <= first * (1.0 + 1e-12)
    if isinstance(optimizer, GradientDescent):
        whole = GDRegressor(optimizer=optimizer, max_iter=6, tol=None).fit(X, y)
        assert_identical(model, whole)


def test_warm_start_with_other_strategies_keeps_the_parameters(regression):
    X, y = regression
    model = incremental(SGD(0.01), max_iter=5, warm_start=True).fit(X, y)
    start = model.coef_.copy(), model.intercept_.copy()
    model.set_params(optimizer=Adam(1e-12), max_iter=1).fit(X, y)
    assert_allclose(model.coef_, start[0], atol=1e-9)
    assert_allclose(model.intercept_, start[1], atol=1e-9)
    assert model.t_ < 60  # the clock of the new rule begins anew


def test_warm_start_with_other_shapes_starts_anew(regression):
    X, y = regression
    model = incremental(SGD(0.01), max_iter=2, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"warm_start .* Previously got .*\(5,\).* now .*\(3,\)"):
        model.fit(X[:, :3], y)
    model.set_params(warm_start=False).fit(X[:, :3], y)
    assert model.coef_.shape == (3,)


@pytest.mark.parametrize("again", ["fit", "partial_fit"])
def test_another_network_with_as_many_parameters_does_not_go_on(regression, again):
    """Two networks of 25 parameters; those of one make no sense in the other."""
    X, y = regression
    model = GDRegressor(model=MLP((1, 6)), optimizer="adam", warm_start=True, max_iter=1, tol=None)
    other = clone(model).set_params(model=MLP((2, 3)))
    for one in (model, other):
        one.fit(X, y)
        assert sum(part.size for part in one.coefs_ + one.intercepts_) == 25
    before = model.predict(X)
    with pytest.raises(ValueError, match=r"same shapes|cannot go on"):
        getattr(model.set_params(model=MLP((2, 3))), again)(X, y)
    assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("other", [[0, 1], [0, 1, 2, 3], [5, 6, 7]])
def test_warm_start_with_other_classes(classes, other):
    """Fewer or more classes under warm_start are an error, not a crash (scikit-learn 7976)."""
    X, y = classes
    model = GDClassifier(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="same classes as in the previous call to fit"):
        model.fit(X, np.resize(other, N))
    assert_array_equal(model.classes_, [0, 1, 2])


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("optimizer", [*RULES, "auto"], ids=repr)
def test_pickle_in_the_middle(regression, classes, optimizer, average):
    for cls, (X, y), first in (
        (GDRegressor, regression, {}),
        (GDClassifier, classes, {"classes": [0, 1, 2]}),
    ):
        model = cls(optimizer=optimizer, average=average, random_state=0).partial_fit(X, y, **first)
        twins = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
        model.partial_fit(X, y)
        for twin in twins:
            assert_identical(twin.partial_fit(X, y), model)
            assert_array_equal(twin.predict(X), model.predict(X))


@pytest.mark.parametrize(
    "optimizer", [LBFGS(), FISTA(standardize=True), Newton(), "auto"], ids=repr
)
def test_pickle_of_full_batch(regression, optimizer):
    X, y = regression
    model = GDRegressor(optimizer=optimizer, warm_start=True, max_iter=3, tol=None).fit(X, y)
    twin = pickle.loads(pickle.dumps(model))
    assert_identical(twin.fit(X, y), model.fit(X, y), report=True)


def test_a_pickle_holds_no_data(regression):
    """X is not carried along."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((5000, 20)), rng.standard_normal(5000)
    for optimizer in ("sgd", "auto", FISTA(), LBFGS(), Newton()):
        for loss in ("squared_error", "huber", "absolute_error"):
            if loss == "absolute_error" and not isinstance(optimizer, str):
                continue  # refused: it has a kink
            model = GDRegressor(loss, optimizer=optimizer, max_iter=3, tol=None)
            assert len(pickle.dumps(model.fit(X, y))) < 50_000


# -- coef_ and the state -------------------------------------------------------------------


@pytest.mark.parametrize("average", AVERAGES)
def test_published_arrays_are_copies(regression, average):
    """Averaged and plain weights must not alias one array, nor coef_ the state."""
    X, y = regression
    model = incremental(SGD(0.01), average=average).partial_fit(X, y)
    arrays = [model.coef_, model.intercept_, model._state.params]
    arrays += [] if model._state.mean is None else [model._state.mean]
    for i, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in arrays[i + 1 :])
        assert one.flags.writeable and one.flags.c_contiguous
    kept = model.coef_
    before = kept.copy()
    model.partial_fit(X, y)
    assert_array_equal(kept, before)
    assert model.coef_ is not kept


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("average", AVERAGES)
def test_coefficients_set_by_the_user_are_honoured(regression, average, in_place, dtype):
    X, y = regression[0].astype(dtype), regression[1]
    model = incremental(SGD(1e-9), average=average).partial_fit(X, y)
    new = np.arange(5.0)
    if in_place:
        model.coef_[:], model.intercept_[:] = new, 7.0
    else:
        model.coef_, model.intercept_ = new.astype(dtype), np.array([7.0], dtype=dtype)
    assert_allclose(model.predict(X), X @ new + 7, rtol=1e-5)
    model.partial_fit(X, y)
    assert_allclose(model.coef_, new, rtol=1e-4, atol=1e-6)
    assert_allclose(model.intercept_, 7.0, rtol=1e-4)
    assert_allclose(model._state.params, [*new, 7.0], rtol=1e-4, atol=1e-6)


def with_coefficients(model, coef, intercept, **more):
    """Return an estimator on which these were set by hand, and which is not fitted."""
    for name, value in ({"coef_": coef, "intercept_": intercept} | more).items():
        setattr(model, name, value)
    return model


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_coefficients_set_before_any_fit_predict(classes, form):
    """As those of scikit-learn's linear models do, and as averages of other machines' arrive."""
    X, y = classes
    rng = np.random.default_rng(0)
    given = rng.normal(size=(3, 5)), rng.normal(size=3)
    model, reference = (
        with_coefficients(cls(), *given, classes_=np.arange(3))
        for cls in (GDClassifier, LogisticRegression)
    )
    for method in ("decision_function", "predict_proba", "predict"):
        expected = getattr(reference, method)(X)
        assert_allclose(getattr(model, method)(form(X)), expected, rtol=1e-12)
    assert model.score(X, y) == reference.score(X, y)
    model = with_coefficients(GDRegressor("poisson"), given[0][0], given[1][:1])
    assert_allclose(model.predict(form(X)), np.exp(X @ given[0][0] + given[1][0]), rtol=1e-12)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_coefficients_set_before_any_fit_are_gone_on_from(regression, classes, method):
    X, y = regression
    coef, intercept = np.arange(5.0), np.array([7.0])
    rule = SGD(0.01)
    model = GDRegressor(optimizer=rule, penalty=None, batch_size=N, max_iter=1, tol=None)
    model = with_coefficients(model.set_params(warm_start=True), coef, intercept)
    error = X @ coef + intercept - y
    getattr(model, method)(X, y)
    assert_allclose(model.coef_, coef - 0.01 * X.T @ error / N, rtol=1e-12)
    assert_allclose(model.intercept_, intercept - 0.01 * error.mean(), rtol=1e-12)
    X, y = classes
    model = GDClassifier(optimizer=rule, warm_start=True, max_iter=1, tol=None, random_state=0)
    given = np.arange(15.0).reshape(3, 5), np.arange(3.0)
    again = clone(model).fit(X, y, coef_init=given[0], intercept_init=given[1])
    with_coefficients(model, *given, classes_=np.arange(3))
    assert_identical(getattr(model, method)(X, y), again)


def test_a_stream_goes_on_from_coefficients_set_before_it(regression):
    """Instead of from the best constant of its first rows."""
    X, _ = regression
    coef = np.arange(5.0)
    y = X @ coef + 7.0 + np.random.default_rng(0).normal(size=N)
    anew = GDRegressor(penalty=None).partial_fit(X[:10], y[:10]).score(X, y)
    model = with_coefficients(GDRegressor(penalty=None), coef, np.array([7.0]))
    assert model.partial_fit(X[:10], y[:10]).score(X, y) > 0.7 > 0.3 > anew


def test_coefficients_set_before_any_fit_without_warm_start_are_forgotten(regression):
    model = with_coefficients(GDRegressor(optimizer=SGD(), random_state=0), np.ones(5), np.ones(1))
    expected = GDRegressor(optimizer=SGD(), random_state=0).fit(*regression)
    assert_identical(model.fit(*regression), expected)


def test_float32_keeps_the_full_state(regression):
    """coef_ is rounded to float32, what training goes on with is not."""
    X, y = regression[0].astype(np.float32), regression[1]
    whole = incremental(SGD(0.01), max_iter=4).fit(X, y)
    parts = incremental(SGD(0.01))
    for _ in range(4):
        parts.partial_fit(X, y)
    assert_identical(parts, whole)
    assert_array_equal(parts._state.params, whole._state.params)


@pytest.mark.parametrize("order", ["C", "F"])
def test_fortran_ordered_coefficients(classes, order):
    """An F-ordered coef_ crashed the second fit (scikit-learn 1798)."""
    X, y = classes
    model = GDClassifier(optimizer=SGD(0.01), random_state=0)
    model.partial_fit(X, y, classes=[0, 1, 2])
    expected = copy.deepcopy(model).partial_fit(X, y)
    scores = model.decision_function(X)
    model.coef_ = np.array(model.coef_, order=order)
    assert_allclose(model.decision_function(X), scores, rtol=1e-12)
    assert_allclose(model.decision_function(sp.csr_array(X)), scores, rtol=1e-12)
    assert_identical(model.partial_fit(X, y), expected)
    start = {"coef_init": np.asfortranarray(expected.coef_), "intercept_init": np.zeros(3)}
    same = start | {"coef_init": expected.coef_.copy()}
    assert_identical(clone(model).fit(X, y, **start), clone(model).fit(X, y, **same))


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_a_pickle_has_no_targets_and_goes_on_as_before(regression, loss):
    """What a stream wants to know of a fit is told by some rows: once, and before they are kept."""
    X, y = regression
    y = np.abs(y)
    model = GDRegressor(loss, random_state=0).fit(X, y)
    large = clone(model).fit(np.tile(X, (8, 1)), np.tile(y, 8))
    assert len(pickle.dumps(large)) < len(pickle.dumps(model)) + 100
    again = pickle.loads(pickle.dumps(model))
    assert_identical(again.partial_fit(X[:9], y[:9]), model.partial_fit(X[:9], y[:9]))


@pytest.mark.parametrize("early_stopping", [True, False])
def test_partial_fit_after_fit(regression, early_stopping):
    """After an early-stopped fit, partial_fit met a None (scikit-learn 24683)."""
    X, y = regression
    model = incremental(Adam(0.01), early_stopping=early_stopping, max_iter=3).fit(X, y)
    t = model.t_
    model.set_params(early_stopping=False).partial_fit(X, y)
    assert model.t_ > t and np.isfinite(model.coef_).all()


class Halving:
    """A user's schedule: any callable of t."""

    def __init__(self, steps):
        self.steps = steps

    def __call__(self, t):
        return 0.1 * 0.5 ** (np.asarray(t) / self.steps)


def halving(t, steps):
    return Halving(steps)(t)


@pytest.mark.parametrize("make", [Halving, lambda steps: partial(halving, steps=steps)])
def test_a_users_schedule_goes_on(regression, make):
    """It is cloned with its optimizer, and a copy is the same schedule: the memory is kept."""
    X, y = regression
    model = incremental(Adam(make(20)), max_iter=3)
    assert Adam(make(20)) == Adam(make(20)) != Adam(make(10))
    whole, parts = clone(model).fit(X, y), clone(model)
    for _ in range(3):
        parts.partial_fit(X, y)
    assert_identical(whole, parts)


def test_what_steps_write_begins_with_a_cache_line():
    """Or vectors lie across two lines: after a fit, and where a pickle is gone on with."""
    X, y = make_regression(N, 600, random_state=0)
    model = incremental(Adam(0.01)).fit(X, y)
    for _ in range(3):
        for array in (model._state.params, model._state.slots, model._state.copy().params):
            assert array.ctypes.data % 64 == 0
        model = pickle.loads(pickle.dumps(model)).partial_fit(X, y)


@pytest.mark.parametrize("penalty", ["l2", "l1"])
@pytest.mark.parametrize("optimizer", [Adam(0.01), Adam(0.01, amsgrad=True)], ids=repr)
def test_long_runs_are_what_short_ones_are(optimizer, penalty):
    """The former are on a copy of the optimizer's state; 13 parameters fill no cache line."""
    X, y = make_regression(150, 12, noise=10.0, random_state=0)
    model = incremental(optimizer, penalty=penalty, batch_size=1, shuffle=False, max_iter=1)
    whole, parts = clone(model).fit(X, y), clone(model)
    for start in range(0, 150, 50):
        parts.partial_fit(X[start : start + 50], y[start : start + 50])
    assert_identical(whole, parts)
    assert_array_equal(whole._state.slots, parts._state.slots)


def test_changing_the_optimizer_between_calls(regression):
    X, y = regression
    model = incremental(SGD(0.01)).partial_fit(X, y)
    model.set_params(optimizer=Adam(0.01)).partial_fit(X, y)
    model.set_params(average=True).partial_fit(X, y)
    model.set_params(optimizer=SGD(0.01, momentum=0.5)).partial_fit(X, y)
    assert np.isfinite(model.coef_).all()
    assert model.optimizer_ == SGD(0.01, momentum=0.5)


# -- randomness ----------------------------------------------------------------------------


def test_random_state(regression):
    X, y = regression
    model = GDRegressor(optimizer="sgd", max_iter=2, tol=None)
    one = clone(model).set_params(random_state=1).fit(X, y)
    assert_identical(one, clone(one).fit(X, y))
    assert_identical(one, one.fit(X, y))
    other = clone(model).set_params(random_state=2).fit(X, y)
    assert np.abs(one.coef_ - other.coef_).max() > 1e-9
    shared = np.random.RandomState(0)
    pair = [clone(model).set_params(random_state=shared).fit(X, y) for _ in range(2)]
    assert np.abs(pair[0].coef_ - pair[1].coef_).max() > 0
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    one.fit(X, y)
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_epochs_are_shuffled_anew(regression):
    """Each epoch has an order of its own, and every row is in it once."""
    X = np.eye(N)
    y = np.arange(N, dtype=float)
    model = GDRegressor(optimizer=SGD(1.0), penalty=None, fit_intercept=False, tol=None)
    model.set_params(random_state=0, max_iter=1).fit(X, y)
    assert_allclose(model.coef_, y)  # a step of 1 on each row puts its own weight right
    # whose order differs from epoch to epoch: the same two epochs, twice in one order
    X, y = regression
    model = incremental(SGD(0.01)).partial_fit(X, y)
    first = copy.deepcopy(model)
    again = copy.deepcopy(model)
    again._state.epochs = 0
    assert np.abs(first.partial_fit(X, y).coef_ - again.partial_fit(X, y).coef_).max() > 0


def test_adaptive_rate_lives_on(regression):
    """It goes on where a fit was cut short, and starts anew where it had ended one (16812)."""
    X, y = regression
    model = GDRegressor(optimizer=SGD(Adaptive(0.01)), warm_start=True, random_state=0)
    whole = clone(model).fit(X, y)
    rates = whole.history_["learning_rate"]
    assert rates[-1] < 1e-4 and whole.stop_reason_ == "tol"
    cut = clone(model).set_params(max_iter=int(np.argmax(rates < 0.01)) + 1).fit(X, y)
    assert cut.fit(X, y).history_["learning_rate"][0] < 0.01

    def stop(model):
        vars(model)["stop_reason_"] = "callback"
        return model

    assert stop(cut).fit(X, y).history_["learning_rate"][0] < 0.01
    whole.fit(X, -y)
    assert whole.history_["learning_rate"][0] == 0.01 and whole.score(X, -y) > 0.5
    assert whole.partial_fit(X, y).history_["learning_rate"][-1] == 0.01


# -- another learning rate ---------------------------------------------------------------------

STEP_RULES = [
    name
    for name, cls in OPTIMIZERS.items()
    if "learning_rate" in cls().get_params() and cls not in (SAGA, SVRG, GradientDescent)
]


@pytest.mark.parametrize("name", STEP_RULES)
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_a_learning_rate_changed_between_calls_leaves_the_memory(name, form):
    """As a schedule does that changes it there."""
    optimizer = OPTIMIZERS[name]()
    rng = np.random.default_rng(0)
    X, steps = rng.normal(size=(60, 4)) * (rng.random((60, 4)) < 0.5), 4
    y = X @ [1.0, -2.0, 0.0, 0.5] + 0.1 * rng.normal(size=60)
    model = GDRegressor(
        penalty="l1", alpha=1e-3, batch_size=16, shuffle=False, max_iter=6, tol=None
    )
    stairs = PiecewiseConstant([3 * steps], [0.01, 0.001])
    whole = clone(model).set_params(optimizer=clone(optimizer).set_params(learning_rate=stairs))
    whole.fit(form(X), y)
    model.set_params(optimizer=optimizer, optimizer__learning_rate=0.01)
    for call in range(6):
        if call == 3:
            model.set_params(optimizer__learning_rate=0.001)
        model.partial_fit(form(X), y)
    assert_array_equal(model.coef_, whole.coef_)
    assert model.t_ == whole.t_


def test_another_learning_rate_goes_on_as_in_scikit_learn():
    X, y = load_diabetes(return_X_y=True)
    ours = GDRegressor(optimizer="sgd", shuffle=False, eta0=0.01)
    theirs = SGDRegressor(shuffle=False, eta0=0.01)
    for model in (ours, theirs):
        model.partial_fit(X, y).set_params(eta0=0.005).partial_fit(X, y)
    assert ours.t_ == theirs.t_
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)
