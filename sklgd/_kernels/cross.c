#include "cross.h"

#include "isa.h"
#include "simd.h"

#define IMPL "cross_impl.h"
#define ROWS_DENSE
#define ISA plain
#define ISA_TARGET
#include "rows_types.h"

#ifdef SKLGD_X86
#define ISA avx2
#define ISA_TARGET SKLGD_AVX2
#include "rows_types.h"
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
