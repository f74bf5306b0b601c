"""
Six cases: every path from a weight to the cost
===============================================

The networks have two inputs, up to two hidden layers of two units, and one or two outputs. All
units are sigmoids, and each layer has a bias. The cost is J = ½ Σ (o − t)², and a step is
w ← w − γ ∂J/∂w.

Without a hidden layer, there is one path from each weight to J. Below one hidden layer, there is
one path for each output. Below two hidden layers, each of these paths splits over the two units of
the second layer: case 6 has four paths. The derivative is the sum over the paths, and each path
contributes the product of the factors along it.

Backpropagation computes what the paths share only once for each unit. These are the deltas in the
circles. The derivative of a line is the activation at its left end times the delta at its right
end.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from skbackprop import BackpropRegressor
from skbackprop.inspection import NetworkDisplay, trace_step

X, targets = [[0.35, 0.9]], [[0.5, 0.1]]
cases = [(hidden, n_outputs) for hidden in ((), (2,), (2, 2)) for n_outputs in (1, 2)]


def first_step(hidden_layer_sizes, n_outputs):
    """Trace the first step of a case, from weights drawn between −1 and 1."""
    rng = np.random.default_rng(0)
    sizes = [2, *hidden_layer_sizes, n_outputs]
    network = BackpropRegressor(
        hidden_layer_sizes,
        output_activation="sigmoid",
        conditioning=None,
        alpha=0,
        learning_rate=0.5,
        learning_rate_schedule="constant",
        batch_size="full",
        tol=None,
    )
    return trace_step(
        network,
        X,
        [targets[0][:n_outputs]],
        coefs=[rng.uniform(-1, 1, shape) for shape in pairwise(sizes)],
        intercepts=[rng.uniform(-1, 1, size) for size in sizes[1:]],
    )


traces = [first_step(*case) for case in cases]

# %%
# The paths of each case
# ----------------------
# The weight is the one from x₁ to the first unit of the first layer. Case 6 is printed in full.

for number, trace in enumerate(traces, start=1):
    chain = trace.chain("coefs[0][0, 0]")
    print(f"Case {number}: ∂J/∂w = {chain.value:9.6f}, paths to J: {len(chain.paths)}")
print(f"\n{chain}")

# %%
# The gradients of the six cases
# ------------------------------

figure, axes = plt.subplots(3, 2, figsize=(11, 11.4))
figure.subplots_adjust(left=0, bottom=0.07, right=1, top=0.97, wspace=0, hspace=0.14)
for number, (trace, axis) in enumerate(zip(traces, axes.flat, strict=True), start=1):
    NetworkDisplay.from_trace(trace, ax=axis)
    axis.set_title(f"Case {number}: J = {trace.value:.4f}")
    if axis not in axes[-1]:
        axis.get_legend().remove()
plt.show()

# %%
# Case 6
# ------

NetworkDisplay.from_trace(traces[-1])
plt.show()
