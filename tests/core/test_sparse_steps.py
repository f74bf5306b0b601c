"""Steps on sparse rows: those of the gradient, at the cost of the columns with entries."""

import numpy as np
import pytest
from scipy import sparse

from skbackprop._core import lazy_coef
from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.descent import Steps
from skbackprop._core.lazy_coef import LazyCoef
from skbackprop._core.losses import LOSSES
from skbackprop._core.network import Network
from skbackprop._core.objective import Objective, Sample, SparseSteps

N_ROWS, N_FEATURES, N_UNITS = 40, 60, 5
BATCHES = [np.arange(40)[k::8] for k in range(8)] + [np.array([3, 3, 7])]
STEP = 0.1


@pytest.fixture
def params(rng):
    return rng.normal(size=Network((N_FEATURES, N_UNITS, 2), [ACTIVATIONS["sigmoid"]]).n_params)


def objective(
    rng,
    *,
    density=0.03,
    shift=1.0,
    fit_intercept=True,
    weighted=False,
    alpha=0.3,
    reduction="mean",
):
    X = sparse.random(N_ROWS, N_FEATURES, density, "csr", random_state=rng)
    sample = Sample(
        X,
        rng.normal(size=(N_ROWS, 2)),
        rng.uniform(0.1, 5.0, size=N_ROWS) if weighted else None,
        shift=shift * rng.normal(size=N_FEATURES) if shift else None,
        scale=rng.uniform(0.5, 2.0, size=N_FEATURES),
    )
    network = Network(
        (N_FEATURES, N_UNITS, 2), [ACTIVATIONS["sigmoid"]], fit_intercept=fit_intercept
    )
    loss = LOSSES["half_squared_error"]("values", "identity")
    return Objective(network, loss, sample, alpha=alpha, reduction=reduction, batch_size=5)


def descended(steps, batches=BATCHES):
    """The shares of the value that steps meet, and the parameters after them."""
    values = []
    with steps:
        for number, rows in enumerate(batches):
            values.append(steps.prepare(rows, STEP / (1 + number)))
            steps.take()
    return values, steps._params


def both(f, params):
    """Steps on sparse rows and steps of the whole gradient."""
    params = params[: f.network.n_params]
    of_sparse = f.steps(params.copy(), np.empty_like(params))
    assert type(of_sparse) is SparseSteps
    return of_sparse, Steps(f, params.copy(), np.empty_like(params))


def assert_alike(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("density", [0.03, 0.5], ids=["few columns", "most columns"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "intercepts", [(True, True), (False, True), (False, False)], ids=["shift", "none", "bare"]
)
def test_they_are_those_of_the_gradient(rng, params, density, reduction, weighted, intercepts):
    shift, fit_intercept = intercepts
    f = objective(
        rng,
        density=density,
        reduction=reduction,
        weighted=weighted,
        shift=shift,
        fit_intercept=fit_intercept,
    )
    assert f.inputs.touches_few_columns == (density < 0.1)
    found, expected = map(descended, both(f, params))
    assert_alike(found, expected)


# The first decay is 1, just 0, near 0, negative or larger than 1 in size.
@pytest.mark.parametrize("alpha", [0.0, 1.0 / STEP, 0.999999 / STEP, 15.0, 5e4])
@pytest.mark.parametrize("density", [0.03, 0.5], ids=["few columns", "most columns"])
def test_any_decay(rng, params, alpha, density):
    found, expected = map(descended, both(objective(rng, alpha=alpha, density=density), params))
    # The largest of these diverges.
    scale = max(1.0, np.abs(expected[1]).max())
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-9)
    np.testing.assert_allclose(found[1] / scale, expected[1] / scale, rtol=1e-9, atol=1e-12)


def test_a_step_leaves_columns_without_entries_alone(rng, params):
    f = objective(rng)
    of_sparse, _ = both(f, params)
    coef = f.network.layers(of_sparse._params)[0].coef
    before = coef.copy()
    with of_sparse as steps:
        steps.prepare(BATCHES[0], STEP)
        steps.take()
        changed = (coef != before).any(axis=1)
    touched = np.zeros(N_FEATURES, dtype=bool)
    touched[f.inputs.take(BATCHES[0]).X.indices] = True
    np.testing.assert_array_equal(changed, touched)
    # The decay and the shift change all, which is made up for at the end.
    assert (coef != before).any(axis=1).all()


def test_an_interrupt_leaves_the_steps_taken(rng, params):
    of_sparse, dense = both(objective(rng), params)

    def interrupt():
        yield from BATCHES[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        descended(of_sparse, interrupt())
    assert_alike([of_sparse._params], [descended(dense, BATCHES[:3])[1]])


def test_an_interrupt_while_the_parameters_are_made_whole(rng, params, monkeypatch):
    of_sparse, dense = both(objective(rng), params)
    settle, calls = LazyCoef.settle, []

    def interrupted_once(coef):
        calls.append(coef)
        if len(calls) == 1:
            raise KeyboardInterrupt
        settle(coef)

    monkeypatch.setattr(LazyCoef, "settle", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        descended(of_sparse)
    assert_alike([of_sparse._params], [descended(dense)[1]])


@pytest.mark.parametrize("at", range(6))
def test_an_interrupt_in_any_part_of_what_was_put_off(rng, params, monkeypatch, at):
    of_sparse, dense = both(objective(rng), params)
    monkeypatch.setattr(lazy_coef, "_CHUNK", 10)
    outer, calls = np.outer, []

    def interrupted_once(*vectors):
        calls.append(vectors)
        if len(calls) == at + 1:
            raise KeyboardInterrupt
        return outer(*vectors)

    def until_the_end():
        yield from BATCHES
        monkeypatch.setattr(np, "outer", interrupted_once)

    with pytest.raises(KeyboardInterrupt):
        descended(of_sparse, until_the_end())
    # Six parts, one of them twice.
    assert len(calls) == 7
    assert_alike([of_sparse._params], [descended(dense)[1]])


def test_an_interrupt_before_a_step_is_taken_leaves_it_out_whole(rng, params, monkeypatch):
    of_sparse, dense = both(objective(rng), params)
    step, calls = LazyCoef.step, []

    def interrupted_third(coef, *changes):
        calls.append(changes)
        if len(calls) == 3:
            raise KeyboardInterrupt
        step(coef, *changes)

    monkeypatch.setattr(LazyCoef, "step", interrupted_third)
    with pytest.raises(KeyboardInterrupt):
        descended(of_sparse)
    assert_alike([of_sparse._params], [descended(dense, BATCHES[:2])[1]])


def test_a_square_that_is_lost_is_told():
    coef = LazyCoef(np.full((3, 2), 1e15, dtype=np.float32), None)
    coef.prepare(sparse.csr_array((1, 3), dtype=np.float32), slice(None), 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        coef.step(np.full((3, 2), -1e25, dtype=np.float32), None)
    assert not np.isfinite(coef.square)


def test_a_step_that_is_not_taken_changes_nothing(rng, params):
    of_sparse, _ = both(objective(rng), params)
    with of_sparse as steps:
        steps.prepare(BATCHES[0], STEP)
    np.testing.assert_array_equal(steps._params, params)


def test_what_does_not_suit_takes_the_whole_gradient(rng):
    """A full batch, a shift without intercepts, a long shift."""
    full = objective(rng)
    full.batch_size = N_ROWS
    for f in (full, objective(rng, fit_intercept=False), objective(rng, shift=20.0)):
        params = np.zeros(f.network.n_params)
        assert type(f.steps(params, params.copy())) is Steps
