"""What displays share."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

#: a quantity that spans more than this many times is drawn on a logarithmic axis
WIDE = 50.0


def axes_of(display: Any, ax: Any) -> Any:
    check_matplotlib_support(f"{type(display).__name__}.plot")
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(layout="constrained")[1]
    return ax


def log_where_wide(ax: Any) -> None:
    # A logarithmic axis where values are positive and of several magnitudes.
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.lines])
    values = values[np.isfinite(values)]
    if values.size and values.min() > 0 and values.max() > WIDE * values.min():
        ax.set_yscale("log")
