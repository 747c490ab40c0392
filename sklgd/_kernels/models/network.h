/* Feedforward networks on batches: see sklgd/models/mlp.py for the formulas.
 *
 * A batch's numbers stand in one piece of memory, the work, as double or float, and so do
 * parameters and gradients; raw predictions are double in any case.  n is the number of rows.
 */
#ifndef SKLGD_NETWORK_H
#define SKLGD_NETWORK_H

#include <stddef.h>
#include <stdint.h>

enum { IDENTITY, LOGISTIC, TANH, RELU, LEAKY_RELU, ELU, GELU, SILU, SOFTPLUS };
enum { NO_NORM, BATCH_NORM, LAYER_NORM };
enum { NETWORK_AHEAD = 4 }; /* rows behind a batch, which are fetched while it is worked on */

typedef struct {
    ptrdiff_t n_layers;         /* of weights: one more than there are hidden layers */
    ptrdiff_t n_params;
    ptrdiff_t n_weights;        /* the first of them */
    const ptrdiff_t *size;      /* n_layers + 1: features, hidden units, raw columns */
    const ptrdiff_t *weights;   /* where in the parameters the weights of a layer begin, */
    const ptrdiff_t *bias;      /* its intercepts, -1 where there are none, */
    const ptrdiff_t *gain;      /* its gains with the shifts behind them, -1 where there are none */
    const ptrdiff_t *kept;      /* where its running means are, the variances behind them */
    const int *activation;      /* of each hidden layer */
    const double *dropout;
    int normalization;
    /* where in the work, counted for one row: before and after the activation, the normalized
     * numbers, the mask of dropout, what the next layer sees; some coincide */
    const ptrdiff_t *z, *a, *hat, *mask, *out;
    ptrdiff_t row;              /* their length for one row */
    ptrdiff_t widest;           /* size after the features */
    ptrdiff_t largest;          /* weights of a layer after the first */
    const double *out_shift;    /* raw = out_shift + out_scale * output, or NULL */
    const double *out_scale;
} Network;

typedef struct {
    /* from the rows to raw; `rows` are the addresses of n + NETWORK_AHEAD of them, or NULL where
     * the sums of the first layer stand at its z already */
    void (*forward)(const Network *net, ptrdiff_t n, const void *const *rows, const void *params,
                    void *work, double *kept, uint64_t seed, int64_t t, double *raw);
    /* grad = the derivative of sum(draw * raw), or with `add` += it; without rows that by the
     * first layer's weights is left to the caller: returned is the derivative by its sums */
    const void *(*backward)(const Network *net, ptrdiff_t n, const void *const *rows,
                            const void *params, void *work, int64_t t, const double *draw,
                            void *grad, int add);
} network_table;

/* How many reals the work of a batch of n rows takes. */
ptrdiff_t network_work(const Network *net, ptrdiff_t n);

/* The functions for double or float, in the best instructions that this processor has. */
const network_table *network_functions(int single);

#endif
