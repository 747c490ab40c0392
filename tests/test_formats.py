"""X in all its forms: dense and CSR give the same, and nothing is written to."""

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import LOSSES, LogLoss
from sklgd.models import Linear
from sklgd.objective import Block, Problem, Targets
from sklgd.optimizers import (
    FTRL,
    OPTIMIZERS,
    SAGA,
    SGD,
    SVRG,
    AdaBelief,
    AdaDelta,
    AdaGrad,
    Adam,
    Adamax,
    AdamW,
    Clipped,
    CoordinateNewton,
    DoG,
    GradientDescent,
    Lion,
    NAdam,
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
from sklgd.penalties import L1, L2, MCP, PENALTIES, SCAD, Box, ElasticNet, GroupLasso
from sklgd.schedules import InvScaling
from sklgd.training import FitState, StepDriver

N, P = 45, 12
RULES = {
    "sgd": SGD(0.02),
    "momentum": SGD(0.003, momentum=0.8),
    "adam": Adam(0.02),
    "gradient_descent": GradientDescent(0.05),
}
#: the rules that share the loop of those above, and so are compared on fewer losses
KIN = [
    AdamW(0.02),
    NAdam(0.02),
    RAdam(0.02),
    Adamax(0.02),
    AdaBelief(0.02, epsilon=1e-8),
    Lion(0.005),
    AdaGrad(0.1),
    AdaDelta(),
    RMSprop(0.01, momentum=0.5),
    FTRL(0.1, l1=0.01, l2=0.01),
    NormalizedAdaGrad(),
    DoG(initial_distance=0.01),
    Prodigy(d0=1e-3),
    PolyakSGD(0.1),
    PassiveAggressive(0.1),
    PassiveAggressive(0.1, "pa2"),
    ScheduleFreeSGD(0.05),
    ScheduleFreeAdamW(0.02),
]
REDUCED = [SAGA(0.02), SVRG(0.02)]
PENALTY_NAMES = [None, "l2", "l1", "elasticnet"]


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((N, P)) * (rng.random((N, P)) < 0.3)
    dense[3] = 0.0  # a row without entries
    dense[:, 5] = 0.0  # and a feature without any
    return dense


def csr(X, itype=np.int32, kind=sp.csr_array):
    matrix = kind(X)
    matrix.indices = matrix.indices.astype(itype)
    matrix.indptr = matrix.indptr.astype(itype)
    return matrix


FORMATS = {
    "int32": lambda X: csr(X),
    "int64": lambda X: csr(X, np.int64),
    "csr_matrix": lambda X: csr(X, kind=sp.csr_matrix),
}


def targets(loss, n_columns=1, seed=0):
    """Draw targets from the domain of a registered loss: classes, or numbers."""
    rng = np.random.default_rng(seed)
    if loss.task == "classification":
        return rng.integers(0, n_columns + 1, N)
    y = rng.standard_normal((N, n_columns))
    if np.isfinite(loss.domain.low):
        y = loss.domain.low + np.exp(y / 2)
    return y.ravel() if n_columns == 1 else y


def model_for(loss, **params):
    cls = GDClassifier if loss.task == "classification" else GDRegressor
    defaults = {"alpha": 0.01, "max_iter": 3, "tol": None, "random_state": 0}
    return cls(loss, **(defaults | params))


def assert_same(a, b, *, rtol=1e-9):
    scale = np.abs(a.coef_).max()
    assert scale > 1e-7, "a comparison of nothing with nothing"
    assert_allclose(a.coef_, b.coef_, rtol=rtol, atol=rtol * scale)
    assert_allclose(a.intercept_, b.intercept_, rtol=rtol, atol=rtol * scale)
    assert_allclose(a.loss_curve_, b.loss_curve_, rtol=rtol)
    assert a.t_ == b.t_


# -- dense equals CSR ----------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", LOSSES)
def test_dense_equals_csr(X, name, rule):
    """For each penalty, at batch size 1 and 7 (shuffled), with one raw column and with three.

    A row without entries still moves the intercept (scikit-learn 25198: it shrinks those steps).
    """
    loss = LOSSES[name]()
    for penalty in PENALTY_NAMES:
        for batch_size, n_columns in ((1, 1), (7, 1), (1, 3), (7, 3)):
            model = model_for(loss, optimizer=RULES[rule], penalty=penalty, batch_size=batch_size)
            y = targets(loss, n_columns)
            dense = clone(model).fit(X, y)
            for form in ("int32", "int64") if batch_size == 1 else ("csr_matrix",):
                assert_same(dense, model.fit(FORMATS[form](X), y))


def test_the_tables_hold_every_rule():
    rules = {cls for cls in OPTIMIZERS.values() if cls.step is not Optimizer.step}
    assert rules <= {type(rule) for rule in (*RULES.values(), *KIN)}
    reduced = {cls for cls in OPTIMIZERS.values() if cls.variance_reduced}
    assert reduced == {type(rule) for rule in REDUCED}


@pytest.mark.parametrize("rule", [*KIN, *REDUCED, Clipped(Adam(0.02), 0.1)], ids=repr)
def test_kin_dense_equals_csr(X, rule):
    for name in ("squared_error", "squared_hinge" if rule in REDUCED else "hinge", "log_loss"):
        loss = LOSSES[name]()
        for penalty in PENALTY_NAMES:
            for batch_size, n_columns in ((1, 1), (7, 3)):
                model = model_for(loss, optimizer=rule, penalty=penalty, batch_size=batch_size)
                y = targets(loss, n_columns)
                assert_same(clone(model).fit(X, y), model.fit(csr(X), y))


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("rule", [*RULES, "saga", "svrg"])
def test_every_penalty_dense_equals_csr(X, penalty, rule):
    y = targets(LOSSES["squared_error"], 3)
    given = GroupLasso(0.05) if penalty == "group_lasso" else penalty
    if penalty == "box":
        given = PENALTIES[penalty](lower=0.0)
    model = GDRegressor(penalty=given, alpha=0.05, max_iter=3, tol=None, random_state=0)
    model.set_params(optimizer=RULES.get(rule, rule))
    assert_same(clone(model).fit(X, y), model.fit(csr(X), y))


@pytest.mark.parametrize("penalty", PENALTY_NAMES)
@pytest.mark.parametrize("average", [True, 60])
@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam", "saga", "svrg"])
def test_averages_dense_equals_csr(X, rule, average, penalty):
    """On CSR the mean of lazily kept weights has a closed form; it must be the plain mean."""
    for n_columns in (1, 3):
        y = targets(LOSSES["squared_error"], n_columns)
        model = GDRegressor(penalty=penalty, average=average, alpha=0.05)
        model.set_params(optimizer=RULES.get(rule, rule), max_iter=3, tol=None, random_state=0)
        assert_same(clone(model).fit(X, y), model.fit(csr(X), y))


@pytest.mark.parametrize("loss", [LogLoss(), LogLoss(multi_class="ovr"), LOSSES["hinge"]()])
@pytest.mark.parametrize("average", [False, True])
def test_several_classes_dense_equals_csr(X, loss, average):
    y = targets(loss, 3)
    for labels in (y, np.eye(4, dtype=int)[y]):
        if labels.ndim == 2 and loss == LogLoss():
            continue  # labels of an indicator matrix are no joint classes
        model = GDClassifier(loss, optimizer="sgd", eta0=0.05, learning_rate="constant", alpha=0.01)
        model.set_params(average=average, max_iter=3, tol=None, random_state=0)
        assert_same(clone(model).fit(X, labels), model.fit(csr(X), labels))


@pytest.mark.parametrize("penalty", ["l2", "l1"])
@pytest.mark.parametrize("name", LOSSES)
def test_auto_dense_close_to_csr(X, name, penalty):
    """Centred where it is dense, not where it is sparse: other steps, the same minimum."""
    loss = LOSSES[name]()
    model = model_for(loss, penalty=penalty, tol=1e-5, max_iter=2000)
    y = targets(loss)
    dense, sparse = clone(model).fit(X, y), model.fit(csr(X), y)
    # a cauchy loss has several minima, an Adam on the rest ends near one
    rtol = 1e-4 if dense.optimizer_.full_batch else 0.05
    found = [np.min(fitted.loss_curve_[-5:]) for fitted in (dense, sparse)]
    assert found[0] == pytest.approx(found[1], rel=rtol, abs=1e-3)


# -- weights that are kept lazily ----------------------------------------------------------

LAZY = {
    "l2, eta * alpha above 1": {"penalty": "l2", "alpha": 30.0, "eta0": 0.05},
    "l2, eta * alpha of 1": {"penalty": "l2", "alpha": 20.0, "eta0": 0.05},
    "l2, strong": {"penalty": "l2", "alpha": 5.0, "eta0": 0.05},
    "l1, strong": {"penalty": "l1", "alpha": 0.5, "eta0": 0.05},
    "l1, weak": {"penalty": "l1", "alpha": 1e-3, "eta0": 0.05},
    "elastic net": {"penalty": "elasticnet", "alpha": 0.3, "l1_ratio": 0.3, "eta0": 0.05},
    "elastic net, above 1": {"penalty": "elasticnet", "alpha": 40.0, "l1_ratio": 0.1, "eta0": 0.05},
    "elastic net, all l1": {"penalty": "elasticnet", "alpha": 0.1, "l1_ratio": 1.0, "eta0": 0.05},
    "elastic net, all l2": {"penalty": "elasticnet", "alpha": 0.1, "l1_ratio": 0.0, "eta0": 0.05},
}


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("name", LAZY)
def test_lazy_equals_dense_over_many_steps(X, name, average):
    """The scale is renewed many times, and shrunk to zero, not below, where eta * alpha > 1."""
    y = 3 * targets(LOSSES["squared_error"])
    model = GDRegressor(learning_rate="constant", max_iter=200, tol=None, average=average)
    model.set_params(random_state=0, **LAZY[name])
    dense, sparse = clone(model).fit(X, y), model.fit(csr(X), y)
    assert_allclose(sparse.coef_, dense.coef_, rtol=1e-9, atol=1e-12)
    assert_allclose(sparse.intercept_, dense.intercept_, rtol=1e-9)
    assert_allclose(sparse.loss_curve_, dense.loss_curve_, rtol=1e-9)
    if not average:
        assert_array_equal(sparse.coef_ == 0, dense.coef_ == 0)


def test_elastic_net_at_its_ends(X):
    """l1_ratio is not inverted (scikit-learn 2631)."""
    y = targets(LOSSES["squared_error"])
    common = {"learning_rate": "constant", "eta0": 0.05, "alpha": 0.1, "max_iter": 5, "tol": None}
    common |= {"random_state": 0}
    for l1_ratio, pure in ((1.0, "l1"), (0.0, "l2")):
        for data in (X, csr(X)):
            net = GDRegressor(penalty="elasticnet", l1_ratio=l1_ratio, **common).fit(data, y)
            assert_allclose(net.coef_, GDRegressor(penalty=pure, **common).fit(data, y).coef_)


def test_tiny_rates_and_many_features():
    """Features that occur once in thousands of steps get all the shrinking they missed."""
    rng = np.random.default_rng(1)
    X = sp.random_array((3000, 400), density=0.004, format="csr", rng=rng)
    y = rng.standard_normal(3000)
    for penalty in ("l2", "l1", "elasticnet"):
        model = GDRegressor(penalty=penalty, alpha=2e-3, learning_rate="invscaling", eta0=0.5)
        model.set_params(max_iter=4, tol=None, random_state=0)
        assert_same(clone(model).fit(X, y), model.fit(X.toarray(), y), rtol=1e-8)


# -- steps on the entries that a batch touches ---------------------------------------------

WIDE_N, WIDE_P = 120, 60
FACTORS = np.r_[0.0, np.random.default_rng(2).uniform(0.2, 2.0, WIDE_P - 1)]
LOWER = np.where(np.arange(WIDE_P) % 3 == 0, 0.02, -0.2)  # some may not be zero
UPPER = np.where(np.arange(WIDE_P) % 3 == 1, -0.01, 0.3)
ELEMENTWISE = [
    None,
    L2(0.05),
    L2(30.0),
    L2(0.05, weights=FACTORS),
    L1(0.01),
    L1(0.01, weights=FACTORS),
    ElasticNet(0.05, 0.3),
    ElasticNet(0.05, 0.3, weights=FACTORS),
    MCP(0.03, 1.5),
    MCP(0.03, 1.5, weights=FACTORS),
    SCAD(0.03, 2.5),
    SCAD(0.03, 2.5, weights=FACTORS),
    Box(),
    Box(np.minimum(LOWER, UPPER), np.maximum(LOWER, UPPER), l1=0.01, l2=0.02),
    Box(-0.1, 0.2, l1=0.01, l2=0.02, weights=FACTORS),
]
DECAYING = InvScaling(0.3, power_t=0.2)
#: rules whose steps on CSR cost what the batch has nonzeros
LOCAL = [
    SGD(0.05),
    SGD(DECAYING),
    AdaGrad(0.1),
    AdaGrad(DECAYING),
    FTRL(0.1),
    FTRL(0.2, l1=0.01, l2=0.03),
    FTRL(DECAYING, l1=0.01),
    NormalizedAdaGrad(0.3),
    PassiveAggressive(0.1),
    PassiveAggressive(0.1, "pa2"),
    PolyakSGD(0.1),
    Clipped(AdaGrad(0.1), 0.5),
    Clipped(NormalizedAdaGrad(0.3), 0.5),
]


@pytest.fixture(scope="module")
def wide():
    """Rows that have few of many features, so that most weights miss most steps."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((WIDE_N, WIDE_P)) * (rng.random((WIDE_N, WIDE_P)) < 0.04)
    X[3], X[:, 5] = 0.0, 0.0
    y = X @ rng.standard_normal(WIDE_P) + 0.1 * rng.standard_normal(WIDE_N)
    return X, np.c_[y, rng.standard_normal(WIDE_N) - y]


def test_the_table_of_penalties_is_complete():
    assert {type(p) for p in ELEMENTWISE if p} == set(PENALTIES.values()) - {GroupLasso}


@pytest.mark.parametrize("rule", LOCAL, ids=repr)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_batches_without_entries(wide, rule, batch_size):
    """They move the intercept alone."""
    X, Y = wide
    X = np.where(np.arange(len(X))[:, None] % 12 < 8, 0.0, X)
    model = GDRegressor(optimizer=rule, batch_size=batch_size, shuffle=False, random_state=0)
    model.set_params(max_iter=4, tol=None)
    for y in (Y[:, 0], Y):
        dense, sparse = clone(model).fit(X, y), model.fit(csr(X), y)
        assert_allclose(sparse.coef_, dense.coef_, rtol=1e-9, atol=1e-12)
        assert_allclose(sparse.intercept_, dense.intercept_, rtol=1e-9)


@pytest.mark.parametrize("rule", [*RULES.values(), *KIN, *LOCAL[1:]], ids=repr)
def test_wide_dense_equals_csr(wide, rule):
    """Every rule with every penalty, averaged from the start, from the middle and not at all."""
    X, Y = wide
    averages = (False,) if rule.full_batch else (False, True, 200)
    for penalty in (*ELEMENTWISE, GroupLasso(0.01)):
        for average in averages:
            for y, batch_size in ((Y[:, 0], 1), (Y, 3)):
                model = GDRegressor(optimizer=rule, penalty=penalty, average=average)
                model.set_params(batch_size=batch_size, max_iter=4, tol=None, random_state=0)
                dense, sparse = clone(model).fit(X, y), model.fit(csr(X), y)
                scale = np.abs(dense.coef_).max()
                assert_allclose(sparse.coef_, dense.coef_, rtol=1e-9, atol=1e-11 * scale)
                assert_allclose(sparse.intercept_, dense.intercept_, rtol=1e-9, atol=1e-12)
                assert_allclose(sparse.loss_curve_, dense.loss_curve_, rtol=1e-9)
                # a ridge's weights may round to zero in one and just not do so in the other
                sizes = np.maximum(np.abs(dense.coef_), np.abs(sparse.coef_))
                large = (sizes == 0) | (sizes > 1e-15 * scale)
                assert_array_equal((sparse.coef_ == 0)[large], (dense.coef_ == 0)[large])


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("rule", LOCAL, ids=repr)
def test_a_stream_of_few_rows_with_many_features(rule, batch_size):
    """Calls whose rows have few of the features, most of which no row has had so far."""
    rng = np.random.default_rng(0)
    shape = 8, WIDE_P
    calls = [rng.standard_normal(shape) * (rng.random(shape) < 0.01) for _ in range(4)]
    calls[1][0] = 0.0
    calls[2][:, :40] = calls[0][:, :40]
    assert all(4 * np.count_nonzero(rows) < WIDE_P for rows in calls)
    Y = rng.standard_normal((8, 2))
    for penalty in ELEMENTWISE:
        for average in (False, True, 10):
            model = GDRegressor(optimizer=rule, penalty=penalty, average=average, random_state=0)
            model.set_params(batch_size=batch_size, alpha=0.1)
            for y in (Y[:, 0], Y):
                dense, sparse = clone(model), clone(model)
                for rows in calls:
                    dense.partial_fit(rows, y)
                    sparse.partial_fit(csr(rows), y)
                scale = np.abs(dense.coef_).max()
                assert_allclose(sparse.coef_, dense.coef_, rtol=1e-9, atol=1e-11 * scale)
                assert_allclose(sparse.intercept_, dense.intercept_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("rule", LOCAL, ids=repr)
def test_entries_that_name_one_feature_add_up(wide, rule, batch_size):
    X, Y = csr(wide[0]), wide[1][:, 0]
    shares = np.repeat(X.data, 2) * np.tile([0.25, 0.75], X.nnz)
    halves = sp.csr_array((shares, np.repeat(X.indices, 2), 2 * X.indptr), shape=X.shape)
    model = GDRegressor(optimizer=rule, batch_size=batch_size, max_iter=3, tol=None, random_state=0)
    expected = clone(model).fit(X, Y).coef_
    assert_allclose(model.fit(halves, Y).coef_, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rule", [NormalizedAdaGrad(0.3), AdaGrad(DECAYING)], ids=repr)
@pytest.mark.parametrize("alpha", [1e-3, 0.1, 10.0])
def test_long_gaps_at_paces_that_change(rule, alpha):
    """A feature that two rows of a thousand have misses hundreds of steps of all lengths."""
    rng = np.random.default_rng(0)
    X = np.zeros((1000, 600))
    X[np.arange(1000), rng.integers(0, 500, 1000)] = rng.standard_normal(1000)
    X[::5, 500:] = rng.standard_normal((200, 100)) * (rng.random((200, 100)) < 0.05)
    y = rng.standard_normal(1000)
    for penalty in (L2(alpha), ElasticNet(alpha, 0.01)):
        model = GDRegressor(optimizer=rule, penalty=penalty, batch_size=1, max_iter=2, tol=None)
        model.set_params(random_state=0)
        dense, sparse = clone(model).fit(X, y), model.fit(csr(X), y)
        assert_allclose(sparse.coef_, dense.coef_, rtol=1e-9, atol=1e-14)


TINY = 1e-200


@pytest.mark.parametrize(
    "rule", [AdaGrad(0.1, epsilon=TINY), FTRL(0.1, initial_accumulator=TINY)], ids=repr
)
@pytest.mark.parametrize("alpha", [1e-9, 1e-4, 0.1, 1e3])
def test_ridge_of_missed_steps_by_formula(rule, alpha):
    """A weight that is met once moves by the learning rate; then its steps are that over |y|."""
    n, y = 300, np.random.default_rng(0).permutation(10.0 ** np.linspace(-6, 6, 300))
    model = GDRegressor(optimizer=rule, penalty=L2(alpha), fit_intercept=False, batch_size=1)
    model.set_params(shuffle=False, max_iter=1, tol=None).fit(sp.eye_array(n, format="csr"), y)
    with np.errstate(under="ignore"):
        expected = 0.1 * (1 + np.longdouble(alpha) * 0.1 / y) ** (np.arange(n) - n)
    assert_allclose(model.coef_, expected.astype(float), rtol=2e-9, atol=1e-290)


@pytest.mark.parametrize("penalty", [MCP(0.01, 1.5), SCAD(0.01, 2.5)], ids=repr)
@pytest.mark.parametrize("rate", [3.0, InvScaling(4.0, power_t=0.2)], ids=repr)
def test_steps_longer_than_a_concave_penalty_bends(wide, penalty, rate):
    X, y = 0.3 * wide[0], wide[1][:, 0]
    for average in (False, True):
        model = GDRegressor(optimizer=SGD(rate), penalty=penalty, average=average, batch_size=1)
        model.set_params(fit_intercept=False, max_iter=4, tol=None, random_state=0)
        assert_same(clone(model).fit(X, y), model.fit(csr(X), y))


def test_entries_that_name_a_feature_twice(wide):
    """A CSR row may hold two entries of one feature: they add up."""
    X, y = wide[0], wide[1][:, 0]
    matrix = csr(X)
    data = np.repeat(matrix.data, 2) * np.tile([0.25, 0.75], matrix.nnz)
    twice = sp.csr_array(
        (data, np.repeat(matrix.indices, 2), 2 * matrix.indptr), shape=matrix.shape
    )
    for rule in LOCAL:
        for batch_size in (1, 3):
            model = GDRegressor(optimizer=rule, batch_size=batch_size, max_iter=2, tol=None)
            model.set_params(random_state=0, penalty=L1(1e-3))
            assert_same(clone(model).fit(X, y), model.fit(twice, y))


def is_lazy(X, rule, penalty, *, batch_size=1, average=False, steady=True):
    targets = Targets(np.zeros(X.shape[0]), 1)
    block = Block(csr(X), targets, None, LOSSES["squared_error"](), Linear(), True)
    problem = Problem(block, penalty)
    params = np.zeros(problem.n_params)
    state = FitState(params, rule.init_state(params), mean=params.copy() if average else None)
    driver = StepDriver(problem, rule, state, batch_size=batch_size, shuffle=False)
    return driver.epoch_kernel.is_lazy(steady)


@pytest.mark.parametrize("rule", LOCAL, ids=repr)
def test_steps_that_cost_what_the_batch_has_nonzeros(wide, rule):
    X = wide[0]
    has_own_ridge = isinstance(rule, FTRL) and rule.l2 > 0
    for penalty in ELEMENTWISE:
        assert is_lazy(X, rule, penalty)
        # at changing rates, FTRL's own ridge changes each weight's steps in another way
        assert is_lazy(X, rule, penalty, steady=False) == (penalty is None or not has_own_ridge)
    # the sums of weights that a lasso or nothing moves have closed forms at any rates
    for penalty in (None, L1(0.1), L1(0.1, weights=FACTORS), Box(l1=0.1)):
        assert is_lazy(X, rule, penalty, average=True)
    # and those that a ridge moves, too, at steady ones
    steady = not rule.needs_rows and not rule.needs_loss and not isinstance(rule, Clipped)
    for penalty in (ElasticNet(0.1), MCP(0.1)):
        assert is_lazy(X, rule, penalty, average=True) == steady
    # nothing is gained where a batch has about as many entries as there are features
    plain = isinstance(rule, SGD)
    assert is_lazy(X, rule, L2(0.1), batch_size=30) == plain


def test_steps_that_cost_what_there_are_features(wide):
    X = wide[0]
    for rule in (SGD(momentum=0.9), Adam(), AdaDelta(), DoG()):
        assert not is_lazy(X, rule, None)
    for rule in (SGD(), AdaGrad()):
        assert not is_lazy(X, rule, GroupLasso(0.1))


# -- float32 -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [np.asarray, csr], ids=["dense", "csr"])
@pytest.mark.parametrize("rule", [*RULES, "saga", "svrg"])
def test_float32_is_close_to_float64(X, rule, form):
    for name in ("squared_error", "log_loss"):
        loss = LOSSES[name]()
        y = targets(loss, 2)
        model = model_for(loss, optimizer=RULES.get(rule, rule), max_iter=10)
        wide, narrow = clone(model).fit(form(X), y), model.fit(form(X).astype(np.float32), y)
        assert narrow.coef_.dtype == np.float32 and wide.coef_.dtype == np.float64
        assert_allclose(narrow.coef_, wide.coef_, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_coefficients_that_float32_cannot_hold_stay_float64(X, model):
    X = X.astype(np.float32)
    y = X.sum(axis=1, dtype=float) + 0.5
    usual = GDRegressor(model=model, random_state=0).fit(X, y)
    large = GDRegressor(model=model, random_state=0).fit(X, 1e60 * y)
    parts = (large.coef_, large.intercept_) if model == "linear" else large.coefs_[-1:]
    assert all(part.dtype == np.float64 for part in parts)
    assert_allclose(large.predict(X) / 1e60, usual.predict(X), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("first, then", [(np.float64, np.float32), (np.float32, np.float64)])
def test_dtypes_may_change_between_calls(X, first, then):
    y = targets(LOSSES["squared_error"])
    model = GDRegressor(optimizer="adam", random_state=0)
    model.partial_fit(X.astype(first), y).partial_fit(X.astype(then), y)
    same = GDRegressor(optimizer="adam", random_state=0).partial_fit(X, y).partial_fit(X, y)
    assert model.coef_.dtype == then
    assert_allclose(model.coef_, same.coef_, rtol=1e-4, atol=1e-5)
    assert_allclose(model.predict(X), same.predict(X), rtol=1e-3, atol=1e-4)


# -- forms of arrays -----------------------------------------------------------------------


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def misaligned(X):
    raw = np.empty(X.nbytes + 1, dtype=np.uint8)
    view = raw[1:].view(X.dtype).reshape(X.shape)
    view[...] = X
    assert not view.flags.aligned
    return view


def misaligned_csr(X):
    matrix = csr(X)
    matrix.data = misaligned(matrix.data)
    matrix.indices, matrix.indptr = misaligned(matrix.indices), misaligned(matrix.indptr)
    return matrix


def read_only_csr(X):
    matrix = csr(X)
    matrix.data = read_only(matrix.data)
    matrix.indices, matrix.indptr = read_only(matrix.indices), read_only(matrix.indptr)
    return matrix


def mixed_indices(X):
    matrix = csr(X)
    matrix.indptr = matrix.indptr.astype(np.int64)
    return matrix


def every_other_column(X):
    wide = np.empty((N, 2 * P))
    wide[:, ::2] = X
    return wide[:, ::2]


def unsorted_csr(X):
    matrix = csr(X)
    for start, stop in zip(matrix.indptr, matrix.indptr[1:], strict=False):
        matrix.data[start:stop] = matrix.data[start:stop][::-1].copy()
        matrix.indices[start:stop] = matrix.indices[start:stop][::-1].copy()
    matrix.has_sorted_indices = False
    return matrix


SHAPES = {
    "read-only": read_only,
    "Fortran order": np.asfortranarray,
    "every other column": every_other_column,
    "reversed": lambda X: X[::-1].copy()[::-1],
    "misaligned": misaligned,
    "big endian": lambda X: X.astype(">f8"),
    "list": lambda X: X.tolist(),
    "data frame": lambda X: pd.DataFrame(X, columns=list("abcdefghijkl")),
    "read-only csr": read_only_csr,
    "misaligned csr": misaligned_csr,
    "mixed indices": mixed_indices,
    "unsorted csr": unsorted_csr,
    "csc": sp.csc_array,
    "coo": sp.coo_array,
}


@pytest.mark.parametrize("rule", ["sgd", "adam", "saga", "auto"])
@pytest.mark.parametrize("name", SHAPES)
def test_forms(X, name, rule):
    y = targets(LOSSES["squared_error"])
    model = GDRegressor(optimizer=rule, max_iter=20, tol=None, random_state=0)
    data = SHAPES[name](X)
    expected = clone(model).fit(csr(X) if sp.issparse(data) else X, y)
    found = model.fit(data, y)
    assert_allclose(found.coef_, expected.coef_, rtol=1e-10, atol=1e-12)
    assert_allclose(found.predict(data), expected.predict(X), rtol=1e-10, atol=1e-12)
    if rule != "auto":
        twice = clone(model).set_params(max_iter=1).partial_fit(data, y).partial_fit(data, y)
        assert np.isfinite(twice.coef_).all()


@pytest.mark.parametrize("place", [misaligned, read_only, lambda y: np.repeat(y, 2)[::2]])
def test_forms_of_targets_and_weights(X, place):
    y, weights = targets(LOSSES["squared_error"]), np.linspace(0.5, 2, N)
    model = GDRegressor(optimizer="sgd", max_iter=3, tol=None, random_state=0)
    expected = clone(model).fit(X, y, sample_weight=weights)
    found = model.fit(X, place(y), sample_weight=place(weights))
    assert_array_equal(found.coef_, expected.coef_)


def test_memory_maps(X, tmp_path):
    """Read-only maps, as joblib hands them to its workers (scikit-learn 12518)."""
    y = targets(LOSSES["squared_error"])
    model = GDRegressor(optimizer="sgd", max_iter=3, tol=None, random_state=0)
    expected = clone(model).fit(X, y)
    np.save(tmp_path / "X.npy", X)
    joblib.dump((X, y, csr(X)), tmp_path / "data")
    mapped = joblib.load(tmp_path / "data", mmap_mode="r")
    for data in (np.load(tmp_path / "X.npy", mmap_mode="r"), mapped[0], mapped[2]):
        assert_allclose(clone(model).fit(data, mapped[1]).coef_, expected.coef_, rtol=1e-9)


@pytest.mark.parametrize("form", [np.array, csr], ids=["dense", "csr"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_data_are_not_written_to(X, optimizer, form):
    data, y, weights = form(X), targets(LOSSES["squared_error"]), np.linspace(0, 2, N)
    before = [joblib.hash(value) for value in (data, y, weights)]
    model = GDRegressor(optimizer=optimizer, max_iter=3, tol=None, early_stopping=True)
    model.fit(data, y, sample_weight=weights).predict(data)
    assert before == [joblib.hash(value) for value in (data, y, weights)]


@pytest.mark.parametrize(
    "optimizer", ["auto", "sdca", "saga", "svrg", "lbfgs", "adagrad", CoordinateNewton()], ids=str
)
def test_entries_that_name_a_feature_twice_add_up(optimizer):
    """Their squares do not; the caller's matrix stays as it is."""
    rng = np.random.default_rng(0)
    n, p, length = 200, 600, 40
    words = np.minimum(rng.zipf(1.3, n * length), p) - 1
    X = sp.csr_array((np.ones(n * length), words, np.arange(0, n * length + 1, length)), (n, p))
    tidy = X.copy()
    tidy.sum_duplicates()
    y = tidy[:, [2]].toarray().ravel() > 1
    model = GDClassifier(alpha=0.01, optimizer=optimizer, max_iter=300, tol=1e-9, random_state=0)
    once = clone(model).fit(tidy, y)
    # L-BFGS takes other coordinates, and comes as near
    assert_allclose(model.fit(X, y).coef_, once.coef_, atol=2e-4)
    assert X.nnz == n * length
