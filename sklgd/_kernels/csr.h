/* What is done with one row of a CSR matrix, for each type of data and of indices.
 *
 * data and indices point at the row's first nonzero, of which there are size; w is (k, p) in C
 * order and raw and draw have k entries.
 */
#ifndef SKLGD_CSR_H
#define SKLGD_CSR_H

#include <stdint.h>

#include "drift.h"
#include "lazy.h"
#include "missed.h"

typedef struct {
    ptrdiff_t data_bytes;  /* of one entry */
    ptrdiff_t index_bytes;
    /* raw[c] = x . w[c] */
    void (*dot)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t k, ptrdiff_t p,
                const double *w, double *raw);
    /* w[c] += draw[c] x */
    void (*tdot)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t k, ptrdiff_t p,
                 const double *draw, double *w);
    /* h + h' += 2 bend x x', h being (q, q) */
    void (*outer)(const void *data, const void *indices, ptrdiff_t size, double bend, ptrdiff_t q,
                  double *h);
    /* dot and tdot on lazily kept weights */
    void (*lazy_dot)(const void *data, const void *indices, ptrdiff_t size, const Lazy *w,
                     double *raw);
    void (*lazy_tdot)(const void *data, const void *indices, ptrdiff_t size, const double *draw,
                      Lazy *w);
    /* dot and tdot on (k, p) pairs, as 2 k columns that lie side by side */
    void (*pairs_dot)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t k,
                      ptrdiff_t p, const double *w, double *raw);
    void (*pairs_tdot)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t k,
                       ptrdiff_t p, const double *draw, double *w);
    /* raw[c] = x . v[c], brought up to date; v[c] += draw[2 c] x and g[c] += draw[2 c + 1] x */
    void (*drift_dot)(const void *data, const void *indices, ptrdiff_t size, const Drift *w,
                      double *raw);
    void (*drift_tdot)(const void *data, const void *indices, ptrdiff_t size, const double *draw,
                       const Drift *w);
    /* for w of shape (p, k) and x in units, factor[j] x[j] (NULL: 1):
     * raw = sum_j x[j] w[j], and w[j] += x[j] draw */
    void (*mix)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t k,
                const double *factor, const double *w, double *raw);
    void (*tmix)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t k,
                 const double *factor, const double *draw, double *w);
    /* whether indices increase; and the indices */
    int (*in_order)(const void *indices, ptrdiff_t size, int32_t *features);
    /* ask for the marks of a row */
    void (*fetch)(const void *indices, ptrdiff_t size, const Touch *touch);
    /* number the features that the batch has not met yet; where is the row's */
    void (*touch)(const void *indices, ptrdiff_t size, Touch *touch, int32_t *where);
} csr_table;

/* The functions for float32 or float64 data and int64 or int32 indices, in the best instructions
 * that this processor has. */
const csr_table *csr_functions(int single, int wide);

#endif
