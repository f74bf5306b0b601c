"""Models converted to ONNX, run by onnxruntime, against the estimators' own predictions."""

import re
import warnings
from functools import partial

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor, HiddenActivations
from skbackprop._core.activations import ACTIVATIONS

onnxruntime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

from skl2onnx.common.data_types import (  # noqa: E402
    DoubleTensorType,
    FloatTensorType,
    StringTensorType,
)

import skbackprop.onnx  # noqa: E402, F401

# No module is documented to have them.
onnxruntime_error = onnxruntime.capi.onnxruntime_pybind11_state.Fail

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
DATA = {
    "breast_cancer": load_breast_cancer(return_X_y=True),
    "diabetes": load_diabetes(return_X_y=True),
    "digits": [a[:600] for a in load_digits(return_X_y=True)],
    "iris": load_iris(return_X_y=True),
    "linnerud": load_linnerud(return_X_y=True),
    "wine": load_wine(return_X_y=True),
}
REGRESSION = ("diabetes", "linnerud")


def session_of(model, X, **options):
    onnx = skl2onnx.to_onnx(model, X[:1], options={id(model): options} if options else None)
    return onnxruntime.InferenceSession(
        onnx.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def run(model, X, **options):
    """The outputs of the converted model, by name."""
    session = session_of(model, X, **options)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": X}), strict=True))


def assert_close(actual, expected, dtype):
    assert actual.dtype == dtype
    assert actual.shape == expected.shape
    largest = np.abs(expected).max()
    assert np.abs(actual - expected).max() <= TOLERANCE[np.dtype(dtype).name] * largest


def assert_classifier_agrees(model, X):
    outputs = run(model, X, zipmap=False)
    assert_close(outputs["probabilities"], model.predict_proba(X), X.dtype)
    assert np.array_equal(outputs["label"], model.predict(X))


def assert_regressor_agrees(model, X):
    expected = model.predict(X)
    assert_close(run(model, X)["variable"], expected.reshape(len(X), -1), X.dtype)


def as_target(y, rng):
    """A classification target of a random kind, with as many classes as `y` or two."""
    classes = np.unique(y)
    kind = rng.choice(["int", "str", "bool", "two", "multilabel"])
    if kind == "str":
        return np.array([f"class {label}" for label in y])
    if kind == "bool":
        return y == classes[-1]
    if kind == "two":
        return np.where(y == classes[0], -7, 7)
    if kind == "multilabel":
        return np.column_stack([y == classes[0], y == classes[-1], y % 2 == 0]).astype(int)
    return y


def random_parameters(rng):
    n_layers = rng.integers(0, 4)
    return {
        "hidden_layer_sizes": tuple(int(size) for size in rng.integers(1, 50, size=n_layers)),
        "activation": [str(name) for name in rng.choice(list(ACTIVATIONS), size=n_layers)],
        "conditioning": rng.choice(np.array(["standardize", None])),
        "fit_intercept": bool(rng.random() < 0.8),
        "max_iter": int(rng.integers(1, 12)),
        "random_state": int(rng.integers(1000)),
    }


def random_regressor(rng):
    output_activation = "identity" if rng.random() < 0.7 else str(rng.choice(list(ACTIVATIONS)))
    loss = str(rng.choice(BackpropRegressor._losses))
    return BackpropRegressor(
        **random_parameters(rng),
        output_activation="identity" if loss == "poisson" else output_activation,
        loss=loss,
        quantile=(0.1, 0.5, 0.9) if rng.random() < 0.5 else 0.3,
    )


def random_case(seed):
    """A fitted random model, alone or behind a scaler, and data in a random precision."""
    rng = np.random.default_rng(seed)
    name = str(rng.choice(list(DATA)))
    X, y = DATA[name]
    fit_dtype, dtype = rng.choice(["float32", "float64"], size=2)
    if name in REGRESSION:
        network = random_regressor(rng)
        if network.loss == "quantile" and y.ndim == 2:
            y = y[:, 0]
    else:
        network = BackpropClassifier(
            **random_parameters(rng), loss=str(rng.choice(BackpropClassifier._losses))
        )
        y = as_target(y, rng)
    scaled = network.conditioning is None or rng.random() < 0.3
    model = make_pipeline(StandardScaler(), network) if scaled else network
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X.astype(fit_dtype), y), X.astype(dtype)


