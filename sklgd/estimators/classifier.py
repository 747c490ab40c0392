"""`GDClassifier`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import check_is_fitted

from ..losses import Loss
from ..models import Model
from ..objective import Targets
from ..optimizers import Optimizer
from ..penalties import Penalty
from ._docs import estimator_doc
from .availability import incremental
from .axes import Strategies, strategy_of
from .base import BaseGD
from .data import Init, ValidationData, check_X_y
from .targets import Labels


def _check_proba(estimator: GDClassifier) -> bool:
    # the loss it was trained with, once it was
    loss = estimator._used("loss")
    if not hasattr(loss, "predict_proba"):
        given = getattr(estimator, "loss_", estimator.loss)
        raise AttributeError(
            f"probability estimates are not available for loss={given!r}: it defines "
            "none. Use loss='log_loss', or wrap the classifier in CalibratedClassifierCV."
        )
    return True


class GDClassifier(ClassifierMixin, BaseGD):
    __doc__ = estimator_doc(
        summary="Linear classification with any loss, penalty and optimizer, by gradient descent.",
        weights_are="the weight of row *i* times that of its class",
        sgd="`sklearn.linear_model.SGDClassifier`",
        rate="optimal",
        power="0.5",
        pa_loss='loss="hinge"',
        stratified=", stratified by class",
        loss="""
loss : str or Loss, default="log_loss"
    What a wrong prediction costs. With ``"log_loss"`` (the multinomial softmax), ``"focal"`` and
    ``"multiclass_hinge"`` three or more classes are one problem; with ``"hinge"``,
    ``"squared_hinge"``, ``"smooth_hinge"``, ``"modified_huber"``, ``"perceptron"`` and
    ``"exponential"`` each class is one against the rest, all in one pass. The regression losses
    of `GDRegressor` are trained on targets of -1 and 1. Or an object of `sklgd.losses`, or of a
    class of your own.
""",
        more_parameters="""
class_weight : dict, "balanced" or None, default=None
    What the weights of a class's rows are multiplied by, as a dict from labels to numbers of 0 or
    more, where a missing label has 1. ``"balanced"`` makes all classes weigh the same; in
    `partial_fit` by the rows of each class in all calls so far. Not for indicator matrices.
""",
        attributes="""
classes_ : ndarray of shape (n_classes,)
    Class labels, sorted; for an indicator matrix the numbers of its columns.
coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
    Weights; one row for two classes, positive towards ``classes_[1]``.
intercept_ : ndarray of shape (1,) or (n_classes,)
    Intercepts; zeros without ``fit_intercept``.
""",
        see_also="""
GDRegressor : The same for regression.
sklearn.linear_model.SGDClassifier : Whose parameters, and with ``optimizer="sgd"`` for two
    classes whose steps, these are.
""",
        notes="""
- An indicator matrix ``y`` trains one score a label, all together; their losses are added.
- A matrix ``y`` of floats that are not all 0 or 1 holds the probabilities of the classes, in rows
  that sum to one; only ``"log_loss"`` takes it. Its classes are those named in the first call
  of `partial_fit`, with ``warm_start`` those of the last `fit`, else 0, 1, ... With
  ``loss=LogLoss().soft()`` zeros and ones are probabilities too.
- `predict_proba` exists where the loss defines a probability.
- Linear models need two classes, as `SGDClassifier` does; networks and factorization machines take
  one, which they always predict, as `MLPClassifier` does.
""",
        examples="""
Nothing has to be tuned or scaled:

>>> from sklearn.datasets import load_wine
>>> from sklgd import GDClassifier
>>> X, y = load_wine(return_X_y=True)
>>> model = GDClassifier().fit(X, y)
>>> round(model.score(X, y), 2), model.optimizer_, model.predict_proba(X).shape
(1.0, Newton(), (178, 3))

Strings read the estimator's parameters, as in ``SGDClassifier``; objects carry their own:

>>> from sklgd.losses import LogLoss
>>> from sklgd.penalties import ElasticNet
>>> GDClassifier("hinge", penalty="l1", alpha=0.01).fit(X, y).penalty_
L1(alpha=0.01)
>>> loss = LogLoss(label_smoothing=0.1)
>>> model = GDClassifier(loss, penalty=ElasticNet(alpha=0.01, l1_ratio=0.5)).fit(X, y)
>>> bool((model.coef_ == 0).any())
True

A stream, in parts:

