"""Networks: every layer's gradient, the twins, torch's trajectories, what a fit carries on."""

import importlib.util
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtr
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklgd._kernels.models.mlp import trip

from sklgd import GDClassifier, GDRegressor, optimizers
from sklgd._kernels.rows import make_rows
from sklgd.callbacks import Checkpoint, load_checkpoint
from sklgd.losses import LOSSES, SquaredError
from sklgd.models import MLP
from sklgd.models.mlp import ACTIVATIONS, INITS
from sklgd.objective import Block, Problem, Targets
from sklgd.optimizers import LBFGS, Adam
from sklgd.penalties import L1, L2

HERE = Path(__file__).resolve().parent
N, P = 13, 6
NORMS = (None, "batch", "layer")
HIDDEN = [(), (5,), (7, 19, 3)]


def _recipe():
    path = HERE / "recipes" / "networks.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


recipe = _recipe()
RECORDS = json.loads((HERE / "data" / "networks.json").read_text(encoding="utf-8"))


@pytest.fixture
def rng():
    return np.random.RandomState(0)


def some_rows(rng, form="float64"):
    X = rng.randn(N, P)
    X[rng.rand(N, P) < 0.3] = 0.0
    return sp.csr_array(X) if form == "csr" else X.astype(form)


def some_params(model, n_raw, rng, fit_intercept=True):
    params = model.init_params(P, n_raw, rng, fit_intercept)
    return params + 0.1 * rng.rand(params.size)  # away from zero intercepts and unit gains


# -- gradients and twins -------------------------------------------------------------------


