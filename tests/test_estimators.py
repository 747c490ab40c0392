"""scikit-learn's contract: parameters, strings and objects, attributes, prediction, routing."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import (
    load_iris,
    make_classification,
    make_multilabel_classification,
    make_regression,
)
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import LOSSES, Focal, Huber, LogLoss, Quantile, SquaredError
from sklgd.models import MLP, FactorizationMachine, Linear
from sklgd.optimizers import (
    LBFGS,
    OPTIMIZERS,
    SAGA,
    SGD,
    SVRG,
    Adam,
    Auto,
    GradientDescent,
    Newton,
    RMSprop,
)
from sklgd.penalties import L1, L2, PENALTIES, Box, ElasticNet
from sklgd.schedules import SCHEDULES, Adaptive, Constant, CosineDecay, InvScaling, Optimal

N = 60


@pytest.fixture(scope="module")
def regression():
    X, y = make_regression(N, 5, n_targets=3, noise=10.0, random_state=0)
    return X, y / 100


@pytest.fixture(scope="module")
def classes():
    return make_classification(N, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0)


@pytest.fixture(scope="module")
def labels():
    X, Y = make_multilabel_classification(N, 5, n_classes=4, n_labels=2, random_state=0)
    return X / 20, Y


# -- check_estimator -----------------------------------------------------------------------


@parametrize_with_checks([GDRegressor(), GDClassifier()])
def test_sklearn_checks(estimator, check):
    check(estimator)


class EveryRow:
    """A splitter that trains on all rows, and validates on them."""

    def __repr__(self):
        return "EveryRow()"  # which names tests

    def get_n_splits(self, X=None, y=None, groups=None):
        return 1

    def split(self, X, y=None, groups=None):
        yield np.arange(len(X)), np.arange(len(X))


#: no check is expected to fail: what uses all rows in a step, and what goes on to the minimum
CLEAN = [
    GDRegressor("huber", n_jobs=2),
    GDRegressor(optimizer=GradientDescent(1e-3), penalty=None, fit_intercept=False),
    GDRegressor(optimizer="fista", penalty=Box(0.0, 1.0)),
    GDRegressor(Quantile(0.3), penalty="mcp", alpha=0.01),
    GDRegressor(
        "log_cosh", optimizer=SVRG(), penalty="elasticnet", alpha=1.0, max_iter=500, tol=None
    ),
    GDRegressor("absolute_error", optimizer=RMSprop(0.01), batch_size=N, average=True),
    GDRegressor(model=FactorizationMachine(2), optimizer="lbfgs", max_iter=50),
    GDClassifier("squared_hinge", optimizer="lbfgs", alpha=1.0),
    GDClassifier(LogLoss(multi_class="ovr"), penalty="l1"),
    GDClassifier(LogLoss(multi_class="ovr"), optimizer=SAGA(), alpha=1.0, max_iter=600, tol=None),
    GDClassifier("smooth_hinge", optimizer="sdca", alpha=1.0, max_iter=300, tol=None),
    GDClassifier(Focal(1.5), optimizer=Newton(), class_weight="balanced"),
    GDClassifier("exponential", optimizer="adagrad", eta0=0.3, batch_size=N, average=10),
    GDClassifier(
        model=MLP((5,), activation="tanh"),
        optimizer="lbfgs",
        alpha=0.1,
        early_stopping=True,
        validation_fraction=EveryRow(),
    ),
]


@pytest.mark.filterwarnings("ignore:.*diverged", "ignore:Maximum number of iteration")
@parametrize_with_checks(CLEAN)
def test_sklearn_checks_of_varied_configurations(estimator, check):
    check(estimator)


#: steps on rows in a random order, which end before the minimum
STOCHASTIC = [
    GDRegressor("huber", optimizer="sgd", average=True),
    GDRegressor(optimizer=Adam(0.05), penalty="l1", batch_size=7),
    GDRegressor(learning_rate="constant", eta0=0.01, early_stopping=True),
    GDClassifier("hinge", optimizer="sgd", penalty="elasticnet"),
    GDClassifier(optimizer=Adam(0.05), average=10),
    GDClassifier(optimizer=SGD(0.01, momentum=0.9), batch_size=5, scoring="accuracy"),
]


def stochastic(estimator):
    """As scikit-learn lists for its own SGD: a weight of 2 is one step, a row twice is two."""
    reason = "sample_weight is not equivalent to removing/repeating samples."
    return {
        "check_sample_weight_equivalence_on_dense_data": reason,
        "check_sample_weight_equivalence_on_sparse_data": reason,
    }


@pytest.mark.filterwarnings("ignore:.*diverged", "ignore:Maximum number of iteration")
@parametrize_with_checks(STOCHASTIC, expected_failed_checks=stochastic)
def test_sklearn_checks_of_steps_on_rows(estimator, check):
    check(estimator)


# -- strings and objects -------------------------------------------------------------------


def strategy(model, axis):
    """Return the object that a model trains with on an axis."""
    X, y = np.eye(4), [0.5, 2.0, 1.0, 1.5]
    if is_classifier(model):
        y = [0, 1, 1, 0]
    model.set_params(max_iter=1, tol=None)
    return getattr(model.fit(X, y), f"{axis}_")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_by_its_name(name):
    loss = LOSSES[name]()
    cls = GDClassifier if loss.task == "classification" else GDRegressor
    assert strategy(cls(name), "loss").__class__ is LOSSES[name]
    assert strategy(cls(loss), "loss") == loss


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - {"auto"}))
def test_every_optimizer_by_its_name(name):
    """A string takes the estimator's learning rate, or says that it has none; an object its own.

    4767: a parameter accepted and silently ignored.
    """
    assert isinstance(strategy(GDRegressor(optimizer=name), "optimizer"), OPTIMIZERS[name])
    model = GDRegressor(optimizer=name, learning_rate=0.125)
    both = GDRegressor(optimizer=name, learning_rate=0.125, eta0=0.5)
    if "learning_rate" in OPTIMIZERS[name]().get_params():
        assert strategy(model, "optimizer").learning_rate == 0.125
        with pytest.raises(ValueError, match=r"eta0 would have no effect with learning_rate=0\.1"):
            strategy(both, "optimizer")
    else:
        for wrong in (model, both, GDRegressor(optimizer=name, power_t=0.5)):
            with pytest.raises(ValueError, match="has no learning rate"):
                strategy(wrong, "optimizer")
    own = OPTIMIZERS[name]()
    model = GDRegressor(optimizer=own, learning_rate=0.125)
    assert strategy(model, "optimizer") == own and model.optimizer == own


@pytest.mark.parametrize("name", sorted(set(PENALTIES) - {"box"}))
def test_every_penalty_by_its_name(name):
    found = strategy(GDRegressor(penalty=name, alpha=0.3, l1_ratio=0.6), "penalty")
    assert isinstance(found, PENALTIES[name]) and found.alpha == 0.3
    assert found.get_params().get("l1_ratio", 0.6) == 0.6
    own = clone(found).set_params(alpha=0.7)
    assert strategy(GDRegressor(penalty=own, alpha=0.3), "penalty") == own


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"piecewise_constant"}))
def test_every_schedule_by_its_name(name):
    model = GDRegressor(learning_rate=name, eta0=0.25, alpha=0.5)
    found = strategy(model, "optimizer")
    params = {"eta0": 0.25, "power_t": 0.25, "alpha": 0.5}
    assert found == SGD(SCHEDULES[name].from_estimator(params))


@pytest.mark.parametrize(
    "model, axis, expected",
    [
        (GDRegressor(), "optimizer", Newton()),
        (GDRegressor(), "penalty", L2(1e-4)),
        (GDRegressor(), "loss", SquaredError()),
        (GDRegressor(), "model", Linear()),
        (GDRegressor(model=Linear()), "model", Linear()),
        (GDRegressor(penalty=None), "penalty", None),
        (GDRegressor("huber", epsilon=0.3), "loss", Huber(delta=0.3)),
        (GDRegressor(Huber(delta=0.4), epsilon=0.3), "loss", Huber(delta=0.4)),
        (GDRegressor(optimizer="sgd"), "optimizer", SGD(InvScaling(0.01, power_t=0.25))),
        (GDClassifier(optimizer="sgd"), "optimizer", SGD(Optimal(alpha=1e-4))),
        (GDClassifier(optimizer="sgd", alpha=0.1), "optimizer", SGD(Optimal(alpha=0.1))),
        (GDRegressor(eta0=0.5), "optimizer", SGD(InvScaling(0.5, power_t=0.25))),
        (GDRegressor(power_t=0.5), "optimizer", SGD(InvScaling(0.01, power_t=0.5))),
        (GDRegressor(learning_rate="constant"), "optimizer", SGD(Constant(0.01))),
        (GDRegressor(learning_rate="adaptive", eta0=0.2), "optimizer", SGD(Adaptive(0.2))),
        (GDRegressor(learning_rate=0.03), "optimizer", SGD(0.03)),
        (GDRegressor(optimizer="adam", eta0=0.3), "optimizer", Adam(0.3)),
        (GDRegressor(optimizer="adam"), "optimizer", Adam()),
        (GDRegressor(optimizer=Auto(), eta0=0.3), "optimizer", Newton()),
    ],
    ids=lambda value: str(value)[:60],
)
def test_string_or_object(model, axis, expected):
    assert strategy(model, axis) == expected


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_rate_that_grows_by_a_negative_power_is_deprecated(regression, method):
    X, y = regression
    model = GDRegressor(power_t=-0.1, max_iter=1, tol=None)
    with pytest.warns(FutureWarning, match="Negative values for `power_t`.*power_t=-0.1") as seen:
        getattr(model, method)(X, y)
    assert seen[0].filename == __file__
    assert model.optimizer_ == SGD(InvScaling(0.01, power_t=-0.1))


def test_nested_parameters_of_objects():
    model = GDRegressor(Huber(), optimizer=Adam(), penalty=ElasticNet())
    model.set_params(loss__delta=0.5, optimizer__beta_1=0.8, penalty__l1_ratio=0.9)
    assert (model.loss.delta, model.optimizer.beta_1, model.penalty.l1_ratio) == (0.5, 0.8, 0.9)
    assert model.get_params()["optimizer__beta_1"] == 0.8
    assert clone(model).optimizer == model.optimizer is not clone(model).optimizer


def test_nested_parameters_of_strings():
    """The string is first replaced by its object, filled from the estimator."""
    model = GDRegressor("huber", epsilon=0.3, optimizer="adam", eta0=0.2, penalty="elasticnet")
    model.set_params(optimizer__beta_1=0.8, penalty__l1_ratio=0.9)
    assert model.optimizer == Adam(0.2, beta_1=0.8)
    assert model.penalty == ElasticNet(1e-4, 0.9) and model.loss == "huber"
    model.set_params(loss__delta=0.7, alpha=0.5)
    assert model.loss == Huber(delta=0.7) and model.penalty.alpha == 1e-4
    model = GDRegressor(optimizer="sgd").set_params(optimizer__momentum=0.5)
    assert model.optimizer == SGD(InvScaling(0.01, power_t=0.25), momentum=0.5)
    model.set_params(optimizer="sgd", eta0=0.5, optimizer__learning_rate__power_t=0.5)
    assert model.optimizer == SGD(InvScaling(0.5, power_t=0.5))
    model = GDClassifier(learning_rate="constant", eta0=0.1).set_params(optimizer__momentum=0.5)
    assert model.optimizer == SGD(Constant(0.1), momentum=0.5)


def test_nested_parameters_of_named_schedules():
    model = GDRegressor(learning_rate="invscaling", eta0=0.2).set_params(learning_rate__power_t=0.5)
    assert model.learning_rate == InvScaling(0.2, power_t=0.5)
    model.set_params(learning_rate="constant", optimizer__momentum=0.9, learning_rate__eta0=0.1)
    assert model.optimizer == SGD(Constant(0.1), momentum=0.9)
    model = GDClassifier(learning_rate="invscaling").set_params(learning_rate__eta0=0.3)
    assert model.learning_rate == InvScaling(0.3, power_t=0.5)
    model = GDRegressor(optimizer="adam", learning_rate="cosine_decay", eta0=0.3)
    assert model.set_params(learning_rate__steps=9).learning_rate == CosineDecay(0.3, steps=9)


@pytest.mark.parametrize(
    "model, params, message",
    [
        (GDRegressor(), {"optimizer__learning_rate": 0.1}, "Invalid parameter 'learning_rate'"),
        (GDRegressor(), {"optimizer__learning_rate": 0.1}, "pass optimizer='sgd', or an object"),
        (GDRegressor(optimizer="sgd"), {"optimizer__beta_1": 0.1}, r"\['learning_rate', 'moment"),
        (GDRegressor(optimizer=Adam()), {"optimizer__momentum": 0.1}, r"Valid parameters.*beta_1"),
        (GDRegressor(), {"loss__delta": 0.1}, "Invalid parameter 'delta' for estimator SquaredE"),
        (GDRegressor(), {"penalty__l1_ratio": 0.1}, "Invalid parameter 'l1_ratio'"),
        (GDRegressor(), {"momentum": 0.1}, "Invalid parameter 'momentum' for estimator GDRegr"),
        (GDRegressor(), {"rate__eta0": 0.1}, "Invalid parameter 'rate' for estimator GDRegr"),
        (GDRegressor("hubber"), {"loss__delta": 0.1}, "Did you mean 'huber'"),
        (GDRegressor(penalty=None), {"penalty__alpha": 0.1}, "penalty is None, which has no para"),
        (GDRegressor(), {"learning_rate__eta0": 0.1}, "learning_rate is None, which has no para"),
        (GDRegressor(learning_rate=0.2), {"learning_rate__eta0": 0.1}, "learning_rate is 0.2, whi"),
        (GDRegressor(learning_rate="constan"), {"learning_rate__eta0": 0.1}, "mean 'constant'"),
    ],
    ids=str,
)
def test_unknown_parameters(model, params, message):
    before = model.get_params()
    with pytest.raises(ValueError, match=message):
        model.set_params(**params)
    assert model.get_params() == before


def test_repr_and_clone():
    model = GDRegressor("huber", optimizer=Adam(0.1), penalty=L1(0.5))
    assert "Adam(learning_rate=0.1)" in repr(model) and "L1(alpha=0.5)" in repr(model)
    twin = clone(model)
    assert repr(twin) == repr(model) and twin.optimizer == model.optimizer
    assert twin.optimizer is not model.optimizer
    assert repr(GDClassifier()) == "GDClassifier()"


def test_grids_swap_objects_and_nested_parameters(regression):
    X, y = regression[0], regression[1][:, 0]
    grids = [
        {"optimizer": [SGD(), Adam()], "loss": ["huber", SquaredError()]},
        {"optimizer": [Adam()], "optimizer__learning_rate": [0.1, 0.01]},
        {"penalty": [L1(), L2()], "penalty__alpha": [0.1, 1.0]},
        {"optimizer": ["sgd"], "optimizer__momentum": [0.0, 0.9], "eta0": [0.01, 0.02]},
    ]
    for grid in grids:
        search = GridSearchCV(GDRegressor(max_iter=20), grid, cv=2, error_score="raise").fit(X, y)
        assert len(search.cv_results_["params"]) in (2, 4)
        assert len(set(search.cv_results_["mean_test_score"])) > 1
    pipeline = make_pipeline(StandardScaler(), GDRegressor(optimizer=Adam()))
    grid = {"gdregressor__optimizer__learning_rate": [0.1, 0.01]}
    GridSearchCV(pipeline, grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)


def test_parameters_set_between_calls_are_heeded(regression):
    """Also those that strings read, in place or nested, and after an error."""
    X, y = regression
    model = GDRegressor("huber", optimizer="sgd", penalty="l1").partial_fit(X, y)
    model.partial_fit(X, y)
    model.alpha, model.epsilon = 0.5, 2.0
    model.partial_fit(X, y)
    assert model.penalty_ == L1(0.5) and model.loss_ == Huber(2.0)
    with pytest.raises(ValueError, match="Invalid parameter 'beta_1'"):
        model.set_params(optimizer__momentum=0.5, optimizer__beta_1=0.5)
    assert model.partial_fit(X, y).optimizer_ == SGD(InvScaling(0.01, power_t=0.25))
    model.set_params(optimizer__momentum=0.5).partial_fit(X, y)
    assert model.optimizer_.momentum == 0.5
    model.optimizer.momentum = 0.25
    assert model.partial_fit(X, y).optimizer_.momentum == 0.25
    model.optimizer = "sgd"
    assert model.partial_fit(X, y).optimizer_.momentum == 0.0
    model.early_stopping = True
    assert not hasattr(model, "partial_fit")


# -- attributes and shapes -----------------------------------------------------------------

EVERY = {"coef_", "intercept_", "n_iter_", "t_", "n_features_in_", "loss_", "optimizer_"}
EVERY |= {"penalty_", "model_", "history_", "loss_curve_", "best_iter_", "stop_reason_"}


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("optimizer", ["auto", "sgd", "adam"])
def test_shapes_of_a_regressor(regression, optimizer, fit_intercept):
    X, Y = regression
    model = GDRegressor(optimizer=optimizer, max_iter=5, fit_intercept=fit_intercept)
    for y, coef, intercept in ((Y[:, 0], (5,), (1,)), (Y, (3, 5), (3,)), (Y[:, :2], (2, 5), (2,))):
        model.fit(X, y)
        assert model.coef_.shape == coef and model.intercept_.shape == intercept
        assert model.predict(X).shape == y.shape == model.predict(sp.csr_array(X)).shape
        assert model.intercept_.any() == fit_intercept
        assert all(hasattr(model, name) for name in EVERY)
        assert model.n_features_in_ == 5 and is_regressor(model)
        assert isinstance(model.score(X, y), float)


def test_several_targets_are_trained_as_if_alone(regression):
    X, Y = regression
    for optimizer in (SGD(0.01), Adam(0.01), GradientDescent(0.1)):
        model = GDRegressor(optimizer=optimizer, max_iter=3, tol=None, random_state=0)
        together = clone(model).fit(X, Y)
        for k in range(3):
            alone = clone(model).fit(X, Y[:, k])
            assert_allclose(together.coef_[k], alone.coef_, rtol=1e-10)
            assert_allclose(together.predict(X)[:, k], alone.predict(X), rtol=1e-9)


@pytest.mark.parametrize(
    "loss", ["log_loss", LogLoss(multi_class="ovr"), "hinge", "huber", "focal"]
)
def test_shapes_of_a_classifier(classes, loss):
    X, y = classes
    binary = y > 0
    for target, coef, raw in ((y, (3, 5), (N, 3)), (binary, None, (N,))):
        names = np.array(["cat", "dog", "eel"])[target.astype(int)]
        model = GDClassifier(loss, max_iter=50).fit(X, names)
        if coef is None and not getattr(model.loss_, "joint", False):
            coef = (1, 5)
        assert model.coef_.shape == (coef or model.coef_.shape)
        assert model.intercept_.shape == model.coef_.shape[:1]
        assert model.decision_function(X).shape == raw
        assert_array_equal(model.classes_, np.unique(names))
        assert set(model.predict(X)) <= set(names) and model.score(X, names) > 0.5
        assert all(hasattr(model, name) for name in EVERY) and is_classifier(model)


@pytest.mark.parametrize("loss", ["log_loss", "hinge", "squared_hinge"])
def test_labels_are_trained_as_if_alone(labels, loss):
    X, Y = labels
    model = GDClassifier(loss, optimizer=SGD(0.01), max_iter=3, tol=None, random_state=0)
    together = clone(model).fit(X, Y)
    assert together.coef_.shape == (4, 5) and together.predict(X).shape == Y.shape
    assert_array_equal(together.classes_, np.arange(4))
    assert_array_equal(together.predict(X), together.decision_function(X) > 0)
    sparse = clone(model).fit(sp.csr_array(X), sp.csr_array(Y))
    assert_allclose(sparse.coef_, together.coef_, rtol=1e-9)
    for k in range(4):
        alone = (
            clone(model).set_params(loss=LogLoss(multi_class="ovr"))
            if loss == "log_loss"
            else model
        )
        alone.fit(X, Y[:, k])
        assert_allclose(together.coef_[k : k + 1], alone.coef_, rtol=1e-9)
        if hasattr(together, "predict_proba"):
            expected = alone.predict_proba(X)[:, 1]
            assert_allclose(together.predict_proba(X)[:, k], expected, rtol=1e-9)


def test_predict_proba(classes):
    X, y = classes
    for loss in ("log_loss", LogLoss(multi_class="ovr"), "modified_huber", "focal"):
        model = GDClassifier(loss).fit(X, y)
        for far in (1.0, 1e6):  # softmax and sigmoid overflow; all zero: NaN (scikit-learn 17978)
            proba = model.predict_proba(far * X)
            assert proba.shape == (N, 3) and proba.min() >= 0
            assert_allclose(proba.sum(axis=1), 1)
        assert_array_equal(model.predict(X), model.predict_proba(X).argmax(axis=1))
        with np.errstate(divide="ignore"):
            assert_array_equal(model.predict_log_proba(X), np.log(model.predict_proba(X)))
        assert cross_val_score(model, X, y, scoring="neg_log_loss", cv=2).shape == (2,)


@pytest.mark.parametrize("loss", ["hinge", "perceptron", "squared_error", "squared_hinge"])
@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba"])
def test_no_probability_where_the_loss_defines_none(classes, loss, method):
    model = GDClassifier(loss).fit(*classes)
    assert not hasattr(model, method)
    with pytest.raises(AttributeError) as found:
        getattr(model, method)
    assert "CalibratedClassifierCV" in f"{found.value} {found.value.__cause__}"
    CalibratedClassifierCV(model, cv=2).fit(*classes).predict_proba(classes[0])


@pytest.mark.parametrize("params", [{"early_stopping": True}, {"optimizer": LBFGS()}], ids=str)
@pytest.mark.parametrize("cls", [GDRegressor, GDClassifier])
def test_no_partial_fit_where_it_cannot_work(cls, params):
    model = cls(**params)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError) as found:
        model.partial_fit(np.eye(2), [0, 1])
    why = "should be False with partial_fit" if "early_stopping" in params else "optimizer='sgd'"
    assert why in str(found.value)
    with pytest.raises(ValueError, match=why):  # what scikit-learn's estimators raise
        cls.partial_fit(model, np.eye(2), [0, 1])


def test_no_partial_fit_of_an_optimizer_that_is_none():
    model = GDRegressor(optimizer="amad")
    assert not hasattr(model, "partial_fit")
    with pytest.raises(ValueError, match="Did you mean 'adamax'"):
        model.partial_fit(np.eye(2), [0, 1])


def test_predict_changes_nothing(classes):
    X, y = classes
    model = GDClassifier(optimizer="adam", average=True).fit(X, y)
    before = {name: repr(value) for name, value in vars(model).items()}
    for form in (np.asarray, sp.csr_array, lambda X: X.astype(np.float32)):
        model.predict(form(X)), model.predict_proba(form(X)), model.score(form(X), y)
    assert {name: repr(value) for name, value in vars(model).items()} == before


# -- streams of classes --------------------------------------------------------------------


def test_classes_of_partial_fit(classes):
    X, y = classes
    names = np.array(["cat", "dog", "eel"])[y]
    model = GDClassifier(optimizer=Adam(0.05), random_state=0)
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        model.partial_fit(X, names)
    model.partial_fit(X[y < 2], names[y < 2], classes=["eel", "dog", "cat"])
    assert_array_equal(model.classes_, ["cat", "dog", "eel"])
    for _ in range(30):  # a class first seen in a later call (scikit-learn 6994)
        model.partial_fit(X, names)
    assert set(model.predict(X)) == {"cat", "dog", "eel"}
    with pytest.raises(ValueError, match="is not the same as on last call"):
        model.partial_fit(X, names, classes=["cat", "dog"])
    with pytest.raises(ValueError, match=r"not in classes_: .*'fox'.*first in row 0"):
        model.partial_fit(X, np.full(N, "fox"))


# -- routing -------------------------------------------------------------------------------


def test_sample_weight_is_routed(routing, regression):
    X, y = regression[0], regression[1][:, 0]
    weights = np.linspace(0, 2, N)
    model = GDRegressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
    pipeline.fit(X, y, sample_weight=weights)
    expected = GDRegressor().fit(StandardScaler().fit_transform(X), y, sample_weight=weights)
    assert_allclose(pipeline[-1].coef_, expected.coef_)
    GridSearchCV(model, {"alpha": [0.1]}, cv=2).fit(X, y, sample_weight=weights)


def test_validation_data_are_routed_and_transformed(routing, regression):
    X, y = 1000 * regression[0], regression[1][:, 0]
    model = GDRegressor(optimizer=SGD(0.01), early_stopping=True, max_iter=5, random_state=0)
    model.set_fit_request(X_val=True, y_val=True)
    pipeline = Pipeline([("scale", StandardScaler()), ("gd", model)], transform_input=["X_val"])
    pipeline.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    found = np.mean((pipeline.predict(X[40:]) - y[40:]) ** 2) / 2
    assert found == pytest.approx(pipeline["gd"].history_["val_loss"].min(), rel=1e-9)


def test_feature_names(regression):
    pd = pytest.importorskip("pandas", reason="pandas is in the test extra")
    X, y = regression
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = GDRegressor().fit(frame, pd.DataFrame(y))
    assert_array_equal(model.feature_names_in_, list("abcde"))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)


def test_probabilities_are_of_the_loss_that_was_trained():
    X, y = load_iris(return_X_y=True)
    model = GDClassifier("hinge").fit(X, y).set_params(loss="log_loss")
    assert not hasattr(model, "predict_proba")
    with pytest.raises(AttributeError, match="has no attribute 'predict_proba'"):
        model.predict_proba(X)
    assert hasattr(model.fit(X, y), "predict_proba")


def test_the_name_of_no_penalty_in_old_versions_of_scikit_learn():
    with pytest.raises(ValueError, match=r"Got 'none' instead\. Did you mean None\?"):
        GDRegressor(penalty="none").fit([[0.0], [1.0]], [0.0, 1.0])


@pytest.mark.parametrize("name", sorted(n for n in LOSSES if GDRegressor._can_train(LOSSES[n])))
def test_tags_tell_of_targets_that_are_not_negative(name):
    for loss in (name, LOSSES[name]()):
        positive_only = get_tags(GDRegressor(loss)).target_tags.positive_only
        assert positive_only == (not LOSSES[name]().domain.includes(-0.5))
    assert not get_tags(GDRegressor("unknown")).target_tags.positive_only
