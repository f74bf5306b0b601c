"""How to see through a fit, in five pictures.

1. Loss and step size by epoch of a network of six sigmoids on scikit-learn's iris data.
2. Its weights.
3. One flower on its way through it: the activations.
4. The gradients of that flower's loss, on their way back.
5. Activations, deltas and saturated units of a deep stack of sigmoids on the digits, from weights
   of different sizes: at ten times the usual ones the units saturate, at half of them the deltas
   vanish on the way to the input.
"""

import matplotlib.pyplot as plt
from _pictures import run
from sklearn.datasets import load_digits, load_iris

from skbackprop import BackpropClassifier
from skbackprop.inspection import GradientFlowDisplay, LossCurveDisplay, NetworkDisplay

DEPTH, WIDTH = 5, 50
FACTORS = {"half the usual weights": 0.5, "the usual weights": 1.0, "ten times as large": 10.0}


def iris():
    """Return the iris data with the names of the species for labels."""
    data = load_iris(as_frame=True)
    X = data.data.rename(columns=lambda name: name.removesuffix(" (cm)"))
    return X, data.target_names[data.target]


def fit_iris():
    """Return a fitted network of six sigmoids."""
    return BackpropClassifier(hidden_layer_sizes=6, random_state=0).fit(*iris())


def loss_curve():
    """Draw loss and step size by epoch."""
    return LossCurveDisplay.from_estimator(fit_iris(), step_size=True).figure_


def weights():
    """Draw the network."""
    return NetworkDisplay.from_estimator(fit_iris()).figure_


def activations():
    """Draw the way of one flower through it."""
    X, y = iris()
    return NetworkDisplay.from_estimator(fit_iris(), X[70:71], y[70:71], show="activations").figure_


def gradients():
    """Draw the gradients of its loss."""
    X, y = iris()
    return NetworkDisplay.from_estimator(fit_iris(), X[70:71], y[70:71]).figure_


def untrained_stack(X, y, factor):
    """Return a deep stack of sigmoids after a step that moves nothing, its weights multiplied."""
    stack = BackpropClassifier(
        hidden_layer_sizes=(WIDTH,) * DEPTH,
        conditioning=None,
        learning_rate=1e-300,
        max_iter=1,
        tol=None,
        random_state=0,
    )
    coefs = stack.fit(X, y).coefs_
    return stack.fit(X, y, coefs_init=[factor * coef for coef in coefs])


def deep_stacks():
    """Draw what goes forward and what comes back, at weights of three sizes."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:300] / 16.0, y[:300]
    figure = plt.figure(figsize=(10, 11), layout="constrained")
    for part, (name, factor) in zip(figure.subfigures(3, 1), FACTORS.items(), strict=True):
        part.suptitle(name)
        stack = untrained_stack(X, y, factor)
        GradientFlowDisplay.from_estimator(stack, X, y, ax=part.subplots(1, 3))
    return figure


if __name__ == "__main__":
    run(__doc__, loss_curve, weights, activations, gradients, deep_stacks)
