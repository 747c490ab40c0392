"""Every loss in `GDClassifier`: it learns, and its probabilities agree with its predictions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.preprocessing import scale

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import LOSSES, Focal, LogLoss
from sklgd.penalties import L2

X3, Y3 = load_wine(return_X_y=True)
X3 = scale(X3)
X2, Y2 = load_breast_cancer(return_X_y=True)
X2 = scale(X2)

#: those that take targets of -1 and 1
TRAINABLE = [
    name
    for name in LOSSES
    if LOSSES[name].task == "classification" or LOSSES[name]().domain.includes([-1, 1]).all()
]
WITH_PROBA = [name for name in LOSSES if hasattr(LOSSES[name], "predict_proba")]
VARIANTS = [
    LogLoss(label_smoothing=0.1),
    LogLoss(multi_class="ovr"),
    LogLoss(label_smoothing=0.1, multi_class="ovr"),
    LogLoss().soft(),
    Focal(gamma=0.0),
    Focal(gamma=5.0),
]


def test_which_losses_have_probabilities():
    assert sorted(WITH_PROBA) == ["exponential", "focal", "log_loss", "modified_huber"]


@pytest.mark.parametrize("loss", [*WITH_PROBA, *VARIANTS], ids=str)
@pytest.mark.parametrize(("X", "y"), [(X2, Y2), (X3, Y3)], ids=["binary", "three classes"])
def test_probabilities_agree_with_predictions(loss, X, y):
    names = np.array(["u", "v", "w"])
    model = GDClassifier(loss, penalty=L2(1e-3)).fit(X, names[y])
    far = np.vstack([X, 1e3 * X, 0 * X[:1]])
    proba = model.predict_proba(far)
    assert proba.shape == (len(far), len(model.classes_))
    assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-12)
    assert ((proba >= 0) & (proba <= 1)).all()
    top = proba == proba.max(axis=1, keepdims=True)  # ties where they are clipped
    predicted = np.searchsorted(model.classes_, model.predict(far))
    assert top[np.arange(len(far)), predicted].all()
    assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X))
    assert model.score(X, names[y]) > 0.9


@pytest.mark.parametrize("loss", sorted(set(TRAINABLE) - set(WITH_PROBA)))
def test_without_probabilities(loss):
    model = GDClassifier(loss).fit(X2[:100], Y2[:100])
    for method in ("predict_proba", "predict_log_proba"):
        assert not hasattr(model, method)
        with pytest.raises(AttributeError, match=method) as error:
            getattr(model, method)
        assert "CalibratedClassifierCV" in str(error.value.__cause__ or error.value)


@pytest.mark.parametrize("loss", TRAINABLE)
@pytest.mark.parametrize(("X", "y"), [(X2, Y2), (X3, Y3)], ids=["binary", "three classes"])
def test_every_loss_learns(loss, X, y):
    model = GDClassifier(loss, penalty=L2(1e-3), max_iter=300, random_state=0).fit(X, y)
    found = GDClassifier(loss, penalty=L2(1e-3), max_iter=300, random_state=0).fit(
        sparse.csr_matrix(X), y
    )
    for fitted, rows in ((model, X), (found, sparse.csr_matrix(X))):
        assert fitted.score(rows, y) > 0.85, loss


def test_regression_losses_are_trained_on_plus_and_minus_one():
    for loss in ("squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"):
        mine = GDClassifier(loss, tol=1e-9, max_iter=5000).fit(X2, np.array(["a", "b"])[Y2])
        known = GDRegressor(loss, tol=1e-9, max_iter=5000).fit(X2, 2.0 * Y2 - 1.0)
        assert_allclose(mine.decision_function(X2), known.predict(X2), atol=1e-6)
    columns = GDClassifier("squared_error", tol=1e-9).fit(X3, Y3)
    known = GDRegressor(tol=1e-9).fit(X3, 2.0 * np.eye(3)[Y3] - 1.0)
    assert_allclose(columns.decision_function(X3), known.predict(X3), atol=1e-6)


@pytest.mark.parametrize("loss", ["poisson", "gamma", "squared_log_error"])
def test_losses_of_other_domains_say_so(loss):
    with pytest.raises(ValueError, match="must lie in"):
        GDClassifier(loss).fit(X2, Y2)


def test_multiclass_hinge_separates():
    model = GDClassifier("multiclass_hinge", penalty=L2(1e-4)).fit(X3, Y3)
    raw = model.decision_function(X3)
    assert model.score(X3, Y3) == 1.0
    own = raw[np.arange(len(Y3)), Y3]
    raw[np.arange(len(Y3)), Y3] = -np.inf
    assert np.quantile(own - raw.max(axis=1), 0.1) > 0.9  # a lead of one, but for a few


def test_class_weight_in_partial_fit_is_a_weight_of_rows():
    model = {"optimizer": "sgd", "random_state": 0}
    for weights in ({0: 3.0}, {0: 0.5, 2: 2.0}):
        by_class = GDClassifier(class_weight=weights, **model)
        by_row = GDClassifier(**model)
        for part in (slice(None, None, 2), slice(1, None, 2)):
            rows = np.array([weights.get(label, 1.0) for label in Y3[part]])
            by_class.partial_fit(X3[part], Y3[part], classes=[0, 1, 2])
            by_row.partial_fit(X3[part], Y3[part], classes=[0, 1, 2], sample_weight=rows)
        assert_array_equal(by_class.coef_, by_row.coef_)
        assert not np.array_equal(
            by_class.coef_, GDClassifier(**model).partial_fit(X3, Y3, classes=[0, 1, 2]).coef_
        )


def test_class_weight_in_partial_fit_knows_classes_that_are_not_there_yet():
    model = GDClassifier(optimizer="sgd", class_weight={2: 5.0}, random_state=0)
    known = GDClassifier(optimizer="sgd", random_state=0)
    some = Y3 < 2
    model.partial_fit(X3[some], Y3[some], classes=[0, 1, 2])
    known.partial_fit(X3[some], Y3[some], classes=[0, 1, 2])
    assert_array_equal(model.coef_, known.coef_)
