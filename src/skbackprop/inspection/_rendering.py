"""Reports as text for a terminal, as HTML for a notebook and as LaTeX for a slide.

A report is a list of paragraphs and tables. Math in its strings is the LaTeX of `_notation`
between dollar signs. A paragraph is a string, or its strings and numbers in order.
"""

import html
import math
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skbackprop.inspection._notation import math_as_html, math_as_text

# Number of lines of a table; the report says how many more there are.
MAX_LINES = 24
# Characters of a line in a terminal.
_WIDTH = 88
_SPACE = "  "
_NO_BREAK = "\N{NO-BREAK SPACE}"
_UNBROKEN = r"(?<=\S) ([=·/−]) (?=\S)|(?<=\d,) (?=\d+\])"

Cell = str | int | float | None


class Product(float):
    """A number that is the product of others, `factors`."""

    factors: tuple[float, ...]

    def __new__(cls, factors: Sequence[float]) -> "Product":
        product = super().__new__(cls, math.prod(factors))
        product.factors = tuple(factors)
        return product


@dataclass(frozen=True)
class Table:
    """A table. A cell is a string, a number, or None if it is empty."""

    title: str
    header: Sequence[str]
    lines: Sequence[Sequence[Cell]]
    """Integers are written as they are; the other numbers of a column have the same format."""
    n_lines: int = 0
    """Number of lines, including those that are left out; 0 if none are."""
    subheader: Sequence[str] | None = None
    """A second line of names."""

    def heads(self) -> list[Sequence[str]]:
        return [self.header] if self.subheader is None else [self.header, self.subheader]

    def cells(self) -> list[list[str]]:
        """The lines as strings. The numbers of a column have the same format."""
        columns = [_format_column(column) for column in zip(*self.lines, strict=True)]
        return [list(line) for line in zip(*columns, strict=True)]

    def is_number(self) -> list[bool]:
        """For each column, whether its cells are numbers."""
        columns = zip(*self.lines, strict=True)
        return [not any(isinstance(cell, str) for cell in column) for column in columns]

    def n_keys(self) -> int:
        """Number of leading columns that name the line: their cells are strings or integers."""
        columns = zip(*self.lines, strict=True)
        names = [all(isinstance(cell, str | int) for cell in column) for column in columns]
        return [*names, False].index(False)

    def what_is_left_out(self) -> list[str]:
        """A sentence that says how many lines are left out, if any."""
        n_left_out = self.n_lines - len(self.lines)
        if n_left_out <= 0:
            return []
        return [f"… and {plural(n_left_out, 'more line')}, which to_frame() has."]


Paragraph = str | tuple[str | float, ...]
Report = Sequence[Paragraph | Table]


class Printed:
    """A class whose `_report` is what it prints in a terminal and shows in a notebook."""

    def _report(self) -> Report:
        raise NotImplementedError

    def __str__(self) -> str:
        return text(self._report())

    def _repr_html_(self) -> str:
        return as_html(self._report())


def format_number(value: float) -> str:
    """Six significant digits."""
    return f"{value:.6g}"


def joined(paragraph: Paragraph) -> str:
    """The paragraph as a string."""
    if isinstance(paragraph, str):
        return paragraph
    return "".join(part if isinstance(part, str) else format_number(part) for part in paragraph)


