"""What every penalty has."""

from __future__ import annotations

import math
from numbers import Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, InvalidParameterError

from .._kernels import adapters
from .._strategy import Strategy, compose_kernel, has_kernel


class Penalty(Strategy):
    """Base of every penalty.

    A subclass defines ``value`` and one of ``prox`` (the penalty is applied as a proximal step
    after each gradient step) and ``add_gradient`` (it is descended with the loss); with both,
    ``prox`` is used.

    Examples
    --------
    A complete penalty of one's own:

    >>> import numpy as np
    >>> from sklgd.penalties import Penalty
    >>> class Pull(Penalty):
    ...     '''alpha / 2 |w - target|^2'''
    ...     def __init__(self, alpha=1.0, target=0.0):
    ...         self.alpha = alpha
    ...         self.target = target
    ...     def value(self, w):
    ...         return self.alpha / 2 * np.sum((w - self.target) ** 2)
    ...     def add_gradient(self, w, grad):
    ...         grad += self.alpha * (w - self.target)
    >>> Pull(target=1.0).split()
    (Pull(target=1.0), None)
    """

    def value(self, w: np.ndarray) -> float:
        """Return the penalty at ``w``.

        Parameters
        ----------
        w : ndarray of shape (n_features,) or (n_outputs, n_features)
            The weights, without intercepts.

        Returns
        -------
        float
        """
        raise NotImplementedError(f"{type(self).__name__} must define value(w).")

    def add_gradient(self, w: np.ndarray, grad: np.ndarray) -> None:
        """Add a (sub)gradient at ``w`` to ``grad``, in place.

        Parameters
        ----------
        w, grad : ndarray of shape (n_features,) or (n_outputs, n_features)
            The weights, which are only read, and the gradient, which is added to.
        """
        raise NotImplementedError(f"{type(self).__name__} has no add_gradient(w, grad).")

    def prox(self, w: np.ndarray, lr: float | np.ndarray) -> None:
        """Replace ``w`` by ``argmin_v |v - w|^2 / 2 + lr * value(v)``, in place.

        Parameters
        ----------
        w : ndarray of shape (n_features,) or (n_outputs, n_features)
            The weights.
        lr : float or ndarray of w's shape
            The step size, or one for each weight; not negative.
        """
        raise NotImplementedError(f"{type(self).__name__} has no prox(w, lr).")

    def residual(self, w: np.ndarray, grad: np.ndarray) -> np.ndarray:
        """Return the element of smallest norm of ``grad`` plus the subdifferential at ``w``.

        It is zero where ``w`` is a minimum of this penalty plus a loss whose gradient is
        ``grad``.  This default takes it from a tiny proximal step.

        Parameters
        ----------
        w, grad : ndarray of shape (n_features,) or (n_outputs, n_features)
            The weights and the gradient of the rest of the objective; both are only read.

        Returns
        -------
        ndarray of w's shape
        """
        steepest = np.max(np.abs(grad), initial=0.0)
        lr = 1e-7 * (np.max(np.abs(w), initial=0.0) or 1.0) / (steepest or 1.0)
        moved = w - lr * grad
        self.prox(moved, lr)
        return (w - moved) / lr

    def bounds(self, n_features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Return ``(l1, low, high)``, for each feature, where this is all there is to the penalty.

        That is ``sum_j l1_j |w_j|`` for weights with ``low_j <= w_j <= high_j``.

        Parameters
        ----------
        n_features : int
            Number of features.

        Returns
        -------
        tuple of ndarrays of shape (n_features,), or None
            None for a penalty of another kind.
        """
        return None

    def split(self) -> tuple[Penalty | None, Penalty | None]:
        """Return ``(smooth, rest)``: what enters the gradient and what is a proximal step.

        Either may be None, and their values sum to this penalty's.  Of a subclass, what it
        overrides itself decides.

        Returns
        -------
        smooth, rest : Penalty or None
            The part that is descended with the loss, and the part that is stepped proximally.
        """
        for cls in type(self).__mro__[: -len(Penalty.__mro__)]:
            if "prox" in vars(cls):
                return None, self
            if "add_gradient" in vars(cls):
                return self, None
        raise NotImplementedError(
            f"{type(self).__name__} must define prox(w, lr) or add_gradient(w, grad)."
        )

    def steps_whole(self) -> bool:
        """Whether ``prox`` is the step of all of it, the part that ``split`` calls smooth included.

        Returns
        -------
        bool
            Here: no part is smooth, or this is a class of `sklgd.penalties`.
        """
        return has_kernel(self) or self.split()[0] is None

    def _redefines(self, cls: type[Penalty]) -> bool:
        """Whether a subclass of ``cls`` overrides anything of it: then cls's split is void."""
        mine = type(self).__mro__
        below = mine[: mine.index(cls)]
        return any(
            hasattr(cls, name) and not name.startswith("__") for sub in below for name in vars(sub)
        )


def ridge_of(penalty: Penalty | None) -> float | None:
    """Return the strength of a penalty that is a ridge alike for all weights; None for others.

    It is 0 where nothing is penalised.
    """
    smooth, rest = (None, None) if penalty is None else penalty.split()
    if rest is not None:
        return None
    if smooth is None:
        return 0.0
    ridge = compose_kernel(smooth, adapters.PyPenalty).ridge
    return None if math.isnan(ridge) else ridge


def has_thresholds(rest: Penalty, n_features: int) -> bool:
    """Return whether the part of a penalty that is stepped proximally is an L1 norm."""
    bounds = rest.bounds(n_features)
    return bounds is not None and not np.isfinite(bounds[1:]).any()


class Elementwise(Penalty):
    """A sum over weights: ``sum_cj weights[j] * h(w[c, j])``.

    A feature's weight multiplies its penalty, so in the proximal step it multiplies lr.
    """

    _parameter_constraints = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "weights": ["array-like", None],
    }
    _from_estimator = {"alpha": "alpha"}

    @property
    def _kink(self) -> float:
        """h'(0+): at 0 every slope between -kink and kink is a subgradient."""
        return 0.0

    def _values(self, w: np.ndarray) -> np.ndarray:
        """h(w), entry by entry."""
        raise NotImplementedError

    def _slopes(self, w: np.ndarray) -> np.ndarray:
        """h'(w), entry by entry."""
        raise NotImplementedError

    def _cut(self, w: np.ndarray, step: float | np.ndarray) -> np.ndarray:
        """argmin_v (v - w)^2 / 2 + step * h(v), entry by entry."""
        raise NotImplementedError

    def value(self, w: np.ndarray) -> float:
        values = self._values(w)
        if self.weights is not None:
            values = self._factors(w) * values
        return float(values.sum())

    def add_gradient(self, w: np.ndarray, grad: np.ndarray) -> None:
        grad += self._factors(w) * self._slopes(w)

    def prox(self, w: np.ndarray, lr: float | np.ndarray) -> None:
        w[...] = self._cut(w, lr * self._factors(w))

    def residual(self, w: np.ndarray, grad: np.ndarray) -> np.ndarray:
        if not has_kernel(self):
            return super().residual(w, grad)
        factors = self._factors(w)
        at_zero = soft(grad, np.broadcast_to(factors * self._kink, w.shape))
        return np.where(w == 0, at_zero, grad + factors * self._slopes(w))

    def _factors(self, w: np.ndarray) -> float | np.ndarray:
        if self.weights is None:
            return 1.0
        weights = np.asarray(self.weights, dtype=np.float64)
        if weights.shape != w.shape[-1:]:
            raise ValueError(
                f"weights of {type(self).__name__} has shape {weights.shape}, but there are "
                f"{w.shape[-1]} features; one weight for each is wanted."
            )
        return weights

    def validate(self) -> Self:
        super().validate()
        if self.weights is not None:
            check_feature_weights(self.weights, type(self).__name__)
        return self


def check_feature_weights(weights: ArrayLike, owner: str) -> None:
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 1:
        raise InvalidParameterError(
            f"The 'weights' parameter of {owner} must be 1-D, one weight for each feature. Got "
            f"an array of shape {weights.shape} instead."
        )
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if wrong.size:
        raise InvalidParameterError(
            f"The 'weights' parameter of {owner} must be finite and not negative. Got "
            f"{weights[wrong[0]]} at index {wrong[0]} instead."
        )


def soft(w: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    """Soft threshold: w less its part within [-threshold, threshold]."""
    return w - np.clip(w, -threshold, threshold) + 0.0  # -0.0 becomes 0.0


def divide(a: np.ndarray, b: float | np.ndarray) -> np.ndarray:
    """a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=np.not_equal(b, 0))
