"""What a fit prints: a header, a line an epoch that thins out, and how it ended."""

import re

import numpy as np
import pytest
from sklearn.metrics import mean_squared_error

from skbackprop import BackpropClassifier, BackpropRegressor

ESTIMATORS = [BackpropClassifier, BackpropRegressor]
each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS)
X = np.random.default_rng(0).normal(size=(64, 3))
TARGETS = {BackpropClassifier: X[:, 0] > 0, BackpropRegressor: 1000 * X[:, 0]}


def printed(capsys, estimator, *, fit=None, **params):
    """The fitted estimator, the header, the rows as numbers and the last line."""
    params = {"random_state": 0, "tol": None, "verbose": 1} | params
    model = estimator(4, **params).fit(X, TARGETS[estimator], **(fit or {}))
    header, *lines, last = capsys.readouterr().out.splitlines()
    return model, header, lines, last


def numbers(lines):
    return np.array([line.split() for line in lines], dtype=float)


def epochs(lines):
    return [int(line.split()[0]) for line in lines]


@each_estimator
def test_verbose_0_prints_nothing(estimator, capsys):
    estimator(4, max_iter=3).fit(X, TARGETS[estimator])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("max_iter", "expected"),
    [
        (1, [1]),
        (7, range(1, 8)),
        (25, [*range(1, 11), 20, 25]),
        (200, [*range(1, 11), *range(20, 101, 10), 200]),
        (1234, [*range(1, 11), *range(20, 101, 10), *range(200, 1001, 100), 1234]),
    ],
)
def test_lines_thin_out(max_iter, expected, capsys):
    _, _, lines, last = printed(capsys, BackpropRegressor, max_iter=max_iter)
    assert epochs(lines) == list(expected)
    assert last == "All max_iter epochs were run."


@pytest.mark.parametrize("verbose", [2, 3])
def test_verbose_2_prints_every_epoch(verbose, capsys):
    _, _, lines, _ = printed(capsys, BackpropRegressor, max_iter=37, verbose=verbose)
    assert epochs(lines) == list(range(1, 38))


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
@pytest.mark.parametrize("validated", [False, True])
def test_columns_are_aligned(scale, validated, capsys):
    model = BackpropRegressor(4, max_iter=1000, verbose=1, tol=None, loss="absolute_error")
    y = scale * TARGETS[BackpropRegressor]
    model.fit(X, y, **({"X_val": X, "y_val": y} if validated else {}))
    header, *lines, _ = capsys.readouterr().out.splitlines()
    names = ["epoch", "loss", *(["validation"] if validated else []), "step size", "seconds"]
    assert re.findall(r"\S+(?: \S+)*", header) == names
    ends = [match.end() for match in re.finditer(r"\S+(?: \S+)*", header)]
    for line in lines:
        assert [match.end() for match in re.finditer(r"\S+", line)] == ends
        assert line.count(".") == len(names) - 1


@each_estimator
def test_numbers(estimator, capsys):
    y = TARGETS[estimator]
    model, _, lines, _ = printed(capsys, estimator, max_iter=10, fit={"X_val": X, "y_val": y})
    rows = numbers(lines)
    np.testing.assert_allclose(rows[:, 1], model.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(rows[:, 2], model.validation_loss_curve_, rtol=1e-5)
    fractions = 1 - np.arange(10) / 10
    np.testing.assert_allclose(rows[:, 3], model.learning_rate_ * fractions, rtol=1e-3)
    assert (np.diff(rows[:, 4]) >= 0).all()
    assert 0 <= rows[-1, 4] < 30


def test_losses_are_in_units_of_y(capsys):
    y = TARGETS[BackpropRegressor]
    model, _, lines, _ = printed(
        capsys, BackpropRegressor, max_iter=3, alpha=0, fit={"X_val": X, "y_val": y}
    )
    best = mean_squared_error(y, model.predict(X)) / 2
    assert numbers(lines)[model.best_iter_ - 1, 2] == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize(
    ("params", "last"),
    [
        ({"tol": 0.9}, "The gradient vanished or the loss stopped falling, as tol asks."),
        (
            {"early_stopping": True, "n_iter_no_change": 1, "learning_rate_schedule": "constant"},
            "The validation score stopped rising.",
        ),
    ],
)
def test_last_line_says_how_it_ended(params, last, capsys):
    assert printed(capsys, BackpropRegressor, max_iter=500, **params)[-1] == last


@each_estimator
def test_a_stream_prints_its_header_once_and_thins_out(estimator, capsys):
    model = estimator(4, verbose=1, random_state=0)
    y = TARGETS[estimator]
    first = {"classes": [False, True]} if estimator is BackpropClassifier else {}
    for k in range(150):
        model.partial_fit(X, y, **(first if k == 0 else {}))
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split()[0] == "epoch"
    assert epochs(lines) == [*range(1, 11), *range(20, 101, 10)]
    model.set_params(verbose=2).partial_fit(X, y).partial_fit(X, y)
    assert epochs(capsys.readouterr().out.splitlines()) == [151, 152]


def test_undone_epochs_count_but_have_no_line(capsys, monkeypatch):
    from skbackprop._estimators import plan

    monkeypatch.setattr(plan, "largest_curvature", lambda *_: 1e-4)
    model, _, lines, _ = printed(capsys, BackpropRegressor, max_iter=30, verbose=2)
    assert model.n_iter_ == 30 > len(lines) == len(model.loss_curve_)
    assert epochs(lines)[-1] == 30
