/* exp, exp(x) - 1, log and log(1 + x), 0 <= x <= 1, of arrays for one instruction set; included by
 * simd_impl.h.
 *
 * Each is a Taylor series after a reduction of the argument, within 2 units in the last place of
 * the true value (tests/test_simd.py); out may be x.  Where a vector is one double they are those
 * of the C library.
 */
#if LANES > 1
typedef int64_t NAME(veci) __attribute__((vector_size(8 * LANES), may_alias));

#define ALL(number) ((NAME(vec)){0} + (number))
#define SELECT(mask, a, b)                                                                \
    ((NAME(vec))(((mask) & (NAME(veci))(a)) | (~(mask) & (NAME(veci))(b))))
#define ABS(x) ((NAME(vec))((NAME(veci))(x) & INT64_MAX))
#define WITH_SIGN(x, y) ((NAME(vec))((NAME(veci))(x) | ((NAME(veci))(y) & INT64_MIN)))

/* 2^n for whole numbers -1022 <= n <= 1023: adding 1.5 * 2^52 leaves n in the low bits. */
TARGET static inline NAME(vec) NAME(power_of_2)(NAME(vec) n)
{
    return (NAME(vec))(((NAME(veci))(n + 0x1.8p52) + 1023) << 52);
}

/* n = round(x / log 2), r = x - n log 2 with |r| < 0.35, exp(x) = 2^n exp(r): exp(r) - 1. */
TARGET static inline NAME(vec) NAME(expm1_reduced)(NAME(vec) x, NAME(vec) *whole)
{
    NAME(vec) n = *whole = (x * 0x1.71547652b82fep+0 + 0x1.8p52) - 0x1.8p52;
    /* log 2 as a sum of which the first part times n is exact */
    NAME(vec) r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
    NAME(vec) r2 = r * r, r4 = r2 * r2;
    NAME(vec) low = (1.0 / 2 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120));
    NAME(vec) mid = (1.0 / 720 + r * (1.0 / 5040)) + r2 * (1.0 / 40320 + r * (1.0 / 362880));
    NAME(vec) high = (1.0 / 3628800 + r * (1.0 / 39916800)) +
                     r2 * (1.0 / 479001600 + r * (1.0 / 6227020800));
    return r + r2 * (low + r4 * (mid + r4 * high));
}

/* exp(x), and exp(x) - 1 as well.  With n the sum of two whole numbers about as large, a and b,
 * these are 2^a exp(r) 2^b, subnormal and infinite ones too, and
 * (2^a (exp(r) - 1) + (2^a - 2^-b)) 2^b: nothing cancels or overflows on the way. */
TARGET static inline NAME(vec) NAME(exp_and_less)(NAME(vec) x, NAME(vec) *less)
{
    x = SELECT(x > 710.0, ALL(710.0), x); /* NaN stays */
    x = SELECT(x < -746.0, ALL(-746.0), x);
    NAME(vec) n, part = NAME(expm1_reduced)(x, &n), b = (n * 0.5 + 0x1.8p52) - 0x1.8p52;
    NAME(vec) first = NAME(power_of_2)(n - b), second = NAME(power_of_2)(b);
    *less = (first * part + (first - NAME(power_of_2)(-b))) * second;
    return (1.0 + part) * first * second;
}

TARGET static inline NAME(vec) NAME(exp_of)(NAME(vec) x)
{
    NAME(vec) less;
    return NAME(exp_and_less)(x, &less);
}

TARGET static inline NAME(vec) NAME(expm1_of)(NAME(vec) x)
{
    NAME(vec) less;
    NAME(exp_and_less)(x, &less);
    return less;
}

/* 2 artanh(s) for |s| < 0.172. */
TARGET static inline NAME(vec) NAME(artanh_series)(NAME(vec) s)
{
    NAME(vec) z = s * s, z2 = z * z, z4 = z2 * z2;
    NAME(vec) low = (1.0 / 3 + z * (1.0 / 5)) + z2 * (1.0 / 7 + z * (1.0 / 9));
    NAME(vec) mid = (1.0 / 11 + z * (1.0 / 13)) + z2 * (1.0 / 15 + z * (1.0 / 17));
    NAME(vec) high = (1.0 / 19 + z * (1.0 / 21)) + z2 * (1.0 / 23);
    return 2.0 * s + 2.0 * s * z * (low + z4 * (mid + z4 * high));
}

/* log(1 + x) = 2 artanh(s) with s = x / (2 + x); above 0.41, log 2 + log((1 + x) / 2) likewise. */
TARGET static inline NAME(vec) NAME(log1p_unit_of)(NAME(vec) x)
{
    NAME(veci) big = x > 0.4142135623730951;
    NAME(vec) s = SELECT(big, x - 1.0, x) / SELECT(big, x + 3.0, x + 2.0);
    return SELECT(big, ALL(0x1.62e42fefa39efp-1), ALL(0.0)) + NAME(artanh_series)(s);
}

/* x = 2^n m with m from sqrt(1/2) to sqrt(2): n log 2 + 2 artanh((m - 1) / (m + 1)). */
TARGET static inline NAME(vec) NAME(log_of)(NAME(vec) x)
{
    NAME(veci) plain = (x >= 0x1p-1022) & (x <= 0x1.fffffffffffffp1023);
    NAME(vec) inner = SELECT(plain, x, ALL(1.0));
    /* adding the gap between sqrt(1/2) and 1 carries into the exponent from sqrt(2) on */
    NAME(veci) bits = (NAME(veci))inner + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
    NAME(veci) whole = (bits >> 52) - 1023;
    NAME(vec) m = (NAME(vec))((NAME(veci))inner - (whole << 52));
    NAME(vec) n = (NAME(vec))(whole + 0x4338000000000000) - 0x1.8p52;
    NAME(vec) s = (m - 1.0) / (m + 1.0);
    NAME(vec) series = NAME(artanh_series)(s);
    NAME(vec) found = n * 0x1.62e42feep-1 + (series + n * 0x1.a39ef35793c76p-33);
    /* zero, subnormal, infinite and negative numbers and NaN: rare */
    if (ANY(~plain))
        for (int l = 0; l < LANES; l++)
            if (!plain[l]) found[l] = log(x[l]);
    return found;
}

#else
#define ALL(number) (number)
#define ANY(mask) (mask)
#define SELECT(mask, a, b) ((mask) ? (a) : (b))
#define ABS(x) fabs(x)
#define WITH_SIGN(x, y) copysign((x), (y))

static inline double NAME(exp_of)(double x) { return exp(x); }
static inline double NAME(expm1_of)(double x) { return expm1(x); }
static inline double NAME(exp_and_less)(double x, double *less)
{
    *less = expm1(x);
    return exp(x);
}
static inline double NAME(log_of)(double x) { return log(x); }
static inline double NAME(log1p_unit_of)(double x) { return log1p(x); }
#endif

#define DEFINE_MAP(f)                                                                     \
    TARGET static void NAME(f)(ptrdiff_t n, const double *x, double *out)                 \
    {                                                                                     \
        ptrdiff_t j = 0;                                                                  \
        for (; j + LANES <= n; j += LANES)                                                \
            *(NAME(vec) *)(out + j) = NAME(f##_of)(LOAD_d(x + j));                        \
        if (j < n)                                                                        \
            STORE_REST(n - j, out + j, NAME(f##_of)(LOAD_REST_d(n - j, x + j)));          \
    }
DEFINE_MAP(exp)
DEFINE_MAP(log)
DEFINE_MAP(log1p_unit)
