"""What a fit minimises: a network on data, in coordinates."""

from typing import Any, Literal, NamedTuple

import numpy as np

from skbackprop._core.conditioning import Conditioning
from skbackprop._core.feature_penalty import FeatureScales, ScaledObjective
from skbackprop._core.losses import Loss
from skbackprop._core.network import Network
from skbackprop._core.objective import Objective, ObjectiveOfRows, Sample


class TargetForm(NamedTuple):
    """The form of a target, which later targets must have as well."""

    n_outputs: int
    loss: tuple[str, dict[str, Any]]
    """Name and options of the loss."""
    classes: Any = None
    """The labels of a classifier, in order."""
    multilabel: bool = False
    ndim: int = 1
    """Dimensions of the predictions of a regressor."""


class Target(NamedTuple):
    """A target as the network sees it."""

    values: np.ndarray
    """Shape (n_rows, n_outputs), or (n_rows,) of class codes."""
    loss: Loss
    is_numeric: bool
    """Whether they are numbers, conditioned as far as the loss allows, and not labels."""
    form: TargetForm
    class_weights: list[np.ndarray] | None = None
    """For each label, the weights of its classes by code; None for weights of one."""


class Data(NamedTuple):
    """Rows of data, checked and encoded."""

    X: Any
    y: Any
    """The target as it was given."""
    values: np.ndarray
    """The target as the network sees it."""
    sample_weight: np.ndarray | None
    groups: np.ndarray | None = None

    @property
    def columns_an_entry(self) -> float | None:
        """The number of columns over the mean number of entries of a row; None of dense rows."""
        n_entries = getattr(self.X, "nnz", None)
        if n_entries is None:
            return None
        n_rows, n_columns = self.X.shape
        return float(n_rows * n_columns / max(n_entries, 1))

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
    data: Data
    alpha: float
    reduction: Literal["mean", "sum"]
    precision: np.dtype
    """Of the descent."""
    evaluator: type[ObjectiveOfRows] = Objective
    """Evaluates the objective where the rows are."""
    scales: FeatureScales | None = None
    """Scales of the inputs that are descended on as well; None for none."""

    def objective(self, batch_size: int) -> ObjectiveOfRows | ScaledObjective:
        """What is descended."""
        if self.scales is None:
            return self.objective_of_network(batch_size)
        loss = self._replace(alpha=0.0).objective_of_network(batch_size)
        return ScaledObjective(loss, self.scales, self.alpha)

    def objective_of_network(self, batch_size: int) -> ObjectiveOfRows:
        """The objective as a function of the parameters of the network."""
        input_scale = self.conditioning.scale_of_descent
        return self._objective_on(self.data, input_scale, self.alpha, batch_size)

    def validation_objective(self, held_out: Data) -> ObjectiveOfRows:
        """The loss of the network on other rows, without the penalty."""
        return self._objective_on(held_out, self.conditioning.input_scale, 0.0, 1)

    def of_network(self, params: np.ndarray) -> np.ndarray:
        """The parameters of the network, of those of the descent."""
        return params if self.scales is None else self.scales.fold(params)

    def _objective_on(
        self,
        data: Data,
        input_scale: np.ndarray,
        alpha: float,
        batch_size: int,
    ) -> ObjectiveOfRows:
        conditioning = self.conditioning
        targets = conditioning.conditioned_targets(data.values)
        sample = Sample(data.X, targets, data.sample_weight)
        if conditioning.conditions:
            sample = sample._replace(
                shift=conditioning.input_shift, scale=input_scale, tails=conditioning.tails
            )
        return self.evaluator(
            self.network,
            self.loss,
            sample,
            alpha=alpha,
            reduction=self.reduction,
            batch_size=batch_size,
            dtype=self.precision,
        )
