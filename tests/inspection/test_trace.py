"""The trace of a step: against the hand-written formulas of the sources, and what the fit does."""

import pickle
import re
import xml.etree.ElementTree as ElementTree
from functools import partial

import numpy as np
import pytest
import test_sources as sources
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._core.activations import ACTIVATIONS, Activation
from skbackprop._core.losses import LOSSES, NamedLoss
from skbackprop._core.losses.residuals import ResidualLoss
from skbackprop.inspection import check_gradient, trace_step
from skbackprop.inspection._notation import math_as_text

RNG = np.random.default_rng(0)
X = RNG.normal(3.0, 2.0, size=(20, 3))
Y = X @ RNG.normal(size=(3, 2)) * [1.0, 10.0]
CODES = RNG.integers(0, 3, 20)
WEIGHTS = RNG.uniform(0.5, 2.0, 20)
COUNTS = RNG.poisson([3.0, 30.0], size=(20, 2))
TEXTBOOK = sources.TEXTBOOK | {"learning_rate": 0.1}


def with_bias(layer, of):
    """What the layer has of intercepts and coefs as the sources write it: bias first."""
    coef, intercept = getattr(layer, of.format("coef")), getattr(layer, of.format("intercept"))
    return coef if intercept is None else np.vstack([intercept, coef])


def trace_from(estimator, weights, X, y, **kwargs):
    layers = [np.array(layer) for layer in weights]
    if not estimator.fit_intercept:
        return trace_step(estimator, X, y, coefs=layers, **kwargs)
    given = {
        "coefs": [layer[1:] for layer in layers],
        "intercepts": [layer[0] for layer in layers],
    }
    return trace_step(estimator, X, y, **given, **kwargs)


# --- Against the sources -------------------------------------------------------------------------


def six_cases(case):
    hidden = sources.HIDDEN_LAYERS[case]
    estimator = BackpropRegressor(
        hidden, output_activation="sigmoid", loss_reduction="sum", **TEXTBOOK
    )
    n_outputs = 2 if case in sources.TWO_OUTPUTS else 1
    y = [[0.5, 0.1], [0.0, 1.0], [0.9, 0.4], [1.0, 0.0]]
    y = [row[:n_outputs] for row in y]
    weights = sources.draw_weights(2, *hidden, n_outputs)
    return estimator, sources.sum_over_rows(case), weights, sources.CASES_X, y


def source_of(hidden, formulas, weights, X, y, **params):
    estimator = BackpropRegressor(hidden, loss="squared_error", **TEXTBOOK | params)
    return estimator, formulas, weights, X, y


def two_hidden_neurons(x):
    return source_of(
        2,
        sources.two_hidden_neurons,
        sources.draw_weights(len(x), 2, 1, low=0.0, bias=False),
        [x],
        [[sources.TARGET]],
        output_activation="sigmoid",
        loss_reduction="sum",
        fit_intercept=False,
    )


SOURCES = {
    "one_one_one": lambda: source_of(
        1,
        sources.one_one_one,
        [[[0.1], [0.8]], [[-0.3], [1.2]]],
        [[-1.0], [0.0], [0.5], [2.0]],
        [[0.0], [1.0], [0.3], [1.0]],
        output_activation="sigmoid",
    ),
    "matrices_a_and_b": lambda: source_of(
        4,
        sources.matrices_a_and_b,
        sources.draw_weights(3, 4, 2, bias=False),
        sources.ASTRO_X,
        sources.ASTRO_Y,
        output_activation="sigmoid",
        loss_reduction="sum",
        fit_intercept=False,
    ),
    "softplus": lambda: source_of(
        2,
        sources.softplus_one_two_one,
        sources.FIRST_WEIGHTS,
        sources.INPUTS,
        sources.OBSERVED,
        activation="softplus",
        loss_reduction="sum",
    ),
    "three_inputs": lambda: two_hidden_neurons(sources.THREE_INPUTS),
    "ten_inputs": lambda: two_hidden_neurons(sources.TEN_INPUTS),
} | {case.__name__: partial(six_cases, case) for case in sources.HIDDEN_LAYERS}


@pytest.mark.parametrize("source", SOURCES)
def test_sources(source):
    estimator, formulas, weights, rows, y = SOURCES[source]()
    cost, gradients = formulas([np.array(layer) for layer in weights], rows, y)
    trace = trace_from(estimator, weights, rows, y)
    assert trace.value == pytest.approx(cost, rel=1e-12)
    for layer, old, gradient in zip(trace.layers, weights, gradients, strict=True):
        # 1e-16: where a sigmoid is all but 1, the core's 1 − a has the digits of 1.
        close = partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-16)
        close(with_bias(layer, "{}"), old)
        close(with_bias(layer, "{}_gradient"), gradient)
        close(with_bias(layer, "{}_change"), -0.1 * np.array(gradient))
        close(with_bias(layer, "new_{}"), np.array(old) - 0.1 * np.array(gradient))


