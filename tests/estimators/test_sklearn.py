"""The estimators as scikit-learn's users know them: its checks, its tools, any kind of data."""

import pickle
import unittest
from html.parser import HTMLParser

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from skbackprop import BackpropClassifier, BackpropRegressor, DivergenceWarning, HiddenActivations
from skbackprop._core.activations import ACTIVATIONS
from skbackprop._estimators import plan

ESTIMATORS = [BackpropClassifier, BackpropRegressor]
DEFAULTS = [BackpropClassifier(), BackpropRegressor()]
CONFIGURATIONS = [
    BackpropRegressor(8, "softplus"),
    BackpropRegressor(()),
    BackpropRegressor((8, 4), ("tanh", "sigmoid")),
    BackpropRegressor(8, batch_size="full"),
    # Without conditioning the step must suit the data of every check.
    BackpropRegressor(
        8,
        "softplus",
        conditioning=None,
        alpha=0,
        learning_rate=0.002,
        learning_rate_schedule="constant",
        tol=None,
        max_iter=300,
    ),
    BackpropClassifier(8, "softplus"),
    BackpropClassifier((), max_iter=60),
    BackpropClassifier((8, 4), ("tanh", "softplus"), max_iter=60),
    BackpropClassifier(8, batch_size="full"),
    BackpropClassifier(8, loss="squared_error"),
    BackpropClassifier(8, conditioning=None, learning_rate=0.05, max_iter=60),
]


def run_check(estimator, check):
    try:
        check(estimator)
    except unittest.SkipTest as skipped:
        pytest.fail(f"skipped: {skipped}")


@parametrize_with_checks(CONFIGURATIONS)
def test_check(estimator, check):
    run_check(estimator, check)


@pytest.mark.parametrize("estimator", DEFAULTS, ids=["classifier", "regressor"])
def test_check_estimator(estimator):
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    assert len(results) > 50
    assert {result["status"] for result in results} == {"passed"}


def test_tags():
    classifier, regressor = map(get_tags, DEFAULTS)
    assert classifier.classifier_tags.multi_class
    assert classifier.classifier_tags.multi_label
    assert regressor.target_tags.multi_output
    assert classifier.input_tags.sparse
    assert regressor.input_tags.sparse


def textbook(estimator, **params):
    """Full-batch gradient descent at a constant rate for a given number of epochs."""
    params = {
        "hidden_layer_sizes": 5,
        "conditioning": None,
        "alpha": 1e-3,
        "learning_rate": 0.1,
        "learning_rate_schedule": "constant",
        "batch_size": "full",
        "tol": None,
        "max_iter": 30,
        "random_state": 0,
    } | params
    return estimator(**params)


def target_of(estimator, X):
    """Three classes or a smooth function of the first two columns."""
    y = np.sin(2 * X[:, 0]) + X[:, 1]
    return np.digitize(y, [-0.5, 0.5]) if estimator is BackpropClassifier else y


def output(model, X):
    """Real-valued predictions."""
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def assert_same_weights(model, other):
    for part, other_part in zip(
        model.coefs_ + model.intercepts_, other.coefs_ + other.intercepts_, strict=True
    ):
        assert_array_equal(part, other_part)


def assert_close_weights(model, other, rtol):
    for part, other_part in zip(
        model.coefs_ + model.intercepts_, other.coefs_ + other.intercepts_, strict=True
    ):
        assert_allclose(part, other_part, rtol=0, atol=rtol * np.abs(other_part).max())


# scikit-learn's tools


def test_column_transformer_in_pipeline(rng):
    # Up is "yes" for red rows and "no" for blue ones: no column alone tells anything.
    frame = pd.DataFrame(
        {"size": rng.normal(10, 3, 600), "colour": rng.choice(["red", "blue"], 600)}
    )
    y = np.where((frame["size"] > 10) == (frame["colour"] == "red"), "yes", "no")
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["size"]), ("words", OneHotEncoder(), ["colour"])]
    )
    network = BackpropClassifier(20, random_state=0)
    model = make_pipeline(columns, network).fit(frame[:400], y[:400])
    assert model.score(frame[400:], y[400:]) > 0.95

    size, red = frame["size"].to_numpy(), frame["colour"] == "red"
    by_hand = np.column_stack([(size - size[:400].mean()) / size[:400].std(), ~red, red])
    alone = clone(network).fit(by_hand[:400], y[:400])
    assert_allclose(model.predict_proba(frame[400:]), alone.predict_proba(by_hand[400:]), rtol=1e-9)


