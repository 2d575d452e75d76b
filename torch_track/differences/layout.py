"""Between channels last and channels first, and padding as TensorFlow's "same"."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812


def channels_first(x: torch.Tensor) -> torch.Tensor:
    """From (batch, height, width, channels)."""
    return x.permute(0, 3, 1, 2)


def channels_last(x: torch.Tensor) -> torch.Tensor:
    """To (batch, height, width, channels)."""
    return x.permute(0, 2, 3, 1)


def pad_same(
    x: torch.Tensor,
    kernel: Sequence[int],
    stride: int | Sequence[int],
    dilation: Sequence[int] = (),
    value: float = 0.0,
) -> torch.Tensor:
    """Images or the like, channels first, padded as TensorFlow does for that window.

    Args:
        x: (batch, channels, *sizes).
        kernel: of each axis.
        stride: of every axis, or of each.
        dilation: of each axis; 1 where none is given.
        value: of the pad.
    """
    pads: list[int] = []
    steps = [stride] * len(kernel) if isinstance(stride, int) else stride
    axes = zip(x.shape[2:], kernel, steps, dilation or [1] * len(kernel), strict=True)
    for n, k, s, d in reversed(list(axes)):
        total = max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)
