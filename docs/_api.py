"""The API pages, written from each module's ``__all__``: no public name can be missing."""

import importlib
import inspect
import shutil


def public_modules():
    """Return the names of the public modules: the package, the modules it exports, the checks."""
    package = importlib.import_module("sklgd")
    exported = [name for name in package.__all__ if inspect.ismodule(getattr(package, name))]
    return ["sklgd", *(f"sklgd.{name}" for name in sorted({*exported, "testing"}))]


def public_names(module):
    """Return the public names of a module, modules aside."""
    loaded = importlib.import_module(module)
    return [name for name in loaded.__all__ if not inspect.ismodule(getattr(loaded, name))]


def page(module):
    """Return the API page of a module."""
    loaded = importlib.import_module(module)
    names = public_names(module)
    documented = [name for name in names if callable(getattr(loaded, name))]
    lines = [module, "=" * len(module), "", f".. automodule:: {module}", "   :no-members:", ""]
    lines += [f".. currentmodule:: {module}", "", ".. autosummary::"]
    lines += [f"   :toctree: {module}", "", *(f"   {name}" for name in documented), ""]
    for name in names:
        if name not in documented:
            lines += constant(module, name)
    return "\n".join(lines)


def constant(module, name):
    """Return the entry of a constant; a registry is a table of its strings."""
    value = getattr(importlib.import_module(module), name)
    lines = [f".. py:data:: {name}", ""]
    if isinstance(value, dict):
        lines += ["   The strings and the classes they stand for.", "", "   .. list-table::", ""]
        for key, cls in value.items():
            lines += [f'      * - ``"{key}"``', f"        - :class:`~{module}.{cls.__name__}`"]
        lines += [""]
    return lines


def write(folder):
    """Write a page for each public module into ``folder``, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for module in public_modules():
        (folder / f"{module}.rst").write_text(page(module) + "\n", encoding="utf-8")
