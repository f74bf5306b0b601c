"""The estimators on dask collections: what they compute is what those in memory compute."""

import asyncio
import contextlib
import gc
import inspect
import os
import pickle
import re
import signal
import textwrap
import threading
import time
import weakref
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV

from skbackprop import BackpropClassifier, BackpropRegressor, HiddenActivations
from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.descent import Plan
from skbackprop._core.losses import LOSSES
from skbackprop._core.network import Network
from skbackprop._core.objective import Objective, Sample
from skbackprop._core.rows import Batches
from skbackprop._core.statistics import Spread

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

from skbackprop.dask import DaskBackpropClassifier, DaskBackpropRegressor  # noqa: E402
from skbackprop.dask._blocks import Blocks  # noqa: E402
from skbackprop.dask._objective import ObjectiveOfBlocks  # noqa: E402
from skbackprop.inspection import trace_step  # noqa: E402

pytestmark = [
    # What distributed says when its own threads and sockets end late.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

N_ROWS = 240
# The last are 27 blocks, which `by_the_workers` are added up in two levels.
CHUNKS = [240, 120, (1, 238, 1), (100, 0, 90, 50), 37, 9]


@contextlib.contextmanager
def connected(n_workers, threads_per_worker, *, processes=False, current=False):
    """A client of a new cluster, which is the current one or not."""
    with (
        distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=threads_per_worker,
            processes=processes,
            dashboard_address=":0",
        ) as cluster,
        distributed.Client(cluster, set_as_default=current) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client():
    with connected(2, 2, current=True) as client:
        yield client


@pytest.fixture(scope="module")
def other():
    """A client of another cluster, which is not the current one."""
    with connected(1, 1) as client:
        yield client


@pytest.fixture
def processes():
    """Workers in processes of their own, which can be killed: not all of them come again."""
    with connected(2, 1, processes=True) as client:
        yield client


@pytest.fixture(scope="module")
def data():
    """Inputs of unlike means and scales, one of them rarely other than 0, one constant."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 6)) * [1, 10, 1e-3, 1, 1, 0] + [0, 50, 1, -3, 0, 7]
    X[:, 4] = np.arange(N_ROWS) % 50 == 0
    signal_ = X[:, 0] + X[:, 1] / 10 + np.sin(X[:, 3])
    y = signal_ + 0.1 * rng.normal(size=N_ROWS)
    return X, y, rng.uniform(0.1, 3.0, size=N_ROWS)


@pytest.fixture
def by_the_workers(monkeypatch):
    """Gradients of more than eight blocks are added up by the workers, however short they are."""
    monkeypatch.setattr("skbackprop.dask._objective._BY_THE_CLIENT", 0)


def split(array, chunks=77):
    """A dask array of blocks of rows, and where it has many columns also of columns."""
    if array.ndim == 1:
        return da.from_array(array, chunks=chunks)
    return da.from_array(array, chunks=(chunks, (2, array.shape[1] - 2)))


def assert_same_fit(ours, local, rtol=1e-10):
    """All that was fitted is equal to `rtol` of the largest of its kind."""
    assert ours.n_iter_ == local.n_iter_
    assert ours.status_ == local.status_
    assert ours.learning_rate_ == local.learning_rate_
    for name in ("coefs_", "intercepts_"):
        for ours_, local_ in zip(getattr(ours, name), getattr(local, name), strict=True):
            assert ours_.dtype == local_.dtype
            assert_allclose(ours_, local_, rtol=rtol, atol=rtol * np.abs(local_).max())
    assert_allclose(ours.loss_curve_, local.loss_curve_, rtol=rtol)
    assert_allclose(ours.loss_, local.loss_, rtol=rtol)


def assert_nothing_is_left(client):
    """No future, once what has gone has been collected and the workers know."""
    for _ in range(50):
        gc.collect()
        kept = [key for keys in client.has_what().values() for key in keys]
        if not client.futures and not kept:
            return
        time.sleep(0.1)
    raise AssertionError(f"{len(client.futures)} futures, {kept} on the workers")


def test_no_client():
    """Stands before what opens one."""
    X = np.arange(4.0).reshape(-1, 1)
    with pytest.raises(ValueError, match="DaskBackpropRegressor needs a cluster"):
        DaskBackpropRegressor().fit(da.from_array(X), X[:, 0])


def test_predictions_and_scores_need_no_client(data):
    """Stands there, too."""
    X, y, _ = data
    local = BackpropRegressor((), max_iter=1, batch_size="full").fit(X, y)
    model = DaskBackpropRegressor()
    vars(model).update(vars(local))
    assert_allclose(model.predict(split(X)).compute(), local.predict(X), rtol=1e-12)
    assert model.score(split(X), split(y)) == pytest.approx(local.score(X, y), rel=1e-12)


class TestObjective:
    """The objective of blocks against that of the same rows in memory."""

    def objectives(self, client, data, chunks, loss, weighted, **settings):
        X, y, weight = data
        codes = loss == "log_loss"
        target = np.arange(N_ROWS) % 3 if codes else np.column_stack([y, -y, y**2 / 10])
        loss = LOSSES[loss](*("codes", "softmax") if codes else ("matrix", "identity"))
        network = Network([6, 5, 3], [ACTIVATIONS["sigmoid"]])
        scale = X.std(axis=0)
        scale[scale == 0] = 1
        settings |= {"alpha": 0.01}
        blocks = Blocks.of(client, da.from_array(X, chunks=(chunks, 3)))
        sample = Sample(X, target, weight if weighted else None, X.mean(axis=0), scale)
        return (
            ObjectiveOfBlocks(network, loss, sample._replace(X=blocks), **settings),
            Objective(network, loss, sample, **settings),
            network.initial_params(np.random.default_rng(1), np.dtype(float)),
        )

    @pytest.mark.parametrize("chunks", CHUNKS, ids=str)
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize(
        ("loss", "reduction"), [("log_loss", "mean"), ("squared_error", "mean"), ("huber", "sum")]
    )
    def test_gradient_to_rounding(
        self, client, data, chunks, weighted, loss, reduction, by_the_workers
    ):
        batch = np.random.default_rng(2).permutation(N_ROWS)[:100]
        for rows in (slice(0, N_ROWS), slice(30, 130), batch):
            size = len(range(N_ROWS)[rows]) if isinstance(rows, slice) else len(rows)
            ours, local, params = self.objectives(
                client, data, chunks, loss, weighted, reduction=reduction, batch_size=size
            )
            gradient, expected, term = np.empty((3, len(params)))
            value = ours.value_and_gradient(params, rows, gradient, scale=-0.7)
            expected_value = local.value_and_gradient(params, rows, expected, scale=-0.7)
            assert value == pytest.approx(expected_value, rel=1e-14)
            assert ours.value(params) == pytest.approx(local.value(params), rel=1e-14)
            size_of_terms = np.zeros_like(params)
            for row in np.arange(N_ROWS)[rows]:
                local.value_and_gradient(params, np.array([row]), term, scale=-0.7)
                size_of_terms += np.abs(term) / (size if reduction == "mean" else 1)
            assert (np.abs(gradient - expected) <= 1e-14 * size_of_terms).all()

    @pytest.mark.parametrize(("most", "n_gathered"), [(80 * 8 * 53, 80), (80 * 8 * 53 - 1, 2)])
    def test_many_blocks_are_added_up_by_the_workers(
        self, client, data, monkeypatch, most, n_gathered
    ):
        """Of 80 there are first 10 sums, then 2; where the client does not take all of them."""
        monkeypatch.setattr("skbackprop.dask._objective._BY_THE_CLIENT", most)
        ours, local, params = self.objectives(client, data, 3, "huber", True, batch_size=N_ROWS)
        numbers = []

        def gather(blocks, futures):
            numbers.append(len(futures))
            return client.gather(futures)

        monkeypatch.setattr(Blocks, "gather", gather)
        gradient, expected = np.empty((2, len(params)))
        for objective, out in ((ours, gradient), (local, expected)):
            objective.value_and_gradient(params, slice(0, N_ROWS), out)
        assert numbers == [n_gathered]
        assert_allclose(gradient, expected, rtol=1e-12)

    def test_rows_in_any_order(self, client, data):
        X, *_ = data
        blocks = Blocks.of(client, split(X))
        order = np.random.default_rng(3).permutation(N_ROWS)[:150]
        chosen = blocks[order][np.arange(149, 9, -2)]
        model = BackpropRegressor((), random_state=0, max_iter=1).fit(X, X[:, 0])
        assert chosen.shape == (70, 6)
        rows = X[order[149:9:-2]]
        # A sum of 6 products and an intercept, in whatever order a BLAS adds them for so many rows.
        size = np.abs(rows) @ np.abs(model.coefs_[0][:, 0]) + np.abs(model.intercepts_[0])
        error = np.abs(chosen.predictions(model, "predict") - model.predict(rows))
        assert (error <= 7 * np.finfo(float).eps * size).all()

    @pytest.mark.parametrize("chunks", CHUNKS, ids=str)
    def test_spread(self, client, data, chunks):
        X, _, weight = data
        X = X.copy()
        X[5, 0] = 1e4
        blocks = Blocks.of(client, da.from_array(X, chunks=(chunks, -1)))
        for w in (None, weight):
            for ours, local in zip(blocks.spread(w)[:2], Spread.of_inputs(X, w)[:2], strict=True):
                for name, values in local._asdict().items():
                    size = np.abs(X).max(axis=0)
                    assert_allclose(
                        getattr(ours, name) / size, values / size, rtol=1e-13, atol=1e-15
                    )


class TestFit:
    """A fit on a cluster ends where the same fit in memory does."""

    CLASSIFIER = DaskBackpropClassifier, BackpropClassifier
    REGRESSOR = DaskBackpropRegressor, BackpropRegressor

    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"activation": "softplus", "hidden_layer_sizes": (7, 5)},
            {"hidden_layer_sizes": ()},
            {"conditioning": None, "learning_rate": 1e-4},
            {"loss_reduction": "sum"},
            {"fit_intercept": False},
            {"batch_size": 64, "max_iter": 4},
            {"batch_size": 64, "max_iter": 4, "shuffle": False},
            {"early_stopping": True},
            {"early_stopping": True, "batch_size": 50, "max_iter": 5, "validation_fraction": 0.3},
        ],
        ids=str,
    )
    @pytest.mark.parametrize(("kind", "weighted"), [("CLASSIFIER", False), ("REGRESSOR", True)])
    def test_parameters(self, client, data, parameters, kind, weighted):
        X, y, weight = data
        if kind == "CLASSIFIER":
            y = np.array(["low", "mid", "high"])[np.digitize(y, [3, 6])]
        parameters = {
            "hidden_layer_sizes": 8, "batch_size": "full", "max_iter": 6, "random_state": 0,
        } | parameters  # fmt: skip
        ours, local = (Estimator(**parameters) for Estimator in getattr(self, kind))
        local.fit(X, y, weight if weighted else None)
        ours.fit(split(X), split(y, 101), split(weight) if weighted else None)
        assert_same_fit(ours, local)
        assert_allclose(ours.score(split(X), split(y)), local.score(X, y), rtol=1e-10)
        if ours.early_stopping:
            assert ours.best_iter_ == local.best_iter_
            assert_allclose(ours.validation_scores_, local.validation_scores_, rtol=1e-10)

    @pytest.mark.parametrize(
        "parameters",
        [
            {"loss": "absolute_error"},
            {"loss": "quantile", "quantile": (0.1, 0.9)},
            {"loss": "huber", "huber_delta": 0.3},
            {"loss": "poisson"},
        ],
        ids=str,
    )
    def test_losses(self, client, data, parameters):
        X, y, _ = data
        y = np.abs(y)
        ours, local = (
            Estimator(8, batch_size="full", max_iter=6, random_state=0, **parameters)
            for Estimator in self.REGRESSOR
        )
        assert_same_fit(ours.fit(split(X), split(y)), local.fit(X, y))

    def test_weightless_rows_and_class_weights(self, client, data):
        X, y, weight = data
        weight = np.where(np.arange(N_ROWS) % 3, weight, 0.0)
        weight[:77] = 0.0
        ours, local = (
            Estimator(8, class_weight="balanced", batch_size="full", max_iter=9, random_state=0)
            for Estimator in self.CLASSIFIER
        )
        assert_same_fit(ours.fit(split(X), split(y > 5), weight), local.fit(X, y > 5, weight))

    def test_several_outputs_and_labels(self, client, data):
        X, y, _ = data
        Y = np.column_stack([y, y**2, X[:, 0]])
        settings = {"batch_size": "full", "max_iter": 9, "random_state": 0}
        ours, local = (Estimator(8, **settings) for Estimator in self.REGRESSOR)
        assert_same_fit(ours.fit(split(X), da.from_array(Y, chunks=50)), local.fit(X, Y))
        labels = (Y > 2).astype(int)
        ours, local = (Estimator(8, **settings) for Estimator in self.CLASSIFIER)
        ours.fit(split(X), da.from_array(labels, chunks=50))
        assert_same_fit(ours, local.fit(X, labels))

    def test_validation_set_score_and_groups(self, client, data):
        X, y, weight = data
        settings = {"batch_size": "full", "max_iter": 9, "random_state": 0, "scoring": "accuracy"}
        ours, local = (Estimator(8, **settings) for Estimator in self.CLASSIFIER)
        local.fit(X[:150], y[:150] > 5, X_val=X[150:], y_val=y[150:] > 5,
                  sample_weight_val=weight[150:])  # fmt: skip
        ours.fit(
            split(X[:150]), split(y[:150] > 5), X_val=split(X[150:], 40), y_val=split(y[150:] > 5),
            sample_weight_val=split(weight[150:]),
        )  # fmt: skip
        assert_same_fit(ours, local)
        assert ours.best_iter_ == local.best_iter_
        assert_allclose(ours.validation_scores_, local.validation_scores_, rtol=1e-12)
        groups = np.arange(N_ROWS) // 30
        ours, local = (
            Estimator(8, early_stopping=True, **settings) for Estimator in self.CLASSIFIER
        )
        ours.fit(split(X), y > 5, groups=split(groups))
        assert_same_fit(ours, local.fit(X, y > 5, groups=groups))

    def test_one_class(self, client, data):
        X, y, _ = data
        ours = self.CLASSIFIER[0](8, batch_size="full", max_iter=3, random_state=0)
        ours.fit(split(X), np.full(len(y), "a"))
        assert ours.predict_proba(split(X)).compute().tolist() == [[1.0]] * len(y)
        assert ours.predict(split(X)).compute().tolist() == ["a"] * len(y)

    def test_warm_start_and_partial_fit(self, client, data):
        X, y, weight = data
        settings = {"batch_size": "full", "max_iter": 5, "random_state": 0}
        ours, local = (Estimator(8, warm_start=True, **settings) for Estimator in self.REGRESSOR)
        for _ in range(2):
            assert_same_fit(ours.fit(split(X), y), local.fit(X, y))
        ours, local = (Estimator(8, random_state=0) for Estimator in self.REGRESSOR)
        for rows in (slice(0, 100), slice(100, None)):
            ours.partial_fit(split(X[rows]), split(y[rows]), split(weight[rows]))
            assert_same_fit(ours, local.partial_fit(X[rows], y[rows], weight[rows]))

    def test_initial_weights(self, client, data):
        X, y, _ = data
        init = {"coefs_init": [np.ones((6, 1))], "intercepts_init": [[3.0]]}
        ours, local = (
            Estimator((), max_iter=2, batch_size="full", random_state=0)
            for Estimator in self.REGRESSOR
        )
        assert_same_fit(ours.fit(split(X), y, **init), local.fit(X, y, **init))

    def test_float32(self, client, data):
        X, y, _ = data
        X = X.astype(np.float32)
        ours, local = (
            Estimator(8, batch_size="full", max_iter=9, random_state=0)
            for Estimator in self.REGRESSOR
        )
        assert_same_fit(ours.fit(split(X), y), local.fit(X, y), rtol=2e-5)

    def test_sparse_blocks(self, client, data):
        X, y, _ = data
        X = np.where(np.abs(X) < 1, 0, X)
        blocks = da.from_array(X, chunks=(77, -1)).map_blocks(sparse.csr_matrix)
        ours, local = (
            Estimator(8, batch_size="full", max_iter=9, random_state=0)
            for Estimator in self.REGRESSOR
        )
        assert_same_fit(ours.fit(blocks, y), local.fit(sparse.csr_matrix(X), y))

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
    def test_long_tails(self, client, data, container):
        X, y, weight = data
        X = np.where(np.abs(X) < 0.1, 0, X)
        X[5, 0], X[:, 1] = 1e4, np.sinh(3 * X[:, 1])
        blocks = da.from_array(X, chunks=(77, -1)).map_blocks(container)
        ours, local = (
            Estimator(8, batch_size="full", max_iter=9, random_state=0)
            for Estimator in self.REGRESSOR
        )
        assert_same_fit(
            ours.fit(blocks, y, sample_weight=weight),
            local.fit(container(X), y, sample_weight=weight),
        )
        assert np.isfinite(local.tail_scale_[:2]).all()
        assert_array_equal(ours.tail_scale_, local.tail_scale_)

    def test_a_divergence_is_undone_as_in_memory(self, client, data):
        X, y, _ = data
        ours, local = (
            Estimator(2, batch_size="full", max_iter=80, random_state=0, activation="softplus")
            for Estimator in self.REGRESSOR
        )
        y = y**7
        assert_same_fit(ours.fit(split(X), y), local.fit(X, y), rtol=1e-8)

    def test_equal_bits_whatever_the_workers(self, client, processes, data, by_the_workers):
        X, y, _ = data
        model = DaskBackpropRegressor(8, batch_size=100, max_iter=3, random_state=0)
        here = clone(model).fit(split(X, 20), y)
        with processes.as_current():
            there = clone(model).fit(split(X, 20), y)
        for a, b in zip(here.coefs_, there.coefs_, strict=True):
            assert_array_equal(a, b)

    def test_nothing_is_left_on_the_cluster(self, client, data):
        X, y, _ = data
        X = X.copy()
        model = DaskBackpropRegressor(8, batch_size="full", max_iter=2, early_stopping=True)
        model.fit(split(X), y).score(split(X), y)
        assert_nothing_is_left(client)
        X[200, 1] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            model.fit(split(X), y)
        assert_nothing_is_left(client)

    def test_in_a_search(self, client, data):
        X, y, _ = data
        ours, local = (
            GridSearchCV(
                Estimator(4, batch_size="full", max_iter=5, random_state=0),
                {"alpha": [0.0, 1.0]},
                cv=2,
                error_score="raise",
            )
            for Estimator in self.REGRESSOR
        )
        ours.fit(split(X), split(y))
        local.fit(X, y)
        scores = (search.cv_results_["mean_test_score"] for search in (ours, local))
        assert_allclose(*scores, rtol=1e-10)
        assert_same_fit(ours.best_estimator_, local.best_estimator_)

    def test_a_monitor_of_scores(self, client, data):
        callback = pytest.importorskip("sklearn.callback")
        X, y, _ = data
        logs = []
        for Estimator, inputs in zip(self.REGRESSOR, (split(X), X), strict=True):
            monitor = callback.ScoringMonitor(scoring="r2")
            model = Estimator(4, batch_size="full", max_iter=3, random_state=0)
            model.set_callbacks(monitor).fit(inputs, y)
            logs.append([row["r2"] for row in monitor.get_logs().data if "r2" in row])
        assert len(logs[0]) == len(logs[1]) > 2
        assert_allclose(*logs, rtol=1e-10)

    @pytest.mark.parametrize("kind", ["CLASSIFIER", "REGRESSOR"])
    def test_docstrings_say_what_each_parameter_and_attribute_is(self, client, data, kind):
        X, y, _ = data
        Estimator, local = getattr(self, kind)
        model = Estimator(2, max_iter=2, batch_size="full").fit(split(X), y > 5)
        names = [*model.get_params(), *(name for name in vars(model) if name.endswith("_"))]
        assert [name for name in names if f"\n{name} : " not in Estimator.__doc__] == []
        assert f"skbackprop.{local.__name__} : The same in memory." in Estimator.__doc__

    def test_verbose_and_callbacks(self, client, data, capsys):
        callback = pytest.importorskip("sklearn.callback")
        X, y, _ = data

        class Third(callback.FitCallback if hasattr(callback, "FitCallback") else object):
            def setup(self, estimator, context): ...

            def teardown(self, estimator, context): ...

            def on_fit_task_begin(self, estimator, context, **data): ...

            def on_fit_task_end(self, estimator, context, **data):
                return context.task_name == "epoch" and context.task_id == 2

        model = DaskBackpropRegressor(8, batch_size="full", verbose=2, random_state=0)
        model.set_callbacks(Third()).fit(split(X), y)
        assert model.n_iter_ == 3
        assert model.status_ == "stopped"
        assert len(capsys.readouterr().out.splitlines()) == 5


class TestFrames:
    @pytest.fixture
    def dd(self):
        """Frames of dask, which need pyarrow."""
        return pytest.importorskip("dask.dataframe")

    def test_frame_of_unknown_lengths(self, client, data, dd):
        pd = pytest.importorskip("pandas")
        X, y, _ = data
        frame = pd.DataFrame(X, columns=list("abcdef"))
        lazy = dd.from_pandas(frame, npartitions=4)
        lazy = lazy[lazy["a"] > -1]
        kept = X[:, 0] > -1
        settings = {"batch_size": "full", "max_iter": 9, "random_state": 0}
        ours = DaskBackpropClassifier(8, **settings).fit(
            lazy, dd.from_pandas(pd.Series(y[kept] > 5), npartitions=3)
        )
        local = BackpropClassifier(8, **settings).fit(frame[kept], y[kept] > 5)
        assert_same_fit(ours, local)
        assert ours.feature_names_in_.tolist() == list("abcdef")
        proba = ours.predict_proba(lazy)
        assert_allclose(proba.compute(), local.predict_proba(frame[kept]), rtol=1e-10)
        with pytest.raises(ValueError, match="feature names"):
            ours.predict(lazy[list("bacdef")])

    def test_frames_of_strings(self, client, dd):
        pd = pytest.importorskip("pandas")
        frame = dd.from_pandas(pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}), npartitions=1)
        with pytest.raises(ValueError, match="X must be numeric"):
            DaskBackpropRegressor().fit(frame, [1.0, 2.0])


class TestPrediction:
    @pytest.fixture
    def fitted(self, client, data):
        X, y, _ = data
        y = np.array(["low", "mid", "high"])[np.digitize(y, [3, 6])]
        return DaskBackpropClassifier(8, max_iter=3, random_state=0).fit(split(X), y)

    @pytest.mark.parametrize(
        "method",
        [
            *["predict", "predict_proba", "predict_log_proba", "decision_function"],
            "hidden_activations",
        ],
    )
    def test_lazy_and_equal(self, fitted, data, method):
        X, *_ = data
        expected = getattr(fitted.to_local(), method)(X)
        lazy = getattr(fitted, method)(da.from_array(X, chunks=((100, 0, 140), 4)))
        assert isinstance(lazy, da.Array)
        assert lazy.dtype == expected.dtype
        assert lazy.shape == expected.shape
        # Predictions do not depend on rows beside them, but BLAS may sum others otherwise.
        if method == "predict":
            assert_array_equal(lazy.compute(), expected)
        else:
            assert_allclose(lazy.compute(), expected, rtol=1e-12)
        assert_array_equal(getattr(fitted, method)(X), expected)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
    def test_precision(self, client, data, dtype):
        X = data[0].astype(np.float32)
        model = DaskBackpropRegressor(2, max_iter=1, random_state=0).fit(split(X), data[1])
        lazy = model.predict(split(X.astype(dtype)))
        assert lazy.dtype == lazy.compute().dtype == model.to_local().predict(X.astype(dtype)).dtype

    def test_layer_of_hidden_activations(self, fitted, data):
        with pytest.raises(ValueError, match="layer must be an integer from -1 to 0"):
            fitted.hidden_activations(split(data[0]), layer=1)

    def test_hidden_activations_as_features(self, client, data):
        X, y, _ = data
        settings = {"batch_size": "full", "max_iter": 5, "random_state": 0}
        ours = HiddenActivations(DaskBackpropRegressor((4, 3), **settings), layer=0).fit(
            split(X), y
        )
        local = HiddenActivations(BackpropRegressor((4, 3), **settings), layer=0).fit(X, y)
        lazy = ours.transform(split(X))
        assert isinstance(lazy, da.Array)
        assert lazy.shape == (N_ROWS, 4)
        assert_allclose(lazy.compute(), local.transform(X), rtol=1e-8)

    def test_it_is_inspected_in_memory(self, fitted):
        X = np.random.default_rng(0).normal(size=(6, fitted.n_features_in_))
        y = fitted.to_local().predict(X)
        assert str(trace_step(fitted, X, y)) == str(trace_step(fitted.to_local(), X, y))

    def test_to_local(self, fitted):
        local = fitted.to_local()
        assert type(local) is BackpropClassifier
        assert {**local.get_params(), "client": None} == fitted.get_params()
        assert {*vars(local), "client"} == set(vars(fitted))
        assert b"dask" not in pickle.dumps(local)
        before = fitted.coefs_[0].copy()
        local.coefs_[0][:] = 0
        assert_array_equal(fitted.coefs_[0], before)

    def test_saved_and_loaded(self, fitted, data):
        X, *_ = data
        saved = pickle.dumps(fitted)
        assert b"skbackprop.dask" in saved
        assert b"skbackprop.dask._" not in saved
        loaded = pickle.loads(saved)
        assert_array_equal(loaded.predict(X), fitted.predict(X))


class TestBadInput:
    @pytest.mark.parametrize("make", [np.asarray, np.ndarray.tolist, dask.delayed])
    def test_not_of_dask(self, client, data, make):
        X, y, _ = data
        with pytest.raises(TypeError, match=r"X must be a dask array or dataframe.*; got "):
            DaskBackpropRegressor().fit(make(X), y)

    @pytest.mark.parametrize(
        "of", [lambda X: X[:, 0], lambda X: X[:, np.newaxis], lambda X: X[:, X[0] > 0]]
    )
    def test_not_a_matrix(self, client, data, of):
        X, y, _ = data
        with pytest.raises(ValueError, match=r"of shape \(n_samples, n_features\).*; got shape"):
            DaskBackpropRegressor().fit(of(split(X)), y)

    def test_blocks_that_are_not_what_their_chunks_say(self, client, data):
        X, y, _ = data
        narrow = da.from_array(X, chunks=(77, -1)).map_blocks(lambda block: block[:, :4])
        with pytest.raises(ValueError, match=r"blocks of 6 columns.*got one of shape \(\d+, 4\)"):
            DaskBackpropRegressor().fit(narrow, y)

    @pytest.mark.parametrize("passed", [False, True])
    def test_a_client_that_does_not_wait(self, data, passed):
        X, y, _ = data

        async def fit():
            async with distributed.Client(
                processes=False, dashboard_address=":0", asynchronous=True, set_as_default=False
            ) as client:
                model = DaskBackpropRegressor(client=client if passed else None)
                with contextlib.nullcontext() if passed else client.as_current():
                    model.fit(split(X), y)

        with pytest.raises(ValueError, match="asynchronous=True"):
            asyncio.run(fit())

    def test_nan_in_a_block(self, client, data):
        X, y, _ = data
        X = X.copy()
        X[200, 1] = np.nan
        model = DaskBackpropRegressor()
        with pytest.raises(ValueError, match="X contains NaN"):
            model.fit(split(X), y)
        assert not hasattr(model, "n_features_in_")

    def test_lengths_and_widths(self, client, data):
        X, y, _ = data
        with pytest.raises(ValueError, match="X and y must have the same number of rows"):
            DaskBackpropRegressor().fit(split(X), y[:-1])
        model = DaskBackpropRegressor(2, max_iter=2).fit(split(X), y)
        with pytest.raises(ValueError, match="X has 5 features"):
            model.predict(split(X[:, :5]))
        with pytest.raises(ValueError, match="at least 1 row"):
            model.fit(split(X)[:0], y[:0])
        with pytest.raises(ValueError, match="requires y to be passed"):
            model.fit(split(X), None)

    @pytest.mark.parametrize("client", ["tcp://127.0.0.1:8786", 3, distributed.Client])
    def test_what_is_no_client(self, data, client):
        X, y, _ = data
        model = DaskBackpropRegressor(client=client)
        message = f"client must be a distributed.Client or None; got {client!r}."
        for method in (model.fit, model.partial_fit, model.score):
            with pytest.raises(TypeError, match=re.escape(message)):
                method(split(X), y)


class TestClient:
    """The client that is passed, on a cluster which no other client is current for."""

    @pytest.fixture
    def on_other(self, other, data):
        """Rows, targets and weights that workers of the other cluster have."""
        X, y, weight = data
        return other.persist([split(X), split(y), split(weight)])

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_computes_with_it(self, client, other, on_other, data, method):
        settings = {"batch_size": "full", "max_iter": 3, "random_state": 0}
        ours = DaskBackpropRegressor(4, client=other, **settings)
        local = BackpropRegressor(4, **settings)
        assert distributed.Client.current() is client
        assert_same_fit(getattr(ours, method)(*on_other), getattr(local, method)(*data))
        assert_allclose(ours.score(*on_other), local.score(*data), rtol=1e-10)

    def test_in_a_search(self, client, other, on_other, data):
        X, y, _ = on_other
        model = DaskBackpropRegressor(4, batch_size="full", max_iter=3, client=other)
        search = GridSearchCV(model, {"alpha": [0.0, 1.0]}, cv=2, error_score="raise")
        with other.as_current():  # scikit-learn looks at y.
            search.fit(X, y)
        assert search.best_estimator_.client is other

    def test_clones_share_it_and_files_have_none(self, other):
        model = DaskBackpropRegressor(4, client=other)
        assert clone(model).client is other
        assert clone(model).set_params(client=None).client is None
        assert (
            pickle.loads(pickle.dumps(model)).get_params() == DaskBackpropRegressor(4).get_params()
        )
        assert model.client is other

    @pytest.mark.parametrize("Estimator", [DaskBackpropClassifier, DaskBackpropRegressor])
    def test_is_the_last_of_the_parameters(self, Estimator):
        ours = inspect.signature(Estimator).parameters
        local = inspect.signature(Estimator._local).parameters
        assert {**local, "client": ours["client"]} == ours
        assert [*ours][-1] == "client"
        assert sorted(ours) == sorted(Estimator().get_params())


class TestCost:
    """Steps of a few rows are not worth a round of the scheduler each."""

    def plan(self, n_rows, max_iter):
        return Plan(step_size=1.0, schedule=None, batches=Batches(n_rows, 32), max_iter=max_iter)

    def test_warns_of_many_steps_on_few_rows(self):
        message = (
            "DaskBackpropRegressor with batch_size='auto' takes up to 12,000 steps, each on 32 "
            "rows. A step on a cluster takes 10 ms or more, even on few rows: that is 2.0 "
            "minutes. Set batch_size to more rows, and max_iter"
        )
        model = DaskBackpropRegressor()
        with pytest.warns(UserWarning, match=re.escape(message)):
            model._storage.report_cost(model, self.plan(32 * 1200, 10))

    @pytest.mark.parametrize(("batch_size", "epochs"), [(32, 10**6), ("full", 10**6), ("auto", 4)])
    def test_does_not_warn_of_few_steps_nor_of_what_was_asked_for(self, batch_size, epochs):
        model = DaskBackpropRegressor(batch_size=batch_size)
        model._storage.report_cost(model, self.plan(32 * 1200 - 31, epochs))

    def test_a_fit_warns_before_it_descends(self, client):
        X = np.random.default_rng(0).normal(size=(6000, 2))
        with pytest.raises(UserWarning, match="takes up to 7,896 steps"):
            DaskBackpropRegressor(2).fit(split(X, 3000), X[:, 0])


class Block(np.ndarray):
    """Owns its values, so that views keep it, and weak references tell whether it is there."""


alive, numbers_alive = [], []


def counted_block(rows):
    """The rows, as a block that is counted while it lives."""
    block = Block(rows.shape)
    block[:] = rows
    alive.append(weakref.ref(block, alive.remove))
    numbers_alive.append(len(alive))
    time.sleep(0.01)
    return block


class TestScore:
    """A score goes through X block by block."""

    @pytest.mark.parametrize("kind", [DaskBackpropClassifier, DaskBackpropRegressor])
    def test_holds_a_few_blocks_at_a_time(self, client, data, kind):
        X, y, _ = data
        y = y > 5 if kind is DaskBackpropClassifier else y
        model = kind(2, max_iter=1, random_state=0, batch_size="full").fit(split(X), y)
        numbers_alive.clear()
        make = dask.delayed(counted_block, pure=False)
        blocks = [da.from_delayed(make(rows), rows.shape, X.dtype) for rows in np.split(X, 40)]
        assert model.score(da.concatenate(blocks), y) == pytest.approx(model.score(X, y))
        assert len(numbers_alive) == 40
        # 4 threads compute one each; dask hands each worker a few more in advance.
        assert max(numbers_alive) <= 12, numbers_alive
        assert_nothing_is_left(client)

    def test_leaves_nothing_after_an_error(self, client, data):
        X, y, _ = data
        model = DaskBackpropRegressor(2, max_iter=1, batch_size="full").fit(split(X), y)
        X = X.copy()
        X[200, 1] = np.nan
        with pytest.raises(ValueError, match="X contains NaN"):
            model.score(split(X), y)
        with pytest.raises(ValueError, match="at least 1 row"):
            model.score(split(X)[:0], y[:0])
        assert_nothing_is_left(client)


class Slow(BackpropRegressor):
    """Leaves word of the process in which it is fitted, and waits a little."""

    def __init__(self, hidden_layer_sizes=(100,), *, alpha="auto", max_iter=20, random_state=None,
                 folder=None):  # fmt: skip
        super().__init__(
            hidden_layer_sizes, alpha=alpha, max_iter=max_iter, random_state=random_state
        )
        self.folder = folder

    def fit(self, X, y):
        Path(self.folder, f"{os.getpid()}.pid").touch()
        time.sleep(0.2)
        return super().fit(X, y)


def kill_one_that_fits(folder):
    """SIGKILL to one of two processes that left word in the folder.

    What joblib hands to a single worker is lost with it, unless the other has begun with it, too.
    """
    for _ in range(600):
        found = [int(path.stem) for path in folder.glob("*.pid") if int(path.stem) != os.getpid()]
        if len(found) > 1:
            os.kill(found[0], signal.SIGKILL)
            (folder / "killed").touch()
            return
        time.sleep(0.05)


SEARCHES = {
    "GridSearchCV": GridSearchCV,
    "HalvingGridSearchCV": partial(HalvingGridSearchCV, random_state=0),
}


def kill_one_with_data(client):
    """SIGKILL to a worker that keeps something; the keys it kept."""
    address, keys = max(client.has_what().items(), key=lambda item: len(item[1]))
    os.kill(client.run(os.getpid, workers=[address])[address], signal.SIGKILL)
    return keys


class TestLostWorker:
    """A worker that is killed costs time, and nothing else."""

    @pytest.mark.parametrize("chunks", [60, 15])
    def test_a_fit_ends_at_the_same_weights(self, processes, data, chunks, by_the_workers):
        X, y, _ = data
        X = split(X, chunks)

        def fitted(at_third_score):
            scores = []

            def scoring(model, X, y):
                scores.append(-model.loss_)
                if len(scores) == 3:
                    at_third_score()
                return scores[-1]

            model = DaskBackpropRegressor(
                8,
                batch_size="full",
                learning_rate=0.1,
                max_iter=4,
                scoring=scoring,
                random_state=0,
            )
            return model.fit(X, y, X_val=X, y_val=y)

        lost = []
        processes.wait_for_workers(2, timeout=60)
        with processes.as_current():
            whole = fitted(lambda: None)
            assert len(processes.has_what()) == 2
            hit = fitted(lambda: lost.extend(kill_one_with_data(processes)))
        assert any("objective" in str(key) for key in lost)
        assert any("_check_block" in str(key) for key in lost)
        assert hit.n_iter_ == 4
        for a, b in zip(
            whole.coefs_ + whole.intercepts_, hit.coefs_ + hit.intercepts_, strict=True
        ):
            assert_array_equal(a, b)

    @pytest.mark.parametrize("kind", ["GridSearchCV", "HalvingGridSearchCV"])
    def test_a_search_finds_the_same(self, processes, data, kind, tmp_path):
        X, y, _ = data
        search = SEARCHES[kind](
            BackpropRegressor(4, max_iter=20, random_state=0),
            {"alpha": [0.0, 0.01, 0.1, 1.0]},
            cv=2,
        )
        serial = clone(search).fit(X, y)
        processes.wait_for_workers(2, timeout=60)
        search.set_params(estimator=Slow(4, max_iter=20, random_state=0, folder=str(tmp_path)))
        killer = threading.Thread(target=kill_one_that_fits, args=(tmp_path,))
        killer.start()
        with joblib.parallel_config(backend="dask", client=processes):
            search.fit(X, y)
        killer.join()
        assert (tmp_path / "killed").exists()
        for name in ("mean_test_score", "params"):
            assert_array_equal(search.cv_results_[name], serial.cv_results_[name])
        for a, b in zip(search.best_estimator_.coefs_, serial.best_estimator_.coefs_, strict=True):
            assert_array_equal(a, b)


def test_overlapping_fits_leave_the_configuration_of_dask_as_it_was():
    class Client:
        def map(self, *args, **kwargs):
            time.sleep(1e-3)

    def submit():
        for _ in range(20):
            blocks.submit("name", id, [None])

    blocks = Blocks.__new__(Blocks)
    blocks._client = Client()
    name = "distributed.admin.large-graph-warning-threshold"
    before = dask.config.get(name)
    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dask.config.get(name) == before


def test_what_it_does_is_on_the_dashboard(client, data):
    X, y, _ = data
    DaskBackpropRegressor(2, max_iter=2, batch_size="full").fit(split(X), y)
    prefixes = set(client.run_on_scheduler(lambda dask_scheduler: [*dask_scheduler.task_prefixes]))
    assert {"moments", "objective", "loss", "gradient"} <= prefixes


PAGE = Path(__file__).parents[2] / "docs" / "howto" / "clusters.rst"


@pytest.mark.filterwarnings("ignore:(?s)Port .* is already in use:UserWarning")
def test_the_page_on_clusters_runs():
    """Its code in order, without that for Ray, and for dask-ml where that is not installed."""
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:   .*\n|\n)+)", PAGE.read_text("utf-8"))
    assert len(blocks) == 4
    names = {}
    for block in blocks:
        if "register_ray" not in block and ("dask_ml" not in block or find_spec("dask_ml")):
            exec(textwrap.dedent(block), names)
    assert names["search"].best_score_ > 0.9
    proba = names["local"].predict_proba(names["X"])
    assert_allclose(names["proba"].compute(), proba, rtol=1e-10)
