"""The objective on blocks: the sum of those of the blocks, each evaluated where it is."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np
from dask.sizeof import sizeof
from distributed import Future

from skbackprop._core.objective import Objective, ObjectiveOfRows, Sample
from skbackprop._core.rows import Rows
from skbackprop._core.tails import Tails
from skbackprop.dask._blocks import Blocks, rows_of, some

# Bytes of the gradients of a step that the client adds up alone: two levels of tasks cost more
# than the transfer of less.
_BY_THE_CLIENT = 2**26
# Gradients that are added up at a time otherwise.
_FAN_IN = 8


class ObjectiveOfBlocks(ObjectiveOfRows):
    """The objective on blocks, of each of which a worker keeps the objective: Σ over its rows."""

    inputs: Blocks

    def _take_inputs(self, sample: Sample) -> None:
        self.inputs = sample.X
        self._coordinates = sample.shift, sample.scale, sample.tails

    @cached_property
    def _objectives(self) -> list[Future]:
        each = [
            [
                part.block,
                part.rows,
                self.y[part.positions],
                some(self.sample_weight, part.positions),
                *self._coordinates,
                partial(
                    Objective,
                    self.network,
                    self.loss,
                    reduction="sum",
                    batch_size=min(self.batch_size, part.n_rows),
                    dtype=self.dtype,
                ),
            ]
            for part in self.inputs.parts
        ]
        arguments = map(list, zip(*each, strict=True))
        return self.inputs.submit("objective", _objective, *arguments)

    def _sum(self, params: np.ndarray) -> float:
        objectives = self._objectives
        return sum(self.inputs.run("loss", _loss, objectives, [params] * len(objectives)))

    def _sum_and_gradient(
        self, params: np.ndarray, rows: Rows, out: np.ndarray, scale: float
    ) -> float:
        numbers, rows_of_each = zip(*self.inputs.split(rows), strict=True)
        n_blocks = len(numbers)
        fan_in = n_blocks if n_blocks * params.nbytes <= _BY_THE_CLIENT else _FAN_IN
        weights: Any = params
        if n_blocks > fan_in:
            # Through the scheduler once; workers have them of each other.
            (weights,) = self.inputs.submit("weights", _itself, [params])
        sums = [
            self.inputs.submit(
                "gradient",
                _loss_and_gradient,
                [self._objectives[k] for k in numbers],
                list(rows_of_each),
                [weights] * n_blocks,
                [scale] * n_blocks,
            )
        ]
        # All are kept until the last is there: a future that goes early may go before it is used.
        while len(sums[-1]) > fan_in:
            starts = range(0, len(sums[-1]), fan_in)
            groups = [sums[-1][k : k + fan_in] for k in starts]
            sums.append(self.inputs.submit("sum", _summed, groups))
        value, total = _summed(self.inputs.gather(sums[-1]))
        np.copyto(out, total, casting="same_kind")
        return value


# What workers run.


@np.errstate(over="ignore", invalid="ignore")
def _objective(
    block: Any,
    rows: np.ndarray | None,
    y: np.ndarray,
    sample_weight: np.ndarray | None,
    shift: np.ndarray | None,
    scale: np.ndarray | None,
    tails: Tails,
    of_sample: Callable[[Sample], Objective],
) -> Objective:
    return of_sample(Sample(rows_of(block, rows), y, sample_weight, shift, scale, tails))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def _loss(objective: Objective, params: np.ndarray) -> float:
    return objective.value(params)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def _loss_and_gradient(
    objective: Objective, rows: Rows, params: np.ndarray, scale: float
) -> tuple[float, np.ndarray]:
    gradient = np.empty_like(params)
    return objective.value_and_gradient(params, rows, gradient, scale), gradient


def _itself(value: Any) -> Any:
    return value


def _summed(parts: list[tuple[float, np.ndarray]]) -> tuple[float, np.ndarray]:
    """The sums of losses and of gradients, in their order; those of gradients in float64."""
    value, total = 0.0, np.zeros(len(parts[0][1]))
    for part, gradient in parts:
        value += part
        total += gradient
    return value, total


@sizeof.register(Objective)
def _sizeof_objective(objective: Objective) -> int:
    """Bytes that moving one would cost, or nearly so: unknown, it is taken for a trifle."""
    n_rows, n_features = objective.inputs.shape
    size = n_rows * n_features + objective.batch_size * sum(n for _, n in objective.network.shapes)
    return int(size * objective.dtype.itemsize)
