"""The gradient of backpropagation compared with differences of the objective."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from skbackprop._core.network import Network
from skbackprop._core.objective import ObjectiveOfRows
from skbackprop._estimators.check_parameters import check_integer, check_number, check_seed
from skbackprop._estimators.problem_at import ProblemAt
from skbackprop.inspection._rendering import Printed, Report, Table, frame_of
from skbackprop.inspection._subject import subject_of

# The first difference moves the weighted sums by up to this, each next one by half as much.
_FIRST_MOVE = 0.5
_DIFFERENCES = 16
# The search for a better difference ends at this estimated relative error.
_GOOD_ENOUGH = 1e-12
_EPSILON = float(np.finfo(float).eps)
# An error is relative to the derivative, or to this if it is larger, in units of J over the first
# step. The rounding of J is 1e-14 of it; a wrong derivative has a far larger error.
_SMALLEST_SHARE = 0.01
# The smallest difference of the derivatives at the two sides of a kink, in the same units.
_SMALLEST_KINK = 1e-8


class CheckedWeight(NamedTuple):
    """A weight, its derivatives by backpropagation and by differences, and their difference."""

    name: str
    analytic: float
    numeric: float
    relative_error: float
    at_kink: bool


@dataclass(frozen=True, repr=False)
class GradientCheck(Printed):
    """The result of `check_gradient`. Print it.

    The parameters are also its attributes.

    Parameters
    ----------
    weights : list of CheckedWeight
        The checked weights. Each has a `name`, as in ``coefs[0][3, 2]``; its derivative by
        backpropagation, `analytic`, and by differences, `numeric`; their difference relative to the
        larger of them, `relative_error`; and `at_kink`, whether J has a kink there.
    n_weights : int
        Number of weights of the network.
    tolerance : float
        Largest relative error that passes.
    value : float
        The objective at the weights, in the coordinates of the descent.
    conditions : bool
        Whether the derivatives are by the weights in conditioned coordinates.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skbackprop import BackpropClassifier
    >>> from skbackprop.inspection import check_gradient
    >>> X, y = load_iris(return_X_y=True)
    >>> model = BackpropClassifier(hidden_layer_sizes=5, max_iter=10, random_state=0).fit(X, y)
    >>> check = check_gradient(model, X, y)
    >>> bool(check.worst.relative_error < check.tolerance)
    True
    """

    weights: list[CheckedWeight]
    n_weights: int
    tolerance: float
    value: float
    conditions: bool

    @property
    def worst(self) -> CheckedWeight:
        """The weight with the largest relative error. Weights at a kink are the last choice."""
        smooth = [weight for weight in self.weights if not weight.at_kink]
        return max(smooth or self.weights, key=lambda weight: weight.relative_error)

    @property
    def kinks(self) -> list[str]:
        """Names of the weights at which J has a kink."""
        return [weight.name for weight in self.weights if weight.at_kink]

    @property
    def passed(self) -> bool:
        """Whether no error is above the tolerance. Weights at a kink do not count."""
        return self.worst.at_kink or self.worst.relative_error <= self.tolerance

    def __repr__(self) -> str:
        worst = self.worst
        return (
            f"<GradientCheck {'passed' if self.passed else 'failed'}: {worst.name} has "
            f"{worst.analytic:.12g} by backpropagation, {worst.numeric:.12g} by differences, "
            f"relative error {worst.relative_error:.2g}>"
        )

    def to_frame(self) -> Any:
        """The checked weights as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            Its columns are "analytic", "numeric", "relative_error" and "at_kink"; its index is
            "name".
        """
        return frame_of([weight._asdict() for weight in self.weights]).set_index("name")

    def _report(self) -> Report:
        n_checked, worst = len(self.weights), self.worst
        checked = f"{self.n_weights:,} weights"
        if n_checked < self.n_weights:
            checked = f"a random {n_checked:,} of {checked}"
        where = ", in conditioned coordinates" * self.conditions
        verdict, sign = ("passed", "<=") if self.passed else ("FAILED", ">")
        n_wrong = sum(
            not weight.at_kink and not weight.relative_error <= self.tolerance
            for weight in self.weights
        )
        failures = f"{n_wrong:,} of them above the tolerance.\n" * bool(n_wrong)
        lines = [
            ["by backpropagation", f"{worst.analytic:.15g}"],
            ["by differences", f"{worst.numeric:.15g}"],
        ]
        parts: list[str | Table] = [
            f"Gradient check {verdict}: {checked}{where}\n{failures}"
            f"Largest relative error {worst.relative_error:.2g} {sign} tolerance "
            f"{self.tolerance:.2g}",
            Table(f"The worst, {worst.name}", [r"$\frac{\partial J}{\partial w}$", ""], lines),
        ]
        if self.kinks:
            names = ", ".join(self.kinks[:5]) + ", …" * (len(self.kinks) > 5)
            parts.append(
                f"At {len(self.kinks):,} weights J has a kink, and no derivative (a relu at "
                f"0): {names}"
            )
        return parts


@np.errstate(over="ignore", under="ignore")
def check_gradient(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    coefs: Any = None,
    intercepts: Any = None,
    tolerance: float = 1e-8,
    n_weights: int | None = 200,
    random_state: int | np.random.RandomState | None = 0,
    classes: Any = None,
) -> GradientCheck:
    """Compare the gradient of backpropagation with differences of the objective.

    The check is at the weights of a fitted estimator or at given weights, on all rows at once, in
    float64. The derivatives are those of the descent: with conditioning, they are by the weights in
    conditioned coordinates. The estimator is not changed.

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropRegressor
        The estimator. If it is not fitted, the check is at `coefs` or at its random initial
        weights.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Inputs.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.
    coefs : sequence of array-like, default=None
        Weights to check at, with the shapes of `coefs_`.
    intercepts : sequence of array-like, default=None
        Intercepts to check at, with the shapes of `intercepts_`.
    tolerance : float, default=1e-8
        Largest relative error that passes. Correct derivatives have errors of 1e-10 and less; the
        error of a wrong one is as large as itself.
    n_weights : int or None, default=200
        Largest number of weights to check; None for all. If the network has more, they are drawn
        at random. Each weight costs some twenty passes over the rows.
    random_state : int, RandomState instance or None, default=0
        Determines the random weights.
    classes : array-like of shape (n_classes,), default=None
        All labels, for an unfitted classifier and rows that lack some of them.

    Returns
    -------
    check : GradientCheck
        Whether it `passed`, and the `worst` weight with its derivative in both ways. Print it.

    See Also
    --------
    trace_step : All numbers of a step.

    Notes
    -----
    The numeric derivative is (J(w + h) − J(w − h)) / 2h for shorter and shorter h, extrapolated to
    h = 0. The extrapolation that agrees best with those of lower order and longer h is taken [1]_.
    The error is relative to the larger of the two derivatives. It is relative to J / 100 over the
    first h if that is larger, so that the rounding of J does not matter.

    J can have a kink at a weight, as a relu has at 0. There the derivatives from the two sides
    differ, however short h is. Such weights are reported, but do not fail the check.

    References
    ----------
    .. [1] C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in
       Engineering Software 4, 1982.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skbackprop import BackpropClassifier
    >>> from skbackprop.inspection import check_gradient
    >>> X, y = load_iris(return_X_y=True)
    >>> model = BackpropClassifier(hidden_layer_sizes=5, max_iter=10, random_state=0).fit(X, y)
    >>> check_gradient(model, X, y).passed
    True
    """
    tolerance = check_number("tolerance", tolerance, positive=True)
    if n_weights is not None:
        n_weights = check_integer("n_weights", n_weights, minimum=1)
    rng = check_seed(random_state)
    subject = subject_of(
        estimator, X, y, sample_weight, coefs=coefs, intercepts=intercepts, classes=classes
    )
    params, objective = subject.params, subject.objective
    gradient = np.empty_like(params)
    value = objective.value_and_gradient(params, subject.rows, gradient)
    places = np.arange(len(params))
    if n_weights is not None and n_weights < len(params):
        places = np.sort(rng.choice(places, n_weights, replace=False))
    names, first_steps = _names(subject.network), _first_steps(subject)
    weights = []
    for place in places.tolist():
        along = partial(_value, objective, params, place)
        backward, first_step = float(gradient[place]), float(first_steps[place])
        weights.append(_checked(names[place], backward, along, first_step, value, tolerance))
    return GradientCheck(weights, len(params), tolerance, value, subject.conditions)


def _names(network: Network) -> list[str]:
    """The names of the parameters, in the order of the flat vector."""
    shapes = list(enumerate(network.shapes))
    names = [f"coefs[{depth}][{i}, {j}]" for depth, shape in shapes for i, j in np.ndindex(shape)]
    if network.fit_intercept:
        names += [f"intercepts[{depth}][{j}]" for depth, (_, size) in shapes for j in range(size)]
    return names


def _first_steps(subject: ProblemAt) -> np.ndarray:
    """For each parameter the change that moves its weighted sums by at most the first move."""
    network, params = subject.network, subject.params
    buffers = network.buffers(subject.n_rows, params.dtype)
    X = subject.objective.inputs[subject.rows]
    network.forward(network.layers(params), X, buffers)
    steps = np.full_like(params, _FIRST_MOVE)
    for depth, layer in enumerate(network.layers(steps)):
        sizes = np.abs(buffers.outputs[depth - 1]).max(axis=0) if depth else _input_sizes(subject)
        layer.coef[...] /= np.maximum(sizes, 1.0)[:, np.newaxis]
    return steps


def _input_sizes(subject: ProblemAt) -> np.ndarray:
    """The largest absolute value of each conditioned input."""
    X, conditioning = subject.X, subject.conditioning
    ends = X.max(axis=0), X.min(axis=0)
    low_and_high = [end if isinstance(X, np.ndarray) else end.toarray().ravel() for end in ends]
    tamed = conditioning.tails.tamed(np.array(low_and_high))
    distances = np.abs(tamed - conditioning.input_shift)
    return distances.max(axis=0) / np.abs(conditioning.input_scale)


def _value(objective: ObjectiveOfRows, params: np.ndarray, place: int, change: float) -> float:
    """J after the change of one parameter."""
    moved = params.copy()
    moved[place] += change
    return objective.value(moved)


def _checked(
    name: str,
    analytic: float,
    along: Callable[[float], float],
    first_step: float,
    value: float,
    tolerance: float,
) -> CheckedWeight:
    largest = max(abs(value), abs(along(first_step)), abs(along(-first_step)))
    unit = largest / first_step
    numeric = _derivative(along, first_step, _SMALLEST_SHARE * unit, _EPSILON * largest)
    size = max(abs(analytic), abs(numeric), _SMALLEST_SHARE * unit)
    error = abs(analytic - numeric) / size if size > 0.0 else 0.0
    error = error if math.isfinite(error) else math.inf
    at_kink = error > tolerance and _has_kink(along, first_step, value, _SMALLEST_KINK * unit)
    return CheckedWeight(name, analytic, numeric, error, at_kink)


def _derivative(
    along: Callable[[float], float], step: float, smallest: float, rounding: float
) -> float:
    """The derivative at 0 by central differences, extrapolated to a step of 0.

    The error of a difference is a series in step². Each column of the table removes one more term
    (Richardson). The estimated error of an entry is the larger of its distances from the entry
    beside it and the entry above it, because one may be near by chance, plus the rounding error.
    """
    best, least_error = math.nan, math.inf
    before: list[float] = []
    for _ in range(_DIFFERENCES):
        line = [(along(step) - along(-step)) / (2.0 * step)]
        for column, coarser in enumerate(before):
            factor = 4.0 ** (column + 1)
            line.append((factor * line[column] - coarser) / (factor - 1.0))
        for column in range(1, len(before)):
            entry = line[column]
            error = max(abs(entry - line[column - 1]), abs(entry - before[column]))
            error += rounding / step
            if error <= least_error:
                best, least_error = entry, error
        if least_error <= _GOOD_ENOUGH * max(abs(best), smallest):
            break
        before = line
        step *= 0.5
    return best


def _has_kink(
    along: Callable[[float], float], first_step: float, value: float, smallest: float
) -> bool:
    """Whether the derivatives from the two sides differ, for the shortest step and twice it."""

    def jump(step: float) -> float:
        return abs((along(step) - value) - (value - along(-step))) / step

    step = first_step * 0.5**_DIFFERENCES
    # The jump of a smooth J is step · J'', which halves with the step.
    return jump(step) > max(smallest, 0.75 * jump(2.0 * step))
