"""The displays: what their artists show is what the core computes, legibly."""

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop.inspection import (
    FeatureImportancesDisplay,
    GradientFlowDisplay,
    LossCurveDisplay,
    NetworkDisplay,
    trace_step,
)

pytest.importorskip("matplotlib")
import matplotlib.pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle
from matplotlib.text import Text

BLUE, VERMILION = to_rgb("#0072B2"), to_rgb("#D55E00")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def textbook(**parameters):
    """A regressor that takes the textbook's steps, on sigmoids."""
    defaults = {
        "output_activation": "sigmoid",
        "conditioning": None,
        "alpha": 0,
        "learning_rate": 0.5,
        "learning_rate_schedule": "constant",
        "batch_size": "full",
        "max_iter": 3,
        "tol": None,
        "random_state": 0,
    }
    return BackpropRegressor(**(defaults | parameters))


def fitted(sizes, **parameters):
    """A fitted regressor with layers of the given sizes, its rows and targets."""
    rng = np.random.default_rng(0)
    n_inputs, *hidden, n_outputs = sizes
    X, y = rng.normal(size=(20, n_inputs)), rng.random((20, n_outputs))
    y = y[:, 0] if n_outputs == 1 else y
    return textbook(hidden_layer_sizes=hidden, **parameters).fit(X, y), X, y


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


# The loss curve


def test_the_training_loss_is_drawn_by_epoch():
    model, _, _ = fitted((2, 3, 1))
    display = LossCurveDisplay.from_estimator(model)
    assert display.line_.get_xdata().tolist() == [0, 1, 2]
    assert display.line_.get_ydata().tolist() == model.loss_curve_
    assert display.ax_.get_xlabel() == "epochs done"
    assert display.ax_.get_ylabel() == "mean half squared error (units of y²)"
    assert display.ax_.get_legend() is None
    assert display.figure_ is display.ax_.figure
    assert (display.validation_line_, display.best_line_, display.step_ax_) == (None, None, None)


def test_in_full_batch_the_first_point_is_the_loss_of_the_initial_weights():
    X, y = [[2.0]], [0.0]
    model = textbook(hidden_layer_sizes=()).fit(X, y, coefs_init=[[[1.0]]], intercepts_init=[[0.0]])
    display = LossCurveDisplay.from_estimator(model)
    assert display.line_.get_xydata()[0].tolist() == pytest.approx([0, 0.5 * sigmoid(2.0) ** 2])


def test_the_validation_loss_is_drawn_where_the_estimator_has_one():
    model, _, _ = fitted((2, 3, 1))
    model.validation_loss_curve_, model.best_iter_ = [3.0, 1.0, 2.0], 2
    display = LossCurveDisplay.from_estimator(model)
    assert display.validation_line_.get_xydata().tolist() == [[1, 3], [2, 1], [3, 2]]
    assert display.validation_line_.get_linestyle() == "--"
    assert set(display.best_line_.get_xdata()) == {2}
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["training", "validation", "best after 2 epochs"]


@pytest.mark.parametrize(
    ("schedule", "fractions"),
    [
        ("constant", [1, 1, 1, 1]),
        ("linear", [1, 3 / 4, 2 / 4, 1 / 4]),
        ("invscaling", [1, 2**-0.5, 3**-0.5, 1 / 2]),
    ],
)
def test_the_step_size_follows_the_schedule(schedule, fractions):
    model, _, _ = fitted((2, 3, 1), learning_rate_schedule=schedule, max_iter=4)
    display = LossCurveDisplay.from_estimator(model, step_size=True)
    assert display.step_line_.get_ydata() == pytest.approx(0.5 * np.array(fractions))
    assert display.step_ax_.get_ylabel() == "step size"
    assert display.step_ax_ is not display.ax_


def test_the_step_size_of_a_fit_that_ran_the_epochs_of_auto():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 1))
    model = BackpropRegressor((), random_state=0, tol=None, alpha=0).fit(X, X[:, 0] + rng.random())
    steps = LossCurveDisplay.from_estimator(model, step_size=True).step_line_.get_ydata()
    assert steps == pytest.approx(model.learning_rate_ * (1 - np.arange(60) / 60))


def test_the_step_sizes_are_those_of_the_fit_whatever_its_parameters_are_now():
    model, _, _ = fitted((2, 3, 1), learning_rate_schedule="linear", max_iter=4)
    steps = list(model.step_sizes_)
    model.set_params(max_iter=50, learning_rate_schedule="constant")
    display = LossCurveDisplay.from_estimator(model, step_size=True)
    assert display.step_line_.get_ydata().tolist() == steps


def test_curves_of_several_fits_share_axes():
    model, _, _ = fitted((2, 3, 1))
    model.validation_loss_curve_ = [1.0, 1.0, 1.0]
    _, ax = plt.subplots()
    LossCurveDisplay.from_estimator(model, ax=ax, name="one")
    black = {"color": "black", "linewidth": 3}
    second = LossCurveDisplay.from_estimator(model, ax=ax, name="two", curve_kwargs=black)
    assert second.ax_ is ax
    assert second.line_.get_linewidth() == 3
    assert second.validation_line_.get_color() == "black"
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["one: training", "one: validation", "two: training", "two: validation"]
    assert second.plot(name="third").line_.get_label() == "third: training"


def test_epochs_whose_loss_is_not_finite_are_told():
    display = LossCurveDisplay(loss_curve=[1.0, np.inf, np.nan]).plot()
    assert display.line_.get_label() == "training (not finite in 2 of 3 epochs)"
    assert display.ax_.get_legend() is not None


