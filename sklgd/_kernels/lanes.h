/* Vectors of LANES doubles for one instruction set; included by what is built for each, with NAME,
 * TARGET and LANES defined as there.
 *   LOAD_d, LOAD_f            a vector of doubles or of floats, by intrinsics: gcc would convert
 *                             half a vector of floats at a time
 *   LOAD_REST_*, STORE_REST   the last n < LANES entries, zeros behind them
 *   HALVES, sums4             the sum of a vector's halves, and the sums across four vectors
 */
#undef LOAD_d
#undef LOAD_f
#undef REST_MASK
#undef REST_MASK_F
#undef LOAD_REST_d
#undef LOAD_REST_f
#undef STORE_REST
#undef HALVES

typedef double NAME(vec) __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

#define LOAD_d(p) (*(const NAME(vec) *)(p))
#if LANES == 8
#define LOAD_f(p) ((NAME(vec))_mm512_cvtps_pd(_mm256_loadu_ps(p)))
#define REST_MASK(n) ((__mmask8)((1u << (n)) - 1u))
#define LOAD_REST_d(n, x) ((NAME(vec))_mm512_maskz_loadu_pd(REST_MASK(n), (x)))
#define LOAD_REST_f(n, x) \
    ((NAME(vec))_mm512_cvtps_pd(_mm256_maskz_loadu_ps(REST_MASK(n), (x))))
#define STORE_REST(n, out, v) _mm512_mask_storeu_pd((out), REST_MASK(n), (__m512d)(v))
#define HALVES(s) _mm256_add_pd(_mm512_castpd512_pd256((__m512d)(s)), \
                                _mm512_extractf64x4_pd((__m512d)(s), 1))
#else
#define LOAD_f(p) ((NAME(vec))_mm256_cvtps_pd(_mm_loadu_ps(p)))
#define REST_MASK(n) _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3))
#define REST_MASK_F(n) _mm_cmpgt_epi32(_mm_set1_epi32((int)(n)), _mm_setr_epi32(0, 1, 2, 3))
#define LOAD_REST_d(n, x) ((NAME(vec))_mm256_maskload_pd((x), REST_MASK(n)))
#define LOAD_REST_f(n, x) ((NAME(vec))_mm256_cvtps_pd(_mm_maskload_ps((x), REST_MASK_F(n))))
#define STORE_REST(n, out, v) _mm256_maskstore_pd((out), REST_MASK(n), (__m256d)(v))
#define HALVES(s) ((__m256d)(s))
#endif

TARGET static inline __m256d NAME(sums4)(NAME(vec) s0, NAME(vec) s1, NAME(vec) s2, NAME(vec) s3)
{
    __m256d a = _mm256_hadd_pd(HALVES(s0), HALVES(s1)), b = _mm256_hadd_pd(HALVES(s2), HALVES(s3));
    return _mm256_add_pd(_mm256_permute2f128_pd(a, b, 0x20), _mm256_permute2f128_pd(a, b, 0x31));
}
