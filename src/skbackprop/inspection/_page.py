"""The page that plays recorded fits: one HTML file with its data, styles and script.

The traces of the frames say all that the page shows. Their reports become templates of HTML, and
the numbers in them become columns over the frames, each kept once. The script of the page fills
the numbers in, in the format of print.
"""

import base64
import html
import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skbackprop.inspection import _notation as notation
from skbackprop.inspection._layers import weights_of
from skbackprop.inspection._network_display import NetworkDisplay, contents_of
from skbackprop.inspection._network_drawing import FILL, PALEST, THINNEST, arrange
from skbackprop.inspection._rendering import Product, Report, Table, html_of, plural
from skbackprop.inspection._trace import StepTrace

# Bytes of a page.
_LARGEST = 500_000
_SCRIPTS = "numbers.js", "drawing.js", "predictions.js", "view.js"
# The largest network of which all weights are drawn and traced.
_MAX_UNITS, _MAX_WEIGHTS = 24, 200
# Rows whose passes the network shows, and rows that are drawn as points.
_MAX_PASSES, _MAX_POINTS = 8, 300


class Played(NamedTuple):
    """A fit to be played."""

    steps: np.ndarray
    losses: np.ndarray
    trace: Callable[[int], StepTrace]
    """The trace of the step after a frame."""
    last: StepTrace
    """The trace of all rows at the fitted weights."""
    kept_earlier: bool
    """Whether the last frame has earlier weights than those after the last step."""
    names: dict[str, Any]
    """Names of inputs and outputs."""
    classifies: bool
    multilabel: bool


class Playable:
    """What a page can play: `_played` says what the page shows of it."""

    def _played(self) -> Played:
        raise NotImplementedError

    def to_html(
        self,
        path: str | PathLike[str] | None = None,
        *,
        beside: "Playable | None" = None,
        names: Sequence[str] | None = None,
        title: str | None = None,
    ) -> str:
        """Write a page that plays the fit.

        It is one file of at most 500 kB that needs no network. If all frames would make it larger,
        it has every second, fourth, … of them. The first 24 rows of a step have their numbers in
        it, as in print.

        Parameters
        ----------
        path : str or path-like, default=None
            The file to write; None to write none.
        beside : FitRecording, default=None
            Another recording, played beside this one step by step.
        names : sequence of str, default=None
            Names of the fits, one or two; None for the sizes of their networks.
        title : str, default=None
            Title of the page; None for the names.

        Returns
        -------
        html : str
            The page.

        Raises
        ------
        TypeError
            If `path` is no path, `beside` is not a `FitRecording`, or `names` or `title` are not
            strings.
        ValueError
            If there are not as many different `names` as fits, or if the network is too large to
            be drawn weight by weight.
        """
        if beside is not None and not isinstance(beside, Playable):
            raise TypeError(f"beside must be a FitRecording; got {type(beside).__name__}.")
        if path is not None and not isinstance(path, str | PathLike):
            raise TypeError(f"path must be a path or None; got {path!r}.")
        if title is not None and not isinstance(title, str):
            raise TypeError(f"title must be a string or None; got {title!r}.")
        fits = [self] if beside is None else [self, beside]
        if names is not None:
            _check_names(names, len(fits))
        page = page_of([one._played() for one in fits], names, title)
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def _repr_html_(self) -> str:
        return as_iframe(self.to_html())


def _check_names(names: Any, n_fits: int) -> None:
    strings = f"a list of {plural(n_fits, 'string')}{', not the same' * (n_fits > 1)}"
    accepted = f"names must be {strings}"
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{accepted}; got {names!r}.")
    if len(set(names)) != len(names) or len(names) != n_fits:
        raise ValueError(f"{accepted}; got {names!r}.")


def page_of(
    fits: Sequence[Played],
    names: Sequence[str] | None = None,
    title: str | None = None,
    *,
    at_end: bool = False,
) -> str:
    """The page of one fit, or of several side by side. It opens at the first frame or the last."""
    panels = [_Panel(fit) for fit in fits]
    sizes = [panel.name for panel in panels]
    if names is None and len(set(sizes)) < len(sizes):
        names = [f"{name}, fit {number}" for number, name in enumerate(sizes, start=1)]
    for panel, name in zip(panels, names or sizes, strict=True):
        panel.name = name
    title = title or " and ".join(names or sizes)
    stride = 1
    while True:
        page = _filled(title, [panel.contents(stride) for panel in panels], at_end)
        # A name may have halves of surrogate pairs, which no encoding has.
        encoded = page.encode(errors="replace")
        if len(encoded) <= _LARGEST:
            return encoded.decode()
        if all(stride >= len(panel.steps) for panel in panels):
            raise ValueError(
                f"estimator must have fewer weights, or X fewer rows, for a page of {_LARGEST:,} "
                f"bytes; got a {panels[0].name}, of which two frames take {len(encoded):,}."
            )
        stride *= 2


def as_iframe(page: str) -> str:
    """The page within another one, with styles and scripts of its own."""
    return (
        f'<div><iframe srcdoc="{html.escape(page)}" title="A fit, step by step" '
        'style="width: 100%; height: 60em; border: 0"></iframe></div>'
    )


