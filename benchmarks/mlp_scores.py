"""Scores of networks on unseen rows, sklgd beside MLPClassifier, MLPRegressor and torch.

The defaults of sklgd on raw and on scaled features (and targets in dollars) stand against the
others' on scaled features and targets.  All have two hidden layers of 64; torch trains with the
batch size, the learning rate and the number of epochs that scikit-learn took.  See
benchmarks/README.md.
"""

import _compare  # isort: skip  (first: it sets the threads)

import argparse
import time
import warnings

import numpy as np
from _problems import find_data
from sklearn.datasets import (
    fetch_california_housing,
    fetch_covtype,
    load_breast_cancer,
    load_digits,
)
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from sklgd import GDClassifier, GDRegressor

HIDDEN = (64, 64)


def from_folder(folder, name):
    """Return rows and targets by the ``load.py`` of a folder of data sets."""
    data = find_data(folder)[0](name)
    X = data["X"]
    return X.toarray() if hasattr(X, "toarray") else X, data["y"]


def covtype():
    """Return 10,000 rows of covtype."""
    X, y = fetch_covtype(return_X_y=True)
    rows = np.random.RandomState(0).permutation(len(X))[:10_000]
    return X[rows], y[rows]


def housing():
    """Return California housing, prices in dollars."""
    X, y = fetch_california_housing(return_X_y=True)
    return X, 1e5 * y


#: name -> (rows and targets, its name in a folder, whether it is of classes)
DATA = {
    "digits": (lambda: load_digits(return_X_y=True), None, True),
    "breast cancer": (lambda: load_breast_cancer(return_X_y=True), None, True),
    "California housing": (housing, "california_housing", False),
    "covtype_10k": (covtype, "covtype_10k", True),
}


def sklgd(X, y, X_test, classes, seed):
    network = (GDClassifier if classes else GDRegressor)(model="mlp", random_state=seed)
    return network.fit(X, y).predict(X_test)


def sklearn(X, y, X_test, classes, seed):
    network = (MLPClassifier if classes else MLPRegressor)(
        hidden_layer_sizes=HIDDEN, random_state=seed
    )
    sklearn.epochs = network.fit(X, y).n_iter_
    return network.predict(X_test)


def torch(X, y, X_test, classes, seed):
    import torch

    torch.set_num_threads(_compare.THREADS)
    torch.manual_seed(seed)
    labels, coded = np.unique(y, return_inverse=True)
    sizes, layers = (X.shape[1], *HIDDEN, len(labels) if classes else 1), []
    for i in range(len(sizes) - 1):
        layers += [torch.nn.Linear(sizes[i], sizes[i + 1]), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    rule = torch.optim.Adam(net.parameters(), fused=True)
    rows = torch.tensor(X, dtype=torch.float32)
    targets = torch.tensor(coded if classes else y[:, None].astype(np.float32))
    loss_of = torch.nn.CrossEntropyLoss() if classes else torch.nn.MSELoss()
    for _ in range(sklearn.epochs):
        for part in torch.randperm(len(X)).split(min(200, len(X))):
            rule.zero_grad()
            loss_of(net(rows[part]), targets[part]).backward()
            rule.step()
    with torch.no_grad():
        raw = net(torch.tensor(X_test, dtype=torch.float32)).numpy()
    return labels[raw.argmax(axis=1)] if classes else raw[:, 0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, help="read by _compare")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", help="folder of load.py, in place of scikit-learn's downloads")
    parser.add_argument("--problem", action="append", choices=DATA, help="all without it")
    parser.add_argument("--without-torch", action="store_true")
    args = parser.parse_args()
    _compare.environment()
    print(f"{'torch':<12}", _compare._version("torch"))
    warnings.simplefilter("ignore")
    runs = {"sklgd raw": sklgd, "sklgd scaled": sklgd, "sklearn scaled": sklearn}
    if not args.without_torch:
        runs["torch scaled"] = torch
    for name in args.problem or DATA:
        load, filed, classes = DATA[name]
        X, y = from_folder(args.data, filed) if args.data and filed else load()
        scores, seconds = ({run: [] for run in runs} for _ in range(2))
        for seed in range(args.seeds):
            stratify = y if classes else None
            parts = train_test_split(X, y, random_state=seed, stratify=stratify)
            scaler = StandardScaler().fit(parts[0])
            scaled = scaler.transform(parts[0]), scaler.transform(parts[1])
            for run, train in runs.items():
                rows = parts[:2] if run.endswith("raw") else scaled
                targets, unit = parts[2], 1.0
                if not classes and train is not sklgd:
                    unit, mean = targets.std(), targets.mean()
                    targets = (targets - mean) / unit
                start = time.perf_counter()
                found = train(rows[0], targets, rows[1], classes, seed)
                seconds[run].append(time.perf_counter() - start)
                if classes:
                    scores[run].append(accuracy_score(parts[3], found))
                else:
                    found = found if train is sklgd else mean + unit * found
                    scores[run].append(r2_score(parts[3], found))
        print(f"\n{name}, {X.shape[0]} x {X.shape[1]}: {'accuracy' if classes else 'R^2'}")
        for run, values in scores.items():
            error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
            print(
                f"  {run:15} {np.mean(values):.4f} +- {error:.4f}"
                f"  {np.median(seconds[run]):7.2f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
