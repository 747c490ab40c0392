"""A step of a network, sklgd beside MLPClassifier, torch and Keras; see benchmarks/README.md.

All in the precision that the title of a case names.  torch's Adam stands here twice: as it is
called by default, and fused.
"""

import _compare  # isort: skip  (first: it sets the threads)

import argparse
import importlib.util
import os
import statistics
import time
import warnings
from functools import partial

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from sklgd import GDClassifier
from sklgd.models import MLP
from sklgd.optimizers import Adam

#: hidden layers, features, batch size, rows
CASES = [
    ((64, 64), 10, 32, 12_800),
    ((64, 64), 784, 32, 6_400),
    ((64, 64), 10, 256, 51_200),
    ((64, 64), 784, 256, 12_800),
    ((256, 256), 784, 256, 12_800),
]
QUICK = 8  # --quick divides the rows by this


def data(n, p, dtype):
    """Rows of standard normals, and whether a sum of products of theirs is positive."""
    X = np.random.default_rng(0).standard_normal((n, p), dtype=dtype)
    return X, (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(np.int64)


def fit_sklgd(hidden, batch, X, y, epochs):
    network = GDClassifier(
        model=MLP(hidden), optimizer=Adam(), batch_size=batch, max_iter=epochs, tol=None
    )
    assert network.fit(X, y).t_ == epochs * -(-len(X) // batch) + 1


def fit_sklearn(hidden, batch, X, y, epochs):
    network = MLPClassifier(hidden, batch_size=batch, max_iter=epochs, n_iter_no_change=epochs + 1)
    network.fit(X, y)
    assert network.n_iter_ == epochs


def fit_torch(hidden, batch, X, y, epochs, **options):
    import torch

    torch.set_num_threads(_compare.THREADS)
    sizes, layers = (X.shape[1], *hidden, 1), []
    kind = torch.from_numpy(X[:1]).dtype
    for i in range(len(sizes) - 1):
        layers += [torch.nn.Linear(sizes[i], sizes[i + 1], dtype=kind), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    rule = torch.optim.Adam(net.parameters(), weight_decay=1e-4, **options)
    loss_of = torch.nn.BCEWithLogitsLoss()
    rows, targets = torch.from_numpy(X), torch.from_numpy(y.astype(X.dtype)[:, None])
    for _ in range(epochs):
        for part in torch.randperm(len(X)).split(batch):
            rule.zero_grad()
            loss_of(net(rows[part]), targets[part]).backward()
            rule.step()


def fit_keras(hidden, batch, X, y, epochs):
    import keras

    limit_threads(keras.backend.backend())
    keras.config.set_floatx(str(X.dtype))
    layers = [keras.layers.Dense(size, activation="relu") for size in hidden]
    net = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
    net.compile(optimizer=keras.optimizers.Adam(0.001), loss="binary_crossentropy")
    net.fit(X, y, epochs=epochs, batch_size=batch, verbose=0)


def limit_threads(backend):
    """Let a backend of Keras have as many threads as the others."""
    if backend == "torch":
        import torch

        torch.set_num_threads(_compare.THREADS)
    elif backend == "tensorflow":
        import tensorflow as tf

        try:
            tf.config.threading.set_intra_op_parallelism_threads(_compare.THREADS)
            tf.config.threading.set_inter_op_parallelism_threads(_compare.THREADS)
        except RuntimeError:  # only before the first call
            pass


RIVALS = {
    "sklearn": fit_sklearn,
    "torch": fit_torch,
    "torch, fused Adam": partial(fit_torch, fused=True),
    "keras": fit_keras,
}


def has(module):
    """Whether a module is installed."""
    return importlib.util.find_spec(module) is not None


def installed(name):
    """Whether a rival can be imported."""
    return has(name.partition(",")[0]) and (name != "keras" or has(os.environ["KERAS_BACKEND"]))


def compare(hidden, p, batch, n, dtype, args):
    """Time fits of 1 and of several epochs in turn; their difference is the pure epochs."""
    X, y = data(n, p, dtype)
    candidates = {"sklgd": fit_sklgd} | {name: RIVALS[name] for name in args.against}
    runs = {
        (name, e): partial(fit, hidden, batch, X, y, e)
        for name, fit in candidates.items()
        for e in (1, args.epochs)
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        clock = time.process_time if args.cpu_time else time.perf_counter
        times = _compare.interleaved(runs, repeats=args.repeats, clock=clock)
    per_step = {}
    for name in candidates:
        pairs = zip(times[name, 1], times[name, args.epochs], strict=True)
        steps = (args.epochs - 1) * -(-n // batch)
        per_step[name] = [(many - one) / steps for one, many in pairs]
    title = f"{np.dtype(dtype)} {n} x {p}, {hidden}, batch size {batch}: one step"
    print(f"\n{title}")
    for name, values in per_step.items():
        low, mid, high = (1e3 * f(values) for f in (min, statistics.median, max))
        line = f"  {name:17}  median {mid:7.3f} ms  [{low:.3f}, {high:.3f}]"
        if name != "sklgd":
            r = _compare.ratios(per_step, "sklgd", name)
            line += f"  {statistics.median(r):6.1f} times sklgd's  [{min(r):.1f}, {max(r):.1f}]"
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, help="read by _compare")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cpu-time", action="store_true", help="for a machine that is not idle")
    parser.add_argument("--dtype", action="append", choices=["float32", "float64"])
    parser.add_argument("--against", action="append", choices=RIVALS)
    parser.add_argument("--case", action="append", type=int, help="numbers from 0 on")
    args = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "tensorflow" if has("tensorflow") else "torch")
    args.against = [name for name in args.against or RIVALS if installed(name)]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _compare.environment()
    for name in ("torch", "keras"):
        print(f"{name:<12}", _compare._version(name), flush=True)
    print("backend     ", os.environ["KERAS_BACKEND"])
    for number, (hidden, p, batch, n) in enumerate(CASES):
        if args.case is None or number in args.case:
            for dtype in args.dtype or ["float32", "float64"]:
                compare(hidden, p, batch, n // (QUICK if args.quick else 1), dtype, args)


if __name__ == "__main__":
    main()
