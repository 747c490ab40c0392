"""Every optimizer as an object and as a formula: parameters, steps, kernels, what it descends."""

import math
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize, rosen, rosen_der
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.utils._param_validation import InvalidParameterError

from optimizer_cases import RULES, SHOWN, each, each_rule, loss_of
from sklgd._kernels import adapters, optimizers
from sklgd._strategy import compose_kernel
from sklgd.optimizers import (
    FISTA,
    FTRL,
    LBFGS,
    OPTIMIZERS,
    SAGA,
    SGD,
    SVRG,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    Auto,
    Clipped,
    DoG,
    GradientDescent,
    NormalizedAdaGrad,
    PassiveAggressive,
    PolyakSGD,
    Prodigy,
    RMSprop,
    ScheduleFreeSGD,
)
from sklgd.schedules import Constant, InvScaling, as_schedule

P = 7


def test_every_optimizer_has_its_family():
    for name, cls in OPTIMIZERS.items():
        family = [cls().full_batch, cls().variance_reduced, cls() in RULES, cls is Auto]
        assert sum(family) == 1, f"{name} is tested nowhere"


# -- objects -------------------------------------------------------------------------------


@each
def test_value_object(rule):
    twin = clone(rule)
    assert twin == rule == pickle.loads(pickle.dumps(rule))
    assert hash(twin) == hash(rule)
    assert eval(repr(rule), vars(__import__("sklgd.optimizers").optimizers)) == rule
    assert rule.validate() is rule
    for other in (SGD(momentum=0.123), Adam(beta_1=0.123), LBFGS(history_size=7)):
        assert rule != other


@each
def test_documented(rule):
    doc = type(rule).__doc__
    assert ">>>" in doc and ("References" in doc or isinstance(rule, Auto))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_string_takes_the_rate_from_the_estimator(name):
    cls = OPTIMIZERS[name]
    unset = {"learning_rate": None, "eta0": None, "power_t": None}
    assert cls.from_estimator(unset) == cls()
    if "learning_rate" not in cls().get_params():
        return
    rate = {"learning_rate": "invscaling", "eta0": 0.3, "power_t": 0.7}
    assert cls.from_estimator(rate).learning_rate == InvScaling(0.3, power_t=0.7)
    assert cls.from_estimator(unset | {"eta0": 0.3}).learning_rate == 0.3
    assert cls.from_estimator(rate | {"learning_rate": Constant(0.4)}).learning_rate == Constant(
        0.4
    )
    alone = {"power_t": 0.5}
    for unread in ({"learning_rate": 0.4, "eta0": 0.3}, alone, alone | {"eta0": 0.3}):
        with pytest.raises(ValueError, match="would have no effect with learning_rate="):
            cls.from_estimator(unset | unread)


@each
def test_learning_rate_is_a_schedule(rule):
    own = getattr(getattr(rule, "optimizer", rule), "learning_rate", 1.0)
    if rule.full_batch or rule in RULES:  # one that chooses another has no rate of its own
        assert rule.schedule() == as_schedule(own)
    if "learning_rate" in rule.get_params():
        for given, rate in [(0.5, 0.5), (lambda t: 0.25 / t, 0.25), (Constant(0.125), 0.125)]:
            assert clone(rule).set_params(learning_rate=given).schedule()(1) == rate
        nested = clone(rule).set_params(learning_rate=InvScaling(0.1))
        assert nested.set_params(learning_rate__eta0=0.2).schedule()(1) == 0.2
        named = clone(rule).set_params(learning_rate="invscaling", learning_rate__eta0=0.3)
        assert named.schedule()(1) == 0.3
        with pytest.raises(ValueError, match=r"learning_rate is 0\.1, which has no parameters"):
            clone(rule).set_params(learning_rate=0.1, learning_rate__eta0=0.3)


