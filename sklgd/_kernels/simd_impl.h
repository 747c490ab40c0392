/* The primitives for one instruction set.  Included by simd.c with
 *   NAME(f)  the function's name in this build,  TARGET  its attribute,  LANES  doubles in a vector.
 * Four accumulators hide the latency of the multiply-add; a half vector and then single
 * entries take the tail.
 */
#if LANES > 1
typedef double NAME(vec) __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef float NAME(vecf) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef double NAME(half) __attribute__((vector_size(4 * LANES), aligned(8), may_alias));
typedef float NAME(halff) __attribute__((vector_size(2 * LANES), aligned(4), may_alias));

#define LOAD_d(p) (*(const NAME(vec) *)(p))
#define LOAD_f(p) __builtin_convertvector(*(const NAME(vecf) *)(p), NAME(vec))
#define HALF_d(p) (*(const NAME(half) *)(p))
#define HALF_f(p) __builtin_convertvector(*(const NAME(halff) *)(p), NAME(half))

#define DEFINE_DOT(suffix, real)                                                          \
    TARGET static double NAME(dot_##suffix)(ptrdiff_t n, const real *x, const double *w)  \
    {                                                                                     \
        NAME(vec) s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};                                 \
        NAME(half) h = {0};                                                               \
        double sum = 0.0;                                                                 \
        ptrdiff_t j = 0;                                                                  \
        for (; j + 4 * LANES <= n; j += 4 * LANES) {                                      \
            s0 += LOAD_##suffix(x + j) * LOAD_d(w + j);                                   \
            s1 += LOAD_##suffix(x + j + LANES) * LOAD_d(w + j + LANES);                   \
            s2 += LOAD_##suffix(x + j + 2 * LANES) * LOAD_d(w + j + 2 * LANES);           \
            s3 += LOAD_##suffix(x + j + 3 * LANES) * LOAD_d(w + j + 3 * LANES);           \
        }                                                                                 \
        for (; j + LANES <= n; j += LANES)                                                \
            s0 += LOAD_##suffix(x + j) * LOAD_d(w + j);                                   \
        if (j + LANES / 2 <= n) {                                                         \
            h = HALF_##suffix(x + j) * HALF_d(w + j);                                     \
            j += LANES / 2;                                                               \
        }                                                                                 \
        for (; j < n; j++)                                                                \
            sum += (double)x[j] * w[j];                                                   \
        s0 = (s0 + s1) + (s2 + s3);                                                       \
        for (int l = 0; l < LANES / 2; l++)                                               \
            h[l] += s0[l] + s0[l + LANES / 2];                                            \
        for (int l = 0; l < LANES / 2; l++)                                               \
            sum += h[l];                                                                  \
        return sum;                                                                       \
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
    }

#define DEFINE_DOT4(suffix, real)                                                         \
    static void NAME(dot4_##suffix)(ptrdiff_t n, const real *x, const double *w,          \
                                    double *out)                                          \
    {                                                                                     \
        for (int c = 0; c < 4; c++)                                                       \
            out[c] = NAME(dot_##suffix)(n, x, w + c * n);                                 \
    }
#endif

/* One multiply-add per entry: the compiler's own vectors serve as well as ours. */
#define DEFINE_UPDATE(suffix, real)                                                       \
    TARGET static void NAME(update_##suffix)(ptrdiff_t n, double a, const real *x,        \
                                             double shrink, double *w)                    \
    {                                                                                     \
        if (shrink == 1.0) {                                                              \
            _Pragma("omp simd") for (ptrdiff_t j = 0; j < n; j++) w[j] += a * (double)x[j]; \
        } else {                                                                          \
            _Pragma("omp simd") for (ptrdiff_t j = 0; j < n; j++) w[j] =                  \
                shrink * w[j] + a * (double)x[j];                                         \
        }                                                                                 \
    }

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

static const simd_table NAME(table) = {
    NAME(dot_d),  NAME(dot_f),    NAME(dot4_d),   NAME(dot4_f),
    NAME(update_d), NAME(update_f), NAME(average), NAME_STRING,
};

#undef DEFINE_DOT
#undef DEFINE_DOT4
#undef DEFINE_UPDATE
#undef LOAD_d
#undef LOAD_f
#undef HALF_d
#undef HALF_f
#undef NAME
#undef NAME_STRING
#undef TARGET
#undef LANES
