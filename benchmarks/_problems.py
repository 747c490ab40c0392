"""The problems of the race: data sets, objectives in plain NumPy, and where to find the data.

An objective here is ``mean(loss) + penalty``, written without sklgd, so that nobody grades
their own work.  Its minimum comes from `_minima` and is cached.
"""

import importlib.util
import os
import sys
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import scipy.sparse as sp
from scipy.special import logsumexp, softmax
from sklearn import datasets
from sklearn.linear_model import Ridge
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

#: quantile, share of the targets' spread that is insensitive, HuberRegressor's default
QUANTILE, INSENSITIVE, EPSILON = 0.9, 0.1, 1.35
REGRESSION = ("squared_error", "huber", "quantile", "epsilon_insensitive", "poisson")
CLASSIFICATION = ("log_loss", "hinge", "l1_log_loss")
BUNDLED = {
    "diabetes": (datasets.load_diabetes, "regression"),
    "iris": (datasets.load_iris, "classification"),
    "wine": (datasets.load_wine, "classification"),
    "digits": (datasets.load_digits, "classification"),
    "breast_cancer": (datasets.load_breast_cancer, "classification"),
}


@dataclass
class Problem:
    """An objective on a data set.

    Weights come as (k, p) and intercepts as (k,), with k = 1 for one raw column.
    """

    data: str
    form: str
    X: object = field(repr=False)
    y: np.ndarray = field(repr=False)
    loss: str
    alpha: float

    @property
    def name(self):
        """What the tables call it."""
        return f"{self.data}-{self.form}/{self.loss}/{self.alpha:.0e}"

    @property
    def classifies(self):
        """Whether the targets are classes."""
        return self.loss in CLASSIFICATION

    @property
    def l1(self):
        """Whether the penalty is alpha |w|_1, and not alpha / 2 |w|_2^2."""
        return self.loss.startswith("l1_")

    @cached_property
    def codes(self):
        """Class numbers."""
        return np.unique(self.y, return_inverse=True)[1]

    @cached_property
    def n_raw(self):
        """Raw columns: one, or one a class for three and more."""
        n_classes = int(self.codes.max()) + 1 if self.classifies else 2
        return 1 if n_classes == 2 else n_classes

    @cached_property
    def target(self):
        """Targets of the raw columns: numbers, or -1 and 1, of shape (n, k)."""
        if not self.classifies:
            return np.asarray(self.y, dtype=float)[:, None]
        if self.n_raw == 1:
            return 2.0 * self.codes[:, None] - 1.0
        return 2.0 * (self.codes[:, None] == np.arange(self.n_raw)) - 1.0

    @cached_property
    def spread(self):
        """Mean absolute deviation of the targets."""
        return float(np.mean(np.abs(self.target - self.target.mean())))

    @cached_property
    def delta(self):
        """Huber's bend, at which HuberRegressor's scale makes the two objectives one."""
        return EPSILON * self.huber_scale

    @cached_property
    def huber_scale(self):
        """A scale for Huber's bend: the median absolute deviation of a ridge fit's residuals."""
        X = StandardScaler(with_mean=not sp.issparse(self.X)).fit_transform(self.X)
        y = self.target[:, 0]
        fit = Ridge(alpha=1e-6 * len(y), solver="sparse_cg" if sp.issparse(X) else "cholesky")
        residual = y - fit.fit(X, y).predict(X)
        return float(np.median(np.abs(residual)) / 0.6745)

    def losses(self, raw):
        """Return the loss of each row."""
        target = self.target
        if self.loss.endswith("log_loss") and self.n_raw > 1:
            return logsumexp(raw, axis=1) - raw[np.arange(len(raw)), self.codes]
        entry = {
            "squared_error": lambda r: 0.5 * r**2,
            "huber": lambda r: np.where(
                np.abs(r) <= self.delta, 0.5 * r**2, self.delta * (np.abs(r) - 0.5 * self.delta)
            ),
            "quantile": lambda r: np.maximum(-QUANTILE * r, (1.0 - QUANTILE) * r),
            "epsilon_insensitive": lambda r: np.maximum(np.abs(r) - self.insensitive, 0.0),
        }
        if self.loss in entry:
            values = entry[self.loss](raw - target)
        elif self.loss == "poisson":
            values = np.exp(np.minimum(raw, 700.0)) - target * raw
        elif self.loss == "hinge":
            values = np.maximum(1.0 - target * raw, 0.0)
        else:
            values = np.logaddexp(0.0, -target * raw)
        return values.sum(axis=1)

    @cached_property
    def insensitive(self):
        """Half the width of the tube within which a residual costs nothing."""
        return INSENSITIVE * self.spread

    def value(self, weights, intercepts):
        """Return the objective."""
        weights = np.atleast_2d(np.asarray(weights, dtype=float))
        if not (np.isfinite(weights).all() and np.isfinite(intercepts).all()):
            return np.inf
        with np.errstate(all="ignore"):
            raw = self.X @ weights.T + np.atleast_1d(intercepts)
            penalty = np.abs(weights).sum() if self.l1 else 0.5 * (weights**2).sum()
            value = float(self.losses(raw).mean() + self.alpha * penalty)
        return value if np.isfinite(value) else np.inf

    @cached_property
    def at_constant(self):
        """The objective of the best constant."""
        target, zero = self.target, np.zeros((self.n_raw, self.X.shape[1]))
        if self.loss.endswith("log_loss"):
            share = np.bincount(self.codes) / len(self.codes)
            constant = np.log(share) if self.n_raw > 1 else np.log(share[1:] / share[:1])
        elif self.loss == "hinge":
            constant = np.sign(target.sum(axis=0))
        elif self.loss == "poisson":
            constant = np.log(target.mean(axis=0))
        elif self.loss == "squared_error":
            constant = target.mean(axis=0)
        else:
            from scipy.optimize import minimize_scalar

            low, high = target.min(), target.max()
            cost = partial(self._constant_cost)
            constant = np.atleast_1d(minimize_scalar(cost, bounds=(low, high), method="bounded").x)
        return self.value(zero, constant)

    def _constant_cost(self, constant):
        return self.losses(np.full_like(self.target, constant)).mean()

    def slope_of_softmax(self, raw):
        """Return the probabilities of the classes."""
        return softmax(raw, axis=1)


