"""Activation functions: values and derivatives in extended precision, at 0, at the extremes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from skbackprop._core.activations import ACTIVATIONS


class Formula(NamedTuple):
    """f and f', and the size of the values to which an error is held: 0 for the true one."""

    value: Callable
    derivative: Callable
    value_floor: float = 0.0
    derivative_floor: float = 0.0


# A sigmoid by way of tanh, and 1 - a² or a(1 - a), are exact in absolute terms only.
FORMULAS = {
    "identity": Formula(lambda z: z, np.ones_like),
    "sigmoid": Formula(
        lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2, 1.0, 1.0
    ),
    "softplus": Formula(
        lambda z: np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))),
        lambda z: np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z))),
    ),
    "tanh": Formula(np.tanh, lambda z: 1 / np.cosh(z) ** 2, 0.0, 1.0),
    "relu": Formula(lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype)),
}
# As far down as exp(z) is a normal number.
LOWEST = {np.float32: -87.0, np.float64: -700.0}

each_name = pytest.mark.parametrize("name", ACTIVATIONS)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def apply(name, z):
    a = z.copy()
    ACTIVATIONS[name].apply(a, np.full_like(a, np.nan))
    return a


def multiply_derivative(name, a, delta):
    delta = delta.copy()
    ACTIVATIONS[name].multiply_derivative(a.copy(), delta)
    return delta


def weighted_sums(dtype):
    lowest = LOWEST[dtype]
    small = np.logspace(-6, 0, 50)
    z = np.concatenate(
        [np.linspace(-8, 8, 1001), np.linspace(lowest, -lowest, 1001), -small, small]
    )
    return z.astype(dtype)


def largest_error(got, true, floor):
    size = np.abs(true) + floor
    # A true value of 0 leaves no room: any other is an infinite error.
    error = np.abs(got - true)
    return np.divide(error, size, out=np.where(error > 0, np.inf, 0.0), where=size > 0).max()


@each_dtype
@each_name
def test_values_to_rounding(name, dtype):
    formula = FORMULAS[name]
    z = weighted_sums(dtype)
    error = largest_error(
        apply(name, z), formula.value(z.astype(np.longdouble)), formula.value_floor
    )
    assert error <= 4 * np.finfo(dtype).eps


@each_dtype
@each_name
def test_derivatives_to_rounding(name, dtype):
    formula = FORMULAS[name]
    z = weighted_sums(dtype)
    derivative = multiply_derivative(name, apply(name, z), np.ones_like(z))
    true = formula.derivative(z.astype(np.longdouble))
    assert largest_error(derivative, true, formula.derivative_floor) <= 4 * np.finfo(dtype).eps


@each_name
def test_derivative_multiplies(name):
    a = apply(name, weighted_sums(np.float64))
    delta = np.random.default_rng(0).normal(size=a.shape)
    expected = delta * multiply_derivative(name, a, np.ones_like(a))
    np.testing.assert_allclose(multiply_derivative(name, a, delta), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [(np.float32, 1e3), (np.float32, 1e30), (np.float64, 1e3), (np.float64, 1e300)],
)
@pytest.mark.parametrize(
    ("name", "values", "derivatives"),
    [
        ("identity", (-1, 1), (1, 1)),
        ("sigmoid", (0, 1), (0, 0)),
        ("softplus", (0, 1), (0, 1)),
        ("tanh", (-1, 1), (0, 0)),
        ("relu", (0, 1), (0, 1)),
    ],
)
def test_limits(name, values, derivatives, dtype, size):
    z = np.array([-size, size], dtype=dtype)
    a = apply(name, z)
    unit = 1 if name in ("sigmoid", "tanh") else z[1]
    np.testing.assert_array_equal(a, np.array(values) * unit)
    np.testing.assert_array_equal(multiply_derivative(name, a, np.ones_like(a)), derivatives)


@each_name
def test_rest_is_the_value_at_zero(name):
    assert ACTIVATIONS[name].at_zero == apply(name, np.zeros(1))[0]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_bounded_says_whether_there_is_a_largest_value(name):
    z = np.array([[-1e6, 1e6]])
    ACTIVATIONS[name].apply(z, np.empty_like(z))
    assert ACTIVATIONS[name].bounded == (np.abs(z).max() <= 1.0)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_steepest_is_the_largest_derivative(name):
    for activation in (ACTIVATIONS[name], ACTIVATIONS[name].conditioned):
        if activation is not None:
            z = np.linspace(-40.0, 40.0, 8001)
            derivatives = np.ones_like(z)
            activation.apply(z, np.empty_like(z))
            activation.multiply_derivative(z, derivatives)
            assert activation.steepest == pytest.approx(np.abs(derivatives).max(), rel=1e-6)
