# The base classes of the kernels.  Their methods are abstract: to reach one is a programming error.
import math

import numpy as np

from libc.stdint cimport uint32_t, uint64_t

LINE = 64       # bytes of a cache line
FEW = 4096      # bytes below which it does not matter where an array begins


cdef object positions(const Batch* batch):
    if batch.order == NULL:
        return slice(batch.start, batch.start + batch.size)
    return np.asarray(<const uint32_t[:batch.size]> (batch.order + batch.start))


cdef const void* address_of(array, dtype) except? NULL:
    if array.dtype != dtype or not (array.flags.c_contiguous and array.flags.aligned):
        raise ValueError(f"need an aligned C-contiguous {dtype} array, got {array.dtype} "
                         f"with flags\n{array.flags}")
    return <const void*> <size_t> array.ctypes.data


def aligned_empty(shape, dtype=np.float64):
    """Return an uninitialised array that begins where a cache line does.

    Vectors as long as a line would otherwise lie across two of them, one and all: a step of a
    network takes a tenth longer then.  Short ones begin anywhere.
    """
    cdef Py_ssize_t size = shape if isinstance(shape, int) else math.prod(shape)
    size *= np.dtype(dtype).itemsize
    if size < FEW:
        return np.empty(shape, dtype)
    room = np.empty(size + LINE, dtype=np.uint8)
    first = -room.ctypes.data % LINE
    return room[first:first + size].view(dtype).reshape(shape)


def aligned_copy(array):
    """Return a copy of an array that begins where a cache line does."""
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy


def aligned(array):
    """Return an array that begins where a cache line does, itself or a copy."""
    return aligned_copy(array) if array.nbytes >= FEW and array.ctypes.data % LINE else array


cdef void shuffle(uint32_t* order, Py_ssize_t n, uint64_t seed) noexcept nogil:
    # Fisher-Yates on a splitmix64 stream
    cdef Py_ssize_t i, j
    cdef uint64_t z
    for i in range(n - 1, 0, -1):
        seed += 0x9E3779B97F4A7C15u
        z = seed
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu
        z = z ^ (z >> 31)
        # the high 32 bits times i + 1, the high word of which is below i + 1: no division
        j = <Py_ssize_t> (((z >> 32) * <uint64_t> (i + 1)) >> 32)
        order[i], order[j] = order[j], order[i]


def permute(uint32_t[::1] order, const uint32_t[::1] rows, uint64_t seed):
    """Fill ``order`` with ``rows`` (None: its own positions) in random order."""
    cdef Py_ssize_t i, n = order.shape[0]
    if n == 0:
        return
    with nogil:
        for i in range(n):
            order[i] = <uint32_t> i if rows is None else rows[i]
        shuffle(&order[0], n, seed)


cdef class RowsKernel:
    cdef object take(self, const Batch* batch):
        return _abstract("take")

    cdef void dot(self, const Batch* batch, Py_ssize_t k, const double* w,
                  double* raw) noexcept nogil:
        pass

    cdef void tdot(self, const Batch* batch, Py_ssize_t k, const double* draw, double shrink,
                   double* w) noexcept nogil:
        pass

    cdef double row_dot(self, const Batch* batch, const double* w) noexcept nogil:
        cdef double raw
        self.dot(batch, 1, w, &raw)
        return raw

    cdef void row_tdot(self, const Batch* batch, double draw, double shrink,
                       double* w) noexcept nogil:
        self.tdot(batch, 1, &draw, shrink, w)

    cdef double row_advance(self, const Batch* batch, double draw, double shrink, double* w,
                            double* cross) noexcept nogil:
        cross[0] = 0.0
        return 0.0

    cdef void standardize(self, const Batch* batch, const double* shift, const double* factor,
                          Py_ssize_t stride, double* out) noexcept nogil:
        pass

    cdef void outer(self, const Batch* batch, const double* bend, Py_ssize_t q,
                    double* h) noexcept nogil:
        pass

    cdef void lazy_dot(self, const Batch* batch, Lazy* w, double* raw) noexcept nogil:
        pass

    cdef void lazy_tdot(self, const Batch* batch, const double* draw, Lazy* w) noexcept nogil:
        pass

    cdef void cross_dot(self, const Batch* batch, Py_ssize_t k, Py_ssize_t f, const double* w,
                        double* sums, double* raw) noexcept nogil:
        pass

    cdef void cross_tdot(self, const Batch* batch, Py_ssize_t k, Py_ssize_t f, const double* draw,
                         const double* sums, const double* w, double* grad) noexcept nogil:
        pass

    cdef void mix(self, const Batch* batch, Py_ssize_t k, const double* factor, const double* w,
                  double* raw) noexcept nogil:
        pass

    cdef void tmix(self, const Batch* batch, Py_ssize_t k, const double* factor, const double* draw,
                   double* w) noexcept nogil:
        pass

    cdef double row_square(self, const Batch* batch) noexcept nogil:
        return 0.0

    cdef void gather(self, const Batch* batch, const double* shift, const double* factor, void* out,
                     bint single, Py_ssize_t more, const void** rows) noexcept nogil:
        pass

    cdef void pairs_dot(self, const Batch* batch, Py_ssize_t k, const double* w,
                        double* raw) noexcept nogil:
        self.dot(batch, 2 * k, w, raw)

    cdef void pairs_tdot(self, const Batch* batch, Py_ssize_t k, const double* draw,
                         double* w) noexcept nogil:
        self.tdot(batch, 2 * k, draw, 1.0, w)

    cdef void drift_dot(self, const Batch* batch, const Drift* w, double* raw) noexcept nogil:
        pass

    cdef void drift_tdot(self, const Batch* batch, const double* draw,
                         const Drift* w) noexcept nogil:
        pass

    cdef Py_ssize_t n_entries(self, const Batch* batch) noexcept nogil:
        return batch.size * self.n_features

    cdef void touch(self, const Batch* batch, Touch* touch) noexcept nogil:
        pass

    cdef void touched_dot(self, const Batch* batch, const Touch* touch, Py_ssize_t k,
                          const double* w, double* raw) noexcept nogil:
        pass

    cdef void touched_tdot(self, const Batch* batch, const Touch* touch, Py_ssize_t k,
                           const double* draw, double* w) noexcept nogil:
        pass

    cdef void touched_cross_dot(self, const Batch* batch, const Touch* touch, Py_ssize_t k,
                                Py_ssize_t f, const double* w, double* sums,
                                double* raw) noexcept nogil:
        pass

    cdef void touched_cross_tdot(self, const Batch* batch, const Touch* touch, Py_ssize_t k,
                                 Py_ssize_t f, const double* draw, const double* sums,
                                 const double* w, double* grad) noexcept nogil:
        pass


