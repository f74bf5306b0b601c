"""The problem of an estimator at its fitted, its first or given weights."""

import numpy as np
import pandas as pd
import pytest

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._estimators import base
from skbackprop._estimators.check_data import GivenRows
from skbackprop._estimators.problem_at import problem_at
from skbackprop.inspection import check_gradient, trace_step

RNG = np.random.default_rng(0)
X = RNG.normal(3.0, 2.0, size=(30, 3))
Y = X @ [1.0, 2.0, -1.0]
LABELS = RNG.integers(0, 3, 30)


@pytest.mark.parametrize(
    ("estimator", "y"), [(BackpropRegressor(random_state=0), Y), (BackpropClassifier(4), LABELS)]
)
def test_no_step_is_taken(estimator, y, monkeypatch):
    monkeypatch.setattr(base, "gradient_descent", None)
    at = problem_at(estimator, GivenRows(X, y))
    assert at.begun is not None
    assert trace_step(estimator, X, y).learning_rate > 0.0
    assert check_gradient(estimator, X, y, n_weights=2).passed
    assert not hasattr(estimator, "n_features_in_")


@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"conditioning": None}])
def test_an_unfitted_one_has_the_coordinates_and_the_step_of_a_fit(params):
    estimator = BackpropRegressor(5, feature_penalty=0, random_state=0, max_iter=1)
    estimator.set_params(batch_size="full", **params)
    at = problem_at(estimator, GivenRows(X, Y))
    step_sizes = {at.step_size() for _ in range(2)}
    estimator.set_params(early_stopping=False, tol=None).fit(X, Y)
    assert step_sizes == {estimator.learning_rate_}
    np.testing.assert_array_equal(at.conditioning.input_shift, estimator.input_shift_)
    np.testing.assert_array_equal(at.conditioning.input_scale, estimator.input_scale_)
    np.testing.assert_array_equal(at.conditioning.target_scale, estimator.target_scale_)
    value = at.objective.value(at.params) * at.conditioning.loss_unit
    assert value == pytest.approx(estimator.loss_curve_[0], rel=1e-12)


def test_a_fitted_one_has_the_loss_of_its_fit():
    model = BackpropRegressor(5, feature_penalty=0, random_state=0, max_iter=3).fit(X, Y)
    at = problem_at(model, GivenRows(X, Y))
    assert at.begun is None
    value = at.objective.value(at.params) * at.conditioning.loss_unit
    assert value == pytest.approx(model.loss_, rel=1e-12)


def test_of_a_fitted_one_the_layers_are_those_of_the_fit():
    model = BackpropRegressor(5, "tanh", random_state=0, max_iter=3).fit(X, Y)
    before = trace_step(model, X, Y)
    after = trace_step(model.set_params(hidden_layer_sizes=(7, 2), activation="relu"), X, Y)
    assert str(after) == str(before)


def test_all_is_in_double_precision():
    model = BackpropRegressor(5, random_state=0, max_iter=3).fit(X.astype(np.float32), Y)
    at = problem_at(model, GivenRows(X.astype(np.float32), Y))
    assert {part.dtype for layer in at.layers for part in layer} == {np.dtype(np.float64)}
    assert at.params.dtype == at.problem.data.X.dtype == np.float64


def test_given_coefficients_come_with_the_intercepts_of_a_fit_from_them():
    estimator = BackpropRegressor(5, feature_penalty=0, random_state=0, max_iter=1, tol=None)
    coefs = [np.ones((3, 5)), np.ones((5, 1))]
    at = problem_at(estimator, GivenRows(X, Y), coefs=coefs)
    model = estimator.set_params(batch_size="full", learning_rate=1e-300)
    model.fit(X, Y, coefs_init=coefs)
    for layer, intercept in zip(at.layers, model.intercepts_, strict=True):
        np.testing.assert_allclose(layer.intercept, intercept, rtol=1e-12)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 5.0, 2: 0.0}])
def test_class_weights_count(class_weight):
    model = BackpropClassifier(4, class_weight=class_weight, feature_penalty=0, random_state=0)
    model.set_params(batch_size="full", max_iter=2, tol=None)
    first = trace_step(model, X, LABELS)
    model.fit(X, LABELS)
    assert first.value == pytest.approx(model.loss_curve_[0], rel=1e-12)
    assert trace_step(model, X, LABELS).value == pytest.approx(model.loss_, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "y", "params"),
    [
        (BackpropRegressor(5, max_iter=3, random_state=0), Y, {"fit_intercept": False}),
        (BackpropRegressor(5, max_iter=3, random_state=0), Y, {"output_activation": "softplus"}),
        (BackpropRegressor(5, max_iter=3, random_state=0), Y, {"loss": "huber"}),
        (
            BackpropRegressor(5, loss="quantile", max_iter=3, random_state=0),
            Y,
            {"quantile": 0.9, "loss_reduction": "sum"},
        ),
        (BackpropClassifier(5, max_iter=3), LABELS > 1, {"loss": "half_squared_error"}),
    ],
)
def test_what_is_set_after_a_fit_is_for_the_next(model, y, params):
    model.fit(X, y)
    before = str(trace_step(model, X, y))
    assert str(trace_step(model.set_params(**params), X, y)) == before


def test_an_unfitted_one_has_the_penalty_of_a_fit(rng):
    wide = rng.normal(size=(2000, 40))
    model = BackpropRegressor(3, random_state=0, batch_size="full", max_iter=1, tol=None)
    first = trace_step(model, wide, wide[:, 0])
    model.fit(wide, wide[:, 0])
    assert first.value == pytest.approx(model.loss_curve_[0], rel=1e-6)


def test_the_step_size_at_given_weights_needs_no_others(monkeypatch):
    empty_like = np.empty_like

    def not_numbers(array, *args, **kwargs):
        made = empty_like(array, *args, **kwargs)
        if made.dtype.kind == "f":
            made.fill(np.nan)
        return made

    monkeypatch.setattr(np, "empty_like", not_numbers)
    with np.errstate(all="raise"):
        trace = trace_step(BackpropRegressor(3, random_state=0), X, Y)
    assert trace.learning_rate > 0.0


def test_errors_name_the_columns_as_they_are():
    frame = pd.DataFrame(X[:, :1], columns=["x_init"])
    model = BackpropRegressor(3, max_iter=1, tol=None).fit(frame, Y)
    with pytest.raises(ValueError, match="x_init"):
        trace_step(model, frame.rename(columns={"x_init": "y"}), Y)
    with pytest.raises(ValueError, match=r"^coefs must be a sequence of 2 arrays"):
        trace_step(model, frame, Y, coefs=[])
