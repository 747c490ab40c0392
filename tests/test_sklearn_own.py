"""scikit-learn's own tests pass with these estimators, but for the differences that are listed."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.skipif(not sklearn.__version__.startswith("1.9."), reason="other tests than these")
@pytest.mark.parametrize(
    ("script", "count"),
    [
        ("sklearn_sgd.py", "186 of 211 tests pass."),
        ("sklearn_mlp.py", "55 of 59 tests pass."),
    ],
)
def test_with_this_package_in_its_place(script, count, tmp_path):
    # in a process of its own, where the names of scikit-learn's estimators stand for others
    folder = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, str(folder / script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=str(folder)),  # conftest.py keeps scripts' folders off it
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert count in done.stdout


@pytest.mark.parametrize(
    ("script", "page", "count"),
    [("sklearn_sgd", "coming_from_sgd", "186 of 211"), ("sklearn_mlp", "networks", "55 of 59")],
)
def test_the_docs_hold_every_difference(script, page, count, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    script = importlib.import_module(script)
    text = (DOCS / f"{page}.rst").read_text(encoding="utf-8")
    rows = {row.replace("``", "") for row in re.findall(r"^   \* - (.+)$", text, re.MULTILINE)}
    named = {row for row, _ in script.DIFFERENCES.values()} - {script.PRIVATE}
    assert script.DIFFERENCES and named <= rows
    assert f"{count} pass" in text
