#include "kinks.h"

#include "isa.h"
#include "simd.h"

#include <math.h>

#define KINKS_MAX(a, b) ((b) > (a) ? (b) : (a))

#define NAME(f) plain_##f
#define TARGET
#include "kinks_impl.h"

#ifdef SKLGD_X86
#define NAME(f) avx2_##f
#define TARGET SKLGD_AVX2
#include "kinks_impl.h"

#define NAME(f) avx512_##f
#define TARGET SKLGD_AVX512
#include "kinks_impl.h"
#endif

kinks_table kinks;

void kinks_init(void)
{
    kinks = SKLGD_BEST(table);
}
