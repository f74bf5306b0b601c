"""Held-out rows: which they are, the score on them after each epoch, and the best weights."""

import copy
import math
import numbers
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

from skbackprop._core import auto
from skbackprop._core.descent import Epoch
from skbackprop._core.objective import ObjectiveOfRows
from skbackprop._core.problem import Data
from skbackprop._core.rules import Plateau, Schedule, Status
from skbackprop._estimators.check_data import GivenRows
from skbackprop._estimators.check_kinds import check_container
from skbackprop._estimators.check_parameters import Settings

VALIDATION_ATTRIBUTES = ("validation_loss_curve_", "validation_scores_", "best_iter_")


class ToValidate(NamedTuple):
    """What `fit` is given to validate on."""

    X: Any = None
    y: Any = None
    sample_weight: Any = None

    def check(self, rows: GivenRows, *, early_stopping: bool, partial: bool) -> None:
        """All of a validation set or nothing must be given, and no groups beside it.

        Groups without `early_stopping` have no use, and are accepted: a search may vary it.
        """
        if _is_cut_alike(rows.X, self.X):
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
        if rows.groups is not None and given:
            raise ValueError(
                "groups are for the rows that early_stopping=True holds out, of which there are "
                "none with X_val; got both groups and X_val."
            )
        if partial and early_stopping:
            raise ValueError("partial_fit holds out no rows; got early_stopping=True.")


def _is_cut_alike(X: Any, X_val: Any) -> bool:
    """Whether both are frames that lack the same rows of 0, 1, 2, ...

    Frames keep the numbers of the rows that are left; of arrays nothing can be told.
    """
    if X is X_val or not all(
        hasattr(getattr(frame, "index", None), "equals") for frame in (X, X_val)
    ):
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
        raise TypeError(
            f"groups must be labels that can be sorted; got {groups[:3]}...: {error}"
        ) from error
    return groups


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


def _with_company(strata: np.ndarray) -> np.ndarray:
    """The rows whose class has another row: those that may be held out."""
    _, codes, counts = np.unique(strata, return_inverse=True, return_counts=True)
    return np.flatnonzero(counts[codes] > 1)


class Score:
    """The score of an estimator on held-out rows, as if it was fitted for the epochs done.

    ``attributes(epoch)`` returns the fitted attributes after an epoch.
    """

    def __init__(
        self,
        estimator: Any,
        settings: Settings,
        held_out: Data,
        attributes: Callable[[Epoch], dict[str, Any]],
    ) -> None:
        self._estimator = estimator
        self._settings = settings
        self._held_out = held_out
        self._attributes = attributes

    def __call__(self, epoch: Epoch) -> float:
        model = copy.copy(self._estimator)
        model.__dict__.update(self._attributes(epoch))
        # The held-out rows are an array, whatever names the columns of X have.
        model.__dict__.pop("feature_names_in_", None)
        settings = self._settings
        return _checked_score(settings.scoring, settings.scorer, model, self._held_out)


def _checked_score(scoring: Any, scorer: Any, model: Any, held_out: Data) -> float:
    """The score, which must be a number."""
    weights = {} if held_out.sample_weight is None else {"sample_weight": held_out.sample_weight}
    rows = f"the {held_out.X.shape[0]} rows to validate on"
    try:
        score = scorer(model, held_out.X, held_out.y, **weights)
    except (AttributeError, TypeError, ValueError) as error:
        if weights and isinstance(error, TypeError) and "sample_weight" in str(error):
            raise TypeError(
                "scoring must accept sample_weight where rows have weights, which come from "
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


class Validation:
    """Measures the network on held-out rows after each epoch and keeps the best parameters.

    The loss is `loss_unit` times the objective at the parameters of the network,
    ``of_network(params)`` of those of the descent. The score is minus that, unless ``score(epoch)``
    is given; of equal scores the one of the lower loss is the best. The fit ends at a `plateau` of
    the score, unless the `schedule` can go on. `best_epoch` counts from 1.
    """

    def __init__(
        self,
        objective: ObjectiveOfRows,
        of_network: Callable[[np.ndarray], np.ndarray],
        loss_unit: float,
        score: Callable[[Epoch], float] | None = None,
        plateau: Plateau | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        self._objective = objective
        self._of_network = of_network
        self._loss_unit = loss_unit
        self._score = score
        self._plateau = plateau
        self._schedule = schedule
        self._best = -math.inf, -math.inf
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.best_params: np.ndarray | None = None
        self.best_epoch = 0

    def start_from(self, params: np.ndarray) -> None:
        """Take fitted parameters for the best so far."""
        self._measure(Epoch(0, math.nan, math.nan, params, [], []))

    def __call__(self, epoch: Epoch) -> Status | None:
        """Measure; whether there has been no better score for long."""
        loss, score = self._measure(epoch)
        self.losses.append(loss)
        self.scores.append(score)
        on_plateau = self._plateau is not None and self._plateau.reached(-score)
        if on_plateau and not (self._schedule is not None and self._schedule.outlasts_plateau()):
            return Status.EARLY_STOPPED
        return None

    def check_measured(self) -> None:
        """Refuse rows, or a score, that told nothing of any epoch."""
        if self.losses and self.best_params is None:
            raise ValueError(
                "The rows to validate on, X_val and y_val or those held out of X and y, must have "
                "a finite loss and a score above -inf after some epoch; the last loss is "
                f"{self.losses[-1]}, the last score {self.scores[-1]}. Either their numbers are "
                "far beyond those of the rows to fit, or scoring does not suit these rows."
            )

    def _measure(self, epoch: Epoch) -> tuple[float, float]:
        """Return loss and score; keep the parameters if they are the best so far."""
        loss = self._loss_unit * self._objective.value(self._of_network(epoch.params))
        score = -loss if math.isfinite(loss) else -math.inf
        if self._score is not None and math.isfinite(loss):
            score = self._score(epoch)
        # Of equal scores, such as accuracies of 1, the lower loss is the better.
        if score > -math.inf and (score, -loss) > self._best:
            self._best = score, -loss
            self.best_params = epoch.params.copy()
            self.best_epoch = len(self.scores) + (epoch.number > 0)
        return loss, score

    def attributes(self) -> dict[str, Any]:
        """The fitted attributes of a validation."""
        values = (self.losses, self.scores, self.best_epoch)
        return dict(zip(VALIDATION_ATTRIBUTES, values, strict=True))


def early_stop(
    settings: Settings, max_iter: int, schedule: Schedule
) -> tuple[Plateau | None, Schedule | None]:
    """The plateau of the score that ends a fit, and the schedule that may outlast it.

    At a plateau the "adaptive" schedule shortens the step before there is an end.
    """
    if not settings.early_stopping:
        return None, None
    patience = auto.patience(settings.n_iter_no_change, settings.schedule, max_iter)
    plateau = Plateau(settings.tol or 0.0, patience)
    return plateau, schedule if settings.schedule == "adaptive" else None
