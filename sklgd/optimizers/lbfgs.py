"""L-BFGS, and its orthant-wise form for L1."""

from __future__ import annotations

from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from .. import coordinates
from .._kernels.lbfgs import two_loop
from ..objective import Problem
from ._conjugate import conjugate_step
from ._points import ARMIJO, OBJECTIVE_ROUNDING, Point, refuse_kinks, space_of
from ._stopping import asked, is_next_to_nothing
from .full_batch import FullBatchOptimizer

#: bytes that the pairs may take in any case, and as a share of X's if that is more
SMALL_MEMORY, MEMORY_SHARE = 4_000_000, 0.05
#: pairs that are remembered at the least
LEAST_HISTORY = 3
#: the share of a slope that may be left at the end of a step
SLOPE_LEFT = 0.9
#: what a step that was too short is multiplied by at most
FARTHEST = 10.0
#: the share of what is asked for that may be left, and with L1, where promises are less sure
LEFT, LEFT_L1 = 0.02, 0.01
#: how often in a row little must seem to be left, since the curvature varies: from far away, and
#: near the minimum
PATIENCE, PATIENCE_NEAR = 2, 5
#: the cosine between a step and the change of the gradient from which the objective bends upwards
UPWARDS = 1e-10
#: lengths of a step that are tried
MOST_LENGTHS = 60
#: steps by conjugate gradients in one iteration, at the most
MOST_STALLS = 5


class _Pairs:
    """The last steps and changes of the gradient, in a ring of arrays that is made once."""

    def __init__(self, size: int, n_params: int) -> None:
        self.steps = np.empty((size, n_params))  # rows that are never written take no memory
        self.bends = np.empty((size, n_params))
        self.count, self.last = 0, -1

    def add(self, step: np.ndarray, bend: np.ndarray) -> None:
        """Remember a pair, in the place of the oldest, where the objective bends upwards."""
        if _dot(step, bend) > UPWARDS * (_dot(bend, bend) * _dot(step, step)) ** 0.5:
            size = len(self.steps)
            self.last = (self.last + 1) % size
            self.count = min(self.count + 1, size)
            self.steps[self.last], self.bends[self.last] = step, bend

    def apply(self, vector: np.ndarray, free: np.ndarray | None = None) -> np.ndarray:
        """Apply the inverse Hessian that the pairs describe, in place; 0 where not ``free``."""
        two_loop(self.steps, self.bends, self.last, self.count, vector, free)
        return vector

    def clear(self) -> None:
        """Forget all pairs."""
        self.count = 0


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    # not a @ b: waking the threads of a BLAS costs more than the sum
    return float(np.einsum("i,i", a, b))


def _wolfe(
    problem: Problem,
    space: coordinates.Coordinates,
    point: Point,
    direction: np.ndarray,
    *,
    first: bool,
) -> Point | None:
    """Return a point along ``direction`` that satisfies the weak Wolfe conditions, or None."""
    slope = _dot(point.grad, direction)
    if not slope < 0.0:
        return None
    low, high, far, best = 0.0, np.inf, 0.0, None
    step = min(1.0, 1.0 / np.abs(direction).sum()) if first else 1.0
    for _ in range(MOST_LENGTHS):
        new = Point.at(problem, space, point.u + step * direction)
        if not new.total <= point.total + ARMIJO * step * slope:  # not: NaN and inf are too far
            high = step
        else:
            along = _dot(new.grad, direction)
            if along >= SLOPE_LEFT * slope:
                return new
            low, best = step, new
            # the minimum of the parabola through both slopes, which lies far from a first guess
            far = step * slope / (slope - along) if along > slope else np.inf
        step = min(max(2.0 * low, far), FARTHEST * low) if high == np.inf else 0.5 * (low + high)
    return best


def _steepest(point: Point, l1: np.ndarray | None) -> np.ndarray:
    """Return the smallest subgradient at a point; ``l1`` weighs the parameters' sizes."""
    if l1 is None:
        return point.grad
    outside = point.grad - np.clip(point.grad, -l1, l1)
    return np.where(point.u == 0.0, outside, point.grad + l1 * np.sign(point.u))


def _free(point: Point, steepest: np.ndarray, l1: np.ndarray | None) -> np.ndarray | None:
    """Return one for parameters that are to move, and zero for those held at zero; None for all."""
    if l1 is None:
        return None
    return ((point.u != 0.0) | (steepest != 0.0)).astype(np.float64)


def _step_from(point: Point, steepest: np.ndarray, state: dict) -> np.ndarray:
    """Return what the pairs make of the smallest subgradient at a point."""
    return state["pairs"].apply(steepest.copy(), _free(point, steepest, state["l1"]))


