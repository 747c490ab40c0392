"""Sums over blocks of rows, by one thread or several.

Blocks are added in a fixed tree whose leaves depend on the number of rows alone, so any number of
threads gives the same bits: neighbours pairwise, then pairs, and so on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .costs import ROW, WORTH_THREADS

#: pieces of work for each thread, at the least
PIECES = 4

#: a loss, and an array of sums or None
Sums = tuple[float, np.ndarray | None]
#: what sums over the positions from the first to before the second
Leaf = Callable[[int, int], Sums]


class Threads:
    """Threads that problems share, started when they are first needed."""

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads

    @functools.cached_property
    def pool(self) -> ThreadPoolExecutor:
        """The threads."""
        return ThreadPoolExecutor(self.n_threads)


def tree_sum(
    leaf: Leaf, n_rows: int, block_rows: int, threads: Threads, work: float, *, takes_branches: bool
) -> Sums:
    """Return the sum of ``leaf(start, stop)`` over blocks of rows.

    Parameters
    ----------
    leaf : callable
        Returns a loss and an array of sums, which is the caller's to write, or None.
    n_rows, block_rows : int
        Rows in all, and of a block.
    threads : Threads
        What may share the blocks.
    work : float
        About how many multiply-adds a row takes, beside `ROW`.
    takes_branches : bool
        Whether ``leaf`` takes several blocks, too, and adds them in such a tree itself, as
        `sklgd._kernels.curvature` does.

    Returns
    -------
    loss : float
    sums : ndarray or None
    """
    n_blocks = -(-n_rows // block_rows)
    if n_blocks <= 1:
        return leaf(0, n_rows)
    whole = leaf if takes_branches else functools.partial(_branch, leaf, block_rows)
    if threads.n_threads == 1 or n_rows * (ROW + work) < WORTH_THREADS:
        return whole(0, n_rows)
    together = 1  # blocks, a power of two: each piece is a branch of the tree
    while n_blocks >= 2 * together * PIECES * threads.n_threads:
        together *= 2
    starts = range(0, n_rows, together * block_rows)
    stops = (min(start + together * block_rows, n_rows) for start in starts)
    return _added(threads.pool.map(whole, starts, stops))


def _branch(leaf: Leaf, block_rows: int, start: int, stop: int) -> Sums:
    starts = range(start, stop, block_rows)
    return _added(leaf(first, min(first + block_rows, stop)) for first in starts)


def _added(parts: Iterable[Sums]) -> Sums:
    # A sum as soon as both its parts are there, so that few are kept.
    waiting: list[tuple[int, Sums]] = []
    for part in parts:
        leaves = 1
        while waiting and waiting[-1][0] == leaves:
            part, leaves = _add(waiting.pop()[1], part), 2 * leaves
        waiting.append((leaves, part))
    total = waiting.pop()[1]
    while waiting:
        total = _add(waiting.pop()[1], total)
    return total


def _add(a: Sums, b: Sums) -> Sums:
    if a[1] is not None:
        a[1][...] += b[1]
    return a[0] + b[0], a[1]
