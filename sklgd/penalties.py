"""Penalties: what is added to the mean loss to keep weights small, sparse or within bounds.

A penalty sees weights only, of shape (n_features,) or (n_outputs, n_features); intercepts never
come here.  It is stateless, and everything below holds of every penalty in this module:

- ``value(w)`` is a float and ``add_gradient(w, grad)`` adds a (sub)gradient of it to ``grad``;
- ``prox(w, lr)`` replaces ``w`` by ``argmin_v |v - w|^2 / 2 + lr * value(v)``, exactly, also where
  the penalty is not convex.  ``lr`` is a float or an array of w's shape, in which case the
  problem is ``sum((v - w)^2 / (2 lr)) + value(v)``: each entry has a step of its own;
- what a proximal step cuts is exactly 0.0, and a NaN stays a NaN;
- ``split()`` says which part training descends and which part it steps proximally.

The compiled twins in ``_kernels/penalties.pyx`` do the same on pointers; this file defines them.
"""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval, InvalidParameterError

from ._kernels import penalties as _kernels
from ._strategy import Strategy, registry


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

    def value(self, w):
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

    def add_gradient(self, w, grad):
        """Add a (sub)gradient at ``w`` to ``grad``, in place.

        Parameters
        ----------
        w, grad : ndarray of shape (n_features,) or (n_outputs, n_features)
            The weights, which are only read, and the gradient, which is added to.
        """
        raise NotImplementedError(f"{type(self).__name__} has no add_gradient(w, grad).")

    def prox(self, w, lr):
        """Replace ``w`` by ``argmin_v |v - w|^2 / 2 + lr * value(v)``, in place.

        Parameters
        ----------
        w : ndarray of shape (n_features,) or (n_outputs, n_features)
            The weights.
        lr : float or ndarray of w's shape
            The step size, or one for each weight; not negative.
        """
        raise NotImplementedError(f"{type(self).__name__} has no prox(w, lr).")

    def split(self):
        """Return ``(smooth, rest)``: what enters the gradient and what is a proximal step.

        Either may be None, and their values sum to this penalty's.  Of a subclass, what it
        overrides itself decides.
        """
        for cls in type(self).__mro__[: -len(Penalty.__mro__)]:
            if "prox" in vars(cls):
                return None, self
            if "add_gradient" in vars(cls):
                return self, None
        raise NotImplementedError(
            f"{type(self).__name__} must define prox(w, lr) or add_gradient(w, grad)."
        )

    def _redefines(self, cls):
        """Whether a subclass of ``cls`` has another prox or gradient: then cls's split is void."""
        mine = type(self)
        return mine.prox is not cls.prox or mine.add_gradient is not cls.add_gradient


class _Elementwise(Penalty):
    """A sum over weights: ``sum_cj weights[j] * h(w[c, j])``.

    A feature's weight multiplies its penalty, so in the proximal step it multiplies lr.
    """

    _parameter_constraints = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "weights": ["array-like", None],
    }
    _from_estimator = {"alpha": "alpha"}

    def _values(self, w):
        """h(w), entry by entry."""
        raise NotImplementedError

    def _slopes(self, w):
        """h'(w), entry by entry."""
        raise NotImplementedError

    def _cut(self, w, step):
        """argmin_v (v - w)^2 / 2 + step * h(v), entry by entry."""
        raise NotImplementedError

    def value(self, w):
        return float(np.sum(self._factors(w) * self._values(w)))

    def add_gradient(self, w, grad):
        grad += self._factors(w) * self._slopes(w)

    def prox(self, w, lr):
        w[...] = self._cut(w, lr * self._factors(w))

    def _factors(self, w):
        if self.weights is None:
            return 1.0
        weights = np.asarray(self.weights, dtype=np.float64)
        if weights.shape != w.shape[-1:]:
            raise ValueError(
                f"weights of {type(self).__name__} has shape {weights.shape}, but there are "
                f"{w.shape[-1]} features; one weight for each is wanted."
            )
        return weights

    def validate(self):
        super().validate()
        if self.weights is not None:
            _check_feature_weights(self.weights, type(self).__name__)
        return self


def _check_feature_weights(weights, owner):
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


def _soft(w, threshold):
    """Soft threshold: w less its part within [-threshold, threshold]."""
    return w - np.clip(w, -threshold, threshold)


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

    def __init__(self, alpha=1e-4, *, weights=None):
        self.alpha = alpha
        self.weights = weights

    def _values(self, w):
        return self.alpha / 2 * w**2

    def _slopes(self, w):
        return self.alpha * w

    def _cut(self, w, step):
        return w / (1 + step * self.alpha)

    def split(self):
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

    def __init__(self, alpha=1e-4, *, weights=None):
        self.alpha = alpha
        self.weights = weights

    def _values(self, w):
        return self.alpha * np.abs(w)

    def _slopes(self, w):
        return self.alpha * np.sign(w)

    def _cut(self, w, step):
        return _soft(w, step * self.alpha)


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

    def __init__(self, alpha=1e-4, l1_ratio=0.15, *, weights=None):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.weights = weights

    @property
    def _strengths(self):
        return self.alpha * self.l1_ratio, self.alpha * (1 - self.l1_ratio)

    def _values(self, w):
        l1, l2 = self._strengths
        return l1 * np.abs(w) + l2 / 2 * w**2

    def _slopes(self, w):
        l1, l2 = self._strengths
        return l1 * np.sign(w) + l2 * w

    def _cut(self, w, step):
        l1, l2 = self._strengths
        return _soft(w, step * l1) / (1 + step * l2)

    def split(self):
        if self._redefines(ElasticNet):
            return super().split()
        l1, l2 = self._strengths
        return (
            L2(l2, weights=self.weights) if l2 > 0 else None,
            L1(l1, weights=self.weights) if l1 > 0 else None,
        )


#: names that the estimators' ``penalty`` accepts
PENALTIES = registry(L2, L1, elasticnet=ElasticNet)
