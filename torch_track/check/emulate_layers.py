"""Keras' rule for PyTorch's layers, with their own weights.

Each function makes one that replaces the layer's `forward`; `emulate_recurrent` and
`emulate_attention` have the longer ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from torch_track.check.emulate import pad
from torch_track.check.windows import each
from torch_track.check.windows import padding as neutral_padding
from torch_track.differences.layout import pad_same

Settings: TypeAlias = Mapping[str, Any]
Forward: TypeAlias = Callable[..., Any]


def convolution(module: Any, settings: Settings) -> Forward:
    """Any padding, stride and dilation that Keras has, or that PyTorch has."""
    count = len(module.kernel_size)
    stride = each(settings.get("stride", module.stride), count)
    dilation = each(settings.get("dilation", module.dilation), count)
    padding = settings.get("padding", neutral_padding(module.padding, count))
    mode = settings.get("padding_mode", module.padding_mode)
    mode = "constant" if mode == "zeros" else mode
    spans = [d * (k - 1) for k, d in zip(module.kernel_size, dilation, strict=True)]
    function = getattr(F, f"conv{count}d")

    def padded(x: torch.Tensor) -> torch.Tensor:
        if padding == "same" and mode == "constant":
            return pad_same(x, module.kernel_size, stride, dilation)
        if padding == "same":  # PyTorch's, which is Keras' where the stride is 1
            return pad(x, [[span // 2, span - span // 2] for span in spans], mode)
        if padding == "causal":
            return pad(x, [[spans[0], 0]])
        return x if padding == "valid" else pad(x, padding, mode)

    def forward(input: torch.Tensor) -> torch.Tensor:
        weights = module.weight, module.bias
        return function(padded(input), *weights, stride, 0, dilation, module.groups)

    return forward


def transposed(module: Any, settings: Settings) -> Forward:
    """The padding of the convolution whose gradient it is, by its output's size."""
    count = len(module.kernel_size)
    if not isinstance(settings.get("padding"), str):
        return module.forward
    stride = each(settings.get("stride", module.stride), count)
    dilation = each(settings.get("dilation", module.dilation), count)
    extra = settings.get("output_padding")
    extras = [None] * count if extra is None else each(extra, count)
    spans = [d * (k - 1) + 1 for k, d in zip(module.kernel_size, dilation, strict=True)]
    function = getattr(F, f"conv_transpose{count}d")

    def kept(n: int, i: int) -> tuple[int, int]:
        """Of the output for an input of size n: where it starts, where it ends."""
        s, k, more = stride[i], spans[i], extras[i]
        whole = (n - 1) * s + k
        if settings["padding"] == "valid":
            return 0, whole + (max(s - k, 0) if more is None else more)
        odd = module.kernel_size[i] % 2
        size = n * s if more is None else (n - 1) * s + odd + more
        start = max(whole - size, 0) // 2
        return start, start + size

    def forward(input: torch.Tensor, output_size: Any = None) -> torch.Tensor:
        sizes = input.shape[2:]
        ends = [kept(n, i) for i, n in enumerate(sizes)]
        wholes = [(n - 1) * s + k for n, s, k in zip(sizes, stride, spans, strict=True)]
        lacks = [max(end - n, 0) for (_, end), n in zip(ends, wholes, strict=True)]
        weights = module.weight, module.bias
        whole = function(input, *weights, stride, 0, lacks, module.groups, dilation)
        cut = [slice(None), slice(None), *(slice(start, end) for start, end in ends)]
        return whole[tuple(cut)]

    return forward


def batch_norm(module: Any, settings: Settings) -> Forward:
    """Epsilon, momentum, and the running variance of the batch itself."""
    epsilon = settings.get("epsilon", module.eps)
    biased = settings.get("biased", True)

    def kept() -> float:
        if settings.get("momentum") is not None:
            return settings["momentum"]
        if module.momentum is None:
            return 1.0 - 1.0 / float(module.num_batches_tracked)
        return 1.0 - module.momentum

    def forward(input: torch.Tensor) -> torch.Tensor:
        statistics = module.running_mean, module.running_var
        weights = module.weight, module.bias
        tracks = statistics[0] is not None
        if tracks and not (module.training and not settings.get("frozen", False)):
            return F.batch_norm(input, *statistics, *weights, eps=epsilon)
        if tracks:
            module.num_batches_tracked += 1
            _update(input.detach(), *statistics, kept(), biased)
        return F.batch_norm(input, None, None, *weights, training=True, eps=epsilon)

    return forward


@torch.no_grad()
def _update(
    x: torch.Tensor,
    mean: torch.Tensor,
    variance: torch.Tensor,
    kept: float,
    biased: bool,
) -> None:
    axes = [axis for axis in range(x.ndim) if axis != 1]
    mean.mul_(kept).add_((1.0 - kept) * x.mean(axes))
    variance.mul_(kept).add_((1.0 - kept) * x.var(axes, unbiased=not biased))


_ATTRIBUTES = {"epsilon": "eps", "groups": "num_groups", "momentum": "momentum"}


def norm(module: Any, settings: Settings) -> Forward:
    """The norms without statistics: the same rule, other settings."""
    for name, attribute in _ATTRIBUTES.items():
        if name in settings and hasattr(module, attribute):
            setattr(module, attribute, settings[name])
    return module.forward


def embedding(module: Any, settings: Settings) -> Forward:
    """Every row is trained, and none is made shorter."""
    module.padding_idx = module.max_norm = None
    return module.forward


NORMS: tuple[type[nn.Module], ...] = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
