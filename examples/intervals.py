"""How far off may it be: prediction intervals from quantiles.

One network with three outputs, for the quantiles 0.1, 0.5 and 0.9 of the target. Between the first
and the last should lie 80% of the targets, in the quiet part of the data as in the noisy one.
predict sorts the three, so that they do not cross, and score is D² of the pinball loss.

The noise here grows with x, and is three times as long upwards as downwards: neither can be told by
a single standard deviation around a mean.
"""

import matplotlib.pyplot as plt
import numpy as np
from _pictures import BLUE, ORANGE, run

from skbackprop import BackpropRegressor

QUANTILES = (0.1, 0.5, 0.9)


def uneven_noise(n_rows, seed):
    """Return a wave, and noise that grows and is longer upwards."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0.0, 4.0, n_rows))
    noise = rng.normal(size=n_rows) * (0.05 + 0.15 * x)
    return x[:, np.newaxis], np.sin(2.0 * x) + np.where(noise > 0.0, 3.0, 1.0) * noise


def quantiles():
    """The median, and the interval that should hold 80% of the targets; dots were held out."""
    X, y = uneven_noise(2000, seed=0)
    X_test, y_test = uneven_noise(1000, seed=1)
    model = BackpropRegressor(20, loss="quantile", quantile=QUANTILES, random_state=0).fit(X, y)
    low, median, high = model.predict(X_test).T

    inside = (low <= y_test) & (y_test <= high)
    for name, part in (("x < 2", X_test[:, 0] < 2.0), ("x > 2", X_test[:, 0] >= 2.0)):
        width = np.mean((high - low)[part])
        print(f"{name}: {inside[part].mean():.0%} within an interval {width:.2f} wide")
    print(f"all: {inside.mean():.3f}")
    print(f"crossings: {np.count_nonzero((low > median) | (median > high))}")

    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    axis.plot(X_test, y_test, ".", color="0.6", markersize=3)
    axis.fill_between(X_test[:, 0], low, high, color=BLUE, alpha=0.25, label="0.1 to 0.9")
    axis.plot(X_test, median, color=ORANGE, label="median")
    axis.set(xlabel="x", ylabel="y")
    axis.legend(loc="upper left")
    return figure


if __name__ == "__main__":
    run(__doc__, quantiles)
