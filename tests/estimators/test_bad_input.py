"""Every parameter and every input with a fault gives a clear ValueError or TypeError."""

import datetime
import re
import warnings
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import r2_score

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._core.activations import ACTIVATIONS
from skbackprop._estimators import check_data, labels

NAN, INF = float("nan"), float("inf")
ESTIMATORS = [BackpropClassifier, BackpropRegressor]
CLASSIFIER, REGRESSOR = ESTIMATORS

X = np.random.default_rng(0).normal(size=(6, 2))
TARGETS = {CLASSIFIER: np.array([0, 1, 0, 1, 0, 1]), REGRESSOR: X[:, 0] + 1.0}


def small(estimator, **params):
    return estimator(3, max_iter=2, random_state=0).set_params(**params)


class Fault(NamedTuple):
    accepted: str
    wrong_type: list
    out_of_range: list


ACTIVATION_NAMES = "'identity', 'sigmoid', 'softplus', 'tanh', 'relu'"
FLAG = Fault("True or False", ["yes", 1, None, NAN], [])
COUNT = Fault("an integer of at least 1", ["5", 2.0, True, None, NAN], [0, -3])
REGRESSION_LOSSES = Fault(
    "one of 'half_squared_error', 'squared_error', 'absolute_error', 'huber', 'quantile', "
    "'poisson'",
    [1, None, NAN],
    ["log_loss", "mse"],
)
OF_REGRESSOR = ("output_activation", "quantile", "huber_delta")

PARAMETERS = {
    "hidden_layer_sizes": Fault(
        "an integer of at least 1 or a sequence of such integers, one a hidden layer",
        ["10", 5.0, True, None, NAN, {3}, (3, 2.0), (3, NAN), [[3]], np.ones((1, 1), dtype=int)],
        [0, -3, (3, 0), [3, -1], np.array([0])],
    ),
    "n_hidden_layers": Fault("an integer of at least 0 or None", ["2", 2.0, True, NAN, (2,)], [-1]),
    "activation": Fault(ACTIVATION_NAMES, [1, None, NAN, np.tanh], ["wavelet", ""]),
    "output_activation": Fault(
        f"one of {ACTIVATION_NAMES}", [1, None, NAN, ["sigmoid"]], ["softmax"]
    ),
    "loss": REGRESSION_LOSSES,
    "quantile": Fault(
        "a number above 0 and below 1, or a sequence of such numbers that increase",
        ["0.5", None, True, 0.5j, {0.1, 0.9}, [0.1, None], [[0.1, 0.9]], (0.1, True)],
        [0, 1, 1.5, -0.1, NAN, INF, (), [0.1, 1.0], (0.9, 0.1), (0.5, 0.5), np.array([0.0, 0.5])],
    ),
    "huber_delta": Fault("a positive finite number", ["1", None, True, [1.0]], [0, -1.0, NAN, INF]),
    "loss_reduction": Fault("one of 'mean', 'sum'", [1, None, NAN], ["none"]),
    "conditioning": Fault("'standardize' or None", [1, True, NAN], ["whiten"]),
    "alpha": Fault(
        "a finite number of at least 0 or 'auto'", [None, True, 1j], ["0", -1e-3, NAN, INF]
    ),
    "feature_penalty": Fault(
        "a finite number of at least 0 or 'auto'", [None, True, 1j], ["0", -1e-3, NAN, INF]
    ),
    "fit_intercept": FLAG,
    "learning_rate": Fault(
        "a positive finite number or 'auto'",
        [None, False, [0.1], 1j],
        ["fast", 0, -0.1, NAN, INF, 10**400],
    ),
    "learning_rate_schedule": Fault(
        "one of 'constant', 'linear', 'invscaling', 'adaptive'", [1, None, NAN], ["cosine"]
    ),
    "batch_size": Fault(
        "an integer of at least 1, 'auto' or 'full'", [2.0, True, None, NAN], [0, -1, "half"]
    ),
    "max_iter": Fault("an integer of at least 1 or 'auto'", [2.0, True, None, NAN], ["5", 0, -3]),
    "shuffle": FLAG,
    "tol": Fault("a finite number of at least 0", ["0", True, 1j], [-1e-3, NAN, INF]),
    "n_iter_no_change": COUNT,
    "early_stopping": FLAG,
    "validation_fraction": Fault(
        "a number above 0 and below 1", ["0.1", None, True, [0.1], 1j], [0, 1, 1.5, -0.1, NAN, INF]
    ),
    "scoring": Fault(
        "scoring must be 'loss'", [None, 1, True, NAN, ["r2"], {"a": "r2"}], ["", "accurate"]
    ),
    "warm_start": FLAG,
    "random_state": Fault(
        "None, an integer from 0 to 2**32 - 1 or a numpy.random.RandomState",
        ["0", True, [None], np.random.default_rng(0)],
        [-1, 2**32, 0.5, NAN],
    ),
    "verbose": Fault("an integer of at least 0", ["1", 1.5, None, NAN], [-1]),
}
FAULTS = {
    REGRESSOR: PARAMETERS,
    CLASSIFIER: {name: fault for name, fault in PARAMETERS.items() if name not in OF_REGRESSOR}
    | {
        "loss": REGRESSION_LOSSES._replace(
            accepted="one of 'log_loss', 'half_squared_error', 'squared_error'",
            out_of_range=["hinge"],
        ),
        "class_weight": Fault(
            "None, 'balanced', a dict of class: weight or, for multilabel, a list of one a label",
            [1, 2.0, True, NAN, ("balanced",), [{0: 1.0}]],
            ["uniform", ""],
        ),
    },
}


