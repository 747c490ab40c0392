"""What `partial_fit` does under ``optimizer="auto"``: rows of any units, call after call."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification, make_regression
from sklearn.linear_model import LinearRegression
from sklgd._kernels.models.mlp import trip

from sklgd import GDClassifier, GDRegressor
from sklgd._kernels.rows import CentredRows, make_rows
from sklgd.models import MLP, Linear
from sklgd.training.streams import Spread

FORMS = pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])


@FORMS
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_centred_rows(form, dtype):
    """Their products are those of the rows less the centre."""
    rng = np.random.default_rng(0)
    X = rng.normal(5.0, 1.0, (7, 4)).astype(dtype)
    centre, draw, params = rng.normal(5.0, 1.0, 4), rng.normal(size=(7, 3)), rng.normal(size=15)
    raw, grad = trip(
        CentredRows(make_rows(form(X)), centre), Linear().compose(4, 3, True), params, draw
    )
    seen = X.astype(float) - centre
    assert_allclose(raw, seen @ params[:12].reshape(3, 4).T + params[12:], rtol=1e-12)
    assert_allclose(grad, np.append(draw.T @ seen, draw.sum(axis=0)), rtol=1e-12, atol=1e-12)


def chunks(n, rows):
    return [slice(first, first + rows) for first in range(0, n, rows)]


@FORMS
@pytest.mark.parametrize("rows", [1, 7, 100])
@pytest.mark.parametrize("average", [False, 30])
def test_streams_do_not_depend_on_where_features_lie(form, rows, average):
    """A shift of the features moves the intercept alone: it is their mean so far that is seen."""
    X, y = make_classification(200, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0)
    shift = np.array([0.5, 100.0, -1e4, 7.0, 3.0])
    weights = np.random.default_rng(0).integers(0, 3, 200).astype(float)
    for model, target in ((GDClassifier(), y), (GDRegressor("huber", penalty="l1"), X[:, 0] + y)):
        here = model.set_params(average=average, random_state=0)
        there = clone(here)
        classes = {"classes": [0, 1, 2]} if model is not there and target is y else {}
        for part in chunks(200, rows):
            rest = {"sample_weight": weights[part], **classes}
            here.partial_fit(form(X[part] + 0.1), target[part], **rest)
            there.partial_fit(form(X[part] + shift), target[part], **rest)
        assert_allclose(here.coef_, there.coef_, rtol=1e-6, atol=1e-9)
        assert_allclose(
            here.intercept_ + 0.1 * here.coef_.sum(axis=-1),
            there.intercept_ + there.coef_ @ shift,
            rtol=1e-6,
            atol=1e-6,
        )


@pytest.mark.parametrize("density", [0.005, 0.05, 0.5])
def test_dense_streams_equal_csr(density):
    """Whether features are centred is a matter of the zeros, not of the format."""
    X = sp.random_array((300, 100), density=density, rng=0).tocsr()
    y = X @ np.arange(100.0) + 3.0
    dense = GDRegressor(batch_size=16, random_state=0).fit(X[:100], y[:100])
    for first in (GDRegressor(batch_size=16, random_state=0), dense):
        dense, sparse = clone(first), clone(first)
        if hasattr(first, "coef_"):
            dense.fit(X[:100].toarray(), y[:100]), sparse.fit(X[:100], y[:100])
        for part in chunks(300, 50):
            dense.partial_fit(X[part].toarray(), y[part])
            sparse.partial_fit(X[part], y[part])
        assert (sparse._state.stream.centre is None) == (density < 1 / 64)
        assert_allclose(dense.coef_, sparse.coef_, rtol=1e-6, atol=1e-9)
        assert_allclose(dense.intercept_, sparse.intercept_, rtol=1e-6)


def test_raw_streams_learn_as_well_as_scaled_ones():
    """One pass over features that lie a hundred spreads from zero."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 6))
    y = X @ np.arange(1.0, 7.0) + rng.normal(size=3000)
    stream = GDRegressor(penalty=None, random_state=0)
    for part in chunks(3000, 50):
        stream.partial_fit(1e-3 * (X[part] + 100.0), y[part])
    assert stream.score(1e-3 * (X + 100.0), y) > 0.97


