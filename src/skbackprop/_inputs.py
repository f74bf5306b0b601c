"""Rows of the data as a step takes them: gathered, and the inputs in conditioned coordinates."""

from typing import Any, NamedTuple

import numpy as np

from skbackprop._batches import Rows


class Gatherer:
    """Takes rows of an array: views for a slice, copies of others, into one buffer if they can."""

    def __init__(self, array: np.ndarray, batch_size: int) -> None:
        self.shape = array.shape
        self.dtype = array.dtype
        self._array = array
        self._batch_size = batch_size
        self._buffer: np.ndarray | None = None

    def take(self, rows: Rows) -> np.ndarray:
        """The given rows; overwritten by the next call."""
        array = self._array
        # np.take would copy all of an array that is not C-contiguous before it takes rows.
        if isinstance(rows, slice) or not (
            isinstance(array, np.ndarray) and array.flags.c_contiguous
        ):
            return array[rows]
        if self._buffer is None:
            self._buffer = np.empty((self._batch_size, *array.shape[1:]), dtype=array.dtype)
        # The default mode="raise" would go through a buffer of its own.
        return np.take(array, rows, axis=0, out=self._buffer[: len(rows)], mode="clip")

    def __getitem__(self, rows: slice) -> np.ndarray:
        return self._array[rows]


class ConditionedInputs:
    """Takes rows of X as (X − shift) / scale; X itself is neither changed nor copied.

    Parameters
    ----------
    X : ndarray or scipy.sparse CSR, shape (n_rows, n_features)
        Raw inputs.
    shift, scale : ndarray of shape (n_features,) or None
        What they are conditioned by; None for 0 and 1.
    batch_size : int
        Number of rows of the largest batch.
    dtype : numpy.dtype
        Precision of the conditioned rows.
    """

    def __init__(
        self,
        X: Any,
        shift: np.ndarray | None,
        scale: np.ndarray | None,
        batch_size: int,
        dtype: np.dtype,
    ) -> None:
        shift = np.zeros(X.shape[1]) if shift is None else shift
        scale = np.ones(X.shape[1]) if scale is None else scale
        self.shape = X.shape
        self.dtype = dtype
        self._X = X
        self._raw = Gatherer(X, batch_size)
        # A shift of float32 is short of digits where it is long against the scale.
        self._shift = shift.astype(dtype)
        remainder = (shift - self._shift).astype(dtype)
        self._remainder = remainder if remainder.any() else None
        self._inverse_scale = (1.0 / scale).astype(dtype)
        self._batch_size = batch_size
        self._buffer: np.ndarray | None = None
        self._in_buffer: slice | None = None

    def take(self, rows: Rows) -> Any:
        """The given rows; overwritten by the next call."""
        raw = self._raw.take(rows)
        if not isinstance(raw, np.ndarray):
            return _ConditionedSparse(raw, self._shift, self._inverse_scale)
        if self._buffer is None:
            self._buffer = np.empty((self._batch_size, raw.shape[1]), dtype=self.dtype)
        conditioned = self._buffer[: len(raw)]
        # A full batch comes again and again.
        if not isinstance(rows, slice) or rows != self._in_buffer:
            self._condition(raw, conditioned)
            self._in_buffer = rows if isinstance(rows, slice) else None
        return conditioned

    def __getitem__(self, rows: slice) -> Any:
        """A copy of the given rows."""
        raw = self._X[rows]
        if not isinstance(raw, np.ndarray):
            return _ConditionedSparse(raw, self._shift, self._inverse_scale)
        conditioned = np.empty(raw.shape, dtype=self.dtype)
        self._condition(raw, conditioned)
        return conditioned

    def _condition(self, raw: np.ndarray, out: np.ndarray) -> None:
        np.subtract(raw, self._shift, out=out)
        if self._remainder is not None:
            out -= self._remainder
        out *= self._inverse_scale


class _ConditionedSparse:
    """(X − c) / s for a sparse X, never formed: what matrix products need of it.

    ((X − c) / s) V = X (V / s) − c (V / s), and ((X − c) / s)ᵀ δ = (Xᵀ δ − c (Σ_rows δ)ᵀ) / s.
    """

    def __init__(self, X: Any, shift: np.ndarray, inverse_scale: np.ndarray) -> None:
        self._X = X
        self._shift = shift
        self._inverse_scale = inverse_scale
        self.shape = X.shape

    @property
    def T(self) -> "_TransposedConditionedSparse":  # noqa: N802
        return _TransposedConditionedSparse(self._X, self._shift, self._inverse_scale)

    def __matmul__(self, V: np.ndarray) -> np.ndarray:
        W = V * self._inverse_scale[:, np.newaxis]
        product: np.ndarray = self._X @ W
        product -= self._shift @ W
        return product


class _TransposedConditionedSparse(NamedTuple):
    X: Any
    shift: np.ndarray
    inverse_scale: np.ndarray

    def __matmul__(self, delta: np.ndarray) -> np.ndarray:
        product: np.ndarray = self.X.T @ delta
        product -= np.outer(self.shift, delta.sum(axis=0))
        product *= self.inverse_scale[:, np.newaxis]
        return product
