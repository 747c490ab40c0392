"""The kinks of one raw column, by kinks.c; call ``kinks_init()`` when a module is loaded."""

cdef extern from "kinks.h" nogil:
    ctypedef struct kinks_planes:
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

    ctypedef struct kinks_table:
        double (*products)(Py_ssize_t m, const kinks_planes* v, double primal,
                           double dual) noexcept nogil
        void (*weigh)(Py_ssize_t n, Py_ssize_t n_kinks, const kinks_planes* v, Py_ssize_t step,
                      double* slope, double* bend) noexcept nogil
        void (*follow)(Py_ssize_t n, Py_ssize_t n_kinks, const kinks_planes* v, Py_ssize_t step,
                       const double* change, double* lengths) noexcept nogil
        void (*aim)(Py_ssize_t m, const kinks_planes* v, double centre,
                    double share) noexcept nogil
        double (*move)(Py_ssize_t m, const kinks_planes* v, double primal,
                       double dual) noexcept nogil

    kinks_table kinks
    void kinks_init()
