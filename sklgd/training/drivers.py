"""One epoch of each family of optimizers: step rules over batches, and full-batch iterations.

`sklgd.training.variance_reduced` has the third family, steps on rows with a memory of gradients.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from .._kernels import adapters
from .._kernels.base import aligned, permute
from .._kernels.epoch import Epoch
from .._strategy import compose_kernel
from ..objective import Problem
from ..optimizers import Optimizer
from ..schedules import Schedule
from .state import FitState

#: steps that are handed to compiled code at once: bounds the arrays of learning rates
STEPS_AT_ONCE = 16384
#: with more sparse features, all of whose weights are brought up to date in the end, as many as
#: there are of these, or so many
MOST_AT_ONCE = 65536


class Driver:
    """Runs the epochs of an optimizer for `TrainingLoop`: the base of one class for each family.

    Parameters
    ----------
    problem : Problem
    optimizer : Optimizer
    state : FitState
        Written to.

    Attributes
    ----------
    schedule : Schedule
        That of the learning rate.
    knows_when : bool
        Whether the optimizer tells when ``tol`` is reached; else the loop watches the objective.
    converged : bool
        Whether it has.
    """

    knows_when = converged = False

    def __init__(self, problem: Problem, optimizer: Optimizer, state: FitState) -> None:
        self.problem, self.optimizer, self.state = problem, optimizer, state
        self.schedule: Schedule = optimizer.schedule()
        state.optimizer = optimizer

    def epoch(self) -> float:
        """Make an epoch; return the mean loss, as far as it was seen on the way."""
        raise NotImplementedError

    def rate(self) -> float:
        """Return the learning rate of the last step."""
        raise NotImplementedError

    def where_the_loss_is(self, before: float, after: float) -> float:
        """Return a quantity at the parameters that the epoch's loss is of, by its ends."""
        return after


