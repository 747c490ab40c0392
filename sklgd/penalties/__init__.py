"""Penalties: what is added to the mean loss to keep weights small, sparse or within bounds.

A penalty sees weights only, of shape (n_features,) or (n_outputs, n_features); intercepts never
come here.  It is stateless, and everything below holds of every penalty here:

- ``value(w)`` is a float and ``add_gradient(w, grad)`` adds a (sub)gradient of it to ``grad``;
- ``prox(w, lr)`` replaces ``w`` by ``argmin_v |v - w|^2 / 2 + lr * value(v)``, exactly, also where
  the penalty is not convex.  ``lr`` is a float or an array of w's shape, in which case the
  problem is ``sum((v - w)^2 / (2 lr)) + value(v)``: each entry has a step of its own;
- what a proximal step cuts is exactly 0.0, and a NaN stays a NaN;
- ``split()`` says which part training descends and which part it steps proximally;
- ``residual(w, grad)`` is the smallest element of ``grad`` plus the subdifferential at ``w``:
  zero at a minimum.

The compiled twins in ``_kernels/penalties.pyx`` do the same on pointers; these classes define them.
"""

from .._strategy import registry
from .base import Penalty
from .bounds import Box
from .concave import MCP, SCAD
from .groups import GroupLasso
from .norms import L1, L2, ElasticNet

#: names that the estimators' ``penalty`` accepts
PENALTIES = registry(L2, L1, GroupLasso, MCP, SCAD, Box, elasticnet=ElasticNet)

__all__ = ["L1", "L2", "MCP", "PENALTIES", "SCAD", "Box", "ElasticNet", "GroupLasso", "Penalty"]
