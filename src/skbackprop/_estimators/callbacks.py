"""scikit-learn's callbacks, where it has them (from 1.9 on)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from skbackprop._core.descent import Epoch
from skbackprop._core.rules import Status
from skbackprop._estimators.check_data import GivenRows

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """What has no callbacks."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method as it is."""
        return method


__all__ = [
    "CallbackSupportMixin",
    "EpochCallbacks",
    "handing_down",
    "is_of_callbacks",
    "with_callbacks",
]


def is_of_callbacks(name: str) -> bool:
    """Whether an attribute of an estimator is what scikit-learn keeps of its callbacks."""
    return name.startswith(("_skl_callbacks", "_callback_fit_ctx", "_parent_callback_ctx"))


class EpochCallbacks:
    """Calls the callbacks of an estimator around each of at most `max_iter` epochs of its fit.

    ``attributes(epoch)`` returns the attributes of the estimator as if fitted for the epochs done.
    """

    def __init__(
        self,
        estimator: Any,
        max_iter: int,
        attributes: Callable[[Epoch], dict[str, Any]],
        given: GivenRows,
    ) -> None:
        self._estimator = estimator
        self._max_iter = max_iter
        self._attributes = attributes
        weight = given.sample_weight
        metadata = None if weight is None else {"sample_weight": weight}
        self._data = {"X": given.X, "y": given.y, "metadata": metadata}
        self._fit = estimator._init_callback_context(max_subtasks=max_iter)
        self._fit.call_on_fit_task_begin(estimator=estimator, **self._data)
        self._epoch = self._begin_epoch()

    def _begin_epoch(self) -> Any:
        epoch = self._fit.subcontext(task_name="epoch")
        return epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def __call__(self, epoch: Epoch) -> Status | None:
        """End one epoch and begin another; whether a callback asks for an end."""
        stop = self._epoch.call_on_fit_task_end(
            estimator=self._estimator,
            **self._data,
            reconstruction_attributes=lambda: self._model_of(epoch),
        )
        self._epoch = None
        if stop:
            return Status.STOPPED
        if epoch.number < self._max_iter:
            self._epoch = self._begin_epoch()
        return None

    def _model_of(self, epoch: Epoch) -> dict[str, Any] | None:
        """What makes a copy of the estimator a fitted one; None if the weights are lost."""
        try:
            return self._attributes(epoch)
        except ValueError:
            # They have left the range of floats, from where descent may yet go back.
            return None

    def end(self) -> None:
        """Tell that the fit has ended; the estimator has its fitted attributes."""
        if self._epoch is not None:
            # An epoch that was begun and came to nothing.
            self._epoch.call_on_fit_task_end(estimator=self._estimator, **self._data)
        self._fit.call_on_fit_task_end(
            estimator=self._estimator, **self._data, reconstruction_attributes={}
        )


@contextmanager
def handing_down(estimator: Any, part: Any, X: Any, y: Any) -> Iterator[None]:
    """Call the callbacks of an estimator around its fit; `part`, which it fits, calls them, too."""
    if not hasattr(estimator, "_init_callback_context"):
        yield
        return
    data = {"estimator": estimator, "X": X, "y": y}
    context = estimator._init_callback_context(max_subtasks=1).call_on_fit_task_begin(**data)
    of_part = context.subcontext(task_name="fit-estimator")
    with of_part.propagate_callback_context(part):
        of_part.call_on_fit_task_begin(**data)
        yield
        of_part.call_on_fit_task_end(**data)
    context.call_on_fit_task_end(**data, reconstruction_attributes={})
