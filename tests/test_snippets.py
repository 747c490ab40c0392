"""Code written for SGDClassifier and SGDRegressor runs with the name changed, and scores no worse.

Each snippet ends with a ``score`` that ought to be high.  It is run as it stands, then with
``SGD`` replaced by ``GD``; nothing else differs, but for two that `TRANSLATED` lists.  A score on
one split is a matter of luck, so that the mean over several splits, each with a seed of its own, is
compared.

    python tests/test_snippets.py 50

prints the means and the standard errors of the differences over as many splits.
"""

import functools
import re
import sys
import warnings

import numpy as np
import pytest
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
    make_classification,
    make_moons,
    make_regression,
)
from sklearn.model_selection import train_test_split

import sklgd


def _documents():
    """Texts of words that each topic uses more or less often."""
    rng = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(300)])
    usage = rng.dirichlet(np.full(300, 0.3), size=4)
    topic = rng.integers(0, 4, 1200)
    texts = [" ".join(rng.choice(words, 12, p=0.5 * usage[t] + 0.5 / 300)) for t in topic]
    return texts, topic


def _table():
    """Mixed columns as of a data frame, with a label that depends on both kinds."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    n = 800
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "income": rng.lognormal(10, 0.5, n),
            "city": rng.choice(["Oslo", "Rome", "Lima"], n),
        }
    )
    raw = (frame.age - 50) / 15 + np.log(frame.income) - 10 + 2.0 * (frame.city == "Rome") - 0.7
    return frame, (raw + rng.logistic(0, 0.3, n) > 0).astype(int)


DATA = {
    "cancer": lambda: load_breast_cancer(return_X_y=True),
    "digits": lambda: load_digits(return_X_y=True),
    "iris": lambda: load_iris(return_X_y=True),
    "wine": lambda: load_wine(return_X_y=True),
    "diabetes": lambda: load_diabetes(return_X_y=True),
    "linnerud": lambda: load_linnerud(return_X_y=True),
    "moons": lambda: make_moons(600, noise=0.2, random_state=0),
    "rare": lambda: make_classification(2000, 20, weights=[0.95], random_state=0),
    "sparse": lambda: make_regression(300, 50, n_informative=5, noise=10, random_state=0),
    "texts": _documents,
    "table": _table,
}

#: name -> (data, code)
SNIPPETS = {
    # -- pipelines
    "scaled classifier": (
        "cancer",
        """
        from sklearn.linear_model import SGDClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        sgd = SGDClassifier(max_iter=1000, tol=1e-3, random_state=0)
        clf = make_pipeline(StandardScaler(), sgd)
        score = clf.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    "scaled regressor": (
        "diabetes",
        """
        from sklearn.linear_model import SGDRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        reg = make_pipeline(StandardScaler(), SGDRegressor(max_iter=1000, tol=1e-3, random_state=0))
        score = reg.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    "texts": (
        "texts",
        """
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import SGDClassifier
        from sklearn.pipeline import Pipeline

        text_clf = Pipeline([
            ("tfidf", TfidfVectorizer(sublinear_tf=True)),
            ("clf", SGDClassifier(loss="hinge", penalty="l2", alpha=1e-3, random_state=42,
                                  max_iter=50, tol=None)),
        ])
        score = text_clf.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    "columns of a data frame": (
        "table",
        """
        from sklearn.compose import make_column_transformer
        from sklearn.linear_model import SGDClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        columns = make_column_transformer(
            (StandardScaler(), ["age", "income"]), (OneHotEncoder(), ["city"])
        )
        clf = make_pipeline(columns, SGDClassifier(loss="log_loss", random_state=0))
        score = clf.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    "kernel approximation": (
        "moons",
        """
        from sklearn.kernel_approximation import Nystroem
        from sklearn.linear_model import SGDClassifier
        from sklearn.pipeline import make_pipeline

        features = Nystroem(gamma=2.0, n_components=80, random_state=0)
        clf = make_pipeline(features, SGDClassifier(alpha=1e-4, random_state=0))
        score = clf.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    "polynomial features": (
        "diabetes",
        """
        from sklearn.linear_model import SGDRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import PolynomialFeatures, StandardScaler

        reg = make_pipeline(
            StandardScaler(), PolynomialFeatures(2), StandardScaler(),
            SGDRegressor(penalty="l2", alpha=0.5, random_state=0),
        )
        score = reg.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    "principal components": (
        "digits",
        """
        from sklearn.decomposition import PCA
        from sklearn.linear_model import SGDClassifier
        from sklearn.pipeline import make_pipeline

        clf = make_pipeline(
            PCA(30, whiten=True, random_state=0),
            SGDClassifier(loss="log_loss", n_jobs=2, random_state=0),
        )
        score = clf.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    "transformed target": (
        "diabetes",
        """
        import numpy as np
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.linear_model import SGDRegressor

        reg = TransformedTargetRegressor(
            SGDRegressor(learning_rate="adaptive", eta0=0.1, max_iter=2000, random_state=0),
            func=np.log, inverse_func=np.exp,
        )
        score = reg.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    # -- losses and weights
    "outliers": (
        "sparse",
        """
        import numpy as np
        from sklearn.linear_model import SGDRegressor

        y_train[::10] += 1000.0
        reg = SGDRegressor(loss="huber", epsilon=10.0, max_iter=2000, tol=1e-5, random_state=0)
        score = reg.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    "balanced classes": (
        "rare",
        """
        from sklearn.linear_model import SGDClassifier
        from sklearn.metrics import balanced_accuracy_score

        clf = SGDClassifier(class_weight="balanced", average=True, random_state=0)
        score = balanced_accuracy_score(y_test, clf.fit(X_train, y_train).predict(X_test))
        """,
    ),
    "weights of rows": (
        "rare",
        """
        import numpy as np
        from sklearn.linear_model import SGDClassifier
        from sklearn.metrics import balanced_accuracy_score

        weight = np.where(y_train == 1, 20.0, 1.0)
        clf = SGDClassifier(loss="modified_huber", penalty="elasticnet", random_state=0)
        clf.fit(X_train, y_train, sample_weight=weight)
        score = balanced_accuracy_score(y_test, clf.predict(X_test))
        """,
    ),
    "early stopping": (
        "digits",
        """
        from sklearn.linear_model import SGDClassifier

        clf = SGDClassifier(
            early_stopping=True, validation_fraction=0.2, n_iter_no_change=5, random_state=0
        )
        score = clf.fit(X_train / 16, y_train).score(X_test / 16, y_test)
        """,
    ),
    # -- searches
    "grid search": (
        "wine",
        """
        from sklearn.linear_model import SGDClassifier
        from sklearn.model_selection import GridSearchCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        grid = {
            "sgdclassifier__alpha": [1e-4, 1e-3, 1e-2],
            "sgdclassifier__penalty": ["l2", "l1", "elasticnet"],
        }
        pipe = make_pipeline(StandardScaler(), SGDClassifier(random_state=0))
        search = GridSearchCV(pipe, grid, cv=3)
        score = search.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    "grid over the learning rate": (
        "diabetes",
        """
        from sklearn.linear_model import SGDRegressor
        from sklearn.model_selection import GridSearchCV

        grid = {"eta0": [0.01, 0.1], "learning_rate": ["constant", "invscaling", "adaptive"]}
        search = GridSearchCV(SGDRegressor(random_state=0), grid, scoring="r2")
        score = search.fit(X_train, y_train).best_score_
        """,
    ),
    "random search": (
        "cancer",
        """
        from scipy.stats import loguniform
        from sklearn.linear_model import SGDClassifier
        from sklearn.model_selection import RandomizedSearchCV
        from sklearn.preprocessing import scale

        clf = SGDClassifier(loss="hinge", penalty="elasticnet", random_state=0)
        space = {"average": [True, False], "l1_ratio": [0, 0.5, 1], "alpha": loguniform(1e-2, 1e0)}
        search = RandomizedSearchCV(clf, space, n_iter=8, cv=3, random_state=0)
        score = search.fit(scale(X_train), y_train).best_score_
        """,
    ),
    "halving search": (
        "digits",
        """
        from sklearn.experimental import enable_halving_search_cv  # noqa: F401
        from sklearn.linear_model import SGDClassifier
        from sklearn.model_selection import HalvingGridSearchCV

        search = HalvingGridSearchCV(
            SGDClassifier(random_state=0, tol=None), {"alpha": [1e-4, 1e-3, 1e-2, 1e-1]},
            resource="max_iter", max_resources=40, min_resources=10, factor=2, cv=3,
            random_state=0,
        )
        score = search.fit(X_train / 16, y_train).score(X_test / 16, y_test)
        """,
    ),
    # -- streams
    "stream of rows": (
        "digits",
        """
        import numpy as np
        from sklearn.linear_model import SGDClassifier

        clf = SGDClassifier(loss="log_loss", random_state=0)
        for epoch in range(3):
            for start in range(0, len(X_train), 100):
                rows = slice(start, start + 100)
                clf.partial_fit(X_train[rows] / 16, y_train[rows], classes=np.unique(y_train))
        score = clf.score(X_test / 16, y_test)
        """,
    ),
    "stream of numbers": (
        "sparse",
        """
        from sklearn.linear_model import SGDRegressor
        from sklearn.preprocessing import StandardScaler

        scaler, reg = StandardScaler(), SGDRegressor(penalty="l1", alpha=0.1, random_state=0)
        for epoch in range(20):
            for start in range(0, len(X_train), 50):
                rows = slice(start, start + 50)
                scaler.partial_fit(X_train[rows])
                reg.partial_fit(scaler.transform(X_train[rows]), y_train[rows])
        score = reg.score(scaler.transform(X_test), y_test)
        """,
    ),
    "hashed texts out of core": (
        "texts",
        """
        from sklearn.feature_extraction.text import HashingVectorizer
        from sklearn.linear_model import SGDClassifier

        vectorizer = HashingVectorizer(n_features=2**16, alternate_sign=False)
        clf = SGDClassifier(max_iter=5, random_state=0)
        for epoch in range(5):
            for start in range(0, len(X_train), 200):
                rows = slice(start, start + 200)
                clf.partial_fit(vectorizer.transform(X_train[rows]), y_train[rows],
                                classes=[0, 1, 2, 3])
        score = clf.score(vectorizer.transform(X_test), y_test)
        """,
    ),
    "warm starts": (
        "cancer",
        """
        from sklearn.linear_model import SGDClassifier
        from sklearn.preprocessing import scale

        clf = SGDClassifier(loss="log_loss", max_iter=1, tol=None, warm_start=True, random_state=0)
        for epoch in range(30):
            clf.fit(scale(X_train), y_train)
        score = clf.score(scale(X_test), y_test)
        """,
    ),
    # -- ensembles
    "bagging": (
        "iris",
        """
        from sklearn.ensemble import BaggingClassifier
        from sklearn.linear_model import SGDClassifier

        bag = BaggingClassifier(SGDClassifier(random_state=0), n_estimators=20, random_state=0)
        score = bag.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    "voting": (
        "wine",
        """
        from sklearn.ensemble import VotingClassifier
        from sklearn.linear_model import SGDClassifier
        from sklearn.naive_bayes import GaussianNB
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        sgd = make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0))
        vote = VotingClassifier([("sgd", sgd), ("nb", GaussianNB())], voting="soft")
        score = vote.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    "stacking": (
        "diabetes",
        """
        from sklearn.ensemble import StackingRegressor
        from sklearn.linear_model import RidgeCV, SGDRegressor
        from sklearn.neighbors import KNeighborsRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        sgd = make_pipeline(StandardScaler(), SGDRegressor(random_state=0))
        stack = StackingRegressor([("sgd", sgd), ("knn", KNeighborsRegressor())], RidgeCV())
        score = stack.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    "one against one": (
        "digits",
        """
        from sklearn.linear_model import SGDClassifier
        from sklearn.multiclass import OneVsOneClassifier

        clf = OneVsOneClassifier(SGDClassifier(random_state=0))
        score = clf.fit(X_train / 16, y_train).score(X_test / 16, y_test)
        """,
    ),
    "boosting": (
        "cancer",
        """
        from sklearn.ensemble import AdaBoostClassifier
        from sklearn.linear_model import SGDClassifier
        from sklearn.preprocessing import scale

        boost = AdaBoostClassifier(
            SGDClassifier(loss="log_loss", alpha=0.01, random_state=0),
            n_estimators=20, random_state=0,
        )
        score = boost.fit(scale(X_train), y_train).score(scale(X_test), y_test)
        """,
    ),
    "several targets": (
        "linnerud",
        """
        from sklearn.linear_model import SGDRegressor
        from sklearn.metrics import r2_score
        from sklearn.multioutput import MultiOutputRegressor
        from sklearn.preprocessing import scale

        reg = MultiOutputRegressor(SGDRegressor(alpha=0.1, random_state=0))
        score = r2_score(y_train, reg.fit(scale(X_train), y_train).predict(scale(X_train)))
        """,
    ),
    # -- selection
    "selection by L1": (
        "cancer",
        """
        from sklearn.feature_selection import SelectFromModel
        from sklearn.linear_model import LogisticRegression, SGDClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        select = SelectFromModel(
            SGDClassifier(loss="log_loss", penalty="l1", alpha=0.01, random_state=0)
        )
        clf = make_pipeline(StandardScaler(), select, LogisticRegression())
        score = clf.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    "recursive elimination": (
        "sparse",
        """
        from sklearn.feature_selection import RFE
        from sklearn.linear_model import SGDRegressor

        rfe = RFE(SGDRegressor(max_iter=2000, random_state=0), n_features_to_select=5, step=5)
        score = rfe.fit(X_train, y_train).score(X_test, y_test)
        """,
    ),
    # -- calibration and thresholds
    "calibration": (
        "rare",
        """
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.linear_model import SGDClassifier
        from sklearn.metrics import brier_score_loss

        clf = CalibratedClassifierCV(SGDClassifier(random_state=0), method="sigmoid", cv=3)
        proba = clf.fit(X_train, y_train).predict_proba(X_test)[:, 1]
        score = -brier_score_loss(y_test, proba)
        """,
    ),
    "tuned threshold": (
        "rare",
        """
        from sklearn.linear_model import SGDClassifier
        from sklearn.metrics import balanced_accuracy_score
        from sklearn.model_selection import TunedThresholdClassifierCV

        clf = TunedThresholdClassifierCV(
            SGDClassifier(loss="log_loss", random_state=0), scoring="balanced_accuracy"
        )
        score = balanced_accuracy_score(y_test, clf.fit(X_train, y_train).predict(X_test))
        """,
    ),
}


#: what the table in docs/coming_from_sgd.rst says beyond the name
TRANSLATED = {
    # weights that sum to one, as AdaBoost's: shorter steps for SGDClassifier, beside a penalty that
    # is len(y) times as strong; only ratios for GDClassifier
    "boosting": ("alpha=0.01", "alpha=0.01 * len(y_train)"),
    # the minimum keeps 8 features, as LogisticRegression's does; steps of SGDClassifier that end
    # before it keep 13, and this penalty 12
    "selection by L1": ("alpha=0.01", "alpha=0.003"),
}
N_SPLITS = 5


@functools.cache
def run(name, replace, split):
    """Return the score of a snippet on a split into halves, and the number of rows it is of."""
    data, code = SNIPPETS[name]
    code = "\n".join(line.removeprefix(" " * 8) for line in code.strip("\n").split("\n"))
    code = re.sub(r"random_state=\d+", f"random_state={split}", code)
    if replace:
        code = code.replace("SGD", "GD").replace("sgdclassifier__", "gdclassifier__")
        code = code.replace(*TRANSLATED.get(name, ("", "")))
    parts = train_test_split(*DATA[data](), test_size=0.5, random_state=split)
    names = dict(zip(["X_train", "X_test", "y_train", "y_test"], parts, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(code, f"<{name}>", "exec"), names)
    return names["score"], len(parts[1])


def compare(name, n_splits=N_SPLITS):
    """Return the mean scores before and after, the difference's standard error, and the rows."""
    before, found = (
        np.array([run(name, replace, split) for split in range(n_splits)])
        for replace in (False, True)
    )
    error = (found - before)[:, 0].std(ddof=1) / np.sqrt(n_splits)
    return before[:, 0].mean(), found[:, 0].mean(), error, before[0, 1]


@pytest.fixture
def names(monkeypatch):
    """The estimators where the snippets look for their counterparts."""
    import sklearn.linear_model

    for name in ("GDClassifier", "GDRegressor"):
        monkeypatch.setattr(sklearn.linear_model, name, getattr(sklgd, name), raising=False)


@pytest.mark.parametrize("name", SNIPPETS)
def test_no_worse(name, names):
    """Up to one row of the test set, or what the splits cannot tell: two standard errors."""
    before, found, error, n_rows = compare(name)
    assert found >= before - max(1 / n_rows, 2 * error)


def test_better_on_the_whole(names):
    before, found = np.array([compare(name)[:2] for name in SNIPPETS]).T
    assert found.mean() > before.mean() + 0.01
    assert np.sum(found > before) > 0.6 * len(SNIPPETS)


if __name__ == "__main__":
    import sklearn.linear_model

    sklearn.linear_model.GDClassifier = sklgd.GDClassifier
    sklearn.linear_model.GDRegressor = sklgd.GDRegressor
    for snippet in SNIPPETS:
        before, found, error, n_rows = compare(snippet, int(sys.argv[1]))
        print(
            f"{snippet:28s} SGD {before:7.4f} GD {found:7.4f} difference {found - before:+.4f} "
            f"+- {error:.4f}, one row {1 / n_rows:.4f}"
        )
