/* The Gram matrix for one instruction set.  Included by gram.c with
 *   NAME(f)  the function's name in this build,  TARGET  its attribute,  LANES  doubles in a vector.
 * A tile of LANES rows and up to three vectors of columns stays in registers while it goes
 * through the rows: every number that is loaded serves many multiply-adds.
 */
typedef double NAME(vec) __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

#define LOAD(p) (*(const NAME(vec) *)(p))
#define STORE(p, v) (*(NAME(vec) *)(p) = LOAD(p) + (v))

#if LANES == 8
#define EACH_ROW(DO, nv) \
    DO(0, nv) DO(1, nv) DO(2, nv) DO(3, nv) DO(4, nv) DO(5, nv) DO(6, nv) DO(7, nv)
#else
#define EACH_ROW(DO, nv) DO(0, nv) DO(1, nv) DO(2, nv) DO(3, nv)
#endif

#define SUMS(r, nv) NAME(vec) s##r##0 = {0}, s##r##1 = {0}, s##r##2 = {0};
#define ADD(r, nv)                    \
    s##r##0 += a[r] * b0;             \
    if (nv > 1) s##r##1 += a[r] * b1; \
    if (nv > 2) s##r##2 += a[r] * b2;
#define WRITE(r, nv)                                     \
    STORE(h + r * stride, s##r##0);                           \
    if (nv > 1) STORE(h + r * stride + LANES, s##r##1);       \
    if (nv > 2) STORE(h + r * stride + 2 * LANES, s##r##2);

#define DEFINE_TILE(nv)                                                                     \
    TARGET static void NAME(tile##nv)(ptrdiff_t n, ptrdiff_t stride, const double *a,      \
                                      const double *b, double *h)                           \
    {                                                                                       \
        EACH_ROW(SUMS, nv)                                                                  \
        for (ptrdiff_t i = 0; i < n; i++, a += stride, b += stride) {                       \
            NAME(vec) b0 = LOAD(b), b1 = b0, b2 = b0;                                       \
            if (nv > 1) b1 = LOAD(b + LANES);                                               \
            if (nv > 2) b2 = LOAD(b + 2 * LANES);                                           \
            EACH_ROW(ADD, nv)                                                               \
        }                                                                                   \
        EACH_ROW(WRITE, nv)                                                                 \
    }

DEFINE_TILE(1)
DEFINE_TILE(2)
DEFINE_TILE(3)

static void NAME(gram)(ptrdiff_t n, ptrdiff_t q, ptrdiff_t stride, const double *a,
                       const double *b, double *h)
{
    for (ptrdiff_t j = 0; j < q; j += LANES) {
        ptrdiff_t l = j;
        double *to = h + j * stride;
        for (; l + 3 * LANES <= q; l += 3 * LANES)
            NAME(tile3)(n, stride, a + j, b + l, to + l);
        if (l + 2 * LANES <= q)
            NAME(tile2)(n, stride, a + j, b + l, to + l);
        else if (l < q)
            NAME(tile1)(n, stride, a + j, b + l, to + l);
    }
}

#undef LOAD
#undef STORE
#undef EACH_ROW
#undef SUMS
#undef ADD
#undef WRITE
#undef DEFINE_TILE
#undef NAME
#undef TARGET
#undef LANES
