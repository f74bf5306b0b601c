"""What the estimators share: parameters, validation, the outline of a fit, prediction."""

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.descent import Plan, gradient_descent
from skbackprop._core.network import Layer
from skbackprop._core.prediction import FromRaw, predict_rows
from skbackprop._core.problem import Data, Target, TargetForm
from skbackprop._core.rules import Status
from skbackprop._core.start import zero_unvaried
from skbackprop._core.tails import Tails
from skbackprop._estimators.build_problem import (
    BuiltProblem,
    build_problem,
    first_params,
    rows_a_batch,
    set_initial,
    with_scales,
)
from skbackprop._estimators.callbacks import (
    CallbackSupportMixin,
    EpochCallbacks,
    is_of_callbacks,
    with_callbacks,
)
from skbackprop._estimators.check_data import (
    GivenRows,
    check_inputs,
    check_same_length,
    check_sample_weight,
    named_as,
    warn_of_another_scale,
)
from skbackprop._estimators.check_parameters import Settings, check_layer, check_parameters
from skbackprop._estimators.class_weight import weights_of_rows
from skbackprop._estimators.fitted_attributes import FittedAttributes
from skbackprop._estimators.in_memory import InMemory
from skbackprop._estimators.past import Fitted, Past, Streams, spawn_streams
from skbackprop._estimators.persistence import SealedStateMixin
from skbackprop._estimators.plan import plan_descent, search_step
from skbackprop._estimators.recorder import recorded
from skbackprop._estimators.reports import (
    DescribedHtmlMixin,
    EpochPrinter,
    report_end,
    report_out_of_reach,
)
from skbackprop._estimators.threads import blas_threads
from skbackprop._estimators.validation import (
    VALIDATION_ATTRIBUTES,
    Score,
    ToValidate,
    Validation,
    check_groups,
    early_stop,
    hold_out,
)
from skbackprop._estimators.watchers import Watchers


class Begun(NamedTuple):
    """A fit before its first step."""

    built: BuiltProblem
    target: Target
    held_out: Data | None
    params: np.ndarray
    """Those of the network."""
    streams: Streams


