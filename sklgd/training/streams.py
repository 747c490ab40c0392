"""What streams of rows remember: how far features and targets lie and spread.

The automatic rule of ``partial_fit`` learns from its own steps what units the features have.  What
it does not learn is kept here: its steps are in proportion to the `Spread` of the targets, and
where features are present in most rows, it sees them less their mean so far, the `centre`.  A
change of the centre changes the intercepts, so that predictions stay what they are:

    raw = W x + b = W (x - centre) + (b + W centre)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from .._kernels.moments import sparse_moments
from .._kernels.objective import predict_raw
from ..baseline import TOO_LARGE
from ..coordinates import CONSTANT, is_constant, largest_sizes, moments
from ..models.base import rows_of
from ..sampling import enough_rows
from .doubt import Doubt

#: rows of a fit that tell of all, or up to twice as many
SOME_ROWS = 512
#: rows after which steps are half as long as later
FEW_ROWS = 8
#: the share of nonzeros from which rows are centred: below, a step costs less without
DENSE_ENOUGH = 1 / 64
#: so many rows of a stream are kept, until outliers can be told from the rest
EARLY = 32
#: how far a target may be: in median absolute deviations among early ones, later in spreads
FAR_EARLY, FAR = 8.0, 5.0


class Spread(NamedTuple):
    """How far the targets of a stream have spread so far, but for outliers.

    Those are moved in: in the first rows to a multiple of the median absolute deviation from the
    median, later to a multiple of the spread from the mean.  Where at least half of the first rows
    have one value in common, as with claims, most of which are zero, that tells nothing of how far
    the others may be: they have a spread of their own.

    Attributes
    ----------
    weight : float
        The sum of the rows' weights.
    mean, squares : float ndarray of shape (n_outputs,)
        The weighted mean of the targets, and the weighted sum of the squared deviations from it.
    early : tuple of (ndarray, ndarray) or None
        Targets and weights of all rows, while they are few.
    others : tuple of (float, Spread), or None for each output
        The value that many rows have in common, and the spread of those that have another.
    """

    weight: float = 0.0
    mean: np.ndarray | float = 0.0
    squares: np.ndarray | float = 0.0
    early: tuple[np.ndarray, np.ndarray] | None = None
    others: tuple[tuple[float, Spread] | None, ...] = ()

    def with_rows(self, y: np.ndarray, weights: np.ndarray | None) -> Spread:
        """Return the spread with more rows, of weights that are not all zero."""
        y = y.reshape(len(y), -1).astype(np.float64, copy=False)
        used = slice(None) if weights is None else weights > 0.0
        weights = np.ones(len(y)) if weights is None else weights
        if self.weight > 0.0 and self.early is None:
            far = FAR * self._sizes
            near = self._with(np.clip(y, self.mean - far, self.mean + far), weights)
            return near._with_others(y, weights)
        y, weights = y[used], weights[used]
        if self.early is not None:
            y, weights = np.concatenate((self.early[0], y)), np.append(self.early[1], weights)
        if not len(y):
            return self
        centre = _median(y)
        far = FAR_EARLY * _median(np.abs(y - centre))
        common = far == 0.0  # at least half of them are the same
        far[common] = np.inf
        # not np.clip, which takes as long as all else here
        y_near = np.minimum(np.maximum(y, centre - far), centre + far)
        spread = Spread()._with(y_near, weights)
        if len(y) < EARLY:
            return spread._replace(early=(y, weights))
        if not common.any():
            return spread
        pairs = zip(common, centre, strict=True)
        others = tuple((float(value), Spread()) if same else None for same, value in pairs)
        return spread._replace(others=others)._with_others(y, weights)

    def _with(self, y: np.ndarray, weights: np.ndarray) -> Spread:
        weight = float(weights.sum())
        mean = weights @ y / weight
        total, apart = self.weight + weight, mean - self.mean
        with np.errstate(over="ignore", invalid="ignore"):
            squares = weights @ (y - mean) ** 2 + apart**2 * (self.weight * weight / total)
        mean = self.mean + apart * (weight / total)
        return Spread(total, mean, self.squares + squares, others=self.others)

    def _with_others(self, y: np.ndarray, weights: np.ndarray) -> Spread:
        # The same, where rows have a value in common by what the others say.
        if not self.others:
            return self
        others, mean, squares = list(self.others), self.mean.copy(), self.squares.copy()
        for output, pair in enumerate(self.others):
            if pair is None:
                continue
            common, rest = pair
            differs = (y[:, output] != common) & (weights > 0.0)
            if differs.any():
                rest = rest.with_rows(y[differs, output], weights[differs])
            others[output] = common, rest
            share = rest.weight / self.weight
            apart = (rest.mean - common) * (share > 0.0)
            mean[[output]] = common + share * apart
            squares[[output]] = rest.squares + rest.weight * (1.0 - share) * apart**2
        return self._replace(mean=mean, squares=squares, others=tuple(others))

    @property
    def _sizes(self) -> np.ndarray:
        # `size`, of each output.
        level = np.square(self.mean)
        variance = self.squares / self.weight
        return np.sqrt(
            np.where(variance > CONSTANT**2 * level, variance, np.where(level, level, 1.0))
        )

    @property
    def size(self) -> float:
        """The standard deviation, or where there is none the absolute mean, or one.

        Of several outputs the root mean square: they are to be of similar units.
        """
        if self.weight == 0.0:
            return 1.0
        with np.errstate(over="ignore"):
            level = float(np.mean(np.square(self.mean)))
        variance = float(np.mean(self.squares)) / self.weight
        return math.sqrt(variance if variance > CONSTANT**2 * level else level or 1.0)


def _median(y: np.ndarray) -> np.ndarray:
    # Of each column; np.median takes as long as a small fit.
    y, half = np.sort(y, axis=0), len(y) // 2
    return 0.5 * (y[half] + y[-half - 1])


def spread_of(
    strategies: Any,
    targets: Any,
    weights: np.ndarray | None,
    rows: np.ndarray | slice,
    before: Spread,
) -> Spread:
    """Return the spread of targets, those ``before`` included: what steps are in proportion to.

    Steps of a linear model that do not depend on the gradient's size have to be as large as the
    targets, where these are numbers.  For classes, and behind a link, they have no spread (after a
    fit that of its raw predictions stands in for it: see `Sample`).
    """
    if not strategies.loss.identity_link:
        return before
    return before.with_rows(targets.y[rows], None if weights is None else weights[rows])


def size_of_gradients(loss: Any, targets: Any, spread: Spread) -> float:
    """Return the size of the loss's derivative where the prediction is off by the spread."""
    if targets.joint:
        return 1.0 - 1.0 / targets.n_raw
    y, raw = 1.0, 0.0
    if spread.weight and loss.identity_link:
        raw = float(np.mean(spread.mean))
        y = raw + spread.size
    return abs(float(loss.gradient(np.array([y]), np.array([raw]))[0])) or 1.0


