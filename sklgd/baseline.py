"""The constant predictions that fit targets best: where training starts, and what it falls from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ._strategy import has_kernel
from .losses import Loss
from .sampling import evenly

if TYPE_CHECKING:
    from .objective import Problem

#: points at which an interval is cut, and how often: for scores, and for numbers, of which the
#: quantiles are a closer start
CUTS, SCORE_ROUNDS, TARGET_ROUNDS = 7, 6, 3
#: Newton steps behind a link, the longest, the least second derivative, and the step that is short
#: enough for what the constant is used for
LINK_STEPS, LONGEST_STEP, LEAST_BEND, SHORT_STEP = 10, 2.0, 1e-3, 0.1
#: the largest score of a class, or prediction behind a link, that is a best constant
LARGEST_SCORE = 20.0
#: the least share of a class whose logarithm is taken
LEAST_SHARE = 1e-9
#: rows that tell the best constant where means do not, and how far targets spread
SOME_ROWS = 1024
#: the spread of targets that is far from one
FAR_SIZE = 10.0
#: what is wrong where squares of targets overflow
TOO_LARGE = (
    "Targets are too large: their variance, or their loss at zero, is not finite. Divide y by its "
    "largest size."
)
#: rounding of a sum of slopes, relative to them
KINK_ROUNDING = 1e-12


def constants_of(problem: Problem) -> list[np.ndarray]:
    """Return the raw predictions of shape (k,) that fit the training rows best: one of these does.

    There are several where they are guesses.  For a joint loss the first is that of a softmax.
    """
    loss, targets = problem.block.loss, problem.block.targets
    # rare classes and counts need all rows for their share and their mean; where these do not tell
    # the constant, some of the rows do
    if targets.joint:
        share = _means(problem)
        smoothing = getattr(loss, "label_smoothing", 0.0)
        smooth = (1.0 - smoothing) * share + smoothing / problem.n_raw
        logs = np.log(np.maximum(smooth, LEAST_SHARE))
        return [logs - logs.mean(), np.eye(problem.n_raw)[share.argmax()], np.zeros(problem.n_raw)]
    if loss.task == "classification":
        share = _means(problem)
        values = np.repeat([[0.0], [1.0]], len(share), axis=1)
        return [best_constant(loss, values, np.stack([1.0 - share, share]))]
    if is_square(loss):
        return [_means(problem, lambda y: that_fit(loss, y))]
    if has_kernel(loss) and _bends_behind_link(loss):  # exponential families: links are logarithms
        mean = _means(problem)
        return [np.log(mean, out=np.zeros_like(mean), where=mean > 0.0)]
    some = problem.thinned(SOME_ROWS)
    y = targets.columns(some.rows)
    return [best_constant(loss, y, some.row_weights), np.zeros(problem.n_raw)]


def slopes_of(loss: Loss, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """Return the slopes of a loss; raise where it does not return one for each target."""
    slopes = loss.gradient(y, raw)
    if np.shape(slopes) != np.shape(y):
        raise ValueError(
            f"{type(loss).__name__}.gradient must return an array of shape {np.shape(y)}, one "
            f"entry for each of its inputs. Got shape {np.shape(slopes)} instead."
        )
    return np.asarray(slopes, dtype=np.float64)


def is_square(loss: Loss) -> bool:
    """Whether a loss is a squared distance: one of one's own may bend as a target says."""
    return loss.quadratic and has_kernel(loss)


def that_fit(loss: Loss, y: np.ndarray) -> np.ndarray:
    """Return the raw predictions at which a loss that `is_square` is least, target by target."""
    return -loss.gradient(y.ravel(), np.zeros(y.size)).reshape(y.shape) / loss.curvature