>>> from sklearn.preprocessing import scale
>>> model = GDClassifier(optimizer="sgd", random_state=0)
>>> for start in range(3):
...     part = slice(start, None, 3)
...     model = model.partial_fit(scale(X)[part], y[part], classes=[0, 1, 2])
>>> bool(model.score(scale(X), y) > 0.9)
True
""",
    )

    _parameter_constraints: dict = {
        **BaseGD._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }
    _sgd_defaults = {"learning_rate": "optimal", "eta0": 0.01, "power_t": 0.5}
    _multilabel = False

    def __init__(
        self,
        loss: str | Loss = "log_loss",
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
        class_weight: dict | str | None = None,
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
        self.class_weight = class_weight

    # -- labels and weights ----------------------------------------------------------------

    @property
    def _labels(self) -> Labels:
        return Labels(self.classes_, self._multilabel)

    @staticmethod
    def _can_train(loss: type[Loss]) -> bool:
        return True

    def _learn_targets(self, y: np.ndarray, strategies: Strategies) -> None:
        before = getattr(self, "classes_", None) if self.warm_start else None
        self._take_labels(Labels.of(y, strategies.loss, before), strategies.model)

    def _take_labels(self, labels: Labels, model: Model) -> None:
        if model.linear:  # networks take one class, as scikit-learn's do
            labels.check_several()
        self.classes_, self._multilabel = labels.classes, labels.multilabel
        self._class_counts = 0.0

    def _encode(self, y: np.ndarray, loss: Loss) -> Targets:
        return self._labels.encode(y, loss)

    def _most_probable(self, y: Any) -> Any:
        return self._labels.most_probable(y)

    def _class_weights(
        self, y: np.ndarray, weights: np.ndarray | None, *, learn: bool = True
    ) -> np.ndarray | None:
        """Multiply weights by those of the classes, which only ``learn=True`` counts."""
        if self.class_weight is None:
            return weights
        labels = self._labels
        if labels.multilabel or y.ndim == 2:
            kind = "an indicator matrix" if labels.multilabel else "probabilities as"
            raise ValueError(f"class_weight is not supported with {kind} y. Use sample_weight.")
        if learn:  # of all rows since training began: a stream comes in parts
            self._class_counts = self._class_counts + labels.class_counts(y, weights)
            self._weight_by_class = labels.class_weights(self.class_weight, self._class_counts)
        expanded = self._weight_by_class[labels.index(y)]
        return expanded if weights is None else expanded * weights

    def _shown(self, model: Model, parts: dict[str, Any]) -> dict[str, Any]:
        shown = super()._shown(model, parts)
        if (
            "coef_" in shown and model.linear
        ):  # as in scikit-learn's linear classifiers: one row for two classes
            shown["coef_"] = np.atleast_2d(shown["coef_"])
        return shown

    # -- fitting ---------------------------------------------------------------------------

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
        y : array-like of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_classes)
            Class labels, an indicator matrix of labels that are trained together, or class
            probabilities: see the notes.
        sample_weight : array-like of shape (n_samples,), default=None
            How many times each row counts; not negative.
        coef_init : array-like of ``coef_``'s shape, default=None
            Coefficients to start from. With a model that has no ``coef_``, a dict of fitted
            attributes. `SDCA` starts from its own.
        intercept_init : array-like of ``intercept_``'s shape, default=None
            Intercepts to start from.
        X_val, y_val : array-likes like X and y, default=None
            Rows to validate on after each epoch, instead of a part of X.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the validation rows.

        Returns
        -------
        self : GDClassifier
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
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Make one pass over the given rows, going on from what was learnt before.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_classes)
            Class labels, an indicator matrix, or the probabilities of ``classes``.
        classes : array-like of shape (n_classes,), default=None
            All labels that any call will ever see; required in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            How many times each row counts, relative to the rows of all calls; not negative.

        Returns
        -------
        self : GDClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            As for `fit`, or if rows do not fit those of earlier calls or a first call names no
            ``classes``. The estimator stays as it was.
        AttributeError
            If the optimizer or ``early_stopping`` needs all rows at once: there is no such method.
        """
        with self._all_or_nothing():
            first = not hasattr(self, "model_")
            X, y = check_X_y(self, X, y, reset=first)
            if first or not (classes is None or np.array_equal(self.classes_, classes)):
                _check_partial_fit_first_call(self, classes)
            if first:
                loss, model = strategy_of(self, "loss"), strategy_of(self, "model")
                self._take_labels(Labels.named(self.classes_, y, loss), model)
            self._partial_fit(X, y, sample_weight, first=first)
        return self

    # -- predicting ------------------------------------------------------------------------

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the raw predictions.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        raw : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes, positive where ``classes_[1]`` is predicted; else one column for each
            class or label.
        """
        raw = self._raw(X)
        return raw.ravel() if raw.shape[1] == 1 and not self._multilabel else raw

    def predict(self, X: Any) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Labels, or an indicator matrix where one was trained on.
        """
        raw = self.decision_function(X)
        return self._labels.decode(raw)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows whose class is predicted.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_classes)
            Labels, an indicator matrix, of which the whole row must be predicted, or
            probabilities, of which the most probable class is the row's.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
        """
        check_is_fitted(self)
        return super().score(X, self._most_probable(y), sample_weight)

    @available_if(_check_proba)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities, where the loss defines them.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            A distribution in each row; with an indicator matrix, each label's own probability.
        """
        check_is_fitted(self)
        raw = self.decision_function(X)
        if self._labels.alone:
            return np.ones((len(raw), 1))
        if self._multilabel:
            each = [self.loss_.predict_proba(column)[:, 1] for column in raw.T]
            return np.stack(each, axis=1)
        return self._used("loss").predict_proba(raw)

    @available_if(_check_proba)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Log-probabilities.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.class_weight is None
        return tags
