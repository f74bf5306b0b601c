"""The five texts the package grew out of, each by its own scalar formulas against the estimators.

One section a text. Its formulas are written out by hand, weight by weight and in its names, as

    formulas(weights, X, y) -> cost, gradients

and `check_first_steps` holds the estimators against them. `weights` and `gradients` are lists of
layers; ``layer[i][j]`` leads from unit i to unit j, and in a network with biases unit 0 is the
bias node, whose value is 1.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import clone

from skbackprop import BackpropClassifier, BackpropRegressor, DivergenceWarning

TEXTBOOK = {
    "conditioning": None,
    "alpha": 0,
    "learning_rate_schedule": "constant",
    "batch_size": "full",
    "shuffle": False,
    "tol": None,
}


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def sum_over_rows(formulas):
    """Turn the formulas of one row into those of many: costs and gradients add up."""

    def of_rows(weights, X, y):
        costs, gradients = zip(*map(formulas, [weights] * len(X), X, y), strict=True)
        return sum(costs), [sum(map(np.array, layer)) for layer in zip(*gradients, strict=True)]

    return of_rows


def draw_weights(*layer_sizes, low=-1.0, high=1.0, bias=True):
    rng = np.random.default_rng(0)
    return [
        rng.uniform(low, high, (fan_in + bias, fan_out))
        for fan_in, fan_out in pairwise(layer_sizes)
    ]


def fit_from(estimator, weights, X, y, **params):
    """Fit a clone of the estimator from given weights."""
    model = clone(estimator).set_params(**params)
    layers = [np.array(layer) for layer in weights]
    if not model.fit_intercept:
        return model.fit(X, y, coefs_init=layers)
    return model.fit(
        X,
        y,
        coefs_init=[layer[1:] for layer in layers],
        intercepts_init=[layer[0] for layer in layers],
    )


def weights_of(model):
    if not model.fit_intercept:
        return model.coefs_
    return list(map(np.vstack, zip(model.intercepts_, model.coefs_, strict=True)))


def gradients_of(estimator, weights, X, y, rate):
    """The gradients that one step took: (old − new) / rate."""
    model = fit_from(estimator, weights, X, y, max_iter=1, learning_rate=rate, batch_size="full")
    return [(old - new) / rate for old, new in zip(weights, weights_of(model), strict=True)]


def step(weights, gradients, rate):
    """Return the updated weights: new = old − rate · gradient."""
    return [w - rate * np.array(g) for w, g in zip(weights, gradients, strict=True)]


def assert_layers_equal(actual, expected):
    for layer, (a, b) in enumerate(zip(actual, expected, strict=True)):
        # 1e-15: a gradient read off old − new has the rounding errors of its weight.
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15, err_msg=f"layer {layer}")


def check_first_steps(
    estimator, formulas, weights, X, targets, y=None, *, n_epochs=4, gradient_rate=1.0
):
    """Hold every gradient, every updated weight and the cost against the formulas.

    The formulas see `targets`; the estimator sees `y`, the same as labels, where it is given.
    """
    y = targets if y is None else y
    start = weights = [np.array(layer, dtype=float) for layer in weights]
    batch_size = len(X) if estimator.batch_size == "full" else estimator.batch_size
    for epoch in range(1, n_epochs + 1):
        epoch_cost = 0.0
        for first in range(0, len(X), batch_size):
            batch = slice(first, first + batch_size)
            seen = gradients_of(estimator, weights, X[batch], y[batch], gradient_rate)
            cost, gradients = formulas(weights, X[batch], targets[batch])
            assert_layers_equal(seen, gradients)
            weights = step(weights, gradients, estimator.learning_rate)
            epoch_cost += cost

        model = fit_from(estimator, start, X, y, max_iter=epoch)
        assert_layers_equal(weights_of(model), weights)
        assert model.loss_curve_[-1] == pytest.approx(epoch_cost, rel=1e-12)


# --- Adding a hidden layer (part 2): 1-1-1, a bias in each layer, J = 1/m Σ (a2 − y)² -------------


def one_one_one(weights, X, y):
    [[b0], [w0]], [[b1], [w1]] = weights
    m = len(X)
    J = dJ_dw1 = dJ_db1 = dJ_dw0 = dJ_db0 = 0.0
    for [a0], [y_i] in zip(X, y, strict=True):
        a1 = sigmoid(a0 * w0 + b0)
        a2 = sigmoid(a1 * w1 + b1)
        J += 1 / m * (a2 - y_i) ** 2

        dJ_da2 = 2 / m * (a2 - y_i)
        da2_dz2 = a2 * (1 - a2)
        dJ_dw1 += dJ_da2 * da2_dz2 * a1
        dJ_db1 += dJ_da2 * da2_dz2 * 1

        dJ_da1 = dJ_da2 * da2_dz2 * w1
        da1_dz1 = a1 * (1 - a1)
        dJ_dw0 += dJ_da1 * da1_dz1 * a0
        dJ_db0 += dJ_da1 * da1_dz1 * 1
    return J, [[[dJ_db0], [dJ_dw0]], [[dJ_db1], [dJ_dw1]]]


def test_one_one_one():
    network = BackpropRegressor(
        hidden_layer_sizes=1,
        output_activation="sigmoid",
        loss="squared_error",
        loss_reduction="mean",
        learning_rate=0.5,
        **TEXTBOOK,
    )
    weights = [[[0.1], [0.8]], [[-0.3], [1.2]]]
    X, y = [[-1.0], [0.0], [0.5], [2.0]], [[0.0], [1.0], [0.3], [1.0]]
    check_first_steps(network, one_one_one, weights, X, y)


# --- Hidden layers (computational astrophysics): A and B, no bias, f = Σ_l (z_l − y_l)² a row -----


@sum_over_rows
def matrices_a_and_b(weights, x, y):
    # The text's matrices have a row a unit they lead to: B is hidden × in, A is out × hidden.
    B, A = weights[0].T, weights[1].T
    n_out, n_hidden, n_in = len(A), len(B), len(x)

    beta = [sum(B[i][j] * x[j] for j in range(n_in)) for i in range(n_hidden)]
    z_hidden = [sigmoid(b) for b in beta]
    alpha = [sum(A[k][m] * z_hidden[m] for m in range(n_hidden)) for k in range(n_out)]
    z = [sigmoid(a) for a in alpha]
    e = [z[k] - y[k] for k in range(n_out)]
    f = sum(e[k] ** 2 for k in range(n_out))

    e_hidden = [
        sum(e[k] * z[k] * (1 - z[k]) * A[k][p] for k in range(n_out)) for p in range(n_hidden)
    ]
    df_dA = [
        [2 * e[k] * z[k] * (1 - z[k]) * z_hidden[m] for k in range(n_out)] for m in range(n_hidden)
    ]
    df_dB = [
        [2 * e_hidden[p] * z_hidden[p] * (1 - z_hidden[p]) * x[q] for p in range(n_hidden)]
        for q in range(n_in)
    ]
    return f, [df_dB, df_dA]


ASTRO_X = [[0.5, -1.0, 2.0], [1.5, 0.3, -0.7], [-0.2, 0.9, 0.4]]
ASTRO_Y = [[1.0, 0.0], [0.2, 0.9], [0.6, 0.1]]


@pytest.fixture
def astro_network():
    return BackpropRegressor(
        hidden_layer_sizes=4,
        output_activation="sigmoid",
        loss="squared_error",
        loss_reduction="sum",
        fit_intercept=False,
        learning_rate=0.3,
        **TEXTBOOK | {"batch_size": 1},
    )


def test_matrices_a_and_b(astro_network):
    weights = draw_weights(3, 4, 2, bias=False)
    check_first_steps(astro_network, matrices_a_and_b, weights, ASTRO_X, ASTRO_Y)


def test_matrices_a_and_b_row_by_row_through_partial_fit(astro_network):
    weights = draw_weights(3, 4, 2, bias=False)
    model = None
    for k in (0, 1, 2, 0, 1, 2):
        x, y = [ASTRO_X[k]], [ASTRO_Y[k]]
        if model is None:
            model = fit_from(astro_network, weights, x, y, max_iter=1)
        else:
            model.partial_fit(x, y)
        _, gradients = matrices_a_and_b(weights, x, y)
        weights = step(weights, gradients, astro_network.learning_rate)
        assert_layers_equal(weights_of(model), weights)


# --- Hidden-layer gradients: softplus 1-2-1, SSR = Σ (observed − predicted)² ----------------------


@sum_over_rows
def softplus_one_two_one(weights, x, y):
    [[b1, b2], [w1, w2]], [[b3], [w3], [w4]] = weights
    [input_], [observed] = x, y
    x1 = input_ * w1 + b1
    x2 = input_ * w2 + b2
    y1 = math.log(1 + math.exp(x1))
    y2 = math.log(1 + math.exp(x2))
    predicted = y1 * w3 + y2 * w4 + b3
    ssr = (observed - predicted) ** 2

    d_w3 = -2 * (observed - predicted) * y1
    d_w4 = -2 * (observed - predicted) * y2
    d_b3 = -2 * (observed - predicted) * 1
    d_w1 = -2 * (observed - predicted) * w3 * math.exp(x1) / (1 + math.exp(x1)) * input_
    d_b1 = -2 * (observed - predicted) * w3 * math.exp(x1) / (1 + math.exp(x1)) * 1
    d_w2 = -2 * (observed - predicted) * w4 * math.exp(x2) / (1 + math.exp(x2)) * input_
    d_b2 = -2 * (observed - predicted) * w4 * math.exp(x2) / (1 + math.exp(x2)) * 1
    return ssr, [[[d_b1, d_b2], [d_w1, d_w2]], [[d_b3], [d_w3], [d_w4]]]


INPUTS, OBSERVED = [[0.0], [0.5], [1.0]], [[0.0], [1.0], [0.0]]
FIRST_WEIGHTS = [[[0.0, 0.0], [2.74, -1.13]], [[0.0], [0.36], [0.63]]]


@pytest.fixture
def softplus_network():
    return BackpropRegressor(
        hidden_layer_sizes=2,
        activation="softplus",
        loss="squared_error",
        loss_reduction="sum",
        learning_rate=0.1,
        **TEXTBOOK,
    )


def test_softplus_one_two_one(softplus_network):
    # At this rate SSR first climbs, from 1.9 to 7.4 in two steps; the fits that end there say so.
    with pytest.warns(DivergenceWarning, match="the loss is above the first"):
        check_first_steps(
            softplus_network,
            softplus_one_two_one,
            FIRST_WEIGHTS,
            INPUTS,
            OBSERVED,
            gradient_rate=0.1,
        )


def test_softplus_one_two_one_learns_its_three_points(softplus_network):
    model = fit_from(softplus_network, FIRST_WEIGHTS, INPUTS, OBSERVED, max_iter=500)
    # loss_curve_[k] is the SSR after k steps.
    steps = next(k for k, ssr in enumerate(model.loss_curve_) if ssr < 0.01)
    assert steps == 412

    weights = [np.array(layer) for layer in FIRST_WEIGHTS]
    for ssr_seen in model.loss_curve_[: steps + 1]:
        ssr, gradients = softplus_one_two_one(weights, INPUTS, OBSERVED)
        assert ssr_seen == pytest.approx(ssr, rel=1e-12)
        weights = step(weights, gradients, softplus_network.learning_rate)
    np.testing.assert_allclose(model.predict(INPUTS), OBSERVED, atol=0.1)


# --- Six cases: two inputs, hidden layers of two, J = ½ ‖o − t‖², bias nodes x0 = h0 = 1 ----------
# w, v and u are the weights w⁽¹⁾, w⁽²⁾ and w⁽³⁾; h and k are the hidden nodes h⁽¹⁾ and h⁽²⁾.


def case_1(weights, x, t):
    [[[w0], [w1], [w2]]] = weights
    x0, x1, x2, [t1] = 1, *x, t
    o1 = sigmoid(w0 * x0 + w1 * x1 + w2 * x2)
    J = 0.5 * (o1 - t1) ** 2
    dJ_dw = [[(o1 - t1) * o1 * (1 - o1) * x_i] for x_i in (x0, x1, x2)]
    return J, [dJ_dw]


def case_2(weights, x, t):
    [[[w01, w02], [w11, w12], [w21, w22]]] = weights
    x0, x1, x2, [t1, t2] = 1, *x, t
    o1 = sigmoid(w01 * x0 + w11 * x1 + w21 * x2)
    o2 = sigmoid(w02 * x0 + w12 * x1 + w22 * x2)
    J = 0.5 * (o1 - t1) ** 2 + 0.5 * (o2 - t2) ** 2
    dJ_dw = [
        [(o1 - t1) * o1 * (1 - o1) * x_i, (o2 - t2) * o2 * (1 - o2) * x_i] for x_i in (x0, x1, x2)
    ]
    return J, [dJ_dw]


def case_3(weights, x, t):
    [[w01, w02], [w11, w12], [w21, w22]], [[v01], [v11], [v21]] = weights
    x0, x1, x2, [t1] = 1, *x, t
    h0 = 1
    h1 = sigmoid(w01 * x0 + w11 * x1 + w21 * x2)
    h2 = sigmoid(w02 * x0 + w12 * x1 + w22 * x2)
    o1 = sigmoid(v01 * h0 + v11 * h1 + v21 * h2)
    J = 0.5 * (o1 - t1) ** 2

    dJ_do1 = o1 - t1
    dJ_dv = [[dJ_do1 * o1 * (1 - o1) * h_i] for h_i in (h0, h1, h2)]
    do1_dh1 = o1 * (1 - o1) * v11
    do1_dh2 = o1 * (1 - o1) * v21
    dJ_dw = [
        [dJ_do1 * do1_dh1 * h1 * (1 - h1) * x_i, dJ_do1 * do1_dh2 * h2 * (1 - h2) * x_i]
        for x_i in (x0, x1, x2)
    ]
    return J, [dJ_dw, dJ_dv]


def case_4(weights, x, t):
    [[w01, w02], [w11, w12], [w21, w22]], [[v01, v02], [v11, v12], [v21, v22]] = weights
    x0, x1, x2, [t1, t2] = 1, *x, t
    h0 = 1
    h1 = sigmoid(w01 * x0 + w11 * x1 + w21 * x2)
    h2 = sigmoid(w02 * x0 + w12 * x1 + w22 * x2)
    o1 = sigmoid(v01 * h0 + v11 * h1 + v21 * h2)
    o2 = sigmoid(v02 * h0 + v12 * h1 + v22 * h2)
    J = 0.5 * (o1 - t1) ** 2 + 0.5 * (o2 - t2) ** 2

    dJ_dv = [
        [(o1 - t1) * o1 * (1 - o1) * h_i, (o2 - t2) * o2 * (1 - o2) * h_i] for h_i in (h0, h1, h2)
    ]
    dJ_dw = [
        [
            (o1 - t1) * o1 * (1 - o1) * v11 * h1 * (1 - h1) * x_i
            + (o2 - t2) * o2 * (1 - o2) * v12 * h1 * (1 - h1) * x_i,
            (o1 - t1) * o1 * (1 - o1) * v21 * h2 * (1 - h2) * x_i
            + (o2 - t2) * o2 * (1 - o2) * v22 * h2 * (1 - h2) * x_i,
        ]
        for x_i in (x0, x1, x2)
    ]
    return J, [dJ_dw, dJ_dv]


def case_5(weights, x, t):
    (
        [[w01, w02], [w11, w12], [w21, w22]],
        [[v01, v02], [v11, v12], [v21, v22]],
        [[u01], [u11], [u21]],
    ) = weights
    x0, x1, x2, [t1] = 1, *x, t
    h0 = k0 = 1
    h1 = sigmoid(w01 * x0 + w11 * x1 + w21 * x2)
    h2 = sigmoid(w02 * x0 + w12 * x1 + w22 * x2)
    k1 = sigmoid(v01 * h0 + v11 * h1 + v21 * h2)
    k2 = sigmoid(v02 * h0 + v12 * h1 + v22 * h2)
    o1 = sigmoid(u01 * k0 + u11 * k1 + u21 * k2)
    J = 0.5 * (o1 - t1) ** 2

    dJ_du = [[(o1 - t1) * o1 * (1 - o1) * k_i] for k_i in (k0, k1, k2)]
    dJ_dv = [
        [
            (o1 - t1) * o1 * (1 - o1) * u11 * k1 * (1 - k1) * h_i,
            (o1 - t1) * o1 * (1 - o1) * u21 * k2 * (1 - k2) * h_i,
        ]
        for h_i in (h0, h1, h2)
    ]
    dJ_dw = [
        [
            (o1 - t1) * o1 * (1 - o1) * u11 * k1 * (1 - k1) * v11 * h1 * (1 - h1) * x_i
            + (o1 - t1) * o1 * (1 - o1) * u21 * k2 * (1 - k2) * v12 * h1 * (1 - h1) * x_i,
            (o1 - t1) * o1 * (1 - o1) * u11 * k1 * (1 - k1) * v21 * h2 * (1 - h2) * x_i
            + (o1 - t1) * o1 * (1 - o1) * u21 * k2 * (1 - k2) * v22 * h2 * (1 - h2) * x_i,
        ]
        for x_i in (x0, x1, x2)
    ]
    return J, [dJ_dw, dJ_dv, dJ_du]


def case_6(weights, x, t):
    """The case the text leaves to its reader: a sum over every path from a weight to J."""
    (
        [[w01, w02], [w11, w12], [w21, w22]],
        [[v01, v02], [v11, v12], [v21, v22]],
        [[u01, u02], [u11, u12], [u21, u22]],
    ) = weights
    x0, x1, x2, [t1, t2] = 1, *x, t
    h0 = k0 = 1
    h1 = sigmoid(w01 * x0 + w11 * x1 + w21 * x2)
    h2 = sigmoid(w02 * x0 + w12 * x1 + w22 * x2)
    k1 = sigmoid(v01 * h0 + v11 * h1 + v21 * h2)
    k2 = sigmoid(v02 * h0 + v12 * h1 + v22 * h2)
    o1 = sigmoid(u01 * k0 + u11 * k1 + u21 * k2)
    o2 = sigmoid(u02 * k0 + u12 * k1 + u22 * k2)
    J = 0.5 * (o1 - t1) ** 2 + 0.5 * (o2 - t2) ** 2

    # One path, o1 or o2 → u.
    dJ_du = [
        [(o1 - t1) * o1 * (1 - o1) * k_i, (o2 - t2) * o2 * (1 - o2) * k_i] for k_i in (k0, k1, k2)
    ]
    # Two paths, o1 and o2 → k1 or k2 → v.
    dJ_dv = [
        [
            (o1 - t1) * o1 * (1 - o1) * u11 * k1 * (1 - k1) * h_i
            + (o2 - t2) * o2 * (1 - o2) * u12 * k1 * (1 - k1) * h_i,
            (o1 - t1) * o1 * (1 - o1) * u21 * k2 * (1 - k2) * h_i
            + (o2 - t2) * o2 * (1 - o2) * u22 * k2 * (1 - k2) * h_i,
        ]
        for h_i in (h0, h1, h2)
    ]
    # Four paths, o1 and o2 → k1 and k2 → h1 or h2 → w.
    dJ_dw = [
        [
            (o1 - t1) * o1 * (1 - o1) * u11 * k1 * (1 - k1) * v11 * h1 * (1 - h1) * x_i
            + (o1 - t1) * o1 * (1 - o1) * u21 * k2 * (1 - k2) * v12 * h1 * (1 - h1) * x_i
            + (o2 - t2) * o2 * (1 - o2) * u12 * k1 * (1 - k1) * v11 * h1 * (1 - h1) * x_i
            + (o2 - t2) * o2 * (1 - o2) * u22 * k2 * (1 - k2) * v12 * h1 * (1 - h1) * x_i,
            (o1 - t1) * o1 * (1 - o1) * u11 * k1 * (1 - k1) * v21 * h2 * (1 - h2) * x_i
            + (o1 - t1) * o1 * (1 - o1) * u21 * k2 * (1 - k2) * v22 * h2 * (1 - h2) * x_i
            + (o2 - t2) * o2 * (1 - o2) * u12 * k1 * (1 - k1) * v21 * h2 * (1 - h2) * x_i
            + (o2 - t2) * o2 * (1 - o2) * u22 * k2 * (1 - k2) * v22 * h2 * (1 - h2) * x_i,
        ]
        for x_i in (x0, x1, x2)
    ]
    return J, [dJ_dw, dJ_dv, dJ_du]


HIDDEN_LAYERS = {case_1: (), case_2: (), case_3: (2,), case_4: (2,), case_5: (2, 2), case_6: (2, 2)}
TWO_OUTPUTS = [case_2, case_4, case_6]
CASES_X = [[0.35, 0.9], [-1.2, 0.4], [0.8, -0.5], [2.0, 1.0]]


@pytest.mark.parametrize("batch_size", [1, "full"])
@pytest.mark.parametrize("case", HIDDEN_LAYERS)
def test_six_cases(case, batch_size):
    network = BackpropRegressor(
        HIDDEN_LAYERS[case],
        output_activation="sigmoid",
        loss="half_squared_error",
        loss_reduction="sum",
        learning_rate=0.5,
        **TEXTBOOK | {"batch_size": batch_size},
    )
    targets = [[0.5], [0.0], [0.9], [1.0]]
    if case in TWO_OUTPUTS:
        targets = [[0.5, 0.1], [0.0, 1.0], [0.9, 0.4], [1.0, 0.0]]
    weights = draw_weights(2, *HIDDEN_LAYERS[case], len(targets[0]))
    check_first_steps(network, sum_over_rows(case), weights, CASES_X, targets)


@pytest.mark.parametrize(
    ("targets", "y"),
    [
        ([[1, 0], [0, 1], [0, 1], [1, 0]], ["left", "right", "right", "left"]),
        ([[1, 0], [0, 1], [1, 1], [0, 0]], None),
    ],
    ids=["two classes", "two labels"],
)
@pytest.mark.parametrize("case", TWO_OUTPUTS)
def test_six_cases_as_classifiers(case, targets, y):
    network = BackpropClassifier(
        HIDDEN_LAYERS[case],
        loss="half_squared_error",
        loss_reduction="sum",
        learning_rate=0.5,
        **TEXTBOOK,
    )
    weights = draw_weights(2, *HIDDEN_LAYERS[case], 2)
    check_first_steps(network, sum_over_rows(case), weights, CASES_X, targets, y)


# --- Implementing gradient descent in Python, part 3: 3-2-1 and 10-2-1, (predicted − target)² -----

THREE_INPUTS = [0.1, 0.4, 4.1]
TEN_INPUTS = [0.1, 0.4, 4.1, 4.3, 1.8, 2.0, 0.01, 0.9, 3.8, 1.6]
TARGET, RATE = 0.2, 0.001


@sum_over_rows
def two_hidden_neurons(weights, x, y):
    w, [[w41], [w42]] = weights
    [target] = y
    sop1 = sum(x_z * w_z1 for x_z, (w_z1, _) in zip(x, w, strict=True))
    sop2 = sum(x_z * w_z2 for x_z, (_, w_z2) in zip(x, w, strict=True))
    activ1, activ2 = sigmoid(sop1), sigmoid(sop2)
    sop3 = activ1 * w41 + activ2 * w42
    predicted = sigmoid(sop3)
    error = (predicted - target) ** 2

    error_predicted = 2 * (predicted - target)
    predicted_sop3 = predicted * (1 - predicted)
    grad_w41 = error_predicted * predicted_sop3 * activ1
    grad_w42 = error_predicted * predicted_sop3 * activ2

    activ1_sop1 = activ1 * (1 - activ1)
    activ2_sop2 = activ2 * (1 - activ2)
    grad_w = [
        [
            error_predicted * predicted_sop3 * w41 * activ1_sop1 * x_z,
            error_predicted * predicted_sop3 * w42 * activ2_sop2 * x_z,
        ]
        for x_z in x
    ]
    return error, [grad_w, [[grad_w41], [grad_w42]]]


@pytest.fixture
def two_neuron_network():
    return BackpropRegressor(
        hidden_layer_sizes=2,
        output_activation="sigmoid",
        loss="squared_error",
        loss_reduction="sum",
        fit_intercept=False,
        learning_rate=RATE,
        **TEXTBOOK,
    )


@pytest.fixture(params=[THREE_INPUTS, TEN_INPUTS], ids=["3-2-1", "10-2-1"])
def x(request):
    return request.param


def test_two_hidden_neurons(two_neuron_network, x):
    weights = draw_weights(len(x), 2, 1, low=0.0, bias=False)
    check_first_steps(two_neuron_network, two_hidden_neurons, weights, [x], [[TARGET]])


def test_two_hidden_neurons_predict_the_target_after_80_000_iterations(two_neuron_network, x):
    weights = draw_weights(len(x), 2, 1, low=0.0, bias=False)
    model = fit_from(two_neuron_network, weights, [x], [TARGET], max_iter=80_000)
    assert model.predict([x]) == pytest.approx(TARGET, abs=0.0005)

    for _ in range(80_000):
        _, gradients = two_hidden_neurons(weights, [x], [[TARGET]])
        weights = step(weights, gradients, RATE)
    assert_layers_equal(model.coefs_, weights)


def run_ten_input_listing(weights, n_steps, *, aliased):
    """The text's code for ten inputs; `aliased`, as it is printed there.

    The output weights are updated in place, and the name for the old ones is the same array: the
    hidden gradients meet the new weights, where the text around the code asks for the old ones.
    """
    x = np.array(TEN_INPUTS)
    w1, w2, w3 = *weights[0].T, weights[1][:, 0].copy()
    for _ in range(n_steps):
        w3_old = w3 if aliased else w3.copy()
        sig1, sig2 = sigmoid(w1 @ x), sigmoid(w2 @ x)
        predicted = sigmoid(w3[0] * sig1 + w3[1] * sig2)
        g = 2 * (predicted - TARGET) * predicted * (1 - predicted)
        w3[0] = w3[0] - RATE * g * sig1
        w3[1] = w3[1] - RATE * g * sig2
        w1 = w1 - RATE * g * w3_old[0] * sig1 * (1 - sig1) * x
        w2 = w2 - RATE * g * w3_old[1] * sig2 * (1 - sig2) * x
    return [np.column_stack([w1, w2]), w3.reshape(-1, 1)]


def test_ten_input_listing_uses_the_new_output_weights_against_its_own_text(two_neuron_network):
    weights = draw_weights(10, 2, 1, low=0.0, bias=False)
    model = fit_from(two_neuron_network, weights, [TEN_INPUTS], [TARGET], max_iter=100)
    assert_layers_equal(model.coefs_, run_ten_input_listing(weights, 100, aliased=False))

    as_printed = run_ten_input_listing(weights, 100, aliased=True)
    with pytest.raises(AssertionError, match="layer 0"):
        assert_layers_equal(model.coefs_, as_printed)
    # The slip is of second order in the rate; of 100 draws it is 7e-12 to 2e-7, the median 3e-9.
    assert np.abs(as_printed[0] - model.coefs_[0]).max() == pytest.approx(1.2e-10, rel=0.05)
