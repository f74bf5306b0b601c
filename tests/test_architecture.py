"""What import-linter cannot hold: the core needs numpy alone, files are short."""

import ast
import sys
import tokenize
from io import StringIO
from pathlib import Path

import pytest

import skbackprop

PACKAGE = Path(skbackprop.__file__).parent
SOURCES = {
    path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
}
CORE = [name for name in SOURCES if name.startswith("_core/")]
MAX_CODE_LINES = 400


def imported_packages(source):
    """Packages that a source imports anywhere, functions included; "" for relative imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "" if node.level else node.module.partition(".")[0]


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


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_numpy_and_the_standard_library_only(module):
    assert set(imported_packages(SOURCES[module])) <= {
        "numpy",
        "skbackprop",
        *sys.stdlib_module_names,
    }


@pytest.mark.parametrize("module", SOURCES)
def test_imports_are_absolute_and_files_short(module):
    assert "" not in set(imported_packages(SOURCES[module]))
    assert code_lines(SOURCES[module]) <= MAX_CODE_LINES


def test_imports_and_code_lines_are_found():
    source = '''"""Docstring
of two lines."""

# Comment
from . import x
def f(a,
      b):  # comment behind code
    """Docstring."""
    import scipy.sparse

    text = """three
lines

of code"""
    return text
'''
    assert set(imported_packages(source)) == {"", "scipy"}
    assert code_lines(source) == 9
