"""The gallery: runs every example, and writes the page of each with its pictures and its output.

An example is a script of ``examples`` whose name does not begin with an underscore. The first line
of its docstring is the title of its page, the rest its text. The docstring of the function that
drew a picture is the text in its place.
"""

import ast
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

DOCS = Path(__file__).parent
EXAMPLES = DOCS.parent / "examples"
PAGES = DOCS / "generated" / "examples"
ARGUMENTS = {"three_two_one": ["--draws", "10"]}


def run_example(script: Path) -> str:
    """Run an example, warnings as errors; save its pictures and return what it prints."""
    command = [sys.executable, "-W", "error", str(script), "--save", str(PAGES / script.stem)]
    done = subprocess.run(
        [*command, *ARGUMENTS.get(script.stem, [])],
        env=os.environ | {"MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{script.name} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def pictures(script: Path, tree: ast.Module) -> dict[str, str]:
    """Return the pictures of an example and what they show, in the order of their functions."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    drawn = {path.stem for path in (PAGES / script.stem).glob("*.png")}
    return {
        f"{script.stem}/{function.name}.png": ast.get_docstring(function) or ""
        for function in functions
        if function.name in drawn
    }


def write_page(script: Path) -> None:
    """Write the page of an example, unless it is newer than all it depends on."""
    page = PAGES / f"{script.stem}.rst"
    sources = [Path(__file__), *EXAMPLES.glob("*.py"), *(DOCS.parent / "src").rglob("*.py")]
    if page.exists() and page.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return
    printed = run_example(script)
    tree = ast.parse(script.read_text(encoding="utf-8"))
    title, _, text = (ast.get_docstring(tree) or script.stem).partition("\n")
    title = title.removesuffix(".")
    lines = [title, "=" * len(title), "", text.strip(), ""]
    for picture, shows in pictures(script, tree).items():
        lines += [f".. figure:: {picture}", f"   :alt: {shows}", "", f"   {shows}", ""]
    if printed:
        output = [f"   {line}" for line in printed.strip().splitlines()]
        command = " ".join(["python", script.name, *ARGUMENTS.get(script.stem, [])])
        lines += [f"``{command}`` prints", "", ".. code-block:: none", "", *output, ""]
    lines += [
        f"``examples/{script.name}``:",
        "",
        f".. literalinclude:: ../../../examples/{script.name}",
        "   :language: python",
        f"   :lines: {tree.body[1].lineno}-",
        "",
    ]
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(lines), encoding="utf-8")


def write_pages(app: Any) -> None:
    """Write the pages of all examples."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write_page, sorted(EXAMPLES.glob("[!_]*.py"))))


class Examples(Directive):
    """Links to the pages of examples, given by name, each beside its first picture."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the links as a table."""
        lines = [".. list-table::", "   :widths: 30 70", "   :class: gallery", ""]
        for name in self.content:
            script = EXAMPLES / f"{name}.py"
            tree = ast.parse(script.read_text(encoding="utf-8"))
            page = f"generated/examples/{name}"
            drawn = pictures(script, tree)
            if drawn:
                first, shows = next(iter(drawn.items()))
                lines += [
                    f"   * - .. image:: generated/examples/{first}",
                    "          :width: 220px",
                    f"          :alt: {shows}",
                    f"          :target: {page}.html",
                ]
            else:
                lines += ["   * -"]
            lines += [f"     - :doc:`{page}`"]
        lines += ["", ".. toctree::", "   :hidden:", ""]
        lines += [f"   generated/examples/{name}" for name in self.content]
        parent = nodes.container()
        self.state.nested_parse(StringList(lines, source="gallery"), self.content_offset, parent)
        return parent.children


def setup(app: Any) -> dict[str, bool]:
    """Join Sphinx."""
    app.connect("builder-inited", write_pages)
    app.add_directive("examples", Examples)
    return {"parallel_read_safe": True}
