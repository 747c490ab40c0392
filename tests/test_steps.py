"""The compiled loop against a plain one in NumPy: gradient of the batch, step, prox, mean."""

import functools
import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.base import clone

from loss_cases import random_targets
from sklgd import GDClassifier, GDRegressor
from sklgd.losses import LOSSES, LogLoss
from sklgd.optimizers import OPTIMIZERS, SGD, Adam, GradientDescent, Optimizer
from sklgd.penalties import L1, L2, MCP, PENALTIES, SCAD, Box, ElasticNet, GroupLasso
from sklgd.schedules import InvScaling

N, P = 23, 6
targets = functools.partial(random_targets, N)
RATE = InvScaling(0.03, power_t=0.3)
RULES = [SGD(RATE), SGD(RATE, momentum=0.8), SGD(RATE, momentum=0.8, nesterov=True)]
RULES += [Adam(RATE), Adam(RATE, amsgrad=True, bias_correction=False)]
REGULARIZERS = [
    None,
    L2(0.2),
    L1(0.05),
    ElasticNet(0.2, 0.4),
    GroupLasso(0.05, groups=[[0, 1], [2, 3], [4, 5]]),
    MCP(0.05, 3.0),
    SCAD(0.05, 3.7),
    Box(-0.05, 0.05),
]
OTHER_RULES = [
    cls()
    for cls in OPTIMIZERS.values()
    if cls.step is not Optimizer.step and cls not in {type(rule) for rule in RULES}
]


def test_the_table_of_penalties_is_complete():
    assert set(PENALTIES.values()) == {type(p) for p in REGULARIZERS if p is not None}


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return rng.standard_normal((N, P)) * (rng.random((N, P)) < 0.5)


WEIGHTS = np.random.default_rng(1).uniform(0.2, 3.0, N)


class PlainLoop:
    """Minibatch training by the book; intercepts are never penalised."""

    def __init__(self, loss, rule, penalty, n_raw, joint, average):
        self.loss, self.rule, self.joint = loss, rule, joint
        self.smooth, self.rest = (None, None) if penalty is None else penalty.split()
        if rule.composite:
            self.smooth, self.rest = None, penalty
        self.params = np.zeros(n_raw * (P + 1))
        self.state = np.zeros((rule.n_slots, self.params.size))
        self.k, self.t, self.average, self.iterates = n_raw, 0, average, []

    def weights(self, flat):
        """Return the part that penalties see, as a view."""
        w = flat[: self.k * P]
        return w if self.k == 1 else w.reshape(self.k, P)

    def step(self, X, y, s):
        """Take one step on a batch; return its weighted loss."""
        self.t += 1
        if self.rule.needs_rows:
            largest, mean_square = np.abs(X).max(axis=0), (X**2).mean(axis=0)
            ones = np.ones(self.k)
            self.rule.observe(
                self.params,
                self.state,
                np.r_[np.tile(largest, self.k), ones],
                np.r_[np.tile(mean_square, self.k), ones],
                self.k,
            )
        raw = X @ self.params[: self.k * P].reshape(self.k, P).T + self.params[self.k * P :]
        if not self.joint:
            y = y.reshape(len(y), -1)
        draw = self.loss.gradient(y, raw) * s[:, None] / len(y)
        value = s @ self.loss.value(y, raw).reshape(len(y), -1).sum(axis=1)
        grad = np.r_[(draw.T @ X).ravel(), draw.sum(axis=0)]
        if self.smooth is not None:
            self.smooth.add_gradient(self.weights(self.params), self.weights(grad))
        lr = float(self.rule.schedule()(self.t))
        loss = (value / len(y),) if self.rule.needs_loss else ()
        self.rule.step(self.params, grad, self.state, lr, self.t, *loss)
        if self.rest is not None:
            sizes = self.rule.step_sizes(self.state, lr, self.t)
            sizes = sizes if np.ndim(sizes) == 0 else self.weights(sizes)
            self.rest.prox(self.weights(self.params), sizes)
        if self.average and self.t >= self.average:
            self.iterates.append(self.params.copy())
        return value

    def result(self):
        if self.iterates:
            return np.mean(self.iterates, axis=0)
        return self.rule.result(self.params, self.state)


def coded(loss, y):
    """Return targets as a loss takes them, the raw columns, and whether the loss is joint."""
    if loss.task != "classification":
        return y, 1 if y.ndim == 1 else y.shape[1], False
    n_classes = y.max() + 1
    n_raw = loss.n_raw(n_classes) if loss.joint else n_classes
    if loss.joint and n_raw > 1:
        return y, n_raw, True
    return (y, 1, False) if n_classes == 2 else (np.eye(n_classes)[y], n_classes, False)


