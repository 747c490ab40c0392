"""What users of gradient descent have been hurt by, where no other file of tests has it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.preprocessing import scale

from sklgd import GDClassifier, GDRegressor
from sklgd.optimizers import SGD, Adam


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("scoring", ["loss", "accuracy"])
@pytest.mark.parametrize("average", [False, True])
def test_validation_sees_the_weights_of_the_epoch(form, scoring, average):
    """Sparse rows keep a scale of the weights apart, which a score must not be without."""
    X, y = load_breast_cancer(return_X_y=True)
    X = form(scale(X))
    train, held_out = np.arange(0, 400), np.arange(400, 569)
    model = GDClassifier(
        "hinge", optimizer=SGD(0.05), alpha=0.1, shuffle=False, tol=None, average=average
    )
    model.set_params(scoring=scoring, max_iter=4)
    given = {"X_val": X[held_out], "y_val": y[held_out]}
    followed = clone(model).fit(X[train], y[train], **given).history_
    for epoch in range(4):
        alone = clone(model).set_params(max_iter=epoch + 1).fit(X[train], y[train])
        raw = alone.decision_function(X[held_out])
        margin = np.maximum(0.0, 1.0 - np.where(y[held_out] == 1, raw, -raw))
        assert followed["val_loss"][epoch] == pytest.approx(margin.mean(), rel=1e-9)
        if scoring == "accuracy":
            assert followed["val_score"][epoch] == alone.score(X[held_out], y[held_out])


def test_threads_do_not_share_a_source_of_chance():
    """Fits side by side give what they give one after the other (scikit-learn 13422)."""
    X, y = load_diabetes(return_X_y=True)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    model = GDRegressor(optimizer=Adam(0.1), max_iter=20, tol=None, early_stopping=True)
    models = [clone(model).set_params(random_state=seed) for seed in (0, 1, 0, 1, 0, 1)]
    alone = [clone(one).fit(X, y).coef_ for one in models]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: one.fit(X, y).coef_, models))
    for one, other in zip(found, alone, strict=True):
        assert_array_equal(one, other)
    assert np.abs(found[0] - found[1]).max() > 0
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine])
def test_raw_features_train_well_by_default(load):
    """The default comes within 1e-3 of the optimum on features of all units."""
    X, y = load(return_X_y=True)
    alpha = 0.01
    model = GDClassifier(alpha=alpha).fit(X, y)
    exact = LogisticRegression(C=1 / (alpha * len(X)), solver="newton-cg", tol=1e-9, max_iter=10**5)
    exact.fit(X, y)

    def objective(classifier):
        coef = classifier.coef_
        return log_loss(y, classifier.predict_proba(X)) + alpha / 2 * np.sum(coef**2)

    assert objective(model) <= (1 + 1e-3) * objective(exact)


def test_raw_features_train_well_in_regression():
    X, y = load_diabetes(return_X_y=True, scaled=False)
    alpha = 0.01
    model, exact = GDRegressor(alpha=alpha).fit(X, y), Ridge(alpha * len(X)).fit(X, y)

    def objective(regressor):
        residual = regressor.predict(X) - y
        return 0.5 * np.mean(residual**2) + alpha / 2 * np.sum(regressor.coef_**2)

    assert objective(model) <= (1 + 1e-3) * objective(exact)
