"""Fits whose results a change of structure must not change, bit for bit.

Save them before the change and compare after it, on one machine::

    python benchmarks/golden.py save before.json
    python benchmarks/golden.py compare before.json

Each case is a script of fits on small data. What is kept of it is a digest of every public fitted
attribute and of the predictions, and the types of warnings and errors.
"""

import argparse
import hashlib
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_classification
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor

N_ROWS = 144


def digest(value: Any) -> str:
    """A hash of numbers, arrays, strings and sequences of them."""
    if isinstance(value, list | tuple):
        content = " ".join(map(digest, value)).encode()
    elif isinstance(value, np.ndarray) and value.dtype != object:
        content = f"{value.dtype} {value.shape}".encode() + np.ascontiguousarray(value).tobytes()
    else:
        content = repr(value.tolist() if isinstance(value, np.ndarray) else value).encode()
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def results(model: Any, X: Any) -> dict[str, str]:
    """Digests of the fitted attributes and of the predictions."""
    found = {
        name: digest(value)
        for name, value in sorted(vars(model).items())
        if name.endswith("_") and not name.startswith("_")
    }
    for method in ("predict", "predict_proba", "decision_function", "hidden_activations"):
        if hasattr(model, method) and (method != "hidden_activations" or model.n_layers_ > 2):
            found[method] = digest(np.asarray(getattr(model, method)(X)))
    return found


def classes(n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of two or three classes."""
    X, y = load_iris(return_X_y=True) if n_classes == 3 else load_breast_cancer(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(y))[:N_ROWS]
    return X[rows], y[rows]


def numbers() -> tuple[np.ndarray, np.ndarray]:
    """Rows of a regression."""
    X, y = load_diabetes(return_X_y=True)
    return X[:N_ROWS], y[:N_ROWS]


def sparse() -> tuple[Any, np.ndarray]:
    """Sparse rows of two classes."""
    from scipy.sparse import random_array

    rng = np.random.default_rng(1)
    X = random_array((N_ROWS, 300), density=0.05, format="csr", rng=rng)
    return X, (X @ rng.normal(size=300) > 0.0).astype(int)


class Interrupting:
    """A scorer that interrupts the fit after some epochs."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def __call__(self, model: Any, X: Any, y: Any) -> float:
        """Return the score of the model."""
        self.epochs -= 1
        if self.epochs == 0:
            raise KeyboardInterrupt
        return float(model.score(X, y))


Case = Callable[[], dict[str, str]]


def cases() -> Iterator[tuple[str, Case]]:
    """Names of the cases, and what computes their results."""
    for kind, data in ((BackpropClassifier, classes(3)), (BackpropRegressor, numbers())):
        for name, params in SETTINGS.items():
            yield f"{kind.__name__} {name}", _fit(kind(**{"random_state": 0} | params), *data)
        for dtype in ("f4", "i8"):
            X = (100.0 * data[0]).astype(dtype)
            yield f"{kind.__name__} {dtype}", _fit(kind(max_iter=8, random_state=0), X, data[1])
        yield (
            f"{kind.__name__} weights",
            _fit(
                kind(max_iter=8, random_state=0),
                *data,
                sample_weight=np.random.default_rng(2).integers(0, 3, N_ROWS).astype(float),
            ),
        )
        yield (
            f"{kind.__name__} validation set",
            _fit(
                kind(max_iter=12, random_state=0),
                data[0][:100],
                data[1][:100],
                X_val=data[0][100:],
                y_val=data[1][100:],
            ),
        )
        yield (
            f"{kind.__name__} groups",
            _fit(
                kind(max_iter=12, early_stopping=True, random_state=0),
                *data,
                groups=np.arange(N_ROWS) // 8,
            ),
        )
        yield f"{kind.__name__} warm starts", _go_on(kind, *data, partial=False)
        yield f"{kind.__name__} stream", _go_on(kind, *data, partial=True)
        yield f"{kind.__name__} interrupted", _interrupted(kind, *data)
        yield f"{kind.__name__} failed after a fit", _failed(kind, *data)
        yield f"{kind.__name__} pipeline", _in_pipeline(kind, *data)
    yield "two classes", _fit(BackpropClassifier(max_iter=8, random_state=0), *classes(2))
    for loss in ("squared_error", "half_squared_error"):
        model = BackpropClassifier(loss=loss, max_iter=8, random_state=0)
        yield f"classes by {loss}", _fit(model, *classes(3))
    balanced = BackpropClassifier(class_weight="balanced", max_iter=8, random_state=0)
    yield "class weights", _fit(balanced, *classes(3))
    yield "sparse", _fit(BackpropClassifier(max_iter=5, random_state=0), *sparse())
    many_labels = make_classification(N_ROWS, random_state=0)[0]
    labels = (many_labels[:, :3] > 0.0).astype(int)
    yield "labels", _fit(BackpropClassifier(max_iter=5, random_state=0), many_labels, labels)
    X, y = numbers()
    for loss in ("squared_error", "absolute_error", "huber", "poisson", "quantile"):
        yield loss, _fit(BackpropRegressor(loss=loss, max_iter=8, random_state=0), X, y)
    quantiles = BackpropRegressor(
        loss="quantile", quantile=(0.1, 0.5, 0.9), max_iter=8, random_state=0
    )
    yield "quantiles", _fit(quantiles, X, y)
    for output in ("sigmoid", "softplus", "tanh", "relu"):
        model = BackpropRegressor(output_activation=output, max_iter=8, random_state=0)
        yield f"output {output}", _fit(model, X, y / 400.0)
    two = np.column_stack([y, 1e3 * X[:, 0]])
    yield "two outputs", _fit(BackpropRegressor(max_iter=8, random_state=0), X, two)
    start = {"coefs_init": [np.full((10, 1), 0.5)], "intercepts_init": [[1.0]]}
    linear = BackpropRegressor(hidden_layer_sizes=(), max_iter=8, random_state=0)
    yield "given weights", _fit(linear, X, y, **start)
    yield "on a cluster", _on_cluster


SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "no hidden layer": {"hidden_layer_sizes": (), "max_iter": 10},
    "softplus": {"activation": "softplus", "max_iter": 8},
    "tanh, relu": {"hidden_layer_sizes": (8, 7), "activation": ("tanh", "relu"), "max_iter": 8},
    "identity": {"activation": "identity", "max_iter": 8},
    "five layers": {"hidden_layer_sizes": 6, "n_hidden_layers": 5, "max_iter": 8},
    "textbook": {
        "conditioning": None,
        "alpha": 0,
        "learning_rate": 0.01,
        "learning_rate_schedule": "constant",
        "batch_size": "full",
        "shuffle": False,
        "max_iter": 30,
        "tol": None,
    },
    "sum": {"loss_reduction": "sum", "max_iter": 8},
    "no intercepts": {"fit_intercept": False, "max_iter": 8},
    "full batch": {"batch_size": "full", "max_iter": 40},
    "invscaling": {"learning_rate_schedule": "invscaling", "max_iter": 12},
    "adaptive": {"learning_rate_schedule": "adaptive", "max_iter": 60},
    "early stopping": {"early_stopping": True, "max_iter": 60},
    "early stopping, adaptive": {
        "early_stopping": True,
        "learning_rate_schedule": "adaptive",
        "max_iter": 60,
    },
    "diverges": {"learning_rate": 1e6, "max_iter": 12},
    "stalls": {"learning_rate": 1e-12, "max_iter": 4},
}


