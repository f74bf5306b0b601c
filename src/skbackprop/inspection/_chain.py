"""The chain rule at one weight: all factors of its gradient, path by path."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skbackprop.inspection import _notation as notation
from skbackprop.inspection._rendering import (
    MAX_LINES,
    Report,
    Table,
    as_html,
    format_number,
    frame_of,
    latex_number,
    table_of,
    text,
)
from skbackprop.inspection._step import LayerStep, Step


class Factor(NamedTuple):
    """A factor of the chain rule: its symbol and formula in LaTeX, and its value in each row."""

    symbol: str
    formula: str
    values: np.ndarray


class Path(NamedTuple):
    """A way from a weight to J, which its factors go back."""

    units: tuple[int, ...]
    """Numbers of the units from the layer of the weight to the last, from 0."""
    factors: list[Factor]
    way: str
    """The symbols of the units."""

    @property
    def product(self) -> np.ndarray:
        """The product of the factors in each row."""
        return np.prod([factor.values for factor in self.factors], axis=0)


class Weight(NamedTuple):
    """A coefficient, or where `before` is None an intercept, numbered from 0."""

    depth: int
    before: int | None
    unit: int

    @classmethod
    def named(cls, name: Any, layers: list[LayerStep]) -> "Weight":
        """The weight called ``"coefs[l][i, j]"`` or ``"intercepts[l][j]"``."""
        if not isinstance(name, str):
            raise TypeError(f"weight must be {_ACCEPTED}; got {name!r}.")
        pattern = r"(?:coefs_?\[(\d+)\]\[(\d+), *(\d+)\]|intercepts_?\[(\d+)\]\[(\d+)\])"
        match = re.fullmatch(pattern, name.strip())
        if match is None:
            raise ValueError(f"weight must be {_ACCEPTED}; got {name!r}.")
        coef_depth, before, unit, intercept_depth, intercept_unit = match.groups()
        is_coef = coef_depth is not None
        weight = (
            cls(int(coef_depth), int(before), int(unit))
            if is_coef
            else cls(int(intercept_depth), None, int(intercept_unit))
        )
        if weight.depth >= len(layers):
            raise ValueError(f"weight must be of one of {len(layers)} layers; got {name!r}.")
        layer = layers[weight.depth]
        array = layer.coef if is_coef else layer.intercept
        if array is None:
            raise ValueError(f"weight must be in coefs with fit_intercept=False; got {name!r}.")
        if any(i >= size for i, size in zip(weight.at, array.shape, strict=True)):
            of = f"{'coefs' if is_coef else 'intercepts'}[{weight.depth}]"
            raise ValueError(f"weight must be in {of}, of shape {array.shape}; got {name!r}.")
        return weight

    @property
    def at(self) -> tuple[int, ...]:
        return (self.unit,) if self.before is None else (self.before, self.unit)

    @property
    def name(self) -> str:
        kind = "intercepts" if self.before is None else "coefs"
        return f"{kind}[{self.depth}][{', '.join(map(str, self.at))}]"

    @property
    def symbol(self) -> str:
        if self.before is None:
            return notation.intercept(self.depth + 1, self.unit + 1)
        return notation.coef(self.depth + 1, self.before + 1, self.unit + 1)


_ACCEPTED = "a string like 'coefs[0][1, 0]' or 'intercepts[0][1]'"


@dataclass(frozen=True, repr=False)
class Chain:
    """The gradient of one weight as the chain rule makes it.

    ∂J/∂w is a sum over the rows, and over the paths from the weight to J, of products: from
    ∂J/∂ŷ back through the derivative of each activation and the weight of each connection to what
    the weight is multiplied by. Under an L2 penalty, its part is added.

    Print it, show it in a notebook, or see `to_frame` and `to_latex`; `trace_step` and
    `StepTrace.chain` make it. What it is made of are its attributes.

    Parameters
    ----------
    name, symbol : str
        The weight, as in ``coefs[0][1, 0]`` and in LaTeX.
    paths : list of Path
        Each with its `factors`, which have `symbol`, `formula` and `values`, and its `product`.
    n_paths : int
        How many paths there are in all.
    others : ndarray of shape (n_rows,)
        Sum of the products of the paths that are not listed.
    penalty : float
        The penalty's part.
    penalty_symbol : str
        What the weight is multiplied by in it, in LaTeX.
    gradient : float
        ∂J/∂w by backpropagation.
    notes : list of str
        What the less usual symbols stand for.
    """

    name: str
    symbol: str
    paths: list[Path]
    n_paths: int
    others: np.ndarray
    penalty: float
    penalty_symbol: str
    gradient: float
    notes: list[str]

    @property
    def row_sums(self) -> np.ndarray:
        """The sum over the paths, of each row."""
        return np.sum([path.product for path in self.paths], axis=0) + self.others

    @property
    def value(self) -> float:
        """The sum over rows and paths, and the penalty's part: ∂J/∂w once more."""
        return float(self.row_sums.sum()) + self.penalty

    @property
    def n_left_out(self) -> int:
        """Number of paths that are not listed."""
        return self.n_paths - len(self.paths)

    def __repr__(self) -> str:
        return f"<Chain of {self.name}: {self.n_paths} paths, gradient {self.gradient:.6g}>"

    def __str__(self) -> str:
        return text(self._report())

    def _repr_html_(self) -> str:
        return as_html(self._report())

    def to_frame(self) -> Any:
        """The factors as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            A line a row, path and factor: "row" and "path" from 0, "factor" and "formula" in
            Unicode, "value".
        """
        return frame_of(
            [
                {
                    "row": row,
                    "path": number,
                    "factor": notation.math_as_text(factor.symbol),
                    "formula": notation.math_as_text(factor.formula),
                    "value": float(value),
                }
                for number, path in enumerate(self.paths)
                for factor in path.factors
                for row, value in enumerate(factor.values)
            ]
        )

    def to_latex(self, digits: int = 4) -> str:
        r"""The chain as an equation: derivatives, formulas, numbers of each row, and their sum.

        Parameters
        ----------
        digits : int, default=4
            Significant digits of the numbers.

        Returns
        -------
        latex : str
            An ``aligned`` environment (package amsmath) for math mode.
        """

        def number(value: float) -> str:
            return latex_number(f"{value:.{digits}g}").strip("$")

        def in_parentheses(value: float) -> str:
            return rf"({number(value)})" if value < 0.0 else number(value)

        def sum_of(terms: list[str]) -> str:
            if self.n_left_out:
                terms = [*terms, r"\dots"]
            joined = r" \\" + "\n  &\\quad + "
            return joined.join(terms)

        def products(of: str) -> list[str]:
            return [
                r" \cdot ".join(getattr(factor, of) for factor in path.factors)
                for path in self.paths
            ]

        n_rows = len(self.others)
        over_rows = rf"\sum_{{\text{{{n_rows} rows}}}} " if n_rows > 1 else ""
        penalty = [rf"{self.penalty_symbol} \cdot {self.symbol}"] if self.penalty else []
        symbols, formulas = (
            sum_of([over_rows + product for product in products(of)] + penalty)
            for of in ("symbol", "formula")
        )
        shown = range(min(n_rows, MAX_LINES))
        terms = [
            r" \cdot ".join(in_parentheses(float(factor.values[row])) for factor in path.factors)
            for row in shown
            for path in self.paths
        ]
        if n_rows > len(shown):
            terms.append(r"\dots")
        if self.penalty:
            terms.append(in_parentheses(self.penalty))
        lines = [symbols, formulas, sum_of(terms), number(self.gradient)]
        derivative = notation.derivative("J", self.symbol)
        body = " \\\\\n  &= ".join(lines)
        return f"\\begin{{aligned}}\n{derivative}\n  &= {body}\n\\end{{aligned}}"

    def _report(self) -> Report:
        n_rows, n_shown = len(self.others), len(self.paths)
        what = f"{self.n_paths:,} path" + "s" * (self.n_paths > 1)
        rows = f"{n_rows:,} row" + "s" * (n_rows > 1)
        derivative = notation.derivative("J", self.symbol)
        title = f"${derivative}$, the gradient of {self.name}: {what}, {rows}"
        parts: list[str | Table] = [title]
        parts += [self._path_table(number, path) for number, path in enumerate(self.paths, 1)]
        if self.n_left_out:
            be = "is" if self.n_left_out == 1 else "are"
            which = f"these {n_shown} were" if n_shown > 1 else "this one was"
            parts.append(
                f"{self.n_left_out:,} of {self.n_paths:,} paths {be} left out; {which} found by "
                "following the largest sums from the weight on."
            )
        if n_rows > 1 or self.n_paths > 1:
            parts.append(self._sum_table())
        total = f"${derivative}$ = "
        if self.penalty:
            sums = float(self.row_sums.sum())
            sign = "-" if self.penalty < 0.0 else "+"
            total += f"{format_number(sums)} {sign} {format_number(abs(self.penalty))} "
            total += f"(penalty, ${self.penalty_symbol} \\cdot {self.symbol}$) = "
        return [*parts, total + format_number(self.gradient), *self.notes]

    def _path_table(self, number: int, path: Path) -> Table:
        product = path.product
        lines = [
            [row, *(float(factor.values[row]) for factor in path.factors), float(product[row])]
            for row in range(min(len(product), MAX_LINES))
        ]
        return table_of(
            f"Path {number}: {path.way}",
            ["row", *(f"${factor.symbol}$" for factor in path.factors), "product"],
            lines,
            len(product),
            ["", *(f"${factor.formula}$" for factor in path.factors), ""],
        )

    def _sum_table(self) -> Table:
        columns = [path.product for path in self.paths]
        header = ["row", *(f"path {number}" for number in range(1, len(columns) + 1))]
        if self.n_left_out:
            columns, header = [*columns, self.others], [*header, "others"]
        if len(columns) > 1:
            columns, header = [*columns, self.row_sums], [*header, "sum"]
        n_rows = len(self.others)
        lines: list[list[Any]] = [
            [str(row), *(float(column[row]) for column in columns)]
            for row in range(min(n_rows, MAX_LINES))
        ]
        if n_rows > 1:
            lines.append(["all", *(float(column.sum()) for column in columns)])
        return table_of("Sum", header, lines, n_rows + (n_rows > 1))


