"""The cost of callbacks where none is set, and of one that does nothing; see README.md."""

import _compare  # isort: skip  (first: it sets the threads)

from functools import partial
from unittest import mock

import numpy as np

from sklgd import GDRegressor
from sklgd.estimators import base
from sklgd.training import TrainingLoop


class Bare(TrainingLoop):
    """A training loop that knows of no callbacks."""

    def _epoch(self):
        if self._record(self.driver.epoch()):
            self.ended = self._has_stopped()
        else:
            self.ended, self.report.stop_reason = True, "diverged"


class Nothing:
    """A callback that does nothing."""

    def setup(self, estimator, context):
        """Do nothing."""

    def on_fit_task_begin(self, estimator, context, **kwargs):
        """Do nothing."""

    def on_fit_task_end(self, estimator, context, **kwargs):
        """Do nothing."""

    def teardown(self, estimator, context):
        """Do nothing."""


def fit(loop, callback, X, y, epochs):
    """Fit for a number of epochs by a loop, with a callback or none."""
    model = GDRegressor(optimizer="sgd", max_iter=epochs, tol=None, random_state=0)
    if callback is not None:
        model.set_callbacks(callback)
    with mock.patch.object(base, "TrainingLoop", loop):
        model.fit(X, y)
    assert model.n_iter_ == epochs


def main():
    """Time fits of many epochs in turn."""
    args = _compare.arguments(__doc__, repeats=25)
    rng = np.random.default_rng(0)
    for n_rows, epochs in ((200, 2000), (20_000, 50)):
        X = rng.standard_normal((n_rows, 10))
        y = X @ rng.standard_normal(10)
        loops = {"bare": (Bare, None), "none set": (TrainingLoop, None)}
        loops["one set"] = (TrainingLoop, Nothing())
        calls = {name: partial(fit, *loop, X, y, epochs) for name, loop in loops.items()}
        times = _compare.interleaved(calls, repeats=args.repeats)
        title = f"{epochs} epochs of {n_rows} x 10"
        _compare.report(title, times, against="bare", unit="ms")


if __name__ == "__main__":
    main()
