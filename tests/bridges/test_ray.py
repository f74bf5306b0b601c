"""A search on Ray through joblib, as the page on clusters has it; where Ray is installed."""

import re
import secrets
import textwrap
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV

from skbackprop import BackpropClassifier

ray = pytest.importorskip("ray")

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    # Of Ray's own imports.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "clusters.rst"
(RECIPE,) = (
    textwrap.dedent(block)
    for block in re.findall(
        r"\.\. code-block:: python\n\n((?:   .*\n|\n)+)", PAGE.read_text("utf-8")
    )
    if "register_ray" in block
)


@pytest.fixture(scope="module")
def cluster():
    """Ray on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Without one it would write a token into the home folder.
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex())
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


@pytest.mark.parametrize(
    "Search", [GridSearchCV, lambda *args: HalvingGridSearchCV(*args, random_state=0)]
)
def test_the_recipe_finds_what_a_serial_search_finds(cluster, Search):
    X, y = load_wine(return_X_y=True)
    network = BackpropClassifier(8, max_iter=20, random_state=0)
    search = Search(network, {"alpha": [0.0, 0.01, 0.1]})
    serial = clone(search).fit(X, y)
    exec(RECIPE, {"search": search, "joblib": joblib, "X": X, "y": y})
    for name in ("mean_test_score", "params"):
        assert np.array_equal(search.cv_results_[name], serial.cv_results_[name])
    for ours, theirs in zip(
        search.best_estimator_.coefs_, serial.best_estimator_.coefs_, strict=True
    ):
        assert np.array_equal(ours, theirs)
