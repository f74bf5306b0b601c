"""Writes the pages that play the textbooks' descents, and shows them in the documentation."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from docutils import nodes
from docutils.parsers.rst import Directive

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop.inspection import record_fit

DOCS = Path(__file__).parent
KEPT = DOCS / "generated" / "played"
FRAME = "width: 100%; height: 62rem; border: 1px solid #8888; border-radius: 6px"
TEXTBOOK: dict[str, Any] = {
    "conditioning": None,
    "alpha": 0,
    "learning_rate_schedule": "constant",
    "batch_size": "full",
    "tol": None,
}


# Data and weights are those of the examples of the same names.
def three_two_one() -> str:
    """80,000 iterations from the first draw of weights."""
    rng = np.random.default_rng(0)
    network = BackpropRegressor(
        hidden_layer_sizes=2,
        output_activation="sigmoid",
        loss="squared_error",
        fit_intercept=False,
        learning_rate=0.001,
        max_iter=80_000,
        **TEXTBOOK,
    )
    coefs = [rng.random((3, 2)), rng.random((2, 1))]
    recording = record_fit(network, [[0.1, 0.4, 4.1]], [0.2], coefs_init=coefs)
    return recording.to_html(title="3-2-1: 80,000 iterations towards 0.2")


def softplus_curve() -> str:
    """412 steps from the weights of the example."""
    network = BackpropRegressor(
        hidden_layer_sizes=2,
        activation="softplus",
        loss="squared_error",
        loss_reduction="sum",
        learning_rate=0.1,
        max_iter=412,
        **TEXTBOOK,
    )
    recording = record_fit(
        network,
        [[0.0], [0.5], [1.0]],
        [0.0, 1.0, 0.0],
        max_frames=512,
        coefs_init=[[[2.74, -1.13]], [[0.36], [0.63]]],
        intercepts_init=[[0.0, 0.0], [0.0]],
    )
    return recording.to_html(title="Two softplus units bend a line to three points")


def six_cases(number: int) -> str:
    """100 steps of a case."""
    hidden = ((), (2,), (2, 2))[(number - 1) // 2]
    n_outputs = 2 - number % 2
    rng = np.random.default_rng(0)
    sizes = [2, *hidden, n_outputs]
    network = BackpropRegressor(
        hidden, output_activation="sigmoid", learning_rate=0.5, max_iter=100, **TEXTBOOK
    )
    recording = record_fit(
        network,
        [[0.35, 0.9]],
        [[0.5, 0.1][:n_outputs]],
        coefs_init=[rng.uniform(-1, 1, shape) for shape in pairwise(sizes)],
        intercepts_init=[rng.uniform(-1, 1, size) for size in sizes[1:]],
    )
    return recording.to_html(title=f"Case {number} of six: every path from a weight to the cost")


def matrices() -> str:
    """Ten passes over 200 rows, a row a step."""
    rng = np.random.default_rng(0)
    X = rng.uniform(0.0, 1.0, (200, 3))
    B, A = rng.uniform(-1.0, 1.0, (6, 3)), rng.uniform(-1.0, 1.0, (3, 6))
    network = BackpropRegressor(
        hidden_layer_sizes=6,
        output_activation="sigmoid",
        loss="squared_error",
        fit_intercept=False,
        learning_rate=0.5,
        max_iter=10,
        shuffle=False,
        **TEXTBOOK | {"batch_size": 1},
    )
    Y = np.eye(3)[X.argmax(axis=1)]
    recording = record_fit(network, X, Y, coefs_init=[B.T, A.T], max_frames=128)
    return recording.to_html(title="A hidden layer in matrices: which of three numbers is largest")


def one_one_one() -> str:
    """1,000 iterations."""
    network = BackpropRegressor(
        hidden_layer_sizes=1,
        output_activation="sigmoid",
        loss="squared_error",
        learning_rate=2.0,
        max_iter=1000,
        **TEXTBOOK,
    )
    recording = record_fit(
        network,
        [[-1.0], [0.0], [0.5], [2.0]],
        [0.1, 0.2, 0.6, 0.9],
        coefs_init=[[[0.8]], [[1.2]]],
        intercepts_init=[[0.1], [-0.3]],
    )
    return recording.to_html(title="One input, one hidden unit, one output")


def conditioning() -> str:
    """The same network on the same rows, with conditioning and without."""
    rng = np.random.default_rng(1)
    celsius, hectopascal = rng.uniform(10.0, 30.0, 24), rng.uniform(990.0, 1030.0, 24)
    X = np.column_stack([celsius, hectopascal])
    near = np.abs(celsius - 20.0) / 10.0 + np.abs(hectopascal - 1010.0) / 20.0 < 0.9
    y = np.where(near, "yes", "no")
    settings: dict[str, Any] = {
        "hidden_layer_sizes": 3,
        "activation": "tanh",
        "alpha": 0,
        "batch_size": "full",
        "max_iter": 400,
        "tol": None,
        "random_state": 0,
    }
    without, conditioned = (
        record_fit(BackpropClassifier(**settings, conditioning=kind), X, y, max_frames=64)
        for kind in (None, "standardize")
    )
    return without.to_html(
        beside=conditioned,
        names=["Without conditioning", "With conditioning"],
        title="The same descent in two kinds of coordinates",
    )


PAGES: dict[str, Callable[[], str]] = {
    "three_two_one": three_two_one,
    "softplus_curve": softplus_curve,
    **{f"six_cases_{number}": partial(six_cases, number) for number in range(1, 7)},
    "matrices": matrices,
    "one_one_one": one_one_one,
    "conditioning": conditioning,
}


def write_pages(app: Any, error: Exception | None) -> None:
    """Write the pages beside the documentation, those anew that are older than their source."""
    if error is not None or app.builder.format != "html":
        return
    package = (path for path in (DOCS.parent / "src").rglob("*") if path.is_file())
    sources = [Path(__file__), *package]
    changed = max(path.stat().st_mtime for path in sources)
    target = Path(app.outdir) / "played"
    for folder in (KEPT, target):
        folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        kept = KEPT / f"{name}.html"
        if not kept.exists() or kept.stat().st_mtime < changed:
            kept.write_text(page(), encoding="utf-8")
        (target / kept.name).write_bytes(kept.read_bytes())


class Played(Directive):
    """The page of a descent, and a link to it: ``.. played:: name``."""

    required_arguments = 1
    final_argument_whitespace = False

    def run(self) -> list[nodes.Node]:
        """Return the frame and the link."""
        [name] = self.arguments
        if name not in PAGES:
            raise self.error(f"{name} is not one of {', '.join(PAGES)}.")
        up = "../" * self.state.document.settings.env.docname.count("/")
        place, title = f"{up}played/{name}.html", f"The page {name}"
        frame = f'<iframe src="{place}" title="{title}" loading="lazy" style="{FRAME}"></iframe>'
        link = f'<p><a href="{place}">Open this page by itself</a></p>'
        return [nodes.raw("", frame + link, format="html")]


def setup(app: Any) -> dict[str, bool]:
    """Join Sphinx."""
    app.connect("build-finished", write_pages)
    app.add_directive("played", Played)
    return {"parallel_read_safe": True}