def chain_of(step: Step, weight: Weight, max_paths: int | None) -> Chain:
    """The chain rule at a weight, along at most `max_paths` paths."""
    layer, later = step.layers[weight.depth], step.layers[weight.depth + 1 :]
    unit = weight.unit
    if weight.before is None:
        formula, inputs = "1", np.ones(len(layer.delta))
        gradient, penalty = np.asarray(layer.intercept_gradient)[unit], 0.0
    else:
        formula = notation.activation(weight.depth, weight.before + 1, len(step.layers))
        inputs = layer.inputs[:, weight.before]
        gradient = layer.coef_gradient[weight.before, unit]
        penalty = float(layer.coef_penalty[weight.before, unit])
    z = notation.weighted_sum(layer.number, unit + 1)
    source = Factor(notation.derivative(z, weight.symbol), formula, inputs)
    paths = [
        _path(step, units, source, weight.symbol)
        for units in _ways(later, unit, layer, inputs, max_paths)
    ]
    n_paths = math.prod(layer.coef.shape[1] for layer in later)
    others = np.zeros(len(inputs))
    if n_paths > len(paths):
        others = inputs * layer.delta[:, unit] - sum(path.product for path in paths)
    return Chain(
        weight.name,
        weight.symbol,
        paths,
        n_paths,
        others,
        penalty,
        r"\alpha \cdot s^2" if step.conditions else r"\alpha",
        float(gradient),
        _notes(step, penalty, weight),
    )


