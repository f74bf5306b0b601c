"""
Prediction intervals from quantiles
===================================

One network predicts three quantiles of the target: 0.1, 0.5 and 0.9. Between the first and the last
there should be 80% of the targets, both in the quiet part of the data and in the noisy part.
``predict`` sorts the three, so that they do not cross. ``score`` is D² of the pinball loss.

The noise in this example grows with x, and is three times as long upwards as downwards. A mean with
a standard deviation can describe neither.
"""

import matplotlib.pyplot as plt
import numpy as np

from skbackprop import BackpropRegressor

BLUE, ORANGE = "#0072B2", "#D55E00"


def uneven_noise(n_rows, seed):
    """Return a wave with noise that grows and is longer upwards."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0.0, 4.0, n_rows))
    noise = rng.normal(size=n_rows) * (0.05 + 0.15 * x)
    return x[:, np.newaxis], np.sin(2.0 * x) + np.where(noise > 0.0, 3.0, 1.0) * noise


X, y = uneven_noise(2000, seed=0)
X_test, y_test = uneven_noise(1000, seed=1)

# %%
# Fit, and check the intervals on held-out rows
# ---------------------------------------------

model = BackpropRegressor(20, loss="quantile", quantile=(0.1, 0.5, 0.9), random_state=0).fit(X, y)
low, median, high = model.predict(X_test).T

inside = (low <= y_test) & (y_test <= high)
for name, part in (("x < 2", X_test[:, 0] < 2.0), ("x > 2", X_test[:, 0] >= 2.0)):
    width = np.mean((high - low)[part])
    print(f"{name}: {inside[part].mean():.0%} within an interval {width:.2f} wide")
print(f"all: {inside.mean():.3f}")
print(f"crossings: {np.count_nonzero((low > median) | (median > high))}")

# %%
# The median and the interval
# ---------------------------
# Dots are held-out rows.

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.plot(X_test, y_test, ".", color="0.6", markersize=3)
axis.fill_between(X_test[:, 0], low, high, color=BLUE, alpha=0.25, label="0.1 to 0.9")
axis.plot(X_test, median, color=ORANGE, label="median")
axis.set(title="Median and 80% interval of held-out rows", xlabel="x", ylabel="y")
axis.legend(loc="upper left")
plt.show()
