"""The gradient check: right gradients pass with room to spare, each wrong one is named."""

import numpy as np
import pytest
from scipy import sparse

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.network import Network
from skbackprop._estimators.persistence import digest
from skbackprop.inspection import check_gradient

RNG = np.random.default_rng(0)
X = RNG.normal(1.0, 1.0, size=(20, 3))
Y = X @ RNG.normal(size=(3, 2)) / 4
CODES = RNG.integers(0, 3, 20)
LABELS = (Y > 0).astype(int)
WEIGHTS = RNG.uniform(0.5, 2.0, 20)

SQUARED = ("half_squared_error", "squared_error")
CASES = [
    *((BackpropRegressor(loss=loss, output_activation=name), Y) for loss in SQUARED
      for name in ACTIVATIONS),
    *((BackpropClassifier(loss=loss), y) for loss in BackpropClassifier._losses
      for y in (CODES, CODES > 0, LABELS)),
]  # fmt: skip


@pytest.mark.parametrize("conditioning", [None, "standardize"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_and_loss_passes(activation, conditioning):
    for number, (estimator, y) in enumerate(CASES):
        estimator.set_params(
            hidden_layer_sizes=(4, 3),
            activation=activation,
            conditioning=conditioning,
            fit_intercept=number % 3 > 0,
            loss_reduction=["mean", "sum"][number % 2],
            alpha=0.1,
            random_state=0,
        )
        check = check_gradient(estimator, X, y, WEIGHTS if number % 4 else None)
        has_kinks = "relu" in (activation, getattr(estimator, "output_activation", None))
        assert check.worst.relative_error < (1e-9 if has_kinks else 1e-10), (estimator, check)
        assert check.passed
        assert len(check.weights) == check.n_weights
        assert np.isfinite([weight.numeric for weight in check.weights]).all()
        assert any(weight.analytic for weight in check.weights)


@pytest.mark.parametrize("conditioning", [None, "standardize"])
@pytest.mark.parametrize(
    ("options", "y"),
    [
        ({"loss": "absolute_error"}, Y),
        ({"loss": "huber"}, Y),
        ({"loss": "quantile", "quantile": (0.2, 0.9)}, -Y[:, 0]),
        ({"loss": "poisson"}, np.exp(3 * Y).round()),
    ],
)
def test_every_loss_of_the_regressor_is_checked_on_what_was_fitted(options, y, conditioning):
    settings = {"conditioning": conditioning, "alpha": 0.1, "learning_rate": 1e-3}
    settings["feature_penalty"] = 0
    model = BackpropRegressor(4, **options, **settings, max_iter=5, random_state=0).fit(X, y)
    check = check_gradient(model, X, y)
    assert check.passed
    assert check.worst.relative_error < 1e-8
    unit = np.abs(model.target_scale_) ** (2 if model.loss == "huber" else 1)
    if model.loss == "poisson":
        unit = np.exp(model.target_shift_)
    assert np.mean(unit) * check.value == pytest.approx(model.loss_, rel=1e-12)


def test_a_fitted_network_passes_near_its_minimum():
    model = BackpropRegressor(8, random_state=0, max_iter=500).fit(X, Y)
    check = check_gradient(model, X, Y)
    assert check.worst.relative_error < 1e-10
    # Of what it was at the start, the gradient has so little left.
    assert max(abs(weight.analytic) for weight in check.weights) < 1e-2


def test_sparse_float32_and_far_inputs_pass(rng):
    for scale, dtype in ((1e-6, np.float64), (1e5, np.float64), (1.0, np.float32)):
        rows = (scale * X * (rng.random(X.shape) < 0.6)).astype(dtype)
        model = BackpropRegressor(4, random_state=0, max_iter=2).fit(rows, Y)
        for container in (np.asarray, sparse.csr_array):
            assert check_gradient(model, container(rows), Y).worst.relative_error < 1e-10
    plain = BackpropRegressor(4, conditioning=None, learning_rate=0.01, random_state=0)
    assert check_gradient(plain, 100 * X, Y).worst.relative_error < 1e-10


@pytest.mark.parametrize("name", ["coefs[0][2, 1]", "coefs[1][1, 0]", "intercepts[1][1]"])
@pytest.mark.parametrize("error", [1e-5, -1.0])
def test_a_wrong_derivative_is_named(monkeypatch, name, error):
    backward = Network.backward

    def broken(self, layers, X, buffers, gradients):
        backward(self, layers, X, buffers, gradients)
        coefs, intercepts = zip(*gradients, strict=True)
        of = {"coefs": coefs, "intercepts": intercepts}
        exec(f"{name} *= 1 + {error}", {}, of)

    estimator = BackpropRegressor(4, random_state=0, alpha=0)
    assert check_gradient(estimator, X, Y).passed
    monkeypatch.setattr(Network, "backward", broken)
    check = check_gradient(estimator, X, Y)
    assert not check.passed
    assert check.worst.name == name
    assert check.worst.analytic == pytest.approx(
        check.worst.numeric * (1 + error), rel=1e-8, abs=1e-12
    )
    assert "FAILED" in str(check)
    assert "1 of them above the tolerance" in str(check)
    assert f"<GradientCheck failed: {name} has" in repr(check)
    assert check_gradient(estimator, X, Y, tolerance=2.0).passed


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_wrong_derivative_of_an_activation_fails(monkeypatch, activation):
    right = ACTIVATIONS[activation]

    def multiply_derivative(a, delta):
        right.multiply_derivative(a, delta)
        delta *= 1 + 1e-6

    broken = right._replace(multiply_derivative=multiply_derivative, conditioned=None)
    estimator = BackpropRegressor(
        4, activation, conditioning=None, learning_rate=0.1, random_state=0
    )
    assert check_gradient(estimator, X, Y).passed
    monkeypatch.setitem(ACTIVATIONS, activation, broken)
    check = check_gradient(estimator, X, Y)
    assert not check.passed
    assert check.worst.name.startswith(("coefs[0]", "intercepts[0]"))


def test_kinks_are_told_and_not_failed():
    estimator = BackpropRegressor(2, "relu", conditioning=None, learning_rate=0.1)
    coefs = [np.ones((3, 2)), [[0.5, -1.0], [1.0, 2.0]]]
    check = check_gradient(
        estimator, X, Y, coefs=coefs, intercepts=[[-X[4].sum(), 0.1], np.zeros(2)]
    )
    assert check.kinks == ["coefs[0][0, 0]", "coefs[0][1, 0]", "coefs[0][2, 0]", "intercepts[0][0]"]
    assert check.passed
    assert not check.weights[0].relative_error < 1e-3
    assert "At 4 weights J has a kink" in str(check)
    away = check_gradient(estimator, X, Y, coefs=coefs, intercepts=[[0.1, 0.1], np.zeros(2)])
    assert away.passed
    assert not away.kinks


def test_a_wrong_derivative_is_no_kink(monkeypatch):
    right = ACTIVATIONS["relu"]

    def multiply_derivative(a, delta):
        right.multiply_derivative(a, delta)
        delta *= 0.5

    broken = right._replace(multiply_derivative=multiply_derivative)
    monkeypatch.setitem(ACTIVATIONS, "relu", broken)
    estimator = BackpropRegressor(3, "relu", conditioning=None, learning_rate=0.1, random_state=0)
    check = check_gradient(estimator, X, Y)
    assert not check.passed
    assert not check.kinks


def test_of_many_weights_a_random_sample_is_checked():
    estimator = BackpropRegressor(30, random_state=0)
    check = check_gradient(estimator, X, Y, n_weights=10)
    assert (len(check.weights), check.n_weights) == (10, 182)
    assert "a random 10 of 182 weights" in str(check)
    names = [weight.name for weight in check.weights]
    for random_state, same in ((0, True), (1, False)):
        other = check_gradient(estimator, X, Y, n_weights=10, random_state=random_state)
        assert (names == [weight.name for weight in other.weights]) == same
    assert len(check_gradient(estimator, X, Y, n_weights=None).weights) == 182


def test_report():
    model = BackpropClassifier(4, random_state=0, max_iter=2, feature_penalty=0).fit(X, CODES)
    check = check_gradient(model, X, CODES)
    assert check.value == pytest.approx(model.loss_, rel=1e-12)
    frame = check.to_frame()
    assert frame.loc[check.worst.name, "relative_error"] == check.worst.relative_error
    assert frame.loc[check.worst.name, "numeric"] == check.worst.numeric
    assert str(check).startswith(
        "Gradient check passed: 31 weights, in conditioned coordinates\nLargest relative error"
    )
    assert f"The worst, {check.worst.name}" in str(check)
    assert f"{check.worst.analytic:.15g}" in check._repr_html_()


def test_the_estimator_is_not_changed():
    model = BackpropRegressor(3, random_state=0, max_iter=2).fit(X, Y)
    before = digest(vars(model))
    check_gradient(model, X, Y)
    assert digest(vars(model)) == before


@pytest.mark.parametrize(
    ("kwargs", "error", "match"),
    [
        ({"tolerance": 0}, ValueError, "tolerance must be a positive finite number; got 0"),
        ({"n_weights": 0}, ValueError, "n_weights must be an integer of at least 1; got 0"),
        ({"random_state": "a"}, TypeError, "random_state must be None, an integer"),
        ({"estimator": "a"}, TypeError, "estimator must be a BackpropClassifier"),
    ],
)
def test_bad_input(kwargs, error, match):
    with pytest.raises(error, match=match):
        check_gradient(**{"estimator": BackpropRegressor(3), "X": X, "y": Y} | kwargs)
