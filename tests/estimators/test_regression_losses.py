"""The losses of the regressor in a fit: what it converges to, in which units, how it is scored."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_friedman1, make_regression
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import HuberRegressor, PoissonRegressor, QuantileRegressor
from sklearn.metrics import (
    d2_pinball_score,
    d2_tweedie_score,
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    r2_score,
)
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.preprocessing import scale
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from skbackprop import BackpropRegressor
from skbackprop._core.auto import LEAST_ROWS_IN_FLOAT32
from skbackprop._core.statistics import Spread
from skbackprop.inspection import check_gradient, trace_step

QUANTILES = (0.1, 0.5, 0.9)
LOSSES = [
    {"loss": "absolute_error"},
    {"loss": "huber"},
    {"loss": "quantile", "quantile": 0.3},
    {"loss": "quantile", "quantile": QUANTILES},
    {"loss": "poisson"},
]
each_score = pytest.mark.parametrize(
    "params", [{"loss": "squared_error"}, *LOSSES], ids=lambda p: "-".join(map(str, p.values()))
)
each_loss = pytest.mark.parametrize("params", LOSSES, ids=lambda p: "-".join(map(str, p.values())))


def linear(**params):
    """Full-batch descent of a network without hidden layers or penalty."""
    params = {"alpha": 0, "batch_size": "full", "tol": None, "random_state": 0} | params
    return BackpropRegressor((), **params)


# So many rows are descended on in the precision of X.
ROWS_IN_FLOAT64 = LEAST_ROWS_IN_FLOAT32 - 1


def counts(n_rows=500, mean=5.0):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 4))
    return X, rng.poisson(mean * np.exp(0.6 * np.sin(2 * X[:, 0]) + 0.4 * X[:, 1])).astype(float)


def uneven(n_rows, seed=0):
    """A smooth function with noise that is not equally strong everywhere."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, size=(n_rows, 3))
    noise = (0.2 + 0.6 * np.abs(X[:, 2])) * rng.normal(size=n_rows)
    return X, 50 + 20 * (np.sin(2 * X[:, 0]) + X[:, 1] + noise)


@pytest.mark.parametrize("params", [p for p in LOSSES if p.get("quantile") != QUANTILES], ids=str)
def test_check_estimator(params):
    results = check_estimator(BackpropRegressor(8, **params), on_skip=None, on_fail=None)
    assert len(results) > 50
    not_passed = [result for result in results if result["status"] != "passed"]
    if params["loss"] == "poisson":
        # Its targets are negative, in spite of the tag positive_only.
        (refused,) = not_passed
        assert refused["check_name"] == "check_regressor_multioutput"
        assert "y must not be negative under loss='poisson'" in str(refused["exception"])
    else:
        assert not not_passed


def test_positive_only_is_a_tag_of_poisson():
    for params in LOSSES:
        tags = get_tags(BackpropRegressor(**params))
        assert tags.target_tags.positive_only == (params["loss"] == "poisson")


@pytest.mark.parametrize("mean", [0.1, 5.0, 1e4])
@pytest.mark.parametrize("weighted", [False, True])
def test_poisson_without_hidden_layer_is_poisson_regression(mean, weighted):
    X, y = counts(mean=mean)
    weight = np.random.default_rng(1).uniform(0.1, 3.0, size=len(y)) if weighted else None
    model = linear(loss="poisson", max_iter=1000).fit(X, y, weight)
    expected = PoissonRegressor(alpha=0, solver="newton-cholesky", tol=1e-10).fit(X, y, weight)
    assert_allclose(model.predict(X), expected.predict(X), rtol=1e-5)
    assert_allclose(model.coefs_[0][:, 0], expected.coef_, atol=1e-5)


@pytest.mark.parametrize("q", [0.2, 0.5, 0.9])
def test_quantile_without_hidden_layer_is_quantile_regression(q):
    X, y = uneven(400)
    expected = QuantileRegressor(quantile=q, alpha=0).fit(X, y).predict(X)
    best = mean_pinball_loss(y, expected, alpha=q)
    y_pred = linear(loss="quantile", quantile=q, max_iter=2000).fit(X, y).predict(X)
    assert best <= mean_pinball_loss(y, y_pred, alpha=q) * (1 + 1e-9)
    assert mean_pinball_loss(y, y_pred, alpha=q) < best * (1 + 1e-3)
    if q == 0.5:
        y_pred = linear(loss="absolute_error", max_iter=2000).fit(X, y).predict(X)
        assert mean_absolute_error(y, y_pred) < 2 * best * (1 + 1e-3)


