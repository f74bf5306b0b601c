"""Inventories of other projects' documentation, written at build time and without a network.

intersphinx downloads the inventory of a project whenever it builds. Here the names that our pages
refer to are listed instead, and addresses follow from the rules of each project's site. `nitpicky`
makes the build fail where a page refers to a name that is not listed. A new name is one line here.
"""

import zlib
from pathlib import Path

# Classes and functions: https://scikit-learn.org/stable/modules/generated/<name>.html#<name>.
SKLEARN_CLASSES = """
    sklearn.calibration.CalibratedClassifierCV
    sklearn.compose.ColumnTransformer
    sklearn.compose.TransformedTargetRegressor
    sklearn.ensemble.BaggingClassifier
    sklearn.ensemble.HistGradientBoostingClassifier
    sklearn.ensemble.StackingClassifier
    sklearn.ensemble.VotingClassifier
    sklearn.exceptions.ConvergenceWarning
    sklearn.feature_selection.RFE
    sklearn.feature_selection.SelectFromModel
    sklearn.frozen.FrozenEstimator
    sklearn.impute.SimpleImputer
    sklearn.inspection.DecisionBoundaryDisplay
    sklearn.linear_model.HuberRegressor
    sklearn.linear_model.LogisticRegression
    sklearn.model_selection.GridSearchCV
    sklearn.model_selection.HalvingGridSearchCV
    sklearn.model_selection.TimeSeriesSplit
    sklearn.model_selection.TunedThresholdClassifierCV
    sklearn.multiclass.OneVsOneClassifier
    sklearn.multiclass.OneVsRestClassifier
    sklearn.multioutput.ClassifierChain
    sklearn.neural_network.MLPClassifier
    sklearn.neural_network.MLPRegressor
    sklearn.pipeline.Pipeline
    sklearn.preprocessing.OneHotEncoder
    sklearn.preprocessing.PowerTransformer
    sklearn.utils.metadata_routing.MetadataRequest
    sklearn.utils.metadata_routing.MetadataRouter
"""
SKLEARN_FUNCTIONS = """
    sklearn.inspection.permutation_importance
    sklearn.metrics.d2_pinball_score
    sklearn.metrics.d2_tweedie_score
    sklearn.model_selection.cross_val_score
    sklearn.set_config
"""
# What docstrings inherited from scikit-learn refer to: role, name and address.
SKLEARN_PLACES = """
    std:term meta-estimator glossary.html#term-meta-estimator
    std:label metadata_routing metadata_routing.html#metadata-routing
    std:label accuracy_score modules/model_evaluation.html#accuracy-score
    std:label df_output_transform modules/df_output_transform.html#df-output-transform
    std:label sphx_glr_auto_examples_miscellaneous_plot_set_output.py \
auto_examples/miscellaneous/plot_set_output.html#sphx-glr-auto-examples-miscellaneous-plot-set-output-py
"""
PYTHON_PLACES = """
    py:module pickle library/pickle.html#module-pickle
"""


def generated(role: str, names: str) -> list[tuple[str, str, str]]:
    """Return the role, the name and the address of names with a page each."""
    return [(role, name, f"modules/generated/{name}.html#{name}") for name in names.split()]


def listed(places: str) -> list[tuple[str, str, str]]:
    """Return the role, the name and the address of what has no page of its own."""
    words = iter(places.split())
    return list(zip(words, words, words, strict=True))


PROJECTS = {
    "python": ("https://docs.python.org/3", listed(PYTHON_PLACES)),
    "sklearn": (
        "https://scikit-learn.org/stable",
        [
            *generated("py:class", SKLEARN_CLASSES),
            *generated("py:function", SKLEARN_FUNCTIONS),
            *listed(SKLEARN_PLACES),
        ],
    ),
}


def write(folder: Path) -> dict[str, tuple[str, str]]:
    """Write the inventories into a folder, and return the mapping for intersphinx."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for project, (url, entries) in PROJECTS.items():
        head = ["# Sphinx inventory version 2", f"# Project: {project}", "# Version:"]
        head += ["# The remainder of this file is compressed using zlib."]
        body = "".join(f"{name} {role} 1 {address} -\n" for role, name, address in entries)
        path = folder / f"{project}.inv"
        path.write_bytes(
            "".join(f"{line}\n" for line in head).encode() + zlib.compress(body.encode())
        )
        mapping[project] = (url, str(path))
    return mapping
