/* Weights of k columns over p features that a steady gradient moves while nobody looks.
 *
 * A step of size s, in units of the scale, is v <- soft(v - s g, s cut): both grow with s, so that
 * until it crosses zero a weight moves on a line, whatever the sizes of the steps.  Where a
 * weight meets zero it stays if |g| <= cut; else it crosses, within one step that has to be found.
 */
#ifndef SKLGD_DRIFT_H
#define SKLGD_DRIFT_H

#include <math.h>
#include <stddef.h>

typedef struct {
    double v;    /* the weight divided by the scale */
    double g;    /* the mean gradient */
    double last; /* the sum of step sizes that v has seen */
    double cut;
} DriftWeight;

typedef struct {
    ptrdiff_t k;
    ptrdiff_t p;
    DriftWeight *weights; /* (k, p) */
    const double *sums;   /* sums of the step sizes: from sums[0] = 0 up to the present, sums[n] */
    ptrdiff_t n;
} Drift;

/* Where a weight v > 0 with g > cut >= 0 ends that crosses zero on the way. */
static inline double drift_cross(double v, double g, double cut, double last, const Drift *w)
{
    ptrdiff_t low = 0, high = w->n; /* sums[low] <= meeting point < sums[high] */
    double meet = last + v / (g + cut);
    while (high - low > 1) {
        ptrdiff_t middle = (low + high) / 2;
        if (w->sums[middle] <= meet)
            low = middle;
        else
            high = middle;
    }
    double from = w->sums[low] > last ? w->sums[low] : last;
    double size = w->sums[high] - from;
    double rest = v - (g + cut) * (from - last) - g * size; /* below size * cut, up to rounding */
    rest = rest < -size * cut ? rest + size * cut : 0.0;
    return rest - (g - cut) * (w->sums[w->n] - w->sums[high]);
}

/* Bring a weight up to `now`, the last of the sums, and return it.  Seen from its side of zero,
 * where a weight that is zero has the side it is drawn to, it ends at v - (g + cut) span or at
 * zero: no branch but the rare one has to be guessed, since which weights are zero cannot. */
static inline double drift_settle(const Drift *w, double now, DriftWeight *weight)
{
    double v = weight->v, g = weight->g, cut = weight->cut, last = weight->last;
    double side = copysign(1.0, v - 0x1p-600 * g);
    double pull = side * g, end = fabs(v) - (pull + cut) * (now - last);
    /* negative where it crosses: in one number, since compilers make two branches of `and` */
    double held = cut - pull > end ? cut - pull : end;
    weight->last = now;
    if (held < 0.0)
        end = drift_cross(fabs(v), pull, cut, last, w);
    else
        end = 0.0 > end ? 0.0 : end; /* NaN stays NaN */
    return weight->v = side * end + 0.0; /* no -0.0 */
}

#endif
