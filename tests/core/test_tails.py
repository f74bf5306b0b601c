"""Long tails: which columns have one, the map that tames them, and descent on what it returns."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_friedman1
from sklearn.exceptions import ConvergenceWarning

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._core import rows, statistics
from skbackprop._core.statistics import Spread
from skbackprop._core.tails import NO_TAILS, Tails
from skbackprop.inspection import check_gradient, record_fit, trace_step

CONTAINERS = [np.asarray, sparse.csr_array, sparse.csr_matrix]


@pytest.fixture(name="X")
def _inputs(rng):
    """Columns that are normal, long-tailed, rarely on, constant, of three values, with one wild."""
    X = np.empty((400, 6))
    X[:, 0] = rng.normal(5.0, 2.0, 400)
    X[:, 1] = rng.lognormal(0.0, 1.5, 400)
    X[:, 2] = np.where(rng.random(400) < 0.1, rng.lognormal(0.0, 2.0, 400), 0.0)
    X[:, 3] = 7.0
    X[:, 4] = rng.integers(3, size=400)
    X[:, 5] = rng.normal(-3.0, 0.1, 400)
    X[17, 1], X[17, 5] = 1e3, 1e5
    return X


@pytest.fixture(name="y")
def _targets(X, rng):
    return X[:, 0] + np.log(X[:, 1]) + X[:, 4] + 0.1 * rng.normal(size=len(X))


def tamed(X, center, scale):
    """The formula, column by column."""
    X = np.array(X, dtype=float)
    for k in np.flatnonzero(np.isfinite(scale)):
        u = (X[:, k] - center[k]) / scale[k]
        X[:, k] = center[k] + scale[k] * 2.0 * np.arcsinh(np.arcsinh(u) / 2.0)
    return X


def robust(x):
    """Median and three robust deviations."""
    lower, center, upper = np.quantile(x, [0.25, 0.5, 0.75], method="averaged_inverted_cdf")
    return center, 3.0 * (upper - lower) / 1.3489795003921634


class TestFound:
    @pytest.mark.parametrize("container", CONTAINERS)
    def test_columns_that_vary_and_have_a_value_far_out(self, X, container):
        tails = Spread.of_inputs(container(X), None).tails
        assert tails.columns.tolist() == [1, 5]
        expected = [robust(X[:, k]) for k in tails.columns]
        np.testing.assert_allclose(np.transpose([tails.center, tails.scale]), expected, rtol=1e-12)

    def test_not_in_few_rows(self):
        # The farthest of n values is at most (n − 1) / √n deviations away.
        values = np.zeros(27) + 0.01 * np.arange(27)
        values[0] = 1e9
        assert not Spread.of_inputs(values[:26, np.newaxis], None).tails
        assert Spread.of_inputs(values[:, np.newaxis], None).tails

    def test_not_of_many_normal_numbers(self):
        # Of 200,000 some are five deviations away, but none is six.
        x = np.random.default_rng(8).normal(size=(200_000, 1))
        x[0] = 5.5
        assert not Spread.of_inputs(x, None).tails
        x[0] = 6.5
        assert Spread.of_inputs(x, None).tails

    def test_signed_sparse_columns_are_not_gathered(self, monkeypatch):
        X = sparse.random(400, 3000, density=0.01, format="csr", random_state=0)
        X.data -= 0.5
        wide = []
        quartiles = statistics._quartiles
        monkeypatch.setattr(
            statistics, "_quartiles", lambda *args: wide.append(args[0].shape) or quartiles(*args)
        )
        assert not Spread.of_inputs(X, None).tails
        assert not wide
        X = sparse.hstack([X, np.random.default_rng(0).standard_cauchy((400, 3))], format="csr")
        assert Spread.of_inputs(X, None).tails.columns.tolist() == [3000, 3001, 3002]
        assert wide == [(400, 3)]

    def test_groups_of_columns(self, rng, monkeypatch):
        X = rng.standard_cauchy((300, 5))
        expected = Spread.of_inputs(X, None).tails
        monkeypatch.setattr(statistics, "_COLUMNS_ELEMENTS", 600)
        for container in CONTAINERS:
            for ours, whole in zip(
                Spread.of_inputs(container(X), None).tails, expected, strict=True
            ):
                np.testing.assert_array_equal(ours, whole)

    def test_not_where_most_values_are_equal(self, rng):
        x = np.append(np.full(300, 2.0), rng.normal(2.0, 1e3, 100))
        assert not Spread.of_inputs(rng.permutation(x)[:, np.newaxis], None).tails

    @pytest.mark.parametrize("container", CONTAINERS)
    def test_weights_count_as_copies(self, X, container, rng):
        weights = rng.integers(1, 4, len(X))
        weighted = Spread.of_inputs(container(X), weights.astype(float))
        copies = Spread.of_inputs(container(np.repeat(X, weights, axis=0)), None)
        for ours, other in zip(weighted.tails, copies.tails, strict=True):
            np.testing.assert_allclose(ours, other, rtol=1e-12)
        np.testing.assert_allclose(weighted.every, copies.every, rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize("container", CONTAINERS)
    @pytest.mark.parametrize("chunk_elements", [50, 2**17])
    def test_the_spread_is_that_of_tamed_columns(self, X, container, chunk_elements, monkeypatch):
        monkeypatch.setattr(statistics, "_CHUNK_ELEMENTS", chunk_elements)
        spread = Spread.of_inputs(container(X), None)
        Z = tamed(X, *spread.tails.of_each(6))
        expected = Spread.of(Z)
        np.testing.assert_allclose(spread.every, expected.every, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(spread.inner, expected.inner, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(spread.every.mean, Z.mean(axis=0), rtol=1e-9)


class TestMap:
    TAILS = Tails(np.array([0, 2]), np.array([1.0, -20.0]), np.array([2.0, 0.5]))

    def test_is_the_formula(self):
        X = np.array([[1.0, 5.0, -20.0], [3.0, 6.0, -19.5], [1e9, 7.0, -1e9]])
        expected = X.copy()
        # asinh(x) = log(x + √(x² + 1)), by hand.
        half = 0.5 * np.log(1.0 + np.sqrt(2.0))
        near = np.log(half + np.sqrt(half**2 + 1.0))
        expected[1, [0, 2]] = 1.0 + 2.0 * 2.0 * near, -20.0 + 0.5 * 2.0 * near
        for k, size, sign in ((0, (1e9 - 1.0) / 2.0, 1.0), (2, (1e9 - 20.0) / 0.5, -1.0)):
            half = 0.5 * np.log(2.0 * size)
            far = 2.0 * np.log(half + np.sqrt(half**2 + 1.0))
            expected[2, k] = X[0, k] + sign * [2.0, 0, 0.5][k] * far
        np.testing.assert_allclose(self.TAILS.tamed(X), expected, rtol=1e-9)
        X = sparse.csr_array(X)
        entries = self.TAILS.tamed_entries(X) + self.TAILS.at_zero(3)[X.indices]
        np.testing.assert_allclose(entries, expected.ravel(), rtol=1e-9)

    def test_hardly_moves_what_is_near_and_keeps_the_order(self):
        tails = Tails(np.array([0]), np.array([4.0]), np.array([3.0]))
        x = np.linspace(-1e4, 1e4, 100_001)[:, np.newaxis]
        near = np.abs(x - 4.0) < 1.0
        assert np.abs(tails.tamed(x) - x)[near].max() < 0.02
        assert (np.diff(tails.tamed(x), axis=0) > 0.0).all()

    @pytest.mark.parametrize("container", CONTAINERS)
    def test_no_distance_is_too_long(self, container, rng):
        x = rng.normal(size=(400, 1)) * 1e-3
        x[7] = 1e308
        spread = Spread.of_inputs(container(x), None)
        assert 0.0 < spread.every.high[0] < 1.0

    def test_a_column_of_float32_far_from_zero_keeps_its_digits(self, rng):
        x = (1e6 + rng.standard_cauchy((400, 1))).astype(np.float32)
        tails = Spread.of_inputs(x, None).tails
        u = (x.astype(float) - tails.center) / tails.scale
        expected = 2.0 * tails.scale * np.arcsinh(0.5 * np.arcsinh(u))
        np.testing.assert_allclose(tails.columns_tamed(x, tails.center), expected, atol=1e-9)

    @pytest.mark.parametrize(("robust", "reach"), [(True, np.inf), (False, 10.0)])
    def test_before_units_that_are_not_bounded_the_farthest_value_is_at_10(
        self, robust, reach, rng
    ):
        x = rng.normal(size=(400, 1))
        x[0] = 1e9
        spread = Spread.of_inputs(x, None)
        shift, scale = spread.shift_and_scale(robust=robust)
        farthest = (spread.tails.tamed(x)[0, 0] - shift[0]) / scale[0]
        expected = min(reach, farthest)
        assert farthest == pytest.approx(expected)
        assert farthest > 9.9
        np.testing.assert_allclose(scale > 1.05 * spread.every.std, not robust)

    def test_without_tails_nothing_is_copied(self, X):
        assert NO_TAILS.tamed(X) is X

    def test_of_all_and_back(self):
        again = Tails.of_all(*self.TAILS.of_each(4))
        for ours, expected in zip(again, self.TAILS, strict=True):
            np.testing.assert_array_equal(ours, expected)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("small", [0, 2**18])
    @pytest.mark.parametrize("container", CONTAINERS)
    def test_rows_of_a_batch(self, X, dtype, small, container, monkeypatch):
        monkeypatch.setattr(rows, "_SMALL", small)
        X = X.astype(dtype)
        before = X.copy()
        spread = Spread.of_inputs(X, None)
        shift, scale = spread.shift_and_scale(robust=True)
        inputs = rows.Inputs(container(X), 7, tails=spread.tails, shift=shift, scale=scale)
        expected = (tamed(X, *spread.tails.of_each(6)) - shift) / scale
        for batch in (np.array([17, 3, 390, 0, 1, 2, 4]), slice(14, 20), np.array([17])):
            taken = inputs.take(batch)
            if container is not np.asarray:
                taken = taken.dot(np.eye(6, dtype=dtype), np.empty((len(before[batch]), 6), dtype))
            tolerance = 1e-12 if dtype == np.float64 else 2e-5
            np.testing.assert_allclose(taken, expected[batch], rtol=tolerance, atol=tolerance)
        np.testing.assert_array_equal(X, before)


def network(**settings):
    return BackpropRegressor((8, 4), max_iter=20, random_state=0, **settings)


class TestEstimators:
    def test_is_an_ordinary_network_on_tamed_inputs(self, X, y):
        model = network().fit(X, y)
        assert np.flatnonzero(np.isfinite(model.tail_scale_)).tolist() == [1, 5]
        a = tamed(X, model.tail_center_, model.tail_scale_)
        for W, b in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True):
            a = 1.0 / (1.0 + np.exp(-(a @ W + b)))
        y_pred = (a @ model.coefs_[-1] + model.intercepts_[-1])[:, 0]
        np.testing.assert_allclose(model.predict(X), y_pred, rtol=1e-9)

    @pytest.mark.parametrize("container", CONTAINERS[1:])
    def test_sparse_is_as_dense(self, X, y, container):
        dense, other = network().fit(X, y), network().fit(container(X), y)
        np.testing.assert_allclose(other.tail_scale_, dense.tail_scale_, rtol=1e-12)
        np.testing.assert_allclose(other.predict(container(X)), other.predict(X), rtol=1e-9)
        np.testing.assert_allclose(other.predict(X), dense.predict(X), rtol=2e-3, atol=2e-3)

    def test_float32_agrees_with_float64(self, X, y):
        X = X.astype(np.float32)
        single, double = network().fit(X, y), network().fit(X.astype(float), y)
        np.testing.assert_allclose(single.predict(X), double.predict(X), rtol=2e-3, atol=2e-3)

    @pytest.mark.parametrize(("factor", "offset"), [(-1.0, 0.0), (1e-6, 3.0), (1e4, -5e4)])
    def test_units_and_origins_of_columns_do_not_matter(self, X, y, factor, offset):
        expected, moved = network().fit(X, y), network().fit(factor * X + offset, y)
        y_pred = moved.predict(factor * X + offset)
        np.testing.assert_allclose(y_pred, expected.predict(X), rtol=2e-3, atol=2e-3)

    @pytest.mark.parametrize("activation", ["sigmoid", "softplus", "tanh", "relu"])
    def test_a_single_wild_value_does_no_harm(self, activation):
        X, y = make_friedman1(600, n_features=5, random_state=0)
        new_X, new_y = make_friedman1(600, n_features=5, random_state=1)
        wild = X.copy()
        wild[7, 3] = 1e6
        model = BackpropRegressor(activation=activation, random_state=0)
        score, with_wild = (model.fit(rows, y).score(new_X, new_y) for rows in (X, wild))
        assert score > 0.95
        assert with_wild > score - 0.02

    def test_columns_without_moments(self, rng):
        T = np.tan(np.pi * rng.uniform(-0.499, 0.499, size=(1200, 3)))
        y = np.arctan(T[:, 0]) + np.arctan(T[:, 1]) * np.arctan(T[:, 2])
        model = BackpropRegressor(random_state=0).fit(T[:800], y[:800])
        assert np.isfinite(model.tail_scale_).all()
        assert model.score(T[800:], y[800:]) > 0.9

    def test_a_linear_network_stays_linear(self, X, y):
        model = BackpropRegressor((), random_state=0).fit(X, y)
        assert np.isinf(model.tail_scale_).all()
        expected = X @ model.coefs_[0][:, 0] + model.intercepts_[0]
        np.testing.assert_allclose(model.predict(X), expected, rtol=1e-9)

    @pytest.mark.parametrize(
        "settings",
        [
            {"fit_intercept": False},
            {"conditioning": None, "learning_rate": 1e-9},
            {"activation": "identity"},
        ],
    )
    def test_none_are_tamed(self, X, y, settings):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = network(**settings).fit(X, y)
        assert np.isinf(model.tail_scale_).all()
        assert not model.tail_center_.any()

    @pytest.mark.parametrize("way", ["partial_fit", "warm_start"])
    @pytest.mark.parametrize("settings", [{}, {"conditioning": None}])
    def test_a_fit_that_goes_on_keeps_them(self, X, y, way, settings):
        model = network(warm_start=True).fit(X, y)
        expected, scale = model.predict(X), model.tail_scale_
        model.set_params(learning_rate=1e-12, max_iter=1, tol=None, **settings)
        go_on = model.partial_fit if way == "partial_fit" else model.fit
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            go_on(X[:100] ** 3, y[:100])
        np.testing.assert_array_equal(model.tail_scale_, scale)
        np.testing.assert_allclose(model.predict(X), expected, rtol=1e-7)

    def test_those_of_a_stream_are_of_its_first_rows(self, X, y):
        stream = network()
        for start in range(0, 400, 200):
            stream.partial_fit(X[start : start + 200], y[start : start + 200])
        center, scale = robust(X[:200, 1])
        np.testing.assert_allclose(stream.tail_center_[1], center, rtol=1e-12)
        np.testing.assert_allclose(stream.tail_scale_[1], scale, rtol=1e-12)
        Z = tamed(X, stream.tail_center_, stream.tail_scale_)
        np.testing.assert_allclose(np.abs(stream.input_scale_[1]), Z[:, 1].std(), rtol=1e-9)

    def test_rows_to_validate_on_are_tamed(self, X, y):
        model = network(early_stopping=False)
        model.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
        residuals = y[300:] - model.predict(X[300:])
        best = model.validation_loss_curve_[model.best_iter_ - 1]
        np.testing.assert_allclose(best, 0.5 * np.mean(residuals**2), rtol=1e-4)

    def test_the_trace_has_tamed_inputs_and_says_so(self, X, y):
        model = network().fit(X, y)
        trace = trace_step(model, X[:20], y[:20])
        expected = tamed(X[:20], model.tail_center_, model.tail_scale_)
        np.testing.assert_allclose(trace.layers[0].inputs, expected, rtol=1e-12)
        np.testing.assert_allclose(trace.layers[-1].a[:, 0], model.predict(X[:20]), rtol=1e-9)
        assert "Inputs with long tails are tamed: x₂, x₆." in str(trace)
        trace = trace_step(model, sparse.csr_array(X[:20]), y[:20])
        np.testing.assert_allclose(trace.layers[0].inputs, expected, rtol=1e-12)
        assert check_gradient(model, X[:50], y[:50]).passed

    def test_pages_of_a_recording_name_tamed_inputs(self, X, y):
        model = BackpropRegressor(2, batch_size="full", max_iter=2, tol=None, random_state=0)
        page = record_fit(model, X[:60, [0, 1]], y[:60]).to_html()
        assert "T(x2)" in page
        assert "T(x1)" not in page

    def test_a_classifier(self, X, y):
        labels = np.where(y > np.median(y), "high", "low")
        model = BackpropClassifier((8,), random_state=0).fit(X, labels)
        assert np.isfinite(model.tail_scale_).tolist() == [False, True, False, False, False, True]
        assert model.score(X, labels) > 0.95
