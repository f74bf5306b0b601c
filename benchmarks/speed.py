"""Compare the speed of plain gradient descent with scikit-learn, PyTorch and skorch.

    python benchmarks/speed.py
    python benchmarks/speed.py --quick
    python benchmarks/speed.py --threads 1 --dtypes float32 --configurations 1 2 --only steps
    python benchmarks/speed.py --threads 1 --dtypes float32 --only everyday --tasks 6 7 8
    python benchmarks/speed.py --output docs/benchmarks/speed.md --picture docs/benchmarks/speed.png

Times of a step, set-up left out, beside those of its bare matrix products; then of what people do
every day. Contenders are in processes of their own, which take turns, round after round: what else
the machine does disturbs all alike. Ratios are medians over rounds. ``pip install
skbackprop[benchmarks]`` brings PyTorch and skorch; what is absent is left out with a word.
"""

import argparse
import os
import sys
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _contenders import (
    CONTENDERS,
    FLOOR,
    OURS,
    PYTORCH,
    SKLEARN,
    SKORCH,
    UNCONDITIONED,
    Configuration,
    microseconds,
)
from _everyday import TASKS, TINY, Sizes, one_fit, seconds
from _processes import Worker, median_ratio, race
from _tables import command, progress, table, versions


class Bars(NamedTuple):
    """How many times faster than each peer, and at most how many times the floor."""

    sklearn: float
    pytorch: float
    floor: float


# One thread, float32.
CONFIGURATIONS = {
    Configuration(150, 4, (10,), 1, n_classes=3): Bars(6.5, 8.0, 4.5),
    Configuration(150, 4, (10,), 32, n_classes=3): Bars(6.5, 7.0, 4.8),
    Configuration(1797, 64, (100,), 32): Bars(5.0, 6.0, 2.7),
    Configuration(1797, 64, (100,), 200): Bars(3.0, 3.0, 2.0),
    Configuration(10_000, 784, (100,), 200): Bars(1.6, 1.4, 1.45),
    Configuration(10_000, 784, (512, 512), 200): Bars(1.45, 1.0, 1.2),
    Configuration(10_000, 784, (100,), 10_000): Bars(1.25, 1.0, 1.5),
}
QUICK = [Configuration(150, 4, (10,), 32, n_classes=3), Configuration(300, 64, (20,), 200)]
CONDITIONING_BAR = 1.15
TWO_AT_ONCE_BAR = 1.3
# With two threads PyTorch is the better of two and of one.
PYTORCH_ALONE = "PyTorch, one thread"
# Shape, colour and filling of each in the picture.
MARKERS = {
    OURS: ("o", "C0", "full"),
    UNCONDITIONED: ("D", "C1", "full"),
    SKLEARN: ("^", "C2", "full"),
    PYTORCH: ("s", "C3", "full"),
    PYTORCH_ALONE: ("s", "C3", "none"),
    SKORCH: ("P", "C4", "full"),
}


def entrants(names, n_threads):
    """(contender, threads) by label, of those whose packages are there."""
    found = {}
    for name in names:
        missing = [p for p in CONTENDERS[name].packages if find_spec(p.partition(".")[0]) is None]
        if missing:
            print(f"Left out: {name}, as there is no {' or '.join(missing)}", file=sys.stderr)
            continue
        # skorch's steps are too small for two, and stall where the machine is busy.
        found[name] = name, 1 if name == SKORCH else n_threads
        if name == PYTORCH and n_threads > 1:
            found[PYTORCH_ALONE] = name, 1
    return found


def time_steps(configurations, entered, dtype, options):
    """Microseconds a step, (n_rounds,) by configuration and label."""
    times = {}
    with ExitStack() as stack:
        workers = {
            label: (name, stack.enter_context(Worker(n_threads, CONTENDERS[name].packages)))
            for label, (name, n_threads) in entered.items()
        }
        for configuration in progress(configurations, f"{dtype}, {n_threads_of(entered)}"):
            runners = [
                partial(
                    worker, microseconds, name, configuration, dtype, options.seconds, options.cpu
                )
                for name, worker in workers.values()
            ]
            times[configuration] = dict(zip(workers, race(runners, options.rounds).T, strict=True))
    return times


def n_threads_of(entered):
    """The number of threads of most, in words."""
    n_threads = max(n for _, n in entered.values())
    return "one thread" if n_threads == 1 else f"{n_threads} threads"


