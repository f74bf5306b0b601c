"""Compare the memory that fit and predict take with that of scikit-learn's MLP.

    python benchmarks/memory.py
    python benchmarks/memory.py --quick
    python benchmarks/memory.py --mapped 5000000 200
    python benchmarks/memory.py --output docs/benchmarks/memory.md

Each number is of a fresh process: its peak of resident memory less what it held just before, with
its imports done and its data made, and less the result. Memory-mapped data are in the page cache
before, so that pages read from the file do not count.
"""

import argparse
import os
import pickle
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _contenders import OURS, SKLEARN, skbackprop_classifier, sklearn_classifier
from _processes import Worker
from _tables import command, progress, table, versions

MB = 1e6
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
ESTIMATORS = {OURS: skbackprop_classifier, SKLEARN: sklearn_classifier}


class Sizes(NamedTuple):
    """Rows and columns that are fitted and predicted."""

    n_fit_rows: int = 100_000
    n_fit_columns: int = 784
    n_predict_rows: int = 1_000_000
    n_predict_columns: int = 64


TINY = Sizes(1000, 20, 2000, 8)
# MB of memory beyond what is given and returned, and of fit also beyond the weights.
MEMORY_BAR = 64.0
# A pickle over the bytes of the weights and statistics, and kilobytes more.
PICKLE_BAR, PICKLE_EXTRA = 1.1, 10.0


def resident(field):
    """Bytes of the process by /proc: VmRSS, now, or VmHWM, at most since the last reset."""
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return 1024 * int(line.split()[1])


def peak_beyond(function):
    """The result of a call, and the bytes that it held at most beyond what there was before."""
    # 5 resets VmHWM to VmRSS, see proc(5).
    CLEAR.write_text("5")
    before = resident("VmRSS")
    result = function()
    return result, max(resident("VmHWM") - before, 0)


def normal(n_rows, n_columns, dtype):
    """Normal inputs, made without a copy, and classes of one frequency."""
    X = np.random.default_rng(0).standard_normal((n_rows, n_columns), dtype=dtype)
    return X, np.arange(n_rows) % 10


def classifier(name, **parameters):
    """One epoch of batches of 200."""
    return ESTIMATORS[name](max_iter=1, batch_size=200, **parameters)


def fit_memory(name, dtype, sizes, *, mapped=False):
    """MB that a fit takes beyond X and the weights."""
    X, y = normal(sizes.n_fit_rows, sizes.n_fit_columns, np.dtype(dtype))
    model = classifier(name)
    with tempfile.TemporaryDirectory() as folder:
        if mapped:
            file = Path(folder) / "X.npy"
            np.save(file, X)
            X = np.load(file, mmap_mode="r")
            X.max()
        _, peak = peak_beyond(partial(model.fit, X, y))
    return (peak - weight_bytes(model)) / MB


def predict_memory(name, dtype, sizes):
    """MB that predict_proba takes beyond X and the probabilities."""
    X, y = normal(sizes.n_predict_rows, sizes.n_predict_columns, np.dtype(dtype))
    model = classifier(name).fit(X[:1000], y[:1000])
    proba, peak = peak_beyond(partial(model.predict_proba, X))
    return (peak - proba.nbytes) / MB


def pickle_size(name, dtype, sizes):
    """KB of a pickle, of the weights, and of the statistics of conditioning in a fitted model.

    These are the shift and scale of each column, and its moments, by which `partial_fit` goes on.
    """
    X, y = normal(2000, sizes.n_fit_columns, np.dtype(dtype))
    model = classifier(name).fit(X, y)
    names = ("input_shift_", "input_scale_", "target_shift_", "target_scale_")
    of_coordinates = [getattr(model, attribute, None) for attribute in names]
    past = getattr(model, "_past", {})
    statistics = n_bytes([*of_coordinates, past.get("statistics")])
    return [size / 1e3 for size in (len(pickle.dumps(model)), weight_bytes(model), statistics)]


def n_bytes(arrays):
    """Bytes of an array, or of those in nested sequences."""
    if isinstance(arrays, list | tuple):
        return sum(map(n_bytes, arrays))
    return getattr(arrays, "nbytes", 0)


def weight_bytes(model):
    """Bytes of a fitted model's weights."""
    return n_bytes([model.coefs_, model.intercepts_])


