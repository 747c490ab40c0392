/* Functions built for more instructions than the compiler may assume: SKLGD_X86 where that can be
 * asked for, and then the attributes of such functions.  simd_level() tells what may be called.
 */
#ifndef SKLGD_ISA_H
#define SKLGD_ISA_H

#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(_M_X64))
#define SKLGD_X86 1
#define SKLGD_AVX2 __attribute__((target("avx2,fma")))
#ifdef __clang__
#define SKLGD_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma")))
#else
#define SKLGD_AVX512 \
    __attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")))
#endif
#endif

/* Of the tables that each build has under a name, the one for the best instructions there are. */
#ifdef SKLGD_X86
#define SKLGD_BEST(table) \
    (*(const __typeof__(plain_##table) *[]){&plain_##table, &avx2_##table, \
                                            &avx512_##table}[simd_level()])
#else
#define SKLGD_BEST(table) plain_##table
#endif

#endif
