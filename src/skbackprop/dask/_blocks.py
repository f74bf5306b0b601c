"""Rows in blocks on the workers of a cluster, and what is computed of a block where it is."""

import threading
import uuid
from collections.abc import Callable, Iterable
from functools import cached_property, partial, reduce
from typing import Any, NamedTuple, Self

import dask
import dask.array as da
import numpy as np
from distributed import Client, Future
from sklearn.utils.validation import check_array

from skbackprop._core.rows import Rows
from skbackprop._core.statistics import Moments, Spread, moments, quartiles_in_groups, tails_of
from skbackprop._core.tails import Tails
from skbackprop._estimators.base import BaseBackprop
from skbackprop._estimators.check_data import naming
from skbackprop._estimators.check_kinds import check_kinds


class Part(NamedTuple):
    """The rows of one block that are wanted."""

    block: Future
    rows: np.ndarray | None
    """Their numbers in the block; None for all as they come."""
    positions: slice | np.ndarray
    """Where they are among all rows that are wanted."""
    n_rows: int


# dask's configuration is that of the process.
_config_lock = threading.Lock()


class Blocks:
    """Rows of inputs, checked, on workers: what an estimator needs of an `X`.

    Parameters
    ----------
    client : Client
        Of the cluster that has the blocks.
    blocks : list of Future
        Arrays or CSR matrices with as many columns each.
    lengths : list of int
        Their numbers of rows.
    n_features : int
        The number of columns.
    dtype : numpy.dtype
        The precision.
    order : ndarray of int or None
        Which of the rows are wanted, in which order; None for all as they come.
    """

    def __init__(
        self,
        client: Client,
        blocks: list[Future],
        lengths: list[int],
        n_features: int,
        dtype: np.dtype,
        order: np.ndarray | None = None,
    ) -> None:
        self.shape = (sum(lengths) if order is None else len(order), n_features)
        self.dtype = dtype
        self._client = client
        self._blocks = blocks
        self._lengths = lengths
        self._order = order

    @classmethod
    def of(cls, client: Client, X: da.Array, dtype: Any = None) -> Self:
        """Have the workers compute, check and keep the blocks of a dask array."""
        if dtype is None:
            dtype = X.dtype if X.dtype == np.float32 else np.float64
        dtype = np.dtype(dtype)
        parts = X.rechunk({1: -1}).to_delayed().ravel().tolist()
        check = dask.delayed(_check_block, pure=False)
        blocks = client.compute([check(part, X.shape[1], dtype) for part in parts])
        lengths = _gathered(client, client.map(_n_rows, blocks, pure=False))
        if not any(lengths):
            raise ValueError("X must have at least 1 row; got a collection of no rows.")
        blocks = [block for block, n in zip(blocks, lengths, strict=True) if n]
        return cls(client, blocks, [n for n in lengths if n], X.shape[1], dtype)

    def __getitem__(self, rows: np.ndarray) -> "Blocks":
        order = rows if self._order is None else self._order[rows]
        return Blocks(self._client, self._blocks, self._lengths, self.shape[1], self.dtype, order)

    @cached_property
    def parts(self) -> list[Part]:
        """The rows that are wanted, block by block."""
        ends = np.cumsum(self._lengths)
        starts = ends - self._lengths
        if self._order is None:
            return [
                Part(block, None, slice(start, end), end - start)
                for block, start, end in zip(self._blocks, starts, ends, strict=True)
            ]
        numbers = np.searchsorted(ends, self._order, side="right")
        return [
            Part(self._blocks[k], self._order[positions] - starts[k], positions, len(positions))
            for k, positions in _groups(numbers)
        ]

    def split(self, rows: Rows) -> list[tuple[int, Rows]]:
        """The number of each part that has some of the given rows, and which of its rows."""
        if isinstance(rows, slice):
            if rows == slice(0, self.shape[0]):
                return [(k, slice(0, part.n_rows)) for k, part in enumerate(self.parts)]
            rows = np.arange(rows.start, rows.stop)
        numbers, row_in_part = self._places
        return [(k, row_in_part[rows[at]]) for k, at in _groups(numbers[rows])]

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """For each row that is wanted the number of its part, and of the row in it."""
        numbers, row_in_part = np.empty((2, self.shape[0]), dtype=np.intp)
        for k, part in enumerate(self.parts):
            numbers[part.positions] = k
            row_in_part[part.positions] = np.arange(part.n_rows)
        return numbers, row_in_part

    def submit(self, name: str, function: Callable[..., Any], *arguments: list[Any]) -> list[Any]:
        """Futures of a function of each of the arguments, under a name for the dashboard."""
        key = f"{name}-{uuid.uuid4().hex}"
        keys = [(key, k) for k in range(len(arguments[0]))]
        # Targets and row numbers go with their task, from where a lost worker's can be had again.
        with (
            _config_lock,
            dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TiB"}),
        ):
            return self._client.map(function, *arguments, key=keys, pure=False)

    def run(self, name: str, function: Callable[..., Any], *arguments: list[Any]) -> list[Any]:
        """The values of a function of each of the arguments."""
        return self.gather(self.submit(name, function, *arguments))

    def gather(self, futures: list[Future]) -> list[Any]:
        """The values of futures."""
        return _gathered(self._client, futures)

    def moments(
        self, sample_weight: np.ndarray | None, tails: Tails, excluded: np.ndarray | None
    ) -> Moments:
        """The moments of the tamed columns, without the values that equal `excluded`."""
        blocks, rows = [part.block for part in self.parts], [part.rows for part in self.parts]
        weights = [some(sample_weight, part.positions) for part in self.parts]
        each = _moments, blocks, rows, weights, [tails] * len(blocks), [excluded] * len(blocks)
        return reduce(Moments.merged, self.run("moments", *each))

    def columns(self, numbers: np.ndarray) -> np.ndarray:
        """Some columns, gathered."""
        each = [[part.block, part.rows, numbers] for part in self.parts]
        values = self.run("columns", _columns, *map(list, zip(*each, strict=True)))
        columns = np.empty((self.shape[0], len(numbers)), self.dtype)
        for part, of_part in zip(self.parts, values, strict=True):
            columns[part.positions] = of_part
        return columns

    def spread(self, sample_weight: np.ndarray | None, tails: Tails | None = None) -> Spread:
        """The spread of the columns, their long tails, or those given, tamed."""
        weights = np.ones(self.shape[0]) if sample_weight is None else sample_weight
        of_columns = partial(quartiles_in_groups, self.columns, weights)
        find = partial(tails_of, of_columns=of_columns)
        return Spread.by(partial(self.moments, sample_weight), find if tails is None else tails)

    def predictions(self, model: BaseBackprop, method: str) -> np.ndarray:
        """What a method of a fitted estimator predicts for the rows."""
        each = [[part.block, part.rows, model, method] for part in self.parts]
        predicted = self.run(method, _predict_rows, *map(list, zip(*each, strict=True)))
        result = np.empty((self.shape[0], *predicted[0].shape[1:]), predicted[0].dtype)
        for part, values in zip(self.parts, predicted, strict=True):
            result[part.positions] = values
        return result


