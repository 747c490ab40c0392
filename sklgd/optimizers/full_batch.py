"""Optimizers that see the objective itself: their base, gradient descent and FISTA."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from .. import coordinates
from .._strategy import has_kernel
from ..objective import Problem, fallen
from .base import RATE, Optimizer, Rate

#: a step has to lower the objective by this share of what the slope at its start promises
ARMIJO = 1e-4
#: rounding of an objective, relative to it
ROUNDING = 1e-15
#: the power of the share of ordinary rows that multiplies ``tol`` where curvature fades
FADING = 0.75
#: the share of what is asked for that an objective may be to be left as it is
NEXT_TO_NOTHING = 0.5
#: what ``tol`` is multiplied by for models that are not linear: their valleys are flat and bent
CURVED = 0.025


class Point:
    """A point in some coordinates, its parameters, and the smooth part of the objective there."""

    def __init__(
        self, u: np.ndarray, params: np.ndarray, loss: float, total: float, grad: np.ndarray
    ) -> None:
        self.u, self.params, self.loss, self.total, self.grad = u, params, loss, total, grad
        #: second derivatives, and the inverse Hessian times the slope: for optimizers to keep
        self.hess: np.ndarray | None = None
        self.step: np.ndarray | None = None

    @classmethod
    def at(
        cls,
        problem: Problem,
        space: coordinates.Coordinates,
        u: np.ndarray,
        exact: np.ndarray | None = None,
    ) -> Point:
        """Return the point ``u``; ``exact`` are parameters whose weights are its own, unrounded."""
        # one array where it can be: with many features memory counts
        params = u if exact is None and space.trivial else space.to_params(u)
        if exact is not None:
            params[: problem.n_weights] = exact[: problem.n_weights]
        loss, grad = problem.value_and_gradient(params)
        return cls(u, params, loss, loss + problem.smooth_value(params), space.gradient(grad))


def space_of(optimizer: Any, problem: Problem, state: dict) -> coordinates.Coordinates:
    """Return the coordinates of a fit, made once, and again where it goes on with other data."""
    if "space" not in state:
        standardize = optimizer.standardize and problem.block.model.scalable
        make = coordinates.standardizing if standardize else coordinates.identity
        state["space"] = make(problem)
        if standardize and problem.block.model.linear:
            look_for_outliers(problem, state, state["space"])
    return state["space"]


def look_for_outliers(problem: Problem, state: dict, space: coordinates.Coordinates) -> None:
    """Tell `asked` what share ordinary rows have, once in a fit.

    They do not matter where the curvature of the loss is the same everywhere.  Where it fades with
    the slope, something between the share and its root will do: slopes are in proportion to
    features, not to their squares.
    """
    loss = problem.block.loss
    if not loss.quadratic and "ordinary" not in state:
        share = coordinates.ordinary_share(problem, space)
        state["ordinary"] = share**FADING if loss.self_concordant else share


def _prox_in(space: coordinates.Coordinates, u: np.ndarray, params: np.ndarray) -> np.ndarray:
    # The point whose weights are those of ``params`` and whose intercept is u's own: a proximal
    # step moves weights only, and centred intercepts stay where they are.
    new = space.from_params(params)
    n_weights = space.n_raw * len(space.scale)
    new[n_weights:] = u[n_weights:]
    return new


def refuse_kinks(optimizer: Any, loss: Any) -> None:
    """Raise where a loss is not smooth."""
    if not loss.smooth:
        name = type(optimizer).__name__
        raise ValueError(
            f"{name} needs a smooth loss, and {loss!r} is not; use optimizer='auto', "
            f"optimizer='sgd' or Continuation({optimizer!r})."
        )


def asked(problem: Problem, state: dict, total: float) -> float:
    """Return what may be left to gain at an objective ``total``: ``tol`` times what it has fallen.

    It is less where outliers hide what there is to gain, and 0 without ``tol``.
    """
    share = state.get("ordinary", 1.0) if problem.block.model.linear else CURVED
    return share * problem.tol * fallen(state["first"], total) if problem.tol else 0.0


def is_next_to_nothing(problem: Problem, state: dict, total: float) -> bool:
    """Whether an objective is so small that no more than is `asked` for can be left to gain.

    So it may be long before classes that can be told apart have their largest margin.  Losses and
    penalties of this library are zero at the least; others may be less.
    """
    loss, penalty = problem.block.loss, problem.penalty
    plain = has_kernel(loss) and (penalty is None or has_kernel(penalty))
    of_classes = plain and loss.task == "classification"
    return of_classes and total <= NEXT_TO_NOTHING * asked(problem, state, total)


def fell_back(problem: Problem, params: np.ndarray, total: float) -> bool:
    """Put the best constant in place of a linear model's parameters that are worse; say so."""
    worse = problem.block.model.linear and total > problem.at_constant
    if worse:
        params[:] = problem.best_constant
    return worse


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
    #: entries of the state that serve with another loss on the same data, too
    kept: ClassVar[tuple[str, ...]] = ("space", "ordinary", "first")

    def forget(self, state: dict) -> None:
        """Forget what depends on the data: a fit goes on, perhaps with other data."""
        for name in ("point", "space", "ordinary", "first", "converged"):
            state.pop(name, None)

    def remaining(self, state: dict) -> float:
        """Return what the objective may still fall by: inf where that is not known."""
        return np.inf

    def is_damped(self, state: dict) -> bool:
        """Whether steps are kept so short that `remaining` says too little."""
        return False

    def begin_near(self, state: dict) -> None:
        """Take note, in an empty state, that the first steps are near the minimum: nothing here."""

    def init_state(self, params: np.ndarray) -> dict[str, Any]:
        """Return the state of a new fit: an empty dict, for `iterate` to fill; picklable."""
        return {}

    def iterate(
        self, problem: Problem, params: np.ndarray, state: dict, lr: float, t: int
    ) -> float:
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


class AroundOptimizer(FullBatchOptimizer):
    """Base class of optimizers that pose problems for another one, ``optimizer``, to solve.

    That one has to know when a problem is solved.
    """

    knows_when = True
    _parameter_constraints: ClassVar[dict] = {"optimizer": [FullBatchOptimizer]}

    def __init__(self, optimizer: FullBatchOptimizer) -> None:
        self.optimizer = optimizer

    def validate(self) -> Self:
        """Raise where a parameter is out of range, or where the optimizer only goes on."""
        super().validate()
        self.optimizer.validate()
        if not self.optimizer.knows_when:
            raise ValueError(
                f"{type(self).__name__} needs an optimizer that knows when a problem is solved, "
                f"such as Newton(), LBFGS() or FISTA(). Got {self.optimizer!r}."
            )
        return self

    def forget(self, state: dict) -> None:
        """Forget everything: the problems that were posed depend on the data."""
        state.clear()


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
        small = gained <= 0.01 * asked(problem, state, total)
        stale = state["stale"] + 1 if small else 0
        state.update(point=new, theta=theta, total=total, stale=stale, lipschitz=0.9 * lipschitz)
        state["converged"] = stale >= 5 or is_next_to_nothing(problem, state, total)
        params[:] = new.params
        return new.loss

    def _backtrack(
        self, problem: Problem, space: coordinates.Coordinates, point: Point, lipschitz: float
    ) -> tuple[Point, float]:
        """Return the proximal step from ``point`` that its quadratic model bounds, and its L."""
        for _ in range(100):
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
            level = new.total <= bound + 1e-12 * abs(bound)
            if level and (new.grad - point.grad) @ moved <= lipschitz * bend:
                break
            lipschitz *= 2.0
        return new, lipschitz
