"""Losses on raw predictions: value and gradient together, so that they cannot disagree.

Conventions, for every loss here:

- `raw_prediction` z, shape (n_rows, n_outputs): the weighted sums of the output layer. The
  loss *has* the function that turns them into predictions (its inverse link), so the network
  ends at the weighted sums and no pair of output activation and loss is special.
- `y_true`: what `target` names: "matrix", shape (n_rows, n_outputs), or "codes", shape
  (n_rows,), the integers 0 .. n_outputs-1 that stand for one-hot rows.
- the loss of a row is a sum over its outputs; the value is the weighted sum over the rows,
  not yet averaged.

A new loss is one class and one line in `LOSSES`; the tests find it there.
"""

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np

from skbackprop._activations import ACTIVATIONS

_softplus = ACTIVATIONS["softplus"].apply


def _weighted_sum(terms: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Sum of `terms` of shape (n_rows,) or (n_rows, n_outputs), each row times its weight."""
    if sample_weight is not None:
        terms = sample_weight.dot(terms)
    return float(np.add.reduce(terms.reshape(-1)))


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
    """

    target: str
    output_activation: str

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


class SquaredError(Loss):
    """factor · Σ_outputs (ŷ − y)² with ŷ = f(z), f any activation function.

    With a factor of ½ the derivative by ŷ is the residual ŷ − y itself; with 1 it is twice it.
    """

    def __init__(self, target: str, output_activation: str, *, factor: float) -> None:
        self.target = target
        self.output_activation = output_activation
        self.factor = factor
        self._activation = ACTIVATIONS[output_activation]

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

    def inverse_link(self, raw_prediction: np.ndarray, scratch: np.ndarray) -> None:
        self._activation.apply(raw_prediction, scratch)


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
        out *= -2.0
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
        z, flat = raw_prediction, raw_prediction.reshape(-1)
        starts = _row_starts(z)
        true = starts + y_true
        top = z.argmax(axis=1)
        top += starts
        z -= flat.take(top)[:, np.newaxis]
        z_true = flat.take(true)
        np.exp(z, out=z)
        # Σ exp(z) = 1 + the others', whose log1p keeps what is small beside the 1.
        flat[top] = 0.0
        total = z.dot(_ones(z.shape[1], z.dtype))
        losses = np.log1p(total)
        losses -= z_true
        flat[top] = 1.0
        total += 1.0
        # scale · p, and less scale for the true class
        np.divide(scale, total, out=total)
        np.multiply(z, total[:, np.newaxis], out=out)
        out.reshape(-1)[true] -= scale
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


LOSSES: dict[str, Callable[[str, str], Loss]] = {
    "half_squared_error": partial(SquaredError, factor=0.5),
    "squared_error": partial(SquaredError, factor=1.0),
    "log_loss": _log_loss,
}
"""Name -> function of (target, output_activation) that makes the loss."""
