"""How a network is drawn on axes: units and lines one by one, or a box a layer."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from skbackprop.inspection._plotting import (
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    ink,
    paper,
    room_of,
    short,
)


class Picture(NamedTuple):
    """What is drawn. Layer 0 is the input.

    Attributes
    ----------
    lines : list of ndarray of shape (fan_in, fan_out)
        A number for each weight: itself, or the derivative by it.
    bias_lines : list of ndarray of shape (fan_out,), or None
        Those of the biases.
    fills : list of ndarray of shape (n_units,) or None
        A number for each unit of each layer, told by its fill.
    full : list of float
        The number of each layer that has the darkest fill.
    texts : list of list of str
        What is written into the units of each layer, lines parted by newlines.
    left, right : list of str
        What is written beside the inputs and the outputs.
    captions : list of str
        What is written below the layers.
    title, lines_are, units_are, flow : str
        Above the network; what the numbers of lines and units are; which way, "" for none.
    """

    lines: list[np.ndarray]
    bias_lines: list[np.ndarray] | None
    fills: list[np.ndarray | None]
    full: list[float]
    texts: list[list[str]]
    left: list[str]
    right: list[str]
    captions: list[str]
    title: str
    lines_are: str
    units_are: str
    flow: str

    @property
    def sizes(self) -> list[int]:
        return [len(self.lines[0]), *(line.shape[1] for line in self.lines)]


class Artists(NamedTuple):
    """What was drawn: one a layer, of the lines one a layer but the input."""

    lines: list[Any]
    bias_lines: list[Any]
    units: list[list[Any]]
    texts: list[Any]


class Layout(NamedTuple):
    """Where the units are, in inches."""

    pitch: float
    """Distance of the units of a layer."""
    column: float
    """Distance of the layers."""
    units: list[np.ndarray]
    """Positions, shape (n_units, 2), of each layer."""
    biases: list[np.ndarray]
    """Positions, shape (1, 2), of the bias nodes, each among the units that it acts like."""
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]

    @property
    def radius(self) -> float:
        return 0.36 * self.pitch

    @property
    def size(self) -> tuple[float, float]:
        return self.x_limits[1] - self.x_limits[0], self.y_limits[1] - self.y_limits[0]


# Inches: of a character beside the network, of a caption's line and its width, of all rows of
# units at most.
_CHARACTER, _LINE, _NARROWEST, _HEIGHT = 0.08, 0.19, 0.75, 6.3
# Inches: between the numbers on lines at least, and of the length that clears one of a unit.
_APART, _CLEAR = 0.17, 0.62
# Points: of the smallest and the largest text, and of the numbers on lines.
_SMALLEST, _LARGEST, _ON_LINES = 5.5, 9.0, 8.0


def arrange(picture: Picture, room: np.ndarray | None = None) -> Layout:
    """Place the units: layers in columns, units in the middle of them, biases on top.

    `room` is the width and the height that there is; None for as much as suits the network.
    """
    sizes, n_biases = picture.sizes, int(picture.bias_lines is not None)
    n_gaps = len(sizes) - 1
    # How many pitches the layers reach down and up from the middle.
    low = 0.5 * (max(sizes) - 1)
    high = max(0.5 * (size - 1) + n_biases * (k < n_gaps) for k, size in enumerate(sizes))
    below = _LINE * (2.3 if picture.flow else 1.1)
    left, right = _beside(picture.left), _beside(picture.right)
    width, height = (np.inf, np.inf) if room is None else room
    pitch = min(
        float(np.clip(_HEIGHT / (low + high + 1.0), 0.3, 0.95)),
        max(0.1, (height - below) / (low + high + 1.1)),
        max(0.3, (width - left - right) / (1.3 * n_gaps + 1.0)),
    )
    shares = [_share(line.shape, n_biases) for line in picture.lines]
    numbered = [_CLEAR / share for share in shares if pitch * share >= _APART]
    column = min(
        max(1.7, min(0.5 * (low + high + 1.0) * pitch, 8.0 / n_gaps), *numbered),
        max(_NARROWEST, 1.3 * pitch, (width - left - right - pitch) / n_gaps),
    )
    units, biases = [], []
    for depth, size in enumerate(sizes):
        y = pitch * (0.5 * (size - 1) - np.arange(size))
        units.append(np.column_stack([np.full(size, depth * column), y]))
        if n_biases and depth < len(sizes) - 1:
            biases.append(np.array([[depth * column, y[0] + pitch]]))
    x_limits = -left - 0.5 * pitch, n_gaps * column + 0.5 * pitch + right
    y_limits = -(low + 0.6) * pitch - below, (high + 0.5) * pitch
    return Layout(pitch, column, units, biases, x_limits, y_limits)


def _beside(names: Sequence[str]) -> float:
    """Inches that the names beside the network take."""
    longest = max(_width(line) for name in names for line in name.split("\n"))
    return max(0.4, _CHARACTER * longest + 0.15)


def _share(shape: tuple[int, ...], n_biases: int) -> float:
    """How far along the lines their numbers are, so that they stand evenly apart.

    At 1 / (fan_out + 1) of the way from units a pitch apart, the numbers of one unit fan out over
    as much as is left between those of two.
    """
    fan_in, fan_out = shape
    return 1.0 / (min(fan_in + n_biases, fan_out) + 1)


def draw_units(ax: Any, picture: Picture, layout: Layout) -> Artists:
    """Draw every unit and every weight."""
    from matplotlib.patches import Circle, FancyBboxPatch

    scale = set_limits(ax, layout.x_limits, layout.y_limits)
    r = layout.radius
    line_artists, bias_artists = _draw_lines(ax, picture, layout, scale)
    unit_artists: list[list[Any]] = []
    for places, fill, full in zip(layout.units, picture.fills, picture.full, strict=True):
        values = np.zeros(len(places)) if fill is None else fill
        circles = [
            ax.add_patch(Circle(place, r, zorder=3, **_unit_style(ax, value, full)))
            for place, value in zip(places, values, strict=True)
        ]
        unit_artists.append(circles)
    for place in layout.biases:
        box = FancyBboxPatch(
            *(place[0] - 0.4 * r, 0.8 * r, 0.8 * r),
            boxstyle=f"square,pad={0.1 * r}",
            facecolor=ink(ax, 0.07),
            edgecolor=ink(ax, NEUTRAL),
            zorder=3,
        )
        ax.add_patch(box)
    texts = _write(ax, picture, layout, scale)
    return Artists(line_artists, bias_artists, unit_artists, texts)


def _unit_style(ax: Any, value: float, full: float) -> dict[str, Any]:
    """Blue or, with a dashed rim, vermilion; near enough to the paper for text."""
    colour = np.array(_rgb(NEGATIVE if value < 0.0 else POSITIVE))
    depth = 0.6 * min(1.0, abs(value) / full) if full > 0.0 else 0.0
    return {
        "facecolor": tuple(depth * colour + (1.0 - depth) * paper(ax)),
        "edgecolor": ink(ax),
        "linewidth": 0.9,
        "linestyle": (0, (2, 1.2)) if value < 0.0 else "solid",
    }


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5))


def set_limits(ax: Any, x_limits: tuple[float, float], y_limits: tuple[float, float]) -> float:
    """Set the limits of axes to inches, or wider; return how many an inch has become."""
    room, sizes = room_of(ax), np.diff([x_limits, y_limits])[:, 0]
    margins = 0.5 * np.maximum(room - sizes, 0.0)
    limits = np.array([x_limits, y_limits]) + margins[:, np.newaxis] * [-1.0, 1.0]
    ax.set(xlim=limits[0], ylim=limits[1], aspect="equal")
    return min(1.0, float((room / sizes).min()))


def _draw_lines(
    ax: Any, picture: Picture, layout: Layout, scale: float
) -> tuple[list[Any], list[Any]]:
    """Draw the weights and the biases, with their numbers where there is room."""
    lines, bias_lines = [], []
    for depth, values in enumerate(picture.lines):
        sources, targets = layout.units[depth], layout.units[depth + 1]
        full = float(np.abs(values).max())
        width = 3.2 * scale * min(1.0, layout.pitch / 0.6)
        lines.append(_draw_bundle(ax, sources, targets, values, full, width))
        biases = None if picture.bias_lines is None else picture.bias_lines[depth][np.newaxis]
        share = _share(values.shape, int(biases is not None))
        roomy = layout.pitch * share >= _APART and layout.column * share > 0.99 * _CLEAR
        # Near the side on which there are more units.
        part = share if targets.shape[0] <= sources.shape[0] + (biases is not None) else 1.0 - share
        if roomy:
            _write_numbers(ax, sources, targets, values, part, scale)
        if biases is not None:
            sources = layout.biases[depth]
            bias_lines.append(_draw_bundle(ax, sources, targets, biases, full, width))
            if roomy:
                _write_numbers(ax, sources, targets, biases, part, scale)
    return lines, bias_lines


def _draw_bundle(
    ax: Any,
    sources: np.ndarray,
    targets: np.ndarray,
    values: np.ndarray,
    full: float,
    width: float,
) -> Any:
    """Draw a line from each source to each target, row by row: by sign and by size.

    A number of size `full` has a line of `width` points, larger ones have none wider.
    """
    from matplotlib.collections import LineCollection

    size = np.minimum(1.0, np.abs(values) / full if full > 0.0 else 0.0 * values).ravel()
    negative = values.ravel() < 0.0
    bundle = LineCollection(
        [(source, target) for source in sources for target in targets],
        colors=[
            (*_rgb(NEGATIVE if is_negative else POSITIVE), 0.2 + 0.8 * part)
            for is_negative, part in zip(negative, size, strict=True)
        ],
        linewidths=width * (0.1 + 0.9 * size),
        linestyles=[(0, (3, 1.5)) if is_negative else "solid" for is_negative in negative],
        zorder=1,
    )
    return ax.add_collection(bundle, autolim=False)


def _write_numbers(
    ax: Any,
    sources: np.ndarray,
    targets: np.ndarray,
    values: np.ndarray,
    part: float,
    scale: float,
) -> None:
    """Write the numbers onto the lines, a part of the way from the sources."""
    box = {"boxstyle": "square,pad=0.1", "facecolor": tuple(paper(ax)), "edgecolor": "none"}
    for source, row in zip(sources, values, strict=True):
        for target, value in zip(targets, row, strict=True):
            ax.text(
                *((1.0 - part) * source + part * target),
                short(value),
                fontsize=_ON_LINES * scale,
                ha="center",
                va="center",
                zorder=2,
                bbox=box,
            )


def _write(ax: Any, picture: Picture, layout: Layout, scale: float) -> list[Any]:
    """Write into the units, beside the network and below it."""
    diameter = 2.0 * layout.radius * 72.0
    inside = [
        (place, text)
        for places, texts in zip(layout.units, picture.texts, strict=True)
        for place, text in zip(places, texts, strict=True)
    ]
    inside += [(place[0], "1") for place in layout.biases]
    written = []
    longest = max(1, *(_width(line) for _, text in inside for line in text.split("\n")))
    # A character is about 0.6 as wide as high.
    size = min(_LARGEST, 0.85 * diameter / (0.6 * longest))
    if size >= _SMALLEST:
        centred = {"ha": "center", "va": "center", "zorder": 4, "linespacing": 1.1}
        written = [
            ax.text(*place, text, fontsize=size * scale, **centred) for place, text in inside
        ]
    n_lines = 1 + max(name.count("\n") for name in (*picture.left, *picture.right))
    gap, beside = layout.radius + 0.08, min(_LARGEST, 72.0 * layout.pitch / (1.2 * n_lines))
    sides = (
        (layout.units[0], picture.left, -gap, "right"),
        (*(layout.units[-1], picture.right, gap, "left"),),
    )
    for places, names, shift, align in sides:
        for (x, y), name in zip(places, names, strict=True):
            written.append(
                ax.text(
                    *(x + shift, y, name),
                    fontsize=beside * scale,
                    ha=align,
                    va="center",
                    zorder=4,
                )
            )
    bottom = min(place[-1, 1] for place in layout.units) - 0.6 * layout.pitch
    xs = [place[0, 0] for place in layout.units]
    write_below(ax, picture, xs, bottom, scale)
    return written


def _width(line: str) -> int:
    """About how many characters wide a line is, symbols with what stands above and below them."""
    texts, symbols = line.split("$")[::2], line.split("$")[1::2]
    return sum(map(len, texts)) + sum(4 if "^" in symbol else 2 for symbol in symbols)


def write_below(
    ax: Any, picture: Picture, xs: Sequence[float], bottom: float, scale: float = 1.0
) -> None:
    """Write the captions, and an arrow the way the pass goes."""
    for x, caption in zip(xs, picture.captions, strict=True):
        ax.text(x, bottom, caption, fontsize=_LARGEST * scale, ha="center", va="top")
    if not picture.flow:
        return
    y = bottom - 1.7 * _LINE
    ends = [(xs[0], y), (xs[-1], y)]
    start, end = ends if picture.flow == "forward" else ends[::-1]
    ax.annotate("", end, start, arrowprops=arrow_style(ax))
    ax.text(
        0.5 * (xs[0] + xs[-1]),
        y,
        picture.flow,
        fontsize=_LARGEST * scale,
        ha="center",
        va="center",
        bbox={"boxstyle": "square,pad=0.2", "facecolor": tuple(paper(ax)), "edgecolor": "none"},
    )


def arrow_style(ax: Any) -> dict[str, Any]:
    """How the way of a pass is drawn."""
    return {"arrowstyle": "-|>", "color": ink(ax, NEUTRAL), "shrinkA": 0.0, "shrinkB": 0.0}
