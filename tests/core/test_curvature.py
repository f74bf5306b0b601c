"""The step from the largest curvature, and the retry of steps that turn out too long."""

import math
import warnings
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._core import curvature
from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.curvature import largest_curvature
from skbackprop._core.descent import Differentiable, Plan, gradient_descent
from skbackprop._core.losses import LOSSES
from skbackprop._core.network import Network
from skbackprop._core.objective import Objective, Sample
from skbackprop._core.rows import Batches
from skbackprop._core.rules import SCHEDULES, Status

FORMULAS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "tanh": np.tanh,
}
N_ROWS = 40
X = np.random.default_rng(0).normal(size=(N_ROWS, 3))
Y = np.column_stack([np.sin(2 * X[:, 0]) + X[:, 1], X[:, 1] * X[:, 2]])
# Rounding up to 6 bits adds at most this much.
ROUNDING = 1 + 2.0**-5


def problem(
    hidden=(), activation="tanh", *, X=X, Y=Y, sample_weight=None, scale=1.0, seed=0, **settings
):
    """An objective of half the mean squared error, and parameters of normal weights."""
    sizes = [X.shape[1], *hidden, Y.shape[1]]
    network = Network(sizes, [ACTIVATIONS[activation]] * len(hidden))
    loss = LOSSES["half_squared_error"]("matrix", "identity")
    settings = {"batch_size": len(X), **settings}
    params = scale * 0.7 * np.random.default_rng(seed).normal(size=network.n_params)
    return Objective(network, loss, Sample(X, Y, sample_weight), **settings), params


def search(objective, params, seed=0):
    return largest_curvature(objective, params, np.random.default_rng(seed))


def wide_problem(rng, *, shift=True, fit_intercept=True, reduction="mean"):
    """An objective of sparse rows that touch few of many columns, and parameters."""
    wide = sparse.random(200, 1000, density=0.003, format="csr", random_state=rng)
    sample = Sample(
        wide,
        rng.normal(size=(200, 2)),
        rng.uniform(0.1, 5.0, size=200),
        shift=0.01 * rng.normal(size=1000) if shift else None,
        scale=rng.uniform(0.5, 2.0, size=1000),
    )
    network = Network([1000, 5, 2], [ACTIVATIONS["sigmoid"]], fit_intercept=fit_intercept)
    loss = LOSSES["half_squared_error"]("matrix", "identity")
    objective = Objective(network, loss, sample, alpha=0.3, reduction=reduction, batch_size=10)
    return objective, rng.normal(size=network.n_params)


@pytest.mark.parametrize("shift", [True, False])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_columns_without_entries_are_searched_as_one(rng, shift, fit_intercept, reduction):
    objective, params = wide_problem(
        rng, shift=shift, fit_intercept=fit_intercept, reduction=reduction
    )
    batches = [np.array([7, 3, 150]), np.array([7, 199])]
    few, narrowed = curvature._on_touched_columns(objective, batches)
    assert few.network.n_params < 0.1 * objective.network.n_params
    gradient = np.empty_like(params)
    step = np.empty(few.network.n_params)
    for rows in batches:
        # Without the penalty of what the others have across the shift.
        lost = np.sum(params**2) - np.sum(narrowed(params) ** 2)
        share = len(rows) / 200
        value = objective.value_and_gradient(params, rows, gradient)
        few_value = few.value_and_gradient(narrowed(params), rows, step)
        assert few_value + 0.15 * share * lost == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(step, narrowed(gradient), rtol=1e-10, atol=1e-12)


def test_without_entries_all_columns_are_searched(rng):
    objective, params = wide_problem(rng)
    sample = objective.sample._replace(X=sparse.csr_array((200, 1000)))
    empty = Objective(objective.network, objective.loss, sample, alpha=0.3, batch_size=10)
    same, unchanged = curvature._on_touched_columns(empty, [np.arange(10)])
    assert same is empty
    assert unchanged(params) is params


def test_the_curvature_of_few_touched_columns_is_that_of_all(rng, monkeypatch):
    objective, params = wide_problem(rng)
    found = search(objective, params)
    monkeypatch.setattr(curvature, "_on_touched_columns", lambda objective, _: (objective, np.copy))
    assert found == pytest.approx(search(objective, params), rel=0.1)


