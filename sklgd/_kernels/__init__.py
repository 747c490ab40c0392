"""The compiled core.

The contract is in ``base``; every strategy of `sklgd` has a twin below that keeps to it:
``losses``, ``penalties``, ``models``, ``optimizers``, and ``rows``, the forms that X may have.
``adapters`` has the twins of strategies of one's own.

===========================================  ======================================================
Loops over batches                           ``loop``, ``epoch``, ``variance_reduced``, ``dual``
Weights that sparse steps leave behind       ``lazy`` (penalties), ``drift`` (steady gradients),
                                             ``touched`` and ``missed`` (memories of optimizers)
Sums over all rows                           ``objective``, ``moments``
Second order                                 ``curvature`` (matrices), ``cholesky``, ``descent``
                                             (coordinates), ``lbfgs``, ``interior``
Tables of C functions                        ``simd`` (vectors of numbers), ``csr`` and ``cross``
                                             (sparse rows), ``packed`` (a few dense rows),
                                             ``kinks`` (for ``interior``), ``models/network``
===========================================  ======================================================

Of a table ``x.h`` states what there is, ``x_impl.h`` writes it for vectors of any length, and
``x.c`` builds that once for each instruction set of ``isa.h``; the best one that the processor has
is taken when the module is loaded.  ``lanes.h`` and ``rows_types.h`` are what they are written in.
"""