def test_huber_without_hidden_layer_is_huber_regression():
    X, y = make_regression(300, 4, noise=20, bias=100, random_state=0)
    y[::20] += 1000
    expected = HuberRegressor(alpha=0, tol=1e-10, max_iter=1000).fit(scale(X), y)
    model = linear(loss="huber", max_iter=500).fit(X, y)
    # HuberRegressor's threshold is epsilon times the scale of the residuals that it finds.
    delta = expected.epsilon * expected.scale_ / abs(model.target_scale_[0])
    model.set_params(huber_delta=delta).fit(X, y)
    atol = 1e-5 * abs(model.target_scale_[0])
    assert_allclose(model.predict(X), expected.predict(scale(X)), rtol=0, atol=atol)


@pytest.mark.parametrize("quantile", [QUANTILES, (0.05, 0.25, 0.5, 0.75, 0.95)])
def test_quantiles_cover_their_share_and_do_not_cross(quantile):
    X, y = uneven(2500)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    params = {"loss": "quantile", "quantile": quantile}
    model = BackpropRegressor(10, **params, max_iter=200, random_state=0).fit(X, y)
    y_pred = model.predict(X_test)
    assert y_pred.shape == (len(X_test), len(quantile))
    assert (np.diff(y_pred, axis=1) >= 0).all()
    assert_allclose((y_test[:, np.newaxis] <= y_pred).mean(axis=0), quantile, atol=0.05)
    peers = [
        GradientBoostingRegressor(loss="quantile", alpha=q, random_state=0).fit(X, y)
        for q in quantile
    ]
    peers_pred = np.column_stack([peer.predict(X_test) for peer in peers])
    assert metric(params, y_test, y_pred) < metric(params, y_test, peers_pred)


def test_interval_on_a_real_set():
    X, X_test, y, y_test = train_test_split(
        *load_diabetes(return_X_y=True, scaled=False), test_size=0.4, random_state=0
    )
    model = BackpropRegressor((), loss="quantile", quantile=(0.1, 0.9), random_state=0).fit(X, y)
    low, high = model.predict(X_test).T
    assert 0.75 <= np.mean((low <= y_test) & (y_test <= high)) <= 0.85


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile"])
def test_wild_targets_hardly_matter(loss):
    X, y = uneven(1500)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    model = BackpropRegressor(max_iter=200, random_state=0)
    clean = mean_absolute_error(y_test, model.fit(X, y).predict(X_test))
    wild = np.arange(0, len(y), 20)
    y[wild] += 100 * y.std() * np.random.default_rng(2).normal(size=len(wild))
    squared = model.fit(X, y).predict(X_test)
    robust = model.set_params(loss=loss).fit(X, y).predict(X_test)
    assert mean_absolute_error(y_test, robust) < 1.1 * clean
    assert mean_absolute_error(y_test, squared) > 1.4 * clean


@each_loss
def test_step_from_curvature_needs_no_retry_and_fits(params):
    X, y = counts(mean=50) if params["loss"] == "poisson" else make_friedman1(500, random_state=0)
    model = BackpropRegressor(100, max_iter=200, random_state=0, **params).fit(X, y)
    assert model.status_ != "diverged"
    assert model.n_iter_ == len(model.loss_curve_)
    assert model.score(X, y) > 0.8
    assert model.loss_curve_[-1] < 0.3 * model.loss_curve_[0]


@pytest.mark.parametrize("unit", [1.0, 1e3])
@pytest.mark.parametrize("loss", ["absolute_error", "quantile", "huber"])
def test_step_from_curvature_without_conditioning(loss, unit):
    X, y = make_friedman1(500, random_state=0)
    params = {"huber_delta": unit, "conditioning": None, "max_iter": 200}
    model = BackpropRegressor(100, loss=loss, random_state=0, **params)
    y = unit * scale(y)
    assert model.fit(X, y).score(X, y) > 0.5


