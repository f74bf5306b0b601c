"""Save a model, load it, and go on where it was.

A fitted model is saved with joblib like any estimator of scikit-learn. What is loaded predicts the
same to the last bit. It also learns on as if it had never been away: the state of a descent by
``partial_fit`` (the weights, the coordinates, the step size, the random streams) is part of the
model. Here a network learns the digits in twelve passes, once without a break, and once saved and
loaded after six.

A file that joblib loads can run code: load only files that you trust, with the versions of the
packages that wrote them.
"""

import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from _pictures import BLUE, ORANGE, run
from sklearn.datasets import load_digits

from skbackprop import BackpropClassifier

X, Y = load_digits(return_X_y=True)
N_PASSES = 6


def passes(model):
    """Take some passes over the digits; return the loss after each."""
    losses = []
    for _ in range(N_PASSES):
        model.partial_fit(X, Y, classes=range(10))
        losses.append(model.loss_)
    return losses


def through_a_file(model):
    """Return a model as it comes back from a file, and print what the file takes."""
    with tempfile.TemporaryDirectory() as folder:
        for compress in (False, True):
            path = Path(folder) / "digits.joblib"
            joblib.dump(model, path, compress=compress)
            print(f"compress={compress}: {path.stat().st_size / 1024:.0f} kB")
        return joblib.load(path)


def loss_before_and_after():
    """The loss by pass over the digits: without a break, and saved and loaded half-way."""
    model = BackpropClassifier(random_state=0)
    before = passes(model)
    loaded = through_a_file(model)
    same = np.array_equal(model.predict_proba(X), loaded.predict_proba(X))
    print(f"loaded, predicts the same to the last bit: {same}")

    after, without_break = passes(loaded), passes(model)
    same = np.array_equal(model.predict_proba(X), loaded.predict_proba(X))
    print(f"{N_PASSES} passes later it still does: {same}")

    done = np.arange(1, 2 * N_PASSES + 1)
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    axis.plot(done, before + without_break, color="0.6", linewidth=6, label="without a break")
    axis.plot(done[:N_PASSES], before, color=BLUE, marker="o", label="until saved")
    axis.plot(done[N_PASSES:], after, color=ORANGE, marker="s", label="loaded")
    axis.set(xlabel="passes over the digits", ylabel="loss (nats)", ylim=0.0)
    axis.legend()
    return figure


if __name__ == "__main__":
    run(__doc__, loss_before_and_after)