def _fit(model: Any, X: Any, y: np.ndarray, **fit_params: Any) -> Case:
    return lambda: results(model.fit(X, y, **fit_params), X)


def _go_on(kind: Any, X: np.ndarray, y: np.ndarray, *, partial: bool) -> Case:
    def run() -> dict[str, str]:
        model = kind(max_iter=5, warm_start=not partial, random_state=0)
        if not partial:
            model.fit(X, y).fit(X, y)
            return results(model.set_params(max_iter=3).fit(X, y), X)
        known = {"classes": np.unique(y)} if kind is BackpropClassifier else {}
        for start in range(0, N_ROWS, 40):
            rows = slice(start, start + 40)
            # The scale of the inputs grows, so that the step is looked for anew.
            model.partial_fit(X[rows] * (1.0 + start), y[rows], **known)
        return results(model, X)

    return run


def _interrupted(kind: Any, X: np.ndarray, y: np.ndarray) -> Case:
    def run() -> dict[str, str]:
        model = kind(max_iter=20, early_stopping=True, scoring=Interrupting(6), random_state=0).fit(
            X, y
        )
        return results(model, X)

    return run


def _failed(kind: Any, X: np.ndarray, y: np.ndarray) -> Case:
    """A fit, a second one that fails, and a third that goes on from the first."""

    def run() -> dict[str, str]:
        model = kind(max_iter=4, warm_start=True, random_state=0).fit(X, y)
        fitted = results(model, X)
        model.set_params(early_stopping=True, scoring=lambda *_: "no number")
        for wrong in ((X, y), (X[:, :3], y), (X, y[:-1]), (X * np.nan, y)):
            try:
                model.fit(*wrong)
            except (TypeError, ValueError):
                assert results(model, X) == fitted
        model.set_params(early_stopping=False, scoring="loss")
        return results(model.fit(X, y), X)

    return run


def _in_pipeline(kind: Any, X: np.ndarray, y: np.ndarray) -> Case:
    def run() -> dict[str, str]:
        pipeline = make_pipeline(StandardScaler(), kind(max_iter=5, random_state=0))
        return results(clone(pipeline).fit(X, y)[-1], X)

    return run


def _on_cluster() -> dict[str, str]:
    import dask.array as da
    from distributed import Client

    from skbackprop.dask import DaskBackpropRegressor

    X, y = numbers()
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0"):
        model = DaskBackpropRegressor(5, batch_size="full", max_iter=6, random_state=0)
        model.fit(da.from_array(X, chunks=(50, -1)), y)
        return results(model.to_local(), X)


def compute() -> dict[str, dict[str, str]]:
    """The results of all cases by name."""
    found = {}
    for name, case in cases():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result = case()
            except Exception as error:
                result = {"error": f"{type(error).__name__}: {error}"}
        kinds = {warning.category.__name__ for warning in caught}
        found[name] = {**result, "warnings": " ".join(sorted(kinds - {"DeprecationWarning"}))}
    return found


def main() -> int:
    """Save or compare; the exit status is the number of cases that differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("save", "compare"))
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    found = compute()
    if arguments.what == "save":
        arguments.file.write_text(json.dumps(found, indent=1), encoding="utf-8")
        print(f"{len(found)} cases saved")
        return 0
    before = json.loads(arguments.file.read_text(encoding="utf-8"))
    differing = 0
    for name in sorted(before.keys() | found.keys()):
        old, new = before.get(name, {}), found.get(name, {})
        parts = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        if parts:
            differing += 1
            print(f"{name}: {', '.join(parts)}")
    print(f"{len(found)} cases, {differing} differ")
    return differing


if __name__ == "__main__":
    raise SystemExit(main())
