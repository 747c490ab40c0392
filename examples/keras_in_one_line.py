"""A Keras model and its training as one `GDClassifier`.

    model = keras.Sequential([Dense(64, "relu"), Dense(64, "relu"), Dense(1, "sigmoid")])
    model.compile(optimizer=Adam(0.001), loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(X, y, epochs=10, batch_size=32, validation_data=(X_test, y_test))

To be seen: the same layers, loss, optimizer, epochs and batches, and the accuracy on unseen rows
after each epoch.  The sigmoid is a part of the loss, as are the labels: `classes_` may be strings.
"""

import time

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklgd import GDClassifier
from sklgd.models import MLP
from sklgd.optimizers import Adam

data = load_breast_cancer()
X, X_test, y, y_test = train_test_split(data.data, data.target_names[data.target], random_state=0)
scaler = StandardScaler().fit(X)
X, X_test = scaler.transform(X), scaler.transform(X_test)

model = GDClassifier(
    "log_loss",
    model=MLP((64, 64), activation="relu"),
    optimizer=Adam(0.001),
    penalty=None,
    batch_size=32,
    max_iter=10,  # epochs
    tol=None,  # all of them
    scoring="accuracy",
    random_state=0,
)
start = time.perf_counter()
model.fit(X, y, X_val=X_test, y_val=y_test)
seconds = time.perf_counter() - start

print(f"{'epoch':>5} {'loss':>8} {'val_loss':>9} {'val_accuracy':>13}")
history = model.history_
for epoch in range(model.n_iter_):
    numbers = (history[name][epoch] for name in ("loss", "val_loss", "val_score"))
    print("{:5d} {:8.4f} {:9.4f} {:13.4f}".format(epoch + 1, *numbers))
print(f"{model.t_ - 1:.0f} steps in {1000 * seconds:.0f} ms")
