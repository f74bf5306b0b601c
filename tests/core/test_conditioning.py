"""Conditioned coordinates: what they are taken from, that they are exact, descent in them."""

import warnings
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._core import statistics
from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.conditioning import Conditioning
from skbackprop._core.network import Network
from skbackprop._core.statistics import REACH, Spread
from skbackprop._estimators import plan
from skbackprop.inspection import trace_step

FORMULAS = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "tanh": np.tanh,
    "relu": lambda z: np.where(np.real(z) > 0, z, 0),
}
# What a hidden activation is shifted by, f(0), and what its scale is.
RESTS = {"identity": 0.0, "sigmoid": 0.5, "softplus": np.log(2), "tanh": 0.0, "relu": 0.0}
UNITS = {"identity": 1.0, "sigmoid": 2.0, "softplus": 2.0, "tanh": 1.0, "relu": 1.0}


def with_explicit_zeros(array):
    rows, columns = np.indices(array.shape)
    return sparse.csr_array((array.ravel(), (rows.ravel(), columns.ravel())), shape=array.shape)


CONTAINERS = [np.asarray, sparse.csr_array, sparse.csr_matrix, with_explicit_zeros]


def forward(X, layers, activations):
    """The raw prediction of a network, as the textbook writes it."""
    a = X
    for (W, b), name in zip(layers, [*activations, "identity"], strict=True):
        a = FORMULAS[name](a @ W + b)
    return a


def complex_step(function, arrays):
    """The derivatives of function(arrays) by each element, shaped as the arrays."""
    gradients = []
    for i, array in enumerate(arrays):
        gradient = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            moved = [a.astype(complex) for a in arrays]
            moved[i][index] += 1e-30j
            gradient[index] = function(moved).imag / 1e-30
        gradients.append(gradient)
    return gradients


