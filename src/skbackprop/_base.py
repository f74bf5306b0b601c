"""What the estimators share: parameters, validation, the outline of a fit, prediction."""

import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skbackprop._activations import ACTIVATIONS
from skbackprop._batches import Batches
from skbackprop._data import check_inputs, check_sample_weight, set_initial
from skbackprop._descent import Descent, gradient_descent
from skbackprop._losses import Loss
from skbackprop._network import Layer, Network
from skbackprop._objective import Objective
from skbackprop._parameters import (
    check_activation,
    check_batch_size,
    check_choice,
    check_flag,
    check_hidden_layer_sizes,
    check_integer,
    check_number,
    check_seed,
)
from skbackprop._schedules import SCHEDULES
from skbackprop._stopping import Plateau, Status, VanishedGradient


class DivergenceWarning(ConvergenceWarning):
    """Gradient descent diverged: the loss was not finite, or ended above where it began."""


class Target(NamedTuple):
    """A target as the network sees it."""

    values: np.ndarray
    """Shape (n_rows, n_outputs), or (n_rows,) of class codes."""
    loss: Loss
    n_outputs: int
    fitted: dict[str, Any]
    """Attributes that the estimator publishes about it."""


class _Settings(NamedTuple):
    """Constructor parameters that were checked and need no further thought."""

    hidden_layer_sizes: tuple[int, ...]
    activations: list[str]
    alpha: float
    learning_rate: float
    batch_size: int | str
    max_iter: int
    tol: float | None
    n_iter_no_change: int
    verbose: int


