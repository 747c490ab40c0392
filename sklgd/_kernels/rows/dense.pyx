"""Rows of a dense X, float32 or float64.

Shuffled rows are asked for a few batches ahead, since the processor cannot guess them.
"""
cimport cython

import numpy as np

from libc.stdint cimport uint32_t
from libc.string cimport memset

from ..base cimport Batch, RowsKernel, address_of, batch_row, positions
from ..packed cimport packed, packed_init
from ..simd cimport simd, simd_init, simd_prefetch, simd_prefetch_far
from .entries cimport cross_functions, cross_table, square

simd_init()
packed_init()

ctypedef fused real:
    float
    double

# How far ahead shuffled rows are fetched from memory, measured with benchmarks/epoch.py: so many
# bytes, in 4 to 16 rows.
cdef Py_ssize_t BYTES_AHEAD = 16384
# Those whose lengths are between these are asked for again when they are near; for shorter ones
# that takes as long as it saves, and of longer ones the processor sees by itself what comes.  Nor
# are two of these looked at in one step.
cdef Py_ssize_t SHORT_ROW = 192
cdef Py_ssize_t LONG_ROW = 2048
cdef Py_ssize_t NEAR = 4


def instruction_set():
    """Name the instruction set that the vector primitives run on here."""
    return simd.name.decode()


