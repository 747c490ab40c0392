"""The training loop: epochs, stopping, validation, divergence, history.

Python owns epochs, compiled code owns batches.  A *driver* (`sklgd.training.drivers`) runs one
epoch of its optimizer's family and writes the `FitState` (`sklgd.training.state`); the loop looks
at what came out and decides whether to go on.

Invariants: what a fit carries from one call to the next is in its `FitState`, and nothing else
is; strategies are never written to; the parameters a model ends with are those the loop scored.
They are `FitState.result`, which need not be the iterate: it may be the mean of iterates, or what
the optimizer makes of the iterate and its own state.  `FitState.restart` alone puts parameters
back, so that the result is what was put back, and training goes on from there.
"""

from __future__ import annotations

import copy
import functools
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._strategy import has_kernel
from ..baseline import TOO_LARGE
from ..objective import scale_of
from .divergence import (
    ABOVE,
    FAR,
    USELESS,
    far_above,
    is_beyond,
    pulled_back,
    seen_at_end,
    suspicious,
)
from .drivers import Driver

#: the reasons to stop after which the parameters say nothing
FAILED = ("diverged", "interrupted")
#: epochs after which an objective that began at zero is to have settled
GROWTH_EPOCHS = 6
#: an optimality so large is none at all
STILL = 0.5
#: what is printed of an epoch
SHOWN = ("objective", "val_loss", "val_score", "learning_rate")
#: what share of its fall since the first epoch a network's objective counts as, at the least
FALL_COUNTS = 0.3
#: gradients are estimated from so many rows, or from this share of them for each epoch, if more
LOOK_ROWS, LOOK_SHARE = 1024, 1 / 32
#: training crawls where more than so many times ``tol`` is still to come, or where a fall has been
#: followed by one of this share of it
MUCH, STEADY = 2.0, 0.5
#: the optimality up to which falls are noise about the minimum
NOT_NOISE = 0.01
#: training that overflows has diverged, and says so itself
QUIET = functools.partial(np.errstate, over="ignore", invalid="ignore")


@dataclass
class Validation:
    """Rows to score on: ``loss(params)``, and ``score(params)`` where a scorer was asked for."""

    loss: Callable[[np.ndarray], float]
    score: Callable[[np.ndarray], float] | None = None


@dataclass
class Stopping:
    """When to stop.

    ``tol`` is relative: an epoch is no improvement where the objective is not lower, by ``tol``
    times its scale, than at the last improvement.  The scale is the larger of its best absolute
    value so far and ``tol`` times the first one.  With ``early_stopping`` the validation loss
    takes the objective's place; a score must rise by ``tol`` itself.
    """

    max_iter: int = 1000
    tol: float | None = 1e-3
    n_iter_no_change: int = 5
    early_stopping: bool = False
    in_stream: bool = False


@dataclass
class Watch:
    """Follows a quantity that should fall: its best value, and for how long it has not improved.

    Small falls add up: the value that epochs are compared with stays the same until one is far
    enough below it.  So a slow and steady fall goes on.  Enough is ``tol`` times the value's size,
    which counts as no less than ``fall_counts`` times its fall since the first one; ``tol`` itself
    if it is not ``relative``.
    """

    tol: float | None
    relative: bool = True
    fall_counts: float = 0.0
    best: float = math.inf
    compared: float = math.inf
    first: float = math.nan
    stale: int = 0
    values: list[float] = field(default_factory=list)

    def see(self, value: float) -> bool:
        """Take in an epoch's value; return whether it is the best so far."""
        self.values.append(value)
        if math.isnan(self.first):
            self.first = value
        if self.tol is not None:
            enough = self.tol * self._scale() if math.isfinite(self.compared) else 0.0
            if value < self.compared - enough:
                self.compared, self.stale = value, 0
            else:
                self.stale += 1
        is_best = value < self.best
        self.best = min(self.best, value)
        return is_best

    def _scale(self) -> float:
        if not self.relative:
            return 1.0
        size = scale_of(self.best, self.first, self.tol or 0.0)
        return max(size, self.fall_counts * (self.first - self.best))


@dataclass
class Report:
    """What came out of a training run."""

    n_iter: int = 0
    best_iter: int = 0
    stop_reason: str = "max_iter"
    history: dict[str, list[float]] = field(default_factory=dict)


def _falls(objective: list[float], width: int) -> tuple[float, float]:
    # The fall over the last ``width`` epochs, and before it that over as many epochs before them.
    before, middle, last = (objective[-1 - back * width] for back in (2, 1, 0))
    return before - middle, middle - last