def against(times, label, bar=None, *, slower=False):
    """How many times faster than another ours is, or with `slower` slower; and the bar."""
    if label not in times or OURS not in times:
        return ""
    others = [times[name] for name in (label, PYTORCH_ALONE) if name in times]
    others = others if label == PYTORCH else others[:1]
    if slower:
        ratio = max(median_ratio(times[OURS], other) for other in others)
    else:
        ratio = min(median_ratio(other, times[OURS]) for other in others)
    return beside_bar(ratio, bar, at_most=slower)


def beside_bar(ratio, bar, *, at_most=False):
    """A ratio and its bar, with a cross where that is missed."""
    if bar is None:
        return f"{ratio:.2f}"
    missed = ratio > bar if at_most else ratio < bar
    return f"{ratio:.2f} ({'≤' if at_most else '≥'} {bar:g}){' ✗' if missed else ''}"


def bars_of(configuration, dtype, n_threads):
    """The bars for one thread and float32; for more, no slower than either peer."""
    if n_threads > 1:
        return Bars(1.0, 1.0, None)
    one = CONFIGURATIONS.get(configuration)
    return one if one and dtype == "float32" else Bars(None, None, None)


def ratios_table(times, dtype, n_threads):
    """A row a configuration: ratios of ours to the others, beside their bars."""
    rows = []
    for configuration, by_label in times.items():
        bars = bars_of(configuration, dtype, n_threads)
        rows.append(
            [
                configuration,
                against(by_label, SKLEARN, bars.sklearn),
                against(by_label, PYTORCH, bars.pytorch),
                against(by_label, SKORCH),
                against(by_label, FLOOR, bars.floor, slower=True),
                against(by_label, UNCONDITIONED, CONDITIONING_BAR, slower=True),
            ]
        )
    header = [
        "rows × inputs, hidden, batch",
        *(f"faster than {peer}" for peer in (SKLEARN, PYTORCH, SKORCH)),
        "time ÷ floor",
        "time ÷ unconditioned",
    ]
    return table(header, rows)


def microseconds_table(times):
    """A row a configuration: the median time of a step of each contender."""
    labels = list(next(iter(times.values())))
    rows = [
        [configuration, *(f"{np.median(by_label[label]):,.1f}" for label in labels)]
        for configuration, by_label in times.items()
    ]
    return table(["µs a step", *labels], rows)


def steps(options):
    """Sections about steps, and their times by title."""
    configurations = list(QUICK if options.quick else CONFIGURATIONS)
    if options.configurations:
        configurations = [configurations[number - 1] for number in options.configurations]
    sections, all_times = [], {}
    for n_threads in options.threads:
        entered = entrants(options.contenders, n_threads)
        for dtype in options.dtypes:
            clock = ", processor time" if options.cpu else ""
            title = f"Steps in {dtype}, {n_threads_of(entered)}{clock}"
            times = time_steps(configurations, entered, dtype, options)
            all_times[title] = times
            tables = ratios_table(times, dtype, n_threads), microseconds_table(times)
            sections.append("\n\n".join([f"## {title}", *tables]))
            print(f"\n{sections[-1]}", flush=True)
    return sections, all_times


def everyday(options):
    """The section about searches, predictions and fits at once."""
    sizes = TINY if options.quick else Sizes()
    n_rounds, dtype = options.rounds, options.dtypes[0]
    n_threads = options.threads[0]
    rows = []
    tasks = TASKS
    if options.tasks:
        tasks = [TASKS[number - 1] for number in options.tasks]
    with (
        Worker(n_threads, keeps_memory=True) as ours,
        Worker(n_threads, keeps_memory=True) as peers,
    ):
        for task in progress(tasks, "every day"):
            runners = [
                partial(worker, seconds, task.make_timer, name, dtype, sizes)
                for name, worker in ((OURS, ours), (SKLEARN, peers))
            ]
            # The first time brings imports and first calls.
            race(runners, 1)
            times, peer_times = race(runners, n_rounds).T
            ratio = beside_bar(median_ratio(peer_times, times), task.bar)
            rows.append(
                [task.name, f"{np.median(times):.3f}", f"{np.median(peer_times):.3f}", ratio]
            )
    header = ["", f"{OURS}, s", f"{SKLEARN}, s", f"faster than {SKLEARN}"]
    title = f"## Every day, in {dtype}, BLAS threads: {n_threads}"
    section = f"{title}\n\n{table(header, rows)}"
    if not options.tasks:
        section += f"\n\n{two_at_once(dtype, sizes, n_rounds)}"
    print(f"\n{section}", flush=True)
    return section