def test_case_6_factor_by_factor():
    estimator, _, weights, rows, y = six_cases(sources.case_6)
    (w, v, u), [x1, x2], [t1, t2] = weights, rows[0], y[0]
    h1, h2 = (sources.sigmoid(w[0][j] + w[1][j] * x1 + w[2][j] * x2) for j in (0, 1))
    k1, k2 = (sources.sigmoid(v[0][j] + v[1][j] * h1 + v[2][j] * h2) for j in (0, 1))
    o1, o2 = (sources.sigmoid(u[0][j] + u[1][j] * k1 + u[2][j] * k2) for j in (0, 1))
    expected = [
        [o - t, o * (1 - o), u_ko, k * (1 - k), v_hk, h1 * (1 - h1), x2]
        for k, v_hk, u_k in ((k1, v[1][0], u[1]), (k2, v[1][1], u[2]))
        for o, t, u_ko in ((o1, t1, u_k[0]), (o2, t2, u_k[1]))
    ]
    chain = trace_from(estimator, weights, rows[:1], y[:1]).chain("coefs[0][1, 0]")
    seen = [[factor.values[0] for factor in path.factors] for path in chain.paths]
    np.testing.assert_allclose(seen, expected, rtol=1e-12)
    assert chain.value == pytest.approx(np.prod(expected, axis=1).sum(), rel=1e-12)


def test_units_of_the_softplus_network():
    estimator, _, weights, rows, y = SOURCES["softplus"]()
    [x1, x2], layers = [0.5 * 2.74, 0.5 * -1.13], trace_from(estimator, weights, rows, y).layers
    predicted = np.log1p(np.exp(x1)) * 0.36 + np.log1p(np.exp(x2)) * 0.63
    hidden, output = layers
    e = np.exp([x1, x2])
    for seen, expected in [
        (hidden.z[1], [x1, x2]),
        (hidden.a[1], np.log(1 + e)),
        (hidden.derivative[1], e / (1 + e)),
        (hidden.delta[1], -2 * (1 - predicted) * np.array([0.36, 0.63]) * e / (1 + e)),
        (output.a[1], [predicted]),
        (output.delta[1], [-2 * (1 - predicted)]),
    ]:
        np.testing.assert_allclose(seen, expected, rtol=1e-12)


# --- Against the step that the estimator takes ---------------------------------------------------

PROBLEMS = {
    "textbook": (BackpropRegressor((4,), **TEXTBOOK), Y, None),
    "conditioned": (BackpropRegressor((4, 3), "softplus", alpha=0.2), Y, None),
    "one target": (BackpropRegressor((4,), "tanh", loss="squared_error"), Y[:, 1], None),
    "weighted": (BackpropRegressor((4,), "relu", alpha=0.1), Y, WEIGHTS),
    "sum": (BackpropRegressor((4,), loss_reduction="sum", alpha=0.1), Y, WEIGHTS),
    "no intercepts": (BackpropRegressor((4,), fit_intercept=False, alpha=0.1), Y, None),
    "no hidden layer": (BackpropRegressor((), output_activation="tanh"), np.tanh(Y / 50), None),
    "absolute": (BackpropRegressor((4,), loss="absolute_error", alpha=0.1), Y, WEIGHTS),
    "huber": (BackpropRegressor((4,), loss="huber", alpha=0.1), Y, WEIGHTS),
    "huber of tanh": (
        BackpropRegressor((4,), loss="huber", output_activation="tanh"),
        np.tanh(Y / 50),
        None,
    ),
    "quantile": (BackpropRegressor((4,), loss="quantile", quantile=0.9), Y, None),
    "quantiles": (
        BackpropRegressor((4,), loss="quantile", quantile=(0.1, 0.4, 0.9), alpha=0.1),
        -Y[:, 1],
        WEIGHTS,
    ),
    "poisson": (BackpropRegressor((4,), loss="poisson", alpha=0.1), COUNTS, WEIGHTS),
    "softmax": (BackpropClassifier((4,), alpha=0.1), CODES, WEIGHTS),
    "two classes": (BackpropClassifier((4,)), CODES > 0, None),
    "sigmoids": (BackpropClassifier((4,), loss="half_squared_error"), CODES, None),
    "labels": (BackpropClassifier((4,)), (Y > 0).astype(int), None),
}
each_problem = pytest.mark.parametrize("problem", PROBLEMS)
FULL_BATCH = {
    "learning_rate": 0.1,
    "learning_rate_schedule": "constant",
    "batch_size": "full",
    "tol": None,
    "random_state": 0,
}


def estimator_of(problem, **params):
    estimator, y, sample_weight = PROBLEMS[problem]
    rate = {"learning_rate": 0.001} if estimator.loss_reduction == "sum" else {}
    return clone(estimator).set_params(**FULL_BATCH | rate | params), y, sample_weight


