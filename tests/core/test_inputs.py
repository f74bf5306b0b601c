"""Rows of the inputs: conditioned once or batch by batch, the same bits; X as it was."""

import numpy as np
import pytest
from scipy import sparse

from skbackprop._core import rows as core_rows
from skbackprop._core.rows import Inputs

N_ROWS, N_FEATURES = 9, 4
ROWS = [slice(0, 9), slice(2, 5), np.array([3, 0, 8]), np.array([5, 5])]
# Slices that come again at once, after other rows, and after other rows of as many.
IN_TURN = [ROWS[k] for k in (0, 0, 1, 1, 2, 1, 3, 2, 0, 2, 3, 0, 1)]
LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
    "read-only": lambda X: np.frombuffer(X.tobytes(), dtype=X.dtype).reshape(X.shape),
}


@pytest.fixture
def shift(rng):
    return 100.0 * rng.normal(size=N_FEATURES)


@pytest.fixture
def scale(rng):
    return rng.random(N_FEATURES) + 0.5


@pytest.fixture
def large(monkeypatch):
    """Whatever follows is too large to be conditioned as a whole."""
    monkeypatch.setattr(core_rows, "_SMALL", 0)


def some_rows(inputs):
    """What is taken of `inputs`, each time before the next overwrites it, and a slice to keep."""
    return [inputs.take(rows).copy() for rows in IN_TURN] + [inputs[slice(1, 4)]]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("raw_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("given", ["both", "shift", "scale", "neither"])
def test_small_and_large_inputs_are_conditioned_alike(
    rng, monkeypatch, shift, scale, layout, raw_dtype, dtype, given
):
    X = LAYOUTS[layout](rng.normal(size=(N_ROWS, N_FEATURES)).astype(raw_dtype))
    untouched = X.copy()
    options = {
        "shift": shift if given in ("both", "shift") else None,
        "scale": scale if given in ("both", "scale") else None,
        "dtype": np.dtype(dtype),
    }
    small = some_rows(Inputs(X, N_ROWS, **options))
    monkeypatch.setattr(core_rows, "_SMALL", 0)
    large = some_rows(Inputs(X, N_ROWS, **options))
    for once, each_time in zip(small, large, strict=True):
        assert once.dtype == each_time.dtype == dtype
        np.testing.assert_array_equal(once, each_time)
    np.testing.assert_array_equal(X, untouched)


@pytest.mark.parametrize("size", ["small", "large"])
def test_conditioned_rows_are_those_of_the_formula(rng, request, shift, scale, size):
    if size == "large":
        request.getfixturevalue("large")
    X = rng.normal(size=(N_ROWS, N_FEATURES))
    inputs = Inputs(X, N_ROWS, shift=shift, scale=scale)
    for rows, taken in zip([*IN_TURN, slice(1, 4)], some_rows(inputs), strict=True):
        np.testing.assert_allclose(taken, (X[rows] - shift) / scale, rtol=1e-14, atol=0)


@pytest.mark.parametrize("rows", [slice(0, 9), slice(2, 5)])
def test_unconditioned_slices_are_views(rng, rows):
    X = rng.normal(size=(N_ROWS, N_FEATURES))
    assert np.shares_memory(Inputs(X, N_ROWS).take(rows), X)


def test_small_inputs_are_conditioned_once(rng, shift, scale):
    inputs = Inputs(rng.normal(size=(N_ROWS, N_FEATURES)), N_ROWS, shift=shift, scale=scale)
    assert np.shares_memory(inputs.take(slice(0, 5)), inputs[slice(3, 9)])


@pytest.mark.parametrize("rows", [ROWS[0], ROWS[2]], ids=["slice", "index"])
def test_batches_share_a_buffer(rng, large, shift, scale, rows):
    X = rng.normal(size=(N_ROWS, N_FEATURES))
    inputs = Inputs(X, N_ROWS, shift=shift, scale=scale)
    first = inputs.take(rows)
    inputs.take(np.array([1]))
    assert np.shares_memory(inputs.take(rows), first)


def test_what_is_sparse_stays_so(rng, shift, scale):
    X = sparse.csr_matrix(rng.integers(0, 3, size=(N_ROWS, N_FEATURES)).astype(float))
    V = rng.normal(size=(N_FEATURES, 2))
    for options in ({}, {"shift": shift, "scale": scale}):
        taken = Inputs(X, N_ROWS, **options).take(ROWS[2])
        assert not isinstance(taken, np.ndarray)
        expected = Inputs(X.toarray(), N_ROWS, **options).take(ROWS[2]) @ V
        np.testing.assert_allclose(taken.dot(V, out=np.empty((3, 2))), expected, rtol=1e-12)
