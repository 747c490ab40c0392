"""The tables of losses and penalties say what the classes do."""

from pathlib import Path

import pytest

from sklgd.losses import LOSSES
from sklgd.penalties import PENALTIES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "losses_and_penalties.rst"
ROWS = {
    lines[0].strip(' *-"`'): [line.strip()[2:] for line in lines]
    for lines in (row.splitlines() for row in PAGE.read_text(encoding="utf-8").split("   * - "))
}


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
