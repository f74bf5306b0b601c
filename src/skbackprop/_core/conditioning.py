"""The coordinates a network is descended in: its inputs, activations and targets conditioned.

In conditioned coordinates the inputs are (x − c) / s, the activation functions f − f(0) and the
targets (y − μ) / σ, so that what every layer is given varies around 0 by about 1. Descent runs on
the weights of that network; what is published is the network on raw x and y that computes the
same, and back again where descent goes on.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from skbackprop._core.activations import ACTIVATIONS, Activation
from skbackprop._core.losses import Loss
from skbackprop._core.network import Layer

# No value but a wild one is further than this from its column's mean, in units of its scale.
REACH = 5.0
# No single value makes its column's scale larger than this times that of the others.
STRETCH = 1.8
# Deviations of targets of softplus that are not scaled, as it has a scale of its own.
_SOFTPLUS_REACH = 100.0
# Standard deviations between the quartiles of a normal distribution.
_QUARTILES_APART = 1.3489795003921634
# Elements whose moments are taken at a time.
_CHUNK_ELEMENTS = 2**17


class Moments(NamedTuple):
    """Weighted mean and standard deviation, and range, of the columns of some rows."""

    weight: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def merged(self, other: "Moments") -> "Moments":
        """The moments of the rows of both (Chan, Golub and LeVeque, 1983)."""
        weight = self.weight + other.weight
        total = np.where(weight > 0.0, weight, 1.0)
        share, other_share = self.weight / total, other.weight / total
        difference = other.mean - self.mean
        # variance = share · std² + other_share · other_std² + share · other_share · difference²,
        # in units of the largest of the three, whose square may be beyond the range of floats.
        unit = np.maximum(np.maximum(self.std, other.std), np.abs(difference))
        unit[unit == 0.0] = 1.0
        variance = (
            share * (self.std / unit) ** 2
            + other_share * (other.std / unit) ** 2
            + share * other_share * (difference / unit) ** 2
        )
        return Moments(
            weight,
            share * self.mean + other_share * other.mean,
            unit * np.sqrt(variance),
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )

    @property
    def constant(self) -> np.ndarray:
        """Which columns have one value only."""
        return self.low == self.high

    def centre(self) -> np.ndarray:
        """The mean, which of a constant column is its value to the last digit."""
        return np.where(self.constant, self.low, self.mean)

    def unit(self) -> np.ndarray:
        """The standard deviation; 1 for a column that is constant, or varies by no weight."""
        return np.where((self.high > self.low) & (self.std > 0.0), self.std, 1.0)

    def scale_around_zero(self) -> np.ndarray:
        """The root mean square, or the farthest value's distance from 0 / 5; 1 for zeros.

        With the sign of the farthest value.
        """
        size = np.maximum(-self.low, self.high)
        scale = np.maximum(np.hypot(self.mean, self.std), size / REACH)
        return np.where(self.high < size, -1.0, 1.0) * np.where(scale > 0.0, scale, 1.0)

    def side(self) -> np.ndarray:
        """1 where the farthest value is above the mean or as far as one below, else −1."""
        above, below = self.high - self.mean, self.mean - self.low
        # Rounding of a mean of float32 decides nothing: not where both are as far, or all is one.
        longer_below = below > above + 1e-6 * (self.high - self.low)
        return np.where(longer_below & (self.high > self.low), -1.0, 1.0)

    def scale(self) -> np.ndarray:
        """The standard deviation, or where that is more the farthest value's distance / 5."""
        reach = np.maximum(self.high - self.mean, self.mean - self.low)
        return np.where(self.high > self.low, np.maximum(self.std, reach / REACH), 0.0)


