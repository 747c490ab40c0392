"""Points that optimizers which see the objective itself go through, and their coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import coordinates
from ..objective import Problem
from ._stopping import look_for_outliers

#: a step has to lower the objective by this share of what the slope at its start promises
ARMIJO = 1e-4
#: rounding of an objective, relative to it
OBJECTIVE_ROUNDING = 1e-15


class Point:
    """A point in some coordinates, its parameters, and the smooth part of the objective there.

    Where the gradient is not finite the objective is NaN: there is no going on from there.
    """

    def __init__(
        self, u: np.ndarray, params: np.ndarray, loss: float, total: float, grad: np.ndarray
    ) -> None:
        if not np.isfinite(grad).all():
            loss = total = np.nan
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


def refuse_kinks(optimizer: Any, loss: Any) -> None:
    """Raise where a loss is not smooth."""
    if not loss.smooth:
        name = type(optimizer).__name__
        raise ValueError(
            f"{name} needs a smooth loss, and {loss!r} is not; use optimizer='auto', "
            f"optimizer='sgd' or Continuation({optimizer!r})."
        )