# An absolute error may begin at its minimum.
@pytest.mark.filterwarnings("ignore:.* stalled:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("fit_intercept", [True, False])
@each_loss
def test_targets_that_vary_by_no_weight_are_fitted(params, fit_intercept):
    X, y = [[1.0], [-1.0]], [3e-300, 2.0]
    model = BackpropRegressor((), random_state=0, fit_intercept=fit_intercept, **params)
    model.fit(X, y, sample_weight=[1e-157, 1e173])
    assert_allclose(model.predict(X[1:]).ravel(), 2.0, rtol=0.5)


def test_kinks_do_not_shorten_the_step_of_full_batches():
    X, y = uneven(400)
    model = linear(loss="absolute_error", max_iter=300).fit(X, y)
    assert np.diff(model.loss_curve_).max() > 1e-6 * model.loss_
    assert model.n_iter_ == len(model.loss_curve_)


def metric(params, y, y_pred, weight=None):
    """The mean loss from scikit-learn's metrics."""
    if params["loss"] == "absolute_error":
        return mean_absolute_error(y, y_pred, sample_weight=weight)
    if params["loss"] == "poisson":
        return mean_poisson_deviance(y, y_pred, sample_weight=weight) / 2
    y_pred = y_pred.reshape(len(y), -1)
    return sum(
        mean_pinball_loss(y, y_pred[:, k], alpha=q, sample_weight=weight)
        for k, q in enumerate(np.atleast_1d(params["quantile"]))
    )


@pytest.mark.parametrize("conditioning", ["standardize", None])
@pytest.mark.parametrize("params", [p for p in LOSSES if p["loss"] != "huber"], ids=str)
def test_loss_is_in_units_of_the_target(params, conditioning):
    X, y = counts(ROWS_IN_FLOAT64)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, size=len(y))
    model = BackpropRegressor(8, alpha=0, conditioning=conditioning, random_state=0, **params)
    model.fit(X, y, weight)
    # Sorting may lower the loss of several quantiles.
    tolerance = 1e-3 if params.get("quantile") == QUANTILES else 1e-10
    assert model.loss_ == pytest.approx(metric(params, y, model.predict(X), weight), rel=tolerance)


def test_huber_delta_is_in_units_of_the_target_scale():
    X, y = uneven(ROWS_IN_FLOAT64)
    model = BackpropRegressor(8, loss="huber", huber_delta=0.3, alpha=0, random_state=0).fit(X, y)
    delta = 0.3 * abs(model.target_scale_[0])
    error = np.abs(model.predict(X) - y)
    losses = np.where(error < delta, error**2 / 2, delta * (error - delta / 2))
    assert (error < delta).any()
    assert (error > delta).any()
    assert model.loss_ == pytest.approx(losses.mean(), rel=1e-10)


@each_loss
@pytest.mark.parametrize("factor", [1e-6, 1e4])
def test_predictions_follow_the_units_of_the_target(params, factor):
    X, y = counts()
    shift = 0.0 if params["loss"] == "poisson" else 100.0 * factor
    model = BackpropRegressor(8, max_iter=20, random_state=0, **params)
    y_pred, loss = model.fit(X, y).predict(X), model.loss_
    assert_allclose(model.fit(X, shift + factor * y).predict(X), shift + factor * y_pred, rtol=1e-7)
    degree = 2 if params["loss"] == "huber" else 1
    assert model.loss_ == pytest.approx(factor**degree * loss, rel=1e-7)


@pytest.mark.parametrize("loss", ["absolute_error", "huber"])
def test_mirrored_targets_have_mirrored_predictions(loss):
    X, y = counts()
    model = BackpropRegressor(8, loss=loss, max_iter=20, random_state=0)
    y_pred = model.fit(X, y).predict(X)
    assert_allclose(model.fit(X, -y).predict(X), -y_pred, rtol=1e-7)


def test_a_target_skewed_to_the_left_keeps_its_quantiles():
    X, y = counts()
    for target in (y, -y):
        y_pred = linear(loss="quantile", quantile=0.9, max_iter=300).fit(X, target).predict(X)
        assert np.mean(target <= y_pred) == pytest.approx(0.9, abs=0.02)


