"""The compiled twins of `sklgd.losses`, which hold the formulas."""

from .calls import (
    evaluate,
    evaluate_soft,
    flow_slope,
    hessian,
    hessian_soft,
    proximal_slope,
    proximal_slope_joint,
)

__all__ = [
    "evaluate",
    "evaluate_soft",
    "flow_slope",
    "hessian",
    "hessian_soft",
    "proximal_slope",
    "proximal_slope_joint",
]
