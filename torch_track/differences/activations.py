"""Activations, in PyTorch."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from shared.differences.difference import Shown
from torch_track.differences.layout import channels_first, channels_last

SAME: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "silu": F.silu,
    "elu": F.elu,
    "selu": F.selu,
    "mish": F.mish,
    "hard_sigmoid": F.hardsigmoid,
    "hard_silu": F.hardswish,
    "relu6": F.relu6,
    "celu": F.celu,
    "log_sigmoid": F.logsigmoid,
    "softsign": F.softsign,
    "hard_shrink": F.hardshrink,
    "soft_shrink": F.softshrink,
    "tanh_shrink": F.tanhshrink,
}
"""By Keras' names."""


def leaky_relu_layer(x: torch.Tensor) -> Shown:
    """The output."""
    layer, same = nn.LeakyReLU(), nn.LeakyReLU(0.3)
    settings = {"negative_slope": layer.negative_slope}
    return Shown({"output": layer(x)}, {"output": same(x)}, settings)


def leaky_relu_function(x: torch.Tensor) -> Shown:
    """The output."""
    settings = {"negative_slope": _default(F.leaky_relu, "negative_slope")}
    return Shown(
        {"output": F.leaky_relu(x)}, {"output": F.leaky_relu(x, 0.2)}, settings
    )


def prelu_start(x: torch.Tensor) -> Shown:
    """The output before training."""
    layer, same = nn.PReLU(), nn.PReLU(init=0.0)
    return Shown({"output": layer(x)}, {"output": same(x)}, {"init": layer.init})


def prelu_shared(x: torch.Tensor) -> Shown:
    """The output after one step of gradient descent from .25."""
    images = channels_first(x)
    layer, same = nn.PReLU(init=0.25), nn.PReLU(images.shape[1], init=0.25)
    slopes = nn.Parameter(torch.full(images.shape[1:], 0.25))
    each = _after_a_step(lambda x: torch.where(x > 0, x, slopes * x), images, slopes)
    return Shown(
        {"output": channels_last(_after_a_step(layer, images, layer.weight))},
        {
            "each channel": channels_last(_after_a_step(same, images, same.weight)),
            "each pixel": channels_last(each),
        },
        {"num_parameters": layer.num_parameters},
    )


def gelu(x: torch.Tensor) -> Shown:
    """The output."""
    return Shown(
        {"output": F.gelu(x)},
        {"output": F.gelu(x, approximate="tanh")},
        {"approximate": nn.GELU().approximate},
    )


def gelu_exact(x: torch.Tensor) -> Shown:
    """The output."""
    return Shown({"output": F.gelu(x)})


def softplus(x: torch.Tensor) -> Shown:
    """The output."""
    return Shown(
        {"output": F.softplus(x)},
        {"output": F.softplus(x, threshold=37)},
        {"threshold": nn.Softplus().threshold},
    )


def softmax_axis(x: torch.Tensor) -> Shown:
    """The output for a batch of sequences."""
    layer, same = nn.Softmax(), nn.Softmax(dim=-1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Implicit dimension choice", UserWarning)
        found = layer(x)
    return Shown({"output": found}, {"output": same(x)}, {"dim": layer.dim})


def same_activations(x: torch.Tensor) -> Shown:
    """The outputs."""
    settings = {"elu": _default(F.elu, "alpha")}
    return Shown({name: f(x) for name, f in SAME.items()}, settings=settings)


def _default(function: Callable[..., Any], name: str) -> Any:
    return inspect.signature(function).parameters[name].default


def _after_a_step(
    layer: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, slopes: nn.Parameter
) -> torch.Tensor:
    (layer(x) ** 2).sum().backward()
    with torch.no_grad():
        assert slopes.grad is not None
        slopes.sub_(0.1 * slopes.grad)
    return layer(x)
