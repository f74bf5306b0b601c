"""What it costs to record a fit, and to watch one with `LiveView`, against the same fit alone.

The first is 10,000 steps of a 3-2-1 network. The others are a 2-4-1 network on 100 rows, in full
batch and in batches, long enough to be drawn several times. A callback that does nothing shows what
callbacks cost by themselves. Prints the median ratio of several runs::

    OPENBLAS_NUM_THREADS=1 python benchmarks/recording.py
"""

import argparse
from functools import partial
from statistics import median
from time import perf_counter

from sklearn.base import clone
from sklearn.datasets import make_moons

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop.inspection import LiveView, record_fit

ROW, TARGET = [[0.1, 0.4, 4.1]], [0.2]
TEXTBOOK = {
    "conditioning": None,
    "alpha": 0,
    "learning_rate_schedule": "constant",
    "batch_size": "full",
    "tol": None,
    "random_state": 0,
}


class Idle:
    """A callback that does nothing."""

    def setup(self, estimator, context):
        """Nothing."""

    def teardown(self, estimator, context):
        """Nothing."""

    def on_fit_task_begin(self, estimator, context):
        """Nothing."""

    def on_fit_task_end(self, estimator, context):
        """Nothing."""


def three_two_one(n_steps):
    """The network whose recording is timed."""
    return BackpropRegressor(
        2,
        output_activation="sigmoid",
        loss="squared_error",
        fit_intercept=False,
        learning_rate=0.001,
        max_iter=n_steps,
        **TEXTBOOK,
    )


def seconds(run):
    """The time of a call."""
    start = perf_counter()
    run()
    return perf_counter() - start


def ratio(plain, other, n_runs):
    """The median ratio of the times of two calls in turn, and the median time of the first."""
    times = [(seconds(plain), seconds(other)) for _ in range(n_runs)]
    return median(b / a for a, b in times), median(a for a, _ in times)


def watched(model, callback, X, y):
    """Fit with a callback."""
    clone(model).set_callbacks(callback).fit(X, y)


def main():
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each")
    parser.add_argument("--steps", type=int, default=10_000, help="steps of the recorded fit")
    parser.add_argument("--epochs", type=int, default=30_000, help="epochs of a watched fit")
    args = parser.parse_args()

    model = three_two_one(args.steps)
    found, alone = ratio(
        lambda: clone(model).fit(ROW, TARGET),
        lambda: record_fit(clone(model), ROW, TARGET),
        args.runs,
    )
    page = record_fit(clone(model), ROW, TARGET).to_html()
    print(f"record_fit, {args.steps:,} steps: {found:.2f} times {alone:.2f} s; {len(page):,} bytes")
    if not hasattr(model, "set_callbacks"):
        print("LiveView needs scikit-learn 1.9.")
        return
    X, y = make_moons(100, noise=0.2, random_state=0)
    fits = {
        "full batch": BackpropClassifier(4, learning_rate=0.5, max_iter=args.epochs, **TEXTBOOK),
        "batches": BackpropClassifier(4, max_iter=args.epochs // 4, tol=None, random_state=0),
    }
    for name, network in fits.items():
        for kind, make in {"idle": Idle, "LiveView": partial(LiveView, show=len)}.items():
            found, alone = ratio(
                lambda network=network: clone(network).fit(X, y),
                lambda network=network, make=make: watched(network, make(), X, y),
                args.runs,
            )
            print(f"{kind}, {name}: {found:.2f} times {alone:.2f} s")


if __name__ == "__main__":
    main()
