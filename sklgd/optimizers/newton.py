"""Newton's method, on second derivatives that one pass over the rows sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import coordinates
from .._strategy import has_kernel
from ..costs import hessian_passes
from ..objective import Problem, fallen
from ..sampling import Solved, solved_sample
from ..second_order import bend_of
from ._points import ARMIJO, OBJECTIVE_ROUNDING, Point
from ._quadratic import DAMPING, DAMPING_MOST, DAMPING_UP, QuadraticModel, damped
from ._stopping import asked, is_next_to_nothing, look_for_outliers
from .full_batch import FullBatchOptimizer

#: the second derivatives of this point do for the next one, too, where a step from here promises
#: at most this share of the objective's fall so far, and leaves at most this share of its promise
CHORD, CHORD_LEAVES = 0.01, 0.1
#: those of a sample do where a step leaves at most this share of its promise, or less: as many
#: steps as cost what one with exact second derivatives does have to leave as little as that
#: leaves, which is the second share
SAMPLE_LEAVES, GAINED = 0.3, 0.01
#: the share of a feature's variance at which a sample has none of it
LACKING = 1e-9
#: the share of a step's slope that is left at its end where it pays to look for a longer one, the
#: share at which a length is good enough, and the longest
STEEP, LEVEL, LONGEST = 0.2, 0.05, 64.0
#: the share of what is asked for that a promise may be at the end; and the same where it is at
#: most QUICK of the last promise, and that QUICK of the objective's fall, since such promises are
#: what is left.  A ``tol`` below LOOSE gets one more step, which costs little beside the others
LEFT, LEFT_IF_QUICK, QUICK, LOOSE = 0.02, 0.2, 0.1, 1e-4
#: the damping up to which a small promise is believed, and the share of what is asked for that the
#: objective has to fall by before another one is doubted
BELIEVED, DOUBT_AGAIN = 1e-9, 0.1
#: the share of the loss's largest curvature that is none
FLAT = 1e-9
#: the largest matrix of second derivatives, in parameters
MOST_PARAMETERS = 2000


@dataclass
class _Step:
    """Where the quadratic model of a point has its minimum, and what it promises there."""

    direction: np.ndarray
    slope: float  # of the objective at the start of the step, at most
    promised: float  # the gain


class Newton(FullBatchOptimizer):
    r"""Newton's method, for up to several hundred features.

    .. math:: u \leftarrow u + t d, \qquad
        d = \arg\min_d \; \nabla f^T d + \tfrac12 d^T H d + r(u + d)

    with :math:`f` the loss and the smooth part of the penalty, :math:`H` its second derivative
    and :math:`r` the rest of the penalty.  Loss, gradient and :math:`H` come from one pass over the
    rows.  Without a rest, :math:`d` solves a linear system: squared error takes one step.  With L1,
    elastic net or bounds it is found by coordinate descent [2]_; other rests are refused.  The
    length :math:`t` is found by backtracking from one, so that the objective never rises [1]_; it
    is longer where a loss as the log loss levels off: the slope at a step's end is still steep.

    Where a gradient has kinks (huber, squared hinge, ...) the slope on one side serves [3]_, and
    where an elementwise loss is not convex the positive part of its curvature.  Losses that are
    not smooth are refused, and so are those of one's own without `sklgd.losses.Loss.hessian`.
    Training stops where the gain that the model still promises is small beside ``tol`` times what
    the objective has fallen by.

    With many rows it starts at the minimum for a sample of them.  The first steps then take the
    second derivatives of the sample [4]_, corrected as the gradient changes (BFGS), as long as that
    gains more than a pass with those of all rows: fits of a hundred features may end without one.

    The steps do not depend on the units of the features.  A pass costs in the order of
    :math:`n p^2` operations, and for a softmax of k classes :math:`k^2 / 2` times that:
    `LBFGS` is the better choice for thousands of features or many classes.

    References
    ----------
    .. [1] Nocedal and Wright (2006). Numerical Optimization, chapter 3. Springer.
    .. [2] Lee, Sun and Saunders (2014). Proximal Newton-type methods for minimizing composite
       functions. SIAM Journal on Optimization 24, 1420-1443.
    .. [3] Qi and Sun (1993). A nonsmooth version of Newton's method. Mathematical Programming
       58, 353-367.
    .. [4] Byrd, Chin, Neveitt and Nocedal (2011). On the use of stochastic Hessian information in
       optimization methods for machine learning. SIAM Journal on Optimization 21, 977-995.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklgd import GDClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = GDClassifier(optimizer="newton").fit(X, y)
    >>> model.score(X, y) > 0.97, model.n_iter_ < 15
    (True, True)
    """

    # The state:
    # - space, rest, squares, bend: the coordinates, thresholds and bounds in them, the mean squares
    #   of features in them, and the curvature of the loss, all found once;
    # - point, step, model: where the fit is, the next step, and the model whose minimum it goes to;
    # - fresh, sampled: whether that is the model of this point, and whether it is that of a sample;
    # - damping, steep, doubted: what is added to second derivatives, whether steps are longer than
    #   the model's, and the objective at which a small promise was last doubted;
    # - restarts: whether what runs it starts it anew where steps are damped (`Continuation`);
    # - first, ordinary, converged: as for `asked` and `iterate`.
    knows_when = True
    kept = (*FullBatchOptimizer.kept, "squares")

    def forget(self, state: dict) -> None:
        """Forget everything: it depends on the data."""
        state.clear()

    def remaining(self, state: dict) -> float:
        """Return the gain that the model promises."""
        return state["step"].promised

    def is_damped(self, state: dict) -> bool:
        """Whether the model is damped."""
        return state["damping"] > 0.0

    def iterate(
        self, problem: Problem, params: np.ndarray, state: dict, lr: float, t: int
    ) -> float:
        """Take one Newton step; return the loss after it."""
        if "point" not in state:
            self._start(problem, params, state)
        point, step = state["point"], state["step"]
        quadratic = problem.block.loss.quadratic
        near = step.promised <= CHORD * fallen(state["first"], point.total)
        chord = quadratic or state["sampled"] or (near and not state["steep"])
        new, size = self._search(problem, state, curved=not chord)
        state["damping"] = damped(state["damping"], size)
        if new is None:
            stuck = state["fresh"] and state["damping"] > DAMPING_MOST
            if stuck or step.promised <= OBJECTIVE_ROUNDING * abs(point.total):
                state["converged"] = True
                return point.loss
            new = point
        elif chord:
            if state["sampled"]:
                state["model"].damp(0.0, lambda: self._bends(problem, state))
                state["model"].learn(new.u - point.u, new.grad - point.grad)
            following = self._step(problem, state, new)
            if quadratic or self._will_do(problem, state, new, following):
                return self._arrive(problem, params, state, new, following, fresh=quadratic)
        if new is not point or not state["fresh"]:
            state.update(model=self._model(problem, state, new), sampled=False)
        return self._arrive(problem, params, state, new, self._step(problem, state, new))

    def _start(self, problem: Problem, params: np.ndarray, state: dict) -> None:
        """Choose coordinates, and make the model of the first point."""
        _check(problem)
        problem.prox(params, 0.0)  # to where the penalty is finite
        loss, start = problem.block.loss, params
        if not loss.quadratic:
            # far from its targets, or a rare class, a loss is far from quadratic, or all but flat
            start = problem.constant_start(params)
        space = state.get("space") or coordinates.standardizing(problem, problem.look())
        state["space"], state["rest"] = space, _rest_in(problem, space)
        state.update(fresh=True, converged=False, damping=0.0, steep=False, sampled=False)
        point = self._first_point(problem, state, start)
        if "first" not in state:
            exact = loss.quadratic and state["rest"] is None  # one step is all
            state["first"] = point.total if exact else problem.reference
        params[: point.params.size] = point.params  # which may be the minimum already
        state["point"] = point
        if not state["sampled"]:
            state["model"] = self._model(problem, state, point)
        look_for_outliers(problem, state, space)
        bent = np.trace(state["model"].hess[0]) > 1e-6 * self._bend(problem, state)
        if not bent or self._is_flat(problem, state, point):
            state["damping"] = DAMPING
        state["step"] = self._step(problem, state, point)
        # it promises more than there is to gain: second derivatives miss directions that bend
        while state["step"].promised > abs(point.total) and state["damping"] < DAMPING_MOST:
            state["damping"] = max(DAMPING_UP * state["damping"], DAMPING)
            state["step"] = self._step(problem, state, point)

    def _first_point(self, problem: Problem, state: dict, start: np.ndarray) -> Point:
        """Return the minimum of a sample of the rows if that is better than the start, or this.

        Then the first steps may take the second derivatives of the sample, too.
        """
        smooth = _has_no_kinks(problem)
        solved, own = None, {name: state[name] for name in ("space", "rest")}
        if not problem.block.loss.quadratic:
            solved = solved_sample(self, problem, start, self._bend(problem, state), own)
        if solved is not None:
            u = state["space"].from_params(solved.params)
            point = self._at(problem, state, u, curved=not smooth)
            if point.total < problem.at_constant:
                if smooth:
                    self._take_over(problem, state, solved, own)
                return point
        return self._at(problem, state, state["space"].from_params(start), curved=True)

    def _take_over(self, problem: Problem, state: dict, solved: Solved, own: dict) -> None:
        """Begin with the second derivatives of a sample, made as large as those of all rows."""
        space, model = state["space"], own["model"]
        model.damp(0.0, lambda: self._bends(solved.problem, own))
        seen = solved.problem.moments[1] ** 2 + solved.squares
        there = problem.moments[1] ** 2
        lacks = seen <= LACKING * there
        sizes = np.sqrt(np.where(lacks, 1.0, there / np.where(lacks, 1.0, seen)))
        more = self._bend(problem, state) * np.where(lacks, there / space.scale**2, 0.0)
        model.resize(
            problem.spread(sizes, 1.0),
            problem.spread(problem.second_order(space).ridge, 0.0),
            problem.spread(more, 0.0),
        )
        state.update(model=model, fresh=False, sampled=True)

    def _squares(self, problem: Problem, state: dict) -> np.ndarray:
        """Return the mean squares of what standardised parameters are multiplied by."""
        if "squares" not in state:  # which a loss made sharper leaves as they are
            squares = coordinates.mean_squares(problem, state["space"])
            state["squares"] = problem.spread(squares, 1.0)
        return state["squares"]

    def _bends(self, problem: Problem, state: dict) -> np.ndarray:
        """Return what the loss bends each standardised parameter by where it bends most."""
        return self._bend(problem, state) * self._squares(problem, state)

    def _bend(self, problem: Problem, state: dict) -> float:
        """Return `bend_of` the problem, found once."""
        if "bend" not in state:
            state["bend"] = bend_of(problem)
        return state["bend"]

    def _at(self, problem: Problem, state: dict, u: np.ndarray, *, curved: bool) -> Point:
        """Return a point; with ``curved``, its second derivatives are ``point.hess``."""
        space = state["space"]
        params = space.to_params(u)
        problem.prox(params, 0.0)  # bounds to the last bit
        if curved:
            curvature = problem.second_order(space).at(params, u)
            point = Point(u, params, curvature.loss, curvature.loss, curvature.grad)
            point.total += problem.smooth_value(params)
            point.hess = curvature.hess
        else:
            point = Point.at(problem, space, u, params)
        point.total += problem.rest_value(params)
        return point

    def _model(self, problem: Problem, state: dict, point: Point) -> QuadraticModel:
        """Return the quadratic model at a point."""
        hess, curved = point.hess, problem.second_order(state["space"])
        if hess is None:  # found by backtracking, which asks for no more than it needs
            hess = curved.at(point.params, point.u).hess
        point.hess = None
        known = has_kernel(problem.block.loss)
        return QuadraticModel(
            hess, state["space"], curved.ridge, shared=curved.shared, invariant=known
        )

    def _step(self, problem: Problem, state: dict, point: Point) -> _Step:
        """Return the step to the minimum of the model."""
        model: QuadraticModel = state["model"]
        model.damp(state["damping"], lambda: self._bends(problem, state))
        if state["rest"] is None:
            direction = model.newton(point.u, point.grad)
            slope = float(point.grad @ direction)
            return _Step(direction, slope, 0.5 * abs(slope))
        target, change = model.descend(point.u, point.grad, state["rest"])
        direction = target - point.u
        params = state["space"].to_params(target)
        problem.prox(params, 0.0)
        rise = problem.rest_value(params) - problem.rest_value(point.params)
        return _Step(direction, float(point.grad @ direction) + rise, max(-change - rise, 0.0))

    def _search(self, problem: Problem, state: dict, *, curved: bool) -> tuple[Point | None, float]:
        """Return a lower point along the step, by backtracking, or None; and the step's length."""
        point, step = state["point"], state["step"]
        longest = self._length(problem, state) if state["steep"] else 1.0
        size, least = longest, OBJECTIVE_ROUNDING * abs(point.total)
        while -size * step.slope > least:
            u = point.u + size * step.direction
            new = self._at(problem, state, u, curved=curved and size == longest)
            rise = new.total - point.total
            if rise <= ARMIJO * size * step.slope:
                if size == 1.0 and _has_no_kinks(problem) and state["fresh"]:
                    return self._lengthened(problem, state, new, curved=curved)
                return new, size
            # the minimum of the parabola through what is known
            curve = rise - size * step.slope
            best = -0.5 * size**2 * step.slope / curve if curve < np.inf else 0.0
            size = min(max(best, 0.1 * size), 0.5 * size)
        return None, 0.0

    def _lengthened(
        self, problem: Problem, state: dict, end: Point, *, curved: bool
    ) -> tuple[Point, float]:
        """Return the end of the step, or a lower point beyond; and the step's length."""
        point, step = state["point"], state["step"]
        if not end.grad @ step.direction < STEEP * step.slope:
            state["steep"] = False
        elif not state["steep"]:
            size = self._length(problem, state)
            new = self._at(problem, state, point.u + size * step.direction, curved=curved)
            if new.total < end.total:
                return new, size
        return end, 1.0

    def _length(self, problem: Problem, state: dict) -> float:
        """Return how long a step the objective falls along, of one at least.

        Where a loss levels off, as that of classes that can be told apart, the quadratic model is
        too short by far.
        """
        look = problem.look().second_order(state["space"])
        length = look.length(state["point"].u, state["step"].direction, LEVEL, LONGEST)
        state["steep"] = length > 1.0
        return length

    def _will_do(self, problem: Problem, state: dict, point: Point, step: _Step) -> bool:
        """Whether second derivatives of elsewhere do for another step, which is given."""
        leaves = CHORD_LEAVES
        if state["sampled"]:
            least = LOOSE * fallen(state["first"], point.total)
            if (problem.tol or 0.0) < LOOSE and step.promised <= least:
                return False  # the last steps to a small tol take exact ones
            leaves = min(SAMPLE_LEAVES, GAINED ** (1.0 / hessian_passes(problem)))
        enough = self._enough(problem, state, point, step)
        return step.promised <= max(leaves * state["step"].promised, enough)

    def _enough(self, problem: Problem, state: dict, point: Point, step: _Step) -> float:
        """Return the promise at which training ends."""
        before, share = state["step"].promised, LEFT
        if (problem.tol or 0.0) >= LOOSE and _has_no_kinks(problem) and not state["damping"]:
            quick = step.promised <= QUICK * before
            if quick and before <= QUICK * fallen(state["first"], point.total):
                share = LEFT_IF_QUICK
        return share * asked(problem, state, point.total)

    def _arrive(
        self,
        problem: Problem,
        params: np.ndarray,
        state: dict,
        point: Point,
        step: _Step,
        fresh: bool = True,
    ) -> float:
        """Go on from a point; return its loss."""
        enough = self._enough(problem, state, point, step)
        if step.promised <= enough:
            step = self._doubted(problem, state, point, step, enough)
        state.update(point=point, step=step, fresh=fresh)
        little = is_next_to_nothing(problem, state, point.total)
        state["converged"] = little or step.promised <= enough
        params[: point.params.size] = point.params
        return point.loss

    def _doubted(
        self, problem: Problem, state: dict, point: Point, step: _Step, enough: float
    ) -> _Step:
        """Return a step that promises little, or one that shows how much more there is to gain.

        Damped steps promise too little, and so do those in a direction in which no row bends.
        `Continuation`, which starts anew after damped steps, finds out about them itself.
        """
        damping = state["damping"]
        if damping > BELIEVED and not state.get("restarts"):
            state["damping"] = BELIEVED
        elif damping == 0.0 and self._is_flat(problem, state, point):
            state["damping"] = DAMPING
        fallen_by = state.get("doubted", np.inf) - point.total
        if state["damping"] == damping or fallen_by <= DOUBT_AGAIN * enough:
            state["damping"] = damping
            return step
        state["doubted"] = point.total
        return self._step(problem, state, point)

    def _is_flat(self, problem: Problem, state: dict, point: Point) -> bool:
        """Whether no row bends in a direction that leads down."""
        if problem.block.loss.quadratic:
            return False
        model: QuadraticModel = state["model"]
        diagonal = model.flat(np.einsum("gjj->gj", model.hess))
        least = 0.0 if state["rest"] is None else state["rest"][0]
        flat = (diagonal <= FLAT * self._bend(problem, state)) & (np.abs(point.grad) > least)
        return bool(flat.any())