class TrainingLoop:
    """Runs a driver until something says stop, and leaves the state with the parameters to keep.

    Sets: ``params``, ``mean`` and ``rate_scale`` of the driver's state, beside what the driver
    sets; nothing else.  ``hooks`` are told of each epoch, and may end the training.  ``chosen``
    says that the optimizer was chosen automatically, which no warning then recommends.
    """

    #: what a loop remembers from epoch to epoch, beside the state
    MEMORY = ("report", "watch", "start", "penalty", "best", "ended", "next_print")

    def __init__(
        self,
        driver: Driver,
        stopping: Stopping,
        *,
        validation: Validation | None = None,
        hooks: Any = None,
        verbose: int = 0,
        name: str = "fit",
        chosen: bool = False,
    ) -> None:
        self.driver, self.stopping, self.validation = driver, stopping, validation
        self.chosen = chosen
        self.problem, self.state = driver.problem, driver.state
        self.hooks, self.verbose, self.name = hooks, verbose, name
        self.report = Report()
        self.started = time.perf_counter()
        by_score = stopping.early_stopping and validation and validation.score is not None
        # a network's loss falls for ever, ever more slowly, where it learns its rows by heart
        by_fall = chosen and not self.problem.block.model.linear
        self.watch = Watch(
            stopping.tol, relative=not by_score, fall_counts=FALL_COUNTS if by_fall else 0.0
        )
        self.trial = self.state.trial
        self.start = None if self.trial is not None else self.state.result.copy()
        # that of the epoch before; a stream has one epoch, which nothing is compared with
        self.penalty = None if stopping.in_stream else self.state.penalty_value(self.problem)
        self.best: np.ndarray | None = None
        self.ended = False
        self.next_print = 1

    def progress(self) -> dict[str, Any]:
        """Return a copy of what is remembered, with which another loop can `resume`."""
        memory = {name: copy.copy(getattr(self, name)) for name in self.MEMORY}
        memory["report"].history = {k: list(v) for k, v in self.report.history.items()}
        memory["watch"].values = list(self.watch.values)
        return memory

    def resume(self, progress: dict[str, Any]) -> None:
        """Go on where `progress` was asked for; the state must be that of then, too."""
        vars(self).update(copy.deepcopy(progress))
        self.started -= self.report.history["time"][-1]

    def run(self) -> Report:
        """Train; return the report."""
        report = self.report
        try:
            while not self.ended and report.n_iter < self.stopping.max_iter:
                report.n_iter += 1
                self._epoch()
        except KeyboardInterrupt:
            if self.stopping.in_stream:
                raise
            report.stop_reason = "interrupted"
        self._finish()
        return report

    def _epoch(self) -> None:
        """Make an epoch, and decide whether training ends with it."""
        if self.hooks is not None:
            self.hooks.begin_epoch()
        with QUIET():
            finite = self._record(self.driver.epoch())
        if finite:
            self.ended = self._has_stopped()
        else:
            self.ended, self.report.stop_reason = True, "diverged"
            self._keep_useful()  # before callbacks look
        if self.hooks is not None and self.hooks.end_epoch() and not self.ended:
            self.ended, self.report.stop_reason = True, "callback"

    def optimality(self) -> float:
        """Return the norm of the smallest subgradient at the end, relative to that at zero.

        A gradient that the optimizer has not asked for costs a third of an epoch: after few epochs
        over many rows it is estimated from some of the rows, spread evenly, at a few percent of the
        fit.  NaN after an interruption, which wants no more passes.
        """
        if self.report.stop_reason == "interrupted":
            return math.nan
        problem = self.problem
        share = min(1.0, self.report.n_iter * LOOK_SHARE)
        some = problem.thinned(max(LOOK_ROWS, int(share * problem.n_rows)))
        start = None if problem.block.model.linear else self.start
        return problem.optimality(self.state.result, start, some)

    def _record(self, loss: float) -> bool:
        """Write an epoch into the history; return False, writing nothing, if it is not finite."""
        if not (math.isfinite(loss) and self.state.is_finite):
            return False
        penalty = self.state.penalty_value(self.problem)
        row = {"objective": loss + penalty, "loss": loss, "penalty": penalty}
        row["learning_rate"] = self.driver.rate()
        # falls would add up to what no point has if the penalty were of another than the loss
        before = penalty if self.penalty is None else self.penalty
        value = at_loss = loss + self.driver.where_the_loss_is(before, penalty)
        self.penalty = penalty
        if self.validation is not None:
            params = self.state.result
            row["val_loss"] = value = self.validation.loss(params)
            if self.validation.score is not None:
                # a scorer would refuse predictions that have overflowed
                finite = math.isfinite(row["val_loss"])
                row["val_score"] = self.validation.score(params) if finite else math.nan
                value = -row["val_score"]
            if not self.stopping.early_stopping:
                value = at_loss
        row["time"] = time.perf_counter() - self.started
        for key, number in row.items():
            self.report.history.setdefault(key, []).append(number)
        if self.watch.see(value):
            if not self.stopping.in_stream:  # an only epoch's parameters stay where they are
                self.best = self.state.result.copy()
            self.report.best_iter = self.report.n_iter
        self._print(row)
        return True

    def _has_stopped(self) -> bool:
        if self.driver.converged:
            self.report.stop_reason = "tol"
            return True
        if self.driver.knows_when and not self.stopping.early_stopping:
            return False
        patience = max(self.stopping.n_iter_no_change, self.driver.schedule.least_patience)
        if self.stopping.tol is None or self.watch.stale < patience:
            return False
        scale = self.driver.schedule.on_plateau(self.state.rate_scale)
        if scale is not None:
            self.state.rate_scale = scale
            self.watch.stale = 0
            return False
        self.report.stop_reason = "no_improvement" if self.stopping.early_stopping else "tol"
        return True

    def _crawls(self) -> bool:
        """Whether the last falls are too small to count because the steps are too short.

        Then they would add up to much if they went on, or they go on steadily far from a minimum.
        """
        objective, tol = self.watch.values, self.stopping.tol
        patience = self.stopping.n_iter_no_change
        width = min(patience, (len(objective) - 1) // 2)
        if tol is None or self.driver.converged or self.stopping.early_stopping or width < 1:
            return False
        first, second = _falls(objective, width)
        to_come = second / width * self.stopping.max_iter
        if 0.0 < second < first:  # a geometric series
            to_come = min(to_come, second * (second / (first - second)))
        much = MUCH * tol * scale_of(self.watch.best, self.watch.first, tol)
        if self.state.rate_scale < 1.0:  # lowered where the objective no longer fell
            much = math.inf
        # the first steps of a rule may be of another kind than those that were too short
        falls = [(first, second), _falls(objective, max(min(patience, width) // 2, 1))]
        steady = any(second >= STEADY * first > 0.0 for first, second in falls)
        if not (to_come > much or steady):
            return False
        return self.optimality() > (NOT_NOISE if to_come > much else 0.5)

    def _finish(self) -> None:
        """Decide which parameters to keep, and say what the user should know."""
        report = self.report
        last = math.inf if report.stop_reason in FAILED else self._seen_last()
        ended = report.stop_reason in ("tol", "no_improvement", "max_iter")
        if ended and self._ends_above(last, FAR):
            report.stop_reason = "diverged"
            self._keep_useful()
        restores = self.stopping.early_stopping and report.stop_reason != "diverged"
        if restores and self.validation.score is not None and self.best is None:
            raise ValueError(
                f"The score on the validation rows was NaN in each of {report.n_iter} epochs, so "
                "that none is the best. It may not be defined for so few rows, or for one class: "
                "set more of them aside by validation_fraction, or leave scoring at 'loss'."
            )
        if report.stop_reason == "interrupted":
            if self.best is not None:
                self.state.restart(self.best)
            elif not np.isfinite(self.state.result).all():
                self.state.restart(self.start)
        elif restores and self.best is not None:
            self.state.restart(self.best)
            last = self._seen_last()
        message = self._message(last)
        if message is not None:
            interrupted = report.stop_reason == "interrupted"
            category = UserWarning if interrupted else ConvergenceWarning
            warnings.warn(message, category, stacklevel=6)  # where fit was called
        self.best = None  # with many features memory counts
        if self.problem.block.model.linear:
            self.start = None
        if self.verbose and self.stopping.max_iter > 1:
            end = f"{report.stop_reason}, best iteration {report.best_iter}"
            print(f"{self.name} stopped after iteration {report.n_iter}: {end}")

    def _message(self, last: float) -> str | None:
        """Return what to warn of by the objective seen last, None where training ended well."""
        report = self.report
        if report.stop_reason == "diverged":
            return (
                f"{self.name} diverged: after {report.n_iter} epochs the objective was far above "
                "its start or not finite. The model has the parameters of epoch "
                f"{report.best_iter}, pulled back towards the start to where the objective is "
                f"lowest. {self._if_diverged()}"
            )
        if report.stop_reason == "interrupted":
            return (
                f"{self.name} was interrupted in epoch {report.n_iter}; the model has the best "
                "parameters found so far."
            )
        if report.stop_reason == "max_iter" and self.stopping.tol is not None:
            return (
                "Maximum number of iteration reached before convergence. Consider increasing "
                "max_iter to improve the fit."
            )
        if not self.stopping.in_stream and self._ends_above(last, ABOVE):
            return (
                f"{self.name} ended with more than twice the objective that it began with. "
                f"{self._if_diverged()}"
            )
        if report.stop_reason == "tol" and self._is_useless(last):
            return (
                f"{self.name} ended with a larger objective than that of the best constant. "
                f"{self._if_crawling() if self._only_fell() else self._if_diverged()}"
            )
        if report.stop_reason == "tol" and self._stands_still():
            return (
                f"{self.name} ended where it began: no step along the gradient lowers the "
                "objective. sklgd.testing.check_loss tells whether the gradient of the loss is "
                "sound."
            )
        if report.stop_reason == "tol" and self._crawls():
            return (
                f"{self.name} stopped, since epochs improved the objective by less than tol asks, "
                f"but it was falling steadily, far from where it would end. {self._if_crawling()}"
            )
        return None

    def _only_fell(self) -> bool:
        """Whether not even the first epoch saw an objective above that at the start."""
        return self.report.history["objective"][0] <= self.problem.total(self._began())

    def _if_diverged(self) -> str:
        # What to change.
        if self.driver.knows_when:
            return (
                "Scale the features (StandardScaler might help); of a loss of your own, "
                "sklgd.testing.check_loss tells whether its gradient is sound."
            )
        if self.chosen:
            return (
                "Scale the features and the targets (StandardScaler might help), or set an "
                "optimizer with a lower learning rate."
            )
        return (
            "Lower the learning rate, scale the features (StandardScaler might help), or use "
            "optimizer='auto', which needs neither."
        )

    def _if_crawling(self) -> str:
        # What to change.
        if self.chosen:
            return "Lower tol, or set an optimizer with a larger learning rate, such as Adam(0.01)."
        return (
            "Increase the learning rate, lower tol, or use optimizer='auto', which has no learning "
            "rate."
        )

    @QUIET()
    def _seen_last(self) -> float:
        """Return the objective that was seen last, at the end itself where steps were on rows."""
        last = self.report.history.get("objective", [math.inf])[-1]
        if self.stopping.in_stream or self.driver.knows_when:
            return last
        return float(np.maximum(last, seen_at_end(self.problem, self.state.result)))  # or NaN

    @QUIET()
    def _ends_above(self, last: float, far: float) -> bool:
        """Whether the objective ends above its start by so many times its size there."""
        if not suspicious(self.problem, last, far):
            return False
        limit = far_above(self.problem, self._began(), far)
        seen = self.report.history.get("objective", [])
        of_classes = self.problem.block.loss.task == "classification"
        if limit == math.inf and of_classes and far >= FAR and len(seen) >= GROWTH_EPOCHS:
            limit = far * max(seen[: len(seen) // 2])  # zeros cost nothing: it is growth that tells
        return is_beyond(self.problem, self.state.result, last, limit)

    @QUIET()
    def _is_useless(self, last: float) -> bool:
        """Whether steps left a linear model of numbers worse than a constant.

        Classes may be told apart all the same.
        """
        problem, loss = self.problem, self.problem.block.loss
        if not problem.block.model.linear or loss.task == "classification":
            return False
        tol = self.stopping.tol or 0.0
        scale = scale_of(problem.at_constant, problem.loss_at_zero(), tol)
        limit = problem.at_constant + USELESS * scale
        return is_beyond(problem, self.state.result, last, limit)

    def _stands_still(self) -> bool:
        """Whether a loss of one's own does not fall at all, by its gradient far from a minimum."""
        if has_kernel(self.problem.block.loss) or not self.driver.knows_when:
            return False
        objective = self.report.history["objective"]
        return objective[-1] >= objective[0] and self.optimality() > STILL

    def _began(self) -> np.ndarray:
        # The parameters that training started from.
        return self.trial.start() if self.start is None else self.start

    @QUIET()
    def _keep_useful(self) -> None:
        """Keep the best epoch's parameters, pulled back towards the start as far as that helps.

        A fit fails where even those have no finite predictions; a stream goes on with other rows.
        """
        start = best = self._began()
        if self.report.best_iter == self.report.n_iter:
            best = self.state.result
        elif self.best is not None:
            best = self.best
        useful, objective = pulled_back(self.problem, start, best)
        if not (self.stopping.in_stream or math.isfinite(objective)):
            if not math.isfinite(self.problem.loss_at_zero()):
                raise ValueError(TOO_LARGE)
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed: the objective is not finite even where "
                "training starts. Scale the features (StandardScaler might help)."
            )
        self.state.restart(useful)

    def _print(self, row: dict[str, float]) -> None:
        """Print an epoch's line: every one at first, then ever fewer, about 20 in 1,000."""
        n_iter = self.report.n_iter
        if not self.verbose or (self.verbose == 1 and n_iter < self.next_print):
            return
        self.next_print = max(n_iter + 1, math.ceil(1.4 * n_iter))
        width = len(str(self.stopping.max_iter))
        shown = [f"{key} {row[key]:<9.4g}" for key in SHOWN if key in row]
        print(f"Iteration {n_iter:{width}d} of {self.name}: {' '.join(shown)} {row['time']:.2f} s")
