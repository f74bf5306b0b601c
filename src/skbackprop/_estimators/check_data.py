"""Checks of data: errors name the argument, what is wrong with it, and what to do."""

import copy
import numbers
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from skbackprop._core.network import Network
from skbackprop._estimators.check_kinds import check_kinds
from skbackprop._estimators.stacklevel import level_of_caller

_PRECISIONS = [np.float64, np.float32]
# Units of the last place that targets must span: rounding is 0.4% of the variance of a uniform
# target of this span.
_LEAST_SPAN = 16.0


class GivenRows(NamedTuple):
    """Rows as `fit` or `partial_fit` was given them."""

    X: Any
    y: Any
    sample_weight: Any = None
    groups: Any = None
    """Groups of the rows, of which some are to be held out."""
    classes: Any = None
    """All labels that will ever come, for `partial_fit`."""


def check_inputs(estimator: Any, X: Any, *, dtype: Any = None, reset: bool) -> Any:
    """X as a float array or CSR matrix, in `dtype` or else in its own precision."""
    is_plain = _is_plain(X, dtype)
    if is_plain and not reset and _is_as_fitted(estimator, X):
        return X
    if X is None:
        raise TypeError("X must be an array-like of shape (n_samples, n_features); got None.")
    advice = (
        " Encode categories first, for instance by a OneHotEncoder or OrdinalEncoder in a "
        "pipeline (sklearn.preprocessing), and dates as numbers, of days, say."
    )
    of_gaps = (
        "Fill the gaps by an imputer in a pipeline: make_pipeline(SimpleImputer("
        f"add_indicator=True), {type(estimator).__name__}()); or leave out their rows."
    )
    with naming("X", advice, of_gaps):
        check_kinds("X", X)
        checked = validate_data(
            estimator,
            X,
            accept_sparse="csr",
            dtype=_PRECISIONS if dtype is None else dtype,
            reset=reset,
            skip_check_array=is_plain,
        )
    if not isinstance(checked, np.ndarray) and not checked.has_canonical_format:
        checked = checked.copy()
        checked.sum_duplicates()
    return checked


def _is_plain(X: Any, dtype: Any) -> bool:
    """Whether `check_array` would give `X` back as it is.

    `check_array` takes several times as long as the prediction of one row.
    """
    if type(X) is not np.ndarray or X.ndim != 2 or X.size == 0:
        return False
    if X.dtype not in (_PRECISIONS if dtype is None else [dtype]):
        return False
    # A sum needs no memory; where finite values overflow, `check_array` has the last word.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(X.sum()))


def _is_as_fitted(estimator: Any, X: np.ndarray) -> bool:
    """Whether `X` has as many columns as in the fit, which had no names."""
    return X.shape[1] == estimator.n_features_in_ and not hasattr(estimator, "feature_names_in_")


def check_same_length(X: Any, y: Any, names: tuple[str, str] = ("X", "y")) -> None:
    """Refuse a `y` of another number of rows than `X`; `names` are the arguments'."""
    if X.shape[0] != y.shape[0]:
        raise ValueError(
            f"{names[0]} and {names[1]} must have the same number of rows; got {X.shape[0]} and "
            f"{y.shape[0]}."
        )


def check_numbers(
    name: str, value: Any, *, dtype: np.dtype, must_vary: bool = False, of_strings: str = ""
) -> np.ndarray:
    """An array of finite numbers within the range of `dtype`, with up to two dimensions.

    With `must_vary` columns that vary must do so in `dtype`, too. `of_strings` says what to do
    about strings.
    """
    with naming(name, of_strings, f"{name} must be of finite numbers."):
        check_kinds(name, value)
        array = check_array(value, ensure_2d=False, dtype=_PRECISIONS, input_name=name)
    with np.errstate(over="ignore"):
        converted: np.ndarray = np.ascontiguousarray(array, dtype=dtype)
    if not np.isfinite(converted).all():
        # Of sklearn.config_context(assume_finite=True).
        check_finite(name, array)
        raise ValueError(
            f"{name} must be within the range of {dtype}, the precision of X; got values up to "
            f"{np.abs(array).max():.3g}. Scale {name}, or pass X in float64."
        )
    if must_vary and array.dtype != dtype:
        _check_digits(name, array, dtype)
    return converted


