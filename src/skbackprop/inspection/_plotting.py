"""What the displays share: matplotlib on demand, colours that tell signs, checks of their data."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

POSITIVE, NEGATIVE = "#0072B2", "#D55E00"
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


def paper(ax: Any) -> np.ndarray:
    """Red, green and blue of what axes that are off are drawn on; white if it is transparent."""
    from matplotlib.colors import to_rgba

    *rgb, opacity = to_rgba(ax.figure.canvas.figure.get_facecolor())
    return np.array(rgb) if opacity else np.ones(3)


def ink(ax: Any, strength: float = 1.0) -> tuple[float, ...]:
    """Red, green and blue of text, black in the default style; weaker ones are nearer the paper."""
    from matplotlib import rcParams
    from matplotlib.colors import to_rgb

    return tuple(strength * np.array(to_rgb(rcParams["text.color"])) + (1.0 - strength) * paper(ax))


NEUTRAL = 0.65
"""Strength of the ink of what is neither positive nor negative."""


def room_of(ax: Any) -> np.ndarray:
    """Width and height of axes in inches, once what is around them has its place."""
    figure = ax.figure.canvas.figure
    figure.draw_without_rendering()
    return np.array(ax.get_window_extent().size) / figure.dpi


_SMALLEST = 6.0
"""Points of text that can still be read."""


def fit_text(axes: Iterable[Any], roomy: tuple[float, float]) -> float:
    """Shrink names and ticks where axes have less than `roomy` inches; return by how much."""
    from matplotlib import rcParams

    scale = min(float((room_of(ax) / roomy).min()) for ax in axes)
    scale = min(1.0, max(scale, _SMALLEST / rcParams["font.size"]))
    for ax in axes if scale < 1.0 else ():
        ax.tick_params(labelsize=scale * points("xtick.labelsize"))
        ax.title.set_fontsize(scale * points("axes.titlesize"))
        for label in (ax.xaxis.label, ax.yaxis.label):
            label.set_fontsize(scale * points("axes.labelsize"))
    return scale


def points(name: Any) -> float:
    """A size of text in matplotlib's rcParams, where it may be a word."""
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties

    return float(FontProperties(size=rcParams[name]).get_size_in_points())


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
    array = as_floats(name, value)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; got {array[~np.isfinite(array)][0]}.")
    return array


def as_floats(name: str, value: Any) -> np.ndarray:
    """Return `value` as an array of floats."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of numbers; got {value!r}.") from None


def short(value: float) -> str:
    """Return a number in at most seven characters, with a minus sign of full width."""
    if 1e-3 <= abs(value) < 1e4 or value == 0.0:
        return (f"{value:.2g}" if abs(value) < 10.0 else f"{value:.0f}").replace("-", "−")
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")