def _orthant_search(
    problem: Problem,
    space: coordinates.Coordinates,
    point: Point,
    direction: np.ndarray,
    steepest: np.ndarray,
    l1: np.ndarray,
    *,
    first: bool,
) -> Point | None:
    """Return a lower point along ``direction``, which ends where an orthant does, or None."""
    if not direction.any():
        return None
    orthant = np.where(point.u == 0.0, -np.sign(steepest), np.sign(point.u))
    step = min(1.0, 1.0 / np.abs(direction).sum()) if first else 1.0
    best = None
    for _ in range(MOST_LENGTHS):
        u = point.u + step * direction
        u[(l1 > 0.0) & (u * orthant <= 0.0)] = 0.0
        gain = _dot(steepest, u - point.u)
        if not gain < 0.0:
            return best
        new = Point.at(problem, space, u)
        new.total += problem.rest_value(new.params)
        if new.total <= point.total + ARMIJO * gain:
            if not first or (best is not None and new.total >= best.total):
                return new if best is None else best
            best, step = new, 2.0 * step
        elif best is not None:
            return best
        else:
            step *= 0.5
    return best


class LBFGS(FullBatchOptimizer):
    r"""L-BFGS: quasi-Newton steps from the last few changes of the gradient.

    The direction is :math:`-H \nabla F` by the two-loop recursion of Nocedal [1]_; the step
    length satisfies the weak Wolfe conditions, by bisection [2]_.  Training stops where
    :math:`\nabla F^T H \nabla F / 2`, the decrease that the model of the objective still
    promises, is small beside ``tol`` times what the objective has fallen by.  Where that is so for
    a linear model, conjugate gradients look for directions that hardly bend and still have much to
    gain [4]_, at the cost of a pass each: mostly one or two tell that there are none.

    With L1 or an elastic net the smallest subgradient takes the gradient's place, and no step
    leaves the orthant that it points into, so that weights end at exactly zero [3]_.  Other
    penalties that are not smooth are refused, and so are losses that are not.

    Parameters
    ----------
    history_size : int, default=10
        Number of changes that are remembered.  With so many features that these would take more
        than a few percent of X's memory they are fewer, 3 at least.
    standardize : bool, default=False
        Whether to work in coordinates in which features are centred and scaled; sparse ones, and
        those of factorization machines, are scaled only.  The objective stays what it is; raw
        features converge as fast as standardised ones.

    References
    ----------
    .. [1] Nocedal (1980). Updating quasi-Newton matrices with limited storage. Mathematics of
       Computation 35, 773-782.
    .. [2] Lewis and Overton (2013). Nonsmooth optimization via quasi-Newton methods.
       Mathematical Programming 141, 135-163.
    .. [3] Andrew and Gao (2007). Scalable training of L1-regularized log-linear models. ICML.
    .. [4] Morales and Nocedal (2000). Automatic preconditioning by limited memory quasi-Newton
       updating. SIAM Journal on Optimization 10, 1079-1096.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd import GDRegressor
    >>> from sklgd.optimizers import LBFGS
    >>> X = np.array([[-1.0], [1.0]])
    >>> model = GDRegressor(optimizer=LBFGS(), penalty=None).fit(X, [-2.0, 4.0])
    >>> model.coef_.round(3), model.intercept_.round(3)
    (array([3.]), array([1.]))
    """

    # The state:
    # - point, pairs: where the fit is, and what is remembered;
    # - l1: what weighs the sizes of the parameters;
    # - hits, patience: how often in a row little seemed to be left, and how often that has to be;
    # - space, first, ordinary, converged: as for `space_of`, `asked` and `iterate`.
    knows_when = True
    kept = (*FullBatchOptimizer.kept, "patience")
    _parameter_constraints: ClassVar[dict] = {
        "history_size": [Interval(Integral, 1, None, closed="left")],
        "standardize": ["boolean"],
    }

    def __init__(self, history_size: int = 10, standardize: bool = False) -> None:
        self.history_size = history_size
        self.standardize = standardize

    def begin_near(self, state: dict) -> None:
        """Take note that the first steps are near the minimum: they gain little there."""
        state["patience"] = PATIENCE_NEAR

    def iterate(
        self, problem: Problem, params: np.ndarray, state: dict, lr: float, t: int
    ) -> float:
        """Take one quasi-Newton step; return the loss after it."""
        space = space_of(self, problem, state)
        point = state.get("point")
        if point is None:
            refuse_kinks(self, problem.block.loss)
            state["l1"] = self._thresholds(problem, space)
            if problem.block.loss.task == "classification":
                params[:] = problem.constant_start(params)  # from zero, rare classes take long
            point = Point.at(problem, space, space.from_params(params))
            point.total += problem.rest_value(point.params)
            if "pairs" not in state:
                state["pairs"] = _Pairs(self._memory(problem), problem.n_params)
            state.setdefault("first", problem.falls_from(params))
            state["hits"] = 0
        pairs = state["pairs"]
        new = self._search(problem, space, state, point)
        if new is None and pairs.count:  # the pairs may be of points far away
            pairs.clear()
            new = self._search(problem, space, state, point)
        if new is None:  # no lower point to be found: as far as rounding allows
            state["converged"] = True
            return point.loss
        pairs.add(new.u - point.u, new.grad - point.grad)
        steepest = _steepest(new, state["l1"])
        new.step = _step_from(new, steepest, state)
        promised = 0.5 * abs(_dot(steepest, new.step))
        left = max(promised, point.total - new.total)  # with few pairs, promises are timid
        share = LEFT if state["l1"] is None else LEFT_L1
        # no less than rounding, where searches find no way down but take long to give up
        enough = max(share * asked(problem, state, new.total), OBJECTIVE_ROUNDING * abs(new.total))
        state["hits"] = state["hits"] + 1 if left <= enough else 0
        converged = state["hits"] >= state.get("patience", PATIENCE)
        state.update(point=new, converged=converged)
        if is_next_to_nothing(problem, state, new.total):
            state["converged"] = True
        elif state["converged"] and problem.block.model.linear:
            self._look_farther(problem, space, state, enough)
            new = state["point"]
            if problem.remembers:  # not the last point that was looked at
                problem.remember(new.params, new.grad, space)
        params[: new.params.size] = new.params
        return new.loss

    def _look_farther(
        self, problem: Problem, space: coordinates.Coordinates, state: dict, enough: float
    ) -> None:
        """Go on where conjugate gradients find much to gain that the pairs know nothing of."""
        for stalled in range(MOST_STALLS):
            point, l1 = state["point"], state["l1"]
            steepest = _steepest(point, l1)
            free = _free(point, steepest, l1)
            direction = conjugate_step(
                problem, space, point, steepest, free, state["pairs"].apply, enough, stalled > 0
            )
            if direction is None:
                return
            new = self._along(problem, space, state, point, direction, steepest, False)
            if new is None or point.total - new.total <= enough:
                return
            state["pairs"].add(new.u - point.u, new.grad - point.grad)
            state.update(point=new, hits=0)
        state["converged"] = False

    def _search(
        self, problem: Problem, space: coordinates.Coordinates, state: dict, point: Point
    ) -> Point | None:
        """Return the next point, or None where none is lower."""
        l1 = state["l1"]
        steepest = _steepest(point, l1)
        direction, point.step = point.step, None
        if direction is None:
            direction = _step_from(point, steepest, state)
        np.negative(direction, out=direction)
        if l1 is not None:
            direction[direction * steepest >= 0.0] = 0.0
        first = not state["pairs"].count
        return self._along(problem, space, state, point, direction, steepest, first)

    def _along(self, problem, space, state, point, direction, steepest, first):
        """Return a lower point along a direction, or None."""
        l1 = state["l1"]
        if l1 is None:
            return _wolfe(problem, space, point, direction, first=first)
        return _orthant_search(problem, space, point, direction, steepest, l1, first=first)

    def _thresholds(self, problem: Problem, space: coordinates.Coordinates) -> np.ndarray | None:
        """Return what weighs the sizes of the parameters in ``space``; None without L1."""
        if problem.rest is None:
            return None
        bounds = problem.rest_bounds if problem.block.model.linear else None
        if bounds is None or np.isfinite(bounds[1:]).any():
            raise ValueError(
                f"{type(self).__name__} needs a smooth objective, but for the L1 norm of a linear "
                f"model, and has {problem.rest!r} of {problem.block.model!r}; use "
                "optimizer='fista', optimizer='sgd' or optimizer='auto'."
            )
        return problem.spread(bounds[0] / space.scale, 0.0)

    def _memory(self, problem: Problem) -> int:
        """Return the number of pairs to remember."""
        one, X = 16 * problem.n_params, problem.block.X
        if one * self.history_size <= SMALL_MEMORY:
            return self.history_size
        size = X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes
        most = int(max(SMALL_MEMORY, MEMORY_SHARE * size) / one)
        return min(self.history_size, max(LEAST_HISTORY, most))
