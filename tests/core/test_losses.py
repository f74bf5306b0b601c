"""Losses: values, gradients and predictions against scikit-learn and scipy, and at the extremes."""

import pickle
import tracemalloc

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn._loss import (
    AbsoluteError,
    HalfBinomialLoss,
    HalfMultinomialLoss,
    HalfPoissonLoss,
    HalfSquaredError,
    HuberLoss,
    PinballLoss,
)
from sklearn.metrics import (
    log_loss,
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)

from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.losses import LOSSES

N_ROWS = 50
BINARY = "log_loss", "matrix", "sigmoid"
MULTINOMIAL = "log_loss", "codes", "softmax"

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
each_weighting = pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])


def evaluate(form, y, z, sample_weight=None, *scale, **options):
    name, *kind = form
    gradient = np.full_like(z, np.nan)
    loss = LOSSES[name](*kind, **options)
    return loss.value_and_gradient(y, z.copy(), sample_weight, gradient, *scale), gradient


def predict(form, z, **options):
    name, *kind = form
    y_pred = z.copy()
    LOSSES[name](*kind, **options).inverse_link(y_pred, np.full_like(z, np.nan))
    return y_pred


def random_problem(form, n_outputs, *, weighted=False):
    rng = np.random.default_rng(0)
    z = rng.normal(scale=3.0, size=(N_ROWS, n_outputs))
    name, target, _ = form
    if target == "codes":
        y = rng.integers(n_outputs, size=N_ROWS)
    elif name == "log_loss":
        y = rng.integers(2, size=z.shape).astype(float)
    else:
        y = rng.normal(size=z.shape)
    return y, z, rng.uniform(0.1, 5.0, size=N_ROWS) if weighted else None


def summed(oracle, y, z, sample_weight):
    """Value and gradient of one of scikit-learn's losses, column by column."""
    values, gradients = zip(
        *(oracle.loss_gradient(y[:, k].copy(), z[:, k].copy(), sample_weight) for k in range(2)),
        strict=True,
    )
    return np.sum(values), np.column_stack(gradients)


@each_weighting
@pytest.mark.parametrize(
    ("form", "oracle", "factor"),
    [
        (("half_squared_error", "matrix", "identity"), HalfSquaredError(), 1),
        (("squared_error", "matrix", "identity"), HalfSquaredError(), 2),
        (BINARY, HalfBinomialLoss(), 1),
    ],
)
def test_losses_by_output_equal_those_of_scikit_learn(form, oracle, factor, weighted):
    y, z, sample_weight = random_problem(form, 2, weighted=weighted)
    value, gradient = evaluate(form, y, z, sample_weight)
    expected_value, expected = summed(oracle, y, z, sample_weight)
    assert value == pytest.approx(factor * expected_value, rel=1e-14, abs=0)
    np.testing.assert_allclose(gradient, factor * expected, rtol=1e-12, atol=1e-15)


@each_weighting
@pytest.mark.parametrize("n_classes", [3, 7])
def test_multinomial_log_loss_equals_that_of_scikit_learn(n_classes, weighted):
    y, z, sample_weight = random_problem(MULTINOMIAL, n_classes, weighted=weighted)
    value, gradient = evaluate(MULTINOMIAL, y, z, sample_weight)
    expected_values, expected = HalfMultinomialLoss(n_classes=n_classes).loss_gradient(
        y.astype(float), z, sample_weight
    )
    assert value == pytest.approx(expected_values.sum(), rel=1e-14, abs=0)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-15)


@each_weighting
@pytest.mark.parametrize(("form", "n_outputs"), [(BINARY, 1), (MULTINOMIAL, 4)])
def test_log_losses_equal_the_metric(form, n_outputs, weighted):
    y, z, sample_weight = random_problem(form, n_outputs, weighted=weighted)
    value, _ = evaluate(form, y, z, sample_weight)
    labels = range(max(2, n_outputs))
    expected = log_loss(
        y, predict(form, z), sample_weight=sample_weight, normalize=False, labels=labels
    )
    assert value == pytest.approx(expected, rel=1e-12)


@each_weighting
@pytest.mark.parametrize("output_activation", ACTIVATIONS)
@pytest.mark.parametrize("target", ["matrix", "codes"])
def test_squared_errors_equal_the_metric(target, output_activation, weighted):
    form = "squared_error", target, output_activation
    half_form = "half_squared_error", target, output_activation
    y, z, sample_weight = random_problem(form, 3, weighted=weighted)
    value, _ = evaluate(form, y, z, sample_weight)
    one_hot = np.eye(3)[y] if target == "codes" else y
    # The metric averages over outputs and (weighted) rows.
    total = z.size if sample_weight is None else 3 * sample_weight.sum()
    expected = total * mean_squared_error(one_hot, predict(form, z), sample_weight=sample_weight)
    assert value == pytest.approx(expected, rel=1e-13, abs=0)
    assert evaluate(half_form, y, z, sample_weight)[0] == pytest.approx(value / 2, rel=1e-15)


