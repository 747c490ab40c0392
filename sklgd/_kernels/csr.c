#include "csr.h"

#include "simd.h"

#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(_M_X64))
#define SKLGD_X86 1
#define AVX2 __attribute__((target("avx2,fma")))
#endif

#define NAME(f) plain_##f##_d32
#define REAL double
#define INDEX int32_t
#define TARGET
#include "csr_impl.h"

#define NAME(f) plain_##f##_d64
#define REAL double
#define INDEX int64_t
#define TARGET
#include "csr_impl.h"

#define NAME(f) plain_##f##_f32
#define REAL float
#define INDEX int32_t
#define TARGET
#include "csr_impl.h"

#define NAME(f) plain_##f##_f64
#define REAL float
#define INDEX int64_t
#define TARGET
#include "csr_impl.h"

#ifdef SKLGD_X86
#define NAME(f) avx2_##f##_d32
#define REAL double
#define INDEX int32_t
#define TARGET AVX2
#include "csr_impl.h"

#define NAME(f) avx2_##f##_d64
#define REAL double
#define INDEX int64_t
#define TARGET AVX2
#include "csr_impl.h"

#define NAME(f) avx2_##f##_f32
#define REAL float
#define INDEX int32_t
#define TARGET AVX2
#include "csr_impl.h"

#define NAME(f) avx2_##f##_f64
#define REAL float
#define INDEX int64_t
#define TARGET AVX2
#include "csr_impl.h"
#endif

#define ENTRY(isa, real, index, suffix)                                                   \
    {                                                                                     \
        sizeof(real), sizeof(index), isa##_dot_##suffix, isa##_tdot_##suffix,             \
            isa##_outer_##suffix, isa##_lazy_dot_##suffix, isa##_lazy_tdot_##suffix,      \
            isa##_pairs_dot_##suffix, isa##_pairs_tdot_##suffix,                          \
            isa##_drift_dot_##suffix, isa##_drift_tdot_##suffix,                          \
            isa##_mix_##suffix, isa##_tmix_##suffix, isa##_touch_##suffix                 \
    }
#define TABLES(isa)                                                                       \
    {                                                                                     \
        {ENTRY(isa, double, int32_t, d32), ENTRY(isa, double, int64_t, d64)},             \
        {ENTRY(isa, float, int32_t, f32), ENTRY(isa, float, int64_t, f64)},               \
    }

static const csr_table plain_tables[2][2] = TABLES(plain);
#ifdef SKLGD_X86
static const csr_table avx2_tables[2][2] = TABLES(avx2);
#endif

const csr_table *csr_functions(int single, int wide)
{
#ifdef SKLGD_X86
    if (simd_level() >= SIMD_AVX2)
        return &avx2_tables[single][wide];
#endif
    return &plain_tables[single][wide];
}
