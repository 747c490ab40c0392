"""scikit-learn's callbacks on both estimators, and a checkpoint that resumes bit for bit."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklgd import GDClassifier, GDRegressor
from sklgd.callbacks import Checkpoint, load_checkpoint
from sklgd.models import MLP
from sklgd.optimizers import OPTIMIZERS, SGD, Adam

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

REGRESSION = make_regression(120, 5, noise=5.0, random_state=0)
CLASSES = make_classification(120, 5, random_state=0)
BOTH = pytest.mark.parametrize(
    ("estimator", "data"),
    [(GDRegressor, REGRESSION), (GDClassifier, CLASSES)],
    ids=["GDRegressor", "GDClassifier"],
)
SCORE = {GDRegressor: "r2", GDClassifier: "accuracy"}


class Recorder:
    """Writes down what it is told, and returns True at the end of epoch ``stop``."""

    def __init__(self, stop=None, fail=None):
        self.stop, self.fail, self.seen = stop, fail, []

    def note(self, hook, context):
        self.seen.append((hook, context.task_name, context.task_id))
        if self.fail == (hook, context.task_name):
            raise RuntimeError("a callback failed")

    def setup(self, estimator, context):
        self.note("setup", context)

    def teardown(self, estimator, context):
        self.note("teardown", context)

    def on_fit_task_begin(self, estimator, context):
        self.note("begin", context)

    def on_fit_task_end(self, estimator, context):
        self.note("end", context)
        return context.task_name == "epoch" and context.task_id + 1 == self.stop


@BOTH
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_what_is_told_when(estimator, data, optimizer):
    recorder = Recorder()
    model = estimator(optimizer=optimizer, max_iter=2, tol=None).set_callbacks(recorder)
    assert model.fit(*data) is model
    assert recorder.seen == [
        ("setup", "fit", 0),
        ("begin", "fit", 0),
        ("begin", "epoch", 0),
        ("end", "epoch", 0),
        ("begin", "epoch", 1),
        ("end", "epoch", 1),
        ("end", "fit", 0),
        ("teardown", "fit", 0),
    ]
    left = {"_callback_fit_ctx", "_skl_callbacks_to_teardown", "_paused"} & vars(model).keys()
    assert left == set()


@BOTH
def test_a_callback_stops_training(estimator, data):
    model = estimator(optimizer="adam", random_state=0, tol=None, max_iter=9)
    stopped = clone(model).set_callbacks(Recorder(), Recorder(stop=3))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        stopped.fit(*data)
    assert (stopped.n_iter_, stopped.stop_reason_) == (3, "callback")
    assert_array_equal(stopped.coef_, model.set_params(max_iter=3).fit(*data).coef_)


def test_the_reason_is_that_of_the_loop_where_both_stop():
    model = GDRegressor(optimizer="adam", tol=1.0, n_iter_no_change=2).set_callbacks(Recorder(3))
    assert model.fit(*REGRESSION).stop_reason_ == "tol"


@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_best_epoch_is_restored_where_a_callback_stops(early_stopping):
    """Early stopping keeps the best epoch whatever ends training (TensorFlow 35634)."""
    X, y = REGRESSION
    model = GDRegressor(optimizer=SGD(0.5), batch_size=8, tol=None, early_stopping=early_stopping)
    model.set_params(random_state=1).set_callbacks(Recorder(stop=6)).fit(X, y)
    assert model.stop_reason_ == "callback"
    followed = "val_loss" if early_stopping else "objective"
    assert model.best_iter_ == np.argmin(model.history_[followed]) + 1
    model.set_callbacks().set_params(max_iter=model.best_iter_ if early_stopping else 6)
    assert_array_equal(model.coef_, clone(model).fit(X, y).coef_)


@pytest.mark.parametrize("model", ["linear", "mlp", "factorization_machine"])
@BOTH
def test_divergence_is_not_hidden_behind_a_callback(estimator, data, model):
    """A monitor is shown what the fit ends with, not numbers that have overflowed."""
    X, y = data
    gd = estimator("squared_error", optimizer=SGD(1e3), model=model, random_state=0)
    monitor = ScoringMonitor(scoring=SCORE[estimator])
    with pytest.warns(ConvergenceWarning, match="diverged"):
        seen = clone(gd).set_callbacks(monitor).fit(1e3 * X, y)
    assert seen.stop_reason_ == "diverged"
    assert_array_equal(seen.predict(1e3 * X), gd.fit(1e3 * X, y).predict(1e3 * X))
    last = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"][-1]
    assert last[SCORE[estimator]] == seen.score(1e3 * X, y)


@pytest.mark.parametrize("hook", [("end", "epoch"), ("begin", "fit"), ("setup", "fit")])
def test_a_callback_that_fails_leaves_no_trace(hook):
    model = GDRegressor().fit(*REGRESSION)
    before = model.coef_
    recorder = Recorder(fail=hook)
    with pytest.raises(RuntimeError, match="a callback failed"):
        model.set_callbacks(recorder).fit(*REGRESSION)
    assert recorder.seen[-1] == ("teardown", "fit", 0)
    assert model.coef_ is before
    assert "_callback_fit_ctx" not in vars(model)


def test_a_fit_that_fails_tears_down():
    recorder = Recorder()
    with pytest.raises(ValueError, match="NaN"):
        GDRegressor().set_callbacks(recorder).fit([[np.nan]], [1.0])
    assert [hook for hook, *_ in recorder.seen] == ["setup", "begin", "teardown"]


def test_nothing_is_done_without_callbacks(monkeypatch):
    called = []
    monkeypatch.setattr(GDRegressor, "_init_callback_context", lambda *a, **k: called.append(a))
    GDRegressor().fit(*REGRESSION)
    GDRegressor().set_callbacks(Recorder()).set_callbacks().fit(*REGRESSION)
    assert called == []


# -- scikit-learn's own callbacks --------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("weighted", [False, True])
def test_scoring_monitor_scores_every_epoch(estimator, data, weighted):
    X, y = data
    weight = np.random.default_rng(0).integers(1, 5, len(y)).astype(float) if weighted else None
    monitor = ScoringMonitor(scoring=SCORE[estimator])
    model = estimator(optimizer="adam", random_state=0, tol=None, max_iter=4)
    model.set_callbacks(monitor).fit(X, y, sample_weight=weight)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert [row["task_id"] for row in rows] == [0, 1, 2, 3]
    for row in rows:
        alone = estimator(optimizer="adam", random_state=0, tol=None, max_iter=row["task_id"] + 1)
        alone.fit(X, y, sample_weight=weight)
        assert row[SCORE[estimator]] == pytest.approx(
            alone.score(X, y, sample_weight=weight), rel=1e-12
        )


def test_scoring_monitor_with_names_of_features():
    pd = pytest.importorskip("pandas")
    X, y = REGRESSION
    X = pd.DataFrame(X, columns=list("abcde"))
    names = ["r2", "neg_mean_squared_error"]
    monitor = ScoringMonitor(scoring=names)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        GDRegressor(optimizer="adam", max_iter=3, tol=None).set_callbacks(monitor).fit(X, y)
    frame = monitor.get_logs().data_as_pandas
    assert frame[frame.task_name == "epoch"][names].notna().all(axis=None)


@BOTH
def test_progress_bar(estimator, data, capsys):
    pytest.importorskip("rich")
    estimator(max_iter=5).set_callbacks(ProgressBar()).fit(*data)
    out = capsys.readouterr().out
    assert f"{estimator.__name__} - fit" in out
    assert "100%" in out


@BOTH
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_in_a_pipeline_in_a_search(estimator, data, n_jobs, capsys):
    """The epochs of every candidate, split and refit arrive, also from other processes."""
    pytest.importorskip("rich")
    pipeline = make_pipeline(StandardScaler(), estimator(optimizer="adam", tol=None, max_iter=3))
    monitor = ScoringMonitor(scoring=SCORE[estimator])
    pipeline[-1].set_callbacks(monitor)
    grid = {f"{estimator.__name__.lower()}__alpha": [1e-4, 1e-2]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*data)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == 3 * (2 * 2 + 1)
    out = capsys.readouterr().out
    assert "GridSearchCV" in out
    assert f"{estimator.__name__} - fit" in out


def test_estimators_with_callbacks_are_pickled():
    model = GDRegressor().set_callbacks(ScoringMonitor(scoring="r2")).fit(*REGRESSION)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(REGRESSION[0]), model.predict(REGRESSION[0]))


# -- checkpoints --------------------------------------------------------------------------------


def check_resumes(model, path, X, y, **given):
    """A fit that ends half-way, and goes on, is the fit that is not interrupted."""
    model.set_params(random_state=0).fit(X, y, **given)
    half = max(model.n_iter_ // 2, 1)
    ended = clone(model).set_callbacks(Checkpoint(path, every=half), Recorder(stop=half))
    assert ended.fit(X, y, **given).n_iter_ == half
    resumed = load_checkpoint(path)
    assert resumed.n_iter_ == half
    assert np.isfinite(resumed.predict(X)).all()
    resumed.fit(X, y, **given)
    for name in ("coef_", "intercept_", "n_iter_", "best_iter_", "stop_reason_", "t_"):
        assert_array_equal(getattr(resumed, name), getattr(model, name), err_msg=name)
    assert resumed.history_.keys() == model.history_.keys()
    for name in resumed.history_.keys() - {"time"}:
        assert_array_equal(resumed.history_[name], model.history_[name], err_msg=name)
    assert (np.diff(resumed.history_["time"]) >= 0).all()


@pytest.mark.parametrize("more", [{}, {"early_stopping": True, "average": True}], ids=str)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_checkpoint_resumes_bit_for_bit(name, more, tmp_path):
    X, y = REGRESSION
    model = GDRegressor(optimizer=name, max_iter=10, tol=1e-9, **more)
    check_resumes(model, tmp_path / "model.pkl", X, y / y.std())


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "absolute_error"},  # a continuation: smooth versions that grow sharper
        {"learning_rate": "adaptive", "eta0": 0.5, "n_iter_no_change": 2, "max_iter": 30},
        {"optimizer": "adam", "early_stopping": True, "scoring": "r2", "n_iter_no_change": 3},
    ],
    ids=str,
)
def test_a_checkpoint_keeps_what_stopping_remembers(params, tmp_path):
    check_resumes(GDRegressor(**params), tmp_path / "model.pkl", *REGRESSION)


def test_a_checkpoint_of_a_classifier_with_weights(tmp_path):
    X, y = CLASSES
    model = GDClassifier(optimizer="adam", max_iter=10, tol=None, class_weight="balanced")
    weight = np.random.default_rng(0).integers(0, 4, len(y))
    check_resumes(model, tmp_path / "model.pkl", X, y, sample_weight=weight)


@pytest.mark.parametrize(
    "network", [MLP((8,)), MLP((8,), dropout=0.3), MLP((8, 4), normalization="batch")], ids=repr
)
def test_a_checkpoint_of_a_network(network, tmp_path):
    """What is left out, and running moments, go on, too."""
    X, y = CLASSES
    path = tmp_path / "model.pkl"
    model = GDClassifier(model=network, early_stopping=True, max_iter=8, tol=None, random_state=0)
    clone(model).set_callbacks(Checkpoint(path, every=4), Recorder(stop=4)).fit(X, y)
    resumed, model = load_checkpoint(path).fit(X, y), model.fit(X, y)
    assert resumed.n_iter_ == 8
    assert_array_equal(resumed.loss_curve_, model.loss_curve_)
    assert_array_equal(resumed.predict_proba(X), model.predict_proba(X))


def test_a_checkpoint_resumes_in_another_process(tmp_path):
    model = GDRegressor(optimizer="adam", max_iter=10, tol=None)
    model.set_callbacks(Checkpoint(str(tmp_path / "model.pkl"), every=4)).fit(*REGRESSION)
    code = """
        import numpy as np
        from sklearn.datasets import make_regression
        from sklgd.callbacks import load_checkpoint

        model = load_checkpoint("model.pkl")
        model.fit(*make_regression(120, 5, noise=5.0, random_state=0))
        np.save("coef.npy", model.coef_)
    """
    code = "\n".join(line.strip() for line in code.splitlines())
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert_array_equal(np.load(tmp_path / "coef.npy"), model.coef_)


def test_max_iter_may_be_set_anew(tmp_path):
    path = tmp_path / "model.pkl"
    model = GDRegressor(optimizer="adam", max_iter=6, tol=None, random_state=0)
    model.set_callbacks(Checkpoint(path, every=4)).fit(*REGRESSION)
    longer = load_checkpoint(path).set_params(max_iter=9).fit(*REGRESSION)
    at_once = clone(model).set_callbacks().set_params(max_iter=9).fit(*REGRESSION)
    assert_array_equal(longer.coef_, at_once.coef_)
    assert longer.n_iter_ == 9


@pytest.fixture
def loaded(tmp_path):
    path = tmp_path / "model.pkl"
    model = GDRegressor(optimizer="adam", max_iter=4, tol=None, random_state=0)
    model.set_callbacks(Checkpoint(path, every=4)).fit(*REGRESSION)
    return load_checkpoint(path)


def test_a_checkpoint_goes_on_once(loaded):
    """The fit that goes on is over then; the next one starts anew, and so does a clone."""
    first = clone(loaded).fit(*REGRESSION)
    assert loaded.fit(*REGRESSION).n_iter_ == 4
    assert_array_equal(loaded.set_params(max_iter=2).fit(*REGRESSION).n_iter_, 2)
    assert first.n_iter_ == 4


OTHERS = {
    "rows": lambda model, X, y: model.fit(X[:-1], y[:-1]),
    "features": lambda model, X, y: model.fit(X[:, 1:], y),
    "strategies": lambda model, X, y: model.set_params(optimizer=Adam(0.1)).fit(X, y),
    "start": lambda model, X, y: model.fit(X, y, coef_init=np.ones(5)),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_checkpoint_refuses_another_fit(what, loaded):
    with pytest.raises(ValueError, match=r"comes from a checkpoint.*clone to train anew"):
        OTHERS[what](loaded, *REGRESSION)
    loaded.set_params(optimizer="adam").fit(*REGRESSION)  # the failed call has changed nothing


def test_a_checkpoint_without_a_directory_is_an_error_before_training(tmp_path):
    callback = Checkpoint(tmp_path / "missing" / "model.pkl")
    model = GDRegressor().set_callbacks(callback)
    with pytest.raises(FileNotFoundError, match=r"There is no directory '.*missing' for Checkpoin"):
        model.fit(*REGRESSION)  # which ends before the first file would be written
    assert not hasattr(model, "coef_")


def test_errors_of_checkpoints(tmp_path):
    with pytest.raises(ValueError, match=r"'every' parameter of Checkpoint.* must be an int"):
        Checkpoint("model.pkl", every=0)
    with pytest.raises(TypeError, match=r"GDRegressor and GDClassifier\. Got LogisticRegression"):
        LogisticRegression().set_callbacks(Checkpoint("model.pkl")).fit(*CLASSES)
    (tmp_path / "other.pkl").write_bytes(pickle.dumps(GDRegressor().fit(*REGRESSION)))
    with pytest.raises(ValueError, match="holds a GDRegressor that no Checkpoint has written"):
        load_checkpoint(tmp_path / "other.pkl")
    assert repr(Checkpoint("a.pkl", every=3)) == "Checkpoint('a.pkl', every=3)"
