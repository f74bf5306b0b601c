"""Drawing a network on axes: all units and lines, or a summary with a box for each layer."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from skbackprop.inspection._plotting import NEGATIVE, NEUTRAL, POSITIVE, ink, paper, room_of, short
from skbackprop.inspection._rendering import plural


class Picture(NamedTuple):
    """The contents of a picture. Layer 0 is the input."""

    lines: list[np.ndarray]
    """The number of each line, shape (fan_in, fan_out): the weight, or the derivative by it."""
    bias_lines: list[np.ndarray] | None
    """The numbers of the lines of the biases, shape (fan_out,)."""
    fills: list[np.ndarray | None]
    """The number of each unit of each layer, shape (n_units,), shown by its fill."""
    full: list[float]
    """For each layer, the number with the darkest fill."""
    texts: list[list[str]]
    """The texts in the units of each layer."""
    left: list[str]
    """The texts beside the inputs."""
    right: list[str]
    """The texts beside the outputs."""
    captions: list[str]
    """The texts below the layers."""
    title: str = "weights"
    """The text above the network."""
    lines_are: str = "w"
    """Symbol of the numbers of lines."""
    units_are: str = ""
    """Symbol of the numbers of units."""
    flow: str = ""
    """Direction of the arrow below the network: "forward", "backward" or ""."""

    @property
    def sizes(self) -> list[int]:
        return [len(self.lines[0]), *(line.shape[1] for line in self.lines)]


Artists = tuple[list[Any], list[Any], list[list[Any]], list[Any]]
"""Lines, lines of the biases and units of each layer, and texts. The input has no lines."""

Limits = tuple[tuple[float, float], tuple[float, float]]
"""Limits of the horizontal and of the vertical axis, in inches."""


class Layout(NamedTuple):
    """The positions of the units, in inches."""

    pitch: float
    """Distance between the units of a layer."""
    units: list[np.ndarray]
    """For each layer, the positions of the units, shape (n_units, 2)."""
    biases: list[np.ndarray]
    """For each layer but the last, the position of its bias node, shape (1, 2)."""
    numbers: list[float | None]
    """The place of the numbers on lines, as a share of their length; None without room."""
    limits: Limits

    @property
    def radius(self) -> float:
        return 0.36 * self.pitch

    @property
    def widest(self) -> float:
        """The width of the widest line, in inches."""
        return _WIDEST / 72.0 * min(1.0, self.pitch / 0.6)


_CENTRED = {"ha": "center", "va": "center"}
# Inches: width of a character beside the network, height of a line of the captions, smallest
# distance between captions, and largest height of the network.
_CHARACTER_WIDTH, _LINE, _NARROWEST, _HEIGHT = 0.08, 0.19, 0.75, 6.3
# Inches: smallest distance between the numbers on lines, and from such a number to its unit.
_APART, _CLEAR = 0.17, 0.62
# Points: the smallest text in units, the largest text, and the numbers on lines.
_SMALLEST_IN_UNITS, _LARGEST, _ON_LINES = 5.5, 9.0, 8.0
# The line of a number of size 0 relative to that of the largest: width and opacity. Opacity of the
# fill of the largest number, with which text has contrast. Points: width of the widest line.
THINNEST, PALEST, FILL, _WIDEST = 0.1, 0.2, 0.5, 3.2
# Inches in a summary: width and height of a box, distance between boxes, width and height of a
# histogram. Points of its text.
_BOX, _PERIOD, _BARS, _SUMMARY_TEXT = (1.75, 1.8), 3.5, (1.1, 0.75), 9.0
_N_BINS = 8


def arrange(picture: Picture, room: np.ndarray | None = None) -> Layout:
    """Place the layers in columns, with the units around the middle and the biases on top.

    `room` is the available width and height; None for a size that suits the network.
    """
    sizes, n_biases = picture.sizes, int(picture.bias_lines is not None)
    n_gaps = len(sizes) - 1
    # Extent of the layers below and above the middle, in pitches.
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
    # At 1 / (fan_out + 1) of the way from units a pitch apart, the numbers are evenly spaced.
    shapes = [(len(line) + n_biases, line.shape[1]) for line in picture.lines]
    shares = [1.0 / (min(shape) + 1) for shape in shapes]
    numbered = [_CLEAR / share for share in shares if pitch * share >= _APART]
    column = min(
        max(1.7, min(0.5 * (low + high + 1.0) * pitch, 8.0 / n_gaps), *numbered),
        max(_NARROWEST, 1.3 * pitch, (width - left - right - pitch) / n_gaps),
    )
    numbers: list[float | None] = []
    for share, (fan_in, fan_out) in zip(shares, shapes, strict=True):
        has_room = pitch * share >= _APART and column * share > 0.99 * _CLEAR
        # The numbers are near the side with more units.
        place = share if fan_out <= fan_in else 1.0 - share
        numbers.append(place if has_room else None)
    units, biases = [], []
    for depth, size in enumerate(sizes):
        y = pitch * (0.5 * (size - 1) - np.arange(size))
        units.append(np.column_stack([np.full(size, depth * column), y]))
        if n_biases and depth < len(sizes) - 1:
            biases.append(np.array([[depth * column, y[0] + pitch]]))
    x_limits = -left - 0.5 * pitch, n_gaps * column + 0.5 * pitch + right
    y_limits = -(low + 0.6) * pitch - below, (high + 0.5) * pitch
    return Layout(pitch, units, biases, numbers, (x_limits, y_limits))


def _beside(names: Sequence[str]) -> float:
    """The width of the names beside the network, in inches."""
    longest = max(_width(line) for name in names for line in name.split("\n"))
    return max(0.4, _CHARACTER_WIDTH * longest + 0.15)


def draw_units(ax: Any, picture: Picture, layout: Layout) -> Artists:
    """Draw every unit and every weight."""
    from matplotlib.patches import Circle, Rectangle

    scale = _set_limits(ax, layout.limits)
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
        style: dict[str, Any] = {"facecolor": ink(ax, 0.07), "edgecolor": ink(ax, NEUTRAL)}
        ax.add_patch(Rectangle(place[0] - 0.5 * r, r, r, zorder=3, **style))
    texts = _write(ax, picture, layout, scale)
    return line_artists, bias_artists, unit_artists, texts


def _unit_style(ax: Any, value: float, full: float) -> dict[str, Any]:
    """Blue, or vermilion with a dashed rim. The fill is pale enough for text."""
    from matplotlib.colors import to_rgb

    colour = np.array(to_rgb(NEGATIVE if value < 0.0 else POSITIVE))
    depth = FILL * min(1.0, abs(value) / full) if full > 0.0 else 0.0
    return {
        "facecolor": tuple(depth * colour + (1.0 - depth) * paper(ax)),
        "edgecolor": ink(ax),
        "linewidth": 0.9,
        "linestyle": (0, (2, 1.2)) if value < 0.0 else "solid",
    }


def _set_limits(ax: Any, limits: Limits) -> float:
    """Set the limits of axes in inches, or wider. Return the scale at which an inch is drawn."""
    room, sizes = room_of(ax), np.diff(limits)[:, 0]
    margins = 0.5 * np.maximum(room - sizes, 0.0)
    x_limits, y_limits = np.array(limits) + margins[:, np.newaxis] * [-1.0, 1.0]
    ax.set(xlim=x_limits, ylim=y_limits, aspect="equal")
    return min(1.0, float((room / sizes).min()))


def _draw_lines(
    ax: Any, picture: Picture, layout: Layout, scale: float
) -> tuple[list[Any], list[Any]]:
    """Draw the weights and the biases, with their numbers if there is room."""
    lines: list[Any] = []
    bias_lines: list[Any] = []
    for depth, values in enumerate(picture.lines):
        full = float(np.abs(values).max())
        part = layout.numbers[depth]
        bundles = [(layout.units[depth], values, lines)]
        if picture.bias_lines is not None:
            bundles.append((layout.biases[depth], picture.bias_lines[depth][None], bias_lines))
        for sources, numbers, artists in bundles:
            ends = [(source, target) for source in sources for target in layout.units[depth + 1]]
            width = 72.0 * scale * layout.widest
            artists.append(_draw_bundle(ax, ends, numbers.ravel(), full, width))
            if part is None:
                continue
            style = {"fontsize": _ON_LINES * scale, "zorder": 2, "bbox": _box(ax, 0.1)} | _CENTRED
            for (source, target), value in zip(ends, numbers.ravel(), strict=True):
                ax.text(*((1.0 - part) * source + part * target), short(value), **style)
    return lines, bias_lines


def _draw_bundle(
    ax: Any, ends: Sequence[Any], values: np.ndarray, full: float, width: float
) -> Any:
    """Draw lines. A number of size `full` or more has a line of `width` points."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgba_array

    size = np.minimum(1.0, np.abs(values) / full if full > 0.0 else 0.0 * values)
    negative = values < 0.0
    colours = to_rgba_array(np.where(negative, NEGATIVE, POSITIVE), PALEST + (1.0 - PALEST) * size)
    bundle = LineCollection(
        ends,
        colors=colours,
        linewidths=width * (THINNEST + (1.0 - THINNEST) * size),
        linestyles=[(0, (3, 1.5)) if is_negative else "solid" for is_negative in negative],
        zorder=1,
    )
    return ax.add_collection(bundle, autolim=False)


