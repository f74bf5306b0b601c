"""The gradient of the objective against the complex-step derivative of an independent reference.

The reference is written here from the formulas, in operations that also hold for complex numbers,
so that ∂f/∂θ_k = Im f(θ + i h e_k) / h to rounding (Squire and Trapp, 1998). Its parameters may
have leading axes: all partial derivatives come of one pass.
"""

import tracemalloc
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from scipy import sparse

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.losses import LOSSES
from skbackprop._core.network import Network
from skbackprop._core.objective import Objective, Sample

N_ROWS, N_FEATURES, N_OUTPUTS = 7, 3, 2
HIDDEN_SIZES = (4, 3, 5)
COMPLEX_STEP = 1e-30
X = np.random.default_rng(1).normal(size=(N_ROWS, N_FEATURES))

ACTIVATION_FORMULAS = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "tanh": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    "relu": lambda z: np.where(z.real > 0, z, 0),
}


def squares(y, z, output_activation):
    return ((formula(ACTIVATION_FORMULAS, output_activation)(z) - y) ** 2).sum(axis=-1)


def negative_log_likelihood(y, z, output_activation):
    normaliser = {
        "sigmoid": lambda z: np.log(1 + np.exp(z)).sum(axis=-1),
        "softmax": lambda z: np.log(np.exp(z).sum(axis=-1)),
    }[output_activation]
    return normaliser(z) - (y * z).sum(axis=-1)


def of_residuals(function):
    """A sum over outputs of a function of the residual and its sign."""

    def losses(y, z, output_activation, **options):
        residual = formula(ACTIVATION_FORMULAS, output_activation)(z) - y
        return function(residual, np.sign(residual.real), **options).sum(axis=-1)

    return losses


def half_poisson_deviance(y, z, output_activation):
    return (y * np.log(y) - y * z - y + np.exp(z)).sum(axis=-1)


LOSS_FORMULAS = {
    "half_squared_error": lambda y, z, f: squares(y, z, f) / 2,
    "squared_error": squares,
    "absolute_error": of_residuals(lambda r, sign: r * sign),
    "huber": of_residuals(
        lambda r, sign, delta=1.0: np.where(
            r * sign < delta, r * r / 2, delta * (r * sign - delta / 2)
        )
    ),
    "quantile": of_residuals(
        lambda r, sign, quantile=0.5: r * np.where(sign > 0, 1 - quantile, -quantile)
    ),
    "poisson": half_poisson_deviance,
    "log_loss": negative_log_likelihood,
}
EVERY_ACTIVATION = list(product(("matrix", "codes"), ACTIVATIONS))
OF_NUMBERS = [("matrix", name) for name in ACTIVATIONS]
LOSS_FORMS = {
    "half_squared_error": EVERY_ACTIVATION,
    "squared_error": EVERY_ACTIVATION,
    "absolute_error": OF_NUMBERS,
    "huber": OF_NUMBERS,
    "quantile": OF_NUMBERS,
    "log_loss": [("matrix", "sigmoid"), ("codes", "softmax")],
}


def formula(formulas, name):
    if name not in formulas:
        pytest.fail(f"{name!r} is registered, but has no reference formula in {__name__}: add it.")
    return formulas[name]


