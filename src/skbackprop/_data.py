"""Checks of data: errors name the argument, what is wrong with it, and what to do."""

import numbers
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from skbackprop._network import Network

_PRECISIONS = [np.float64, np.float32]


def check_inputs(estimator: Any, X: Any, *, dtype: Any = None, reset: bool) -> Any:
    """X as a float array or CSR matrix, in `dtype` or else in its own precision."""
    advice = (
        " Encode categories first, for instance by a OneHotEncoder or OrdinalEncoder in a "
        "pipeline (sklearn.preprocessing)."
    )
    with naming("X", advice):
        return validate_data(
            estimator,
            X,
            accept_sparse="csr",
            dtype=_PRECISIONS if dtype is None else dtype,
            reset=reset,
        )


def check_numbers(name: str, value: Any, *, dtype: np.dtype) -> np.ndarray:
    """An array of finite numbers within the range of `dtype`, with up to two dimensions."""
    with naming(name):
        array = check_array(value, ensure_2d=False, dtype=_PRECISIONS, input_name=name)
    with np.errstate(over="ignore"):
        converted: np.ndarray = np.ascontiguousarray(array, dtype=dtype)
    if not np.isfinite(converted).all():
        raise ValueError(
            f"{name} must be within the range of {dtype}, the precision of X; got values up to "
            f"{np.abs(array).max():.3g}. Scale {name}, or pass X in float64."
        )
    return converted


def check_sample_weight(sample_weight: Any, n_rows: int) -> np.ndarray | None:
    """Weights in float64: finite, none negative, not all zero."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, numbers.Real):
        sample_weight = np.full(n_rows, sample_weight)
    weights = check_numbers("sample_weight", sample_weight, dtype=np.dtype(np.float64))
    if weights.shape != (n_rows,):
        raise ValueError(
            f"sample_weight must have shape ({n_rows},), one weight a row of X; "
            f"got shape {weights.shape}."
        )
    if weights.min() < 0.0:
        raise ValueError(
            f"sample_weight must not be negative; got {weights.min()} in row {weights.argmin()}."
        )
    if not weights.any():
        raise ValueError(
            "sample_weight must have at least one weight that is not zero; "
            f"got {n_rows} weights of zero."
        )
    return weights


def set_initial(network: Network, params: np.ndarray, coefs: Any, intercepts: Any) -> None:
    """Overwrite the initial parameters by those given to fit."""
    layers = network.layers(params)
    if intercepts is not None and not network.fit_intercept:
        if any(map(np.any, intercepts)):
            raise ValueError(
                "intercepts_init must be None or zero with fit_intercept=False; "
                f"got {intercepts!r}."
            )
        intercepts = None
    for name, given, wanted in (
        ("coefs_init", coefs, [coef for coef, _ in layers]),
        ("intercepts_init", intercepts, [b for _, b in layers if b is not None]),
    ):
        if given is None:
            continue
        accepted = f"{name} must be a sequence of {len(wanted)} arrays, one a layer"
        if not isinstance(given, Sequence) and getattr(given, "ndim", 0) == 0:
            raise TypeError(f"{accepted}; got {given!r}.")
        if len(given) != len(wanted):
            raise ValueError(f"{accepted}; got {len(given)}.")
        for i, (value, part) in enumerate(zip(given, wanted, strict=True)):
            array = check_numbers(f"{name}[{i}]", value, dtype=params.dtype)
            if array.shape != part.shape:
                raise ValueError(
                    f"{name}[{i}] must have shape {part.shape}; got shape {array.shape}."
                )
            part[...] = array


@contextmanager
def naming(name: str, advice: str = "") -> Iterator[None]:
    """Name the argument in errors that do not, and say what to do about strings."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if "could not convert string" in str(error):
            raise ValueError(f"{name} must be numeric: {error}.{advice}") from error
        if re.search(rf"\b{re.escape(name)}\b", str(error)):
            raise
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"{name}: {error}") from error