@pytest.mark.parametrize(
    ("curve", "kind", "message"),
    [
        ([[1.0]], ValueError, r"loss_curve must have shape \(n_epochs,\); got shape \(1, 1\)"),
        ([], ValueError, r"loss_curve must have shape .* got shape \(0,\)"),
        (["a"], TypeError, "loss_curve must be an array of numbers; got"),
    ],
)
def test_curves_that_are_none_are_refused(curve, kind, message):
    with pytest.raises(kind, match=message):
        LossCurveDisplay(loss_curve=curve).plot()


def crosses(line, box):
    """Whether a line passes through a box of pixels."""
    path = line.get_transform().transform_path(line.get_path())
    return path.intersects_bbox(box, filled=False)


@pytest.mark.parametrize("figsize", [(6.4, 4.8), (9, 7), (14, 10)])
def test_on_small_axes_the_legend_keeps_out_of_the_way(figsize):
    model, _, _ = fitted((2, 3, 1), learning_rate_schedule="linear", max_iter=40)
    model.validation_loss_curve_ = list(0.9 * np.array(model.loss_curve_))
    figure, axes = plt.subplots(2, 2, figsize=figsize, layout="constrained")
    display = LossCurveDisplay.from_estimator(model, step_size=True, ax=axes[0, 1])
    figure.draw_without_rendering()
    room, legend = display.ax_.get_window_extent(), display.ax_.get_legend()
    box = legend.get_window_extent()
    assert room.x0 < box.x0 < box.x1 < room.x1
    assert box.width * box.height < 0.25 * room.width * room.height
    for line in (display.line_, display.validation_line_, display.step_line_):
        assert not crosses(line, box), line
    sizes = {text.get_fontsize() for text in legend.get_texts()}
    for axis in (display.ax_.xaxis, display.ax_.yaxis, display.step_ax_.yaxis):
        label = axis.label.get_window_extent()
        assert label.height < 1.03 * room.height
        assert label.width < 1.03 * room.width
        assert {axis.label.get_fontsize()} == sizes
    assert 6.0 <= min(sizes) <= 10.0
    assert (max(sizes) == 10.0) == (figsize == (14, 10))


def test_the_step_size_is_on_the_scale_of_the_right_axis():
    model, _, _ = fitted((2, 3, 1))
    display = LossCurveDisplay.from_estimator(model, step_size=True)
    low, high = display.step_ax_.get_ylim()
    assert low == 0 < 0.5 < high < 0.6
    display.figure_.draw_without_rendering()
    (_, first), *_ = display.step_line_.get_transform().transform(display.step_line_.get_xydata())
    assert first == pytest.approx(display.step_ax_.transData.transform([0, 0.5])[1])


def test_the_step_sizes_of_several_fits_share_an_axis():
    _, axes = plt.subplots(1, 2, sharex=True)
    displays = [
        LossCurveDisplay(loss_curve=[2, 1], step_sizes=steps, name=name).plot(
            axes[side], curve_kwargs={"color": color}
        )
        for name, steps, side, color in [
            ("one", [0.8, 0.2], 0, "red"),
            ("two", [0.5, 0.1], 0, "blue"),
            ("alone", [0.1, 0.1], 1, "blue"),
        ]
    ]
    one, two, alone = (display.step_ax_ for display in displays)
    assert one is two is not alone
    assert one.get_ylim()[0] == alone.get_ylim()[0] == 0
    assert 0.1 < alone.get_ylim()[1] < 0.2 < 0.8 < one.get_ylim()[1] < 0.9
    assert [display.step_line_.get_color() for display in displays] == ["red", "blue", "blue"]


@pytest.mark.parametrize(
    ("loss", "label"),
    [
        ("squared_error", "mean squared error (units of y²)"),
        ("absolute_error", "mean absolute error (units of y)"),
        ("huber", "mean Huber loss (units of y²)"),
        ("quantile", "mean quantile loss (units of y)"),
        ("poisson", "mean Poisson loss"),
    ],
)
def test_the_loss_has_its_unit(loss, label):
    X = np.arange(20.0)[:, np.newaxis]
    y = 1.0 + np.sin(X[:, 0])
    of_y, of_millis = (
        BackpropRegressor((2,), loss=loss, alpha=0, max_iter=5, tol=None, random_state=0).fit(X, t)
        for t in (y, 1000.0 * y)
    )
    assert LossCurveDisplay.from_estimator(of_y).ax_.get_ylabel() == label
    degree = {"units of y": 1, "units of y²": 2}.get(label.partition("(")[2].rstrip(")"))
    if degree:
        assert of_millis.loss_ == pytest.approx(1000.0**degree * of_y.loss_, rel=1e-6)


# The network

COEFS = [np.array([[1.0, -0.5], [0.0, 0.25], [-2.0, 1.0]]), np.array([[3.0], [-1.0]])]
INTERCEPTS = [np.array([0.5, -9.0]), np.array([0.1])]


def test_lines_run_from_unit_to_unit():
    display = NetworkDisplay(coefs=COEFS, intercepts=INTERCEPTS).plot()
    assert [len(layer) for layer in display.units_] == [3, 2, 1]
    for k, coef in enumerate(COEFS):
        ends = np.array(display.lines_[k].get_segments()).reshape(*coef.shape, 2, 2)
        before = np.array([circle.center for circle in display.units_[k]])
        after = np.array([circle.center for circle in display.units_[k + 1]])
        assert (ends[:, :, 0] == before[:, np.newaxis]).all()
        assert (ends[:, :, 1] == after[np.newaxis]).all()
        assert (before[:, 0] < after[0, 0]).all()
        assert (np.diff(before[:, 1]) < 0).all()
        bias_ends = np.array(display.bias_lines_[k].get_segments())
        assert (bias_ends[:, 1] == after).all()
        assert (bias_ends[:, 0] == bias_ends[0, 0]).all()
        assert bias_ends[0, 0, 1] > before[:, 1].max()


