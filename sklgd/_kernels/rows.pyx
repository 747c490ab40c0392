"""X, dense or CSR, float32 or float64, int32 or int64 indices: the one place that knows.

Nothing is copied: the kernels hold pointers into the caller's arrays, which they keep alive.
Shuffled rows are asked for a few batches ahead, since the processor cannot guess them.
"""
cimport cython

import numpy as np
from scipy.sparse import csr_array

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from .base cimport Batch, Drift, Lazy, RowsKernel, Touch, batch_row
from .simd cimport simd, simd_init, simd_prefetch

simd_init()

cdef extern from "csr.h" nogil:
    ctypedef struct csr_table:
        Py_ssize_t data_bytes
        Py_ssize_t index_bytes
        void (*dot)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t k, Py_ssize_t p,
                    const double* w, double* raw) noexcept nogil
        void (*tdot)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t k, Py_ssize_t p,
                     const double* draw, double* w) noexcept nogil
        void (*outer)(const void* data, const void* indices, Py_ssize_t size, double bend, Py_ssize_t q,
                      double* h) noexcept nogil
        void (*lazy_dot)(const void* data, const void* indices, Py_ssize_t size, const Lazy* w,
                         double* raw) noexcept nogil
        void (*lazy_tdot)(const void* data, const void* indices, Py_ssize_t size, const double* draw,
                          Lazy* w) noexcept nogil
        void (*pairs_dot)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t k,
                          Py_ssize_t p, const double* w, double* raw) noexcept nogil
        void (*pairs_tdot)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t k,
                           Py_ssize_t p, const double* draw, double* w) noexcept nogil
        void (*drift_dot)(const void* data, const void* indices, Py_ssize_t size, const Drift* w,
                          double* raw) noexcept nogil
        void (*drift_tdot)(const void* data, const void* indices, Py_ssize_t size, const double* draw,
                           const Drift* w) noexcept nogil
        void (*mix)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t k,
                    const double* factor, const double* w, double* raw) noexcept nogil
        void (*tmix)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t k,
                     const double* factor, const double* draw, double* w) noexcept nogil
        int (*in_order)(const void* indices, Py_ssize_t size, int32_t* features) noexcept nogil
        void (*fetch)(const void* indices, Py_ssize_t size, const Touch* touch) noexcept nogil
        void (*touch)(const void* indices, Py_ssize_t size, Touch* touch, int32_t* where) noexcept nogil
    const csr_table* csr_functions(int single, int wide)

cdef extern from "cross.h" nogil:
    ctypedef struct cross_table:
        double (*dot)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t f, Py_ssize_t p,
                      const double* v, double* sums) noexcept nogil
        void (*tdot)(const void* data, const void* indices, Py_ssize_t size, Py_ssize_t f, Py_ssize_t p,
                     double draw, const double* sums, const double* v, double* grad) noexcept nogil
    const cross_table* cross_functions(int single, int sparse, int wide)

ctypedef fused real:
    float
    double

# How far ahead shuffled rows are fetched, measured with benchmarks/epoch.py: so many bytes, in 4 to
# 16 rows; of a long row the next one, bit by bit while this one is read, since more requests
# than the processor can queue would hold up the reading.
cdef Py_ssize_t BYTES_AHEAD = 8192
cdef Py_ssize_t LONG_ROW = 2048
cdef Py_ssize_t SPARSE_ROWS_AHEAD = 4


def instruction_set():
    """Name the instruction set that the vector primitives run on here."""
    return simd.name.decode()


cdef object _positions(const Batch* batch):
    # The rows of a batch as an index of an array.
    if batch.order == NULL:
        return slice(batch.start, batch.start + batch.size)
    return np.asarray(<const uint32_t[:batch.size]> (batch.order + batch.start))


cdef const void* _pointer(array, dtype) except? NULL:
    # The address of a well-formed array's data; read-only is fine.
    if array.dtype != dtype or not (array.flags.c_contiguous and array.flags.aligned):
        raise ValueError(f"need an aligned C-contiguous {dtype} array, got {array.dtype} "
                         f"with flags\n{array.flags}")
    return <const void*> <size_t> array.ctypes.data


cdef double square(const char* row, Py_ssize_t n, bint single) noexcept nogil:
    # |x|^2 of contiguous entries
    cdef Py_ssize_t j
    cdef double total = 0.0
    if not single:
        return simd.dot_d(n, <const double*> row, <const double*> row)
    for j in range(n):
        total += (<const float*> row)[j] * <double> (<const float*> row)[j]
    return total


