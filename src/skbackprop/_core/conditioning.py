"""The coordinates a network is descended in: its inputs, activations and targets conditioned.

In conditioned coordinates the inputs are (x − c) / s, the activation functions f − f(0) and the
targets (y − μ) / σ, so that what every layer is given varies around 0 by about 1. Descent runs on
the weights of that network; what is published is the network on raw x and y that computes the
same, and back again where descent goes on.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skbackprop._core.activations import ACTIVATIONS, Activation
from skbackprop._core.losses import Loss
from skbackprop._core.network import Layer
from skbackprop._core.statistics import Moments, Spread, Statistics
from skbackprop._core.tails import NO_TAILS, Tails

# Deviations of targets of softplus that are not scaled, as it has a scale of its own.
_SOFTPLUS_REACH = 100.0


class Conditioning(NamedTuple):
    """Conditioned coordinates.

    Attributes
    ----------
    input_shift, input_scale : ndarray of shape (n_features,)
        c and s of the inputs (x − c) / s.
    target_shift, target_scale : ndarray of shape (n_outputs,)
        μ and σ of the raw predictions (z − μ) / σ and of the targets (y − μ) / σ; those of a loss
        on a logarithmic scale are y / exp(μ).
    hidden_shift, hidden_scale : list of float
        What the activations of each hidden layer are shifted and scaled by.
    activations : list of Activation
        What computes the shifted and scaled activations.
    target_degree : int
        Power of the scale of the targets that the loss is in proportion to.
    log_target : bool
        Whether raw predictions are logarithms of predictions.
    unvaried : ndarray of bool, shape (n_features,), or None
        Which inputs are zero in these coordinates whatever they are, as they have not varied yet.
    tails : Tails
        The inputs with long tails, which are tamed before. What is said to be raw x is tamed x.
    """

    input_shift: np.ndarray
    input_scale: np.ndarray
    target_shift: np.ndarray
    target_scale: np.ndarray
    hidden_shift: list[float]
    hidden_scale: list[float]
    activations: list[Activation]
    target_degree: int = 2
    log_target: bool = False
    unvaried: np.ndarray | None = None
    tails: Tails = NO_TAILS

    @classmethod
    def none(
        cls, n_features: int, n_outputs: int, activations: Sequence[Activation]
    ) -> "Conditioning":
        """The coordinates as they are."""
        return cls(
            np.zeros(n_features),
            np.ones(n_features),
            np.zeros(n_outputs),
            np.ones(n_outputs),
            [0.0] * len(activations),
            [1.0] * len(activations),
            list(activations),
        )

    @classmethod
    def standardizing(
        cls,
        inputs: Spread,
        targets: Spread | None = None,
        *,
        activations: Sequence[Activation],
        n_outputs: int,
        fit_intercept: bool,
        loss: Loss | None = None,
    ) -> "Conditioning":
        """Coordinates that suit the spread of the data, targets under a squared error or `loss`.

        A shift needs intercepts to absorb it: without them values are scaled by their size.

        Units that are bounded saturate at a wild input, and learn nothing from it. Others hand it
        on, and so must have it scaled down with its column, or its row explodes.

        A scale has the sign of the side on which the farthest value lies, so that a mirrored
        column is conditioned to the same.
        """
        plain = cls.none(len(inputs.every.mean), n_outputs, activations)
        plain = plain._replace(tails=inputs.tails)
        if targets is not None:
            plain = plain._with_targets(targets, loss, fit_intercept)
        if not fit_intercept:
            zeros = inputs.every.constant & (inputs.every.low == 0.0)
            return plain._replace(input_scale=inputs.every.scale_around_zero(), unvaried=zeros)
        robust = bool(activations) and activations[0].bounded
        input_shift, input_scale = inputs.shift_and_scale(robust=robust)
        return plain._replace(
            input_shift=input_shift,
            input_scale=inputs.every.side() * input_scale,
            unvaried=inputs.every.constant,
            hidden_shift=[f.at_zero for f in activations],
            hidden_scale=[f.scale for f in activations],
            activations=[f.conditioned or f for f in activations],
        )

    def _with_targets(
        self, targets: Spread, loss: Loss | None, fit_intercept: bool
    ) -> "Conditioning":
        """The same with targets conditioned, in one way for all outputs of a single target.

        A loss that is linear far out does not mind wild values, and nor do the quartiles.
        """
        every, quartiles = targets.every, targets.quartiles
        name = "identity" if loss is None else loss.output_activation
        output = ACTIVATIONS.get(name)
        if loss is not None and name == "exp":
            shift = np.log(np.where(every.mean > 0.0, every.mean, 1.0)) * fit_intercept
            return self._replace(
                target_shift=self.target_shift + shift, target_degree=loss.degree, log_target=True
            )
        if output is None or output.bounded:
            return self
        if not fit_intercept:
            shift, scale = np.zeros(1), every.scale_around_zero()
        else:
            shift = every.centre() if quartiles is None else quartiles[1]
            scale = every.side() * targets.deviation()
        if output.one_sided:
            # No shift goes through relu or softplus, and no negative scale.
            shift, scale = np.zeros(1), np.abs(scale)
        if not output.homogeneous:
            scale = np.maximum(scale / _SOFTPLUS_REACH, 1.0)
        if loss is not None and not loss.mirrors:
            scale = np.abs(scale)
        return self._replace(
            target_shift=self.target_shift + shift,
            target_scale=self.target_scale * scale,
            target_degree=2 if loss is None else loss.degree,
        )

    @property
    def scale_of_descent(self) -> np.ndarray:
        """What the inputs are divided by in the descent, in which unvaried ones are zero."""
        if self.unvaried is None:
            return self.input_scale
        return np.where(self.unvaried, np.inf, self.input_scale)

    @property
    def conditions(self) -> bool:
        """Whether the inputs are tamed, shifted or scaled at all."""
        moved = self.input_shift.any() or (self.input_scale != 1.0).any()
        return bool(moved or self.tails)

    def conditioned_targets(self, values: np.ndarray) -> np.ndarray:
        """(y − μ) / σ or y / exp(μ), or class codes and labels as they are."""
        if not self.target_shift.any() and (self.target_scale == 1.0).all():
            return values
        # Outputs beyond the columns of the target are of the same column.
        shift, scale = (a[: values.shape[1]] for a in (self.target_shift, self.target_scale))
        if self.log_target:
            shift, scale = np.zeros_like(shift), np.exp(shift)
        conditioned = values - shift
        conditioned /= scale
        return conditioned.astype(values.dtype, copy=False)

    @property
    def loss_unit(self) -> float:
        """What a loss of conditioned targets is multiplied by to be one of raw ones.

        A squared error is in units of σ², an absolute one of σ, a Poisson deviance of the mean
        of y. Several targets are weighted by 1 over their units, so that each counts alike: the
        unit is then the mean of them.
        """
        scale = np.exp(self.target_shift) if self.log_target else np.abs(self.target_scale)
        with np.errstate(over="ignore"):
            return float(np.mean(scale**self.target_degree))

    def to_raw(self, layers: Sequence[Layer], dtype: np.dtype) -> list[Layer]:
        """The layers that compute on raw x what `layers` compute in conditioned coordinates.

        z = ((x − c) / s) V + b = x W + (b − c W) with W = V / s. The coefficients are of `dtype`,
        the intercepts of float64, as b − c W has the digits of c.
        """
        raw = []
        for depth, (coef, intercept) in enumerate(layers):
            W = coef / self._scale(depth)
            b = np.zeros(W.shape[1]) if intercept is None else intercept.astype(np.float64)
            if depth == len(layers) - 1:
                W *= self.target_scale
                b = b * self.target_scale + self.target_shift
            W = W.astype(dtype)
            raw.append(Layer(W, b - self._shift_times(W.astype(np.float64), depth)))
        return raw

    def from_raw(self, raw: Sequence[Layer], layers: Sequence[Layer]) -> None:
        """Fill `layers` with what computes in conditioned coordinates as `raw` does on raw x."""
        for depth, ((raw_coef, raw_intercept), (coef, intercept)) in enumerate(
            zip(raw, layers, strict=True)
        ):
            W = raw_coef.astype(np.float64)
            b = self._shift_times(W, depth)
            if raw_intercept is not None:
                b = b + raw_intercept
            if depth == len(layers) - 1:
                W /= self.target_scale
                b = (b - self.target_shift) / self.target_scale
            coef[...] = W * self._scale(depth)
            if intercept is not None:
                intercept[...] = b

    def _scale(self, depth: int) -> np.ndarray | float:
        """What the inputs of a layer are divided by, as a factor of the rows of its coef."""
        if depth == 0:
            return self.input_scale[:, np.newaxis]
        return self.hidden_scale[depth - 1]

    def _shift_times(self, W: np.ndarray, depth: int) -> np.ndarray:
        """The shift of a layer's inputs, through its raw coefficients."""
        if depth == 0:
            return self.input_shift @ W
        return self.hidden_shift[depth - 1] * W.sum(axis=0)