@pytest.mark.parametrize("rows", [1, 50])
@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_streams_under_auto_learn_whatever_the_units(unit, rows):
    """Of targets and of each feature; from calls with a single row, too."""
    X, y = make_regression(400, 50, n_informative=5, noise=10.0, random_state=0)
    scales = np.logspace(-3, 3, 50)
    stream = GDRegressor(penalty=None, random_state=0)
    for first in 4 * list(range(0, 400, rows)):
        part = slice(first, first + rows)
        stream.partial_fit(X[part] * scales, unit * y[part])
    assert stream.score(X * scales, unit * y) > 0.98


@pytest.mark.parametrize("rows", [1, 7])
def test_streams_under_auto_learn_whatever_the_level_of_the_targets(rows):
    """What a first call holds says little of the spread of the targets: it is that so far."""
    X, y = make_regression(400, 5, noise=1.0, random_state=0)
    y = y / y.std() + 1000.0
    stream = GDRegressor(random_state=0)
    for first in range(0, 400, rows):
        stream.partial_fit(X[first : first + rows], y[first : first + rows])
    assert stream.score(X, y) > 0.95
    spread = stream._state.stream.spread
    assert_allclose([*spread.mean, spread.size], [y.mean(), y.std()], rtol=1e-9)
    assert Spread().with_rows(y[:1], None).size == y[0]
    assert Spread().with_rows(np.full(9, 0.1), None).size == pytest.approx(0.1)
    assert Spread().with_rows(np.zeros(3), None).size == 1.0


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile"])
@pytest.mark.parametrize("rows", [1, 7, 100])
@pytest.mark.parametrize("at", [10, 1000])
def test_an_outlier_does_not_spoil_a_stream_under_auto(loss, rows, at):
    """The spread of the targets, which steps are in proportion to, hardly feels it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 5))
    clean = X @ np.arange(1.0, 6.0) + rng.normal(size=2000)
    y = clean.copy()
    y[at] = 1e6
    stream = GDRegressor(loss, random_state=0)
    for first in range(0, 2000, rows):
        stream.partial_fit(X[first : first + rows], y[first : first + rows])
    assert stream.score(X, clean) > 0.9
    assert stream._state.stream.spread.size == pytest.approx(clean.std(), rel=0.05)


@pytest.mark.parametrize("outlier", [False, True])
@pytest.mark.parametrize("rows", [1, 10, 1000])
def test_targets_most_of_which_are_zero_are_learnt_by_streams_under_auto(rows, outlier):
    """Claims, say: the few others are no outliers, but among them there may be some."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 3))
    claims = np.where(X @ [1.0, -1.0, 0.5] > 3.0, rng.normal(100.0, 30.0, size=6000), 0.0)
    best = LinearRegression().fit(X, claims).score(X, claims)
    assert 0.01 < np.mean(claims != 0.0) < 0.04
    y = claims.copy()
    y[np.flatnonzero(claims)[100]] = 1e6 if outlier else 100.0
    stream = GDRegressor("huber" if outlier else "squared_error", epsilon=300.0, random_state=0)
    for part in chunks(6000, rows):
        stream.partial_fit(X[part], y[part])
    assert stream.score(X, claims) > 0.8 * best
    assert stream._state.stream.spread.size == pytest.approx(claims.std(), rel=0.1)


