"""What scripts of users do around the estimators: settings of numpy, units, containers."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop.inspection import check_gradient, trace_step

ACTIVATIONS = ["sigmoid", "softplus", "tanh", "relu", "identity"]


@pytest.fixture
def far():
    """Inputs, labels of two and of three classes, and targets; the last rows are far away."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 5))
    X[60:] *= 1e5
    return X, X[:, 0] > 0, np.digitize(X[:, 0], [-1, 1]), np.abs(X[:, 1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["log_loss", "half_squared_error"])
def test_underflow_of_a_classifier_is_no_fault(loss, activation, dtype, far):
    X, two, three, _ = far
    X = X.astype(dtype)
    model = BackpropClassifier((8, 8), activation, loss=loss, max_iter=20, random_state=0)
    for y in (two, three, np.column_stack([two, ~two])):
        expected = model.fit(X[:60], y[:60]).predict_proba(X)
        with np.errstate(all="raise"):
            model.fit(X[:60], y[:60])
            np.testing.assert_array_equal(model.predict_proba(X), expected)
            model.predict(X)
            model.predict_log_proba(X[:60])
            model.decision_function(X)
            model.hidden_activations(X)
            model.partial_fit(X[:60], y[:60])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", BackpropRegressor._losses)
def test_underflow_of_a_regressor_is_no_fault(loss, activation, far):
    X, _, _, y = far
    model = BackpropRegressor(8, activation, loss=loss, max_iter=20, random_state=0)
    with np.errstate(all="raise"):
        model.fit(X[:60], y[:60]).predict(X[:60])
        model.partial_fit(X[:60], y[:60])


@pytest.mark.parametrize(
    ("scale", "weights"),
    [(1.0, 10.0 ** np.linspace(-300, 0, 60)), (1e-140, None), (1e-300, None)],
    ids=["weights", "small", "tiny"],
)
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_underflow_of_data_is_no_fault(container, scale, weights, far):
    X, labels, _, y = far
    X, labels = container(X[:60] * scale), labels[:60]
    y = y[:60] * np.sqrt(scale)
    with np.errstate(all="raise"):
        BackpropClassifier(4, max_iter=5, early_stopping=True).fit(X, labels, weights).predict(X)
        BackpropRegressor(4, max_iter=5).fit(X, y, weights).predict(X)


def test_underflow_of_inspection_is_no_fault(far):
    X, _, y, _ = far
    model = BackpropClassifier(4, "softplus", max_iter=5, random_state=0).fit(X[:60], y[:60])
    with np.errstate(all="raise"):
        str(trace_step(model, X[-3:], y[-3:]))
        str(check_gradient(model, X[-3:], y[-3:]))


@pytest.mark.parametrize(
    ("scale", "offset"), [(1e-150, 0.0), (1e-46, 0.0), (1.0, 1e9), ([1.0, 1e-60], 0.0)]
)
def test_targets_that_float32_cannot_tell_apart(scale, offset, far):
    X = far[0]
    y = X[:60, 1:2] * scale + offset
    model = BackpropRegressor(4, max_iter=100, random_state=0)
    with pytest.raises(ValueError, match=r"y must vary by more than float32.*X in float64"):
        model.fit(X[:60].astype(np.float32), y)
    assert not hasattr(model, "n_features_in_")
    assert model.fit(X[:60], y).score(X[:60], y) > 0.3


def test_targets_that_hardly_vary_in_float32(far):
    X = far[0][:60].astype(np.float32)
    model = BackpropRegressor(4, max_iter=5, random_state=0)
    for y in (np.full(60, 0.1), 0.1 + np.arange(60) % 2 * 2e-17, np.zeros(60)):
        model.fit(X, y)
    # What a batch of a stream has is not all that there is.
    model.partial_fit(X, 1e9 + far[3][:60])


@pytest.mark.parametrize("estimator", [BackpropClassifier, BackpropRegressor])
def test_sizes_of_layers_as_a_range(estimator):
    model = estimator(range(4, 2, -1), max_iter=2).fit([[0.0], [1.0]], [0, 1])
    assert [coef.shape for coef in model.coefs_] == [(1, 4), (4, 3), (3, 1)]


@pytest.mark.parametrize("activation", ["sigmoid", "softplus", "tanh", "relu"])
@pytest.mark.parametrize("hidden_layer_sizes", [10, (128, 64)])
def test_exclusive_or_of_four_rows(hidden_layer_sizes, activation):
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    for seed in range(3):
        params = (hidden_layer_sizes, activation)
        classifier = BackpropClassifier(*params, random_state=seed).fit(X, y)
        regressor = BackpropRegressor(*params, random_state=seed).fit(X, y)
        assert classifier.predict(X).tolist() == y.tolist()
        assert np.abs(classifier.predict_proba(X)[:, 1] - y).max() < 0.25
        assert np.abs(regressor.predict(X) - y).max() < 0.25
