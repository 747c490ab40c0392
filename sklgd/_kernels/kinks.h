/* The kinks of one raw column under an interior point: see interior.pyx, and
 * `sklgd.optimizers.InteriorPoint`, which states the maths.
 *
 * Each vector has n entries for the first kink of every row, then n for the second one, and so on.
 * Built once per instruction set (kinks_impl.h); kinks_init() points the table at the best one that
 * this processor has.
 */
#ifndef SKLGD_KINKS_H
#define SKLGD_KINKS_H

#include <stddef.h>

typedef struct {
    double *theta;      /* the dual variables, between low and high */
    double *low;
    double *high;
    double *above;      /* what the raw predictions are above and below the kinks */
    double *below;
    double *d_theta;    /* the directions of these three */
    double *d_above;
    double *d_below;
    double *aim_above;  /* what above (high - theta) and below (theta - low) are aimed at */
    double *aim_below;
} kinks_planes;

typedef struct {
    /* the sum of the products, after steps of these lengths, over m entries */
    double (*products)(ptrdiff_t m, const kinks_planes *v, double primal, double dual);
    /* Write the slopes and, unless it is NULL, the second derivatives of n rows, `step` apart. */
    void (*weigh)(ptrdiff_t n, ptrdiff_t n_kinks, const kinks_planes *v, ptrdiff_t step,
                  double *slope, double *bend);
    /* Write the directions for raw predictions that change by `change`, of n rows, `step` apart;
     * lengths become those up to which nothing changes its sign, the primal and the dual one. */
    void (*follow)(ptrdiff_t n, ptrdiff_t n_kinks, const kinks_planes *v, ptrdiff_t step,
                   const double *change, double *lengths);
    /* Aim m products at a number times the root of high - low, less a share of what directions
     * bend. */
    void (*aim)(ptrdiff_t m, const kinks_planes *v, double centre, double share);
    /* Go along the directions of m entries, and aim at zero again; the sum of the losses. */
    double (*move)(ptrdiff_t m, const kinks_planes *v, double primal, double dual);
} kinks_table;

extern kinks_table kinks;

void kinks_init(void);

#endif
