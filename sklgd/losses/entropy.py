"""Cross-entropy and its kin."""

from __future__ import annotations

from numbers import Real

import numpy as np
from scipy.special import expit, logit, logsumexp, softmax, wrightomega
from sklearn.utils._param_validation import Interval as Range
from sklearn.utils._param_validation import StrOptions

from .._kernels.losses import entropy as kernels
from .classification import (
    Classification,
    is_joint,
    own_class,
    sigmoid_proba,
    sign,
    softmax_proba,
)
from .positive import softplus


def binary_entropy(y: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """Cross-entropy of ``y`` in [0, 1] to sigmoid(raw)."""
    return np.abs(raw) * np.where(raw > 0, 1 - y, y) + np.log1p(np.exp(-np.abs(raw)))


def binary_entropy_gradient(y: np.ndarray, raw: np.ndarray) -> np.ndarray:
    # sigmoid(raw) - y, without the cancellation at y = 1
    return (1 - y) * expit(raw) - y * expit(-raw)


def rise_takes_less(time: float, y: np.ndarray, raw: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Say whether dr/dt = y - sigmoid(r) goes such a way up from ``raw`` in less than ``time``.

    That takes w / y - (1 / y + 1 / (1 - y)) log((y - (1 - y) e^(r + w)) / (y - (1 - y) e^r)), and
    w + e^r (e^w - 1) for y = 1.
    """
    with np.errstate(all="ignore"):  # the form that is not taken
        a, b, base = np.exp(-np.maximum(raw, 0)), np.exp(np.minimum(raw, 0)), np.minimum(raw, 0)
        grown = np.where(way < 1, b * np.expm1(way), np.exp(base + way) - b) / a
        odds = (1 - y) * b / a
        spent = way / y - (1 / y + 1 / (1 - y)) * np.log1p(-(1 - y) * grown / (y - odds))
        return np.where(y == 1, way + grown, spent) < time


def sigmoid_slope(raw: np.ndarray) -> np.ndarray:
    """Return the derivative of the sigmoid."""
    fall = np.exp(-np.abs(raw))
    return fall / (1 + fall) ** 2


def softmax_slopes(raw: np.ndarray) -> np.ndarray:
    """Return the derivative of the softmax, (n, k, k) blocks.

    Rows sum to zero, so that a diagonal entry is a sum of terms of one sign.
    """
    p = softmax(raw, axis=1)
    blocks = -p[:, :, None] * p[:, None, :]
    each = np.arange(raw.shape[1])
    blocks[:, each, each] = 0.0
    blocks[:, each, each] = -blocks.sum(axis=2)
    return blocks


def cross_entropy(y: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cross-entropy of each row to its class ``y``, and its gradient.

    Neither loses digits where the probability of the right class is almost 1.
    """
    own = own_class(y, raw)
    shifted = raw - raw.max(axis=1, keepdims=True)
    gradient = np.exp(shifted)
    lead, mass = shifted[own], gradient[own]
    gradient[own] = 0.0
    others = gradient.sum(axis=1)
    gradient[own] = -others
    gradient /= (mass + others)[:, None]
    return np.where(lead == 0, np.log1p(others), np.log(mass + others) - lead), gradient


class LogLoss(Classification):
    r"""Cross-entropy: logistic regression, multinomial or one versus rest.

    .. math::
        \ell(y, r) = \log(1 + e^r) - y r, \qquad
        \ell(y, r) = \log \sum_j e^{r_j} - r_y

    for one score, with targets anywhere in [0, 1], and for one score per class.  Smoothing
    replaces the one-hot target :math:`y` by :math:`(1 - s) y + s / K`, K being the number of
    classes (2 for one score).

    Parameters
    ----------
    label_smoothing : float, default=0.0
        The share :math:`s` of the target that is spread over all classes, in [0, 1).
    multi_class : {"multinomial", "ovr"}, default="multinomial"
        With three or more classes, one softmax or one binary problem per class.

    References
    ----------
    Cox, D. R. (1958). The Regression Analysis of Binary Sequences. J. R. Stat. Soc. B 20.

    Szegedy, C. et al. (2016). Rethinking the Inception Architecture for Computer Vision. CVPR.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import LogLoss
    >>> LogLoss().value(np.array([1.0, 0.0]), np.array([0.0, 100.0])).round(4)
    array([  0.6931, 100.    ])
    >>> LogLoss().gradient(np.array([2.0]), np.zeros((1, 4)))
    array([[ 0.25,  0.25, -0.75,  0.25]])
    """

    curvature = 0.25
    joint_curvature = 0.5
    self_concordant = True
    _kernel = kernels.LogLossKernel
    _parameter_constraints = {
        "label_smoothing": [Range(Real, 0, 1, closed="left")],
        "multi_class": [StrOptions({"multinomial", "ovr"})],
    }

    def __init__(self, label_smoothing: float = 0.0, multi_class: str = "multinomial") -> None:
        self.label_smoothing = label_smoothing
        self.multi_class = multi_class

    @property
    def joint(self) -> bool:
        return self.multi_class == "multinomial"

    def soft(self) -> SoftLogLoss:
        """Return the loss that takes class probabilities as targets."""
        return SoftLogLoss(label_smoothing=self.label_smoothing)

    def _smooth(self, y: np.ndarray) -> np.ndarray:
        return (1 - self.label_smoothing) * y + 0.5 * self.label_smoothing

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        if not is_joint(y, raw):
            return binary_entropy(self._smooth(y), raw)
        value, _ = cross_entropy(y, raw)
        if self.label_smoothing:
            lead = raw[own_class(y, raw)]
            value += self.label_smoothing * (lead[:, None] - raw).mean(axis=1)
        return value

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        if not is_joint(y, raw):
            return binary_entropy_gradient(self._smooth(y), raw)
        _, gradient = cross_entropy(y, raw)
        if self.label_smoothing:
            gradient -= self.label_smoothing / raw.shape[1]
            gradient[own_class(y, raw)] += self.label_smoothing
        return gradient

    def proximal_slope(self, y: np.ndarray, center: np.ndarray, step: float) -> np.ndarray:
        # expit(r) - y at the root of an increasing function, halved until nothing is left to halve
        y = self._smooth(y)
        low, high = center - step * (1 - y), center + step * y
        for _ in range(200):
            middle = 0.5 * (low + high)
            above = middle - center + step * (expit(middle) - y) > 0
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return expit(low) - y

    def joint_proximal_slope(self, y: np.ndarray, center: np.ndarray, step: float) -> np.ndarray:
        # probabilities with log(p) + step * p = point - level, whose sum falls with the level
        target = np.full(center.shape, self.label_smoothing / center.shape[1])
        target[own_class(y, center)] += 1 - self.label_smoothing
        point = center + step * target
        high = logsumexp(point, axis=1, keepdims=True)
        low = high - step
        for _ in range(200):
            level = 0.5 * (low + high)
            proba = wrightomega(np.log(step) + point - level) / step
            above = proba.sum(axis=1, keepdims=True) < 1
            low, high = np.where(above, low, level), np.where(above, level, high)
        slopes = proba - target
        slopes[own_class(y, center)] = 0.0
        slopes[own_class(y, center)] = -slopes.sum(axis=1)
        return slopes

    def flow_slope(self, y: np.ndarray, raw: np.ndarray, time: float) -> np.ndarray:
        # how far the flow comes, where the time that this takes is known: halved until nothing is
        # left to halve; mirrored so that raw rises
        y = self._smooth(y)
        rises = (expit(raw) <= y) & (y > 0)
        y, raw = np.where(rises, y, 1 - y), np.where(rises, raw, -raw)
        first = -binary_entropy_gradient(y, raw)
        low, high = np.zeros_like(raw), np.minimum(time * first, logit(y) - raw)
        for _ in range(100):
            middle = 0.5 * (low + high)
            early = rise_takes_less(time, y, raw, middle)
            low, high = np.where(early, middle, low), np.where(early, high, middle)
        return np.where(rises, -1.0, 1.0) * low / time

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return softmax_slopes(raw) if is_joint(y, raw) else sigmoid_slope(raw)

    def predict_proba(self, raw: np.ndarray) -> np.ndarray:
        """Return class probabilities of shape (n, 2), or (n, k) for k > 1 columns."""
        return softmax_proba(raw) if self.joint else sigmoid_proba(raw)


class SoftLogLoss(Classification):
    r"""Cross-entropy to class probabilities instead of class labels.

    .. math:: \ell(y, r) = \sum_j y_j \left(\log \sum_i e^{r_i} - r_j\right)

    Joint, ``y`` is an (n, k) matrix of weights of 0 or more, whose rows usually sum to one.  For
    one score it is `LogLoss`, with targets in [0, 1].

    Parameters
    ----------
    label_smoothing : float, default=0.0
        The share of the target that is spread over all classes, in [0, 1).

    References
    ----------
    Hinton, G., Vinyals, O. and Dean, J. (2015). Distilling the Knowledge in a Neural Network.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import LogLoss
    >>> LogLoss().soft().gradient(np.array([[0.5, 0.5]]), np.zeros((1, 2)))
    array([[0., 0.]])
    """

    joint = True
    soft_targets = True
    curvature = 0.25
    joint_curvature = 0.5
    self_concordant = True
    _kernel = kernels.SoftLogLossKernel
    _parameter_constraints = {"label_smoothing": [Range(Real, 0, 1, closed="left")]}

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def _smooth(self, y: np.ndarray, n_classes: int) -> np.ndarray:
        return (1 - self.label_smoothing) * y + self.label_smoothing / n_classes

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        if np.ndim(raw) != 2:
            return binary_entropy(self._smooth(y, 2), raw)
        y = self._smooth(y, raw.shape[1])
        down = raw.max(axis=1, keepdims=True) - raw
        return (y * down).sum(axis=1) + y.sum(axis=1) * np.log1p(_rest(down)[:, 0])

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        if np.ndim(raw) != 2:
            return binary_entropy_gradient(self._smooth(y, 2), raw)
        y = self._smooth(y, raw.shape[1])
        top = raw.argmax(axis=1)[:, None]
        down = raw.max(axis=1, keepdims=True) - raw
        mass, rest = np.exp(-down), _rest(down)
        # p_j (sum(y) - y_j) - y_j (1 - p_j) keeps its digits where p_j is almost 1
        others = np.where(np.arange(raw.shape[1]) == top, rest, (1 + rest) - mass)
        return (mass * (y.sum(axis=1, keepdims=True) - y) - y * others) / (1 + rest)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        if np.ndim(raw) != 2:
            return sigmoid_slope(raw)
        total = self._smooth(y, raw.shape[1]).sum(axis=1)
        return total[:, None, None] * softmax_slopes(raw)

    def predict_proba(self, raw: np.ndarray) -> np.ndarray:
        """Return class probabilities of shape (n, 2), or (n, k) for k > 1 columns."""
        return softmax_proba(raw)


def _rest(down: np.ndarray) -> np.ndarray:
    """Sum exp(-down) over all but the first largest entry of each row."""
    mass = np.exp(-down)
    mass[np.arange(len(down)), down.argmin(axis=1)] = 0.0
    return mass.sum(axis=1, keepdims=True)


class Focal(Classification):
    r"""Cross-entropy that turns away from the examples already classified well.

    .. math:: \ell(y, r) = -(1 - p_y)^\gamma \log p_y

    where :math:`p_y` is the probability of the true class, the sigmoid of one score or the
    softmax of one score per class.  Not convex; :math:`\gamma = 0` is `LogLoss`.  Elementwise
    targets are 0 and 1.  `predict_proba` is that sigmoid or softmax.

    Parameters
    ----------
    gamma : float, default=2.0
        The exponent :math:`\gamma`, 0 or more.

    References
    ----------
    Lin, T.-Y. et al. (2017). Focal Loss for Dense Object Detection. ICCV.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import Focal
    >>> Focal(gamma=2.0).value(np.ones(2), np.array([0.0, 4.0])).round(6)
    array([1.73287e-01, 6.00000e-06])
    """

    joint = True
    _kernel = kernels.FocalKernel
    _parameter_constraints = {"gamma": [Range(Real, 0, None, closed="left")]}

    def __init__(self, gamma: float = 2.0) -> None:
        self.gamma = gamma

    def _entropy(self, y: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # The cross-entropy, its gradient, and 1 - p_y.
        if is_joint(y, raw):
            entropy, gradient = cross_entropy(y, raw)
            return entropy, gradient, -gradient[own_class(y, raw)]
        z = sign(y) * raw
        miss = expit(-z)
        return softplus(-z), -sign(y) * miss, miss

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        entropy, _, miss = self._entropy(y, raw)
        return miss**self.gamma * entropy

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        entropy, gradient, miss = self._entropy(y, raw)
        # entropy / miss tends to 1 as both vanish
        ratio = np.divide(entropy, miss, out=np.ones_like(entropy), where=miss != 0)
        factor = miss**self.gamma * (1 + self.gamma * (1 - miss) * ratio)
        return gradient * (factor[:, None] if is_joint(y, raw) else factor)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        gamma = self.gamma
        entropy, slope, miss = self._entropy(y, raw)
        if not is_joint(y, raw):
            hit = expit(sign(y) * raw)
            bend = gamma * (gamma * hit - miss) * entropy + (2 * gamma + 1) * miss
            return miss**gamma * hit * bend
        some = np.where(miss != 0, miss, 1.0)
        ratio = np.where(miss != 0, entropy / some, 1.0)
        factor = miss**gamma * (1 + gamma * (1 - miss) * ratio)
        # of the cross-entropy's gradient times itself, which vanishes where miss does
        outer = gamma * (1 - miss) * (2 - entropy + (gamma - 1) * (1 - miss) * ratio)
        outer = np.where(miss != 0, outer * some ** (gamma - 1), 0.0)[:, None, None]
        blocks = factor[:, None, None] * softmax_slopes(raw)
        return blocks + outer * (slope[:, :, None] * slope[:, None, :])

    def predict_proba(self, raw: np.ndarray) -> np.ndarray:
        """Return class probabilities of shape (n, 2), or (n, k) for k > 1 columns."""
        return softmax_proba(raw)
