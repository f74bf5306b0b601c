"""Random estimators on random data: a finite model, or an error that names its cause.

100 examples a property, always the same; 1,000 or 10,000 that are always others by
``--hypothesis-profile=long`` or ``longest``.
"""

import re
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._activations import ACTIVATIONS

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
    n_classes = draw(st.integers(1, 4))
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
    y.flat[0] = draw(st.sampled_from([y.flat[0], y.flat[0], y.flat[0], np.nan, np.inf]))
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

    def fit(self, estimator=None):
        """Fit; the warnings about convergence."""
        estimator = self.estimator if estimator is None else estimator
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", ConvergenceWarning)
            # scikit-learn adds up what it looks for infinities in.
            warnings.filterwarnings("ignore", "invalid value encountered in reduce")
            warnings.simplefilter("ignore", DataConversionWarning)
            estimator.fit(self.X, self.y, self.sample_weight)
        return [type(warning.message).__name__ for warning in told]


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
    weights = draw(st.sampled_from([WEIGHTS, WEIGHTS | ODD_WEIGHTS]))
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


def names_its_cause(error, estimator):
    names = (*NAMES_OF_DATA, *estimator.get_params())
    return re.search(rf"\b({'|'.join(names)})\b", str(error))


def assert_finite(model, told):
    for array in (*model.coefs_, *model.intercepts_, model.input_shift_, model.input_scale_):
        assert np.isfinite(array).all()
    if "DivergenceWarning" not in told:
        assert np.isfinite(model.loss_)
        assert np.isfinite(model.loss_curve_).all()


def assert_predicts(model, X):
    if isinstance(model, BackpropClassifier):
        proba = model.predict_proba(X)
        assert np.isfinite(proba).all()
        assert ((proba >= 0.0) & (proba <= 1.0)).all()
        if not model._multilabel:
            np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-6)
            assert np.isin(model.predict(X), model.classes_).all()
    else:
        assert np.isfinite(model.predict(X)).all()


@given(cases())
def test_a_finite_model_or_an_error_that_names_its_cause(case):
    inputs = (case.X, case.y, case.sample_weight)
    before = [contents(value) for value in inputs]
    try:
        told = case.fit()
    except (TypeError, ValueError) as error:
        assert names_its_cause(error, case.estimator), error
        assert not case.ordinary, error
        assert not hasattr(case.estimator, "coefs_")
    else:
        assert_finite(case.estimator, told)
        if "DivergenceWarning" not in told:
            assert_predicts(case.estimator, case.X)
    assert [contents(value) for value in inputs] == before
