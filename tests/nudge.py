"""What another machine would compute: inputs and products that differ in their last digit.

Processors and BLAS libraries differ in rounding and in the order of sums. With ``--nudge SEED`` the
numbers that estimators are given, and the activations, raw predictions and gradients that networks
compute, are moved by one unit in the last place, up, down or not at all. Which way depends on the
number and the seed alone: equal numbers stay equal, and a repeated calculation has the same result.

Tests marked ``given_numbers`` are about the very numbers they give: their inputs stay. Those marked
``not_nudged`` compare with another process, or hold for any rounding: nothing of them moves.
"""

import functools

import numpy as np
from scipy import sparse

from skbackprop._core.network import Network
from skbackprop._estimators import check_data, in_memory, regressor

_BITS = {np.dtype(np.float32): np.uint32, np.dtype(np.float64): np.uint64}


@np.errstate(all="ignore")
def nudged(array, seed):
    """A copy whose numbers are one unit in the last place higher, lower, or as they were."""
    bits = array.view(_BITS[array.dtype]).astype(np.uint64)
    bits += np.uint64(seed)
    # The mixing of SplitMix64 (Steele, Lea and Flood, 2014).
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    way = (bits >> np.uint64(33)) % np.uint64(3)
    towards = np.choose(way.astype(np.intp), [array, np.inf, -np.inf]).astype(array.dtype)
    moved = np.nextafter(array, towards)
    # Zeros are structure, and what is finite must stay so, and what is not, too.
    kept = (array == 0.0) | ~np.isfinite(array) | ~np.isfinite(moved)
    return np.where(kept, array, moved)


def _nudge(value, seed):
    if isinstance(value, np.ndarray) and value.dtype in _BITS and value.size:
        return nudged(np.ascontiguousarray(value), seed)
    if sparse.issparse(value) and value.dtype in _BITS:
        value = value.copy()
        value.data = nudged(value.data, seed)
    return value


def install(seed, monkeypatch, *, inputs=True):
    """Nudge what networks compute and, if `inputs`, what estimators are given."""

    def nudging(function):
        @functools.wraps(function)
        def result(*args, **kwargs):
            return _nudge(function(*args, **kwargs), seed)

        return result

    if inputs:
        for module in (check_data, in_memory):
            monkeypatch.setattr(module, "check_inputs", nudging(check_data.check_inputs))
        for module in (check_data, regressor):
            monkeypatch.setattr(module, "check_numbers", nudging(check_data.check_numbers))
    forward, backward = Network.forward, Network.backward

    def nudged_forward(self, layers, X, buffers):
        raw_prediction = forward(self, layers, X, buffers)
        for outputs in buffers.outputs[: len(layers)]:
            outputs[...] = _nudge(outputs, seed)
        return raw_prediction

    def nudged_backward(self, layers, X, buffers, gradients):
        backward(self, layers, X, buffers, gradients)
        for layer in gradients:
            for part in layer:
                if part is not None:
                    part[...] = _nudge(part, seed)

    monkeypatch.setattr(Network, "forward", nudged_forward)
    monkeypatch.setattr(Network, "backward", nudged_backward)
