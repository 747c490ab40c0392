/* The functions of network.h for one instruction set and one type; included by network.c with
 *   NAME(f)  the function's name,  REAL,  TARGET,  VECTOR_BYTES, WIDE,
 *   LOAD_SOME, STORE_SOME  for product.h.
 */
#include "product.h"

#define SIMD_LOOP _Pragma("omp simd") for (ptrdiff_t j = 0; j < n; j++)
#define CHUNK 256

/* out = exp(sign * x), in chunks through double where REAL is float */
TARGET static inline void NAME(exp)(ptrdiff_t n, const REAL *x, REAL sign, REAL *out)
{
    double part[CHUNK];
    for (ptrdiff_t start = 0; start < n; start += CHUNK) {
        ptrdiff_t size = n - start < CHUNK ? n - start : CHUNK;
        for (ptrdiff_t j = 0; j < size; j++)
            part[j] = sign * x[start + j];
        simd.exp(size, part, part);
        for (ptrdiff_t j = 0; j < size; j++)
            out[start + j] = (REAL)part[j];
    }
}

/* x = log(1 + x) for 0 <= x <= 1 and up to CHUNK entries */
TARGET static inline void NAME(log1p_unit)(ptrdiff_t n, REAL *x)
{
    double part[CHUNK];
    for (ptrdiff_t j = 0; j < n; j++)
        part[j] = x[j];
    simd.log1p_unit(n, part, part);
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = (REAL)part[j];
}

/* The probability that a standard normal number is beyond |z|, erfc(x) / 2 with x = |z| / sqrt 2,
 * of up to CHUNK entries.
 *
 * log(erfc(x) exp(x^2) / t) is smooth in t = 1 / (1 + x / 2), which runs from 1 to 0: the numbers
 * are its expansion in Chebyshev polynomials of s = 2 t - 1, made in 60 digits, written in powers.
 * The relative error is 1e-15 near 0 and 1e-14 at 6 (tests/test_mlp.py).
 */
TARGET static inline void NAME(normal_tail)(ptrdiff_t n, const REAL *z, REAL *tail)
{
    double share[CHUNK], part[CHUNK];
#define FOUR(a, b, c, d) (((a) + (b) * s) + s2 * ((c) + (d) * s))
    for (ptrdiff_t j = 0; j < n; j++)
        part[j] = M_SQRT1_2_ * fabs((double)z[j]);
    SIMD_LOOP
    {
        double x = part[j], t = 1 / (1 + 0.5 * x);
        double s = 2 * t - 1, s2 = s * s, s4 = s2 * s2;
        double low = FOUR(-0.6717940840566922, 0.6726432239776583,
                          0.047343306841863525, -0.04689561023132892) +
                     s4 * FOUR(-0.009872689364099222, 0.008824938561312326,
                               0.0017589335074028032, -0.002345812552995894);
        double mid = FOUR(-0.00014624628742128406, 0.0006736791352568863,
                          -9.373894767667291e-05, -0.00017430412986925933) +
                     s4 * FOUR(7.141810433422286e-05, 3.174693542327221e-05,
                               -3.0237840540070985e-05, 1.3989370477637249e-07);
        double high = FOUR(8.662535397474896e-06, -2.963484230960007e-06,
                           -1.4094459914328244e-06, 1.2833949153564257e-06) +
                      s4 * FOUR(-4.146853754712776e-08, -2.8956265674364734e-07,
                                7.745572408778092e-08, 2.9805133645168916e-08);
        high += s4 * s4 * -1.2776086555002735e-08;
        share[j] = 0.5 * t;
        part[j] = low + s4 * s4 * (mid + s4 * s4 * high) - x * x;
    }
#undef FOUR
    simd.exp(n, part, part);
    for (ptrdiff_t j = 0; j < n; j++)
        tail[j] = (REAL)(share[j] * part[j]);
}