def two_at_once(dtype, sizes, n_rounds):
    """The table of fits in two processes, each with all threads that BLAS takes by itself."""
    rows = []
    for name in (OURS, SKLEARN):
        with Worker() as first, Worker() as second:
            runners = [
                partial(worker.submit, seconds, one_fit, name, dtype, sizes)
                for worker in (first, second)
            ]

            def alone(runners=runners):
                return [runner().result() for runner in runners]

            def together(runners=runners):
                return [future.result() for future in [runner() for runner in runners]]

            alone()
            times_alone, times_together = np.moveaxis(race([alone, together], n_rounds), 1, 0)
        worst = max(map(median_ratio, times_together.T, times_alone.T))
        bar = TWO_AT_ONCE_BAR if name == OURS else None
        rows.append([name, f"{np.median(times_alone):.3f}", beside_bar(worst, bar, at_most=True)])
    return table(["1,797 × 64, 100, batch 32", "a fit alone, s", "two at once ÷ alone"], rows)


def draw(all_times, path):
    """Median times over the floor's as points, a panel a table, into a picture file."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("No picture, as there is no matplotlib", file=sys.stderr)
        return
    n_panels = len(all_times)
    figure = Figure(figsize=(9, 0.7 + 3.3 * n_panels), layout="constrained")
    panels = figure.subplots(n_panels, squeeze=False, sharex=True)[:, 0]
    for panel, (title, times) in zip(panels, all_times.items(), strict=True):
        configurations = list(times)
        medians = {c: {label: np.median(times[c][label]) for label in times[c]} for c in times}
        for label, (marker, color, fill) in MARKERS.items():
            ratios = [medians[c].get(label, np.nan) / medians[c][FLOOR] for c in configurations]
            panel.plot(
                ratios,
                range(len(ratios)),
                marker,
                color=color,
                fillstyle=fill,
                label=label,
                markersize=9 if label == OURS else 6,
            )
        panel.set_title(title, loc="left")
        panel.set_yticks(range(len(configurations)), list(map(str, configurations)))
        panel.invert_yaxis()
        panel.set_xscale("log")
        panel.axvline(1.0, color="black", linewidth=1)
        panel.grid(axis="x", alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1].legend(loc="lower right", frameon=False)
    panels[-1].set_xlabel("time of a step ÷ time of its bare matrix products")
    figure.savefig(path, dpi=120)


def report(sections, picture, options):
    """The page with the tables."""
    image = f"\n![Time of a step over its bare products]({picture.name})\n" if picture else ""
    packages = ("numpy", "scikit-learn", "torch", "skorch")
    body = "\n\n".join(sections)
    return f"""\
# Speed of plain gradient descent

    {command()}

{versions(*packages)}; {os.cpu_count()} cores; medians of {options.rounds} rounds.

The networks have one or two hidden layers of sigmoids. The steps are constant, without momentum and
penalty. **unconditioned** is skbackprop with `conditioning=None`. **floor** is the time of the
matrix products of a step alone. The numbers in brackets are our own targets; ✗ marks a target that
is missed. In the tables with two threads, the time of PyTorch is the better one of two threads and
one, and skorch uses one thread. On two cores every package can become slow if another program runs.
{image}
{body}
"""


def main():
    """Time what is asked for, print the tables and write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a smoke run of tiny sizes")
    parser.add_argument("--only", choices=["steps", "everyday"], help="half of the benchmark")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], help="default: 1 2")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"], help="precisions")
    parser.add_argument(
        "--configurations", nargs="+", type=int, metavar="NUMBER", help="from 1 (default: all)"
    )
    parser.add_argument(
        "--tasks",
        nargs="+",
        type=int,
        metavar="NUMBER",
        help="those of every day, from 1 (default: all)",
    )
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, help="repeats of each measurement (default: 7)")
    parser.add_argument("--seconds", type=float, help="of a measurement, about (default: 0.4)")
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="processor time of steps, not wall time: steadier for one thread on a busy machine",
    )
    parser.add_argument("--output", type=Path, help="a Markdown file for the tables")
    parser.add_argument("--picture", type=Path, help="a file for the picture")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 7)
    options.seconds = options.seconds or (0.02 if options.quick else 0.4)

    if options.quick:
        print("A smoke run: its numbers mean nothing.")
    sections, all_times = ([], {}) if options.only == "everyday" else steps(options)
    if options.only != "steps":
        sections.append(everyday(options))
    if options.picture and all_times:
        draw(all_times, options.picture)
    if options.output:
        options.output.write_text(report(sections, options.picture, options), encoding="utf-8")


if __name__ == "__main__":
    main()