@pytest.mark.given_numbers
def test_score():
    X, y = counts()

    def fitted(y=y, **params):
        return BackpropRegressor(8, max_iter=20, random_state=0, **params).fit(X, y)

    weight = np.random.default_rng(0).uniform(size=len(y))
    for loss in ("absolute_error", "huber"):
        model = fitted(loss=loss)
        expected = r2_score(y, model.predict(X), sample_weight=weight)
        assert model.score(X, y, weight) == expected
    model = fitted(loss="quantile", quantile=0.3)
    expected = d2_pinball_score(y, model.predict(X), alpha=0.3, sample_weight=weight)
    assert model.score(X, y, weight) == expected
    model = fitted(loss="quantile", quantile=QUANTILES)
    each = [
        d2_pinball_score(y, y_pred, alpha=q, sample_weight=weight)
        for q, y_pred in zip(QUANTILES, model.predict(X).T, strict=True)
    ]
    assert model.score(X, y, weight) == pytest.approx(np.mean(each), rel=1e-15)
    model = fitted(loss="poisson")
    expected = d2_tweedie_score(y, model.predict(X), power=1, sample_weight=weight)
    assert model.score(X, y, weight) == expected
    Y = np.column_stack([y, y[::-1]])
    model = fitted(Y, loss="poisson")
    each = [d2_tweedie_score(Y[:, k], model.predict(X)[:, k], power=1) for k in range(2)]
    assert model.score(X, Y) == pytest.approx(np.mean(each), rel=1e-15)
    model = fitted(Y, loss="quantile", quantile=0.3)
    assert model.predict(X).shape == Y.shape
    expected = d2_pinball_score(Y, model.predict(X), alpha=0.3)
    assert model.score(X, Y) == pytest.approx(expected, rel=1e-15)


@each_score
def test_score_of_constant_targets(params):
    """As R²: 1 if they are hit, else 0."""
    X, y = counts(50)
    weight = np.arange(50.0)
    model = linear(**params).fit(X, y)
    for value in (0.0, 1.0, 0.1):
        target = np.full(50, value)
        assert model.score(X, target) == model.score(X, target, weight) == 0.0
        assert model.score(X, target[:, np.newaxis]) == 0.0
        # What varies by no weight is constant.
        assert model.score(X, np.where(weight > 0.0, value, 5.0), weight) == 0.0
    several = isinstance(params.get("quantile"), tuple)
    two = None if several else linear(**params).fit(X, np.column_stack([y, y]))
    for part in model.coefs_ if several else [*model.coefs_, *two.coefs_]:
        part[:] = 0.0
    hit = model.predict(X)
    if several:
        model.intercepts_[0][:] = model.intercepts_[0][0]
        hit = model.predict(X)[:, 0]
    assert model.score(X, hit) == model.score(X, hit, weight) == 1.0
    if two is not None:
        of_both = two.predict(X)
        assert two.score(X, of_both) == two.score(X, of_both, weight) == 1.0
        of_both[:, 1] = 0.1
        assert two.score(X, of_both) == two.score(X, of_both, weight) == 0.5


@each_score
def test_score_of_one_row(params):
    X, y = counts()
    model = linear(**params).fit(X, y)
    with pytest.warns(UndefinedMetricWarning, match="not well-defined with less than two samples"):
        assert np.isnan(model.score(X[:1], y[:1]))


@each_score
def test_score_of_other_outputs_than_fitted(params):
    X, y = counts()
    Y = np.column_stack([y, y])
    with pytest.raises(ValueError, match=r"y must have 1 outputs, as fitted; got 2\."):
        linear(**params).fit(X, y).score(X, Y)
    if not isinstance(params.get("quantile"), tuple):
        with pytest.raises(ValueError, match=r"y must have 2 outputs, as fitted; got 1\."):
            linear(**params).fit(X, Y).score(X, y)
    model = linear(**params).fit(X, y)
    with pytest.raises(ValueError, match="X and y must have the same number of rows; got"):
        model.score(X, y[1:])
    with pytest.raises(ValueError, match="y must have no masked values; got"):
        model.score(X, np.ma.masked_less(y, 1.0))
    with pytest.raises(TypeError, match="y must be numeric; got timedelta64"):
        model.score(X, y.astype("m8[D]"))


