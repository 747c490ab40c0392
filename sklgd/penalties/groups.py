"""Norms of groups of features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from .._groups import check_groups, parse_groups
from .._kernels import penalties as _kernels
from .._strategy import has_kernel
from .base import Penalty


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
        if not has_kernel(self):
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
