"""Sphinx configuration; `python -m sphinx -W --keep-going -b html docs docs/_build/html`."""

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

HERE = Path(__file__).resolve().parent
# `python -m` puts the clone first, whose sources have no compiled modules beside them
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != HERE.parent]
sys.path.insert(0, str(HERE))

import _api  # noqa: E402

project = "sklgd"
author = "The sklgd developers"
copyright = "2026, The sklgd developers"
release = version = installed_version("sklgd")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

autodoc_typehints = "none"
autosummary_generate = True
numpydoc_show_class_members = False  # the class template lists them

html_theme = "pydata_sphinx_theme"
html_title = "sklgd"
html_theme_options = {"secondary_sidebar_items": ["page-toc"]}


def skip_member(app, what, name, obj, skip, options):
    """Leave out the generated set_..._request, whose texts refer to pages of scikit-learn."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def setup(app):
    """Write the API pages before Sphinx looks for its sources."""
    app.connect("config-inited", lambda app, config: _api.write(HERE / "api" / "generated"))
    app.connect("autodoc-skip-member", skip_member)