@pytest.mark.parametrize("search", [GridSearchCV, HalvingGridSearchCV])
def test_search(search, rng):
    X = rng.normal(size=(240, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    # Without a hidden layer exclusive or cannot be learnt, with a tiny step nothing can.
    grid = {"hidden_layer_sizes": [(), 16], "learning_rate": [1e-6, 1.0]}
    more = {"random_state": 0, "factor": 2} if search is HalvingGridSearchCV else {}
    cv = StratifiedKFold(3)
    network = BackpropClassifier(activation="tanh", random_state=0)
    serial, parallel = (
        search(network, grid, cv=cv, n_jobs=n_jobs, **more).fit(X, y) for n_jobs in (None, 2)
    )
    assert parallel.best_params_ == {"hidden_layer_sizes": 16, "learning_rate": 1.0}
    assert parallel.best_score_ > 0.85
    assert_array_equal(
        parallel.cv_results_["mean_test_score"], serial.cv_results_["mean_test_score"]
    )
    assert_same_weights(parallel.best_estimator_, serial.best_estimator_)


def test_cross_val_predict(rng):
    X = rng.uniform(-1, 1, size=(200, 2))
    y = target_of(BackpropRegressor, X)
    network = BackpropRegressor(16, learning_rate=0.2, random_state=0)
    y_pred = cross_val_predict(network, X, y, cv=KFold(4))
    for train, test in KFold(4).split(X):
        assert_array_equal(y_pred[test], clone(network).fit(X[train], y[train]).predict(X[test]))
    assert np.mean((y_pred - y) ** 2) < 0.05 * y.var()


def test_bagging(rng):
    X = rng.uniform(-1, 1, size=(200, 2))
    y = target_of(BackpropRegressor, X)
    network = textbook(
        BackpropRegressor, hidden_layer_sizes=16, activation="tanh", learning_rate=0.3, max_iter=500
    )
    bag = BaggingRegressor(network, n_estimators=5, random_state=0).fit(X[:150], y[:150])
    # Whether rows were drawn or weighted is the same in full batch.
    members = [
        clone(member).fit(X[rows], y[rows])
        for member, rows in zip(bag.estimators_, bag.estimators_samples_, strict=True)
    ]
    alone = np.array([member.predict(X[150:]) for member in members])
    assert alone.std(axis=0).min() > 0
    assert_allclose(bag.predict(X[150:]), alone.mean(axis=0), rtol=1e-9)
    assert bag.score(X[150:], y[150:]) > 0.95


def iris_parts():
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    return train_test_split(X, y, test_size=50, stratify=y, random_state=0)


def test_stacking():
    X, X_test, y, y_test = iris_parts()
    network = BackpropClassifier(8, random_state=0)
    members = [("network", network), ("bayes", GaussianNB())]
    stack = StackingClassifier(members, LogisticRegression(), cv=StratifiedKFold(3)).fit(X, y)
    held_out = [cross_val_predict(m, X, y, cv=3, method="predict_proba") for _, m in members]
    final = LogisticRegression().fit(np.hstack(held_out), y)
    whole = [clone(m).fit(X, y).predict_proba(X_test) for _, m in members]
    assert_allclose(stack.predict_proba(X_test), final.predict_proba(np.hstack(whole)), rtol=1e-9)
    assert stack.score(X_test, y_test) >= 0.94


def test_voting():
    X, X_test, y, y_test = iris_parts()
    members = [("network", BackpropClassifier(8, random_state=0)), ("bayes", GaussianNB())]
    vote = VotingClassifier(members, voting="soft").fit(X, y)
    proba = np.mean([clone(m).fit(X, y).predict_proba(X_test) for _, m in members], axis=0)
    assert_allclose(vote.predict_proba(X_test), proba, rtol=1e-12)
    assert vote.score(X_test, y_test) >= 0.94


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(method, rng):
    X = rng.normal(size=(2000, 1))
    true_proba = expit(2 * X[:, 0] + 0.5)
    y = (rng.uniform(size=2000) < true_proba).astype(int)
    # So strong a penalty makes the network far too timid, which calibration has to undo.
    timid = BackpropClassifier((), alpha=1.0, max_iter=20, random_state=0)
    calibrated = CalibratedClassifierCV(timid, method=method, cv=3).fit(X, y)
    timid.fit(X, y)
    assert np.abs(timid.predict_proba(X)[:, 1] - true_proba).mean() > 0.15
    assert np.abs(calibrated.predict_proba(X)[:, 1] - true_proba).mean() < 0.04


def test_one_versus_rest():
    X, X_test, y, y_test = iris_parts()
    network = BackpropClassifier(8, random_state=0)
    model = OneVsRestClassifier(network).fit(X, y)
    one = [clone(network).fit(X, y == k).predict_proba(X_test)[:, 1] for k in range(3)]
    proba = np.column_stack(one)
    assert_allclose(
        model.predict_proba(X_test), proba / proba.sum(axis=1, keepdims=True), rtol=1e-12
    )
    assert model.score(X_test, y_test) >= 0.94


def test_transformed_target(rng):
    X = rng.uniform(-1, 1, size=(300, 2))
    y = np.exp(2 * X[:, 0] + X[:, 1])
    network = BackpropRegressor(16, learning_rate=0.2, random_state=0)
    model = TransformedTargetRegressor(network, func=np.log, inverse_func=np.exp)
    model.fit(X[:200], y[:200])
    alone = clone(network).fit(X[:200], np.log(y[:200]))
    assert_allclose(model.predict(X[200:]), np.exp(alone.predict(X[200:])), rtol=1e-12)
    assert model.score(X[200:], y[200:]) > 0.95


def test_permutation_importance(rng):
    X = rng.normal(size=(300, 4))
    y = 3 * X[:, 2] + 0.5 * X[:, 0]
    model = BackpropRegressor(16, max_iter=100, random_state=0).fit(X, y)
    importance = permutation_importance(model, X, y, n_repeats=5, random_state=0).importances_mean
    # A shuffled column of weight w takes 2 w² off R² · var(y), so shares are about as w².
    assert_array_equal(np.argsort(importance)[-2:], [0, 2])
    assert importance[2] > 1.5
    assert_allclose(importance[2] / importance[0], 36, rtol=0.5)
    assert np.abs(importance[[1, 3]]).max() < 0.02


def test_partial_dependence(rng):
    X = rng.uniform(-1, 1, size=(300, 2))
    y = X[:, 0] ** 3 + X[:, 0] - 2 * X[:, 1]
    model = BackpropRegressor(16, learning_rate=0.2, random_state=0).fit(X, y)
    display = PartialDependenceDisplay.from_estimator(model, X, [0, 1], grid_resolution=20)
    for feature, sign in ((0, 1), (1, -1)):
        line = display.lines_[0, feature]
        values, averages = line.get_data()
        assert (np.diff(sign * averages) > 0).all()
        for value, average in zip(values[::5], averages[::5], strict=True):
            changed = X.copy()
            changed[:, feature] = value
            assert_allclose(average, model.predict(changed).mean(), rtol=1e-9)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_clone(estimator, rng):
    X = rng.normal(size=(50, 2))
    y = target_of(estimator, X)
    sizes = np.array([4, 3])
    model = estimator(sizes, ["tanh", "relu"], max_iter=5, random_state=3).fit(X, y)
    copy = clone(model)
    assert not hasattr(copy, "coefs_")
    assert_array_equal(copy.get_params()["hidden_layer_sizes"], sizes)
    assert copy.get_params().keys() == model.get_params().keys()
    assert_same_weights(copy.fit(X, y), model)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("dump", "load"), [({}, {}), ({"compress": 3}, {}), ({}, {"mmap_mode": "r"})]
)
def test_joblib_round_trip(estimator, dump, load, tmp_path, rng):
    X = rng.normal(size=(50, 2))
    y = target_of(estimator, X)
    model = estimator(10, max_iter=5, random_state=0).fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib", **dump)
    loaded = joblib.load(tmp_path / "model.joblib", **load)
    assert isinstance(loaded.coefs_[0], np.memmap) == bool(load)
    assert_array_equal(output(loaded, X), output(model, X))
    assert_same_weights(loaded.partial_fit(X, y), model.partial_fit(X, y))


def test_sample_weight_routed_by_pipeline(rng):
    X = rng.normal(5, 2, size=(60, 2))
    y = target_of(BackpropRegressor, X - 5)
    sample_weight = rng.uniform(0, 3, 60)
    network = textbook(BackpropRegressor)
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        request = clone(network).set_fit_request(sample_weight=True)
        request.set_score_request(sample_weight=True)
        pipeline = make_pipeline(scaler, request).fit(X, y, sample_weight=sample_weight)
        score = pipeline.score(X, y, sample_weight=sample_weight)
    Z = StandardScaler().fit_transform(X)
    weighted = clone(network).fit(Z, y, sample_weight)
    assert_same_weights(pipeline[-1], weighted)
    assert np.abs(weighted.coefs_[0] - network.fit(Z, y).coefs_[0]).max() > 1e-3
    error = np.average((y - weighted.predict(Z)) ** 2, weights=sample_weight)
    spread = np.average((y - np.average(y, weights=sample_weight)) ** 2, weights=sample_weight)
    assert_allclose(score, 1 - error / spread, rtol=1e-10)


def test_sample_weight_routed_by_grid_search(rng):
    X = rng.normal(size=(90, 2))
    y = target_of(BackpropClassifier, X)
    sample_weight = rng.uniform(0, 3, 90)
    network = textbook(BackpropClassifier)
    grid = {"learning_rate": [1e-6, 1.0]}
    with sklearn.config_context(enable_metadata_routing=True):
        request = clone(network).set_fit_request(sample_weight=True)
        request.set_score_request(sample_weight=True)
        search = GridSearchCV(request, grid, cv=KFold(3)).fit(X, y, sample_weight=sample_weight)
    assert search.best_params_ == {"learning_rate": 1.0}
    network.set_params(learning_rate=1.0)
    assert_same_weights(search.best_estimator_, clone(network).fit(X, y, sample_weight))
    scores = []
    for train, test in KFold(3).split(X):
        network.fit(X[train], y[train], sample_weight[train])
        right = network.predict(X[test]) == y[test]
        scores.append(np.average(right, weights=sample_weight[test]))
    assert_allclose(search.cv_results_["mean_test_score"][1], np.mean(scores), rtol=1e-12)
    assert network.score(X[test], y[test]) != scores[-1]


# Weights of rows

LOSSES = [(BackpropClassifier, "log_loss")] + [
    (estimator, loss)
    for estimator in ESTIMATORS
    for loss in ("half_squared_error", "squared_error")
]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("estimator", "loss"), LOSSES)
def test_weight_is_number_of_copies(estimator, loss, reduction, rng):
    X = rng.normal(size=(30, 3))
    y = target_of(estimator, X)
    sample_weight = rng.integers(0, 4, size=30)
    # Outliers that count for nothing.
    X[sample_weight == 0] *= 100
    model = textbook(
        estimator,
        loss=loss,
        loss_reduction=reduction,
        learning_rate=0.1 if reduction == "mean" else 0.002,
        alpha=0.01,
        shuffle=False,
    )
    repeated = np.repeat(np.arange(30), sample_weight)
    copies = clone(model).fit(X[repeated], y[repeated])
    weighted = clone(model).fit(X, y, sample_weight)
    assert_close_weights(weighted, copies, rtol=1e-10)
    assert_allclose(weighted.loss_curve_, copies.loss_curve_, rtol=1e-10)
    assert_allclose(weighted.loss_, copies.loss_, rtol=1e-10)

    counted = sample_weight > 0
    absent = clone(model).fit(X[counted], y[counted], sample_weight[counted])
    assert_close_weights(weighted, absent, rtol=1e-10)
    assert np.abs(weighted.coefs_[0] - clone(model).fit(X, y).coefs_[0]).max() > 1e-4


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_rows_of_weight_zero_take_no_place_in_batches(estimator, rng):
    X = rng.normal(size=(50, 3))
    y = target_of(estimator, X)
    sample_weight = rng.integers(0, 3, size=50)
    counted = sample_weight > 0
    model = textbook(estimator, batch_size=8)
    absent = clone(model).fit(X[counted], y[counted], sample_weight[counted])
    assert_same_weights(clone(model).fit(X, y, sample_weight), absent)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_scale_of_weights_cancels_in_the_mean(estimator, rng):
    X = rng.normal(size=(30, 3))
    y = target_of(estimator, X)
    sample_weight = rng.uniform(0.5, 2, size=30)
    model = textbook(estimator, batch_size=8)
    weighted = clone(model).fit(X, y, sample_weight)
    for scale in (1e-300, 7.0, 1e300):
        assert_close_weights(clone(model).fit(X, y, scale * sample_weight), weighted, rtol=1e-10)