def test_search_over_folds_of_rare_counts():
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = np.zeros(60)
    y[0] = 3.0
    scores = cross_val_score(linear(loss="poisson"), X, y, cv=4, error_score="raise")
    assert_array_equal(scores[1:], 0.0)
    assert np.isfinite(scores).all()


def test_poisson_score_of_a_prediction_that_underflows():
    X, y = counts()
    model = linear(loss="poisson").fit(X, y)
    model.intercepts_ = [intercept - 1000.0 for intercept in model.intercepts_]
    assert (model.predict(X) < 1e-300).all()
    assert -np.inf < model.score(X, y) < 0.0
    with pytest.raises(ValueError, match="y must not be negative under loss='poisson'; got -1"):
        model.score(X, y - 1.0)


@each_loss
def test_a_fitted_model_does_not_mind_its_parameters(params):
    X, y = counts()
    model = BackpropRegressor(8, max_iter=20, random_state=0, **params).fit(X, y)
    y_pred, score = model.predict(X), model.score(X, y)
    model = pickle.loads(pickle.dumps(model)).set_params(loss="squared_error", quantile=(0.2, 0.3))
    assert_array_equal(model.predict(X), y_pred)
    assert model.score(X, y) == score


@each_loss
def test_statistics_of_a_stream_do_not_move_the_function(params):
    X, y = counts()
    model = BackpropRegressor(8, learning_rate=0.1, random_state=0, **params)
    for _ in range(5):
        model.partial_fit(X, y)
    y_pred = model.predict(X)
    model.set_params(learning_rate=1e-300).partial_fit(2 * X, 30 + 7 * y)
    assert not np.allclose(model.target_shift_, np.median(y))
    assert_allclose(model.predict(X), y_pred, rtol=1e-9)


@each_loss
@pytest.mark.parametrize("n_targets", [1, 2])
def test_float32_is_as_float64(params, n_targets):
    X, y = counts()
    if n_targets == 2 and params.get("quantile") != QUANTILES:
        y = np.column_stack([y, y**2])
    model = BackpropRegressor(8, max_iter=5, shuffle=False, random_state=0, **params)
    expected = model.fit(X, y).predict(X)
    y_pred = model.fit(X.astype(np.float32), y).predict(X.astype(np.float32))
    assert y_pred.dtype == np.float32
    assert_allclose(y_pred, expected, rtol=1e-2, atol=1e-2 * np.abs(expected).max())


def test_poisson_of_zeros():
    X, y = counts()
    model = BackpropRegressor(8, loss="poisson", max_iter=50, random_state=0)
    y_pred = model.fit(X, np.zeros_like(y)).predict(X)
    assert (y_pred > 0).all()
    assert y_pred.max() < 0.1


def test_one_quantile_in_a_sequence_is_a_column():
    X, y = counts()
    model = BackpropRegressor(8, loss="quantile", quantile=0.3, max_iter=5, random_state=0)
    y_pred = model.fit(X, y).predict(X)
    assert_array_equal(model.set_params(quantile=[0.3]).fit(X, y).predict(X), y_pred[:, np.newaxis])


@pytest.mark.parametrize("n_rows", [1, 2, 3, 4, 7, 12, 100])
def test_quartiles(n_rows):
    rng = np.random.default_rng(n_rows)
    Y, copies = rng.normal(size=(n_rows, 2)), rng.integers(1, 4, size=n_rows)
    expected = np.quantile(Y, [0.25, 0.5, 0.75], axis=0, method="averaged_inverted_cdf")
    assert_allclose(Spread.of(Y, quartiles=True).quartiles, expected, rtol=1e-15)
    weighted = Spread.of(Y, copies.astype(float), quartiles=True)
    repeated = Spread.of(np.repeat(Y, copies, axis=0), quartiles=True)
    assert_array_equal(weighted.quartiles, repeated.quartiles)
    for unit in (0.1, 1 / 3, 1e-300, 1e300):
        in_units = Spread.of(Y, unit * copies, quartiles=True)
        assert_array_equal(in_units.quartiles, repeated.quartiles)
    other = Spread.of(Y + 1, copies.astype(float), quartiles=True)
    assert_allclose(weighted.merged(other).quartiles, weighted.quartiles + 0.5, rtol=1e-12)
    assert Spread.of(Y).quartiles is None


