"""What both estimators share: resolve the strategies, compose the problem, train, go on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight

from .._kernels.models.linear import LinearKernel
from .._kernels.objective import predict_raw
from .._kernels.rows import make_rows
from .._strategy import Parameters
from ..costs import row_entries
from ..losses import Loss
from ..models.base import rows_of
from ..objective import Block, Problem, Targets
from ..optimizers import Auto
from ..sampling import Rows
from ..schedules import SCHEDULES, Schedule
from ..training import (
    FitState,
    FullBatchDriver,
    Kept,
    Report,
    StepDriver,
    Stopping,
    TrainingLoop,
    VarianceReducedDriver,
    after_fit,
    begin_in_new_units,
    distinct,
    fit_weights,
    has_few_features,
    lagging,
    size_of_gradients,
    sort_rows,
    undone,
)
from ..units import units_of
from .axes import PASSIVE_AGGRESSIVE, Strategies, StrategyParams, strategies_of, strategy_of
from .continuing import Continues
from .data import Init, ValidationData, check_X, check_X_y, mend, used_rows
from .fitted import FittedAttributes, as_type
from .hooks import KEPT, Hooks
from .validation import make_validation, split_rows


class BaseGD(
    Continues, FittedAttributes, StrategyParams, Parameters, CallbackSupportMixin, BaseEstimator
):
    """Base of `GDRegressor` and `GDClassifier`.

    A subclass says which losses it trains (`_can_train`), how it codes targets
    (`_encode`) and weights (`_class_weights`), and what `optimizer="sgd"` defaults to.
    """

    _parameter_constraints: dict = {
        # the axes: `strategies_of` checks them, with better words
        "loss": "no_validation",
        "optimizer": "no_validation",
        "model": "no_validation",
        "penalty": "no_validation",
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "average": ["boolean", Interval(Integral, 0, None, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [
            StrOptions({*SCHEDULES, *PASSIVE_AGGRESSIVE}),
            Interval(Real, 0, None, closed="left"),
            Schedule,
            callable,
            None,
        ],
        "eta0": [Interval(Real, 0, None, closed="neither"), None],
        "power_t": [Interval(Real, None, None, closed="neither"), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), "cv_object"],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "scoring": [str, callable, None],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }
    _sgd_defaults: dict[str, Any] = {}

    # -- what subclasses define ------------------------------------------------------------

    @staticmethod
    def _can_train(loss: type[Loss]) -> bool:
        raise NotImplementedError

    def _encode(self, y: np.ndarray, loss: Loss) -> Targets:
        raise NotImplementedError

    def _learn_targets(self, y: np.ndarray, strategies: Strategies) -> None:
        """Set what the targets of a first call determine, such as ``classes_``."""

    def _most_probable(self, y: Any) -> Any:
        """Return the targets that a scorer compares predictions with."""
        return y

    def _class_weights(
        self, y: np.ndarray, weights: np.ndarray | None, *, learn: bool = True
    ) -> np.ndarray | None:
        return weights

    # -- fitting ---------------------------------------------------------------------------

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Leave the estimator as it was where fitting fails."""
        before = self.__dict__.copy()
        try:
            yield
        except BaseException:
            before |= {name: self.__dict__[name] for name in KEPT if name in self.__dict__}
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _fit(self, X: Any, y: Any, sample_weight: Any, init: Init, given: ValidationData) -> None:
        """Validate and train: anew, or from the last fit's end, or from a checkpoint."""
        hooks = Hooks(self, X, y, sample_weight) if hasattr(self, "_skl_callbacks") else None
        strategies = strategies_of(self)
        X, y = check_X_y(self, X, y, reset=True)
        self._learn_targets(y, strategies)
        targets = self._encode(y, strategies.loss)
        weights = self._weights(y, X, sample_weight)
        paused = self.__dict__.pop("_to_resume", None)
        split = split_rows(self, y, weights, given) if paused is None else paused.split
        strategies = self._choose(strategies, X, targets, incremental=False)
        if paused is None:
            state = self._first_state(strategies, X, targets, weights, split, init)
        else:
            state = self._paused_state(paused, strategies, X, targets.n_raw, init)
        state.weight_sum = state.weight_count = 0.0
        block = self._block(X, targets, weights, split.train, strategies, state)
        problem = self._problem(block, split.train, strategies)
        validation = make_validation(self, problem, split, given, X, y)
        stopping = Stopping(self.max_iter, self.tol, self.n_iter_no_change, self.early_stopping)
        loop = self._loop(problem, strategies, state, stopping, validation, hooks)
        if paused is not None:
            loop.resume(paused.progress)
        if hooks is not None:
            hooks.publish = lambda seen: seen._publish_paused(strategies, loop, split)
        report = loop.run()
        state.stream = after_fit(problem, strategies, state.result)
        self._publish(strategies, state, report, X.dtype)
        self.optimality_ = loop.optimality()
        if hooks is not None:
            hooks.end()

    def _partial_fit(self, X: Any, y: np.ndarray, sample_weight: Any, *, first: bool) -> None:
        """Make one pass over validated rows, going on from what is there."""
        strategies = strategies_of(self)
        targets = self._encode(y, strategies.loss)
        weights = self._weights(y, X, sample_weight, allow_all_zero=True)
        auto = isinstance(strategies.optimizer, Auto)
        strategies = self._choose(strategies, X, targets, incremental=True)
        rows = None if weights is None else used_rows(weights)
        state = self._stream_state(strategies, X, targets, weights, rows, first=first, auto=auto)
        report, loop = Report(), None
        call = Rows(X, targets.y, weights)
        kept = sort_rows(call, rows, state) if auto else Kept(call, rows)
        if kept.n_left_out and self.verbose:
            rows_far = f"{kept.n_left_out} rows of {X.shape[0]}, whose features are far larger"
            print(f"{type(self).__name__} leaves out {rows_far} than any before.")
        if kept.are_none and not first:
            self._state.stream = replace(self._state.stream, doubt=kept.doubt)
            return
        if not kept.are_none:
            linear = strategies.model.linear
            if kept.rows is not call:
                X, y, weights = kept.rows
                targets = replace(targets, y=y)
            if auto and not linear:
                self._follow_sizes(strategies, targets, kept, state)
            block = self._block(X, targets, weights, kept.order, strategies, state)
            if auto and linear:
                problem = self._stream_problem(strategies, block, kept, state)
            else:
                problem = self._problem(block, kept.order, strategies)
            state.auto = auto
            once = Stopping(1, None, in_stream=True)
            loop = self._loop(problem, strategies, state, once, None)
        with undone(state.trial):
            if loop is not None:
                report = loop.run()
                state.move_origin(problem.block.centre, back=True)
            before = getattr(self, "_histories", ())
            self._publish(strategies, state, report, X.dtype, before=before, unread=not first)
            self.__dict__.pop("optimality_", None)  # that of other parameters

    def _follow_sizes(
        self, strategies: Strategies, targets: Targets, kept: Kept, state: FitState
    ) -> None:
        """Let a stream of a model that is not linear know its features, in new units if need be."""
        X, _, weights = kept.rows
        state.stream = state.stream.with_sizes(X, kept.order, kept.doubt)
        if kept.change == "new units" and strategies.model.standardize:
            units = units_of(strategies, X, targets, weights, None, self.fit_intercept)
            self._take_units(state, units)

    def _stream_problem(
        self,
        strategies: Strategies,
        block: Block,
        kept: Kept,
        state: FitState,
    ) -> Problem:
        """Return the problem in the features that the automatic rule of streams sees.

        The state then is in these, too, with all that the rule does not learn from its steps.
        """
        rows, n_before = kept.order, state.weight_count
        if kept.doubt is not state.stream.doubt:
            state.stream = replace(state.stream, doubt=kept.doubt)
        if kept.change is not None:
            problem = self._problem(block, rows, strategies)
            if kept.change == "grown":
                fit_weights(problem, state)
            else:
                n_before = begin_in_new_units(problem, strategies, state)
        follows_fit = state.t == 0 and state.stream.reach is not None
        begins = not state.stream.begun
        state.stream = stream = state.stream.with_rows(block, strategies, rows)
        state.rate_scale = stream.rate_scale(state.weight_count)
        state.move_origin(stream.centre)
        problem = self._problem(block._replace(centre=stream.centre), rows, strategies)
        if begins and not block.targets.joint and not state.params.any():
            # classes that the first rows lack may well come
            state.settle()
            state.params[:] = problem.constant_start(state.params, largest=1.0)
        elif follows_fit:  # it would be forgotten
            state.settle()
            reach = np.ones((2, state.params.size))
            reach[:, : problem.n_weights] = np.tile(stream.reach, problem.n_raw)
            size = size_of_gradients(strategies.loss, block.targets, stream.spread)
            batch_size = self._batch_size(problem, strategies.optimizer)
            strategies.optimizer.take_over(state.slots, *reach, size, n_before, batch_size)
        return problem

    def _weights(
        self, y: np.ndarray, X: Any, sample_weight: Any, allow_all_zero: bool = False
    ) -> np.ndarray | None:
        """Return the weight of each row, class weights included; None where all are one."""
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight,
                X,
                dtype=np.float64,
                ensure_non_negative=True,
                allow_all_zero_weights=allow_all_zero,
            )
        weights = self._class_weights(y, sample_weight)
        if weights is not None and not (weights.any() or allow_all_zero):
            raise ValueError(
                "Sample weights must contain at least one non-zero number. Here all are zero once "
                f"multiplied by class_weight={getattr(self, 'class_weight', None)}."
            )
        return weights

    def _block(
        self,
        X: Any,
        targets: Targets,
        weights: np.ndarray | None,
        rows: np.ndarray | None,
        strategies: Strategies,
        state: FitState,
    ) -> Block:
        """Return rows and loss, with weights as multiples of their mean over the training rows.

        The mean is over those of all calls that the state knows of, so that weights mean the same
        in each.
        """
        if X.shape[0] >= 2**32:
            raise ValueError(f"fit takes fewer than 2**32 rows, got {X.shape[0]}; use partial_fit.")
        used = slice(None) if rows is None else rows
        n_rows = X.shape[0] if rows is None else len(rows)
        with np.errstate(over="ignore"):
            state.weight_sum += n_rows if weights is None else float(weights[used].sum())
        state.weight_count += n_rows
        mean = state.weight_sum / state.weight_count
        if not math.isfinite(mean):
            raise ValueError(
                "The sum of sample_weight is not finite. Only their ratios matter: divide them by "
                "the largest."
            )
        if weights is not None or mean != 1.0:
            weights = np.full(X.shape[0], 1.0) if weights is None else weights
            # up to rounding of the mean: all ones are the same as no weights, to the last bit
            same = np.all(np.abs(weights[used] - mean) <= 1e-12 * mean)
            weights = None if same else weights / mean
        return Block(
            X,
            targets,
            weights,
            strategies.loss,
            strategies.model,
            self.fit_intercept,
            state.units,
        )

    def _problem(self, block: Block, rows: np.ndarray | None, strategies: Strategies) -> Problem:
        """Return the objective over given rows, None for all."""
        return Problem(block, strategies.penalty, rows, effective_n_jobs(self.n_jobs), self.tol)

    def _choose(
        self, strategies: Strategies, X: Any, targets: Targets, *, incremental: bool
    ) -> Strategies:
        """Let an optimizer that chooses by the problem choose, and a model by the optimizer."""
        before = strategies.optimizer
        optimizer = before.choose(
            strategies.loss,
            strategies.penalty,
            model=strategies.model,
            X=X,
            targets=targets,
            incremental=incremental,
            fit_intercept=self.fit_intercept,
        )
        model = strategies.model.choose(auto=isinstance(before, Auto))
        return strategies._replace(optimizer=optimizer, model=model)

    def _loop(self, problem, strategies, state, stopping, validation, hooks=None) -> TrainingLoop:
        optimizer = strategies.optimizer
        if stopping.in_stream and not (optimizer.full_batch or optimizer.variance_reduced):
            state.trial = lagging(state, problem, optimizer)
        else:
            state.settle()
        if optimizer.full_batch:
            driver = FullBatchDriver(problem, optimizer, state)
        else:
            batch_size = self._batch_size(problem, optimizer)
            family = VarianceReducedDriver if optimizer.variance_reduced else StepDriver
            driver = family(problem, optimizer, state, batch_size=batch_size, shuffle=self.shuffle)
        return TrainingLoop(
            driver,
            stopping,
            validation=validation,
            hooks=hooks,
            verbose=self.verbose,
            name=type(self).__name__,
            chosen=isinstance(strategy_of(self, "optimizer"), Auto),
        )

    def _batch_size(self, problem: Problem, optimizer: Any) -> int:
        """Return the number of rows of a step."""
        batch_size, model = self.batch_size, problem.block.model
        if batch_size == "auto":
            X = problem.block.X
            own, shape = model.auto_batch_size(problem.n_rows), (problem.n_rows, X.shape[1])
            batch_size = own or optimizer.auto_batch_size(*shape, row_entries(X))
        batch_size = min(batch_size, problem.n_rows)
        if batch_size < model.least_batch:
            raise ValueError(
                f"{model!r} needs batches of at least {model.least_batch} rows in training. "
                f"Got batch_size={self.batch_size!r} and n_samples={problem.n_rows}."
            )
        return batch_size

    # -- predicting --------------------------------------------------------------------------

    def _raw(self, X: Any) -> np.ndarray:
        """Return raw predictions, shape (n, n_raw)."""
        X = check_X(self, X)
        if not self._used("model").linear:
            return self._raw_of_model(X)
        if has_few_features(X) and X.nnz and self._is_unread():
            X, coef, intercept = self._few_features(mend(X))
        else:
            coef = self.coef_ if sp.issparse(self.coef_) else np.atleast_2d(self.coef_)
            intercept = self.intercept_
        if coef.shape[1] != X.shape[1]:  # the user has set others, and kernels do not look
            raise ValueError(
                f"X has {X.shape[1]} features, but coef_ has shape {np.shape(self.coef_)}."
            )
        if sp.issparse(coef):
            raw = X @ coef.T
            return (raw.toarray() if sp.issparse(raw) else raw) + intercept
        if sp.issparse(X) and coef.dtype == np.float64:
            # scipy would copy the transposed coefficients at each call
            kernel = LinearKernel(coef.shape[1], coef.shape[0], False)
            raw = predict_raw(make_rows(mend(X)), kernel, np.ascontiguousarray(coef).ravel())
        else:
            raw = X @ coef.T
        return raw + intercept

    def _few_features(self, X: Any) -> tuple[sp.csr_array, np.ndarray, np.ndarray]:
        """Return rows with the features that they have alone, their weights and the intercept."""
        features = distinct(X.indices.astype(np.int32, copy=False))
        coef, intercept = self._state.weights_at(features)
        at = np.searchsorted(features, X.indices)
        X = sp.csr_array((X.data, at, X.indptr), (X.shape[0], features.size))
        return X, as_type(coef, self._dtype), as_type(intercept, self._dtype)

    def _raw_of_model(self, X: Any) -> np.ndarray:
        # From the parameters themselves: attributes of another type or unit are not as exact.
        params, shape, units = self._fitted
        if not self._is_as_published(params, shape, units):
            params = params.copy()
            self.model_.place(params, *self._published_init(), *shape, units)
        rows = rows_of(self.model_, mend(X))
        raw = predict_raw(rows, self.model_.compose(*shape, units), params)
        return raw if raw.dtype == X.dtype else as_type(raw, X.dtype)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