@pytest.mark.parametrize(
    "rule, message",
    [
        (SGD(-0.1), "'learning_rate' parameter of SGD"),
        (SGD(math.nan), "'learning_rate' parameter of SGD"),
        (SGD(momentum=1.0), "'momentum' parameter of SGD must be a float in the range"),
        (SGD(momentum=-0.1), "'momentum' parameter of SGD"),
        (SGD(nesterov=True), "nesterov=True needs a momentum > 0"),
        (Adam(beta_1=1.0), "'beta_1' parameter of Adam"),
        (Adam(beta_2=-0.1), "'beta_2' parameter of Adam"),
        (Adam(epsilon=-1e-8), "'epsilon' parameter of Adam"),
        (Adam(amsgrad=2), "'amsgrad' parameter of Adam"),
        (AdamW(weight_decay=-1.0), "'weight_decay' parameter of AdamW"),
        (RMSprop(rho=1.0), "'rho' parameter of RMSprop"),
        (FTRL(l1=-1.0), "'l1' parameter of FTRL"),
        (FTRL(initial_accumulator=0.0), "FTRL needs beta > 0 or initial_accumulator > 0"),
        (DoG(initial_distance=0.0), "'initial_distance' parameter of DoG"),
        (Prodigy(growth_rate=0.9), "'growth_rate' parameter of Prodigy"),
        (PassiveAggressive(C=0.0), "'C' parameter of PassiveAggressive"),
        (PassiveAggressive(variant="pa3"), "'variant' parameter of PassiveAggressive"),
        (ScheduleFreeSGD(momentum=0.0), "'momentum' parameter of ScheduleFreeSGD"),
        (Clipped(SGD(), max_norm=0.0), "'max_norm' parameter of Clipped"),
        (Clipped(Adam(beta_1=1.0)), "'beta_1' parameter of Adam"),
        (Clipped(LBFGS()), r"Clipped needs a step rule, such as SGD\(\) or Adam\(\). Got LBFGS"),
        (Clipped(Auto()), "Clipped needs a step rule"),
        (Clipped(SAGA()), "Clipped needs a step rule"),
        (SAGA(-0.1), "'learning_rate' parameter of SAGA"),
        (SAGA("fast"), "learning_rate"),
        (SVRG(snapshot_every=0), "'snapshot_every' parameter of SVRG"),
        (LBFGS(history_size=0), "'history_size' parameter of LBFGS"),
        (LBFGS(history_size=2.5), "'history_size' parameter of LBFGS"),
        (FISTA(standardize="yes"), "'standardize' parameter of FISTA"),
        (GradientDescent("fast"), "learning_rate"),
    ],
    ids=str,
)
def test_bad_parameters(rule, message):
    with pytest.raises((InvalidParameterError, ValueError), match=message):
        rule.validate()
        rule.schedule()


# -- formulas ------------------------------------------------------------------------------


def walk(step, gradients, rates):
    """Return all points of a walk from a fixed start, along given gradients."""
    params, points = np.linspace(-1, 1, gradients.shape[1]), []
    for t, (grad, lr) in enumerate(zip(gradients, rates, strict=True), start=1):
        params = step(params, grad, lr, t)
        points.append(params.copy())
    return np.array(points)


def of_rule(rule):
    """Return a rule's NumPy step as a function for `walk`."""
    state = None

    def step(params, grad, lr, t):
        nonlocal state
        state = rule.init_state(params) if state is None else state
        assert rule.step(params, grad, state, lr, t, *loss_of(rule, grad @ grad)) is None
        return params

    return step


def sgd_by_formula(momentum, nesterov):
    """Polyak's and Nesterov's methods as sums over all past gradients."""
    past = []

    def step(params, grad, lr, t):
        past.append(grad)
        velocity = sum(momentum ** (t - s) * g for s, g in enumerate(past, start=1))
        return params - lr * (grad + momentum * velocity if nesterov else velocity)

    return step


def adam_by_formula(beta_1, beta_2, epsilon, amsgrad, bias_correction):
    """Kingma and Ba's moments as weighted sums over all past gradients."""
    past, largest = [], 0.0

    def moment(beta, power, t):
        return (1 - beta) * sum(beta ** (t - s) * g**power for s, g in enumerate(past, start=1))

    def step(params, grad, lr, t):
        nonlocal largest
        past.append(grad)
        m, v = moment(beta_1, 1, t), moment(beta_2, 2, t)
        if amsgrad:
            v = largest = np.maximum(largest, v)
        if bias_correction:
            m, v = m / (1 - beta_1**t), v / (1 - beta_2**t)
        return params - lr * m / (np.sqrt(v) + epsilon)

    return step


def draws(n_steps, seed=0):
    """Gradients of very different sizes, zeros among them, and falling rates."""
    rng = np.random.default_rng(seed)
    gradients = rng.standard_normal((n_steps, P)) * 10.0 ** rng.integers(-6, 4, (n_steps, 1))
    gradients[rng.random((n_steps, P)) < 0.1] = 0.0
    return gradients, 0.1 / np.sqrt(np.arange(1, n_steps + 1))


@pytest.mark.parametrize("momentum, nesterov", [(0.0, False), (0.9, False), (0.6, True)])
def test_sgd_formula(momentum, nesterov):
    found = walk(of_rule(SGD(momentum=momentum, nesterov=nesterov)), *draws(60))
    assert_allclose(found, walk(sgd_by_formula(momentum, nesterov), *draws(60)), rtol=1e-9)


@pytest.mark.parametrize("bias_correction", [True, False])
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9), (0.0, 0.9), (0.9, 0.0)], ids=str)
def test_adam_formula(betas, amsgrad, bias_correction):
    params = dict(zip(("beta_1", "beta_2"), betas, strict=True))
    params |= {"epsilon": 1e-5, "amsgrad": amsgrad, "bias_correction": bias_correction}
    found = walk(of_rule(Adam(**params)), *draws(60))
    assert_allclose(found, walk(adam_by_formula(**params), *draws(60)), rtol=1e-9, atol=1e-12)