RECTIFIED = ("relu", "softplus")
BOUNDED = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "softplus": lambda z: np.log1p(np.exp(z)),
}
ZEROS = [np.zeros((2, 4)), np.zeros((4, 1))]
each_bounded = pytest.mark.parametrize("output_activation", BOUNDED)


def hinge(seed):
    """Targets of which the better half are 0."""
    X = np.random.default_rng(seed).normal(size=(300, 2))
    return X, np.maximum(0.0, 3 * X[:, 0] + X[:, 1])


def still(**params):
    """A network that does not leave where it starts."""
    params = {"learning_rate": 1e-300, "max_iter": 1, "tol": None, "random_state": 0} | params
    return BackpropRegressor(4, **params)


def test_relu_learns_friedman1():
    X, y = make_friedman1(500, random_state=0)
    for seed in range(2):
        model = BackpropRegressor(output_activation="relu", random_state=seed)
        assert cross_val_score(model, X, y, cv=3).mean() > 0.9


@pytest.mark.parametrize("loss", ["half_squared_error", "absolute_error"])
def test_relu_does_not_die(loss):
    model = BackpropRegressor(output_activation="relu", loss=loss, max_iter=60)
    for seed in range(15):
        X, y = hinge(seed)
        assert model.set_params(random_state=seed).fit(X, y).score(X, y) > 0.98


@pytest.mark.parametrize("loss", ["half_squared_error", "squared_error"])
def test_relu_far_from_0_is_the_identity(loss):
    X, y = make_friedman1(100, random_state=0)
    y = 100.0 + y + 20.0 * (y > 23.0)
    one, other = (
        BackpropRegressor(
            20, output_activation=f, loss=loss, batch_size=10, max_iter=20, random_state=0
        ).fit(X, y)
        for f in ("identity", "relu")
    )
    assert one.curvature_ == other.curvature_
    assert_allclose(other.predict(X), one.predict(X), rtol=1e-9)


@pytest.mark.parametrize("unit", [1e-3, 1e6])
def test_relu_does_not_mind_the_unit_of_targets(unit):
    X, y = (part[:ROWS_IN_FLOAT64] for part in hinge(0))
    model = BackpropRegressor(20, output_activation="relu", max_iter=20, random_state=0)
    expected = unit * model.fit(X, y).predict(X)
    assert_allclose(model.fit(X, unit * y).predict(X), expected, rtol=1e-6, atol=1e-9 * unit)


@pytest.mark.parametrize("exponent", [2, 12, 30])
def test_softplus_learns_large_targets(exponent):
    X = np.random.default_rng(0).normal(size=(300, 2))
    y = np.exp(X[:, 0] + exponent)
    model = BackpropRegressor(100, output_activation="softplus", max_iter=200, random_state=0)
    assert model.fit(X, y).score(X, y) > 0.98


def bounded_task(output_activation):
    rng = np.random.default_rng(0)
    X, weights = rng.normal(3.0, 2.0, size=(30, 2)), rng.integers(0, 4, size=30)
    Y = BOUNDED[output_activation](rng.normal(0.5, 1.0, size=(30, 2)))
    if output_activation in RECTIFIED:
        Y[:, 1] *= 1e4
    return X, Y, weights


@each_bounded
@pytest.mark.parametrize("loss", ["half_squared_error", "squared_error"])
def test_a_bounded_output_starts_from_the_mean(output_activation, loss):
    X, Y, weights = bounded_task(output_activation)
    model = still(output_activation=output_activation, loss=loss)
    model.fit(X, Y, weights, coefs_init=[np.zeros((2, 4)), np.zeros((4, 2))])
    mean = np.average(Y, axis=0, weights=weights)
    assert_allclose(model.predict(X), np.tile(mean, (30, 1)), rtol=1e-12)
    assert not model.intercepts_[0].any()


