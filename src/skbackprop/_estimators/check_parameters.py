"""Checks of constructor parameters: errors name the parameter, the value and what is accepted."""

import copy
import math
import numbers
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils import check_random_state

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.rules import SCHEDULES


class Settings(NamedTuple):
    """Constructor parameters that were checked, in one form each."""

    hidden_layer_sizes: tuple[int, ...]
    activations: list[str]
    loss: str
    reduction: Literal["mean", "sum"]
    conditioning: str | None
    fit_intercept: bool
    alpha: float | str
    feature_penalty: float | str
    learning_rate: float | str
    schedule: str
    shuffle: bool
    batch_size: int | str
    max_iter: int | str
    tol: float | None
    n_iter_no_change: int
    early_stopping: bool
    validation_fraction: float
    scoring: Any
    scorer: Any
    """None where the loss is the score."""
    verbose: int
    random_state: np.random.RandomState
    of_network: dict[str, Any]
    """Copies of the parameters that, beside the layers, say what the network and its loss are."""


_OF_NETWORK = (
    "loss",
    "loss_reduction",
    "fit_intercept",
    "output_activation",
    "quantile",
    "huber_delta",
)


def check_parameters(estimator: Any) -> Settings:
    """Check the constructor parameters that both estimators share."""
    if estimator.conditioning is not None:
        check_choice("conditioning", estimator.conditioning, ("standardize",), or_none=True)
    check_choice("loss", estimator.loss, estimator._losses)
    check_choice("loss_reduction", estimator.loss_reduction, ("mean", "sum"))
    check_choice("learning_rate_schedule", estimator.learning_rate_schedule, SCHEDULES)
    for name in ("fit_intercept", "shuffle", "warm_start", "early_stopping"):
        check_flag(name, getattr(estimator, name))
    hidden_layer_sizes = check_hidden_layer_sizes(
        estimator.hidden_layer_sizes, estimator.n_hidden_layers
    )
    verbose = estimator.verbose
    feature_penalty = check_number("feature_penalty", estimator.feature_penalty, auto=True)
    if estimator.conditioning is None and feature_penalty not in ("auto", 0.0):
        accepted = "0 or 'auto' with conditioning=None, which has no scales of the features"
        raise ValueError(_message("feature_penalty", feature_penalty, accepted))
    return Settings(
        hidden_layer_sizes=hidden_layer_sizes,
        activations=check_activation(estimator.activation, ACTIVATIONS, hidden_layer_sizes),
        loss=estimator.loss,
        reduction=estimator.loss_reduction,
        conditioning=estimator.conditioning,
        fit_intercept=bool(estimator.fit_intercept),
        alpha=check_number("alpha", estimator.alpha, auto=True),
        feature_penalty=feature_penalty,
        learning_rate=check_learning_rate(estimator.learning_rate),
        schedule=estimator.learning_rate_schedule,
        shuffle=bool(estimator.shuffle),
        batch_size=check_batch_size(estimator.batch_size),
        max_iter=check_integer("max_iter", estimator.max_iter, minimum=1, auto=True),
        tol=check_number("tol", estimator.tol, or_none=True),
        n_iter_no_change=check_integer("n_iter_no_change", estimator.n_iter_no_change, minimum=1),
        early_stopping=bool(estimator.early_stopping),
        validation_fraction=check_fraction("validation_fraction", estimator.validation_fraction),
        scoring=estimator.scoring,
        scorer=check_scorer(estimator, estimator.scoring),
        verbose=int(verbose)
        if isinstance(verbose, bool | np.bool_)
        else check_integer("verbose", verbose, minimum=0),
        random_state=check_seed(estimator.random_state),
        of_network={
            name: copy.deepcopy(getattr(estimator, name))
            for name in _OF_NETWORK
            if hasattr(estimator, name)
        },
    )