# Without hidden layers: the linear models of scikit-learn


def linear_network(estimator, **params):
    return textbook(estimator, hidden_layer_sizes=(), alpha=0, max_iter=5000, **params)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize(
    ("loss", "reduction", "rate"),
    [
        ("half_squared_error", "mean", 0.5),
        ("squared_error", "mean", 0.25),
        ("half_squared_error", "sum", 0.5 / 60),
    ],
)
def test_least_squares(loss, reduction, rate, n_outputs, rng):
    X = rng.normal([1, 0, -0.5], size=(60, 3))
    y = (X @ rng.normal(size=(3, n_outputs)) + rng.normal(2, 1, size=(60, n_outputs))).squeeze()
    model = linear_network(
        BackpropRegressor, loss=loss, loss_reduction=reduction, learning_rate=rate
    ).fit(X, y)
    exact = LinearRegression().fit(X, y)
    assert_allclose(model.coefs_[0].T, np.atleast_2d(exact.coef_), atol=1e-6, rtol=0)
    assert_allclose(model.intercepts_[0], exact.intercept_, atol=1e-6, rtol=0)
    assert_allclose(model.predict(X), exact.predict(X), atol=1e-6, rtol=0)


def logistic_regression():
    return LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000)


def test_binary_logistic_regression(rng):
    X = rng.normal([1, 0, -0.5], size=(100, 3))
    y = np.where(X @ [1, -1, 0.5] + rng.logistic(size=100) > 0, "yes", "no")
    model = linear_network(BackpropClassifier, learning_rate=2.0).fit(X, y)
    exact = logistic_regression().fit(X, y)
    assert exact.score(X, y) < 0.9
    assert_allclose(model.coefs_[0].T, exact.coef_, atol=1e-6, rtol=0)
    assert_allclose(model.intercepts_[0], exact.intercept_, atol=1e-6, rtol=0)
    assert_allclose(model.decision_function(X), exact.decision_function(X), atol=1e-5, rtol=0)
    assert_array_equal(model.classes_, exact.classes_)


def test_multinomial_logistic_regression(rng):
    X = rng.normal([1, 0, -0.5], size=(150, 3))
    scores = X @ rng.normal(size=(3, 4)) + rng.gumbel(size=(150, 4))
    y = scores.argmax(axis=1)
    model = linear_network(BackpropClassifier, learning_rate=1.0).fit(X, y)
    exact = logistic_regression().fit(X, y)
    assert exact.score(X, y) < 0.9
    assert_allclose(model.predict_proba(X), exact.predict_proba(X), atol=1e-6, rtol=0)
    assert_allclose(model.predict_log_proba(X), exact.predict_log_proba(X), atol=1e-5, rtol=0)


