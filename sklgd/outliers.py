"""Whether rows in other units, or a group of rows far from the rest, make up what features vary by.

Their curvature hides what the other rows have to gain: see `sklgd.optimizers._stopping`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from .coordinates import Coordinates, is_constant, largest_sizes, mean_squares, moments

if TYPE_CHECKING:
    from .objective import Problem

#: rows that tell what is ordinary, those that tell of clusters, and how many are too few to tell;
#: sparse features that are many
ORDINARY_ROWS, CLUSTER_ROWS, FEWEST_ROWS, MANY_SPARSE = 256, 64, 8, 500
#: standardised features beyond which there are outliers; the same as a share of the root of the
#: number of rows, where these are few; the share of ordinary rows in a mean square that is small
OUTLYING, OUTLYING_OF_FEW, SMALL_SHARE = 10.0, 0.7, 1e-4


def ordinary_share(problem: Problem, space: Coordinates) -> float:
    """Return the least share that ordinary rows have in the mean square of a feature.

    Outliers, such as rows in other units, can make up nearly all of it, and so can a group of rows
    far from the rest.  The curvature that they give a loss hides what the other rows have to gain,
    and fades as they are fitted.  A few hundred rows tell what is ordinary.  A share that is not
    small is returned as one, and so is that of many sparse features: most of these are zero.

    Parameters
    ----------
    problem : Problem
        A linear model's.
    space : Coordinates
    """
    order, X = problem.some(ORDINARY_ROWS), problem.block.X
    n_rows = X.shape[0] if order is None else len(order)
    if n_rows < FEWEST_ROWS or (sp.issparse(X) and X.shape[1] > MANY_SPARSE):
        return 1.0
    all_rows, sparse = order is problem.order, sp.issparse(X)
    if sparse:
        X, order = (X if order is None else X[order]).toarray(), None
    outlying = min(OUTLYING, OUTLYING_OF_FEW * n_rows**0.5)
    if sparse or space.shift is None:  # coordinates in which most features are not centred
        shift, scale = moments(X, order, None)
        sizes = scale if all_rows else np.maximum(scale, _sizes_about(problem, shift))
        constant = is_constant(sizes, shift)
        scale, sizes = (np.where(constant, np.inf, part) for part in (scale, sizes))
    else:
        # by their own spread: a ridge in the scale hides no curvature
        shift, scale, squares = space.shift, space.scale, mean_squares(problem, space)
        sizes = scale * np.sqrt(np.where(squares == 0.0, 1.0, squares))
    largest = largest_sizes(X, order, shift)
    largest = np.where(largest == 0.0, sizes, largest)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = largest / scale, sizes / largest
    far = max(np.fmax.reduce(ratio, initial=0.0) for ratio in ratios) >= outlying
    step = 1 if far else max(1, n_rows // CLUSTER_ROWS)
    some = X[::step] if order is None else X[order[::step]]
    Z = np.array(((some - shift) / sizes).T, dtype=np.float64, order="C")  # quicker to sort
    Z.sort(axis=1)
    share = (_share_of_middle if far else _share_of_cluster)(Z)
    return share if share < SMALL_SHARE else 1.0


def _sizes_about(problem: Problem, shift: np.ndarray) -> np.ndarray:
    # Root mean squares of the features less a shift over all rows, at the least: of sparse ones
    # nothing where the shift, which is nearly the mean, is most of them.
    mean, deviation = problem.moments
    squares = deviation**2
    if sp.issparse(problem.block.X):
        return np.sqrt(np.where(2.0 * shift**2 < squares, squares - shift**2, 0.0))
    return np.sqrt(squares + (mean - shift) ** 2)


def _share_of_middle(Z: np.ndarray) -> float:
    # The least variance of a feature, a sorted row, without a percent of it at each end; of those
    # that vary in the quarters about the median.
    n = Z.shape[1]
    few = max(1, n // 100)
    middle = Z[:, few : n - few]
    about = middle.mean(axis=1)
    constant = is_constant(Z[:, 3 * n // 4] - Z[:, n // 4], about)
    return float(middle.var(axis=1)[~constant].min(initial=1.0))


def _share_of_cluster(Z: np.ndarray) -> float:
    # The square of the least median deviation of a feature, a sorted row, from its median, of those
    # that have one: tiny where most of the rows lie close together, and far from a group of others.
    half = Z.shape[1] // 2
    apart = np.abs(Z - Z[:, half : half + 1])
    apart.partition(half, axis=1)
    close = apart[:, half]
    return float(close[~is_constant(close, 1.0)].min(initial=1.0)) ** 2