def _box(ax: Any, pad: float) -> dict[str, Any]:
    """The style of a box of paper behind text."""
    return {"boxstyle": f"square,pad={pad}", "facecolor": tuple(paper(ax)), "edgecolor": "none"}


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
    # The width of a character is about 0.6 of its height.
    size = min(_LARGEST, 0.85 * diameter / (0.6 * longest))
    if size >= _SMALLEST_IN_UNITS:
        style = {"fontsize": size * scale, "zorder": 4, "linespacing": 1.1} | _CENTRED
        written = [ax.text(*place, text, **style) for place, text in inside]
    n_lines = 1 + max(name.count("\n") for name in (*picture.left, *picture.right))
    gap, beside = layout.radius + 0.08, min(_LARGEST, 72.0 * layout.pitch / (1.2 * n_lines))
    for side, names, shift, align in (
        (0, picture.left, -gap, "right"),
        (-1, picture.right, gap, "left"),
    ):
        style = {"fontsize": beside * scale, "zorder": 4, "ha": align, "va": "center"}
        for (x, y), name in zip(layout.units[side], names, strict=True):
            written.append(ax.text(x + shift, y, name, **style))
    bottom = min(place[-1, 1] for place in layout.units) - 0.6 * layout.pitch
    xs = [place[0, 0] for place in layout.units]
    _write_below(ax, picture, xs, bottom, scale)
    return written


