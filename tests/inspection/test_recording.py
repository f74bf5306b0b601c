"""The recording of a fit: what the fit did, frame by frame, and the data of its page."""

import base64
import html
import json
import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._core.activations import ACTIVATIONS
from skbackprop._core.rows import Batches
from skbackprop.inspection import _page, record_fit, trace_step
from skbackprop.inspection._rendering import Table

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 2))
Y = np.sin(X @ [1.0, -2.0])
LABELS = np.where(Y > 0.0, "up", "down")
TEXTBOOK = {
    "conditioning": None,
    "alpha": 0,
    "learning_rate_schedule": "constant",
    "batch_size": "full",
    "learning_rate": 0.1,
    "tol": None,
    "random_state": 0,
}
PLAIN = BackpropRegressor(3, max_iter=20, **TEXTBOOK)


def data_of(page):
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*)</script>', page)[1]
    )


def doubles(packed):
    return np.frombuffer(base64.b64decode(packed), dtype="<f8")


# --- The fit -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "y", "dtype"),
    [
        (PLAIN, Y, np.float64),
        (BackpropRegressor(4, max_iter=15, random_state=0), Y, np.float64),
        (BackpropRegressor(4, max_iter=15, batch_size=5, random_state=0), Y, np.float32),
        (BackpropRegressor(4, max_iter=15, feature_penalty=0.1, random_state=0), Y, np.float64),
        (BackpropClassifier((3, 2), max_iter=15, batch_size=4, random_state=0), LABELS, np.float64),
    ],
)
def test_a_recorded_fit_is_an_ordinary_one(estimator, y, dtype):
    inputs = X.astype(dtype)
    ordinary, recorded = clone(estimator).fit(inputs, y), clone(estimator)
    recording = record_fit(recorded, inputs, y, every=3, max_frames=5)
    assert set(vars(recorded)) == set(vars(ordinary))
    assert recorded.loss_curve_ == ordinary.loss_curve_
    for one, other in zip(
        recorded.coefs_ + recorded.intercepts_, ordinary.coefs_ + ordinary.intercepts_, strict=True
    ):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    for coef, of_frames in zip(ordinary.coefs_, recording.coefs, strict=True):
        np.testing.assert_array_equal(of_frames[-1], coef)


def test_the_frames_are_where_the_fit_was():
    recording = record_fit(clone(PLAIN), X, Y)
    np.testing.assert_array_equal(recording.steps, range(21))
    model = recording.estimator
    np.testing.assert_allclose(recording.losses, [*model.loss_curve_, model.loss_], rtol=1e-14)
    np.testing.assert_array_equal(recording.step_sizes[:-1], model.step_sizes_)
    for steps in (1, 7, 20):
        shorter = clone(PLAIN).set_params(max_iter=steps).fit(X, Y)
        for coef, of_frames in zip(shorter.coefs_, recording.coefs, strict=True):
            np.testing.assert_array_equal(of_frames[steps], coef)
        for intercept, of_frames in zip(shorter.intercepts_, recording.intercepts, strict=True):
            np.testing.assert_array_equal(of_frames[steps], intercept)


@pytest.mark.parametrize("conditioning", [None, "standardize"])
@pytest.mark.parametrize("batch_size", ["full", 5])
def test_the_step_after_a_frame_leads_to_the_next(conditioning, batch_size):
    model = clone(PLAIN).set_params(batch_size=batch_size, conditioning=conditioning, max_iter=3)
    recording = record_fit(model, X, Y)
    assert len(recording) == {"full": 4, 5: 10}[batch_size]
    for frame in range(len(recording) - 1):
        trace = recording.trace(frame)
        for layer, of_frames in zip(trace.layers, recording.coefs, strict=True):
            np.testing.assert_allclose(layer.new_coef, of_frames[frame + 1], rtol=0, atol=1e-13)


def test_a_frame_in_batches_has_the_rows_of_its_step():
    recording = record_fit(clone(PLAIN).set_params(batch_size=5, shuffle=False), X, Y)
    rows = [list(np.arange(len(X))[rows]) for rows in recording.rows[:3]]
    assert rows == [list(range(5)), list(range(5, 10)), [10, 11]]
    assert len(Batches(len(X), 5)) == 3


def test_many_steps_are_thinned():
    recording = record_fit(clone(PLAIN).set_params(max_iter=1000), X, Y, max_frames=16)
    np.testing.assert_array_equal(recording.steps, [*range(0, 1000, 64), 1000])
    recording = record_fit(clone(PLAIN), X, Y, every=8)
    np.testing.assert_array_equal(recording.steps, [0, 8, 16, 20])


