"""What is inspected: a network with its weights, and rows as its estimator descends on them."""

import copy
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.conditioning import Conditioning
from skbackprop._core.losses import Loss
from skbackprop._core.network import Layer, Network
from skbackprop._core.objective import ObjectiveOfRows
from skbackprop._core.problem import Data, Target
from skbackprop._core.start import fitted_params, zero_unvaried
from skbackprop._estimators.base import BaseBackprop
from skbackprop._estimators.check_data import GivenRows, check_sample_weight
from skbackprop._estimators.check_parameters import check_number, check_parameters, check_seed
from skbackprop._estimators.in_memory import InMemory
from skbackprop._estimators.past import spawn_streams
from skbackprop._estimators.pose import first_params, pose_in, set_initial

# A step size so small that the weights do not change.
_NO_STEP = 1e-300


class Subject(NamedTuple):
    """A network and rows.

    Attributes
    ----------
    model : BaseBackprop
        A fitted copy of the estimator.
    X : ndarray or scipy.sparse CSR, shape (n_rows, n_features)
        Inputs in float64.
    target : Target
        Encoded targets, and the loss.
    raw : list of Layer
        Weights of the network on raw `X`, float64.
    conditioning : Conditioning
        The coordinates of the descent.
    network : Network
        The network in these coordinates.
    params : ndarray of shape (n_params,)
        Its weights, float64.
    objective : Objective
        What the estimator would minimise on these rows alone.
    """

    model: BaseBackprop
    X: Any
    target: Target
    raw: list[Layer]
    conditioning: Conditioning
    network: Network
    params: np.ndarray
    objective: ObjectiveOfRows

    @property
    def n_rows(self) -> int:
        return int(self.X.shape[0])

    @property
    def conditions(self) -> bool:
        """Whether the descent is in conditioned coordinates."""
        shifts_and_scales: Sequence[Any] = self.conditioning[:6]
        return any(
            np.not_equal(values, neutral).any()
            for values, neutral in zip(shifts_and_scales, (0.0, 1.0) * 3, strict=True)
        )

    @property
    def rows(self) -> slice:
        """All rows."""
        return slice(0, self.n_rows)


def check_estimator(estimator: Any) -> None:
    """Raise unless it is an estimator of this package."""
    if not isinstance(estimator, BaseBackprop):
        raise TypeError(
            "estimator must be a BackpropClassifier or a BackpropRegressor; got "
            f"{type(estimator).__name__}. Of a pipeline pass the last step, pipeline[-1], and the "
            "transformed inputs, pipeline[:-1].transform(X)."
        )


def check_fitted(estimator: Any) -> None:
    """Raise unless it is a fitted estimator of this package."""
    check_estimator(estimator)
    check_is_fitted(estimator)


def subject_of(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    coefs: Any = None,
    intercepts: Any = None,
    classes: Any = None,
) -> Subject:
    """Check and prepare what is inspected. `estimator` is not changed."""
    check_estimator(estimator)
    if classes is not None and not is_classifier(estimator):
        raise TypeError(f"classes must be None for a regressor; got {classes!r}.")
    settings = check_parameters(estimator)
    is_fitted = hasattr(estimator, "coefs_")
    if is_fitted:
        model = copy.copy(estimator)
    else:
        unmoved = clone(estimator).set_params(learning_rate=_NO_STEP)
        model = _fit_one_epoch(unmoved, X, y, sample_weight, classes)
        if classes is None and len(getattr(model, "classes_", ())) == 1:
            raise ValueError(
                "classes must have all labels if y has one class only, whose network has nothing "
                f"to learn; got classes=None and a y of {model.classes_.tolist()[0]!r}."
            )
    model.coefs_ = [coef.astype(np.float64) for coef in model.coefs_]
    fitted = model._fitted()
    X, y = model._check_data(X, y, reset=False, dtype=np.dtype(np.float64))
    sample_weight = check_sample_weight(sample_weight, X.shape[0])
    target = model._encode_target(y, X.dtype, classes, partial=True, known=fitted.form)
    data = Data(X, y, target.values, sample_weight)

    conditioning = _conditioning_of(model, target.loss)
    # The rows are taken for those of the fit, by whose weight alpha="auto" goes.
    statistics, weight = fitted.past.statistics, fitted.past.weight
    posed = pose_in(conditioning, settings, data, target, statistics, weight, InMemory())
    network = posed.problem.network
    params = fitted_params(network, conditioning, fitted.layers, X.dtype)
    raw = list(fitted.layers)
    if not is_fitted:
        # Cloned, as drawing would change a random_state that is a generator.
        streams = spawn_streams(check_seed(clone(estimator).random_state))
        params = first_params(settings, posed, target, None, streams)
        # What did not vary begins with zeros, as in the fit.
        zero_unvaried(network.layers(params), fitted.past.unvaried, posed.constant_targets)
    if coefs is not None or intercepts is not None or not is_fitted:
        try:
            set_initial(posed, params, coefs, intercepts)
        except (TypeError, ValueError) as error:
            # Here the parameters are called coefs and intercepts, without _init.
            raise type(error)(str(error).replace("_init", "")) from None
        raw = conditioning.to_raw(network.layers(params), X.dtype)
    if not network.fit_intercept:
        raw = [Layer(coef, None) for coef, _ in raw]
    objective = posed.problem.objective_of_network(X.shape[0])
    return Subject(model, X, target, raw, conditioning, network, params, objective)


def step_size_of(
    estimator: Any, subject: Subject, X: Any, y: Any, sample_weight: Any, learning_rate: Any
) -> float:
    """The given step size, or the fitted one, or the one that `fit` would begin with."""
    if learning_rate is not None:
        return float(check_number("learning_rate", learning_rate, positive=True))
    if hasattr(estimator, "coefs_"):
        return float(estimator.learning_rate_)
    if estimator.learning_rate != "auto":
        return float(estimator.learning_rate)
    coefs, intercepts = zip(*subject.raw, strict=True)
    fitted = _fit_one_epoch(
        estimator,
        X,
        y,
        sample_weight,
        getattr(subject.model, "classes_", None),
        coefs_init=coefs,
        intercepts_init=None if intercepts[0] is None else intercepts,
    )
    return float(fitted.learning_rate_)


def _fit_one_epoch(
    estimator: BaseBackprop, X: Any, y: Any, sample_weight: Any, classes: Any, **initial: Any
) -> BaseBackprop:
    """A clone of the estimator after one step on all rows."""
    model = clone(estimator).set_params(
        batch_size="full", max_iter=1, tol=None, warm_start=False, early_stopping=False, verbose=0
    )
    model.__dict__.pop("_skl_callbacks", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model._fit(GivenRows(X, y, sample_weight, classes=classes), **initial)


def _conditioning_of(model: BaseBackprop, loss: Loss) -> Conditioning:
    """The coordinates that the model was fitted in."""
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
        target_degree=loss.degree,
        log_target=loss.output_activation == "exp",
    )
