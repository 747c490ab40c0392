"""The base classes of optimizers that see the objective itself."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from ..objective import Problem
from .base import Optimizer


class FullBatchOptimizer(Optimizer):
    """Base class of optimizers that see the objective itself, once an epoch or more.

    A subclass defines

    - ``iterate(problem, params, state, lr, t)``, which moves the parameters in place;
    - ``init_state(params)``, if an empty dict is not what it starts with;
    - ``knows_when = True``, if it sets ``state["converged"]`` where ``problem.tol`` is reached: the
      loop then does not watch the objective;
    - ``forget(state)``, if other entries than ``"point"``, ``"space"``, ``"ordinary"``, ``"first"``
      and ``"converged"`` depend on the data.

    To be run by another one, such as `Continuation`, it may define ``remaining(state)``, what is
    left to gain; ``is_damped(state)``, whether that says too little; ``begin_near(state)``, how to
    start near the minimum; and ``kept``, what of its state serves with another loss, too.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd import GDRegressor
    >>> from sklgd.optimizers import FullBatchOptimizer
    >>> class NormalizedDescent(FullBatchOptimizer):
    ...     def __init__(self, learning_rate=0.1):
    ...         self.learning_rate = learning_rate
    ...     def iterate(self, problem, params, state, lr, t):
    ...         loss, grad = problem.value_and_gradient(params)
    ...         params -= lr * grad / np.linalg.norm(grad)
    ...         return loss
    >>> X = np.array([[-1.0], [1.0]])
    >>> model = GDRegressor(optimizer=NormalizedDescent(), penalty=None, max_iter=100, tol=None)
    >>> model.fit(X, [-2.0, 4.0]).coef_.round(0)
    array([3.])
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

    @property
    def standardize(self) -> bool:
        """Whether the optimizer works in coordinates in which features are scaled."""
        return self.optimizer.standardize

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

    def _go_on(
        self, problem: Problem, params: np.ndarray, inner: dict, lr: float, t: int
    ) -> tuple[float, bool]:
        """Let the optimizer iterate on a problem; return the loss, and whether it is solved."""
        loss = self.optimizer.iterate(problem, params, inner, lr, t)
        return loss, bool(inner.get("converged"))
