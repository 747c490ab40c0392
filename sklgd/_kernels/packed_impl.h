/* Packed rows for one instruction set.  Included by packed.c with
 *   NAME(f)  the function's name in this build,  TARGET  its attribute,  LANES  doubles a vector.
 */
typedef double NAME(vec) __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

#define LOAD(p) (*(const NAME(vec) *)(p))
#define STORE(p, v) (*(NAME(vec) *)(p) = LOAD(p) + (v))

/* Vectors of x, and the last n < LANES entries with zeros behind them. */
#if LANES == 8
#define MASK(n) ((__mmask8)((1u << (n)) - 1u))
#define FULL_d(x) LOAD(x)
#define FULL_f(x) ((NAME(vec))_mm512_cvtps_pd(_mm256_loadu_ps(x)))
#define REST_d(n, x) ((NAME(vec))_mm512_maskz_loadu_pd(MASK(n), (x)))
#define REST_f(n, x) ((NAME(vec))_mm512_cvtps_pd(_mm256_maskz_loadu_ps(MASK(n), (x))))
#define WRITE_REST(n, out, v) _mm512_mask_storeu_pd((out), MASK(n), (__m512d)(v))
#define HALVES(s)                                     \
    _mm256_add_pd(_mm512_castpd512_pd256((__m512d)(s)), \
                  _mm512_extractf64x4_pd((__m512d)(s), 1))
#else
#define MASK(n) _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3))
#define MASK_f(n) _mm_cmpgt_epi32(_mm_set1_epi32((int)(n)), _mm_setr_epi32(0, 1, 2, 3))
#define FULL_d(x) LOAD(x)
#define FULL_f(x) ((NAME(vec))_mm256_cvtps_pd(_mm_loadu_ps(x)))
#define REST_d(n, x) ((NAME(vec))_mm256_maskload_pd((x), MASK(n)))
#define REST_f(n, x) ((NAME(vec))_mm256_cvtps_pd(_mm_maskload_ps((x), MASK_f(n))))
#define WRITE_REST(n, out, v) _mm256_maskstore_pd((out), MASK(n), (__m256d)(v))
#define HALVES(s) ((__m256d)(s))
#endif

#define DEFINE_PACK(suffix, real)                                                           \
    TARGET static void NAME(pack_##suffix)(                                                 \
        ptrdiff_t n, ptrdiff_t p, const void *x, ptrdiff_t bytes, const uint32_t *order,    \
        const double *shift, const double *factor, ptrdiff_t stride, double *out)           \
    {                                                                                       \
        for (ptrdiff_t i = 0; i < n; i++, out += stride) {                                  \
            const real *row = PACKED_ROW(x, bytes, order, i);                               \
            ptrdiff_t j = 0;                                                                \
            for (; j + LANES <= p; j += LANES)                                              \
                *(NAME(vec) *)(out + j) = (FULL_##suffix(row + j) - LOAD(shift + j)) *      \
                                          LOAD(factor + j);                                 \
            if (j < p) {                                                                    \
                NAME(vec) v = REST_##suffix(p - j, row + j) - REST_d(p - j, shift + j);     \
                WRITE_REST(p - j, out + j, v * REST_d(p - j, factor + j));                  \
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
            NAME(vec) v = LOAD(w + j);
            s0 += LOAD(x0 + j) * v;
            s1 += LOAD(x1 + j) * v;
            s2 += LOAD(x2 + j) * v;
            s3 += LOAD(x3 + j) * v;
        }
        __m256d a = _mm256_hadd_pd(HALVES(s0), HALVES(s1));
        __m256d b = _mm256_hadd_pd(HALVES(s2), HALVES(s3));
        __m256d sums = _mm256_add_pd(_mm256_permute2f128_pd(a, b, 0x20),
                                     _mm256_permute2f128_pd(a, b, 0x31));
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
        NAME(vec) s0 = LOAD(sums + j), s1 = {0}, s2 = {0}, s3 = {0};
        const double *x = rows + j, *by = a;
        ptrdiff_t i = 0;
        for (; i + 4 <= n; i += 4, x += 4 * stride, by += 4 * step) {
            s0 += by[0] * LOAD(x);
            s1 += by[step] * LOAD(x + stride);
            s2 += by[2 * step] * LOAD(x + 2 * stride);
            s3 += by[3 * step] * LOAD(x + 3 * stride);
        }
        for (; i < n; i++, x += stride, by += step) s0 += by[0] * LOAD(x);
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
            *(NAME(vec) *)(scaled + m * stride + j) = by * LOAD(rows + j);
        if (!all)
            for (ptrdiff_t j = 0; j < stride; j += LANES)
                *(NAME(vec) *)(kept + m * stride + j) = LOAD(rows + j);
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
#define WRITE(r, nv)                                     \
    STORE(h + r * stride, s##r##0);                           \
    if (nv > 1) STORE(h + r * stride + LANES, s##r##1);       \
    if (nv > 2) STORE(h + r * stride + 2 * LANES, s##r##2);

#define DEFINE_TILE(nv)                                                                     \
    TARGET static void NAME(tile##nv)(ptrdiff_t n, ptrdiff_t stride, const double *a,      \
                                      const double *b, double *h)                           \
    {                                                                                       \
        EACH_ROW(SUMS, nv)                                                                  \
        for (ptrdiff_t i = 0; i < n; i++, a += stride, b += stride) {                       \
            NAME(vec) b0 = LOAD(b), b1 = b0, b2 = b0;                                       \
            if (nv > 1) b1 = LOAD(b + LANES);                                               \
            if (nv > 2) b2 = LOAD(b + 2 * LANES);                                           \
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

#undef LOAD
#undef STORE
#undef MASK
#undef MASK_f
#undef FULL_d
#undef FULL_f
#undef REST_d
#undef REST_f
#undef WRITE_REST
#undef HALVES
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
