"""Rules of a descent: the schedule of the step size, and when descent ends."""

import math
from collections.abc import Callable
from enum import Enum


class Schedule:
    """The constant schedule, and what the others share.

    A schedule maps the epochs done to a fraction of the first step size. Fractions of an epoch
    count, so that a schedule means the same for every batch size.

    Parameters
    ----------
    max_iter : int
        Number of epochs descent may take.
    """

    def __init__(self, max_iter: int) -> None:
        self.max_iter = max_iter

    def fraction(self, epochs: float) -> float:
        """Fraction of the step size after `epochs` epochs."""
        return 1.0

    def outlasts_plateau(self) -> bool:
        """Whether descent goes on although the loss no longer falls."""
        return False


class Linear(Schedule):
    """1 − t / max_iter: down to zero at the last epoch (Defazio et al., 2023)."""

    def fraction(self, epochs: float) -> float:
        return 1.0 - epochs / self.max_iter

    def outlasts_plateau(self) -> bool:
        # What a long step cannot lower, the shorter ones to come may.
        return True


class InverseScaling(Schedule):
    """1 / √(1 + t) (Zinkevich, 2003)."""

    def fraction(self, epochs: float) -> float:
        return float((1.0 + epochs) ** -0.5)


class Adaptive(Schedule):
    """Divided by 5 at every plateau of the loss; over once it is below 10⁻⁴."""

    def __init__(self, max_iter: int) -> None:
        super().__init__(max_iter)
        self._fraction = 1.0

    def fraction(self, epochs: float) -> float:
        return self._fraction

    def outlasts_plateau(self) -> bool:
        self._fraction /= 5.0
        return self._fraction >= 1e-4


SCHEDULES: dict[str, Callable[[int], Schedule]] = {
    "constant": Schedule,
    "linear": Linear,
    "invscaling": InverseScaling,
    "adaptive": Adaptive,
}


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
    earlier : float
        The largest first norm of earlier descents that this one goes on from; 0 for none. A descent
        that begins near the minimum begins with a small gradient.
    """

    def __init__(self, tol: float, earlier: float = 0.0) -> None:
        self.tol = tol
        self.first = earlier
        self._has_begun = False

    def reached(self, norm: float) -> bool:
        """Note the norm of one more gradient; whether it has vanished."""
        if not self._has_begun and math.isfinite(norm):
            self.first = max(self.first, norm)
        self._has_begun = True
        return math.isfinite(norm) and norm <= self.tol * self.first


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
        if not math.isfinite(self._lowest) or loss < self._lowest - self.tol * abs(self._lowest):
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
        """Note the loss of one more epoch; whether the descent counts as diverged."""
        self._epochs_above = self._epochs_above + 1 if loss > self._limit else 0
        return self._epochs_above >= self.PATIENCE


def has_risen(began: float, ended: float, allowed: float) -> bool:
    """Whether a loss ended above where it began by more than is allowed, or by rounding."""
    return not ended <= began + max(allowed, 1e-6 * abs(began))
