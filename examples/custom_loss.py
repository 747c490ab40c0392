"""A loss of one's own, written in NumPy: checked, then trained beside built-in ones.

To be seen: `check_loss` accepts it, and finds the mistake in a variant of it; with a tenth of the
targets spoilt it does as well as Huber's loss, where least squares is led astray.
"""

import time

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split

from sklgd import GDRegressor
from sklgd.losses import Huber, Loss, SquaredError
from sklgd.testing import check_loss


class PseudoHuber(Loss):
    """delta^2 (sqrt(1 + (r / delta)^2) - 1) of the residual r: a Huber loss without a seam."""

    task = "regression"

    def __init__(self, delta=1.0):
        self.delta = delta

    def value(self, y, raw):
        return self.delta**2 * (np.hypot(1.0, (raw - y) / self.delta) - 1.0)

    def gradient(self, y, raw):
        return (raw - y) / np.hypot(1.0, (raw - y) / self.delta)


class Slip(PseudoHuber):
    def gradient(self, y, raw):
        return (raw - y) / np.hypot(1.0, raw - y)  # forgets delta


check_loss(PseudoHuber(delta=0.5))
try:
    check_loss(Slip(delta=0.5))
except AssertionError as error:
    print(f"check_loss: {error}\n")

X, X_test, y, y_test = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
spoilt = np.random.default_rng(0).choice(len(y), len(y) // 10, replace=False)
y[spoilt] *= 10.0  # a decimal point that went missing

print(f"{'loss':28} {'mean absolute error':>19} {'milliseconds':>13}")
for loss in (SquaredError(), Huber(25.0), PseudoHuber(25.0)):
    start = time.perf_counter()
    model = GDRegressor(loss).fit(X, y)
    took = 1e3 * (time.perf_counter() - start)
    error = mean_absolute_error(y_test, model.predict(X_test))
    print(f"{loss!r:28} {error:19.1f} {took:13.1f}")
