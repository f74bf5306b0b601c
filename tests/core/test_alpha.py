"""alpha="auto": 0.03 a feature, at most 0.3, over the weight or 100; at least 2.5e-7 a feature."""

import numpy as np
import pytest
from scipy import sparse

from skbackprop import BackpropClassifier, BackpropRegressor


def task(n_features, n_rows=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features)) * 3.0 + 1.0
    return X, X[:, 0] + rng.normal(size=n_rows)


def penalty_of(model, X, y, sample_weight=None):
    """loss_ less the loss, recomputed, over ½ Σ of the penalised squares: what alpha was."""
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    if isinstance(model, BackpropClassifier):
        proba = model.predict_proba(X)[np.arange(len(y)), y.astype(int)]
        losses, unit = -np.log(proba), 1.0
    else:
        losses, unit = (model.predict(X) - y) ** 2 / 2, model.target_scale_[0] ** 2
    total = weight @ losses / (weight.sum() if model.loss_reduction == "mean" else 1.0)
    squares = (model.coefs_[0] * model.input_scale_[:, np.newaxis]) ** 2
    squares_of_last = (model.coefs_[1] * model.hidden_scale_[0] / model.target_scale_) ** 2
    return 2 * (model.loss_ - total) / unit / (squares.sum() + squares_of_last.sum())


def small(estimator, **params):
    return estimator(3, max_iter=5, feature_penalty=0, random_state=0).set_params(**params)


@pytest.mark.parametrize("n_features", [1, 2, 9, 10, 11, 64])
@pytest.mark.parametrize("estimator", [BackpropClassifier, BackpropRegressor])
def test_by_features(estimator, n_features):
    X, y = task(n_features)
    y = (y > 1).astype(int) if estimator is BackpropClassifier else y
    model = small(estimator).fit(X, y)
    expected = min(0.3, 0.03 * n_features) / 120
    assert penalty_of(model, X, y) == pytest.approx(expected, rel=1e-6)
    explicit = small(estimator, alpha=expected).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0], explicit.coefs_[0], rtol=1e-9)


def test_many_rows_leave_so_much_a_feature():
    X, y = task(40)
    weight = np.full(120, 1e6)
    model = small(BackpropRegressor, max_iter=1).fit(X, y, weight)
    assert penalty_of(model, X, y, weight) == pytest.approx(2.5e-7 * 40, rel=1e-4)


def test_sum_has_it_times_the_weight():
    X, y = task(40)
    model = small(BackpropRegressor, loss_reduction="sum").fit(X, y)
    assert penalty_of(model, X, y) == pytest.approx(0.3, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 7.0])
def test_weights_are_counts_of_rows_but_no_fewer_than_the_rows(scale):
    X, y = task(40)
    weight = scale * (1 + np.arange(120) % 2)
    model = small(BackpropRegressor).fit(X, y, weight)
    expected = 0.3 / max(weight.sum(), 120)
    assert penalty_of(model, X, y, weight) == pytest.approx(expected, rel=1e-6)


def test_rows_of_weight_zero_and_rows_held_out_do_not_count():
    X, y = task(40)
    weight = np.repeat([0.0, 1.0], [10, 110])
    model = small(BackpropRegressor).fit(X, y, weight)
    assert penalty_of(model, X, y, weight) == pytest.approx(0.3 / 110, rel=1e-6)
    X, y = task(40, 220)
    model = small(BackpropRegressor, early_stopping=True, validation_fraction=0.5).fit(X, y)
    explicit = model.set_params(alpha=0.3 / 110).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0], explicit.coefs_[0], rtol=1e-12)


def test_sparse_columns_count_as_others():
    X, y = task(40)
    dense = small(BackpropRegressor).fit(X, y)
    thin = small(BackpropRegressor).fit(sparse.csr_array(X), y)
    np.testing.assert_allclose(dense.coefs_[0], thin.coefs_[0], rtol=1e-8)


def test_stream_divides_by_all_rows_so_far():
    X, y = task(40)
    auto = small(BackpropRegressor, learning_rate=0.01, batch_size="full", conditioning=None)
    explicit = small(BackpropRegressor, learning_rate=0.01, batch_size="full", conditioning=None)
    for call in range(1, 6):
        auto.partial_fit(X, y)
        explicit.set_params(alpha=0.3 / (120 * call)).partial_fit(X, y)
        np.testing.assert_allclose(auto.coefs_[0], explicit.coefs_[0], rtol=1e-10)


def test_without_conditioning():
    X, y = task(40)
    fits = [
        small(BackpropRegressor, alpha=alpha, learning_rate=0.01, conditioning=None).fit(X, y)
        for alpha in ("auto", 0.3 / 120, 0.15 / 120)
    ]
    np.testing.assert_allclose(fits[0].coefs_[0], fits[1].coefs_[0], rtol=1e-12)
    assert np.abs(fits[0].coefs_[0] - fits[2].coefs_[0]).max() > 1e-6
