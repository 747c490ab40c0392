"""scikit-learn's own tests of its networks pass, but for the differences that are listed."""

import subprocess
import sys
from pathlib import Path

import pytest
import sklearn

SCRIPT = Path(__file__).with_name("sklearn_mlp.py")


@pytest.mark.skipif(not sklearn.__version__.startswith("1.9."), reason="other tests of networks")
def test_with_this_package_in_its_place(tmp_path):
    # in a process of its own, where the names of scikit-learn's estimators stand for adapters
    run = [sys.executable, str(SCRIPT)]
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "43 of 59 tests pass." in done.stdout