def _ways(
    later: Sequence[LayerStep],
    unit: int,
    layer: LayerStep,
    inputs: np.ndarray,
    max_paths: int | None,
) -> list[tuple[int, ...]]:
    """The units of the paths from a unit to J, of at most so many.

    Where there are more, each layer keeps the beginnings whose paths have the largest sums over
    the rows: ∂z/∂w along the beginning, times the δ of its end.
    """
    ways: list[tuple[tuple[int, ...], np.ndarray]] = [((unit,), inputs)]
    for after in later:
        ways = [
            ((*units, k), to_z * layer.derivative[:, units[-1]] * after.coef[units[-1], k])
            for units, to_z in ways
            for k in range(after.coef.shape[1])
        ]
        if max_paths is not None and len(ways) > max_paths:
            delta = after.delta
            ways.sort(key=lambda way: -abs(float(way[1] @ delta[:, way[0][-1]])))
            del ways[max_paths:]
        layer = after
    return sorted(units for units, _ in ways)


def _path(step: Step, units: tuple[int, ...], source: Factor, symbol: str) -> Path:
    """The factors along the units, from J back to the weight."""
    n_layers = len(step.layers)
    layers = step.layers[n_layers - len(units) :]
    factors = _loss_factors(step, units[-1])
    way = [f"${notation.activation(n_layers, units[-1] + 1, n_layers)}$"]
    for layer, after, j, k in zip(
        reversed(layers[:-1]),
        reversed(layers[1:]),
        reversed(units[:-1]),
        reversed(units[1:]),
        strict=True,
    ):
        z, a = _names(layer, j, n_layers)
        z_after, _ = _names(after, k, n_layers)
        of_z = notation.coef(after.number, j + 1, k + 1)
        of_a = notation.activation_derivative(layer.activation, z, a)
        n_rows = len(layer.a)
        factors += [
            Factor(notation.derivative(z_after, a), of_z, np.full(n_rows, after.coef[j, k])),
            Factor(notation.derivative(a, z), of_a, layer.derivative[:, j]),
        ]
        way.append(f"${a}$")
    return Path(units, [*factors, source], " → ".join([f"${symbol}$", *reversed(way), "J"]))