def test_multilabel_is_logistic_regression_by_label(rng):
    X = rng.normal(size=(100, 2))
    Y = (X @ rng.normal(size=(2, 3)) + rng.logistic(size=(100, 3)) > 0).astype(int)
    model = linear_network(BackpropClassifier, learning_rate=2.0).fit(X, Y)
    exact = [logistic_regression().fit(X, y).predict_proba(X)[:, 1] for y in Y.T]
    proba = model.predict_proba(X)
    assert_allclose(proba, np.column_stack(exact), atol=1e-6, rtol=0)
    assert_array_equal(model.predict(X), proba > 0.5)


# One class

ONE_CLASS = {
    "defaults": {},
    "squared error": {"loss": "squared_error"},
    "held out": {"early_stopping": True, "scoring": "accuracy"},
    "weights by class": {"class_weight": {"a": 2.0, "b": 3.0}},
    "textbook": {"conditioning": None, "alpha": 0, "learning_rate": 0.1, "batch_size": "full"},
    "no hidden layer": {"hidden_layer_sizes": (), "fit_intercept": False},
}


@pytest.mark.parametrize("params", ONE_CLASS.values(), ids=ONE_CLASS)
def test_one_class(params, rng):
    X = rng.normal(size=(40, 2))
    y = np.full(40, "a")
    model = BackpropClassifier(3, random_state=0, warm_start=True).set_params(**params)
    for _ in range(2):
        model.fit(X, y)
        assert model.classes_.tolist() == ["a"]
        assert_array_equal(model.predict(X), y)
        assert_array_equal(model.predict_proba(X), np.ones((40, 1)))
        assert_array_equal(model.predict_log_proba(X), np.zeros((40, 1)))
        assert_array_equal(model.decision_function(X), np.zeros(40))
    with pytest.raises(ValueError, match="warm_start=True needs a y of the fitted classes"):
        model.fit(X, np.where(X[:, 0] > 0, "a", "b"))
    stream = clone(model).set_params(early_stopping=False).partial_fit(X, y, classes=["a"])
    assert_array_equal(stream.partial_fit(X[:5], y[:5]).predict(X), y)
    with pytest.raises(ValueError, match=r"y must have labels among \['a'\]; got \['b'\]"):
        stream.partial_fit(X, np.full(40, "b"))


def test_one_class_of_weight(rng):
    X = rng.normal(size=(40, 2))
    y = (X[:, 0] > 0).astype(int)
    model = BackpropClassifier(3, random_state=0).fit(X, y, sample_weight=y)
    assert_array_equal(model.predict(X), np.ones(40))
    assert model.predict_proba(X).shape == (40, 2)


ZEROS, ONES = np.zeros(60, int), np.ones(60, int)
# What an estimator makes of a part of the data that has one class, and what it should.
GIVEN_ONE_CLASS = {
    "MultiOutputClassifier": (
        lambda model, X, y: (
            MultiOutputClassifier(model).fit(X, np.column_stack([y, ZEROS])).predict_proba(X)[1]
        ),
        np.ones((60, 1)),
    ),
    "MultiOutputClassifier.partial_fit": (
        lambda model, X, y: (
            MultiOutputClassifier(model)
            .partial_fit(X, np.column_stack([y, ZEROS]), classes=[[0, 1], [0]])
            .predict(X)[:, 1]
        ),
        ZEROS,
    ),
    "ClassifierChain": (
        lambda model, X, y: (
            ClassifierChain(model, order=[1, 0]).fit(X, np.column_stack([y, ONES])).predict(X)[:, 1]
        ),
        ONES,
    ),
    "TimeSeriesSplit": (
        lambda model, X, y: cross_val_score(
            model, X, y, cv=TimeSeriesSplit(3), error_score="raise"
        )[:1],
        [1.0],
    ),
    "GridSearchCV": (
        lambda model, X, y: (
            GridSearchCV(model, {}, cv=KFold(2), error_score="raise")
            .fit(X, ZEROS)
            .cv_results_["mean_test_score"]
        ),
        [1.0],
    ),
    "BaggingClassifier": (
        lambda model, X, y: BaggingClassifier(model, 3).fit(X, ZEROS).predict_proba(X),
        np.ones((60, 1)),
    ),
    "VotingClassifier": (
        lambda model, X, y: (
            VotingClassifier([("a", model)], voting="soft").fit(X, ZEROS).predict_proba(X)
        ),
        np.ones((60, 1)),
    ),
    "SelfTrainingClassifier": (
        lambda model, X, y: (
            SelfTrainingClassifier(model).fit(X, np.r_[ZEROS[:30], np.full(30, -1)]).predict(X)
        ),
        ZEROS,
    ),
}


@pytest.mark.parametrize("given", GIVEN_ONE_CLASS)
def test_one_class_inside_other_estimators(given, rng):
    X = rng.normal(size=(60, 2))
    y = np.r_[np.zeros(30, int), (X[30:, 0] > 0).astype(int)]
    result, expected = GIVEN_ONE_CLASS[given]
    assert_array_equal(result(BackpropClassifier(4, random_state=0), X, y), expected)


def test_one_class_in_a_fold_of_predictions(rng):
    X = rng.normal(size=(60, 2))
    y = np.r_[np.zeros(30, int), (X[30:, 0] > 0).astype(int)]
    model = BackpropClassifier(4, random_state=0)
    with pytest.warns(RuntimeWarning, match="Number of classes in training fold"):
        proba = cross_val_predict(model, X, y, cv=KFold(2), method="predict_proba")
    assert_array_equal(proba[30:], [[1.0, 0.0]] * 30)


@pytest.mark.parametrize("y_second", [np.zeros(30, int), np.arange(30) % 3])
def test_one_class_in_a_fold_of_calibration(y_second, rng):
    X = rng.normal(size=(60, 2))
    y = np.r_[np.zeros(30, int), y_second]
    model = CalibratedClassifierCV(BackpropClassifier(4, random_state=0), cv=KFold(2)).fit(X, y)
    proba = model.predict_proba(X)
    assert proba.shape == (60, len(np.unique(y)))
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)


def test_bags_with_one_class(rng):
    X = rng.normal(size=(60, 2))
    y = np.r_[np.zeros(40, int), np.ones(20, int)]
    # Members that take no weights are given the rows of their bag alone.
    member = make_pipeline(StandardScaler(), BackpropClassifier(4))
    bag = BaggingClassifier(member, 8, max_samples=3, random_state=0).fit(X, y)
    assert {len(member.classes_) for member in bag.estimators_} == {1, 2}
    assert_allclose(bag.predict_proba(X).sum(axis=1), 1, rtol=1e-12)


def test_a_score_that_ranks_is_even_for_one_class(rng):
    X = rng.normal(size=(60, 2))
    y = np.r_[np.zeros(30, int), (X[30:, 0] > 0).astype(int)]
    scores = cross_val_score(BackpropClassifier(4), X[:45], y[:45], cv=[(range(30), range(30, 45))],
                             scoring="roc_auc")  # fmt: skip
    assert scores == [0.5]


