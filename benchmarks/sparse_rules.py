"""An epoch of step rules on CSR rows, over that of plain SGD; see benchmarks/README.md."""

import _compare  # isort: skip  (first: it sets the threads)

import statistics
import warnings
from functools import partial

from _data import csr_data

from sklgd import GDClassifier
from sklgd.optimizers import FTRL, SGD, AdaGrad, Adam

N, P, NONZEROS = 50_000, 100_000, 100
#: what an epoch may cost, in units of plain SGD's
LIMIT = 3.0
RULES = {
    "SGD": (SGD(0.01), 1),
    "AdaGrad": (AdaGrad(0.1), 1),
    "AdaGrad, auto": (AdaGrad(0.1), "auto"),
    "FTRL": (FTRL(0.1), 1),
    "FTRL, auto": (FTRL(0.1), "auto"),
    "Adam, auto": (Adam(0.001), "auto"),
}
EPOCHS = 1, 4


def run(rule, batch_size, penalty, X, y, epochs):
    """Train for a number of epochs."""
    model = GDClassifier("log_loss", optimizer=rule, batch_size=batch_size, penalty=penalty)
    model.set_params(max_iter=epochs, tol=None, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether it ends well is of no interest here
        model.fit(X, y)
    assert model.n_iter_ == epochs, rule


def main():
    """Time fits of 1 and of 4 epochs of each rule in turn: the difference is 3 pure epochs."""
    args = _compare.arguments(__doc__, repeats=7)
    X, y = csr_data(N, P, NONZEROS)
    for penalty in (None, "l2", "l1", "elasticnet"):
        calls = {
            (name, epochs): partial(run, rule, batch_size, penalty, X, y, epochs)
            for name, (rule, batch_size) in RULES.items()
            for epochs in EPOCHS
        }
        times = _compare.interleaved(calls, repeats=args.repeats)
        pure = {
            name: [
                (b - a) / (EPOCHS[1] - EPOCHS[0])
                for a, b in zip(*(times[name, epochs] for epochs in EPOCHS), strict=True)
            ]
            for name in RULES
        }
        print(f"\nCSR {N} x {P}, {NONZEROS} nonzeros a row, {penalty}: ms an epoch, over SGD's")
        for name, values in pure.items():
            ratios = [a / b for a, b in zip(values, pure["SGD"], strict=True)]
            ratio = statistics.median(ratios)
            verdict = "" if ratio <= LIMIT else f"  more than {LIMIT:.0f}"
            print(f"  {name:16} {1e3 * statistics.median(values):8.1f} {ratio:6.2f}{verdict}")


if __name__ == "__main__":
    main()
