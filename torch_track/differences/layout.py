"""Between channels last and channels first, and padding as TensorFlow's "same"."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812


def channels_first(x: torch.Tensor) -> torch.Tensor:
    """From (batch, height, width, channels)."""
    return x.permute(0, 3, 1, 2)


def channels_last(x: torch.Tensor) -> torch.Tensor:
    """To (batch, height, width, channels)."""
    return x.permute(0, 2, 3, 1)


def pad_same(
    x: torch.Tensor, kernel: tuple[int, int], s: int, value: float = 0.0
) -> torch.Tensor:
    """Images, channels first, padded for a kernel and a stride of s."""
    pads: list[int] = []
    for n, k in reversed(list(zip(x.shape[2:], kernel, strict=True))):
        total = max((math.ceil(n / s) - 1) * s + k - n, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)
