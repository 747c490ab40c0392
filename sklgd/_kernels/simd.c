#include "simd.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "isa.h"

#define NAME(f) plain_##f
#define NAME_STRING "plain"
#define TARGET
#define LANES 1
#include "simd_impl.h"

#ifdef SKLGD_X86
#include <immintrin.h>

typedef double quad_d __attribute__((vector_size(32), aligned(8), may_alias));
typedef double pair_d __attribute__((vector_size(16), aligned(8), may_alias));
#define QUAD_d(p) (*(const quad_d *)(p))
#define QUAD_f(p) ((quad_d)_mm256_cvtps_pd(_mm_loadu_ps(p)))
#define PAIR_d(p) (*(const pair_d *)(p))
#define PAIR_f(p) ((pair_d)_mm_cvtps_pd(_mm_castpd_ps(_mm_load_sd((const double *)(p)))))

#define ROOT(x) ((NAME(vec))_mm256_sqrt_pd((__m256d)(x)))
#define ROOT_F(x) ((NAME(vec_f))_mm256_sqrt_ps((__m256)(x)))
#define NAME(f) avx2_##f
#define NAME_STRING "avx2"
#define TARGET SKLGD_AVX2
#define LANES 4
#include "simd_impl.h"

#undef ROOT
#undef ROOT_F
/* The root, right to about a unit in the last place: 14 bits of its inverse, y, and the series of
 * sqrt(x) = x y / sqrt(1 - e) in e = 1 - x y^2; 0 and infinity are what they were.  The processor's
 * own root would take as long as all the rest of a step of Adam. */
SKLGD_AVX512 static inline __m512d root_by_series(__m512d x)
{
    /* 4 bits a kind: 2 zero, 5 infinity */
    const __m512i same = _mm512_set1_epi64(1 << 8 | 1 << 20);
    __m512d y = _mm512_rsqrt14_pd(x), root = x * y;
    __m512d e = _mm512_fnmadd_pd(root, y, _mm512_set1_pd(1.0));
    root += root * e * ((e * (5.0 / 16) + 3.0 / 8) * e + 1.0 / 2);
    return _mm512_fixupimm_pd(root, x, same, 0);
}
#define ROOT(x) ((NAME(vec))root_by_series((__m512d)(x)))
#define ROOT_F(x) ((NAME(vec_f))_mm512_sqrt_ps((__m512)(x)))
#define NAME(f) avx512_##f
#define NAME_STRING "avx512"
#define TARGET SKLGD_AVX512
#define LANES 8
#include "simd_impl.h"
#endif

/* The best that this processor has, or less where the environment says so. */
int simd_level(void)
{
    int level = SIMD_PLAIN;
#ifdef SKLGD_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        level = SIMD_AVX2;
    if (level == SIMD_AVX2 && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        level = SIMD_AVX512;
#endif
    const char *most = getenv("SKLGD_SIMD");
    if (most && strcmp(most, "plain") == 0)
        level = SIMD_PLAIN;
    else if (most && strcmp(most, "avx2") == 0 && level > SIMD_AVX2)
        level = SIMD_AVX2;
    return level;
}

simd_table simd;

void simd_init(void)
{
    simd = SKLGD_BEST(table);
}