# Kinds of targets and inputs


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["cat", "dog"]),
        np.array(["ant", "bee", "cow"], dtype=object),
        np.array([False, True]),
        np.array([-7, 3, 40]),
        np.array([1.0, 2.0]),
    ],
    ids=["strings", "objects", "booleans", "integers", "whole floats"],
)
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_labels(labels, loss, rng):
    X = rng.normal(size=(90, 2))
    codes = np.digitize(X[:, 0], [-0.5, 0.5][: len(labels) - 1])
    network = BackpropClassifier(8, "tanh", loss=loss, learning_rate=1.0, random_state=0)
    model = clone(network).fit(X, labels[codes])
    assert_array_equal(model.classes_, labels)
    y_pred = model.predict(X)
    assert y_pred.dtype == labels.dtype
    assert np.mean(y_pred == labels[codes]) > 0.95
    coded = network.fit(X, codes)
    assert_array_equal(y_pred, labels[coded.predict(X)])
    assert_array_equal(model.predict_proba(X), coded.predict_proba(X))


@pytest.mark.parametrize("loss", ["log_loss", "half_squared_error"])
def test_multilabel(loss, rng):
    X = rng.normal(size=(200, 2))
    Y = np.column_stack([X[:, 0] > 0, X[:, 1] > 0.5, X[:, 0] * X[:, 1] > 0]).astype(int)
    model = BackpropClassifier(16, "tanh", loss=loss, learning_rate=1.0, random_state=0)
    model.fit(X, Y)
    y_pred = model.predict(X)
    assert y_pred.shape == Y.shape
    assert (y_pred == Y).mean(axis=0).min() > 0.9
    assert (model.predict_proba(X)[Y == 1] > 0.5).mean() > 0.9
    assert_same_weights(clone(model).fit(X, sparse.csr_array(Y)), model)
    assert_same_weights(clone(model).fit(X, sparse.csc_matrix(Y)), model)


@pytest.mark.parametrize(
    ("columns", "classes", "message"),
    [
        (lambda Y: Y + 1, None, r"multilabel y must be of zeros and ones; got \[1\. 2\.\]"),
        (lambda Y: Y[:, :2], None, "y must have 3 labels, as fitted; got 2"),
        (lambda Y: Y, [0, 1], r"classes of a multilabel y must be None .*; got \[0, 1\]"),
    ],
)
def test_faults_of_multilabel(columns, classes, message, rng):
    X = rng.normal(size=(30, 2))
    Y = rng.integers(2, size=(30, 3))
    model = textbook(BackpropClassifier).partial_fit(X, Y, classes=[0, 1, 2])
    before = clone(model).partial_fit(X, Y)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X, columns(Y), classes=classes)
    assert_same_weights(model, before)


def test_multioutput(rng):
    X = rng.uniform(-1, 1, size=(200, 2))
    Y = np.column_stack([X[:, 0] ** 2, X[:, 0] - X[:, 1], np.ones(200)])
    model = BackpropRegressor(16, "tanh", learning_rate=0.2, random_state=0).fit(X, Y)
    assert model.n_outputs_ == 3
    assert model.predict(X).shape == (200, 3)
    assert (np.mean((model.predict(X) - Y) ** 2, axis=0) < 0.01).all()
    column = clone(model).fit(X, Y[:, :1])
    flat = clone(model).fit(X, Y[:, 0])
    assert_array_equal(column.predict(X), flat.predict(X)[:, np.newaxis])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_frames(estimator, frame, rng):
    X = rng.normal(size=(40, 2))
    y = target_of(estimator, X)
    model = textbook(estimator).fit(frame({"width": X[:, 0], "height": X[:, 1]}), y)
    assert_array_equal(model.feature_names_in_, ["width", "height"])
    plain = textbook(estimator).fit(X, y)
    assert not hasattr(plain, "feature_names_in_")
    assert_same_weights(model, plain)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame({"height": X[:, 1], "width": X[:, 0]}))
    series = pd.Series if frame is pd.DataFrame else pl.Series
    assert_same_weights(clone(model).fit(X, series(y), series(np.ones(40))), plain)


@pytest.mark.parametrize(
    "kind", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix, sparse.csc_matrix]
)
@pytest.mark.parametrize("batch_size", ["full", 8])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_sparse_inputs(estimator, batch_size, kind, rng):
    X = rng.normal(size=(50, 6)) * (rng.uniform(size=(50, 6)) < 0.4)
    y = target_of(estimator, X)
    sample_weight = rng.integers(0, 3, size=50)
    dense = textbook(estimator, batch_size=batch_size).fit(X, y, sample_weight)
    model = textbook(estimator, batch_size=batch_size).fit(kind(X), y, sample_weight)
    assert_close_weights(model, dense, rtol=1e-10)
    assert_allclose(output(model, kind(X)), output(dense, X), rtol=1e-10)
    assert_allclose(model.loss_, dense.loss_, rtol=1e-10)


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.float16, np.float64),
        (np.int64, np.float64),
        (np.uint8, np.float64),
        (bool, np.float64),
    ],
)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_precision(estimator, dtype, kept, rng):
    X = rng.integers(0, 2, size=(40, 3))
    y = target_of(estimator, X)
    model = textbook(estimator).fit(X.astype(dtype), y)
    assert {coef.dtype for coef in model.coefs_} == {np.dtype(kept)}
    assert {intercept.dtype for intercept in model.intercepts_} == {np.dtype(np.float64)}
    assert output(model, X.astype(kept)).dtype == kept
    reference = textbook(estimator).fit(X.astype(float), y)
    tolerance = 1e-5 if kept is np.float32 else 0
    assert_allclose(output(model, X.astype(kept)), output(reference, X), rtol=tolerance)


def layouts(X, folder):
    read_only = X.copy()
    read_only.setflags(write=False)
    np.save(folder / "X.npy", X)
    wide = np.zeros((2 * len(X), 3 * X.shape[1]))
    wide[::2, ::3] = X
    return {
        "read-only": read_only,
        "memory-mapped": np.load(folder / "X.npy", mmap_mode="r"),
        "strided": wide[::2, ::3],
        "reversed": X[::-1].copy()[::-1],
        "Fortran-ordered": np.asfortranarray(X),
        "writeable": X.copy(),
    }


@pytest.mark.parametrize("batch_size", ["full", 8])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_layouts(estimator, batch_size, tmp_path, rng):
    X = rng.normal(size=(50, 3))
    y = target_of(estimator, X)
    sample_weight = rng.uniform(1, 2, size=50)
    reference = textbook(estimator, batch_size=batch_size).fit(X.copy(), y, sample_weight)
    for layout in layouts(X, tmp_path).values():
        model = textbook(estimator, batch_size=batch_size)
        targets, weights = y.copy(), sample_weight.copy()
        targets.setflags(write=False)
        weights.setflags(write=False)
        model.fit(layout, targets, weights)
        assert_close_weights(model, reference, rtol=1e-12)
        assert_allclose(output(model, layout), output(reference, X), rtol=1e-12)
        model.partial_fit(layout, targets, sample_weight=weights)
        assert_array_equal(layout, X)
        assert_array_equal(targets, y)
        assert_array_equal(weights, sample_weight)


