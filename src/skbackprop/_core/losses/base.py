"""What a loss is."""

from collections.abc import Callable
from copy import copy
from functools import partial

import numpy as np

from skbackprop._core.activations import ACTIVATIONS, Activation

softplus = ACTIVATIONS["softplus"].apply


def weighted_sum(terms: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Sum of `terms` of shape (n_rows,) or (n_rows, n_outputs), each row times its weight."""
    if sample_weight is not None:
        terms = sample_weight.dot(terms)
    return float(np.add.reduce(terms, axis=None))


def row_starts(matrix: np.ndarray) -> np.ndarray:
    """Positions in the flat `matrix` at which its rows start."""
    return np.arange(0, matrix.size, matrix.shape[1])


def weight_rows(gradient: np.ndarray, sample_weight: np.ndarray | None) -> None:
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
    softplus(z, scratch)
    z /= scale


def _scaled_softplus_derivative(scale: np.ndarray, a: np.ndarray, delta: np.ndarray) -> None:
    a *= scale
    ACTIVATIONS["softplus"].multiply_derivative(a, delta)
