"""A layer in one step of gradient descent, and the names and symbols of its weights."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from skbackprop.inspection import _notation as notation


@dataclass(frozen=True)
class LayerStep:
    """A layer in one step of gradient descent. All arrays are float64.

    The weights are those of the network on raw `X`, and J is the objective in units of raw `y`.

    Attributes
    ----------
    number : int
        1 for the first layer after the input.
    activation : str
        Name of the activation function f.
    inputs : ndarray of shape (n_rows, fan_in)
        Activations of the layer before; for layer 1, `X`.
    z, a : ndarray of shape (n_rows, fan_out)
        Weighted sums, and activations a = f(z). For the last layer `a` are the predictions;
        several quantiles are not sorted as `predict` sorts them.
    derivative : ndarray of shape (n_rows, fan_out)
        f'(z). NaN in the last layer if the loss has ∂J/∂z as a whole.
    delta : ndarray of shape (n_rows, fan_out)
        δ = ∂J/∂z of each row.
    coef, coef_gradient, coef_penalty, coef_change, new_coef : ndarray of shape (fan_in, fan_out)
        The weights, ∂J/∂w, the penalty's part of ∂J/∂w, the change by the step, and the weights
        after the step.
    intercept, intercept_gradient, intercept_change, new_intercept : ndarray of shape (fan_out,)
        The same for the intercepts, which have no penalty; None without intercepts.
    """

    number: int
    activation: str
    inputs: np.ndarray
    z: np.ndarray
    a: np.ndarray
    derivative: np.ndarray
    delta: np.ndarray
    coef: np.ndarray
    coef_gradient: np.ndarray
    coef_penalty: np.ndarray
    coef_change: np.ndarray
    intercept: np.ndarray | None
    intercept_gradient: np.ndarray | None
    intercept_change: np.ndarray | None

    @property
    def new_coef(self) -> np.ndarray:
        return self.coef + self.coef_change

    @property
    def new_intercept(self) -> np.ndarray | None:
        if self.intercept is None or self.intercept_change is None:
            return None
        return self.intercept + self.intercept_change


_ACCEPTED = "a string like 'coefs[0][1, 0]' or 'intercepts[0][1]'"
_NAME = r"(?:coefs_?\[(\d+)\]\[(\d+), *(\d+)\]|intercepts_?\[(\d+)\]\[(\d+)\])"


class Weight(NamedTuple):
    """The place of a coefficient, or of an intercept if `before` is None, counted from 0."""

    depth: int
    before: int | None
    unit: int

    @classmethod
    def named(cls, name: Any, layers: list[LayerStep]) -> "Weight":
        """The weight called ``"coefs[l][i, j]"`` or ``"intercepts[l][j]"``."""
        if not isinstance(name, str):
            raise TypeError(f"weight must be {_ACCEPTED}; got {name!r}.")
        match = re.fullmatch(_NAME, name.strip())
        if match is None:
            raise ValueError(f"weight must be {_ACCEPTED}; got {name!r}.")
        depth, *at = (int(number) for number in match.groups() if number is not None)
        weight = cls(depth, at[0] if len(at) == 2 else None, at[-1])
        if depth >= len(layers):
            raise ValueError(f"weight must be of one of {len(layers)} layers; got {name!r}.")
        array = layers[depth].intercept if weight.before is None else layers[depth].coef
        if array is None:
            raise ValueError(f"weight must be in coefs with fit_intercept=False; got {name!r}.")
        if any(i >= size for i, size in zip(at, array.shape, strict=True)):
            of = f"{weight.kind}[{depth}]"
            raise ValueError(f"weight must be in {of}, of shape {array.shape}; got {name!r}.")
        return weight

    @property
    def kind(self) -> str:
        return "intercepts" if self.before is None else "coefs"

    @property
    def at(self) -> tuple[int, ...]:
        return (self.unit,) if self.before is None else (self.before, self.unit)

    @property
    def name(self) -> str:
        return f"{self.kind}[{self.depth}][{', '.join(map(str, self.at))}]"

    @property
    def symbol(self) -> str:
        letter = "b" if self.before is None else "w"
        return notation.symbol(letter, self.depth + 1, *(number + 1 for number in self.at))


def weights_of(layer: LayerStep) -> Iterator[tuple[Weight, float, float, float]]:
    """Each weight of the layer with its value, gradient and change."""
    places: list[Iterable[tuple[int | None, int]]] = [np.ndindex(layer.coef.shape)]
    of_coefs = layer.coef, layer.coef_gradient, layer.coef_change
    numbers = np.reshape(of_coefs, (3, layer.coef.size))
    if layer.intercept is not None:
        places.append((None, unit) for unit in range(len(layer.intercept)))
        of_intercepts = layer.intercept, layer.intercept_gradient, layer.intercept_change
        numbers = np.hstack([numbers, np.array(of_intercepts)])
    of_weights = zip(chain.from_iterable(places), *numbers.tolist(), strict=True)
    for (before, unit), value, gradient, change in of_weights:
        yield Weight(layer.number - 1, before, unit), value, gradient, change
