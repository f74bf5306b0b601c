"""Schedules of the step size: how far descent has come -> fraction of the first step.

Progress is counted in epochs, fractions of an epoch included, so that a schedule means the
same for every batch size.
"""

from collections.abc import Callable


class Schedule:
    """The constant schedule, and what the others share.

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
