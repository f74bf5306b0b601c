"""What people do beyond steps: a search, predictions, fits at once; ours and scikit-learn's MLP.

Each makes a function without arguments that does it once and returns its seconds.
"""

from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from _contenders import OURS, SKLEARN, elapsed, skbackprop_classifier, sklearn_classifier
from scipy.sparse import csr_array, random

ESTIMATORS = {OURS: skbackprop_classifier, SKLEARN: sklearn_classifier}


class Sizes(NamedTuple):
    """How much there is to do."""

    n_settings: int = 20
    """Values of `alpha` searched over, five fits each."""
    n_epochs: int = 50
    n_single_rows: int = 1000
    n_rows: int = 1_000_000
    n_fit_epochs: int = 40
    """Epochs of one fit of the digits."""
    n_wide: int = 2000
    """Columns of wide data, and rows of the dense one."""
    n_texts: int = 11_314
    n_words: int = 130_107
    n_entries: int = 60
    """Words of a text."""


TINY = Sizes(
    n_settings=1, n_epochs=2, n_single_rows=2, n_rows=1000, n_fit_epochs=1, n_wide=50,
    n_texts=300, n_words=500, n_entries=5,
)  # fmt: skip


def search(make, dtype, sizes, **parameters):
    """A grid search on iris, full batch."""
    from sklearn.datasets import load_iris
    from sklearn.model_selection import GridSearchCV

    X, y = load_iris(return_X_y=True)
    # Five folds leave 120 rows for training.
    model = make(batch_size=120, max_iter=sizes.n_epochs, **parameters)
    grid = GridSearchCV(model, {"alpha": np.logspace(-5, 0, sizes.n_settings)}, cv=5, refit=False)
    return partial(elapsed, grid.fit, X.astype(dtype), y)


def search_auto(make, dtype, sizes):
    """The same, where ours finds its learning rate."""
    parameters = {"learning_rate": "auto"} if make is skbackprop_classifier else {}
    return search(make, dtype, sizes, **parameters)


def single_rows(make, dtype, sizes):
    """The classes of iris flowers, one by one."""
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    X = X.astype(dtype)
    model = make(max_iter=1).fit(X, y)

    def predict():
        for i in range(sizes.n_single_rows):
            model.predict(X[i % len(X)].reshape(1, -1))

    return partial(elapsed, predict)


def many_rows(make, dtype, sizes):
    """The probabilities of ten classes for many rows of 64."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((sizes.n_rows, 64), dtype=dtype)
    model = make(max_iter=1).fit(X[:1000], np.arange(1000) % 10)
    return partial(elapsed, model.predict_proba, X)


def one_fit(make, dtype, sizes):
    """A fit of the digits in batches of 32."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    model = make(batch_size=32, max_iter=sizes.n_fit_epochs)
    return partial(elapsed, model.fit, X.astype(dtype), y)


def with_defaults(make, **parameters):
    """The estimator with its own defaults."""
    from sklearn.neural_network import MLPClassifier

    from skbackprop import BackpropClassifier

    estimator = BackpropClassifier if make is skbackprop_classifier else MLPClassifier
    return estimator(random_state=0, **parameters)


def short_fits(make, dtype, sizes):
    """Fits of one epoch of iris."""
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    X, model = X.astype(dtype), with_defaults(make, max_iter=1)

    def fit():
        for _ in range(sizes.n_epochs):
            model.fit(X, y)

    return partial(elapsed, fit)


def epoch(make, X, n_classes=10, n_more=2):
    """One epoch: what a fit of so many more epochs than one takes more than it, divided by them."""
    y = np.arange(X.shape[0]) % n_classes

    def fit(n_epochs):
        return elapsed(with_defaults(make, max_iter=n_epochs, tol=0.0).fit, X, y)

    return lambda: (fit(1 + n_more) - fit(1)) / n_more


def dense_epoch(make, dtype, sizes):
    """An epoch of as many rows as columns."""
    rng = np.random.default_rng(0)
    return epoch(make, rng.standard_normal((sizes.n_wide, sizes.n_wide), dtype=dtype))


def sparse_epoch(make, dtype, sizes):
    """An epoch of sparse rows, one entry in a hundred."""
    shape = 5 * sizes.n_wide // 2, sizes.n_wide
    return epoch(make, random(*shape, 0.01, "csr", dtype=dtype, random_state=0))


def text_epoch(make, dtype, sizes):
    """An epoch of texts as counted words, of which some are in most texts and most in a few."""
    rng = np.random.default_rng(0)
    shape = sizes.n_texts, sizes.n_words
    words = np.minimum(rng.zipf(1.3, size=(sizes.n_texts, sizes.n_entries)), sizes.n_words) - 1
    rows = np.repeat(np.arange(sizes.n_texts), sizes.n_entries)
    X = csr_array((np.ones(words.size, dtype), (rows, words.ravel())), shape)
    return epoch(make, X, n_classes=20, n_more=1)


class Task(NamedTuple):
    """Something done, and the bar of how many times faster than scikit-learn's it is to be."""

    name: str
    make_timer: object
    bar: float


TASKS = [
    Task("grid search of 100 fits", search, 3.5),
    Task('the same, `learning_rate="auto"`', search_auto, 3.0),
    Task("`predict` of one row, 1,000 times", single_rows, 2.0),
    Task("`predict_proba` of 1,000,000 × 64", many_rows, 1.0),
    Task("50 fits of 1 epoch of iris, defaults", short_fits, 1.0),
    Task("an epoch of 2,000 × 2,000, defaults", dense_epoch, 1.43),
    Task("an epoch of sparse 5,000 × 2,000 at 1%, defaults", sparse_epoch, 1.43),
    Task("an epoch of sparse 11,314 × 130,107, defaults", text_epoch, 1.43),
]


@lru_cache(maxsize=1)
def timer(make_timer, contender, dtype, sizes):
    """The timer of a contender; kept while the same is asked for again."""
    return make_timer(ESTIMATORS[contender], np.dtype(dtype), sizes)


def seconds(make_timer, contender, dtype, sizes):
    """Seconds that a contender takes once, measured anew."""
    return timer(make_timer, contender, dtype, sizes)()
