/* The functions of csr.h for one pair of types; included by csr.c with
 *   NAME(f)  the function's name for these types and instructions,  REAL,  INDEX  and  TARGET.
 * Four sums hide the latency of the additions.
 */
#define DOT_LOOP(VALUE)                                                                   \
    for (ptrdiff_t c = 0; c < k; c++, v += p) {                                           \
        double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;                                    \
        ptrdiff_t j = 0;                                                                  \
        for (; j + 4 <= size; j += 4) {                                                   \
            s0 += (double)x[j] * VALUE(at[j]);                                            \
            s1 += (double)x[j + 1] * VALUE(at[j + 1]);                                    \
            s2 += (double)x[j + 2] * VALUE(at[j + 2]);                                    \
            s3 += (double)x[j + 3] * VALUE(at[j + 3]);                                    \
        }                                                                                 \
        for (; j < size; j++)                                                             \
            s0 += (double)x[j] * VALUE(at[j]);                                            \
        raw[c] = (s0 + s1) + (s2 + s3);                                                   \
    }

#define AS_IT_IS(e) v[e]
#define SOFT(e) lazy_soft(v[e], threshold)
#define WEIGHTED_SOFT(e) lazy_soft(v[e], threshold * factors[e])

TARGET static void NAME(dot)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t k,
                      ptrdiff_t p, const double *v, double *raw)
{
    const REAL *x = data;
    const INDEX *at = indices;
    DOT_LOOP(AS_IT_IS)
}

TARGET static void NAME(tdot)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t k,
                       ptrdiff_t p, const double *draw, double *w)
{
    const REAL *x = data;
    const INDEX *at = indices;
    for (ptrdiff_t c = 0; c < k; c++, w += p) {
        double a = draw[c];
        if (a != 0.0)
            for (ptrdiff_t j = 0; j < size; j++)
                w[at[j]] += a * (double)x[j];
    }
}

/* Each pair of entries once, in whatever order they stand. */
TARGET static void NAME(outer)(const void *data, const void *indices, ptrdiff_t size, double bend,
                               ptrdiff_t q, double *h)
{
    const REAL *x = data;
    const INDEX *at = indices;
    for (ptrdiff_t j = 0; j < size; j++) {
        double a = bend * (double)x[j], *to = h + (ptrdiff_t)at[j] * q;
        for (ptrdiff_t l = 0; l < j; l++)
            to[at[l]] += a * (double)x[l];
        to[at[j]] += 0.5 * a * (double)x[j];
    }
}

TARGET static void NAME(lazy_dot)(const void *data, const void *indices, ptrdiff_t size,
                                  const Lazy *w, double *raw)
{
    const REAL *x = data;
    const INDEX *at = indices;
    const ptrdiff_t k = w->k, p = w->p;
    const double *v = w->v, *factors = w->factors, threshold = w->threshold;
    if (factors) {
        DOT_LOOP(WEIGHTED_SOFT)
    } else if (w->cuts) {
        DOT_LOOP(SOFT)
    } else {
        DOT_LOOP(AS_IT_IS)
    }
    for (ptrdiff_t c = 0; c < k; c++)
        raw[c] *= w->scale;
}

TARGET static void NAME(lazy_tdot)(const void *data, const void *indices, ptrdiff_t size,
                            const double *draw, Lazy *w)
{
    const REAL *x = data;
    const INDEX *at = indices;
    const double threshold = w->threshold;
    for (ptrdiff_t c = 0; c < w->k; c++) {
        double a = draw[c] / w->scale, *v = w->v + c * w->p;
        if (a == 0.0)
            continue;
        if (w->cuts) {
            for (ptrdiff_t j = 0; j < size; j++) {
                double cut = w->factors ? threshold * w->factors[at[j]] : threshold;
                v[at[j]] = lazy_unsoft(lazy_soft(v[at[j]], cut) + a * (double)x[j], cut);
            }
            continue;
        }
        for (ptrdiff_t j = 0; j < size; j++)
            v[at[j]] += a * (double)x[j];
        if (w->total) {
            double *total = w->total + c * w->p, taken = w->area * a;
            for (ptrdiff_t j = 0; j < size; j++)
                total[at[j]] -= taken * (double)x[j];
        }
    }
}

