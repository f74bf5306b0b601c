"""What is inspected: an estimator of this package, and rows."""

from typing import Any

from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from skbackprop._estimators.base import BaseBackprop
from skbackprop._estimators.check_data import GivenRows
from skbackprop._estimators.check_parameters import check_number
from skbackprop._estimators.problem_at import ProblemAt, as_fitted, problem_at


def check_kind(estimator: Any) -> None:
    """Raise unless it is an estimator of this package."""
    if not isinstance(estimator, BaseBackprop):
        raise TypeError(
            "estimator must be a BackpropClassifier or a BackpropRegressor; got "
            f"{type(estimator).__name__}. Of a pipeline pass the last step, pipeline[-1], and the "
            "transformed inputs, pipeline[:-1].transform(X)."
        )


def in_memory(estimator: Any) -> Any:
    """The estimator, one of a cluster as that in memory; raise unless it is of this package."""
    check_kind(estimator)
    return estimator.to_local() if hasattr(estimator, "to_local") else estimator


def fitted_in_memory(estimator: Any) -> Any:
    """A copy of a fitted estimator with the parameters of its fit; raise if it is not fitted."""
    estimator = in_memory(estimator)
    check_is_fitted(estimator)
    return as_fitted(estimator)


def subject_of(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    coefs: Any = None,
    intercepts: Any = None,
    classes: Any = None,
) -> ProblemAt:
    """Check and prepare what is inspected. `estimator` is not changed."""
    estimator = in_memory(estimator)
    if classes is not None and not is_classifier(estimator):
        raise TypeError(f"classes must be None for a regressor; got {classes!r}.")
    given = GivenRows(X, y, sample_weight, classes=classes)
    return problem_at(estimator, given, coefs=coefs, intercepts=intercepts)


def step_size_of(estimator: Any, subject: ProblemAt, learning_rate: Any) -> float:
    """The given step size, or the fitted one, or the one that `fit` would begin with."""
    if learning_rate is not None:
        return float(check_number("learning_rate", learning_rate, positive=True))
    if hasattr(estimator, "coefs_"):
        return float(estimator.learning_rate_)
    return subject.step_size()
