"""A callback that draws a fit while it runs."""

import copy
import math
import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

from skbackprop._estimators.check_parameters import check_integer, check_number
from skbackprop._estimators.recorder import Recorder, attach, detach, without_recorders
from skbackprop._estimators.stacklevel import level_of_caller
from skbackprop.inspection._page import as_iframe, page_of
from skbackprop.inspection._recording import FitRecording, check_recordable, recording_of

# Share of the time of a fit that drawing may take.
_SHARE = 0.2


class LiveView:
    """A callback that draws a fit while it runs, in a notebook.

    It shows the view of a `FitRecording`, which has the steps so far, and draws it again as the fit
    goes on. The last view stays. Between two drawings it waits so long that drawing takes at most a
    fifth of the time. The fitted weights are those of a fit without it.

    It needs scikit-learn 1.9 or later, which has callbacks, and a small network. `early_stopping`
    of the estimator must be False.

    Parameters
    ----------
    seconds : float, default=1.0
        Time between two drawings, at least.
    max_frames : int, default=32
        Largest number of steps in the view. Whenever there are more, every second one is dropped.
    show : callable, default=None
        Called with the view as HTML at each drawing. None shows it in the notebook, which needs
        IPython.

    Attributes
    ----------
    recording_ : FitRecording
        The recording of the fit, once it has ended.

    See Also
    --------
    record_fit : Fit, and record more steps.

    Examples
    --------
    >>> from skbackprop import BackpropRegressor
    >>> from skbackprop.inspection import LiveView
    >>> views = []
    >>> neuron = BackpropRegressor((), max_iter=20, random_state=0)
    >>> if hasattr(neuron, "set_callbacks"):
    ...     live = LiveView(show=views.append)
    ...     neuron = neuron.set_callbacks(live).fit([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0])
    """

    def __init__(
        self,
        *,
        seconds: float = 1.0,
        max_frames: int = 32,
        show: Callable[[str], Any] | None = None,
    ) -> None:
        self.seconds = float(check_number("seconds", seconds, positive=True))
        self.max_frames = check_integer("max_frames", max_frames, minimum=2)
        if show is not None and not callable(show):
            raise TypeError(f"show must be callable or None; got {show!r}.")
        self.show = show

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin to record.

        Parameters
        ----------
        estimator : BackpropClassifier or BackpropRegressor
            The estimator.
        context : sklearn.callback.CallbackContext
            The context of the fit.
        """
        vars(self).pop("recording_", None)
        check_recordable(estimator)
        recorder = Recorder(1, self.max_frames)
        self._running: dict[int, Recorder] = getattr(self, "_running", {})
        self._running[id(estimator)] = recorder
        self._show = _notebook() if self.show is None else self.show
        attach(estimator, recorder)
        self._due = perf_counter() + self.seconds

    def teardown(self, estimator: Any, context: Any) -> None:
        """End to record, also if `setup` failed.

        Parameters
        ----------
        estimator : BackpropClassifier or BackpropRegressor
            The estimator.
        context : sklearn.callback.CallbackContext
            The context of the fit.
        """
        recorder = getattr(self, "_running", {}).pop(id(estimator), None)
        if recorder is not None:
            detach(estimator, recorder)
        if not getattr(self, "_running", {}):
            vars(self).pop("_running", None)
            vars(self).pop("_show", None)

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing.

        Parameters
        ----------
        estimator : BackpropClassifier or BackpropRegressor
            The estimator.
        context : sklearn.callback.CallbackContext
            The context of the fit or of an epoch.
        """

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, X: Any = None, y: Any = None, metadata: Any = None
    ) -> None:
        """Draw after an epoch, if it is time, and after the fit.

        Parameters
        ----------
        estimator : BackpropClassifier or BackpropRegressor
            The estimator.
        context : sklearn.callback.CallbackContext
            The context of the fit or of an epoch.
        X, y : array-like
            The data of the fit.
        metadata : dict
            The `sample_weight`, if there is one.
        """
        is_last = context.task_name != "epoch"
        start = perf_counter()
        recorder = self._running[id(estimator)]
        due = is_last or start >= self._due
        if len(recorder.records) < 2 - is_last or self._due == math.inf or not due:
            return
        data = X, y, (metadata or {}).get("sample_weight")
        fitted = without_recorders(estimator)
        if not is_last:
            vars(fitted).update(recorder.fitted(recorder.records[-1]))
        try:
            recording = recording_of(recorder, fitted, copy.deepcopy(data), ended=is_last)
            self._show(as_iframe(page_of([recording._played()], at_end=True)))
        except Exception as error:
            # The fit is worth more than its picture.
            self._due = math.inf
            message = f"LiveView cannot draw the fit: {error}"
            warnings.warn(message, UserWarning, stacklevel=level_of_caller())
            return
        end = perf_counter()
        self._due = end + max(self.seconds, (end - start) * (1.0 / _SHARE - 1.0))
        if is_last:
            self.recording_: FitRecording = recording


def _notebook() -> Callable[[str], Any]:
    """What shows HTML in a notebook, always in the same place."""
    try:
        from IPython.display import HTML, display
    except ImportError as error:
        raise ImportError(
            "LiveView needs IPython, unless show is given: pip install ipython."
        ) from error
    handle = display(HTML(""), display_id=True)

    def show(view: str) -> None:
        if handle is not None:
            handle.update(HTML(view))

    return show
