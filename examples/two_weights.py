"""Descent on the loss of two weights, step by step.

A network of one input, one hidden sigmoid and one output without biases has two weights:
ŷ = w₂ σ(w₁ x). Its loss can be drawn as a map, and its descent as a walk. Each step goes against
the gradient, at right angles to the contour it stands on, and by η times its length: long where
the loss is steep, short where it is flat.

How long η may be is a matter of the curvature λ. Near the minimum a step multiplies the distance
along the most curved direction by 1 − η λ. Up to 1/λ it creeps towards the minimum, between 1/λ and
2/λ it leaps over it and comes nearer all the same, and beyond 2/λ it cannot rest there: here it
ends up leaping to and fro between two points. The
targets are those of w₁ = 1.5, w₂ = 2, so the minimum is known, and with it λ: where nothing is left
to explain, the matrix of second derivatives is the mean of the outer products of ∂ŷ/∂w.
"""

import matplotlib.pyplot as plt
import numpy as np
from _pictures import BLUE, GREEN, ORANGE, run
from _textbook import TEXTBOOK, descend

from skbackprop import BackpropRegressor

X = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
MINIMUM = np.array([1.5, 2.0])
START = np.array([-1.0, 1.0])
LEVELS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
W1, W2 = np.meshgrid(np.linspace(-1.5, 2.7, 127), np.linspace(0.3, 3.3, 91))


def predict(w1, w2):
    """Return the predictions, of shape (..., 5), for weights of any shape."""
    return w2[..., np.newaxis] / (1.0 + np.exp(-w1[..., np.newaxis] * X))


def largest_curvature():
    """Return λ at the minimum, where the Hessian is the mean of the outer products of ∂ŷ/∂w."""
    s = 1.0 / (1.0 + np.exp(-MINIMUM[0] * X))
    by_weight = np.array([MINIMUM[1] * s * (1.0 - s) * X, s])
    return np.linalg.eigvalsh(by_weight @ by_weight.T / len(X))[-1]


def walk(step, n_steps):
    """Return the weights, of shape (n_steps + 1, 2), and the losses of a descent."""
    network = BackpropRegressor(1, fit_intercept=False, learning_rate=step, **TEXTBOOK)
    coefs = START.reshape(2, 1, 1)
    traces = descend(network, X[:, np.newaxis], predict(*MINIMUM), coefs, n_steps=n_steps)
    path = [[layer.coef.item() for layer in trace.layers] for trace in traces]
    return np.array(path), np.array([trace.value for trace in traces])


def draw_walk(axis, path, color):
    """Draw a walk over the contours of the loss, and return these."""
    loss = 0.5 * np.mean((predict(W1, W2) - predict(*MINIMUM)) ** 2, axis=-1)
    contours = axis.contour(W1, W2, loss, levels=LEVELS, colors="0.75", linewidths=0.8)
    axis.plot(*MINIMUM, color="black", marker="*", markersize=12, linestyle="none")
    axis.plot(*path.T, color=color, marker="o", markersize=3, linewidth=1)
    axis.set(xlabel="w₁", ylabel="w₂", aspect="equal")
    axis.label_outer()
    return contours


def number_steps(axis, path, steps):
    """Write the numbers of some steps beside them, on the right of the way."""
    for step in steps:
        ahead = path[min(step + 1, len(path) - 1)] - path[max(step - 1, 0)]
        right = np.array([ahead[1], -ahead[0]]) / np.linalg.norm(ahead)
        place = {"xytext": 9.0 * right, "textcoords": "offset points"}
        axis.annotate(step, path[step], **place, ha="center", va="center", fontsize=8)


def step_by_step():
    """The first 3, 6, 9 and 60 steps at η = 0.3 / λ. The arrow is −∂J/∂w; a step is η times it."""
    step = 0.3 / largest_curvature()
    path, losses = walk(step, 61)
    figure, axes = plt.subplots(2, 2, figsize=(9, 7.2), layout="constrained")
    for axis, n_steps in zip(axes.flat, [3, 6, 9, 60], strict=True):
        contours = draw_walk(axis, path[: n_steps + 1], BLUE)
        axis.clabel(contours, levels=LEVELS[2:], fmt="%g", fontsize=7, colors="0.35")
        number_steps(axis, path[: n_steps + 1], [*range(min(n_steps, 9)), n_steps])
        downhill = (path[n_steps + 1] - path[n_steps]) / step
        size = np.linalg.norm(downhill)
        axis.set_title(f"{n_steps} steps: J = {losses[n_steps]:.4f}, |∂J/∂w| = {size:.4f}")
        # One that is shorter than its head would tell nothing.
        if size > 0.1:
            arrow = {"arrowstyle": "-|>", "color": ORANGE, "shrinkA": 0.0, "shrinkB": 0.0}
            axis.annotate("", path[n_steps] + downhill, path[n_steps], arrowprops=arrow)
    return figure


def step_sizes():
    """Descents at 0.3 / λ, 1.9 / λ and 2.1 / λ, and their losses by step."""
    curvature = largest_curvature()
    print(f"λ at the minimum: {curvature:.4f}, so η must be below {2.0 / curvature:.3f}")
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
    return figure


if __name__ == "__main__":
    run(__doc__, step_by_step, step_sizes)
