"""
Gradient descent on two weights, step by step
=============================================

A network of one input, one hidden sigmoid and one output without biases has two weights:
ŷ = w₂ σ(w₁ x). So its loss can be drawn as a map, and its descent as a path on the map. Each step
goes against the gradient, at right angles to the contour. Its length is η times the length of the
gradient: long where the loss is steep, short where it is flat.

The curvature λ limits η. Near the minimum, a step multiplies the distance along the most curved
direction by 1 − η λ. For η below 1/λ the descent approaches the minimum from one side. Between 1/λ
and 2/λ it jumps over the minimum, but still comes nearer. Above 2/λ it cannot stay at the minimum.
Here it ends by jumping between two points.

The targets are the predictions of w₁ = 1.5 and w₂ = 2. So the minimum is known, and λ with it:
at a minimum without residuals, the matrix of second derivatives is the mean of the outer products
of ∂ŷ/∂w.
"""

import matplotlib.pyplot as plt
import numpy as np

from skbackprop import BackpropRegressor
from skbackprop.inspection import trace_step

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"

X = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
minimum, start = np.array([1.5, 2.0]), np.array([-1.0, 1.0])
levels = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]


def predict(w1, w2):
    """Return the predictions, of shape (..., 5), for weights of any shape."""
    return w2[..., np.newaxis] / (1.0 + np.exp(-w1[..., np.newaxis] * X))


def walk(step, n_steps):
    """Return the weights, of shape (n_steps + 1, 2), and the losses of a descent."""
    network = BackpropRegressor(
        1,
        fit_intercept=False,
        conditioning=None,
        alpha=0,
        learning_rate=step,
        learning_rate_schedule="constant",
        batch_size="full",
        tol=None,
    )
    coefs, path, losses = start.reshape(2, 1, 1), [], []
    for _ in range(n_steps + 1):
        trace = trace_step(network, X[:, np.newaxis], predict(*minimum), coefs=coefs)
        path.append([layer.coef.item() for layer in trace.layers])
        losses.append(trace.value)
        coefs = [layer.new_coef for layer in trace.layers]
    return np.array(path), np.array(losses)


def draw_walk(axis, path, color):
    """Draw a descent over the contours of the loss, and return these."""
    w1, w2 = np.meshgrid(np.linspace(-1.5, 2.7, 127), np.linspace(0.3, 3.3, 91))
    loss = 0.5 * np.mean((predict(w1, w2) - predict(*minimum)) ** 2, axis=-1)
    contours = axis.contour(w1, w2, loss, levels=levels, colors="0.75", linewidths=0.8)
    axis.plot(*minimum, color="black", marker="*", markersize=12, linestyle="none")
    axis.plot(*path.T, color=color, marker="o", markersize=3, linewidth=1)
    axis.set(xlabel="w₁", ylabel="w₂", aspect="equal")
    axis.label_outer()
    return contours


# %%
# The curvature at the minimum
# ----------------------------

s = 1.0 / (1.0 + np.exp(-minimum[0] * X))
by_weight = np.array([minimum[1] * s * (1.0 - s) * X, s])
curvature = np.linalg.eigvalsh(by_weight @ by_weight.T / len(X))[-1]
print(f"λ at the minimum: {curvature:.4f}, so η must be below {2.0 / curvature:.3f}")

# %%
# The first 3, 6, 9 and 60 steps at η = 0.3 / λ
# ---------------------------------------------
# The arrow is −∂J/∂w. The next step is η times the arrow.

path, losses = walk(0.3 / curvature, 61)
figure, axes = plt.subplots(2, 2, figsize=(9, 7.2), layout="constrained")
for axis, n_steps in zip(axes.flat, [3, 6, 9, 60], strict=True):
    contours = draw_walk(axis, path[: n_steps + 1], BLUE)
    axis.clabel(contours, levels=levels[2:], fmt="%g", fontsize=7, colors="0.35")
    for step in [*range(min(n_steps, 9)), n_steps]:
        ahead = path[min(step + 1, n_steps)] - path[max(step - 1, 0)]
        right = np.array([ahead[1], -ahead[0]]) / np.linalg.norm(ahead)
        place = {"xytext": 9.0 * right, "textcoords": "offset points"}
        axis.annotate(step, path[step], **place, ha="center", va="center", fontsize=8)
    downhill = (path[n_steps + 1] - path[n_steps]) / (0.3 / curvature)
    size = np.linalg.norm(downhill)
    axis.set_title(f"{n_steps} steps: J = {losses[n_steps]:.4f}, |∂J/∂w| = {size:.4f}")
    # A shorter arrow is hidden by its own head.
    if size > 0.1:
        arrow = {"arrowstyle": "-|>", "color": ORANGE, "shrinkA": 0.0, "shrinkB": 0.0}
        axis.annotate("", path[n_steps] + downhill, path[n_steps], arrowprops=arrow)
plt.show()

# %%
# Three step sizes
# ----------------

figure, axes = plt.subplots(2, 3, figsize=(9, 5.6), layout="constrained")
for column, factor, color in zip(axes.T, (0.3, 1.9, 2.1), (BLUE, GREEN, ORANGE), strict=True):
    path, losses = walk(factor / curvature, 100)
    print(f"η = {factor} / λ: J after 100 steps is {losses[-1]:.1g}")
    draw_walk(column[0], path, color)
    column[0].set(title=f"η = {factor} / λ", xlabel="w₁")
    column[0].tick_params(labelbottom=True)
    column[1].plot(losses, color=color)
    column[1].set(xlabel="step", ylabel="J", yscale="log", ylim=(1e-6, 2.0))
    column[1].label_outer()
plt.show()
