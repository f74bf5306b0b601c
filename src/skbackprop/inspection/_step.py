"""One step of gradient descent. The core computes all its numbers but the weighted sums."""

import copy
from typing import Any, NamedTuple

import numpy as np

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.losses import LOSSES, Loss
from skbackprop._core.network import Layer, Network
from skbackprop._estimators.base import BaseBackprop
from skbackprop._estimators.problem_at import ProblemAt
from skbackprop.inspection._layers import LayerStep
from skbackprop.inspection._subject import step_size_of, subject_of
from skbackprop.inspection._trace import StepTrace


class FeatureScales(NamedTuple):
    """The scales t of the inputs, with which a fit has weights v = w / t in layer 1."""

    values: np.ndarray
    penalty: float
    """α' of the penalty ½ α' Σ t²."""


@np.errstate(over="ignore", under="ignore")
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
    """Trace one step of gradient descent on given rows, with all its numbers.

    The trace goes forward to the objective J, backward to its derivatives, and on to the new
    weights. It starts from the weights of a fitted estimator or from given weights. The numbers are
    those that the estimator computes, in float64. The estimator is not changed.

    Weights and derivatives are those of the network on raw `X` and raw `y`, as in a textbook. If
    the estimator descends in conditioned coordinates, the step is taken in these coordinates, too.
    The change of a weight is then not −learning_rate · ∂J/∂w. The trace has both and explains how
    one follows from the other.

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropRegressor
        The estimator. If it is not fitted, the trace starts from `coefs` or from its random initial
        weights, with the coordinates, the penalty and the step size that `fit` would begin with on
        these rows. The step is on the weights: a `fit` with `feature_penalty` takes it on their
        factors instead, so only with ``feature_penalty=0`` are both equal.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows of the step, taken as one full batch.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Their weights.
    coefs : sequence of array-like, default=None
        Weights to start from, with the shapes of `coefs_`.
    intercepts : sequence of array-like, default=None
        Intercepts to start from, with the shapes of `intercepts_`. If only `coefs` are given, the
        intercepts keep their values in conditioned coordinates, as in `fit`.
    learning_rate : float, default=None
        The step size; None for ``learning_rate_``, or the one that `fit` would begin with. The
        schedule does not apply.
    classes : array-like of shape (n_classes,), default=None
        All labels, for an unfitted classifier and rows that lack some of them.

    Returns
    -------
    trace : StepTrace
        Its `layers` have the arrays. Print it, or use `chain`, `to_frame` and `to_latex`.

    See Also
    --------
    check_gradient : Compare the derivatives with differences of the objective.
    NetworkDisplay.from_trace : Draw the network of a trace.

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by
       back-propagating errors", Nature 323, 1986.

    Examples
    --------
    A neuron with w = 1 and b = 0, whose input is 2 and whose target is 4:

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
        estimator, X, y, sample_weight, coefs=coefs, intercepts=intercepts, classes=classes
    )
    step_size = step_size_of(estimator, subject, learning_rate)
    return take_step(subject, step_size)


@np.errstate(over="ignore", under="ignore")
def passes(estimator: BaseBackprop, X: Any, y: Any = None) -> StepTrace:
    """The passes of rows through a fitted estimator under the loss without its penalty.

    The estimator is one of `fitted_in_memory`. Without a target the prediction is the target: the
    forward pass does not depend on it.
    """
    without_penalty = copy.copy(estimator)
    without_penalty.alpha = 0
    if y is None:
        y = estimator.predict(X)
        if estimator.loss == "quantile" and np.ndim(estimator.quantile):
            y = y[:, 0]
    return take_step(subject_of(without_penalty, X, y), estimator.learning_rate_)


@np.errstate(over="ignore", under="ignore")
def take_step(
    subject: ProblemAt, learning_rate: float, scales: FeatureScales | None = None
) -> StepTrace:
    """Go forward and backward on raw inputs, and take the step in the estimator's coordinates.

    Inputs with long tails are tamed before. With `scales` the inputs in these coordinates are
    already multiplied by them.
    """
    X = subject.X if isinstance(subject.X, np.ndarray) else subject.X.toarray()
    X = subject.conditioning.tails.tamed(X)
    names = subject.settings.activations
    network = Network(
        [X.shape[1], *(layer.coef.shape[1] for layer in subject.layers)],
        [ACTIVATIONS[name] for name in names],
        fit_intercept=subject.network.fit_intercept,
    )
    buffers = network.buffers(len(X), X.dtype)
    network.forward(subject.layers, X, buffers)
    outputs = [output.copy() for output in buffers.outputs]
    output_activation = subject.target.loss.output_activation
    output_gradient = _output_gradient(subject, outputs[-1])
    loss = _raw_loss(subject, output_activation)
    buffers.deltas[-1][...] = _loss_gradient(subject, loss, outputs[-1])
    gradients = network.layers(np.empty(network.n_params))
    network.backward(subject.layers, X, buffers, gradients)

    changes, new_scales = _changes(subject, learning_rate, scales)
    layers = []
    for depth, (raw, gradient, change, a) in enumerate(
        zip(subject.layers, gradients, changes, outputs, strict=True)
    ):
        is_last = depth == len(outputs) - 1
        name = output_activation if is_last else names[depth]
        inputs = outputs[depth - 1] if depth else X
        if is_last:
            _predict(subject, a)
        has_derivative = not is_last or output_gradient is not None
        derivative = np.full_like(a, 1.0 if has_derivative else np.nan)
        if has_derivative:
            ACTIVATIONS[name].multiply_derivative(a.copy(), derivative)
        penalty = _penalty_gradient(subject, depth)
        layers.append(
            LayerStep(
                number=depth + 1,
                activation=name,
                inputs=inputs,
                z=inputs @ raw.coef if raw.intercept is None else inputs @ raw.coef + raw.intercept,
                a=a,
                derivative=derivative,
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
    return StepTrace(
        layers=layers,
        value=subject.conditioning.loss_unit * subject.objective.value(subject.params),
        learning_rate=learning_rate,
        loss=subject.settings.loss,
        loss_reduction=subject.objective.reduction,
        alpha=subject.objective.alpha,
        conditions=subject.conditions or scales is not None,
        tamed=subject.conditioning.tails.columns,
        fit_has_factors=subject.fit_has_factors and scales is None,
        scales=None if scales is None else np.array([scales.values, new_scales]),
        rows=np.arange(subject.n_rows),
        target=_as_matrix(subject),
        target_unit=_target_unit(subject),
        output_gradient=output_gradient,
        row_weight=subject.objective.sample_weight,
        target_weight=_target_weight(subject),
        bends=_bends(subject),
    )


def _loss_gradient(subject: ProblemAt, loss: Loss, raw_prediction: np.ndarray) -> np.ndarray:
    """The derivative of the reduced loss by the raw prediction, in units of y."""
    gradient, sample_weight = np.empty_like(raw_prediction), subject.objective.sample_weight
    scale = 1.0 / subject.n_rows if subject.objective.reduction == "mean" else 1.0
    loss.value_and_gradient(
        subject.target.values, raw_prediction.copy(), sample_weight, gradient, scale
    )
    target_weight = _target_weight(subject)
    return gradient if target_weight is None else gradient * target_weight


def _output_gradient(subject: ProblemAt, raw_prediction: np.ndarray) -> np.ndarray | None:
    """∂J/∂ŷ: the derivative at ŷ of the loss with the identity as output, if it takes that."""
    try:
        on_prediction = _raw_loss(subject, "identity")
    except ValueError:
        return None
    if on_prediction.output_activation != "identity":
        return None
    y_pred = raw_prediction.copy()
    _predict(subject, y_pred)
    return _loss_gradient(subject, on_prediction, y_pred)


def _raw_loss(subject: ProblemAt, output_activation: str) -> Loss:
    """The loss of raw targets. It is that of conditioned targets in another unit."""
    name, options = subject.target.form.loss
    if name == "huber":
        options = {"delta": _bends(subject)}
    return LOSSES[name](subject.target.loss.target, output_activation, **options)


def _bends(subject: ProblemAt) -> np.ndarray | None:
    name, options = subject.target.form.loss
    if name == "huber":
        bends: np.ndarray = options["delta"] * np.abs(subject.conditioning.target_scale)
        return bends
    if name == "quantile":
        return np.broadcast_to(options["quantile"], subject.target.form.n_outputs)
    return None


def _predict(subject: ProblemAt, raw_prediction: np.ndarray) -> None:
    """Replace the raw predictions by predictions. Several quantiles are not sorted."""
    loss, scratch = subject.target.loss, np.empty_like(raw_prediction)
    if loss.output_activation in ACTIVATIONS:
        ACTIVATIONS[loss.output_activation].apply(raw_prediction, scratch)
    else:
        loss.inverse_link(raw_prediction, scratch)


def _target_unit(subject: ProblemAt) -> str:
    """The word for `Conditioning.loss_unit`."""
    conditioning = subject.conditioning
    if conditioning.log_target:
        return "size"
    return "deviation" if conditioning.target_degree == 1 else "variance"


def _target_weight(subject: ProblemAt) -> np.ndarray | None:
    """The weights of several conditioned targets: the mean of their units over their own."""
    conditioning = subject.conditioning
    targets = zip(conditioning.target_shift, conditioning.target_scale, strict=True)
    units = [conditioning._replace(target_shift=c, target_scale=s).loss_unit for c, s in targets]
    weight: np.ndarray = conditioning.loss_unit / np.array(units)
    return None if (weight == 1.0).all() else weight


def _penalty_gradient(subject: ProblemAt, depth: int) -> np.ndarray:
    """The derivative of ½ α Σ V² by W, in units of raw y. The penalty is on V = s W / σ."""
    conditioning, layer = subject.conditioning, subject.layers[depth]
    factor = np.full(layer.coef.shape[1], conditioning.loss_unit * subject.objective.alpha)
    scale = conditioning.hidden_scale[depth - 1] if depth else conditioning.input_scale[:, None]
    if depth == len(subject.layers) - 1:
        factor = factor / np.square(conditioning.target_scale)
    return np.square(scale) * layer.coef * factor


def _changes(
    subject: ProblemAt, learning_rate: float, scales: FeatureScales | None
) -> tuple[list[Layer], np.ndarray | None]:
    """The changes of the weights on raw X by the step, and the new scales."""
    update, new_scales = np.empty_like(subject.params), None
    subject.objective.value_and_gradient(subject.params, subject.rows, update, scale=-learning_rate)
    if scales is not None:
        v, change = (subject.network.layers(part)[0].coef for part in (subject.params, update))
        # t ∂J/∂t is the sum of v ∂J/∂v without the penalty of v, and the penalty's t².
        by_loss = (v * (change + learning_rate * subject.objective.alpha * v)).sum(axis=1)
        t = scales.values
        new_scales = t + by_loss / t - learning_rate * scales.penalty * t
        # What the change of v is if the scales stay, and the new weights are the same.
        change[...] = (v + change) * (new_scales / t)[:, np.newaxis] - v
    # The map to raw weights is affine. Without the shift of the target it is linear.
    linear = subject.conditioning._replace(
        target_shift=np.zeros_like(subject.conditioning.target_shift)
    )
    return linear.to_raw(subject.network.layers(update), update.dtype), new_scales


def _as_matrix(subject: ProblemAt) -> np.ndarray:
    values = subject.target.values
    if subject.target.loss.target == "codes":
        return np.eye(subject.target.form.n_outputs)[values]
    return np.broadcast_to(values, (len(values), subject.target.form.n_outputs))
