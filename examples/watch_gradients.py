"""
Five pictures of a fit
======================

The displays of :mod:`skbackprop.inspection` draw the loss by epoch, the network with its weights,
the activations and gradients of one row, and the sizes of activations and deltas by layer.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits, load_iris

from skbackprop import BackpropClassifier
from skbackprop.inspection import GradientFlowDisplay, LossCurveDisplay, NetworkDisplay

data = load_iris(as_frame=True)
X = data.data.rename(columns=lambda name: name.removesuffix(" (cm)"))
y = data.target_names[data.target]
model = BackpropClassifier(hidden_layer_sizes=6, random_state=0).fit(X, y)

# %%
# Loss and step size by epoch
# ---------------------------

LossCurveDisplay.from_estimator(model, step_size=True)
plt.show()

# %%
# The weights
# -----------

NetworkDisplay.from_estimator(model)
plt.show()

# %%
# The activations of one flower
# -----------------------------

NetworkDisplay.from_estimator(model, X[70:71], y[70:71], show="activations")
plt.show()

# %%
# The gradients of its loss
# -------------------------

NetworkDisplay.from_estimator(model, X[70:71], y[70:71])
plt.show()

# %%
# Activations and deltas of a deep network
# ----------------------------------------
# The network has five layers of fifty sigmoids, and has learned nothing yet: the step size is so
# small that the fit keeps the initial weights. With weights ten times as large the units saturate.
# With half the usual weights the deltas vanish on the way to the input.

X, y = load_digits(return_X_y=True)
X, y = X[:300] / 16.0, y[:300]
stack = BackpropClassifier(
    hidden_layer_sizes=(50,) * 5,
    conditioning=None,
    learning_rate=1e-300,
    max_iter=1,
    tol=None,
    random_state=0,
)
coefs = stack.fit(X, y).coefs_
factors = {"half the usual weights": 0.5, "the usual weights": 1.0, "ten times as large": 10.0}
figure = plt.figure(figsize=(10, 11), layout="constrained")
for part, (name, factor) in zip(figure.subfigures(3, 1), factors.items(), strict=True):
    part.suptitle(name)
    stack.fit(X, y, coefs_init=[factor * coef for coef in coefs])
    GradientFlowDisplay.from_estimator(stack, X, y, ax=part.subplots(1, 3))
plt.show()
