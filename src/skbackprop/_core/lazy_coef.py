"""Coefficients of sparse columns, of which a step changes only those that its rows touch."""

from typing import Any, NamedTuple

import numpy as np

Columns = slice | np.ndarray
"""Some columns: all of them as a slice, or an array of their numbers."""

# The factor of what is stored stays within these bounds, so that it leaves no range of floats.
_SMALLEST, _LARGEST = 2.0**-10, 2.0**10
# Columns that are settled at a time.
_CHUNK = 2**12


class LazyCoef:
    """The coefficients W, (n_columns, n_units), of inputs X − c with a sparse X.

    A step is W ← q W + D − c gᵀ with D = Xᵀδ and g = Σ_rows δ, both times minus the step size. D is
    zero but in the columns in which the rows of the batch have entries. The decay q and g change
    the others all alike, which is put off: W = f U + c rᵀ, where U is stored, and the step is

        f ← q f,    r ← q r − g,    U ← U + D / f.

    cᵀW, by which the shift enters the weighted sums, and ‖W‖² are updated and not computed anew, so
    that a step costs the columns touched.

    Parameters
    ----------
    coef : ndarray of shape (n_columns, n_units)
        W. It is where U is stored until `settle`.
    shift : ndarray of shape (n_columns,) or None
        c; None for 0.
    """

    def __init__(self, coef: np.ndarray, shift: np.ndarray | None) -> None:
        self._U, self._shift = coef, shift
        self._factor = self._next_factor = 1.0
        self._r = np.zeros(coef.shape[1])
        self._n_settled = 0
        self.square = float(np.vdot(coef, coef))
        """‖W‖²."""
        self.shift_times_coef = np.zeros(coef.shape[1])
        """cᵀW."""
        if shift is not None:
            self._square_of_shift = square_of(shift)
            self.shift_times_coef += shift @ coef

    def prepare(self, X: Any, columns: Columns, decay: float) -> tuple["LazyRows", np.ndarray]:
        """What takes the place of X and of its coefficients W in a step with that decay.

        Their product is X W; and the transposed X times δ is what `step` takes.

        `X` is a scipy.sparse CSR of the given columns, which are all that have entries.
        """
        if not (_holds(decay) and _holds(decay * self._factor)):
            self.settle()
        self._columns, self._decay = columns, decay
        self._stored = self._U[columns]
        self._next_factor = decay * self._factor if _holds(decay) else 1.0
        along_r = None
        if self._shift is not None:
            along_r = X @ self._shift[columns], self._r.astype(self._U.dtype)
        return LazyRows(X, self._factor, self._next_factor, along_r), self._stored

    def step(self, change: np.ndarray, sums: np.ndarray | None) -> None:
        """Take a step: `change` is D / f in the columns that are prepared, `sums` is g."""
        decay, factor = self._decay, self._next_factor
        inner = self._factor * factor * float(np.vdot(self._stored, change))
        square = factor**2 * float(np.vdot(change, change))
        r, shift_times_coef = decay * self._r, decay * self.shift_times_coef
        if self._shift is not None and sums is not None:
            g = sums.astype(np.float64)
            along_shift = factor * (self._shift[self._columns] @ change).astype(np.float64)
            inner += float(self._r @ along_shift - self.shift_times_coef @ g)
            square += float(self._square_of_shift * (g @ g) - 2.0 * (g @ along_shift))
            shift_times_coef += along_shift - self._square_of_shift * g
            r -= g
        square += decay**2 * self.square + 2.0 * decay * inner
        # No calls from here on, so that an interrupt leaves the step whole.
        if factor == 1.0 != decay * self._factor:
            self._U *= decay
        self._U[self._columns] += change
        self._factor, self._r, self.shift_times_coef = factor, r, shift_times_coef
        # Rounding must not leave less than nothing; NaN stays.
        self.square = 0.0 if square < 0.0 else square

    def settle(self) -> None:
        """Make up for what was put off: U is W again. After an interrupt it can be called again."""
        self._U *= self._factor
        self._factor = 1.0
        if self._shift is None or not self._r.any():
            return
        r, zeros = self._r.astype(self._U.dtype), np.zeros_like(self._r)
        while self._n_settled < len(self._U):
            rows = slice(self._n_settled, self._n_settled + _CHUNK)
            change = np.outer(self._shift[rows], r)
            # No call between these two, which an interrupt would part.
            self._U[rows] += change
            self._n_settled += _CHUNK
        self._r, self._n_settled = zeros, 0


def square_of(shift: np.ndarray) -> float:
    """‖c‖², in float64."""
    return float(np.square(shift, dtype=np.float64).sum())


def _holds(factor: float) -> bool:
    """Whether what is stored may be in units of the factor."""
    return _SMALLEST < abs(factor) < _LARGEST


class LazyRows(NamedTuple):
    """Sparse rows X, to be multiplied with U: X W = f X U + (X c) rᵀ."""

    X: Any
    factor: float
    next_factor: float
    along_r: tuple[np.ndarray, np.ndarray] | None
    """X c and r; None without a shift."""

    @property
    def T(self) -> "_TransposedLazyRows":  # noqa: N802
        return _TransposedLazyRows(self.X.T, self.next_factor)

    def dot(self, U: np.ndarray, out: np.ndarray) -> np.ndarray:
        np.multiply(self.X @ U, self.factor, out=out)
        if self.along_r is not None:
            out += np.outer(*self.along_r)
        return out


class _TransposedLazyRows(NamedTuple):
    X_T: Any
    factor: float

    def dot(self, delta: np.ndarray, out: np.ndarray) -> np.ndarray:
        out[...] = self.X_T @ (delta / self.factor)
        return out
