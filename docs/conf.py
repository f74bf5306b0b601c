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
# Inherited docstrings refer to labels of scikit-learn's own documentation.
suppress_warnings = ["ref.ref"]
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
