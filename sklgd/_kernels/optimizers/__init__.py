"""The compiled twins of the step rules in `sklgd.optimizers`, which hold the formulas."""

from .calls import observe, step, step_single, step_sizes

__all__ = ["observe", "step", "step_single", "step_sizes"]