@pytest.mark.parametrize(
    "kind", [pd.DataFrame, sparse.csr_array, sparse.coo_array, np.ndarray.tolist]
)
@pytest.mark.parametrize(
    ("batch_size", "weights"), [(5, {}), ("full", {"sample_weight": 1.0 + Y**2})]
)
def test_what_holds_the_data_does_not_matter(kind, batch_size, weights):
    model = clone(PLAIN).set_params(batch_size=batch_size)
    lists = {name: list(values) for name, values in weights.items()}
    recording = record_fit(model, kind(X), Y.tolist(), **lists)
    assert recording.trace(4).value == record_fit(clone(model), X, Y, **weights).trace(4).value


@pytest.mark.parametrize("weighted", ["sample_weight", "class_weight"])
def test_weighted_rows_are_recorded_in_full_batch_only(weighted):
    labels = (Y > 0).astype(int)
    model = BackpropClassifier(3, random_state=0, max_iter=3, tol=None, feature_penalty=0)
    weights = {}
    if weighted == "sample_weight":
        weights["sample_weight"] = 1.0 + Y**2
    else:
        model.set_params(class_weight="balanced")
    with pytest.raises(ValueError, match=r"batch_size must be 'full' .*; got batch_size=5"):
        record_fit(clone(model).set_params(batch_size=5), X, labels, **weights)
    recording = record_fit(model.set_params(batch_size="full"), X, labels, **weights)
    coef = recording.trace(0).layers[0].new_coef
    np.testing.assert_allclose(coef, recording.coefs[0][1], rtol=1e-9)


@pytest.mark.parametrize(
    "changed",
    [
        {"batch_size": "full"},
        {"batch_size": 5, "learning_rate": 0.1},
        {"batch_size": "full", "hidden_layer_sizes": (), "feature_penalty": 0.5},
        {"batch_size": "full", "fit_intercept": False},
    ],
)
def test_the_step_with_feature_scales_leads_to_the_next_frame(changed):
    settings = {"hidden_layer_sizes": 3, "random_state": 0, "max_iter": 6, "tol": None}
    inputs = X * [1.0, 50.0] + [0.0, 1000.0]
    recording = record_fit(BackpropRegressor(**settings | changed), inputs, Y)
    assert np.ptp(recording.feature_scales) > 0
    assert recording.scale_penalties[0] == 0 < recording.scale_penalties[-1]
    for frame in range(len(recording) - 1):
        trace = recording.trace(frame)
        if changed["batch_size"] == "full":
            np.testing.assert_allclose(trace.value, recording.losses[frame], rtol=1e-12)
        np.testing.assert_allclose(trace.scales, recording.feature_scales[frame : frame + 2])
        for layer, coef in zip(trace.layers, recording.coefs, strict=True):
            np.testing.assert_allclose(layer.new_coef, coef[frame + 1], rtol=1e-9, atol=1e-12)
        if recording.intercepts is not None:
            for layer, intercept in zip(trace.layers, recording.intercepts, strict=True):
                np.testing.assert_allclose(layer.new_intercept, intercept[frame + 1], rtol=1e-9)
        for name in ("coefs[0][1, 0]", "coefs[0][0, 0]"):
            chain = trace.chain(name)
            np.testing.assert_allclose(chain.value, chain.gradient, rtol=1e-9)


def test_the_trace_says_how_feature_scales_are_moved():
    model = BackpropRegressor(3, random_state=0, batch_size="full", max_iter=3, tol=None)
    recording = record_fit(model, X, Y)
    text = str(recording.trace(1))
    assert "The fit takes the step on factors of the weights of layer 1" in text
    assert (
        f"x₁     {recording.feature_scales[1, 0]:.6f}  {recording.feature_scales[2, 0]:.6f}" in text
    )
    assert "factors" not in str(record_fit(model.set_params(feature_penalty=0), X, Y).trace(0))


def test_a_feature_whose_scale_has_faded_is_traced():
    model = BackpropRegressor(3, random_state=0, batch_size="full", max_iter=3, tol=None)
    recording = record_fit(model, X, Y)
    recording.feature_scales[1, 0] = 0.0
    recording.coefs[0][1, 0] = 0.0
    assert np.isfinite(recording.trace(1).layers[0].new_coef).all()


