"""Models in files: no types but the package's own to be trusted, and going on as if never saved."""

import copy
import io
import pickle
import warnings

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_linnerud
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor, HiddenActivations
from skbackprop._core.statistics import Moments, Spread

CLASSIFIER = "skbackprop.BackpropClassifier"
HIDDEN = "skbackprop.HiddenActivations"
REGRESSOR = "skbackprop.BackpropRegressor"
SMALL = {"hidden_layer_sizes": 5, "max_iter": 3, "random_state": 0}
IRIS = load_iris(return_X_y=True, as_frame=True)
CANCER = load_breast_cancer(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
MODELS = {
    "classifier of a frame": (BackpropClassifier(**SMALL), IRIS),
    "strings": (BackpropClassifier(**SMALL), (CANCER[0], np.array(["no", "yes"])[CANCER[1]])),
    "multilabel": (BackpropClassifier(**SMALL), (CANCER[0], np.eye(2, dtype=int)[CANCER[1]])),
    "squared error": (BackpropClassifier(**SMALL, loss="squared_error"), CANCER),
    "regressor": (BackpropRegressor(**SMALL), DIABETES),
    "float32": (BackpropRegressor(**SMALL), (DIABETES[0].astype("float32"), DIABETES[1])),
    "unconditioned": (BackpropRegressor(**SMALL, conditioning=None), DIABETES),
    "several outputs": (BackpropRegressor(**SMALL), load_linnerud(return_X_y=True)),
    "several quantiles": (
        BackpropRegressor(**SMALL, loss="quantile", quantile=np.array([0.1, 0.9])),
        DIABETES,
    ),
    "activations of layers": (
        BackpropClassifier((4, 3), np.array(["relu", "tanh"]), max_iter=3, random_state=0),
        IRIS,
    ),
    "early stopping": (
        BackpropClassifier(**SMALL, early_stopping=True, scoring="accuracy"),
        CANCER,
    ),
    "class weights": (BackpropClassifier(**SMALL, class_weight={0: 2.0, 1: 0.5}), CANCER),
    "random state": (
        BackpropRegressor(4, max_iter=3, random_state=np.random.RandomState(0)),
        DIABETES,
    ),
}
each_model = pytest.mark.parametrize(("model", "data"), MODELS.values(), ids=MODELS)


def through_pickle(model):
    return pickle.loads(pickle.dumps(model))


def through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def through_skops(model):
    skops = pytest.importorskip("skops.io")
    return skops.loads(skops.dumps(model), trusted=[CLASSIFIER, HIDDEN, REGRESSOR])


def untrusted(model):
    skops = pytest.importorskip("skops.io")
    return skops.get_untrusted_types(data=skops.dumps(model))


def fitted(model, data):
    return copy.deepcopy(model).fit(*data)


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def assert_same_network(model, other):
    for name in ("coefs_", "intercepts_", "loss_curve_"):
        for a, b in zip(getattr(model, name), getattr(other, name), strict=True):
            assert np.asarray(a).dtype == np.asarray(b).dtype
            assert np.array_equal(a, b)
    assert model.learning_rate_ == other.learning_rate_
    assert model.n_iter_ == other.n_iter_


@each_model
def test_only_the_estimator_is_to_be_trusted(model, data):
    own = CLASSIFIER if isinstance(model, BackpropClassifier) else REGRESSOR
    model = fitted(model, data)
    assert untrusted(model) == [own]
    assert untrusted(model.set_params(early_stopping=False).partial_fit(*data)) == [own]
    assert untrusted(make_pipeline(StandardScaler(), model).fit(*data)) == [own]


@pytest.mark.parametrize("frozen", [False, True])
def test_hidden_activations_in_a_pipeline(frozen):
    network = BackpropRegressor((5, 4), max_iter=3, random_state=0)
    if frozen:
        network = FrozenEstimator(network.fit(*DIABETES))
    model = make_pipeline(HiddenActivations(network, layer=0), Ridge()).fit(*DIABETES)
    assert untrusted(model) == [REGRESSOR, HIDDEN]
    loaded = through_skops(model)
    assert np.array_equal(loaded.predict(DIABETES[0]), model.predict(DIABETES[0]))
    assert np.array_equal(loaded[0].transform(DIABETES[0]), model[0].transform(DIABETES[0]))


def test_a_search_brings_no_other_type_than_a_search_over_ridges():
    searches = [
        GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=2)
        for model in (BackpropRegressor(**SMALL), Ridge())
    ]
    ours, theirs = (set(untrusted(search.fit(*DIABETES))) for search in searches)
    assert ours - theirs == {REGRESSOR}
    assert untrusted(searches[0].best_estimator_) == [REGRESSOR]


@each_model
def test_the_same_predictions_from_a_skops_file(model, data):
    model = make_pipeline(StandardScaler(), fitted(model, data)).fit(*data)
    loaded = through_skops(model)
    assert np.array_equal(outputs(loaded, data[0]), outputs(model, data[0]))
    assert loaded[-1].get_params().keys() == model[-1].get_params().keys()


@pytest.mark.parametrize("through", [through_pickle, through_joblib, through_skops])
@each_model
def test_a_stream_goes_on_as_if_never_saved(model, data, through):
    X, y = data
    model = fitted(model, data).set_params(early_stopping=False)
    for part in (slice(0, None, 3), slice(1, None, 3)):
        model.partial_fit(X[part], y[part])
    loaded = through(model)
    rest = slice(2, None, 3)
    # By the step that was found, then by another, which is looked for as alpha is another.
    for alpha in ("auto", 0.5):
        for network in (model, loaded):
            network.set_params(alpha=alpha).partial_fit(X[rest], y[rest])
        assert_same_network(model, loaded)


@pytest.mark.parametrize("through", [through_pickle, through_joblib, through_skops])
@each_model
def test_a_warm_start_goes_on_as_if_never_saved(model, data, through):
    model = fitted(model, data).set_params(warm_start=True)
    loaded = through(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for network in (model, loaded):
            network.fit(*data)
    assert_same_network(model, loaded)


@pytest.mark.parametrize("quartiles", [True, False])
def test_a_spread_as_plain_tuples(quartiles):
    spread = Spread.of(DIABETES[0], quartiles=quartiles)
    assert type(spread.state()) is type(spread.state()[0]) is tuple
    again = Spread.from_state(spread.state())
    np.testing.assert_equal(again, spread)
    assert isinstance(again.inner, Moments)
