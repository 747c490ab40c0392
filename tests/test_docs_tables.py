"""The tables of strategies have a row for each, and say what the classes do."""

import inspect
from pathlib import Path

import pytest

from sklgd import optimizers
from sklgd.losses import LOSSES
from sklgd.optimizers import OPTIMIZERS, FullBatchOptimizer, Optimizer, VarianceReduced
from sklgd.penalties import PENALTIES
from sklgd.schedules import SCHEDULES

DOCS = Path(__file__).resolve().parent.parent / "docs"
STEP_RULES = [
    name
    for name, cls in OPTIMIZERS.items()
    if not (cls.full_batch or cls.variance_reduced or name == "auto")
]
ALL_OPTIMIZERS = [
    cls
    for cls in (getattr(optimizers, name) for name in optimizers.__all__)
    if inspect.isclass(cls)
    and issubclass(cls, Optimizer)
    and cls not in (Optimizer, FullBatchOptimizer, VarianceReduced)
]


def rows_of(page):
    """Return the cells of the rows of a page's tables, by the string in the first."""
    rows = (DOCS / page).read_text(encoding="utf-8").split("   * - ")
    return {
        lines[0].strip(' *-"`'): [line.strip()[2:] for line in lines]
        for lines in map(str.splitlines, rows)
    }


ROWS = rows_of("losses_and_penalties.rst") | rows_of("strategies.rst")


def cells(name, module, cls):
    row = ROWS[name]
    assert row[1] == f":class:`~sklgd.{module}.{cls.__name__}`"
    return row


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    cls, loss = LOSSES[name], LOSSES[name]()
    row = cells(name, "losses", cls)
    if loss.task == "classification":
        assert row[3] == ("yes" if loss.smooth else "no")
        assert row[4] == ("yes" if hasattr(loss, "predict_proba") else "no")
        assert row[5] == ("one problem" if loss.joint else "each against the rest")
    else:
        whole = str(loss.domain) == "(-inf, inf)"
        assert row[3] == ("anywhere" if whole else str(loss.domain))
        assert row[4] == ("yes" if loss.smooth else "no")
        linked = loss.predict(1.0) != 1.0
        assert linked == (row[5] != "identity")


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties(name):
    row = cells(name, "penalties", PENALTIES[name])
    assert (row[4] == "yes") == (PENALTIES[name]().split()[1] is None)


@pytest.mark.parametrize("name", STEP_RULES)
def test_step_rules(name):
    assert cells(name, "optimizers", OPTIMIZERS[name])[2]


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name):
    assert cells(name, "schedules", SCHEDULES[name])[2]


@pytest.mark.parametrize("cls", ALL_OPTIMIZERS)
def test_every_optimizer_is_on_the_page(cls):
    """Those without a string, too: a row of their own, or a word beside the tables."""
    assert f":class:`~sklgd.optimizers.{cls.__name__}`" in (DOCS / "strategies.rst").read_text()


@pytest.mark.parametrize("cls", [c for c in ALL_OPTIMIZERS if c.full_batch])
def test_optimizers_of_all_rows(cls):
    """Rows whose first cell may be empty."""
    table = (DOCS / "strategies.rst").read_text().split("Optimizers that use all rows at once")[1]
    assert f"     - :class:`~sklgd.optimizers.{cls.__name__}`\n" in table
