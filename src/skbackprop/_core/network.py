"""The network: layer shapes, views into the parameters, buffers, forward and backward pass."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from skbackprop._core.activations import Activation


class Layer(NamedTuple):
    """Parameters of one layer: z = x @ coef + intercept."""

    coef: np.ndarray  # (fan_in, fan_out)
    intercept: np.ndarray | None  # (fan_out,)


def are_finite(layers: Sequence[Layer]) -> bool:
    """Whether all parameters of the layers are finite."""
    return all(np.isfinite(part).all() for layer in layers for part in layer if part is not None)


class Buffers(NamedTuple):
    """Working memory of a pass over up to `n_rows` rows, one array (n_rows, fan_out) a layer."""

    outputs: list[np.ndarray]
    """Activations of the hidden layers, and last the raw prediction."""
    deltas: list[np.ndarray]
    """Derivatives of the loss by the weighted sums; scratch during the forward pass."""
    ones: np.ndarray
    """Shape (n_rows,): the input that intercepts are the weights of."""

    def head(self, n_rows: int) -> "Buffers":
        """Views of the first `n_rows` rows."""
        return Buffers(
            [a[:n_rows] for a in self.outputs],
            [d[:n_rows] for d in self.deltas],
            self.ones[:n_rows],
        )


class Network:
    """A feed-forward network; owns neither parameters nor data.

    The parameters are one flat vector: the coefficients of all layers, row by row, then the
    intercepts of all layers, so that the penalised ones are a slice.

    Parameters
    ----------
    layer_sizes : sequence of int
        Number of inputs, of units of each hidden layer, and of outputs.
    activations : sequence of Activation
        One a hidden layer.
    fit_intercept : bool
        Whether the layers have intercepts.
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        activations: Sequence[Activation],
        *,
        fit_intercept: bool = True,
    ) -> None:
        self.shapes = list(pairwise(layer_sizes))
        self.activations = list(activations)
        self.fit_intercept = fit_intercept
        self.n_coefs = sum(fan_in * fan_out for fan_in, fan_out in self.shapes)
        self.n_params = self.n_coefs + fit_intercept * sum(layer_sizes[1:])

    def layers(self, flat: np.ndarray) -> list[Layer]:
        """Views of the flat vector `flat`, one `Layer` each."""
        layers = []
        coef_start, intercept_start = 0, self.n_coefs
        for fan_in, fan_out in self.shapes:
            coef_stop = coef_start + fan_in * fan_out
            coef = flat[coef_start:coef_stop].reshape(fan_in, fan_out)
            coef_start = coef_stop
            intercept = None
            if self.fit_intercept:
                intercept = flat[intercept_start : intercept_start + fan_out]
                intercept_start += fan_out
            layers.append(Layer(coef, intercept))
        return layers

    def initial_params(
        self, rng: np.random.Generator, dtype: np.dtype, start: np.ndarray | float = 0.0
    ) -> np.ndarray:
        """Coefficients uniform in ±gain · √(6 / (fan_in + fan_out)), intercepts 0 or `start`.

        The normalised initialisation of Glorot and Bengio (2010), equation 16, which is for units
        whose derivative at 0 is 1, times the gain of the layer's activation and, in hidden
        layers, the gain after that of the layer before. The output layer has no gain;
        its intercepts are `start`.
        """
        params = np.zeros(self.n_params, dtype=dtype)
        layers = self.layers(params)
        for (coef, _), bound in zip(layers, self.initial_bounds(), strict=True):
            coef[...] = rng.uniform(-bound, bound, size=coef.shape)
        intercept = layers[-1].intercept
        if intercept is not None:
            intercept[...] = start
        return params

    def initial_bounds(self) -> list[float]:
        """Bounds of the initial coefficients of each layer."""
        gains_after = [1.0, *(activation.gain_after for activation in self.activations)]
        gains = [a.gain * after for a, after in zip(self.activations, gains_after, strict=False)]
        return [
            float(gain * np.sqrt(6.0 / sum(shape)))
            for shape, gain in zip(self.shapes, [*gains, 1.0], strict=True)
        ]

    def buffers(self, n_rows: int, dtype: np.dtype) -> Buffers:
        """Working memory for `n_rows` rows."""
        sizes = [fan_out for _, fan_out in self.shapes]
        return Buffers(
            [np.empty((n_rows, size), dtype=dtype) for size in sizes],
            [np.empty((n_rows, size), dtype=dtype) for size in sizes],
            np.ones(n_rows, dtype=dtype),
        )

    def forward(self, layers: Sequence[Layer], X: Any, buffers: Buffers) -> np.ndarray:
        """Fill `buffers.outputs` layer by layer; return the last, the raw prediction.

        `X` is an array or what has its shape and, as its transpose has, ``dot(array, out=)``.
        """
        a = X
        for depth, (coef, intercept) in enumerate(layers):
            z = buffers.outputs[depth]
            a.dot(coef, out=z)
            if intercept is not None:
                z += intercept
            if depth < len(self.activations):
                self.activations[depth].apply(z, buffers.deltas[depth])
            a = z
        return a

    def backward(
        self,
        layers: Sequence[Layer],
        X: Any,
        buffers: Buffers,
        gradients: Sequence[Layer],
    ) -> None:
        """Fill `gradients` from the last of `buffers.deltas`, going back layer by layer.

        With a the input of a layer and δ the derivative of the loss by its weighted sums:
        ∂/∂coef = aᵀ δ, ∂/∂intercept = Σ_rows δ, and the layer before has
        δ' = (δ coefᵀ) ∘ f'(z'). The activations are used up.
        """
        for depth in reversed(range(len(layers))):
            delta = buffers.deltas[depth]
            gradient = gradients[depth]
            a = buffers.outputs[depth - 1] if depth else X
            a.T.dot(delta, out=gradient.coef)
            if gradient.intercept is not None:
                buffers.ones.dot(delta, out=gradient.intercept)
            if depth:
                delta_before = buffers.deltas[depth - 1]
                delta.dot(layers[depth].coef.T, out=delta_before)
                self.activations[depth - 1].multiply_derivative(a, delta_before)

    def forward_in_chunks(
        self, layers: Sequence[Layer], X: Any
    ) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Go forward over any number of rows in bounded memory.

        Yields for each chunk its rows, its raw prediction and scratch of the same shape; both
        are overwritten by the next chunk.
        """
        n_rows = X.shape[0]
        chunk = min(n_rows, max(1, _CHUNK_ELEMENTS // sum(size for _, size in self.shapes)))
        buffers = self.buffers(chunk, np.result_type(X.dtype, layers[0].coef.dtype))
        for start in range(0, n_rows, chunk):
            rows = slice(start, min(start + chunk, n_rows))
            part = buffers if rows.stop - start == chunk else buffers.head(rows.stop - start)
            yield rows, self.forward(layers, X[rows], part), part.deltas[-1]


# Elements of the activations of one chunk: in float64 they and their deltas take 4 MB.
_CHUNK_ELEMENTS = 2**18
