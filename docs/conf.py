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
from docutils import nodes  # noqa: E402
from docutils.utils.math import MathError  # noqa: E402
from docutils.utils.math.latex2mathml import tex2mathml  # noqa: E402
from sphinx.util import logging  # noqa: E402

project = "sklgd"
author = "The sklgd developers"
copyright = "2026, The sklgd developers"
release = version = installed_version("sklgd")

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
default_role = "py:obj"

autodoc_typehints = "none"
autosummary_generate = True
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # the class template lists them

plot_working_directory = str(HERE.parent / "examples")
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 100)]

html_theme = "pydata_sphinx_theme"
html_title = "sklgd"
html_math_renderer = "mathml"
html_sidebars = {"*": []}  # only the reference has pages enough for one
html_static_path = ["_static"]
html_css_files = ["sklgd.css"]
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navbar_persistent": [],
    "navbar_end": ["search-button", "theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
}


def formula(writer, node):
    """Write a formula as MathML, which needs no script and no network to be read."""
    block = isinstance(node, nodes.math_block)
    try:
        text = tex2mathml(node.astext(), as_block=block)
    except MathError as error:
        logging.getLogger(__name__).warning("formula: %s", error, location=node)
        text = writer.encode(node.astext())
    bar = '<mo stretchy="false">|</mo>'  # of an absolute value, not a relation
    text = text.replace(bar, bar.replace("<mo", '<mo lspace="0" rspace="0"'))
    writer.body.append(f'<div class="formula">{text}</div>' if block else text)
    raise nodes.SkipNode


def skip_member(app, what, name, obj, skip, options):
    """Leave out the generated set_..._request, whose texts refer to pages of scikit-learn."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def setup(app):
    """Write the API pages before Sphinx looks for its sources."""
    app.connect("config-inited", lambda app, config: _api.write(HERE / "api" / "generated"))
    app.connect("autodoc-skip-member", skip_member)
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
