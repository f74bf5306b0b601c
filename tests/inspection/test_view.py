"""The page of a recorded fit, in Chromium: what it shows, and how it is used."""

import html
import os
import re
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop.inspection import NetworkDisplay, record_fit, trace_step

selenium = pytest.importorskip("selenium", reason="selenium is not installed")

from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
DRIVER = shutil.which("chromedriver")
# axe.min.js of the npm package axe-core.
AXE = os.environ.get("AXE_CORE")

pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed"),
    pytest.mark.skipif(DRIVER is None, reason="no chromedriver is installed"),
    pytest.mark.not_nudged,
    pytest.mark.thread_unsafe,
]

TEXTBOOK = {
    "conditioning": None,
    "alpha": 0,
    "learning_rate_schedule": "constant",
    "batch_size": "full",
    "learning_rate": 0.1,
    "tol": None,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_window_size(1280, 1000)
    yield driver
    driver.quit()


@pytest.fixture
def open_page(browser, tmp_path):
    """Open a page from disk; at the end of the test it must have caused no error or request."""
    path = tmp_path / "fit.html"

    def opened(page):
        browser.get_log("performance")
        path.write_text(page, encoding="utf-8")
        browser.get(path.as_uri())
        return browser

    yield opened
    assert browser.get_log("browser") == []
    events = "".join(entry["message"] for entry in browser.get_log("performance"))
    requests = re.findall(r'"method":"Network.requestWillBeSent".*?"url":"([^"]*)"', events)
    requested = {re.split(r"[?#]", url)[0] for url in requests if not url.startswith("data:")}
    assert requested <= {path.as_uri()}


def button(browser, kind):
    return browser.find_element(By.CSS_SELECTOR, f"button.{kind}")


def where(browser):
    return browser.find_element(By.CSS_SELECTOR, ".where").text


def weight(browser, name):
    return browser.find_element(By.CSS_SELECTOR, f'[data-weight="{name}"]')


def click(browser, element):
    """Click where the middle of the element may be covered by text."""
    browser.execute_script(
        "arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", element
    )


def shown(browser, kind):
    """The texts of a report on the page, in order."""
    return browser.execute_script(
        "return [...document.querySelectorAll(`.${arguments[0]} :is(p, caption, th, td)`)]"
        ".map((node) => node.textContent)",
        kind,
    )


def printed(traced):
    """The same texts of what a trace or chain shows in a notebook, with the cells of print."""
    elements = re.findall(r"<(p|caption|th|td)\b[^>]*>(.*?)</\1>", traced._repr_html_())
    texts = [html.unescape(re.sub("<[^>]*>", "", text)) for _, text in elements]
    cells = [text for (kind, _), text in zip(elements, texts, strict=True) if kind == "td"]
    words = set(str(traced).split())
    assert {cell for cell in cells if re.fullmatch(r"[-\d.e+]+", cell)} <= words
    return texts


def small_network(seed):
    """A random small network and random rows for it."""
    rng = np.random.default_rng(seed)
    n_features, n_outputs = rng.integers(1, 4), rng.integers(1, 3)
    n_rows = 30 if seed % 10 == 9 else int(rng.integers(1, 6))
    X = rng.normal(size=(n_rows, n_features)).round(2)
    hidden = tuple(rng.integers(1, 4, rng.integers(0, 3)).tolist())
    settings = TEXTBOOK | {
        "hidden_layer_sizes": hidden,
        "activation": str(rng.choice(["sigmoid", "softplus", "tanh", "relu", "identity"])),
        "fit_intercept": bool(rng.integers(0, 4)),
        "alpha": float(rng.choice([0.0, 0.01])),
        "conditioning": [None, "standardize"][int(n_rows > 2 and rng.integers(0, 2))],
        "max_iter": 4,
        "learning_rate": 0.01,
        "batch_size": ["full", 2][int(rng.integers(0, 3) == 0)],
    }
    if seed % 5 == 4:
        y = np.arange(n_rows) % int(rng.integers(2, 4)) if n_rows > 2 else np.array([0, 1])
        X = rng.normal(size=(len(y), n_features))
        return BackpropClassifier(**settings), X, y
    losses = ["half_squared_error", "squared_error", "huber", "absolute_error", "quantile"]
    settings["loss"] = str(rng.choice(losses))
    settings["loss_reduction"] = str(rng.choice(["mean", "sum"]))
    if "squared" in settings["loss"]:
        settings["output_activation"] = str(rng.choice(["identity", "sigmoid"]))
    y = rng.uniform(0.1, 0.9, (n_rows, n_outputs)).round(2)
    return BackpropRegressor(**settings), X, y if n_outputs > 1 else y[:, 0]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("seed", range(30))
def test_the_page_shows_what_trace_step_prints(open_page, seed):
    recording = record_fit(*small_network(seed))
    browser = open_page(recording.to_html())
    browser.execute_script("document.querySelector('details').open = true")
    rng = np.random.default_rng(seed)
    names = [
        element.get_attribute("data-weight")
        for element in browser.find_elements(By.CSS_SELECTOR, ".weight")
    ]
    n_weights = sum(coef[0].size for coef in recording.coefs)
    if recording.intercepts is not None:
        n_weights += sum(intercept[0].size for intercept in recording.intercepts)
    assert len(names) == n_weights
    for frame in range(len(recording)):
        assert where(browser).startswith(f"Step {recording.steps[frame]} of")
        trace = recording.trace(frame)
        assert shown(browser, "step") == printed(trace)
        for name in rng.permutation(names)[:4]:
            click(browser, weight(browser, name))
            assert shown(browser, "chain") == printed(trace.chain(name))
        button(browser, "step").click()


@pytest.mark.filterwarnings("ignore::skbackprop.DivergenceWarning")
def test_a_descent_that_diverges_is_shown(open_page):
    recording = diverged()
    browser = open_page(recording.to_html())
    for _ in range(len(recording)):
        button(browser, "step").click()
    assert where(browser).startswith(f"Step {recording.steps[-1]} of")


def diverged():
    """A fit whose steps are far too long."""
    X = np.random.default_rng(0).normal(size=(6, 2))
    settings = TEXTBOOK | {"learning_rate": 1e6, "activation": "relu", "max_iter": 100}
    return record_fit(BackpropRegressor(3, **settings), X, X[:, 0])


def two_two_one():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 2))
    model = BackpropRegressor(2, max_iter=12, **TEXTBOOK)
    return record_fit(model, X, X[:, 0] * X[:, 1])


