"""Random estimators on random data: a finite model, or an error that names its cause.

100 examples a property, always the same; 1,000 or 10,000 that are always others by
``--hypothesis-profile=long`` or ``longest``.
"""

import re
import warnings
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, UndefinedMetricWarning
from threadpoolctl import threadpool_limits

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._core import network
from skbackprop._core.activations import ACTIVATIONS

SMOOTH = tuple(name for name in ACTIVATIONS if name != "relu")
NAMES_OF_DATA = ("X", "y", "sample_weight", "classes", "sample_weight_val", "X_val", "y_val")


# Parameters


def layers(activations):
    """Sizes and activations of up to three hidden layers."""
    unit = st.tuples(st.integers(1, 6), st.sampled_from(activations))
    return st.lists(unit, max_size=3).map(
        lambda units: {
            "hidden_layer_sizes": tuple(size for size, _ in units),
            "activation": tuple(name for _, name in units),
        }
    )


OPTIONS = {
    "loss_reduction": st.sampled_from(["mean", "sum"]),
    "conditioning": st.sampled_from(["standardize", None]),
    "alpha": st.sampled_from(["auto", 0, 1e-3, 1.0, 1e3]),
    "fit_intercept": st.booleans(),
    "learning_rate": st.sampled_from(["auto", 1e-300, 1e-3, 0.1, 10.0, 1e300]),
    "learning_rate_schedule": st.sampled_from(["linear", "constant", "invscaling", "adaptive"]),
    "batch_size": st.sampled_from(["auto", "full", 1, 3, 1000]),
    "shuffle": st.booleans(),
    "tol": st.sampled_from([None, 0, 1e-4, 1e300]),
    "n_iter_no_change": st.integers(1, 3),
    "early_stopping": st.booleans(),
    "validation_fraction": st.sampled_from([0.01, 0.5, 0.99]),
}
OF_CLASSIFIER = {
    "loss": st.sampled_from(["log_loss", "half_squared_error", "squared_error"]),
    "class_weight": st.sampled_from([None, "balanced"]),
    "scoring": st.sampled_from(["loss", "accuracy"]),
}
SMOOTH_LOSSES = ["half_squared_error", "squared_error", "huber", "poisson"]
OF_REGRESSOR = {
    "loss": st.sampled_from([*SMOOTH_LOSSES, "absolute_error", "quantile"]),
    "output_activation": st.sampled_from(list(ACTIVATIONS)),
    "quantile": st.sampled_from([0.5, 0.01, (0.1, 0.9), (0.25, 0.5, 0.75)]),
    "huber_delta": st.sampled_from([0.5, 1e-3, 1e3]),
    "scoring": st.sampled_from(["loss", "r2"]),
}


@st.composite
def params(draw, options, activations=tuple(ACTIVATIONS)):
    drawn = draw(st.fixed_dictionaries({}, optional=options))
    return {
        "max_iter": draw(st.integers(1, 6)),
        "random_state": draw(st.integers(0, 2**32 - 1)),
        **draw(layers(activations)),
        **drawn,
    }


# Data: what a fit must take, and what it may refuse

