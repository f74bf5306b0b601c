"""Frames with categories, text, dates and gaps, through skrub's pipeline around the estimators."""

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skbackprop import BackpropClassifier, BackpropRegressor

skrub = pytest.importorskip("skrub")

ESTIMATORS = [BackpropClassifier, BackpropRegressor]
N_ROWS = 240


def columns():
    """Values by the name of their column, and a number that depends on a category and a number."""
    rng = np.random.default_rng(0)
    plan = rng.choice(["basic", "family", "business"], N_ROWS)
    age = rng.integers(18, 80, N_ROWS).astype(float)
    joined = np.datetime64("2024-01-01", "us") + rng.integers(0, 700, N_ROWS).astype("m8[D]")
    target = 40.0 * (plan == "basic") + age + rng.normal(size=N_ROWS)
    table = {
        "plan": plan.tolist(),
        "age": [None if i % 12 == 0 else value for i, value in enumerate(age)],
        "joined": joined.astype("M8[us]").tolist(),
        "note": [f"customer {i} writes of {plan[i - 1]} {i % 7}" for i in range(N_ROWS)],
    }
    return table, target


@pytest.fixture(params=[pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def frame(request):
    return request.param(columns()[0])


def target_of(estimator):
    target = columns()[1]
    is_class = issubclass(estimator, BackpropClassifier)
    return np.where(target > np.median(target), "high", "low") if is_class else target


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_frames_are_fitted_scored_and_saved(estimator, frame, tmp_path):
    y = target_of(estimator)
    model = skrub.tabular_pipeline(estimator(random_state=0)).fit(frame, y)
    assert model.score(frame, y) > 0.8
    expected = model.predict(frame)
    joblib.dump(model, tmp_path / "model.joblib")
    assert (joblib.load(tmp_path / "model.joblib").predict(frame) == expected).all()
    assert clone(model).get_params().keys() == model.get_params().keys()
    assert not hasattr(clone(model)[-1], "coefs_")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_columns_in_another_order_are_refused(estimator, frame):
    model = skrub.tabular_pipeline(estimator(max_iter=2)).fit(frame, target_of(estimator))
    with pytest.raises(ValueError, match=r"(?i)column"):
        model.predict(frame[frame.columns[::-1]])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_search_over_the_pipeline(estimator, frame):
    name = estimator.__name__.lower()
    search = GridSearchCV(
        skrub.tabular_pipeline(estimator(max_iter=10, random_state=0)),
        {f"{name}__hidden_layer_sizes": [2, 20]},
        cv=2,
    ).fit(frame, target_of(estimator))
    best = search.best_estimator_[-1]
    assert best.coefs_[0].shape[1] == search.best_params_[f"{name}__hidden_layer_sizes"]
    assert_allclose(search.cv_results_["mean_test_score"].max(), search.best_score_)


def test_gaps_are_refused_with_the_line_that_fills_them(frame):
    line = r"make_pipeline\(SimpleImputer\(add_indicator=True\), BackpropRegressor\(\)\)"
    with pytest.raises(ValueError, match=line):
        BackpropRegressor().fit(frame[["age"]], target_of(BackpropRegressor))
