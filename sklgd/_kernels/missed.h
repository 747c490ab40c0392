/* The steps that a weight missed, taken at once: touched.pxd has the theory. */
#ifndef SKLGD_MISSED_H
#define SKLGD_MISSED_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* The distinct features of a batch, numbered as they are met. */
typedef struct {
    int32_t since;  /* the last step whose penalty the feature's weights have had */
    int32_t place;  /* its number in the batch that is open */
} Mark;

typedef struct {
    char *marks;        /* one for each feature, `stride` bytes from one to the next */
    ptrdiff_t stride;
    int32_t now;        /* the step */
    int in_order;       /* whether entries are their features' numbers; since and where are unset */
    ptrdiff_t count;
    int32_t *features;  /* count */
    int32_t *since;     /* count: as the marks were */
    int32_t *where;     /* of each nonzero, one row after the other: its feature's number */
} Touch;

static inline Mark *touch_mark(const Touch *touch, ptrdiff_t feature)
{
    return (Mark *)(touch->marks + feature * touch->stride);
}

/* Behind its mark a feature has `fields` numbers for each of k columns.  These of m features become
 * rows of `few`, n numbers for each field and in these m for each column; and back. */
static inline void touch_take_(const Touch *touch, ptrdiff_t m, ptrdiff_t k, ptrdiff_t fields,
                               ptrdiff_t n, double *few, int32_t *since)
{
    for (ptrdiff_t i = 0; i < m; i++) {
        const Mark *mark = touch_mark(touch, touch->features[i]);
        const double *home = (const double *)(mark + 1);
        if (since)
            since[i] = mark->since;
        for (ptrdiff_t f = 0; f < fields; f++)
            for (ptrdiff_t c = 0; c < k; c++)
                few[f * n + c * m + i] = home[f * k + c];
    }
}

static inline void touch_give_(const Touch *touch, ptrdiff_t m, ptrdiff_t k, ptrdiff_t fields,
                               ptrdiff_t n, const double *few, int32_t since)
{
    for (ptrdiff_t i = 0; i < m; i++) {
        Mark *mark = touch_mark(touch, touch->features[i]);
        double *home = (double *)(mark + 1);
        mark->since = since;
        for (ptrdiff_t f = 0; f < fields; f++)
            for (ptrdiff_t c = 0; c < k; c++)
                home[f * k + c] = few[f * n + c * m + i];
    }
}

/* The same with the inner loops unrolled where they are short. */
static inline void touch_take(const Touch *touch, ptrdiff_t m, ptrdiff_t k, ptrdiff_t fields,
                              ptrdiff_t n, double *few, int32_t *since)
{
    if (k == 1 && fields == 1)
        touch_take_(touch, m, 1, 1, n, few, since);
    else if (k == 1 && fields == 2)
        touch_take_(touch, m, 1, 2, n, few, since);
    else
        touch_take_(touch, m, k, fields, n, few, since);
}

static inline void touch_give(const Touch *touch, ptrdiff_t m, ptrdiff_t k, ptrdiff_t fields,
                              ptrdiff_t n, const double *few, int32_t since)
{
    if (k == 1 && fields == 1)
        touch_give_(touch, m, 1, 1, n, few, since);
    else if (k == 1 && fields == 2)
        touch_give_(touch, m, 1, 2, n, few, since);
    else
        touch_give_(touch, m, k, fields, n, few, since);
}

/* Between floor and top, a step of size tau takes a weight of size u to (u - tau * l1) / (1 + tau *
 * l2).  Pieces follow each other from the top down; beyond the first one's top nothing moves. */
typedef struct {
    double floor;
    double top;
    double l1;
    double l2;  /* negative where the penalty is concave */
} Piece;

enum { PACE, SUM, SQUARES, CUBES, FOURTHS, FIFTHS, AREA, AREA_REST, COLUMNS };

/* The steps since all weights were true.  Each entry's step size is the step's pace times a number
 * of the entry's own.  Row i of the table is about the first i steps: the last pace, the sums of
 * the paces' powers, and the sum of the column SUM in two parts, for differences of long sums. */
typedef struct {
    ptrdiff_t steps;
    double *table;    /* (steps + 1, COLUMNS) */
    double longest;   /* of the paces */
    int steady;       /* whether all paces are the same */
    int gradient;     /* whether l2 is descended, u - tau * l2 * u, instead of a proximal step */
} Missed;