def condition(
    statistics: Statistics,
    *,
    activations: Sequence[Activation],
    n_outputs: int,
    fit_intercept: bool,
    loss: Loss,
    dtype: np.dtype,
) -> Conditioning:
    """Coordinates that suit the statistics; refused if the range of floats does not hold them."""
    with np.errstate(over="ignore", invalid="ignore"):
        conditioning = Conditioning.standardizing(
            *statistics,
            activations=activations,
            n_outputs=n_outputs,
            fit_intercept=fit_intercept,
            loss=loss,
        )
        check_coordinates(conditioning, statistics.inputs.every, dtype)
    return conditioning


def loss_of_unscaled_targets(loss: Loss, targets: Spread | None) -> float:
    """The size of a loss of targets that are not scaled; of those that are it is about 1."""
    output = ACTIVATIONS.get(loss.output_activation)
    if output is None or output.homogeneous or targets is None:
        return 1.0
    size = np.minimum(targets.deviation(), 1.0)
    return float(np.mean(size**loss.degree))


def check_coordinates(conditioning: Conditioning, inputs: Moments, dtype: np.dtype) -> None:
    """Refuse data that the range of floats does not hold once shifted and scaled."""
    scale = conditioning.input_scale
    parts = (inputs.high - inputs.low).astype(dtype), conditioning.input_shift, scale
    wide = ~np.isfinite(parts).all(axis=0)
    if wide.any():
        column = int(wide.argmax())
        raise ValueError(
            f"The values of column {column} of X, from {inputs.low[column]:.3g} to "
            f"{inputs.high[column]:.3g}, leave the range of {dtype} when they are centred "
            "or scaled. Scale it."
        )
    if not np.isfinite((1.0 / scale).astype(dtype)).all():
        raise beyond_range(conditioning, dtype)
    # With room for what a loss may be in its unit.
    if not 1e-305 < conditioning.loss_unit < 1e305:
        raise ValueError(
            "y must have squares within the range of float64; got a standard deviation of "
            f"{np.abs(conditioning.target_scale).max():.3g}. Scale y."
        )


def beyond_range(
    conditioning: Conditioning, dtype: np.dtype, params: np.ndarray | None = None
) -> ValueError:
    """What is said where weights on raw X and y leave the range of floats."""
    narrow = int(np.abs(conditioning.input_scale).argmin())
    sizes = (
        f"Column {narrow} of X has a scale of {conditioning.input_scale[narrow]:.3g}, y of "
        f"up to {np.abs(conditioning.target_scale).max():.3g}"
    )
    advice = "rescale what is extreme"
    if params is not None:
        sizes += f", the weights between them are up to {np.abs(params).max():.3g}"
        advice += ", lower learning_rate"
    return ValueError(
        f"The weights that undo the scales of X and y leave the range of {dtype}. "
        f"{sizes}: {advice}, or pass X in float64."
    )
