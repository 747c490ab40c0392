"""The minimum is that of the estimator made for the loss, on the same objective.

scikit-learn's objectives are sums or means of the same losses; what differs is where the constant
stands.  With n rows, ours is ``mean loss + alpha / 2 |w|^2``:

- HuberRegressor at a given scale s: ``sum H(r / s) s + lambda |w|^2`` with H quadratic up to
  epsilon and half its curvature ours, so that ``delta = epsilon s`` and ``alpha = s lambda / n``;
- the generalised linear models: half the mean deviance, ours without the half, ``alpha`` as it is;
- LogisticRegression and the linear support vector machines: ``C sum loss + |w|^2 / 2``, so that
  ``alpha = 1 / (C n)``;
- QuantileRegressor and Lasso: the mean loss and ``alpha |w|_1``, as here.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import nnls
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    TweedieRegressor,
)
from sklearn.preprocessing import scale
from sklearn.svm import LinearSVC, LinearSVR

from sklgd import GDClassifier, GDRegressor, losses, penalties

TIGHT = {"tol": 1e-10, "max_iter": 20_000}


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return scale(X), y


def same_predictions(mine, known, atol=0.0, rtol=1e-4):
    """Agree to 1e-4 of the predictions' own size."""
    assert_allclose(mine, known, rtol=0.0, atol=atol + rtol * np.abs(known).max())


@pytest.mark.parametrize("epsilon", [1.1, 1.35, 2.0])
def test_huber_regressor(diabetes, epsilon):
    X, y = diabetes
    known = HuberRegressor(epsilon=epsilon, alpha=1.0, tol=1e-10, max_iter=10_000).fit(X, y)
    # the minimum over the coefficients at the scale that it found
    loss = losses.Huber(epsilon * known.scale_)
    penalty = penalties.L2(known.scale_ / len(y))
    mine = GDRegressor(loss, penalty=penalty, **TIGHT).fit(X, y)
    same_predictions(mine.predict(X), known.predict(X))


@pytest.mark.parametrize("quantile", [0.1, 0.45, 0.8])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_quantile_regressor(diabetes, quantile, alpha):
    X, y = diabetes
    known = QuantileRegressor(quantile=quantile, alpha=alpha).fit(X, y)
    loss, penalty = losses.Quantile(quantile), penalties.L1(alpha) if alpha else None
    mine = GDRegressor(loss, penalty=penalty, **TIGHT).fit(X, y)
    same_predictions(mine.predict(X), known.predict(X))


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize(
    ("loss", "known"),
    [
        (losses.Poisson(), PoissonRegressor()),
        (losses.Gamma(), GammaRegressor()),
        (losses.Tweedie(power=1.5), TweedieRegressor(power=1.5, link="log")),
        (losses.Tweedie(power=1.2), TweedieRegressor(power=1.2, link="log")),
        (losses.Tweedie(power=3.0), TweedieRegressor(power=3.0, link="log")),
    ],
    ids=repr,
)
def test_generalized_linear_models(diabetes, loss, known, alpha):
    X, y = diabetes
    known = known.set_params(alpha=alpha, solver="newton-cholesky", tol=1e-10).fit(X, y)
    mine = GDRegressor(loss, penalty=penalties.L2(alpha), **TIGHT).fit(X, y)
    same_predictions(mine.predict(X), known.predict(X))


@pytest.mark.parametrize("C", [0.1, 1.0, 100.0])
def test_logistic_regression_of_two_classes(cancer, C):
    X, y = cancer
    known = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-10).fit(X, y)
    mine = GDClassifier(alpha=1 / (C * len(y)), **TIGHT).fit(X, y)
    same_predictions(mine.predict_proba(X), known.predict_proba(X))
    same_predictions(mine.decision_function(X), known.decision_function(X))


@pytest.mark.parametrize("C", [0.1, 1.0])
def test_logistic_regression_of_three_classes(wine, C):
    X, y = wine
    known = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, y)
    mine = GDClassifier(alpha=1 / (C * len(y)), **TIGHT).fit(X, y)
    same_predictions(mine.predict_proba(X), known.predict_proba(X))


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
@pytest.mark.parametrize("C", [0.01, 1.0])
def test_linear_svc(cancer, loss, C):
    # without an intercept: liblinear penalises it
    X, y = cancer
    known = LinearSVC(
        C=C, loss=loss, fit_intercept=False, tol=1e-10, max_iter=1_000_000, random_state=0
    ).fit(X, y)
    mine = GDClassifier(loss, alpha=1 / (C * len(y)), fit_intercept=False, **TIGHT).fit(X, y)
    same_predictions(mine.decision_function(X), known.decision_function(X))


@pytest.mark.parametrize("loss", ["epsilon_insensitive", "squared_epsilon_insensitive"])
def test_linear_svr(diabetes, loss):
    X, y = diabetes
    y = scale(y)
    known = LinearSVR(
        C=0.1,
        epsilon=0.2,
        loss=loss,
        fit_intercept=False,
        tol=1e-10,
        max_iter=1_000_000,
        random_state=0,
    ).fit(X, y)
    mine = GDRegressor(
        loss, epsilon=0.2, alpha=1 / (0.1 * len(y)), fit_intercept=False, **TIGHT
    ).fit(X, y)
    same_predictions(mine.predict(X), known.predict(X))