def test_rows_have_their_numbers_in_the_data():
    recording = record_fit(clone(PLAIN).set_params(batch_size=5), X, Y)
    trace = recording.trace(1)
    np.testing.assert_array_equal(trace.rows, recording.rows[1])
    assert list(trace.to_frame("units")["row"].unique()) == list(trace.rows)
    chain = trace.chain("coefs[0][0, 0]")
    assert list(chain.to_frame()["row"].unique()) == list(trace.rows)
    of_tables = [part for part in [*trace._report(), *chain._report()] if isinstance(part, Table)]
    labels = [[line[0] for line in part.lines] for part in of_tables if part.header[0] == "row"]
    assert len(labels) == 5
    assert all(list(dict.fromkeys(of)) in ([*trace.rows], [*trace.rows, "all"]) for of in labels)
    [panel] = data_of(recording.to_html())["panels"]
    assert panel["rows"] == [
        np.arange(len(X))[recording.rows[list(recording.steps).index(step)]].tolist()[:8]
        for step in panel["steps"]
    ]


@pytest.mark.filterwarnings("ignore::skbackprop.DivergenceWarning")
def test_whether_the_fit_kept_earlier_weights():
    assert not record_fit(clone(PLAIN), X, Y).kept_earlier
    diverging = clone(PLAIN).set_params(learning_rate=1e6, max_iter=200, activation="relu")
    recording = record_fit(diverging, X, Y)
    assert recording.kept_earlier
    assert recording.losses[-1] == recording.losses[0]
    # The loss on other rows is lowest after some epochs.
    best = record_fit(clone(PLAIN).set_params(max_iter=500), X, Y, X_val=X[:3], y_val=-Y[:3])
    assert best.estimator.best_iter_ < 500
    assert best.kept_earlier


def test_rows_are_kept_without_those_of_the_whole_epoch():
    recording = record_fit(clone(PLAIN).set_params(batch_size=5), X, Y)
    assert all(rows.base is None for rows in recording.rows)


def test_the_recorded_estimator_has_nothing_of_the_fit_under_way():
    recording = record_fit(clone(PLAIN), X, Y)
    assert vars(recording.estimator).keys() == vars(clone(PLAIN).fit(X, Y)).keys()


def test_templates_that_no_frame_of_the_page_has_are_left_out():
    labels = np.arange(12) % 3
    recording = record_fit(BackpropClassifier(3, max_iter=40, tol=None, random_state=0), X, labels)
    panel = _page._Panel(recording._played())
    panel._series["step"]._which[1] = len(panel._series["step"]._variants)
    panel._series["step"]._variants["never shown"] = panel._series["step"]._which[1]
    report = panel.contents(2)["reports"]["step"]
    assert len(report["variants"]) == 1 + max(np.atleast_1d(report["which"]))


def test_frames_with_other_scales_share_their_templates():
    model = BackpropRegressor(3, random_state=0, max_iter=30, tol=None)
    recording = record_fit(model, X, Y)
    assert len(np.unique(recording.feature_scales[:, 0])) > 20
    panel = _page._Panel(recording._played())
    # The penalty of the scales begins with the second epoch.
    assert all(len(series._variants) <= 2 for series in panel._series.values())


def test_the_recording_is_not_changed_by_what_comes_after():
    inputs, model = X.copy(), clone(PLAIN)
    recording = record_fit(model, inputs, Y)
    value = recording.trace(3).value
    inputs *= 2.0
    model.fit(inputs, -Y)
    assert recording.trace(3).value == value


def test_a_fit_that_fails_leaves_nothing():
    model = clone(PLAIN)
    before = set(vars(model))
    with pytest.raises(ValueError, match="NaN"):
        record_fit(model, X * np.nan, Y)
    assert set(vars(model)) == before


@pytest.mark.filterwarnings("ignore::skbackprop.DivergenceWarning")
def test_a_fit_that_diverges_has_a_page():
    model = clone(PLAIN).set_params(learning_rate=1e6, max_iter=200, activation="relu")
    recording = record_fit(model, X, Y)
    assert recording.steps[-1] < 200
    assert all(np.isfinite(coef).all() for coef in recording.coefs)
    [panel] = data_of(recording.to_html())["panels"]
    assert len(panel["steps"]) == len(recording)


@pytest.mark.filterwarnings("ignore::skbackprop.DivergenceWarning")
def test_frames_of_weights_beyond_the_range_of_floats_are_left_out():
    """The weights V and the scales may be finite where their product W is not."""
    settings = {"activation": "relu", "learning_rate": 100.0, "max_iter": 60, "random_state": 0}
    recording = record_fit(BackpropRegressor(3, batch_size="full", **settings), X, 2.0 * X[:, 0])
    assert all(np.isfinite(coef).all() for coef in recording.coefs)
    [panel] = data_of(recording.to_html())["panels"]
    assert panel["steps"][-1] == recording.steps[-1]


