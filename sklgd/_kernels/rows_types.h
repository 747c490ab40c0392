/* Includes IMPL once for each type of rows: double and float data with int32 and int64 indices,
 * and with ROWS_DENSE dense ones.  Functions are called ISA_function_type and have ISA_TARGET's
 * instructions. */
#define ROWS_NAME_(isa, function, type) isa##_##function##_##type
#define ROWS_NAME(isa, function, type) ROWS_NAME_(isa, function, type)

#define NAME(function) ROWS_NAME(ISA, function, d32)
#define REAL double
#define INDEX int32_t
#define TARGET ISA_TARGET
#include IMPL

#define NAME(function) ROWS_NAME(ISA, function, d64)
#define REAL double
#define INDEX int64_t
#define TARGET ISA_TARGET
#include IMPL

#define NAME(function) ROWS_NAME(ISA, function, f32)
#define REAL float
#define INDEX int32_t
#define TARGET ISA_TARGET
#include IMPL

#define NAME(function) ROWS_NAME(ISA, function, f64)
#define REAL float
#define INDEX int64_t
#define TARGET ISA_TARGET
#include IMPL

#ifdef ROWS_DENSE
#define DENSE
#define NAME(function) ROWS_NAME(ISA, function, d)
#define REAL double
#define TARGET ISA_TARGET
#include IMPL

#define DENSE
#define NAME(function) ROWS_NAME(ISA, function, f)
#define REAL float
#define TARGET ISA_TARGET
#include IMPL
#endif

#undef ROWS_NAME
#undef ROWS_NAME_
#undef ISA
#undef ISA_TARGET
