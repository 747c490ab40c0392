/* Steps of optimizers, entry by entry, for one instruction set; included by simd_impl.h.
 *
 * Adam's and AdaGrad's, and the shrinking of weights that are kept behind in time.
 */
TARGET static void NAME(average)(ptrdiff_t n, double rate, const double *w, double *mean)
{
    _Pragma("omp simd") for (ptrdiff_t j = 0; j < n; j++) mean[j] += rate * (w[j] - mean[j]);
}

/* Adam's step; the roots and the divisions are what it costs.  Moments that keep half or more go a
 * part of the way, which saves products; where they keep less that would cancel digits. */
#if LANES > 1
typedef float NAME(vec_f)
    __attribute__((vector_size(8 * LANES), aligned(4), may_alias));
#define ADAM_LANES(vec, lanes, root_of)                                                   \
    const int keeps = b1 >= 0.5 && b2 >= 0.5;                                             \
    for (; j + lanes <= n; j += lanes) {                                                  \
        NAME(vec) w = *(NAME(vec) *)(params + j);                                         \
        NAME(vec) g = *(const NAME(vec) *)(grad + j) + ridge * w;                         \
        NAME(vec) first = *(NAME(vec) *)(m + j), second = *(NAME(vec) *)(v + j);          \
        if (keeps) {                                                                      \
            first += c1 * (g - first);                                                    \
            second += c2 * (g * g - second);                                              \
        } else {                                                                          \
            first = b1 * first + c1 * g;                                                  \
            second = b2 * second + c2 * g * g;                                            \
        }                                                                                 \
        *(NAME(vec) *)(m + j) = first;                                                    \
        *(NAME(vec) *)(v + j) = second;                                                   \
        *(NAME(vec) *)(params + j) = w - rate * first / (root_of(second) + eps);          \
    }
#else
#define ADAM_LANES(vec, lanes, root_of)
#endif
#define DEFINE_ADAM(suffix, real, vec, lanes, root_of, root_of_one)                       \
    TARGET static void NAME(adam_##suffix)(ptrdiff_t n, real *params, const real *grad,   \
                                           real *m, real *v, const simd_adam *rule)       \
    {                                                                                     \
        const real b1 = (real)rule->beta_1, b2 = (real)rule->beta_2;                      \
        const real c1 = (real)(1.0 - rule->beta_1), c2 = (real)(1.0 - rule->beta_2);      \
        const real rate = (real)rule->rate, eps = (real)rule->epsilon;                    \
        const real ridge = (real)rule->ridge;                                             \
        ptrdiff_t j = 0;                                                                  \
        ADAM_LANES(vec, lanes, root_of)                                                   \
        for (; j < n; j++) {                                                              \
            real g = grad[j] + ridge * params[j];                                         \
            m[j] = b1 * m[j] + c1 * g;                                                    \
            v[j] = b2 * v[j] + c2 * g * g;                                                \
            params[j] -= rate * m[j] / (root_of_one(v[j]) + eps);                         \
        }                                                                                 \
    }
DEFINE_ADAM(d, double, vec, LANES, ROOT, sqrt)
DEFINE_ADAM(f, float, vec_f, 2 * LANES, ROOT_F, sqrtf)

TARGET static void NAME(root_sizes)(ptrdiff_t n, const double *total, double rate,
                                    double epsilon, double *sizes)
{
    ptrdiff_t j = 0;
#if LANES > 1
    for (; j + LANES <= n; j += LANES)
        *(NAME(vec) *)(sizes + j) = rate / (ROOT(LOAD_d(total + j)) + epsilon);
    if (j < n)
        STORE_REST(n - j, sizes + j, rate / (ROOT(LOAD_REST_d(n - j, total + j)) + epsilon));
#else
    for (; j < n; j++)
        sizes[j] = rate / (sqrt(total[j]) + epsilon);
#endif
}

TARGET static void NAME(adagrad)(ptrdiff_t n, double *params, const double *grad,
                                 double *total, double rate, double epsilon)
{
    ptrdiff_t j = 0;
#if LANES > 1
    for (; j + LANES <= n; j += LANES) {
        NAME(vec) g = LOAD_d(grad + j), sum = LOAD_d(total + j) + g * g;
        *(NAME(vec) *)(total + j) = sum;
        *(NAME(vec) *)(params + j) = LOAD_d(params + j) - rate * g / (ROOT(sum) + epsilon);
    }
    if (j < n) {
        NAME(vec) g = LOAD_REST_d(n - j, grad + j), sum = LOAD_REST_d(n - j, total + j) + g * g;
        NAME(vec) move = rate * g / (ROOT(sum) + epsilon);
        STORE_REST(n - j, total + j, sum);
        STORE_REST(n - j, params + j, LOAD_REST_d(n - j, params + j) - move);
    }
#else
    for (; j < n; j++) {
        total[j] += grad[j] * grad[j];
        params[j] -= rate * grad[j] / (sqrt(total[j]) + epsilon);
    }
#endif
}

