"""How benchmarks say what they found: tables, versions, progress."""

import platform
import shlex
import sys
from importlib.metadata import PackageNotFoundError, version

import skbackprop

try:
    from tqdm import tqdm
except ImportError:
    tqdm = None


def table(header, rows):
    """A Markdown table; the first column is text, the others numbers."""
    rules = ["---"] + ["--:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [header, rules, *rows])


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