@each_dtype
@pytest.mark.parametrize("margin", [10.0, 20.0, 40.0, 80.0])
def test_a_small_log_loss_keeps_its_digits(dtype, margin):
    # log(1 + exp(-m)) for the right answer by a margin of m, among two others at 0 or alone.
    eps = float(np.finfo(dtype).eps)
    for y, z in ((1.0, margin), (0.0, -margin)):
        value, _ = evaluate(BINARY, np.array([[y]], dtype), np.array([[z]], dtype))
        assert value == pytest.approx(np.log1p(np.exp(-margin)), rel=4 * eps)
    z = np.array([[0.0, margin, 0.0]], dtype)
    value, _ = evaluate(MULTINOMIAL, np.array([1]), z)
    assert value == pytest.approx(np.log1p(2 * np.exp(-margin)), rel=4 * eps)


@each_weighting
@pytest.mark.parametrize(
    "form", [BINARY, MULTINOMIAL, ("squared_error", "matrix", "softplus")], ids="-".join
)
def test_scale_multiplies_the_gradient_alone(form, weighted):
    y, z, sample_weight = random_problem(form, 3, weighted=weighted)
    value, gradient = evaluate(form, y, z, sample_weight)
    same_value, scaled = evaluate(form, y, z, sample_weight, -0.25)
    assert same_value == value
    np.testing.assert_array_equal(scaled, -0.25 * gradient)


EXTREMES = [(np.float32, 1e3), (np.float32, 1e30), (np.float64, 1e3), (np.float64, 1e300)]


@pytest.mark.parametrize(("dtype", "size"), EXTREMES)
def test_binary_log_loss_at_the_extremes(dtype, size):
    # Loss |z| on the wrong side, 0 on the right one.
    z = np.array([[-size], [size], [-size], [size]], dtype=dtype)
    y = np.array([[0], [0], [1], [1]], dtype=dtype)
    for i, (expected_value, expected) in enumerate([(0, 0), (z[1, 0], 1), (z[1, 0], -1), (0, 0)]):
        value, gradient = evaluate(BINARY, y[i : i + 1], z[i : i + 1])
        assert (value, gradient.item()) == (expected_value, expected)


@pytest.mark.parametrize(("dtype", "size"), EXTREMES)
def test_multinomial_log_loss_at_the_extremes(dtype, size):
    z = np.array([[size, 0.0, -size]], dtype=dtype)
    for code, expected_value in enumerate([0.0, size, 2 * size]):
        value, gradient = evaluate(MULTINOMIAL, np.array([code]), z)
        assert value == pytest.approx(expected_value, rel=float(np.finfo(dtype).eps))
        np.testing.assert_array_equal(gradient[0], np.eye(3)[0] - np.eye(3)[code])


@pytest.mark.parametrize(("dtype", "size"), EXTREMES)
@pytest.mark.parametrize(("output_activation", "low"), [("sigmoid", 0.0), ("tanh", -1.0)])
def test_squared_error_of_a_bounded_output_at_the_extremes(output_activation, low, dtype, size):
    form = "squared_error", "matrix", output_activation
    value, gradient = evaluate(
        form, np.full((1, 2), 0.5, dtype=dtype), np.array([[-size, size]], dtype=dtype)
    )
    assert value == (low - 0.5) ** 2 + 0.25
    np.testing.assert_array_equal(gradient, np.zeros((1, 2)))


@pytest.mark.parametrize("size", [1e3, 1e150])
@pytest.mark.parametrize(
    ("output_activation", "negative"), [("identity", True), ("softplus", False), ("relu", False)]
)
def test_squared_error_of_an_unbounded_output_far_out(output_activation, negative, size):
    form = "squared_error", "matrix", output_activation
    value, gradient = evaluate(form, np.zeros((1, 2)), np.array([[-size, size]]))
    assert value == pytest.approx(size**2 * (1 + negative), rel=1e-15)
    np.testing.assert_array_equal(gradient, [[-2 * size * negative, 2 * size]])


