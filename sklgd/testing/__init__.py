"""Checks for strategies of your own; each raises ``AssertionError`` that says what is wrong."""

from .losses import check_loss
from .models import check_model
from .optimizers import check_optimizer
from .penalties import check_penalty

__all__ = ["check_loss", "check_model", "check_optimizer", "check_penalty"]