def _groups(numbers: np.ndarray) -> Iterable[tuple[int, np.ndarray]]:
    """Each number that is there, in rising order, and its positions."""
    order = np.argsort(numbers, kind="stable")
    present, starts = np.unique(numbers[order], return_index=True)
    return zip(present.tolist(), np.split(order, starts[1:]), strict=True)


def some(array: np.ndarray | None, rows: Rows) -> np.ndarray | None:
    return None if array is None else array[rows]


def _gathered(client: Client, futures: list[Future]) -> list[Any]:
    """The values of futures.

    An error that one of them ended in belongs to it, and has the frames that it passed, with all
    that the cluster keeps for them: unless let go of, it would stay there for good.
    """
    try:
        return client.gather(futures)
    except Exception:
        for future in futures:
            future.release()
        raise


# What workers run.


def _check_block(block: Any, n_features: int, dtype: np.dtype) -> Any:
    """A block in its precision, finite."""
    with naming("X"):
        check_kinds("X", block)
        block = check_array(
            block, accept_sparse="csr", dtype=dtype, ensure_min_samples=0, input_name="X"
        )
    if block.shape[1] != n_features:
        raise ValueError(
            f"X must have blocks of {n_features} columns, as its chunks say; got one of shape "
            f"{block.shape}."
        )
    if not isinstance(block, np.ndarray) and not block.has_canonical_format:
        block = block.copy()
        block.sum_duplicates()
    return block


def _n_rows(block: Any) -> int:
    return int(block.shape[0])


def rows_of(block: Any, rows: np.ndarray | None) -> Any:
    return block if rows is None else block[rows]


def _moments(
    block: Any,
    rows: np.ndarray | None,
    weights: np.ndarray | None,
    tails: Tails,
    excluded: np.ndarray | None,
) -> Moments:
    X = rows_of(block, rows)
    return moments(X, np.ones(X.shape[0]) if weights is None else weights, tails, excluded)


def _columns(block: Any, rows: np.ndarray | None, numbers: np.ndarray) -> np.ndarray:
    columns = rows_of(block, rows)[:, numbers]
    return columns if isinstance(columns, np.ndarray) else columns.toarray()


def _predict_rows(
    block: Any, rows: np.ndarray | None, model: BaseBackprop, method: str
) -> np.ndarray:
    return getattr(model, method)(rows_of(block, rows))
