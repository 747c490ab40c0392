"""Losses with their kinks rounded off, which `Loss.smoothed` of others returns.

Each is within O(width) of the loss that it stands for.
"""

from __future__ import annotations

from numbers import Real

import numpy as np
from scipy.special import expit
from sklearn.utils._param_validation import Interval as Range

from .._kernels.losses import entropy, margins, regression
from .base import Loss
from .classification import Classification, is_joint, own_class, sign
from .entropy import cross_entropy, sigmoid_slope, softmax_slopes
from .positive import softplus

#: the least size that percentages are of
EPS = np.finfo(np.float64).eps


def size_of(y: np.ndarray) -> np.ndarray:
    """Return the sizes of targets that relative errors are relative to."""
    return np.maximum(np.abs(y), EPS)


def ramp(x: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a smooth ``max(x, 0)``, with a parabola on [-width, width], and its slope."""
    above = np.maximum(x + width, 0.0)
    bent = np.minimum(above, 2 * width)
    return bent * (above - 0.5 * bent) / (2 * width), bent / (2 * width)


def ramp_bend(x: np.ndarray, width: float) -> np.ndarray:
    """Return the second derivative of the smooth ``max(x, 0)``."""
    return np.where(np.abs(x) < width, 1 / (2 * width), 0.0)


class SmoothedAbsolute(Loss):
    r"""Absolute, pinball or epsilon-insensitive error with its kinks rounded off.

    .. math:: \ell(y, r) = b \, s(r - y - \varepsilon) + a \, s(y - r - \varepsilon)

    where :math:`s` is :math:`\max(x, 0)`, with a parabola on :math:`[-w, w]`.  Outside those
    zones the loss equals the one it stands for; inside it is larger by at most
    :math:`(a + b) w / 4`.  Targets lie anywhere on the line.

    Parameters
    ----------
    under, over : float, default=1.0
        Slopes :math:`a` and :math:`b` where the prediction is too small and too large.
    epsilon : float, default=0.0
        Half width of the tube in which errors are free.
    width : float, default=0.01
        Half width :math:`w` of the rounding, in the units of ``y``.

    References
    ----------
    Zheng, S. (2011). Gradient descent algorithms for quantile regression with smooth
    approximation. Int. J. Mach. Learn. Cybern. 2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import AbsoluteError
    >>> AbsoluteError().smoothed(0.5).value(np.zeros(3), np.array([-2.0, 0.0, 0.5]))
    array([2.  , 0.25, 0.5 ])
    """

    task = "regression"
    _kernel = regression.SmoothedAbsoluteKernel
    _parameter_constraints = {
        "under": [Range(Real, 0, None, closed="left")],
        "over": [Range(Real, 0, None, closed="left")],
        "epsilon": [Range(Real, 0, None, closed="left")],
        "width": [Range(Real, 0, None, closed="neither")],
    }

    def __init__(
        self, under: float = 1.0, over: float = 1.0, epsilon: float = 0.0, width: float = 0.01
    ) -> None:
        self.under = under
        self.over = over
        self.epsilon = epsilon
        self.width = width

    @property
    def curvature(self) -> float:
        return (self.under + self.over) / (2 * self.width)

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        over, _ = ramp(raw - y - self.epsilon, self.width)
        under, _ = ramp(y - raw - self.epsilon, self.width)
        return self.over * over + self.under * under

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        _, over = ramp(raw - y - self.epsilon, self.width)
        _, under = ramp(y - raw - self.epsilon, self.width)
        return self.over * over - self.under * under

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        over = ramp_bend(raw - y - self.epsilon, self.width)
        return self.over * over + self.under * ramp_bend(y - raw - self.epsilon, self.width)


class SmoothedPercentage(Loss):
    r"""Absolute percentage error with its kink rounded off.

    .. math:: \ell(y, r) = \frac{s(r - y) + s(y - r)}{\max(|y|, \epsilon)}

    where :math:`s` is :math:`\max(x, 0)`, with a parabola on :math:`[-w, w]`.  It exceeds
    `AbsolutePercentageError` by at most :math:`w / (2 |y|)`.  Targets lie anywhere on the line.

    Parameters
    ----------
    width : float, default=0.01
        Half width :math:`w` of the rounding, in the units of ``y``.

    References
    ----------
    Zheng, S. (2011). Gradient descent algorithms for quantile regression with smooth
    approximation. Int. J. Mach. Learn. Cybern. 2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import AbsolutePercentageError
    >>> AbsolutePercentageError().smoothed(0.5).value(np.array([4.0, 4.0]), np.array([8.0, 4.0]))
    array([1.    , 0.0625])
    """

    task = "regression"
    _kernel = regression.SmoothedPercentageKernel
    _parameter_constraints = {"width": [Range(Real, 0, None, closed="neither")]}

    def __init__(self, width: float = 0.01) -> None:
        self.width = width

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        error = ramp(raw - y, self.width)[0] + ramp(y - raw, self.width)[0]
        return error / size_of(y)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        slope = ramp(raw - y, self.width)[1] - ramp(y - raw, self.width)[1]
        return slope / size_of(y)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return 2 * ramp_bend(raw - y, self.width) / size_of(y)


class SmoothedMargin(Classification):
    r"""Hinge loss, or perceptron loss, with its kink rounded off evenly on both sides.

    .. math::
        \ell(y, r) = \begin{cases} 0 & m \le -w \\ (w + m)^2 / (4 w) & |m| < w \\
        m & m \ge w \end{cases} \qquad m = c - (2 y - 1) r

    Targets are 0 and 1.  With c = 1 it exceeds `Hinge`, with c = 0 `Perceptron` by at most
    :math:`w / 4`; evenly, so that the two have nearly the same minimum.

    Parameters
    ----------
    width : float, default=0.01
        Half width :math:`w` of the rounding, positive.
    margin : float, default=1.0
        Where the kink is (c).

    References
    ----------
    Chapelle, O. (2007). Training a Support Vector Machine in the Primal. Neural Computation 19.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import Perceptron
    >>> Perceptron().smoothed(1.0).value(np.ones(3), np.array([-2.0, 0.0, 1.0]))
    array([2.  , 0.25, 0.  ])
    """

    _kernel = margins.SmoothedMarginKernel
    _parameter_constraints = {
        "width": [Range(Real, 0, None, closed="neither")],
        "margin": [Range(Real, None, None, closed="neither")],
    }

    def __init__(self, width: float = 0.01, margin: float = 1.0) -> None:
        self.width = width
        self.margin = margin

    @property
    def curvature(self) -> float:
        return 0.5 / self.width

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return ramp(self.margin - sign(y) * raw, self.width)[0]

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return -sign(y) * ramp(self.margin - sign(y) * raw, self.width)[1]

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return ramp_bend(self.margin - sign(y) * raw, self.width)


class SmoothMulticlassHinge(Classification):
    r"""Multiclass hinge with its maximum softened.

    .. math:: \ell(y, r) = w \log \sum_j \exp\left(\frac{[j \ne y] + r_j - r_y}{w}\right)

    For one score it is :math:`w \log(1 + e^{(1 - z) / w})` with :math:`z = (2 y - 1) r` and
    targets 0 and 1.  It exceeds `MulticlassHinge` by at most :math:`w \log k`.

    Parameters
    ----------
    width : float, default=0.01
        The temperature :math:`w`, positive.

    References
    ----------
    Gimpel, K. and Smith, N. A. (2010). Softmax-Margin CRFs. NAACL.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import MulticlassHinge
    >>> smooth = MulticlassHinge().smoothed(0.01)
    >>> smooth.value(np.array([0.0]), np.array([[2.0, 1.5, 0.0]])).round(6)
    array([0.5])
    """

    joint = True
    _kernel = entropy.SmoothMulticlassHingeKernel
    _parameter_constraints = {"width": [Range(Real, 0, None, closed="neither")]}

    def __init__(self, width: float = 0.01) -> None:
        self.width = width

    @property
    def curvature(self) -> float:
        return 0.25 / self.width

    @property
    def joint_curvature(self) -> float:
        return 0.5 / self.width

    def _scores(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        # Of the softmax: all classes but the true one are ahead by the margin.
        own = own_class(y, raw)
        scores = (raw + 1) / self.width
        scores[own] = raw[own] / self.width
        return scores

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        if is_joint(y, raw):
            return self.width * cross_entropy(y, self._scores(y, raw))[0]
        return self.width * softplus((1 - sign(y) * raw) / self.width)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        if is_joint(y, raw):
            return cross_entropy(y, self._scores(y, raw))[1]
        return -sign(y) * expit((1 - sign(y) * raw) / self.width)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        if not is_joint(y, raw):
            return sigmoid_slope((1 - sign(y) * raw) / self.width) / self.width
        return softmax_slopes(self._scores(y, raw)) / self.width
