"""Every public name is documented, and what the documentation says runs."""

import doctest
import importlib
import importlib.util
import inspect
import io
import re
import sys
import types
import warnings
from pathlib import Path

import pytest
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning

from loading import load

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


api = load(DOCS / "_api.py")
MODULES = api.public_modules()
NAMES = [(module, name) for module in MODULES for name in api.public_names(module)]
CALLABLES = [
    (module, name)
    for module, name in NAMES
    if callable(getattr(importlib.import_module(module), name))
]


def _section(doc, title):
    """The lines of a numpydoc section, or None."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-{{3,}}$|\Z)", doc, flags=re.M | re.S)
    return found and found[1]


def _belongs(value, module):
    home = getattr(value, "__module__", None) or ""
    return home == module or home.startswith(f"{module}.")


@pytest.mark.parametrize("module", MODULES)
def test_all_is_complete(module):
    loaded = importlib.import_module(module)
    defined = {
        name
        for name, value in vars(loaded).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and _belongs(value, module)
    }
    registered = {
        cls.__name__
        for value in vars(loaded).values()
        if isinstance(value, dict)
        for cls in value.values()
        if _belongs(cls, module)
    }
    assert len(set(loaded.__all__)) == len(loaded.__all__)
    assert sorted((defined | registered) - set(loaded.__all__)) == []


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_name_is_in_the_reference(module, name):
    assert re.search(rf"^ +{name}$|^\.\. py:data:: {name}$", api.page(module), flags=re.M)


@pytest.mark.parametrize(("module", "name"), CALLABLES)
def test_docstring_has_its_sections(module, name):
    value = getattr(importlib.import_module(module), name)
    assert value.__doc__, "no docstring"
    doc = inspect.cleandoc(value.__doc__)
    examples = _section(doc, "Examples")
    assert examples is not None and ">>>" in examples, "no Examples"
    init = value.__init__ if inspect.isclass(value) else value
    parameters = {} if init is object.__init__ else inspect.signature(value).parameters
    if parameters:
        section = _section(doc, "Parameters")
        assert section is not None, "no Parameters"
        heads = re.findall(r"^([*\w][*\w, ]*?)(?: ?:.*)?$", section, flags=re.M)
        described = {part.strip(" *") for head in heads for part in head.split(",")}
        assert sorted(set(parameters) - described) == []


def _docstrings(value):
    """Those of a public object and of its own public methods and properties."""
    members = inspect.getmembers(value) if inspect.isclass(value) else []
    found = [value, *(member for name, member in members if not name.startswith("_"))]
    found = [member.fget if isinstance(member, property) else member for member in found]
    ours = (x for x in found if getattr(x, "__module__", "").startswith("sklgd"))
    return [inspect.cleandoc(member.__doc__) for member in ours if member.__doc__]


@pytest.mark.parametrize(("module", "name"), CALLABLES)
def test_markup_of_a_docstring(module, name):
    """Cheaply what the build of the documentation would warn of."""
    core = pytest.importorskip("docutils.core")
    from docutils import nodes
    from docutils.parsers.rst import roles
    from docutils.utils.math.latex2mathml import tex2mathml

    for role in ("class", "func", "meth", "mod", "ref"):
        roles.register_generic_role(role, nodes.literal)
    value = getattr(importlib.import_module(module), name)
    for text in _docstrings(value):
        # what numpydoc does to sections, and to names such as coef_
        text = text.replace(f"See Also\n--------\n{_section(text, 'See Also')}", "")
        text = re.sub(r"^(.+)\n-{3,}$", r"**\1**\n", text, flags=re.M)
        text = re.sub(r"^([*\w][*\w, ]*?) : ", r"``\1`` : ", text, flags=re.M)
        stream = io.StringIO()
        tree = core.publish_doctree(text, settings_overrides={"warning_stream": stream})
        assert stream.getvalue() == ""
        for formula in (*tree.findall(nodes.math), *tree.findall(nodes.math_block)):
            tex2mathml(formula.astext(), as_block=isinstance(formula, nodes.math_block))


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.rst")), ids=lambda page: page.name)
def test_examples_of_a_page(page, monkeypatch):
    # in a module that can be imported, so that the classes defined on a page can be pickled
    module = types.ModuleType(f"page_{page.stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    text = page.read_text(encoding="utf-8")
    examples = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    examples.globs = vars(module)
    assert doctest.DocTestRunner().run(examples, clear_globs=False).failed == 0


def test_code_of_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codes = re.findall(r"^```python\n(.*?)^```$", text, flags=re.M | re.S)
        assert codes
        for code in codes:
            exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize("name", ["quickstart", "linear_regression", "imbalanced"])
def test_examples_run_without_a_failed_fit(name, capsys):
    """A search goes on where a fit fails, and prints a traceback in the midst of its results."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", FitFailedWarning)
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        load(ROOT / "examples" / f"{name}.py")
    assert capsys.readouterr().out