@dataclass(frozen=True)
class Problem:
    """An objective and its reference on the same random data."""

    hidden: tuple[str, ...] = ("sigmoid",)
    loss: str = "half_squared_error"
    target: str = "matrix"
    output_activation: str = "identity"
    weighted: bool = False
    alpha: float = 0.0
    fit_intercept: bool = True
    reduction: str = "mean"
    options: tuple[tuple[str, float], ...] = ()
    """Of the loss."""
    n_rows: int = N_ROWS
    n_features: int = N_FEATURES
    n_outputs: int = N_OUTPUTS
    hidden_sizes: tuple[int, ...] = HIDDEN_SIZES
    seed: int = 0

    def rng(self, stream):
        return np.random.default_rng(stream + 10 * self.seed)

    @cached_property
    def X(self):  # noqa: N802
        return self.rng(1).normal(size=(self.n_rows, self.n_features))

    @cached_property
    def layer_sizes(self):
        return (self.n_features, *self.hidden_sizes[: len(self.hidden)], self.n_outputs)

    @cached_property
    def n_coefs(self):
        return sum(fan_in * fan_out for fan_in, fan_out in pairwise(self.layer_sizes))

    @cached_property
    def params(self):
        n_params = self.n_coefs + self.fit_intercept * sum(self.layer_sizes[1:])
        return self.rng(3).uniform(-1.0, 1.0, size=n_params)

    @cached_property
    def y(self):
        rng = self.rng(2)
        if self.target == "codes":
            return rng.integers(self.n_outputs, size=self.n_rows)
        if self.loss == "log_loss":
            return rng.integers(2, size=(self.n_rows, self.n_outputs)).astype(float)
        return rng.uniform(size=(self.n_rows, self.n_outputs))

    @cached_property
    def sample_weight(self):
        return self.rng(4).uniform(0.1, 5.0, size=self.n_rows) if self.weighted else None

    def objective(self, X=None, *, dtype=np.float64, sample_weight=None, batch_size=None):
        X = self.X if X is None else X
        return Objective(
            Network(
                self.layer_sizes,
                [ACTIVATIONS[name] for name in self.hidden],
                fit_intercept=self.fit_intercept,
            ),
            LOSSES[self.loss](self.target, self.output_activation, **dict(self.options)),
            Sample(
                X.astype(dtype, copy=False),
                self.y if self.target == "codes" else self.y.astype(dtype, copy=False),
                self.sample_weight if sample_weight is None else sample_weight,
            ),
            alpha=self.alpha,
            reduction=self.reduction,
            batch_size=self.n_rows if batch_size is None else batch_size,
        )

    def split(self, flat):
        """(coef, intercept) of each layer: all coefficients come first, then the intercepts."""
        start, layers = 0, []
        for fan_in, fan_out in pairwise(self.layer_sizes):
            coef = flat[..., start : start + fan_in * fan_out]
            layers.append([coef.reshape(*flat.shape[:-1], fan_in, fan_out), None])
            start += fan_in * fan_out
        if self.fit_intercept:
            for layer, fan_out in zip(layers, self.layer_sizes[1:], strict=True):
                layer[1] = flat[..., start : start + fan_out]
                start += fan_out
        return layers

    def reference(self, flat, rows=slice(None)):
        """The objective of a batch, from the formulas."""
        a = self.X[rows]
        for (coef, intercept), name in zip(self.split(flat), (*self.hidden, None), strict=True):
            a = a @ coef
            if intercept is not None:
                a = a + intercept[..., np.newaxis, :]
            if name is not None:
                a = formula(ACTIVATION_FORMULAS, name)(a)
        y = np.eye(self.n_outputs)[self.y] if self.target == "codes" else self.y
        losses = formula(LOSS_FORMULAS, self.loss)(
            y[rows], a, self.output_activation, **dict(self.options)
        )
        weights = np.ones(self.n_rows) if self.sample_weight is None else self.sample_weight
        value = (weights[rows] * losses).sum(axis=-1)
        penalty = self.alpha / 2 * (flat[..., : self.n_coefs] ** 2).sum(axis=-1)
        if self.reduction == "mean":
            return value / (losses.shape[-1] * weights.mean()) + penalty
        # The sums of the batches add up to that of all rows, and so must their penalties.
        return value + penalty * losses.shape[-1] / self.n_rows

    def reference_gradient(self, rows=slice(None)):
        steps = 1j * COMPLEX_STEP * np.eye(self.params.size)
        return self.reference(self.params + steps, rows).imag / COMPLEX_STEP

    def assert_gradients_agree(self, gradient, expected, tolerance):
        """Hold the errors of each layer against its largest partial derivative."""
        layers = zip(self.split(gradient), self.split(expected), strict=True)
        for depth, (got, want) in enumerate(layers):
            parts = [(g, w) for g, w in zip(got, want, strict=True) if w is not None]
            largest = max(np.abs(w).max() for _, w in parts)
            assert largest > 0, f"{self}: nothing to compare in layer {depth}"
            error = max(np.abs(g - w).max() for g, w in parts) / largest
            assert error <= tolerance, f"{self}: error {error:.1e} in layer {depth}"

    def check(self):
        objective, gradient = self.objective(), np.full_like(self.params, np.nan)
        value = objective.value_and_gradient(self.params, slice(0, self.n_rows), gradient)
        expected = self.reference(self.params)
        assert value == pytest.approx(expected, rel=1e-13, abs=0), self
        assert objective.value(self.params) == pytest.approx(expected, rel=1e-13, abs=0), self
        self.assert_gradients_agree(gradient, self.reference_gradient(), 1e-12)


