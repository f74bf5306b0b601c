"""Statistics of the columns of some rows: moments, range and quartiles, weighted."""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from skbackprop._core.tails import NO_TAILS, Tails

# The largest distance from the mean, in units of the scale, of the values of a column that mostly
# has one value; a single value may be further away.
REACH = 5.0
# The same of a column that is tamed, before units that are not bounded.
_REACH_OF_TAMED = 10.0
# A column rarely leaves a value that has this share of the weight. Rounding of weights decides
# nothing.
_MOST = 0.5 * (1.0 - 1e-9)
# No single value makes its column's scale larger than this times that of the others. A value with
# more than this share of the weight, and of more than one row, is not single.
STRETCH, _MOST_OF_SINGLE = 1.8, 0.005
# Standard deviations between the quartiles of a normal distribution.
_QUARTILES_APART = 1.3489795003921634
# Standard deviations from the mean of the farthest value of a column with a long tail. A column of
# fewer than 27 rows has no value so far away.
_FARTHEST = 5.0
# A quarter, which rounding of the weights does not make less.
_LEAST_QUARTER = 0.25 * (1.0 - 1e-9)
# Elements of columns whose quartiles are taken at a time.
_COLUMNS_ELEMENTS = 2**20
# Elements whose moments are taken at a time.
_CHUNK_ELEMENTS = 2**17