class TestSpread:
    X = np.random.default_rng(0).normal(size=(60, 4)) * [1, 100, 1e-3, 7] + [0, 1e3, 5, -2]
    X *= np.random.default_rng(1).random(X.shape) < [0.3, 1.0, 0.5, 0.9]
    weights = np.random.default_rng(2).integers(1, 5, size=60).astype(float)

    @pytest.mark.parametrize("chunk_elements", [4, 40, 2**17])
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("container", CONTAINERS)
    def test_moments_are_those_of_numpy(self, monkeypatch, container, weighted, chunk_elements):
        monkeypatch.setattr(statistics, "_CHUNK_ELEMENTS", chunk_elements)
        weights = self.weights if weighted else None
        moments = Spread.of(container(self.X), weights).every
        mean = np.average(self.X, axis=0, weights=weights)
        variance = np.average((self.X - mean) ** 2, axis=0, weights=weights)
        np.testing.assert_allclose(moments.mean, mean, rtol=1e-12)
        np.testing.assert_allclose(moments.std, np.sqrt(variance), rtol=1e-12)
        np.testing.assert_array_equal(moments.low, self.X.min(axis=0))
        np.testing.assert_array_equal(moments.high, self.X.max(axis=0))
        for end, at_end in ((moments.low, moments.at_low), (moments.high, moments.at_high)):
            weight = np.ones(60) if weights is None else weights
            np.testing.assert_allclose(at_end, weight @ (end == self.X), rtol=1e-12)

    @pytest.mark.parametrize("mirror", [1.0, -1.0])
    @pytest.mark.parametrize("shift", [0.0, 3.0])
    def test_a_long_tail_is_scaled_by_its_deviation(self, shift, mirror):
        tail = np.random.default_rng(0).lognormal(0.0, 2.0, size=1000)
        rare = np.where(np.arange(1000) < 501, 0.0, tail)
        spread = Spread.of(mirror * (np.column_stack([tail, rare]) + shift))
        _, scale = spread.shift_and_scale(robust=True)
        assert scale[0] == pytest.approx(tail.std(), rel=1e-9)
        reach = (rare.max() - rare.mean()) / REACH
        assert scale[1] == pytest.approx(reach, rel=1e-9)
        assert reach > 2.0 * rare.std()
        _, scale = spread.shift_and_scale(robust=False)
        assert scale[0] == pytest.approx((tail.max() - tail.mean()) / REACH, rel=1e-9)

    @pytest.mark.parametrize("container", CONTAINERS)
    def test_weights_count_as_copies(self, container):
        copies = np.repeat(self.X, self.weights.astype(int), axis=0)
        weighted, copied = Spread.of(container(self.X), self.weights), Spread.of(container(copies))
        for name in ("every", "inner"):
            one, other = getattr(weighted, name), getattr(copied, name)
            np.testing.assert_allclose(one, other, rtol=1e-12)

    @pytest.mark.parametrize("container", CONTAINERS[1:])
    def test_sparse_is_as_dense(self, container):
        of_dense, of_sparse = Spread.of(self.X), Spread.of(container(self.X))
        for name in ("every", "inner"):
            one, other = getattr(of_sparse, name), getattr(of_dense, name)
            np.testing.assert_allclose(one, other, rtol=1e-12)

    @pytest.mark.parametrize("seed", range(20))
    def test_a_zero_of_hardly_any_weight_does_not_make_a_variance_negative(self, seed):
        # Two in five of these have weights whose sum is rounded to less than that of the others.
        weights = np.random.default_rng(seed).uniform(0.1, 1.0, size=60)
        weights[0] = 1e-20
        column = np.full((60, 1), 3.0)
        column[0] = 0.0
        of_dense, of_sparse = (
            Spread.of(container(column), weights).every
            for container in (np.asarray, sparse.csr_array)
        )
        np.testing.assert_allclose(of_sparse.std, of_dense.std, atol=1e-7)

    @pytest.mark.parametrize("unit", [1e-300, 1e-160, 1.0, 1e160, 1e300])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_merged_pieces_are_the_whole(self, container, unit):
        pieces = [slice(0, 1), slice(1, 20), slice(20, 60)]
        merged, *others = (
            Spread.of(container(self.X[rows] * unit), self.weights[rows]) for rows in pieces
        )
        for other in others:
            merged = merged.merged(other)
        whole = Spread.of(self.X, self.weights).every
        assert (merged.every.weight == self.weights.sum()).all()
        for name in ("mean", "std", "low", "high"):
            expected = getattr(whole, name) * unit
            np.testing.assert_allclose(getattr(merged.every, name), expected, rtol=1e-12)

    @pytest.mark.parametrize("unit", [1e-300, 1e-160, 1e160, 1e300])
    @pytest.mark.parametrize("container", CONTAINERS)
    def test_shift_and_scale_follow_the_unit(self, container, unit):
        shift, scale = Spread.of(self.X).shift_and_scale(robust=True)
        found = Spread.of(container(self.X * unit)).shift_and_scale(robust=True)
        np.testing.assert_allclose(found, (shift * unit, scale * unit), rtol=1e-12)

    @pytest.mark.parametrize("constant", [0.0, 0.1, -1e300, 1e-300])
    @pytest.mark.parametrize("container", CONTAINERS)
    def test_a_constant_column_has_scale_1(self, container, constant):
        # The deviation of a thousand times 0.1 comes out as 3e-17, not 0.
        X = container(np.full((1000, 1), constant))
        for spread in (Spread.of(X), Spread.of(X).merged(Spread.of(X[:10]))):
            for robust in (True, False):
                shift, scale = spread.shift_and_scale(robust=robust)
                assert scale == [1.0]
                np.testing.assert_allclose(shift, [constant], rtol=1e-13)

    @pytest.mark.parametrize("container", CONTAINERS)
    def test_a_constant_column_has_no_side(self, container):
        # Its mean may come out above it: 0.1 · 0.3 + 0.9 · 0.3 > 0.3.
        for constant in np.linspace(0.1, 0.9, 9):
            moments = Spread.of(container(np.full((90, 1), constant))).every
            for other in (moments, moments._replace(weight=np.array([10.0]))):
                assert moments.merged(other).side() == [1.0]

    @pytest.mark.parametrize("container", CONTAINERS)
    def test_a_column_of_zeros_has_scale_1_around_zero(self, container):
        X = np.column_stack([np.zeros(9), np.full(9, -3.0)])
        scale = Spread.of(container(X)).every.scale_around_zero()
        np.testing.assert_allclose(scale, [1.0, -3.0], rtol=1e-14)

    @pytest.mark.parametrize("offset", [2e3, 1e5])
    def test_float32_far_from_zero(self, offset):
        X = (np.random.default_rng(0).normal(size=(3000, 2)) + offset).astype(np.float32)
        shift, scale = Spread.of(X).shift_and_scale(robust=True)
        double = X.astype(np.float64)
        np.testing.assert_allclose(shift, double.mean(axis=0), rtol=0, atol=1e-3)
        np.testing.assert_allclose(scale, double.std(axis=0), rtol=1e-4)

    @pytest.mark.parametrize("container", CONTAINERS)
    @pytest.mark.parametrize("n_on", [1, 2, 20])
    @pytest.mark.parametrize("robust", [True, False])
    def test_no_value_of_a_rare_column_is_out_of_reach(self, robust, n_on, container):
        X = np.zeros((2000, 2))
        X[:n_on, 0] = 1.0
        X[-20:, 1] = np.linspace(1.0, 2.0, 20)
        shift, scale = Spread.of(container(X)).shift_and_scale(robust=robust)
        conditioned = (X - shift) / scale
        np.testing.assert_allclose(np.abs(conditioned).max(axis=0), REACH, rtol=1e-12)

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("side", [-1.0, 1.0])
    @pytest.mark.parametrize("n_rows", [10, 11, 20, 50, 500, 4000, 20_000])
    def test_one_wild_row_at_most_doubles_the_scale(self, n_rows, side, container):
        X = np.random.default_rng(n_rows).normal(size=(n_rows, 5)) * 3.0 + 10.0
        wild = X.mean(axis=0) + side * 300.0 * X.std(axis=0)
        shift_without, scale_without = Spread.of(X).shift_and_scale(robust=True)
        rows = np.vstack([X, wild])
        spread = Spread.of(container(rows))
        shift, scale = spread.shift_and_scale(robust=True)
        assert (scale >= scale_without).all()
        assert (scale <= 2.0 * scale_without * (1 + 1e-12)).all()
        assert (np.abs(shift - shift_without) <= 0.1 * scale_without).all()
        shift, scale = spread.shift_and_scale(robust=False)
        assert (np.abs(rows - shift) <= REACH * scale * (1 + 1e-12)).all()

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("side", [-1.0, 1.0])
    def test_a_farthest_value_of_many_rows_is_not_wild(self, side, container):
        X = np.random.default_rng(0).normal(size=(300, 2)) * 1e-7
        X[:, 1] *= 1e7
        X[:20] = [side, side * 300.0]
        _, scale = Spread.of(container(X)).shift_and_scale(robust=True)
        np.testing.assert_allclose(scale, X.std(axis=0))
        # In one row it is.
        X[1:20] = 0.0
        _, scale = Spread.of(container(X)).shift_and_scale(robust=True)
        assert (scale < [1e-6, 4.0]).all()

    def test_a_weight_of_two_is_two_rows(self):
        X = np.random.default_rng(0).normal(size=(50, 1))
        X[0] = 1e6
        twice = Spread.of(np.vstack([X, X[:1]])).shift_and_scale(robust=True)
        weighted = Spread.of(X, np.append(2.0, np.ones(49))).shift_and_scale(robust=True)
        np.testing.assert_allclose(weighted, twice)


class TestActivations:
    @pytest.mark.parametrize("name", ACTIVATIONS)
    def test_conditioned_value_and_derivative(self, name):
        z = np.linspace(-6, 6, 50)
        activation = ACTIVATIONS[name].conditioned or ACTIVATIONS[name]
        value, derivative = z.copy(), np.ones_like(z)
        activation.apply(value, np.empty_like(z))
        expected = (FORMULAS[name](z) - RESTS[name]) / UNITS[name]
        np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-15)
        activation.multiply_derivative(value, derivative)
        slope = FORMULAS[name](z + 1e-30j).imag / 1e-30 / UNITS[name]
        np.testing.assert_allclose(derivative, slope, rtol=1e-12, atol=1e-15)

    def test_no_activation_is_left_out(self):
        assert set(FORMULAS) == set(RESTS) == set(UNITS) == set(ACTIVATIONS)