def _width(line: str) -> int:
    """The approximate width of a line in characters, indices of symbols included."""
    parts = line.replace(r"\$", "S").split("$")
    texts, symbols = parts[::2], parts[1::2]
    return sum(map(len, texts)) + sum(4 if "^" in symbol else 2 for symbol in symbols)


def _write_below(
    ax: Any, picture: Picture, xs: Sequence[float], bottom: float, scale: float
) -> None:
    """Write the captions, and draw an arrow in the direction of the pass."""
    for x, caption in zip(xs, picture.captions, strict=True):
        ax.text(x, bottom, caption, fontsize=_LARGEST * scale, ha="center", va="top")
    if not picture.flow:
        return
    y = bottom - 1.7 * _LINE
    _draw_arrow(ax, xs[0], xs[-1], y, picture.flow)
    style = {"fontsize": _LARGEST * scale, "bbox": _box(ax, 0.2)} | _CENTRED
    ax.text(0.5 * (xs[0] + xs[-1]), y, picture.flow, **style)


def _draw_arrow(ax: Any, left: float, right: float, y: float, flow: str) -> None:
    """Draw an arrow in the direction of the pass."""
    start, end = (right, left) if flow == "backward" else (left, right)
    style = {"arrowstyle": "-|>", "color": ink(ax, NEUTRAL), "shrinkA": 0.0, "shrinkB": 0.0}
    ax.annotate("", (end, y), (start, y), arrowprops=style)