def is_nan(value):
    return isinstance(value, float) and np.isnan(value)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_parameter_has_its_faults(estimator):
    assert set(FAULTS[estimator]) == set(estimator().get_params())
    for name, fault in FAULTS[estimator].items():
        assert any(map(is_nan, fault.wrong_type + fault.out_of_range)), name
        assert fault.wrong_type, name
        assert fault.out_of_range or fault is FLAG, name


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("estimator", "name", "value", "error"),
    [
        pytest.param(
            estimator,
            name,
            value,
            error,
            # Without the address of an object, which is another in each process.
            id=re.sub(" at 0x[0-9A-F]+", "", f"{estimator.__name__}-{name}-{value!r}"),
        )
        for estimator, faults in FAULTS.items()
        for name, fault in faults.items()
        for error, values in ((TypeError, fault.wrong_type), (ValueError, fault.out_of_range))
        for value in values
    ],
)
def test_parameter(estimator, name, value, error, method):
    model = small(estimator, **{name: value})
    known = {"classes": [0, 1]} if method == "partial_fit" and estimator is CLASSIFIER else {}
    with pytest.raises((TypeError, ValueError)) as raised:
        getattr(model, method)(X, TARGETS[estimator], **known)
    message = str(raised.value)
    assert raised.type is error
    assert message.startswith(f"{name}")
    assert FAULTS[estimator][name].accepted in message
    assert f"got {value!r}" in message
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_activation_of_one_layer(estimator):
    model = small(estimator, hidden_layer_sizes=(3, 2), activation=["tanh", "wavelet"])
    with pytest.raises(ValueError, match=r"activation\[1\] must be one of .*'tanh'.*'wavelet'"):
        model.fit(X, TARGETS[estimator])
    model.set_params(activation=["tanh", 1])
    with pytest.raises(TypeError, match=r"activation\[1\] must be one of .*'tanh'.*; got 1\."):
        model.fit(X, TARGETS[estimator])


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("activation", [("tanh",), ("tanh", "relu", "relu"), ()])
def test_activation_for_other_number_of_layers(estimator, activation):
    model = small(estimator, hidden_layer_sizes=(3, 2), activation=activation)
    with pytest.raises(ValueError, match=r"activation must be one name, or one a hidden") as raised:
        model.fit(X, TARGETS[estimator])
    assert "hidden_layer_sizes=(3, 2) has 2" in str(raised.value)
    assert f"got {activation!r}" in str(raised.value)


def with_value(array, value):
    changed = np.array(array, dtype=np.result_type(array, type(value)))
    changed.flat[2] = value
    return changed


def with_object(array, value):
    changed = array.astype(object)
    changed[2] = value
    return changed


STRINGS = [["red", 1.0]] * 6
OF_GAPS = "make_pipeline(SimpleImputer(add_indicator=True), Backprop"
INPUTS = {
    "NaN": (with_value(X, NAN), ["Input X contains NaN", OF_GAPS]),
    "None": (with_value(X.astype(object), None), ["Input X contains NaN", OF_GAPS]),
    "missing in a frame": (
        pd.DataFrame({"a": pd.array([1, 2, None, 4, 5, 6], dtype="Int64")}),
        ["Input X contains NaN", OF_GAPS],
    ),
    "NaN, sparse": (sparse.csr_array(with_value(X, NAN)), ["Input X contains NaN", OF_GAPS]),
    "infinity": (with_value(X, INF), ["Input X contains infinity"]),
    "infinity, sparse": (sparse.csr_array(with_value(X, INF)), ["Input X contains infinity"]),
    "strings": (STRINGS, ["X must be numeric", "'red'", "OneHotEncoder"]),
    "strings, object": (
        np.array(STRINGS, dtype=object),
        ["X must be numeric", "'red'", "OneHotEncoder"],
    ),
    "strings in a frame": (
        pd.DataFrame(STRINGS, columns=["colour", "size"]),
        ["X must be numeric", "'red'", "OneHotEncoder"],
    ),
    "complex": (X * 1j, ["Complex data not supported"]),
    "1-d": (X[:, 0], ["Expected 2D array", "got 1D array", "reshape(-1, 1)"]),
    "3-d": (X[:, :, np.newaxis], ["dim 3", "<= 2"]),
    "rows of several lengths": (
        [[1.0, 2.0]] * 5 + [[3.0]],
        ["X must have rows of one length", "inhomogeneous"],
    ),
    "no rows": (X[:0], ["0 sample(s)", "shape=(0, 2)", "minimum of 1"]),
    "no columns": (X[:, :0], ["0 feature(s)", "shape=(6, 0)", "minimum of 1"]),
}
UNFIT_FOR_PREDICT = {"no columns", "missing in a frame", "strings in a frame"}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_no_x(estimator):
    parts = ["X must be an array-like of shape (n_samples, n_features); got None."]
    y = TARGETS[estimator]
    assert_raises(parts, small(estimator).fit, None, y, error=TypeError)
    assert_raises(parts, small(estimator).fit(X, y).predict, None, error=TypeError)


def assert_raises(parts, call, *args, error=ValueError, **kwargs):
    with pytest.raises(error) as raised:
        call(*args, **kwargs)
    for part in parts:
        assert part in str(raised.value)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("fault", INPUTS)
def test_x_in_fit(estimator, fault):
    bad, parts = INPUTS[fault]
    n_rows = bad.shape[0] if hasattr(bad, "shape") else len(bad)
    y = TARGETS[estimator][:n_rows]
    assert_raises(parts, small(estimator).fit, bad, y)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize("fault", [fault for fault in INPUTS if fault not in UNFIT_FOR_PREDICT])
def test_x_in_predict(method, fault):
    bad, parts = INPUTS[fault]
    assert_raises(parts, getattr(small(CLASSIFIER).fit(X, TARGETS[CLASSIFIER]), method), bad)


DATES = np.array(["2020-01-01", "NaT", "2021-12-31"] * 2, dtype="datetime64[us]")
DURATIONS = DATES - np.datetime64("2020-01-01")
DATE_BY_NUMBER = {"date": DATES, "number": X[:, 0]}
PANDAS_DATES = pd.Series(DATES, name="date")
TIMES = {
    "array": (DATES.reshape(-1, 1), "datetime64[us]"),
    "list": ([[date] for date in DATES], "datetime64[us]"),
    "array of durations": (DURATIONS.reshape(-1, 1), "timedelta64[us]"),
    "pandas": (pd.DataFrame({"date": DATES}), "datetime64[us] in column 'date'"),
    "pandas, with a float": (pd.DataFrame(DATE_BY_NUMBER), "datetime64[us] in column 'date'"),
    "pandas, durations": (pd.DataFrame({1: DURATIONS}), "timedelta64[us] in column 1"),
    "pandas, with a zone": (
        PANDAS_DATES.dt.tz_localize("UTC").to_frame(),
        "datetime64[us, UTC] in column 'date'",
    ),
    "polars": (pl.DataFrame({"date": DATES}), "Datetime(time_unit='us', time_zone=None) in col"),
    "polars, with a float": (
        pl.DataFrame(DATE_BY_NUMBER),
        "Datetime(time_unit='us', time_zone=None) in col",
    ),
    "polars, durations": (pl.DataFrame({"d": DURATIONS}), "Duration(time_unit='us') in column 'd'"),
    "polars, days": (pl.DataFrame({"d": pl.Series(DATES).dt.date()}), "Date in column 'd'"),
    "Series of pandas": (PANDAS_DATES, "datetime64[us]."),
    "Series of polars": (pl.Series(DATES), "Datetime(time_unit='us', time_zone=None)."),
}


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_times_in_x(estimator, kind):
    """Their numbers would be of any unit, and a missing one the lowest of integers."""
    times, got = TIMES[kind]
    parts = [f"X must be numeric; got {got}", "Convert times to numbers, of days, say."]
    y = TARGETS[estimator]
    names = list(getattr(times, "columns", range(np.shape(times)[-1] if np.ndim(times) > 1 else 1)))
    model = small(estimator).fit(pd.DataFrame(X[:, : len(names)], columns=names), y)
    assert_raises(parts, model.predict, times, error=TypeError)
    assert_raises(parts, model.partial_fit, times, y, error=TypeError)
    assert_raises(parts, small(estimator).fit, times, y, error=TypeError)


