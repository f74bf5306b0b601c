"""The recording of a fit: where descent was at some of its steps, and the page that plays it."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from skbackprop._core.network import are_finite
from skbackprop._core.objective import n_rows_of
from skbackprop._core.rows import Rows
from skbackprop._estimators.base import BaseBackprop
from skbackprop._estimators.check_parameters import check_integer
from skbackprop._estimators.recorder import Recorder, attached, without_recorders
from skbackprop.inspection._network_display import names_of
from skbackprop.inspection._page import Playable, Played
from skbackprop.inspection._step import FeatureScales, take_step, trace_step
from skbackprop.inspection._subject import check_kind, subject_of
from skbackprop.inspection._trace import StepTrace

# Smallest size of a feature scale in a trace.
_FADED = 1e-100


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
        Steps done before each frame. The last frame has the weights that the fit kept.
    kept_earlier : bool
        Whether these are earlier weights than those after the last step: the fit diverged, or the
        validation loss was lower before.
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
    feature_scales : ndarray of shape (n_frames, n_features) or None
        The scales of the inputs that a fit with `feature_penalty` has; None for other fits. See
        :ref:`feature_penalty`.
    scale_penalties : ndarray of shape (n_frames,) or None
        The strength of the penalty of these scales.

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
    kept_earlier: bool
    coefs: list[np.ndarray]
    intercepts: list[np.ndarray] | None
    losses: np.ndarray
    step_sizes: np.ndarray
    rows: list[Rows]
    feature_scales: np.ndarray | None = None
    scale_penalties: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        sizes = "-".join(str(coef.shape[2]) for coef in self.coefs)
        return (
            f"<FitRecording of a {self.coefs[0].shape[1]}-"
            f"{sizes} network: {self.steps[-1]:,} steps in {len(self)} frames>"
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
            The step that the fit took, as `trace_step` shows a step. If the fit has undone it, the
            next frame has earlier weights. Rows have their numbers in the data. The last frame is
            followed by no step of the fit: its trace shows one on the rows and of the size of the
            last step kept.
        """
        n_frames = len(self)
        frame = check_integer("frame", frame, minimum=-n_frames)
        if frame >= n_frames:
            raise ValueError(f"frame must be below {n_frames}, the number of frames; got {frame}.")
        rows, estimator, scales = self.rows[frame], self.estimator, None
        if self.feature_scales is not None and self.scale_penalties is not None:
            # A scale that has faded is no divisor, and has no weights that count.
            values = self.feature_scales[frame]
            values = np.where(np.abs(values) < _FADED, _FADED, values)
            scales = FeatureScales(values, float(self.scale_penalties[frame]))
            # With scales t the inputs (x − c) / s of the weights v are t (x − c) / s.
            estimator = copy.copy(estimator)
            estimator.input_scale_ = estimator.input_scale_ / values
        data = self.X, self.y, self.sample_weight
        subject = subject_of(
            estimator,
            *(None if part is None else _rows_of(part, rows) for part in data),
            coefs=[coef[frame] for coef in self.coefs],
            intercepts=self.intercepts and [b[frame] for b in self.intercepts],
        )
        trace = take_step(subject, float(self.step_sizes[frame]), scales)
        return replace(trace, rows=np.arange(np.shape(self.X)[0])[rows])

    def _played(self) -> Played:
        """What a page shows of it."""
        estimator = self.estimator
        last = trace_step(estimator, self.X, self.y, self.sample_weight)
        return Played(
            self.steps,
            self.losses,
            self.trace,
            last,
            self.kept_earlier,
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

    The estimator is fitted as by its `fit`: its weights are the same to the last bit, or with
    batches of a sparse `X` up to rounding. A recording is meant for small networks and few rows, of
    which a page can show every number.

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
    <FitRecording of a 1-1 network: 100 steps in 11 frames>
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
            f"{n_samples - recorder.n_rows} of them with a weight of 0."
        )
    is_weighted = data[2] is not None or getattr(fitted, "class_weight", None) is not None
    if is_weighted and any(n_rows_of(record.rows) < n_samples for record in recorder.records):
        # A trace divides by the weights of its rows, a step on a batch by those of all rows.
        raise ValueError(
            "batch_size must be 'full' in a recording with sample_weight or class_weight; got "
            f"batch_size={fitted.batch_size!r}."
        )
    records = [*recorder.records, recorder.end()] if ended else recorder.records
    frames = [(record, *recorder.network(record)) for record in records]
    # A descent that diverges leaves the range of floats.
    frames = [frame for frame in frames if are_finite(frame[1])]
    records, networks, losses = map(list, zip(*frames, strict=True))
    coefs, intercepts = (
        [
            np.array([layer[part] for layer in of_depth], float)
            for of_depth in zip(*networks, strict=True)
        ]
        for part in range(2)
    )
    scales, penalties = zip(*map(recorder.scales, records), strict=True)
    has_scales = scales[0] is not None
    return FitRecording(
        fitted,
        *data,
        steps=np.array([record.step for record in records]),
        kept_earlier=ended and recorder.kept_earlier,
        coefs=coefs,
        intercepts=intercepts if fitted.fit_intercept else None,
        losses=np.array(losses),
        step_sizes=np.array([record.step_size for record in records]),
        rows=[record.rows for record in records],
        feature_scales=np.array(scales, float) if has_scales else None,
        scale_penalties=np.array(penalties) if has_scales else None,
    )


def _rows_of(values: Any, rows: Rows) -> Any:
    """Rows of an array, a list or a data frame."""
    if hasattr(values, "tocsr"):
        values = values.tocsr()
    if isinstance(values, Sequence):
        values = np.asarray(values)
    return values.iloc[rows] if hasattr(values, "iloc") else values[rows]
