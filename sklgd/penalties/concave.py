"""Penalties that leave large weights alone."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from .._kernels import penalties as _kernels
from .base import Elementwise, divide, soft


class MCP(Elementwise):
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
        **Elementwise._parameter_constraints,
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
        inner = divide(soft(w, step * self.alpha), shrink)
        return np.where(np.abs(w) <= limit, inner, w)


class SCAD(Elementwise):
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
        **Elementwise._parameter_constraints,
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
        bend = (2 * gamma * alpha * size - w**2 - alpha * alpha) / (2 * (gamma - 1))
        flat = alpha * alpha * (gamma + 1) / 2  # a power of floats would raise where it overflows
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
        middle = divide(soft(w, step * gamma * alpha / (gamma - 1)), shrink)
        outer = np.where(size <= limit, middle, w)
        return np.where(size <= knee, soft(w, step * alpha), outer)
