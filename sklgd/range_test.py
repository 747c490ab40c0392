"""The learning-rate range test: the loss against a rate that grows from step to step.

It trains an estimator, and so stands above the estimators; `sklgd.optimizers` has its names.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, indexable
from sklearn.utils._indexing import _safe_indexing
from sklearn.utils._param_validation import Interval, InvalidParameterError, validate_params

from .estimators.axes import last_step, strategy_of
from .estimators.fitted import problem_on
from .optimizers import Optimizer
from .schedules import ExponentialDecay

#: rows on which the loss is measured, at most
ROWS_SEEN = 2048
#: the test ends where the loss is above its start by this many times its best improvement
TOO_HIGH = 4.0


@dataclass(frozen=True)
class RangeTest:
    """What `lr_range_test` returns.

    Parameters
    ----------
    rates : ndarray of shape (n_steps,)
        The learning rates, growing; fewer than asked for where the loss rose far above its start.
    losses : ndarray of shape (n_steps,)
        The mean loss after the step at each rate.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import RangeTest
    >>> rates = np.array([1e-3, 1e-2, 1e-1, 1.0, 10.0])
    >>> RangeTest(rates, np.array([1.0, 0.95, 0.5, 0.3, 9.0])).suggestion
    0.1
    """

    rates: np.ndarray
    losses: np.ndarray

    @property
    def suggestion(self) -> float:
        """The rate at which the loss falls most steeply, by the logarithm of the rate.

        The slope is that of a running mean of 5 losses (where there are 10 or more), before its
        lowest value.  NaN where the loss never falls: even the smallest rate is too large, or all
        are too small.
        """
        losses, rates = self.losses, self.rates
        if len(losses) >= 10:
            losses, rates = np.convolve(losses, np.full(5, 0.2), mode="valid"), rates[2:-2]
        falling = int(np.argmin(losses)) + 1
        if falling < 2:
            return float("nan")
        slope = np.gradient(losses[:falling], np.log(rates[:falling]))
        return float(rates[np.argmin(slope)])

    def plot(self, ax: Any = None) -> Any:
        """Plot the loss against the rate, and mark the suggestion.

        Parameters
        ----------
        ax : matplotlib axes, default=None
            Where to draw; new axes if None.

        Returns
        -------
        matplotlib axes
        """
        from .displays import LearningRateDisplay  # which stands above this module

        return LearningRateDisplay(self).plot(ax).ax_


@validate_params(
    {
        "min_rate": [Interval(Real, 0, None, closed="neither")],
        "max_rate": [Interval(Real, 0, None, closed="neither")],
        "n_steps": [Interval(Integral, 2, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def lr_range_test(
    estimator: BaseEstimator,
    X: Any,
    y: Any,
    *,
    min_rate: float = 1e-6,
    max_rate: float = 10.0,
    n_steps: int = 100,
    batch_size: int | None = None,
    random_state: Any = None,
) -> RangeTest:
    r"""Train with a learning rate that grows from step to step, and watch the loss.

    Step :math:`t = 1, \ldots, n` is taken with the rate
    :math:`\eta_{min} (\eta_{max} / \eta_{min})^{(t - 1) / (n - 1)}` [1]_, in one run of a clone.
    After each, the loss is measured on up to 2,048 rows that stay the same, so that it does not
    depend on the rows of the step.  The test ends early where the loss is not finite, or above
    its start by more than 4 times what it had fallen.

    Parameters
    ----------
    estimator : GDRegressor, GDClassifier or a pipeline that ends in one
        With a step rule that has a learning rate as its optimizer; it is not changed.
    X : {array-like, CSR matrix} of shape (n_samples, n_features)
        Training rows.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    min_rate, max_rate : float, default=1e-6 and 10
        The first and the last rate.
    n_steps : int, default=100
        The number of steps.
    batch_size : int, default=None
        The number of rows of a step.  None is the estimator's, and 32 where that is "auto": the
        rate that suits a step depends on it.
    random_state : int, RandomState instance or None, default=None
        Draws the order of the rows.

    Returns
    -------
    RangeTest
        ``rates``, ``losses``, ``suggestion`` and ``plot(ax=None)``.

    Raises
    ------
    ValueError
        If the rates are no range, or if the optimizer is no step rule with a learning rate.

    References
    ----------
    .. [1] Smith (2017). Cyclical learning rates for training neural networks. WACV.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sklgd import GDClassifier
    >>> from sklgd.optimizers import Adam, lr_range_test
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> found = lr_range_test(GDClassifier(optimizer=Adam()), scale(X), y, random_state=0)
    >>> 0.001 < found.suggestion < 1
    True
    """
    if not min_rate < max_rate:
        raise ValueError(f"min_rate must be below max_rate. Got {min_rate} and {max_rate} instead.")
    if hasattr(estimator, "steps") and len(estimator) > 1:
        X = clone(estimator[:-1]).fit_transform(X, y)
    X, y = indexable(X, y)
    rng = check_random_state(random_state)
    rates = np.geomspace(min_rate, max_rate, n_steps)
    model = _growing(last_step(estimator), min_rate, max_rate, n_steps)
    if batch_size is None:
        auto = 1 if model.optimizer.follows else 32
        batch_size = auto if model.batch_size == "auto" else model.batch_size
    n_rows = len(y) if hasattr(y, "__len__") else y.shape[0]
    batch_size = min(batch_size, n_rows)
    model.set_params(batch_size=batch_size, random_state=rng.randint(2**31 - 1))
    seen = rng.permutation(n_rows)[:ROWS_SEEN]
    seen = _safe_indexing(X, seen), _safe_indexing(y, seen)
    given = {"classes": _classes(y)} if is_classifier(model) else {}
    losses: list[float] = []
    order = np.empty(0, dtype=int)
    for _ in rates:
        while len(order) < batch_size:
            order = np.r_[order, rng.permutation(n_rows)]
        rows, order = order[:batch_size], order[batch_size:]
        with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.partial_fit(_safe_indexing(X, rows), _safe_indexing(y, rows), **given)
            given = {}
            problem, params = problem_on(model, *seen)
            loss = problem.loss(params)
        if model.stop_reason_ == "diverged" or not np.isfinite(loss):
            break
        losses.append(loss)
        if loss > losses[0] + TOO_HIGH * max(losses[0] - min(losses), 1e-3 * abs(losses[0])):
            break
    return RangeTest(rates[: len(losses)], np.array(losses))


def _classes(y: Any) -> np.ndarray:
    return np.unique(y) if np.ndim(y) == 1 else np.arange(y.shape[1])


def _growing(estimator: Any, first: float, last: float, n_steps: int) -> Any:
    # A clone whose optimizer's learning rate grows, and that can learn from batches.
    model = clone(estimator).set_params(early_stopping=False)
    optimizer = strategy_of(model, "optimizer")
    known = optimizer.get_params()
    name = next(
        (key for key in ("learning_rate", "optimizer__learning_rate") if key in known), None
    )
    rule = getattr(optimizer, "optimizer", optimizer)
    if name is None or type(rule).step is Optimizer.step:
        raise InvalidParameterError(
            f"lr_range_test needs a step rule with a learning rate. Got {optimizer!r}; pass an "
            "estimator with optimizer='sgd', optimizer='adam' or another of that kind."
        )
    schedule = ExponentialDecay(first, decay_rate=last / first, decay_steps=n_steps - 1)
    return model.set_params(optimizer=clone(optimizer).set_params(**{name: schedule}))