@cython.final
cdef class DenseRows(RowsKernel):
    """A C-ordered two-dimensional array of float32 or float64."""
    cdef object array
    cdef const char* data
    cdef const cross_table* cross
    cdef Py_ssize_t row_bytes
    cdef Py_ssize_t far     # how many rows ahead they are fetched
    cdef bint again

    def __init__(self, array):
        self.single = array.dtype == np.float32
        self.data = <const char*> address_of(array, np.float32 if self.single else np.float64)
        self.cross = cross_functions(self.single, False, False)
        self.array = array
        self.n_rows, self.n_features = array.shape
        self.row_bytes = array.shape[1] * array.dtype.itemsize
        self.advances = self.row_bytes <= LONG_ROW
        self.far = min(16, max(4, BYTES_AHEAD // max(self.row_bytes, 1)))
        self.again = SHORT_ROW <= self.row_bytes <= LONG_ROW

    cdef object take(self, const Batch* batch):
        rows = self.array[positions(batch)]
        rows.flags.writeable = False
        return rows

    cdef inline void fetch_ahead(self, const Batch* batch, Py_ssize_t i) noexcept nogil:
        cdef Py_ssize_t far = batch.start + i + self.far, near = batch.start + i + NEAR
        if batch.order == NULL:
            return
        if far < batch.end:
            simd_prefetch_far(self.data + batch.order[far] * self.row_bytes, self.row_bytes)
        if self.again and near < batch.end:
            simd_prefetch(self.data + batch.order[near] * self.row_bytes, self.row_bytes)

    # Rows of the batch behind this one, in the place of its rows i to i + m: they come while those
    # of this batch, which are in the cache, are summed.
    cdef inline void fetch_following(self, const Batch* batch, Py_ssize_t i,
                                     Py_ssize_t m) noexcept nogil:
        cdef Py_ssize_t first = batch.start + batch.size + i
        if batch.order == NULL and first + m <= batch.end:
            simd_prefetch(self.data + first * self.row_bytes, m * self.row_bytes)

    cdef double row_dot(self, const Batch* batch, const double* w) noexcept nogil:
        cdef const char* row = self.data + batch_row(batch, 0) * self.row_bytes
        self.fetch_ahead(batch, 0)
        if self.single:
            return simd.dot_f(self.n_features, <const float*> row, w)
        return simd.dot_d(self.n_features, <const double*> row, w)

    cdef void row_tdot(self, const Batch* batch, double draw, double shrink,
                       double* w) noexcept nogil:
        cdef const char* row = self.data + batch_row(batch, 0) * self.row_bytes
        if draw == 0.0 and shrink == 1.0:
            return
        if self.single:
            simd.update_f(self.n_features, draw, <const float*> row, shrink, w)
        else:
            simd.update_d(self.n_features, draw, <const double*> row, shrink, w)

    cdef double row_advance(self, const Batch* batch, double draw, double shrink, double* w,
                            double* cross) noexcept nogil:
        cdef const char* row = self.data + batch_row(batch, 0) * self.row_bytes
        cdef const char* between = self.data + batch_row(batch, 1) * self.row_bytes
        cdef const char* next = self.data + batch_row(batch, 2) * self.row_bytes
        self.fetch_ahead(batch, 2)
        if self.single:
            return simd.advance_f(self.n_features, draw, <const float*> row, shrink, w,
                                  <const float*> between, <const float*> next, cross)
        return simd.advance_d(self.n_features, draw, <const double*> row, shrink, w,
                              <const double*> between, <const double*> next, cross)

    # Where the four rows from the batch's row i on are.
    cdef inline void four_rows(self, const Batch* batch, Py_ssize_t i,
                               const char** x) noexcept nogil:
        cdef Py_ssize_t r
        for r in range(4):
            x[r] = self.data + batch_row(batch, i + r) * self.row_bytes

    cdef double row_square(self, const Batch* batch) noexcept nogil:
        cdef const char* row = self.data + batch_row(batch, 0) * self.row_bytes
        return square(row, self.n_features, self.single)

    cdef void dot(self, const Batch* batch, Py_ssize_t k, const double* w,
                  double* raw) noexcept nogil:
        cdef Py_ssize_t i = 0, r
        cdef const char* x[4]
        while i + 4 <= batch.size:
            for r in range(4):
                self.fetch_ahead(batch, i + r)
            self.four_rows(batch, i, x)
            self.dot_four(x, k, w, raw + i * k)
            i += 4
        while i < batch.size:
            self.fetch_ahead(batch, i)
            x[0] = self.data + batch_row(batch, i) * self.row_bytes
            if self.single:
                dense_dot[float](self.n_features, <const float*> x[0], k, w, raw + i * k)
            else:
                dense_dot[double](self.n_features, <const double*> x[0], k, w, raw + i * k)
            i += 1

    # raw[r, c] = x[r] . w[c] for four rows.
    cdef void dot_four(self, const char** x, Py_ssize_t k, const double* w,
                       double* raw) noexcept nogil:
        cdef Py_ssize_t c = 0, r, p = self.n_features
        cdef double[4] sums
        while c + 4 <= k:
            if self.single:
                simd.rows4_dot4_f(p, <const float**> x, w + c * p, k, raw + c)
            else:
                simd.rows4_dot4_d(p, <const double**> x, w + c * p, k, raw + c)
            c += 4
        while c < k:
            if self.single:
                simd.rows4_dot_f(p, <const float**> x, w + c * p, sums)
            else:
                simd.rows4_dot_d(p, <const double**> x, w + c * p, sums)
            for r in range(4):
                raw[r * k + c] = sums[r]
            c += 1

    cdef void tdot(self, const Batch* batch, Py_ssize_t k, const double* draw, double shrink,
                   double* w) noexcept nogil:
        cdef Py_ssize_t i = 0, c, r, m, p = self.n_features
        cdef double a
        cdef const char* x[64]
        while i + 4 <= batch.size:
            m = 4 if k == 1 else min(64, batch.size - i)
            for r in range(m):
                x[r] = self.data + batch_row(batch, i + r) * self.row_bytes
            self.fetch_following(batch, i, m)
            if k == 1 and self.single:
                simd.rows4_update_f(p, draw + i, <const float**> x, shrink, w)
            elif k == 1:
                simd.rows4_update_d(p, draw + i, <const double**> x, shrink, w)
            elif self.single:
                simd.rows_update_f(m, p, k, <const float**> x, draw + i * k, shrink, w)
            else:
                simd.rows_update_d(m, p, k, <const double**> x, draw + i * k, shrink, w)
            shrink = 1.0
            i += m
        while i < batch.size:
            x[0] = self.data + batch_row(batch, i) * self.row_bytes
            for c in range(k):
                a = draw[i * k + c]
                if a == 0.0 and shrink == 1.0:
                    continue
                if self.single:
                    simd.update_f(p, a, <const float*> x[0], shrink, w + c * p)
                else:
                    simd.update_d(p, a, <const double*> x[0], shrink, w + c * p)
            shrink = 1.0
            i += 1

    cdef void cross_dot(self, const Batch* batch, Py_ssize_t k, Py_ssize_t f, const double* w,
                        double* sums, double* raw) noexcept nogil:
        cdef Py_ssize_t i, c, p = self.n_features
        cdef const char* row
        for i in range(batch.size):
            row = self.data + batch_row(batch, i) * self.row_bytes
            for c in range(i * k, i * k + k):
                raw[c] += self.cross.dot(row, NULL, p, f, p, w + (c - i * k) * f * p, sums + c * f)

    cdef void cross_tdot(self, const Batch* batch, Py_ssize_t k, Py_ssize_t f, const double* draw,
                         const double* sums, const double* w, double* grad) noexcept nogil:
        cdef Py_ssize_t i, c, at, p = self.n_features
        cdef const char* row
        for i in range(batch.size):
            row = self.data + batch_row(batch, i) * self.row_bytes
            for c in range(i * k, i * k + k):
                at = (c - i * k) * f * p
                self.cross.tdot(row, NULL, p, f, p, draw[c], sums + c * f, w + at, grad + at)

    cdef void standardize(self, const Batch* batch, const double* shift, const double* factor,
                          Py_ssize_t stride, double* out) noexcept nogil:
        cdef const uint32_t* order = NULL if batch.order == NULL else batch.order + batch.start
        cdef const char* first = self.data + (batch.start if order == NULL else 0) * self.row_bytes
        if self.single:
            packed.pack_f(batch.size, self.n_features, first, self.row_bytes, order, shift, factor,
                          stride, out)
        else:
            packed.pack_d(batch.size, self.n_features, first, self.row_bytes, order, shift, factor,
                          stride, out)

    cdef void mix(self, const Batch* batch, Py_ssize_t k, const double* factor, const double* w,
                  double* raw) noexcept nogil:
        cdef Py_ssize_t i, j
        cdef const char* row
        memset(raw, 0, batch.size * k * sizeof(double))
        for i in range(batch.size):
            self.fetch_ahead(batch, i)
            row = self.data + batch_row(batch, i) * self.row_bytes
            for j in range(self.n_features):
                simd.update_d(k, self.entry(row, j, factor), w + j * k, 1.0, raw + i * k)

    cdef void tmix(self, const Batch* batch, Py_ssize_t k, const double* factor, const double* draw,
                   double* w) noexcept nogil:
        cdef Py_ssize_t i, j
        cdef const char* row
        for i in range(batch.size):
            row = self.data + batch_row(batch, i) * self.row_bytes
            for j in range(self.n_features):
                simd.update_d(k, self.entry(row, j, factor), draw + i * k, 1.0, w + j * k)

    cdef inline double entry(self, const char* row, Py_ssize_t j,
                             const double* factor) noexcept nogil:
        cdef double x = (<const float*> row)[j] if self.single else (<const double*> row)[j]
        return x if factor == NULL else factor[j] * x

    cdef void gather(self, const Batch* batch, const double* shift, const double* factor, void* out,
                     bint single, Py_ssize_t more, const void** rows) noexcept nogil:
        cdef Py_ssize_t i, p = self.n_features, size = sizeof(float) if single else sizeof(double)
        cdef const char* row
        cdef char* to
        if factor == NULL and single == self.single:
            for i in range(batch.size + more):
                if i < batch.size or batch.start + i < batch.end:
                    rows[i] = self.data + batch_row(batch, i) * self.row_bytes
                else:
                    rows[i] = rows[i - 1]
            return
        for i in range(batch.size + more):
            rows[i] = <const char*> out + min(i, batch.size - 1) * p * size
        for i in range(batch.size):
            self.fetch_ahead(batch, i)
            row = self.data + batch_row(batch, i) * self.row_bytes
            to = <char*> out + i * p * size
            if single and self.single:
                copy_row[float, float](p, <const float*> row, shift, factor, <float*> to)
            elif single:
                copy_row[double, float](p, <const double*> row, shift, factor, <float*> to)
            elif self.single:
                copy_row[float, double](p, <const float*> row, shift, factor, <double*> to)
            else:
                copy_row[double, double](p, <const double*> row, shift, factor, <double*> to)


ctypedef fused copied:
    float
    double


cdef inline void copy_row(Py_ssize_t p, const real* row, const double* shift, const double* factor,
                          copied* out) noexcept nogil:
    cdef Py_ssize_t j
    if factor == NULL:
        for j in range(p):
            out[j] = <copied> row[j]
    elif shift == NULL:
        for j in range(p):
            out[j] = <copied> (factor[j] * row[j])
    else:
        for j in range(p):
            out[j] = <copied> (factor[j] * (row[j] - shift[j]))


cdef inline void dense_dot(Py_ssize_t p, const real* row, Py_ssize_t k, const double* w,
                           double* raw) noexcept nogil:
    cdef Py_ssize_t c = 0
    while c + 4 <= k:
        if real is float:
            simd.dot4_f(p, row, w + c * p, raw + c)
        else:
            simd.dot4_d(p, row, w + c * p, raw + c)
        c += 4
    while c < k:
        if real is float:
            raw[c] = simd.dot_f(p, row, w + c * p)
        else:
            raw[c] = simd.dot_d(p, row, w + c * p)
        c += 1
