"""One input, one hidden unit, one output: the chain rule on one path.

The smallest network with something to propagate back. Two sigmoids follow each other,
a⁽¹⁾ = σ(w⁽⁰⁾ a⁽⁰⁾ + b⁽⁰⁾) and a⁽²⁾ = σ(w⁽¹⁾ a⁽¹⁾ + b⁽¹⁾), and the cost of m rows is
J = 1/m Σ (a⁽²⁾ − y)². From w⁽⁰⁾ to J there is a single path, so that its derivative is a single
product of five factors for each row. The first three of them make up ∂J/∂a⁽¹⁾: found once, they
serve w⁽⁰⁾ and b⁽⁰⁾ alike, and this is what propagating back is about.

The script prints the five factors of each row, and draws the predictions on their way to the
targets. The package counts layers from 1: w⁽⁰⁾ is ``coefs[0][0, 0]`` and prints as w[1]₁₁.
"""

from _pictures import BLUE, GREEN, ORANGE, PURPLE, run
from _textbook import TEXTBOOK, descend, draw_descent

from skbackprop import BackpropRegressor
from skbackprop.inspection import NetworkDisplay, trace_step

X, Y = [[-1.0], [0.0], [0.5], [2.0]], [0.1, 0.2, 0.6, 0.9]
COEFS = [[[0.8]], [[1.2]]]
INTERCEPTS = [[0.1], [-0.3]]
NETWORK = BackpropRegressor(
    hidden_layer_sizes=1,
    output_activation="sigmoid",
    loss="squared_error",
    learning_rate=2.0,
    **TEXTBOOK,
)


def chain():
    """Print the factors of the derivative by the first weight."""
    print(trace_step(NETWORK, X, Y, coefs=COEFS, intercepts=INTERCEPTS).chain("coefs[0][0, 0]"))


def prediction_and_error():
    """Predictions of four rows, and the cost, over 1,000 iterations."""
    traces = descend(NETWORK, X, Y, COEFS, INTERCEPTS, n_steps=1000)
    print(f"\nJ falls from {traces[0].value:.4f} to {traces[-1].value:.6f}")
    labels = [f"x = {x:g}".replace("-", "−") for [x] in X]
    colors = [BLUE, ORANGE, GREEN, PURPLE]
    return draw_descent(traces, labels=labels, colors=colors, error="J = ¼ Σ (a⁽²⁾ − y)²")


def network():
    """The network, with the gradients of its last row on their way back."""
    first = trace_step(NETWORK, X[-1:], Y[-1:], coefs=COEFS, intercepts=INTERCEPTS)
    return NetworkDisplay.from_trace(first).figure_


if __name__ == "__main__":
    run(__doc__, chain, network, prediction_and_error)
