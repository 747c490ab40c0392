"""Runs a file of scikit-learn's own tests with sklgd's estimators in the place of its own.

`sklearn_sgd.py` and `sklearn_mlp.py` put the estimators in place and list the differences.
"""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import sklearn


class Counter:
    """A plugin that counts outcomes, of the tests to ``keep``."""

    def __init__(self, keep: Callable[[Any], bool]) -> None:
        self.keep = keep
        self.passed: list[str] = []
        self.failed: list[str] = []

    def pytest_collection_modifyitems(self, config, items):
        items[:] = filter(self.keep, items)

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.partition("::")[2]
        if report.failed:
            self.failed.append(name)
        elif report.passed and report.when == "call":
            self.passed.append(name)


def run_tests(
    tests: Path,
    differences: Mapping[str, str],
    options: tuple[str, ...],
    keep: Callable[[Any], bool] = lambda item: True,
) -> int:
    """Run the tests of a file, print the count and return the number of surprises.

    Parameters
    ----------
    tests : Path
        The file.
    differences : dict
        Pattern of the names of tests that do not pass -> why.
    options : tuple of str
        Options of pytest.
    keep : callable
        Tells which of the collected tests to run.
    """

    def reason(name: str) -> str | None:
        return next((why for known, why in differences.items() if fnmatchcase(name, known)), None)

    seen = Counter(keep)
    quiet = ["-p", "no:cacheprovider", "-q", "--tb=no", "--no-summary", "-W", "ignore"]
    package = Path(sklearn.__file__).parent  # with its fixtures, wherever this is started
    pytest.main([str(tests), f"--rootdir={package}", *quiet, *options], plugins=[seen])
    expected = {name: reason(name) for name in seen.failed}
    print(f"\n{len(seen.passed)} of {len(seen.passed) + len(seen.failed)} tests pass.")
    for why in dict.fromkeys(filter(None, expected.values())):
        names = [name.partition("[")[0] for name in seen.failed if expected[name] == why]
        print(f"{len(names):4d} {why}: {', '.join(dict.fromkeys(names))}")
    surprises = [f"{name} fails" for name, why in expected.items() if why is None]
    surprises += [f"{name} passes" for name in seen.passed if reason(name)]
    for line in surprises:
        print(f"SURPRISE {line}")
    return len(surprises)
