"""How a wide network is drawn: a box a layer, and the distribution of what is between them."""

from typing import Any

import numpy as np

from skbackprop.inspection._network_drawing import (
    Artists,
    Picture,
    arrow_style,
    set_limits,
    write_below,
)
from skbackprop.inspection._plotting import NEGATIVE, POSITIVE, ink, paper, short

# Inches: of a box, from a box to the next, of a histogram.
_BOX, _PERIOD, _WIDTH, _HEIGHT = (1.75, 1.8), 3.5, 1.1, 0.75
_N_BINS = 8
_FONT = 9.0


def summary_limits(n_layers: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits of the axes, in inches, for so many layers, input included."""
    half = 0.5 * _BOX[0] + 0.15
    return (-half, (n_layers - 1) * _PERIOD + half), (-0.5 * _BOX[1] - 0.35, 0.5 * _BOX[1] + 0.1)


def draw_summary(ax: Any, picture: Picture) -> Artists:
    """Draw a box for each layer, with the distribution of its units' numbers, and the weights'."""
    from matplotlib.patches import FancyBboxPatch

    scale = set_limits(ax, *summary_limits(len(picture.sizes)))
    width, height = _BOX
    line_artists, unit_artists, texts = [], [], []
    for depth, (size, fill) in enumerate(zip(picture.sizes, picture.fills, strict=True)):
        x = depth * _PERIOD
        box = FancyBboxPatch(
            *((x - 0.5 * width, -0.5 * height), width, height),
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor=tuple(paper(ax)),
            edgecolor=ink(ax),
        )
        ax.add_patch(box)
        name = f"{size:,} {'input' if depth == 0 else 'unit'}{'s' if size > 1 else ''}"
        y = 0.0 if fill is None else 0.5 * height - 0.2
        name = f"{picture.units_are} of {name}" if fill is not None else name
        texts.append(_centred(ax, x, y, name, scale))
        unit_artists.append([] if fill is None else _draw_histogram(ax, x, -0.45, fill, scale))
    for depth, line in enumerate(picture.lines):
        x = (depth + 0.5) * _PERIOD
        ends = [
            (end * _PERIOD + side * 0.5 * width, 0.5) for end, side in ((depth, 1), (depth + 1, -1))
        ]
        start, end = ends[::-1] if picture.flow == "backward" else ends
        ax.annotate("", end, start, arrowprops=arrow_style(ax))
        name = f"{line.size:,} weight{'s' if line.size > 1 else ''}"
        if picture.lines_are != "w":
            name = f"{picture.lines_are} of {name}"
        texts.append(_centred(ax, x, 0.65, name, scale))
        line_artists.append(_draw_histogram(ax, x, -0.45, line.ravel(), scale))
    xs = [depth * _PERIOD for depth in range(len(picture.sizes))]
    write_below(ax, picture._replace(flow=""), xs, -0.5 * height - 0.1, scale)
    return Artists(line_artists, [], unit_artists, texts)


def _centred(ax: Any, x: float, y: float, text: str, scale: float, size: float = _FONT) -> Any:
    return ax.text(x, y, text, fontsize=size * scale, ha="center", va="center")


def _draw_histogram(ax: Any, x: float, y: float, values: np.ndarray, scale: float) -> list[Any]:
    """Draw bars around x that stand on y: numbers below 0 vermilion and hatched, others blue."""
    from matplotlib.patches import Rectangle

    edges = _bins(values)
    counts, _ = np.histogram(values, edges)
    low, high = edges[0], edges[-1]
    to_inches = _WIDTH / (high - low)
    bars = []
    for left, right, count in zip(edges[:-1], edges[1:], counts, strict=True):
        negative = right <= 0.0
        bar = Rectangle(
            (x - 0.5 * _WIDTH + (left - low) * to_inches, y),
            (right - left) * to_inches,
            _HEIGHT * count / counts.max(),
            facecolor=NEGATIVE if negative else POSITIVE,
            hatch="////" if negative else None,
            edgecolor=tuple(paper(ax)),
            linewidth=0.5,
        )
        bars.append(ax.add_patch(bar))
    ax.plot([x - 0.5 * _WIDTH, x + 0.5 * _WIDTH], [y, y], color=ink(ax), linewidth=0.8)
    for value in sorted({low, 0.0, high}):
        place = x - 0.5 * _WIDTH + (value - low) * to_inches
        ax.plot([place, place], [y, y - 0.05], color=ink(ax), linewidth=0.8)
        if value or min(abs(end) * to_inches or _WIDTH for end in (low, high)) > 0.35:
            _centred(ax, place, y - 0.15, short(value), scale, 0.85 * _FONT)
    return bars


def _bins(values: np.ndarray) -> np.ndarray:
    """Edges of bins of one width, of which one is 0."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    width = (high - low) / _N_BINS
    if width == 0.0:
        return np.array([0.0, 1.0])
    n_negative, n_positive = (int(np.ceil(reach / width - 1e-9)) for reach in (-low, high))
    return width * np.arange(-n_negative, n_positive + 1)