DATE, DURATION, DAY = DATES[0], DURATIONS[2], datetime.date(2020, 1, 1)
ARROW_DATES = pa.array(DATES)


def with_one(value):
    return with_object(X[:, 0], value)


TIMES_ELSEWHERE = {
    "arrow": (pa.array(DATES), "datetime64[us]."),
    "arrow, in chunks": (pa.chunked_array([ARROW_DATES, ARROW_DATES])[:6], "datetime64[us]."),
    "arrow, days": (pa.array([DAY] * 6), "datetime64[D]."),
    "arrow, durations": (pa.array(DURATIONS), "timedelta64[us]."),
    "arrow, times of a day": (pa.array([datetime.time(1)] * 6), "time."),
    "arrow in pandas": (
        pd.Series(DATES).convert_dtypes(dtype_backend="pyarrow"),
        "timestamp[us][pyarrow].",
    ),
    "categories": (pd.Series(DATES, dtype="category"), "datetime64[us]."),
    "polars, objects": (pl.Series([DATE] * 6, dtype=pl.Object), "datetime64[us]."),
    "object": (with_one(DATE), "datetime64[us]."),
    "object, duration": (with_one(DURATION), "timedelta64[us]."),
    "object, NaT": (with_one(DATES[1]), "datetime64[us]."),
    "object, in pandas": (pd.Series(with_one(DATE)), "datetime64[us]."),
    "list": (with_one(DATE).tolist(), "datetime64[us]."),
    "list, duration": ([1, DURATION] * 3, "timedelta64[us]."),
    "list, arrays": ([np.array(1.0), np.array(DURATION)] * 3, "timedelta64[us]."),
    "date": (with_one(DAY), "date."),
    "timedelta": (with_one(datetime.timedelta(1)), "timedelta."),
    "Timestamp": (with_one(pd.Timestamp(DATE)), "Timestamp."),
    "Timedelta": (with_one(pd.Timedelta(1)), "Timedelta."),
    "Period": (with_one(pd.Period("2020-01")), "Period."),
}


@pytest.mark.parametrize("kind", TIMES_ELSEWHERE)
def test_times_of_every_kind(kind):
    """In X, y and weights: one of them among numbers passes as a number otherwise."""
    times, got = TIMES_ELSEWHERE[kind]
    y, model, initial = X[:, 0], small(REGRESSOR).fit(X, X[:, 0]), [np.ones((2, 3)), times]
    refused = {"error": TypeError}
    for given in (
        {"X": X, "y": times},
        {"X": X, "y": y, "sample_weight": times},
        {"X": X, "y": y, "X_val": X, "y_val": times},
        {"X": X, "y": y, "X_val": X, "y_val": y, "sample_weight_val": times},
        {"X": X, "y": y, "coefs_init": initial},
    ):
        assert_raises(["must be numeric; got " + got], small(REGRESSOR).fit, **refused, **given)
    frame = with_time_in_rows(times)
    for call in (model.predict, lambda X: small(CLASSIFIER).fit(X, [0, 1] * 3)):
        assert_raises(["X must be numeric; got " + got[:-1]], call, frame, **refused)
    named = isinstance(frame, pd.DataFrame | pl.DataFrame)
    given = pd.DataFrame(X, columns=["number", "time"]) if named else X
    assert_raises(["X must be num"], model.fit, given, y, X_val=frame, y_val=y, **refused)


def with_time_in_rows(times):
    """A table or rows of numbers and times, as the times are given."""
    if isinstance(times, pa.Array | pa.ChunkedArray):
        return pa.table({"number": X[:, 0], "time": times})
    if isinstance(times, pd.Series):
        return pd.DataFrame({"number": X[:, 0], "time": times})
    if isinstance(times, pl.Series):
        return pl.DataFrame({"number": X[:, 0], "time": times})
    if isinstance(times, list):
        return [[1.0, time] for time in times]
    return np.column_stack([X[:, 0].astype(object), times])


def test_times_in_some_rows_only():
    # Older versions of pandas know no other unit than ns.
    for rows in (
        [[1.0, 2.0]] * 5 + [[1.0, DURATION]],
        [np.ones(2)] * 5 + [np.array([DURATION, DURATION])],
        [np.ones(2)] * 5 + [np.array([1.0, DURATION], dtype=object)],
        [pd.Series([1.0, 2.0])] * 5 + [pd.Series([DURATION, DURATION])],
    ):
        parts = ["X must be numeric; got timedelta64["]
        assert_raises(parts, small(REGRESSOR).fit, rows, X[:, 0], error=TypeError)


def test_what_holds_no_times_is_fitted():
    """Whatever else is checked, numbers among objects and in tables are numbers."""
    expected = small(REGRESSOR).fit(X, X[:, 0]).predict(X)
    table = {"a": X[:, 0], "b": X[:, 1]}
    for rows in (
        X.astype(object),
        X.tolist(),
        list(X),
        [tuple(row) for row in X.astype(object)],
        np.ma.masked_array(X),
        np.array([[Decimal(value) for value in row] for row in X], dtype=object),
        pd.DataFrame(table).astype(object),
        pl.DataFrame(table),
        pa.table(table),
    ):
        assert_allclose(small(REGRESSOR).fit(rows, X[:, 0]).predict(rows), expected)
    dtypes = pd.DataFrame(X, columns=["dtypes", "column_names"])
    small(REGRESSOR).fit(dtypes, pd.Series([Fraction(1, 3), *X[1:, 0]], dtype=object))


