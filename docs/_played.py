"""Writes the pages that play the textbooks' descents, and shows them in the documentation."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from docutils import nodes
from docutils.parsers.rst import Directive
from sklearn.base import clone

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop.inspection import record_fit

DOCS = Path(__file__).parent
EXAMPLES = DOCS.parent / "examples"
KEPT = DOCS / "generated" / "played"
FRAME = "width: 100%; height: 62rem; border: 1px solid #8888; border-radius: 6px"


def three_two_one() -> str:
    """80,000 iterations from the first draw of weights."""
    import three_two_one as source
    from _textbook import TEXTBOOK

    x = source.INPUTS["3-2-1"]
    network = BackpropRegressor(
        hidden_layer_sizes=2,
        output_activation="sigmoid",
        loss="squared_error",
        fit_intercept=False,
        learning_rate=source.RATE,
        max_iter=80_000,
        **TEXTBOOK,
    )
    recording = record_fit(network, [x], [source.TARGET], coefs_init=source.draw_weights(x, 0))
    return recording.to_html(title="3-2-1: 80,000 iterations towards 0.2")


def softplus_curve() -> str:
    """412 steps from the weights of the example."""
    import softplus_curve as source

    network = clone(source.NETWORK).set_params(max_iter=source.STEPS[-1])
    recording = record_fit(
        network,
        source.INPUTS,
        source.OBSERVED,
        max_frames=512,
        coefs_init=source.COEFS,
        intercepts_init=source.INTERCEPTS,
    )
    return recording.to_html(title="Two softplus units bend a line to three points")


def six_cases(number: int) -> str:
    """100 steps of a case."""
    import six_cases as source
    from _textbook import TEXTBOOK

    hidden, n_outputs = source.CASES[number - 1]
    first = source.first_step(hidden, n_outputs)
    network = BackpropRegressor(
        hidden, output_activation="sigmoid", learning_rate=0.5, max_iter=100, **TEXTBOOK
    )
    recording = record_fit(
        network,
        source.X,
        [source.TARGETS[0][:n_outputs]],
        coefs_init=[layer.coef for layer in first.layers],
        intercepts_init=[layer.intercept for layer in first.layers],
    )
    return recording.to_html(title=f"Case {number} of six: every path from a weight to the cost")


def matrices() -> str:
    """Ten passes over 200 rows, a row a step."""
    import matrices as source

    network = clone(source.NETWORK).set_params(max_iter=10)
    recording = record_fit(
        network, source.X, source.Y, coefs_init=[source.B.T, source.A.T], max_frames=128
    )
    return recording.to_html(title="A hidden layer in matrices: which of three numbers is largest")


def one_one_one() -> str:
    """1,000 iterations."""
    import one_one_one as source

    network = clone(source.NETWORK).set_params(max_iter=1000)
    recording = record_fit(
        network, source.X, source.Y, coefs_init=source.COEFS, intercepts_init=source.INTERCEPTS
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
    sources = [Path(__file__), *EXAMPLES.glob("*.py"), *package]
    changed = max(path.stat().st_mtime for path in sources)
    target = Path(app.outdir) / "played"
    for folder in (KEPT, target):
        folder.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(EXAMPLES))
    for name, page in PAGES.items():
        kept = KEPT / f"{name}.html"
        if not kept.exists() or kept.stat().st_mtime < changed:
            kept.write_text(page(), encoding="utf-8")
        (target / kept.name).write_bytes(kept.read_bytes())
    sys.path.remove(str(EXAMPLES))


class Played(Directive):
    """The page of a descent, and a link to it: ``.. played:: name``."""

    required_arguments = 1
    final_argument_whitespace = False

    def run(self) -> list[nodes.Node]:
        """Return the frame and the link."""
        [name] = self.arguments
        if name not in PAGES:
            raise self.error(f"{name} is not one of {', '.join(PAGES)}.")
        place, title = f"played/{name}.html", f"The page {name}"
        frame = f'<iframe src="{place}" title="{title}" loading="lazy" style="{FRAME}"></iframe>'
        link = f'<p><a href="{place}">Open this page by itself</a></p>'
        return [nodes.raw("", frame + link, format="html")]


def setup(app: Any) -> dict[str, bool]:
    """Join Sphinx."""
    app.connect("build-finished", write_pages)
    app.add_directive("played", Played)
    return {"parallel_read_safe": True}
