"""What reaches compiled code is what it was told: memory, indices, shapes, interruptions."""

import copy

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import LogLoss, Loss
from sklgd.optimizers import SGD, Adam, Optimizer
from sklgd.schedules import Schedule

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 5))
Y = X @ np.arange(5.0) + 1.0


def test_fortran_ordered_indicator_matrix():
    """A copy of the targets must live as long as the pointer into it."""
    labels = (X @ RNG.standard_normal((5, 4)) > 0).astype(int)
    expected = GDClassifier(max_iter=20).fit(X, labels)
    found = GDClassifier(max_iter=20).fit(X, np.asfortranarray(labels))
    assert_array_equal(found.coef_, expected.coef_)


@pytest.mark.parametrize(
    ("optimizer", "change"),
    [
        (SGD(0.01), {"optimizer__momentum": 0.9}),
        (Adam(), {"optimizer__amsgrad": True}),
    ],
)
def test_optimizer_changed_in_place(optimizer, change):
    """The user's object may change between calls; the memory of the old one does not fit it."""
    model = GDRegressor(optimizer=clone(optimizer), random_state=0).partial_fit(X, Y)
    used = clone(model.optimizer_)
    model.set_params(**change)
    assert model.optimizer_ == used != model.optimizer
    for _ in range(3):
        model.partial_fit(X, Y)
    assert model.optimizer_ == model.optimizer and np.isfinite(model.coef_).all()
    warm = GDRegressor(optimizer=clone(optimizer), warm_start=True, max_iter=2, tol=None)
    warm.fit(X, Y).set_params(**change).fit(X, Y)


def test_fitted_strategies_are_copies():
    y = np.arange(60) % 3
    model = GDClassifier(LogLoss(), max_iter=5, tol=None).fit(X, y)
    before = model.predict_proba(X)
    model.set_params(loss__multi_class="ovr")
    assert_array_equal(model.predict_proba(X), before)


class WrongState(Optimizer):
    n_slots = 2

    def __init__(self, learning_rate=0.01):
        self.learning_rate = learning_rate

    def init_state(self, params):
        return np.zeros((1, params.size))

    def step(self, params, grad, state, lr, t):
        params -= lr * grad


class ShortSchedule(Schedule):
    def __call__(self, t):
        return np.array([0.01])


class TwoColumns(Loss):
    def n_raw(self, n_targets):
        return 2 * n_targets

    def value(self, y, raw):
        return (raw - y) ** 2

    def gradient(self, y, raw):
        return 2 * (raw - y)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"optimizer": WrongState()}, r"state must have the shape \(2, 6\)"),
        ({"optimizer": SGD(ShortSchedule())}, "must return a rate for each step"),
        ({"loss": TwoColumns()}, "a target for each raw column"),
    ],
)
def test_wrong_shapes_of_a_users_strategy(params, message):
    with pytest.raises(ValueError, match=message):
        GDRegressor(**params, max_iter=2).fit(X, Y)


@pytest.mark.parametrize("index", [5, 50_000_000, -1])
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_csr_index_out_of_range(index, dtype):
    indices, indptr = np.full(60, index, dtype), np.arange(61, dtype=dtype)
    bad = sp.csr_array((60, 5))
    bad.data, bad.indices, bad.indptr = np.ones(60), indices, indptr
    with pytest.raises(ValueError, match="no valid CSR matrix"):
        GDRegressor(optimizer="sgd").fit(bad, Y)
    model = GDRegressor(max_iter=2, tol=None).fit(X, Y)
    with pytest.raises(ValueError, match="no valid CSR matrix"):
        model.predict(bad)


class InterruptedLoss(Loss):
    """Half squared error, until Ctrl-C at a row."""

    left = 0

    def value(self, y, raw):
        return (raw - y) ** 2 / 2

    def gradient(self, y, raw):
        type(self).left -= len(y)
        if type(self).left < 0:
            raise KeyboardInterrupt
        return raw - y


@pytest.mark.parametrize("average", [False, 10])
@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_interrupted_in_the_first_epoch(penalty, average):
    """Lazily kept weights are brought up to date on the way out, too."""
    found = []
    for form in (np.asarray, sp.csr_array):
        InterruptedLoss.left = 40
        model = GDRegressor(
            InterruptedLoss(), optimizer=SGD(0.05), penalty=penalty, alpha=1.0, average=average
        )
        with pytest.warns(UserWarning, match="interrupted"):
            model.set_params(shuffle=False).fit(form(X), Y)
        assert model.t_ == 41
        found.append(model.coef_)
    assert np.abs(found[0]).max() > 0.1
    assert_allclose(found[1], found[0], rtol=1e-10)
    InterruptedLoss.left = 0
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, Y)
    assert_array_equal(model.coef_, found[1])


def test_averaging_that_has_not_begun():
    """Parameters set by the user are no part of a mean that starts later."""
    found = []
    for form in (np.asarray, sp.csr_array):
        model = GDRegressor(optimizer="sgd", average=100, shuffle=False).partial_fit(form(X), Y)
        model.coef_ = model.coef_ + 1
        found.append(model.partial_fit(form(X), Y).coef_)
    assert_allclose(found[1], found[0], rtol=1e-10)


