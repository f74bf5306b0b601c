"""The display of a deep network's health: activations, deltas and saturated units by layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._estimators.check_parameters import check_fraction
from skbackprop.inspection import _plotting as plotting
from skbackprop.inspection._step import passes
from skbackprop.inspection._subject import fitted_in_memory

# Percentiles of the whiskers, of the box and of the line in it.
_PERCENTILES = (5, 25, 50, 75, 95)
# Points: of the text inside a panel, and of the width of a character of the names of the layers.
_TEXT, _TICK_CHARACTER = 8.0, 7.2
# Inches of a panel on which text has its full size.
_FULL_SIZE = (2.4, 2.0)


@dataclass(eq=False, kw_only=True, repr=False)
class GradientFlowDisplay:
    """Activations, deltas and saturated units by layer.

    The display has three panels. Their horizontal axis has the layers, from the first hidden layer
    to the output.

    - The first panel shows the activations of all units on all rows. Boxes reach from the 25th to
      the 75th percentile, whiskers from the 5th to the 95th.
    - The second panel shows the sizes of the deltas on a logarithmic axis. If they fall from layer
      to layer towards the input, the gradient vanishes, and the first layers hardly learn [1]_.
    - The third panel shows the share of saturated units, averaged over the rows, and the share of
      units that are saturated on every row. These learn nothing from the rows.

    It is recommended to use `from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    activations : sequence of array-like of shape (n_rows, n_units)
        Activations of each layer after the input; for the output the predictions.
    deltas : sequence of array-like of shape (n_rows, n_units)
        For each layer, the derivatives of the loss of each row by the weighted sums.
    saturated : sequence of array-like of shape (n_rows, n_units) or None
        For each layer, 1 where a unit is saturated and 0 elsewhere. None for a layer whose units
        cannot be saturated.
    layer_names : sequence of str, default=None
        Names of the layers; None for their numbers.

    Attributes
    ----------
    axes_ : ndarray of shape (3,)
        The matplotlib.axes.Axes of the panels.
    figure_ : matplotlib.figure.Figure
        Their figure.
    activation_boxes_, delta_boxes_ : dict
        Artists of the boxes, as ``ax.bxp`` returns them.
    bars_, always_bars_ : matplotlib.container.BarContainer
        Shares of units that are saturated on average, and on every row. There is a bar for each
        layer whose units can be saturated.

    See Also
    --------
    LossCurveDisplay : The loss by epoch.
    NetworkDisplay : The same for one row, unit by unit.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
       neural networks", AISTATS 2010, figures 2 to 4.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skbackprop import BackpropClassifier
    >>> from skbackprop.inspection import GradientFlowDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = BackpropClassifier((10, 10, 10), max_iter=20, random_state=0).fit(X, y)
    >>> display = GradientFlowDisplay.from_estimator(model, X, y)
    >>> len(display.axes_)
    3
    """

    activations: Sequence[Any]
    deltas: Sequence[Any]
    saturated: Sequence[Any]
    layer_names: Sequence[str] | None = None

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, saturation: float = 0.05, ax: Any = None
    ) -> Self:
        """Draw the passes of rows through a fitted estimator.

        Parameters
        ----------
        estimator : BackpropClassifier or BackpropRegressor
            Fitted estimator.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows. Some hundreds are enough.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        saturation : float, default=0.05
            A unit is saturated on a row if the derivative of its activation function is below this
            fraction of the largest derivative of the function. Outputs can be saturated only under
            a loss that multiplies by this derivative. The log-loss does not.
        ax : sequence of three matplotlib.axes.Axes, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        display : GradientFlowDisplay
            The display, drawn.
        """
        check_fraction("saturation", saturation)
        estimator = fitted_in_memory(estimator)
        layers = passes(estimator, X, y).layers
        # The derivatives of the mean are those of the rows over their number.
        n_rows = len(layers[0].a) if estimator.loss_reduction == "mean" else 1
        saturated = [
            None
            if np.isnan(layer.derivative).any()
            else np.abs(layer.derivative) < saturation * ACTIVATIONS[layer.activation].steepest
            for layer in layers
        ]
        return cls(
            activations=[layer.a for layer in layers],
            deltas=[n_rows * layer.delta for layer in layers],
            saturated=saturated,
            layer_names=[f"{layer.number} {layer.activation}" for layer in layers],
        ).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the three panels.

        Parameters
        ----------
        ax : sequence of three matplotlib.axes.Axes, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        display : GradientFlowDisplay
            The display itself.
        """
        plt = plotting.import_pyplot(type(self).__name__)
        activations = plotting.check_arrays("activations", self.activations)
        shapes = [layer.shape for layer in activations]
        deltas = plotting.check_arrays("deltas", self.deltas, shapes)
        saturated = plotting.check_arrays("saturated", self.saturated, shapes, optional=True)
        numbers = [str(number) for number in range(1, len(activations) + 1)]
        names = numbers if self.layer_names is None else list(self.layer_names)
        if len(names) != len(activations):
            raise ValueError(f"layer_names must have {len(numbers)} names; got {len(names)}.")
        if ax is None:
            width = max(9.0, 0.6 * 3 * len(activations))
            _, ax = plt.subplots(1, 3, figsize=(width, 4.0), layout="constrained")
        self.axes_ = np.asarray(ax, dtype=object).ravel()
        if len(self.axes_) != 3:
            raise ValueError(f"ax must have three axes, one a panel; got {len(self.axes_)}.")
        self.figure_ = self.axes_[0].figure
        self.activation_boxes_ = _draw_boxes(self.axes_[0], activations)
        self.axes_[0].set(title="Activations", ylabel="a")
        self._plot_deltas(self.axes_[1], deltas)
        self._plot_saturated(self.axes_[2], saturated)
        for panel in self.axes_:
            panel.set_xticks(range(1, len(names) + 1), names)
            panel.set(xlabel="layer", xlim=(0.4, len(names) + 0.6))
        scale = plotting.fit_text(self.axes_, _FULL_SIZE)
        self.axes_[2].legend(loc="upper right", fontsize=scale * plotting.points("legend.fontsize"))
        for panel in self.axes_:
            for text in panel.texts:
                text.set_fontsize(scale * _TEXT)
            n_characters = len(names) * max(map(len, names))
            if scale * _TICK_CHARACTER * n_characters > 72.0 * plotting.room_of(panel)[0]:
                panel.tick_params(axis="x", rotation=90)
        return self

    def _plot_deltas(self, ax: Any, deltas: Sequence[np.ndarray]) -> None:
        """Draw boxes of the sizes above 0. A logarithmic axis cannot show 0."""
        sizes = [np.abs(delta) for delta in deltas]
        self.delta_boxes_ = _draw_boxes(ax, [size[size > 0.0] for size in sizes])
        ax.set(title="Deltas", ylabel="|δ| = |∂J/∂z| of a row")
        if any(size.any() for size in sizes):
            ax.set_yscale("log")
        zeros = [float((size == 0.0).mean()) for size in sizes]
        if any(zeros) and ax.get_yscale() == "log":
            # Room for the shares of zeros below the boxes.
            low, high = ax.get_ylim()
            ax.set_ylim(low * (low / high) ** 0.2, high)
        place = {"transform": ax.get_xaxis_transform(), "ha": "center", "va": "bottom"}
        for number, share in enumerate(zeros, start=1):
            if share:
                ax.text(number, 0.02, f"{share:.0%}\nare 0", **place)

    def _plot_saturated(self, ax: Any, saturated: Sequence[np.ndarray | None]) -> None:
        layers = {k: layer for k, layer in enumerate(saturated, start=1) if layer is not None}
        shares = [layer.mean() for layer in layers.values()]
        always = [layer.all(axis=0).mean() for layer in layers.values()]
        self.bars_ = ax.bar(list(layers), shares, 0.7, color="#9ECAE1", label="on average")
        style = {
            "color": plotting.NEGATIVE,
            "hatch": "////",
            "edgecolor": tuple(plotting.paper(ax)),
        }
        self.always_bars_ = ax.bar(list(layers), always, 0.35, label="on every row", **style)
        for number in range(1, len(saturated) + 1):
            if number not in layers:
                grey = plotting.ink(ax, plotting.NEUTRAL)
                ax.text(number, 0.02, "n/a", ha="center", va="bottom", color=grey)
        # Room for the legend above the bars.
        ax.set(title="Saturated units", ylabel="share of the layer's units", ylim=(0.0, 1.4))
        ax.set_yticks(np.linspace(0.0, 1.0, 6))


def _draw_boxes(ax: Any, layers: Sequence[np.ndarray]) -> dict[str, Any]:
    """Draw a box of percentiles for each layer that has numbers."""
    keys = ("whislo", "q1", "med", "q3", "whishi")
    boxes = {
        number: dict(zip(keys, np.percentile(layer, _PERCENTILES), strict=True))
        for number, layer in enumerate(layers, start=1)
        if layer.size
    }
    return ax.bxp(
        list(boxes.values()),
        positions=list(boxes),
        widths=0.6,
        showfliers=False,
        manage_ticks=False,
        patch_artist=True,
        boxprops={"facecolor": "#D6E6F2", "edgecolor": plotting.POSITIVE},
        medianprops={"color": plotting.NEGATIVE, "linewidth": 2.0},
        whiskerprops={"color": plotting.POSITIVE},
        capprops={"color": plotting.POSITIVE},
    )
