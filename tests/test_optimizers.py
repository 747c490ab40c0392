"""Every registered optimizer: its formula, its kernel, what it descends and where it ends."""

import itertools
import math
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize, rosen, rosen_der
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, Ridge, SGDClassifier, SGDRegressor
from sklearn.preprocessing import scale
from sklearn.utils._param_validation import InvalidParameterError

from sklgd import GDClassifier, GDRegressor
from sklgd._kernels import adapters, epoch, optimizers
from sklgd._strategy import compose_kernel
from sklgd.losses import SquaredError
from sklgd.models import Linear
from sklgd.objective import Block, Problem, Targets
from sklgd.optimizers import (
    FISTA,
    FTRL,
    LBFGS,
    OPTIMIZERS,
    SAGA,
    SDCA,
    SGD,
    SVRG,
    AdaBelief,
    AdaDelta,
    AdaGrad,
    Adam,
    Adamax,
    AdamW,
    Auto,
    Clipped,
    DoG,
    GradientDescent,
    Lion,
    NAdam,
    Newton,
    NormalizedAdaGrad,
    Optimizer,
    PassiveAggressive,
    PolyakSGD,
    Prodigy,
    RAdam,
    RMSprop,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
)
from sklgd.schedules import Constant, InvScaling, as_schedule

#: away from the defaults, where the formulas have other branches
VARIANTS = [
    SGD(momentum=0.9),
    SGD(momentum=0.7, nesterov=True),
    *(
        Adam(beta_1=0.8, beta_2=0.99, epsilon=1e-6, amsgrad=amsgrad, bias_correction=corrected)
        for amsgrad, corrected in itertools.product([False, True], [False, True])
    ),
    Adam(beta_1=0.0, beta_2=0.0, epsilon=0.1),
    AdamW(beta_1=0.8, weight_decay=0.2),
    AdamW(amsgrad=True, bias_correction=False),
    NAdam(beta_1=0.7, beta_2=0.9, epsilon=1e-3, momentum_decay=0.05),
    RAdam(beta_1=0.7, beta_2=0.9, epsilon=1e-3),
    RAdam(beta_2=0.5),
    Adamax(beta_1=0.7, beta_2=0.9, epsilon=1e-3),
    AdaBelief(beta_1=0.7, beta_2=0.9, epsilon=1e-3, epsilon_root=1e-5),
    Lion(beta_1=0.7, beta_2=0.9, weight_decay=0.1),
    AdaGrad(initial_accumulator=0.5, epsilon=1e-3),
    AdaDelta(rho=0.7, epsilon=1e-4),
    *(
        RMSprop(rho=0.8, momentum=momentum, centered=centered, epsilon=1e-4)
        for momentum, centered in itertools.product([0.0, 0.6], [False, True])
    ),
    FTRL(l1=0.2, l2=0.1, beta=1.0, initial_accumulator=0.0),
    DoG(initial_distance=1e-3, epsilon=1e-4),
    Prodigy(beta_1=0.7, beta_2=0.9, beta_3=0.8, epsilon=1e-4, d0=1e-3),
    Prodigy(growth_rate=1.02, bias_correction=True, safeguard_warmup=True, d_coef=2.0),
    Prodigy(weight_decay=0.1),
    PolyakSGD(minimum=0.1),
    PassiveAggressive(variant="pa"),
    PassiveAggressive(C=0.1),
    PassiveAggressive(C=0.1, variant="pa2"),
    ScheduleFreeSGD(momentum=0.6, weight_decay=0.1, r=1.0, weight_lr_power=1.0),
    ScheduleFreeAdamW(beta_1=0.6, beta_2=0.9, epsilon=1e-3, weight_decay=0.1, r=0.5),
    Clipped(SGD(momentum=0.5), max_norm=0.1),
    Clipped(Adam()),
    Clipped(PolyakSGD()),
    Clipped(ScheduleFreeSGD()),
    Clipped(NormalizedAdaGrad()),
    LBFGS(history_size=3),
    LBFGS(standardize=True),
    FISTA(standardize=True),
    SAGA(learning_rate=0.05),
    SVRG(learning_rate=0.05, snapshot_every=3),
]
ALL = [*(cls() for cls in OPTIMIZERS.values()), *VARIANTS]
RULES = [rule for rule in ALL if type(rule).step is not Optimizer.step]
FULL_BATCH = [rule for rule in ALL if rule.full_batch]
REDUCED = [rule for rule in ALL if rule.variance_reduced]  # and tests/test_variance_reduced.py
P = 7

