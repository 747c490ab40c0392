"""Gradient descent on the whole objective, plain and accelerated."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import coordinates
from ..objective import Problem
from ._points import Point, refuse_kinks, space_of
from ._stopping import asked, is_next_to_nothing
from .base import RATE, Rate
from .full_batch import FullBatchOptimizer

#: the largest number of doublings of a quadratic model's curvature, what it is multiplied by after
#: each step, and what of a bound is rounding
DOUBLINGS, RELAX, BOUND_ROUNDING = 100, 0.9, 1e-12
#: a gain that is small, as a share of what is asked for, and how many of them in a row end it
SMALL_GAIN, SMALL_GAINS = 0.01, 5


def _prox_in(space: coordinates.Coordinates, u: np.ndarray, params: np.ndarray) -> np.ndarray:
    # The point whose weights are those of ``params`` and whose intercept is u's own: a proximal
    # step moves weights only, and centred intercepts stay where they are.
    new = space.from_params(params)
    n_weights = space.n_raw * space.scale.shape[-1]
    new[n_weights:] = u[n_weights:]
    return new


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

    def iterate(self, problem: Problem, params: np.ndarray, state: Any, lr: float, t: int) -> float:
        """Take one step; return the loss before it."""
        loss, grad = problem.value_and_gradient(params)
        params -= lr * grad
        problem.prox(params, lr)
        return loss


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
        Whether to work in coordinates in which features are centred and scaled; sparse ones, and
        those of factorization machines, are scaled only.  The objective stays what it is; raw
        features converge as fast as standardised ones.

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

    # The state:
    # - point, total, lipschitz: where the fit is, the objective there, and the last L;
    # - ahead, theta: the y and the theta above;
    # - stale: for how many steps little was gained;
    # - space, first, ordinary, converged: as for `space_of`, `asked` and `iterate`.
    knows_when = True
    kept = (*FullBatchOptimizer.kept, "lipschitz")
    _parameter_constraints: ClassVar[dict] = {"standardize": ["boolean"]}

    def __init__(self, standardize: bool = False) -> None:
        self.standardize = standardize

    def iterate(
        self, problem: Problem, params: np.ndarray, state: dict, lr: float, t: int
    ) -> float:
        """Take one accelerated step; return the loss after it."""
        refuse_kinks(self, problem.block.loss)
        space = space_of(self, problem, state)
        if state.get("point") is None:
            problem.prox(params, 0.0)  # to where the penalty is finite
            point = Point.at(problem, space, space.from_params(params), params)
            total = point.total + problem.rest_value(params)
            state.update(ahead=point.u, theta=1.0, stale=0, total=total)
            state.setdefault("first", problem.falls_from(params))
            state.setdefault("lipschitz", 1.0)
        else:
            point = state["point"]
        ahead = Point.at(problem, space, state["ahead"])
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
        small = gained <= SMALL_GAIN * asked(problem, state, total)
        stale = state["stale"] + 1 if small else 0
        state.update(point=new, theta=theta, total=total, stale=stale, lipschitz=RELAX * lipschitz)
        state["converged"] = stale >= SMALL_GAINS or is_next_to_nothing(problem, state, total)
        params[:] = new.params
        return new.loss

    def _backtrack(
        self, problem: Problem, space: coordinates.Coordinates, point: Point, lipschitz: float
    ) -> tuple[Point, float]:
        """Return the proximal step from ``point`` that its quadratic model bounds, and its L."""
        for _ in range(DOUBLINGS):
            u = point.u - point.grad / lipschitz
            params = space.to_params(u)
            problem.prox(params, space.sizes(1.0 / lipschitz, params.size))
            # the weights as they are: zeros and bounds are exact
            new = Point.at(problem, space, _prox_in(space, u, params), params)
            moved = new.u - point.u
            bend = moved @ moved
            bound = point.total + point.grad @ moved + 0.5 * lipschitz * bend
            if new.total <= bound:
                break
            # where values are equal up to rounding, gradients still tell
            level = new.total <= bound + BOUND_ROUNDING * abs(bound)
            if level and (new.grad - point.grad) @ moved <= lipschitz * bend:
                break
            lipschitz *= 2.0
        return new, lipschitz
