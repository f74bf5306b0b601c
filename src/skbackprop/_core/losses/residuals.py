"""Losses of residuals: how far a prediction is from the target."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from skbackprop._core.losses.base import Loss, LossOfActivation, row_starts, weight_rows


class SquaredError(LossOfActivation):
    """factor · Σ_outputs (ŷ − y)² with ŷ = f(z), f any activation function.

    With a factor of ½ the derivative by ŷ is the residual ŷ − y itself; with 1 it is twice it.

    At the kink of a relu there is curvature without end, elsewhere that of the identity or none:
    the step is to suit the identity.
    """

    degree = 2

    def __init__(self, target: str, output_activation: str, *, factor: float) -> None:
        super().__init__(target, output_activation)
        self.factor = factor

    def value_and_gradient(
        self,
        y_true: np.ndarray,
        raw_prediction: np.ndarray,
        sample_weight: np.ndarray | None,
        out: np.ndarray,
        scale: float = 1.0,
    ) -> float:
        y_pred = raw_prediction
        self._activation.apply(y_pred, out)
        if self.target == "codes":
            np.copyto(out, y_pred)
            out.reshape(-1)[row_starts(out) + y_true] -= 1.0
        else:
            np.subtract(y_pred, y_true, out=out)
        value = _weighted_product(out, out, sample_weight)
        self._activation.multiply_derivative(y_pred, out)
        out *= 2.0 * self.factor * scale
        weight_rows(out, sample_weight)
        return self.factor * value

    def smoothed(self, spread: Callable[[], float]) -> Loss:
        return SquaredError(self.target, "identity", factor=self.factor) if self._bends else self


class ResidualLoss(LossOfActivation):
    """Σ_outputs ρ(r), r = ŷ − y, ŷ = f(z) with f any activation function; ρ is linear far out.

    Subclasses give ρ' and, unless ρ(r) = r ρ'(r), ρ by `value`. At a kink there is curvature
    without end, elsewhere none, and no step suits that. What a step can suit is the loss smoothed
    over residuals of up to half the spread σ of the targets, over which ρ' rises evenly: a
    curvature of (ρ'(σ/2) − ρ'(−σ/2)) / σ.
    """

    robust = True

    def __init__(self, target: str, output_activation: str) -> None:
        if target != "matrix":
            raise ValueError(f"{type(self).__name__} is for a target of numbers, not {target}.")
        super().__init__(target, output_activation)

    def slope(self, residual: np.ndarray, out: np.ndarray) -> None:
        """Fill `out` with ρ'(r)."""
        raise NotImplementedError

    def rise(self, spread: float) -> float:
        """ρ'(spread / 2) − ρ'(−spread / 2)."""
        raise NotImplementedError

    def value(
        self, residual: np.ndarray, slope: np.ndarray, sample_weight: np.ndarray | None
    ) -> float:
        """Σ weight · ρ(r): for a ρ of straight lines through 0, ρ(r) = r ρ'(r)."""
        return _weighted_product(residual, slope, sample_weight)

    def value_and_gradient(
        self,
        y_true: np.ndarray,
        raw_prediction: np.ndarray,
        sample_weight: np.ndarray | None,
        out: np.ndarray,
        scale: float = 1.0,
    ) -> float:
        residual = raw_prediction
        self._activation.apply(residual, out)
        residual -= y_true
        self.slope(residual, out)
        value = self.value(residual, out, sample_weight)
        if self.output_activation != "identity":
            residual += y_true
            self._activation.multiply_derivative(residual, out)
        out *= scale
        weight_rows(out, sample_weight)
        return value

    def smoothed(self, spread: Callable[[], float]) -> Loss:
        width = 2.0 ** round(math.log2(spread()))
        factor = 0.5 * self.rise(width) / width
        output_activation = "identity" if self._bends else self.output_activation
        return SquaredError(self.target, output_activation, factor=factor)


def _weighted_product(
    a: np.ndarray, b: np.ndarray, sample_weight: np.ndarray | None = None
) -> float:
    """Σ weight · a · b, element by element."""
    if sample_weight is None:
        return float(a.reshape(-1).dot(b.reshape(-1)))
    return float(np.einsum("i,ij,ij->", sample_weight, a, b))


class AbsoluteError(ResidualLoss):
    """Σ_outputs |ŷ − y|; at the kink the derivative is 0."""

    degree = 1
    smooth = False

    def slope(self, residual: np.ndarray, out: np.ndarray) -> None:
        np.sign(residual, out=out)

    def rise(self, spread: float) -> float:
        return 2.0


class Huber(ResidualLoss):
    """Σ_outputs ½ r² where |r| ≤ δ, and δ (|r| − ½ δ) beyond (Huber, 1964)."""

    degree = 2

    def __init__(self, target: str, output_activation: str, *, delta: float = 1.0) -> None:
        super().__init__(target, output_activation)
        self.delta = delta

    def slope(self, residual: np.ndarray, out: np.ndarray) -> None:
        np.clip(residual, -self.delta, self.delta, out=out)

    def rise(self, spread: float) -> float:
        return min(2.0 * self.delta, spread)

    def value(
        self, residual: np.ndarray, slope: np.ndarray, sample_weight: np.ndarray | None
    ) -> float:
        # ρ = ρ' (r - ρ' / 2) on both sides of δ.
        return _weighted_product(residual, slope, sample_weight) - 0.5 * _weighted_product(
            slope, slope, sample_weight
        )


class Pinball(ResidualLoss):
    """Σ_outputs max((q − 1) (y − ŷ), q (y − ŷ)), least at the q-quantile of y.

    One q serves all outputs; of a sequence each output has its own, all of them of a single
    target. What is descended on are the outputs as they are; predictions are the outputs sorted,
    which do not cross, and whose loss is never more.

    (Koenker and Bassett, 1978; Chernozhukov, Fernández-Val and Galichon, 2010, for the sorting.)
    """

    degree = 1
    mirrors = False
    smooth = False

    def __init__(
        self, target: str, output_activation: str, *, quantile: float | Sequence[float] = 0.5
    ) -> None:
        super().__init__(target, output_activation)
        self.quantile = quantile
        self._middle = 0.5 - np.asarray(quantile)

    def slope(self, residual: np.ndarray, out: np.ndarray) -> None:
        # 1 - q above, -q below and ½ - q at the kink.
        np.sign(residual, out=out)
        out *= 0.5
        out += self._middle

    def rise(self, spread: float) -> float:
        return 1.0

    def inverse_link(self, raw_prediction: np.ndarray, scratch: np.ndarray) -> None:
        super().inverse_link(raw_prediction, scratch)
        if np.ndim(self.quantile):
            raw_prediction.sort(axis=1)
