"""Rows of a CSR X, float32 or float64, int32 or int64 indices.

Shuffled rows are asked for a few batches ahead, since the processor cannot guess them.
"""
cimport cython

import numpy as np
from scipy.sparse import csr_array

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free

from ..base cimport Batch, Drift, Lazy, RowsKernel, Touch, address_of, batch_row, positions
from ..simd cimport simd, simd_init, simd_prefetch_far, simd_prefetch_line
from .entries cimport cross_functions, cross_table, csr_functions, csr_table, square

simd_init()

# How many shuffled rows ahead are fetched, measured with benchmarks/epoch.py.
cdef Py_ssize_t ROWS_AHEAD = 4


cdef struct Entries:
    const char* data
    const char* indices
    Py_ssize_t size


@cython.final
cdef class CSRRows(RowsKernel):
    """The three arrays of a CSR matrix: float32 or float64 data, int32 or int64 indices."""
    cdef object matrix
    cdef const char* data
    cdef const char* indices
    cdef const void* indptr
    cdef const csr_table* types
    cdef const csr_table* touched   # ... with the indices of a list of features, which are int32
    cdef const cross_table* cross
    cdef const cross_table* touched_cross
    cdef bint wide      # int64 indices
    cdef double* sums   # one for each feature, zeros between rows; made when it is needed

    def __dealloc__(self):
        free(self.sums)

    def __init__(self, matrix):
        self.single = matrix.data.dtype == np.float32
        self.wide = matrix.indices.dtype == np.int64
        itype = np.int64 if self.wide else np.int32
        self.types = csr_functions(self.single, self.wide)
        self.touched = csr_functions(self.single, False)
        self.cross = cross_functions(self.single, True, self.wide)
        self.touched_cross = cross_functions(self.single, True, False)
        self.data = <const char*> address_of(matrix.data, np.float32 if self.single else np.float64)
        self.indices = <const char*> address_of(matrix.indices, itype)
        self.indptr = address_of(matrix.indptr, itype)
        self.matrix = (matrix.data, matrix.indices, matrix.indptr)
        self.sparse = True
        self.n_rows, self.n_features = matrix.shape

    cdef object take(self, const Batch* batch):
        rows = csr_array(self.matrix, shape=(self.n_rows, self.n_features))[positions(batch)]
        rows.data.flags.writeable = rows.indices.flags.writeable = False
        return rows

    # The batch's row number i: where its entries begin, and how many they are.
    cdef inline Entries row(self, const Batch* batch, Py_ssize_t i) noexcept nogil:
        cdef Py_ssize_t r = batch_row(batch, i), start
        cdef Entries row
        if self.wide:
            start = (<const int64_t*> self.indptr)[r]
            row.size = (<const int64_t*> self.indptr)[r + 1] - start
        else:
            start = (<const int32_t*> self.indptr)[r]
            row.size = (<const int32_t*> self.indptr)[r + 1] - start
        row.data = self.data + start * self.types.data_bytes
        row.indices = self.indices + start * self.types.index_bytes
        return row

    # Rows are fetched ahead in any order: a processor that reads along by itself does not see the
    # next row's beginning in time, so short are they.
    cdef inline void fetch_ahead(self, const Batch* batch, Py_ssize_t i) noexcept nogil:
        cdef Entries row
        cdef Py_ssize_t ahead = batch.start + i + ROWS_AHEAD, further = ahead + ROWS_AHEAD
        if ahead < batch.end:
            row = self.row(batch, i + ROWS_AHEAD)
            simd_prefetch_far(row.indices, row.size * self.types.index_bytes)
            simd_prefetch_far(row.data, row.size * self.types.data_bytes)
        if batch.order != NULL and further < batch.end:
            # where a row begins is a read of its own
            simd_prefetch_line(
                <const char*> self.indptr + batch.order[further] * self.types.index_bytes)

    # The same for what is kept of the next row's features.
    cdef inline void fetch_marks(self, const Batch* batch, Py_ssize_t i,
                                 const Touch* touch) noexcept nogil:
        cdef Entries row
        if batch.start + i + 1 < batch.end:
            row = self.row(batch, i + 1)
            self.types.fetch(row.indices, row.size, touch)

    cdef double row_square(self, const Batch* batch) noexcept nogil:
        cdef Entries row = self.row(batch, 0)
        cdef Py_ssize_t j
        for j in range(1, row.size):
            if self.feature(&row, j) <= self.feature(&row, j - 1):
                return self.square_of_sums(&row)
        return square(row.data, row.size, self.types.data_bytes == sizeof(float))

    # The same where two entries may name one feature: they add up before they are squared.
    cdef double square_of_sums(self, const Entries* row) noexcept nogil:
        cdef double total = 0.0
        cdef Py_ssize_t j
        if self.sums == NULL:
            self.sums = <double*> calloc(self.n_features, sizeof(double))
        if self.sums == NULL:   # no memory: as if they were apart
            return square(row.data, row.size, self.single)
        for j in range(row.size):
            self.sums[self.feature(row, j)] += (
                (<const float*> row.data)[j] if self.single else (<const double*> row.data)[j])
        for j in range(row.size):
            total += self.sums[self.feature(row, j)] ** 2
            self.sums[self.feature(row, j)] = 0.0
        return total

    cdef inline Py_ssize_t feature(self, const Entries* row, Py_ssize_t j) noexcept nogil:
        return (<const int64_t*> row.indices)[j] if self.wide else (<const int32_t*> row.indices)[j]

    cdef void dot(self, const Batch* batch, Py_ssize_t k, const double* w,
                  double* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef Entries row
        for i in range(batch.size):
            self.fetch_ahead(batch, i)
            row = self.row(batch, i)
            self.types.dot(row.data, row.indices, row.size, k, self.n_features, w, raw + i * k)

    cdef void tdot(self, const Batch* batch, Py_ssize_t k, const double* draw, double shrink,
                   double* w) noexcept nogil:
        cdef Py_ssize_t i
        cdef Entries row
        if shrink != 1.0:
            for i in range(k * self.n_features):
                w[i] *= shrink
        for i in range(batch.size):
            row = self.row(batch, i)
            self.types.tdot(row.data, row.indices, row.size, k, self.n_features, draw + i * k, w)

    cdef void outer(self, const Batch* batch, const double* bend, Py_ssize_t q,
                    double* h) noexcept nogil:
        cdef Py_ssize_t i
        cdef Entries row
        for i in range(batch.size):
            if bend[i] != 0.0:
                self.fetch_ahead(batch, i)
                row = self.row(batch, i)
                self.types.outer(row.data, row.indices, row.size, bend[i], q, h)

    cdef void lazy_dot(self, const Batch* batch, Lazy* w, double* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef Entries row
        for i in range(batch.size):
            self.fetch_ahead(batch, i)
            row = self.row(batch, i)
            self.types.lazy_dot(row.data, row.indices, row.size, w, raw + i * w.k)

    cdef void lazy_tdot(self, const Batch* batch, const double* draw, Lazy* w) noexcept nogil:
        cdef Py_ssize_t i
        cdef Entries row
        for i in range(batch.size):
            row = self.row(batch, i)
            self.types.lazy_tdot(row.data, row.indices, row.size, draw + i * w.k, w)

    cdef void cross_dot(self, const Batch* batch, Py_ssize_t k, Py_ssize_t f, const double* w,
                        double* sums, double* raw) noexcept nogil:
        cdef Py_ssize_t i, c, p = self.n_features
        cdef Entries row
        for i in range(batch.size):
            row = self.row(batch, i)
            for c in range(i * k, i * k + k):
                raw[c] += self.cross.dot(
                    row.data, row.indices, row.size, f, p, w + (c - i * k) * f * p, sums + c * f)

    cdef void cross_tdot(self, const Batch* batch, Py_ssize_t k, Py_ssize_t f, const double* draw,
                         const double* sums, const double* w, double* grad) noexcept nogil:
        cdef Py_ssize_t i, c, at, p = self.n_features
        cdef Entries row
        for i in range(batch.size):
            row = self.row(batch, i)
            for c in range(i * k, i * k + k):
                at = (c - i * k) * f * p
                self.cross.tdot(row.data, row.indices, row.size, f, p, draw[c], sums + c * f,
                                w + at, grad + at)

    cdef void pairs_dot(self, const Batch* batch, Py_ssize_t k, const double* w,
                        double* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef Entries row
        for i in range(batch.size):
            self.fetch_ahead(batch, i)
            row = self.row(batch, i)
            self.types.pairs_dot(
                row.data, row.indices, row.size, k, self.n_features, w, raw + 2 * i * k)

    cdef void pairs_tdot(self, const Batch* batch, Py_ssize_t k, const double* draw,
                         double* w) noexcept nogil:
        cdef Py_ssize_t i
        cdef Entries row
        for i in range(batch.size):
            row = self.row(batch, i)
            self.types.pairs_tdot(
                row.data, row.indices, row.size, k, self.n_features, draw + 2 * i * k, w)

    cdef void drift_dot(self, const Batch* batch, const Drift* w, double* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef Entries row
        for i in range(batch.size):
            self.fetch_ahead(batch, i)
            row = self.row(batch, i)
            self.types.drift_dot(row.data, row.indices, row.size, w, raw + i * w.k)

    cdef void drift_tdot(self, const Batch* batch, const double* draw,
                         const Drift* w) noexcept nogil:
        cdef Py_ssize_t i
        cdef Entries row
        for i in range(batch.size):
            row = self.row(batch, i)
            self.types.drift_tdot(row.data, row.indices, row.size, draw + 2 * i * w.k, w)

    cdef void mix(self, const Batch* batch, Py_ssize_t k, const double* factor, const double* w,
                  double* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef Entries row
        for i in range(batch.size):
            self.fetch_ahead(batch, i)
            row = self.row(batch, i)
            self.types.mix(row.data, row.indices, row.size, k, factor, w, raw + i * k)

    cdef void tmix(self, const Batch* batch, Py_ssize_t k, const double* factor, const double* draw,
                   double* w) noexcept nogil:
        cdef Py_ssize_t i
        cdef Entries row
        for i in range(batch.size):
            row = self.row(batch, i)
            self.types.tmix(row.data, row.indices, row.size, k, factor, draw + i * k, w)

    cdef Py_ssize_t n_entries(self, const Batch* batch) noexcept nogil:
        cdef Py_ssize_t i, total = 0
        for i in range(batch.size):
            total += self.row(batch, i).size
        return total

    cdef void touch(self, const Batch* batch, Touch* touch) noexcept nogil:
        cdef Py_ssize_t i
        cdef Entries row
        cdef int32_t* where = touch.where
        touch.count = 0
        touch.in_order = False
        if batch.size == 1:
            self.fetch_ahead(batch, 0)
            self.fetch_marks(batch, 0, touch)
            row = self.row(batch, 0)
            touch.in_order = self.types.in_order(row.indices, row.size, touch.features)
            if touch.in_order:
                touch.count = row.size
                return
        for i in range(batch.size):
            self.fetch_ahead(batch, i)
            self.fetch_marks(batch, i, touch)
            row = self.row(batch, i)
            self.types.touch(row.indices, row.size, touch, where)
            where += row.size

    cdef void touched_dot(self, const Batch* batch, const Touch* touch, Py_ssize_t k,
                          const double* w, double* raw) noexcept nogil:
        cdef Py_ssize_t i, c
        cdef Entries row
        cdef const int32_t* where = touch.where
        if touch.in_order:
            row = self.row(batch, 0)
            for c in range(k):
                if self.single:
                    raw[c] = simd.dot_f(row.size, <const float*> row.data, w + c * touch.count)
                else:
                    raw[c] = simd.dot_d(row.size, <const double*> row.data, w + c * touch.count)
            return
        for i in range(batch.size):
            row = self.row(batch, i)
            self.touched.dot(row.data, where, row.size, k, touch.count, w, raw + i * k)
            where += row.size

    cdef void touched_tdot(self, const Batch* batch, const Touch* touch, Py_ssize_t k,
                           const double* draw, double* w) noexcept nogil:
        cdef Py_ssize_t i, c
        cdef Entries row
        cdef const int32_t* where = touch.where
        if touch.in_order:
            row = self.row(batch, 0)
            for c in range(k):
                if self.single:
                    simd.update_f(row.size, draw[c], <const float*> row.data, 1.0, w)
                else:
                    simd.update_d(row.size, draw[c], <const double*> row.data, 1.0, w)
                w += touch.count
            return
        for i in range(batch.size):
            row = self.row(batch, i)
            self.touched.tdot(row.data, where, row.size, k, touch.count, draw + i * k, w)
            where += row.size

    cdef void touched_cross_dot(self, const Batch* batch, const Touch* touch, Py_ssize_t k,
                                Py_ssize_t f, const double* w, double* sums,
                                double* raw) noexcept nogil:
        cdef Py_ssize_t i, c, p = touch.count
        cdef Entries row
        cdef const int32_t* where = touch.where
        for i in range(batch.size):
            row = self.row(batch, i)
            for c in range(i * k, i * k + k):
                raw[c] += self.touched_cross.dot(
                    row.data, where, row.size, f, p, w + (c - i * k) * f * p, sums + c * f)
            where += row.size

    cdef void touched_cross_tdot(self, const Batch* batch, const Touch* touch, Py_ssize_t k,
                                 Py_ssize_t f, const double* draw, const double* sums,
                                 const double* w, double* grad) noexcept nogil:
        cdef Py_ssize_t i, c, at, p = touch.count
        cdef Entries row
        cdef const int32_t* where = touch.where
        for i in range(batch.size):
            row = self.row(batch, i)
            for c in range(i * k, i * k + k):
                at = (c - i * k) * f * p
                self.touched_cross.tdot(
                    row.data, where, row.size, f, p, draw[c], sums + c * f, w + at, grad + at)
            where += row.size


ctypedef fused index:
    int32_t
    int64_t


def has_valid_indices(const index[::1] indices, const index[::1] indptr, Py_ssize_t n_features):
    """Whether rows lie within ``indices``, one after the other, and indices within the features."""
    cdef Py_ssize_t i, nonzeros = indices.shape[0]
    cdef index bad = 0, top = <index> n_features    # of the indices' own type: twice as fast
    if indptr.shape[0] == 0 or indptr[0] != 0 or indptr[indptr.shape[0] - 1] > nonzeros:
        return False
    with nogil:
        for i in range(indptr.shape[0] - 1):
            bad |= indptr[i] > indptr[i + 1]
        for i in range(nonzeros):
            bad |= (indices[i] < 0) | (indices[i] >= top)
    return bad == 0
