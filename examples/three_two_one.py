"""Whether 80,000 steps of gradient descent are enough for a network of eight weights.

A textbook network of three inputs, two hidden units and one output (sigmoids, no biases) is to
map one row of inputs to 0.2. It starts from weights drawn uniformly from [0, 1) and takes 80,000
steps of gradient descent on (prediction − 0.2)², at a rate of 0.001. So does a network of ten
inputs. The script starts both from many draws and prints the fraction of them that predict 0.2 to
three digits in the end, and what one learns from it. With --plot it draws prediction and error by
iteration for the first ten draws.

    python three_two_one.py
    python three_two_one.py --draws 20 --plot three_two_one.png
"""

import argparse
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed

from skbackprop import BackpropRegressor

INPUTS = {
    "3-2-1": [0.1, 0.4, 4.1],
    "10-2-1": [0.1, 0.4, 4.1, 4.3, 1.8, 2.0, 0.01, 0.9, 3.8, 1.6],
}
TARGET = 0.2
TOLERANCE = 0.0005
LESSON = (
    "One run that arrives shows that the gradients are right, not that the steps suffice: whether "
    "they do depends on the weights drawn, so judge a setting by many draws."
)


def fit(x, seed, n_iterations):
    """Return the final prediction, and the error by iteration, from one draw of weights."""
    rng = np.random.default_rng(seed)
    network = BackpropRegressor(
        hidden_layer_sizes=2,
        output_activation="sigmoid",
        loss="squared_error",
        alpha=0,
        fit_intercept=False,
        learning_rate=0.001,
        learning_rate_schedule="constant",
        batch_size="full",
        max_iter=n_iterations,
        tol=None,
    )
    network.fit([x], [TARGET], coefs_init=[rng.random((len(x), 2)), rng.random((2, 1))])
    return network.predict([x])[0], np.array(network.loss_curve_)


def arrives(prediction):
    """Whether a prediction is the target to three digits."""
    return abs(prediction - TARGET) < TOLERANCE


def plot(runs, filename):
    """Draw prediction (top) and error (bottom) by iteration, one column a network."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        2, len(runs), figsize=(9, 6), sharex=True, sharey="row", squeeze=False, layout="constrained"
    )
    for (name, fits), (top, bottom) in zip(runs.items(), axes.T, strict=True):
        for prediction, errors in fits:
            if arrives(prediction):
                style = {"color": "#0072B2", "label": "predicts 0.2 in the end"}
            else:
                style = {"color": "#D55E00", "linestyle": "--", "label": "has not arrived"}
            # Weights of 0 or more predict 0.5 or more at first, and steps as short as these never
            # pass the target: the error gives the prediction.
            top.plot(TARGET + np.sqrt(errors), **style)
            bottom.plot(errors, **style)
        top.axhline(TARGET, color="black", linewidth=0.8, linestyle=":")
        bottom.axhline(TOLERANCE**2, color="black", linewidth=0.8, linestyle=":")
        bottom.annotate(
            "three digits", (0, TOLERANCE**2), xytext=(0, 3), textcoords="offset points"
        )
        top.set(title=f"{name}, {len(fits)} draws of weights", ylabel="prediction")
        bottom.set(xlabel="iteration", ylabel="error, (prediction − 0.2)²", yscale="log")
        by_label = dict(zip(*reversed(top.get_legend_handles_labels()), strict=True))
        top.legend(by_label.values(), by_label.keys())
    for axis in axes.flat:
        axis.label_outer()
        axis.locator_params(axis="x", nbins=5)
    figure.savefig(filename, dpi=120)


def main():
    """Fit both networks from many draws, and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=100, help="draws of weights a network")
    parser.add_argument("--iterations", type=int, default=80_000, help="steps of each fit")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--plot", metavar="FILE", help="draw the first ten draws into FILE")
    args = parser.parse_args()

    plotted = {}
    for name, x in INPUTS.items():
        start = perf_counter()
        fits = Parallel(args.jobs)(
            delayed(fit)(x, seed, args.iterations) for seed in range(args.draws)
        )
        n_arrived = sum(arrives(prediction) for prediction, _ in fits)
        print(
            f"{name}: {n_arrived} of {args.draws} draws predict {TARGET} to three digits after "
            f"{args.iterations} steps ({perf_counter() - start:.0f} s)"
        )
        plotted[name] = fits[:10]
    print(LESSON)
    if args.plot:
        plot(plotted, args.plot)


if __name__ == "__main__":
    main()
