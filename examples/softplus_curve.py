"""
Two softplus units fit three points
===================================

The network has one input, two hidden units with the softplus log(1 + eˣ), and a linear output
w₃ y₁ + w₄ y₂ + b₃. So its curve is the sum of two bent lines. The sum of the squared residuals,
SSR = Σ (observed − predicted)², is minimised on the points (0, 0), (½, 1) and (1, 0).

The derivative of the softplus is the sigmoid eˣ / (1 + eˣ). The weight w₁ acts through the upper
unit alone. So its derivative is Σ −2 (observed − predicted) · w₃ · eˣ¹ / (1 + eˣ¹) · input.

At a rate of 0.1 the descent first overshoots: SSR rises from 1.9 to 7.4 in two steps. It is below
0.01 after 412 steps. A fit that ended while SSR is above its first value would give a warning.
"""

import matplotlib.pyplot as plt
import numpy as np

from skbackprop import BackpropRegressor
from skbackprop.inspection import trace_step

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"

X, observed = np.array([[0.0], [0.5], [1.0]]), np.array([0.0, 1.0, 0.0])
coefs, intercepts = [[[2.74, -1.13]], [[0.36], [0.63]]], [[0.0, 0.0], [0.0]]
network = BackpropRegressor(
    hidden_layer_sizes=2,
    activation="softplus",
    loss="squared_error",
    loss_reduction="sum",
    conditioning=None,
    alpha=0,
    learning_rate=0.1,
    learning_rate_schedule="constant",
    batch_size="full",
    tol=None,
)

# %%
# 412 steps
# ---------
# Each trace has the weights after its step. The next trace starts from them.

traces = []
for _ in range(413):
    traces.append(trace_step(network, X, observed, coefs=coefs, intercepts=intercepts))
    coefs = [layer.new_coef for layer in traces[-1].layers]
    intercepts = [layer.new_intercept for layer in traces[-1].layers]

# %%
# The factors of the derivative by the first weight
# -------------------------------------------------

steps = [0, 2, 200, 300, 350, 412]
print(traces[0].chain("coefs[0][0, 0]"))
print("\nsteps    SSR")
for step in steps:
    print(f"{step:5}  {traces[step].value:.4f}")

# %%
# The curve of the network, and its two parts
# -------------------------------------------

figure, axes = plt.subplots(2, 3, figsize=(9, 5.6), sharex=True, sharey=True, layout="constrained")
inputs = np.linspace(-0.1, 1.1, 121)
for axis, step in zip(axes.flat, steps, strict=True):
    hidden, output = traces[step].layers
    x = inputs[:, np.newaxis] * hidden.coef + hidden.intercept
    upper, lower = (np.logaddexp(0.0, x) * output.coef[:, 0]).T
    axis.plot(inputs, upper, color=GREEN, linestyle="--", label="w₃ y₁")
    axis.plot(inputs, lower, color=ORANGE, linestyle=":", label="w₄ y₂")
    axis.plot(inputs, upper + lower + output.intercept, color=BLUE, label="w₃ y₁ + w₄ y₂ + b₃")
    axis.plot(X, observed, color="black", marker="o", linestyle="none", label="observed")
    axis.set_title(f"{step} steps, SSR {traces[step].value:.2f}")
    axis.set(xlabel="input", ylabel="predicted")
    axis.label_outer()
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
plt.show()

# %%
# Predictions and error by iteration
# ----------------------------------

predictions = np.array([trace.layers[-1].a.ravel() for trace in traces])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for [x], target, curve, color in zip(
    X, observed, predictions.T, (BLUE, ORANGE, GREEN), strict=True
):
    left.plot(curve, color=color, label=f"input {x:g}")
    left.axhline(target, color=color, linewidth=1, linestyle=":")
left.set(ylabel="prediction", title="Predictions, and their targets (dotted)")
right.plot([trace.value for trace in traces], color="black")
right.set(ylabel="SSR", yscale="log", title="Error")
for axis in (left, right):
    # The first ten iterations are stretched.
    axis.set_xscale("symlog", linthresh=10)
    axis.set(xlabel="iteration", xlim=(0, 412))
    axis.set_xticks([0, 5, 10, 100, 412], ["0", "5", "10", "100", "412"])
    axis.minorticks_off()
figure.legend(loc="outside lower left", ncols=3)
plt.show()
