#include "gram.h"

#include "isa.h"
#include "simd.h"

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

#ifdef SKLGD_X86
#define NAME(f) avx2_##f
#define TARGET SKLGD_AVX2
#define LANES 4
#include "gram_impl.h"

#define NAME(f) avx512_##f
#define TARGET SKLGD_AVX512
#define LANES 8
#include "gram_impl.h"
#endif

gram_function gram;

void gram_init(void)
{
    gram = plain_gram;
#ifdef SKLGD_X86
    int level = simd_level();
    if (level == SIMD_AVX512)
        gram = avx512_gram;
    else if (level == SIMD_AVX2)
        gram = avx2_gram;
#endif
}
