"""The minimum of a parabola, an L1 norm and bounds over one number."""
from libc.math cimport fabs


cdef inline double best_entry(double h, double slope, double u, double l1, double low,
                              double high) noexcept nogil:
    # of slope v + h v^2 / 2 around u; exactly zero, or exactly a bound, where it is there
    cdef double pull = h * u - slope, v = 0.0
    if fabs(pull) > l1:
        v = (pull - l1 if pull > 0.0 else pull + l1) / h
    if v < low:
        return low
    return high if v > high else v