each = pytest.mark.parametrize("rule", ALL, ids=repr)
each_rule = pytest.mark.parametrize("rule", RULES, ids=repr)


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
    assert cls.from_estimator(unset | {"learning_rate": 0.4, "eta0": 0.3}).learning_rate == 0.4


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


def loss_of(rule, value):
    """Return the further argument of a rule's step, where it has one."""
    return [value] if rule.needs_loss else []


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


SHOWN = [rule for rule in RULES if rule.needs_rows]


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


# -- where they end ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def regression():
    X, y = make_regression(120, 8, n_informative=4, noise=5.0, random_state=0)
    return X, y / y.std()


def objective(model, X, y):
    """Return the ridge objective of a fitted regressor in plain NumPy."""
    residual = X @ model.coef_ + model.intercept_ - y
    return np.mean(residual**2) / 2 + 0.05 * model.coef_ @ model.coef_


@pytest.mark.parametrize("rule", [*FULL_BATCH, *REDUCED], ids=repr)
def test_the_exact_ones_reach_ridge(regression, rule):
    """mean (y - f)^2 / 2 + alpha / 2 |w|^2 is Ridge with n alpha."""
    X, y = regression
    if isinstance(rule, GradientDescent):
        rule = GradientDescent(0.5)
    model = GDRegressor(optimizer=rule, alpha=0.1, tol=1e-12, max_iter=2000).fit(X, y)
    exact = Ridge(alpha=0.1 * len(y)).fit(X, y)
    assert_allclose(model.coef_, exact.coef_, atol=1e-5)
    assert_allclose(model.intercept_, exact.intercept_, atol=1e-5)


@pytest.mark.parametrize("rule", [FISTA(), FISTA(standardize=True), GradientDescent(0.5)], ids=repr)
def test_full_batch_reaches_the_lasso(regression, rule):
    X, y = regression
    model = GDRegressor(optimizer=rule, penalty="l1", alpha=0.1, tol=1e-12, max_iter=3000)
    exact = Lasso(alpha=0.1, tol=1e-12).fit(X, y)
    assert_allclose(model.fit(X, y).coef_, exact.coef_, atol=1e-5)
    assert_array_equal(model.coef_ == 0, exact.coef_ == 0)
    assert 0 < np.sum(model.coef_ == 0) < 8


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson", "cauchy"])
def test_lbfgs_is_monotone(regression, loss, standardize):
    X, y = regression
    y = np.abs(y) if loss == "poisson" else y
    rule = LBFGS(standardize=standardize)
    model = GDRegressor(loss, optimizer=rule, tol=1e-10).fit(X * [1, 50, 1, 1, 1, 1, 1, 0.02], y)
    assert np.all(np.diff(model.history_["objective"]) <= 0)
    assert model.n_iter_ > 3 and model.stop_reason_ == "tol"


@pytest.mark.parametrize("rule", [LBFGS(), LBFGS(standardize=True), FISTA(True)], ids=repr)
def test_multinomial_minimum_is_that_of_scipy(rule):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((90, 3)) * [1, 3, 0.5] + 1, rng.integers(0, 3, 90)
    onehot = np.eye(3)[y]

    def softmax_objective(flat):
        W, b = flat[:9].reshape(3, 3), flat[9:]
        raw = X @ W.T + b
        log_sum = np.logaddexp.reduce(raw, axis=1)
        draw = (np.exp(raw - log_sum[:, None]) - onehot) / 90
        grad = np.r_[(draw.T @ X + 0.1 * W).ravel(), draw.sum(axis=0)]
        return np.mean(log_sum - raw[np.arange(90), y]) + 0.05 * np.sum(W**2), grad

    exact = minimize(softmax_objective, np.zeros(12), jac=True, options={"gtol": 1e-10})
    model = GDClassifier(optimizer=rule, alpha=0.1, tol=1e-13, max_iter=2000).fit(X, y)
    assert_allclose(model.coef_, exact.x[:9].reshape(3, 3), atol=1e-5)
    assert model.history_["objective"][-1] == pytest.approx(exact.fun, rel=1e-9)


