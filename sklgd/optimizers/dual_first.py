"""Dual ascent where it is quick, and another optimizer where it is not."""

from __future__ import annotations

from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from ..objective import Problem, fallen
from .dual import SDCA
from .full_batch import AroundOptimizer, FullBatchOptimizer

#: the first looks go by a ``tol`` of at least this: the gap may fall ever faster
COARSE, COARSE_LOOKS = 1e-3, 8


class DualFirst(AroundOptimizer):
    """Trains by `SDCA` for some iterations, and by another optimizer if that turns out to be slow.

    How long dual ascent takes depends on the data more than can be told beforehand: the slopes of
    a loss with kinks may all settle at a bound in a dozen iterations, as those of texts do, or
    rows that are alike may go on correcting each other for thousands.  So it is tried.  After 2, 4,
    8, ... iterations the duality gap is compared with ``tol`` times what the objective has fallen
    by.  If it would take more than ``limit`` iterations to get there, were the gap to fall to a
    fourth with each doubling, ``optimizer`` goes on from there, or starts where SDCA did if that is
    lower.  Weights that are given to start from are for ``optimizer``: SDCA starts from slopes.

    Parameters
    ----------
    optimizer : FullBatchOptimizer
        What trains instead.
    limit : int, default=400
        How many iterations it may take.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> from sklgd import GDClassifier
    >>> X = sp.random_array((1000, 5000), density=0.01, format="csr", rng=0)
    >>> y = np.arange(1000) % 2
    >>> GDClassifier("hinge").fit(X, y).optimizer_
    DualFirst(optimizer=Continuation(optimizer=LBFGS(history_size=30,
                                                     standardize=True)))
    """

    # The state:
    # - dual, start, n_iter: the state of SDCA, where it started, and for how many iterations;
    # - inner: the state of the other optimizer, once SDCA has been given up;
    # - converged: as for `iterate`.
    _parameter_constraints: ClassVar[dict] = {
        **AroundOptimizer._parameter_constraints,
        "limit": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, optimizer: FullBatchOptimizer, limit: int = 400) -> None:
        super().__init__(optimizer)
        self.limit = limit

    def forget(self, state: dict) -> None:
        """Begin again; SDCA keeps its slopes."""
        dual = state.get("dual", {})
        SDCA().forget(dual)
        state.clear()
        state["dual"] = dual

    def iterate(
        self, problem: Problem, params: np.ndarray, state: dict, lr: float, t: int
    ) -> float:
        """Take one step of either; return the loss that it returns."""
        if not state.get("dual") and params.any():  # a start that has no slopes
            state.setdefault("inner", {})
        if "inner" not in state:
            return self._ascend(problem, params, state, lr, t)
        loss, state["converged"] = self._go_on(problem, params, state["inner"], lr, t)
        return loss

    def _ascend(
        self, problem: Problem, params: np.ndarray, state: dict, lr: float, t: int
    ) -> float:
        """Make an iteration of dual ascent; see whether it was the last one."""
        rule, dual = SDCA(), state.setdefault("dual", {})
        if "start" not in state:
            state.update(start=params.copy(), n_iter=0)
        state["n_iter"] += 1
        loss = rule.iterate(problem, params, dual, lr, t)
        state["converged"] = bool(dual.get("converged"))
        total = loss + problem.penalty_value(params)
        finite = np.isfinite(total) and bool(np.isfinite(params).all())
        if not state["converged"] and (not finite or self._is_slow(problem, state, total)):
            start = problem.constant_start(state["start"])
            if not (finite and problem.total(params) <= problem.total(start)):
                params[:] = start
                loss = problem.loss(params)
            state["inner"] = {}
            self.optimizer.begin_near(state["inner"])
            del state["dual"]
        return loss

    def _is_slow(self, problem: Problem, state: dict, total: float) -> bool:
        # Whether it is time to look, and what is left by now too much.
        n, tol = state["n_iter"], problem.tol or COARSE
        if n < 2 or n & (n - 1):
            return False
        tol = max(tol, COARSE) if n <= COARSE_LOOKS else tol
        enough = tol * fallen(problem.reference, total)
        return not SDCA().remaining(state["dual"]) <= (self.limit / n) ** 2 * enough
