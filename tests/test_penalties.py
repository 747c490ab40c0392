"""Every registered penalty: its formula, its proximal step, its gradient and its kernel."""

import math
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.linear_model import SGDRegressor
from sklearn.utils._param_validation import InvalidParameterError

from sklgd._kernels import penalties as kernels
from sklgd._strategy import compose_kernel
from sklgd.penalties import (
    L1,
    L2,
    MCP,
    PENALTIES,
    SCAD,
    Box,
    ElasticNet,
    GroupLasso,
    Penalty,
)
from sklgd.testing import check_penalty

P = 6
WEIGHTS = np.array([1.0, 0.5, 0.0, 2.0, 3.0, 0.1])

# every class, with parameters that matter at weights of order 1
ELEMENTWISE = [
    L2(0.7),
    L1(0.7),
    ElasticNet(0.7, 0.3),
    MCP(0.7, 2.0),
    SCAD(0.7, 2.5),
    Box(-0.4, 0.9),
    Box(-0.4, 0.9, l1=0.5, l2=0.6),
]
GROUPED = [
    GroupLasso(0.7),
    GroupLasso(0.7, groups=[[4, 0], np.array([3, 1, 2])]),
    GroupLasso(0.7, groups=np.array([3, -1, 3, 5, 5, 3])),
    GroupLasso(0.7, groups=list("abbaab")),
]


def weighted(penalty, weights=WEIGHTS):
    return clone(penalty).set_params(weights=weights)


BOUNDS = [Box(lower=np.linspace(-1, 0, P), upper=0.7), Box(upper=np.full(P, 0.3), l1=0.2)]
ALL = [*ELEMENTWISE, *map(weighted, ELEMENTWISE), *GROUPED, *BOUNDS]


def normal(*shape, seed=0, size=1.5):
    return size * np.random.default_rng(seed).standard_normal(shape)


def proximal(penalty, w, lr):
    v = np.array(w, dtype=np.float64)
    assert penalty.prox(v, lr) is None
    return v


def gradient(penalty, w):
    grad = np.zeros_like(w)
    assert penalty.add_gradient(w, grad) is None
    return grad


def test_table_is_complete():
    assert {type(penalty) for penalty in ALL} == set(PENALTIES.values())
    assert list(PENALTIES) == ["l2", "l1", "group_lasso", "mcp", "scad", "box", "elasticnet"]


# h(w) of one weight, with the parameters of ELEMENTWISE
SCALAR = [
    lambda w: 0.35 * w * w,
    lambda w: 0.7 * abs(w),
    lambda w: 0.7 * (0.3 * abs(w) + 0.35 * w * w),
    lambda w: 0.7 * abs(w) - w * w / 4 if abs(w) <= 1.4 else 0.49,
    # Fan and Li's definition is its slope: integrate it
    lambda w: scad_by_quadrature(abs(w), 0.7, 2.5),
    lambda w: 0.0 if -0.4 <= w <= 0.9 else math.inf,
    lambda w: 0.5 * abs(w) + 0.3 * w * w if -0.4 <= w <= 0.9 else math.inf,
]


def scad_by_quadrature(w, alpha, gamma):
    edges = np.linspace(0, w, 20001)
    mid = (edges[1:] + edges[:-1]) / 2
    slope = np.where(mid <= alpha, alpha, np.maximum(gamma * alpha - mid, 0) / (gamma - 1))
    return float(np.sum(slope) * w / 20000)


