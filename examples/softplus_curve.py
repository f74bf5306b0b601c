"""Two softplus units bend a line to three points.

One input, two hidden units with the softplus log(1 + eˣ), and a linear output
w₃ y₁ + w₄ y₂ + b₃: the sum of two bent lines. The sum of the squared residuals,
SSR = Σ (observed − predicted)², is to fall on the points (0, 0), (½, 1) and (1, 0). The derivative
of the softplus is the sigmoid eˣ / (1 + eˣ), so the derivative by w₁, which goes through the upper
unit alone, is Σ −2 (observed − predicted) · w₃ · eˣ¹ / (1 + eˣ¹) · input.

At a rate of 0.1 the descent overshoots first: SSR climbs from 1.9 to 7.4 in two steps. It is below
0.01 after 412. A fit that stopped while SSR is above its first value would warn of it.
"""

import matplotlib.pyplot as plt
import numpy as np
from _pictures import BLUE, GREEN, ORANGE, run
from _textbook import TEXTBOOK, descend, draw_descent

from skbackprop import BackpropRegressor

INPUTS, OBSERVED = np.array([[0.0], [0.5], [1.0]]), np.array([0.0, 1.0, 0.0])
COEFS, INTERCEPTS = [[[2.74, -1.13]], [[0.36], [0.63]]], [[0.0, 0.0], [0.0]]
STEPS = [0, 2, 200, 300, 350, 412]
NETWORK = BackpropRegressor(
    hidden_layer_sizes=2,
    activation="softplus",
    loss="squared_error",
    loss_reduction="sum",
    learning_rate=0.1,
    **TEXTBOOK,
)
TRACES = descend(NETWORK, INPUTS, OBSERVED, COEFS, INTERCEPTS, n_steps=STEPS[-1])


def chain():
    """Print the factors of the derivative by the first weight, and SSR at some steps."""
    print(TRACES[0].chain("coefs[0][0, 0]"))
    print("\nsteps    SSR")
    for step in STEPS:
        print(f"{step:5}  {TRACES[step].value:.4f}")


def curves():
    """The curve of the network after 0 to 412 steps, with the parts it adds up."""
    figure, axes = plt.subplots(
        2, 3, figsize=(9, 5.6), sharex=True, sharey=True, layout="constrained"
    )
    inputs = np.linspace(-0.1, 1.1, 121)
    for axis, step in zip(axes.flat, STEPS, strict=True):
        hidden, output = TRACES[step].layers
        x = inputs[:, np.newaxis] * hidden.coef + hidden.intercept
        upper, lower = (np.logaddexp(0.0, x) * output.coef[:, 0]).T
        axis.plot(inputs, upper, color=GREEN, linestyle="--", label="w₃ y₁")
        axis.plot(inputs, lower, color=ORANGE, linestyle=":", label="w₄ y₂")
        axis.plot(inputs, upper + lower + output.intercept, color=BLUE, label="w₃ y₁ + w₄ y₂ + b₃")
        axis.plot(INPUTS, OBSERVED, color="black", marker="o", linestyle="none", label="observed")
        axis.set_title(f"{step} steps, SSR {TRACES[step].value:.2f}")
        axis.set(xlabel="input", ylabel="predicted")
        axis.label_outer()
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def prediction_and_error():
    """Predictions of the three points, and SSR, over 412 steps."""
    labels = [f"input {x:g}" for [x] in INPUTS]
    return draw_descent(TRACES, labels=labels, colors=[BLUE, ORANGE, GREEN], error="SSR")


if __name__ == "__main__":
    run(__doc__, chain, curves, prediction_and_error)
