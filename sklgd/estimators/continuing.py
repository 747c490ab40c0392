"""What training starts from: anew, from the last call's end, or from a checkpoint."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._strategy import same
from ..models import Model
from ..models.base import parts_of, shapes_of, start_of
from ..objective import Targets
from ..optimizers import Optimizer
from ..optimizers.auto import scale_after
from ..training import FitState
from ..units import Units, start_scale, units_of, units_of_stream
from .axes import Strategies, strategy_of
from .data import Init
from .fitted import is_same
from .hooks import Paused
from .validation import RowSplit


class Continues:
    """Mixin: makes the state that a fit starts from, and finds it as the user may have changed it.

    It writes to no attribute of the estimator.
    """

    def _new_state(
        self,
        strategies: Strategies,
        n_features: int,
        n_raw: int,
        init: Init,
        units: Units | None,
        scale: np.ndarray | None = None,
    ) -> FitState:
        rng = check_random_state(self.random_state)
        model, shape = strategies.model, (n_features, n_raw, self.fit_intercept)
        params = start_of(model, n_features, n_raw, rng, self.fit_intercept)
        kernel = model.compose(*shape, units)
        if scale is not None:
            params[: kernel.n_weights].reshape(kernel.weight_rows, -1)[...] /= scale
        model.place(params, *init, *shape, units)
        moved = params[: kernel.n_params]
        average_from = self._average_from(strategies.optimizer)
        return FitState(
            params,
            strategies.optimizer.init_state(moved),
            mean=np.zeros_like(params) if average_from else None,
            average_from=average_from,
            seed=int(rng.randint(np.iinfo(np.int32).max)),
            shape=shape,
            units=units,
        )

    def _stream_state(
        self,
        strategies: Strategies,
        X: Any,
        targets: Targets,
        weights: np.ndarray | None,
        rows: np.ndarray | None,
        *,
        first: bool,
        auto: bool,
    ) -> FitState:
        """Return what `partial_fit` starts from, in the units that the rows so far tell."""
        so_far, units = () if first else self._state.first_rows, None
        if so_far is not None and (rows is None or rows.size):
            units, so_far = units_of_stream(
                so_far, strategies, X, targets, weights, rows, self.fit_intercept
            )
        n_features, n_raw = X.shape[1], targets.n_raw
        if first:
            init = self._init_of_user(strategies.model)
            state = self._new_state(strategies, n_features, n_raw, init, units)
        else:
            state = self._resumed(strategies, n_features, n_raw, auto=auto)
            if units is not None:
                self._take_units(state, units)
            if auto and not strategies.model.linear and state.t == 0 < self._state.t:
                state.rate_scale = scale_after(self._state.t, strategies.optimizer.schedule())
        state.first_rows = so_far
        return state

    def _average_from(self, optimizer: Optimizer) -> int:
        # An optimizer that goes on until it has converged leaves nothing to average.
        return 0 if optimizer.knows_when else int(self.average)

    def _first_state(
        self,
        strategies: Strategies,
        X: Any,
        targets: Targets,
        weights: np.ndarray | None,
        split: RowSplit,
        init: Init,
    ) -> FitState:
        """Return what `fit` starts from."""
        n_features, n_raw = X.shape[1], targets.n_raw
        state = self._continued(strategies, n_features, n_raw) if self.warm_start else None
        if state is None:
            if self.warm_start:
                shape = (n_features, n_raw, self.fit_intercept)
                init = self._warm_init(init, strategies.model, shape)
            units = units_of(strategies, X, targets, weights, split.train, self.fit_intercept)
            scale = start_scale(strategies, X, targets, weights, split.train)
            return self._new_state(strategies, n_features, n_raw, init, units, scale)
        if any(value is not None for value in init):
            self._restart_at(state, init)
        return state

    def _paused_state(
        self, paused: Paused, strategies: Strategies, X: Any, n_raw: int, init: Init
    ) -> FitState:
        """Return what `fit` of an estimator from a checkpoint goes on from."""
        same = (
            strategies == self._fitted_strategies()
            and paused.state.shape == (X.shape[1], n_raw, self.fit_intercept)
            and paused.n_rows == X.shape[0]
            and all(value is None for value in init)
        )
        if not same:
            raise ValueError(
                f"This {type(self).__name__} comes from a checkpoint: fit goes on with the data, "
                "the strategies and the starting values of the interrupted fit, and here they are "
                "others. Use sklearn.base.clone to train anew."
            )
        return paused.state.copy()

    def _resumed(
        self, strategies: Strategies, n_features: int, n_raw: int, *, auto: bool = False
    ) -> FitState:
        """Return the last call's state, lent, with ``coef_`` as the user may have set it.

        The optimizer's memory is kept where the optimizer is still the same, but for its learning
        rate, and sees the features as before; the parameters are kept in any case.
        """
        _, n_raw_before, fit_intercept = self._state.shape
        if not self._has_parameters_of(strategies.model):
            raise ValueError(
                f"{type(self).__name__} was trained with model={self.model_!r}, and cannot go on "
                f"with model={strategies.model!r}. Call fit to start anew."
            )
        if (n_raw, self.fit_intercept) != (n_raw_before, fit_intercept):
            raise ValueError(
                f"{type(self).__name__} was trained with n_outputs={n_raw_before} and "
                f"fit_intercept={fit_intercept}, and cannot go on with n_outputs={n_raw} and "
                f"fit_intercept={self.fit_intercept}. Call fit to start anew."
            )
        state = self._state.lend()
        if not (self._is_unread() or self._is_as_published(state.result, state.shape, state.units)):
            self._restart_at(state, self._published_init())
        if strategies.optimizer != self.optimizer_:
            state.rate_scale = 1.0
        if (
            not _remembers(strategies.optimizer, self.optimizer_)
            or self._average_from(strategies.optimizer) != state.average_from
            or auto != state.auto
        ):
            before = state
            state = self._new_state(strategies, n_features, n_raw, Init(), before.units)
            state.params[:] = before.result
            state.weight_sum, state.weight_count = before.weight_sum, before.weight_count
            state.seed, state.epochs = before.seed, before.epochs
            state.stream = before.stream
        # the rate that has ended a training starts none
        if self.stop_reason_ in ("tol", "no_improvement", "diverged"):
            state.rate_scale = 1.0
        return state

    def _take_units(self, state: FitState, units: Units) -> None:
        """Go over to units, from the start of a training or from what the user has set."""
        state.settle()
        state.units = units
        before = self._state
        if not self._is_as_published(before.result, before.shape, before.units):
            self.model_.place(state.params, *self._published_init(), *state.shape, units)

    def _has_parameters_of(self, model: Model) -> bool:
        """Whether the fitted model has the same parameters as one to go on with."""
        if type(model) is not type(self.model_):
            return False
        shape = self._state.shape
        return model == self.model_ or shapes_of(model, *shape) == shapes_of(self.model_, *shape)

    def _restart_at(self, state: FitState, init: Init) -> None:
        """Let a state go on from parameters that the user gave."""
        params = state.result.copy()
        self.model_.place(params, *init, *state.shape, state.units)
        state.restart(params)

    def _is_as_published(
        self, params: np.ndarray, shape: tuple[int, int, bool], units: Units | None
    ) -> bool:
        """Whether the fitted attributes are still what `_shown` made of the parameters."""
        for name, value in parts_of(self.model_, params, *shape[:2], units).items():
            found = self._dense_coef() if name == "coef_" else getattr(self, name)
            if not is_same(found, value):
                return False
        return True

    def _published_init(self) -> Init:
        """Return the fitted coefficients, as the user may have set them."""
        if self.model_.linear:
            return Init(self._dense_coef(), self.intercept_)
        names = (name for name in self._published if name != "_fitted")
        return Init({name: getattr(self, name) for name in names})

    def _continued(self, strategies: Strategies, n_features: int, n_raw: int) -> FitState | None:
        """Return the state to go on with under ``warm_start``, None for another problem."""
        if not hasattr(self, "_state") or strategies != self._fitted_strategies():
            return None
        if self._state.shape != (n_features, n_raw, self.fit_intercept):
            return None
        return self._resumed(strategies, n_features, n_raw)

    def _warm_init(self, init: Init, model: Model, shape: tuple[int, int, bool]) -> Init:
        """Return what a fit that is another than the last begins with: coefficients of that."""
        if not hasattr(self, "model_"):
            last = self._init_of_user(model)
        elif not isinstance(self.model_, type(model)):
            return init
        else:
            before, now = shapes_of(self.model_, *self._state.shape), shapes_of(model, *shape)
            if init.coef is None and before != now:
                raise ValueError(
                    "warm_start can only be used where the parameters have the same shapes as in "
                    f"the previous call to fit. Previously got {before}, now {now}. Set "
                    "warm_start=False to train anew."
                )
            last = self._published_init()
        return Init(*(old if new is None else new for old, new in zip(last, init, strict=True)))

    def _init_of_user(self, model: Model) -> Init:
        """Return the coefficients that the user has set before any fit, as far as there are any."""
        if not (model.linear and hasattr(self, "coef_")):
            return Init()
        return Init(self._dense_coef(), getattr(self, "intercept_", None))

    def _fitted_strategies(self) -> Strategies:
        return Strategies(self.loss_, self.optimizer_, self.penalty_, self.model_)

    def _used(self, axis: str) -> Any:
        """Return the strategy of the last fit; of the next, where ``coef_`` is the user's alone."""
        return getattr(self, f"{axis}_", None) or strategy_of(self, axis)


def _remembers(now: Optimizer, before: Optimizer) -> bool:
    """Whether an optimizer goes on with the memory of another, whose learning rate may differ."""
    if type(now) is not type(before):
        return False
    for name in now.get_params(deep=False):
        ours, theirs = getattr(now, name), getattr(before, name)
        inner = isinstance(ours, Optimizer) and _remembers(ours, theirs)
        if name != "learning_rate" and not inner and not same(ours, theirs):
            return False
    return True
