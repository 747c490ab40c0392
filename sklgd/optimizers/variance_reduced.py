"""Optimizers whose steps on single rows need no falling learning rate: SAGA and SVRG.

The gradient of a row is its slope (the derivative of its loss in the raw prediction) times the
row.  A variance-reduced step corrects it by what is remembered of all rows,

    g = mean + sum_i share_i (slope_i - old_i) x_i / batch size,    mean = mean_i old_i x_i,

whose expectation is the gradient of the mean loss, and whose variance goes to zero with the
distance to the minimum.  ``share_i`` is one over how often a pass draws the row.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from .. import schedules
from .._kernels.variance_reduced import VarianceReduced as _kernel
from ..objective import Problem
from ..schedules import Schedule
from .base import RATE, Optimizer, Rate

#: rows that a table is filled from at a time
FILL_ROWS = 128
#: the slopes of a batch's rows at given parameters
Slopes = Callable[[np.ndarray], np.ndarray]


class VarianceReduced(Optimizer):
    """Base class of SAGA and SVRG; classes of one's own have no compiled loop.

    Their state is a dict, of the rows that a fit trains on; with other rows it is made anew.

    Parameters
    ----------
    learning_rate : float, Schedule or "auto", default="auto"
        The step size.

    Examples
    --------
    >>> from sklgd.optimizers import OPTIMIZERS, VarianceReduced
    >>> [name for name, cls in OPTIMIZERS.items() if issubclass(cls, VarianceReduced)]
    ['saga', 'svrg']
    """

    # The state:
    # - rows, gradient: the mark of the rows that it is of, and the mean gradient in memory;
    # - slopes, losses: of SAGA, by row;
    # - snapshot, loss, passes: of SVRG, the parameters, the loss there, and the number of passes;
    # - watch: what the driver has seen of promises.
    variance_reduced = True
    _parameter_constraints: ClassVar[dict] = {"learning_rate": RATE}

    def __init__(self, learning_rate: Rate = "auto") -> None:
        self.learning_rate = learning_rate

    def schedule(self) -> Schedule:
        """Return the learning rate as a schedule: for ``"auto"`` 1, times `auto_rate`."""
        return schedules.as_schedule(1.0) if self.is_auto else super().schedule()

    @property
    def is_auto(self) -> bool:
        """Whether the learning rate comes from the problem."""
        return isinstance(self.learning_rate, str) and self.learning_rate == "auto"

    def auto_rate(self, smoothness: float, convexity: float, n_rows: int) -> float:
        r"""Return the learning rate :math:`1 / (2 L + \min(2 n \mu, L))`.

        Parameters
        ----------
        smoothness : float
            L, the largest Lipschitz constant of a row's gradient, divided by how often the row is
            drawn, and of the penalty's.
        convexity : float
            :math:`\mu`, the least curvature of the penalty.
        n_rows : int
            The number n of rows.

        Returns
        -------
        float
        """
        return 1.0 / (2.0 * smoothness + min(2.0 * n_rows * convexity, smoothness))

    def init_state(self, params: np.ndarray) -> dict[str, Any]:
        """Return the state of a new fit: an empty dict, filled at its first pass; picklable."""
        return {}

    def forget(self, state: dict[str, Any]) -> None:
        """Forget how near to its end a fit was."""
        state.pop("watch", None)

    def restart(self, params: np.ndarray, state: dict[str, Any]) -> None:
        """Go on from ``params``; a memory that is not finite is forgotten."""
        arrays = [value for value in state.values() if isinstance(value, np.ndarray)]
        if not all(np.isfinite(array).all() for array in arrays):
            state.clear()

    def auto_batch_size(self, n_samples: int, n_features: int, row_nonzeros: float) -> int:
        """Return 1: a step costs no more than its row."""
        return 1

    def begin_pass(self, problem: Problem, params: np.ndarray, state: dict[str, Any]) -> None:
        """Renew what is due before a pass over the rows.

        Parameters
        ----------
        problem : sklgd.objective.Problem
            The objective.
        params : ndarray of shape (p,)
            The parameters.
        state : dict
            The memory; written to.
        """
        raise NotImplementedError(f"{type(self).__name__} must define begin_pass")

    def loss_in(self, state: dict[str, Any], rows: Any, excess: float, weight_sum: float) -> float:
        """Return the mean loss after a pass.

        Parameters
        ----------
        state : dict
            The memory.
        rows : slice or ndarray
            The training rows.
        excess : float
            What the pass has seen the mean loss exceed that at the snapshot by.
        weight_sum : float
            The sum of the weights.

        Returns
        -------
        float
        """
        raise NotImplementedError(f"{type(self).__name__} must define loss_in")

    def seen_at(self, params: np.ndarray, state: dict[str, Any]) -> np.ndarray:
        """Return the parameters that the gradient in memory is of; here ``params``, or near."""
        return params

    def estimate(
        self,
        model: Any,
        X: np.ndarray,
        rows: np.ndarray,
        params: np.ndarray,
        slopes: Slopes,
        shares: np.ndarray,
        state: dict[str, Any],
    ) -> np.ndarray:
        """Return the estimate of the mean loss's gradient from a batch, and remember the batch.

        Parameters
        ----------
        model : Model
            A linear model.
        X : ndarray of shape (b, n_features)
            The rows of the batch.
        rows : ndarray of shape (b,)
            Their numbers.
        params : ndarray of shape (p,)
            The parameters.
        slopes : callable
            Returns the slopes of the batch at given parameters, of shape (b, k).
        shares : ndarray of shape (b, 1)
            One over how often each row is drawn in a pass, on average.
        state : dict
            The memory; written to.

        Returns
        -------
        ndarray of shape (p,)
        """
        raise NotImplementedError(f"{type(self).__name__} must define estimate")


class SAGA(VarianceReduced):
    r"""SAGA: steps on single rows, corrected by the last gradient of every row.

    With :math:`\phi_i` the parameters at which row i was seen last,

    .. math::
        \theta \leftarrow \mathrm{prox}_\eta \left(\theta - \eta \left[
        \nabla f_i(\theta) - \nabla f_i(\phi_i) + \frac1n \sum_j \nabla f_j(\phi_j) \right]\right)

    It converges linearly on smooth, strongly convex problems, with constant steps and exact
    penalties [1]_.  A linear model needs one number a row and raw column to remember a gradient;
    the first pass of a fit fills this table.  Steps cost O(nonzeros) on sparse rows with L2, L1
    and elastic net penalties.

    Rows whose gradients vary more are drawn more often [2]_: with :math:`L_i` the row's Lipschitz
    constant, :math:`c \, s_i (\lVert x_i \rVert^2 + 1)` for a loss of curvature c and sample
    weight s (the 1 is the intercept's), a pass draws row i about
    :math:`(L_i + \bar L / 2) / (3 \bar L / 2)` times and divides its share by that.

    Parameters
    ----------
    learning_rate : float, Schedule or "auto", default="auto"
        The step size.  ``"auto"`` is :math:`1 / (2 L + \min(2 n \mu, L))`, the larger of the two
        for which the paper proves convergence, with L the largest :math:`L_i` after this
        division plus the curvature of the penalty, and :math:`\mu` the least of the latter.

    References
    ----------
    .. [1] Defazio, Bach and Lacoste-Julien (2014). SAGA: A fast incremental gradient method with
       support for non-strongly convex composite objectives. NeurIPS 27.
    .. [2] Schmidt, Babanezhad, Ahmed, Defazio, Clifton and Sarkar (2015). Non-uniform stochastic
       average gradient method for training conditional random fields. AISTATS.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sklgd import GDClassifier
    >>> from sklgd.optimizers import SAGA
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> GDClassifier(optimizer=SAGA(), alpha=0.01).fit(scale(X), y).score(scale(X), y) > 0.97
    True
    """

    _kernel = _kernel

    def begin_pass(self, problem: Problem, params: np.ndarray, state: dict[str, Any]) -> None:
        """Fill the table before the first pass."""
        if "slopes" in state:
            return
        n_rows = problem.block.X.shape[0]
        state["slopes"], state["losses"] = np.empty((n_rows, problem.n_raw)), np.zeros(n_rows)
        state["gradient"] = np.empty_like(params)
        self._kernel(
            problem.objective,
            None,
            None,
            params,
            state["gradient"],
            table=state["slopes"],
            losses=state["losses"],
            n_rows=problem.n_rows,
            batch_size=FILL_ROWS,
        ).fill(problem.order)

    def loss_in(self, state: dict, rows: Any, excess: float, weight_sum: float) -> float:
        """Return the mean of the rows' losses where each was seen last."""
        return float(state["losses"][rows].sum()) / weight_sum

    def estimate(self, model, X, rows, params, slopes, shares, state):
        """Return the corrected gradient of a batch; its slopes replace those in the table."""
        new = slopes(params)
        change = new - state["slopes"][rows]
        grad = state["gradient"].copy()
        model.backward(X, params, shares * change / len(rows), grad)
        first = np.unique(rows, return_index=True)[1]  # a row may be drawn twice
        n_rows = len(state["slopes"])
        model.backward(X[first], params, change[first] / n_rows, state["gradient"])
        state["slopes"][rows] = new
        return grad


class SVRG(VarianceReduced):
    r"""SVRG: steps on single rows, corrected by gradients at a snapshot of the parameters.

    With a snapshot :math:`\tilde\theta` of the iterate and the gradient of the whole loss there,

    .. math::
        \theta \leftarrow \mathrm{prox}_\eta \left(\theta - \eta \left[
        \nabla f_i(\theta) - \nabla f_i(\tilde\theta) + \nabla f(\tilde\theta) \right]\right)

    as Johnson and Zhang [1]_; the proximal step is Xiao and Zhang's [2]_.  It needs no memory of
    the rows; a step evaluates a row twice, and each snapshot costs a pass, in parallel with
    ``n_jobs``.  Rows are drawn and penalties applied as in `SAGA`.

    Parameters
    ----------
    learning_rate : float, Schedule or "auto", default="auto"
        The step size; ``"auto"`` is that of `SAGA`, at which SVRG converges as fast.  The
        papers' proofs ask for a shorter one, their experiments take :math:`1 / (10 L)`.
    snapshot_every : int, default=2
        Passes from one snapshot to the next; the papers' 2.

    References
    ----------
    .. [1] Johnson and Zhang (2013). Accelerating stochastic gradient descent using predictive
       variance reduction. NeurIPS 26.
    .. [2] Xiao and Zhang (2014). A proximal stochastic gradient method with progressive variance
       reduction. SIAM Journal on Optimization 24, 2057-2075.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from sklgd import GDRegressor
    >>> from sklgd.optimizers import SVRG
    >>> X, y = load_diabetes(return_X_y=True)
    >>> GDRegressor(optimizer=SVRG(), alpha=0.01).fit(scale(X), y).score(scale(X), y) > 0.5
    True
    """

    _kernel = _kernel
    _parameter_constraints: ClassVar[dict] = {
        **VarianceReduced._parameter_constraints,
        "snapshot_every": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, learning_rate: Rate = "auto", snapshot_every: int = 2) -> None:
        super().__init__(learning_rate)
        self.snapshot_every = snapshot_every

    def begin_pass(self, problem: Problem, params: np.ndarray, state: dict[str, Any]) -> None:
        """Take a snapshot and the gradient there, where one is due."""
        if "gradient" not in state:
            state["snapshot"], state["gradient"] = np.empty((2, params.size))
            state["passes"] = 0
        if state["passes"] % self.snapshot_every == 0:
            state["snapshot"][:] = params
            state["loss"], state["gradient"][:] = problem.loss_and_gradient(params)
            state["gradient"] *= problem.weight_sum / problem.n_rows
        state["passes"] += 1

    def loss_in(self, state: dict, rows: Any, excess: float, weight_sum: float) -> float:
        """Return the mean loss along the pass, from that of the snapshot."""
        return state["loss"] + excess

    def seen_at(self, params: np.ndarray, state: dict[str, Any]) -> np.ndarray:
        """Return the snapshot."""
        return state["snapshot"]

    def estimate(self, model, X, rows, params, slopes, shares, state):
        """Return the corrected gradient of a batch."""
        grad = state["gradient"].copy()
        change = slopes(params) - slopes(state["snapshot"])
        model.backward(X, params, shares * change / len(rows), grad)
        return grad