def signed_scale(array, *, fit_intercept=True):
    """Standard deviation or, without intercepts, root mean square, signed as the farthest value."""
    center = array.mean(axis=0) if fit_intercept else 0.0
    below = center - array.min(axis=0) > array.max(axis=0) - center
    return np.where(below, -1, 1) * np.sqrt(np.mean((array - center) ** 2, axis=0))


class TestChangeOfCoordinates:
    X = np.random.default_rng(0).normal(size=(30, 3)) * [1e-3, 1.0, 1e4] + [5e-3, 0.0, -3e4]
    Y = np.random.default_rng(1).normal(size=(30, 2)) * [1e-2, 1e3] + [1.0, 1e3]

    @pytest.fixture(params=[True, False], ids=["intercepts", "no intercepts"])
    def fit_intercept(self, request):
        return request.param

    @pytest.fixture(
        params=[
            (),
            *([name] * depth for name in ACTIVATIONS for depth in (1, 2, 3)),
            ("sigmoid", "relu", "softplus"),
        ],
        ids=lambda names: "-".join(names) or "none",
    )
    def problem(self, request, fit_intercept):
        activations = request.param
        conditioning = Conditioning.standardizing(
            Spread.of(self.X),
            Spread.of(self.Y),
            activations=[ACTIVATIONS[name] for name in activations],
            n_outputs=2,
            fit_intercept=fit_intercept,
        )
        sizes = [3, *(4, 5, 3)[: len(activations)], 2]
        network = Network(sizes, conditioning.activations, fit_intercept=fit_intercept)
        params = np.random.default_rng(2).normal(size=network.n_params)
        return activations, conditioning, network, params

    def test_raw_network_computes_what_the_conditioned_one_does(self, problem, fit_intercept):
        activations, conditioning, network, params = problem
        c, mu = (self.X.mean(axis=0), self.Y.mean(axis=0)) if fit_intercept else (0.0, 0.0)
        conditioned = network.forward(
            network.layers(params),
            (self.X - c) / signed_scale(self.X, fit_intercept=fit_intercept),
            network.buffers(30, np.dtype(float)),
        )
        raw = conditioning.to_raw(network.layers(params), np.dtype(float))
        Y = forward(self.X, raw, activations)
        np.testing.assert_allclose(
            (Y - mu) / signed_scale(self.Y, fit_intercept=fit_intercept),
            conditioned,
            rtol=0,
            atol=1e-10,
        )

    def test_there_and_back(self, problem):
        _, conditioning, network, params = problem
        back = np.full_like(params, np.nan)
        raw = conditioning.to_raw(network.layers(params), np.dtype(float))
        conditioning.from_raw(raw, network.layers(back))
        np.testing.assert_allclose(back, params, rtol=1e-12, atol=1e-12)

    def test_intercepts_stay_zero_without_them(self, problem, fit_intercept):
        _, conditioning, network, params = problem
        raw = conditioning.to_raw(network.layers(params), np.dtype(float))
        assert any(b.any() for _, b in raw) == fit_intercept


class TestStep:
    """One step from given weights, held against the same step written in raw coordinates.

    With the shift c and scale s of a layer's input and σ of its output (1 below the last layer),
    the raw weights are W = σ V / s and b = σ d + μ − cᵀ W of the conditioned V and d. From
    ∂/∂V = σ (G − c gᵀ) / s and ∂/∂d = σ g, with the raw gradient (G, g), a step of η makes
    ΔW = −η σ² (G − c gᵀ) / s² and Δb = −η σ² g − cᵀ ΔW.
    """

    X = np.random.default_rng(0).normal(size=(20, 3)) * [0.1, 1.0, 10.0] + [1.0, 0.0, -20.0]
    Y = np.sin(X @ [10.0, 1.0, 0.1])[:, np.newaxis] * [3.0, 0.2] + [7.0, -1.0]
    eta = 0.3

    def expected(self, layers, activations, loss, *, conditioned, n_outputs, fit_intercept):
        Y = self.Y[:, :n_outputs]
        scale = partial(signed_scale, fit_intercept=fit_intercept)
        sigma = scale(Y) if conditioned else np.ones(n_outputs)
        factor = 0.5 if loss == "half_squared_error" else 1.0

        def objective(flat):
            pairs = list(zip(flat[::2], flat[1::2], strict=True))
            residual = (forward(self.X, pairs, activations) - Y) / sigma
            return factor * (residual**2).sum() / len(Y)

        gradients = complex_step(objective, [array for layer in layers for array in layer])
        stepped = []
        for depth, (W, b) in enumerate(layers):
            G, g = gradients[2 * depth : 2 * depth + 2]
            c, s = np.zeros(len(W)), np.ones(len(W))
            if conditioned and depth == 0:
                c, s = self.X.mean(axis=0), scale(self.X)
            elif conditioned and fit_intercept:
                c, s = c + RESTS[activations[depth - 1]], s * UNITS[activations[depth - 1]]
            if not fit_intercept:
                c, g = np.zeros(len(W)), np.zeros(len(b))
            variance = sigma**2 if depth == len(layers) - 1 else 1.0
            step = -self.eta * variance * (G - np.outer(c, g)) / s[:, np.newaxis] ** 2
            stepped.append((W + step, b - self.eta * variance * g - c @ step))
        return stepped

    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("loss", ["half_squared_error", "squared_error"])
    @pytest.mark.parametrize("n_outputs", [1, 2])
    @pytest.mark.parametrize(
        "activations", [(), ("sigmoid",), ("softplus", "sigmoid"), ("relu", "tanh", "sigmoid")]
    )
    @pytest.mark.parametrize("conditioning", ["standardize", None])
    def test_is_the_formula(self, conditioning, activations, n_outputs, loss, fit_intercept):
        rng = np.random.default_rng(3)
        sizes = [3, *(4, 3, 2)[: len(activations)], n_outputs]
        coefs = [rng.normal(size=shape) for shape in pairwise(sizes)]
        coefs[0] /= self.X.std(axis=0)[:, np.newaxis]
        intercepts = [fit_intercept * rng.normal(size=size) for size in sizes[1:]]
        model = BackpropRegressor(
            sizes[1:-1],
            activations,
            loss=loss,
            conditioning=conditioning,
            alpha=0,
            feature_penalty=0,
            fit_intercept=fit_intercept,
            learning_rate=self.eta,
            learning_rate_schedule="constant",
            batch_size="full",
            shuffle=False,
            max_iter=1,
            tol=None,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a step may be too long
            y = self.Y[:, 0] if n_outputs == 1 else self.Y
            model.fit(self.X, y, coefs_init=coefs, intercepts_init=intercepts)
        expected = self.expected(
            list(zip(coefs, intercepts, strict=True)),
            activations,
            loss,
            conditioned=conditioning is not None,
            n_outputs=n_outputs,
            fit_intercept=fit_intercept,
        )
        for depth, (W, b) in enumerate(expected):
            moved, step = model.coefs_[depth] - coefs[depth], W - coefs[depth]
            np.testing.assert_allclose(moved, step, rtol=0, atol=1e-10 * np.abs(step).max())
            moved, step = model.intercepts_[depth] - intercepts[depth], b - intercepts[depth]
            np.testing.assert_allclose(moved, step, rtol=0, atol=1e-10 * np.abs(step).max())


RNG = np.random.default_rng(7)
X = RNG.normal(size=(90, 3))
Y = np.column_stack([np.sin(2 * X[:, 0]) + X[:, 1], X[:, 1] * X[:, 2] + 0.1 * RNG.normal(size=90)])
NEW_X = RNG.normal(size=(50, 3))
OTHER_X = X * [30.0, 0.01, 1.0] + [500.0, -3.0, 1.0]
LABELS = np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5])
TARGETS = {
    "one target": (BackpropRegressor, Y[:, 0]),
    "two targets": (BackpropRegressor, Y),
    "two classes": (BackpropClassifier, LABELS > 0),
    "three classes": (BackpropClassifier, LABELS),
}


