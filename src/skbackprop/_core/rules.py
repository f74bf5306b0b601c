"""When descent ends, and what is said of it."""

import math
from enum import Enum


class Status(Enum):
    """How descent ended, with the sentence that tells it."""

    RUNNING = "running", "Descent is under way."
    CONVERGED = "converged", "The gradient vanished or the loss stopped falling, as tol asks."
    MAX_ITER = "max_iter", "All max_iter epochs were run."
    EARLY_STOPPED = "early_stopped", "The validation score stopped rising."
    STOPPED = "stopped", "A callback asked for an end."
    INTERRUPTED = "interrupted", "Descent was interrupted from the keyboard."
    DIVERGED = (
        "diverged",
        "The loss was not finite, far above the first for long, or ended above it.",
    )

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
        return math.isfinite(norm) and norm <= self.tol * self._first


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


class Runaway:
    """The rule that ends descent when the loss stays far above the first.

    A run may overshoot and recover: it takes several epochs to tell.
    """

    FACTOR = 100.0
    PATIENCE = 5

    def __init__(self, first_loss: float) -> None:
        self._limit = self.FACTOR * abs(first_loss)
        self._epochs_above = 0

    def reached(self, loss: float) -> bool:
        """Note the loss of one more epoch; whether it is lost."""
        self._epochs_above = self._epochs_above + 1 if loss > self._limit else 0
        return self._epochs_above >= self.PATIENCE


def has_risen(began: float, ended: float, allowed: float) -> bool:
    """Whether a loss ended above where it began by more than is allowed, or by rounding."""
    return not ended <= began + max(allowed, 1e-6 * abs(began))