ORDINARY_COLUMNS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "off": lambda rng, n: 1e6 + rng.normal(size=n),
    "constant": lambda rng, n: np.full(n, rng.normal()),
    "zeros": lambda rng, n: np.zeros(n),
    "rare": lambda rng, n: (np.arange(n) == n // 2) * 7.0,
    "integers": lambda rng, n: rng.integers(-2, 3, size=n).astype(float),
    "large": lambda rng, n: 1e30 * rng.normal(size=n),
    "small": lambda rng, n: 1e-30 * rng.normal(size=n),
}
WILD_COLUMNS = {
    "huge": lambda rng, n: 1e300 * rng.normal(size=n),
    "tiny": lambda rng, n: 1e-300 * rng.normal(size=n),
    "subnormal": lambda rng, n: 1e-320 * rng.integers(-3, 4, size=n),
    "both": lambda rng, n: 10.0 ** rng.uniform(-300, 300, size=n),
    "largest": lambda rng, n: rng.choice([-1.0, 1.0], size=n) * np.finfo(float).max,
}
REFUSED_COLUMNS = {
    "NaN": lambda rng, n: np.where(np.arange(n) == n // 2, np.nan, rng.normal(size=n)),
    "infinity": lambda rng, n: np.where(np.arange(n) == n // 2, -np.inf, rng.normal(size=n)),
}


def with_duplicates(matrix):
    """The same in compressed rows, each entry in two halves."""
    halves = sparse.csr_array(matrix) * 0.5
    return sparse.csr_array(
        (np.repeat(halves.data, 2), np.repeat(halves.indices, 2), 2 * halves.indptr),
        shape=matrix.shape,
    )


def with_wide_indices(matrix):
    wide = sparse.csr_array(matrix)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    return wide


def names_of(matrix):
    return [f"x{k}" for k in range(matrix.shape[1])]


def read_only(matrix):
    matrix = matrix.copy()
    matrix.flags.writeable = False
    return matrix


CONTAINERS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "reversed": lambda X: np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
    "read-only": read_only,
    "big-endian": lambda X: X.astype(">f8"),
    "objects": lambda X: X.astype(object),
    "list": lambda X: X.tolist(),
    "pandas": lambda X: pd.DataFrame(X, columns=names_of(X)),
    "polars": lambda X: pl.DataFrame(X, schema=names_of(X)),
    "csr": sparse.csr_array,
    "csr, duplicates": with_duplicates,
    "csr, 64-bit indices": with_wide_indices,
    "csr matrix": sparse.csr_matrix,
    "csc": sparse.csc_array,
    "coo": sparse.coo_array,
    "bsr": sparse.bsr_array,
    "lil": sparse.lil_array,
    "dok": sparse.dok_array,
    "dia": sparse.dia_array,
}
DTYPES = [np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_]


@st.composite
def matrices(draw, n_rows, columns):
    """An array of float64, column by column; and whether all of them are ordinary."""
    kinds = draw(st.lists(st.sampled_from(list(columns)), min_size=1, max_size=5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    matrix = np.column_stack([columns[kind](rng, n_rows) for kind in kinds])
    if draw(st.booleans()):
        matrix = np.column_stack([matrix, matrix[:, 0]])
    return matrix, set(kinds) <= set(ORDINARY_COLUMNS)


LABELS = {
    "integers": lambda codes: codes,
    "negative": lambda codes: codes - 7,
    "floats": lambda codes: codes.astype(np.float32),
    "strings": lambda codes: np.array(["ant", "bee", "cat", "dog"])[codes],
    "objects": lambda codes: np.array(["ant", "bee", "cat", "dog"], dtype=object)[codes],
    "list": lambda codes: codes.tolist(),
    "series": lambda codes: pd.Series(codes, dtype="category"),
    "small": lambda codes: codes.astype(np.int8),
}
TARGET_SCALES = [1e-300, 1e-30, 1.0, 1.0, 1e30, 1e300, 1e307]


@st.composite
def class_labels(draw, n_rows):
    """Labels of up to four classes, or of several at once."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_classes = draw(st.sampled_from([2, 3, 4, 2, 3, 4, 1]))
    if draw(st.integers(0, 3)) == 0:
        y = rng.integers(2, size=(n_rows, n_classes))
        return draw(st.sampled_from([y, y.astype(bool), sparse.csr_matrix(y)])), n_classes > 1
    codes = rng.permutation(np.arange(n_rows) % n_classes)
    return LABELS[draw(st.sampled_from(list(LABELS)))](codes), len(set(codes)) > 1


@st.composite
def numbers(draw, n_rows):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from(TARGET_SCALES))
    shape = (n_rows, *draw(st.sampled_from([(), (), (1,), (3,)])))
    y = scale * draw(
        st.sampled_from(
            [rng.normal(size=shape), rng.poisson(2.0, size=shape), np.zeros(shape), np.ones(shape)]
        )
    )
    y.flat[0] = draw(st.sampled_from([y.flat[0]] * 8 + [np.nan, np.inf]))
    ordinary = bool(np.isfinite(y).all()) and 1e-30 <= scale <= 1e30 and len(shape) == 1
    return draw(st.sampled_from([y, y, y.tolist(), np.asfortranarray(y)])), ordinary


WEIGHTS = {
    "none": lambda rng, n: None,
    "uniform": lambda rng, n: rng.uniform(0.1, 5.0, size=n),
    "counts": lambda rng, n: np.maximum(rng.integers(-2, 4, size=n), np.arange(n) < 4),
    "tiny": lambda rng, n: 1e-300 * rng.uniform(0.5, 1.0, size=n),
    "large": lambda rng, n: 1e100 * rng.uniform(0.5, 1.0, size=n),
    "one number": lambda rng, n: 2.5,
}
ODD_WEIGHTS = {
    "huge": lambda rng, n: 1e300 * rng.uniform(0.5, 1.0, size=n),
    "largest": lambda rng, n: np.full(n, np.finfo(float).max),
    "both": lambda rng, n: 10.0 ** rng.uniform(-300, 300, size=n),
    "zeros": lambda rng, n: np.zeros(n),
    "one": lambda rng, n: np.arange(n) == 0,
    "negative": lambda rng, n: np.full(n, -1.0),
    "NaN": lambda rng, n: np.full(n, np.nan),
    "short": lambda rng, n: np.ones(n - 1),
}


@dataclass
class Case:
    """An estimator and what it is to be fitted to."""

    estimator: Any
    X: Any
    y: Any
    sample_weight: Any
    ordinary: bool = field(repr=False)
    """Whether there is no reason to refuse anything."""
    told: list[str] = field(default_factory=list, repr=False)
    """Names of the warnings about convergence of the last fit."""

    def fit(self):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", ConvergenceWarning)
            # scikit-learn adds up what it looks for infinities in.
            warnings.filterwarnings("ignore", "invalid value encountered in reduce")
            for category in (DataConversionWarning, UndefinedMetricWarning):
                warnings.simplefilter("ignore", category)
            self.estimator.fit(self.X, self.y, self.sample_weight)
        self.told = [type(warning.message).__name__ for warning in told]


@st.composite
def cases(draw):
    """Any parameters and any data."""
    n_rows = draw(st.sampled_from([1, 2, 3, 10, 40]))
    X, X_ordinary = draw(
        matrices(
            n_rows,
            draw(
                st.sampled_from(
                    [
                        ORDINARY_COLUMNS,
                        ORDINARY_COLUMNS,
                        ORDINARY_COLUMNS | WILD_COLUMNS,
                        ORDINARY_COLUMNS | REFUSED_COLUMNS,
                    ]
                )
            ),
        )
    )
    if draw(st.booleans()):
        X = CONTAINERS[draw(st.sampled_from(list(CONTAINERS)))](X)
    else:
        with np.errstate(all="ignore"):
            X = X.astype(draw(st.sampled_from(DTYPES)))
        X_ordinary = X_ordinary and bool(np.isfinite(X).all()) and X.dtype != np.float32
    weights = draw(st.sampled_from([WEIGHTS, WEIGHTS, WEIGHTS | ODD_WEIGHTS]))
    weights = draw(st.sampled_from(list(weights)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sample_weight = (WEIGHTS | ODD_WEIGHTS)[weights](rng, n_rows)
    if draw(st.booleans()):
        y, y_ordinary = draw(class_labels(n_rows))
        given_params = draw(params(OPTIONS | OF_CLASSIFIER))
        estimator = BackpropClassifier(**given_params)
        restricted = given_params.get("early_stopping")
    else:
        y, y_ordinary = draw(numbers(n_rows))
        given_params = draw(params(OPTIONS | OF_REGRESSOR))
        estimator = BackpropRegressor(**given_params)
        restricted = given_params.get("early_stopping") or given_params.get("loss") == "poisson"
    # Weights of 1e300 may be too large for inputs of 1e-30.
    restricted = restricted or given_params.get("learning_rate") == 1e300
    ordinary = X_ordinary and y_ordinary and weights in WEIGHTS and not restricted
    return Case(estimator, X, y, sample_weight, ordinary)


# What holds of any of them


def contents(value):
    """The bytes of data, wherever they are kept."""
    if value is None or isinstance(value, list | float):
        return repr(value)
    if sparse.issparse(value):
        return [
            part.tobytes() for part in vars(value).values() if isinstance(part, np.ndarray)
        ] or repr(value.todok())
    array = np.asarray(value)
    return repr(array.tolist()) if array.dtype == object else array.tobytes()


def refusal(call, *args, **kwargs):
    """The error that a call raises for what it was given, if it does."""
    try:
        call(*args, **kwargs)
    except (TypeError, ValueError) as error:
        return error
    return None


def names_its_cause(error, estimator):
    names = (*NAMES_OF_DATA, *estimator.get_params())
    return re.search(rf"\b({'|'.join(names)})\b", str(error))


def assert_finite(model, told):
    for array in (*model.coefs_, *model.intercepts_, model.input_shift_, model.input_scale_):
        assert np.isfinite(array).all()
    if "DivergenceWarning" not in told:
        assert np.isfinite(model.loss_)
        assert np.isfinite(model.loss_curve_).all()


def leaves_rows_out(case):
    """Whether a fit need not follow all of the rows, or may saturate far out."""
    weight = np.ones(1) if case.sample_weight is None else np.asarray(case.sample_weight)
    some_weigh_nothing = weight.min() < 1e-9 * weight.max()
    return case.estimator.early_stopping or some_weigh_nothing or not case.estimator.conditioning


def assert_predicts(model, X):
    if isinstance(model, BackpropClassifier):
        proba = model.predict_proba(X)
        assert np.isfinite(proba).all()
        assert ((proba >= 0.0) & (proba <= 1.0)).all()
        if not model._form["multilabel"]:
            np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-6)
            assert np.isin(model.predict(X), model.classes_).all()
    else:
        assert np.isfinite(model.predict(X)).all()


# What scikit-learn adds up to look for infinities may be infinite.
@pytest.mark.filterwarnings("ignore:invalid value encountered in reduce:RuntimeWarning")
@given(cases())
def test_a_finite_model_or_an_error_that_names_its_cause(case):
    inputs = (case.X, case.y, case.sample_weight)
    before = [contents(value) for value in inputs]
    error = refusal(case.fit)
    if error is None:
        assert_finite(case.estimator, case.told)
        if "DivergenceWarning" not in case.told:
            beyond = refusal(assert_predicts, case.estimator, case.X)
            assert beyond is None or leaves_rows_out(case), beyond
            assert beyond is None or "X must have results within the range" in str(beyond)
    else:
        assert names_its_cause(error, case.estimator), error
        assert not case.ordinary, error
        assert not hasattr(case.estimator, "coefs_")
    assert [contents(value) for value in inputs] == before


def raw_predictions(model, X):
    return model.decision_function(X) if isinstance(model, BackpropClassifier) else model.predict(X)


@given(cases())
def test_the_same_seed_gives_the_same_bits(case):
    again = replace(case, estimator=clone(case.estimator))
    refused = refusal(case.fit), refusal(again.fit)
    assert str(refused[0]) == str(refused[1])
    if refused[0] is None:
        one, other = case.estimator, again.estimator
        for a, b in zip(
            one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True
        ):
            assert_array_equal(a, b, strict=True)
        assert_array_equal(one.loss_curve_, other.loss_curve_)


def refused_fit(case):
    case.estimator.fit(case.X, case.y, coefs_init=[])


def fit(case, *, warm_start=False):
    case.estimator.warm_start = warm_start
    case.fit()


def partial_fit(case):
    classes = {}
    if isinstance(case.estimator, BackpropClassifier) and np.ndim(case.y) == 1:
        classes = {"classes": np.unique(case.y)}
    case.estimator.partial_fit(case.X, case.y, sample_weight=case.sample_weight, **classes)


CALLS = [fit, partial(fit, warm_start=True), partial_fit, refused_fit]


@given(cases(), st.lists(st.sampled_from(CALLS), min_size=2, max_size=5))
@pytest.mark.filterwarnings("ignore")
def test_a_refused_call_leaves_what_was_fitted(case, calls):
    model = case.estimator
    for call in calls:
        before = dict(vars(model))
        error = refusal(call, case)
        if error is None:
            assert call is not refused_fit
            assert_finite(model, ["DivergenceWarning"])
        else:
            assert names_its_cause(error, model) or "coefs_init" in str(error), error
            before["warm_start"] = model.warm_start
            assert vars(model).keys() == before.keys()
            assert all(value is before[name] for name, value in vars(model).items())


# What is to agree to rounding: no kinks, one side of which rounding would choose; rates that
# do not make the most of rounding; rows that are not held out by their number.

TAME = {
    **OPTIONS,
    "learning_rate": st.sampled_from(["auto", 1e-3]),
    "alpha": st.sampled_from(["auto", 0, 1e-3]),
    "early_stopping": st.just(False),
    "conditioning": st.just("standardize"),
    "tol": st.sampled_from([None, 1e-4]),
}
TAME_COLUMNS = {
    name: ORDINARY_COLUMNS[name] for name in ("normal", "off", "constant", "rare", "integers")
}


@st.composite
def tame_cases(draw, **fixed):
    n_rows = draw(st.integers(2, 40))
    X, _ = draw(matrices(n_rows, TAME_COLUMNS))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sample_weight = WEIGHTS[draw(st.sampled_from(["none", "uniform", "counts"]))](rng, n_rows)
    if draw(st.booleans()):
        estimator = BackpropClassifier(**draw(params(TAME | OF_CLASSIFIER, SMOOTH)))
        y = rng.permutation(np.arange(n_rows) % draw(st.integers(2, 4)))
        if draw(st.integers(0, 3)) == 0:
            y = rng.integers(2, size=(n_rows, 2))
    else:
        smooth = {
            "loss": st.sampled_from(SMOOTH_LOSSES[:3]),
            "output_activation": st.sampled_from(SMOOTH),
        }
        estimator = BackpropRegressor(**draw(params(TAME | OF_REGRESSOR | smooth, SMOOTH)))
        y = 5.0 + 3.0 * rng.normal(size=draw(st.sampled_from([(n_rows,), (n_rows, 2)])))
    return Case(estimator.set_params(**fixed), X, y, sample_weight, ordinary=True)


def assert_agree(case, other, X=None, dtype=np.float64):
    """Hold two fits against each other by what they make of the rows of the first.

    They may differ by the rounding of some hundred steps, by that of rows that are far from 0 and
    close together, and by what the fit makes of both: of rows, numbers as targets, and weights to
    start from that are a rounding away.
    """
    case.fit()
    other.fit()
    if "DivergenceWarning" in case.told + other.told:
        return
    expected = raw_predictions(case.estimator, case.X)
    gap = np.abs(raw_predictions(other.estimator, case.X if X is None else X) - expected).max()
    eps = np.finfo(dtype).eps
    shift, scale = case.estimator.input_shift_, case.estimator.input_scale_
    # Single precision is of the rows less their shift.
    origin, distance = (0.0, np.abs(shift / scale).max()) if dtype == np.float64 else (shift, 0.0)
    atol = eps * (1000.0 + 10.0 * distance) * max(1.0, np.abs(expected).max())
    steps = case.estimator.learning_rate_, other.estimator.learning_rate_
    if distance > 1e3 and 0.0 < abs(steps[0] - steps[1]) <= steps[0] / 32.0:
        # Differences of gradients on such rows of CSR may be off by the last of six bits.
        return
    if gap > atol:
        nudged = (nudged_fit(case, origin, eps, seed) for seed in range(8))
        gaps = [np.abs(raw_predictions(fit.estimator, fit.X) - expected).max() for fit in nudged]
        assert gap <= 10.0 * max(gaps)


def nudged_fit(case, origin, eps, seed):
    """The fit to rows and numbers, and from weights, that differ in their last digit."""
    rng = np.random.default_rng(seed)

    def nudge(values):
        return eps * rng.choice([-1.0, 1.0], size=values.shape) * values

    def initial_params(network, *args):
        params = network_params(network, *args)
        # Conditioned coordinates have units of 1, in which intercepts of 0 are rounded, too.
        return params + nudge(params + 1.0)

    network_params = network.Network.initial_params
    # What is constant has a scale of its own.
    X = case.X + (np.ptp(case.X, axis=0) > 0.0) * nudge(case.X - origin)
    y = case.y if case.y.dtype.kind == "i" else case.y + nudge(case.y)
    nudged = replace(case, estimator=clone(case.estimator), X=X, y=y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network.Network, "initial_params", initial_params)
        nudged.fit()
    return nudged


@given(tame_cases(batch_size="full"), st.integers(0, 2**32 - 1))
def test_the_order_of_rows_is_irrelevant_in_full_batch(case, seed):
    order = np.random.default_rng(seed).permutation(len(case.X))
    weight = case.sample_weight if np.ndim(case.sample_weight) == 0 else case.sample_weight[order]
    estimator = clone(case.estimator)
    assert_agree(case, Case(estimator, case.X[order], case.y[order], weight, ordinary=True))


@given(tame_cases(), st.sampled_from(list(CONTAINERS)))
def test_any_container_of_the_same_numbers_gives_the_same_model(case, container):
    X = CONTAINERS[container](case.X)
    other = Case(clone(case.estimator), X, case.y, case.sample_weight, ordinary=True)
    assert_agree(case, other, X)


@given(tame_cases(batch_size="full", alpha=1e-3))
def test_weights_count_as_copies(case):
    counts = np.arange(len(case.X)) % 3 + 1
    weighted = Case(case.estimator, case.X, case.y, counts, ordinary=True)
    X, y = (np.repeat(part, counts, axis=0) for part in (case.X, case.y))
    assert_agree(weighted, Case(clone(case.estimator), X, y, None, ordinary=True))


@given(tame_cases(learning_rate=1e-3))
@pytest.mark.given_numbers
def test_float32_and_float64_agree(case):
    X = case.X.astype(np.float32)
    single = Case(clone(case.estimator), X, case.y, case.sample_weight, ordinary=True)
    double = Case(case.estimator, X.astype(float), case.y, case.sample_weight, ordinary=True)
    assert_agree(double, single, X, np.float32)


@given(tame_cases(), st.integers(1, 200))
def test_predictions_do_not_depend_on_the_chunk(case, chunk):
    case.fit()
    expected = raw_predictions(case.estimator, case.X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "_CHUNK_ELEMENTS", chunk)
        chunked = raw_predictions(case.estimator, case.X)
    by_row = np.concatenate([raw_predictions(case.estimator, row[np.newaxis]) for row in case.X])
    # Raw values of 1e6 leave rounding of 1e6 times that of a float.
    atol = 1e-13 * max(1.0, np.abs(expected).max()) * max(1.0, np.abs(case.X).max())
    for got in (chunked, by_row):
        np.testing.assert_allclose(got, expected, rtol=0, atol=atol)


@given(tame_cases(), st.sampled_from([name for name in LABELS if name != "series"]))
def test_labels_of_any_type_give_the_same_model(case, kind):
    codes = np.arange(len(case.X)) % 2
    models = [BackpropClassifier(3, max_iter=2, random_state=0) for _ in range(2)]
    for model, y in zip(models, (codes, LABELS[kind](codes)), strict=True):
        Case(model, case.X, y, case.sample_weight, ordinary=True).fit()
    plain, labelled = models
    assert_array_equal(labelled.predict_proba(case.X), plain.predict_proba(case.X))
    assert_array_equal(labelled.classes_, np.unique(LABELS[kind](plain.classes_)))


@pytest.mark.parametrize(("dtype", "rate"), [(np.float32, "auto"), (np.float64, 0.01)])
def test_models_do_not_depend_on_the_number_of_threads(dtype, rate):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 60)).astype(dtype)
    y = X[:, 0] + rng.normal(size=len(X))
    predictions = []
    for limit in (1, 2):
        model = BackpropRegressor(
            200, learning_rate=rate, batch_size="full", max_iter=3, random_state=0
        )
        with threadpool_limits(limit, user_api="blas"):
            predictions.append(model.fit(X, y).predict(X))
    atol = 1000 * np.finfo(dtype).eps
    np.testing.assert_allclose(*predictions, rtol=0, atol=atol)


# The ends of what there is

RNG = np.random.default_rng(0)
SMALL = {"hidden_layer_sizes": 4, "max_iter": 5, "random_state": 0}


@pytest.mark.parametrize("loss", ["half_squared_error", "absolute_error", "huber", "quantile"])
@pytest.mark.parametrize("power", [-100, 100])
def test_predictions_have_the_scale_of_the_targets(loss, power, rng):
    X = rng.normal(size=(50, 3))
    y = X[:, 0] + rng.normal(size=50)
    model = BackpropRegressor(loss=loss, **SMALL)
    expected = 2.0**power * model.fit(X, y).predict(X)
    np.testing.assert_allclose(model.fit(X, 2.0**power * y).predict(X), expected, rtol=1e-12)


def test_weights_of_too_long_a_step_are_refused_by_name():
    model = BackpropClassifier((), alpha=0, learning_rate=1e300, max_iter=1, random_state=0)
    with pytest.raises(ValueError, match=r"are up to \d\.\d+e\+\d+: .*, lower learning_rate, or"):
        model.fit([[1.2e-31], [-1.3e-31]], [[1, 1], [1, 0]])


FLOAT32_MAX = float(np.finfo(np.float32).max)
BEYOND = {
    "X, far apart": (
        {"X": np.array([[1.0, 1.0], [-1.0, 2.0]]) * [np.finfo(float).max, 1.0]},
        r"column 0 of X, from -1\.8e\+308 to 1\.8e\+308, leave the range of float64",
    ),
    "X, far apart in float32": (
        {"X": np.array([[1.0, FLOAT32_MAX], [2.0, -FLOAT32_MAX]], dtype=np.float32)},
        "column 1 of X, .* leave the range of float32",
    ),
    "X, close together": (
        {"X": np.array([[1.0, 1e-310], [2.0, 2e-310]])},
        "range of float64. Column 1 of X has a scale of",
    ),
    "y, squares": ({"y": [0.0, 1e200]}, "y must have squares within the range of float64"),
    "y, tiny squares": ({"y": [0.0, 1e-200]}, "y must have squares within the range of float64"),
    "weights": (
        {"sample_weight": [1e308, 1e308]},
        "sample_weight, .*, must have a sum within the range of float64; got inf",
    ),
    "weights in float32": (
        {"X": np.array([[1], [2]], dtype=np.float32), "sample_weight": 1e39},
        "sample_weight, .*, must have a sum within the range of float32; got 2e[+]39",
    ),
    "weights below float32": (
        {"X": np.array([[1], [2]], dtype=np.float32), "sample_weight": 1e-39},
        "sample_weight, .*, must have a sum within the range of float32; got 2e-39",
    ),
}


@pytest.mark.parametrize(("given", "message"), BEYOND.values(), ids=BEYOND)
def test_what_leaves_the_range_of_floats_is_refused_by_name(given, message):
    given = {"X": [[1.0], [2.0]], "y": [0.0, 1.0], "fit_intercept": False} | given
    model = BackpropRegressor(
        loss_reduction="sum", fit_intercept=given.pop("fit_intercept"), **SMALL
    )
    with pytest.raises(ValueError, match=message):
        model.fit(**given)


LARGEST = np.finfo(float).max
FAR = {
    "a sum": (BackpropRegressor, {}, "predict", [LARGEST, LARGEST], "inf"),
    "a difference": (BackpropRegressor, {}, "predict", [LARGEST, -LARGEST], "nan|inf"),
    "labels": (BackpropClassifier, {}, "predict", [LARGEST, LARGEST], "inf"),
    "log-odds": (BackpropClassifier, {}, "decision_function", [LARGEST, LARGEST], "inf"),
    "probabilities": (BackpropClassifier, {}, "predict_proba", [LARGEST, LARGEST], "inf"),
    "units": (
        BackpropRegressor,
        {"hidden_layer_sizes": 2, "activation": "softplus"},
        "hidden_activations",
        [LARGEST, LARGEST],
        "inf",
    ),
}


@pytest.mark.parametrize("chunk", [1, 100])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(("estimator", "params", "method", "row", "value"), FAR.values(), ids=FAR)
def test_what_predicts_beyond_the_range_of_floats_is_refused_by_its_row(
    estimator, params, method, row, value, container, chunk, monkeypatch
):
    monkeypatch.setattr(network, "_CHUNK_ELEMENTS", chunk)
    X = np.random.default_rng(0).normal(size=(30, 2))
    y = np.exp(X @ [3.0, 4.0])
    y = y > 1.0 if estimator is BackpropClassifier else y
    params = {"hidden_layer_sizes": (), "random_state": 0} | params
    model = estimator(**params).fit(X, y)
    message = rf"X must have results within the range of float64; row 2 has -?({value})\. "
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(container([X[0], X[1], row, X[2]]))


def test_a_mean_that_rounding_takes_beyond_the_range_of_floats_is_refused():
    """Whether rounding does is a matter of the weights, and of the order of the sum."""
    X = sparse.csr_array(np.full((3, 1), np.finfo(float).max))
    model = BackpropRegressor(**SMALL | {"fit_intercept": False})
    messages = []
    for weights in np.random.default_rng(0).uniform(0.5, 1.0, size=(40, 3)):
        try:
            model.fit(X, [0.0, 1.0, 2.0], weights)
        except ValueError as error:
            messages.append(str(error))
    assert messages
    assert all("leave the range of float64" in message for message in messages)


def test_a_row_of_single_precision_that_predicts_beyond_its_range_is_refused():
    X = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    model = BackpropRegressor((), random_state=0).fit(1e36 * X, 3e37 * X[:, 0])
    with pytest.raises(ValueError, match="within the range of float32; row 0 has"):
        model.predict(np.full((1, 2), FLOAT32_MAX, dtype=np.float32))


def test_a_unit_that_saturates_far_out_is_no_reason_to_refuse():
    X = 1e-3 * np.random.default_rng(0).normal(size=(30, 2))
    model = BackpropRegressor(3, random_state=0).fit(X, X[:, 0])
    far = [[1e307, 1.0]]
    units = model.hidden_activations(far)
    assert set(units[0]) <= {0.0, 1.0}
    expected = units @ model.coefs_[1][:, 0] + model.intercepts_[1]
    np.testing.assert_allclose(model.predict(far), expected, rtol=1e-14)


def test_one_row():
    model = BackpropRegressor(**SMALL).fit([[1.0, 2.0]], [3.0])
    np.testing.assert_allclose(model.predict([[1.0, 2.0]]), 3.0, atol=1.0)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_10_000_features(container, rng):
    X = rng.normal(size=(60, 10_000)) * (rng.uniform(size=(60, 10_000)) < 0.1)
    y = X[:, :5000].sum(axis=1) > 0.0
    model = BackpropClassifier(**SMALL).fit(container(X), y)
    assert model.loss_ < model.loss_curve_[0]
    assert_predicts(model, container(X))


def test_5_000_classes(rng):
    y = np.arange(10_000) % 5000
    X = rng.normal(size=(5000, 8))[y]
    model = BackpropClassifier((), learning_rate=1.0, max_iter=1, random_state=0).fit(X, y)
    assert model.loss_ < model.loss_curve_[0]
    assert_predicts(model, X[:100])


# Precision of the descent


def fits_of_1000_rows(X, **params):
    """A fit to data of float64, and one to the same in float32."""
    y = X[:, 0] / X[:, 0].std() + np.sin(3 * X[:, 1] / X[:, 1].std())
    settings = {"hidden_layer_sizes": 8, "max_iter": 5, "random_state": 0} | params
    return [BackpropRegressor(**settings).fit(X.astype(dtype), y) for dtype in "df"]


def test_many_rows_are_descended_on_in_single_precision(rng):
    X = rng.normal(size=(1000, 3))
    double, single = fits_of_1000_rows(X)
    assert double.coefs_[0].dtype == double.predict(X).dtype == np.float64
    # Rounding of X and of the coefficients is all that differs.
    np.testing.assert_allclose(double.coefs_[0], single.coefs_[0], rtol=0, atol=2e-5)
    for few_or_given in (fits_of_1000_rows(X[:999]), fits_of_1000_rows(X, learning_rate=0.1)):
        difference = few_or_given[0].coefs_[1] - few_or_given[1].coefs_[1]
        assert 1e-9 < np.abs(difference).max() < 1e-3


def test_what_single_precision_does_not_hold_is_descended_on_in_double(rng):
    X = rng.normal(size=(1000, 3))
    y = X[:, 0] + np.sin(3 * X[:, 1])
    for factor in (1e-100, 1e100):
        model = BackpropRegressor(8, max_iter=5, random_state=0).fit(factor * X, y)
        assert model.score(factor * X, y) > 0.5
        model.fit(X, factor * y)
        assert model.score(X, factor * y) > 0.5


def test_sparse_columns_far_from_zero_are_descended_on_in_double(rng):
    X = sparse.csr_array(1e7 + rng.normal(size=(1000, 3)))
    y = X.toarray()[:, 0] - 1e7
    assert BackpropRegressor(8, max_iter=5, random_state=0).fit(X, y).score(X, y) > 0.9
