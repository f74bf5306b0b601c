"""How a fit descends: the step size and the rules, from the settings and the problem."""

import numpy as np

from skbackprop._core import auto
from skbackprop._core.curvature import largest_curvature
from skbackprop._core.descent import Plan
from skbackprop._core.problem import Problem, Target
from skbackprop._core.rows import Batches
from skbackprop._core.rules import SCHEDULES, Plateau, VanishedGradient
from skbackprop._core.start import zero_params
from skbackprop._core.statistics import Spread
from skbackprop._estimators.build_problem import BuiltProblem, rows_a_batch, with_scales
from skbackprop._estimators.check_parameters import Settings
from skbackprop._estimators.past import Fitted, Search, Streams


def search_step(
    settings: Settings,
    built: BuiltProblem,
    params: np.ndarray,
    target: Target,
    stream: Fitted | None,
    streams: Streams,
) -> Search:
    """The largest curvature, if the step size is found by it.

    In a stream the last search holds until a scale has doubled or halved, or the objective is
    another.
    """
    if settings.learning_rate != "auto":
        return Search()
    problem = built.problem
    batch_size = rows_a_batch(settings, problem.data)
    conditioning = problem.conditioning
    scale = np.abs(np.concatenate([conditioning.input_scale, conditioning.target_scale]))
    depends_on = (
        target.form.loss,
        settings.fit_intercept,
        settings.reduction,
        settings.alpha,
        settings.feature_penalty,
        settings.conditioning,
        batch_size,
    )
    last = None if stream is None else stream.past.search
    if (
        last is not None
        and last.curvature is not None
        and last.depends_on == depends_on
        and not auto.scales_have_moved(scale, last.scale)
    ):
        return last
    start = with_scales(built, zero_params(problem, built.targets), goes_on=False)
    double = np.dtype(np.float64)
    smoothed = problem.loss.smoothed(SmallestDeviation(problem))
    objective = problem._replace(loss=smoothed, precision=double).objective(batch_size)
    curvature = largest_curvature(objective, params.astype(double), streams.curvature, start)
    return Search(curvature, scale, depends_on)


class SmallestDeviation:
    """The smallest deviation of the conditioned targets, computed when it is asked for."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    def __call__(self) -> float:
        data = self._problem.data
        targets = self._problem.conditioning.conditioned_targets(data.values)
        return float(Spread.of(targets, data.sample_weight, quartiles=True).deviation().min())


def plan_descent(
    settings: Settings,
    built: BuiltProblem,
    search: Search,
    fitted: Fitted | None,
    streams: Streams,
    *,
    partial: bool,
) -> Plan:
    """Step size, schedule, batches and the rules for an early end.

    The end of a stream is not known, so "linear" and "adaptive" act there as "constant".
    """
    problem = built.problem
    n_rows = problem.data.X.shape[0]
    batch_size = rows_a_batch(settings, problem.data)
    batches = Batches(n_rows, batch_size, streams.rows if settings.shuffle else None)
    of_labels, max_iter = settings.loss == "log_loss", 1
    if not partial:
        max_iter = auto.max_iter(settings.max_iter, n_rows, len(batches), of_labels=of_labels)
    kind = settings.schedule
    if partial and kind in ("linear", "adaptive"):
        kind = "constant"
    step_size = settings.learning_rate
    if search.curvature is not None:
        step_size = auto.step_size(search.curvature, in_stream=partial)
    vanished = plateau = None
    if settings.tol is not None and not partial:
        earlier = 0.0 if fitted is None else fitted.past.first_gradient
        vanished = VanishedGradient(settings.tol, earlier)
        if not settings.early_stopping:
            plateau = Plateau(settings.tol, settings.n_iter_no_change)
    return Plan(
        step_size=float(step_size),
        schedule=SCHEDULES[kind](max_iter),
        batches=batches,
        max_iter=max_iter,
        retry=settings.learning_rate == "auto" and not partial,
        smooth=problem.loss.smooth,
        first_epoch=fitted.n_iter if fitted is not None and partial else 0,
        margin=auto.margin(goes_on=fitted is not None, partial=partial),
        reference_loss=0.0
        if fitted is None
        else fitted.past.first_loss / problem.conditioning.loss_unit,
        vanished=vanished,
        plateau=plateau,
    )
