"""partial_fit as a stream: a thousand calls, larger than memory, with a state that goes on."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._core.rows import Batches

ESTIMATORS = [BackpropClassifier, BackpropRegressor]
STREAMS = [
    (BackpropClassifier, {}),
    (BackpropClassifier, {"class_weight": {1: 3.0}}),
    (BackpropRegressor, {}),
    (BackpropRegressor, {"conditioning": None, "learning_rate": 0.01}),
    (BackpropRegressor, {"loss": "absolute_error"}),
    (BackpropRegressor, {"loss": "quantile", "quantile": (0.1, 0.9)}),
    (BackpropRegressor, {"loss": "poisson"}),
]


def block(estimator, rng, n_rows=20):
    X = rng.normal(size=(n_rows, 3))
    return X, (X[:, 0] > 0).astype(int) if estimator is BackpropClassifier else 6 + X[:, 0]


def first_call(estimator):
    return {"classes": [0, 1]} if estimator is BackpropClassifier else {}


def small(estimator, **params):
    return estimator(4, batch_size=8, random_state=0).set_params(**params)


@pytest.mark.parametrize(("estimator", "params"), STREAMS)
def test_a_thousand_calls_do_not_make_the_model_grow(estimator, params):
    rng = np.random.default_rng(0)
    model = small(estimator, **params).partial_fit(*block(estimator, rng), **first_call(estimator))
    after_first = pickle.dumps(model)
    for _ in range(999):
        model.partial_fit(*block(estimator, rng))
    assert model.n_iter_ == 1000
    # Integers, those of the random state among them, take more or fewer bytes as they change.
    assert len(pickle.dumps(model)) == pytest.approx(len(after_first), rel=0.01)
    assert set(vars(model)) == set(vars(pickle.loads(after_first)))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_each_call_has_an_order_of_its_own(estimator, monkeypatch):
    orders = []
    of_batches = Batches.__iter__

    def noting(batches):
        drawn = list(of_batches(batches))
        orders.append(np.concatenate([np.arange(20)[rows] for rows in drawn]))
        return iter(drawn)

    monkeypatch.setattr(Batches, "__iter__", noting)
    X, y = block(estimator, np.random.default_rng(0))
    model = small(estimator, learning_rate=0.1).partial_fit(X, y, **first_call(estimator))
    for _ in range(4):
        model.partial_fit(X, y)
    model = pickle.loads(pickle.dumps(model)).partial_fit(X, y)
    assert len(orders) == 6
    assert len({tuple(order) for order in orders}) == 6
    assert all((np.sort(order) == np.arange(20)).all() for order in orders)
    orders.clear()
    model.set_params(shuffle=False).partial_fit(X, y)
    assert_array_equal(orders, [np.arange(20)])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_statistics_are_those_of_all_rows_so_far(estimator):
    rng = np.random.default_rng(0)
    model, rows = small(estimator), []
    for k in range(30):
        X, y = block(estimator, rng)
        rows.append(X + 0.1 * k)
        model.partial_fit(rows[-1], y, **(first_call(estimator) if k == 0 else {}))
    every = np.concatenate(rows)
    assert_allclose(model.input_shift_, every.mean(axis=0), rtol=1e-10)
    assert_allclose(np.abs(model.input_scale_), every.std(axis=0), rtol=1e-10)


@pytest.mark.parametrize(
    "kind", [sparse.csr_array, lambda X: X.astype(np.float32), np.ndarray.tolist]
)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_kinds_of_input_may_alternate(estimator, kind):
    rng = np.random.default_rng(0)
    mixed = small(estimator)
    plain = small(estimator)
    for k in range(6):
        X, y = block(estimator, rng)
        X = X.astype(np.float32).astype(float)
        first = first_call(estimator) if k == 0 else {}
        plain.partial_fit(X, y, **first)
        mixed.partial_fit(kind(X) if k % 2 else X, y, **first)
    assert_allclose(mixed.coefs_[0], plain.coefs_[0], rtol=1e-6)


def test_blocks_of_a_memory_map(tmp_path):
    """The blocks of a file are as those of memory, and the file is not written to."""
    rng = np.random.default_rng(0)
    X, y = block(BackpropRegressor, rng, 200)
    path = tmp_path / "X.npy"
    np.save(path, X)
    mapped = np.load(path, mmap_mode="r")
    models = [small(BackpropRegressor), small(BackpropRegressor)]
    for start in range(0, 200, 50):
        rows = slice(start, start + 50)
        for model, data in zip(models, (X, mapped), strict=True):
            model.partial_fit(data[rows], y[rows])
    assert_array_equal(models[0].coefs_[0], models[1].coefs_[0])
    assert_array_equal(np.load(path), X)


def test_classes_that_come_late():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    model = small(BackpropClassifier)
    for k in range(40):
        # No row of class 2 in the first ten calls.
        rows = y < 2 if k < 10 else y >= 0
        model.partial_fit(X[rows], y[rows], classes=[0, 1, 2] if k == 0 else None)
    assert model.score(X, y) > 0.9
    assert set(model.predict(X)) == {0, 1, 2}
