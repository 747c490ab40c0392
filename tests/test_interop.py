"""The rest of scikit-learn, and the data frames that come to it."""

import pickle
import re
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, make_classification
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SelectFromModel
from sklearn.inspection import permutation_importance
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    PredefinedSplit,
    RandomizedSearchCV,
    StratifiedKFold,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, scale
from sklearn.utils import estimator_html_repr

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import Hinge, Huber, LogLoss, SquaredError
from sklgd.optimizers import LBFGS, SGD, Adam
from sklgd.penalties import L1, L2

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, y = load_diabetes(return_X_y=True)
y = scale(y)
NAMES = list(load_diabetes().feature_names)


@pytest.fixture(params=["pandas", "polars"])
def frame(request):
    return pytest.importorskip(request.param).DataFrame(dict(zip(NAMES, X.T, strict=True)))


# -- data frames -------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["auto", "sgd"])
def test_frames_in(frame, optimizer):
    """Names are kept, and later frames must have them; the numbers are those of the array."""
    model = GDRegressor(optimizer=optimizer, random_state=0, max_iter=20)
    found, expected = clone(model).fit(frame, y), model.fit(X, y)
    assert list(found.feature_names_in_) == NAMES
    assert_array_equal(found.coef_, expected.coef_)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_allclose(found.predict(frame), expected.predict(X), rtol=1e-12)
    with pytest.raises(ValueError, match="feature names should match those that were passed"):
        found.predict(frame[NAMES[::-1]])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        found.predict(X)


def test_frames_in_streams_and_validation(frame):
    model = GDRegressor(optimizer="sgd", random_state=0).partial_fit(frame, y)
    assert list(model.feature_names_in_) == NAMES
    with pytest.raises(ValueError, match="feature names should match those that were passed"):
        model.partial_fit(frame[NAMES[::-1]], y)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "X (has|does not have valid) feature names")
        model.set_params(scoring="r2").fit(frame, y, X_val=frame, y_val=y)
    assert "val_score" in model.history_


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_series_of_labels_and_weights(library):
    lib = pytest.importorskip(library)
    labels = np.where(y > 0, "high", "low")
    weights = np.linspace(0.0, 2.0, len(y))
    model = GDClassifier()
    found = clone(model).fit(X, lib.Series(labels), sample_weight=lib.Series(weights))
    assert_array_equal(found.coef_, model.fit(X, labels, sample_weight=weights).coef_)
    assert found.predict(X).dtype.kind == "U" or found.predict(X).dtype == object


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_set_output_of_what_stands_before(frame, output):
    pytest.importorskip(output)
    select = SelectFromModel(GDRegressor(penalty="l1", alpha=0.1))
    pipeline = make_pipeline(StandardScaler(), select, GDRegressor()).set_output(transform=output)
    pipeline.fit(frame, y)
    kept = [NAMES[i] for i in np.flatnonzero(select.fit(scale(X), y).get_support())]
    assert 0 < len(kept) < len(NAMES)
    assert list(pipeline[-1].feature_names_in_) == kept
    assert list(pipeline[:-1].get_feature_names_out()) == kept


def test_columns_of_mixed_kinds():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"size": rng.normal(50, 9, 300), "city": rng.choice(["a", "b"], 300)})
    target = 0.1 * table["size"] + 3.0 * (table.city == "b")
    columns = make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough")
    assert make_pipeline(columns, GDRegressor()).fit(table, target).score(table, target) > 0.999


# -- meta-estimators and inspection ------------------------------------------------------


def test_select_from_model_keeps_what_l1_keeps():
    model = GDRegressor(penalty="l1", alpha=0.1)
    select = SelectFromModel(model).fit(scale(X), y)
    assert_array_equal(select.get_support(), model.fit(scale(X), y).coef_ != 0)
    three = SelectFromModel(GDClassifier(), threshold=-np.inf, max_features=3).fit(X, y > 0)
    assert three.get_support().sum() == 3


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
def test_calibration(loss, method):
    rows, labels = make_classification(1000, 10, flip_y=0.2, random_state=0)
    model = CalibratedClassifierCV(GDClassifier(loss), method=method, cv=3)
    model.fit(rows[:500], labels[:500])
    p = model.predict_proba(rows[500:])
    assert_allclose(p.sum(axis=1), 1.0)
    rate = labels[500:].mean()
    assert brier_score_loss(labels[500:], p[:, 1]) < 0.75 * rate * (1 - rate)


def test_permutation_importance():
    model = GDRegressor().fit(X, y)
    found = permutation_importance(model, X, y, n_repeats=3, random_state=0, n_jobs=2)
    largest = np.abs(model.coef_ * X.std(axis=0)).argsort()[-2:]
    assert set(found.importances_mean.argsort()[-2:]) == set(largest)


