"""Helpers of the displays: lazy import of matplotlib, colours, sizes of text, checks of arrays."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

POSITIVE, NEGATIVE = "#0072B2", "#D55E00"
"""Blue and vermilion of Okabe and Ito's palette. Colour-blind readers can tell them apart."""


def import_pyplot(name: str) -> Any:
    """Import matplotlib.pyplot at the first drawing."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{name}.plot needs matplotlib, which is not installed. Install it by "
            "pip install 'skbackprop[plots]'."
        ) from error
    return plt


def paper(ax: Any) -> np.ndarray:
    """Red, green and blue of the background of the figure; white if it is transparent."""
    from matplotlib.colors import to_rgba

    *rgb, opacity = to_rgba(ax.figure.canvas.figure.get_facecolor())
    return np.array(rgb) if opacity else np.ones(3)


def ink(ax: Any, strength: float = 1.0) -> tuple[float, ...]:
    """Red, green and blue of text. A strength below 1 mixes in the colour of the paper."""
    from matplotlib import rcParams
    from matplotlib.colors import to_rgb

    return tuple(strength * np.array(to_rgb(rcParams["text.color"])) + (1.0 - strength) * paper(ax))


NEUTRAL = 0.65
"""Strength of the ink of things without a sign."""


def room_of(ax: Any) -> np.ndarray:
    """Width and height of axes in inches, after the layout of the figure."""
    figure = ax.figure.canvas.figure
    figure.draw_without_rendering()
    return np.array(ax.get_window_extent().size) / figure.dpi


_SMALLEST_LABEL = 6.0
"""Points of the smallest readable text."""


def fit_text(axes: Iterable[Any], full_size: tuple[float, float]) -> float:
    """Shrink the labels of axes smaller than `full_size` inches. Return the factor."""
    from matplotlib import rcParams

    scale = min(float((room_of(ax) / full_size).min()) for ax in axes)
    scale = min(1.0, max(scale, _SMALLEST_LABEL / rcParams["font.size"]))
    for ax in axes if scale < 1.0 else ():
        ax.tick_params(labelsize=scale * points("xtick.labelsize"))
        ax.title.set_fontsize(scale * points("axes.titlesize"))
        for label in (ax.xaxis.label, ax.yaxis.label):
            label.set_fontsize(scale * points("axes.labelsize"))
    return scale


def points(name: Any) -> float:
    """A font size in matplotlib's rcParams in points. There it may be a word."""
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties

    return float(FontProperties(size=rcParams[name]).get_size_in_points())


Shape = tuple[int | str, ...]
"""A shape of which some sizes are given. The others are at least 1 and have names."""


def check_arrays(
    name: str, value: Any, shapes: Sequence[Shape] | None = None, *, optional: bool = False
) -> list[Any]:
    """Return `value` as finite float arrays of the given shapes, or as matrices of any shape.

    If `optional`, an array may be None.
    """
    if isinstance(value, str) or not hasattr(value, "__len__"):
        raise TypeError(f"{name} must be a sequence of arrays; got {value!r}.")
    if shapes is None:
        shapes = [("n_rows", "n_units")] * len(value)
    if len(value) != len(shapes):
        raise ValueError(f"{name} must have {len(shapes)} arrays; got {len(value)}.")
    return [
        None if part is None and optional else check_array(f"{name}[{i}]", part, shape)
        for i, (part, shape) in enumerate(zip(value, shapes, strict=True))
    ]


def check_array(name: str, value: Any, shape: Shape, *, finite: bool = True) -> np.ndarray:
    """Return `value` as an array of floats of a shape."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of numbers; got {value!r}.") from None
    if finite and not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; got {array[~np.isfinite(array)][0]}.")
    pairs = zip(array.shape, shape, strict=False)
    fits = (size if isinstance(given, str) else size == given for size, given in pairs)
    if array.ndim != len(shape) or not all(fits):
        accepted = str(shape).replace("'", "")
        raise ValueError(f"{name} must have shape {accepted}; got shape {array.shape}.")
    return array


def check_names(name: str, value: Any, default: list[str]) -> list[str]:
    """Return `value` as a list of as many strings as the default has, or the default for None."""
    if value is None:
        return default
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != len(default):
        raise ValueError(f"{name} must be {len(default)} names; got {value!r}.")
    return list(map(str, value))


def shortened(name: str, longest: int) -> str:
    """The name with an ellipsis where it is too long."""
    return name if len(name) <= longest else name[: longest - 1] + "…"


def short(value: float) -> str:
    """Write a number in at most seven characters, with the minus sign of print."""
    # Adding 0 turns −0 into 0.
    value += 0.0
    if 1e-3 <= abs(value) < 1e4 or value == 0.0:
        return (f"{value:.2g}" if abs(value) < 10.0 else f"{value:.0f}").replace("-", "−")
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")