static inline void missed_begin(Missed *m)
{
    m->steps = 0;
    m->longest = 0.0;
    m->steady = 1;
    for (int i = 0; i < COLUMNS; i++)
        m->table[i] = 0.0;
}

static inline void missed_record(Missed *m, double pace)
{
    const double *last = m->table + m->steps * COLUMNS;
    double *row = m->table + ++m->steps * COLUMNS, power = pace, sum;
    m->steady &= m->steps == 1 || pace == last[PACE];
    m->longest = pace > m->longest ? pace : m->longest;
    row[PACE] = pace;
    for (int i = SUM; i <= FIFTHS; i++, power *= pace)
        row[i] = last[i] + power;
    sum = last[AREA] + row[SUM];
    row[AREA_REST] = last[AREA_REST] + (row[SUM] - (sum - last[AREA]));
    row[AREA] = sum;
}

/* log(1 + x), by its series where that is as exact. */
static inline double small_log1p(double x)
{
    if (fabs(x) > 0x1p-9)
        return log1p(x);
    return x * (1 - x * (1. / 2 - x * (1. / 3 - x * (1. / 4 - x * (1. / 5 - x * (1. / 6))))));
}

static inline double small_expm1(double x)
{
    if (fabs(x) > 0x1p-5)
        return expm1(x);
    double tail = 1. / 120 + x * (1. / 720 + x * (1. / 5040));
    return x * (1 + x * (1. / 2 + x * (1. / 6 + x * (1. / 24 + x * tail))));
}

/* The sum of the paces of the n steps after step a. */
static inline double missed_sum(const Missed *m, ptrdiff_t a, ptrdiff_t n)
{
    if (m->steady)
        return n * m->longest;
    return m->table[(a + n) * COLUMNS + SUM] - m->table[a * COLUMNS + SUM];
}

/* The sum of those sums over 1, ..., n. */
static inline double missed_area(const Missed *m, ptrdiff_t a, ptrdiff_t n)
{
    if (m->steady)
        return 0.5 * n * (n + 1) * m->longest;
    const double *from = m->table + a * COLUMNS, *to = from + n * COLUMNS;
    return ((to[AREA] - from[AREA]) - n * from[SUM]) + (to[AREA_REST] - from[AREA_REST]);
}

/* The sum of log(1 + z * pace) over longer steps: a series about their mean, on stretches whose
 * paces are alike.  Its error is below (y |pace - mean|)^5 / 5, summed: 1e-11. */
static inline double missed_log_far(const Missed *m, double z, ptrdiff_t a, ptrdiff_t n)
{
    const double *from = m->table + a * COLUMNS, *to = from + n * COLUMNS;
    if (n > 8 && z * m->longest > -0.5) {
        const double s1 = to[SUM] - from[SUM], s2 = to[SQUARES] - from[SQUARES];
        const double s3 = to[CUBES] - from[CUBES], s4 = to[FOURTHS] - from[FOURTHS];
        const double mean = s1 / n, y = z / (1.0 + z * mean), c2 = s2 - mean * s1;
        if (y * y * c2 <= 0x1p-14) {
            const double c3 = s3 - mean * (3.0 * s2 - 2.0 * mean * s1);
            const double c4 = s4 - mean * (4.0 * s3 - mean * (6.0 * s2 - 3.0 * mean * s1));
            return n * log1p(z * mean) - y * y * (c2 / 2 - y * (c3 / 3 - y * c4 / 4));
        }
        const double first = missed_log_far(m, z, a, n / 2);
        return fabs(first) < 750.0 ? first + missed_log_far(m, z, a + n / 2, n - n / 2) : first;
    }
    double total = 0.0;
    for (const double *row = from + COLUMNS; row <= to && fabs(total) < 750.0; row += COLUMNS)
        total += log1p(fmax(z * row[PACE], -1.0));
    return total;
}