@each_dtype
def test_predictions_equal_those_of_scipy(dtype):
    eps = np.finfo(dtype).eps
    z = np.random.default_rng(0).normal(scale=20, size=(200, 4)).astype(dtype)
    np.testing.assert_allclose(predict(BINARY, z), expit(z), rtol=4 * eps, atol=0)
    squared_error = "squared_error", "matrix", "sigmoid"
    np.testing.assert_allclose(predict(squared_error, z), expit(z), rtol=0, atol=eps)
    # The subtraction of the largest magnifies the rounding of z by up to their distance.
    z /= 4
    proba = softmax(z.astype(float), axis=1)
    np.testing.assert_allclose(predict(MULTINOMIAL, z), proba, rtol=50 * eps, atol=0)


@pytest.mark.parametrize(("dtype", "size"), EXTREMES)
def test_probabilities_at_the_extremes(dtype, size):
    z = np.array([[size, -size], [-size, -size]], dtype=dtype)
    np.testing.assert_array_equal(predict(BINARY, z), [[1, 0], [0, 0]])
    np.testing.assert_array_equal(predict(MULTINOMIAL, z), [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("target", "output_activation"), [("matrix", "softmax"), ("codes", "sigmoid")]
)
def test_log_loss_refuses_another_output_activation(target, output_activation):
    with pytest.raises(ValueError, match=f"log-loss of a target of {target} .*{output_activation}"):
        LOSSES["log_loss"](target, output_activation)


def of_numbers(name, output_activation="identity"):
    return name, "matrix", output_activation


@each_weighting
@pytest.mark.parametrize(
    ("name", "options", "oracle"),
    [
        ("absolute_error", {}, AbsoluteError()),
        ("huber", {"delta": 0.7}, HuberLoss(delta=0.7)),
        ("huber", {"delta": 3.0}, HuberLoss(delta=3.0)),
        ("quantile", {"quantile": 0.5}, PinballLoss(quantile=0.5)),
        ("quantile", {"quantile": 0.1}, PinballLoss(quantile=0.1)),
    ],
)
def test_losses_of_residuals_equal_those_of_scikit_learn(name, options, oracle, weighted):
    y, z, sample_weight = random_problem(of_numbers(name), 2, weighted=weighted)
    value, gradient = evaluate(of_numbers(name), y, z, sample_weight, **options)
    expected_value, expected = summed(oracle, y, z, sample_weight)
    assert value == pytest.approx(expected_value, rel=1e-13, abs=0)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-15)


@each_weighting
def test_poisson_loss_equals_that_of_scikit_learn(weighted):
    y, z, sample_weight = random_problem(of_numbers("poisson"), 2, weighted=weighted)
    y = np.floor(np.abs(3 * y))
    assert (y == 0).any()
    value, gradient = evaluate(of_numbers("poisson"), y, z, sample_weight)
    _, expected = summed(HalfPoissonLoss(), y, z, sample_weight)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-14)
    total = 2 * N_ROWS if sample_weight is None else 2 * sample_weight.sum()
    repeated = None if sample_weight is None else np.repeat(sample_weight, 2)
    y_pred = predict(of_numbers("poisson"), z)
    deviance = mean_poisson_deviance(y.ravel(), y_pred.ravel(), sample_weight=repeated)
    assert value == pytest.approx(total * deviance / 2, rel=1e-13)


@each_weighting
@pytest.mark.parametrize("output_activation", ACTIVATIONS)
def test_absolute_error_and_pinball_loss_equal_the_metrics(output_activation, weighted):
    y, z, sample_weight = random_problem(of_numbers("quantile"), 1, weighted=weighted)
    y_pred = predict(of_numbers("quantile", output_activation), z)
    total = N_ROWS if sample_weight is None else sample_weight.sum()
    value, _ = evaluate(of_numbers("absolute_error", output_activation), y, z, sample_weight)
    expected = total * mean_absolute_error(y, y_pred, sample_weight=sample_weight)
    assert value == pytest.approx(expected, rel=1e-13)
    for q in (0.05, 0.6):
        value, _ = evaluate(
            of_numbers("quantile", output_activation), y, z, sample_weight, quantile=q
        )
        expected = total * mean_pinball_loss(y, y_pred, sample_weight=sample_weight, alpha=q)
        assert value == pytest.approx(expected, rel=1e-13)


QUANTILES = (0.1, 0.5, 0.9)


@each_weighting
def test_several_quantiles_are_losses_of_one_target(weighted):
    y, z, sample_weight = random_problem(of_numbers("quantile"), 3, weighted=weighted)
    y = y[:, :1]
    value, gradient = evaluate(of_numbers("quantile"), y, z, sample_weight, quantile=QUANTILES)
    alone = [
        evaluate(of_numbers("quantile"), y, z[:, [k]], sample_weight, quantile=q)
        for k, q in enumerate(QUANTILES)
    ]
    assert value == pytest.approx(sum(value for value, _ in alone), rel=1e-13)
    np.testing.assert_array_equal(gradient, np.hstack([part for _, part in alone]))


