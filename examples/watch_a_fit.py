"""Watch a fit, and end it in time.

There are three ways to see how a fit is doing while it runs. verbose=1 prints a line an epoch, and
fewer as the epochs add up. A validation set adds the loss on rows that are not fitted; the weights
that are kept are those of its best epoch. And the callbacks of scikit-learn, from 1.9 on, draw a
bar, note a score by epoch, or end the fit: here once nine out of ten flowers are named right. The
bar needs rich; without it, or with an older scikit-learn, the rest of this script still runs.
"""

import importlib.util

import matplotlib.pyplot as plt
import numpy as np
from _pictures import BLUE, ORANGE, run
from sklearn.datasets import load_diabetes, load_iris

from skbackprop import BackpropClassifier, BackpropRegressor


class GoodEnough:
    """Ends a fit at a score on the data it is fitted to."""

    def __init__(self, score):
        self.score = score

    def setup(self, estimator, context):
        """Nothing to prepare."""

    def teardown(self, estimator, context):
        """Nothing to put away."""

    def on_fit_task_begin(self, estimator, context):
        """Nothing to do before an epoch."""

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        """Ask for an end; the estimator that is handed over is as if fitted so far."""
        return context.task_name == "epoch" and fitted_estimator.score(X, y) >= self.score


def losses():
    """The loss by epoch, on the rows that are fitted and on those that are not."""
    X, y = load_diabetes(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    fitted, held_out = order[:300], order[300:]
    model = BackpropRegressor(
        100, alpha=0, learning_rate=0.05, max_iter=200, random_state=0, verbose=1
    )
    model.fit(X[fitted], y[fitted], X_val=X[held_out], y_val=y[held_out])
    print(f"best after {model.best_iter_} of {model.n_iter_} epochs\n")

    epochs = np.arange(1, model.n_iter_ + 1)
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    axis.plot(epochs, model.loss_curve_, color=BLUE, label="fitted")
    axis.plot(epochs, model.validation_loss_curve_, color=ORANGE, linestyle="--", label="held out")
    axis.axvline(model.best_iter_, color="0.6", label=f"best, after {model.best_iter_}")
    axis.set(xlabel="epoch", ylabel="loss, ½ mean (ŷ − y)²")
    axis.legend()
    return figure


def callbacks():
    """A bar, a score by epoch, and an early end, if there are callbacks; no picture."""
    X, y = load_iris(return_X_y=True)
    model = BackpropClassifier(10, random_state=0)
    if not hasattr(model, "set_callbacks"):
        print("Callbacks come with scikit-learn 1.9.")
        return
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
    # What is saved would keep them.
    model.set_callbacks()


if __name__ == "__main__":
    run(__doc__, losses, callbacks)
