"""Keeps the parameters that the steps of a fit start from."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from skbackprop._core.descent import Differentiable, Epoch
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

    def around(self, objective: Differentiable, attributes: FittedAttributes) -> Differentiable:
        """The objective, whose steps are recorded."""
        self._objective, self._attributes = objective, attributes
        return _Recorded(objective, self)

    def note(self, params: np.ndarray, rows: Rows, step_size: float) -> None:
        """Take note of a step."""
        if self.n_steps % self.every == 0:
            # A copy, since rows in a random order are a view of those of the whole epoch.
            rows = rows if isinstance(rows, slice) else rows.copy()
            self.records.append(StepRecord(self.n_steps, step_size, rows, params.copy()))
            if len(self.records) > self._max_records:
                del self.records[1::2]
                self.every *= 2
        self.n_steps += 1

    @property
    def n_rows(self) -> int:
        """Number of rows that are fitted."""
        return int(self._attributes.built.problem.data.X.shape[0])

    def fitted(self, record: StepRecord) -> dict[str, Any]:
        """The attributes of an estimator that is fitted up to a record."""
        with np.errstate(over="ignore", invalid="ignore"):
            loss = self._objective.value(record.params)
        epoch = Epoch(1, loss, loss, record.params, [loss], [record.step_size])
        return self._attributes.in_mid_fit(epoch)


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
