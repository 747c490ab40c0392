"""The training loop: when it stops, what it reports, which parameters it keeps."""

import math
import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    make_classification,
    make_regression,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.metrics import accuracy_score
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.preprocessing import scale

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import LogLoss, Loss, SquaredError
from sklgd.optimizers import (
    FISTA,
    LBFGS,
    OPTIMIZERS,
    SAGA,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    GradientDescent,
    Lion,
    Newton,
    RAdam,
    RMSprop,
    ScheduleFreeSGD,
)
from sklgd.penalties import L2, MCP, SCAD, ElasticNet, GroupLasso
from sklgd.schedules import Adaptive, InvScaling

N = 100


@pytest.fixture(scope="module")
def regression():
    X, y = make_regression(N, 5, noise=20.0, random_state=0)
    return X, y / y.std() + 0.3


@pytest.fixture(scope="module")
def classes():
    X, y = make_classification(N, 6, n_informative=4, n_classes=3, flip_y=0.2, random_state=0)
    return X, np.array(["a", "b", "c"])[y]


class InterruptedLoss(SquaredError):
    """Raises what it is given once it has seen so many rows."""

    def __init__(self, after=250, error=KeyboardInterrupt):
        self.after = after
        self.error = error

    seen = 0

    def gradient(self, y, raw):
        type(self).seen += len(y)
        if type(self).seen > self.after:
            raise self.error
        return raw - y


@pytest.fixture
def interrupted():
    InterruptedLoss.seen = 0
    return InterruptedLoss


# -- history -------------------------------------------------------------------------------

BASE_KEYS = {"objective", "loss", "penalty", "learning_rate", "time"}


