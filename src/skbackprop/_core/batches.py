"""The batches of an epoch: which rows each step of descent sees."""

from collections.abc import Iterator

import numpy as np

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