class Spread(NamedTuple):
    """Moments of all values of the columns, and of those that are not the farthest out.

    And where they are asked for the quartiles, of shape (3, n_columns).
    """

    every: Moments
    inner: Moments
    quartiles: np.ndarray | None = None

    @classmethod
    def of(
        cls, array: Any, sample_weight: np.ndarray | None = None, *, quartiles: bool = False
    ) -> "Spread":
        """The spread of an array of shape (n_rows, n_columns), dense or scipy.sparse CSR."""
        weights = np.ones(array.shape[0]) if sample_weight is None else sample_weight
        spread = cls.by(lambda excluded: moments(array, weights, excluded))
        return spread._replace(quartiles=_quartiles(array, weights) if quartiles else None)

    @classmethod
    def by(cls, moments: Callable[[np.ndarray | None], Moments]) -> "Spread":
        """The spread of columns whose moments are `moments(None)`, and without some values.

        ``moments(excluded)`` leaves out the values of column k that equal ``excluded[k]``.
        """
        every = moments(None)
        farthest = np.where(every.side() > 0.0, every.high, every.low)
        return cls(every, moments(farthest))

    def merged(self, other: "Spread") -> "Spread":
        """The spread of the rows of both; their quartiles are averaged."""
        quartiles = other.quartiles
        if self.quartiles is not None and quartiles is not None:
            share = other.every.weight / (self.every.weight + other.every.weight)
            quartiles = self.quartiles + share * (quartiles - self.quartiles)
        return Spread(self.every.merged(other.every), self.inner.merged(other.inner), quartiles)

    @classmethod
    def from_state(cls, state: Sequence[Any]) -> "Spread":
        """The spread that `state` is of."""
        every, inner, *rest = state
        return cls(Moments(*every), Moments(*inner), *rest)

    def state(self) -> tuple[Any, ...]:
        """Itself as plain tuples, which a file of a model needs no class of the package for."""
        every, inner, *rest = self
        return (tuple(every), tuple(inner), *rest)

    def deviation(self) -> np.ndarray:
        """The standard deviation, or what it is of a normal distribution of those quartiles.

        1 for a column that is constant, or varies by no weight.
        """
        unit = self.every.unit()
        if self.quartiles is None:
            return unit
        deviation = (self.quartiles[2] - self.quartiles[0]) / _QUARTILES_APART
        return np.where(deviation > 0.0, deviation, unit)

    def shift_and_scale(self, *, robust: bool) -> tuple[np.ndarray, np.ndarray]:
        """What each column is shifted and scaled by; a constant column has scale 1.

        A column that is rarely other than 0 has a deviation in units of which its values are
        tens or hundreds: its scale is a fifth of the farthest value's distance from the mean.
        One wild value then flattens the others: `robust` leaves it out where it nearly doubles
        the scale, or more.
        """
        shift, scale = self.every.centre(), self.every.scale()
        if robust:
            inner = STRETCH * self.inner.scale()
            wild = (inner > 0.0) & (inner < scale)
            shift, scale = np.where(wild, self.inner.mean, shift), np.where(wild, inner, scale)
        return shift, np.where(scale > 0.0, scale, 1.0)


class Statistics(NamedTuple):
    """Statistics of the rows, by which coordinates are conditioned."""

    inputs: Spread
    targets: Spread | None
    """None where targets are labels."""

    def merged(self, other: "Statistics") -> "Statistics":
        """The statistics of the rows of both."""
        targets = self.targets
        if targets is not None and other.targets is not None:
            targets = targets.merged(other.targets)
        return Statistics(self.inputs.merged(other.inputs), targets)

    def state(self) -> tuple[Any, ...]:
        """Itself as plain tuples."""
        return tuple(None if spread is None else spread.state() for spread in self)

    @classmethod
    def from_state(cls, state: Sequence[Any]) -> "Statistics":
        """The statistics that `state` is of."""
        inputs, targets = state
        return cls(
            Spread.from_state(inputs), None if targets is None else Spread.from_state(targets)
        )