@cython.final
cdef class DenseRows(RowsKernel):
    """A C-ordered two-dimensional array of float32 or float64."""
    cdef object array
    cdef const char* data
    cdef const cross_table* cross
    cdef Py_ssize_t row_bytes
    cdef Py_ssize_t ahead
    cdef bint long_rows

    def __init__(self, array):
        self.single = array.dtype == np.float32
        self.data = <const char*> _pointer(array, np.float32 if self.single else np.float64)
        self.cross = cross_functions(self.single, False, False)
        self.array = array
        self.n_rows, self.n_features = array.shape
        self.row_bytes = array.shape[1] * array.dtype.itemsize
        self.long_rows = self.row_bytes > LONG_ROW
        self.ahead = min(16, max(4, BYTES_AHEAD // max(self.row_bytes, 1)))

    cdef object take(self, const Batch* batch):
        rows = self.array[_positions(batch)]
        rows.flags.writeable = False
        return rows

    cdef inline void fetch_ahead(self, const Batch* batch, Py_ssize_t i) noexcept nogil:
        cdef Py_ssize_t ahead = batch.start + i + self.ahead
        if batch.order != NULL and ahead < batch.end:
            simd_prefetch(self.data + batch.order[ahead] * self.row_bytes, self.row_bytes)

    cdef double row_dot(self, const Batch* batch, const double* w) noexcept nogil:
        cdef const char* row = self.data + batch_row(batch, 0) * self.row_bytes
        cdef const char* next
        if self.long_rows and batch.order != NULL and batch.start + 1 < batch.end:
            next = self.data + batch_row(batch, 1) * self.row_bytes
            if self.single:
                return simd.dot_ahead_f(self.n_features, <const float*> row, w, <const float*> next)
            return simd.dot_ahead_d(self.n_features, <const double*> row, w, <const double*> next)
        self.fetch_ahead(batch, 0)
        if self.single:
            return simd.dot_f(self.n_features, <const float*> row, w)
        return simd.dot_d(self.n_features, <const double*> row, w)

    cdef void row_tdot(self, const Batch* batch, double draw, double shrink, double* w) noexcept nogil:
        cdef const char* row = self.data + batch_row(batch, 0) * self.row_bytes
        if draw == 0.0 and shrink == 1.0:
            return
        if self.single:
            simd.update_f(self.n_features, draw, <const float*> row, shrink, w)
        else:
            simd.update_d(self.n_features, draw, <const double*> row, shrink, w)

    # Where the four rows from the batch's row i on are.
    cdef inline void four_rows(self, const Batch* batch, Py_ssize_t i, const char** x) noexcept nogil:
        cdef Py_ssize_t r
        for r in range(4):
            x[r] = self.data + batch_row(batch, i + r) * self.row_bytes

    cdef double row_square(self, const Batch* batch) noexcept nogil:
        cdef const char* row = self.data + batch_row(batch, 0) * self.row_bytes
        return square(row, self.n_features, self.single)

    cdef void dot(self, const Batch* batch, Py_ssize_t k, const double* w, double* raw) noexcept nogil:
        cdef Py_ssize_t i = 0, r, p = self.n_features
        cdef const char* x[4]
        while k == 1 and i + 4 <= batch.size:
            for r in range(4):
                self.fetch_ahead(batch, i + r)
            self.four_rows(batch, i, x)
            if self.single:
                simd.rows4_dot_f(p, <const float**> x, w, raw + i)
            else:
                simd.rows4_dot_d(p, <const double**> x, w, raw + i)
            i += 4
        while i < batch.size:
            self.fetch_ahead(batch, i)
            x[0] = self.data + batch_row(batch, i) * self.row_bytes
            if self.single:
                dense_dot[float](p, <const float*> x[0], k, w, raw + i * k)
            else:
                dense_dot[double](p, <const double*> x[0], k, w, raw + i * k)
            i += 1

    cdef void tdot(self, const Batch* batch, Py_ssize_t k, const double* draw, double shrink,
                   double* w) noexcept nogil:
        cdef Py_ssize_t i = 0, c, p = self.n_features
        cdef double a
        cdef const char* x[4]
        while k == 1 and i + 4 <= batch.size:
            self.four_rows(batch, i, x)
            if self.single:
                simd.rows4_update_f(p, draw + i, <const float**> x, shrink, w)
            else:
                simd.rows4_update_d(p, draw + i, <const double**> x, shrink, w)
            shrink = 1.0
            i += 4
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

    cdef void cross_dot(self, const Batch* batch, Py_ssize_t k, Py_ssize_t f, const double* w, double* sums,
                        double* raw) noexcept nogil:
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
        cdef Py_ssize_t i
        cdef const char* row
        for i in range(batch.size):
            row = self.data + batch_row(batch, i) * self.row_bytes
            if self.single:
                standardize[float](self.n_features, <const float*> row, shift, factor, out)
            else:
                standardize[double](self.n_features, <const double*> row, shift, factor, out)
            out += stride

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

    cdef inline double entry(self, const char* row, Py_ssize_t j, const double* factor) noexcept nogil:
        cdef double x = (<const float*> row)[j] if self.single else (<const double*> row)[j]
        return x if factor == NULL else factor[j] * x

    cdef void gather(self, const Batch* batch, const double* shift, const double* factor, void* out,
                     bint single) noexcept nogil:
        cdef Py_ssize_t i, p = self.n_features
        cdef const char* row
        for i in range(batch.size):
            self.fetch_ahead(batch, i)
            row = self.data + batch_row(batch, i) * self.row_bytes
            if single and self.single:
                copy_row[float, float](p, <const float*> row, shift, factor, <float*> out + i * p)
            elif single:
                copy_row[double, float](p, <const double*> row, shift, factor, <float*> out + i * p)
            elif self.single:
                copy_row[float, double](p, <const float*> row, shift, factor, <double*> out + i * p)
            else:
                copy_row[double, double](p, <const double*> row, shift, factor, <double*> out + i * p)


cdef inline void standardize(Py_ssize_t p, const real* row, const double* shift,
                             const double* factor, double* out) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(p):
        out[j] = (<double> row[j] - shift[j]) * factor[j]


ctypedef fused copied:
    float
    double


cdef inline void copy_row(Py_ssize_t p, const real* row, const double* shift, const double* factor,
                          copied* out) noexcept nogil:
    cdef Py_ssize_t j
    if factor == NULL and sizeof(real) == sizeof(copied):
        memcpy(out, row, p * sizeof(real))
    elif factor == NULL:
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
        self.data = <const char*> _pointer(matrix.data, np.float32 if self.single else np.float64)
        self.indices = <const char*> _pointer(matrix.indices, itype)
        self.indptr = _pointer(matrix.indptr, itype)
        self.matrix = (matrix.data, matrix.indices, matrix.indptr)
        self.sparse = True
        self.n_rows, self.n_features = matrix.shape

    cdef object take(self, const Batch* batch):
        rows = csr_array(self.matrix, shape=(self.n_rows, self.n_features))[_positions(batch)]
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
        cdef Py_ssize_t ahead = batch.start + i + SPARSE_ROWS_AHEAD, further = ahead + SPARSE_ROWS_AHEAD
        if ahead < batch.end:
            row = self.row(batch, i + SPARSE_ROWS_AHEAD)
            simd_prefetch(row.indices, row.size * self.types.index_bytes)
            simd_prefetch(row.data, row.size * self.types.data_bytes)
        if batch.order != NULL and further < batch.end:     # where a row begins is a read of its own
            simd_prefetch(<const char*> self.indptr + batch.order[further] * self.types.index_bytes, 1)

    # The same for what is kept of the next row's features.
    cdef inline void fetch_marks(self, const Batch* batch, Py_ssize_t i, const Touch* touch) noexcept nogil:
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

    cdef void dot(self, const Batch* batch, Py_ssize_t k, const double* w, double* raw) noexcept nogil:
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

    cdef void cross_dot(self, const Batch* batch, Py_ssize_t k, Py_ssize_t f, const double* w, double* sums,
                        double* raw) noexcept nogil:
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
                self.cross.tdot(row.data, row.indices, row.size, f, p, draw[c], sums + c * f, w + at,
                                grad + at)

    cdef void pairs_dot(self, const Batch* batch, Py_ssize_t k, const double* w, double* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef Entries row
        for i in range(batch.size):
            self.fetch_ahead(batch, i)
            row = self.row(batch, i)
            self.types.pairs_dot(
                row.data, row.indices, row.size, k, self.n_features, w, raw + 2 * i * k)

    cdef void pairs_tdot(self, const Batch* batch, Py_ssize_t k, const double* draw, double* w) noexcept nogil:
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

    cdef void drift_tdot(self, const Batch* batch, const double* draw, const Drift* w) noexcept nogil:
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

    cdef void touched_dot(self, const Batch* batch, const Touch* touch, Py_ssize_t k, const double* w,
                          double* raw) noexcept nogil:
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
                    simd.update_f(row.size, draw[c], <const float*> row.data, 1.0, w + c * touch.count)
                else:
                    simd.update_d(row.size, draw[c], <const double*> row.data, 1.0, w + c * touch.count)
            return
        for i in range(batch.size):
            row = self.row(batch, i)
            self.touched.tdot(row.data, where, row.size, k, touch.count, draw + i * k, w)
            where += row.size

    cdef void touched_cross_dot(self, const Batch* batch, const Touch* touch, Py_ssize_t k, Py_ssize_t f,
                                const double* w, double* sums, double* raw) noexcept nogil:
        cdef Py_ssize_t i, c, p = touch.count
        cdef Entries row
        cdef const int32_t* where = touch.where
        for i in range(batch.size):
            row = self.row(batch, i)
            for c in range(i * k, i * k + k):
                raw[c] += self.touched_cross.dot(
                    row.data, where, row.size, f, p, w + (c - i * k) * f * p, sums + c * f)
            where += row.size

    cdef void touched_cross_tdot(self, const Batch* batch, const Touch* touch, Py_ssize_t k, Py_ssize_t f,
                                 const double* draw, const double* sums, const double* w,
                                 double* grad) noexcept nogil:
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


def make_rows(X):
    """Return the rows kernel of a validated X: an ndarray or a CSR matrix or array."""
    return DenseRows(X) if isinstance(X, np.ndarray) else CSRRows(X)