def check_flag(name: str, value: Any) -> None:
    """A truth value."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(_message(name, value, "True or False"))


def check_integer(
    name: str, value: Any, *, minimum: int, auto: bool = False, or_none: bool = False
) -> int | Any:
    """An integer of at least `minimum`, or "auto" where that is accepted; a bool is refused."""
    accepted = f"an integer of at least {minimum}{' or None' if or_none else ''}"
    if auto:
        accepted += " or 'auto'"
        if isinstance(value, str):
            return _check_auto(name, value, accepted)
    if not isinstance(value, numbers.Integral) or isinstance(value, bool | np.bool_):
        raise TypeError(_message(name, value, accepted))
    if not minimum <= int(value) <= sys.maxsize:
        raise ValueError(_message(name, value, accepted if int(value) < minimum else "below 2**63"))
    return int(value)


def check_number(
    name: str, value: Any, *, positive: bool = False, auto: bool = False, or_none: bool = False
) -> float | Any:
    """A finite number, positive or at least not negative, or "auto" or None where accepted."""
    accepted = "a positive finite number" if positive else "a finite number of at least 0"
    if or_none:
        accepted += " or None"
        if value is None:
            return None
    if auto:
        accepted += " or 'auto'"
        if isinstance(value, str):
            return _check_auto(name, value, accepted)
    if not isinstance(value, numbers.Real) or isinstance(value, bool | np.bool_):
        raise TypeError(_message(name, value, accepted))
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or number < 0.0 or (positive and number == 0.0):
        raise ValueError(_message(name, value, accepted))
    return number


def _check_auto(name: str, value: str, accepted: str) -> str:
    if value != "auto":
        raise ValueError(_message(name, value, accepted))
    return value


def check_choice(name: str, value: Any, choices: Iterable[str], *, or_none: bool = False) -> str:
    """One of several names; `or_none` says that None is accepted, too."""
    names = [repr(choice) for choice in choices]
    accepted = ("one of " if len(names) > 1 else "") + ", ".join(names)
    if or_none:
        accepted += " or None"
    if not isinstance(value, str):
        raise TypeError(_message(name, value, accepted))
    if value not in choices:
        here = _NAMES_ELSEWHERE.get(value, "")
        hint = f" Here that is {here!r}." if here in choices else ""
        raise ValueError(_message(name, value, accepted) + hint)
    return str(value)


_NAMES_ELSEWHERE = {
    "logistic": "sigmoid",
    "mse": "squared_error",
    "l2": "squared_error",
    "mae": "absolute_error",
    "l1": "absolute_error",
    "pinball": "quantile",
    "cross_entropy": "log_loss",
    "deviance": "log_loss",
}


def check_layer(value: Any, n_layers: int) -> int:
    """The number of one of the hidden layers, counted from the first."""
    accepted = f"an integer from {-n_layers} to {n_layers - 1}, the hidden layers"
    if n_layers == 0:
        accepted = "of a network with hidden layers, and this has none"
    if not isinstance(value, numbers.Integral) or isinstance(value, bool | np.bool_):
        raise TypeError(_message("layer", value, accepted))
    if not -n_layers <= int(value) < n_layers:
        raise ValueError(_message("layer", value, accepted))
    return int(value) % n_layers


def check_learning_rate(value: Any) -> float | str:
    """A positive number or "auto"; scikit-learn's perceptrons have schedules by this name."""
    if isinstance(value, str) and value in SCHEDULES:
        message = _message("learning_rate", value, "a positive finite number or 'auto'")
        raise ValueError(f"{message} Schedules are for learning_rate_schedule={value!r}.")
    return check_number("learning_rate", value, positive=True, auto=True)


def check_batch_size(value: Any) -> int | str:
    """A number of rows, "auto" or "full"."""
    if isinstance(value, str):
        if value not in ("auto", "full"):
            raise ValueError(_message("batch_size", value, _BATCH_SIZES))
        return value
    try:
        return check_integer("batch_size", value, minimum=1)
    except (TypeError, ValueError) as error:
        raise type(error)(_message("batch_size", value, _BATCH_SIZES)) from None


_BATCH_SIZES = "an integer of at least 1, 'auto' or 'full'"


def check_hidden_layer_sizes(value: Any, n_layers: Any = None) -> tuple[int, ...]:
    """Numbers of units: one integer, or a sequence of them, which may be empty.

    With `n_layers` there is one, which is that of as many layers.
    """
    if n_layers is not None:
        depth = check_integer("n_hidden_layers", n_layers, minimum=0, or_none=True)
        sizes = check_hidden_layer_sizes(value)
        if len(sizes) != 1:
            raise ValueError(
                f"n_hidden_layers={depth} needs hidden_layer_sizes to be one integer, alone or in "
                f"a sequence, the units of each layer; got {value!r}."
            )
        return sizes * depth
    accepted = "an integer of at least 1 or a sequence of such integers, one a hidden layer"
    units: Sequence[Any]
    if isinstance(value, numbers.Integral):
        units = (value,)
    elif isinstance(value, tuple | list | range) or (
        isinstance(value, np.ndarray) and value.ndim == 1
    ):
        units = tuple(value)
    else:
        raise TypeError(_message("hidden_layer_sizes", value, accepted))
    try:
        return tuple(check_integer("hidden_layer_sizes", n, minimum=1) for n in units)
    except (TypeError, ValueError) as error:
        raise type(error)(_message("hidden_layer_sizes", value, accepted)) from None


