"""What every schedule has."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from .._strategy import Strategy


class Schedule(Strategy):
    """Base of every schedule; a subclass defines ``__call__``.

    Examples
    --------
    A complete schedule of one's own:

    >>> import numpy as np
    >>> from sklgd.schedules import Schedule
    >>> class Logarithmic(Schedule):
    ...     def __init__(self, eta0=0.1):
    ...         self.eta0 = eta0
    ...     def __call__(self, t):
    ...         return self.eta0 / (1 + np.log(t))
    >>> Logarithmic()(np.array([1, 10, 100])).round(4)
    array([0.1   , 0.0303, 0.0178])
    """

    #: whether every step has the same rate, but for what plateaus do
    constant = False

    def __call__(self, t: ArrayLike) -> float | np.ndarray:
        """Return the rate of step ``t``.

        Parameters
        ----------
        t : int or ndarray of int
            The step, from 1.

        Returns
        -------
        float or ndarray of t's shape
        """
        rate = self._rate(np.asarray(t, dtype=np.float64))
        return float(rate) if np.ndim(rate) == 0 else rate

    def _rate(self, t: np.ndarray) -> np.ndarray:
        """The same of a float64 array, possibly 0-d."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(t).")

    @property
    def least_patience(self) -> int:
        """How many epochs without improvement make a plateau, if ``n_iter_no_change`` is fewer."""
        return 1

    def on_plateau(self, scale: float) -> float | None:
        """Return the scale to go on with when training has stopped improving; None to stop.

        Parameters
        ----------
        scale : float
            What rates are multiplied by now; 1 at the start.

        Returns
        -------
        float or None
        """
        return None


Rate = float | str | Schedule | Callable[[Any], Any]

RATE = Interval(Real, 0, None, closed="left")
FINITE = Interval(Real, None, None, closed="neither")
STEPS = Interval(Integral, 1, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