class Conditioning(NamedTuple):
    """Conditioned coordinates.

    Attributes
    ----------
    input_shift, input_scale : ndarray of shape (n_features,)
        c and s of the inputs (x − c) / s.
    target_shift, target_scale : ndarray of shape (n_outputs,)
        μ and σ of the raw predictions (z − μ) / σ and of the targets (y − μ) / σ; those of a loss
        on a logarithmic scale are y / exp(μ).
    hidden_shift, hidden_scale : list of float
        What the activations of each hidden layer are shifted and scaled by.
    activations : list of Activation
        What computes the shifted and scaled activations.
    target_degree : int
        Power of the scale of the targets that the loss is in proportion to.
    log_target : bool
        Whether raw predictions are logarithms of predictions.
    silent : ndarray of bool, shape (n_features,), or None
        Which inputs are zero in these coordinates whatever they are, as they have not varied yet.
    """

    input_shift: np.ndarray
    input_scale: np.ndarray
    target_shift: np.ndarray
    target_scale: np.ndarray
    hidden_shift: list[float]
    hidden_scale: list[float]
    activations: list[Activation]
    target_degree: int = 2
    log_target: bool = False
    silent: np.ndarray | None = None

    @classmethod
    def none(
        cls, n_features: int, n_outputs: int, activations: Sequence[Activation]
    ) -> "Conditioning":
        """The coordinates as they are."""
        return cls(
            np.zeros(n_features),
            np.ones(n_features),
            np.zeros(n_outputs),
            np.ones(n_outputs),
            [0.0] * len(activations),
            [1.0] * len(activations),
            list(activations),
        )

    @classmethod
    def standardizing(
        cls,
        inputs: Spread,
        targets: Spread | None = None,
        *,
        activations: Sequence[Activation],
        n_outputs: int,
        fit_intercept: bool,
        loss: Loss | None = None,
    ) -> "Conditioning":
        """Coordinates that suit the spread of the data, targets under a squared error or `loss`.

        A shift needs intercepts to absorb it: without them values are scaled by their size.

        Units that are bounded saturate at a wild input, and learn nothing from it. Others hand it
        on, and so must have it scaled down with its column, or its row explodes.

        A scale has the sign of the side on which the farthest value lies, so that a mirrored
        column is conditioned to the same.
        """
        plain = cls.none(len(inputs.every.mean), n_outputs, activations)
        if targets is not None:
            plain = plain._with_targets(targets, loss, fit_intercept)
        if not fit_intercept:
            zeros = inputs.every.constant & (inputs.every.low == 0.0)
            return plain._replace(input_scale=inputs.every.scale_around_zero(), silent=zeros)
        robust = bool(activations) and activations[0].bounded
        input_shift, input_scale = inputs.shift_and_scale(robust=robust)
        return plain._replace(
            input_shift=input_shift,
            input_scale=inputs.every.side() * input_scale,
            silent=inputs.every.constant,
            hidden_shift=[f.rest for f in activations],
            hidden_scale=[f.unit for f in activations],
            activations=[f.conditioned or f for f in activations],
        )

    def _with_targets(
        self, targets: Spread, loss: Loss | None, fit_intercept: bool
    ) -> "Conditioning":
        """The same with targets conditioned, in one way for all outputs of a single target.

        A loss that is linear far out does not mind wild values, and nor do the quartiles.
        """
        every, quartiles = targets.every, targets.quartiles
        name = "identity" if loss is None else loss.output_activation
        output = ACTIVATIONS.get(name)
        if loss is not None and name == "exp":
            shift = np.log(np.where(every.mean > 0.0, every.mean, 1.0)) * fit_intercept
            return self._replace(
                target_shift=self.target_shift + shift, target_degree=loss.degree, log_target=True
            )
        if output is None or output.bounded:
            return self
        if not fit_intercept:
            shift, scale = np.zeros(1), every.scale_around_zero()
        else:
            shift = every.centre() if quartiles is None else quartiles[1]
            scale = every.side() * targets.deviation()
        if output.one_sided:
            # No shift goes through relu or softplus, and no negative scale.
            shift, scale = np.zeros(1), np.abs(scale)
        if not output.homogeneous:
            scale = np.maximum(scale / _SOFTPLUS_REACH, 1.0)
        if loss is not None and not loss.mirrors:
            scale = np.abs(scale)
        return self._replace(
            target_shift=self.target_shift + shift,
            target_scale=self.target_scale * scale,
            target_degree=2 if loss is None else loss.degree,
        )

    @property
    def scale_of_descent(self) -> np.ndarray:
        """What the inputs are divided by in the descent: silent ones become zero."""
        if self.silent is None:
            return self.input_scale
        return np.where(self.silent, np.inf, self.input_scale)

    @property
    def conditions(self) -> bool:
        """Whether the inputs are shifted or scaled at all."""
        return bool(self.input_shift.any() or (self.input_scale != 1.0).any())

    def conditioned_targets(self, values: np.ndarray) -> np.ndarray:
        """(y − μ) / σ or y / exp(μ), or class codes and labels as they are."""
        if not self.target_shift.any() and (self.target_scale == 1.0).all():
            return values
        # Outputs beyond the columns of the target are of the same column.
        shift, scale = (a[: values.shape[1]] for a in (self.target_shift, self.target_scale))
        if self.log_target:
            shift, scale = np.zeros_like(shift), np.exp(shift)
        conditioned = values - shift
        conditioned /= scale
        return conditioned.astype(values.dtype, copy=False)

    @property
    def loss_unit(self) -> float:
        """What a loss of conditioned targets is multiplied by to be one of raw ones.

        A squared error is in units of σ², an absolute one of σ, a Poisson deviance of the mean
        of y. Several targets are weighted by 1 over their units, so that each counts alike: the
        unit is then the mean of them.
        """
        scale = np.exp(self.target_shift) if self.log_target else np.abs(self.target_scale)
        with np.errstate(over="ignore"):
            return float(np.mean(scale**self.target_degree))

    def to_raw(self, layers: Sequence[Layer], dtype: np.dtype) -> list[Layer]:
        """The layers that compute on raw x what `layers` compute in conditioned coordinates.

        z = ((x − c) / s) V + b = x W + (b − c W) with W = V / s. The coefficients are of `dtype`,
        the intercepts of float64, as b − c W has the digits of c.
        """
        raw = []
        for depth, (coef, intercept) in enumerate(layers):
            W = coef / self._scale(depth)
            b = np.zeros(W.shape[1]) if intercept is None else intercept.astype(np.float64)
            if depth == len(layers) - 1:
                W *= self.target_scale
                b = b * self.target_scale + self.target_shift
            W = W.astype(dtype)
            raw.append(Layer(W, b - self._shift_times(W.astype(np.float64), depth)))
        return raw

    def from_raw(self, raw: Sequence[Layer], layers: Sequence[Layer]) -> None:
        """Fill `layers` with what computes in conditioned coordinates as `raw` does on raw x."""
        for depth, ((raw_coef, raw_intercept), (coef, intercept)) in enumerate(
            zip(raw, layers, strict=True)
        ):
            W = raw_coef.astype(np.float64)
            b = self._shift_times(W, depth)
            if raw_intercept is not None:
                b = b + raw_intercept
            if depth == len(layers) - 1:
                W /= self.target_scale
                b = (b - self.target_shift) / self.target_scale
            coef[...] = W * self._scale(depth)
            if intercept is not None:
                intercept[...] = b

    def _scale(self, depth: int) -> np.ndarray | float:
        """What the inputs of a layer are divided by, as a factor of the rows of its coef."""
        if depth == 0:
            return self.input_scale[:, np.newaxis]
        return self.hidden_scale[depth - 1]

    def _shift_times(self, W: np.ndarray, depth: int) -> np.ndarray:
        """The shift of a layer's inputs, through its raw coefficients."""
        if depth == 0:
            return self.input_shift @ W
        return self.hidden_shift[depth - 1] * W.sum(axis=0)


