"""Sphinx configuration."""

import sys
from pathlib import Path

import skbackprop

sys.path.insert(0, str(Path(__file__).parent))

project = "skbackprop"
copyright = "2026, The skbackprop developers"
author = "The skbackprop developers"
version = release = skbackprop.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "matplotlib.sphinxext.plot_directive",
    "_gallery",
    "_played",
]
exclude_patterns = ["_build"]
autosummary_generate = True
plot_include_source = False
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 120)]
numpydoc_show_class_members = False
# All but: extended summaries, examples and see-alsos everywhere, the line a docstring starts on,
# and returns without a name, which scikit-learn's inherited methods have too.
numpydoc_validation_checks = {"all", "ES01", "EX01", "SA01", "GL01", "RT02"}
# The label of scikit-learn's own documentation that an inherited docstring refers to.
INHERITED_LABELS = {"accuracy_score"}
nitpicky = False
html_theme = "pydata_sphinx_theme"
html_title = "skbackprop"
html_static_path = ["_static"]
html_css_files = ["captions.css"]
html_sidebars = {"**": []}
html_theme_options = {
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "header_links_before_dropdown": 3,
}


def without_link(app, env, node, text):
    """The text of a reference to an inherited label."""
    return text if node.get("reftarget") in INHERITED_LABELS else None


def setup(app):
    """Connect what Sphinx calls."""
    app.connect("missing-reference", without_link)
