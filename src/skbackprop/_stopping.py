"""When descent ends, and what is said of it."""

import math
from enum import Enum


class Status(Enum):
    """How descent ended, with the sentence that tells it."""

    CONVERGED = "converged", "The gradient vanished or the loss stopped falling, as tol asks."
    MAX_ITER = "max_iter", "All max_iter epochs were run."
    INTERRUPTED = "interrupted", "Descent was interrupted from the keyboard."
    DIVERGED = "diverged", "The loss was not finite or ended above where it began."

    message: str

    def __new__(cls, value: str, message: str) -> "Status":
        status = object.__new__(cls)
        status._value_ = value
        status.message = message
        return status


class VanishedGradient:
    """The rule that ends descent where there is no slope left.

    Parameters
    ----------
    tol : float
        Fraction of the first gradient's norm below which a gradient counts as vanished.
    """

    def __init__(self, tol: float) -> None:
        self.tol = tol
        self._first: float | None = None

    def reached(self, norm: float) -> bool:
        """Note the norm of one more gradient; whether it has vanished."""
        if self._first is None:
            self._first = norm
        return norm <= self.tol * self._first


class Plateau:
    """The rule that ends descent when the loss no longer falls.

    Parameters
    ----------
    tol : float
        Fall of the loss, as a fraction of its lowest value, that counts as progress.
    patience : int
        Number of epochs within which there must be progress.
    """

    def __init__(self, tol: float, patience: int) -> None:
        self.tol = tol
        self.patience = patience
        self._lowest = math.inf
        self._epochs_without_progress = 0

    def reached(self, loss: float) -> bool:
        """Note the loss of one more epoch; whether it is the last of a plateau."""
        if self._lowest == math.inf or loss < self._lowest - self.tol * abs(self._lowest):
            self._lowest = loss
            self._epochs_without_progress = 0
            return False
        self._epochs_without_progress += 1
        if self._epochs_without_progress < self.patience:
            return False
        self._epochs_without_progress = 0
        return True


def has_risen(began: float, ended: float, margin: float) -> bool:
    """Whether a loss ended above where it began by more than the fraction `margin` of it."""
    return not ended <= began + margin * abs(began)
