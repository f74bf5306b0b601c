"""Keeps the parameters that the steps of a fit start from."""

from typing import NamedTuple

import numpy as np

from skbackprop._core.descent import Differentiable
from skbackprop._core.network import Layer
from skbackprop._core.problem import Problem
from skbackprop._core.rows import Rows


class StepRecord(NamedTuple):
    """Where a descent is before a step."""

    step: int
    """Steps done."""
    step_size: float
    rows: Rows
    """The rows of the step."""
    params: np.ndarray


class Recorder:
    """Keeps every so many steps of a fit.

    If there are more than `max_records`, it drops every second record and keeps half as many from
    then on.
    """

    def __init__(self, every: int, max_records: int) -> None:
        self.every = every
        self.n_steps = 0
        self.records: list[StepRecord] = []
        self._max_records = max_records

    def around(self, objective: Differentiable, problem: Problem) -> Differentiable:
        """The objective, whose steps are recorded."""
        self._objective, self._problem = objective, problem
        return _Recorded(objective, self)

    def note(self, params: np.ndarray, rows: Rows, step_size: float) -> None:
        """Take note of a step."""
        if self.n_steps % self.every == 0:
            self.records.append(StepRecord(self.n_steps, step_size, rows, params.copy()))
            if len(self.records) > self._max_records:
                del self.records[1::2]
                self.every *= 2
        self.n_steps += 1

    @property
    def n_rows(self) -> int:
        """Number of rows that are fitted."""
        return int(self._problem.data.X.shape[0])

    def layers(self, record: StepRecord) -> list[Layer]:
        """The network on raw X."""
        problem = self._problem
        layers = problem.network.layers(problem.of_network(record.params))
        return problem.conditioning.to_raw(layers, problem.data.X.dtype)

    def loss(self, record: StepRecord) -> float:
        """The loss on all rows, in units of raw y."""
        return self._problem.conditioning.loss_unit * self._objective.value(record.params)


class _Recorded(Differentiable):
    """An objective whose steps are recorded."""

    def __init__(self, objective: Differentiable, recorder: Recorder) -> None:
        self._objective = objective
        self._note = recorder.note

    def value(self, params: np.ndarray) -> float:
        return self._objective.value(params)

    def value_and_gradient(
        self, params: np.ndarray, rows: Rows, out: np.ndarray, scale: float = 1.0
    ) -> float:
        # A gradient that is no step has a scale of 1.
        if scale < 0.0:
            self._note(params, rows, -scale)
        return self._objective.value_and_gradient(params, rows, out, scale)

    def set_explained(self, share: float) -> None:
        self._objective.set_explained(share)

    def further_penalty(self, params: np.ndarray) -> float:
        return self._objective.further_penalty(params)
