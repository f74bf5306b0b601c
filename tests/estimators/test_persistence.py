"""Saving and loading: the same predictions, and no damage that goes unnoticed."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from skbackprop import BackpropClassifier, BackpropRegressor, VersionWarning
from skbackprop._estimators import persistence

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
LABELS = np.where(X[:, 0] > 0, "above", "below")
NEW_X = RNG.normal(size=(10, 3))


@pytest.fixture(params=["classifier", "regressor"])
def model(request):
    if request.param == "classifier":
        return BackpropClassifier(4, max_iter=3, random_state=0).fit(X, LABELS)
    return BackpropRegressor(4, max_iter=3, random_state=0).fit(X, X[:, :2])


def joblib_bytes(model, **kwargs):
    file = io.BytesIO()
    joblib.dump(model, file, **kwargs)
    return file.getvalue()


FORMATS = {
    "pickle": (pickle.dumps, pickle.loads),
    "pickle 2": (lambda model: pickle.dumps(model, protocol=2), pickle.loads),
    "joblib": (joblib_bytes, lambda data: joblib.load(io.BytesIO(data))),
    "joblib zlib": (
        lambda model: joblib_bytes(model, compress=3),
        lambda data: joblib.load(io.BytesIO(data)),
    ),
}
each_format = pytest.mark.parametrize(("dump", "load"), FORMATS.values(), ids=FORMATS)


@each_format
def test_predictions_survive(model, dump, load):
    loaded = load(dump(model))
    np.testing.assert_array_equal(loaded.predict(NEW_X), model.predict(NEW_X))
    assert vars(loaded).keys() == vars(model).keys()


@each_format
def test_a_fit_goes_on_as_if_never_saved(model, dump, load):
    y = LABELS if isinstance(model, BackpropClassifier) else X[:, :2]
    loaded = load(dump(model)).partial_fit(X, y)
    model = copy.deepcopy(model).partial_fit(X, y)
    np.testing.assert_array_equal(loaded.coefs_[0], model.coefs_[0])


@pytest.mark.parametrize("name", ["coefs_", "intercepts_", "input_shift_"])
def test_state_that_changed_on_the_way_is_refused(model, name):
    state = model.__getstate__()
    changed = copy.deepcopy(state)
    changed[name][0] += 1e-9
    with pytest.raises(ValueError, match=rf"saved {type(model).__name__} is damaged"):
        type(model)().__setstate__(changed)
    type(model)().__setstate__(state)


@pytest.mark.parametrize("seal", [None, {}, {"digest": "0", "versions": {}}])
def test_state_without_a_valid_seal_is_refused(model, seal):
    state = {**model.__getstate__(), "_skbackprop_seal": seal}
    with pytest.raises(ValueError, match="damaged"):
        type(model)().__setstate__(state)


def test_weights_edited_by_hand_are_saved(model):
    model.coefs_[0][:] = 0.0
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.coefs_[0], 0.0)


def test_a_classifier_of_dates_is_saved(rng):
    X = rng.normal(size=(20, 2))
    days = np.array(["2020-01-01", "2021-06-01"], dtype="M8[D]")
    model = BackpropClassifier((), max_iter=2, random_state=0).fit(X, days[np.arange(20) % 2])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def test_an_estimator_that_is_not_fitted_is_saved():
    loaded = pickle.loads(pickle.dumps(BackpropClassifier(alpha=0.5)))
    assert loaded.get_params() == BackpropClassifier(alpha=0.5).get_params()


@pytest.mark.parametrize("package", ["skbackprop", "numpy"])
def test_another_version_is_told(model, package, monkeypatch):
    with monkeypatch.context() as patch:
        if package == "numpy":
            patch.setattr(np, "__version__", "1.0.0")
        else:
            patch.setattr(persistence, "__version__", "99.0.0")
        saved = pickle.dumps(model)
    old = "1.0.0" if package == "numpy" else "99.0.0"
    with pytest.warns(VersionWarning, match=rf"saved by {package} {old} and is loaded by") as told:
        pickle.loads(saved)
    assert len(told) == 1


def test_copies_and_clones(model):
    expected = model.predict(NEW_X)
    np.testing.assert_array_equal(copy.copy(model).predict(NEW_X), expected)
    np.testing.assert_array_equal(copy.deepcopy(model).predict(NEW_X), expected)
    assert not hasattr(clone(model), "coefs_")


def test_a_memory_mapped_model_predicts_the_same(model, tmp_path):
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    np.testing.assert_array_equal(loaded.predict(NEW_X), model.predict(NEW_X))


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (1, 1.0),
        ("1", 1),
        (b"1", "1"),
        (True, 1),
        (None, "None"),
        ([1, 2], [12]),
        (["astr b", "c"], ["a", "bstr c"]),
        ([[1], 2], [[1, 2]]),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        (0.0, -0.0),
        (np.zeros(2), np.zeros((2, 1))),
        (np.zeros(2), np.zeros(2, dtype=np.float32)),
        (np.array([0.0, 1.0]), np.array([1.0, 0.0])),
        (np.array(["2020-01-01"], dtype="M8[D]"), np.array(["2020-01-02"], dtype="M8[D]")),
        (np.array(["a", "b"]), np.array(["b", "a"])),
        (np.array(["a", None], dtype=object), np.array([None, "a"], dtype=object)),
        (np.random.default_rng(0), np.random.default_rng(1)),
        (np.random.RandomState(0), np.random.RandomState(1)),
    ],
)
def test_digests_tell_values_apart(value, other):
    assert persistence.digest(value) == persistence.digest(copy.deepcopy(value))
    assert persistence.digest(value) != persistence.digest(other)


def test_digests_do_not_tell_the_order_of_a_dict():
    assert persistence.digest({"a": 1, "b": 2}) == persistence.digest({"b": 2, "a": 1})


def test_digests_do_not_tell_how_a_value_lies_in_memory(rng):
    matrix = rng.normal(size=(4, 6))
    assert persistence.digest(matrix) == persistence.digest(np.asfortranarray(matrix))
    assert persistence.digest(matrix[:, ::2]) == persistence.digest(matrix[:, ::2].copy())
