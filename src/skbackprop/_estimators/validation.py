"""Validation: the loss on held-out rows after each epoch, and the best weights met."""

import math
from collections.abc import Callable

import numpy as np

from skbackprop._core.descent import Epoch
from skbackprop._core.rules import Plateau, Status


class Validation:
    """Measures the network on held-out rows after each epoch and keeps the best parameters.

    Parameters
    ----------
    loss : callable
        ``loss(params)`` is the loss on the held-out rows.
    score : callable or None
        ``score(epoch)`` is what is to be as large as possible; None for minus the loss.
    plateau : Plateau or None
        When to end for want of a better score; None for never.
    goes_on : callable or None
        Asked at a plateau whether descent goes on after all; None for never.

    Attributes
    ----------
    losses, scores : list of float
        For each epoch, the loss and the score after it.
    best_params : ndarray or None
        Parameters of the largest score.
    best_epoch : int
        Number of epochs done at the largest score: its place in `scores`, counted from 1.
    """

    def __init__(
        self,
        loss: Callable[[np.ndarray], float],
        score: Callable[[Epoch], float] | None,
        plateau: Plateau | None,
        goes_on: Callable[[], bool] | None = None,
    ) -> None:
        self._loss = loss
        self._score = score
        self._plateau = plateau
        self._goes_on = goes_on
        self._best_score = -math.inf
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.best_params: np.ndarray | None = None
        self.best_epoch = 0

    def start_from(self, params: np.ndarray) -> None:
        """Take fitted parameters for the best so far."""
        self._measure(Epoch(0, math.nan, math.nan, params, [], []))

    def __call__(self, epoch: Epoch) -> Status | None:
        """Measure; whether there has been no better score for long."""
        loss, score = self._measure(epoch)
        self.losses.append(loss)
        self.scores.append(score)
        on_plateau = self._plateau is not None and self._plateau.reached(-score)
        if on_plateau and not (self._goes_on is not None and self._goes_on()):
            return Status.EARLY_STOPPED
        return None

    def check_measured(self) -> None:
        """Refuse rows, or a score, that told nothing of any epoch."""
        if self.losses and self.best_params is None:
            raise ValueError(
                "The rows to validate on, X_val and y_val or those held out of X and y, must have "
                "a finite loss and a score above -inf after some epoch; the last loss is "
                f"{self.losses[-1]}, the last score {self.scores[-1]}. Either their numbers are "
                "far beyond those of the rows to fit, or scoring does not suit them."
            )

    def _measure(self, epoch: Epoch) -> tuple[float, float]:
        """Return loss and score; keep the parameters if they are the best so far."""
        loss = self._loss(epoch.params)
        score = -loss
        if self._score is not None:
            score = self._score(epoch) if math.isfinite(loss) else -math.inf
        if score > self._best_score:
            self._best_score = score
            self.best_params = epoch.params.copy()
            self.best_epoch = len(self.scores) + (epoch.number > 0)
        return loss, score
