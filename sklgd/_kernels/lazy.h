/* Weights of k columns over p features that are kept behind in time: lazy.pxd has the theory. */
#ifndef SKLGD_LAZY_H
#define SKLGD_LAZY_H

#include <math.h>
#include <stddef.h>

typedef struct {
    ptrdiff_t k;
    ptrdiff_t p;
    double *v;        /* (k, p): the weights are scale * v, with L1 scale * soft(v, threshold) */
    int cuts;         /* whether there is an L1 part */
    double *total;    /* (k, p): running sums of the weights, less area * v; NULL without a mean */
    double scale;     /* product of the L2 shrink factors */
    double threshold; /* sum of the L1 thresholds, each divided by the scale of its time */
    double area;      /* sum of scale over the averaged steps */
    const double *factors; /* (p,): what multiplies a feature's threshold; NULL where all are 1 */
} Lazy;

/* soft(v, threshold) as v less v clipped to the threshold: two instructions without a branch,
 * since which weights are cut cannot be guessed.  NaN stays NaN. */
static inline double lazy_soft(double v, double threshold)
{
    double clipped = v < threshold ? v : threshold;
    return v - (clipped > -threshold ? clipped : -threshold);
}

/* The v whose value is x. */
static inline double lazy_unsoft(double x, double threshold)
{
    return x + copysign(threshold, x);
}

#endif
