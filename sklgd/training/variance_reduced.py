"""The driver of variance-reduced optimizers: what they remember, and how often rows are drawn.

What is remembered belongs to the rows of X.  It goes on while these stay what they are, from call
to call of ``fit`` and ``partial_fit``, and is made anew at the first pass over others.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from .._kernels import adapters
from .._kernels import variance_reduced as kernels
from .._kernels.base import permute
from .._strategy import compose_kernel, has_kernel
from ..objective import Problem, scale_of
from ..optimizers import VarianceReduced
from .drivers import RowsDriver
from .state import FitState

#: how many epochs in a row must promise little
PATIENCE = 3
#: gains are not taken to fall slower than this power of the number of epochs
LEAST_POWER = 1.5
#: how much of the draws are uniform: a row is drawn at least a third of a time in a pass
UNIFORM = 0.5


class VarianceReducedDriver(RowsDriver):
    """Runs SAGA or SVRG over batches of rows; an epoch draws as many rows as there are.

    Losses that were seen along the way are too noisy to tell small improvements.  What the
    gradient in memory promises the next epoch, ``steps * rate * |gradient|^2``, is not: training
    ends where what all further epochs would gain, if promises fall on as they have (`rest_of`), has
    been small beside ``tol`` times the objective for some epochs in a row.
    """

    def __init__(
        self,
        problem: Problem,
        optimizer: VarianceReduced,
        state: FitState,
        *,
        batch_size: int,
        shuffle: bool,
    ) -> None:
        check_pair(problem, optimizer)
        super().__init__(problem, optimizer, state, batch_size=batch_size, shuffle=shuffle)
        norms, mark = survey(problem)
        if state.slots.get("rows") != mark:
            state.slots.clear()
            state.slots["rows"] = mark
        self.ends = self.shares = None
        bounds = norms
        bounds *= curvature_of(problem) or 1.0
        if shuffle:
            bounds = self._weigh(bounds)
        if optimizer.is_auto:
            self.unit = self._auto_rate(bounds)
        self.epoch_kernel = None
        # a schedule that waits for plateaus leaves it to the loop to see them
        self.knows_when = self.schedule.on_plateau(1.0) is None

    def _weigh(self, bounds: np.ndarray) -> np.ndarray:
        """Set how often a pass draws each row; return the bounds that this makes of theirs."""
        middle = bounds.mean()
        if not math.isfinite(middle) or np.ptp(bounds) <= 1e-6 * middle:
            return bounds
        draws = bounds / (middle * (1 + UNIFORM))
        draws += UNIFORM / (1 + UNIFORM)
        self.shares = np.ones(self.problem.block.X.shape[0])
        self.shares[self.problem.rows] /= draws
        bounds /= draws
        self.ends = np.cumsum(draws, out=draws)
        return bounds

    def _auto_rate(self, bounds: np.ndarray) -> float:
        penalty = self.problem.smooth_curvature
        smoothness = bounds.max()
        smoothness += penalty.max(initial=0.0)
        if smoothness == 0.0:  # nothing bends: any step does
            return 1.0
        return self.optimizer.auto_rate(smoothness, penalty.min(), self.problem.n_rows)

    def epoch(self) -> float:
        """Make one pass; return the mean loss of the rows where each was seen last."""
        problem, state, memory = self.problem, self.state, self.state.slots
        self.optimizer.begin_pass(problem, state.params, memory)
        if self.epoch_kernel is None:
            self.epoch_kernel = self._compose()
        if self.shuffle:
            self._draw(state.seed + (state.epochs << 32))
        excess = self._steps() / problem.weight_sum
        state.epochs += 1
        loss = self.optimizer.loss_in(memory, self.problem.rows, excess, problem.weight_sum)
        if problem.tol is not None:
            self._watch(loss + problem.penalty_value(state.params))
        return loss

    def _watch(self, objective: float) -> None:
        """See whether further epochs promise less than ``tol`` asks for."""
        problem, state = self.problem, self.state
        first, promises, hits = state.slots.get("watch", (objective, (), 0))
        point = self.optimizer.seen_at(state.params, state.slots)
        grad = state.slots["gradient"].copy()
        weights = problem.weights(grad)
        if problem.smooth is not None:
            problem.smooth.add_gradient(problem.weights(point), weights)
        if problem.rest is not None:
            weights[...] = problem.rest.residual(problem.weights(point), weights)
        steps = math.ceil(problem.n_rows / self.batch_size)
        promises = (*promises, steps * self.rate() * float(grad @ grad))
        small = rest_of(promises) <= problem.tol * scale_of(objective, first, problem.tol)
        hits = hits + 1 if small else 0
        state.slots["watch"] = first, promises, hits
        self.converged = self.knows_when and hits >= PATIENCE

    def _draw(self, seed: int) -> None:
        """Fill the order with a pass's rows: each as often as it should be, rounded up or down.

        Systematic sampling: a comb of unit distance, shifted at random, on the sums of the draws.
        """
        rows = self.problem.order
        if self.ends is not None:
            n_rows = self.problem.n_rows
            teeth = self.ends + np.random.default_rng(seed).random()
            np.minimum(np.floor(teeth, out=teeth), n_rows, out=teeth)
            teeth[-1] = n_rows
            times = teeth.astype(np.intp)
            del teeth  # with many rows memory counts
            times[1:] -= times[:-1]
            drawn = np.repeat(np.arange(n_rows, dtype=np.uint32), times)
            rows = drawn if rows is None else rows[drawn]
        permute(self.order, rows, seed)

    def _compose(self):
        problem, state = self.problem, self.state
        penalties = (
            None if part is None else compose_kernel(part, adapters.PyPenalty)
            for part in (problem.smooth, problem.rest)
        )
        return type(self.optimizer)._kernel(
            problem.objective,
            *penalties,
            state.params,
            state.slots["gradient"],
            table=state.slots.get("slopes"),
            losses=state.slots.get("losses"),
            snapshot=state.slots.get("snapshot"),
            shares=self.shares,
            n_rows=problem.n_rows,
            mean=state.mean,
            average_from=state.average_from,
            batch_size=self.batch_size,
        )


def rest_of(promises: Sequence[float]) -> float:
    """Return the sum that goes on from the gains of k epochs, as the half of them up to now falls.

    A gain that falls like ``j^-q`` sums to ``k / (q - 1)`` times the last one.  On slow problems q
    is 2, or less, and much is left where an epoch gains little; under linear convergence q grows
    with k, and the sum is not far from the last gain.
    """
    k, half = len(promises), (len(promises) + 1) // 2
    last, middle = promises[-1], promises[half - 1]
    if not 0.0 < last < math.inf:
        return last
    power = math.log(middle / last) / math.log(k / half) if k > half else 0.0
    return k * last / (max(power, LEAST_POWER) - 1.0)


def curvature_of(problem: Problem) -> float | None:
    """Return a bound of the loss's second derivative in the raw predictions, or None."""
    loss = problem.block.loss
    return loss.joint_curvature if problem.block.targets.joint else loss.curvature


