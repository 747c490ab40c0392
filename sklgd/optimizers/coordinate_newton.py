"""Newton steps by coordinate descent, for many features of which few are of use."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .. import coordinates
from .._kernels.descent import ColumnDescent, bent_rows
from ..objective import Problem
from ..second_order import bend_of
from ._points import ARMIJO, OBJECTIVE_ROUNDING
from ._quadratic import DAMPING_MOST, damped
from ._stopping import asked, is_next_to_nothing, look_for_outliers
from .full_batch import FullBatchOptimizer

#: coordinate descent ends where a full sweep gains less than this share of what all have gained,
#: or after so many sweeps; the second pair holds where the quadratic model is the objective itself,
#: and once a step has taken more than MANY sweeps
SWEEPS, SWEEPS_EXACT, MANY = (0.05, 50), (0.005, 300), 10
#: what that share is multiplied by in a step that checks whether little is left
DOUBT = 0.2
#: the share of what is asked for that may be left
LEFT = 0.3
#: the least curvature of a row, as a share of the largest, where it may change all of a sudden
LEAST_BEND = 0.01
#: gains are expected to fall to this share of the last one at the most
SLOWEST = 0.9
#: where features are nearly the same, gains are not believed if a bound of what is left is so many
#: times what they say
BELIEVED = 300.0


class _Model:
    """The quadratic model of an objective at a point; with an intercept, of centred columns.

    Parameters
    ----------
    grad : ndarray of shape (p,)
        The gradient of the smooth part, with respect to weights and intercept.
    bends : ndarray of shape (n,)
        Second derivatives of the rows' losses.
    sums, squares : ndarray of shape (n_features,)
        Of the columns and of their squares, weighted by ``bends``.
    ridge : ndarray of shape (n_features,)
        Second derivatives of the penalty's smooth part.
    """

    def __init__(self, grad, bends, sums, squares, ridge) -> None:
        self.grad, self.bends, self.ridge = grad, bends, ridge
        self.total = float(bends.sum())
        intercept = grad[len(sums) :].sum()
        self.means = np.zeros(len(sums))
        if len(grad) > len(sums) and self.total > 0.0:
            self.means = sums / self.total
        self.centred = grad[: len(sums)] - self.means * intercept
        spread = squares - self.means**2 * self.total
        # rounding of a constant column is no spread
        self.diagonal = np.where(spread > 1e-12 * squares, spread, 0.0) + ridge

    def best_alone(self, weights: np.ndarray, bounds: tuple) -> np.ndarray:
        """Return where each weight would go if the others stayed: see ``best_entry``."""
        l1, low, high = bounds
        pull = self.diagonal * weights - self.centred
        with np.errstate(divide="ignore", invalid="ignore"):
            best = (pull - np.clip(pull, -l1, l1)) / self.diagonal
        flat = np.where((l1 > 0.0) & (np.abs(self.centred) <= l1), 0.0, weights)
        return np.clip(np.where(self.diagonal > 0.0, best, flat), low, high)

    def falls(self, weights: np.ndarray, best: np.ndarray, l1: np.ndarray) -> float:
        """Return what the objective falls by, at the least, as weights go there one by one."""
        bent = 0.5 * self.diagonal * (best - weights) ** 2
        flat = self.centred * (weights - best) + l1 * (np.abs(weights) - np.abs(best))
        return float(np.sum(np.where(self.diagonal > 0.0, bent, flat)))


class CoordinateNewton(FullBatchOptimizer):
    r"""Newton's method by coordinate descent, for L1 penalties on many features.

    .. math:: w \leftarrow w + t d, \qquad
        d \approx \arg\min_d \; \nabla f^T d + \tfrac12 d^T H d + r(w + d)

    with :math:`f` the loss and the smooth part of the penalty, :math:`H` its second derivative
    and :math:`r` the rest of the penalty: L1, an elastic net's, or bounds.  As in [1]_ the minimum
    is found roughly, by sweeps over the columns of X and no matrix: entries of
    :math:`X d` are kept, so that a visit of a feature costs what it has nonzeros.  A few sweeps
    tell where many would lead, which correlated features need: Anderson's acceleration [2]_.
    Only features are visited whose weight is not zero, or is not to stay zero by the gradient, and
    most are not.  The length :math:`t` is found by backtracking, on :math:`X w` and :math:`X d`
    alone.

    For smooth losses with a `sklgd.losses.Loss.hessian` that take one raw column.  It makes a copy
    of X by columns, unless X is dense and in Fortran's order and no feature is far from zero.  The
    steps do not depend on the units of the features.

    References
    ----------
    .. [1] Yuan, Ho and Lin (2012). An improved GLMNET for L1-regularized logistic regression.
       Journal of Machine Learning Research 13, 1999-2030.
    .. [2] Bertrand and Massias (2021). Anderson acceleration of coordinate descent. AISTATS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd import GDRegressor
    >>> from sklgd.optimizers import CoordinateNewton
    >>> X = np.array([[-1.0, 0.1], [1.0, 0.1], [0.0, -0.2]])
    >>> model = GDRegressor(optimizer=CoordinateNewton(), penalty="l1", alpha=0.1, tol=1e-8)
    >>> model.fit(X, [-3.0, 3.0, 0.0]).coef_.round(2)
    array([2.85, 0.  ])
    """

    # The state:
    # - raw, loss, total, sums, model: where the fit is, the raw predictions of the rows, the loss,
    #   the objective, weighted sums over the columns, and the quadratic model;
    # - active, promised: the weights that may move, and what they promise one by one;
    # - gain, falls, left: the last gain, how gains have fallen, and so what is left;
    # - slow, doubts, damping: whether sweeps are many, whether this step checks that little is
    #   left, and what is added to second derivatives;
    # - crawls: whether features have means that no intercept takes up, so that gains fall slowly;
    # - first, ordinary, converged: as for `asked` and `iterate`.
    knows_when = True

    def forget(self, state: dict) -> None:
        """Forget everything: it depends on the data."""
        state.clear()

    def remaining(self, state: dict) -> float:
        """Return about what the objective may still fall by."""
        return state["left"]

    def is_damped(self, state: dict) -> bool:
        """Whether the model is damped."""
        return state["damping"] > 0.0

    def iterate(
        self, problem: Problem, params: np.ndarray, state: dict, lr: float, t: int
    ) -> float:
        """Take one Newton step; return the loss after it."""
        if "raw" not in state:
            self._start(problem, params, state)
        before, (step, change) = state["total"], self._step(problem, params, state)
        size = self._search(problem, params, state, step, change)
        state["damping"] = damped(state["damping"], size)
        self._look(problem, params, state)
        if size == 0.0:
            state["converged"] = state["damping"] > DAMPING_MOST or not step.any()
            return state["loss"]
        gain = before - state["total"]
        # gains are seen to go on falling as they did in the last two steps
        falls = [*state["falls"][-1:], gain / state["gain"] if state["gain"] > 0.0 else 1.0]
        share = min(max(falls), SLOWEST)
        state["left"] = max(gain * share / (1.0 - share), state["promised"])
        state.update(gain=gain, falls=falls)
        enough = LEFT * asked(problem, state, state["total"])
        little = state["left"] <= enough
        if little and state["crawls"]:
            little = _most_left(problem, params, state) <= BELIEVED * enough
        # many sweeps may have gained little each, and left much to more of them
        doubts = little and not state["doubts"] and state["slow"]
        nothing = is_next_to_nothing(problem, state, state["total"])
        state.update(converged=nothing or (little and not doubts), doubts=doubts)
        return state["loss"]

    def _start(self, problem: Problem, params: np.ndarray, state: dict) -> None:
        """Begin at the best constant, or where the parameters are."""
        _check(problem)
        problem.prox(params, 0.0)  # to where the penalty is finite
        params[:] = problem.constant_start(params)
        n = problem.n_features
        state["raw"] = problem.block.X[problem.rows] @ params[:n] + params[n:].sum()
        state.update(first=problem.reference, damping=0.0)
        if not sp.issparse(problem.block.X):  # in which outliers are not told from the rest
            look_for_outliers(problem, state, coordinates.standardizing(problem))
        self._look(problem, params, state)
        state["total"] = state["loss"] + problem.penalty_value(params)
        crawls = not problem.has_intercept and coordinates.are_far(*problem.moments)
        state.update(gain=0.0, falls=[], slow=False, doubts=False, left=np.inf, crawls=crawls)

    def _look(self, problem: Problem, params: np.ndarray, state: dict) -> None:
        """Take in the loss and its derivatives at the raw predictions of the state."""
        slopes, bends = np.empty((2, problem.n_rows))
        loss = bent_rows(problem.objective, state["raw"], problem.order, slopes, bends)
        if state["damping"] > 0.0:
            bends += state["damping"] * bend_of(problem)
        curvature = problem.block.loss.curvature
        if curvature and not problem.block.loss.self_concordant:  # what is flat here may soon bend
            np.maximum(bends, LEAST_BEND * curvature, out=bends)
        slopes /= problem.weight_sum
        bends /= problem.weight_sum
        columns, shift = problem.by_columns
        if problem.block.loss.quadratic and "sums" in state and state["damping"] == 0.0:
            pulls = columns.pulls(slopes)
            sums, squares = state["sums"]
        else:
            pulls, sums, squares = columns.sums(slopes, bends)
            state["sums"] = sums, squares
        grad = np.concatenate([pulls, np.full(problem.n_params - problem.n_weights, slopes.sum())])
        if problem.smooth is not None:
            problem.smooth.add_gradient(params[: problem.n_weights], grad[: problem.n_weights])
        theirs = grad.copy()
        theirs[: problem.n_weights] += shift * slopes.sum()
        problem.remember(params, theirs)
        model = _Model(grad, bends, sums, squares, problem.smooth_curvature.ravel())
        weights = params[: problem.n_weights]
        best = model.best_alone(weights, problem.rest_bounds)
        promised = model.falls(weights, best, problem.rest_bounds[0])
        active = np.flatnonzero((best != weights) | (weights != 0.0))
        state.update(loss=loss / problem.weight_sum, model=model, promised=promised, active=active)

    def _step(
        self, problem: Problem, params: np.ndarray, state: dict
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return about the step to the model's minimum, and what it does to raw predictions.

        The step's intercept is that of columns less their shift.
        """
        model: _Model = state["model"]
        target, change = params.copy(), np.zeros(problem.n_rows)
        descent = ColumnDescent(
            problem.by_columns[0], model.bends, model.centred, model.diagonal, model.means,
            model.total, model.ridge, params, *problem.rest_bounds, target, change,
        )  # fmt: skip
        exact = problem.block.loss.quadratic or state["slow"]
        tol, sweeps = SWEEPS_EXACT if exact else SWEEPS
        tol *= DOUBT if state["doubts"] else 1.0
        state["slow"] |= descent.run(state["active"], tol, sweeps) > MANY
        step = target - params
        if problem.has_intercept and model.total > 0.0:
            step[-1] = -(model.grad[-1] + descent.pull) / model.total
            change += step[-1]
        return step, change

    def _search(
        self,
        problem: Problem,
        params: np.ndarray,
        state: dict,
        step: np.ndarray,
        change: np.ndarray,
    ) -> float:
        """Go along a step as far as the objective falls by enough; return how far."""
        rest = problem.rest_value(params)
        slope = float(np.sum(state["model"].grad * step)) + problem.rest_value(params + step) - rest
        step[problem.n_weights :] -= problem.by_columns[1] @ step[: problem.n_weights]
        scratch, size = np.empty(problem.n_rows), 1.0
        least = OBJECTIVE_ROUNDING * abs(state["total"])
        while -size * slope > least:
            raw, new = state["raw"] + size * change, params + size * step
            loss = bent_rows(problem.objective, raw, problem.order, scratch) / problem.weight_sum
            total = loss + problem.penalty_value(new)
            if total - state["total"] <= ARMIJO * size * slope:
                params[:] = new
                state.update(raw=raw, total=total)
                return size
            size *= 0.5
        return 0.0