def check_activation(
    value: Any, choices: Iterable[str], hidden_layer_sizes: tuple[int, ...]
) -> list[str]:
    """Names of activation functions, one a hidden layer; a single name stands for all."""
    if isinstance(value, str):
        return [check_choice("activation", value, choices)] * len(hidden_layer_sizes)
    if not isinstance(value, tuple | list) and np.ndim(value) != 1:
        accepted = "a name or a sequence of names out of " + ", ".join(map(repr, choices))
        raise TypeError(_message("activation", value, accepted))
    names = [check_choice(f"activation[{i}]", name, choices) for i, name in enumerate(value)]
    if len(names) != len(hidden_layer_sizes):
        accepted = (
            "one name, or one a hidden layer, of which "
            f"hidden_layer_sizes={hidden_layer_sizes} has {len(hidden_layer_sizes)}"
        )
        raise ValueError(_message("activation", value, accepted))
    return names


def check_fraction(name: str, value: Any) -> float:
    """A number between 0 and 1."""
    accepted = "a number above 0 and below 1"
    try:
        fraction = float(check_number(name, value, positive=True))
    except (TypeError, ValueError) as error:
        raise type(error)(_message(name, value, accepted)) from None
    if fraction >= 1.0:
        raise ValueError(_message(name, value, accepted))
    return fraction


def check_quantile(value: Any) -> float | tuple[float, ...]:
    """A number between 0 and 1, or a sequence of such numbers that increase."""
    accepted = "a number above 0 and below 1, or a sequence of such numbers that increase"
    if isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_):
        quantiles: tuple[Any, ...] = (value,)
    elif isinstance(value, tuple | list) or (isinstance(value, np.ndarray) and value.ndim == 1):
        quantiles = tuple(value)
    else:
        raise TypeError(_message("quantile", value, accepted))
    try:
        checked = [check_number("quantile", q, positive=True) for q in quantiles]
    except (TypeError, ValueError) as error:
        raise type(error)(_message("quantile", value, accepted)) from None
    if not checked or not all(a < b for a, b in pairwise([*checked, 1.0])):
        raise ValueError(_message("quantile", value, accepted))
    return checked[0] if isinstance(value, numbers.Real) else tuple(checked)


def check_scorer(estimator: Any, scoring: Any) -> Any:
    """The scorer, or None where the loss is the score."""
    if isinstance(scoring, str) and scoring == "loss":
        return None
    if not (isinstance(scoring, str) or callable(scoring)):
        raise TypeError(
            "scoring must be 'loss', a name of scikit-learn's scorers, or a callable "
            "(estimator, X, y), and one alone, as it picks the weights to keep; "
            f"got {scoring!r}."
        )
    try:
        return check_scoring(estimator, scoring)
    except ValueError as error:
        if isinstance(scoring, str) and scoring not in get_scorer_names():
            alike = get_close_matches(scoring, get_scorer_names(), n=3)
            raise ValueError(
                "scoring must be 'loss', a name out of sklearn.metrics.get_scorer_names(), or a "
                f"callable; got {scoring!r}."
                + (f" Names like it: {', '.join(map(repr, alike))}." if alike else "")
            ) from error
        raise ValueError(f"scoring must be 'loss' or a scorer; got {scoring!r}. {error}") from error


def check_seed(value: Any) -> np.random.RandomState:
    """What scikit-learn's `check_random_state` accepts; None is numpy's global state."""
    try:
        if isinstance(value, bool | np.bool_):
            raise ValueError
        return check_random_state(value)
    except ValueError:
        accepted = "None, an integer from 0 to 2**32 - 1 or a numpy.random.RandomState"
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
        kind = ValueError if is_number else TypeError
        raise kind(_message("random_state", value, accepted)) from None


def _message(name: str, value: Any, accepted: str) -> str:
    return f"{name} must be {accepted}; got {value!r}."
