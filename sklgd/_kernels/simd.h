/* The few vector primitives of the compiled core.
 *
 * Each exists once per instruction set (simd_impl.h); simd_init() points the table at the best
 * one this processor has.  x may be float or double, weights are double throughout.
 */
#ifndef SKLGD_SIMD_H
#define SKLGD_SIMD_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    double beta_1, beta_2, rate, epsilon, ridge;
} simd_adam;

typedef void simd_loss(ptrdiff_t n, const double *params, const double *y, const double *raw,
                       double *value, double *grad);

typedef struct {
    /* sum_j x[j] w[j] */
    double (*dot_d)(ptrdiff_t n, const double *x, const double *w);
    double (*dot_f)(ptrdiff_t n, const float *x, const double *w);
    /* out[c] = sum_j x[j] w[c * n + j] for c < 4 */
    void (*dot4_d)(ptrdiff_t n, const double *x, const double *w, double *out);
    void (*dot4_f)(ptrdiff_t n, const float *x, const double *w, double *out);
    /* w[j] = shrink * w[j] + a * x[j] */
    void (*update_d)(ptrdiff_t n, double a, const double *x, double shrink, double *w);
    void (*update_f)(ptrdiff_t n, double a, const float *x, double shrink, double *w);
    /* the same, and then sum_j next[j] w[j]; and sum_j next[j] y[j] in cross */
    double (*advance_d)(ptrdiff_t n, double a, const double *x, double shrink, double *w,
                        const double *y, const double *next, double *cross);
    double (*advance_f)(ptrdiff_t n, double a, const float *x, double shrink, double *w,
                        const float *y, const float *next, double *cross);
    /* the dot and the update of four rows: out[r] = sum_j x[r][j] w[j], and
     * w[j] = shrink * w[j] + sum_r a[r] x[r][j] */
    void (*rows4_dot_d)(ptrdiff_t n, const double *const *x, const double *w, double *out);
    void (*rows4_dot_f)(ptrdiff_t n, const float *const *x, const double *w, double *out);
    void (*rows4_update_d)(ptrdiff_t n, const double *a, const double *const *x, double shrink,
                           double *w);
    void (*rows4_update_f)(ptrdiff_t n, const double *a, const float *const *x, double shrink,
                           double *w);
    /* moments of four rows: with d[r] = x[r][j] - origin[j],
     * first[j] += sum_r a[r] d[r] and second[j] += sum_r a[r] d[r]^2 */
    void (*rows4_moments_d)(ptrdiff_t n, const double *a, const double *const *x,
                            const double *origin, double *first, double *second);
    void (*rows4_moments_f)(ptrdiff_t n, const double *a, const float *const *x,
                            const double *origin, double *first, double *second);
    /* four rows and four columns: out[r * step + c] = sum_j x[r][j] w[c * n + j] */
    void (*rows4_dot4_d)(ptrdiff_t n, const double *const *x, const double *w, ptrdiff_t step,
                         double *out);
    void (*rows4_dot4_f)(ptrdiff_t n, const float *const *x, const double *w, ptrdiff_t step,
                         double *out);
    /* all columns: w[c * n + j] = shrink * w[c * n + j] + sum_i a[i * k + c] x[i][j], i < m and
     * c < k */
    void (*rows_update_d)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const double *const *x,
                          const double *a, double shrink, double *w);
    void (*rows_update_f)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *const *x,
                          const double *a, double shrink, double *w);
    /* mean[j] += rate * (w[j] - mean[j]) */
    void (*average)(ptrdiff_t n, double rate, const double *w, double *mean);
    /* out[j] = exp(x[j]); out may be x, here and below */
    void (*exp)(ptrdiff_t n, const double *x, double *out);
    /* out[j] = log(x[j]) */
    void (*log)(ptrdiff_t n, const double *x, double *out);
    /* out[j] = log(1 + x[j]) for 0 <= x[j] <= 1 */
    void (*log1p_unit)(ptrdiff_t n, const double *x, double *out);
    /* values and slopes of losses, params is what each is made with: see simd_losses.h */
    simd_loss *poisson, *gamma, *logistic, *log_cosh, *rounded;
    /* the logistic loss's second derivatives */
    void (*sigmoid_slope)(ptrdiff_t n, const double *raw, double *out);
    /* with g = grad + ridge * params: m = beta_1 m + (1 - beta_1) g,
     * v = beta_2 v + (1 - beta_2) g^2, params -= rate * m / (sqrt(v) + epsilon) */
    void (*adam_d)(ptrdiff_t n, double *params, const double *grad, double *m, double *v,
                   const simd_adam *rule);
    void (*adam_f)(ptrdiff_t n, float *params, const float *grad, float *m, float *v,
                   const simd_adam *rule);
    /* sizes = rate / (sqrt(total) + epsilon), and a step of these sizes after total += grad^2 */
    void (*root_sizes)(ptrdiff_t n, const double *total, double rate, double epsilon,
                       double *sizes);
    void (*adagrad)(ptrdiff_t n, double *params, const double *grad, double *total, double rate,
                    double epsilon);
    /* |w[j]| + offset times (1 + x[j])^-n[j], or (1 + x[j])^n[j] for unit < 0, where x = unit *
     * sizes lies between -1/4 and 1 and n = steps - since, and 0 is as far as it goes; returns
     * whether there are others, which stay as they are */
    int (*shrink)(ptrdiff_t n, double unit, double offset, const double *sizes, int32_t steps,
                  const int32_t *since, double *w);
    const char *name;
} simd_table;

extern simd_table simd;

void simd_init(void);

/* The instruction set in use: the best there is, lowered by the environment variable SKLGD_SIMD
 * ("plain" or "avx2"), for tests and for tracking down a difference between machines. */
enum { SIMD_PLAIN, SIMD_AVX2, SIMD_AVX512 };
int simd_level(void);

#if defined(__GNUC__) || defined(__clang__)
/* The empty asm counts as an effect: without one gcc takes functions that only prefetch for pure,
 * and drops the calls. */
#define SKLGD_PREFETCH_INTO(address, level)      \
    do {                                         \
        __builtin_prefetch((address), 0, level); \
        __asm__ volatile("");                    \
    } while (0)
#else
#define SKLGD_PREFETCH_INTO(address, level) ((void)(address))
#endif
#define SKLGD_PREFETCH(address) SKLGD_PREFETCH_INTO(address, 3)

/* Ask for the cache line in which an address is. */
static inline void simd_prefetch_line(const void *address)
{
    SKLGD_PREFETCH(address);
}

/* Ask for the cache lines that hold so many bytes.  Where they begin in a line is not looked at: a
 * loop whose length depended on that could not be guessed. */
#define SKLGD_PREFETCH_ALL(start, bytes, level)                          \
    do {                                                                 \
        for (ptrdiff_t at = 0; at < (bytes); at += 64)                   \
            SKLGD_PREFETCH_INTO((const char *)(start) + at, level);      \
        SKLGD_PREFETCH_INTO((const char *)(start) + (bytes) - 1, level); \
    } while (0)

static inline void simd_prefetch(const void *start, ptrdiff_t bytes)
{
    SKLGD_PREFETCH_ALL(start, bytes, 3);
}

/* The same, into the second cache only.  More requests wait for memory there than at the first
 * cache: what is asked for long before it is needed comes up to twice as fast. */
static inline void simd_prefetch_far(const void *start, ptrdiff_t bytes)
{
    SKLGD_PREFETCH_ALL(start, bytes, 2);
}

#endif