def outputs(model, X):
    return (model.predict_proba if hasattr(model, "predict_proba") else model.predict)(X)


def assert_equal_outputs(one, other, tolerance):
    np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * np.std(other))


@pytest.fixture(params=TARGETS)
def task(request):
    """An estimator at its defaults, but for a size that is quickly fitted, and a target."""
    estimator, y = TARGETS[request.param]
    return estimator(8, max_iter=20, random_state=0), y


class TestEstimators:
    @pytest.mark.parametrize("activation", ["sigmoid", "softplus"])
    @pytest.mark.parametrize(
        ("factor", "offset"),
        [
            ([1e8, 1e-8, 3.0], [0.0, 0.0, 0.0]),
            ([1.0, 1.0, 1.0], [1e5, -1e5, 1e3]),
            ([1e8, 1e-8, 7.0], [1e13, -1e-3, 1e2]),
            ([1e-290, 1e290, 1.0], [0.0, 0.0, 0.0]),
        ],
        ids=["scales", "offsets", "both", "extreme scales"],
    )
    def test_units_and_origins_of_columns_do_not_matter(self, task, factor, offset, activation):
        model, y = task
        model.set_params(activation=activation)
        expected = outputs(model.fit(X, y), NEW_X)
        moved = outputs(model.fit(X * factor + offset, y), NEW_X * factor + offset)
        assert_equal_outputs(moved, expected, 1e-8)

    @pytest.mark.parametrize("factor", [[-1.0, 1.0, 1.0], [-1e8, -1e-8, -2.0]])
    def test_columns_may_change_sign(self, task, factor):
        model, y = task
        expected = outputs(model.fit(X, y), NEW_X)
        moved = outputs(model.fit(X * factor, y), NEW_X * factor)
        assert_equal_outputs(moved, expected, 1e-8)

    @pytest.mark.parametrize(
        ("factor", "offset"), [(1e8, 0.0), (1e-8, 0.0), (1.0, 1e5), (1e150, 0.0), (-30.0, -7.0)]
    )
    @pytest.mark.parametrize("y", [Y[:, 0], Y], ids=["one target", "two targets"])
    def test_unit_and_origin_of_targets_do_not_matter(self, y, factor, offset):
        model = BackpropRegressor(8, max_iter=20, random_state=0)
        expected = model.fit(X, y).predict(NEW_X)
        moved = model.fit(X, factor * y + offset).predict(NEW_X)
        assert_equal_outputs((moved - offset) / factor, expected, 1e-8)

    def test_targets_do_not_outweigh_each_other(self):
        model = BackpropRegressor(8, max_iter=20, random_state=0)
        expected = model.fit(X, Y).predict(NEW_X)
        moved = model.fit(X, Y * [1e6, 1e-6] + [-5.0, 1.0]).predict(NEW_X)
        assert_equal_outputs((moved - [-5.0, 1.0]) / [1e6, 1e-6], expected, 1e-8)

    def test_a_standard_scaler_in_front_changes_nothing(self, task):
        model, y = task
        raw_X, raw_new_X = (rows * [1e4, 0.1, 1.0] + [3.0, 9.0, 0.0] for rows in (X, NEW_X))
        expected = outputs(model.fit(raw_X, y), raw_new_X)
        scaled = make_pipeline(StandardScaler(), model).fit(raw_X, y)
        assert_equal_outputs(outputs(scaled, raw_new_X), expected, 1e-8)

    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("container", CONTAINERS[1:])
    def test_sparse_is_as_dense(self, task, container, fit_intercept):
        model, y = task
        model.set_params(fit_intercept=fit_intercept)
        gaps = X * (np.abs(X) > 0.7) * [1.0, 100.0, 1e-3]
        expected = outputs(model.fit(gaps, y), gaps)
        model.fit(container(gaps), y)
        assert_equal_outputs(outputs(model, container(gaps)), expected, 1e-8)
        assert_equal_outputs(outputs(model, gaps), expected, 1e-8)

    @pytest.mark.parametrize("conditioning", ["standardize", None])
    @pytest.mark.parametrize("activation", [("sigmoid", "softplus"), ("tanh", "relu")])
    def test_coefs_and_intercepts_are_those_of_an_ordinary_network(
        self, task, activation, conditioning
    ):
        model, y = task
        model.set_params(
            activation=activation, hidden_layer_sizes=(6, 5), conditioning=conditioning
        )
        model.fit(X * [1.0, 5.0, 0.2] + 3.0, y)
        new_X = NEW_X * [1.0, 5.0, 0.2] + 3.0
        z = forward(new_X, zip(model.coefs_, model.intercepts_, strict=True), activation)
        if isinstance(model, BackpropClassifier):
            z = np.hstack([np.zeros_like(z), z]) if z.shape[1] == 1 else z
            z = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        expected = z[:, 0] if z.shape[1] == 1 else z
        np.testing.assert_allclose(outputs(model, new_X), expected, rtol=1e-10, atol=1e-12)

    @pytest.mark.parametrize("offset", [2e3, 1e5])
    @pytest.mark.given_numbers
    def test_float32_agrees_with_float64(self, task, offset):
        model, y = task
        single, new_single = ((rows + offset).astype(np.float32) for rows in (X, NEW_X))
        double, new_double = single.astype(np.float64), new_single.astype(np.float64)
        expected = outputs(model.fit(double, y), new_double)
        assert_equal_outputs(outputs(model.fit(single, y), new_single), expected, 1e-4)

    def test_weights_count_as_copies_in_full_batch(self, task):
        model, y = task
        model.set_params(batch_size="full")
        weights = np.random.default_rng(0).integers(0, 4, size=len(X))
        weighted = outputs(model.fit(X, y, sample_weight=weights), NEW_X)
        rows = np.repeat(np.arange(len(X)), weights)
        assert_equal_outputs(weighted, outputs(model.fit(X[rows], y[rows]), NEW_X), 1e-10)

    @pytest.mark.parametrize("alpha", [0.0, 0.1])
    @pytest.mark.parametrize("activation", ["sigmoid", "softplus", "relu"])
    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_loss_can_be_recomputed(self, task, fit_intercept, activation, alpha):
        model, y = task
        model.set_params(activation=activation, alpha=alpha, fit_intercept=fit_intercept)
        model.set_params(feature_penalty=0)
        raw_X = X * [1.0, 50.0, 0.1] + [0.0, 10.0, 1.0]
        model.fit(raw_X, y * [30.0, 2.0] if np.ndim(y) == 2 else y)
        layers = list(zip(model.coefs_, model.intercepts_, strict=True))
        z = forward(raw_X, layers, [activation])
        n_outputs, unit = z.shape[1], 1.0
        if isinstance(model, BackpropRegressor):
            targets = (y * [30.0, 2.0] if n_outputs == 2 else y).reshape(-1, n_outputs)
            loss = (((z - targets) / model.target_scale_) ** 2).sum() / 2 / len(X)
            # Several targets weigh 1 / σ² each, and what is told is in units of the mean σ².
            unit = np.mean(model.target_scale_**2)
        else:
            z = np.hstack([np.zeros_like(z), z]) if n_outputs == 1 else z
            loss = np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), y.astype(int)])
        first = model.coefs_[0] * model.input_scale_[:, np.newaxis]
        last = model.coefs_[1] * (UNITS[activation] if fit_intercept else 1.0) / model.target_scale_
        penalty = alpha / 2 * ((first**2).sum() + (last**2).sum())
        assert model.loss_ == pytest.approx(unit * (loss + penalty), rel=1e-10)

    def test_alpha_acts_on_conditioned_coefficients(self, task):
        model, y = task
        model.set_params(alpha=0.1)
        expected = outputs(model.fit(X, y), NEW_X)
        assert_equal_outputs(outputs(model.fit(X * 1e6, y), NEW_X * 1e6), expected, 1e-8)

    def test_published_shifts_and_scales(self):
        weights = np.arange(90) % 5
        mean = np.average(X, axis=0, weights=weights)
        std = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
        target_mean = np.average(Y, axis=0, weights=weights)
        target_std = np.sqrt(np.average((Y - target_mean) ** 2, axis=0, weights=weights))
        model = BackpropRegressor(4, max_iter=5).fit(X, Y, sample_weight=weights)
        np.testing.assert_allclose(model.input_shift_, mean, rtol=1e-12)
        np.testing.assert_allclose(np.abs(model.input_scale_), std, rtol=1e-12)
        np.testing.assert_allclose(model.target_shift_, target_mean, rtol=1e-12)
        np.testing.assert_allclose(np.abs(model.target_scale_), target_std, rtol=1e-12)

    @pytest.mark.parametrize(
        ("estimator", "y", "settings"),
        [
            (BackpropClassifier, LABELS, {}),
            (BackpropRegressor, 1 / (1 + np.exp(-Y[:, 0])), {"output_activation": "sigmoid"}),
        ],
    )
    def test_targets_without_location_and_scale_stay_as_they_are(self, estimator, y, settings):
        model = estimator(4, max_iter=5, **settings).fit(X, y)
        assert not model.target_shift_.any()
        assert (model.target_scale_ == 1.0).all()

    @pytest.mark.parametrize("fit_intercept", [False, True])
    @pytest.mark.parametrize("loss", ["half_squared_error", "absolute_error", "quantile"])
    def test_targets_of_rectifiers_are_scaled_only(self, loss, fit_intercept):
        # The farthest of the first are below the mean, of the others above.
        Y_ = np.exp(Y - Y.max(axis=0))
        Y_ = np.column_stack([1.0 - Y_[:, 0], 1e6 * Y_[:, 1]])
        settings = {"loss": loss, "fit_intercept": fit_intercept, "max_iter": 2}
        identity = BackpropRegressor(4, **settings).fit(X, Y_)
        relu = BackpropRegressor(4, output_activation="relu", **settings).fit(X, Y_)
        softplus = BackpropRegressor(4, output_activation="softplus", **settings).fit(X, Y_)
        scale = np.abs(identity.target_scale_)
        np.testing.assert_array_equal(relu.target_scale_, scale)
        np.testing.assert_array_equal(softplus.target_scale_, np.maximum(scale / 100.0, 1.0))
        assert softplus.target_scale_[0] == 1.0 < softplus.target_scale_[1]
        assert not relu.target_shift_.any()
        assert not softplus.target_shift_.any()

    def test_without_intercepts_it_scales_only(self):
        model = BackpropRegressor(8, fit_intercept=False, max_iter=20, random_state=0)
        expected = model.fit(X + 1.0, Y).predict(NEW_X)
        assert not model.input_shift_.any()
        assert not model.target_shift_.any()
        np.testing.assert_allclose(
            model.input_scale_, signed_scale(X + 1.0, fit_intercept=False), rtol=1e-12
        )
        np.testing.assert_allclose(
            model.target_scale_, signed_scale(Y, fit_intercept=False), rtol=1e-12
        )
        assert not any(b.any() for b in model.intercepts_)
        factor = np.array([1e6, 1e-6, 2.0])
        scaled = model.fit((X + 1.0) * factor, Y * [10.0, 0.1]).predict(NEW_X * factor)
        assert_equal_outputs(scaled / [10.0, 0.1], expected, 1e-8)

    def test_none_leaves_everything_as_it_is(self, task):
        model, y = task
        model.set_params(conditioning=None).fit(X + 2.0, y)
        np.testing.assert_array_equal(model.input_shift_, np.zeros(3))
        np.testing.assert_array_equal(model.input_scale_, np.ones(3))
        np.testing.assert_array_equal(model.target_shift_, np.zeros(model.n_outputs_))
        np.testing.assert_array_equal(model.target_scale_, np.ones(model.n_outputs_))


