"""The objective: network, loss and penalty on data, as a value and a gradient."""

from abc import abstractmethod
from typing import Any, Literal, NamedTuple

import numpy as np

from skbackprop._core.descent import Differentiable, Steps
from skbackprop._core.lazy_coef import Columns, LazyCoef, square_of
from skbackprop._core.losses import Loss
from skbackprop._core.network import Buffers, Layer, Network
from skbackprop._core.rows import Gatherer, Inputs, Rows
from skbackprop._core.tails import NO_TAILS, Tails


class Sample(NamedTuple):
    """The rows that an objective is evaluated on."""

    X: Any
    """ndarray, scipy.sparse CSR, or what a subclass takes, (n_rows, n_features); not written to."""
    y: np.ndarray
    """Targets in the form that the loss names, shape (n_rows, n_outputs) or (n_rows,)."""
    sample_weight: np.ndarray | None = None
    """Positive weights of the rows, shape (n_rows,)."""
    shift: np.ndarray | None = None
    """The network is given (X − shift) / scale, both of shape (n_features,); None for X itself."""
    scale: np.ndarray | None = None
    tails: Tails = NO_TAILS
    """The columns of X with long tails, which are tamed before."""


class Batch(NamedTuple):
    """The rows of a batch, overwritten by the next, and working memory for them."""

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None
    buffers: Buffers


class ObjectiveOfRows(Differentiable):
    """The reduced loss + ½ α Σ coef² of a network on data, wherever they are.

    Reduced means averaged over the rows or added up. With sample weights the average is
    Σ w · loss / Σ w; that of a batch divides by its rows × the mean weight of all rows, which
    makes it an unbiased estimate. The penalty leaves out intercepts; of a sum, a batch has the
    penalty in proportion to its rows, so that the batches of an epoch add up to the objective.

    Parameters
    ----------
    network : Network
        What is fitted.
    loss : Loss
        What is minimised, row by row.
    sample : Sample
        The rows, float32 or float64.
    alpha : float
        Strength of the L2 penalty.
    reduction : {"mean", "sum"}
        How the losses of rows become one.
    batch_size : int
        Number of rows of the largest batch: the size of the buffers.
    dtype : numpy.dtype or None
        Precision of the computation; None for that of X.
    """

    inputs: Any
    """What has the shape of X."""

    def __init__(
        self,
        network: Network,
        loss: Loss,
        sample: Sample,
        *,
        alpha: float = 0.0,
        reduction: Literal["mean", "sum"] = "mean",
        batch_size: int,
        dtype: np.dtype | None = None,
    ) -> None:
        self.network = network
        self.loss = loss
        self.sample = sample
        self.dtype: np.dtype = sample.X.dtype if dtype is None else dtype
        codes = loss.target == "codes"
        self.y = sample.y if codes else sample.y.astype(self.dtype, copy=False)
        self.sample_weight = None
        sample_weight = sample.sample_weight
        if sample_weight is not None:
            if reduction == "mean":
                # Divided twice, as the sum of the weights may leave the range of floats.
                sample_weight = sample_weight / sample_weight.max()
                sample_weight = sample_weight / sample_weight.mean()
            self.sample_weight = sample_weight.astype(self.dtype)
        self.alpha = alpha
        self.reduction = reduction
        self.batch_size = batch_size
        coefs = slice(0, network.n_coefs)
        self._penalty = Penalty(coefs, alpha, self.dtype) if alpha else None
        self._take_inputs(sample)

    @abstractmethod
    def _take_inputs(self, sample: Sample) -> None:
        """Set `inputs` and what else the rows are evaluated with."""

    @abstractmethod
    def _sum(self, params: np.ndarray) -> float:
        """Σ weight · loss over all rows."""

    @abstractmethod
    def _sum_and_gradient(
        self, params: np.ndarray, rows: Rows, out: np.ndarray, scale: float
    ) -> float:
        """Return Σ weight · loss over a batch and fill `out` with scale · its gradient."""

    def value(self, params: np.ndarray) -> float:
        """The objective on all rows."""
        value = self._sum(params)
        if self.reduction == "mean":
            value /= self.inputs.shape[0]
        return value if self._penalty is None else value + self._penalty.value(params)

    def value_and_gradient(
        self, params: np.ndarray, rows: Rows, out: np.ndarray, scale: float = 1.0
    ) -> float:
        """Fill `out` with scale · the gradient of the objective of a batch; return its share."""
        value = self._sum_and_gradient(params, rows, out, self.scale_of_sum(rows, scale))
        if self.reduction == "mean":
            value /= self.inputs.shape[0]
        if self._penalty is not None:
            share, factor = self.share_and_factor(rows, scale)
            self._penalty.add_gradient(params, out, factor)
            value += share * self._penalty.value(params)
        return value

    def scale_of_sum(self, rows: Rows, scale: float) -> float:
        """What the gradient of Σ weight · loss over a batch is multiplied by."""
        return scale / n_rows_of(rows) if self.reduction == "mean" else scale

    def share_and_factor(self, rows: Rows, scale: float) -> tuple[float, float]:
        """A batch's share of the rows, and scale · what its objective has of a penalty."""
        share = n_rows_of(rows) / self.inputs.shape[0]
        # A mean is an estimate of the whole objective, a sum is a part of it.
        return share, scale if self.reduction == "mean" else scale * share


