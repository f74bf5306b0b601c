"""
Are 80,000 steps enough for a network of eight weights?
=======================================================

A textbook network of three inputs, two hidden units and one output (sigmoids, no biases) is fitted
to one row of inputs with the target 0.2. The initial weights are uniform in [0, 1). The network
takes 80,000 steps of gradient descent on (prediction − 0.2)², at a rate of 0.001. A second network
has ten inputs.

This script starts both networks from several draws of initial weights, and counts how many of them
predict 0.2 to three digits in the end. A hundred draws take some minutes::

    python three_two_one.py
    python three_two_one.py --draws 100

The script also measures a mistake in the textbook. The text computes the gradients of the hidden
weights with the old output weights. But the listing for ten inputs keeps the old weights under a
second name for the same array, and then changes the array in place. So it uses the new weights.
Each step has an error of second order in the rate. It is too small to be seen in a result, and is
found only by a comparison with another computation.
"""

import argparse
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed

from skbackprop import BackpropRegressor

BLUE, ORANGE = "#0072B2", "#D55E00"
INPUTS = {
    "3-2-1": [0.1, 0.4, 4.1],
    "10-2-1": [0.1, 0.4, 4.1, 4.3, 1.8, 2.0, 0.01, 0.9, 3.8, 1.6],
}
TARGET, RATE, TOLERANCE = 0.2, 0.001, 0.0005

parser = argparse.ArgumentParser()
parser.add_argument("--draws", type=int, default=3, help="draws of weights a network")
parser.add_argument("--iterations", type=int, default=80_000, help="steps of each fit")
parser.add_argument("--jobs", type=int, default=2, help="processes")
args = parser.parse_args()

# %%
# The fits
# --------


def draw_weights(x, seed):
    """Return hidden and output weights, uniform in [0, 1)."""
    rng = np.random.default_rng(seed)
    return [rng.random((len(x), 2)), rng.random((2, 1))]


def descend(x, seed, n_iterations):
    """Return the network after gradient descent from one draw of weights."""
    network = BackpropRegressor(
        hidden_layer_sizes=2,
        output_activation="sigmoid",
        loss="squared_error",
        fit_intercept=False,
        conditioning=None,
        alpha=0,
        learning_rate=RATE,
        learning_rate_schedule="constant",
        batch_size="full",
        max_iter=n_iterations,
        tol=None,
    )
    return network.fit([x], [TARGET], coefs_init=draw_weights(x, seed))


def fit(x, seed, n_iterations):
    """Return the final prediction, and the error by iteration, from one draw of weights."""
    network = descend(x, seed, n_iterations)
    return network.predict([x])[0], np.array(network.loss_curve_)


def arrives(prediction):
    """Whether a prediction is the target to three digits."""
    return abs(prediction - TARGET) < TOLERANCE


runs = {}
for name, x in INPUTS.items():
    begin = perf_counter()
    fits = Parallel(args.jobs)(delayed(fit)(x, seed, args.iterations) for seed in range(args.draws))
    n_arrived = sum(arrives(prediction) for prediction, _ in fits)
    print(
        f"{name}: {n_arrived} of {args.draws} draws predict {TARGET} to three digits after "
        f"{args.iterations} steps ({perf_counter() - begin:.0f} s)"
    )
    runs[name] = fits[:10]

# %%
# A single run that reaches the target shows that the gradients are right. It does not show that the
# number of steps is large enough, because that depends on the initial weights. So judge a setting
# by many draws.

figure, axes = plt.subplots(
    2, len(runs), figsize=(9, 6), sharex=True, sharey="row", squeeze=False, layout="constrained"
)
for (name, fits), (top, bottom) in zip(runs.items(), axes.T, strict=True):
    for prediction, errors in fits:
        if arrives(prediction):
            style = {"color": BLUE, "label": "predicts 0.2 in the end"}
        else:
            style = {"color": ORANGE, "linestyle": "--", "label": "has not reached 0.2"}
        # Weights of 0 or more predict 0.5 or more at first, and such short steps never pass the
        # target. So the error gives the prediction.
        top.plot(TARGET + np.sqrt(errors), **style)
        bottom.plot(errors, **style)
    top.axhline(TARGET, color="black", linewidth=0.8, linestyle=":")
    bottom.axhline(TOLERANCE**2, color="black", linewidth=0.8, linestyle=":")
    bottom.annotate("three digits", (0, TOLERANCE**2), xytext=(0, 3), textcoords="offset points")
    top.set(title=f"{name}, {len(fits)} draws of weights", ylabel="prediction")
    bottom.set(xlabel="iteration", ylabel="error, (prediction − 0.2)²", yscale="log")
    by_label = dict(zip(*reversed(top.get_legend_handles_labels()), strict=True))
    top.legend(by_label.values(), by_label.keys())
for axis in axes.flat:
    axis.label_outer()
    axis.locator_params(axis="x", nbins=5)
plt.show()

# %%
# The mistake in the listing
# --------------------------


def mistake(x, seed, n_iterations=100):
    """Return the error of hidden weights that are computed with the new output weights."""
    row = np.array(x)
    hidden_weights, output_weights = draw_weights(x, seed)
    for _ in range(n_iterations):
        hidden = 1.0 / (1.0 + np.exp(-row @ hidden_weights))
        prediction = 1.0 / (1.0 + np.exp(-hidden @ output_weights))
        delta = 2.0 * (prediction - TARGET) * prediction * (1.0 - prediction)
        output_weights -= RATE * np.outer(hidden, delta)
        hidden_delta = delta * output_weights[:, 0] * hidden * (1.0 - hidden)
        hidden_weights -= RATE * np.outer(row, hidden_delta)
    return np.abs(hidden_weights - descend(x, seed, n_iterations).coefs_[0]).max()


mistakes = [mistake(INPUTS["10-2-1"], seed) for seed in range(args.draws)]
print(
    f"10-2-1 with the mistake of the listing: hidden weights off by {np.median(mistakes):.0e} "
    f"after 100 steps (median), {max(mistakes):.0e} at most"
)
