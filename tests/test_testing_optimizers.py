"""`check_optimizer`: sound optimizers pass, and each kind of fault is named."""

import doctest

import numpy as np
import pytest

import sklgd.testing.optimizers
from sklgd.losses import SquaredError
from sklgd.optimizers import (
    LBFGS,
    OPTIMIZERS,
    SGD,
    Adam,
    Clipped,
    FullBatchOptimizer,
    GradientDescent,
    Optimizer,
    PolyakSGD,
    ScheduleFreeSGD,
)
from sklgd.schedules import InvScaling
from sklgd.testing import check_loss, check_model, check_optimizer, check_penalty


class SignDescent(Optimizer):
    """A sound rule of one's own."""

    def __init__(self, learning_rate=0.01):
        self.learning_rate = learning_rate

    def step(self, params, grad, state, lr, t):
        params -= lr * np.sign(grad)


class HeavyBall(SignDescent):
    """A sound rule with a slot, in other words than SGD's."""

    n_slots = 1

    def step(self, params, grad, state, lr, t):
        state[0] = 0.9 * state[0] - lr * grad
        params += state[0]

    def step_sizes(self, state, lr, t):
        return np.full(state.shape[1], 10 * lr)


class BoldDriver(FullBatchOptimizer):
    """A sound full-batch optimizer: a step grows as long as the loss falls."""

    def iterate(self, problem, params, state, lr, t):
        loss, grad = problem.value_and_gradient(params)
        rose = loss > state.get("last", np.inf)
        state["rate"] = state.get("rate", 0.01) * (0.5 if rose else 1.1)
        state["last"] = loss
        params -= state["rate"] * grad
        return loss


GOOD = [
    *(cls() for cls in OPTIMIZERS.values()),
    Clipped(PolyakSGD()),
    Clipped(ScheduleFreeSGD(), 0.1),
    SGD(momentum=0.9, nesterov=True),
    SGD(InvScaling(0.1, power_t=0.5)),
    SGD(1e6),  # a rate for other problems than a parabola
    Adam(amsgrad=True, bias_correction=False),
    LBFGS(standardize=True),
    SignDescent(),
    HeavyBall(),
    BoldDriver(),
]


@pytest.mark.parametrize("optimizer", GOOD, ids=repr)
def test_sound_optimizers_pass(optimizer):
    check_optimizer(optimizer)
    check_optimizer(optimizer, n_params=1, random_state=3)


def test_example():
    assert doctest.testmod(sklgd.testing.optimizers).failed == 0


class Uphill(SignDescent):
    def step(self, params, grad, state, lr, t):
        params += lr * grad


class Rebinds(SignDescent):
    def step(self, params, grad, state, lr, t):
        params = params - lr * grad


class Returns(SignDescent):
    def step(self, params, grad, state, lr, t):
        params -= lr * grad
        return params


class IgnoresRate(SignDescent):
    def step(self, params, grad, state, lr, t):
        params -= 0.01 * grad


class WritesGradient(SignDescent):
    def step(self, params, grad, state, lr, t):
        grad *= lr
        params -= grad


class Remembers(SignDescent):
    def step(self, params, grad, state, lr, t):
        self.velocity_ = 0.9 * getattr(self, "velocity_", 0.0) + grad
        params -= lr * self.velocity_


MEMORY = {}


class RemembersElsewhere(SignDescent):
    def step(self, params, grad, state, lr, t):
        velocity = MEMORY.setdefault(grad.size, np.zeros(grad.size))
        velocity += grad
        params -= lr * velocity


class CountsCalls(SignDescent):
    def step(self, params, grad, state, lr, t):
        self.calls_ = getattr(self, "calls_", 0) + 1
        params -= lr * grad


class DividesByZero(SignDescent):
    n_slots = 1

    def step(self, params, grad, state, lr, t):
        state[0] += grad**2
        with np.errstate(invalid="ignore"):
            params -= lr * grad / np.sqrt(state[0])


class StartsAtOne(SignDescent):
    n_slots = 1

    def init_state(self, params):
        return np.ones((1, params.size))


class NegativeSlots(SignDescent):
    n_slots = -1


class OneSizeTooMany(SignDescent):
    def step_sizes(self, state, lr, t):
        return np.full(state.shape[1] + 1, lr)


class NoSize(SignDescent):
    def step_sizes(self, state, lr, t):
        return 0.0


class SizesWrite(HeavyBall):
    def step_sizes(self, state, lr, t):
        state += 1.0
        return lr


class HalfResult(SignDescent):
    def result(self, params, state):
        return params / 2


class NoResult(SignDescent):
    def result(self, params, state):
        params = params / 2