class TestGoingOn:
    @staticmethod
    def other(y):
        """A target of the same kind, far from the first."""
        return np.roll(y, 7, axis=0) * 50 + 200 if y.dtype == float else np.roll(y, 7)

    @pytest.mark.parametrize("settings", [{}, {"conditioning": None}, {"fit_intercept": False}])
    @pytest.mark.parametrize("way", ["partial_fit", "warm_start"])
    def test_a_step_of_nothing_on_other_data_does_not_move_predictions(self, task, way, settings):
        model, y = task
        model.set_params(**settings).fit(X, y)
        expected, shift = outputs(model, NEW_X), model.input_shift_
        model.set_params(learning_rate=1e-300, warm_start=True, max_iter=1, tol=None)
        go_on = model.partial_fit if way == "partial_fit" else model.fit
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            go_on(OTHER_X, self.other(y))
        assert (shift != model.input_shift_).all() or settings
        assert_equal_outputs(outputs(model, NEW_X), expected, 1e-10)

    def test_statistics_of_a_stream_are_those_of_all_its_rows(self):
        model = BackpropRegressor(4, random_state=0)
        weights = 1.0 + np.arange(90) % 3
        for i in range(0, 90, 18):
            rows = slice(i, i + 18)
            model.partial_fit(X[rows], Y[rows], sample_weight=weights[rows])
        whole = BackpropRegressor(4, random_state=0, max_iter=1, tol=None)
        whole.fit(X, Y, sample_weight=weights)
        for name in ("input_shift_", "input_scale_", "target_shift_", "target_scale_"):
            np.testing.assert_allclose(getattr(model, name), getattr(whole, name), rtol=1e-12)

    def test_a_fit_forgets_what_was_seen_before(self):
        model = BackpropRegressor(4, warm_start=True, max_iter=5).fit(OTHER_X, Y)
        model.fit(X, Y)
        np.testing.assert_allclose(model.input_shift_, X.mean(axis=0), rtol=1e-12)

    def test_curvature_is_searched_again_once_a_scale_has_doubled(self, monkeypatch):
        searched = []
        search = plan.largest_curvature

        def counted(*args):
            searched.append(search(*args))
            return searched[-1]

        monkeypatch.setattr(plan, "largest_curvature", counted)
        model = BackpropRegressor(random_state=0).partial_fit(X, Y)
        assert len(searched) == 1
        for factor in (1.0, 1.2, 0.8):
            model.partial_fit(X * factor, Y)
        assert len(searched) == 1
        for _ in range(3):
            model.partial_fit(X * [1.0, 10.0, 1.0], Y)
        assert len(searched) == 2
        model.partial_fit(X, Y * [1.0, 100.0])
        assert len(searched) == 3
        assert model.curvature_ == searched[-1]
        # A stream takes half the step of a fit, which decays from 1.5 / λ to zero.
        assert model.learning_rate_ * model.curvature_ == pytest.approx(0.75)

    def test_initial_weights_given_are_those_of_the_network_on_raw_inputs(self, task):
        model, y = task
        fitted = model.fit(OTHER_X, y)
        given = {"coefs_init": fitted.coefs_, "intercepts_init": fitted.intercepts_}
        expected = outputs(fitted, OTHER_X)
        model.set_params(learning_rate=1e-300, max_iter=1, tol=None)
        assert_equal_outputs(outputs(model.fit(OTHER_X, y, **given), OTHER_X), expected, 1e-10)

    def test_a_column_that_varies_late_is_learned(self):
        Z = np.random.default_rng(0).normal(size=(2000, 3)) * 1e4
        y = Z @ [1.0, 2.0, -1.0]
        Z[:32, 0] = 5.0
        model = BackpropRegressor(20, random_state=0).partial_fit(Z[:32], y[:32])
        before = model.predict(Z[:32])
        model.set_params(learning_rate=1e-300).partial_fit(Z[32:64], y[32:64])
        assert_equal_outputs(model.predict(Z[:32]), before, 1e-8)
        model.set_params(learning_rate="auto")
        for start in range(64, 2000, 32):
            model.partial_fit(Z[start : start + 32], y[start : start + 32])
        assert model.score(Z, y) > 0.9

    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_a_column_that_varies_late_does_not_move_the_function(self, fit_intercept):
        Z = np.random.default_rng(0).normal(size=(64, 3)) * 1e4
        Z[:32, 0] = 5.0
        model = BackpropRegressor(4, fit_intercept=fit_intercept, random_state=0)
        before = model.partial_fit(Z[:32], Z[:32, 1]).predict(Z[:32])
        model.set_params(learning_rate=1e-300).partial_fit(Z[32:], Z[32:, 1])
        assert_equal_outputs(model.predict(Z[:32]), before, 1e-8)

    def test_another_objective_is_searched_anew(self):
        y = X @ [1.0, 2.0, -1.0]
        model = BackpropRegressor(8, random_state=0).partial_fit(X, y)
        curvature = model.curvature_
        model.set_params(loss_reduction="sum").partial_fit(X, y)
        assert model.curvature_ > 10 * curvature