def test_without_intercepts_there_are_none():
    recording = record_fit(clone(PLAIN).set_params(fit_intercept=False), X, Y)
    assert recording.intercepts is None
    assert repr(recording) == "<FitRecording of a 2-3-1 network: 20 steps in 21 frames>"


@pytest.mark.parametrize(
    ("changed", "arguments", "error", "message"),
    [
        ({}, {"every": 0}, ValueError, "every must be an integer of at least 1; got 0"),
        ({}, {"every": 1.5}, TypeError, "every must be an integer of at least 1; got 1.5"),
        ({}, {"max_frames": 1}, ValueError, "max_frames must be an integer of at least 2; got 1"),
        ({"early_stopping": True}, {}, ValueError, "early_stopping=False"),
        ({}, {"sample_weight": [0.0] + [1.0] * 11}, ValueError, "1 of them with a weight of 0"),
    ],
)
def test_what_is_not_accepted(changed, arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        record_fit(clone(PLAIN).set_params(**changed), X, Y, **arguments)


def test_only_estimators_of_the_package_are_recorded():
    with pytest.raises(TypeError, match="estimator must be a BackpropClassifier"):
        record_fit("network", X, Y)


def test_only_frames_that_exist_are_traced():
    recording = record_fit(clone(PLAIN), X, Y)
    assert recording.trace(-1).value == trace_step(recording.estimator, X, Y).value
    with pytest.raises(ValueError, match="frame must be below 21, the number of frames; got 21"):
        recording.trace(21)
    with pytest.raises(ValueError, match="frame must be an integer of at least -21; got -22"):
        recording.trace(-22)


# --- The page ------------------------------------------------------------------------------------


def numbers_of(report):
    """The numbers of a report in order."""
    for part in report:
        cells = [cell for line in part.lines for cell in line] if isinstance(part, Table) else part
        yield from (cell for cell in cells if isinstance(cell, int | float))


def filled(template, values):
    """The numbers of a template in order."""
    for part in template:
        cells = [cell for line in part["lines"] for cell in line] if "lines" in part else part
        for cell in cells:
            if isinstance(cell, int):
                yield values[cell]
            elif isinstance(cell, dict):
                yield int(values[cell["whole"]])
            elif isinstance(cell, list):
                yield np.prod([values[k] for k in cell])


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_the_page_has_the_numbers_of_the_traces(n_outputs):
    y = np.column_stack([Y, Y**2])[:, :n_outputs]
    recording = record_fit(clone(PLAIN).set_params(alpha=0.1, max_iter=5), X[:4], y[:4])
    [panel] = data_of(recording.to_html())["panels"]
    assert panel["steps"] == recording.steps.tolist()
    np.testing.assert_array_equal(doubles(panel["losses"]), recording.losses)
    constant = doubles(panel["constant"])
    varying = doubles(panel["varying"]).reshape(len(recording), -1)

    def at(slot, frame):
        return constant[slot] if slot < len(constant) else varying[frame, slot - len(constant)]

    for frame in (0, 3, 5):
        trace = recording.trace(frame)
        for name, packed in panel["reports"].items():
            report = (trace if name == "step" else trace.chain(name))._report()
            template = packed["variants"][packed["which"][frame] if packed["which"] else 0]
            values = [at(slot, frame) for slot in packed["slots"]]
            assert list(filled(template, values)) == list(numbers_of(report))


def test_a_page_is_one_file_that_asks_for_nothing(tmp_path):
    recording = record_fit(clone(PLAIN), X, Y)
    page = recording.to_html(tmp_path / "fit.html", title="A <fit>")
    assert (tmp_path / "fit.html").read_text(encoding="utf-8") == page
    assert "<title>A &lt;fit&gt;</title>" in page
    assert "default-src 'none'" in page
    # The one address is the name of the language of SVG.
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(link|script|img)[^>]*(src|href)=\"(?!data:)", page)


def test_names_from_outside_do_not_end_the_data():
    frame = pd.DataFrame(X, columns=["</script><b>", "<!--"])
    page = record_fit(clone(PLAIN), frame, Y).to_html()
    assert page.count("</script>") == 2
    assert data_of(page)["panels"][0]["inputs"] == ["</script><b>", "<!--"]


