"""Checks that a model of one's own keeps the contract of `sklgd.models`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from .._strategy import names_of
from ..models import Model
from ..models.base import is_compiled, parts_of, start_of
from ..optimizers import SGD
from ._common import Untouched, call, call_in_place, check_copies, check_instance, locked, slopes_at


def check_model(
    model: Model,
    *,
    n_features: int = 4,
    n_raw: int = 1,
    X: Any = None,
    random_state: int = 0,
) -> None:
    """Raise ``AssertionError`` where a model does not do what training relies on.

    Checked are: that ``init_params`` gives a vector of a fixed size, by the source of chance that
    it is given alone; the shape of what ``forward`` returns, and that a row's raw predictions
    depend on that row alone; that ``backward`` works in place and adds, and its gradient against
    finite differences of ``forward``; that sparse and float32 rows give the same as dense and
    float64 ones; that ``unpack`` gives named views of the parameters, intercepts last; that
    nothing is written to the object, nor to what may only be read; that it can be cloned and
    pickled, and that an estimator trains with it.

    Parameters
    ----------
    model : Model
        The object to check.
    n_features : int, default=4
        Number of features to check it with.
    n_raw : int, default=1
        Number of raw columns; a model of several outputs or classes is worth a check with 3.
    X : array-like of shape (n, n_features), default=None
        Dense rows to check it with, for a model that does not take any number, or no sparse
        rows.  None is seven random rows of ``n_features``, which are tried as sparse ones too.
    random_state : int, default=0
        Seed of the rows and parameters that are tried.

    Raises
    ------
    AssertionError
        Says what was found and what was expected.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.models import Linear
    >>> from sklgd.testing import check_model
    >>> class Slip(Linear):
    ...     def backward(self, X, params, draw, grad):
    ...         grad[: X.shape[1]] += X.T @ draw[:, 0]  # forgets the intercept
    >>> check_model(Slip())
    Traceback (most recent call last):
        ...
    AssertionError: Slip.backward added 0 for parameter 4 (intercept_); differences give 0.962
    """
    check_instance(model, Model, "a model")
    check_copies(model)
    untouched = Untouched(model)
    Check(model, n_features, n_raw, X, np.random.default_rng(random_state)).run()
    untouched.check()


class Check:
    """A model with rows and parameters to check it at."""

    def __init__(
        self, model: Model, n_features: int, n_raw: int, X: Any, rng: np.random.Generator
    ) -> None:
        self.model, self.name, self.rng = model, type(model).__name__, rng
        self.n_raw, self.sparse = n_raw, X is None
        if X is None:
            X = rng.uniform(0.2, 1.0, (7, n_features)) * rng.choice([-1, 1], (7, n_features))
            X[rng.random(X.shape) < 0.3] = 0.0
        self.X = np.array(X, dtype=np.float64)
        self.n_features = self.X.shape[1]
        self.draw = rng.standard_normal((len(self.X), n_raw))

    def run(self) -> None:
        """Check everything."""
        for fit_intercept in (True, False):
            if fit_intercept or "fit_intercept" in names_of(self.model.init_params):
                start = self.start(fit_intercept)
                self.known = {
                    "n_features": self.n_features,
                    "n_raw": self.n_raw,
                    "fit_intercept": fit_intercept,
                }
                params = start + 0.3 * self.rng.standard_normal(start.size)
                self.check_parts(params)
                self.check_forward(params)
                self.check_backward(params)
                self.check_forms(params)
                self.check_training(fit_intercept)

    def forward(self, X: Any, params: np.ndarray) -> np.ndarray:
        """Return the raw predictions of some rows, once they have the right shape."""
        raw = call(self.model, "forward", X, locked(params), **self.known)
        shapes = [(X.shape[0], self.n_raw)] + [(X.shape[0],)] * (self.n_raw == 1)
        assert isinstance(raw, np.ndarray) and raw.shape in shapes, (
            f"{self.name}.forward must return an array of shape {shapes[0]}, found "
            f"{_shape(raw)} for {X.shape[0]} rows"
        )
        return raw.reshape(shapes[0])

    def backward(self, X: Any, params: np.ndarray, grad: np.ndarray) -> np.ndarray:
        """Return ``grad`` after ``backward``."""
        draw = locked(self.draw)
        call_in_place(self.model, "backward", X, locked(params), draw, grad, **self.known)
        return grad

    def start(self, fit_intercept: bool) -> np.ndarray:
        """Return initial parameters, once `init_params` is checked."""

        def start(seed):
            rng = np.random.RandomState(seed)
            return start_of(self.model, self.n_features, self.n_raw, rng, fit_intercept)

        try:
            params = start(0)
        except ValueError as error:
            raise AssertionError(str(error)) from error
        assert np.array_equal(params, start(0)), (
            f"{self.name}.init_params must draw from rng alone: with the same seed it gave "
            f"{params}, then {start(0)}"
        )
        sizes = {start(seed).size for seed in range(3)}
        assert len(sizes) == 1, (
            f"{self.name}.init_params must give as many parameters for every rng, found {sizes}"
        )
        return params

    def check_parts(self, params: np.ndarray) -> None:
        """Check what `unpack` returns."""
        params = params.copy()
        before = params.copy()
        try:
            parts = parts_of(self.model, params, self.n_features, self.n_raw)
        except ValueError as error:
            raise AssertionError(str(error)) from error
        assert np.array_equal(params, before), f"{self.name}.unpack writes to params"
        self.where = np.full(params.size, "no attribute", dtype=object)
        for name, part in parts.items():
            for array in part if isinstance(part, (list, tuple)) else [part]:
                if not isinstance(array, np.ndarray) or (
                    name.startswith("intercept") and not self.known["fit_intercept"]
                ):
                    continue
                assert np.may_share_memory(array, params), (
                    f"{self.name}.unpack must give views of params, found a copy as {name}; slice "
                    "and reshape params, so that attributes which a user sets are taken over"
                )
                array[...] = np.nan
                self.where[np.isnan(params)] = name
                params[:] = before
        if is_compiled(self.model):  # which tells itself what is penalised
            return
        free = np.isin(self.where, ["intercept_", "intercepts_"])
        assert not free.any() or free[np.argmax(free) :].all(), (
            f"{self.name}: intercepts must stand last in params, where no penalty reaches; "
            f"found them at {np.flatnonzero(free).tolist()} of {params.size}"
        )

    def check_forward(self, params: np.ndarray) -> None:
        """Check raw predictions: finite, the same again, of each row alone."""
        raw = self.forward(locked(self.X), params)
        assert np.isfinite(raw).all(), f"{self.name}.forward gave {raw}"
        again = self.forward(locked(self.X), params)
        assert np.array_equal(raw, again), (
            f"{self.name}.forward depends on more than its arguments: found {again}, expected "
            f"{raw} as the first time"
        )
        for rows in (slice(0, 1), slice(1, None), slice(None, None, -1)):
            part = self.forward(locked(self.X[rows]), params)
            assert np.allclose(part, raw[rows], rtol=1e-9, atol=1e-12), (
                f"{self.name}.forward must give each row by itself: rows {rows} alone gave "
                f"{part.ravel()}, all together {raw[rows].ravel()}"
            )

    def check_backward(self, params: np.ndarray) -> None:
        """Check the gradient: that it is added, and against finite differences."""
        X = locked(self.X)
        found = self.backward(X, params, np.zeros_like(params))
        start = self.rng.standard_normal(params.size)
        added = self.backward(X, params, start.copy()) - start
        assert np.allclose(added, found, rtol=1e-9, atol=1e-9 * (1 + np.abs(found).max())), (
            f"{self.name}.backward must add to grad: it added {added} to {start}, expected "
            f"{found}, which it added to zeros"
        )

        def total(params):
            return float(np.sum(self.draw * self.forward(X, params)))

        here = total(params)
        for at in range(params.size):
            sides, slack = slopes_at(total, params, here, at)
            assert min(sides) - slack <= found[at] <= max(sides) + slack, (
                f"{self.name}.backward added {found[at]:.4g} for parameter {at} "
                f"({self.where[at]}); differences give {sum(sides) / 2:.3g}"
            )

    def check_forms(self, params: np.ndarray) -> None:
        """Check that sparse and float32 rows give what dense float64 rows give."""
        single = self.X.astype(np.float32)
        forms = {"float32": (locked(single), locked(single.astype(np.float64)))}
        if self.sparse:
            forms["sparse"] = (sp.csr_array(self.X), locked(self.X))
        for name, (rows, same) in forms.items():
            tol = 1e-4 if name == "float32" else 1e-9
            for method, found, expected in (
                ("forward", self.forward(rows, params), self.forward(same, params)),
                (
                    "backward",
                    self.backward(rows, params, np.zeros_like(params)),
                    self.backward(same, params, np.zeros_like(params)),
                ),
            ):
                scale = 1 + np.abs(expected).max()
                at = np.unravel_index(np.argmax(np.abs(found - expected)), found.shape)
                assert np.allclose(found, expected, rtol=tol, atol=tol * scale), (
                    f"{self.name}.{method} gives {found[at]:.8g} at {list(map(int, at))} on {name} "
                    f"rows, expected {expected[at]:.8g} as on the same numbers in float64 and dense"
                )

    def check_training(self, fit_intercept: bool) -> None:
        """Check that an estimator trains with the model, and predicts what `forward` gives."""
        from .. import GDRegressor

        X = np.tile(self.X, (3, 1))
        y = self.rng.standard_normal((len(X), self.n_raw))
        y = y[:, 0] if self.n_raw == 1 else y
        for rows in (X, sp.csr_array(X))[: 1 + self.sparse]:
            fitted = GDRegressor(
                model=self.model,
                optimizer=SGD(1e-3),
                batch_size=4,
                max_iter=2,
                tol=None,
                fit_intercept=fit_intercept,
                random_state=0,
            )
            fitted.fit(rows, y)
            params = fitted._state.result
            found = fitted.predict(rows).reshape(len(X), self.n_raw)
            expected = self.forward(rows, params)
            assert np.allclose(found, expected, rtol=1e-9, atol=1e-9), (
                f"an estimator with {self.model!r} predicts {found.ravel()}, expected "
                f"{expected.ravel()} from forward"
            )
            parts = parts_of(self.model, params, self.n_features, self.n_raw)
            missing = [name for name in parts if not hasattr(fitted, name)]
            assert not missing, f"a fitted estimator lacks the attributes {missing} of unpack"
            assert fitted.model_ == self.model.choose(auto=False), (
                f"training changed {self.model!r} to {fitted.model_!r}"
            )


def _shape(value: Any) -> str:
    return f"shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
