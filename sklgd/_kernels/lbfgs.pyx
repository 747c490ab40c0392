"""The two-loop recursion of `sklgd.optimizers.LBFGS`."""
import numpy as np

from .simd cimport simd, simd_init

simd_init()


def two_loop(const double[:, ::1] steps, const double[:, ::1] bends, Py_ssize_t last,
             Py_ssize_t count, double[::1] q, const double[::1] free=None):
    """Apply the inverse Hessian of L-BFGS in place.

    ``steps`` and ``bends`` are rings of pairs of which ``last`` is the newest of ``count``.  Where
    ``free`` is zero parameters are held, and it is one elsewhere: pairs count by what they say
    of the free ones, if the objective bends upwards there.
    """
    cdef Py_ssize_t i, j, size = steps.shape[0], p = q.shape[0]
    cdef double[::1] a = np.zeros(size)
    cdef double[::1] products = np.zeros(size)
    cdef double[::1] held = np.empty(p if free is not None else 0)
    cdef double scale = 0.0, square
    cdef const double* bend
    with nogil:
        hold(p, free, &q[0], &q[0])
        for i in range(count):
            j = (last - i + size) % size
            bend = &bends[j, 0]
            if free is not None:
                hold(p, free, bend, &held[0])
                bend = &held[0]
            products[j] = simd.dot_d(p, &steps[j, 0], bend)
            square = simd.dot_d(p, bend, bend)
            if not products[j] > 1e-12 * square:
                products[j] = 0.0
                continue
            if scale == 0.0:
                scale = products[j] / square
            a[j] = simd.dot_d(p, &steps[j, 0], &q[0]) / products[j]
            simd.update_d(p, -a[j], bend, 1.0, &q[0])
        if scale > 0.0:
            scale_row(p, scale, &q[0])
        for i in range(count - 1, -1, -1):
            j = (last - i + size) % size
            if products[j] > 0.0:
                simd.update_d(p, a[j] - simd.dot_d(p, &bends[j, 0], &q[0]) / products[j],
                              &steps[j, 0], 1.0, &q[0])
                hold(p, free, &q[0], &q[0])


cdef inline void scale_row(Py_ssize_t n, double factor, double* row) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        row[j] *= factor


cdef inline void hold(Py_ssize_t n, const double[::1] free, const double* x,
                      double* out) noexcept nogil:
    cdef Py_ssize_t j
    if free is not None:
        for j in range(n):
            out[j] = x[j] * free[j]