def fresh(function, *arguments):
    """The value of a call in a new process that has done its imports."""
    with Worker(packages=("skbackprop", "sklearn.neural_network")) as worker:
        return worker(function, *arguments)


def measurements(sizes):
    """What is measured, by description."""
    fit = f"`fit` of {sizes.n_fit_rows:,} × {sizes.n_fit_columns} beyond `X` and the weights"
    rows = f"{sizes.n_predict_rows:,} × {sizes.n_predict_columns}"
    return {
        fit: fit_memory,
        f"{fit}, `X` memory-mapped": partial(fit_memory, mapped=True),
        f"`predict_proba` of {rows} beyond `X` and the result": predict_memory,
    }


def memory_table(dtypes, sizes):
    """A row a measurement and precision: megabytes of ours, beside the bar, and of the MLP."""
    tasks = [(what, dtype) for what in measurements(sizes).items() for dtype in dtypes]
    rows = []
    for (what, function), dtype in progress(tasks, "memory"):
        ours, peer = (fresh(function, name, dtype, sizes) for name in ESTIMATORS)
        missed = " ✗" if ours > MEMORY_BAR else ""
        rows.append([what, dtype, f"{ours:.1f} (≤ {MEMORY_BAR:g}){missed}", f"{peer:.1f}"])
    return table(["MB", "precision", *ESTIMATORS], rows)


def mapped_table(dtypes, n_rows, n_columns):
    """A row a precision: megabytes of a fit of ours on a memory-mapped file of so many rows."""
    sizes = Sizes(n_fit_rows=n_rows, n_fit_columns=n_columns)
    rows = []
    for dtype in dtypes:
        peak = fresh(partial(fit_memory, mapped=True), OURS, dtype, sizes)
        size = n_rows * n_columns * np.dtype(dtype).itemsize
        rows.append([f"{n_rows:,} × {n_columns}", dtype, f"{size / MB:,.0f}", f"{peak:.1f}"])
    return table(["MB of `fit`, `X` memory-mapped", "precision", "file", OURS], rows)


def pickle_table(dtypes, sizes):
    """A row a precision: kilobytes of a pickle of ours, beside the bar, and of the MLP."""
    rows = []
    for dtype in dtypes:
        (ours, weights, statistics), (peer, *_) = (
            fresh(pickle_size, name, dtype, sizes) for name in ESTIMATORS
        )
        bar = PICKLE_BAR * (weights + statistics) + PICKLE_EXTRA
        missed = " ✗" if ours > bar else ""
        rows.append(
            [
                f"{dtype}, {sizes.n_fit_columns} × 100 × 10",
                f"{weights:.1f}",
                f"{statistics:.1f}",
                f"{ours:.1f} (≤ {bar:.1f}){missed}",
                f"{peer:.1f}",
            ]
        )
    header = ["KB", "weights", "statistics", *(f"pickle, {name}" for name in ESTIMATORS)]
    return table(header, rows)


def report(tables):
    """The page with the tables."""
    body = "\n\n".join(tables)
    return f"""\
# Memory of plain gradient descent

    {command()}

{versions("numpy", "scikit-learn")}; {os.cpu_count()} cores.

The first table has the peak memory of a network with one hidden layer of 100 units, in batches of
200. Each number comes from a new process. The second table has the size of a pickle. It contains
the weights and, for each column, the statistics of the conditioning: the shift, the scale, and the
moments with which `partial_fit` continues. The numbers in brackets are our own targets; ✗ marks a
target that is missed.

{body}
"""


def main():
    """Measure, print the tables and write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a smoke run of tiny sizes")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"], help="precisions")
    parser.add_argument(
        "--mapped", type=int, nargs=2, metavar=("ROWS", "COLUMNS"), help="only a file of this size"
    )
    parser.add_argument("--output", type=Path, help="a Markdown file for the tables")
    options = parser.parse_args()
    if not CLEAR.exists():
        sys.exit("Peaks of memory are read from /proc, which only Linux has.")
    sizes = Sizes()
    if options.quick:
        print("A smoke run: its numbers mean nothing.")
        sizes = TINY
    if options.mapped:
        tables = [mapped_table(options.dtypes, *options.mapped)]
    else:
        tables = [make(options.dtypes, sizes) for make in (memory_table, pickle_table)]
    print("\n" + "\n\n".join(tables))
    if options.output:
        options.output.write_text(report(tables), encoding="utf-8")


if __name__ == "__main__":
    main()