def test_colour_and_dashes_tell_the_sign():
    display = NetworkDisplay(coefs=COEFS).plot()
    lines = display.lines_[0]
    negative = COEFS[0].ravel() < 0
    for colour, (_, dashes), is_negative in zip(
        lines.get_colors(), lines.get_linestyles(), negative, strict=True
    ):
        assert tuple(colour[:3]) == (VERMILION if is_negative else BLUE)
        assert (dashes is not None) == is_negative


def test_width_tells_the_size_in_its_layer():
    display = NetworkDisplay(coefs=COEFS, intercepts=INTERCEPTS).plot()
    for lines, coef in zip(display.lines_, COEFS, strict=True):
        widths, sizes = lines.get_linewidths(), np.abs(coef).ravel()
        slope, base = np.polyfit(sizes, widths, 1)
        assert widths == pytest.approx(base + slope * sizes)
        assert slope > 0
        assert base > 0
    first = display.lines_[0].get_linewidths()
    # As wide as a weight of ½; and -9 no wider than the widest.
    assert display.bias_lines_[0].get_linewidths() == pytest.approx([first[1], first.max()])
    assert first.max() == display.lines_[1].get_linewidths().max()


def test_weights_that_are_all_zero_are_drawn():
    display = NetworkDisplay(coefs=[np.zeros((2, 2))]).plot()
    assert np.ptp(display.lines_[0].get_linewidths()) == 0


def test_without_intercepts_there_are_no_biases():
    model, X, y = fitted((3, 2, 1), fit_intercept=False)
    for show in ("weights", "gradients"):
        display = NetworkDisplay.from_estimator(model, X[:1], y[:1], show=show)
        assert display.bias_lines_ == []


def one_one_one(**parameters):
    """A 1-1-1 network of sigmoids with given weights, and one row."""
    model = textbook(hidden_layer_sizes=1, loss="squared_error", learning_rate=1e-300, **parameters)
    weights = {"coefs_init": [[[0.7]], [[-1.1]]], "intercepts_init": [[0.2], [0.4]]}
    return model.fit([[1.5]], [0.9], **weights)


def test_a_row_goes_forward_and_back_by_the_textbooks_formulas():
    display = NetworkDisplay.from_estimator(one_one_one(), [[1.5]], [0.9])
    h = sigmoid(0.7 * 1.5 + 0.2)
    o = sigmoid(-1.1 * h + 0.4)
    delta_o = 2 * (o - 0.9) * o * (1 - o)
    delta_h = delta_o * -1.1 * h * (1 - h)
    assert np.ravel(display.activations) == pytest.approx([1.5, h, o], rel=1e-12)
    assert np.ravel(display.deltas) == pytest.approx([delta_h, delta_o], rel=1e-12)
    assert np.ravel(display.coef_gradients) == pytest.approx([delta_h * 1.5, delta_o * h])
    assert np.ravel(display.intercept_gradients) == pytest.approx([delta_h, delta_o])
    assert display.loss == pytest.approx((o - 0.9) ** 2, rel=1e-12)
    written = [text.get_text() for text in display.texts_]
    assert f"{h:.2g}\nδ {delta_h:.2g}".replace("-", "−") in written
    assert r"$x_{1}$ = 1.5" in written
    assert rf"$\hat y_{{1}}$ = {o:.2g}" + "\ny = 0.9" in written
    dashed = [layer[0].get_linestyle() not in ("solid", "-") for layer in display.units_]
    assert dashed == [False, delta_h < 0, delta_o < 0]
    assert delta_h * delta_o < 0
    colours = [tuple(lines.get_colors()[0][:3]) for lines in display.lines_]
    assert colours == [BLUE if gradient > 0 else VERMILION for gradient in (delta_h, delta_o)]


def test_the_penalty_is_left_out_of_the_gradients():
    free, penalised = one_one_one(), one_one_one()
    before = dict(vars(penalised.set_params(alpha=10.0)))
    displays = [NetworkDisplay.from_estimator(m, [[1.5]], [0.9]) for m in (free, penalised)]
    assert np.array_equal(displays[0].coef_gradients, displays[1].coef_gradients)
    assert displays[0].loss == displays[1].loss
    assert vars(penalised) == before


def test_a_classifier_in_conditioned_coordinates():
    X, y = load_iris(return_X_y=True, as_frame=True)
    y = y.map(dict(enumerate(["setosa", "versicolor", "virginica"])))
    model = BackpropClassifier(4, max_iter=20, random_state=0).fit(X, y)
    row = X[70:71]
    display = NetworkDisplay.from_estimator(model, row, y[70:71])
    proba = model.predict_proba(row)[0]
    assert display.activations[-1] == pytest.approx(proba, rel=1e-12)
    assert display.deltas[-1] == pytest.approx(proba - [0, 1, 0], rel=1e-9)
    for a, delta, gradient in zip(
        display.activations, display.deltas, display.coef_gradients, strict=False
    ):
        assert gradient == pytest.approx(np.outer(a, delta), rel=1e-12)
    written = [text.get_text() for text in display.texts_]
    assert f"petal width (cm) = {row.iloc[0, 3]:.2g}" in written
    assert any(text.startswith("versicolor = ") and text.endswith("y = 1") for text in written)
    forward = NetworkDisplay.from_estimator(model, row)
    assert forward.deltas is None
    assert np.array_equal(forward.activations[-1], display.activations[-1])


