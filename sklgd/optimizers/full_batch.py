"""Optimizers that see the objective itself: gradient descent, FISTA and L-BFGS."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from .. import coordinates
from ..objective import scale_of
from .base import RATE, Optimizer, Rate


class _Point:
    """A point in some coordinates, its parameters, and the smooth part of the objective there."""

    def __init__(
        self, u: np.ndarray, params: np.ndarray, loss: float, total: float, grad: np.ndarray
    ) -> None:
        self.u, self.params, self.loss, self.total, self.grad = u, params, loss, total, grad

    @classmethod
    def at(
        cls,
        problem: Any,
        space: coordinates.Coordinates,
        u: np.ndarray,
        weights: np.ndarray | None = None,
    ) -> _Point:
        """Return the point ``u``; ``weights`` are its weights where they are known exactly."""
        params = space.to_params(u)
        if weights is not None:
            params[: problem.n_weights] = weights[: problem.n_weights]
        loss, grad = problem.value_and_gradient(params)
        return cls(u, params, loss, loss + problem.smooth_value(params), space.gradient(grad))


def _space(optimizer: Any, problem: Any, state: dict) -> coordinates.Coordinates:
    # The coordinates of this fit; made once, and again where a fit goes on with other data.
    if "space" not in state:
        linear = problem.block.model.linear
        standardize = optimizer.standardize and linear
        make = coordinates.standardizing if standardize else coordinates.identity
        state["space"] = make(problem)
    return state["space"]


def _prox_in(space: coordinates.Coordinates, u: np.ndarray, params: np.ndarray) -> np.ndarray:
    # The point whose weights are those of ``params`` and whose intercept is u's own: a proximal
    # step moves weights only, and centred intercepts stay where they are.
    new = space.from_params(params)
    n_weights = space.n_raw * len(space.scale)
    new[n_weights:] = u[n_weights:]
    return new


def _refuse_rest(optimizer: Any, problem: Any) -> None:
    if problem.rest is not None:
        raise ValueError(
            f"{type(optimizer).__name__} needs a smooth objective and the penalty {problem.rest!r} "
            "is not; use optimizer='fista', optimizer='sgd' or optimizer='auto'."
        )


def _scale(tol: float | None, value: float, first: float) -> float:
    # What counts as small beside an objective: see `sklgd.training.Stopping`.
    return tol * scale_of(value, first, tol) if tol else 0.0


def _two_loop(pairs: list, vector: np.ndarray) -> np.ndarray:
    """Apply the inverse Hessian that (step, gradient change) pairs describe."""
    q, stack = vector.copy(), []
    for s, y in reversed(pairs):
        rho = 1.0 / (s @ y)
        a = rho * (s @ q)
        q -= a * y
        stack.append((a, rho))
    if pairs:
        s, y = pairs[-1]
        q *= (s @ y) / (y @ y)
    for (s, y), (a, rho) in zip(pairs, reversed(stack), strict=True):
        q += (a - rho * (y @ q)) * s
    return q


def _wolfe(problem, space, point, direction, *, first):
    """Return a point along ``direction`` that satisfies the weak Wolfe conditions, or None."""
    slope = point.grad @ direction
    if not slope < 0.0:
        return None
    low, high, best = 0.0, np.inf, None
    step = min(1.0, 1.0 / np.abs(direction).sum()) if first else 1.0
    for _ in range(60):
        new = _Point.at(problem, space, point.u + step * direction)
        if not new.total <= point.total + 1e-4 * step * slope:  # not: NaN and inf are too far
            high = step
        elif new.grad @ direction < 0.9 * slope:
            low, best = step, new
        else:
            return new
        step = 2.0 * low if high == np.inf else 0.5 * (low + high)
    return best


class FullBatchOptimizer(Optimizer):
    """Base class of optimizers that see the objective itself, once an epoch or more.

    A subclass defines `iterate`, and `init_state` where it keeps anything between iterations.

    Examples
    --------
    >>> from sklgd.optimizers import FullBatchOptimizer, GradientDescent
    >>> issubclass(GradientDescent, FullBatchOptimizer)
    True
    """

    full_batch = True

    def forget(self, state: dict) -> None:
        """Forget what depends on the data: a fit goes on, perhaps with other data."""
        for name in ("point", "space", "converged"):
            state.pop(name, None)

    def init_state(self, params: np.ndarray) -> dict[str, Any]:
        """Return the state of a new fit: an empty dict, for `iterate` to fill; picklable."""
        return {}

    def iterate(self, problem: Any, params: np.ndarray, state: dict, lr: float, t: int) -> float:
        """Move ``params`` in place by one iteration.

        An optimizer that knows when it has reached ``problem.tol`` sets ``state["converged"]``.

        Parameters
        ----------
        problem : sklgd.objective.Problem
            ``value_and_gradient(params)`` returns the mean loss, and the gradient of it and of
            the smooth part of the penalty, ``smooth_value(params)``; ``prox(params, sizes)`` takes
            the proximal step of the rest in place.
        params : ndarray of shape (p,)
            The parameters.
        state : dict
            What `init_state` returned, written in place.
        lr : float
            The learning rate of this step.
        t : int
            The number of this iteration, from 1.

        Returns
        -------
        loss : float
            The mean loss, without penalty, at the last point where it was evaluated.
        """
        raise NotImplementedError(f"{type(self).__name__} must define iterate")


class GradientDescent(FullBatchOptimizer):
    r"""Gradient descent: one step an epoch, along the gradient of the whole objective.

    .. math:: \theta \leftarrow \mathrm{prox}_{\eta}(\theta - \eta \nabla F(\theta))

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.01
        The step size, or how it depends on the step's number.

    References
    ----------
    .. [1] Cauchy (1847). Methode generale pour la resolution des systemes d'equations
       simultanees. Comptes rendus 25, 536-538.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd import GDRegressor
    >>> from sklgd.optimizers import GradientDescent
    >>> X = np.array([[-1.0], [1.0]])
    >>> model = GDRegressor(optimizer=GradientDescent(0.1), penalty=None, tol=1e-6)
    >>> model.fit(X, [-2.0, 4.0]).coef_.round(3), model.intercept_.round(3)
    (array([3.]), array([1.]))
    """

    _parameter_constraints: ClassVar[dict] = {"learning_rate": RATE}

    def __init__(self, learning_rate: Rate = 0.01) -> None:
        self.learning_rate = learning_rate

    def iterate(self, problem: Any, params: np.ndarray, state: Any, lr: float, t: int) -> float:
        """Take one step; return the loss before it."""
        loss, grad = problem.value_and_gradient(params)
        params -= lr * grad
        problem.prox(params, lr)
        return loss


class LBFGS(FullBatchOptimizer):
    r"""L-BFGS: quasi-Newton steps from the last few changes of the gradient.

    The direction is :math:`-H \nabla F` by the two-loop recursion of Nocedal [1]_; the step
    length satisfies the weak Wolfe conditions, by bisection [2]_.  Training stops where
    :math:`\nabla F^T H \nabla F / 2`, the decrease that the model of the objective still
    promises, is small beside ``tol`` times the objective.

    Parameters
    ----------
    history_size : int, default=10
        Number of changes that are remembered.
    standardize : bool, default=False
        Whether to work in coordinates in which features are centred and scaled.  The objective
        stays what it is; raw features converge as fast as standardised ones.

    References
    ----------
    .. [1] Nocedal (1980). Updating quasi-Newton matrices with limited storage. Mathematics of
       Computation 35, 773-782.
    .. [2] Lewis and Overton (2013). Nonsmooth optimization via quasi-Newton methods.
       Mathematical Programming 141, 135-163.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd import GDRegressor
    >>> from sklgd.optimizers import LBFGS
    >>> X = np.array([[-1.0], [1.0]])
    >>> model = GDRegressor(optimizer=LBFGS(), penalty=None).fit(X, [-2.0, 4.0])
    >>> model.coef_.round(3), model.intercept_.round(3)
    (array([3.]), array([1.]))
    """

    knows_when = True
    _parameter_constraints: ClassVar[dict] = {
        "history_size": [Interval(Integral, 1, None, closed="left")],
        "standardize": ["boolean"],
    }

    def __init__(self, history_size: int = 10, standardize: bool = False) -> None:
        self.history_size = history_size
        self.standardize = standardize

    def iterate(self, problem: Any, params: np.ndarray, state: dict, lr: float, t: int) -> float:
        """Take one quasi-Newton step; return the loss after it."""
        _refuse_rest(self, problem)
        space = _space(self, problem, state)
        point = state.get("point")
        if point is None:
            point = _Point.at(problem, space, space.from_params(params))
            state.setdefault("pairs", [])
            state["first"] = point.total
            state["hits"] = 0
        direction = _two_loop(state["pairs"], -point.grad)
        new = _wolfe(problem, space, point, direction, first=not state["pairs"])
        if new is None and state["pairs"]:  # what is remembered may be of elsewhere
            state["pairs"] = []
            new = _wolfe(problem, space, point, -point.grad, first=True)
        if new is None:  # no lower point to be found: as far as rounding allows
            state["converged"] = True
            return point.loss
        change, bend = new.u - point.u, new.grad - point.grad
        if change @ bend > 1e-10 * (bend @ bend) ** 0.5 * (change @ change) ** 0.5:
            state["pairs"] = [*state["pairs"], (change, bend)][-self.history_size :]
        promised = 0.5 * abs(new.grad @ _two_loop(state["pairs"], new.grad))
        scale = _scale(problem.tol, new.total, state["first"])
        left = max(promised, point.total - new.total)  # with few pairs, promises are timid
        state["hits"] = state["hits"] + 1 if left <= 0.02 * scale else 0
        state["converged"] = state["hits"] >= state.get("patience", 2)
        state["point"] = new
        params[:] = new.params
        return new.loss


class FISTA(FullBatchOptimizer):
    r"""Accelerated proximal gradient descent, for penalties that are not smooth.

    With :math:`f` the smooth part of the objective, L found by backtracking,

    .. math::
        u^+ = \mathrm{prox}_{1/L}(y - \nabla f(y) / L), \qquad
        y^+ = u^+ + \frac{\theta - 1}{\theta^+} (u^+ - u)

    as in Beck and Teboulle [1]_, with the momentum dropped where it points uphill [2]_.

    Parameters
    ----------
    standardize : bool, default=False
        Whether to work in coordinates in which features are centred and scaled.  The objective
        stays what it is; raw features converge as fast as standardised ones.

    References
    ----------
    .. [1] Beck and Teboulle (2009). A fast iterative shrinkage-thresholding algorithm. SIAM
       Journal on Imaging Sciences 2, 183-202.
    .. [2] O'Donoghue and Candes (2015). Adaptive restart for accelerated gradient schemes.
       Foundations of Computational Mathematics 15, 715-732.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd import GDRegressor
    >>> from sklgd.optimizers import FISTA
    >>> X = np.array([[-1.0, 0.1], [1.0, 0.1], [0.0, -0.2]])
    >>> model = GDRegressor(optimizer=FISTA(), penalty="l1", alpha=0.1, tol=1e-8)
    >>> model.fit(X, [-3.0, 3.0, 0.0]).coef_.round(2)
    array([2.85, 0.  ])
    """

    knows_when = True
    _parameter_constraints: ClassVar[dict] = {"standardize": ["boolean"]}

    def __init__(self, standardize: bool = False) -> None:
        self.standardize = standardize

    def iterate(self, problem: Any, params: np.ndarray, state: dict, lr: float, t: int) -> float:
        """Take one accelerated step; return the loss after it."""
        space = _space(self, problem, state)
        if state.get("point") is None:
            problem.prox(params, 0.0)  # to where the penalty is finite
            point = _Point.at(problem, space, space.from_params(params), params)
            total = point.total + problem.rest_value(params)
            state.update(ahead=point.u, theta=1.0, stale=0, first=total, total=total)
            state.setdefault("lipschitz", 1.0)
        else:
            point = state["point"]
        ahead = _Point.at(problem, space, state["ahead"])
        new, lipschitz = self._backtrack(problem, space, ahead, state["lipschitz"])
        if (ahead.u - new.u) @ (new.u - point.u) > 0.0 and state["theta"] > 1.0:
            ahead = point  # the momentum overshot
            new, lipschitz = self._backtrack(problem, space, ahead, lipschitz)
            state["theta"] = 1.0
        total = new.total + problem.rest_value(new.params)
        theta = (1.0 + (1.0 + 4.0 * state["theta"] ** 2) ** 0.5) / 2.0
        state["ahead"] = new.u + (state["theta"] - 1.0) / theta * (new.u - point.u)
        moved = new.u - ahead.u
        gained = max(state["total"] - total, 0.5 * lipschitz * (moved @ moved))
        small = gained <= 0.01 * _scale(problem.tol, total, state["first"])
        stale = state["stale"] + 1 if small else 0
        state.update(point=new, theta=theta, total=total, stale=stale, lipschitz=0.9 * lipschitz)
        state["converged"] = stale >= 5
        params[:] = new.params
        return new.loss

    def _backtrack(self, problem, space, point, lipschitz):
        """Return the proximal step from ``point`` that its quadratic model bounds, and its L."""
        for _ in range(100):
            u = point.u - point.grad / lipschitz
            params = space.to_params(u)
            problem.prox(params, space.sizes(1.0 / lipschitz, params.size))
            # the weights as they are: zeros and bounds are exact
            new = _Point.at(problem, space, _prox_in(space, u, params), params)
            moved = new.u - point.u
            bend = moved @ moved
            bound = point.total + point.grad @ moved + 0.5 * lipschitz * bend
            if new.total <= bound:
                break
            # where values are equal up to rounding, gradients still tell
            level = new.total <= bound + 1e-12 * abs(bound)
            if level and (new.grad - point.grad) @ moved <= lipschitz * bend:
                break
            lipschitz *= 2.0
        return new, lipschitz
