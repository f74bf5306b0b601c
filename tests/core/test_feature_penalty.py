"""Scales of the features: gradient, penalty, start, and what comes of them in a fit."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_friedman1
from sklearn.feature_selection import RFE, SelectFromModel

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.descent import Plan, gradient_descent
from skbackprop._core.feature_penalty import FeatureScales, ScaledObjective
from skbackprop._core.losses import LOSSES
from skbackprop._core.network import Network
from skbackprop._core.objective import Objective, Sample
from skbackprop._core.rows import Batches
from skbackprop._core.rules import SCHEDULES
from skbackprop._core.start import sparsen

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(12, 3)), RNG.normal(size=(12, 2))
NETWORK = Network([3, 4, 2], [ACTIVATIONS["tanh"]])
SCALES = FeatureScales(NETWORK, penalty=2.5)
each_reduction = pytest.mark.parametrize("reduction", ["mean", "sum"])


def scaled_objective(reduction, alpha=0.3, batch_size=12, scales=SCALES):
    loss = LOSSES["half_squared_error"].make("matrix", "identity")
    rows = Objective(NETWORK, loss, Sample(X, Y), reduction=reduction, batch_size=batch_size)
    return ScaledObjective(rows, scales, alpha)


def formula(params, rows, reduction, explained, alpha=0.3):
    """The objective of a batch, both penalties included, written out; of complex parameters too."""
    V, U = params[:12].reshape(3, 4), params[12:20].reshape(4, 2)
    b, c, s = params[20:24], params[24:26], params[26:]
    residual = np.tanh(X[rows] @ (s[:, np.newaxis] * V) + b) @ U + c - Y[rows]
    losses = 0.5 * (residual**2).sum(axis=1)
    penalty = 0.5 * alpha * ((V**2).sum() + (U**2).sum() + 2.5 * explained * (s**2).sum())
    if reduction == "mean":
        return losses.mean() + penalty
    return losses.sum() + penalty * len(losses) / 12


@each_reduction
@pytest.mark.parametrize("explained", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("rows", [slice(0, 12), np.array([7, 2, 5])], ids=["all", "batch"])
def test_gradient_is_the_derivative_of_the_formula(reduction, explained, rows, rng):
    objective = scaled_objective(reduction)
    objective.set_explained(explained)
    params, gradient = rng.normal(size=29), np.empty(29)
    objective.value_and_gradient(params, rows, gradient, scale=-2.0)
    steps = params + 1e-200j * np.eye(29)
    derivative = [formula(p, rows, reduction, explained).imag / 1e-200 for p in steps]
    assert_allclose(gradient, -2.0 * np.array(derivative), rtol=1e-11, atol=1e-12)


def test_other_arrays_and_the_same_again_have_their_own_gradients(rng):
    objective = scaled_objective("mean")
    objective.set_explained(0.4)
    points, gradients = list(rng.normal(size=(2, 29))), list(np.empty((2, 29)))
    for at, into in [(0, 0), (0, 0), (1, 0), (1, 1), (0, 1)]:
        params, gradient = points[at], gradients[into]
        params *= 0.5
        objective.value_and_gradient(params, slice(0, 12), gradient)
        expected = np.empty(29)
        anew = scaled_objective("mean")
        anew.set_explained(0.4)
        anew.value_and_gradient(params.copy(), slice(0, 12), expected)
        assert_array_equal(gradient, expected)


@each_reduction
def test_values_have_the_penalty_of_v_and_not_that_of_s(reduction, rng):
    objective = scaled_objective(reduction, batch_size=5)
    objective.set_explained(0.7)
    params, gradient = rng.normal(size=29), np.empty(29)
    batches = np.array_split(rng.permutation(12), 3)
    shares = [objective.value_and_gradient(params, rows, gradient) for rows in batches]
    expected = formula(params, slice(0, 12), reduction, 0.0)
    assert sum(shares) == pytest.approx(expected, rel=1e-13)
    assert objective.value(params) == pytest.approx(expected, rel=1e-13)
    further = formula(params, slice(0, 12), reduction, 0.7) - expected
    assert objective.further_penalty(params) == pytest.approx(further, rel=1e-12)


def test_factors_in_balance_have_the_same_product_and_the_least_penalty(rng):
    params = rng.normal(size=NETWORK.n_params)
    params[4:8] = 0.0  # the coefficients of the second feature
    split = SCALES.split(params)
    assert_allclose(SCALES.fold(split), params, rtol=1e-15)
    *_, V, s = SCALES.parts(split)
    assert s[1] == 1.0
    lengths = np.linalg.norm(V, axis=1)
    assert_allclose(lengths[[0, 2]], np.sqrt(2.5) * s[[0, 2], 0], rtol=1e-14)
    assert_array_equal(SCALES.fold(SCALES.append_ones(params)), params)


@pytest.mark.parametrize("estimator", [BackpropClassifier, BackpropRegressor])
def test_features_of_no_use_fade(estimator):
    X, y = make_friedman1(600, n_features=30, noise=1.0, random_state=0)
    y = (y > np.median(y)).astype(int) if estimator is BackpropClassifier else y
    with_scales, without = (
        estimator(random_state=0, feature_penalty=q).fit(X, y) for q in ("auto", 0)
    )
    noise = [m.feature_importances_[5:].sum() for m in (with_scales, without)]
    assert noise[0] < 0.7 * noise[1]
    new_X, new_y = make_friedman1(600, n_features=30, random_state=1)
    new_y = (new_y > np.median(new_y)).astype(int) if estimator is BackpropClassifier else new_y
    assert with_scales.score(new_X, new_y) > without.score(new_X, new_y)


def test_what_has_no_slope_at_the_start_does_not_fade_before_it_is_learnt():
    """Parity of six bits: each of them is without a say of its own."""
    bits = np.random.default_rng(0).integers(0, 2, size=(1000, 6))
    parity = bits.sum(axis=1) % 2
    model = BackpropClassifier(random_state=0).fit(bits, parity)
    assert model.score(bits, parity) > 0.95


def test_five_features_of_a_hundred_are_the_most_important():
    X, y = make_friedman1(1000, n_features=100, noise=1.0, random_state=1)
    importances = BackpropRegressor(random_state=0).fit(X, y).feature_importances_
    assert importances[:5].min() > 1.5 * importances[5:].max()


def test_importances_are_for_selectors():
    X, y = make_friedman1(500, n_features=12, random_state=0)
    model = BackpropRegressor(random_state=0, max_iter=40)
    importances = model.fit(X, y).feature_importances_
    assert importances.sum() == pytest.approx(1.0, rel=1e-14)
    assert set(np.argsort(importances)[-5:]) == set(range(5))
    rescaled = model.fit(X * 10.0 ** np.arange(12), y).feature_importances_
    assert_allclose(rescaled, importances, rtol=1e-6)
    assert set(np.flatnonzero(SelectFromModel(model).fit(X, y).get_support())) <= set(range(5))
    assert RFE(model, n_features_to_select=5, step=7).fit(X, y).support_.tolist() == (
        [True] * 5 + [False] * 7
    )
    constant = model.fit(np.ones((20, 2)), y[:20])
    assert_array_equal(constant.feature_importances_, 0.0)


@pytest.mark.parametrize(
    "params",
    [
        {"hidden_layer_sizes": ()},
        {"conditioning": None, "learning_rate": 0.01},
        {"alpha": 0},
        {"loss": "huber"},
        {"loss": "poisson"},
        {"loss": "quantile"},
        {"output_activation": "softplus"},
    ],
    ids=str,
)
def test_auto_has_no_scales_where_they_do_not_suit(params):
    X, y = make_friedman1(40, random_state=0)
    settings = {"hidden_layer_sizes": 5, "max_iter": 5, "random_state": 0} | params
    auto, without = (
        BackpropRegressor(**settings, feature_penalty=q).fit(X, y).coefs_ for q in ("auto", 0)
    )
    for coef, same in zip(auto, without, strict=True):
        assert_array_equal(coef, same)


def test_going_on_starts_where_the_fit_ended():
    X, y = make_friedman1(60, random_state=0)
    model = BackpropRegressor(5, max_iter=20, warm_start=True, random_state=0).fit(X, y)
    before = model.predict(X)
    model.set_params(learning_rate=1e-12, tol=None).fit(X, y)
    assert_allclose(model.predict(X), before, rtol=1e-8)


def test_in_full_batch_the_loss_with_its_penalty_never_rises():
    objective = scaled_objective("mean", scales=FeatureScales(NETWORK, 50.0))

    def total(params):
        return objective.value(params) + objective.further_penalty(params)

    class Recorder:
        n_epochs = 0

        def __init__(self, params):
            self.best = self.last = params.copy()

        def __call__(self, epoch):
            # An epoch that exploded, of which there is no report, has gone back to the best.
            (start, *_) = (p for p in (self.last, self.best) if objective.value(p) == epoch.loss)
            assert total(start) <= total(self.best) * (1.0 + 1e-5)
            self.best = start if epoch.loss < objective.value(self.best) else self.best
            self.last = epoch.params.copy()
            self.n_epochs += 1

        def chosen_params(self):
            return None

    rises = []
    for seed in range(8):
        objective.set_explained(0.0)
        draw = NETWORK.initial_params(np.random.default_rng(seed), np.dtype(float))
        params = SCALES.append_ones(draw)
        # Steps that are too long at first, and are halved until they lower the sum.
        plan = Plan(20.0, SCHEDULES["constant"](80), Batches(12, 12), 80, retry=True)
        recorder = Recorder(params)
        descent = gradient_descent(objective, params, plan, recorder)
        assert descent.undone > 0
        assert recorder.n_epochs > 40
        assert objective.further_penalty(params) > 0.0
        rises.append(max(np.diff(descent.loss_curve)))
    # The loss alone may rise, where the penalty of the scales falls by more.
    assert max(rises) > 0.1


@pytest.mark.parametrize(("n_features", "n_columns"), [(3, 3), (4, 4), (9, 4), (100, 10)])
def test_a_unit_starts_with_some_columns(n_features, n_columns):
    network = Network([n_features, 50, 1], [ACTIVATIONS["sigmoid"].conditioned])
    params = network.initial_params(np.random.default_rng(0), np.dtype(float))
    (dense, _), _ = network.layers(params.copy())
    sparsen(network, params, np.random.default_rng(1))
    (coef, intercept), _ = network.layers(params)
    ratio = coef / dense / max(1.0, 12.0 / (n_features + 1))
    connected = ratio > 0.5
    if n_columns == n_features:
        assert_allclose(ratio, 0.7, rtol=1e-14)
    else:
        assert_allclose(ratio[~connected], 0.2, rtol=1e-14)
        # A column that comes twice counts once.
        assert connected.sum(axis=0).max() == n_columns
        units_of_columns = connected.sum(axis=1)
        mean = 50 * n_columns / n_features
        assert (units_of_columns >= np.floor(mean) - 2).all()
        assert (units_of_columns <= np.ceil(mean)).all()
    places = intercept / np.linalg.norm(coef, axis=0)
    assert places.std() == pytest.approx(1.4, rel=0.3)


def test_units_of_relu_are_not_longer_with_few_columns():
    network = Network([1, 50, 1], [ACTIVATIONS["relu"]])
    params = network.initial_params(np.random.default_rng(0), np.dtype(float))
    dense = network.layers(params.copy())[0].coef
    sparsen(network, params, np.random.default_rng(1))
    assert_allclose(network.layers(params)[0].coef / dense, 0.7, rtol=1e-14)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
@pytest.mark.parametrize("seed", range(3))
def test_waves_of_a_single_column_are_learnt(activation, seed):
    rng = np.random.default_rng(seed)
    x, new_x = rng.uniform(-10.0, 10.0, size=(2, 1000, 1))
    model = BackpropRegressor(activation=activation, random_state=seed).fit(x, np.sin(x[:, 0]))
    # The best straight line has .04.
    assert model.score(new_x, np.sin(new_x[:, 0])) > 0.7


@pytest.mark.parametrize("estimator", [BackpropClassifier, BackpropRegressor])
def test_without_conditioning_there_are_no_scales_to_be_penalised(estimator):
    model = estimator(3, conditioning=None, feature_penalty=2.0, learning_rate=0.1)
    with pytest.raises(ValueError, match=r"feature_penalty must be 0 or 'auto' with.*; got 2\.0"):
        model.fit(X, Y[:, 0] > 0)


def test_a_stream_has_no_scales():
    streams = [BackpropRegressor(3, feature_penalty=q, random_state=0) for q in (0, 5.0)]
    for model in streams:
        model.partial_fit(X, Y).partial_fit(X, Y)
    assert_array_equal(streams[0].coefs_[0], streams[1].coefs_[0])
