"""Displays draw what the history and the path hold; the example page shows how they look."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Lasso, SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler, scale

from sklgd import GDClassifier, GDRegressor
from sklgd.displays import CoefficientPathDisplay, LearningRateDisplay, LossCurveDisplay
from sklgd.optimizers import SGD, Adam, lr_range_test
from sklgd.penalties import L1, Box, ElasticNet

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, y = load_diabetes(return_X_y=True)
y = scale(y)


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def lines(display):
    return {line.get_label(): line for line in display.lines_}


def shown(display):
    """The texts of the legend."""
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


# -- loss curves -------------------------------------------------------------------------------


def test_loss_curve_of_one():
    model = GDRegressor(optimizer=Adam(0.05), early_stopping=True, random_state=0).fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    best = f"best epoch: {model.best_iter_}"
    assert shown(display) == ["training", "validation", best]
    found = lines(display)
    epochs = np.arange(1, model.n_iter_ + 1)
    assert_array_equal(found["training"].get_xdata(), epochs)
    assert_array_equal(found["training"].get_ydata(), model.history_["loss"])
    assert_array_equal(found["validation"].get_ydata(), model.history_["val_loss"])
    assert found[best].get_xydata().tolist() == [
        [model.best_iter_, model.history_["val_loss"].min()]
    ]
    assert display.rate_ax_ is None  # the rate is constant
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("epoch", "mean loss")
    assert display.figure_ is display.ax_.figure


def test_a_rate_that_varies_has_an_axis():
    model = GDRegressor(learning_rate="invscaling", random_state=0, max_iter=30).fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    assert shown(display) == ["training", f"best epoch: {model.best_iter_}", "learning rate"]
    rate = lines(display)["learning rate"]
    assert_array_equal(rate.get_ydata(), model.history_["learning_rate"])
    assert rate.axes is display.rate_ax_ is not display.ax_
    assert LossCurveDisplay.from_estimator(model, learning_rate=False).rate_ax_ is None
    constant = GDRegressor(optimizer=SGD(0.01), max_iter=3).fit(X, y)
    assert LossCurveDisplay.from_estimator(constant, learning_rate=True).rate_ax_ is not None


def test_loss_curves_of_several_have_a_colour_each():
    models = {
        "adam": make_pipeline(StandardScaler(), GDRegressor(optimizer="adam", max_iter=9)),
        "sgd": GDRegressor(optimizer="sgd", early_stopping=True, random_state=0, max_iter=9),
    }
    models = {name: model.fit(X, y) for name, model in models.items()}
    display = LossCurveDisplay.from_estimators(models, learning_rate=True)
    found = lines(display)
    assert {"adam", "sgd", "sgd, validation", "sgd, learning rate"} < found.keys()
    assert found["sgd"].get_color() == found["sgd, validation"].get_color()
    assert found["sgd"].get_color() != found["adam"].get_color()
    assert_array_equal(found["adam"].get_ydata(), models["adam"][-1].history_["loss"])


@pytest.mark.parametrize("wide", [False, True])
def test_a_wide_span_is_logarithmic(wide):
    history = {"loss": [100.0, 10.0, 1.0 if wide else 9.0], "learning_rate": [1.0] * 3}
    display = LossCurveDisplay({"a": history}).plot()
    assert display.ax_.get_yscale() == ("log" if wide else "linear")


def test_loss_curve_of_a_stream_and_of_one_epoch():
    model = GDRegressor(optimizer="sgd", random_state=0)
    for _ in range(3):
        model.partial_fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    assert "training" in shown(display) and not any("best" in text for text in shown(display))
    one = LossCurveDisplay.from_estimator(model.set_params(max_iter=1).fit(X, y))
    assert lines(one)["training"].get_marker() == "."


def test_loss_curve_of_a_model_that_diverged_at_once():
    model = GDRegressor(optimizer=SGD(1e100))
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    assert len(lines(display)["training"].get_ydata()) == 0 and display.rate_ax_ is None
    assert len(model.history_frame()) == 0


def test_plot_draws_again_and_into_given_axes():
    model = GDRegressor(optimizer="adam", max_iter=3).fit(X, y)
    ax = matplotlib.pyplot.subplots()[1]
    display = LossCurveDisplay.from_estimator(model, ax=ax, name="first")
    assert display.ax_ is ax
    assert display.plot().ax_ is not ax
    assert list(display.histories) == ["first"]


def test_a_model_that_is_not_fitted():
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(GDRegressor())


# -- paths --------------------------------------------------------------------------------------


def test_path_is_that_of_the_lasso():
    alphas = np.geomspace(1e-3, 0.5, 5)
    model = GDRegressor(penalty="l1", tol=1e-10, max_iter=10000)
    display = CoefficientPathDisplay.from_estimator(model, scale(X), y, alphas=alphas[::-1])
    assert_array_equal(display.alphas, alphas)
    expected = [Lasso(alpha, tol=1e-10).fit(scale(X), y).coef_ for alpha in alphas]
    assert_allclose(display.coefs[:, 0], expected, atol=1e-5)
    for feature, line in enumerate(display.lines_):
        assert_array_equal(line.get_xdata(), alphas)
        assert_array_equal(line.get_ydata(), display.coefs[:, 0, feature])
    assert display.ax_.get_xscale() == "log"


@pytest.mark.parametrize(
    "model",
    [
        GDRegressor(penalty="l1"),
        GDRegressor(penalty=ElasticNet(l1_ratio=0.5)),
        GDRegressor("absolute_error", penalty=L1()),
        GDClassifier(penalty="l1"),
        GDClassifier("hinge", penalty="l1"),
        GDRegressor(optimizer="fista", penalty="l1"),
    ],
    ids=repr,
)
def test_default_alphas_end_where_all_weights_are_zero(model):
    data = load_iris(return_X_y=True) if isinstance(model, GDClassifier) else (X, y)
    display = CoefficientPathDisplay.compute(model, scale(data[0]), data[1])
    assert len(display.alphas) == 30
    assert_allclose(display.alphas[-1] / display.alphas[0], 1e3)
    assert_array_equal(display.coefs[-1], 0.0)
    if model.get_params().get("loss") not in ("hinge", "absolute_error"):
        assert np.abs(display.coefs[-2]).max() > 0  # and hardly before


def test_names_of_features_and_classes():
    iris = load_iris(as_frame=True)
    labels = iris.target_names[iris.target]
    model = GDClassifier(penalty="l1")
    display = CoefficientPathDisplay.from_estimator(model, iris.data, labels, output=2)
    assert display.coefs.shape == (30, 3, 4)
    assert set(shown(display)) == set(iris.data.columns)
    assert display.ax_.get_title() == "class virginica"
    pipeline = make_pipeline(StandardScaler(), model)
    display = CoefficientPathDisplay.from_estimator(pipeline, iris.data, labels)
    assert set(shown(display)) == set(iris.data.columns)
    assert set(shown(display.compute(model, X, y > 0).plot())) == {f"x{i}" for i in range(10)}


def test_many_features_are_named_by_size():
    rows = PolynomialFeatures(2).fit_transform(scale(X))
    display = CoefficientPathDisplay.from_estimator(
        GDRegressor(penalty="l1"), rows, y, alphas=[0.01, 0.1]
    )
    assert len(display.lines_) == rows.shape[1] and len(shown(display)) == 10
    assert display.ax_.get_legend().get_title().get_text() == f"largest 10 of {rows.shape[1]}"
    largest = np.abs(display.coefs[:, 0]).max(axis=0).argmax()
    assert shown(display)[0] == f"x{largest}"


def test_default_alphas_of_an_optimizer_that_takes_no_l1():
    """What they are does not depend on the optimizer, or on a learning rate."""
    model = GDRegressor(optimizer="sdca")
    found = CoefficientPathDisplay.compute(model, scale(X), y).alphas
    model = GDRegressor(optimizer="sgd", learning_rate="constant", eta0=1e-3)
    assert_array_equal(CoefficientPathDisplay.compute(model, scale(X), y).alphas, found)
    model = GDRegressor()
    assert_array_equal(CoefficientPathDisplay.compute(model, scale(X), y).alphas, found)


@pytest.mark.parametrize("penalty", [None, Box(lower=0.0)], ids=repr)
def test_a_penalty_without_a_strength(penalty):
    with pytest.raises(ValueError, match=r"needs a penalty with a strength alpha.*Got penalty="):
        CoefficientPathDisplay.from_estimator(GDRegressor(penalty=penalty), X, y)


@pytest.mark.parametrize("display", [CoefficientPathDisplay, LearningRateDisplay])
def test_other_estimators_are_named(display):
    with pytest.raises(ValueError, match=r"must be a GDRegressor.*Got SGDRegressor\(\) instead"):
        display.from_estimator(SGDRegressor(), X, y)
    with pytest.raises(ValueError, match=r"must be a GDRegressor.*Got SGDRegressor\(\) instead"):
        LossCurveDisplay.from_estimator(SGDRegressor())


def test_path_needs_a_linear_model():
    with pytest.raises(ValueError, match=r"needs a linear model.*Got model='mlp'"):
        CoefficientPathDisplay.from_estimator(GDRegressor(model="mlp"), X, y)


def test_the_estimator_of_a_path_stays_as_it_was():
    model = GDRegressor(penalty="l1", alpha=0.5).fit(X, y)
    before = model.get_params(), model.coef_
    CoefficientPathDisplay.compute(model, X, y, alphas=[0.1, 1.0])
    assert (model.get_params(), model.coef_) == (before[0], before[1])


# -- range test ---------------------------------------------------------------------------------


def test_range_test():
    model = GDRegressor(optimizer=SGD())
    display = LearningRateDisplay.from_estimator(model, X, y, random_state=0, n_steps=40)
    found = lr_range_test(model, X, y, random_state=0, n_steps=40)
    assert_array_equal(display.lines_[0].get_xdata(), found.rates)
    assert_array_equal(display.lines_[0].get_ydata(), found.losses)
    assert shown(display) == [f"suggestion: {found.suggestion:.2g}"]
    assert LearningRateDisplay(found).plot(display.ax_).ax_ is display.ax_


def test_without_matplotlib(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    model = GDRegressor().fit(X, y)
    for draw in (
        lambda: LossCurveDisplay.from_estimator(model),
        lambda: LearningRateDisplay.from_estimator(model, X, y),
        lambda: CoefficientPathDisplay(np.ones(2), np.ones((2, 1, 3))).plot(),
    ):
        with pytest.raises(ImportError, match="requires matplotlib"):
            draw()


# -- the table of the history ---------------------------------------------------------------------


def test_history_frame():
    pytest.importorskip("pandas")
    model = GDRegressor(optimizer="adam", max_iter=4, early_stopping=True, scoring="r2").fit(X, y)
    frame = model.history_frame()
    assert frame.index.name == "epoch" and list(frame.index) == [1, 2, 3, 4]
    assert list(frame.columns) == list(model.history_)
    assert_array_equal(frame["val_loss"], model.history_["val_loss"])
    assert_array_equal(model.validation_scores_, model.history_["val_score"])


def test_validation_scores():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GDRegressor().fit(X, y)
    assert model.validation_scores_ is None
    model.fit(X, y, X_val=X[:50], y_val=y[:50])
    assert_array_equal(model.validation_scores_, -model.history_["val_loss"])
