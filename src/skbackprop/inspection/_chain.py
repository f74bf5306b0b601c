"""The chain rule at one weight: all factors of its gradient, path by path."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from skbackprop.inspection import _notation as notation
from skbackprop.inspection._layers import LayerStep, Weight
from skbackprop.inspection._notation import math_as_text
from skbackprop.inspection._rendering import (
    MAX_LINES,
    Paragraph,
    Printed,
    Product,
    Report,
    Table,
    frame_of,
    latex_number,
    plural,
)


class Factor(NamedTuple):
    """A factor of the chain rule: its symbol and formula in LaTeX, and its value in each row."""

    symbol: str
    formula: str
    values: np.ndarray


class Path(NamedTuple):
    """A path from a weight to J. Its factors are listed from J back to the weight."""

    units: tuple[int, ...]
    """Numbers of its units, counted from 0, from the layer of the weight to the last."""
    factors: list[Factor]
    way: str
    """The symbols of the weight and of the units, with arrows between them."""

    @property
    def product(self) -> np.ndarray:
        """The product of the factors in each row."""
        return np.prod([factor.values for factor in self.factors], axis=0)


@dataclass(frozen=True, repr=False)
class Chain(Printed):
    """The gradient of one weight, written out by the chain rule.

    ∂J/∂w is a sum of products, one product for each row and each path from the weight to J. A
    product begins with ∂J/∂ŷ. It continues with the derivative of each activation and the weight
    of each connection on the path, back to the weight. Its last factor is what the weight is
    multiplied by. An L2 penalty adds its own part to the sum.

    `StepTrace.chain` makes a chain. Print it, show it in a notebook, or use `to_frame` and
    `to_latex`. The parameters are also its attributes.

    Parameters
    ----------
    name, symbol : str
        The weight, as in ``coefs[0][1, 0]`` and in LaTeX.
    paths : list of Path
        Each path has `factors`, with `symbol`, `formula` and `values`, and their `product`.
    n_paths : int
        Number of all paths, listed or not.
    others : ndarray of shape (n_rows,)
        Sum of the products of the paths that are not listed.
    penalty : float
        The penalty's part of the gradient.
    penalty_symbol : str
        Factor of the weight in the penalty's part, in LaTeX.
    gradient : float
        ∂J/∂w by backpropagation.
    notes : list of str or tuple
        Explanations of the less usual symbols; a tuple has texts and numbers.
    rows : ndarray of shape (n_rows,)
        The numbers of the rows, as those of the trace.

    Examples
    --------
    >>> from skbackprop import BackpropRegressor
    >>> from skbackprop.inspection import trace_step
    >>> neuron = BackpropRegressor((), conditioning=None, alpha=0, learning_rate=0.1)
    >>> trace = trace_step(neuron, [[2.0]], [4.0], coefs=[[[1.0]]], intercepts=[[0.0]])
    >>> chain = trace.chain("coefs[0][0, 0]")
    >>> float(chain.value), float(chain.gradient)
    (-4.0, -4.0)
    """

    name: str
    symbol: str
    paths: list[Path]
    n_paths: int
    others: np.ndarray
    penalty: float
    penalty_symbol: str
    gradient: float
    notes: list[Paragraph]
    rows: np.ndarray

    @property
    def row_sums(self) -> np.ndarray:
        """For each row, the sum over the paths."""
        return np.sum([path.product for path in self.paths], axis=0) + self.others

    @property
    def value(self) -> float:
        """The sum over rows and paths plus the penalty's part. It equals `gradient`."""
        return float(self.row_sums.sum()) + self.penalty

    @property
    def n_left_out(self) -> int:
        """Number of paths that are not listed."""
        return self.n_paths - len(self.paths)

    def __repr__(self) -> str:
        return f"<Chain of {self.name}: {self.n_paths} paths, gradient {self.gradient:.6g}>"

    def to_frame(self) -> Any:
        """The factors as a pandas DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            One line for each row, path and factor. Its columns are "row", as in `rows`, "path",
            counted from 0, "factor" and "formula" in Unicode, and "value".
        """
        records = [
            (row, number, math_as_text(factor.symbol), math_as_text(factor.formula), float(value))
            for number, path in enumerate(self.paths)
            for factor in path.factors
            for row, value in zip(self.rows, factor.values, strict=True)
        ]
        return frame_of(records, ["row", "path", "factor", "formula", "value"])

    def to_latex(self, digits: int = 4) -> str:
        r"""The chain as an equation: derivatives, formulas, the numbers of each row, the sum.

        Parameters
        ----------
        digits : int, default=4
            Significant digits of the numbers.

        Returns
        -------
        latex : str
            An ``aligned`` environment (package amsmath) for math mode.
        """

        def number(value: float, *, in_product: bool = True) -> str:
            written = latex_number(f"{value:.{digits}g}").strip("$")
            return f"({written})" if in_product and value < 0.0 else written

        def sum_of(terms: list[str]) -> str:
            left_out = [r"\dots"] * bool(self.n_left_out)
            return " \\\\\n  &\\quad + ".join([*terms, *left_out])

        n_rows = len(self.others)
        over_rows = rf"\sum_{{\text{{{n_rows} rows}}}} " if n_rows > 1 else ""
        penalty = [rf"{self.penalty_symbol} \cdot {self.symbol}"] if self.penalty else []
        factors = [path.factors for path in self.paths]
        symbols = [over_rows + r" \cdot ".join(one.symbol for one in path) for path in factors]
        formulas = [over_rows + r" \cdot ".join(one.formula for one in path) for path in factors]
        shown = range(min(n_rows, MAX_LINES))
        terms = [
            r" \cdot ".join(number(float(one.values[row])) for one in path)
            for row in shown
            for path in factors
        ]
        if n_rows > len(shown):
            terms.append(r"\dots")
        if self.penalty:
            terms.append(number(self.penalty))
        sums = [sum_of(symbols + penalty), sum_of(formulas + penalty), sum_of(terms)]
        lines = [*sums, number(self.gradient, in_product=False)]
        derivative = notation.derivative("J", self.symbol)
        body = " \\\\\n  &= ".join(lines)
        return f"\\begin{{aligned}}\n{derivative}\n  &= {body}\n\\end{{aligned}}"

    def _report(self) -> Report:
        n_rows, n_shown = len(self.others), len(self.paths)
        derivative = notation.derivative("J", self.symbol)
        parts: list[Paragraph | Table] = [
            f"${derivative}$, the gradient of {self.name}: {plural(self.n_paths, 'path')}, "
            f"{plural(n_rows, 'row')}"
        ]
        products = [
            [
                Product([float(factor.values[row]) for factor in path.factors])
                for row in range(min(n_rows, MAX_LINES))
            ]
            for path in self.paths
        ]
        parts += [
            self._path_table(f"Path {number}: {path.way}", path.factors, column)
            for number, (path, column) in enumerate(zip(self.paths, products, strict=True), 1)
        ]
        if self.n_left_out:
            be = "is" if self.n_left_out == 1 else "are"
            which = f"these {n_shown} were" if n_shown > 1 else "this one was"
            parts.append(
                f"{self.n_left_out:,} of {self.n_paths:,} paths {be} left out; {which} found by "
                "following the largest sums, starting at the weight."
            )
        if n_rows > 1 or self.n_paths > 1:
            parts.append(self._sum_table(products))
        total: Paragraph = (f"${derivative}$ = ",)
        if self.penalty:
            sums = float(self.row_sums.sum())
            sign = " - " if self.penalty < 0.0 else " + "
            of_weights = f" (penalty, ${self.penalty_symbol} \\cdot {self.symbol}$) = "
            total = (*total, sums, sign, abs(self.penalty), of_weights)
        return [*parts, (*total, self.gradient), *self.notes]

    def _path_table(self, title: str, factors: list[Factor], products: list[Product]) -> Table:
        return Table(
            title,
            ["row", *(f"${factor.symbol}$" for factor in factors), "product"],
            [
                [int(row), *product.factors, product]
                for row, product in zip(self.rows, products, strict=False)
            ],
            len(self.rows),
            ["", *(f"${factor.formula}$" for factor in factors), ""],
        )

    def _sum_table(self, products: list[list[Product]]) -> Table:
        columns = {f"path {number}": path.product for number, path in enumerate(self.paths, 1)}
        if self.n_left_out:
            columns["others"] = self.others
        if len(columns) > 1:
            columns["sum"] = self.row_sums
        further = [values[:MAX_LINES].tolist() for values in columns.values()][len(products) :]
        cells = zip(self.rows.tolist(), *products, *further, strict=False)
        lines: list[list[Any]] = list(map(list, cells))
        n_rows = len(self.rows)
        if n_rows > 1:
            lines.append(["all", *(float(column.sum()) for column in columns.values())])
        return Table("Sum", ["row", *columns], lines, n_rows + (n_rows > 1))


