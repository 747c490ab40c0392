"""Every step rule walks as its reference does: `tests/recipes/trajectories.py` recorded how."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from loading import load
from sklgd import optimizers
from sklgd._kernels import adapters
from sklgd._kernels import optimizers as kernels
from sklgd._strategy import compose_kernel

HERE = Path(__file__).resolve().parent


recipe = load(HERE / "recipes" / "trajectories.py")
RECORDS = json.loads((HERE / "data" / "trajectories.json").read_text(encoding="utf-8"))


def rule_of(record):
    return eval(record["rule"], vars(optimizers)).validate()


def numpy_walk(rule, function, params, lr):
    """Yield the result after each step of the NumPy class."""
    state = rule.init_state(params)
    for t in range(1, recipe.STEPS + 1):
        value, grad = function(params)
        rule.step(params, grad, state, lr, t, *([value] if rule.needs_loss else []))
        yield rule.result(params, state).copy()


def compiled_walk(rule, function, params, lr):
    """Yield the result after each step of the kernel."""
    kernel, state = compose_kernel(rule, adapters.PyOptimizer), rule.init_state(params)
    assert not isinstance(kernel, adapters.PyOptimizer)
    for t in range(1, recipe.STEPS + 1):
        value, grad = function(params)
        kernels.step(kernel, params, grad, state, lr, t, value)
        yield rule.result(params, state).copy()


@pytest.mark.parametrize("walk", [numpy_walk, compiled_walk])
@pytest.mark.parametrize("problem", recipe.PROBLEMS)
@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["rule"])
def test_walks_as_its_reference(record, problem, walk):
    start = recipe.start_of(problem, record["reference"].rpartition(" ")[2])
    points = walk(rule_of(record), recipe.PROBLEMS[problem][0], start.copy(), record["lr"])
    found = {t: point for t, point in enumerate(points, start=1) if t in recipe.RECORDED}
    for t, expected in record["points"][problem].items():
        assert_allclose(found[int(t)], expected, rtol=1e-10, atol=1e-10, err_msg=f"step {t}")
    assert np.abs(found[recipe.STEPS] - start).max() > 1e-3, "a walk that stands still tells little"


def test_every_case_is_recorded():
    assert [record["rule"] for record in RECORDS] == [case[0] for case in recipe.CASES]


def test_every_rule_has_a_reference():
    """But two: `test_optimizers` has scikit-learn's, and the algorithm of the paper, for them."""
    rules = {
        cls for cls in optimizers.OPTIMIZERS.values() if cls.step is not optimizers.Optimizer.step
    }
    recorded = {type(rule_of(record)) for record in RECORDS}
    assert rules - recorded == {optimizers.PassiveAggressive, optimizers.NormalizedAdaGrad}
