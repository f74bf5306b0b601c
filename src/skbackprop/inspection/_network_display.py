"""The display of a network: its units and weights, and the passes of a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier

from skbackprop._estimators.check_parameters import check_choice, check_integer
from skbackprop.inspection._network_drawing import (
    Picture,
    arrange,
    draw_summary,
    draw_units,
    summary_limits,
)
from skbackprop.inspection._notation import activation
from skbackprop.inspection._plotting import (
    NEGATIVE,
    POSITIVE,
    check_array,
    check_arrays,
    check_names,
    import_pyplot,
    paper,
    room_of,
    short,
    shortened,
)
from skbackprop.inspection._step import passes
from skbackprop.inspection._subject import fitted_in_memory
from skbackprop.inspection._trace import StepTrace

# Characters of the longest name that is written in full.
_LONGEST = 18
# Up to this many units in a layer, there is room for two lines of text beside a unit.
_UNITS_WITH_TWO_LINES = 12
# Width of title and legend at full size, in inches.
_FULL_WIDTH = 4.2


@dataclass(eq=False, kw_only=True, repr=False)
class NetworkDisplay:
    """A network drawn from left to right, as in textbooks.

    Lines are weights. Weights above 0 are blue and solid, weights below 0 are vermilion and dashed.
    The width of a line is the size of the weight relative to the largest weight between the same
    two layers. A square with a 1 is the node whose lines are the biases. A bias is as wide as a
    weight of its size, but no wider than the widest. Numbers are written if there is room.

    The picture shows one of three things: the weights; the forward pass of a row, with its
    activations in the units; or the backward pass, with the deltas in the units and the derivatives
    by the weights on the lines. A network with a layer of many units is summarised: each layer is a
    box, with histograms of the weights and units. A summary leaves out the biases.

    It is recommended to use `from_estimator` or `from_trace` to create a display. All parameters
    are stored as attributes.

    Parameters
    ----------
    coefs : sequence of array-like
        ``coefs[l]``, of shape (fan_in, fan_out), are the weights from layer l to layer l + 1.
        Layer 0 is the input.
    intercepts : sequence of array-like, default=None
        ``intercepts[l]``, of shape (fan_out,), are the biases of layer l + 1. None draws none.
    activations : sequence of array-like, default=None
        ``activations[l]``, of shape (n_units,), are the activations of layer l for one row. The
        first are the inputs, the last the predictions.
    deltas : sequence of array-like, default=None
        ``deltas[l]``, of shape (fan_out,), are the derivatives of the loss of that row by the
        weighted sums of layer l + 1.
    coef_gradients, intercept_gradients : sequence of array-like, default=None
        Derivatives of that loss, with the shapes of `coefs` and `intercepts`.
    loss : float, default=None
        The loss of that row, for the title.
    targets : sequence of str, default=None
        The target of each output, written beside the prediction.
    input_names, output_names : sequence of str, default=None
        Names beside the inputs and the outputs; None for their symbols.
    layer_names : sequence of str, default=None
        Captions of the layers, input included.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the picture.
    figure_ : matplotlib.figure.Figure
        Their figure.
    lines_ : list
        For each layer after the input, the lines of its weights: a
        matplotlib.collections.LineCollection, row by row of `coefs`. In a summary, the bars of
        their histogram.
    bias_lines_ : list
        For each layer after the input, a matplotlib.collections.LineCollection of its biases.
        Empty in a summary.
    units_ : list of list
        For each layer, the matplotlib.patches.Circle of each unit. In a summary, the bars of the
        histogram of the units, if there is one.
    texts_ : list of matplotlib.text.Text
        The texts in the units and beside the inputs and outputs. In a summary, the titles of boxes
        and histograms.

    See Also
    --------
    GradientFlowDisplay : Activations and deltas of many rows, layer by layer.
    LossCurveDisplay : The loss by epoch.
    trace_step : All numbers of a step, for `from_trace`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skbackprop import BackpropClassifier
    >>> from skbackprop.inspection import NetworkDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = BackpropClassifier(hidden_layer_sizes=3, random_state=0).fit(X, y)
    >>> display = NetworkDisplay.from_estimator(model, X[:1], y[:1], show="activations")
    >>> [len(layer) for layer in display.units_]
    [4, 3, 3]
    """

    coefs: Sequence[Any]
    intercepts: Sequence[Any] | None = None
    activations: Sequence[Any] | None = None
    deltas: Sequence[Any] | None = None
    coef_gradients: Sequence[Any] | None = None
    intercept_gradients: Sequence[Any] | None = None
    loss: float | None = None
    targets: Sequence[str] | None = None
    input_names: Sequence[str] | None = None
    output_names: Sequence[str] | None = None
    layer_names: Sequence[str] | None = None

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: Any = None,
        *,
        show: str | None = None,
        max_units: int = 24,
        ax: Any = None,
    ) -> Self:
        """Draw the network of a fitted estimator.

        Parameters
        ----------
        estimator : BackpropClassifier or BackpropRegressor
            Fitted estimator.
        X : array-like of shape (1, n_features), default=None
            A row, for its activations.
        y : array-like of shape (1,) or (1, n_outputs), default=None
            The target of the row, for the derivatives of its loss without the penalty.
        show : {"weights", "activations", "gradients"}, default=None
            What to draw; None for the last of these that the arguments allow.
        max_units : int, default=24
            Largest number of units in a layer for which all units are drawn.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None for new ones, of a size that suits the network.

        Returns
        -------
        display : NetworkDisplay
            The display, drawn.
        """
        estimator = fitted_in_memory(estimator)
        data: dict[str, Any] = {
            "coefs": estimator.coefs_,
            "intercepts": estimator.intercepts_ if estimator.fit_intercept else None,
            "layer_names": ["input", *estimator._form["activations"], estimator.out_activation_],
            **names_of(estimator),
        }
        if X is not None:
            row = passes(estimator, X, y)
            if len(row.target) != 1:
                raise ValueError(f"X must have one row; got {len(row.target)}.")
            data |= _passes_of(row, backward=y is not None)
        elif y is not None:
            raise ValueError("X must be given with y; got None.")
        return cls(**data).plot(ax, show=show, max_units=max_units)

    @classmethod
    def from_trace(
        cls,
        trace: StepTrace,
        *,
        show: str | None = None,
        max_units: int = 24,
        ax: Any = None,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
    ) -> Self:
        """Draw the network of a trace of one row.

        The weights are those before the step. The derivatives are those of J, penalty included.

        Parameters
        ----------
        trace : StepTrace
            A trace of one row, from `trace_step`.
        show : {"weights", "activations", "gradients"}, default=None
            What to draw; None for the gradients.
        max_units : int, default=24
            Largest number of units in a layer for which all units are drawn.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None for new ones, of a size that suits the network.
        input_names, output_names : sequence of str, default=None
            Names beside the inputs and the outputs; None for their symbols.

        Returns
        -------
        display : NetworkDisplay
            The display, drawn.

        Examples
        --------
        >>> from skbackprop import BackpropRegressor
        >>> from skbackprop.inspection import NetworkDisplay, trace_step
        >>> neuron = BackpropRegressor((), conditioning=None, alpha=0, learning_rate=0.1)
        >>> trace = trace_step(neuron, [[2.0]], [4.0], coefs=[[[1.0]]], intercepts=[[0.0]])
        >>> display = NetworkDisplay.from_trace(trace)
        >>> display.ax_.get_title()
        '1-1 network: gradients of a row, J = 2'
        """
        if not isinstance(trace, StepTrace):
            raise TypeError(f"trace must be a StepTrace; got {type(trace).__name__}.")
        if len(trace.target) != 1:
            raise ValueError(f"trace must be of one row; got {len(trace.target)}.")
        display = cls(input_names=input_names, output_names=output_names, **contents_of(trace))
        return display.plot(ax, show=show, max_units=max_units)

    def plot(self, ax: Any = None, *, show: str | None = None, max_units: int = 24) -> Self:
        """Draw the network.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None for new ones, of a size that suits the network.
        show : {"weights", "activations", "gradients"}, default=None
            What to draw; None for the last of these that the display has data for.
        max_units : int, default=24
            Largest number of units in a layer for which all units are drawn.

        Returns
        -------
        display : NetworkDisplay
            The display itself.
        """
        plt = import_pyplot(type(self).__name__)
        picture = self._picture(self._check_show(show))
        max_units = check_integer("max_units", max_units, minimum=1)
        summarised = max(picture.sizes) > max_units
        if ax is None:
            limits = summary_limits(len(picture.sizes)) if summarised else arrange(picture).limits
            width, height = np.diff(limits)[:, 0]
            # Room for the title and the legend.
            _, ax = plt.subplots(
                figsize=(max(width + 0.2, 4.5), height + 1.1), layout="constrained"
            )
            scale = 1.0
        else:
            scale = min(1.0, room_of(ax)[0] / _FULL_WIDTH)
        self.ax_, self.figure_ = ax, ax.figure
        ax.set_axis_off()
        ax.set_title(picture.title, fontsize=11 * scale)
        _add_legend(ax, picture, summarised, 9 * scale)
        if summarised:
            artists = draw_summary(ax, picture)
        else:
            artists = draw_units(ax, picture, arrange(picture, room_of(ax)))
        self.lines_, self.bias_lines_, self.units_, self.texts_ = artists
        return self

    def _check_show(self, show: str | None) -> str:
        available = ["weights"]
        if self.activations is not None:
            available.append("activations")
            if self.deltas is not None and self.coef_gradients is not None:
                available.append("gradients")
        if show is None:
            return available[-1]
        check_choice("show", show, ("weights", "activations", "gradients"))
        if show not in available:
            needs = "a row X" if show == "activations" else "a row X and its target y"
            raise ValueError(f"show={show!r} needs {needs}; got data for {available} only.")
        return show

    def _picture(self, show: str) -> Picture:
        picture = self._weights()
        if show != "weights":
            picture = self._with_activations(picture)
        if show == "gradients":
            picture = self._with_gradients(picture)
        sizes = "-".join(map(str, picture.sizes))
        return picture._replace(title=f"{sizes} network: {picture.title}")

    def _weights(self) -> Picture:
        coefs = _check_coefs(self.coefs)
        sizes = [len(coefs[0]), *(coef.shape[1] for coef in coefs)]
        hidden = ["hidden"] * (len(sizes) - 2)
        symbols = [
            [f"${activation(depth, unit, len(coefs))}$" for unit in range(1, size + 1)]
            for depth, size in enumerate(sizes)
        ]
        return Picture(
            lines=coefs,
            bias_lines=self._biases("intercepts", sizes),
            fills=[None] * len(sizes),
            full=[1.0] * len(sizes),
            texts=[[""] * sizes[0], *symbols[1:-1], [""] * sizes[-1]],
            left=self._names("input_names", symbols[0]),
            right=self._names("output_names", symbols[-1]),
            captions=self._names("layer_names", ["input", *hidden, "output"]),
        )

    def _with_activations(self, picture: Picture) -> Picture:
        """Add the activations of the row: in the units, and beside inputs and outputs."""
        layers = check_arrays("activations", self.activations, [(n,) for n in picture.sizes])
        left, right = (
            [f"{name} = {short(value)}" for name, value in zip(names, values, strict=True)]
            for names, values in ((picture.left, layers[0]), (picture.right, layers[-1]))
        )
        if self.targets is not None:
            targets = self._names("targets", [""] * len(right))
            # If a layer has many units, the outputs are too close together for two lines.
            gap = "\n" if max(picture.sizes) <= _UNITS_WITH_TWO_LINES else ", "
            right = [f"{text}{gap}y = {y}" for text, y in zip(right, targets, strict=True)]
        largest = [float(np.abs(layer).max()) for layer in layers]
        return picture._replace(
            fills=list(layers),
            full=[largest[0], *(max(1.0, size) for size in largest[1:])],
            texts=[[short(a) for a in layer] for layer in layers],
            left=left,
            right=right,
            title="activations of a row",
            units_are="a",
            flow="forward",
        )

    def _with_gradients(self, picture: Picture) -> Picture:
        """Show the derivatives on the lines, and the deltas in the units."""
        sizes = picture.sizes
        deltas = check_arrays("deltas", self.deltas, [(size,) for size in sizes[1:]])
        texts = [
            [f"{a}\nδ {short(d)}" for a, d in zip(layer, delta, strict=True)]
            for layer, delta in zip(picture.texts[1:], deltas, strict=True)
        ]
        shapes = [coef.shape for coef in picture.lines]
        return picture._replace(
            lines=check_arrays("coef_gradients", self.coef_gradients, shapes),
            bias_lines=self._biases("intercept_gradients", sizes),
            fills=[None, *deltas],
            full=[1.0, *(float(np.abs(delta).max()) for delta in deltas)],
            texts=[picture.texts[0], *texts],
            title="gradients of a row" + ("" if self.loss is None else f", J = {short(self.loss)}"),
            lines_are="∂J/∂w",
            units_are="δ",
            flow="backward",
        )

    def _biases(self, name: str, sizes: Sequence[int]) -> list[np.ndarray] | None:
        value = None if self.intercepts is None else getattr(self, name)
        if value is None:
            return None
        return check_arrays(name, value, [(size,) for size in sizes[1:]])

    def _names(self, name: str, default: list[str]) -> list[str]:
        names = check_names(name, getattr(self, name), default)
        # Symbols in dollar signs are whole.
        return [name if "$" in name else shortened(name, _LONGEST) for name in names]


def _add_legend(ax: Any, picture: Picture, summarised: bool, size: float) -> None:
    """Explain the colours, dashes and widths."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any]
    if summarised:
        title = f"histograms: {picture.lines_are} of the weights"
        if picture.units_are:
            title += f" and {picture.units_are} of the units"
        edge = tuple(paper(ax))
        handles = [
            Patch(facecolor=POSITIVE, edgecolor=edge, label="above 0"),
            Patch(facecolor=NEGATIVE, edgecolor=edge, hatch="////", label="below 0"),
        ]
    else:
        title = f"line width: size of {picture.lines_are} in its layer"
        if picture.units_are:
            title += f"\nfill of the units: {picture.units_are}"
        handles = [
            Line2D([], [], color=POSITIVE, linewidth=2, label="above 0"),
            Line2D([], [], color=NEGATIVE, linewidth=2, linestyle=(0, (3, 1.5)), label="below 0"),
        ]
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "frameon": False}
    legend = ax.legend(
        handles=handles, ncols=2, fontsize=size, title=title, title_fontsize=size, **place
    )
    legend.get_title().set_multialignment("center")


