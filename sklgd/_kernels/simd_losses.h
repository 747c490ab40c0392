/* Losses that need exponentials or divisions, and their slopes, for one instruction set; included by
 * simd_impl.h.  Each formula is that of the loss's class in `sklgd.losses`, once, for a vector of
 * entries; comparisons are such that NaN comes through.
 */

/* y (exp(d) - 1) and y (exp(d) - 1 - d) with d = r - log(y); both exp(r) where y is zero.  Where y
 * is so tiny that exp(d) may be infinite and exp(r) is not, from that. */
TARGET static inline void NAME(poisson_of)(const double *params, NAME(vec) y, NAME(vec) raw,
                                           NAME(vec) *value, NAME(vec) *grad)
{
    (void)params;
    NAME(vec) d = raw - NAME(log_of)(SELECT(y > 0.0, y, ALL(1.0)));
    NAME(vec) over, mean = NAME(exp_and_less)(d, &over), above = over - d;
    *value = SELECT(y > 0.0, y * SELECT(above < 0.0, ALL(0.0), above), mean);
    *grad = SELECT(y > 0.0, y * over, mean);
    if (ANY(d > 600.0)) {
        mean = NAME(exp_of)(raw);
        *value = SELECT((y > 0.0) & (d > 600.0), mean - y * (d + 1.0), *value);
        *grad = SELECT((y > 0.0) & (d > 600.0), mean - y, *grad);
    }
}

/* 1 - exp(d) and exp(d) - 1 - d with d = log(y) - r. */
TARGET static inline void NAME(gamma_of)(const double *params, NAME(vec) y, NAME(vec) raw,
                                         NAME(vec) *value, NAME(vec) *grad)
{
    (void)params;
    NAME(vec) d = NAME(log_of)(SELECT(y > 0.0, y, ALL(1.0))) - raw; /* the tail's y are zero */
    NAME(vec) over = NAME(expm1_of)(d), above = over - d;
    *value = SELECT(above < 0.0, ALL(0.0), above);
    *grad = -over;
}

/* With p = params[0] y + params[1], (1 - p) sigmoid(r) - p sigmoid(-r) as one quotient, and the
 * entropy. */
TARGET static inline void NAME(logistic_of)(const double *params, NAME(vec) y, NAME(vec) raw,
                                            NAME(vec) *value, NAME(vec) *grad)
{
    NAME(vec) own = params[0] * y + params[1], other = 1.0 - own, e = NAME(exp_of)(-ABS(raw));
    NAME(vec) up = SELECT(raw > 0.0, ALL(1.0), e), down = SELECT(raw > 0.0, e, ALL(1.0));
    *grad = (other * up - own * down) / (1.0 + e);
    *value = NAME(log1p_unit_of)(e) + ABS(raw) * SELECT(raw > 0.0, other, own);
}

/* tanh(r - y) and log(cosh(r - y)), from one exponential. */
TARGET static inline void NAME(log_cosh_of)(const double *params, NAME(vec) y, NAME(vec) raw,
                                            NAME(vec) *value, NAME(vec) *grad)
{
    (void)params;
    NAME(vec) r = raw - y, far = ABS(r), fall = -NAME(expm1_of)(-far), rest = 1.0 - fall;
    NAME(vec) square = rest * rest;
    NAME(vec) inner = SELECT(far < 1.0, 0.5 * fall * fall / rest, square);
    NAME(vec) outer = SELECT(far < 1.0, ALL(0.0), far - 0x1.62e42fefa39efp-1);
    *value = NAME(log1p_unit_of)(inner) + outer;
    *grad = WITH_SIGN(fall * (2.0 - fall) / (1.0 + square), r);
}

/* (x + width)^2 / (4 width) within width of zero, 0 below and x above; and its slope. */
TARGET static inline NAME(vec) NAME(ramp_of)(NAME(vec) x, double width, NAME(vec) *slope)
{
    NAME(vec) above = SELECT(x + width < 0.0, ALL(0.0), x + width);
    NAME(vec) bent = SELECT(above > 2.0 * width, ALL(2.0 * width), above);
    *slope = bent / (2.0 * width);
    return *slope * (above - 0.5 * bent);
}

/* params = {under, over, epsilon, width}: the straight lines beyond epsilon, rounded off by width. */
TARGET static inline void NAME(rounded_of)(const double *params, NAME(vec) y, NAME(vec) raw,
                                           NAME(vec) *value, NAME(vec) *grad)
{
    NAME(vec) r = raw - y, up, down;
    NAME(vec) high = NAME(ramp_of)(r - params[2], params[3], &up);
    NAME(vec) low = NAME(ramp_of)(-r - params[2], params[3], &down);
    *value = params[1] * high + params[0] * low;
    *grad = params[1] * up - params[0] * down;
}

#define DEFINE_LOSS(f)                                                                    \
    TARGET static void NAME(f)(ptrdiff_t n, const double *params, const double *y,        \
                               const double *raw, double *value, double *grad)            \
    {                                                                                     \
        NAME(vec) v, g;                                                                   \
        ptrdiff_t j = 0;                                                                  \
        for (; j + LANES <= n; j += LANES) {                                              \
            NAME(f##_of)(params, LOAD_d(y + j), LOAD_d(raw + j), &v, &g);                 \
            *(NAME(vec) *)(value + j) = v;                                                \
            *(NAME(vec) *)(grad + j) = g;                                                 \
        }                                                                                 \
        if (j < n) {                                                                      \
            NAME(vec) end = LOAD_REST_d(n - j, raw + j);                                  \
            NAME(f##_of)(params, LOAD_REST_d(n - j, y + j), end, &v, &g);                 \
            STORE_REST(n - j, value + j, v);                                              \
            STORE_REST(n - j, grad + j, g);                                               \
        }                                                                                 \
    }
DEFINE_LOSS(poisson)
DEFINE_LOSS(gamma)
DEFINE_LOSS(logistic)
DEFINE_LOSS(log_cosh)
DEFINE_LOSS(rounded)

/* sigmoid(r) sigmoid(-r) */
TARGET static inline NAME(vec) NAME(sigmoid_slope_of)(NAME(vec) raw)
{
    NAME(vec) e = NAME(exp_of)(-ABS(raw));
    return e / ((1.0 + e) * (1.0 + e));
}
DEFINE_MAP(sigmoid_slope)

#undef DEFINE_MAP
#undef DEFINE_LOSS
