"""The parameters a descent starts from: new ones, fitted ones, or given ones."""

from collections.abc import Sequence

import numpy as np

from skbackprop._core import auto
from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.conditioning import Conditioning
from skbackprop._core.losses import Loss
from skbackprop._core.network import Layer, Network
from skbackprop._core.problem import Problem
from skbackprop._core.statistics import Spread


def initial_prediction(
    loss: Loss, conditioning: Conditioning, targets: Spread | None
) -> np.ndarray | float:
    """Initial output intercepts: the prediction of a network whose coefficients are all zero.

    They are in conditioned units. The prediction is the mean of y, which is 0 where targets are
    shifted by it. A loss that grows linearly keeps it between the quartiles, which outliers hardly
    move. It also keeps a distance from the bounds of the output activation, where that is flat.
    """
    output = ACTIVATIONS.get(loss.output_activation)
    if output is None or output.inverse is None or targets is None:
        return 0.0
    mean = targets.every.mean
    if targets.quartiles is not None:
        mean = np.clip(mean, targets.quartiles[0], targets.quartiles[2])
    distance = auto.distance_from_bounds(output.high - output.low, targets.deviation())
    y_pred = np.clip(mean, output.low + distance, output.high - distance)
    return output.inverse(y_pred) / conditioning.target_scale


def sparsen(network: Network, params: np.ndarray, rng: np.random.Generator) -> None:
    """Connect each unit of the first layer to some columns only, and spread the intercepts.

    Permutations of the columns, one after the other, are dealt out to the units, so that all
    columns have their turn (Martens, 2010). A unit's bound is by its fan-in of m columns and the
    h · m / d units that a column feeds; its other coefficients are smaller than usual. With few
    columns all are longer, so that units bend within a part of a column's range. Activations such
    as relu, which bend in a point, are left out. Intercepts are normal, in proportion to the length
    of the unit's coefficients: units then bend at different places, where those of few columns
    would all bend at one.
    """
    first = network.layers(params)[0]
    n_features, n_units = first.coef.shape
    n_columns = auto.columns_a_unit(n_features)
    shares = np.asarray(auto.SHARE_OF_BOUND)
    if n_columns < n_features:
        n_permutations = -(-n_columns * n_units // n_features)
        dealt = np.concatenate([rng.permutation(n_features) for _ in range(n_permutations)])
        connected = np.zeros(first.coef.shape, dtype=bool)
        columns = dealt[: n_columns * n_units].reshape(n_units, n_columns)
        connected[columns.T, np.arange(n_units)] = True
        ratio = np.sqrt((n_features + n_units) / (n_columns + n_units * n_columns / n_features))
        shares = np.where(connected, ratio * auto.SHARE_OF_BOUND, auto.SHARE_OF_OTHERS)
    activation = network.activations[0]
    if not activation.homogeneous:
        shares = shares * auto.length_of_few_columns(n_features)
    first.coef[...] *= shares
    if first.intercept is not None:
        lengths = np.linalg.norm(first.coef.astype(np.float64), axis=0)
        first.intercept[...] = activation.spread * lengths * rng.standard_normal(n_units)


def draw_columns(
    network: Network,
    params: np.ndarray,
    columns: np.ndarray,
    position: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Draw new first-layer coefficients of columns that begin to vary.

    From zeros, units whose inputs are all zero would not learn. `position` is where the columns
    were before they varied, in conditioned coordinates: there the function stays as it was.
    """
    first = network.layers(params)[0]
    bound = network.initial_bounds()[0]
    first.coef[columns] = rng.uniform(-bound, bound, size=(len(columns), first.coef.shape[1]))
    if first.intercept is not None:
        first.intercept[...] -= position @ first.coef[columns]


def zero_unvaried(
    layers: Sequence[Layer], inputs: np.ndarray | None, targets: np.ndarray | None
) -> None:
    """Set the initial coefficients of constant inputs and of constant targets to zero.

    What did not vary in training has no say: a constant input would keep the random coefficient
    that nothing teaches. The prediction of a constant target is its output intercept.
    """
    if inputs is not None:
        layers[0].coef[inputs] = 0.0
    if targets is not None:
        layers[-1].coef[:, targets] = 0.0


def zero_params(problem: Problem, targets: Spread | None) -> np.ndarray:
    """Parameters at which all units are zero, and predictions typical but not flat."""
    params = np.zeros(problem.network.n_params)
    intercept = problem.network.layers(params)[-1].intercept
    output = ACTIVATIONS.get(problem.loss.output_activation)
    if intercept is not None and output is not None and output.one_sided:
        prediction = initial_prediction(problem.loss, problem.conditioning, targets)
        intercept[...] = np.maximum(prediction, 0.0)
    return params


def fitted_params(
    network: Network,
    conditioning: Conditioning,
    fitted: Sequence[Layer],
    dtype: np.dtype,
) -> np.ndarray:
    """Fitted layers on raw X as a flat vector in conditioned coordinates."""
    params = np.empty(network.n_params, dtype=dtype)
    conditioning.from_raw(fitted, network.layers(params))
    return params


def overwrite(
    network: Network,
    conditioning: Conditioning,
    params: np.ndarray,
    coefs: Sequence[np.ndarray] | None,
    intercepts: Sequence[np.ndarray] | None,
) -> None:
    """Overwrite parameters by given weights of the network on raw X.

    If only the coefficients are given, the intercepts stay what they are in conditioned
    coordinates.
    """
    if coefs is None and intercepts is None:
        return
    layers = network.layers(params)
    raw = conditioning.to_raw(layers, np.dtype(np.float64))
    for number, layer in enumerate(raw):
        if coefs is not None:
            layer.coef[...] = coefs[number]
        if intercepts is not None and layer.intercept is not None:
            layer.intercept[...] = intercepts[number]
    unchanged = params[network.n_coefs :].copy() if intercepts is None else None
    conditioning.from_raw(raw, layers)
    if unchanged is not None:
        params[network.n_coefs :] = unchanged
