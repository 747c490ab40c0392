"""One epoch of equal work, sklgd beside scikit-learn; see benchmarks/README.md."""

import _compare  # isort: skip  (first: it sets the threads)

import argparse
import subprocess
import sys
from functools import partial

import numpy as np
from _data import csr_data, dense_data, image_data
from _memory import measure_memory
from sklearn.linear_model import SGDClassifier, SGDRegressor

from sklgd import GDClassifier, GDRegressor

DENSE = [(200_000, 10), (200_000, 50), (100_000, 200), (20_000, 2_000)]
QUICK = 10  # --quick divides the rows by this


def fit(make, X, y, epochs):
    """Fit for a number of epochs, and make sure that it took them."""
    model = make(max_iter=epochs, tol=None, random_state=0).fit(X, y)
    assert model.n_iter_ == epochs, (model, model.n_iter_)


def compare(title, theirs, mine, X, y, *, epochs, repeats):
    """Time fits of 1 and of ``epochs`` epochs in turn; their difference is the pure epochs."""
    runs = {
        (name, e): partial(fit, make, X, y, e)
        for name, make in (("sklearn", theirs), ("sklgd", mine))
        for e in (1, epochs)
    }
    times = _compare.interleaved(runs, repeats=repeats)
    per_epoch, whole = {}, {}
    for name in ("sklearn", "sklgd"):
        pairs = zip(times[name, 1], times[name, epochs], strict=True)
        per_epoch[name] = [(many - one) / (epochs - 1) for one, many in pairs]
        whole[name] = times[name, 1]
    _compare.report(f"{title}: one epoch", per_epoch, against="sklearn", unit="ms")
    _compare.report(f"{title}: whole fit of one epoch", whole, against="sklearn", unit="ms")


def dense_case(n, p, dtype, args):
    X, y = dense_data(n, p, dtype)
    params = {"learning_rate": "constant", "eta0": 0.1 / p}
    compare(
        f"dense {np.dtype(dtype)} {n} x {p}, squared error, batch size 1",
        partial(SGDRegressor, **params),
        partial(GDRegressor, optimizer="sgd", batch_size=1, **params),
        X,
        y,
        epochs=args.epochs,
        repeats=args.repeats,
    )


def csr_case(loss, penalty, args):
    n = 50_000 // args.shrink
    X, y = csr_data(n, 100_000, 100)
    params = {"loss": loss, "penalty": penalty, "alpha": 1e-5}
    params |= {"learning_rate": "constant", "eta0": 0.01}
    compare(
        f"CSR {n} x 100000, 100 nonzeros a row, {loss}, {penalty}",
        partial(SGDClassifier, **params),
        partial(GDClassifier, optimizer="sgd", batch_size=1, **params),
        X,
        y,
        epochs=args.epochs,
        repeats=args.repeats,
    )


def softmax_case(args):
    n = 60_000 // args.shrink
    X, y = image_data(n, 784, 10)
    params = {"loss": "log_loss", "learning_rate": "constant", "eta0": 1e-3}
    compare(
        f"softmax {n} x 784, 10 classes, against 10 one-vs-rest models",
        partial(SGDClassifier, n_jobs=1, **params),
        partial(GDClassifier, optimizer="sgd", batch_size=1, **params),
        X,
        y,
        epochs=args.epochs,
        repeats=args.repeats,
    )


def first_fit_case(args):
    """A fresh process: start Python, import, fit ten rows."""
    code = "import numpy as np; {}().fit(np.eye(10), np.arange(10.0))"
    imports = {
        "sklearn": "from sklearn.linear_model import SGDRegressor as R; ",
        "sklgd": "from sklgd import GDRegressor as R; ",
    }
    runs = {
        name: partial(
            subprocess.run, [sys.executable, "-P", "-c", line + code.format("R")], check=True
        )
        for name, line in imports.items()
    }
    times = _compare.interleaved(runs, repeats=max(5, args.repeats))
    _compare.report("first fit in a fresh process", times, against="sklearn", unit="ms")


def cases(args):
    """Return the cases by name."""
    found = {}
    for dtype in (np.float64, np.float32):
        for n, p in DENSE:
            name = f"dense-{np.dtype(dtype)}-{n // 1000}k-x-{p}"
            found[name] = partial(dense_case, n // args.shrink, p, dtype, args)
    for loss in ("hinge", "log_loss"):
        for penalty in ("l2", "l1", "elasticnet"):
            found[f"csr-{loss}-{penalty}"] = partial(csr_case, loss, penalty, args)
    found["softmax"] = partial(softmax_case, args)
    found["first-fit"] = partial(first_fit_case, args)
    for kind in ("dense", "csr"):
        found[f"memory-{kind}"] = partial(measure_memory, kind, args.shrink)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, 3 rounds")
    parser.add_argument("--case", action="append", help="only cases whose name contains this")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--epochs", type=int, default=6, help="epochs of the longer fit")
    parser.add_argument("--repeats", type=int, help="rounds (5, or 3 with --quick)")
    parser.add_argument("--threads", type=int, help="threads of BLAS and OpenMP (1)")
    args = parser.parse_args()
    if args.epochs < 2:
        parser.error("--epochs must be at least 2")
    args.shrink = QUICK if args.quick else 1
    args.repeats = args.repeats or (3 if args.quick else 5)

    found = cases(args)
    wanted = {k: run for k, run in found.items() if not args.case or any(c in k for c in args.case)}
    if not wanted:
        parser.error(f"no case contains {args.case}; there are {', '.join(found)}")
    if args.list:
        print(*wanted, sep="\n")
        return
    _compare.environment()
    for run in wanted.values():
        run()


if __name__ == "__main__":
    main()
