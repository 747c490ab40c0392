"""Losses with a log link, for counts and positive amounts: ``predict(raw)`` is ``exp(raw)``.

Each is half the unit deviance of its distribution, so it is never negative and 0 at a
perfect prediction.  The formulas avoid the difference of large terms near the optimum and
overflow only where the loss itself does.
"""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval as Range

from .._kernels.losses import positive as kernels
from .base import Interval, Loss

#: the logarithm of a mean over its target from which the quotient may overflow
FAR = 600.0


def exp(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.exp(x)


def expm1(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.expm1(x)


def softplus(x: np.ndarray) -> np.ndarray:
    """Return log(1 + exp(x))."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


class _LogLink(Loss):
    task = "regression"
    domain = Interval(low=0, low_inclusive=True)

    def predict(self, raw: np.ndarray) -> np.ndarray:
        return exp(raw)


class Poisson(_LogLink):
    r"""Half the Poisson deviance, for counts.

    .. math:: \ell(y, r) = e^r - y r + y \log y - y

    Targets must be 0 or more.

    References
    ----------
    McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models. Chapman and Hall.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import Poisson
    >>> Poisson().gradient(np.array([0.0, 1.0, 5.0]), np.zeros(3))
    array([ 1.,  0., -4.])
    """

    self_concordant = True
    _kernel = kernels.PoissonKernel

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        some, mean, d = self._gap(y, raw)
        gap = np.where(d > FAR, mean - some * (d + 1), some * np.maximum(expm1(d) - d, 0.0))
        return np.where(y > 0, gap, mean)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        some, mean, d = self._gap(y, raw)
        return np.where(y > 0, np.where(d > FAR, mean - some, some * expm1(d)), mean)

    def _gap(self, y: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # Targets, ones in the place of zeros; means; and the logarithms of their quotients.
        some = np.where(y > 0, y, 1.0)
        return some, exp(raw), raw - np.log(some)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return exp(raw)


class Gamma(_LogLink):
    r"""Half the gamma deviance, for positive amounts with constant relative error.

    .. math:: \ell(y, r) = y e^{-r} + r - \log y - 1

    Targets must be positive.

    References
    ----------
    McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models. Chapman and Hall.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import Gamma
    >>> Gamma().gradient(np.array([0.5, 3.0]), np.zeros(2)).round(12)
    array([ 0.5, -2. ])
    """

    domain = Interval(low=0)
    _kernel = kernels.GammaKernel

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        d = np.log(y) - raw
        return np.maximum(expm1(d) - d, 0.0)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return -expm1(np.log(y) - raw)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        return exp(np.log(y) - raw)


class Tweedie(_LogLink):
    r"""Half the Tweedie deviance, for amounts with a variance of ``mean ** power``.

    .. math::
        \ell(y, r) = \frac{y^{2-p}}{(1-p)(2-p)} - \frac{y e^{(1-p) r}}{1-p}
        + \frac{e^{(2-p) r}}{2-p}

    Powers 1 and 2 are the limits, `Poisson` and `Gamma`; 3 is the inverse Gaussian.
    Targets must be 0 or more for powers below 2, and positive from 2 on.

    Parameters
    ----------
    power : float, default=1.5
        The power :math:`p`, from 1 to 3.

    References
    ----------
    Jorgensen, B. (1987). Exponential Dispersion Models. J. R. Stat. Soc. B 49.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import Tweedie
    >>> Tweedie(power=1.5).value(np.array([0.0, 1.0]), np.zeros(2))
    array([2., 0.])
    """

    _kernel = kernels.TweedieKernel
    _parameter_constraints = {"power": [Range(Real, 1, 3, closed="both")]}

    def __init__(self, power: float = 1.5) -> None:
        self.power = power

    @property
    def domain(self) -> Interval:
        return Interval(low=0, low_inclusive=self.power < 2)

    # With d = r - log(y), the loss is y^(2-p) [phi(2-p, d) - phi(1-p, d)], phi(a, d) being
    # (exp(a d) - 1) / a, or d at a = 0: the limits need no formula of their own.
    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        high, low = 2 - self.power, 1 - self.power
        log_y = np.log(np.where(y > 0, y, 1.0))
        upper = _scaled_phi(high, raw - log_y, high * log_y)
        lower = _scaled_phi(low, raw - log_y, high * log_y)
        with np.errstate(invalid="ignore"):
            value = np.where(lower == -np.inf, np.inf, np.maximum(upper - lower, 0.0))
        return np.where(y > 0, value, exp(high * raw) / (high or np.nan))

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        high, low = 2 - self.power, 1 - self.power
        log_y = np.log(np.where(y > 0, y, 1.0))
        d = raw - log_y
        # each side scales by its larger exponential: where it is taken, it has no inf - inf
        with np.errstate(invalid="ignore"):
            above = exp(high * raw) * -np.expm1(-np.maximum(d, 0.0))
            below = exp(log_y + low * raw) * np.expm1(np.minimum(d, 0.0))
        return np.where(y > 0, np.where(d > 0, above, below), exp(high * raw))

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        high, low = 2 - self.power, 1 - self.power
        log_y = np.log(np.where(y > 0, y, 1.0))
        d = raw - log_y
        with np.errstate(invalid="ignore"):
            above = exp(high * raw) * (high - low * np.exp(-np.maximum(d, 0.0)))
            below = exp(log_y + low * raw) * (high * np.exp(np.minimum(d, 0.0)) - low)
        return np.where(y > 0, np.where(d > 0, above, below), high * exp(high * raw))


def _scaled_phi(a: float, d: np.ndarray, log_scale: np.ndarray) -> np.ndarray:
    """Return exp(log_scale) * (exp(a d) - 1) / a without overflow in between."""
    scale = exp(log_scale)
    if a == 0:
        return scale * d
    near = scale * np.expm1(np.clip(a * d, -1, 1))
    return np.where(np.abs(a * d) < 1, near, exp(log_scale + a * d) - scale) / a


class NegativeBinomial(_LogLink):
    r"""Half the negative binomial deviance, for counts more spread than a Poisson's.

    .. math::
        \ell(y, r) = y \log\frac{y}{e^r}
        - \left(y + \tfrac1\alpha\right) \log\frac{1 + \alpha y}{1 + \alpha e^r}

    The variance is ``mean + dispersion * mean ** 2``.  Targets must be 0 or more.

    Parameters
    ----------
    dispersion : float, default=1.0
        The dispersion :math:`\alpha`, positive; towards 0 the loss turns into `Poisson`.

    References
    ----------
    Hilbe, J. M. (2011). Negative Binomial Regression. Cambridge University Press.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.losses import NegativeBinomial
    >>> NegativeBinomial(dispersion=1.0).gradient(np.array([0.0, 1.0, 5.0]), np.zeros(3))
    array([ 0.5,  0. , -2. ])
    """

    _kernel = kernels.NegativeBinomialKernel
    _parameter_constraints = {"dispersion": [Range(Real, 0, None, closed="neither")]}

    def __init__(self, dispersion: float = 1.0) -> None:
        self.dispersion = dispersion

    # With d = r - log(y) and w = alpha y / (1 + alpha y), the loss is
    # (y + 1 / alpha) [log(1 + u (exp(s) - 1)) - u s] at (u, s) = (w, d) as well as (1 - w, -d):
    # the one with u <= 1/2 does not cancel.
    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        alpha = self.dispersion
        some = np.where(y > 0, y, 1.0)
        rest = 1 / (1 + alpha * some)
        share = alpha * some * rest
        d = raw - np.log(some)
        u, s = np.minimum(share, rest), np.where(share <= rest, d, -d)
        # log(1 + u exp(s)) where the -1 no longer counts, but exp(s) may overflow
        far = softplus(np.log(u) + s)
        gap = np.where(s > 37, far, np.log1p(u * np.expm1(np.minimum(s, 37)))) - u * s
        none = softplus(raw + np.log(alpha)) / alpha
        return np.where(y > 0, (some + 1 / alpha) * np.maximum(gap, 0.0), none)

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        small = np.exp(-np.abs(raw))
        above = (1 - y * small) / (self.dispersion + small)
        below = (small - y) / (1 + self.dispersion * small)
        return np.where(raw > 0, above, below)

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        small, alpha = np.exp(-np.abs(raw)), self.dispersion
        one = np.where(raw > 0, small + alpha, 1 + alpha * small)
        return small * (1 + alpha * y) / one**2
