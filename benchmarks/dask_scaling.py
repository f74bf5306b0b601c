"""Measure a full-batch step on a cluster of processes against one process.

    python benchmarks/dask_scaling.py
    python benchmarks/dask_scaling.py --quick
    python benchmarks/dask_scaling.py --output docs/benchmarks/dask.md

A step is one loss and gradient on all rows. Every process has one thread. Steps in memory and on
the cluster take turns, so that what else the machine does disturbs both alike; the seconds of a
processor leave it out. What a step costs beyond arithmetic is measured on a few rows.
"""

import argparse
import os
import time
from pathlib import Path

import dask.array as da
import numpy as np
from _processes import THREADS, Worker, median_ratio, race
from _tables import command, table, versions
from dask import delayed
from distributed import Client, LocalCluster

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.losses import LOSSES
from skbackprop._core.network import Network
from skbackprop._core.objective import Objective
from skbackprop.dask._blocks import Blocks
from skbackprop.dask._objective import ObjectiveOfBlocks

SPEEDUP_BAR, OVERHEAD_BAR = 1.6, 30.0
_kept = {}


def make_block(n_rows, n_columns, seed):
    """Normal inputs in float32."""
    return np.random.default_rng(seed).standard_normal((n_rows, n_columns), dtype=np.float32)


def objective_on(X, kind, n_units):
    """The squared error of one hidden layer on all rows of X, and parameters."""
    n_rows, n_columns = X.shape
    network = Network([n_columns, n_units, 1], [ACTIVATIONS["sigmoid"]])
    loss = LOSSES["half_squared_error"]("matrix", "identity")
    y = make_block(n_rows, 1, 0)
    params = network.initial_params(np.random.default_rng(0), np.dtype(np.float32))
    return kind(network, loss, X, y, batch_size=n_rows), params


def timed_step(objective, params):
    """Seconds of a step."""
    start = time.perf_counter()
    objective.value_and_gradient(params, slice(0, objective.inputs.shape[0]), np.empty_like(params))
    return time.perf_counter() - start


def prepare(n_rows, n_columns, n_units):
    """Keep an objective in this process."""
    _kept["step"] = objective_on(make_block(n_rows, n_columns, 0), Objective, n_units)
    timed_step(*_kept["step"])


def local_step():
    """Seconds of a step in this process, by the clock and of a processor."""
    before = time.process_time()
    return timed_step(*_kept["step"]), time.process_time() - before


def blocks_of(client, n_rows, n_columns, n_blocks):
    """Blocks that the workers make."""
    chunk = n_rows // n_blocks
    make = delayed(make_block)
    parts = [
        da.from_delayed(make(chunk, n_columns, k), (chunk, n_columns), np.float32)
        for k in range(n_blocks)
    ]
    return Blocks.of(client, da.concatenate(parts))


def cluster(n_workers):
    """Workers in processes of their own, of one thread each."""
    return LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=":0")


def speedup_table(n_rows, n_columns, n_units, n_rounds):
    """Seconds of a step in one process and on two workers, in turns."""
    with Worker(1) as worker, cluster(2) as workers, Client(workers) as client:
        worker(prepare, n_rows, n_columns, n_units)
        blocks = blocks_of(client, n_rows, n_columns, 2)
        objective, params = objective_on(blocks, ObjectiveOfBlocks, n_units)
        timed_step(objective, params)

        def cluster_step():
            before = client.run(time.process_time)
            seconds = timed_step(objective, params)
            after = client.run(time.process_time)
            return seconds, max(after[address] - before[address] for address in before)

        times = race([lambda: worker(local_step), cluster_step], n_rounds)
    rows = []
    for k, name in enumerate(["one process", "two workers"]):
        clock, processor = np.median(times[:, k], axis=0)
        faster = median_ratio(times[:, 0, 0], times[:, k, 0])
        less = median_ratio(times[:, 0, 1], times[:, k, 1])
        rows.append([name, f"{clock:.3f}", f"{faster:.2f}", f"{processor:.3f}", f"{less:.2f}"])
    rows[-1][2] += f" (≥ {SPEEDUP_BAR})"
    size = f"{n_rows:,} × {n_columns}, {n_units} units"
    return table([size, "s a step", "×", "processor s of the busiest process", "×"], rows)


def overhead_table(n_columns, units, numbers_of_blocks, n_steps):
    """Milliseconds and bytes of a step on 1,024 rows, by the number of blocks and of weights."""
    rows = []
    with cluster(2) as workers, Client(workers) as client:
        for n_units in units:
            for n_blocks in numbers_of_blocks:
                blocks = blocks_of(client, 1024, n_columns, n_blocks)
                objective, params = objective_on(blocks, ObjectiveOfBlocks, n_units)
                seconds = [timed_step(objective, params) for _ in range(n_steps)][2:]
                bar = f" (≤ {OVERHEAD_BAR:g})" if (n_units, n_blocks) == (min(units), 2) else ""
                kilobytes = 2 * params.nbytes * n_blocks / 1e3
                rows.append(
                    [
                        f"{len(params):,}",
                        n_blocks,
                        f"{1e3 * np.median(seconds):.1f}{bar}",
                        f"{kilobytes:,.0f}",
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
thread on this machine. Its load was {os.getloadavg()[0]:.1f} at the end. The numbers in brackets
are our own targets. The kilobytes are the weights sent to each block and the gradients sent back.

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
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--output", type=Path, help="a Markdown file for the tables")
    options = parser.parse_args()
    # Workers inherit them.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    numbers_of_blocks, n_steps = (1, 2, 4, 16, 64), 22
    if options.quick:
        print("A smoke run: its numbers mean nothing.")
        options.rows, options.rounds, numbers_of_blocks, n_steps = 2000, 1, (2,), 3
    tables = [overhead_table(options.columns, options.hidden, numbers_of_blocks, n_steps)]
    print("\n" + tables[-1], flush=True)
    tables.append(speedup_table(options.rows, options.columns, options.hidden[0], options.rounds))
    print("\n" + tables[-1], flush=True)
    if options.output:
        options.output.write_text(report(tables), encoding="utf-8")


if __name__ == "__main__":
    main()