@pytest.mark.parametrize(
    "penalty, h", list(zip(ELEMENTWISE, SCALAR, strict=True)), ids=map(repr, ELEMENTWISE)
)
def test_value_of_one_weight(penalty, h):
    for w in (-3.0, -1.2, -0.9, -0.4, -0.1, 0.0, 0.3, 0.7, 0.9, 1.0, 1.4, 1.7, 1.75, 2.6):
        assert penalty.value(np.array([w])) == pytest.approx(h(w), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    "penalty, h", list(zip(ELEMENTWISE, SCALAR, strict=True)), ids=map(repr, ELEMENTWISE)
)
def test_value_is_a_weighted_sum(penalty, h):
    w = np.clip(normal(3, P), -0.4, 0.9) if isinstance(penalty, Box) else normal(3, P)
    each = np.array([[h(x) for x in row] for row in w.tolist()])
    assert penalty.value(w) == pytest.approx(each.sum(), rel=1e-6)
    assert penalty.value(w[0]) == pytest.approx(each[0].sum(), rel=1e-6)
    assert weighted(penalty).value(w) == pytest.approx((each * WEIGHTS).sum(), rel=1e-6)
    assert isinstance(penalty.value(w), float)


def test_value_of_groups():
    w = normal(2, P)
    norm = np.linalg.norm
    features, indices, labels, letters = GROUPED
    assert features.value(w) == pytest.approx(0.7 * 2**0.5 * sum(norm(w[:, j]) for j in range(P)))
    assert features.value(w[0]) == pytest.approx(0.7 * np.abs(w[0]).sum())
    assert indices.value(w) == pytest.approx(
        0.7 * sum(2**0.5 * norm(r[[0, 4]]) + 3**0.5 * norm(r[1:4]) for r in w)
    )
    assert labels.value(w) == pytest.approx(
        0.7 * sum(3**0.5 * norm(r[[0, 2, 5]]) + 2**0.5 * norm(r[3:5]) for r in w)
    )
    assert letters.value(w[0]) == pytest.approx(
        0.7 * 3**0.5 * (norm(w[0, [0, 3, 4]]) + norm(w[0, [1, 2, 5]]))
    )


# below, at and beyond the steps from which MCP (2) and SCAD (1.5 and 3.5) are not convex
STEPS = [0.01, 0.5, 1.0, 1.5, 1.7, 2.0, 3.0, 3.5, 5.0, 40.0]


@pytest.mark.parametrize("penalty", ELEMENTWISE, ids=repr)
@pytest.mark.parametrize("weight", [None, 0.6])
def test_prox_is_the_best_of_a_grid(penalty, weight):
    # Every minimiser lies between 0 and w or at a bound; none of the grid may be better.
    if weight is not None:
        penalty = weighted(penalty, [weight])
    for w in (-4.0, -1.41, -0.7, -0.2, 0.0, 0.3, 0.9, 1.3, 1.4, 1.6, 1.75, 2.2, 2.4, 3.1, 6.0):
        grid = np.union1d(np.linspace(min(w, -0.4), max(w, 0.9), 301), [0.0, w])
        values = np.array([penalty.value(np.array([v])) for v in grid])
        for lr in STEPS:
            (found,) = proximal(penalty, [w], lr)
            best = np.min((grid - w) ** 2 / 2 + lr * values)
            objective = (found - w) ** 2 / 2 + lr * penalty.value(np.array([found]))
            assert objective <= best + 1e-12 * (1 + abs(best)), (w, lr, found)


