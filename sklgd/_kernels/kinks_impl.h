/* The functions of kinks.h for one instruction set.  Included by kinks.c with
 *   NAME(f)  the function's name in this build,  TARGET  its attribute.
 */
TARGET static double NAME(products)(ptrdiff_t m, const kinks_planes *v, double primal, double dual)
{
    const double *theta = v->theta, *low = v->low, *high = v->high, *d_theta = v->d_theta;
    const double *above = v->above, *below = v->below;
    const double *d_above = v->d_above, *d_below = v->d_below;
    double total = 0.0;
    _Pragma("omp simd reduction(+ : total)") for (ptrdiff_t i = 0; i < m; i++) {
        const double at = theta[i] + dual * d_theta[i];
        total += (above[i] + primal * d_above[i]) * (high[i] - at) +
                 (below[i] + primal * d_below[i]) * (at - low[i]);
    }
    return total;
}

TARGET static void NAME(weigh)(ptrdiff_t n, ptrdiff_t n_kinks, const kinks_planes *v,
                               ptrdiff_t step, double *slope, double *bend)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        slope[i * step] = 0.0;
        if (bend) bend[i * step] = 0.0;
    }
    for (ptrdiff_t first = 0; first < n_kinks * n; first += n) {
        const double *theta = v->theta + first, *low = v->low + first, *high = v->high + first;
        const double *above = v->above + first, *below = v->below + first;
        const double *aim_above = v->aim_above + first, *aim_below = v->aim_below + first;
        _Pragma("omp simd") for (ptrdiff_t i = 0; i < n; i++) {
            const double up = 1.0 / (high[i] - theta[i]), down = 1.0 / (theta[i] - low[i]);
            const double weight = 1.0 / (above[i] * up + below[i] * down);
            slope[i * step] += theta[i] + weight * (above[i] - below[i] - aim_above[i] * up +
                                                    aim_below[i] * down);
            if (bend) bend[i * step] += weight;
        }
    }
}

/* The same kink of all rows: a step that is known to be one makes vectors of neighbours. */
TARGET static inline void NAME(follow_kink)(ptrdiff_t n, ptrdiff_t first, const kinks_planes *v,
                                            ptrdiff_t step, const double *change, double *shorter)
{
    const double *theta = v->theta + first, *low = v->low + first, *high = v->high + first;
    const double *above = v->above + first, *below = v->below + first;
    const double *aim_above = v->aim_above + first, *aim_below = v->aim_below + first;
    double *d_theta = v->d_theta + first;
    double *d_above = v->d_above + first, *d_below = v->d_below + first;
    double primal = shorter[0], dual = shorter[1];
    _Pragma("omp simd reduction(max : primal, dual)") for (ptrdiff_t i = 0; i < n; i++) {
        const double up = 1.0 / (high[i] - theta[i]), down = 1.0 / (theta[i] - low[i]);
        const double d = (change[i * step] + above[i] - below[i] - aim_above[i] * up +
                          aim_below[i] * down) / (above[i] * up + below[i] * down);
        const double rise = (aim_above[i] + above[i] * d) * up - above[i];
        const double fall = (aim_below[i] - below[i] * d) * down - below[i];
        d_theta[i] = d;
        d_above[i] = rise;
        d_below[i] = fall;
        dual = KINKS_MAX(dual, d * up);
        dual = KINKS_MAX(dual, -d * down);
        primal = KINKS_MAX(primal, -rise / above[i]);
        primal = KINKS_MAX(primal, -fall / below[i]);
    }
    shorter[0] = primal;
    shorter[1] = dual;
}

TARGET static void NAME(follow)(ptrdiff_t n, ptrdiff_t n_kinks, const kinks_planes *v,
                                ptrdiff_t step, const double *change, double *lengths)
{
    double shorter[2] = {1.0, 1.0}; /* the inverse of the lengths */
    for (ptrdiff_t first = 0; first < n_kinks * n; first += n) {
        if (step == 1)
            NAME(follow_kink)(n, first, v, 1, change, shorter);
        else
            NAME(follow_kink)(n, first, v, step, change, shorter);
    }
    lengths[0] = 1.0 / shorter[0];
    lengths[1] = 1.0 / shorter[1];
}

TARGET static void NAME(aim)(ptrdiff_t m, const kinks_planes *v, double centre,
                              double share)
{
    const double *low = v->low, *high = v->high;
    const double *d_theta = v->d_theta, *d_above = v->d_above, *d_below = v->d_below;
    double *aim_above = v->aim_above, *aim_below = v->aim_below;
    _Pragma("omp simd") for (ptrdiff_t i = 0; i < m; i++) {
        const double product = centre * sqrt(high[i] - low[i]);
        aim_above[i] = product + share * d_above[i] * d_theta[i];
        aim_below[i] = product - share * d_below[i] * d_theta[i];
    }
}

TARGET static double NAME(move)(ptrdiff_t m, const kinks_planes *v, double primal, double dual)
{
    const double *low = v->low, *high = v->high;
    const double *d_theta = v->d_theta, *d_above = v->d_above, *d_below = v->d_below;
    double *theta = v->theta, *above = v->above, *below = v->below;
    double *aim_above = v->aim_above, *aim_below = v->aim_below;
    double loss = 0.0;
    _Pragma("omp simd reduction(+ : loss)") for (ptrdiff_t i = 0; i < m; i++) {
        const double up = above[i] + primal * d_above[i], down = below[i] + primal * d_below[i];
        theta[i] += dual * d_theta[i];
        above[i] = up;
        below[i] = down;
        aim_above[i] = aim_below[i] = 0.0;
        loss += KINKS_MAX(low[i] * (up - down), high[i] * (up - down));
    }
    return loss;
}

static const kinks_table NAME(table) = {
    NAME(products), NAME(weigh), NAME(follow), NAME(aim), NAME(move),
};

#undef NAME
#undef TARGET
