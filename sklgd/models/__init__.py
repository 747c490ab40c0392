"""Models: from rows and one flat parameter vector to raw predictions.

Contract (n rows of a batch, k raw columns).  The parameters are one flat float64 vector,
weights first, intercepts last; penalties see the weights only.  The docstring of `Model` is the
contract.
"""

from .._strategy import registry
from .base import Model
from .factorization import FactorizationMachine
from .linear import Linear
from .mlp import MLP

__all__ = ["MLP", "MODELS", "FactorizationMachine", "Linear", "Model"]

MODELS = registry(Linear, MLP, FactorizationMachine)