def test_play_pause_step_and_back(open_page):
    browser = open_page(two_two_one().to_html())
    play = button(browser, "play")
    button(browser, "step").click()
    button(browser, "step").click()
    button(browser, "back").click()
    assert where(browser) == "Step 1 of 12"
    # The fastest of the speeds, then a slow one.
    speed = browser.find_elements(By.CSS_SELECTOR, ".controls select option")
    speed[-1].click()
    play.click()
    assert play.text == "Pause"
    wait_until(lambda: play.text == "Play")
    assert where(browser) == "Step 12 of 12"
    speed[1].click()
    play.click()
    wait_until(lambda: where(browser) not in ("Step 12 of 12", "Step 0 of 12"))
    play.click()
    assert play.text == "Play"
    paused = where(browser)
    assert paused not in ("Step 12 of 12", "Step 0 of 12")
    assert browser.find_element(By.CSS_SELECTOR, "[role=status]").get_attribute("textContent") == (
        paused
    )


def wait_until(condition):
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(None, 10, poll_frequency=0.02).until(lambda _: condition())


def focused(browser):
    return browser.switch_to.active_element


def tab_to(browser, condition):
    for _ in range(30):
        webdriver.ActionChains(browser).send_keys(Keys.TAB).perform()
        if condition(focused(browser)):
            return focused(browser)
    raise AssertionError("the Tab key does not get there")


