"""Compare the defaults with scikit-learn's MLP and boosted trees on data of known functions.

    python benchmarks/synthetic.py
    python benchmarks/synthetic.py --draws 1 --only "waves"
    python benchmarks/synthetic.py --importances --draws 10

Scores are those of other rows without noise: R², or accuracy. Each draw has data and a random state
of its own. All fits have one BLAS thread.
"""

import argparse
import warnings
from typing import NamedTuple

import numpy as np
from _tables import table
from accuracy import scaled
from sklearn.datasets import make_friedman1, make_friedman2, make_friedman3
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from skbackprop import BackpropClassifier, BackpropRegressor

N_TEST = 2000


class Models(NamedTuple):
    """The contenders of a task, by name."""

    skbackprop: type
    softplus: type
    MLP: type
    HistGB: type

    def made(self, seed):
        """Their instances, with defaults."""
        ours, softplus, mlp, trees = self
        return [
            ours(random_state=seed),
            softplus(activation="softplus", random_state=seed),
            scaled(mlp(random_state=seed)),
            trees(random_state=seed),
        ]


REGRESSORS = Models(
    BackpropRegressor, BackpropRegressor, MLPRegressor, HistGradientBoostingRegressor
)
CLASSIFIERS = Models(
    BackpropClassifier, BackpropClassifier, MLPClassifier, HistGradientBoostingClassifier
)


def friedman1(n_features):
    """Five columns have a say, the others none (Friedman, 1991)."""

    def draw(seed):
        X, y = make_friedman1(1000, n_features, noise=1.0, random_state=seed)
        return X, y, *make_friedman1(N_TEST, n_features, random_state=1000 + seed)

    return draw


def friedman(make, noise):
    """The second and the third of Friedman's functions."""

    def draw(seed):
        X, y = make(1000, noise=noise, random_state=seed)
        return X, y, *make(N_TEST, random_state=1000 + seed)

    return draw


def ball(seed):
    """Whether ten normal numbers have a sum of squares above its median (Hastie et al., 2009)."""
    X = np.random.default_rng(seed).normal(size=(2000 + N_TEST, 10))
    return split(X, (X**2).sum(axis=1) > 9.34, 2000)


def parity(seed):
    """Whether an odd number of six bits is on: none of them has a say of its own."""
    X = np.random.default_rng(seed).integers(0, 2, size=(1000 + N_TEST, 6)).astype(float)
    return split(X, X.sum(axis=1) % 2, 1000)


def waves(seed):
    """The sine of one column, over three periods."""
    X = np.random.default_rng(seed).uniform(-10, 10, size=(1000 + N_TEST, 1))
    return split(X, np.sin(X[:, 0]), 1000)


def wild_value(seed):
    """The first of Friedman's functions, one value of a column a million deviations out."""
    X, y, *rest = friedman1(10)(seed)
    X[0, 0] = 1e6
    return X, y, *rest


def cauchy(seed):
    """A bend of one column, with four more of long tails."""
    X = np.random.default_rng(seed).standard_cauchy(size=(1000 + N_TEST, 5))
    return split(X, np.tanh(X[:, 0]) + 0.5 * np.tanh(X[:, 1] - 1), 1000)


def split(X, y, n_rows):
    """The first rows to fit, the others to score."""
    return X[:n_rows], y[:n_rows], X[n_rows:], y[n_rows:]


TASKS = {
    "friedman1, 10 columns": (REGRESSORS, friedman1(10)),
    "friedman1, 50 columns": (REGRESSORS, friedman1(50)),
    "friedman1, 200 columns": (REGRESSORS, friedman1(200)),
    "friedman2": (REGRESSORS, friedman(make_friedman2, 125.0)),
    "friedman3": (REGRESSORS, friedman(make_friedman3, 0.1)),
    "ball": (CLASSIFIERS, ball),
    "parity": (CLASSIFIERS, parity),
    "waves": (REGRESSORS, waves),
    "one wild value": (REGRESSORS, wild_value),
    "long tails": (REGRESSORS, cauchy),
}


def scores(name, n_draws):
    """The scores of the contenders, (n_draws, n_contenders)."""
    models, draw = TASKS[name]
    results = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(n_draws):
            X, y, X_test, y_test = draw(seed)
            results.append([m.fit(X, y).score(X_test, y_test) for m in models.made(seed)])
    return np.array(results)


def importances(n_draws):
    """The least importance of friedman1's five columns over the largest of 95 others, by draw."""
    ratios = []
    with threadpool_limits(1):
        for seed in range(n_draws):
            X, y, *_ = friedman1(100)(seed)
            found = BackpropRegressor(random_state=seed).fit(X, y).feature_importances_
            ratios.append(found[:5].min() / found[5:].max())
    return np.array(ratios)


def main():
    """Print a row a task: the mean of the draws, and in brackets the lowest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=4, help="draws a task (default: 4)")
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS), metavar="TASK")
    parser.add_argument("--importances", action="store_true", help=importances.__doc__)
    options = parser.parse_args()
    if options.importances:
        ratios = importances(options.draws)
        print(*(f"{ratio:.2f}" for ratio in ratios))
        print(f"The five columns are first in {(ratios > 1.0).sum()} of {len(ratios)} draws.")
        return
    rows = []
    for name in options.only:
        results = scores(name, options.draws)
        cells = zip(results.mean(axis=0), results.min(axis=0), strict=True)
        rows.append([name, *(f"{mean:.3f} ({low:.3f})" for mean, low in cells)])
    print(table(["", *Models._fields], rows))


if __name__ == "__main__":
    main()
