"""Peak memory of ``fit`` beyond what stood before it, over the size of X.

Each fit has a process of its own: data made, both kinds of input fitted once on a few rows so that
imports and code do not count, the peak reset where the system can, then the fit.
"""

import resource
import subprocess
import sys

from _data import csr_data, dense_data
from scipy import sparse
from sklearn.linear_model import SGDClassifier, SGDRegressor

from sklgd import GDClassifier, GDRegressor

FITS = ("sklearn", "sklgd", "sklgd-auto")


def measure_memory(kind, shrink=1):
    """Print the peaks of one kind of input, ``"dense"`` or ``"csr"``."""
    print(f"\npeak memory of fit over the size of X, {kind}")
    for who in FITS:
        done = subprocess.run(
            [sys.executable, __file__, kind, who, str(shrink)],
            check=True,
            capture_output=True,
            text=True,
        )
        extra, size = map(int, done.stdout.split())
        print(
            f"  {who:10}  {extra / size:7.1%}  ({extra / 2**20:.1f} of {size / 2**20:.1f} MiB)",
            flush=True,
        )


def _reset_peak():
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass  # then the peak so far is the baseline, and X was made without temporaries


def _peak():
    # VmHWM is this process's own; ru_maxrss can start at the parent's peak, and is not reset
    try:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _child(kind, who, shrink):
    steps = {"learning_rate": "constant", "eta0": 1e-3, "max_iter": 3, "tol": None}
    if kind == "dense":
        X, y = dense_data(200_000 // shrink, 100)
        theirs, mine = SGDRegressor, GDRegressor
        size = X.nbytes
    else:
        X, y = csr_data(100_000 // shrink, 100_000, 100)
        theirs, mine = SGDClassifier, GDClassifier
        size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    model = {
        "sklearn": lambda: theirs(**steps),
        "sklgd": lambda: mine(optimizer="sgd", **steps),
        "sklgd-auto": lambda: mine(max_iter=3, tol=None),
    }[who]
    for few in (X[:50], sparse.csr_matrix(X[:50])):
        model().fit(few, y[:50])
    _reset_peak()
    before = _peak()
    model().fit(X, y)
    print(_peak() - before, size)


if __name__ == "__main__":
    _child(sys.argv[1], sys.argv[2], int(sys.argv[3]))