def _check(problem: Problem) -> None:
    """Raise where Newton's method does not apply."""
    block = problem.block
    if not block.model.linear:
        raise ValueError(
            f"Newton needs a linear model, and {block.model!r} is none; use optimizer='adam' or "
            "optimizer='auto'."
        )
    if not block.loss.has_hessian:
        raise ValueError(
            f"Newton needs the second derivative of the loss, and {block.loss!r} has no "
            "hessian(y, raw); use optimizer='lbfgs' if it is smooth, or optimizer='auto'."
        )
    if problem.rest_bounds is None:
        raise ValueError(
            f"Newton takes penalties of the kind of L1 and Box, and {problem.rest!r} is none; use "
            "optimizer='fista', optimizer='sgd' or optimizer='auto'."
        )
    size = problem.n_features * (problem.n_raw if block.targets.joint else 1)
    if size > MOST_PARAMETERS:
        raise ValueError(
            f"Newton keeps a matrix of {size} times {size} second derivatives, and more than "
            f"{MOST_PARAMETERS} are too many; use optimizer='lbfgs' or optimizer='auto'."
        )


def _has_no_kinks(problem: Problem) -> bool:
    """Whether second derivatives change little by little, not row by row at kinks of the slope."""
    return problem.rest is None and problem.block.loss.self_concordant


def _rest_in(problem: Problem, space: coordinates.Coordinates) -> tuple | None:
    """Return thresholds and bounds of the standardised parameters."""
    if problem.rest is None:
        return None
    l1, low, high = problem.rest_bounds
    return (
        problem.spread(l1 / space.scale, 0.0),
        problem.spread(low * space.scale, -np.inf),
        problem.spread(high * space.scale, np.inf),
    )
