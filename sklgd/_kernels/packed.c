#include "packed.h"

#include "isa.h"
#include "simd.h"

#ifdef SKLGD_X86
#include <immintrin.h>
#endif

#define PACKED_ROW(x, bytes, order, i) \
    ((const void *)((const char *)(x) + (order ? (ptrdiff_t)order[i] : (i)) * (bytes)))

/* Whether no a[i step] is zero. */
static inline int packed_all(ptrdiff_t n, const double *a, ptrdiff_t step)
{
    int all = 1;
    for (ptrdiff_t i = 0; i < n; i++) all &= a[i * step] != 0.0;
    return all;
}

#define DEFINE_PLAIN_PACK(suffix, real)                                                       \
    static void plain_pack_##suffix(ptrdiff_t n, ptrdiff_t p, const void *x, ptrdiff_t bytes, \
                                    const uint32_t *order, const double *shift,               \
                                    const double *factor, ptrdiff_t stride, double *out)      \
    {                                                                                         \
        for (ptrdiff_t i = 0; i < n; i++, out += stride) {                                    \
            const real *row = PACKED_ROW(x, bytes, order, i);                                 \
            for (ptrdiff_t j = 0; j < p; j++)                                                 \
                out[j] = ((double)row[j] - shift[j]) * factor[j];                             \
        }                                                                                     \
    }

DEFINE_PLAIN_PACK(d, double)
DEFINE_PLAIN_PACK(f, float)

static void plain_dot(ptrdiff_t n, ptrdiff_t stride, const double *rows, const double *w,
                      ptrdiff_t step, double *out)
{
    for (ptrdiff_t i = 0; i < n; i++, rows += stride) {
        double s0 = 0.0, s1 = 0.0;
        for (ptrdiff_t j = 0; j < stride; j += 2) {
            s0 += rows[j] * w[j];
            s1 += rows[j + 1] * w[j + 1];
        }
        out[i * step] = s0 + s1;
    }
}

static void plain_tdot(ptrdiff_t n, ptrdiff_t stride, const double *rows, const double *a,
                       ptrdiff_t step, double *sums)
{
    for (ptrdiff_t i = 0; i < n; i++, rows += stride)
        for (ptrdiff_t j = 0; j < stride; j++) sums[j] += a[i * step] * rows[j];
}

static ptrdiff_t plain_scale(ptrdiff_t n, ptrdiff_t stride, const double *rows, const double *a,
                             ptrdiff_t step, double *kept, double *scaled)
{
    const int all = packed_all(n, a, step);
    ptrdiff_t m = 0;
    for (ptrdiff_t i = 0; i < n; i++, rows += stride) {
        const double by = a[i * step];
        if (by == 0.0) continue;
        for (ptrdiff_t j = 0; j < stride; j++) scaled[m * stride + j] = by * rows[j];
        if (!all)
            for (ptrdiff_t j = 0; j < stride; j++) kept[m * stride + j] = rows[j];
        m++;
    }
    return m;
}

static void plain_gram(ptrdiff_t n, ptrdiff_t q, ptrdiff_t stride, const double *a,
                       const double *b, double *h)
{
    for (ptrdiff_t i = 0; i < n; i++, a += stride, b += stride)
        for (ptrdiff_t j = 0; j < q; j++) {
            const double v = a[j];
            double *to = h + j * stride;
            for (ptrdiff_t l = j; l < q; l++) to[l] += v * b[l];
        }
}

static const packed_table plain_table = {
    plain_pack_d, plain_pack_f, plain_dot, plain_tdot, plain_scale, plain_gram,
};

#ifdef SKLGD_X86
#define NAME(f) avx2_##f
#define TARGET SKLGD_AVX2
#define LANES 4
#include "packed_impl.h"

#define NAME(f) avx512_##f
#define TARGET SKLGD_AVX512
#define LANES 8
#include "packed_impl.h"
#endif

packed_table packed;

void packed_init(void)
{
    packed = SKLGD_BEST(table);
}
