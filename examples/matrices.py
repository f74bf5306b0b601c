"""A hidden layer in matrices: two products back, as two products forward.

Without biases a network of one hidden layer is two matrices. With B (hidden × in), A (out × hidden)
and the sigmoid g on both layers, z̃ = g(B x) and z = g(A z̃). The cost of a row is
f = Σ (z − y)², and its derivatives mirror each other::

    ∂f/∂A = 2 (e ∘ z ∘ (1 − z)) z̃ᵀ,   with e = z − y
    ∂f/∂B = 2 (ẽ ∘ z̃ ∘ (1 − z̃)) xᵀ,   with ẽ = Aᵀ (e ∘ z ∘ (1 − z))

The package keeps the transposes: ``coefs_[0]`` is Bᵀ and ``coefs_[1]`` is Aᵀ. The script holds both
formulas against :func:`~skbackprop.inspection.trace_step`, draws the matrices of a row, and then
learns, row by row, which of three numbers is the largest. The hidden layer is larger than what
comes in and what goes out, as it may be.
"""

import matplotlib.pyplot as plt
import numpy as np
from _pictures import BLUE, GREEN, ORANGE, run
from _textbook import TEXTBOOK

from skbackprop import BackpropRegressor
from skbackprop.inspection import trace_step

RNG = np.random.default_rng(0)
X = RNG.uniform(0.0, 1.0, (200, 3))
Y = np.eye(3)[X.argmax(axis=1)]
B, A = RNG.uniform(-1.0, 1.0, (6, 3)), RNG.uniform(-1.0, 1.0, (3, 6))
NETWORK = BackpropRegressor(
    hidden_layer_sizes=6,
    output_activation="sigmoid",
    loss="squared_error",
    fit_intercept=False,
    learning_rate=0.5,
    max_iter=1,
    shuffle=False,
    **TEXTBOOK | {"batch_size": 1},
)


def matrices():
    """Both matrices, each with the derivative of the cost of the first row; orange is below 0."""
    x, y = X[0], Y[0]
    z_hidden = 1 / (1 + np.exp(-B @ x))
    z = 1 / (1 + np.exp(-A @ z_hidden))
    delta = (z - y) * z * (1 - z)
    df_dA = 2 * np.outer(delta, z_hidden)
    df_dB = 2 * np.outer(A.T @ delta * z_hidden * (1 - z_hidden), x)

    hidden, output = trace_step(NETWORK, X[:1], Y[:1], coefs=[B.T, A.T]).layers
    for name, formula, traced in (("A", df_dA, output), ("B", df_dB, hidden)):
        gap = np.abs(formula - traced.coef_gradient.T).max()
        print(f"∂f/∂{name}: formula and trace agree to 1e-15: {gap < 1e-15}")

    panels = {"B": B, "∂f/∂B": df_dB, "A": A, "∂f/∂A": df_dA}
    figure, axes = plt.subplots(
        1, 4, figsize=(10, 3.8), layout="constrained", width_ratios=[3, 3, 6, 6]
    )
    for axis, (name, matrix) in zip(axes, panels.items(), strict=True):
        reach = np.abs(matrix).max()
        axis.imshow(matrix, cmap="PuOr", vmin=-2 * reach, vmax=2 * reach)
        for (row, column), value in np.ndenumerate(matrix):
            axis.text(
                column, row, f"{value:.3f}".replace("-", "−"), ha="center", va="center", fontsize=8
            )
        before, after = ("input", "hidden unit") if "B" in name else ("hidden unit", "output")
        axis.set(title=name, xlabel=before, ylabel=after, xticks=[], yticks=[])
    return figure


def prediction_and_error():
    """The predictions of the first row, and the cost a row, by pass over the rows."""
    model = NETWORK.fit(X, Y, coefs_init=[B.T, A.T])
    predictions, costs = [], []
    for _ in range(100):
        model.partial_fit(X, Y)
        predictions.append(model.predict(X[:1])[0])
        costs.append(model.loss_)
    right = np.mean(model.predict(X).argmax(axis=1) == X.argmax(axis=1))
    print(f"The largest of three numbers is found in {right:.0%} of the rows")

    passes = range(1, len(costs) + 1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for curve, x, color in zip(np.transpose(predictions), X[0], (BLUE, ORANGE, GREEN), strict=True):
        left.plot(passes, curve, color=color, label=f"for x = {x:.2f}")
    left.set(xlabel="passes over the rows", ylabel="prediction", title="Predictions of one row")
    left.legend()
    right.plot(passes, costs, color="black")
    right.set(xlabel="passes over the rows", ylabel="f, mean of the rows", title="Error")
    return figure


if __name__ == "__main__":
    run(__doc__, matrices, prediction_and_error)
