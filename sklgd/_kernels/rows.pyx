"""X, dense or CSR, float32 or float64, int32 or int64 indices: the one place that knows.

Nothing is copied: the kernels hold pointers into the caller's arrays, which they keep alive.
Shuffled rows are asked for a few batches ahead, since the processor cannot guess them.
"""
import numpy as np

from libc.stdint cimport int32_t, int64_t

from .base cimport Batch, Lazy, RowsKernel, batch_row
from .lazy cimport lazy_now
from .simd cimport simd, simd_init, simd_prefetch

simd_init()

ctypedef fused real:
    float
    double

ctypedef fused index:
    int32_t
    int64_t

# How far ahead shuffled rows are fetched, measured with benchmarks/epoch.py: so many bytes, in 4 to
# 16 rows; of a long row the next one, bit by bit while this one is read, since more requests
# than the processor can queue would hold up the reading.
cdef Py_ssize_t BYTES_AHEAD = 8192
cdef Py_ssize_t LONG_ROW = 2048
cdef Py_ssize_t SPARSE_ROWS_AHEAD = 4


def instruction_set():
    """Name the instruction set that the vector primitives run on here."""
    return simd.name.decode()


cdef const void* _pointer(array, dtype) except? NULL:
    # The address of a well-formed array's data; read-only is fine.
    if array.dtype != dtype or not (array.flags.c_contiguous and array.flags.aligned):
        raise ValueError(f"need an aligned C-contiguous {dtype} array, got {array.dtype} "
                         f"with flags\n{array.flags}")
    return <const void*> <size_t> array.ctypes.data