@pytest.mark.parametrize("seed", range(200))
def test_random_models(seed):
    model, X = random_case(seed)
    if hasattr(model, "predict_proba"):
        assert_classifier_agrees(model, X)
    else:
        assert_regressor_agrees(model, X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_long_tails(dtype, rng):
    X = rng.standard_cauchy((500, 4)) * [1.0, 1e-3, 1e3, 1.0] + [0.0, 5.0, 0.0, 1e4]
    X[:, 2] = rng.normal(size=500)
    model = BackpropRegressor(8, max_iter=5, random_state=0).fit(X, np.arctan(X[:, 0]))
    assert np.isfinite(model.tail_scale_).tolist() == [True, True, False, True]
    assert_regressor_agrees(model, X.astype(dtype))
    # relu hands far values on.
    model = BackpropRegressor(8, activation="relu", max_iter=5, random_state=0)
    model.fit(1e-6 * X, np.arctan(X[:, 0]))
    far = np.zeros((7, 4))
    far[:, [0, 1, 3]] = np.array([1e12, 1e18, 1e20, 1e25, -1e25, 1e200, 1e280])[:, np.newaxis]
    assert_regressor_agrees(model, far[: 5 if dtype == "float32" else 7].astype(dtype))


IRIS, SPECIES = DATA["iris"]
TARGETS = {
    "integers": SPECIES,
    "int8": SPECIES.astype(np.int8),
    "floats": SPECIES.astype(float) - 1.0,
    "strings": np.array(["setosa", "versicolor", "virginicä"])[SPECIES],
    "objects": np.array(["setosa", "versicolor", "virginicä"], dtype=object)[SPECIES],
    "booleans": SPECIES == 2,
    "two strings": np.where(SPECIES == 2, "yes", "no"),
    "one string": np.full(len(SPECIES), "yes"),
    "multilabel": np.column_stack([SPECIES == 0, SPECIES > 0]).astype(int),
}


def fitted_classifier(y, dtype="float32", **parameters):
    model = BackpropClassifier(6, max_iter=5, random_state=0, **parameters)
    return model.fit(IRIS.astype(dtype), y), IRIS.astype(dtype)


@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("loss", BackpropClassifier._losses)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_labels_of_every_kind(y, loss, dtype):
    assert_classifier_agrees(*fitted_classifier(y, dtype, loss=loss))


@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
def test_probabilities_as_dictionaries(y):
    model, X = fitted_classifier(y)
    label = session_of(model, X).get_outputs()[0]
    assert label.shape == [None, *model.predict(X).shape[1:]]
    outputs = run(model, X)
    assert np.array_equal(outputs["output_label"], model.predict(X))
    rows = outputs["output_probability"]
    assert all(list(row) == model.classes_.tolist() for row in rows)
    proba = np.array([list(row.values()) for row in rows], dtype="float32")
    assert_close(proba, model.predict_proba(X), "float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
def test_probabilities_as_columns(y, dtype):
    model, X = fitted_classifier(y, dtype)
    label, *columns = run(model, X, zipmap="columns").values()
    assert np.array_equal(label, model.predict(X))
    assert_close(np.column_stack(columns), model.predict_proba(X), dtype)


def test_without_class_labels():
    model, X = fitted_classifier(TARGETS["strings"])
    outputs = run(model, X, zipmap=False, nocl=True)
    assert np.array_equal(model.classes_[outputs["label"]], model.predict(X))


def test_class_labels_as_an_output():
    model, X = fitted_classifier(TARGETS["strings"])
    labels = run(model, X, zipmap=False, output_class_labels=True)["class_labels"]
    assert labels.tolist() == model.classes_.tolist()


@pytest.mark.parametrize("n_rows", [1, 2, 77])
def test_any_number_of_rows(n_rows):
    model, X = fitted_classifier(SPECIES)
    session = session_of(model, X, zipmap=False)
    assert [output.shape for output in session.get_outputs()] == [[None], [None, 3]]
    label, proba = session.run(None, {"X": X[:n_rows]})
    assert np.array_equal(label, model.predict(X[:n_rows]))
    assert proba.shape == (n_rows, 3)


@pytest.mark.parametrize("fit_dtype", ["float32", "float64"])
def test_columns_far_from_zero(fit_dtype):
    rng = np.random.default_rng(0)
    X = (1e5 + rng.standard_normal((300, 4))).astype("float32")
    model = BackpropRegressor(20, "tanh", max_iter=20, random_state=0)
    model.fit(X.astype(fit_dtype), np.sin(X[:, 0] - 1e5))
    assert_regressor_agrees(model, X)
    a = np.tanh(X.astype(np.float64) @ model.coefs_[0] + model.intercepts_[0])
    expected = a @ model.coefs_[1] + model.intercepts_[1]
    assert_close(run(model, X)["variable"], expected, "float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output_activation", ACTIVATIONS)
def test_far_out_on_every_activation(output_activation, dtype):
    X = np.linspace(-1000.0, 1000.0, 401, dtype=dtype)[:, np.newaxis]
    for hidden, activation in [((), "identity"), (1, output_activation)]:
        model = BackpropRegressor(
            hidden, activation, output_activation=output_activation, conditioning=None, max_iter=1
        )
        n_layers = 2 if hidden else 1
        model.set_params(learning_rate=1e-300, tol=None).fit(X, np.linspace(0.1, 0.9, 401))
        model.coefs_ = [np.ones((1, 1), dtype=dtype)] * n_layers
        model.intercepts_ = [np.zeros(1)] * n_layers
        assert_regressor_agrees(model, X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("y", ["integers", "two strings", "multilabel"])
@pytest.mark.parametrize("loss", BackpropClassifier._losses)
def test_small_probabilities_and_saturated_outputs(loss, y, dtype):
    model, X = fitted_classifier(TARGETS[y], dtype, loss=loss)
    for far in (3.0, 30.0, 300.0):
        model.intercepts_[-1] = model.intercepts_[-1] + far
        outputs = run(model, X, zipmap=False)
        assert np.array_equal(outputs["label"], model.predict(X))
        proba = model.predict_proba(X)
        # Log-sigmoids of sums of that size have an error of far · eps, and so has log p.
        tolerance = 50.0 * (1.0 + far) * np.finfo(dtype).eps
        tiny = np.finfo(dtype).tiny
        np.testing.assert_allclose(outputs["probabilities"], proba, rtol=tolerance, atol=tiny)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_poisson_stays_within_the_range_of_floats(dtype):
    X, y = (a.astype(dtype) for a in DATA["diabetes"])
    model = BackpropRegressor((), loss="poisson", max_iter=2, random_state=0).fit(X, y)
    for far in (2000.0, -4000.0):
        model.intercepts_[-1] = model.intercepts_[-1] + far
        assert np.array_equal(run(model, X)["variable"][:, 0], model.predict(X))


@pytest.mark.parametrize("kind", ["int64", "int32", "int8", "uint8"])
def test_integers_are_inputs_too(kind):
    X, y = DATA["digits"]
    model = BackpropClassifier(8, max_iter=3, random_state=0).fit(X, y)
    outputs = run(model, X.astype(kind), zipmap=False)
    assert_close(outputs["probabilities"], model.predict_proba(X).astype("float32"), "float32")


def frame():
    X, y = load_wine(return_X_y=True, as_frame=True)
    X = X.iloc[:, :4].copy()
    X["colour"] = np.where(X["ash"] > 2.4, "dark", "light")
    return X, y


@pytest.mark.parametrize("kind", [FloatTensorType, DoubleTensorType])
def test_in_a_pipeline_of_columns_of_mixed_types(kind):
    X, y = frame()
    numbers = [name for name in X.columns if name != "colour"]
    columns = make_column_transformer(
        (StandardScaler(), numbers), (OneHotEncoder(sparse_output=False), ["colour"])
    )
    network = BackpropClassifier(8, max_iter=5, random_state=0)
    model = make_pipeline(columns, network).fit(X, y)
    types = [(name, kind([None, 1])) for name in numbers]
    types.append(("colour", StringTensorType([None, 1])))
    onnx = skl2onnx.to_onnx(model, initial_types=types, options={"zipmap": False})
    session = onnxruntime.InferenceSession(
        onnx.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    dtype = "float32" if kind is FloatTensorType else "float64"
    feeds = {name: X[[name]].to_numpy(dtype) for name in numbers}
    feeds["colour"] = X[["colour"]].to_numpy(object)
    label, proba = session.run(None, feeds)
    assert np.array_equal(label, model.predict(X))
    # The scaler before the network computes in float32, too, on columns of up to 30.
    assert_close(proba, model.predict_proba(X).astype(dtype), dtype)


@pytest.mark.parametrize(
    "make",
    [
        BackpropClassifier,
        BackpropRegressor,
        lambda *args, **kwargs: HiddenActivations(BackpropRegressor(*args, **kwargs)),
    ],
    ids=["classifier", "regressor", "hidden"],
)
def test_columns_that_the_graph_lacks(make):
    """skl2onnx 1.20 leaves out the indicators of an imputer, for every estimator."""
    X, y = (a[:60] for a in DATA["iris"])
    estimator = make(2, max_iter=2, random_state=0)
    alone = clone(estimator).fit(X, y)
    with pytest.raises(ValueError, match=r"must have 4 input columns in the graph.*; got 3"):
        skl2onnx.to_onnx(alone, X[:1, :3].astype(np.float32))
    X = X.astype(np.float32)
    X[::7, 1] = np.nan
    model = make_pipeline(SimpleImputer(add_indicator=True), estimator).fit(X, y)
    message = (
        r"must have 5 input columns in the graph.*; got 4.*SimpleImputer\(add_indicator=True\)"
    )
    with pytest.raises(ValueError, match=message):
        skl2onnx.to_onnx(model, X[:1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("layer", "n_units"), [(0, 5), (-1, 3)])
def test_hidden_activations(layer, n_units, activation, dtype):
    X, y = (a.astype(dtype) for a in DATA["diabetes"])
    network = BackpropRegressor((5, 3), activation, max_iter=3, random_state=0)
    transformer = HiddenActivations(network, layer=layer).fit(X, y)
    (output,) = session_of(transformer, X).get_outputs()
    assert output.shape == [None, n_units]
    assert_close(run(transformer, X)["variable"], transformer.transform(X), dtype)
    frozen = HiddenActivations(FrozenEstimator(transformer.estimator_), layer=layer).fit(X)
    assert_regressor_agrees(make_pipeline(frozen, Ridge()).fit(X, y), X)


def test_in_a_search_and_in_an_ensemble():
    search = GridSearchCV(
        BackpropClassifier(4, max_iter=3, random_state=0), {"alpha": [0.0, 0.1]}, cv=2
    )
    assert_classifier_agrees(search.fit(IRIS, SPECIES), IRIS)
    members = [(str(k), BackpropClassifier(4, max_iter=3, random_state=k)) for k in range(2)]
    ensemble = VotingClassifier(members, voting="soft", flatten_transform=False)
    assert_classifier_agrees(ensemble.fit(IRIS, SPECIES), IRIS)


def scaled(estimator):
    return make_pipeline(StandardScaler(), estimator)


CALIBRATED = {
    f"{method}, {kind}": partial(CalibratedClassifierCV, cv=3, method=method, ensemble=ensemble)
    for method in ("sigmoid", "isotonic")
    for kind, ensemble in (("ensemble", True), ("one", False))
}
OF_CLASSIFIERS = {
    **CALIBRATED,
    "calibrated pipeline": lambda e: CalibratedClassifierCV(scaled(e), cv=3),
    "calibrated in a pipeline": lambda e: scaled(CalibratedClassifierCV(e, cv=3)),
    "calibrated bagging": lambda e: CalibratedClassifierCV(BaggingClassifier(e, 2), cv=3),
    "stacked by proba": lambda e: StackingClassifier([("a", e)], cv=3),
    "stacked by score": lambda e: StackingClassifier(
        [("a", e)], cv=3, stack_method="decision_function"
    ),
    "stacked pipelines by score": lambda e: StackingClassifier(
        [("a", scaled(e))], cv=3, stack_method="decision_function"
    ),
    "final": lambda e: StackingClassifier([("a", LogisticRegression(max_iter=500))], e, cv=3),
    "soft vote": lambda e: VotingClassifier(
        [("a", e), ("b", LogisticRegression(max_iter=500))], voting="soft", flatten_transform=False
    ),
    "bagging": lambda e: BaggingClassifier(e, 3, random_state=0),
    "bagging of columns": lambda e: BaggingClassifier(e, 3, max_features=0.6, random_state=0),
    "boosting": lambda e: AdaBoostClassifier(e, n_estimators=3, random_state=0),
    "one against rest": OneVsRestClassifier,
    "one against one": OneVsOneClassifier,
    "search": lambda e: GridSearchCV(e, {}, cv=3),
    "search over pipelines": lambda e: GridSearchCV(scaled(e), {}, cv=3),
    "each label": MultiOutputClassifier,
}
OF_REGRESSORS = {
    "stacked": lambda e: StackingRegressor([("a", e), ("b", Ridge())], cv=3),
    "final": lambda e: StackingRegressor([("a", Ridge())], e, cv=3),
    "vote": lambda e: VotingRegressor([("a", e), ("b", Ridge())]),
    "bagging": lambda e: BaggingRegressor(e, 3, random_state=0),
    "boosting": lambda e: AdaBoostRegressor(e, n_estimators=3, random_state=0),
    "search": lambda e: GridSearchCV(e, {}, cv=3),
    "pipeline": scaled,
    "each output": MultiOutputRegressor,
}


def errors_of_conversion(model, X, y):
    """Share of other labels and largest difference of probabilities, or of predictions."""
    model = clone(model).fit(X, y)
    try:
        options = {"zipmap": False} if hasattr(model, "classes_") else None
        onnx = skl2onnx.to_onnx(model, X[:1], options=options)
        session = onnxruntime.InferenceSession(onnx.SerializeToString())
        outputs = session.run(None, {"X": X})
    except (NameError, NotImplementedError, RuntimeError, onnxruntime_error) as error:
        return type(error), None
    y_pred = model.predict(X)
    if not hasattr(model, "classes_"):
        return 0.0, np.abs(outputs[0].reshape(y_pred.shape) - y_pred).max() / np.std(y)
    labels = np.mean(outputs[0].reshape(y_pred.shape) != y_pred)
    if not hasattr(model, "predict_proba"):
        return labels, 0.0
    return labels, np.abs(np.asarray(outputs[1]) - np.asarray(model.predict_proba(X))).max()


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", OF_CLASSIFIERS)
@pytest.mark.filterwarnings("ignore")
def test_ensembles_of_classifiers_as_those_of_logistic_regression(kind, n_classes):
    """Where skl2onnx converts those rightly, it does ours; where not, as the page says."""
    X, y = DATA["breast_cancer" if n_classes == 2 else "iris"]
    X, y = X[:200, :6].astype(np.float32), y[:200]
    if kind == "each label":
        y = np.column_stack([y, y[::-1]])
    network = BackpropClassifier(8, max_iter=15, random_state=0)
    ours, control = (
        errors_of_conversion(OF_CLASSIFIERS[kind](e), X, y)
        for e in (network, LogisticRegression(max_iter=500))
    )
    if control[1] is None:
        assert ours == control
    elif control[1] < 1e-5:
        assert ours[0] == 0.0
        assert ours[1] < 1e-5
    else:
        assert re.search("isotonic|pipeline|by score", kind), "say so in docs/howto/onnx.rst"


@pytest.mark.parametrize("kind", OF_REGRESSORS)
def test_ensembles_of_regressors(kind):
    X, y = DATA["diabetes"]
    if kind == "each output":
        y = np.column_stack([y, -y])
    model = OF_REGRESSORS[kind](BackpropRegressor(8, max_iter=15, random_state=0))
    assert errors_of_conversion(model, X.astype(np.float32), y)[1] < 1e-5


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_raw_scores_are_those_of_the_decision_function(n_classes, loss, dtype):
    X, y = DATA["iris"]
    X, y = X[y < n_classes].astype(dtype), y[y < n_classes]
    model = BackpropClassifier(5, loss=loss, max_iter=5, tol=None, random_state=0).fit(X, y)
    scores = run(model, X, raw_scores=True, zipmap=False)["probabilities"]
    expected = model.decision_function(X)
    if n_classes == 2:
        expected = np.column_stack([-expected, expected])
    assert_close(scores, expected, dtype)


def test_dictionaries_hold_float32_only():
    model, X = fitted_classifier(SPECIES, "float64")
    with pytest.raises(ValueError, match=r"zipmap must be False .* or 'columns'.*got zipmap=True"):
        run(model, X)


def test_labels_that_onnx_has_not():
    model, X = fitted_classifier(SPECIES.astype("datetime64[D]"))
    with pytest.raises(NotImplementedError, match=r"strings, booleans or integers.*1970"):
        run(model, X, zipmap=False)


def test_weights_beyond_float32():
    X = 1e-60 * np.linspace(-1.0, 1.0, 20)[:, np.newaxis]
    model = BackpropRegressor((), max_iter=3).fit(X, 1e60 * X[:, 0])
    assert_regressor_agrees(model, X)
    with pytest.raises(ValueError, match=r"within the range of float32.*DoubleTensorType"):
        run(model, X.astype("float32"))


# Two that need operators of the first opset, and one that does not.
@pytest.mark.parametrize(
    "model",
    [
        BackpropRegressor(3, max_iter=2, loss="quantile", quantile=(0.1, 0.9)),
        BackpropRegressor(3, max_iter=2, output_activation="softplus"),
        HiddenActivations(BackpropRegressor(3, max_iter=2)),
    ],
    ids=str,
)
def test_opsets(model):
    X, y = DATA["diabetes"]
    model = clone(model).fit(X, y)
    expected = model.transform(X) if hasattr(model, "transform") else model.predict(X)
    for opset in (11, 13, 18):
        file = skl2onnx.to_onnx(model, X[:1], target_opset=opset).SerializeToString()
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        assert_close(session.run(None, {"X": X})[0], expected.reshape(len(X), -1), "float64")
    with pytest.raises(ValueError, match=r"target_opset must be at least 11 .*got 10\."):
        skl2onnx.to_onnx(model, X[:1], target_opset=10)


def test_other_inputs_than_one_matrix_of_numbers():
    model, _ = fitted_classifier(SPECIES)
    for types, message in [
        ([("X", StringTensorType([None, 4]))], "wrong type .*StringTensorType"),
        ([(name, FloatTensorType([None, 2])) for name in "XZ"], "at most 1 input"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            skl2onnx.to_onnx(model, initial_types=types, options={"zipmap": False})
    with pytest.raises(TypeError, match="csr_matrix"):
        session_of(model, sparse.csr_matrix(IRIS), zipmap=False)


@pytest.mark.parametrize("options", [{"zipmap": "rows"}, {"scores": True}])
def test_options_that_there_are_not(options):
    model, X = fitted_classifier(SPECIES)
    with pytest.raises((ValueError, NameError), match=next(iter(options))):
        run(model, X, **options)


@pytest.mark.parametrize(
    "model",
    [BackpropClassifier(), BackpropRegressor(), HiddenActivations(BackpropRegressor())],
    ids=str,
)
def test_unfitted_estimators(model):
    with pytest.raises(NotFittedError):
        run(model, IRIS)


def test_a_loss_without_conversion_is_named():
    model = BackpropRegressor(2, max_iter=1, tol=None).fit(*DATA["diabetes"])
    model._form["loss"] = ("log_cosh", {})
    with pytest.raises(NotImplementedError, match="loss='log_cosh'"):
        run(model, DATA["diabetes"][0])


@pytest.mark.parametrize("layer", ["hidden", "output"])
def test_an_activation_without_conversion_is_named(layer):
    model = BackpropRegressor(2, max_iter=1, tol=None).fit(*DATA["diabetes"])
    if layer == "hidden":
        model._form["activations"] = ["cube"]
    else:
        model.out_activation_ = "cube"
    with pytest.raises(NotImplementedError, match=r"activation.*'cube'"):
        run(model, DATA["diabetes"][0])