def gradient_of(objective, params, rows, scale=1.0):
    gradient = np.empty_like(params)
    value = objective.value_and_gradient(params, rows, gradient, scale)
    return value, gradient


LOSSES_AND_FORMS = [
    (loss, *form) for loss in LOSSES for form in LOSS_FORMS.get(loss, [("matrix", "identity")])
]
HIDDEN = [(), *((name,) * depth for name in ACTIVATIONS for depth in (1, 2, 3))]
HIDDEN.append(("sigmoid", "relu", "softplus"))
# One problem of each kind that a code path depends on, for the properties below.
PROBLEMS = [
    Problem(),
    Problem(("tanh", "softplus"), "log_loss", "codes", "softmax", True, 0.3),
    Problem(("relu",), "log_loss", "matrix", "sigmoid", True, 0.3, False, "sum"),
    Problem((), "squared_error", "codes", "sigmoid", False, 0.3, True, "sum"),
    Problem(("softplus",), "squared_error", "matrix", "tanh", True, 0.0, False),
]
each_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: f"{p.loss}-{p.target}")
BATCHES = [slice(0, 3), slice(3, 6), slice(6, 7)]
SHUFFLED_BATCHES = [np.array([5, 0, 3]), np.array([1, 6, 2]), np.array([4])]
each_batches = pytest.mark.parametrize(
    "batches", [BATCHES, SHUFFLED_BATCHES], ids=["slice", "index"]
)


def pairs_of(hidden, form):
    """What a case shows together: the layers, the form of the loss, and each two of their parts."""
    parts = enumerate((hidden[:1], len(hidden), *form))
    return {hidden, form, *combinations(parts, 2)}


def covering_cases():
    """Few of the products of layers and losses, which together show each pair that all show."""
    cases = {case: pairs_of(*case) for case in product(HIDDEN, LOSSES_AND_FORMS)}
    left, chosen = set().union(*cases.values()), []
    while left:
        chosen.append(max(cases, key=lambda case: len(cases[case] & left)))
        left -= cases[chosen[-1]]
    return [(hidden, *form) for hidden, form in chosen]


@pytest.mark.parametrize(("hidden", "loss", "target", "output_activation"), covering_cases())
def test_gradient_is_the_complex_step_derivative(hidden, loss, target, output_activation):
    for weighted, alpha, fit_intercept, reduction in product(
        (False, True), (0.0, 0.3), (False, True), ("mean", "sum")
    ):
        Problem(
            hidden, loss, target, output_activation, weighted, alpha, fit_intercept, reduction
        ).check()


