"""The optimizer that chooses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._strategy import has_kernel
from ..baseline import is_square, scale_of_targets
from ..coordinates import are_far, is_constant
from ..costs import row_entries
from ..penalties import L2
from ..penalties.base import has_thresholds, ridge_of
from ..sampling import enough_rows, evenly
from ..schedules import Adaptive, InvScaling, TimeDecay
from .adagrad import NormalizedAdaGrad
from .adam import Adam
from .base import Optimizer
from .columnwise import Columnwise
from .continuation import Continuation
from .coordinate_newton import CoordinateNewton
from .dual import SDCA
from .dual_first import DualFirst
from .gradient_descent import FISTA
from .interior import InteriorPoint
from .lbfgs import LBFGS
from .newton import Newton
from .row_space import RowSpace

#: with an L1 penalty Newton's method wants so many rows a feature, or so few features: otherwise
#: coordinate descent on its matrix is slow
ROWS_A_FEATURE, SMALL = 10, 50
#: or so few where, without an intercept, features are far from zero: all else sees one direction
SMALL_FAR = 100
#: a matrix of second derivatives is made for up to so many features, and for a few more if X has so
#: many times the entries of the matrix, which then is small beside X
FEW, MANY, ENTRIES = 400, 500, 50
#: and for so many more where a squared error has several columns, and for each of them beyond the
#: first, since one serves them all; so it is with rows whose products are made.  Up to so many
MORE_SHARED, MORE_A_COLUMN, MOST_SHARED = 200, 50, 1500
#: one for all columns of a softmax, unless features are correlated, up to so many parameters where
#: these are told apart by many rows: then gradients do
FEW_JOINT = 150
#: correlated features get one up to so many, and up to so many multiply-adds; they are correlated
#: where some rows span less than this share of the dimensions that independent ones would
MANY_CORRELATED, MOST_WORK, SPANNED = 1500, 2e9, 0.3
#: a ridge of this share of the features' mean variance makes up for their correlation
HELD = 0.1
#: with many features dual ascent is tried where it leaves a third of the gap after at most so many
#: passes, more of them with kinks, for which all else is slower; with sparse ones it always is
SLOW, SLOW_KINKS = 15.0, 100.0
#: how many of its iterations take as long as a continuation, a quasi-Newton method, and that where
#: a visit's step is found by iterations
LIMIT_SHARP, LIMIT_SMOOTH, LIMIT_BY_STEPS = 400, 120, 80
#: with kinks and up to MANY features, too, if they are more than NARROW, and so few passes will do,
#: of sparse rows and of dense ones: solutions with second derivatives take little time there
NARROW, SLOW_SPARSE, SLOW_DENSE = 30, 8.0, 2.5
#: sparse features are not few beside rows that are up to so many times more; with more than the
#: second, visits for a smooth loss are compared with a quasi-Newton method:
WIDE, TALL = 2.0, 5.0
#: the passes that it makes, and more for each of those above where rows are like each other, and
#: where they are not, as in texts; those of a quasi-Newton method
PASSES, MORE_PASSES, MORE_APART, QUASI_NEWTON = 4.0, 3.0, 0.6, 20.0
#: nanoseconds of a visit, where its step has a formula and where it is found by iterations, and of
#: an entry; of a row's gradient, and of an entry and a feature of that
VISIT, VISIT_BY_STEPS, VISIT_ENTRY = 75.0, 250.0, 2.0
ROW, ROW_ENTRY, FEATURE = 15.0, 2.4, 57.0
#: the dimensions that rows span, from which on they are not like each other, as a share of the most
APART = 0.75
#: entries of X up to which a copy by columns is made for coordinate descent; more of them where
#: these are dense, which take less memory, and features are correlated or more than rows
MOST_COPIED, MOST_COPIED_DENSE = 2_000_000, 20_000_000
#: rows up to which an interior point is found faster than ever sharper problems are solved, with
#: one column and with several
KINK_ROWS, KINK_ROWS_MANY = 3_000, 10_000
#: features up to which, and multiply-adds up to which, all pairs of few rows are multiplied in each
#: iteration of an interior point with an L1 norm
MOST_BY_ROWS, MOST_PRODUCTS = 3000, 2e8
#: up to FEW rows train in the space that they span, or so many dense ones of a smooth loss, if
#: features are so many times more, and so many
FEWER, MORE_FEATURES, SOME_FEATURES = 250, 1.5, 200
#: learning rates of streams: of class scores, and of numbers in units of their spread
CLASSES, NUMBERS = 1.0, 0.7
#: steps that make a plateau of a network, at the least and at the most: means of few are noise.  Up
#: to the most of them epochs are as many as there are so many rows: few rows are learnt by heart
LEAST_STEPS, MOST_STEPS, ROWS_AN_EPOCH = 25, 500, 80
#: rows of a step, about, where a model has no say in it
SMALL_BATCH = 32
#: learning rate of networks on streams
STREAM = TimeDecay(0.01, decay=0.01, power=0.5)
#: what is left of that after a fit, whose steps have settled what coarse ones would undo
AFTER_FIT = 0.3
#: targets are unlike each other where the largest spread is so many times the smallest
UNLIKE = 10.0
#: how many rows tell sizes, and how many tell angles and correlations
SOME_ROWS, FEW_ROWS = 1000, 100


class Auto(Optimizer):
    """Chooses an optimizer that needs no learning rate, by the problem; ``optimizer_`` says which.

    - `Newton` for up to 400 features, or 500 where there are 50 rows or more for each: a few
      passes, whatever the units of the features.  Of a softmax features times classes count, up to
      150, or 400 where features are correlated or rows not ten times as many.  With L1 for up to 50
      features or ten rows for each; with bounds; not with other penalties that are no ridge.
      Several targets of a squared error share one matrix: for up to 200 features more, and 50 for
      each target beyond the first.
      Without L1, bounds or a softmax for up to 1,500 that are strongly correlated, too, if rows
      are no more than a few thousand: there other methods stop far from the minimum.
    - `CoordinateNewton` otherwise where the penalty is L1, an elastic net or bounds, and the loss
      no softmax: up to two million entries, of which it makes a copy, of sparse rows or those of
      squared error, log loss of two classes or poisson; of dense ones up to twenty, if features
      are more than rows or correlated.
    - `LBFGS` in standardised coordinates for more, where the loss is smooth and the penalty ridge,
      L1 or both: a few dozen passes.
    - `FISTA` in standardised coordinates with other penalties.
    - `DualFirst`, which tries `SDCA` and goes on with one of the others where that is slow, with a
      ridge and many features: sparse ones, as in text, if rows are not many more; any if the ridge
      is not weak.  With kinks, for which all else takes longer, where features outnumber the rows
      and where they are few and the ridge is not weak, too.
    - `InteriorPoint` for losses made of straight pieces (hinge, absolute error, ...) with L2, L1,
      an elastic net or no penalty, up to 400 features and a few thousand rows: a dozen passes.
      Without L1 for up to 1,500 that are strongly correlated, too; with it for up to 3,000 features
      of 400 rows.
    - `RowSpace` of `Newton`, `InteriorPoint` or a `Continuation` for features that outnumber the
      rows, of which there are up to 400 (dense ones of a smooth loss: 250): their products take
      less time than passes over them.
    - `Continuation` of `Newton`, `LBFGS` or `FISTA` where else the loss is not smooth or has sharp
      corners (huber, log cosh): on a smooth loss that is made ever sharper.  `CoordinateNewton` is
      not among them for classes.
    - `Columnwise` of these for several columns of losses with kinks, and for targets whose spreads
      are unlike each other, unless the loss is a squared error, which is exact for all of them.
    - `NormalizedAdaGrad` for ``partial_fit``: its steps do not depend on the units of the features,
      which it sees less their mean so far unless nearly all entries are zero; they are in
      proportion to the spread of the targets so far (outliers aside; one for all outputs, which
      are to be of similar units), and start from the best constant of the first call's.  After
      `fit` they are about as long as if it had seen those rows, too.
    - In ``partial_fit``, whatever the model, rows whose features are eight times as large as ever,
      or more after the first few, wait.  They are the rule, and are trained on, once there are 32
      of them in two calls or more, and as many as the root of the number of rows before, with
      hardly any others: then features have new units, in which the weights of a linear model stay
      or are rescaled, whichever fits these rows.
    - `Adam`, with a decaying rate, for joint losses with kinks and without ``smoothed``: its
      steps do not depend on the units of the gradient.
    - `Adam`, with a rate that falls at plateaus, for models that are not linear; in
      ``partial_fit`` with one that falls as the inverse root of the steps.

    A `FactorizationMachine` is smooth too, and gets `LBFGS` or `FISTA`, in coordinates in which
    features of a scale far from one are scaled.

    It has no parameters; to set a learning rate, use ``optimizer="sgd"`` or an optimizer object.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklgd import GDRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> GDRegressor().fit(X, y).optimizer_
    Newton()
    >>> GDRegressor("absolute_error").fit(X, y).optimizer_
    InteriorPoint()
    """

    def choose(
        self,
        loss: Any,
        penalty: Any,
        *,
        model: Any,
        X: Any,
        targets: Any,
        incremental: bool,
        fit_intercept: bool = True,
    ) -> Optimizer:
        """Return the optimizer for this problem."""
        if not (model.linear or model.smooth):
            return Adam(STREAM if incremental else _plateaus(X.shape[0], model))
        if incremental and model.linear:
            return NormalizedAdaGrad(CLASSES if loss.task == "classification" else NUMBERS)
        if incremental:
            return Adam(learning_rate=InvScaling(0.3, power_t=0.5))
        n_raw, sharp = targets.n_raw, loss.rounded(math.inf) is not None
        separable = model.linear and n_raw > 1 and not loss.joint and _is_separable(penalty, X)
        unlike = separable and not loss.quadratic and _are_unlike(loss, targets)
        dual = SDCA.suits(loss, penalty, model, joint=targets.joint)
        dual = dual and not (unlike or targets.soft)
        if not (loss.smooth or sharp):
            return Adam(learning_rate=InvScaling(0.05, power_t=0.5))
        few_rows = _has_few_rows(X, loss, n_raw, sharp)
        in_row_space, solver = RowSpace.suits(penalty, model) and few_rows, None
        if in_row_space:  # of no more dimensions than rows
            solver = self._solver(loss, penalty, model, X[:, : X.shape[0]], n_raw, fit_intercept)
        if solver != Newton():
            in_row_space = False
            solver = self._solver(loss, penalty, model, X, n_raw, fit_intercept)
        columnwise = unlike
        if sharp:
            small = solver == Newton() or _has_small_systems(penalty, X)
            fewer_rows = X.shape[0] <= (KINK_ROWS if n_raw == 1 else KINK_ROWS_MANY)
            suits = InteriorPoint.suits(loss, penalty, model, X.shape[1])
            if suits and small and fewer_rows:
                solver = InteriorPoint()
            else:
                solver, columnwise = Continuation(solver), separable
        columnwise |= n_raw > 1 and solver == CoordinateNewton()  # which takes one column
        solver = Columnwise(solver) if columnwise else solver
        solver = RowSpace(solver) if in_row_space else solver
        if not dual or (in_row_space and _is_small(X, loss, n_raw) and not targets.joint):
            return solver
        may_be_quick = _may_be_quick_in_the_dual(loss, penalty, X, targets)
        return DualFirst(solver, _dual_limit(loss)) if may_be_quick else solver

    def _solver(
        self, loss: Any, penalty: Any, model: Any, X: Any, n_raw: int, fit_intercept: bool
    ) -> Optimizer:
        # What solves a smooth problem, or one that is made smooth.
        smooth, rest = (None, None) if penalty is None else penalty.split()
        if not model.linear:
            return (LBFGS if rest is None else FISTA)(standardize=True)
        size = X.shape[1] * (n_raw if loss.joint else 1)
        has_hessian = (loss.rounded(1.0) or loss).has_hessian
        # a smooth penalty of one's own has a gradient alone
        has_hessian = has_hessian and (smooth is None or has_kernel(smooth))
        entries = X.shape[0] * row_entries(X)
        few = size <= _with_columns(FEW, loss, n_raw) or (
            size <= MANY and ENTRIES * size**2 <= entries
        )
        joint = n_raw > 1 and loss.joint
        told_apart = X.shape[0] >= ROWS_A_FEATURE * size
        at_once = few and not (joint and size > FEW_JOINT and told_apart)
        at_most = few or not joint
        if (
            has_hessian
            and rest is None
            and (at_once or (at_most and _is_correlated(loss, penalty, X)))
        ):
            return Newton()
        if rest is not None:
            has_l1 = has_thresholds(rest, X.shape[1])
            elementwise = has_hessian and _has_bounds(rest, X)
            quick = told_apart or size <= SMALL or not has_l1  # sweeps over the matrix
            # or all else would fail
            alone = not fit_intercept and size <= SMALL_FAR and _is_far_from_zero(X)
            if elementwise and few and (quick or alone):
                return Newton()
            if elementwise and (loss.smooth or loss.task == "regression") and not joint:
                in_columns = sp.issparse(X) or loss.self_concordant
                in_columns = (in_columns and entries <= MOST_COPIED) or _is_wide(X)
                if in_columns and _bends_at_zero(loss.rounded(1.0) or loss):
                    return CoordinateNewton()
            if not has_l1:
                return FISTA(True)
        # sharp corners take a longer memory
        return LBFGS(10 if loss.rounded(math.inf) is None else 30, standardize=True)

    def set_params(self, **params: Any) -> Auto:
        """Raise for any parameter: there is none."""
        try:
            return super().set_params(**params)
        except ValueError as error:
            raise ValueError(
                f"{error} optimizer='auto' finds its own step sizes; to set them, pass "
                "optimizer='sgd', or an object such as SGD() or Adam()."
            ) from None


def scale_after(t: int, schedule: Any) -> float:
    """Return what multiplies the rates of a stream that goes on from ``t`` steps of a fit."""
    return AFTER_FIT * float(schedule(t) / schedule(1))


def _plateaus(n_rows: int, model: Any) -> Adaptive:
    # The rate of a network, which falls where the objective does not for so many epochs.
    steps = -(-n_rows // (model.auto_batch_size(n_rows) or SMALL_BATCH))
    patience = max(LEAST_STEPS / steps, min(n_rows / ROWS_AN_EPOCH, MOST_STEPS / steps), 1.0)
    return Adaptive(0.003, factor=5, min_rate=1e-4, patience=math.ceil(patience))


def _dual_passes(loss: Any, penalty: Any, X: Any, targets: Any) -> float:
    # How many passes over the rows leave a third of a duality gap, about.  One leaves of it
    # 1 - 1 / (1 + m), m the mean over rows of the curvature times |x|^2 / (alpha n); a loss with
    # kinks has that of one rounded off.
    curvature = loss.curvature or 1.0 / scale_of_targets(loss, targets.y)
    some = _some(X, enough_rows(X, SOME_ROWS))
    data = some.data if sp.issparse(some) else some.ravel()
    mean_square = float(np.einsum("i,i", data, data, dtype=np.float64)) / some.shape[0]
    return curvature * mean_square / (ridge_of(penalty) * X.shape[0])


def _may_be_quick_in_the_dual(loss: Any, penalty: Any, X: Any, targets: Any) -> bool:
    # Whether to try visits of the rows: whatever the ridge where features are many and sparse,
    # unless there are many more rows, and where they outnumber the rows of a loss with kinks.
    n, p = X.shape
    many, sparse = p > MANY, sp.issparse(X)
    if not many and (loss.smooth or p <= NARROW):
        return False
    if many and (sparse and n <= WIDE * p if loss.smooth else sparse or n < p):
        return True
    passes = _dual_passes(loss, penalty, X, targets)
    if not loss.smooth:
        return passes <= (SLOW_KINKS if many else SLOW_SPARSE if sparse else SLOW_DENSE)
    compare = n > TALL * p and loss.rounded(math.inf) is None
    return passes <= SLOW and (not compare or _is_quicker_than_gradients(loss, X, passes))


def _dual_limit(loss: Any) -> int:
    # How many iterations of dual ascent take as long as what takes its place.
    if loss.rounded(math.inf) is not None:
        return LIMIT_SHARP
    return LIMIT_BY_STEPS if _goes_by_steps(loss) else LIMIT_SMOOTH


def _goes_by_steps(loss: Any) -> bool:
    # Whether a visit's step has no formula.
    return loss.self_concordant and not loss.quadratic


def _bends_at_zero(loss: Any) -> bool:
    # Whether there are second derivatives to begin with, as there are none of a smoothed hinge.
    if loss.self_concordant:
        return True
    of_classes = loss.task == "classification"
    y = np.array([0.0, 1.0] if of_classes else [1.0, 1.0])
    raw = y if loss.identity_link and not of_classes else np.zeros(2)  # where numbers are met
    return bool(np.any(loss.hessian(y, raw) > 0.0))


def _is_quicker_than_gradients(loss: Any, X: Any, passes: float) -> bool:
    # Whether visits of rows take less than gradients.  A visit of a short row takes longer than its
    # share of a gradient, and where rows are like each other more visits are needed.
    n, p = X.shape
    entries = row_entries(X)
    visit = (VISIT_BY_STEPS if _goes_by_steps(loss) else VISIT) + VISIT_ENTRY * entries
    row = ROW + ROW_ENTRY * entries + FEATURE * p / n
    more = MORE_APART if _share_of_dimensions(X) > APART else MORE_PASSES
    return (PASSES + more * passes) * visit <= QUASI_NEWTON * row


def _with_columns(most: int, loss: Any, n_raw: int) -> int:
    # So many features or rows, and more of them where several columns share second derivatives.
    if n_raw == 1 or not is_square(loss):
        return most
    return min(most + MORE_SHARED + MORE_A_COLUMN * (n_raw - 1), MOST_SHARED)


def _has_few_rows(X: Any, loss: Any, n_raw: int, sharp: bool) -> bool:
    # Whether rows are so few, beside the features, that their products take less than passes do.
    n, p = X.shape
    most = _with_columns(FEW if sharp or sp.issparse(X) else FEWER, loss, n_raw)
    return p >= SOME_FEATURES and n <= min(most, p / MORE_FEATURES)


def _has_small_systems(penalty: Any, X: Any) -> bool:
    # Whether the systems of an interior point, by features or by rows, are made and solved soon.
    n, p = X.shape
    rest = None if p <= FEW or penalty is None else penalty.split()[1]
    if rest is None or n > FEW or p > MOST_BY_ROWS:
        return p <= FEW
    products = n**2 * row_entries(X)
    return products <= MOST_PRODUCTS and _has_bounds(rest, X) and rest.bounds(p)[0].all()


def _is_small(X: Any, loss: Any, n_raw: int) -> bool:
    # Whether dense rows are so few that all there is to know is soon known.
    return not sp.issparse(X) and X.shape[0] <= _with_columns(FEWER, loss, n_raw)


def _is_wide(X: Any) -> bool:
    # Whether dense rows do not tell features apart, and a copy of them is no burden.
    if sp.issparse(X) or X.size > MOST_COPIED_DENSE:
        return False
    return X.shape[0] < X.shape[1] or _spans_few(*_standardised(X))


def _is_far_from_zero(X: Any) -> bool:
    # Whether dense features, together, are far from zero beside their spreads.
    if sp.issparse(X):
        return False
    some = _some(X, FEW_ROWS).astype(np.float64, copy=False)
    return are_far(some.mean(axis=0), some.std(axis=0))


def _is_correlated(loss: Any, penalty: Any, X: Any) -> bool:
    # Whether dense rows lie near few dimensions, a ridge does not make up for the others, and a
    # matrix of second derivatives is no work.
    n, p = X.shape
    if sp.issparse(X) or p > MANY_CORRELATED or n * p**2 > MOST_WORK:
        return False
    Z, scale = _standardised(X)
    ridge = ridge_of(penalty) or 0.0
    if loss.curvature and ridge >= HELD * loss.curvature * np.mean(scale**2):
        return False
    return _spans_few(Z, scale)


def _some(X: Any, most: int) -> Any:
    # Up to so many of the rows.
    step = -(-X.shape[0] // most)
    return X if step == 1 else X[evenly(X.shape[0], step)]


def _share_of_dimensions(X: Any) -> float:
    # How many dimensions rows, less their mean, span, as a share of those at right angles.
    some = _some(X, FEW_ROWS)
    gram = some @ some.T
    gram = np.asarray(gram.toarray() if sp.issparse(gram) else gram, dtype=np.float64)
    gram -= gram.mean(axis=0)
    gram -= gram.mean(axis=1, keepdims=True)
    return _dimensions(gram) / len(gram)


def _standardised(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Some of the rows, less the features' means, and the spreads of these.
    some = _some(X, FEW_ROWS).astype(np.float64, copy=False)
    mean = some.mean(axis=0)
    Z = some - mean
    scale = np.sqrt(np.mean(Z**2, axis=0))
    scale[is_constant(scale, mean)] = 0.0  # these have no direction
    return Z, scale


def _spans_few(Z: np.ndarray, scale: np.ndarray) -> bool:
    # Whether these rows lie near few dimensions, in units of the spreads.
    Z = Z / np.where(scale > 0.0, scale, 1.0)
    independent = Z.size / sum(Z.shape)  # the dimensions of rows without any correlation, about
    return 0.0 < _dimensions(Z @ Z.T) < SPANNED * independent


def _dimensions(gram: np.ndarray) -> float:
    # How many dimensions rows with these products span, each counted by the share that it has in
    # their variance: the squared sum of the eigenvalues over the sum of their squares.
    squares = float(np.sum(gram**2))
    return float(np.trace(gram)) ** 2 / squares if squares > 0.0 else 0.0


def _is_separable(penalty: Any, X: Any) -> bool:
    # Whether the penalty of several raw columns is known to be the sum of theirs.
    rest = None if penalty is None else penalty.split()[1]
    if rest is None:
        return type(penalty) is L2 or ridge_of(penalty) is not None
    return _has_bounds(rest, X)


def _are_unlike(loss: Any, targets: Any) -> bool:
    # Whether some targets are so small beside others that these alone would decide when to stop.
    if loss.task == "classification" or targets.y.ndim == 1:
        return False
    spreads = _some(targets.y, SOME_ROWS).std(axis=0)
    return bool(spreads.max() > UNLIKE * spreads.min())


def _has_bounds(rest: Any, X: Any) -> bool:
    # Whether the rest of a penalty is elementwise, of the kind of L1 and bounds.
    return rest.bounds(X.shape[1]) is not None