NOT_NUMBERS = {
    "NA": (ValueError, with_one(pd.NA), "must have no missing values; got NA. Make them NaN"),
    "NaT": (ValueError, with_one(pd.NaT), "must have no missing values; got NaT. Make them NaN"),
    "NA in a list": (ValueError, with_one(pd.NA).tolist(), "must have no missing values; got NA."),
    "complex": (TypeError, with_one(1j), "must be of real numbers"),
    "beyond float64": (ValueError, with_one(10**400), "must be within the range of float64"),
    "records": (TypeError, np.ones(6, dtype=[("a", float)]), "Convert records"),
    "iterator": (TypeError, iter(X[:, 0]), "must be an array in memory; got a"),
    "lazy": (TypeError, pl.LazyFrame(X), "must be an array in memory; got a LazyFrame."),
    "masked": (ValueError, np.ma.masked_less(X[:, 0], 0.0), "must have no masked values; got 3"),
    "masked in a list": (
        ValueError,
        [*X[:4, 0], np.ma.masked, np.ma.masked],
        "must have no masked values; got 2",
    ),
}


@pytest.mark.parametrize("kind", NOT_NUMBERS)
def test_what_is_no_number(kind):
    error, values, part = NOT_NUMBERS[kind]
    y = X[:, 0]
    model = small(REGRESSOR)
    rows = values
    if kind not in ("iterator", "lazy"):
        rows = values.reshape(6, 1) if hasattr(values, "reshape") else [[v] for v in values]
    if kind != "masked in a list":
        assert_raises([f"X {part}" if kind != "records" else part], model.fit, rows, y, error=error)
    for given in (
        {"y": values},
        {"y": y, "sample_weight": values},
        {"y": y, "X_val": X, "y_val": values},
    ):
        assert_raises([part], model.fit, X, error=error, **given)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.given_numbers
def test_masked_values(estimator):
    """What is under a mask is no value; a mask of nothing is none."""
    y, mask = TARGETS[estimator], np.arange(6) == 2
    expected = small(estimator).fit(X, y).predict(X)
    rows = np.ma.masked_array(X, mask=np.column_stack([mask, mask]))
    target, weight = np.ma.masked_array(y, mask=mask), np.ma.masked_array(ONES, mask=mask)
    model = small(estimator, early_stopping=True)
    for given in (
        {"X": rows},
        {"X": list(rows)},
        {"y": target},
        {"sample_weight": weight},
        {"X_val": rows, "y_val": y},
        {"X_val": X, "y_val": target},
        {"groups": weight},
    ):
        parts = ["must have no masked values; got ", "Replace them, by filled()"]
        assert_raises(parts, model.fit, **({"X": X, "y": y} | given))
    assert_raises(["X must have no masked values; got 2"], small(estimator).fit(X, y).predict, rows)
    rows.mask, target.mask, weight.mask = False, False, False
    model = small(estimator).fit(rows, target, weight, X_val=rows, y_val=target)
    assert_array_equal(small(estimator).fit(rows, target, weight).predict(rows), expected)


def test_strings_of_numpy_as_labels():
    if not hasattr(np.dtypes, "StringDType"):
        pytest.skip("numpy 2 has StringDType")
    y = TARGETS[CLASSIFIER].astype(np.dtypes.StringDType())
    parts = ["y must be of another dtype than StringDType(), such as astype(str)."]
    assert_raises(parts, small(CLASSIFIER).fit, X, y, error=TypeError)


@pytest.mark.parametrize("conditioning", ["standardize", None])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_values_that_are_not_finite_under_assume_finite(estimator, conditioning):
    y = TARGETS[estimator]
    model = small(estimator, conditioning=conditioning)
    fitted = small(estimator).fit(X, y)
    stream = small(estimator, warm_start=True).fit(X, y)
    with sklearn.config_context(assume_finite=True):
        for value in (NAN, INF):
            for rows in (with_value(X, value), sparse.csr_array(with_value(X, value))):
                parts = [f"X must be finite, under assume_finite=True too; got {value}. Impute"]
                for call in (model.fit, stream.fit, stream.partial_fit):
                    assert_raises(parts, call, rows, y)
                assert_raises(parts, model.fit, X, y, X_val=rows, y_val=y)
                if value is NAN:
                    assert_raises(["row 1 has nan. Either it has missing"], fitted.predict, rows)
            given = {"sample_weight": with_value(ONES, value)}
            if estimator is REGRESSOR:
                given |= {"y": with_value(y, value)}
            for name, values in given.items():
                parts = [f"{name} must be finite, under assume_finite=True too; got {value}."]
                assert_raises(parts, model.fit, **({"X": X, "y": y} | {name: values}))


@pytest.mark.parametrize("estimator", ["DaskBackpropClassifier", "DaskBackpropRegressor"])
def test_times_in_dask_collections(estimator):
    pytest.importorskip("distributed")
    import dask.array

    import skbackprop.dask

    model = getattr(skbackprop.dask, estimator)()
    blocks = dask.array.from_array(DATES.reshape(-1, 1), chunks=(3, 1))
    parts = ["X must be numeric; got datetime64[us]"]
    assert_raises(parts, model.fit, blocks, ONES, error=TypeError)
    # It needs pyarrow.
    pytest.importorskip("dask.dataframe")
    frame = dask.dataframe.from_pandas(pd.DataFrame(DATE_BY_NUMBER), npartitions=2)
    assert_raises([*parts, "in column 'date'"], model.fit, frame, ONES, error=TypeError)
    # What objects are is known of blocks alone.
    from skbackprop.dask._blocks import _check_block

    block = with_one(DATE).reshape(-1, 1)
    assert_raises(parts, _check_block, block, 1, np.float64, error=TypeError)


@pytest.mark.parametrize("value", [pd.Interval(0, 1), CLASSIFIER], ids=["Interval", "type"])
def test_objects_in_x_that_are_no_numbers(value):
    given = X.astype(object)
    given[2, 1] = value
    parts = ["X must be numeric", type(value).__name__, "OneHotEncoder", "dates as numbers"]
    assert_raises(parts, small(REGRESSOR).fit, given, X[:, 0], error=TypeError)