/* Pairs: raw[2 c] = x . v[c] and raw[2 c + 1] = x . g[c] of w = (k, p, 2); and transposed. */
TARGET static void NAME(pairs_dot)(const void *data, const void *indices, ptrdiff_t size,
                                   ptrdiff_t k, ptrdiff_t p, const double *w, double *raw)
{
    const REAL *x = data;
    const INDEX *at = indices;
    for (ptrdiff_t c = 0; c < k; c++, w += 2 * p) {
        double s0 = 0.0, s1 = 0.0, t0 = 0.0, t1 = 0.0;
        ptrdiff_t j = 0;
        for (; j + 2 <= size; j += 2) {
            const double *one = w + 2 * (ptrdiff_t)at[j], *two = w + 2 * (ptrdiff_t)at[j + 1];
            s0 += (double)x[j] * one[0];
            t0 += (double)x[j] * one[1];
            s1 += (double)x[j + 1] * two[0];
            t1 += (double)x[j + 1] * two[1];
        }
        if (j < size) {
            s0 += (double)x[j] * w[2 * (ptrdiff_t)at[j]];
            t0 += (double)x[j] * w[2 * (ptrdiff_t)at[j] + 1];
        }
        raw[2 * c] = s0 + s1;
        raw[2 * c + 1] = t0 + t1;
    }
}

TARGET static void NAME(pairs_tdot)(const void *data, const void *indices, ptrdiff_t size,
                                    ptrdiff_t k, ptrdiff_t p, const double *draw, double *w)
{
    const REAL *x = data;
    const INDEX *at = indices;
    for (ptrdiff_t c = 0; c < k; c++, w += 2 * p) {
        double a = draw[2 * c], b = draw[2 * c + 1];
        for (ptrdiff_t j = 0; j < size; j++) {
            double *pair = w + 2 * (ptrdiff_t)at[j];
            pair[0] += a * (double)x[j];
            pair[1] += b * (double)x[j];
        }
    }
}

/* The same on weights that drift: raw[c] = x . v[c], brought up to date. */
TARGET static void NAME(drift_dot)(const void *data, const void *indices, ptrdiff_t size,
                                   const Drift *w, double *raw)
{
    const REAL *x = data;
    const INDEX *at = indices;
    const double now = w->sums[w->n];
    for (ptrdiff_t c = 0; c < w->k; c++) {
        DriftWeight *weights = w->weights + c * w->p;
        double s0 = 0.0, s1 = 0.0;
        ptrdiff_t j = 0;
        for (; j + 2 <= size; j += 2) {
            s0 += (double)x[j] * drift_settle(w, now, weights + at[j]);
            s1 += (double)x[j + 1] * drift_settle(w, now, weights + at[j + 1]);
        }
        if (j < size)
            s0 += (double)x[j] * drift_settle(w, now, weights + at[j]);
        raw[c] = s0 + s1;
    }
}

TARGET static void NAME(drift_tdot)(const void *data, const void *indices, ptrdiff_t size,
                             const double *draw, const Drift *w)
{
    const REAL *x = data;
    const INDEX *at = indices;
    for (ptrdiff_t c = 0; c < w->k; c++) {
        double a = draw[2 * c], b = draw[2 * c + 1];
        DriftWeight *weights = w->weights + c * w->p;
        for (ptrdiff_t j = 0; j < size && a != 0.0; j++)
            weights[at[j]].v += a * (double)x[j];
        for (ptrdiff_t j = 0; j < size && b != 0.0; j++)
            weights[at[j]].g += b * (double)x[j];
    }
}

