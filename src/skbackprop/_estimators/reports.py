"""What a fit says, its progress and a warning where it did not end well; an estimator's HTML."""

import re
import time
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.descent import Descent, Epoch
from skbackprop._core.problem import Data, Target
from skbackprop._core.rules import Status
from skbackprop._core.statistics import Spread
from skbackprop._estimators.stacklevel import level_of_caller
from skbackprop._estimators.validation import Validation


class DivergenceWarning(ConvergenceWarning):
    """Gradient descent diverged: the loss was not finite, or ended above its first value.

    Examples
    --------
    >>> import warnings
    >>> from sklearn.datasets import load_diabetes
    >>> from skbackprop import BackpropRegressor, DivergenceWarning
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = BackpropRegressor(learning_rate=1e3, random_state=0)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", DivergenceWarning)
    ...     model = model.fit(X, y)
    >>> model.status_
    'diverged'
    """


def report_out_of_reach(estimator: Any, target: Target, rows: Data) -> None:
    """Warn of targets that no predictions come near, as the output activation has bounds.

    Noise may take some targets beyond the bounds: what counts is R² of the predictions that are
    nearest to them.
    """
    name, y = target.loss.output_activation, rows.values
    output = ACTIVATIONS.get(name)
    if not target.is_numeric or output is None or output.inverse is None:
        return
    beyond = y - np.clip(y, output.low, output.high)
    if not beyond.any():
        return
    of_y, of_beyond = (Spread.of(a, rows.sample_weight).every for a in (y, beyond))
    missed = np.hypot(of_beyond.mean, of_beyond.std)
    # A constant is missed by so much of itself.
    size = np.where(of_y.high > of_y.low, of_y.std, np.abs(of_y.mean))
    with np.errstate(divide="ignore", over="ignore"):
        r2 = 1.0 - (missed / np.where(missed > 0.0, size, 1.0)) ** 2
    k = int(r2.argmin())
    if r2[k] < _IN_REACH:
        column = f"column {k} of y" if y.shape[1] > 1 else "y"
        warnings.warn(
            f"{type(estimator).__name__} predicts from {output.low:g} to {output.high:g} under "
            f"output_activation={name!r}, but {column} has values from "
            f"{of_y.low[k]:.4g} to {of_y.high[k]:.4g}, for which R² is {r2[k]:.3g} at best. "
            "Scale y, or set output_activation='identity'.",
            ConvergenceWarning,
            stacklevel=level_of_caller(),
        )


# R² of the nearest predictions from which on targets are within reach.
_IN_REACH = 0.9


def report_end(estimator: Any, descent: Descent, *, goes_on: bool, partial: bool) -> None:
    """Warn of what the user should know about the end of a fit."""
    n_epochs = len(descent.loss_curve)
    epochs = f"{n_epochs} epoch" if n_epochs == 1 else f"{n_epochs} epochs"
    # 0 is the start, which only fitted weights can be the best of.
    validated = getattr(estimator, "best_iter_", -1) >= (0 if goes_on else 1)
    losses = f"loss {descent.loss:.4g}, {descent.first_loss:.4g} before the first step"
    if estimator.learning_rate == "auto":
        advice = f"Pass a float below learning_rate_={estimator.learning_rate_:.3g}."
    else:
        advice = f"Lower learning_rate={estimator.learning_rate!r}, or set it to 'auto'."
    if descent.status is Status.DIVERGED and descent.exploded:
        best = "those of the best validation score" if validated else "the best it met"
        text = (
            f"diverged after {epochs}: the loss was not finite, or far above the first "
            f"for long. The weights are {best} ({losses}). {advice}"
        )
    elif descent.status is Status.DIVERGED:
        text = f"diverged: after {epochs} the loss is above the first ({losses}). {advice}"
    elif descent.status is Status.INTERRUPTED:
        text = f"was interrupted after {epochs}; it keeps the weights learned so far ({losses})."
    elif descent.status is not Status.MAX_ITER or partial or estimator.tol is None:
        return
    elif validated:
        # The weights are those of the best score, however far descent went.
        return
    elif estimator.learning_rate_schedule != "linear":
        last = descent.loss_curve[-2:]
        fall = 1.0 - last[-1] / last[0] if last and last[0] else 0.0
        text = (
            f"ran all max_iter={n_epochs} epochs before the loss stopped falling, in the last by "
            f"{fall:.2%} ({losses}). Raise max_iter, or set tol=None to run max_iter epochs by "
            "intent."
        )
    elif not goes_on and descent.loss >= descent.first_loss * (1.0 - 1e-6):
        text = f"stalled: the loss did not fall ({losses}). "
        if descent.undone:
            text += f"Epochs that exploded and were undone: {descent.undone}. Raise max_iter."
        elif estimator.learning_rate == "auto":
            text += "Raise max_iter, lower alpha, or start from other weights."
        else:
            text += "Raise learning_rate, or condition the coordinates."
    else:
        return
    kind = DivergenceWarning if descent.status is Status.DIVERGED else ConvergenceWarning
    warnings.warn(f"{type(estimator).__name__} {text}", kind, stacklevel=level_of_caller())


class EpochPrinter:
    """Prints a line an epoch: how many are done, the losses, the step size, and the seconds.

    At verbose=1 all of the first ten, then every tenth up to a hundred, and so on; at 2 all. The
    last epoch of a fit is always printed; a stream has none, and a `max_iter` of None. Losses are
    printed times `unit`; `validation` must have measured the epoch before.
    """

    def __init__(
        self,
        verbose: int,
        max_iter: int | None,
        epochs_before: int,
        unit: float,
        validation: Validation | None,
    ) -> None:
        self._all = verbose > 1
        self._last = max_iter
        self._unit = unit
        self._validation = validation
        self._began = time.perf_counter()
        if epochs_before == 0:
            validated = "" if validation is None else f"{'validation':>12}  "
            print(f"{'epoch':>7}  {'loss':>12}  {validated}{'step size':>10}  {'seconds':>8}")

    def __call__(self, epoch: Epoch) -> None:
        """Print the line, if it is one of those to print."""
        every = 1 if self._all else 10 ** (len(str(epoch.number)) - 1)
        if epoch.number % every and epoch.number != self._last:
            return
        validated = ""
        if self._validation is not None:
            validated = f"{self._validation.losses[-1]:>#12.6g}  "
        print(
            f"{epoch.number:>7}  {self._unit * epoch.loss:>#12.6g}  {validated}"
            f"{epoch.step_sizes[-1]:>#10.4g}  {time.perf_counter() - self._began:>8.2f}",
            flush=True,
        )


class DescribedHtmlMixin:
    """Descriptions of parameters and attributes in scikit-learn's HTML, without links.

    scikit-learn (from 1.9 on) shows a description only inside a link to documentation on the web.
    """

    def _get_params_html(self, *args: Any, **kwargs: Any) -> Any:
        return _described(super()._get_params_html(*args, **kwargs))  # type: ignore[misc]

    def _get_fitted_attr_html(self, *args: Any, **kwargs: Any) -> Any:
        return _described(super()._get_fitted_attr_html(*args, **kwargs))  # type: ignore[misc]


def _described(table: Any) -> Any:
    """A table of scikit-learn's that links to nowhere while it is drawn, then to nothing."""
    to_html = getattr(table, "_html_repr", None)
    if to_html is not None:
        table.doc_link = "#"
        table._html_repr = lambda: _LINK.sub("", to_html())
    return table


# Descriptions have no quotes, which are escaped.
_LINK = re.compile(r'\s+(?:rel|target|href)="[^"]*"')