@pytest.mark.parametrize("form", ["float64", "csr", "float32"])
@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
@pytest.mark.parametrize("normalization", NORMS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_twins(activation, normalization, hidden, form, rng):
    X = some_rows(rng, form)
    exact = X.astype(np.float64)
    for fit_intercept, n_raw in ((True, 3), (False, 1)):
        model = MLP(hidden, activation, normalization=normalization).validate()
        params = some_params(model, n_raw, rng, fit_intercept)
        kernel = model.compose(P, n_raw, fit_intercept)
        draw, grad = rng.randn(N, n_raw), np.zeros(params.size)
        raw, found = trip(make_rows(X), kernel, params.copy(), draw)
        model.backward(exact, params, draw, grad)
        assert_allclose(raw, model.forward(exact, params, n_raw), rtol=1e-12, atol=1e-12)
        assert_allclose(found, grad[: kernel.n_params], rtol=1e-12, atol=1e-12)
        assert not grad[kernel.n_params :].any()


@pytest.mark.parametrize("t", [0, 7], ids=["predicting", "training"])
@pytest.mark.parametrize("normalization", NORMS)
@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients(activation, dropout, normalization, t, rng):
    """The compiled gradient against differences: of every kind of parameter, in training too."""
    model = MLP((5, 4), activation, dropout, normalization)
    X, draw = make_rows(some_rows(rng)), rng.randn(N, 2)
    params, kernel = some_params(model, 2, rng), model.compose(P, 2, True)

    def value(at):
        return np.sum(draw * trip(X, kernel, at.copy(), draw, seed=3, t=t)[0])

    grad = trip(X, kernel, params.copy(), draw, seed=3, t=t)[1]
    for j in range(kernel.n_params):
        step = np.zeros(params.size)
        step[j] = 1e-6
        slope = (value(params + step) - value(params - step)) / 2e-6
        assert_allclose(grad[j], slope, rtol=1e-5, atol=1e-7, err_msg=f"parameter {j}")


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("normalization", NORMS)
@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_objectives(name, normalization, activation, rng):
    """Every loss through a network, targets in the loss's domain."""
    loss = LOSSES[name]()
    X = some_rows(rng)
    if loss.joint:
        targets = Targets(rng.randint(3, size=N).astype(float), 3, joint=True)
    elif loss.task == "classification":
        targets = Targets(rng.randint(2, size=N).astype(float), 1)
    else:
        targets = Targets(rng.uniform(0.2, 3.0, N), 1)
    model = MLP((5,), activation, normalization=normalization)
    block = Block(X, targets, rng.uniform(0.5, 2.0, N), loss, model, True)
    problem = Problem(block, L2(0.1))
    params = some_params(model, targets.n_raw, rng)
    if name == "squared_log_error":  # raw predictions above -1
        params[-1] += 5.0
    loss_value, grad = problem.value_and_gradient(params)
    assert np.isfinite(loss_value)

    def value(at):
        return problem.loss(at) + problem.smooth_value(at)

    for j in range(problem.n_params):
        step = np.zeros(params.size)
        step[j] = 1e-7
        slope = (value(params + step) - value(params - step)) / 2e-7
        assert_allclose(grad[j], slope, rtol=1e-4, atol=1e-5, err_msg=f"parameter {j}")


def test_gelu_is_the_normal_distributions():
    z = np.concatenate((np.linspace(-30.0, 30.0, 20000), 10.0 ** np.linspace(-300, 2, 500)))
    params = np.array([1.0, 1.0, 0.0, 0.0])  # two weights of 1, intercepts of 0
    raw, _ = trip(make_rows(z[:, None]), MLP((1,), "gelu").compose(1, 1, True), params, z[:, None])
    # up to the rounding of z^2 / 2 in the exponent
    assert np.all(np.abs(raw[:, 0] / (z * ndtr(z)) - 1.0) <= 4e-16 * (3.0 + z**2))


def test_single_precision_is_near(rng):
    for normalization in NORMS:
        model = MLP((9, 5), "tanh", 0.3, normalization)
        X = some_rows(rng, "float32")
        params, kernel = some_params(model, 2, rng), model.compose(P, 2, True)
        draw = rng.randn(N, 2)
        single = trip(make_rows(X), kernel, params.copy(), draw, seed=1, t=1)
        double = trip(make_rows(X.astype(float)), kernel, params.copy(), draw, seed=1, t=1)
        for a, b in zip(single, double, strict=True):
            assert_allclose(a, b, rtol=1e-4, atol=1e-4)
            assert np.any(a != b), "training on float32 is in float32"


SINGLE = [
    ({"optimizer": Adam(0.01)}, True),
    ({"optimizer": Adam(0.01), "penalty": None}, True),
    ({"optimizer": "auto"}, True),
    ({"optimizer": optimizers.AdamW(0.01), "penalty": None}, True),
    ({"optimizer": optimizers.AdamW(0.01)}, False),
    ({"optimizer": Adam(0.01), "penalty": L1(1e-3)}, False),
    ({"optimizer": Adam(0.01), "average": True}, False),
    ({"optimizer": Adam(0.01, amsgrad=True)}, False),
    ({"optimizer": optimizers.SGD(0.05, momentum=0.9)}, False),
]


@pytest.mark.parametrize("normalization", NORMS)
@pytest.mark.parametrize("params, single", SINGLE, ids=str)
def test_training_in_single_precision_is_near(params, single, normalization):
    """float32 rows give what the same rows in float64 give, up to the rounding of float32.

    Parameters and the rule's state are float32 too where that is faster: then every one of them is
    a float32 number.
    """
    X, y = make_regression(150, P, noise=1.0, random_state=0)
    X, y = X.astype(np.float32), y / y.std()
    network = GDRegressor(model=MLP((9, 5), "tanh", normalization=normalization), random_state=0)
    network.set_params(batch_size=20, max_iter=4, tol=None, **params)
    rough, exact = clone(network).fit(X, y), clone(network).fit(X.astype(float), y)
    assert rough.t_ == 33.0
    assert_allclose(rough.history_["objective"], exact.history_["objective"], rtol=1e-4)
    # intercepts before batch normalization have rounding alone for a gradient: Adam walks on it
    atol = 0.03 if normalization == "batch" else 1e-3
    assert_allclose(rough.predict(X), exact.predict(X.astype(float)), rtol=1e-3, atol=atol)
    state = rough._state
    moved = np.concatenate((state.params[: state.slots.shape[1]], state.slots.ravel()))
    assert np.array_equal(moved, moved.astype(np.float32)) == single


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


def test_single_precision_survives_an_error_in_a_loss():
    """Parameters are true between two steps, also where the user's loss raises."""

    class Fails(SquaredError):
        calls = 0

        def gradient(self, y, raw):
            Fails.calls += 1
            if Fails.calls == 4:
                raise KeyboardInterrupt
            return super().gradient(y, raw)

    X, y = make_regression(60, P, random_state=0)
    network = GDRegressor(Fails(), model=MLP((4,)), optimizer=Adam(0.1), random_state=0)
    with pytest.warns(UserWarning, match="interrupted in epoch 1"):
        network.set_params(batch_size=10).fit(X.astype(np.float32), y)
    assert network.t_ == 4.0 and np.isfinite(network.coefs_[0]).all()


# -- torch ---------------------------------------------------------------------------------


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: f"{r['activation']} {r['normalization']}")
def test_walks_as_torch_does(record):
    coefs, intercepts = recipe.initial(recipe.N_RAW[record["target"]])
    estimator = GDClassifier if record["target"] in ("log_loss", "multinomial") else GDRegressor
    model = MLP(recipe.HIDDEN, record["activation"], normalization=record["normalization"])
    optimizer = eval(record["optimizer"], vars(optimizers))
    network = estimator(
        model=model, optimizer=optimizer, penalty=None, shuffle=False, batch_size=recipe.BATCH
    )
    y = recipe.TARGETS[record["target"]]
    for epochs, point in record["points"].items():
        network.set_params(max_iter=int(epochs), tol=None)
        network.fit(recipe.ROWS, y, coef_init=coefs, intercept_init=intercepts)
        for found, expected in zip(network.coefs_, point["coefs"], strict=True):
            assert_allclose(found, expected, rtol=0, atol=1e-8)
        for found, expected in zip(network.intercepts_, point["intercepts"], strict=True):
            assert_allclose(found, expected, rtol=0, atol=1e-8)
    assert network.t_ == 101.0
    assert_allclose(network._raw(recipe.ROWS), record["raw"], rtol=0, atol=1e-8)
    assert np.abs(network.coefs_[0] - coefs[0]).max() > 0.01, (
        "a walk that stands still tells little"
    )


