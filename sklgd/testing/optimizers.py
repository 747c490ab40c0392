"""Checks that an optimizer of one's own keeps the contract of `sklgd.optimizers`."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import clone

from ..losses import SquaredError
from ..models import Linear
from ..objective import Block, Problem, Targets
from ..optimizers import Optimizer
from ..penalties import L2
from ..training import FitState, VarianceReducedDriver
from ._common import Untouched, call, call_in_place, check_copies, check_instance, locked

#: learning rates to descend with, after the optimizer's own
RATES = (0.1, 0.01, 0.001)


def check_optimizer(optimizer: Optimizer, *, n_params: int = 6, random_state: int = 0) -> None:
    """Raise ``AssertionError`` where an optimizer does not do what training relies on.

    Checked are, for a step rule: that ``step`` works in place on its parameters and its state
    alone, remembers nothing elsewhere, stays finite where a gradient is zero, and descends a
    parabola with its own learning rate or a smaller one; the shape and sign of ``step_sizes``;
    that ``result`` reads only, and gives what it is told to ``restart`` from.
    For a full-batch optimizer: that ``iterate`` works in place, returns the loss, remembers
    nothing but in its state, which can be pickled, and descends a least-squares problem; for a
    variance-reduced one the same of its passes.  For all: that nothing is written to the object,
    and that it can be cloned and pickled.  An optimizer that chooses among others is checked by
    its choices.

    Parameters
    ----------
    optimizer : Optimizer
        The object to check.
    n_params : int, default=6
        Number of parameters to check it with.
    random_state : int, default=0
        Seed of the points that are tried.

    Raises
    ------
    AssertionError
        Says what was found and what was expected.

    Examples
    --------
    >>> from sklgd.optimizers import Optimizer
    >>> from sklgd.testing import check_optimizer
    >>> class Uphill(Optimizer):
    ...     def __init__(self, learning_rate=0.01):
    ...         self.learning_rate = learning_rate
    ...     def step(self, params, grad, state, lr, t):
    ...         params += lr * grad
    >>> check_optimizer(Uphill())
    Traceback (most recent call last):
        ...
    AssertionError: Uphill does not descend a parabola from 9.25: after 2000 steps it is at 1.01e+35
    """
    check_instance(optimizer, Optimizer, "an optimizer")
    check_copies(optimizer)
    untouched = Untouched(optimizer)
    choices = [
        optimizer.choose(
            SquaredError(),
            None,
            model=Linear(),
            X=np.zeros((10, n_params)),
            targets=Targets(np.zeros(10), 1),
            incremental=incremental,
        )
        for incremental in (False, True)
    ]
    if any(choice is not optimizer for choice in choices):
        for choice in choices:
            check_optimizer(choice, n_params=n_params, random_state=random_state)
    else:
        _check_schedule(optimizer)
        rng = np.random.default_rng(random_state)
        check = _check_step_rule
        if optimizer.full_batch or optimizer.variance_reduced:
            check = _check_full_batch if optimizer.full_batch else _check_variance_reduced
        check(optimizer, n_params, rng)
    untouched.check()


def _check_schedule(optimizer):
    rate = optimizer.schedule()(1)
    assert np.isfinite(rate) and rate >= 0, (
        f"the learning rate of {optimizer!r} must be finite and >= 0, found {rate!r} at t=1"
    )


# -- step rules ----------------------------------------------------------------------------


def _check_step_rule(optimizer, n_params, rng):
    gradients = rng.standard_normal((20, n_params))
    _check_state(optimizer, n_params)
    _check_memory(optimizer, gradients)
    _check_rate(optimizer, gradients)
    _check_zero_gradient(optimizer, gradients)
    _check_step_sizes(optimizer, gradients)
    _check_result(optimizer, gradients)
    _check_parabola(optimizer, n_params)


def _check_state(optimizer, n_params):
    name = type(optimizer).__name__
    assert isinstance(optimizer.n_slots, Integral) and optimizer.n_slots >= 0, (
        f"{name}.n_slots must be an integer >= 0, found {optimizer.n_slots!r}"
    )
    state = optimizer.init_state(np.ones(n_params))
    shape = (optimizer.n_slots, n_params)
    assert isinstance(state, np.ndarray) and state.shape == shape and not state.any(), (
        f"{name}.init_state must return zeros of shape (n_slots, p) = {shape}, found {state!r}"
    )


def _walk(optimizer, gradients, rate=0.01):
    """Yield parameters and state after each step along given gradients."""
    params = np.linspace(-1.0, 1.0, gradients.shape[1])
    state = optimizer.init_state(params)
    for t, grad in enumerate(gradients, start=1):
        loss = [float(grad @ grad) / 2] if optimizer.needs_loss else []
        call_in_place(optimizer, "step", params, locked(grad), state, rate, t, *loss)
        yield params, state


def _check_memory(optimizer, gradients):
    """A walk alone, again, and in turn with another one: thrice the same."""
    name = type(optimizer).__name__
    start = np.linspace(-1.0, 1.0, gradients.shape[1])
    alone = [params.copy() for params, _ in _walk(optimizer, gradients)]
    for t, params in enumerate(alone, start=1):
        assert np.isfinite(params).all(), f"{name}.step gave {params} at t={t}"
    assert not np.array_equal(alone[-1], start), (
        f"{name}.step must move params in place: they are the same after {len(alone)} steps"
    )
    both = zip(_walk(optimizer, gradients), _walk(optimizer, -3.0 * gradients), strict=True)
    for t, (expected, ((found, _), _)) in enumerate(zip(alone, both, strict=True), start=1):
        assert np.array_equal(expected, found), (
            f"{name}.step depends on more than its arguments: the same gradients led to {found} "
            f"beside another training and to {expected} alone, at t={t}; what it remembers belongs "
            "into state"
        )


def _check_rate(optimizer, gradients):
    """A rule with a learning rate moves by that of the step, which its schedule gives."""
    if "learning_rate" not in optimizer.get_params(deep=False):
        return
    *_, (near, _) = _walk(optimizer, gradients)
    *_, (far, _) = _walk(optimizer, gradients, rate=0.02)
    assert not np.array_equal(near, far), (
        f"{type(optimizer).__name__}.step must move by lr, the rate of the step as its schedule "
        f"gives it: with lr=0.01 and with 0.02 it led to the same {far}"
    )


def _check_zero_gradient(optimizer, gradients):
    gradients = np.zeros_like(gradients)
    for t, (params, state) in enumerate(_walk(optimizer, gradients), start=1):
        assert np.isfinite(params).all() and np.isfinite(state).all(), (
            f"{type(optimizer).__name__}.step gave params {params} and state {state} at t={t}, "
            "where all gradients were zero"
        )


def _check_step_sizes(optimizer, gradients):
    name = type(optimizer).__name__
    for t, (params, state) in enumerate(_walk(optimizer, gradients), start=1):
        sizes = call(optimizer, "step_sizes", locked(state), 0.01, t)
        assert np.shape(sizes) in ((), params.shape), (
            f"{name}.step_sizes must return a number or an array of shape {params.shape}, found "
            f"{sizes!r}"
        )
        assert np.isfinite(sizes).all() and np.all(np.asarray(sizes) > 0), (
            f"{name}.step_sizes must be finite and > 0, found {sizes!r} at t={t}"
        )


def _check_result(optimizer, gradients):
    name = type(optimizer).__name__
    for t, (params, state) in enumerate(_walk(optimizer, gradients), start=1):
        result = call(optimizer, "result", locked(params), locked(state))
        assert isinstance(result, np.ndarray) and result.shape == params.shape, (
            f"{name}.result must return an array of shape {params.shape}, found {result!r} at t={t}"
        )
    target = np.linspace(2.0, 3.0, params.size)
    params[:] = target
    call_in_place(optimizer, "restart", params, state)
    result = optimizer.result(params, state)
    assert np.array_equal(params, target) and np.allclose(result, target, rtol=1e-12), (
        f"{name}.result must be what params were set to before {name}.restart, {target}; found "
        f"{result}"
    )


def _check_parabola(optimizer, n_params):
    scale = np.linspace(0.5, 2.0, n_params)
    target = np.linspace(-3.0, 2.0, n_params)

    def parabola(params):
        return float(scale @ (params - target) ** 2 / 2)

    def run(rate_at):
        params = np.zeros(n_params)
        state = optimizer.init_state(params)
        for t in range(1, 2001):
            loss = [parabola(params)] if optimizer.needs_loss else []
            optimizer.step(params, scale * (params - target), state, rate_at(t), t, *loss)
        return parabola(optimizer.result(params, state))

    _check_descent(optimizer, run, parabola(np.zeros(n_params)), "a parabola", "2000 steps")


def _check_descent(
    optimizer: Optimizer, run: Callable[[Any], float], start: float, what: str, after: str
) -> None:
    """Run with the optimizer's own rates, then with constant ones, until one descends."""
    own = optimizer.schedule()
    with np.errstate(over="ignore", invalid="ignore"):
        first = run(lambda t: float(own(t)))
        descends = first < start or any(run(lambda t, rate=rate: rate) < start for rate in RATES)
    assert descends, (
        f"{type(optimizer).__name__} does not descend {what} from {start:.3g}: after {after} it is "
        f"at {first:.3g}"
    )