@each_bounded
def test_only_a_new_network_starts_from_the_mean(output_activation):
    X, Y, weights = bounded_task(output_activation)
    model = still(output_activation=output_activation)
    expected = model.fit(X, Y, weights).predict(X)
    copies = np.repeat(np.arange(30), weights)
    assert_allclose(clone(model).fit(X[copies], Y[copies]).predict(X), expected, rtol=1e-10)
    stream = clone(model).partial_fit(X, Y, weights)
    assert_allclose(stream.predict(X), expected, rtol=1e-10)
    assert_allclose(stream.partial_fit(X[:5], Y[:5]).predict(X), expected, rtol=1e-9)
    model.set_params(warm_start=True)
    assert_allclose(model.fit(X[:9], Y[:9]).predict(X), expected, rtol=1e-9)
    given = clone(model).fit(X, Y, intercepts_init=[np.full(4, 0.5), np.array([0.1, 0.2])])
    assert_allclose(given.intercepts_[1], [0.1, 0.2], rtol=1e-9)
    textbook = clone(model).set_params(conditioning=None).fit(X, Y)
    assert all(np.abs(intercept).max() < 1e-200 for intercept in textbook.intercepts_)


@each_bounded
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_targets_at_a_bound_start_within(output_activation, value):
    X = np.random.default_rng(0).normal(size=(40, 2))
    model = BackpropRegressor(4, output_activation=output_activation, random_state=0)
    y_pred = model.fit(X, np.full(40, value)).predict(X)
    assert_allclose(y_pred, value, atol=0.05)


@each_bounded
def test_wild_targets_hardly_move_the_start_under_a_robust_loss(output_activation):
    X, Y, _ = bounded_task(output_activation)
    y = Y[:, 0].copy()
    y[:3] = 1.0 if output_activation in ("sigmoid", "tanh") else 1e6
    model = still(output_activation=output_activation, loss="absolute_error")
    y_pred = model.fit(X, y, coefs_init=ZEROS).predict(X)
    low, high = np.quantile(y, [0.25, 0.75], method="averaged_inverted_cdf")
    assert low <= y_pred[0] <= high * (1.0 + 1e-12)


@each_bounded
@pytest.mark.parametrize("intercepts", [None, [np.zeros(4), np.zeros(2)]])
@pytest.mark.parametrize("loss", ["half_squared_error", "huber"])
def test_the_trace_of_a_bounded_output_is_the_step_of_fit(output_activation, loss, intercepts):
    X, Y, _ = bounded_task(output_activation)
    model = BackpropRegressor(
        4,
        output_activation=output_activation,
        loss=loss,
        learning_rate=0.1,
        learning_rate_schedule="constant",
        batch_size="full",
        max_iter=1,
        tol=None,
        feature_penalty=0,
        random_state=0,
    )
    trace = trace_step(model, X, Y, intercepts=intercepts)
    assert check_gradient(model, X, Y, intercepts=intercepts).passed
    model.fit(X, Y, intercepts_init=intercepts)
    assert trace.value == pytest.approx(model.loss_curve_[0], rel=1e-10)
    for layer, coef, intercept in zip(trace.layers, model.coefs_, model.intercepts_, strict=True):
        assert_allclose(layer.new_coef, coef, rtol=1e-10, atol=1e-12)
        assert_allclose(layer.new_intercept, intercept, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("alpha", ["auto", 1e-2])
@pytest.mark.parametrize("output_activation", ["sigmoid", "softplus"])
def test_the_penalty_is_in_units_of_targets_that_are_not_scaled(output_activation, alpha):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = 1.0 / (1.0 + np.exp(2.0 - X[:, 0] - X[:, 1]))
    model = BackpropRegressor(10, output_activation=output_activation, alpha=alpha, random_state=0)
    assert model.fit(X, y).score(X, y) > 0.8


@pytest.mark.parametrize("loss", ["half_squared_error", "absolute_error", "huber"])
@pytest.mark.not_nudged
def test_a_constant_of_single_precision_that_is_hit_scores_1(loss):
    X = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    y = np.full(20, 3.3)
    assert BackpropRegressor(loss=loss, random_state=0).fit(X, y).score(X, y) == 1.0
