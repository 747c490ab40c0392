"""Second derivatives of a linear model.

`Curvature` sums the loss, its gradient and its Hessian over rows in one pass.  A few rows at a
time are standardised into a buffer that stays in the cache; raw predictions, gradient and Gram
matrices are made of that.  Sparse rows are not copied: they add their outer products.
"""
cimport cython

import numpy as np

from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memset

from .base cimport Batch, RowsKernel, add_rows, add_to_rows, batch_row
from .objective cimport Objective
from .packed cimport PACKED_PAD, packed, packed_init
from .simd cimport simd, simd_init

simd_init()
packed_init()

# Rows that are packed at a time.
cdef Py_ssize_t PACKED_ROWS = 64


cdef struct Work:
    double* rows        # (PACKED_ROWS, stride): standardised rows, a column of ones for intercepts
    double* scaled      # the same times their second derivatives
    double* kept        # the rows whose second derivative is not zero
    double* w           # (k, stride): weights and intercepts, and the gradient, as rows have them
    double* grad
    double* raw
    double* draw
    double* value
    double* targets
    double* bend        # (PACKED_ROWS, n_bends)
    double* one         # (PACKED_ROWS,): a column of bend, of sparse rows
    const double* slopes    # the rows' slopes and second derivatives where they are given by
    const double* bends     # position, or NULL; bends may be NULL beside slopes