@pytest.mark.parametrize("first", [0.0, 0.1, 100.0])
def test_streams_under_auto_learn_after_targets_that_were_all_the_same(first):
    X, y = make_regression(1000, 5, noise=1.0, random_state=0)
    Y = np.column_stack((y + 150.0, -y))
    stream = GDRegressor(random_state=0).partial_fit(X[:400], np.full((400, 2), first))
    stream.partial_fit(X[400:], Y[400:])
    assert stream.score(X, Y) > 0.95
    seen = np.vstack((np.full((400, 2), first), Y[400:]))
    spread = stream._state.stream.spread
    assert_allclose(spread.mean, seen.mean(axis=0), rtol=0.02, atol=0.5)
    assert_allclose(np.sqrt(spread.squares / 1000), seen.std(axis=0), rtol=0.02)


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize("fitted", [30, 300])
def test_a_stream_under_auto_unlearns_a_fit(fitted, rows):
    """Where the targets turn round, it soon is as good as a stream that has had no fit."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(fitted + 2400, 4))
    y = X @ [1.0, 2.0, 3.0, 4.0] + rng.normal(size=len(X))
    for model, target in ((GDRegressor(), y), (GDClassifier(), np.where(y > 0.0, 1.0, -1.0))):
        model.set_params(random_state=0).fit(X[:fitted], target[:fitted])
        for first in range(fitted, len(X), rows):
            model.partial_fit(X[first : first + rows], -target[first : first + rows])
        assert model.score(X, -target) > 0.9


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("rows", [1, 10, 100])
def test_a_stream_under_auto_does_not_forget_a_fit(rows, form):
    """Its first steps are about as long as if it had learnt from the rows of the fit."""
    regression = make_regression(600, 20, noise=20.0, random_state=0)
    for model, (X, y) in (
        (GDRegressor(random_state=0), regression),
        (GDClassifier(random_state=0), load_digits(return_X_y=True)),
    ):
        half = len(y) // 2
        held_out = form(X[half + 200 :]), y[half + 200 :]
        score = model.fit(form(X[:half]), y[:half]).score(*held_out)
        for start in range(half, half + 200, rows):
            part = slice(start, min(start + rows, half + 200))
            model.partial_fit(form(X[part]), y[part])
            assert model.score(*held_out) > score - 0.02


def test_rows_without_weight_are_not_there():
    """Neither their features nor their targets tell where the others lie."""
    X, y = make_regression(100, 4, noise=5.0, random_state=0)
    junk, far = np.full((50, 4), 1e3), np.full(50, 1e6)
    for weight in (1.0, np.linspace(1.0, 2.0, 50)):
        here, there = GDRegressor(random_state=0), GDRegressor(random_state=0, shuffle=False)
        here.set_params(shuffle=False)
        for part in chunks(100, 50):
            weights = np.broadcast_to(weight, 50)
            here.partial_fit(X[part], y[part], sample_weight=weights)
            there.partial_fit(
                np.concatenate((X[part], junk)),
                np.append(y[part], far),
                sample_weight=np.append(weights, np.zeros(50)),
            )
        assert_allclose(there.coef_, here.coef_, rtol=1e-9)
        assert_allclose(there.intercept_, here.intercept_, rtol=1e-9)


def test_a_first_call_without_weight_changes_nothing():
    X, y = make_regression(100, 4, noise=5.0, random_state=0)
    fresh = GDRegressor(random_state=0).partial_fit(X, y + 1e3)
    late = GDRegressor(random_state=0).partial_fit(X[:5], y[:5], sample_weight=np.zeros(5))
    late.partial_fit(X, y + 1e3)
    assert_allclose(late.coef_, fresh.coef_)
    assert_allclose(late.intercept_, fresh.intercept_)


@FORMS
def test_features_that_do_not_vary_stay_out(form):
    """They are rounding once their mean is taken off, which is no unit to learn in."""
    rng = np.random.default_rng(0)
    X = np.c_[rng.normal(size=(600, 3)), np.full(600, 0.1), np.full(600, 3e6)]
    y = X[:, :3].sum(axis=1) + 0.1 * rng.normal(size=600)
    X[300:, 4] += rng.normal(size=300)
    stream = GDRegressor(penalty=None, random_state=0)
    for part in chunks(600, 20):
        stream.partial_fit(form(X[part]), y[part])
    assert stream.coef_[3] == 0.0
    assert stream.score(form(X), y) > 0.98


def test_gradients_that_cancel_are_none():
    """In a balanced batch an intercept's is rounding, whose sign is that of the rows' order."""
    X, y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 5
    found = []
    for order in (np.arange(30), np.arange(30)[::-1], np.random.default_rng(1).permutation(30)):
        model = GDClassifier(shuffle=False).partial_fit(X[order], y[order], classes=range(5))
        found.append(model.intercept_)
    assert_allclose(found[1:], [found[0]] * 2, rtol=1e-9)


def test_a_first_row_of_zeros_does_not_tell_what_others_are():
    rng = np.random.default_rng(0)
    X = rng.normal(100.0, 1.0, (500, 4))
    y = (X - 100.0) @ [1.0, 2.0, 3.0, 4.0]
    X[0] = 0.0
    stream = GDRegressor(random_state=0)
    for part in chunks(500, 1):
        stream.partial_fit(X[part], y[part])
    assert stream.score(X[1:], y[1:]) > 0.95


@pytest.mark.parametrize("loss", ["exponential", "poisson", "tweedie"])
def test_a_first_call_of_one_value(loss):
    """Its best constant is infinite, and nowhere to start from."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 4))
    if loss == "exponential":
        model, first = GDClassifier(loss, random_state=0), {"classes": [0, 1]}
        y = (X.sum(axis=1) > 0.0).astype(int)
        y[:10] = 0
    else:
        model, first = GDRegressor(loss, random_state=0), {}
        y = rng.poisson(np.exp(0.3 * X.sum(axis=1))).astype(float)
        y[:10] = 0.0
    for part in chunks(2000, 10):
        model.partial_fit(X[part], y[part], **first)
    assert model.score(X, y) > (0.9 if first else 0.2)