class Penalty:
    """½ strength Σ θ² over a part of the parameters.

    Parameters
    ----------
    part : slice
        The part.
    strength : float
        Its factor.
    dtype : numpy.dtype
        Precision of the parameters.
    """

    def __init__(self, part: slice, strength: float, dtype: np.dtype) -> None:
        self.strength = strength
        self._part = part
        self._terms = np.empty(min(part.stop - part.start, _CHUNK), dtype=dtype)

    def value(self, params: np.ndarray) -> float:
        """The penalty of the parameters."""
        return half_square(params[self._part], self.strength)

    def add_gradient(self, params: np.ndarray, out: np.ndarray, factor: float) -> None:
        """Add factor · the gradient to `out`."""
        factor *= self.strength
        for start in range(self._part.start, self._part.stop, _CHUNK):
            chunk = slice(start, min(start + _CHUNK, self._part.stop))
            terms = self._terms[: chunk.stop - start]
            np.multiply(params[chunk], factor, out=terms)
            gradient = out[chunk]
            gradient += terms


def half_square(part: np.ndarray, strength: float) -> float:
    """½ strength Σ θ² over a part of the parameters."""
    return 0.5 * strength * float(part.dot(part))


# Elements of a gradient that a penalty is added to at a time, which stay in the cache.
_CHUNK = 2**14


