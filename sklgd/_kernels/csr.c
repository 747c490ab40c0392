#include "csr.h"

#define NAME(f) f##_d32
#define REAL double
#define INDEX int32_t
#include "csr_impl.h"

#define NAME(f) f##_d64
#define REAL double
#define INDEX int64_t
#include "csr_impl.h"

#define NAME(f) f##_f32
#define REAL float
#define INDEX int32_t
#include "csr_impl.h"

#define NAME(f) f##_f64
#define REAL float
#define INDEX int64_t
#include "csr_impl.h"

#define TABLE(real, index, suffix)                                                        \
    {                                                                                     \
        sizeof(real), sizeof(index), dot_##suffix, tdot_##suffix, lazy_dot_##suffix,      \
            lazy_tdot_##suffix                                                            \
    }

const csr_table csr_tables[2][2] = {
    {TABLE(double, int32_t, d32), TABLE(double, int64_t, d64)},
    {TABLE(float, int32_t, f32), TABLE(float, int64_t, f64)},
};
