"""Losses of the residual ``raw - y``: the link is the identity (or log1p, stated there)."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval as Range

from .._kernels.losses import regression as kernels
from .base import Interval, Loss
from .smoothed import SmoothedAbsolute, SmoothedPercentage, size_of

LOG_2 = np.log(2.0)


def kinks_at(at: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a kink in each place, with these slopes on its sides: see `Loss.kinks`."""
    return at[None], np.full((1, *at.shape), low), np.full((1, *at.shape), high)


class _Regression(Loss):
    task = "regression"


class SquaredError(_Regression):
    r"""Half the squared error, the loss of least squares.

    .. math:: \ell(y, r) = \tfrac12 (r - y)^2

    Targets lie anywhere on the line.  The half is scikit-learn's SGD convention.

    References
    ----------
    Gauss, C. F. (1809). Theoria motus corporum coelestium.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import SquaredError
    >>> SquaredError().value(np.array([1.0, 2.0]), np.array([4.0, 2.0]))
    array([4.5, 0. ])
    """

    curvature = 1.0
    quadratic = True
    self_concordant = True
    _kernel = kernels.SquaredErrorKernel

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return 0.5 * (raw - y) ** 2

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return raw - y

    def proximal_slope(self, y: np.ndarray, center: np.ndarray, step: float) -> np.ndarray:
        return (center - y) / (1 + step)

    def flow_slope(self, y: np.ndarray, raw: np.ndarray, time: float) -> np.ndarray:
        return (raw - y) * -np.expm1(-time) / time

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.ones(np.shape(raw))


