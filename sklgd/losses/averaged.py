"""A loss averaged over raw predictions nearby: what is known of any loss with kinks."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval as Range

from .base import Interval, Loss

#: points that a mean is taken over: their kinks are a share of the loss's own
POINTS = (np.arange(8) - 3.5) / 4.0


class Averaged(Loss):
    r"""The mean of a loss over raw predictions no farther than a width.

    .. math:: \bar\ell(y, r) = \frac18 \sum_{j=1}^{8} \ell(y, r + w u_j), \qquad
        u_j = \frac{2 j - 9}{8}

    It is convex where the loss is, and above a convex one by at most w times half the jump of its
    slope.  The second derivative is that of the mean over the whole interval,
    :math:`(\ell'(y, r + w) - \ell'(y, r - w)) / 2 w`.  Of losses that take their columns apart.

    Parameters
    ----------
    loss : Loss
        The loss, elementwise.
    width : float, default=0.01
        How far it is averaged (w), in the units of raw predictions.

    References
    ----------
    Duchi, J. C., Bartlett, P. L. and Wainwright, M. J. (2012). Randomized Smoothing for Stochastic
    Optimization. SIAM J. Optim. 22.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import AbsoluteError
    >>> from sklgd.losses.averaged import Averaged
    >>> Averaged(AbsoluteError(), width=0.5).value(np.zeros(3), np.array([-2.0, 0.0, 0.5]))
    array([2.  , 0.25, 0.5 ])
    """

    _parameter_constraints: ClassVar[dict] = {
        "loss": [Loss],
        "width": [Range(Real, 0, None, closed="neither")],
    }

    def __init__(self, loss: Loss, width: float = 0.01) -> None:
        self.loss = loss
        self.width = width

    @property
    def task(self) -> str | None:
        """What the loss is for."""
        return self.loss.task

    @property
    def domain(self) -> Interval:
        """Valid targets of the loss."""
        return self.loss.domain

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the mean of the loss."""
        return self._mean(self.loss.value, y, raw)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the mean of the slopes."""
        return self._mean(self.loss.gradient, y, raw)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the mean of the second derivatives, kinks included."""
        above, below = (self.loss.gradient(y, raw + end) for end in (self.width, -self.width))
        return (above - below) / (2.0 * self.width)

    def predict(self, raw: np.ndarray) -> np.ndarray:
        """Return the loss's predictions."""
        return self.loss.predict(raw)

    def smoothed(self, width: float) -> Loss | None:
        """Return None: it is smooth enough."""
        return None

    def _mean(self, of: Any, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return sum(of(y, raw + self.width * point) for point in POINTS) / len(POINTS)
