"""
Decision boundaries by depth, activation and penalty
====================================================

The data are two interleaved half-moons, with 300 points to learn from. The maps are scikit-learn's
:class:`~sklearn.inspection.DecisionBoundaryDisplay`. Each title has the accuracy on 1,000 other
points.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay

from skbackprop import BackpropClassifier

BLUE, ORANGE = "#0072B2", "#D55E00"
X, y = make_moons(300, noise=0.2, random_state=0)
X_test, y_test = make_moons(1000, noise=0.2, random_state=1)


def draw_maps(networks):
    """Fit networks, given by name, and draw the probabilities they predict."""
    _, axes = plt.subplots(1, len(networks), figsize=(9, 2.6), layout="constrained")
    for axis, (name, network) in zip(axes, networks.items(), strict=True):
        score = network.set_params(random_state=0).fit(X, y).score(X_test, y_test)
        print(f"  {name:16}{score:.3f}")
        DecisionBoundaryDisplay.from_estimator(
            *(network, X),
            response_method="predict_proba",
            plot_method="contourf",
            levels=[0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0],
            cmap="RdBu",
            alpha=0.4,
            ax=axis,
        )
        for label, color, marker in ((0, ORANGE, "o"), (1, BLUE, "^")):
            axis.scatter(*X[label == y].T, color=color, marker=marker, s=9, linewidth=0)
        axis.set(title=f"{name}: {score:.3f}", xticks=[], yticks=[])
    plt.show()


# %%
# Depth
# -----
# Without a hidden layer the network is logistic regression, and its boundary is a straight line. A
# hidden layer bends the boundary. More layers change little.

print("Accuracy by hidden layers of ten sigmoids")
depths = {"no hidden layer": (), "one": (10,), "two": (10, 10), "four": (10,) * 4}
draw_maps({name: BackpropClassifier(size) for name, size in depths.items()})

# %%
# Activation function
# -------------------
# The boundary of ReLU has corners, the others are smooth. With the identity the boundary is a
# straight line at any depth.

print("Accuracy by activation function of two hidden layers")
activations = ["sigmoid", "softplus", "relu", "identity"]
draw_maps({name: BackpropClassifier((10, 10), name) for name in activations})

# %%
# Penalty
# -------
# Under a strong penalty the sigmoids stay in the middle of their range, where they are nearly
# straight. Then the boundary is nearly straight, too. The default ``alpha`` falls with the number
# of rows and, below ten columns, rises with the number of columns. For 300 points in two columns it
# is 2e-4.

print("Accuracy by penalty")
alphas = [1e-2, 3e-3, 1e-3, 1e-4]
draw_maps({f"alpha={alpha:g}": BackpropClassifier((10, 10), alpha=alpha) for alpha in alphas})