#if LANES > 1
typedef int32_t NAME(counts) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* log(1 + x) by its series up to 2^-6, within two units in the last place too. */
TARGET static inline NAME(vec) NAME(log1p_small)(NAME(vec) x)
{
    NAME(vec) x2 = x * x, x4 = x2 * x2;
    NAME(vec) low = (1.0 / 2 - x * (1.0 / 3)) + x2 * (1.0 / 4 - x * (1.0 / 5));
    NAME(vec) high = (1.0 / 6 - x * (1.0 / 7)) + x2 * (1.0 / 8 - x * (1.0 / 9));
    return x - x2 * (low + x4 * (high + x4 * (1.0 / 10)));
}

/* The same up to 2^-11. */
TARGET static inline NAME(vec) NAME(log1p_tiny)(NAME(vec) x)
{
    NAME(vec) x2 = x * x;
    return x - x2 * ((1.0 / 2 - x * (1.0 / 3)) + x2 * (1.0 / 4 - x * (1.0 / 5)));
}

/* exp(x) - 1 by its series up to 2^-6. */
TARGET static inline NAME(vec) NAME(expm1_small)(NAME(vec) x)
{
    NAME(vec) x2 = x * x;
    NAME(vec) low = (1.0 / 2 + x * (1.0 / 6)) + x2 * (1.0 / 24 + x * (1.0 / 120));
    return x + x2 * (low + x2 * x2 * (1.0 / 720 + x * (1.0 / 5040)));
}

/* w, of which the distance from its fixed point at size -offset changes by a share; 0 at rest. */
TARGET static inline NAME(vec) NAME(moved)(NAME(vec) w, NAME(vec) share, double offset)
{
    NAME(vec) size = ABS(w) + share * (ABS(w) + offset);
    NAME(veci) sign = (NAME(veci))w & INT64_MIN, above = (NAME(veci))(size > 0.0);
    return (NAME(vec))(((NAME(veci))size | sign) & (above | (NAME(veci))(size != size)));
}

/* What `shrink` makes of w; past is set to those x that are out of range: no change. */
TARGET static inline NAME(vec) NAME(shrink_of)(NAME(vec) x, NAME(vec) n, NAME(vec) w,
                                               double offset, NAME(veci) *past)
{
    NAME(vec) log = n * NAME(log1p_tiny)(x);
    NAME(veci) short_steps = (NAME(veci))((ABS(x) <= 0x1p-11) & (ABS(log) <= 0x1p-6));
    if (!ANY(~short_steps)) {
        NAME(vec) share = NAME(expm1_small)(log);
        if (offset == 0.0)
            return w + w * share;
        return NAME(moved)(w, share, offset);
    }
    NAME(veci) moves = (NAME(veci))(w != 0.0), far = (NAME(veci))((x > 1.0) | (x < -0.25)) & moves;
    *past |= far;
    x = (NAME(vec))((NAME(veci))x & ~far & moves);
    log = n * (ANY((NAME(veci))(ABS(x) > 0x1p-6)) ? NAME(log1p_unit_of)(x) : NAME(log1p_small)(x));
    log = SELECT(log < -700.0, ALL(-700.0), log); /* NaN stays; nothing grows */
    NAME(veci) small = (NAME(veci))(ABS(log) <= 0x1p-6);
    NAME(vec) whole, part = 1.0 + NAME(expm1_reduced)(log, &whole);
    NAME(vec) factor = part * NAME(power_of_2)(whole);
    if (offset == 0.0)
        return w * factor;
    return NAME(moved)(w, SELECT(small, NAME(expm1_small)(log), factor - 1.0), offset);
}
#endif

TARGET static int NAME(shrink)(ptrdiff_t n, double unit, double offset, const double *sizes,
                               int32_t steps, const int32_t *since, double *w)
{
    ptrdiff_t j = 0;
#if LANES > 1
    const double way = unit < 0.0 ? 1.0 : -1.0;
    NAME(veci) past = {0};
    for (; j + LANES <= n; j += LANES) {
        NAME(vec) v = LOAD_d(w + j);
        NAME(counts) missed = steps - *(const NAME(counts) *)(since + j);
        NAME(vec) count = way * __builtin_convertvector(missed, NAME(vec));
        NAME(vec) x = unit * LOAD_d(sizes + j);
        *(NAME(vec) *)(w + j) = NAME(shrink_of)(x, count, v, offset, &past);
    }
    if (j < n) {
        NAME(vec) v = LOAD_REST_d(n - j, w + j); /* zeros, which no count moves */
        NAME(counts) missed = steps - *(const NAME(counts) *)(since + j);
        NAME(vec) count = way * __builtin_convertvector(missed, NAME(vec));
        NAME(vec) x = unit * LOAD_REST_d(n - j, sizes + j);
        STORE_REST(n - j, w + j, NAME(shrink_of)(x, count, v, offset, &past));
    }
    return ANY(past);
#else
    int past = 0;
    for (; j < n; j++) {
        double x = unit * sizes[j], log = (steps - since[j]) * log1p(x);
        if (!(x <= 1.0 && x >= -0.25)) {
            past |= w[j] != 0.0;
            continue;
        }
        log = unit < 0.0 ? log : -log;
        if (offset == 0.0) {
            w[j] *= exp(log);
            continue;
        }
        double size = fabs(w[j]) + expm1(log) * (fabs(w[j]) + offset);
        w[j] = size <= 0.0 ? 0.0 : copysign(size, w[j]);
    }
    return past;
#endif
}

#undef ADAM_LANES
#undef DEFINE_ADAM
