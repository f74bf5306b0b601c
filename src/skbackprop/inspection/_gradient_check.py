"""The gradient of backpropagation held against differences of the objective."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skbackprop._core.network import Network
from skbackprop._core.objective import ObjectiveOfRows
from skbackprop._estimators.check_parameters import check_integer, check_number, check_seed
from skbackprop.inspection._rendering import Report, Table, as_html, frame_of, text
from skbackprop.inspection._subject import Subject, subject_of

# The first difference moves the weighted sums of a unit by up to this; each next one by half.
_FIRST_MOVE = 0.5
_DIFFERENCES = 16
# The estimated error at which no shorter difference is needed, relative to what errors are.
_GOOD_ENOUGH = 1e-12
_EPSILON = float(np.finfo(float).eps)
# An error is relative to the derivative, or to this if it is more, in units of J over the first
# step: the rounding of J is 1e-14 of it, and a derivative that is wrong is far more.
_SMALLEST_SHARE = 0.01
# By how much the derivatives from two sides of a kink differ at least, in the same units.
_SMALLEST_KINK = 1e-8


class CheckedWeight(NamedTuple):
    """A weight and its derivative found in two ways."""

    name: str
    analytic: float
    numeric: float
    relative_error: float
    at_kink: bool


@dataclass(frozen=True, repr=False)
class GradientCheck:
    """What `check_gradient` found.

    Print it. What it is made of are its attributes, and more follows from that.

    Parameters
    ----------
    weights : list of CheckedWeight
        All that were checked, each with `name`, `analytic`, `numeric`, `relative_error` and
        `at_kink`.
    n_weights : int
        Number of weights of the network.
    tolerance : float
        Largest relative error that passes.
    value : float
        The objective at the weights, in the coordinates of the descent.
    conditions : bool
        Whether the derivatives are by the weights of conditioned coordinates.
    """

    weights: list[CheckedWeight]
    n_weights: int
    tolerance: float
    value: float
    conditions: bool

    @property
    def kinks(self) -> list[str]:
        """Names of the weights at which J has a kink: derivatives that differ by the side."""
        return [weight.name for weight in self.weights if weight.at_kink]

    @property
    def _worst(self) -> CheckedWeight:
        smooth = [weight for weight in self.weights if not weight.at_kink]
        return max(smooth or self.weights, key=lambda weight: weight.relative_error)

    @property
    def worst(self) -> str:
        """Name of the weight with the largest relative error, as in ``coefs[0][3, 2]``."""
        return self._worst.name

    @property
    def analytic(self) -> float:
        """Its derivative by backpropagation."""
        return self._worst.analytic

    @property
    def numeric(self) -> float:
        """Its derivative by differences."""
        return self._worst.numeric

    @property
    def relative_error(self) -> float:
        """The difference of the two, relative to the larger of the two in size."""
        return self._worst.relative_error

    @property
    def passed(self) -> bool:
        """Whether no error is above the tolerance, but for weights at a kink."""
        return self._worst.at_kink or self.relative_error <= self.tolerance

    def __repr__(self) -> str:
        return (
            f"<GradientCheck {'passed' if self.passed else 'failed'}: {self.worst} has "
            f"{self.analytic:.12g} by backpropagation, {self.numeric:.12g} by differences, "
            f"relative error {self.relative_error:.2g}>"
        )

    def __str__(self) -> str:
        return text(self._report())

    def _repr_html_(self) -> str:
        return as_html(self._report())

    def to_frame(self) -> Any:
        """All weights that were checked, as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            Indexed by "name": "analytic", "numeric", "relative_error", "at_kink".
        """
        return frame_of([weight._asdict() for weight in self.weights]).set_index("name")

    def _report(self) -> Report:
        n_checked = len(self.weights)
        checked = f"{self.n_weights:,} weights"
        if n_checked < self.n_weights:
            checked = f"a random {n_checked:,} of {checked}"
        where = ", in conditioned coordinates" * self.conditions
        verdict = "passed" if self.passed else "FAILED"
        n_wrong = sum(
            not weight.at_kink and not weight.relative_error <= self.tolerance
            for weight in self.weights
        )
        sign = "<=" if self.passed else ">"
        failures = f"{n_wrong:,} of them above the tolerance.\n" * bool(n_wrong)
        head = (
            f"Gradient check {verdict}: {checked}{where}\n{failures}"
            f"Largest relative error {self.relative_error:.2g} {sign} tolerance "
            f"{self.tolerance:.2g}"
        )
        lines = [
            ["by backpropagation", f"{self.analytic:.15g}"],
            ["by differences", f"{self.numeric:.15g}"],
        ]
        parts: list[str | Table] = [
            head,
            Table(f"The worst, {self.worst}", [r"$\frac{\partial J}{\partial w}$", ""], lines),
        ]
        if self.kinks:
            names = ", ".join(self.kinks[:5]) + ", …" * (len(self.kinks) > 5)
            parts.append(
                f"At {len(self.kinks):,} weights J has a kink, and no derivative (a relu at "
                f"0): {names}"
            )
        return parts


@np.errstate(under="ignore")
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
    """Hold the gradient of backpropagation against differences of the objective.

    At the weights of a fitted estimator, or at weights that are given, on all rows at once and in
    float64. The derivatives are those the estimator descends by: with conditioning, by the weights
    of the conditioned coordinates. The estimator is not changed.

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropRegressor
        Fitted, or with `coefs` or its own random initial weights if it is not.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Inputs.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.
    coefs : sequence of array-like, default=None
        Weights to check at, shaped as `coefs_`.
    intercepts : sequence of array-like, default=None
        Intercepts to check at, shaped as `intercepts_`.
    tolerance : float, default=1e-8
        Largest relative error that passes. Correct derivatives are measured at 1e-10 and below; a
        wrong one is off by its own size.
    n_weights : int or None, default=200
        Of a network with more weights, so many drawn at random are checked; None for all. Each
        costs some twenty passes over the rows.
    random_state : int, RandomState instance or None, default=0
        Determines which.
    classes : array-like of shape (n_classes,), default=None
        All labels, for a classifier that is not fitted and rows that do not have all of them.

    Returns
    -------
    check : GradientCheck
        `passed`, and the `worst` weight with its derivative by both ways. Print it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is accepted.

    See Also
    --------
    trace_step : Every number of a step.

    Notes
    -----
    The derivative is (J(w + h) − J(w − h)) / 2h for ever shorter h, extrapolated to h = 0; the
    extrapolation that agrees best with those of lower order and longer h counts [1]_. The error is
    relative to the larger of the two derivatives, or to J / 100 over the first h if that is more,
    so that the rounding of J does not count.

    A weight at which J has a kink, as a relu has at 0, is told and not failed: the derivatives from
    its two sides differ, however short h.

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
    with np.errstate(over="ignore"):
        value = objective.value_and_gradient(params, subject.rows, gradient)
        places = np.arange(len(params))
        if n_weights is not None and n_weights < len(params):
            places = np.sort(rng.choice(places, n_weights, replace=False))
        names = _names(subject.network)
        first_steps = _first_steps(subject)
        weights = [
            _checked(
                names[place],
                float(gradient[place]),
                _along(objective, params, int(place)),
                float(first_steps[place]),
                value,
                tolerance,
            )
            for place in places
        ]
    return GradientCheck(weights, len(params), tolerance, value, subject.conditions)


