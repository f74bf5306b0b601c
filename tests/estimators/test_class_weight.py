"""Class weights are sample weights by class."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.metrics import log_loss, recall_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from skbackprop import BackpropClassifier

LABELS = {
    "integers": np.arange(3),
    "strings": np.array(["bus", "car", "tram"]),
    "objects": np.array(["bus", "car", "tram"], dtype=object),
    "negative": np.array([-1, 0, 7]),
    "floats": np.array([0.0, 1.0, 2.0]),
}


@pytest.fixture
def task(rng):
    """Three classes of 60, 30 and 10 rows."""
    codes = np.repeat([0, 1, 2], [60, 30, 10])
    X = rng.normal(size=(100, 3)) + codes[:, np.newaxis]
    return X, codes


@pytest.fixture
def labels_task(rng):
    """Three labels, each with its own share of ones."""
    X = rng.normal(size=(80, 3))
    return X, (X + rng.normal(size=X.shape) > [0.0, 0.5, 1.5]).astype(int)


def small(**params):
    return BackpropClassifier(4, max_iter=20, random_state=0).set_params(**params)


def assert_same_fit(a, b, rtol=1e-10):
    for name in ("coefs_", "intercepts_"):
        for first, second in zip(getattr(a, name), getattr(b, name), strict=True):
            assert_allclose(first, second, rtol=rtol, atol=1e-10)
    assert a.loss_ == pytest.approx(b.loss_, rel=1e-10)


@pytest.mark.parametrize("params", [{}, {"batch_size": "full"}, {"loss_reduction": "sum"}])
@pytest.mark.parametrize("loss", ["log_loss", "half_squared_error"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_balanced_is_the_weights_of_scikit_learn(task, loss, params, n_classes):
    X, y = task
    X, y = X[y < n_classes], y[y < n_classes]
    params = params | {"loss": loss}
    balanced = small(class_weight="balanced", **params).fit(X, y)
    weight = compute_sample_weight("balanced", y)
    explicit = small(**params).fit(X, y, sample_weight=weight)
    assert_same_fit(balanced, explicit)
    plain = small(**params).fit(X, y)
    assert np.abs(plain.coefs_[0] - balanced.coefs_[0]).max() > 1e-3


@pytest.mark.parametrize("kind", LABELS)
def test_dict(task, kind):
    X, codes = task
    y = LABELS[kind][codes]
    weights = dict(zip(LABELS[kind].tolist(), [0.5, 1.0, 4.0], strict=True))
    weighted = small(class_weight=weights).fit(X, y)
    explicit = small().fit(X, y, sample_weight=np.array([0.5, 1.0, 4.0])[codes])
    assert_same_fit(weighted, explicit)


def test_weights_by_numpy_scalars_and_bools(task):
    X, codes = task
    by_numpy = small(class_weight={np.int64(0): np.float32(2.0), np.int64(1): 1}).fit(X, codes)
    explicit = small().fit(X, codes, sample_weight=np.array([2.0, 1.0, 1.0])[codes])
    assert_same_fit(by_numpy, explicit)
    positive = small(class_weight={True: 3.0}).fit(X, codes == 2)
    explicit = small().fit(X, codes == 2, sample_weight=np.where(codes == 2, 3.0, 1.0))
    assert_same_fit(positive, explicit)


def test_class_that_is_not_in_the_dict_has_weight_1(task):
    X, y = task
    one = small(class_weight={2: 5.0}).fit(X, y)
    all_of_them = small(class_weight={0: 1.0, 1: 1.0, 2: 5.0}).fit(X, y)
    assert_same_fit(one, all_of_them, rtol=0)


def test_times_sample_weight(task, rng):
    X, y = task
    sample_weight = rng.uniform(0.5, 2.0, size=100)
    weighted = small(class_weight={0: 0.5, 2: 3.0}).fit(X, y, sample_weight)
    explicit = small().fit(X, y, sample_weight * np.array([0.5, 1.0, 3.0])[y])
    assert_same_fit(weighted, explicit)


def test_balanced_balances_the_sample_weights(task, rng):
    X, y = task
    sample_weight = rng.uniform(0.5, 2.0, size=100)
    sums = np.bincount(y, sample_weight)
    explicit = small().fit(X, y, sample_weight * (sums.sum() / (3 * sums))[y])
    assert_same_fit(small(class_weight="balanced").fit(X, y, sample_weight), explicit)


def test_balanced_with_weights_as_copies(task):
    X, y = task
    copies = 1 + np.arange(100) % 3
    params = {"class_weight": "balanced", "batch_size": "full"}
    weighted = small(**params).fit(X, y, copies)
    copied = small(**params).fit(np.repeat(X, copies, axis=0), np.repeat(y, copies))
    assert_allclose(weighted.predict_proba(X), copied.predict_proba(X), rtol=1e-9)


def test_class_of_zero_weight_is_as_absent_from_the_balance(task):
    X, y = task
    sample_weight = (y != 2).astype(float)
    balanced = small(class_weight="balanced").fit(X, y, sample_weight)
    counts = np.bincount(y)[:2]
    explicit = sample_weight * np.append(90 / (2 * counts), 0.0)[y]
    assert_same_fit(balanced, small().fit(X, y, explicit))


def test_weight_zero_leaves_a_class_out_but_for_its_name(task):
    X, y = task
    model = small(class_weight={2: 0.0}).fit(X, y)
    assert_array_equal(model.classes_, [0, 1, 2])
    assert set(model.predict(X)) == {0, 1}
    with pytest.raises(ValueError, match="class_weight and sample_weight must leave a weight"):
        small(class_weight={0: 0.0, 1: 0.0, 2: 0.0}).fit(X, y)
    with pytest.raises(
        ValueError, match=r"must leave a weight that is not zero.*\[1\.0, 1\.0, 0\.0\]"
    ):
        small(class_weight={2: 0.0}).fit(X, y, sample_weight=y == 2)


def label_weights(Y, tables):
    return np.prod([np.asarray(t)[column] for t, column in zip(tables, Y.T, strict=True)], axis=0)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_multilabel(labels_task, kind):
    X, Y = labels_task
    tables = [[1.0, 2.0], [0.5, 1.0], [1.0, 6.0]]
    weights = [{0: a, 1: b} for a, b in tables]
    weighted = small(class_weight=weights).fit(X, kind(Y))
    assert_same_fit(weighted, small().fit(X, Y, label_weights(Y, tables)))
    balanced = small(class_weight="balanced").fit(X, kind(Y))
    tables = [
        compute_class_weight("balanced", classes=np.array([0, 1]), y=column) for column in Y.T
    ]
    assert_same_fit(balanced, small().fit(X, Y, label_weights(Y, tables)))


def test_balance_of_a_label_that_is_always_the_same(labels_task):
    X, Y = labels_task
    Y = np.column_stack([Y[:, 0], np.zeros(80, dtype=int)])
    balanced = small(class_weight="balanced").fit(X, Y)
    first = compute_sample_weight("balanced", Y[:, 0])
    assert_same_fit(balanced, small().fit(X, Y, first))


def test_partial_fit_weighs_by_a_dict(task):
    X, y = task
    weighted, explicit = small(class_weight={2: 5.0}), small()
    for rows in (slice(0, 100, 3), slice(1, 100, 3), slice(0, 90)):
        weighted.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        weight = np.where(y[rows] == 2, 5.0, 1.0)
        explicit.partial_fit(X[rows], y[rows], classes=[0, 1, 2], sample_weight=weight)
    assert_same_fit(weighted, explicit)


def test_partial_fit_refuses_balanced(task):
    X, y = task
    model = small(class_weight="balanced")
    with pytest.raises(ValueError, match=r"class_weight='balanced' needs all rows.*as a dict"):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert not hasattr(model, "coefs_")


def test_a_fold_may_lack_a_class_of_the_dict(task):
    X, y = task
    scores = cross_val_score(
        small(class_weight={0: 1.0, 1: 2.0, 2: 6.0}), X, y, cv=[(np.flatnonzero(y < 2), [0, 60])],
        error_score="raise",
    )  # fmt: skip
    assert np.isfinite(scores).all()
    lacking = small(class_weight={0: 1.0, 1: 2.0, 2: 6.0}).fit(X[y < 2], y[y < 2])
    assert_same_fit(lacking, small(class_weight={1: 2.0}).fit(X[y < 2], y[y < 2]))


def test_pandas_labels(task):
    X, codes = task
    y = pd.Series(pd.Categorical.from_codes(codes, ["a", "b", "c"]))
    weighted = small(class_weight={"c": 4.0}).fit(pd.DataFrame(X), y)
    assert_same_fit(weighted, small().fit(X, codes, np.where(codes == 2, 4.0, 1.0)))


def test_balanced_finds_a_rare_class(rng):
    X = rng.normal(size=(2000, 2))
    y = (X[:, 0] + rng.normal(size=2000) > 2.6).astype(int)
    assert 0.02 < y.mean() < 0.06
    plain, balanced = (
        BackpropClassifier(5, class_weight=w, max_iter=30, random_state=0).fit(X[:1000], y[:1000])
        for w in (None, "balanced")
    )
    recalls = [recall_score(y[1000:], model.predict(X[1000:])) for model in (plain, balanced)]
    assert recalls[0] < 0.3 < 0.7 < recalls[1]


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 2.0, 2: 8.0}])
def test_validation_loss_is_weighted_likewise(task, class_weight):
    X, y = task
    X_val, y_val = X[::3], y[::3]
    model = small(class_weight=class_weight, max_iter=3, learning_rate_schedule="constant")
    model.fit(X, y, X_val=X_val, y_val=y_val)
    weights = compute_class_weight(class_weight, classes=np.arange(3), y=y)
    expected = log_loss(y_val, model.predict_proba(X_val), sample_weight=weights[y_val])
    assert min(model.validation_loss_curve_) == pytest.approx(expected, rel=1e-9)


def test_validation_score_is_weighted_likewise(task):
    X, y = task
    model = small(class_weight="balanced", scoring="accuracy")
    model.fit(X, y, X_val=X, y_val=y)
    recall = recall_score(y, model.predict(X), average="macro")
    assert max(model.validation_scores_) == pytest.approx(recall, rel=1e-12)


def test_search_over_class_weights(task):
    X, y = task
    search = GridSearchCV(
        small(), {"class_weight": [None, "balanced", {2: 3.0}]}, cv=3, scoring="balanced_accuracy"
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


FAULTS = [
    ("uniform", ValueError, "class_weight must be None, 'balanced', a dict"),
    (3.0, TypeError, r"class_weight must be .*; got 3\.0"),
    (True, TypeError, "class_weight must be .*; got True"),
    (("balanced",), TypeError, r"class_weight must be .*; got \('balanced',\)"),
    ([{0: 1.0}], TypeError, r"class_weight must be .*; got \[\{0: 1\.0\}\]"),
    ({5: 1.0}, ValueError, r"class_weight must have classes out of \[0, 1, 2\]; got 5\."),
    ({0: 1.0, "1": 2.0}, ValueError, r"classes out of \[0, 1, 2\]; got '1'\."),
    ({(0, 1): 1.0}, ValueError, r"classes out of \[0, 1, 2\]; got \(0, 1\)\."),
    ({0: -1.0}, ValueError, r"finite weights of at least 0; got -1\.0 for class 0"),
    ({0: float("nan")}, ValueError, "finite weights of at least 0; got nan for class 0"),
    ({0: float("inf")}, ValueError, "finite weights of at least 0; got inf for class 0"),
    ({0: "2"}, TypeError, "class_weight must have numbers as weights; got '2'"),
    ({0: None}, TypeError, "class_weight must have numbers as weights; got None"),
    ({0: True}, TypeError, "class_weight must have numbers as weights; got True"),
]


@pytest.mark.parametrize(("class_weight", "error", "message"), FAULTS)
def test_faults(task, class_weight, error, message):
    model = small(class_weight=class_weight)
    with pytest.raises(error, match=message):
        model.fit(*task)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize(
    ("class_weight", "error", "message"),
    [
        ([{}, {}], ValueError, "class_weight must have one dict a label, 3 in all; got 2"),
        ([{}, {}, None], TypeError, "class_weight must be .*; got None in the list"),
        ([{}, {0: 1, 1: 1, 2: 9}, {}], ValueError, r"classes out of \[0, 1\]; got 2\."),
        ({0: 1.0, 1: 2.0}, TypeError, "for multilabel, a list of one a label; got {0: 1.0"),
    ],
)
def test_faults_of_multilabel(labels_task, class_weight, error, message):
    with pytest.raises(error, match=message):
        small(class_weight=class_weight).fit(*labels_task)
