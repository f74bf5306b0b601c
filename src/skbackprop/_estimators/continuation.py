"""What a fit takes over from those before: statistics, weights and the step that was found."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.conditioning import Conditioning, Moments, Spread, with_late_columns
from skbackprop._core.curvature import largest_curvature
from skbackprop._core.losses import RECTIFIERS, Loss
from skbackprop._core.network import Layer, Network
from skbackprop._core.problem import Data, Mode, Problem, Target
from skbackprop._estimators.check_data import check_coordinates
from skbackprop._estimators.check_parameters import Settings


class Continuation(BaseEstimator):
    """An estimator whose fits may go on from earlier ones."""

    _spread_of_inputs: Callable[[Any, np.ndarray | None], Spread] = staticmethod(Spread.of)

    _first_loss: float
    _weight: float
    _spreads: list[tuple[Any, ...]]
    _searched_scale: np.ndarray
    _searched_for: tuple[Any, ...]

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
            if target.is_numeric:
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

    @property
    def _spread_of_targets(self) -> Spread | None:
        """That of numbers in conditioned coordinates, in a stream so far."""
        return Spread.from_state(self._spreads[1]) if len(self._spreads) > 1 else None

    def _start(self, loss: Loss, conditioning: Conditioning) -> np.ndarray | float:
        """What a new network predicts before its coefficients count: raw, in conditioned units.

        It is the mean of y, and so 0 where that is what targets are shifted by. Of a loss that is
        linear far out it is kept between the quartiles, which wild values hardly pull; and always
        from the bounds of the output activation, where that is flat.
        """
        output = ACTIVATIONS.get(loss.output_activation)
        targets = self._spread_of_targets
        if output is None or output.inverse is None or targets is None:
            return 0.0
        mean = targets.every.mean
        if targets.quartiles is not None:
            mean = np.clip(mean, targets.quartiles[0], targets.quartiles[2])
        distance = _FROM_BOUNDS * np.minimum(output.high - output.low, targets.deviation())
        y_pred = np.clip(mean, output.low + distance, output.high - distance)
        return output.inverse(y_pred) / conditioning.target_scale

    def _rest(self, problem: Problem) -> np.ndarray:
        """Parameters at which all units are at rest, and predictions typical but not flat."""
        rest = np.zeros(problem.network.n_params)
        intercept = problem.network.layers(rest)[-1].intercept
        if intercept is not None and problem.loss.output_activation in RECTIFIERS:
            intercept[...] = np.maximum(self._start(problem.loss, problem.conditioning), 0.0)
        return rest

    def _alpha(
        self,
        settings: Settings,
        loss: Loss,
        sample_weight: np.ndarray | None,
        n_rows: int,
        in_stream: bool,
    ) -> float:
        """The strength of the penalty; "auto" by the weight of the data or, in a stream, so far."""
        # Weights that are counts stand for as many rows; those below 1 on average for a row each.
        weight = float(n_rows if sample_weight is None else max(sample_weight.sum(), n_rows))
        self._weight = weight + (self._weight if in_stream else 0.0)
        unit = self._unit_of_unscaled(loss)
        if settings.alpha != "auto":
            return unit * float(settings.alpha)
        n_features = self.n_features_in_
        alpha = min(_MOST_ALPHA, _ALPHA_A_FEATURE * n_features) / self._weight
        alpha = max(alpha, _LEAST_ALPHA_A_FEATURE * n_features)
        return unit * (alpha if self.loss_reduction == "mean" else alpha * self._weight)

    def _unit_of_unscaled(self, loss: Loss) -> float:
        """The size of a loss of targets that are not scaled; of those that are it is about 1."""
        is_scaled = loss.output_activation not in ("sigmoid", "softplus", "tanh")
        targets = self._spread_of_targets
        if is_scaled or targets is None:
            return 1.0
        size = np.minimum(targets.deviation(), 1.0)
        return float(np.mean(size**loss.degree))

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
        mode: Mode,
        problem: Problem,
        params: np.ndarray,
        batch_size: int,
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
            problem.loss.output_activation,
            problem.network.fit_intercept,
            self.loss_reduction,
            settings.activations,
            settings.alpha,
            self.conditioning,
            batch_size,
        )
        if mode.in_stream and self.curvature_ is not None and question == self._searched_for:
            ratio = scale / self._searched_scale
            if (ratio < 2.0).all() and (ratio > 0.5).all():
                return _step_by(self.curvature_, mode.partial), self.curvature_
        self._searched_scale, self._searched_for = scale, question

        def spread() -> float:
            targets = conditioning.conditioned_targets(problem.rows.values)
            of_targets = Spread.of(targets, problem.rows.sample_weight, quartiles=True)
            return float(of_targets.deviation().min())

        rest = self._rest(problem)
        problem = problem._replace(loss=problem.loss.smoothed(spread))
        double = np.dtype(np.float64)
        objective = problem.objective(batch_size, double)
        params = params.astype(double)
        curvature = largest_curvature(objective, params, self._curvature_rng, rest)
        return _step_by(curvature, mode.partial), curvature


# The step size times the largest curvature. At 1 the steepest direction arrives at once, at 2 it
# no longer converges.
_STEP_TIMES_CURVATURE = 1.5
# A network starts from a prediction at least so many deviations of y, or so much of the way between
# the bounds, away from the bounds.
_FROM_BOUNDS = 0.01
# alpha="auto": so much a feature and at most so much, over the weight of the data; and at least so
# much a feature. A weight decays by it whatever the slope of the loss, which of few features is
# small where they bend (two half moons); of many, the weights are to be short (Neal, 1996).
_ALPHA_A_FEATURE, _MOST_ALPHA, _LEAST_ALPHA_A_FEATURE = 0.03, 0.3, 2.5e-7


def _step_by(curvature: float, partial: bool) -> float:
    """The step that suits a curvature; any will do where the objective is flat."""
    step_size = _STEP_TIMES_CURVATURE / curvature if 0.0 < curvature < np.inf else 1.0
    return 0.5 * step_size if partial else step_size
