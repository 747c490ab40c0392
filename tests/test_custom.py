"""Strategies of one's own, in NumPy: each trains at once and equals what it imitates."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import AbsoluteError, Hinge, Huber, LogLoss, Loss, Quantile, SquaredError
from sklgd.losses.averaged import Averaged
from sklgd.optimizers import (
    FISTA,
    LBFGS,
    SAGA,
    SGD,
    Adam,
    FullBatchOptimizer,
    GradientDescent,
    Optimizer,
)
from sklgd.penalties import L1, L2, Penalty
from sklgd.schedules import InvScaling, Schedule
from sklgd.testing import check_loss, check_optimizer, check_penalty

N = 60


class MySquaredError(Loss):
    curvature = 1.0

    def value(self, y, raw):
        return 0.5 * (raw - y) ** 2

    def gradient(self, y, raw):
        return raw - y


class Lists(MySquaredError):
    """Returns lists."""

    def value(self, y, raw):
        return super().value(y, raw).tolist()

    def gradient(self, y, raw):
        return super().gradient(y, raw).tolist()


class MySoftmax(Loss):
    task = "classification"
    joint = True

    def n_raw(self, n_targets):
        return n_targets

    def value(self, y, raw):
        shifted = raw - raw.max(axis=1, keepdims=True)
        return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]

    def gradient(self, y, raw):
        p = np.exp(raw - raw.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(y)), y] -= 1
        return p


class MyLogistic(Loss):
    task = "classification"

    def value(self, y, raw):
        return np.logaddexp(0, raw) - y * raw

    def gradient(self, y, raw):
        return 1 / (1 + np.exp(-raw)) - y


class MyMomentum(Optimizer):
    n_slots = 1

    def __init__(self, learning_rate=0.01, momentum=0.9):
        self.learning_rate = learning_rate
        self.momentum = momentum

    def step(self, params, grad, state, lr, t):
        state[0] = self.momentum * state[0] + grad
        params -= lr * state[0]

    def step_sizes(self, state, lr, t):
        return lr / (1 - self.momentum)


class MyAdam(Optimizer):
    n_slots = 2

    def __init__(self, learning_rate=0.01):
        self.learning_rate = learning_rate

    def step(self, params, grad, state, lr, t):
        state[0] += 0.1 * (grad - state[0])
        state[1] += 0.001 * (grad**2 - state[1])
        params -= lr / (1 - 0.9**t) * state[0] / self.root(state, t)

    def step_sizes(self, state, lr, t):
        return lr / self.root(state, t)

    def root(self, state, t):
        return np.sqrt(state[1] / (1 - 0.999**t)) + 1e-8


class MyGradientDescent(FullBatchOptimizer):
    def __init__(self, learning_rate=0.01):
        self.learning_rate = learning_rate

    def iterate(self, problem, params, state, lr, t):
        loss, grad = problem.value_and_gradient(params)
        params -= lr * grad
        problem.prox(params, lr)
        return loss


class MyInvScaling(Schedule):
    def __call__(self, t):
        return 0.02 / np.sqrt(t)


class MyL1(Penalty):
    """By its proximal step alone."""

    def __init__(self, alpha=0.01):
        self.alpha = alpha

    def value(self, w):
        return float(self.alpha * np.abs(w).sum())

    def prox(self, w, lr):
        w[...] = np.sign(w) * np.maximum(np.abs(w) - self.alpha * lr, 0)


class MyL2(Penalty):
    """By its gradient alone."""

    def __init__(self, alpha=0.01):
        self.alpha = alpha

    def value(self, w):
        return float(self.alpha / 2 * np.sum(w**2))

    def add_gradient(self, w, grad):
        grad += self.alpha * w


@pytest.fixture(scope="module")
def data():
    """Inputs by the number of raw columns: 1 for a regressor, 3 for three targets or classes."""
    X, y = make_regression(N, 5, n_targets=3, noise=10.0, random_state=0)
    X[np.abs(X) < 0.3] = 0.0
    labels = make_classification(N, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0)
    return {"X": X, "one": y[:, 0] / 100, "three": y / 100, "labels": labels[1]}


RULES = [SGD(0.01), SGD(0.01, momentum=0.9), Adam(0.02), GradientDescent(0.1)]
# what is given, what it imitates, for which estimator
PAIRS = {
    "loss": [(MySquaredError(), SquaredError(), GDRegressor)],
    "joint loss": [(MySoftmax(), LogLoss(), GDClassifier)],
    "margin loss": [(MyLogistic(), LogLoss(multi_class="ovr"), GDClassifier)],
    "penalty": [(MyL1(), L1(0.01), GDRegressor), (MyL2(), L2(0.01), GDRegressor)],
}
PAIRS = [(kind.split()[-1], *pair) for kind, pairs in PAIRS.items() for pair in pairs]


@pytest.mark.parametrize("own", [MySquaredError(), MySoftmax(), MyLogistic()], ids=repr)
def test_losses_pass_the_check(own):
    check_loss(own)


@pytest.mark.parametrize("own", [MyMomentum(), MyAdam(), MyGradientDescent()], ids=repr)
def test_optimizers_pass_the_check(own):
    check_optimizer(own)


@pytest.mark.parametrize("own", [MyL1(0.3), MyL2(0.3)], ids=repr)
def test_penalties_pass_the_check(own):
    check_penalty(own)


def assert_close(a, b):
    assert np.abs(b.coef_).max() > 1e-3
    assert_allclose(a.coef_, b.coef_, rtol=1e-10, atol=1e-12)
    assert_allclose(a.intercept_, b.intercept_, rtol=1e-10, atol=1e-12)
    assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-10)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("axis, own, theirs, cls", PAIRS, ids=lambda value: str(value)[:40])
def test_equals_what_it_imitates(data, axis, own, theirs, cls, rule, form):
    X = form(data["X"])
    for batch_size in (1, 7):
        for y in [data["labels"]] if cls is GDClassifier else [data["one"], data["three"]]:
            model = cls(optimizer=rule, batch_size=batch_size, max_iter=3, tol=None, random_state=0)
            mine = clone(model).set_params(**{axis: own}).fit(X, y)
            assert_close(mine, model.set_params(**{axis: theirs}).fit(X, y))
            assert getattr(mine, f"{axis}_") == own
            assert mine.predict(X).shape == y.shape


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("penalty", [None, "l2", "l1", MyL1(0.05)], ids=str)
@pytest.mark.parametrize(
    "own, theirs",
    [
        (MyMomentum(0.01), SGD(0.01, momentum=0.9)),
        (MyMomentum(InvScaling(0.01), 0.5), SGD(InvScaling(0.01), momentum=0.5)),
        (MyAdam(0.02), Adam(0.02)),
        (MyGradientDescent(0.1), GradientDescent(0.1)),
    ],
    ids=repr,
)
def test_optimizer_equals_what_it_imitates(data, own, theirs, penalty, form):
    X = form(data["X"])
    for y in (data["one"], data["three"]):
        model = GDRegressor(penalty=penalty, alpha=0.05, max_iter=4, tol=None, random_state=0)
        mine = clone(model).set_params(optimizer=own).fit(X, y)
        assert_close(mine, model.set_params(optimizer=theirs).fit(X, y))
        if not own.full_batch:
            mine.partial_fit(X, y)
            assert_allclose(mine.coef_, model.partial_fit(X, y).coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rule", [SGD, Adam, GradientDescent])
@pytest.mark.parametrize(
    "schedule", [MyInvScaling(), lambda t: 0.02 / t**0.5, lambda t: 0.02 / float(t) ** 0.5]
)
def test_schedules(data, rule, schedule):
    model = GDRegressor(max_iter=3, tol=None, random_state=0)
    expected = clone(model).set_params(optimizer=rule(InvScaling(0.02, power_t=0.5)))
    expected.fit(data["X"], data["one"])
    assert_close(model.set_params(optimizer=rule(schedule)).fit(data["X"], data["one"]), expected)
    if rule is SGD:
        model = GDRegressor(learning_rate=schedule, max_iter=3, tol=None, random_state=0)
        assert_close(model.fit(data["X"], data["one"]), expected)


@pytest.mark.parametrize("optimizer", ["auto", "lbfgs", "adam"])
@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_a_loss_may_return_lists(data, optimizer, model):
    common = {"optimizer": optimizer, "model": model, "max_iter": 3, "tol": None, "random_state": 0}
    own, theirs = (
        GDRegressor(loss, **common).fit(data["X"], data["one"]).predict(data["X"])
        for loss in (Lists(), MySquaredError())
    )
    assert_array_equal(own, theirs)


@pytest.mark.parametrize("own, theirs", [(MySquaredError(), "squared_error")])
@pytest.mark.parametrize("optimizer", ["auto", LBFGS(), FISTA(), LBFGS(standardize=True)], ids=repr)
def test_full_batch_with_a_loss_of_ones_own(data, optimizer, own, theirs):
    model = GDRegressor(optimizer=optimizer, tol=1e-9)
    mine = clone(model).set_params(loss=own).fit(data["X"], data["one"])
    assert_allclose(mine.coef_, model.fit(data["X"], data["one"]).coef_, rtol=1e-6)


def test_a_subclass_trains_with_what_it_overrides(data):
    """Not with the compiled twin of its parent."""

    class Halved(Huber):
        def gradient(self, y, raw):
            return super().gradient(y, raw) / 2

    class HalfSpeed(SGD):
        def step(self, params, grad, state, lr, t):
            super().step(params, grad, state, lr / 2, t)

    class Twice(L2):
        def add_gradient(self, w, grad):
            super().add_gradient(w, grad)
            super().add_gradient(w, grad)

    base = {"penalty": None, "max_iter": 3, "tol": None, "random_state": 0, "batch_size": 1}
    X, y = data["X"], data["one"]
    expected = GDRegressor(Huber(), optimizer=SGD(0.005), **base).fit(X, y)
    for loss, rule in ((Halved(), SGD(0.01)), (Huber(), HalfSpeed(0.01))):
        assert_allclose(GDRegressor(loss, optimizer=rule, **base).fit(X, y).coef_, expected.coef_)
    base["penalty"] = Twice(0.1)
    found = GDRegressor(optimizer=SGD(0.01), **base).fit(X, y)
    base["penalty"] = L2(0.2)
    assert_allclose(found.coef_, GDRegressor(optimizer=SGD(0.01), **base).fit(X, y).coef_)


def test_a_grid_over_ones_own(data):
    grid = {"loss": [MySquaredError(), "huber"], "optimizer": [MyMomentum(), SGD()]}
    search = GridSearchCV(GDRegressor(max_iter=20), grid, cv=2).fit(data["X"], data["one"])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


# -- errors --------------------------------------------------------------------------------


class Ouch(Exception):
    pass


OUCH = Ouch("the message")


def raises(*_):
    raise OUCH


class RaisingLoss(MySquaredError):
    gradient = raises


class RaisingValue(MySquaredError):
    value = raises


class RaisingRule(MyMomentum):
    step = raises


class RaisingSizes(MyMomentum):
    step_sizes = raises


class RaisingIteration(MyGradientDescent):
    iterate = raises


class RaisingSchedule(MyInvScaling):
    __call__ = raises


class RaisingProx(MyL1):
    prox = raises


class RaisingGradient(MyL2):
    add_gradient = raises


RAISING = {
    "loss": {"loss": RaisingLoss(), "optimizer": "sgd"},
    "value": {"loss": RaisingValue(), "optimizer": "adam"},
    "loss, auto": {"loss": RaisingLoss()},
    "rule": {"optimizer": RaisingRule()},
    "step sizes": {"optimizer": RaisingSizes(), "penalty": "l1"},
    "iteration": {"optimizer": RaisingIteration()},
    "schedule": {"optimizer": SGD(RaisingSchedule())},
    "callable": {"optimizer": SGD(raises)},
    "learning_rate": {"learning_rate": raises},
    "prox": {"penalty": RaisingProx(), "optimizer": "sgd"},
    "prox, adam": {"penalty": RaisingProx(), "optimizer": "adam"},
    "prox, auto": {"penalty": RaisingProx()},
    "gradient": {"penalty": RaisingGradient(), "optimizer": "sgd"},
    "gradient, auto": {"penalty": RaisingGradient()},
}


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("name", RAISING)
def test_an_exception_reaches_the_caller_as_it_is(data, name, form, eager_threads):
    model = GDRegressor(max_iter=3, n_jobs=2, **RAISING[name])
    with pytest.raises(Ouch) as found:
        model.fit(form(data["X"]), data["one"])
    assert found.value is OUCH
    assert not hasattr(model, "coef_")


def test_an_exception_from_a_thread(data, eager_threads):
    X, y = np.tile(data["X"], (200, 1)), np.tile(data["one"], 200)
    with pytest.raises(Ouch) as found:
        GDRegressor(RaisingLoss(), optimizer=GradientDescent(), n_jobs=2).fit(X, y)
    assert found.value is OUCH
    assert eager_threads


class MeanLoss(MySquaredError):
    def value(self, y, raw):
        return super().value(y, raw).mean()


class ColumnGradient(MySquaredError):
    def gradient(self, y, raw):
        return super().gradient(y, raw)[:, None]


class FlatJoint(MySoftmax):
    def gradient(self, y, raw):
        return super().gradient(y, raw)[:, 0]


class TooManySizes(MyMomentum):
    def step_sizes(self, state, lr, t):
        return np.full(2, lr)


class WritesItsInput(MySquaredError):
    def gradient(self, y, raw):
        raw -= y
        return raw


class JointOfNoTask(MySoftmax):
    task = None


class NoLoss(MyGradientDescent):
    def iterate(self, *args):
        super().iterate(*args)


class NoNumber(MyL1):
    def value(self, w):
        return None


@pytest.mark.parametrize(
    "params, message",
    [
        ({"loss": MeanLoss()}, r"MeanLoss.value must return an array of shape \(60,\).*Got .*\(\)"),
        ({"loss": ColumnGradient()}, r"ColumnGradient.gradient must return .*\(60, 1\) instead"),
        ({"optimizer": TooManySizes(), "penalty": "l1"}, r"TooManySizes.step_sizes must return .*"),
        ({"loss": WritesItsInput()}, r"read-only"),
        ({"optimizer": SGD(lambda t: -0.1 * np.ones_like(t, dtype=float))}, r"finite and >= 0"),
        ({"optimizer": SGD(lambda t: np.nan)}, r"finite and >= 0.*gave nan at t=1"),
        ({"optimizer": SGD(lambda t: None)}, r"must return a number for each step t"),
        ({"optimizer": SGD(lambda: 0.1)}, r"must return a number for each step t.*0 positional"),
        ({"optimizer": NoLoss()}, r"NoLoss.iterate must return the mean loss, .* Got None"),
        ({"penalty": NoNumber()}, r"NoNumber.value must return a number. Got None"),
        (
            {"loss": JointOfNoTask()},
            r"must be a loss that takes outputs one by one.*joint",
        ),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named(data, params, message):
    model = GDRegressor(batch_size=60, **({"optimizer": "sgd"} | params))
    with pytest.raises(ValueError, match=message):
        model.fit(data["X"], data["one"])


class NotAtZero(Loss):
    """Its gradient is zero over zero where a row is met exactly."""

    def value(self, y, raw):
        return np.abs(raw - y) ** 1.5

    def gradient(self, y, raw):
        return 1.5 * np.abs(raw - y) ** 1.5 / (raw - y)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("penalty", ["l2", "l1"])
@pytest.mark.parametrize("optimizer", ["auto", "lbfgs", "fista", "gradient_descent", "adam"])
def test_a_gradient_that_is_no_number_ends_in_a_warning(data, optimizer, penalty):
    """Not as a minimum, in silence."""
    model = GDRegressor(NotAtZero(), optimizer=optimizer, penalty=penalty)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(data["X"], np.repeat([0.0, 1.0, 2.0], [30, 20, 10]))
    assert model.stop_reason_ == "diverged" and np.isfinite(model.coef_).all()


def test_a_joint_loss_of_wrong_shape(data):
    with pytest.raises(ValueError, match=r"FlatJoint.gradient must return .* \(60, 3\)"):
        GDClassifier(FlatJoint(), optimizer="sgd", batch_size=60).fit(data["X"], data["labels"])


@pytest.mark.parametrize("cls, base", [(Loss, "value|gradient"), (Optimizer, "learning_rate|step")])
def test_what_is_missing_is_named(data, cls, base):
    class Empty(cls):
        pass

    axis = "loss" if cls is Loss else "optimizer"
    with pytest.raises((NotImplementedError, AttributeError), match=rf"Empty.*({base})"):
        GDRegressor(**{axis: Empty()}).fit(data["X"], data["one"])


def test_arguments_of_a_loss(data):
    """float64 vectors of one shape; class numbers for a joint loss; read-only."""
    seen = []

    class Watching(MySquaredError):
        def gradient(self, y, raw):
            seen.append((y.shape, raw.shape, y.dtype, raw.dtype, raw.flags.writeable))
            return super().gradient(y, raw)

    class WatchingJoint(MySoftmax):
        def gradient(self, y, raw):
            seen.append((y.shape, raw.shape, y.dtype.kind, raw.dtype, raw.flags.writeable))
            return super().gradient(y, raw)

    common = {"optimizer": "sgd", "batch_size": 20, "max_iter": 1, "tol": None}
    GDRegressor(Watching(), **common).fit(data["X"].astype(np.float32), data["one"])
    double = np.dtype(np.float64)
    assert {call[2:] for call in seen} == {(double, double, False)}
    assert {call[0] for call in seen} == {call[1] for call in seen} >= {(20,)}
    seen.clear()
    GDClassifier(WatchingJoint(), **common).fit(data["X"], data["labels"])
    assert {call[2:] for call in seen} == {("i", double, False)}
    assert {call[:2] for call in seen} >= {((20,), (20, 3))}


def test_targets_of_a_margin_loss_are_zero_and_one(data):
    seen = set()

    class Watching(MyLogistic):
        def gradient(self, y, raw):
            seen.update(y.tolist())
            return super().gradient(y, raw)

    model = GDClassifier(Watching(), optimizer=SGD(0.01), max_iter=1)
    model.fit(data["X"], data["labels"])
    model.fit(data["X"], np.where(data["labels"], "yes", "no"))
    assert seen == {0.0, 1.0}
    assert_array_equal(model.classes_, ["no", "yes"])


def test_a_subclass_may_take_fewer_parameters():
    """Those that its constructor sets itself count as if they had been given."""

    class Robust(GDRegressor):
        def __init__(self, alpha=1e-3, *, twice=False):
            super().__init__("huber", epsilon=0.5, alpha=alpha)
            self.twice = twice

    X, y = make_regression(60, 4, noise=5.0, random_state=0)
    found = GridSearchCV(Robust(), {"alpha": [1e-3, 1.0]}).fit(X, y).best_estimator_
    assert found.loss_ == Huber(0.5) and found.alpha == 1e-3
    same = GDRegressor("huber", epsilon=0.5, alpha=1e-3).fit(X, y)
    assert_allclose(found.coef_, same.coef_)
    assert found.set_params(alpha=0.1).partial_fit(X, y).penalty_ == L2(0.1)


class Quartic(Loss):
    def value(self, y, raw):
        return 0.25 * (raw - y) ** 4

    def gradient(self, y, raw):
        return (raw - y) ** 3

    def hessian(self, y, raw):
        return 3.0 * (raw - y) ** 2


class QuarticWithoutHessian(Quartic):
    gradient = Quartic.gradient


class SquaredLog(Loss):
    """Squared error behind a link."""

    def value(self, y, raw):
        return 0.5 * (np.exp(raw) - y) ** 2

    def gradient(self, y, raw):
        return (np.exp(raw) - y) * np.exp(raw)

    def predict(self, raw):
        return np.exp(raw)


@pytest.mark.parametrize("own", [Quartic(), QuarticWithoutHessian()], ids=repr)
@pytest.mark.parametrize("level", [0.0, 1000.0, -1e6])
def test_auto_trains_a_loss_that_bends_ever_more(own, level):
    """Far from zero, too: a second derivative without a bound does not tell of a link."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    y = X @ [1.0, -2.0, 3.0] + 0.1 * rng.standard_t(4, size=50)
    near = GDRegressor(own, penalty=None, tol=1e-10).fit(X, y)
    found = GDRegressor(own, penalty=None).fit(X, y + level)
    excess = found.loss_curve_[-1] - near.loss_curve_[-1]
    assert excess <= 1e-3 * own.value(y, y.mean()).mean()
    assert_allclose(found.predict(X), y + level, atol=1.0)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_auto_trains_a_loss_behind_a_link_of_ones_own(scale):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = scale * np.exp(X @ [0.3, -0.2] + 0.1 * rng.normal(size=200))
    found = GDRegressor(SquaredLog(), alpha=0.0).fit(X, y)
    assert found.score(X, y) > 0.9


