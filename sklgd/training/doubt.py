"""Rows of a stream that are far beyond all before, and wait until it is clear what they are."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..sampling import Rows

#: far rows are the rule if there are so many, and as many as the root of those before, in so many
#: calls
ENOUGH_ROWS, ENOUGH_CALLS = 32, 2
#: after so many far rows twice as far is not far yet, and after so many others half as far is
DOUBLED_AFTER, HALVED_AFTER = 8, 256
#: how many rows wait at most
MOST_WAITING = 1024


class Doubt(NamedTuple):
    """What there was of rows that are far beyond all others.

    Attributes
    ----------
    waiting : tuple of Rows
        Those that came at last, without many others; of very many the last.
    n_rows, calls : float, int
        How many there were, counted by their weights, and in how many calls.
    slack : float
        How many times as far is not far yet: more where one of some thirty rows is far, since what
        is no exception is to be learnt.
    """

    waiting: tuple[Rows, ...] = ()
    n_rows: float = 0.0
    calls: int = 0
    slack: float = 1.0

    def with_rows(self, far: Rows | None, n_far: float, n_near: float) -> Doubt:
        """Return what there was with a call: its far rows, if most are, and how many there were.

        They are counted by their weights, as others are.
        """
        change = min(n_far / DOUBLED_AFTER, 1.0) - n_near / HALVED_AFTER
        slack = max(self.slack * 2.0 ** max(change, -1000.0), 1.0)
        if far is None:
            return Doubt(slack=slack) if self.calls or slack != self.slack else self
        waiting = (*self.waiting, far)
        while sum(len(part.y) for part in waiting) > MOST_WAITING:
            waiting = waiting[1:]
        return Doubt(waiting, self.n_rows + n_far, self.calls + 1, slack)

    def is_over(self, n_before: float) -> bool:
        """Whether there were so many that they are the rule, after so many other rows."""
        enough = max(ENOUGH_ROWS, math.sqrt(n_before))
        return self.n_rows >= enough and self.calls >= ENOUGH_CALLS