def find_data(path):
    """Return ``load`` and the names of the data sets in ``path``, or (None, [])."""
    if not path:
        return None, []
    spec = importlib.util.spec_from_file_location("race_data", os.path.join(path, "load.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load, list(module.NAMES)


def _kind(y, name):
    # wine quality is a mark from 3 to 9: both
    n_values = len(np.unique(y))
    if name == "wine_quality":
        return ("regression", "classification")
    return ("classification",) if n_values <= 20 else ("regression",)


def _forms(name, load):
    """Return X as it is and scaled, and y: of counts of words, scaled is tf-idf."""
    if load is None:
        X, y = BUNDLED[name][0](return_X_y=True)
        return {"raw": X, "scaled": StandardScaler().fit_transform(X)}, y
    data = load(name)
    X, y = data["X"], data["y"]
    if not sp.issparse(X):
        X = np.ascontiguousarray(X, dtype=np.float64)
        return {"raw": X, "scaled": StandardScaler().fit_transform(X)}, y
    X = sp.csr_matrix(X, dtype=np.float64)
    if data.get("names") is not None and X.shape[1] > 1000:
        scaled = sp.csr_matrix(load(name, tfidf=True)["X"], dtype=np.float64)
    else:
        scaled = sp.csr_matrix(MaxAbsScaler().fit_transform(X))
        if (scaled != X).nnz == 0:  # zeros and ones already
            scaled = sp.csr_matrix(StandardScaler(with_mean=False).fit_transform(X))
    return {"raw": X, "scaled": scaled}, y


def problems(path=None, *, alphas=(1e-4, 1e-6), wanted=lambda name: True):
    """Yield the problems whose name is wanted, data set by data set."""
    load, names = find_data(path)
    sources = [(name, load) for name in names] + [(name, None) for name in BUNDLED]
    for name, loader in sources:
        candidates = [
            f"{name}-{form}/{loss}/{alpha:.0e}"
            for form in ("raw", "scaled")
            for loss in (*REGRESSION, *CLASSIFICATION)
            for alpha in alphas
        ]
        if not any(map(wanted, candidates)):
            continue
        forms, y = _forms(name, loader)
        kinds = _kind(y, name) if loader is not None else (BUNDLED[name][1],)
        for form, X in forms.items():
            for loss in _losses(kinds, y):
                for alpha in alphas:
                    problem = Problem(name, form, X, y, loss, alpha)
                    if wanted(problem.name):
                        yield problem


def _losses(kinds, y):
    if "regression" in kinds:
        yield from REGRESSION
    if "classification" in kinds:
        yield "log_loss"
        yield "hinge"
        if len(np.unique(y)) == 2:
            yield "l1_log_loss"


if __name__ == "__main__":
    for each in problems(sys.argv[1] if len(sys.argv) > 1 else None):
        print(each.name, each.X.shape, each.n_raw, each.at_constant)
