"""Cholesky factors of scaled matrices, on the calling thread: other libraries start their own."""
import numpy as np

from libc.math cimport isfinite, sqrt

from .packed cimport PACKED_PAD, packed, packed_init
from .simd cimport simd, simd_init

simd_init()
packed_init()

# Rows of a factor that are taken off the others together.
cdef Py_ssize_t PANEL = 32
# What is added to the diagonal, in this order, until there is a factor.
cdef double[6] EXTRA = [1e-14, 1e-11, 1e-8, 1e-5, 1e-2, 1.0]


def factored(const double[:, ::1] a):
    """Return the Cholesky factor of a matrix whose rows and columns are scaled, and the scale.

    The diagonal becomes ones; what is added to it is as little as makes it positive definite.
    Where it is zero, nothing bends: the scale is zero, and so is what solves a system there.
    The factor U, with ``U'U`` the scaled matrix, is padded by ones to a multiple of 8 rows.
    """
    cdef Py_ssize_t e, j, q = a.shape[0], padded = (q + PACKED_PAD - 1) // PACKED_PAD * PACKED_PAD
    cdef double[::1] scale = np.empty(q)
    cdef double[:, ::1] u = np.zeros((padded, padded))
    cdef double[::1] panel = np.empty(PANEL * padded)
    cdef bint done = False
    if a.shape[1] != q:
        raise ValueError(f"need a square matrix, got {a.shape[0]} rows of {a.shape[1]}")
    with nogil:
        for j in range(q):
            scale[j] = 0.0 if a[j, j] == 0.0 else 1.0 / sqrt(a[j, j]) if a[j, j] > 0.0 else 1.0
        for e in range(6):
            if not done:
                fill(a, scale, EXTRA[e], u)
                done = factor(padded, &u[0, 0], &panel[0])
        if not done:
            for j in range(q):
                scale[j] = scale[j] if isfinite(scale[j]) else 1.0
    return np.asarray(u) if done else np.eye(padded), np.asarray(scale)


cdef void fill(const double[:, ::1] a, const double[::1] scale, double extra,
               double[:, ::1] u) noexcept nogil:
    # the upper triangle: nobody reads the lower one
    cdef Py_ssize_t i, j, q = a.shape[0]
    for i in range(u.shape[0]):
        for j in range(i, u.shape[0]):
            u[i, j] = scale[i] * a[i, j] * scale[j] if j < q else 0.0
        u[i, i] += extra if i < q and scale[i] != 0.0 else 1.0


def solved(const double[:, ::1] u, const double[::1] scale, const double[::1] b):
    """Return the solution of the system whose `factored` matrix is given."""
    cdef Py_ssize_t j, n = u.shape[0], q = scale.shape[0]
    cdef double[::1] x = np.zeros(n)
    if b.shape[0] != q or n < q:
        raise ValueError(f"{q} equations need as many entries, got {b.shape[0]}")
    with nogil:
        for j in range(q):
            x[j] = scale[j] * b[j]
        for j in range(n):
            x[j] /= u[j, j]
            simd.update_d(n - j - 1, -x[j], &u[j, j] + 1, 1.0, &x[j] + 1)
        for j in range(n - 1, -1, -1):
            x[j] = (x[j] - simd.dot_d(n - j - 1, &u[j, j] + 1, &x[j] + 1)) / u[j, j]
        for j in range(q):
            x[j] *= scale[j]
    return np.asarray(x[:q])


cdef bint factor(Py_ssize_t q, double* a, double* panel) noexcept nogil:
    # panels of rows, each of which is taken off the rows below as a Gram matrix
    cdef Py_ssize_t first = 0, after, i, j
    while first < q:
        after = min(first + PANEL, q)
        for j in range(first, after):
            if not a[j * q + j] > 0.0:   # not: NaN fails
                return False
            scale_row(q - j, 1.0 / sqrt(a[j * q + j]), a + j * q + j)
            for i in range(j + 1, after):
                simd.update_d(q - i, -a[j * q + i], a + j * q + i, 1.0, a + i * q + i)
            for i in range(after, q):
                panel[(j - first) * q + i] = -a[j * q + i]
        if after < q:
            packed.gram(after - first, q - after, q, panel + after, a + first * q + after,
                        a + after * q + after)
        first = after
    return True


cdef inline void scale_row(Py_ssize_t n, double factor, double* row) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        row[j] *= factor
