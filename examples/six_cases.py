"""Six cases, from no hidden layer to two: every path from a weight to the cost.

Two inputs; no, one or two hidden layers of two units; one output or two; sigmoids, and a bias for
each layer. The cost is J = ½ Σ (o − t)², and a step is w ← w − γ ∂J/∂w. Without a hidden
layer each weight acts on J by one path. A weight below a hidden layer has a path for each output,
one below two hidden layers has them for each unit of the second: four in case 6. Its derivative is
the sum over the paths, and on each path the product of the factors along it. Backpropagation adds
up once a unit what the paths share, which gives the deltas in the circles: a line's derivative is
the activation at its left end times the delta at its right end.

The script prints the chain rule of case 6 for the weight from x₁ to h₁ of the first hidden layer,
and draws the gradients of all six cases.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from _pictures import run
from _textbook import TEXTBOOK

from skbackprop import BackpropRegressor
from skbackprop.inspection import NetworkDisplay, trace_step

X, TARGETS = [[0.35, 0.9]], [[0.5, 0.1]]
CASES = [(hidden, n_outputs) for hidden in ((), (2,), (2, 2)) for n_outputs in (1, 2)]


def first_step(hidden_layer_sizes, n_outputs):
    """Trace the first step of a case, from weights drawn between −1 and 1."""
    rng = np.random.default_rng(0)
    sizes = [2, *hidden_layer_sizes, n_outputs]
    network = BackpropRegressor(
        hidden_layer_sizes, output_activation="sigmoid", learning_rate=0.5, **TEXTBOOK
    )
    return trace_step(
        network,
        X,
        [TARGETS[0][:n_outputs]],
        coefs=[rng.uniform(-1, 1, shape) for shape in pairwise(sizes)],
        intercepts=[rng.uniform(-1, 1, size) for size in sizes[1:]],
    )


def chains():
    """Print the paths of each case, and all factors of the last."""
    for number, case in enumerate(CASES, start=1):
        chain = first_step(*case).chain("coefs[0][0, 0]")
        print(f"Case {number}: ∂J/∂w = {chain.value:9.6f}, paths to J: {len(chain.paths)}")
    print(f"\n{chain}")


def gradients():
    """The six networks, with their activations, deltas and derivatives."""
    figure, axes = plt.subplots(3, 2, figsize=(11, 11.4))
    figure.subplots_adjust(left=0, bottom=0.07, right=1, top=0.97, wspace=0, hspace=0.14)
    for number, (case, axis) in enumerate(zip(CASES, axes.flat, strict=True), start=1):
        trace = first_step(*case)
        NetworkDisplay.from_trace(trace, ax=axis)
        axis.set_title(f"Case {number}: J = {trace.value:.4f}")
        if axis not in axes[-1]:
            axis.get_legend().remove()
    return figure


def last_case():
    """Case 6 by itself."""
    return NetworkDisplay.from_trace(first_step(*CASES[-1])).figure_


if __name__ == "__main__":
    run(__doc__, chains, gradients, last_case)