class MyPinball(Loss):
    smooth = False

    def value(self, y, raw):
        return np.where(raw > y, 0.2 * (raw - y), 0.8 * (y - raw))

    def gradient(self, y, raw):
        return np.where(raw > y, 0.2, -0.8)


class Tilted(AbsoluteError):
    """A subclass whose `smoothed`, `kinks` and `proximal_slope` are of another loss."""

    value, gradient = MyPinball.value, MyPinball.gradient


class WideHinge(Hinge):
    def value(self, y, raw):
        return np.maximum(0.0, 3.0 - (2.0 * y - 1.0) * raw)

    def gradient(self, y, raw):
        side = 2.0 * y - 1.0
        return np.where(side * raw < 3.0, -side, 0.0)


@pytest.mark.parametrize("penalty", ["l2", "l1"])
@pytest.mark.parametrize("unit", [1.0, 1e5])
@pytest.mark.parametrize("own", [MyPinball(), Tilted()], ids=repr)
def test_auto_trains_a_loss_with_kinks_of_ones_own(own, unit, penalty):
    X, y = make_regression(200, 4, noise=20.0, random_state=0)
    params = {"penalty": penalty, "alpha": 0.05}
    mine = GDRegressor(own, **params).fit(X, unit * y)
    known = GDRegressor(Quantile(0.8), tol=1e-8, max_iter=5000, **params).fit(X, unit * y)
    objective = own.value(unit * y, X @ mine.coef_ + mine.intercept_).mean()
    weights = mine.coef_
    objective += 0.05 * (np.abs(weights).sum() if penalty == "l1" else 0.5 * weights @ weights)
    assert objective <= known.loss_curve_[-1] * (1.0 + 2e-3)