@pytest.mark.parametrize("show", ["activations", "gradients"])
def test_several_quantiles_of_one_target(show):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.normal(size=20)
    model = textbook(
        hidden_layer_sizes=2, output_activation="identity", loss="quantile", quantile=(0.2, 0.7)
    ).fit(X, y)
    target = None if show == "activations" else [-9.0]
    display = NetworkDisplay.from_estimator(model, X[:1], target)
    assert display.ax_.get_title().startswith(f"2-2-2 network: {show}")
    predicted = " ".join(text.get_text() for text in display.texts_)
    assert "quantile 0.2 = " in predicted
    assert "quantile 0.7 = " in predicted
    if target:
        assert display.targets == ["−9", "−9"]
        np.testing.assert_allclose(display.deltas[-1], [0.8, 0.3])
    GradientFlowDisplay.from_estimator(model, X, y)


def test_counts_have_predictions_that_are_exponentials():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.poisson(4.0, 20)
    model = BackpropRegressor(2, loss="poisson", max_iter=5, random_state=0).fit(X, y)
    display = NetworkDisplay.from_estimator(model, X[:1], y[:1])
    predicted = model.predict(X[:1])
    np.testing.assert_allclose(display.activations[-1], predicted, rtol=1e-12)
    np.testing.assert_allclose(display.deltas[-1], predicted - y[0], rtol=1e-12)
    flow = GradientFlowDisplay.from_estimator(model, X, y)
    assert flow.saturated[-1] is None


def test_the_one_output_of_two_classes_has_the_name_of_the_second():
    X, y = load_iris(return_X_y=True)
    model = BackpropClassifier((), max_iter=5, random_state=0).fit(X[:100], y[:100])
    display = NetworkDisplay.from_estimator(model, csr_matrix(X[:1]), y[:1])
    assert display.output_names == ["1"]
    assert display.targets == ["0"]


def test_the_fill_of_units_tells_sign_and_size():
    display = NetworkDisplay(
        coefs=[np.ones((1, 4))], activations=[[1.0], [-0.5, 0.0, 0.25, 1.0]]
    ).plot()
    rims = [circle.get_linestyle() for circle in display.units_[1]]
    fills = np.array([circle.get_facecolor()[:3] for circle in display.units_[1]])
    assert [rim != "solid" and rim != "-" for rim in rims] == [True, False, False, False]
    assert fills[1] == pytest.approx([1, 1, 1])
    depth = 1 - fills
    assert depth[2] == pytest.approx(depth[3] / 4)
    assert depth[3] / (1 - np.array(BLUE)) == pytest.approx(np.full(3, 0.5))
    assert depth[0] / (1 - np.array(VERMILION)) == pytest.approx(np.full(3, 0.25))


SIZES = [(1, 1, 1), (2, 1), (3, 2, 1), (2, 2, 2, 2), (4, 5, 3), (10, 20, 3), (64, 100, 10)]


def texts_and_boxes(ax):
    """What is written on and around axes that are off, each with its box in pixels."""
    of_the_axis = {text for axis in (ax.xaxis, ax.yaxis) for text in axis.findobj(Text)}
    texts = [text for text in ax.findobj(Text) if text.get_text() and text not in of_the_axis]
    return [(text, text.get_window_extent()) for text in texts]


def assert_legible(display):
    """No text is cut off, covers another or leaves its unit."""
    display.figure_.draw_without_rendering()
    written = texts_and_boxes(display.ax_)
    assert len(written) > len(display.units_)
    page = display.figure_.bbox
    for text, box in written:
        assert page.x0 <= box.x0 < box.x1 <= page.x1, text
        assert page.y0 <= box.y0 < box.y1 <= page.y1, text
    for (one, box), (other, other_box) in combinations(written, 2):
        # Boxes have room around their letters.
        assert not box.padded(-1.5).overlaps(other_box.padded(-1.5)), (one, other)
    diameters = {tuple(circle.center): circle.get_window_extent().width
                 for circle in display.ax_.findobj(Circle)}  # fmt: skip
    for text in display.texts_:
        width = text.get_window_extent().width
        assert width < diameters.get(text.get_position(), np.inf), text


@pytest.mark.parametrize("show", ["weights", "activations", "gradients"])
@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: "-".join(map(str, sizes)))
def test_what_is_written_is_legible(sizes, show):
    model, X, y = fitted(sizes)
    assert_legible(NetworkDisplay.from_estimator(model, X[:1], y[:1], show=show))


def test_long_names_are_legible():
    names = ["the width of a petal", "the length of a sepal in centimetres"]
    display = NetworkDisplay(
        coefs=[np.eye(2), np.eye(2)],
        activations=[[5.25, -0.00012], [0.5, 0.5], [0.5, 0.5]],
        targets=["0", "1"],
        input_names=names,
        output_names=names,
    ).plot()
    assert_legible(display)
    written = " ".join(text.get_text() for text in display.texts_)
    assert "the length of a s… = −1.2e−4" in written


