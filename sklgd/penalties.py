"""Penalties: what is added to the mean loss to keep weights small, sparse or within bounds.

A penalty sees weights only, of shape (n_features,) or (n_outputs, n_features); intercepts never
come here.  It is stateless, and everything below holds of every penalty in this module:

- ``value(w)`` is a float and ``add_gradient(w, grad)`` adds a (sub)gradient of it to ``grad``;
- ``prox(w, lr)`` replaces ``w`` by ``argmin_v |v - w|^2 / 2 + lr * value(v)``, exactly, also where
  the penalty is not convex.  ``lr`` is a float or an array of w's shape, in which case the
  problem is ``sum((v - w)^2 / (2 lr)) + value(v)``: each entry has a step of its own;
- what a proximal step cuts is exactly 0.0, and a NaN stays a NaN;
- ``split()`` says which part training descends and which part it steps proximally;
- ``residual(w, grad)`` is the smallest element of ``grad`` plus the subdifferential at ``w``:
  zero at a minimum.

The compiled twins in ``_kernels/penalties.pyx`` do the same on pointers; this file defines them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, InvalidParameterError, StrOptions

from ._groups import check_groups, parse_groups
from ._kernels import penalties as _kernels
from ._strategy import Strategy, registry

__all__ = ["L1", "L2", "MCP", "PENALTIES", "SCAD", "Box", "ElasticNet", "GroupLasso", "Penalty"]


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
            Here: no part is smooth, or this is a class of this module.
        """
        return self._is_as_defined() or self.split()[0] is None

    def _redefines(self, cls: type[Penalty]) -> bool:
        """Whether a subclass of ``cls`` overrides anything of it: then cls's split is void."""
        mine = type(self).__mro__
        below = mine[: mine.index(cls)]
        return any(
            hasattr(cls, name) and not name.startswith("__") for sub in below for name in vars(sub)
        )

    def _is_as_defined(self) -> bool:
        """Whether this is a class of this module, not a subclass that may mean something else."""
        return "_kernel" in vars(type(self))


class _Elementwise(Penalty):
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
        return float(np.sum(self._factors(w) * self._values(w)))

    def add_gradient(self, w: np.ndarray, grad: np.ndarray) -> None:
        grad += self._factors(w) * self._slopes(w)

    def prox(self, w: np.ndarray, lr: float | np.ndarray) -> None:
        w[...] = self._cut(w, lr * self._factors(w))

    def residual(self, w: np.ndarray, grad: np.ndarray) -> np.ndarray:
        if not self._is_as_defined():
            return super().residual(w, grad)
        factors = self._factors(w)
        at_zero = _soft(grad, np.broadcast_to(factors * self._kink, w.shape))
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
            _check_feature_weights(self.weights, type(self).__name__)
        return self


def _check_feature_weights(weights: ArrayLike, owner: str) -> None:
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


