"""Searches over strategies and their parameters, on two processes.

To be seen: a grid that swaps whole losses, optimizers and penalties; a random search through a
string into the object that it stands for; successive halving with epochs as the resource.
"""

import warnings

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV

from sklgd import GDClassifier
from sklgd.losses import Hinge, LogLoss
from sklgd.optimizers import LBFGS, SGD, Adam

if __name__ == "__main__":  # as what starts processes needs it on some systems
    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = load_digits(return_X_y=True)

    grid = GridSearchCV(
        GDClassifier(max_iter=20, random_state=0),
        [
            {"optimizer": [LBFGS(standardize=True)], "penalty": ["l2"], "alpha": [1e-3, 1e-1]},
            {"optimizer": [Adam()], "optimizer__learning_rate": [1e-3, 1e-2], "loss": [Hinge()]},
        ],
        cv=3,
        n_jobs=2,
    ).fit(X, y)
    print(f"grid     {grid.best_score_:.3f}  {grid.best_params_}")

    random = RandomizedSearchCV(
        GDClassifier(optimizer="adam", max_iter=20, random_state=0),
        {"optimizer__learning_rate": loguniform(1e-4, 1e-1), "loss": [Hinge(), LogLoss()]},
        n_iter=6,
        cv=3,
        n_jobs=2,
        random_state=0,
    ).fit(X, y)
    print(f"random   {random.best_score_:.3f}  {random.best_params_}")

    halving = HalvingGridSearchCV(
        GDClassifier(tol=None, random_state=0),
        {"optimizer": [SGD(1e-4), SGD(1e-2), Adam(1e-4), Adam(1e-2)]},
        resource="max_iter",
        min_resources=5,
        max_resources=20,
        factor=2,
        cv=3,
        n_jobs=2,
        random_state=0,
    ).fit(X, y)
    print(f"halving  {halving.best_score_:.3f}  {halving.best_params_}")