def test_first_step_of_adam_is_the_sign():
    params = np.zeros(3)
    Adam(epsilon=0.0).step(params, np.array([3.0, -1e-3, 50.0]), np.zeros((2, 3)), 0.1, 1)
    assert_allclose(params, [-0.1, 0.1, -0.1])


def test_ftrl_without_penalties_is_adagrad():
    """Under rates that vary, too, and where something else moves the parameters in between."""

    def pushed(rule):
        step = of_rule(rule)

        def pushing(params, grad, lr, t):
            params[t % P] *= t % 3 / 2
            return step(params, grad, lr, t)

        return pushing

    gradients, rates = draws(60)
    found = walk(pushed(FTRL(initial_accumulator=0.1)), gradients, rates)
    expected = walk(pushed(AdaGrad(initial_accumulator=0.1, epsilon=1e-300)), gradients, rates)
    assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


@each_rule
def test_kernel_equals_numpy(rule):
    kernel = compose_kernel(rule, adapters.PyOptimizer)
    assert not isinstance(kernel, adapters.PyOptimizer), "a registered rule has a compiled twin"
    for gradients, rates in (draws(500), (np.zeros((5, P)), np.ones(5))):
        params = np.linspace(-1, 1, P)
        ours, theirs = (params.copy(), rule.init_state(params)), (params, rule.init_state(params))
        for t, (grad, lr) in enumerate(zip(gradients, rates, strict=True), start=1):
            loss = 0.01 * t * (grad @ grad)
            rule.step(*ours[:1], grad, ours[1], lr, t, *loss_of(rule, loss))
            optimizers.step(kernel, theirs[0], grad, theirs[1], lr, t, loss)
            for expected, found in zip(ours, theirs, strict=True):
                assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max(
                    initial=1e-300))  # fmt: skip
            expected = rule.step_sizes(ours[1], lr, t)
            found = optimizers.step_sizes(kernel, theirs[1], lr, t)
            assert np.shape(found) == np.shape(expected)
            assert_allclose(found, expected, rtol=1e-12)


IN_VECTORS = [
    Adam(),
    Adam(0.1, 0.8, 0.99, 1e-3, bias_correction=False),
    Adam(beta_1=0.0, beta_2=0.1),
    Adam(beta_1=0.5, beta_2=0.0),
    AdamW(weight_decay=0.2),
]


