"""The compiled twins of the step rules in `sklgd.optimizers`, which hold the formulas."""

from .calls import step, step_sizes

__all__ = ["step", "step_sizes"]
