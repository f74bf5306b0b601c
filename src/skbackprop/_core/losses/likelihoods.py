"""Negative log-likelihoods: of labels, of classes and of counts."""

from functools import lru_cache

import numpy as np

from skbackprop._core.activations import scalar
from skbackprop._core.losses.base import Loss, row_starts, weight_rows, weighted_sum


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
        # With m = (1 - 2 y) z, which is z on the wrong side of 0 and -z on the right one, the loss
        # is log(1 + exp(m)) and its derivative by m is -expm1(-loss). The six calls of softplus
        # take several times as long on a batch of few outputs.
        m = raw_prediction
        np.multiply(y_true, scalar(-2.0, out.dtype), out=out)
        out += scalar(1.0, out.dtype)
        m *= out
        np.logaddexp(scalar(0.0, m.dtype), m, out=m)
        value = weighted_sum(m, sample_weight)
        np.negative(m, out=m)
        np.expm1(m, out=m)
        out *= m
        out *= -scale
        weight_rows(out, sample_weight)
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


@lru_cache(maxsize=8)
def _ones(n: int, dtype: np.dtype) -> np.ndarray:
    ones = np.ones(n, dtype=dtype)
    ones.flags.writeable = False
    return ones


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
        flat, n_classes, starts = z.reshape(-1), z.shape[1], row_starts(z)
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
        weight_rows(out, sample_weight)
        return weighted_sum(losses, sample_weight)

    def inverse_link(self, raw_prediction: np.ndarray, scratch: np.ndarray) -> None:
        z, row = raw_prediction, scratch[:, :1]
        np.max(z, axis=1, keepdims=True, out=row)
        z -= row
        np.exp(z, out=z)
        np.sum(z, axis=1, keepdims=True, out=row)
        z /= row


def log_loss(target: str, output_activation: str) -> Loss:
    """The log-loss of class codes (softmax) or of a matrix of zeros and ones (sigmoids)."""
    loss = MultinomialLogLoss() if target == "codes" else BinaryLogLoss()
    if output_activation != loss.output_activation:
        raise ValueError(
            f"The log-loss of a target of {target} has the output activation "
            f"{loss.output_activation!r}, not {output_activation!r}."
        )
    return loss


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
        value = weighted_sum(out, sample_weight)
        np.exp(z, out=out)
        value += weighted_sum(out, sample_weight)
        out -= y_true
        out *= scale
        weight_rows(out, sample_weight)
        return value

    def inverse_link(self, raw_prediction: np.ndarray, scratch: np.ndarray) -> None:
        limits = np.finfo(raw_prediction.dtype)
        np.exp(raw_prediction, out=raw_prediction)
        np.clip(raw_prediction, limits.tiny, limits.max, out=raw_prediction)


def poisson(target: str, output_activation: str) -> Loss:
    if (target, output_activation) not in (("matrix", "identity"), ("matrix", "exp")):
        raise ValueError(
            "output_activation must be 'identity' under loss='poisson', whose prediction is the "
            f"exponential of the last weighted sums; got {output_activation!r}."
        )
    return Poisson()
