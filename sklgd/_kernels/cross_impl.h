/* The functions of cross.h for one pair of types; included by cross.c with
 *   NAME(f)  the function's name for these types and instructions,  REAL,  INDEX  and  TARGET,
 *   or DENSE in INDEX's place.
 */
#ifdef DENSE
#define AT(j) (j)
#else
#define AT(j) ((const INDEX *)indices)[j]
#endif

TARGET static double NAME(dot)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t f,
                               ptrdiff_t p, const double *v, double *sums)
{
    const REAL *x = data;
    double total = 0.0;
    (void)indices;
    for (ptrdiff_t e = 0; e < f; e++, v += p) {
        double sum = 0.0, pairs = 0.0;
#ifdef DENSE
        double squares = 0.0;
        _Pragma("omp simd reduction(+ : sum, squares)") for (ptrdiff_t j = 0; j < size; j++)
        {
            double a = (double)x[j] * v[j];
            sum += a;
            squares += a * a;
        }
        pairs = 0.5 * (sum * sum - squares);
#else
        /* each entry with those before it: nothing cancels where entries are few */
        for (ptrdiff_t j = 0; j < size; j++) {
            double a = (double)x[j] * v[AT(j)];
            pairs += a * sum;
            sum += a;
        }
#endif
        sums[e] = sum;
        total += pairs;
    }
    return total;
}

TARGET static void NAME(tdot)(const void *data, const void *indices, ptrdiff_t size, ptrdiff_t f,
                              ptrdiff_t p, double draw, const double *sums, const double *v,
                              double *grad)
{
    const REAL *x = data;
    (void)indices;
    if (draw == 0.0)
        return;
    for (ptrdiff_t e = 0; e < f; e++, v += p, grad += p) {
        const double sum = sums[e];
#ifdef DENSE
        _Pragma("omp simd")
#endif
        for (ptrdiff_t j = 0; j < size; j++)
            grad[AT(j)] += draw * (double)x[j] * (sum - (double)x[j] * v[AT(j)]);
    }
}

#undef NAME
#undef REAL
#undef INDEX
#undef TARGET
#undef AT
#undef DENSE
