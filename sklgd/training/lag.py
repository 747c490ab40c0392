"""What lets a call of ``partial_fit`` on few sparse rows cost no more than their entries do.

Its steps touch the features that the rows have.  All other weights would only see the penalty, and
are left behind with what they miss: the `Lag`, which the next call goes on with
(sklgd/_kernels/touched.pxd has the theory).  They are brought up to date for whoever reads them.

Nor is the state copied before such a call.  What the rows' features have is kept in a `Trial`, by
which the state before can be had again, where the call fails or its steps diverge.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from .._kernels import adapters
from .._kernels.models.linear import LinearKernel
from .._kernels.rows import make_rows
from .._kernels.touched import FEW_TIMES, NUMBERS, Touched
from .._strategy import compose_kernel
from ..objective import Problem
from ..optimizers import Optimizer
from ..penalties import Penalty

if TYPE_CHECKING:
    from .state import FitState

#: steps after which all weights are brought up to date: their table takes memory, and loses digits
MOST_STEPS = 65536
#: the penalty is exact where no more than so many features have weights for each that was seen
EXACT = 8


@dataclass
class Lag:
    """How far the weights of a linear model are behind.

    Attributes
    ----------
    optimizer : Optimizer
        The rule whose steps they miss.
    parts : tuple of (Penalty or None, Penalty or None)
        What is missed: the penalty's part in the gradient, and that in proximal steps.
    marks : int32 ndarray of shape (n_features, 2)
        The last step of which each feature's weights have had the penalty.
    alive : tuple of int32 ndarrays
        The features that may have weights in the state which are not zero, some of them more than
        once; zeros miss nothing.
    value : float
        The penalty.
    seen : int
        How many features calls have had since the value was last exact.
    table : float64 ndarray of shape (more than steps, NUMBERS)
        What `steps` since all weights were true had in common.
    steps : int
    longest, steady, lr : float, bool, float
        The largest of their paces, whether all are the same, and the last learning rate.
    """

    optimizer: Optimizer
    parts: tuple[Penalty | None, Penalty | None]
    marks: np.ndarray
    alive: tuple[np.ndarray, ...]
    value: float
    seen: int = 0
    table: np.ndarray = field(default_factory=lambda: np.zeros((64, NUMBERS)))
    steps: int = 0
    longest: float = 0.0
    steady: bool = True
    lr: float = 1.0

    def copy(self) -> Lag:
        """Return a lag that can go on without changing this one."""
        return replace(self, marks=self.marks.copy(), table=self.table.copy())

    def room(self, steps: int) -> np.ndarray:
        """Return the table, with room for so many more steps."""
        wanted = self.steps + steps + 1
        if len(self.table) < wanted:
            table = np.zeros((2 * wanted, NUMBERS))
            table[: len(self.table)] = self.table
            self.table = table
        return self.table

    def weights_at(self, state: FitState, features: np.ndarray) -> np.ndarray:
        """Return true weights of some features, shape (n_raw, m)."""
        n_features, n_raw, fit_intercept = state.shape
        kernels = (None if part is None else kernel_of(part) for part in self.parts)
        params, slots = usable(state.params), usable(state.slots)  # kernels hold pointers alone
        touched = Touched(
            make_rows(sp.csr_array((1, n_features))),
            compose_kernel(self.optimizer, adapters.PyOptimizer),
            *kernels,
            LinearKernel(n_features, n_raw, fit_intercept),
            True,
            params,
            slots,
            None,
            0,
            0.0,
            lag=replace(self, marks=usable(self.marks), table=usable(self.table)),
        )
        return touched.caught_up(features, state.t)

    def caught_up(self, state: FitState) -> np.ndarray:
        """Return a copy of the parameters with all weights up to date."""
        n_features, n_raw, _ = state.shape
        params, alive = state.params.copy(), self._distinct()
        weights = params[: n_raw * n_features].reshape(n_raw, n_features)
        weights[:, alive] = self.weights_at(state, alive)
        return params

    def _distinct(self) -> np.ndarray:
        return distinct(np.concatenate(self.alive))

    def follow(self, state: FitState, trial: Trial, penalty: Penalty | None) -> None:
        """Let the value be that after a call.

        It is exact as often as that costs no more than a multiple of the steps.  Until then it
        leaves out what other weights than the calls' have shrunk by.
        """
        if penalty is None:  # nothing is missed
            return
        fresh = trial.features[~trial.held[0].any(axis=0)]
        while self.alive and self.alive[-1].size <= fresh.size:  # ever shorter arrays: few of them
            fresh, self.alive = np.concatenate((self.alive[-1], fresh)), self.alive[:-1]
        self.alive = (*self.alive, fresh)
        self.seen += trial.features.size
        if sum(map(len, self.alive)) > EXACT * self.seen:
            self.value += float(penalty.value(trial.ended) - penalty.value(trial.began))
            return
        alive = self._distinct()
        self.alive, self.seen = (alive,), 0
        self.value = float(penalty.value(self.weights_at(state, alive)))


def usable(array: np.ndarray) -> np.ndarray:
    """Return an array, or a copy of one that came as a read-only map of a file, say."""
    return np.require(array, requirements=["C", "A", "W"])


def distinct(numbers: np.ndarray) -> np.ndarray:
    """Return the distinct ones of some numbers, in order: `np.unique` takes ten times as long."""
    numbers = np.sort(numbers)
    return numbers[np.append(True, numbers[1:] != numbers[:-1])[: numbers.size]]


def kernel_of(penalty: Penalty):
    """Return the compiled twin of a penalty."""
    return compose_kernel(penalty, adapters.PyPenalty)


class Trial:
    """What the features of a call's rows had before it.

    Parameters
    ----------
    state : FitState
        With a lag.
    X : CSR matrix

    Attributes
    ----------
    features : int32 ndarray
        Those of the rows, and the first: it holds what a rule keeps as a single number.
    began, ended : float64 ndarray of shape (n_raw, m)
        The features' true weights, before the call's steps and after them.
    """

    began: np.ndarray
    ended: np.ndarray

    def __init__(self, state: FitState, X: sp.csr_array) -> None:
        self.before = replace(state, lag=replace(state.lag), trial=None)
        self.features = distinct(np.append(X.indices, 0).astype(np.int32, copy=False))
        self.held = [part[..., self.features] for part in self._parts(state)]
        self.rest = [part.copy() for part in self._rest(state)]

    def _parts(self, state: FitState) -> list[np.ndarray]:
        # What there is for each feature.
        n_features, n_raw, _ = state.shape
        numbers = (state.params, *state.slots)
        weights = (part[: n_raw * n_features].reshape(n_raw, n_features) for part in numbers)
        return [*weights, state.lag.marks.T]

    def _rest(self, state: FitState) -> list[np.ndarray]:
        # Intercepts, and what there is of them.
        n_features, n_raw, _ = state.shape
        numbers = (state.params, *state.slots)
        return [part[n_raw * n_features :] for part in numbers]

    def swap(self) -> None:
        """Go back to what was before the call, or forth again."""
        for part, held in zip(self._parts(self.before), self.held, strict=True):
            held[...], part[..., self.features] = part[..., self.features], held.copy()
        for part, held in zip(self._rest(self.before), self.rest, strict=True):
            held[...], part[...] = part.copy(), held.copy()

    def start(self) -> np.ndarray:
        """Return the parameters before the call."""
        self.swap()
        try:
            return self.before.result
        finally:
            self.swap()

    def is_finite(self) -> bool:
        """Whether what the call has moved is finite."""
        intercepts = self._rest(self.before)[0]
        return bool(np.isfinite(self.ended).all() and np.isfinite(intercepts).all())


@contextmanager
def undone(trial: Trial | None) -> Iterator[None]:
    """Go back to before a trial where what follows fails."""
    try:
        yield
    except BaseException:
        if trial is not None:
            trial.swap()
        raise


def lagging(state: FitState, problem: Problem, optimizer: Optimizer) -> Trial | None:
    """Let the weights that the steps of a call do not touch stay behind, if that is possible.

    Returns
    -------
    trial : Trial or None
        What goes back, where it is; None where the steps are to be on all weights, which are up
        to date then.
    """
    X, n_features = problem.block.X, state.shape[0]
    if not _may_lag(state, problem, optimizer):
        state.settle()
        return None
    parts = problem.parts(composite=optimizer.composite)
    lag = state.lag
    arrays = (state.params, state.slots, *(() if lag is None else (lag.marks, lag.table)))
    if not all(array.flags.behaved for array in arrays):  # maps of a file, say
        state.own()
        lag = state.lag
    if (
        lag is None
        or lag.optimizer != optimizer
        or lag.parts != parts
        or (lag.steps > min(n_features // FEW_TIMES, MOST_STEPS))
    ):
        state.settle()
        marks = np.zeros((n_features, 2), dtype=np.int32)
        alive = np.flatnonzero(problem.weights(state.params).reshape(-1, n_features).any(axis=0))
        value = problem.penalty_value(state.params)
        # copies: the user's objects may get other parameters before the next call
        rule = copy.deepcopy((optimizer, parts))
        state.lag = Lag(*rule, marks, (alive.astype(np.int32),), value)
    return Trial(state, X)


def has_few_features(X: Any) -> bool:
    """Whether rows are so sparse, and so few, that most features are in none of them."""
    return sp.issparse(X) and FEW_TIMES * X.nnz < X.shape[1]


def _may_lag(state: FitState, problem: Problem, optimizer: Optimizer) -> bool:
    X = problem.block.X
    return (
        has_few_features(X)
        and problem.block.model.linear
        and problem.block.centre is None
        and state.t > 0  # a rule's first step sets up its memory
        and state.mean is None
        and type(optimizer).result is Optimizer.result
        and getattr(problem.penalty, "weights", None) is None
        and Touched.may_wait(
            compose_kernel(optimizer, adapters.PyOptimizer),
            *(
                None if part is None else kernel_of(part)
                for part in problem.parts(composite=optimizer.composite)
            ),
        )
    )
