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
from skbackprop._callbacks import (
    CallbackSupportMixin,
    EpochCallbacks,
    each_of,
    is_of_callbacks,
)
from skbackprop._conditioning import Spread
from skbackprop._continuation import Continuation
from skbackprop._data import (
    beyond_range,
    check_inputs,
    check_sample_weight,
    check_total_weight,
    named_as,
    set_initial,
    warn_of_another_scale,
)
from skbackprop._descent import Descent, Epoch, gradient_descent
from skbackprop._held_out import ToValidate, check_groups, hold_out, validation_of
from skbackprop._network import Network
from skbackprop._parameters import Settings, check_layer, check_parameters, spawn_generators
from skbackprop._persistence import SealedStateMixin
from skbackprop._prediction import FromRaw, predict_rows
from skbackprop._problem import (
    Data,
    Mode,
    Problem,
    Target,
    resolve_batch_size,
    resolve_max_iter,
)
from skbackprop._reports import EpochPrinter, report_end, report_out_of_reach
from skbackprop._schedules import SCHEDULES
from skbackprop._stopping import Plateau, Status, VanishedGradient
from skbackprop._threads import blas_threads
from skbackprop._validation import Validation


class BaseBackprop(
    Continuation, SealedStateMixin, CallbackSupportMixin, BaseEstimator, metaclass=ABCMeta
):
    """Base of the estimators.

    A fit checks parameters and data, encodes the target, builds the network and its objective,
    descends, and publishes. Until then nothing is changed but what `validate_data` sets.
    """

    # Without a link scikit-learn's HTML leaves out what the docstring says of each parameter.
    _doc_link_module = "skbackprop"
    _doc_link_template = "#{estimator_module}.{estimator_name}"

    _losses: Sequence[str]
    """Names of the losses on offer."""
    _check_inputs = check_inputs
    _problem: type[Problem] = Problem

    @abstractmethod
    def __init__(
        self,
        hidden_layer_sizes: Any,
        activation: Any,
        *,
        loss: Any,
        n_hidden_layers: Any,
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
        self.n_hidden_layers = n_hidden_layers
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
    def _check_target(self, y: Any, dtype: np.dtype, *, whole: bool) -> Any:
        """Check `y` as such, be its values what they may; `whole` says that no more will come."""

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
        # What underflows is zero, also where the user's numpy.seterr would raise.
        with _as_before_on_error(self), np.errstate(under="ignore"):
            settings = check_parameters(self)
            mode = Mode(hasattr(self, "coefs_") and (partial or self.warm_start), partial)
            metadata = None if sample_weight is None else {"sample_weight": sample_weight}
            given = {"X": X, "y": y, "metadata": metadata}
            to_validate.check(X, early_stopping=self.early_stopping, partial=partial)
            data, target = self._prepare(
                settings, mode, X, y, sample_weight, to_validate.groups, classes
            )
            weights_rng = None if mode.goes_on else self._seed(settings)
            data, held_out = self._hold_out(settings, data, X, to_validate)
            problem, params = self._pose(settings, mode, data, target, weights_rng)
            set_initial(problem.network, params, problem.conditioning, coefs_init, intercepts_init)
            descent = self._descend(settings, mode, problem, params, held_out, given)
        if settings.verbose and not partial:
            print(descent.status.message)
        report_end(self, descent, goes_on=mode.goes_on, partial=partial)
        if partial and descent.status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        return self

    def _prepare(
        self,
        settings: Settings,
        mode: Mode,
        X: Any,
        y: Any,
        sample_weight: Any,
        groups: Any,
        classes: Any,
    ) -> tuple[Data, Target]:
        """Check and encode the rows; those of weight zero are left out."""
        goes_on, partial = mode
        X, y = self._check_data(X, y, goes_on=goes_on, partial=partial)
        sample_weight = check_sample_weight(sample_weight, X.shape[0])
        target = self._encode_target(y, X.dtype, classes, partial=partial, known=goes_on)
        self.__dict__.update(
            target.fitted, n_outputs_=target.n_outputs, _activations=settings.activations
        )
        sample_weight = self._weigh(target, sample_weight, partial=partial)
        check_total_weight(sample_weight, X.dtype, self.loss_reduction)
        groups = check_groups(groups, X.shape[0])
        data = Data(X, y, target.values, sample_weight, groups)
        return data.without_weightless(), target

    def _seed(self, settings: Settings) -> np.random.Generator:
        """Generators of the fits to come, and of the weights to begin with."""
        weights_rng, self._rows_rng, self._curvature_rng, split_rng = spawn_generators(
            settings.random_state, 4
        )
        # Going on must not fit the rows that were held out.
        self._split_seed = int(split_rng.integers(2**31))
        return weights_rng

    def _hold_out(
        self, settings: Settings, data: Data, X: Any, to_validate: ToValidate
    ) -> tuple[Data, Data | None]:
        """Rows to fit, and rows to validate on."""
        if to_validate.X is not None:
            return data, self._validation_rows(X, data, to_validate)
        if not self.early_stopping:
            return data, None
        strata = self._strata(data.values)
        return hold_out(data, settings.validation_fraction, strata=strata, seed=self._split_seed)

    def _pose(
        self,
        settings: Settings,
        mode: Mode,
        data: Data,
        target: Target,
        weights_rng: np.random.Generator | None,
    ) -> tuple[Problem, np.ndarray]:
        """What is to be minimised, and the parameters to start from."""
        past = [Spread.from_state(state) for state in self._spreads] if mode.in_stream else []
        conditioning = self._condition(data, target, settings, past)
        network = Network(
            [data.X.shape[1], *settings.hidden_layer_sizes, target.n_outputs],
            conditioning.activations,
            fit_intercept=self.fit_intercept,
        )
        if weights_rng is not None:
            if target.is_numeric:
                report_out_of_reach(self, target.loss, data)
            start = self._start(target.loss, conditioning)
            params = network.initial_params(weights_rng, data.X.dtype, start)
        else:
            seen = past[0].every if past else None
            params = self._fitted_params(network, conditioning, data.X.dtype, seen)
        n_rows = data.X.shape[0]
        alpha = self._alpha(settings, target.loss, data.sample_weight, n_rows, mode.in_stream)
        loss = target.loss.scaled(conditioning.target_scale)
        problem = self._problem(network, loss, conditioning, data, alpha, self.loss_reduction)
        return problem, params

    @np.errstate(over="ignore", invalid="ignore")
    def _descend(
        self,
        settings: Settings,
        mode: Mode,
        problem: Problem,
        params: np.ndarray,
        held_out: Data | None,
        given: dict[str, Any],
    ) -> Descent:
        """Find the step, descend, and publish what came of it."""
        goes_on, partial = mode
        n_rows = problem.rows.X.shape[0]
        batch_size = resolve_batch_size(settings.batch_size, n_rows)
        max_iter = 1 if partial else resolve_max_iter(settings.max_iter, n_rows)
        epochs_before = self.n_iter_ if mode.in_stream else 0
        unit = problem.conditioning.loss_unit
        rules = self._rules(settings, max_iter, partial)

        def attributes(epoch: Epoch) -> dict[str, Any]:
            running = Descent.until(epoch).in_units_of(unit)
            first = {} if goes_on else {"_first_loss": running.first_loss}
            return first | self._attributes(problem, epoch.params, running, epochs_before)

        validation = callbacks = printer = None
        if held_out is not None:
            validation = validation_of(
                self, settings.scorer, problem, held_out, max_iter, rules["schedule"], attributes
            )
        if hasattr(self, "_skl_callbacks") and not partial:
            callbacks = EpochCallbacks(self, max_iter, attributes, given)
        if settings.verbose:
            last = None if partial else max_iter
            printer = EpochPrinter(settings.verbose, last, epochs_before, unit, validation)
        with blas_threads(batch_size, problem.network.shapes):
            step_size, self.curvature_ = self._step_size(
                settings, mode, problem, params, batch_size
            )
            self.learning_rate_ = step_size
            if validation is not None and goes_on:
                validation.start_from(params)
            descent = gradient_descent(
                problem.objective(batch_size),
                params,
                smooth=problem.loss.smooth,
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
        if validation is not None and descent.status not in (Status.DIVERGED, Status.INTERRUPTED):
            validation.check_measured()
        if not goes_on:
            self._first_loss = descent.first_loss
        self.learning_rate_ = step_size * 0.5**descent.undone
        self.__dict__.update(self._attributes(problem, params, descent, epochs_before))
        self._publish_validation(validation)
        if callbacks is not None:
            callbacks.end()
        return descent

    def _validation_rows(self, X: Any, data: Data, given: ToValidate) -> Data:
        """The validation set that was given, checked against the data."""
        model, dtype = named_as(self, X, given.X), data.X.dtype
        try:
            X, y = model._check_data(given.X, given.y, goes_on=True, dtype=dtype)
            target = self._encode_target(y, dtype, None, partial=True, known=True)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(
                f"X_val and y_val must be as X and y are: {error} "
                "A pipeline transforms X_val only if its transform_input names it."
            ) from error
        weight = check_sample_weight(given.sample_weight, X.shape[0], "sample_weight_val")
        weight = self._weigh(target, weight, partial=False)
        check_total_weight(weight, dtype, self.loss_reduction)
        rows = Data(X, y, target.values, weight).without_weightless()
        if target.is_numeric:
            warn_of_another_scale(data.values, rows.values)
        return rows

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
        X = self._check_inputs(X, dtype=dtype, reset=not goes_on)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        y = self._check_target(y, X.dtype, whole=not (goes_on or partial))
        check_consistent_length(X, y)
        return X, y

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
            raise beyond_range(conditioning, params.dtype, params)
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
            "step_sizes_": descent.step_sizes,
            "n_iter_": n_iter_before + len(descent.loss_curve) + descent.undone,
            "n_layers_": len(layers) + 1,
            "out_activation_": problem.loss.output_activation,
            "status_": descent.status.value,
        }

    def hidden_activations(self, X: Any, layer: int = -1) -> np.ndarray:
        """Return the activations of a hidden layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        layer : int, default=-1
            Number of the hidden layer from 0; negative ones count from the last.

        Returns
        -------
        activations : ndarray of shape (n_samples, n_units)
            Activations of the units of the layer.

        Raises
        ------
        TypeError, ValueError
            If `layer` is none of the hidden layers; if `X` is not of numbers and columns as those
            of `fit` were, or so far beyond them that a result leaves the range of floats.
        """
        check_is_fitted(self)
        number = check_layer(layer, len(self._activations))
        activation = ACTIVATIONS[self._activations[number]]

        def from_raw(raw_prediction: np.ndarray, scratch: np.ndarray) -> np.ndarray:
            activation.apply(raw_prediction, scratch)
            return raw_prediction

        return self._predict_rows(X, from_raw, number + 1)

    def _predict_rows(
        self, X: Any, from_raw: FromRaw, n_layers: int | None = None, *, check_raw: bool = False
    ) -> np.ndarray:
        """Go forward, through all layers or the first so many, and apply `from_raw` to chunks."""
        check_is_fitted(self)
        n_layers = len(self.coefs_) if n_layers is None else n_layers
        return predict_rows(
            check_inputs(self, X, reset=False),
            self.coefs_[:n_layers],
            self.intercepts_[:n_layers],
            self._activations[: n_layers - 1],
            self.input_shift_,
            from_raw,
            check_raw=check_raw,
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@contextmanager
def _as_before_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Leave an estimator as it was if a fit fails: `validate_data` sets attributes early."""
    before = dict(vars(estimator))
    generators = [v.bit_generator for v in before.values() if isinstance(v, np.random.Generator)]
    states = [generator.state for generator in generators]
    try:
        yield
    except BaseException:
        for generator, state in zip(generators, states, strict=True):
            generator.state = state
        # What scikit-learn needs to tell callbacks of the end.
        kept = {name: v for name, v in vars(estimator).items() if is_of_callbacks(name)}
        estimator.__dict__.clear()
        estimator.__dict__.update(before, **kept)
        raise


# Fractions of the first loss ever by which batches may move the loss up near a minimum.
_MARGIN_OF_STREAM, _MARGIN_GOING_ON = 1.0, 0.05
