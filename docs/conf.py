"""Sphinx configuration."""

import sys
from pathlib import Path

import skbackprop

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

import _inventories  # noqa: E402 - of this folder

project = "skbackprop"
copyright = "2026, The skbackprop developers"
author = "The skbackprop developers"
version = release = skbackprop.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "_played",
]
templates_path = ["_templates"]
# docs/gallery.rst orders the examples by subject in place of the gallery's own index.
exclude_patterns = ["_build", "generated/examples/index.rst"]
nitpicky = True
autosummary_generate = True
# The docstrings have the types in words.
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
intersphinx_mapping = _inventories.write(DOCS / "generated" / "inventories")

plot_include_source = False
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 120)]

numpydoc_show_class_members = False
# All but: extended summaries, examples and see-alsos everywhere, the line a docstring starts on,
# and returns without a name, which scikit-learn's inherited methods have too.
numpydoc_validation_checks = {"all", "ES01", "EX01", "SA01", "GL01", "RT02"}

copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "generated/examples",
    "filename_pattern": r"\.py$",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("skbackprop",),
    "reference_url": {"skbackprop": None},
    "abort_on_example_error": True,
    "minigallery_sort_order": "_order.place",
    "default_thumb_file": str(DOCS / "_static" / "six_cases.png"),
    "write_computation_times": False,
    "min_reported_time": 1e9,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "remove_config_comments": True,
    "thumbnail_size": (360, 250),
    "image_scrapers": ("matplotlib",),
}

html_theme = "pydata_sphinx_theme"
html_title = "skbackprop"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_sidebars = {page: [] for page in ("index", "gallery", "benchmarks/*", "generated/examples/*")}
html_theme_options = {
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "header_links_before_dropdown": 5,
    "navigation_depth": 2,
    "show_toc_level": 2,
}