def _check_coefs(value: Any) -> list[np.ndarray]:
    """Return matrices. Each has as many rows as the one before has columns."""
    if isinstance(value, str) or not hasattr(value, "__len__") or not len(value):
        raise TypeError(f"coefs must be a sequence of matrices, one a layer; got {value!r}.")
    coefs: list[np.ndarray] = []
    for i, coef in enumerate(value):
        fan_in = coefs[-1].shape[1] if coefs else "fan_in"
        coefs.append(check_array(f"coefs[{i}]", coef, (fan_in, "fan_out")))
    return coefs


def names_of(estimator: Any) -> dict[str, Any]:
    """The names of inputs and outputs as arguments of the display, in which no $ begins math.

    That of an input with a long tail is T(name), as it is shown tamed.
    """
    inputs = getattr(estimator, "feature_names_in_", None)
    tamed = np.isfinite(estimator.tail_scale_)
    if tamed.any():
        plain = [f"x{number}" for number in range(1, len(tamed) + 1)] if inputs is None else inputs
        inputs = [f"T({name})" if t else name for name, t in zip(plain, tamed, strict=True)]
    names = {
        "input_names": inputs,
        "output_names": _output_names(estimator),
    }
    return {
        kind: None
        if of_kind is None
        else [shortened(str(one), _LONGEST).replace("$", r"\$") for one in of_kind]
        for kind, of_kind in names.items()
    }


