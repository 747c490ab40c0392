/* The primitives for one instruction set.  Included by simd.c with
 *   NAME(f)  the function's name in this build,  TARGET  its attribute,  LANES  doubles a vector.
 * Four accumulators hide the latency of the multiply-add.
 */
#if LANES > 1
#include "lanes.h"

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
#define DEFINE_DOT(suffix, real)                                                          \
    TARGET static double NAME(dot_##suffix)(ptrdiff_t n, const real *x, const double *w)  \
    {                                                                                     \
        NAME(vec) s0 = {0};                                                               \
        quad_d four = {0};                                                                \
        pair_d two = {0};                                                                 \
        double one = 0.0;                                                                 \
        ptrdiff_t j = 0;                                                                  \
        if (n >= 4 * LANES) {                                                             \
            NAME(vec) s1 = {0}, s2 = {0}, s3 = {0};                                       \
            for (; j + 4 * LANES <= n; j += 4 * LANES) {                                  \
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

/* The update and both sums go through the weights once; tails are those of dot and update. */
#define ADVANCE(vector, LOAD, suffix, s, c)                                               \
    {                                                                                     \
        vector z = LOAD##_##suffix(next + j), v = shrink * LOAD##_d(w + j);               \
        v += a * LOAD##_##suffix(x + j);                                                  \
        *(vector *)(w + j) = v;                                                           \
        s += z * v;                                                                       \
        c += z * LOAD##_##suffix(y + j);                                                  \
    }
#define DEFINE_ADVANCE(suffix, real)                                                      \
    TARGET static double NAME(advance_##suffix)(                                          \
        ptrdiff_t n, double a, const real *x, double shrink, double *w, const real *y,    \
        const real *next, double *cross)                                                  \
    {                                                                                     \
        NAME(vec) s0 = {0}, c0 = {0};                                                     \
        quad_d s4 = {0}, c4 = {0};                                                        \
        pair_d s2 = {0}, c2 = {0};                                                        \
        double s1 = 0.0, c1 = 0.0;                                                        \
        ptrdiff_t j = 0;                                                                  \
        if (n >= 2 * LANES) {                                                             \
            NAME(vec) s = {0}, c = {0};                                                   \
            for (; j + 2 * LANES <= n; j += LANES) {                                      \
                ADVANCE(NAME(vec), LOAD, suffix, s0, c0)                                  \
                j += LANES;                                                               \
                ADVANCE(NAME(vec), LOAD, suffix, s, c)                                    \
            }                                                                             \
            s0 += s, c0 += c;                                                             \
        }                                                                                 \
        if (j + LANES <= n) {                                                             \
            ADVANCE(NAME(vec), LOAD, suffix, s0, c0)                                      \
            j += LANES;                                                                   \
        }                                                                                 \
        if (LANES == 8 && (n & 4)) {                                                      \
            ADVANCE(quad_d, QUAD, suffix, s4, c4)                                         \
            j += 4;                                                                       \
        }                                                                                 \
        if (n & 2) {                                                                      \
            ADVANCE(pair_d, PAIR, suffix, s2, c2)                                         \
            j += 2;                                                                       \
        }                                                                                 \
        if (n & 1) {                                                                      \
            w[j] = shrink * w[j] + a * (double)x[j];                                      \
            s1 = (double)next[j] * w[j], c1 = (double)next[j] * (double)y[j];             \
        }                                                                                 \
        (void)s4, (void)c4;                                                               \
        *cross = TAIL_SUM(c0, c4, (__m128d)c2, c1);                                       \
        return TAIL_SUM(s0, s4, (__m128d)s2, s1);                                         \
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

#if LANES == 8
#define ANY(mask) (_mm512_test_epi64_mask((__m512i)(mask), (__m512i)(mask)) != 0)
#else
#define ANY(mask) (!_mm256_testz_si256((__m256i)(mask), (__m256i)(mask)))
#endif

/* Four rows at once share the loads of w and the sums across lanes. */
#define DEFINE_ROWS4(suffix, real)                                                        \
    TARGET static void NAME(rows4_dot_##suffix)(ptrdiff_t n, const real *const *x,        \
                                                const double *w, double *out)             \
    {                                                                                     \
        const real *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];                        \
        NAME(vec) s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};                                 \
        ptrdiff_t j = 0;                                                                  \
        for (; j + LANES <= n; j += LANES) {                                              \
            NAME(vec) v = LOAD_d(w + j);                                                  \
            s0 += LOAD_##suffix(x0 + j) * v;                                              \
            s1 += LOAD_##suffix(x1 + j) * v;                                              \
            s2 += LOAD_##suffix(x2 + j) * v;                                              \
            s3 += LOAD_##suffix(x3 + j) * v;                                              \
        }                                                                                 \
        if (j < n) {                                                                      \
            NAME(vec) v = LOAD_REST_d(n - j, w + j);                                      \
            s0 += LOAD_REST_##suffix(n - j, x0 + j) * v;                                  \
            s1 += LOAD_REST_##suffix(n - j, x1 + j) * v;                                  \
            s2 += LOAD_REST_##suffix(n - j, x2 + j) * v;                                  \
            s3 += LOAD_REST_##suffix(n - j, x3 + j) * v;                                  \
        }                                                                                 \
        _mm256_storeu_pd(out, NAME(sums4)(s0, s1, s2, s3));                               \
    }                                                                                     \
    TARGET static void NAME(rows4_update_##suffix)(ptrdiff_t n, const double *a,          \
                                                   const real *const *x, double shrink,   \
                                                   double *w)                             \
    {                                                                                     \
        const real *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];                        \
        const double a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];                          \
        ptrdiff_t j = 0;                                                                  \
        for (; j + LANES <= n; j += LANES)                                                \
            *(NAME(vec) *)(w + j) =                                                       \
                (shrink * LOAD_d(w + j) + a0 * LOAD_##suffix(x0 + j) +                    \
                 a1 * LOAD_##suffix(x1 + j)) +                                            \
                (a2 * LOAD_##suffix(x2 + j) + a3 * LOAD_##suffix(x3 + j));                \
        if (j < n) {                                                                      \
            ptrdiff_t m = n - j;                                                          \
            NAME(vec) v = (shrink * LOAD_REST_d(m, w + j) +                               \
                           a0 * LOAD_REST_##suffix(m, x0 + j) +                           \
                           a1 * LOAD_REST_##suffix(m, x1 + j)) +                          \
                          (a2 * LOAD_REST_##suffix(m, x2 + j) +                           \
                           a3 * LOAD_REST_##suffix(m, x3 + j));                           \
            STORE_REST(m, w + j, v);                                                      \
        }                                                                                 \
    }                                                                                     \
    TARGET static void NAME(rows4_moments_##suffix)(                                      \
        ptrdiff_t n, const double *a, const real *const *x, const double *origin,         \
        double *first, double *second)                                                    \
    {                                                                                     \
        ptrdiff_t j = 0;                                                                  \
        for (; j + LANES <= n; j += LANES) {                                              \
            NAME(vec) o = LOAD_d(origin + j), s = LOAD_d(first + j), t = LOAD_d(second + j); \
            for (int r = 0; r < 4; r++) {                                                 \
                NAME(vec) d = LOAD_##suffix(x[r] + j) - o, e = a[r] * d;                  \
                s += e;                                                                   \
                t += e * d;                                                               \
            }                                                                             \
            *(NAME(vec) *)(first + j) = s;                                                \
            *(NAME(vec) *)(second + j) = t;                                               \
        }                                                                                 \
        for (; j < n; j++)                                                                \
            for (int r = 0; r < 4; r++) {                                                 \
                double d = (double)x[r][j] - origin[j];                                   \
                first[j] += a[r] * d;                                                     \
                second[j] += a[r] * d * d;                                                \
            }                                                                             \
    }

/* TALL rows and four columns of sums stay in registers. */
#define TALL (LANES / 2)
#define FOUR_COLUMNS(LOAD_X, LOAD_W)                                                      \
    {                                                                                     \
        NAME(vec) w0 = LOAD_W(w + j), w1 = LOAD_W(w + n + j), w2 = LOAD_W(w + 2 * n + j), \
                  w3 = LOAD_W(w + 3 * n + j);                                             \
        for (int r = 0; r < TALL; r++) {                                                  \
            NAME(vec) v = LOAD_X(x[r] + j);                                               \
            s[r][0] += v * w0, s[r][1] += v * w1, s[r][2] += v * w2, s[r][3] += v * w3;   \
        }                                                                                 \
    }
#define DEFINE_TILES(suffix, real)                                                        \
    TARGET static void NAME(rows4_dot4_##suffix)(ptrdiff_t n, const real *const *x,       \
                                                 const double *w, ptrdiff_t step,         \
                                                 double *out)                             \
    {                                                                                     \
        for (const real *const *end = x + 4; x < end; x += TALL, out += TALL * step) {    \
            NAME(vec) s[TALL][4];                                                         \
            ptrdiff_t j = 0;                                                              \
            for (int r = 0; r < TALL; r++)                                                \
                s[r][0] = s[r][1] = s[r][2] = s[r][3] = (NAME(vec)){0};                   \
            for (; j + LANES <= n; j += LANES) FOUR_COLUMNS(LOAD_##suffix, LOAD_d)        \
            if (j < n) FOUR_COLUMNS(REST_X_##suffix, REST_X_d)                            \
            for (int r = 0; r < TALL; r++)                                                \
                _mm256_storeu_pd(out + r * step,                                          \
                                 NAME(sums4)(s[r][0], s[r][1], s[r][2], s[r][3]));        \
        }                                                                                 \
    }                                                                                     \
    TARGET static void NAME(rows_update_##suffix)(                                        \
        ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const real *const *x, const double *a,     \
        double shrink, double *w)                                                         \
    {                                                                                     \
        ptrdiff_t j = 0;                                                                  \
        for (; j + 2 * LANES <= n; j += 2 * LANES) {                                      \
            ptrdiff_t c = 0;                                                              \
            for (; c + 4 <= k; c += 4) UPDATED_TWO(4, suffix)                             \
            for (; c + 2 <= k; c += 2) UPDATED_TWO(2, suffix)                             \
            for (; c < k; c++) UPDATED_TWO(1, suffix)                                     \
        }                                                                                 \
        for (; j < n; j += LANES) {                                                       \
            const int all = j + LANES <= n;                                               \
            ptrdiff_t c = 0;                                                              \
            for (; c + 4 <= k; c += 4) UPDATED(4, suffix)                                 \
            for (; c < k; c++) UPDATED(1, suffix)                                         \
        }                                                                                 \
    }
#define REST_X_d(p) LOAD_REST_d(n - j, p)
#define REST_X_f(p) LOAD_REST_f(n - j, p)
/* C columns of two vectors, for all rows: enough sums to hide the latency of the multiply-add. */
#define UPDATED_TWO(C, suffix)                                                            \
    {                                                                                     \
        NAME(vec) s[C], t[C];                                                             \
        double *to = w + c * n + j;                                                       \
        for (int e = 0; e < C; e++) {                                                     \
            s[e] = shrink * LOAD_d(to + e * n);                                           \
            t[e] = shrink * LOAD_d(to + e * n + LANES);                                   \
        }                                                                                 \
        for (ptrdiff_t i = 0; i < m; i++) {                                               \
            NAME(vec) u = LOAD_##suffix(x[i] + j), v = LOAD_##suffix(x[i] + j + LANES);   \
            for (int e = 0; e < C; e++) {                                                 \
                s[e] += a[i * k + c + e] * u;                                             \
                t[e] += a[i * k + c + e] * v;                                             \
            }                                                                             \
        }                                                                                 \
        for (int e = 0; e < C; e++) {                                                     \
            *(NAME(vec) *)(to + e * n) = s[e];                                            \
            *(NAME(vec) *)(to + e * n + LANES) = t[e];                                    \
        }                                                                                 \
    }
/* C columns of one vector, or of what is left, for all rows. */
#define UPDATED(C, suffix)                                                                \
    {                                                                                     \
        NAME(vec) s[C];                                                                   \
        double *to = w + c * n + j;                                                       \
        for (int e = 0; e < C; e++)                                                       \
            s[e] = shrink * (all ? LOAD_d(to + e * n) : LOAD_REST_d(n - j, to + e * n));  \
        if (all)                                                                          \
            for (ptrdiff_t i = 0; i < m; i++) {                                           \
                NAME(vec) v = LOAD_##suffix(x[i] + j);                                    \
                for (int e = 0; e < C; e++) s[e] += a[i * k + c + e] * v;                 \
            }                                                                             \
        else                                                                              \
            for (ptrdiff_t i = 0; i < m; i++) {                                           \
                NAME(vec) v = LOAD_REST_##suffix(n - j, x[i] + j);                        \
                for (int e = 0; e < C; e++) s[e] += a[i * k + c + e] * v;                 \
            }                                                                             \
        for (int e = 0; e < C; e++) {                                                     \
            if (all)                                                                      \
                *(NAME(vec) *)(to + e * n) = s[e];                                        \
            else                                                                          \
                STORE_REST(n - j, to + e * n, s[e]);                                      \
        }                                                                                 \
    }
#else
typedef double NAME(vec);

#define LOAD_d(p) (*(p))
#define LOAD_REST_d(n, p) (*(p))
#define STORE_REST(n, out, v) (*(out) = (v))
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
    }

#define DEFINE_DOT4(suffix, real)                                                         \
    static void NAME(dot4_##suffix)(ptrdiff_t n, const real *x, const double *w,          \
                                    double *out)                                          \
    {                                                                                     \
        for (int c = 0; c < 4; c++)                                                       \
            out[c] = NAME(dot_##suffix)(n, x, w + c * n);                                 \
    }

#define DEFINE_UPDATE(suffix, real)                                                       \
    static void NAME(update_##suffix)(ptrdiff_t n, double a, const real *x, double shrink,\
                                      double *w)                                          \
    {                                                                                     \
        if (shrink == 1.0)                                                                \
            for (ptrdiff_t j = 0; j < n; j++) w[j] += a * (double)x[j];                   \
        else                                                                              \
            for (ptrdiff_t j = 0; j < n; j++) w[j] = shrink * w[j] + a * (double)x[j];    \
    }
#define DEFINE_ADVANCE(suffix, real)                                                      \
    static double NAME(advance_##suffix)(ptrdiff_t n, double a, const real *x,            \
                                         double shrink, double *w, const real *y,         \
                                         const real *next, double *cross)                 \
    {                                                                                     \
        double s0 = 0.0, s1 = 0.0, c0 = 0.0, c1 = 0.0;                                    \
        NAME(update_##suffix)(n, a, x, shrink, w);                                        \
        ptrdiff_t j = 0;                                                                  \
        for (; j + 2 <= n; j += 2) {                                                      \
            s0 += (double)next[j] * w[j];                                                 \
            s1 += (double)next[j + 1] * w[j + 1];                                         \
            c0 += (double)next[j] * (double)y[j];                                         \
            c1 += (double)next[j + 1] * (double)y[j + 1];                                 \
        }                                                                                 \
        if (n & 1)                                                                        \
            s0 += (double)next[j] * w[j], c0 += (double)next[j] * (double)y[j];           \
        *cross = c0 + c1;                                                                 \
        return s0 + s1;                                                                   \
    }
#define DEFINE_ROWS4(suffix, real)                                                        \
    static void NAME(rows4_dot_##suffix)(ptrdiff_t n, const real *const *x,               \
                                         const double *w, double *out)                    \
    {                                                                                     \
        for (int r = 0; r < 4; r++)                                                       \
            out[r] = NAME(dot_##suffix)(n, x[r], w);                                      \
    }                                                                                     \
    static void NAME(rows4_update_##suffix)(ptrdiff_t n, const double *a,                 \
                                            const real *const *x, double shrink,          \
                                            double *w)                                    \
    {                                                                                     \
        for (ptrdiff_t j = 0; j < n; j++)                                                 \
            w[j] = shrink * w[j] + a[0] * (double)x[0][j] + a[1] * (double)x[1][j] +      \
                   a[2] * (double)x[2][j] + a[3] * (double)x[3][j];                       \
    }                                                                                     \
    static void NAME(rows4_moments_##suffix)(                                             \
        ptrdiff_t n, const double *a, const real *const *x, const double *origin,         \
        double *first, double *second)                                                    \
    {                                                                                     \
        for (int r = 0; r < 4; r++)                                                       \
            for (ptrdiff_t j = 0; j < n; j++) {                                           \
                double d = (double)x[r][j] - origin[j];                                   \
                first[j] += a[r] * d;                                                     \
                second[j] += a[r] * d * d;                                                \
            }                                                                             \
    }
#define DEFINE_TILES(suffix, real)                                                        \
    static void NAME(rows4_dot4_##suffix)(ptrdiff_t n, const real *const *x,              \
                                          const double *w, ptrdiff_t step, double *out)   \
    {                                                                                     \
        for (int r = 0; r < 4; r++)                                                       \
            NAME(dot4_##suffix)(n, x[r], w, out + r * step);                              \
    }                                                                                     \
    static void NAME(rows_update_##suffix)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,         \
                                           const real *const *x, const double *a,         \
                                           double shrink, double *w)                      \
    {                                                                                     \
        for (ptrdiff_t c = 0; c < k; c++)                                                 \
            for (ptrdiff_t i = 0; i < m; i++)                                             \
                NAME(update_##suffix)(n, a[i * k + c], x[i], i ? 1.0 : shrink, w + c * n); \
    }
#endif

DEFINE_DOT(d, double)
DEFINE_DOT(f, float)
DEFINE_DOT4(d, double)
DEFINE_DOT4(f, float)
DEFINE_UPDATE(d, double)
DEFINE_UPDATE(f, float)
DEFINE_ADVANCE(d, double)
DEFINE_ADVANCE(f, float)
DEFINE_ROWS4(d, double)
DEFINE_ROWS4(f, float)
DEFINE_TILES(d, double)
DEFINE_TILES(f, float)

#include "simd_math.h"
#include "simd_losses.h"
#include "simd_steps.h"

static const simd_table NAME(table) = {
    NAME(dot_d), NAME(dot_f), NAME(dot4_d), NAME(dot4_f),
    NAME(update_d), NAME(update_f), NAME(advance_d), NAME(advance_f),
    NAME(rows4_dot_d), NAME(rows4_dot_f), NAME(rows4_update_d), NAME(rows4_update_f),
    NAME(rows4_moments_d), NAME(rows4_moments_f),
    NAME(rows4_dot4_d), NAME(rows4_dot4_f), NAME(rows_update_d), NAME(rows_update_f),
    NAME(average), NAME(exp), NAME(log), NAME(log1p_unit),
    NAME(poisson), NAME(gamma), NAME(logistic), NAME(log_cosh), NAME(rounded), NAME(sigmoid_slope),
    NAME(adam_d), NAME(adam_f), NAME(root_sizes), NAME(adagrad), NAME(shrink),
    NAME_STRING,
};

#undef DEFINE_DOT
#undef DEFINE_DOT4
#undef ADVANCE
#undef DEFINE_ADVANCE
#undef DEFINE_UPDATE
#undef DEFINE_ROWS4
#undef TALL
#undef FOUR_COLUMNS
#undef DEFINE_TILES
#undef REST_X_d
#undef REST_X_f
#undef UPDATED
#undef UPDATED_TWO
#undef ANY
#undef TAIL_SUM
#undef SUM4
#undef ALL
#undef SELECT
#undef ABS
#undef WITH_SIGN
#undef NAME
#undef NAME_STRING
#undef TARGET
#undef LANES
