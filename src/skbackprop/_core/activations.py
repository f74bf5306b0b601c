"""Activation functions of the units: each a value and a derivative, both computed in place.

A derivative is written in terms of the *output* a = f(z) alone, so that a layer keeps one
buffer, its activations, between the forward and the backward pass.

A new activation is one `Activation` and one line in `ACTIVATIONS`; the tests find it there.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np


class Activation(NamedTuple):
    """An activation function f as operations on buffers.

    Attributes
    ----------
    apply : callable
        ``apply(z, scratch)`` replaces the weighted sums `z` by f(z). `scratch` has the shape
        and dtype of `z` and may be overwritten.
    multiply_derivative : callable
        ``multiply_derivative(a, delta)`` multiplies `delta` by f'(z), given ``a = f(z)``, and
        may overwrite `a`.
    at_zero : float
        f(0), the activation of a unit whose weighted sum is 0.
    low, high : float
        Bounds of f.
    inverse : callable or None
        f⁻¹ of an array of values between the bounds; None for the identity.
    conditioned : Activation or None
        (f − at_zero) / scale, for descent in conditioned coordinates; None where it is f itself.
    scale : float
        Scale of the conditioned activation.
    homogeneous : bool
        Whether f(c z) = c f(z) for c > 0, so that outputs can be scaled as their targets are.
    gain : float
        Factor of the scale of the initial weights of units with this activation.
    gain_after : float
        Factor of that of a hidden layer that is fed by such units: 1 over what the weights and
        the slope of this layer leave of a signal, so that it reaches the end of a deep network.
    spread : float
        Deviation of the initial intercepts of the first layer, in units of the length of the
        coefficients of their unit.
    steepest : float
        Largest f'.
    derivative_formula : str
        f' in LaTeX, for the traces. ``{a}`` and ``{z}`` stand for the symbols of a unit.
    """

    apply: Callable[[np.ndarray, np.ndarray], None]
    multiply_derivative: Callable[[np.ndarray, np.ndarray], None]
    at_zero: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    inverse: Callable[[np.ndarray], np.ndarray] | None = None
    conditioned: "Activation | None" = None
    scale: float = 1.0
    homogeneous: bool = False
    gain: float = 1.0
    gain_after: float = 1.0
    spread: float = 1.4
    steepest: float = 1.0
    derivative_formula: str = "f'({z})"

    @property
    def bounded(self) -> bool:
        """Whether f has a largest and a smallest value."""
        return math.isfinite(self.high - self.low)

    @property
    def one_sided(self) -> bool:
        """Whether f has one bound."""
        return math.isfinite(self.low) != math.isfinite(self.high)


_LOG_2 = math.log(2.0)


@lru_cache(maxsize=64)
def scalar(value: float, dtype: np.dtype) -> np.ndarray:
    """The number as an array without dimensions, read-only.

    Operations on few elements take twice as long with a number, which each converts anew.
    """
    array = np.array(value, dtype=dtype)
    array.flags.writeable = False
    return array


def _identity(z: np.ndarray, scratch: np.ndarray) -> None:
    pass


def _identity_derivative(a: np.ndarray, delta: np.ndarray) -> None:
    pass


def _sigmoid(z: np.ndarray, scratch: np.ndarray) -> None:
    # 1 / (1 + exp(-z)) = (1 + tanh(z/2)) / 2, which never overflows.
    half = scalar(0.5, z.dtype)
    z *= half
    np.tanh(z, out=z)
    z *= half
    z += half


def _sigmoid_derivative(a: np.ndarray, delta: np.ndarray) -> None:
    # f' = a (1 - a)
    delta *= a
    np.subtract(scalar(1.0, a.dtype), a, out=a)
    delta *= a


def _inverse_sigmoid(a: np.ndarray) -> np.ndarray:
    inverse: np.ndarray = np.log(a) - np.log1p(-a)
    return inverse


def _conditioned_sigmoid(z: np.ndarray, scratch: np.ndarray) -> None:
    # (1 / (1 + exp(-z)) - 1/2) / 2 = 1 / (2 + exp(log 2 - z)) - 1/4; exp takes a third of the time
    # of tanh in float64. Where it overflows, 1 / inf is the right limit.
    np.subtract(scalar(_LOG_2, z.dtype), z, out=z)
    np.exp(z, out=z)
    z += scalar(2.0, z.dtype)
    np.reciprocal(z, out=z)
    z -= scalar(0.25, z.dtype)


def _conditioned_sigmoid_derivative(a: np.ndarray, delta: np.ndarray) -> None:
    # f' = (1/2 + 2 a) (1/2 - 2 a) / 2 = 1/8 - 2 a²
    np.square(a, out=a)
    a *= scalar(-2.0, a.dtype)
    a += scalar(0.125, a.dtype)
    delta *= a


def _softplus(z: np.ndarray, scratch: np.ndarray) -> None:
    # log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)), which never overflows.
    np.abs(z, out=scratch)
    np.negative(scratch, out=scratch)
    np.exp(scratch, out=scratch)
    np.log1p(scratch, out=scratch)
    np.maximum(z, scalar(0.0, z.dtype), out=z)
    z += scratch


def _softplus_derivative(a: np.ndarray, delta: np.ndarray) -> None:
    # f' = 1 / (1 + exp(-z)) = 1 - exp(-a) = -expm1(-a)
    np.negative(a, out=a)
    np.expm1(a, out=a)
    delta *= a
    np.negative(delta, out=delta)


def _inverse_softplus(a: np.ndarray) -> np.ndarray:
    # log(exp(a) - 1), which never overflows.
    inverse: np.ndarray = a + np.log(-np.expm1(-a))
    return inverse


def _conditioned_softplus(z: np.ndarray, scratch: np.ndarray) -> None:
    # (max(z, 0) + log(1 + exp(-|z|)) - log 2) / 2. What log loses of a small exp(-|z|), where log1p
    # does not, is lost beside log 2 as well; it takes a quarter of the time in float32.
    np.abs(z, out=scratch)
    np.negative(scratch, out=scratch)
    np.exp(scratch, out=scratch)
    scratch += scalar(1.0, z.dtype)
    np.log(scratch, out=scratch)
    np.maximum(z, scalar(0.0, z.dtype), out=z)
    z += scratch
    z -= scalar(_LOG_2, z.dtype)
    z *= scalar(0.5, z.dtype)


def _conditioned_softplus_derivative(a: np.ndarray, delta: np.ndarray) -> None:
    # f' = (1 - exp(-(2 a + log 2))) / 2 = 1/2 - exp(-2 a) / 4
    a *= scalar(-2.0, a.dtype)
    np.exp(a, out=a)
    a *= scalar(-0.25, a.dtype)
    a += scalar(0.5, a.dtype)
    delta *= a


def _tanh(z: np.ndarray, scratch: np.ndarray) -> None:
    np.tanh(z, out=z)


def _tanh_derivative(a: np.ndarray, delta: np.ndarray) -> None:
    # f' = 1 - a²
    np.square(a, out=a)
    np.subtract(scalar(1.0, a.dtype), a, out=a)
    delta *= a


def _relu(z: np.ndarray, scratch: np.ndarray) -> None:
    np.maximum(z, scalar(0.0, z.dtype), out=z)


def _relu_derivative(a: np.ndarray, delta: np.ndarray) -> None:
    # f' = 1 where a > 0, else 0
    np.sign(a, out=a)
    delta *= a


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(
        _identity, _identity_derivative, homogeneous=True, derivative_formula="1"
    ),
    "sigmoid": Activation(
        _sigmoid,
        _sigmoid_derivative,
        at_zero=0.5,
        low=0.0,
        high=1.0,
        inverse=_inverse_sigmoid,
        # Its slope at 0 is 1/8.
        conditioned=Activation(
            _conditioned_sigmoid,
            _conditioned_sigmoid_derivative,
            gain=4.0,
            gain_after=2.0,
            steepest=0.125,
        ),
        scale=2.0,
        steepest=0.25,
        derivative_formula="{a}(1-{a})",
    ),
    "softplus": Activation(
        _softplus,
        _softplus_derivative,
        at_zero=_LOG_2,
        low=0.0,
        inverse=_inverse_softplus,
        # Its slope is 1/4 at 0, which asks for a product of 4 a layer, and in the mean of
        # squares 1/8 of a wide signal, which asks for 2√2; between them by trial, of 2 to 12
        # layers. The gain of a first layer, which has no layer before it, is by trial on tables.
        conditioned=Activation(
            _conditioned_softplus,
            _conditioned_softplus_derivative,
            gain=1.0,
            gain_after=3.5,
            spread=0.7,
            steepest=0.5,
        ),
        scale=2.0,
        derivative_formula=r"(1-\exp(-{a}))",
    ),
    "tanh": Activation(
        _tanh,
        _tanh_derivative,
        low=-1.0,
        high=1.0,
        inverse=np.arctanh,
        derivative_formula="(1-({a})^2)",
    ),
    "relu": Activation(
        _relu,
        _relu_derivative,
        low=0.0,
        inverse=np.positive,
        homogeneous=True,
        derivative_formula="[{a}>0]",
    ),
}
