"""Losses on raw predictions: value and gradient together, so that they cannot disagree.

Conventions, for every loss here:

- `raw_prediction` z, shape (n_rows, n_outputs): the weighted sums of the output layer. The
  loss *has* the function that turns them into predictions (its inverse link), so the network
  ends at the weighted sums and no pair of output activation and loss is special.
- `y_true`: what `target` names: "matrix", shape (n_rows, n_outputs), or "codes", shape
  (n_rows,), the integers 0 .. n_outputs-1 that stand for one-hot rows.
- the loss of a row is a sum over its outputs; the value is the weighted sum over the rows,
  not yet averaged.

A new loss is one class and one entry in `LOSSES`; the tests and the traces find it there.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from skbackprop._core.losses.base import Loss
from skbackprop._core.losses.likelihoods import log_loss, poisson
from skbackprop._core.losses.residuals import AbsoluteError, Huber, Pinball, SquaredError

__all__ = ["LOSSES", "Loss", "NamedLoss"]


class NamedLoss(NamedTuple):
    """How a loss is made, and how it is written in traces and pictures.

    The formulas are LaTeX.

    Attributes
    ----------
    make : callable
        Function of (target, output_activation), and of options, that returns the `Loss`.
    title : str
        The loss in words.
    derivative : str
        ∂J/∂ŷ of one output and row; ∂J/∂z for a loss that does not take the identity as its output
        activation. ``{y_pred}``, ``{y}`` and ``{bend}`` stand for symbols.
    bend : str
        Letter of the number at which the loss bends, if it has one.
    unit : str
        Unit of the loss, if it has a name.
    """

    make: Callable[..., Loss]
    title: str
    derivative: str = r"L'({y_pred},{y})"
    bend: str = ""
    unit: str = ""

    def __call__(self, target: str, output_activation: str, **options: Any) -> Loss:
        return self.make(target, output_activation, **options)


LOSSES: dict[str, NamedLoss] = {
    "half_squared_error": NamedLoss(
        partial(SquaredError, factor=0.5),
        "half squared error",
        "({y_pred}-{y})",
        unit="units of y²",
    ),
    "squared_error": NamedLoss(
        partial(SquaredError, factor=1.0),
        "squared error",
        "2({y_pred}-{y})",
        unit="units of y²",
    ),
    "absolute_error": NamedLoss(
        AbsoluteError,
        "absolute error",
        r"\mathrm{sign}({y_pred}-{y})",
        unit="units of y",
    ),
    "huber": NamedLoss(
        Huber,
        "Huber loss",
        r"\max(-{bend},\min({y_pred}-{y},{bend}))",
        bend="h",
        unit="units of y²",
    ),
    "quantile": NamedLoss(
        Pinball,
        "quantile loss",
        "([{y_pred}>{y}]-{bend})",
        bend="q",
        unit="units of y",
    ),
    "poisson": NamedLoss(poisson, "Poisson loss", "({y_pred}-{y})"),
    "log_loss": NamedLoss(log_loss, "log-loss", "({y_pred}-{y})", unit="nats"),
}
"""Losses by name."""