@pytest.mark.parametrize("penalty", GROUPED, ids=repr)
@pytest.mark.parametrize("rows", [None, 1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_prox_of_groups_is_the_minimum(penalty, rows, seed):
    shape = (P,) if rows is None else (rows, P)
    rng = np.random.default_rng(seed)
    w = normal(*shape, seed=seed)
    for lr in (0.3, 1.0, rng.uniform(0.01, 1.5, shape), 10.0 ** rng.uniform(-4, 1, shape)):

        def objective(v, lr=lr):
            v = v.reshape(shape)
            return np.sum((v - w) ** 2 / (2 * lr)) + penalty.value(v)

        found = proximal(penalty, w, lr)
        result = minimize(
            objective, found.ravel() + 0.01, method="L-BFGS-B", options={"maxiter": 500}
        )
        assert objective(found) <= result.fun + 1e-9 * (1 + result.fun)
        for reach in (1e-3, 1e-1, 1.0):
            other = found + reach * rng.standard_normal((20, *shape))
            assert min(map(objective, other)) >= objective(found)


def test_prox_of_a_group_solves_its_equation():
    # over steps and weights many orders of magnitude apart, steps of 0 included
    rng = np.random.default_rng(0)
    for n in rng.integers(1, 8, 300):
        w = rng.standard_normal(n) * 10.0 ** rng.uniform(-6, 6, n)
        sizes = 10.0 ** rng.uniform(-9, 9, n) * (rng.random(n) > 0.2)
        penalty = GroupLasso(10.0 ** rng.uniform(-3, 3), groups=[np.arange(n)])
        cut = sizes * penalty.alpha * math.sqrt(n)
        v = proximal(penalty, w, sizes)
        if norm := np.linalg.norm(v):
            assert_allclose(v + cut * v / norm, w, rtol=1e-12)
        else:
            assert np.all(cut > 0) and np.sum((w / cut) ** 2) <= 1 + 1e-12


@pytest.mark.parametrize("penalty", ALL, ids=repr)
@pytest.mark.parametrize("shape", [(P,), (1, P), (3, P)])
def test_prox_with_a_step_for_each_weight(penalty, shape):
    w = normal(*shape, seed=1)
    for lr in (0.0, 0.4, 3.0):
        assert_allclose(
            proximal(penalty, w, np.full(shape, lr)), proximal(penalty, w, lr), rtol=1e-13
        )
    if isinstance(penalty, GroupLasso):
        return
    sizes = np.random.default_rng(2).uniform(0, 4, shape)
    found = proximal(penalty, w, sizes)
    for at in np.ndindex(shape):
        assert found[at] == pytest.approx(proximal(penalty, w, sizes[at])[at], rel=1e-14)


@pytest.mark.parametrize("penalty", ALL, ids=repr)
@pytest.mark.parametrize("shape", [(P,), (1, P), (3, P)])
def test_gradient_by_finite_differences(penalty, shape):
    w = normal(*shape, seed=3)
    if isinstance(penalty, Box):
        lower, upper = np.maximum(penalty.lower, -1.0), np.minimum(penalty.upper, 1.0)
        w = lower + (upper - lower) * np.random.default_rng(3).uniform(0.1, 0.9, shape)
    start = normal(*shape, seed=4)
    grad = start.copy()
    penalty.add_gradient(w, grad)
    for at in np.ndindex(shape):
        step = np.zeros(shape)
        step[at] = 1e-6
        slope = (penalty.value(w + step) - penalty.value(w - step)) / 2e-6
        assert grad[at] - start[at] == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("penalty", ALL, ids=repr)
def test_gradient_at_zero_is_zero(penalty):
    assert_array_equal(gradient(penalty, np.zeros((2, P))), 0.0)


@pytest.mark.parametrize("penalty", ALL, ids=repr)
def test_split_sums_to_the_whole(penalty):
    smooth, rest = penalty.split()
    for w in (normal(3, P), normal(P), proximal(penalty, normal(P), 0.1)):
        total = sum(part.value(w) for part in (smooth, rest) if part is not None)
        assert total == pytest.approx(penalty.value(w), rel=1e-14)
    for part in (smooth, rest):
        assert part is None or part.validate() is part


def test_splits():
    w = WEIGHTS
    assert L2(0.5).split() == (L2(0.5), None)
    assert L1(0.5).split() == (None, L1(0.5))
    assert L1(0.0).split() == (None, None)
    assert ElasticNet(0.5, 0.2, weights=w).split() == (L2(0.4, weights=w), L1(0.1, weights=w))
    assert ElasticNet(0.5, 0.0).split() == (L2(0.5), None)
    assert ElasticNet(0.5, 1.0).split() == (None, L1(0.5))
    assert ElasticNet(0.0, 0.5).split() == (None, None)
    for penalty in (GroupLasso(), MCP(), SCAD(), Box(), Box(l1=0.1)):
        assert penalty.split() == (None, penalty)
    assert Box(-1, 2, l1=0.1, l2=0.2, weights=w).split() == (
        L2(0.2, weights=w),
        Box(-1, 2, l1=0.1, weights=w),
    )


class Shift(Penalty):
    """|w - 1|^2 / 2"""

    def value(self, w):
        return float(np.sum((w - 1) ** 2) / 2)


class ShiftByProx(Shift):
    def prox(self, w, lr):
        w[...] = (w + lr) / (1 + lr)


class ShiftByGradient(Shift):
    def add_gradient(self, w, grad):
        grad += w - 1


class ShiftByBoth(ShiftByGradient, ShiftByProx):
    pass


class ProxInBase(ShiftByProx):
    def add_gradient(self, w, grad):
        grad += w - 1


@pytest.mark.parametrize(
    "cls, smooth",
    [(ShiftByProx, False), (ShiftByGradient, True), (ShiftByBoth, True), (ProxInBase, True)],
)
def test_split_of_a_users_penalty(cls, smooth):
    penalty = cls()
    assert penalty.split() == ((penalty, None) if smooth else (None, penalty))
    check_penalty(penalty)


def test_a_users_penalty_must_define_something():
    with pytest.raises(NotImplementedError, match="Shift must define prox"):
        Shift().split()
    with pytest.raises(NotImplementedError, match="Penalty must define value"):
        Penalty().value(np.zeros(2))


@pytest.mark.parametrize("base", [L2, ElasticNet, Box])
def test_a_subclass_trains_with_what_it_overrides(base):
    # a split into the base's parts would ignore it
    class Louder(base):
        def prox(self, w, lr):
            w[...] = 0.0

    class Steeper(base):
        def add_gradient(self, w, grad):
            grad += w

    class Renamed(base):
        pass

    params = {"l2": 0.3, "l1": 0.2} if base is Box else {"alpha": 0.3}
    louder, steeper = Louder(**params), Steeper(**params)
    assert louder.split() == (None, louder)
    assert steeper.split() == (steeper, None)
    renamed = Renamed(**params)
    assert [type(part) for part in renamed.split()] in ([Renamed, type(None)], [L2, L1], [L2, Box])
    assert compose_kernel(louder, adapter=lambda strategy: strategy) is louder


@pytest.mark.parametrize("penalty", ALL, ids=repr)
@pytest.mark.parametrize("shape", [(P,), (1, P), (3, P)])
def test_kernel(penalty, shape):
    kernel = compose_kernel(penalty, adapter=None)
    points = [normal(*shape, size=size) for size in (1e-3, 0.5, 2.0, 50.0)]
    for kink in (0.0, -0.0, 0.4, 0.7, 0.9, 1.4, 1.75, -0.4, -0.7):
        points.append(np.full(shape, kink))
    for w in points:
        start = normal(*shape, seed=9)
        expected, found = start.copy(), start.copy()
        penalty.add_gradient(w, expected)
        kernels.add_gradient(kernel, w, found)
        assert_allclose(found, expected, rtol=1e-12, atol=0)
        sizes = np.random.default_rng(1).uniform(0, 6, shape)
        for lr in [0.0, *STEPS, sizes, sizes / 100]:
            v = w.copy()
            if np.ndim(lr) == 0:
                kernels.prox(kernel, v, lr)
            else:
                kernels.prox(kernel, v, math.nan, lr)
            expected = proximal(penalty, w, lr)
            assert_allclose(v, expected, rtol=1e-12, atol=0)
            cut = expected == 0
            assert_array_equal(np.signbit(v[cut]), np.signbit(expected[cut]))


@pytest.mark.parametrize(
    "penalty", [cls() for cls in PENALTIES.values()] + [GroupLasso(groups=np.arange(700) // 9)]
)
@pytest.mark.parametrize("use_weights", [False, True])
def test_kernel_over_several_blocks(penalty, use_weights):
    p = 700
    rng = np.random.default_rng(5)
    penalty = clone(penalty)
    for name, value in {"alpha": 0.7, "l1": 0.2, "upper": rng.random(p)}.items():
        if hasattr(penalty, name):
            setattr(penalty, name, value)
    if use_weights:
        if isinstance(penalty, GroupLasso):
            return
        penalty.weights = rng.integers(0, 3, p)
    kernel = compose_kernel(penalty, adapter=None)
    w, sizes = normal(2, p), rng.uniform(0, 3, (2, p))
    grad = gradient(penalty, w)
    found = np.zeros_like(w)
    kernels.add_gradient(kernel, w, found)
    assert_allclose(found, grad, rtol=1e-12)
    for lr in (0.8, sizes):
        v = w.copy()
        kernels.prox(kernel, v, 0.8, None if lr is not sizes else sizes)
        assert_allclose(v, proximal(penalty, w, lr), rtol=1e-12)


def test_kernel_says_what_fused_loops_can_do():
    def strengths(penalty):
        kernel = compose_kernel(penalty, adapter=None)
        return kernel.ridge, kernel.threshold

    assert_array_equal(strengths(L2(0.3)), (0.3, math.nan))
    for weights in (None, WEIGHTS):
        assert_array_equal(strengths(L1(0.3, weights=weights)), (math.nan, 0.3))
    for penalty in (
        L2(0.3, weights=WEIGHTS),
        *(PENALTIES[name]() for name in set(PENALTIES) - {"l1", "l2"}),
    ):
        assert_array_equal(strengths(penalty), (math.nan, math.nan))


@pytest.mark.parametrize("penalty", ALL, ids=repr)
def test_nan_stays_nan(penalty):
    # a model that diverges must not be taken for a sparse one
    for lr in (0.5, 100.0, np.full(P, 0.5)):
        w = np.full(P, math.nan)
        assert np.all(np.isnan(proximal(penalty, w, lr)))
        kernels.prox(
            compose_kernel(penalty, adapter=None),
            w,
            0.0 if np.ndim(lr) else lr,
            lr if np.ndim(lr) else None,
        )
        assert np.all(np.isnan(w))


@pytest.mark.parametrize("penalty", [L1(1.0), ElasticNet(1.0, 0.5), MCP(1.0), SCAD(1.0), *GROUPED])
@pytest.mark.parametrize("lr", [0.5, 2.0, 60.0])
def test_exact_zeros(penalty, lr):
    w = np.array([0.2, -0.2, 0.0, -0.0, 1e-300, -1e-300])
    twin = w.copy()
    kernels.prox(compose_kernel(penalty, adapter=None), twin, lr)
    inside = np.ones(P, bool)
    if isinstance(penalty, GroupLasso):
        group, strength = penalty._groups(w)
        inside = strength[group] > 0
    for v in (proximal(penalty, w, lr), twin):
        assert_array_equal(v[inside], 0.0)
        assert not np.signbit(v[inside]).any()
    large = np.array([50.0, -50.0] * 3)
    assert_array_equal(np.sign(proximal(penalty, large, 0.5)), np.sign(large))


@pytest.mark.parametrize("name", ["value", "add_gradient", "prox"])
def test_elastic_net_extremes(name):
    w, lr = normal(3, P), np.random.default_rng(1).uniform(0, 2, (3, P))
    for l1_ratio, pure in ((1.0, L1(0.3)), (0.0, L2(0.3))):
        for weights in (None, WEIGHTS):
            net = ElasticNet(0.3, l1_ratio, weights=weights)
            pure = weighted(pure, weights)
            if name == "value":
                assert net.value(w) == pytest.approx(pure.value(w), rel=1e-15)
            elif name == "add_gradient":
                assert_array_equal(gradient(net, w), gradient(pure, w))
            else:
                assert_array_equal(proximal(net, w, lr), proximal(pure, w, lr))


@pytest.mark.parametrize("alpha", [0.0, 1e-3, 0.5])
def test_strengths_are_those_of_sklearn(alpha):
    # SGDRegressor approaches the objective's minimum over one weight, which is a proximal step.
    # Without averaging: with it, the elastic net of 1.9.1 goes astray.
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 1))
    y = X[:, 0]
    model = SGDRegressor(
        penalty="elasticnet",
        alpha=alpha,
        l1_ratio=0.4,
        fit_intercept=False,
        eta0=0.05,
        power_t=0.6,
        tol=None,
        max_iter=200,
        random_state=0,
    ).fit(X, y)
    moment = np.mean(X**2)
    expected = proximal(ElasticNet(alpha, 0.4), [1.0], 1 / moment)
    assert_allclose(model.coef_, expected, rtol=2e-2)


@pytest.mark.parametrize("penalty", [weighted(penalty) for penalty in ELEMENTWISE], ids=repr)
def test_zero_weight_leaves_a_feature_alone(penalty):
    (free,) = np.flatnonzero(WEIGHTS == 0)
    w = normal(3, P, size=4.0)
    for lr in (0.5, 10.0, np.full((3, P), 2.0)):
        assert_array_equal(proximal(penalty, w, lr)[:, free], w[:, free])
        assert np.any(proximal(penalty, w, lr)[:, free - 1] != w[:, free - 1])
    assert_array_equal(gradient(penalty, w)[:, free], 0.0)
    inside = proximal(penalty, w, 0.1)
    inside[:, np.arange(P) != free] = 0.0
    assert penalty.value(inside) == 0.0


def test_weights_of_one_are_none():
    for penalty in ELEMENTWISE:
        ones, w = weighted(penalty, np.ones(P)), normal(3, P)
        assert ones.value(w) == pytest.approx(penalty.value(w), rel=1e-15)
        assert_array_equal(gradient(ones, w), gradient(penalty, w))
        assert_array_equal(proximal(ones, w, 0.3), proximal(penalty, w, 0.3))


def test_zero_strength_does_nothing():
    w = normal(2, P)
    for name in set(PENALTIES) - {"box"}:
        penalty = PENALTIES[name](alpha=0.0)
        for lr in (0.7, np.full(w.shape, 50.0)):
            assert_array_equal(proximal(penalty, w, lr), w)
        assert penalty.value(w) == 0.0


def test_box_value_and_bounds():
    box = Box(-1, 1)
    assert box.value(np.array([-1.0, 1.0])) == 0.0
    assert box.value(np.array([0.0, 1.0 + 1e-12])) == math.inf
    assert_array_equal(proximal(box, [-3.0, -0.0, 0.5, math.inf], 0.1), [-1.0, 0.0, 0.5, 1.0])
    assert not np.signbit(proximal(Box(), [-0.0, -3.0], 0.1)).any()
    bounds = Box(lower=[-1, -np.inf, 0], upper=[1, 0, 0])
    assert_array_equal(proximal(bounds, [[5.0] * 3, [-5.0] * 3], 1.0), [[1, 0, 0], [-1, -5, 0]])


@pytest.mark.parametrize("penalty", ALL, ids=repr)
def test_clone_pickle_and_equality(penalty):
    w = proximal(penalty, normal(2, P), 0.1)
    for twin in (clone(penalty), pickle.loads(pickle.dumps(penalty))):
        assert twin is not penalty
        assert twin == penalty and hash(twin) == hash(penalty)
        assert twin.value(w) == penalty.value(w)
    assert penalty != Shift()
    if hasattr(penalty, "weights"):
        assert weighted(penalty, np.full(P, 0.25)) != penalty
    else:
        assert clone(penalty).set_params(alpha=0.1) != penalty


@pytest.mark.parametrize("name", PENALTIES)
def test_a_string_takes_its_parameters_from_the_estimator(name):
    penalty = PENALTIES[name].from_estimator({"alpha": 0.25, "l1_ratio": 0.75, "epsilon": 3})
    expected = {
        "l2": L2(0.25),
        "l1": L1(0.25),
        "elasticnet": ElasticNet(0.25, 0.75),
        "group_lasso": GroupLasso(0.25),
        "mcp": MCP(0.25),
        "scad": SCAD(0.25),
        "box": Box(),
    }
    assert penalty == expected[name]
    assert penalty.validate() is penalty


@pytest.mark.parametrize(
    "penalty, message",
    [
        (L2(-1.0), "'alpha' parameter of L2"),
        (L1(math.inf), "'alpha' parameter of L1"),
        (ElasticNet(l1_ratio=1.5), "'l1_ratio' parameter of ElasticNet"),
        (MCP(gamma=1.0), "'gamma' parameter of MCP"),
        (SCAD(gamma=2.0), "'gamma' parameter of SCAD"),
        (Box(l1=-1.0), "'l1' parameter of Box"),
        (Box(1.0, 0.0), "'lower' parameter of Box must not be above 'upper'"),
        (Box(math.nan), "'lower' parameter of Box must not be above 'upper'"),
        (Box([0, 0], [1, 1, 1]), "must have one length. Got 2 and 3"),
        (Box([[0.0]]), "'lower' parameter of Box must be a float or 1-D"),
        (
            L1(weights=[1, -2]),
            "'weights' parameter of L1 must be finite and not negative. Got -2.0",
        ),
        (L1(weights=[math.nan]), "at index 0"),
        (L1(weights=[[1.0]]), "must be 1-D"),
        (GroupLasso(groups="rows"), "'groups' parameter of GroupLasso"),
        (GroupLasso(groups=[]), "'groups' parameter of GroupLasso"),
        (GroupLasso(groups=[[0, 1], [1, 2]]), "Feature 1 is listed 2 times"),
        (GroupLasso(groups=[[0], []]), "Group 1 is"),
        (GroupLasso(groups=[[0], [1.5]]), "Group 1 is"),
        (GroupLasso(groups=[[-1]]), "Group 0 is"),
    ],
)
def test_bad_parameters(penalty, message):
    with pytest.raises(InvalidParameterError) as error:
        penalty.validate()
    assert message in str(error.value)


@pytest.mark.parametrize(
    "penalty, words",
    [
        (L2(weights=[1.0, 2.0]), "weights"),
        (Box(weights=[1.0, 2.0]), "weights"),
        (Box(lower=[-1.0, -2.0]), "lower"),
        (GroupLasso(groups=[0, 1]), "2 labels"),
        (GroupLasso(groups=[[0], [7]]), "feature 7"),
    ],
    ids=repr,
)
def test_another_number_of_features(penalty, words):
    w = np.zeros((2, 3))
    kernel = compose_kernel(penalty, adapter=None)
    for call in (
        lambda: penalty.value(w),
        lambda: penalty.prox(w, 0.1),
        lambda: kernels.prox(kernel, w, 0.1),
        lambda: kernels.add_gradient(kernel, w, w.copy()),
    ):
        with pytest.raises(ValueError, match=r"3 features") as error:
            call()
        assert words in str(error.value)


def test_labels_of_no_group():
    penalty = GroupLasso(1.0, groups=[-1, -1, -1])
    w = normal(2, 3)
    assert penalty.value(w) == 0.0
    twin = w.copy()
    kernels.prox(compose_kernel(penalty, adapter=None), twin, 1.0)
    for v in (proximal(penalty, w, 1.0), proximal(penalty, w, np.ones(w.shape)), twin):
        assert_array_equal(v, w)


@pytest.mark.parametrize("penalty", ALL, ids=repr)
def test_check_penalty_passes(penalty):
    check_penalty(penalty, n_features=P)
