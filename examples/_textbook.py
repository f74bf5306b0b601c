"""Gradient descent as textbooks have it: the settings, and a descent traced step by step."""

import matplotlib.pyplot as plt
import numpy as np

from skbackprop.inspection import trace_step

TEXTBOOK = {
    "conditioning": None,
    "alpha": 0,
    "learning_rate_schedule": "constant",
    "batch_size": "full",
    "tol": None,
}


def descend(network, X, y, coefs, intercepts=None, *, n_steps):
    """Return the traces of `n_steps` steps from given weights, and of the one that would follow."""
    traces = []
    for _ in range(n_steps + 1):
        traces.append(trace_step(network, X, y, coefs=coefs, intercepts=intercepts))
        coefs = [layer.new_coef for layer in traces[-1].layers]
        if intercepts is not None:
            intercepts = [layer.new_intercept for layer in traces[-1].layers]
    return traces


def draw_descent(traces, *, labels, colors, error):
    """Draw predictions and error by iteration, side by side; targets are dotted."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    predictions = np.array([trace.layers[-1].a.ravel() for trace in traces])
    targets = traces[0].target.ravel()
    for curve, target, label, color in zip(predictions.T, targets, labels, colors, strict=True):
        axes[0].plot(curve, color=color, label=label)
        axes[0].axhline(target, color=color, linewidth=1, linestyle=":")
    axes[0].set(ylabel="prediction", title="Predictions, and dotted their targets")
    axes[1].plot([trace.value for trace in traces], color="black")
    axes[1].set(ylabel=error, yscale="log", title="Error")
    for axis in axes:
        axis.set_xlabel("iteration, the first ten stretched")
        axis.set_xscale("symlog", linthresh=10)
        axis.set_xlim(0, len(traces) - 1)
        axis.set_xticks(ticks := [0, 5, 10, 100, len(traces) - 1], [f"{tick:,}" for tick in ticks])
        axis.minorticks_off()
    figure.legend(loc="outside lower left", ncols=4)
    return figure