@pytest.mark.parametrize("show", ["weights", "gradients"])
def test_what_is_written_on_small_axes_is_legible(show):
    data = load_iris(as_frame=True)
    X, y = data.data, data.target_names[data.target]
    model = BackpropClassifier(6, max_iter=5, random_state=0).fit(X, y)
    _, axes = plt.subplots(2, 2, figsize=(8, 6))
    display = NetworkDisplay.from_estimator(model, X[:1], y[:1], show=show, ax=axes[1, 0])
    assert_legible(display)
    room = axes[1, 0].get_window_extent()
    for text, box in texts_and_boxes(axes[1, 0]):
        assert room.x0 - 5 < box.x0 < box.x1 < room.x1 + 5, text


def luminance(colour):
    """Relative luminance of the Web Content Accessibility Guidelines 2."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("style", ["default", "dark_background", "ggplot"])
@pytest.mark.parametrize("max_units", [24, 1])
def test_text_stands_out_from_what_is_under_it(style, max_units):
    with plt.style.context(style):
        model, X, y = fitted((2, 3, 1))
        display = NetworkDisplay.from_estimator(model, X[:1], y[:1], max_units=max_units)
        page = display.figure_.get_facecolor()
    under = [patch.get_facecolor() for layer in display.units_ for patch in layer]
    under += [page] + [
        text.get_bbox_patch().get_facecolor()
        for text in display.ax_.texts
        if text.get_bbox_patch() is not None
    ]
    if max_units == 1:
        under = [page, display.ax_.patches[0].get_facecolor()]
    for text in display.ax_.texts:
        for colour in under:
            bright = sorted([luminance(text.get_color()), luminance(colour[:3])])
            assert (bright[1] + 0.05) / (bright[0] + 0.05) > 4.5


def test_names_of_layers_that_are_too_long_to_stand_side_by_side_stand_upright():
    model, X, y = fitted((2, 3, 3, 3, 1))
    upright = GradientFlowDisplay.from_estimator(model, X, y)
    _, axes = plt.subplots(3, 1, figsize=(9, 9))
    flat = GradientFlowDisplay.from_estimator(model, X, y, ax=axes)
    for display, rotation in ((upright, 90), (flat, 0)):
        display.figure_.draw_without_rendering()
        for panel in display.axes_:
            labels = panel.get_xticklabels()
            assert {label.get_rotation() for label in labels} == {rotation}
            for one, other in combinations(labels, 2):
                assert not one.get_window_extent().overlaps(other.get_window_extent())


def test_units_are_circles():
    model, X, y = fitted((1, 2, 1))
    display = NetworkDisplay.from_estimator(model, X[:1], y[:1])
    display.figure_.draw_without_rendering()
    box = display.units_[0][0].get_window_extent()
    assert box.width == pytest.approx(box.height)
    # Large enough to read, in a figure that fits a page.
    assert box.width > 0.4 * display.figure_.dpi
    assert (display.figure_.get_size_inches() < 10).all()


def test_units_are_circles_on_axes_that_are_too_small():
    model, X, y = fitted((3, 2, 1))
    _, ax = plt.subplots(figsize=(2, 4))
    display = NetworkDisplay.from_estimator(model, X[:1], y[:1], ax=ax)
    display.figure_.draw_without_rendering()
    box = display.units_[0][0].get_window_extent()
    assert box.width == pytest.approx(box.height)


def test_given_axes_are_drawn_on():
    model, X, y = fitted((3, 2, 1))
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    displays = [
        NetworkDisplay.from_estimator(model, X[:1], y[:1], show=show, ax=ax)
        for show, ax in zip(("activations", "gradients"), axes, strict=True)
    ]
    assert [display.ax_ for display in displays] == list(axes)
    assert displays[0].figure_ is figure
    assert "activations" in axes[0].get_title()
    assert "gradients" in axes[1].get_title()


def test_wide_networks_are_summarised():
    model, X, y = fitted((30, 40, 2))
    display = NetworkDisplay.from_estimator(model, X[:1], y[:1])
    assert not display.ax_.findobj(Circle)
    assert not display.ax_.findobj(LineCollection)
    written = [text.get_text() for text in display.texts_]
    assert written == ["30 inputs", "δ of 40 units", "δ of 2 units", "∂J/∂w of 1,200 weights",
                       "∂J/∂w of 80 weights"]  # fmt: skip
    for bars, values in zip(display.lines_, display.coef_gradients, strict=True):
        heights = np.array([bar.get_height() for bar in bars])
        counts = heights / heights.sum() * values.size
        assert counts == pytest.approx(np.round(counts))
        below = [bar.get_hatch() is not None for bar in bars]
        assert counts[below].sum() == pytest.approx((values < 0).sum())
    every_unit = NetworkDisplay.from_estimator(model, max_units=40)
    assert [len(layer) for layer in every_unit.units_] == [30, 40, 2]


def test_a_histogram_of_equal_numbers_has_one_bar():
    display = NetworkDisplay(coefs=[np.zeros((30, 1))]).plot()
    assert len(display.lines_[0]) == 1


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"coefs": []}, TypeError, r"coefs must be a sequence of matrices.* got \[\]"),
        ({"coefs": [[1.0]]}, ValueError, r"coefs\[0\] must have shape .* got shape \(1,\)"),
        ({"coefs": [COEFS[1], COEFS[1]]}, ValueError, r"coefs\[1\] .*\(1, fan_out\).*\(2, 1\)"),
        ({"coefs": [[[np.nan]]]}, ValueError, r"coefs\[0\] must be finite; got nan"),
        ({"intercepts": INTERCEPTS[:1]}, ValueError, "intercepts must have 2 arrays; got 1"),
        ({"intercepts": [[0], [0]]}, ValueError, r"intercepts\[0\] must have shape \(2,\)"),
        ({"activations": "a"}, TypeError, "activations must be a sequence of arrays; got 'a'"),
        ({"activations": [[1], [1], [1]]}, ValueError, r"activations\[0\] must have shape \(3,\)"),
        ({"input_names": ["a"]}, ValueError, r"input_names must be 3 names; got \['a'\]"),
        ({"layer_names": "abc"}, ValueError, "layer_names must be 3 names; got 'abc'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, kind, message):
    with pytest.raises(kind, match=message):
        NetworkDisplay(**({"coefs": COEFS, "intercepts": INTERCEPTS} | change)).plot()


def test_what_cannot_be_shown_is_refused():
    model, X, y = fitted((3, 2, 1))
    with pytest.raises(ValueError, match="show='gradients' needs a row X and its target y"):
        NetworkDisplay.from_estimator(model, X[:1], show="gradients")
    with pytest.raises(ValueError, match="show='activations' needs a row X"):
        NetworkDisplay.from_estimator(model, show="activations")
    with pytest.raises(ValueError, match=r"show must be one of 'weights', .* got 'deltas'"):
        NetworkDisplay.from_estimator(model, show="deltas")
    with pytest.raises(ValueError, match="X must have one row; got 20"):
        NetworkDisplay.from_estimator(model, X, y)
    with pytest.raises(ValueError, match="X must be given with y"):
        NetworkDisplay.from_estimator(model, y=y[:1])


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_network_of_a_trace_is_that_of_its_estimator(fit_intercept):
    model, X, y = fitted((3, 2, 2), fit_intercept=fit_intercept)
    trace = trace_step(model, X[:1], y[:1])
    of_trace, of_model = (
        NetworkDisplay.from_trace(trace),
        NetworkDisplay.from_estimator(model, X[:1], y[:1]),
    )
    assert (
        of_trace.ax_.get_title()
        == of_model.ax_.get_title()
        == (f"3-2-2 network: gradients of a row, J = {trace.value:.2g}")
    )
    for one, other in zip(of_trace.texts_, of_model.texts_, strict=True):
        assert one.get_text() == other.get_text()
        assert one.get_position() == other.get_position()
    for one, other in zip(of_trace.lines_, of_model.lines_, strict=True):
        np.testing.assert_array_equal(one.get_linewidths(), other.get_linewidths())
    assert [of_trace.intercepts is None, len(of_trace.bias_lines_)] == (
        [False, 2] if fit_intercept else [True, 0]
    )
    named = NetworkDisplay.from_trace(trace, show="weights", output_names=["no", "yes"])
    assert [text.get_text() for text in named.texts_[-2:]] == ["no", "yes"]


def test_the_gradients_of_a_trace_are_those_of_its_objective():
    model, X, y = fitted((3, 2, 1), alpha=0.5)
    trace = trace_step(model, X[:1], y[:1])
    display = NetworkDisplay.from_trace(trace)
    assert display.loss == trace.value
    for drawn, layer in zip(display.coef_gradients, trace.layers, strict=True):
        np.testing.assert_array_equal(drawn, layer.coef_gradient)


def test_a_picture_of_a_trace_is_of_one_row():
    model, X, y = fitted((3, 2, 1))
    with pytest.raises(ValueError, match="trace must be of one row; got 20"):
        NetworkDisplay.from_trace(trace_step(model, X, y))
    with pytest.raises(TypeError, match="trace must be a StepTrace; got BackpropRegressor"):
        NetworkDisplay.from_trace(model)


# The flow of the gradient


def test_distributions_are_those_of_the_rows():
    model, X, y = fitted((3, 4, 5, 2), loss="half_squared_error")
    display = GradientFlowDisplay.from_estimator(model, X, y)
    (W1, W2, W3), (b1, b2, b3) = model.coefs_, model.intercepts_
    a1 = sigmoid(X @ W1 + b1)
    a2 = sigmoid(a1 @ W2 + b2)
    y_pred = sigmoid(a2 @ W3 + b3)
    d3 = (y_pred - y) * y_pred * (1 - y_pred)
    d2 = (d3 @ W3.T) * a2 * (1 - a2)
    d1 = (d2 @ W2.T) * a1 * (1 - a1)
    for ours, theirs in zip(display.activations, (a1, a2, y_pred), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-10)
    for ours, theirs in zip(display.deltas, (d1, d2, d3), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-10)
    medians = [line.get_ydata()[0] for line in display.activation_boxes_["medians"]]
    assert medians == pytest.approx([np.median(a) for a in (a1, a2, y_pred)])
    medians = [line.get_ydata()[0] for line in display.delta_boxes_["medians"]]
    assert medians == pytest.approx([np.median(np.abs(d)) for d in (d1, d2, d3)])
    whiskers = display.delta_boxes_["whiskers"][:2]
    ends = [line.get_ydata()[1] for line in whiskers]
    assert ends == pytest.approx(np.percentile(np.abs(d1), [5, 95]))
    assert display.axes_[1].get_yscale() == "log"


def test_saturation_is_a_derivative_that_is_small_against_the_largest():
    coefs = [np.array([[100.0, 1.0, 0.0]]), np.ones((3, 1))]
    model = textbook(hidden_layer_sizes=3, learning_rate=1e-300, max_iter=1)
    X, y = np.array([[1.0], [4.0], [-0.5], [0.5]]), np.full(4, 0.5)
    model.fit(X, y, coefs_init=coefs, intercepts_init=[[0, 0, 0], [0]])
    display = GradientFlowDisplay.from_estimator(model, X, y)
    a = sigmoid(X @ coefs[0])
    assert np.array_equal(display.saturated[0], a * (1 - a) < 0.05 * 0.25)
    assert display.saturated[0].sum(axis=0).tolist() == [4, 0, 0]
    assert [bar.get_height() for bar in display.bars_] == pytest.approx([1 / 3, 0])
    assert [bar.get_height() for bar in display.always_bars_] == pytest.approx([1 / 3, 0])
    strict = GradientFlowDisplay.from_estimator(model, X, y, saturation=0.1)
    assert strict.saturated[0].sum(axis=0).tolist() == [4, 1, 0]
    assert [bar.get_height() for bar in strict.bars_] == pytest.approx([5 / 12, 0])
    assert [bar.get_height() for bar in strict.always_bars_] == pytest.approx([1 / 3, 0])


def test_the_log_loss_has_no_saturated_outputs():
    X, y = load_iris(return_X_y=True)
    model = BackpropClassifier((5, 5), max_iter=3, random_state=0).fit(X, y)
    display = GradientFlowDisplay.from_estimator(model, X, y)
    assert display.saturated[-1] is None
    assert len(display.bars_) == 2
    assert "n/a" in [text.get_text() for text in display.axes_[2].texts]
    squared = model.set_params(loss="half_squared_error").fit(X, y)
    assert len(GradientFlowDisplay.from_estimator(squared, X, y).bars_) == 3


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_deltas_of_a_row_do_not_depend_on_the_other_rows(reduction):
    model, X, y = fitted((3, 4, 1), loss_reduction=reduction, max_iter=1, alpha=0.5)
    one, all_rows = (GradientFlowDisplay.from_estimator(model, X[:n], y[:n]) for n in (1, 20))
    for single, several in zip(one.deltas, all_rows.deltas, strict=True):
        assert single[0] == pytest.approx(several[0], rel=1e-12)


def test_deltas_that_are_zero_are_told():
    model = textbook(hidden_layer_sizes=2, activation="relu", learning_rate=1e-300, max_iter=1)
    X, y = np.array([[1.0], [2.0]]), np.array([0.1, 0.9])
    model.fit(X, y, coefs_init=[[[-1.0, 1.0]], [[1.0], [1.0]]])
    display = GradientFlowDisplay.from_estimator(model, X, y)
    assert [text.get_text() for text in display.axes_[1].texts] == ["50%\nare 0"]
    assert display.always_bars_[0].get_height() == 0.5
    median = display.delta_boxes_["medians"][0].get_ydata()[0]
    assert median == pytest.approx(np.median(np.abs(display.deltas[0][:, 1])))
    dead = GradientFlowDisplay(activations=[[[0.0]]], deltas=[[[0.0]]], saturated=[[[1]]]).plot()
    assert [text.get_text() for text in dead.axes_[1].texts] == ["100%\nare 0"]


@pytest.mark.parametrize("figsize", [(6.4, 4.8), (9, 8)])
def test_all_units_may_be_saturated_and_small_panels_be_read(figsize):
    model, X, y = fitted((2, 3, 3, 3, 1))
    model.coefs_ = [100.0 * coef for coef in model.coefs_]
    figure, axes = plt.subplots(2, 3, figsize=figsize, layout="constrained")
    display = GradientFlowDisplay.from_estimator(model, X, y, ax=axes[1])
    figure.draw_without_rendering()
    assert max(bar.get_height() for bar in display.bars_) > 0.9
    panel = display.axes_[2]
    box, room = panel.get_legend().get_window_extent(), panel.get_window_extent()
    assert box.y0 > panel.transData.transform([0, 1.0])[1]
    assert room.x0 < box.x0 < box.x1 < room.x1
    for panel in display.axes_:
        room = panel.get_window_extent()
        assert panel.yaxis.label.get_window_extent().height < 1.03 * room.height
        assert panel.title.get_window_extent().width < 1.03 * room.width


def test_the_panels_may_be_given():
    model, X, y = fitted((2, 3, 1))
    figure, axes = plt.subplots(3, 1)
    display = GradientFlowDisplay.from_estimator(model, X, y, ax=axes)
    assert list(display.axes_) == list(axes)
    assert display.figure_ is figure
    labels = [label.get_text() for label in axes[0].get_xticklabels()]
    assert labels == ["1 sigmoid", "2 sigmoid"]
    with pytest.raises(ValueError, match="ax must have three axes, one a panel; got 1"):
        display.plot(axes[0])


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"activations": 3}, TypeError, "activations must be a sequence of arrays.* got 3"),
        ({"activations": [[1.0]]}, ValueError, r"activations\[0\] must have shape .*\(1,\)"),
        ({"deltas": [[[1.0, 2.0]]]}, ValueError, r"deltas\[0\] must have shape \(1, 1\)"),
        ({"saturated": []}, ValueError, "saturated must have 1 arrays; got 0"),
        ({"saturated": [[1]]}, ValueError, r"saturated\[0\] must have shape \(1, 1\)"),
        ({"layer_names": ["a", "b"]}, ValueError, "layer_names must have 1 names; got 2"),
    ],
)
def test_layers_that_do_not_fit_are_refused(change, kind, message):
    data = {"activations": [[[0.5]]], "deltas": [[[0.1]]], "saturated": [None]}
    with pytest.raises(kind, match=message):
        GradientFlowDisplay(**(data | change)).plot()


def test_saturation_is_a_fraction():
    model, X, y = fitted((2, 3, 1))
    with pytest.raises(ValueError, match="saturation must be a number above 0 and below 1; got 5"):
        GradientFlowDisplay.from_estimator(model, X, y, saturation=5)
    with pytest.raises(TypeError, match=r"saturation must be a number above 0 .*; got 'a'"):
        GradientFlowDisplay.from_estimator(model, X, y, saturation="a")


# The importances


def test_importances_are_bars_in_their_order():
    pandas = pytest.importorskip("pandas")
    _, X, y = fitted((3, 3, 1))
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    model = textbook(hidden_layer_sizes=2).fit(frame, y)
    display = FeatureImportancesDisplay.from_estimator(model)
    widths = [bar.get_width() for bar in display.bars_]
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    importances = dict(zip("abc", model.feature_importances_, strict=True))
    assert names == sorted("abc", key=importances.get, reverse=True)
    assert widths == [importances[name] for name in names]
    heights = display.ax_.transData.transform([(0, bar.get_y()) for bar in display.bars_])[:, 1]
    assert (np.diff(heights) < 0).all()
    assert display.ax_.get_ylabel() == ""
    assert display.figure_ is display.ax_.figure


def test_the_most_important_features_are_drawn_and_the_others_told():
    _, ax = plt.subplots()
    model, _, _ = fitted((12, 3, 1))
    display = FeatureImportancesDisplay.from_estimator(model, ax=ax, max_features=2)
    assert display.ax_ is ax
    assert [bar.get_width() for bar in display.bars_] == sorted(model.feature_importances_)[:-3:-1]
    assert ax.get_ylabel() == "2 of 12 features"
    assert len(display.plot().bars_) == 12
    given = FeatureImportancesDisplay(importances=[0.25, -0.5, 0.75]).plot(max_features=2)
    assert [label.get_text() for label in given.ax_.get_yticklabels()] == ["x₃", "x₁"]


@pytest.mark.parametrize(
    ("data", "max_features", "kind", "message"),
    [
        ({"importances": [[1.0]]}, 1, ValueError, r"importances must have shape .* shape \(1, 1\)"),
        ({"importances": []}, 1, ValueError, r"importances must have shape .* got shape \(0,\)"),
        ({"importances": [np.nan]}, 1, ValueError, "importances must be finite; got nan"),
        ({"importances": ["a"]}, 1, TypeError, "importances must be an array of numbers; got"),
        (
            {"importances": [1, 2], "feature_names": ["a"]},
            1,
            ValueError,
            r"feature_names must be 2 names; got \['a'\]",
        ),
        (
            {"importances": [1, 2], "feature_names": "ab"},
            1,
            ValueError,
            "feature_names must be 2 names; got 'ab'",
        ),
        (
            {"importances": [1, 2], "feature_names": 2},
            1,
            ValueError,
            "feature_names must be 2 names; got 2",
        ),
        ({"importances": [1]}, 0, ValueError, "max_features must be .* at least 1; got 0"),
    ],
)
def test_importances_that_are_none_are_refused(data, max_features, kind, message):
    with pytest.raises(kind, match=message):
        FeatureImportancesDisplay(**data).plot(max_features=max_features)


def test_names_of_importances_are_whole_and_no_formulas():
    pandas = pytest.importorskip("pandas")
    _, X, y = fitted((3, 3, 1))
    names = ["price in $", "$x$", "a rather long column, " * 3]
    model = textbook(hidden_layer_sizes=2).fit(pandas.DataFrame(X, columns=names), y)
    display = FeatureImportancesDisplay.from_estimator(model)
    assert list(display.feature_names) == names
    drawn = {label.get_text() for label in display.ax_.get_yticklabels()}
    assert drawn == {r"price in \$", r"\$x\$", names[2][:39] + "…"}


# All of them

FROM_ESTIMATOR = {
    "loss": lambda estimator, X, y: LossCurveDisplay.from_estimator(estimator),
    "network": lambda estimator, X, y: NetworkDisplay.from_estimator(estimator, X[:1], y[:1]),
    "weights": lambda estimator, X, y: NetworkDisplay.from_estimator(estimator),
    "flow": GradientFlowDisplay.from_estimator,
    "importances": lambda estimator, X, y: FeatureImportancesDisplay.from_estimator(estimator),
}
each_display = pytest.mark.parametrize("draw", FROM_ESTIMATOR.values(), ids=FROM_ESTIMATOR)


@each_display
def test_estimators_that_are_not_fitted_are_refused(draw):
    with pytest.raises(NotFittedError):
        draw(BackpropRegressor(), np.ones((2, 1)), np.ones(2))


@each_display
def test_pipelines_are_told_what_to_pass(draw):
    model, X, y = fitted((2, 3, 1))
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    with pytest.raises(TypeError, match=r"estimator must be .* got Pipeline.* pipeline\[-1\]"):
        draw(pipeline, X, y)


@each_display
def test_without_matplotlib_the_extra_is_named(draw, monkeypatch):
    model, X, y = fitted((2, 3, 1))
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"needs matplotlib.*pip install 'skbackprop\[plots\]'"):
        draw(model, X, y)


@each_display
def test_plotting_again_draws_the_same(draw):
    model, X, y = fitted((2, 3, 1))
    display = draw(model, X, y)
    assert display.plot() is display


def test_matplotlib_is_imported_for_drawing_only():
    code = "import sys, skbackprop.inspection; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
