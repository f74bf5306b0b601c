"""What the displays share: matplotlib on demand, colours that tell signs, checks of their data."""

from collections.abc import Sequence
from typing import Any

import numpy as np

POSITIVE, NEGATIVE, NEUTRAL = "#0072B2", "#D55E00", "#595959"
"""Blue and vermilion of Okabe and Ito's palette, which colour-blind eyes tell apart."""


def import_pyplot(name: str) -> Any:
    """Return matplotlib.pyplot, imported when it is first drawn with."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{name}.plot needs matplotlib, which is not installed. Install it by "
            "pip install 'skbackprop[plots]'."
        ) from error
    return plt


def check_arrays(name: str, value: Any, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """Return `value` as finite float arrays of the given shapes."""
    if isinstance(value, str) or not hasattr(value, "__len__"):
        raise TypeError(f"{name} must be a sequence of arrays; got {value!r}.")
    if len(value) != len(shapes):
        raise ValueError(f"{name} must have {len(shapes)} arrays; got {len(value)}.")
    arrays = []
    for i, (part, shape) in enumerate(zip(value, shapes, strict=True)):
        array = check_array(f"{name}[{i}]", part)
        if array.shape != shape:
            raise ValueError(f"{name}[{i}] must have shape {shape}; got shape {array.shape}.")
        arrays.append(array)
    return arrays


def check_array(name: str, value: Any) -> np.ndarray:
    """Return `value` as an array of finite floats."""
    array = check_numbers(name, value)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; got {array[~np.isfinite(array)][0]}.")
    return array


def check_numbers(name: str, value: Any) -> np.ndarray:
    """Return `value` as an array of floats."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of numbers; got {value!r}.") from None


def check_one_of(name: str, value: Any, accepted: Sequence[str]) -> str:
    """Return one of several names."""
    if value not in accepted:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, accepted))}; got {value!r}.")
    return str(value)


def short(value: float) -> str:
    """Return a number in at most seven characters, with a minus sign of full width."""
    if 1e-3 <= abs(value) < 1e4 or value == 0.0:
        return (f"{value:.2g}" if abs(value) < 10.0 else f"{value:.0f}").replace("-", "−")
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")