def condition(
    statistics: Statistics,
    *,
    activations: Sequence[Activation],
    n_outputs: int,
    fit_intercept: bool,
    loss: Loss,
    dtype: np.dtype,
) -> Conditioning:
    """Coordinates that suit the statistics; refused if the range of floats does not hold them."""
    with np.errstate(over="ignore", invalid="ignore"):
        conditioning = Conditioning.standardizing(
            *statistics,
            activations=activations,
            n_outputs=n_outputs,
            fit_intercept=fit_intercept,
            loss=loss,
        )
        check_coordinates(conditioning, statistics.inputs.every, dtype)
    return conditioning


def loss_of_unscaled_targets(loss: Loss, targets: Spread | None) -> float:
    """The size of a loss of targets that are not scaled; of those that are it is about 1."""
    output = ACTIVATIONS.get(loss.output_activation)
    if output is None or output.homogeneous or targets is None:
        return 1.0
    size = np.minimum(targets.deviation(), 1.0)
    return float(np.mean(size**loss.degree))


def check_coordinates(conditioning: Conditioning, inputs: Moments, dtype: np.dtype) -> None:
    """Refuse data that the range of floats does not hold once shifted and scaled."""
    scale = conditioning.input_scale
    parts = (inputs.high - inputs.low).astype(dtype), conditioning.input_shift, scale
    wide = ~np.isfinite(parts).all(axis=0)
    if wide.any():
        column = int(wide.argmax())
        raise ValueError(
            f"The values of column {column} of X, from {inputs.low[column]:.3g} to "
            f"{inputs.high[column]:.3g}, leave the range of {dtype} when they are centred "
            "or scaled. Scale it."
        )
    if not np.isfinite((1.0 / scale).astype(dtype)).all():
        raise beyond_range(conditioning, dtype)
    # With room for what a loss may be in its unit.
    if not 1e-305 < conditioning.loss_unit < 1e305:
        raise ValueError(
            "y must have squares within the range of float64; got a standard deviation of "
            f"{np.abs(conditioning.target_scale).max():.3g}. Scale y."
        )