FEW = X[:3]
FAST_OR_CHECKED = {
    "float64": FEW,
    "float32": FEW.astype(np.float32),
    "float16": FEW.astype(np.float16),
    "longdouble": FEW.astype(np.longdouble),
    "other byte order": FEW.astype(FEW.dtype.newbyteorder()),
    "integers": (10 * FEW).astype(int),
    "bools": FEW > 0,
    "objects": FEW.astype(object),
    "Fortran order": np.asfortranarray(FEW),
    "strides": X[::2, ::-1],
    "read-only": np.frombuffer(FEW.tobytes()).reshape(3, 2),
    "matrix": FEW.view(type("Sub", (np.ndarray,), {})),
    "masked": np.ma.masked_array(FEW),
    "list": FEW.tolist(),
    "frame": pd.DataFrame(FEW, columns=["a", "b"]),
    "sparse": sparse.csr_array(FEW),
    "no rows": FEW[:0],
    "no columns": FEW[:, :0],
    "too wide": np.hstack([FEW, FEW]),
    "1-d": FEW[0],
    "3-d": FEW[np.newaxis],
    "scalar": np.float64(1.0),
    "NaN": with_value(FEW, NAN),
    "NaN, float32": with_value(FEW, NAN).astype(np.float32),
    "infinity": with_value(FEW, -INF),
    "overflows float32": with_value(FEW, 1e300),
    "complex": FEW * 1j,
    "dates": DATES.reshape(3, 2),
    "None": None,
}


def outcome(call, *args):
    """What a call returns and warns of, or its error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = call(*args)
        except (TypeError, ValueError) as error:
            value = type(error), str(error)
    return value, [str(warning.message) for warning in caught]


@pytest.mark.parametrize("names", [False, True], ids=["no names", "names"])
@pytest.mark.parametrize("kind", FAST_OR_CHECKED)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_what_is_not_checked_in_predict_is_as_if_it_were(estimator, kind, names, monkeypatch):
    given = FAST_OR_CHECKED[kind]
    model = small(estimator).fit(pd.DataFrame(X, columns=["a", "b"]) if names else X,
                                 TARGETS[estimator])  # fmt: skip
    y_pred, warned = outcome(model.predict, given)
    monkeypatch.setattr(check_data, "_is_plain", lambda *_: False)
    expected, expected_warnings = outcome(model.predict, given)
    assert type(y_pred) is type(expected)
    assert_array_equal(y_pred, expected)
    assert getattr(y_pred, "dtype", None) == getattr(expected, "dtype", None)
    assert warned == expected_warnings


@pytest.mark.parametrize("kind", FAST_OR_CHECKED)
def test_what_is_not_checked_in_fit_is_as_if_it_were(kind, monkeypatch):
    def fit():
        model = small(REGRESSOR).fit(FAST_OR_CHECKED[kind], TARGETS[REGRESSOR][:3])
        return [*model.coefs_, *model.intercepts_, model.n_features_in_]

    unchecked, warned = outcome(fit)
    monkeypatch.setattr(check_data, "_is_plain", lambda *_: False)
    expected, expected_warnings = outcome(fit)
    assert warned == expected_warnings
    for part, expected_part in zip(unchecked, expected, strict=True):
        assert_array_equal(part, expected_part)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_plain_input_is_fitted_without_check_array(dtype, monkeypatch):
    def checked(*args, **kwargs):
        raise AssertionError("check_array was called")

    monkeypatch.setattr("sklearn.utils.validation.check_array", checked)
    monkeypatch.setattr(labels, "check_array", checked)
    y = TARGETS[CLASSIFIER]
    model = small(CLASSIFIER)
    model.feature_names_in_ = np.array(["a", "b"], dtype=object)
    for target in (y, y.astype(np.uint8), y.astype(bool)):
        model.fit(X.astype(dtype), target)
        assert model.n_features_in_ == 2
        assert not hasattr(model, "feature_names_in_")
        assert model.classes_.dtype == target.dtype
    for arguments in ((X.tolist(), y), (X, y.tolist())):
        with pytest.raises(AssertionError, match="check_array was called"):
            model.fit(*arguments)


def test_one_row_is_predicted_without_checks(monkeypatch):
    def checked(*args, **kwargs):
        raise AssertionError("validate_data was called")

    model = small(REGRESSOR).fit(X, TARGETS[REGRESSOR])
    y_pred = model.predict(X)
    monkeypatch.setattr(check_data, "validate_data", checked)
    for rows in (X, X.astype(np.float32), np.asfortranarray(X)):
        assert_allclose(model.predict(rows), y_pred, rtol=1e-5)
    with pytest.raises(AssertionError, match="validate_data was called"):
        model.predict(X.tolist())


def test_unchecked_input_is_not_written_to():
    for estimator in ESTIMATORS:
        model = small(estimator).fit(X, TARGETS[estimator])
        for dtype in (np.float32, np.float64):
            rows = X.astype(dtype)
            rows.flags.writeable = False
            assert_array_equal(model.predict(rows), model.predict(rows.copy()))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_other_features_than_fitted(estimator):
    y = TARGETS[estimator]
    model = small(estimator).fit(X, y)
    parts = ["X has 1 features", "is expecting 2 features"]
    assert_raises(parts, model.predict, X[:, :1])
    assert_raises(parts, model.partial_fit, X[:, :1], y)
    model.fit(pd.DataFrame(X, columns=["a", "b"]), y)
    parts = ["feature names should match", "- c", "- b"]
    assert_raises(parts, model.predict, pd.DataFrame(X, columns=["a", "c"]))


Y_OF_BOTH = {
    "None": (None, ["requires y to be passed", "y is None"]),
    "too short": (
        np.array([0, 1, 0, 1, 0]),
        ["X and y must have the same number of rows; got 6 and 5."],
    ),
    "infinity": (with_value(np.arange(6.0) % 2, INF), ["Input y contains infinity"]),
    "complex": (np.arange(6) % 2 * 1j, ["Complex data not supported"]),
    "3-d": (np.zeros((6, 2, 2)), ["dim 3", "<= 2"]),
}
Y_OF_ONE = {
    "continuous": (CLASSIFIER, np.arange(6) + 0.5, ["y must be class labels", "got continuous"]),
    "several classes a row": (
        CLASSIFIER,
        np.array([[0, 1, 2]] * 6),
        ["y must be class labels", "got multiclass-multioutput"],
    ),
    "NaN": (
        REGRESSOR,
        with_value(X[:, 0], NAN),
        ["Input y contains NaN. y must be of finite numbers."],
    ),
    "strings": (
        REGRESSOR,
        np.array(["no", "yes"] * 3),
        ["y must be numeric", "'no'", "For class labels use BackpropClassifier."],
    ),
    "outside float32": (
        REGRESSOR,
        np.full(6, 1e300),
        ["y must be within the range of float32", "1e+300", "Scale y"],
    ),
}


@pytest.mark.parametrize(
    ("estimator", "y", "parts"),
    [
        pytest.param(estimator, *case, id=f"{estimator.__name__}-{fault}")
        for estimator in ESTIMATORS
        for fault, case in Y_OF_BOTH.items()
    ]
    + [pytest.param(*case, id=fault) for fault, case in Y_OF_ONE.items()],
)
def test_y(estimator, y, parts):
    assert_raises(parts, small(estimator).fit, X.astype(np.float32), y)


LABELS = np.array(["red", "blue", "red", "blue", "red", "blue"], dtype=object)
NO_LABELS = {
    "None": (with_object(LABELS, None), "None"),
    "None in a list": (with_object(LABELS, None).tolist(), "None"),
    "None among integers": (with_object(LABELS == "red", None), "None"),
    "NaN": (with_object(LABELS, NAN), "nan"),
    "NaN among floats": (with_value(np.arange(6.0) % 2, NAN), "nan"),
    "NaN, multilabel": (with_value(np.eye(6), NAN), "nan"),
    "NA": (with_object(LABELS, pd.NA), "<NA>"),
    "NA in a Series": (pd.Series(with_object(LABELS, pd.NA), dtype="string"), "<NA>"),
    "NA in integers": (pd.Series([0, 1, None, 1, 0, 1], dtype="Int64"), "nan"),
    "NA in a category": (pd.Series(with_object(LABELS, None), dtype="category"), "nan"),
    "null of polars": (pl.Series(with_object(LABELS, None).tolist()), "None"),
    "NaT": (with_object(LABELS, pd.NaT), "NaT"),
    "NaT among dates": (pd.Series(with_value(np.sort(DATES), np.datetime64("NaT"))), "NaT"),
    "outside the intervals": (pd.cut(pd.Series([1, 3, 9, 1, 3, 3]), [0, 2, 4]), "nan"),
}


@pytest.mark.parametrize("kind", NO_LABELS)
def test_missing_labels(kind):
    y, missing = NO_LABELS[kind]
    n = np.size(y)
    parts = [f"y must have no missing labels; got {missing}, ", f"of {n}.", "Leave out"]
    model = small(CLASSIFIER)
    assert_raises(parts, model.fit, X, y)
    assert_raises(["X_val and y_val", *parts], model.fit, X, LABELS.astype(str), X_val=X, y_val=y)
    if kind != "NaN, multilabel":
        parts[0] = parts[0].replace("y", "classes", 1)
        assert_raises(parts, model.partial_fit, X, LABELS.astype(str), classes=y)


@pytest.mark.parametrize("convert", [np.asarray, lambda y: y.astype(float)])
def test_sparse_labels_of_one_dimension(convert):
    y = sparse.coo_array(convert(np.arange(6) % 2))
    if y.ndim != 1:
        pytest.skip("An older SciPy has no sparse arrays of one dimension")
    accepted = r"y must be dense, or a sparse matrix of shape \(n_samples, n_labels\); got a sparse"
    with pytest.raises(TypeError, match=accepted):
        small(CLASSIFIER).fit(X, y)


def test_classes_of_several_lengths():
    parts = ["classes must have rows of one length", "inhomogeneous"]
    assert_raises(parts, small(CLASSIFIER).partial_fit, X, LABELS, classes=[[0, 1], [2]])


OTHER_LABELS = {
    "intervals": (pd.cut(pd.Series([1, 3] * 3), [0, 2, 4]), ["Unknown label type", "Interval."]),
    "periods": (
        pd.Series(pd.period_range("2020", periods=2).repeat(3)),
        ["Unknown label type", "Period."],
    ),
    "beyond int64": (2**70 * TARGETS[CLASSIFIER].astype(object), ["Unknown label type", "int."]),
    "strings and integers": (with_object(LABELS, 1), ["y must have labels of one", "int, str."]),
}


@pytest.mark.parametrize("kind", OTHER_LABELS)
def test_labels_that_are_no_classes(kind):
    y, parts = OTHER_LABELS[kind]
    parts = [*parts, "got labels of type ", "Convert them, for instance by astype(str)."]
    model, both = small(CLASSIFIER), (TypeError, ValueError)
    assert_raises(parts, model.fit, X, y, error=both)
    assert_raises(parts, model.fit, X, LABELS.astype(str), X_val=X, y_val=y, error=both)
    assert model.fit(X, np.asarray(y).astype(str)).classes_.dtype.kind == "U"


BOOLS = TARGETS[CLASSIFIER] > 0
OBJECTS = {
    "integers": (TARGETS[CLASSIFIER].astype(object), "int"),
    "integers and bools": (with_object(TARGETS[CLASSIFIER], False), "int"),
    "bools": (BOOLS.astype(object), "bool"),
    "bools of numpy": (np.array([*BOOLS, None], dtype=object)[:-1], "bool"),
    "bools in pandas": (pd.Series(BOOLS, dtype=object), "bool"),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_numbers_among_objects_as_labels_are_told_their_type(kind):
    """Scikit-learn's scores refuse them, too."""
    y, target = OBJECTS[kind]
    parts = ["Unknown label type", "got labels of type ", f"for instance by astype({target})."]
    assert_raises(parts, small(CLASSIFIER).fit, X, y)
    assert small(CLASSIFIER).fit(X, y.astype(target)).classes_.dtype == target
    small(REGRESSOR).fit(X, y)