@pytest.mark.parametrize("rule", [LBFGS(), GradientDescent(), FISTA()], ids=repr)
def test_full_batch_counts_iterations(regression, rule):
    model = GDRegressor(optimizer=rule, max_iter=3, tol=None).fit(*regression)
    assert model.n_iter_ == 3 and model.t_ == 4 and len(model.loss_curve_) == 3
    assert not hasattr(model, "partial_fit")


def test_gradient_descent_formula(regression):
    """One step an epoch: w - lr * (X'r / n + alpha w), the penalty's gradient included."""
    X, y = regression
    w, b = np.zeros(8), 0.0
    for _ in range(7):
        residual = X @ w + b - y
        w, b = w - 0.1 * (X.T @ residual / 120 + 0.3 * w), b - 0.1 * residual.mean()
    model = GDRegressor(optimizer=GradientDescent(0.1), alpha=0.3, max_iter=7, tol=None)
    assert_allclose(model.fit(X, y).coef_, w, rtol=1e-10)
    assert_allclose(model.intercept_, b, rtol=1e-10)


@pytest.mark.parametrize("standardize", [False, True])
def test_lbfgs_refuses_what_is_not_smooth(regression, standardize):
    model = GDRegressor(optimizer=LBFGS(standardize=standardize), penalty="group_lasso")
    with pytest.raises(ValueError, match=r"LBFGS needs a smooth objective.*use optimizer='fista'"):
        model.fit(*regression)


DECAYING = InvScaling(0.05, power_t=0.6)
#: (rule, how near its noise lets it come with small batches)
PROXIMAL = [
    (SGD(InvScaling(0.1, power_t=0.3)), 3e-2),
    (SGD(InvScaling(0.02, power_t=0.3), momentum=0.9), 3e-2),
    (SGD(InvScaling(0.02, power_t=0.3), momentum=0.9, nesterov=True), 3e-2),
    (Adam(DECAYING), 3e-3),
    (Adam(DECAYING, amsgrad=True), 3e-2),
    (Adam(DECAYING, bias_correction=False), 3e-2),
    (AdamW(DECAYING, weight_decay=0.0), 3e-3),
    (NAdam(DECAYING), 3e-3),
    (RAdam(InvScaling(0.2, power_t=0.6)), 3e-2),
    (Adamax(InvScaling(0.1, power_t=0.6)), 3e-2),
    (AdaBelief(DECAYING), 3e-3),
    (Lion(DECAYING), 3e-3),
    (AdaGrad(0.1), 3e-3),
    (AdaDelta(), 1e-2),
    (RMSprop(DECAYING), 1e-2),
    (RMSprop(DECAYING, momentum=0.5), 1e-2),
    (FTRL(), 3e-3),
    (NormalizedAdaGrad(0.2), 3e-3),
    (FTRL(0.5, beta=1.0), 3e-2),
    (DoG(), 1e-2),
    (Prodigy(InvScaling(1.0, power_t=0.5)), 1e-2),
    (PolyakSGD(InvScaling(0.1, power_t=0.3)), 3e-3),
    (PassiveAggressive(0.01), 3e-3),
    (ScheduleFreeSGD(0.1), 3e-3),
    (ScheduleFreeAdamW(0.02), 3e-3),
    (Clipped(Adam(DECAYING)), 3e-3),
]


def test_proximal_table_is_complete():
    assert {type(rule) for rule in RULES} == {type(rule) for rule, _ in PROXIMAL}


