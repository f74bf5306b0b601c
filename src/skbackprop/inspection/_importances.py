"""The display of the importances of features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from skbackprop._estimators.check_parameters import check_integer
from skbackprop.inspection import _plotting as plotting
from skbackprop.inspection._notation import activation, math_as_text
from skbackprop.inspection._subject import fitted_in_memory

# Characters of the names beside the bars.
_LONGEST = 40


@dataclass(eq=False, kw_only=True, repr=False)
class FeatureImportancesDisplay:
    """Importances of features as bars, the largest on top.

    It is recommended to use `from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    importances : array-like of shape (n_features,)
        Importances, such as `feature_importances_` or those of a permutation.
    feature_names : sequence of str, default=None
        Names of the features, which are drawn up to 40 characters; None for x₁, x₂ and so on.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the bars.
    figure_ : matplotlib.figure.Figure
        Their figure.
    bars_ : matplotlib.container.BarContainer
        The bars, the largest importance first.

    See Also
    --------
    NetworkDisplay : The network drawn, with its weights.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skbackprop import BackpropClassifier
    >>> from skbackprop.inspection import FeatureImportancesDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = BackpropClassifier(max_iter=20, random_state=0).fit(X, y)
    >>> display = FeatureImportancesDisplay.from_estimator(model, max_features=2)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['petal width (cm)', 'petal length (cm)']
    """

    importances: Any
    feature_names: Sequence[str] | None = None

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, max_features: int = 20) -> Self:
        """Draw `feature_importances_` of an estimator.

        Parameters
        ----------
        estimator : BackpropClassifier or BackpropRegressor
            Fitted estimator.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None for new ones.
        max_features : int, default=20
            How many bars are drawn at most.

        Returns
        -------
        display : FeatureImportancesDisplay
            The display, drawn.
        """
        estimator = fitted_in_memory(estimator)
        names = getattr(estimator, "feature_names_in_", None)
        display = cls(importances=estimator.feature_importances_, feature_names=names)
        return display.plot(ax, max_features=max_features)

    def plot(self, ax: Any = None, *, max_features: int = 20) -> Self:
        """Draw the bars of the display.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None for new ones.
        max_features : int, default=20
            How many bars are drawn at most.

        Returns
        -------
        display : FeatureImportancesDisplay
            The display itself.
        """
        plt = plotting.import_pyplot(type(self).__name__)
        max_features = check_integer("max_features", max_features, minimum=1)
        importances = plotting.check_array("importances", self.importances, ("n_features",))
        symbols = [math_as_text(activation(0, i + 1, 1)) for i in range(len(importances))]
        names = plotting.check_names("feature_names", self.feature_names, symbols)
        # A dollar sign begins no formula.
        names = [plotting.shortened(name, _LONGEST).replace("$", r"\$") for name in names]
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        first = np.argsort(-importances, kind="stable")[:max_features]
        self.bars_ = ax.barh(range(len(first)), importances[first], color=plotting.POSITIVE)
        ax.set_yticks(range(len(first)), [names[i] for i in first])
        ax.set(xlabel="importance", ylim=(len(first) - 0.4, -0.6))
        if len(first) < len(importances):
            ax.set_ylabel(f"{len(first)} of {len(importances)} features")
        plotting.fit_text([ax], (4.0, max(3.0, 0.2 * len(first))))
        return self
