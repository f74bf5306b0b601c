"""
Watch a fit, and end it in time
===============================

There are three ways to see the progress of a fit while it runs. ``verbose=1`` prints the loss of
some epochs. A validation set adds the loss on rows that are not fitted; the fit then keeps the
weights of the best epoch. And the callbacks of scikit-learn 1.9 or later draw a progress bar,
record a score after each epoch, or end the fit.
"""

import importlib.util

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes, load_iris

from skbackprop import BackpropClassifier, BackpropRegressor

# %%
# The loss on fitted and on held-out rows
# ---------------------------------------

X, y = load_diabetes(return_X_y=True)
order = np.random.default_rng(0).permutation(len(y))
fitted, held_out = order[:300], order[300:]
model = BackpropRegressor(100, alpha=0, learning_rate=0.05, max_iter=200, random_state=0, verbose=1)
model.fit(X[fitted], y[fitted], X_val=X[held_out], y_val=y[held_out])
print(f"best after {model.best_iter_} of {model.n_iter_} epochs\n")

epochs = np.arange(1, model.n_iter_ + 1)
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.plot(epochs, model.loss_curve_, color="#0072B2", label="fitted")
axis.plot(epochs, model.validation_loss_curve_, color="#D55E00", linestyle="--", label="held out")
axis.axvline(model.best_iter_, color="0.6", label=f"best, after {model.best_iter_}")
axis.set(title="Loss on fitted and on held-out rows", xlabel="epoch", ylabel="½ mean (ŷ − y)²")
axis.legend()
plt.show()

# %%
# Callbacks
# ---------
# ``GoodEnough`` ends a fit when the accuracy on the fitted rows reaches a given value. The progress
# bar needs the package rich. Without rich, or with an older scikit-learn, the rest of this script
# still runs.


class GoodEnough:
    """Ends a fit at a score on the data it is fitted to."""

    def __init__(self, score):
        self.score = score

    def setup(self, estimator, context):
        """Nothing to prepare."""

    def teardown(self, estimator, context):
        """Nothing to clean up."""

    def on_fit_task_begin(self, estimator, context):
        """Nothing to do before an epoch."""

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        """Return whether to end the fit. `fitted_estimator` has the weights so far."""
        return context.task_name == "epoch" and fitted_estimator.score(X, y) >= self.score


X, y = load_iris(return_X_y=True)
model = BackpropClassifier(10, random_state=0)
if hasattr(model, "set_callbacks"):
    from sklearn.callback import ProgressBar, ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    watchers = [monitor, GoodEnough(0.9)]
    if importlib.util.find_spec("rich"):
        watchers.append(ProgressBar())
    model.set_callbacks(*watchers).fit(X, y)
    for row in monitor.get_logs().data:
        if row["task_name"] == "epoch":
            print(f"epoch {row['task_id'] + 1}: accuracy {row['accuracy']:.3f}")
    print(f"status: {model.status_} after {model.n_iter_} epochs")
    # A saved model would contain the callbacks.
    model.set_callbacks()
else:
    print("Callbacks come with scikit-learn 1.9.")
