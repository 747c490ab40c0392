"""What is installed is what the clone holds."""

import importlib.metadata
import re
from pathlib import Path

import sklgd

ROOT = Path(__file__).resolve().parent.parent


def _sources(folder):
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if "__pycache__" not in path.parts
    }


def test_every_module_is_installed():
    # meson.build names the modules one by one; one that it forgets is missing here
    installed = _sources(Path(sklgd.__file__).parent)
    assert sorted(_sources(ROOT / "sklgd") - installed) == []


def test_one_version():
    build = (ROOT / "meson.build").read_text(encoding="utf-8")
    written = re.search(r"^  version: '(.+)',$", build, flags=re.M)[1]
    assert sklgd.__version__ == importlib.metadata.version("sklgd") == written
