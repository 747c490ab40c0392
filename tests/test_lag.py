"""Streams of few wide sparse rows: weights stay behind, the state stays where it is.

The oracle is the same stream in dense rows, whose steps are on all weights.
"""

import copy
import pickle
import warnings

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import LogLoss
from sklgd.optimizers import FTRL, SGD, AdaGrad, PolyakSGD
from sklgd.penalties import L1, L2, ElasticNet
from sklgd.training.lag import EXACT, FEW_TIMES, distinct

N_FEATURES, N_ROWS, N_ENTRIES = 400, 8, 5


def calls(n_calls, n_classes=2, seed=0, dtype=np.float64):
    """Rows and labels; most features are in many calls, some in one."""
    rng = np.random.default_rng(seed)
    coef = rng.standard_normal((N_FEATURES, n_classes))
    for call in range(n_calls):
        features = N_FEATURES * rng.random((N_ROWS, N_ENTRIES)) ** 3
        X = np.zeros((N_ROWS, N_FEATURES), dtype=dtype)
        X[np.arange(N_ROWS)[:, None], features.astype(int)] = rng.standard_normal(features.shape)
        if call % 5 == 3:
            X[0] = 0.0
        yield X, (X @ coef).argmax(axis=1)


def stream(**params):
    return GDClassifier(batch_size=1, alpha=1e-3, random_state=0, **params)


def lags(model):
    return model._state.lag is not None


def assert_same(sparse, dense, rtol=1e-9):
    scale = np.abs(dense.coef_).max()
    assert_allclose(sparse.coef_, dense.coef_, rtol=rtol, atol=1e-11 * scale)
    assert_allclose(sparse.intercept_, dense.intercept_, rtol=rtol, atol=1e-11)


def trained(model, n_calls=6, n_classes=2, **kwargs):
    for X, y in calls(n_calls, n_classes, **kwargs):
        model.partial_fit(sp.csr_array(X), y, classes=range(n_classes))
    return model


RULES = ["auto", "sgd", AdaGrad(0.1), FTRL(0.1, l1=0.01), PolyakSGD(0.1)]
PENALTIES = [None, "l2", "l1", "elasticnet"]


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_sparse_streams_equal_dense_ones(rule, n_classes, loss):
    for penalty in PENALTIES:
        sparse, dense = (stream(loss=loss, optimizer=rule, penalty=penalty) for _ in range(2))
        for call, (X, y) in enumerate(calls(20, n_classes)):
            sparse.partial_fit(sp.csr_array(X), y, classes=range(n_classes))
            dense.partial_fit(X, y, classes=range(n_classes))
            assert lags(sparse) == (call > 0) and not lags(dense)
            scores = sparse.decision_function(sp.csr_array(X))  # of these features' weights alone
            assert_allclose(scores, dense.decision_function(X), rtol=1e-8, atol=1e-9)
        assert_same(sparse, dense)
        assert_allclose(sparse.history_["loss"], dense.history_["loss"], rtol=1e-9)


def test_weights_are_brought_up_to_date_from_time_to_time():
    """What they miss would not fit into memory one day."""
    sparse, dense = stream(penalty="l1"), stream(penalty="l1")
    steps = []
    for X, y in calls(60):
        sparse.partial_fit(sp.csr_array(X), y, classes=[0, 1])
        dense.partial_fit(X, y, classes=[0, 1])
        steps.append(0 if sparse._state.lag is None else sparse._state.lag.steps)
    assert N_FEATURES // FEW_TIMES < max(steps) <= N_FEATURES // FEW_TIMES + N_ROWS
    assert np.sum(np.diff(steps) < 0) > 2
    assert_same(sparse, dense)


def test_the_arrays_stay_where_they_are():
    """A call costs what its rows' entries do: nothing of the size of the coefficients is copied."""
    model = trained(stream())
    before = model._state
    for X, y in calls(3, seed=1):
        model.partial_fit(sp.csr_array(X), y)
        assert model._state.params is before.params and model._state.slots is before.slots
        assert model._state.lag.marks is before.lag.marks
        assert not {"coef_", "intercept_"} & vars(model).keys()