def test_least_squares_on_raw_features():
    X, y = load_diabetes(return_X_y=True, scaled=False)
    known = LinearRegression().fit(X, y)
    mine = GDRegressor(penalty=None, **TIGHT).fit(X, y)
    same_predictions(mine.predict(X), known.predict(X))


# Penalties: to 1e-6 in coefficients


def same_coefficients(mine, known):
    assert_allclose(mine.coef_, known.coef_, rtol=0.0, atol=1e-6 * np.abs(known.coef_).max())
    assert_allclose(mine.intercept_, known.intercept_, rtol=1e-6, atol=1e-6)
    assert np.array_equal(mine.coef_ == 0, np.abs(known.coef_) < 1e-12)


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("alpha", [0.05, 2.0])
def test_lasso(diabetes, alpha, raw):
    X, y = load_diabetes(return_X_y=True, scaled=False) if raw else diabetes
    known = Lasso(alpha=alpha, tol=1e-14, max_iter=1_000_000).fit(X, y)
    mine = GDRegressor(penalty="l1", alpha=alpha, tol=1e-14, max_iter=50_000).fit(X, y)
    same_coefficients(mine, known)


@pytest.mark.parametrize("l1_ratio", [0.1, 0.9])
@pytest.mark.parametrize("alpha", [0.1, 2.0])
def test_elastic_net(diabetes, alpha, l1_ratio):
    X, y = diabetes
    known = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, tol=1e-14, max_iter=1_000_000).fit(X, y)
    mine = GDRegressor(
        penalty="elasticnet", alpha=alpha, l1_ratio=l1_ratio, tol=1e-14, max_iter=50_000
    ).fit(X, y)
    same_coefficients(mine, known)


@pytest.mark.parametrize("C", [0.1, 1.0])
def test_sparse_logistic_regression(cancer, C):
    X, y = cancer
    # without an intercept: liblinear penalises it
    known = LogisticRegression(
        C=C, l1_ratio=1.0, solver="liblinear", fit_intercept=False, tol=1e-12, max_iter=100_000
    ).fit(X, y)
    mine = GDClassifier(
        penalty="l1", alpha=1 / (C * len(y)), fit_intercept=False, tol=1e-14, max_iter=50_000
    ).fit(X, y)
    same_coefficients(mine, known)


@pytest.mark.parametrize("raw", [False, True])
def test_box_is_nnls(diabetes, raw):
    X, y = load_diabetes(return_X_y=True, scaled=False) if raw else diabetes
    known, _ = nnls(X, y)
    mine = GDRegressor(
        penalty=penalties.Box(0), fit_intercept=False, tol=1e-14, max_iter=50_000
    ).fit(X, y)
    assert_allclose(mine.coef_, known, rtol=0.0, atol=1e-6 * known.max())
    assert np.array_equal(mine.coef_ == 0, known == 0)


GROUPS = [[0, 1], [2, 3], [4, 5, 6, 7], [8]]  # and 9, in none


@pytest.mark.parametrize("alpha", [0.3, 3.0, 10.0])
def test_conditions_of_the_group_lasso(diabetes, alpha):
    X, y = diabetes
    penalty = penalties.GroupLasso(alpha, groups=GROUPS)
    mine = GDRegressor(penalty=penalty, tol=1e-14, max_iter=50_000).fit(X, y)
    error = X @ mine.coef_ + mine.intercept_ - y
    gradient = X.T @ error / len(y)
    assert abs(error.mean()) < 1e-5
    assert abs(gradient[9]) < 1e-5
    for group in GROUPS:
        strength = alpha * np.sqrt(len(group))
        norm = np.linalg.norm(mine.coef_[group])
        if norm == 0.0:
            assert np.linalg.norm(gradient[group]) <= strength
        else:
            pull = strength * mine.coef_[group] / norm
            assert_allclose(gradient[group], -pull, atol=1e-5)


def test_conditions_of_the_group_lasso_over_outputs(diabetes):
    X, y = diabetes
    Y = np.stack([y, y[::-1], np.sqrt(y) * 10], axis=1)
    penalty = penalties.GroupLasso(8.0, groups="features")
    mine = GDRegressor(penalty=penalty, tol=1e-14, max_iter=50_000).fit(X, Y)
    gradient = (X @ mine.coef_.T + mine.intercept_ - Y).T @ X / len(y)
    norm = np.linalg.norm(mine.coef_, axis=0)
    used = norm > 0
    assert 0 < used.sum() < X.shape[1]
    strength = 8.0 * np.sqrt(3)
    pull = strength * mine.coef_[:, used] / norm[used]
    assert_allclose(gradient[:, used], -pull, atol=1e-5)
    assert np.all(np.linalg.norm(gradient[:, ~used], axis=0) <= strength)
