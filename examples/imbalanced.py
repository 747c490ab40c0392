"""One example in twenty is positive: what class weights and the focal loss each do about it.

To be seen: class weights buy recall with precision, more of it with a larger weight. The focal loss
alone leaves precision where it is and loses a little recall, since it turns away from the easy
examples of both classes; its probabilities move towards one half. With class weights the two losses
agree. None changes the ranking for the better: a lower threshold on the plain model's
probabilities makes the same trade after training.
"""

import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score, precision_score, recall_score
from sklearn.model_selection import train_test_split

from sklgd import GDClassifier
from sklgd.losses import Focal

X, y = make_classification(
    20_000, 20, n_informative=5, weights=[0.95], flip_y=0.02, class_sep=0.8, random_state=0
)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)

MODELS = {
    "log loss": GDClassifier(),
    "log loss, positives x 5": GDClassifier(class_weight={1: 5.0}),
    "log loss, balanced": GDClassifier(class_weight="balanced"),
    "focal, gamma=2": GDClassifier(Focal(gamma=2.0)),
    "focal, positives x 5": GDClassifier(Focal(gamma=2.0), class_weight={1: 5.0}),
    "focal, balanced": GDClassifier(Focal(gamma=2.0), class_weight="balanced"),
}

print(f"{y_test.mean():.1%} of {len(y_test)} test rows are positive\n")
print(f"{'model':26} {'precision':>9} {'recall':>7} {'mean p':>7} {'ranking':>8}")
for name, model in MODELS.items():
    predicted = model.fit(X, y).predict(X_test)
    proba = model.predict_proba(X_test)[:, 1]
    print(
        f"{name:26} {precision_score(y_test, predicted):9.2f}"
        f" {recall_score(y_test, predicted):7.2f} {proba.mean():7.2f}"
        f" {average_precision_score(y_test, proba):8.2f}"
    )

plain = MODELS["log loss"].predict_proba(X_test)[:, 1]
predicted = plain > np.quantile(plain, 1 - MODELS["log loss, balanced"].predict(X_test).mean())
print(
    f"\n{'log loss, lower threshold':26} {precision_score(y_test, predicted):9.2f}"
    f" {recall_score(y_test, predicted):7.2f}"
)
