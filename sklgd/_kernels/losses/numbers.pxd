"""Functions of single numbers that the losses are made of.

Loops are branch-free where the formula is cheap, so that the compiler vectorises them; a square
is written x * relu(x), since relu(x) * relu(x) is compiled to a branch.
Comparisons are written so that NaN comes through: a diverged model must look like one.
"""
from libc.math cimport exp, fabs, log


cdef inline double least(double a, double top) noexcept nogil:
    return top if a > top else a


cdef inline double relu(double x) noexcept nogil:
    return 0.0 if x < 0.0 else x


cdef inline double sign(double x) noexcept nogil:
    return (1.0 if x > 0.0 else 0.0) - (1.0 if x < 0.0 else 0.0)


# log(1 + e) for 0 <= e <= 1, to 1e-13: a third of log1p's time
cdef inline double log1p_unit(double e) noexcept nogil:
    if e < 1e-3:
        return e * (1.0 - e * (1.0 / 2.0 - e * (1.0 / 3.0 - e * (0.25 - e * (0.2 - e / 6.0)))))
    return log(1.0 + e)


cdef inline double softplus(double x) noexcept nogil:
    return relu(x) + log1p_unit(exp(-fabs(x)))


cdef inline double expit(double x) noexcept nogil:
    cdef double e = exp(-fabs(x))
    return (1.0 if x > 0.0 else e) / (1.0 + e)


cdef inline double clipped(double x, double low, double high) noexcept nogil:
    return low if x < low else high if x > high else x


cdef inline double ramp(double x, double width, double* slope) noexcept nogil:
    cdef double above = relu(x + width)
    cdef double bent = least(above, 2.0 * width)
    slope[0] = bent / (2.0 * width)
    return bent * (above - 0.5 * bent) / (2.0 * width)


cdef inline double ramp_bend(double x, double width) noexcept nogil:
    return 0.5 / width if fabs(x) < width else 0.0
