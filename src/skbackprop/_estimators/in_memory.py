"""Rows in memory. Estimators whose rows are elsewhere replace it as a whole."""

from typing import Any

import numpy as np
from sklearn import get_config

from skbackprop._core.descent import Plan
from skbackprop._core.objective import Objective, ObjectiveOfRows
from skbackprop._core.statistics import Spread
from skbackprop._core.tails import Tails
from skbackprop._estimators.check_data import check_finite, check_inputs


class InMemory:
    """Rows in memory: how inputs are checked, described and evaluated."""

    objective: type[ObjectiveOfRows] = Objective

    def check_inputs(self, estimator: Any, X: Any, *, dtype: Any = None, reset: bool) -> Any:
        """`X` as the other methods take it."""
        checked = check_inputs(estimator, X, dtype=dtype, reset=reset)
        if get_config()["assume_finite"]:
            check_finite("X", checked)
        return checked

    def gathered(self, array: Any) -> Any:
        """The values of an array that is to be in memory."""
        return array

    def zero_columns(self, X: Any) -> np.ndarray:
        """Which columns have zeros only."""
        if isinstance(X, np.ndarray):
            zeros: np.ndarray = ~np.asarray(X.any(axis=0))
            return zeros
        present: np.ndarray = np.bincount(X.indices[X.data != 0.0], minlength=X.shape[1]) > 0
        return ~present

    def spread(
        self, X: Any, sample_weight: np.ndarray | None, tails: Tails | None = None
    ) -> Spread:
        """The spread of the columns, their long tails, or those given, tamed."""
        return Spread.of_inputs(X, sample_weight, tails)

    def report_cost(self, estimator: Any, plan: Plan) -> None:
        """Warn of a descent that takes long because of where the rows are."""
