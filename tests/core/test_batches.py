"""Batches: each row once an epoch, in an order that the generator alone decides; and epochs."""

import numpy as np
import pytest

from skbackprop._core.rows import Batches

SIZES = [(1, 1), (7, 1), (7, 3), (6, 3), (7, 6), (7, 7), (7, 10)]


def epoch(batches):
    """Row numbers of each batch of one epoch."""
    return [np.arange(batches.n_rows)[rows] for rows in batches]


@pytest.mark.parametrize("seed", [None, 0], ids=["in order", "shuffled"])
@pytest.mark.parametrize(("n_rows", "batch_size"), SIZES)
def test_each_epoch_has_every_row_once(n_rows, batch_size, seed):
    batches = Batches(n_rows, batch_size, None if seed is None else np.random.default_rng(seed))
    for _ in range(3):
        parts = epoch(batches)
        assert sorted(np.concatenate(parts)) == list(range(n_rows))
        assert len(parts) == len(batches)
        *full, last = map(len, parts)
        assert set(full) <= {batch_size}
        assert 1 <= last <= batch_size


def test_without_generator_batches_are_slices_in_order():
    batches = Batches(7, 3)
    assert list(batches) == list(batches) == [slice(0, 3), slice(3, 6), slice(6, 7)]


@pytest.mark.parametrize("batch_size", [7, 10])
def test_full_batch_leaves_the_generator_alone(batch_size):
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    assert list(Batches(7, batch_size, rng)) == [slice(0, 7)]
    assert rng.bit_generator.state == before


def test_order_depends_on_the_state_of_the_generator_alone():
    first, second, third = (
        np.concatenate(epoch(batches))
        for batches in (
            Batches(50, 7, np.random.default_rng(0)),
            Batches(50, 20, np.random.default_rng(0)),
            Batches(50, 7, np.random.default_rng(1)),
        )
    )
    np.testing.assert_array_equal(first, second)
    assert (first != third).any()


def test_each_epoch_has_an_order_of_its_own():
    batches = Batches(50, 7, np.random.default_rng(0))
    first, second = (np.concatenate(epoch(batches)) for _ in range(2))
    assert (first != second).any()


def test_every_order_is_as_likely():
    # 6000 epochs of 3! orders: 1000 each, give or take 5 standard deviations of 29.
    batches = Batches(3, 2, np.random.default_rng(0))
    orders = [tuple(np.concatenate(epoch(batches))) for _ in range(6000)]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 6
    assert all(abs(count - 1000) < 145 for count in counts)