@each_dtype
def test_predictions_of_quantiles_do_not_cross_and_lose_no_more(dtype):
    y, z, _ = random_problem(of_numbers("quantile"), 3)
    y, z = y[:, :1].astype(dtype), z.astype(dtype)
    y_pred = predict(of_numbers("quantile"), z, quantile=QUANTILES)
    assert y_pred.dtype == dtype
    assert (np.diff(z, axis=1) < 0).any()
    assert (np.diff(y_pred, axis=1) >= 0).all()
    np.testing.assert_array_equal(np.sort(z, axis=1), y_pred)
    for row in range(N_ROWS):
        of_row = y[[row]], z[[row]]
        before, _ = evaluate(of_numbers("quantile"), *of_row, quantile=QUANTILES)
        after, _ = evaluate(of_numbers("quantile"), y[[row]], y_pred[[row]], quantile=QUANTILES)
        assert after <= before + 10 * np.finfo(dtype).eps * before


def test_one_quantile_of_several_targets_is_not_sorted():
    z = np.array([[2.0, 1.0]])
    np.testing.assert_array_equal(predict(of_numbers("quantile"), z, quantile=0.9), z)


def test_huber_loss_by_hand():
    # ½ · 0.3² within 0.5, and 0.5 (2 − 0.25) beyond it, on either side.
    z = np.array([[0.3, 2.0, -2.0]])
    value, gradient = evaluate(of_numbers("huber"), np.zeros((1, 3)), z, delta=0.5)
    assert value == pytest.approx(0.045 + 2 * 0.875, rel=1e-15)
    np.testing.assert_array_equal(gradient, [[0.3, 0.5, -0.5]])


@pytest.mark.parametrize("name", ["absolute_error", "huber", "quantile"])
def test_a_perfect_fit_has_no_loss(name):
    y = np.array([[1.5, -2.0]])
    value, gradient = evaluate(of_numbers(name), y, y)
    assert value == 0
    np.testing.assert_array_equal(gradient, [[0, 0]])


@pytest.mark.parametrize(("dtype", "size"), EXTREMES)
@pytest.mark.parametrize(
    ("name", "below", "above"),
    [("absolute_error", -1, 1), ("huber", -1, 1), ("quantile", -0.5, 0.5)],
)
def test_losses_of_residuals_far_out(name, below, above, dtype, size):
    z = np.array([[-size, size]], dtype=dtype)
    value, gradient = evaluate(of_numbers(name), np.zeros((1, 2), dtype=dtype), z)
    # Huber's loss is ½ less for each.
    assert value == pytest.approx(2 * above * size - (name == "huber"), rel=1e-6)
    np.testing.assert_array_equal(gradient, [[below, above]])


each_loss_of_residuals = pytest.mark.parametrize(
    ("name", "options"),
    [
        ("half_squared_error", {}),
        ("squared_error", {}),
        ("absolute_error", {}),
        ("huber", {"delta": 0.7}),
        ("quantile", {"quantile": 0.1}),
    ],
)


@each_loss_of_residuals
def test_attributes_are_what_they_say(name, options):
    form = of_numbers(name)
    loss = LOSSES[name]("matrix", "identity", **options)
    y, z, _ = random_problem(form, 2)
    value, _ = evaluate(form, y, z, **options)
    in_units = {"delta": 8 * options["delta"]} if "delta" in options else options
    scaled, _ = evaluate(form, 8 * y, 8 * z, **in_units)
    assert scaled == pytest.approx(8.0**loss.degree * value, rel=1e-13)
    mirrored, _ = evaluate(form, -y, -z, **options)
    assert loss.mirrors == (mirrored == pytest.approx(value))
    residuals = np.array([[-1e9], [-1e6], [-1e-9], [1e-9], [1e6], [1e9]])
    (slopes,) = evaluate(form, np.zeros_like(residuals), residuals, **options)[1].T
    assert loss.robust == (slopes[0] == slopes[1]) == (slopes[-1] == slopes[-2])
    assert loss.smooth == (abs(slopes[3] - slopes[2]) < 1e-6)


