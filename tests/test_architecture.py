"""The order of the house: imports go down the floors, the core needs numpy alone, files are short.

A floor holds modules that may use their own floor and those below it.
"""

import ast
import sys
import tokenize
from graphlib import CycleError, TopologicalSorter
from io import StringIO
from pathlib import Path

import pytest

import skbackprop

PACKAGE = Path(skbackprop.__file__).parent
SOURCES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
}
FLOORS = [
    {"_version", "_activations", "_losses", "_schedules", "_stopping", "_batches"},
    {"_network", "_conditioning", "_inputs"},
    {"_objective", "_curvature", "_descent", "_validation", "_problem", "_prediction"},
    {
        "_parameters",
        "_kinds",
        "_data",
        "_reports",
        "_threads",
        "_labels",
        "_class_weight",
        "_scores",
        "_held_out",
        "_callbacks",
        "_continuation",
        "_persistence",
        "_base",
        "_classifier",
        "_regressor",
        "_hidden",
    },
    {"__init__"},
    # Beside the estimators: the public modules, which `import skbackprop` leaves alone.
    {"onnx", "dask", *(module for module in SOURCES if module.startswith("inspection."))},
]
CORE_FLOORS = 3
MAX_CODE_LINES = 400
FLOOR_OF = {module: number for number, floor in enumerate(FLOORS) for module in floor}
each_module = pytest.mark.parametrize("module", SOURCES)


def imported_names(source):
    """Dotted names that a source imports anywhere, functions included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # Relative imports start with their dots and so match nothing that is allowed.
            base = "." * node.level + (node.module or "")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imported_modules(source):
    """Modules of the package that a source imports."""
    for name in imported_names(source):
        top, _, rest = name.partition(".")
        if top == "skbackprop":
            parents = rest.split(".")
            paths = (".".join(parents[:n]) for n in range(len(parents), 0, -1))
            files = (file for path in paths for file in (path, f"{path}.__init__"))
            yield next((file for file in files if file in FLOOR_OF), "__init__")


def code_lines(source):
    """Number of lines that are not blank, comment or docstring."""
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
              tokenize.ENDMARKER}  # fmt: skip
    lines = set()
    for token in tokens:
        if token.type not in layout:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            lines.difference_update(range(node.lineno, node.end_lineno + 1))
    return len(lines)


def test_every_module_has_one_floor():
    assert sum(map(len, FLOORS)) == len(FLOOR_OF)
    assert set(SOURCES) == set(FLOOR_OF), "assign each module of the package to a floor"


@each_module
def test_imports_go_down_the_floors(module):
    too_high = {
        name for name in imported_modules(SOURCES[module]) if FLOOR_OF[name] > FLOOR_OF[module]
    }
    assert not too_high


def test_imports_have_no_cycle():
    graph = {module: set(imported_modules(source)) for module, source in SOURCES.items()}
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("module", sorted(set().union(*FLOORS[:CORE_FLOORS])))
def test_the_core_imports_numpy_and_the_standard_library_only(module):
    packages = {name.partition(".")[0] for name in imported_names(SOURCES[module])}
    assert packages <= {"numpy", "skbackprop", *sys.stdlib_module_names}


@each_module
def test_imports_are_absolute(module):
    assert not [name for name in imported_names(SOURCES[module]) if name.startswith(".")]


@each_module
def test_files_are_short(module):
    assert code_lines(SOURCES[module]) <= MAX_CODE_LINES


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import numpy, sklearn.base", []),
        ("import skbackprop", ["__init__"]),
        ("import skbackprop._estimators.base as base", ["_base"]),
        ("from skbackprop import _base, Thing", ["_base", "__init__"]),
        ("from skbackprop._estimators.base import Thing", ["_base"]),
        ("from skbackprop.inspection._trace import Thing", ["inspection._trace"]),
        ("from skbackprop.inspection import Thing", ["inspection.__init__"]),
        ("def f():\n    from skbackprop._estimators.base import Thing", ["_base"]),
        ("if TYPE_CHECKING:\n    import skbackprop._core.losses", ["_losses"]),
    ],
)
def test_imports_are_found(source, modules):
    assert list(imported_modules(source)) == modules


def test_a_cycle_is_found():
    with pytest.raises(CycleError):
        TopologicalSorter({"_base": {"_losses"}, "_losses": {"_base"}}).prepare()


def test_code_lines_are_counted():
    source = '''"""Docstring
of two lines."""

# Comment
def f(a,
      b):  # comment behind code
    """Docstring."""

    text = """three
lines

of code"""
    return text

def g(): ...
'''
    # def f, b, the four lines of text, return, def g.
    assert code_lines(source) == 8
