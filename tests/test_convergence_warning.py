"""Training that `max_iter` ended says so, in scikit-learn's words."""

import warnings

import pytest
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDRegressor
from sklearn.preprocessing import scale

from sklgd import GDRegressor

X, y = load_diabetes(return_X_y=True)
X = scale(X)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lbfgs", "auto"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_max_iter_warns(optimizer, early_stopping):
    model = GDRegressor(optimizer=optimizer, max_iter=2, tol=1e-9, early_stopping=early_stopping)
    with pytest.warns(ConvergenceWarning) as record:
        model.fit(X, y)
    with pytest.warns(ConvergenceWarning) as theirs:
        SGDRegressor(max_iter=2, tol=1e-9).fit(X, y)
    assert str(record[0].message) == str(theirs[0].message)
    assert record[0].filename == __file__
    assert model.stop_reason_ == "max_iter"


@pytest.mark.parametrize("optimizer", ["sgd", "lbfgs"])
def test_what_was_asked_for_does_not_warn(optimizer):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GDRegressor(optimizer=optimizer, max_iter=2, tol=None).fit(X, y)
        GDRegressor(optimizer=optimizer, tol=0.1).fit(X, y)
        GDRegressor(optimizer="sgd", tol=1e-9).partial_fit(X, y)
