"""Checks of class labels: none missing, of one type that sorts."""

import numbers
from typing import Any

import numpy as np
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_array

from skbackprop._estimators.check_data import naming
from skbackprop._estimators.check_kinds import check_container


def check_labels(name: str, value: Any) -> Any:
    """Labels as an array or CSR matrix, none missing."""
    check_container(name, value)
    if type(value) is np.ndarray and value.ndim == 1 and value.size and value.dtype.kind in "biu":
        # `check_array` would return it as it is, and takes as long as several steps.
        return value
    if hasattr(value, "toarray") and value.ndim == 1:
        raise TypeError(
            f"{name} must be dense, or a sparse matrix of shape (n_samples, n_labels); got a "
            "sparse array of one dimension. Convert it by toarray()."
        )
    dtype = getattr(value, "dtype", None)
    if getattr(dtype, "kind", None) == "T":
        raise TypeError(f"{name} must be of another dtype than {dtype}, such as astype(str).")
    with naming(name):
        labels = check_array(
            value,
            accept_sparse="csr",
            ensure_2d=False,
            dtype=None,
            ensure_all_finite="allow-nan",
            input_name=name,
        )
    values = labels if isinstance(labels, np.ndarray) else labels.data
    try:
        missing = np.asarray((values != values) | (values == None), dtype=bool)  # noqa: E711
    except (TypeError, ValueError):
        # pandas' NA, whose comparisons have no truth, and arrays.
        missing = np.vectorize(_is_missing, [bool])(values)
    if missing.any():
        raise ValueError(
            f"{name} must have no missing labels; got {values[missing][0]}, {missing.sum()} of "
            f"{missing.size}. Leave out the rows without a label."
        )
    if getattr(dtype, "kind", None) == "b":
        # Those of pandas have become numbers.
        return labels.astype(bool)
    return labels


def is_multilabel(y: Any) -> bool:
    """Whether checked labels are a matrix of zeros and ones, several a row, or else one a row."""
    if y.ndim == 1 and y.dtype.kind in "biu" and 2 * len(np.unique(y)) <= len(y):
        # What is plain needs no `type_of_target`, which takes as long as several steps.
        return False
    try:
        kind = type_of_target(y, input_name="y")
    except TypeError as error:
        raise _not_of_one_type("y", y) from error
    if kind not in ("binary", "multiclass", "multilabel-indicator"):
        found = _types(y) if kind == "unknown" else f"{kind}."
        raise ValueError(
            "Unknown label type: y must be class labels or a multilabel matrix of zeros and "
            f"ones; got {found}"
        )
    return bool(kind == "multilabel-indicator")


def check_classes(classes: Any, y: np.ndarray) -> np.ndarray:
    """All labels, sorted, of the kind that `y` has."""
    with naming("classes"):
        if np.ndim(classes) == 0:
            raise TypeError(
                "classes must be an array-like of all labels, of shape (n_classes,); "
                f"got {classes!r}."
            )
        labels = check_labels("classes", classes)
    if np.ndim(labels) != 1:
        raise ValueError(f"classes must have shape (n_classes,); got shape {np.shape(labels)}.")
    try:
        labels = np.unique(labels)
    except TypeError as error:
        raise _not_of_one_type("classes", labels) from error
    if (labels.dtype.kind in "US") != (y.dtype.kind in "US") and "O" not in (
        labels.dtype.kind,
        y.dtype.kind,
    ):
        raise ValueError(
            f"classes must be labels of the type of y, {y.dtype}; got {labels.tolist()}."
        )
    return labels


def _is_missing(label: Any) -> bool:
    """None, NaN, NaT, or pandas' NA, whose comparisons have no truth."""
    try:
        return label is None or bool(label != label)
    except TypeError:
        return True
    except ValueError:
        # Of an array.
        return False


def _not_of_one_type(name: str, labels: np.ndarray) -> TypeError:
    """What is said of labels that do not sort."""
    return TypeError(
        f"{name} must have labels of one type that sorts, such as strings; got {_types(labels)}"
    )


def _types(labels: np.ndarray) -> str:
    """The types of labels, and what to do about them."""
    values = labels.ravel().tolist()
    names = sorted({type(label).__name__ for label in values})
    target = "str"
    if all(isinstance(v, bool | np.bool_) for v in values):
        target = "bool"
    elif all(isinstance(v, numbers.Integral) and abs(int(v)) < 2**63 for v in values):
        target = "int"
    return f"labels of type {', '.join(names)}. Convert them, for instance by astype({target})."