@pytest.mark.parametrize("validate", [None, "loss", "r2"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_history(regression, optimizer, validate):
    X, y = regression
    model = GDRegressor(optimizer=optimizer, max_iter=4, tol=None, alpha=0.1, random_state=0)
    expected = set(BASE_KEYS)
    if validate:
        model.set_params(scoring=validate, early_stopping=True)
        expected |= {"val_loss"} if validate == "loss" else {"val_loss", "val_score"}
    model.fit(X, y)
    assert set(model.history_) == expected
    for name, values in model.history_.items():
        assert isinstance(values, np.ndarray) and values.shape == (model.n_iter_,), name
        assert np.isfinite(values).all()
    history = model.history_
    assert_array_equal(model.loss_curve_, history["objective"])
    assert_allclose(history["objective"], history["loss"] + history["penalty"])
    assert np.all(np.diff(history["time"]) >= 0) and history["time"][0] > 0
    assert 1 <= model.best_iter_ <= model.n_iter_


def test_penalty_in_history_is_that_of_the_parameters(regression):
    """The stopping rule sees the whole objective (scikit-learn 30027: the loss alone)."""
    for penalty in ("l2", "l1", "elasticnet", ElasticNet(0.3, 0.4)):
        model = GDRegressor(optimizer="sgd", penalty=penalty, alpha=0.2, max_iter=3, tol=None)
        model.set_params(l1_ratio=0.4, random_state=0).fit(*regression)
        w, alpha = model.coef_, getattr(penalty, "alpha", 0.2)
        l1 = {"l2": 0.0, "l1": 1.0}.get(str(penalty), 0.4)
        expected = alpha * (l1 * np.abs(w).sum() + (1 - l1) / 2 * w @ w)
        assert model.history_["penalty"][-1] == pytest.approx(expected, rel=1e-12)


def test_loss_in_history_is_each_row_before_its_step(regression):
    X, y = regression
    model = GDRegressor(optimizer=SGD(0.01), shuffle=False, max_iter=1, tol=None, penalty=None)
    losses, partial = [], clone(model)
    for row in range(N):
        before = partial.predict(X[row : row + 1]) if row else np.zeros(1)
        losses.append((before[0] - y[row]) ** 2 / 2)
        partial.partial_fit(X[row : row + 1], y[row : row + 1])
    assert model.fit(X, y).history_["loss"][0] == pytest.approx(np.mean(losses), rel=1e-9)


def test_learning_rate_in_history_is_that_of_the_last_step(regression):
    model = GDRegressor(optimizer=SGD(InvScaling(0.1, power_t=0.5)), batch_size=10, tol=None)
    model.set_params(max_iter=3).fit(*regression)
    assert_allclose(model.history_["learning_rate"], 0.1 / np.sqrt([10, 20, 30]))


# -- tol -----------------------------------------------------------------------------------


def epochs_by_rule(objective, tol, patience):
    """Return at which epoch the documented rule stops; None where it does not."""
    best, compared, stale = math.inf, math.inf, 0
    for epoch, value in enumerate(objective, start=1):
        scale = max(abs(best), tol * abs(objective[0]))
        if compared == math.inf or value < compared - tol * scale:
            compared, stale = value, 0
        else:
            stale += 1
        best = min(best, value)
        if stale == patience:
            return epoch
    return None


@pytest.mark.parametrize("patience", [1, 2, 5, 12])
@pytest.mark.parametrize("tol", [0.0, 1e-4, 1e-3, 0.1])
@pytest.mark.parametrize("optimizer", [SGD(0.005), Adam(0.01), GradientDescent(0.05)], ids=repr)
def test_stops_by_the_documented_rule(regression, optimizer, tol, patience):
    """Patience is a parameter (scikit-learn 9456), tol=0 still stops where nothing improves."""
    model = GDRegressor(optimizer=optimizer, tol=None, random_state=0, max_iter=400)
    whole = clone(model).fit(*regression)
    assert (whole.n_iter_, whole.stop_reason_) == (400, "max_iter")
    expected = epochs_by_rule(whole.loss_curve_, tol, patience)
    model.set_params(tol=tol, n_iter_no_change=patience).fit(*regression)
    assert model.n_iter_ == (expected or 400)
    assert model.stop_reason_ == ("tol" if expected else "max_iter")
    assert_array_equal(model.loss_curve_, whole.loss_curve_[: model.n_iter_])


@pytest.mark.parametrize("optimizer", [GradientDescent(0.05), SGD(0.05), Adam(0.01)], ids=repr)
def test_the_penalty_is_taken_where_the_loss_is(regression, optimizer):
    """From least squares on the penalty falls and the loss rises: their sum falls to the minimum.

    With the loss before a step and the penalty after it, the sum would be less than the minimum,
    and rise again.
    """
    X, y = regression
    coef = np.linalg.lstsq(X, y - y.mean())[0]

    def objective(model):
        return 0.5 * np.mean((model.predict(X) - y) ** 2) + 0.5 * model.coef_ @ model.coef_

    model = GDRegressor(
        alpha=1.0, optimizer=optimizer, tol=1e-9, max_iter=20_000, batch_size=len(y)
    )
    model.fit(X, y, coef_init=coef, intercept_init=[y.mean()])
    assert model.stop_reason_ == "tol"
    least = objective(GDRegressor(alpha=1.0, tol=1e-13).fit(X, y))
    assert objective(model) - least < 1e-5 * least


@pytest.mark.filterwarnings("error")
def test_a_warm_start_at_the_minimum_is_no_crawl():
    """Falls that are noise do not add up."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    y = X @ rng.normal(size=5) + 0.3 * rng.normal(size=200)
    model = GDRegressor(optimizer="sgd", warm_start=True, random_state=0).fit(X, y).fit(X, y)
    assert model.stop_reason_ == "tol"
    model = GDRegressor(optimizer="gradient_descent", eta0=0.1, alpha=0.01, tol=1e-7)
    model.set_params(max_iter=5000).fit(X, y)


@pytest.mark.parametrize(
    "optimizer, batch_size, message",
    [
        (Lion(1.0), 1, "diverged"),
        (RMSprop(1.0), "auto", "ended with more than twice the objective that it began with"),
        (AdamW(100.0), 1, "a larger objective than that of the best constant"),
        (AdaGrad(1e5), "auto", "a larger objective than that of the best constant"),
    ],
    ids=repr,
)
def test_steps_that_are_too_long_are_not_silent(optimizer, batch_size, message):
    """The end itself tells: running objectives are of the epoch before it."""
    X, y = load_diabetes(return_X_y=True, scaled=False)
    X = scale(X) if isinstance(optimizer, AdaGrad) else X
    model = GDRegressor(optimizer=optimizer, batch_size=batch_size, random_state=0, max_iter=100)
    with pytest.warns(ConvergenceWarning, match=message):
        model.fit(X, y)


@pytest.mark.parametrize("optimizer", ["saga", "svrg", "adam", "sgd"])
def test_steps_that_are_too_short_are_to_be_longer(optimizer):
    X = np.random.default_rng(0).normal(size=(200, 4))
    y = X @ [1.0, 2.0, 3.0, 4.0] + 50.0
    with pytest.warns(ConvergenceWarning, match="best constant. Increase the learning rate"):
        GDRegressor(optimizer=optimizer, eta0=1e-8, random_state=0).fit(X, y)


@pytest.mark.parametrize("optimizer", ["adamw", "gradient_descent"])
def test_a_perceptron_that_diverges_is_told(optimizer):
    """Its loss is zero where it starts, which is no scale."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = (X[:, 0] + 0.3 * X[:, 1] > 0.0).astype(int)
    model = GDClassifier("perceptron", optimizer=optimizer, max_iter=50, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.fit(X, y).score(X, y) > 0.9
    model.set_params(eta0=1e4, learning_rate="constant", alpha=1e-2)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)


@pytest.mark.parametrize("optimizer", ["auto", "lbfgs"])
def test_a_gradient_of_the_wrong_sign_is_told(regression, optimizer):
    """Methods that look before they step stay where they begin."""

    class Wrong(Loss):
        task, smooth, identity_link = "regression", True, True

        def value(self, y, raw):
            return 0.5 * (raw - y) ** 2

        def gradient(self, y, raw):
            return y - raw

    class Right(Wrong):
        def gradient(self, y, raw):
            return raw - y

    X, y = regression
    with pytest.warns(ConvergenceWarning, match="ended where it began.*check_loss"):
        GDRegressor(Wrong(), optimizer=optimizer).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for targets in (y, 0.0 * y):  # there a start is an end
            GDRegressor(Right(), optimizer=optimizer).fit(X, targets)


def test_a_crawl_is_no_convergence(regression):
    """Steps far too short end by the rule, but not in silence."""
    X, y = regression
    # RAdam begins with longer steps, those of AdaGrad grow shorter
    for optimizer in (Adam(1e-3), GradientDescent(1e-5), RAdam(1e-4), AdaGrad(1e-2)):
        model = GDRegressor(optimizer=optimizer, random_state=0)
        with pytest.warns(ConvergenceWarning, match="falling steadily, far from where it would"):
            model.fit(X, 1e4 * y)
        assert model.stop_reason_ == "tol"
    with pytest.warns(ConvergenceWarning, match="Lower tol, or set an optimizer"):  # not "auto"
        # nearly all of the objective is a few targets
        GDRegressor("absolute_error", model="mlp", random_state=0).fit(X, np.exp(10 * y / y.std()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for optimizer in (SGD(0.01), Adam(0.05), "auto"):
            GDRegressor(optimizer=optimizer, random_state=0).fit(X, y)
        # rates that were lowered at plateaus are short in the end
        rng = np.random.default_rng(7)
        X = rng.normal(size=(400, 5))
        y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]
        GDRegressor(model="mlp", random_state=0).fit(X[:, :1], y)


@pytest.mark.parametrize(
    "optimizer",
    [SGD(0.003), SGD(0.001, momentum=0.9), SGD(Adaptive(0.01)), GradientDescent(0.05), FISTA()],
    ids=repr,
)
@pytest.mark.parametrize("factor", [1e3, 1e-3, 2.0**20])
def test_tol_is_relative(regression, optimizer, factor):
    """Without penalty all iterates of a linear rule scale with y; so the epochs are the same.

    With an absolute tol, y in thousandths stops at once and y in thousands never does.
    """
    X, y = regression
    model = GDRegressor(optimizer=optimizer, penalty=None, random_state=0, max_iter=2000)
    one, other = clone(model).fit(X, y), clone(model).fit(X, factor * y)
    assert 3 < one.n_iter_ < 2000
    assert (other.n_iter_, other.stop_reason_) == (one.n_iter_, one.stop_reason_)
    assert_allclose(other.coef_, factor * one.coef_, rtol=1e-6)


@pytest.mark.parametrize(
    "optimizer", [LBFGS(), LBFGS(standardize=True), FISTA(standardize=True), "auto"]
)
@pytest.mark.parametrize("factor", [1e3, 1e-3])
def test_accuracy_is_relative(regression, optimizer, factor):
    X, y = regression
    model = GDRegressor(optimizer=optimizer, penalty=None, tol=1e-6)
    one, other = clone(model).fit(X, y), clone(model).fit(X, factor * y)
    assert other.stop_reason_ == "tol"
    assert_allclose(other.coef_, factor * one.coef_, rtol=1e-3)


def test_stopping_does_not_depend_on_n(regression):
    X, y = regression
    model = GDRegressor(optimizer=GradientDescent(0.05))
    assert model.fit(X, y).n_iter_ == model.fit(np.tile(X, (9, 1)), np.tile(y, 9)).n_iter_


def test_an_objective_that_reaches_zero_stops():
    X = np.eye(4)
    model = GDRegressor(optimizer=GradientDescent(1.0), penalty=None, max_iter=1000)
    model.fit(X, np.zeros(4))
    assert model.n_iter_ <= 10 and model.stop_reason_ == "tol"
    model.fit(X, np.arange(4.0))  # whose minimum is zero: relative to the start it must end
    assert model.n_iter_ < 1000 and model.stop_reason_ == "tol"


def test_a_perceptron_that_starts_at_zero_loss_has_not_diverged(classes):
    X, y = classes
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = GDClassifier("perceptron", optimizer="sgd", eta0=1.0, learning_rate="constant")
        model.set_params(penalty=None, max_iter=20, tol=None, random_state=0).fit(X, y)
    assert model.stop_reason_ == "max_iter" and np.abs(model.coef_).max() > 0.1


def test_a_stream_of_the_perceptron_has_not_diverged(classes):
    """Its loss vanishes at scores of zero, where a stream starts, and rises with any others."""
    X, y = classes
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = GDClassifier("perceptron", random_state=0)
        for _ in range(5):
            model.partial_fit(X, y == "a", classes=[False, True])
            assert model.stop_reason_ == "max_iter"
    assert np.abs(model.coef_).max() > 0.01


def test_adaptive_rate_falls_at_plateaus(regression):
    model = GDRegressor(optimizer=SGD(Adaptive(0.05, factor=5, min_rate=1e-4)), random_state=0)
    model.set_params(n_iter_no_change=2).fit(*regression)
    rates = model.history_["learning_rate"]
    levels, counts = np.unique(rates, return_counts=True)
    assert_allclose(levels[::-1], [0.05, 0.01, 0.002, 4e-4, 8e-5], rtol=1e-9)
    assert np.all(np.diff(rates) <= 0) and np.all(counts >= 2)
    assert model.stop_reason_ == "tol" and model.n_iter_ < 1000
    assert model.optimizer_.learning_rate == Adaptive(0.05, factor=5, min_rate=1e-4)


# -- reasons -------------------------------------------------------------------------------


def test_no_improvement(regression):
    X, y = regression
    model = GDRegressor(optimizer=SGD(0.01), early_stopping=True, random_state=0).fit(X, y)
    assert model.stop_reason_ == "no_improvement"


def test_a_score_that_is_no_number(regression):
    """None of the epochs is the best, and early stopping has nothing to go by."""
    model = GDRegressor(optimizer="adam", early_stopping=True, scoring=lambda *given: np.nan)
    with pytest.raises(ValueError, match="was NaN in each of 5 epochs, so that none is the best"):
        model.fit(*regression)
    assert not hasattr(model, "coef_")
    later = iter([np.nan, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    model.set_params(scoring=lambda *given: next(later)).fit(*regression)
    assert (model.n_iter_, model.best_iter_) == (7, 2)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lbfgs", "auto"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_max_iter_warns_in_the_words_of_scikit_learn(regression, optimizer, early_stopping):
    model = GDRegressor("log_cosh", optimizer=optimizer, max_iter=2, tol=1e-9)
    model.set_params(early_stopping=early_stopping)
    with pytest.warns(ConvergenceWarning) as record:
        model.fit(*regression)
    with pytest.warns(ConvergenceWarning) as theirs:
        SGDRegressor(max_iter=2, tol=1e-9).fit(*regression)
    assert str(record[0].message) == str(theirs[0].message)
    assert record[0].filename == __file__
    assert model.stop_reason_ == "max_iter"


@pytest.mark.parametrize("optimizer", ["sgd", "lbfgs"])
def test_what_was_asked_for_does_not_warn(regression, optimizer):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GDRegressor(optimizer=optimizer, max_iter=2, tol=None).fit(*regression)
        GDRegressor(optimizer=optimizer, tol=0.1).fit(*regression)
        GDRegressor(optimizer="sgd", tol=1e-9).partial_fit(*regression)


@pytest.mark.parametrize("rows", [N // 2, 250, 7 * N])
@pytest.mark.parametrize("batch_size", [1, 16])
def test_interrupted_by_the_keyboard(regression, interrupted, rows, batch_size):
    """Ctrl-C, here from inside the loss, leaves the best epoch's parameters and a warning."""
    X, y = regression
    model = GDRegressor(interrupted(rows), optimizer=SGD(0.002), batch_size=batch_size)
    model.set_params(random_state=0, max_iter=50)
    with pytest.warns(UserWarning, match="GDRegressor was interrupted in epoch .* best parameters"):
        model.fit(X, y)
    done = rows // N
    assert model.stop_reason_ == "interrupted"
    assert model.n_iter_ == done + 1 and len(model.loss_curve_) == model.best_iter_ == done
    assert np.isfinite(model.predict(X)).all()
    if done:
        whole = clone(model).set_params(loss="squared_error", max_iter=done, tol=None).fit(X, y)
        assert_array_equal(model.coef_, whole.coef_)


def test_interrupted_by_a_schedule(regression):
    def schedule(t):
        if np.max(t) > 3 * N:
            raise KeyboardInterrupt
        return 0.01

    model = GDRegressor(optimizer=SGD(schedule), max_iter=50, random_state=0)
    with pytest.warns(UserWarning, match="interrupted in epoch 4"):
        model.fit(*regression)
    assert model.stop_reason_ == "interrupted" and model.best_iter_ == 3


@pytest.mark.parametrize("optimizer", [GradientDescent(), LBFGS(), FISTA()], ids=repr)
def test_full_batch_is_interrupted(regression, interrupted, optimizer):
    model = GDRegressor(interrupted(7 * N), optimizer=optimizer, tol=None)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(*regression)
    assert np.isfinite(model.predict(regression[0])).all()


# -- divergence ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def raw_features():
    """Features as they come: incomes, populations, degrees."""
    rng = np.random.default_rng(0)
    X = rng.gamma(2.0, 1.0, (2000, 5)) * [2, 15, 3, 700, 20] + [0, 0, 0, 0, 30]
    return X, X @ [0.4, 0.01, -0.1, 1e-4, 0.02] + rng.standard_normal(2000)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize(
    "params",
    [
        {"optimizer": "sgd"},
        {"optimizer": "sgd", "average": True},
        {"optimizer": SGD(0.01, momentum=0.9)},
        {"optimizer": SGD(1e-6), "loss": "squared_error", "batch_size": 1},
        {"optimizer": GradientDescent(1e-4)},
        {"optimizer": "sgd", "penalty": "l1"},
        {"optimizer": "sgd", "early_stopping": True},
    ],
    ids=str,
)
def test_divergence_is_not_silent(raw_features, params, form):
    """What SGDRegressor ends at 1e16 with is named, and the parameters are no worse than zeros."""
    X, y = raw_features
    model = GDRegressor(random_state=0, **params)
    with pytest.warns(ConvergenceWarning, match=r"diverged: after \d+ epochs .*Lower the") as found:
        model.fit(form(X), y)
    assert found[0].filename == __file__
    assert model.stop_reason_ == "diverged"
    assert np.isfinite(model.coef_).all() and np.isfinite(model.intercept_).all()
    assert all(np.isfinite(values).all() for values in model.history_.values())
    assert np.mean((model.predict(X) - y) ** 2) <= np.mean(y**2)


def test_divergence_in_partial_fit(raw_features):
    X, y = raw_features
    model = GDRegressor(optimizer="sgd", random_state=0)
    for _ in range(3):
        with pytest.warns(ConvergenceWarning, match="diverged") as found:
            model.partial_fit(X, y)
        assert found[0].filename == __file__
        assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
def test_a_diverged_classifier_keeps_its_direction(loss):
    """Labels do not depend on the size of the weights, so what was learnt is not thrown away."""
    X, y = load_breast_cancer(return_X_y=True)
    for seed in range(3):
        model = GDClassifier(loss, optimizer="sgd", random_state=seed)
        with pytest.warns(ConvergenceWarning, match="diverged"):
            model.fit(X, y)
        assert model.score(X, y) > 0.8
        reference = SGDClassifier(loss, random_state=seed).fit(X, y)
        assert np.abs(model.coef_).max() < np.abs(reference.coef_).max()


@pytest.mark.parametrize(
    "optimizer",
    [SGD(1e150), GradientDescent(1e180), ScheduleFreeSGD(1e50), SAGA(1e100)],
    ids=str,
)
@pytest.mark.parametrize("penalty", [L2(1.0), MCP(0.05), SCAD(0.05), GroupLasso(0.05)], ids=str)
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_divergence_warns_of_nothing_else(raw_features, loss, optimizer, penalty):
    """Such as NumPy's of an overflow."""
    X, y = raw_features
    model = GDRegressor(loss, optimizer=optimizer, penalty=penalty, batch_size=2000, max_iter=5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "GDRegressor diverged", ConvergenceWarning)
        assert model.fit(X, y - y.min()).stop_reason_ == "diverged"


def test_an_epoch_that_diverged_leaves_an_empty_history(raw_features):
    X, y = raw_features
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model = GDRegressor(optimizer=GradientDescent(1e200)).fit(1e200 * X, y)
    assert model.loss_curve_.shape == model.history_["learning_rate"].shape == (0,)
    assert model.validation_scores_ is None


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
@pytest.mark.parametrize("penalty", ["l2", "l1", "mcp"])
def test_a_feature_whose_squares_overflow_is_named(raw_features, loss, penalty, form):
    """Such as a largest number that stands for a missing one: its scale is unknown."""
    X, y = raw_features
    X = X.copy()
    X[3, 1] = np.finfo(float).max
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"variance of feature 1 is not finite.*preprocessed"):
            GDRegressor(loss, penalty=penalty).fit(form(X), y)


def test_auto_does_not_diverge(raw_features):
    X, y = raw_features
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert GDRegressor().fit(X, y).score(X, y) > 0.3


# -- early stopping ------------------------------------------------------------------------


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("penalty", ["l2", "l1"])
@pytest.mark.parametrize("optimizer", [SGD(0.03), Adam(0.05), GradientDescent(0.3), "auto"])
def test_the_best_epoch_is_restored(regression, optimizer, penalty, average):
    """val_loss of what is returned is the least of the history, also where max_iter ended it."""
    X, y = regression
    for form, max_iter in ((np.asarray, 1000), (sp.csr_array, 12)):
        model = GDRegressor(optimizer=optimizer, early_stopping=True, max_iter=max_iter)
        model.set_params(penalty=penalty, average=average, random_state=0)
        model.fit(form(X[:60]), y[:60], X_val=form(X[60:]), y_val=y[60:])
        history = model.history_["val_loss"]
        found = np.mean((model.predict(X[60:]) - y[60:]) ** 2) / 2
        assert found == pytest.approx(history.min(), rel=1e-9)
        assert model.best_iter_ == np.argmin(history) + 1
        assert model.stop_reason_ in ("no_improvement", "max_iter", "tol")


@pytest.mark.parametrize("loss", ["log_loss", LogLoss(multi_class="ovr"), "hinge", "squared_error"])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_scores_are_those_of_the_model_at_the_time(classes, loss, form):
    """Labels coded one way in training and another in scoring would show here."""
    X, y = classes
    given = {"X_val": form(X[60:]), "y_val": y[60:]}
    model = GDClassifier(loss, optimizer=SGD(0.02), scoring="accuracy", early_stopping=True)
    model.set_params(random_state=0, tol=None, max_iter=6).fit(form(X[:60]), y[:60], **given)
    scores = model.history_["val_score"]
    assert accuracy_score(y[60:], model.predict(X[60:])) == scores.max()
    for epochs in (1, 3):
        at = clone(model).set_params(max_iter=epochs, early_stopping=False)
        at.fit(form(X[:60]), y[:60], **given)
        assert at.score(X[60:], y[60:]) == scores[epochs - 1] == at.history_["val_score"][-1]


@pytest.mark.parametrize("scoring", ["r2", None])
def test_val_score_of_a_regressor(regression, scoring):
    X, y = regression
    model = GDRegressor(optimizer=Adam(0.05), scoring=scoring, early_stopping=True, random_state=0)
    model.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    assert model.score(X[60:], y[60:]) == pytest.approx(model.history_["val_score"].max())


@pytest.mark.parametrize("score", ["a", None, {"r2": 0.5}, np.ones(1)], ids=repr)
def test_a_scorer_that_returns_no_number_is_named(regression, score):
    model = GDRegressor(scoring=lambda *args: score, early_stopping=True)
    with pytest.raises(ValueError, match=r"scoring must return a number, got .*scorer=<func"):
        model.fit(*regression)


def test_validation_data_alone_only_watch(regression):
    X, y = regression
    model = GDRegressor(optimizer=SGD(0.01), max_iter=20, random_state=0)
    watched = clone(model).fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    assert "val_loss" in watched.history_
    assert_array_equal(watched.coef_, model.fit(X[:60], y[:60]).coef_)


@pytest.mark.parametrize(
    "fraction", [0.2, ShuffleSplit(1, test_size=0.2, random_state=0), KFold(5)]
)
def test_the_rest_of_the_rows_trains(regression, fraction):
    """The split's rows are scored, all of them (scikit-learn 23255), the others alone train."""
    X, y = regression
    model = GDRegressor(optimizer=SGD(0.01), early_stopping=True, validation_fraction=fraction)
    model.set_params(random_state=0, max_iter=3, tol=None, average=True).fit(X, y)
    assert model.t_ == 1 + 3 * 80
    if isinstance(fraction, KFold):
        expected = np.mean((model.predict(X[:20]) - y[:20]) ** 2) / 2
        assert model.history_["val_loss"].min() == pytest.approx(expected, rel=1e-9)
        same = clone(model).fit(X[20:], y[20:], X_val=X[:20], y_val=y[:20])
        assert_array_equal(model.coef_, same.coef_)


def test_rows_that_train_keep_their_order(regression):
    """Without shuffling, a random split leaves the rows in the order of the data."""
    X, y = regression
    model = GDRegressor(optimizer=SGD(0.01), batch_size=1, shuffle=False, max_iter=3, tol=None)
    validated = clone(model).set_params(early_stopping=True, random_state=0).fit(X, y)
    train, _ = next(ShuffleSplit(test_size=0.1, random_state=0).split(X))
    alone = model.fit(X[np.sort(train)], y[np.sort(train)])
    assert_array_equal(validated.history_["loss"], alone.history_["loss"])


def test_the_split_is_stratified():
    """Of a class of 10 in 100 rows, a tenth is set aside (scikit-learn 13164)."""
    X = np.zeros((100, 1))
    y = np.repeat([0, 1], [90, 10])
    seen = []
    for seed in range(5):
        model = GDClassifier(optimizer=SGD(1e-9), early_stopping=True, random_state=seed)
        model.set_params(max_iter=1, scoring=lambda est, X, y: seen.append(y.sum()) or 0.0)
        model.fit(X, y)
    assert seen == [1] * 5


def test_an_empty_part_is_an_error(regression):
    model = GDRegressor(early_stopping=True, validation_fraction=0.999)
    with pytest.raises(ValueError, match=r"train set will be empty"):
        model.fit(regression[0][:3], regression[1][:3])


# -- printing and threads ------------------------------------------------------------------


def test_verbose(regression, capsys):
    model = GDRegressor(optimizer=SGD(1e-3), tol=None, random_state=0)
    model.fit(*regression)
    assert capsys.readouterr().out == ""
    model.set_params(verbose=1).fit(*regression)
    lines = capsys.readouterr().out.splitlines()
    assert 10 <= len(lines) <= 25
    assert lines[0].startswith("Iteration    1 of GDRegressor: objective ")
    model.set_params(verbose=2, max_iter=30).fit(*regression)
    assert len(capsys.readouterr().out.splitlines()) == 31


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize(
    "optimizer",
    [GradientDescent(0.1), LBFGS(standardize=True), FISTA(), Newton(), "auto"],
    ids=repr,
)
def test_threads_give_the_same_bits(optimizer, form, eager_threads):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 6))
    y = rng.integers(0, 3, 20_000)
    weights = rng.uniform(0, 2, 20_000)
    for loss in ("log_loss", "hinge") if optimizer == "auto" else ("log_loss",):
        model = GDClassifier(loss, optimizer=optimizer, max_iter=5, tol=None, random_state=0)
        models = [
            clone(model).set_params(n_jobs=n_jobs).fit(form(X), y, sample_weight=weights)
            for n_jobs in (None, 1, 2, 3, -1)
        ]
        for other in models[1:]:
            assert_array_equal(other.coef_, models[0].coef_)
            assert_array_equal(other.loss_curve_, models[0].loss_curve_)
    assert eager_threads


def test_a_fitted_model_with_everything_is_picklable(classes):
    X, y = classes
    model = GDClassifier(early_stopping=True, scoring="accuracy", average=True, n_jobs=2).fit(X, y)
    twin = pickle.loads(pickle.dumps(model))
    assert_array_equal(twin.predict_proba(X), model.predict_proba(X))
    assert_array_equal(twin.history_["val_score"], model.history_["val_score"])


@pytest.mark.parametrize("scoring", ["loss", "r2", "neg_mean_absolute_error"])
def test_divergence_is_not_hidden_behind_the_scorer(raw_features, scoring):
    """Predictions overflow before parameters do; it is not "Input contains NaN" (29504)."""
    X, y = raw_features
    model = GDRegressor(optimizer=GradientDescent(1e10), early_stopping=True, scoring=scoring)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    assert model.stop_reason_ == "diverged" and np.isfinite(model.predict(X)).all()
