"""The trace of one step of gradient descent: every number from the inputs to the new weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np

from skbackprop._estimators.check_parameters import check_choice, check_integer
from skbackprop.inspection import _notation as notation
from skbackprop.inspection._chain import Chain, Weight, chain_of, loss_notes
from skbackprop.inspection._rendering import (
    MAX_LINES,
    Cell,
    Report,
    Table,
    as_html,
    format_number,
    frame_of,
    latex,
    table_of,
    text,
)
from skbackprop.inspection._step import LayerStep, Step, take_step
from skbackprop.inspection._subject import step_size_of, subject_of


@dataclass(frozen=True, repr=False)
class StepTrace(Step):
    """One step of gradient descent in all its numbers; `trace_step` makes it.

    Print it, show it in a notebook, or see `chain`, `to_frame` and `to_latex`. What it is made of
    are its attributes. Layers, units,
    inputs and outputs count from 1 in symbols, from 0 in the names of weights:
    :math:`w^{[l]}_{ij}` leads from unit i of layer l − 1 to unit j of layer l and is
    ``coefs[l - 1][i - 1, j - 1]``.

    Parameters
    ----------
    layers : list of LayerStep
        Of each layer, first to last: `inputs`, weighted sums `z`, activations `a`, `derivative`
        f'(z) and `delta` ∂J/∂z, of shape (n_rows, fan_in) or (n_rows, fan_out); `coef`,
        `coef_gradient` ∂J/∂w, `coef_change` and `new_coef`, of shape (fan_in, fan_out); and the
        same of `intercept`, of shape (fan_out,), or None without intercepts. All of the network
        on raw `X`, in float64.
    value : float
        J, the objective before the step, in units of raw `y`.
    learning_rate : float
        The step size.
    loss, loss_reduction : str
        Those of the estimator.
    alpha : float
        Strength of the penalty.
    conditions : bool
        Whether the step is taken in conditioned coordinates.
    target : ndarray of shape (n_rows, n_outputs)
        The targets y; of classes, 1 for the class of the row and 0 for the others; for several
        quantiles the same in each column.
    output_gradient : ndarray of shape (n_rows, n_outputs) or None
        ∂J/∂ŷ; None under the log-loss and "poisson", which have ∂J/∂z as a whole.
    row_weight : ndarray of shape (n_rows,) or None
        Weights of the rows in J, under the mean with mean 1.
    target_weight : ndarray of shape (n_outputs,) or None
        Weights of the outputs in J, where several targets are conditioned.
    bends : ndarray of shape (n_outputs,) or None
        For each output the residual from which "huber" is linear, in units of y, or the quantile;
        None of other losses.
    """

    def __repr__(self) -> str:
        sizes = "-".join(str(len(layer.coef)) for layer in self.layers)
        n_rows, n_outputs = self.target.shape
        rows = f"{n_rows:,} row" + "s" * (n_rows > 1)
        return (
            f"<StepTrace of a {sizes}-{n_outputs} network on {rows}, J={self.value:.6g}, "
            f"learning_rate={self.learning_rate:.6g}>"
        )

    def __str__(self) -> str:
        return text(self._report())

    def _repr_html_(self) -> str:
        return as_html(self._report())

    def chain(self, weight: str, *, max_paths: int | None = 8) -> Chain:
        """Write out the chain rule at one weight.

        Parameters
        ----------
        weight : str
            As in ``"coefs[0][1, 0]"`` or ``"intercepts[0][1]"``, counted from 0.
        max_paths : int or None, default=8
            How many of the paths from the weight to J are listed; None for all of them. Where
            there are more, those with the largest sums are followed, and the sum of the others
            is told.

        Returns
        -------
        chain : Chain
            Its `paths`, each with its `factors`; their sum over paths and rows, `value`; and
            `gradient`, ∂J/∂w by backpropagation.

        Raises
        ------
        TypeError, ValueError
            If the network has no such weight.

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
        return chain_of(self, Weight.named(weight, self.layers), max_paths)

    def to_frame(self, of: Literal["weights", "units"] = "weights") -> Any:
        """The numbers as a pandas DataFrame.

        Parameters
        ----------
        of : {"weights", "units"}, default="weights"
            What has a line each: the weights, or the units in every row.

        Returns
        -------
        frame : pandas.DataFrame
            Of the weights, indexed by "name" as in ``coefs[0][1, 0]``: "symbol", "layer", "value",
            "gradient", "change", "new_value". Of the units: "row" from 0, "layer" and "unit" from
            1, "z", "a", "derivative", "delta".
        """
        if check_choice("of", of, ("weights", "units")) == "units":
            return frame_of(
                [
                    {
                        "row": row,
                        "layer": layer.number,
                        "unit": unit + 1,
                        "z": layer.z[row, unit],
                        "a": layer.a[row, unit],
                        "derivative": layer.derivative[row, unit],
                        "delta": layer.delta[row, unit],
                    }
                    for layer in self.layers
                    for row, unit in np.ndindex(layer.z.shape)
                ]
            )
        return frame_of(
            [
                {
                    "name": weight.name,
                    "symbol": notation.math_as_text(weight.symbol),
                    "layer": layer.number,
                    "value": value,
                    "gradient": gradient,
                    "change": change,
                    "new_value": value + change,
                }
                for layer in self.layers
                for weight, value, gradient, change in _weights_of(layer)
            ]
        ).set_index("name")

    def to_latex(self) -> str:
        r"""The tables in LaTeX.

        Returns
        -------
        latex : str
            Paragraphs and ``tabular`` environments, which need no package.
        """
        return latex(self._report())

    def _report(self) -> Report:
        n_rows = len(self.target)
        rows = f"{n_rows:,} row" + "s" * (n_rows > 1)
        of_rows = f", {self.loss_reduction} over the rows" if n_rows > 1 else ""
        penalty = f", penalty $\\alpha$ = {format_number(self.alpha)}" if self.alpha else ""
        head = (
            f"One step of gradient descent on {rows}\n"
            f"J = {format_number(self.value)} ({self.loss}{of_rows}{penalty}), "
            f"step size $\\eta$ = {format_number(self.learning_rate)}"
        )
        parts: list[str | Table] = [head, self._input_table()]
        parts += [self._unit_table(layer) for layer in self.layers]
        parts += [self._weight_table(layer) for layer in self.layers]
        if self.conditions:
            parts.append(_on_conditioning(self.loss))
        return [*parts, *loss_notes(self)]

    def _input_table(self) -> Table:
        X = self.layers[0].inputs
        columns = [f"$x_{{{i}}}$" for i in range(1, X.shape[1] + 1)]
        lines: list[list[Cell]] = [
            [row, *map(float, X[row])] for row in range(min(len(X), MAX_LINES))
        ]
        n_shown = 6
        if len(columns) > n_shown:
            columns = [*columns[:n_shown], f"… {len(columns):,} in all"]
            lines = [[*line[: n_shown + 1], None] for line in lines]
        return table_of("Inputs", ["row", *columns], lines, len(X))

    def _unit_table(self, layer: LayerStep) -> Table:
        is_last = layer is self.layers[-1]
        of_layer = f"^{{[{layer.number}]}}"
        name = "output" if is_last else "hidden"
        a = r"\hat y" if is_last else f"a{of_layer}"
        header = ["row", "unit", f"$z{of_layer}$", f"${a}$"]
        columns = [layer.z, layer.a]
        if not is_last or self.output_gradient is not None:
            formula = notation.activation_derivative(layer.activation, f"z{of_layer}", a)
            header.append(f"$f' = {formula}$")
            columns.append(layer.derivative)
        if is_last:
            header.append("$y$")
            columns.append(self.target)
            if self.output_gradient is not None:
                header.append(f"${notation.derivative('J', a)}$")
                columns.append(self.output_gradient)
        header.append(rf"$\delta{of_layer}$")
        columns.append(layer.delta)
        shape = layer.z.shape
        lines = [
            [row, unit + 1, *(float(column[row, unit]) for column in columns)]
            for row, unit in islice(np.ndindex(shape), MAX_LINES)
        ]
        title = f"Layer {layer.number}, {name}: {layer.activation}"
        return table_of(title, header, lines, layer.z.size)

    def _weight_table(self, layer: LayerStep) -> Table:
        gradient = r"\frac{\partial J}{\partial w}"
        change = "change" if self.conditions else rf"$-\eta \cdot {gradient}$"
        lines: list[list[Cell]] = [
            [f"${weight.symbol}$", weight.name, value, gradient, change, value + change]
            for weight, value, gradient, change in islice(_weights_of(layer), MAX_LINES)
        ]
        n_weights = layer.coef.size + (0 if layer.intercept is None else layer.intercept.size)
        header = ["", "weight", "value", f"${gradient}$", change, "new value"]
        return table_of(f"Weights of layer {layer.number}", header, lines, n_weights)


