"""Convolutions, in PyTorch."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from shared.differences.difference import Shown
from torch_track.differences.draws import recorded
from torch_track.differences.layout import channels_first, channels_last, pad_same


def image_layout(x: torch.Tensor, kernel: torch.Tensor) -> Shown:
    """The output for the same images."""
    weight = kernel.permute(3, 2, 0, 1)
    n, height, width, channels = x.shape
    found = F.conv2d(x.reshape(n, channels, height, width), weight)
    same = F.conv2d(x.permute(0, 3, 1, 2), weight)
    return Shown({"output": channels_last(found)}, {"output": channels_last(same)})


def conv_layout(x: torch.Tensor, kernel: torch.Tensor) -> Shown:
    """The output with the given kernel."""
    images = channels_first(x)
    found = F.conv2d(images, kernel.permute(3, 2, 1, 0))  # kernel.T in NumPy
    same = F.conv2d(images, kernel.permute(3, 2, 0, 1))
    return Shown(
        {"output": channels_last(found)},
        {"output": channels_last(same)},
        {"3 x 2 weight of 4 to 5": list(nn.Conv2d(4, 5, (3, 2)).weight.shape)},
    )


def conv_initializers(x: torch.Tensor) -> Shown:
    """The largest that a weight and a bias can be."""
    with recorded() as draws:
        layer = nn.Conv2d(x.shape[-1], 5, (3, 2))
        nn.init.xavier_uniform_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    weight, bias, same = draws
    return Shown(
        {"largest weight": weight["to"], "largest bias": bias["to"]},
        {"largest weight": same["to"], "largest bias": layer.bias.abs().max()},
    )


def depthwise_layout(x: torch.Tensor, kernel: torch.Tensor) -> Shown:
    """The output with the given kernel."""
    images, groups = channels_first(x), x.shape[-1]
    wrong = kernel.permute(3, 2, 0, 1).reshape(-1, 1, 3, 2)
    weight = kernel.permute(2, 3, 0, 1).reshape(-1, 1, 3, 2)
    other = nn.Conv2d(4, 20, (3, 2), groups=4)
    return Shown(
        {"output": channels_last(F.conv2d(images, wrong, groups=groups))},
        {"output": channels_last(F.conv2d(images, weight, groups=groups))},
        {"3 x 2 weight of 4 to 20": list(other.weight.shape)},
    )


def depthwise_initializer(x: torch.Tensor) -> Shown:
    """The largest that a weight can be."""
    features, multiplier = x.shape[-1], 5
    layer = nn.Conv2d(features, features * multiplier, (3, 2), groups=features)
    bound = math.sqrt(6 / (3 * 2 * (features + multiplier)))
    with recorded() as draws:
        nn.init.xavier_uniform_(layer.weight)
        nn.init.uniform_(layer.weight, -bound, bound)
    found, same = draws
    return Shown({"largest weight": found["to"]}, {"largest weight": same["to"]})


def conv_same(x: torch.Tensor, kernel: torch.Tensor) -> Shown:
    """The output with a kernel of 4 x 3."""
    weight = kernel.permute(3, 2, 0, 1)
    output = F.conv2d(channels_first(x), weight, padding="same")
    return Shown({"output": channels_last(output)})


def conv_same_strided(x: torch.Tensor, kernel: torch.Tensor) -> Shown:
    """The output with a kernel of 3 x 5 and a stride of 2."""
    images, weight = channels_first(x), kernel.permute(3, 2, 0, 1)
    found = F.conv2d(images, weight, stride=2, padding=(3 // 2, 5 // 2))
    same = F.conv2d(pad_same(images, (3, 5), 2), weight, stride=2)
    return Shown({"output": channels_last(found)}, {"output": channels_last(same)})


def conv_causal(x: torch.Tensor, kernel: torch.Tensor) -> Shown:
    """The output of every step."""
    sequence, weight = x.transpose(1, 2), kernel.permute(2, 1, 0)
    found = F.conv1d(sequence, weight, padding="same")
    same = F.conv1d(F.pad(sequence, (3 - 1, 0)), weight)
    return Shown({"output": found.transpose(1, 2)}, {"output": same.transpose(1, 2)})


def conv_transpose_layout(x: torch.Tensor, kernel: torch.Tensor) -> Shown:
    """The output with the given kernel."""
    images = channels_first(x)
    found = F.conv_transpose2d(images, kernel.permute(3, 2, 1, 0))  # kernel.T in NumPy
    same = F.conv_transpose2d(images, kernel.permute(3, 2, 0, 1))
    other = nn.ConvTranspose2d(4, 5, (3, 2))
    return Shown(
        {"output": channels_last(found)},
        {"output": channels_last(same)},
        {"3 x 2 weight of 4 to 5": list(other.weight.shape)},
    )


def conv_transpose_valid(x: torch.Tensor, kernel: torch.Tensor) -> Shown:
    """The output's size with a stride of 3; with the remedy also the output."""
    images, weight = channels_first(x), kernel.permute(3, 2, 0, 1)
    found = F.conv_transpose2d(images, weight, stride=3)
    same = F.conv_transpose2d(images, weight, stride=3, output_padding=(3 - 2, 3 - 1))
    return Shown(
        {"size": list(found.shape[2:])},
        {"size": list(same.shape[2:]), "output": channels_last(same)},
    )


def conv_transpose_same(x: torch.Tensor, kernel: torch.Tensor) -> Shown:
    """The output with a kernel of 5 x 1 and a stride of 2."""
    images, weight = channels_first(x), kernel.permute(3, 2, 0, 1)
    found = F.conv_transpose2d(
        images, weight, stride=2, padding=(5 // 2, 1 // 2), output_padding=1
    )
    whole = F.conv_transpose2d(images, weight, stride=2, output_padding=(0, 2 - 1))
    same = whole[:, :, (5 - 2) // 2 :][:, :, : 2 * x.shape[1]]
    return Shown({"output": channels_last(found)}, {"output": channels_last(same)})