def random_problem(rng):
    """Any architecture, loss, weights and penalty, at parameters where each layer has a slope."""
    loss, target, output_activation = LOSSES_AND_FORMS[rng.integers(len(LOSSES_AND_FORMS))]
    depth = rng.integers(5)
    options = {
        "huber": ("delta", 10.0 ** rng.uniform(-1, 1)),
        "quantile": ("quantile", rng.uniform()),
    }
    problem = Problem(
        tuple(rng.choice(list(ACTIVATIONS), size=depth)),
        loss,
        target,
        output_activation,
        weighted=bool(rng.integers(2)),
        alpha=rng.choice([0.0, 10.0 ** rng.uniform(-4, 1)]),
        fit_intercept=bool(rng.integers(2)),
        reduction=str(rng.choice(["mean", "sum"])),
        options=(options[loss],) if loss in options else (),
        n_rows=int(rng.integers(1, 12)),
        n_features=int(rng.integers(1, 9)),
        n_outputs=int(rng.integers(2 if target == "codes" else 1, 5)),
        hidden_sizes=tuple(rng.integers(1, 9, size=depth)),
        seed=int(rng.integers(2**32)),
    )
    # Units of a rectifier may all be off.
    slopes = (coef.any() for coef, _ in problem.split(problem.reference_gradient()))
    return problem if all(slopes) else random_problem(rng)


@pytest.mark.parametrize("seed", range(12))
def test_gradient_of_random_problems(seed):
    rng = np.random.default_rng(seed)
    for _ in range(100):
        random_problem(rng).check()


@pytest.mark.parametrize("registry", ["activation", "loss"])
def test_an_entry_without_a_reference_formula_fails(monkeypatch, registry):
    if registry == "activation":
        monkeypatch.setitem(ACTIVATIONS, "new", ACTIVATIONS["tanh"])
        problem = Problem(("new",))
    else:
        monkeypatch.setitem(LOSSES, "new", LOSSES["squared_error"])
        problem = Problem(loss="new")
    with pytest.raises(pytest.fail.Exception, match="'new' is registered, but has no reference"):
        problem.check()


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("place", ["hidden", "output"])
def test_a_broken_derivative_of_an_activation_is_caught(monkeypatch, name, place):
    problem = Problem((name,)) if place == "hidden" else Problem((), output_activation=name)
    problem.check()
    activation = ACTIVATIONS[name]

    def multiply_derivative(a, delta):
        activation.multiply_derivative(a, delta)
        delta *= 1 + 1e-11

    broken = activation._replace(multiply_derivative=multiply_derivative)
    monkeypatch.setitem(ACTIVATIONS, name, broken)
    with pytest.raises(AssertionError, match="in layer 0"):
        problem.check()


@pytest.mark.parametrize(("loss", "target", "output_activation"), LOSSES_AND_FORMS)
def test_a_broken_gradient_of_a_loss_is_caught(monkeypatch, loss, target, output_activation):
    problem = Problem(("sigmoid",), loss, target, output_activation)
    problem.check()
    kind = type(LOSSES[loss](target, output_activation))
    value_and_gradient = kind.value_and_gradient

    def broken(self, y_true, raw_prediction, sample_weight, out, scale=1.0):
        value = value_and_gradient(self, y_true, raw_prediction, sample_weight, out, scale)
        out *= 1 + 1e-11
        return value

    monkeypatch.setattr(kind, "value_and_gradient", broken)
    with pytest.raises(AssertionError, match="in layer"):
        problem.check()


@each_batches
@each_problem
def test_gradient_of_a_batch(problem, batches):
    # The mean of a batch divides by its rows × the mean weight of all rows; the sum of a batch
    # has its share of the penalty.
    objective = problem.objective(batch_size=3)
    for rows in batches:
        _, gradient = gradient_of(objective, problem.params, rows)
        problem.assert_gradients_agree(gradient, problem.reference_gradient(rows), 1e-12)


@each_batches
@each_problem
def test_shares_of_an_epoch_add_up_to_the_value(problem, batches):
    objective = problem.objective(batch_size=3)
    shares = [gradient_of(objective, problem.params, rows)[0] for rows in batches]
    assert sum(shares) == pytest.approx(objective.value(problem.params), rel=1e-13, abs=0)


@each_batches
@each_problem
def test_scale_multiplies_the_gradient_alone(problem, batches):
    objective, rows = problem.objective(batch_size=3), batches[0]
    value, gradient = gradient_of(objective, problem.params, rows)
    same_value, scaled = gradient_of(objective, problem.params, rows, scale=-0.3)
    assert same_value == value
    problem.assert_gradients_agree(scaled, -0.3 * gradient, 1e-14)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