def test_history_survives_divergence():
    model = GDRegressor(optimizer="sgd")
    for _ in range(3):
        model.partial_fit(X, Y)
    with pytest.warns(Warning, match="diverged"):
        model.partial_fit(X * 1e100, Y)
    assert len(model.loss_curve_) == 3
    assert len(model.partial_fit(X, Y).loss_curve_) == 4


def test_history_of_a_stream_has_an_entry_a_call():
    """In order, also after a fit with validation data and across a copy; at n log(n) cost."""
    model = GDRegressor(optimizer="sgd", max_iter=5, tol=None).fit(X, Y, X_val=X, y_val=Y)
    curve, copied = list(model.loss_curve_), None
    for call in range(300):
        if call == 200:
            copied = copy.copy(model)
        row = slice(call % 60, call % 60 + 1)
        alone = copy.deepcopy(model).partial_fit(X[row], Y[row])._histories[-1]["objective"]
        model.partial_fit(X[row], Y[row])
        curve.append(alone[-1])
    assert_array_equal(model.loss_curve_, curve)
    assert_array_equal(copied.loss_curve_, curve[:205])
    assert_array_equal(np.isnan(model.history_["val_loss"]), [False] * 5 + [True] * 300)
    assert len(model._histories) < 10


def test_nothing_changes_with_all_zero_weights():
    model = GDRegressor().fit(X, Y)
    before = model.__dict__.copy()
    model.partial_fit(X.astype(np.float32), Y, sample_weight=np.zeros(60))
    assert model.__dict__ == before


@pytest.mark.parametrize("shape", [(3,), (9,), (5, 1), (1, 6)])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_coefficients_of_other_features_do_not_predict(form, shape):
    model = GDRegressor().fit(X, Y)
    model.coef_ = np.ones(shape)
    with pytest.raises(ValueError, match=rf"X has 5 features, but coef_ has shape \({shape[0]},"):
        model.predict(form(X))


def test_coef_init_under_warm_start():
    model = GDRegressor(optimizer="sgd", eta0=1e-9, warm_start=True, max_iter=1, tol=None)
    model.fit(X, Y)
    model.fit(X, Y, coef_init=np.arange(5.0), intercept_init=[7.0])
    assert_allclose(model.coef_, np.arange(5.0), atol=1e-5)
    assert_allclose(model.intercept_, [7.0], atol=1e-5)


def test_validation_rows_have_the_weights_of_their_classes():
    y = (Y > 0).astype(int)
    weight = {0: 1.0, 1: 50.0}
    model = GDClassifier(class_weight=weight, optimizer="sgd", max_iter=3, tol=None)
    model.fit(X, y, X_val=X, y_val=y)
    raw = model.decision_function(X)
    s = np.where(y == 1, 50.0, 1.0)
    expected = s @ LogLoss().value(y.astype(float), raw) / s.sum()
    assert_allclose(model.history_["val_loss"][-1], expected)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("loss", ["log_loss", "hinge", "multiclass_hinge", "squared_error"])
@pytest.mark.parametrize("model", ["mlp", "factorization_machine"])
def test_models_that_are_not_linear_take_one_class(model, loss, form):
    """As scikit-learn's networks do; there is nothing else to predict."""
    y = np.full(60, "a")
    classifier = GDClassifier(loss, model=model, early_stopping=True, random_state=0, max_iter=3)
    streamed = GDClassifier(loss, model=model, random_state=0)
    streamed.partial_fit(form(X), y, classes=["a"]).partial_fit(form(X), y)
    for fitted in (classifier.set_params(tol=None).fit(form(X), y), streamed):
        assert fitted.classes_.tolist() == ["a"] and fitted.score(form(X), y) == 1.0
        assert fitted.decision_function(form(X)).shape == (60,)
        if loss == "log_loss":
            assert_allclose(fitted.predict_proba(form(X)), np.ones((60, 1)))
    with pytest.raises(ValueError, match="labels that are not in classes_"):
        streamed.partial_fit(form(X), np.full(60, "b"))


def test_a_network_without_a_finite_objective_is_an_error():
    """Its start has none, so there is nothing useful to go back to; a stream goes on."""
    huge = np.finfo(np.float64).max * RNG.uniform(size=(10, 2))
    model = GDRegressor(model="mlp", optimizer="adam", tol=None, max_iter=3).fit(X, Y)
    before = model.predict(X)
    with np.errstate(all="ignore"):
        with pytest.raises(ValueError, match="non-finite parameter weights"):
            model.fit(huge, Y[:10])
        with pytest.warns(Warning, match="diverged"):
            streamed = GDRegressor(model="mlp", optimizer="adam").partial_fit(huge, Y[:10])
    assert_array_equal(model.predict(X), before)
    assert all(np.isfinite(weights).all() for weights in streamed.coefs_)


def test_one_class_and_bad_indicators():
    with pytest.raises(ValueError, match="number of classes has to be greater than one"):
        GDClassifier(optimizer="sgd").partial_fit(X, np.ones(60), classes=[1])
    with pytest.raises(ValueError, match="zeros and ones only"):
        GDClassifier().fit(X, RNG.integers(1, 3, (60, 3)))
    with pytest.raises(ValueError, match="all are zero once multiplied by class_weight"):
        GDClassifier(class_weight={0: 0.0, 1: 0.0}).fit(X, Y > 0)
