/* Gram matrices of packed rows: the second derivative of a linear model, block by block.
 *
 * Built once per instruction set (gram_impl.h); gram_init() points at the best one that this
 * processor has.
 */
#ifndef SKLGD_GRAM_H
#define SKLGD_GRAM_H

#include <stddef.h>

/* Columns of packed rows come in multiples of this. */
enum { GRAM_PAD = 8 };

/* h[j, l] += sum_i a[i, j] b[i, l] for i < n and j <= l < q, all with rows of length stride; q is a
 * multiple of GRAM_PAD, and entries with l < j may be written, too. */
typedef void (*gram_function)(ptrdiff_t n, ptrdiff_t q, ptrdiff_t stride, const double *a,
                              const double *b, double *h);

extern gram_function gram;

void gram_init(void);

#endif
