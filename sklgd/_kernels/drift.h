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

/* Where a weight v > 0 with g > cut ends that crosses zero on the way. */
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

/* Bring a weight up to the present, and return it. */
static inline double drift_settle(const Drift *w, DriftWeight *weight)
{
    double now = w->sums[w->n], last = weight->last, span = now - last, v = weight->v;
    double g = weight->g, cut = weight->cut;
    if (span == 0.0)
        return v;
    weight->last = now;
    if (v == 0.0) {
        if (fabs(g) > cut)
            weight->v = -copysign((fabs(g) - cut) * span, g);
        return weight->v;
    }
    double side = v < 0.0 ? -1.0 : 1.0;
    v *= side; /* positive from here on */
    g *= side;
    double end = v - (g + cut) * span;
    if (end < 0.0)
        end = g <= cut ? 0.0 : drift_cross(v, g, cut, last, w);
    return weight->v = side * end + 0.0; /* no -0.0 */
}

#endif