def test_initial_weights_are_not_written_to(rng):
    X = rng.normal(size=(20, 2))
    coefs = [rng.normal(size=(2, 5)), rng.normal(size=(5, 1))]
    intercepts = [np.zeros(5), np.zeros(1)]
    given = [part.copy() for part in coefs + intercepts]
    model = textbook(BackpropRegressor)
    model.fit(X, X[:, 0], coefs_init=coefs, intercepts_init=intercepts)
    for part, before, fitted in zip(
        coefs + intercepts, given, model.coefs_ + model.intercepts_, strict=True
    ):
        assert_array_equal(part, before)
        assert not np.array_equal(fitted, before)


def test_digits():
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, random_state=0)
    model = make_pipeline(StandardScaler(), BackpropClassifier(random_state=0)).fit(X, y)
    assert model.score(X_test, y_test) >= 0.97


# Going on: partial_fit and warm_start


def first_call(estimator, y):
    return {"classes": np.unique(y)} if estimator is BackpropClassifier else {}


@pytest.mark.parametrize("batch_size", ["full", 8])
@pytest.mark.parametrize("schedule", ["constant", "invscaling"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_calls_of_partial_fit_are_epochs_of_fit(estimator, schedule, batch_size, rng):
    X = rng.normal(size=(50, 2))
    y = target_of(estimator, X)
    params = {"batch_size": batch_size, "learning_rate_schedule": schedule}
    whole = textbook(estimator, max_iter=7, **params).fit(X, y)
    model = textbook(estimator, **params).partial_fit(X, y, **first_call(estimator, y))
    losses = [*model.loss_curve_]
    for _ in range(6):
        losses += model.partial_fit(X, y).loss_curve_
    assert_same_weights(model, whole)
    assert losses == whole.loss_curve_
    assert model.n_iter_ == whole.n_iter_ == 7
    assert model.loss_ == whole.loss_


@pytest.mark.parametrize("batch_size", ["full", 8])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_warm_starts_add_up(estimator, batch_size, rng):
    X = rng.normal(size=(50, 2))
    y = target_of(estimator, X)
    whole = textbook(estimator, batch_size=batch_size, max_iter=5).fit(X, y)
    model = textbook(estimator, batch_size=batch_size, max_iter=3, warm_start=True).fit(X, y)
    first = model.loss_curve_
    model.set_params(max_iter=2).fit(X, y)
    assert_same_weights(model, whole)
    assert first + model.loss_curve_ == whole.loss_curve_
    assert model.n_iter_ == 2


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_fit_without_warm_start_starts_anew(estimator, rng):
    X = rng.normal(size=(50, 2))
    y = target_of(estimator, X)
    model = textbook(estimator, batch_size=8).fit(X, y)
    assert_same_weights(clone(model).fit(X[:20], y[:20]).partial_fit(X, y).fit(X, y), model)


def test_partial_fit_tells_noise_of_batches_from_divergence(rng):
    X = rng.normal(size=(60, 2))
    y = np.sin(2 * X[:, 0]) + X[:, 1]
    model = BackpropRegressor(5, learning_rate=0.1, batch_size=8, random_state=0)
    losses = [model.partial_fit(X, y).loss_ for _ in range(200)]
    assert min(np.diff(losses)) < 0 < max(np.diff(losses))
    model.set_params(learning_rate=3.0)
    with pytest.warns(DivergenceWarning):
        model.partial_fit(X, y)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_warm_start_at_the_minimum_ends_at_once(estimator, rng):
    X = rng.normal(size=(50, 2))
    y = target_of(estimator, X)
    model = textbook(estimator, hidden_layer_sizes=(), max_iter=5000, tol=1e-3, warm_start=True)
    model.set_params(alpha=0.1, batch_size="full", n_iter_no_change=5000)
    assert model.fit(X, y).n_iter_ > 10
    for _ in range(2):
        assert model.fit(X, y).n_iter_ <= 2
        assert model.status_ == "converged"


@pytest.mark.parametrize("goes_on", ["partial_fit", "warm_start"])
def test_going_on_refuses_other_activations(goes_on, rng):
    X = rng.normal(size=(50, 2))
    model = BackpropRegressor(3, max_iter=2, tol=None, random_state=0).fit(X, X[:, 0])
    method = (
        model.partial_fit if goes_on == "partial_fit" else model.set_params(warm_start=True).fit
    )
    message = r"need the activations of the fitted layers, \['sigmoid', 'identity'\]; got .*relu"
    model.set_params(activation="relu")
    with pytest.raises(ValueError, match=message):
        method(X, X[:, 0])
    model.set_params(activation="sigmoid", output_activation="softplus")
    with pytest.raises(ValueError, match="softplus"):
        method(X, X[:, 0])


def test_few_entries_make_larger_batches(rng):
    X = sparse.random(300, 500, density=0.01, random_state=0, format="csr")
    y = X[:, 0].toarray()[:, 0] + X[:, 1].toarray()[:, 0]
    auto, given, dense = (
        BackpropRegressor(3, max_iter=2, tol=None, random_state=0, batch_size=batch_size).fit(
            rows, y
        )
        for rows, batch_size in ((X, "auto"), (X, 256), (X.toarray(), "auto"))
    )
    assert_same_weights(auto, given)
    assert auto.learning_rate_ != dense.learning_rate_


def test_warm_start_refuses_columns_in_another_order(rng):
    frame = pd.DataFrame(rng.normal(size=(20, 2)), columns=["a", "b"])
    model = BackpropRegressor(3, warm_start=True, max_iter=2, random_state=0)
    model.fit(frame, frame["a"])
    with pytest.raises(ValueError, match="feature names should match"):
        model.fit(frame[["b", "a"]], frame["a"])


def test_partial_fit_keeps_the_shape_of_predictions(rng):
    X = rng.normal(size=(20, 2))
    model = BackpropRegressor(3, random_state=0).partial_fit(X, X[:, 0])
    assert model.partial_fit(X, X[:, :1]).predict(X).shape == (20,)


def test_first_partial_fit_requires_classes(rng):
    X = rng.normal(size=(20, 2))
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        BackpropClassifier().partial_fit(X, X[:, 0] > 0)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([], r"classes: Found array with 0 sample"),
        (["0", "1"], r"classes must be labels of the type of y, int\d+; got \['0', '1'\]"),
    ],
)
def test_faults_of_classes(classes, message, rng):
    X = rng.normal(size=(20, 2))
    with pytest.raises(ValueError, match=message):
        BackpropClassifier().partial_fit(X, np.arange(20) % 2, classes=classes)