# -- full-batch and variance-reduced optimizers ----------------------------------------------


def _least_squares(n_params, rng):
    X = rng.standard_normal((50, n_params))
    y = X @ np.linspace(-3.0, 2.0, n_params) + 0.1 * rng.standard_normal(50)
    block = Block(X, Targets(y, 1), None, SquaredError(), Linear(), False)
    return Problem(block, L2(1e-2), tol=1e-6)


def _check_full_batch(optimizer, n_params, rng):
    problem, other = _least_squares(n_params, rng), _least_squares(n_params, rng)
    _check_iterations(optimizer, _iterate, problem, other)

    def run(rate_at):
        params = np.zeros(n_params)
        state = optimizer.init_state(params)
        optimizer.forget(state)
        for t in range(1, 51):
            optimizer.iterate(problem, params, state, rate_at(t), t)
        return problem.loss(params)

    start = problem.loss(np.zeros(n_params))
    _check_descent(optimizer, run, start, "a least-squares problem", "50 iterations")


def _iterate(optimizer, problem, rate=0.01):
    """Yield the parameters, the returned loss and the state after each of a few iterations."""
    params = np.zeros(problem.n_params)
    state = optimizer.init_state(params)
    optimizer.forget(state)
    for t in range(1, 6):
        loss = optimizer.iterate(problem, params, state, rate, t)
        yield params, loss, state


