"""What later fits take over.

`warm_start` takes the weights, the random streams and the first loss; conditioning and step are
found anew. `partial_fit` also takes the statistics, the total weight and the step.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np

from skbackprop._core.network import Layer
from skbackprop._core.problem import TargetForm
from skbackprop._core.statistics import Statistics
from skbackprop._core.tails import Tails


@dataclass(frozen=True)
class Search:
    """A search for the step: what was found, and what it was looked for at."""

    curvature: float | None = None
    scale: np.ndarray | None = None
    """Scales of the inputs and of the targets."""
    depends_on: tuple[Any, ...] = ()
    """The settings that the curvature depends on."""


@dataclass(frozen=True)
class Streams:
    """Random streams of the fits of an estimator; none depends on how much another gives."""

    weights: np.random.Generator
    """Draws initial weights: all of a new network, or those of columns that begin to vary."""
    rows: np.random.Generator
    """Draws the order of the rows."""
    curvature: np.random.Generator
    """Draws the first direction and the batches of the search for the step."""
    split_seed: int
    """Going on must not fit the rows that were held out."""


@dataclass(frozen=True)
class Past:
    """What a fit leaves for a later one."""

    streams: Streams
    first_loss: float
    """The largest loss before the first step of a fit so far."""
    first_gradient: float
    """The largest norm of the gradient in the first epoch of a fit so far; 0 for none."""
    weight: float
    """Weight of the rows of a stream so far."""
    statistics: Statistics | None
    """Those of a stream so far; None without conditioning."""
    unvaried: np.ndarray
    """Which columns have had one value only, and so coefficients of zero."""
    search: Search = field(default_factory=Search)

    def state(self) -> dict[str, Any]:
        """Itself as plain values, so that skops need not trust classes of private modules."""
        statistics = None if self.statistics is None else self.statistics.state()
        return {
            "streams": _values(self.streams),
            "first_loss": self.first_loss,
            "first_gradient": self.first_gradient,
            "weight": self.weight,
            "statistics": statistics,
            "unvaried": self.unvaried,
            "search": _values(self.search),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """What was kept, its streams as copies that a fit may draw from."""
        statistics = state["statistics"]
        return cls(
            Streams(**copy.deepcopy(state["streams"])),
            state["first_loss"],
            state["first_gradient"],
            state["weight"],
            None if statistics is None else Statistics.from_state(statistics),
            state["unvaried"],
            Search(**state["search"]),
        )


@dataclass(frozen=True)
class Fitted:
    """A fitted network that a fit goes on from."""

    layers: Sequence[Layer]
    activations: list[str]
    """Names, one a layer."""
    input_shift: np.ndarray
    tails: Tails
    form: TargetForm
    n_iter: int
    past: Past


def spawn_streams(random_state: np.random.RandomState) -> Streams:
    """The streams of a new network."""
    entropy = random_state.randint(0, 2**32, size=4, dtype=np.uint32)
    seeds = np.random.SeedSequence(entropy.tolist()).spawn(4)
    weights, rows, curvature, split = map(np.random.default_rng, seeds)
    return Streams(weights, rows, curvature, int(split.integers(2**31)))


def _values(record: Any) -> dict[str, Any]:
    return {entry.name: getattr(record, entry.name) for entry in fields(record)}
