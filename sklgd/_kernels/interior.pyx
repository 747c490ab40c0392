"""The vectors of an interior point: see `sklgd.optimizers.InteriorPoint`, which states the maths.

They are planes of one array ``work`` of shape (N_PLANES, n_kinks, n, k), for kinks of n rows and
k raw columns: what stands where is said by the names below.
"""
import numpy as np

from libc.math cimport fabs

#: planes: the dual variables and their bounds, what the raw predictions are above and below the
#: kinks; the directions of the first three; and what products of them are aimed at
(THETA, LOW, HIGH, ABOVE, BELOW, D_THETA, D_ABOVE, D_BELOW, AIM_ABOVE, AIM_BELOW,
 N_PLANES) = range(11)


cdef struct Kinks:
    Py_ssize_t size         # of a plane
    Py_ssize_t rows         # of a plane: kinks times n
    Py_ssize_t k
    double* theta
    double* low
    double* high
    double* above
    double* below
    double* d_theta
    double* d_above
    double* d_below
    double* aim_above
    double* aim_below


cdef Kinks kinks_in(double[:, :, :, ::1] work):
    cdef Kinks v
    cdef double* at = &work[0, 0, 0, 0]
    v.rows, v.k = work.shape[1] * work.shape[2], work.shape[3]
    v.size = v.rows * v.k
    v.theta, v.low, v.high = at, at + v.size, at + 2 * v.size
    v.above, v.below = at + 3 * v.size, at + 4 * v.size
    v.d_theta, v.d_above, v.d_below = at + 5 * v.size, at + 6 * v.size, at + 7 * v.size
    v.aim_above, v.aim_below = at + 8 * v.size, at + 9 * v.size
    return v


def products(double[:, :, :, ::1] work, const double[:, ::1] lengths=None):
    """Return the sum of the products that vanish at the minimum, for each column.

    With ``lengths``, of the primal and the dual step of each column, after these steps.
    """
    cdef Kinks v = kinks_in(work)
    cdef Py_ssize_t i, c, e
    cdef double up, down, primal, dual, theta, total
    cdef double[::1] out = np.empty(v.k)
    with nogil:
        for c in range(v.k):
            primal = 0.0 if lengths is None else lengths[0, c]
            dual = 0.0 if lengths is None else lengths[1, c]
            total = 0.0
            for i in range(v.rows):
                e = i * v.k + c
                theta = v.theta[e] + dual * v.d_theta[e]
                up = v.above[e] + primal * v.d_above[e]
                down = v.below[e] + primal * v.d_below[e]
                total += up * (v.high[e] - theta) + down * (theta - v.low[e])
            out[c] = total
    return np.asarray(out)


def weigh(double[:, :, :, ::1] work, const unsigned char[::1] done, double[:, ::1] slopes,
          double[:, ::1] bends=None):
    """Write the slopes and second derivatives of which rows make a linear system.

    Those of columns that are ``done`` are zero.
    """
    cdef Kinks v = kinks_in(work)
    cdef Py_ssize_t i, c, e, at, size = slopes.shape[0] * v.k
    cdef double weight, up, down
    cdef double* slope = &slopes[0, 0]
    cdef double* bend = NULL if bends is None else &bends[0, 0]
    with nogil:
        for c in range(v.k):
            for i in range(slopes.shape[0]):
                slope[i * v.k + c] = 0.0
                if bend != NULL:
                    bend[i * v.k + c] = 0.0
            if done[c]:
                continue
            at = c
            for i in range(v.rows):
                if at >= size:
                    at = c
                e = i * v.k + c
                up, down = 1.0 / (v.high[e] - v.theta[e]), 1.0 / (v.theta[e] - v.low[e])
                weight = 1.0 / (v.above[e] * up + v.below[e] * down)
                slope[at] += v.theta[e] + weight * (
                    v.above[e] - v.below[e] - v.aim_above[e] * up + v.aim_below[e] * down)
                if bend != NULL:
                    bend[at] += weight
                at += v.k