@pytest.mark.parametrize("rule, noise", PROXIMAL, ids=lambda value: repr(value)[:50])
def test_step_rules_reach_the_lasso(regression, rule, noise):
    """The proximal step is taken in the rule's metric, or the fixed point is another one.

    Features of very different scales tell: Adam's metric there is far from lr times identity.
    """
    X, y = regression
    X = X * np.array([1, 0.5, 2, 1, 0.5, 2, 1, 1])
    exact = Lasso(alpha=0.05, tol=1e-12).fit(X, y)
    # whole batches: without noise in the gradient the end is the fixed point itself
    for batch_size, max_iter, atol in ((len(y), 4000, 2e-3), (10, 400, noise)):
        model = GDRegressor(optimizer=rule, penalty="l1", alpha=0.05, tol=None, random_state=0)
        model.set_params(batch_size=batch_size, max_iter=max_iter).fit(X, y)
        assert_allclose(model.coef_, exact.coef_, atol=atol, err_msg=f"{batch_size}")
        if batch_size == len(y):
            assert_array_equal(model.coef_ == 0, exact.coef_ == 0)


#: learning rates for two data sets, where a rule's own does not come near within 3000 epochs
TUNED = {
    SGD: SGD(0.02),  # its own 0.01 comes to 9e-4 on breast cancer: a matter of luck
    AdaGrad: AdaGrad(0.1),  # torch's 0.01 is a tenth of what parameters of size one ask for
    PolyakSGD: PolyakSGD(0.03),  # rows that cannot be fitted: the bound is the step size
    PassiveAggressive: PassiveAggressive(0.03),  # the same
    Prodigy: Prodigy(InvScaling(1.0, power_t=0.5)),  # the paper decays the factor, too
}
FITTED = [TUNED.get(cls, cls()) for cls in OPTIMIZERS.values() if cls() in RULES]
FITTED.append(Clipped(Adam()))


def cancer_objective(model, X, y):
    """Return log-loss and ridge of a fitted classifier in plain NumPy."""
    margin = (2 * y - 1) * (X @ model.coef_.ravel() + model.intercept_)
    return np.logaddexp(0, -margin).mean() + 5e-4 * np.sum(model.coef_**2)


def diabetes_objective(model, X, y):
    """Return the squared error and ridge of a fitted regressor in plain NumPy."""
    residual = X @ model.coef_ + model.intercept_ - y
    return np.mean(residual**2) / 2 + 5e-4 * np.sum(model.coef_**2)


@pytest.fixture(scope="module", params=["breast cancer", "diabetes"])
def real(request):
    """Return an estimator, standardised data, the objective, its minimum and its value at zero."""
    classify = request.param == "breast cancer"
    X, y = (load_breast_cancer if classify else load_diabetes)(return_X_y=True)
    X, y = scale(X), y if classify else scale(y)
    estimator = (GDClassifier if classify else GDRegressor)(alpha=1e-3, random_state=0)
    function = cancer_objective if classify else diabetes_objective
    best = clone(estimator).set_params(optimizer=LBFGS(), tol=1e-14).fit(X, y)
    at_zero = np.log(2) if classify else 0.5
    return estimator, X, y, function, function(best, X, y), at_zero


@pytest.mark.parametrize("rule", [*FITTED, *REDUCED], ids=repr)
def test_reaches_the_minimum_of_real_data(real, rule):
    estimator, X, y, function, minimum, at_zero = real
    model = clone(estimator).set_params(optimizer=rule, batch_size=32, max_iter=3000, tol=None)
    if rule in REDUCED:
        model.set_params(batch_size="auto", max_iter=1000)
    found = function(model.fit(X, y), X, y)
    assert (found - minimum) / (at_zero - minimum) < 1e-3


@pytest.mark.parametrize("rule", [FISTA(), Newton(), SDCA(), GradientDescent(0.3)], ids=repr)
def test_all_rows_at_once_reach_the_minimum_of_real_data(real, rule):
    estimator, X, y, function, minimum, at_zero = real
    model = clone(estimator).set_params(optimizer=rule, max_iter=3000, tol=1e-7)
    found = function(model.fit(X, y), X, y)
    assert (found - minimum) / (at_zero - minimum) < 1e-3


# -- where they go on ----------------------------------------------------------------------