class BaseBackprop(BaseEstimator, metaclass=ABCMeta):
    """Base of the estimators.

    A fit checks parameters and data, encodes the target, builds the network and its objective,
    descends, and publishes. Until then nothing is changed but what `validate_data` sets.
    """

    _losses: Sequence[str]
    _first_loss: float

    @abstractmethod
    def __init__(
        self,
        hidden_layer_sizes: Any,
        activation: Any,
        *,
        loss: Any,
        loss_reduction: Any,
        alpha: Any,
        fit_intercept: Any,
        learning_rate: Any,
        learning_rate_schedule: Any,
        batch_size: Any,
        max_iter: Any,
        shuffle: Any,
        tol: Any,
        n_iter_no_change: Any,
        warm_start: Any,
        random_state: Any,
        verbose: Any,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.loss_reduction = loss_reduction
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
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

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        coefs_init: Any = None,
        intercepts_init: Any = None,
        classes: Any = None,
        partial: bool = False,
    ) -> Self:
        """Fit anew or go on; with `partial` for one epoch, at no schedule that has an end."""
        with _as_before_on_error(self):
            settings = self._check_parameters()
            goes_on = hasattr(self, "coefs_") and (partial or self.warm_start)
            X, y = self._check_data(X, y, goes_on=goes_on, partial=partial)
            sample_weight = check_sample_weight(sample_weight, X.shape[0])
            target = self._encode_target(y, X.dtype, classes, partial=partial, known=goes_on)
            X, target, sample_weight = _drop_weightless(X, target, sample_weight)

            network = Network(
                [X.shape[1], *settings.hidden_layer_sizes, target.n_outputs],
                [ACTIVATIONS[name] for name in settings.activations],
                fit_intercept=self.fit_intercept,
            )
            params, rows_rng = self._first_params(network, X.dtype, goes_on)
            set_initial(network, params, coefs_init, intercepts_init)
            n_rows = X.shape[0]
            batch_size = _resolve_batch_size(settings.batch_size, n_rows)
            objective = Objective(
                network,
                target.loss,
                X,
                target.values,
                sample_weight,
                alpha=settings.alpha,
                reduction=self.loss_reduction,
                batch_size=batch_size,
            )

            epochs_before = self.n_iter_ if partial and goes_on else 0
            descent = gradient_descent(
                objective,
                params,
                step_size=settings.learning_rate,
                batches=Batches(n_rows, batch_size, rows_rng if self.shuffle else None),
                first_epoch=epochs_before,
                allowed_rise=0.05 * self._first_loss if goes_on else 0.0,
                on_epoch=_EpochPrinter(settings, epochs_before) if settings.verbose else None,
                **self._rules(settings, partial),
            )
            if not goes_on:
                self._first_loss = descent.first_loss
            self._publish(settings, network, target, params, descent, rows_rng, epochs_before)
        if settings.verbose and not partial:
            print(descent.status.message)
        self._warn(descent, goes_on, partial)
        if partial and descent.status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        return self

    def _rules(self, settings: _Settings, partial: bool) -> dict[str, Any]:
        """How long descent goes on, and with what steps: the end of a stream is not in view."""
        schedule = self.learning_rate_schedule
        if partial:
            kind = "constant" if schedule in ("linear", "adaptive") else schedule
            return {"max_iter": 1, "schedule": SCHEDULES[kind](1)}
        rules = {
            "max_iter": settings.max_iter,
            "schedule": SCHEDULES[schedule](settings.max_iter),
        }
        if settings.tol is not None:
            rules["vanished"] = VanishedGradient(settings.tol)
            rules["plateau"] = Plateau(settings.tol, settings.n_iter_no_change)
        return rules

    def _check_parameters(self) -> _Settings:
        check_choice("loss", self.loss, self._losses)
        check_choice("loss_reduction", self.loss_reduction, ("mean", "sum"))
        check_choice("learning_rate_schedule", self.learning_rate_schedule, SCHEDULES)
        for name in ("fit_intercept", "shuffle", "warm_start"):
            check_flag(name, getattr(self, name))
        check_seed(self.random_state)
        hidden_layer_sizes = check_hidden_layer_sizes(self.hidden_layer_sizes)
        verbose = self.verbose
        return _Settings(
            hidden_layer_sizes=hidden_layer_sizes,
            activations=check_activation(self.activation, ACTIVATIONS, hidden_layer_sizes),
            alpha=check_number("alpha", self.alpha),
            learning_rate=check_number("learning_rate", self.learning_rate, positive=True),
            batch_size=check_batch_size(self.batch_size),
            max_iter=check_integer("max_iter", self.max_iter, minimum=1),
            tol=None if self.tol is None else check_number("tol", self.tol),
            n_iter_no_change=check_integer("n_iter_no_change", self.n_iter_no_change, minimum=1),
            verbose=int(verbose)
            if isinstance(verbose, bool | np.bool_)
            else check_integer("verbose", verbose, minimum=0),
        )

    def _check_data(self, X: Any, y: Any, *, goes_on: bool, partial: bool) -> tuple[Any, Any]:
        """Inputs in their own precision or, in a stream, in that of the weights; and the target."""
        dtype = self.coefs_[0].dtype if goes_on and partial else None
        X = check_inputs(self, X, dtype=dtype, reset=not goes_on)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        y = self._check_target(y, X.dtype)
        check_consistent_length(X, y)
        return X, y

    def _first_params(
        self, network: Network, dtype: np.dtype, goes_on: bool
    ) -> tuple[np.ndarray, np.random.Generator]:
        """The parameters to start from, flat, and the generator of the order of the rows."""
        if not goes_on:
            weights_rng, rows_rng = _spawn_generators(self.random_state, 2)
            return network.initial_params(weights_rng, dtype), rows_rng
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
        for layer, coef, intercept in zip(
            network.layers(params), self.coefs_, self.intercepts_, strict=True
        ):
            layer.coef[...] = coef
            if layer.intercept is not None:
                layer.intercept[...] = intercept
        return params, self._rows_rng

    def _publish(
        self,
        settings: _Settings,
        network: Network,
        target: Target,
        params: np.ndarray,
        descent: Descent,
        rows_rng: np.random.Generator,
        n_iter_before: int,
    ) -> None:
        """Set the fitted attributes, all of them at once."""
        layers = network.layers(params)
        self.__dict__.update(
            target.fitted,
            coefs_=[coef.copy() for coef, _ in layers],
            intercepts_=[
                np.zeros(coef.shape[1], dtype=coef.dtype) if intercept is None else intercept.copy()
                for coef, intercept in layers
            ],
            loss_=descent.loss,
            loss_curve_=descent.loss_curve,
            n_iter_=n_iter_before + len(descent.loss_curve),
            n_layers_=len(layers) + 1,
            n_outputs_=target.n_outputs,
            out_activation_=target.loss.output_activation,
            status_=descent.status.value,
            _activations=settings.activations,
            _rows_rng=rows_rng,
        )

    def _warn(self, descent: Descent, goes_on: bool, partial: bool) -> None:
        epochs = len(descent.loss_curve)
        losses = f"loss {descent.loss:.4g}, {descent.first_loss:.4g} before the first step"
        advice = f"Lower learning_rate={self.learning_rate!r}, or scale the features."
        if descent.status is Status.DIVERGED and descent.exploded:
            text = (
                f"diverged after {epochs} epochs: the loss was not finite, or far above the first "
                f"for long. The weights are the best it met ({losses}). {advice}"
            )
        elif descent.status is Status.DIVERGED:
            text = (
                f"diverged: after {epochs} epochs the loss is above the first ({losses}). {advice}"
            )
        elif descent.status is Status.INTERRUPTED:
            text = (
                f"was interrupted after {epochs} epochs; it keeps the weights learned so far "
                f"({losses})."
            )
        elif descent.status is not Status.MAX_ITER or partial or self.tol is None:
            return
        elif self.learning_rate_schedule != "linear":
            text = (
                f"ran all max_iter={self.max_iter} epochs before the loss stopped falling "
                f"({losses}). Raise max_iter, or set tol=None to run max_iter epochs by intent."
            )
        elif not goes_on and descent.loss >= descent.first_loss * (1.0 - 1e-6):
            text = f"stalled: the loss did not fall ({losses}). Raise learning_rate, or scale X."
        else:
            return
        kind = DivergenceWarning if descent.status is Status.DIVERGED else ConvergenceWarning
        warnings.warn(f"{type(self).__name__} {text}", kind, stacklevel=4)

    def _predict_rows(
        self, X: Any, from_raw: Callable[[np.ndarray, np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Go forward and apply ``from_raw(raw_prediction, scratch)``, chunk by chunk."""
        check_is_fitted(self)
        X = check_inputs(self, X, reset=False)
        sizes = [self.coefs_[0].shape[0], *(coef.shape[1] for coef in self.coefs_)]
        network = Network(sizes, [ACTIVATIONS[name] for name in self._activations])
        layers = list(map(Layer, self.coefs_, self.intercepts_))
        result = np.empty(0)
        with np.errstate(over="ignore"):
            for rows, raw_prediction, scratch in network.forward_in_chunks(layers, X):
                part = from_raw(raw_prediction, scratch)
                if rows.start == 0:
                    result = np.empty((X.shape[0], *part.shape[1:]), dtype=part.dtype)
                result[rows] = part
        return result

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
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise


def _drop_weightless(
    X: Any, target: Target, sample_weight: np.ndarray | None
) -> tuple[Any, Target, np.ndarray | None]:
    """Leave out the rows of weight zero."""
    if sample_weight is None or sample_weight.all():
        return X, target, sample_weight
    rows = np.flatnonzero(sample_weight)
    return X[rows], target._replace(values=target.values[rows]), sample_weight[rows]


def _resolve_batch_size(batch_size: int | str, n_rows: int) -> int:
    """Rows a batch; "auto" is 32, of which a set of 32 rows or fewer is one full batch."""
    if batch_size == "full":
        return n_rows
    return min(32 if batch_size == "auto" else int(batch_size), n_rows)


def _spawn_generators(random_state: Any, n: int) -> list[np.random.Generator]:
    """Independent generators; how many numbers one of them gives does not touch the others."""
    entropy = check_seed(random_state).randint(0, 2**32, size=4, dtype=np.uint32)
    return [np.random.default_rng(s) for s in np.random.SeedSequence(entropy.tolist()).spawn(n)]


class _EpochPrinter:
    """Prints a line an epoch; at verbose=1 about twenty over max_iter, at 2 all of them."""

    def __init__(self, settings: _Settings, epochs_before: int) -> None:
        self._max_iter = settings.max_iter
        self._every = 1 if settings.verbose > 1 else max(1, settings.max_iter // 20)
        if epochs_before == 0:
            print(f"{'epoch':>7}  {'loss':>12}  {'step':>10}")

    def __call__(self, epoch: int, loss: float, step: float) -> None:
        if epoch == 1 or epoch % self._every == 0 or epoch == self._max_iter:
            print(f"{epoch:>7}  {loss:>12.6g}  {step:>10.4g}", flush=True)