/* a = activation(z); a may be z but for gelu and silu, whose derivatives ask for z */
TARGET static void NAME(activate)(int code, ptrdiff_t n, const REAL *z, REAL *a)
{
    REAL part[CHUNK];
    switch (code) {
    case RELU:
        SIMD_LOOP a[j] = z[j] > 0 ? z[j] : 0;
        return;
    case LEAKY_RELU:
        SIMD_LOOP a[j] = z[j] > 0 ? z[j] : (REAL)LEAK * z[j];
        return;
    case IDENTITY:
        SIMD_LOOP a[j] = z[j];
        return;
    }
    for (; n > 0; n -= CHUNK, z += CHUNK, a += CHUNK) {
        ptrdiff_t size = n < CHUNK ? n : CHUNK;
        switch (code) {
        case GELU:
            NAME(normal_tail)(size, z, part);
            for (ptrdiff_t j = 0; j < size; j++)
                a[j] = z[j] * (z[j] > 0 ? 1 - part[j] : part[j]);
            break;
        case LOGISTIC:
            NAME(exp)(size, z, -1, part);
            for (ptrdiff_t j = 0; j < size; j++)
                a[j] = 1 / (1 + part[j]);
            break;
        case SILU:
            NAME(exp)(size, z, -1, part);
            for (ptrdiff_t j = 0; j < size; j++)
                a[j] = z[j] / (1 + part[j]);
            break;
        case TANH:
            NAME(exp)(size, z, -2, part);
            for (ptrdiff_t j = 0; j < size; j++)
                a[j] = 2 / (1 + part[j]) - 1;
            break;
        case SOFTPLUS:
            for (ptrdiff_t j = 0; j < size; j++)
                part[j] = z[j] > 0 ? z[j] : -z[j];
            NAME(exp)(size, part, -1, part);
            NAME(log1p_unit)(size, part);
            for (ptrdiff_t j = 0; j < size; j++)
                a[j] = (z[j] > 0 ? z[j] : 0) + part[j];
            break;
        case ELU:
            NAME(exp)(size, z, 1, part);
            for (ptrdiff_t j = 0; j < size; j++)
                a[j] = z[j] > 0 ? z[j] : part[j] - 1;
            break;
        }
    }
}

/* d *= activation'(z), where a = activation(z) */
TARGET static void NAME(differentiate)(int code, ptrdiff_t n, const REAL *z, const REAL *a,
                                       REAL *d)
{
    REAL part[CHUNK];
    switch (code) {
    case IDENTITY:
        return;
    case RELU:
        SIMD_LOOP d[j] = a[j] > 0 ? d[j] : 0;
        return;
    case LEAKY_RELU:
        SIMD_LOOP d[j] = a[j] > 0 ? d[j] : (REAL)LEAK * d[j];
        return;
    case LOGISTIC:
        SIMD_LOOP d[j] *= a[j] * (1 - a[j]);
        return;
    case TANH:
        SIMD_LOOP d[j] *= (1 - a[j]) * (1 + a[j]);
        return;
    case ELU:
        SIMD_LOOP d[j] *= a[j] > 0 ? 1 : a[j] + 1;
        return;
    }
    for (; n > 0; n -= CHUNK, z += CHUNK, a += CHUNK, d += CHUNK) {
        ptrdiff_t size = n < CHUNK ? n : CHUNK;
        if (code == GELU) { /* a = z P(z), so that a / z is the distribution function */
            for (ptrdiff_t j = 0; j < size; j++)
                part[j] = z[j] * z[j];
            NAME(exp)(size, part, (REAL)-0.5, part);
            for (ptrdiff_t j = 0; j < size; j++) {
                REAL zero = z[j] == 0 ? 1 : 0; /* where the distribution function is a half */
                d[j] *= a[j] / (z[j] + zero) + (REAL)0.5 * zero +
                        z[j] * (REAL)INV_SQRT_2PI * part[j];
            }
        } else if (code == SILU) {
            NAME(exp)(size, z, -1, part);
            for (ptrdiff_t j = 0; j < size; j++) {
                REAL s = 1 / (1 + part[j]);
                d[j] *= s + a[j] * (1 - s);
            }
        } else { /* softplus: a = log(1 + e^z), so that e^z / (1 + e^z) = 1 - e^-a */
            NAME(exp)(size, a, -1, part);
            for (ptrdiff_t j = 0; j < size; j++)
                d[j] *= 1 - part[j];
        }
    }
}

TARGET static void NAME(add_row)(ptrdiff_t rows, ptrdiff_t n, const REAL *row, REAL *z)
{
    for (ptrdiff_t i = 0; i < rows; i++, z += n)
        SIMD_LOOP z[j] += row[j];
}

/* sum[j] += sum_i d[i, j] */
TARGET static void NAME(sum_rows)(ptrdiff_t rows, ptrdiff_t n, const REAL *d, REAL *sum)
{
    for (ptrdiff_t i = 0; i < rows; i++, d += n)
        SIMD_LOOP sum[j] += d[j];
}

/* The normalized numbers hat of z, and what they were divided by, inverse, in `scale`; then z
 * becomes gain * hat + shift.  A step t > 0 takes the batch's own moments, moves the kept ones. */
