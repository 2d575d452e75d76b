"""Resizing as TensorFlow does it: how much of each pixel goes into each new one.

All weights are of shape (wanted, size): `rows @ image @ columns.T` is the new image.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Weights: TypeAlias = NDArray[np.float64]

STEPS = 1024
"""TensorFlow looks the cubic up in a table: places are rounded to so many a pixel."""


def bilinear(size: int, wanted: int) -> Weights:
    """Of the two pixels around each new center; the edge is repeated."""
    places = _places(size, wanted).clip(0, size - 1)
    return _tent(np.abs(places[:, None] - np.arange(size)))


def bicubic(size: int, wanted: int) -> Weights:
    """Of the four pixels around; those beyond the edge count for nothing."""
    # In float32, as it decides which way the places are rounded.
    scale = np.float32(size) / np.float32(wanted)
    places = (np.arange(wanted, dtype=np.float32) + np.float32(0.5)) * scale
    places -= np.float32(0.5)
    whole = np.floor(places)
    exact = whole + np.rint((places - whole) * STEPS).astype(np.float64) / STEPS
    return _whole(_cubic(np.abs(exact[:, None] - np.arange(size))))


def antialiased(size: int, wanted: int, method: str) -> Weights:
    """Of more pixels where the image shrinks, and exact; bilinear or bicubic."""
    apart = np.abs(_places(size, wanted)[:, None] - np.arange(size))
    kernel = _tent if method == "bilinear" else _cubic
    return _whole(kernel(apart / max(size / wanted, 1.0)))


def _places(size: int, wanted: int) -> Weights:
    """The new centers, evenly spread."""
    return (np.arange(wanted) + 0.5) * size / wanted - 0.5


def _tent(apart: Weights) -> Weights:
    return np.maximum(0.0, 1.0 - apart)


def _cubic(apart: Weights) -> Weights:
    """Keys' of a = -1/2."""
    near = (1.5 * apart - 2.5) * apart**2 + 1
    far = ((-0.5 * apart + 2.5) * apart - 4) * apart + 2
    return np.where(apart <= 1, near, np.where(apart < 2, far, 0.0))


def _whole(found: Weights) -> Weights:
    """So that each new pixel's weights sum to one."""
    whole: Weights = found / found.sum(axis=1, keepdims=True)
    return whole