@pytest.mark.parametrize("jitter", [-1e-5, -1e-13, 0.0, 1e-13, 1e-5])
def test_rounding_hides_the_jitter_of_round_numbers(monkeypatch, jitter):
    monkeypatch.setattr(curvature, "_lanczos", lambda *_: 0.75 * (1.0 + jitter))
    assert search(*problem()) == 0.75


@pytest.mark.parametrize("alpha", [1e-5, 1e-4, 1e-3, 1e-2, 2.0**-10])
def test_rounding_hides_the_jitter_of_round_penalties(monkeypatch, alpha):
    results = set()
    for found in 48.0 * np.linspace(1.0 - 1e-12, 1.0 + 1e-12, 5) + alpha:
        monkeypatch.setattr(curvature, "_lanczos", lambda *_, found=found: found)
        results.add(search(*problem()))
    assert len(results) == 1


def hessian(params, hidden=(), activation="tanh", *, alpha=0.0):
    """The Hessian on all rows: central differences of the complex-step gradient of the formula."""
    shapes = list(pairwise([3, *hidden, 2]))
    n_coefs = sum(math.prod(shape) for shape in shapes)

    def value(flat):
        a, coefs, intercepts = X, flat[:n_coefs], flat[n_coefs:]
        for depth, (fan_in, fan_out) in enumerate(shapes):
            W, coefs = coefs[: fan_in * fan_out], coefs[fan_in * fan_out :]
            b, intercepts = intercepts[:fan_out], intercepts[fan_out:]
            a = a @ W.reshape(fan_in, fan_out) + b
            a = a if depth == len(hidden) else FORMULAS[activation](a)
        return ((a - Y) ** 2).sum() / 2 / N_ROWS + alpha / 2 * (flat[:n_coefs] ** 2).sum()

    def gradient(at):
        return np.array([value(at + 1e-30j * unit).imag / 1e-30 for unit in np.eye(len(params))])

    h = 1e-4
    return np.array(
        [
            (gradient(params + h * u) - gradient(params - h * u)) / (2 * h)
            for u in np.eye(len(params))
        ]
    )


def exact(params, *args, **kwargs):
    return np.abs(np.linalg.eigvalsh(hessian(params, *args, **kwargs))).max()


class Counted:
    """An objective that counts its gradients."""

    def __init__(self, objective):
        self.objective, self.calls = objective, 0

    def __getattr__(self, name):
        return getattr(self.objective, name)

    def value_and_gradient(self, *args, **kwargs):
        self.calls += 1
        return self.objective.value_and_gradient(*args, **kwargs)


