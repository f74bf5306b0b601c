"""Measure how soon a fit is as good as scikit-learn's MLP, on the sets of ``accuracy.py``.

    python benchmarks/time_to_score.py
    python benchmarks/time_to_score.py --max-rows 20000 --min-rows 2501
    python benchmarks/time_to_score.py --sets iris digits --splits 3 --output few.md

The defaults are fitted with a quarter, half, once and twice the epochs of ``max_iter="auto"``.
The time to the score is that of the shortest of these fits whose held-out score is at least that
of MLP's defaults less 0.002. All numbers go into a .csv beside the tables. The packages are those
of ``accuracy.py``. All fits have one BLAS thread.
"""

import numpy as np
from _data import load_sets
from _tables import add_sets, command, parser_of, table, versions, write_csv
from accuracy import CONTENDERS as ALL
from accuracy import MARGIN, PACKAGES, contenders, defaults, run_splits, score_and_time

from skbackprop._core import auto
from skbackprop._core.rows import Batches

LENGTHS = {"¼": 0.25, "½": 0.5, "1": 1.0, "2": 2.0}
PEERS = ["MLP", "HistGB"]
MODELS = [*(f"skbackprop × {length}" for length in LENGTHS), *PEERS]
REFERENCE = MODELS.index("MLP")
OURS = slice(0, len(LENGTHS))


def compare(data, seed):
    """(score, seconds) of each of `MODELS` on one split."""
    split = data.split(seed)
    (n_rows, n_features), of_labels = split[0].shape, data.task == "classification"
    batches = Batches(n_rows, auto.batch_size("auto", n_rows, n_features))
    epochs = auto.max_iter("auto", n_rows, len(batches), of_labels=of_labels)
    models = [
        defaults(data.task, seed, max_iter=max(1, round(length * epochs)))
        for length in LENGTHS.values()
    ]
    peers = dict(zip(ALL, contenders(data.task, seed), strict=True))
    models += [peers[name] for name in PEERS]
    return [score_and_time(model, *split) for model in models]


def time_to_score(scores, ratios):
    """The time of the shortest fit of each set as good as the reference; NaN for none.

    `scores` and `ratios`, times over those of the reference, have the shape (n_sets, n_models).
    """
    reached = scores[:, OURS] >= scores[:, REFERENCE, np.newaxis] - MARGIN
    times = ratios[np.arange(len(ratios)), reached.argmax(axis=1)]
    return np.where(reached.any(axis=1), times, np.nan)


def geometric_mean(values):
    """Of the values that are not NaN."""
    return (
        float(np.exp(np.nanmean(np.log(values), axis=0))) if np.isfinite(values).any() else np.nan
    )


def per_set(sets, scores, ratios, times):
    """A row a set: score and time over MLP's of each model, and the time to the score."""
    rows = [
        [
            data.name,
            " × ".join(map(str, data.X.shape)),
            *(f"{s:.3f} ({t:.2f})" for s, t in zip(*of_set, strict=True)),
            "never" if np.isnan(time) else f"{time:.2f}",
        ]
        for data, *of_set, time in zip(sets, scores, ratios, times, strict=True)
    ]
    return table(["set", "rows × columns", *MODELS, "time to MLP's score"], rows)


def summary(scores, ratios, times):
    """A row a model, and a sentence about the time to the score."""
    rows = [
        [name, f"{scores[:, i].mean():.4f}", f"{geometric_mean(ratios[:, i]):.3f}"]
        for i, name in enumerate(MODELS)
    ]
    never = int(np.isnan(times).sum())
    sentence = (
        f"The time to MLP's score is {geometric_mean(times):.3f} of the time of MLP's fit, the "
        f"geometric mean over {len(times) - never} sets. {never} of {len(times)} sets "
        f"({never / len(times):.0%}) never reach it."
    )
    header = ["", "mean score", "time ÷ MLP's, geometric mean"]
    return f"{table(header, rows)}\n\n{sentence}"


def report(sets, scores, ratios, times, n_splits):
    """The page with the tables."""
    return f"""\
# Time to the score of scikit-learn's MLP on {len(sets)} real data sets

    {command()}

{versions(*PACKAGES)}; one BLAS thread.

The models are skbackprop with its defaults and a quarter, half, once and twice the epochs of
`max_iter="auto"`, and scikit-learn's MLP (on scaled data) and HistGradientBoosting with their
defaults. The score is the accuracy or R², at least 0, on a held-out quarter of the rows. The
numbers in brackets are fit times divided by that of MLP. Both are of the means over {n_splits}
splits. The last column is the time of the shortest fit with at least MLP's score less {MARGIN}.

{summary(scores, ratios, times)}

{per_set(sets, scores, ratios, times)}
"""


def main():
    """Fit what is asked for, print the summary and write the tables."""
    parser = parser_of(__doc__, "time_to_score.md", splits=1)
    add_sets(parser)
    parser.add_argument("--max-rows", type=int, default=2500, help="rows a set (default: 2,500)")
    parser.add_argument("--min-rows", type=int, default=0, help="leave out smaller sets")
    options = parser.parse_args()
    sets = load_sets(options.sets, options.max_rows)
    sets = [data for data in sets if len(data.y) >= options.min_rows]
    scores, seconds = run_splits(compare, sets, options, "time to score")
    means = scores.mean(axis=1)
    ratios = seconds.mean(axis=1)
    ratios /= ratios[:, REFERENCE, np.newaxis]
    times = time_to_score(means, ratios)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    page = report(sets, means, ratios, times, options.splits)
    options.output.write_text(page, encoding="utf-8")
    write_csv(options.output.with_suffix(".csv"), sets, MODELS, scores, seconds)
    print(summary(means, ratios, times))


if __name__ == "__main__":
    main()
