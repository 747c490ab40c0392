"""The default on rows of many shapes, beside scikit-learn's; see benchmarks/README.md."""

import _compare  # isort: skip  (first: it sets the threads)

import argparse
import statistics
import warnings
from functools import partial

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import (
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
)
from sklearn.svm import LinearSVC, LinearSVR

from sklgd import GDClassifier, GDRegressor

ALPHA = 1e-4
#: an objective that is nowhere near where it comes from: all weights zero, the best constant
HELD = 1e13


def dense(n, p, rng):
    """Correlated normals of one scale."""
    return rng.standard_normal((n, p)) + 0.5 * rng.standard_normal((n, 1))


def texts(n, p, rng, words=60):
    """Rows as tf-idf of texts has them, of words that are ever rarer."""
    share = np.arange(1, p + 1) ** -0.9
    columns = rng.choice(p, size=n * words, p=share / share.sum())
    ones, rows = np.ones(n * words), np.repeat(np.arange(n), words)
    counts = sparse.csr_matrix((ones, (rows, columns)), shape=(n, p))
    counts.sum_duplicates()
    return TfidfTransformer().fit_transform(counts)


def scores(X, k, rng):
    """Sums of a third of the features, of unit variance."""
    weights = rng.standard_normal((X.shape[1], k)) * (rng.random((X.shape[1], k)) < 0.3)
    z = np.asarray(X @ weights)
    return (z - z.mean(axis=0)) / z.std(axis=0)


def numbers(X, rng, k=1):
    z = scores(X, k, rng)
    y = z + 0.5 * rng.standard_normal(z.shape)
    return y if k > 1 else y[:, 0]


def classes(X, rng, k=2):
    z = scores(X, k, rng)
    return np.argmax(2.0 * z + 0.5 * rng.gumbel(size=z.shape), axis=1)


def counts(X, rng):
    return rng.poisson(np.exp(0.5 * scores(X, 1, rng)[:, 0] + 0.3)).astype(float)


def amounts(X, rng):
    return rng.gamma(2.0, 0.5 * np.exp(0.5 * scores(X, 1, rng)[:, 0])) + 1e-9


#: loss -> (targets, sklgd's model, what n rows turn alpha into: scikit-learn's models)
SQUARED = (numbers, GDRegressor(alpha=ALPHA), lambda n: [Ridge(alpha=ALPHA * n)])
LASSO = (numbers, GDRegressor(penalty="l1", alpha=0.02), lambda n: [Lasso(alpha=0.02)])
LOGISTIC = (
    classes,
    GDClassifier("log_loss", alpha=ALPHA),
    lambda n: [LogisticRegression(C=1 / (ALPHA * n), max_iter=1000)],
)
HINGE = (
    classes,
    GDClassifier("hinge", alpha=ALPHA),
    lambda n: [LinearSVC(C=1 / (ALPHA * n), loss="hinge", max_iter=1000)],
)
TUBE = (
    numbers,
    GDRegressor("epsilon_insensitive", alpha=ALPHA),
    lambda n: [LinearSVR(C=1 / (ALPHA * n), epsilon=0.1, max_iter=1000)],
)
HUBER = (
    numbers,
    GDRegressor("huber", epsilon=1.35, alpha=ALPHA),
    lambda n: [HuberRegressor(alpha=ALPHA, max_iter=1000)],
)
POISSON = (
    counts,
    GDRegressor("poisson", alpha=ALPHA),
    lambda n: [
        PoissonRegressor(alpha=ALPHA, max_iter=1000),
        PoissonRegressor(alpha=ALPHA, solver="newton-cholesky"),
    ],
)
GAMMA = (
    amounts,
    GDRegressor("gamma", alpha=ALPHA),
    lambda n: [GammaRegressor(alpha=ALPHA, max_iter=1000)],
)


