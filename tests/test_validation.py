"""Bad input says what was given and what is allowed; what fails leaves no trace."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import clone

from sklgd import GDClassifier, GDRegressor
from sklgd._strategy import OTHER_NAMES
from sklgd.losses import LOSSES, Huber, SquaredError
from sklgd.models import MLP, Linear
from sklgd.models.mlp import ACTIVATIONS
from sklgd.optimizers import LBFGS, OPTIMIZERS, SGD, Adam, GradientDescent, RowSpace
from sklgd.penalties import L1, L2, PENALTIES, GroupLasso
from sklgd.schedules import SCHEDULES, Constant, InvScaling

N = 40
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, 4))
Y = X @ [1.0, -2.0, 0.5, 0.0] + 0.1 * RNG.standard_normal(N)
LABELS = np.array(["a", "b", "c"])[np.arange(N) % 3]


def changed(array, value, at=3):
    array = np.array(array, copy=True)
    array[at] = value
    return array


def check_raises(model, message, /, *args, error=(ValueError, TypeError), **kwargs):
    with pytest.raises(error, match=message):
        model.fit(*args, **kwargs)
    assert not hasattr(model, "coef_")


# -- data ----------------------------------------------------------------------------------

DATA = {
    "NaN in X": ((changed(X, np.nan), Y), "Input X contains NaN"),
    "inf in X": ((changed(X, np.inf), Y), "Input X contains infinity"),
    "NaN in sparse X": ((sp.csr_array(changed(X, np.nan)), Y), "Input X contains NaN"),
    "NaN in y": ((X, changed(Y, np.nan)), "Input y contains NaN"),
    "inf in y": ((X, changed(Y, -np.inf)), "Input y contains infinity"),
    "one-dimensional X": ((X[:, 0], Y), "Expected 2D array, got 1D array"),
    "three-dimensional X": ((X[None], Y), "dim 3|3D"),
    "rows": ((X, Y[:-1]), r"inconsistent numbers of samples: \[40, 39\]"),
    "no rows": ((X[:0], Y[:0]), r"0 sample\(s\).*minimum of 1 is required"),
    "no features": ((X[:, :0], Y), r"0 feature\(s\).*minimum of 1 is required"),
    "no y": ((X, None), "requires y to be passed, but the target y is None"),
    "strings in X": ((X.astype(str).astype(object) + "a", Y), "could not convert string to float"),
    "complex X": ((X + 1j, Y), "Complex data not supported"),
}


@pytest.mark.parametrize("name", DATA)
def test_bad_data(name):
    data, message = DATA[name]
    check_raises(GDRegressor(), message, *data)


@pytest.mark.filterwarnings("ignore:.*diverged")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_numbers_whose_squares_overflow_are_finite(dtype):
    size = np.sqrt(np.finfo(dtype).max) * 4
    large = (X * size).astype(dtype)
    with np.errstate(all="raise"):
        model = GDRegressor(optimizer=SGD(0.0)).partial_fit(large, (Y * size).astype(dtype))
        assert_array_equal(model.predict(large), 0.0)


def test_rows_without_names_after_rows_with_names():
    pd = pytest.importorskip("pandas")
    model = GDRegressor(optimizer="sgd").fit(pd.DataFrame(X, columns=list("abcd")), Y)
    for call in (lambda: model.partial_fit(X, Y), lambda: model.predict(X)):
        with pytest.warns(UserWarning, match="X does not have valid feature names"):
            call()
    assert not hasattr(model.fit(X, Y), "feature_names_in_")


def test_bad_data_in_later_calls():
    model = GDRegressor(optimizer="sgd").partial_fit(X, Y)
    with pytest.raises(ValueError, match=r"X has 3 features, but GDRegressor is expecting 4"):
        model.partial_fit(X[:, :3], Y)
    with pytest.raises(ValueError, match=r"X has 3 features, but GDRegressor is expecting 4"):
        model.predict(X[:, :3])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.predict(changed(X, np.nan))
    with pytest.raises(ValueError, match=r"n_outputs=1 .*cannot go on with n_outputs=2"):
        model.partial_fit(X, np.stack([Y, Y], axis=1))
    with pytest.raises(ValueError, match=r"and fit_intercept=True, and cannot go on with"):
        model.set_params(fit_intercept=False).partial_fit(X, Y)


@pytest.mark.parametrize("warm_start", [True, False])
def test_other_outputs_in_a_later_fit(warm_start):
    model = GDRegressor(warm_start=warm_start).fit(X, Y)
    two = np.stack([Y, Y], axis=1)
    if warm_start:
        with pytest.raises(ValueError, match=r"warm_start can only .* now {'coef_': \(2, 4\)"):
            model.fit(X, two)
    else:
        assert model.fit(X, two).coef_.shape == (2, 4)


def test_one_column_and_an_indicator_matrix_do_not_mix():
    binary = Y > 0
    matrix = np.stack([binary, binary], axis=1)
    one = GDClassifier(optimizer="sgd").partial_fit(X, binary, classes=[False, True])
    with pytest.raises(ValueError, match=r"one column of labels, as before; got shape \(40, 2\)"):
        one.partial_fit(X, matrix)
    two = GDClassifier(optimizer="sgd").partial_fit(X, matrix, classes=[0, 1])
    with pytest.raises(ValueError, match=r"indicator matrix of 2 labels, as before; got shape"):
        two.partial_fit(X, binary)
    with pytest.raises(ValueError, match=r"y_val has shape \(40, 2\), which does not fit y"):
        GDClassifier().fit(X, binary, X_val=X, y_val=matrix)


OUTSIDE = {"poisson": -1.0, "gamma": 0.0, "tweedie": -0.5, "negative_binomial": -1.0}
OUTSIDE |= {"squared_log_error": -2.0}


def test_the_table_of_domains_is_complete():
    assert set(OUTSIDE) == {
        name
        for name, cls in LOSSES.items()
        if np.isfinite(cls().domain.low) and cls.task != "classification"
    }


@pytest.mark.parametrize("name", OUTSIDE)
def test_targets_outside_the_domain(name):
    y = changed(np.abs(Y) + 0.1, OUTSIDE[name])
    message = rf"out of the valid range of the loss .*must lie in .*{OUTSIDE[name]!r} in row 3"
    check_raises(GDRegressor(name), message, X, y)


@pytest.mark.parametrize("name", LOSSES)
def test_constant_and_single_targets_train(name):
    """The corners that no random draw meets: one row, one value."""
    loss = LOSSES[name]()
    if loss.task == "classification":
        GDClassifier(name).fit(X[:2], [0, 1]).predict(X)
        return
    for y in (np.full(N, 2.0), Y[:1] ** 2 + 1):
        assert np.isfinite(GDRegressor(name).fit(X[: len(y)], y).predict(X)).all()


# -- weights -------------------------------------------------------------------------------

WEIGHTS = {
    "negative": (changed(np.ones(N), -1.0), "Negative values in data passed to `sample_weight`"),
    "NaN": (changed(np.ones(N), np.nan), "Input sample_weight contains NaN"),
    "infinite": (changed(np.ones(N), np.inf), "Input sample_weight contains infinity"),
    "without a sum": (np.full(N, 1e307), "sum of sample_weight is not finite.*divide them"),
    "too few": (np.ones(N - 1), r"sample_weight.shape == \(39,\), expected \(40,\)"),
    "two-dimensional": (np.ones((N, 2)), "Sample weights must be 1D array or scalar"),
    "all zero": (np.zeros(N), "at least one non-zero"),
}


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("model, y", [(GDRegressor(), Y), (GDClassifier(), LABELS)], ids=str)
def test_bad_weights(model, y, name):
    weights, message = WEIGHTS[name]
    check_raises(clone(model), message, X, y, sample_weight=weights)


# -- labels --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model, y, message",
    [
        (GDClassifier(), Y, "Unknown label type: continuous"),
        (GDClassifier(), np.full(N, "a"), r"classes has to be greater than one; got 1 class"),
        (
            GDClassifier(),
            np.stack([LABELS, LABELS], axis=1),
            "Multioutput-multiclass|not supported",
        ),
        (GDClassifier(class_weight={"d": 2.0}), LABELS, r"not in class_weight"),
        (GDClassifier(class_weight={"a": -1.0}), LABELS, r"class_weight must not be negative"),
        (
            GDClassifier(class_weight="heavy"),
            LABELS,
            "'class_weight' parameter of GDClassifier.*'balanced'",
        ),
        (GDClassifier("poisson"), LABELS, r"valid range of the loss Poisson\(\).*-1.0"),
        (GDRegressor(), LABELS, "could not convert string to float"),
    ],
    ids=str,
)
def test_bad_labels(model, y, message):
    check_raises(model, message, X, y)


# -- parameters ----------------------------------------------------------------------------

PARAMETERS = [
    ({"loss": "squared"}, r"'loss' parameter of GDRegressor must be a str among \[.*Got 'squared'"),
    ({"loss": "hubber"}, "Did you mean 'huber'"),
    ({"loss": "mse"}, "Did you mean 'squared_error'"),
    ({"loss": "smooth_l1"}, "Did you mean 'huber'"),
    ({"penalty": "L1"}, "Did you mean 'l1'"),
    ({"penalty": "none"}, "Did you mean None"),
    ({"optimizer": "L-BFGS"}, "Did you mean 'lbfgs'"),
    ({"optimizer": "newton-cg"}, "Did you mean 'newton'"),
    ({"learning_rate": "constnt"}, "Did you mean 'constant'"),
    ({"model": MLP(activation="sigmoid")}, "Did you mean 'logistic'"),
    ({"model": MLP(activation=("relu", "swish"))}, "Did you mean 'silu'"),
    ({"loss": "log_loss"}, r"'loss' parameter of GDRegressor"),
    ({"loss": LOSSES["hinge"]()}, r"regression loss.*Got the classification loss Hinge\(\)"),
    ({"loss": Huber}, r"'loss' parameter.*Got"),
    ({"loss": SGD()}, r"'loss' parameter of GDRegressor must be .*Got SGD\(\)"),
    ({"loss": Huber(delta=-1.0)}, "'delta' parameter of Huber must be a float in the range"),
    ({"loss": "huber", "epsilon": 0.0}, "'delta' parameter of Huber"),
    ({"optimizer": "adm"}, r"'optimizer' parameter of GDRegressor.*Did you mean 'adam'"),
    ({"optimizer": Adam}, "'optimizer' parameter of GDRegressor.*Got"),
    ({"optimizer": 0.1}, "'optimizer' parameter of GDRegressor.*Got 0.1"),
    ({"optimizer": None}, "'optimizer' parameter of GDRegressor.*Got None"),
    ({"optimizer": SquaredError()}, "'optimizer' parameter of GDRegressor"),
    ({"optimizer": SGD(-0.1)}, "'learning_rate' parameter of SGD"),
    ({"optimizer": SGD(nesterov=True)}, "nesterov=True needs a momentum > 0. Got momentum=0.0"),
    ({"optimizer": SGD("konstant")}, r"learning_rate.*'constant'"),
    ({"optimizer": SGD(InvScaling(eta0=-1.0))}, "'eta0' parameter of InvScaling"),
    ({"penalty": "elastic_net"}, r"'penalty' parameter .*\['box', .*Did you mean 'elasticnet'"),
    ({"penalty": L1}, "'penalty' parameter of GDRegressor.*Got"),
    ({"penalty": L2(-1.0)}, "'alpha' parameter of L2"),
    ({"penalty": GroupLasso(1.0, groups=[[7]])}, "has feature 7, but there are 4 features"),
    ({"penalty": L1(weights=[1.0, 2.0])}, "weights"),
    (
        {"model": "tree"},
        r"'model' parameter of GDRegressor must be a str among \['factorization_machine', 'linear'",
    ),
    ({"model": Linear}, "'model' parameter of GDRegressor.*Got"),
    ({"alpha": -1.0}, "'alpha' parameter of GDRegressor must be a float in the range"),
    ({"alpha": "1"}, "'alpha' parameter of GDRegressor"),
    ({"l1_ratio": 1.5}, "'l1_ratio' parameter of GDRegressor"),
    ({"max_iter": 0}, "'max_iter' parameter of GDRegressor"),
    ({"max_iter": 2.5}, "'max_iter' parameter of GDRegressor"),
    ({"tol": -1e-3}, "'tol' parameter of GDRegressor"),
    ({"batch_size": 0}, "'batch_size' parameter of GDRegressor"),
    ({"batch_size": "all"}, "'batch_size' parameter of GDRegressor.*'auto'"),
    ({"average": -1}, "'average' parameter of GDRegressor"),
    ({"epsilon": -0.1}, "'epsilon' parameter of GDRegressor"),
    ({"learning_rate": "fast"}, "'learning_rate' parameter of GDRegressor .*'invscaling'"),
    ({"learning_rate": -0.1}, "'learning_rate' parameter of GDRegressor"),
    ({"eta0": 0.0}, "'eta0' parameter of GDRegressor"),
    ({"power_t": "half"}, "'power_t' parameter of GDRegressor"),
    ({"learning_rate": "optimal", "alpha": 0.0}, "alpha must be > 0 since learning_rate is 'opt"),
    ({"n_iter_no_change": 0}, "'n_iter_no_change' parameter of GDRegressor"),
    ({"validation_fraction": 1.0, "early_stopping": True}, "'validation_fraction' parameter"),
    ({"scoring": "accurate", "early_stopping": True}, "accurate"),
    ({"scoring": "accurate"}, "accurate"),
    ({"penalty": "elasticnet", "l1_ratio": None}, r"a number in \[0, 1\]. Got None"),
    ({"optimizer": "adam", "power_t": 0.5}, "power_t would have no effect with learning_rate=None"),
    ({"optimizer": "lbfgs", "eta0": 0.5}, "LBFGS has no learning rate"),
    ({"learning_rate": 0.1, "eta0": 0.5, "power_t": 1.0}, "eta0 and power_t would have no effect"),
    ({"optimizer": RowSpace(GradientDescent(0.01))}, "RowSpace needs an optimizer that knows when"),
    ({"shuffle": "yes"}, "'shuffle' parameter of GDRegressor"),
    ({"fit_intercept": "no"}, "'fit_intercept' parameter of GDRegressor"),
    ({"warm_start": 2}, "'warm_start' parameter of GDRegressor"),
    ({"verbose": -1}, "'verbose' parameter of GDRegressor"),
    ({"n_jobs": "two"}, "'n_jobs' parameter of GDRegressor"),
    ({"random_state": "seed"}, "'random_state' parameter of GDRegressor"),
    ({"optimizer": LBFGS(), "penalty": "mcp"}, "LBFGS needs a smooth objective"),
]


@pytest.mark.parametrize("params, message", PARAMETERS, ids=lambda value: str(value)[:50])
def test_bad_parameters(params, message):
    model = GDRegressor(**params)  # __init__ checks nothing, as scikit-learn has it
    check_raises(model, message, X, Y)
    fitted = GDRegressor(optimizer="sgd").fit(X, Y).set_params(**params)
    with pytest.raises(ValueError, match=message):
        fitted.fit(X, Y)


def test_other_names():
    here = {*LOSSES, *OPTIMIZERS, *PENALTIES, *SCHEDULES, *ACTIVATIONS, None}
    assert set(OTHER_NAMES.values()) <= here
    assert not set(OTHER_NAMES) & here


def test_every_parameter_is_checked():
    tested = {name for params, _ in PARAMETERS for name in params}
    assert tested == set(GDRegressor().get_params(deep=False))


@pytest.mark.parametrize("alpha", [0.0])
def test_alpha_of_zero_under_optimal(alpha):
    """It divides by zero (scikit-learn 5329)."""
    model = GDClassifier("hinge", optimizer="sgd", alpha=alpha)
    check_raises(model, "alpha must be > 0 since learning_rate is 'optimal'", X, LABELS)


# -- starting points and validation data -----------------------------------------------------


@pytest.mark.parametrize(
    "given, message",
    [
        ({"coef_init": np.zeros(3)}, r"coef_init does not match dataset: it has shape \(3,\)"),
        ({"coef_init": np.zeros((2, 4))}, r"need \(4,\)"),
        ({"coef_init": {"coef_": np.zeros(4)}}, r"must be an array.* Got a dict of \['coef_'\]"),
        ({"intercept_init": np.zeros(2)}, r"intercept_init does not match dataset"),
        ({"X_val": X}, "X_val was given without y_val"),
        ({"y_val": Y}, "y_val was given without X_val"),
        ({"sample_weight_val": np.ones(N)}, "given without X_val"),
        ({"X_val": X[:, :2], "y_val": Y}, "X_val has 2 features, but GDRegressor is expecting 4"),
        ({"X_val": X, "y_val": Y[:-1]}, r"inconsistent numbers of samples"),
        ({"X_val": changed(X, np.nan), "y_val": Y}, "Input X_val contains NaN"),
        ({"X_val": X, "y_val": changed(Y, np.nan)}, "Input y_val contains NaN"),
        ({"X_val": X, "y_val": np.stack([Y, Y], 1)}, "y_val"),
        ({"X_val": X, "y_val": Y, "sample_weight_val": -np.ones(N)}, "Negative values"),
        ({"X_val": X, "y_val": Y, "sample_weight_val": np.ones(3)}, r"sample_weight.shape == \(3,"),
        ({"coef_init": np.full(4, np.nan)}, "Input coef_init contains NaN"),
        ({"intercept_init": [np.inf]}, "Input intercept_init contains infinity"),
    ],
    ids=lambda value: str(value)[:60],
)
@pytest.mark.parametrize("early_stopping", [True, False])
def test_bad_fit_parameters(given, message, early_stopping):
    model = GDRegressor(optimizer=SGD(0.01), early_stopping=early_stopping)
    check_raises(model, message, X, Y, **given)


def test_validation_labels_must_be_known():
    model = GDClassifier(early_stopping=True)
    message = "y_val contains labels that are not in y: .*'d'"
    check_raises(model, message, X, LABELS, X_val=X[:2], y_val=["a", "d"])


# -- a failed fit leaves no trace ----------------------------------------------------------


class BreaksLater(SquaredError):
    """Raises in the middle of epoch 3 of 40 rows."""

    gradients = 0

    def gradient(self, y, raw):
        type(self).gradients += len(y)
        if type(self).gradients > 2 * N + 17:
            raise RuntimeError("in the middle of epoch 3")
        return super().gradient(y, raw)


def snapshot(model):
    return {name: pickle.dumps(value) for name, value in vars(model).items()}


FAILURES = {
    "bad X": lambda m: m.fit(changed(X, np.nan), Y),
    "bad y": lambda m: m.fit(X, Y[:3]),
    "bad weights": lambda m: m.fit(X, Y, sample_weight=-np.ones(N)),
    "other width, bad weights": lambda m: m.fit(X[:, :2], Y, sample_weight=-np.ones(N)),
    "bad coef_init": lambda m: m.fit(X, Y, coef_init=np.ones(7)),
    "bad X_val": lambda m: m.fit(X, Y, X_val=X[:, :1], y_val=Y),
    "partial_fit, bad X": lambda m: m.partial_fit(X[:, :2], Y),
    "partial_fit, bad y": lambda m: m.partial_fit(X, Y[:3]),
    "partial_fit, bad weights": lambda m: m.partial_fit(X, Y, sample_weight=-np.ones(N)),
    "predict": lambda m: m.predict(X[:, :2]),
}


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_call_changes_nothing(name, average):
    model = GDRegressor(optimizer="adam", average=average, random_state=0).fit(X, Y)
    before, twin = snapshot(model), copy.deepcopy(model)
    with pytest.raises(ValueError):
        FAILURES[name](model)
    assert snapshot(model) == before
    assert_array_equal(model.partial_fit(X, Y).coef_, twin.partial_fit(X, Y).coef_)


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("optimizer", [SGD(0.01), Adam(), GradientDescent(0.1)], ids=repr)
def test_an_exception_in_the_middle_changes_nothing(optimizer, average, warm_start):
    model = GDRegressor(BreaksLater(), optimizer=optimizer, average=average, max_iter=2)
    model.set_params(random_state=0, warm_start=warm_start, tol=None)
    BreaksLater.gradients = -10_000
    model.fit(X, Y)
    before = snapshot(model)
    BreaksLater.gradients = 0
    with pytest.raises(RuntimeError, match="in the middle of epoch 3"):
        model.set_params(max_iter=9).fit(X, Y)
    if not optimizer.full_batch:
        with pytest.raises(RuntimeError, match="in the middle"):
            model.partial_fit(X, Y)
    assert snapshot(model.set_params(max_iter=2)) == before


def test_a_failed_partial_fit_of_a_classifier_changes_nothing():
    model = GDClassifier(optimizer="adam").partial_fit(X, LABELS, classes=["a", "b", "c", "d"])
    before = snapshot(model)
    for y, extra in ((np.full(N, "e"), {}), (LABELS, {"classes": ["a"]}), (LABELS[:3], {})):
        with pytest.raises(ValueError):
            model.partial_fit(X, y, **extra)
        assert snapshot(model) == before
    fresh = GDClassifier(optimizer="adam")
    before = snapshot(fresh)
    with pytest.raises(ValueError):
        fresh.partial_fit(X, np.full(N, "e"), classes=["a", "b"])
    assert snapshot(fresh) == before


# -- strategies are never written to ---------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_fitting_writes_to_no_strategy(optimizer):
    rate = {"learning_rate": Constant(0.01)}
    own = OPTIMIZERS[optimizer]()
    own.set_params(**{k: v for k, v in rate.items() if k in own.get_params()})
    parts = [Huber(), own, L2(0.1), Linear()]
    before = [pickle.dumps(part) for part in parts]
    model = GDRegressor(parts[0], optimizer=own, penalty=parts[2], model=parts[3], max_iter=5)
    model.fit(X, Y)
    model.set_params(early_stopping=True, average=True).fit(X, np.stack([Y, -Y], axis=1))
    assert [pickle.dumps(part) for part in parts] == before
    assert model.get_params(deep=False)["optimizer"] is own


def test_two_estimators_share_one_optimizer():
    """Moments belong to the fit: interleaved trainings equal trainings alone."""
    shared = Adam(0.05)
    one, two = (GDRegressor(optimizer=shared, random_state=0) for _ in range(2))
    alone = [GDRegressor(optimizer=Adam(0.05), random_state=0) for _ in range(2)]
    for _ in range(3):
        one.partial_fit(X, Y)
        two.partial_fit(X, -3 * Y)
    for model, y in zip(alone, (Y, -3 * Y), strict=True):
        for _ in range(3):
            model.partial_fit(X, y)
    assert_array_equal(one.coef_, alone[0].coef_)
    assert_array_equal(two.coef_, alone[1].coef_)
    assert one.optimizer_ == two.optimizer_ == shared


# -- what would be pulled into memory --------------------------------------------------------


class Array(np.ndarray):
    """Looks like a Dask array from outside."""


Array.__module__ = "dask.array.core"


@pytest.mark.parametrize("which", ["X", "y", "X_val"])
def test_dask_is_refused(which):
    lazy = {"X": X, "y": Y, "X_val": X, "y_val": Y}
    lazy[which] = lazy[which].view(Array)
    model = GDRegressor(early_stopping=True)
    message = r"Got a Dask collection \(Array\).*\.compute\(\)"
    check_raises(model, message, lazy.pop("X"), lazy.pop("y"), **lazy, error=TypeError)
    stream = GDRegressor(optimizer="sgd").partial_fit(X, Y)
    with pytest.raises(TypeError, match=message):
        stream.partial_fit(X.view(Array), Y)
    with pytest.raises(TypeError, match=message):
        stream.predict(X.view(Array))


def test_targets_whose_squares_overflow():
    for train in (GDRegressor().fit, GDRegressor().partial_fit):
        with pytest.raises(ValueError, match=r"Targets are too large.* Divide y by its largest"):
            train(X, 1e160 * Y)


def test_validation_targets_outside_of_the_domain_are_called_so():
    model = GDRegressor("poisson", early_stopping=True)
    with pytest.raises(ValueError, match=r"value\(s\) of y_val are out of the valid range"):
        model.fit(X, np.abs(Y), X_val=X, y_val=-np.abs(Y))


@pytest.mark.parametrize(
    "splits, message",
    [
        ([], "validation_fraction has no split"),
        (iter([]), "a generator gives its splits only once"),
        ([(np.arange(30), np.arange(30, 41))], r"name rows of X, which has 40, .*out of bounds"),
        ([(np.ones(30, bool), np.zeros(30, bool))], "name rows of X, .*boolean"),
        ([(np.arange(30.0), np.arange(30.0, 40.0))], "name rows of X, .*integer"),
    ],
)
def test_splits_that_are_none(splits, message):
    model = GDRegressor(early_stopping=True, validation_fraction=splits)
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y)
