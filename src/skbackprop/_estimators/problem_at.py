"""The problem of an estimator on given rows, at its weights, at its start or at given weights."""

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

from skbackprop._core import auto
from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.conditioning import Conditioning
from skbackprop._core.network import Layer, Network
from skbackprop._core.objective import ObjectiveOfRows
from skbackprop._core.problem import Data, Problem, Target
from skbackprop._core.start import fitted_params, zero_unvaried
from skbackprop._estimators.base import BaseBackprop, Begun
from skbackprop._estimators.build_problem import (
    BuiltProblem,
    feature_penalty_of,
    first_params,
    problem_in,
    set_initial,
    with_scales,
)
from skbackprop._estimators.check_data import (
    GivenRows,
    check_sample_weight,
)
from skbackprop._estimators.check_parameters import Settings, check_parameters
from skbackprop._estimators.class_weight import weights_of_rows
from skbackprop._estimators.past import spawn_streams
from skbackprop._estimators.plan import search_step
from skbackprop._estimators.validation import ToValidate


class ProblemAt(NamedTuple):
    """A problem in float64, without scales of the inputs, and parameters of its network."""

    problem: Problem
    target: Target
    settings: Settings
    params: np.ndarray
    layers: list[Layer]
    """The network on raw X; without intercepts if the problem has none."""
    objective: ObjectiveOfRows
    """What the estimator would minimise on these rows alone."""
    begun: Begun | None
    """A fit to the rows before its first step; None if the estimator is fitted."""

    @property
    def X(self) -> Any:  # noqa: N802
        """Inputs, (n_rows, n_features): ndarray or scipy.sparse CSR."""
        return self.problem.data.X

    @property
    def network(self) -> Network:
        """The network in the coordinates of the descent."""
        return self.problem.network

    @property
    def conditioning(self) -> Conditioning:
        """The coordinates of the descent."""
        return self.problem.conditioning

    @property
    def conditions(self) -> bool:
        """Whether the descent is in conditioned coordinates."""
        shifts_and_scales: Sequence[Any] = self.conditioning[:6]
        return any(
            np.not_equal(values, neutral).any()
            for values, neutral in zip(shifts_and_scales, (0.0, 1.0) * 3, strict=True)
        )

    @property
    def fit_has_factors(self) -> bool:
        """Whether `fit` takes its steps on factors of the first coefficients."""
        loss, n_features = self.target.loss, self.X.shape[1]
        return feature_penalty_of(self.settings, loss, n_features) > 0.0

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    @property
    def rows(self) -> slice:
        """All rows."""
        return slice(0, self.n_rows)

    def step_size(self) -> float:
        """The given step size, or the one that a fit in full batch would begin with."""
        if self.begun is None or self.settings.learning_rate != "auto":
            return float(self.settings.learning_rate)
        built, target = self.begun.built, self.begun.target
        params = fitted_params(
            built.problem.network, built.problem.conditioning, self.layers, built.problem.precision
        )
        params = with_scales(built, params, goes_on=False)
        streams = copy.deepcopy(self.begun.streams)
        search = search_step(self.settings, built, params, target, None, streams)
        return auto.step_size(search.curvature or 0.0, in_stream=False)


def as_fitted(estimator: BaseBackprop) -> BaseBackprop:
    """A shallow copy, whose parameters of the network and of its loss are those of the fit.

    What was set after the fit is for the next one.
    """
    model = copy.copy(estimator)
    model.__dict__.update(estimator._form["parameters"])
    model.hidden_layer_sizes = tuple(coef.shape[1] for coef in estimator.coefs_[:-1])
    model.n_hidden_layers = None
    model.activation = list(estimator._form["activations"])
    return model


def problem_at(
    estimator: BaseBackprop,
    given: GivenRows,
    *,
    coefs: Any = None,
    intercepts: Any = None,
) -> ProblemAt:
    """The problem at the weights of a fitted estimator, at those of a new one, or at given ones.

    The rows are one full batch, and the estimator is not changed. What is fitted keeps its
    coordinates. What is not begins with those of a fit to the rows, which takes no step.
    """
    begun = None
    if hasattr(estimator, "coefs_"):
        model = as_fitted(estimator)
        settings = check_parameters(model)
        fitted = model._fitted()
        past, form = fitted.past, fitted.form
        layers = [Layer(coef.astype(np.float64), b) for coef, b in fitted.layers]
        conditioning = _conditioning_of(model)
    else:
        # Cloned, as this would change a random_state that is a generator.
        model = clone(estimator).set_params(batch_size="full", early_stopping=False)
        settings = check_parameters(model)
        begun = model._begin(settings, given, ToValidate(), None, (None, None), partial=False)
        past, form, layers = begun.built, begun.target.form, []
        conditioning = begun.built.problem.conditioning._replace(unvaried=None)
        if given.classes is None and form.classes is not None and len(form.classes) == 1:
            raise ValueError(
                "classes must have all labels if y has one class only, whose network has nothing "
                f"to learn; got classes=None and a y of {form.classes.tolist()[0]!r}."
            )
    X, y = model._check_data(given.X, given.y, reset=False, dtype=np.dtype(np.float64))
    sample_weight = check_sample_weight(given.sample_weight, X.shape[0])
    target = model._encode_target(y, X.dtype, given.classes, partial=True, known=form)
    class_weights = model._class_weights(target, sample_weight, partial=False)
    target = target._replace(class_weights=class_weights)
    sample_weight = weights_of_rows(target, sample_weight, X.dtype, settings.reduction)
    data = Data(X, y, target.values, sample_weight)
    conditioning = conditioning._replace(
        target_degree=target.loss.degree, log_target=target.loss.output_activation == "exp"
    )
    # The rows are taken for those of the fit, by whose weight alpha="auto" goes.
    problem = problem_in(conditioning, settings, data, target, past.statistics, past.weight)
    if begun is not None:
        problem = problem._replace(alpha=begun.built.problem.alpha)
    network, built = problem.network, BuiltProblem(problem, past.statistics, past.weight)
    if begun is None:
        params = fitted_params(network, conditioning, layers, X.dtype)
    else:
        streams = spawn_streams(check_parameters(clone(estimator)).random_state)
        params = first_params(settings, built, target, None, streams, given=coefs is not None)
        # What did not vary begins with zeros, as in the fit.
        zero_unvaried(network.layers(params), begun.built.unvaried_inputs, built.constant_targets)
    if begun is not None or coefs is not None or intercepts is not None:
        set_initial(built, params, coefs, intercepts, ("coefs", "intercepts"))
        layers = conditioning.to_raw(network.layers(params), X.dtype)
    if not network.fit_intercept:
        layers = [Layer(coef, None) for coef, _ in layers]
    objective = problem.objective_of_network(X.shape[0])
    return ProblemAt(problem, target, settings, params, layers, objective, begun)


def _conditioning_of(model: BaseBackprop) -> Conditioning:
    """The coordinates of inputs, hidden activations and targets that the model was fitted in."""
    activations = []
    for name, shift, scale in zip(
        model._form["activations"], model.hidden_shift_, model.hidden_scale_, strict=True
    ):
        activation = ACTIVATIONS[name]
        conditioned = (shift, scale) != (0.0, 1.0) and activation.conditioned
        activations.append(conditioned or activation)
    return Conditioning(
        model.input_shift_,
        model.input_scale_,
        model.target_shift_,
        model.target_scale_,
        model.hidden_shift_,
        model.hidden_scale_,
        activations,
        tails=model._tails,
    )
