"""Weights mean repetition: 2 is the row twice, 0 the row absent, and only ratios count."""

import copy

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.model_selection import PredefinedSplit
from sklearn.utils import compute_sample_weight

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import LOSSES, LogLoss
from sklgd.optimizers import FISTA, LBFGS, SAGA, SGD, SVRG, Adam, GradientDescent, Newton
from sklgd.schedules import Adaptive

N = 80


@pytest.fixture(scope="module")
def regression():
    X, y = make_regression(N, 5, noise=10.0, random_state=0)
    return X, y / y.std() + 0.3


@pytest.fixture(scope="module")
def classes():
    X, y = make_classification(N, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0)
    return X, np.array(["a", "b", "c"])[y]


@pytest.fixture(scope="module")
def counts():
    weights = np.random.default_rng(0).integers(0, 4, N).astype(float)
    assert (weights == 0).sum() > 5
    return weights


STEP_RULES = [
    SGD(0.01),
    SGD(0.01, momentum=0.9),
    Adam(0.01),
    SGD(Adaptive(0.05)),
]
REDUCED = [SAGA(), SVRG(0.02)]
FULL_BATCH = [
    GradientDescent(0.3),
    LBFGS(),
    LBFGS(standardize=True),
    FISTA(standardize=True),
    Newton(),
]
MODELS = {
    "regressor": GDRegressor(),
    "l1": GDRegressor(penalty="l1", alpha=0.01),
    "huber": GDRegressor("huber"),
    "softmax": GDClassifier(),
    "one-vs-rest": GDClassifier(LogLoss(multi_class="ovr")),
    "hinge": GDClassifier("hinge"),
}


def case(name, request, optimizer):
    data = request.getfixturevalue("regression" if "Regressor" in str(MODELS[name]) else "classes")
    model = clone(MODELS[name]).set_params(random_state=0, optimizer=optimizer)
    if name == "hinge" and isinstance(optimizer, LBFGS | FISTA | Newton | SAGA | SVRG):
        model.set_params(loss="squared_hinge")  # they refuse kinks
    return model, *data


def assert_identical(a, b):
    assert_array_equal(a.coef_, b.coef_)
    assert_array_equal(a.intercept_, b.intercept_)
    assert (a.t_, a.n_iter_, a.stop_reason_) == (b.t_, b.n_iter_, b.stop_reason_)
    for key in set(a.history_) - {"time"}:
        assert_array_equal(a.history_[key], b.history_[key], err_msg=key)


every_model = pytest.mark.parametrize("name", MODELS)


# -- integers are repetition ---------------------------------------------------------------


@every_model
@pytest.mark.parametrize("optimizer", FULL_BATCH, ids=repr)
def test_integers_are_repetition(request, name, optimizer, counts):
    model, X, y = case(name, request, optimizer)
    # one that is at the minimum after a few steps stops where rounding says so
    model.set_params(max_iter=2 if isinstance(optimizer, Newton) else 8, tol=None)
    weighted = clone(model).fit(X, y, sample_weight=counts)
    repeats = counts.astype(int)
    repeated = model.fit(np.repeat(X, repeats, axis=0), np.repeat(y, repeats))
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-7, atol=1e-8)
    assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-7, atol=1e-8)
    assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-8)


@pytest.mark.parametrize("name", LOSSES)
def test_auto_integers_are_repetition(name, counts, regression, classes):
    loss = LOSSES[name]()
    cls = GDClassifier if loss.task == "classification" else GDRegressor
    X, y = classes if cls is GDClassifier else regression
    if cls is GDRegressor and np.isfinite(loss.domain.low):
        y = np.exp(y / 2)
    model = cls(loss, max_iter=100, tol=1e-6, random_state=0)
    # the few losses that auto gives to a step rule see the rows one by one
    full_batch = clone(model).fit(X, y).optimizer_.full_batch
    assert full_batch == (loss.smooth or loss.smoothed(1.0) is not None)
    weighted = clone(model).fit(X, y, sample_weight=counts)
    repeats = counts.astype(int)
    repeated = model.fit(np.repeat(X, repeats, axis=0), np.repeat(y, repeats))
    assert weighted.loss_curve_[-1] == pytest.approx(repeated.loss_curve_[-1], rel=1e-3)


# -- ones, zeros, scale --------------------------------------------------------------------