def _names(network: Network) -> list[str]:
    """The names of the parameters, in the order of the flat vector."""
    shapes = list(enumerate(network.shapes))
    names = [f"coefs[{depth}][{i}, {j}]" for depth, shape in shapes for i, j in np.ndindex(shape)]
    if network.fit_intercept:
        names += [f"intercepts[{depth}][{j}]" for depth, (_, size) in shapes for j in range(size)]
    return names


def _first_steps(subject: Subject) -> np.ndarray:
    """For each parameter what moves no weighted sum it enters by more than the first move."""
    network, params = subject.network, subject.params
    buffers = network.buffers(subject.n_rows, params.dtype)
    X = subject.objective.inputs[subject.rows]
    network.forward(network.layers(params), X, buffers)
    steps = np.full_like(params, _FIRST_MOVE)
    for depth, layer in enumerate(network.layers(steps)):
        sizes = np.abs(buffers.outputs[depth - 1]).max(axis=0) if depth else _input_sizes(subject)
        layer.coef[...] /= np.maximum(sizes, 1.0)[:, np.newaxis]
    return steps


def _input_sizes(subject: Subject) -> np.ndarray:
    """The largest size of each conditioned input."""
    X, conditioning = subject.X, subject.conditioning
    ends = X.max(axis=0), X.min(axis=0)
    low_and_high = [end if isinstance(X, np.ndarray) else end.toarray().ravel() for end in ends]
    distances = np.abs(np.array(low_and_high) - conditioning.input_shift)
    return distances.max(axis=0) / np.abs(conditioning.input_scale)


def _along(objective: ObjectiveOfRows, params: np.ndarray, place: int) -> Callable[[float], float]:
    """J as a function of what is added to one parameter."""

    def value(change: float) -> float:
        moved = params.copy()
        moved[place] += change
        return objective.value(moved)

    return value


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
    """The derivative at 0, by central differences extrapolated to a step of 0.

    The error of a difference is a series in step², of which each column of the table takes one
    more term away (Richardson). The estimated error of an entry is its distance from the entries
    beside and above it (two of them, as one may be near by chance) and what rounding adds.
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
    """Whether the derivatives from the two sides differ, and halving the step leaves that so."""

    def jump(step: float) -> float:
        return abs((along(step) - value) - (value - along(-step))) / step

    step = first_step * 0.5**_DIFFERENCES
    # That of a smooth J is step · J'', which halves.
    return jump(step) > max(smallest, 0.75 * jump(2.0 * step))
