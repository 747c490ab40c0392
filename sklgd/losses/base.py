"""What every loss has in common: the contract, and the interval of valid targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .._strategy import Strategy


@dataclass(frozen=True)
class Interval:
    """An interval of real numbers; NaN belongs to none.

    Parameters
    ----------
    low, high : float
        The ends.
    low_inclusive, high_inclusive : bool
        Whether the ends belong to the interval.

    Examples
    --------
    >>> from sklgd.losses import Interval
    >>> counts = Interval(0, low_inclusive=True)
    >>> print(counts)
    [0, inf)
    >>> counts.includes([-1.0, 0.0, 3.0])
    array([False,  True,  True])
    """

    low: float = -np.inf
    high: float = np.inf
    low_inclusive: bool = False
    high_inclusive: bool = False

    def includes(self, y: ArrayLike) -> np.ndarray:
        """Say which entries lie in the interval.

        Parameters
        ----------
        y : array-like
            Numbers.

        Returns
        -------
        ndarray of bool of y's shape
        """
        y = np.asarray(y)
        above = y >= self.low if self.low_inclusive else y > self.low
        below = y <= self.high if self.high_inclusive else y < self.high
        return above & below

    def __str__(self) -> str:
        left, right = "[" if self.low_inclusive else "(", "]" if self.high_inclusive else ")"
        return f"{left}{self.low:g}, {self.high:g}{right}"


def _goes_with_gradient(cls: type, method: str) -> bool:
    # Whether a class that defines `gradient` anew has defined the method with it.
    for base in cls.__mro__:
        if method in vars(base):
            return base is not Loss
        if "gradient" in vars(base):
            return False
    return False


class Loss(Strategy):
    """Base of every loss: a function of targets and raw predictions, entry by entry.

    A loss knows neither the data nor the weights, and takes no mean.  Its link is merged in:
    ``raw`` is what the model computes, `predict` turns it into the user's units.

    A subclass needs `value` and `gradient`.  They get ``y`` and ``raw`` of one shape and return
    that shape.  A *joint* loss (softmax) gets ``raw`` of shape (n, k) with ``y`` of shape (n,),
    the class numbers, and returns values of shape (n,) and gradients of shape (n, k).
    Binary targets of elementwise classification losses are 0.0 and 1.0.

    Attributes
    ----------
    domain : Interval
        Valid targets of the elementwise form; the whole line by default.
    task : {"regression", "classification"} or None
        What the loss is for; None allows both.
    joint : bool
        Whether all classes can be treated together, as columns of one softmax.
    soft_targets : bool
        Whether the joint form takes ``y`` as an (n, k) matrix of probabilities.
    smooth : bool
        Whether the gradient exists everywhere and is Lipschitz on bounded sets.
    curvature : float or None
        Upper bound of the second derivative in ``raw``, where there is one.
    joint_curvature : float or None
        Upper bound of the eigenvalues of the joint form's Hessian, where there is one.
    quadratic : bool
        Whether the Hessian is the same at all ``raw``.
    self_concordant : bool
        Whether the second derivative changes by no more than a constant times itself, in units of
        ``raw``: a second-order step then knows how far to trust itself.
    has_hessian : bool
        Whether `hessian` is defined, as `sklgd.optimizers.Newton` needs it.

    Examples
    --------
    A complete loss of one's own; `sklgd.testing.check_loss` tells whether it is sound.

    >>> import numpy as np
    >>> from sklgd.losses import Loss
    >>> class Quartic(Loss):
    ...     def value(self, y, raw):
    ...         return (raw - y) ** 4 / 4
    ...     def gradient(self, y, raw):
    ...         return (raw - y) ** 3
    >>> Quartic().gradient(np.array([0.0, 1.0]), np.array([2.0, 1.0]))
    array([8., 0.])
    """

    domain: ClassVar[Interval] = Interval()
    task: ClassVar[str | None] = None
    joint: ClassVar[bool] = False
    soft_targets: ClassVar[bool] = False
    smooth: ClassVar[bool] = True
    curvature: ClassVar[float | None] = None
    joint_curvature: ClassVar[float | None] = None
    quadratic: ClassVar[bool] = False
    self_concordant: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take back what an inherited attribute says of another gradient."""
        super().__init_subclass__(**kwargs)
        if "gradient" in vars(cls):
            for name in ("curvature", "joint_curvature", "quadratic", "self_concordant"):
                if name not in vars(cls):
                    setattr(cls, name, getattr(Loss, name))

    @property
    def has_hessian(self) -> bool:
        """Whether `hessian` is known, and belongs to the `gradient` that this class has."""
        return _goes_with_gradient(type(self), "hessian")

    def n_raw(self, n_targets: int) -> int:
        """Return the number of raw columns.

        Parameters
        ----------
        n_targets : int
            Number of targets, or of classes.

        Returns
        -------
        int
        """
        return n_targets

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the loss of each entry (each row, in the joint form).

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, k)
            Targets.
        raw : ndarray of y's shape, or (n, k) in the joint form
            Raw predictions.

        Returns
        -------
        ndarray of y's shape
        """
        raise NotImplementedError(f"{type(self).__name__} must define value(y, raw)")

    def gradient(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the derivative of the loss with respect to ``raw``.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, k)
            Targets.
        raw : ndarray of y's shape, or (n, k) in the joint form
            Raw predictions.

        Returns
        -------
        ndarray of raw's shape
        """
        raise NotImplementedError(f"{type(self).__name__} must define gradient(y, raw)")

    def proximal_slope(self, y: np.ndarray, center: np.ndarray, step: float) -> np.ndarray:
        r"""Return the slope of the loss at the end of a proximal step: what `SDCA` steps to.

        .. math:: \ell'(y, r), \qquad
            r = \mathrm{argmin}_r\; \ell(y, r) + \frac{(r - c)^2}{2 \eta}

        Where the loss has a kink at r, its subgradient (c - r) / eta.  This states it for the
        losses of this library, whose compiled twins SDCA calls; it takes no others.

        Parameters
        ----------
        y : ndarray of shape (n,)
            Targets.
        center : ndarray of shape (n,)
            Where the step starts (c).
        step : float
            Its size (eta), positive.

        Returns
        -------
        ndarray of shape (n,)
        """
        raise NotImplementedError(f"{type(self).__name__} has no proximal_slope")

    def joint_proximal_slope(self, y: np.ndarray, center: np.ndarray, step: float) -> np.ndarray:
        r"""Return the same of the joint form, which moves all columns.

        .. math:: \nabla_r \ell(y, r), \qquad
            r = \mathrm{argmin}_r\; \ell(y, r) + \frac{\lVert r - c \rVert^2}{2 \eta}

        Parameters
        ----------
        y : ndarray of shape (n,)
            Class numbers.
        center : ndarray of shape (n, k)
            Where the step starts (c).
        step : float
            Its size (eta), positive.

        Returns
        -------
        ndarray of shape (n, k)
        """
        raise NotImplementedError(f"{type(self).__name__} has no joint_proximal_slope")

    def flow_slope(self, y: np.ndarray, raw: np.ndarray, time: float) -> np.ndarray:
        r"""Return the mean slope along the loss's own descent, of losses of this library.

        .. math:: \frac{r(0) - r(t)}{t}, \qquad r(0) = r, \quad
            \frac{\mathrm{d} r}{\mathrm{d} s} = -\ell'(y, r(s))

        So ``raw - time * slope`` is where endless small gradient steps of sum ``time`` lead, which
        is never beyond the minimum.  The importance-aware steps of
        `sklgd.optimizers.NormalizedAdaGrad` are made of it.

        Parameters
        ----------
        y : ndarray of shape (n,)
            Targets.
        raw : ndarray of shape (n,)
            Raw predictions (r).
        time : float
            The sum of the steps (t), positive.

        Returns
        -------
        ndarray of shape (n,)
        """
        raise NotImplementedError(f"{type(self).__name__} has no flow_slope")

    @property
    def has_kinks(self) -> bool:
        """Whether `kinks` is known, and belongs to the `gradient` that this class has."""
        return _goes_with_gradient(type(self), "kinks")

    def kinks(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        r"""Return what a loss made of straight pieces is a sum of; optional, for `InteriorPoint`.

        .. math:: \ell(y, r) = \sum_j \max(l_j (r - t_j),\; h_j (r - t_j))

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, k)
            Targets.

        Returns
        -------
        at, low, high : ndarray of shape (n_kinks, \*y.shape)
            Where the kinks are (t), and the slopes below and above (l < h).
        """
        raise NotImplementedError(f"{type(self).__name__} has no kinks(y)")

    def hessian(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the second derivative of the loss with respect to ``raw``; optional.

        Where the gradient has a kink, one of the slopes on its sides.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, k)
            Targets.
        raw : ndarray of y's shape, or (n, k) in the joint form
            Raw predictions.

        Returns
        -------
        ndarray of raw's shape, or (n, k, k) in the joint form
        """
        raise NotImplementedError(f"{type(self).__name__} has no hessian(y, raw)")

    def predict(self, raw: np.ndarray) -> np.ndarray:
        """Return the prediction in the units of ``y``: the inverse link.

        Parameters
        ----------
        raw : ndarray
            Raw predictions.

        Returns
        -------
        ndarray of raw's shape
        """
        return raw

    @property
    def identity_link(self) -> bool:
        """Whether raw predictions are in the units of the targets: `predict` changes nothing.

        Never so for classes, which have no units.
        """
        ends = [0.0, 1.0]
        return self.task != "classification" and [*self.predict(np.array(ends))] == ends

    def smoothed(self, width: float) -> Loss | None:
        """Return a smooth loss near this one.

        Parameters
        ----------
        width : float
            How near: it differs by O(``width``).

        Returns
        -------
        Loss or None
            None where the loss is as smooth as that already, or where no such loss is known.
        """
        return None

    def rounded(self, width: float) -> Loss | None:
        """Return `smoothed` if it belongs to the `gradient` that this class has.

        Without one, a loss with kinks that takes its columns apart is averaged over ``width``.

        Parameters
        ----------
        width : float
            How near: it differs by O(``width``).

        Returns
        -------
        Loss or None
            None where the loss is smooth enough, or where nothing is known.
        """
        from .averaged import Averaged  # which is a loss

        if _goes_with_gradient(type(self), "smoothed"):
            return self.smoothed(width)
        return None if self.smooth or self.joint else Averaged(self, width)

    def check_targets(self, y: ArrayLike) -> None:
        """Raise ``ValueError`` at the first entry outside the domain.

        Parameters
        ----------
        y : array-like
            Targets.
        """
        y = np.asarray(y)
        inside = self.domain.includes(y)
        if not inside.all():
            at = tuple(np.argwhere(~inside)[0].tolist())
            raise ValueError(
                "Some value(s) of y are out of the valid range of the loss "
                f"{self!r}: y must lie in {self.domain}. "
                f"The first one is {y[at].item()!r} in row {at[0] if at else 0}."
            )
