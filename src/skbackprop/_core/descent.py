"""Gradient descent: the loop. It knows neither networks nor estimators."""

import math
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

import numpy as np

from skbackprop._core.rows import Batches, Rows
from skbackprop._core.rules import Plateau, Runaway, Schedule, Status, VanishedGradient, has_risen


class Differentiable(ABC):
    """What is descended: a function of a flat vector, on all rows or on a batch of them.

    It may have a further penalty, which its gradients have and its values, the losses that are
    reported, have not.
    """

    @abstractmethod
    def value(self, params: np.ndarray) -> float:
        """The value on all rows."""

    @abstractmethod
    def value_and_gradient(
        self, params: np.ndarray, rows: Rows, out: np.ndarray, scale: float = 1.0
    ) -> float:
        """Fill `out` with scale · the gradient on a batch; return the batch's share of the value.

        The shares of an epoch add up to its loss. Views of `params` and `out` may be kept while
        the same arrays come again.
        """

    def steps(self, params: np.ndarray, update: np.ndarray) -> "Steps":
        """What takes the steps of an epoch; `update` is scratch, shaped as `params`."""
        return Steps(self, params, update)

    def set_explained(self, share: float) -> None:  # noqa: B027
        """Set the further penalty by the share of the first loss that descent has explained."""

    def further_penalty(self, params: np.ndarray) -> float:
        """The further penalty of the parameters."""
        return 0.0


class Steps:
    """Takes the steps of an epoch, in place; the parameters are whole once the ``with`` is left."""

    def __init__(self, objective: Differentiable, params: np.ndarray, update: np.ndarray) -> None:
        self._objective, self._params, self._update = objective, params, update

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Make the parameters whole."""

    def prepare(self, rows: Rows, size: float) -> float:
        """Compute the step of the given size on a batch; return the batch's share of the value."""
        return self._objective.value_and_gradient(self._params, rows, self._update, scale=-size)

    def take(self) -> None:
        """Take the step that was prepared."""
        self._params += self._update


class Epoch(NamedTuple):
    """Where a descent is after an epoch."""

    number: int
    """Epochs done."""
    first_loss: float
    """The loss of the first parameters."""
    loss: float
    """The loss that the steps of the epoch met."""
    params: np.ndarray
    """The parameters, which the next epoch overwrites."""
    loss_curve: list[float]
    """The losses of the epochs so far."""
    step_sizes: list[float]
    """The step sizes at the start of the epochs so far."""


@dataclass
class Descent:
    """What came of a descent.

    Attributes
    ----------
    status : Status
        How it ended.
    loss_curve : list of float
        For each epoch, the loss that its steps met: in full batch the loss before the step.
    step_sizes : list of float
        For each epoch, the size of its first step.
    first_loss, loss : float
        Loss on all rows of the first and of the last parameters. Both are finite, but for a
        first loss that was not.
    exploded : bool
        Whether the last parameters are the best met, since those that came after were lost.
    """

    status: Status
    loss_curve: list[float]
    step_sizes: list[float]
    first_loss: float
    loss: float
    exploded: bool
    undone: int
    """Number of epochs that were undone, each of which halved the step."""

    @classmethod
    def until(cls, epoch: Epoch) -> "Descent":
        """What has come of a descent that goes on after `epoch`."""
        return cls(
            Status.RUNNING,
            list(epoch.loss_curve),
            list(epoch.step_sizes),
            epoch.first_loss,
            epoch.loss,
            exploded=False,
            undone=epoch.number - len(epoch.loss_curve),
        )

    def in_units_of(self, unit: float) -> "Descent":
        """The same with losses `unit` times as large."""
        return replace(
            self,
            loss_curve=[unit * loss for loss in self.loss_curve],
            first_loss=unit * self.first_loss,
            loss=unit * self.loss,
        )


class Watcher(Protocol):
    """What watches a descent: it is told of each epoch and may end it or choose the result."""

    def __call__(self, epoch: Epoch) -> Status | None:
        """Take note of an epoch; a status that is returned is how descent ends."""

    def chosen_params(self) -> np.ndarray | None:
        """Parameters to take at the end instead of the last; None for the last."""


@dataclass(frozen=True)
class Plan:
    """How to descend.

    Attributes
    ----------
    step_size : float
        Factor of the gradient at the schedule's start.
    schedule : Schedule
        Fraction of the step size by epochs done, and what a plateau means.
    batches : Batches
        Rows of the batches, anew for each epoch.
    max_iter : int
        Number of epochs at most.
    retry : bool
        Whether an epoch that explodes is undone and the step halved for good. In full batch any
        rise of the loss is an explosion, as a step below 2 over the curvature lowers it; in
        batches, or where the objective is not `smooth`, one to 1.25 times the first loss.
    smooth : bool
        Whether the objective has no kinks. A step across a kink may raise the loss.
    first_epoch : int
        Epochs that the schedule has already seen.
    margin, reference_loss : float
        The last loss has diverged above the first + margin · the larger of the two.
    vanished, plateau : VanishedGradient or None, Plateau or None
        The rules for an early end; None for none. The gradient held against the first is the
        way the parameters went in the epoch over the steps' sum, the mean of the gradients met.
    """

    step_size: float
    schedule: Schedule
    batches: Batches
    max_iter: int
    retry: bool = False
    smooth: bool = True
    first_epoch: int = 0
    margin: float = 0.0
    reference_loss: float = 0.0
    vanished: VanishedGradient | None = None
    plateau: Plateau | None = None


