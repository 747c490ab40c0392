"""Sums over blocks of rows: the same bits from any number of threads, where these are worth it."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklgd.reduction import Threads, tree_sum

BLOCK = 4
NUMBERS = np.random.default_rng(0).normal(size=(500, 2)) * 10.0 ** np.arange(500)[:, None] ** 0.4


def one_block(start, stop):
    assert start % BLOCK == 0
    assert stop - start <= BLOCK
    return float(NUMBERS[start:stop, 0].sum()), NUMBERS[start:stop].sum(axis=0)


def by_halves(start, stop):
    """The same tree from its top: the left branch has the largest power of two of blocks."""
    if stop - start <= BLOCK:
        return one_block(start, stop)
    half = BLOCK
    while 2 * half < stop - start:
        half *= 2
    left, right = by_halves(start, start + half), by_halves(start + half, stop)
    return left[0] + right[0], left[1] + right[1]


@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("takes_branches", [False, True])
@pytest.mark.parametrize("n_rows", [0, 1, 4, 5, 17, 44, 63, 64, 65, 117, 250, 500])
def test_the_tree_does_not_depend_on_threads(n_rows, takes_branches, n_threads, eager_threads):
    leaf = by_halves if takes_branches else one_block
    loss, sums = tree_sum(
        leaf, n_rows, BLOCK, Threads(n_threads), 1.0, takes_branches=takes_branches
    )
    expected = by_halves(0, n_rows)
    assert loss == expected[0]
    assert_array_equal(sums, expected[1])


@pytest.mark.parametrize(("work", "expected"), [(1.0, 1), (1e9, 2)])
def test_threads_are_for_much_work(work, expected):
    seen, both = set(), threading.Barrier(expected, timeout=60)

    def leaf(start, stop):
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            both.wait()
        return one_block(start, stop)

    tree_sum(leaf, 500, BLOCK, Threads(2), work, takes_branches=False)
    assert len(seen) == expected
    assert (threading.get_ident() in seen) == (expected == 1)
