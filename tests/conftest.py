"""Settings that the tests need before anything is imported."""

import os

import numpy as np
import pytest
from hypothesis import settings

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