def test_auto_trains_a_hinge_of_ones_own():
    """max(0, 3 - z) is three times the hinge of a third of the score."""
    X, y = make_classification(300, 5, flip_y=0.2, random_state=0)
    mine = GDClassifier(WideHinge(), alpha=0.01, tol=1e-4).fit(X, y)
    known = GDClassifier("hinge", alpha=0.03, tol=1e-8).fit(X, y)
    assert_allclose(mine.coef_ / 3.0, known.coef_, rtol=0.05, atol=0.02)


def test_the_average_of_a_loss_is_near_it():
    y, raw = np.zeros(601), np.linspace(-3.0, 3.0, 601)
    for width in (1.0, 0.1):
        average = Averaged(MyPinball(), width).validate()
        gap = average.value(y, raw) - MyPinball().value(y, raw)
        assert gap.min() >= -1e-15 and gap.max() <= 0.5 * width
        outside = np.abs(raw) >= width
        assert_allclose(gap[outside], 0.0, atol=1e-15)
        bend = np.sum(average.hessian(y, raw)) * (raw[1] - raw[0])
        assert bend == pytest.approx(1.0, rel=0.06)  # from -0.8 to 0.2
    check_loss(Averaged(SquaredError(), 0.3))
    assert clone(average) == average


class Steep(SquaredError):
    """A subclass whose curvature is another: rates from the inherited one would diverge."""

    def value(self, y, raw):
        return 50.0 * (raw - y) ** 2

    def gradient(self, y, raw):
        return 100.0 * (raw - y)


