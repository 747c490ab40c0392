"""The best constant predictions, which fits start and fall from."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from loss_cases import CASES
from sklgd import GDClassifier, GDRegressor
from sklgd.losses import LogLoss
from sklgd.models import Linear
from sklgd.objective import Block, Problem, Targets
from sklgd.optimizers import LBFGS, Continuation, Newton

BEHIND_LINKS = [
    loss
    for loss in CASES
    if loss.task == "regression" and not loss.joint and not loss.identity_link
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", BEHIND_LINKS, ids=repr)
def test_slopes_behind_a_link_sum_to_zero(loss, weighted):
    """Column by column: so small a sum says that no other constant is better."""
    rng = np.random.default_rng(0)
    y = rng.gamma(0.5, [1e-3, 1.0, 1e4], size=(50, 3)) + 1e-9
    weights = rng.integers(1, 9, 50) / 5.0 if weighted else np.ones(50)
    block = Block(np.zeros((50, 1)), Targets(y, 3), weights, loss, Linear(), True)
    problem = Problem(block, None)
    constant = problem.constant_start(np.zeros(problem.n_params))[-3:]
    slopes = weights[:, None] * loss.gradient(y, np.broadcast_to(constant, y.shape))
    assert_allclose(slopes.sum(axis=0) / np.abs(slopes).sum(axis=0), 0.0, atol=1e-9)


def test_the_best_constant_lies_in_the_middle():
    """Between the two middle targets, as NumPy's median."""
    y = np.array([1.0, 2.0, 4.0, 10.0])
    X = np.zeros((4, 1))
    model = GDRegressor("absolute_error", optimizer=Continuation(Newton())).fit(X, y)
    assert model.intercept_ == pytest.approx(np.median(y))


def test_the_best_constant_of_shares_of_targets():
    """All targets but one are the same, as far from that one's as can be."""
    y = np.full(3000, 540.0)
    y[0] = 1e5
    model = GDRegressor("absolute_percentage_error", penalty="l1", alpha=100.0)
    model.fit(np.zeros((3000, 1)), y)
    assert model.intercept_ == pytest.approx(540.0, rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_best_constant_of_a_softmax(smoothing):
    """Its probabilities are the shares of the classes, or what smoothing makes of them."""
    y = np.repeat([0, 1, 2], [22, 18, 1660])
    X, params = np.random.default_rng(0).normal(size=(len(y), 1)), []

    class First(LBFGS):
        def iterate(self, problem, params_, state, lr, t):
            params.append(problem.constant_start(np.zeros(problem.n_params))[-3:])
            return super().iterate(problem, params_, state, lr, t)

    GDClassifier(LogLoss(smoothing), optimizer=First()).fit(X, y)
    shares = np.array([22, 18, 1660]) / len(y)
    expected = (1 - smoothing) * shares + smoothing / 3
    proba = np.exp(params[0]) / np.exp(params[0]).sum()
    assert_allclose(proba, expected, rtol=1e-12)
