"""All that watches the descent of an estimator: validation, printer and callbacks."""

import numpy as np

from skbackprop._core.descent import Descent, Epoch
from skbackprop._core.rules import Status
from skbackprop._estimators.callbacks import EpochCallbacks
from skbackprop._estimators.reports import EpochPrinter
from skbackprop._estimators.validation import Validation


class Watchers:
    """All that watch a descent, as one `Watcher`."""

    def __init__(
        self,
        validation: Validation | None,
        printer: EpochPrinter | None,
        callbacks: EpochCallbacks | None,
    ) -> None:
        self.validation = validation
        self._callbacks = callbacks
        every = (validation, printer, callbacks)
        self._present = [watcher for watcher in every if watcher is not None]

    def start_from(self, params: np.ndarray, *, goes_on: bool) -> None:
        """Take fitted parameters for the best so far."""
        if self.validation is not None and goes_on:
            self.validation.start_from(params)

    def __call__(self, epoch: Epoch) -> Status | None:
        """Tell all of the epoch; the first status that one of them returns."""
        statuses = [watcher(epoch) for watcher in self._present]
        return next((status for status in statuses if status is not None), None)

    def chosen_params(self) -> np.ndarray | None:
        """The parameters of the best validation score."""
        return None if self.validation is None else self.validation.best_params

    def check(self, descent: Descent) -> None:
        """Refuse a validation that told nothing of any epoch."""
        lost = descent.status in (Status.DIVERGED, Status.INTERRUPTED)
        if self.validation is not None and not lost:
            self.validation.check_measured()

    def end(self) -> None:
        """Tell callbacks that the fit has ended."""
        if self._callbacks is not None:
            self._callbacks.end()