@pytest.mark.parametrize("penalty", [None, "l2"])
def test_many_calls_leave_few_arrays(penalty):
    model = GDRegressor(optimizer="sgd", penalty=penalty)
    for call in range(300):
        model.partial_fit(sp.csr_array(([1.0], ([0], [7 * call])), shape=(1, 10_000)), [1.0])
    lag = model._state.lag
    assert lag.steps == 299 and len(lag.alive) < 12
    if penalty is not None:
        assert set(7 * np.arange(1, 300)) <= set(np.concatenate(lag.alive))


@pytest.mark.parametrize("change", ["coef_", "intercept_", "both", "set", "set_intercept"])
@pytest.mark.parametrize("rule", ["auto", "sgd"])
def test_coefficients_set_between_calls_are_honoured(rule, change):
    sparse, dense = stream(optimizer=rule), stream(optimizer=rule)
    for call, (X, y) in enumerate(calls(10)):
        sparse.partial_fit(sp.csr_array(X), y, classes=[0, 1])
        dense.partial_fit(X, y, classes=[0, 1])
        if call % 3 == 2:
            for model in (sparse, dense):
                if change in ("coef_", "both"):
                    model.coef_[0, ::7] = 0.5
                if change in ("intercept_", "both"):
                    model.intercept_[:] = -1.0
                if change == "set":
                    model.coef_ = np.full((1, N_FEATURES), 0.25)
                if change == "set_intercept":
                    model.intercept_ = np.array([0.5])
            scores = sparse.decision_function(sp.csr_array(X))
            assert_allclose(scores, dense.decision_function(X), rtol=1e-8, atol=1e-9)
    assert_same(sparse, dense)


@pytest.mark.parametrize("rule", ["auto", "sgd", AdaGrad(0.1)], ids=repr)
@pytest.mark.parametrize("penalty", [L1, L2])
def test_objects_that_change_in_place(penalty, rule):
    """What the steps so far have missed is the penalty as it was then, of the rule as it was."""
    models = [stream(optimizer=copy.copy(rule), penalty=penalty(0.01)) for _ in range(2)]
    for call, (X, y) in enumerate(calls(9)):
        for model, rows in zip(models, (sp.csr_array(X), X), strict=True):
            if call in (3, 5):
                model.penalty.alpha *= 5.0
            if call == 7 and isinstance(model.optimizer, AdaGrad):
                model.optimizer.initial_accumulator = 3.0
            model.partial_fit(rows, y, classes=[0, 1])
    assert_same(*models)


@pytest.mark.parametrize("rule", ["auto", "sgd"])
def test_coefficients_that_were_read_stay_what_they_were(rule):
    model = trained(stream(optimizer=rule))
    coef, intercept = model.coef_, model.intercept_
    assert model.coef_ is coef and coef.flags.writeable and coef.flags.c_contiguous
    assert not any(np.shares_memory(coef, part) for part in (model._state.params, intercept))
    before = coef.copy(), intercept.copy()
    for X, y in calls(2, seed=1):
        model.partial_fit(sp.csr_array(X), y)
    assert_array_equal(coef, before[0])
    assert_array_equal(intercept, before[1])
    assert np.abs(model.coef_ - coef).max() > 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_looking_changes_nothing(dtype):
    """Neither the next steps, to the last bit, nor what is predicted."""
    seen, unseen = stream(), stream()
    for X, y in calls(12, 3, dtype=dtype):
        rows = sp.csr_array(X)
        for model in (seen, unseen):
            model.partial_fit(rows, y, classes=[0, 1, 2])
        scores = seen.decision_function(rows)
        seen.predict(rows), seen.score(X, y), seen.history_
        assert seen.coef_.dtype == seen.intercept_.dtype == dtype
        assert_allclose(seen.decision_function(rows), scores, rtol=1e-5, atol=1e-6)
        assert scores.dtype == dtype
    assert_array_equal(seen.coef_, unseen.coef_)
    assert_array_equal(seen._state.params, unseen._state.params)