def _on_conditioning(loss: str) -> str:
    """How the textbook's derivative becomes the step."""
    of_w, of_b = notation.derivative("J", "w"), notation.derivative("J", "b")
    return (
        "The step is taken in conditioned coordinates: there the inputs of a layer are "
        "$(x - c) / s$ and its weights $s \\cdot w$. Seen from here it is\n"
        f"  change of w = $-\\eta \\cdot r \\cdot ({of_w} - c \\cdot {of_b}) / s^2$\n"
        f"  change of b = $-\\eta \\cdot r \\cdot {of_b} - \\sum c \\cdot$ (change of w)\n"
        "with c and s of layer 1 input_shift_ and input_scale_, of the others hidden_shift_ and "
        f"hidden_scale_; r is 1 over the mean of {_UNITS.get(loss, 'target_scale_$^2$')}, in the "
        "last layer times target_scale_$^2$."
    )


_UNITS = {
    "absolute_error": "$|$target_scale_$|$",
    "quantile": "$|$target_scale_$|$",
    "poisson": "exp(target_shift_)",
}
"""What a loss of targets in conditioned coordinates is multiplied by to be one in units of y."""


def _weights_of(layer: LayerStep) -> Iterator[tuple[Weight, float, float, float]]:
    """Each weight of the layer with value, gradient and change."""
    depth = layer.number - 1
    for before, unit in np.ndindex(layer.coef.shape):
        at = before, unit
        yield (
            Weight(depth, before, unit),
            float(layer.coef[at]),
            float(layer.coef_gradient[at]),
            float(layer.coef_change[at]),
        )
    of_intercepts = layer.intercept, layer.intercept_gradient, layer.intercept_change
    if layer.intercept is not None:
        for unit, (value, gradient, change) in enumerate(np.array(of_intercepts).T.tolist()):
            yield Weight(depth, None, unit), value, gradient, change