def test_scales_do_not_depend_on_the_order_of_rows():
    array = np.random.default_rng(0).normal(size=(8192, 2))
    array[::4] *= 1e-3
    shuffled = np.random.default_rng(1).permutation(array)
    for robust in (False, True):
        np.testing.assert_allclose(
            Spread.of(array).shift_and_scale(robust=robust)[1],
            Spread.of(shuffled).shift_and_scale(robust=robust)[1],
            rtol=1e-12,
        )


def test_without_intercepts_an_offset_is_no_harm():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(300, 3)) + 100.0
    y = Z @ [1.0, 2.0, -1.0]
    model = BackpropRegressor((), fit_intercept=False, alpha=0, random_state=0).fit(Z, y)
    assert np.abs(model.predict(Z) - y).max() < 0.05 * np.abs(y).mean()


def test_duplicate_entries_of_a_sparse_matrix_count_as_their_sum():
    dense = np.random.default_rng(0).integers(0, 2, size=(60, 4)).astype(float)
    halves = sparse.csr_array(dense / 2)
    doubled = sparse.csr_array(
        (
            np.repeat(halves.data, 2),
            np.repeat(halves.indices, 2),
            2 * halves.indptr,
        ),
        shape=dense.shape,
    )
    before = doubled.nnz
    settings = {"hidden_layer_sizes": 4, "max_iter": 5, "random_state": 0}
    fits = [BackpropRegressor(**settings).fit(Z, dense.sum(axis=1)) for Z in (doubled, dense)]
    np.testing.assert_allclose(fits[0].input_scale_, fits[1].input_scale_, rtol=1e-12)
    assert doubled.nnz == before


