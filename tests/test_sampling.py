"""Fits of many rows that start at the minimum for a sample of them."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog
from sklearn.linear_model import LogisticRegression, PoissonRegressor

from sklgd import GDClassifier, GDRegressor
from sklgd.optimizers import Continuation, Newton

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

    def solved_sample(optimizer, problem, params, bend):
        sample, found = sampling.solved_sample(optimizer, problem, params, bend)
        if sample is not None:
            seen.append((problem.n_rows, sample.n_rows))
        return sample, found

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


def test_fewer_iterations(rows):
    """The last steps of Newton's method are left."""
    X, raw = rows
    y = (raw > 0.3).astype(int)
    few = GDClassifier("log_loss", optimizer=Newton()).fit(X, y)
    from_zero = GDClassifier("log_loss", optimizer=Newton())
    from_zero.fit(X, y, coef_init=np.full((1, P), 1e-12))
    assert few.n_iter_ < from_zero.n_iter_


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_rare_features_do_not_mislead(samples, form):
    """Those that are in the sample with one class only would get any weight."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, P)) * (rng.random((N, P)) < 0.3)
    y = (X[:, 10:].sum(axis=1) + rng.logistic(size=N) > 0.0).astype(int)
    for j in range(10):
        X[:, j] = 0.0
        sampled = np.arange(320 * j, 320 * j + 24, 8)
        others = np.setdiff1d(np.arange(5000 + 20 * j, 5020 + 20 * j), np.arange(0, N, 8))
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
    y[::8] = 1 - y[::8]
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