@cython.final
cdef class Curvature:
    """Loss, gradient and Hessian of a linear model with respect to standardised weights.

    A parameter of feature j multiplies ``(x_j - shift_j) * factor_j``.  The Hessian comes as
    Gram matrices of size (q, q), q being the number of features, and one more with an intercept:
    one for each raw column of an elementwise loss, or one that they share, and for a joint loss one
    for each pair of columns c <= e, in the order of ``numpy.triu_indices``.

    Parameters
    ----------
    objective : Objective
    shift, factor : float64 arrays of shape (n_features,)
        Zeros and ones where X is sparse.
    shared : bool
        Whether an elementwise loss has the same second derivative in all raw columns.
    """
    cdef Objective objective
    cdef const double[::1] shift
    cdef const double[::1] factor
    cdef Py_ssize_t k
    cdef Py_ssize_t p
    cdef readonly Py_ssize_t q
    cdef readonly Py_ssize_t n_grams
    cdef Py_ssize_t stride          # of packed rows and of Gram matrices
    cdef Py_ssize_t n_bends         # second derivatives of a row
    cdef Py_ssize_t groups          # of parameters that have a matrix of their own
    cdef Py_ssize_t size            # of all sums

    def __init__(self, Objective objective, const double[::1] shift, const double[::1] factor,
                 bint shared=False):
        self.objective, self.shift, self.factor = objective, shift, factor
        self.k, self.p = objective.model.n_raw, objective.rows.n_features
        self.q = self.p + (objective.model.n_params > objective.model.n_weights)
        self.stride = (self.q + PACKED_PAD - 1) // PACKED_PAD * PACKED_PAD
        self.groups = 1 if objective.joint or shared else self.k
        self.n_grams = self.k * (self.k + 1) // 2 if objective.joint else self.groups
        self.n_bends = self.k * self.k if objective.joint else self.k
        self.size = objective.model.n_params + self.n_grams * self.stride * self.stride

    def sums(self, const double[::1] params, const uint32_t[::1] order, Py_ssize_t start,
             Py_ssize_t stop, Py_ssize_t block_rows):
        """Return the loss, and gradient and Gram matrices in one vector, over positions.

        Blocks of ``block_rows`` are added in a tree.
        """
        cdef Work work
        work.slopes = work.bends = NULL
        return self.summed(&work, &params[0], order, start, stop, block_rows)

    def weighted(self, const double[:, ::1] slopes, const double[:, ::1] bends,
                 const uint32_t[::1] order, Py_ssize_t start, Py_ssize_t stop,
                 Py_ssize_t block_rows):
        """Return the same with given slopes and second derivatives, by position; the loss is zero.

        Without second derivatives, ``bends`` being None, Gram matrices are zero.
        """
        cdef Work work
        work.slopes = &slopes[0, 0]
        work.bends = NULL if bends is None else &bends[0, 0]
        return self.summed(&work, NULL, order, start, stop, block_rows)

    def raw(self, const double[::1] params, const uint32_t[::1] order, Py_ssize_t start,
            Py_ssize_t stop, double[:, ::1] out):
        """Write the raw predictions of positions into their rows of ``out``."""
        cdef double[::1] buffer = np.zeros((PACKED_ROWS + self.k) * self.stride)
        cdef Work work
        cdef Batch batch
        work.rows = &buffer[0]
        work.w = work.rows + PACKED_ROWS * self.stride
        self.prepare(&work, &params[0])
        batch.order = NULL if order is None else &order[0]
        batch.start, batch.end = start, stop
        with nogil:
            while batch.start < stop:
                batch.size = min(PACKED_ROWS, stop - batch.start)
                work.raw = &out[batch.start, 0]
                self.pack(&batch, &work)
                self.forward(&batch, &params[0], &work)
                batch.start += batch.size

    def length(self, const double[::1] params, const double[::1] step, double slope, double bend,
               double level, double longest, const uint32_t[::1] order, Py_ssize_t n_rows):
        """Return how long a step the summed loss and a penalty fall along, of one at least.

        By doubling, until at most the share ``level`` of the slope at its start is left, or to
        ``longest`` steps; back to where the slope would be zero if that was too far.  The
        penalty's slope along the step is ``slope``, and changes by ``bend`` for each step.
        """
        cdef Py_ssize_t size = n_rows * self.k
        cdef double[:, ::1] rows = np.empty((5, size))      # raw, change, at, value and draw
        cdef double[::1] targets = np.empty(n_rows * self.objective.target_width())
        cdef double least, before, now, shorter = 1.0, length = 1.0
        self.raw(params, order, 0, n_rows, np.asarray(rows[0]).reshape(n_rows, self.k))
        self.raw(step, order, 0, n_rows, np.asarray(rows[1]).reshape(n_rows, self.k))
        cdef Batch batch
        batch.order = NULL if order is None else &order[0]
        batch.start, batch.size, batch.end = 0, n_rows, n_rows
        least = level * (self.slope(&batch, rows, &targets[0], 0.0) + slope)
        before = now = self.slope(&batch, rows, &targets[0], 1.0) + slope + bend
        while now < least and length < longest:
            shorter, before = length, now
            length *= 2.0
            now = self.slope(&batch, rows, &targets[0], length) + slope + length * bend
        if length > 1.0 and now > -least:
            length = shorter + (length - shorter) * before / (before - now)
        return length

    # The derivative of the summed loss by the length of the step.
    cdef double slope(self, const Batch* batch, double[:, ::1] rows, double* targets,
                      double length) except? -1.0:
        cdef double unused = 0.0
        cdef Py_ssize_t size = rows.shape[1]
        memcpy(&rows[2, 0], &rows[0, 0], size * sizeof(double))
        simd.update_d(size, length, &rows[1, 0], 1.0, &rows[2, 0])
        self.objective.evaluate(batch, &rows[2, 0], targets, &rows[3, 0], &rows[4, 0], 1.0, &unused)
        return simd.dot_d(size, &rows[4, 0], &rows[1, 0])

    cdef tuple summed(self, Work* work, const double* params, const uint32_t[::1] order,
                      Py_ssize_t start, Py_ssize_t stop, Py_ssize_t block_rows):
        cdef Py_ssize_t n_blocks = (stop - start + block_rows - 1) // block_rows, levels = 0
        while n_blocks > (<Py_ssize_t> 1) << levels:
            levels += 1
        cdef double[::1] out = np.empty(self.size)
        cdef double[::1] spare = np.empty(levels * self.size + 1)
        cdef double[::1] buffer = np.zeros(
            2 * self.k * self.stride
            + PACKED_ROWS * (3 * self.stride + 3 * self.k + self.objective.target_width()
                             + self.n_bends + 1))
        cdef double* at = &buffer[0]
        work.rows = at
        work.scaled = work.rows + PACKED_ROWS * self.stride
        work.kept = work.scaled + PACKED_ROWS * self.stride
        work.w = work.kept + PACKED_ROWS * self.stride
        work.grad = work.w + self.k * self.stride
        work.raw = work.grad + self.k * self.stride
        work.draw = work.raw + PACKED_ROWS * self.k
        work.value = work.draw + PACKED_ROWS * self.k
        work.bend = work.value + PACKED_ROWS * self.k
        work.one = work.bend + PACKED_ROWS * self.n_bends
        work.targets = work.one + PACKED_ROWS
        self.prepare(work, params)
        cdef double loss
        with nogil:
            loss = self.tree(params, order, start, stop, block_rows, &out[0], &spare[0], work)
        return loss, np.asarray(out)

    def matrices(self, const double[::1] sums, double divisor):
        """Return the second derivatives in ``sums``, whole, of shape (groups, size, size).

        A group is a raw column, or all that share a matrix; the columns of a joint loss are one
        group of size k q, column by column.  The sums are divided by ``divisor``.
        """
        cdef Py_ssize_t c, e, k = self.k, q = self.q
        cdef bint joint = self.objective.joint
        cdef Py_ssize_t size = k * q if joint else q
        cdef double[:, :, ::1] out = np.empty((self.groups, size, size))
        cdef const double* gram = &sums[self.objective.model.n_params]
        with nogil:
            for c in range(k if joint else self.groups):
                for e in range(c, k if joint else c + 1):
                    if joint:
                        self.unfold(gram, divisor, &out[0, c * q, e * q], size)
                        self.unfold(gram, divisor, &out[0, e * q, c * q], size)
                    else:
                        self.unfold(gram, divisor, &out[c, 0, 0], size)
                    gram += self.stride * self.stride
        return np.asarray(out)

    # A Gram matrix of which half is known, divided; of sparse rows, see RowsKernel.outer, both
    # halves are parts of it.
    cdef void unfold(self, const double* gram, double divisor, double* out,
                     Py_ssize_t stride) noexcept nogil:
        cdef Py_ssize_t j, l
        cdef double entry
        for j in range(self.q):
            for l in range(j, self.q):
                entry = gram[j * self.stride + l]
                if self.objective.rows.sparse:
                    entry += gram[l * self.stride + j]
                out[j * stride + l] = out[l * stride + j] = entry / divisor

    # The sums over blocks, added in the tree of sklgd/reduction.py.
    cdef double tree(self, const double* params, const uint32_t[::1] order, Py_ssize_t start,
                     Py_ssize_t stop, Py_ssize_t block_rows, double* out, double* spare,
                     Work* work) except? -1.0 nogil:
        cdef Py_ssize_t half = block_rows, e
        cdef double loss
        if stop - start <= block_rows:
            return self.leaf(params, order, start, stop, out, work)
        while 2 * half < stop - start:
            half *= 2
        loss = self.tree(params, order, start, start + half, block_rows, out, spare, work)
        loss += self.tree(
            params, order, start + half, stop, block_rows, spare, spare + self.size, work)
        for e in range(self.size):
            out[e] += spare[e]
        return loss

    cdef double leaf(self, const double* params, const uint32_t[::1] order, Py_ssize_t start,
                     Py_ssize_t stop, double* out, Work* work) except? -1.0 nogil:
        cdef Batch batch
        cdef double total = 0.0
        memset(out, 0, self.size * sizeof(double))
        memset(work.grad, 0, self.k * self.stride * sizeof(double))
        batch.order = NULL if order is None else &order[0]
        batch.start, batch.end = start, stop
        while batch.start < stop:
            batch.size = min(PACKED_ROWS, stop - batch.start)
            self.pack(&batch, work)
            if work.slopes != NULL:
                self.take_given(&batch, work)
            else:
                self.forward(&batch, params, work)
                self.objective.evaluate(
                    &batch, work.raw, work.targets, work.value, work.draw, 1.0, &total)
                self.bend(&batch, work)
            self.backward(&batch, out, work)
            if work.slopes == NULL or work.bends != NULL:
                self.add_grams(&batch, out + self.objective.model.n_params, work)
            batch.start += batch.size
        self.unpack_gradient(work, out)
        return total

    # What all packed rows share: ones for the intercept, and parameters, if any, as rows have them.
    cdef void prepare(self, Work* work, const double* params) noexcept nogil:
        cdef Py_ssize_t i, c, k = self.k, p = self.p
        if self.objective.rows.sparse:
            return
        if self.q > p:
            for i in range(PACKED_ROWS):
                work.rows[i * self.stride + p] = 1.0
        if params != NULL:
            for c in range(k):
                memcpy(work.w + c * self.stride, params + c * p, p * sizeof(double))
                if self.q > p:
                    work.w[c * self.stride + p] = params[k * p + c]

    cdef void unpack_gradient(self, const Work* work, double* grad) noexcept nogil:
        cdef Py_ssize_t c, k = self.k, p = self.p
        if self.objective.rows.sparse:
            return
        for c in range(k):
            memcpy(grad + c * p, work.grad + c * self.stride, p * sizeof(double))
            if self.q > p:
                grad[k * p + c] = work.grad[c * self.stride + p]

    # Dense rows, standardised.
    cdef void pack(self, const Batch* batch, Work* work) noexcept nogil:
        if not self.objective.rows.sparse:
            self.objective.rows.standardize(
                batch, &self.shift[0], &self.factor[0], self.stride, work.rows)

    cdef void take_given(self, const Batch* batch, Work* work) noexcept nogil:
        cdef Py_ssize_t size = batch.size * self.k
        memcpy(work.draw, work.slopes + batch.start * self.k, size * sizeof(double))
        if work.bends != NULL:
            memcpy(work.bend, work.bends + batch.start * self.k, size * sizeof(double))

    cdef void forward(self, const Batch* batch, const double* params, Work* work) noexcept nogil:
        cdef Py_ssize_t c, k = self.k, p = self.p
        if self.objective.rows.sparse:
            self.objective.rows.dot(batch, k, params, work.raw)
            if self.q > p:
                add_to_rows(batch.size, k, params + k * p, work.raw)
            return
        for c in range(k):
            packed.dot(
                batch.size, self.stride, work.rows, work.w + c * self.stride, k, work.raw + c)

    cdef void backward(self, const Batch* batch, double* grad, Work* work) noexcept nogil:
        cdef Py_ssize_t c, k = self.k, p = self.p
        if self.objective.rows.sparse:
            self.objective.rows.tdot(batch, k, work.draw, 1.0, grad)
            if self.q > p:
                add_rows(batch.size, k, work.draw, grad + k * p)
            return
        for c in range(k):
            packed.tdot(
                batch.size, self.stride, work.rows, work.draw + c, k, work.grad + c * self.stride)

    # The rows' second derivatives, weighted.  Of a loss that is not convex the positive part:
    # the model must have a minimum.
    cdef int bend(self, const Batch* batch, Work* work) except -1 nogil:
        cdef Py_ssize_t i, e, m = self.n_bends
        cdef double s
        cdef double* bend = work.bend
        if batch.size == 1 and self.k == 1:
            self.objective.gather(batch, work.targets)
        if self.objective.joint:
            self.objective.loss.hessian_joint(batch.size, self.k, work.targets, work.raw, bend)
        else:
            self.objective.loss.hessian(batch.size * self.k, work.targets, work.raw, bend)
            for e in range(batch.size * m):
                bend[e] = 0.0 if bend[e] < 0.0 else bend[e]
        if self.objective.weights != NULL:
            for i in range(batch.size):
                s = self.objective.weights[batch_row(batch, i)]
                for e in range(m):
                    bend[i * m + e] *= s
        return 0

    cdef void add_grams(self, const Batch* batch, double* h, Work* work) noexcept nogil:
        cdef Py_ssize_t c, e, k = self.k
        cdef const double* bend
        for c in range(k if self.objective.joint else self.groups):
            for e in range(c, k if self.objective.joint else c + 1):
                bend = work.bend + (c * k + e if self.objective.joint else c)
                if self.objective.rows.sparse:
                    self.add_sparse(batch, bend, h, work)
                else:
                    self.add_dense(batch, bend, h, work)
                h += self.stride * self.stride

    cdef void add_sparse(self, const Batch* batch, const double* bend, double* h,
                         Work* work) noexcept nogil:
        # half of the matrix, and half of its diagonal: see RowsKernel.outer
        cdef Py_ssize_t i
        cdef double* last = h + self.p * self.stride
        for i in range(batch.size):
            work.one[i] = bend[i * self.n_bends]
        self.objective.rows.outer(batch, work.one, self.stride, h)
        if self.q > self.p:
            self.objective.rows.tdot(batch, 1, work.one, 1.0, last)
            for i in range(batch.size):
                last[self.p] += 0.5 * work.one[i]

    cdef void add_dense(self, const Batch* batch, const double* bend, double* h,
                        Work* work) noexcept nogil:
        # rows without curvature are left out
        cdef Py_ssize_t stride = self.stride
        cdef Py_ssize_t m = packed.scale(
            batch.size, stride, work.rows, bend, self.n_bends, work.kept, work.scaled)
        packed.gram(m, stride, stride, work.scaled, work.rows if m == batch.size else work.kept, h)