@every_model
@pytest.mark.parametrize("optimizer", [*STEP_RULES, *REDUCED, *FULL_BATCH, "auto"], ids=repr)
def test_ones_are_nothing(request, name, optimizer):
    """All ones equal None to the last bit (skorch 630); so does any constant."""
    model, X, y = case(name, request, optimizer)
    model.set_params(max_iter=10)
    plain = clone(model).fit(X, y)
    for value in (1.0, 0.1, 1e6):
        assert_identical(clone(model).fit(X, y, sample_weight=np.full(N, value)), plain)
    assert_identical(clone(model).fit(X, y, sample_weight=1), plain)


@every_model
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("optimizer", [*STEP_RULES, *REDUCED, *FULL_BATCH, "auto"], ids=repr)
def test_zeros_are_absent(request, name, optimizer, early_stopping):
    """No step, no tick of the clock, no place in the split (scikit-learn 33436, 17229)."""
    model, X, y = case(name, request, optimizer)
    model.set_params(max_iter=10, early_stopping=early_stopping)
    weights = np.random.default_rng(1).uniform(0.5, 2, N)
    absent = np.random.default_rng(2).random(N) < 0.3
    weights[absent] = 0.0
    X = np.where(absent[:, None], 1e6, X)  # what is absent may be anything
    for form in (np.asarray, sp.csr_array):
        kept = clone(model).fit(form(X[~absent]), y[~absent], sample_weight=weights[~absent])
        found = clone(model).fit(form(X), y, sample_weight=weights)
        if kept.optimizer_.full_batch:  # blocks of rows are cut elsewhere: other sums
            assert_allclose(found.coef_, kept.coef_, rtol=1e-9, atol=1e-12)
            assert (found.t_, found.n_iter_) == (kept.t_, kept.n_iter_)
        else:
            assert_identical(found, kept)