def check_finite(name: str, array: Any) -> None:
    """Refuse NaN and infinity in an array or CSR matrix, which scikit-learn may be told to skip."""
    values = array if isinstance(array, np.ndarray) else array.data
    finite = np.isfinite(values)
    if not finite.all():
        raise ValueError(
            f"{name} must be finite, under assume_finite=True too; got {values[~finite][0]}. "
            "Impute missing values, for instance by SimpleImputer, or leave out their rows."
        )


def _check_digits(name: str, array: np.ndarray, dtype: np.dtype) -> None:
    """Refuse columns whose numbers differ in the digits that a lower precision cuts off.

    What differs by rounding alone is a constant.
    """
    largest, span = np.abs(array).max(axis=0), np.ptp(array, axis=0)
    with np.errstate(under="ignore"):
        spacing = np.spacing(largest.astype(dtype)).astype(np.float64)
    lost = np.atleast_1d((span > 1e-12 * largest) & (span < _LEAST_SPAN * spacing))
    if lost.any():
        column = int(lost.argmax())
        raise ValueError(
            f"{name} must vary by more than {dtype}, the precision of X, can show; got values "
            f"up to {np.atleast_1d(largest)[column]:.3g} that differ by up to "
            f"{np.atleast_1d(span)[column]:.3g}. Scale {name} or subtract a constant from it, or "
            "pass X in float64."
        )


def check_sample_weight(
    sample_weight: Any, n_rows: int, name: str = "sample_weight"
) -> np.ndarray | None:
    """Weights in float64: finite, none negative, not all zero."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, numbers.Real):
        sample_weight = np.full(n_rows, sample_weight)
    weights = check_numbers(name, sample_weight, dtype=np.dtype(np.float64))
    if weights.shape != (n_rows,):
        raise ValueError(
            f"{name} must have shape ({n_rows},), one weight a row; got shape {weights.shape}."
        )
    if weights.min() < 0.0:
        raise ValueError(
            f"{name} must not be negative; got {weights.min()} in row {weights.argmin()}."
        )
    if not weights.any():
        raise ValueError(
            f"{name} must have at least one weight that is not zero; got {n_rows} weights of zero."
        )
    return weights


def check_total_weight(
    weights: np.ndarray | None, dtype: np.dtype, reduction: str, name: str = "sample_weight"
) -> None:
    """Refuse weights whose sum is not a float, or that a sum of losses does not feel."""
    if weights is None:
        return
    with np.errstate(over="ignore"):
        total = weights.sum()
    limits = np.finfo(dtype if reduction == "sum" else np.float64)
    if not (limits.tiny if reduction == "sum" else 0.0) <= total <= limits.max:
        raise ValueError(
            f"{name}, times class_weight, must have a sum within the range of "
            f"{limits.dtype}; got {total:.3g}. Scale {name}."
        )


def check_initial(
    network: Network,
    coefs: Any,
    intercepts: Any,
    dtype: np.dtype,
    names: tuple[str, str],
) -> tuple[list[np.ndarray] | None, list[np.ndarray] | None]:
    """Given weights, which are of the network on raw X, as arrays; `names` are the arguments'."""
    if intercepts is not None and not network.fit_intercept:
        if any(map(np.any, intercepts)):
            raise ValueError(
                f"{names[1]} must be None or zero with fit_intercept=False; got {intercepts!r}."
            )
        intercepts = None
    return (
        _check_layers(names[0], coefs, network.shapes, dtype),
        _check_layers(names[1], intercepts, [(n,) for _, n in network.shapes], dtype),
    )


