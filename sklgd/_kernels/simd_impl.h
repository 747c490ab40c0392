/* The primitives for one instruction set.  Included by simd.c with
 *   NAME(f)  the function's name in this build,  TARGET  its attribute,  LANES  doubles in a vector.
 * Four accumulators hide the latency of the multiply-add.
 */
#if LANES > 1
typedef double NAME(vec) __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef float NAME(vecf) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

#define LOAD_d(p) (*(const NAME(vec) *)(p))
#define LOAD_f(p) __builtin_convertvector(*(const NAME(vecf) *)(p), NAME(vec))

/* Sums across lanes by halves, the tail's partial sums joining where their width is reached. */
#if LANES == 8
#define TAIL_SUM(s, four, two, one)                                                       \
    SUM4(_mm256_add_pd(_mm256_add_pd((__m256d)(four),                                     \
                                     _mm512_castpd512_pd256((__m512d)(s))),               \
                       _mm512_extractf64x4_pd((__m512d)(s), 1)),                          \
         two, one)
#else
#define TAIL_SUM(s, four, two, one) SUM4((__m256d)(s), two, one)
#endif

TARGET static inline double NAME(sum4)(__m256d s, __m128d two, double one)
{
    __m128d h = _mm_add_pd(_mm_add_pd(two, _mm256_castpd256_pd128(s)), _mm256_extractf128_pd(s, 1));
    return (one + _mm_cvtsd_f64(h)) + _mm_cvtsd_f64(_mm_unpackhi_pd(h, h));
}
#define SUM4(s, two, one) NAME(sum4)((s), (two), (one))

/* A tail of 4, 2 and 1 entries: dot and update cut it alike, so that what an update has just
 * stored can be forwarded whole to the dot that follows. */
#define DOT_BODY(suffix, real, FETCH)                                                     \
    {                                                                                     \
        NAME(vec) s0 = {0};                                                               \
        quad_d four = {0};                                                                \
        pair_d two = {0};                                                                 \
        double one = 0.0;                                                                 \
        ptrdiff_t j = 0;                                                                  \
        if (n >= 4 * LANES) {                                                             \
            NAME(vec) s1 = {0}, s2 = {0}, s3 = {0};                                       \
            for (; j + 4 * LANES <= n; j += 4 * LANES) {                                  \
                FETCH                                                                     \
                s0 += LOAD_##suffix(x + j) * LOAD_d(w + j);                               \
                s1 += LOAD_##suffix(x + j + LANES) * LOAD_d(w + j + LANES);               \
                s2 += LOAD_##suffix(x + j + 2 * LANES) * LOAD_d(w + j + 2 * LANES);       \
                s3 += LOAD_##suffix(x + j + 3 * LANES) * LOAD_d(w + j + 3 * LANES);       \
            }                                                                             \
            s0 = (s0 + s1) + (s2 + s3);                                                   \
        }                                                                                 \
        for (; j + LANES <= n; j += LANES)                                                \
            s0 += LOAD_##suffix(x + j) * LOAD_d(w + j);                                   \
        if (LANES == 8 && (n & 4)) {                                                      \
            four = QUAD_##suffix(x + j) * QUAD_d(w + j);                                  \
            j += 4;                                                                       \
        }                                                                                 \
        if (n & 2) {                                                                      \
            two = PAIR_##suffix(x + j) * PAIR_d(w + j);                                   \
            j += 2;                                                                       \
        }                                                                                 \
        if (n & 1)                                                                        \
            one = (double)x[j] * w[j];                                                    \
        (void)four;                                                                       \
        return TAIL_SUM(s0, four, (__m128d)two, one);                                     \
    }

#define FETCH_NEXT                                                                        \
    for (ptrdiff_t line = 0; line < 4 * LANES; line += 64 / (ptrdiff_t)sizeof(*x))        \
        SKLGD_PREFETCH(next + j + line);

