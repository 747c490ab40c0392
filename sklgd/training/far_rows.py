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
from .state import FitState
from .streams import Doubt, Stream, after_fit, farthest, mean_of

#: so many times the largest size so far is far, and more while rows are few beside the second
FAR, EARLY = 8.0, 32
#: a row of rare features is far if more than this share of its entries are: of such features as
#: have been seen but once, some are always far
MOST = 0.5
#: weights are looked at where a feature is so many times as large as ever before
GROWN = 2.0


class Kept(NamedTuple):
    """The rows of a call, without those that are left out.

    Attributes
    ----------
    rows : uint32 ndarray or None
        Their numbers; None for all.
    doubt : Doubt
        What there was of rows that are far, with this call.
    have_grown : bool
        Whether features are so much larger than ever that weights are looked at.
    in_new_units : bool
        Whether most rows are far, and are the rule now.
    """

    rows: np.ndarray | None
    doubt: Doubt = Doubt()
    have_grown: bool = False
    in_new_units: bool = False

    @property
    def are_none(self) -> bool:
        """Whether no row is left."""
        return self.rows is not None and not self.rows.size


def sort_rows(X: Any, rows: np.ndarray | None, state: FitState) -> Kept:
    """Return which of some rows of a call a stream goes on with; None stands for all of them."""
    stream, known = state.stream, _known_sizes(state)
    n_rows = X.shape[0] if rows is None else len(rows)
    if known is None or not n_rows:
        return Kept(rows, stream.doubt)
    seen = state.weight_count
    if stream.is_dense:
        seen *= stream.density  # so often each feature was
    limit = FAR * stream.doubt.slack * (1.0 + EARLY / seen)
    distances = _distances(X, rows, stream, known, limit)
    far = distances == 2
    n_far = int(np.count_nonzero(far))
    doubt = stream.doubt.with_rows(n_far, n_rows)
    if doubt.is_over:
        return Kept(rows, Doubt(), True, True)
    have_grown = stream.is_dense and seen >= EARLY and bool(np.any(distances == 1))
    if n_far:
        near = np.flatnonzero(~far).astype(np.uint32)
        rows = near if rows is None else rows[near]
    return Kept(rows, doubt, have_grown)


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
    how = stream.centre, known, GROWN, limit, 0.0 if stream.is_dense else MOST
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


def fit_weights(problem: Problem, strategies: Any, state: FitState, *, in_new_units: bool) -> None:
    """Let weights, and what is known of their features, suit rows that go further than ever.

    The weights stay, or what they do to features of the largest sizes does, as the rule's own
    steps would have it: whichever has the smaller loss.

    Parameters
    ----------
    problem : Problem
        Of the call's rows, in the user's features.
    strategies : Strategies
    state : FitState
        In these, too.
    in_new_units : bool
        Whether the rows have other units than those before, and so another centre.
    """
    known, centre = _known_sizes(state), state.stream.centre
    largest = farthest(problem.block.X, problem.order, centre)
    times = np.where(known > 0.0, largest / np.where(known > 0.0, known, 1.0), 1.0)
    times[times <= GROWN] = 1.0
    there = centre
    if in_new_units and centre is not None:
        there = mean_of(problem.block.X[problem.look().rows], None)
    state.settle()
    smaller = [
        None if params is None else _rescaled(problem, params, times, centre, there)
        for params in (state.params, state.mean)
    ]
    look = problem.look()
    with np.errstate(over="ignore", invalid="ignore"):
        stay = look.loss(state.params) <= look.loss(smaller[0])
    if not stay:
        for params, other in zip((state.params, state.mean), smaller, strict=True):
            if params is not None:
                params[:] = other
    if in_new_units:
        state.slots[:], state.t = 0.0, 0
        state.stream = after_fit(problem, strategies, state.result)
        return
    # where weights stay, their gradients have been in another unit
    units = times if stay else np.ones_like(times)
    if state.t == 0:
        reach = state.stream.reach * np.stack((times, units**2))
        state.stream = replace(state.stream, reach=reach)
        return
    scale, squares = (problem.weights(slot) for slot in state.slots[:2])
    scale *= times
    squares *= units**2


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