class AbsoluteError(_Regression):
    r"""Absolute error, whose minimiser is the median.

    .. math:: \ell(y, r) = |r - y|

    Targets lie anywhere on the line.  The subgradient at the kink ``r == y`` is 0.

    References
    ----------
    Bloomfield, P. and Steiger, W. (1983). Least Absolute Deviations. Birkhauser.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import AbsoluteError
    >>> AbsoluteError().gradient(np.array([1.0, 2.0, 3.0]), np.array([4.0, 2.0, 0.0]))
    array([ 1.,  0., -1.])
    """

    smooth = False
    _kernel = kernels.AbsoluteErrorKernel

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.abs(raw - y)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.sign(raw - y)

    def proximal_slope(self, y: np.ndarray, center: np.ndarray, step: float) -> np.ndarray:
        return np.clip((center - y) / step, -1.0, 1.0)

    flow_slope = proximal_slope  # down a straight slope both come to the same point

    def kinks(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return kinks_at(y, -1.0, 1.0)

    def smoothed(self, width: float) -> Loss | None:
        return SmoothedAbsolute(width=width)


class Huber(_Regression):
    r"""Squared error near the target, absolute error beyond ``delta``.

    .. math::
        \ell(y, r) = \begin{cases} \tfrac12 (r - y)^2 & |r - y| \le \delta \\
        \delta |r - y| - \tfrac12 \delta^2 & \text{otherwise} \end{cases}

    Targets lie anywhere on the line.  The string ``"huber"`` takes ``delta`` from the
    estimator's ``epsilon``, as `sklearn.linear_model.SGDRegressor` does.

    Parameters
    ----------
    delta : float, default=1.0
        Residual at which the loss turns linear, in the units of ``y``.

    References
    ----------
    Huber, P. J. (1964). Robust Estimation of a Location Parameter. Ann. Math. Statist. 35.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import Huber
    >>> Huber(delta=2.0).value(np.zeros(2), np.array([1.0, 10.0]))
    array([ 0.5, 18. ])
    """

    curvature = 1.0
    _kernel = kernels.HuberKernel
    _from_estimator = {"delta": "epsilon"}
    _parameter_constraints = {"delta": [Range(Real, 0, None, closed="neither")]}

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        far = np.abs(raw - y)
        near = np.minimum(far, self.delta)
        return near * (far - 0.5 * near)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.clip(raw - y, -self.delta, self.delta)

    def proximal_slope(self, y: np.ndarray, center: np.ndarray, step: float) -> np.ndarray:
        return np.clip((center - y) / (1 + step), -self.delta, self.delta)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.where(np.abs(raw - y) <= self.delta, 1.0, 0.0)

    def smoothed(self, width: float) -> Loss | None:
        """Return a loss that bends at ``width``; None where this one bends no sooner."""
        if width <= self.delta:
            return None
        return SmoothedAbsolute(under=self.delta, over=self.delta, width=width)


class EpsilonInsensitive(_Regression):
    r"""Absolute error outside a tube of half width ``epsilon``, as in support vector regression.

    .. math:: \ell(y, r) = \max(0, |r - y| - \varepsilon)

    Targets lie anywhere on the line.  The subgradient on the edge of the tube is 0.

    Parameters
    ----------
    epsilon : float, default=0.1
        Half width of the tube, in the units of ``y``.

    References
    ----------
    Vapnik, V. (1995). The Nature of Statistical Learning Theory. Springer.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import EpsilonInsensitive
    >>> EpsilonInsensitive(epsilon=0.5).value(np.zeros(3), np.array([-2.0, 0.5, 1.0]))
    array([1.5, 0. , 0.5])
    """

    smooth = False
    _kernel = kernels.EpsilonInsensitiveKernel
    _from_estimator = {"epsilon": "epsilon"}
    _parameter_constraints = {"epsilon": [Range(Real, 0, None, closed="left")]}

    def __init__(self, epsilon: float = 0.1) -> None:
        self.epsilon = epsilon

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.maximum(np.abs(raw - y) - self.epsilon, 0.0)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        residual = raw - y
        return np.where(np.abs(residual) > self.epsilon, np.sign(residual), 0.0)

    def proximal_slope(self, y: np.ndarray, center: np.ndarray, step: float) -> np.ndarray:
        far = (np.abs(center - y) - self.epsilon) / step
        return np.copysign(np.clip(far, 0.0, 1.0), center - y)

    flow_slope = proximal_slope

    def kinks(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        below = kinks_at(y - self.epsilon, -1.0, 0.0)
        above = kinks_at(y + self.epsilon, 0.0, 1.0)
        return tuple(map(np.concatenate, zip(below, above, strict=True)))

    def smoothed(self, width: float) -> Loss | None:
        return SmoothedAbsolute(epsilon=self.epsilon, width=width)


class SquaredEpsilonInsensitive(_Regression):
    r"""Squared error outside a tube of half width ``epsilon``.

    .. math:: \ell(y, r) = \max(0, |r - y| - \varepsilon)^2

    Targets lie anywhere on the line.  There is no half, as in scikit-learn's SGD.

    Parameters
    ----------
    epsilon : float, default=0.1
        Half width of the tube, in the units of ``y``.

    References
    ----------
    Cristianini, N. and Shawe-Taylor, J. (2000). An Introduction to Support Vector Machines.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import SquaredEpsilonInsensitive
    >>> SquaredEpsilonInsensitive(epsilon=0.5).value(np.zeros(2), np.array([0.5, 2.0]))
    array([0.  , 2.25])
    """

    curvature = 2.0
    _kernel = kernels.SquaredEpsilonInsensitiveKernel
    _from_estimator = {"epsilon": "epsilon"}
    _parameter_constraints = {"epsilon": [Range(Real, 0, None, closed="left")]}

    def __init__(self, epsilon: float = 0.1) -> None:
        self.epsilon = epsilon

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.maximum(np.abs(raw - y) - self.epsilon, 0.0) ** 2

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        residual = raw - y
        return 2 * np.copysign(np.maximum(np.abs(residual) - self.epsilon, 0.0), residual)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.where(np.abs(raw - y) > self.epsilon, 2.0, 0.0)


class Quantile(_Regression):
    r"""Pinball loss, whose minimiser is the quantile of level ``quantile``.

    .. math:: \ell(y, r) = \max(q (y - r), (q - 1)(y - r))

    Targets lie anywhere on the line.  The subgradient at the kink ``r == y`` is 0.

    Parameters
    ----------
    quantile : float, default=0.5
        The level :math:`q`, strictly between 0 and 1.

    References
    ----------
    Koenker, R. and Bassett, G. (1978). Regression Quantiles. Econometrica 46.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import Quantile
    >>> Quantile(quantile=0.75).value(np.zeros(2), np.array([-4.0, 4.0]))
    array([3., 1.])
    """

    smooth = False
    _kernel = kernels.QuantileKernel
    _parameter_constraints = {"quantile": [Range(Real, 0, 1, closed="neither")]}

    def __init__(self, quantile: float = 0.5) -> None:
        self.quantile = quantile

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        short = y - raw
        return np.maximum(self.quantile * short, (self.quantile - 1) * short)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.where(raw > y, 1 - self.quantile, np.where(raw < y, -self.quantile, 0.0))

    def proximal_slope(self, y: np.ndarray, center: np.ndarray, step: float) -> np.ndarray:
        return np.clip((center - y) / step, -self.quantile, 1 - self.quantile)

    flow_slope = proximal_slope

    def kinks(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return kinks_at(y, -self.quantile, 1.0 - self.quantile)

    def smoothed(self, width: float) -> Loss | None:
        return SmoothedAbsolute(under=self.quantile, over=1 - self.quantile, width=width)


class Expectile(_Regression):
    r"""Asymmetric squared error, whose minimiser is the expectile of level ``expectile``.

    .. math:: \ell(y, r) = |q - 1[y < r]| \, (r - y)^2

    Targets lie anywhere on the line.  The level 0.5 gives `SquaredError`, half included.

    Parameters
    ----------
    expectile : float, default=0.5
        The level :math:`q`, strictly between 0 and 1.

    References
    ----------
    Newey, W. K. and Powell, J. L. (1987). Asymmetric Least Squares Estimation and Testing.
    Econometrica 55.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import Expectile
    >>> Expectile(expectile=0.75).value(np.zeros(2), np.array([-2.0, 2.0]))
    array([3., 1.])
    """

    _kernel = kernels.ExpectileKernel
    _parameter_constraints = {"expectile": [Range(Real, 0, 1, closed="neither")]}

    def __init__(self, expectile: float = 0.5) -> None:
        self.expectile = expectile

    @property
    def curvature(self) -> float:
        return 2 * max(self.expectile, 1 - self.expectile)

    def _side(self, residual: np.ndarray) -> np.ndarray:
        return np.where(residual > 0, 1 - self.expectile, self.expectile)

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        residual = raw - y
        return self._side(residual) * residual**2

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        residual = raw - y
        return 2 * self._side(residual) * residual

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return 2 * self._side(raw - y)


class LogCosh(_Regression):
    r"""Logarithm of the hyperbolic cosine: a Huber loss with all derivatives.

    .. math:: \ell(y, r) = \log \cosh(r - y)

    Targets lie anywhere on the line.

    References
    ----------
    Green, P. J. (1990). Bayesian Reconstructions from Emission Tomography Data Using a
    Modified EM Algorithm. IEEE Trans. Med. Imaging 9.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import LogCosh
    >>> LogCosh().value(np.zeros(2), np.array([0.0, 1000.0])).round(4)
    array([  0.    , 999.3069])
    """

    curvature = 1.0
    _kernel = kernels.LogCoshKernel

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        far = np.abs(raw - y)
        fall = -np.expm1(-far)
        rest = 1 - fall
        # cosh - 1 near the target, where log(cosh) would cancel
        near = far < 1
        inner = np.where(near, 0.5 * fall**2 / np.maximum(rest, 0.25), rest**2)
        return np.log1p(inner) + np.where(near, 0.0, far - LOG_2)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.tanh(raw - y)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        fall = np.exp(-2 * np.abs(raw - y))
        return 4 * fall / (1 + fall) ** 2

    def smoothed(self, width: float) -> Loss | None:
        """Return a loss that bends at ``width``; None where this one bends no sooner."""
        return None if width <= 1.0 else SmoothedAbsolute(width=width)


class Cauchy(_Regression):
    r"""Negative log-likelihood of a Cauchy residual: redescending, not convex.

    .. math:: \ell(y, r) = \tfrac12 c^2 \log\left(1 + \left(\frac{r - y}{c}\right)^2\right)

    Targets lie anywhere on the line.  Near the target it is half the squared error.

    Parameters
    ----------
    scale : float, default=1.0
        The scale :math:`c`, in the units of ``y``; the gradient is largest at this residual.

    References
    ----------
    Black, M. J. and Anandan, P. (1996). The Robust Estimation of Multiple Motions. CVIU 63.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import Cauchy
    >>> Cauchy(scale=2.0).gradient(np.zeros(3), np.array([0.0, 2.0, 8.0])).round(3)
    array([0.   , 1.   , 0.471])
    """

    curvature = 1.0
    _kernel = kernels.CauchyKernel
    _parameter_constraints = {"scale": [Range(Real, 0, None, closed="neither")]}

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    # beyond 1e8 scales, 1 + z^2 is z^2 in double precision, and z^2 may overflow
    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        far = np.abs(raw - y) / self.scale
        square = np.minimum(far, 1e8) ** 2
        logs = np.where(far > 1e8, 2 * np.log(np.maximum(far, 1.0)), np.log1p(square))
        return 0.5 * self.scale**2 * logs

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        z = (raw - y) / self.scale
        near = np.clip(z, -1e8, 1e8)
        far = np.where(np.abs(z) > 1e8, z, 1e8)
        return self.scale * np.where(np.abs(z) > 1e8, 1 / far, near / (1 + near**2))

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        square = np.minimum(np.abs(raw - y) / self.scale, 1e8) ** 2
        return (1 - square) / (1 + square) ** 2


class SquaredLogError(_Regression):
    r"""Half the squared error of the logarithms, for targets that grow by factors.

    .. math:: \ell(y, r) = \tfrac12 (r - \log(1 + y))^2

    Targets must exceed -1.  ``raw`` is the log1p of the prediction, so that the loss is convex and
    `predict` is its expm1: on predictions this is half of
    `sklearn.metrics.mean_squared_log_error`.

    References
    ----------
    Tofallis, C. (2015). A better measure of relative prediction accuracy for model selection
    and model estimation. J. Oper. Res. Soc. 66.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import SquaredLogError
    >>> SquaredLogError().value(np.array([0.0, 9.0]), np.log1p([0.0, 9.0]))
    array([0., 0.])
    """

    domain = Interval(low=-1)
    curvature = 1.0
    quadratic = True
    _kernel = kernels.SquaredLogErrorKernel

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return 0.5 * (raw - np.log1p(y)) ** 2

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return raw - np.log1p(y)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.ones(np.shape(raw))

    def predict(self, raw: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.expm1(raw)


class AbsolutePercentageError(_Regression):
    r"""Absolute error relative to the target.

    .. math:: \ell(y, r) = \frac{|r - y|}{\max(|y|, \epsilon)}

    Targets lie anywhere on the line; :math:`\epsilon` is the machine epsilon, as in
    `sklearn.metrics.mean_absolute_percentage_error`, so targets near 0 weigh enormously.
    The subgradient at the kink ``r == y`` is 0.

    References
    ----------
    de Myttenaere, A. et al. (2016). Mean Absolute Percentage Error for regression models.
    Neurocomputing 192.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import AbsolutePercentageError
    >>> AbsolutePercentageError().value(np.array([4.0, -2.0]), np.array([5.0, -1.0]))
    array([0.25, 0.5 ])
    """

    smooth = False
    _kernel = kernels.AbsolutePercentageErrorKernel

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.abs(raw - y) / size_of(y)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return np.sign(raw - y) / size_of(y)

    def kinks(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        slope = 1.0 / size_of(y)
        return y[None], -slope[None], slope[None]

    def smoothed(self, width: float) -> Loss | None:
        return SmoothedPercentage(width=width)