class Objective(ObjectiveOfRows):
    """The objective on rows in memory: an ndarray, or scipy.sparse CSR."""

    inputs: Inputs

    def _take_inputs(self, sample: Sample) -> None:
        size = self.batch_size
        self.inputs = Inputs(
            sample.X,
            size,
            tails=sample.tails,
            shift=sample.shift,
            scale=sample.scale,
            dtype=self.dtype,
        )
        self._buffers = self.network.buffers(size, self.dtype)
        self._targets = Gatherer(self.y, size)
        self._weights = None
        if self.sample_weight is not None:
            self._weights = Gatherer(self.sample_weight, size)
        self._params = self._gradient = np.empty(0)
        self._layers: list[Layer] = []
        self._gradients: list[Layer] = []

    def _sum(self, params: np.ndarray) -> float:
        layers = self.network.layers(params)
        value = 0.0
        for rows, raw_prediction, scratch in self.network.forward_in_chunks(layers, self.inputs):
            weight = None if self.sample_weight is None else self.sample_weight[rows]
            value += self.loss.value_and_gradient(self.y[rows], raw_prediction, weight, scratch)
        return value

    def _sum_and_gradient(
        self, params: np.ndarray, rows: Rows, out: np.ndarray, scale: float
    ) -> float:
        if params is not self._params:
            self._params, self._layers = params, self.network.layers(params)
        if out is not self._gradient:
            self._gradient, self._gradients = out, self.network.layers(out)
        return self.forward_and_backward(self._layers, self.batch(rows), self._gradients, scale)

    def steps(self, params: np.ndarray, update: np.ndarray) -> Steps:
        """What takes the steps of an epoch."""
        # A shift is absorbed by intercepts; one step an epoch puts nothing off.
        shift = self.inputs.scaled_shift
        suits = shift is None or (
            self.network.fit_intercept and square_of(shift) <= _LARGEST_SQUARE
        )
        if self.inputs.are_sparse and suits and self.batch_size < self.inputs.shape[0]:
            return SparseSteps(self, params, update)
        return super().steps(params, update)

    def forward_and_backward(
        self, layers: list[Layer], batch: "Batch", gradients: list[Layer], scale: float
    ) -> float:
        """Return Σ weight · loss over a batch and fill `gradients` with scale · its gradient."""
        X, y, weight, buffers = batch
        raw_prediction = self.network.forward(layers, X, buffers)
        value = self.loss.value_and_gradient(y, raw_prediction, weight, buffers.deltas[-1], scale)
        self.network.backward(layers, X, buffers, gradients)
        return value

    def batch(self, rows: Rows) -> "Batch":
        """What a gradient on the rows takes."""
        n_rows = n_rows_of(rows)
        return Batch(
            self.inputs.take(rows),
            self._targets.take(rows),
            self._weights.take(rows) if self._weights is not None else None,
            self._buffers if n_rows == self.batch_size else self._buffers.head(n_rows),
        )


# Lazy steps lose the digits of ‖c‖². Of columns of zeros and ones it is about the mean number of
# ones in a row.
_LARGEST_SQUARE = 1e3


class SparseSteps(Steps):
    """Steps on sparse rows, at the cost of the columns in which these have entries."""

    _objective: Objective

    def __init__(self, objective: Objective, params: np.ndarray, update: np.ndarray) -> None:
        super().__init__(objective, params, update)
        network = objective.network
        (coef, self._intercept), *self._layers = network.layers(params)
        (self._change, self._sums), *self._changes = network.layers(update)
        self._coef = LazyCoef(coef, objective.inputs.scaled_shift)
        self._others = slice(coef.size, None)
        coefs = slice(coef.size, network.n_coefs)
        self._penalty = Penalty(coefs, objective.alpha, objective.dtype)
        self._few_columns = objective.inputs.touches_few_columns

    def __exit__(self, *exception: object) -> None:
        """Make the parameters whole."""
        try:
            self._coef.settle()
        except KeyboardInterrupt:
            self._coef.settle()
            raise

    def prepare(self, rows: Rows, size: float) -> float:
        """Compute the step on a batch; return the batch's share of the value."""
        objective, penalty = self._objective, self._penalty
        batch = objective.batch(rows)
        columns: Columns = slice(None)
        X = batch.X.X
        if self._few_columns:
            columns, X = batch.X.of_touched_columns()
        share, factor = objective.share_and_factor(rows, -size)
        lazy_rows, coef = self._coef.prepare(X, columns, decay=1.0 + factor * objective.alpha)
        intercept = self._intercept
        if intercept is not None:
            intercept = intercept - self._coef.shift_times_coef.astype(intercept.dtype)
        self._step = self._change[: len(coef)]
        value = objective.forward_and_backward(
            [Layer(coef, intercept), *self._layers],
            batch._replace(X=lazy_rows),
            [Layer(self._step, self._sums), *self._changes],
            objective.scale_of_sum(rows, -size),
        )
        if objective.reduction == "mean":
            value /= objective.inputs.shape[0]
        penalty.add_gradient(self._params, self._update, factor)
        square = 0.5 * objective.alpha * self._coef.square
        return value + share * (square + penalty.value(self._params))

    def take(self) -> None:
        """Take the step that was prepared."""
        self._coef.step(self._step, self._sums)
        self._params[self._others] += self._update[self._others]


def n_rows_of(rows: Rows) -> int:
    """The number of rows of a batch."""
    return rows.stop - rows.start if isinstance(rows, slice) else len(rows)
