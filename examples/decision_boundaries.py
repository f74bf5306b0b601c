"""Decision boundaries by depth, by activation function and by penalty.

Two interleaved half-moons, 300 points of them to learn from. Without a hidden layer the network
is logistic regression, and its boundary a straight line. A hidden layer bends it; more layers find
little left to bend. ReLU makes a boundary with corners, the others smooth ones, and the identity,
at any depth, a straight line again.

The penalty counts, too. Where it is strong, sigmoids stay in the middle of their range, where they
are nearly straight, and so is the boundary. The default is smaller the more rows there are and,
below ten columns, the fewer columns; on 300 points in two columns it is 2e-4.

The maps are scikit-learn's :class:`~sklearn.inspection.DecisionBoundaryDisplay`. In the titles
stands the accuracy on 1,000 other points.
"""

import matplotlib.pyplot as plt
from _pictures import BLUE, ORANGE, run
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay

from skbackprop import BackpropClassifier

X, Y = make_moons(300, noise=0.2, random_state=0)
X_TEST, Y_TEST = make_moons(1000, noise=0.2, random_state=1)
DEPTHS = {"no hidden layer": (), "one": (10,), "two": (10, 10), "four": (10,) * 4}
ACTIVATIONS = ["sigmoid", "softplus", "relu", "identity"]
ALPHAS = [1e-2, 3e-3, 1e-3, 1e-4]


def draw_maps(networks):
    """Fit networks, given by name, and draw the probabilities they predict."""
    figure, axes = plt.subplots(1, len(networks), figsize=(9, 2.6), layout="constrained")
    for axis, (name, network) in zip(axes, networks.items(), strict=True):
        score = network.set_params(random_state=0).fit(X, Y).score(X_TEST, Y_TEST)
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
            axis.scatter(*X[label == Y].T, color=color, marker=marker, s=9, linewidth=0)
        axis.set(title=f"{name}: {score:.3f}", xticks=[], yticks=[])
    return figure


def by_depth():
    """Networks of no, one, two and four hidden layers of ten sigmoids."""
    print("Accuracy by hidden layers of ten sigmoids")
    return draw_maps({name: BackpropClassifier(size) for name, size in DEPTHS.items()})


def by_activation():
    """Networks of two hidden layers of ten units, by their activation function."""
    print("Accuracy by activation function of two hidden layers")
    return draw_maps({name: BackpropClassifier((10, 10), name) for name in ACTIVATIONS})


def by_penalty():
    """Networks of two hidden layers of ten sigmoids, by the strength of the penalty."""
    print("Accuracy by penalty")
    return draw_maps(
        {f"alpha={alpha:g}": BackpropClassifier((10, 10), alpha=alpha) for alpha in ALPHAS}
    )


if __name__ == "__main__":
    run(__doc__, by_depth, by_activation, by_penalty)
