/* Matrix products for one instruction set and one type; included by network_impl.h.
 *
 *   product         c (m, n) = or += a b, with b (k, n) and c in C order and a[i, p] at
 *                   a[i * rows + p * columns]
 *   rows_product    c = a b with row i of a at address a[i]; NETWORK_AHEAD rows after the m are
 *                   fetched too
 *   turned_product  c = or += a b with row p of the transpose of a at address a[p]
 *
 * No packing: the matrices of small networks fit into the caches as they are.  A tile of ROWS x
 * (WIDE vectors) of the result stays in registers; the last columns are read and written under
 * a mask.  Products with a BLAS would pay for its threads and its packing at every layer.
 */
#ifdef VECTOR_BYTES
#define LANES ((ptrdiff_t)(VECTOR_BYTES / sizeof(REAL)))
typedef REAL NAME(vec) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
/* what stays in registers: gcc would move numbers of the other type about between them */
typedef REAL NAME(reg) __attribute__((vector_size(VECTOR_BYTES)));

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

/* Where entry (i, p) of the left matrix stands. */
#define ENTRY(i, p)                                                                       \
    (kind == STRIDED   ? (const REAL *)a + (i) * rows + (p) * columns                     \
     : kind == BY_ROWS ? ((const REAL *const *)a)[i] + (p)                                \
                       : ((const REAL *const *)a)[p] + (i))

/* Rows that may stand anywhere are asked for while those before them are worked on; each line a few
 * times, since a test would cost more. */
#define FETCH(R)                                                                          \
    if (kind == BY_ROWS)                                                                  \
        SKLGD_PREFETCH(ENTRY(row + R + p % R, p));

/* A tile of R rows from number `row` on and W vectors, or the first `width` columns of one.  Less
 * zero, a number becomes a vector of it; plus zero, it would be added. */
#define TILE(R, W) TILE_(R, W)
#define TILE_(R, W)                                                                       \
    TARGET INLINE void NAME(tile_##R##_##W)(                                              \
        ptrdiff_t n, ptrdiff_t k, enum matrix_kind kind, const void *a, ptrdiff_t rows,   \
        ptrdiff_t columns, ptrdiff_t row, const REAL *b, REAL *c, int add)                \
    {                                                                                     \
        NAME(reg) sum[R][W];                                                              \
        UNROLL for (int i = 0; i < R; i++)                                                \
            UNROLL for (int j = 0; j < W; j++)                                            \
                sum[i][j] = (NAME(reg)){0};                                               \
        for (ptrdiff_t p = 0; p < k; p++) {                                               \
            NAME(reg) v[W];                                                               \
            FETCH(R)                                                                      \
            UNROLL for (int j = 0; j < W; j++)                                            \
                v[j] = *(const NAME(vec) *)(b + p * n + j * LANES);                       \
            UNROLL for (int i = 0; i < R; i++) {                                          \
                NAME(reg) u = *ENTRY(row + i, p) - (NAME(reg)){0};                        \
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
    TARGET INLINE void NAME(some_##R)(                                                    \
        ptrdiff_t n, ptrdiff_t k, enum matrix_kind kind, const void *a, ptrdiff_t rows,   \
        ptrdiff_t columns, ptrdiff_t row, const REAL *b, REAL *c, int add,                \
        ptrdiff_t width)                                                                  \
    {                                                                                     \
        NAME(reg) sum[R];                                                                 \
        UNROLL for (int i = 0; i < R; i++)                                                \
            sum[i] = (NAME(reg)){0};                                                      \
        for (ptrdiff_t p = 0; p < k; p++) {                                               \
            NAME(reg) v = NAME(load_some)(b + p * n, width);                              \
            FETCH(R)                                                                      \
            UNROLL for (int i = 0; i < R; i++)                                            \
                sum[i] += v * *ENTRY(row + i, p);                                         \
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

/* The columns of the result from number j on, as many as a tile takes, for all rows; returns the
 * number of the next one. */
#define STRIP(tile_4, tile_1, ...)                                                          \
    do {                                                                                    \
        ptrdiff_t i = 0;                                                                    \
        for (; i + 4 <= m; i += 4)                                                          \
            tile_4(n, k, kind, a, rows, columns, i, b + j, c + i * n + j, add __VA_ARGS__); \
        for (; i < m; i++)                                                                  \
            tile_1(n, k, kind, a, rows, columns, i, b + j, c + i * n + j, add __VA_ARGS__); \
    } while (0)

#define GLUE_(r, w) NAME(tile_##r##_##w)
#define GLUE(r, w) GLUE_(r, w)

TARGET INLINE ptrdiff_t NAME(strip)(ptrdiff_t j, enum matrix_kind kind, ptrdiff_t m, ptrdiff_t n,
                                    ptrdiff_t k, const void *a, ptrdiff_t rows, ptrdiff_t columns,
                                    const REAL *b, REAL *c, int add)
{
    if (j + WIDE * LANES <= n) {
        STRIP(GLUE(4, WIDE), GLUE(1, WIDE));
        return j + WIDE * LANES;
    }
    if (j + LANES <= n) {
        STRIP(NAME(tile_4_1), NAME(tile_1_1));
        return j + LANES;
    }
    STRIP(NAME(some_4), NAME(some_1), , n - j);
    return n;
}

TARGET static void NAME(product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const REAL *a,
                                 ptrdiff_t rows, ptrdiff_t columns, const REAL *b, REAL *c, int add)
{
    for (ptrdiff_t j = 0; j < n;)
        j = NAME(strip)(j, STRIDED, m, n, k, a, rows, columns, b, c, add);
}

TARGET static void NAME(rows_product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const void *const *a,
                                      const REAL *b, REAL *c)
{
    for (ptrdiff_t j = 0; j < n;)
        j = NAME(strip)(j, BY_ROWS, m, n, k, a, 0, 0, b, c, 0);
}

TARGET static void NAME(turned_product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                                        const void *const *a, const REAL *b, REAL *c, int add)
{
    for (ptrdiff_t j = 0; j < n;)
        j = NAME(strip)(j, TURNED, m, n, k, a, 0, 0, b, c, add);
}

#undef ENTRY
#undef FETCH
#undef TILE
#undef TILE_
#undef TILE_SOME
#undef STRIP
#undef GLUE
#undef GLUE_
#undef LANES
#else
static void NAME(product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const REAL *a, ptrdiff_t rows,
                          ptrdiff_t columns, const REAL *b, REAL *c, int add)
{
    for (ptrdiff_t i = 0; i < m; i++, c += n) {
        for (ptrdiff_t j = 0; j < n && !add; j++)
            c[j] = 0;
        for (ptrdiff_t p = 0; p < k; p++) {
            REAL u = a[i * rows + p * columns];
            for (ptrdiff_t j = 0; j < n; j++)
                c[j] += u * b[p * n + j];
        }
    }
}

static void NAME(rows_product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const void *const *a,
                               const REAL *b, REAL *c)
{
    for (ptrdiff_t i = 0; i < m; i++)
        NAME(product)(1, n, k, a[i], 0, 1, b, c + i * n, 0);
}

static void NAME(turned_product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const void *const *a,
                                 const REAL *b, REAL *c, int add)
{
    for (ptrdiff_t p = 0; p < k; p++)
        NAME(product)(m, n, 1, a[p], 1, 0, b + p * n, c, add || p > 0);
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
