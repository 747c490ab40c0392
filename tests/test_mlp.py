"""Networks: every layer's gradient, the twins, torch's trajectories, dropout, first weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtr
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklgd._kernels.models.mlp import trip

from loading import load
from sklgd import GDClassifier, GDRegressor, optimizers
from sklgd._kernels.rows import make_rows
from sklgd.losses import LOSSES, SquaredError
from sklgd.models import MLP
from sklgd.models.mlp import ACTIVATIONS, INITS
from sklgd.objective import Block, Problem, Targets
from sklgd.optimizers import Adam
from sklgd.penalties import L1, L2

HERE = Path(__file__).resolve().parent
N, P = 13, 6
NORMS = (None, "batch", "layer")
HIDDEN = [(), (5,), (7, 19, 3)]


recipe = load(HERE / "recipes" / "networks.py")
RECORDS = json.loads((HERE / "data" / "networks.json").read_text(encoding="utf-8"))


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


# -- initial weights and parameters --------------------------------------------------------


@pytest.mark.parametrize("init", ["auto", *INITS])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_initial_weights(activation, init, rng):
    model = MLP((300, 200), activation, init=init)
    layout = model.layout(100, 50)
    params = model.init_params(100, 50, rng)
    rule = ACTIVATIONS[activation].init if init == "auto" else init
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
