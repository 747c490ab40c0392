"""`GDRegressor`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin, _fit_context
from sklearn.utils._param_validation import InvalidParameterError

from ..losses import LOSSES, Loss
from ..models import Model
from ..objective import Targets
from ..optimizers import Optimizer
from ..penalties import Penalty
from ._docs import estimator_doc
from .availability import incremental
from .base import BaseGD
from .data import Init, ValidationData, check_X_y


class GDRegressor(MultiOutputMixin, RegressorMixin, BaseGD):
    __doc__ = estimator_doc(
        summary="Linear regression with any loss, penalty and optimizer, by gradient descent.",
        weights_are="the weight of row *i*",
        sgd="`sklearn.linear_model.SGDRegressor`",
        rate="invscaling",
        power="0.25",
        pa_loss='loss="epsilon_insensitive"',
        stratified="",
        loss="""
loss : str or Loss, default="squared_error"
    What a wrong prediction costs. ``"squared_error"`` (half the squared error),
    ``"absolute_error"``, ``"huber"``, ``"epsilon_insensitive"``,
    ``"squared_epsilon_insensitive"``, ``"quantile"``, ``"expectile"``, ``"log_cosh"``,
    ``"cauchy"``, ``"squared_log_error"``, ``"absolute_percentage_error"``; with a log link
    ``"poisson"``, ``"gamma"``, ``"tweedie"``, ``"negative_binomial"``. Or an object of
    `sklgd.losses`, or of a class of your own.
""",
        more_parameters="",
        attributes="""
coef_ : ndarray of shape (n_features,) or (n_outputs, n_features)
    Weights; 1-D for one target.
intercept_ : ndarray of shape (1,) or (n_outputs,)
    Intercepts; zeros without ``fit_intercept``.
""",
        see_also="""
GDClassifier : The same for classification.
sklearn.linear_model.SGDRegressor : Whose parameters, and with ``optimizer="sgd"`` whose steps,
    these are.
""",
        notes="""
- ``y`` of shape (n_samples, n_outputs) trains all outputs together; their losses are added.
""",
        examples="""
Nothing has to be tuned or scaled:

>>> from sklearn.datasets import load_diabetes
>>> from sklgd import GDRegressor
>>> X, y = load_diabetes(return_X_y=True, scaled=False)
>>> model = GDRegressor().fit(X, y)
>>> round(model.score(X, y), 2), model.optimizer_, model.stop_reason_
(0.52, Newton(), 'tol')

Strings read the estimator's parameters, as in ``SGDRegressor``; objects carry their own:

>>> from sklgd.losses import Quantile
>>> from sklgd.penalties import MCP
>>> GDRegressor("huber", epsilon=10.0, penalty="l1", alpha=0.1).fit(X, y).loss_
Huber(delta=10.0)
>>> upper = GDRegressor(Quantile(quantile=0.9), penalty=MCP(alpha=0.01)).fit(X, y)
>>> bool(0.85 < (y <= upper.predict(X)).mean() < 0.95)
True

A step rule, with early stopping; features are scaled for it:

>>> from sklearn.preprocessing import scale
>>> model = GDRegressor(optimizer="adam", eta0=0.5, early_stopping=True, random_state=0)
>>> model = model.fit(scale(X), y)
>>> model.stop_reason_, sorted(model.history_)[-2:]
('no_improvement', ['time', 'val_loss'])
""",
    )

    _sgd_defaults = {"learning_rate": "invscaling", "eta0": 0.01, "power_t": 0.25}

    def __init__(
        self,
        loss: str | Loss = "squared_error",
        *,
        optimizer: str | Optimizer = "auto",
        model: str | Model = "linear",
        penalty: str | Penalty | None = "l2",
        alpha: float = 1e-4,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        batch_size: int | str = "auto",
        shuffle: bool = True,
        average: bool | int = False,
        epsilon: float = 0.1,
        learning_rate: Any = None,
        eta0: float | None = None,
        power_t: float | None = None,
        early_stopping: bool = False,
        validation_fraction: Any = 0.1,
        n_iter_no_change: int = 5,
        scoring: Any = "loss",
        warm_start: bool = False,
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.loss = loss
        self.optimizer = optimizer
        self.model = model
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.average = average
        self.epsilon = epsilon
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.scoring = scoring
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    @staticmethod
    def _can_train(loss: type[Loss]) -> bool:
        return loss.task != "classification"

    def _encode(self, y: np.ndarray, loss: Loss) -> Targets:
        if loss.joint:
            raise InvalidParameterError(
                "The 'loss' parameter of GDRegressor must be a loss that takes outputs one by one. "
                f"Got {loss!r}, whose joint=True says that it takes all classes together; use "
                "GDClassifier, or leave joint at False."
            )
        y = np.require(y, dtype=np.float64, requirements=["C", "A"])
        loss.check_targets(y)
        return Targets(y, loss.n_raw(1 if y.ndim == 1 else y.shape[1]))

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        coef_init: Any = None,
        intercept_init: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train from the start, or with ``warm_start`` from where the last fit ended.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Training rows; float32 and float64 are used as they are.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How many times each row counts; not negative.
        coef_init : array-like of ``coef_``'s shape, default=None
            Coefficients to start from. With a model that has no ``coef_``, a dict of fitted
            attributes. `SDCA` and `InteriorPoint` start from their own.
        intercept_init : array-like of ``intercept_``'s shape, default=None
            Intercepts to start from.
        X_val, y_val : array-likes like X and y, default=None
            Rows to validate on after each epoch, instead of a part of X.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the validation rows.

        Returns
        -------
        self : GDRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or a strategy is none of those allowed, if rows, targets or weights are
            not finite or do not fit each other or the loss, or if the objective is not finite even
            where training starts. The estimator stays as it was.
        """
        with self._all_or_nothing():
            given = ValidationData(X_val, y_val, sample_weight_val)
            self._fit(X, y, sample_weight, Init(coef_init, intercept_init), given)
        return self

    @incremental
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Make one pass over the given rows, going on from what was learnt before.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            How many times each row counts, relative to the rows of all calls; not negative.

        Returns
        -------
        self : GDRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            As for `fit`, or if rows do not fit those of earlier calls. The
            estimator stays as it was.
        AttributeError
            If the optimizer or ``early_stopping`` needs all rows at once: there is no such method.
        """
        with self._all_or_nothing():
            first = not hasattr(self, "model_")
            X, y = check_X_y(self, X, y, reset=first)
            self._partial_fit(X, y, sample_weight, first=first)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, on the scale of the targets.
        """
        raw = self._raw(X)
        return self._used("loss").predict(raw.ravel() if raw.shape[1] == 1 else raw)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        loss = (
            LOSSES[self.loss]() if isinstance(self.loss, str) and self.loss in LOSSES else self.loss
        )
        tags.target_tags.positive_only = isinstance(loss, Loss) and loss.domain.low >= 0.0
        return tags
