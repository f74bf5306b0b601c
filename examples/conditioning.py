"""What conditioned coordinates do for gradient descent, drawn.

Top: the loss of a line y = w x + b fitted to five points with x around 10, once over its raw
weights and once over its conditioned ones. Both descents start from zero weights and take 20 steps
of 1 / λ, λ the largest curvature in their own coordinates.

Bottom: the loss by epoch of a network of 100 sigmoids on scikit-learn's bundled diabetes data,
conditioned and not. The step of the conditioned one comes from its curvature; the others have the
best of the rates in RATES, by their last loss.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from _pictures import BLUE, ORANGE, run
from matplotlib.colors import LogNorm
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale

from skbackprop import BackpropRegressor, DivergenceWarning

X_LINE = np.array([8.0, 9.0, 10.0, 11.0, 12.0])
Y_LINE = X_LINE - 4.0
N_STEPS = 20
RATES = [factor * 10.0**power for power in range(-7, 0) for factor in (1, 3)]


def descend(x, y):
    """Return weights (w, b) step by step, and their minimum, for ½ mean (x w + b − y)²."""
    rows = np.column_stack([x, np.ones_like(x)])
    hessian = rows.T @ rows / len(x)
    step = 1.0 / np.linalg.eigvalsh(hessian)[-1]
    path = [np.zeros(2)]
    for _ in range(N_STEPS):
        path.append(path[-1] - step * rows.T @ (rows @ path[-1] - y) / len(x))
    return np.array(path), np.linalg.solve(hessian, rows.T @ y / len(x))


def draw_surface(axes, x, y, color, x_label, y_label):
    """Draw the loss of a line over its two weights, and the way descent goes."""
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
    n_steps = arrived[0] if len(arrived) else N_STEPS
    centred = {"textcoords": "offset points", "ha": "center", "va": "center"}
    axes.annotate("start", start, xytext=(0, -14), **centred)
    axes.annotate("minimum", minimum, xytext=(0, 15), **centred)
    axes.annotate(
        "after 1 step" if n_steps == 1 else f"after {n_steps} steps",
        end,
        xytext=(10, 0),
        textcoords="offset points",
        va="center",
    )
    axes.set(xlabel=x_label, ylabel=y_label, aspect="equal")
    return contours


def fit(X, y, **parameters):
    """Return a fitted network of 100 sigmoids; diverging is one way for a rate to lose."""
    network = BackpropRegressor(100, alpha=0, max_iter=200, tol=None, random_state=0, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        return network.fit(X, y)


def best_fit(X, y):
    """Return the unconditioned network of the best rate."""
    fits = [fit(X, y, conditioning=None, learning_rate=rate) for rate in RATES]
    return min(fits, key=lambda network: network.loss_)


def draw_losses(axes):
    """Draw the loss by epoch on the diabetes data."""
    X, y = load_diabetes(return_X_y=True, scaled=False)
    raw, scaled, conditioned = best_fit(X, y), best_fit(scale(X), scale(y)), fit(X, y)
    auto = f"{conditioned.learning_rate_:.2g}"
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
    axes.set(xlabel="epoch", ylabel="½ mean (ŷ − y)²", yscale="log")
    axes.set(xlim=(0, conditioned.n_iter_), ylim=(500, 10_000))
    axes.legend()


def surfaces_and_losses():
    """The loss of a line in raw and in conditioned coordinates, and the losses of a network."""
    figure, axes = plt.subplot_mosaic(
        [["raw", "conditioned"], ["losses", "losses"]],
        figsize=(8, 8),
        height_ratios=[1.5, 1],
        layout="constrained",
    )
    draw_surface(axes["raw"], X_LINE, Y_LINE, ORANGE, "w", "b")
    x = (X_LINE - X_LINE.mean()) / X_LINE.std()
    contours = draw_surface(axes["conditioned"], x, Y_LINE, BLUE, "v = s w", "b′ = b + c w")
    axes["raw"].set_title("Raw coordinates: z = x w + b")
    axes["conditioned"].set_title("Conditioned: z = v (x − c) / s + b′")
    figure.colorbar(
        contours,
        ax=[axes["raw"], axes["conditioned"]],
        location="bottom",
        shrink=0.6,
        aspect=40,
        label="½ mean (z − y)²",
    )
    draw_losses(axes["losses"])
    axes["losses"].set_title("100 sigmoids on the diabetes data")
    return figure


if __name__ == "__main__":
    run(__doc__, surfaces_and_losses)