def assert_step_is(trace, model):
    for layer, coef, intercept in zip(trace.layers, model.coefs_, model.intercepts_, strict=True):
        np.testing.assert_allclose(layer.new_coef, coef, rtol=1e-12, atol=1e-14)
        if layer.intercept is None:
            assert not intercept.any()
        else:
            np.testing.assert_allclose(layer.new_intercept, intercept, rtol=1e-12, atol=1e-12)


@each_problem
def test_step_of_a_fitted_estimator_is_that_of_warm_start(problem):
    estimator, y, sample_weight = estimator_of(
        problem, max_iter=5, warm_start=True, feature_penalty=0
    )
    model = estimator.fit(X, y, sample_weight)
    trace = trace_step(model, X, y, sample_weight)
    for layer, coef in zip(trace.layers, model.coefs_, strict=True):
        np.testing.assert_array_equal(layer.coef, coef)
    assert trace.value == pytest.approx(model.loss_, rel=1e-12)
    assert_step_is(trace, model.set_params(max_iter=1).fit(X, y, sample_weight))
    assert any(np.abs(layer.coef_change).max() > 1e-4 for layer in trace.layers)


@each_problem
def test_step_of_a_fitted_estimator_is_that_of_partial_fit(problem):
    estimator, y, sample_weight = estimator_of(problem, max_iter=5, alpha=0.1)
    model = estimator.fit(X, y, sample_weight)
    trace = trace_step(model, X, y, sample_weight)
    assert_step_is(trace, model.partial_fit(X, y, sample_weight=sample_weight))


@each_problem
@pytest.mark.parametrize("rate", [0.1, "auto"])
@pytest.mark.parametrize("given", [True, False])
@pytest.mark.filterwarnings("ignore:.* diverged:skbackprop.DivergenceWarning")
def test_step_of_an_unfitted_estimator_is_the_first_of_a_fit(problem, rate, given):
    estimator, y, sample_weight = estimator_of(
        problem, max_iter=1, learning_rate=rate, feature_penalty=0
    )
    weights = {}
    if given:
        start = clone(estimator).set_params(random_state=1).fit(X, y, sample_weight)
        weights = {"coefs": start.coefs_, "intercepts": start.intercepts_}
    trace = trace_step(estimator, X, y, sample_weight, **weights)
    initial = {f"{name}_init": value for name, value in weights.items()}
    model = estimator.fit(X, y, sample_weight, **initial)
    assert trace.learning_rate == model.learning_rate_
    assert trace.value == pytest.approx(model.loss_curve_[0], rel=1e-12)
    assert_step_is(trace, model)


def unit_of_targets(model):
    """What a loss of conditioned targets is multiplied by to be in units of y."""
    if model.loss == "poisson":
        return np.exp(model.target_shift_)
    return np.abs(model.target_scale_) ** (1 if model.loss in ("absolute_error", "quantile") else 2)


@each_problem
def test_the_word_on_conditioning_is_true(problem):
    estimator, y, sample_weight = estimator_of(problem, max_iter=5)
    model = estimator.fit(X, y, sample_weight)
    trace = trace_step(model, X, y, sample_weight)
    rate = trace.learning_rate
    shifts = [model.input_shift_, *model.hidden_shift_]
    scales = [model.input_scale_[:, np.newaxis], *model.hidden_scale_]
    for layer, c, s in zip(trace.layers, shifts, scales, strict=True):
        c = np.broadcast_to(c, layer.coef.shape[:1])
        r = 1 / np.mean(unit_of_targets(model))
        if layer is trace.layers[-1]:
            r = r * model.target_scale_**2
        of_b = 0.0 if layer.intercept is None else layer.intercept_gradient
        of_w = -rate * r * (layer.coef_gradient - np.outer(c, of_b * np.ones(layer.coef.shape[1])))
        np.testing.assert_allclose(layer.coef_change, of_w / s**2, rtol=1e-9, atol=1e-13)
        if layer.intercept is not None:
            change = -rate * r * layer.intercept_gradient - c @ layer.coef_change
            np.testing.assert_allclose(layer.intercept_change, change, rtol=1e-9, atol=1e-12)
    conditions = bool(model.input_shift_.any()) or (model.input_scale_ != 1).any()
    assert trace.conditions == conditions
    assert ("conditioned coordinates" in str(trace)) == conditions


def test_other_rows_are_traced_in_the_coordinates_of_the_fit():
    estimator, y, _ = estimator_of("conditioned", max_iter=5)
    model = estimator.fit(X, y)
    one_by_one = [trace_step(model, X[i : i + 1], y[i : i + 1]) for i in range(len(X))]
    together = trace_step(model, X, y)
    for depth, layer in enumerate(together.layers):
        for of in ("coef_gradient", "coef_change", "intercept_gradient", "intercept_change"):
            mean = np.mean([getattr(trace.layers[depth], of) for trace in one_by_one], axis=0)
            np.testing.assert_allclose(mean, getattr(layer, of), rtol=1e-10, atol=1e-12)


