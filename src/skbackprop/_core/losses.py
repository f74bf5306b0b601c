"""Losses on raw predictions: value and gradient together, so that they cannot disagree.

Conventions, for every loss here:

- `raw_prediction` z, shape (n_rows, n_outputs): the weighted sums of the output layer. The
  loss *has* the function that turns them into predictions (its inverse link), so the network
  ends at the weighted sums and no pair of output activation and loss is special.
- `y_true`: what `target` names: "matrix", shape (n_rows, n_outputs), or "codes", shape
  (n_rows,), the integers 0 .. n_outputs-1 that stand for one-hot rows.
- the loss of a row is a sum over its outputs; the value is the weighted sum over the rows,
  not yet averaged.

A new loss is one class and one entry in `LOSSES`; the tests and the traces find it there.
"""

import math
from collections.abc import Callable, Sequence
from copy import copy
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from skbackprop._core.activations import ACTIVATIONS, Activation, scalar

_softplus = ACTIVATIONS["softplus"].apply


def _weighted_sum(terms: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Sum of `terms` of shape (n_rows,) or (n_rows, n_outputs), each row times its weight."""
    if sample_weight is not None:
        terms = sample_weight.dot(terms)
    return float(np.add.reduce(terms, axis=None))


def _row_starts(matrix: np.ndarray) -> np.ndarray:
    """Positions in the flat `matrix` at which its rows start."""
    return np.arange(0, matrix.size, matrix.shape[1])


@lru_cache(maxsize=8)
def _ones(n: int, dtype: np.dtype) -> np.ndarray:
    ones = np.ones(n, dtype=dtype)
    ones.flags.writeable = False
    return ones


def _weight_rows(gradient: np.ndarray, sample_weight: np.ndarray | None) -> None:
    """Multiply the rows of `gradient`, shape (n_rows, n_outputs), by their weights."""
    if sample_weight is not None:
        gradient *= sample_weight[:, np.newaxis]


class Loss:
    """What is minimised, as a function of the raw predictions.

    Attributes
    ----------
    target : {"matrix", "codes"}
        Form of `y_true`.
    output_activation : str
        Name of the function from raw predictions to predictions.
    degree : int
        Scaling y and ŷ by c > 0 multiplies the loss by c to this power; 0 for class codes and
        labels, which have no scale.
    mirrors : bool
        Whether mirroring y mirrors the best prediction.
    robust : bool
        Whether the derivative is bounded, so that wild targets pull no harder than others.
    smooth : bool
        Whether the loss has no kinks.
    """

    target: str
    output_activation: str
    degree = 0
    mirrors = True
    robust = False
    smooth = True

    def value_and_gradient(
        self,
        y_true: np.ndarray,
        raw_prediction: np.ndarray,
        sample_weight: np.ndarray | None,
        out: np.ndarray,
        scale: float = 1.0,
    ) -> float:
        """Return Σ weight · loss and fill `out` with scale · weight · ∂loss/∂z.

        `raw_prediction` is overwritten: it serves as scratch.
        """
        raise NotImplementedError

    def inverse_link(self, raw_prediction: np.ndarray, scratch: np.ndarray) -> None:
        """Replace the raw predictions by predictions, in place."""
        raise NotImplementedError

    def scaled(self, scale: np.ndarray) -> "Loss":
        """The loss of y / s, by z / s: sᵈ times it is this loss, with d its degree.

        Where s f(z / s) is f(z), as of the identity and of relu, it is this one.
        """
        return self

    def smoothed(self, spread: Callable[[], float]) -> "Loss":
        """The loss whose curvature suits the step: this one, if smooth.

        One that bends needs the `spread` of the targets. It counts as the nearest power of 2, so
        that rounding tells no equal fits apart.
        """
        return self


class LossOfActivation(Loss):
    """A loss of ŷ = f(z), f any activation function."""

    def __init__(self, target: str, output_activation: str) -> None:
        self.target = target
        self.output_activation = output_activation
        self._activation = ACTIVATIONS[output_activation]
        # relu at 0; a softplus that is scaled has all but a kink.
        self._bends = output_activation == "relu"

    def inverse_link(self, raw_prediction: np.ndarray, scratch: np.ndarray) -> None:
        self._activation.apply(raw_prediction, scratch)

    def scaled(self, scale: np.ndarray) -> Loss:
        if self.output_activation != "softplus" or (scale == 1.0).all():
            return self
        scaled = copy(self)
        scaled._bends = True
        scaled._activation = Activation(
            partial(_scaled_softplus, scale), partial(_scaled_softplus_derivative, scale)
        )
        return scaled


def _scaled_softplus(scale: np.ndarray, z: np.ndarray, scratch: np.ndarray) -> None:
    z *= scale
    _softplus(z, scratch)
    z /= scale


def _scaled_softplus_derivative(scale: np.ndarray, a: np.ndarray, delta: np.ndarray) -> None:
    a *= scale
    ACTIVATIONS["softplus"].multiply_derivative(a, delta)


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
            out.reshape(-1)[_row_starts(out) + y_true] -= 1.0
        else:
            np.subtract(y_pred, y_true, out=out)
        if sample_weight is None:
            residual = out.reshape(-1)
            value = float(residual.dot(residual))
        else:
            value = float(np.einsum("i,ij,ij->", sample_weight, out, out))
        self._activation.multiply_derivative(y_pred, out)
        out *= 2.0 * self.factor * scale
        _weight_rows(out, sample_weight)
        return self.factor * value

    def smoothed(self, spread: Callable[[], float]) -> Loss:
        return SquaredError(self.target, "identity", factor=self.factor) if self._bends else self


class BinaryLogLoss(Loss):
    """Σ_outputs log(1 + exp(z)) − y z: the negative log-likelihood of y in {0, 1}.

    Each output is a probability of its own, p = 1 / (1 + exp(−z)): one output for two
    classes, one a label for multilabel targets. The derivative by z is p − y.
    """

    target = "matrix"
    output_activation = "sigmoid"

    def value_and_gradient(
        self,
        y_true: np.ndarray,
        raw_prediction: np.ndarray,
        sample_weight: np.ndarray | None,
        out: np.ndarray,
        scale: float = 1.0,
    ) -> float:
        # With m = z - 2 y z, which is z on the wrong side of 0 and -z on the right one, the loss
        # is log(1 + exp(m)), its derivative by m is -expm1(-loss), and dm/dz = 1 - 2 y.
        m = raw_prediction
        np.multiply(y_true, m, out=out)
        out *= scalar(-2.0, out.dtype)
        m += out
        _softplus(m, out)
        value = _weighted_sum(m, sample_weight)
        np.negative(m, out=m)
        np.expm1(m, out=m)
        np.multiply(y_true, 2.0 * scale, out=out)
        out -= scale
        out *= m
        _weight_rows(out, sample_weight)
        return value

    def inverse_link(self, raw_prediction: np.ndarray, scratch: np.ndarray) -> None:
        _sigmoid(raw_prediction, scratch)


def _exp_minus_abs(z: np.ndarray, out: np.ndarray) -> None:
    np.abs(z, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)


def _sigmoid(z: np.ndarray, scratch: np.ndarray) -> None:
    """Replace `z` by 1 / (1 + exp(−z)), small values to full relative precision.

    With e = exp(−|z|) it is 1 / (1 + e) for z >= 0 and e / (1 + e) below.
    """
    _exp_minus_abs(z, scratch)
    np.greater_equal(z, 0.0, out=z)
    np.maximum(z, scratch, out=z)
    scratch += 1.0
    z /= scratch


class MultinomialLogLoss(Loss):
    """log Σ_k exp(z_k) − z_y: the negative log-likelihood of class y under the softmax.

    The derivative by z_k is p_k − [k = y] with p = softmax(z).
    """

    target = "codes"
    output_activation = "softmax"

    def value_and_gradient(
        self,
        y_true: np.ndarray,
        raw_prediction: np.ndarray,
        sample_weight: np.ndarray | None,
        out: np.ndarray,
        scale: float = 1.0,
    ) -> float:
        z = raw_prediction
        flat, n_classes, starts = z.reshape(-1), z.shape[1], _row_starts(z)
        true = starts + y_true
        top = z.argmax(axis=1)
        top += starts
        # Faster than the same with columns.
        flat -= flat.take(top).repeat(n_classes)
        losses = flat.take(true)
        np.exp(z, out=z)
        # Σ exp(z) = 1 + the others', whose log1p keeps what is small beside the 1.
        flat[top] = 0.0
        total = z.dot(_ones(n_classes, z.dtype))
        np.subtract(np.log1p(total), losses, out=losses)
        flat[top] = 1.0
        total += scalar(1.0, z.dtype)
        # p - [k = y] = (exp(z) - [k = y] total) / total
        flat[true] = flat.take(true) - total
        np.divide(scale, total, out=total)
        np.multiply(flat, total.repeat(n_classes), out=out.reshape(-1))
        _weight_rows(out, sample_weight)
        return _weighted_sum(losses, sample_weight)

    def inverse_link(self, raw_prediction: np.ndarray, scratch: np.ndarray) -> None:
        z, row = raw_prediction, scratch[:, :1]
        np.max(z, axis=1, keepdims=True, out=row)
        z -= row
        np.exp(z, out=z)
        np.sum(z, axis=1, keepdims=True, out=row)
        z /= row


def _log_loss(target: str, output_activation: str) -> Loss:
    """The log-loss of class codes (softmax) or of a matrix of zeros and ones (sigmoids)."""
    loss = MultinomialLogLoss() if target == "codes" else BinaryLogLoss()
    if output_activation != loss.output_activation:
        raise ValueError(
            f"The log-loss of a target of {target} has the output activation "
            f"{loss.output_activation!r}, not {output_activation!r}."
        )
    return loss


class ResidualLoss(LossOfActivation):
    """Σ_outputs ρ(r), r = ŷ − y, ŷ = f(z) with f any activation function; ρ is linear far out.

    Subclasses give ρ' and, by it, ρ. At a kink there is curvature without end, elsewhere none, and
    no step suits that. What a step can suit is the loss smoothed over residuals of up to half the
    spread σ of the targets, over which ρ' rises evenly: a curvature of (ρ'(σ/2) − ρ'(−σ/2)) / σ.
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
        _weight_rows(out, sample_weight)
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


class Poisson(Loss):
    """Σ_outputs y log(y / ŷ) − y + ŷ with ŷ = exp(z): half the Poisson deviance.

    The negative log-likelihood of counts y, less that of a perfect fit. The derivative by z is
    ŷ − y. Predictions stay within the range of positive numbers.
    """

    target = "matrix"
    output_activation = "exp"
    degree = 1

    def value_and_gradient(
        self,
        y_true: np.ndarray,
        raw_prediction: np.ndarray,
        sample_weight: np.ndarray | None,
        out: np.ndarray,
        scale: float = 1.0,
    ) -> float:
        z = raw_prediction
        # y (log y - z - 1), 0 where y is, whatever its logarithm is taken to be.
        np.maximum(y_true, np.finfo(out.dtype).tiny, out=out, dtype=out.dtype)
        np.log(out, out=out)
        out -= z
        out -= 1.0
        out *= y_true
        value = _weighted_sum(out, sample_weight)
        np.exp(z, out=out)
        value += _weighted_sum(out, sample_weight)
        out -= y_true
        out *= scale
        _weight_rows(out, sample_weight)
        return value

    def inverse_link(self, raw_prediction: np.ndarray, scratch: np.ndarray) -> None:
        limits = np.finfo(raw_prediction.dtype)
        np.exp(raw_prediction, out=raw_prediction)
        np.clip(raw_prediction, limits.tiny, limits.max, out=raw_prediction)


def _poisson(target: str, output_activation: str) -> Loss:
    if (target, output_activation) not in (("matrix", "identity"), ("matrix", "exp")):
        raise ValueError(
            "output_activation must be 'identity' under loss='poisson', whose prediction is the "
            f"exponential of the last weighted sums; got {output_activation!r}."
        )
    return Poisson()


class NamedLoss(NamedTuple):
    """How a loss is made, and how it is written in traces and pictures.

    The formulas are LaTeX.

    Attributes
    ----------
    make : callable
        Function of (target, output_activation), and of options, that returns the `Loss`.
    title : str
        The loss in words.
    derivative : str
        ∂J/∂ŷ of one output and row; ∂J/∂z for a loss that does not take the identity as its output
        activation. ``{y_pred}``, ``{y}`` and ``{bend}`` stand for symbols.
    bend : str
        Letter of the number at which the loss bends, if it has one.
    unit : str
        Unit of the loss, if it has a name.
    """

    make: Callable[..., Loss]
    title: str
    derivative: str = r"L'({y_pred},{y})"
    bend: str = ""
    unit: str = ""

    def __call__(self, target: str, output_activation: str, **options: Any) -> Loss:
        return self.make(target, output_activation, **options)


LOSSES: dict[str, NamedLoss] = {
    "half_squared_error": NamedLoss(
        partial(SquaredError, factor=0.5),
        "half squared error",
        "({y_pred}-{y})",
        unit="units of y²",
    ),
    "squared_error": NamedLoss(
        partial(SquaredError, factor=1.0),
        "squared error",
        "2({y_pred}-{y})",
        unit="units of y²",
    ),
    "absolute_error": NamedLoss(
        AbsoluteError,
        "absolute error",
        r"\mathrm{sign}({y_pred}-{y})",
        unit="units of y",
    ),
    "huber": NamedLoss(
        Huber,
        "Huber loss",
        r"\max(-{bend},\min({y_pred}-{y},{bend}))",
        bend="h",
        unit="units of y²",
    ),
    "quantile": NamedLoss(
        Pinball,
        "quantile loss",
        "([{y_pred}>{y}]-{bend})",
        bend="q",
        unit="units of y",
    ),
    "poisson": NamedLoss(_poisson, "Poisson loss", "({y_pred}-{y})"),
    "log_loss": NamedLoss(_log_loss, "log-loss", "({y_pred}-{y})", unit="nats"),
}
"""Losses by name."""
