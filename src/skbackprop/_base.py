"""What the estimators share: parameters, validation, the outline of a fit, prediction."""

from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skbackprop._activations import ACTIVATIONS
from skbackprop._batches import Batches
from skbackprop._callbacks import CallbackSupportMixin, EpochCallbacks, each_of
from skbackprop._conditioning import Conditioning, Moments, Spread, with_late_columns
from skbackprop._curvature import largest_curvature
from skbackprop._data import (
    beyond_range,
    check_coordinates,
    check_inputs,
    check_sample_weight,
    check_total_weight,
    set_initial,
)
from skbackprop._descent import Descent, Epoch, gradient_descent
from skbackprop._held_out import ToValidate, check_scorer, hold_out, validation_of
from skbackprop._network import Layer, Network
from skbackprop._parameters import Settings, check_parameters, spawn_generators
from skbackprop._persistence import SealedStateMixin
from skbackprop._prediction import FromRaw, predict_rows
from skbackprop._problem import Data, Problem, Target, resolve_batch_size, resolve_max_iter
from skbackprop._reports import EpochPrinter, report_end
from skbackprop._schedules import SCHEDULES
from skbackprop._stopping import Plateau, Status, VanishedGradient
from skbackprop._threads import blas_threads
from skbackprop._validation import Validation