def test_class_absent_from_first_batch(rng):
    X = rng.normal(size=(300, 1))
    y = np.array(["high", "low", "mid"])[np.digitize(X[:, 0], [-0.5, 0.5]) - 2]
    present = y != "high"
    model = textbook(BackpropClassifier, activation="tanh", learning_rate=1.0)
    model.partial_fit(X[present], y[present], classes=["mid", "low", "high"])
    assert_array_equal(model.classes_, ["high", "low", "mid"])
    assert model.predict_proba(X).shape == (300, 3)
    for _ in range(300):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.95


GOING_ON_WRONG = {
    "a label never announced": (
        BackpropClassifier,
        lambda model, X, y: model.partial_fit(X, y + 1),
        r"y must have labels among \[0 1 2\]; got \[3\]",
    ),
    "other classes": (
        BackpropClassifier,
        lambda model, X, y: model.partial_fit(X, y, classes=[0, 1, 2, 3]),
        r"classes must be those of the first call, \[0 1 2\]; got \[0 1 2 3\]",
    ),
    "other classes, warm": (
        BackpropClassifier,
        lambda model, X, y: model.set_params(warm_start=True).fit(X, y + 1),
        r"warm_start=True needs a y of the fitted classes \[0 1 2\]; got \[1 2 3\]",
    ),
    "multilabel": (
        BackpropClassifier,
        lambda model, X, y: model.partial_fit(X, np.eye(3, dtype=int)[y]),
        "y must be class labels as fitted; got multilabel",
    ),
    "outputs": (
        BackpropRegressor,
        lambda model, X, y: model.partial_fit(X, np.column_stack([y, y])),
        "y must have 1 outputs, as fitted; got 2",
    ),
    "outputs, warm": (
        BackpropRegressor,
        lambda model, X, y: model.set_params(warm_start=True).fit(X, np.column_stack([y, y])),
        "y must have 1 outputs, as fitted; got 2",
    ),
    "features": (
        BackpropRegressor,
        lambda model, X, y: model.partial_fit(X[:, :1], y),
        "X has 1 features, but BackpropRegressor is expecting 2",
    ),
    "features, warm": (
        BackpropRegressor,
        lambda model, X, y: model.set_params(warm_start=True).fit(X[:, :1], y),
        "X has 1 features, but BackpropRegressor is expecting 2",
    ),
    "intercepts": (
        BackpropRegressor,
        lambda model, X, y: model.set_params(fit_intercept=False).partial_fit(X, y),
        "with fit_intercept=False would drop the fitted intercepts",
    ),
    "hidden layers": (
        BackpropRegressor,
        lambda model, X, y: model.set_params(hidden_layer_sizes=(4, 3)).partial_fit(X, y),
        r"hidden_layer_sizes=\(4, 3\)",
    ),
    "hidden layers, warm": (
        BackpropClassifier,
        lambda model, X, y: model.set_params(hidden_layer_sizes=6, warm_start=True).fit(X, y),
        r"hidden_layer_sizes=\(6,\)",
    ),
}


@pytest.mark.parametrize(
    ("estimator", "go_on", "message"), GOING_ON_WRONG.values(), ids=GOING_ON_WRONG
)
def test_going_on_wrong(estimator, go_on, message, rng):
    X = rng.normal(size=(50, 2))
    y = target_of(estimator, X)
    model = textbook(estimator).fit(X, y)
    before = clone(model).fit(X, y)
    with pytest.raises(ValueError, match=message):
        go_on(model, X, y)
    assert_same_weights(model, before)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_pickle_does_not_grow(estimator, rng):
    X = rng.normal(size=(50, 2))
    y = target_of(estimator, X)
    model = textbook(estimator, batch_size=8, learning_rate=0.001)
    model.partial_fit(X, y, **first_call(estimator, y))
    before = len(pickle.dumps(model))
    for _ in range(200):
        model.partial_fit(X, y)
    # Integers, those of the random state among them, take more or fewer bytes as they change.
    assert abs(len(pickle.dumps(model)) - before) <= 16


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_tiny_step_does_not_move_predictions(estimator, rng):
    X = rng.normal(size=(50, 2))
    y = target_of(estimator, X)
    model = textbook(estimator).fit(X, y)
    before = output(model, X)
    model.set_params(learning_rate=1e-200)
    for _ in range(3):
        model.partial_fit(3 * X[:20] + 100, y[:20])
    assert_array_equal(output(model, X), before)


# How a fit ends


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_interrupt_keeps_weights(estimator, monkeypatch, rng):
    X = rng.normal(size=(40, 2))
    y = target_of(estimator, X)
    # In full batch the activation is applied once for the first loss and once a step.
    calls = iter(range(100))

    def apply(z, scratch):
        if next(calls) == 5:
            raise KeyboardInterrupt
        ACTIVATIONS["tanh"].apply(z, scratch)

    monkeypatch.setitem(ACTIVATIONS, "softplus", ACTIVATIONS["tanh"]._replace(apply=apply))
    model = textbook(estimator, activation="softplus")
    with pytest.warns(ConvergenceWarning, match="interrupted after 4 epochs"):
        model.fit(X, y)
    whole = textbook(estimator, activation="tanh", max_iter=4).fit(X, y)
    assert model.status_ == "interrupted"
    assert model.loss_curve_ == whole.loss_curve_
    assert_same_weights(model, whole)
    assert_array_equal(output(model, X), output(whole, X))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_explosion_keeps_best_weights(dtype, reduction, rng):
    X = rng.normal(size=(40, 2)).astype(dtype)
    y = target_of(BackpropRegressor, X)
    model = textbook(
        BackpropRegressor,
        activation="softplus",
        learning_rate=1e3,
        loss_reduction=reduction,
        max_iter=500,
    )
    with pytest.warns(DivergenceWarning, match=r"diverged .* Lower learning_rate=1000.0"):
        model.fit(X, y)
    assert model.status_ == "diverged"
    assert all(np.isfinite(part).all() for part in model.coefs_ + model.intercepts_)
    assert model.loss_ <= model.loss_curve_[0]
    half_mean = 0.5 * np.mean((model.predict(X) - y) ** 2)
    penalty = 0.5 * model.alpha * sum((coef**2).sum() for coef in model.coefs_)
    data_loss = half_mean if reduction == "mean" else 40 * half_mean
    assert_allclose(model.loss_, data_loss + penalty, rtol=1e-5)