def chain_of(
    layers: Sequence[LayerStep],
    weight: Weight,
    max_paths: int | None,
    loss_factors: Callable[[int], list[Factor]],
    penalty_symbol: str,
    notes: list[Paragraph],
    rows: np.ndarray,
) -> Chain:
    """Write out the chain rule at a weight, along at most `max_paths` paths.

    `loss_factors` returns ∂J/∂ŷ and ∂ŷ/∂z of an output, or ∂J/∂z as a whole.
    """
    onward, unit = layers[weight.depth :], weight.unit
    layer = onward[0]
    if weight.before is None:
        formula, inputs = "1", np.ones(len(layer.delta))
        gradient, penalty = np.asarray(layer.intercept_gradient)[unit], 0.0
    else:
        formula = notation.activation(weight.depth, weight.before + 1, len(layers))
        inputs = layer.inputs[:, weight.before]
        gradient = layer.coef_gradient[weight.at]
        penalty = float(layer.coef_penalty[weight.at])
    z = notation.symbol("z", layer.number, unit + 1)
    source = Factor(notation.derivative(z, weight.symbol), formula, inputs)
    paths = []
    for units in _ways(onward, unit, inputs, max_paths):
        inner, way = _inner_factors(layers, units)
        path = " → ".join([f"${weight.symbol}$", *way, "J"])
        paths.append(Path(units, [*loss_factors(units[-1]), *inner, source], path))
    n_paths = math.prod(layer.coef.shape[1] for layer in onward[1:])
    others = np.zeros(len(inputs))
    if n_paths > len(paths):
        others = inputs * layer.delta[:, unit] - sum(path.product for path in paths)
    return Chain(
        name=weight.name,
        symbol=weight.symbol,
        paths=paths,
        n_paths=n_paths,
        others=others,
        penalty=penalty,
        penalty_symbol=penalty_symbol,
        gradient=float(gradient),
        notes=notes,
        rows=rows,
    )