class TestLargestCurvature:
    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize("scales", [[1, 1, 1], [3, 0.1, 1], [1.3, 1.2, 1.1]])
    def test_of_a_linear_model(self, scales, seed):
        inputs = X * scales + [0.5, 0.0, 0.0]
        objective, params = problem(X=inputs)
        with_ones = np.column_stack([inputs, np.ones(N_ROWS)])
        expected = np.linalg.eigvalsh(with_ones.T @ with_ones / N_ROWS).max()
        assert 0.9 * expected <= search(objective, params, seed) <= ROUNDING * expected

    @pytest.mark.parametrize("alpha", [0.0, 0.1])
    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("activation", FORMULAS)
    @pytest.mark.parametrize("hidden", [(4,), (4, 3)])
    def test_of_a_network(self, hidden, activation, seed, alpha):
        objective, params = problem(hidden, activation, seed=seed, alpha=alpha)
        args = (hidden, activation)
        at_start = exact(params, *args, alpha=alpha)
        at_rest = exact(np.zeros_like(params), *args, alpha=alpha)
        found = search(objective, params, seed)
        assert 0.9 * at_start <= found <= ROUNDING * max(at_start, at_rest) * (1 + 1e-6)

    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize("hidden", [(), (4,), (4, 3)])
    def test_a_saturated_start_counts_as_one_at_rest(self, hidden, seed):
        # At p (1 − p) ≈ 0 the log-loss is flat; with zeros the output intercept has λ = ½ · ½.
        network = Network([3, *hidden, 1], [ACTIVATIONS["tanh"]] * len(hidden))
        labels = (Y[:, :1] > np.median(Y[:, 0])).astype(float)
        loss = LOSSES["log_loss"]("matrix", "sigmoid")
        objective = Objective(network, loss, Sample(X, labels), batch_size=N_ROWS)
        params = np.zeros(network.n_params)
        params[-1] = 50.0
        assert 0.9 * 0.25 <= search(objective, params, seed) <= 1.0

    def test_is_rounded_up_to_6_bits(self):
        for seed in range(20):
            objective, params = problem((4,), seed=seed)
            mantissa, _ = math.frexp(search(objective, params, seed))
            assert mantissa * 64 == round(mantissa * 64)

    @pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
    def test_is_never_below_what_it_rounds(self, scale):
        # One parameter: the first product is exact, λ = Σ x² / n.
        for x in np.linspace(0.5, 1.5, 23):
            inputs, targets = np.full((5, 1), x * scale), np.ones((5, 1))
            network = Network([1, 1], [], fit_intercept=False)
            loss = LOSSES["half_squared_error"]("matrix", "identity")
            objective = Objective(network, loss, Sample(inputs, targets), batch_size=5)
            found = search(objective, np.zeros(1)) / (x * scale) ** 2
            assert 1 - 1e-9 <= found <= ROUNDING + 1e-9

    @pytest.mark.parametrize("seed", range(5))
    def test_weights_count_as_copies(self, seed):
        weights = np.random.default_rng(1).integers(1, 5, size=N_ROWS)
        weighted, params = problem((4,), seed=seed, sample_weight=weights.astype(float))
        copies, _ = problem((4,), X=np.repeat(X, weights, axis=0), Y=np.repeat(Y, weights, axis=0))
        assert search(weighted, params, seed) == search(copies, params, seed)

    def test_hardly_depends_on_the_start_vector(self):
        objective, params = problem((4, 3), "sigmoid")
        found = [search(objective, params, seed) for seed in range(20)]
        assert max(found) <= 1.1 * min(found)

    def test_is_of_batches_of_the_size_used_in_training(self):
        # Of rows on a sphere of radius 1, each one alone has λ = 1 + 1; all together far less.
        rows = X / np.linalg.norm(X, axis=1, keepdims=True)
        assert search(*problem(X=rows)) < 1.6
        assert 1.99 <= search(*problem(X=rows, batch_size=1)) <= 2.0 * ROUNDING

    @pytest.mark.parametrize("batch_size", [1, 4, 16])
    @pytest.mark.parametrize("seed", range(5))
    def test_has_the_heaviest_row(self, seed, batch_size):
        weights = np.ones(N_ROWS)
        weights[17] = 1000.0
        objective, params = problem(sample_weight=weights, batch_size=batch_size)
        alone = weights[17] / weights.mean() / batch_size * (1 + X[17] @ X[17])
        assert search(objective, params, seed) >= 0.9 * alone

    @pytest.mark.parametrize("batch_size", [1, 8, 32, N_ROWS])
    def test_costs_at_most_22_gradients_of_batches(self, batch_size):
        objective, params = problem((4,), batch_size=batch_size)
        counted = Counted(objective)
        search(counted, params)
        assert 0 < counted.calls <= 22

    def test_leaves_the_parameters_alone(self):
        objective, params = problem((4,))
        before = params.copy()
        search(objective, params)
        np.testing.assert_array_equal(params, before)


class TestPublished:
    @pytest.mark.parametrize("settings", [{}, {"conditioning": None}, {"batch_size": "full"}])
    @pytest.mark.parametrize("estimator", [BackpropRegressor, BackpropClassifier])
    def test_the_step_is_1_5_over_the_curvature(self, estimator, settings):
        model = estimator(8, max_iter=10, random_state=0, **settings).fit(X, Y[:, 0] > 0)
        assert model.curvature_ > 0
        assert model.learning_rate_ * model.curvature_ == pytest.approx(1.5)

    @pytest.mark.parametrize("conditioning", ["standardize", None])
    def test_a_given_rate_has_no_curvature(self, conditioning):
        model = BackpropRegressor(
            8, learning_rate=0.03125, conditioning=conditioning, max_iter=10, random_state=0
        ).fit(X, Y)
        assert (model.learning_rate_, model.curvature_) == (0.03125, None)

    def test_is_that_of_conditioned_standard_coordinates(self):
        # Without hidden layers it is the largest eigenvalue of the correlations, or the 1 of the
        # intercept, plus the penalty.
        model = BackpropRegressor((), alpha=0.25, batch_size="full", random_state=0)
        model.fit(X * [1e3, 1.0, 1e-3] + 50.0, 1e4 * Y)
        expected = np.linalg.eigvalsh(np.corrcoef(X.T)).max() + 0.25
        assert 0.9 * expected <= model.curvature_ <= ROUNDING * expected


