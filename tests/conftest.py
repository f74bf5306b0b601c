"""Settings that the tests need before anything is imported."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

# Without it scikit-learn skips its check of array API input; SciPy reads it when imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

settings.register_profile(
    "short", max_examples=100, derandomize=True, deadline=None, database=None, print_blob=True
)
settings.register_profile("long", max_examples=1000, deadline=None, database=None, print_blob=True)
settings.register_profile("longest", settings.get_profile("long"), max_examples=10_000)
settings.load_profile("short")


@pytest.fixture(autouse=True)
def _seeded():
    """Some of scikit-learn's checks fit with random_state=None."""
    np.random.seed(0)  # noqa: NPY002 - it is the generator that None stands for


@pytest.fixture
def rng():
    """A generator of the test's own: its numbers do not depend on which tests ran before."""
    return np.random.default_rng(0)


def pytest_addoption(parser):
    parser.addoption(
        "--nudge",
        type=int,
        metavar="SEED",
        help="move inputs and results by one unit in the last place, as another machine may",
    )


@pytest.fixture(autouse=True)
def _nudge(request, monkeypatch):
    """The computations of another machine, if they are asked for."""
    seed = request.config.getoption("--nudge")
    if seed is not None and request.node.get_closest_marker("not_nudged") is None:
        import nudge

        marker = request.node.get_closest_marker("given_numbers")
        nudge.install(seed, monkeypatch, inputs=marker is None)