# -- other processes ---------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_joblib(backend):
    """Rows arrive as read-only memory maps; the numbers are the same."""
    rows = np.tile(X, (100, 1))
    targets = np.tile(y, 100)
    model = GDRegressor(optimizer="adam", max_iter=2, random_state=0)
    parallel = joblib.Parallel(n_jobs=2, backend=backend, max_nbytes="100K")
    found = parallel(joblib.delayed(clone(model).fit)(rows, targets) for _ in range(2))
    for other in found:
        assert_array_equal(other.coef_, model.fit(rows, targets).coef_)


@pytest.mark.parametrize("dump", [pickle.dump, joblib.dump], ids=["pickle", "joblib"])
@pytest.mark.parametrize(
    "model",
    [GDClassifier(), GDClassifier("hinge", optimizer=Adam(0.01), average=True, random_state=0)],
    ids=repr,
)
def test_saved_and_loaded_in_another_process(model, dump, tmp_path):
    """It predicts the same there, and a stream goes on the same."""
    rows, labels = load_breast_cancer(return_X_y=True)
    rows = scale(rows)
    model = clone(model).fit(rows, labels)
    with (tmp_path / "model").open("wb") as file:
        dump(model, file)
    np.savez(tmp_path / "data", rows=rows, labels=labels)
    code = """
import joblib, numpy as np
data = np.load("data.npz")
model = joblib.load("model")
np.save("raw", model.decision_function(data["rows"]))
np.save("coef", model.partial_fit(data["rows"], data["labels"]).coef_)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert_array_equal(np.load(tmp_path / "raw.npy"), model.decision_function(rows))
    expected = model.partial_fit(rows, labels).coef_
    assert_array_equal(np.load(tmp_path / "coef.npy"), expected)


# -- searches ----------------------------------------------------------------------------

SEARCHES = {
    "grid": (
        GDRegressor(random_state=0, max_iter=30),
        lambda model: GridSearchCV(
            model,
            [
                {"optimizer": [SGD(0.01), Adam()], "loss": [SquaredError(), Huber()]},
                {"optimizer": [Adam()], "optimizer__learning_rate": [1e-3, 1e-1]},
                {"penalty": [L1(), L2()], "penalty__alpha": [1e-3, 1e-1]},
            ],
            cv=3,
            n_jobs=2,
        ),
    ),
    "strings become objects": (
        GDRegressor(optimizer="adam", random_state=0, max_iter=30),
        lambda model: GridSearchCV(
            model, {"optimizer__learning_rate": [1e-5, 0.1], "loss": ["huber", "squared_error"]}
        ),
    ),
    "random": (
        GDRegressor(optimizer=Adam(), random_state=0, max_iter=30),
        lambda model: RandomizedSearchCV(
            model,
            {"optimizer__learning_rate": loguniform(1e-5, 1e-1), "penalty": ["l1", "l2"]},
            n_iter=6,
            random_state=0,
            n_jobs=2,
        ),
    ),
    "halving": (
        GDRegressor(random_state=0, tol=None),
        lambda model: HalvingGridSearchCV(
            model,
            {"optimizer": [SGD(1e-5), Adam(1e-4), Adam(0.1), LBFGS()]},
            resource="max_iter",
            min_resources=5,
            max_resources=20,
            factor=2,
            n_jobs=2,
            random_state=0,
        ),
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_searches(name):
    model, search = SEARCHES[name]
    before = repr(model)
    found = search(model).fit(scale(X), y)
    scores = found.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert found.best_score_ == scores[found.best_index_] > 0.4
    assert np.ptp(scores) > 0.01  # what is searched over matters
    alone = clone(model).set_params(**found.best_params_)
    if name == "halving":
        assert found.cv_results_["n_resources"].max() == found.best_estimator_.max_iter == 20
        alone.set_params(max_iter=20)
    assert_array_equal(alone.fit(scale(X), y).coef_, found.best_estimator_.coef_)
    assert repr(model) == before


def test_a_search_swaps_losses_of_a_classifier():
    grid = {"loss": [Hinge(), LogLoss(), "modified_huber"], "alpha": [1e-4, 1e-1]}
    search = GridSearchCV(GDClassifier(), grid, n_jobs=2, cv=3).fit(X, y > 0)
    assert len(search.cv_results_["params"]) == 6 and search.best_score_ > 0.7


# -- validation data of one's own --------------------------------------------------------


def _pipeline(**params):
    model = GDRegressor(optimizer=Adam(0.05), early_stopping=True, random_state=0, max_iter=50)
    model.set_params(**params).set_fit_request(X_val=True, y_val=True)
    return Pipeline([("scaler", StandardScaler()), ("model", model)], transform_input=["X_val"])


def test_a_pipeline_transforms_validation_rows(routing):
    """X_val passes through the scaler, as X does, and is scored in its units."""
    rows = 100.0 * X + 5.0
    train, held_out = slice(100, None), slice(100)
    pipeline = _pipeline().fit(rows[train], y[train], X_val=rows[held_out], y_val=y[held_out])
    scaler = StandardScaler().fit(rows[train])
    alone = clone(pipeline[-1]).fit(
        scaler.transform(rows[train]),
        y[train],
        X_val=scaler.transform(rows[held_out]),
        y_val=y[held_out],
    )
    assert_array_equal(pipeline[-1].history_["val_loss"], alone.history_["val_loss"])
    residual = pipeline.predict(rows[held_out]) - y[held_out]
    best = pipeline[-1].history_["val_loss"].min()
    assert best == pytest.approx(0.5 * np.mean(residual**2), rel=1e-9)
    raw = _pipeline().set_params(transform_input=None)
    raw.fit(rows[train], y[train], X_val=rows[held_out], y_val=y[held_out])
    assert raw[-1].history_["val_loss"][0] > 2.0 * alone.history_["val_loss"][0]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_validation_rows_in_a_search(routing, n_jobs):
    """Every candidate is validated on the same rows, transformed by its own split's scaler."""
    train, held_out = slice(100, None), slice(100)
    grid = {"model__optimizer__learning_rate": [1e-6, 0.05]}
    search = GridSearchCV(_pipeline(), grid, cv=3, n_jobs=n_jobs)
    search.fit(X[train], y[train], X_val=X[held_out], y_val=y[held_out])
    assert search.best_params_ == {"model__optimizer__learning_rate": 0.05}
    best = search.best_estimator_
    residual = best.predict(X[held_out]) - y[held_out]
    assert best[-1].history_["val_loss"].min() == pytest.approx(0.5 * np.mean(residual**2))