@pytest.mark.parametrize("penalty", ["l2", "l1"])
@each_rule
def test_partial_fits_equal_a_fit(regression, rule, penalty):
    """Also where the model is pickled in between: all that matters is in its state."""
    X, y = regression
    model = GDRegressor(optimizer=rule, penalty=penalty, alpha=0.01, batch_size=16)
    model.set_params(random_state=0, max_iter=4, tol=None)
    whole = clone(model).fit(X, y)
    for k in range(4):
        model = pickle.loads(pickle.dumps(model.partial_fit(X, y))) if k == 1 else model
        model = model if k == 1 else model.partial_fit(X, y)
    assert_array_equal(model.coef_, whole.coef_)
    assert model.intercept_ == whole.intercept_ and model.t_ == whole.t_
    assert np.isfinite(model.coef_).all()


@each_rule
def test_restored_parameters_are_those_that_were_scored(regression, rule):
    """And training goes on from them: a warm start begins at the objective it ended with."""
    X, y = regression
    held_out = {"X_val": X[80:], "y_val": y[80:]}
    model = GDRegressor(optimizer=rule, batch_size=16, early_stopping=True, random_state=0)
    model.set_params(max_iter=30, tol=None, alpha=0.0).fit(X[:80], y[:80], **held_out)
    score = np.mean((model.predict(X[80:]) - y[80:]) ** 2) / 2
    assert score == pytest.approx(model.history_["val_loss"].min(), rel=1e-9)
    assert model.best_iter_ == 1 + np.argmin(model.history_["val_loss"])
    start = np.mean((model.predict(X[:80]) - y[:80]) ** 2) / 2
    model.set_params(warm_start=True, max_iter=1, batch_size=80).fit(X[:80], y[:80], **held_out)
    assert model.history_["loss"][0] == pytest.approx(start, rel=1e-9)


@pytest.mark.filterwarnings("ignore:overflow|invalid value:RuntimeWarning")
@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.needs_rows], ids=repr)
def test_goes_on_after_rows_beyond_all_measure(regression, rule):
    """They are undone, memory included: it would be infinite, and later steps zero or NaN."""
    X, y = regression
    model = GDRegressor(optimizer=rule, batch_size=16, random_state=0).partial_fit(X, y)
    before = model.coef_.copy()
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.partial_fit(1e200 * X, y)
    assert_allclose(model.coef_, before, rtol=1e-12)
    for _ in range(3):
        model.partial_fit(X, y)
    assert np.isfinite(model.coef_).all() and not np.allclose(model.coef_, before, rtol=1e-12)


