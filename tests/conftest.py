"""Settings that the tests need before anything is imported."""

import os

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