class BaseBackprop(
    SealedStateMixin,
    CallbackSupportMixin,
    DescribedHtmlMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Base of the estimators.

    A fit checks parameters and data, encodes the target, holds rows out, conditions the data,
    builds the network, chooses step and penalty, descends, and publishes. Until then it changes
    nothing but what `validate_data` sets.
    """

    # Groups are for splitters in the first place: `fit` must ask for them.
    __metadata_request__fit: ClassVar = {"groups": False}

    hidden_layer_sizes: int | Sequence[int] | np.ndarray
    activation: str | Sequence[str]
    n_hidden_layers: int | None
    loss: str
    loss_reduction: Literal["mean", "sum"]
    conditioning: Literal["standardize"] | None
    alpha: float | Literal["auto"]
    feature_penalty: float | Literal["auto"]
    fit_intercept: bool
    learning_rate: float | Literal["auto"]
    learning_rate_schedule: Literal["linear", "constant", "invscaling", "adaptive"]
    batch_size: int | Literal["auto", "full"]
    max_iter: int | Literal["auto"]
    shuffle: bool
    tol: float | None
    n_iter_no_change: int
    early_stopping: bool
    validation_fraction: float
    scoring: str | Callable[..., float]
    warm_start: bool
    random_state: int | np.random.RandomState | None
    verbose: int

    _losses: Sequence[str]
    """Names of the losses on offer."""
    _form: dict[str, Any]
    """What prediction needs beyond the weights: loss, activations, form of the target."""
    _past: dict[str, Any]
    """What a later fit takes over."""

    @abstractmethod
    def _check_target(self, y: Any, dtype: np.dtype, *, whole: bool) -> Any:
        """Check the type and shape of `y`; `whole` says that no more rows will come."""

    @abstractmethod
    def _encode_target(
        self, y: Any, dtype: np.dtype, classes: Any, *, partial: bool, known: TargetForm | None
    ) -> Target:
        """Encode a checked `y`, which must have the form that is `known`."""

    @property
    def _storage(self) -> InMemory:
        """Where the rows of a fit are, and how they are evaluated there."""
        return InMemory()

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")

    def _class_weights(
        self, target: Target, sample_weight: np.ndarray | None, *, partial: bool
    ) -> list[np.ndarray] | None:
        """For each label, the weights that the estimator gives its classes."""
        return None

    def _strata(self, target: Target, values: np.ndarray) -> np.ndarray | None:
        """Classes by which rows are held out in proportion."""
        return None

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        coefs_init: Sequence[Any] | None = None,
        intercepts_init: Sequence[Any] | None = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Self:
        """Fit the network to data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. float32 and float64 set the precision of the model. Other types become float64.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            For regression numbers, not negative under "poisson". For classification labels. For
            multilabel a dense or sparse matrix of zeros and ones.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, none negative. See :ref:`sample_weights`.
        coefs_init : sequence of array-like, default=None
            Initial weights, shaped as `coefs_`, instead of random ones. Columns with long tails
            are tamed before.
        intercepts_init : sequence of array-like, default=None
            Initial intercepts, shaped as `intercepts_`, instead of random or typical ones.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Inputs to validate on. See :ref:`validation` for pipelines and searches.
        y_val : array-like of shape (n_val,) or as `y`, default=None
            Targets to validate on, required with `X_val`.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the rows to validate on.
        groups : array-like of shape (n_samples,), default=None
            Groups of rows that `early_stopping` keeps together. See :ref:`validation`.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            If a parameter or the data are not accepted. The estimator does not change then.

        Warns
        -----
        DivergenceWarning
            If the loss was not finite, or was higher at the end than at the start.
        ConvergenceWarning
            If the fit was interrupted, did not converge or did not lower the loss. See
            :ref:`status`.
        """
        return self._fit(
            GivenRows(X, y, sample_weight, groups),
            ToValidate(X_val, y_val, sample_weight_val),
            coefs_init=coefs_init,
            intercepts_init=intercepts_init,
        )

    def _fit(
        self,
        given: GivenRows,
        to_validate: ToValidate = ToValidate(),  # noqa: B008
        *,
        coefs_init: Any = None,
        intercepts_init: Any = None,
        partial: bool = False,
    ) -> Self:
        """Fit anew or go on; with `partial` for one epoch, at no schedule that has an end."""
        # What underflows is zero, also where the user's numpy.seterr would raise.
        with unchanged_on_error(self), np.errstate(under="ignore"):
            settings = check_parameters(self)
            to_validate.check(given, early_stopping=self.early_stopping, partial=partial)
            goes_on = hasattr(self, "coefs_") and (partial or self.warm_start)
            fitted = self._fitted() if goes_on else None
            stream = fitted if partial else None
            begun = self._begin(
                settings, given, to_validate, fitted, (coefs_init, intercepts_init), partial=partial
            )
            built, target, streams = begun.built, begun.target, begun.streams
            if fitted is None:
                report_out_of_reach(self, target, built.problem.data)
            params = with_scales(built, begun.params, goes_on=goes_on)
            batch_size = rows_a_batch(settings, built.problem.data)
            with (
                np.errstate(over="ignore", invalid="ignore"),
                blas_threads(batch_size, built.problem.network.shapes),
            ):
                search = search_step(settings, built, params, target, stream, streams)
                if fitted is None and coefs_init is None:
                    # Not before: the step is to suit weights of their usual size.
                    layers = built.problem.network.layers(params)
                    zero_unvaried(layers, built.unvaried_inputs, built.constant_targets)
                    set_initial(built, params, None, intercepts_init)
                plan = plan_descent(settings, built, search, fitted, streams, partial=partial)
                self._storage.report_cost(self, plan)
                attributes = FittedAttributes(
                    built, target.form, settings, streams, search, plan, fitted
                )
                watchers = self._watchers(
                    settings, plan, attributes, begun.held_out, given, partial
                )
                watchers.start_from(params, goes_on=goes_on)
                objective = recorded(self, built.problem.objective(batch_size), attributes)
                descent = gradient_descent(objective, params, plan, watchers)
            descent = descent.in_units_of(built.problem.conditioning.loss_unit)
            watchers.check(descent)
            publish(self, attributes.at_end(descent, params, watchers.validation))
            watchers.end()
        if settings.verbose and not partial:
            print(descent.status.message)
        report_end(self, descent, goes_on=goes_on, partial=partial)
        if partial and descent.status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        return self

    def _begin(
        self,
        settings: Settings,
        given: GivenRows,
        to_validate: ToValidate,
        fitted: Fitted | None,
        initial: tuple[Any, Any],
        *,
        partial: bool,
    ) -> Begun:
        """Check the rows, hold some out, build the problem and set its first parameters."""
        data, target = self._check_rows(settings, given, fitted, partial=partial)
        streams = spawn_streams(settings.random_state) if fitted is None else fitted.past.streams
        data, held_out = self._hold_out(settings, data, target, given.X, to_validate, streams)
        built = build_problem(settings, data, target, fitted, self._storage, partial=partial)
        given_coefs = initial[0] is not None
        params = first_params(settings, built, target, fitted, streams, given=given_coefs)
        set_initial(built, params, *initial)
        return Begun(built, target, held_out, params, streams)

    def _fitted(self) -> Fitted:
        """The fitted network to go on from."""
        layers = list(map(Layer, self.coefs_, self.intercepts_))
        kept, classes = self._form, getattr(self, "classes_", None)
        form = TargetForm(self.n_outputs_, kept["loss"], classes, kept["multilabel"], kept["ndim"])
        activations = [*kept["activations"], self.out_activation_]
        past = Past.from_state(self._past)
        return Fitted(layers, activations, self.input_shift_, self._tails, form, self.n_iter_, past)

    @property
    def _tails(self) -> Tails:
        """The columns with long tails."""
        return Tails.of_all(self.tail_center_, self.tail_scale_)

    def _check_rows(
        self, settings: Settings, given: GivenRows, fitted: Fitted | None, *, partial: bool
    ) -> tuple[Data, Target]:
        """Check and encode the rows; those of weight zero are left out."""
        dtype = fitted.layers[0].coef.dtype if fitted is not None and partial else None
        new = fitted is None
        X, y = self._check_data(given.X, given.y, reset=new, dtype=dtype, whole=new and not partial)
        sample_weight = check_sample_weight(given.sample_weight, X.shape[0])
        known = None if fitted is None else fitted.form
        target = self._encode_target(y, X.dtype, given.classes, partial=partial, known=known)
        class_weights = self._class_weights(target, sample_weight, partial=partial)
        target = target._replace(class_weights=class_weights)
        sample_weight = weights_of_rows(target, sample_weight, X.dtype, settings.reduction)
        groups = check_groups(given.groups, X.shape[0])
        data = Data(X, y, target.values, sample_weight, groups)
        return data.without_weightless(), target

    def _check_data(
        self,
        X: Any,
        y: Any,
        *,
        reset: bool,
        dtype: Any,
        whole: bool = False,
        names: tuple[str, str] = ("X", "y"),
    ) -> tuple[Any, Any]:
        """Inputs in the given precision or else in their own, and the target."""
        y = self._storage.gathered(y)
        X = self._storage.check_inputs(self, X, dtype=dtype, reset=reset)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        y = self._check_target(y, X.dtype, whole=whole)
        check_same_length(X, y, names)
        return X, y

    def _hold_out(
        self,
        settings: Settings,
        data: Data,
        target: Target,
        X: Any,
        to_validate: ToValidate,
        streams: Streams,
    ) -> tuple[Data, Data | None]:
        """Rows to fit, and rows to validate on."""
        if to_validate.X is not None:
            return data, self._validation_rows(settings, X, data, target, to_validate)
        if not settings.early_stopping:
            return data, None
        strata = self._strata(target, data.values)
        fraction, seed = settings.validation_fraction, streams.split_seed
        return hold_out(data, fraction, strata=strata, seed=seed)

    def _validation_rows(
        self, settings: Settings, X: Any, data: Data, fit_target: Target, given: ToValidate
    ) -> Data:
        """The validation set that was given, checked against the data."""
        model, dtype = named_as(self, X, given.X), data.X.dtype
        try:
            names = "X_val", "y_val"
            X, y = model._check_data(given.X, given.y, reset=False, dtype=dtype, names=names)
            target = self._encode_target(y, dtype, None, partial=True, known=fit_target.form)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(
                f"X_val and y_val must be as X and y are: {error} "
                "A pipeline transforms X_val only if its transform_input names it."
            ) from error
        name = "sample_weight_val"
        weight = check_sample_weight(given.sample_weight, X.shape[0], name)
        target = target._replace(class_weights=fit_target.class_weights)
        weight = weights_of_rows(target, weight, dtype, settings.reduction, name)
        rows = Data(X, y, target.values, weight).without_weightless()
        if target.is_numeric:
            warn_of_another_scale(data.values, rows.values)
        return rows

    def _watchers(
        self,
        settings: Settings,
        plan: Plan,
        attributes: FittedAttributes,
        held_out: Data | None,
        given: GivenRows,
        partial: bool,
    ) -> Watchers:
        """What watches the descent: validation, printer and callbacks, in this order."""
        problem = attributes.built.problem
        unit = problem.conditioning.loss_unit
        validation = callbacks = printer = None
        if held_out is not None:
            score = None
            if settings.scorer is not None:
                score = Score(self, settings, held_out, attributes.in_mid_fit)
            stop = early_stop(settings, plan.max_iter, plan.schedule)
            objective = problem.validation_objective(held_out)
            validation = Validation(objective, problem.of_network, unit, score, *stop)
        if settings.verbose:
            last = None if partial else plan.max_iter
            printer = EpochPrinter(settings.verbose, last, plan.first_epoch, unit, validation)
        if hasattr(self, "_skl_callbacks") and not partial:
            callbacks = EpochCallbacks(self, plan.max_iter, attributes.in_mid_fit, given)
        return Watchers(validation, printer, callbacks)

    @property
    def feature_importances_(self) -> np.ndarray:
        """The lengths of the conditioned coefficients of each feature, divided by their sum."""
        check_is_fitted(self)
        lengths = np.linalg.norm(self.coefs_[0] * self.input_scale_[:, np.newaxis], axis=1)
        total = lengths.sum()
        importances: np.ndarray = lengths / total if total > 0.0 else lengths
        return importances

    def hidden_activations(self, X: Any, layer: int = -1) -> np.ndarray:
        """Return the activations of a hidden layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs.
        layer : int, default=-1
            Number of the hidden layer from 0. Negative numbers count from the last layer.

        Returns
        -------
        activations : ndarray of shape (n_samples, n_units)
            Activations of the units of the layer.

        Raises
        ------
        TypeError, ValueError
            If `layer` is not a hidden layer, if `X` is not numeric or has other columns than in
            `fit`, or if a result overflows.
        """
        check_is_fitted(self)
        number = check_layer(layer, len(self._form["activations"]))
        activation = ACTIVATIONS[self._form["activations"][number]]

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
            self._form["activations"][: n_layers - 1],
            self.input_shift_,
            from_raw,
            tails=self._tails,
            check_raw=check_raw,
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@contextmanager
def unchanged_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Leave an estimator as it was if a fit fails: `validate_data` sets attributes early."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        # What scikit-learn needs to tell callbacks of the end.
        kept = {name: v for name, v in vars(estimator).items() if is_of_callbacks(name)}
        estimator.__dict__.clear()
        estimator.__dict__.update(before, **kept)
        raise


def publish(estimator: BaseEstimator, attributes: dict[str, Any]) -> None:
    """Set the fitted attributes; those of an earlier validation go."""
    for name in VALIDATION_ATTRIBUTES:
        estimator.__dict__.pop(name, None)
    estimator.__dict__.update(attributes)