def plural(n: int, noun: str) -> str:
    """The number with its noun: 1 row, 2,000 rows."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _format_column(column: Sequence[Cell]) -> list[str]:
    """Give all numbers the same decimals, or scientific notation. Strings stay as they are."""
    # Adding 0 turns −0 into 0.
    numbers = [cell + 0.0 for cell in column if isinstance(cell, float)]
    sizes = np.abs([number for number in numbers if number != 0.0])
    form = ".5e"
    if len(sizes) == 0 or (sizes.min() >= 1e-6 and sizes.max() < 1e6):
        # Four digits of the smallest number, without zeros that end all numbers.
        decimals = 6 if len(sizes) == 0 else max(6, 3 - math.floor(math.log10(sizes.min())))
        digits = (f"{number:.{decimals}f}".rstrip("0").partition(".")[2] for number in numbers)
        form = f".{max(map(len, digits), default=0)}f"
    return [
        format(cell + 0.0, form) if isinstance(cell, float) else "" if cell is None else str(cell)
        for cell in column
    ]


def _translated(string: str, formula: Callable[[str], str], words: Callable[[str], str]) -> str:
    """Translate the math between dollar signs and the words outside them."""
    parts = string.split("$")
    return "".join(
        formula(part) if number % 2 else words(part) for number, part in enumerate(parts)
    )


def _as_text(string: str) -> str:
    return _translated(string, math_as_text, str)


def html_of(string: str) -> str:
    return _translated(string, math_as_html, lambda words: html.escape(words, quote=False))


def _as_latex(string: str) -> str:
    def escaped(words: str) -> str:
        return re.sub(r"([_%&#])", r"\\\1", words).replace("…", r"\dots ")

    return _translated(string, lambda formula: f"${formula}$", escaped)


def text(report: Report) -> str:
    """The report in Unicode, with aligned tables and lines of at most 88 characters."""
    return "\n\n".join(
        _text_table(part) if isinstance(part, Table) else _text_lines(part) for part in report
    )


def _text_lines(paragraph: Paragraph) -> str:
    lines = _as_text(joined(paragraph)).split("\n")
    return "\n".join(_wrapped(line, len(line) - len(line.lstrip())) for line in lines)


def _wrapped(line: str, indent: int) -> str:
    """Break the line into indented lines. Formulas are not broken."""
    wrapped = textwrap.fill(
        re.sub(_UNBROKEN, lambda match: match[0].replace(" ", _NO_BREAK), line),
        _WIDTH,
        subsequent_indent=indent * " ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapped.replace(_NO_BREAK, " ")


def _text_table(table: Table) -> str:
    lines = [[_as_text(cell) for cell in line] for line in [*table.heads(), *table.cells()]]
    columns = []
    for column, right in zip(zip(*lines, strict=True), table.is_number(), strict=True):
        width = max(map(len, column))
        columns.append([cell.rjust(width) if right else cell.ljust(width) for cell in column])
    title = _as_text(table.title)
    parts = [
        "\n".join(_SPACE + _SPACE.join(line).rstrip() for line in zip(*part, strict=True))
        for part in _folded(columns, table.n_keys())
    ]
    left_out = [_SPACE + sentence for sentence in table.what_is_left_out()]
    return "\n".join([_wrapped(title, title.find(": ") + 2), "\n\n".join(parts), *left_out])


def _folded(columns: Sequence[Sequence[str]], n_keys: int) -> Iterator[list[Sequence[str]]]:
    """Split the columns into parts that fit a line. Each has the keys; dots mark a gap."""
    keys, rest = list(columns[:n_keys]), list(columns[n_keys:])
    dots = ["…", *[" "] * (len(columns[0]) - 1)]
    part = list(keys)
    while rest:
        part.append(rest.pop(0))
        line = [*part, *rest[:1], *[dots] * (len(rest) > 1)]
        if rest and sum(len(_SPACE) + len(column[0]) for column in line) > _WIDTH:
            yield [*part, dots]
            part = [*keys, dots]
    yield part


def as_html(report: Report) -> str:
    """The report in HTML without a style sheet."""
    return "\n".join(
        _html_table(part) if isinstance(part, Table) else f"<p>{_html_lines(part)}</p>"
        for part in report
    )


def _html_lines(paragraph: Paragraph) -> str:
    indented = re.sub("^ +", "\N{EM SPACE}", html_of(joined(paragraph)), flags=re.MULTILINE)
    return indented.replace("\n", "<br/>")


def _html_table(table: Table) -> str:
    def row(tag: str, cells: Sequence[str]) -> str:
        styled = "".join(
            f'<{tag} style="text-align: {"right" if right else "left"}; white-space: nowrap">'
            f"{html_of(cell)}</{tag}>"
            for cell, right in zip(cells, table.is_number(), strict=True)
        )
        return f"<tr>{styled}</tr>"

    head = "".join(row("th", cells) for cells in table.heads())
    body = "\n".join(row("td", cells) for cells in table.cells())
    left_out = "".join(f"<p>{html_of(sentence)}</p>" for sentence in table.what_is_left_out())
    return (
        f'<div style="overflow-x: auto">\n<table>\n<caption>{html_of(table.title)}</caption>\n'
        f"<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>{left_out}"
    )


def latex(report: Report) -> str:
    r"""The report in LaTeX: paragraphs and ``tabular`` environments. It needs no package."""
    return "\n\n".join(
        _latex_table(part)
        if isinstance(part, Table)
        else _as_latex(joined(part)).replace("\n", " \\\\\n")
        for part in report
    )


def _latex_table(table: Table) -> str:
    is_number = table.is_number()
    columns = "".join("r" if right else "l" for right in is_number)
    heads = [" & ".join(map(_as_latex, cells)) + r" \\" for cells in table.heads()]
    writers = [latex_number if right else _as_latex for right in is_number]
    body = [
        " & ".join(write(cell) for write, cell in zip(writers, cells, strict=True)) + r" \\"
        for cells in table.cells()
    ]
    left_out = [_as_latex(sentence) for sentence in table.what_is_left_out()]
    title = _as_latex(table.title) + r" \\[1ex]"
    begin, end = rf"\begin{{tabular}}{{{columns}}}", r"\end{tabular}"
    rows = [r"\hline", *heads, r"\hline", *body, r"\hline"]
    return "\n".join([title, begin, *rows, end, *left_out])


def latex_number(number: str) -> str:
    r"""Write a number as math: -1.5e-05 becomes $-1.5 \cdot 10^{-5}$."""
    if not number:
        return ""
    mantissa, _, exponent = number.partition("e")
    return f"${mantissa}$" if not exponent else rf"${mantissa} \cdot 10^{{{int(exponent)}}}$"


def frame_of(records: Sequence[Any], columns: Sequence[str] | None = None) -> Any:
    """A pandas DataFrame of dicts, or of tuples with the values of the columns."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_frame needs pandas: pip install pandas.") from error
    return pd.DataFrame.from_records(records, columns=columns)
