"""The linear systems of a step, by a matrix of the rows where features outnumber them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from .._kernels.cholesky import factored, solved
from ..coordinates import Coordinates
from ..objective import Problem

#: the share of entries that are not zero from which rows are quicker with their zeros than without
FILLED = 0.1
#: what a solution may leave of the right side, as a share of it
ACCURATE = 1e-6
#: returns the solution of a system for a right side
Solver = Callable[[np.ndarray], np.ndarray]


class RowSystem:
    r"""Solves :math:`(Z^T D Z + E) s = b` for standardised rows Z, with E a positive diagonal.

    With :math:`t = D^{1/2} (Z s + 1 s_0)`, where :math:`s_0` is the step of an intercept, it is

    .. math:: (I + D^{1/2} Z E^{-1} Z^T D^{1/2}) t = D^{1/2} (Z E^{-1} b + 1 s_0), \qquad
        s = E^{-1} (b - Z^T D^{1/2} t), \qquad 1^T D^{1/2} t = b_0 ,

    of as many equations as there are rows.  Where E is tiny digits cancel: what is left of b tells.

    Parameters
    ----------
    problem : Problem
    space : Coordinates
    """

    # ``_rows`` is Z; without the features ``_far`` that are centred, which ``_centred`` has, where
    # it is sparse.

    def __init__(self, problem: Problem, space: Coordinates) -> None:
        X = problem.block.X[problem.rows]
        shift = np.zeros(len(space.scale)) if space.shift is None else space.shift
        self._weight_sum, self._n_features = problem.weight_sum, len(shift)
        self._has_intercept = problem.has_intercept
        self._far, self._centred = np.flatnonzero(shift), None
        if not sp.issparse(X) or X.nnz > FILLED * X.shape[0] * X.shape[1]:
            X = X.toarray() if sp.issparse(X) else X
            self._rows = (X - shift) * space.factor
            return
        far = self._far
        if far.size:
            self._centred = (X[:, far].toarray() - shift[far]) * space.factor[far]
        near = np.where(shift == 0.0, space.factor, 0.0)
        self._rows = sp.csr_array(X @ sp.diags_array(near), dtype=np.float64)

    @staticmethod
    def suits(problem: Problem) -> bool:
        """Whether it is for this problem: rows are fewer than features, which all are penalised."""
        if problem.n_rows >= problem.n_features:
            return False
        penalised = (problem.rest_bounds[0] > 0.0) | (np.atleast_2d(problem.smooth_curvature) > 0.0)
        return bool(penalised.all())

    def solver(
        self, bends: np.ndarray, penalty: np.ndarray, otherwise: Callable[[], Solver]
    ) -> Solver:
        """Return what solves the system of a column.

        Parameters
        ----------
        bends : ndarray of shape (n_rows,)
            D, times the sum of the rows' weights.
        penalty : ndarray of shape (n_features,)
            E.
        otherwise : callable
            Makes another solver where this one's solutions are not accurate.
        """
        p, D = self._n_features, bends / self._weight_sum
        once, other = self._solver(np.sqrt(D), penalty), []

        def left(b: np.ndarray, s: np.ndarray) -> np.ndarray:
            t = D * (self._dot(s[:p]) + s[p:].sum())
            rest = b[:p] - self._transposed_dot(t) - penalty * s[:p]
            return np.append(rest, b[p:] - t.sum())

        def solve(b: np.ndarray) -> np.ndarray:
            if other:
                return other[0](b)
            s = once(b)
            s += once(left(b, s))
            if np.abs(left(b, s)).max() <= ACCURATE * np.abs(b).max():
                return s
            other.append(otherwise())
            return other[0](b)

        return solve

    def _solver(self, roots: np.ndarray, penalty: np.ndarray) -> Solver:
        matrix, p = self._products(1.0 / np.sqrt(penalty)), self._n_features
        matrix *= roots[:, None] * roots
        matrix[np.diag_indices(len(roots))] += 1.0
        factor = factored(matrix)
        of_one = solved(*factor, roots) if self._has_intercept else None

        def solve(b: np.ndarray) -> np.ndarray:
            t, step = solved(*factor, roots * self._dot(b[:p] / penalty)), b[p:]
            if of_one is not None:
                step = (step - roots @ t) / (roots @ of_one)
                t += step * of_one
            return np.append((b[:p] - self._transposed_dot(roots * t)) / penalty, step)

        return solve

    def _products(self, scale: np.ndarray) -> np.ndarray:
        # Of pairs of rows whose features are scaled.
        if not sp.issparse(self._rows):
            rows = self._rows * scale
            return rows @ rows.T
        rows = self._rows.copy()
        rows.data *= scale[rows.indices]
        products = (rows @ rows.T).toarray()
        if self._centred is not None:
            rows = self._centred * scale[self._far]
            products += rows @ rows.T
        return products

    def _dot(self, v: np.ndarray) -> np.ndarray:
        out = self._rows @ v
        return out if self._centred is None else out + self._centred @ v[self._far]

    def _transposed_dot(self, t: np.ndarray) -> np.ndarray:
        out = self._rows.T @ t
        if self._centred is not None:
            out[self._far] += self._centred.T @ t
        return out
