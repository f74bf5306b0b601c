"""One step of gradient descent in numbers, all of them computed by the core."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.losses import LOSSES, Loss
from skbackprop._core.network import Layer, Network
from skbackprop.inspection._subject import Subject


@dataclass(frozen=True)
class LayerStep:
    """A layer in one step of gradient descent, all arrays float64.

    The weights are those of the network on raw `X`, and J is the objective in units of raw `y`.
    Without intercepts, what is of the intercepts is None.

    Attributes
    ----------
    number : int
        1 for the first layer after the input.
    activation : str
        Name of the function f of the layer.
    inputs : ndarray of shape (n_rows, fan_in)
        Activations of the layer before; of layer 1, `X`.
    z, a : ndarray of shape (n_rows, fan_out)
        Weighted sums, and activations a = f(z); of the last layer the predictions, several
        quantiles as they are before `predict` sorts them.
    derivative : ndarray of shape (n_rows, fan_out)
        f'(z); NaN in the last layer where the loss has ∂J/∂z as a whole.
    delta : ndarray of shape (n_rows, fan_out)
        δ = ∂J/∂z, each row's.
    coef, coef_gradient, coef_penalty, coef_change, new_coef : ndarray of shape (fan_in, fan_out)
        Weights, ∂J/∂w, the penalty's part of that, what the step adds, and weights after it.
    intercept, intercept_gradient, intercept_change, new_intercept : ndarray of shape (fan_out,)
        The same of the intercepts, which have no penalty.
    """

    number: int
    activation: str
    inputs: np.ndarray
    z: np.ndarray
    a: np.ndarray
    derivative: np.ndarray
    delta: np.ndarray
    coef: np.ndarray
    coef_gradient: np.ndarray
    coef_penalty: np.ndarray
    coef_change: np.ndarray
    intercept: np.ndarray | None
    intercept_gradient: np.ndarray | None
    intercept_change: np.ndarray | None

    @property
    def new_coef(self) -> np.ndarray:
        return self.coef + self.coef_change

    @property
    def new_intercept(self) -> np.ndarray | None:
        if self.intercept is None or self.intercept_change is None:
            return None
        return self.intercept + self.intercept_change


@dataclass(frozen=True)
class Step:
    """One step of gradient descent.

    Attributes
    ----------
    layers : list of LayerStep
        First to last.
    value : float
        J, the objective before the step, in units of raw `y`.
    learning_rate : float
        The step size.
    target : ndarray of shape (n_rows, n_outputs)
        y; of class codes, 1 for the class of the row and 0 for the others; for several quantiles
        the same in each column.
    output_gradient : ndarray of shape (n_rows, n_outputs) or None
        ∂J/∂ŷ; None where the loss has ∂J/∂z as a whole.
    row_weight : ndarray of shape (n_rows,) or None
        Weights of the rows in J, under the mean with mean 1.
    target_weight : ndarray of shape (n_outputs,) or None
        Weights of the outputs in J, where several targets are conditioned.
    bends : ndarray of shape (n_outputs,) or None
        Of the loss of each output, the residual from which "huber" is linear, in units of y, or the
        quantile; None of other losses.
    loss, loss_reduction : str
        Those of the estimator.
    alpha : float
        Strength of the penalty.
    conditions : bool
        Whether the descent is in other coordinates than those of the weights.
    """

    layers: list[LayerStep]
    value: float
    learning_rate: float
    loss: str
    loss_reduction: str
    alpha: float
    conditions: bool
    target: np.ndarray
    output_gradient: np.ndarray | None
    row_weight: np.ndarray | None
    target_weight: np.ndarray | None
    bends: np.ndarray | None

    @property
    def several_quantiles(self) -> bool:
        """Whether the outputs are quantiles of one target."""
        return self.loss == "quantile" and len(set(np.asarray(self.bends).tolist())) > 1


def take_step(subject: Subject, learning_rate: float) -> Step:
    """Go forward and backward on raw inputs, and take the step where the estimator takes it."""
    X = subject.X if isinstance(subject.X, np.ndarray) else subject.X.toarray()
    names = subject.model._form["activations"]
    network = Network(
        [X.shape[1], *(layer.coef.shape[1] for layer in subject.raw)],
        [ACTIVATIONS[name] for name in names],
        fit_intercept=subject.network.fit_intercept,
    )
    buffers = network.buffers(len(X), X.dtype)
    network.forward(subject.raw, X, buffers)
    outputs = [output.copy() for output in buffers.outputs]
    target_weight = _target_weight(subject)
    output_activation = subject.target.loss.output_activation
    output_gradient = _output_gradient(subject, outputs[-1], target_weight)
    _fill_with_loss_gradient(
        subject,
        _raw_loss(subject, output_activation),
        outputs[-1].copy(),
        buffers.deltas[-1],
        target_weight,
    )
    gradients = network.layers(np.empty(network.n_params))
    network.backward(subject.raw, X, buffers, gradients)

    changes = _changes(subject, learning_rate)
    layers = []
    for depth, (raw, gradient, change, a) in enumerate(
        zip(subject.raw, gradients, changes, outputs, strict=True)
    ):
        is_last = depth == len(outputs) - 1
        name = output_activation if is_last else names[depth]
        inputs = outputs[depth - 1] if depth else X
        if is_last:
            _predict(subject, a)
        has_derivative = not is_last or output_gradient is not None
        penalty = _penalty_gradient(subject, depth)
        layers.append(
            LayerStep(
                number=depth + 1,
                activation=name,
                inputs=inputs,
                z=_weighted_sums(raw, inputs),
                a=a,
                derivative=_derivative(name, a) if has_derivative else np.full_like(a, np.nan),
                delta=buffers.deltas[depth],
                coef=raw.coef,
                coef_gradient=gradient.coef + penalty,
                coef_penalty=penalty,
                coef_change=change.coef,
                intercept=raw.intercept,
                intercept_gradient=gradient.intercept,
                intercept_change=None if raw.intercept is None else change.intercept,
            )
        )
    return Step(
        layers,
        subject.conditioning.loss_unit * subject.objective.value(subject.params),
        learning_rate,
        subject.model.loss,
        subject.objective.reduction,
        subject.objective.alpha,
        subject.conditions,
        _as_matrix(subject),
        output_gradient,
        subject.objective.sample_weight,
        target_weight,
        _bends(subject),
    )


def _weighted_sums(layer: Layer, inputs: np.ndarray) -> np.ndarray:
    """What the layer by itself, as a network without hidden ones, predicts."""
    alone = Network(layer.coef.shape, [], fit_intercept=layer.intercept is not None)
    return alone.forward([layer], inputs, alone.buffers(len(inputs), inputs.dtype))


def _derivative(activation: str, a: np.ndarray) -> np.ndarray:
    derivative = np.ones_like(a)
    ACTIVATIONS[activation].multiply_derivative(a.copy(), derivative)
    return derivative


def _fill_with_loss_gradient(
    subject: Subject,
    loss: Loss,
    raw_prediction: np.ndarray,
    out: np.ndarray,
    target_weight: np.ndarray | None,
) -> None:
    """Fill `out` with the derivative of the reduced loss by the raw prediction, in units of y."""
    scale = 1.0 / subject.n_rows if subject.objective.reduction == "mean" else 1.0
    loss.value_and_gradient(
        subject.target.values, raw_prediction, subject.objective.sample_weight, out, scale
    )
    if target_weight is not None:
        out *= target_weight


def _output_gradient(
    subject: Subject, raw_prediction: np.ndarray, target_weight: np.ndarray | None
) -> np.ndarray | None:
    """∂J/∂ŷ: the derivative of the same loss on the identity, at ŷ, if it takes the identity."""
    try:
        on_prediction = _raw_loss(subject, "identity")
    except ValueError:
        return None
    if on_prediction.output_activation != "identity":
        return None
    y_pred, gradient = raw_prediction.copy(), np.empty_like(raw_prediction)
    _predict(subject, y_pred)
    _fill_with_loss_gradient(subject, on_prediction, y_pred, gradient, target_weight)
    return gradient


def _raw_loss(subject: Subject, output_activation: str) -> Loss:
    """The loss of raw targets that that of conditioned targets is, but for its unit."""
    name, options = _fitted_loss(subject)
    if name == "huber":
        options = {"delta": _bends(subject)}
    return LOSSES[name](subject.target.loss.target, output_activation, **options)


def _fitted_loss(subject: Subject) -> tuple[str, dict[str, Any]]:
    """Name and options of the loss."""
    return subject.target.form.loss


def _bends(subject: Subject) -> np.ndarray | None:
    name, options = _fitted_loss(subject)
    if name == "huber":
        bends: np.ndarray = options["delta"] * np.abs(subject.conditioning.target_scale)
        return bends
    if name == "quantile":
        return np.broadcast_to(options["quantile"], subject.target.form.n_outputs)
    return None


def _predict(subject: Subject, raw_prediction: np.ndarray) -> None:
    """Replace the raw predictions by predictions, which of several quantiles are not sorted."""
    loss, scratch = subject.target.loss, np.empty_like(raw_prediction)
    if loss.output_activation in ACTIVATIONS:
        ACTIVATIONS[loss.output_activation].apply(raw_prediction, scratch)
    else:
        loss.inverse_link(raw_prediction, scratch)


def _target_weight(subject: Subject) -> np.ndarray | None:
    """What conditioning weights several targets by: 1 over their units, in units of the mean."""
    conditioning = subject.conditioning
    units = np.array(
        [
            conditioning._replace(target_shift=shift, target_scale=scale).loss_unit
            for shift, scale in zip(
                conditioning.target_shift, conditioning.target_scale, strict=True
            )
        ]
    )
    weight = conditioning.loss_unit / units
    return None if (weight == 1.0).all() else weight


def _penalty_gradient(subject: Subject, depth: int) -> np.ndarray:
    """The derivative of ½ α Σ V² by W, in units of raw y: V = s W / σ are what is penalised."""
    conditioning, layer = subject.conditioning, subject.raw[depth]
    factor = np.full(layer.coef.shape[1], conditioning.loss_unit * subject.objective.alpha)
    scale = conditioning.hidden_scale[depth - 1] if depth else conditioning.input_scale[:, None]
    if depth == len(subject.raw) - 1:
        factor = factor / np.square(conditioning.target_scale)
    return np.square(scale) * layer.coef * factor


def _changes(subject: Subject, learning_rate: float) -> list[Layer]:
    """What the step of the descent adds to the weights of the network on raw X."""
    update = np.empty_like(subject.params)
    subject.objective.value_and_gradient(subject.params, subject.rows, update, scale=-learning_rate)
    # The map to raw weights is affine; without the shift of the target it is the linear part.
    linear = subject.conditioning._replace(
        target_shift=np.zeros_like(subject.conditioning.target_shift)
    )
    return linear.to_raw(subject.network.layers(update), update.dtype)


def _as_matrix(subject: Subject) -> np.ndarray:
    values = subject.target.values
    if subject.target.loss.target == "codes":
        return np.eye(subject.target.form.n_outputs)[values]
    return np.broadcast_to(values, (len(values), subject.target.form.n_outputs))
