"""Prediction over any number of rows in bounded memory."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.network import Layer, Network
from skbackprop._core.rows import Inputs
from skbackprop._core.tails import NO_TAILS, Tails

FromRaw = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""``from_raw(raw_prediction, scratch)`` makes a chunk of predictions, and may overwrite both."""


def predict_rows(
    X: Any,
    coefs: Sequence[np.ndarray],
    intercepts: Sequence[np.ndarray],
    activations: Sequence[str],
    input_shift: np.ndarray,
    from_raw: FromRaw,
    *,
    tails: Tails = NO_TAILS,
    check_raw: bool = False,
) -> np.ndarray:
    """Go forward through layers that act on raw X with long tails tamed, chunk by chunk.

    The results must be finite; with `check_raw` what they are made of must.
    """
    sizes = [coefs[0].shape[0], *(coef.shape[1] for coef in coefs)]
    network = Network(sizes, [ACTIVATIONS[name] for name in activations])
    result = np.empty(0)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        shift, first_intercept = None, intercepts[0]
        if X.dtype == np.float32 and isinstance(X, np.ndarray):
            # x W + b = (x − c) W + (b + c W): the first form loses the digits that x and c share.
            shift = input_shift.astype(X.dtype).astype(np.float64)
            first_intercept = first_intercept + shift @ coefs[0].astype(np.float64)
        inputs = Inputs(X, 0, tails=tails, shift=shift)
        layers = list(map(Layer, coefs, [first_intercept, *intercepts[1:]]))
        for rows, raw_prediction, scratch in network.forward_in_chunks(layers, inputs):
            if check_raw:
                _check_range(raw_prediction, rows)
            part = from_raw(raw_prediction, scratch)
            if not check_raw:
                _check_range(part, rows)
            if rows.start == 0:
                result = np.empty((X.shape[0], *part.shape[1:]), dtype=part.dtype)
            result[rows] = part
    return result


def _check_range(results: np.ndarray, rows: slice) -> None:
    """Refuse rows that the weights of a fit to other numbers take out of the range of floats."""
    finite = np.isfinite(results)
    if not finite.all():
        place = np.unravel_index(finite.argmin(), results.shape)
        raise ValueError(
            f"X must have results within the range of {results.dtype}; row {rows.start + place[0]} "
            f"has {results[place]}. Either it has missing values, or its numbers are far beyond "
            "those that the network was fitted to, or the weights are too large."
        )