def test_metadata_that_is_not_requested_is_an_error(routing):
    pipeline = _pipeline()
    pipeline[-1].set_fit_request(X_val=None, y_val=None)
    with pytest.raises(ValueError, match=r"X_val.*are passed but are not explicitly set"):
        GridSearchCV(pipeline, {"model__alpha": [0.1]}).fit(X, y, X_val=X, y_val=y)


@pytest.mark.parametrize("splitter", [StratifiedKFold(4), PredefinedSplit(np.arange(442) % 4)])
def test_a_splitter_sets_rows_aside(splitter):
    model = GDClassifier(optimizer="adam", early_stopping=True, random_state=0, max_iter=20)
    model.set_params(validation_fraction=splitter).fit(X, y > 0)
    train, held_out = next(splitter.split(X, y > 0))
    alone = clone(model).set_params(shuffle=False)
    given = clone(alone).fit(X[train], (y > 0)[train], X_val=X[held_out], y_val=(y > 0)[held_out])
    assert_array_equal(alone.fit(X, y > 0).history_["val_loss"], given.history_["val_loss"])


# -- what is shown -----------------------------------------------------------------------


def test_html_shows_the_strategies():
    page = estimator_html_repr(GDClassifier("hinge", optimizer=Adam(0.02), penalty="l1"))
    for shown in ("loss: Hinge", "optimizer: Adam", "penalty: L1", "model: Linear"):
        assert shown in page
    fitted = estimator_html_repr(GDRegressor(penalty=None).fit(X, y))
    assert "optimizer: Newton" in fitted and "penalty:" not in fitted
    inside = estimator_html_repr(make_pipeline(StandardScaler(), GDRegressor("huber")))
    assert "loss: Huber" in inside
    assert "GDRegressor" in estimator_html_repr(GDRegressor("no_such_loss"))


@pytest.mark.parametrize(
    ("verbose", "n_epochs", "n_lines"), [(0, 9, 0), (1, 1000, 20), (2, 30, 30)]
)
def test_verbose(verbose, n_epochs, n_lines, capsys):
    """verbose=1 prints every epoch of a short fit and about 20 lines of a long one, and its end."""
    model = GDRegressor(optimizer=SGD(1e-3), verbose=verbose, tol=None, max_iter=n_epochs)
    best = model.set_params(random_state=0).fit(X, y).best_iter_
    lines = capsys.readouterr().out.splitlines()
    if verbose:
        end = f"GDRegressor stopped after iteration {n_epochs}: max_iter, best iteration {best}"
        assert lines.pop() == end
    assert abs(len(lines) - n_lines) <= (1 if verbose == 1 else 0)
    assert all(
        re.match(r"Iteration +\d+ of GDRegressor: ", line) and len(line) <= 100 for line in lines
    )
    epochs = [int(line.split()[1]) for line in lines]
    assert epochs[:3] == [1, 2, 3][: len(epochs)] and epochs == sorted(set(epochs))
