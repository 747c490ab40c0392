#include "cross.h"

#include "simd.h"

#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(_M_X64))
#define SKLGD_X86 1
#define AVX2 __attribute__((target("avx2,fma")))
#endif

#define NAME(f) plain_##f##_d32
#define REAL double
#define INDEX int32_t
#define TARGET
#include "cross_impl.h"

#define NAME(f) plain_##f##_d64
#define REAL double
#define INDEX int64_t
#define TARGET
#include "cross_impl.h"

#define DENSE
#define NAME(f) plain_##f##_d
#define REAL double
#define TARGET
#include "cross_impl.h"

#define NAME(f) plain_##f##_f32
#define REAL float
#define INDEX int32_t
#define TARGET
#include "cross_impl.h"

#define NAME(f) plain_##f##_f64
#define REAL float
#define INDEX int64_t
#define TARGET
#include "cross_impl.h"

#define DENSE
#define NAME(f) plain_##f##_f
#define REAL float
#define TARGET
#include "cross_impl.h"

#ifdef SKLGD_X86
#define NAME(f) avx2_##f##_d32
#define REAL double
#define INDEX int32_t
#define TARGET AVX2
#include "cross_impl.h"

#define NAME(f) avx2_##f##_d64
#define REAL double
#define INDEX int64_t
#define TARGET AVX2
#include "cross_impl.h"

#define DENSE
#define NAME(f) avx2_##f##_d
#define REAL double
#define TARGET AVX2
#include "cross_impl.h"

#define NAME(f) avx2_##f##_f32
#define REAL float
#define INDEX int32_t
#define TARGET AVX2
#include "cross_impl.h"

#define NAME(f) avx2_##f##_f64
#define REAL float
#define INDEX int64_t
#define TARGET AVX2
#include "cross_impl.h"

#define DENSE
#define NAME(f) avx2_##f##_f
#define REAL float
#define TARGET AVX2
#include "cross_impl.h"
#endif

#define ENTRY(isa, suffix)                            \
    {                                                 \
        isa##_dot_##suffix, isa##_tdot_##suffix       \
    }
/* by the type of the data, then dense, int32 and int64 */
#define TABLES(isa)                                               \
    {                                                             \
        {ENTRY(isa, d), ENTRY(isa, d32), ENTRY(isa, d64)},        \
        {ENTRY(isa, f), ENTRY(isa, f32), ENTRY(isa, f64)},        \
    }

static const cross_table plain_tables[2][3] = TABLES(plain);
#ifdef SKLGD_X86
static const cross_table avx2_tables[2][3] = TABLES(avx2);
#endif

const cross_table *cross_functions(int single, int sparse, int wide)
{
    const int form = sparse ? 1 + wide : 0;
#ifdef SKLGD_X86
    if (simd_level() >= SIMD_AVX2)
        return &avx2_tables[single][form];
#endif
    return &plain_tables[single][form];
}
