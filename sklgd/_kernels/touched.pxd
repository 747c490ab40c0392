"""Steps on the entries that a sparse batch touches, at O(nonzeros) a step.

A step sees a small dense problem: the features that the batch has, numbered 0 to m - 1, and the
parameters, the gradient and the optimizer's state of these alone; a model that is local (linear
ones, factorization machines) works on it as on all features.  So the step is the dense one, by the
same kernels.  It needs a rule that leaves entries without a gradient as they are (``local``).
While steps are taken, what belongs to a feature lies in one place, a cache line or two, which is
fetched a row ahead; but rows that have few of the features, such as a call's in a stream, find
their parameters where they are, since taking all of them there and back would take longer.
Between the calls of a stream other weights may stay behind, too: what they miss is in a `Lag`.

What moves the other weights meanwhile is the penalty, and that can wait.  Their step sizes are the
step's pace times a number of their own that stands still (in plain gradient descent 1, in AdaGrad
one over the root of the summed squares).  Each elementwise penalty is, between two sizes of a
weight, a lasso and a ridge, of negative strength where it is concave: with tau the step size times
the feature's factor, u = |w|, and c = l1 / l2,

    u <- (u - tau * l1) / (1 + tau * l2),    so    u + c <- (u + c) / (1 + tau * l2),

and m such steps multiply u + c by ``exp(-sum log(1 + tau_t * l2))``; without l2 the thresholds
add.  A weight that a lasso has taken to zero stays there.  Where the size leaves a piece of the
penalty, the step at which it does is found by bisection, since sizes fall from step to step.
Weights that shrink towards zero within bounds can be clipped once, at the end.

A step's own penalty waits with those that its weights miss next: it is one more of the same.

The sum of logarithms is m equal terms where all steps have one pace; otherwise it is a power
series in the entry's own number, with coefficients that are the same for all: sums of the
paces' powers (missed.h).  So a weight that was left alone for m steps catches up in O(1) as it
is met again, and all do before anyone reads them.

The mean of weights over those steps has a closed form, too, but with a ridge at changing paces.
"""
from libc.stdint cimport int32_t, int64_t

from .base cimport (
    Batch, Mark, ModelKernel, OptimizerKernel, PenaltyKernel, Piece, RowsKernel, Tape, Touch,
)


cdef extern from "missed.h" nogil:
    ctypedef struct Missed:
        Py_ssize_t steps
        double* table
        double longest
        bint steady
        bint gradient
    Mark* touch_mark(const Touch* touch, Py_ssize_t feature)
    void touch_take(const Touch* touch, Py_ssize_t m, Py_ssize_t k, Py_ssize_t fields, Py_ssize_t n,
                    double* few, int32_t* since)
    void touch_give(const Touch* touch, Py_ssize_t m, Py_ssize_t k, Py_ssize_t fields, Py_ssize_t n,
                    const double* few, int32_t since)
    int COLUMNS
    void missed_begin(Missed* missed)
    void missed_record(Missed* missed, double pace)
    double missed_size(const Missed* missed, const Piece* piece, int n_pieces, double rest,
                       double q1, double q2, double u, Py_ssize_t a, Py_ssize_t n, double* total)


cdef class TouchedRows(RowsKernel):
    cdef RowsKernel rows
    cdef const Touch* touch


cdef class Touched:
    cdef RowsKernel rows
    cdef TouchedRows few            # rows with the features of a batch in the place of all
    cdef ModelKernel model          # None for the linear one
    cdef OptimizerKernel optimizer
    cdef PenaltyKernel smooth       # of a linear rule: a ridge
    cdef PenaltyKernel proximal
    cdef Py_ssize_t k               # rows of weights, features, intercepts, and all parameters
    cdef Py_ssize_t p
    cdef Py_ssize_t n_intercepts
    cdef Py_ssize_t n_all
    cdef double* all_params
    cdef double* all_state
    cdef double* total              # sums of the parameters over the steps so far, or NULL
    cdef Py_ssize_t n_slots         # of which n_vectors have a number for each parameter
    cdef Py_ssize_t n_vectors
    cdef int64_t average_from
    cdef bint averages              # whether the steps since all were true count in the total
    # what weights miss that are not touched
    cdef Piece[2] pieces
    cdef int n_pieces
    cdef bint waits                 # whether there is anything to miss
    cdef bint defers                # whether a step's own penalty is taken with those missed next
    cdef Missed missed
    cdef Touch touch
    # all features while steps are taken, each with its mark, weights and their state side by side:
    # (p, width), one place in memory to fetch
    cdef double[:, ::1] home
    cdef Py_ssize_t width
    cdef bint stays                 # instead, all but the marks stay where they are
    cdef int32_t[:, ::1] marks
    cdef object lag                 # what weights miss from call to call, or None
    cdef bint is_home
    cdef double lr                  # of the last step, if it was not 0
    cdef int64_t t                  # the next step
    # the small problem: m features, n parameters
    cdef bint is_open
    cdef Py_ssize_t m
    cdef Py_ssize_t n
    cdef double[::1] numbers        # the parameters and, behind them, their state
    cdef double* params
    cdef double* state
    cdef double[::1] grad
    cdef double[::1] sizes
    cdef double[:, ::1] seen        # a row; the batch's largest sizes and mean squares
    cdef int32_t[::1] features
    cdef int32_t[::1] since
    cdef int32_t[::1] where
    cdef double[:, ::1] table

    cdef make_home(self)
    cdef bint fits(self, bint steady)
    cdef prepare(self, Py_ssize_t n_steps)
    cdef void begin(self, int64_t t) noexcept nogil
    cdef int open(self, const Batch* batch) except -1 nogil
    cdef int forward(self, const Batch* batch, Tape* tape, double* raw) except -1 nogil
    cdef int step(self, const Batch* batch, Tape* tape, const double* draw, double lr,
                  double loss) except -1 nogil
    cdef int settle(self) except -1 nogil
    cdef leave(self)
    cdef void bound(self, double* mean) noexcept nogil
    cdef int make_room(self, Py_ssize_t entries) except -1 nogil
    cdef bint rests(self, Py_ssize_t feature) noexcept nogil
    cdef void gather(self, bint marked) noexcept nogil
    cdef void scatter(self, Py_ssize_t steps) noexcept nogil
    cdef void move(self, bint into) noexcept nogil
    cdef void add(self, const double* few) noexcept nogil
    cdef int observe(self, const Batch* batch) except -1 nogil
    cdef int catch_up(self) except -1 nogil
    cdef void catch_up_plainly(self, double pace, bint per_entry) noexcept nogil
    cdef void look_ahead(self) noexcept nogil
    cdef int catch_up_singly(self, double pace, bint per_entry,
                             const double* ends) except -1 nogil
    cdef void shrink(self, double pace, double* sizes, double* w) noexcept nogil
    cdef void cut(self, double pace, const double* sizes, double* w) noexcept nogil
    cdef double replay(self, double size, int32_t feature, double q, Py_ssize_t since,
                       double* gone) except? -1.0 nogil
