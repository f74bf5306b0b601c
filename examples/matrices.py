"""
A hidden layer in matrices
==========================

Without biases, a network of one hidden layer is two matrices. Let B (hidden × in) and A (out ×
hidden) be these matrices, and g the sigmoid on both layers. Then z̃ = g(B x) and z = g(A z̃). The
cost of a row is f = Σ (z − y)². Its derivatives have the same form in both layers::

    ∂f/∂A = 2 (e ∘ z ∘ (1 − z)) z̃ᵀ,   with e = z − y
    ∂f/∂B = 2 (ẽ ∘ z̃ ∘ (1 − z̃)) xᵀ,   with ẽ = Aᵀ (e ∘ z ∘ (1 − z))

The package stores the transposes: ``coefs_[0]`` is Bᵀ, and ``coefs_[1]`` is Aᵀ. This script
compares both formulas with :func:`~skbackprop.inspection.trace_step` and draws the matrices of one
row. Then the network learns, row by row, which of three numbers is the largest.
"""

import matplotlib.pyplot as plt
import numpy as np

from skbackprop import BackpropRegressor
from skbackprop.inspection import trace_step

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"

rng = np.random.default_rng(0)
X = rng.uniform(0.0, 1.0, (200, 3))
Y = np.eye(3)[X.argmax(axis=1)]
B, A = rng.uniform(-1.0, 1.0, (6, 3)), rng.uniform(-1.0, 1.0, (3, 6))
network = BackpropRegressor(
    hidden_layer_sizes=6,
    output_activation="sigmoid",
    loss="squared_error",
    fit_intercept=False,
    conditioning=None,
    alpha=0,
    learning_rate=0.5,
    learning_rate_schedule="constant",
    batch_size=1,
    max_iter=1,
    shuffle=False,
    tol=None,
)

# %%
# The formulas and the trace
# --------------------------

x, y = X[0], Y[0]
z_hidden = 1 / (1 + np.exp(-B @ x))
z = 1 / (1 + np.exp(-A @ z_hidden))
delta = (z - y) * z * (1 - z)
df_dA = 2 * np.outer(delta, z_hidden)
df_dB = 2 * np.outer(A.T @ delta * z_hidden * (1 - z_hidden), x)

hidden, output = trace_step(network, X[:1], Y[:1], coefs=[B.T, A.T]).layers
for name, formula, traced in (("A", df_dA, output), ("B", df_dB, hidden)):
    gap = np.abs(formula - traced.coef_gradient.T).max()
    print(f"∂f/∂{name}: formula and trace agree to 1e-15: {gap < 1e-15}")

# %%
# Both matrices, and their derivatives
# ------------------------------------
# The derivatives are those of the cost of the first row. Orange numbers are negative.

panels = {"B": B, "∂f/∂B": df_dB, "A": A, "∂f/∂A": df_dA}
figure, axes = plt.subplots(
    1, 4, figsize=(10, 3.8), layout="constrained", width_ratios=[3, 3, 6, 6]
)
for axis, (name, matrix) in zip(axes, panels.items(), strict=True):
    reach = np.abs(matrix).max()
    axis.imshow(matrix, cmap="PuOr", vmin=-2 * reach, vmax=2 * reach)
    for (row, column), value in np.ndenumerate(matrix):
        text = f"{value:.3f}".replace("-", "−")
        axis.text(column, row, text, ha="center", va="center", fontsize=8)
    before, after = ("input", "hidden unit") if "B" in name else ("hidden unit", "output")
    axis.set(title=name, xlabel=before, ylabel=after, xticks=[], yticks=[])
plt.show()

# %%
# 100 passes over the rows
# ------------------------
# The left picture has the predictions of the first row.

model = network.fit(X, Y, coefs_init=[B.T, A.T])
predictions, costs = [], []
for _ in range(100):
    model.partial_fit(X, Y)
    predictions.append(model.predict(X[:1])[0])
    costs.append(model.loss_)
share = np.mean(model.predict(X).argmax(axis=1) == X.argmax(axis=1))
print(f"The largest of three numbers is found in {share:.0%} of the rows")

passes = range(1, len(costs) + 1)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for curve, value, color in zip(np.transpose(predictions), X[0], (BLUE, ORANGE, GREEN), strict=True):
    left.plot(passes, curve, color=color, label=f"for x = {value:.2f}")
left.set(xlabel="passes over the rows", ylabel="prediction", title="Predictions of one row")
left.legend()
right.plot(passes, costs, color="black")
right.set(xlabel="passes over the rows", ylabel="f, mean of the rows", title="Error")
plt.show()
