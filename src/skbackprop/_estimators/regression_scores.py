"""The scores of the regressor: the fraction that is explained of what a constant leaves."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import d2_pinball_score, d2_tweedie_score, r2_score

from skbackprop._estimators.check_data import check_numbers, check_same_length, check_sample_weight
from skbackprop._estimators.stacklevel import level_of_caller

Score = Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]
"""A function of targets, predictions and weights."""


def check_scored(
    y: Any, sample_weight: Any, y_pred: np.ndarray, n_outputs: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """The targets to score and their weights, checked against what is predicted of them."""
    y = check_numbers("y", y, dtype=np.dtype(np.float64))
    check_same_length(y_pred, y)
    found = 1 if y.ndim == 1 else y.shape[1]
    if found != n_outputs:
        raise ValueError(f"y must have {n_outputs} outputs, as fitted; got {found}.")
    return y, check_sample_weight(sample_weight, len(y))


def explained(
    score: Score,
    y: np.ndarray,
    y_pred: np.ndarray,
    sample_weight: np.ndarray | None,
) -> float:
    """A score, the mean over the outputs; of one that is constant 1 if it is hit, else 0.

    This is the convention of `sklearn.metrics.r2_score`, where rounding does not spoil it.
    """
    if len(y) < 2:
        warnings.warn(
            "The score is not well-defined with less than two samples.",
            UndefinedMetricWarning,
            stacklevel=level_of_caller(),
        )
        return float("nan")
    rows = slice(None) if sample_weight is None else sample_weight > 0.0
    columns = zip(y.reshape(len(y), -1).T, y_pred.reshape(len(y), -1).T, strict=True)
    scores = [
        score(of_y, of_pred, sample_weight)
        if np.ptp(of_y[rows]) > 0.0
        else float(np.array_equal(of_y[rows].astype(of_pred.dtype), of_pred[rows]))
        for of_y, of_pred in columns
    ]
    return float(np.mean(scores))


def _poisson_d2(y: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """`sklearn.metrics.d2_tweedie_score` for power=1, finite where predictions have become 0."""
    if y.min() < 0.0:
        raise ValueError(f"y must not be negative under loss='poisson'; got {y.min():.6g}.")
    y_pred = np.maximum(y_pred, 1e-300 * y.max())
    score: float = d2_tweedie_score(y, y_pred, sample_weight=sample_weight, power=1)
    return score


def score_of(loss: str, quantile: float) -> Score:
    """The score that suits a loss; the quantile is that of "quantile"."""
    if loss == "poisson":
        return _poisson_d2
    if loss == "quantile":
        return lambda y, y_pred, w: d2_pinball_score(y, y_pred, sample_weight=w, alpha=quantile)
    return lambda y, y_pred, w: r2_score(y, y_pred, sample_weight=w)
