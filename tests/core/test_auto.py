"""The rules of "auto", each against values worked by hand."""

import numpy as np
import pytest

from skbackprop._core import auto


@pytest.mark.parametrize(
    ("given", "n_rows", "n_features", "expected"),
    [
        ("auto", 1000, 10, 32),
        ("auto", 20, 10, 20),
        ("auto", 2000, 1000, 32),
        ("auto", 2000, 1001, 128),
        ("auto", 1999, 1001, 32),
        ("full", 2000, 2000, 2000),
        (200, 2000, 2000, 200),
        (200, 50, 10, 50),
    ],
)
def test_rows_a_batch(given, n_rows, n_features, expected):
    assert auto.batch_size(given, n_rows, n_features) == expected


@pytest.mark.parametrize(
    ("n_columns", "n_entries", "expected"),
    [(20, 20, 32), (2000, 80, 64), (2000, 20, 256), (130_107, 60, 256), (1600, 100, 32)],
)
def test_sparse_rows_make_larger_batches(n_columns, n_entries, expected):
    assert auto.batch_size("auto", 10_000, n_columns, n_columns / n_entries) == expected
    assert auto.batch_size("auto", 90, n_columns, n_columns / n_entries) == min(expected, 90)
    assert auto.batch_size(32, 10_000, n_columns, n_columns / n_entries) == 32


@pytest.mark.parametrize(
    ("n_rows", "n_epochs"), [(1, 200), (250, 120), (2000, 60), (16_000, 30), (10**9, 20)]
)
def test_more_rows_have_fewer_epochs(n_rows, n_epochs):
    """60 · (2,000 / n)^⅓, at least 20 and at most 200."""
    n_batches = -(-n_rows // 32)
    assert auto.max_iter("auto", n_rows, n_batches, of_labels=False) == n_epochs
    assert auto.max_iter(7, n_rows, n_batches, of_labels=False) == 7


@pytest.mark.parametrize(
    ("n_rows", "n_epochs"), [(1, 200), (250, 85), (2000, 60), (16_000, 30), (10**9, 20)]
)
def test_few_labels_have_fewer_epochs(n_rows, n_epochs):
    """60 · (2,000 / n)^⅙ below 2,000 rows."""
    assert auto.max_iter("auto", n_rows, -(-n_rows // 32), of_labels=True) == n_epochs


@pytest.mark.parametrize("of_labels", [True, False])
def test_there_are_200_steps(of_labels):
    assert auto.max_iter("auto", 2000, 1, of_labels=of_labels) == 200
    assert auto.max_iter("auto", 2000, 2, of_labels=of_labels) == 100


@pytest.mark.parametrize(
    ("n_features", "weight", "reduction", "scaled", "expected"),
    [
        (2, 100.0, "mean", False, 0.06 / 100),
        (40, 100.0, "mean", False, 0.3 / 100),
        (40, 400.0, "mean", False, 0.3 / 400),
        (2, 4.0, "mean", False, 0.06 / 100),
        (2, 4.0, "sum", False, 0.06 * 4 / 100),
        (40, 100.0, "sum", False, 0.3),
        (40, 1e9, "mean", False, 1e-5),
        (40, 1e9, "mean", True, 1e-6),
        (40, 1e9, "sum", True, 1e3),
    ],
)
def test_alpha(n_features, weight, reduction, scaled, expected):
    found = auto.alpha("auto", n_features, weight, reduction, scaled=scaled)
    assert found == pytest.approx(expected, rel=1e-12)
    assert auto.alpha(0.7, n_features, weight, reduction, scaled=scaled) == 0.7


@pytest.mark.parametrize(("n_features", "expected"), [(1, 2.5), (4, 5.0), (100, 25.0), (1024, 0.0)])
def test_penalty_of_features(n_features, expected):
    assert auto.feature_penalty("auto", n_features, suits=True) == pytest.approx(expected)
    assert auto.feature_penalty("auto", n_features, suits=False) == 0.0
    assert auto.feature_penalty(3, n_features, suits=False) == 3.0


@pytest.mark.parametrize(("n_features", "expected"), [(1, 1), (3, 3), (9, 4), (100, 10)])
def test_columns_a_unit(n_features, expected):
    assert auto.columns_a_unit(n_features) == expected


@pytest.mark.parametrize(
    ("n_rows", "batch_size", "sizes", "longest", "expected"),
    [
        (300, 299, [1.0, 1e14], 100.0, True),
        (300, 300, [1.0, 1e14], 100.0, False),
        (299, 32, [1.0, 1e14], 100.0, False),
        (300, 32, [1.0, 1e16], 100.0, False),
        (300, 32, [1.0, 1e-16], 100.0, False),
        (300, 32, [1.0, np.nan], 100.0, False),
        (300, 32, [1.0, 1e14], 101.0, False),
    ],
)
def test_float32(n_rows, batch_size, sizes, longest, expected):
    assert auto.descends_in_float32(n_rows, batch_size, np.array(sizes), longest) is expected


@pytest.mark.parametrize(("curvature", "expected"), [(3.0, 0.5), (0.0, 1.0), (np.inf, 1.0)])
def test_step_size(curvature, expected):
    assert auto.step_size(curvature, in_stream=False) == expected
    assert auto.step_size(curvature, in_stream=True) == expected / 2


@pytest.mark.parametrize(
    ("factor", "expected"), [(1.9, False), (0.51, False), (2.0, True), (0.5, True), (np.nan, True)]
)
def test_scales_have_moved(factor, expected):
    before = np.array([1.0, 8.0])
    assert auto.scales_have_moved(before * [1.0, factor], before) is expected
    assert auto.scales_have_moved(before, None)


def test_distance_from_bounds():
    found = auto.distance_from_bounds(2.0, np.array([0.5, 10.0]))
    np.testing.assert_allclose(found, [0.005, 0.02], rtol=1e-12)


@pytest.mark.parametrize(
    ("schedule", "n_epochs", "expected"),
    [("linear", 200, 50), ("linear", 20, 10), ("constant", 200, 10)],
)
def test_patience(schedule, n_epochs, expected):
    assert auto.patience(10, schedule, n_epochs) == expected


def test_margin():
    assert auto.margin(goes_on=False, partial=False) == 0.0
    assert auto.margin(goes_on=True, partial=False) == 0.05
    assert auto.margin(goes_on=True, partial=True) == 1.0