def beyond_range(
    conditioning: Conditioning, dtype: np.dtype, params: np.ndarray | None = None
) -> ValueError:
    """What is said where weights on raw X and y leave the range of floats."""
    narrow = int(np.abs(conditioning.input_scale).argmin())
    sizes = (
        f"Column {narrow} of X has a scale of {conditioning.input_scale[narrow]:.3g}, y of "
        f"up to {np.abs(conditioning.target_scale).max():.3g}"
    )
    advice = "rescale what is extreme"
    if params is not None:
        sizes += f", the weights between them are up to {np.abs(params).max():.3g}"
        advice += ", lower learning_rate"
    return ValueError(
        f"The weights that undo the scales of X and y leave the range of {dtype}. "
        f"{sizes}: {advice}, or pass X in float64."
    )


def with_late_columns(layer: Layer, seen: Moments, scale: np.ndarray) -> Layer:
    """The first layer, with the weights of columns that were constant so far scaled down.

    With intercepts, a constant column has scale 1 and weights that were never descended on. When
    it varies at last, they are those of its conditioned values, V = s W, and not of the raw ones,
    which may be of any size; what the network made of the constant goes into the intercepts.
    """
    constant = seen.constant
    coef = layer.coef.astype(np.float64)
    before = coef[constant]
    coef[constant] /= scale[constant][:, np.newaxis]
    intercept = layer.intercept + seen.mean[constant] @ (before - coef[constant])
    return Layer(coef, intercept)


