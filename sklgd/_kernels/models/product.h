/* Matrix products for one instruction set and one type; included by network_impl.h.
 *
 * No packing: the matrices of small networks fit into the caches as they are.  A tile of ROWS x
 * (WIDE vectors) of the result stays in registers; the last columns are read and written under
 * a mask.  Products with a BLAS would pay for its threads and its packing at every layer.
 */
#ifdef VECTOR_BYTES
#define LANES ((ptrdiff_t)(VECTOR_BYTES / sizeof(REAL)))
typedef REAL NAME(vec) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));

/* The first n < LANES entries, and zeros. */
TARGET static inline NAME(vec) NAME(load_some)(const REAL *x, ptrdiff_t n)
{
    NAME(vec) v = {0};
    LOAD_SOME(v, x, n);
    return v;
}

TARGET static inline void NAME(store_some)(REAL *x, ptrdiff_t n, NAME(vec) v)
{
    STORE_SOME(v, x, n);
}

#define TILE(R, W) TILE_(R, W)
#define TILE_(R, W)                                                                       \
    TARGET static inline void NAME(tile_##R##_##W)(                                       \
        ptrdiff_t n, ptrdiff_t k, const REAL *a, ptrdiff_t rows, ptrdiff_t columns,       \
        const REAL *b, REAL *c, int add)                                                  \
    {                                                                                     \
        NAME(vec) sum[R][W];                                                              \
        UNROLL for (int i = 0; i < R; i++)                                                \
            UNROLL for (int j = 0; j < W; j++)                                            \
                sum[i][j] = (NAME(vec)){0};                                               \
        for (ptrdiff_t p = 0; p < k; p++) {                                               \
            NAME(vec) v[W];                                                               \
            UNROLL for (int j = 0; j < W; j++)                                            \
                v[j] = *(const NAME(vec) *)(b + p * n + j * LANES);                       \
            UNROLL for (int i = 0; i < R; i++) {                                          \
                NAME(vec) u = (NAME(vec)){0} + a[i * rows + p * columns];                 \
                UNROLL for (int j = 0; j < W; j++)                                        \
                    sum[i][j] += u * v[j];                                                \
            }                                                                             \
        }                                                                                 \
        UNROLL for (int i = 0; i < R; i++)                                                \
            UNROLL for (int j = 0; j < W; j++) {                                          \
                NAME(vec) *to = (NAME(vec) *)(c + i * n + j * LANES);                     \
                if (add)                                                                  \
                    sum[i][j] += *to;                                                     \
                *to = sum[i][j];                                                          \
            }                                                                             \
    }

#define TILE_SOME(R)                                                                      \
    TARGET static inline void NAME(some_##R)(                                             \
        ptrdiff_t n, ptrdiff_t k, const REAL *a, ptrdiff_t rows, ptrdiff_t columns,       \
        const REAL *b, REAL *c, int add, ptrdiff_t width)                                 \
    {                                                                                     \
        NAME(vec) sum[R];                                                                 \
        UNROLL for (int i = 0; i < R; i++)                                                \
            sum[i] = (NAME(vec)){0};                                                      \
        for (ptrdiff_t p = 0; p < k; p++) {                                               \
            NAME(vec) v = NAME(load_some)(b + p * n, width);                              \
            UNROLL for (int i = 0; i < R; i++)                                            \
                sum[i] += v * a[i * rows + p * columns];                                  \
        }                                                                                 \
        UNROLL for (int i = 0; i < R; i++) {                                              \
            if (add)                                                                      \
                sum[i] += NAME(load_some)(c + i * n, width);                              \
            NAME(store_some)(c + i * n, width, sum[i]);                                   \
        }                                                                                 \
    }

TILE(4, WIDE)
TILE(4, 1)
TILE(1, WIDE)
TILE(1, 1)
TILE_SOME(4)
TILE_SOME(1)

/* A strip of columns from b and c on, for all rows. */
#define STRIP(tile_4, tile_1, ...)                                                        \
    do {                                                                                  \
        ptrdiff_t i = 0;                                                                  \
        for (; i + 4 <= m; i += 4)                                                        \
            tile_4(n, k, a + i * rows, rows, columns, b + j, c + i * n + j, add __VA_ARGS__); \
        for (; i < m; i++)                                                                \
            tile_1(n, k, a + i * rows, rows, columns, b + j, c + i * n + j, add __VA_ARGS__); \
    } while (0)

#define GLUE_(r, w) NAME(tile_##r##_##w)
#define GLUE(r, w) GLUE_(r, w)

TARGET static void NAME(product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const void *va,
                                 ptrdiff_t rows, ptrdiff_t columns, const void *vb, void *vc,
                                 int add)
{
    const REAL *a = va, *b = vb;
    REAL *c = vc;
    ptrdiff_t j = 0;
    for (; j + WIDE * LANES <= n; j += WIDE * LANES)
        STRIP(GLUE(4, WIDE), GLUE(1, WIDE));
    for (; j + LANES <= n; j += LANES)
        STRIP(NAME(tile_4_1), NAME(tile_1_1));
    if (j < n)
        STRIP(NAME(some_4), NAME(some_1), , n - j);
}

#undef TILE
#undef TILE_
#undef TILE_SOME
#undef STRIP
#undef GLUE
#undef GLUE_
#undef LANES
#else
static void NAME(product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const void *va, ptrdiff_t rows,
                          ptrdiff_t columns, const void *vb, void *vc, int add)
{
    const REAL *a = va, *b = vb;
    for (ptrdiff_t i = 0; i < m; i++) {
        REAL *c = (REAL *)vc + i * n;
        for (ptrdiff_t j = 0; j < n && !add; j++)
            c[j] = 0;
        for (ptrdiff_t p = 0; p < k; p++) {
            REAL u = a[i * rows + p * columns];
            for (ptrdiff_t j = 0; j < n; j++)
                c[j] += u * b[p * n + j];
        }
    }
}
#endif

/* out (n, m) = the transpose of a (m, n), in blocks that stay in the cache */
TARGET static void NAME(transpose)(ptrdiff_t m, ptrdiff_t n, const REAL *a, REAL *out)
{
    for (ptrdiff_t first = 0; first < m; first += 8)
        for (ptrdiff_t j = 0; j < n; j++)
            for (ptrdiff_t i = first; i < first + 8 && i < m; i++)
                out[j * m + i] = a[i * n + j];
}
