"""The C contract of the kernels: what the compiled loops ask of each axis.

Rules: weights and losses are ``double``, only ``RowsKernel`` knows the type and
format of X; virtual methods take ``(n, pointer)`` arguments, run without the GIL
and are called once per batch.  Those that may run a user's Python code return
0, or -1 with an exception set.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t


cdef struct Batch:
    const uint32_t* order   # row numbers, or NULL for consecutive rows
    Py_ssize_t start        # first position in order, or first row
    Py_ssize_t size         # number of rows
    Py_ssize_t end          # last position of the pass: how far rows may be fetched ahead


cdef inline Py_ssize_t batch_row(const Batch* batch, Py_ssize_t i) noexcept nogil:
    cdef Py_ssize_t at = batch.start + i
    return at if batch.order == NULL else <Py_ssize_t> batch.order[at]


# intercepts: raw[i, c] += intercept[c], and sums[c] += sum_i draw[i, c], of n rows and k columns
cdef inline void add_to_rows(Py_ssize_t n, Py_ssize_t k, const double* intercept,
                             double* raw) noexcept nogil:
    cdef Py_ssize_t i, c
    for i in range(n):
        for c in range(k):
            raw[i * k + c] += intercept[c]


cdef inline void add_rows(Py_ssize_t n, Py_ssize_t k, const double* draw,
                          double* sums) noexcept nogil:
    cdef Py_ssize_t i, c
    for i in range(n):
        for c in range(k):
            sums[c] += draw[i * k + c]


# put row numbers into random order
cdef void shuffle(uint32_t* order, Py_ssize_t n, uint64_t seed) noexcept nogil
# the batch's rows as an index of an array
cdef object positions(const Batch* batch)
# the address of a well-formed array's data; read-only is fine
cdef const void* address_of(array, dtype) except? NULL


cdef extern from "lazy.h" nogil:
    ctypedef struct Lazy:   # weights kept behind in time: see lazy.pxd
        Py_ssize_t k
        Py_ssize_t p
        double* v
        bint cuts
        double* total
        double scale
        double threshold
        double area
        const double* factors
    double lazy_soft(double v, double threshold)


cdef extern from "drift.h" nogil:
    ctypedef struct DriftWeight:
        double v
        double g
        double last
        double cut
    ctypedef struct Drift:  # weights that a steady gradient moves meanwhile: see drift.h
        Py_ssize_t k
        Py_ssize_t p
        DriftWeight* weights
        const double* sums
        Py_ssize_t n
    double drift_settle(const Drift* w, double now, DriftWeight* weight)


cdef extern from "missed.h" nogil:
    ctypedef struct Mark:
        int32_t since
        int32_t place
    ctypedef struct Touch:  # the distinct features of a batch: see touched.pxd
        char* marks
        Py_ssize_t stride
        int32_t now
        bint in_order
        Py_ssize_t count
        int32_t* features
        int32_t* since
        int32_t* where
    # of an elementwise penalty, which is a lasso and a ridge between two sizes
    ctypedef struct Piece:
        double floor
        double top
        double l1
        double l2


cdef class RowsKernel:
    """X, dense or CSR, float32 or float64."""
    cdef readonly Py_ssize_t n_rows
    cdef readonly Py_ssize_t n_features
    cdef readonly bint sparse
    cdef readonly bint single               # float32
    # raw[i, c] = x_i . w[c]
    cdef void dot(self, const Batch* batch, Py_ssize_t k, const double* w,
                  double* raw) noexcept nogil
    # w[c] = shrink * w[c] + sum_i draw[i, c] x_i
    cdef void tdot(self, const Batch* batch, Py_ssize_t k, const double* draw, double shrink,
                   double* w) noexcept nogil
    # the rows themselves, as a read-only array, a view where they are in order, or a CSR array
    cdef object take(self, const Batch* batch)
    # dot and tdot for one row (the batch's first) and one column, in numbers
    cdef double row_dot(self, const Batch* batch, const double* w) noexcept nogil
    cdef void row_tdot(self, const Batch* batch, double draw, double shrink,
                       double* w) noexcept nogil
    # row_tdot, where `advances`; and of the row two further on the dot with what the weights are
    # then, and in cross its product with the row between
    cdef readonly bint advances
    cdef double row_advance(self, const Batch* batch, double draw, double shrink, double* w,
                            double* cross) noexcept nogil
    # out[i, j] = (x_ij - shift_j) * factor_j, rows of length stride; dense X only
    cdef void standardize(self, const Batch* batch, const double* shift, const double* factor,
                          Py_ssize_t stride, double* out) noexcept nogil
    # h + h' += 2 sum_i bend[i] x_i x_i', h being (q, q) with q >= n_features; sparse X only
    cdef void outer(self, const Batch* batch, const double* bend, Py_ssize_t q,
                    double* h) noexcept nogil
    # dot and tdot on lazily kept weights; the shrinking is the caller's (lazy.scale)
    cdef void lazy_dot(self, const Batch* batch, Lazy* w, double* raw) noexcept nogil
    cdef void lazy_tdot(self, const Batch* batch, const double* draw, Lazy* w) noexcept nogil
    # pairs of features, for f rows of w to each raw column: with a_j = x_ij w[c f + e, j],
    # raw[i, c] += sum over e and j < l of a_j a_l, and sums[i, c f + e] = sum over j of a_j
    cdef void cross_dot(self, const Batch* batch, Py_ssize_t k, Py_ssize_t f, const double* w,
                        double* sums, double* raw) noexcept nogil
    # grad += the derivative of sum(draw * raw) with respect to w
    cdef void cross_tdot(self, const Batch* batch, Py_ssize_t k, Py_ssize_t f, const double* draw,
                         const double* sums, const double* w, double* grad) noexcept nogil
    # for w in feature-major order, (n_features, k), and factor[j] x_ij in the place of x_ij unless
    # factor is NULL:
    # raw[i] = sum_j x_ij w[j], and w[j] += sum_i x_ij draw[i]
    cdef void mix(self, const Batch* batch, Py_ssize_t k, const double* factor, const double* w,
                  double* raw) noexcept nogil
    cdef void tmix(self, const Batch* batch, Py_ssize_t k, const double* factor, const double* draw,
                   double* w) noexcept nogil
    # |x|^2 of the batch's first row
    cdef double row_square(self, const Batch* batch) noexcept nogil
    # dense rows alone: where the rows in units stand, as doubles or floats, in X itself or copied
    # to `out`; and where `more` rows stand that are worth fetching while these are worked on
    cdef void gather(self, const Batch* batch, const double* shift, const double* factor, void* out,
                     bint single, Py_ssize_t more, const void** rows) noexcept nogil
    # dot and tdot on pairs of columns, (k, 2, p) for dense rows and (k, p, 2) for sparse ones
    cdef void pairs_dot(self, const Batch* batch, Py_ssize_t k, const double* w,
                        double* raw) noexcept nogil
    cdef void pairs_tdot(self, const Batch* batch, Py_ssize_t k, const double* draw,
                         double* w) noexcept nogil
    # sparse rows alone: dot on v, brought up to date, and tdot on pairs (v, g)
    cdef void drift_dot(self, const Batch* batch, const Drift* w, double* raw) noexcept nogil
    cdef void drift_tdot(self, const Batch* batch, const double* draw,
                         const Drift* w) noexcept nogil
    # sparse rows: the number of their entries, the list of their features, and dot and tdot with
    # the m of that list in the place of all
    cdef Py_ssize_t n_entries(self, const Batch* batch) noexcept nogil
    cdef void touch(self, const Batch* batch, Touch* touch) noexcept nogil
    cdef void touched_dot(self, const Batch* batch, const Touch* touch, Py_ssize_t k,
                          const double* w, double* raw) noexcept nogil
    cdef void touched_tdot(self, const Batch* batch, const Touch* touch, Py_ssize_t k,
                           const double* draw, double* w) noexcept nogil
    cdef void touched_cross_dot(self, const Batch* batch, const Touch* touch, Py_ssize_t k,
                                Py_ssize_t f, const double* w, double* sums,
                                double* raw) noexcept nogil
    cdef void touched_cross_tdot(self, const Batch* batch, const Touch* touch, Py_ssize_t k,
                                 Py_ssize_t f, const double* draw, const double* sums,
                                 const double* w, double* grad) noexcept nogil


cdef class LossKernel:
    """A loss: values and gradients with respect to the raw predictions."""
    # elementwise: y, raw, value and grad have m entries each
    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil
    # one entry of evaluate in numbers, where `in_numbers`: steps of one row, a chain of a few dozen
    # nanoseconds, wait for every trip through memory
    cdef readonly bint in_numbers
    cdef double slope(self, double y, double raw, double* value) noexcept nogil
    # the slope at argmin_r loss(y, r) + (r - center)^2 / (2 step), where `proximal`; step > 0
    cdef readonly bint proximal
    cdef double proximal_slope(self, double y, double center, double step) noexcept nogil
    # joint: the same of one row, the k slopes at argmin_r loss(y, r) + |r - center|^2 / (2 step),
    # where `proximal_joint`
    cdef readonly bint proximal_joint
    cdef void proximal_slope_joint(self, Py_ssize_t k, double y, const double* center, double step,
                                   double* slopes) noexcept nogil
    # where `flows`: the mean slope on the way of dr/dt = -slope(y, r) from raw, until time > 0
    cdef readonly bint flows
    cdef double flow_slope(self, double y, double raw, double time) noexcept nogil
    # joint over k columns: y and value have n entries (class indices), raw and grad n * k
    cdef int evaluate_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                            double* value, double* grad) except -1 nogil
    # second derivatives in raw: m entries; joint, a (k, k) block for each of n rows
    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil
    cdef int hessian_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                           double* blocks) except -1 nogil


cdef class PenaltyKernel:
    """A penalty of the (k, p) weights; intercepts never come here."""
    # strength of a plain ridge (smooth part) or soft threshold (proximal part), else NaN:
    # what the lazy and the fused loops can do without a call
    cdef readonly double ridge
    cdef readonly double threshold
    # what multiplies the penalty of each feature, or NULL where all are 1
    cdef const double* factors
    # what steps without a loss do to a weight, where that is the same for all but for factors and
    # bounds: n_pieces of them, or 0
    cdef Piece[2] pieces
    cdef readonly int n_pieces
    cdef readonly bint bounded
    # With at != NULL, the p columns stand for the features at[0], ..., at[p - 1] alone; only a
    # penalty in pieces is asked that.
    # grad += gradient of the penalty at w
    cdef int add_gradient(self, Py_ssize_t k, Py_ssize_t p, const double* w,
                          double* grad) except -1 nogil
    # of a ridge, plain or not: w *= max(0, 1 - lr * alpha * factor), a step along its gradient
    cdef readonly bint shrinks
    cdef int shrink(self, Py_ssize_t k, Py_ssize_t p, double* w, double lr,
                    const int32_t* at) except -1 nogil
    # w = argmin_v |v - w|^2 / 2 + lr * penalty(v); with sizes != NULL, the metric is 1 / sizes
    # instead of 1 / lr, entry by entry
    cdef int prox(self, Py_ssize_t k, Py_ssize_t p, double* w, double lr, const double* sizes,
                  const int32_t* at) except -1 nogil
    # clip the weights of m features, from number `first` on or those in `at`, to bounds if any
    cdef void bound(self, Py_ssize_t m, double* w, Py_ssize_t first,
                    const int32_t* at) noexcept nogil


cdef struct Aim:                # what a step of one row goes by
    Py_ssize_t k                # raw columns
    Py_ssize_t n_intercepts
    double weight               # of the row
    const double* targets       # k of each
    const double* raw
    const double* draw          # weight times the loss's slope at raw


cdef class OptimizerKernel:
    """A step rule; its state belongs to the fit."""
    cdef readonly bint linear   # params -= lr * grad and nothing else
    # an entry without a gradient stays as it is, state included, and is of no account to others:
    # the step may be taken on some entries alone
    cdef readonly bint local
    cdef readonly int n_scalars     # slots, the last ones, of which the first entry alone is used
    cdef readonly bint needs_rows   # observe is called before the raw predictions of each step
    cdef public double loss     # the batch's mean loss; the loop sets it before each step
    # of rules that are asked: a ridge on the first n_ridge parameters, not in their gradient
    cdef readonly bint adds_ridge
    cdef public double ridge
    cdef public Py_ssize_t n_ridge
    # whether steps are of one row and follow its loss on the way; where the loss knows its flow,
    # the loop sets it and, before each step, the aim
    cdef readonly bint follows
    cdef public LossKernel flow
    cdef Aim aim
    # of the feature that each parameter multiplies, over the batch: largest size, mean square
    cdef int observe(self, Py_ssize_t p, double* params, double* state, const double* largest,
                     const double* mean_square, Py_ssize_t k) except -1 nogil
    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil
    # the same in float32, where `single`; then the slots of a state may also be farther apart than
    # p, so that each begins with a cache line: as far as `slot` says, unless that is zero
    cdef readonly bint single
    cdef public Py_ssize_t slot
    cdef void step_single(self, Py_ssize_t p, float* params, const float* grad, float* state,
                          double lr, int64_t t) noexcept nogil
    # the rule's step sizes after step t: 0 with one number in sizes[0], or 1 with p numbers
    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil
    # of a local rule whose sizes are p numbers: the factor that all have in common in step t; the
    # rest of a size stays as it is while the entry has no gradient
    cdef double pace(self, Py_ssize_t p, const double* state, double lr, int64_t t) noexcept nogil
    cdef readonly bint paced    # ... whatever lr does; otherwise only while lr stays the same
    cdef readonly bint steady   # a pace is lr, or stays the same with it


cdef struct Tape:           # one trip of a batch through a model and back
    double* work            # `work_size` numbers that forward leaves to backward
    double* kept            # what the model keeps behind its parameters; training writes it
    uint64_t seed           # of the fit's chance
    int64_t t               # the step that is trained, from 1; 0 where nothing is trained
    bint fresh              # whether backward writes the gradient; only a model that `writes` may


cdef class ModelKernel:
    """From rows and the flat parameters to raw predictions, and back.

    It holds no buffers, so that threads can share it: they are on the tape.
    """
    cdef readonly Py_ssize_t n_raw
    cdef readonly Py_ssize_t n_params
    cdef readonly Py_ssize_t n_weights      # the penalised head of the parameters
    cdef readonly Py_ssize_t weight_rows    # penalties see a matrix of so many rows
    # a row has to do with the columns of that matrix that are its features, and with no others: the
    # model works on some features and their columns as it does on all
    cdef readonly bint local
    cdef readonly Py_ssize_t n_kept         # numbers behind the parameters, such as running means
    # the size of the tape's work for batches of up to n rows
    cdef Py_ssize_t work_size(self, RowsKernel X, Py_ssize_t n) noexcept nogil
    cdef int forward(self, RowsKernel X, const Batch* batch, const double* params, Tape* tape,
                     double* raw) except -1 nogil
    # grad += the derivative of sum(draw * raw) with respect to params; the tape is that of forward
    cdef readonly bint writes
    cdef int backward(self, RowsKernel X, const Batch* batch, const double* params, Tape* tape,
                      const double* draw, double* grad) except -1 nogil
    # forward and backward in training on float32 parameters, where `trains_single`; grad is written
    cdef bint trains_single(self, RowsKernel X) noexcept nogil
    cdef void forward_single(self, RowsKernel X, const Batch* batch, const float* params,
                             Tape* tape, double* raw) noexcept nogil
    cdef void backward_single(self, RowsKernel X, const Batch* batch, const float* params,
                              Tape* tape, const double* draw, float* grad) noexcept nogil