def scale_of_targets(loss: Any, y: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the median absolute deviation of targets that are numbers; one for classes.

    That of about a thousand targets; where most of them are equal, the mean absolute deviation.
    """
    if loss.task == "classification":
        return 1.0
    return float(np.mean(spread_of(*some_columns(y, weights)))) or 1.0


def some_columns(y: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return about a thousand rows of targets, as columns, and their weights."""
    step = len(y) // SOME_ROWS
    some = slice(None) if step < 2 else evenly(len(y), step)
    columns = y[some].reshape(len(y[some]), -1)
    return columns, np.ones(len(columns)) if weights is None else weights[some]


def raw_size(loss: Any, y: np.ndarray, weights: np.ndarray | None) -> float:
    """Return how far raw predictions have to spread, one where that is not far from one."""
    size = scale_of_targets(loss, y, weights) if loss.identity_link else 1.0
    return size if size > FAR_SIZE or size < 1.0 / FAR_SIZE else 1.0


def spread_of(
    columns: np.ndarray, weights: np.ndarray, centre: np.ndarray | None = None
) -> np.ndarray:
    """Return the median absolute deviations of columns, from their medians or from ``centre``.

    Where most of a column is the same, the mean absolute deviation.
    """
    spreads = np.empty(columns.shape[1])
    for c, column in enumerate(columns.T):
        far = np.abs(column - (_median(column, weights) if centre is None else centre[c]))
        spreads[c] = _median(far, weights) or np.average(far, weights=weights)
    return spreads


def _median(values: np.ndarray, weights: np.ndarray) -> float:
    # The least value up to which there is half of the weight; less rounding, which must not decide.
    order = np.argsort(values)
    upto = np.cumsum(weights[order])
    return values[order[np.searchsorted(upto, (0.5 - 1e-9) * upto[-1])]]


def _means(problem: Problem, of: Callable[[np.ndarray], np.ndarray] = np.asarray) -> np.ndarray:
    # The weighted means of ``of(targets)`` over the training rows, column by column.  The columns
    # of classes, zeros and ones where the loss is joint, are counted instead of made.
    targets, weights = problem.block.targets, problem.row_weights
    y = targets.y[problem.rows]
    if targets.are_classes:
        weight = np.bincount(y.astype(np.intp), weights, minlength=problem.n_raw)
        off, on = of(np.array(targets.one_vs_rest or (0.0, 1.0)))
        return (off * (problem.weight_sum - weight) + on * weight) / problem.weight_sum
    columns = np.asarray(of(y.reshape(len(y), -1)))
    return columns.mean(axis=0) if weights is None else weights @ columns / problem.weight_sum


def _bends_behind_link(loss: Loss) -> bool:
    # Whether raw predictions stand behind a link, as logarithms do, and second derivatives tell
    # how far to go there.
    return loss.curvature is None and loss.has_hessian and not loss.identity_link


def best_constant(loss: Loss, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return the raw predictions of shape (k,) that fit targets of shape (n, k) best.

    Weights are those of rows, or of each target.  Zero where a link takes the best ones to
    infinity, as for counts that are all zero.
    """
    n, k = y.shape
    share = np.full((n, 1), 1.0 / n)
    if weights is not None:
        share = weights.reshape(n, -1) / weights.reshape(n, -1).sum(axis=0)
    if loss.has_kinks:
        return _best_kink(*(part.reshape(-1, k) for part in loss.kinks(y)), share)
    if _bends_behind_link(loss):
        return _by_newton(loss, y, share)
    return _by_section(loss, y, share)


def _by_newton(loss: Loss, y: np.ndarray, share: np.ndarray) -> np.ndarray:
    # Newton's method behind a link, where lengths of steps do not depend on the units of y.
    constant = _link_start(loss, y, share)
    for _ in range(LINK_STEPS):
        raw = np.broadcast_to(constant, y.shape)
        bend = np.maximum(_sums_of(loss.hessian, share, y, raw), LEAST_BEND)
        step = _sums_of(loss.gradient, share, y, raw) / bend
        step = np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        constant = constant - step
        if np.abs(step).max() < SHORT_STEP:
            break
    return np.where(np.abs(step) < SHORT_STEP, constant, 0.0)  # it may lie at infinity


def _by_section(loss: Loss, y: np.ndarray, share: np.ndarray) -> np.ndarray:
    # The interval of each column in which the slope changes its sign, cut at several points a time.
    n, k = y.shape
    if loss.identity_link:
        ends = np.sort(y, axis=0)[np.linspace(0, n - 1, CUTS + 2).astype(int)]
        rounds = TARGET_ROUNDS
    else:
        ends = np.repeat(np.linspace(-LARGEST_SCORE, LARGEST_SCORE, CUTS + 2)[:, None], k, axis=1)
        rounds = SCORE_ROUNDS
    repeated = np.repeat(y, CUTS, axis=1)
    share = np.repeat(np.broadcast_to(share, y.shape), CUTS, axis=1)
    for _ in range(rounds):
        raw = np.broadcast_to(ends[1:-1].T.ravel(), repeated.shape)
        slopes = _sums_of(loss.gradient, share, repeated, raw).reshape(k, CUTS)
        last = np.sum(slopes < 0.0, axis=1)  # the last point from which the loss still falls
        low, high = ends[last, np.arange(k)], ends[last + 1, np.arange(k)]
        ends = np.linspace(low, high, CUTS + 2)
    return 0.5 * (low + high)


def _sums_of(
    method: Callable[..., np.ndarray], share: np.ndarray, y: np.ndarray, raw: np.ndarray
) -> np.ndarray:
    # Of a loss, column by column; flat, since a matrix may be that of a joint loss.
    return np.sum(share * np.reshape(method(y.ravel(), raw.ravel()), y.shape), axis=0)


def _best_kink(at: np.ndarray, low: np.ndarray, high: np.ndarray, share: np.ndarray) -> np.ndarray:
    # The kink of each column from which on the sum of all rises, or the middle of where it is flat.
    share = np.concatenate([share] * (len(at) // len(share)))
    rises, best = share * (high - low), np.sum(share * low, axis=0)
    for c, column in enumerate(at.T):
        order = column.argsort()
        slopes = rises[:, c][order].cumsum() + best[c]  # of the sum, from each kink on
        first = slopes.searchsorted(-KINK_ROUNDING)
        last = slopes.searchsorted(KINK_ROUNDING, side="right")
        last = last if last < len(order) else first
        best[c] = 0.5 * column[order[first]] + 0.5 * column[order[last]]
    return best


def _link_start(loss: Loss, y: np.ndarray, share: np.ndarray) -> np.ndarray:
    # Zero, or the logarithm of the mean where that is better: the minimum, of a log link.
    mean, zero = np.sum(share * y, axis=0), np.zeros(y.shape[1])
    if loss.task == "classification" or not np.all(mean > 0.0):
        return zero
    with np.errstate(over="ignore", invalid="ignore"):
        far, near = (
            _sums_of(loss.value, share, y, np.broadcast_to(constant, y.shape))
            for constant in (zero, np.log(mean))
        )
    return np.where(near < far, np.log(mean), zero)