@each_batches
@each_problem
def test_sparse_inputs_equal_dense_ones(problem, batches, container):
    dense = X * (np.random.default_rng(6).random(X.shape) < 0.5)
    from_dense = problem.objective(dense, batch_size=3)
    from_sparse = problem.objective(container(dense), batch_size=3)
    for rows in batches:
        value, gradient = gradient_of(from_sparse, problem.params, rows)
        expected_value, expected = gradient_of(from_dense, problem.params, rows)
        assert value == pytest.approx(expected_value, rel=1e-14, abs=0)
        problem.assert_gradients_agree(gradient, expected, 1e-14)
    assert from_sparse.value(problem.params) == pytest.approx(
        from_dense.value(problem.params), rel=1e-14, abs=0
    )


@each_problem
def test_float32_agrees_with_float64(problem):
    params = problem.params.astype(np.float32)
    objective = problem.objective(dtype=np.float32)
    value, gradient = gradient_of(objective, params, slice(0, N_ROWS))
    assert gradient.dtype == np.float32
    assert value == pytest.approx(problem.reference(problem.params), rel=2e-6)
    problem.assert_gradients_agree(gradient, problem.reference_gradient(), 2e-6)


@each_batches
@each_problem
def test_inputs_are_not_written_to(problem, batches):
    # A copy, whose arrays no other test has passed on yet.
    problem = replace(problem)
    inputs = [X, problem.y, problem.params]
    inputs += [problem.sample_weight] if problem.weighted else []
    before = [array.copy() for array in inputs]
    objective = problem.objective(batch_size=3)
    objective.value(problem.params)
    for rows in batches:
        gradient_of(objective, problem.params, rows)
    for array, copy in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("layout", [np.asfortranarray, lambda X: np.repeat(X, 2, axis=0)[::2]])
def test_a_batch_of_any_layout_costs_a_batch(layout):
    X = layout(np.random.default_rng(0).normal(size=(20_000, 20)))
    network = Network([20, 3, 1], [ACTIVATIONS["tanh"]])
    loss = LOSSES["squared_error"]("matrix", "identity")
    objective = Objective(network, loss, Sample(X, np.zeros((len(X), 1))), batch_size=32)
    params, gradient = np.ones(network.n_params), np.empty(network.n_params)
    tracemalloc.start()
    objective.value_and_gradient(params, np.arange(0, 3200, 100), gradient)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 10


def test_other_arrays_may_come_at_any_call():
    problem = Problem(weighted=True, alpha=0.3)
    objective, rows = problem.objective(), slice(0, N_ROWS)
    moved = problem.params + 0.1
    expected = [
        gradient_of(problem.objective(), params, rows) for params in (problem.params, moved)
    ]
    for i in (0, 1, 0, 1):
        value, gradient = gradient_of(objective, (problem.params, moved)[i], rows)
        assert value == expected[i][0]
        np.testing.assert_array_equal(gradient, expected[i][1])


@pytest.mark.parametrize("factor", [1e-300, 1e307])
def test_the_mean_is_free_of_the_scale_of_the_weights(factor):
    problem = Problem(weighted=True, alpha=0.3)
    objective = problem.objective(sample_weight=problem.sample_weight * factor)
    value, gradient = gradient_of(objective, problem.params, slice(0, N_ROWS))
    assert value == pytest.approx(problem.reference(problem.params), rel=1e-13, abs=0)
    problem.assert_gradients_agree(gradient, problem.reference_gradient(), 1e-12)


def test_weights_count_as_copies():
    problem = Problem(("sigmoid",), "log_loss", "codes", "softmax")
    copies = np.array([1, 3, 2, 1, 5, 1, 2])
    rows = np.repeat(np.arange(N_ROWS), copies)
    weighted = problem.objective(sample_weight=copies.astype(float))
    _, gradient = gradient_of(weighted, problem.params, slice(0, N_ROWS))
    repeated = problem.reference_gradient(rows)
    problem.assert_gradients_agree(gradient, repeated, 1e-12)
