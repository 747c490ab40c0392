#include "gram.h"

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

#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(_M_X64))
#define SKLGD_X86 1

#define NAME(f) avx2_##f
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 4
#include "gram_impl.h"

#define NAME(f) avx512_##f
#ifdef __clang__
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma")))
#else
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")))
#endif
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