def _most_left(problem: Problem, params: np.ndarray, state: dict) -> float:
    r"""Return a bound of what is left to gain with thresholds, where losses are not negative.

    That is :math:`\sum_j (g_j w_j + t_j |w_j|) + \max_j (|g_j| / t_j - 1)_+ F`, as the weights of
    the minimum cost no more than F.
    """
    grad, thresholds = state["model"].grad[: problem.n_weights], problem.rest_bounds[0]
    weights = params[: problem.n_weights]
    beyond = np.abs(grad)[thresholds > 0.0] / thresholds[thresholds > 0.0] - 1.0
    return (
        float(grad @ weights + thresholds @ np.abs(weights))
        + max(0.0, float(beyond.max(initial=0.0))) * state["total"]
    )


def _check(problem: Problem) -> None:
    """Raise where the method does not apply."""
    block = problem.block
    if not (block.model.linear and block.loss.has_hessian and problem.n_raw == 1):
        raise ValueError(
            "CoordinateNewton needs a linear model and a loss with hessian(y, raw) on one raw "
            f"column. Got {block.loss!r} on {problem.n_raw} of {block.model!r}; use "
            "optimizer='lbfgs', optimizer='fista' or optimizer='auto'."
        )
    if problem.rest_bounds is None:
        raise ValueError(
            f"CoordinateNewton takes penalties of the kind of L1 and Box, and {problem.rest!r} is "
            "none; use optimizer='fista' or optimizer='auto'."
        )
