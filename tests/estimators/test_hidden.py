"""Hidden activations, of the estimators and as a transformer; depth and width apart."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from skbackprop import BackpropClassifier, BackpropRegressor, HiddenActivations

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, 1.0]
Y = X[:, 0] ** 2 + X[:, 1]
SETTINGS = {"activation": ["sigmoid", "tanh"], "max_iter": 5, "random_state": 0}


@pytest.fixture(scope="module")
def model():
    return BackpropRegressor((4, 2), **SETTINGS).fit(X, Y)


def expected(model):
    first = 1 / (1 + np.exp(-(X @ model.coefs_[0] + model.intercepts_[0])))
    return first, np.tanh(first @ model.coefs_[1] + model.intercepts_[1])


@pytest.mark.parametrize("layer", [0, 1, -1, -2, np.int64(1)])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, pd.DataFrame])
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_are_those_of_the_formula(model, layer, container):
    data = container(X) if container is not pd.DataFrame else pd.DataFrame(X)
    actual = model.hidden_activations(data, layer)
    # An activation near a bound has the rounding of the bound.
    np.testing.assert_allclose(actual, expected(model)[layer], rtol=1e-10, atol=1e-15)


def test_float32_far_from_zero():
    far = (X + 1e3).astype(np.float32)
    model = BackpropRegressor(4, max_iter=5, random_state=0).fit(far, Y)
    exact = far.astype(float) @ model.coefs_[0].astype(float) + model.intercepts_[0]
    np.testing.assert_allclose(model.hidden_activations(far), 1 / (1 + np.exp(-exact)), atol=1e-3)


@pytest.mark.parametrize(
    ("layer", "kind", "accepted"),
    [
        (2, ValueError, "an integer from -2 to 1, the hidden layers; got 2"),
        (-3, ValueError, "an integer from -2 to 1, the hidden layers; got -3"),
        (0.0, TypeError, "an integer from -2 to 1, the hidden layers; got 0.0"),
        (True, TypeError, "an integer from -2 to 1, the hidden layers; got True"),
    ],
)
def test_a_layer_that_is_none(model, layer, kind, accepted):
    with pytest.raises(kind, match=f"layer must be {accepted}"):
        model.hidden_activations(X, layer)


def test_a_network_without_hidden_layers():
    model = BackpropRegressor((), random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="network with hidden layers, and this has none"):
        model.hidden_activations(X)


def test_before_fit():
    with pytest.raises(NotFittedError):
        BackpropRegressor().hidden_activations(X)


class TestTransformer:
    def test_of_an_unfitted_network(self, model):
        transformer = HiddenActivations(clone(model), layer=0).fit(X, Y)
        expected = clone(model).fit(X, Y).hidden_activations(X, 0)
        np.testing.assert_array_equal(transformer.transform(X), expected)
        assert transformer.get_feature_names_out().tolist() == [
            f"hiddenactivations{i}" for i in range(4)
        ]

    def test_of_a_fitted_network(self, model):
        transformer = HiddenActivations(FrozenEstimator(model)).fit(X, np.zeros(60))
        np.testing.assert_array_equal(transformer.transform(X), model.hidden_activations(X))

    def test_hands_on_what_fit_is_given(self, model, rng):
        weights = rng.uniform(size=60)
        transformer = HiddenActivations(clone(model)).fit(X, Y, sample_weight=weights)
        weighted = clone(model).fit(X, Y, weights)
        np.testing.assert_array_equal(transformer.transform(X), weighted.hidden_activations(X))

    def test_of_a_frozen_network_without_targets(self, model):
        transformer = HiddenActivations(FrozenEstimator(model))
        assert not get_tags(transformer).target_tags.required
        np.testing.assert_array_equal(
            make_pipeline(transformer).fit_transform(X), model.hidden_activations(X)
        )

    def test_another_layer_after_fit(self, model):
        transformer = HiddenActivations(FrozenEstimator(model)).fit(X)
        transformer.set_params(layer=0).set_output(transform="pandas")
        frame = transformer.transform(X)
        np.testing.assert_array_equal(frame, model.hidden_activations(X, 0))
        assert frame.columns.tolist() == transformer.get_feature_names_out().tolist()

    @pytest.mark.parametrize(
        ("network", "message"),
        [
            (Ridge(), r"estimator must be a BackpropClassifier.*; got Ridge\(\)"),
            (make_pipeline(BackpropRegressor()), "estimator must be .*; got Pipeline"),
            (None, "estimator must be .*; got None"),
            (BackpropRegressor, "estimator must be .*; got <class"),
        ],
        ids=["Ridge", "Pipeline", "None", "class"],
    )
    def test_of_what_is_no_network(self, network, message):
        with pytest.raises(TypeError, match=message):
            HiddenActivations(network).fit(X, Y)

    def test_a_refused_layer_leaves_it_unfitted(self, model):
        transformer = HiddenActivations(clone(model), layer=2)
        with pytest.raises(ValueError, match="layer must be an integer from -2 to 1"):
            transformer.fit(X, Y)
        with pytest.raises(NotFittedError):
            transformer.transform(X)

    @pytest.mark.parametrize(
        ("params", "layer", "message"),
        [
            ({}, 5, "from -2 to 1, the hidden layers; got 5"),
            ({}, 0.0, r"from -2 to 1, the hidden layers; got 0\.0"),
            ({"hidden_layer_sizes": 4, "n_hidden_layers": 3}, -4, "from -3 to 2, .* got -4"),
            ({"hidden_layer_sizes": ()}, -1, "hidden layers, and this has none; got -1"),
        ],
        ids=str,
    )
    def test_a_layer_is_refused_before_the_fit(self, model, params, layer, message, monkeypatch):
        def fit(*args, **kwargs):
            raise AssertionError("fit was called")

        # Of the clone that is fitted; what the network was fitted to before does not matter.
        network = BackpropRegressor((4, 2), **SETTINGS).fit(X, Y).set_params(**params)
        monkeypatch.setattr(BackpropRegressor, "fit", fit)
        with pytest.raises((TypeError, ValueError), match=message):
            HiddenActivations(network, layer=layer).fit(X, Y)
        with pytest.raises(ValueError, match="from -2 to 1, the hidden layers; got 2"):
            HiddenActivations(FrozenEstimator(model), layer=2).fit(X)

    def test_of_a_frozen_network_whose_parameters_were_set_after_its_fit(self, model):
        network = clone(model).fit(X, Y)
        expected = network.hidden_activations(X, 1)
        network.set_params(hidden_layer_sizes=4)
        transformer = HiddenActivations(FrozenEstimator(network), layer=1).fit(X)
        np.testing.assert_array_equal(transformer.transform(X), expected)

    def test_of_a_frozen_network_that_is_not_fitted(self):
        with pytest.raises(NotFittedError):
            HiddenActivations(FrozenEstimator(BackpropRegressor())).fit(X, Y)

    def test_float32_stays(self, model):
        transformer = HiddenActivations(clone(model)).fit(X.astype(np.float32), Y)
        assert transformer.transform(X.astype(np.float32)).dtype == np.float32

    def test_names_of_columns(self):
        frame = pd.DataFrame(X, columns=["a", "b", "c"])
        transformer = HiddenActivations(BackpropRegressor(4, max_iter=2)).fit(frame, Y)
        assert transformer.feature_names_in_.tolist() == ["a", "b", "c"]
        assert not hasattr(transformer.fit(X, Y), "feature_names_in_")

    def test_in_a_search(self):
        pipeline = make_pipeline(
            HiddenActivations(BackpropRegressor(5, max_iter=5, random_state=0)),
            BackpropRegressor((), max_iter=5, random_state=0),
        )
        grid = {"hiddenactivations__estimator__hidden_layer_sizes": [2, 3]}
        search = GridSearchCV(pipeline, grid, cv=2).fit(X, Y)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    @pytest.mark.parametrize(
        "network", [BackpropRegressor(3, random_state=0), BackpropClassifier(3, random_state=0)]
    )
    def test_passes_the_checks_of_scikit_learn(self, network):
        statuses = {
            result["check_name"]: result["status"]
            for result in check_estimator(HiddenActivations(network), on_fail=None, on_skip=None)
        }
        # Skipped is what needs an environment variable of scipy.
        assert set(statuses.values()) <= {"passed", "skipped"}, statuses


class TestRouting:
    @pytest.fixture(autouse=True)
    def _enabled(self):
        with sklearn.config_context(enable_metadata_routing=True):
            yield

    def test_what_the_network_requests(self, model):
        """The validation set goes through the steps before; the weights to the network alone."""
        weights = np.random.default_rng(1).uniform(size=60)
        network = clone(model).set_fit_request(sample_weight=True, X_val=True, y_val=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        last = Ridge().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(
            scaler, HiddenActivations(network), last, transform_input=["X_val"]
        )
        pipeline.fit(X, Y, sample_weight=weights, X_val=X[:20], y_val=Y[:20])
        Z = StandardScaler().fit_transform(X)
        expected = clone(model).fit(Z, Y, weights, X_val=Z[:20], y_val=Y[:20])
        np.testing.assert_array_equal(pipeline[1].estimator_.coefs_[0], expected.coefs_[0])
        plain = clone(model).fit(Z, Y, X_val=Z[:20], y_val=Y[:20])
        assert np.abs(plain.coefs_[0] - expected.coefs_[0]).max() > 1e-3

    def test_in_a_search(self, model):
        weights = np.random.default_rng(1).uniform(size=60)
        network = clone(model).set_fit_request(sample_weight=True)
        last = Ridge().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(HiddenActivations(network), last)
        scorer = get_scorer("r2").set_score_request(sample_weight=False)
        search = GridSearchCV(
            pipeline, {"hiddenactivations__layer": [0]}, cv=2, scoring=scorer, error_score="raise"
        )
        search.fit(X, Y, sample_weight=weights)
        np.testing.assert_array_equal(
            search.best_estimator_[0].transform(X),
            clone(model).fit(X, Y, weights).hidden_activations(X, 0),
        )

    def test_what_is_neither_requested_nor_refused(self, model):
        with pytest.raises(UnsetMetadataPassedError, match=r"sample_weight.*BackpropRegressor.fit"):
            HiddenActivations(clone(model)).fit(X, Y, sample_weight=np.ones(60))


class TestDepth:
    @pytest.mark.parametrize("depth", [0, 1, 3])
    def test_so_many_layers_of_one_width(self, depth):
        model = BackpropRegressor(4, n_hidden_layers=depth, max_iter=2, random_state=0).fit(X, Y)
        same = BackpropRegressor((4,) * depth, max_iter=2, random_state=0).fit(X, Y)
        assert [coef.shape for coef in model.coefs_] == [coef.shape for coef in same.coefs_]
        np.testing.assert_array_equal(model.predict(X), same.predict(X))

    @pytest.mark.parametrize("sizes", [(4,), [4], np.array([4])], ids=repr)
    def test_one_width_in_a_sequence(self, sizes):
        model = BackpropRegressor(sizes, n_hidden_layers=2, max_iter=1).fit(X, Y)
        assert [coef.shape for coef in model.coefs_] == [(3, 4), (4, 4), (4, 1)]

    def test_of_one_width(self):
        grid = {"n_hidden_layers": [0, 1, 2]}
        network = BackpropRegressor(16, max_iter=1, random_state=0)
        search = GridSearchCV(network, grid, cv=2, error_score="raise").fit(X, Y)
        assert len(search.cv_results_["params"]) == 3

    @pytest.mark.parametrize("sizes", [(4, 4), ()])
    def test_needs_one_width(self, sizes):
        with pytest.raises(ValueError, match=r"n_hidden_layers=2 needs hidden_layer_sizes to be"):
            BackpropRegressor(sizes, n_hidden_layers=2).fit(X, Y)

    def test_depth_and_width_are_searched_apart(self):
        grid = {"n_hidden_layers": [1, 2], "hidden_layer_sizes": [2, 3]}
        search = GridSearchCV(BackpropRegressor(max_iter=2, random_state=0), grid, cv=2).fit(X, Y)
        assert len(search.cv_results_["params"]) == 4
