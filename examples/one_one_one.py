"""
One input, one hidden unit, one output
======================================

This is the smallest network with something to propagate back. Two sigmoids follow each other,
a⁽¹⁾ = σ(w⁽⁰⁾ a⁽⁰⁾ + b⁽⁰⁾) and a⁽²⁾ = σ(w⁽¹⁾ a⁽¹⁾ + b⁽¹⁾). The cost of m rows is
J = 1/m Σ (a⁽²⁾ − y)².

There is a single path from w⁽⁰⁾ to J. So the derivative is a single product of five factors for
each row. The first three factors are ∂J/∂a⁽¹⁾. They are computed once, and used for both w⁽⁰⁾ and
b⁽⁰⁾. This is the idea of backpropagation.

The package counts layers from 1: w⁽⁰⁾ is ``coefs[0][0, 0]``, and prints as w[1]₁₁.
"""

import matplotlib.pyplot as plt
import numpy as np

from skbackprop import BackpropRegressor
from skbackprop.inspection import NetworkDisplay, trace_step

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"

X, y = [[-1.0], [0.0], [0.5], [2.0]], [0.1, 0.2, 0.6, 0.9]
coefs, intercepts = [[[0.8]], [[1.2]]], [[0.1], [-0.3]]
network = BackpropRegressor(
    hidden_layer_sizes=1,
    output_activation="sigmoid",
    loss="squared_error",
    conditioning=None,
    alpha=0,
    learning_rate=2.0,
    learning_rate_schedule="constant",
    batch_size="full",
    tol=None,
)

# %%
# The five factors of each row
# ----------------------------

print(trace_step(network, X, y, coefs=coefs, intercepts=intercepts).chain("coefs[0][0, 0]"))

# %%
# The gradients of the last row
# -----------------------------
# Each unit has its activation and its delta. Each line has the derivative by its weight.

NetworkDisplay.from_trace(trace_step(network, X[-1:], y[-1:], coefs=coefs, intercepts=intercepts))
plt.show()

# %%
# 1,000 steps
# -----------
# Each trace has the weights after its step. The next trace starts from them.

traces = []
for _ in range(1001):
    traces.append(trace_step(network, X, y, coefs=coefs, intercepts=intercepts))
    coefs = [layer.new_coef for layer in traces[-1].layers]
    intercepts = [layer.new_intercept for layer in traces[-1].layers]
print(f"\nJ falls from {traces[0].value:.4f} to {traces[-1].value:.6f}")

predictions = np.array([trace.layers[-1].a.ravel() for trace in traces])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for [x], target, curve, color in zip(
    X, y, predictions.T, (BLUE, ORANGE, GREEN, PURPLE), strict=True
):
    left.plot(curve, color=color, label=f"x = {x:g}".replace("-", "−"))
    left.axhline(target, color=color, linewidth=1, linestyle=":")
left.set(ylabel="prediction", title="Predictions, and their targets (dotted)")
right.plot([trace.value for trace in traces], color="black")
right.set(ylabel="J = ¼ Σ (a⁽²⁾ − y)²", yscale="log", title="Error")
for axis in (left, right):
    # The first ten iterations are stretched.
    axis.set_xscale("symlog", linthresh=10)
    axis.set(xlabel="iteration", xlim=(0, 1000))
    axis.set_xticks([0, 5, 10, 100, 1000], ["0", "5", "10", "100", "1,000"])
    axis.minorticks_off()
figure.legend(loc="outside lower left", ncols=4)
plt.show()
