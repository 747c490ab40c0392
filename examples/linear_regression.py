"""Gradient descent on the mean squared error, seen to approach least squares.

To be seen: at a learning rate of 0.01 the error falls by about ten every 100 epochs until only
the noise is left, and slope and intercept end at those of the closed form.

The loss is half the squared error, as in scikit-learn's SGD, so that its gradient is the residual
times x: the mean squared error is twice what `loss_curve_` holds, and its gradient twice as long.
"""

import numpy as np

from sklgd import GDRegressor
from sklgd.losses import SquaredError
from sklgd.optimizers import GradientDescent

rng = np.random.default_rng(0)
x = rng.uniform(-2.0, 2.0, size=1000)
y = 3.0 * x + rng.normal(scale=0.5, size=1000)
X = x.reshape(-1, 1)

model = GDRegressor(
    SquaredError(),
    optimizer=GradientDescent(learning_rate=0.01),
    penalty=None,
    max_iter=1000,
    tol=None,  # every epoch is made
)
model.fit(X, y)

A = np.column_stack([x, np.ones(1000)])
exact, *_ = np.linalg.lstsq(A, y)
least = np.mean((y - A @ exact) ** 2)

print("y = 3 x + noise, 1,000 samples; gradient descent at 0.01 for 1,000 epochs\n")
print(f"{'epoch':>6} {'MSE before it':>14} {'above the least':>16}")
for epoch in [1, *range(100, 1001, 100)]:
    error = 2.0 * model.loss_curve_[epoch - 1]
    print(f"{epoch:6} {error:14.6f} {error - least:16.2e}")

print(f"\n{'':18} {'slope':>9} {'intercept':>10} {'MSE':>9}")
final = np.mean((y - model.predict(X)) ** 2)
print(f"{'gradient descent':18} {model.coef_[0]:9.6f} {model.intercept_[0]:10.6f} {final:9.6f}")
print(f"{'closed form':18} {exact[0]:9.6f} {exact[1]:10.6f} {least:9.6f}")