def follow(double[:, :, :, ::1] work, const double[:, ::1] raw):
    """Write the directions for raw predictions that change by ``raw``.

    Returns
    -------
    lengths : ndarray of shape (2, k)
        How far each column can go at the most, up to one: its primal and its dual variables.
    """
    cdef Kinks v = kinks_in(work)
    cdef Py_ssize_t i, c, e, at, size = raw.shape[0] * v.k
    cdef double up, down, d, primal, dual
    cdef const double* change = &raw[0, 0]
    cdef double[:, ::1] lengths = np.empty((2, v.k))
    with nogil:
        for c in range(v.k):
            primal = dual = 1.0     # the inverse of the lengths
            at = c
            for i in range(v.rows):
                if at >= size:
                    at = c
                e = i * v.k + c
                up, down = 1.0 / (v.high[e] - v.theta[e]), 1.0 / (v.theta[e] - v.low[e])
                d = (change[at] + v.above[e] - v.below[e]
                     - v.aim_above[e] * up + v.aim_below[e] * down) / (
                    v.above[e] * up + v.below[e] * down)
                v.d_theta[e] = d
                v.d_above[e] = (v.aim_above[e] + v.above[e] * d) * up - v.above[e]
                v.d_below[e] = (v.aim_below[e] - v.below[e] * d) * down - v.below[e]
                dual = max(dual, d * up, -d * down)
                if -v.d_above[e] > primal * v.above[e]:
                    primal = -v.d_above[e] / v.above[e]
                if -v.d_below[e] > primal * v.below[e]:
                    primal = -v.d_below[e] / v.below[e]
                at += v.k
            lengths[0, c], lengths[1, c] = 1.0 / primal, 1.0 / dual
    return np.asarray(lengths)


def aim(double[:, :, :, ::1] work, const double[::1] centres):
    """Aim the products of each column at its centre, and correct for what the directions bend."""
    cdef Kinks v = kinks_in(work)
    cdef Py_ssize_t i, c, e
    with nogil:
        for c in range(v.k):
            for i in range(v.rows):
                e = i * v.k + c
                v.aim_above[e] = centres[c] + v.d_above[e] * v.d_theta[e]
                v.aim_below[e] = centres[c] - v.d_below[e] * v.d_theta[e]


def move(double[:, :, :, ::1] work, const double[:, ::1] lengths, const double[:, ::1] step,
         const double[:, ::1] ridge, double[:, ::1] u, double[:, ::1] residual):
    """Go along the directions, the primal and the dual part of each column; aim at zero again.

    ``residual`` is ``ridge * u + X' theta``, which is to be zero.

    Returns
    -------
    pulls, losses : ndarray of shape (k,)
        For each column the sum of the sizes of ``residual * step``, and that of the loss, at the
        end.
    """
    cdef Kinks v = kinks_in(work)
    cdef Py_ssize_t i, j, c, e
    cdef double primal, dual, pull, over, loss
    cdef double[::1] pulls = np.empty(v.k)
    cdef double[::1] losses = np.empty(v.k)
    with nogil:
        for c in range(v.k):
            primal, dual, pull, loss = lengths[0, c], lengths[1, c], 0.0, 0.0
            for i in range(v.rows):
                e = i * v.k + c
                v.theta[e] += dual * v.d_theta[e]
                v.above[e] += primal * v.d_above[e]
                v.below[e] += primal * v.d_below[e]
                v.aim_above[e] = v.aim_below[e] = 0.0
                over = v.above[e] - v.below[e]
                loss += max(v.low[e] * over, v.high[e] * over)
            for j in range(step.shape[1]):
                u[c, j] += primal * step[c, j]
                residual[c, j] = (1.0 - dual) * residual[c, j] + (
                    (primal - dual) * ridge[c, j] * step[c, j])
                pull += fabs(residual[c, j] * step[c, j])
            pulls[c], losses[c] = pull, loss
    return np.asarray(pulls), np.asarray(losses)