AS_BOOLS = {
    "pandas": pd.Series(BOOLS, dtype="boolean"),
    "arrow in pandas": pd.Series(BOOLS).convert_dtypes(dtype_backend="pyarrow"),
    "arrow": pa.array(BOOLS),
    "polars": pl.Series(BOOLS),
}


@pytest.mark.parametrize("kind", AS_BOOLS)
def test_bools_as_labels(kind):
    y = AS_BOOLS[kind]
    expected = small(CLASSIFIER).fit(X, BOOLS)
    for model in (
        small(CLASSIFIER).fit(X, y, X_val=X, y_val=y),
        small(CLASSIFIER, class_weight={False: 1.0, True: 1.0}).fit(X, y),
        small(CLASSIFIER).partial_fit(X, y, classes=y).fit(X, y),
    ):
        assert model.classes_.dtype == bool
        assert_array_equal(model.predict(X), expected.predict(X))
    assert model.score(X, y) == model.score(X, BOOLS)
    small(REGRESSOR).fit(X, y)


def test_arrays_as_labels():
    parts = ["Unknown label type: y must be", "got labels of type ndarray."]
    assert_raises(parts, small(CLASSIFIER).fit, X, pd.Series(list(np.eye(6))))


def test_classes_that_do_not_sort():
    parts = ["classes must be an array-like of all labels, of shape (n_classes,); got 2."]
    assert_raises(parts, small(CLASSIFIER).partial_fit, X, [0, 1] * 3, classes=2, error=TypeError)
    parts = ["classes must have labels of one type", "got labels of type int, str. Convert them"]
    call = small(CLASSIFIER).partial_fit
    assert_raises(
        parts, call, X, LABELS.astype(str), classes=with_object(LABELS, 1), error=TypeError
    )