def test_dollars_in_names_are_dollars():
    frame = pd.DataFrame(X, columns=["$price", "a $ that is far too long"])
    labels = np.where(Y > 0.5, "$5 to $10", np.where(Y < -0.5, r"\$", "none"))
    recording = record_fit(BackpropClassifier(3, max_iter=3, random_state=0), frame, labels)
    [panel] = data_of(recording.to_html())["panels"]
    assert panel["inputs"] == ["$price", "a $ that is far t…"]
    assert panel["outputs"] == ["$5 to $10", r"\$", "none"]


def test_half_a_surrogate_pair_in_a_name_is_a_question_mark():
    frame = pd.DataFrame(X, columns=pd.Index(["a\ud800", "b"], dtype=object))
    recording = record_fit(clone(PLAIN), frame, Y)
    [panel] = data_of(recording.to_html(title="\udfff"))["panels"]
    assert panel["inputs"] == ["a?", "b"]


@pytest.mark.parametrize(("argument", "value"), [("path", 5), ("title", 5), ("beside", 5)])
def test_arguments_of_a_page_are_checked_first(argument, value, monkeypatch):
    recording = record_fit(clone(PLAIN), X, Y)
    monkeypatch.setattr(_page, "page_of", None)
    with pytest.raises(TypeError, match=rf"{argument} must be .*; got (5|int)\."):
        recording.to_html(**{argument: value})


def test_the_page_has_the_activation_functions_of_the_package():
    script = files("skbackprop.inspection").joinpath("_view", "predictions.js").read_text("utf-8")
    functions = re.search(r"const FUNCTIONS = \{(.*?)\n\};", script, re.DOTALL)[1]
    assert set(re.findall(r"^  (\w+):", functions, re.MULTILINE)) >= set(ACTIVATIONS)


def test_a_page_is_no_larger_than_it_may_be(rng):
    many = rng.normal(size=(60, 2))
    model = clone(PLAIN).set_params(hidden_layer_sizes=(4, 4), max_iter=64)
    recording = record_fit(model, many, many[:, 0])
    page = recording.to_html()
    assert 100_000 < len(page.encode()) <= 500_000
    [panel] = data_of(page)["panels"]
    stride = panel["steps"][1]
    assert stride > 1
    assert panel["steps"] == [*range(0, 64, stride), 64]


@pytest.mark.not_nudged
def test_eighty_thousand_steps_fit_a_page():
    model = clone(PLAIN).set_params(
        hidden_layer_sizes=2, output_activation="sigmoid", fit_intercept=False, max_iter=80_000,
        learning_rate=0.001,
    )  # fmt: skip
    recording = record_fit(model, [[0.1, 0.4, 4.1]], [0.2])
    assert len(recording) == 158
    assert len(recording.to_html().encode()) <= 500_000


def test_a_large_network_has_no_page():
    recording = record_fit(clone(PLAIN).set_params(hidden_layer_sizes=25, max_iter=1), X, Y)
    with pytest.raises(ValueError, match=r"at most 24 inputs or units .* 2-25-1 network"):
        recording.to_html()


def test_two_fits_share_a_page():
    one, other = (record_fit(clone(PLAIN).set_params(max_iter=n), X, Y) for n in (10, 20))
    panels = data_of(one.to_html(beside=other))["panels"]
    assert [panel["steps"][-1] for panel in panels] == [10, 20]
    assert [panel["name"] for panel in panels] == ["2-3-1 network, fit 1", "2-3-1 network, fit 2"]
    named = data_of(one.to_html(beside=other, names=["short", "long"]))["panels"]
    assert [panel["name"] for panel in named] == ["short", "long"]
    for names, error in ((["same", "same"], ValueError), (["one"], ValueError), ("two", TypeError)):
        with pytest.raises(error, match="names must be a list of 2 strings, not the same; got"):
            one.to_html(beside=other, names=names)
    with pytest.raises(TypeError, match="beside must be a FitRecording; got str"):
        one.to_html(beside="other")


def test_in_a_notebook_the_page_is_a_frame():
    recording = record_fit(clone(PLAIN), X, Y)
    shown = recording._repr_html_()
    [inside] = re.findall(r'^<div><iframe srcdoc="([^"]*)"', shown)
    assert html.unescape(inside) == recording.to_html()


def test_the_package_has_the_files_of_the_page():
    names = {path.name for path in files("skbackprop.inspection").joinpath("_view").iterdir()}
    assert {"view.html", "view.css", "view.js", "numbers.js", "drawing.js"} <= names