def summary_limits(n_layers: int) -> Limits:
    """Limits of the axes of a summary. The input is one of the layers."""
    half = 0.5 * _BOX[0] + 0.15
    return (-half, (n_layers - 1) * _PERIOD + half), (-0.5 * _BOX[1] - 0.35, 0.5 * _BOX[1] + 0.1)


def draw_summary(ax: Any, picture: Picture) -> Artists:
    """Draw a box for each layer, with histograms of the units and of the weights between them."""
    from matplotlib.patches import FancyBboxPatch

    scale = _set_limits(ax, summary_limits(len(picture.sizes)))
    width, height = _BOX
    style = {"fontsize": _SUMMARY_TEXT * scale} | _CENTRED
    line_artists, unit_artists, texts = [], [], []
    for depth, (size, fill) in enumerate(zip(picture.sizes, picture.fills, strict=True)):
        x = depth * _PERIOD
        box = FancyBboxPatch(
            (x - 0.5 * width, -0.5 * height),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor=tuple(paper(ax)),
            edgecolor=ink(ax),
        )
        ax.add_patch(box)
        name = plural(size, "unit" if depth else "input")
        y = 0.0 if fill is None else 0.5 * height - 0.2
        name = f"{picture.units_are} of {name}" if fill is not None else name
        texts.append(ax.text(x, y, name, **style))
        unit_artists.append([] if fill is None else _draw_histogram(ax, x, -0.45, fill, scale))
    for depth, line in enumerate(picture.lines):
        x = (depth + 0.5) * _PERIOD
        left, right = depth * _PERIOD + 0.5 * width, (depth + 1) * _PERIOD - 0.5 * width
        _draw_arrow(ax, left, right, 0.5, picture.flow)
        name = plural(line.size, "weight")
        if picture.lines_are != "w":
            name = f"{picture.lines_are} of {name}"
        texts.append(ax.text(x, 0.65, name, **style))
        line_artists.append(_draw_histogram(ax, x, -0.45, line.ravel(), scale))
    xs = [depth * _PERIOD for depth in range(len(picture.sizes))]
    _write_below(ax, picture._replace(flow=""), xs, -0.5 * height - 0.1, scale)
    return line_artists, [], unit_artists, texts


def _draw_histogram(ax: Any, x: float, y: float, values: np.ndarray, scale: float) -> list[Any]:
    """Draw bars around x on a line at y. Bars below 0 are vermilion and hatched, others blue."""
    edges = _bins(values)
    counts, _ = np.histogram(values, edges)
    low, high = edges[0], edges[-1]
    start, to_inches = x - 0.5 * _BARS[0], _BARS[0] / (high - low)
    negative = edges[1:] <= 0.0
    bars = ax.bar(
        start + (edges[:-1] - low) * to_inches,
        _BARS[1] * counts / counts.max(),
        np.diff(edges) * to_inches,
        y,
        align="edge",
        color=np.where(negative, NEGATIVE, POSITIVE),
        hatch=["////" if is_negative else None for is_negative in negative],
        edgecolor=tuple(paper(ax)),
        linewidth=0.5,
    )
    ax.plot([start, x + 0.5 * _BARS[0]], [y, y], color=ink(ax), linewidth=0.8)
    for value in sorted({low, 0.0, high}):
        place = start + (value - low) * to_inches
        ax.plot([place, place], [y, y - 0.05], color=ink(ax), linewidth=0.8)
        if value or min(abs(end) * to_inches or _BARS[0] for end in (low, high)) > 0.35:
            size = 0.85 * _SUMMARY_TEXT * scale
            ax.text(place, y - 0.15, short(value), fontsize=size, **_CENTRED)
    return list(bars)


def _bins(values: np.ndarray) -> np.ndarray:
    """Edges of bins of equal width. One edge is 0."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    width = (high - low) / _N_BINS
    if width == 0.0:
        return np.array([0.0, 1.0])
    n_negative, n_positive = (int(np.ceil(reach / width - 1e-9)) for reach in (-low, high))
    return width * np.arange(-n_negative, n_positive + 1)
