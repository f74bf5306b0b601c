"""Long tails of columns, tamed before the network sees them.

Of a column x with a long tail the network is given

    T(x) = c + 2 r asinh(½ asinh((x − c) / r))

with the median c, and r three times a robust deviation. T(x) is nearly x within r / 3 of c, grows
as a logarithm far from it, and as the logarithm of one thousands of r away. So a long tail does
not press the other values into a small part of the range in which units bend, and a single wild
value is about as far out as a rare one. T is monotone and has no bound: values keep their order.
That of a shifted or scaled column is shifted or scaled.
"""

from typing import Any, NamedTuple

import numpy as np

# r in robust deviations, and how many of them the farthest value of a long tail is from c, or more:
# of a million normal numbers none is.
_SCALE, _LEAST_FARTHEST = 3.0, 6.0
# Beyond it, in units of r, T is constant: x − c over r must not leave the range of floats.
_FARTHEST = 1e300


class Tails(NamedTuple):
    """The columns that have long tails, and T of each.

    Attributes
    ----------
    columns : ndarray of int, shape (n_tamed,)
        Their numbers, in order.
    center, scale : ndarray of shape (n_tamed,)
        c and r.
    """

    columns: np.ndarray
    center: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(
        cls, columns: np.ndarray, center: np.ndarray, deviation: np.ndarray, farthest: np.ndarray
    ) -> "Tails":
        """Those of columns with these medians, robust deviations and farthest distances from c.

        A column without a deviation has none, and nor has one whose farthest value is near.
        """
        scale = _SCALE * deviation
        kept = (scale > 0.0) & np.isfinite(scale) & (farthest > _LEAST_FARTHEST * deviation)
        return cls(columns[kept], center[kept], scale[kept])

    @classmethod
    def of_all(cls, center: np.ndarray, scale: np.ndarray) -> "Tails":
        """Those of c and r of all columns; of a column without a long tail r is infinite."""
        columns = np.flatnonzero(np.isfinite(scale))
        return cls(columns, center[columns], scale[columns])

    def of_each(self, n_features: int) -> tuple[np.ndarray, np.ndarray]:
        """Both c and r of all columns, which are 0 and infinite of one without a long tail."""
        center, scale = np.zeros(n_features), np.full(n_features, np.inf)
        center[self.columns], scale[self.columns] = self.center, self.scale
        return center, scale

    def __bool__(self) -> bool:
        return len(self.columns) > 0

    def tamed(self, X: np.ndarray) -> np.ndarray:
        """T of the columns of floats that have long tails, and the others; a copy if any have."""
        if not self:
            return X
        X = X.copy()
        X[:, self.columns] = self.columns_tamed(X)
        return X

    def columns_tamed(self, X: np.ndarray, shift: np.ndarray | float = 0.0) -> np.ndarray:
        """T(x) − shift of the columns of X that have long tails, in float64."""
        u = X.take(self.columns, axis=1).astype(np.float64, copy=False)
        u -= self.center
        _bend(u, self.scale)
        u += self.center - shift
        return u

    def at_zero(self, n_features: int) -> np.ndarray:
        """T(0) of all columns."""
        at_zero = np.zeros(n_features)
        at_zero[self.columns] = self.center + _bend(-self.center, self.scale)
        return at_zero

    def tamed_entries(self, X: Any) -> np.ndarray:
        """T(x) − T(0) of the entries of a sparse X, in float64."""
        values: np.ndarray = X.data.astype(np.float64)
        if self:
            places = np.searchsorted(self.columns, X.indices)
            places[places == len(self.columns)] = 0
            tamed = np.flatnonzero(self.columns[places] == X.indices)
            c, r = self.center[places[tamed]], self.scale[places[tamed]]
            values[tamed] = _bend(values[tamed] - c, r) - _bend(-c, r)
        return values


def _bend(distance: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """2 r asinh(½ asinh(distance / r)), in place."""
    u = distance
    with np.errstate(over="ignore"):
        u /= scale
    np.clip(u, -_FARTHEST, _FARTHEST, out=u)
    np.arcsinh(u, out=u)
    u *= 0.5
    np.arcsinh(u, out=u)
    u *= 2.0 * scale
    return u


NO_TAILS = Tails(np.zeros(0, dtype=np.intp), np.zeros(0), np.zeros(0))
