"""sklgd beside scikit-learn's SGD on three real data sets: scores on unseen rows, and seconds.

To be seen: `GDRegressor()` and `GDClassifier()` reach on raw features, at once, what SGD needs a
scaler and a search for. Then `GridSearchCV` reaches through a pipeline into an optimizer
(`optimizer__learning_rate`), and swaps whole losses and optimizers.
"""

import time
import warnings

from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklgd import GDClassifier, GDRegressor
from sklgd.losses import Huber, LogLoss, ModifiedHuber, SquaredError, SquaredHinge
from sklgd.optimizers import LBFGS, SGD, Adam

warnings.simplefilter("ignore", ConvergenceWarning)  # of rates too long or short


def search(estimator, **grid):
    """Return a search over an estimator's parameters, behind a scaler."""
    pipeline = Pipeline([("scaler", StandardScaler()), ("model", estimator)])
    return GridSearchCV(pipeline, {f"model__{key}": grid[key] for key in grid}, cv=3)


def models(sgd, gd, losses):
    """Yield what to compare: a label and a model."""
    yield "SGD, raw features", sgd(random_state=0)
    yield "SGD, scaled", make_pipeline(StandardScaler(), sgd(random_state=0))
    tuned = {"eta0": [1e-3, 1e-2, 1e-1], "learning_rate": ["constant", "invscaling", "adaptive"]}
    yield "SGD, scaled and tuned", search(sgd(random_state=0), **tuned)
    yield "sklgd, raw features", gd()
    rates, optimizers = [0.001, 0.01, 0.1, 1.0], [LBFGS(), SGD("adaptive"), Adam(0.01)]
    adam = gd(optimizer=Adam(), max_iter=100, random_state=0)
    yield "sklgd, learning rate of Adam", search(adam, optimizer__learning_rate=rates)
    swapped = gd(max_iter=100, random_state=0)
    yield "sklgd, losses and optimizers", search(swapped, loss=losses, optimizer=optimizers)


regression = SGDRegressor, GDRegressor, [SquaredError(), Huber(delta=50.0)]
classification = SGDClassifier, GDClassifier, [LogLoss(), SquaredHinge(), ModifiedHuber()]
for title, data, kind in (
    ("diabetes (R^2)", load_diabetes(return_X_y=True, scaled=False), regression),
    ("breast cancer (accuracy)", load_breast_cancer(return_X_y=True), classification),
    ("digits (accuracy)", load_digits(return_X_y=True), classification),
):
    X, X_test, y, y_test = train_test_split(*data, random_state=0)
    print(f"\n{title:30} {'score':>9} {'seconds':>8}  best")
    for label, model in models(*kind):
        start = time.perf_counter()
        score = model.fit(X, y).score(X_test, y_test)
        best = getattr(model, "best_params_", {})
        chosen = ", ".join(f"{key.partition('__')[2]}={best[key]}" for key in best)
        print(f"{label:30} {score:9.3g} {time.perf_counter() - start:8.2f}  {chosen}".rstrip())
