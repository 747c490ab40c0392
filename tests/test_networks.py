"""Networks in the estimators: what a fit carries on, targets, formats, optimizers and units."""

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
    load_iris,
    load_wine,
    make_classification,
    make_regression,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklgd import GDClassifier, GDRegressor, optimizers
from sklgd.callbacks import Checkpoint, load_checkpoint
from sklgd.losses import Loss
from sklgd.models import MLP
from sklgd.optimizers import LBFGS, Adam
from sklgd.penalties import L1, L2

P = 6


# -- what a fit carries on -----------------------------------------------------------------

STATEFUL = MLP((7, 4), "tanh", dropout=(0.2, 0.0), normalization="batch")


@pytest.mark.parametrize("optimizer", ["auto", "adam", "schedule_free_adamw"])
def test_partial_fit_k_times_is_fit(optimizer):
    X, y = make_regression(60, P, noise=1.0, random_state=0)
    network = GDRegressor(model=STATEFUL, optimizer=optimizer, random_state=1, max_iter=6, tol=None)
    whole, parts = clone(network).fit(X, y), clone(network)
    if optimizer == "auto":  # which is another rule on streams
        network.set_params(optimizer=whole.optimizer_, model=whole.model_)
        whole, parts = clone(network).fit(X, y), clone(network)
    for k in range(6):
        parts.partial_fit(X, y)
        if k == 2:
            parts = pickle.loads(pickle.dumps(parts))
    for a, b in zip(whole.coefs_, parts.coefs_, strict=True):
        assert_array_equal(a, b)
    assert_array_equal(whole.predict(X), parts.predict(X))
    again = clone(network).set_params(random_state=2).fit(X, y)
    assert np.any(again.coefs_[0] != whole.coefs_[0])


def test_a_checkpoint_goes_on(tmp_path):
    X, y = make_regression(60, P, noise=1.0, random_state=0)
    network = GDRegressor(model=STATEFUL, random_state=1, max_iter=7, tol=None)
    whole, path = clone(network).fit(X, y), tmp_path / "network.pkl"
    network.set_callbacks(Checkpoint(path, every=3)).fit(X, y)
    again = load_checkpoint(path)
    assert again.n_iter_ == 6
    assert_array_equal(again.fit(X, y).predict(X), whole.predict(X))


def test_single_precision_goes_on():
    X, y = make_regression(60, P, noise=1.0, random_state=0)
    X = X.astype(np.float32)
    network = GDRegressor(model=STATEFUL, optimizer=Adam(0.01), random_state=1, max_iter=6)
    whole, parts = clone(network).set_params(tol=None).fit(X, y), clone(network)
    for _ in range(6):
        parts = pickle.loads(pickle.dumps(parts)).partial_fit(X, y)
    for a, b in zip(whole.coefs_, parts.coefs_, strict=True):
        assert_array_equal(a, b)
    assert_array_equal(whole.predict(X), parts.predict(X))


def test_predictions_follow_what_the_user_sets():
    X, y = make_regression(60, P, random_state=0)
    network = GDRegressor(model=MLP((4,)), random_state=0, max_iter=5, tol=None).fit(X, y)
    before = network.predict(X)
    network.intercepts_[-1] = network.intercepts_[-1] + 3.0
    assert_allclose(network.predict(X), before + 3.0, rtol=1e-10)
    network.set_params(max_iter=1, optimizer=Adam(0.0), warm_start=True).fit(X, y)
    assert_allclose(network.predict(X), before + 3.0, rtol=1e-10)


# -- the estimators ------------------------------------------------------------------------

NETWORKS = [
    GDRegressor(model=MLP((8,)), optimizer=Adam(0.02), max_iter=60),
    GDClassifier(model=MLP((8,)), optimizer=Adam(0.02), max_iter=60),
    GDRegressor(model=MLP((6, 3), "tanh", normalization="layer"), max_iter=200),
    GDClassifier("hinge", model=MLP((6,), "gelu", dropout=0.1), penalty="l1", max_iter=60),
    GDClassifier(model=MLP((6,), "silu"), optimizer="lbfgs", max_iter=40),
]


