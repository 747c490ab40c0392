"""What other compiled modules may ask of an objective: see objective.pyx."""
cimport cython

from libc.stdint cimport uint32_t

from .base cimport Aim, Batch, LossKernel, ModelKernel, RowsKernel, Tape, batch_row
from .simd cimport simd_prefetch_line

cdef enum:
    TARGETS_AHEAD = 16  # how many shuffled rows ahead targets are fetched


cdef inline void begin_tape(Tape* tape, ModelKernel model, double* work, double* params) noexcept:
    # The tape of a trip that trains nothing.
    tape.work = work
    tape.kept = params + model.n_params if params != NULL else NULL
    tape.seed = 0
    tape.t = 0
    tape.fresh = False


@cython.final
cdef class Objective:
    cdef readonly RowsKernel rows
    cdef readonly LossKernel loss
    cdef readonly ModelKernel model
    cdef readonly object owned          # keeps the arrays alive
    cdef const double* y
    cdef const double* weights          # NULL where all are one
    cdef Py_ssize_t y_width
    cdef Py_ssize_t at_a_time           # rows that are summed together
    cdef readonly bint joint
    cdef bint expand
    cdef double off
    cdef double on

    cdef Py_ssize_t target_width(self) noexcept nogil
    cdef void gather(self, const Batch* batch, double* targets) noexcept nogil
    cdef void take_aim(self, const Batch* batch, Aim* aim, const double* raw, const double* draw,
                       double* targets) noexcept nogil
    cdef int evaluate(self, const Batch* batch, const double* raw, double* targets, double* value,
                      double* draw, double factor, double* total) except -1 nogil
    cdef Py_ssize_t n_positions(self, const uint32_t[::1] order)
    cdef double sum_rows(self, double[::1] raw, const double* params, double* grad,
                         const uint32_t[::1] order, Py_ssize_t start, Py_ssize_t stop) except? -1.0

    # Loss of the batch's first row from its one raw prediction; draw[0] becomes its gradient
    # times factor.
    cdef inline int evaluate_row(self, const Batch* batch, double raw, double factor,
                                 double* draw, double* total) except -1 nogil:
        cdef Py_ssize_t row = batch_row(batch, 0)
        cdef double target = self.y[row], value
        cdef Py_ssize_t ahead = batch.start + TARGETS_AHEAD
        if batch.order != NULL and ahead < batch.end:
            simd_prefetch_line(self.y + batch.order[ahead])
            if self.weights != NULL:
                simd_prefetch_line(self.weights + batch.order[ahead])
        if self.expand:
            target = self.on if target == 0.0 else self.off
        if self.loss.in_numbers:
            draw[0] = self.loss.slope(target, raw, &value)
        else:
            self.loss.evaluate(1, &target, &raw, &value, draw)
        if self.weights != NULL:
            factor *= self.weights[row]
            value *= self.weights[row]
        draw[0] *= factor
        total[0] += value
        return 0