def test_a_subclass_does_not_inherit_what_is_of_another_gradient():
    assert Steep.curvature is None and not Steep.quadratic
    X, y = make_regression(100, 3, random_state=0)
    with pytest.raises(ValueError, match="has no known bound"):
        GDRegressor(Steep(), optimizer=SAGA()).fit(X, y)
    same = GDRegressor(Steep(), alpha=1.0, tol=1e-10).fit(X, y)
    known = GDRegressor(alpha=0.01, tol=1e-10).fit(X, y)
    assert_allclose(same.coef_, known.coef_, rtol=1e-4)

    class Bounded(Steep):
        curvature = 100.0

        def gradient(self, y, raw):
            return super().gradient(y, raw)

    assert Bounded().curvature == 100.0


class Returning(Optimizer):
    def __init__(self, learning_rate=0.01):
        self.learning_rate = learning_rate

    def step(self, params, grad, state, lr, t):
        return params - lr * grad


class ReturningGradient(MyL2):
    def add_gradient(self, w, grad):
        return grad + self.alpha * w


class ReturningProx(MyL1):
    def prox(self, w, lr):
        return np.sign(w) * np.maximum(np.abs(w) - lr * self.alpha, 0.0)


@pytest.mark.parametrize(
    "params",
    [
        {"optimizer": Returning()},
        {"penalty": ReturningGradient(), "optimizer": "sgd"},
        {"penalty": ReturningGradient(), "optimizer": "auto"},
        {"penalty": ReturningProx(), "optimizer": "sgd"},
        {"penalty": ReturningProx(), "optimizer": "auto"},
    ],
    ids=repr,
)
def test_methods_that_return_what_they_should_write(params):
    X, y = make_regression(40, 3, random_state=0)
    with pytest.raises(ValueError, match=r"must work in place and return None\. Got ndarray"):
        GDRegressor(**params).fit(X, y)


class StepByStep(Schedule):
    def __call__(self, t):
        return 0.1 if t < 10 else 0.01


def test_a_schedule_that_takes_no_arrays():
    X, y = make_regression(40, 3, random_state=0)
    with pytest.raises(ValueError, match=r"must take arrays of steps, too: .*np\.where instead"):
        GDRegressor(optimizer=SGD(StepByStep())).fit(X, y)