def _entries(X: Any) -> np.ndarray:
    # How many entries are not zero, and how many there are.
    nonzeros = np.count_nonzero(X.data if sp.issparse(X) else X)
    return np.array([nonzeros, X.shape[0] * X.shape[1]])


def _are_dense(entries: np.ndarray) -> bool:
    # Whether so many entries are not zero that rows are seen less their mean.
    return bool(entries[0] >= DENSE_ENOUGH * entries[1])


def mean_of(X: Any, weights: np.ndarray | None) -> np.ndarray:
    """Return the mean of each feature."""
    if not sp.issparse(X):
        return moments(X, None, weights)[0]
    weights = np.ones(X.shape[0]) if weights is None else weights
    return (X.T @ weights) / weights.sum()


def _reach(X: Any) -> np.ndarray:
    # The largest absolute value and the mean square of each feature.
    if sp.issparse(X):
        squares, _, largest = sparse_moments(X.data, X.indices, X.indptr, X.shape[1], None, None)
        return np.stack((largest, squares))
    return np.stack((largest_sizes(X, None), np.square(X, dtype=np.float64).mean(axis=0)))


def farthest(X: Any, rows: np.ndarray | None, centre: np.ndarray | None) -> np.ndarray:
    """Return the largest sizes of features in given rows, less a centre."""
    if centre is None or not sp.issparse(X):
        return largest_sizes(X, rows, 0.0 if centre is None else centre)
    X = X if rows is None else X[rows]
    low, high = (part.toarray().ravel() for part in (X.min(axis=0), X.max(axis=0)))
    return np.maximum(high - centre, centre - low)


def _centre_and_reach(X: Any, problem: Any) -> tuple[np.ndarray, np.ndarray]:
    # The mean of each feature, and of the features less that what `_reach` returns.  All rows of a
    # problem have moments that may be known already.
    if sp.issparse(X):
        mean = mean_of(X, None)
        variance = np.maximum(_reach(X)[1] - mean**2, 0.0)
    else:
        known = X is problem.block.X and problem.block.weights is None
        mean, scale = problem.moments if known else moments(X, None, None)
        variance = scale**2
    largest = farthest(X, None, mean)
    reach = np.array((largest, variance))
    reach[:, is_constant(largest, mean)] = 0.0
    return mean, reach


class Sample(NamedTuple):
    """What the rows of a fit tell of the spread of targets, read only where rows follow.

    Attributes
    ----------
    values : ndarray of shape (n,) or (n, width)
        Targets or, for classes and behind a link, raw predictions of the fit.
    weights : ndarray of shape (n,) or None
        The rows' weights.
    least : float
        The size up to which the spread is none.
    """

    values: np.ndarray
    weights: np.ndarray | None
    least: float

    @property
    def spread(self) -> Spread:
        """The spread of the values."""
        with np.errstate(over="ignore", invalid="ignore"):
            spread = Spread().with_rows(self.values, self.weights)
            return spread if self.least < spread.size < math.inf else Spread()


