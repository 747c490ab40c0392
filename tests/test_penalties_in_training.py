"""Every penalty through every driver: dense equals CSR, weights mean what they say."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale

from sklgd import GDClassifier, GDRegressor
from sklgd.optimizers import (
    FISTA,
    LBFGS,
    SGD,
    Adam,
    GradientDescent,
    Newton,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
)
from sklgd.penalties import L1, L2, MCP, SCAD, Box, ElasticNet, GroupLasso, Penalty

N, P = 120, 15
Q = np.random.default_rng(1).uniform(0.2, 3.0, P)
Q[3] = 0.0

ELEMENTWISE = [
    *(L1(0.02, weights=q) for q in (None, Q)),
    *(L2(0.02, weights=q) for q in (None, Q)),
    *(ElasticNet(0.02, 0.6, weights=q) for q in (None, Q)),
    *(MCP(0.02, weights=q) for q in (None, Q)),
    *(SCAD(0.02, weights=q) for q in (None, Q)),
    *(Box(-0.1, 0.2, l1=0.01, l2=0.01, weights=q) for q in (None, Q)),
]
GROUPS = [
    GroupLasso(0.02, groups=np.arange(P) // 4),
    GroupLasso(0.02, groups=[[0, 2], [1, 5, 6], [14]]),
    GroupLasso(0.02, groups="features"),
]
DRIVERS = [
    SGD(0.05),
    SGD(0.02, momentum=0.5),
    Adam(0.01),
    GradientDescent(0.1),
    FISTA(),
    "auto",
]


def name(value):
    weighted = getattr(value, "weights", None) is not None
    return f"{type(value).__name__}{'-weighted' * weighted}" if hasattr(value, "value") else None


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, P)) * (rng.random((N, P)) < 0.3)
    y = X @ np.where(np.arange(P) % 3 == 0, rng.normal(size=P), 0.0) + 0.1 * rng.normal(size=N)
    return X, y


def columns(y, n_outputs):
    return y if n_outputs == 1 else np.stack([y, -y, y[::-1]], axis=1)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("optimizer", DRIVERS, ids=repr)
@pytest.mark.parametrize("penalty", ELEMENTWISE + GROUPS, ids=name)
def test_dense_equals_csr(data, penalty, optimizer, n_outputs):
    X, y = data
    y = columns(y, n_outputs)
    model = GDRegressor(penalty=penalty, optimizer=optimizer, max_iter=4, tol=None, random_state=0)
    if optimizer == "auto":  # centred where X is dense: other steps, the same minimum
        model.set_params(max_iter=5000, tol=1e-12)
    dense = clone(model).fit(X, y)
    for wide in (np.int32, np.int64):
        X_csr = sparse.csr_matrix(X)
        X_csr.indices, X_csr.indptr = X_csr.indices.astype(wide), X_csr.indptr.astype(wide)
        found = clone(model).fit(X_csr, y)
        atol = 1e-6 if optimizer == "auto" else 1e-12
        assert_allclose(found.coef_, dense.coef_, atol=atol)
        assert_allclose(found.intercept_, dense.intercept_, atol=atol)
        if optimizer != "auto":
            assert np.array_equal(found.coef_ == 0, dense.coef_ == 0)


@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("penalty", ELEMENTWISE + GROUPS, ids=name)
def test_plain_steps_by_hand(data, penalty, average, batch_size):
    """What is lazy, fused or adapted is the rule on the page: step, then prox."""
    X, y = data
    model = GDRegressor(
        penalty=penalty,
        optimizer=SGD(0.05),
        batch_size=batch_size,
        average=average,
        shuffle=False,
        max_iter=2,
        tol=None,
    ).fit(sparse.csr_matrix(X), y)
    smooth, rest = penalty.split()
    w, b, mean_w, mean_b = np.zeros(P), 0.0, np.zeros(P), 0.0
    for t, start in enumerate([*range(0, N, batch_size)] * 2, start=1):
        part = slice(start, start + batch_size)
        error = X[part] @ w + b - y[part]
        grad = X[part].T @ error / len(error)
        if smooth is not None:
            smooth.add_gradient(w, grad)
        w = w - 0.05 * grad
        b -= 0.05 * error.mean()
        if rest is not None:
            rest.prox(w, 0.05)
        mean_w += (w - mean_w) / t
        mean_b += (b - mean_b) / t
    if average:
        w, b = mean_w, mean_b
    assert_allclose(model.coef_, w, atol=1e-12)
    assert_allclose(model.intercept_, b, atol=1e-12)
    assert np.array_equal(model.coef_ == 0, w == 0)


@pytest.mark.parametrize("penalty", [L1(0.05, weights=Q), L2(0.5, weights=Q)], ids=name)
def test_a_weight_is_a_unit_of_its_feature(data, penalty):
    """A penalty of weight q on x_j is the plain one on x_j / q (its root for L2)."""
    X, y = data
    penalty = clone(penalty).set_params(weights=np.maximum(Q, 0.1))
    q = penalty.weights if isinstance(penalty, L1) else np.sqrt(penalty.weights)
    model = GDRegressor(penalty=penalty, tol=1e-12, max_iter=5000).fit(X, y)
    plain = GDRegressor(penalty=clone(penalty).set_params(weights=None), tol=1e-12, max_iter=5000)
    assert_allclose(model.coef_, plain.fit(X / q, y).coef_ / q, atol=1e-6)


def test_a_weight_of_zero_frees(data):
    X, y = data
    model = GDRegressor(penalty=L1(10.0, weights=Q), optimizer=SGD(0.05)).fit(X, y)
    assert np.flatnonzero(model.coef_).tolist() == [3]


@pytest.mark.parametrize("penalty", [L1(0.1, weights=[1.0, 2.0]), Box([0.0, 1.0])], ids=name)
@pytest.mark.parametrize("optimizer", [SGD(0.01), Adam(), "auto"], ids=repr)
def test_weights_of_another_length(data, penalty, optimizer):
    X, y = data
    for rows in (X, sparse.csr_matrix(X)):
        with pytest.raises(ValueError, match=f"2.*{P} features"):
            GDRegressor(penalty=penalty, optimizer=optimizer).fit(rows, y)


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize(
    "optimizer",
    [SGD(0.05), Adam(0.01), FISTA(), LBFGS(), LBFGS(standardize=True), Newton()],
    ids=repr,
)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_zeros_survive(data, form, optimizer, average):
    """A weight that is zero after every step is zero in the mean, on disk and when predicting."""
    X, y = data
    X = np.hstack([X, np.zeros((N, 1)), 1e-3 * X[:, :1]])
    model = GDRegressor(
        penalty=L1(0.05), optimizer=optimizer, average=average, max_iter=20, tol=None
    ).fit(form(X), y)
    zero = model.coef_ == 0
    assert zero[P:].all()
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.coef_ == 0, zero)
    assert np.array_equal(again.predict(form(X)), model.predict(form(X)))
    partial = GDRegressor(penalty=L1(0.05), optimizer=SGD(0.05), average=average)
    for _ in range(3):
        partial.partial_fit(form(X), y)
    assert (partial.coef_[P:] == 0).all()


def test_groups_over_classes(data):
    X, y = data
    labels = np.digitize(y, [-0.3, 0.3])
    for optimizer in ("auto", Adam(0.01), SGD(0.05)):
        model = GDClassifier(
            penalty=GroupLasso(0.07), optimizer=optimizer, max_iter=50, tol=1e-4, random_state=0
        ).fit(X, labels)
        used = (model.coef_ != 0).any(axis=0)
        assert (model.coef_[:, used] != 0).all()
        if optimizer == "auto":
            assert 0 < used.sum() < P


@pytest.mark.parametrize("optimizer", [ScheduleFreeSGD(0.2), ScheduleFreeAdamW(0.03)], ids=repr)
def test_a_mean_of_iterates_keeps_bounds_to_the_last_bit(optimizer):
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), scale(y)
    model = GDRegressor(optimizer=optimizer, penalty=Box(0.0, 0.3), batch_size=len(X))
    model.set_params(max_iter=2000, tol=None).fit(X, y)
    assert model.stop_reason_ == "max_iter" and np.isfinite(model.history_["penalty"]).all()
    assert model.coef_.min() == 0.0 and model.coef_.max() == 0.3
    expected = GDRegressor(penalty=Box(0.0, 0.3), tol=1e-10).fit(X, y)
    assert_allclose(model.coef_, expected.coef_, atol=1e-3)


class Nuclear(Penalty):
    """The sum of the singular values of all outputs' weights: one step size for all."""

    def __init__(self, alpha=0.1):
        self.alpha = alpha

    def value(self, w):
        return self.alpha * float(np.linalg.svd(w, compute_uv=False).sum())

    def prox(self, w, lr):
        u, s, v = np.linalg.svd(w, full_matrices=False)
        w[...] = (u * np.maximum(s - self.alpha * lr, 0.0)) @ v


def test_a_penalty_that_knows_one_step_size_for_all_weights():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 6))
    Y = X @ rng.normal(size=(6, 2)) @ rng.normal(size=(2, 4)) + 0.1 * rng.normal(size=(100, 4))
    model = GDRegressor(penalty=Nuclear(), tol=1e-8, max_iter=2000)
    ends = [clone(model).set_params(optimizer=rule) for rule in (FISTA(), GradientDescent(0.1))]
    for end in ends:
        assert np.linalg.matrix_rank(end.fit(X, Y).coef_, tol=1e-6) == 2
    assert ends[0].loss_curve_[-1] == pytest.approx(ends[1].loss_curve_[-1], rel=1e-5)
