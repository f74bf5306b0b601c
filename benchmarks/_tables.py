"""How benchmarks are asked and say what they found: options, tables, versions, progress."""

import argparse
import csv
import platform
import shlex
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

import skbackprop

try:
    from tqdm import tqdm
except ImportError:
    tqdm = None


def table(header, rows):
    """A Markdown table; the first column is text, the others numbers."""
    rules = ["---"] + ["--:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [header, rules, *rows])


def listed(models):
    """The models and what they are, as a Markdown list."""
    return "\n".join(f"- **{name}**: {text}" for name, text in models.items())


def write_csv(path, sets, models, scores, seconds):
    """Scores and seconds of all sets, splits and models, each (n_sets, n_splits, n_models)."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["set", "task", "rows", "columns", "split", "model", "score", "seconds"])
        for (i, split, j), score in np.ndenumerate(scores):
            data = sets[i]
            writer.writerow(
                [data.name, data.task, *data.X.shape, split, models[j], score, seconds[i, split, j]]
            )


def parser_of(description, page, splits):
    """A parser of the options of all comparisons over splits of sets; `page` is what they write."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--splits", type=int, default=splits, help="splits a set (default: %(default)s)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("docs/benchmarks") / page,
        help="where the tables go (default: %(default)s)",
    )
    return parser


def add_sets(parser, *, which="all", **restricted):
    """Add the options of which sets are compared, and by how many processes."""
    parser.add_argument(
        "--sets", nargs="+", metavar="NAME", help=f"sets (default: {which})", **restricted
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: %(default)s)")


def command():
    """The command line, as one would type it."""
    return shlex.join(["python", *sys.argv])


def versions(*packages):
    """Python, skbackprop and the given packages, with their versions."""
    found = [f"Python {platform.python_version()}", f"skbackprop {skbackprop.__version__}"]
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"no {package}")
    return ", ".join(found)


def progress(tasks, label):
    """The tasks, one by one, with a bar where tqdm is there."""
    return tasks if tqdm is None else tqdm(tasks, desc=label)
