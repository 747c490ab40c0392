#include "csr.h"

#include "isa.h"
#include "simd.h"

#define IMPL "csr_impl.h"
#define ISA plain
#define ISA_TARGET
#include "rows_types.h"

#ifdef SKLGD_X86
#define ISA avx2
#define ISA_TARGET SKLGD_AVX2
#include "rows_types.h"
#endif

#define ENTRY(isa, real, index, suffix)                                                   \
    {                                                                                     \
        sizeof(real), sizeof(index), isa##_dot_##suffix, isa##_tdot_##suffix,             \
            isa##_outer_##suffix, isa##_lazy_dot_##suffix, isa##_lazy_tdot_##suffix,      \
            isa##_pairs_dot_##suffix, isa##_pairs_tdot_##suffix,                          \
            isa##_drift_dot_##suffix, isa##_drift_tdot_##suffix,                          \
            isa##_mix_##suffix, isa##_tmix_##suffix, isa##_in_order_##suffix,             \
            isa##_fetch_##suffix, isa##_touch_##suffix                                    \
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