def test_of_two_rows_neither_is_the_farther_one():
    for pair in np.random.default_rng(0).normal(size=(200, 2, 1)).astype(np.float32):
        assert Spread.of(pair).every.side() == 1.0


class TestConstants:
    """What does not vary in training has no say in the predictions."""

    CONSTANTS = (0.1, 0.0, -3e5, np.finfo(float).max)

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("hidden_layer_sizes", [(), 5, (4, 3)])
    @pytest.mark.parametrize("estimator", [BackpropClassifier, BackpropRegressor])
    def test_a_constant_column_has_a_coefficient_of_zero(
        self, estimator, hidden_layer_sizes, container, rng
    ):
        X = rng.normal(size=(40, 6))
        X[:, 1:5] = self.CONSTANTS
        y = X[:, 0] + X[:, 5] > 0.0
        model = estimator(hidden_layer_sizes, max_iter=5, random_state=0)
        model.fit(container(X), y)
        assert not model.coefs_[0][1:5].any()
        assert (model.coefs_[0][[0, 5]] != 0.0).all()

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_without_conditioning_that_is_so_of_zeros(self, container, rng):
        X = np.column_stack([rng.normal(size=40), np.zeros(40), np.ones(40)])
        settings = {"conditioning": None, "learning_rate": 0.1, "max_iter": 3, "random_state": 0}
        model = BackpropRegressor(4, tol=None, **settings).fit(container(X), X[:, 0])
        assert (model.coefs_[0] != 0.0).all(axis=1).tolist() == [True, False, True]
        assert not model.coefs_[0][1].any()

    def test_without_intercepts_a_constant_stands_for_one(self, rng):
        X = np.column_stack([rng.normal(size=60), np.full(60, 2.0), np.zeros(60)])
        model = BackpropRegressor((), fit_intercept=False, alpha=0, random_state=0)
        model.fit(X, X[:, 0] + 4.0)
        np.testing.assert_allclose(model.coefs_[0][:, 0], [1.0, 2.0, 0.0], atol=1e-3)

    def test_the_draws_of_other_columns_stay(self, rng):
        X = rng.normal(size=(40, 3))
        constant = X * [1.0, 0.0, 1.0]
        settings = {"learning_rate": 1e-300, "max_iter": 1, "tol": None, "random_state": 0}
        one, other = (
            BackpropClassifier(4, **settings).fit(data, X[:, 0] > 0.0) for data in (X, constant)
        )
        np.testing.assert_array_equal(other.coefs_[0][[0, 2]], one.coefs_[0][[0, 2]])

    def test_a_stream_learns_a_column_that_begins_to_vary(self, rng):
        X = rng.normal(size=(200, 2))
        y = X @ [1.0, 2.0]
        model = BackpropRegressor(10, random_state=0)
        model.partial_fit(X * [1.0, 0.0], X[:, 0])
        assert not model.coefs_[0][1].any()
        for _ in range(100):
            model.partial_fit(X, y)
        assert model.score(X, y) > 0.95

    @pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
    @pytest.mark.parametrize("estimator", [BackpropClassifier, BackpropRegressor])
    @pytest.mark.parametrize("begin", ["row by row", "constant rows", "zeros", "warm start"])
    def test_what_begins_to_vary_is_learnt(self, begin, estimator, activation, rng):
        """From zeros alone, no unit would ever leave the start."""
        # A single draw decides little about steps on one row of a class.
        n_draws = 5 if begin == "row by row" and estimator is BackpropClassifier else 1
        scores = [
            self._score_of_what_begins(begin, estimator, activation, rng) for _ in range(n_draws)
        ]
        assert np.median(scores) > (0.7 if estimator is BackpropClassifier else 0.6)

    def _score_of_what_begins(self, begin, estimator, activation, rng):
        X = rng.normal(size=(600, 3))
        y = 2.0 * X[:, 0] + np.sin(X[:, 1])
        y = y > 0.0 if estimator is BackpropClassifier else y
        classes = {"classes": [False, True]} if estimator is BackpropClassifier else {}
        model = estimator(100, activation=activation, random_state=1)
        if begin == "warm start":
            model.set_params(warm_start=True).fit(np.ones((4, 3)), y[:4]).fit(X, y)
        elif begin == "row by row":
            for i in range(600):
                model.partial_fit(X[i : i + 1], y[i : i + 1], **classes)
        else:
            first = np.ones((4, 3))
            if begin == "zeros":
                model.set_params(conditioning=None, learning_rate=0.02)
                first = np.zeros((4, 3))
            model.partial_fit(first, np.full(4, y[0]), **classes)
            for _ in range(2):
                for i in range(0, 600, 10):
                    model.partial_fit(X[i : i + 10], y[i : i + 10])
        return model.score(X, y)

    def test_a_column_that_begins_to_vary_does_not_move_the_function_where_it_was(self, rng):
        X = rng.normal(size=(50, 2))
        X[:, 1] = 3.0
        model = BackpropRegressor(5, alpha=0, random_state=0)
        before = model.partial_fit(X, X[:, 0]).predict(X)
        new = X + [0.0, 1.0] * rng.normal(size=(50, 1))
        model.set_params(learning_rate=1e-300).partial_fit(new, X[:, 0])
        assert model.coefs_[0][1].all()
        np.testing.assert_allclose(model.predict(X), before, rtol=1e-12, atol=1e-12)

    def test_rows_to_validate_on_are_measured_by_the_fitted_network(self, rng):
        """Also where columns that vary in them do not in the rows of a later fit."""
        X, X_val = rng.normal(size=(100, 3)), rng.normal(size=(50, 3))
        settings = {"loss": "squared_error", "max_iter": 3, "tol": None, "warm_start": True}
        model = BackpropRegressor(4, random_state=0, **settings).fit(X, 2.0 * X[:, 0])
        X[:, 2] = 5.0
        y_val = X_val @ [2.0, 0.0, 1.0]
        model.set_params(scoring="neg_mean_squared_error")
        model.fit(X, 2.0 * X[:, 0], X_val=X_val, y_val=y_val)
        np.testing.assert_allclose(
            model.validation_loss_curve_, np.negative(model.validation_scores_), rtol=1e-12
        )

    def test_given_intercepts_stay(self, rng):
        X = np.column_stack([rng.normal(size=20), np.full(20, 9.0)])
        settings = {"learning_rate": 1e-300, "alpha": 0, "max_iter": 1, "tol": None}
        model = BackpropRegressor((), random_state=0, **settings)
        model.fit(X, X[:, 0], intercepts_init=[[2.5]])
        assert model.coefs_[0][1] == 0.0
        np.testing.assert_allclose(model.intercepts_[0], [2.5], rtol=1e-14)

    def test_a_trace_begins_as_a_fit(self, rng):
        X = np.column_stack([rng.normal(size=20), np.full(20, 9.0)])
        trace = trace_step(BackpropRegressor(3, random_state=0), X, X[:, 0])
        assert trace.layers[0].coef[0].all()
        assert not trace.layers[0].coef[1].any()

    def test_given_coefficients_stay(self):
        given = [np.array([[1.0], [2.0]])]
        model = BackpropRegressor((), learning_rate=1e-300, alpha=0, max_iter=1, tol=None)
        model.fit([[1.0, 3.0], [2.0, 3.0]], [1.0, 2.0], coefs_init=given)
        np.testing.assert_allclose(model.coefs_[0], given[0], rtol=1e-14)

    @pytest.mark.parametrize("value", [-3e-5, 0.1, 0.0, 1e-30, -1e30])
    @pytest.mark.parametrize("loss", ["half_squared_error", "absolute_error", "huber", "quantile"])
    def test_a_constant_target_is_predicted_to_the_last_digit(self, loss, value, rng):
        X = rng.normal(size=(30, 2))
        model = BackpropRegressor(loss=loss, max_iter=3, random_state=0)
        np.testing.assert_allclose(
            model.fit(X, np.full(30, value)).predict(10.0 * X), value, rtol=1e-14
        )

    def test_one_of_two_targets_may_be_constant(self, rng):
        X = rng.normal(size=(60, 2))
        y = np.column_stack([X[:, 0], np.full(60, 7.3)])
        y_pred = BackpropRegressor(random_state=0).fit(X, y).predict(X)
        np.testing.assert_allclose(y_pred[:, 1], 7.3, rtol=1e-14)
        assert np.corrcoef(y_pred[:, 0], y[:, 0])[0, 1] > 0.95

    def test_a_stream_of_targets_that_begin_to_vary(self, rng):
        X = rng.normal(size=(200, 2))
        model = BackpropRegressor(10, random_state=0).partial_fit(X, np.full(200, 5.0))
        np.testing.assert_allclose(model.predict(X), 5.0, rtol=1e-14)
        for _ in range(100):
            model.partial_fit(X, X[:, 0])
        assert model.score(X, X[:, 0]) > 0.9


@pytest.mark.parametrize("n_columns", [10, 2**10, 2**14])
def test_moments_of_sparse_rows_are_linear_in_entries_and_columns(n_columns, monkeypatch):
    """Each chunk costs a pass over its entries and one over the columns."""
    density = min(0.5, 20 / n_columns)
    X = sparse.random(3000, n_columns, density=density, format="csr", random_state=0)
    of_chunk, work = statistics._sparse_moments, []

    def counted(chunk, *args):
        work.append(chunk.nnz + chunk.shape[1])
        return of_chunk(chunk, *args)

    monkeypatch.setattr(statistics, "_sparse_moments", counted)
    monkeypatch.setattr(statistics, "_CHUNK_ELEMENTS", 1000)
    spread = statistics.Spread.of(X)
    # Two passes: over all values, and without the farthest.
    assert sum(work) <= 2 * (3 * X.nnz + n_columns)
    assert len(work) > 2
    np.testing.assert_allclose(spread.every.mean, X.toarray().mean(axis=0), rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(spread.every.std, X.toarray().std(axis=0), rtol=1e-12)
