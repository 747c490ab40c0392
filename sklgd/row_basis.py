"""The space that the rows span: few numbers for each row, where features are many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.linalg import qr, solve_triangular
from scipy.linalg.lapack import dpstrf

from .coordinates import check_finite

if TYPE_CHECKING:
    from .objective import Problem

#: entries of rows that are centred at once
CENTRED_ENTRIES = 2**17
#: the share of entries that are not zero from which a feature is not sparse
FULL = 0.5
#: products of rows that are so many times what a feature adds to them have lost it
LOST = 1e12
#: the share of the largest pivot up to which pivots are rounding
PIVOT_ROUNDING = 1e-13
#: pivots that are so many times smaller than the largest have lost digits
COARSE = 1e9
#: the share of the penalty's curvature from which what a feature adds to the loss's is of account
OF_ACCOUNT = 1e-3


@dataclass
class RowBasis:
    """An orthonormal basis of the space that rows span, less their mean.

    Attributes
    ----------
    features : float64 ndarray of shape (n_rows, rank)
        The rows in it, in the order of the problem.
    mean : float64 ndarray of shape (n_features,) or None
        The features' means; None without an intercept that could take up the shift.
    """

    features: np.ndarray
    mean: np.ndarray | None

    def to_params(self, problem: Problem, u: np.ndarray) -> np.ndarray:
        """Return the parameters of a linear model at a point of the space."""
        k, rank = problem.n_raw, self.features.shape[1]
        params = np.empty(problem.n_params)
        weights, intercepts = params[: problem.n_weights], params[problem.n_weights :]
        weights = weights.reshape(k, -1)
        self._place(problem.block.X, u[: k * rank].reshape(k, rank), weights)
        intercepts[:] = u[k * rank :]
        if self.mean is not None:
            intercepts -= weights @ self.mean
        return params

    def from_params(self, problem: Problem, params: np.ndarray) -> np.ndarray:
        """Return the point whose parameters are nearest."""
        k, rank = problem.n_raw, self.features.shape[1]
        weights, intercepts = params[: problem.n_weights], params[problem.n_weights :]
        u = np.zeros(k * rank + len(intercepts))
        u[k * rank :] = intercepts
        if weights.any():
            weights = weights.reshape(k, -1)
            u[: k * rank] = self._parts(problem.block.X, weights).ravel()
            if self.mean is not None:
                u[k * rank :] += weights @ self.mean
        return u

    def _place(self, X: Any, parts: np.ndarray, weights: np.ndarray) -> None:
        # Write the weights with given parts, both with a row for each raw column.
        raise NotImplementedError

    def _parts(self, X: Any, weights: np.ndarray) -> np.ndarray:
        # The parts of weights along the basis.
        raise NotImplementedError


@dataclass
class _OfProducts(RowBasis):
    r"""From the products of rows, :math:`L L^T`, decomposed with pivots.

    The features of the rows are the rows of L, and :math:`w = (X - 1 m^T)^T L^{-T} u`.  ``rows``
    has the numbers of the pivots, whose part of L is ``factor``, a triangle, and ``full`` those of
    sparse features that are hardly ever zero.
    """

    rows: np.ndarray
    factor: np.ndarray
    full: np.ndarray

    def _place(self, X: Any, parts: np.ndarray, weights: np.ndarray) -> None:
        sums = np.zeros((len(parts), X.shape[0]))
        sums[:, self.rows] = solve_triangular(self.factor, parts.T, trans=1, lower=True).T
        if not sp.issparse(X):
            for some in _slices(X):
                weights[:, some] = sums @ self._centred(X, some)
            return
        weights[...] = (X.T @ sums.T).T
        if self.mean is not None:
            weights -= np.outer(sums.sum(axis=1), self.mean)
        if self.full.size:  # whose means may be far larger than their spreads
            weights[:, self.full] = sums @ self._centred(X, self.full)

    def _centred(self, X: Any, some: Any) -> np.ndarray:
        part = X[:, some]
        part = part.toarray() if sp.issparse(part) else part
        return part if self.mean is None else part - self.mean[some]

    def _parts(self, X: Any, weights: np.ndarray) -> np.ndarray:
        if sp.issparse(X):
            raw = X[self.rows] @ weights.T
        else:
            raw = sum(X[self.rows, some] @ weights[:, some].T for some in _slices(X))
        if self.mean is not None:
            raw -= weights @ self.mean
        return solve_triangular(self.factor, raw, lower=True).T


@dataclass
class _Orthogonal(RowBasis):
    """From a QR decomposition: ``directions`` of shape (n_features, rank) is Q."""

    directions: np.ndarray

    def _place(self, X: Any, parts: np.ndarray, weights: np.ndarray) -> None:
        weights[...] = parts @ self.directions.T

    def _parts(self, X: Any, weights: np.ndarray) -> np.ndarray:
        return weights @ self.directions


def row_basis(problem: Problem) -> RowBasis:
    """Return a basis of the space that a problem's rows span.

    From their products, which square the units of features: where some are a million times
    smaller than others, and matter, from the rows themselves, at the expense of a copy.  So where
    rows differ by little beside what they have in common, such as a mean that is left in.
    """
    X, numbers = problem.block.X, np.arange(problem.block.X.shape[0])
    rows = problem.rows
    products = _sparse_products if sp.issparse(X) else _dense_products
    products = products(X, rows, centred=problem.has_intercept)
    own = products.variance * problem.n_rows
    ridge = problem.smooth_curvature.min() / (problem.block.loss.curvature or 1.0)
    of_account = OF_ACCOUNT * ridge * problem.n_rows
    largest = products.gram.diagonal().max()
    factor, pivots, rank, _ = dpstrf(
        products.gram.T, tol=PIVOT_ROUNDING * largest, lower=1, overwrite_a=1
    )
    pivots -= 1
    if np.any((own > of_account) & (own * LOST < largest)):
        return _orthogonal(X, rows, products, pivots)
    found = np.square(np.diagonal(factor)[:rank])
    found = found[found * COARSE < largest]
    if rank < problem.n_rows - (products.mean is not None):  # what is left may be rounding, or not
        found = np.append(found, PIVOT_ROUNDING * largest)
    if np.any(found > of_account):
        return _orthogonal(X, rows, products, pivots)
    if not rank:  # features are constant: any will do
        zeros, one = np.zeros((problem.n_rows, 1)), np.eye(1)
        return _OfProducts(zeros, products.mean, numbers[:1], one, products.full)
    features = np.empty((problem.n_rows, rank))
    features[pivots] = np.tril(factor[:, :rank])
    of_basis = numbers[rows][pivots[:rank]]
    triangle = np.tril(factor[:rank, :rank])
    return _OfProducts(features, products.mean, of_basis, triangle, products.full)


def _orthogonal(
    X: Any, rows: np.ndarray | slice, products: _Products, pivots: np.ndarray
) -> RowBasis:
    # Large features come first, and rows in the order of the pivots that their products have: then
    # small features keep their digits (Cox and Higham 1998, Stability of Householder QR
    # factorization for weighted least squares).  A decomposition that chooses its pivots itself
    # takes ten times as long; that of the small matrix which is left tells the rank.
    by_size = np.argsort(-products.variance)[: np.count_nonzero(products.variance)]
    Z = _dense(X[rows][:, by_size])
    if products.mean is not None:
        Z -= products.mean[by_size]
    q, r = qr(np.asfortranarray(Z[pivots].T), mode="economic", overwrite_a=True)
    small, r, order = qr(r, mode="economic", pivoting=True)
    size = np.abs(np.diagonal(r))
    rank = int(np.sum(size > PIVOT_ROUNDING * size[0]))
    features, directions = np.empty((len(pivots), rank)), np.zeros((X.shape[1], rank))
    features[pivots[order]], directions[by_size] = r[:rank].T, q @ small[:, :rank]
    return _Orthogonal(features, products.mean, directions)


class _Products(NamedTuple):
    # Of rows less their mean, this mean, and the mean squares of the features less it; the numbers
    # of sparse features most of whose entries are not zero.
    gram: np.ndarray
    mean: np.ndarray | None
    variance: np.ndarray
    full: np.ndarray = np.zeros(0, dtype=int)


def _dense_products(X: np.ndarray, rows: np.ndarray | slice, *, centred: bool) -> _Products:
    n_rows = X.shape[0] if isinstance(rows, slice) else len(rows)
    gram, variance = np.zeros((n_rows, n_rows)), np.empty(X.shape[1])
    mean = np.zeros(X.shape[1]) if centred else None
    for some in _slices(X):
        part = _dense(X[rows, some])
        if centred:
            mean[some] = part.mean(axis=0)
            part -= mean[some]
        variance[some] = np.mean(np.square(part), axis=0)
        gram += part @ part.T
    check_finite(variance)
    return _Products(gram, mean, variance)


def _sparse_products(X: Any, rows: np.ndarray | slice, *, centred: bool) -> _Products:
    X = sp.csr_array(X[rows], dtype=np.float64, copy=True)
    X.sum_duplicates()
    # where most entries are not zero, means may be so large that all else is rounding beside them
    full = centred & (np.bincount(X.indices, minlength=X.shape[1]) > FULL * X.shape[0])
    found = _dense_products(_dense(X[:, full]), slice(None), centred=centred)
    X.data[full[X.indices]] = 0.0
    gram, variance = (X @ X.T).toarray(), X.power(2).mean(axis=0)
    if not centred:
        check_finite(variance)
        return _Products(gram, None, variance)
    mean, means = X.mean(axis=0), gram.mean(axis=0)
    gram += means.mean() - means - means[:, None]
    variance -= mean**2
    mean[full], variance[full] = found.mean, found.variance
    check_finite(variance)
    return _Products(gram + found.gram, mean, variance, np.flatnonzero(full))


def _dense(X: Any) -> np.ndarray:
    """Return an array of its own."""
    return np.array(X.toarray() if sp.issparse(X) else X, dtype=np.float64)


def _slices(X: np.ndarray) -> Iterator[slice]:
    """Yield slices of the features, of which the rows fit into a cache."""
    size = max(CENTRED_ENTRIES // X.shape[0], 1)
    for start in range(0, X.shape[1], size):
        yield slice(start, min(start + size, X.shape[1]))