# A sum of squares above it has not lost what counts to underflow, not even in float32.
_SMALLEST_SQUARE = 1e-25
# An epoch on batches may have this times the first loss. Much above, units die: they saturate or go
# silent, and shorter steps do not bring them back.
_HIGHEST = 1.25
# Halvings of the step after which a descent that still explodes is lost.
_SHORTEST = 2.0**-40


def _loss_limit(best_loss: float, first_loss: float, may_rise: bool, spared: float) -> float:
    """The loss above which an epoch is undone, where that is to be done at all.

    `spared` is what the parameters have less of a further penalty than the best ones.
    """
    if not math.isfinite(first_loss):
        return sys.float_info.max
    return _HIGHEST * first_loss if may_rise else best_loss + 1e-6 * abs(best_loss) + spared


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def gradient_descent(
    objective: Differentiable, params: np.ndarray, plan: Plan, watcher: Watcher | None = None
) -> Descent:
    """Descend: params ← params − step · gradient, batch after batch, in place.

    1. Measure the loss of the first parameters.
    2. For each epoch, for each batch: the gradient at the present parameters, then the step,
       the step size times the schedule's fraction.
    3. After each epoch: keep the best parameters, report, and ask the rules for an end.
    4. Measure the loss of the last parameters.

    A loss that is not finite, or far above the first for several epochs, ends descent and goes
    back to the best parameters met. An interrupt from the keyboard ends it and keeps the steps
    taken so far.

    Parameters
    ----------
    objective : Differentiable
        What is descended.
    params : ndarray of shape (n_params,)
        First parameters; on return, the last.
    plan : Plan
        Step size, schedule, batches and rules.
    watcher : Watcher or None
        Told of each epoch that is done.
    """
    update = np.empty_like(params)
    first_loss = objective.value(params)
    loss_curve: list[float] = []
    step_sizes: list[float] = []
    best, best_loss = params.copy(), first_loss
    epoch_start = np.empty_like(params)
    runaway = Runaway(first_loss)
    schedule, retry = plan.schedule, plan.retry
    n_batches = len(plan.batches)
    status = Status.MAX_ITER
    shortening, undone = 1.0, 0
    try:
        for epoch in range(plan.first_epoch, plan.first_epoch + plan.max_iter):
            np.copyto(epoch_start, params)
            may_rise = n_batches > 1 or not plan.smooth
            limit = math.inf
            if retry:
                spared = objective.further_penalty(best) - objective.further_penalty(params)
                limit = _loss_limit(best_loss, first_loss, may_rise, spared)
            epoch_loss = way = 0.0
            with objective.steps(params, update) as steps:
                for number, rows in enumerate(plan.batches):
                    fraction = schedule.fraction(epoch + number / n_batches)
                    step_size = plan.step_size * shortening * fraction
                    epoch_loss += steps.prepare(rows, step_size)
                    if retry and not epoch_loss <= limit:
                        break
                    steps.take()
                    way += step_size
            if retry and not epoch_loss <= limit and shortening > _SHORTEST:
                np.copyto(params, best)
                shortening *= 0.5
                undone += 1
                continue
            loss_curve.append(epoch_loss)
            step_sizes.append(plan.step_size * shortening * schedule.fraction(epoch))
            if not math.isfinite(epoch_loss) or runaway.reached(epoch_loss):
                status = Status.DIVERGED
                break
            if watcher is not None:
                ended = watcher(
                    Epoch(epoch + 1, first_loss, epoch_loss, params, loss_curve, step_sizes)
                )
                if ended is not None:
                    status = ended
                    break
            if plan.vanished is not None:
                np.subtract(params, epoch_start, out=update)
                # An epoch that exploded at the shortest step has taken none.
                norm = _norm(update) / way if way else 0.0
                if norm == 0.0:
                    # Steps too short for the parameters' precision leave no way either.
                    objective.value_and_gradient(params, rows, update)
                    norm = _norm(update)
                if plan.vanished.reached(norm):
                    status = Status.CONVERGED
                    break
            # The loss of an epoch is that of the parameters it started from, exactly so in
            # full batch, and its being finite shows that they were.
            if epoch_loss < best_loss:
                best, epoch_start, best_loss = epoch_start, best, epoch_loss
                if first_loss > 0.0:
                    objective.set_explained(max(0.0, 1.0 - best_loss / first_loss))
            on_plateau = plan.plateau is not None and plan.plateau.reached(epoch_loss)
            if on_plateau and not schedule.outlasts_plateau():
                status = Status.CONVERGED
                break
    except KeyboardInterrupt:
        status = Status.INTERRUPTED

    chosen = None if watcher is None else watcher.chosen_params()
    if chosen is not None:
        np.copyto(params, chosen)
    loss = objective.value(params)
    exploded = not math.isfinite(loss) or status is Status.DIVERGED
    if not math.isfinite(loss) or (
        chosen is None and (exploded or (retry and not loss <= first_loss))
    ):
        np.copyto(params, best)
        loss = objective.value(params)
    # With a step that was found, a loss above the first is undone, or it was chosen.
    if exploded or (
        not retry
        and status is not Status.INTERRUPTED
        and has_risen(first_loss, loss, plan.margin * max(abs(first_loss), plan.reference_loss))
    ):
        status = Status.DIVERGED
    return Descent(status, loss_curve, step_sizes, first_loss, loss, exploded, undone)


def _norm(vector: np.ndarray) -> float:
    """The Euclidean norm, also where the squares leave the range of floats."""
    square = float(vector.dot(vector))
    if _SMALLEST_SQUARE < square < math.inf:
        return math.sqrt(square)
    largest = float(np.abs(vector).max())
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    vector = vector / largest
    return largest * math.sqrt(vector.dot(vector))