@every_model
@pytest.mark.parametrize("optimizer", [*STEP_RULES, "auto"], ids=repr)
def test_scale_does_not_matter(request, name, optimizer):
    model, X, y = case(name, request, optimizer)
    model.set_params(max_iter=10)
    weights = np.random.default_rng(1).uniform(0.5, 2, N)
    one = clone(model).fit(X, y, sample_weight=weights)
    assert_identical(clone(model).fit(X, y, sample_weight=4096 * weights), one)
    thousand = clone(model).fit(X, y, sample_weight=1000 * weights)
    assert_allclose(thousand.coef_, one.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", STEP_RULES, ids=repr)
def test_zeros_are_absent_from_partial_fit(regression, optimizer):
    X, y = regression
    weights = np.tile([0.0, 1.0, 2.0, 1.0], N // 4)
    used = weights > 0
    model = GDRegressor(optimizer=optimizer, random_state=0, average=10)
    one, other = clone(model), clone(model)
    for rows in (slice(0, 40), slice(40, N)):
        one.partial_fit(X[rows], y[rows], sample_weight=weights[rows])
        kept = used[rows]
        other.partial_fit(X[rows][kept], y[rows][kept], sample_weight=weights[rows][kept])
    assert_identical(one, other)


def test_partial_fit_of_nothing_changes_nothing(regression, classes):
    for model, (X, y) in ((GDRegressor(), regression), (GDClassifier(), classes)):
        model.set_params(optimizer="adam", random_state=0)
        model.fit(X, y)
        before = clone(model).fit(X, y)
        model.partial_fit(X, y, sample_weight=np.zeros(N))
        assert_array_equal(model.coef_, before.coef_)
        assert model.t_ == before.t_
        model.partial_fit(X, y)
        assert_array_equal(model.coef_, before.partial_fit(X, y).coef_)


def test_weights_of_partial_fit_are_relative_to_all_calls(regression):
    """Weighting a later batch by 10 makes its rows count ten times those of the first."""
    X, y = regression
    model = GDRegressor(optimizer=SGD(0.001), shuffle=False).partial_fit(X, y)
    light, heavy = copy.deepcopy(model), copy.deepcopy(model)
    light.partial_fit(X, -y, sample_weight=np.ones(N))
    heavy.partial_fit(X, -y, sample_weight=np.full(N, 10.0))
    moved = [np.abs(m.coef_ - model.coef_).sum() for m in (light, heavy)]
    assert moved[1] > 1.5 * moved[0]


# -- class weights -------------------------------------------------------------------------

CLASS_WEIGHTS = [{"a": 2.0, "b": 1.0, "c": 0.5}, {"b": 3.0}, "balanced"]


@pytest.mark.parametrize("optimizer", ["auto", SGD(0.01), Adam(0.01)], ids=repr)
@pytest.mark.parametrize("class_weight", CLASS_WEIGHTS, ids=str)
def test_class_weight_is_sample_weight(classes, class_weight, optimizer):
    X, y = classes
    model = GDClassifier(optimizer=optimizer, max_iter=20, random_state=0)
    expected = clone(model).fit(X, y, sample_weight=compute_sample_weight(class_weight, y))
    found = clone(model).set_params(class_weight=class_weight).fit(X, y)
    assert_allclose(found.coef_, expected.coef_, rtol=1e-9, atol=1e-12)
    plain = model.fit(X, y)
    if class_weight != "balanced":  # the classes are of nearly one size
        assert np.abs(plain.coef_ - found.coef_).max() > 1e-3


def test_class_weight_and_sample_weight_multiply(classes):
    X, y = classes
    weights = np.random.default_rng(0).uniform(0, 2, N)
    weights[::5] = 0.0
    model = GDClassifier(class_weight={"a": 2.0, "b": 1.0, "c": 0.5})
    found = clone(model).fit(X, y, sample_weight=weights)
    product = weights * compute_sample_weight(model.class_weight, y)
    expected = GDClassifier().fit(X, y, sample_weight=product)
    assert_allclose(found.coef_, expected.coef_, rtol=1e-9)


@pytest.mark.parametrize("weights", [None, "some"])
def test_a_class_of_weight_zero_is_absent(classes, weights):
    X, y = classes
    sample_weight = None if weights is None else np.linspace(0.5, 1.5, N)
    model = GDClassifier(optimizer="sgd", random_state=0, class_weight={"c": 0.0}, max_iter=5)
    found = clone(model).fit(X, y, sample_weight=sample_weight)
    expected = GDClassifier(optimizer="sgd", random_state=0, max_iter=5)
    kept = np.where(y == "c", 0.0, 1.0 if weights is None else sample_weight)
    assert_identical(found, expected.fit(X, y, sample_weight=kept))


def test_class_weight_of_a_class_that_is_absent_now(classes):
    """A batch, or the rows of positive weight, need not hold every class that has a weight."""
    X, y = classes
    two = y != "c"
    model = GDClassifier(optimizer=SGD(0.01), class_weight={"c": 2.0}, random_state=0)
    plain = clone(model).set_params(class_weight=None)
    for one in (model, plain):
        one.partial_fit(X[two], y[two], classes=["a", "b", "c"])
    assert_array_equal(model.coef_, plain.coef_)
    assert_identical(model.fit(X, y, sample_weight=two), plain.fit(X, y, sample_weight=two))


def test_balanced_counts_weights(classes):
    """Repeating a class does not change what "balanced" makes of it."""
    X, y = classes
    weights = np.where(y == "a", 3.0, 1.0)
    repeats = weights.astype(int)
    model = GDClassifier(class_weight="balanced", tol=1e-10)
    weighted = clone(model).fit(X, y, sample_weight=weights)
    repeated = clone(model).fit(np.repeat(X, repeats, axis=0), np.repeat(y, repeats))
    assert_allclose(weighted.coef_, repeated.coef_, atol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_balanced_in_a_stream_counts_what_has_come(classes, weighted):
    """Each part is weighed by the rows, or their weights, of all parts so far."""
    X, y = classes
    order = np.argsort(y, kind="stable")  # the first part has one class, the last all but one
    X, y = X[order], y[order]
    weights = np.random.default_rng(0).integers(0, 4, N).astype(float)
    model = GDClassifier(optimizer=SGD(0.01), class_weight="balanced", random_state=0)
    plain = clone(model).set_params(class_weight=None)
    for stop in range(20, N + 1, 20):
        part, so_far = slice(stop - 20, stop), slice(0, stop)
        given = weights[part] if weighted else None
        total = weights[so_far] if weighted else np.ones(stop)
        sums = {label: total[y[so_far] == label].sum() for label in np.unique(y[so_far])}
        factor = np.array([total.sum() / (len(sums) * sums[label]) for label in y[part]])
        model.partial_fit(X[part], y[part], classes=["a", "b", "c"], sample_weight=given)
        own = factor * (weights[part] if weighted else 1.0)
        plain.partial_fit(X[part], y[part], classes=["a", "b", "c"], sample_weight=own)
        assert_allclose(model.coef_, plain.coef_, rtol=1e-12)


def test_balanced_counts_go_on_after_fit_and_start_anew_with_it(classes):
    X, y = classes
    model = GDClassifier(optimizer=SGD(0.01), class_weight="balanced", random_state=0)
    twice = clone(model).fit(X, y).partial_fit(X[:20], y[:20])
    assert twice._class_counts.sum() == N + 20
    assert_identical(twice.fit(X, y), model.fit(X, y))


@pytest.mark.parametrize("given", [False, True], ids=["set aside", "given"])
def test_balanced_counts_rows_set_aside_and_none_given(classes, given):
    """The factors are those of all rows of X, for training and for validation."""
    X, y = classes
    weights = np.linspace(0.5, 1.5, N)
    order = np.argsort(y, kind="stable")
    train, val = order[: N - 25], order[N - 25 :]  # few rows of "c" are left to train on
    rows = train if given else slice(None)
    by_hand = {
        label: weights[rows].sum() / (3 * weights[rows][y[rows] == label].sum()) for label in "abc"
    }
    found, expected = (
        GDClassifier(
            optimizer=SGD(0.01),
            class_weight=class_weight,
            early_stopping=True,
            validation_fraction=[(train, val)],
            max_iter=5,
            tol=None,
            random_state=0,
        )
        for class_weight in ("balanced", by_hand)
    )
    for model in (found, expected):
        if given:
            held_out = dict(X_val=X[val], y_val=y[val], sample_weight_val=weights[val])
            model.fit(X[train], y[train], weights[train], **held_out)
        else:
            model.fit(X, y, weights)
    assert_allclose(found.coef_, expected.coef_, rtol=1e-9)
    assert_allclose(found.history_["val_loss"], expected.history_["val_loss"], rtol=1e-9)


@pytest.mark.parametrize("as_mask", [False, True])
def test_rows_that_a_split_names_are_those_of_X(classes, as_mask):
    """Rows of weight zero are left out of both parts then."""
    X, y = classes
    weights = np.ones(N)
    weights[:20] = 0.0
    validates = np.arange(N) % 4 == 1
    split = (~validates, validates)
    split = split if as_mask else tuple(map(np.flatnonzero, split))
    seen = []
    model = GDClassifier(
        optimizer=SGD(0.01), max_iter=2, early_stopping=True, validation_fraction=[split],
        scoring=lambda est, X, y, sample_weight=None: seen.append(X) or 0.0, random_state=0,
    )  # fmt: skip
    model.fit(X, y, weights)
    assert_array_equal(seen[0], X[validates & (weights > 0.0)])
    predefined = clone(model).set_params(
        validation_fraction=PredefinedSplit(np.where(validates, 0, -1))
    )
    assert_array_equal(predefined.fit(X, y, weights).coef_, model.coef_)


def test_balanced_with_a_part_of_weight_zero(classes):
    X, y = classes
    model = GDClassifier(optimizer=SGD(0.01), class_weight="balanced", random_state=0)
    model.partial_fit(X, y, classes=["a", "b", "c"], sample_weight=np.zeros(N))
    assert_array_equal(model.coef_, 0.0)
    assert np.abs(model.partial_fit(X, y).coef_).max() > 0


# -- validation and ensembles --------------------------------------------------------------


@pytest.mark.parametrize("scoring", ["loss", "neg_mean_squared_error"])
def test_validation_is_weighted(regression, scoring):
    X, y = regression
    weights = np.linspace(0.1, 3, 20)
    model = GDRegressor(optimizer="sgd", max_iter=5, tol=None, random_state=0, scoring=scoring)
    model.set_params(early_stopping=True)
    given = {"X_val": X[:20], "y_val": y[:20], "sample_weight_val": weights}
    model.fit(X[20:], y[20:], **given)
    residual = model.predict(X[:20]) - y[:20]
    mse = np.average(residual**2, weights=weights)
    assert model.history_["val_loss"].min() == pytest.approx(mse / 2, rel=1e-9)
    if scoring != "loss":
        assert model.history_["val_score"].max() == pytest.approx(-mse, rel=1e-9)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_bagging(regression, classes, early_stopping):
    """Bootstrap counts are weights, many of them zero (scikit-learn 17229)."""
    for bag, model, (X, y) in (
        (BaggingRegressor, GDRegressor(), regression),
        (BaggingClassifier, GDClassifier(), classes),
    ):
        for optimizer in ("auto", SGD(0.05)):
            model.set_params(optimizer=optimizer, early_stopping=early_stopping, max_iter=20)
            fitted = bag(model, n_estimators=3, random_state=0).fit(X, y)
            assert all(np.isfinite(one.coef_).all() for one in fitted.estimators_)
            assert fitted.score(X, y) > 0.5