def stochastic(estimator):
    """Steps see rows one by one in a random order: a weight of 2 is no repetition, step by step."""
    reason = "the order of rows decides: equal in expectation, not step by step"
    return {
        "check_sample_weight_equivalence_on_dense_data": reason,
        "check_sample_weight_equivalence_on_sparse_data": reason,
    }


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(NETWORKS, expected_failed_checks=stochastic)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", ["binary", "multinomial", "multilabel", "margin", "outputs"])
def test_every_kind_of_target(kind):
    X, y = make_classification(200, P, n_informative=5, n_redundant=0, n_classes=3, random_state=0)
    network = GDClassifier(model=MLP((16,)), random_state=0, max_iter=300)
    if kind == "binary":
        y = y > 0
    elif kind == "multilabel":
        y = np.stack([y > 0, y > 1], axis=1).astype(int)
    elif kind == "margin":
        network.set_params(loss="hinge")
    elif kind == "outputs":
        network = GDRegressor(model=MLP((16,)), random_state=0, max_iter=300)
        y = np.stack([X[:, 0] * X[:, 1], np.abs(X[:, 2])], axis=1)
    assert network.fit(X, y).score(X, y) > 0.85
    n_raw = {"binary": 1, "multinomial": 3, "multilabel": 2, "margin": 3, "outputs": 2}[kind]
    assert [w.shape for w in network.coefs_] == [(P, 16), (16, n_raw)]
    assert [b.shape for b in network.intercepts_] == [(16,), (n_raw,)]
    assert network.n_layers_ == 3
    assert not hasattr(network, "coef_")
    assert not hasattr(network, "intercept_")
    assert not hasattr(network, "sparsify")


def test_another_model_leaves_nothing_behind():
    X, y = make_regression(60, P, random_state=0)
    model = GDRegressor(max_iter=5, tol=None).fit(X, y)
    model.set_params(model="mlp").fit(X, y)
    assert not hasattr(model, "coef_")
    model.set_params(model="linear").fit(X, y)
    assert not hasattr(model, "coefs_")
    assert model.coef_.shape == (P,)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "lbfgs", "prodigy"])
