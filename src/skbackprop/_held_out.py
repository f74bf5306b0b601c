"""Held-out rows: those that the user gives, or a part of the data."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

from skbackprop._descent import Epoch
from skbackprop._problem import Data, Problem
from skbackprop._stopping import Plateau
from skbackprop._validation import Validation


class ToValidate(NamedTuple):
    """What `fit` is given to validate on."""

    X: Any = None
    y: Any = None
    sample_weight: Any = None
    groups: Any = None
    """Groups of the rows to fit, of which some are to be held out."""

    def check(self, *, early_stopping: bool, partial: bool) -> None:
        """All of a validation set or nothing must be given, and what is given must have a use."""
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

    def checked_groups(self, n_rows: int) -> np.ndarray | None:
        """The groups, one a row."""
        if self.groups is None:
            return None
        groups = np.asarray(self.groups)
        if groups.shape != (n_rows,):
            raise ValueError(
                f"groups must have shape ({n_rows},), one a row; got shape {groups.shape}."
            )
        return groups


def check_scorer(estimator: Any, scoring: Any) -> Any:
    """The scorer, or None where the loss is the score."""
    if isinstance(scoring, str) and scoring == "loss":
        return None
    if not (isinstance(scoring, str) or callable(scoring)):
        raise TypeError(
            "scoring must be 'loss', a name of scikit-learn's scorers, or a callable "
            f"(estimator, X, y); got {scoring!r}."
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
    of all rows, as far as there are enough of each.
    """
    n_rows = data.X.shape[0]
    n_held_out = int(np.ceil(fraction * n_rows))
    if n_held_out >= n_rows:
        raise ValueError(
            f"early_stopping=True needs rows to hold out and others to fit; got {n_rows} rows and "
            f"validation_fraction={fraction}."
        )
    splitter = ShuffleSplit(1, test_size=n_held_out, random_state=seed)
    if data.groups is not None:
        if len(np.unique(data.groups)) < 2:
            raise ValueError("groups must be at least 2, one to hold out; got 1 group.")
        splitter = GroupShuffleSplit(1, test_size=fraction, random_state=seed)
    elif strata is not None and _can_stratify(strata, n_held_out):
        splitter = StratifiedShuffleSplit(1, test_size=n_held_out, random_state=seed)
    fitted, held_out = next(splitter.split(np.empty((n_rows, 0)), strata, data.groups))
    return data.take(fitted), data.take(held_out)


def validation_of(
    estimator: Any,
    scorer: Any,
    problem: Problem,
    held_out: Data,
    max_iter: int,
    attributes: Callable[[Epoch], dict[str, Any]],
) -> Validation:
    """What measures the network on held-out rows after each epoch.

    ``attributes(epoch)`` are those of the estimator as if fitted for the epochs done.
    """
    objective = problem.validation_objective(held_out)
    unit = problem.conditioning.loss_unit
    weights = {} if held_out.sample_weight is None else {"sample_weight": held_out.sample_weight}

    def score(epoch: Epoch) -> float:
        model = copy.copy(estimator)
        model.__dict__.update(attributes(epoch))
        # The held-out rows are an array, whatever names the columns of X have.
        model.__dict__.pop("feature_names_in_", None)
        return float(scorer(model, held_out.X, held_out.y, **weights))

    plateau = None
    if estimator.early_stopping:
        patience = estimator.n_iter_no_change
        if estimator.learning_rate_schedule == "linear":
            # What a long step cannot raise, the shorter ones to come may.
            patience = max(patience, max_iter // 4)
        plateau = Plateau(estimator.tol or 0.0, patience)
    return Validation(
        lambda params: unit * objective.value(params), None if scorer is None else score, plateau
    )


def _can_stratify(strata: np.ndarray, n_held_out: int) -> bool:
    """Whether each class has a row for either side, and either side room for each class."""
    _, counts = np.unique(strata, return_counts=True)
    return bool(
        counts.min() >= 2 and len(counts) <= n_held_out and len(counts) <= len(strata) - n_held_out
    )