@np.errstate(under="ignore")
def trace_step(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    coefs: Any = None,
    intercepts: Any = None,
    learning_rate: float | None = None,
    classes: Any = None,
) -> StepTrace:
    """Trace one step of gradient descent on given rows: every number of it.

    Forward to the objective J, backward to its derivatives, and on to the new weights, from the
    weights of a fitted estimator or from weights that are given. The numbers are those that the
    estimator itself computes, in float64; it is not changed.

    Weights and derivatives are of the network on raw `X` and raw `y`, as a textbook has them. If
    the estimator descends in conditioned coordinates, so does the step, and what it adds to a
    weight is not −learning_rate · ∂J/∂w: the trace has both, and says how one becomes the other.

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropRegressor
        Fitted, or with `coefs` or its own random initial weights if it is not: the coordinates,
        the penalty and the step size are then those that `fit` would begin with on the rows.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows of the step, taken as one full batch.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Their weights.
    coefs : sequence of array-like, default=None
        Weights to start from, shaped as `coefs_`.
    intercepts : sequence of array-like, default=None
        Intercepts to start from, shaped as `intercepts_`. If only `coefs` are given, they stay what
        they are in conditioned coordinates, as they do in `fit`.
    learning_rate : float, default=None
        The step size; None for ``learning_rate_``, or what `fit` would begin with. The schedule
        has no part in it.
    classes : array-like of shape (n_classes,), default=None
        All labels, for a classifier that is not fitted and rows that do not have all of them.

    Returns
    -------
    trace : StepTrace
        Its `layers` have the arrays; print it, or see `chain`, `to_frame` and `to_latex`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is accepted.

    See Also
    --------
    check_gradient : Hold the derivatives against differences.

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by
       back-propagating errors", Nature 323, 1986.

    Examples
    --------
    A neuron with w = 1 and b = 0 that should make 4 of 2:

    >>> from skbackprop import BackpropRegressor
    >>> from skbackprop.inspection import trace_step
    >>> neuron = BackpropRegressor((), conditioning=None, alpha=0, learning_rate=0.1)
    >>> trace = trace_step(neuron, [[2.0]], [4.0], coefs=[[[1.0]]], intercepts=[[0.0]])
    >>> print(trace)
    One step of gradient descent on 1 row
    J = 2 (half_squared_error), step size η = 0.1
    <BLANKLINE>
    Inputs
      row  x₁
        0   2
    <BLANKLINE>
    Layer 1, output: identity
      row  unit  z[1]  ŷ  f' = 1  y  ∂J/∂ŷ  δ[1]
        0     1     2  2       1  4     -2    -2
    <BLANKLINE>
    Weights of layer 1
              weight            value  ∂J/∂w  −η · ∂J/∂w  new value
      w[1]₁₁  coefs[0][0, 0]        1     -4         0.4        1.4
      b[1]₁   intercepts[0][0]      0     -2         0.2        0.2
    """
    subject = subject_of(
        estimator,
        X,
        y,
        sample_weight,
        coefs=coefs,
        intercepts=intercepts,
        classes=classes,
    )
    step_size = step_size_of(estimator, subject, X, y, sample_weight, learning_rate)
    return StepTrace(**vars(take_step(subject, step_size)))
