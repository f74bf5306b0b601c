"""What the displays take from a fitted estimator: its passes over rows, computed by the core."""

import copy
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skbackprop._estimators.base import BaseBackprop
from skbackprop.inspection._step import Step, take_step
from skbackprop.inspection._subject import subject_of


def check_fitted(estimator: Any) -> None:
    """Raise unless it is a fitted estimator of this package."""
    if not isinstance(estimator, BaseBackprop):
        raise TypeError(
            "estimator must be a BackpropClassifier or a BackpropRegressor; got "
            f"{type(estimator).__name__}. Of a pipeline pass the last step, pipeline[-1]."
        )
    check_is_fitted(estimator)


@np.errstate(under="ignore")
def passes(estimator: BaseBackprop, X: Any, y: Any) -> Step:
    """The passes of rows under the loss alone, without its penalty.

    Without a target it is the prediction that the loss is given: what goes forward is the same.
    """
    check_fitted(estimator)
    without_penalty = copy.copy(estimator)
    without_penalty.alpha = 0
    if y is None:
        y = estimator.predict(X)
        if estimator.loss == "quantile" and np.ndim(estimator.quantile):
            y = y[:, 0]
    return take_step(subject_of(without_penalty, X, y), estimator.learning_rate_)
