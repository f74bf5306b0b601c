"""The recording of a fit: where descent was at some of its steps, and the page that plays it."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from skbackprop._core.objective import n_rows_of
from skbackprop._core.rows import Rows
from skbackprop._estimators.base import BaseBackprop
from skbackprop._estimators.check_parameters import check_integer
from skbackprop._estimators.recorder import Recorder, attached, without_recorders
from skbackprop.inspection._network_display import names_of
from skbackprop.inspection._page import Playable, Played
from skbackprop.inspection._step import trace_step
from skbackprop.inspection._subject import check_kind
from skbackprop.inspection._trace import StepTrace


@dataclass(frozen=True, eq=False, repr=False)
class FitRecording(Playable):
    """Where a fit was before some of its steps, as `record_fit` returns it.

    Show it in a notebook, or write a page with `to_html`. The page plays the descent: it draws the
    network, the loss and the predictions at each frame, and writes out the chain rule at a weight.
    `trace` has the same numbers in Python. The parameters are also attributes.

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropRegressor
        The estimator as it was after the fit.
    X, y, sample_weight : array-like
        The data of the fit.
    steps : ndarray of shape (n_frames,)
        Steps done before each frame. The last frame is that of the fitted weights.
    coefs : list of ndarray of shape (n_frames, fan_in, fan_out)
        For each layer, the weights of each frame, of the network on raw `X`.
    intercepts : list of ndarray of shape (n_frames, fan_out), or None
        The same for the intercepts; None without intercepts.
    losses : ndarray of shape (n_frames,)
        The loss on all rows, in units of raw `y`.
    step_sizes : ndarray of shape (n_frames,)
        The size of the step after each frame. In the last frame, that of the last step kept.
    rows : list of slice or ndarray
        For each frame, the rows of the step after it. In the last frame, those of the last step
        kept.

    See Also
    --------
    record_fit : Fit and record.
    trace_step : All numbers of one step.
    """

    estimator: BaseBackprop
    X: Any
    y: Any
    sample_weight: Any
    steps: np.ndarray
    coefs: list[np.ndarray]
    intercepts: list[np.ndarray] | None
    losses: np.ndarray
    step_sizes: np.ndarray
    rows: list[Rows]

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        sizes = "-".join(str(coef.shape[2]) for coef in self.coefs)
        return (
            f"<FitRecording of a {self.coefs[0].shape[1]}-"
            f"{sizes} network: {len(self)} frames of {self.steps[-1]:,} steps>"
        )

    def trace(self, frame: int) -> StepTrace:
        """Trace the step after a frame, with all its numbers.

        Parameters
        ----------
        frame : int
            Number of the frame from 0; negative ones count from the last.

        Returns
        -------
        trace : StepTrace
            What `trace_step` finds at the weights of the frame, on the rows and at the size of the
            step.
        """
        n_frames = len(self)
        frame = check_integer("frame", frame, minimum=-n_frames)
        if frame >= n_frames:
            raise ValueError(f"frame must be below {n_frames}, the number of frames; got {frame}.")
        rows = self.rows[frame]
        intercepts = self.intercepts
        return trace_step(
            self.estimator,
            _rows_of(self.X, rows),
            _rows_of(self.y, rows),
            None if self.sample_weight is None else _rows_of(self.sample_weight, rows),
            coefs=[coef[frame] for coef in self.coefs],
            intercepts=None if intercepts is None else [b[frame] for b in intercepts],
            learning_rate=float(self.step_sizes[frame]),
        )

    def _played(self) -> Played:
        """What a page shows of it."""
        estimator = self.estimator
        last = trace_step(estimator, self.X, self.y, self.sample_weight)
        return Played(
            self.steps,
            self.losses,
            self.trace,
            last,
            names_of(estimator),
            classifies=is_classifier(estimator),
            multilabel=estimator._form["multilabel"],
        )


def record_fit(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    every: int = 1,
    max_frames: int = 256,
    **fit_params: Any,
) -> FitRecording:
    """Fit an estimator, and keep its weights before some of the steps.

    The estimator is fitted as by its `fit`: its weights are the same to the last bit. A recording
    is meant for small networks and few rows, of which a page can show every number.

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropRegressor
        The estimator to fit. `early_stopping` must be False.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Inputs.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    every : int, default=1
        Keep the first step and every so many of those after it.
    max_frames : int, default=256
        Largest number of steps kept. Whenever there are more, every second one is dropped, and
        from then on half as many are kept. The fitted weights make one more frame.
    **fit_params : dict
        Passed to `fit`, as `sample_weight`, `coefs_init` and `intercepts_init`.

    Returns
    -------
    recording : FitRecording
        Its arrays `steps`, `coefs`, `intercepts`, `losses` and `step_sizes` have a value for each
        frame. It shows in a notebook; `to_html` writes a page.

    Raises
    ------
    TypeError
        If `estimator` is not one of this package, or its rows are not in memory.
    ValueError
        If `early_stopping` is True, if rows have a weight of 0, or if rows have weights and are
        fitted in batches.

    See Also
    --------
    LiveView : A callback that draws the view while the estimator learns.
    trace_step : All numbers of one step.

    Notes
    -----
    A step is what descent takes on one batch. A step that explodes is undone if the estimator
    chooses its step size. The next frame then goes on from earlier weights with half the step size.

    Examples
    --------
    >>> from skbackprop import BackpropRegressor
    >>> from skbackprop.inspection import record_fit
    >>> neuron = BackpropRegressor(
    ...     (), conditioning=None, alpha=0, learning_rate=0.1, max_iter=100, tol=None,
    ...     learning_rate_schedule="constant",
    ... )
    >>> recording = record_fit(neuron, [[2.0]], [4.0], every=10, coefs_init=[[[1.0]]])
    >>> recording
    <FitRecording of a 1-1 network: 11 frames of 100 steps>
    >>> recording.coefs[0].shape, float(recording.losses[0])
    ((11, 1, 1), 2.0)
    >>> page = recording.to_html()
    """
    check_recordable(estimator)
    every = check_integer("every", every, minimum=1)
    recorder = Recorder(every, check_integer("max_frames", max_frames, minimum=2))
    with attached(estimator, recorder):
        estimator.fit(X, y, **fit_params)
    data = copy.deepcopy((X, y, fit_params.get("sample_weight")))
    return recording_of(recorder, without_recorders(estimator), data)


def check_recordable(estimator: Any) -> None:
    """Raise unless the steps of the estimator can be recorded."""
    check_kind(estimator)
    if hasattr(estimator, "to_local"):
        raise TypeError(
            "estimator must be a BackpropClassifier or a BackpropRegressor, whose rows are in "
            f"memory; got {type(estimator).__name__}."
        )
    if estimator.early_stopping:
        raise ValueError(
            "estimator must have early_stopping=False: a recording has all rows of its steps; got "
            f"{estimator.early_stopping!r}. X_val and y_val of fit may be given."
        )


def recording_of(
    recorder: Recorder, fitted: BaseBackprop, data: tuple[Any, Any, Any], *, ended: bool = True
) -> FitRecording:
    """What a recorder has of a fit, and the fitted weights. `data` are X, y and sample_weight.

    A fit that has not `ended` is recorded up to its last record, whose weights `fitted` has.
    """
    n_samples = np.shape(data[0])[0]
    if recorder.n_rows != n_samples:
        raise ValueError(
            f"sample_weight and class_weight must be above 0 in a recording; got {n_samples} rows, "
            f"of which {n_samples - recorder.n_rows} have a weight of 0."
        )
    is_weighted = data[2] is not None or getattr(fitted, "class_weight", None) is not None
    if is_weighted and any(n_rows_of(record.rows) < n_samples for record in recorder.records):
        # A trace divides by the weights of its rows, a step on a batch by those of all rows.
        raise ValueError(
            "batch_size must be 'full' in a recording with sample_weight or class_weight; got "
            f"batch_size={fitted.batch_size!r}."
        )
    records, n_steps = recorder.records, recorder.n_steps
    if not ended:
        *records, last = records
        n_steps = last.step
    records = [record for record in records if np.isfinite(record.params).all()]
    frames = [*map(recorder.fitted, records), vars(fitted)]
    coefs, intercepts = (
        [np.array(arrays, np.float64) for arrays in zip(*(f[name] for f in frames), strict=True)]
        for name in ("coefs_", "intercepts_")
    )
    return FitRecording(
        fitted,
        *data,
        steps=np.array([*(record.step for record in records), n_steps]),
        coefs=coefs,
        intercepts=intercepts if fitted.fit_intercept else None,
        losses=np.array([frame["loss_"] for frame in frames]),
        step_sizes=np.array([record.step_size for record in (*records, records[-1])]),
        rows=[record.rows for record in (*records, records[-1])],
    )


def _rows_of(values: Any, rows: Rows) -> Any:
    """Rows of an array, a list or a data frame."""
    if hasattr(values, "tocsr"):
        values = values.tocsr()
    if isinstance(values, Sequence):
        values = np.asarray(values)
    return values.iloc[rows] if hasattr(values, "iloc") else values[rows]