@pytest.mark.parametrize("optimizer", ["lbfgs", "sgd", "auto"])
def test_a_stream_goes_on_from_any_fit(optimizer):
    rng = np.random.default_rng(0)
    X = rng.normal([5.0, -3.0, 1.0, 0.0], 1.0, (1010, 4))
    y = X @ [1.0, 2.0, 3.0, 4.0] + rng.normal(size=1010)
    model = GDRegressor(optimizer=optimizer, random_state=0).fit(X[:1000], y[:1000])
    score = model.score(X, y)
    model.set_params(optimizer="auto").partial_fit(X[1000:], y[1000:])
    assert model.score(X, y) > score - 0.01


def test_a_rule_given_in_mid_stream_starts_anew():
    """The automatic one, which it equals, has seen other features: less their mean."""
    rng = np.random.default_rng(0)
    X = rng.normal([5.0, -3.0, 1.0, 0.0], 1.0, (1000, 4))
    y = X @ [1.0, 2.0, 3.0, 4.0] + rng.normal(size=1000)
    model = GDRegressor(random_state=0)
    for part in chunks(500, 50):
        model.partial_fit(X[part], y[part])
    model.set_params(optimizer=model.optimizer_).partial_fit(X[500:550], y[500:550])
    assert model.t_ == 3.0  # of the next step
    for part in chunks(450, 50):
        model.partial_fit(X[550:][part], y[550:][part])
    assert model.score(X, y) > 0.9


def test_another_model_cannot_go_on():
    X, y = make_regression(50, 4, random_state=0)
    model = GDRegressor(optimizer="adam", model=MLP((8,))).partial_fit(X, y)
    model.set_params(model__dropout=0.5).partial_fit(X, y)
    for other in ("linear", MLP((9,)), "factorization_machine"):
        with pytest.raises(ValueError, match=r"was trained with model=MLP\(.* Call fit to start"):
            model.set_params(model=other).partial_fit(X, y)