cdef int _abstract(str name) except -1 with gil:
    raise NotImplementedError(f"this kernel has no {name}")


cdef class LossKernel:
    cdef int evaluate(self, Py_ssize_t m, const double* y, const double* raw,
                      double* value, double* grad) except -1 nogil:
        with gil:
            return _abstract("evaluate")

    cdef double slope(self, double y, double raw, double* value) noexcept nogil:
        return 0.0  # never called: in_numbers is false

    cdef double proximal_slope(self, double y, double center, double step) noexcept nogil:
        return 0.0  # never called: proximal is false

    cdef void proximal_slope_joint(self, Py_ssize_t k, double y, const double* center, double step,
                                   double* slopes) noexcept nogil:
        pass    # never called: proximal_joint is false

    cdef double flow_slope(self, double y, double raw, double time) noexcept nogil:
        return 0.0  # never called: flows is false

    cdef int evaluate_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                            double* value, double* grad) except -1 nogil:
        with gil:
            return _abstract("evaluate_joint")

    cdef int hessian(self, Py_ssize_t m, const double* y, const double* raw,
                     double* bend) except -1 nogil:
        with gil:
            return _abstract("hessian")

    cdef int hessian_joint(self, Py_ssize_t n, Py_ssize_t k, const double* y, const double* raw,
                           double* blocks) except -1 nogil:
        with gil:
            return _abstract("hessian_joint")


cdef class PenaltyKernel:
    def __cinit__(self):
        self.ridge = self.threshold = float("nan")

    cdef int add_gradient(self, Py_ssize_t k, Py_ssize_t p, const double* w,
                          double* grad) except -1 nogil:
        with gil:
            return _abstract("add_gradient")

    cdef int shrink(self, Py_ssize_t k, Py_ssize_t p, double* w, double lr,
                    const int32_t* at) except -1 nogil:
        with gil:
            return _abstract("shrink")

    cdef int prox(self, Py_ssize_t k, Py_ssize_t p, double* w, double lr, const double* sizes,
                  const int32_t* at) except -1 nogil:
        with gil:
            return _abstract("prox")

    cdef void bound(self, Py_ssize_t m, double* w, Py_ssize_t first,
                    const int32_t* at) noexcept nogil:
        pass


cdef class OptimizerKernel:
    def __cinit__(self):
        self.paced = self.steady = True

    cdef int observe(self, Py_ssize_t p, double* params, double* state, const double* largest,
                     const double* mean_square, Py_ssize_t k) except -1 nogil:
        return 0

    cdef int step(self, Py_ssize_t p, double* params, const double* grad, double* state,
                  double lr, int64_t t) except -1 nogil:
        with gil:
            return _abstract("step")

    cdef void step_single(self, Py_ssize_t p, float* params, const float* grad, float* state,
                          double lr, int64_t t) noexcept nogil:
        pass    # never called: single is false

    cdef int step_sizes(self, Py_ssize_t p, const double* state, double lr, int64_t t,
                        double* sizes) except -1 nogil:
        sizes[0] = lr
        return 0

    cdef double pace(self, Py_ssize_t p, const double* state, double lr, int64_t t) noexcept nogil:
        return lr


cdef class ModelKernel:
    def __cinit__(self):
        self.weight_rows = 1

    cdef Py_ssize_t work_size(self, RowsKernel X, Py_ssize_t n) noexcept nogil:
        return 0

    cdef int forward(self, RowsKernel X, const Batch* batch, const double* params, Tape* tape,
                     double* raw) except -1 nogil:
        with gil:
            return _abstract("forward")

    cdef int backward(self, RowsKernel X, const Batch* batch, const double* params, Tape* tape,
                      const double* draw, double* grad) except -1 nogil:
        with gil:
            return _abstract("backward")

    cdef bint trains_single(self, RowsKernel X) noexcept nogil:
        return False

    cdef void forward_single(self, RowsKernel X, const Batch* batch, const float* params,
                             Tape* tape, double* raw) noexcept nogil:
        pass    # never called: trains_single is false, here and below

    cdef void backward_single(self, RowsKernel X, const Batch* batch, const float* params,
                              Tape* tape, const double* draw, float* grad) noexcept nogil:
        pass
