"""Draws the way of a row through the folders, and the imports of the core."""

import ast
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import skbackprop

PACKAGE = Path(skbackprop.__file__).parent
# In the order in which a row of X passes them in a fit.
STEPS = [
    "check_parameters",
    "check_data",
    "labels",
    "validation",
    "build_problem",
    "plan",
    "fitted_attributes",
]


def imports(folder: str, module: str) -> set[str]:
    """Modules of `_core` that a module imports."""
    path = PACKAGE / folder / module
    files = path.glob("*.py") if path.is_dir() else [path.with_suffix(".py")]
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("skbackprop._core"):
                _, _, *inner = node.module.split(".")
                found |= {inner[0]} if inner else {alias.name for alias in node.names}
    return found - {module if folder == "_core" else ""}


def all_below(module: str, direct: dict[str, set[str]]) -> set[str]:
    """Modules that a module needs, directly or not."""
    return direct[module].union(*(all_below(other, direct) for other in direct[module]))


def draw() -> None:
    """Draw the steps with what they use, and below the core with what each module needs."""
    _, ax = plt.subplots(figsize=(9.5, 7.5), layout="constrained")
    ax.set_axis_off()
    box = {"boxstyle": "round", "facecolor": "white"}
    title = "_estimators: one fit, from left to right; below each module what it uses of _core"
    ax.text(0.0, 8.9, title)
    for k, step in enumerate(STEPS):
        x = 0.7 + 1.43 * k
        text = step.replace("_", "\n")
        ax.text(x, 8.2, text, ha="center", va="center", bbox=box | {"edgecolor": "tab:blue"})
        used = "\n".join(sorted(imports("_estimators", step)))
        ax.text(x, 7.7, used, ha="center", va="top", fontsize=8)
        if k:
            ax.annotate("", (x - 0.5, 8.2), (x - 0.93, 8.2), arrowprops={"arrowstyle": "->"})
    modules = {path.stem if path.is_file() else path.name for path in (PACKAGE / "_core").iterdir()}
    modules -= {"__init__", "__pycache__"}
    direct = {module: imports("_core", module) for module in modules}
    height = {}
    for module in sorted(modules, key=lambda m: len(all_below(m, direct))):
        height[module] = 1 + max((height[other] for other in direct[module]), default=-1)
    ax.text(0.0, 5.5, "_core: an arrow leads from a module to what it needs")
    direct = {m: direct[m].difference(*(all_below(o, direct) for o in direct[m])) for m in modules}
    places = dict.fromkeys(modules, (0.0, 0.0))
    for level in [*range(max(height.values()) + 1), *reversed(range(max(height.values()) + 1))] * 3:
        row = [module for module in sorted(modules) if height[module] == level]
        row.sort(
            key=lambda m: np.mean(
                [places[o][0] for o in modules if o in direct[m] or m in direct[o]]
            )
        )
        for k, module in enumerate(row):
            places[module] = (10.0 * (k + 0.5) / len(row), 0.85 * level)
    for module, (x, y) in places.items():
        for other in direct[module]:
            arrow = {"arrowstyle": "->", "color": "0.6", "shrinkA": 12, "shrinkB": 12}
            ax.annotate("", places[other], (x, y), arrowprops=arrow, zorder=0)
        ax.text(x, y, module, ha="center", va="center", bbox=box | {"edgecolor": "tab:orange"})
    ax.set(xlim=(0.0, 10.0), ylim=(-0.3, 9.1))


draw()