def check(X, loss, rule, penalty, *, batch_size, n_columns, weights=None, average=0, epochs=2):
    y = targets(loss, n_columns)
    cls = GDClassifier if loss.task == "classification" else GDRegressor
    model = cls(loss, optimizer=rule, penalty=penalty, batch_size=batch_size, shuffle=False)
    model.set_params(max_iter=epochs, tol=None, average=average)
    s = np.ones(N) if weights is None else weights / weights.mean()
    codes, n_raw, joint = coded(loss, y)
    loop, losses = PlainLoop(loss, rule, penalty, n_raw, joint, average), []
    for _ in range(epochs):
        batches = [slice(start, start + batch_size) for start in range(0, N, batch_size)]
        losses.append(sum(loop.step(X[rows], codes[rows], s[rows]) for rows in batches) / N)
    expected = loop.result()
    assert np.abs(expected).max() > 1e-7
    for form in (np.asarray, sp.csr_array):
        found = clone(model).fit(form(X), y, sample_weight=weights)
        assert found.t_ == loop.t + 1 and found.stop_reason_ == "max_iter"
        params = np.r_[found.coef_.ravel(), found.intercept_]
        assert_allclose(params, expected, rtol=1e-9, atol=1e-11)
        assert_allclose(found.history_["loss"], losses, rtol=1e-9)


@pytest.mark.parametrize("rule", OTHER_RULES, ids=repr)
@pytest.mark.parametrize("penalty", [None, L2(0.2), L1(0.001)], ids=repr)
def test_other_rules(X, penalty, rule):
    for name, n_columns in (("squared_error", 1), ("log_loss", 2)):
        check(X, LOSSES[name](), rule, penalty, batch_size=4, n_columns=n_columns, epochs=4)


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss(X, name, rule):
    """With weights and without, at batch sizes that divide the rows and that do not."""
    for loss in [LOSSES[name](), *([LogLoss(multi_class="ovr")] if name == "log_loss" else [])]:
        for batch_size, n_columns, weights in (
            (1, 1, None),
            (5, 1, WEIGHTS),
            (1, 3, WEIGHTS),
            (N, 2, None),
        ):
            check(
                X, loss, rule, L2(0.1), batch_size=batch_size, n_columns=n_columns, weights=weights
            )


@pytest.mark.parametrize("average", [0, 1, 10])
@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("penalty", REGULARIZERS, ids=repr)
def test_every_penalty(X, penalty, rule, average):
    """The batch path and the row path alike see it (river 881, 996), intercepts never do."""
    loss = LOSSES["squared_error"]()
    for batch_size, n_columns in itertools.product((1, 7), (1, 3)):
        arguments = {"batch_size": batch_size, "n_columns": n_columns, "average": average}
        check(X, loss, rule, penalty, weights=WEIGHTS, epochs=3, **arguments)


@pytest.mark.parametrize("penalty", REGULARIZERS, ids=repr)
@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_of_all_rows_is_gradient_descent(X, name, penalty):
    loss = LOSSES[name]()
    cls = GDClassifier if loss.task == "classification" else GDRegressor
    y = targets(loss, 3 if loss.task == "classification" else 1)
    model = cls(loss, penalty=penalty, max_iter=3, tol=None, batch_size=N)
    for form in (np.asarray, sp.csr_array):
        one = clone(model).set_params(optimizer=SGD(0.02)).fit(form(X), y, sample_weight=WEIGHTS)
        model.set_params(optimizer=GradientDescent(0.02)).fit(form(X), y, sample_weight=WEIGHTS)
        assert_allclose(one.coef_, model.coef_, rtol=1e-9, atol=1e-12)
        assert_allclose(one.loss_curve_, model.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("rule", [SGD(1e-4), Adam(1e-3), SGD(1e-4, momentum=0.5)], ids=repr)
def test_more_steps_than_are_handed_over_at_once(rule, form):
    """An epoch of 70,000 steps crosses into compiled code twice; nothing may be lost between."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((70_000, 3)), rng.standard_normal(70_000)
    model = GDRegressor(optimizer=rule, batch_size=1, penalty="l1", alpha=0.01, average=True)
    model.set_params(shuffle=False, tol=None, max_iter=1)
    whole = clone(model).fit(form(X), y)
    for start in range(0, 70_000, 10_000):
        rows = slice(start, start + 10_000)
        model.partial_fit(form(X[rows]), y[rows])
    assert whole.t_ == model.t_ == 70_001
    assert_allclose(whole.coef_, model.coef_, rtol=1e-9, atol=1e-12)