class BaseBackprop(SealedStateMixin, CallbackSupportMixin, BaseEstimator, metaclass=ABCMeta):
    """Base of the estimators.

    A fit checks parameters and data, encodes the target, builds the network and its objective,
    descends, and publishes. Until then nothing is changed but what `validate_data` sets.
    """

    _losses: Sequence[str]
    """Names of the losses on offer."""
    _problem: type[Problem] = Problem
    _spread_of_inputs = staticmethod(Spread.of)

    _first_loss: float
    _weight: float
    _spreads: list[tuple[Any, ...]]
    _searched_scale: np.ndarray
    _searched_for: tuple[Any, ...]

    @abstractmethod
    def __init__(
        self,
        hidden_layer_sizes: Any,
        activation: Any,
        *,
        loss: Any,
        loss_reduction: Any,
        conditioning: Any,
        alpha: Any,
        fit_intercept: Any,
        learning_rate: Any,
        learning_rate_schedule: Any,
        batch_size: Any,
        max_iter: Any,
        shuffle: Any,
        tol: Any,
        n_iter_no_change: Any,
        early_stopping: Any,
        validation_fraction: Any,
        scoring: Any,
        warm_start: Any,
        random_state: Any,
        verbose: Any,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.loss_reduction = loss_reduction
        self.conditioning = conditioning
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @abstractmethod
    def _check_target(self, y: Any, dtype: np.dtype) -> Any:
        """Check `y` as such, be its values what they may."""

    @abstractmethod
    def _encode_target(
        self, y: Any, dtype: np.dtype, classes: Any, *, partial: bool, known: bool
    ) -> Target:
        """Encode a checked `y`; `known` says that the fitted classes or outputs must hold."""

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")

    def _weigh(
        self, target: Target, sample_weight: np.ndarray | None, *, partial: bool
    ) -> np.ndarray | None:
        """The weights of the rows, times those that the estimator gives them."""
        return sample_weight

    def _strata(self, values: np.ndarray) -> np.ndarray | None:
        """Classes by which rows are held out in proportion."""
        return None

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        coefs_init: Any = None,
        intercepts_init: Any = None,
        to_validate: ToValidate = ToValidate(),  # noqa: B008
        classes: Any = None,
        partial: bool = False,
    ) -> Self:
        """Fit anew or go on; with `partial` for one epoch, at no schedule that has an end."""
        with _as_before_on_error(self):
            settings = check_parameters(self)
            goes_on = hasattr(self, "coefs_") and (partial or self.warm_start)
            in_stream = goes_on and partial
            metadata = None if sample_weight is None else {"sample_weight": sample_weight}
            given = {"X": X, "y": y, "metadata": metadata}
            to_validate.check(X, early_stopping=self.early_stopping, partial=partial)
            scorer = check_scorer(self, self.scoring)
            X, y = self._check_data(X, y, goes_on=goes_on, partial=partial)
            sample_weight = check_sample_weight(sample_weight, X.shape[0])
            target = self._encode_target(y, X.dtype, classes, partial=partial, known=goes_on)
            self.__dict__.update(
                target.fitted, n_outputs_=target.n_outputs, _activations=settings.activations
            )
            sample_weight = self._weigh(target, sample_weight, partial=partial)
            check_total_weight(sample_weight, X.dtype, self.loss_reduction)
            groups = to_validate.checked_groups(X.shape[0])
            rows = Data(X, y, target.values, sample_weight, groups).without_weightless()
            if not goes_on:
                weights_rng, self._rows_rng, self._curvature_rng, split_rng = spawn_generators(
                    self.random_state, 4
                )
                # Going on must not fit the rows that were held out.
                self._split_seed = int(split_rng.integers(2**31))
            held_out = None
            if to_validate.X is not None:
                held_out = self._validation_rows(to_validate, X.dtype)
            elif self.early_stopping:
                rows, held_out = hold_out(
                    rows,
                    settings.validation_fraction,
                    strata=self._strata(rows.values),
                    seed=self._split_seed,
                )
            n_rows = rows.X.shape[0]
            batch_size = resolve_batch_size(settings.batch_size, n_rows)
            max_iter = 1 if partial else resolve_max_iter(settings.max_iter, n_rows)

            past = [Spread.from_state(state) for state in self._spreads] if in_stream else []
            seen = past[0].every if past else None
            conditioning = self._condition(rows, target, settings, past)
            network = Network(
                [X.shape[1], *settings.hidden_layer_sizes, target.n_outputs],
                conditioning.activations,
                fit_intercept=self.fit_intercept,
            )
            if goes_on:
                params = self._fitted_params(network, conditioning, X.dtype, seen)
            else:
                params = network.initial_params(weights_rng, X.dtype)
            set_initial(network, params, conditioning, coefs_init, intercepts_init)
            alpha = self._alpha(settings, rows.sample_weight, n_rows, in_stream)
            problem = self._problem(
                network, target.loss, conditioning, rows, alpha, self.loss_reduction
            )

            epochs_before = self.n_iter_ if in_stream else 0
            unit = conditioning.loss_unit

            def attributes(epoch: Epoch) -> dict[str, Any]:
                running = Descent.until(epoch).in_units_of(unit)
                first = {} if goes_on else {"_first_loss": running.first_loss}
                return first | self._attributes(problem, epoch.params, running, epochs_before)

            rules = self._rules(settings, max_iter, partial)
            validation = None
            if held_out is not None:
                validation = validation_of(
                    self, scorer, problem, held_out, max_iter, rules["schedule"], attributes
                )
            callbacks = None
            if hasattr(self, "_skl_callbacks") and not partial:
                callbacks = EpochCallbacks(self, max_iter, attributes, given)
            printer = None
            if settings.verbose:
                last = None if partial else max_iter
                printer = EpochPrinter(settings.verbose, last, epochs_before, unit, validation)
            with blas_threads(batch_size, network.shapes):
                step_size, self.curvature_ = self._step_size(
                    settings, problem, params, batch_size, in_stream, partial
                )
                self.learning_rate_ = step_size
                descent = gradient_descent(
                    problem.objective(batch_size),
                    params,
                    smooth=target.loss.smooth,
                    step_size=step_size,
                    batches=Batches(n_rows, batch_size, self._rows_rng if self.shuffle else None),
                    retry=settings.learning_rate == "auto" and not partial,
                    first_epoch=epochs_before,
                    margin=_MARGIN_OF_STREAM if partial else _MARGIN_GOING_ON if goes_on else 0.0,
                    reference_loss=self._first_loss / unit if goes_on else 0.0,
                    max_iter=max_iter,
                    on_epoch=each_of(validation, printer, callbacks),
                    choose=None if validation is None else lambda: validation.best_params,
                    **rules,
                ).in_units_of(unit)
            if not goes_on:
                self._first_loss = descent.first_loss
            self.learning_rate_ = step_size * 0.5**descent.undone
            self.__dict__.update(self._attributes(problem, params, descent, epochs_before))
            self._publish_validation(validation)
            if callbacks is not None:
                callbacks.end()
        if settings.verbose and not partial:
            print(descent.status.message)
        report_end(self, descent, goes_on=goes_on, partial=partial)
        if partial and descent.status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        return self

    def _validation_rows(self, given: ToValidate, dtype: np.dtype) -> Data:
        """The validation set that was given, checked against the data."""
        try:
            X, y = self._check_data(given.X, given.y, goes_on=True, dtype=dtype)
            target = self._encode_target(y, dtype, None, partial=True, known=True)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"X_val and y_val must be as X and y are: {error}") from error
        weight = check_sample_weight(given.sample_weight, X.shape[0], "sample_weight_val")
        weight = self._weigh(target, weight, partial=False)
        check_total_weight(weight, dtype, self.loss_reduction)
        return Data(X, y, target.values, weight).without_weightless()

    def _publish_validation(self, validation: Validation | None) -> None:
        """What came of the validation; without one, nothing is left of an earlier one."""
        for name in ("validation_loss_curve_", "validation_scores_", "best_iter_"):
            self.__dict__.pop(name, None)
        if validation is not None:
            self.validation_loss_curve_ = validation.losses
            self.validation_scores_ = validation.scores
            self.best_iter_ = validation.best_epoch

    def _rules(self, settings: Settings, max_iter: int, partial: bool) -> dict[str, Any]:
        """The schedule and the rules for an early end; the end of a stream is not in view."""
        schedule = self.learning_rate_schedule
        if partial:
            kind = "constant" if schedule in ("linear", "adaptive") else schedule
            return {"schedule": SCHEDULES[kind](1)}
        rules: dict[str, Any] = {"schedule": SCHEDULES[schedule](max_iter)}
        if settings.tol is not None:
            rules["vanished"] = VanishedGradient(settings.tol)
            if not self.early_stopping:
                rules["plateau"] = Plateau(settings.tol, settings.n_iter_no_change)
        return rules

    def _check_data(
        self, X: Any, y: Any, *, goes_on: bool, partial: bool = False, dtype: Any = None
    ) -> tuple[Any, Any]:
        """Inputs in their own precision or, in a stream, in that of the weights; and the target."""
        dtype = self.coefs_[0].dtype if goes_on and partial else dtype
        X = check_inputs(self, X, dtype=dtype, reset=not goes_on)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        y = self._check_target(y, X.dtype)
        check_consistent_length(X, y)
        return X, y

    def _condition(
        self, rows: Data, target: Target, settings: Settings, past: Sequence[Spread]
    ) -> Conditioning:
        """The coordinates to descend in: those of the data and, in a stream, of those before."""
        activations = [ACTIVATIONS[name] for name in settings.activations]
        if self.conditioning is None:
            self._spreads = []
            return Conditioning.none(rows.X.shape[1], target.n_outputs, activations)
        with np.errstate(over="ignore", invalid="ignore"):
            spreads = [self._spread_of_inputs(rows.X, rows.sample_weight)]
            if target.location_scale:
                robust = target.loss.robust
                spreads.append(Spread.of(rows.values, rows.sample_weight, quartiles=robust))
            if past:
                spreads = [old.merged(new) for old, new in zip(past, spreads, strict=True)]
            self._spreads = [spread.state() for spread in spreads]
            conditioning = Conditioning.standardizing(
                *spreads,
                activations=activations,
                n_outputs=target.n_outputs,
                fit_intercept=self.fit_intercept,
                loss=target.loss,
            )
            check_coordinates(conditioning, spreads[0].every, rows.X.dtype)
        return conditioning

    def _alpha(
        self, settings: Settings, sample_weight: np.ndarray | None, n_rows: int, in_stream: bool
    ) -> float:
        """The strength of the penalty; "auto" by the weight of the data or, in a stream, so far."""
        # Weights that are counts stand for as many rows; those below 1 on average for a row each.
        weight = float(n_rows if sample_weight is None else max(sample_weight.sum(), n_rows))
        self._weight = weight + (self._weight if in_stream else 0.0)
        if settings.alpha != "auto":
            return float(settings.alpha)
        n_features = self.n_features_in_
        alpha = min(_MOST_ALPHA, _ALPHA_A_FEATURE * n_features) / self._weight
        alpha = max(alpha, _LEAST_ALPHA_A_FEATURE * n_features)
        return alpha if self.loss_reduction == "mean" else alpha * self._weight

    def _fitted_params(
        self,
        network: Network,
        conditioning: Conditioning,
        dtype: np.dtype,
        seen: Moments | None,
    ) -> np.ndarray:
        """The fitted weights as a flat vector in conditioned coordinates.

        `seen` are the moments of the inputs before this call to a stream.
        """
        shapes = [coef.shape for coef in self.coefs_]
        if shapes != network.shapes:
            raise ValueError(
                f"Going on (warm_start or partial_fit) needs layers of the fitted shapes {shapes}; "
                f"hidden_layer_sizes={self.hidden_layer_sizes!r}, loss={self.loss!r} and the data "
                f"ask for {network.shapes}. Fit with warm_start=False to start anew."
            )
        if not network.fit_intercept and any(map(np.any, self.intercepts_)):
            raise ValueError(
                "Going on (warm_start or partial_fit) with fit_intercept=False would drop the "
                "fitted intercepts. Fit with warm_start=False to start anew."
            )
        params = np.empty(network.n_params, dtype=dtype)
        fitted = list(map(Layer, self.coefs_, self.intercepts_))
        if seen is not None and self._spreads and network.fit_intercept:
            fitted[0] = with_late_columns(fitted[0], seen, conditioning.input_scale)
        conditioning.from_raw(fitted, network.layers(params))
        return params

    def _step_size(
        self,
        settings: Settings,
        problem: Problem,
        params: np.ndarray,
        batch_size: int,
        in_stream: bool,
        partial: bool,
    ) -> tuple[float, float | None]:
        """The step size and, where that is found from it, the largest curvature.

        In a stream it is looked for anew when a scale has doubled or halved, or the objective is
        another; and the step, which does not decay there, is half as long, the mean of a linear
        decay.
        """
        if settings.learning_rate != "auto":
            return float(settings.learning_rate), None
        conditioning = problem.conditioning
        scale = np.abs(np.concatenate([conditioning.input_scale, conditioning.target_scale]))
        question = (
            getattr(self, "_fitted_loss", self.loss),
            self.loss_reduction,
            settings.activations,
            settings.alpha,
            self.conditioning,
            batch_size,
        )
        if in_stream and self.curvature_ is not None and question == self._searched_for:
            ratio = scale / self._searched_scale
            if (ratio < 2.0).all() and (ratio > 0.5).all():
                return _step_by(self.curvature_, partial), self.curvature_
        self._searched_scale, self._searched_for = scale, question
        double = np.dtype(np.float64)
        objective = problem.objective(batch_size, double)
        if objective.loss.robust:
            spread = Spread.of(objective.y, objective.sample_weight, quartiles=True)
            objective.loss = objective.loss.smoothed(spread.deviation().min())
        curvature = largest_curvature(objective, params.astype(double), self._curvature_rng)
        return _step_by(curvature, partial), curvature

    def _attributes(
        self, problem: Problem, params: np.ndarray, descent: Descent, n_iter_before: int
    ) -> dict[str, Any]:
        """The fitted attributes."""
        conditioning = problem.conditioning
        with np.errstate(over="ignore", invalid="ignore"):
            layers = conditioning.to_raw(problem.network.layers(params), params.dtype)
        if not all(
            np.isfinite(part).all() for layer in layers for part in layer if part is not None
        ):
            raise beyond_range(conditioning, params.dtype)
        return {
            "coefs_": [coef for coef, _ in layers],
            "intercepts_": [intercept for _, intercept in layers],
            "input_shift_": conditioning.input_shift,
            "input_scale_": conditioning.input_scale,
            "target_shift_": conditioning.target_shift,
            "target_scale_": conditioning.target_scale,
            "hidden_shift_": conditioning.hidden_shift,
            "hidden_scale_": conditioning.hidden_scale,
            "loss_": descent.loss,
            "loss_curve_": descent.loss_curve,
            "n_iter_": n_iter_before + len(descent.loss_curve) + descent.undone,
            "n_layers_": len(layers) + 1,
            "out_activation_": problem.loss.output_activation,
            "status_": descent.status.value,
        }

    def _predict_rows(self, X: Any, from_raw: FromRaw) -> np.ndarray:
        """Go forward and apply ``from_raw(raw_prediction, scratch)``, chunk by chunk."""
        check_is_fitted(self)
        X = check_inputs(self, X, reset=False)
        return predict_rows(
            X, self.coefs_, self.intercepts_, self._activations, self.input_shift_, from_raw
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@contextmanager
def _as_before_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Leave an estimator as it was if a fit fails: `validate_data` sets attributes early."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        # What scikit-learn needs to tell callbacks of the end.
        kept = {name: v for name, v in vars(estimator).items() if "callback" in name}
        estimator.__dict__.clear()
        estimator.__dict__.update(before, **kept)
        raise


# Fractions of the first loss ever by which batches may move the loss up near a minimum.
_MARGIN_OF_STREAM, _MARGIN_GOING_ON = 1.0, 0.05
# The step size times the largest curvature. At 1 the steepest direction arrives at once, at 2 it
# no longer converges.
_STEP_TIMES_CURVATURE = 1.5
# alpha="auto": so much a feature and at most so much, over the weight of the data; and at least so
# much a feature. A weight decays by it whatever the slope of the loss, which of few features is
# small where they bend (two half moons); of many, the weights are to be short (Neal, 1996).
_ALPHA_A_FEATURE, _MOST_ALPHA, _LEAST_ALPHA_A_FEATURE = 0.03, 0.3, 2.5e-7


def _step_by(curvature: float, partial: bool) -> float:
    """The step that suits a curvature; any will do where the objective is flat."""
    step_size = _STEP_TIMES_CURVATURE / curvature if 0.0 < curvature < np.inf else 1.0
    return 0.5 * step_size if partial else step_size