@pytest.mark.parametrize("rule", ["auto", "sgd", AdaGrad(0.1)], ids=repr)
def test_copies_go_on_by_themselves(rule):
    model = trained(stream(optimizer=rule))
    twins = [copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    before = model.coef_.copy()
    for X, y in calls(4, seed=1):
        model.partial_fit(sp.csr_array(X), y)
    assert lags(model)
    for twin in twins:
        assert_array_equal(twin.coef_, before)
        for X, y in calls(4, seed=1):
            twin.partial_fit(sp.csr_array(X), y)
        assert_array_equal(twin.coef_, model.coef_)
        assert_array_equal(twin.loss_curve_, model.loss_curve_)


@pytest.mark.parametrize("rule", ["auto", "sgd", AdaGrad(0.1)], ids=repr)
def test_maps_of_files_are_read_only(rule, tmp_path):
    """As what joblib sends to its workers."""
    model = trained(stream(optimizer=rule))
    joblib.dump(model, tmp_path / "model")
    X, y = next(calls(1, seed=1))
    rows = sp.csr_array(X)
    for reads in (True, False):
        mapped = joblib.load(tmp_path / "model", mmap_mode="r")
        assert not mapped._state.params.flags.writeable
        if reads:
            assert_array_equal(mapped.decision_function(rows), model.decision_function(rows))
            assert_array_equal(mapped.coef_, copy.deepcopy(model).coef_)
        mapped.partial_fit(rows, y)
        assert_array_equal(mapped.coef_, copy.deepcopy(model).partial_fit(rows, y).coef_)


class Failing(LogLoss):
    """Fails at a given evaluation."""

    left = np.inf

    def gradient(self, y, raw):
        type(self).left -= 1
        if type(self).left < 0:
            raise self.error("no more")
        return super().gradient(y, raw)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("rule", ["auto", "sgd", FTRL(0.1, l1=0.01), PolyakSGD(0.1)], ids=repr)
def test_a_failed_call_leaves_the_estimator_as_it_was(rule, error):
    for penalty in PENALTIES:
        Failing.left, Failing.error = np.inf, error
        model = stream(loss=Failing(multi_class="ovr"), optimizer=rule, penalty=penalty)
        trained(model)
        twin = copy.deepcopy(model)
        more = list(calls(3, seed=1))
        for X, y in more:
            X[:, 0] = 0.0  # where rules keep single numbers
            Failing.left = 4
            with pytest.raises(error, match="no more"):
                model.partial_fit(sp.csr_array(X), y)
            Failing.left = np.inf
        assert lags(model)
        assert_array_equal(model.decision_function(more[0][0]), twin.decision_function(more[0][0]))
        assert model.t_ == twin.t_ and len(model.loss_curve_) == len(twin.loss_curve_)
        for X, y in more:
            for one in (model, twin):
                one.partial_fit(sp.csr_array(X), y)
        assert_array_equal(model.coef_, twin.coef_)
        assert_array_equal(model.intercept_, twin.intercept_)
        assert_array_equal(model._state.slots, twin._state.slots)


def test_a_warning_that_is_an_error_leaves_the_estimator_as_it_was():
    model = trained(stream(optimizer="sgd"))
    twin = copy.deepcopy(model)
    X, y = next(calls(1, seed=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning, match="diverged"):
            model.partial_fit(sp.csr_array(X * 1e200), y)
    assert lags(model)
    for one in (model, twin):
        one.partial_fit(sp.csr_array(X), y)
    assert_array_equal(model.coef_, twin.coef_)


@pytest.mark.parametrize("size", [1e200, 1e6])
def test_steps_that_diverge_are_pulled_back(size):
    """As on dense rows: to where the objective is lowest, with a warning."""
    sparse, dense = stream(loss="squared_hinge"), stream(loss="squared_hinge")
    for model in (sparse, dense):
        model.set_params(optimizer=SGD(0.5), penalty=ElasticNet(0.01, 0.5))
    for call, (X, y) in enumerate(calls(6)):
        X = X * size if call == 4 else X
        for model, rows in ((sparse, sp.csr_array(X)), (dense, X)):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model.partial_fit(rows, y, classes=[0, 1])
            assert model.stop_reason_ == ("diverged" if call == 4 else "max_iter")
            assert [w.category for w in caught] == [ConvergenceWarning] * (call == 4)
    assert_same(sparse, dense, rtol=1e-7)


@pytest.mark.parametrize("rule", ["auto", "sgd"])
@pytest.mark.parametrize("penalty", ["l2", "l1", "elasticnet"])
def test_penalty_in_history(rule, penalty):
    """Exact while features with weights are few for each that calls have had; else no less."""
    sparse, dense = (stream(optimizer=rule, penalty=penalty) for _ in range(2))
    for X, y in calls(40):
        sparse.partial_fit(sp.csr_array(X), y, classes=[0, 1])
        dense.partial_fit(X, y, classes=[0, 1])
    found, expected = sparse.history_["penalty"], dense.history_["penalty"]
    assert N_FEATURES < EXACT * N_ROWS * N_ENTRIES * 2
    assert np.isclose(found, expected, rtol=1e-9).sum() > 20
    assert np.all(found >= expected * (1 - 1e-9)) and np.all(found <= 1.5 * expected)


def test_other_rows_and_other_strategies_in_between():
    """Dense rows, many rows, another penalty, another rule, averages, a fit."""
    sparse, dense = stream(), stream()
    changes = {
        4: {"alpha": 0.01},
        6: {"penalty": "l1"},
        8: {"optimizer": AdaGrad(0.1)},
        10: {"average": True},
        12: {"average": False},
        14: {"optimizer": "sgd"},
        16: {"penalty": None},
    }
    for call, (X, y) in enumerate(calls(24)):
        for model, rows in ((sparse, sp.csr_array(X)), (dense, X)):
            model.set_params(**changes.get(call, {}))
            model.partial_fit(X if call % 5 == 2 else rows, y, classes=[0, 1])
        if call == 18:
            for model in (sparse, dense):
                rows = sp.csr_array(X) if model is sparse else X
                params = {"warm_start": True, "max_iter": 2, "tol": None}
                model.set_params(**params).fit(rows, y)
    assert_same(sparse, dense)


@pytest.mark.parametrize("rule", ["auto", "sgd"])
def test_regression_with_several_targets(rule):
    rng = np.random.default_rng(0)
    sparse = GDRegressor(optimizer=rule, batch_size=1, random_state=0)
    dense = clone(sparse)
    for X, _ in calls(12):
        Y = X @ np.outer(np.linspace(-1.0, 1.0, N_FEATURES), [1.0, -2.0]) + rng.standard_normal(2)
        weights = rng.integers(0, 3, N_ROWS).astype(float)
        sparse.partial_fit(sp.csr_array(X), Y, sample_weight=weights)
        dense.partial_fit(X, Y, sample_weight=weights)
    assert lags(sparse)
    assert_same(sparse, dense)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_indices_of_either_size(dtype):
    found, expected = stream(), trained(stream())
    for X, y in calls(6):
        rows = sp.csr_array(X)
        rows.indices, rows.indptr = rows.indices.astype(dtype), rows.indptr.astype(dtype)
        found.partial_fit(rows, y, classes=[0, 1])
        scores = found.decision_function(rows)
    assert_array_equal(scores, expected.decision_function(sp.csr_array(X)))
    assert_array_equal(found.coef_, expected.coef_)


def test_no_coefficients_before_there_are_any():
    model = stream()
    for name in ("coef_", "intercept_"):
        assert not hasattr(model, name)
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(model, name)
    trained(model, 2)
    assert not vars(model).keys() & {"coef_", "intercept_"}
    assert model.coef_.shape == (1, N_FEATURES) and model.intercept_.shape == (1,)
    assert model.sparsify().coef_.shape == (1, N_FEATURES)
    assert not hasattr(clone(model), "coef_")


def test_distinct():
    for numbers in ([], [3], [3, 3], [5, 1, 5, 0, 1]):
        assert_array_equal(distinct(np.array(numbers, dtype=np.int32)), np.unique(numbers))