def _ways(
    layers: Sequence[LayerStep], unit: int, inputs: np.ndarray, max_paths: int | None
) -> list[tuple[int, ...]]:
    """The units of at most `max_paths` paths from a unit of the first of the layers to J.

    If there are more paths, the search keeps at each layer the beginnings with the largest sums
    over the rows. The sum of a beginning is that of ∂z/∂w along it times δ at its end.
    """
    ways: list[tuple[tuple[int, ...], np.ndarray]] = [((unit,), inputs)]
    for layer, after in pairwise(layers):
        ways = [
            ((*units, k), to_z * layer.derivative[:, units[-1]] * after.coef[units[-1], k])
            for units, to_z in ways
            for k in range(after.coef.shape[1])
        ]
        if max_paths is not None and len(ways) > max_paths:
            delta = after.delta
            ways.sort(key=lambda way: -abs(float(way[1] @ delta[:, way[0][-1]])))
            del ways[max_paths:]
    return sorted(units for units, _ in ways)


def _inner_factors(
    layers: Sequence[LayerStep], units: tuple[int, ...]
) -> tuple[list[Factor], list[str]]:
    """The factors between the last z and the first, and the symbols of the units on the way."""
    steps = list(zip(layers[-len(units) :], units, strict=True))
    way = [notation.activation(layer.number, j + 1, len(layers)) for layer, j in steps]
    factors: list[Factor] = []
    for a, ((layer, j), (after, k)) in zip(way, pairwise(steps), strict=False):
        z = notation.symbol("z", layer.number, j + 1)
        z_after = notation.symbol("z", after.number, k + 1)
        of_z = notation.symbol("w", after.number, j + 1, k + 1)
        of_a = notation.activation_derivative(layer.activation, z, a)
        factors = [
            Factor(notation.derivative(z_after, a), of_z, np.full(len(layer.a), after.coef[j, k])),
            Factor(notation.derivative(a, z), of_a, layer.derivative[:, j]),
            *factors,
        ]
    return factors, [f"${a}$" for a in way]