/* Sums of `many` columns from column c on stay in registers, two of each to hide the latency. */
#define MIX_COLUMNS(many)                                                                 \
    for (; c + many <= k; c += many) {                                                    \
        double even[many] = {0.0}, odd[many] = {0.0};                                     \
        ptrdiff_t j = 0;                                                                  \
        for (; j + 2 <= size; j += 2) {                                                   \
            const double *v = w + (ptrdiff_t)at[j] * k + c;                               \
            const double *u = w + (ptrdiff_t)at[j + 1] * k + c;                           \
            const double a = MIX_ENTRY(j), b = MIX_ENTRY(j + 1);                          \
            for (int e = 0; e < many; e++) {                                              \
                even[e] += a * v[e];                                                      \
                odd[e] += b * u[e];                                                       \
            }                                                                             \
        }                                                                                 \
        if (j < size)                                                                     \
            for (int e = 0; e < many; e++)                                                \
                even[e] += MIX_ENTRY(j) * w[(ptrdiff_t)at[j] * k + c + e];                \
        for (int e = 0; e < many; e++)                                                    \
            raw[c + e] = even[e] + odd[e];                                                \
    }
#define MIX_ENTRY(j) (factor ? factor[at[j]] * (double)x[j] : (double)x[j])

TARGET static void NAME(mix)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t k,
                             const double *factor, const double *w, double *raw)
{
    const REAL *x = data;
    const INDEX *at = indices;
    ptrdiff_t c = 0;
    MIX_COLUMNS(16)
    MIX_COLUMNS(8)
    MIX_COLUMNS(4)
    MIX_COLUMNS(2)
    MIX_COLUMNS(1)
}

TARGET static void NAME(tmix)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t k,
                              const double *factor, const double *draw, double *w)
{
    const REAL *x = data;
    const INDEX *at = indices;
    for (ptrdiff_t j = 0; j < size; j++) {
        double *v = w + (ptrdiff_t)at[j] * k;
        const double a = factor ? factor[at[j]] * (double)x[j] : (double)x[j];
        _Pragma("omp simd") for (ptrdiff_t c = 0; c < k; c++) v[c] += a * draw[c];
    }
}

/* A single row whose indices increase has one entry a feature. */
TARGET static int NAME(in_order)(const void *indices, ptrdiff_t size, int32_t *features)
{
    const INDEX *at = indices;
    int back = 0;
    for (ptrdiff_t j = 1; j < size; j++)
        back |= at[j] <= at[j - 1];
    for (ptrdiff_t j = 0; j < size; j++)
        features[j] = (int32_t)at[j];
    return !back;
}

TARGET static void NAME(fetch)(const void *indices, ptrdiff_t size, const Touch *touch)
{
    const INDEX *at = indices;
    for (ptrdiff_t j = 0; j < size; j++)
        SKLGD_PREFETCH(touch->marks + (ptrdiff_t)at[j] * touch->stride);
}

TARGET static void NAME(touch)(const void *indices, ptrdiff_t size, Touch *touch, int32_t *where)
{
    const INDEX *at = indices;
    const int32_t now = touch->now;
    int32_t count = (int32_t)touch->count;
    for (ptrdiff_t j = 0; j < size; j++) {
        Mark *mark = (Mark *)(touch->marks + (ptrdiff_t)at[j] * touch->stride);
        if (mark->since != now) {
            touch->features[count] = (int32_t)at[j];
            touch->since[count] = mark->since;
            mark->since = now;
            mark->place = count++;
        }
        where[j] = mark->place;
    }
    touch->count = count;
}

#undef MIX_COLUMNS
#undef MIX_ENTRY
#undef DOT_LOOP
#undef AS_IT_IS
#undef SOFT
#undef WEIGHTED_SOFT
#undef NAME
#undef REAL
#undef INDEX
#undef TARGET
