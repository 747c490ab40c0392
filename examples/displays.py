"""Pictures of what training does: loss curves, a coefficient path, a learning-rate range test.

Needs matplotlib and pandas.  Run it to see the four pictures one after the other.
"""

from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklgd import GDClassifier, GDRegressor
from sklgd.displays import CoefficientPathDisplay, LearningRateDisplay, LossCurveDisplay
from sklgd.optimizers import SGD, Adam, NAdam
from sklgd.schedules import CosineDecay


def loss_curve():
    """One model: training, validation, the best epoch, and the learning rate that varies."""
    X, y = load_breast_cancer(return_X_y=True)
    rule = Adam(CosineDecay(0.01, steps=900))
    model = GDClassifier(optimizer=rule, max_iter=60, tol=None, random_state=0)
    model.set_params(early_stopping=True, validation_fraction=0.2)
    model = make_pipeline(StandardScaler(), model).fit(X, y)
    LossCurveDisplay.from_estimator(model)


def loss_curves():
    """Several models in one picture."""
    X, y = load_breast_cancer(return_X_y=True)
    models = {}
    for name, optimizer in {"SGD": SGD(0.01), "Adam": Adam(0.001), "NAdam": NAdam(0.01)}.items():
        model = GDClassifier(optimizer=optimizer, max_iter=40, tol=None, random_state=0)
        model.set_params(early_stopping=True, validation_fraction=0.2)
        models[name] = make_pipeline(StandardScaler(), model).fit(X, y)
    LossCurveDisplay.from_estimators(models)


def coefficient_path():
    """The weights against the strength of an L1 penalty."""
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    model = make_pipeline(StandardScaler(), GDRegressor(penalty="l1"))
    CoefficientPathDisplay.from_estimator(model, X, y)


def learning_rate():
    """The loss against a rate that grows from step to step."""
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    LearningRateDisplay.from_estimator(GDClassifier(optimizer="adam"), X, y, random_state=0)


if __name__ == "__main__":
    import matplotlib.pyplot as plt

    for picture in (loss_curve, loss_curves, coefficient_path, learning_rate):
        print(picture.__doc__)
        picture()
    plt.show()
