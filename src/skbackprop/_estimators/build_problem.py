"""The problem that a fit solves, and the parameters it starts from."""

from typing import Any, NamedTuple

import numpy as np

from skbackprop._core import auto
from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.conditioning import Conditioning, condition, loss_of_unscaled_targets
from skbackprop._core.feature_penalty import FeatureScales
from skbackprop._core.losses import Loss
from skbackprop._core.network import Network
from skbackprop._core.problem import Data, Problem, Target
from skbackprop._core.start import (
    draw_columns,
    fitted_params,
    initial_prediction,
    overwrite,
    sparsen,
)
from skbackprop._core.statistics import Spread, Statistics
from skbackprop._core.tails import NO_TAILS, Tails
from skbackprop._estimators.check_data import check_initial
from skbackprop._estimators.check_parameters import Settings
from skbackprop._estimators.in_memory import InMemory
from skbackprop._estimators.past import Fitted, Streams


class BuiltProblem(NamedTuple):
    """A problem, and what it was built by."""

    problem: Problem
    statistics: Statistics | None
    """Those of the rows, and in a stream of all rows so far; None without conditioning."""
    weight: float
    """Weight of the rows, and in a stream of all rows so far."""

    @property
    def unvaried_inputs(self) -> np.ndarray:
        """Which columns have had one value only, and so coefficients of zero."""
        unvaried = self.problem.conditioning.unvaried
        n_features = self.problem.network.shapes[0][0]
        return np.zeros(n_features, dtype=bool) if unvaried is None else unvaried

    @property
    def constant_targets(self) -> np.ndarray | None:
        """Which outputs have a constant target that their intercept predicts."""
        targets, network = self.targets, self.problem.network
        if targets is None or not network.fit_intercept:
            return None
        return np.broadcast_to(targets.every.constant, network.shapes[-1][1])

    @property
    def targets(self) -> Spread | None:
        """The spread of targets that are numbers."""
        return None if self.statistics is None else self.statistics.targets


def build_problem(
    settings: Settings,
    data: Data,
    target: Target,
    fitted: Fitted | None,
    storage: InMemory,
    *,
    partial: bool,
) -> BuiltProblem:
    """Condition the data and build the problem; of a stream so far, statistics and weight count.

    A fitted network that the fit goes on from keeps the long tails that it was fitted to.
    """
    stream = fitted if partial else None
    n_rows, n_features = data.X.shape
    # Weights that are counts stand for as many rows; those below 1 on average for a row each.
    weight = float(n_rows if data.sample_weight is None else max(data.sample_weight.sum(), n_rows))
    weight += 0.0 if stream is None else stream.past.weight
    activations = [ACTIVATIONS[name] for name in settings.activations]
    statistics, feature_penalty = None, 0.0
    if settings.conditioning is None:
        conditioning = Conditioning.none(n_features, target.form.n_outputs, activations)
        # A constant that is not zero is a second intercept, as the textbooks' bias nodes are.
        conditioning = conditioning._replace(unvaried=storage.zero_columns(data.X))
        if fitted is not None:
            conditioning = conditioning._replace(tails=fitted.tails)
    else:
        tails = _tails_to_keep(settings, fitted)
        statistics = _statistics(data, target, storage, tails)
        if stream is not None and stream.past.statistics is not None:
            statistics = stream.past.statistics.merged(statistics)
        conditioning = condition(
            statistics,
            activations=activations,
            n_outputs=target.form.n_outputs,
            fit_intercept=settings.fit_intercept,
            loss=target.loss,
            dtype=data.X.dtype,
        )
        if not partial:
            feature_penalty = feature_penalty_of(settings, target.loss, n_features)
    problem = problem_in(conditioning, settings, data, target, statistics, weight, feature_penalty)
    problem = problem._replace(evaluator=storage.objective)
    finds_step = settings.learning_rate == "auto" and not partial
    batch_size = rows_a_batch(settings, data)
    if finds_step and _float32_suffices(data.X, batch_size, conditioning, statistics):
        problem = problem._replace(precision=np.dtype(np.float32))
    return BuiltProblem(problem, statistics, weight)


def _tails_to_keep(settings: Settings, fitted: Fitted | None) -> Tails | None:
    """The long tails that are known before the data are seen; None if they are to be found.

    A linear network stays linear. Without intercepts a column has no centre but 0.
    """
    if fitted is not None:
        return fitted.tails
    linear = all(name == "identity" for name in settings.activations)
    return NO_TAILS if linear or not settings.fit_intercept else None


def rows_a_batch(settings: Settings, data: Data) -> int:
    """Number of rows of a batch."""
    n_rows, n_features = data.X.shape
    return auto.batch_size(settings.batch_size, n_rows, n_features, data.columns_an_entry)


def problem_in(
    conditioning: Conditioning,
    settings: Settings,
    data: Data,
    target: Target,
    statistics: Statistics | None,
    weight: float,
    feature_penalty: float = 0.0,
) -> Problem:
    """The problem in given coordinates, with the penalty by the weight of the data."""
    n_features = data.X.shape[1]
    network = Network(
        [n_features, *settings.hidden_layer_sizes, target.form.n_outputs],
        conditioning.activations,
        fit_intercept=settings.fit_intercept,
    )
    targets = None if statistics is None else statistics.targets
    scales = FeatureScales(network, feature_penalty) if feature_penalty else None
    scaled = scales is not None
    alpha = auto.alpha(settings.alpha, n_features, weight, settings.reduction, scaled=scaled)
    alpha *= loss_of_unscaled_targets(target.loss, targets)
    loss = target.loss.scaled(conditioning.target_scale)
    precision = data.X.dtype
    return Problem(
        network, loss, conditioning, data, alpha, settings.reduction, precision, scales=scales
    )