def _filled(title: str, panels: list[dict[str, Any]], at_end: bool) -> str:
    # In a script "</" and "<!--" would end the data or hide what follows.
    contents = {"panels": panels, "at_end": at_end}
    data = json.dumps(contents, ensure_ascii=False, separators=(",", ":"))
    parts = {
        "title": html.escape(title),
        "style": _resource("view.css"),
        "script": "\n".join(map(_resource, _SCRIPTS)),
        "data": data.replace("<", "\\u003c"),
    }
    return re.sub(r"\{(\w+)\}", lambda match: parts[match[1]], _resource("view.html"))


@cache
def _resource(name: str) -> str:
    return files("skbackprop.inspection").joinpath("_view", name).read_text(encoding="utf-8")


class _Series:
    """A report over the frames: its templates, and the numbers that fill them in."""

    def __init__(self) -> None:
        self._variants: dict[Any, int] = {}
        self._which: list[int] = []
        self.numbers: list[list[float]] = []

    def add(self, report: Report) -> None:
        """Add the report of a frame."""
        numbers: list[float] = []
        template = _template(report, numbers)
        self._which.append(self._variants.setdefault(template, len(self._variants)))
        self.numbers.append(numbers)

    def contents(self, kept: np.ndarray, slots: list[int]) -> dict[str, Any]:
        """What the page has of it."""
        used, which = np.unique([self._which[frame] for frame in kept], return_inverse=True)
        variants = list(self._variants)
        return {
            "which": which.tolist() if len(used) > 1 else 0,
            "variants": [_in_html(variants[number]) for number in used],
            "slots": slots,
        }


class _Number(NamedTuple):
    """A number of a template, by its position."""

    at: int
    is_whole: bool


class _Product(NamedTuple):
    """A number of a template that is the product of others, by their positions."""

    of: tuple[int, ...]


class _Grid(NamedTuple):
    """The template of a table."""

    title: str
    heads: tuple[tuple[str, ...], ...]
    is_number: tuple[bool, ...]
    lines: tuple[tuple[Any, ...], ...]
    left_out: tuple[str, ...]


def _template(report: Report, numbers: list[float]) -> tuple[Any, ...]:
    """The report with positions for numbers, which are added to `numbers`."""
    # The factors of a product are the objects that are the cells beside it.
    places: dict[int, int] = {}

    def place(number: float) -> int:
        at = places.setdefault(id(number), len(numbers))
        if at == len(numbers):
            numbers.append(number)
        return at

    def cell(value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, Product):
            return _Product(tuple(map(place, value.factors)))
        if isinstance(value, int):
            # Equal integers may be one object.
            numbers.append(float(value))
            return _Number(len(numbers) - 1, is_whole=True)
        return _Number(place(value), is_whole=False)

    parts: list[Any] = []
    for part in report:
        if not isinstance(part, Table):
            strings = (part,) if isinstance(part, str) else part
            parts.append(tuple(map(cell, strings)))
            continue
        heads = tuple(map(tuple, part.heads()))
        lines = tuple(tuple(map(cell, line)) for line in part.lines)
        left_out = tuple(part.what_is_left_out())
        parts.append(_Grid(part.title, heads, tuple(part.is_number()), lines, left_out))
    return tuple(parts)


def _in_html(template: tuple[Any, ...]) -> list[Any]:
    """The template for the script: strings are HTML, numbers positions, products lists of them.

    An integer is in an object, since it is written as it is.
    """

    def cell(value: Any) -> Any:
        if isinstance(value, str):
            return html_of(value)
        if isinstance(value, _Number):
            return {"whole": value.at} if value.is_whole else value.at
        return None if value is None else value.of

    return [
        {
            "title": html_of(part.title),
            "heads": [list(map(html_of, head)) for head in part.heads],
            "right": part.is_number,
            "lines": [list(map(cell, line)) for line in part.lines],
            "rest": list(map(html_of, part.left_out)),
        }
        if isinstance(part, _Grid)
        else list(map(cell, part))
        for part in template
    ]


