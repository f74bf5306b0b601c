"""
Save a model, load it, and continue the fit
===========================================

joblib saves a fitted model like any estimator of scikit-learn. The loaded model predicts the same
numbers, bit for bit. It can also continue to learn, because the file contains the state of a
descent by ``partial_fit``: the weights, the coordinates, the step size and the random streams.

In this example a network learns the digits in twelve passes. One model takes them without a break.
The other is saved and loaded after six passes.

A file that joblib loads can run code. Load only files that you trust, and load them with the
package versions that saved them.
"""

import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skbackprop import BackpropClassifier

BLUE, ORANGE = "#0072B2", "#D55E00"
N_PASSES = 6
X, y = load_digits(return_X_y=True)


def passes(model):
    """Take some passes over the digits; return the loss after each."""
    losses = []
    for _ in range(N_PASSES):
        model.partial_fit(X, y, classes=range(10))
        losses.append(model.loss_)
    return losses


# %%
# Six passes, then a file
# -----------------------

model = BackpropClassifier(random_state=0)
before = passes(model)
with tempfile.TemporaryDirectory() as folder:
    for compress in (False, True):
        path = Path(folder) / "digits.joblib"
        joblib.dump(model, path, compress=compress)
        print(f"compress={compress}: {path.stat().st_size / 1024:.0f} kB")
    loaded = joblib.load(path)
same = np.array_equal(model.predict_proba(X), loaded.predict_proba(X))
print(f"The loaded model predicts the same to the last bit: {same}")

# %%
# Six more passes of both models
# ------------------------------

after, without_break = passes(loaded), passes(model)
same = np.array_equal(model.predict_proba(X), loaded.predict_proba(X))
print(f"{N_PASSES} passes later it still does: {same}")

done = np.arange(1, 2 * N_PASSES + 1)
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.plot(done, before + without_break, color="0.6", linewidth=6, label="without a break")
axis.plot(done[:N_PASSES], before, color=BLUE, marker="o", label="until saved")
axis.plot(done[N_PASSES:], after, color=ORANGE, marker="s", label="loaded")
axis.set(title="Loss of a model that was saved half-way", ylim=0.0)
axis.set(xlabel="passes over the digits", ylabel="loss (nats)")
axis.legend()
plt.show()