def contents_of(trace: StepTrace) -> dict[str, Any]:
    """The network of a trace and the passes of its first row as arguments of the display."""
    intercepts = [layer.intercept for layer in trace.layers]
    return {
        "coefs": [layer.coef for layer in trace.layers],
        "intercepts": None if intercepts[0] is None else intercepts,
        "layer_names": ["input", *(layer.activation for layer in trace.layers)],
        **_passes_of(trace),
    }


def _output_names(estimator: Any) -> list[str] | None:
    if not is_classifier(estimator):
        loss, options = estimator._form["loss"]
        if loss == "quantile" and np.ndim(options["quantile"]):
            return [f"quantile {quantile:g}" for quantile in options["quantile"]]
        return None
    classes = [str(label) for label in estimator.classes_]
    return classes if estimator.n_outputs_ == len(classes) else classes[-1:]


def _passes_of(row: StepTrace, *, backward: bool = True) -> dict[str, Any]:
    """The passes of a row as arguments of the display."""
    activations = [row.layers[0].inputs[0], *(layer.a[0] for layer in row.layers)]
    if not backward:
        return {"activations": activations}
    return {
        "activations": activations,
        "deltas": [layer.delta[0] for layer in row.layers],
        "coef_gradients": [layer.coef_gradient for layer in row.layers],
        "intercept_gradients": [layer.intercept_gradient for layer in row.layers],
        "loss": row.value,
        "targets": [short(value) for value in row.target[0]],
    }