class NoStep(Optimizer):
    def __init__(self, learning_rate=0.01):
        self.learning_rate = learning_rate


class NegativeRate(SignDescent):
    def schedule(self):
        return lambda t: -0.1


class Rounds(SignDescent):
    def __init__(self, learning_rate=0.01):
        self.learning_rate = float(learning_rate) + 0.0


class Unpicklable(SignDescent):
    def __reduce__(self):
        raise TypeError("no")


class Climbs(GradientDescent):
    def iterate(self, problem, params, state, lr, t):
        return super().iterate(problem, params, state, -lr, t)


class ReturnsNothing(GradientDescent):
    def iterate(self, problem, params, state, lr, t):
        super().iterate(problem, params, state, lr, t)


class StandsStill(GradientDescent):
    def iterate(self, problem, params, state, lr, t):
        return problem.loss(params)


class KeepsALambda(GradientDescent):
    def iterate(self, problem, params, state, lr, t):
        state["line"] = lambda step: step
        return super().iterate(problem, params, state, lr, t)


class KeepsLast(GradientDescent):
    def iterate(self, problem, params, state, lr, t):
        MEMORY["velocity"] = 0.5 * MEMORY.get("velocity", 0.0) + lr * problem.loss(params)
        params += MEMORY["velocity"]
        return super().iterate(problem, params, state, lr, t)


BROKEN = [
    (SGD, r"must be an instance of sklgd.optimizers.Optimizer, got .*not the class"),
    ("sgd", r"must be an instance of sklgd.optimizers.Optimizer, got 'sgd'"),
    (SquaredError(), r"must be an instance of sklgd.optimizers.Optimizer"),
    (Uphill(), r"Uphill does not descend a parabola from 9.25: after 2000 steps"),
    (Rebinds(), r"Rebinds.step must move params in place"),
    (IgnoresRate(), r"IgnoresRate.step must move by lr, .* with lr=0.01 and with 0.02 it led to"),
    (Returns(), r"Returns.step must work in place and return None, found array"),
    (WritesGradient(), r"WritesGradient.step writes to an argument that it may only read"),
    (Remembers(), r"Remembers.step depends on more than its arguments"),
    (RemembersElsewhere(), r"RemembersElsewhere.step depends on more than its arguments"),
    (CountsCalls(), r"CountsCalls\(\) is not stateless: .*\['calls_'\]"),
    (DividesByZero(), r"DividesByZero.step gave params .*nan.* where all gradients were zero"),
    (StartsAtOne(), r"StartsAtOne.init_state must return zeros of shape \(n_slots, p\) = \(1, 6\)"),
    (NegativeSlots(), r"NegativeSlots.n_slots must be an integer >= 0, found -1"),
    (OneSizeTooMany(), r"step_sizes must return a number or an array of shape \(6,\)"),
    (NoSize(), r"NoSize.step_sizes must be finite and > 0, found 0.0 at t=1"),
    (SizesWrite(), r"SizesWrite.step_sizes writes to an argument"),
    (HalfResult(), r"HalfResult.result must be what params were set to before HalfResult.restart"),
    (NoResult(), r"NoResult.result must return an array of shape \(6,\), found None at t=1"),
    (NegativeRate(), r"learning rate of NegativeRate\(\) must be finite and >= 0, found -0.1"),
    (Rounds(0.1), r"Rounds cannot be cloned"),
    (Unpicklable(), r"Unpicklable\(\) cannot be pickled: no"),
    (Climbs(), r"Climbs does not descend a least-squares problem from .*after 50 iterations"),
    (ReturnsNothing(), r"ReturnsNothing.iterate must return the mean loss, found None"),
    (StandsStill(), r"StandsStill.iterate must move params in place"),
    (KeepsALambda(), r"state of KeepsALambda cannot be pickled"),
    (KeepsLast(), r"KeepsLast.iterate depends on more than its arguments"),
]


@pytest.mark.parametrize("optimizer, message", BROKEN, ids=[type(o).__name__ for o, _ in BROKEN])
def test_the_fault_is_named(optimizer, message):
    MEMORY.clear()
    with pytest.raises(AssertionError, match=message):
        check_optimizer(optimizer)


def test_a_rule_without_a_step_says_so():
    with pytest.raises(NotImplementedError, match="NoStep must define step"):
        check_optimizer(NoStep())


@pytest.mark.parametrize("check", [check_loss, check_penalty, check_optimizer, check_model])
def test_no_check_takes_another_axis(check):
    with pytest.raises(AssertionError, match=r"must be an instance of sklgd\.\w+\.\w+, got 3"):
        check(3)
