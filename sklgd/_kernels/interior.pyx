"""The vectors of an interior point: see `sklgd.optimizers.InteriorPoint`, which states the maths.

They are planes of an array ``work`` of shape (N_PLANES, k, n_kinks, n), for k raw columns and
kinks of n rows, or of n weights: what stands where is said by the names below.
"""
import numpy as np

from libc.math cimport fabs

from .kinks cimport kinks, kinks_init, kinks_planes

kinks_init()

#: planes: the dual variables and their bounds, what the raw predictions are above and below the
#: kinks; the directions of the first three; and what products of them are aimed at
(THETA, LOW, HIGH, ABOVE, BELOW, D_THETA, D_ABOVE, D_BELOW, AIM_ABOVE, AIM_BELOW,
 N_PLANES) = range(11)


# The planes of one raw column.
cdef kinks_planes planes_of(double[:, :, :, ::1] work, Py_ssize_t c) noexcept:
    cdef kinks_planes v
    v.theta, v.low, v.high = &work[0, c, 0, 0], &work[1, c, 0, 0], &work[2, c, 0, 0]
    v.above, v.below = &work[3, c, 0, 0], &work[4, c, 0, 0]
    v.d_theta, v.d_above = &work[5, c, 0, 0], &work[6, c, 0, 0]
    v.d_below = &work[7, c, 0, 0]
    v.aim_above, v.aim_below = &work[8, c, 0, 0], &work[9, c, 0, 0]
    return v


def products(double[:, :, :, ::1] work, const double[:, ::1] lengths=None):
    """Return the sum of the products that vanish at the minimum, for each column.

    With ``lengths``, of the primal and the dual step of each column, after these steps.
    """
    cdef Py_ssize_t c, m = work.shape[2] * work.shape[3]
    cdef double primal = 0.0, dual = 0.0
    cdef double[::1] out = np.empty(work.shape[1])
    cdef kinks_planes v
    for c in range(work.shape[1]):
        v = planes_of(work, c)
        if lengths is not None:
            primal, dual = lengths[0, c], lengths[1, c]
        with nogil:
            out[c] = kinks.products(m, &v, primal, dual)
    return np.asarray(out)


def weigh(double[:, :, :, ::1] work, const unsigned char[::1] done, double[:, ::1] slopes,
          double[:, ::1] bends=None):
    """Write the slopes and second derivatives of which rows make a linear system.

    Those of columns that are ``done`` are zero.
    """
    cdef Py_ssize_t c, k = work.shape[1]
    cdef kinks_planes v
    for c in range(k):
        if done[c]:
            slopes[:, c] = 0.0
            if bends is not None:
                bends[:, c] = 0.0
            continue
        v = planes_of(work, c)
        with nogil:
            kinks.weigh(work.shape[3], work.shape[2], &v, k, &slopes[0, c],
                        NULL if bends is None else &bends[0, c])


def follow(double[:, :, :, ::1] work, const double[:, ::1] raw):
    """Write the directions for raw predictions that change by ``raw``.

    Returns
    -------
    lengths : ndarray of shape (2, k)
        How far each column can go at the most, up to one: its primal and its dual variables.
    """
    cdef Py_ssize_t c, k = work.shape[1]
    cdef double[2] found
    cdef double[:, ::1] lengths = np.empty((2, k))
    cdef kinks_planes v
    for c in range(k):
        v = planes_of(work, c)
        with nogil:
            kinks.follow(work.shape[3], work.shape[2], &v, k, &raw[0, c], found)
        lengths[0, c], lengths[1, c] = found[0], found[1]
    return np.asarray(lengths)


def aim(double[:, :, :, ::1] work, const double[::1] centres, const unsigned char[::1] columns,
        bint corrected):
    """Aim products in some columns at a number of the column times the root of ``high - low``.

    If they are ``corrected``, less what the directions bend.
    """
    cdef Py_ssize_t c, m = work.shape[2] * work.shape[3]
    cdef kinks_planes v
    for c in range(work.shape[1]):
        if not columns[c]:
            continue
        v = planes_of(work, c)
        with nogil:
            kinks.aim(m, &v, centres[c], 1.0 if corrected else 0.0)


def move(double[:, :, :, ::1] work, const double[:, ::1] lengths):
    """Go along the directions, the primal and the dual part of each column; aim at zero again.

    Returns
    -------
    losses : ndarray of shape (k,)
        For each column the sum of the loss at the end.
    """
    cdef Py_ssize_t c, m = work.shape[2] * work.shape[3]
    cdef double primal, dual
    cdef double[::1] losses = np.empty(work.shape[1])
    cdef kinks_planes v
    for c in range(work.shape[1]):
        v = planes_of(work, c)
        primal, dual = lengths[0, c], lengths[1, c]
        with nogil:
            losses[c] = kinks.move(m, &v, primal, dual)
    return np.asarray(losses)


def move_parameters(const double[:, ::1] lengths, const double[:, ::1] step,
                    const double[:, ::1] ridge, double[:, ::1] u, double[:, ::1] residual):
    """Go along a step, each column by its primal length.

    ``residual`` is ``ridge * u + X' theta``, which is to be zero.

    Returns
    -------
    pulls : ndarray of shape (k,)
        For each column the sum of the sizes of ``residual * step`` at the end.
    """
    cdef Py_ssize_t j, c
    cdef double primal, dual, pull
    cdef double[::1] pulls = np.empty(step.shape[0])
    for c in range(step.shape[0]):
        primal, dual, pull = lengths[0, c], lengths[1, c], 0.0
        for j in range(step.shape[1]):
            u[c, j] += primal * step[c, j]
            residual[c, j] = (1.0 - dual) * residual[c, j] + (
                (primal - dual) * ridge[c, j] * step[c, j])
            pull += fabs(residual[c, j] * step[c, j])
        pulls[c] = pull
    return np.asarray(pulls)
