"""When optimizers that know when they are done stop, and what they end with."""

from __future__ import annotations

import numpy as np

from .._strategy import has_kernel
from ..coordinates import Coordinates
from ..objective import Problem, fallen
from ..outliers import ordinary_share

#: the power of the share of ordinary rows that multiplies ``tol`` where curvature fades
FADING = 0.75
#: the share of what is asked for that an objective may be to be left as it is
NEXT_TO_NOTHING = 0.5
#: what ``tol`` is multiplied by for models that are not linear: their valleys are flat and bent
CURVED = 0.025


def look_for_outliers(problem: Problem, state: dict, space: Coordinates) -> None:
    """Tell `asked` what share ordinary rows have, once in a fit.

    They do not matter where the curvature of the loss is the same everywhere.  Where it fades with
    the slope, something between the share and its root will do: slopes are in proportion to
    features, not to their squares.
    """
    loss = problem.block.loss
    if not loss.quadratic and "ordinary" not in state:
        share = ordinary_share(problem, space)
        state["ordinary"] = share**FADING if loss.self_concordant else share


def asked(problem: Problem, state: dict, total: float) -> float:
    """Return what may be left to gain at an objective ``total``: ``tol`` times what it has fallen.

    It is less where outliers hide what there is to gain, and 0 without ``tol``.
    """
    share = state.get("ordinary", 1.0) if problem.block.model.linear else CURVED
    return share * problem.tol * fallen(state["first"], total) if problem.tol else 0.0


def is_next_to_nothing(problem: Problem, state: dict, total: float) -> bool:
    """Whether an objective is so small that no more than is `asked` for can be left to gain.

    So it may be long before classes that can be told apart have their largest margin, and at once
    where all targets are the same number.  Losses and penalties of this library are zero at the
    least; others may be less.
    """
    loss, penalty = problem.block.loss, problem.penalty
    plain = has_kernel(loss) and (penalty is None or has_kernel(penalty))
    if loss.task != "classification":
        return plain and total <= 0.0
    return plain and total <= NEXT_TO_NOTHING * asked(problem, state, total)


def fell_back(problem: Problem, params: np.ndarray, total: float) -> bool:
    """Put the best constant in place of a linear model's parameters that are worse; say so."""
    worse = problem.block.model.linear and total > problem.at_constant
    if worse:
        params[:] = problem.best_constant
    return worse
