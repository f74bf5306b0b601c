"""The display of a deep network's health: what goes forward, what comes back, what is saturated."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from skbackprop._activations import ACTIVATIONS
from skbackprop._parameters import check_fraction
from skbackprop.inspection._plotting import (
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    check_array,
    check_arrays,
    fit_text,
    import_pyplot,
    ink,
    paper,
    points,
    room_of,
)
from skbackprop.inspection._step import passes

# Percentiles of the whiskers, of the box and of the line in it.
_PERCENTILES = (5, 25, 50, 75, 95)
# Points: of what is written into a panel, and of the width of a character below it.
_SMALL, _CHARACTER = 8.0, 7.2
# Inches of a panel on which text has its full size.
_ROOMY = (2.4, 2.0)


class GradientFlowDisplay:
    """Activations, deltas and saturated units by layer.

    Three panels, with the layers from the first hidden one to the output on the horizontal axis:

    - the activations of all units on all rows, as boxes from the 25th to the 75th percentile
      with whiskers from the 5th to the 95th;
    - the sizes of the deltas, on a logarithmic axis: where they fall from layer to layer towards
      the input, the gradient vanishes, and the first layers hardly learn [1]_;
    - the share of saturated units, averaged over the rows, and of those saturated on every row,
      which learn nothing from them.

    It is recommended to make one by `from_estimator`. The attributes have the names of the
    parameters.

    Parameters
    ----------
    activations : sequence of array-like of shape (n_rows, n_units)
        Activations of each layer but the input; of the output the predictions.
    deltas : sequence of array-like of shape (n_rows, n_units)
        For each layer, the derivatives of each row's loss by its weighted sums.
    saturated : sequence of array-like of shape (n_rows, n_units) or None
        For each layer, 1 where a unit is saturated and 0 elsewhere; None for a layer without
        such a notion.
    layer_names : sequence of str, default=None
        Names of the layers; None for their numbers.

    Attributes
    ----------
    ax_ : ndarray of shape (3,)
        The matplotlib.axes.Axes of the panels.
    figure_ : matplotlib.figure.Figure
        Their figure.
    activation_boxes_, delta_boxes_ : dict
        Artists of the boxes, as ``ax.bxp`` returns them.
    bars_, always_bars_ : matplotlib.container.BarContainer
        Share of saturated units, and of those saturated on every row, a bar a layer that has
        them.

    See Also
    --------
    LossCurveDisplay : The loss by epoch.
    NetworkDisplay : The same of one row, unit by unit.

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
    >>> len(display.ax_)
    3
    """

    def __init__(
        self,
        *,
        activations: Sequence[Any],
        deltas: Sequence[Any],
        saturated: Sequence[Any],
        layer_names: Sequence[str] | None = None,
    ) -> None:
        self.activations = activations
        self.deltas = deltas
        self.saturated = saturated
        self.layer_names = layer_names

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, saturation: float = 0.05, ax: Any = None
    ) -> Self:
        """Draw how rows go through a fitted estimator.

        Parameters
        ----------
        estimator : BackpropClassifier or BackpropRegressor
            Fitted estimator.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; some hundreds suffice.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        saturation : float, default=0.05
            A unit is saturated on a row where the derivative of its activation function is below
            this fraction of the largest that the function has. An output is so only under a loss
            that multiplies by its derivative: the log-loss has none.
        ax : sequence of three matplotlib.axes.Axes, default=None
            Axes to draw on; None for new ones.

        Returns
        -------
        display : GradientFlowDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `saturation` is not between 0 and 1.
        """
        check_fraction("saturation", saturation)
        layers = passes(estimator, X, y).layers
        # The mean of the rows' losses has their derivatives over their number.
        n_rows = len(layers[0].a) if estimator.loss_reduction == "mean" else 1
        saturated = [
            None
            if np.isnan(layer.derivative).any()
            else np.abs(layer.derivative) < saturation * _steepest(layer.activation)
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

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If shapes do not fit together, or `ax` has not three axes.
        """
        plt = import_pyplot(type(self).__name__)
        activations, deltas, saturated = self._checked()
        names = self._names(len(activations))
        if ax is None:
            width = max(9.0, 0.6 * 3 * len(activations))
            _, ax = plt.subplots(1, 3, figsize=(width, 4.0), layout="constrained")
        self.ax_ = np.asarray(ax, dtype=object).ravel()
        if len(self.ax_) != 3:
            raise ValueError(f"ax must have three axes, one a panel; got {len(self.ax_)}.")
        self.figure_ = self.ax_[0].figure
        self.activation_boxes_ = _draw_boxes(self.ax_[0], activations)
        self.ax_[0].set(title="Activations", ylabel="a")
        self._plot_deltas(self.ax_[1], deltas)
        self._plot_saturated(self.ax_[2], saturated)
        for panel in self.ax_:
            panel.set_xticks(range(1, len(names) + 1), names)
            panel.set(xlabel="layer", xlim=(0.4, len(names) + 0.6))
        scale = fit_text(self.ax_, _ROOMY)
        self.ax_[2].legend(loc="upper right", fontsize=scale * points("legend.fontsize"))
        for panel in self.ax_:
            for text in panel.texts:
                text.set_fontsize(scale * _SMALL)
            n_characters = len(names) * max(map(len, names))
            if scale * _CHARACTER * n_characters > 72.0 * room_of(panel)[0]:
                panel.tick_params(axis="x", rotation=90)
        return self

    def _checked(self) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray | None]]:
        if isinstance(self.activations, str) or not hasattr(self.activations, "__len__"):
            raise TypeError(
                f"activations must be a sequence of arrays, one a layer; got {self.activations!r}."
            )
        shapes = [np.shape(layer) for layer in self.activations]
        for i, shape in enumerate(shapes):
            if len(shape) != 2 or 0 in shape:
                raise ValueError(
                    f"activations[{i}] must have shape (n_rows, n_units); got shape {shape}."
                )
        activations = check_arrays("activations", self.activations, shapes)
        deltas = check_arrays("deltas", self.deltas, shapes)
        if len(self.saturated) != len(shapes):
            raise ValueError(
                f"saturated must have {len(shapes)} arrays; got {len(self.saturated)}."
            )
        saturated = [
            None if layer is None else check_array(f"saturated[{i}]", layer)
            for i, layer in enumerate(self.saturated)
        ]
        for i, (layer, shape) in enumerate(zip(saturated, shapes, strict=True)):
            if layer is not None and layer.shape != shape:
                raise ValueError(
                    f"saturated[{i}] must have shape {shape}; got shape {layer.shape}."
                )
        return activations, deltas, saturated

    def _names(self, n_layers: int) -> list[str]:
        if self.layer_names is None:
            return [str(number) for number in range(1, n_layers + 1)]
        if len(self.layer_names) != n_layers:
            raise ValueError(
                f"layer_names must have {n_layers} names; got {len(self.layer_names)}."
            )
        return list(self.layer_names)

    def _plot_deltas(self, ax: Any, deltas: Sequence[np.ndarray]) -> None:
        """Boxes of the sizes that are not 0, which a logarithmic axis has no place for."""
        sizes = [np.abs(delta) for delta in deltas]
        self.delta_boxes_ = _draw_boxes(ax, [size[size > 0.0] for size in sizes])
        ax.set(title="Deltas", ylabel="|δ| = |∂J/∂z| of a row")
        if any(size.any() for size in sizes):
            ax.set_yscale("log")
        zeros = [float((size == 0.0).mean()) for size in sizes]
        if any(zeros):
            self._write_zeros(ax, zeros)

    @staticmethod
    def _write_zeros(ax: Any, shares: Sequence[float]) -> None:
        """Write the shares of zeros below the boxes."""
        if ax.get_yscale() == "log":
            low, high = ax.get_ylim()
            ax.set_ylim(low * (low / high) ** 0.2, high)
        for number, share in enumerate(shares, start=1):
            if share:
                ax.text(
                    *(number, 0.02, f"{share:.0%}\nare 0"),
                    transform=ax.get_xaxis_transform(),
                    ha="center",
                    va="bottom",
                )

    def _plot_saturated(self, ax: Any, saturated: Sequence[np.ndarray | None]) -> None:
        layers = [(k, layer) for k, layer in enumerate(saturated, start=1) if layer is not None]
        numbers = [number for number, _ in layers]
        self.bars_ = ax.bar(
            numbers, [layer.mean() for _, layer in layers], 0.7, color="#9ECAE1", label="on average"
        )
        self.always_bars_ = ax.bar(
            numbers,
            [layer.all(axis=0).mean() for _, layer in layers],
            0.35,
            color=NEGATIVE,
            hatch="////",
            edgecolor=tuple(paper(ax)),
            label="on every row",
        )
        for number, layer in enumerate(saturated, start=1):
            if layer is None:
                grey = ink(ax, NEUTRAL)
                ax.text(number, 0.02, "n/a", ha="center", va="bottom", color=grey)
        # The legend has its place above the bars.
        ax.set(title="Saturated units", ylabel="share of the layer's units", ylim=(0.0, 1.4))
        ax.set_yticks(np.linspace(0.0, 1.0, 6))


def _draw_boxes(ax: Any, layers: Sequence[np.ndarray]) -> dict[str, Any]:
    """Boxes of the percentiles, a layer each; none of a layer without numbers."""
    keys = ("whislo", "q1", "med", "q3", "whishi")
    boxes = [
        (number, dict(zip(keys, np.percentile(layer, _PERCENTILES), strict=True)))
        for number, layer in enumerate(layers, start=1)
        if layer.size
    ]
    return ax.bxp(
        [box for _, box in boxes],
        positions=[number for number, _ in boxes],
        widths=0.6,
        showfliers=False,
        manage_ticks=False,
        patch_artist=True,
        boxprops={"facecolor": "#D6E6F2", "edgecolor": POSITIVE},
        medianprops={"color": NEGATIVE, "linewidth": 2.0},
        whiskerprops={"color": POSITIVE},
        capprops={"color": POSITIVE},
    )


def _steepest(activation: str) -> float:
    """The largest derivative that an activation function has."""
    f = ACTIVATIONS[activation]
    z = np.linspace(-40.0, 40.0, 8001)
    f.apply(z, np.empty_like(z))
    derivative = np.ones_like(z)
    f.multiply_derivative(z, derivative)
    return float(np.abs(derivative).max())
