"""Settings that the tests need before anything is imported."""

import os

# Without it scikit-learn skips its check of array API input; SciPy reads it when imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