def test_the_keyboard_suffices(open_page):
    recording = two_two_one()
    browser = open_page(recording.to_html())
    tab_to(browser, lambda node: node.text == "Step").send_keys(Keys.ENTER)
    slider = tab_to(browser, lambda node: node.get_attribute("type") == "range")
    slider.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert where(browser) == "Step 3 of 12"
    assert slider.get_attribute("aria-valuetext") == "Step 3 of 12"
    first = tab_to(browser, lambda node: node.get_attribute("data-weight"))
    assert first.get_attribute("data-weight") == "coefs[0][0, 0]"
    for name, key, chosen in (
        ("coefs[0][0, 1]", Keys.ARROW_RIGHT, Keys.ENTER),
        ("coefs[0][1, 0]", Keys.ARROW_DOWN, Keys.SPACE),
        ("coefs[0][0, 1]", Keys.ARROW_LEFT, Keys.ENTER),
    ):
        webdriver.ActionChains(browser).send_keys(key).send_keys(chosen).perform()
        assert focused(browser).get_attribute("data-weight") == name
        assert focused(browser).get_attribute("aria-pressed") == "true"
        assert shown(browser, "chain") == printed(recording.trace(3).chain(name))
    select = tab_to(browser, lambda node: node.text.startswith("w[1]"))
    select.send_keys(Keys.END)
    last = recording.trace(3).chain("intercepts[1][0]")
    assert shown(browser, "chain") == printed(last)


def test_the_network_is_that_of_the_row(open_page):
    recording = two_two_one()
    browser = open_page(recording.to_html())
    trace = recording.trace(0)

    def texts(selector):
        nodes = browser.find_elements(By.CSS_SELECTOR, f".network {selector}")
        return [node.get_attribute("textContent") for node in nodes]

    def written(values):
        return [f"{value:.2g}".replace("-", "−") for value in values]

    def is_plain(value):
        return 1e-3 <= abs(value) < 10

    hidden, output = trace.layers
    gradients = [*hidden.coef_gradient.ravel(), *hidden.intercept_gradient]
    gradients += [*output.coef_gradient.ravel(), *output.intercept_gradient]
    for shows, values in (("gradients", gradients), ("weights", recording.coefs[0][0].ravel())):
        select = browser.find_element(By.CSS_SELECTOR, ".network select")
        select.find_element(By.CSS_SELECTOR, f"option[value={shows}]").click()
        numbers = texts(".number")
        for number, value in zip(numbers, values, strict=shows == "gradients"):
            assert not is_plain(value) or [number] == written([value])
    select.find_element(By.CSS_SELECTOR, "option[value=activations]").click()
    rows = browser.find_elements(By.CSS_SELECTOR, ".network label:nth-of-type(2) option")
    assert len(rows) == 6
    rows[4].click()
    assert texts(".left") == [
        f"x{sub} = {value}" for sub, value in zip("₁₂", written(hidden.inputs[4]), strict=True)
    ]
    assert texts(".right") == [f"ŷ₁ = {written(output.a[4])[0]}"]


@pytest.mark.filterwarnings("ignore::skbackprop.DivergenceWarning")
def test_the_last_frame_says_that_earlier_weights_were_kept(open_page):
    for recording, expected in ((diverged(), True), (two_two_one(), False)):
        browser = open_page(recording.to_html())
        note = browser.find_element(By.CSS_SELECTOR, ".note")
        assert not note.is_displayed()
        for _ in range(len(recording)):
            button(browser, "step").click()
        assert note.is_displayed() == expected
        assert not expected or "the weights that it kept" in note.text


def test_the_chosen_row_is_kept_through_short_batches(open_page):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 2))
    model = BackpropRegressor(2, max_iter=2, **TEXTBOOK | {"batch_size": 5})
    recording = record_fit(model, X, X[:, 0])
    browser = open_page(recording.to_html())
    row = browser.find_elements(By.CSS_SELECTOR, ".network select")[1]
    row.find_elements(By.TAG_NAME, "option")[4].click()

    def seen():
        [chosen] = [o for o in row.find_elements(By.TAG_NAME, "option") if o.is_selected()]
        return chosen.text

    for frame in range(6):
        assert seen() == f"row {recording.rows[frame][1 if frame in (2, 5) else 4]}"
        inputs = browser.find_element(By.CSS_SELECTOR, ".network .left").text
        number = int(seen().split()[1])
        assert inputs.replace("−", "-") == f"x₁ = {X[number, 0]:.2g}"
        button(browser, "step").click()