def test_dense_and_sparse_are_the_same(optimizer):
    X, y = make_regression(80, P, noise=1.0, random_state=0)
    X[np.abs(X) < 0.5] = 0.0
    y /= y.std()
    network = GDRegressor(model=MLP((5, 3), "tanh"), optimizer=optimizer, random_state=0, tol=None)
    network.set_params(max_iter=8)
    dense = clone(network).fit(X, y)
    sparse = clone(network).fit(sp.csr_array(X), y)
    for a, b in zip(dense.coefs_, sparse.coefs_, strict=True):
        assert_allclose(a, b, rtol=1e-7, atol=1e-9)
    assert_allclose(dense.predict(X), sparse.predict(sp.csr_array(X)), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_rows_after_dense_ones(dtype, normalization, rng):
    """In the units that dense rows were given: shifted, though they stay sparse."""
    X = (3.0 + rng.randn(150, 4)).astype(dtype) * (rng.rand(150, 4) < 0.7)
    y = 100.0 * X[:, 0] * X[:, 1]
    model = MLP((6, 5), normalization=normalization, standardize=True)
    dense = GDRegressor(model=model, optimizer=Adam(), random_state=0, max_iter=9, tol=None)
    dense.fit(X, y)
    tolerance = {"rtol": 1e-8, "atol": 1e-6} if dtype == np.float64 else {"rtol": 1e-3, "atol": 1.0}
    assert_allclose(dense.predict(sp.csr_array(X)), dense.predict(X), **tolerance)
    sparse = pickle.loads(pickle.dumps(dense)).partial_fit(sp.csr_array(X), y)
    assert_allclose(sparse.predict(X), dense.partial_fit(X, y).predict(X), **tolerance)
    held_out = clone(dense).set_params(scoring="r2").fit(X, y, X_val=sp.csr_array(X), y_val=y)
    assert held_out.history_["val_score"][-1] == pytest.approx(held_out.score(X, y), abs=1e-5)


@pytest.mark.parametrize("batch_size", [1, 6, 32, 80])
@pytest.mark.parametrize("width", [3, 9, 40, 75])
def test_rows_in_place(width, batch_size):
    """Shuffled dense rows, read where they stand, against sparse ones: all tiles, short batches."""
    X, y = make_regression(70, 11, noise=1.0, random_state=0)
    network = GDRegressor(model=MLP((width,), "tanh"), optimizer="adam", random_state=0, tol=None)
    network.set_params(batch_size=batch_size, max_iter=3)
    dense = clone(network).fit(X, y / y.std())
    sparse = clone(network).fit(sp.csr_array(X), y / y.std())
    for a, b in zip(dense.coefs_, sparse.coefs_, strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_every_optimizer(name):
    """Each trains a network, or says that it needs a linear model."""
    X, y = make_regression(60, P, random_state=0)
    y = (y - y.mean()) / y.std()
    network = GDRegressor(model=MLP((8,), "tanh"), optimizer=name, random_state=0, max_iter=30)
    try:
        network.fit(X, y)
    except ValueError as error:
        assert "linear" in str(error)
    else:
        assert network.history_["objective"][-1] < network.history_["objective"][0]


def test_full_batch_optimizers_refuse_chance():
    X, y = make_regression(60, P, random_state=0)
    for model in (MLP(dropout=0.5), MLP(normalization="batch")):
        with pytest.raises(ValueError, match=r"LBFGS minimises a function.*Use a step rule"):
            GDRegressor(model=model, optimizer="lbfgs").fit(X, y)


def test_lbfgs_fits_what_it_can():
    X, y = make_regression(40, P, random_state=0)
    y /= y.std()
    network = GDRegressor(model=MLP((20,), "tanh"), optimizer=LBFGS(), penalty=None, tol=1e-8)
    assert network.set_params(random_state=0, max_iter=2000).fit(X, y).score(X, y) > 0.9999


@pytest.mark.parametrize("scale", [10.0, 100.0, 1000.0])
def test_lbfgs_from_far_above_the_best_constant(scale, rng):
    """Random weights on large features: the fall from there says little about what is left."""
    X = rng.randn(100, 4)
    y = X[:, 0] * X[:, 1] + X[:, 2]
    network = GDRegressor(model="mlp", optimizer=LBFGS(), penalty=None, random_state=0)
    assert network.fit(scale * X, y).score(scale * X, y) > 0.999


def test_penalties_see_weights_only():
    X, y = make_regression(60, P, random_state=0)
    y /= y.std()
    network = GDRegressor(model=MLP((4,)), penalty=L1(10.0), optimizer=Adam(0.01), random_state=0)
    network.set_params(max_iter=500, tol=None).fit(X, y)
    assert not any(weights.any() for weights in network.coefs_)
    assert network.intercepts_[-1] != 0.0
    objective = GDRegressor(model=MLP((4,), "tanh"), penalty=L2(0.3), optimizer="lbfgs", tol=1e-3)
    objective.set_params(random_state=0).fit(X, y)
    squares = sum(np.sum(weights**2) for weights in objective.coefs_)
    assert_allclose(objective.history_["penalty"][-1], 0.15 * squares, rtol=1e-6)


# -- units ---------------------------------------------------------------------------------


@pytest.mark.parametrize("y_units", [(1000.0, 5e4), (1e-3, 0.0), (1e6, -1e7)], ids=str)
@pytest.mark.parametrize("x_units", [(1.0, 0.0), (1e4, 1e6), (1e-5, 3.0)], ids=str)
def test_auto_does_not_depend_on_units(x_units, y_units, rng):
    X = rng.randn(300, 4)
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
    network = GDRegressor(model="mlp", random_state=0, max_iter=30, tol=None)
    plain = clone(network).fit(X, y)
    scaled = clone(network).fit(x_units[0] * X + x_units[1], y_units[0] * y + y_units[1])
    found = (scaled.predict(x_units[0] * X + x_units[1]) - y_units[1]) / y_units[0]
    assert_allclose(found, plain.predict(X), atol=1e-5)
    assert_allclose(scaled.loss_curve_, plain.loss_curve_ * y_units[0] ** 2, rtol=1e-5)
    # the published weights are in the user's units: a network of them predicts the same
    again = GDRegressor(model=MLP(standardize=False), optimizer=Adam(0.0), max_iter=1, tol=None)
    X_, y_ = x_units[0] * X + x_units[1], y_units[0] * y + y_units[1]
    again.fit(X_, y_, coef_init=scaled.coefs_, intercept_init=scaled.intercepts_)
    assert_allclose((again.predict(X_) - y_units[1]) / y_units[0], found, atol=1e-5)


def test_a_squared_error_of_logarithms_is_one(rng):
    """In units of the logarithms, whatever those of the targets are."""
    X = rng.randn(300, 4)
    y = 1e6 * np.exp(np.sin(X[:, 0]) + X[:, 1] * X[:, 2])
    network = GDRegressor(model="mlp", random_state=0, max_iter=30, tol=None)
    plain = clone(network).fit(X, np.log1p(y))
    logarithmic = network.set_params(loss="squared_log_error").fit(X, y)
    assert_allclose(logarithmic.loss_curve_, plain.loss_curve_, rtol=1e-9)


class Share(Loss):
    """Cross-entropy of shares: a logit link of one's own."""

    task = "regression"

    def value(self, y, raw):
        return np.logaddexp(0.0, raw) - y * raw

    def gradient(self, y, raw):
        return self.predict(raw) - y

    def predict(self, raw):
        return 1.0 / (1.0 + np.exp(-raw))


@pytest.mark.parametrize("weighted", [False, True])
def test_networks_start_at_the_best_constant_behind_a_link(weighted, rng):
    X, y = rng.randn(300, 4), rng.beta(0.5, 20.0, 300)
    weights = rng.uniform(0.0, 2.0, 300) if weighted else None
    network = GDRegressor(Share(), model="mlp", random_state=0, max_iter=1, tol=None)
    network.fit(X, y, sample_weight=weights)
    mean = np.average(y, weights=weights)
    assert_allclose(network._state.units.out_shift, np.log(mean / (1.0 - mean)), atol=1e-3)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("optimizer", ["auto", Adam(0.01)], ids=repr)
def test_rows_without_weight_before_the_first(optimizer, form, rng):
    """They have no units: those of the first rows that count are taken, as if they were first."""
    X = 1e4 + 50.0 * rng.randn(200, 3)
    y = 1e3 * np.sin(X[:, 0] / 50.0)
    X = form(X)
    direct = GDRegressor(model=MLP((6,)), optimizer=optimizer, random_state=0)
    late = clone(direct).partial_fit(X[:9], y[:9], sample_weight=np.zeros(9))
    assert np.isfinite(late.predict(X)).all()
    assert_array_equal(late.partial_fit(X, y).predict(X), direct.partial_fit(X, y).predict(X))


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("size", [1, 7])
def test_a_stream_of_few_rows_a_call(size, form, rng):
    """The first 30 rows tell the units, however they come; a caller may use its arrays again."""
    X = 200.0 * rng.randn(210, 2)
    y = 1e3 * np.tanh(X[:, 0] / 200.0)
    X = form(X)
    network = GDRegressor(model="mlp", random_state=0)
    for start in range(0, 210, size):
        block, targets = X[start : start + size].copy(), y[start : start + size].copy()
        network.partial_fit(block, targets)
        if not sp.issparse(block):
            block[...] = targets[...] = np.nan
        if start == 0:
            assert len(network._state.first_rows) == 1
    assert network._state.first_rows is None
    n = -(-30 // size) * size
    whole = clone(network).partial_fit(X[:n], y[:n])
    for name in ("shift", "factor", "out_shift", "out_scale"):
        found, expected = (getattr(one._state.units, name) for one in (network, whole))
        assert (found is None and expected is None) or assert_allclose(found, expected) is None
    assert network.score(X, y) > 0.8


def test_a_stream_after_a_fit_spoils_nothing(rng):
    X = rng.randn(2000, 5)
    y = np.sin(X[:, 0]) * X[:, 1] + 0.1 * rng.randn(2000)
    network = GDRegressor(model="mlp", random_state=0).fit(X[:1000], y[:1000])
    before = network.score(X[1500:], y[1500:])
    assert before > 0.8
    for start in range(1000, 1500, 50):
        network.partial_fit(X[start : start + 50], y[start : start + 50])
        assert network.score(X[1500:], y[1500:]) > before - 0.05


def test_weights_that_are_set_before_the_first_rows(rng):
    """They are in the user's units, and stay what they are when units are found."""
    X = 1e4 + 50.0 * rng.randn(200, 3)
    y = 1e3 * np.sin(X[:, 0] / 50.0)
    trained = GDRegressor(model="mlp", random_state=0, max_iter=5, tol=None).fit(X, y)
    network = GDRegressor(model=MLP(standardize=True), optimizer=Adam(1e-12), random_state=0)
    network.partial_fit(X[:9], y[:9], sample_weight=np.zeros(9))
    network.coefs_, network.intercepts_ = trained.coefs_, trained.intercepts_
    assert_allclose(network.partial_fit(X, y).predict(X), trained.predict(X), rtol=1e-6)


def test_targets_near_the_largest_numbers(rng):
    X = rng.randn(100, 3)
    y = X[:, 0] * X[:, 1]
    network = GDRegressor(model=MLP((8,)), random_state=0, max_iter=200)
    near, far = clone(network).fit(X, y), clone(network).fit(X, 2.0**400 * y)
    assert_allclose(far.predict(X) / 2.0**400, near.predict(X), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("constant", [1e-9, 3.0, 1e9])
def test_a_constant_target(constant, rng):
    X = rng.randn(100, 3)
    network = GDRegressor(model="mlp", random_state=0).fit(X, np.full(100, constant))
    assert_allclose(network.predict(X), constant, rtol=0.1)


def test_units_of_other_losses(rng):
    X = rng.randn(500, 4)
    counts = rng.poisson(1000 * np.exp(0.5 * X[:, 0]))
    poisson = GDRegressor("poisson", model="mlp", random_state=0).fit(X, counts)
    assert poisson.score(X, counts) > 0.97
    y = 1000.0 * X[:, 0] * X[:, 1]
    huber = GDRegressor("huber", epsilon=1000.0, model="mlp", random_state=0).fit(X, y)
    assert huber.score(X, y) > 0.97


# -- what the defaults learn -------------------------------------------------------------------


def spirals(turns, n, rng):
    angle = np.sqrt(rng.uniform(size=n)) * turns * 2 * np.pi
    y = rng.integers(0, 2, n)
    arm = angle + np.pi * y
    return np.c_[angle * np.cos(arm), angle * np.sin(arm)] + 0.3 * rng.normal(size=(n, 2)), y


@pytest.mark.parametrize("seed", range(3))
def test_defaults_go_on_where_an_objective_hardly_falls_for_a_while(seed):
    """A wave and spirals begin with a long plateau; XOR has as few rows as there can be."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-3.0, 3.0, (2000, 1))
    wave = GDRegressor(model="mlp", random_state=seed).fit(X, np.sin(3 * X[:, 0]))
    assert wave.score(X, np.sin(3 * X[:, 0])) > 0.995
    X, y = spirals(3, 1500, rng)
    assert GDClassifier(model="mlp", random_state=seed).fit(X, y).score(X, y) > 0.98
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([0.0, 1.0, 1.0, 0.0])
    xor = GDRegressor(model="mlp", random_state=seed).fit(X, y)
    assert_allclose(xor.predict(X), y, atol=0.05)


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_classes_that_can_be_told_apart_end_without_a_warning(load):
    X, y = load(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GDClassifier(model="mlp", random_state=0).fit(X, y)
    assert model.stop_reason_ == "tol" and model.n_iter_ < 500


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "log_cosh", "epsilon_insensitive"])
@pytest.mark.parametrize("far", [1e4, 1e5, 1e6])
def test_targets_far_off_have_no_say_in_the_units_of_a_robust_loss(loss, far):
    X, y = load_diabetes(return_X_y=True, scaled=False)
    mistyped = y.copy()
    mistyped[:3] = far
    model = GDRegressor(loss, epsilon=10.0, model="mlp", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, mistyped)
    assert model.score(X[3:], y[3:]) > 0.5


def test_a_gradient_that_forgets_to_return():
    class Forgets(Loss):
        task = "regression"

        def value(self, y, raw):
            return (raw - y) ** 2

        def gradient(self, y, raw):
            2 * (raw - y)

    for model in ("linear", "mlp"):
        with pytest.raises(ValueError, match=r"Forgets\.gradient must return an array of shape"):
            GDRegressor(Forgets(), model=model).fit(np.eye(5), np.arange(5.0))
