"""The vector primitives: exp and log against the C library, and one result everywhere.

The losses are the way in: the exponential loss is ``exp(-t raw)``, the logistic one has
``log(1 + x)``, and Gamma's gradient is ``1 - exp(log(y) - raw)``.  Sizes from one to
a few vectors reach all tails.
"""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from sklgd._kernels import losses as kernels
from sklgd._kernels import optimizers as rules
from sklgd._kernels.rows import instruction_set
from sklgd._strategy import compose_kernel
from sklgd.losses import Exponential, Gamma, LogCosh, LogLoss, Poisson, Quantile
from sklgd.optimizers import AdaGrad

ULP = 2.220446049250313e-16

GRID = np.concatenate(
    [
        np.linspace(-30.0, 30.0, 4001),
        np.linspace(-700.0, 709.5, 1001),
        np.random.default_rng(0).normal(size=1000),
        10.0 ** np.linspace(-300, 2, 500),
        -(10.0 ** np.linspace(-300, 2, 500)),
        np.log(2.0) * (np.arange(-40, 40) + 0.5),  # where the reduction turns over
    ]
)


def exponentials(x):
    """Return exp(x) as the exponential loss's kernel computes it."""
    return kernels.evaluate(compose_kernel(Exponential(), None), np.zeros_like(x), x)[0]


def softplus(x):
    """Return log(1 + exp(x)) as the logistic loss's kernel computes it."""
    return kernels.evaluate(compose_kernel(LogLoss(), None), np.zeros_like(x), x)[0]


def test_exp_is_the_libraries():
    expected = np.array([math.exp(x) for x in GRID])
    assert np.max(np.abs(exponentials(GRID) / expected - 1.0)) <= 2 * ULP


def test_log1p_is_the_libraries():
    x = GRID[np.abs(GRID) < 700]
    expected = np.array([max(v, 0.0) + math.log1p(math.exp(-abs(v))) for v in x])
    assert np.max(np.abs(softplus(x) / expected - 1.0)) <= 4 * ULP


def expm1(x):
    """Return exp(x) - 1 as the kernel of Gamma's loss computes it."""
    return -kernels.evaluate(compose_kernel(Gamma(), None), np.ones_like(x), -x)[1]


def test_expm1_is_the_libraries():
    expected = np.array([math.expm1(x) for x in GRID])
    np.testing.assert_allclose(expm1(GRID), expected, rtol=4 * ULP)
    np.testing.assert_array_equal(expm1(np.array([0.0, -np.inf, np.inf] * 3)), [0, -1, np.inf] * 3)
    assert np.isnan(expm1(np.array([1.0, np.nan, 2.0] * 6)))[1::3].all()


def test_log_is_the_libraries():
    """Of all sizes up to a few units in the last place, and relative to a small one near one."""
    gamma = compose_kernel(Gamma(), None)
    rng = np.random.default_rng(0)
    y = np.ldexp(1.0 + rng.random(4000), rng.integers(-1060, 1023, 4000))
    logs = np.array([math.log(v) for v in y])
    np.testing.assert_allclose(kernels.hessian(gamma, y, logs), 1.0, atol=0.5 * ULP * 745)
    gaps = np.concatenate([np.geomspace(1e-15, 0.6, 300), -np.geomspace(1e-15, 0.4, 300)])
    y = np.concatenate([1.0 + gaps, [math.sqrt(0.5), math.sqrt(2.0), math.nextafter(2**0.5, 0)]])
    slopes = kernels.evaluate(gamma, y, np.zeros_like(y))[1]
    np.testing.assert_allclose(slopes, 1.0 - y, rtol=8 * ULP)


def test_exp_at_its_ends():
    x = np.array([0.0, -0.0, -708.0, -740.0, -745.0, -746.0, -1e300, -np.inf, 709.7, 709.8, np.inf])
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(exponentials(x), np.exp(x), rtol=2 * ULP, atol=5e-324)
    assert np.isnan(exponentials(np.array([1.0, np.nan, 2.0])))[1]
    assert np.isnan(exponentials(np.full(17, np.nan))).all()


def roots(x):
    """Return the square roots of x, over which AdaGrad's step sizes are 1."""
    with np.errstate(divide="ignore"):
        return 1.0 / rules.step_sizes(compose_kernel(AdaGrad(epsilon=0.0), None), x[None], 1.0, 1)