cdef class DenseRows(RowsKernel):
    """A C-ordered two-dimensional array of float32 or float64."""
    cdef object array
    cdef const char* data
    cdef Py_ssize_t row_bytes
    cdef Py_ssize_t ahead
    cdef bint long_rows
    cdef bint single

    def __init__(self, array):
        self.single = array.dtype == np.float32
        self.data = <const char*> _pointer(array, np.float32 if self.single else np.float64)
        self.array = array
        self.n_rows, self.n_features = array.shape
        self.row_bytes = array.shape[1] * array.dtype.itemsize
        self.long_rows = self.row_bytes > LONG_ROW
        self.ahead = min(16, max(4, BYTES_AHEAD // max(self.row_bytes, 1)))

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

    cdef void dot(self, const Batch* batch, Py_ssize_t k, const double* w, double* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef const char* row
        for i in range(batch.size):
            self.fetch_ahead(batch, i)
            row = self.data + batch_row(batch, i) * self.row_bytes
            if self.single:
                dense_dot[float](self.n_features, <const float*> row, k, w, raw + i * k)
            else:
                dense_dot[double](self.n_features, <const double*> row, k, w, raw + i * k)

    cdef void tdot(self, const Batch* batch, Py_ssize_t k, const double* draw, double shrink,
                   double* w) noexcept nogil:
        cdef Py_ssize_t i, c, p = self.n_features
        cdef double a
        cdef const char* row
        for i in range(batch.size):
            row = self.data + batch_row(batch, i) * self.row_bytes
            for c in range(k):
                a = draw[i * k + c]
                if a == 0.0 and shrink == 1.0:
                    continue
                if self.single:
                    simd.update_f(p, a, <const float*> row, shrink, w + c * p)
                else:
                    simd.update_d(p, a, <const double*> row, shrink, w + c * p)
            shrink = 1.0


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


cdef struct CSRRow:
    Py_ssize_t start
    Py_ssize_t size


cdef class CSRRows(RowsKernel):
    """The three arrays of a CSR matrix: float32 or float64 data, int32 or int64 indices."""
    cdef object matrix
    cdef const void* data
    cdef const void* indices
    cdef const void* indptr
    cdef bint single
    cdef bint wide      # int64 indices

    def __init__(self, matrix):
        self.single = matrix.data.dtype == np.float32
        self.wide = matrix.indices.dtype == np.int64
        itype = np.int64 if self.wide else np.int32
        self.data = _pointer(matrix.data, np.float32 if self.single else np.float64)
        self.indices = _pointer(matrix.indices, itype)
        self.indptr = _pointer(matrix.indptr, itype)
        self.matrix = (matrix.data, matrix.indices, matrix.indptr)
        self.sparse = True
        self.n_rows, self.n_features = matrix.shape

    cdef inline CSRRow row(self, Py_ssize_t i) noexcept nogil:
        cdef CSRRow row
        if self.wide:
            row.start = (<const int64_t*> self.indptr)[i]
            row.size = (<const int64_t*> self.indptr)[i + 1] - row.start
        else:
            row.start = (<const int32_t*> self.indptr)[i]
            row.size = (<const int32_t*> self.indptr)[i + 1] - row.start
        return row

    cdef inline void fetch_ahead(self, const Batch* batch, Py_ssize_t i) noexcept nogil:
        cdef Py_ssize_t ahead = batch.start + i + SPARSE_ROWS_AHEAD
        cdef CSRRow row
        cdef Py_ssize_t index_bytes = 8 if self.wide else 4, data_bytes = 4 if self.single else 8
        if ahead >= batch.end:
            return
        row = self.row(batch_row(batch, i + SPARSE_ROWS_AHEAD))
        simd_prefetch(<const char*> self.indices + row.start * index_bytes, row.size * index_bytes)
        simd_prefetch(<const char*> self.data + row.start * data_bytes, row.size * data_bytes)

    cdef void dot(self, const Batch* batch, Py_ssize_t k, const double* w, double* raw) noexcept nogil:
        cdef Py_ssize_t i
        cdef CSRRow r
        for i in range(batch.size):
            self.fetch_ahead(batch, i)
            r = self.row(batch_row(batch, i))
            if self.wide:
                if self.single:
                    csr_dot[float, int64_t](r, <const float*> self.data, <const int64_t*> self.indices,
                                            self.n_features, k, w, raw + i * k)
                else:
                    csr_dot[double, int64_t](r, <const double*> self.data, <const int64_t*> self.indices,
                                             self.n_features, k, w, raw + i * k)
            elif self.single:
                csr_dot[float, int32_t](r, <const float*> self.data, <const int32_t*> self.indices,
                                        self.n_features, k, w, raw + i * k)
            else:
                csr_dot[double, int32_t](r, <const double*> self.data, <const int32_t*> self.indices,
                                         self.n_features, k, w, raw + i * k)

    cdef void tdot(self, const Batch* batch, Py_ssize_t k, const double* draw, double shrink,
                   double* w) noexcept nogil:
        cdef Py_ssize_t i, e
        cdef CSRRow r
        if shrink != 1.0:
            for e in range(k * self.n_features):
                w[e] *= shrink
        for i in range(batch.size):
            r = self.row(batch_row(batch, i))
            if self.wide:
                if self.single:
                    csr_tdot[float, int64_t](r, <const float*> self.data, <const int64_t*> self.indices,
                                             self.n_features, k, draw + i * k, w)
                else:
                    csr_tdot[double, int64_t](r, <const double*> self.data, <const int64_t*> self.indices,
                                              self.n_features, k, draw + i * k, w)
            elif self.single:
                csr_tdot[float, int32_t](r, <const float*> self.data, <const int32_t*> self.indices,
                                         self.n_features, k, draw + i * k, w)
            else:
                csr_tdot[double, int32_t](r, <const double*> self.data, <const int32_t*> self.indices,
                                          self.n_features, k, draw + i * k, w)

    cdef void lazy_dot(self, const Batch* batch, Lazy* w, double* raw) noexcept nogil:
        cdef Py_ssize_t i, c
        cdef CSRRow r
        if w.pairs == NULL:
            self.dot(batch, w.k, w.v, raw)
        else:
            for i in range(batch.size):
                self.fetch_ahead(batch, i)
                r = self.row(batch_row(batch, i))
                if self.wide:
                    if self.single:
                        csr_pairs_dot[float, int64_t](r, <const float*> self.data,
                                                      <const int64_t*> self.indices, w, raw + i * w.k)
                    else:
                        csr_pairs_dot[double, int64_t](r, <const double*> self.data,
                                                       <const int64_t*> self.indices, w, raw + i * w.k)
                elif self.single:
                    csr_pairs_dot[float, int32_t](r, <const float*> self.data,
                                                  <const int32_t*> self.indices, w, raw + i * w.k)
                else:
                    csr_pairs_dot[double, int32_t](r, <const double*> self.data,
                                                   <const int32_t*> self.indices, w, raw + i * w.k)
        for c in range(batch.size * w.k):
            raw[c] *= w.scale

    cdef void lazy_tdot(self, const Batch* batch, const double* draw, Lazy* w) noexcept nogil:
        cdef Py_ssize_t i
        cdef CSRRow r
        for i in range(batch.size):
            r = self.row(batch_row(batch, i))
            if self.wide:
                if self.single:
                    csr_lazy_tdot[float, int64_t](r, <const float*> self.data,
                                                  <const int64_t*> self.indices, draw + i * w.k, w)
                else:
                    csr_lazy_tdot[double, int64_t](r, <const double*> self.data,
                                                   <const int64_t*> self.indices, draw + i * w.k, w)
            elif self.single:
                csr_lazy_tdot[float, int32_t](r, <const float*> self.data,
                                              <const int32_t*> self.indices, draw + i * w.k, w)
            else:
                csr_lazy_tdot[double, int32_t](r, <const double*> self.data,
                                               <const int32_t*> self.indices, draw + i * w.k, w)


cdef inline void csr_dot(CSRRow r, const real* data, const index* indices, Py_ssize_t p,
                         Py_ssize_t k, const double* w, double* raw) noexcept nogil:
    cdef Py_ssize_t j, c
    cdef double s0, s1, s2, s3
    data += r.start
    indices += r.start
    for c in range(k):
        s0 = s1 = s2 = s3 = 0.0
        j = 0
        while j + 4 <= r.size:
            s0 += data[j] * w[indices[j]]
            s1 += data[j + 1] * w[indices[j + 1]]
            s2 += data[j + 2] * w[indices[j + 2]]
            s3 += data[j + 3] * w[indices[j + 3]]
            j += 4
        while j < r.size:
            s0 += data[j] * w[indices[j]]
            j += 1
        raw[c] = (s0 + s1) + (s2 + s3)
        w += p


cdef inline void csr_tdot(CSRRow r, const real* data, const index* indices, Py_ssize_t p,
                          Py_ssize_t k, const double* draw, double* w) noexcept nogil:
    cdef Py_ssize_t j, c
    data += r.start
    indices += r.start
    for c in range(k):
        if draw[c] != 0.0:
            for j in range(r.size):
                w[indices[j]] += draw[c] * data[j]
        w += p


# Brings the weights that the row touches up to date on the way.
cdef inline void csr_pairs_dot(CSRRow r, const real* data, const index* indices, Lazy* w,
                               double* raw) noexcept nogil:
    cdef Py_ssize_t j, c
    cdef double v, threshold = w.threshold, s
    cdef double* pairs = w.pairs
    cdef double* pair
    data += r.start
    indices += r.start
    for c in range(w.k):
        s = 0.0
        for j in range(r.size):
            pair = pairs + 2 * indices[j]
            v = lazy_now(w, pair, indices[j])
            pair[0] = v
            pair[1] = threshold
            s += data[j] * v
        raw[c] = s
        pairs += 2 * w.p


cdef inline void csr_lazy_tdot(CSRRow r, const real* data, const index* indices,
                               const double* draw, Lazy* w) noexcept nogil:
    cdef Py_ssize_t j, c
    cdef double a
    cdef double* v
    cdef double* total
    data += r.start
    indices += r.start
    for c in range(w.k):
        a = draw[c] / w.scale
        if a == 0.0:
            continue
        if w.pairs != NULL:
            v = w.pairs + 2 * c * w.p
            for j in range(r.size):
                v[2 * indices[j]] += a * data[j]
            continue
        v = w.v + c * w.p
        for j in range(r.size):
            v[indices[j]] += a * data[j]
        if w.total != NULL:
            total = w.total + c * w.p
            for j in range(r.size):
                total[indices[j]] -= w.area * (a * data[j])


def make_rows(X):
    """Return the rows kernel of a validated X: an ndarray or a CSR matrix or array."""
    return DenseRows(X) if isinstance(X, np.ndarray) else CSRRows(X)