def test_sparse_y_of_the_regressor():
    parts = ["y must be dense", "got a sparse matrix", "toarray"]
    assert_raises(parts, small(REGRESSOR).fit, X, sparse.csr_array(X), error=TypeError)


ONES = np.ones(6)
WEIGHTS = {
    "negative": (with_value(ONES, -0.5), ["sample_weight must not be negative", "-0.5", "row 2"]),
    "negative number": (-1.0, ["sample_weight must not be negative", "-1.0"]),
    "all zero": (0 * ONES, ["sample_weight must have at least one weight that is not zero"]),
    "NaN": (with_value(ONES, NAN), ["sample_weight contains NaN"]),
    "NaN for all": (NAN, ["sample_weight contains NaN"]),
    "infinity": (with_value(ONES, INF), ["sample_weight contains infinity"]),
    "too short": (ONES[:5], ["sample_weight must have shape (6,)", "got shape (5,)"]),
    "2-d": (ONES.reshape(6, 1), ["sample_weight must have shape (6,)", "got shape (6, 1)"]),
    "complex": (ONES * 1j, ["Complex data not supported"]),
}


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("fault", WEIGHTS)
@pytest.mark.given_numbers
def test_sample_weight(estimator, fault):
    sample_weight, parts = WEIGHTS[fault]
    y = TARGETS[estimator]
    assert_raises(parts, small(estimator).fit, X, y, sample_weight)
    assert_raises(parts, small(estimator).fit(X, y).partial_fit, X, y, sample_weight=sample_weight)


COEFS = [np.ones((2, 3)), np.ones((3, 1))]
INTERCEPTS = [np.ones(3), np.ones(1)]
INITIAL = {
    "coefs_init, one too few": (
        {"coefs_init": COEFS[:1]},
        ["coefs_init must be a sequence of 2 arrays", "got list of length 1."],
    ),
    "coefs_init, shape of layer 0": (
        {"coefs_init": [COEFS[0].T, COEFS[1]]},
        ["coefs_init[0] must have shape (2, 3)", "got shape (3, 2)"],
    ),
    "coefs_init, shape of layer 1": (
        {"coefs_init": [COEFS[0], np.ones(3)]},
        ["coefs_init[1] must have shape (3, 1)", "got shape (3,)"],
    ),
    "coefs_init, NaN": (
        {"coefs_init": [COEFS[0], with_value(COEFS[1], NAN)]},
        ["coefs_init[1] contains NaN"],
    ),
    "coefs_init, infinity": (
        {"coefs_init": [with_value(COEFS[0], INF), COEFS[1]]},
        ["coefs_init[0] contains infinity"],
    ),
    "intercepts_init, one too many": (
        {"intercepts_init": [*INTERCEPTS, np.ones(1)]},
        ["intercepts_init must be a sequence of 2 arrays", "got list of length 3."],
    ),
    "intercepts_init, shape of layer 0": (
        {"intercepts_init": [np.ones(2), INTERCEPTS[1]]},
        ["intercepts_init[0] must have shape (3,)", "got shape (2,)"],
    ),
    "intercepts_init, NaN": (
        {"intercepts_init": [INTERCEPTS[0], np.array([NAN])]},
        ["intercepts_init[1] contains NaN"],
    ),
}


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("fault", INITIAL)
def test_initial_weights(estimator, fault):
    given, parts = INITIAL[fault]
    assert_raises(parts, small(estimator).fit, X, TARGETS[estimator], **given)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_initial_intercepts_without_intercepts(estimator):
    model = small(estimator, fit_intercept=False)
    parts = ["intercepts_init must be None or zero with fit_intercept=False", "got [array("]
    assert_raises(parts, model.fit, X, TARGETS[estimator], intercepts_init=INTERCEPTS)
    model.fit(X, TARGETS[estimator], intercepts_init=[0 * b for b in INTERCEPTS])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_initial_weights_that_are_no_sequence(estimator):
    parts = ["coefs_init must be a sequence of 2 arrays", "got 3.0"]
    assert_raises(
        parts, small(estimator).fit, X, TARGETS[estimator], error=TypeError, coefs_init=3.0
    )


LETTERS = np.array(list("abcabc"))
NAMED = {
    "y of strings": (REGRESSOR, {"y": LETTERS}, ["y must be numeric", "'a'"]),
    "y of strings, object": (
        REGRESSOR,
        {"y": LETTERS.astype(object)},
        ["y must be numeric", "'a'"],
    ),
    "y with None": (REGRESSOR, {"y": np.array([None, 1, 2, 3, 4, 5])}, ["y contains NaN"]),
    "y of strings and numbers": (
        CLASSIFIER,
        {"y": np.array(["a", 1] * 3, dtype=object)},
        ["y must"],
    ),
    "y of dates, polars": (REGRESSOR, {"y": pl.Series(DATES)}, ["y must be numeric; got Datetime"]),
    "y of dates, a frame": (
        REGRESSOR,
        {"y": PANDAS_DATES.to_frame()},
        ["y must be numeric; got datetime64[us] in column 'date'. Convert"],
    ),
    "sample_weight of durations": (
        REGRESSOR,
        {"sample_weight": np.abs(DURATIONS)},
        ["sample_weight must be numeric; got timedelta64[us]"],
    ),
    "sample_weight of strings": (REGRESSOR, {"sample_weight": LETTERS}, ["sample_weight", "'a'"]),
    "coefs_init of strings": (
        REGRESSOR,
        {"coefs_init": [COEFS[0], [["a"]] * 3]},
        ["coefs_init[1]", "'a'"],
    ),
    "coefs_init outside float32": (
        REGRESSOR,
        {"X": X.astype(np.float32), "coefs_init": [COEFS[0], COEFS[1] * 1e300]},
        ["coefs_init[1]", "float32"],
    ),
}