@pytest.mark.parametrize("n", [1, 7, 8, 15, 16, 17, 33, 70])
@pytest.mark.parametrize("rule", IN_VECTORS, ids=repr)
def test_kernels_in_vectors(rule, n):
    """Vectors and what is left of them, a ridge on a part, float32, and falling gradients."""
    rng = np.random.default_rng(n)
    kernel = compose_kernel(rule, adapters.PyOptimizer)
    for ridge, n_ridge in [(0.0, 0)] if isinstance(rule, AdamW) else [(0.0, n), (0.3, 2 * n // 3)]:
        start = rng.normal(size=n)
        ours, double = (start.copy(), np.zeros((2, n))), (start.copy(), np.zeros((2, n)))
        single = start.astype(np.float32), np.zeros((2, n), dtype=np.float32)
        for t in range(1, 9):
            grad = rng.normal(size=n) * (rng.random(n) < 0.8) * (1.0, 1e-5)[t % 2]
            whole = grad + ridge * ours[0] * (np.arange(n) < n_ridge)
            rule.step(ours[0], whole, ours[1], 0.01, t)
            part = {"ridge": ridge, "n_ridge": n_ridge}
            optimizers.step(kernel, double[0], grad, double[1], 0.01, t, **part)
            low = grad.astype(np.float32)
            optimizers.step_single(kernel, single[0], low, single[1], 0.01, t, **part)
        for mine, theirs, rough in zip(ours, double, single, strict=True):
            assert_allclose(theirs, mine, rtol=1e-12, atol=1e-15)
            assert_allclose(rough, mine, rtol=1e-4, atol=1e-6)


def test_what_has_no_step_in_vectors():
    params, state = np.ones(3, dtype=np.float32), np.zeros((3, 3), dtype=np.float32)
    for rule in (Adam(amsgrad=True), SGD(), Clipped(Adam())):
        with pytest.raises(ValueError, match="no such step in float32"):
            optimizers.step_single(
                compose_kernel(rule, adapters.PyOptimizer), params, params, state, 0.1, 1
            )


@pytest.mark.parametrize("rule", SHOWN, ids=repr)
def test_kernel_observes_as_numpy_does(rule):
    """Scales that grow and that do not, and a feature that never has a value."""
    rng = np.random.default_rng(0)
    for kernel in (compose_kernel(rule, adapters.PyOptimizer), adapters.PyOptimizer(rule)):
        params = np.linspace(-1, 1, P)
        ours, theirs = (params.copy(), rule.init_state(params)), (params, rule.init_state(params))
        for t in range(1, 30):
            grad = rng.standard_normal(P)
            largest = rng.gamma(1.0, 10.0 ** rng.integers(-3, 3, P)) * (np.arange(P) != 2)
            squares = largest**2 * rng.random(P)
            rule.observe(*ours, largest, squares, 2)
            optimizers.observe(kernel, *theirs, largest, squares, 2)
            rule.step(ours[0], grad, ours[1], 0.1, t)
            optimizers.step(kernel, theirs[0], grad, theirs[1], 0.1, t)
            assert_allclose(theirs[0], ours[0], rtol=1e-12)
            assert_allclose(theirs[1], ours[1], rtol=1e-12)
            assert_allclose(
                optimizers.step_sizes(kernel, theirs[1], 0.1, t),
                rule.step_sizes(ours[1], 0.1, t),
                rtol=1e-12,
            )


@each_rule
def test_adapter_equals_numpy(rule):
    """A user's rule, seen through the adapter, is the rule itself."""
    gradients, rates = draws(20)
    kernel, params = adapters.PyOptimizer(rule), np.linspace(-1, 1, P)
    state = rule.init_state(params)
    for t, (grad, lr) in enumerate(zip(gradients, rates, strict=True), start=1):
        optimizers.step(kernel, params, grad, state, lr, t, grad @ grad)
    assert_array_equal(params, walk(of_rule(rule), gradients, rates)[-1])
    assert_array_equal(
        optimizers.step_sizes(kernel, state, 0.1, 20), rule.step_sizes(state, 0.1, 20)
    )


# -- what they descend ---------------------------------------------------------------------


ROWS, TARGETS = make_regression(40, 2, random_state=0)
SIGNS = np.sign(TARGETS)


def logistic(params):
    """Mean log-loss on a fixed sample, ridge included."""
    margin = SIGNS * (ROWS @ params)
    value = np.logaddexp(0, -margin).mean() + 0.05 * params @ params
    return value, 0.1 * params - (SIGNS / (1 + np.exp(margin))) @ ROWS / 40


def hinge(params):
    """Mean hinge loss on a fixed sample, ridge included."""
    margin = SIGNS * (ROWS @ params)
    value = np.maximum(0, 1 - margin).mean() + 0.05 * params @ params
    return value, 0.1 * params - (SIGNS * (margin < 1)) @ ROWS / 40


SCALE = np.array([10.0, 0.5])
HINGE = minimize(lambda x: hinge(x)[0], [0, 0], method="Nelder-Mead", tol=1e-12).fun
#: name -> (value and gradient, start, minimum, learning rate, how near to the minimum)
ZOO = {
    "parabola": (lambda x: (SCALE @ (x - 1) ** 2 / 2, SCALE * (x - 1)), [-1.0, 2.0], 0, 0.01, 1e-3),
    "rosenbrock": (lambda x: (rosen(x), rosen_der(x)), [0.0, 0.5], 0.0, 2e-3, 0.3),
    "logistic": (logistic, [1.0, -2.0], minimize(logistic, [0, 0], jac=True).fun, 0.1, 1e-4),
    "hinge": (hinge, [1.0, -2.0], HINGE, 0.1, 1e-3),
}
#: rules whose rates are in other units than gradient descent's: times so much
RATE_UNITS = {AdaDelta: 10, AdaGrad: 20, FTRL: 20, NormalizedAdaGrad: 20, ScheduleFreeSGD: 20}
#: rules whose rate is a factor, or a bound
NO_UNITS = {DoG, Prodigy, PolyakSGD}


def changes_the_objective(rule):
    """Whether a rule has penalties of its own, or makes steps that its data do not ask for."""
    own = [getattr(rule, name, 0.0) for name in ("weight_decay", "l1", "l2", "minimum")]
    return any(own) or getattr(rule, "variant", "pa1") != "pa1"


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if not changes_the_objective(rule)] + [AdamW()], ids=repr
)
def test_descends_the_zoo(rule, name):
    function, start, minimum, rate, slack = ZOO[name]
    inner = type(getattr(rule, "optimizer", rule))
    rate = 1.0 if inner in NO_UNITS else rate * RATE_UNITS.get(inner, 1)
    rate *= 1 - getattr(rule, "momentum", 0.0)
    params = np.array(start)
    state = rule.init_state(params)
    for t in range(1, 4001):
        decay = min(1.0, (4001 - t) / 2000)
        value, grad = function(params)
        rule.step(params, grad, state, rate * decay, t, *loss_of(rule, value))
    assert function(rule.result(params, state))[0] - minimum < slack