TARGET static void NAME(batch_norm)(ptrdiff_t rows, ptrdiff_t n, REAL *z, REAL *hat, REAL *scale,
                                    const REAL *gain, double *kept, int64_t t)
{
    for (ptrdiff_t j = 0; j < n; j++) {
        double mean = kept[j], var = kept[n + j];
        if (t > 0) {
            double sum = 0.0, square = 0.0;
            for (ptrdiff_t i = 0; i < rows; i++)
                sum += z[i * n + j];
            mean = sum / rows;
            for (ptrdiff_t i = 0; i < rows; i++)
                square += (z[i * n + j] - mean) * (z[i * n + j] - mean);
            var = square / rows;
            kept[j] += NORM_RATE * (mean - kept[j]);
            if (rows > 1)
                kept[n + j] += NORM_RATE * (square / (rows - 1) - kept[n + j]);
        }
        scale[j] = (REAL)(1.0 / sqrt(var + NORM_EPSILON));
        for (ptrdiff_t i = 0; i < rows; i++) {
            hat[i * n + j] = (z[i * n + j] - (REAL)mean) * scale[j];
            z[i * n + j] = gain[j] * hat[i * n + j] + gain[n + j];
        }
    }
}

TARGET static void NAME(layer_norm)(ptrdiff_t rows, ptrdiff_t n, REAL *z, REAL *hat, REAL *scale,
                                    const REAL *gain)
{
    for (ptrdiff_t i = 0; i < rows; i++, z += n, hat += n) {
        double mean = 0.0, var = 0.0;
        _Pragma("omp simd reduction(+ : mean)") for (ptrdiff_t j = 0; j < n; j++) mean += z[j];
        mean /= n;
        _Pragma("omp simd reduction(+ : var)") for (ptrdiff_t j = 0; j < n; j++)
            var += (z[j] - mean) * (z[j] - mean);
        scale[i] = (REAL)(1.0 / sqrt(var / n + NORM_EPSILON));
        SIMD_LOOP hat[j] = (z[j] - (REAL)mean) * scale[i];
        SIMD_LOOP z[j] = gain[j] * hat[j] + gain[n + j];
    }
}

/* d, the derivative by what the normalization returned, becomes that by what it got. */
TARGET static void NAME(norm_back)(int kind, ptrdiff_t rows, ptrdiff_t n, REAL *d, const REAL *hat,
                                   const REAL *scale, const REAL *gain, int64_t t, REAL *grad)
{
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < n; j++) {
            grad[j] += d[i * n + j] * hat[i * n + j];
            grad[n + j] += d[i * n + j];
        }
    /* of the numbers that were normalized together, lines of `length` entries `stride` apart */
    ptrdiff_t lines = kind == BATCH_NORM ? n : rows, length = kind == BATCH_NORM ? rows : n;
    ptrdiff_t stride = kind == BATCH_NORM ? n : 1, next = kind == BATCH_NORM ? 1 : n;
    for (ptrdiff_t l = 0; l < lines; l++, d += next, hat += next) {
        double mean = 0.0, along = 0.0;
        for (ptrdiff_t e = 0; e < length; e++) {
            d[e * stride] *= gain[kind == BATCH_NORM ? l : e];
            mean += d[e * stride];
            along += d[e * stride] * hat[e * stride];
        }
        if (kind == BATCH_NORM && t == 0) /* the moments were constants */
            mean = along = 0.0;
        mean /= length, along /= length;
        for (ptrdiff_t e = 0; e < length; e++)
            d[e * stride] = (REAL)(scale[l] * (d[e * stride] - mean - hat[e * stride] * along));
    }
}

/* Entries are dropped where a hash of their number lies below the rate, others grow to make up. */
TARGET static void NAME(drop)(ptrdiff_t n, double rate, uint64_t key, const REAL *a, REAL *mask,
                              REAL *out)
{
    const uint64_t limit = (uint64_t)(rate * 0x1p53);
    const REAL up = (REAL)(1.0 / (1.0 - rate));
    for (ptrdiff_t j = 0; j < n; j++) {
        mask[j] = mixed(key + (uint64_t)j) >> 11 < limit ? 0 : up;
        out[j] = mask[j] * a[j];
    }
}

