"""The network: its flat parameters, buffers, chunks, and the draw of the initial weights."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_wine

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._core import network as network_module
from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.network import Network
from skbackprop._core.prediction import predict_rows
from skbackprop._core.rows import Batches, Inputs
from skbackprop._estimators import plan

SIGMOID, RELU = ACTIVATIONS["sigmoid"], ACTIVATIONS["relu"]
# The shortest fit: one epoch whose steps round to nothing, which leaves the initial weights.
UNTRAINED = {
    "conditioning": None,
    "alpha": 0.0,
    "learning_rate": 1e-300,
    "max_iter": 1,
    "tol": None,
    "random_state": 0,
}


def random_network(*, fit_intercept=True):
    network = Network([3, 4, 2], [SIGMOID], fit_intercept=fit_intercept)
    params = np.random.default_rng(0).normal(size=network.n_params)
    return network, params


def one_pass(network, params, X):
    raw_prediction = network.forward(
        network.layers(params), X, network.buffers(X.shape[0], np.dtype(float))
    )
    return raw_prediction.copy()


class TestParameters:
    def test_coefficients_come_first_then_intercepts(self):
        network = Network([2, 3, 1], [RELU])
        (coef_0, intercept_0), (coef_1, intercept_1) = network.layers(np.arange(13))
        assert (network.n_coefs, network.n_params) == (9, 13)
        np.testing.assert_array_equal(coef_0, [[0, 1, 2], [3, 4, 5]])
        np.testing.assert_array_equal(coef_1, [[6], [7], [8]])
        np.testing.assert_array_equal(intercept_0, [9, 10, 11])
        np.testing.assert_array_equal(intercept_1, [12])

    def test_without_intercepts(self):
        network = Network([2, 3, 1], [RELU], fit_intercept=False)
        layers = network.layers(np.arange(9))
        assert network.n_params == network.n_coefs == 9
        assert [layer.coef.shape for layer in layers] == [(2, 3), (3, 1)]
        assert [layer.intercept for layer in layers] == [None, None]

    def test_layers_are_views(self):
        network, params = random_network()
        for number, layer in enumerate(network.layers(params)):
            layer.coef[...] = number
            layer.intercept[...] = -number
        np.testing.assert_array_equal(params, [0] * 12 + [1] * 8 + [0] * 4 + [-1] * 2)


class TestForward:
    @pytest.mark.parametrize("fit_intercept", [False, True])
    def test_is_the_textbook_formula(self, fit_intercept):
        network, params = random_network(fit_intercept=fit_intercept)
        X = np.random.default_rng(1).normal(size=(5, 3))
        A, B = params[:12].reshape(3, 4), params[12:20].reshape(4, 2)
        a, b = (params[20:24], params[24:]) if fit_intercept else (0.0, 0.0)
        expected = 1 / (1 + np.exp(-(X @ A + a))) @ B + b
        np.testing.assert_allclose(one_pass(network, params, X), expected, rtol=1e-13, atol=1e-15)

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csr_matrix])
    @pytest.mark.parametrize("n_rows", [1, 3, 4, 5, 8, 11])
    def test_chunks_equal_one_pass(self, monkeypatch, n_rows, container):
        # Four rows a chunk: of 4 hidden units and 2 outputs.
        monkeypatch.setattr(network_module, "_CHUNK_ELEMENTS", 25)
        network, params = random_network()
        X = np.random.default_rng(1).normal(size=(n_rows, 3))
        stops, parts = [], []
        for rows, raw_prediction, scratch in network.forward_in_chunks(
            network.layers(params), Inputs(container(X), 0)
        ):
            assert rows.start == (stops[-1] if stops else 0)
            assert raw_prediction.shape == scratch.shape == (rows.stop - rows.start, 2)
            stops.append(rows.stop)
            parts.append(raw_prediction.copy())
            scratch.fill(np.nan)
        assert stops == [*range(4, n_rows, 4), n_rows]
        np.testing.assert_allclose(np.vstack(parts), one_pass(network, params, X), rtol=1e-14)

    def test_a_chunk_has_at_least_one_row(self, monkeypatch):
        monkeypatch.setattr(network_module, "_CHUNK_ELEMENTS", 1)
        network, params = random_network()
        chunks = network.forward_in_chunks(network.layers(params), np.ones((3, 3)))
        assert [rows for rows, _, _ in chunks] == [slice(0, 1), slice(1, 2), slice(2, 3)]

    @pytest.mark.parametrize(
        ("inputs", "weights", "expected"),
        [("f4", "f4", "f4"), ("f4", "f8", "f8"), ("f8", "f4", "f8")],
    )
    def test_chunks_have_the_wider_precision(self, inputs, weights, expected):
        network, params = random_network()
        layers = network.layers(params.astype(weights))
        chunks = network.forward_in_chunks(layers, np.ones((3, 3), dtype=inputs))
        assert next(chunks)[1].dtype == np.dtype(expected)

    def test_head_of_buffers_is_a_view_of_the_first_rows(self):
        network, _ = random_network()
        buffers = network.buffers(10, np.dtype(np.float32))
        head = buffers.head(6)
        parts = [*head.outputs, *head.deltas, head.ones]
        wholes = [*buffers.outputs, *buffers.deltas, buffers.ones]
        assert [part.shape for part in parts] == [(6, 4), (6, 2), (6, 4), (6, 2), (6,)]
        for part, whole in zip(parts, wholes, strict=True):
            assert part.dtype == np.float32
            assert part.base is whole
            assert part.ctypes.data == whole.ctypes.data


class TestPrediction:
    """Of rows far from 0, in chunks of any size, by layers that act on the rows as they are."""

    SHIFT = np.array([1e4, -1e4, 3e4])

    def layers(self, dtype):
        """Coefficients, intercepts, and the formula in float64."""
        rng = np.random.default_rng(0)
        A, B = (rng.normal(size=shape).astype(dtype) for shape in [(3, 4), (4, 2)])
        a, b = rng.normal(size=4), rng.normal(size=2)

        def predict(X):
            return 1 / (1 + np.exp(-((X - self.SHIFT) @ A.astype(float) + a))) @ B.astype(float) + b

        return [A, B], [a - self.SHIFT @ A.astype(float), b], predict

    @pytest.mark.parametrize(
        ("from_raw", "part"),
        [
            (lambda raw, scratch: raw, slice(None)),
            (lambda raw, scratch: raw[:, 1], 1),
            (lambda raw, scratch: np.add(raw, 0.0, out=scratch), slice(None)),
        ],
        ids=["matrix", "column", "scratch"],
    )
    @pytest.mark.parametrize("n_rows", [1, 4, 11])
    @pytest.mark.parametrize("elements", [1, 25, 2**18])
    @pytest.mark.parametrize(
        ("container", "dtype", "atol"),
        [(np.array, "f4", 1e-5), (np.array, "f8", 1e-10), (sparse.csr_array, "f8", 1e-10)],
        ids=["single", "double", "sparse"],
    )
    def test_is_the_formula(
        self, monkeypatch, container, dtype, atol, elements, n_rows, from_raw, part
    ):
        monkeypatch.setattr(network_module, "_CHUNK_ELEMENTS", elements)
        X = (np.random.default_rng(1).normal(size=(n_rows, 3)) + self.SHIFT).astype(dtype)
        coefs, intercepts, formula = self.layers(dtype)
        got = predict_rows(container(X), coefs, intercepts, ["sigmoid"], self.SHIFT, from_raw)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, formula(X.astype(float))[:, part], rtol=0, atol=atol)

    def test_single_precision_of_zeros_that_are_not_stored(self):
        coefs, intercepts, formula = self.layers("f4")
        X = sparse.csr_array((5, 3), dtype="f4")
        intercepts[0] = intercepts[0] + self.SHIFT @ coefs[0].astype(float)
        got = predict_rows(X, coefs, intercepts, ["sigmoid"], self.SHIFT, lambda raw, _: raw)
        expected = formula(self.SHIFT + np.zeros((5, 3)))
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


class TestInitialDraw:
    def test_is_uniform_within_the_bounds(self):
        network = Network([200, 100, 50], [SIGMOID])
        layers = network.layers(network.initial_params(np.random.default_rng(0), np.dtype(float)))
        for coef, intercept in layers:
            bound = np.sqrt(6 / sum(coef.shape))
            quantiles = np.quantile(coef, [0.0, 0.25, 0.5, 0.75, 1.0])
            np.testing.assert_allclose(quantiles, bound * np.linspace(-1, 1, 5), atol=0.05 * bound)
            assert np.abs(coef).max() <= bound
            assert not intercept.any()

    @pytest.mark.parametrize("name", ["sigmoid", "softplus", "tanh"])
    def test_a_signal_passes_through_many_conditioned_layers(self, name):
        activation = ACTIVATIONS[name].conditioned or ACTIVATIONS[name]
        network = Network([100] * 10, [activation] * 8)
        rng = np.random.default_rng(0)
        layers = network.layers(network.initial_params(rng, np.dtype(float)))
        buffers = network.buffers(400, np.dtype(float))
        network.forward(layers, rng.normal(size=(400, 100)), buffers)
        first, *_, last = (a.std(axis=0).mean() for a in buffers.outputs[:-1])
        assert 0.3 < last / first < 1.5

    @pytest.mark.parametrize("activation", ["sigmoid", "softplus"])
    def test_a_deep_network_leaves_the_start(self, activation):
        X, y = load_wine(return_X_y=True)
        model = BackpropClassifier(20, activation, n_hidden_layers=8, random_state=0, max_iter=100)
        assert model.fit(X, y).score(X, y) > 0.9

    def test_is_the_same_in_both_precisions(self):
        network, _ = random_network()
        single, double = (
            network.initial_params(np.random.default_rng(0), np.dtype(dtype))
            for dtype in ("f4", "f8")
        )
        assert (single.dtype, double.dtype) == (np.float32, np.float64)
        np.testing.assert_array_equal(single, double.astype(np.float32))
        assert (single != double)[: network.n_coefs].all()

    def test_does_not_depend_on_intercepts(self):
        with_intercept, without = (
            Network([3, 4, 2], [SIGMOID], fit_intercept=fit_intercept).initial_params(
                np.random.default_rng(0), np.dtype(float)
            )
            for fit_intercept in (True, False)
        )
        np.testing.assert_array_equal(with_intercept[:20], without)

    @pytest.mark.parametrize(
        "rows",
        [np.arange(100)[::-1], np.repeat(np.arange(100), 3), np.arange(80, 100)],
        ids=["reversed", "repeated", "fewer"],
    )
    @pytest.mark.parametrize("estimator", [BackpropRegressor, BackpropClassifier])
    def test_does_not_depend_on_number_and_order_of_rows(self, estimator, rows):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(100, 3)), np.arange(100) % 3
        models = [estimator(5, **UNTRAINED).fit(X[i], y[i]) for i in (slice(None), rows)]
        for first, second in zip(models[0].coefs_, models[1].coefs_, strict=True):
            np.testing.assert_array_equal(first, second)

    def test_differs_from_seed_to_seed(self):
        X, y = np.ones((10, 3)), np.arange(10.0)
        first, second = (
            BackpropRegressor(5, **{**UNTRAINED, "random_state": seed}).fit(X, y).coefs_[0]
            for seed in (0, 1)
        )
        assert (first != second).all()


class TestStreams:
    """Weights and order of the rows are drawn from streams that do not touch each other."""

    X = np.random.default_rng(0).normal(size=(100, 3))
    y = X[:, 0]

    @pytest.fixture
    def orders(self, monkeypatch):
        """The row orders of the epochs that are fitted, as they come."""
        orders = []

        class Recorded(Batches):
            def __iter__(self):
                batches = list(super().__iter__())
                orders.append(np.concatenate([np.arange(self.n_rows)[rows] for rows in batches]))
                return iter(batches)

        monkeypatch.setattr(plan, "Batches", Recorded)
        return orders

    def test_order_does_not_depend_on_the_number_of_weights(self, orders):
        for hidden_layer_sizes in ((), 5, (50, 20)):
            BackpropRegressor(hidden_layer_sizes, **UNTRAINED).fit(self.X, self.y)
        assert len(orders) == 3
        assert (orders[0] != np.arange(100)).any()
        np.testing.assert_array_equal(orders[1], orders[0])
        np.testing.assert_array_equal(orders[2], orders[0])

    def test_weights_do_not_depend_on_the_shuffle(self):
        shuffled, in_order = (
            BackpropRegressor(5, shuffle=shuffle, **UNTRAINED).fit(self.X, self.y)
            for shuffle in (True, False)
        )
        np.testing.assert_array_equal(shuffled.coefs_[0], in_order.coefs_[0])

    def test_order_comes_back_with_the_seed_alone(self, orders):
        for seed in (0, 0, 1):
            BackpropRegressor(5, **{**UNTRAINED, "random_state": seed}).fit(self.X, self.y)
        np.testing.assert_array_equal(orders[1], orders[0])
        assert (orders[2] != orders[0]).any()
