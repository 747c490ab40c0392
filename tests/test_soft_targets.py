"""Class probabilities as targets."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.optimize import check_grad
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine
from sklearn.preprocessing import scale

from sklgd import GDClassifier
from sklgd.losses import LogLoss, SoftLogLoss
from sklgd.models import Linear
from sklgd.objective import Block, Problem, Targets

X, Y = load_wine(return_X_y=True)
X = scale(X)
TIGHT = {"tol": 1e-12, "max_iter": 10_000, "alpha": 0.01}


def probabilities(n, k, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(k, 0.5), size=n)


def almost_one_hot(y, k):
    """One-hot but for one entry, so that it is not an indicator matrix."""
    P = np.eye(k)[y]
    P[0] = 1e-13
    P[0, y[0]] = 1.0 - (k - 1) * 1e-13
    return P


def halves(X, y):
    """The rows with a share of each class: hard labels, weighted."""
    k = y.shape[1]
    return np.repeat(X, k, axis=0), np.tile(np.arange(k), len(X)), y.ravel()


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_certain_targets_are_labels(k, form):
    x, y = X[k > Y], Y[k > Y]
    hard = GDClassifier(**TIGHT).fit(form(x), y)
    for loss, P in [("log_loss", almost_one_hot(y, k)), (LogLoss().soft(), np.eye(k)[y])]:
        soft = GDClassifier(loss, **TIGHT).fit(form(x), P)
        assert_allclose(soft.coef_, hard.coef_, atol=1e-8)
        assert_allclose(soft.intercept_, hard.intercept_, atol=1e-8)
        assert np.array_equal(soft.predict(form(x)), hard.predict(form(x)))
        assert soft.score(x, P) == hard.score(x, y)
    labels = GDClassifier(LogLoss().soft(), **TIGHT).fit(form(x), y)
    assert_allclose(labels.coef_, hard.coef_, atol=1e-8)


@pytest.mark.parametrize("k", [2, 3])
def test_spread_targets_are_label_smoothing(k):
    x, y = X[k > Y], Y[k > Y]
    smoothed = GDClassifier(LogLoss(label_smoothing=0.2), **TIGHT).fit(x, y)
    soft = GDClassifier(**TIGHT).fit(x, 0.8 * np.eye(k)[y] + 0.2 / k)
    assert_allclose(soft.coef_, smoothed.coef_, atol=1e-7)
    both = GDClassifier(LogLoss(label_smoothing=0.2), **TIGHT).fit(x, almost_one_hot(y, k))
    assert_allclose(both.coef_, smoothed.coef_, atol=1e-7)


@pytest.mark.parametrize("multi_class", ["multinomial", "ovr"])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_they_are_weights_of_the_classes(k, multi_class):
    P = probabilities(len(X), k)
    loss = LogLoss(multi_class=multi_class)
    soft = GDClassifier(loss, **TIGHT).fit(X, P)
    assert_allclose(soft.classes_, np.arange(k))
    rows, y, weights = halves(X, P)
    # one-versus-rest, a row with weight p of the class and 1 - p of the others: the same sum
    hard = GDClassifier(loss, **TIGHT).fit(rows, y, weights)
    # the mean over k times the rows whose weights sum to the rows
    assert_allclose(soft.coef_, hard.coef_, atol=1e-6)
    assert soft.optimality_ < 1e-5


def test_gradient():
    P = probabilities(50, 4)
    block = Block(X[:50], Targets(P, 4, joint=True, soft=True), None, LogLoss(), Linear(), True)
    problem = Problem(block, None)
    params = np.random.default_rng(0).normal(size=4 * (X.shape[1] + 1))

    def value(params):
        W, b = params[:-4].reshape(4, -1), params[-4:]
        return -(P * log_softmax(X[:50] @ W.T + b, axis=1)).sum(axis=1).mean()

    assert_allclose(problem.loss(params), value(params), rtol=1e-12)
    assert check_grad(value, lambda at: problem.loss_and_gradient(at)[1], params) < 1e-5


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("batch_size", [1, 16])
def test_step_rules(optimizer, batch_size):
    y = almost_one_hot(Y, 3)
    model = GDClassifier(
        optimizer=optimizer, batch_size=batch_size, max_iter=3, tol=None, random_state=0
    )
    hard, soft = clone(model).fit(X, Y), clone(model).fit(X, y)
    assert_allclose(soft.coef_, hard.coef_, atol=1e-8)
    weights = np.random.default_rng(0).uniform(size=len(Y))
    hard, soft = clone(model).fit(X, Y, weights), clone(model).fit(X, y, weights)
    assert_allclose(soft.coef_, hard.coef_, atol=1e-8)


@pytest.mark.parametrize("names", [["a", "b", "c"], [0, 1, 2], [3, 5, 9]])
def test_partial_fit_knows_its_classes(names):
    names = np.array(names)
    model = GDClassifier(optimizer="sgd", random_state=0)
    hard, soft = clone(model), clone(model)
    for _ in range(2):
        hard.partial_fit(X, names[Y], classes=names)
        soft.partial_fit(X, almost_one_hot(Y, 3), classes=names)
    assert_allclose(soft.coef_, hard.coef_, atol=1e-8)
    assert np.array_equal(soft.classes_, names)
    assert set(soft.predict(X)) <= set(names)
    # later parts may hold labels, or happen to be certain
    soft.partial_fit(X, names[Y]).partial_fit(X, np.eye(3)[Y])
    hard.partial_fit(X, names[Y]).partial_fit(X, names[Y])
    assert_allclose(soft.coef_, hard.coef_, atol=1e-8)


def test_named_classes_with_certain_targets():
    names = np.array(["a", "b", "c"])
    soft = GDClassifier(optimizer="sgd", random_state=0)
    soft.partial_fit(X, np.eye(3)[Y], classes=names)
    assert set(soft.predict(X)) <= set(names)


def test_warm_start_knows_its_classes():
    names = np.array(["a", "b", "c"])
    model = GDClassifier(warm_start=True).fit(X, names[Y]).fit(X, probabilities(len(X), 3))
    assert np.array_equal(model.classes_, names)
    assert model.score(X, probabilities(len(X), 3)) > 0.0


def test_zeros_and_ones_are_labels():
    for dtype in (int, float):
        model = GDClassifier().fit(X, np.eye(3, dtype=dtype)[Y])
        assert model.predict(X).shape == (len(X), 3)
    stream = GDClassifier(optimizer="sgd").partial_fit(X, np.eye(3)[Y], classes=[0, 1, 2])
    assert stream.predict(X).shape == (len(X), 3)


@pytest.mark.parametrize("scoring", ["loss", "accuracy", "neg_log_loss"])
def test_validation(scoring):
    x, y = load_iris(return_X_y=True)
    P = 0.9 * np.eye(3)[y] + 0.1 / 3
    model = GDClassifier(
        optimizer="adam", early_stopping=True, scoring=scoring, max_iter=5, random_state=0
    ).fit(x, P)
    assert len(model.history_["val_loss"]) == model.n_iter_
    for y_val in (y, P):  # labels or probabilities, whichever was trained on
        for y_train in (y, P):
            fitted = clone(model).fit(x, y_train, X_val=x, y_val=y_val)
            expected = y_val if y_val.ndim == 2 else np.eye(3)[y_val]
            assert np.isfinite(fitted.history_["val_loss"]).all()
            final = clone(model).set_params(early_stopping=False, tol=None)
            final.fit(x, y_train, X_val=x, y_val=y_val)
            loss = -(expected * np.log(final.predict_proba(x))).sum(axis=1).mean()
            assert_allclose(final.history_["val_loss"][-1], loss, rtol=1e-9)


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (np.array([[0.5, 0.6], [0.5, 0.5]]), r"rows that sum to one. Row 0 is \[0.5 0.6\]"),
        (np.array([[0.5, 0.5], [1.5, -0.5]]), r"Row 1 is \[ 1.5 -0.5\]"),
    ],
)
def test_what_is_no_distribution(y, match):
    with pytest.raises(ValueError, match=match):
        GDClassifier().fit(X[:2], y)


def test_a_loss_of_ones_own_gets_the_rows():
    class Mine(SoftLogLoss):
        pass  # no kernel of its own: its NumPy methods train

    P = probabilities(len(X), 3)
    mine, known = GDClassifier(Mine(), **TIGHT).fit(X, P), GDClassifier(**TIGHT).fit(X, P)
    assert_allclose(mine.coef_, known.coef_, atol=1e-8)


def test_errors():
    P = probabilities(len(X), 3)
    with pytest.raises(ValueError, match="use loss='log_loss'"):
        GDClassifier("hinge").fit(X, P)
    with pytest.raises(ValueError, match="class_weight is not supported with probabilities"):
        GDClassifier(class_weight={0: 2.0}).fit(X, P)
    with pytest.raises(ValueError, match="each of the 2 classes"):
        GDClassifier(optimizer="sgd").partial_fit(X, P, classes=[0, 1])
