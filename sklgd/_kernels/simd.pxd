"""The vector primitives of simd.c; call ``simd_init()`` when a module is loaded."""
from libc.stdint cimport int32_t


cdef extern from "simd.h" nogil:
    ctypedef struct simd_adam:
        double beta_1
        double beta_2
        double rate
        double epsilon
        double ridge
    ctypedef void simd_loss(Py_ssize_t n, const double* params, const double* y, const double* raw,
                            double* value, double* grad) noexcept nogil
    ctypedef struct simd_table:
        double (*dot_d)(Py_ssize_t n, const double* x, const double* w) noexcept nogil
        double (*dot_f)(Py_ssize_t n, const float* x, const double* w) noexcept nogil
        void (*dot4_d)(Py_ssize_t n, const double* x, const double* w, double* out) noexcept nogil
        void (*dot4_f)(Py_ssize_t n, const float* x, const double* w, double* out) noexcept nogil
        void (*update_d)(Py_ssize_t n, double a, const double* x, double shrink,
                         double* w) noexcept nogil
        void (*update_f)(Py_ssize_t n, double a, const float* x, double shrink,
                         double* w) noexcept nogil
        double (*advance_d)(Py_ssize_t n, double a, const double* x, double shrink, double* w,
                            const double* y, const double* next, double* cross) noexcept nogil
        double (*advance_f)(Py_ssize_t n, double a, const float* x, double shrink, double* w,
                            const float* y, const float* next, double* cross) noexcept nogil
        void (*rows4_dot_d)(Py_ssize_t n, const double** x, const double* w,
                            double* out) noexcept nogil
        void (*rows4_dot_f)(Py_ssize_t n, const float** x, const double* w,
                            double* out) noexcept nogil
        void (*rows4_update_d)(Py_ssize_t n, const double* a, const double** x, double shrink,
                               double* w) noexcept nogil
        void (*rows4_update_f)(Py_ssize_t n, const double* a, const float** x, double shrink,
                               double* w) noexcept nogil
        void (*rows4_moments_d)(Py_ssize_t n, const double* a, const double** x,
                                const double* origin, double* first,
                                double* second) noexcept nogil
        void (*rows4_moments_f)(Py_ssize_t n, const double* a, const float** x,
                                const double* origin, double* first,
                                double* second) noexcept nogil
        void (*rows4_dot4_d)(Py_ssize_t n, const double** x, const double* w, Py_ssize_t step,
                             double* out) noexcept nogil
        void (*rows4_dot4_f)(Py_ssize_t n, const float** x, const double* w, Py_ssize_t step,
                             double* out) noexcept nogil
        void (*rows_update_d)(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const double** x,
                              const double* a, double shrink, double* w) noexcept nogil
        void (*rows_update_f)(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const float** x,
                              const double* a, double shrink, double* w) noexcept nogil
        void (*average)(Py_ssize_t n, double rate, const double* w, double* mean) noexcept nogil
        void (*exp)(Py_ssize_t n, const double* x, double* out) noexcept nogil
        void (*log)(Py_ssize_t n, const double* x, double* out) noexcept nogil
        void (*log1p_unit)(Py_ssize_t n, const double* x, double* out) noexcept nogil
        simd_loss* poisson
        simd_loss* gamma
        simd_loss* logistic
        simd_loss* log_cosh
        simd_loss* rounded
        void (*sigmoid_slope)(Py_ssize_t n, const double* raw, double* out) noexcept nogil
        void (*adam_d)(Py_ssize_t n, double* params, const double* grad, double* m, double* v,
                       const simd_adam* rule) noexcept nogil
        void (*adam_f)(Py_ssize_t n, float* params, const float* grad, float* m, float* v,
                       const simd_adam* rule) noexcept nogil
        void (*root_sizes)(Py_ssize_t n, const double* total, double rate, double epsilon,
                           double* sizes) noexcept nogil
        void (*adagrad)(Py_ssize_t n, double* params, const double* grad, double* total,
                        double rate, double epsilon) noexcept nogil
        int (*shrink)(Py_ssize_t n, double unit, double offset, const double* sizes, int32_t steps,
                      const int32_t* since, double* w) noexcept nogil
        const char* name
    simd_table simd
    void simd_init()
    void simd_prefetch_line(const void* address)
    void simd_prefetch(const void* start, Py_ssize_t bytes)
    void simd_prefetch_far(const void* start, Py_ssize_t bytes)