# --- The chain rule ------------------------------------------------------------------------------


@each_problem
def test_chain_of_every_weight(problem):
    estimator, y, sample_weight = estimator_of(problem, max_iter=3)
    model = estimator.fit(X, y, sample_weight)
    check_every_chain(
        trace_step(model, X[:4], y[:4], None if sample_weight is None else [1, 2, 0, 3])
    )


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("hidden", [(), (2,), (2, 2), (3, 2, 4)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_chain_of_every_weight_of_every_network(hidden, n_outputs, activation):
    estimator = BackpropRegressor(
        hidden, activation, output_activation=activation, random_state=3, **TEXTBOOK
    )
    check_every_chain(trace_step(estimator, X[:4] - 3, Y[:4, :n_outputs]))


def check_every_chain(trace):
    for depth, layer in enumerate(trace.layers):
        n_paths = int(np.prod([after.coef.shape[1] for after in trace.layers[depth + 1 :]]))
        gradients = {f"coefs[{depth}][{i}, {j}]": gradient
                     for (i, j), gradient in np.ndenumerate(layer.coef_gradient)}  # fmt: skip
        if layer.intercept is not None:
            gradients |= {
                f"intercepts[{depth}][{j}]": gradient
                for j, gradient in enumerate(layer.intercept_gradient)
            }
        scale = max(map(abs, gradients.values()))
        for name, gradient in gradients.items():
            chain = trace.chain(name, max_paths=None)
            assert chain.gradient == gradient
            assert chain.value == pytest.approx(gradient, rel=1e-12, abs=1e-13 * scale)
            assert not chain.others.any()
            assert chain.n_paths == len(chain.paths) == n_paths
            lengths = {len(path.factors) for path in chain.paths}
            first = 1 if trace.output_gradient is None else 2
            assert lengths == {first + 1 + 2 * (len(trace.layers) - 1 - depth)}


@pytest.mark.parametrize(
    ("problem", "symbols"),
    [
        ("absolute", "sign(ŷ₂−y₂)"),
        ("huber", "max(−h₂,min(ŷ₂−y₂,h₂))"),
        ("quantile", "([ŷ₂>y₂]−q₂)"),
        ("quantiles", "([ŷ₂>y₁]−q₂)"),
        ("poisson", "(ŷ₂−y₂)"),
    ],
)
def test_the_derivative_of_the_loss_is_what_its_formula_says(problem, symbols):
    estimator, y, _ = estimator_of(problem, max_iter=3, alpha=0.1)
    model = estimator.fit(X, y)
    trace = trace_step(model, X[:6], y[:6])
    y, y_pred = np.reshape(y[:6], (6, -1))[:, -1], trace.layers[-1].a[:, 1]
    h = 0.5 * np.abs(model.target_scale_[1])
    expected = {
        "absolute": np.sign(y_pred - y),
        "huber": np.clip(y_pred - y, -h, h),
        "quantile": np.where(y_pred > y, 0.1, -0.9),
        "quantiles": np.where(y_pred > y, 0.6, -0.4),
        "poisson": y_pred - y,
    }[problem]
    # Two targets are weighted by 1 over their units.
    unit = unit_of_targets(model)
    expected *= np.mean(unit) / unit[1] / 6
    chain = trace.chain("coefs[1][0, 1]")
    factor = chain.paths[0].factors[0]
    np.testing.assert_allclose(factor.values, expected, rtol=1e-12)
    weighted = "" if (unit == unit[0]).all() else "τ₂ · "
    assert f"{weighted}{symbols}/6" in str(chain)
    named = {"huber": f"h₂ = {h:.6g}", "quantile": "q₂ = 0.9", "quantiles": "q₂ = 0.4"}
    assert named.get(problem, "") in str(trace)
    assert named.get(problem, "") in str(chain)


@pytest.mark.given_numbers
def test_crossing_quantiles_are_traced_as_they_are():
    estimator = BackpropRegressor((), loss="quantile", quantile=(0.1, 0.9), alpha=0)
    model = estimator.set_params(**FULL_BATCH).fit(X, Y[:, 0])
    model.intercepts_[0][:] = model.intercepts_[0][::-1]
    trace = trace_step(model, X, Y[:, 0])
    predicted = X @ model.coefs_[0] + model.intercepts_[0]
    assert (predicted[:, 0] > predicted[:, 1]).any()
    np.testing.assert_allclose(trace.layers[0].a, predicted, rtol=1e-12)
    np.testing.assert_array_equal(trace.target, Y[:, [0, 0]])
    assert "sorted by predict" in str(trace)


def test_chain_of_some_paths():
    estimator = BackpropRegressor((2, 6, 5), random_state=0, **TEXTBOOK)
    trace = trace_step(estimator, X[:3], Y[:3])
    every = trace.chain("coefs[0][1, 0]", max_paths=None)
    some = trace.chain("coefs[0][1, 0]")
    assert (every.n_paths, some.n_paths, len(some.paths), some.n_left_out) == (60, 60, 8, 52)
    products = {path.units: path.product for path in every.paths}
    for path in some.paths:
        np.testing.assert_array_equal(path.product, products[path.units])
    assert some.value == pytest.approx(every.value, rel=1e-12)
    assert "52 of 60 paths are left out" in str(some)
    assert "60 paths" in repr(some)
    assert r"\dots" in some.to_latex()
    assert r"\dots" not in every.to_latex()
    assert "others" in str(some)
    one = trace.chain("coefs[2][1, 0]", max_paths=1)
    assert abs(one.paths[0].product.sum()) == max(
        abs(path.product.sum()) for path in trace.chain("coefs[2][1, 0]").paths
    )


def test_what_is_left_out_of_one_row_is_in_the_sum():
    estimator = BackpropRegressor((2,), random_state=0, **TEXTBOOK)
    chain = trace_step(estimator, X[:1], Y[:1]).chain("coefs[0][1, 0]", max_paths=1)
    assert "1 of 2 paths is left out; this one was found" in str(chain)
    *_, path, others, total = str(chain).partition("\n\n∂J/∂w")[0].split()
    assert float(path) == pytest.approx(chain.paths[0].product[0], rel=1e-3)
    assert float(others) == pytest.approx(chain.others[0], rel=1e-3)
    assert float(total) == pytest.approx(chain.gradient, rel=1e-3)


# --- What it leaves alone, and what it does not accept -------------------------------------------


@pytest.mark.parametrize("fitted", [True, False])
def test_the_estimator_is_not_changed(fitted):
    estimator = BackpropRegressor((3,), random_state=np.random.RandomState(0), max_iter=2)
    if fitted:
        estimator.fit(X.astype(np.float32), Y)
    attributes, before = dict(vars(estimator)), pickle.dumps(estimator)
    trace_step(estimator, X, Y, coefs=[np.ones((3, 3)), np.ones((3, 2))]).chain("coefs[0][0, 0]")
    assert attributes.keys() == vars(estimator).keys()
    assert all(value is attributes[name] for name, value in vars(estimator).items())
    assert pickle.dumps(estimator) == before


def test_sparse_and_float32_inputs(rng):
    dense = X * (rng.random(X.shape) < 0.5)
    model = BackpropRegressor((3,), random_state=0, max_iter=2).fit(dense.astype(np.float32), Y)
    trace = trace_step(model, dense, Y)
    assert trace.layers[0].coef.dtype == trace.layers[1].a.dtype == np.float64
    of_sparse = trace_step(model, sparse.csr_array(dense), Y)
    for layer, other in zip(trace.layers, of_sparse.layers, strict=True):
        np.testing.assert_allclose(layer.coef_change, other.coef_change, rtol=1e-10, atol=1e-14)
        np.testing.assert_array_equal(layer.inputs, other.inputs)


def test_no_class_need_be_in_the_rows():
    estimator = BackpropClassifier((), **TEXTBOOK, random_state=0)
    trace = trace_step(estimator, X[:1], ["b"], classes=["a", "b", "c"])
    assert trace.target.tolist() == [[0.0, 1.0, 0.0]]
    with pytest.raises(ValueError, match=r"classes must have all labels .* a y of 'b'"):
        trace_step(estimator, X[:1], ["b"])


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_one_class(loss):
    model = BackpropClassifier((3,), loss=loss, alpha=0.1, random_state=0, max_iter=2)
    model.fit(X, ["b"] * len(X))
    trace = trace_step(model, X, ["b"] * len(X))
    assert trace.target.tolist() == [[1.0]] * len(X)
    assert (trace.layers[-1].delta != 0).any() == (loss == "squared_error")
    assert check_gradient(model, X, ["b"] * len(X)).passed


@pytest.mark.parametrize(
    ("kwargs", "error", "match"),
    [
        ({"estimator": make_pipeline(StandardScaler(), BackpropRegressor())}, TypeError,
         "estimator must be .* got Pipeline"),
        ({"learning_rate": -1}, ValueError, "learning_rate must be a positive finite number"),
        ({"coefs": [np.ones((3, 3))]}, ValueError, "^coefs must be a sequence of 2 arrays"),
        ({"coefs": [np.ones((3, 3)), np.ones((2, 2))]}, ValueError, r"^coefs\[1\] must have shape"),
        ({"intercepts": 3}, TypeError, "^intercepts must be a sequence of 2 arrays"),
        ({"classes": [0, 1]}, TypeError, "classes must be None for a regressor"),
        ({"sample_weight": [-1.0] * 20}, ValueError, "sample_weight must not be negative"),
        ({"y": None}, ValueError, "requires y to be passed"),
        ({"y": Y[:, :1]}, ValueError, "y must have 2 outputs, as fitted"),
        ({"X": X[:, :2]}, ValueError, "X has 2 features"),
    ],
)  # fmt: skip
def test_bad_input(kwargs, error, match):
    model = BackpropRegressor((3,), random_state=0, max_iter=2).fit(X, Y)
    with pytest.raises(error, match=match):
        trace_step(**{"estimator": model, "X": X, "y": Y} | kwargs)


@pytest.mark.parametrize(
    ("weight", "error", "match"),
    [
        (3, TypeError, "weight must be a string like"),
        ("w[0]", ValueError, "weight must be a string like"),
        ("coefs[2][0, 0]", ValueError, "weight must be of one of 2 layers; got"),
        ("coefs[0][3, 0]", ValueError, r"weight must be in coefs\[0\], of shape \(3, 3\); got"),
        (
            "intercepts[1][2]",
            ValueError,
            r"weight must be in intercepts\[1\], of shape \(2,\); got",
        ),
    ],
)
def test_bad_names_of_weights(weight, error, match):
    trace = trace_step(BackpropRegressor((3,), random_state=0), X, Y)
    with pytest.raises(error, match=match):
        trace.chain(weight)


def test_no_intercept_has_a_chain_where_there_are_none():
    trace = trace_step(BackpropRegressor((3,), fit_intercept=False, random_state=0), X, Y)
    with pytest.raises(ValueError, match="weight must be in coefs with fit_intercept=False"):
        trace.chain("intercepts[0][0]")
    with pytest.raises(ValueError, match="max_paths must be an integer of at least 1; got 0"):
        trace.chain("coefs[0][0, 0]", max_paths=0)


def test_what_a_fit_warns_of_is_no_business_of_a_trace():
    estimator = BackpropRegressor((3,), learning_rate=1e9, random_state=0, max_iter=1)
    trace_step(estimator, X, Y)
    with pytest.warns(ConvergenceWarning):
        estimator.fit(X, Y)


# --- Renderings ----------------------------------------------------------------------------------


@pytest.fixture
def two_two_one():
    estimator = BackpropRegressor((2,), output_activation="sigmoid", **TEXTBOOK)
    weights = [[[0.1, -0.2], [0.4, 0.3]], [[0.5], [-0.6]]], [[0.0, 0.1], [0.2]]
    return trace_step(estimator, [[1.0, 2.0]], [0.75], coefs=weights[0], intercepts=weights[1])


def test_text(two_two_one):
    assert str(two_two_one) == TEXT.strip("\n")
    assert str(two_two_one.chain("coefs[0][1, 0]")) == CHAIN.strip("\n")
    assert repr(two_two_one) == (
        "<StepTrace of a 2-2-1 network on 1 row, J=0.0209358, learning_rate=0.1>"
    )


TEXT = """
One step of gradient descent on 1 row
J = 0.0209358 (half_squared_error), step size η = 0.1

Inputs
  row  x₁  x₂
    0   1   2

Layer 1, hidden: sigmoid
  row  unit  z[1]      a[1]  f' = a[1](1−a[1])       δ[1]
    0     1   0.9  0.710950           0.205500  -0.005213
    0     2   0.5  0.622459           0.235004   0.007154

Layer 2, output: sigmoid
  row  unit      z[2]         ŷ  f' = ŷ(1−ŷ)     y      ∂J/∂ŷ       δ[2]
    0     1  0.181999  0.545375     0.247941  0.75  -0.204625  -0.050735

Weights of layer 1
          weight            value      ∂J/∂w  −η · ∂J/∂w   new value
  w[1]₁₁  coefs[0][0, 0]      0.1  -0.005213   0.0005213   0.1005213
  w[1]₁₂  coefs[0][0, 1]     -0.2   0.007154  -0.0007154  -0.2007154
  w[1]₂₁  coefs[0][1, 0]      0.4  -0.010426   0.0010426   0.4010426
  w[1]₂₂  coefs[0][1, 1]      0.3   0.014308  -0.0014308   0.2985692
  b[1]₁   intercepts[0][0]    0.0  -0.005213   0.0005213   0.0005213
  b[1]₂   intercepts[0][1]    0.1   0.007154  -0.0007154   0.0992846

Weights of layer 2
          weight            value      ∂J/∂w  −η · ∂J/∂w  new value
  w[2]₁₁  coefs[1][0, 0]      0.5  -0.036070    0.003607   0.503607
  w[2]₂₁  coefs[1][1, 0]     -0.6  -0.031581    0.003158  -0.596842
  b[2]₁   intercepts[1][0]    0.2  -0.050735    0.005074   0.205074
"""
CHAIN = """
∂J/∂w[1]₂₁, the gradient of coefs[0][1, 0]: 1 path, 1 row

Path 1: w[1]₂₁ → a[1]₁ → ŷ₁ → J
  row     ∂J/∂ŷ₁  ∂ŷ₁/∂z[2]₁  ∂z[2]₁/∂a[1]₁   ∂a[1]₁/∂z[1]₁  ∂z[1]₁/∂w[1]₂₁    product
         (ŷ₁−y₁)    ŷ₁(1−ŷ₁)         w[2]₁₁  a[1]₁(1−a[1]₁)              x₂
    0  -0.204625    0.247941            0.5          0.2055               2  -0.010426

∂J/∂w[1]₂₁ = -0.0104261
"""


FOLDED = """
Path 2: w[1]₂₁ → a[1]₁ → a[2]₁ → ŷ₂ → J
  row   ∂J/∂ŷ₂  ∂ŷ₂/∂z[3]₂  ∂z[3]₂/∂a[2]₁   ∂a[2]₁/∂z[2]₁  ∂z[2]₁/∂a[1]₁  …
       (ŷ₂−y₂)    ŷ₂(1−ŷ₂)         w[3]₁₂  a[2]₁(1−a[2]₁)         w[2]₁₁
    0    0.875    0.109375            0.5            0.25           -0.5

  row  …   ∂a[1]₁/∂z[1]₁  ∂z[1]₁/∂w[1]₂₁   product
          a[1]₁(1−a[1]₁)              x₂
    0               0.25              -4  0.005981
"""


def test_wide_tables_go_on_below():
    estimator = BackpropRegressor((1, 1), output_activation="sigmoid", **TEXTBOOK)
    # All weighted sums are 0 but the last, which is ln 7.
    weights = [[[2.0], [0.5]], [[-0.5]], [[0.0, 0.5]]], [[0.0], [0.25], [0.0, np.log(7) - 0.25]]
    trace = trace_step(
        estimator, [[1.0, -4.0]], [[0.0, 0.0]], coefs=weights[0], intercepts=weights[1]
    )
    assert FOLDED in str(trace.chain("coefs[0][1, 0]"))


@each_problem
@pytest.mark.parametrize("hidden", [(), (2,), (2, 2), (2, 2, 2)])
def test_lines_are_no_wider_than_a_terminal_and_tables_lose_nothing(problem, hidden):
    estimator, y, sample_weight = estimator_of(problem, max_iter=1, learning_rate=1e-3)
    model = estimator.set_params(hidden_layer_sizes=hidden).fit(X, y, sample_weight)
    trace = trace_step(model, X[:2], y[:2], None if sample_weight is None else [1, 3])
    chain = trace.chain("coefs[0][1, 0]")
    assert max(map(len, str(trace).splitlines())) <= 88
    assert max(map(len, str(chain).splitlines())) <= 88
    tables = str(chain).partition("\nSum\n")[0].split("Path ")[1:]
    for table, path in zip(tables, chain.paths, strict=True):
        for row in range(2):
            parts = re.findall(rf"^ +{row}  (.*)$", table, re.MULTILINE)
            *factors, product = (float(number) for part in parts for number in part.split())
            expected = [factor.values[row] for factor in path.factors]
            np.testing.assert_allclose(factors, expected, rtol=1e-3, atol=1e-5)
            assert product == pytest.approx(path.product[row], rel=1e-3, abs=1e-5)
    report = "".join(str(chain).split())
    for path in chain.paths:
        for factor in path.factors:
            assert "".join(math_as_text(factor.symbol).split()) in report
            assert "".join(math_as_text(factor.formula).split()) in report


@pytest.mark.parametrize("problem", PROBLEMS)
def test_html_is_well_formed_and_latex_balanced(problem):
    estimator, y, sample_weight = estimator_of(problem, max_iter=2)
    trace = trace_step(estimator.fit(X, y, sample_weight), X, y, sample_weight)
    chain = trace.chain("coefs[0][1, 0]")
    for report in (trace, chain):
        html = report._repr_html_()
        tables = list(ElementTree.fromstring(f"<div>{html}</div>").iter("table"))
        assert len(tables) >= 2
        assert "$" not in html
        assert "\\" not in html
        text = str(report)
        assert "$" not in text
        assert "\\" not in text
        assert "{" not in text
        latex = report.to_latex()
        # pdflatex knows few other characters.
        assert latex.isascii()
        assert latex.count("{") == latex.count("}")
        assert latex.count("$") % 2 == 0
        assert latex.count(r"\begin") == latex.count(r"\end") > 0


def test_long_tables_say_what_they_leave_out():
    estimator = BackpropRegressor((30,), random_state=0, **TEXTBOOK)
    trace = trace_step(estimator, X, Y)
    text = str(trace)
    # 20 rows × 30 units and 3 × 30 + 30 weights, of which 24 lines are printed.
    assert "… and 576 more lines, which to_frame() has." in text
    assert "… and 96 more lines, which to_frame() has." in text
    assert len(trace.to_frame()) == 3 * 30 + 30 + 30 * 2 + 2
    assert len(trace.to_frame("units")) == 20 * (30 + 2)


def test_many_inputs_are_told_in_a_line(rng):
    estimator = BackpropRegressor((), random_state=0, **TEXTBOOK)
    text = str(trace_step(estimator, rng.normal(size=(3, 1000)), [0.0, 1.0, 2.0]))
    head, first, *_ = text.partition("Inputs\n")[2].splitlines()
    assert head.split() == ["row", "x₁", "x₂", "x₃", "x₄", "x₅", "x₆", "…", "1,000", "in", "all"]
    assert len(first.split()) == 7


def test_frames(two_two_one):
    weights = two_two_one.to_frame()
    layer = two_two_one.layers[0]
    line = weights.loc["coefs[0][1, 0]"]
    assert line["symbol"] == "w[1]₂₁"
    assert line["gradient"] == layer.coef_gradient[1, 0]
    assert line["new_value"] == layer.new_coef[1, 0]
    assert weights.loc["intercepts[1][0]", "change"] == two_two_one.layers[1].intercept_change[0]
    units = two_two_one.to_frame("units").set_index(["layer", "unit"])
    assert units.loc[(1, 2), "delta"] == layer.delta[0, 1]
    assert units.loc[(1, 2), "z"] == layer.z[0, 1]
    factors = two_two_one.chain("coefs[0][1, 0]").to_frame()
    assert factors["value"].prod() == pytest.approx(layer.coef_gradient[1, 0], rel=1e-12)
    with pytest.raises(ValueError, match="of must be one of 'weights', 'units'; got 'layers'"):
        two_two_one.to_frame("layers")


def test_latex_of_a_chain(two_two_one):
    latex = two_two_one.chain("intercepts[1][0]").to_latex(digits=3)
    lines = [
        r"\begin{aligned}",
        r"\frac{\partial J}{\partial b^{[2]}_{1}}",
        r"  &= \frac{\partial J}{\partial \hat y_{1}}"
        r" \cdot \frac{\partial \hat y_{1}}{\partial z^{[2]}_{1}}"
        r" \cdot \frac{\partial z^{[2]}_{1}}{\partial b^{[2]}_{1}} \\",
        r"  &= (\hat y_{1}-y_{1}) \cdot \hat y_{1}(1-\hat y_{1}) \cdot 1 \\",
        r"  &= (-0.205) \cdot 0.248 \cdot 1 \\",
        r"  &= -0.0507",
        r"\end{aligned}",
    ]
    assert latex.splitlines() == lines


class Expectile(ResidualLoss):
    """Σ_outputs ¾ r² where r > 0, ¼ r² elsewhere."""

    degree = 2
    mirrors = False

    def slope(self, residual, out):
        np.multiply(np.where(residual > 0.0, 1.5, 0.5), residual, out=out)

    def rise(self, spread):
        return spread

    def value(self, residual, slope, sample_weight):
        return 0.5 * float(np.sum(residual * slope))


def tanh_of_half(z, scratch):
    np.tanh(0.5 * z, out=z)


def multiply_by_derivative_of_tanh_of_half(a, delta):
    delta *= 0.5 * (1.0 - a**2)


def test_a_new_loss_and_a_new_activation_are_written_as_they_say(monkeypatch):
    loss = NamedLoss(Expectile, "expectile loss", r"\mathrm{ramp}({y_pred}-{y})")
    formula = r"\frac{1}{2}(1-({a})^2)"
    activation = Activation(
        tanh_of_half, multiply_by_derivative_of_tanh_of_half, derivative_formula=formula
    )
    monkeypatch.setitem(LOSSES, "expectile", loss)
    monkeypatch.setattr(BackpropRegressor, "_losses", (*BackpropRegressor._losses, "expectile"))
    monkeypatch.setitem(ACTIVATIONS, "tanh_of_half", activation)
    model = BackpropRegressor((2,), activation="tanh_of_half", loss="expectile", random_state=0)
    model.fit(X, Y)
    # The loss has a jump in its second derivative.
    assert check_gradient(model, X, Y, tolerance=1e-5).passed
    trace = trace_step(model, X[:2], Y[:2])
    chain = trace.chain("coefs[0][0, 0]")
    assert chain.value == pytest.approx(chain.gradient)
    values = []
    for change in (1e-5, -1e-5):
        coefs = [coef.copy() for coef in model.coefs_]
        coefs[0][0, 0] += change
        moved = trace_step(model, X[:2], Y[:2], coefs=coefs, intercepts=model.intercepts_)
        values.append(moved.value)
    assert (values[0] - values[1]) / 2e-5 == pytest.approx(chain.gradient, rel=1e-6)
    for written in (str(chain), re.sub("<.*?>", "", chain._repr_html_())):
        assert "τ" in written
        assert "ramp(ŷ" in written
        assert "1/2(1−(a[1]" in written
        assert "\\" not in written
    for part in (r"\mathrm{ramp}(\hat y_{1}-y_{1})", formula.replace("{a}", "a^{[1]}_{1}")):
        assert part in chain.to_latex()