def test_interrupt_ends_a_loop_of_partial_fit(monkeypatch, rng):
    X = rng.normal(size=(64, 2))
    model = BackpropRegressor(3, conditioning=None, batch_size=8, random_state=0)
    model.partial_fit(X, X[:, 0])
    before, calls = model.predict(X), iter(range(100))
    sigmoid = ACTIVATIONS["sigmoid"]

    def interrupted(z, scratch):
        if next(calls) == 4:
            raise KeyboardInterrupt
        sigmoid.apply(z, scratch)

    monkeypatch.setitem(ACTIVATIONS, "sigmoid", sigmoid._replace(apply=interrupted))
    with pytest.raises(KeyboardInterrupt), pytest.warns(ConvergenceWarning, match="interrupted"):
        model.partial_fit(X, X[:, 0])
    assert model.status_ == "interrupted"
    assert not np.array_equal(model.predict(X), before)


def test_loss_above_the_first_is_not_silent(rng):
    X = rng.normal(size=(40, 2))
    y = target_of(BackpropRegressor, X)
    model = textbook(BackpropRegressor, learning_rate=10.0, max_iter=3)
    with pytest.warns(DivergenceWarning, match="the loss is above the first"):
        model.fit(X, y)
    assert model.status_ == "diverged"
    assert np.isfinite(model.predict(X)).all()


def test_running_out_of_epochs_is_not_silent(rng):
    X = rng.normal(size=(40, 2))
    y = target_of(BackpropRegressor, X)
    model = textbook(BackpropRegressor, tol=1e-4, max_iter=3)
    with pytest.warns(ConvergenceWarning, match="ran all max_iter=3 epochs"):
        model.fit(X, y)
    assert model.status_ == "max_iter"
    model.set_params(max_iter=100_000).fit(X, y)
    assert model.status_ == "converged"
    assert model.n_iter_ < 100_000


@pytest.mark.parametrize(
    ("params", "advice"),
    [
        ({}, "or start from other weights"),
        ({"learning_rate": 1e-300}, "Raise learning_rate"),
    ],
)
def test_a_fit_that_stalls_says_so(params, advice, rng):
    """Weights of zero are a saddle: each unit's gradient is that of the others, zero."""
    X = rng.normal(size=(40, 2))
    y = X[:, 0] - X[:, 0].mean()
    start = {"coefs_init": [np.zeros((2, 3)), np.zeros((3, 1))]}
    model = BackpropRegressor(3, batch_size="full", max_iter=5, random_state=0, **params)
    with pytest.warns(ConvergenceWarning, match=f"stalled: the loss did not fall.*{advice}"):
        model.fit(X, y, **start)
    model.set_params(tol=None).fit(X, y, **start)


def test_a_fit_whose_epochs_exploded_says_so(rng, monkeypatch):
    monkeypatch.setattr(plan, "largest_curvature", lambda *_: 1e-6)
    X = rng.normal(size=(40, 2))
    model = BackpropRegressor(3, batch_size="full", max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"stalled.*undone: 1\. Raise max_iter"):
        model.fit(X, X[:, 0])


CHANGES = {
    "hidden_layer_sizes": (7, 7),
    "activation": "relu",
    "fit_intercept": False,
    "loss": "squared_error",
    "loss_reduction": "sum",
    "alpha": 10.0,
    "random_state": 1,
    "output_activation": "softplus",
}


@pytest.mark.parametrize(
    ("estimator", "name"),
    [(e, name) for e in ESTIMATORS for name in CHANGES if name in e().get_params()],
)
def test_changed_parameters_leave_predictions(estimator, name, rng):
    X = rng.normal(size=(40, 2))
    model = textbook(estimator).fit(X, target_of(estimator, X))
    before = output(model, X)
    model.set_params(**{name: CHANGES[name]})
    assert_array_equal(output(model, X), before)
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(output(copy, X), before)


# Representations

SHOWN = [
    BackpropClassifier(3, class_weight={0: 1.0, 1: 2.0}, max_iter=2),
    BackpropRegressor(np.array([3, 2]), loss="quantile", quantile=np.array([0.1, 0.9]), max_iter=2),
    HiddenActivations(BackpropRegressor(3, max_iter=2)),
]


@pytest.mark.parametrize("wrap", [lambda model: model, make_pipeline], ids=["alone", "Pipeline"])
@pytest.mark.parametrize("estimator", SHOWN)
def test_html(estimator, wrap, rng):
    X = rng.normal(size=(20, 2))
    model = wrap(clone(estimator))
    before = model._repr_html_()
    after = model.fit(X, (X[:, 0] > 0).astype(int))._repr_html_()
    for html in (before, after):
        assert type(estimator).__name__ in html
        assert "max_iter" in html


@pytest.mark.skipif(not hasattr(BaseEstimator, "_get_fitted_attr_html"), reason="new in 1.9")
@pytest.mark.parametrize("estimator", SHOWN)
def test_html_says_what_each_parameter_and_attribute_is(estimator, rng):
    X = rng.normal(size=(20, 2))
    y = (X[:, 0] > 0).astype(int)
    given = {} if isinstance(estimator, HiddenActivations) else {"X_val": X, "y_val": y}
    model = clone(estimator).fit(X, y, **given)
    html = model._repr_html_()
    names = [*model.get_params(deep=False)]
    names += [name for name in vars(model) if name.endswith("_") and name[0] != "_"]
    assert [name for name in names if f"{name}: " not in html] == []


class Anchors(HTMLParser):
    """Addresses of links, and names of what can be linked to."""

    def __init__(self, html):
        super().__init__()
        self.links, self.targets = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.targets.append(f"#{attrs.get('id')}")
        if tag == "a" and {"href", "target"} & attrs.keys():
            self.links.append(attrs.get("href"))


@pytest.mark.parametrize("estimator", SHOWN)
def test_html_has_no_link_to_nowhere(estimator, rng):
    X = rng.normal(size=(20, 2))
    models = [clone(estimator), make_pipeline(StandardScaler(), estimator)]
    models += [clone(model).fit(X, (X[:, 0] > 0).astype(int)) for model in models]
    for model in models:
        anchors = Anchors(model._repr_html_())
        web = [link for link in anchors.links if str(link).startswith("https://scikit-learn.org")]
        assert set(anchors.links) - set(web) <= set(anchors.targets)
        assert bool(web) == (type(model) is Pipeline)


def test_html_of_what_cannot_be_fitted():
    assert "None" in HiddenActivations(None)._repr_html_()
    with pytest.raises(TypeError, match=r"estimator must be .*; got None"):
        HiddenActivations(None).fit([[1.0]], [1.0])


def test_repr_has_what_differs_from_the_defaults():
    assert repr(BackpropClassifier()) == "BackpropClassifier()"
    model = BackpropRegressor(100, alpha="auto", tol=None, quantile=0.5)
    assert repr(model) == "BackpropRegressor(hidden_layer_sizes=100, tol=None)"
