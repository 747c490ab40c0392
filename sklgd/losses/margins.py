"""Losses of the margin: how far a row is on the right side, and of the classes apart."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval as Range

from .._kernels.losses import margins as kernels
from .base import Loss
from .classification import (
    Classification,
    binary_columns,
    is_joint,
    own_class,
    sigmoid_proba,
    sign,
)
from .positive import exp
from .smoothed import SmoothedMargin, SmoothMulticlassHinge


class Hinge(Classification):
    r"""Hinge loss of the linear support vector machine.

    .. math:: \ell(y, r) = \max(0, 1 - z), \qquad z = (2 y - 1) r

    Targets are 0 and 1.  The subgradient in :math:`z` at the kink :math:`z = 1` is -1, as in
    scikit-learn's SGD.

    References
    ----------
    Cortes, C. and Vapnik, V. (1995). Support-Vector Networks. Machine Learning 20.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import Hinge
    >>> Hinge().value(np.array([1.0, 1.0, 0.0]), np.array([3.0, 0.5, 0.5]))
    array([0. , 0.5, 1.5])
    """

    smooth = False
    _kernel = kernels.HingeKernel

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.maximum(1 - sign(y) * raw, 0.0)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.where(sign(y) * raw <= 1, -sign(y), 0.0)

    def proximal_slope(self, y: np.ndarray, center: np.ndarray, step: float) -> np.ndarray:
        return -sign(y) * np.clip((1 - sign(y) * center) / step, 0.0, 1.0)

    flow_slope = proximal_slope  # down a straight slope both come to the same point

    def kinks(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        side = sign(y)[None]
        return side, np.minimum(-side, 0.0), np.maximum(-side, 0.0)

    def smoothed(self, width: float) -> Loss | None:
        return SmoothedMargin(width=width)


class SquaredHinge(Classification):
    r"""Squared hinge loss.

    .. math:: \ell(y, r) = \max(0, 1 - z)^2, \qquad z = (2 y - 1) r

    Targets are 0 and 1.

    References
    ----------
    Chang, K.-W., Hsieh, C.-J. and Lin, C.-J. (2008). Coordinate Descent Method for Large-scale
    L2-loss Linear Support Vector Machines. JMLR 9.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import SquaredHinge
    >>> SquaredHinge().gradient(np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    array([-1.,  3.])
    """

    curvature = 2.0
    _kernel = kernels.SquaredHingeKernel

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.maximum(1 - sign(y) * raw, 0.0) ** 2

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return -2 * sign(y) * np.maximum(1 - sign(y) * raw, 0.0)

    def proximal_slope(self, y: np.ndarray, center: np.ndarray, step: float) -> np.ndarray:
        return -2 * sign(y) * np.maximum((1 - sign(y) * center) / (1 + 2 * step), 0.0)

    def flow_slope(self, y: np.ndarray, raw: np.ndarray, time: float) -> np.ndarray:
        return self.gradient(y, raw) * -np.expm1(-2 * time) / (2 * time)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.where(sign(y) * raw < 1, 2.0, 0.0)


class SmoothHinge(Classification):
    r"""Hinge loss with a parabola in place of its kink.

    .. math::
        \ell(y, r) = \begin{cases} 0 & z \ge 1 \\ (1 - z)^2 / (2 \gamma) & 1 - \gamma < z < 1 \\
        1 - z - \gamma / 2 & z \le 1 - \gamma \end{cases} \qquad z = (2 y - 1) r

    Targets are 0 and 1.  Its limit as :math:`\gamma \to 0` is `Hinge`, which exceeds it by at
    most :math:`\gamma / 2`.

    Parameters
    ----------
    gamma : float, default=1.0
        Width of the parabola, positive.

    References
    ----------
    Shalev-Shwartz, S. and Zhang, T. (2013). Stochastic Dual Coordinate Ascent Methods for
    Regularized Loss Minimization. JMLR 14.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import SmoothHinge
    >>> SmoothHinge(gamma=1.0).value(np.ones(3), np.array([2.0, 0.5, -1.0]))
    array([0.   , 0.125, 1.5  ])
    """

    _kernel = kernels.SmoothHingeKernel
    _parameter_constraints = {"gamma": [Range(Real, 0, None, closed="neither")]}

    def __init__(self, gamma: float = 1.0) -> None:
        self.gamma = gamma

    @property
    def curvature(self) -> float:
        return 1 / self.gamma

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        short = np.maximum(1 - sign(y) * raw, 0.0)
        bent = np.minimum(short, self.gamma)
        return bent * (short - 0.5 * bent) / self.gamma

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        short = np.maximum(1 - sign(y) * raw, 0.0)
        return -sign(y) * np.minimum(short, self.gamma) / self.gamma

    def proximal_slope(self, y: np.ndarray, center: np.ndarray, step: float) -> np.ndarray:
        return -sign(y) * np.clip((1 - sign(y) * center) / (self.gamma + step), 0.0, 1.0)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        short = 1 - sign(y) * raw
        return np.where((short > 0) & (short < self.gamma), 1 / self.gamma, 0.0)


class ModifiedHuber(Classification):
    r"""Squared hinge that turns linear for gross errors, and has probabilities.

    .. math::
        \ell(y, r) = \begin{cases} \max(0, 1 - z)^2 & z \ge -1 \\ -4 z & z < -1 \end{cases}
        \qquad z = (2 y - 1) r

    Targets are 0 and 1.  The probability of class 1 is ``(clip(raw, -1, 1) + 1) / 2``; with
    several columns, one versus rest, rows are divided by their sum, and a row of zeros
    becomes uniform, as in `sklearn.linear_model.SGDClassifier`.

    References
    ----------
    Zhang, T. (2004). Statistical behavior and consistency of classification methods based on
    convex risk minimization. Ann. Statist. 32.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import ModifiedHuber
    >>> ModifiedHuber().value(np.ones(3), np.array([2.0, 0.0, -2.0]))
    array([0., 1., 8.])
    >>> ModifiedHuber().predict_proba(np.array([0.5]))
    array([[0.25, 0.75]])
    """

    curvature = 2.0
    _kernel = kernels.ModifiedHuberKernel

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        short = np.maximum(1 - sign(y) * raw, 0.0)
        bent = np.minimum(short, 2.0)
        return bent * (2 * short - bent)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return -2 * sign(y) * np.clip(1 - sign(y) * raw, 0.0, 2.0)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.where(np.abs(raw) < 1, 2.0, 0.0)

    def predict_proba(self, raw: np.ndarray) -> np.ndarray:
        """Return class probabilities of shape (n, 2), or (n, k) for k > 1 columns."""
        score = binary_columns(raw)
        if score is not None:
            certainty = np.clip(score, -1, 1)
            return (1 + np.column_stack([-certainty, certainty])) / 2
        share = (1 + np.clip(raw, -1, 1)) / 2
        total = share.sum(axis=1, keepdims=True)
        uniform = np.full_like(share, 1 / share.shape[1])
        return np.divide(share, total, out=uniform, where=total != 0)


class Perceptron(Classification):
    r"""Loss of the perceptron.

    .. math:: \ell(y, r) = \max(0, -z), \qquad z = (2 y - 1) r

    Targets are 0 and 1.  The subgradient in :math:`z` at the kink :math:`z = 0` is -1, as in
    scikit-learn's SGD: a model that starts at zero must move.

    References
    ----------
    Rosenblatt, F. (1958). The Perceptron. Psychological Review 65.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import Perceptron
    >>> Perceptron().gradient(np.array([1.0, 1.0, 0.0]), np.array([-2.0, 2.0, 0.0]))
    array([-1.,  0.,  1.])
    """

    smooth = False
    _kernel = kernels.PerceptronKernel

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.maximum(-sign(y) * raw, 0.0)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.where(sign(y) * raw <= 0, -sign(y), 0.0)

    def smoothed(self, width: float) -> Loss | None:
        return SmoothedMargin(width=width, margin=0.0)


class Exponential(Classification):
    r"""Exponential loss of AdaBoost.

    .. math:: \ell(y, r) = e^{-z}, \qquad z = (2 y - 1) r

    Targets are 0 and 1.  Its minimiser is half the log-odds, so the probability of class 1 is
    the sigmoid of ``2 * raw``.

    References
    ----------
    Friedman, J., Hastie, T. and Tibshirani, R. (2000). Additive Logistic Regression.
    Ann. Statist. 28.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import Exponential
    >>> Exponential().gradient(np.array([1.0, 0.0]), np.zeros(2))
    array([-1.,  1.])
    """

    _kernel = kernels.ExponentialKernel

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return exp(-sign(y) * raw)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return -sign(y) * exp(-sign(y) * raw)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return exp(-sign(y) * raw)

    def predict_proba(self, raw: np.ndarray) -> np.ndarray:
        """Return class probabilities of shape (n, 2), or (n, k) for k > 1 columns."""
        return sigmoid_proba(2 * np.asarray(raw))


class MulticlassHinge(Classification):
    r"""Multiclass hinge of Crammer and Singer: the true class must lead by 1.

    .. math:: \ell(y, r) = \max\left(0, 1 + \max_{j \ne y} r_j - r_y\right)

    For one score it is `Hinge`, with targets 0 and 1.  The subgradient at the kink is the
    active one, as in `Hinge`; among tied classes the first one takes it.

    References
    ----------
    Crammer, K. and Singer, Y. (2001). On the Algorithmic Implementation of Multiclass
    Kernel-based Vector Machines. JMLR 2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import MulticlassHinge
    >>> MulticlassHinge().value(np.array([0.0, 1.0]), np.array([[2.0, 1.5, 0.0], [2.0, 1.5, 0.0]]))
    array([0.5, 1.5])
    """

    joint = True
    smooth = False
    _kernel = kernels.MulticlassHingeKernel

    def _rival(self, y: np.ndarray, raw: np.ndarray) -> tuple[tuple, tuple, np.ndarray]:
        own = own_class(y, raw)
        others = np.array(raw, dtype=np.float64)
        others[own] = -np.inf
        rival = own[0], others.argmax(axis=1)
        return own, rival, 1 + others[rival] - raw[own]

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        if not is_joint(y, raw):
            return Hinge.value(self, y, raw)
        return np.maximum(self._rival(y, raw)[2], 0.0)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        if not is_joint(y, raw):
            return Hinge.gradient(self, y, raw)
        own, rival, short = self._rival(y, raw)
        gradient = np.zeros(raw.shape)
        active = np.where(short >= 0, 1.0, 0.0)
        gradient[rival] = active
        gradient[own] = -active
        return gradient

    proximal_slope, flow_slope = Hinge.proximal_slope, Hinge.flow_slope

    def joint_proximal_slope(self, y: np.ndarray, center: np.ndarray, step: float) -> np.ndarray:
        # a point of the simplex less the vertex of the true class: a projection
        own = own_class(y, center)
        point = (center + 1) / step
        point[own] = center[own] / step + 1
        point -= point.max(axis=1, keepdims=True)  # far from zero, what is added would be lost
        falling = np.sort(point, axis=1)[:, ::-1]
        levels = (np.cumsum(falling, axis=1) - 1) / np.arange(1, point.shape[1] + 1)
        last = np.sum(falling > levels, axis=1) - 1
        slopes = np.maximum(point - levels[own[0], last][:, None], 0.0)
        slopes[own] -= 1
        return slopes

    def smoothed(self, width: float) -> Loss | None:
        return SmoothMulticlassHinge(width=width)
