/* Packed rows: copies of a few dense rows, standardised, and what second-order methods make of
 * them.
 *
 * Packed rows lie one behind the other, each `stride` long, a multiple of PACKED_PAD; what is
 * behind the features is zero, or one for an intercept, and so sums over rows need no tails.
 * Built once per instruction set (packed_impl.h); packed_init() points the table at the best one
 * that this processor has.
 */
#ifndef SKLGD_PACKED_H
#define SKLGD_PACKED_H

#include <stddef.h>
#include <stdint.h>

enum { PACKED_PAD = 8 };

typedef struct {
    /* out[i, j] = (x[i, j] - shift[j]) * factor[j], j < p, for the rows of x, `bytes` apart, that
     * order[i] names, or the first n of them where it is NULL */
    void (*pack_d)(ptrdiff_t n, ptrdiff_t p, const void *x, ptrdiff_t bytes, const uint32_t *order,
                   const double *shift, const double *factor, ptrdiff_t stride, double *out);
    void (*pack_f)(ptrdiff_t n, ptrdiff_t p, const void *x, ptrdiff_t bytes, const uint32_t *order,
                   const double *shift, const double *factor, ptrdiff_t stride, double *out);
    /* out[i step] = sum_j rows[i, j] w[j], j < stride */
    void (*dot)(ptrdiff_t n, ptrdiff_t stride, const double *rows, const double *w, ptrdiff_t step,
                double *out);
    /* sums[j] += sum_i a[i step] rows[i, j] */
    void (*tdot)(ptrdiff_t n, ptrdiff_t stride, const double *rows, const double *a,
                 ptrdiff_t step, double *sums);
    /* scaled[m] = a[i step] rows[i] and kept[m] = rows[i] for the m-th i with a[i step] != 0;
     * kept only where there are zeros.  Returns how many there are. */
    ptrdiff_t (*scale)(ptrdiff_t n, ptrdiff_t stride, const double *rows, const double *a,
                       ptrdiff_t step, double *kept, double *scaled);
    /* h[j, l] += sum_i a[i, j] b[i, l] for i < n and j <= l < q, all with rows of length stride; q
     * is a multiple of PACKED_PAD, and entries with l < j may be written, too */
    void (*gram)(ptrdiff_t n, ptrdiff_t q, ptrdiff_t stride, const double *a, const double *b,
                 double *h);
} packed_table;

extern packed_table packed;

void packed_init(void);

#endif