def test_every_case_is_recorded():
    assert [record["optimizer"] for record in RECORDS] == [case[3] for case in recipe.CASES]
    seen = {name for record in RECORDS for name in record["activation"]}
    assert seen == set(ACTIVATIONS)
    assert {record["normalization"] for record in RECORDS} == set(NORMS)


# -- dropout -------------------------------------------------------------------------------


def mixed(z):
    """Mix the bits of 64-bit numbers as splitmix64 does (Steele, Lea and Flood, 2014)."""
    with np.errstate(over="ignore"):
        z = np.asarray(z, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def test_dropout_masks(rng):
    """The output of one hidden layer with identity weights behind it is the masked layer."""
    n, units, rate, seed, t = 400, 8, 0.3, 11, 5
    X = rng.uniform(1.0, 2.0, (n, units))
    model = MLP((units,), "identity", rate)
    params = np.concatenate([np.eye(units).ravel(), np.eye(units).ravel(), np.zeros(2 * units)])
    kernel = model.compose(units, units, True)
    raw = trip(make_rows(X), kernel, params, np.zeros((n, units)), seed=seed, t=t)[0]
    with np.errstate(over="ignore"):
        key = mixed(mixed(np.uint64(seed + t)) + np.uint64(0))
        numbers = mixed(key + np.arange(n * units, dtype=np.uint64)) >> np.uint64(11)
    kept = (numbers.astype(float) >= rate * 2.0**53).reshape(n, units)
    assert_allclose(raw, np.where(kept, X / (1 - rate), 0.0), rtol=1e-14)
    assert abs(kept.mean() - (1 - rate)) < 4 * np.sqrt(rate * (1 - rate) / kept.size)
    other = trip(make_rows(X), kernel, params, np.zeros((n, units)), seed=seed, t=t + 1)[0]
    assert ((raw == 0) != (other == 0)).mean() > 0.3, "every step draws anew"
    assert_array_equal(trip(make_rows(X), kernel, params, np.zeros((n, units)))[0], X)


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


def test_running_moments_are_torchs(rng):
    """After many equal batches they are the moments of the batch, the variance unbiased."""
    X = rng.randn(N, P)
    model = MLP((4,), normalization="batch")
    params, kernel = some_params(model, 1, rng), model.compose(P, 1, True)
    layout = model.layout(P, 1)
    for _ in range(300):
        trip(make_rows(X), kernel, params, np.zeros((N, 1)), t=1)
    z = X @ layout.weights_of(params, 0) + layout.bias_of(params, 0)
    *_, mean, var = layout.norm_of(params, 0)
    assert_allclose(mean, z.mean(axis=0), rtol=1e-10)
    assert_allclose(var, z.var(axis=0, ddof=1), rtol=1e-10)


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


@pytest.mark.parametrize("normalization", NORMS)
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


# -- initial weights and parameters --------------------------------------------------------


@pytest.mark.parametrize("init", ["auto", *INITS])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_initial_weights(activation, init, rng):
    model = MLP((300, 200), activation, init=init)
    layout = model.layout(100, 50)
    params = model.init_params(100, 50, rng)
    rule = ACTIVATIONS[activation][2] if init == "auto" else init
    variances = {
        "he": lambda a, b: 2 / a,
        "glorot": lambda a, b: 2 / (a + b),
        "lecun": lambda a, b: 1 / a,
    }
    for layer in range(3):
        weights = layout.weights_of(params, layer)
        expected = variances["glorot" if layer == 2 and init == "auto" else rule](*weights.shape)
        assert_allclose(weights.var(), expected, rtol=0.05)
        assert not layout.bias_of(params, layer).any()


@pytest.mark.parametrize(
    "params, message",
    [
        ({"hidden_layer_sizes": (3, 0)}, r"hidden_layer_sizes must be > 0, got \(3, 0\)"),
        ({"activation": "swish"}, "'activation' parameter of MLP must be"),
        ({"activation": ("relu",)}, "must have one entry for each of the 2 hidden layers"),
        ({"activation": ("relu", "swish")}, "must be a str among.*Got 'swish'"),
        ({"dropout": 1.0}, "'dropout' parameter of MLP must be"),
        ({"dropout": (0.1, -0.1)}, r"must lie in \[0, 1\). Got -0.1"),
        ({"normalization": "group"}, "'normalization' parameter of MLP must be"),
        ({"init": "zeros"}, "'init' parameter of MLP must be"),
    ],
    ids=str,
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        GDRegressor(model=MLP(**params)).fit([[0.0], [1.0]], [0.0, 1.0])


@pytest.mark.parametrize("normalization", NORMS)
def test_initial_weights_by_name(normalization):
    """What a fit has published is where another may start, as a dict or in two lists."""
    X, y = make_regression(40, 3, random_state=0)
    network = GDRegressor(model=MLP((4, 2), normalization=normalization), random_state=0)
    first = clone(network).set_params(max_iter=5, tol=None).fit(X, y)
    names = ["coefs_", "intercepts_"] + ["gains_", "shifts_"] * (normalization is not None)
    parts = {name: getattr(first, name) for name in names}
    stay = clone(network).set_params(optimizer=Adam(0.0), max_iter=1, tol=None)
    again = clone(stay).fit(X, y, coef_init=parts)
    for name in names:
        for found, expected in zip(getattr(again, name), parts[name], strict=True):
            assert_array_equal(found, expected)
    lists = clone(stay).fit(X, y, coef_init=parts["coefs_"], intercept_init=parts["intercepts_"])
    assert_array_equal(lists.coefs_[0], parts["coefs_"][0])
    with pytest.raises(ValueError, match="MLP has no weights_ to start from"):
        stay.fit(X, y, coef_init={"weights_": parts["coefs_"]})


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_predictions_follow_gains_and_shifts(normalization):
    X, y = make_regression(60, P, random_state=0)
    model = MLP((4,), "identity", normalization=normalization)
    network = GDRegressor(model=model, random_state=0, max_iter=5, tol=None).fit(X, y)
    before = network.predict(X)
    network.shifts_[0] = network.shifts_[0] + 1.0
    assert_allclose(network.predict(X), before + network.coefs_[1].sum(), rtol=1e-10)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
def test_no_intercepts(form, rng):
    """Not even those that centred features and targets would be."""
    X = form(100.0 + 10.0 * rng.rand(200, 3))
    y = 1000.0 + X @ np.array([3.0, -2.0, 5.0])
    network = GDRegressor(model=MLP((8,)), fit_intercept=False, random_state=0, max_iter=300)
    network.fit(X, y)
    assert not any(intercepts.any() for intercepts in network.intercepts_)
    assert network.predict(np.zeros((1, 3))) == 0.0
    assert np.mean(np.abs(network.predict(X) - y)) < 0.04 * y.mean()


def test_a_batch_of_one_has_no_moments():
    X, y = make_regression(20, 3, random_state=0)
    network = GDRegressor(model=MLP((4,), normalization="batch"), batch_size=1)
    with pytest.raises(ValueError, match=r"at least 2 rows in training. Got batch_size=1 and"):
        network.fit(X, y)
    with pytest.raises(ValueError, match=r"batch_size='auto' and n_samples=1"):
        network.set_params(batch_size="auto").partial_fit(X[:1], y[:1])
    network.set_params(model=MLP((4,), normalization="layer"), batch_size=1, max_iter=2, tol=None)
    assert network.fit(X, y).t_ == 41.0


def test_a_subclass_that_overrides_a_method_trains_with_it():
    class Doubled(MLP):
        def forward(self, X, params, n_raw=1):
            return 2.0 * super().forward(X, params, n_raw)

        def backward(self, X, params, draw, grad):
            super().backward(X, params, 2.0 * draw, grad)

    X, y = make_regression(60, P, random_state=0)
    y = (y - y.mean()) / y.std()
    network = GDRegressor(model=Doubled((8,), "tanh"), random_state=0).fit(X, y)
    assert network.score(X, y) > 0.95
    again = GDRegressor(model=MLP((8,), "tanh"), optimizer=Adam(0.0), max_iter=1, tol=None)
    again.fit(X, y, coef_init=network.coefs_, intercept_init=network.intercepts_)
    assert_allclose(network.predict(X), 2.0 * again.predict(X), rtol=1e-9)


def test_bad_initial_weights():
    X, y = make_regression(20, 3, random_state=0)
    network = GDRegressor(model=MLP((4,)))
    with pytest.raises(ValueError, match=r"coef_init does not match.*\(3, 4\), \(4, 1\)"):
        network.fit(X, y, coef_init=[np.zeros((3, 5)), np.zeros((5, 1))])
    with pytest.raises(ValueError, match="intercept_init does not match"):
        network.fit(X, y, intercept_init=[np.zeros(4)])