def _check_variance_reduced(optimizer, n_params, rng):
    problem, other = _least_squares(n_params, rng), _least_squares(n_params, rng)
    _check_iterations(optimizer, _passes, problem, other)

    def run(rate_at):
        twin = optimizer
        if rate_at(1) != own(1):
            twin = clone(optimizer).set_params(learning_rate=rate_at)
        *_, (params, _, _) = _passes(twin, problem, 50)
        return problem.loss(params)

    own = optimizer.schedule()
    start = problem.loss(np.zeros(n_params))
    _check_descent(optimizer, run, start, "a least-squares problem", "50 passes")


def _passes(optimizer, problem, n_passes=5):
    """Yield the parameters, the returned loss and the state after each of a few passes."""
    params = np.zeros(problem.n_params)
    state = FitState(params, optimizer.init_state(params))
    driver = VarianceReducedDriver(problem, optimizer, state, batch_size=1, shuffle=True)
    for _ in range(n_passes):
        loss = driver.epoch()
        yield params, loss, state.slots


def _check_iterations(optimizer, iterations, problem, other):
    name = type(optimizer).__name__
    what = f"a pass of {name}" if optimizer.variance_reduced else f"{name}.iterate"
    alone = []
    for params, loss, _state in iterations(optimizer, problem):
        assert isinstance(loss, Real) and math.isfinite(loss), (
            f"{what} must return the mean loss, found {loss!r}"
        )
        assert np.isfinite(params).all(), f"{what} gave {params}"
        alone.append(params.copy())
    assert alone[-1].any(), (
        f"{what} must move params in place: they are the same after {len(alone)} iterations"
    )
    try:
        pickle.dumps(_state)
    except Exception as error:
        raise AssertionError(f"the state of {name} cannot be pickled: {error}") from error
    both = zip(iterations(optimizer, problem), iterations(optimizer, other), strict=True)
    for expected, ((found, *_), _) in zip(alone, both, strict=True):
        assert np.array_equal(expected, found), (
            f"{what} depends on more than its arguments: the same problem led to {found} "
            f"beside another one and to {expected} alone; what it remembers belongs into state"
        )