@pytest.mark.parametrize("n_features", [1, 2])
@pytest.mark.parametrize("n_classes", [3, 7])
def test_the_colours_of_classes_have_a_key(open_page, n_features, n_classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3 * n_classes, n_features))
    labels = [f"class {number % n_classes}" for number in range(len(X))]
    model = BackpropClassifier(2, max_iter=3, **TEXTBOOK)
    browser = open_page(record_fit(model, X, labels).to_html())
    figure = browser.find_element(By.CSS_SELECTOR, ".predictions")
    entries = figure.find_elements(By.CSS_SELECTOR, ".key li")
    names = [name for entry in entries for name in entry.text.split(", ")]
    assert sorted(names) == sorted(set(labels))
    colours = {}
    for entry in entries:
        mark = entry.find_element(By.CSS_SELECTOR, "path, circle")
        kind = "stroke" if mark.tag_name == "path" else "fill"
        colour = mark.value_of_css_property(kind)
        colours |= dict.fromkeys(entry.text.split(", "), colour)
    points = figure.find_elements(By.CSS_SELECTOR, "circle.point")[: len(X)]
    fills = [point.value_of_css_property("fill") for point in points]
    assert fills == [colours[label] for label in labels]
    if n_features == 1:
        curves = figure.find_elements(By.CSS_SELECTOR, "g path.curve")
        drawn = [
            (c.value_of_css_property("stroke"), c.get_attribute("stroke-dasharray")) for c in curves
        ]
        assert len(set(drawn)) == n_classes
    options = figure.find_elements(By.TAG_NAME, "option")
    assert [option.text for option in options] == ["all", *sorted(set(labels))]
    options[-1].click()
    assert figure.find_elements(By.CSS_SELECTOR, ".key") == []
    assert len(figure.find_elements(By.CSS_SELECTOR, "path.curve, path.border")) == 1


def test_a_number_that_is_nothing_has_no_sign(open_page):
    X = [[1.0], [2.0]]
    settings = TEXTBOOK | {"activation": "relu", "max_iter": 2}
    # The unit is silent, and its delta is 0 times a number below 0.
    recording = record_fit(
        BackpropRegressor(1, **settings), X, [3.0, 4.0],
        coefs_init=[[[-1.0]], [[1.0]]], intercepts_init=[[0.0], [0.0]],
    )  # fmt: skip
    assert str(recording.trace(0).layers[0].delta[0, 0]) == "-0.0"
    browser = open_page(recording.to_html())
    assert "δ 0" in browser.find_element(By.CSS_SELECTOR, ".network svg").text
    assert "−0" not in browser.find_element(By.CSS_SELECTOR, ".network svg").text.split()
    drawn = NetworkDisplay.from_trace(trace_step(recording.estimator, X[:1], [3.0]))
    assert any("δ 0" in text.get_text() for text in drawn.texts_)


def test_each_output_has_a_map(open_page):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 2))
    model = BackpropRegressor(2, max_iter=3, **TEXTBOOK)
    targets = X * [1.0, 10.0]
    browser = open_page(record_fit(model, X, targets).to_html())

    def seen():
        figure = browser.find_element(By.CSS_SELECTOR, ".predictions")
        circles = figure.find_elements(By.CSS_SELECTOR, "circle.point")
        return figure.find_element(By.CSS_SELECTOR, ".legend").text, len(circles)

    def expected(output):
        y = targets[:, output]
        return int((y >= (y.min() + y.max()) / 2).sum())

    legend, n_above = seen()
    assert "prediction of ŷ₁" in legend
    assert n_above == expected(0)
    browser.find_elements(By.CSS_SELECTOR, ".predictions option")[1].click()
    legend, n_above = seen()
    assert "prediction of ŷ₂" in legend
    assert n_above == expected(1)


NUMBERS = [
    *(0.0, -0.0, 0.5, 1.5, 2.5, -2.5, 0.125, 2.0**-7, -(2.0**-7), 3 * 2.0**-8, 1e5 + 0.5, 999999.5),
    *(9.9999995, 0.00001, 1e-5 / 3, 123456.5, 1234565.0, 1e21, 1e22, 5e-324, 1.7e308, 0.1, -1 / 3),
    *(float("inf"), -float("inf"), float("nan"), 1e-4, 9.99995e-5, 1e6, 0.3 - 0.1 * 3),
]


