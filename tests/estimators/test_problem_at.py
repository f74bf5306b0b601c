"""The problem of an estimator at its fitted, its first or given weights."""

import numpy as np
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
