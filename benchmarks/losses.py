"""Time per row of each compiled loss, over that of the squared error; see benchmarks/README.md."""

import _compare  # isort: skip  (first: it sets the threads)

import statistics
import warnings
from functools import partial

import numpy as np

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import LOSSES
from sklgd.optimizers import SGD

N, P, BATCH = 200_000, 10, 32
#: what a loss may cost, in units of the squared error
CHEAP, WITH_EXP = 2.0, 5.0
HAS_EXP = {
    *("log_cosh", "cauchy", "squared_log_error", "poisson", "gamma", "tweedie"),
    *("negative_binomial", "log_loss", "focal", "exponential"),
}


def targets(loss, X, rng):
    """Targets in the domain of the loss, as a linear model with noise would have them."""
    score = X @ rng.standard_normal(P) / np.sqrt(P) + 0.1 * rng.standard_normal(len(X))
    if loss.task == "classification":
        return (score > 0).astype(float)
    return np.exp(score) if not loss.domain.includes(-1.0) else score


def run(loss, X, y, epochs):
    """Train for a number of epochs at batch size 32."""
    make = GDClassifier if loss.task == "classification" else GDRegressor
    optimizer = SGD(learning_rate=1e-4)
    model = make(loss, optimizer=optimizer, batch_size=BATCH, penalty=None, shuffle=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 1e-4 does not suit every loss, and need not
        model.set_params(max_iter=epochs, tol=None).fit(X, y)
    assert model.n_iter_ == epochs, loss


def main():
    """Time fits of 1 and of 4 epochs of each loss in turn: the difference is 3 pure epochs."""
    args = _compare.arguments(__doc__, repeats=7)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, P))
    losses = {name: cls() for name, cls in LOSSES.items()}
    calls = {}
    for name, loss in losses.items():
        y = targets(loss, X, rng)
        for epochs in (1, 4):
            calls[name, epochs] = partial(run, loss, X, y, epochs)
    times = _compare.interleaved(calls, repeats=args.repeats)
    pure = {
        name: [(b - a) / 3 for a, b in zip(times[name, 1], times[name, 4], strict=True)]
        for name in losses
    }
    unit = pure["squared_error"]
    print(f"\n{N} x {P}, batches of {BATCH}: nanoseconds a row, and over the squared error's")
    for name, values in pure.items():
        ratio = statistics.median(a / b for a, b in zip(values, unit, strict=True))
        limit = WITH_EXP if name in HAS_EXP else CHEAP
        verdict = "" if ratio <= limit else f"  more than {limit:.0f}"
        print(f"  {name:28} {1e9 * statistics.median(values) / N:7.2f} {ratio:7.2f}{verdict}")


if __name__ == "__main__":
    main()
