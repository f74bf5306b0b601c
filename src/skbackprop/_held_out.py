"""Held-out rows: those that the user gives, or a part of the data."""

import copy
import math
import numbers
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

from skbackprop._descent import Epoch
from skbackprop._kinds import check_container
from skbackprop._problem import Data, Problem
from skbackprop._schedules import Schedule
from skbackprop._stopping import Plateau
from skbackprop._validation import Validation


class ToValidate(NamedTuple):
    """What `fit` is given to validate on."""

    X: Any = None
    y: Any = None
    sample_weight: Any = None
    groups: Any = None
    """Groups of the rows to fit, of which some are to be held out."""

    def check(self, X: Any, *, early_stopping: bool, partial: bool) -> None:
        """All of a validation set or nothing must be given, and what is given must have a use."""
        if _is_cut_alike(X, self.X):
            raise ValueError(
                "X_val has the labels of the rows of X, with gaps: a search over folds, such as "
                "GridSearchCV, cuts any fit argument as long as X by its folds. Pass an X_val of "
                "another length, or early_stopping=True; if it is as it should be, "
                "X_val.reset_index(drop=True)."
            )
        given = self.X is not None
        if given != (self.y is not None):
            missing = "y_val" if given else "X_val"
            raise ValueError(f"X_val and y_val must be passed together; {missing} is None.")
        if self.sample_weight is not None and not given:
            raise ValueError("sample_weight_val must come with X_val and y_val, which are None.")
        if self.groups is not None and (given or not early_stopping):
            raise ValueError(
                "groups are for the split of early_stopping=True without X_val; got "
                f"early_stopping={early_stopping} and X_val {'given' if given else 'None'}."
            )
        if partial and early_stopping:
            raise ValueError("partial_fit holds out no rows; got early_stopping=True.")


def _is_cut_alike(X: Any, X_val: Any) -> bool:
    """Whether both are frames that lack the same rows of 0, 1, 2, ...

    Frames keep the numbers of the rows that are left; of arrays nothing can be told.
    """
    if not all(hasattr(getattr(frame, "index", None), "equals") for frame in (X, X_val)):
        return False
    index = X.index
    return bool(
        index.equals(X_val.index)
        and index.dtype.kind in "iu"
        and not np.array_equal(index, np.arange(len(index)))
    )


def check_groups(groups: Any, n_rows: int) -> np.ndarray | None:
    """The groups, one a row."""
    if groups is None:
        return None
    check_container("groups", groups)
    groups = np.asarray(groups)
    if groups.shape != (n_rows,):
        raise ValueError(
            f"groups must have shape ({n_rows},), one a row; got shape {groups.shape}."
        )
    try:
        np.unique(groups)
    except TypeError as error:
        raise TypeError(f"groups must be labels that sort; got {groups[:3]}...: {error}") from error
    return groups


def check_scorer(estimator: Any, scoring: Any) -> Any:
    """The scorer, or None where the loss is the score."""
    if isinstance(scoring, str) and scoring == "loss":
        return None
    if not (isinstance(scoring, str) or callable(scoring)):
        raise TypeError(
            "scoring must be 'loss', a name of scikit-learn's scorers, or a callable "
            "(estimator, X, y), and one alone, as it picks the weights to keep; "
            f"got {scoring!r}."
        )
    try:
        return check_scoring(estimator, scoring)
    except ValueError as error:
        raise ValueError(f"scoring must be 'loss' or a scorer; got {scoring!r}. {error}") from error


def hold_out(
    data: Data, fraction: float, *, strata: np.ndarray | None, seed: int
) -> tuple[Data, Data]:
    """Rows to fit, and rows held out.

    Groups stay together. Without them, the held-out rows have classes, `strata`, in the proportions
    of all rows, if there is room for each class on either side; the only row of its class is not
    held out, unless there are no others.
    """
    n_rows = data.X.shape[0]
    n_held_out = int(np.ceil(fraction * n_rows))
    if n_held_out >= n_rows:
        raise ValueError(
            f"early_stopping=True needs rows to hold out and others to fit; got {n_rows} rows and "
            f"validation_fraction={fraction}."
        )
    if data.groups is not None:
        fitted, held_out = _split_groups(data.groups, fraction, seed)
        if strata is not None and len(np.unique(strata[fitted])) < len(np.unique(strata)):
            raise ValueError(
                "groups must leave rows of each class to fit; those held out, "
                f"{np.unique(data.groups[held_out]).tolist()}, have all rows of a class."
            )
    else:
        fitted, held_out = _split_rows(n_rows, n_held_out, strata, seed)
    return data.take(fitted), data.take(held_out)


