#include "simd.h"

#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(_M_X64))
#define SKLGD_X86 1
#endif

#define NAME(f) plain_##f
#define NAME_STRING "plain"
#define TARGET
#define LANES 1
#include "simd_impl.h"

#ifdef SKLGD_X86
#define NAME(f) avx2_##f
#define NAME_STRING "avx2"
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 4
#include "simd_impl.h"

#define NAME(f) avx512_##f
#define NAME_STRING "avx512"
#ifdef __clang__
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma")))
#else
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")))
#endif
#define LANES 8
#include "simd_impl.h"
#endif

simd_table simd;

void simd_init(void)
{
    simd = plain_table;
#ifdef SKLGD_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        simd = avx512_table;
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        simd = avx2_table;
#endif
}