def check_pair(problem: Problem, optimizer: VarianceReduced) -> None:
    """Raise where an optimizer cannot minimise the objective."""
    name, loss, model = type(optimizer).__name__, problem.block.loss, problem.block.model
    if not has_kernel(optimizer):
        raise ValueError(
            f"{name} has no compiled loop: a variance-reduced optimizer of one's own cannot train. "
            "Use SAGA() or SVRG(), or derive from Optimizer or FullBatchOptimizer."
        )
    if not model.linear:
        raise ValueError(
            f"{name} needs raw predictions that are linear in the parameters, and those of "
            f"{model!r} are not; use a step rule, such as optimizer='adam' or optimizer='sgd'."
        )
    if not loss.smooth:
        raise ValueError(
            f"{name} needs a smooth loss and {loss!r} is not; use optimizer='auto', "
            "optimizer='sgd' or optimizer='adam', or a smooth loss."
        )
    if optimizer.is_auto and curvature_of(problem) is None:
        raise ValueError(
            f"{name} takes its learning rate from the curvature of the loss, and that of {loss!r} "
            f"has no known bound; use optimizer='auto' or optimizer='lbfgs', or give a learning "
            f"rate: {name}(learning_rate=0.01)."
        )


def survey(problem: Problem) -> tuple[np.ndarray, str]:
    """Look at the training rows once.

    Returns
    -------
    norms : ndarray of shape (n_rows,)
        Their squared norms, the intercept counted as a feature that is 1, times their weights.
    mark : str
        Tells these rows and their targets from others.
    """
    weights = problem.row_weights
    code = np.random.default_rng(0).standard_normal(problem.n_features)
    codes, norms = kernels.survey(problem.objective.rows, code, problem.order)
    norms += problem.has_intercept
    mark = hashlib.blake2b(repr((problem.n_features, problem.n_params)).encode(), digest_size=16)
    mark.update(codes.tobytes())
    mark.update(problem.block.targets.y[problem.rows].tobytes())
    if weights is not None:
        norms *= weights
        # rounded: partial_fit divides by a mean that may differ in its last bit
        mark.update(weights.astype(np.float32).tobytes())
    return norms, mark.hexdigest()
