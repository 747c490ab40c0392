"""How far the rows of a stream go, beside those before.

The automatic rules of ``partial_fit`` take steps in proportion to what they have seen.  Rows whose
features are a thousand times larger could undo all that they have learnt, so these are left out,
unless they turn out to be the rule: after some calls with hardly any others the features have new
units.  Then the weights of a linear model either stay or are divided, so that features of the new
size do to predictions what those of the old size did: whichever has the smaller loss on the rows.
A network sees its features in the new units.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from .._kernels.moments import dense_distances, sparse_distances
from ..coordinates import is_constant
from ..objective import Problem
from ..sampling import Rows, evenly
from .doubt import Doubt
from .state import FitState
from .streams import Stream, after_fit, farthest, mean_of

#: so many times the largest size so far is far, and more while rows are few beside the second
FAR_BEYOND, WIDER = 8.0, 32
#: up to so many rows tell nothing of others, and from so many on weights are looked at
FEW, ENOUGH_SEEN = 8, 32
#: how many rows of a call wait at most
MOST_OF_CALL = 512
#: weights are looked at where a feature is so many times as large as ever before
GROWN = 2.0


class Kept(NamedTuple):
    """The rows of a call that a stream goes on with.

    Attributes
    ----------
    rows : Rows
        The call's rows; in new units with those that have waited.
    order : uint32 ndarray or None
        The numbers of those that are not left out; None for all.
    doubt : Doubt
        What there was of rows that are far, with this call.
    change : {"grown", "new units"} or None
        Whether features are so much larger than ever that weights are looked at, or nearly all rows
        are far, and are the rule now.
    n_left_out : int
        How many rows are.
    """

    rows: Rows
    order: np.ndarray | None
    doubt: Doubt = Doubt()
    change: str | None = None
    n_left_out: int = 0

    @property
    def are_none(self) -> bool:
        """Whether no row is left."""
        return self.order is not None and not self.order.size


def sort_rows(rows: Rows, order: np.ndarray | None, state: FitState) -> Kept:
    """Return which rows of a call a stream goes on with, of those that have weight.

    Parameters
    ----------
    rows : Rows
        All of the call's.
    order : uint32 ndarray or None
        The numbers of those with weight; None for all.
    state : FitState
    """
    stream, known, before = state.stream, _known_sizes(state), state.weight_count
    n_rows = len(rows.y) if order is None else len(order)
    if known is None or not n_rows or before < FEW:
        return Kept(rows, order, stream.doubt)
    seen = before * (stream.density if stream.is_dense else 1.0)  # a feature, so often
    limit = FAR_BEYOND * stream.doubt.slack * (1.0 + WIDER / seen)
    distances = _distances(rows.X, order, stream, known, limit)
    far = distances == 2
    are_far = bool(far.any())
    n_far, n_near = _counted(rows, order, far, state) if are_far else (0.0, float(n_rows))
    numbers = np.arange(n_rows, dtype=np.uint32) if order is None else order
    waiting = None
    if n_far >= n_near:
        waiting = numbers[far]
        step = -(-len(waiting) // MOST_OF_CALL)
        waiting = rows.at(waiting[evenly(len(waiting), step)])
    doubt = stream.doubt.with_rows(waiting, n_far, n_near)
    if doubt.is_over(before):
        waited = stream.doubt.waiting
        if waited or order is not None:
            rows = Rows.joined((*waited, rows if order is None else rows.at(order)))
        return Kept(rows, None, Doubt(), "new units")
    have_grown = stream.is_dense and seen >= ENOUGH_SEEN and bool(np.any(distances == 1))
    order = numbers[~far] if are_far else order
    n_left_out = n_rows - len(order) if are_far else 0
    return Kept(rows, order, doubt, "grown" if have_grown else None, n_left_out)


def _counted(
    rows: Rows, order: np.ndarray | None, far: np.ndarray, state: FitState
) -> tuple[float, float]:
    # How many rows are far, and how many are not, by their weights beside those before.
    if rows.weights is None:
        n_far = float(np.count_nonzero(far))
        return n_far, far.size - n_far
    weights = rows.weights if order is None else rows.weights[order]
    weights = weights * (state.weight_count / state.weight_sum)
    return float(weights[far].sum()), float(weights[~far].sum())


def _known_sizes(state: FitState) -> np.ndarray | None:
    # The largest size of each feature, less the centre; zeros where there is none but rounding.
    stream = state.stream
    if stream.largest is not None:
        return stream.largest
    if state.t > 0:
        known = state.slots[0, : state.shape[0]]
    elif stream.reach is not None:
        known = stream.reach[0]
    else:
        return None
    if stream.centre is None:
        return known
    return np.where(is_constant(known, stream.centre), 0.0, known)


def _distances(
    X: Any, rows: np.ndarray | None, stream: Stream, known: np.ndarray, limit: float
) -> np.ndarray:
    # Of each row 1 if it has grown, 2 if it is beyond the limit, else 0.
    how = stream.centre, known, GROWN, limit, stream.is_dense
    if not sp.issparse(X):
        return dense_distances(X, rows, *how)
    distances = sparse_distances(X.data, X.indices, X.indptr, rows, *how)
    if stream.centre is None:
        return distances
    # zeros, where they are far from all else
    zeros = np.abs(stream.centre)
    features = np.flatnonzero((known > 0.0) & (zeros > GROWN * known))
    if features.size:
        some = (X if rows is None else X[rows])[:, features].toarray() == 0.0
        are_far = zeros[features] > limit * known[features]
        of_zeros = np.where(some[:, are_far].any(axis=1), 2, some.any(axis=1))
        distances = np.maximum(distances, of_zeros)
    return distances


def fit_weights(problem: Problem, state: FitState) -> None:
    """Let weights, and what is known of their features, suit rows that go further than ever.

    The weights stay, or what they do to features of the largest sizes does, as the rule's own
    steps would have it: whichever has the smaller loss.

    Parameters
    ----------
    problem : Problem
        Of the call's rows, in the user's features.
    state : FitState
        In these, too.
    """
    centre = state.stream.centre
    times = _growth(problem, state)
    stay, _ = _fitting(problem, state, state.params.copy(), times, centre, centre)
    if state.mean is not None and not stay:
        state.mean[:] = _rescaled(problem, state.mean, times, centre, centre)
    # where weights stay, their gradients have been in another unit
    units = times if stay else np.ones_like(times)
    if state.t == 0:
        reach = state.stream.reach * np.stack((times, units**2))
        state.stream = replace(state.stream, reach=reach)
        return
    scale, squares = (problem.weights(slot) for slot in state.slots[:2])
    scale *= times
    squares *= units**2


def begin_in_new_units(problem: Problem, strategies: Any, state: FitState) -> float:
    """Let a stream begin anew, as after a fit, with weights that suit rows in new units.

    Parameters
    ----------
    problem : Problem
        Of these rows.
    strategies : Strategies
    state : FitState

    Returns
    -------
    n_rows : float
        How many rows the weights hold what there is to know of: those before, too, unless a
        constant predicts the new ones as well.
    """
    centre = there = state.stream.centre
    if centre is not None:
        there = mean_of(problem.block.X[problem.look().rows], None)
    times = _growth(problem, state)
    _, loss = _fitting(problem, state, state.result.copy(), times, centre, there)
    if state.mean is not None:
        state.mean[:] = state.params
    state.slots[:], state.t = 0.0, 0
    state.stream = after_fit(problem, strategies, state.params)
    return state.weight_count if loss < problem.look().at_constant else problem.n_rows


@np.errstate(over="ignore", invalid="ignore")
def _growth(problem: Problem, state: FitState) -> np.ndarray:
    # How many times as large as ever features are, one where that is not much.
    known = _known_sizes(state)
    largest = farthest(problem.block.X, problem.order, state.stream.centre)
    times = np.divide(largest, known, out=np.ones_like(largest), where=known > 0.0)
    return np.where((times > GROWN) & np.isfinite(times), times, 1.0)


def _fitting(
    problem: Problem,
    state: FitState,
    params: np.ndarray,
    times: np.ndarray,
    centre: np.ndarray | None,
    there: np.ndarray | None,
) -> tuple[bool, float]:
    # Set the state's parameters to given ones, or those rescaled; return whether they stay, and the
    # loss on some of the rows.
    state.settle()
    rescaled, look = _rescaled(problem, params, times, centre, there), problem.look()
    with np.errstate(over="ignore", invalid="ignore"):
        losses = look.loss(params), look.loss(rescaled)
    stay = losses[0] <= losses[1]
    state.params[:] = params if stay else rescaled
    return stay, losses[0 if stay else 1]


def _rescaled(
    problem: Problem,
    params: np.ndarray,
    times: np.ndarray,
    centre: np.ndarray | None,
    there: np.ndarray | None,
) -> np.ndarray:
    # Weights over ``times``; predictions at the centre are then those at another.
    moved = params.copy()
    weights = problem.weights(moved)
    if centre is not None:
        moved[problem.n_weights :] += (weights * centre).sum(axis=-1)
    weights /= times
    if there is not None:
        moved[problem.n_weights :] -= (weights * there).sum(axis=-1)
    return moved