class Quadratic(Differentiable):
    """½ Σ λ θ², the same for each row, with the largest λ 1; what `beyond` says far from 0."""

    CURVATURES = np.array([1.0, 0.3, 0.05])

    def __init__(self, n_rows=1, beyond=None, reach=np.inf):
        self.n_rows, self.beyond, self.reach = n_rows, beyond, reach

    def value(self, params):
        if not np.abs(params).max() <= self.reach:
            return self.beyond
        return float(0.5 * self.CURVATURES @ params**2)

    def value_and_gradient(self, params, rows, out, scale=1.0):
        out[:] = scale * self.CURVATURES * params
        return self.value(params) * len(range(self.n_rows)[rows]) / self.n_rows


START = np.array([2.0, -1.0, 4.0])


class Recorder:
    """A watcher that keeps what it is told."""

    def __init__(self, epochs):
        self.epochs = epochs

    def __call__(self, epoch):
        self.epochs.append(epoch)

    def chosen_params(self):
        return None


def descend(
    objective,
    step_size,
    *,
    schedule="constant",
    max_iter=100,
    batch_size=None,
    watcher=None,
    **rules,
):
    params = START.copy()
    batches = Batches(objective.n_rows, batch_size or objective.n_rows)
    plan = Plan(step_size, SCHEDULES[schedule](max_iter), batches, max_iter, **rules)
    return gradient_descent(objective, params, plan, watcher), params


class TestRetry:
    FIRST = Quadratic().value(START)

    @pytest.mark.parametrize("schedule", SCHEDULES)
    @pytest.mark.parametrize("step_size", [2.1, 10.0, 1e3, 1e10])
    def test_in_full_batch_the_loss_never_rises(self, step_size, schedule):
        descent, params = descend(Quadratic(), step_size, schedule=schedule, retry=True)
        assert (np.diff(descent.loss_curve) <= 1e-6 * np.abs(descent.loss_curve[:-1])).all()
        assert descent.loss_curve[0] == descent.first_loss == self.FIRST
        assert descent.loss == Quadratic().value(params) < 0.1 * self.FIRST
        assert descent.status is Status.MAX_ITER

    def test_an_undone_step_is_halved_for_good(self):
        # 10 is halved to 5, 2.5 and 1.25, each after a step and an epoch that finds the rise.
        descent, params = descend(Quadratic(), 10.0, max_iter=8, retry=True)
        np.testing.assert_allclose(params, START * (1 - 1.25 * Quadratic.CURVATURES) ** 2)
        assert len(descent.loss_curve) == 5

    @pytest.mark.parametrize("max_iter", range(1, 12))
    @pytest.mark.parametrize("batch_size", [1, 4])
    def test_the_end_is_never_above_the_first(self, batch_size, max_iter):
        objective = Quadratic(n_rows=4)
        descent, params = descend(
            objective, 10.0, batch_size=batch_size, max_iter=max_iter, retry=True
        )
        assert descent.loss == objective.value(params) <= self.FIRST
        assert descent.status is Status.MAX_ITER

    @pytest.mark.parametrize("step_size", [10.0, 1e3, 1e10, 1e200])
    @pytest.mark.parametrize("schedule", ["constant", "linear"])
    def test_an_exploding_epoch_of_batches_is_undone(self, schedule, step_size):
        reports = []
        descent, params = descend(
            Quadratic(n_rows=6),
            step_size,
            schedule=schedule,
            batch_size=2,
            max_iter=60,
            retry=True,
            watcher=Recorder(reports),
        )
        if step_size < 1e12:  # 40 halvings are enough
            assert descent.status is Status.MAX_ITER
            assert descent.loss < 0.1 * self.FIRST
        assert np.isfinite(params).all()
        assert descent.loss <= self.FIRST
        assert all(epoch.loss <= 2 * self.FIRST for epoch in reports)

    @pytest.mark.parametrize("beyond", [math.nan, math.inf, 1e300])
    @pytest.mark.parametrize("batch_size", [1, 4])
    def test_goes_back_from_where_there_is_no_loss(self, batch_size, beyond):
        objective = Quadratic(n_rows=4, beyond=beyond, reach=5.0)
        descent, params = descend(objective, 30.0, batch_size=batch_size, retry=True)
        assert descent.status is Status.MAX_ITER
        assert np.isfinite(params).all()
        assert descent.loss < 0.1 * self.FIRST

    def test_without_it_the_step_stays(self):
        descent, params = descend(Quadratic(), 10.0, max_iter=3)
        np.testing.assert_allclose(params, START * (1 - 10.0 * Quadratic.CURVATURES) ** 3)
        assert descent.status is Status.DIVERGED

    def test_the_rate_that_is_given_is_not_shortened(self):
        # The first step overshoots; the ones after it come down again.
        settings = {"batch_size": "full", "learning_rate_schedule": "constant", "tol": None}
        model = BackpropRegressor((), alpha=0, random_state=0, max_iter=3, **settings)
        inputs = X[:, :1] / X[:, 0].std() - X[:, 0].mean() / X[:, 0].std()
        with pytest.warns(ConvergenceWarning, match="diverged"):
            model.set_params(learning_rate=3.0).fit(inputs, Y[:, 0])
        assert (np.diff(model.loss_curve_) > 0).all()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.set_params(learning_rate="auto").fit(inputs, Y[:, 0])
        assert (np.diff(model.loss_curve_) <= 0).all()
        assert model.status_ == "max_iter"


