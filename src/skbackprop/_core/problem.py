"""What a fit minimises: a network on data, in coordinates; and how its settings follow the rows."""

from typing import Any, Literal, NamedTuple

import numpy as np

from skbackprop._core.conditioning import Conditioning
from skbackprop._core.losses import Loss
from skbackprop._core.network import Network
from skbackprop._core.objective import Objective, ObjectiveOfRows


class Mode(NamedTuple):
    """How a fit stands to those before."""

    goes_on: bool
    """From the fitted weights."""
    partial: bool
    """For one epoch, of a stream."""

    @property
    def in_stream(self) -> bool:
        """From the weights, the statistics and the epochs of a stream so far."""
        return self.goes_on and self.partial


class Target(NamedTuple):
    """A target as the network sees it."""

    values: np.ndarray
    """Shape (n_rows, n_outputs), or (n_rows,) of class codes."""
    loss: Loss
    is_numeric: bool
    """Whether they are numbers, conditioned as far as the loss lets them, and not labels."""
    n_outputs: int
    fitted: dict[str, Any]
    """Attributes that the estimator publishes about it."""


class Data(NamedTuple):
    """Rows of data, checked and encoded."""

    X: Any
    y: Any
    """The target as it was given."""
    values: np.ndarray
    """The target as the network sees it."""
    sample_weight: np.ndarray | None
    groups: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> "Data":
        """Some of the rows."""
        parts: list[Any] = [part if part is None else part[rows] for part in self]
        return Data(*parts)

    def without_weightless(self) -> "Data":
        """All rows but those of weight zero."""
        if self.sample_weight is None or self.sample_weight.all():
            return self
        return self.take(np.flatnonzero(self.sample_weight))


class Problem(NamedTuple):
    """A network on rows of data, in the coordinates of the descent."""

    network: Network
    loss: Loss
    conditioning: Conditioning
    rows: Data
    alpha: float
    reduction: Literal["mean", "sum"]

    def objective(self, batch_size: int, dtype: np.dtype | None = None) -> ObjectiveOfRows:
        """What is descended."""
        return self._objective_on(self.rows, self.alpha, batch_size, dtype)

    def validation_objective(self, rows: Data) -> ObjectiveOfRows:
        """The loss on other rows, without the penalty."""
        return self._objective_on(rows, 0.0, 1, None)

    def _evaluator(self) -> type[ObjectiveOfRows]:
        return Objective

    def _objective_on(
        self, rows: Data, alpha: float, batch_size: int, dtype: np.dtype | None
    ) -> ObjectiveOfRows:
        conditioning = self.conditioning
        return self._evaluator()(
            self.network,
            self.loss,
            rows.X,
            conditioning.conditioned_targets(rows.values),
            rows.sample_weight,
            alpha=alpha,
            reduction=self.reduction,
            batch_size=batch_size,
            input_shift=conditioning.input_shift if conditioning.conditions else None,
            input_scale=conditioning.input_scale if conditioning.conditions else None,
            dtype=dtype,
        )


def resolve_batch_size(batch_size: int | str, n_rows: int) -> int:
    """Rows a batch; "auto" is 32, of which a set of 32 rows or fewer is one full batch."""
    if batch_size == "full":
        return n_rows
    return min(32 if batch_size == "auto" else int(batch_size), n_rows)


def resolve_max_iter(max_iter: int | str, n_rows: int) -> int:
    """Number of epochs; "auto" is 200, fewer for more than 2,000 rows, at least 20."""
    if max_iter != "auto":
        return int(max_iter)
    return max(20, round(200.0 * min(1.0, 2000.0 / n_rows) ** (2.0 / 3.0)))
