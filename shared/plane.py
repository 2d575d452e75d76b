"""The plane of two features, for pictures of what a model predicts all over it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def plane(x: NDArray[Any], points: int = 121) -> NDArray[np.float64] | None:
    """A grid over two features, shape (points^2, 2); None for any other data."""
    if x.ndim != 2 or x.shape[1] != 2:
        return None
    margin = 0.25 * (x.max(axis=0) - x.min(axis=0))
    low, high = x.min(axis=0) - margin, x.max(axis=0) + margin
    axes = [np.linspace(low[i], high[i], points) for i in range(2)]
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
