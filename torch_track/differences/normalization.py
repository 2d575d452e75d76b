"""Normalizing layers, in PyTorch."""

from __future__ import annotations

import torch
from torch import nn

from shared.differences.difference import Shown
from torch_track.differences.layout import channels_first, channels_last


def batch_norm_epsilon(x: torch.Tensor) -> Shown:
    """The output in training."""
    layer = nn.BatchNorm1d(3)
    same = nn.BatchNorm1d(3, eps=1e-3)
    return Shown({"output": layer(x)}, {"output": same(x)}, {"eps": layer.eps})


def batch_norm_momentum(x: torch.Tensor) -> Shown:
    """The running mean after one batch."""
    layer = nn.BatchNorm1d(3)
    same = nn.BatchNorm1d(3, momentum=1 - 0.99)
    layer(x)
    same(x)
    return Shown(
        {"running mean": layer.running_mean},
        {"running mean": same.running_mean},
        {"momentum": layer.momentum},
    )


def batch_norm_running_variance(x: torch.Tensor) -> Shown:
    """The running variance after one batch."""
    layer = nn.BatchNorm1d(3, momentum=0.1)
    layer(x)
    found, n = layer.running_var, len(x)
    assert found is not None
    kept = 0.9 * torch.ones(3)
    same = kept + (found - kept) * (n - 1) / n
    return Shown({"running variance": found}, {"running variance": same})


def layer_norm_epsilon(x: torch.Tensor) -> Shown:
    """The output."""
    layer, same = nn.LayerNorm(6), nn.LayerNorm(6, eps=1e-3)
    return Shown({"output": layer(x)}, {"output": same(x)}, {"eps": layer.eps})


def layer_norm_axes(x: torch.Tensor) -> Shown:
    """The output for images."""
    images = channels_first(x)
    layer, same = nn.LayerNorm(images.shape[1:], eps=1e-3), nn.LayerNorm(5, eps=1e-3)
    return Shown(
        {"output": channels_last(layer(images))},
        {"output": same(images.permute(0, 2, 3, 1))},
    )


def group_norm_epsilon(x: torch.Tensor) -> Shown:
    """The output for images, in 3 groups of channels."""
    images = channels_first(x)
    layer, same = nn.GroupNorm(3, 6), nn.GroupNorm(3, 6, eps=1e-3)
    return Shown(
        {"output": channels_last(layer(images))},
        {"output": channels_last(same(images))},
        {"eps": layer.eps},
    )


def rms_norm_epsilon(x: torch.Tensor) -> Shown:
    """The output."""
    layer, same = nn.RMSNorm(6), nn.RMSNorm(6, eps=1e-6)
    return Shown({"output": layer(x)}, {"output": same(x)}, {"eps": layer.eps})
