/* Products of pairs of a row's entries, for factorization machines, for each type of data.
 *
 * data and indices point at the row's first entry, of which there are size; indices is NULL for a
 * dense row.  v is (f, p) in C order: f factors of each feature.
 */
#ifndef SKLGD_CROSS_H
#define SKLGD_CROSS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    /* sum over e < f and entries j < l of (x[j] v[e, j]) (x[l] v[e, l]); sums[e] = x . v[e] */
    double (*dot)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t f, ptrdiff_t p,
                  const double *v, double *sums);
    /* grad += draw times the derivative of that with respect to v */
    void (*tdot)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t f, ptrdiff_t p,
                 double draw, const double *sums, const double *v, double *grad);
} cross_table;

/* The functions for float32 or float64 data of dense rows, or of sparse ones with int32 or int64
 * indices, in the best instructions that this processor has. */
const cross_table *cross_functions(int single, int sparse, int wide);

#endif