def _check_layers(
    name: str, given: Any, shapes: Sequence[tuple[int, ...]], dtype: np.dtype
) -> list[np.ndarray] | None:
    if given is None:
        return None
    accepted = f"{name} must be a sequence of {len(shapes)} arrays, one a layer"
    if not isinstance(given, Sequence) and getattr(given, "ndim", 0) == 0:
        raise TypeError(f"{accepted}; got {given!r}.")
    if len(given) != len(shapes):
        raise ValueError(f"{accepted}; got {type(given).__name__} of length {len(given)}.")
    arrays = []
    for i, (value, shape) in enumerate(zip(given, shapes, strict=True)):
        array = check_numbers(f"{name}[{i}]", value, dtype=dtype)
        if array.shape != shape:
            raise ValueError(f"{name}[{i}] must have shape {shape}; got shape {array.shape}.")
        arrays.append(array)
    return arrays


def named_as(estimator: Any, X: Any, X_val: Any) -> Any:
    """The estimator to check `X_val` by, which has names of columns if that has.

    Where only one of `X` and `X_val` has some, this warns, as scikit-learn would call both X.
    """
    names = _names_of_columns(X_val)
    if bool(names) == bool(_names_of_columns(X)):
        return estimator
    has, has_not = ("X_val", "X") if names else ("X", "X_val")
    warnings.warn(
        f"{has} has feature names, but {has_not} has none: the columns are taken in their order.",
        UserWarning,
        stacklevel=level_of_caller(),
    )
    model = copy.copy(estimator)
    model.__dict__.pop("feature_names_in_", None)
    if names:
        model.feature_names_in_ = np.array(names, dtype=object)
    return model


def _names_of_columns(X: Any) -> list[str]:
    """The names, if they are all strings."""
    names = list(getattr(X, "columns", []))
    return names if all(isinstance(name, str) for name in names) else []


def warn_of_another_scale(y: np.ndarray, y_val: np.ndarray) -> None:
    """Tell where the targets to validate on are further from those to fit than these are apart.

    Of few rows that may be chance.
    """
    gap = np.maximum(y_val.min(axis=0) - y.max(axis=0), y.min(axis=0) - y_val.max(axis=0))
    far = (gap > np.ptp(y, axis=0)) & (np.ptp(y, axis=0) > 0.0)
    if min(len(y), len(y_val)) < 10 or not far.any():
        return
    column = far.argmax()
    of_column = f"column {column} of " if len(far) > 1 else ""
    y, y_val = y[:, column], y_val[:, column]
    warnings.warn(
        f"{of_column}y_val, from {y_val.min():.6g} to {y_val.max():.6g}, seems to be on another "
        f"scale than that of y, from {y.min():.6g} to {y.max():.6g}. "
        "TransformedTargetRegressor transforms y, but not y_val.",
        UserWarning,
        stacklevel=level_of_caller(),
    )


@contextmanager
def naming(name: str, advice: str = "", of_gaps: str = "") -> Iterator[None]:
    """Name the argument in errors that do not, and say what to do about what is no number.

    `of_gaps` says what to do about NaN, in place of scikit-learn's message.
    """
    try:
        yield
    except OverflowError as error:
        raise ValueError(f"{name} must be within the range of float64: {error}.") from error
    except (TypeError, ValueError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        missing = re.search("not '(NA|NaT)Type'", str(error))
        if missing:
            raise ValueError(
                f"{name} must have no missing values; got {missing[1]}. "
                "Make them NaN, in a frame by astype('Float64'), and impute them, for instance by "
                "SimpleImputer; or leave out their rows."
            ) from error
        if "not 'complex'" in str(error):
            raise kind(f"{name} must be of real numbers: {error}.") from error
        if re.search("could not convert string|must be a string or a real number", str(error)):
            raise kind(f"{name} must be numeric: {error}.{advice}") from error
        if "inhomogeneous" in str(error):
            raise kind(f"{name} must have rows of one length: {error}") from error
        if of_gaps and "contains NaN" in str(error):
            raise ValueError(f"Input {name} contains NaN. {of_gaps}") from error
        if re.search(rf"\b{re.escape(name)}\b", str(error)):
            raise
        raise kind(f"{name}: {error}") from error
