"""Measure a full-batch step on a cluster of processes against one process.

    python benchmarks/dask_scaling.py
    python benchmarks/dask_scaling.py --quick
    python benchmarks/dask_scaling.py --output docs/benchmarks/dask.md

The seconds of a step are the difference of two fits of unlike numbers of epochs over the number of
epochs between, so that loading, checking and conditioning do not count. Every process has one
thread. What a step costs beyond arithmetic is measured on a few rows, which have next to none.
"""

import argparse
import os
import time
from functools import partial
from pathlib import Path

import dask.array as da
import numpy as np
from _processes import THREADS, Worker, median_ratio, race
from _tables import command, table, versions
from dask import delayed
from distributed import Client, LocalCluster

from skbackprop import BackpropRegressor
from skbackprop.dask import DaskBackpropRegressor

SPEEDUP_BAR, OVERHEAD_BAR = 1.6, 30.0


def make_block(n_rows, n_columns, seed):
    """Normal inputs in float32."""
    return np.random.default_rng(seed).standard_normal((n_rows, n_columns), dtype=np.float32)


def inputs(n_rows, n_columns, n_blocks):
    """A dask array whose blocks the workers make."""
    chunk = n_rows // n_blocks
    make = delayed(make_block)
    blocks = [
        da.from_delayed(make(chunk, n_columns, k), (chunk, n_columns), np.float32)
        for k in range(n_blocks)
    ]
    return da.concatenate(blocks)


def targets(n_rows):
    """Targets without a pattern: what they are costs nothing."""
    return np.random.default_rng(1).standard_normal(n_rows, dtype=np.float32)


def regressor(Estimator, n_units, n_epochs):
    """Full batch at a given step, so that there is no search for one."""
    return Estimator(
        n_units, batch_size="full", learning_rate=1e-3, max_iter=n_epochs, tol=None, random_state=0
    )


def seconds_a_step(fit, few, many):
    """From fits of `few` and of `many` epochs, after one that warms up."""
    fit(1)
    seconds = []
    for n_epochs in (few, many):
        start = time.perf_counter()
        fit(n_epochs)
        seconds.append(time.perf_counter() - start)
    return (seconds[1] - seconds[0]) / (many - few)


def local_step(n_rows, n_columns, n_units, epochs):
    """Seconds of a step in this process."""
    X = np.concatenate([make_block(n_rows // 2, n_columns, k) for k in range(2)])
    y = targets(n_rows)
    return seconds_a_step(lambda n: regressor(BackpropRegressor, n_units, n).fit(X, y), *epochs)


def cluster_step(n_workers, n_rows, n_columns, n_units, n_blocks, epochs):
    """Seconds of a step on workers in processes of their own, of one thread each."""
    with (
        LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        X, y = inputs(n_rows, n_columns, n_blocks).persist(), targets(n_rows)
        client.wait_for_workers(n_workers)
        return seconds_a_step(
            lambda n: regressor(DaskBackpropRegressor, n_units, n).fit(X, y), *epochs
        )


def in_a_process(n_threads, function, *arguments):
    """The value of a call in a new process whose libraries have so many threads each."""
    with Worker(n_threads) as worker:
        return worker(function, *arguments)


def speedup_table(n_rows, n_columns, n_units, n_rounds):
    """Seconds of a step in one process and on one and two workers of one thread."""
    size, epochs = (n_rows, n_columns, n_units), (1, 4)
    runners = [
        partial(in_a_process, 1, local_step, *size, epochs),
        partial(in_a_process, 2, local_step, *size, epochs),
        partial(cluster_step, 1, *size, 2, epochs),
        partial(cluster_step, 2, *size, 2, epochs),
    ]
    seconds = race(runners, n_rounds)
    names = ["in memory, 1 thread", "in memory, 2 threads", "1 worker", "2 workers"]
    rows = []
    for name, own in zip(names, seconds.T, strict=True):
        ratio = median_ratio(seconds[:, 0], own)
        rows.append([name, f"{np.median(own):.3f}", f"{ratio:.2f}"])
    rows[-1][-1] += f" (≥ {SPEEDUP_BAR})"
    header = [f"{n_rows:,} × {n_columns}, {n_units} units", "s a step", "times as fast"]
    return table(header, rows)


def overhead_table(n_columns, units, blocks, n_epochs):
    """Milliseconds and bytes of a step on 1,024 rows, by the number of blocks and of weights."""
    rows = []
    for n_units in units:
        n_params = n_units * (n_columns + 2) + 1
        for n_blocks in blocks:
            epochs = (5, 5 + n_epochs)
            seconds = cluster_step(2, 1024, n_columns, n_units, n_blocks, epochs)
            missed = f" (≤ {OVERHEAD_BAR:g})" if n_blocks == 2 and n_units == min(units) else ""
            rows.append(
                [
                    f"{n_params:,}",
                    n_blocks,
                    f"{1e3 * seconds:.1f}{missed}",
                    f"{2 * 4 * n_params * n_blocks / 1e3:,.0f}",
                ]
            )
    return table(["weights", "blocks", "ms a step", "kB a step, to and fro"], rows)


def report(tables):
    """The page with the tables."""
    body = "\n\n".join(tables)
    return f"""\
# A step on a cluster

    {command()}

{versions("numpy", "dask", "distributed")}; {os.cpu_count()} cores. Workers are processes of one
thread on this machine, whose load was {os.getloadavg()[0]:.1f} at the end.
In brackets are the bars that we set ourselves. Kilobytes are what the
weights to each block and the gradients back come to.

{body}
"""


def main():
    """Measure, print the tables and write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a smoke run of tiny sizes")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--hidden", type=int, nargs="+", default=[32, 1000], help="hidden units")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="a Markdown file for the tables")
    options = parser.parse_args()
    # Workers inherit them.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    if options.quick:
        print("A smoke run: its numbers mean nothing.")
        options.rows, options.rounds = 2000, 1
    blocks, n_epochs = ((2,), 2) if options.quick else ((1, 2, 4, 16, 64), 40)
    tables = []
    for make in (
        partial(speedup_table, options.rows, options.columns, options.hidden[0], options.rounds),
        partial(overhead_table, options.columns, options.hidden, blocks, n_epochs),
    ):
        tables.append(make())
        print("\n" + tables[-1], flush=True)
    if options.output:
        options.output.write_text(report(tables), encoding="utf-8")


if __name__ == "__main__":
    main()
