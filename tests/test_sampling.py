"""Fits of many rows that start at the minimum for a sample of them."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog
from sklearn.linear_model import LogisticRegression, PoissonRegressor

from sklgd import GDClassifier, GDRegressor
from sklgd.optimizers import Continuation, Newton
from sklgd.sampling import evenly
from sklgd.second_order import SecondOrder

N, P = 20_000, 30


@pytest.fixture(scope="module")
def rows():
    """Features of very different units, and a raw prediction."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, P)) * np.geomspace(1e-2, 1e3, P)
    return X, X @ (rng.standard_normal(P) / X.std(axis=0)) / 4 + rng.standard_normal(N) / 2


@pytest.fixture
def samples(monkeypatch):
    """The samples that optimizers solve, and for how many rows."""
    from sklgd import sampling
    from sklgd.optimizers import continuation, newton

    seen = []

    def solved_sample(optimizer, problem, params, bend, state):
        solved = sampling.solved_sample(optimizer, problem, params, bend, state)
        if solved is not None:
            seen.append((problem.n_rows, solved.problem.n_rows))
        return solved

    for module in (continuation, newton):
        monkeypatch.setattr(module, "solved_sample", solved_sample)
    return seen


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_the_minimum_is_that_of_all_rows(rows, samples, form):
    X, raw = rows
    y = (raw > 0.3).astype(int)
    found = GDClassifier("log_loss", penalty=None, optimizer=Newton(), tol=1e-14).fit(form(X), y)
    assert samples == [(N, N // 8)]
    Z = X / X.std(axis=0)
    exact = LogisticRegression(C=np.inf, tol=1e-12, solver="newton-cholesky").fit(Z, y)
    np.testing.assert_allclose(found.coef_ * X.std(axis=0), exact.coef_, rtol=1e-6)


def test_counts(rows, samples):
    X, raw = rows
    y = np.random.default_rng(1).poisson(np.exp(np.clip(raw, None, 3.0)))
    Z = X / X.std(axis=0)
    exact = PoissonRegressor(alpha=1e-4, solver="newton-cholesky", tol=1e-12).fit(Z, y)
    found = GDRegressor("poisson", alpha=1e-4, optimizer=Newton(), tol=1e-12).fit(Z, y)
    assert samples == [(N, N // 8)]
    np.testing.assert_allclose(found.coef_, exact.coef_, rtol=1e-6)


@pytest.fixture
def passes(monkeypatch):
    """For how many rows second derivatives are summed, pass by pass."""
    seen, at = [], SecondOrder.at

    def counted(self, *args):
        seen.append(self.problem.n_rows)
        return at(self, *args)

    monkeypatch.setattr(SecondOrder, "at", counted)
    return seen


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_second_derivatives_of_the_sample_do(rows, passes, form):
    X, raw = rows
    y = (raw > 0.3).astype(int)
    model = GDClassifier("log_loss", alpha=1e-4, optimizer=Newton()).fit(form(X), y)
    assert N // 8 in passes and N not in passes
    del passes[:]
    from_zero = GDClassifier("log_loss", alpha=1e-4, optimizer=Newton())
    from_zero.fit(form(X), y, coef_init=np.full((1, P), 1e-12))
    assert N in passes and N // 8 not in passes
    exact = GDClassifier("log_loss", alpha=1e-4, optimizer=Newton(), tol=1e-14).fit(form(X), y)
    least, first = exact.loss_curve_[-1], np.log(2.0)
    assert model.loss_curve_[-1] - least <= 1e-3 * (first - least)


def test_rows_that_repeat(passes):
    """Hours of days: every eighth row would be of three hours only."""
    rng = np.random.default_rng(0)
    hours = np.tile(np.eye(24), (800, 1))
    X = np.hstack([hours, rng.standard_normal((len(hours), 20))])
    y = rng.poisson(np.exp(0.3 * X @ rng.standard_normal(44)))
    model = GDRegressor("poisson", alpha=1e-4, optimizer=Newton()).fit(X, y)
    assert len(X) // 8 in passes and len(X) not in passes
    exact = PoissonRegressor(alpha=1e-4, solver="newton-cholesky", tol=1e-12).fit(X, y)

    def objective(coef, intercept):
        raw = X @ coef + intercept
        return np.mean(np.exp(raw) - y * raw) + 0.5e-4 * coef @ coef

    least, first = objective(exact.coef_, exact.intercept_), objective(0.0 * X[0], np.log(y.mean()))
    assert objective(model.coef_, model.intercept_) - least <= 1e-3 * (first - least)


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_a_category_that_the_sample_has_not(rows, samples, scale):
    """Second derivatives of a sample say nothing of it, and rows of ones add up to one still."""
    X, raw = rows
    kinds = np.repeat(np.arange(4), N // 4)
    kinds[np.setdiff1d(np.arange(N), evenly(N, 8))[:: N // 30]] = 4
    X = np.hstack([X[:, :10], scale * np.eye(5)[kinds]])
    y = (raw + kinds > 2.0).astype(int)
    found = GDClassifier("log_loss", alpha=1e-4, optimizer=Newton(), tol=1e-10).fit(X, y)
    assert samples == [(N, N // 8)]
    exact = LogisticRegression(C=1.0 / (1e-4 * N), tol=1e-12, solver="newton-cholesky").fit(X, y)
    np.testing.assert_allclose(found.decision_function(X), exact.decision_function(X), atol=1e-4)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_rare_features_do_not_mislead(samples, form):
    """Those that are in the sample with one class only would get any weight."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, P)) * (rng.random((N, P)) < 0.3)
    y = (X[:, 10:].sum(axis=1) + rng.logistic(size=N) > 0.0).astype(int)
    for j in range(10):
        X[:, j] = 0.0
        sampled = evenly(N, 8)[40 * j : 40 * j + 3]
        others = np.setdiff1d(np.arange(5000 + 20 * j, 5020 + 20 * j), evenly(N, 8))
        X[sampled, j] = X[others, j] = 100.0
        y[sampled], y[others[:8]], y[others[8:]] = 0, 0, 1
    model = GDClassifier("log_loss", alpha=1e-8, optimizer=Newton(), tol=1e-6).fit(form(X), y)
    assert samples == [(N, N // 8)]
    assert model.n_iter_ <= 6 and model.optimality_ < 1e-3


@pytest.mark.parametrize("loss", ["log_loss", "hinge", "squared_hinge"])
def test_a_sample_that_tells_the_opposite(rows, samples, loss):
    """Every eighth row contradicts the others: the fit starts anew."""
    X, raw = rows
    y = (raw > 0.0).astype(int)
    y[evenly(N, 8)] ^= 1
    inner = Newton() if loss != "hinge" else Continuation(Newton())
    model = GDClassifier(loss, optimizer=inner).fit(X, y)
    shuffled = np.random.default_rng(0).permutation(N)
    other = GDClassifier(loss, optimizer=inner).fit(X[shuffled], y[shuffled])
    assert len(samples) >= 2
    first, second = model.history_["objective"][-1], other.history_["objective"][-1]
    assert first == pytest.approx(second, rel=1e-3)
    assert model.score(X, y) > 0.75


def test_classes_that_the_sample_has_not(rows, samples):
    X, _ = rows
    y = np.zeros(N, dtype=int)
    y[3:N:5_000] = 1
    X = X[:, ::3]
    model = GDClassifier("log_loss", alpha=1e-2, optimizer=Newton(), tol=1e-8).fit(X, y)
    exact = LogisticRegression(C=1.0 / (1e-2 * N), tol=1e-10, solver="newton-cholesky").fit(X, y)
    np.testing.assert_allclose(
        model.predict_proba(X)[:, 1], exact.predict_proba(X)[:, 1], rtol=1e-3, atol=1e-7
    )


def test_medians(rows, samples):
    """A linear program tells what the sum of absolute errors is at its least."""
    X, raw = rows
    n, p = 8_192, 30
    X, y = X[:n, :p] / X[:n, :p].std(axis=0), raw[:n]
    model = GDRegressor("absolute_error", alpha=0.0, optimizer=Continuation(Newton())).fit(X, y)
    assert samples and samples[-1] == (n, n // 8)
    free = np.concatenate([np.zeros(2 * (p + 1)), np.full(2 * n, 1.0 / n)])
    design = np.hstack([X, np.ones((n, 1))])
    equal = sp.hstack([design, -design, sp.eye(n), -sp.eye(n)])
    least = linprog(free, A_eq=equal, b_eq=y, method="highs-ipm").fun
    at_constant = np.mean(np.abs(y - np.median(y)))
    found = np.mean(np.abs(model.predict(X) - y))
    assert (found - least) / (at_constant - least) <= 1e-3


def test_weights_of_zero_and_given_starts(rows, samples):
    """Rows without weight are in no sample, and a start that is given needs none."""
    X, raw = rows
    y = (raw > 0.0).astype(int)
    weights = np.where(np.arange(N) % 2, 1.0, 0.0)
    model = GDClassifier("log_loss", optimizer=Newton(), tol=1e-9)
    model.fit(X, y, sample_weight=weights)
    assert samples == [(N // 2, N // 16)]
    half = GDClassifier("log_loss", optimizer=Newton(), tol=1e-9).fit(X[1::2], y[1::2])
    np.testing.assert_allclose(model.coef_, half.coef_, rtol=1e-6)
    del samples[:]
    model.set_params(warm_start=True).fit(X, y, sample_weight=weights)
    assert not samples