def cases():
    """Return (name, rows, how targets are drawn, sklgd's model, scikit-learn's) of all."""
    found = []

    def add(name, make, n, p, problem, **more):
        draw, model, others = problem
        found.append(
            (f"{name} {n} x {p}", partial(make, n, p), partial(draw, **more), model, others)
        )

    for n, p in [(500_000, 10), (50_000, 100), (3_000, 1_500), (400, 5_000)]:
        for name, problem in {
            "squared error": SQUARED,
            "lasso": LASSO,
            "log loss": LOGISTIC,
            "poisson": POISSON,
            "gamma": GAMMA,
        }.items():
            add(name, dense, n, p, problem)
    for n, p in [(20_000, 30), (2_000, 200)]:
        for name, problem in {"hinge": HINGE, "tube": TUBE, "huber": HUBER}.items():
            add(name, dense, n, p, problem)
    for n, p, k in [
        (5_000, 200, 50),
        (50_000, 20, 10),
        (500, 3_000, 20),
        (5_000, 800, 5),
        (600, 650, 2),
    ]:
        add(f"squared error, {k} targets,", dense, n, p, SQUARED, k=k)
    for n, p, k in [(20_000, 64, 100), (60_000, 20, 5), (1_000, 2_000, 10)]:
        add(f"log loss, {k} classes,", dense, n, p, LOGISTIC, k=k)
    for n, p in [(20_000, 50_000), (3_000, 100_000)]:
        for name, problem in {
            "squared error": SQUARED,
            "log loss": LOGISTIC,
            "hinge": HINGE,
            "tube": TUBE,
        }.items():
            add(f"texts, {name},", texts, n, p, problem)
        add("texts, log loss, 10 classes,", texts, n, p, LOGISTIC, k=10)
    return found


def objective(model, X, y):
    """Return the objective of a fitted model of sklgd, by another pass over the rows."""
    raw = X @ model.coef_.T + model.intercept_
    return _mean_loss(model, y, np.asarray(raw)) + _penalty(model)


def _mean_loss(model, y, raw):
    loss = model.loss_
    if not hasattr(model, "classes_"):
        y = y.reshape(len(y), -1)
        return loss.value(y.ravel(), raw.reshape(y.shape).ravel()).reshape(y.shape).sum(1).mean()
    y = np.searchsorted(model.classes_, y)
    if len(model.classes_) == 2:
        return loss.value(y.astype(float), raw.ravel()).mean()
    return loss.value(y, raw).mean()


def _penalty(model):
    return model.penalty_.value(np.atleast_2d(model.coef_)) if model.penalty_ is not None else 0.0


def quiet_fit(model, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


def compare(name, rows, draw, model, others, repeats):
    """Time the default and scikit-learn's in turn; print ratios and how near the default comes."""
    rng = np.random.default_rng(0)
    X = rows(rng)
    y = draw(X, rng)
    theirs = others(X.shape[0])
    calls = {"sklgd": partial(quiet_fit, model, X, y)}
    for other in theirs:
        calls[_name(other)] = partial(quiet_fit, other, X, y)
    times = _compare.interleaved(calls, repeats=repeats)
    found = objective(model.fit(X, y), X, y)
    exact = clone(model).set_params(tol=1e-8, max_iter=5000)
    least = objective(quiet_fit(exact, X, y), X, y)
    held = clone(model).set_params(penalty="l2", alpha=HELD)
    constant = _mean_loss(quiet_fit(held, X, y), y, np.asarray(X @ held.coef_.T + held.intercept_))
    line = f"{name:42}{statistics.median(times['sklgd']) * 1e3:9.1f} ms"
    line += f"  left {(found - least) / (constant - least):8.1e}"
    for other in calls:
        if other != "sklgd":
            faster = statistics.median(_compare.ratios(times, "sklgd", other))
            line += f"  {faster:6.1f} x {other}"
    print(line, flush=True)


def _name(model):
    solver = model.get_params().get("solver", "auto")
    return type(model).__name__ + ("" if solver in ("auto", "lbfgs") else f" {solver}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", action="append", help="only cases whose name contains this")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, help="threads of BLAS and OpenMP (1)")
    args = parser.parse_args()
    _compare.environment()
    for name, *case in cases():
        if not args.case or any(part in name for part in args.case):
            compare(name, *case, args.repeats)


if __name__ == "__main__":
    main()
