"""
What conditioned coordinates do for gradient descent
====================================================

The first picture is the loss of a line y = w x + b, fitted to five points with x around 10. It is
drawn once over the raw weights and once over the conditioned weights. The second picture compares a
network with and without conditioning.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale

from skbackprop import BackpropRegressor, DivergenceWarning

BLUE, ORANGE = "#0072B2", "#D55E00"

# %%
# The loss of a line
# ------------------
# Both descents start from zero weights and take at most 20 steps of 1 / λ, where λ is the largest
# curvature in their own coordinates.

x = np.array([8.0, 9.0, 10.0, 11.0, 12.0])
y = x - 4.0
n_steps = 20


def descend(x, y):
    """Return weights (w, b) step by step, and their minimum, for ½ mean (x w + b − y)²."""
    rows = np.column_stack([x, np.ones_like(x)])
    hessian = rows.T @ rows / len(x)
    step = 1.0 / np.linalg.eigvalsh(hessian)[-1]
    path = [np.zeros(2)]
    for _ in range(n_steps):
        path.append(path[-1] - step * rows.T @ (rows @ path[-1] - y) / len(x))
    return np.array(path), np.linalg.solve(hessian, rows.T @ y / len(x))


def draw_surface(axes, x, y, color, x_label, y_label):
    """Draw the loss of a line over its two weights, and the path of the descent."""
    path, minimum = descend(x, y)
    start, end = path[0], path[-1]
    reach = np.linspace(-4.5, 4.5, 401)
    w, b = (start + minimum)[:, np.newaxis] / 2 + reach
    loss = 0.5 * np.mean((w[:, np.newaxis] * x + b[:, np.newaxis, np.newaxis] - y) ** 2, axis=-1)
    contours = axes.contourf(
        *(w, b, np.maximum(loss, 0.01)),
        levels=10.0 ** np.arange(-2, 4),
        norm=LogNorm(),
        extend="max",
        cmap="Greys",
        alpha=0.35,
    )
    axes.plot(*path.T, color=color, marker="o", markersize=5)
    axes.plot(*minimum, color="black", marker="*", markersize=14, linestyle="none")
    arrived = np.flatnonzero(np.linalg.norm(path - minimum, axis=1) < 1e-9)
    taken = arrived[0] if len(arrived) else n_steps
    centred = {"textcoords": "offset points", "ha": "center", "va": "center"}
    axes.annotate("start", start, xytext=(0, -14), **centred)
    axes.annotate("minimum", minimum, xytext=(0, 15), **centred)
    text = "after 1 step" if taken == 1 else f"after {taken} steps"
    axes.annotate(text, end, xytext=(10, 0), textcoords="offset points", va="center")
    axes.set(xlabel=x_label, ylabel=y_label, aspect="equal")
    return contours


figure, (left, right) = plt.subplots(1, 2, figsize=(8, 5), layout="constrained")
draw_surface(left, x, y, ORANGE, "w", "b")
contours = draw_surface(right, (x - x.mean()) / x.std(), y, BLUE, "v = s w", "b′ = b + c w")
left.set_title("Raw coordinates: z = x w + b")
right.set_title("Conditioned: z = v (x − c) / s + b′")
figure.colorbar(
    contours,
    ax=[left, right],
    location="bottom",
    shrink=0.6,
    aspect=40,
    label="½ mean (z − y)²",
)
plt.show()

# %%
# The loss of a network by epoch
# ------------------------------
# The data are scikit-learn's diabetes data, and the networks have 100 sigmoids. The conditioned
# network takes its step from the curvature. The others have the best of fourteen rates, chosen by
# their last loss.

RATES = [factor * 10.0**power for power in range(-7, 0) for factor in (1, 3)]


def fit(X, y, **parameters):
    """Return a fitted network of 100 sigmoids. A rate that diverges is not chosen."""
    network = BackpropRegressor(100, alpha=0, max_iter=200, tol=None, random_state=0, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        return network.fit(X, y)


def best_fit(X, y):
    """Return the unconditioned network with the best rate."""
    fits = [fit(X, y, conditioning=None, learning_rate=rate) for rate in RATES]
    return min(fits, key=lambda network: network.loss_)


X, y = load_diabetes(return_X_y=True, scaled=False)
raw, scaled, conditioned = best_fit(X, y), best_fit(scale(X), scale(y)), fit(X, y)
auto = f"{conditioned.learning_rate_:.2g}"
figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
axes.plot(
    raw.loss_curve_,
    color=ORANGE,
    linestyle=":",
    label=f"conditioning=None, learning_rate={raw.learning_rate:g}",
)
axes.plot(
    np.var(y) * np.array(scaled.loss_curve_),
    color=ORANGE,
    linestyle="--",
    label=f"conditioning=None, learning_rate={scaled.learning_rate:g}, on scaled X and y",
)
axes.plot(
    conditioned.loss_curve_,
    color=BLUE,
    label=f'conditioning="standardize", learning_rate="auto" ({auto})',
)
axes.set(title="100 sigmoids on the diabetes data", xlabel="epoch", ylabel="½ mean (ŷ − y)²")
axes.set(yscale="log", xlim=(0, conditioned.n_iter_), ylim=(500, 10_000))
axes.legend()
plt.show()