def _quartiles(array: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted quartiles of the columns, shape (3, n_columns).

    Where the weight below a value is just the one asked for, the mean of it and the next. Rounding
    of the weights decides nothing, as equal fits shall have equal scales.
    """
    order = np.argsort(array, axis=0, kind="stable")
    ordered = np.take_along_axis(array, order, axis=0)
    below = np.cumsum(weights[order], axis=0, dtype=np.float64)
    wanted = np.array([[0.25], [0.5], [0.75]]) * below[-1]
    rounding = 1e-9 * below[-1]
    quartiles = np.empty(wanted.shape)
    for k in range(array.shape[1]):
        first = np.searchsorted(below[:, k], wanted[:, k] - rounding[k], side="left")
        next_ = np.searchsorted(below[:, k], wanted[:, k] + rounding[k], side="right")
        quartiles[:, k] = 0.5 * (ordered[first, k] + ordered[next_, k].astype(np.float64))
    return quartiles


def moments(array: Any, weights: np.ndarray, excluded: np.ndarray | None) -> Moments:
    """The moments of the columns, without the values that equal `excluded`, chunk by chunk."""
    of_chunk = _dense_moments if isinstance(array, np.ndarray) else _sparse_moments
    parts = (of_chunk(array[c], weights[c], excluded) for c in _chunks(array))
    return reduce(Moments.merged, parts)


def _chunks(array: Any) -> list[slice]:
    """Rows of which each chunk has about as many elements, so that memory is bounded.

    A chunk of sparse rows costs a pass over its entries and one over all columns: it has at least
    as many entries as there are columns, so that the time is linear in entries + columns.
    """
    n_rows, n_columns = array.shape
    if isinstance(array, np.ndarray):
        bounds = np.arange(0, n_rows, max(1, _CHUNK_ELEMENTS // n_columns))
    else:
        size = max(_CHUNK_ELEMENTS, n_columns)
        bounds = np.searchsorted(array.indptr, np.arange(0, array.nnz, size))
        bounds = np.unique(np.append(0, bounds[bounds < n_rows]))
    return [slice(*ends) for ends in pairwise([*bounds.tolist(), n_rows])]


def _dense_moments(chunk: np.ndarray, weights: np.ndarray, excluded: np.ndarray | None) -> Moments:
    """In the precision of `chunk`: what rounding does to a shift or a scale is irrelevant."""
    if excluded is None:
        low, high = chunk.min(axis=0), chunk.max(axis=0)
        weight = np.full(chunk.shape[1], weights.sum())
    else:
        kept = chunk != excluded
        low = chunk.min(axis=0, where=kept, initial=np.inf)
        high = chunk.max(axis=0, where=kept, initial=-np.inf)
        weight = weights @ kept
        chunk = np.where(kept, chunk, 0.0)
    unit = _unit(low, high)
    total = np.where(weight > 0.0, weight, 1.0)
    shares = (weights / total.max()).astype(chunk.dtype)
    total /= total.max()
    values = chunk / unit
    origin = (shares @ values) / total.astype(chunk.dtype)
    values -= origin
    if excluded is not None:
        values[~kept] = 0.0
    # What is left of the mean is rounding of the origin, so nothing cancels in the variance.
    mean = (shares @ values) / total
    np.square(values, out=values)
    variance = np.maximum((shares @ values) / total - mean**2, 0.0)
    unit = unit.astype(np.float64)
    return Moments(
        weight,
        unit * (origin + mean),
        unit * np.sqrt(variance),
        low.astype(np.float64),
        high.astype(np.float64),
    )


def _sparse_moments(chunk: Any, weights: np.ndarray, excluded: np.ndarray | None) -> Moments:
    n_rows, n_columns = chunk.shape
    columns, values = chunk.indices, chunk.data.astype(np.float64)
    shares = np.repeat(weights, np.diff(chunk.indptr))

    def sums(terms: np.ndarray) -> np.ndarray:
        return np.bincount(columns, terms, minlength=n_columns)

    zeros = np.bincount(columns, minlength=n_columns) < n_rows
    # Rounding must not leave less than nothing.
    zeros_weight = np.where(zeros, np.maximum(weights.sum() - sums(shares), 0.0), 0.0)
    if excluded is not None:
        zeros &= excluded != 0.0
        zeros_weight[~zeros] = 0.0
        kept = values != excluded[columns]
        columns, values, shares = columns[kept], values[kept], shares[kept]
    low, high = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)
    np.minimum.at(low, columns, values)
    np.maximum.at(high, columns, values)
    low[zeros] = np.minimum(low[zeros], 0.0)
    high[zeros] = np.maximum(high[zeros], 0.0)
    weight = sums(shares) + zeros_weight
    total = np.where(weight > 0.0, weight, 1.0)
    unit = _unit(low, high)
    values /= unit[columns]
    mean = sums(shares * values) / total
    values -= mean[columns]
    variance = (sums(shares * values**2) + zeros_weight * mean**2) / total
    return Moments(weight, unit * mean, unit * np.sqrt(variance), low, high)


def _unit(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Powers of 2 that bring columns into (−2, 2), where squares neither overflow nor vanish."""
    largest = np.maximum(np.abs(low), np.abs(high))
    largest[(largest == 0.0) | ~np.isfinite(largest)] = 1.0
    unit: np.ndarray = np.ldexp(np.ones_like(largest), np.frexp(largest)[1] - 1)
    return unit