@pytest.mark.parametrize(("estimator", "given", "parts"), NAMED.values(), ids=NAMED)
def test_converted_input_is_named(estimator, given, parts):
    given = {"X": X, "y": TARGETS[estimator]} | given
    assert_raises(parts, small(estimator).fit, error=(TypeError, ValueError), **given)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_predict_before_fit(estimator):
    assert_raises(
        [f"This {estimator.__name__} instance is not fitted", "Call 'fit'"],
        small(estimator).predict,
        X,
        error=NotFittedError,
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_refused_fit_leaves_the_fitted_model_as_it_was(estimator):
    y = TARGETS[estimator]
    model = small(estimator).fit(X, y)
    y_pred = model.predict(X)
    for bad in ({"sample_weight": -ONES}, {"coefs_init": COEFS[:1]}):
        with pytest.raises(ValueError, match=r"sample_weight|coefs_init"):
            model.fit(X, y, **bad)
    with pytest.raises(ValueError, match="alpha"):
        model.set_params(alpha=-1).fit(X, y)
    with pytest.raises(ValueError, match="X and y must have the same number of rows"):
        model.set_params(alpha=0).fit(X[:, :1], y[:3])
    assert_array_equal(model.predict(X), y_pred)


def test_poisson_refuses_negative_targets():
    model = small(REGRESSOR, loss="poisson")
    with pytest.raises(ValueError, match=r"y must not be negative under loss='poisson'; got -2\."):
        model.fit(X, [0, 1, -2, 3, 4, 5])
    assert_array_equal(model.fit(X, [0, 1, 2, 3, 4, 5]).predict(X) > 0, True)


def test_poisson_refuses_an_output_activation():
    model = small(REGRESSOR, loss="poisson", output_activation="softplus")
    with pytest.raises(ValueError, match=r"output_activation must be 'identity' .* got 'softplus'"):
        model.fit(X, np.arange(6))


def test_several_quantiles_refuse_several_targets():
    model = small(REGRESSOR, loss="quantile", quantile=(0.1, 0.9))
    with pytest.raises(
        ValueError, match=r"y must have one column .*got 2 columns .*\(0\.1, 0\.9\)"
    ):
        model.fit(X, X)
    assert model.fit(X, X[:, :1]).predict(X).shape == (6, 2)


def test_another_number_of_quantiles_needs_a_new_start():
    model = small(REGRESSOR, loss="quantile", quantile=(0.1, 0.9), warm_start=True)
    model.fit(X, TARGETS[REGRESSOR]).set_params(quantile=(0.1, 0.5, 0.9))
    with pytest.raises(
        ValueError, match=r"y must have 2 outputs, as fitted; got 3, one a quantile"
    ):
        model.fit(X, TARGETS[REGRESSOR])


@pytest.mark.parametrize(
    ("estimator", "params", "here"),
    [
        (REGRESSOR, {"activation": "logistic"}, "sigmoid"),
        (REGRESSOR, {"activation": ["logistic"]}, "sigmoid"),
        (CLASSIFIER, {"activation": ("logistic",)}, "sigmoid"),
        (REGRESSOR, {"output_activation": "logistic"}, "sigmoid"),
        (REGRESSOR, {"loss": "mse"}, "squared_error"),
        (CLASSIFIER, {"loss": "mse"}, "squared_error"),
        (REGRESSOR, {"loss": "l2"}, "squared_error"),
        (REGRESSOR, {"loss": "mae"}, "absolute_error"),
        (CLASSIFIER, {"loss": "mae"}, None),
        (REGRESSOR, {"loss": "l1"}, "absolute_error"),
        (REGRESSOR, {"loss": "pinball"}, "quantile"),
        (CLASSIFIER, {"loss": "cross_entropy"}, "log_loss"),
        (CLASSIFIER, {"loss": "deviance"}, "log_loss"),
        (REGRESSOR, {"loss": "deviance"}, None),
    ],
    ids=str,
)
def test_names_elsewhere_are_told(estimator, params, here):
    (value,) = np.ravel(list(params.values()))
    with pytest.raises(ValueError, match=f"; got '{value}'\\.") as raised:
        small(estimator, **params).fit(X, TARGETS[estimator])
    assert str(raised.value).partition("'. ")[2] == (f"Here that is {here!r}." if here else "")


def test_a_schedule_for_a_learning_rate_is_told_its_parameter():
    accepted = "learning_rate must be .*; got 'adaptive'.*learning_rate_schedule='adaptive'"
    with pytest.raises(ValueError, match=accepted):
        BackpropRegressor(learning_rate="adaptive").fit([[0.0], [1.0]], [0.0, 1.0])


OUT_OF_REACH = {
    "sigmoid": (np.linspace(25, 346, 6), "from 0 to 1 .* y has values from 25 to 346"),
    "tanh": (np.array([-3.0, 3, -3, 3, -3, 3]), "from -1 to 1 .* R² is 0.556 at best"),
    "relu": (-1.0 - np.arange(6), "from 0 to inf .* values from -6 to -1, .* R² is -4.2 at best"),
    "softplus": (-np.ones(6), "from 0 to inf .* values from -1 to -1, .* R² is 0 at best"),
}


@pytest.mark.parametrize("output_activation", OUT_OF_REACH)
def test_targets_that_no_prediction_comes_near_are_told(output_activation):
    y, told = OUT_OF_REACH[output_activation]
    model = small(REGRESSOR, output_activation=output_activation)
    within = ACTIVATIONS[output_activation]
    nearest = np.clip(y, within.low, within.high)
    for fit in (model.fit, small(REGRESSOR, **model.get_params()).partial_fit):
        with pytest.warns(ConvergenceWarning, match=told) as warned:
            fit(X, y)
        assert warned[0].filename == __file__
        assert f"output_activation='{output_activation}'" in str(warned[0].message)
        if np.ptp(y):
            assert f"R² is {r2_score(y, nearest):.3g} at best" in str(warned[0].message)
    with pytest.warns(ConvergenceWarning, match="column 1 of y"):
        model.fit(X, np.column_stack([nearest, y]))
    # Said once, of a new network only.
    model.partial_fit(X, np.column_stack([nearest, y]))


def test_targets_a_little_beyond_reach_are_fitted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    noise = 0.02 * rng.normal(size=200)
    y = np.maximum(0.0, X[:, 0]) + noise
    for output_activation in ("relu", "softplus"):
        model = BackpropRegressor(output_activation=output_activation, random_state=0)
        assert model.fit(X, y).score(X, y) > 0.9
    small(REGRESSOR, output_activation="sigmoid").fit(X, (X[:, 0] > 0) + noise)
    # What weighs next to nothing is not held against the others.
    wild, weight = y - 10.0 * (np.arange(200) == 7), np.where(np.arange(200) == 7, 1e-9, 1.0)
    small(REGRESSOR, output_activation="relu").fit(X, wild, weight)
    small(CLASSIFIER, loss="squared_error").fit(X, np.arange(200) % 3)


def test_rounding_takes_no_target_out_of_reach():
    y = np.full(30, 1.0 + 1e-12)
    small(REGRESSOR, output_activation="sigmoid").fit(np.arange(30.0).reshape(-1, 1), y)
