#include "network.h"

#include <math.h>
#include <string.h>

#include "../isa.h"
#include "../simd.h"

#ifdef SKLGD_X86
#include <immintrin.h>
#endif

#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

#if defined(__GNUC__) || defined(__clang__)
#define INLINE __attribute__((always_inline)) static inline
#else
#define INLINE static inline
#endif

#define LEAK 0.01
#define NORM_EPSILON 1e-5
#define NORM_RATE 0.1
#define M_SQRT1_2_ 0.70710678118654752440
#define INV_SQRT_2PI 0.39894228040143267794

/* splitmix64's mixing of a counter's bits */
static inline uint64_t mixed(uint64_t z)
{
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

enum matrix_kind { STRIDED, BY_ROWS, TURNED }; /* see product.h */

ptrdiff_t network_work(const Network *net, ptrdiff_t n)
{
    return n * net->row + net->n_layers * (net->widest + n) + 2 * n * net->widest + net->largest;
}

#define NAME(f) plain_double_##f
#define REAL double
#define TARGET
#include "network_impl.h"

#define NAME(f) plain_float_##f
#define REAL float
#define TARGET
#include "network_impl.h"

#ifdef SKLGD_X86
#define NAME(f) avx2_double_##f
#define REAL double
#define TARGET SKLGD_AVX2
#define VECTOR_BYTES 32
#define WIDE 2
#define MASK4(n) _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3))
#define LOAD_SOME(v, x, n) v = (__typeof__(v))_mm256_maskload_pd(x, MASK4(n))
#define STORE_SOME(v, x, n) _mm256_maskstore_pd(x, MASK4(n), (__m256d)v)
#include "network_impl.h"

#define NAME(f) avx2_float_##f
#define REAL float
#define TARGET SKLGD_AVX2
#define VECTOR_BYTES 32
#define WIDE 2
#define MASK8(n)                                                                          \
    _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#define LOAD_SOME(v, x, n) v = (__typeof__(v))_mm256_maskload_ps(x, MASK8(n))
#define STORE_SOME(v, x, n) _mm256_maskstore_ps(x, MASK8(n), (__m256)v)
#include "network_impl.h"

#define NAME(f) avx512_double_##f
#define REAL double
#define TARGET SKLGD_AVX512
#define VECTOR_BYTES 64
#define WIDE 4
#define BITS(n) ((1u << (n)) - 1u)
#define LOAD_SOME(v, x, n) v = (__typeof__(v))_mm512_maskz_loadu_pd((__mmask8)BITS(n), x)
#define STORE_SOME(v, x, n) _mm512_mask_storeu_pd(x, (__mmask8)BITS(n), (__m512d)v)
#include "network_impl.h"

#define NAME(f) avx512_float_##f
#define REAL float
#define TARGET SKLGD_AVX512
#define VECTOR_BYTES 64
#define WIDE 4
#define LOAD_SOME(v, x, n) v = (__typeof__(v))_mm512_maskz_loadu_ps((__mmask16)BITS(n), x)
#define STORE_SOME(v, x, n) _mm512_mask_storeu_ps(x, (__mmask16)BITS(n), (__m512)v)
#include "network_impl.h"
#endif

const network_table *network_functions(int single)
{
    static const network_table *const tables[][2] = {
        {&plain_double_table, &plain_float_table},
#ifdef SKLGD_X86
        {&avx2_double_table, &avx2_float_table},
        {&avx512_double_table, &avx512_float_table},
#endif
    };
    return tables[simd_level()][single != 0];
}