#define DEFINE_DOT(suffix, real)                                                          \
    TARGET static double NAME(dot_##suffix)(ptrdiff_t n, const real *x, const double *w)  \
        DOT_BODY(suffix, real, )                                                          \
    TARGET static double NAME(dot_ahead_##suffix)(ptrdiff_t n, const real *x,             \
                                                  const double *w, const real *next)      \
        DOT_BODY(suffix, real, FETCH_NEXT)

#define DEFINE_UPDATE(suffix, real)                                                       \
    TARGET static void NAME(update_##suffix)(ptrdiff_t n, double a, const real *x,        \
                                             double shrink, double *w)                    \
    {                                                                                     \
        ptrdiff_t j = 0;                                                                  \
        for (; j + LANES <= n; j += LANES)                                                \
            *(NAME(vec) *)(w + j) = shrink * LOAD_d(w + j) + a * LOAD_##suffix(x + j);    \
        if (LANES == 8 && (n & 4)) {                                                      \
            *(quad_d *)(w + j) = shrink * QUAD_d(w + j) + a * QUAD_##suffix(x + j);       \
            j += 4;                                                                       \
        }                                                                                 \
        if (n & 2) {                                                                      \
            *(pair_d *)(w + j) = shrink * PAIR_d(w + j) + a * PAIR_##suffix(x + j);       \
            j += 2;                                                                       \
        }                                                                                 \
        if (n & 1)                                                                        \
            w[j] = shrink * w[j] + a * (double)x[j];                                      \
    }

#define DEFINE_DOT4(suffix, real)                                                         \
    TARGET static void NAME(dot4_##suffix)(ptrdiff_t n, const real *x, const double *w,   \
                                           double *out)                                   \
    {                                                                                     \
        const double *w1 = w + n, *w2 = w + 2 * n, *w3 = w + 3 * n;                       \
        NAME(vec) s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, a0 = {0}, a1 = {0}, a2 = {0},   \
                  a3 = {0};                                                               \
        ptrdiff_t j = 0;                                                                  \
        for (; j + 2 * LANES <= n; j += 2 * LANES) {                                      \
            NAME(vec) v = LOAD_##suffix(x + j), u = LOAD_##suffix(x + j + LANES);         \
            s0 += v * LOAD_d(w + j);                                                      \
            s1 += v * LOAD_d(w1 + j);                                                     \
            s2 += v * LOAD_d(w2 + j);                                                     \
            s3 += v * LOAD_d(w3 + j);                                                     \
            a0 += u * LOAD_d(w + j + LANES);                                              \
            a1 += u * LOAD_d(w1 + j + LANES);                                             \
            a2 += u * LOAD_d(w2 + j + LANES);                                             \
            a3 += u * LOAD_d(w3 + j + LANES);                                             \
        }                                                                                 \
        s0 += a0, s1 += a1, s2 += a2, s3 += a3;                                           \
        double t0 = 0.0, t1 = 0.0, t2 = 0.0, t3 = 0.0;                                    \
        for (; j < n; j++) {                                                              \
            double v = (double)x[j];                                                      \
            t0 += v * w[j], t1 += v * w1[j], t2 += v * w2[j], t3 += v * w3[j];            \
        }                                                                                 \
        for (int l = 0; l < LANES; l++)                                                   \
            t0 += s0[l], t1 += s1[l], t2 += s2[l], t3 += s3[l];                           \
        out[0] = t0, out[1] = t1, out[2] = t2, out[3] = t3;                               \
    }
#else
#define DEFINE_DOT(suffix, real)                                                          \
    static double NAME(dot_##suffix)(ptrdiff_t n, const real *x, const double *w)         \
    {                                                                                     \
        double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;                                    \
        ptrdiff_t j = 0;                                                                  \
        for (; j + 4 <= n; j += 4) {                                                      \
            s0 += (double)x[j] * w[j];                                                    \
            s1 += (double)x[j + 1] * w[j + 1];                                            \
            s2 += (double)x[j + 2] * w[j + 2];                                            \
            s3 += (double)x[j + 3] * w[j + 3];                                            \
        }                                                                                 \
        for (; j < n; j++)                                                                \
            s0 += (double)x[j] * w[j];                                                    \
        return (s0 + s1) + (s2 + s3);                                                     \
    }                                                                                     \
    static double NAME(dot_ahead_##suffix)(ptrdiff_t n, const real *x, const double *w,   \
                                           const real *next)                              \
    {                                                                                     \
        simd_prefetch(next, n * (ptrdiff_t)sizeof(*next));                                \
        return NAME(dot_##suffix)(n, x, w);                                               \
    }

#define DEFINE_DOT4(suffix, real)                                                         \
    static void NAME(dot4_##suffix)(ptrdiff_t n, const real *x, const double *w,          \
                                    double *out)                                          \
    {                                                                                     \
        for (int c = 0; c < 4; c++)                                                       \
            out[c] = NAME(dot_##suffix)(n, x, w + c * n);                                 \
    }

#define DEFINE_UPDATE(suffix, real)                                                       \
    static void NAME(update_##suffix)(ptrdiff_t n, double a, const real *x,        \
                                             double shrink, double *w)                    \
    {                                                                                     \
        if (shrink == 1.0) {                                                              \
            for (ptrdiff_t j = 0; j < n; j++) w[j] += a * (double)x[j]; \
        } else {                                                                          \
            for (ptrdiff_t j = 0; j < n; j++) w[j] =                  \
                shrink * w[j] + a * (double)x[j];                                         \
        }                                                                                 \
    }
#endif

DEFINE_DOT(d, double)
DEFINE_DOT(f, float)
DEFINE_DOT4(d, double)
DEFINE_DOT4(f, float)
DEFINE_UPDATE(d, double)
DEFINE_UPDATE(f, float)

TARGET static void NAME(average)(ptrdiff_t n, double rate, const double *w, double *mean)
{
    _Pragma("omp simd") for (ptrdiff_t j = 0; j < n; j++) mean[j] += rate * (w[j] - mean[j]);
}

#include "simd_math.h"

static const simd_table NAME(table) = {
    NAME(dot_d),   NAME(dot_f),    NAME(dot_ahead_d), NAME(dot_ahead_f), NAME(dot4_d),
    NAME(dot4_f),  NAME(update_d), NAME(update_f),    NAME(average),     NAME(exp),
    NAME(log1p_unit), NAME_STRING,
};

#undef DEFINE_DOT
#undef DOT_BODY
#undef FETCH_NEXT
#undef DEFINE_DOT4
#undef DEFINE_UPDATE
#undef TAIL_SUM
#undef SUM4
#undef LOAD_d
#undef LOAD_f
#undef NAME
#undef NAME_STRING
#undef TARGET
#undef LANES