def _soft(w: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    """Soft threshold: w less its part within [-threshold, threshold]."""
    return w - np.clip(w, -threshold, threshold) + 0.0  # -0.0 becomes 0.0


def _divide(a: np.ndarray, b: float | np.ndarray) -> np.ndarray:
    """a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=np.not_equal(b, 0))


class L2(_Elementwise):
    r"""Ridge penalty, which shrinks weights.

    .. math:: \frac{\alpha}{2} \sum_j q_j w_j^2,
        \qquad \mathrm{prox}(w)_j = \frac{w_j}{1 + \eta \alpha q_j}

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength.
    weights : array-like of shape (n_features,), default=None
        Multiplies each feature's penalty (q); 0 leaves a feature alone. None is all ones.

    References
    ----------
    Hoerl and Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems",
    Technometrics 12, 1970.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.penalties import L2
    >>> w = np.array([3.0, -1.0])
    >>> L2(alpha=1.0).value(w)
    5.0
    >>> L2(alpha=1.0).prox(w, 0.5)
    >>> w
    array([ 2.        , -0.66666667])
    """

    _kernel = _kernels.L2Kernel

    def __init__(self, alpha: float = 1e-4, *, weights: ArrayLike | None = None) -> None:
        self.alpha = alpha
        self.weights = weights

    def _values(self, w: np.ndarray) -> np.ndarray:
        return self.alpha / 2 * w**2

    def _slopes(self, w: np.ndarray) -> np.ndarray:
        return self.alpha * w

    def _cut(self, w: np.ndarray, step: float | np.ndarray) -> np.ndarray:
        return w / (1 + step * self.alpha)

    def split(self) -> tuple[Penalty | None, Penalty | None]:
        if self._redefines(L2):
            return super().split()
        return self, None


class L1(_Elementwise):
    r"""Lasso penalty, which shrinks weights and makes small ones exactly zero.

    .. math:: \alpha \sum_j q_j |w_j|,
        \qquad \mathrm{prox}(w)_j = \mathrm{sign}(w_j) \max(|w_j| - \eta \alpha q_j, 0)

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength.
    weights : array-like of shape (n_features,), default=None
        Multiplies each feature's penalty (q); 0 leaves a feature alone. None is all ones.

    References
    ----------
    Tibshirani, "Regression Shrinkage and Selection via the Lasso", J. R. Stat. Soc. B 58, 1996.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.penalties import L1
    >>> w = np.array([3.0, -1.0, 0.2])
    >>> L1(alpha=1.0).prox(w, 0.5)
    >>> w
    array([ 2.5, -0.5,  0. ])
    """

    _kernel = _kernels.L1Kernel

    def __init__(self, alpha: float = 1e-4, *, weights: ArrayLike | None = None) -> None:
        self.alpha = alpha
        self.weights = weights

    @property
    def _kink(self) -> float:
        return self.alpha

    def _values(self, w: np.ndarray) -> np.ndarray:
        return self.alpha * np.abs(w)

    def _slopes(self, w: np.ndarray) -> np.ndarray:
        return self.alpha * np.sign(w)

    def _cut(self, w: np.ndarray, step: float | np.ndarray) -> np.ndarray:
        return _soft(w, step * self.alpha)

    def bounds(self, n_features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        if not self._is_as_defined():
            return None
        w = np.zeros(n_features)
        return w + self.alpha * self._factors(w), w - np.inf, w + np.inf


class ElasticNet(_Elementwise):
    r"""Elastic net: lasso and ridge together, as in scikit-learn.

    .. math:: \alpha \sum_j q_j \left(\rho |w_j| + \frac{1 - \rho}{2} w_j^2\right),
        \qquad \mathrm{prox}(w)_j = \frac{\mathrm{sign}(w_j) \max(|w_j| - \eta \alpha \rho q_j, 0)}
        {1 + \eta \alpha (1 - \rho) q_j}

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength.
    l1_ratio : float, default=0.15
        Share of the lasso (rho), in [0, 1]: 1 is L1 and 0 is L2.
    weights : array-like of shape (n_features,), default=None
        Multiplies each feature's penalty (q); 0 leaves a feature alone. None is all ones.

    References
    ----------
    Zou and Hastie, "Regularization and Variable Selection via the Elastic Net",
    J. R. Stat. Soc. B 67, 2005.

    Examples
    --------
    >>> from sklgd.penalties import ElasticNet
    >>> ElasticNet(alpha=1.0, l1_ratio=0.25).split()
    (L2(alpha=0.75), L1(alpha=0.25))
    >>> ElasticNet(alpha=1.0, l1_ratio=1.0).split()
    (None, L1(alpha=1.0))
    """

    _parameter_constraints = {
        **_Elementwise._parameter_constraints,
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    }
    _from_estimator = {"alpha": "alpha", "l1_ratio": "l1_ratio"}
    _kernel = _kernels.ElasticNetKernel

    def __init__(
        self, alpha: float = 1e-4, l1_ratio: float = 0.15, *, weights: ArrayLike | None = None
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.weights = weights

    @property
    def _strengths(self) -> tuple[float, float]:
        return self.alpha * self.l1_ratio, self.alpha * (1 - self.l1_ratio)

    @property
    def _kink(self) -> float:
        return self._strengths[0]

    def _values(self, w: np.ndarray) -> np.ndarray:
        l1, l2 = self._strengths
        return l1 * np.abs(w) + l2 / 2 * w**2

    def _slopes(self, w: np.ndarray) -> np.ndarray:
        l1, l2 = self._strengths
        return l1 * np.sign(w) + l2 * w

    def _cut(self, w: np.ndarray, step: float | np.ndarray) -> np.ndarray:
        l1, l2 = self._strengths
        return _soft(w, step * l1) / (1 + step * l2)

    def split(self) -> tuple[Penalty | None, Penalty | None]:
        if self._redefines(ElasticNet):
            return super().split()
        l1, l2 = self._strengths
        return (
            L2(l2, weights=self.weights) if l2 > 0 else None,
            L1(l1, weights=self.weights) if l1 > 0 else None,
        )


class GroupLasso(Penalty):
    r"""Group lasso, which makes whole groups of weights exactly zero.

    .. math:: \alpha \sum_g \sqrt{|g|} \, \lVert w_g \rVert_2,
        \qquad \mathrm{prox}(w)_j = w_j \frac{r_g}{r_g + \eta_j \alpha \sqrt{|g|}}

    for j in g, where r_g is the norm of the group after the step.  With one step size it is
    :math:`r_g = \max(\lVert w_g \rVert_2 - \eta \alpha \sqrt{|g|}, 0)`.  Where each weight has its
    own, it is the root of :math:`\sum_{j \in g} (w_j / (r + \eta_j \alpha \sqrt{|g|}))^2 = 1`,
    found to machine precision by Newton's method, or 0 where the sum is at most 1 at r = 0.

    The factor sqrt(\|g\|) makes groups of different size equally hard to enter.

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength.
    groups : "features", array of labels or list of arrays of int, default="features"
        What a group is.

        - ``"features"``: a feature's weights for all outputs, so that a feature is used by
          all outputs or by none.
        - An array of labels, one for each feature: features of one label are a group.  The
          label -1 stands for no group.
        - A list of arrays of feature indices, which may not overlap.

        With labels and indices each output's weights are grouped on their own.  A feature in
        no group is not penalised.

    References
    ----------
    Yuan and Lin, "Model Selection and Estimation in Regression with Grouped Variables",
    J. R. Stat. Soc. B 68, 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.penalties import GroupLasso
    >>> w = np.array([3.0, 4.0, 0.1, 0.1, 7.0])
    >>> penalty = GroupLasso(alpha=0.5**0.5, groups=[[0, 1], [2, 3]])
    >>> penalty.prox(w, 1.0)
    >>> w
    array([2.4, 3.2, 0. , 0. , 7. ])
    """

    _parameter_constraints = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "groups": [StrOptions({"features"}), "array-like"],
    }
    _from_estimator = {"alpha": "alpha"}
    _kernel = _kernels.GroupLassoKernel

    def __init__(
        self, alpha: float = 1e-4, groups: str | ArrayLike | Sequence[ArrayLike] = "features"
    ) -> None:
        self.alpha = alpha
        self.groups = groups

    def value(self, w: np.ndarray) -> float:
        group, strength = self._groups(w)
        return float(np.sum(strength * self._norms(w.ravel(), group, strength.size)))

    def add_gradient(self, w: np.ndarray, grad: np.ndarray) -> None:
        group, strength = self._groups(w)
        norm = self._norms(w.ravel(), group, strength.size)
        inside = (strength[group] > 0) & (norm[group] != 0)
        direction = np.divide(w.ravel(), norm[group], out=np.zeros(w.size), where=inside)
        grad += (strength[group] * direction).reshape(w.shape)

    def prox(self, w: np.ndarray, lr: float | np.ndarray) -> None:
        group, strength = self._groups(w)
        flat = w.ravel()
        cut = np.broadcast_to(lr, w.shape).ravel() * strength[group]
        if np.ndim(lr) == 0:
            norm = self._norms(flat, group, strength.size)
            radius = np.maximum(norm - lr * strength, 0.0)
        else:
            radius = self._radii(flat, cut, group, strength.size)
        radius = radius[group]
        shrink = np.divide(radius, radius + cut, out=np.ones(w.size), where=cut != 0)
        # -0.0 becomes 0.0 where there is a step at all
        w[...] = np.where(cut != 0, flat * shrink + 0.0, flat).reshape(w.shape)

    def residual(self, w: np.ndarray, grad: np.ndarray) -> np.ndarray:
        if not self._is_as_defined():
            return super().residual(w, grad)
        group, strength = self._groups(w)
        norm = self._norms(grad.ravel(), group, strength.size)
        cut = np.maximum(norm - strength, 0.0)
        shrink = np.divide(cut, norm, out=np.zeros(norm.size), where=norm != 0)[group]
        used = self._norms(w.ravel(), group, strength.size)[group] != 0
        residual = grad.copy()
        self.add_gradient(w, residual)
        return np.where(used, residual.ravel(), grad.ravel() * shrink).reshape(w.shape)

    def validate(self) -> Self:
        super().validate()
        if not isinstance(self.groups, str):
            parse_groups(self.groups, owner=type(self).__name__)
        return self

    def _groups(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the group of each entry of w, flat, and each group's alpha * sqrt(size).

        The features in no group share one more group, of strength 0.
        """
        rows, p = np.atleast_2d(w).shape
        if isinstance(self.groups, str):
            return np.tile(np.arange(p), rows), np.full(p, self.alpha * math.sqrt(rows))
        owner = type(self).__name__
        members, starts, n_labels = parse_groups(self.groups, owner=owner)
        check_groups(members, n_labels, p, owner=owner)
        sizes = np.diff(starts)
        group = np.full(p, sizes.size)
        group[members] = np.repeat(np.arange(sizes.size), sizes)
        strength = self.alpha * np.sqrt(np.append(sizes, 0))
        group = (np.arange(rows)[:, None] * strength.size + group).ravel()
        return group, np.tile(strength, rows)

    @staticmethod
    def _norms(flat: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
        return np.sqrt(np.bincount(group, weights=flat**2, minlength=n_groups))

    @classmethod
    def _radii(
        cls, flat: np.ndarray, cut: np.ndarray, group: np.ndarray, n_groups: int
    ) -> np.ndarray:
        """The norms of the proximal point.

        phi(r) = sum_j (w_j / (r + cut_j))^2 is 1 at the norm, and 1 / sqrt(phi) is increasing and
        concave in r, so Newton's method on it climbs from any point below without overshooting.
        """
        longest, least = np.zeros(n_groups), np.zeros(n_groups)
        np.maximum.at(longest, group, cut)
        with np.errstate(invalid="ignore"):  # NaN
            np.maximum.at(least, group, np.abs(flat) - cut)
        radius = np.maximum(cls._norms(flat, group, n_groups) - longest, least)
        running = np.ones(n_groups, dtype=bool)
        for _ in range(100):
            reach = radius[group] + cut
            ratio = np.divide(flat, reach, out=np.zeros(flat.size), where=flat != 0)
            phi = np.bincount(group, weights=ratio**2, minlength=n_groups)
            running &= (radius > 0) | (phi > 1)
            slope = np.divide(ratio**2, reach, out=np.zeros(flat.size), where=flat != 0)
            slope = np.bincount(group, weights=slope, minlength=n_groups)
            change = np.divide(
                phi * (np.sqrt(phi) - 1), slope, out=np.zeros(n_groups), where=running
            )
            radius = radius + np.maximum(change, 0.0)
            running &= change > 4e-16 * radius
            if not running.any():
                break
        return radius


class MCP(_Elementwise):
    r"""Minimax concave penalty: a lasso that leaves large weights unbiased.

    .. math:: \sum_j q_j h(w_j), \qquad h(w) = \begin{cases}
        \alpha |w| - w^2 / (2 \gamma) & |w| \le \gamma \alpha \\
        \gamma \alpha^2 / 2 & \text{otherwise} \end{cases}

    The proximal step with :math:`\tau = \eta q_j` is

    .. math:: \mathrm{prox}(w) = \begin{cases}
        \mathrm{sign}(w) \max(|w| - \tau \alpha, 0) / (1 - \tau / \gamma)
        & |w| \le \gamma \alpha \\
        w & \text{otherwise} \end{cases} \quad (\tau < \gamma),
        \qquad \begin{cases} 0 & |w| \le \alpha \sqrt{\tau \gamma} \\
        w & \text{otherwise} \end{cases} \quad (\tau \ge \gamma)

    For :math:`\tau \ge \gamma` the problem is not convex; this is a global minimiser, and of two
    that tie the zero.

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength: the slope at 0, as of a lasso.
    gamma : float, default=3.0
        Concavity, above 1; weights beyond ``gamma * alpha`` are not shrunk.  As it grows the
        penalty becomes L1.
    weights : array-like of shape (n_features,), default=None
        Multiplies each feature's penalty (q); 0 leaves a feature alone. None is all ones.

    References
    ----------
    Zhang, "Nearly unbiased variable selection under minimax concave penalty", Annals of
    Statistics 38, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.penalties import MCP
    >>> w = np.array([0.5, 2.0, 4.0])
    >>> MCP(alpha=1.0, gamma=3.0).prox(w, 1.0)
    >>> w
    array([0. , 1.5, 4. ])
    """

    _parameter_constraints = {
        **_Elementwise._parameter_constraints,
        "gamma": [Interval(Real, 1, None, closed="neither")],
    }
    _kernel = _kernels.MCPKernel

    def __init__(
        self, alpha: float = 1e-4, gamma: float = 3.0, *, weights: ArrayLike | None = None
    ) -> None:
        self.alpha = alpha
        self.gamma = gamma
        self.weights = weights

    @property
    def _kink(self) -> float:
        return self.alpha

    def _values(self, w: np.ndarray) -> np.ndarray:
        size, flat = np.abs(w), self.gamma * self.alpha
        inner = self.alpha * size - w**2 / (2 * self.gamma)
        return np.where(size > flat, flat * self.alpha / 2, inner)

    def _slopes(self, w: np.ndarray) -> np.ndarray:
        return np.sign(w) * np.maximum(self.alpha - np.abs(w) / self.gamma, 0.0)

    def _cut(self, w: np.ndarray, step: float | np.ndarray) -> np.ndarray:
        shrink = np.maximum(1 - step / self.gamma, 0.0)
        limit = self.alpha * np.sqrt(self.gamma * np.maximum(step, self.gamma))
        inner = _divide(_soft(w, step * self.alpha), shrink)
        return np.where(np.abs(w) <= limit, inner, w)


class SCAD(_Elementwise):
    r"""Smoothly clipped absolute deviation: a lasso that leaves large weights unbiased.

    .. math:: \sum_j q_j h(w_j), \qquad h(w) = \begin{cases}
        \alpha |w| & |w| \le \alpha \\
        (2 \gamma \alpha |w| - w^2 - \alpha^2) / (2 (\gamma - 1))
        & \alpha < |w| \le \gamma \alpha \\
        \alpha^2 (\gamma + 1) / 2 & \text{otherwise} \end{cases}

    With S the soft threshold and :math:`\tau = \eta q_j`, the proximal step is, for
    :math:`\tau < \gamma - 1`,

    .. math:: \mathrm{prox}(w) = \begin{cases}
        S(w, \tau \alpha) & |w| \le \alpha (1 + \tau) \\
        S(w, \tau \gamma \alpha / (\gamma - 1)) / (1 - \tau / (\gamma - 1))
        & \alpha (1 + \tau) < |w| \le \gamma \alpha \\
        w & \text{otherwise} \end{cases}

    and for larger steps, where the problem is not convex, the global minimiser
    :math:`S(w, \tau \alpha)` where :math:`|w| \le T` and w elsewhere, with
    :math:`T = \alpha (\gamma + 1 + \tau) / 2` up to :math:`\tau = \gamma + 1` and
    :math:`T = \alpha \sqrt{\tau (\gamma + 1)}` from there on.

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength: the slope at 0, as of a lasso.
    gamma : float, default=3.7
        Concavity, above 2 (Fan and Li's a); weights beyond ``gamma * alpha`` are not shrunk.  As it
        grows the penalty becomes L1.
    weights : array-like of shape (n_features,), default=None
        Multiplies each feature's penalty (q); 0 leaves a feature alone. None is all ones.

    References
    ----------
    Fan and Li, "Variable Selection via Nonconcave Penalized Likelihood and its Oracle
    Properties", J. Am. Stat. Assoc. 96, 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.penalties import SCAD
    >>> w = np.array([0.5, 1.5, 3.0, 4.0])
    >>> SCAD(alpha=1.0, gamma=3.0).prox(w, 1.0)
    >>> w
    array([0. , 0.5, 3. , 4. ])
    """

    _parameter_constraints = {
        **_Elementwise._parameter_constraints,
        "gamma": [Interval(Real, 2, None, closed="neither")],
    }
    _kernel = _kernels.SCADKernel

    def __init__(
        self, alpha: float = 1e-4, gamma: float = 3.7, *, weights: ArrayLike | None = None
    ) -> None:
        self.alpha = alpha
        self.gamma = gamma
        self.weights = weights

    @property
    def _kink(self) -> float:
        return self.alpha

    def _values(self, w: np.ndarray) -> np.ndarray:
        alpha, gamma, size = self.alpha, self.gamma, np.abs(w)
        bend = (2 * gamma * alpha * size - w**2 - alpha**2) / (2 * (gamma - 1))
        flat = alpha**2 * (gamma + 1) / 2
        return np.where(size > gamma * alpha, flat, np.where(size > alpha, bend, alpha * size))

    def _slopes(self, w: np.ndarray) -> np.ndarray:
        bend = (self.gamma * self.alpha - np.abs(w)) / (self.gamma - 1)
        return np.sign(w) * np.clip(bend, 0.0, self.alpha)

    def _cut(self, w: np.ndarray, step: float | np.ndarray) -> np.ndarray:
        alpha, gamma, size = self.alpha, self.gamma, np.abs(w)
        shrink = np.maximum(1 - step / (gamma - 1), 0.0)
        limit = alpha * np.where(
            step < gamma - 1,
            gamma,
            np.where(step < gamma + 1, (gamma + 1 + step) / 2, np.sqrt(step * (gamma + 1))),
        )
        knee = np.minimum(alpha * (1 + step), limit)
        middle = _divide(_soft(w, step * gamma * alpha / (gamma - 1)), shrink)
        outer = np.where(size <= limit, middle, w)
        return np.where(size <= knee, _soft(w, step * alpha), outer)


class Box(_Elementwise):
    r"""Bounds on weights, alone or with lasso and ridge.

    .. math:: \sum_j q_j \left(\lambda_1 |w_j| + \frac{\lambda_2}{2} w_j^2\right)
        \ \text{within}\ l_j \le w_j \le u_j, \ \infty\ \text{elsewhere}

    The proximal step is the elastic net's, clipped to the bounds, which is exact.  The default
    keeps weights from being negative.

    Parameters
    ----------
    lower, upper : float or array-like of shape (n_features,), default=0.0, inf
        Bounds, which weights may attain.
    l1, l2 : float, default=0.0
        Strengths of the lasso and the ridge that go with the bounds.
    weights : array-like of shape (n_features,), default=None
        Multiplies each feature's lasso and ridge (q); 0 leaves a feature alone, bounds
        included. None is all ones.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.penalties import Box
    >>> w = np.array([-1.0, 0.5, 3.0])
    >>> Box(upper=1.0).value(w)
    inf
    >>> Box(upper=1.0, l1=0.2).prox(w, 1.0)
    >>> w
    array([0. , 0.3, 1. ])
    >>> Box(l2=0.5).split()
    (L2(alpha=0.5), Box())
    """

    _parameter_constraints = {
        "lower": [Real, "array-like"],
        "upper": [Real, "array-like"],
        "l1": [Interval(Real, 0, None, closed="left")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "weights": ["array-like", None],
    }
    _from_estimator = {}
    _kernel = _kernels.BoxKernel

    def __init__(
        self,
        lower: float | ArrayLike = 0.0,
        upper: float | ArrayLike = np.inf,
        *,
        l1: float = 0.0,
        l2: float = 0.0,
        weights: ArrayLike | None = None,
    ) -> None:
        self.lower = lower
        self.upper = upper
        self.l1 = l1
        self.l2 = l2
        self.weights = weights

    def value(self, w: np.ndarray) -> float:
        lower, upper = self._bounds(w)
        return math.inf if np.any((w < lower) | (w > upper)) else super().value(w)

    def prox(self, w: np.ndarray, lr: float | np.ndarray) -> None:
        super().prox(w, lr)
        np.clip(w, *self._bounds(w), out=w)
        w += 0.0  # -0.0 becomes 0.0

    def residual(self, w: np.ndarray, grad: np.ndarray) -> np.ndarray:
        """As of the lasso and ridge, less what pushes against a bound that is attained."""
        residual = super().residual(w, grad)
        if not self._is_as_defined():
            return residual
        lower, upper = self._bounds(w)
        factors = self._factors(w)
        below, above = self._one_sided(w, grad, factors)
        residual = np.where(w <= lower, np.minimum(above, 0.0), residual)
        residual = np.where(w >= upper, np.maximum(below, 0.0), residual)
        return np.where(lower == upper, 0.0, residual)

    def _one_sided(
        self, w: np.ndarray, grad: np.ndarray, factors: float | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The slopes of the objective to the left and to the right of w."""
        slope = grad + factors * self._slopes(w)
        kink = np.where(w == 0, factors * self.l1, 0.0)
        return slope - kink, slope + kink

    def bounds(self, n_features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        if self.l2 or not self._is_as_defined():
            return None
        w = np.zeros(n_features)
        lower, upper = self._bounds(w)
        return w + self.l1 * self._factors(w), w + lower, w + upper

    def split(self) -> tuple[Penalty | None, Penalty | None]:
        if self._redefines(Box) or self.l2 == 0:
            return super().split()
        rest = Box(self.lower, self.upper, l1=self.l1, weights=self.weights)
        return L2(self.l2, weights=self.weights), rest

    def validate(self) -> Self:
        super().validate()
        owner = type(self).__name__
        lower, upper = (np.asarray(bound, dtype=np.float64) for bound in (self.lower, self.upper))
        for name, bound in (("lower", lower), ("upper", upper)):
            if bound.ndim > 1:
                raise InvalidParameterError(
                    f"The {name!r} parameter of {owner} must be a float or 1-D, one bound for each "
                    f"feature. Got an array of shape {bound.shape} instead."
                )
        if lower.ndim == upper.ndim == 1 and lower.size != upper.size:
            raise InvalidParameterError(
                f"The 'lower' and 'upper' parameters of {owner} must have one length. Got "
                f"{lower.size} and {upper.size} instead."
            )
        if not np.all((lower <= upper) & (lower < np.inf) & (upper > -np.inf)):
            raise InvalidParameterError(
                f"The 'lower' parameter of {owner} must not be above 'upper'. Got "
                f"lower={self.lower!r} and upper={self.upper!r} instead."
            )
        return self

    @property
    def _kink(self) -> float:
        return self.l1

    def _values(self, w: np.ndarray) -> np.ndarray:
        return self.l1 * np.abs(w) + self.l2 / 2 * w**2

    def _slopes(self, w: np.ndarray) -> np.ndarray:
        return self.l1 * np.sign(w) + self.l2 * w

    def _cut(self, w: np.ndarray, step: float | np.ndarray) -> np.ndarray:
        return _soft(w, step * self.l1) / (1 + step * self.l2)

    def _bounds(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        bounds = [np.asarray(bound, dtype=np.float64) for bound in (self.lower, self.upper)]
        for name, bound in zip(("lower", "upper"), bounds, strict=True):
            if bound.ndim and bound.shape != w.shape[-1:]:
                raise ValueError(
                    f"{name} of {type(self).__name__} has shape {bound.shape}, but there are "
                    f"{w.shape[-1]} features; one bound for each is wanted."
                )
        free = np.equal(self._factors(w), 0)
        return np.where(free, -np.inf, bounds[0]), np.where(free, np.inf, bounds[1])


#: names that the estimators' ``penalty`` accepts
PENALTIES = registry(L2, L1, GroupLasso, MCP, SCAD, Box, elasticnet=ElasticNet)
