"""The trace of one step of gradient descent: every number from the inputs to the new weights."""

from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np

from skbackprop._core.losses import LOSSES
from skbackprop._estimators.check_parameters import check_choice, check_integer
from skbackprop.inspection import _notation as notation
from skbackprop.inspection._chain import Chain, Factor, chain_of
from skbackprop.inspection._layers import LayerStep, Weight, weights_of
from skbackprop.inspection._rendering import (
    MAX_LINES,
    Cell,
    Paragraph,
    Printed,
    Report,
    Table,
    format_number,
    frame_of,
    latex,
    plural,
)


@dataclass(frozen=True, repr=False)
class StepTrace(Printed):
    """One step of gradient descent in all its numbers, as `trace_step` returns it.

    Print it, show it in a notebook, or use `chain`, `to_frame` and `to_latex`. The parameters are
    also its attributes.

    Layers, units, inputs and outputs count from 1 in symbols, and from 0 in the names of weights:
    :math:`w^{[l]}_{ij}` leads from unit i of layer l − 1 to unit j of layer l and is
    ``coefs[l - 1][i - 1, j - 1]``.

    Parameters
    ----------
    layers : list of LayerStep
        The layers, first to last. Each has `inputs`, weighted sums `z`, activations `a`,
        `derivative` f'(z) and `delta` ∂J/∂z, of shape (n_rows, fan_in) or (n_rows, fan_out). It
        has `coef`, `coef_gradient` ∂J/∂w, `coef_change` and `new_coef`, of shape
        (fan_in, fan_out), and the same for `intercept`, of shape (fan_out,) or None. All arrays
        are float64, of the network on raw `X`.
    value : float
        J, the objective before the step, in units of raw `y`.
    learning_rate : float
        The step size.
    loss, loss_reduction : str
        Parameters of the estimator.
    alpha : float
        Strength of the penalty.
    conditions : bool
        Whether the step is taken in conditioned coordinates.
    tamed : ndarray of int
        Numbers of the inputs with long tails, counted from 0. `inputs` of layer 1 has them tamed.
        See :ref:`long_tails`.
    fit_has_factors : bool
        Whether `fit` takes another step, on factors of the weights of layer 1. See
        :ref:`feature_penalty`.
    scales : ndarray of shape (2, n_features) or None
        The scales of the inputs before and after the step, in a `FitRecording` with factors.
    rows : ndarray of shape (n_rows,)
        The numbers of the rows; in a `FitRecording`, those in the data of the fit.
    target : ndarray of shape (n_rows, n_outputs)
        The targets y. For class codes, 1 for the class of the row and 0 for the others; for several
        quantiles, the same in each column.
    target_unit : {"variance", "deviation", "size"}
        The unit of the targets by which the conditioning divides the loss.
    output_gradient : ndarray of shape (n_rows, n_outputs) or None
        ∂J/∂ŷ. None for a loss that has ∂J/∂z as a whole: the log-loss and "poisson".
    row_weight : ndarray of shape (n_rows,) or None
        Weights of the rows in J. If `loss_reduction` is "mean", their mean is 1.
    target_weight : ndarray of shape (n_outputs,) or None
        Weights of the outputs in J, where several targets are conditioned.
    bends : ndarray of shape (n_outputs,) or None
        For each output the residual beyond which "huber" is linear, in units of y, or the
        quantile. None for other losses.

    Examples
    --------
    >>> from skbackprop import BackpropRegressor
    >>> from skbackprop.inspection import trace_step
    >>> neuron = BackpropRegressor((), conditioning=None, alpha=0, learning_rate=0.1)
    >>> trace = trace_step(neuron, [[2.0]], [4.0], coefs=[[[1.0]]], intercepts=[[0.0]])
    >>> (layer,) = trace.layers
    >>> layer.coef_gradient.tolist(), layer.new_coef.tolist()
    ([[-4.0]], [[1.4]])
    """

    layers: list[LayerStep]
    value: float
    learning_rate: float
    loss: str
    loss_reduction: str
    alpha: float
    conditions: bool
    tamed: np.ndarray
    fit_has_factors: bool
    scales: np.ndarray | None
    rows: np.ndarray
    target: np.ndarray
    target_unit: str
    output_gradient: np.ndarray | None
    row_weight: np.ndarray | None
    target_weight: np.ndarray | None
    bends: np.ndarray | None

    @property
    def several_quantiles(self) -> bool:
        """Whether the outputs are several quantiles of one target."""
        return self.loss == "quantile" and len(set(np.asarray(self.bends).tolist())) > 1

    def __repr__(self) -> str:
        sizes = "-".join(str(len(layer.coef)) for layer in self.layers)
        n_rows, n_outputs = self.target.shape
        return (
            f"<StepTrace of a {sizes}-{n_outputs} network on {plural(n_rows, 'row')}, "
            f"J={self.value:.6g}, learning_rate={self.learning_rate:.6g}>"
        )

    def chain(self, weight: str, *, max_paths: int | None = 8) -> Chain:
        """Write out the chain rule at one weight.

        Parameters
        ----------
        weight : str
            As in ``"coefs[0][1, 0]"`` or ``"intercepts[0][1]"``, counted from 0.
        max_paths : int or None, default=8
            Largest number of paths from the weight to J that are listed; None for all. If there
            are more, the chain lists paths with large sums and gives the sum of the others.

        Returns
        -------
        chain : Chain
            It has the `paths`, each with its `factors`; their sum over paths and rows, `value`;
            and `gradient`, ∂J/∂w by backpropagation.

        Examples
        --------
        >>> from skbackprop import BackpropRegressor
        >>> from skbackprop.inspection import trace_step
        >>> neuron = BackpropRegressor((), conditioning=None, alpha=0, learning_rate=0.1)
        >>> trace = trace_step(neuron, [[2.0]], [4.0], coefs=[[[1.0]]], intercepts=[[0.0]])
        >>> print(trace.chain("coefs[0][0, 0]"))
        ∂J/∂w[1]₁₁, the gradient of coefs[0][0, 0]: 1 path, 1 row
        <BLANKLINE>
        Path 1: w[1]₁₁ → ŷ₁ → J
          row   ∂J/∂ŷ₁  ∂ŷ₁/∂z[1]₁  ∂z[1]₁/∂w[1]₁₁  product
               (ŷ₁−y₁)           1              x₁
            0       -2           1               2       -4
        <BLANKLINE>
        ∂J/∂w[1]₁₁ = -4
        """
        if max_paths is not None:
            max_paths = check_integer("max_paths", max_paths, minimum=1)
        place = Weight.named(weight, self.layers)
        return chain_of(
            self.layers,
            place,
            max_paths,
            self._loss_factors,
            r"\alpha \cdot s^2" if self.conditions else r"\alpha",
            self._chain_notes(place),
            self.rows,
        )

    def to_frame(self, of: Literal["weights", "units"] = "weights") -> Any:
        """The numbers as a pandas DataFrame.

        Parameters
        ----------
        of : {"weights", "units"}, default="weights"
            What the lines are: the weights, or the units in every row.

        Returns
        -------
        frame : pandas.DataFrame
            For weights, the columns are "symbol", "layer", "value", "gradient", "change" and
            "new_value", and the index is "name", as in ``coefs[0][1, 0]``. For units, they are
            "row", as in `rows`, "layer" and "unit", counted from 1, "z", "a", "derivative" and
            "delta".
        """
        if check_choice("of", of, ("weights", "units")) == "units":
            return frame_of(
                [
                    {"row": self.rows[row], "layer": layer.number, "unit": unit + 1}
                    | {name: getattr(layer, name)[row, unit] for name in _NUMBERS_OF_UNITS}
                    for layer in self.layers
                    for row, unit in np.ndindex(layer.z.shape)
                ]
            )
        columns = ["name", "symbol", "layer", "value", "gradient", "change", "new_value"]
        records = [
            (
                w.name,
                notation.math_as_text(w.symbol),
                layer.number,
                value,
                gradient,
                change,
                value + change,
            )
            for layer in self.layers
            for w, value, gradient, change in weights_of(layer)
        ]
        return frame_of(records, columns).set_index("name")

    def to_latex(self) -> str:
        r"""The tables in LaTeX.

        Returns
        -------
        latex : str
            Paragraphs and ``tabular`` environments. They need no package.
        """
        return latex(self._report())

    def _report(self) -> Report:
        n_rows = len(self.target)
        of_rows = f", {self.loss_reduction} over the rows" if n_rows > 1 else ""
        penalty = f", penalty $\\alpha$ = {format_number(self.alpha)}" if self.alpha else ""
        head = (
            f"One step of gradient descent on {plural(n_rows, 'row')}\nJ = ",
            self.value,
            f" ({self.loss}{of_rows}{penalty}), step size $\\eta$ = ",
            self.learning_rate,
        )
        parts: list[Paragraph | Table] = [head, self._input_table()]
        if len(self.tamed):
            parts.append(self._on_tails())
        parts += [self._unit_table(layer) for layer in self.layers]
        parts += [self._weight_table(layer) for layer in self.layers]
        if self.conditions:
            parts.append(self._on_conditioning())
        if self.scales is not None:
            parts += [self._on_scales(), self._scale_table(self.scales)]
        if self.fit_has_factors:
            parts.append(
                "This is the step of partial_fit. fit takes its steps on factors of the weights of "
                "layer 1: with feature_penalty=0 it takes this step, too."
            )
        return [*parts, *self._loss_notes()]

    def _input_table(self) -> Table:
        X = self.layers[0].inputs
        columns = [f"$x_{{{i}}}$" for i in range(1, X.shape[1] + 1)]
        lines: list[list[Cell]] = [
            [int(row), *map(float, x)] for row, x in zip(self.rows, X[:MAX_LINES], strict=False)
        ]
        n_shown = 6
        if len(columns) > n_shown:
            columns = [*columns[:n_shown], f"… {len(columns):,} in all"]
            lines = [[*line[: n_shown + 1], None] for line in lines]
        return Table("Inputs", ["row", *columns], lines, len(X))

    def _unit_table(self, layer: LayerStep) -> Table:
        is_last = layer is self.layers[-1]
        of_layer = f"^{{[{layer.number}]}}"
        name = "output" if is_last else "hidden"
        a = r"\hat y" if is_last else f"a{of_layer}"
        columns = {f"$z{of_layer}$": layer.z, f"${a}$": layer.a}
        if not is_last or self.output_gradient is not None:
            formula = notation.activation_derivative(layer.activation, f"z{of_layer}", a)
            columns[f"$f' = {formula}$"] = layer.derivative
        if is_last:
            columns["$y$"] = self.target
            if self.output_gradient is not None:
                columns[f"${notation.derivative('J', a)}$"] = self.output_gradient
        columns[rf"$\delta{of_layer}$"] = layer.delta
        lines = [
            [int(self.rows[row]), unit + 1, *(float(of[row, unit]) for of in columns.values())]
            for row, unit in islice(np.ndindex(layer.z.shape), MAX_LINES)
        ]
        title = f"Layer {layer.number}, {name}: {layer.activation}"
        return Table(title, ["row", "unit", *columns], lines, layer.z.size)

    def _weight_table(self, layer: LayerStep) -> Table:
        gradient = r"\frac{\partial J}{\partial w}"
        change = "change" if self.conditions else rf"$-\eta \cdot {gradient}$"
        lines: list[list[Cell]] = [
            [f"${weight.symbol}$", weight.name, value, gradient, change, value + change]
            for weight, value, gradient, change in islice(weights_of(layer), MAX_LINES)
        ]
        n_weights = layer.coef.size + (0 if layer.intercept is None else layer.intercept.size)
        header = ["", "weight", "value", f"${gradient}$", change, "new value"]
        return Table(f"Weights of layer {layer.number}", header, lines, n_weights)

    def _on_tails(self) -> str:
        """What is done to inputs with long tails."""
        names = ", ".join(f"$x_{{{number + 1}}}$" for number in self.tamed[:MAX_LINES].tolist())
        more = ", …" * (len(self.tamed) > MAX_LINES)
        return (
            f"Inputs with long tails are tamed: {names}{more}. Of a raw value x the network is "
            r"given $c + 2r \cdot \mathrm{asinh}(\mathrm{asinh}((x - c) / r) / 2)$, where c and r "
            "are tail_center_ and tail_scale_."
        )

    def _on_conditioning(self) -> str:
        """How the step follows from the gradients, in conditioned coordinates."""
        of_w, of_b = notation.derivative("J", "w"), notation.derivative("J", "b")
        unit = _TARGET_UNITS[self.target_unit]
        return (
            "The step is taken in conditioned coordinates. There the inputs of a layer are "
            "$(x - c) / s$ and its weights are $s \\cdot w$. For the weights above this means\n"
            f"  change of w = $-\\eta \\cdot r \\cdot ({of_w} - c \\cdot {of_b}) / s^2$\n"
            f"  change of b = $-\\eta \\cdot r \\cdot {of_b} - \\sum c \\cdot$ (change of w)\n"
            "where c and s are input_shift_ and input_scale_ in layer 1, hidden_shift_ and "
            f"hidden_scale_ in the others. r is 1 over the mean of {unit}; in the last layer it is "
            "that times target_scale_$^2$."
        )

    def _on_scales(self) -> str:
        """How the step moves the scales of the inputs."""
        of_w, of_b = notation.derivative("J", "w"), notation.derivative("J", "b")
        by_loss = rf"r \cdot \sum w \cdot ({of_w} - c \cdot {of_b}) / t"
        return (
            "The fit takes the step on factors of the weights of layer 1: on a scale t of each "
            "input, and on w / t, for which s is input_scale_ / t. The weights of an input are "
            "also multiplied by its new t over its old t; the change of b is computed with the "
            "changes of w after this.\n"
            f"  change of t = $-\\eta \\cdot ({by_loss} + \\alpha' \\cdot t)$\n"
            "with the derivatives of J without its penalty. $\\alpha'$ is scale_penalties of the "
            "recording."
        )

    def _scale_table(self, scales: np.ndarray) -> Table:
        header = ["input", "scale t", "new t"]
        lines: list[list[Cell]] = [
            [f"$x_{{{number}}}$", *map(float, pair)]
            for number, pair in enumerate(scales.T[:MAX_LINES], start=1)
        ]
        return Table("Scales of the inputs", header, lines, scales.shape[1])

    def _loss_factors(self, unit: int) -> list[Factor]:
        """∂J/∂ŷ and ∂ŷ/∂z of an output; ∂J/∂z if the loss has it as a whole."""
        last = self.layers[-1]
        z = notation.symbol("z", last.number, unit + 1)
        y_pred = notation.activation(last.number, unit + 1, len(self.layers))
        formula = self._loss_formula(unit + 1, y_pred)
        if self.output_gradient is None:
            return [Factor(notation.derivative("J", z), formula, last.delta[:, unit])]
        of_z = notation.activation_derivative(last.activation, z, y_pred)
        return [
            Factor(notation.derivative("J", y_pred), formula, self.output_gradient[:, unit]),
            Factor(notation.derivative(y_pred, z), of_z, last.derivative[:, unit]),
        ]

    def _loss_formula(self, number: int, y_pred: str) -> str:
        """∂J/∂ŷ or ∂J/∂z in LaTeX. ω is the weight of a row, τ the weight of a target."""
        loss = LOSSES[self.loss]
        formula = loss.derivative.replace("{y_pred}", y_pred)
        formula = formula.replace("{bend}", f"{loss.bend}_{{{number}}}")
        formula = formula.replace("{y}", f"y_{{{1 if self.several_quantiles else number}}}")
        if self.row_weight is not None:
            formula = rf"\omega \cdot {formula}"
        if self.target_weight is not None:
            formula = rf"\tau_{{{number}}} \cdot {formula}"
        n_rows = len(self.target)
        return f"{formula}/{n_rows}" if self.loss_reduction == "mean" and n_rows > 1 else formula

    def _loss_notes(self) -> list[str]:
        """Explanations of the symbols of "huber" and "quantile"."""
        if self.bends is None:
            return []
        symbol = LOSSES[self.loss].bend
        values = ", ".join(
            f"${symbol}_{{{number}}}$ = {format_number(float(value))}"
            for number, value in enumerate(self.bends, start=1)
        )
        if self.loss == "huber":
            return [
                f"The loss is linear beyond residuals of ${symbol}$, huber_delta times "
                f"target_scale_: {values}."
            ]
        order = r" Crossing $\hat y$ are sorted by predict, but not here." * self.several_quantiles
        return [f"The quantile of an output is ${symbol}$: {values}.{order}"]

    def _chain_notes(self, weight: Weight) -> list[Paragraph]:
        """Explanations of the less usual symbols of a chain."""
        notes: list[Paragraph] = [*self._loss_notes()]
        if self.loss == "quantile":
            notes.append(
                r"$[\hat y>y]$ is 1 where that holds, 0 where $\hat y$ < y, ½ where $\hat y$ = y."
            )
        if self.row_weight is not None:
            mean = " over the mean weight" * (self.loss_reduction == "mean")
            notes.append(rf"$\omega$ is the weight of the row{mean}.")
        if self.target_weight is not None:
            notes.append(
                r"$\tau$ is the weight of a target by the conditioning: the mean "
                f"{self.target_unit} of the targets over its own."
            )
        layer = self.layers[weight.depth]
        penalty = 0.0 if weight.before is None else float(layer.coef_penalty[weight.at])
        if self.conditions and penalty:
            # A number, as it differs from step to step where the inputs have scales.
            factor = penalty / (self.alpha * float(layer.coef[weight.at]))
            of_both = (
                "The penalty is on the weight in conditioned coordinates, but $J$ is in units of "
                "y: $s^2$ = "
            )
            notes.append((of_both, factor, " accounts for both."))
        return notes


_NUMBERS_OF_UNITS = "z", "a", "derivative", "delta"
_TARGET_UNITS = {
    "variance": "target_scale_$^2$",
    "deviation": "$|$target_scale_$|$",
    "size": "exp(target_shift_)",
}
