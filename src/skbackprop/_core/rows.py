"""Rows of the data as a step takes them: in batches, gathered, with conditioned inputs."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from skbackprop._core.tails import NO_TAILS, Tails

Rows = slice | np.ndarray
"""The rows of a batch: a slice, or an array of row numbers."""


class Batches:
    """The rows of the batches of an epoch, anew at each iteration.

    Parameters
    ----------
    n_rows : int
        Number of rows in all.
    batch_size : int
        Number of rows a batch; the last one of an epoch may be shorter.
    rng : numpy.random.Generator or None
        Draws the order of the rows of each epoch. None takes them as they come, and so does
        one batch of all rows, whose order is irrelevant.
    """

    def __init__(
        self, n_rows: int, batch_size: int, rng: np.random.Generator | None = None
    ) -> None:
        self.n_rows = n_rows
        self.batch_size = min(batch_size, n_rows)
        self._rng = rng if self.batch_size < n_rows else None

    def __len__(self) -> int:
        return -(-self.n_rows // self.batch_size)

    def __iter__(self) -> Iterator[Rows]:
        starts = range(0, self.n_rows, self.batch_size)
        if self._rng is None:
            return (slice(i, min(i + self.batch_size, self.n_rows)) for i in starts)
        order = self._rng.permutation(self.n_rows)
        return (order[i : i + self.batch_size] for i in starts)


class Gatherer:
    """Takes rows of an array: views for a slice, copies of others, into one buffer if they can."""

    def __init__(self, array: Any, batch_size: int) -> None:
        self.shape = array.shape
        self.dtype = array.dtype
        self._array = array
        self._batch_size = batch_size
        self._buffer: np.ndarray | None = None
        # np.take would copy all of an array that is not C-contiguous before it takes rows.
        self._takes = isinstance(array, np.ndarray) and array.flags.c_contiguous

    def take(self, rows: Rows) -> np.ndarray:
        """The given rows; overwritten by the next call."""
        if isinstance(rows, slice) or not self._takes:
            return self._array[rows]
        if self._buffer is None:
            self._buffer = np.empty((self._batch_size, *self.shape[1:]), dtype=self.dtype)
        n_rows = len(rows)
        out = self._buffer if n_rows == self._batch_size else self._buffer[:n_rows]
        # The default mode="raise" would go through a buffer of its own.
        return self._array.take(rows, axis=0, out=out, mode="clip")


class Inputs:
    """Takes rows of X, or of (T(X) − shift) / scale with long tails tamed; X is not changed.

    A small X is conditioned as a whole, once; of a large one the rows that are taken are, each
    time. What it takes are arrays, or for a sparse X what an array has of `shape`, `dot` and `T`.

    Parameters
    ----------
    X : ndarray or scipy.sparse CSR, shape (n_rows, n_features)
        Raw inputs.
    batch_size : int
        Number of rows of the largest batch.
    tails : Tails
        The columns with long tails.
    shift, scale : ndarray of shape (n_features,) or None
        What they are conditioned by; None for 0 and 1.
    dtype : numpy.dtype or None
        Precision of the rows; None for that of X.
    """

    def __init__(
        self,
        X: Any,
        batch_size: int,
        *,
        tails: Tails = NO_TAILS,
        shift: np.ndarray | None = None,
        scale: np.ndarray | None = None,
        dtype: np.dtype | None = None,
    ) -> None:
        self.shape = X.shape
        self._tails = tails
        self.dtype = X.dtype if dtype is None else dtype
        self._sparse = not isinstance(X, np.ndarray)
        unchanged = shift is None and scale is None and self.dtype == X.dtype and not tails
        self._as_they_are = unchanged and not self._sparse
        self._shift = self._remainder = self._inverse_scale = None
        self._shift_of_tails = 0.0 if shift is None else shift[tails.columns]
        if shift is not None:
            # A shift of float32 is short of digits where it is long against the scale.
            self._shift = shift.astype(self.dtype)
            remainder = (shift - self._shift).astype(self.dtype)
            self._remainder = remainder if remainder.any() else None
        if scale is not None:
            self._inverse_scale = (1.0 / scale).astype(self.dtype)
        self._scaled_shift = None
        if self._sparse and (tails or (shift is not None and shift.any())):
            shift = (0.0 if shift is None else shift) - tails.at_zero(X.shape[1])
            self._scaled_shift = (shift if scale is None else shift / scale).astype(self.dtype)
        limit = _SMALL_TAMED if tails else _SMALL
        if not (self._sparse or self._as_they_are) and X.size <= limit:
            conditioned = np.empty(X.shape, dtype=self.dtype)
            self._condition(X, conditioned)
            X, self._as_they_are = conditioned, True
        self._X = X
        self._gatherer = Gatherer(X, batch_size)
        self._batch_size = batch_size
        self._buffer: np.ndarray | None = None
        self._in_buffer: slice | None = None
        self._sparse_rows: SparseRows | None = None

    def take(self, rows: Rows) -> Any:
        """The given rows; overwritten by the next call."""
        if self._as_they_are:
            return self._gatherer.take(rows)
        if isinstance(rows, slice) and rows == self._in_buffer:
            # A full batch comes again and again.
            return self._sparse_rows or self._rows_of_buffer(rows.stop - rows.start)
        raw = self._gatherer.take(rows)
        if self._sparse:
            self._sparse_rows = self._condition_sparse(raw)
            self._in_buffer = rows if isinstance(rows, slice) else None
            return self._sparse_rows
        conditioned = raw
        if isinstance(rows, slice) or raw.dtype != self.dtype:
            conditioned = self._rows_of_buffer(len(raw))
            self._in_buffer = rows if isinstance(rows, slice) else None
        self._condition(raw, conditioned)
        return conditioned

    @property
    def scaled_shift(self) -> np.ndarray | None:
        """What the rows of a sparse X are shifted by once they are scaled; None for 0."""
        return self._scaled_shift

    @property
    def are_sparse(self) -> bool:
        """Whether X is sparse."""
        return self._sparse

    @property
    def touches_few_columns(self) -> bool:
        """Whether a batch of a sparse X has entries in less than a third of the columns."""
        n_rows, n_columns = self.shape
        return 3 * self._batch_size * self._X.nnz < n_rows * n_columns

    def __getitem__(self, rows: slice) -> Any:
        """The given rows, not overwritten."""
        raw = self._X[rows]
        if self._sparse:
            return self._condition_sparse(raw)
        if self._as_they_are:
            return raw
        conditioned = np.empty(raw.shape, dtype=self.dtype)
        self._condition(raw, conditioned)
        return conditioned

    def _rows_of_buffer(self, n_rows: int) -> np.ndarray:
        if self._buffer is None:
            self._buffer = np.empty((self._batch_size, self.shape[1]), dtype=self.dtype)
        return self._buffer[:n_rows]

    def _condition_sparse(self, raw: Any) -> "SparseRows":
        """The rows tamed and divided by the scale; what comes of X itself is copied before."""
        if self._tails:
            raw = type(raw)((self._tails.tamed_entries(raw), raw.indices, raw.indptr), raw.shape)
        if raw.dtype != self.dtype:
            raw = raw.astype(self.dtype)
        if self._inverse_scale is not None:
            if np.may_share_memory(raw.data, self._X.data):
                raw = raw.copy()
            raw.data *= self._inverse_scale[raw.indices]
        return SparseRows(raw, self._scaled_shift)

    def _condition(self, raw: np.ndarray, out: np.ndarray) -> None:
        if not self._tails:
            self._shift_and_scale(raw, out)
            return
        size = max(1, _TAMED_ELEMENTS // len(self._tails.columns))
        for start in range(0, len(raw), size):
            rows = slice(start, start + size)
            # Before `out`, which may be `raw`.
            tamed = self._tails.columns_tamed(raw[rows], self._shift_of_tails)
            self._shift_and_scale(raw[rows], out[rows], tamed)

    def _shift_and_scale(
        self, raw: np.ndarray, out: np.ndarray, tamed: np.ndarray | None = None
    ) -> None:
        """Shift and scale rows; `tamed` are those of columns with long tails, already shifted."""
        if self._shift is None:
            np.copyto(out, raw)
        else:
            np.subtract(raw, self._shift, out=out)
        if self._remainder is not None:
            out -= self._remainder
        if tamed is not None:
            out[:, self._tails.columns] = tamed
        if self._inverse_scale is not None:
            out *= self._inverse_scale


# Elements of a small X: 1 MB in float32, or 4 MB, as taming costs more than conditioning.
_SMALL, _SMALL_TAMED = 2**18, 2**20
# Elements that are tamed at a time.
_TAMED_ELEMENTS = 2**14


class SparseRows:
    """(X − c) / s for a sparse X, never formed: what matrix products need of it.

    With X' = X / s and c' = c / s they are X' V − c' V and X'ᵀ δ − c' (Σ_rows δ)ᵀ.

    Parameters
    ----------
    X : scipy.sparse CSR of shape (n_rows, n_features)
        X'.
    shift : ndarray of shape (n_features,) or None
        c'; None for 0.
    """

    def __init__(self, X: Any, shift: np.ndarray | None) -> None:
        self.X = X
        self._shift = shift
        self.shape = X.shape

    def of_touched_columns(self) -> tuple[np.ndarray, Any]:
        """The columns with entries, in order, and X' in these columns alone."""
        X = self.X
        touched = np.zeros(self.shape[1], dtype=bool)
        touched[X.indices] = True
        columns = np.flatnonzero(touched)
        numbers = np.empty(self.shape[1], dtype=X.indices.dtype)
        numbers[columns] = np.arange(len(columns))
        parts = X.data, numbers[X.indices], X.indptr
        return columns, type(X)(parts, shape=(self.shape[0], len(columns)))

    @property
    def T(self) -> "_TransposedSparseRows":  # noqa: N802
        return _TransposedSparseRows(self.X.T, self._shift)

    def dot(self, V: np.ndarray, out: np.ndarray) -> np.ndarray:
        out[...] = self.X @ V
        if self._shift is not None:
            out -= self._shift.dot(V)
        return out


class _TransposedSparseRows(NamedTuple):
    X_T: Any
    shift: np.ndarray | None

    def dot(self, delta: np.ndarray, out: np.ndarray) -> np.ndarray:
        if self.shift is None:
            out[...] = self.X_T @ delta
        else:
            np.multiply(self.shift[:, np.newaxis], -delta.sum(axis=0), out=out)
            out += self.X_T @ delta
        return out
