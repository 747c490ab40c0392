"""Streams under auto where rows are a thousand times larger than all before."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp

from sklgd import GDClassifier, GDRegressor
from sklgd.models import MLP, FactorizationMachine

N_FEATURES = 6
FAR = 1000.0
LOSSES = ["squared_error", "absolute_error", "huber", "log_loss", "hinge", "softmax"]


class Source:
    """Batches of rows that follow one model, of numbers or of classes."""

    def __init__(self, loss="squared_error", seed=0):
        self.loss, self.rng = loss, np.random.default_rng(seed)
        self.coef = self.rng.standard_normal((N_FEATURES, 3))

    def model(self, **params):
        params = {"random_state": 0} | params
        if self.loss in ("log_loss", "hinge", "softmax"):
            return GDClassifier(self.loss.replace("softmax", "log_loss"), **params)
        return GDRegressor(self.loss, **params)

    def target(self, X):
        noise = 0.1 * self.rng.standard_normal(len(X))
        if self.loss == "softmax":
            return np.argmax(X @ self.coef, axis=1)
        raw = X @ self.coef[:, 0] + noise
        return (raw > 0.0).astype(int) if self.loss in ("log_loss", "hinge") else raw + 3.0

    def rows(self, n_rows=50, times=1.0):
        """Rows that lie ``times`` as far; targets follow."""
        X = times * (self.rng.standard_normal((n_rows, N_FEATURES)) + 1.0)
        return X, self.target(X)

    def in_other_units(self, n_rows=50, times=FAR):
        """The same rows as ever, in units that make their features ``times`` as large."""
        X, y = self.rows(n_rows)
        return times * X, y

    def learn(self, model, batch):
        first = (
            {}
            if hasattr(model, "n_iter_") or isinstance(model, GDRegressor)
            else {"classes": [0, 1, 2] if self.loss == "softmax" else [0, 1]}
        )
        return model.partial_fit(*batch, **first)

    def trained(self, n_calls, **params):
        model = self.model(**params)
        for _ in range(n_calls):
            self.learn(model, self.rows())
        return model


def settled(model):
    """What the model predicts by: the coefficients and the intercepts."""
    return np.append(model.coef_.ravel(), model.intercept_)


@pytest.mark.parametrize("follow", [True, False], ids=["same model", "other units"])
@pytest.mark.parametrize("n_calls", [1, 20])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_batch_a_thousand_times_larger_undoes_nothing(loss, n_calls, follow):
    source = Source(loss)
    model = source.trained(n_calls)
    before = settled(model)
    source.learn(model, source.rows(times=FAR) if follow else source.in_other_units())
    np.testing.assert_array_equal(settled(model), before)
    for _ in range(40):
        source.learn(model, source.rows())
    assert model.score(*source.rows(1000)) > (0.75 if loss == "softmax" else 0.9)


@pytest.mark.parametrize("n_calls", [1, 20])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_model_that_holds_for_larger_rows_is_kept(loss, n_calls):
    source = Source(loss)
    model = source.trained(n_calls)
    for _ in range(40):
        source.learn(model, source.rows(times=FAR))
    assert model.score(*source.rows(1000, times=FAR)) > 0.9


@pytest.mark.parametrize("loss", LOSSES)
def test_other_units_are_found(loss):
    """Weights that are a thousand times too large are not kept, though they are finite."""
    source = Source(loss)
    model = source.trained(20)
    for _ in range(3):
        source.learn(model, source.in_other_units())
    early = model.score(*source.in_other_units(1000))
    for _ in range(40):
        source.learn(model, source.in_other_units())
    assert early > 0.6
    assert model.score(*source.in_other_units(1000)) > 0.9


@pytest.mark.parametrize("times", [3.0, 10.0, 30.0, 1e6])
def test_larger_rows_of_the_same_model_do_no_harm(times):
    source = Source()
    model = source.trained(20)
    source.learn(model, source.rows(times=times))
    source.learn(model, source.rows())
    assert model.score(*source.rows(1000)) > 0.85


@pytest.mark.parametrize("loss", LOSSES)
def test_a_few_far_rows_among_others(loss):
    source = Source(loss)
    model = source.trained(20)
    for _ in range(5):
        X, y = source.rows()
        X[::10] *= FAR
        source.learn(model, (X, y))
        assert model.score(*source.rows(1000)) > (0.7 if loss == "softmax" else 0.85)


def test_row_by_row():
    source = Source()
    model = source.model()
    for _ in range(400):
        source.learn(model, source.rows(1))
    X, y = source.in_other_units()
    for i in range(30):
        source.learn(model, (X[i : i + 1], y[i : i + 1]))
    assert model.score(*source.rows(1000)) > 0.9  # they are not the rule yet
    for _ in range(400):
        source.learn(model, source.in_other_units(1))
    assert model.score(*source.in_other_units(1000)) > 0.9


def test_a_far_feature_alone():
    source = Source()
    model = source.trained(20)
    X, y = source.rows()
    X[:, 2] *= FAR
    source.learn(model, (X, y))
    assert model.score(*source.rows(1000)) > 0.9


def test_after_a_fit():
    source = Source()
    model = source.model().fit(*source.rows(300))
    before = settled(model)
    source.learn(model, source.in_other_units())
    np.testing.assert_array_equal(settled(model), before)
    source.learn(model, source.rows(times=3.0))  # which are none too far
    source.learn(model, source.rows())
    assert model.score(*source.rows(1000)) > 0.9


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("density", [0.005, 0.3, 1.0])
def test_dense_equals_csr(density, fit_intercept, average):
    """Far rows, grown ones, other units, and features that are far from zero, where zeros are."""
    rng = np.random.default_rng(0)
    dense, csr = (
        GDRegressor(fit_intercept=fit_intercept, average=average, random_state=0) for _ in range(2)
    )
    coef = rng.standard_normal(300)
    for call, times in enumerate([1, 1, 1, 1000, 1, 3, 3, 1000, 1000, 1000, 1]):
        X = sp.random(60, 300, density=density, format="csr", random_state=call).toarray()
        X[:, 0] = 5.0 + 0.01 * rng.standard_normal(60)
        X[7, 0] = 0.0 if call == 3 else X[7, 0]
        y = X @ coef
        X = X * times
        dense.partial_fit(X, y)
        csr.partial_fit(sp.csr_array(X), y)
        np.testing.assert_allclose(csr.coef_, dense.coef_, rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(csr.intercept_, dense.intercept_, rtol=1e-7, atol=1e-9)
        assert csr._state.stream.doubt[1:] == dense._state.stream.doubt[1:]


def test_rows_of_rare_features():
    """Some of these have been seen but once: a row is far only if most of its entries are."""
    rng = np.random.default_rng(0)
    coef = rng.standard_normal(5000)

    def batch(call, times=1.0):
        X = sp.random(50, 5000, density=0.002, format="csr", random_state=call)
        X.data[:] = rng.standard_normal(X.nnz)
        y = X @ coef
        return times * X, y

    model = GDRegressor(random_state=0)
    for call in range(10):
        model.partial_fit(*batch(call))
    assert model._state.stream.doubt.slack < 2.0  # of 500 rows eight or more would do
    before = settled(model)
    model.partial_fit(*batch(10, FAR))
    after = settled(model)
    assert np.linalg.norm(after - before) < 0.1 * np.linalg.norm(before)


def test_rare_values_are_learnt_in_the_end():
    """A feature that is nearly always small, and sometimes is not."""
    rng = np.random.default_rng(0)
    model = GDRegressor(random_state=0)
    for _ in range(300):
        X = rng.standard_normal((20, 2))
        X[rng.random(20) < 0.05, 1] = 500.0
        model.partial_fit(X, X @ [1.0, 0.1])
    np.testing.assert_allclose(model.coef_, [1.0, 0.1], rtol=0.1)


@pytest.mark.parametrize("way", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_doubts_are_kept(way):
    source = Source()
    model = source.trained(20)
    batches = [source.in_other_units() for _ in range(3)]
    source.learn(model, batches[0])
    other = way(model)
    for batch in batches[1:]:
        source.learn(model, batch)
        source.learn(other, batch)
    np.testing.assert_array_equal(settled(other), settled(model))
    assert model.score(*source.in_other_units(1000)) > 0.6


def test_verbose_tells_what_is_left_out(capsys):
    source = Source()
    model = source.trained(2)
    source.learn(model, source.in_other_units())
    assert capsys.readouterr().out == ""
    X, y = source.rows()
    X[7] *= FAR
    source.learn(model.set_params(verbose=1), (X, y))
    assert "leaves out 1 rows of 50, whose features are far larger" in capsys.readouterr().out


def test_rows_without_weight_are_not_far():
    source = Source()
    model = source.trained(20)
    before = model._state.stream.doubt
    X, y = source.rows()
    X[:30] *= FAR
    weights = np.append(np.zeros(30), np.ones(20))
    model.partial_fit(X, y, sample_weight=weights)
    assert model._state.stream.doubt == before
    assert model.score(*source.rows(1000)) > 0.9


@pytest.mark.parametrize("n_rows", [1, 3, 50])
@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_all_rows_that_wait_tell_what_weights_are_worth(loss, average, n_rows):
    """However few the last of them are."""
    for seed in range(3):
        source = Source(loss, seed)
        model = source.trained(20, average=average, random_state=0)
        source.learn(model, source.in_other_units())
        source.learn(model, source.in_other_units(n_rows))
        assert model.score(*source.in_other_units(1000)) > 0.8
        model = source.trained(20, average=average, random_state=0)
        source.learn(model, source.rows(times=FAR))
        source.learn(model, source.rows(n_rows, times=FAR))
        assert model.score(*source.rows(1000, times=FAR)) > 0.8


@pytest.mark.parametrize("every", [10, 500])
def test_exceptions_stay_exceptions(every):
    """A bad row now and then, or a bad batch, however long the stream."""
    source = Source()
    model = source.trained(20)
    for call in range(600):
        X, y = source.rows()
        if every == 10 and call % 10 == 0:
            X *= FAR
        elif every == 500 and call % 10 == 0:
            X[0] *= FAR
        source.learn(model, (X, y))
    assert model._state.stream.doubt.slack < 4.0
    assert model.score(*source.rows(1000)) > 0.95


def test_a_long_history_is_not_given_up_for_few_rows():
    source = Source()
    model = source.trained(400)
    for _ in range(2):
        source.learn(model, source.in_other_units(16))
    assert model.score(*source.rows(1000)) > 0.95


def test_rows_of_next_to_no_weight_are_not_the_rule():
    source = Source()
    model = source.trained(20)
    weights = np.append(np.full(30, 1e-9), np.ones(20))
    for _ in range(5):
        X, y = source.rows()
        X[:30] *= FAR
        model.partial_fit(X, y, sample_weight=weights)
    assert model.score(*source.rows(1000)) > 0.95


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
def test_numbers_beside_many_categories(form):
    """Most entries of such rows are zero, but few of the features are rare."""
    rng = np.random.default_rng(0)

    def rows(n_rows, times=1.0):
        X, codes = np.zeros((n_rows, 803)), rng.integers(0, 200, (n_rows, 4))
        X[:, :3] = rng.standard_normal((n_rows, 3))
        for j in range(4):
            X[np.arange(n_rows), 3 + 200 * j + codes[:, j]] = 1.0
        y = X[:, :3] @ [1.0, 2.0, 3.0] + (codes * 7919 % 13 / 13).sum(axis=1)
        X[:, :3] *= times
        return form(X), y

    model = GDRegressor(random_state=0)
    for _ in range(30):
        model.partial_fit(*rows(50))
    before = settled(model)
    model.partial_fit(*rows(50, FAR))
    np.testing.assert_array_equal(settled(model), before)
    assert model.score(*rows(1000)) > 0.8


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("times", [1e155, 1e250, 1e300])
@pytest.mark.parametrize("loss", LOSSES)
def test_sizes_whose_squares_are_infinite(loss, times):
    source = Source(loss)
    model = source.trained(20)
    for _ in range(3):
        source.learn(model, source.in_other_units(times=times))
        assert np.isfinite(settled(model)).all()


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("model", [MLP((16,)), FactorizationMachine(3)], ids=["mlp", "fm"])
def test_models_that_are_not_linear(model, fitted):
    source = Source()
    model = source.model(model=model, random_state=0)
    if fitted:
        model.fit(*source.rows(300))
    else:
        for _ in range(100):
            source.learn(model, source.rows())
    test = source.rows(1000)
    before = model.predict(test[0])
    source.learn(model, source.in_other_units())
    np.testing.assert_array_equal(model.predict(test[0]), before)
    source.learn(model, source.rows())
    assert model.score(*test) > 0.8


def test_a_network_takes_new_units():
    source = Source()
    model = source.model(model=MLP((16,)), random_state=0)
    for _ in range(100):
        source.learn(model, source.rows())
    for _ in range(3):
        source.learn(model, source.in_other_units())
    assert model.score(*source.in_other_units(1000)) > 0.8