@pytest.mark.parametrize("slope", [0.0, math.inf])
def test_where_nothing_bends_or_nothing_is_finite(slope):
    objective, params = problem()

    def value_and_gradient(params, rows, out, scale=1.0):
        out[...] = scale * slope * params

    objective.value_and_gradient = value_and_gradient
    assert search(objective, params) == slope


def test_a_flat_batch_does_not_hide_the_others():
    objective, params = problem(batch_size=N_ROWS // 2)
    flat = []

    def value_and_gradient(params, rows, out, scale=1.0):
        flat[:] = flat or [rows]
        out[...] = 0.0 if rows is flat[0] else scale * 2.0 * params

    objective.value_and_gradient = value_and_gradient
    assert search(objective, params) == 2.0


@pytest.mark.parametrize("loss", ["half_squared_error", "absolute_error", "huber", "quantile"])
@pytest.mark.parametrize("settings", [{}, {"fit_intercept": False}, {"conditioning": None}])
def test_the_kink_of_a_relu_does_not_decide_the_step(loss, settings):
    y = np.maximum(0.0, 3 * X[:, 0] + X[:, 1])
    relu, identity = (
        BackpropRegressor(
            6, output_activation=f, loss=loss, random_state=0, max_iter=3, **settings
        ).fit(X, y)
        for f in ("relu", "identity")
    )
    assert relu.curvature_ <= 2.0 * identity.curvature_


def test_the_curvature_at_rest_is_where_predictions_are_typical():
    objective, params = problem((4,), Y=Y + 50.0)
    rest = np.zeros_like(params)
    rest[-2:] = 50.0
    params = 0.01 * params + rest
    found = largest_curvature(objective, params, np.random.default_rng(0), rest)
    expected, expected_params = problem((4,))
    assert found == search(expected, 0.01 * expected_params)
    assert search(objective, params) > 10.0 * found


@pytest.mark.parametrize("seed", range(8))
def test_a_batch_does_not_hide_what_the_next_is_steep_along(seed):
    # Outputs saturate: along a row the one that is steepest may be flat to rounding along another.
    rng = np.random.default_rng(seed)
    X = np.column_stack(
        [rng.normal(size=10), 7.0 * (np.arange(10) == 5), 1e6 + rng.normal(size=10)]
    )
    y = 5.0 + 3.0 * rng.normal(size=(10, 2))
    params = {"output_activation": "tanh", "batch_size": 1, "max_iter": 1, "random_state": 0}
    with pytest.warns(ConvergenceWarning, match="R² is"):
        curvatures = [
            BackpropRegressor((), **params).fit(container(X), y).curvature_
            for container in (np.asarray, sparse.csr_array)
        ]
    assert curvatures[0] == curvatures[1]