@dataclass(frozen=True, eq=False)
class Stream:
    """What is known of the rows before the next ones.

    Attributes
    ----------
    begun : bool
        Whether there have been any.
    spread : Spread or Sample
        That of the targets; after a fit, what tells it.
    entries : ndarray of shape (2,)
        How many entries of the rows were not zero, and how many there were.
    centre : float64 ndarray of shape (n_features,) or None
        The features' means; None where rows are not centred.
    weight : float
        The sum of the weights of the rows that the centre is the mean of.
    reach : float64 ndarray of shape (2, n_features) or None
        After a fit, the largest absolute value and the mean square of each feature, less its
        centre.
    largest : float64 ndarray of shape (n_features,) or None
        The largest absolute value of each feature, for a model that is not linear.
    doubt : Doubt
        What there was of rows that are far beyond all others.
    """

    begun: bool = False
    spread: Spread | Sample = field(default_factory=Spread)
    entries: np.ndarray = field(default_factory=lambda: np.zeros(2, dtype=int))
    centre: np.ndarray | None = None
    weight: float = 0.0
    reach: np.ndarray | None = None
    largest: np.ndarray | None = None
    doubt: Doubt = field(default_factory=Doubt)

    @property
    def known_spread(self) -> Spread:
        """The spread of the targets, told by a sample where there is one."""
        return self.spread.spread if isinstance(self.spread, Sample) else self.spread

    @property
    def density(self) -> float:
        """The share of the entries that are not zero."""
        return max(self.entries[0], 1) / max(self.entries[1], 1)

    @property
    def is_dense(self) -> bool:
        """Whether so many entries are not zero that features are not rare."""
        return _are_dense(self.entries)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: no targets."""
        return vars(self) | {"spread": self.known_spread}

    def with_rows(self, block: Any, strategies: Any, rows: np.ndarray | None) -> Stream:
        """Return what is known with rows of a block; None for all of it."""
        X, weights, some = block.X, block.weights, slice(None) if rows is None else rows
        if rows is not None:
            X, weights = X[rows], None if weights is None else weights[rows]
        before = self.known_spread
        spread = spread_of(strategies, block.targets, block.weights, some, before)
        entries = self.entries + _entries(X)
        known = {"begun": True, "spread": spread, "entries": entries}
        if not (block.fit_intercept and _are_dense(entries)):
            return replace(self, **known, centre=None, weight=0.0)
        weight = float(X.shape[0] if weights is None else weights.sum())
        with np.errstate(over="ignore", invalid="ignore"):
            centre = mean_of(X, weights)
            if self.centre is not None:
                share = weight / (self.weight + weight)
                centre = self.centre + share * (centre - self.centre)
        if not np.isfinite(centre).all():
            centre = self.centre
        weight += self.weight
        return replace(self, **known, centre=centre, weight=weight)

    def with_sizes(self, X: Any, rows: np.ndarray | None, doubt: Doubt) -> Stream:
        """Return what is known with given rows, None for all, where the model is not linear."""
        entries = self.entries + _entries(X if rows is None else X[rows])
        largest = largest_sizes(X, rows)
        if self.largest is not None:
            largest = np.maximum(largest, self.largest)
        return replace(self, begun=True, entries=entries, largest=largest, doubt=doubt)

    def rate_scale(self, n_rows: float) -> float:
        """Return what the learning rate is multiplied by, after so many rows.

        The first few hardly tell where features lie, so that steps are shorter there.
        """
        size = self.spread.size
        if not math.isfinite(size):
            raise ValueError(TOO_LARGE)
        return size * n_rows / (n_rows + FEW_ROWS)


@np.errstate(over="ignore", invalid="ignore")
def after_fit(problem: Any, strategies: Any, params: np.ndarray) -> Stream:
    """Return what a stream that follows a fit has to know of it: some of its rows tell.

    Parameters
    ----------
    problem : Problem
    strategies : Strategies
    params : ndarray
        What the fit has found.
    """
    block = problem.block
    order = problem.some(enough_rows(block.X, SOME_ROWS))
    X, rows = (block.X, slice(None)) if order is None else (block.X[order], order)
    entries = _entries(X)
    if not block.model.linear:
        return Stream(True, entries=entries, largest=largest_sizes(X, None))
    if strategies.loss.identity_link:
        weights = None if block.weights is None else block.weights[rows].copy()
        sample = Sample(block.targets.y[rows].copy(), weights, 0.0)
    else:  # steps would hardly ever undo large coefficients
        raw = predict_raw(rows_of(block.model, X), problem.objective.model, params)
        sample = Sample(raw, None, 1.0)
    if not (block.fit_intercept and _are_dense(entries)):
        return Stream(True, sample, entries, reach=_reach(X))
    centre, reach = _centre_and_reach(X, problem)
    return Stream(True, sample, entries, centre, float(problem.n_rows), reach)