def _split_groups(groups: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to fit and rows held out, of a fraction of the groups."""
    n_groups = len(np.unique(groups))
    if np.ceil(fraction * n_groups) >= n_groups:
        raise ValueError(
            "groups must be enough to hold out some and fit others; got "
            f"{n_groups} different and validation_fraction={fraction}."
        )
    splitter = GroupShuffleSplit(1, test_size=fraction, random_state=seed)
    return next(splitter.split(groups, groups=groups))


def _split_rows(
    n_rows: int, n_held_out: int, strata: np.ndarray | None, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to fit and rows held out."""
    rows = np.arange(n_rows)
    splitter = ShuffleSplit
    if strata is not None:
        in_company = _with_company(strata)
        rows = in_company if len(in_company) > n_held_out else rows
        n_classes = len(np.unique(strata[rows]))
        if rows is in_company and n_classes <= min(n_held_out, len(rows) - n_held_out):
            splitter = StratifiedShuffleSplit
    labels = None if strata is None else strata[rows]
    _, at = next(splitter(1, test_size=n_held_out, random_state=seed).split(rows, labels))
    held_out = rows[at]
    return np.setdiff1d(np.arange(n_rows), held_out), held_out


def validation_of(
    estimator: Any,
    scorer: Any,
    problem: Problem,
    held_out: Data,
    max_iter: int,
    schedule: Schedule,
    attributes: Callable[[Epoch], dict[str, Any]],
) -> Validation:
    """What measures the network on held-out rows after each epoch.

    ``attributes(epoch)`` are those of the estimator as if fitted for the epochs done. Where the
    score stops rising, the "adaptive" schedule shortens the step before there is an end.
    """
    objective = problem.validation_objective(held_out)
    unit = problem.conditioning.loss_unit

    def score(epoch: Epoch) -> float:
        model = copy.copy(estimator)
        model.__dict__.update(attributes(epoch))
        # The held-out rows are an array, whatever names the columns of X have.
        model.__dict__.pop("feature_names_in_", None)
        return _checked_score(estimator.scoring, scorer, model, held_out)

    plateau = goes_on = None
    if estimator.early_stopping:
        if estimator.learning_rate_schedule == "adaptive":
            goes_on = schedule.outlasts_plateau
        patience = estimator.n_iter_no_change
        if estimator.learning_rate_schedule == "linear":
            # What a long step cannot raise, the shorter ones to come may.
            patience = max(patience, max_iter // 4)
        plateau = Plateau(estimator.tol or 0.0, patience)
    return Validation(
        lambda params: unit * objective.value(params),
        None if scorer is None else score,
        plateau,
        goes_on,
    )


def _checked_score(scoring: Any, scorer: Any, model: Any, held_out: Data) -> float:
    """The score, which must be a number."""
    weights = {} if held_out.sample_weight is None else {"sample_weight": held_out.sample_weight}
    rows = f"the {held_out.X.shape[0]} rows to validate on"
    try:
        score = scorer(model, held_out.X, held_out.y, **weights)
    except (AttributeError, TypeError, ValueError) as error:
        if weights and isinstance(error, TypeError) and "sample_weight" in str(error):
            raise TypeError(
                "scoring must accept sample_weight where rows have weights, be they from "
                f"sample_weight, sample_weight_val or class_weight; got {scoring!r}. {error}"
            ) from error
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"scoring={scoring!r} failed on {rows}: {error}") from error
    if getattr(score, "ndim", None) == 0:
        score = score.item()
    if not isinstance(score, numbers.Real):
        raise TypeError(f"scoring must give one number on {rows}; {scoring!r} gave {score!r}.")
    if math.isnan(score):
        raise ValueError(
            f"scoring must give a number on {rows}; {scoring!r} gave nan. Validate on more rows, "
            "with all classes among them."
        )
    return float(score)


def _with_company(strata: np.ndarray) -> np.ndarray:
    """The rows whose class has another row: those that may be held out."""
    _, codes, counts = np.unique(strata, return_inverse=True, return_counts=True)
    return np.flatnonzero(counts[codes] > 1)
