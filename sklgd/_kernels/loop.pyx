"""What loops over batches have in common: epoch.pyx has that of step rules, and
variance_reduced.pyx that of optimizers with a memory of gradients.
"""
import numpy as np

from libc.stdint cimport int64_t, uint32_t

from .base cimport Batch


cdef class Loop:
    """Steps over the batches of a pass: one instance a fit.

    A subclass takes the steps.  Between calls of `run` its arrays hold true values, also after a
    call in which a user's code has raised.
    """

    def run(self, const uint32_t[::1] order, Py_ssize_t start, Py_ssize_t stop, rates, int64_t t):
        """Take a step for each batch of positions ``start`` to ``stop``.

        Parameters
        ----------
        order : uint32 array or None
            Row numbers; None for rows as they stand.
        rates : float or float64 array
            The learning rate, or one for each step.
        t : int
            The number of the first step.

        Returns
        -------
        loss : float
            What the steps have added up.
        """
        cdef const double[::1] rate_array = np.atleast_1d(np.asarray(rates, dtype=np.float64))
        cdef Py_ssize_t stride = 1 if np.ndim(rates) else 0
        cdef Py_ssize_t steps = (stop - start + self.batch_size - 1) // self.batch_size
        cdef Batch batch
        cdef double total = 0.0
        if stride and rate_array.shape[0] != steps:
            raise ValueError(f"need a rate for each step, got {rate_array.shape[0]}")
        batch.order = NULL if order is None else &order[0]
        batch.start, batch.end = start, stop
        self.t = t
        self.begin(steps, stride == 0)
        try:
            with nogil:
                self.take(&batch, &rate_array[0], stride, &total)
        finally:
            self.end()
        return total

    cdef begin(self, Py_ssize_t steps, bint steady):
        pass

    cdef int take(self, Batch* batch, const double* rate, Py_ssize_t stride,
                  double* total) except -1 nogil:
        return 0

    cdef end(self):
        pass
