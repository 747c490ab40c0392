"""A step rule that sees no long gradients."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from .._kernels.optimizers import clipped as _kernels
from ..schedules import Schedule
from .base import POSITIVE, Optimizer


class Clipped(Optimizer):
    r"""Another rule, given gradients no longer than ``max_norm``.

    .. math:: g \leftarrow \min \left( 1, \frac{c}{\lVert g \rVert + 10^{-6}} \right) g

    as in Pascanu, Mikolov and Bengio [1]_ and ``torch.nn.utils.clip_grad_norm_``; the norm is that
    of the gradient of all parameters together.

    Parameters
    ----------
    optimizer : Optimizer
        The rule that takes the step.
    max_norm : float, default=1.0
        The c above.

    References
    ----------
    .. [1] Pascanu, Mikolov and Bengio (2013). On the difficulty of training recurrent neural
       networks. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from sklgd.optimizers import SGD, Clipped
    >>> rule, params = Clipped(SGD(), max_norm=1.0), np.array([0.0, 0.0])
    >>> rule.step(params, np.array([30.0, 40.0]), np.zeros((1, 2)), lr=0.1, t=1)
    >>> params.round(6)
    array([-0.06, -0.08])
    >>> rule.set_params(optimizer__momentum=0.9)
    Clipped(optimizer=SGD(momentum=0.9))
    """

    _parameter_constraints: ClassVar[dict] = {"optimizer": [Optimizer], "max_norm": POSITIVE}
    _kernel = _kernels.ClippedKernel

    def __init__(self, optimizer: Optimizer, max_norm: float = 1.0) -> None:
        self.optimizer = optimizer
        self.max_norm = max_norm

    @property
    def n_slots(self) -> int:
        """Those of the rule, and one for what is left of the last gradient."""
        return self.optimizer.n_slots + 1

    @property
    def needs_loss(self) -> bool:
        """Whether the rule takes the loss."""
        return self.optimizer.needs_loss

    @property
    def needs_rows(self) -> bool:
        """Whether the rule is shown the features of each batch."""
        return self.optimizer.needs_rows

    @property
    def composite(self) -> bool:
        """Whether the rule's penalties are proximal steps as a whole."""
        return self.optimizer.composite

    @property
    def local(self) -> bool:
        """Whether the rule leaves parameters without a gradient alone."""
        return self.optimizer.local

    def validate(self) -> Self:
        """Raise where a parameter is out of range, or the optimizer takes no single gradients."""
        super().validate()
        if type(self.optimizer).step is Optimizer.step:
            raise ValueError(
                f"Clipped needs a step rule, such as SGD() or Adam(). Got {self.optimizer!r}, "
                "which does not take gradients one by one."
            )
        if self.optimizer.follows:
            raise ValueError(
                "Clipped shortens gradients, and importance-aware steps go by the loss. Use "
                f"importance_aware=False within Clipped, or no Clipped. Got {self.optimizer!r}."
            )
        self.optimizer.validate()
        return self

    def auto_batch_size(self, n_samples: int, n_features: int, row_nonzeros: float) -> int:
        """Return what makes the cost of the norm small; of a rule that takes the loss, its own."""
        chooses = self.optimizer if self.needs_loss else super()
        return chooses.auto_batch_size(n_samples, n_features, row_nonzeros)

    def schedule(self) -> Schedule:
        """Return the rule's learning rate as a schedule."""
        return self.optimizer.schedule()

    def observe(
        self,
        params: np.ndarray,
        state: np.ndarray,
        largest: np.ndarray,
        mean_square: np.ndarray,
        n_raw: int,
    ) -> None:
        """Show the rule the features of a batch."""
        self.optimizer.observe(params, state[:-1], largest, mean_square, n_raw)

    def step(
        self,
        params: np.ndarray,
        grad: np.ndarray,
        state: np.ndarray,
        lr: float,
        t: int,
        *loss: float,
    ) -> None:
        """Move ``params`` in place."""
        share = min(1.0, self.max_norm / (np.linalg.norm(grad) + 1e-6))
        state[-1, 0] = share
        self.optimizer.step(params, share * grad, state[:-1], lr, t, *loss)

    def step_sizes(self, state: np.ndarray, lr: float, t: int) -> float | np.ndarray:
        """Return the rule's step sizes, times what is left of the gradient."""
        return self.optimizer.step_sizes(state[:-1], lr, t) * state[-1, 0]

    def result(self, params: np.ndarray, state: np.ndarray) -> np.ndarray:
        """Return the rule's result."""
        return self.optimizer.result(params, state[:-1])

    def restart(self, params: np.ndarray, state: np.ndarray) -> None:
        """Let the rule go on from ``params``."""
        self.optimizer.restart(params, state[:-1])
