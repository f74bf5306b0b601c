"""The largest curvature of the objective, from which comes the step size."""

import math
from collections.abc import Callable

import numpy as np

from skbackprop._core.descent import Differentiable
from skbackprop._core.feature_penalty import ScaledObjective
from skbackprop._core.network import Network
from skbackprop._core.objective import Objective, ObjectiveOfRows
from skbackprop._core.rows import Rows, SparseRows

# Number of batches at most.
_BATCHES = 4
# Products of the Hessian with a vector, at most: where all coefficients are 0, on the first batch,
# and on each of the others, which start near where it ended.
_AT_ZERO, _AT_FIRST, _AT_OTHERS = 2, 6, 3
# The search on a batch ends where no more than this share of H v lies outside of what was searched.
_SETTLED = 0.1
# The part of a 6th bit of the curvature that is taken for rounding. It is no round number, so that
# sums with a round alpha do not lie at this limit.
_ROUNDING = 6.18e-4
# Length of the way along which gradients are differenced, in conditioned coordinates. Over a short
# one, a single kink of relu that it crosses would look like a large curvature.
_EPSILON = 1e-2
_ONE = np.ones((1, 1))


@np.errstate(over="ignore", invalid="ignore")
def largest_curvature(
    objective: ObjectiveOfRows | ScaledObjective,
    params: np.ndarray,
    rng: np.random.Generator,
    zero: np.ndarray | float = 0.0,
) -> float:
    """The largest |eigenvalue| of the Hessian of the objective of any of several batches.

    The Lanczos method (Lanczos, 1950): of a few vectors v, H v, H (H v), ... the combination that H
    stretches most, with H v ≈ (∇(θ + ε v) − ∇θ) / ε. The batches are random and of the size used in
    training, the heaviest row among them: one large sample would give a step too long for small
    batches (LeCun, Simard and Pearlmutter, 1993).

    A start where the units are saturated is nearly flat, and the step that suits it too long
    everywhere else: the curvature at θ = `zero`, where all coefficients are 0 and the predictions
    typical, counts as well. It is that of the output intercepts.

    The result is rounded up to 6 bits, since differences of gradients are good to about 1e-14
    only, and equal fits shall have equal steps. What is such a number itself, as 1 often is, stays
    it where rounding left it just above.
    """
    v = rng.standard_normal(len(params))
    batches = _batches(objective, rng)
    flat = np.zeros_like(params) + zero
    if isinstance(objective, Objective) and objective.inputs.are_sparse:
        objective, narrowed = _on_touched_columns(objective, batches)
        params, flat, v = narrowed(params), narrowed(flat), narrowed(v)
    v /= np.linalg.norm(v)
    start = 0.1 * v
    work = np.empty((_AT_FIRST + 3, len(v)))
    largest = _lanczos(objective, flat, batches[0], v.copy(), work[: _AT_ZERO + 3])
    for rows in batches:
        largest = max(largest, _lanczos(objective, params, rows, v, work))
        # What one batch is flat along may be the steepest of the next.
        v += start
        v /= np.linalg.norm(v)
        work = work[: _AT_OTHERS + 3]
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


def _on_touched_columns(
    objective: Objective, batches: list[Rows]
) -> tuple[Objective, Callable[[np.ndarray], np.ndarray]]:
    """The same on the batches, with few columns, and what makes its parameters of the given ones.

    Of a sparse X the columns without entries in the batches are all alike: −c in each row, for the
    shift c. They enter by c V alone, their coefficients V along c, and so does their Hessian: one
    column of −‖c‖ takes their place.
    """
    sample, network = objective.sample, objective.network
    n_rows, n_columns = sample.X.shape
    rows = np.unique(np.concatenate([np.arange(n_rows)[batch] for batch in batches]))
    touched, X = SparseRows(sample.X[rows], None).of_touched_columns()
    if not 0 < 2 * len(touched) <= n_columns:
        return objective, lambda params: params
    shift, scale = np.zeros(n_columns), np.ones(n_columns)
    if sample.shift is not None:
        shift = sample.shift
    if sample.scale is not None:
        scale = sample.scale
    others = shift / scale
    others[touched] = 0.0
    length = float(np.linalg.norm(others))
    others /= length or 1.0
    n_entries = np.zeros(n_rows, dtype=X.indptr.dtype)
    n_entries[rows] = np.diff(X.indptr)
    parts = X.data, X.indices, np.append(0, np.cumsum(n_entries))
    sizes = [len(touched) + 1, *(fan_out for _, fan_out in network.shapes)]
    few = Objective(
        Network(sizes, network.activations, fit_intercept=network.fit_intercept),
        objective.loss,
        sample._replace(
            X=type(X)(parts, shape=(n_rows, len(touched) + 1)),
            shift=np.append(shift[touched], length),
            scale=np.append(scale[touched], 1.0),
        ),
        alpha=objective.alpha,
        reduction=objective.reduction,
        batch_size=objective.batch_size,
        dtype=objective.dtype,
    )

    def narrowed(params: np.ndarray) -> np.ndarray:
        coef = network.layers(params)[0].coef
        return np.concatenate([coef[touched].ravel(), others @ coef, params[coef.size :]])

    return few, narrowed


def _lanczos(
    objective: Differentiable, params: np.ndarray, rows: Rows, v: np.ndarray, work: np.ndarray
) -> float:
    """‖H u‖ of the steepest unit vector u among v, H v, ...; `v` becomes the direction of H u.

    The rows of `work` are scratch: three, and one for each product of H with a vector.
    """
    point, gradient, image, *_ = work
    basis = work[3:]
    products = len(basis)
    T = np.empty((products, products))
    objective.value_and_gradient(params, rows, gradient, 1.0 / _EPSILON)
    basis[0] = v
    for n in range(1, products + 1):
        np.multiply(basis[n - 1], _EPSILON, out=point)
        point += params
        objective.value_and_gradient(point, rows, image, 1.0 / _EPSILON)
        image -= gradient
        known = basis[:n]
        T[n - 1, :n] = T[:n, n - 1] = known @ image
        image -= T[n - 1, :n] @ known
        rest = math.sqrt(image.dot(image))
        if not (math.isfinite(rest) and np.isfinite(T[:n, :n]).all()):
            return math.inf
        # A 1 × 1 matrix does not need `eigh`, which takes ten times as long.
        eigenvalues, eigenvectors = np.linalg.eigh(T[:n, :n]) if n > 1 else (T[0, :1], _ONE)
        steepest = np.abs(eigenvalues).argmax()
        # H u = eigenvalue · u + what lies outside of the basis.
        within, outside = float(eigenvalues[steepest]), rest * float(eigenvectors[-1, steepest])
        curvature = math.hypot(within, outside)
        if curvature == 0.0:
            return 0.0
        if n == products or abs(outside) <= _SETTLED * curvature:
            break
        np.divide(image, rest, out=basis[n])
    np.matmul(within / curvature * eigenvectors[:, steepest], known, out=v)
    if rest > 0.0:
        image *= outside / (curvature * rest)
        v += image
    return curvature