class _Panel:
    """A fit in the page."""

    def __init__(self, fit: Played) -> None:
        self.steps = fit.steps
        self._fit = fit
        self._drawn = _drawing(fit)
        sizes = self._drawn["sizes"]
        self.name = f"{'-'.join(map(str, sizes))} network"
        n_weights = sum(layer.coef.size for layer in fit.last.layers)
        if max(sizes) > _MAX_UNITS or n_weights > _MAX_WEIGHTS:
            raise ValueError(
                f"estimator must have at most {_MAX_UNITS} inputs or units a layer and "
                f"{_MAX_WEIGHTS} weights for a page; got a {self.name} of {n_weights:,} weights."
            )
        self._weights = [weight for layer in fit.last.layers for weight, *_ in weights_of(layer)]
        self._series = {name: _Series() for name in ("step", *(w.name for w in self._weights))}
        self._rows: list[list[int]] = []
        passes: list[list[float]] = []
        # A descent that diverges leaves the range of floats.
        with np.errstate(over="ignore", invalid="ignore"):
            for frame in range(len(fit.steps)):
                trace = fit.trace(frame)
                self._series["step"].add(trace._report())
                for weight in self._weights:
                    self._series[weight.name].add(trace.chain(weight.name)._report())
                self._rows.append(trace.rows[:_MAX_PASSES].tolist())
                passes.append(_passes(trace))
        numbers = [*(one.numbers for one in self._series.values()), passes]
        self._columns = list(map(_padded, numbers))

    def contents(self, stride: int) -> dict[str, Any]:
        """What the page has of every so many frames, and of the last."""
        n_frames = len(self.steps)
        kept = np.unique([*range(0, n_frames, stride), n_frames - 1])
        names = [*self._series, "passes"]
        columns = [numbers[kept] for numbers in self._columns]
        slots, constant, varying = _each_once(np.hstack(columns))
        ends = np.cumsum([part.shape[1] for part in columns])
        of = {
            name: slots[end - part.shape[1] : end]
            for name, part, end in zip(names, columns, ends, strict=True)
        }
        return {
            "name": self.name,
            "steps": self.steps[kept].tolist(),
            "losses": _packed(self._fit.losses[kept]),
            "constant": _packed(constant),
            "varying": _packed(varying),
            "reports": {name: one.contents(kept, of[name]) for name, one in self._series.items()},
            "weights": [
                [weight.name, notation.math_as_text(weight.symbol)] for weight in self._weights
            ],
            "passes": of["passes"],
            "rows": [self._rows[frame] for frame in kept],
            "kept_earlier": self._fit.kept_earlier,
            **self._drawn,
        }


def _padded(lists: Sequence[list[float]]) -> np.ndarray:
    """The lists as rows, short ones filled up by zeros."""
    width = max(map(len, lists))
    return np.array([row + [0.0] * (width - len(row)) for row in lists])


def _each_once(columns: np.ndarray) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Keep each column once: those that are constant, as one number, before those that vary."""
    seen: dict[bytes, int] = {}
    which = [seen.setdefault(column.tobytes(), len(seen)) for column in columns.T.copy()]
    once = np.array([np.frombuffer(column) for column in seen])
    same = np.array([column == column[:8] * (len(column) // 8) for column in seen])
    order = np.empty(len(once), dtype=np.intp)
    order[np.argsort(~same, kind="stable")] = np.arange(len(once))
    return order[which].tolist(), once[same, 0], once[~same].T


def _packed(numbers: np.ndarray) -> str:
    """Little-endian doubles in base64."""
    return base64.b64encode(np.ascontiguousarray(numbers, dtype="<f8").tobytes()).decode()


def _passes(trace: StepTrace) -> list[float]:
    """Weights and gradients, then inputs, activations and deltas of the first rows."""
    weights = np.array(
        [[value, gradient] for layer in trace.layers for _, value, gradient, _ in weights_of(layer)]
    )
    rows = slice(0, _MAX_PASSES)
    activations = [trace.layers[0].inputs[rows], *(layer.a[rows] for layer in trace.layers)]
    deltas = [layer.delta[rows] for layer in trace.layers]
    passes = np.hstack([*activations, *deltas, trace.target[rows]])
    return [*weights.ravel().tolist(), *passes.ravel().tolist()]


def _drawing(fit: Played) -> dict[str, Any]:
    """Where the network is drawn, and the points that it learns."""
    last, names = fit.last, fit.names
    display = NetworkDisplay(**contents_of(last), **names)
    weights, picture = display._picture("weights"), display._picture("gradients")
    # Room for the widest numbers.
    left, right = ([f"{name} = −0.1" for name in side] for side in (weights.left, weights.right))
    layout = arrange(picture._replace(left=left, right=[f"{name}\ny = 1" for name in right]))
    layers = last.layers
    return {
        "sizes": weights.sizes,
        "units": [_rounded(places) for places in layout.units],
        "biases": [_rounded(places[0]) for places in layout.biases],
        "limits": [_rounded(limits) for limits in layout.limits],
        "radius": layout.radius,
        "pitch": layout.pitch,
        "line": {"widest": layout.widest, "thinnest": THINNEST, "palest": PALEST},
        "fill": FILL,
        "places": layout.numbers,
        "symbols": [[_as_text(text) for text in texts] for texts in weights.texts],
        "inputs": list(map(_as_text, weights.left)),
        "outputs": list(map(_as_text, weights.right)),
        "captions": weights.captions,
        "activations": [layer.activation for layer in layers],
        "points": layers[0].inputs[:_MAX_POINTS].tolist() if weights.sizes[0] <= 2 else [],
        "targets": last.target[:_MAX_POINTS].tolist() if weights.sizes[0] <= 2 else [],
        "classifies": fit.classifies,
        "multilabel": fit.multilabel,
    }


def _rounded(places: Any) -> list[Any]:
    rounded: list[Any] = np.round(places, 3).tolist()
    return rounded


def _as_text(symbol: str) -> str:
    if symbol.startswith("$"):
        return notation.math_as_text(symbol.strip("$"))
    return symbol.replace(r"\$", "$")