@each_loss_of_residuals
@pytest.mark.parametrize(("spread", "power"), [(0.25, 0.25), (1.3, 1.0), (3.0, 4.0), (20.0, 16.0)])
def test_smoothed_has_the_mean_curvature_over_the_spread(name, options, spread, power):
    form = of_numbers(name)
    loss = LOSSES[name]("matrix", "identity", **options)
    if not loss.robust:
        assert loss.smoothed(lambda: spread) is loss
        return
    ends = np.array([[-power / 2], [power / 2]])
    _, slopes = evaluate(form, np.zeros_like(ends), ends, **options)
    smoothed, gradient = loss.smoothed(lambda: spread), np.empty((1, 1))
    smoothed.value_and_gradient(np.zeros((1, 1)), np.ones((1, 1)), None, gradient)
    assert gradient[0, 0] == pytest.approx((slopes[1, 0] - slopes[0, 0]) / power, rel=1e-14)


@each_dtype
def test_poisson_predictions_are_positive_and_finite(dtype):
    eps = float(np.finfo(dtype).eps)
    z = np.array([[-1e30, -2.0, 3.0, 1e30]], dtype=dtype)
    with np.errstate(over="ignore"):
        y_pred = predict(of_numbers("poisson"), z)[0]
    assert y_pred[0] > 0
    np.testing.assert_allclose(y_pred[1:3], np.exp([-2.0, 3.0]), rtol=4 * eps)
    assert y_pred[3] == np.finfo(dtype).max


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("name", ["absolute_error", "huber", "quantile", "poisson"])
def test_losses_of_numbers_allocate_no_batch(name):
    y = np.ones((100_000, 2))
    z, out, weight = np.full_like(y, 0.5), np.empty_like(y), np.ones(len(y))
    loss = LOSSES[name]("matrix", "identity")
    for sample_weight in (None, weight):
        loss.value_and_gradient(y, z, sample_weight, out)
        tracemalloc.start()
        loss.value_and_gradient(y, z, sample_weight, out)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < y.nbytes / 4


@pytest.mark.parametrize("name", ["absolute_error", "huber", "quantile", "poisson"])
def test_losses_of_numbers_refuse_codes(name):
    with pytest.raises(ValueError, match=r"codes|output_activation"):
        LOSSES[name]("codes", "sigmoid")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_an_output_activation_can_predict(name):
    ends = np.array([[-np.inf, np.inf]])
    output = ACTIVATIONS[name]
    output.apply(ends, np.empty_like(ends))
    assert (output.low, output.high) == tuple(ends[0])
    if output.inverse is None:
        assert name == "identity"
        return
    y_pred = np.array([[1e-9, 0.01, 0.5, 0.99, 1.5, 700.0, 1e9]])
    y_pred = y_pred[y_pred < output.high][np.newaxis]
    z = output.inverse(y_pred)
    output.apply(z, np.empty_like(z))
    np.testing.assert_allclose(z, y_pred, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["half_squared_error", "absolute_error", "huber", "quantile"])
@pytest.mark.parametrize("output_activation", ["identity", "relu", "softplus"])
def test_scaled_is_the_loss_in_another_unit(name, output_activation):
    form = of_numbers(name, output_activation)
    y, z, weight = random_problem(form, 2, weighted=True)
    unit = 7.0
    options = {"delta": 0.5} if name == "huber" else {}
    in_units = {"delta": 0.5 * unit} if name == "huber" else {}
    expected, expected_gradient = evaluate(form, y, z, weight, **in_units)
    loss = LOSSES[name]("matrix", output_activation, **options)
    scaled = pickle.loads(pickle.dumps(loss.scaled(np.array([unit, unit]))))
    gradient = np.empty_like(z)
    value = scaled.value_and_gradient(y / unit, z / unit, weight, gradient)
    assert value * unit**loss.degree == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(
        gradient * unit ** (loss.degree - 1), expected_gradient, rtol=1e-12, atol=1e-13
    )
    assert loss.scaled(np.ones(2)) is loss


@pytest.mark.parametrize("name", ["half_squared_error", "squared_error", "absolute_error", "huber"])
def test_smoothed_takes_what_bends_for_the_identity(name):
    y, scale = np.zeros((3, 1)), np.array([100.0])
    smooth, kinked, softplus = (LOSSES[name]("matrix", f) for f in ("identity", "relu", "softplus"))
    for loss in (kinked, softplus.scaled(scale), pickle.loads(pickle.dumps(kinked))):
        gradients = np.empty((2, 3, 1))
        for one, gradient in zip((smooth, loss), gradients, strict=True):
            z = np.array([[-1e-4], [0.0], [1e-4]])
            one.smoothed(lambda: 1.0).value_and_gradient(y + 3.0, z, None, gradient)
        np.testing.assert_array_equal(*gradients)
    for loss in (softplus, pickle.loads(pickle.dumps(softplus))):
        assert loss.smoothed(lambda: 1.0).output_activation == "softplus"
