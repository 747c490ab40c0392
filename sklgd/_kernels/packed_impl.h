/* Packed rows for one instruction set.  Included by packed.c with
 *   NAME(f)  the function's name in this build,  TARGET  its attribute,  LANES  doubles a vector.
 */
#include "lanes.h"

#define STORE(p, v) (*(NAME(vec) *)(p) = LOAD_d(p) + (v))

#define DEFINE_PACK(suffix, real)                                                           \
    TARGET static void NAME(pack_##suffix)(                                                 \
        ptrdiff_t n, ptrdiff_t p, const void *x, ptrdiff_t bytes, const uint32_t *order,    \
        const double *shift, const double *factor, ptrdiff_t stride, double *out)           \
    {                                                                                       \
        for (ptrdiff_t i = 0; i < n; i++, out += stride) {                                  \
            const real *row = PACKED_ROW(x, bytes, order, i);                               \
            ptrdiff_t j = 0;                                                                \
            for (; j + LANES <= p; j += LANES)                                              \
                *(NAME(vec) *)(out + j) = (LOAD_##suffix(row + j) - LOAD_d(shift + j)) *    \
                                          LOAD_d(factor + j);                               \
            if (j < p) {                                                                    \
                NAME(vec) v = LOAD_REST_##suffix(p - j, row + j);                           \
                v = (v - LOAD_REST_d(p - j, shift + j)) * LOAD_REST_d(p - j, factor + j);   \
                STORE_REST(p - j, out + j, v);                                              \
            }                                                                               \
        }                                                                                   \
    }

DEFINE_PACK(d, double)
DEFINE_PACK(f, float)

/* Four rows at once share the loads of w and the sums across lanes. */
TARGET static void NAME(dot)(ptrdiff_t n, ptrdiff_t stride, const double *rows, const double *w,
                             ptrdiff_t step, double *out)
{
    for (ptrdiff_t i = 0; i < n; i += 4, out += 4 * step) {
        /* of fewer rows the last one serves for those that are missing */
        const ptrdiff_t left = n - i - 1;
        const double *x0 = rows + i * stride, *x1 = x0 + (left > 0) * stride;
        const double *x2 = x1 + (left > 1) * stride, *x3 = x2 + (left > 2) * stride;
        NAME(vec) s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
        for (ptrdiff_t j = 0; j < stride; j += LANES) {
            NAME(vec) v = LOAD_d(w + j);
            s0 += LOAD_d(x0 + j) * v;
            s1 += LOAD_d(x1 + j) * v;
            s2 += LOAD_d(x2 + j) * v;
            s3 += LOAD_d(x3 + j) * v;
        }
        __m256d sums = NAME(sums4)(s0, s1, s2, s3);
        if (step == 1 && left >= 3) {
            _mm256_storeu_pd(out, sums);
            continue;
        }
        double each[4];
        _mm256_storeu_pd(each, sums);
        for (ptrdiff_t r = 0; r < 4 && r <= left; r++) out[r * step] = each[r];
    }
}

TARGET static void NAME(tdot)(ptrdiff_t n, ptrdiff_t stride, const double *rows, const double *a,
                              ptrdiff_t step, double *sums)
{
    for (ptrdiff_t j = 0; j < stride; j += LANES) {
        NAME(vec) s0 = LOAD_d(sums + j), s1 = {0}, s2 = {0}, s3 = {0};
        const double *x = rows + j, *by = a;
        ptrdiff_t i = 0;
        for (; i + 4 <= n; i += 4, x += 4 * stride, by += 4 * step) {
            s0 += by[0] * LOAD_d(x);
            s1 += by[step] * LOAD_d(x + stride);
            s2 += by[2 * step] * LOAD_d(x + 2 * stride);
            s3 += by[3 * step] * LOAD_d(x + 3 * stride);
        }
        for (; i < n; i++, x += stride, by += step) s0 += by[0] * LOAD_d(x);
        *(NAME(vec) *)(sums + j) = (s0 + s1) + (s2 + s3);
    }
}

TARGET static ptrdiff_t NAME(scale)(ptrdiff_t n, ptrdiff_t stride, const double *rows,
                                    const double *a, ptrdiff_t step, double *kept, double *scaled)
{
    const int all = packed_all(n, a, step);
    ptrdiff_t m = 0;
    for (ptrdiff_t i = 0; i < n; i++, rows += stride) {
        const double by = a[i * step];
        if (by == 0.0) continue;
        for (ptrdiff_t j = 0; j < stride; j += LANES)
            *(NAME(vec) *)(scaled + m * stride + j) = by * LOAD_d(rows + j);
        if (!all)
            for (ptrdiff_t j = 0; j < stride; j += LANES)
                *(NAME(vec) *)(kept + m * stride + j) = LOAD_d(rows + j);
        m++;
    }
    return m;
}

/* The Gram matrix: a tile of LANES rows and up to three vectors of columns stays in registers while
 * it goes through the rows, so that every number that is loaded serves many multiply-adds. */

#if LANES == 8
#define EACH_ROW(DO, nv) \
    DO(0, nv) DO(1, nv) DO(2, nv) DO(3, nv) DO(4, nv) DO(5, nv) DO(6, nv) DO(7, nv)
#else
#define EACH_ROW(DO, nv) DO(0, nv) DO(1, nv) DO(2, nv) DO(3, nv)
#endif

#define SUMS(r, nv) NAME(vec) s##r##0 = {0}, s##r##1 = {0}, s##r##2 = {0};
#define ADD(r, nv)                    \
    s##r##0 += a[r] * b0;             \
    if (nv > 1) s##r##1 += a[r] * b1; \
    if (nv > 2) s##r##2 += a[r] * b2;
#define WRITE(r, nv)                                          \
    STORE(h + r * stride, s##r##0);                           \
    if (nv > 1) STORE(h + r * stride + LANES, s##r##1);       \
    if (nv > 2) STORE(h + r * stride + 2 * LANES, s##r##2);

#define DEFINE_TILE(nv)                                                                     \
    TARGET static void NAME(tile##nv)(ptrdiff_t n, ptrdiff_t stride, const double *a,       \
                                      const double *b, double *h)                           \
    {                                                                                       \
        EACH_ROW(SUMS, nv)                                                                  \
        for (ptrdiff_t i = 0; i < n; i++, a += stride, b += stride) {                       \
            NAME(vec) b0 = LOAD_d(b), b1 = b0, b2 = b0;                                     \
            if (nv > 1) b1 = LOAD_d(b + LANES);                                             \
            if (nv > 2) b2 = LOAD_d(b + 2 * LANES);                                         \
            EACH_ROW(ADD, nv)                                                               \
        }                                                                                   \
        EACH_ROW(WRITE, nv)                                                                 \
    }

DEFINE_TILE(1)
DEFINE_TILE(2)
DEFINE_TILE(3)

static void NAME(gram)(ptrdiff_t n, ptrdiff_t q, ptrdiff_t stride, const double *a,
                       const double *b, double *h)
{
    for (ptrdiff_t j = 0; j < q; j += LANES) {
        ptrdiff_t l = j;
        double *to = h + j * stride;
        for (; l + 3 * LANES <= q; l += 3 * LANES)
            NAME(tile3)(n, stride, a + j, b + l, to + l);
        if (l + 2 * LANES <= q)
            NAME(tile2)(n, stride, a + j, b + l, to + l);
        else if (l < q)
            NAME(tile1)(n, stride, a + j, b + l, to + l);
    }
}

#undef STORE
#undef DEFINE_PACK
#undef EACH_ROW
#undef SUMS
#undef ADD
#undef WRITE
#undef DEFINE_TILE

static const packed_table NAME(table) = {
    NAME(pack_d), NAME(pack_f), NAME(dot), NAME(tdot), NAME(scale), NAME(gram),
};

#undef NAME
#undef TARGET
#undef LANES