def _float32_suffices(
    X: Any, batch_size: int, conditioning: Conditioning, statistics: Statistics | None
) -> bool:
    """Whether descent may be in float32, whatever the precision of X; not without conditioning."""
    if statistics is None:
        return False
    inputs, scale = statistics.inputs.every, np.abs(conditioning.input_scale)
    sizes = [scale, np.abs(conditioning.target_scale), np.maximum(inputs.high - inputs.low, 1.0)]
    # Dense rows are shifted in their own precision, others by a product in that of the descent.
    longest = 0.0
    if not isinstance(X, np.ndarray):
        longest = float((np.abs(conditioning.input_shift) / scale).max())
    return auto.descends_in_float32(X.shape[0], batch_size, np.concatenate(sizes), longest)


def feature_penalty_of(settings: Settings, loss: Loss, n_features: int) -> float:
    """The penalty of the scales of the inputs in a fit; 0 for no scales."""
    if settings.conditioning is None:
        return 0.0
    suits = _scales_suit(settings, loss)
    return auto.feature_penalty(settings.feature_penalty, n_features, suits=suits)


def _scales_suit(settings: Settings, loss: Loss) -> bool:
    """Whether scales of the inputs are to be expected to help.

    Without an alpha they only over-fit. The penalty is in proportion to losses of about 1, as those
    of conditioned targets and of classes are: not to the others, nor to targets that keep their
    scale.
    """
    of_size_1 = settings.loss in ("half_squared_error", "squared_error", "log_loss")
    keeps_scale = loss.output_activation == "softplus"
    has_factors = bool(settings.activations) and settings.alpha != 0.0
    return has_factors and of_size_1 and not keeps_scale


@np.errstate(over="ignore", invalid="ignore")
def _statistics(data: Data, target: Target, storage: InMemory, tails: Tails | None) -> Statistics:
    inputs = storage.spread(data.X, data.sample_weight, tails)
    targets = None
    if target.is_numeric:
        targets = Spread.of(data.values, data.sample_weight, quartiles=target.loss.robust)
    return Statistics(inputs, targets)


def first_params(
    settings: Settings,
    built: BuiltProblem,
    target: Target,
    fitted: Fitted | None,
    streams: Streams,
    *,
    given: bool = False,
) -> np.ndarray:
    """The parameters to start from: the fitted ones, or random weights and typical intercepts."""
    if fitted is not None:
        return _params_to_go_on_from(settings, built, fitted, streams)
    problem = built.problem
    start = initial_prediction(target.loss, problem.conditioning, built.targets)
    params = problem.network.initial_params(streams.weights, problem.precision, start)
    few_features = problem.data.X.shape[1] <= auto.MOST_SINGLE_FEATURES
    if settings.conditioning is not None and settings.activations and few_features and not given:
        sparsen(problem.network, params, streams.weights)
    return params


def with_scales(built: BuiltProblem, params: np.ndarray, *, goes_on: bool) -> np.ndarray:
    """The parameters of the descent: scales of 1, or in a fitted network those in balance."""
    scales = built.problem.scales
    if scales is None:
        return params
    return scales.split(params) if goes_on else scales.append_ones(params)


def set_initial(
    built: BuiltProblem,
    params: np.ndarray,
    coefs: Any,
    intercepts: Any,
    names: tuple[str, str] = ("coefs_init", "intercepts_init"),
) -> None:
    """Overwrite parameters by given weights of the network on raw X; `names` are the arguments'."""
    network, conditioning = built.problem.network, built.problem.conditioning
    given = check_initial(network, coefs, intercepts, params.dtype, names)
    overwrite(network, conditioning, params, *given)


def _params_to_go_on_from(
    settings: Settings, built: BuiltProblem, fitted: Fitted, streams: Streams
) -> np.ndarray:
    """The fitted weights in the coordinates of the problem, whose network must be the same."""
    network = built.problem.network
    shapes = [layer.coef.shape for layer in fitted.layers]
    if shapes != network.shapes:
        raise ValueError(
            f"The fitted layers have the shapes {shapes}, which warm_start and partial_fit keep; "
            f"hidden_layer_sizes={settings.hidden_layer_sizes}, loss={settings.loss!r} and "
            f"the data need {network.shapes}. Fit with warm_start=False to start again."
        )
    if not network.fit_intercept and any(np.any(layer.intercept) for layer in fitted.layers):
        raise ValueError(
            "warm_start and partial_fit with fit_intercept=False would drop the fitted "
            "intercepts. Fit with warm_start=False to start again."
        )
    activations = [*settings.activations, built.problem.loss.output_activation]
    if activations != fitted.activations:
        raise ValueError(
            "warm_start and partial_fit need the activations of the fitted layers, "
            f"{fitted.activations}; got {activations}. Fit with warm_start=False to start again."
        )
    conditioning, dtype = built.problem.conditioning, built.problem.precision
    params = fitted_params(network, conditioning, fitted.layers, dtype)
    begins = fitted.past.unvaried & ~built.unvaried_inputs & ~fitted.layers[0].coef.any(axis=1)
    columns = np.flatnonzero(begins)
    if len(columns):
        position = fitted.input_shift - conditioning.input_shift
        position = (position / conditioning.input_scale)[columns]
        draw_columns(network, params, columns, position, streams.weights)
    return params
