"""Dual ascent where it is quick, and another optimizer where it is not."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.svm import LinearSVC

from sklgd import GDClassifier, GDRegressor
from sklgd.optimizers import (
    LBFGS,
    SDCA,
    Continuation,
    DualFirst,
    InteriorPoint,
    Newton,
    RowSpace,
)

GIVEN = {"alpha": 1e-4, "fit_intercept": False, "random_state": 0}


def texts(n=400, p=3000):
    """Rows of common features and rare ones, which tell them apart; classes."""
    rng = np.random.default_rng(0)
    X = sp.csr_array(rng.poisson(20.0 / (1.0 + np.arange(p)) ** 0.7, (n, p)).astype(float))
    return X, (X @ rng.standard_normal(p) > 0).astype(int)


def alike(n=3000, p=20):
    """Rows that go on correcting each other under a weak ridge, and classes that overlap."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    y = X @ rng.standard_normal(p) + 3.0 * rng.standard_normal(n) > 0
    return 3.0 + X, y.astype(int)


def test_where_it_is_quick_it_is_all_there_is():
    X, y = texts()
    model = GDClassifier("hinge", optimizer=DualFirst(Newton()), **GIVEN).fit(X, y)
    dual = GDClassifier("hinge", optimizer=SDCA(), **GIVEN).fit(X, y)
    assert_array_equal(model.coef_, dual.coef_)
    assert model.n_iter_ == dual.n_iter_ and model.stop_reason_ == "tol"
    known = LinearSVC(loss="hinge", C=1 / (1e-4 * len(y)), fit_intercept=False, tol=1e-8)
    known.set_params(max_iter=10**5).fit(X, y)
    least, found = (
        np.maximum(1 - np.where(y, 1, -1) * (X @ coef), 0).mean() + 0.5e-4 * coef @ coef
        for coef in (known.coef_[0], model.coef_[0])
    )
    assert least - 1e-9 <= found <= least + 1e-3 * (1.0 - least)


def test_where_it_is_slow_the_other_one_goes_on():
    X, y = alike()
    models = {}
    for rule in (DualFirst(InteriorPoint()), InteriorPoint()):
        models[type(rule)] = GDClassifier("hinge", optimizer=rule, **GIVEN).fit(X, y)
    first, other = models[DualFirst], models[InteriorPoint]
    assert 2 <= first.n_iter_ - other.n_iter_ <= 18  # looks, and another start
    assert_allclose(first.coef_, other.coef_, atol=1e-3)
    objective = first.history_["objective"]
    assert len(objective) == first.n_iter_ and objective[-1] < min(objective[:2])


@pytest.mark.parametrize("shift, lower", [(0.0, True), (1e4, False)])
def test_it_goes_on_from_where_the_objective_is_lower(shift, lower):
    """From where dual ascent has come to, or with features far from zero where it started."""
    X, y = alike()
    X, starts = X + shift, []

    class Looks(LBFGS):
        def iterate(self, problem, params, state, lr, t):
            starts.append(params.copy())
            return super().iterate(problem, params, state, lr, t)

    rule = DualFirst(Looks(standardize=True), limit=2)
    GDClassifier("squared_hinge", optimizer=rule, **GIVEN).fit(X, y)
    assert starts[0].any() == lower


def test_no_tol_is_no_reason_to_give_up():
    X, y = texts()
    given = {**GIVEN, "tol": None, "max_iter": 40}
    model = GDClassifier("hinge", optimizer=DualFirst(Newton()), **given).fit(X, y)
    assert model.n_iter_ == 40
    dual = GDClassifier("hinge", optimizer=SDCA(), **given).fit(X, y)
    assert_array_equal(model.coef_, dual.coef_)


def test_warm_starts_keep_the_slopes():
    X, y = texts()
    model = GDClassifier("hinge", optimizer=DualFirst(Newton()), warm_start=True, **GIVEN)
    first = model.fit(X, y).n_iter_
    assert model.fit(X, y).n_iter_ < first
    X, y = alike()
    model = GDClassifier("hinge", optimizer=DualFirst(InteriorPoint()), warm_start=True, **GIVEN)
    coef = model.fit(X, y).coef_
    assert_allclose(model.fit(X, y).coef_, coef, rtol=0.1)


def test_weights_to_start_from_are_for_the_other_one():
    X, y = texts()
    given = {**GIVEN, "fit_intercept": True}
    rule = DualFirst(Continuation(LBFGS(30, standardize=True)))
    best = GDClassifier("hinge", optimizer=rule, **given).fit(X, y)
    assert best.n_iter_ > 5
    again = GDClassifier("hinge", optimizer=rule.optimizer, **given)
    again.fit(X, y, coef_init=best.coef_, intercept_init=best.intercept_)
    model = GDClassifier("hinge", optimizer=rule, **given)
    model.fit(X, y, coef_init=best.coef_, intercept_init=best.intercept_)
    assert_array_equal(model.coef_, again.coef_)
    assert model.n_iter_ == again.n_iter_


def test_auto_leaves_soft_targets_to_others():
    rng = np.random.default_rng(0)
    X = sp.random_array((300, 2000), density=0.01, format="csr", rng=rng)
    model = GDClassifier().fit(X, rng.dirichlet(np.ones(3), 300))
    assert model.optimizer_ == LBFGS(standardize=True)


def test_what_overflows_is_for_the_other_one():
    rng = np.random.default_rng(0)
    X = 1e100 * sp.random_array((100, 700), density=0.1, format="csr", rng=rng)
    model = GDClassifier().fit(X, rng.integers(0, 3, 100))
    assert isinstance(model.optimizer_, DualFirst) and model.stop_reason_ == "tol"


def test_pickled_models_go_on():
    X, y = texts()
    model = GDClassifier("hinge", optimizer=DualFirst(Newton()), warm_start=True, **GIVEN)
    again = pickle.loads(pickle.dumps(model.fit(X, y)))
    assert_array_equal(again.fit(X, y).coef_, model.fit(X, y).coef_)


def test_the_other_one_must_be_an_optimizer_of_all_rows():
    with pytest.raises(ValueError, match=r"optimizer.*DualFirst"):
        GDClassifier("hinge", optimizer=DualFirst("newton")).fit(*alike(50))


@pytest.mark.parametrize(
    "rows, features, alpha, make, expected",
    [
        (5000, 100, 1e-4, np.asarray, Continuation(Newton())),  # a weak ridge
        (5000, 100, 1e-1, np.asarray, DualFirst(Continuation(Newton()))),
        (5000, 10, 1e-1, np.asarray, Continuation(Newton())),
        (500, 100, 1.0, np.asarray, DualFirst(InteriorPoint())),
        (900, 1200, 1e-6, np.asarray, DualFirst(Continuation(LBFGS(30, standardize=True)))),
        (900, 600, 1e-6, np.asarray, Continuation(LBFGS(30, standardize=True))),
        (900, 600, 1e-6, sp.csr_array, DualFirst(Continuation(LBFGS(30, standardize=True)))),
        (100, 1200, 1e-6, np.asarray, RowSpace(InteriorPoint())),
        (100, 1200, 1e-6, sp.csr_array, DualFirst(RowSpace(InteriorPoint()))),
    ],
)
def test_auto_tries_it(rows, features, alpha, make, expected):
    rng = np.random.default_rng(0)
    X, y = make(rng.standard_normal((rows, features))), rng.standard_normal(rows)
    model = GDRegressor("absolute_error", alpha=alpha, max_iter=1, tol=None).fit(X, y)
    assert model.optimizer_ == expected
