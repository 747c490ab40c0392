"""One epoch of a network, sklgd beside MLPClassifier, torch and Keras; see benchmarks/README.md."""

import _compare  # isort: skip  (first: it sets the threads)

import argparse
import os
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


def fit_torch(hidden, batch, X, y, epochs):
    import torch

    torch.set_num_threads(_compare.THREADS)
    sizes, layers = (X.shape[1], *hidden, 1), []
    kind = torch.from_numpy(X[:1]).dtype
    for i in range(len(sizes) - 1):
        layers += [torch.nn.Linear(sizes[i], sizes[i + 1], dtype=kind), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    rule = torch.optim.Adam(net.parameters(), weight_decay=1e-4, fused=True)
    loss_of = torch.nn.BCEWithLogitsLoss()
    rows, targets = torch.from_numpy(X), torch.from_numpy(y.astype(X.dtype)[:, None])
    for _ in range(epochs):
        for part in torch.randperm(len(X)).split(batch):
            rule.zero_grad()
            loss_of(net(rows[part]), targets[part]).backward()
            rule.step()


def fit_keras(hidden, batch, X, y, epochs):
    import keras
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(_compare.THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(_compare.THREADS)
    except RuntimeError:  # only before the first call
        pass
    keras.config.set_floatx(str(X.dtype))
    layers = [keras.layers.Dense(size, activation="relu") for size in hidden]
    net = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
    net.compile(optimizer=keras.optimizers.Adam(0.001), loss="binary_crossentropy")
    net.fit(X, y, epochs=epochs, batch_size=batch, verbose=0)


RIVALS = {"sklearn": fit_sklearn, "torch": fit_torch, "keras": fit_keras}


def installed(name):
    """Whether a rival can be imported."""
    try:
        __import__({"sklearn": "sklearn", "torch": "torch", "keras": "tensorflow"}[name])
    except ImportError:
        return False
    return True


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
        times = _compare.interleaved(runs, repeats=args.repeats)
    per_step = {}
    for name in candidates:
        pairs = zip(times[name, 1], times[name, args.epochs], strict=True)
        steps = (args.epochs - 1) * -(-n // batch)
        per_step[name] = [(many - one) / steps for one, many in pairs]
    title = f"{np.dtype(dtype)} {n} x {p}, {hidden}, batch size {batch}: one step"
    _compare.report(title, per_step, against="sklgd", unit="ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, help="read by _compare")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dtype", action="append", choices=["float32", "float64"])
    parser.add_argument("--against", action="append", choices=RIVALS)
    parser.add_argument("--case", action="append", type=int, help="numbers from 0 on")
    args = parser.parse_args()
    args.against = [name for name in args.against or RIVALS if installed(name)]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _compare.environment()
    for name in ("torch", "keras", "tensorflow-cpu"):
        print(f"{name:<12}", _compare._version(name), flush=True)
    for number, (hidden, p, batch, n) in enumerate(CASES):
        if args.case is None or number in args.case:
            for dtype in args.dtype or ["float32", "float64"]:
                compare(hidden, p, batch, n // (QUICK if args.quick else 1), dtype, args)


if __name__ == "__main__":
    main()