def test_root_is_the_libraries():
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [
            np.ldexp(1.0 + rng.random(4000), rng.integers(-1022, 1023, 4000)),
            np.linspace(1.0, 4.0, 4001),
            np.arange(100.0) ** 2,
            [0.0, 5e-324, 1e-310, 2.3e-308, 1.7e308, np.inf, np.nan],
        ]
    )
    expected = np.array([math.sqrt(v) for v in x])
    np.testing.assert_allclose(roots(x), expected, rtol=3 * ULP)
    np.testing.assert_allclose(roots(np.array([-1.0, -np.inf] * 9)), np.nan)


@pytest.mark.parametrize("size", range(1, 36))
def test_tails(size):
    x = np.linspace(-3.0, 3.0, size)
    np.testing.assert_allclose(exponentials(x), np.exp(x), rtol=4 * ULP)
    np.testing.assert_allclose(softplus(x), np.logaddexp(0.0, x), rtol=8 * ULP)
    np.testing.assert_allclose(roots(x * x), np.abs(x), rtol=4 * ULP)
    np.testing.assert_allclose(expm1(x), np.expm1(x), rtol=4 * ULP)


@pytest.mark.parametrize("size", range(1, 36))
@pytest.mark.parametrize(
    "loss", [Poisson(), Gamma(), LogLoss(), LogCosh(), Quantile(0.2).rounded(0.7)], ids=repr
)
def test_losses_are_those_of_numpy_at_all_sizes(loss, size):
    rng = np.random.default_rng(size)
    raw = rng.normal(scale=3.0, size=size)
    y = rng.poisson(1.0, size) + (1.0 if isinstance(loss, Gamma) else 0.0)
    y = np.minimum(y, 1.0) if isinstance(loss, LogLoss) else y
    value, slope = kernels.evaluate(compose_kernel(loss, None), y, raw)
    np.testing.assert_allclose(value, loss.value(y, raw), rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(slope, loss.gradient(y, raw), rtol=1e-14, atol=1e-15)


def test_poisson_of_targets_next_to_zero():
    """Their quotient with the mean overflows, the loss does not."""
    y, raw = np.array([1e-310, 1e-300, 5e-324] * 5), np.array([0.0, 120.0, -3.0] * 5)
    value, slope = kernels.evaluate(compose_kernel(Poisson(), None), y, raw)
    for found in (value, slope, Poisson().value(y, raw), Poisson().gradient(y, raw)):
        np.testing.assert_allclose(found, np.exp(raw), rtol=1e-12)


SCRIPT = """
import json
import numpy as np
from scipy import sparse
from sklgd import GDClassifier, GDRegressor
from sklgd._kernels.rows import instruction_set
from sklgd.optimizers import SGD

rng = np.random.default_rng(0)
found = {}
for p in (1, 2, 3, 7, 21, 90):
    X = rng.standard_normal((60, p))
    y = rng.integers(0, 3, 60)
    for dtype in ("float64", "float32"):
        for name, data in (("dense", X.astype(dtype)), ("csr", sparse.csr_matrix(X.astype(dtype)))):
            args = {"optimizer": SGD(0.01), "max_iter": 3, "tol": None, "random_state": 0}
            found[f"{p} {dtype} {name} softmax"] = GDClassifier(**args).fit(data, y).coef_.tolist()
            fit = GDRegressor(**args, batch_size=1, average=True).fit(data, y)
            found[f"{p} {dtype} {name} squared"] = fit.coef_.tolist()
            args = {"optimizer": "newton", "max_iter": 2, "tol": None, "alpha": 0.1}
            fit = GDRegressor("poisson", **args).fit(data, y)
            found[f"{p} {dtype} {name} poisson newton"] = fit.coef_.tolist()
            fit = GDClassifier("log_loss", **args).fit(data, y)
            found[f"{p} {dtype} {name} softmax newton"] = fit.coef_.tolist()
            for loss in ("gamma", "log_cosh"):
                fit = GDRegressor(loss, **args).fit(data, y + 1.0)
                found[f"{p} {dtype} {name} {loss} newton"] = fit.coef_.tolist()
            fit = GDClassifier("log_loss", **args).fit(data, y > 0)
            found[f"{p} {dtype} {name} log loss newton"] = fit.coef_.tolist()
print(json.dumps([instruction_set(), found]))
"""


def run_with(instructions):
    environment = dict(os.environ, SKLGD_SIMD=instructions)
    command = [sys.executable, "-P", "-c", SCRIPT]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(output.stdout)


def test_all_instruction_sets_agree():
    name, expected = run_with("")
    assert name == instruction_set() or "SKLGD_SIMD" in os.environ
    for lower in ("avx2", "plain"):
        used, found = run_with(lower)
        assert used in (lower, "plain")
        for case, coef in expected.items():
            np.testing.assert_allclose(found[case], coef, rtol=1e-12, atol=1e-14, err_msg=case)