def _names(layer: LayerStep, unit: int, n_layers: int) -> tuple[str, str]:
    return (
        notation.weighted_sum(layer.number, unit + 1),
        notation.activation(layer.number, unit + 1, n_layers),
    )


def _loss_factors(step: Step, unit: int) -> list[Factor]:
    """∂J/∂ŷ and ∂ŷ/∂z of an output; ∂J/∂z where the loss has it as a whole."""
    last = step.layers[-1]
    z, y_pred = _names(last, unit, len(step.layers))
    formula = notation.loss_derivative(
        step.loss,
        unit + 1,
        y_pred=y_pred,
        n_rows=len(last.a),
        mean=step.loss_reduction == "mean",
        weighted=step.row_weight is not None,
        scaled=step.target_weight is not None,
        several_of_one=step.several_quantiles,
    )
    if step.output_gradient is None:
        return [Factor(notation.derivative("J", z), formula, last.delta[:, unit])]
    of_z = notation.activation_derivative(last.activation, z, y_pred)
    return [
        Factor(notation.derivative("J", y_pred), formula, step.output_gradient[:, unit]),
        Factor(notation.derivative(y_pred, z), of_z, last.derivative[:, unit]),
    ]


def loss_notes(step: Step) -> list[str]:
    """What the symbols of the less usual losses stand for."""
    if step.bends is None:
        return []
    symbol = notation.bend(step.loss, None)
    values = ", ".join(
        f"${notation.bend(step.loss, unit)}$ = {format_number(float(value))}"
        for unit, value in enumerate(step.bends, start=1)
    )
    if step.loss == "huber":
        return [
            f"The loss is linear from residuals of ${symbol}$ on, huber_delta times target_scale_: "
            f"{values}."
        ]
    order = r" Crossing $\hat y$ are sorted by predict, not here." * step.several_quantiles
    return [f"The quantile of an output is ${symbol}$: {values}.{order}"]


def _notes(step: Step, penalty: float, weight: Weight) -> list[str]:
    """What the less usual symbols stand for."""
    notes = loss_notes(step)
    if step.loss == "quantile":
        notes.append(
            r"$[\hat y>y]$ is 1 where that holds, 0 where $\hat y$ < y, ½ where $\hat y$ = y."
        )
    if step.row_weight is not None:
        mean = " over the mean weight" * (step.loss_reduction == "mean")
        notes.append(rf"$\omega$ is the weight of the row{mean}.")
    if step.target_weight is not None:
        notes.append(
            r"$\tau$ is what the conditioning weights a target by: the mean "
            f"{_UNIT_OF_TARGET.get(step.loss, 'variance')} of the targets over its own."
        )
    if step.conditions and penalty:
        coef = step.layers[weight.depth].coef[weight.at]
        factor = format_number(penalty / (step.alpha * float(coef)))
        notes.append(
            "The penalty is on the weight in conditioned coordinates, and $J$ in units of y: "
            f"$s^2$ = {factor} makes up for both."
        )
    return notes


_UNIT_OF_TARGET = {"absolute_error": "deviation", "quantile": "deviation", "poisson": "size"}