/* The sum of log(1 + z * pace). */
static inline double missed_log(const Missed *m, double z, ptrdiff_t a, ptrdiff_t n)
{
    if (m->steady)
        return n * small_log1p(z * m->longest);
    const double *from = m->table + a * COLUMNS, *to = from + n * COLUMNS;
    if (fabs(z) * m->longest <= 0x1p-9) {
        double total = (to[FOURTHS] - from[FOURTHS]) / 4 - z * (to[FIFTHS] - from[FIFTHS]) / 5;
        total = (to[CUBES] - from[CUBES]) / 3 - z * total;
        total = (to[SQUARES] - from[SQUARES]) / 2 - z * total;
        return z * (to[SUM] - from[SUM] - z * total);
    }
    return missed_log_far(m, z, a, n);
}

/* The size after n steps from step a on, as long as it stays within the piece.  q1 and q2 are the
 * entry's numbers for l1 and for l2.  The l2 part shrinks the distance from its fixed point. */
static inline double missed_along(const Missed *m, const Piece *piece, double q1, double q2,
                                  double u, ptrdiff_t a, ptrdiff_t n)
{
    double z = q2 * piece->l2, log;
    if (z == 0.0)
        return piece->l1 == 0.0 ? u : u - q1 * piece->l1 * missed_sum(m, a, n);
    if (m->gradient)
        log = z * m->longest < 1.0 || !m->steady ? missed_log(m, -z, a, n) : -INFINITY;
    else
        log = -missed_log(m, z, a, n);
    if (piece->l1 == 0.0)
        return u * (log > -0x1p-5 ? 1.0 + small_expm1(log) : exp(log));
    return u + small_expm1(log) * (u + q1 * piece->l1 / z);
}

/* The sum of the sizes after 1, ..., n steps; paces are steady or there is no l2. */
static inline double missed_total(const Missed *m, const Piece *piece, double q1, double q2,
                                  double u, ptrdiff_t a, ptrdiff_t n)
{
    double z = q2 * piece->l2, lost, x, term, fixed;
    if (z == 0.0)
        return n * u - (piece->l1 == 0.0 ? 0.0 : q1 * piece->l1 * missed_area(m, a, n));
    /* a step keeps the share 1 - x of the distance; lost is the sum of 1 - (1 - x)^i */
    x = m->gradient ? fmin(z * m->longest, 1.0) : z * m->longest / (1.0 + z * m->longest);
    if (n * fabs(x) < 0.5) {
        lost = 0.0;
        term = n + 1;
        for (int k = 1; k < 20 && term != 0.0; k++) {
            term *= (k == 1 ? x : -x) * (n + 1 - k) / (k + 1);
            lost += term;
        }
    } else {
        lost = n + (1.0 - x) * expm1(n * log1p(-x)) / x;
    }
    fixed = piece->l1 == 0.0 ? 0.0 : q1 * piece->l1 / z;
    return n * u - lost * (u + fixed);
}

/* The size that a weight of size u at step a has after n more steps; total, unless it is NULL,
 * grows by the sizes that it had after each.  At the size `rest`, which takes the place of the last
 * piece's floor, it comes to rest. */
static inline double missed_size(const Missed *m, const Piece *piece, int n_pieces, double rest,
                                 double q1, double q2, double u, ptrdiff_t a, ptrdiff_t n,
                                 double *total)
{
    const Piece *last = piece + n_pieces - 1;
    if (!(u > rest && u < piece->top)) {  /* NaN too */
        if (total)
            *total += n * u;
        return u;
    }
    while (piece != last && u <= piece->floor)
        piece++;
    for (;; piece++) {
        const double floor = piece == last ? rest : piece->floor;
        ptrdiff_t inside = n, beyond = n + 1;
        double v = missed_along(m, piece, q1, q2, u, a, n);
        if (!(v > floor) && piece == last && !total)
            return rest;
        if (!(v > floor)) {  /* the last step after which it is still above the floor */
            for (inside = 0, beyond = n; beyond - inside > 1;) {
                ptrdiff_t middle = (inside + beyond) / 2;
                if (missed_along(m, piece, q1, q2, u, a, middle) > floor)
                    inside = middle;
                else
                    beyond = middle;
            }
            v = inside ? missed_along(m, piece, q1, q2, u, a, inside) : u;
        }
        if (total && inside)
            *total += missed_total(m, piece, q1, q2, u, a, inside);
        if (beyond > n)
            return v;
        u = v;
        a += inside;
        n -= inside;
        if (piece == last) {
            if (total)
                *total += n * rest;
            return rest;
        }
    }
}

#endif