class RowsDriver(Driver):
    """Runs steps on batches of rows; one crossing into compiled code for many thousand steps.

    A subclass makes ``epoch_kernel``, whose ``run`` takes the steps.

    Parameters
    ----------
    problem, optimizer, state
        As for `Driver`.
    batch_size : int
        Rows of a step.
    shuffle : bool
        Whether each epoch has an order of its own.
    """

    #: what the schedule's numbers are multiples of
    unit = 1.0

    def __init__(
        self,
        problem: Problem,
        optimizer: Optimizer,
        state: FitState,
        *,
        batch_size: int,
        shuffle: bool,
    ) -> None:
        super().__init__(problem, optimizer, state)
        self.batch_size, self.shuffle = batch_size, shuffle
        self.order = np.empty(problem.n_rows, dtype=np.uint32) if shuffle else problem.order

    def where_the_loss_is(self, before: float, after: float) -> float:
        """Return it before an only step; of many, which look as they go, at the end."""
        return before if self.batch_size >= self.problem.n_rows else after

    def _steps(self) -> float:
        """Take the steps of a pass; return the sum of the losses."""
        problem, state = self.problem, self.state
        at_once = max(STEPS_AT_ONCE, min(problem.n_features, MOST_AT_ONCE))
        total, rows_at_once = 0.0, at_once * self.batch_size
        for start in range(0, problem.n_rows, rows_at_once):
            stop = min(start + rows_at_once, problem.n_rows)
            steps = -(-(stop - start) // self.batch_size)
            rates = self._rates(state.t + 1, steps)
            try:
                total += self.epoch_kernel.run(self.order, start, stop, rates, state.t + 1)
            finally:
                state.t = self.epoch_kernel.t - 1
        return total

    def rate(self) -> float:
        """Return the learning rate of the last step."""
        return float(self.schedule(max(self.state.t, 1))) * self.state.rate_scale * self.unit

    def _rates(self, first: int, steps: int) -> float | np.ndarray:
        t = first if self.schedule.constant else np.arange(first, first + steps, dtype=float)
        try:
            rates = self.schedule(t)
        except (TypeError, ValueError) as error:
            must = "return a number for each step t"
            if _works(self.schedule, first):
                must = (
                    "take arrays of steps, too: use NumPy's functions instead of math's, and "
                    "np.where instead of if"
                )
            raise ValueError(
                f"The schedule {self.schedule!r} must {must}. It raised: {error}"
            ) from error
        if np.shape(rates) not in ((), np.shape(t)):
            raise ValueError(
                f"The schedule {self.schedule!r} returned an array of shape {np.shape(rates)} for "
                f"t of shape {np.shape(t)}; it must return a rate for each step."
            )
        return checked_rates(self.schedule, rates * self.state.rate_scale * self.unit, first)


class StepDriver(RowsDriver):
    """Runs a step rule."""

    def __init__(
        self,
        problem: Problem,
        optimizer: Optimizer,
        state: FitState,
        *,
        batch_size: int,
        shuffle: bool,
    ) -> None:
        super().__init__(problem, optimizer, state, batch_size=batch_size, shuffle=shuffle)
        if np.shape(state.slots) != (optimizer.n_slots, problem.n_params):
            raise ValueError(
                f"{optimizer!r} has n_slots={optimizer.n_slots}: its state must have the shape "
                f"{(optimizer.n_slots, problem.n_params)}. Its init_state gave "
                f"{np.shape(state.slots)}."
            )
        if state.lag is None:
            state.params, state.slots = aligned(state.params), aligned(state.slots)
        penalties = (
            None if part is None else compose_kernel(part, adapters.PyPenalty)
            for part in problem.parts(composite=optimizer.composite)
        )
        self.epoch_kernel = Epoch(
            problem.objective,
            compose_kernel(optimizer, adapters.PyOptimizer),
            *penalties,
            state.params,
            state.slots,
            state.mean,
            state.average_from,
            batch_size,
            problem.block.model.linear,
            seed=state.seed,
            unit=problem.unit,
            lag=state.lag,
        )

    def epoch(self) -> float:
        """Make one pass; return the mean loss, each row's taken before its step."""
        problem, state = self.problem, self.state
        if self.shuffle:
            permute(self.order, problem.order, state.seed + (state.epochs << 32))
        trial = state.trial
        if trial is not None:
            trial.began = self.epoch_kernel.caught_up(trial.features, state.t)
        total = self._steps()
        if trial is not None:
            trial.ended = self.epoch_kernel.caught_up(trial.features, state.t)
        state.epochs += 1
        return total / problem.weight_sum


class FullBatchDriver(Driver):
    """Runs one iteration of a full-batch optimizer an epoch."""

    def __init__(self, problem: Problem, optimizer: Optimizer, state: FitState) -> None:
        if problem.block.model.stochastic:
            raise ValueError(
                f"{type(optimizer).__name__} minimises a function of the parameters, and "
                f"{problem.block.model!r} is none in training: it draws at random or depends on "
                "the batch. Use a step rule, such as optimizer='adam', or a model without dropout "
                "and batch normalization."
            )
        super().__init__(problem, optimizer, state)
        self.knows_when = optimizer.knows_when
        self.last_rate = self._last_scale = math.nan
        problem.remembers, problem.seed = True, state.seed

    def epoch(self) -> float:
        """Make one iteration; return the mean loss that it last evaluated."""
        state = self.state
        state.t += 1
        self.last_rate = lr = self._rate()
        loss = self.optimizer.iterate(self.problem, state.params, state.slots, lr, state.t)
        if not isinstance(loss, Real):
            raise ValueError(
                f"{type(self.optimizer).__name__}.iterate must return the mean loss, a number. Got "
                f"{loss!r} instead."
            )
        self.converged = bool(state.slots and state.slots.get("converged"))
        state.epochs += 1
        if state.mean is not None and state.t >= state.average_from:
            state.mean += (state.params - state.mean) / (state.t - state.average_from + 1)
        return loss

    def where_the_loss_is(self, before: float, after: float) -> float:
        """Return it after the step, or before where that is not looked for: as in descent."""
        return after if self.knows_when else before

    def rate(self) -> float:
        """Return the learning rate of the last step."""
        return self.last_rate

    def _rate(self) -> float:
        t, scale = self.state.t, self.state.rate_scale
        if self.schedule.constant and scale == self._last_scale:
            return self.last_rate
        self._last_scale = scale
        return float(checked_rates(self.schedule, self.schedule(t) * scale, t))


def _works(schedule: Schedule, t: int) -> bool:
    # Whether a schedule gives a rate for a single step.
    try:
        return np.ndim(schedule(float(t))) == 0
    except (TypeError, ValueError):
        return False


def checked_rates(schedule: Schedule, rates: Any, first: int) -> Any:
    """Return ``rates``, or raise where a schedule gives no learning rate."""
    if isinstance(rates, float) and 0.0 <= rates < math.inf:
        return rates
    least, most = (rates, rates) if np.ndim(rates) == 0 else (np.min(rates), np.max(rates))
    if not (least >= 0.0 and most < math.inf):  # not: NaN is caught too
        good = np.isfinite(rates) & (np.asarray(rates) >= 0.0)
        at = int(np.argmin(np.atleast_1d(good)))
        raise ValueError(
            f"A learning rate must be finite and >= 0. The schedule {schedule!r} gave "
            f"{np.atleast_1d(rates)[at]} at t={first + at}."
        )
    return rates
