"""The largest curvature of the objective, from which comes the step size."""

import math

import numpy as np

from skbackprop._core.descent import Differentiable
from skbackprop._core.feature_penalty import ScaledObjective
from skbackprop._core.objective import ObjectiveOfRows
from skbackprop._core.rows import Rows

# Number of batches at most.
_BATCHES = 4
# Power iterations on the first batch, and on each of the others, which start near where it ended.
_ITERATIONS = 8
_MORE_ITERATIONS = 3
# The part of a 6th bit of the curvature that is taken for rounding. It is no round number, so that
# sums with a round alpha do not lie at this limit.
_ROUNDING = 6.18e-4
# Length of the way along which gradients are differenced, in conditioned coordinates.
_EPSILON = 1e-4


@np.errstate(over="ignore", invalid="ignore")
def largest_curvature(
    objective: ObjectiveOfRows | ScaledObjective,
    params: np.ndarray,
    rng: np.random.Generator,
    zero: np.ndarray | float = 0.0,
) -> float:
    """The largest |eigenvalue| of the Hessian of the objective of any of several batches.

    Power iteration (LeCun, Simard and Pearlmutter, 1993): v ← H v / ‖H v‖ with
    H v ≈ (∇(θ + ε v) − ∇(θ − ε v)) / 2ε. The batches are random and of the size used in training,
    the heaviest row among them: one large sample would give a step too long for small batches.

    A start where the units are saturated is nearly flat, and the step that suits it too long
    everywhere else: the curvature at θ = `zero`, where all coefficients are 0 and the predictions
    typical, counts as well. It is that of the output intercepts.

    The result is rounded up to 6 bits, since differences of gradients are good to about 1e-12
    only, and equal fits shall have equal steps. What is such a number itself, as 1 often is, stays
    it where rounding left it just above.
    """
    v = rng.standard_normal(len(params))
    v /= np.linalg.norm(v)
    start = 0.1 * v
    batches = _batches(objective, rng)
    largest = _power_iteration(objective, np.zeros_like(params) + zero, batches[0], v.copy(), 3)
    iterations = _ITERATIONS
    for rows in batches:
        largest = max(largest, _power_iteration(objective, params, rows, v, iterations))
        # What one batch is flat along may be the steepest of the next.
        v += start
        iterations = _MORE_ITERATIONS
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    mantissa, exponent = math.frexp(largest)
    return math.ldexp(math.ceil(mantissa * 64.0 - _ROUNDING) / 64.0, exponent)


def _batches(objective: ObjectiveOfRows | ScaledObjective, rng: np.random.Generator) -> list[Rows]:
    """Random batches, the first of them with the heaviest row; or the full batch."""
    n_rows, batch_size = objective.inputs.shape[0], objective.batch_size
    if batch_size >= n_rows:
        return [slice(0, n_rows)]
    order = rng.permutation(n_rows)
    n_batches = min(_BATCHES, n_rows // batch_size)
    batches = order[: n_batches * batch_size].reshape(n_batches, batch_size)
    if objective.sample_weight is not None:
        batches[0, 0] = objective.sample_weight.argmax()
    return list(batches)


def _power_iteration(
    objective: Differentiable, params: np.ndarray, rows: Rows, v: np.ndarray, iterations: int
) -> float:
    """The curvature along `v` after so many iterations, which overwrite `v`."""
    norm = 0.0
    point, gradient, image = (np.empty_like(params) for _ in range(3))
    for _ in range(iterations):
        image[...] = 0.0
        for side in (1.0, -1.0):
            np.multiply(v, side * _EPSILON, out=point)
            point += params
            objective.value_and_gradient(point, rows, gradient, scale=side)
            image += gradient
        image /= 2.0 * _EPSILON
        norm = float(np.linalg.norm(image))
        if norm == 0.0 or not math.isfinite(norm):
            break
        np.divide(image, norm, out=v)
    return norm
