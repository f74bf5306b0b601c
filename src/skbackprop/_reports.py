"""What a fit says: its progress, and a warning where it did not end well."""

import warnings
from collections.abc import Callable
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from skbackprop._descent import Descent
from skbackprop._stopping import Status


class DivergenceWarning(ConvergenceWarning):
    """Gradient descent diverged: the loss was not finite, or ended above where it began."""


def report_end(estimator: Any, descent: Descent, *, goes_on: bool, partial: bool) -> None:
    """Warn of what the user should know about the end of a fit."""
    epochs = len(descent.loss_curve)
    losses = f"loss {descent.loss:.4g}, {descent.first_loss:.4g} before the first step"
    if estimator.learning_rate == "auto":
        advice = f"Pass a float below learning_rate_={estimator.learning_rate_:.3g}."
    else:
        advice = f"Lower learning_rate={estimator.learning_rate!r}, or set it to 'auto'."
    if descent.status is Status.DIVERGED and descent.exploded:
        text = (
            f"diverged after {epochs} epochs: the loss was not finite, or far above the first "
            f"for long. The weights are the best it met ({losses}). {advice}"
        )
    elif descent.status is Status.DIVERGED:
        text = f"diverged: after {epochs} epochs the loss is above the first ({losses}). {advice}"
    elif descent.status is Status.INTERRUPTED:
        text = (
            f"was interrupted after {epochs} epochs; it keeps the weights learned so far "
            f"({losses})."
        )
    elif descent.status is not Status.MAX_ITER or partial or estimator.tol is None:
        return
    elif estimator.learning_rate_schedule != "linear":
        text = (
            f"ran all max_iter={epochs} epochs before the loss stopped falling "
            f"({losses}). Raise max_iter, or set tol=None to run max_iter epochs by intent."
        )
    elif not goes_on and descent.loss >= descent.first_loss * (1.0 - 1e-6):
        text = f"stalled: the loss did not fall ({losses}). " + (
            f"{descent.undone} epochs exploded and were undone: raise max_iter."
            if descent.undone
            else "Raise learning_rate, or condition the coordinates."
        )
    else:
        return
    kind = DivergenceWarning if descent.status is Status.DIVERGED else ConvergenceWarning
    # The user called fit or partial_fit, which called _fit, which called this.
    warnings.warn(f"{type(estimator).__name__} {text}", kind, stacklevel=4)


def epoch_printer(
    verbose: int, max_iter: int, epochs_before: int, unit: float
) -> Callable[[int, float, float], None] | None:
    """What prints a line an epoch, losses times `unit`.

    At verbose=1 about twenty lines over max_iter, at 2 all of them.
    """
    if not verbose:
        return None
    every = 1 if verbose > 1 else max(1, max_iter // 20)
    if epochs_before == 0:
        print(f"{'epoch':>7}  {'loss':>12}  {'step':>10}")

    def print_epoch(epoch: int, loss: float, step: float) -> None:
        if epoch == 1 or epoch % every == 0 or epoch == max_iter:
            print(f"{epoch:>7}  {unit * loss:>12.6g}  {step:>10.4g}", flush=True)

    return print_epoch