TARGET static void NAME(forward)(const Network *net, ptrdiff_t n, const void *const *rows,
                                 const void *params, void *memory, double *kept, uint64_t seed,
                                 int64_t t, double *raw)
{
    REAL *work = memory, *scales = work + n * net->row;
    const REAL *values = params, *input = NULL;
    const ptrdiff_t last = net->n_layers - 1;
    for (ptrdiff_t l = 0; l <= last; l++) {
        const ptrdiff_t from = net->size[l], to = net->size[l + 1];
        REAL *z = l < last ? work + n * net->z[l] : scales + last * (net->widest + n);
        if (l > 0)
            NAME(product)(n, to, from, input, from, 1, values + net->weights[l], z, 0);
        else if (rows)
            NAME(rows_product)(n, to, from, rows, values + net->weights[l], z);
        if (net->bias[l] >= 0)
            NAME(add_row)(n, to, values + net->bias[l], z);
        if (l == last) {
            for (ptrdiff_t i = 0; i < n * to; i++)
                raw[i] = z[i];
            break;
        }
        REAL *a = work + n * net->a[l], *out = work + n * net->out[l];
        REAL *hat = work + n * net->hat[l], *scale = scales + l * (net->widest + n);
        if (net->normalization == BATCH_NORM)
            NAME(batch_norm)(n, to, z, hat, scale, values + net->gain[l], kept + net->kept[l], t);
        else if (net->normalization == LAYER_NORM)
            NAME(layer_norm)(n, to, z, hat, scale, values + net->gain[l]);
        NAME(activate)(net->activation[l], n * to, z, a);
        input = a;
        if (net->dropout[l] > 0.0 && t > 0) {
            uint64_t key = mixed(mixed(seed + (uint64_t)t) + (uint64_t)l);
            NAME(drop)(n * to, net->dropout[l], key, a, work + n * net->mask[l], out);
            input = out;
        }
    }
    if (net->out_scale) {
        const ptrdiff_t k = net->size[last + 1];
        for (ptrdiff_t i = 0; i < n; i++)
            for (ptrdiff_t c = 0; c < k; c++)
                raw[i * k + c] = net->out_shift[c] + net->out_scale[c] * raw[i * k + c];
    }
}

TARGET static const void *NAME(backward)(const Network *net, ptrdiff_t n,
                                         const void *const *rows, const void *params,
                                         void *memory, int64_t t, const double *draw,
                                         void *gradient, int add)
{
    REAL *work = memory, *scales = work + n * net->row, *grad = gradient;
    const REAL *values = params;
    const ptrdiff_t last = net->n_layers - 1;
    REAL *d = scales + last * (net->widest + n), *before = d + n * net->widest;
    REAL *turned = before + n * net->widest, *swap;
    if (!add) /* weights are written, what else there is added up */
        for (ptrdiff_t j = net->n_weights; j < net->n_params; j++)
            grad[j] = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t k = net->size[last + 1], c = 0; c < k; c++)
            d[i * k + c] = (REAL)(net->out_scale ? net->out_scale[c] * draw[i * k + c]
                                                 : draw[i * k + c]);
    for (ptrdiff_t l = last; l >= 0; l--) {
        const ptrdiff_t from = net->size[l], to = net->size[l + 1];
        const int dropped = l > 0 && net->dropout[l - 1] > 0.0 && t > 0;
        if (net->bias[l] >= 0)
            NAME(sum_rows)(n, to, d, grad + net->bias[l]);
        if (l == 0) {
            if (rows)
                NAME(turned_product)(from, to, n, rows, d, grad + net->weights[l], add);
            break;
        }
        const REAL *input = work + n * (dropped ? net->out[l - 1] : net->a[l - 1]);
        NAME(product)(from, to, n, input, 1, from, d, grad + net->weights[l], add);
        NAME(transpose)(from, to, values + net->weights[l], turned);
        NAME(product)(n, from, to, d, to, 1, turned, before, 0);
        swap = d, d = before, before = swap;
        if (dropped) {
            const REAL *mask = work + n * net->mask[l - 1];
            for (ptrdiff_t j = 0; j < n * from; j++)
                d[j] *= mask[j];
        }
        NAME(differentiate)(net->activation[l - 1], n * from, work + n * net->z[l - 1],
                            work + n * net->a[l - 1], d);
        if (net->normalization)
            NAME(norm_back)(net->normalization, n, from, d, work + n * net->hat[l - 1],
                            scales + (l - 1) * (net->widest + n), values + net->gain[l - 1], t,
                            grad + net->gain[l - 1]);
    }
    return d;
}

static const network_table NAME(table) = {NAME(forward), NAME(backward)};

#undef SIMD_LOOP
#undef CHUNK
#undef NAME
#undef REAL
#undef TARGET
#undef VECTOR_BYTES
#undef WIDE
#undef LOAD_SOME
#undef STORE_SOME
