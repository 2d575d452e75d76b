"""Pooling, and what comes after it, in PyTorch."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from shared.differences.difference import Shown
from torch_track.differences.layout import channels_first, channels_last, pad_same

WINDOW, HALF = (3, 5), (1, 2)


def max_pool_same(x: torch.Tensor) -> Shown:
    """The output with a window of 3 x 5 and a stride of 2."""
    images = channels_first(x)
    found = F.max_pool2d(images, WINDOW, stride=2, padding=HALF)
    padded = pad_same(images, WINDOW, 2, value=float("-inf"))
    same = F.max_pool2d(padded, WINDOW, stride=2)
    return Shown({"output": channels_last(found)}, {"output": channels_last(same)})


def max_pool_odd_size(x: torch.Tensor) -> Shown:
    """The output's size; with the remedy also the output."""
    layer, other = nn.MaxPool2d(2), nn.MaxPool2d(2, ceil_mode=True)
    found, same = layer(channels_first(x)), other(channels_first(x))
    return Shown(
        {"size": list(found.shape[2:])},
        {"size": list(same.shape[2:]), "output": channels_last(same)},
        {"ceil_mode": layer.ceil_mode},
    )


def avg_pool_same(x: torch.Tensor) -> Shown:
    """The output with a window of 3 x 5."""
    layer = nn.AvgPool2d(WINDOW, 1, HALF)
    other = nn.AvgPool2d(WINDOW, 1, HALF, count_include_pad=False)
    found, same = layer(channels_first(x)), other(channels_first(x))
    return Shown(
        {"output": channels_last(found)},
        {"output": channels_last(same)},
        {"count_include_pad": layer.count_include_pad},
    )


def avg_pool_same_strided(x: torch.Tensor) -> Shown:
    """The output with a window of 3 x 5 and a stride of 2."""
    images = channels_first(x)
    found = F.avg_pool2d(images, WINDOW, 2, HALF, count_include_pad=False)
    pool = nn.AvgPool2d(WINDOW, 2)
    ones = torch.ones_like(images)
    same = pool(pad_same(images, WINDOW, 2)) / pool(pad_same(ones, WINDOW, 2))
    return Shown({"output": channels_last(found)}, {"output": channels_last(same)})


def flatten_order(x: torch.Tensor) -> Shown:
    """The flat features."""
    images = channels_first(x)
    same = images.permute(0, 2, 3, 1).flatten(1)
    return Shown({"features": images.flatten(1)}, {"features": same})


def flatten_dense(x: torch.Tensor, kernel: torch.Tensor) -> Shown:
    """What Linear makes of the flat features."""
    features = channels_first(x).flatten(1)
    weight = kernel.reshape(*x.shape[1:], -1).permute(3, 2, 0, 1).reshape(6, -1)
    return Shown(
        {"output": F.linear(features, kernel.T)},
        {"output": F.linear(features, weight)},
    )