@pytest.mark.parametrize("variant", ["pa1", "pa2"])
@pytest.mark.parametrize("intercept", [False, True])
def test_passive_aggressive_is_that_of_scikit_learn(variant, intercept):
    """An intercept is a feature that is one: there, its share in the norm is counted."""
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    theirs = SGDClassifier(penalty=None, learning_rate=variant, eta0=0.1, shuffle=False, tol=None)
    theirs.set_params(max_iter=3, fit_intercept=False)
    theirs.fit(np.c_[X, np.ones(len(X))] if intercept else X, y)
    ours = GDClassifier("hinge", optimizer=PassiveAggressive(0.1, variant), penalty=None)
    ours.set_params(max_iter=3, tol=None, shuffle=False, fit_intercept=intercept).fit(X, y)
    named = clone(ours).set_params(optimizer="sgd", learning_rate=variant, eta0=0.1).fit(X, y)
    assert named.optimizer_ == ours.optimizer
    for model in (ours, named):
        found = np.r_[model.coef_[0], model.intercept_ if intercept else []]
        assert_allclose(found, theirs.coef_[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("variant", ["pa1", "pa2"])
def test_passive_aggressive_regression_is_that_of_scikit_learn(variant):
    X, y = load_diabetes(return_X_y=True)
    params = {"loss": "epsilon_insensitive", "epsilon": 0.1, "penalty": None, "eta0": 0.1}
    params |= {"learning_rate": variant, "shuffle": False, "tol": None, "max_iter": 3}
    params |= {"fit_intercept": False}
    X, y = scale(X), (y - y.mean()) / y.std()
    ours, theirs = GDRegressor(**params).fit(X, y), SGDRegressor(**params).fit(X, y)
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9, atol=1e-12)
    assert_allclose(GDRegressor(**params).fit(sp.csr_array(X), y).coef_, theirs.coef_, rtol=1e-9)


def test_passive_aggressive_names_are_for_one_loss():
    X, y = np.eye(4), np.array([0, 1, 0, 1])
    for model, loss in ((GDClassifier(), "hinge"), (GDRegressor(), "epsilon_insensitive")):
        model.set_params(learning_rate="pa1", eta0=0.5)
        with pytest.raises(ValueError, match=f"Learning rate 'pa1' only works with loss '{loss}'"):
            model.fit(X, y)
        model.set_params(loss=loss, max_iter=2, tol=None).fit(X, y)
        assert model.optimizer_ == PassiveAggressive(0.5)
        model.set_params(optimizer="adam")
        with pytest.raises(ValueError, match="learning_rate"):
            model.fit(X, y)


def normalized_by_algorithm(X, y, lr):
    """Algorithm 2 of Ross, Mineiro and Langford, line by line, for the squared error."""
    w, s, G = np.zeros((3, X.shape[1]))
    N = 0.0
    for t, (x, target) in enumerate(zip(X, y, strict=True), start=1):
        for i in np.flatnonzero(np.abs(x) > s):
            w[i] *= s[i] / abs(x[i])
            s[i] = abs(x[i])
        slope = x @ w - target
        N += sum((x[i] / s[i]) ** 2 for i in range(len(x)) if s[i] > 0)
        for i in np.flatnonzero(x):
            G[i] += (slope * x[i]) ** 2
            w[i] -= lr * np.sqrt(t / N) * slope * x[i] / (s[i] * np.sqrt(G[i]))
    return w


def test_normalized_adagrad_algorithm(regression):
    X, y = regression
    X = X * 10.0 ** np.arange(-4, 4) * (np.random.default_rng(0).random(X.shape) < 0.5)
    common = {"penalty": None, "shuffle": False, "max_iter": 1, "tol": None, "batch_size": 1}
    model = GDRegressor(optimizer=NormalizedAdaGrad(0.3), fit_intercept=False, **common)
    assert_allclose(model.fit(X, y).coef_, normalized_by_algorithm(X, y, 0.3), rtol=1e-9)
    model.set_params(fit_intercept=True).fit(X, y)
    expected = normalized_by_algorithm(np.c_[X, np.ones(len(X))], y, 0.3)
    assert_allclose(np.r_[model.coef_, model.intercept_], expected, rtol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize("rule", SHOWN[:1], ids=repr)
def test_units_of_features_do_not_matter(regression, rule, batch_size):
    """And the columns of several targets are trained as each would be alone."""
    X, y = regression
    units = 10.0 ** np.arange(-4, 4)
    model = GDRegressor(optimizer=rule, penalty=None, max_iter=5, tol=None, random_state=0)
    model.set_params(batch_size=batch_size)
    plain, scaled = clone(model).fit(X, y), clone(model).fit(X * units, y)
    assert_allclose(scaled.coef_ * units, plain.coef_, rtol=1e-9)
    both = clone(model).fit(X, np.c_[y, y**2])
    assert_allclose(both.coef_[0], plain.coef_, rtol=1e-9)
    assert_allclose(both.coef_[1], clone(model).fit(X, y**2).coef_, rtol=1e-9)


def test_only_linear_models_have_features_for_parameters(regression):
    X, y = regression
    problem = Problem(Block(X, Targets(y, 1), None, SquaredError(), Linear(), True), None)
    rule, params = NormalizedAdaGrad(), np.zeros(9)
    kernel, state = compose_kernel(rule, adapters.PyOptimizer), rule.init_state(params)
    with pytest.raises(ValueError, match="scales each parameter by its feature"):
        epoch.Epoch(problem.objective, kernel, None, None, params, state, None, 0, 1, False)


def test_a_rule_of_ones_own_gets_the_loss(regression):
    """It is the batch's mean loss, before the step and without the penalty."""
    X, y = regression
    seen = []

    class Witness(SGD):
        needs_loss = True

        def step(self, params, grad, state, lr, t, loss):
            rows = slice(10 * (t - 1), 10 * t)
            residual = X[rows] @ params[:-1] + params[-1] - y[rows]
            seen.append((loss, np.mean(residual**2) / 2))
            super().step(params, grad, state, lr, t)

    model = GDRegressor(optimizer=Witness(), batch_size=10, shuffle=False, max_iter=1, tol=None)
    model.fit(X, y)
    assert len(seen) == 12
    assert_allclose(*np.transpose(seen), rtol=1e-12)


# -- the one that chooses ------------------------------------------------------------------


@pytest.mark.parametrize("incremental", [True, False])
@pytest.mark.parametrize("sparse", [True, False])
def test_auto_chooses_one_that_does_not(sparse, incremental):
    X = sp.csr_array((10, 5)) if sparse else np.zeros((10, 5))
    targets = Targets(np.zeros(10), 1)
    given = {"model": Linear(), "X": X, "targets": targets, "incremental": incremental}
    chosen = Auto().choose(SquaredError(), None, **given)
    assert chosen.choose(SquaredError(), None, **given) is chosen
    assert chosen.validate().full_batch is not incremental


def test_auto_has_no_learning_rate():
    with pytest.raises(
        ValueError, match=r"Invalid parameter 'learning_rate'.*pass optimizer='sgd'"
    ):
        Auto().set_params(learning_rate=0.1)


@pytest.mark.parametrize(
    "rule, rows",
    [(Adam(), 2500), (AdaGrad(), 1), (FTRL(), 1), (Clipped(AdaGrad()), 1), (SGD(), 1)],
    ids=repr,
)
def test_auto_batch_size_on_wide_sparse_rows(rule, rows):
    """Enough rows for their cost to be a quarter of a step on all parameters; else one."""
    assert rule.auto_batch_size(n_samples=5000, n_features=100_000, row_nonzeros=10.0) == rows


# -- coordinates of sparse features --------------------------------------------------------


def words(n=400, p=1500, seed=0):
    """Counts of words, the more common the more often in a row, and what a few of them say."""
    rng = np.random.default_rng(seed)
    X = sp.csr_array(rng.poisson(np.minimum(20.0 / np.arange(1, p + 1), 8.0), (n, p)).astype(float))
    return X, (X[:, 20:40].sum(axis=1) > X[:, 40:80].sum(axis=1)).astype(int)


@pytest.mark.parametrize("alpha", [1e-4, 1.0])
@pytest.mark.parametrize("unit", [1.0, 1e-4, 1e4])
def test_rare_words_in_few_passes(unit, alpha):
    """Whatever the unit of every other word; a ridge bends more than words in small units."""
    X, y = words()
    X = sp.csr_array(X * np.where(np.arange(X.shape[1]) % 2, unit, 1.0))
    params = {"alpha": alpha, "optimizer": LBFGS(30, standardize=True)}
    model = GDClassifier("log_loss", **params).fit(X, y)
    exact = GDClassifier("log_loss", tol=1e-9, max_iter=5000, **params).fit(X, y)
    share = y.mean()
    at_constant = -share * np.log(share) - (1 - share) * np.log(1 - share)
    best = exact.loss_curve_[-1]
    assert model.loss_curve_[-1] - best <= 2e-3 * (at_constant - best)
    assert model.n_iter_ <= 60


def test_tol_is_relative_to_the_way_from_the_best_constant():
    """A minimum near zero is no nearer for it; and a small gain on a large loss is all there is."""
    X, y = words()
    params = {"alpha": 1e-6, "optimizer": LBFGS(30)}
    separable = GDClassifier("log_loss", **params).fit(X, y)
    exact = GDClassifier("log_loss", tol=1e-7, max_iter=5000, **params).fit(X, y)
    assert exact.loss_curve_[-1] < 0.01
    assert separable.n_iter_ < 0.5 * exact.n_iter_
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((2000, 20))
    t = 100.0 * rng.standard_normal(2000) + Z[:, 0]
    noisy = GDRegressor(alpha=1e-6, optimizer=LBFGS()).fit(Z, t)
    gain = 0.5 * t.var() - noisy.loss_curve_[-1]
    assert 0.0 < gain < 0.02 * 0.5 * t.var()
    ideal = GDRegressor(alpha=1e-6, optimizer=LBFGS(), tol=1e-10).fit(Z, t)
    assert noisy.loss_curve_[-1] - ideal.loss_curve_[-1] <= 1e-2 * gain
