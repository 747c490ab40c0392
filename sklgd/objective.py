"""The objective of one fit, its gradient, and the sums over blocks of rows they come from.

    F(params) = sum_i s_i loss(y_i, raw_i) / sum_i s_i + penalty(weights)

Everything that is full-batch, or only looks, asks a `Problem`; step rules run its compiled
parts over batches.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from ._kernels import adapters
from ._kernels.descent import Columns
from ._kernels.objective import Objective
from ._kernels.rows import CentredRows
from ._strategy import compose_kernel, in_place
from .baseline import constants_of, raw_size
from .columns import by_columns
from .coordinates import Coordinates, moments
from .costs import row_entries, row_work
from .losses import Loss
from .models import Model
from .models.base import rows_of
from .penalties import Penalty
from .reduction import Leaf, Sums, Threads, tree_sum
from .row_basis import RowBasis, row_basis
from .sampling import evenly
from .second_order import Parts, SecondOrder
from .units import Units

#: rows of a block: large enough to be worth a thread, small enough to share out
BLOCK_ROWS = 4096
#: rows that tell where features and targets lie, and how far they spread
LOOK_ROWS = 1024
#: how far zeros are above a constant if they are hopeless, in units of its objective
HOPELESS = 10.0
#: the least fall of an objective, as a share of it, that ``tol`` is relative to
LEAST_FALL = 0.02


def scale_of(value: float, first: float, tol: float) -> float:
    """Return what changes of an objective are compared with: its size, or ``tol`` of its first."""
    return max(abs(value), tol * abs(first))


def fallen(first: float, value: float) -> float:
    """Return what ``tol`` of a full-batch optimizer is relative to.

    That is how far the objective has fallen since ``first``, that of the best constant, or a small
    share of the objective where it has hardly fallen.
    """
    return max(first - value, LEAST_FALL * abs(value))


@dataclass(frozen=True)
class Targets:
    """Targets as the loss takes them.

    Attributes
    ----------
    y : float64 ndarray of shape (n,) or (n, width)
        Values, or class indices where the loss is joint or ``one_vs_rest`` is given.
    n_raw : int
        Raw columns of the model.
    joint : bool
        Whether the loss takes all raw columns of a row together.
    one_vs_rest : tuple of (float, float) or None
        The target off and on the class, where indices stand for one column a class.
    soft : bool
        Whether the joint loss takes a row of probabilities instead of an index.
    """

    y: np.ndarray
    n_raw: int
    joint: bool = False
    one_vs_rest: tuple[float, float] | None = None
    soft: bool = False

    @property
    def are_classes(self) -> bool:
        """Whether ``y`` has the index of a class for each row."""
        return self.one_vs_rest is not None or (self.joint and not self.soft)

    def column(self, c: int, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Return what an elementwise loss takes as the targets of raw column ``c``, shape (n,)."""
        y = self.y[rows]
        if self.one_vs_rest is not None:
            off, on = self.one_vs_rest
            return np.where(y == c, on, off)
        return np.ascontiguousarray(y.reshape(len(y), -1)[:, c])

    def columns(self, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Return the targets of all raw columns, shape (n, n_raw)."""
        return np.stack([self.column(c, rows) for c in range(self.n_raw)], axis=1)


class Block(NamedTuple):
    """Rows and all that is needed to sum the loss over them; picklable."""

    X: Any
    targets: Targets
    weights: np.ndarray | None
    loss: Loss
    model: Model
    fit_intercept: bool
    units: Units | None = None
    #: what is taken off the rows of a linear model (`sklgd.training.streams`)
    centre: np.ndarray | None = None

    def compose(self) -> Objective:
        """Return the compiled loss of these rows."""
        loss = self.loss
        if self.targets.soft and not loss.soft_targets:
            loss = loss.soft()
        rows = rows_of(self.model, self.X)
        return Objective(
            rows if self.centre is None else CentredRows(rows, self.centre),
            self.targets.y,
            self.weights,
            compose_kernel(loss, adapters.PyLoss),
            self.model.compose(self.X.shape[1], self.targets.n_raw, self.fit_intercept, self.units),
            joint=self.targets.joint,
            one_vs_rest=self.targets.one_vs_rest,
        )


class Problem:
    """The objective of one fit.

    Optimizers use above all ``value_and_gradient(params)``, the mean loss, and the gradient of it
    and of the penalty's smooth part; ``smooth_value(params)`` and ``rest_value(params)``, the two
    parts of the penalty; ``prox(params, sizes)``, the proximal step of the rest, in place; and
    ``total(params)``, the whole objective.

    Parameters
    ----------
    block : Block
        All rows; weights already divided by their mean over the training rows.
    penalty : Penalty or None
    order : uint32 ndarray or None
        The training rows; None for all.
    n_threads : int, default=1
    tol : float or None
        How accurately the minimum is wanted, for optimizers that can tell; less for a sample
        (`sklgd.sampling`).

    Attributes
    ----------
    n_rows, n_features, n_raw, n_params, n_weights : int
        Sizes: training rows, features, raw columns, parameters, and those of them that are weights,
        which stand first.
    smooth, rest : Penalty or None
        The parts of the penalty in gradients and in proximal steps.
    unit : float
        What the penalty is multiplied by, so that it does not depend on the units of y.
    seed : int
        The fit's seed, which `FullBatchDriver` sets, for optimizers that draw.
    remembers : bool
        Whether gradients are kept for `residual`, which `FullBatchDriver` wants.
    """

    def __init__(
        self,
        block: Block,
        penalty: Penalty | None,
        order: np.ndarray | None = None,
        n_threads: int = 1,
        tol: float | None = None,
    ) -> None:
        self.block, self.penalty, self.order = block, penalty, order
        self.n_threads, self.tol = n_threads, tol
        self.objective = block.compose()
        self.smooth, self.rest = (None, None) if penalty is None else penalty.split()
        self.n_rows = block.X.shape[0] if order is None else len(order)
        self.weight_sum = float(self.n_rows)
        if block.weights is not None:
            self.weight_sum = float(self.row_weights.sum())
        self.n_features = block.X.shape[1]
        self.n_raw = block.targets.n_raw
        self.n_params = self.objective.model.n_params
        self.n_weights = self.objective.model.n_weights
        self.weight_rows = self.objective.model.weight_rows
        self.unit = 1.0 if block.units is None else block.units.unit
        self.seed = 0
        #: rows that are summed together; more where a gradient is larger than the rows it sums
        self.block_rows = BLOCK_ROWS
        if block.model.linear and sp.issparse(block.X):
            row_size = max(row_entries(block.X), 1.0)
            while self.block_rows < min(16 * self.n_params / row_size, self.n_rows):
                self.block_rows *= 2
        #: multiply-adds that a row takes in a pass for the gradient, about, as `reduce` counts them
        self.row_work = row_work(block.X, self.n_params)
        #: whether to keep the first and the last point at which the gradient was asked for
        self.remembers = False
        self._columns: dict[int, Problem] = {}
        self._other: Problem | None = None
        self._look: Problem | None = None
        self._curved: Parts | None = None
        self._seen: list[tuple[np.ndarray, np.ndarray, Coordinates | None]] = []
        self._threads = Threads(n_threads)

    @property
    def has_intercept(self) -> bool:
        """Whether there are parameters that are no weights: intercepts, of a linear model."""
        return self.n_params > self.n_weights

    @property
    def rows(self) -> slice | np.ndarray:
        """What picks the training rows from arrays of all rows."""
        return slice(None) if self.order is None else self.order

    @property
    def row_weights(self) -> np.ndarray | None:
        """The weights of the training rows; None where all are one."""
        return None if self.block.weights is None else self.block.weights[self.rows]

    def thinned(self, n_rows: int) -> Problem:
        """Return the problem of about ``n_rows`` of the training rows, spread evenly."""
        order = self.some(n_rows)
        return self if order is self.order else self._like(self.block, order)

    def look(self) -> Problem:
        """Return the problem of about a thousand rows, for a quick look; made once."""
        if self._look is not None:
            return self._look
        thin = self.thinned(LOOK_ROWS)
        if thin is not self:  # which would never be freed
            self._look = thin
        return thin

    def some(self, n_rows: int) -> np.ndarray | None:
        """Return the numbers of the rows that `thinned` takes, None for all."""
        step = self.n_rows // max(n_rows, 1)
        if step < 2:
            return self.order
        rows = evenly(self.n_rows, step)
        return rows if self.order is None else self.order[rows]

    def _like(self, block: Block, order: np.ndarray | None) -> Problem:
        # Of other rows or another loss, with the same threads and the same seed.
        other = Problem(block, self.penalty, order, self.n_threads, self.tol)
        other._threads, other.seed = self._threads, self.seed
        other.smooth = self.smooth
        return other

    @functools.cached_property
    def row_basis(self) -> RowBasis:
        """A basis of the space that the training rows span, by `sklgd.row_basis.row_basis`."""
        return row_basis(self)

    @functools.cached_property
    def in_row_space(self) -> Problem:
        """The problem of the training rows, with weights in ``row_basis``; of a ridge."""
        targets = self.block.targets
        reduced = self.block._replace(
            X=self.row_basis.features,
            targets=replace(targets, y=targets.y[self.rows]),
            weights=self.row_weights,
        )
        return self._like(reduced, None)

    def with_loss(self, loss: Loss) -> Problem:
        """Return the problem with another loss in its place; the last one is kept."""
        if self._other is None or self._other.block.loss != loss:
            self._other = self._like(self.block._replace(loss=loss), self.order)
        return self._other

    def parts(self, *, composite: bool) -> tuple[Penalty | None, Penalty | None]:
        """Return the part of the penalty in step rules' gradients, and that in proximal steps.

        With ``composite`` a penalty that has a proximal step is applied by it as a whole.
        """
        if composite and self.smooth is not None and self.penalty.steps_whole():
            return None, self.penalty
        return self.smooth, self.rest

    def column(self, c: int) -> Problem:
        """Return the problem of one raw column of an elementwise loss."""
        if c not in self._columns:
            self._columns[c] = self._column(c)
        return self._columns[c]

    def _column(self, c: int) -> Problem:
        targets = self.block.targets
        if targets.joint:
            raise ValueError(f"The columns of the joint loss {self.block.loss!r} go together.")
        block = self.block._replace(targets=Targets(targets.column(c), 1))
        return self._like(block, self.order)

    def column_params(self, c: int) -> np.ndarray:
        """Return where the parameters of one raw column of a linear model are."""
        own = np.arange(c * self.n_features, (c + 1) * self.n_features)
        free = np.arange(self.n_weights, self.n_params)
        return np.concatenate([own, free[c : c + 1]])

    def weights(self, params: np.ndarray) -> np.ndarray:
        """Return the weights in ``params`` as penalties see them: (p,), or (k, p) for k > 1."""
        weights = params[: self.n_weights]
        return weights if self.weight_rows == 1 else weights.reshape(self.weight_rows, -1)

    def spread(self, of_features: np.ndarray, of_intercepts: float) -> np.ndarray:
        """Return a number for each parameter from one for each feature, in all raw columns."""
        found = np.full(self.n_params, of_intercepts)
        self.weights(found)[...] = of_features
        return found

    def _value_of(self, part: Penalty | None, params: np.ndarray) -> float:
        if part is None:
            return 0.0
        value = part.value(self.weights(params))
        try:
            return self.unit * float(value)
        except TypeError as error:
            raise ValueError(
                f"{type(part).__name__}.value must return a number. Got {value!r} instead."
            ) from error

    def penalty_value(self, params: np.ndarray) -> float:
        """Return the penalty."""
        return self._value_of(self.penalty, params)

    def smooth_value(self, params: np.ndarray) -> float:
        """Return the smooth part of the penalty, the part that `value_and_gradient` includes."""
        return self._value_of(self.smooth, params)

    def rest_value(self, params: np.ndarray) -> float:
        """Return the part of the penalty that is applied as proximal steps."""
        return self._value_of(self.rest, params)

    def prox(self, params: np.ndarray, sizes: float | np.ndarray) -> None:
        """Take the proximal step of the rest of the penalty in place, a step size or one each."""
        if self.rest is not None:
            if np.ndim(sizes):
                sizes = self.weights(sizes)
            in_place(self.rest.prox(self.weights(params), self.unit * sizes), self.rest, "prox")

    def loss(self, params: np.ndarray) -> float:
        """Return the mean loss, without the penalty."""
        return self.reduce(lambda start, stop: (self._sums(params, None, start, stop), None))[0]

    def total(self, params: np.ndarray) -> float:
        """Return the objective: the mean loss and the penalty."""
        return self.loss(params) + self.penalty_value(params)

    def loss_at_zero(self) -> float:
        """Return the mean loss where every raw prediction is zero; X is not read."""
        return self._loss_at(np.zeros(self.n_raw))

    def _loss_at(self, raw: np.ndarray) -> float:
        return self.objective.constant_sum(raw, self.order) / self.weight_sum

    @functools.cached_property
    def at_constant(self) -> float:
        """The objective of the best constant, or where bounds leave out zero, next to it."""
        if math.isfinite(self._penalty_at_zero):
            return self._best_constant[0] + self._penalty_at_zero
        return self.total(self.best_constant)

    @property
    def best_constant(self) -> np.ndarray:
        """The parameters of a linear model that predict the best constant, or are next to those.

        Of other models those nearest to zero that the penalty allows.
        """
        params = np.zeros(self.n_params)
        if self.block.model.linear:
            params[self.n_weights :] = self._best_constant[1][: self.n_params - self.n_weights]
        if not math.isfinite(self._penalty_at_zero):
            self.prox(params, 0.0)
        return params

    @functools.cached_property
    def _penalty_at_zero(self) -> float:
        return self.penalty_value(np.zeros(self.n_params))

    @functools.cached_property
    def _best_constant(self) -> tuple[float, np.ndarray]:
        # The mean loss there, and the raw predictions.
        constants = self._constants if self.has_intercept else [np.zeros(self.n_raw)]
        return min(((self._loss_at(raw), raw) for raw in constants), key=lambda pair: pair[0])

    @functools.cached_property
    def _constants(self) -> list[np.ndarray]:
        return constants_of(self)

    @functools.cached_property
    def reference(self) -> float:
        """The objective that falls are measured from: that of the best constant.

        Without an intercept it is that at zero, unless this is hopeless beside any constant: behind
        a link, say, zeros predict ones, whose loss says nothing of what there is to gain.
        """
        if self.has_intercept or not math.isfinite(self._penalty_at_zero):
            return self.at_constant
        at_any = min(self._loss_at(raw) for raw in self._constants) + self._penalty_at_zero
        return at_any if self.at_constant - at_any > HOPELESS * abs(at_any) else self.at_constant

    def falls_from(self, params: np.ndarray) -> float:
        """Return the objective that the fall from ``params`` on is measured from.

        The reference, which random weights may start far above; for a model that is not linear that
        at ``params`` if it is less.
        """
        if self.block.model.linear:
            return self.reference
        return min(self.reference, self.total(params))

    def loss_and_gradient(self, params: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean loss and its gradient, in one pass over the data."""

        def leaf(start: int, stop: int) -> tuple[float, np.ndarray]:
            grad = np.zeros(self.n_params)
            return self._sums(params, grad, start, stop), grad

        loss, grad = self.reduce(leaf)
        grad /= self.weight_sum
        return loss, grad

    def value_and_gradient(self, params: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean loss (alone), and the gradient of it plus the penalty's smooth part."""
        loss, grad = self.loss_and_gradient(params)
        if self.smooth is not None:
            grad /= self.unit
            found = self.smooth.add_gradient(self.weights(params), self.weights(grad))
            in_place(found, self.smooth, "add_gradient")
            grad *= self.unit
        if self.remembers:
            self.remember(params, grad)
        return loss, grad

    def remember(
        self, params: np.ndarray, grad: np.ndarray, space: Coordinates | None = None
    ) -> None:
        """Keep the gradient at a point, with respect to ``space`` where it is given."""
        self._seen = [*self._seen[:1], (params.copy(), grad.copy(), space)]

    def second_order(self, space: Coordinates) -> SecondOrder:
        """Return what knows second derivatives of a linear model in a space.

        The compiled part is kept for the last space, which is not to be changed any more.
        """
        if self._curved is None or self._curved.space is not space:
            self._curved = Parts.of(self, space)
        return SecondOrder(self, self._curved)

    @functools.cached_property
    def moments(self) -> tuple[np.ndarray | float, np.ndarray]:
        """Means and standard deviations of the features, by `sklgd.coordinates.moments`."""
        return moments(self.block.X, self.order, self.block.weights)

    @functools.cached_property
    def raw_size(self) -> float:
        """How far raw predictions have to spread, by `sklgd.baseline.raw_size`."""
        return raw_size(self.block.loss, self.block.targets.y[self.rows], self.row_weights)

    @functools.cached_property
    def smooth_curvature(self) -> np.ndarray:
        """The second derivative of the penalty's smooth part, weight by weight.

        That of a ridge is exact, that of a penalty of one's own a difference of its gradients.
        """
        weights = self.weights(np.ones(self.n_weights))
        at_one, at_zero = np.zeros_like(weights), np.zeros_like(weights)
        if self.smooth is not None:
            self.smooth.add_gradient(weights, at_one)
            self.smooth.add_gradient(np.zeros_like(weights), at_zero)
        return self.unit * np.maximum(at_one - at_zero, 0.0)

    @functools.cached_property
    def rest_bounds(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Thresholds and bounds of a linear model's weights; None where the rest is another."""
        if self.rest is not None:
            return self.rest.bounds(self.n_features)
        beyond = np.full(self.n_features, np.inf)
        return np.zeros(self.n_features), -beyond, beyond

    @functools.cached_property
    def by_columns(self) -> tuple[Columns, np.ndarray]:
        """The training rows by columns, and what was taken off these: see `by_columns`."""
        X = self.block.X if self.order is None else self.block.X[self.order]
        return by_columns(X, centred=self.has_intercept)

    def constant_start(self, params: np.ndarray, largest: float = np.inf) -> np.ndarray:
        """Return ``params`` or, where they are zero, the best constant predictions.

        Scores of classes are ``largest`` at most.
        """
        if params.any() or not (self.has_intercept and self.block.model.linear):
            return params
        constant = self._constants[0]
        if self.block.loss.task == "classification":
            constant = np.clip(constant, -largest, largest)
        params = params.copy()
        params[self.n_weights : self.n_params] = constant
        return params

    def residual(self, params: np.ndarray, some: Problem | None = None) -> np.ndarray:
        """Return the smallest subgradient of the objective: zero at a minimum.

        Unless the gradient there is remembered, it takes a pass over the data, or those of ``some``
        of the rows.
        """
        for point, grad, space in self._seen:
            if np.array_equal(point, params):
                grad = grad.copy() if space is None else space.user_gradient(grad)
                break
        else:
            grad = (some or self).value_and_gradient(params)[1]
        if self.rest is not None:
            weights = self.weights(grad)
            weights[...] = self.unit * self.rest.residual(self.weights(params), weights / self.unit)
        return grad

    def optimality(
        self, params: np.ndarray, start: np.ndarray | None, some: Problem | None = None
    ) -> float:
        """Return the norm of the `residual`, relative to that at ``start``; 0 where both are 0.

        None starts at zero.
        """
        with np.errstate(all="ignore"):
            start = np.zeros_like(params) if start is None else start.copy()
            self.prox(start, 0.0)  # to where the penalty is finite
            # nothing to go by in some rows, such as targets that are hardly ever not zero
            at_start = _norm(self.residual(start, some)) or _norm(self.residual(start))
            del start  # with many features memory counts
            norm = _norm(self.residual(params, some))
            return float(norm / at_start if norm > 0.0 else norm)

    def _sums(self, params: np.ndarray, grad: np.ndarray | None, start: int, stop: int) -> float:
        return self.objective.sums(params, grad, self.order, start, stop)

    def reduce(
        self, leaf: Leaf, work: float | None = None, *, takes_branches: bool = False
    ) -> Sums:
        """Sum ``leaf(start, stop)`` over the blocks; divide the loss by the weights.

        ``work``, a gradient's by default, and ``takes_branches`` are as in
        `sklgd.reduction.tree_sum`.
        """
        work = self.row_work if work is None else work
        loss, sums = tree_sum(
            leaf, self.n_rows, self.block_rows, self._threads, work, takes_branches=takes_branches
        )
        return loss / self.weight_sum, sums


def _norm(v: np.ndarray) -> np.floating:
    # not np.linalg.norm: waking the threads of a BLAS costs more than the sum
    return np.sqrt(np.sum(np.square(v)))
