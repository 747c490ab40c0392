"""What a fit carries from one call to the next."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .._kernels.base import aligned_copy
from ..objective import Problem
from ..optimizers import Optimizer
from ..units import Units
from .lag import Lag, Trial
from .streams import Stream


@dataclass
class FitState:
    """What a fit carries on: parameters, the optimizer's state, clocks and the source of chance.

    Attributes
    ----------
    params : ndarray of shape (p,)
        The iterate.
    slots : object
        The optimizer's state: an array of shape (n_slots, p), or a full-batch optimizer's own.
    optimizer : Optimizer or None
        The optimizer that wrote it; None before the first step.
    mean : ndarray of shape (p,) or None
        Running mean of the iterates, with averaging.
    average_from : int
        The step from which the mean is taken.
    t : int
        Steps taken.
    epochs : int
        Passes made, over all calls.
    rate_scale : float
        What plateaus have left of the learning rate, or what a stream's is multiplied by.
    seed : int
        Seed of the row orders; epoch number ``epochs`` shuffles by both.
    weight_sum, weight_count : float
        Sample weights seen, and of how many rows: their mean is the unit of weight.
    shape : tuple of (int, int, bool)
        Features, raw columns and whether there are intercepts: what ``params`` are for.
    units : Units or None
        The units of features and targets that a model which is not linear trains in.
    first_rows : tuple of Rows, or None
        The rows of a stream that the units are taken from, while more of them are wanted.
    stream : Stream
        What the automatic rule of ``partial_fit`` has to know of the rows so far.
    auto : bool
        Whether the steps so far are those of that rule.
    lag : Lag or None
        What the weights in ``params`` are behind by, in a stream of few sparse rows.
    is_lent : bool
        Whether the arrays are those of another state, which `own` leaves alone.
    trial : Trial or None
        What a call under way changes in arrays that are another state's.
    """

    params: np.ndarray
    slots: Any
    optimizer: Optimizer | None = None
    mean: np.ndarray | None = None
    average_from: int = 0
    t: int = 0
    epochs: int = 0
    rate_scale: float = 1.0
    seed: int = 0
    weight_sum: float = 0.0
    weight_count: float = 0.0
    shape: tuple[int, int, bool] = (0, 0, False)
    units: Units | None = None
    first_rows: tuple | None = None
    stream: Stream = field(default_factory=Stream)
    auto: bool = False
    lag: Lag | None = None
    is_lent: bool = False
    trial: Trial | None = None

    @property
    def result(self) -> np.ndarray:
        """The parameters of the model: the mean once it is taken, else the optimizer's result."""
        if self.mean is not None and self.t >= self.average_from:
            return self.mean
        if self.lag is not None:
            return self.lag.caught_up(self)
        if self.optimizer is None or self.t == 0:
            return self.params
        moved = self._moved
        result = self.optimizer.result(self.params[:moved], self.slots)
        kept = self.params[moved:]
        return np.concatenate((result, kept)) if kept.size else result

    @property
    def _moved(self) -> int:
        """How many of the numbers in ``params`` the optimizer moves: the model keeps the rest."""
        return self.slots.shape[1] if self._has_array else self.params.size

    @property
    def _has_array(self) -> bool:
        return isinstance(self.slots, np.ndarray)

    def copy(self) -> FitState:
        """Return a state that can go on without changing this one."""
        return replace(
            self,
            params=aligned_copy(self.params),
            slots=aligned_copy(self.slots) if self._has_array else copy.deepcopy(self.slots),
            mean=None if self.mean is None else self.mean.copy(),
            lag=None if self.lag is None else self.lag.copy(),
            is_lent=False,
        )

    def lend(self) -> FitState:
        """Return a state with the same arrays: a copy of this one once it has to `own` them."""
        lag = None if self.lag is None else replace(self.lag)
        return replace(self, lag=lag, is_lent=True)

    def own(self) -> None:
        """Leave the arrays that are another state's to that."""
        if self.is_lent:
            vars(self).update(vars(self.copy()))

    def settle(self) -> None:
        """Bring all weights up to date."""
        if self.lag is None:
            self.own()
            return
        params, self.lag = self.result, None
        self.own()
        self.params[:] = params

    def weights_at(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return a linear model's weights of some features, shape (n_raw, m), and intercepts."""
        n_features, n_raw, fit_intercept = self.shape
        params = self.params if self.lag is not None else self.result
        weights, intercept = np.split(params, [n_raw * n_features])
        if self.lag is not None:
            weights = self.lag.weights_at(self, features)
        else:
            weights = weights.reshape(n_raw, n_features)[:, features]
        return weights, intercept if fit_intercept else np.zeros(n_raw)

    @property
    def is_finite(self) -> bool:
        """Whether all parameters of the model are finite, as they were before a trial."""
        if self.trial is not None:
            return self.trial.is_finite()
        return bool(np.isfinite(self.result).all())

    def penalty_value(self, problem: Problem) -> float:
        """Return the penalty; after a trial, as `Lag.follow` knows it."""
        if self.trial is None:
            return problem.penalty_value(self.result)
        self.lag.follow(self, self.trial, problem.penalty)
        return self.lag.value

    def move_origin(self, centre: np.ndarray | None, *, back: bool = False) -> None:
        """Go over to features less a centre, or back, in a linear model with intercepts."""
        if centre is None:
            return
        if self.lag is not None or self.is_lent:
            self.settle()
        n_features, n_raw, _ = self.shape
        for params in (self.params, self.mean):
            if params is not None:
                weights = params[: n_raw * n_features].reshape(n_raw, n_features)
                # not by BLAS, whose threads would take longer to wake
                at_centre = np.einsum("cj,j->c", weights, centre)
                params[n_raw * n_features :] += -at_centre if back else at_centre

    def restart(self, params: np.ndarray) -> None:
        """Make ``params`` the result, and where training goes on.

        A memory that is no longer finite is forgotten, and the clock starts again with it.
        """
        self.lag = self.trial = None
        self.own()
        self.params[:] = params
        if self.mean is not None:
            self.mean[:] = params
        if self._has_array and not np.isfinite(self.slots).all():
            self.slots[:] = 0.0
            self.t = 0
        elif self.optimizer is not None:
            self.optimizer.restart(self.params[: self._moved], self.slots)