class Moments(NamedTuple):
    """Weighted mean and standard deviation, and range, of the columns of some rows."""

    weight: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray
    at_low: np.ndarray
    """Weight of the lowest value, and of the highest; not counted without some values."""
    at_high: np.ndarray

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
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        return Moments(
            weight,
            share * self.mean + other_share * other.mean,
            unit * np.sqrt(variance),
            low,
            high,
            self.at_low * (self.low == low) + other.at_low * (other.low == low),
            self.at_high * (self.high == high) + other.at_high * (other.high == high),
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

    @property
    def farthest(self) -> np.ndarray:
        """The distance of the farthest value from the mean."""
        return np.maximum(self.high - self.mean, self.mean - self.low)

    def scale(self, within: np.ndarray) -> np.ndarray:
        """The standard deviation, or more: so much that the values are `within` so many scales."""
        scale = np.maximum(self.std, self.farthest / within)
        return np.where(self.high > self.low, scale, 0.0)

    @property
    def farthest_is_single(self) -> np.ndarray:
        """Which columns have their farthest value in one row of weight 1, or in few of many."""
        weight = np.where(self.side() > 0.0, self.at_high, self.at_low)
        single: np.ndarray = weight <= np.maximum(1.0, _MOST_OF_SINGLE * self.weight)
        return single

    @property
    def rarely_varies(self) -> np.ndarray:
        """Which columns have most of their weight on one value, the lowest or the highest."""
        return np.maximum(self.at_low, self.at_high) >= _MOST * self.weight


class Spread(NamedTuple):
    """Moments of all values of the columns, and of those that are not the farthest out.

    And where they are asked for the quartiles, of shape (3, n_columns). With long tails that are
    tamed it is the spread of the tamed columns.
    """

    every: Moments
    inner: Moments
    quartiles: np.ndarray | None = None
    tails: Tails = NO_TAILS

    @classmethod
    def of(
        cls, array: Any, sample_weight: np.ndarray | None = None, *, quartiles: bool = False
    ) -> "Spread":
        """The spread of an array of shape (n_rows, n_columns), dense or scipy.sparse CSR."""
        weights = np.ones(array.shape[0]) if sample_weight is None else sample_weight
        spread = cls.by(partial(moments, array, weights), NO_TAILS)
        return spread._replace(quartiles=_quartiles(array, weights) if quartiles else None)

    @classmethod
    def of_inputs(
        cls, X: Any, sample_weight: np.ndarray | None, tails: Tails | None = None
    ) -> "Spread":
        """The spread of the columns of X with their long tails, or with those given, tamed."""
        weights = np.ones(X.shape[0]) if sample_weight is None else sample_weight
        find = partial(tails_of, of_columns=partial(quartiles_of, X, weights))
        return cls.by(partial(moments, X, weights), find if tails is None else tails)

    @classmethod
    def by(
        cls,
        moments: Callable[[Tails, np.ndarray | None], Moments],
        tails: "Tails | Callable[[Moments], Tails]",
    ) -> "Spread":
        """The spread of columns with `tails` tamed, or with those found by the moments of all.

        ``moments(tails, None)`` are their moments; ``moments(tails, excluded)`` leaves out the
        values of column k that equal ``excluded[k]``.
        """
        if callable(tails):
            every = moments(NO_TAILS, None)
            tails = tails(every)
            every = moments(tails, None) if tails else every
        else:
            every = moments(tails, None)
        farthest = np.where(every.side() > 0.0, every.high, every.low)
        return cls(every, moments(tails, farthest), tails=tails)

    def merged(self, other: "Spread") -> "Spread":
        """The spread of the rows of both, of the same tails; their quartiles are averaged."""
        quartiles = other.quartiles
        if self.quartiles is not None and quartiles is not None:
            share = other.every.weight / (self.every.weight + other.every.weight)
            quartiles = self.quartiles + share * (quartiles - self.quartiles)
        every, inner = self.every.merged(other.every), self.inner.merged(other.inner)
        return Spread(every, inner, quartiles, self.tails)

    @classmethod
    def from_state(cls, state: Sequence[Any]) -> "Spread":
        """The spread that `state` is of."""
        every, inner, quartiles, tails = state
        return cls(Moments(*every), Moments(*inner), quartiles, Tails(*tails))

    def state(self) -> tuple[Any, ...]:
        """Itself as plain tuples, which a file of a model needs no class of the package for."""
        return tuple(self.every), tuple(self.inner), self.quartiles, tuple(self.tails)

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
        So it is of every column where the values go through units that are not bounded; of a tamed
        column there it is a tenth of that distance.

        Where they are bounded, `robust`, a column that varies is scaled by its deviation, as a long
        tail would flatten it. One wild value does so, too: it is left out where it nearly doubles
        the scale, or more. A farthest value that many rows share is no wild value.
        """
        within = np.where(self.every.rarely_varies | (not robust), REACH, np.inf)
        if not robust:
            within[self.tails.columns] = _REACH_OF_TAMED
        shift, scale = self.every.centre(), self.every.scale(within)
        if robust:
            limit = STRETCH * self.inner.scale(within)
            wild = (limit > 0.0) & (limit < scale) & self.every.farthest_is_single
            shift, scale = np.where(wild, self.inner.mean, shift), np.where(wild, limit, scale)
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


def _quartiles(array: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted quartiles of the columns, shape (3, n_columns).

    Where the weight below a value is just the one asked for, the mean of it and the next. Rounding
    of the weights decides nothing, as equal fits shall have equal scales.
    """
    if (weights == weights[0]).all():
        # By partition, which takes a fraction of the time of sorting.
        values = array.astype(np.float64)
        return np.quantile(values, [0.25, 0.5, 0.75], axis=0, method="averaged_inverted_cdf")
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


def tails_of(every: Moments, *, of_columns: Callable[[np.ndarray], np.ndarray]) -> Tails:
    """The long tails of columns: of those that vary, and whose farthest value is far out.

    ``of_columns(numbers)`` are the quartiles of columns, shape (3, n_columns).
    """
    columns = np.flatnonzero((every.farthest > _FARTHEST * every.std) & ~every.rarely_varies)
    if not len(columns):
        return NO_TAILS
    lower, center, upper = of_columns(columns)
    farthest = np.maximum(every.high[columns] - center, center - every.low[columns])
    return Tails.of(columns, center, (upper - lower) / _QUARTILES_APART, farthest)


def quartiles_of(array: Any, weights: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The weighted quartiles of some columns, dense or sparse, shape (3, n_columns)."""
    if isinstance(array, np.ndarray):
        return quartiles_in_groups(lambda numbers: array[:, numbers], weights, columns)
    # The quartiles are zero of a column with less than a quarter of the weight on either side.
    quartiles = np.zeros((3, len(columns)))
    wanted = (
        _weights_beside_zero(array, weights)[:, columns] >= _LEAST_QUARTER * weights.sum()
    ).any(axis=0)
    quartiles[:, wanted] = quartiles_in_groups(
        lambda numbers: array[:, numbers].toarray(), weights, columns[wanted]
    )
    return quartiles


def quartiles_in_groups(
    dense: Callable[[np.ndarray], np.ndarray], weights: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """The weighted quartiles of some columns, a few of which are dense at a time."""
    size = max(1, _COLUMNS_ELEMENTS // len(weights))
    groups = [columns[k : k + size] for k in range(0, len(columns), size)]
    return np.hstack([np.zeros((3, 0)), *(_quartiles(dense(group), weights) for group in groups)])


def _weights_beside_zero(array: Any, weights: np.ndarray) -> np.ndarray:
    """The weights of the negative and of the positive entries of sparse columns."""
    sums = np.zeros((2, array.shape[1]))
    for rows in _chunks(array):
        chunk = array[rows]
        shares = np.repeat(weights[rows], np.diff(chunk.indptr))
        for side, of_side in zip(sums, (chunk.data < 0.0, chunk.data > 0.0), strict=True):
            side += np.bincount(chunk.indices[of_side], shares[of_side], minlength=len(side))
    return sums


def moments(array: Any, weights: np.ndarray, tails: Tails, excluded: np.ndarray | None) -> Moments:
    """The moments of the tamed columns, without the values that equal `excluded`, in chunks."""
    of_chunk = _dense_moments if isinstance(array, np.ndarray) else _sparse_moments
    parts = (of_chunk(array[c], weights[c], tails, excluded) for c in _chunks(array))
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


def _dense_moments(
    chunk: np.ndarray, weights: np.ndarray, tails: Tails, excluded: np.ndarray | None
) -> Moments:
    """In the precision of `chunk`: what rounding does to a shift or a scale is irrelevant."""
    chunk = tails.tamed(chunk)
    if excluded is None:
        low, high = chunk.min(axis=0), chunk.max(axis=0)
        weight = np.full(chunk.shape[1], weights.sum())
        at_low, at_high = weights @ (chunk == low), weights @ (chunk == high)
    else:
        kept = chunk != excluded
        low = chunk.min(axis=0, where=kept, initial=np.inf)
        high = chunk.max(axis=0, where=kept, initial=-np.inf)
        weight = weights @ kept
        at_low, at_high = np.zeros((2, chunk.shape[1]))
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
        at_low.astype(np.float64),
        at_high.astype(np.float64),
    )


def _sparse_moments(
    chunk: Any, weights: np.ndarray, tails: Tails, excluded: np.ndarray | None
) -> Moments:
    """Those of T(x) − T(0), which leaves zeros, and T(0) added to them."""
    n_rows, n_columns = chunk.shape
    at_zero = tails.at_zero(n_columns)
    columns, values = chunk.indices, tails.tamed_entries(chunk)
    shares = np.repeat(weights, np.diff(chunk.indptr))

    def sums(terms: np.ndarray) -> np.ndarray:
        return np.bincount(columns, terms, minlength=n_columns)

    zeros = np.bincount(columns, minlength=n_columns) < n_rows
    # Rounding must not leave less than nothing.
    zeros_weight = np.where(zeros, np.maximum(weights.sum() - sums(shares), 0.0), 0.0)
    if excluded is not None:
        zeros &= excluded != at_zero
        zeros_weight[~zeros] = 0.0
        kept = values + at_zero[columns] != excluded[columns]
        columns, values, shares = columns[kept], values[kept], shares[kept]
    low, high = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)
    np.minimum.at(low, columns, values)
    np.maximum.at(high, columns, values)
    low[zeros] = np.minimum(low[zeros], 0.0)
    high[zeros] = np.maximum(high[zeros], 0.0)
    at_low, at_high = (
        np.zeros(n_columns)
        if excluded is not None
        else sums(shares * (values == end[columns])) + zeros_weight * (end == 0.0)
        for end in (low, high)
    )
    weight = sums(shares) + zeros_weight
    total = np.where(weight > 0.0, weight, 1.0)
    unit = _unit(low, high)
    values /= unit[columns]
    mean = sums(shares * values) / total
    values -= mean[columns]
    variance = (sums(shares * values**2) + zeros_weight * mean**2) / total
    mean, std = unit * mean + at_zero, unit * np.sqrt(variance)
    return Moments(weight, mean, std, low + at_zero, high + at_zero, at_low, at_high)


def _unit(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Powers of 2 that bring columns into (−2, 2), where squares neither overflow nor vanish."""
    largest = np.maximum(np.abs(low), np.abs(high))
    largest[(largest == 0.0) | ~np.isfinite(largest)] = 1.0
    unit: np.ndarray = np.ldexp(np.ones_like(largest), np.frexp(largest)[1] - 1)
    return unit