def test_numbers_are_written_as_python_writes_them(open_page):
    browser = open_page(two_two_one().to_html())
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=300) * 10.0 ** rng.integers(-12, 12, 300)
    # Halves of the last place written, of which Python takes the even one.
    ties = rng.integers(-(2**20), 2**20, 300) / 2.0 ** rng.integers(1, 12, 300)
    values = [*NUMBERS, *drawn.tolist(), *ties.tolist()]
    bits = [np.float64(value).view(np.int64).item() for value in values]
    written = browser.execute_script(
        "const view = new DataView(new ArrayBuffer(8));"
        "return arguments[0].map((bits) => {"
        " view.setBigInt64(0, BigInt(bits)); const x = view.getFloat64(0);"
        " const plain = Math.abs(x) >= 1e21 ? ['', ''] : [fixed(x, 6), fixed(x, 0)];"
        " return [general(x, 6), exponential(x, 5), ...plain];"
        "})",
        list(map(str, bits)),
    )
    for value, found in zip(values, written, strict=True):
        plain = ["", ""] if abs(value) >= 1e21 else [f"{value:.6f}", f"{value:.0f}"]
        assert found == [f"{value:.6g}", f"{value:.5e}", *plain], value


def test_two_views_share_a_notebook(browser, open_page):
    one, other = two_two_one(), two_two_one()
    notebook = (
        "<!DOCTYPE html><html lang='en'><title>Notebook</title><style>body {font-size: 9px}</style>"
        f"<p id='text'>text</p>{one._repr_html_()}{other._repr_html_()}</html>"
    )
    open_page(notebook)
    frames = browser.find_elements(By.TAG_NAME, "iframe")
    for frame, steps in zip(frames, (1, 3), strict=True):
        browser.switch_to.frame(frame)
        for _ in range(steps):
            button(browser, "step").click()
        assert where(browser) == f"Step {steps} of 12"
        browser.switch_to.default_content()
    browser.switch_to.frame(frames[0])
    assert where(browser) == "Step 1 of 12"
    browser.switch_to.default_content()
    assert browser.execute_script("return typeof Fit + typeof add") == "undefined" * 2
    assert browser.execute_script("return document.querySelector('main')") is None
    size = browser.execute_script(
        "return getComputedStyle(document.getElementById('text')).fontSize"
    )
    assert size == "9px"
    # A frame is as high as its page.
    assert all(frame.size["height"] > 700 for frame in frames)


def test_fits_side_by_side_are_at_the_same_step(open_page):
    long = two_two_one()
    short = record_fit(long.estimator.set_params(max_iter=6), long.X, long.y, every=2)
    browser = open_page(long.to_html(beside=short))
    for _ in range(5):
        button(browser, "step").click()
    views = browser.find_elements(By.CSS_SELECTOR, "section.fit .chain > p:first-child + div")
    assert len(views) == 2
    labels = [
        node.get_attribute("aria-label")
        for node in browser.find_elements(By.CSS_SELECTOR, ".loss svg")
    ]
    assert [label.rpartition(" ")[2] for label in labels] == ["5", "4"]


@pytest.mark.skipif(AXE is None, reason="AXE_CORE does not name axe.min.js")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(browser, scheme, width):
    recording = two_two_one()
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    # The policy of the page would keep axe from running.
    page = re.sub(r"<meta http-equiv[^>]*>", "", recording.to_html(beside=recording))
    try:
        browser.get("about:blank")
        browser.execute_script(
            "document.open(); document.write(arguments[0]); document.close()", page
        )
        browser.execute_script("document.querySelector('details').open = true")
        browser.execute_script(Path(AXE).read_text(encoding="utf-8"))
        found = browser.execute_async_script(
            "axe.run().then((found) => arguments[0](found.violations))"
        )
        assert [(one["id"], [n["html"] for n in one["nodes"]]) for one in found] == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_random_networks_are_of_many_kinds():
    drawn = [small_network(seed) for seed in range(30)]
    kinds = {type(model).__name__ for model, *_ in drawn}
    assert kinds == {"BackpropClassifier", "BackpropRegressor"}
    assert {len(model.hidden_layer_sizes) for model, *_ in drawn} == {0, 1, 2}
    assert all(one != other for one, other in pairwise(str(model) for model, *_ in drawn))
