"""Keeps the parameters that the steps of a fit start from."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from skbackprop._core.descent import Differentiable, Epoch
from skbackprop._core.network import Layer
from skbackprop._core.rows import Rows
from skbackprop._estimators.callbacks import is_of_callbacks
from skbackprop._estimators.fitted_attributes import FittedAttributes


class StepRecord(NamedTuple):
    """Where a descent is before a step."""

    step: int
    """Steps done."""
    step_size: float
    rows: Rows
    """The rows of the step."""
    params: np.ndarray
    explained: float
    """The share of the first loss that is explained, by which feature scales have a penalty."""


class Recorder:
    """Keeps every so many steps of a fit.

    If there are more than `max_records`, it drops every second record and keeps half as many from
    then on.
    """

    def __init__(self, every: int, max_records: int) -> None:
        self.every = every
        self.n_steps = 0
        self.records: list[StepRecord] = []
        self.explained = 0.0
        self._max_records = max_records

    def around(self, objective: Differentiable, attributes: FittedAttributes) -> Differentiable:
        """The objective, whose steps are recorded."""
        self._objective, self._attributes = objective, attributes
        return _Recorded(objective, self)

    def note(self, params: np.ndarray, rows: Rows, step_size: float, update: np.ndarray) -> None:
        """Take note of a step. `params` is the array that the descent changes in place."""
        self._params, self._reached = params, params + update
        if self.n_steps % self.every == 0:
            # A copy, since rows in a random order are a view of those of the whole epoch.
            rows = rows if isinstance(rows, slice) else rows.copy()
            record = StepRecord(self.n_steps, step_size, rows, params.copy(), self.explained)
            self.records.append(record)
            if len(self.records) > self._max_records:
                del self.records[1::2]
                self.every *= 2
        self.n_steps += 1

    @property
    def n_rows(self) -> int:
        """Number of rows that are fitted."""
        return int(self._attributes.built.problem.data.X.shape[0])

    def end(self) -> StepRecord:
        """Where the descent has ended, with the rows and the size of the last step kept."""
        return self.records[-1]._replace(
            step=self.n_steps, params=self._params, explained=self.explained
        )

    @property
    def kept_earlier(self) -> bool:
        """Whether the descent has ended at other parameters than its last step led to."""
        return not np.array_equal(self._params, self._reached)

    def network(self, record: StepRecord) -> tuple[list[Layer], float]:
        """The network on raw X at a record, and its loss."""
        unit = self._attributes.built.problem.conditioning.loss_unit
        return self._attributes.layers(record.params), unit * self._loss(record)

    def scales(self, record: StepRecord) -> tuple[np.ndarray | None, float]:
        """The feature scales at a record and the strength of their penalty; None without them."""
        problem = self._attributes.built.problem
        if problem.scales is None:
            return None, 0.0
        scales = problem.scales.parts(record.params).s
        return scales[:, 0], problem.alpha * problem.scales.penalty * record.explained

    def fitted(self, record: StepRecord) -> dict[str, Any]:
        """The attributes of an estimator that is fitted up to a record."""
        loss = self._loss(record)
        epoch = Epoch(1, loss, loss, record.params, [loss], [record.step_size])
        return self._attributes.in_mid_fit(epoch)

    @np.errstate(over="ignore", invalid="ignore")
    def _loss(self, record: StepRecord) -> float:
        return self._objective.value(record.params)


def attach(estimator: Any, recorder: Recorder) -> None:
    """Let a recorder see the steps of the next fit."""
    vars(estimator).setdefault(_RECORDERS, []).append(recorder)


def detach(estimator: Any, recorder: Recorder) -> None:
    """Let it see no more."""
    recorders = vars(estimator).get(_RECORDERS, [])
    if recorder in recorders:
        recorders.remove(recorder)
    if not recorders:
        vars(estimator).pop(_RECORDERS, None)


def without_recorders(estimator: Any) -> Any:
    """A shallow copy without what a fit under way has on its estimator."""
    model = copy.copy(estimator)
    for name in list(vars(model)):
        if name == _RECORDERS or is_of_callbacks(name):
            delattr(model, name)
    return model


@contextmanager
def attached(estimator: Any, recorder: Recorder) -> Iterator[None]:
    """Let a recorder see the steps of a fit."""
    attach(estimator, recorder)
    try:
        yield
    finally:
        detach(estimator, recorder)


def recorded(
    estimator: Any, objective: Differentiable, attributes: FittedAttributes
) -> Differentiable:
    """The objective, whose steps the recorders of the estimator see."""
    for recorder in vars(estimator).get(_RECORDERS, ()):
        objective = recorder.around(objective, attributes)
    return objective


_RECORDERS = "_recorders"


class _Recorded(Differentiable):
    """An objective whose steps are recorded."""

    def __init__(self, objective: Differentiable, recorder: Recorder) -> None:
        self._objective = objective
        self._recorder = recorder

    def value(self, params: np.ndarray) -> float:
        return self._objective.value(params)

    def value_and_gradient(
        self, params: np.ndarray, rows: Rows, out: np.ndarray, scale: float = 1.0
    ) -> float:
        value = self._objective.value_and_gradient(params, rows, out, scale)
        # A gradient that is no step has a scale of 1.
        if scale < 0.0:
            self._recorder.note(params, rows, -scale, out)
        return value

    def set_explained(self, share: float) -> None:
        self._recorder.explained = share
        self._objective.set_explained(share)

    def further_penalty(self, params: np.ndarray) -> float:
        return self._objective.further_penalty(params)
