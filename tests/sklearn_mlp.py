"""scikit-learn's own tests of its networks, with sklgd's estimators in the place of its own.

    python tests/sklearn_mlp.py [pytest options]

collects ``sklearn/neural_network/tests/test_mlp.py`` of the installed scikit-learn with adapters as
``MLPClassifier`` and ``MLPRegressor``, and prints how many tests pass.  An adapter has
scikit-learn's parameters, and turns them into `GDClassifier` or `GDRegressor` with `MLP`: a solver
into an optimizer, and its ``alpha``, which scikit-learn divides by the number of rows, into `L2`.

`DIFFERENCES` lists every test that does not pass, with its reason; a test that fails without
standing there, or passes though it does, is an error.
"""

import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import sklearn.neural_network
from sklearn.neural_network.tests import __file__ as folder
from sklearn.utils.metaestimators import available_if

from sklearn_own import run_tests
from sklgd import GDClassifier, GDRegressor
from sklgd.losses import Poisson, SquaredError
from sklgd.models import MLP
from sklgd.optimizers import LBFGS, SGD, Adam
from sklgd.penalties import L2
from sklgd.schedules import Adaptive, Constant

PRIVATE = "private"
#: pattern of test names -> why it does not pass: first the row of the table in `docs/networks.rst`
#: that says so, or PRIVATE for what users do not see
DIFFERENCES = {
    "test_gradient": (PRIVATE, "a function of the loss and its gradient"),
    "test_n_iter_no_change*": (PRIVATE, "a count of epochs without improvement"),
    "test_early_stopping_stratified": (PRIVATE, "a label as it is coded inside: 'True' for 1"),
}


@dataclass(frozen=True)
class ByRows:
    """scikit-learn's invscaling of networks: by the rows that were seen before the epoch."""

    first: float
    power: float
    n_rows: int
    n_steps: int

    def __call__(self, t):
        """Return the rate of step t."""
        return (
            self.first / (1.0 + self.n_rows * ((np.asarray(t) - 1) // self.n_steps)) ** self.power
        )


class Adapter:
    """scikit-learn's parameters and attributes on an estimator of sklgd."""

    theirs: type
    ours: type
    scoring: str

    def __init__(self, *args, **given):
        bound = inspect.signature(self.theirs).bind(*args, **given)
        bound.apply_defaults()
        self.__dict__.update(bound.arguments)
        self.network = None

    def set_params(self, **params):
        self.__dict__.update(params)
        return self

    def optimizer(self, n_rows, batch_size):
        if self.solver == "lbfgs":
            return LBFGS()
        if self.solver == "adam":
            return Adam(self.learning_rate_init, self.beta_1, self.beta_2, self.epsilon)
        rate = {
            "constant": Constant(self.learning_rate_init),
            "invscaling": ByRows(
                self.learning_rate_init, self.power_t, n_rows, -(-n_rows // batch_size)
            ),
            "adaptive": Adaptive(self.learning_rate_init),
        }[self.learning_rate]
        nesterov = self.nesterovs_momentum and self.momentum > 0
        return SGD(rate, momentum=self.momentum, nesterov=nesterov)

    def loss_object(self):
        return "log_loss"

    def built(self, n_rows):
        """Return the network of sklgd for so many rows, going on where it should."""
        if self.network is None or not self.warm_start:
            self.network = self.ours(random_state=self.random_state)
        patience = self.n_iter_no_change
        batch_size = min(200, n_rows) if self.batch_size == "auto" else self.batch_size
        # an iteration of L-BFGS makes one evaluation at least
        max_iter = min(self.max_iter, self.max_fun) if self.solver == "lbfgs" else self.max_iter
        return self.network.set_params(
            loss=self.loss_object(),
            model=MLP(self.hidden_layer_sizes, self.activation),
            optimizer=self.optimizer(n_rows, batch_size),
            penalty=L2(self.alpha / n_rows),
            batch_size=batch_size,
            max_iter=max_iter,
            tol=self.tol,
            shuffle=self.shuffle,
            early_stopping=self.early_stopping,
            validation_fraction=self.validation_fraction,
            n_iter_no_change=sys.maxsize if np.isinf(patience) else patience,
            scoring=self.scoring if self.early_stopping else "loss",
            warm_start=self.warm_start,
            verbose=bool(self.verbose),
        )

    def fit(self, X, y, sample_weight=None):
        self.built(len(y)).fit(X, y, sample_weight)
        scores = self.network.history_.get("val_score")
        self.validation_scores_ = None if scores is None else scores.tolist()
        self.best_validation_score_ = None if scores is None else max(scores)
        self.best_loss_ = min(self.network.loss_curve_, default=None) if scores is None else None
        return self

    @available_if(lambda self: self.solver != "lbfgs")
    def partial_fit(self, X, y, **kwargs):
        if self.network is None:
            self.built(len(y))
            names = {"coefs_", "intercepts_"} & vars(self).keys()
            given = {name: vars(self).pop(name) for name in names}
            if given:  # rows without weight set the network up, and move nothing
                self.network.partial_fit(X, y, sample_weight=np.zeros(len(y)), **kwargs)
            vars(self.network).update(given)
        self.network.partial_fit(X, y, **kwargs)
        return self

    @property
    def _optimizer(self):
        """What has the rate of the next step."""
        schedule, t = self.network.optimizer_.schedule(), self.network.t_
        scale = self.network.history_["learning_rate"][-1] / schedule(t - 1)
        return SimpleNamespace(learning_rate=scale * schedule(t))

    def __getattr__(self, name):
        if name.startswith("__") or self.__dict__.get("network") is None:
            raise AttributeError(name)
        return getattr(self.network, name)


class Classifier(Adapter):
    """`MLPClassifier`, trained by `GDClassifier`."""

    theirs, ours, scoring = sklearn.neural_network.MLPClassifier, GDClassifier, "accuracy"


class Regressor(Adapter):
    """`MLPRegressor`, trained by `GDRegressor`."""

    theirs, ours, scoring = sklearn.neural_network.MLPRegressor, GDRegressor, "r2"

    def loss_object(self):
        """Return the loss that scikit-learn's name stands for."""
        return {"squared_error": SquaredError(), "poisson": Poisson()}[self.loss]


def main(*options: str) -> int:
    """Run the tests, print the count and return the number of surprises."""
    sklearn.neural_network.MLPClassifier = Classifier
    sklearn.neural_network.MLPRegressor = Regressor
    reasons = {pattern: ": ".join(why) for pattern, why in DIFFERENCES.items()}
    return run_tests(Path(folder).with_name("test_mlp.py"), reasons, options)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) > 0)
